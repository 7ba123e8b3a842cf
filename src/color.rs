//! Colour: matrices, ranges, chroma siting, and light. All colour coefficients are here.
//!
//! Sources: ITU-R BT.601-7, BT.709-6, BT.2020-2 (the luma weights) and ITU-T H.273 (their numbers and ranges).

mod light;

pub(crate) use light::LightNumbers;
pub use light::{Primaries, ToneMap, Transfer};

/// The luma weights that convert RGB to YUV (H.273 `MatrixCoefficients`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Matrix {
    /// BT.601: standard definition.
    Bt601,
    /// BT.709: high definition.
    Bt709,
    /// BT.2020 with non-constant luminance.
    Bt2020,
}

/// The code values of black and white (H.273 `VideoFullRangeFlag`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range {
    /// Luma 16–235, chroma 16–240.
    Limited,
    /// 0–255.
    Full,
}

/// The position of a subsampled chroma sample among its luma samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Siting {
    /// On the left luma column, between rows: MPEG-2, H.264, AV1 "vertical". Recordings use this.
    Left,
    /// In the middle: MPEG-1, JPEG.
    Center,
    /// On the top left luma sample: BT.2020, AV1 "colocated".
    TopLeft,
}

/// How a YUV frame's values map to colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ColorSpace {
    /// The luma weights.
    pub matrix: Matrix,
    /// The code values of black and white.
    pub range: Range,
    /// The place of chroma samples, where chroma is subsampled.
    pub siting: Siting,
    /// The colours of red, green and blue.
    pub primaries: Primaries,
    /// The light of code values.
    pub transfer: Transfer,
    /// The film's brightest light in cd/m², 203 to 10,000; only [`Transfer::Pq`] needs it.
    pub peak: u16,
    /// How a canvas brings it to standard dynamic range.
    pub tone_map: ToneMap,
}

impl ColorSpace {
    /// BT.709, limited range, chroma on the left: the colour space of recordings, where no other is asked for
    /// ([`Canvas::with_color`](crate::canvas::Canvas::with_color)).
    pub const RECORDED: Self = Self {
        matrix: Matrix::Bt709,
        range: Range::Limited,
        siting: Siting::Left,
        primaries: Primaries::Bt709,
        transfer: Transfer::Sdr,
        peak: Self::USUAL_PEAK,
        tone_map: ToneMap::Bt2390,
    };

    /// The peak of film that does not say its own, in cd/m².
    pub const USUAL_PEAK: u16 = 1000;

    /// The assumed colour space of untagged video of this height: BT.709 from 720 lines up, BT.601 below; limited
    /// range.
    pub fn untagged(height: u32) -> Self {
        let matrix = if height >= 720 { Matrix::Bt709 } else { Matrix::Bt601 };
        Self { matrix, ..Self::RECORDED }
    }

    /// Whether its colours are not those of recordings and are to be brought to them: by their light, their primaries
    /// or both.
    pub(crate) fn is_wide(self) -> bool {
        self.has_wide_light() && self.tone_map != ToneMap::None
    }

    /// The same of colours that a canvas leaves as they are.
    pub(crate) fn is_kept_wide(self) -> bool {
        self.has_wide_light() && self.tone_map == ToneMap::None
    }

    fn has_wide_light(self) -> bool {
        self.transfer != Transfer::Sdr || self.primaries != Primaries::Bt709
    }

    /// The numbers that bring its colours to those of recordings.
    pub(crate) fn light(self) -> LightNumbers {
        LightNumbers::new(self.primaries, self.transfer, self.peak)
    }

    /// Rows of 4: `rgb = M · (y, u, v, 1)`, all of 0–1 code values (a code of 255 is 1.0) to 0–1 colours.
    pub fn yuv_to_rgb(self) -> [[f32; 4]; 3] {
        self.yuv_to_rgb_of(8, 255.0)
    }

    /// The same for code values of this many bits, where 1.0 is the code `unit`.
    pub(crate) fn yuv_to_rgb_of(self, bits: u32, unit: f64) -> [[f32; 4]; 3] {
        let (kr, kb) = self.matrix.weights();
        let kg = 1.0 - kr - kb;
        let codes = self.range.codes(bits);
        let (y_scale, y_offset, c_scale) = (codes.luma / unit, codes.black / unit, codes.chroma / unit);
        let chroma_zero = codes.grey / unit;
        let (ry, gu, gv, bu) =
            (2.0 * (1.0 - kr), -2.0 * (1.0 - kb) * kb / kg, -2.0 * (1.0 - kr) * kr / kg, 2.0 * (1.0 - kb));
        let row = |u: f64, v: f64| {
            let offset = -y_offset / y_scale - chroma_zero * (u + v) / c_scale;
            [1.0 / y_scale, u / c_scale, v / c_scale, offset].map(|value| value as f32)
        };
        [row(0.0, ry), row(gu, gv), row(bu, 0.0)]
    }

    /// Rows of 4: `yuv = M · (r, g, b, 1)`, the inverse of [`ColorSpace::yuv_to_rgb`].
    pub fn rgb_to_yuv(self) -> [[f32; 4]; 3] {
        self.rgb_to_yuv_of(8)
    }

    /// The same to code values of this many bits, of which the greatest is 1.0.
    pub(crate) fn rgb_to_yuv_of(self, bits: u32) -> [[f32; 4]; 3] {
        let (kr, kb) = self.matrix.weights();
        let kg = 1.0 - kr - kb;
        let codes = self.range.codes(bits);
        let unit = f64::from((1_u32 << bits) - 1);
        let (y_scale, y_offset, zero) = (codes.luma / unit, codes.black / unit, codes.grey / unit);
        let (u, v) = (codes.chroma / unit * 0.5 / (1.0 - kb), codes.chroma / unit * 0.5 / (1.0 - kr));
        [
            [kr * y_scale, kg * y_scale, kb * y_scale, y_offset],
            [-kr * u, -kg * u, (1.0 - kb) * u, zero],
            [(1.0 - kr) * v, -kg * v, -kb * v, zero],
        ]
        .map(|row| row.map(|value| value as f32))
    }

    /// The numbers of its primaries, its transfer and its matrix (ITU-T H.273).
    pub(crate) fn numbers(self) -> [u8; 3] {
        let is_601 = self.matrix == Matrix::Bt601;
        let primaries = match self.primaries {
            Primaries::Bt709 if is_601 => 6,
            Primaries::Bt709 => 1,
            Primaries::Bt2020 => 9,
            Primaries::DisplayP3 => 12,
        };
        let transfer = match (self.transfer, self.primaries) {
            (Transfer::Pq, _) => 16,
            (Transfer::Hlg, _) => 18,
            (Transfer::Sdr, Primaries::Bt2020) => 14,
            (Transfer::Sdr, _) if is_601 => 6,
            (Transfer::Sdr, _) => 1,
        };
        let matrix = match self.matrix {
            Matrix::Bt601 => 6,
            Matrix::Bt709 => 1,
            Matrix::Bt2020 => 9,
        };
        [primaries, transfer, matrix]
    }
}

impl Matrix {
    /// The weights of red and blue in luma.
    fn weights(self) -> (f64, f64) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
            Self::Bt2020 => (0.2627, 0.0593),
        }
    }
}

/// The code values of a range.
struct RangeCodes {
    /// Of black.
    black: f64,
    /// From black to white.
    luma: f64,
    /// From the least chroma to the greatest.
    chroma: f64,
    /// Of no chroma.
    grey: f64,
}

impl Range {
    /// Its code values of this many bits (BT.2100-2, table 9).
    fn codes(self, bits: u32) -> RangeCodes {
        let step = f64::from(1_u32 << (bits - 8));
        let (black, luma, chroma) = match self {
            Self::Limited => (16.0 * step, 219.0 * step, 224.0 * step),
            Self::Full => (0.0, 256.0 * step - 1.0, 256.0 * step - 1.0),
        };
        RangeCodes { black, luma, chroma, grey: 128.0 * step }
    }
}

impl Siting {
    /// How far right and below the first luma sample of its 2×2 block a chroma sample sits, in luma samples.
    pub fn offset(self) -> [f32; 2] {
        match self {
            Self::Left => [0.0, 0.5],
            Self::Center => [0.5, 0.5],
            Self::TopLeft => [0.0, 0.0],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(matrix: [[f32; 4]; 3], v: [f32; 3]) -> [f32; 3] {
        matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2] + row[3])
    }

    #[test]
    fn known_colours_have_their_published_codes() {
        // SMPTE RP 219 / BT.709-6 limited range: 100 % red is (63, 102, 240), white (235, 128, 128).
        let to_yuv = ColorSpace::RECORDED.rgb_to_yuv();
        let codes = |rgb| apply(to_yuv, rgb).map(|value| (value * 255.0).round() as i32);
        assert_eq!(codes([1.0, 0.0, 0.0]), [63, 102, 240]);
        assert_eq!(codes([1.0, 1.0, 1.0]), [235, 128, 128]);
        assert_eq!(codes([0.0, 0.0, 0.0]), [16, 128, 128]);
        // BT.601 limited range: 100 % blue is (41, 240, 110).
        let sd = ColorSpace { matrix: Matrix::Bt601, ..ColorSpace::RECORDED };
        let blue = apply(sd.rgb_to_yuv(), [0.0, 0.0, 1.0]).map(|value| (value * 255.0).round() as i32);
        assert_eq!(blue, [41, 240, 110]);
    }

    #[test]
    fn every_matrix_and_range_inverts() {
        for matrix in [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020] {
            for range in [Range::Limited, Range::Full] {
                let space = ColorSpace { matrix, range, ..ColorSpace::RECORDED };
                for rgb in [[0.1, 0.5, 0.9], [1.0, 0.0, 0.3], [0.0, 0.0, 0.0]] {
                    let back = apply(space.yuv_to_rgb(), apply(space.rgb_to_yuv(), rgb));
                    for (a, b) in rgb.iter().zip(back) {
                        assert!((a - b).abs() < 1e-5, "{space:?} {rgb:?} {back:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn deeper_samples_of_the_same_colour_are_the_same_colour() {
        // BT.2100 table 9 and H.273: 10 bits have black at 64, white at 940; full range ends at 1023.
        let code = |value: f32| value / 65535.0;
        for (range, bits, black, white, grey) in [
            (Range::Limited, 10, 64.0, 940.0, 512.0),
            (Range::Limited, 12, 256.0, 3760.0, 2048.0),
            (Range::Full, 10, 0.0, 1023.0, 512.0),
        ] {
            let space = ColorSpace { range, ..ColorSpace::RECORDED };
            let matrix = space.yuv_to_rgb_of(bits, 65535.0);
            let unit = ((1_u32 << bits) - 1) as f32;
            for (luma, expected) in [(black, 0.0), (white, 1.0)] {
                let rgb = apply(matrix, [code(luma), code(grey), code(grey)]);
                assert!(rgb.iter().all(|value| (value - expected).abs() < 1e-4), "{range:?} {bits}: {rgb:?}");
                let yuv = apply(space.rgb_to_yuv_of(bits), [expected; 3]).map(|value| (value * unit).round());
                assert_eq!(yuv, [luma, grey, grey], "{range:?} {bits}");
            }
        }
    }

    #[test]
    fn numbers_are_those_of_h273() {
        let of =
            |matrix, primaries, transfer| ColorSpace { matrix, primaries, transfer, ..ColorSpace::RECORDED }.numbers();
        assert_eq!(ColorSpace::RECORDED.numbers(), [1, 1, 1]);
        assert_eq!(of(Matrix::Bt601, Primaries::Bt709, Transfer::Sdr), [6, 6, 6]);
        assert_eq!(of(Matrix::Bt2020, Primaries::Bt2020, Transfer::Sdr), [9, 14, 9]);
        assert_eq!(of(Matrix::Bt2020, Primaries::Bt2020, Transfer::Pq), [9, 16, 9]);
        assert_eq!(of(Matrix::Bt2020, Primaries::Bt2020, Transfer::Hlg), [9, 18, 9]);
        assert_eq!(of(Matrix::Bt709, Primaries::DisplayP3, Transfer::Sdr), [12, 1, 1]);
    }
}
