//! Encodes a frame as a still: PNG, JPEG or WebP (HTML: `canvas.toBlob`, `canvas.toDataURL`).

use std::io::Cursor;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::codec::VideoCodec;
use crate::error::{Error, Result};
use crate::frame::{Frame, PixelFormat};

/// A still's file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StillFormat {
    /// Lossless, with alpha.
    Png,
    /// Lossy; transparent pixels are blended over black.
    Jpeg,
    /// Lossless, with alpha.
    WebP,
}

impl StillFormat {
    /// The default quality of a JPEG, 0–1.
    pub const DEFAULT_QUALITY: f32 = 0.92;

    /// The format of a file name's extension.
    ///
    /// # Errors
    /// A syntax error for any other extension.
    pub fn from_path(path: &Path) -> Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "png" => Ok(Self::Png),
            "jpg" | "jpeg" => Ok(Self::Jpeg),
            "webp" => Ok(Self::WebP),
            _ => Err(Error::syntax(format!(
                "expected a still to end in .png, .jpg or .webp but found `{}`",
                path.display()
            ))),
        }
    }

    /// The format of this MIME type, ignoring case; PNG for any type that is not supported (HTML, "a serialization of
    /// the bitmap as a file").
    pub fn from_mime_type(mime_type: &str) -> Self {
        let others = [Self::Jpeg, Self::WebP];
        others.into_iter().find(|format| mime_type.eq_ignore_ascii_case(format.mime_type())).unwrap_or(Self::Png)
    }

    /// The codec of its pictures.
    pub fn codec(self) -> VideoCodec {
        match self {
            Self::Png => VideoCodec::Png,
            Self::Jpeg => VideoCodec::Jpeg,
            Self::WebP => VideoCodec::WebP,
        }
    }

    /// Its MIME type (RFC 2046, RFC 9649).
    pub fn mime_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }
}

/// Encodes an RGBA frame. `quality`, 0–1, applies to JPEG; a value outside or absent means
/// [`StillFormat::DEFAULT_QUALITY`] (HTML, "a serialization of the bitmap as a file").
///
/// # Errors
/// `NotSupportedError` for a frame that is not RGBA or too large for the format.
pub fn encode(frame: &Frame, format: StillFormat, quality: Option<f32>) -> Result<Vec<u8>> {
    if frame.format() != PixelFormat::Rgba8 {
        return Err(Error::not_supported(format!("expected an RGBA frame but found {:?}", frame.format())));
    }
    let rgba: Vec<u8> = frame.rows(0).flatten().copied().collect();
    let (width, height) = (frame.size().width, frame.size().height);
    let mut bytes = Cursor::new(Vec::new());
    let written = match format {
        StillFormat::Png => PngEncoder::new(&mut bytes).write_image(&rgba, width, height, ExtendedColorType::Rgba8),
        StillFormat::WebP => {
            WebPEncoder::new_lossless(&mut bytes).write_image(&rgba, width, height, ExtendedColorType::Rgba8)
        }
        StillFormat::Jpeg => {
            let quality = quality.filter(|quality| (0.0..=1.0).contains(quality));
            let percent = (quality.unwrap_or(StillFormat::DEFAULT_QUALITY) * 100.0).round().max(1.0) as u8;
            let over_black = |c: u8, a: u8| ((u32::from(c) * u32::from(a) + 127) / 255) as u8;
            let rgb: Vec<u8> = rgba.chunks_exact(4).flat_map(|p| [0, 1, 2].map(|c| over_black(p[c], p[3]))).collect();
            JpegEncoder::new_with_quality(&mut bytes, percent).write_image(&rgb, width, height, ExtendedColorType::Rgb8)
        }
    };
    written.map_err(|error| {
        Error::not_supported(format!("could not write a {} of {}", format.mime_type(), frame.size())).with_cause(error)
    })?;
    Ok(bytes.into_inner())
}

/// A still as a `data:` URL (RFC 2397): its type and its bytes in base64 (RFC 4648 §4).
pub fn data_url(bytes: &[u8], format: StillFormat) -> String {
    data_url_of(bytes, format.mime_type())
}

/// A file of any type as a `data:` URL.
pub(crate) fn data_url_of(bytes: &[u8], mime_type: &str) -> String {
    let mut url = format!("data:{mime_type};base64,");
    STANDARD.encode_string(bytes, &mut url);
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorSpace;
    use crate::frame::Size;

    fn frame() -> Frame {
        let data = [255, 0, 0, 255, 0, 255, 0, 255, 10, 20, 30, 128, 0, 0, 0, 0].to_vec();
        Frame::packed(PixelFormat::Rgba8, Size::new(2, 2), ColorSpace::RECORDED, data)
    }

    #[test]
    fn lossless_stills_read_back_bit_for_bit() {
        for format in [StillFormat::Png, StillFormat::WebP] {
            let bytes = encode(&frame(), format, None).unwrap();
            let back = image::load_from_memory(&bytes).unwrap().to_rgba8();
            assert_eq!(back.as_raw(), frame().data(), "{format:?}");
        }
    }

    #[test]
    fn a_quality_outside_0_to_1_means_the_default() {
        let size = |quality| encode(&frame(), StillFormat::Jpeg, quality).unwrap();
        assert_eq!(size(Some(7.0)), size(None));
        assert_eq!(size(Some(-0.1)), size(None));
        assert_ne!(size(Some(0.1)), size(None));
    }

    #[test]
    fn data_urls_are_base64_as_in_the_rfcs_examples() {
        for (text, base64) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(data_url(text.as_bytes(), StillFormat::Png), format!("data:image/png;base64,{base64}"));
        }
    }
}
