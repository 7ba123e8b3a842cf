//! Every colour filter of CSS as a matrix.
//!
//! Formulas: Filter Effects Module Level 1, §9 "Shorthands defined in terms of filter primitives"; they work on
//! sRGB-encoded values with straight alpha, and each result is clamped to 0–1.

/// Rows of 4 that turn `(r, g, b, 1)` into red, green and blue; alpha is multiplied by its own factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorMatrix {
    /// Red's, green's and blue's row: three factors and an offset.
    pub rows: [[f32; 4]; 3],
    /// Alpha's factor, 0–1.
    pub alpha: f32,
}

impl ColorMatrix {
    /// Leaves every colour as it is.
    pub const IDENTITY: Self =
        Self { rows: [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]], alpha: 1.0 };

    /// Applies the matrix to a straight colour, clamped.
    pub fn apply(&self, [r, g, b, a]: [f32; 4]) -> [f32; 4] {
        let [red, green, blue] = self.rows.map(|row| (row[0] * r + row[1] * g + row[2] * b + row[3]).clamp(0.0, 1.0));
        [red, green, blue, a * self.alpha]
    }

    /// Whether no colour of 0–1 leaves 0–1, so that the clamp after it has no effect.
    pub fn stays_in_gamut(&self) -> bool {
        // An excess over 1 by rounding alone is ignored: half a millionth is invisible in 8 bits.
        const ROUNDING: f32 = 1e-6;
        self.rows.iter().all(|row| {
            let least: f32 = row[..3].iter().map(|value| value.min(0.0)).sum();
            let most: f32 = row[..3].iter().map(|value| value.max(0.0)).sum();
            least + row[3] >= -ROUNDING && most + row[3] <= 1.0 + ROUNDING
        })
    }

    /// Whether each channel depends on itself alone.
    pub fn is_diagonal(&self) -> bool {
        self.rows.iter().enumerate().all(|(own, row)| (0..3).all(|channel| channel == own || row[channel] == 0.0))
    }

    /// Whether black stays black.
    pub fn is_linear(&self) -> bool {
        self.rows.iter().all(|row| row[3] == 0.0)
    }

    /// Whether colours only mix and darken: what holds for a colour holds for any part of it.
    pub fn shrinks(&self) -> bool {
        self.is_linear() && self.stays_in_gamut() && self.alpha == 1.0
    }

    /// Whether it multiplies colours by a factor of at most 1, and nothing else.
    pub fn scales(&self) -> bool {
        let [[red, ..], [_, green, ..], [_, _, blue, _]] = self.rows;
        self.shrinks() && self.is_diagonal() && red == green && green == blue
    }

    /// The product of this matrix and `next`, which is applied second; exact only where no clamp acts between.
    pub fn then(&self, next: &Self) -> Self {
        let rows = next.rows.map(|row| {
            let mut product = [0.0, 0.0, 0.0, row[3]];
            for (factor, own) in row[..3].iter().zip(&self.rows) {
                for (sum, value) in product.iter_mut().zip(own) {
                    *sum += factor * value;
                }
            }
            product
        });
        Self { rows, alpha: self.alpha * next.alpha }
    }

    /// The numbers in the order of the shader: three rows, then alpha's factor.
    pub(crate) fn params(&self) -> [[f32; 4]; 4] {
        let [r, g, b] = self.rows;
        [r, g, b, [self.alpha, 0.0, 0.0, 0.0]]
    }
}

fn linear(slope: f32, intercept: f32) -> ColorMatrix {
    ColorMatrix {
        rows: [[slope, 0.0, 0.0, intercept], [0.0, slope, 0.0, intercept], [0.0, 0.0, slope, intercept]],
        alpha: 1.0,
    }
}

fn rows(rows: [[f32; 3]; 3]) -> ColorMatrix {
    ColorMatrix { rows: rows.map(|[r, g, b]| [r, g, b, 0.0]), alpha: 1.0 }
}

pub(super) fn brightness(amount: f32) -> ColorMatrix {
    linear(amount, 0.0)
}

pub(super) fn contrast(amount: f32) -> ColorMatrix {
    linear(amount, 0.5 - 0.5 * amount)
}

pub(super) fn invert(amount: f32) -> ColorMatrix {
    linear(1.0 - 2.0 * amount, amount)
}

pub(super) fn opacity(amount: f32) -> ColorMatrix {
    ColorMatrix { alpha: amount, ..ColorMatrix::IDENTITY }
}

pub(super) fn grayscale(amount: f32) -> ColorMatrix {
    saturation(1.0 - amount, [0.2126, 0.7152, 0.0722])
}

pub(super) fn saturate(amount: f32) -> ColorMatrix {
    saturation(amount, [0.213, 0.715, 0.072])
}

/// A mix of the grey of these weights (0) and the colour itself (1), or beyond it.
fn saturation(amount: f32, weights: [f32; 3]) -> ColorMatrix {
    let mut matrix = [weights.map(|weight| weight * (1.0 - amount)); 3];
    for (channel, row) in matrix.iter_mut().enumerate() {
        row[channel] += amount;
    }
    rows(matrix)
}

pub(super) fn sepia(amount: f32) -> ColorMatrix {
    let rest = 1.0 - amount;
    rows([
        [0.393 + 0.607 * rest, 0.769 - 0.769 * rest, 0.189 - 0.189 * rest],
        [0.349 - 0.349 * rest, 0.686 + 0.314 * rest, 0.168 - 0.168 * rest],
        [0.272 - 0.272 * rest, 0.534 - 0.534 * rest, 0.131 + 0.869 * rest],
    ])
}

pub(super) fn hue_rotate(degrees: f32) -> ColorMatrix {
    let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
    let (sin, cos) = (sin as f32, cos as f32);
    rows([
        [0.213 + cos * 0.787 - sin * 0.213, 0.715 - cos * 0.715 - sin * 0.715, 0.072 - cos * 0.072 + sin * 0.928],
        [0.213 - cos * 0.213 + sin * 0.143, 0.715 + cos * 0.285 + sin * 0.140, 0.072 - cos * 0.072 - sin * 0.283],
        [0.213 - cos * 0.213 - sin * 0.787, 0.715 - cos * 0.715 + sin * 0.715, 0.072 + cos * 0.928 + sin * 0.072],
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLORS: [[f32; 4]; 5] =
        [[0.2, 0.5, 0.9, 1.0], [1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.5], [0.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]];

    fn close(a: [f32; 4], b: [f32; 4]) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3)
    }

    #[test]
    fn at_their_neutral_amounts_colour_filters_leave_every_colour_as_it_is() {
        for matrix in [
            brightness(1.0),
            contrast(1.0),
            grayscale(0.0),
            hue_rotate(0.0),
            hue_rotate(360.0),
            invert(0.0),
            opacity(1.0),
            saturate(1.0),
            sepia(0.0),
        ] {
            for color in COLORS {
                assert!(close(matrix.apply(color), color), "{matrix:?} {color:?}");
            }
        }
    }

    #[test]
    fn a_product_equals_its_factors_where_no_clamp_acts_and_the_gamut_test_says_where() {
        let pairs = [(grayscale(1.0), sepia(1.0)), (invert(0.3), hue_rotate(40.0)), (contrast(0.5), saturate(2.0))];
        for (first, second) in pairs {
            assert!(first.stays_in_gamut());
            for color in COLORS {
                assert!(close(first.then(&second).apply(color), second.apply(first.apply(color))), "{first:?}");
            }
        }
        for clamping in [sepia(1.0), contrast(1.5), brightness(1.01), saturate(1.2), hue_rotate(10.0)] {
            assert!(!clamping.stays_in_gamut(), "{clamping:?}");
        }
    }
}
