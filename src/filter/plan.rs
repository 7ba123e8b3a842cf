//! Turns a chain, a source and a size into passes. Pure: `gpu/pass.rs` only runs what this says.
//!
//! ```text
//! source ─▶ [unpack│points] ─▶ texture ─▶ [blur ↕] ─▶ texture ─▶ [blur ↕│points│pack] ─▶ I420
//! ```
//!
//! Each of the two blurs transposes the picture, so that the second, down the columns again, blurs across. Where a blur or
//! a reflection needs no colours, its passes work on planes of 4:2:0 instead, on luma and on chroma each for itself.
//!
//! A pass takes its pixels from the source or from the picture of an earlier pass, gathers them in one [`Stage`], sends
//! each through its [`Point`]s and writes it. A filter that works on a pixel alone joins the pass before it, and the
//! unpacking of the source and the packing of the result join the first and the last pass; so `sepia(1) contrast(1.2)`
//! on film is one pass. Only a filter that reads a pixel's neighbours ends a pass, because it needs them finished.

use super::color_matrix::ColorMatrix;
use super::{Edge, Filter};
use crate::color::{ColorSpace, Siting, ToneMap, Transfer};
use crate::frame::{BitDepth, PixelFormat, Size};

mod blur_kernel;
mod explain;
mod numbers;
mod place;
mod planner;
#[cfg(test)]
mod tests;

pub use blur_kernel::{BlurKernel, Taps};
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

/// The place of a picture's pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourcePixels {
    /// In a frame's bytes, in this format.
    Bytes(PixelFormat),
    /// In a frame's bytes, as a recording has them: I420 of 8 bits in its colours.
    Recorded,
    /// In a frame's bytes, in this format, with light or primaries beyond those of recordings; unpacking brings them to
    /// those.
    Wide {
        /// The layout of the bytes.
        format: PixelFormat,
        /// The light of its code values.
        transfer: Transfer,
        /// How that is brought to standard dynamic range.
        tone_map: ToneMap,
    },
    /// In a texture on the GPU, premultiplied.
    Texture,
    /// In a buffer of light that [`PassOutput::Light`] added up.
    Light,
}

impl SourcePixels {
    /// The pixels of frames in this format and these colours.
    pub fn of(format: PixelFormat, color: ColorSpace) -> Self {
        let ColorSpace { transfer, tone_map, .. } = color;
        if color.is_wide() { Self::Wide { format, transfer, tone_map } } else { Self::Bytes(format) }
    }

    /// The layout of the bytes; none of a texture and of light.
    pub fn format(self) -> Option<PixelFormat> {
        match self {
            Self::Bytes(format) | Self::Wide { format, .. } => Some(format),
            Self::Recorded => Some(PixelFormat::I420),
            Self::Texture | Self::Light => None,
        }
    }
}

/// The passes for every frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The passes, in order.
    pub passes: Vec<Pass>,
    /// The textures between passes.
    pub textures: Vec<PlannedTexture>,
    /// Pairs of textures that swap after every frame: a pass reads from one what it wrote into the other one before.
    pub twins: Vec<[usize; 2]>,
    /// The position on the canvas of the first pixel of the last pass's result: (0, 0) except for a layer.
    pub origin: [i32; 2],
}

impl Plan {
    /// How many pictures there are as planes of 4:2:0 between passes, each of the result's size.
    pub fn planes(&self) -> usize {
        let index = |pass: &Pass| if let PassOutput::Planes(index) = pass.output { index + 1 } else { 0 };
        self.passes.iter().map(index).max().unwrap_or(0)
    }

    /// Whether the result covers all of a canvas of this size.
    pub fn covers(&self, canvas: Size) -> bool {
        self.passes.last().is_some_and(|last| {
            Point::opaque_after(&last.points, last.opaque) && self.origin == [0, 0] && last.to == Extent::of(canvas)
        })
    }
}

/// One dispatch: reads a picture, writes a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// The input of its pixels.
    pub input: PassInput,
    /// How much of the plane the input covers.
    pub from: Extent,
    /// The planes that it makes from the same planes of its input; none for a pass on colours.
    pub planes: Option<PlaneKind>,
    /// How the pixels are gathered.
    pub stage: Stage,
    /// The operations on each pixel, in order.
    pub points: Vec<Point>,
    /// Whether every pixel's alpha is 1 before the points, so that no division by alpha is needed.
    pub opaque: bool,
    /// The pixels outside the input.
    pub edge: Edge,
    /// The texture of the picture that was blurred, with its extent, for a point that combines both.
    pub original: Option<(usize, Extent)>,
    /// The texture with this pass's result for the frame before, for filters that use `previous`.
    pub previous: Option<usize>,
    /// The output of its pixels.
    pub output: PassOutput,
    /// How much of the plane the output covers.
    pub to: Extent,
}

/// The planes of a 4:2:0 picture that one pass works on; each plane of them alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaneKind {
    /// Luma.
    Luma,
    /// Both planes of chroma.
    Chroma,
}

/// A texture between passes; its colours are premultiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedTexture {
    /// In pixels.
    pub size: Size,
    /// How its colours are kept.
    pub precision: Precision,
}

/// How a texture keeps colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// In 8 bits: where the next pass takes means of pixels, and the source has no more.
    Byte,
    /// In half floats.
    Half,
}

/// How much of the plane a picture covers: its own pixels, from (0, 0) on, and a margin around them. The margin keeps
/// what a blur spreads beyond the borders, as far as a later blur may bring it back, as on a canvas; at the end of a
/// plan there is no margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The picture's size in pixels.
    pub size: Size,
    /// How many pixels the margin has on each side.
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

    /// The same with rows for columns.
    pub const fn transposed(self) -> Self {
        let Self { size: Size { width, height }, margin } = self;
        Self { size: Size::new(height, width), margin }
    }
}

/// The input of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassInput {
    /// The source picture of the plan.
    Source(SourcePixels),
    /// Nothing: the pass draws.
    Nothing,
    /// The texture of this number.
    Texture(usize),
    /// The planes of this number: I420 of 8 bits in the recording's colours, over black.
    Planes(usize),
}

/// The output of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassOutput {
    /// A texture of the plan, premultiplied.
    Texture {
        /// Its number.
        index: usize,
        /// Its precision.
        precision: Precision,
    },
    /// The planes of this number, for passes on planes. Of colours, each chroma sample is the mean of four pixels, in their
    /// middle; planes of planes have chroma on the left.
    Planes(usize),
    /// Packed I420, for encoders: over black, in the recording's colours.
    I420 {
        /// How many bits a sample has; 10 are in words of 16.
        depth: BitDepth,
    },
    /// Packed RGBA with straight alpha, for stills.
    Rgba8,
    /// Added to the light of other sub-frames: linear, premultiplied, in full floats.
    Light {
        /// Whether each sub-frame is laid over black, for a recording without transparency.
        over_black: bool,
    },
}

/// The axis of a separable stage.
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
    /// A filter's own WGSL function, which reads other pixels.
    Area(Filter),
    /// A blur along the columns, whose result is transposed: twice, it is a blur in both directions.
    Blur {
        /// The shape of its weights.
        kernel: BlurKernel,
        /// How far the picture is moved down its columns, in pixels.
        shift: f32,
    },
    /// A blur of planes, along one axis.
    PlaneBlur {
        /// The axis.
        axis: Axis,
        /// The weights.
        taps: Taps,
    },
    /// Planes flipped or mirrored.
    PlaneReflect {
        /// From left to right.
        across: Reflection,
        /// From top to bottom.
        down: Reflection,
    },
    /// The mean of `factor`² pixels as a colour, read as planes.
    PlaneReduce {
        /// How many pixels become one, along each axis: 2, 4 or 8.
        factor: u32,
        /// Where the chroma samples are: on the left or in the middle.
        siting: Siting,
    },
    /// The mean of `factor`² pixels.
    Reduce {
        /// How many pixels become one, along each axis.
        factor: u32,
        /// How far the picture is moved right and down, in pixels of the input.
        shift: [i32; 2],
    },
    /// Enlarges a reduced picture by `factor`, linearly between its pixels.
    Expand {
        /// How many pixels one becomes, along each axis.
        factor: u32,
    },
    /// Scales a part of a picture to a place of another along one axis: the mean of the covered pixels when it shrinks,
    /// linear when it grows.
    Place {
        /// The axis.
        axis: Axis,
        /// The mapping of pixels.
        scaling: Scaling,
    },
    /// Scales to another size along one axis: Catmull-Rom, widened for downscaling to avoid aliasing.
    Resample {
        /// The axis.
        axis: Axis,
        /// The beginning of the picture in the output; transparent before it.
        begin: u32,
        /// How many pixels of the output the picture covers; transparent after.
        length: u32,
    },
}

/// Which part of a picture is reflected about its middle, along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reflection {
    /// Nothing.
    None,
    /// The first half becomes the second one's reflection.
    First,
    /// The second half becomes the first one's reflection.
    Second,
    /// All.
    All,
}

/// An operation on one pixel alone.
#[derive(Debug, Clone, PartialEq)]
pub enum Point {
    /// A colour matrix, clamped after.
    Matrix(ColorMatrix),
    /// A filter's own WGSL function on straight colours, clamped after.
    Function(Filter),
    /// A filter's own WGSL function of the original and the blurred colour, premultiplied.
    Combine(Filter),
    /// The WGSL function of such a filter that makes the input of its blur, premultiplied.
    Feed(Filter),
}

impl Pass {
    /// Whether its pixels are colours of a 4:2:0 picture of 8 bits, sixteen samples of which are read at once.
    pub fn reads_sixteen(&self) -> bool {
        self.stage == Stage::Copy && planner::reads_sixteen(self.input, &self.points)
    }

    /// Whether its points are few and short. The text of a pixel stands in the shader for each pixel of a block, so with a
    /// user's WGSL, which may be long, and in long chains blocks are small.
    pub fn has_short_points(&self) -> bool {
        Point::are_short(&self.points)
    }

    /// Whether the colours of neighbours hardly differ, as after a wide blur, and it is whole blocks of 2×2 pixels.
    pub fn is_smooth(&self) -> bool {
        matches!(self.stage, Stage::Expand { .. }) && self.points.iter().all(Point::scales) && self.to.size.is_even()
    }
}

impl PassInput {
    /// Whether it is planes of 4:2:0 in the recording's colours.
    pub(crate) fn is_planes(self) -> bool {
        matches!(self, Self::Source(SourcePixels::Recorded) | Self::Planes(_))
    }
}

impl PlaneKind {
    /// Both parts of a picture.
    pub const ALL: [Self; 2] = [Self::Luma, Self::Chroma];

    /// The size of each plane of a picture of this size, in samples, and how many planes these are.
    pub const fn of(self, Size { width, height }: Size) -> (Size, u32) {
        match self {
            Self::Luma => (Size::new(width, height), 1),
            Self::Chroma => (Size::new(width.div_ceil(2), height.div_ceil(2)), 2),
        }
    }
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
