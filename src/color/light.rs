//! Light: primaries, transfer functions, and how light beyond that of a recording is brought to it.
//!
//! Sources: ITU-R BT.2100-2 (PQ and HLG), BT.2390-10 §5.4.1 (the curve of `bt2390`), BT.2408-5 (reference white), BT.1886
//! (the light of BT.709), and ITU-T H.273 (numbers). `shaders/convert/tone_map.wgsl` computes with the numbers of this
//! module.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The colours of red, green and blue (H.273 `ColourPrimaries`). White is D65 in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Primaries {
    /// BT.709, which sRGB shares. BT.601's, which are close, count as these.
    Bt709,
    /// BT.2020, which BT.2100 shares: film of high dynamic range.
    Bt2020,
    /// SMPTE EG 432-1, also called Display P3.
    DisplayP3,
}

/// The light of code values (H.273 `TransferCharacteristics`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transfer {
    /// Standard dynamic range: BT.709, BT.601, sRGB and the like.
    Sdr,
    /// Perceptual quantisation, SMPTE ST 2084: absolute light up to 10,000 cd/m².
    Pq,
    /// Hybrid log-gamma, ARIB STD-B67: light relative to the display's peak, here the nominal one of 1000 cd/m².
    Hlg,
}

/// How film in PQ or HLG is brought to standard dynamic range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ToneMap {
    /// By the curve of ITU-R BT.2390: dark light stays as it is (of film with a peak of 1000 cd/m², up to 88), and what is
    /// brighter is compressed so that the film's peak becomes white.
    #[default]
    Bt2390,
    /// What is brighter than reference white, 203 cd/m² (ITU-R BT.2408), is white.
    Clip,
    /// Code values stay as they are, as if the film was of standard dynamic range: for a colour table of one's own.
    None,
}

impl ToneMap {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bt2390, Self::Clip, Self::None];

    /// Its name, which [`FromStr`] reads.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bt2390 => "bt2390",
            Self::Clip => "clip",
            Self::None => "none",
        }
    }
}

impl fmt::Display for ToneMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ToneMap {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|choice| choice.name() == text);
        found.ok_or_else(|| Error::syntax(format!("expected bt2390, clip or none but found `{text}`")))
    }
}

/// The light of a recording's white, in cd/m²: reference white of BT.2408.
const WHITE: f64 = 203.0;
/// The brightest light that PQ can say, in cd/m².
const BRIGHTEST: f64 = 10_000.0;
/// The peak of HLG's nominal display in cd/m², and the exponent of its OOTF (BT.2100, table 5).
const HLG_PEAK: f64 = 1000.0;
const HLG_GAMMA: f64 = 1.2;

/// Where BT.2390's curve begins at the latest, relative to the peak. With a peak of white it would begin at its end, and be
/// a division by 0; so light above what a film says is its peak becomes white there too.
const LAST_KNEE: f64 = 0.9999;

/// The numbers with which a shader brings colours to those of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LightNumbers {
    /// Rows of 3, padded: linear BT.709 from the film's linear colours.
    pub to_bt709: [[f32; 4]; 3],
    /// The weights of the film's primaries in luminance; then the exponent of HLG's OOTF, less 1.
    pub luminance: [f32; 4],
    /// BT.2390 §5.4.1: the film's peak as PQ (L_W), a recording's white relative to it (maxLum), where the curve begins
    /// relative to it (KS); then a recording's white in cd/m².
    pub curve: [f32; 4],
}

impl LightNumbers {
    /// For film of these primaries and this peak in cd/m²; HLG has its own peak.
    pub fn new(primaries: Primaries, transfer: Transfer, peak: u16) -> Self {
        let peak = match transfer {
            Transfer::Pq => f64::from(peak).clamp(WHITE, BRIGHTEST),
            Transfer::Hlg => HLG_PEAK,
            Transfer::Sdr => WHITE,
        };
        let peak = pq_code(peak);
        let white = pq_code(WHITE) / peak;
        let [_, y, _] = primaries.to_xyz();
        let matrix = product(inverse(Primaries::Bt709.to_xyz()), primaries.to_xyz());
        let single = |[a, b, c]: [f64; 3], d: f64| [a, b, c, d].map(|value| value as f32);
        Self {
            to_bt709: matrix.map(|row| single(row, 0.0)),
            luminance: single(y, HLG_GAMMA - 1.0),
            curve: single([peak, white, (1.5 * white - 0.5).min(LAST_KNEE)], WHITE),
        }
    }
}

/// PQ's code of this light in cd/m²: the inverse EOTF of BT.2100, table 4.
fn pq_code(light: f64) -> f64 {
    const M1: f64 = 2610.0 / 16384.0;
    const M2: f64 = 2523.0 / 4096.0 * 128.0;
    const C1: f64 = 3424.0 / 4096.0;
    const C2: f64 = 2413.0 / 4096.0 * 32.0;
    const C3: f64 = 2392.0 / 4096.0 * 32.0;
    let power = (light / BRIGHTEST).powf(M1);
    ((C1 + C2 * power) / (1.0 + C3 * power)).powf(M2)
}

type Rows = [[f64; 3]; 3];

impl Primaries {
    /// Its red, green and blue as CIE x and y.
    fn chromaticities(self) -> [[f64; 2]; 3] {
        match self {
            Self::Bt709 => [[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]],
            Self::Bt2020 => [[0.708, 0.292], [0.170, 0.797], [0.131, 0.046]],
            Self::DisplayP3 => [[0.680, 0.320], [0.265, 0.690], [0.150, 0.060]],
        }
    }

    /// From linear colours to CIE XYZ; white has the luminance 1.
    fn to_xyz(self) -> Rows {
        let xyz = |[x, y]: [f64; 2]| [x / y, 1.0, (1.0 - x - y) / y];
        let [red, green, blue] = self.chromaticities().map(xyz);
        let columns = [0, 1, 2].map(|row| [red[row], green[row], blue[row]]);
        let white = xyz([0.3127, 0.3290]);
        let shares = inverse(columns).map(|row| (0..3).map(|k| row[k] * white[k]).sum::<f64>());
        columns.map(|row| [row[0] * shares[0], row[1] * shares[1], row[2] * shares[2]])
    }
}

fn product(a: Rows, b: Rows) -> Rows {
    a.map(|row| [0, 1, 2].map(|column| (0..3).map(|k| row[k] * b[k][column]).sum()))
}

/// By cofactors; the matrices here are far from singular.
fn inverse(m: Rows) -> Rows {
    let cofactor = |row: usize, column: usize| {
        let [r1, r2] = [(row + 1) % 3, (row + 2) % 3];
        let [c1, c2] = [(column + 1) % 3, (column + 2) % 3];
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * cofactor(0, column)).sum();
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| cofactor(column, row) / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pq_has_the_published_codes() {
        // BT.2408-5, table 1: 203 cd/m² is 58 % of PQ's range; BT.2100: 10,000 is all of it, and 100 is 0.508.
        assert!((pq_code(203.0) - 0.5807).abs() < 1e-4);
        assert!((pq_code(100.0) - 0.5081).abs() < 1e-4);
        assert!((pq_code(10_000.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn primaries_become_the_published_matrices() {
        // BT.2087-0, §1.2, step 2: BT.2020's inverse of M2.
        let numbers = LightNumbers::new(Primaries::Bt2020, Transfer::Pq, 1000);
        let published = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]];
        for (row, expected) in numbers.to_bt709.iter().zip(published) {
            for (found, expected) in row.iter().zip(expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-4, "{numbers:?}");
            }
        }
        for (found, expected) in numbers.luminance.iter().zip([0.2627, 0.6780, 0.0593]) {
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{numbers:?}");
        }
        let same = LightNumbers::new(Primaries::Bt709, Transfer::Sdr, 1000).to_bt709;
        assert!((0..3).all(|i| (0..3).all(|k| (same[i][k] - if i == k { 1.0 } else { 0.0 }).abs() < 1e-6)));
    }

    #[test]
    fn a_peak_outside_what_can_be_is_brought_to_it() {
        let curve = |peak| LightNumbers::new(Primaries::Bt2020, Transfer::Pq, peak).curve;
        assert_eq!(curve(0), curve(203));
        assert_eq!(curve(u16::MAX), curve(10_000));
        assert_eq!(curve(203)[1..3], [1.0, LAST_KNEE as f32]);
    }

    #[test]
    fn names_are_read_back() {
        assert!(ToneMap::ALL.iter().all(|choice| choice.name().parse::<ToneMap>().unwrap() == *choice));
        assert!("hable".parse::<ToneMap>().is_err());
    }
}
