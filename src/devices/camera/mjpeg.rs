//! Decodes Motion JPEG to planes, by libjpeg-turbo. Colours are not converted here.

use turbojpeg::{Decompressor, Image, PixelFormat as JpegPixels, Subsamp, YuvImage};

use crate::color::{ColorSpace, Matrix, Range, Siting};
use crate::error::{Error, Result};
use crate::frame::{Frame, PixelFormat, Plane, Size};
use crate::source::MAX_SIDE;

/// JFIF: BT.601, full range, chroma in the middle.
const JFIF: ColorSpace =
    ColorSpace { matrix: Matrix::Bt601, range: Range::Full, siting: Siting::Center, ..ColorSpace::RECORDED };

/// Decodes one frame after another.
pub struct MjpegDecoder(Decompressor);

impl MjpegDecoder {
    pub fn new() -> Result<Self> {
        Decompressor::new().map(Self).map_err(damaged)
    }

    /// Decodes a frame, to planes with the JPEG's own subsampling.
    ///
    /// # Errors
    /// When the data is no JPEG, is damaged, or is larger than the largest size allowed.
    pub fn decode(&mut self, jpeg: &[u8]) -> Result<Frame> {
        let decoded = self.decode_planes(jpeg);
        if decoded.is_err() {
            // After an error the decoder refuses undamaged frames too, so it is replaced.
            self.0 = Decompressor::new().map_err(damaged)?;
        }
        decoded
    }

    fn decode_planes(&mut self, jpeg: &[u8]) -> Result<Frame> {
        let header = self.0.read_header(jpeg).map_err(damaged)?;
        let (width, height) = (header.width, header.height);
        if width.max(height) > MAX_SIDE as usize {
            return Err(Error::not_readable(format!(
                "expected a picture of at most {MAX_SIDE}x{MAX_SIDE} but found {width}x{height}"
            )));
        }
        let size = Size::new(width as u32, height as u32);
        let (format, pad_x, pad_y) = match header.subsamp {
            Subsamp::Sub2x2 => (PixelFormat::I420, 2, 2),
            Subsamp::Sub2x1 => (PixelFormat::I422, 2, 1),
            Subsamp::None => (PixelFormat::I444, 1, 1),
            Subsamp::Gray => (PixelFormat::Gray8, 1, 1),
            _ => return self.decode_rgb(jpeg, size),
        };
        // libjpeg-turbo's planes hold whole blocks of chroma.
        let (padded_width, padded_height) = (width.next_multiple_of(pad_x), height.next_multiple_of(pad_y));
        let luma = padded_width * padded_height;
        let chroma = (padded_width / pad_x) * (padded_height / pad_y);
        let mut planes = vec![Plane { offset: 0, stride: padded_width }];
        if format != PixelFormat::Gray8 {
            planes.extend([luma, luma + chroma].map(|offset| Plane { offset, stride: padded_width / pad_x }));
        }
        let mut pixels = vec![0; luma + chroma * (planes.len() - 1)];
        let subsamp = header.subsamp;
        let image = YuvImage { pixels: pixels.as_mut_slice(), width, align: 1, height, subsamp };
        self.0.decompress_to_yuv(jpeg, image).map_err(damaged)?;
        Ok(Frame::strided(format, size, JFIF, &planes, pixels))
    }

    /// Subsampling that no camera uses.
    fn decode_rgb(&mut self, jpeg: &[u8], size: Size) -> Result<Frame> {
        let (width, height) = (size.width as usize, size.height as usize);
        let mut pixels = vec![0; width * height * 3];
        let image = Image { pixels: pixels.as_mut_slice(), width, pitch: width * 3, height, format: JpegPixels::RGB };
        self.0.decompress(jpeg, image).map_err(damaged)?;
        Ok(Frame::packed(PixelFormat::Rgb8, size, JFIF, pixels))
    }
}

fn damaged(error: turbojpeg::Error) -> Error {
    Error::not_readable("expected a whole JPEG picture but found a damaged one").with_cause(error)
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;

    use super::*;

    /// A JPEG picture of this size, all of one colour.
    fn jpeg(width: u32, height: u32, color: [u8; 3]) -> Vec<u8> {
        let picture = image::RgbImage::from_pixel(width, height, image::Rgb(color));
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 95).encode_image(&picture).unwrap();
        bytes
    }

    #[test]
    fn a_picture_comes_in_its_own_planes_whatever_its_size() {
        for (width, height) in [(64, 48), (33, 17)] {
            let frame = MjpegDecoder::new().unwrap().decode(&jpeg(width, height, [200, 200, 200])).unwrap();
            assert_eq!(frame.size(), Size::new(width, height));
            assert!(frame.data()[0].abs_diff(200) <= 2, "full range luma, found {}", frame.data()[0]);
        }
    }

    #[test]
    fn damaged_pictures_are_errors_and_the_next_whole_one_is_decoded() {
        let mut decoder = MjpegDecoder::new().unwrap();
        let whole = jpeg(64, 48, [10, 200, 30]);
        for damaged in [&b""[..], b"\xff\xd8\xff", b"no picture", &whole[..40]] {
            assert!(decoder.decode(damaged).is_err());
        }
        assert!(decoder.decode(&whole).is_ok());
    }
}
