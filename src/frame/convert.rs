//! Conversions on the processor between the formats that recorders take: for tracks that a program writes itself, and
//! for encoders of transparency. A canvas converts on the GPU.

use super::{Frame, PixelFormat};
use crate::color::ColorSpace;

impl Frame {
    /// The same frame as RGBA (straight alpha) or as I420 of 8 or 10 bits; frames of these formats are read. RGBA becomes
    /// I420 in [`ColorSpace::RECORDED`], in which transparent pixels turn black.
    pub(crate) fn converted(&self, format: PixelFormat) -> Self {
        match (self.format, format) {
            (PixelFormat::I420, PixelFormat::Rgba8) => self.to_rgba(),
            (PixelFormat::Rgba8, PixelFormat::I420) => self.to_i420(),
            (PixelFormat::I420, PixelFormat::I420P10) => self.deepened(),
            (PixelFormat::I420P10, PixelFormat::I420) => self.rounded(),
            (PixelFormat::I420P10, PixelFormat::Rgba8) => self.rounded().to_rgba(),
            (PixelFormat::Rgba8, PixelFormat::I420P10) => self.to_i420().deepened(),
            _ => self.clone(),
        }
    }

    /// I420 of 10 bits of one of 8, in the same colours.
    fn deepened(&self) -> Self {
        let samples = (0..3).flat_map(|plane| self.rows(plane).flatten());
        let data = samples.flat_map(|&sample| (u16::from(sample) << 2).to_le_bytes()).collect();
        Self::packed(PixelFormat::I420P10, self.size, self.color, data).with_timestamp(self.timestamp)
    }

    /// I420 of 8 bits of one of 10, in the same colours.
    fn rounded(&self) -> Self {
        let sample = |sample: &[u8]| (u16::from_le_bytes([sample[0], sample[1]]).saturating_add(2) / 4).min(255) as u8;
        let rows = (0..3).flat_map(|plane| self.rows(plane));
        let data = rows.flat_map(|row| row.chunks_exact(2).map(sample)).collect();
        Self::packed(PixelFormat::I420, self.size, self.color, data).with_timestamp(self.timestamp)
    }

    fn to_rgba(&self) -> Self {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let matrix = self.color.yuv_to_rgb();
        let mut data = Vec::with_capacity(width * height * 4);
        let rows: [Vec<&[u8]>; 3] = std::array::from_fn(|plane| self.rows(plane).collect());
        let siting = self.color.siting.offset();
        // The two chroma samples around a pixel, and the weight of the second, in quarters of a sample.
        let around = |at: usize, offset: f32, count: usize| {
            let position = (at as f32 - offset) / 2.0;
            let first = position.floor();
            let clamp = |index: f32| (index.max(0.0) as usize).min(count - 1);
            (clamp(first), clamp(first + 1.0), position - first)
        };
        let columns: Vec<_> = (0..width).map(|x| around(x, siting[0], width.div_ceil(2))).collect();
        for y in 0..height {
            let (above, below, down) = around(y, siting[1], height.div_ceil(2));
            for (x, &(left, right, across)) in columns.iter().enumerate() {
                let chroma = |plane: &[&[u8]]| {
                    let row = |row: &[u8]| f32::from(row[left]) * (1.0 - across) + f32::from(row[right]) * across;
                    (row(plane[above]) * (1.0 - down) + row(plane[below]) * down) / 255.0
                };
                let yuv = [f32::from(rows[0][y][x]) / 255.0, chroma(&rows[1]), chroma(&rows[2])];
                data.extend(matrix.map(|row| byte(row[0] * yuv[0] + row[1] * yuv[1] + row[2] * yuv[2] + row[3])));
                data.push(255);
            }
        }
        Self::packed(PixelFormat::Rgba8, self.size, self.color, data).with_timestamp(self.timestamp)
    }

    fn to_i420(&self) -> Self {
        self.to_i420_in(ColorSpace::RECORDED)
    }

    /// I420 of an RGBA frame in this colour space, with chroma on the left. Transparent pixels turn black.
    pub(crate) fn to_i420_in(&self, color: ColorSpace) -> Self {
        self.i420_weighted(color, |pixel, channel| u32::from(pixel[channel]) * u32::from(pixel[3]) / 255, |_| 1)
    }

    /// I420 of an RGBA frame's colours in this colour space, without its transparency. Where pixels share a chroma sample,
    /// transparent ones count less, and black pixels beside a picture do not colour its edge.
    pub(crate) fn straight_i420_in(&self, color: ColorSpace) -> Self {
        self.i420_weighted(color, |pixel, channel| u32::from(pixel[channel]), |pixel| u32::from(pixel[3]).max(1))
    }

    /// I420 of the colours `channel` of pixels; chroma is the mean of the pixels around it, weighted by `weight`.
    fn i420_weighted(
        &self,
        color: ColorSpace,
        channel: impl Fn(&[u8], usize) -> u32,
        weight: impl Fn(&[u8]) -> u32,
    ) -> Self {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let matrix = color.rgb_to_yuv();
        let value = |row: usize, [r, g, b]: [f32; 3]| {
            byte(matrix[row][0] * r + matrix[row][1] * g + matrix[row][2] * b + matrix[row][3])
        };
        let rows: Vec<&[u8]> = self.rows(0).collect();
        let pixel = |x: usize, y: usize| &rows[y][x * 4..x * 4 + 4];
        let mut data = Vec::with_capacity(Self::packed_len(PixelFormat::I420, self.size));
        for y in 0..height {
            data.extend((0..width).map(|x| {
                let pixel = pixel(x, y);
                value(0, [0, 1, 2].map(|index| channel(pixel, index) as f32 / 255.0))
            }));
        }
        for plane in 1..3 {
            for y in 0..height.div_ceil(2) {
                for x in 0..width.div_ceil(2) {
                    // Chroma lies on the left column: one pixel to each side counts half.
                    let (mut sums, mut total) = ([0; 3], 0);
                    for (dx, share) in [(-1_isize, 1), (0, 2), (1, 1)] {
                        let at_x = (2 * x).saturating_add_signed(dx).min(width - 1);
                        for at_y in [2 * y, (2 * y + 1).min(height - 1)] {
                            let pixel = pixel(at_x, at_y);
                            let weight = share * weight(pixel);
                            (0..3).for_each(|index| sums[index] += weight * channel(pixel, index));
                            total += weight;
                        }
                    }
                    data.push(value(plane, sums.map(|sum| sum as f32 / (total as f32 * 255.0))));
                }
            }
        }
        Self::packed(PixelFormat::I420, self.size, color, data).with_timestamp(self.timestamp)
    }

    /// The transparency of an RGBA frame as the luma of a grey I420 frame, 0 to 255.
    pub(crate) fn alpha_i420(&self) -> Self {
        const GREY: u8 = 128;
        let mut data: Vec<u8> = self.rows(0).flat_map(|row| row.chunks_exact(4).map(|pixel| pixel[3])).collect();
        data.resize(Self::packed_len(PixelFormat::I420, self.size), GREY);
        Self::packed(PixelFormat::I420, self.size, ColorSpace::RECORDED, data).with_timestamp(self.timestamp)
    }
}

fn byte(value: f32) -> u8 {
    (value * 255.0).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    const SIZE: Size = Size::new(6, 4);

    #[test]
    fn ten_bits_are_four_times_eight_and_are_rounded_back() {
        let data = (0..Frame::packed_len(PixelFormat::I420, SIZE)).map(|index| 16 + 6 * index as u8).collect();
        let frame = Frame::packed(PixelFormat::I420, SIZE, ColorSpace::RECORDED, data);
        let deep = frame.converted(PixelFormat::I420P10);
        assert_eq!(deep.rows(0).next().unwrap()[..4], [64, 0, 88, 0]);
        assert_eq!(deep.converted(PixelFormat::I420), frame);
        let codes = [0, 1, 2, 5, 6, 1021, 1022, 1023_u16];
        let data = codes.iter().chain(&[0; 4]).flat_map(|code| code.to_le_bytes()).collect();
        let deep = Frame::packed(PixelFormat::I420P10, Size::new(4, 2), ColorSpace::RECORDED, data);
        assert_eq!(deep.converted(PixelFormat::I420).data()[..8], [0, 0, 1, 1, 2, 255, 255, 255]);
        let black = Frame::black_in(PixelFormat::I420P10, Size::new(2, 2));
        assert_eq!(black.data(), [64, 0, 64, 0, 64, 0, 64, 0, 0, 2, 0, 2]);
    }

    fn rgba(pixel: impl Fn(u32, u32) -> [u8; 4]) -> Frame {
        let data = (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| (x, y)));
        let data = data.flat_map(|(x, y)| pixel(x, y)).collect();
        Frame::packed(PixelFormat::Rgba8, SIZE, ColorSpace::RECORDED, data)
    }

    #[test]
    fn one_colour_comes_back() {
        for color in [[255, 0, 0, 255], [12, 200, 90, 255], [0, 0, 0, 255], [255, 255, 255, 255]] {
            let back = rgba(|_, _| color).converted(PixelFormat::I420).converted(PixelFormat::Rgba8);
            for (a, b) in back.data().iter().zip(color.iter().cycle()) {
                assert!(a.abs_diff(*b) <= 2, "{color:?}: {:?}", &back.data()[..4]);
            }
        }
    }

    #[test]
    fn transparent_pixels_do_not_colour_what_is_beside_them() {
        // Red beside nothing at all, which is stored as black.
        let frame = rgba(|x, _| if x < 3 { [255, 0, 0, 255] } else { [0; 4] });
        let (straight, whole) = (
            frame.straight_i420_in(ColorSpace::RECORDED),
            rgba(|_, _| [255, 0, 0, 255]).straight_i420_in(ColorSpace::RECORDED),
        );
        let second = |frame: &Frame| frame.rows(2).next().unwrap()[..2].to_vec();
        assert_eq!(second(&straight), second(&whole));
        assert_eq!(frame.alpha_i420().rows(0).next().unwrap(), [255, 255, 255, 0, 0, 0]);
        // Laid over black, they do.
        assert_eq!(frame.converted(PixelFormat::I420).rows(0).next().unwrap()[3..], [16; 3]);
    }
}
