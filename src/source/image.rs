//! A still picture as a source: one frame, repeated for ever.
//!
//! # Budget
//! A file has at most 512 MiB, a picture at most 16384x16384 pixels. The memory for decoding (the decoded pixels, a
//! copy of them where the picture is to be turned, and 4 bytes a pixel where they are not 8-bit RGBA) is computed from
//! the header, and is at most 1 GiB: else the picture is refused before its pixels are read. The decoders themselves
//! use at most 1 GiB more.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{MAX_SIDE, Source, SourceInfo, SourceOptions, checked_size};
use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::frame::{Frame, PixelFormat};
use crate::time::FrameRate;

/// The rate when none is asked for.
pub const DEFAULT_RATE: FrameRate = FrameRate::whole(25);

/// The largest file, in bytes: some decoders read all of it first.
const MAX_FILE: u64 = 512 << 20;
/// The most memory that pixels may take while a picture is opened, in bytes.
const MAX_MEMORY: u64 = 1 << 30;

/// The still format of a file with these first bytes; none for other files and for formats that are not read here.
pub fn sniff(head: &[u8]) -> Option<ImageFormat> {
    let format = image::guess_format(head).ok()?;
    matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Bmp).then_some(format)
}

/// Gives one PNG, JPEG, WebP or BMP picture again and again; of an animation, the first frame.
#[derive(Debug)]
pub struct ImageSource {
    info: SourceInfo,
    rate: FrameRate,
    frame: Frame,
    has_alpha: bool,
    next: u64,
}

impl ImageSource {
    /// Decodes the file as `format`, turned upright by its EXIF orientation. Any start is within it.
    pub fn open(path: &Path, format: ImageFormat, options: &SourceOptions) -> Result<Self> {
        let frame = decode(path, format)?;
        let rate = options.rate.unwrap_or(DEFAULT_RATE);
        let has_alpha = frame.data().chunks_exact(4).any(|pixel| pixel[3] < u8::MAX);
        let info = SourceInfo { kind: "image", size: frame.size(), rate: Some(rate), frames: None, endless: true };
        Ok(Self { info, rate, frame, has_alpha, next: 0 })
    }
}

/// Decodes the picture in this file as `format`, turned upright by its EXIF orientation: RGBA with straight alpha.
pub(super) fn decode(path: &Path, format: ImageFormat) -> Result<Frame> {
    let file = File::open(path).map_err(|error| Error::reading(path, error))?;
    let len = file.metadata().map_err(|error| Error::reading(path, error))?.len();
    if len > MAX_FILE {
        let message = format!("expected a picture of at most {} MiB but found {} MiB", MAX_FILE >> 20, len >> 20);
        return Err(Error::not_supported(message).at(path.display()));
    }
    let name = format!("{format:?}").to_uppercase();
    let damaged = |error: image::ImageError| {
        Error::not_readable(format!("expected a whole {name} picture but found a damaged or too large one"))
            .at(path.display())
            .with_cause(error)
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(BufReader::new(file), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    checked_size(width.into(), height.into()).map_err(|error| error.at(path.display()))?;
    let orientation = decoder.orientation().map_err(damaged)?;
    let turned = orientation != Orientation::NoTransforms;
    let copied = if decoder.color_type() == ColorType::Rgba8 { 0 } else { 4 * u64::from(width) * u64::from(height) };
    let needed = decoder.total_bytes().saturating_mul(1 + u64::from(turned)).saturating_add(copied);
    if needed > MAX_MEMORY {
        let message = format!(
            "expected a picture whose pixels take at most {} MiB but found {width}x{height} pixels that take {} MiB",
            MAX_MEMORY >> 20,
            needed >> 20
        );
        return Err(Error::not_supported(message).at(path.display()));
    }
    let mut picture = image::DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(orientation);
    let size =
        checked_size(picture.width().into(), picture.height().into()).map_err(|error| error.at(path.display()))?;
    let pixels = picture.into_rgba8().into_raw();
    Ok(Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, pixels))
}

impl Source for ImageSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn has_alpha(&self) -> bool {
        self.has_alpha
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let timestamp = self.rate.timestamp(self.next);
        self.next += 1;
        Ok(Some(self.frame.clone().with_timestamp(timestamp)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn written(format: ImageFormat) -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture");
        let pixels: Vec<u8> = (0..7 * 5 * 3_u32).map(|value| (value * 31 % 256) as u8).collect();
        let picture = image::RgbImage::from_raw(7, 5, pixels.clone()).unwrap();
        picture.save_with_format(&path, format).unwrap();
        (folder, path, pixels)
    }

    #[test]
    fn a_lossless_still_gives_its_own_pixels_again_and_again() {
        for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp] {
            let (_folder, path, pixels) = written(format);
            let head = std::fs::read(&path).unwrap();
            assert_eq!(sniff(&head), Some(format));
            let mut source = ImageSource::open(&path, format, &SourceOptions::default()).unwrap();
            assert!(source.info().endless);
            for index in 0..3 {
                let frame = source.next_frame().unwrap().unwrap();
                let rgb: Vec<u8> = frame.data().chunks(4).flat_map(|pixel| pixel[..3].to_vec()).collect();
                assert_eq!(rgb, pixels, "{format:?}");
                assert_eq!(frame.timestamp, Timestamp::from_nanos(index * 40_000_000));
            }
        }
    }

    #[test]
    fn a_still_cut_anywhere_is_an_error_or_a_picture_but_never_a_panic() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp] {
            let (_folder, path, _) = written(format);
            let bytes = std::fs::read(&path).unwrap();
            for len in 0..bytes.len() {
                std::fs::write(&path, &bytes[..len]).unwrap();
                let opened = ImageSource::open(&path, format, &SourceOptions::default());
                if len < 20 {
                    assert!(opened.is_err(), "{format:?} cut at {len}");
                }
            }
        }
    }

    #[test]
    fn a_header_that_promises_too_much_is_refused() {
        let (_folder, path, _) = written(ImageFormat::Bmp);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[18..22].copy_from_slice(&60_000_u32.to_le_bytes());
        std::fs::write(&path, &bytes).unwrap();
        assert!(ImageSource::open(&path, ImageFormat::Bmp, &SourceOptions::default()).is_err());
    }
}
