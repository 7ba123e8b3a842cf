//! A small copy of a frame, in RGB: each pixel is the mean of the area that it covers.

use std::borrow::Cow;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use framereel::{Frame, PixelFormat, Size};

/// A picture of at least one pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    width: usize,
    height: usize,
    /// Row by row, sRGB-encoded.
    pixels: Vec<[u8; 3]>,
}

impl Thumbnail {
    /// Rows of `width` pixels.
    ///
    /// # Panics
    /// When there is no pixel, or an incomplete row.
    pub fn new(width: usize, pixels: Vec<[u8; 3]>) -> Self {
        assert!(!pixels.is_empty() && pixels.len().is_multiple_of(width), "{} pixels in rows of {width}", pixels.len());
        Self { width, height: pixels.len() / width, pixels }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.height
    }

    pub fn rows(&self) -> std::slice::ChunksExact<'_, [u8; 3]> {
        self.pixels.chunks_exact(self.width)
    }

    pub fn pixels(&self) -> &[[u8; 3]] {
        &self.pixels
    }
}

/// Makes thumbnails, and keeps the memory for them.
#[derive(Default)]
pub struct Thumbnailer {
    resizer: Resizer,
}

impl Thumbnailer {
    /// The frame at this size. None for a frame that is not I420 or a size of nothing: no recording has either.
    pub fn draw(&mut self, frame: &Frame, size: Size) -> Option<Thumbnail> {
        if frame.format() != PixelFormat::I420 {
            return None;
        }
        let [y, u, v] = [self.plane(frame, 0, size)?, self.plane(frame, 1, size)?, self.plane(frame, 2, size)?];
        let matrix = frame.color.yuv_to_rgb();
        let pixels = y.iter().zip(&u).zip(&v).map(|((&y, &u), &v)| {
            let yuv = [y, u, v].map(f32::from);
            // The matrix is for values of 0 to 1; only its last column does not scale with them.
            matrix.map(|[a, b, c, offset]| (a * yuv[0] + b * yuv[1] + c * yuv[2] + offset * 255.0).round() as u8)
        });
        Some(Thumbnail::new(size.width as usize, pixels.collect()))
    }

    /// A plane at the thumbnail's size. Where chroma lies between luma samples is ignored: it is less than one pixel.
    fn plane(&mut self, frame: &Frame, plane: usize, size: Size) -> Option<Vec<u8>> {
        let (width, height) = frame.format().plane_size(plane, frame.size());
        let samples = match frame.planes()[plane].stride {
            stride if stride == width => Cow::Borrowed(frame.plane_data(plane)),
            _ => Cow::Owned(frame.rows(plane).flatten().copied().collect::<Vec<u8>>()),
        };
        let source = ImageRef::new(width as u32, height as u32, &samples, PixelType::U8).ok()?;
        let mut target = Image::new(size.width, size.height, PixelType::U8);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box));
        self.resizer.resize(&source, &mut target, &options).ok()?;
        Some(target.into_vec())
    }
}

#[cfg(test)]
mod tests {
    use framereel::ColorSpace;
    use framereel::frame::Plane;

    use super::*;

    /// What BT.709 in limited range gives for a colour (BT.709-6, §3.2 to §3.4).
    fn yuv([r, g, b]: [f64; 3]) -> [u8; 3] {
        let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let code = |value: f64, scale: f64, zero: f64| (value / 255.0 * scale + zero).round() as u8;
        [code(luma, 219.0, 16.0), code((b - luma) / 1.8556, 224.0, 128.0), code((r - luma) / 1.5748, 224.0, 128.0)]
    }

    #[test]
    fn colors_come_back_and_pixels_are_means_of_what_they_cover() {
        let (left, right) = ([200.0, 30.0, 90.0], [20.0, 160.0, 220.0]);
        // Rows with padding, whose colours must not be seen.
        let (size, stride) = (Size::new(64, 32), 80);
        let mut data = Vec::new();
        let mut planes = Vec::new();
        for plane in 0..3 {
            let (width, height) = PixelFormat::I420.plane_size(plane, size);
            planes.push(Plane { offset: data.len(), stride });
            for _ in 0..height {
                let of = |x| if x < width / 2 { yuv(left)[plane] } else { yuv(right)[plane] };
                data.extend((0..stride).map(|x| if x < width { of(x) } else { 255 }));
            }
        }
        let frame = Frame::strided(PixelFormat::I420, size, ColorSpace::RECORDED, &planes, data);
        let near = |pixel: [u8; 3], color: [f64; 3]| {
            assert!(pixel.iter().zip(color).all(|(&a, b)| (f64::from(a) - b).abs() < 2.5), "{pixel:?} for {color:?}");
        };
        let mut thumbnailer = Thumbnailer::default();
        let halves = thumbnailer.draw(&frame, Size::new(8, 4)).unwrap();
        assert_eq!((halves.width(), halves.height()), (8, 4));
        for row in halves.rows() {
            (0..8).for_each(|x| near(row[x], if x < 4 { left } else { right }));
        }
        let mean = [0, 1, 2].map(|channel| (left[channel] + right[channel]) / 2.0);
        near(thumbnailer.draw(&frame, Size::new(1, 1)).unwrap().pixels()[0], mean);
        // A third of the width, of which a half is of either colour.
        near(thumbnailer.draw(&frame, Size::new(3, 1)).unwrap().pixels()[1], mean);
    }

    #[test]
    fn other_formats_have_no_thumbnail() {
        let frame = Frame::packed(PixelFormat::Gray8, Size::new(2, 2), ColorSpace::RECORDED, vec![0; 4]);
        assert_eq!(Thumbnailer::default().draw(&frame, Size::new(1, 1)), None);
    }
}
