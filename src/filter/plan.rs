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
use super::{Effect, Filter, FilterChain};
use crate::frame::{PixelFormat, Size};

/// What the first pass reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// The layout of the source's bytes.
    pub format: PixelFormat,
    /// The source's size in pixels.
    pub size: Size,
}

/// What is to be done for every frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The passes, in order.
    pub passes: Vec<Pass>,
    /// The sizes of the textures that passes leave their pictures in.
    pub textures: Vec<Size>,
}

/// One dispatch: a picture in, a picture out.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// Where its pixels come from.
    pub input: Input,
    /// The input's size.
    pub input_size: Size,
    /// How they are gathered.
    pub stage: Stage,
    /// What is then done to each, in order.
    pub points: Vec<Point>,
    /// Whether every pixel's alpha is 1 before the points, so that nothing need be divided by it.
    pub opaque: bool,
    /// Where they go.
    pub output: Output,
    /// The output's size.
    pub size: Size,
}

/// Where a pass takes its pixels from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The source's bytes.
    Source(PixelFormat),
    /// The texture of this number.
    Texture(usize),
}

/// Where a pass puts its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage {
    /// Each pixel from its own place.
    Copy,
    /// A Gaussian of this standard deviation along one axis, transparent black outside.
    Blur(Axis, f32),
    /// The mean of `factor`² pixels, with `margin` pixels more on each side than the input covers.
    Reduce {
        /// How many pixels become one, along each axis.
        factor: u32,
        /// How many pixels stand around.
        margin: u32,
    },
    /// Back up by `factor` from a reduced picture with a margin, linearly between its pixels.
    Expand {
        /// How many pixels one becomes, along each axis.
        factor: u32,
        /// How many pixels stand around.
        margin: u32,
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
    /// A filter's own WGSL function, clamped after.
    Function(Filter),
}

/// Blurs up to this standard deviation gather their pixels directly; wider ones at a reduced size, where they stay
/// between half of it and all.
const DIRECT_BLUR: f32 = 4.0;
/// How far one pass reduces at the most: more would leave too few invocations with too much to read each.
const MOST_REDUCED: u32 = 8;
/// Reduced pixels around a picture: expanding reads one beyond the edge.
const MARGIN: u32 = 2;

/// Plans how `source` becomes a picture of `size`, filtered by `chain`. A source of another size is fitted in whole, in
/// the middle, transparent around.
pub fn plan(chain: &FilterChain, source: Picture, size: Size, output: Output) -> Plan {
    let mut planner = Planner::new(source);
    if source.size != size {
        planner.fit(size);
    }
    for filter in chain.filters() {
        match &filter.info().effect {
            Effect::Matrix(matrix) => planner.matrix(matrix(filter.values())),
            Effect::Point { .. } => planner.open.points.push(Point::Function(filter.clone())),
            Effect::Blur => planner.blur(filter.values()[0]),
        }
    }
    planner.emit(output);
    Plan { passes: planner.passes, textures: planner.textures }
}

/// The passes so far, and what the next one will do.
struct Planner {
    passes: Vec<Pass>,
    textures: Vec<Size>,
    open: Open,
}

/// A pass that still takes points.
struct Open {
    input: Input,
    input_size: Size,
    stage: Stage,
    points: Vec<Point>,
    opaque: bool,
    size: Size,
}

impl Open {
    fn is_untouched_texture(&self) -> bool {
        matches!(self.input, Input::Texture(_)) && self.stage == Stage::Copy && self.points.is_empty()
    }

    fn opaque_after(&self) -> bool {
        self.opaque && self.points.iter().all(Point::keeps_alpha)
    }
}

impl Point {
    pub(crate) fn keeps_alpha(&self) -> bool {
        match self {
            Self::Matrix(matrix) => matrix.alpha == 1.0,
            Self::Function(_) => true,
        }
    }
}

impl Planner {
    fn new(source: Picture) -> Self {
        let open = Open {
            input: Input::Source(source.format),
            input_size: source.size,
            stage: Stage::Copy,
            points: Vec::new(),
            opaque: source.format != PixelFormat::Rgba8,
            size: source.size,
        };
        Self { passes: Vec::new(), textures: Vec::new(), open }
    }

    /// Ends the open pass.
    fn emit(&mut self, output: Output) {
        let Open { input, input_size, stage, opaque, size, .. } = self.open;
        let points = std::mem::take(&mut self.open.points);
        self.passes.push(Pass { input, input_size, stage, points, opaque, output, size });
    }

    /// Goes on with `stage`, which makes a picture of `size` from finished neighbours.
    fn gather(&mut self, stage: Stage, size: Size) {
        let opaque = self.open.opaque_after();
        if !self.open.is_untouched_texture() {
            let texture = self.place(self.open.size);
            self.emit(Output::Texture(texture));
            self.open.input = Input::Texture(texture);
            self.open.input_size = self.open.size;
        }
        self.open.stage = stage;
        self.open.size = size;
        self.open.opaque = opaque
            && match stage {
                Stage::Copy => true,
                Stage::Resample { axis, begin, length } => begin == 0 && length == axis.of(size),
                Stage::Blur(..) | Stage::Reduce { .. } | Stage::Expand { .. } => false,
            };
    }

    /// A texture of this size that the open pass doesn't read.
    fn place(&mut self, size: Size) -> usize {
        let mut places = self.textures.iter().enumerate();
        let free = places.find(|&(texture, &other)| other == size && self.open.input != Input::Texture(texture));
        if let Some((texture, _)) = free {
            return texture;
        }
        self.textures.push(size);
        self.textures.len() - 1
    }

    fn fit(&mut self, size: Size) {
        let from = self.open.size;
        let fitted = fit(from, size);
        let begin = (size.width - fitted.width) / 2;
        let stage = Stage::Resample { axis: Axis::X, begin, length: fitted.width };
        self.gather(stage, Size::new(size.width, from.height));
        let begin = (size.height - fitted.height) / 2;
        self.gather(Stage::Resample { axis: Axis::Y, begin, length: fitted.height }, size);
    }

    fn matrix(&mut self, matrix: ColorMatrix) {
        if matrix == ColorMatrix::IDENTITY {
            return;
        }
        match self.open.points.last_mut() {
            Some(Point::Matrix(last)) if last.stays_in_gamut() => *last = last.then(&matrix),
            _ => self.open.points.push(Point::Matrix(matrix)),
        }
    }

    fn blur(&mut self, sigma: f32) {
        if sigma == 0.0 {
            return;
        }
        let size = self.open.size;
        if sigma <= DIRECT_BLUR {
            self.gather(Stage::Blur(Axis::Y, sigma), size);
            self.gather(Stage::Blur(Axis::X, sigma), size);
            return;
        }
        // Reduced by a power of two, blurred there, expanded again. Taking means and interpolating linearly blur too:
        // by variances of (f² - 1)/12 and f²/6, which the Gaussian between leaves out.
        let factor = 1 << (sigma / (DIRECT_BLUR / 2.0)).log2() as u32;
        let f = factor as f32;
        let inner = (sigma * sigma / (f * f) - (1.0 - 1.0 / (f * f)) / 12.0 - 1.0 / 6.0).sqrt();
        let mut left: u32 = factor;
        while left > 1 {
            let factor = left.min(MOST_REDUCED);
            left /= factor;
            let margin = if left == 1 { MARGIN } else { 0 };
            let reduced = |pixels: u32| pixels.div_ceil(factor) + 2 * margin;
            let from = self.open.size;
            self.gather(Stage::Reduce { factor, margin }, Size::new(reduced(from.width), reduced(from.height)));
        }
        let reduced = self.open.size;
        self.gather(Stage::Blur(Axis::Y, inner), reduced);
        self.gather(Stage::Blur(Axis::X, inner), reduced);
        self.gather(Stage::Expand { factor, margin: MARGIN }, size);
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

/// The largest size of `picture`'s shape within `space`, at least one pixel each way (CSS `object-fit: contain`).
fn fit(picture: Size, space: Size) -> Size {
    let scale = |of: u32, by: u32, over: u32| {
        let scaled = (u64::from(of) * u64::from(by) + u64::from(over) / 2) / u64::from(over);
        scaled.max(1) as u32
    };
    if u64::from(picture.width) * u64::from(space.height) > u64::from(space.width) * u64::from(picture.height) {
        Size::new(space.width, scale(picture.height, space.width, picture.width).min(space.height))
    } else {
        Size::new(scale(picture.width, space.height, picture.height).min(space.width), space.height)
    }
}

impl Pass {
    /// The numbers that the pass's shader reads: the stage's first, then each point's.
    pub fn params(&self) -> Vec<[f32; 4]> {
        let mut params = self.stage.params(self.input_size);
        for point in &self.points {
            params.extend(point.params());
        }
        params
    }

    /// Each point, with the place of its first number in [`Pass::params`].
    pub fn placed_points(&self) -> impl Iterator<Item = (&Point, usize)> {
        let mut at = self.stage.params(self.input_size).len();
        self.points.iter().map(move |point| {
            let place = at;
            at += point.params().len();
            (point, place)
        })
    }
}

impl Point {
    fn params(&self) -> Vec<[f32; 4]> {
        match self {
            Self::Matrix(matrix) => matrix.params().to_vec(),
            Self::Function(filter) => filter
                .values()
                .chunks(4)
                .map(|values| std::array::from_fn(|index| values.get(index).copied().unwrap_or(0.0)))
                .collect(),
        }
    }
}

impl Stage {
    fn params(&self, input: Size) -> Vec<[f32; 4]> {
        match *self {
            Self::Copy => Vec::new(),
            Self::Blur(_, sigma) => blur_params(sigma),
            Self::Reduce { factor, margin } | Self::Expand { factor, margin } => {
                vec![[factor as f32, margin as f32, 0.0, 0.0]]
            }
            Self::Resample { axis, begin, length } => {
                let scale = axis.of(input) as f32 / length as f32;
                vec![[begin as f32, length as f32, scale, 2.0 * scale.max(1.0)]]
            }
        }
    }
}

/// A Gaussian as the shader walks along it: how far it reaches, its first weight, the ratio of the second to the first,
/// and what each next ratio is of the last.
fn blur_params(sigma: f32) -> Vec<[f32; 4]> {
    let reach = (3.0 * sigma).ceil();
    let weight = |t: f32| (-0.5 * (t / sigma).powi(2)).exp();
    let sum: f32 = (-reach as i32..=reach as i32).map(|t| weight(t as f32)).sum();
    let ratio = ((2.0 * reach - 1.0) / (2.0 * sigma * sigma)).exp();
    vec![[reach, weight(reach) / sum, ratio, (-1.0 / (sigma * sigma)).exp()]]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HD: Size = Size::new(1280, 720);
    const FILM: Picture = Picture { format: PixelFormat::I420, size: HD };

    fn passes(chain: &str, size: Size) -> Vec<Pass> {
        plan(&chain.parse().unwrap(), FILM, size, Output::I420).passes
    }

    #[test]
    fn a_run_of_pointwise_filters_is_one_pass_with_unpack_and_pack() {
        let passes = passes("sepia(1) contrast(1.2) saturate(1.4) hue-rotate(20deg) vignette(0.4)", HD);
        assert_eq!(passes.len(), 1);
        assert_eq!((passes[0].input, passes[0].output), (Input::Source(PixelFormat::I420), Output::I420));
        assert!(passes[0].opaque);
        assert_eq!(passes[0].points.len(), 5);
    }

    #[test]
    fn matrices_multiply_only_where_no_clamp_can_act_between_them() {
        let points = |chain| passes(chain, HD)[0].points.len();
        assert_eq!(points("grayscale(1) sepia(1)"), 1);
        assert_eq!(points("sepia(1) grayscale(1)"), 2);
        assert_eq!(points("invert(1) opacity(0.5) contrast(0.5) sepia(1)"), 1);
        assert_eq!(points("brightness(1) saturate(1) sepia(0)"), 0);
    }

    #[test]
    fn a_blur_ends_the_pass_before_it_and_takes_the_points_after_it() {
        let passes = passes("sepia(1) blur(2px) contrast(1.2) vignette(0.4)", HD);
        let stages: Vec<_> = passes.iter().map(|pass| (pass.stage, pass.points.len(), pass.opaque)).collect();
        assert_eq!(
            stages,
            [(Stage::Copy, 1, true), (Stage::Blur(Axis::Y, 2.0), 0, false), (Stage::Blur(Axis::X, 2.0), 2, false)]
        );
    }

    #[test]
    fn textures_alternate_and_no_pass_writes_what_it_reads() {
        for chain in ["blur(1px) blur(2px) sepia(1) blur(30px) blur(1px)", "blur(900px)", "blur(5px) blur(5px)"] {
            let plan = plan(&chain.parse().unwrap(), FILM, Size::new(640, 480), Output::Rgba8);
            let mut written = None;
            for pass in &plan.passes {
                if let Input::Texture(texture) = pass.input {
                    assert_eq!(Some(texture), written, "each pass goes on where the last one ended");
                    assert_eq!(plan.textures[texture], pass.input_size);
                }
                if let Output::Texture(texture) = pass.output {
                    assert_ne!(pass.input, Input::Texture(texture));
                    assert_eq!(plan.textures[texture], pass.size);
                    written = Some(texture);
                }
            }
            assert!(plan.textures.len() <= 9, "{chain}: {:?}", plan.textures);
            assert_eq!(plan.passes.last().unwrap().output, Output::Rgba8);
        }
    }

    #[test]
    fn a_blurs_reach_is_bounded_however_wide_it_is() {
        for tenth in 1..10_000 {
            let sigma = tenth as f32 / 10.0;
            for pass in passes(&format!("blur({sigma}px)"), HD) {
                if let Stage::Blur(_, inner) = pass.stage {
                    assert!(inner > 0.0 && inner <= DIRECT_BLUR, "blur({sigma}px) blurs by {inner}");
                }
            }
        }
    }

    #[test]
    fn another_shape_is_fitted_in_whole_with_nothing_around_it() {
        let letterboxed = passes("none", Size::new(640, 480));
        assert_eq!(letterboxed.last().unwrap().stage, Stage::Resample { axis: Axis::Y, begin: 60, length: 360 });
        assert!(!letterboxed.last().unwrap().opaque);
        let scaled = passes("none", Size::new(640, 360));
        assert!(scaled.last().unwrap().opaque);
        assert_eq!(fit(Size::new(1, 4000), Size::new(16, 16)), Size::new(1, 16));
    }
}
