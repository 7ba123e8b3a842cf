//! From colours to the indices of a palette.

use super::color_map::ColorMap;
use super::options::GifDither;
use crate::frame::Frame;

/// What becomes of a pixel of the picture before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It stays.
    Keep,
    /// It gets another colour.
    Draw,
    /// It becomes transparent.
    Clear,
}

/// A part of a pixel's error: how many columns ahead, how many rows below, and how many parts.
type Share = (i32, usize, i32);

const FLOYD_STEINBERG: (&[Share], i32) = (&[(1, 0, 7), (-1, 1, 3), (0, 1, 5), (1, 1, 1)], 16);
const FALSE_FLOYD_STEINBERG: (&[Share], i32) = (&[(1, 0, 3), (0, 1, 3), (1, 1, 2)], 8);
const STUCKI: (&[Share], i32) = (
    &[
        (1, 0, 8),
        (2, 0, 4),
        (-2, 1, 2),
        (-1, 1, 4),
        (0, 1, 8),
        (1, 1, 4),
        (2, 1, 2),
        (-2, 2, 1),
        (-1, 2, 2),
        (0, 2, 4),
        (1, 2, 2),
        (2, 2, 1),
    ],
    42,
);
const ATKINSON: (&[Share], i32) = (&[(1, 0, 1), (2, 0, 1), (-1, 1, 1), (0, 1, 1), (1, 1, 1), (0, 2, 1)], 8);

/// The indices of the pixels that are drawn; 0 for the others.
pub fn dither(frame: &Frame, changes: &[Change], dither: GifDither, serpentine: bool, map: &mut ColorMap) -> Vec<u8> {
    let kernel = match dither {
        GifDither::None => return each(frame, changes, |_, _, color| map.nearest(color)),
        GifDither::Ordered => {
            return each(frame, changes, |x, y, color| {
                let mix = map.mix(color);
                if mix.share > threshold(x, y) { mix.second } else { mix.first }
            });
        }
        GifDither::FloydSteinberg => FLOYD_STEINBERG,
        GifDither::FalseFloydSteinberg => FALSE_FLOYD_STEINBERG,
        GifDither::Stucki => STUCKI,
        GifDither::Atkinson => ATKINSON,
    };
    diffuse(frame, changes, kernel, serpentine, map)
}

/// The index of each pixel that is drawn, of its place and colour alone.
fn each(frame: &Frame, changes: &[Change], mut index: impl FnMut(usize, usize, [u8; 3]) -> u8) -> Vec<u8> {
    let mut indices = Vec::with_capacity(changes.len());
    let mut changes = changes.iter();
    for (y, row) in frame.rows(0).enumerate() {
        for ((x, &[r, g, b, _]), &change) in row.as_chunks::<4>().0.iter().enumerate().zip(&mut changes) {
            indices.push(if change == Change::Draw { index(x, y, [r, g, b]) } else { 0 });
        }
    }
    indices
}

/// Bayer's matrix of 8×8, in 256ths: 2 to 254.
fn threshold(x: usize, y: usize) -> u8 {
    let value = (0..3).fold(0, |value, bit| {
        let (x, y) = (x >> bit & 1, y >> bit & 1);
        value << 2 | (x ^ y) << 1 | y
    });
    (value * 4 + 2) as u8
}

/// Diffuses errors among the pixels that are drawn: what stays as it is neither takes part of an error nor gives any.
fn diffuse(
    frame: &Frame,
    changes: &[Change],
    (shares, parts): (&[Share], i32),
    serpentine: bool,
    map: &mut ColorMap,
) -> Vec<u8> {
    /// Errors are in 16ths of a step, and columns have this many on each side.
    const FINE: i32 = 16;
    const MARGIN: usize = 2;
    let width = frame.size().width as usize;
    let mut indices = vec![0; changes.len()];
    let mut errors: [Vec<[i32; 3]>; 3] = std::array::from_fn(|_| vec![[0; 3]; width + 2 * MARGIN]);
    for (y, row) in frame.rows(0).enumerate() {
        let pixels = row.as_chunks::<4>().0;
        let leftward = serpentine && y % 2 == 1;
        for step in 0..width {
            let x = if leftward { width - 1 - step } else { step };
            let at = y * width + x;
            if changes[at] != Change::Draw {
                continue;
            }
            let error = errors[0][x + MARGIN];
            let wanted: [i32; 3] =
                std::array::from_fn(|part| (i32::from(pixels[x][part]) * FINE + error[part]).clamp(0, 255 * FINE));
            let index = map.nearest(wanted.map(|value| ((value + FINE / 2) / FINE).min(255) as u8));
            indices[at] = index;
            let shown = map.palette().colors()[usize::from(index)];
            for &(ahead, below, share) in shares {
                let ahead = if leftward { -ahead } else { ahead };
                let to = &mut errors[below][(x + MARGIN).saturating_add_signed(ahead as isize)];
                (0..3).for_each(|part| to[part] += (wanted[part] - i32::from(shown[part]) * FINE) * share / parts);
            }
        }
        errors.rotate_left(1);
        errors[2].fill([0; 3]);
    }
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_thresholds_of_the_pattern_differ() {
        let mut found: Vec<u8> = (0..64).map(|at| threshold(at % 8, at / 8)).collect();
        found.sort_unstable();
        assert!(found.iter().enumerate().all(|(place, value)| usize::from(*value) == place * 4 + 2), "{found:?}");
        assert_eq!(threshold(3, 5), threshold(11, 13));
    }
}
