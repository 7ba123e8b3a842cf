//! The numbers for drawing a picture at a place of a canvas: the mapping of its pixels.
//!
//! ```text
//! source ┌────────┐          canvas ┌───────────────┐
//!        │ ┌────┐ │                 │  ┌─────────┐  │
//!        │ │from│ │ ──────────────▶ │  │   to    │  │  the part: the whole pixels around `to`, as far as they are
//!        │ └────┘ │                 │  └─────────┘  │  seen; a filter's reach beyond the borders counts
//!        └────────┘                 └───────────────┘
//! ```

use crate::frame::{Rect, Size};

/// How a picture is drawn on a canvas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LayerPlace {
    /// Over the whole canvas, entire and centred.
    Fitted,
    /// The rectangle `from` of the picture, scaled to the rectangle `to` of the canvas. Neither is empty, and `from` is
    /// within the picture.
    At {
        /// In pixels of the picture.
        from: Rect,
        /// In pixels of the canvas; it may reach outside.
        to: Rect,
    },
}

impl LayerPlace {
    /// The place for HTML's `drawImage` (HTML §4.12.5.1.14): a rectangle of negative size extends to the other side,
    /// and does not mirror the picture; parts outside the picture are left out, with the corresponding part of the
    /// canvas. None when nothing is painted: for sizes of zero, and for NaN or infinite numbers.
    pub fn at(picture: Size, from: Rect, to: Rect) -> Option<Self> {
        let [from, to] = [from, to].map(|rect| [sides(rect.x, rect.width), sides(rect.y, rect.height)]);
        let mut clipped = [[[0.0; 2]; 2]; 2];
        for (axis, length) in [picture.width, picture.height].into_iter().enumerate() {
            let ([begin, end], [left, right]) = (from[axis], to[axis]);
            let scale = (right - left) / (end - begin);
            if ![begin, end, left, right, scale].iter().all(|number| number.is_finite()) || scale <= 0.0 {
                return None;
            }
            let [first, last] = [begin.max(0.0), end.min(f64::from(length))];
            if first >= last {
                return None;
            }
            clipped[0][axis] = [first, last];
            clipped[1][axis] = [left + (first - begin) * scale, right - (end - last) * scale];
        }
        let [from, to] = clipped.map(|[[x, right], [y, bottom]]| Rect::new(x, y, right - x, bottom - y));
        Some(Self::At { from, to })
    }
}

/// The smaller end first.
fn sides(begin: f64, length: f64) -> [f64; 2] {
    let end = begin + length;
    [begin.min(end), begin.max(end)]
}

/// The pixels of a canvas that a picture covers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CanvasPart {
    /// Its left and top on the canvas; they may lie outside.
    pub origin: [i32; 2],
    /// How many pixels it has.
    pub size: Size,
    /// The mapping of the picture's pixels, across and down.
    pub scaling: [Scaling; 2],
}

/// The mapping of a picture's pixels to those of an output, along one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaling {
    /// The position in the picture of the middle of the output's first pixel, in pixels of the picture.
    pub origin: f32,
    /// The length of one output pixel, in pixels of the picture.
    pub step: f32,
    /// The range of the output that the picture covers, in pixels of the output.
    pub covered: [f32; 2],
    /// The range of the picture that is drawn, in its pixels.
    pub from: [f32; 2],
}

impl CanvasPart {
    /// The part of a canvas of this size that `to` covers, with `reach` pixels around it; none when it is empty.
    pub fn new(from: Rect, to: Rect, canvas: Size, reach: u32) -> Option<Self> {
        let (x, width, across) = Scaling::new([from.x, from.width], [to.x, to.width], canvas.width, reach)?;
        let (y, height, down) = Scaling::new([from.y, from.height], [to.y, to.height], canvas.height, reach)?;
        Some(Self { origin: [x, y], size: Size::new(width, height), scaling: [across, down] })
    }

    /// Whether the mapping is the identity for a picture of this size.
    pub fn is_copy_of(&self, picture: Size) -> bool {
        let copies = |scaling: &Scaling, length: u32| {
            let whole = [0.0, length as f32];
            (scaling.origin, scaling.step, scaling.covered, scaling.from) == (0.5, 1.0, whole, whole)
        };
        let [across, down] = &self.scaling;
        self.size == picture && copies(across, picture.width) && copies(down, picture.height)
    }
}

impl Scaling {
    /// Along one axis: the beginning of the part, its length in pixels, and the mapping. Each pair is a beginning and a
    /// length.
    fn new(from: [f64; 2], to: [f64; 2], canvas: u32, reach: u32) -> Option<(i32, u32, Self)> {
        let reach = f64::from(reach);
        let first = to[0].floor().max(-reach);
        let last = (to[0] + to[1]).ceil().min(f64::from(canvas) + reach);
        if first >= last {
            return None;
        }
        let (length, step) = (last - first, from[1] / to[1]);
        let begin = to[0] - first;
        let scaling = Self {
            origin: (from[0] + (0.5 - begin) * step) as f32,
            step: step as f32,
            covered: [begin.max(0.0) as f32, (begin + to[1]).min(length) as f32],
            from: [from[0] as f32, (from[0] + from[1]) as f32],
        };
        Some((first as i32, length as u32, scaling))
    }
}
