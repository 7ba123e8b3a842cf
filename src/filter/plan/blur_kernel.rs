//! The weights of a blur.

use std::fmt;

use super::Axis;

/// The shape of a blur's weights: three boxes one after another, which approximate a Gaussian. The specification
/// permits them for standard deviations from 2 on; browsers use them for all (Filter Effects Module Level 1, §15.7).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BlurKernel {
    /// Boxes of this many pixels.
    Boxes([usize; 3]),
    /// Boxes of a fractional length that have this standard deviation together: on a reduced picture.
    Spline(f32),
}

/// The weights of a blur along one axis; their sum is 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Taps {
    /// The first input pixel, relative to the output pixel.
    pub first: i32,
    /// The weights of the pixels from there on.
    pub weights: Vec<f32>,
}

impl Taps {
    /// The weights of a kernel that also moves the picture right or down by `shift` pixels.
    pub(super) fn new(kernel: BlurKernel, shift: f32) -> Self {
        // The picture moves right when pixels are taken from the left.
        let (whole, rest) = ((-shift).floor(), -shift - (-shift).floor());
        let thrice =
            |lengths: [Vec<f32>; 3]| lengths.iter().fold(vec![1.0], |weights, length| convolved(&weights, length));
        let mut weights = match kernel {
            BlurKernel::Boxes(lengths) => thrice(lengths.map(|length| vec![1.0; length])),
            BlurKernel::Spline(sigma) => {
                // A box of 2m + 1 whole pixels has the variance m(m + 1)/3; two parts of a pixel at its ends make up the
                // rest.
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
        Self { first, weights }.normalized()
    }

    /// The same blur of 4:2:0 chroma: what comes of interpolating a row or column of samples to full size, blurring that
    /// and downsampling it, as `chroma_420.wgsl` and `i420_chroma.wgsl` do.
    pub(super) fn of_chroma(kernel: BlurKernel, axis: Axis) -> Self {
        let full = Self::new(kernel, 0.0);
        // The low-pass of downsampling, with its first pixel relative to the sample's; and the share that each pixel has of
        // the sample, from the one before it on.
        let (low_pass, first, share): (&[f32], i32, &[f32]) = match axis {
            Axis::X => (&[-0.125, 0.25, 0.75, 0.25, -0.125], -2, &[0.5, 1.0, 0.5]),
            Axis::Y => (&[-0.25, 0.75, 0.75, -0.25], -1, &[0.25, 0.75, 0.75, 0.25]),
        };
        let (first, weights) = (first + full.first, convolved(&full.weights, low_pass));
        let weight = |sample: i32| -> f32 {
            let of = |(i, weight): (usize, &f32)| {
                let at = first + i as i32 - 2 * sample + 1;
                usize::try_from(at).ok().and_then(|at| share.get(at)).map_or(0.0, |share| weight * share)
            };
            weights.iter().enumerate().map(of).sum()
        };
        let reach = weights.len() as i32 / 4 + 2;
        let mut samples: Vec<_> = (-reach..=reach).map(|sample| (sample, weight(sample))).collect();
        let is_used = |&(_, weight): &(i32, f32)| weight.abs() > 1e-6;
        samples.truncate(samples.iter().rposition(is_used).map_or(0, |last| last + 1));
        samples.drain(..samples.iter().position(is_used).unwrap_or(0));
        let first = samples.first().map_or(0, |(first, _)| *first);
        Self { first, weights: samples.into_iter().map(|(_, weight)| weight).collect() }.normalized()
    }

    /// The same blur of chroma that is the mean of four pixels, in their middle ([`super::PassOutput::Planes`]); the
    /// result is on the left. For kernels with a variance of 3 and more.
    pub(super) fn of_chroma_means(kernel: BlurKernel, axis: Axis) -> Self {
        // In pixels². A mean of two blurs by 1/4; moving by a quarter of a sample blurs by 3/4. Downsampling as in
        // `i420_chroma.wgsl` sharpens by 1/2 across and by 3/4 down, which whoever interpolates the samples then blurs.
        let (less, shift) = match axis {
            Axis::X => (0.25 + 0.75 + 0.5, 0.25),
            Axis::Y => (0.25 + 0.75, 0.0),
        };
        Self::new(BlurKernel::Spline(((kernel.variance() - less) / 4.0).max(0.0).sqrt()), shift)
    }

    fn normalized(mut self) -> Self {
        let sum: f32 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|weight| *weight /= sum);
        self
    }
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
