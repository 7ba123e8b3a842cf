//! Turns pixels into the bytes of a PNG, JPEG or WebP picture.
//!
//! Which encoder, and why, by measurement (1280×720, film, one thread; milliseconds and kilobytes a picture):
//!
//! | encoder | ms | kB |
//! |---|---|---|
//! | PNG, fdeflate with adaptive filters | 12 | 1452 |
//! | PNG, deflate at level 2 / 4 / 6 / 9 | 80 / 157 / 541 / 1434 | 1310 / 1249 / 1188 / 1167 |
//! | lossless WebP by image-webp | 19 | 881 |
//! | lossless WebP by libwebp, method 0 / 1 / 4 at effort 75 | 121 / 278 / 691 | 776 / 700 / 605 |
//! | lossy WebP by libwebp at quality 80, method 0 / 1 / 2 / 4 | 32 / 38 / 58 / 134 | 104 / 102 / 88 / 84 |
//!
//! libwebp's own encoder of animations works on one thread and keeps the file to itself, so single pictures are encoded
//! here and `mux` writes the animation.

use std::borrow::Cow;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use png::{BitDepth, ColorType, DeflateCompression, Filter};

use super::{EncoderConfig, RateControl};
use crate::codec::VideoCodec;
use crate::error::{Error, Result};
use crate::frame::{Frame, PixelRect, Size};
use crate::mux::webp_part;

/// The quality of a JPEG that was not asked for one, in percent (HTML, `canvas.toBlob`; Chromium's default).
const JPEG_QUALITY: u8 = 92;

/// How pictures are encoded.
#[derive(Debug, Clone)]
pub struct PictureCodec {
    kind: PictureKind,
    alpha: bool,
}

#[derive(Debug, Clone)]
enum PictureKind {
    Png(DeflateCompression),
    /// Quality in percent.
    Jpeg(u8),
    WebP,
    #[cfg(feature = "webp")]
    LibWebP(LibWebPSettings),
}

/// The settings of libwebp.
#[cfg(feature = "webp")]
#[derive(Debug, Clone)]
struct LibWebPSettings {
    lossless: bool,
    /// Quality of lossy pictures, effort for lossless ones; 0 to 100.
    quality: u8,
    /// 0 (fastest) to 6 (smallest).
    method: u8,
}

impl PictureCodec {
    /// The codec of `config`: a quality makes WebP lossy; a speed below the fastest makes files smaller.
    ///
    /// # Errors
    /// `NotSupportedError` for WebP that needs libwebp where it is not built in.
    pub fn new(config: &EncoderConfig) -> Result<Self> {
        let quality = match config.rate_control {
            RateControl::Quality(quality) => Some(quality),
            RateControl::Bitrate(_) => None,
        };
        let kind = match config.codec {
            VideoCodec::Png => PictureKind::Png(match config.speed {
                None | Some(8..) => DeflateCompression::FdeflateUltraFast,
                Some(5..) => DeflateCompression::Level(2),
                Some(3..) => DeflateCompression::Level(4),
                Some(1..) => DeflateCompression::Level(6),
                Some(0) => DeflateCompression::Level(9),
            }),
            VideoCodec::Jpeg => PictureKind::Jpeg(quality.unwrap_or(JPEG_QUALITY).max(1)),
            VideoCodec::WebP => webp_kind(quality, config.speed)?,
            other => return Err(Error::not_supported(format!("expected png, jpeg or webp but found {other}"))),
        };
        Ok(Self { kind, alpha: config.alpha && config.codec.has_alpha() })
    }

    /// Whether pictures keep their transparency.
    pub fn keeps_alpha(&self) -> bool {
        self.alpha
    }

    /// Whether a picture can be a part of another: there is no animated JPEG.
    pub fn has_parts(&self) -> bool {
        !matches!(self.kind, PictureKind::Jpeg(_))
    }

    /// The smallest rectangle around `part` that a picture's part may have: WebP's begin at even positions.
    pub fn aligned(&self, part: PixelRect) -> PixelRect {
        if let PictureKind::Png(_) | PictureKind::Jpeg(_) = self.kind {
            return part;
        }
        let PixelRect { x, y, size: Size { width, height } } = part;
        PixelRect { x: x & !1, y: y & !1, size: Size::new(width + (x & 1), height + (y & 1)) }
    }

    /// The picture of these pixels: a file, or a part of the picture before it, at the place `part`.
    ///
    /// # Errors
    /// `NotSupportedError` when the picture cannot be encoded.
    pub fn encode(&self, pixels: &PicturePixels<'_>, part: Option<PixelRect>) -> Result<Vec<u8>> {
        let whole = match &self.kind {
            PictureKind::Png(compression) => return png(pixels, *compression, part),
            PictureKind::Jpeg(quality) => jpeg(pixels, *quality),
            PictureKind::WebP => lossless_webp(pixels),
            #[cfg(feature = "webp")]
            PictureKind::LibWebP(settings) => libwebp(pixels, settings),
        }?;
        match part {
            Some(part) => webp_part(&whole, part),
            None => Ok(whole),
        }
    }
}

#[cfg(feature = "webp")]
fn webp_kind(quality: Option<u8>, speed: Option<u8>) -> Result<PictureKind> {
    let settings = |lossless, quality, method| PictureKind::LibWebP(LibWebPSettings { lossless, quality, method });
    Ok(match (quality, speed) {
        (Some(quality), None | Some(8..=9)) => settings(false, quality, 1),
        (Some(quality), Some(10..)) => settings(false, quality, 0),
        (Some(quality), Some(5..)) => settings(false, quality, 2),
        (Some(quality), Some(2..)) => settings(false, quality, 4),
        (Some(quality), Some(_)) => settings(false, quality, 6),
        (None, None | Some(5..)) => PictureKind::WebP,
        (None, Some(3..)) => settings(true, 0, 0),
        (None, Some(1..)) => settings(true, 0, 1),
        (None, Some(0)) => settings(true, 75, 4),
    })
}

#[cfg(not(feature = "webp"))]
fn webp_kind(quality: Option<u8>, _speed: Option<u8>) -> Result<PictureKind> {
    match quality {
        None => Ok(PictureKind::WebP),
        Some(quality) => Err(Error::not_supported(format!(
            "expected lossless WebP but found a quality of {quality}, and libwebp is not built in; build with \
             `--features webp` (needs a C compiler)"
        ))),
    }
}

/// The pixels of a picture, row by row without padding.
pub struct PicturePixels<'a> {
    /// Four bytes a pixel, R, G, B, A; or three, without A.
    bytes: Cow<'a, [u8]>,
    size: Size,
    alpha: bool,
}

impl<'a> PicturePixels<'a> {
    /// The pixels of an RGBA frame within `rect`; without alpha, transparent ones are laid over black.
    pub fn of(frame: &'a Frame, rect: PixelRect, alpha: bool) -> Self {
        const PIXEL: usize = 4;
        let (row, stride) = (rect.size.width as usize * PIXEL, frame.planes()[0].stride);
        let rows = || {
            let rows = frame.rows(0).skip(rect.y as usize).take(rect.size.height as usize);
            rows.flat_map(move |all| &all[rect.x as usize * PIXEL..][..row])
        };
        let bytes = if !alpha {
            let over_black = |c: u8, a: u8| ((u32::from(c) * u32::from(a) + 127) / 255) as u8;
            let rows = frame.rows(0).skip(rect.y as usize).take(rect.size.height as usize);
            let pixels = rows.flat_map(|all| all[rect.x as usize * PIXEL..][..row].as_chunks::<PIXEL>().0);
            Cow::Owned(pixels.flat_map(|&[r, g, b, a]| [r, g, b].map(|c| over_black(c, a))).collect())
        } else if rect == PixelRect::whole(frame.size()) && stride == row {
            Cow::Borrowed(frame.plane_data(0))
        } else {
            Cow::Owned(rows().copied().collect())
        };
        Self { bytes, size: rect.size, alpha }
    }

    fn color_type(&self) -> ExtendedColorType {
        if self.alpha { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 }
    }
}

fn failed(format: &str, size: Size, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::not_supported(format!("could not encode a {format} picture of {size}")).with_cause(cause)
}

fn png(pixels: &PicturePixels<'_>, compression: DeflateCompression, part: Option<PixelRect>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.size.width, pixels.size.height);
    encoder.set_color(if pixels.alpha { ColorType::Rgba } else { ColorType::Rgb });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_deflate_compression(compression);
    encoder.set_filter(Filter::Adaptive);
    let written = encoder.write_header().and_then(|mut writer| {
        if let Some(PixelRect { x, y, .. }) = part {
            // The last byte says that both are pixels.
            let [x, y] = [x, y].map(u32::to_be_bytes);
            writer.write_chunk(png::chunk::ChunkType(*b"oFFs"), &[&x[..], &y, &[0]].concat())?;
        }
        writer.write_image_data(&pixels.bytes)?;
        writer.finish()
    });
    written.map_err(|error| failed("PNG", pixels.size, error))?;
    Ok(bytes)
}

fn jpeg(pixels: &PicturePixels<'_>, quality: u8) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Size { width, height } = pixels.size;
    let written = JpegEncoder::new_with_quality(&mut bytes, quality);
    let written = written.write_image(&pixels.bytes, width, height, pixels.color_type());
    written.map_err(|error| failed("JPEG", pixels.size, error))?;
    Ok(bytes)
}

fn lossless_webp(pixels: &PicturePixels<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Size { width, height } = pixels.size;
    let written = WebPEncoder::new_lossless(&mut bytes).write_image(&pixels.bytes, width, height, pixels.color_type());
    written.map_err(|error| failed("WebP", pixels.size, error))?;
    Ok(bytes)
}

#[cfg(feature = "webp")]
fn libwebp(pixels: &PicturePixels<'_>, settings: &LibWebPSettings) -> Result<Vec<u8>> {
    let refused = |found: String| {
        Error::not_supported(format!("expected a WebP picture of {} from libwebp but found {found}", pixels.size))
    };
    let Ok(mut config) = webp::WebPConfig::new() else {
        return Err(refused("no settings; it is of another version".to_owned()));
    };
    config.lossless = settings.lossless.into();
    // Colours that are not seen are kept too.
    config.exact = settings.lossless.into();
    config.quality = settings.quality.into();
    config.method = settings.method.into();
    let layout = if pixels.alpha { webp::PixelLayout::Rgba } else { webp::PixelLayout::Rgb };
    let Size { width, height } = pixels.size;
    let encoded = webp::Encoder::new(&pixels.bytes, layout, width, height).encode_advanced(&config);
    encoded.map(|bytes| bytes.to_vec()).map_err(|error| refused(format!("{error:?}")))
}
