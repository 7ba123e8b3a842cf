//! Turns a chain, a source and a size into passes. Pure: `gpu/pass.rs` only runs what this says.
//!
//! ```text
//! source ─▶ [unpack│points] ─▶ texture ─▶ [blur ↕] ─▶ texture ─▶ [blur ↔│points│pack] ─▶ I420
//! ```
//!
//! A pass takes its pixels from the source or from the texture of a pass before, gathers them in one [`Stage`],
//! sends each through its [`Point`]s and puts it out. Whatever works on a pixel alone joins the pass before it, and the
//! unpacking of the source and the packing of the result join the first and the last; so `sepia(1) contrast(1.2)` on
//! film is one pass. Only a filter that looks at a pixel's neighbours ends a pass, for it needs them finished.

use super::color_matrix::ColorMatrix;
use super::{Edge, Filter};
use crate::frame::{PixelFormat, Size};

mod bell;
mod explain;
mod numbers;
mod place;
mod planner;
#[cfg(test)]
mod tests;

pub use bell::Bell;
pub use place::{LayerPlace, Scaling};
pub use planner::{plan, plan_layer};

/// The picture that a plan begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourcePicture {
    /// Where its pixels are.
    pub pixels: SourcePixels,
    /// Its size in pixels.
    pub size: Size,
}

/// Where the pixels of a picture are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourcePixels {
    /// In a frame's bytes, laid out so.
    Bytes(PixelFormat),
    /// In a texture on the GPU, premultiplied.
    Texture,
}

/// What is to be done for every frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The passes, in order.
    pub passes: Vec<Pass>,
    /// The sizes of the textures that passes leave their pictures in.
    pub textures: Vec<Size>,
    /// Textures that change places after every frame: what a pass wrote into one it reads from the other.
    pub twins: Vec<[usize; 2]>,
    /// Where on the canvas the first pixel of what the last pass makes lies: elsewhere than at (0, 0) for a layer
    /// alone.
    pub origin: [i32; 2],
}

impl Plan {
    /// Whether what it makes hides all of a canvas of this size.
    pub fn covers(&self, canvas: Size) -> bool {
        self.passes.last().is_some_and(|last| {
            let opaque = last.opaque && last.points.iter().all(Point::keeps_alpha);
            opaque && self.origin == [0, 0] && last.to == Extent::of(canvas)
        })
    }
}

/// One dispatch: a picture in, a picture out.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// Where its pixels come from.
    pub input: PassInput,
    /// How much of the plane the input covers.
    pub from: Extent,
    /// How they are gathered.
    pub stage: Stage,
    /// What is then done to each, in order.
    pub points: Vec<Point>,
    /// Whether every pixel's alpha is 1 before the points, so that nothing need be divided by it.
    pub opaque: bool,
    /// What lies outside the input.
    pub edge: Edge,
    /// The texture of the picture that was blurred and its extent, for a point that combines both.
    pub original: Option<(usize, Extent)>,
    /// The texture of what this pass made of the frame before, for filters that remember.
    pub previous: Option<usize>,
    /// Where they go.
    pub output: PassOutput,
    /// How much of the plane the output covers.
    pub to: Extent,
}

/// How much of the plane a picture covers: its own pixels, from (0, 0) on, and a margin around them. What a blur spreads
/// beyond the borders is kept there as far as a later blur may bring it back, as it does on a canvas; at the end of a plan
/// there is no margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The picture's size in pixels.
    pub size: Size,
    /// How many pixels stand around it on each side.
    pub margin: u32,
}

impl Extent {
    /// A picture without a margin.
    pub const fn of(size: Size) -> Self {
        Self { size, margin: 0 }
    }

    /// The size with the margin.
    pub const fn texels(self) -> Size {
        Size::new(self.size.width + 2 * self.margin, self.size.height + 2 * self.margin)
    }
}

/// Where a pass takes its pixels from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassInput {
    /// The picture that the plan begins with.
    Source(SourcePixels),
    /// Nothing: the pass draws.
    Nothing,
    /// The texture of this number.
    Texture(usize),
}

/// Where a pass puts its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassOutput {
    /// The texture of this number: half floats, premultiplied.
    Texture(usize),
    /// Packed I420, as encoders want it: over black, in the recording's colours.
    I420,
    /// Packed RGBA with straight alpha, as stills want it.
    Rgba8,
}

/// Along which axis a separable stage works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Along rows.
    X,
    /// Along columns.
    Y,
}

/// How a pass gathers its pixels.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Each pixel from its own place.
    Copy,
    /// A filter's own WGSL function, which looks around.
    Area(Filter),
    /// A blur along one axis.
    Blur {
        /// Along which axis.
        axis: Axis,
        /// The shape of its weights.
        bell: Bell,
        /// How far the picture is moved along the axis, in pixels.
        shift: f32,
    },
    /// The mean of `factor`² pixels.
    Reduce {
        /// How many pixels become one, along each axis.
        factor: u32,
        /// How far the picture is moved right and down, in pixels of the input.
        shift: [i32; 2],
    },
    /// Back up by `factor` from a reduced picture, linearly between its pixels.
    Expand {
        /// How many pixels one becomes, along each axis.
        factor: u32,
    },
    /// A part of a picture to a place of another along one axis: the mean of the pixels that one covers when it
    /// shrinks, linear when it grows.
    Place {
        /// Along which axis.
        axis: Axis,
        /// Which pixels come to lie on which.
        scaling: Scaling,
    },
    /// To another size along one axis: Catmull-Rom, widened when it shrinks so that nothing aliases.
    Resample {
        /// Along which axis.
        axis: Axis,
        /// Where the picture begins in the output; transparent before it.
        begin: u32,
        /// How many pixels of the output it covers; transparent after.
        length: u32,
    },
}

/// What is done to one pixel alone.
#[derive(Debug, Clone, PartialEq)]
pub enum Point {
    /// A colour matrix, clamped after.
    Matrix(ColorMatrix),
    /// A filter's own WGSL function on straight colours, clamped after.
    Function(Filter),
    /// A filter's own WGSL function of the original and the blurred colour, premultiplied.
    Combine(Filter),
    /// The WGSL function of such a filter that makes what it blurs, premultiplied.
    Feed(Filter),
}

impl Axis {
    /// The picture's extent along this axis, in pixels.
    pub fn of(self, size: Size) -> u32 {
        match self {
            Self::X => size.width,
            Self::Y => size.height,
        }
    }
}
