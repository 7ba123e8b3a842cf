//! Frames of another size than the recording's: fitted in, cropped, stretched or refused.

use std::str::FromStr;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, ResizeOptions, Resizer};

use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, PixelFormat, Size};

/// How frames of another size than the recording's are brought to it (CSS `object-fit`). The recording's size is the
/// track's when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Fit {
    /// The whole picture, with black around it where the shapes differ.
    #[default]
    Contain,
    /// The recording's whole area is filled; the excess is cut off equally on both sides.
    Cover,
    /// Stretched to the recording's shape.
    Fill,
    /// The recording ends with an error.
    Error,
}

/// `contain`, `cover`, `fill`, `error`.
impl FromStr for Fit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "contain" => Ok(Self::Contain),
            "cover" => Ok(Self::Cover),
            "fill" => Ok(Self::Fill),
            "error" => Ok(Self::Error),
            _ => Err(Error::syntax(format!("expected contain, cover, fill or error but found `{text}`"))),
        }
    }
}

/// Brings frames of one format, RGBA or I420 of 8 or 10 bits, to one size.
pub struct Fitter {
    format: PixelFormat,
    size: Size,
    fit: Fit,
    resizer: Resizer,
}

impl Fitter {
    /// Frames of `format` to `size`, which is not zero.
    pub fn new(format: PixelFormat, size: Size, fit: Fit) -> Self {
        Self { format, size, fit, resizer: Resizer::new() }
    }

    /// The frame at the recording's size, with its timestamp unchanged.
    ///
    /// # Errors
    /// `InvalidModificationError` for a frame of another size, with [`Fit::Error`].
    pub fn fit(&mut self, frame: &Frame) -> Result<Frame> {
        if frame.size() == self.size {
            return Ok(frame.clone());
        }
        if self.fit == Fit::Error {
            return Err(Error::new(
                ErrorKind::InvalidModification,
                format!("expected frames of {} throughout but found one of {}", self.size, frame.size()),
            ));
        }
        let whole = |size: Size| (f64::from(size.width), f64::from(size.height));
        let ((from_x, from_y), (to_x, to_y)) = (whole(frame.size()), whole(self.size));
        let scale = match self.fit {
            Fit::Cover => (to_x / from_x).max(to_y / from_y),
            _ => (to_x / from_x).min(to_y / from_y),
        };
        let (scale_x, scale_y) = if self.fit == Fit::Fill { (to_x / from_x, to_y / from_y) } else { (scale, scale) };
        // The visible part of the frame, and the part of the recording that it fills. Chroma has half the resolution,
        // so the filled part begins and ends at even positions.
        let seen = ((to_x / scale_x).min(from_x), (to_y / scale_y).min(from_y));
        let even = |part: f64, all: u32| (((part / 2.0).round() as u32 * 2).max(2)).min(all.next_multiple_of(2));
        let filled = [even(seen.0 * scale_x, self.size.width), even(seen.1 * scale_y, self.size.height)];
        let mut data = Frame::black_in(self.format, self.size).data().to_vec();
        let (pixel_type, bytes) = match self.format {
            PixelFormat::Rgba8 => (PixelType::U8x4, 4),
            PixelFormat::I420P10 => (PixelType::U16, 2),
            _ => (PixelType::U8, 1),
        };
        let mut start = 0;
        for plane in 0..self.format.planes() {
            let shift = u32::from(plane > 0);
            // In bytes of a row, and in pixels.
            let (row_bytes, height) = self.format.plane_size(plane, self.size);
            let (from_row, from_height) = self.format.plane_size(plane, frame.size());
            let (width, from_width) = (row_bytes / bytes, from_row / bytes);
            let part = [(filled[0] >> shift).min(width as u32), (filled[1] >> shift).min(height as u32)];
            let tight: Vec<u8> = frame.rows(plane).flatten().copied().collect();
            let failed =
                |error: &dyn std::fmt::Display| Error::unknown(format!("a frame could not be resized: {error}"));
            let source = ImageRef::new(from_width as u32, from_height as u32, &tight, pixel_type)
                .map_err(|error| failed(&error))?;
            let mut target = Image::new(part[0], part[1], pixel_type);
            let chroma = f64::from(1 << shift);
            let (seen_x, seen_y) =
                ((seen.0 / chroma).min(from_width as f64), (seen.1 / chroma).min(from_height as f64));
            let (left, top) = ((from_width as f64 - seen_x) / 2.0, (from_height as f64 - seen_y) / 2.0);
            let options = ResizeOptions::new().crop(left, top, seen_x, seen_y);
            self.resizer.resize(&source, &mut target, &options).map_err(|error| failed(&error))?;
            let (left, top) = ((width - part[0] as usize) / 2, (height - part[1] as usize) / 2);
            // Even luma offsets keep chroma aligned with luma.
            let (left, top) = if plane == 0 { (left & !1, top & !1) } else { (left, top) };
            if self.format == PixelFormat::I420P10 {
                // The filter overshoots at edges.
                for sample in target.buffer_mut().chunks_exact_mut(2) {
                    let code = u16::from_le_bytes([sample[0], sample[1]]).min(1023);
                    sample.copy_from_slice(&code.to_le_bytes());
                }
            }
            for (y, row) in target.buffer().chunks_exact(part[0] as usize * bytes).enumerate() {
                data[start + (top + y) * row_bytes + left * bytes..][..row.len()].copy_from_slice(row);
            }
            start += row_bytes * height;
        }
        Ok(Frame::packed(self.format, self.size, frame.color, data).with_timestamp(frame.timestamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorSpace;

    /// A frame whose left half is 200 and right half 100 in luma, 60 and 180 in chroma.
    fn halves(size: Size) -> Frame {
        let mut data = Vec::new();
        for plane in 0..3 {
            let (width, height) = PixelFormat::I420.plane_size(plane, size);
            let (left, right) = if plane == 0 { (200, 100) } else { (60, 180) };
            data.extend((0..height).flat_map(|_| (0..width).map(move |x| if x < width / 2 { left } else { right })));
        }
        Frame::packed(PixelFormat::I420, size, ColorSpace::RECORDED, data)
    }

    /// Luma at these places, and the first chroma plane's at the same.
    fn seen(fit: Fit, from: Size, to: Size, places: &[(usize, usize)]) -> Vec<(u8, u8)> {
        let frame = Fitter::new(PixelFormat::I420, to, fit).fit(&halves(from)).unwrap();
        assert_eq!(frame.size(), to);
        let at = |plane: usize, (x, y): (usize, usize)| frame.rows(plane).nth(y).unwrap()[x];
        places.iter().map(|&(x, y)| (at(0, (x, y)), at(1, (x / 2, y / 2)))).collect()
    }

    const LEFT: (u8, u8) = (200, 60);
    const RIGHT: (u8, u8) = (100, 180);
    const BLACK: (u8, u8) = (16, 128);

    #[test]
    fn contain_shows_all_with_black_around() {
        let to = Size::new(64, 64);
        let places = [(2, 2), (2, 32), (61, 32), (32, 61)];
        assert_eq!(seen(Fit::Contain, Size::new(128, 64), to, &places), [BLACK, LEFT, RIGHT, BLACK]);
        let places = [(2, 32), (20, 2), (43, 61), (61, 32)];
        assert_eq!(seen(Fit::Contain, Size::new(32, 64), to, &places), [BLACK, LEFT, RIGHT, BLACK]);
    }

    #[test]
    fn cover_leaves_no_black_and_fill_shows_all_without() {
        let (from, to) = (Size::new(128, 32), Size::new(64, 64));
        let places = [(0, 0), (20, 32), (43, 32), (63, 63)];
        for fit in [Fit::Cover, Fit::Fill] {
            assert_eq!(seen(fit, from, to, &places), [LEFT, LEFT, RIGHT, RIGHT], "{fit:?}");
        }
    }

    #[test]
    fn odd_sizes_are_no_trouble() {
        let sizes = [(17, 33), (64, 48), (63, 47), (16, 16), (255, 1), (1, 255), (640, 360)];
        for (from, to) in sizes.iter().flat_map(|from| sizes.map(|to| (*from, to))) {
            for fit in [Fit::Contain, Fit::Cover, Fit::Fill] {
                let (from, to) = (Size::new(from.0, from.1), Size::new(to.0, to.1));
                assert_eq!(
                    Fitter::new(PixelFormat::I420, to, fit).fit(&halves(from)).unwrap().size(),
                    to,
                    "{fit:?} {from} to {to}"
                );
            }
        }
    }

    #[test]
    fn ten_bits_are_fitted_as_eight_are() {
        for (from, to) in [(Size::new(128, 64), Size::new(64, 64)), (Size::new(17, 33), Size::new(63, 47))] {
            let fitted = |format| {
                let frame = halves(from).converted(format);
                Fitter::new(format, to, Fit::Contain).fit(&frame).unwrap().converted(PixelFormat::I420)
            };
            let (eight, ten) = (fitted(PixelFormat::I420), fitted(PixelFormat::I420P10));
            let most = eight.data().iter().zip(ten.data()).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(most <= Some(1), "{from} to {to}: {most:?}");
        }
    }

    #[test]
    fn error_refuses_another_size_by_name() {
        let error =
            Fitter::new(PixelFormat::I420, Size::new(64, 64), Fit::Error).fit(&halves(Size::new(32, 32))).unwrap_err();
        assert_eq!(error.kind().name(), "InvalidModificationError");
        assert_eq!(error.to_string(), "expected frames of 64x64 throughout but found one of 32x32");
    }
}
