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

use std::fmt;

use super::color_matrix::ColorMatrix;
use super::{Edge, Effect, Filter, FilterChain, Kind, Value};
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
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The passes, in order.
    pub passes: Vec<Pass>,
    /// The sizes of the textures that passes leave their pictures in.
    pub textures: Vec<Size>,
    /// Textures that change places after every frame: what a pass wrote into one it reads from the other.
    pub twins: Vec<[usize; 2]>,
}

/// One dispatch: a picture in, a picture out.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// Where its pixels come from.
    pub input: Input,
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
    pub output: Output,
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

/// The shape of a blur's weights: three boxes one after another, which are as good as a Gaussian. The specification has it
/// so for standard deviations from 2 on, browsers draw it so for all (Filter Effects Module Level 1, §15.7).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bell {
    /// Boxes of so many pixels.
    Boxes([usize; 3]),
    /// Boxes of a fractional length that have this standard deviation together: on a reduced picture.
    Spline(f32),
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

/// Blurs up to this standard deviation gather their pixels directly; wider ones at a reduced size, where they stay
/// between half of it and all.
const DIRECT_BLUR: f32 = 4.0;
/// How many vectors a blur's numbers fill at least: as many as the widest that gathers directly.
const PADDED_BLUR: usize = 32;
/// How far one pass reduces at the most: more would leave too few invocations with too much to read each.
const MOST_REDUCED: u32 = 8;
/// Reduced pixels around a picture: expanding reads one beyond the edge.
const MARGIN: u32 = 2;
/// The widest margin that is kept for later blurs, in pixels.
const WIDEST_MARGIN: u32 = 1024;

/// Plans how `source` becomes a picture of `size`, filtered by `chain`. A source of another size is fitted in whole, in
/// the middle, transparent around. An animated chain is planned for one instant: give [`FilterChain::at`].
pub fn plan(chain: &FilterChain, source: Picture, size: Size, output: Output) -> Plan {
    let mut planner = Planner::new(source, chain.edge());
    if source.size != size {
        planner.fit(size);
    }
    for (index, filter) in chain.filters().iter().enumerate() {
        // Where the border goes on for ever there is nothing beyond it to keep.
        if chain.edge() == Edge::Transparent {
            let ahead = chain.filters()[index + 1..].iter().map(Filter::reach).fold(0, u32::saturating_add);
            planner.spread = ahead.min(WIDEST_MARGIN).min(size.width.max(size.height));
        }
        planner.add(filter);
    }
    planner.emit(output);
    Plan { passes: planner.passes, textures: planner.textures, twins: planner.twins }
}

/// The passes so far, and what the next one will do.
struct Planner {
    passes: Vec<Pass>,
    textures: Vec<Size>,
    twins: Vec<[usize; 2]>,
    edge: Edge,
    /// How far the filters that follow may reach beyond the borders.
    spread: u32,
    open: Open,
}

/// A pass that still takes points.
struct Open {
    input: Input,
    from: Extent,
    stage: Stage,
    points: Vec<Point>,
    opaque: bool,
    original: Option<(usize, Extent)>,
    to: Extent,
}

impl Open {
    /// Whether a stage can begin on this without a picture to finish first.
    fn is_untouched(&self) -> bool {
        let ready = matches!(self.input, Input::Texture(_) | Input::Source(PixelFormat::Blank));
        ready && self.stage == Stage::Copy && self.points.is_empty()
    }

    fn opaque_after(&self) -> bool {
        self.opaque && self.points.iter().all(Point::keeps_alpha)
    }
}

impl Point {
    pub(crate) fn keeps_alpha(&self) -> bool {
        match self {
            Self::Matrix(matrix) => matrix.alpha == 1.0,
            // Ours leave alpha to `opacity`, by their contract; a user's may do as it likes.
            Self::Function(filter) => filter.custom().is_none() && filter.info().name != "chroma-key",
            Self::Combine(_) => true,
            Self::Feed(_) => false,
        }
    }
}

impl Planner {
    fn new(source: Picture, edge: Edge) -> Self {
        let open = Open {
            input: Input::Source(source.format),
            from: Extent::of(source.size),
            stage: Stage::Copy,
            points: Vec::new(),
            opaque: !matches!(source.format, PixelFormat::Rgba8 | PixelFormat::Blank | PixelFormat::Texture),
            original: None,
            to: Extent::of(source.size),
        };
        Self { passes: Vec::new(), textures: Vec::new(), twins: Vec::new(), edge, spread: 0, open }
    }

    fn add(&mut self, filter: &Filter) {
        match &filter.info().effect {
            Effect::Matrix(matrix) => self.matrix(matrix(&filter.numbers())),
            Effect::Point(_) => self.open.points.push(Point::Function(filter.clone())),
            Effect::Area(_) => self.gather(Stage::Area(filter.clone()), self.open.to),
            Effect::Trail(_) => {
                self.gather(Stage::Area(filter.clone()), self.open.to);
                self.remember();
            }
            Effect::Blur => self.blur(filter.numbers()[0], [0.0, 0.0]),
            &Effect::Combine { sigma, shift, feeds, .. } => {
                let number = |index: usize| filter.values()[index].number().unwrap_or(0.0);
                self.combine(filter, number(sigma), shift.map_or([0.0, 0.0], |shift| shift.map(number)), feeds);
            }
            Effect::Custom => {
                let Some(custom) = filter.custom() else { return };
                match custom.kind() {
                    Kind::Color => self.open.points.push(Point::Function(filter.clone())),
                    Kind::Area | Kind::Image => self.gather(Stage::Area(filter.clone()), self.open.to),
                }
                if custom.uses_previous() {
                    self.remember();
                }
            }
        }
    }

    /// Ends the open pass.
    fn emit(&mut self, output: Output) {
        let Open { input, from, opaque, original, to, .. } = self.open;
        let stage = std::mem::replace(&mut self.open.stage, Stage::Copy);
        let points = std::mem::take(&mut self.open.points);
        self.passes.push(Pass {
            input,
            from,
            stage,
            points,
            opaque,
            edge: self.edge,
            original,
            previous: None,
            output,
            to,
        });
    }

    /// Ends the open pass with its picture in `texture`, which the next goes on from.
    fn emit_texture(&mut self, texture: usize) {
        let opaque = self.open.opaque_after();
        self.emit(Output::Texture(texture));
        self.open.input = Input::Texture(texture);
        self.open.from = self.open.to;
        self.open.opaque = opaque;
        self.open.original = None;
    }

    /// Goes on with `stage`, which makes a picture of this extent from finished neighbours.
    fn gather(&mut self, stage: Stage, to: Extent) {
        self.gather_held(stage, to, None);
    }

    /// The same, without writing over the texture `held`.
    fn gather_held(&mut self, stage: Stage, to: Extent, held: Option<usize>) {
        if !self.open.is_untouched() {
            let texture = self.place(self.open.to.texels(), held);
            self.emit_texture(texture);
        }
        self.open.opaque &= match &stage {
            Stage::Copy => true,
            Stage::Resample { axis, begin, length } => *begin == 0 && *length == axis.of(to.size),
            Stage::Blur { .. } | Stage::Reduce { .. } | Stage::Expand { .. } => self.edge == Edge::Clamp,
            Stage::Area(_) => false,
        };
        self.open.stage = stage;
        self.open.to = to;
    }

    /// Ends the open pass with its picture kept for the next frame.
    fn remember(&mut self) {
        let twins = [self.textures.len(), self.textures.len() + 1];
        self.textures.extend([self.open.to.texels(); 2]);
        self.twins.push(twins);
        self.emit_texture(twins[0]);
        if let Some(pass) = self.passes.last_mut() {
            pass.previous = Some(twins[1]);
        }
    }

    /// A texture of this size that the open pass doesn't read, nor is `held`, nor is kept for the next frame.
    fn place(&mut self, size: Size, held: Option<usize>) -> usize {
        let free = |texture: usize| {
            self.textures[texture] == size
                && self.open.input != Input::Texture(texture)
                && self.open.original.is_none_or(|(original, _)| original != texture)
                && held != Some(texture)
                && !self.twins.iter().any(|twins| twins.contains(&texture))
        };
        (0..self.textures.len()).find(|&texture| free(texture)).unwrap_or_else(|| {
            self.textures.push(size);
            self.textures.len() - 1
        })
    }

    fn fit(&mut self, size: Size) {
        let from = self.open.to.size;
        let fitted = fit(from, size);
        let begin = (size.width - fitted.width) / 2;
        let stage = Stage::Resample { axis: Axis::X, begin, length: fitted.width };
        self.gather(stage, Extent::of(Size::new(size.width, from.height)));
        let begin = (size.height - fitted.height) / 2;
        self.gather(Stage::Resample { axis: Axis::Y, begin, length: fitted.height }, Extent::of(size));
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

    /// Blurs, moved right and down by `shift`.
    fn blur(&mut self, sigma: f32, shift: [f32; 2]) {
        if sigma > 0.0 || shift != [0.0, 0.0] {
            self.blur_held(sigma, shift, None);
        }
    }

    /// Blurs without writing over the texture `held`.
    fn blur_held(&mut self, sigma: f32, shift: [f32; 2], held: Option<usize>) {
        let full = Extent { margin: self.spread, ..self.open.to };
        // What lies beyond the borders counts on the way even where the result is cut at them.
        let wide = Extent { margin: self.spread.max(self.open.to.margin), ..full };
        let blur = |axis, bell, shift| Stage::Blur { axis, bell, shift };
        let bell = Bell::new(sigma);
        if sigma <= DIRECT_BLUR {
            self.gather_held(blur(Axis::Y, bell, shift[1]), wide, held);
            self.gather_held(blur(Axis::X, bell, shift[0]), full, held);
            return;
        }
        // Reduced by a power of two, blurred there, expanded again. Taking means and interpolating linearly blur too: by
        // variances of (1 - 1/f²)/12 and (2 + 1/f²)/12 of a reduced pixel, which the blur between leaves out.
        let variance = bell.variance();
        let factor = 1 << (variance.sqrt() / (DIRECT_BLUR / 2.0)).log2() as u32;
        let f = factor as f32;
        let inner = Bell::Spline((variance / (f * f) - 0.25).sqrt());
        // The first reduction moves the picture by whole pixels, the blur by what is left of one.
        let mut whole = shift.map(|shift| shift.round() as i32);
        // What is moved beyond the borders is blurred back over them.
        let beyond = bell.reach().min(shift[0].abs().max(shift[1].abs())).ceil() as u32;
        let mut reduced = Extent { margin: wide.margin + beyond, ..wide };
        let mut left: u32 = factor;
        while left > 1 {
            let factor = left.min(MOST_REDUCED);
            left /= factor;
            let Size { width, height } = reduced.size;
            reduced.size = Size::new(width.div_ceil(factor), height.div_ceil(factor));
            reduced.margin = reduced.margin.div_ceil(factor) + MARGIN;
            self.gather_held(Stage::Reduce { factor, shift: std::mem::take(&mut whole) }, reduced, held);
        }
        let rest = shift.map(|shift| (shift - shift.round()) / f);
        self.gather_held(blur(Axis::Y, inner, rest[1]), reduced, held);
        self.gather_held(blur(Axis::X, inner, rest[0]), reduced, held);
        self.gather_held(Stage::Expand { factor }, full, held);
    }

    /// The picture as it is, and blurred, or what the filter feeds the blur with; `filter` makes one colour of both.
    fn combine(&mut self, filter: &Filter, sigma: f32, shift: [f32; 2], feeds: bool) {
        if !matches!(self.open.input, Input::Texture(_)) || !self.open.is_untouched() {
            let texture = self.place(self.open.to.texels(), None);
            self.emit_texture(texture);
        }
        let Input::Texture(original) = self.open.input else { return };
        let extent = self.open.from;
        let opaque = self.open.opaque;
        if feeds {
            self.open.points.push(Point::Feed(filter.clone()));
        }
        self.blur_held(sigma, shift, Some(original));
        // What is opaque stays so: the original lies over all.
        self.open.opaque = opaque;
        self.open.original = Some((original, extent));
        self.open.points.push(Point::Combine(filter.clone()));
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
        let mut params = self.stage.params(self.from.size);
        for point in &self.points {
            params.extend(point.params());
        }
        params
    }

    /// Each point, with the place of its first number in [`Pass::params`].
    pub fn placed_points(&self) -> impl Iterator<Item = (&Point, usize)> {
        let mut at = self.stage.params(self.from.size).len();
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
            Self::Function(filter) | Self::Combine(filter) | Self::Feed(filter) => filter.params(),
        }
    }
}

impl Filter {
    /// How far beyond the borders it may look for what lies there, in pixels.
    fn reach(&self) -> u32 {
        let number = |index: usize| self.values()[index].number().unwrap_or(0.0);
        let (sigma, shift) = match &self.info().effect {
            Effect::Blur => (number(0), 0.0),
            Effect::Combine { sigma, shift, .. } => (
                number(*sigma),
                shift.map_or(0.0, |shift| shift.map(number).map(f32::abs).into_iter().fold(0.0, f32::max)),
            ),
            _ => return 0,
        };
        (Bell::new(sigma).reach() + shift).ceil() as u32
    }

    /// The numbers as the shader reads them, where [`Filter::places`] says.
    fn params(&self) -> Vec<[f32; 4]> {
        let mut params = vec![[0.0; 4]; self.numbers().len().div_ceil(4)];
        let mut numbers = 0;
        for value in self.values() {
            match value {
                Value::Number(number) => {
                    params[numbers / 4][numbers % 4] = *number;
                    numbers += 1;
                }
                Value::Color(color) => params.push(*color),
                Value::Lut(lut) => params.extend(lut.params()),
                Value::Shader(_) => {}
            }
        }
        params
    }

    /// The WGSL that reads each value, when the first of [`Filter::params`] lies at `at`: numbers side by side first,
    /// then a colour or a table each. A table is read by its place.
    pub(crate) fn places(&self, at: usize) -> Vec<String> {
        let (mut number, mut whole) = (0, at + self.numbers().len().div_ceil(4));
        let mut places = Vec::new();
        for value in self.values() {
            match value {
                Value::Number(_) => {
                    places.push(format!("params[{}u][{}u]", at + number / 4, number % 4));
                    number += 1;
                }
                Value::Color(_) => {
                    places.push(format!("params[{whole}u]"));
                    whole += 1;
                }
                Value::Lut(lut) => {
                    places.push(format!("{whole}u"));
                    whole += lut.params().len();
                }
                Value::Shader(_) => {}
            }
        }
        places
    }
}

impl Stage {
    fn params(&self, input: Size) -> Vec<[f32; 4]> {
        match self {
            Self::Copy => Vec::new(),
            Self::Area(filter) => filter.params(),
            Self::Blur { bell, shift, .. } => blur_params(*bell, *shift),
            Self::Reduce { factor, shift: [x, y] } => vec![[*factor as f32, *x as f32, *y as f32, 0.0]],
            Self::Expand { factor } => vec![[*factor as f32, 0.0, 0.0, 0.0]],
            Self::Resample { axis, begin, length } => {
                let scale = axis.of(input) as f32 / *length as f32;
                vec![[*begin as f32, *length as f32, scale, 2.0 * scale.max(1.0)]]
            }
        }
    }
}

/// A blur as a shader that makes four neighbours at once reads it: the first pixel it reaches and how many pixels it
/// reads; then for each its weight in each of the four. Padded, so that an animated radius changes numbers alone.
fn blur_params(bell: Bell, shift: f32) -> Vec<[f32; 4]> {
    let (first, weights) = kernel(bell, shift);
    let weight = |t: usize| weights.get(t).copied().unwrap_or(0.0);
    let mut params = vec![[first as f32, (weights.len() + 3) as f32, 0.0, 0.0]];
    params.extend((0..weights.len() + 3).map(|t| [0, 1, 2, 3].map(|i| t.checked_sub(i).map_or(0.0, weight))));
    params.resize(params.len().max(PADDED_BLUR), [0.0; 4]);
    params
}

/// The first pixel of a blur, from the one it is for, and the weights of the pixels from there on; their sum is 1.
fn kernel(bell: Bell, shift: f32) -> (i32, Vec<f32>) {
    // The picture moves right when pixels are taken from the left.
    let (whole, rest) = ((-shift).floor(), -shift - (-shift).floor());
    let thrice = |lengths: [Vec<f32>; 3]| lengths.iter().fold(vec![1.0], |weights, length| convolved(&weights, length));
    let mut weights = match bell {
        Bell::Boxes(lengths) => thrice(lengths.map(|length| vec![1.0; length])),
        Bell::Spline(sigma) => {
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

impl Bell {
    /// The bell of a blur of this standard deviation.
    fn new(sigma: f32) -> Self {
        let length = ((sigma * 3.0 * (2.0 * std::f32::consts::PI).sqrt() / 4.0 + 0.5).floor() as usize).max(1);
        // Two even boxes lie half a pixel to either side; the third has a middle again.
        Self::Boxes(if length % 2 == 1 { [length; 3] } else { [length, length, length + 1] })
    }

    /// How far to each side it reaches, in pixels.
    fn reach(self) -> f32 {
        match self {
            Self::Boxes(lengths) => (lengths.iter().sum::<usize>() / 2) as f32,
            Self::Spline(sigma) => 3.0 * (sigma + 1.0),
        }
    }

    fn variance(self) -> f32 {
        match self {
            Self::Spline(sigma) => sigma * sigma,
            Self::Boxes(lengths) => lengths.iter().map(|length| (length * length - 1) as f32 / 12.0).sum(),
        }
    }
}

impl fmt::Display for Bell {
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

/// One line a pass: where its pixels come from, what is done to them and where they go.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passes = self.passes.len();
        writeln!(f, "{passes} pass{} a frame", if passes == 1 { "" } else { "es" })?;
        for (index, pass) in self.passes.iter().enumerate() {
            writeln!(f, "{:>3}  {pass}", index + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = vec![match self.input {
            Input::Source(PixelFormat::Blank) => "nothing".to_owned(),
            Input::Source(format) => format!("unpack {format:?}"),
            Input::Texture(texture) => format!("texture {texture}"),
        }];
        if self.stage != Stage::Copy {
            steps.push(self.stage.to_string());
        }
        steps.extend(self.points.iter().map(Point::to_string));
        steps.push(match self.output {
            Output::Texture(texture) => format!("texture {texture} of {}", self.to.texels()),
            Output::I420 => format!("pack I420 of {}", self.to.size),
            Output::Rgba8 => format!("pack RGBA of {}", self.to.size),
        });
        f.write_str(&steps.join(" | "))
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy => f.write_str("copy"),
            Self::Area(filter) => write!(f, "{filter}"),
            Self::Blur { axis, bell, .. } => {
                write!(f, "blur {} by {bell}", if *axis == Axis::X { "across" } else { "down" })
            }
            Self::Reduce { factor, .. } => write!(f, "reduce {factor} times"),
            Self::Expand { factor, .. } => write!(f, "expand {factor} times"),
            Self::Resample { axis, length, .. } => {
                write!(f, "scale to {length} pixels {}", if *axis == Axis::X { "across" } else { "down" })
            }
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matrix(_) => f.write_str("colour matrix"),
            Self::Function(filter) | Self::Combine(filter) => write!(f, "{filter}"),
            Self::Feed(filter) => write!(f, "what {} blurs", filter.info().name),
        }
    }
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
        let stages: Vec<_> = passes.iter().map(|pass| (pass.stage.clone(), pass.points.len(), pass.opaque)).collect();
        assert_eq!(
            stages,
            [
                (Stage::Copy, 1, true),
                (Stage::Blur { axis: Axis::Y, bell: Bell::Boxes([4, 4, 5]), shift: 0.0 }, 0, false),
                (Stage::Blur { axis: Axis::X, bell: Bell::Boxes([4, 4, 5]), shift: 0.0 }, 2, false)
            ]
        );
    }

    #[test]
    fn textures_alternate_and_no_pass_writes_what_it_reads() {
        for chain in [
            "blur(1px) blur(2px) sepia(1) blur(30px) blur(1px)",
            "blur(900px)",
            "blur(5px) blur(5px)",
            "drop-shadow(3px 3px 2px blue) blur(2px) drop-shadow(1px 1px 9px red) hue-rotate(90deg)",
        ] {
            let plan = plan(&chain.parse().unwrap(), FILM, Size::new(640, 480), Output::Rgba8);
            let mut written = None;
            for pass in &plan.passes {
                if let Input::Texture(texture) = pass.input {
                    assert_eq!(Some(texture), written, "each pass goes on where the last one ended");
                    assert_eq!(plan.textures[texture], pass.from.texels());
                }
                if let Output::Texture(texture) = pass.output {
                    assert_ne!(pass.input, Input::Texture(texture));
                    assert!(pass.original.is_none_or(|(original, _)| original != texture), "{chain}");
                    assert_ne!(pass.previous, Some(texture), "{chain}");
                    assert_eq!(plan.textures[texture], pass.to.texels());
                    written = Some(texture);
                }
            }
            assert!(plan.textures.len() <= 20, "{chain}: {:?}", plan.textures);
            assert_eq!(plan.passes.last().unwrap().to, Extent::of(Size::new(640, 480)));
            assert_eq!(plan.passes.last().unwrap().output, Output::Rgba8);
        }
    }

    #[test]
    fn a_blur_keeps_what_it_spreads_beyond_the_borders_as_far_as_a_later_one_reaches() {
        let margins = |chain| passes(chain, HD).iter().map(|pass| pass.to.margin).collect::<Vec<_>>();
        assert_eq!(margins("blur(2px)"), [0, 0, 0]);
        // blur(3px) is three boxes of 6, 6 and 7 pixels.
        assert_eq!(margins("blur(2px) sepia(1) blur(3px)"), [0, 9, 9, 9, 0]);
        assert_eq!(margins("blur(2px) blur(3px) edge=clamp"), [0, 0, 0, 0, 0]);
        assert_eq!(margins("blur(2px) drop-shadow(-20px 5px 0 red)")[1..3], [21, 21]);
    }

    #[test]
    fn a_blurs_reach_is_bounded_however_wide_it_is() {
        for tenth in 1..10_000 {
            let sigma = tenth as f32 / 10.0;
            for pass in passes(&format!("blur({sigma}px)"), HD) {
                if let Stage::Blur { bell, shift, .. } = pass.stage {
                    let taps = kernel(bell, shift).1.len();
                    assert!(taps <= PADDED_BLUR - 4, "blur({sigma}px) reads {taps} pixels with {bell}");
                }
            }
        }
    }

    #[test]
    fn a_blurs_weights_are_the_specifications_boxes_moved_by_its_shift() {
        let (first, weights) = kernel(Bell::new(2.0), 0.0);
        // Boxes of 4, 4 and 5 pixels: 80 ways to fall, counted by hand.
        let ways: Vec<_> = weights.iter().map(|weight| (weight * 80.0).round() as i32).collect();
        assert_eq!((first, ways), (-5, vec![1, 3, 6, 10, 13, 14, 13, 10, 6, 3, 1]));
        for (sigma, shift) in [(0.7, 0.0), (1.9, 3.0), (2.0, -2.5), (3.5, 0.25), (4.0, -100.75)] {
            let bell = Bell::new(sigma);
            let (first, weights) = kernel(bell, shift);
            let mean: f32 = weights.iter().zip(first..).map(|(weight, t)| weight * t as f32).sum();
            assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            assert!((mean + shift).abs() < 1e-4, "{sigma} moved by {shift}: its middle lies at {mean}");
            let moved = |t: i32| (t as f32 - mean).powi(2);
            let variance: f32 = weights.iter().zip(first..).map(|(weight, t)| weight * moved(t)).sum();
            let rest = shift - shift.floor();
            assert!(
                (variance - bell.variance() - rest * (1.0 - rest)).abs() < 0.05,
                "{sigma}: a variance of {variance}"
            );
            assert_eq!(blur_params(bell, shift).len(), PADDED_BLUR);
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

    #[test]
    fn a_filter_may_say_what_its_blur_is_fed_with_and_gets_the_picture_as_it_was() {
        let passes = passes("sepia(1) bloom(1, 1px, 0.5)", HD);
        let Input::Texture(original) = passes[1].input else { panic!("{:?}", passes[1]) };
        assert_eq!(passes[0].output, Output::Texture(original));
        assert!(matches!(passes[1].points[..], [Point::Feed(_)]) && passes[1].stage == Stage::Copy);
        let last = passes.last().unwrap();
        assert!(matches!(last.points[..], [Point::Combine(_)]) && last.opaque);
        assert_eq!(last.original, Some((original, Extent::of(HD))));
        assert!(passes[1..].iter().all(|pass| pass.output != Output::Texture(original)), "nothing writes over it");
    }
}
