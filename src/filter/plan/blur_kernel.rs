//! The weights of a blur.

use std::fmt;

/// The shape of a blur's weights: three boxes one after another, which approximate a Gaussian. The specification
/// permits them for standard deviations from 2 on; browsers use them for all (Filter Effects Module Level 1, §15.7).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BlurKernel {
    /// Boxes of this many pixels.
    Boxes([usize; 3]),
    /// Boxes of a fractional length that have this standard deviation together: on a reduced picture.
    Spline(f32),
}

/// The first pixel of a blur, relative to the output pixel, and the weights of the pixels from there on; their sum is
/// 1.
pub(super) fn taps(kernel: BlurKernel, shift: f32) -> (i32, Vec<f32>) {
    // The picture moves right when pixels are taken from the left.
    let (whole, rest) = ((-shift).floor(), -shift - (-shift).floor());
    let thrice = |lengths: [Vec<f32>; 3]| lengths.iter().fold(vec![1.0], |weights, length| convolved(&weights, length));
    let mut weights = match kernel {
        BlurKernel::Boxes(lengths) => thrice(lengths.map(|length| vec![1.0; length])),
        BlurKernel::Spline(sigma) => {
            // A box of 2m + 1 whole pixels has the variance m(m + 1)/3; two parts of a pixel at its ends make up the rest.
            let variance = sigma * sigma / 3.0;
            let m = ((0.25 + 3.0 * variance).sqrt() - 0.5).floor();
            let whole = 2.0 * m + 1.0;
            let end = whole * (variance - m * (m + 1.0) / 3.0) / (2.0 * ((m + 1.0).powi(2) - variance));
            let mut length = vec![1.0; whole as usize + 2];
            length[0] = end;
            length[whole as usize + 1] = end;
            thrice([length.clone(), length.clone(), length])
        }
    };
    let first = whole as i32 - (weights.len() / 2) as i32;
    if rest > 0.0 {
        weights = convolved(&weights, &[1.0 - rest, rest]);
    }
    let sum: f32 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    (first, weights)
}

impl BlurKernel {
    /// The kernel of a blur of this standard deviation.
    pub(super) fn new(sigma: f32) -> Self {
        let length = ((sigma * 3.0 * (2.0 * std::f32::consts::PI).sqrt() / 4.0 + 0.5).floor() as usize).max(1);
        // Two even boxes are half a pixel to either side; the third is one longer and has a middle.
        Self::Boxes(if length % 2 == 1 { [length; 3] } else { [length, length, length + 1] })
    }

    /// Whether it leaves every picture unchanged.
    pub(super) fn is_nothing(self) -> bool {
        self == Self::Boxes([1; 3])
    }

    /// Its reach to each side, in pixels.
    pub(super) fn reach(self) -> f32 {
        match self {
            Self::Boxes(lengths) => (lengths.iter().sum::<usize>() / 2) as f32,
            Self::Spline(sigma) => 3.0 * (sigma + 1.0),
        }
    }

    pub(super) fn variance(self) -> f32 {
        match self {
            Self::Spline(sigma) => sigma * sigma,
            Self::Boxes(lengths) => lengths.iter().map(|length| (length * length - 1) as f32 / 12.0).sum(),
        }
    }
}

impl fmt::Display for BlurKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boxes([a, b, c]) => write!(f, "boxes of {a}, {b} and {c}px"),
            Self::Spline(sigma) => write!(f, "a spline of {sigma:.2}px"),
        }
    }
}

fn convolved(a: &[f32], b: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0; a.len() + b.len() - 1];
    for (i, a) in a.iter().enumerate() {
        for (j, b) in b.iter().enumerate() {
            sums[i + j] += a * b;
        }
    }
    sums
}
