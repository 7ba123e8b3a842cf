//! The planner: takes a chain filter by filter and decides which filters join the open pass and which end it.

use super::place::{CanvasPart, LayerPlace};
use super::{
    Axis, BlurKernel, Extent, Pass, PassInput, PassOutput, Plan, PlannedTexture, Point, Precision, SourcePicture,
    SourcePixels, Stage,
};
use crate::filter::color_matrix::ColorMatrix;
use crate::filter::{Custom, Edge, Effect, Filter, FilterChain, Kind, Value};
use crate::frame::{BitDepth, PixelFormat, Size};

mod planes;

/// Blurs up to this standard deviation gather their pixels directly; wider ones at a reduced size, where the standard
/// deviation is between half of this and all of it.
const DIRECT_BLUR: f32 = 4.0;
/// The least variance of a blur, in pixels², that takes means of many pixels: a blur of 1.6px has less.
const MANY: f32 = 3.0;
/// The greatest reduction of one pass: more would leave too few invocations with too many pixels to read each.
const MOST_REDUCED: u32 = 8;
/// The margin of a reduced picture, in its pixels: expanding reads one beyond the edge.
const MARGIN: u32 = 2;
/// The furthest that a picture is moved, in pixels.
const FURTHEST: f32 = 1e6;
/// A texture with sides of this many pixels is within every adapter's limit (WebGPU §3.6.2).
const SAFE_SIDE: u32 = 8192;
/// How many pixels of four bytes fit into a buffer on every adapter, which is 128 MiB (WebGPU §3.6.2).
const MOST_IN_BUFFER: u64 = (128 << 20) / 4;
/// The widest margin that is kept for later blurs, in pixels.
const WIDEST_MARGIN: u32 = 1024;

/// Plans how `source` becomes a picture of `size`, filtered by `chain`. A source of another size is scaled to fit,
/// centred, with transparent borders. A chain whose first filter draws ([`Kind::Image`]) draws at `size` and reads no
/// source; one that draws from values (`Effect::Plot`) also draws at `size`, and reads the source as it is. An
/// animated chain is planned for one instant: give [`FilterChain::at`].
pub fn plan(chain: &FilterChain, source: SourcePicture, size: Size, output: PassOutput) -> Plan {
    let mut planner = Planner::of(chain, source, size);
    // The mean of sub-frames may be recorded with 10 bits.
    if matches!(output, PassOutput::I420 { depth: BitDepth::Ten } | PassOutput::Light { .. }) {
        planner.averaged = Precision::Half;
    }
    planner.ends_in_planes = output == PassOutput::I420 { depth: BitDepth::Eight } && size.is_even();
    planner.fit(size);
    planner.filter(chain, size, 0);
    planner.end(output);
    planner.finish([0, 0])
}

/// Plans a layer: how `source`, filtered by `chain`, becomes a picture in a texture that is blended over `canvas` at
/// the plan's origin. The texture has no more pixels than `place` and the filters' reach need; when nothing of it is
/// visible there are no passes. Filters work in pixels of the canvas, and blurs and shadows reach beyond the place.
pub fn plan_layer(chain: &FilterChain, source: SourcePicture, canvas: Size, place: LayerPlace) -> Plan {
    let (part, margin) = match place {
        LayerPlace::Fitted => (None, 0),
        LayerPlace::At { from, to } => {
            let margin = trailing_reach(chain, canvas);
            let Some(part) = CanvasPart::new(from, to, canvas, margin) else { return Plan::default() };
            (Some(part), margin)
        }
    };
    let size = part.map_or(canvas, |part| part.size);
    let mut planner = Planner::of(chain, source, size);
    match &part {
        Some(part) => planner.place_on(part),
        None => planner.fit(size),
    }
    planner.filter(chain, size, margin);
    let output = planner.free_texture(Precision::Half, None);
    let margin = planner.open.to.margin as i32;
    planner.emit(output);
    planner.finish(part.map_or([0, 0], |part| part.origin.map(|origin| origin - margin)))
}

/// How far the last filters of a chain spread a picture beyond its place, in pixels, within the widest margin. It
/// counts twice on each side of a texture: for pixels beyond the canvas's borders, and for those beyond the picture's.
fn trailing_reach(chain: &FilterChain, canvas: Size) -> u32 {
    if chain.edge() == Edge::Clamp {
        return 0;
    }
    let most = SAFE_SIDE.saturating_sub(canvas.width.max(canvas.height)) / 4;
    let blurs = chain.filters().iter().rev().take_while(|filter| !filter.looks_around());
    blurs.map(Filter::reach).fold(0, u32::saturating_add).min(WIDEST_MARGIN).min(most)
}

/// The reach of the filters that follow beyond the borders. With a clamped edge there is nothing beyond the border; and
/// a filter that reads at positions of its own choice, as `zoom` does, reads the picture alone.
fn spread(following: &[Filter], edge: Edge, size: Size) -> u32 {
    if edge == Edge::Clamp {
        return 0;
    }
    let blurs = following.iter().take_while(|filter| !filter.looks_around());
    blurs.map(Filter::reach).fold(0, u32::saturating_add).min(room(size))
}

/// The widest margin: no wider than the picture, and within the size of textures that every adapter supports.
fn room(size: Size) -> u32 {
    let side = size.width.max(size.height);
    WIDEST_MARGIN.min(side).min(SAFE_SIDE.saturating_sub(side) / 2)
}

/// The passes so far, and the open pass.
struct Planner {
    passes: Vec<Pass>,
    textures: Vec<PlannedTexture>,
    twins: Vec<[usize; 2]>,
    edge: Edge,
    /// The least precision of a texture of which means are taken.
    averaged: Precision,
    /// The size at which values are drawn; none where the source is a picture.
    plotted: Option<Size>,
    /// The reach of the filters that follow beyond the borders.
    spread: u32,
    /// Whether the result is planes of 8 bits, and blocks of four pixels, each of which has one chroma sample.
    ends_in_planes: bool,
    /// Whether all filters that follow can take planes over black, rounded to 8 bits.
    planes_follow: bool,
    open: OpenPass,
}

/// A pass that still takes points.
struct OpenPass {
    input: PassInput,
    from: Extent,
    stage: Stage,
    points: Vec<Point>,
    opaque: bool,
    original: Option<(usize, Extent)>,
    to: Extent,
}

impl OpenPass {
    /// Whether a stage can begin here without finishing a picture first.
    fn is_untouched(&self) -> bool {
        let ready = matches!(self.input, PassInput::Texture(_) | PassInput::Nothing);
        ready && self.stage == Stage::Copy && self.points.is_empty()
    }

    /// How many calls of users' files a pixel takes.
    fn calls(&self) -> u64 {
        let stage = if let Stage::Area(filter) = &self.stage { Some(filter) } else { None };
        let points = self
            .points
            .iter()
            .filter_map(|point| if let Point::Function(filter) = point { Some(filter) } else { None });
        stage.into_iter().chain(points).filter_map(|filter| Some(filter.custom()?.calls())).sum()
    }

    fn opaque_after(&self) -> bool {
        Point::opaque_after(&self.points, self.opaque)
    }

    /// Whether its pixels are planes that nothing has changed yet.
    fn is_planes(&self) -> bool {
        self.input.is_planes() && self.stage == Stage::Copy && self.points.is_empty()
    }

    /// Whether its pixels are planes that are only multiplied by factors, which luma and chroma can be as well.
    fn scales_planes(&self) -> bool {
        self.input.is_planes() && self.stage == Stage::Copy && self.points.iter().all(Point::scales)
    }

    /// See [`Pass::reads_sixteen`].
    fn reads_sixteen(&self) -> bool {
        self.stage == Stage::Copy && reads_sixteen(self.input, &self.points)
    }
}

/// See [`Pass::reads_sixteen`].
pub(super) fn reads_sixteen(input: PassInput, points: &[Point]) -> bool {
    let is_i420 = match input {
        PassInput::Source(pixels) => pixels.format() == Some(PixelFormat::I420),
        PassInput::Planes(_) => true,
        PassInput::Texture(_) | PassInput::Nothing => false,
    };
    is_i420 && Point::are_short(points)
}

impl Point {
    /// Whether every pixel is opaque after these points, when every one is `opaque` before.
    pub(super) fn opaque_after(points: &[Self], opaque: bool) -> bool {
        points.iter().fold(opaque, |opaque, point| point.fills() || opaque && point.keeps_alpha())
    }

    /// See [`Pass::has_short_points`].
    pub(super) fn are_short(points: &[Self]) -> bool {
        const MOST: usize = 16;
        points.len() <= MOST && !points.iter().any(Self::is_custom)
    }

    /// Whether it multiplies colours by a factor of at most 1, which is almost the same for all pixels that share a chroma sample.
    pub(crate) fn scales(&self) -> bool {
        match self {
            Self::Matrix(matrix) => matrix.scales(),
            Self::Function(filter) => matches!(filter.info().effect, Effect::Shade(_)),
            Self::Combine(_) | Self::Feed(_) => false,
        }
    }

    /// Whether it is a user's WGSL.
    pub(crate) fn is_custom(&self) -> bool {
        matches!(self, Self::Function(filter) if filter.custom().is_some())
    }

    /// Whether it leaves nothing transparent, whatever it gets.
    fn fills(&self) -> bool {
        let Self::Function(filter) = self else { return false };
        filter.info().name == "background" && matches!(filter.values(), [Value::Color([.., alpha])] if *alpha >= 1.0)
    }

    pub(crate) fn keeps_alpha(&self) -> bool {
        match self {
            Self::Matrix(matrix) => matrix.alpha == 1.0,
            // A user's filter may make any pixel transparent.
            Self::Function(filter) => matches!(filter.info().effect, Effect::Point(_) | Effect::Shade(_)),
            Self::Combine(_) => true,
            Self::Feed(_) => false,
        }
    }
}

impl Planner {
    /// Begins with the source, or with nothing where the chain draws a picture of `size`.
    fn of(chain: &FilterChain, source: SourcePicture, size: Size) -> Self {
        let draws = chain.filters().first().is_some_and(Filter::draws);
        let (input, from) =
            if draws { (PassInput::Nothing, size) } else { (PassInput::Source(source.pixels), source.size) };
        let plots = chain.filters().first().is_some_and(Filter::plots);
        Self { plotted: plots.then_some(size), ..Self::new(input, from, chain.edge()) }
    }

    /// Applies the chain to a picture of `size`; `margin` pixels around it are kept at the end.
    fn filter(&mut self, chain: &FilterChain, size: Size, margin: u32) {
        for (index, filter) in chain.filters().iter().enumerate() {
            let following = &chain.filters()[index + 1..];
            self.spread = spread(following, chain.edge(), size);
            if !following.iter().any(Filter::looks_around) {
                self.spread = self.spread.max(margin);
            }
            self.planes_follow = following.iter().all(|filter| filter.takes_planes());
            self.add(filter);
        }
    }

    fn finish(self, origin: [i32; 2]) -> Plan {
        Plan { passes: self.passes, textures: self.textures, twins: self.twins, origin }
    }

    fn new(input: PassInput, from: Size, edge: Edge) -> Self {
        let opaque = match input {
            PassInput::Source(pixels) => pixels.format().is_some_and(|format| format != PixelFormat::Rgba8),
            PassInput::Texture(_) | PassInput::Planes(_) | PassInput::Nothing => false,
        };
        let open = OpenPass {
            input,
            from: Extent::of(from),
            stage: Stage::Copy,
            points: Vec::new(),
            opaque,
            original: None,
            to: Extent::of(from),
        };
        let averaged = match input {
            PassInput::Source(SourcePixels::Bytes(format)) if format.bits() == 8 => Precision::Byte,
            PassInput::Source(SourcePixels::Recorded) => Precision::Byte,
            _ => Precision::Half,
        };
        let (passes, textures, twins) = Default::default();
        let (ends_in_planes, planes_follow) = (false, false);
        Self { passes, textures, twins, edge, averaged, plotted: None, spread: 0, ends_in_planes, planes_follow, open }
    }

    fn add(&mut self, filter: &Filter) {
        match &filter.info().effect {
            Effect::Matrix(matrix) => self.matrix(matrix(&filter.numbers())),
            Effect::Point(_) | Effect::Shade(_) | Effect::Key(_) => {
                self.open.points.push(Point::Function(filter.clone()))
            }
            Effect::Plot(_) => {
                let size = self.plotted.unwrap_or(self.open.to.size);
                self.gather(Stage::Area(filter.clone()), Extent::of(size));
            }
            Effect::Area(_) if self.reflect_planes(filter) => {}
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
                // Each file is limited, and so is a shader made of several.
                if self.open.calls() + custom.calls() > Custom::MAX_CALLS {
                    self.gather(Stage::Copy, self.open.to);
                }
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
    fn emit(&mut self, output: PassOutput) {
        let OpenPass { input, from, opaque, original, to, .. } = self.open;
        let stage = std::mem::replace(&mut self.open.stage, Stage::Copy);
        let points = std::mem::take(&mut self.open.points);
        self.passes.push(Pass {
            input,
            from,
            stage,
            points,
            opaque,
            edge: self.edge,
            planes: None,
            original,
            previous: None,
            output,
            to,
        });
    }

    /// Ends the open pass with its picture in a texture, which the next pass reads.
    fn emit_texture(&mut self, output: PassOutput) {
        let PassOutput::Texture { index, .. } = output else { return };
        let opaque = self.open.opaque_after();
        self.emit(output);
        self.open.input = PassInput::Texture(index);
        self.open.from = self.open.to;
        self.open.opaque = opaque;
        self.open.original = None;
    }

    /// Continues with `stage`, which makes a picture of this extent from finished neighbours.
    fn gather(&mut self, stage: Stage, to: Extent) {
        self.gather_held(stage, to, None);
    }

    /// The same, without overwriting the texture `held`.
    fn gather_held(&mut self, stage: Stage, to: Extent, held: Option<usize>) {
        if !self.open.is_untouched() {
            let is_averaged = match &stage {
                Stage::Blur { kernel, .. } => kernel.variance() >= MANY,
                Stage::Reduce { .. } => true,
                _ => false,
            };
            // Pictures of 8 bits are stored in a buffer first, in rows padded to 64 pixels.
            let Size { width, height } = self.open.to.texels();
            let fits = Size::new(width.next_multiple_of(64), height).pixels() <= MOST_IN_BUFFER;
            let precision = if is_averaged && fits { self.averaged } else { Precision::Half };
            let output = self.free_texture(precision, held);
            self.emit_texture(output);
        }
        self.open.opaque &= match &stage {
            Stage::Copy | Stage::PlaneBlur { .. } | Stage::PlaneReflect { .. } => true,
            Stage::Place { axis, scaling } => scaling.covered == [0.0, axis.of(to.size) as f32],
            Stage::Resample { axis, begin, length } => *begin == 0 && *length == axis.of(to.size),
            Stage::Blur { .. } | Stage::PlaneReduce { .. } | Stage::Reduce { .. } | Stage::Expand { .. } => {
                self.edge == Edge::Clamp
            }
            Stage::Area(_) => false,
        };
        self.open.stage = stage;
        self.open.to = to;
    }

    /// Ends the open pass with its picture kept for the next frame.
    fn remember(&mut self) {
        let twins = [self.textures.len(), self.textures.len() + 1];
        let precision = Precision::Half;
        self.textures.extend([PlannedTexture { size: self.open.to.texels(), precision }; 2]);
        self.twins.push(twins);
        self.emit_texture(PassOutput::Texture { index: twins[0], precision });
        if let Some(pass) = self.passes.last_mut() {
            pass.previous = Some(twins[1]);
        }
    }

    /// A texture for the open pass, which that does not read, that is not `held` and not kept for the next frame.
    fn free_texture(&mut self, precision: Precision, held: Option<usize>) -> PassOutput {
        let wanted = PlannedTexture { size: self.open.to.texels(), precision };
        let free = |texture: usize| {
            self.textures[texture] == wanted
                && self.open.input != PassInput::Texture(texture)
                && self.open.original.is_none_or(|(original, _)| original != texture)
                && held != Some(texture)
                && !self.twins.iter().any(|twins| twins.contains(&texture))
        };
        let index = (0..self.textures.len()).find(|&texture| free(texture)).unwrap_or_else(|| {
            self.textures.push(wanted);
            self.textures.len() - 1
        });
        PassOutput::Texture { index, precision }
    }

    /// Draws the source on a part of a canvas, unless the chain draws there.
    fn place_on(&mut self, part: &CanvasPart) {
        let from = self.open.to.size;
        if self.open.input == PassInput::Nothing || self.plotted.is_some() || part.is_copy_of(from) {
            return;
        }
        let [across, down] = part.scaling;
        let wide = Extent::of(Size::new(part.size.width, from.height));
        self.gather(Stage::Place { axis: Axis::X, scaling: across }, wide);
        self.gather(Stage::Place { axis: Axis::Y, scaling: down }, Extent::of(part.size));
    }

    /// Scales the source to a picture of this size.
    fn fit(&mut self, size: Size) {
        let from = self.open.to.size;
        if from == size || self.plotted.is_some() {
            return;
        }
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
        let kernel = BlurKernel::new(sigma);
        if shift == [0.0, 0.0] && (kernel.is_nothing() || self.blur_planes(kernel, sigma)) {
            return;
        }
        self.blur_held(sigma, shift, None);
    }

    /// Blurs without overwriting the texture `held`.
    fn blur_held(&mut self, sigma: f32, shift: [f32; 2], held: Option<usize>) {
        // A move by more than the picture's width has the same result.
        let shift = shift.map(|shift| shift.clamp(-FURTHEST, FURTHEST));
        let full = Extent { margin: self.spread, ..self.open.to };
        // Pixels beyond the borders count during the blur even where the result is cropped to them.
        let wide = Extent { margin: self.spread.max(self.open.to.margin), ..full };
        let kernel = BlurKernel::new(sigma);
        if sigma <= DIRECT_BLUR {
            self.gather_held(Stage::Blur { kernel, shift: shift[1] }, wide.transposed(), held);
            self.gather_held(Stage::Blur { kernel, shift: shift[0] }, full, held);
            return;
        }
        // Reduced by a power of two, blurred there, expanded again. Taking means and interpolating linearly blur too: by
        // variances of (1 - 1/f²)/12 and (2 + 1/f²)/12 of a reduced pixel, which the blur between leaves out.
        let variance = kernel.variance();
        let factor = 1 << (variance.sqrt() / (DIRECT_BLUR / 2.0)).log2() as u32;
        let f = factor as f32;
        let inner = BlurKernel::Spline((variance / (f * f) - 0.25).sqrt());
        // The first reduction moves the picture by whole pixels, the blur by what is left of one.
        let mut whole = shift.map(|shift| shift.round() as i32);
        // Pixels that are moved beyond the borders are blurred back over them.
        let beyond = (kernel.reach().min(shift[0].abs().max(shift[1].abs())).ceil() as u32).min(room(full.size));
        let mut reduced = Extent { margin: wide.margin + beyond, ..wide };
        let mut left: u32 = factor;
        while left > 1 {
            let factor = left.min(MOST_REDUCED);
            left /= factor;
            let Size { width, height } = reduced.size;
            reduced.size = Size::new(width.div_ceil(factor), height.div_ceil(factor));
            reduced.margin = reduced.margin.div_ceil(factor) + MARGIN;
            if self.can_end_in_planes() && shift == [0.0, 0.0] {
                // So that whole reads become whole blocks.
                reduced.margin = reduced.margin.next_multiple_of(32 / factor);
                self.reduce_planes(factor, reduced);
            } else {
                let shift = std::mem::take(&mut whole);
                self.gather_held(Stage::Reduce { factor, shift }, reduced, held);
            }
        }
        let rest = shift.map(|shift| (shift - shift.round()) / f);
        self.gather_held(Stage::Blur { kernel: inner, shift: rest[1] }, reduced.transposed(), held);
        self.gather_held(Stage::Blur { kernel: inner, shift: rest[0] }, reduced, held);
        self.gather_held(Stage::Expand { factor }, full, held);
    }

    /// Makes the picture and its blur, or the blur of the filter's feed; `filter` makes one colour of both.
    fn combine(&mut self, filter: &Filter, sigma: f32, shift: [f32; 2], feeds: bool) {
        if !matches!(self.open.input, PassInput::Texture(_)) || !self.open.is_untouched() {
            let output = self.free_texture(Precision::Half, None);
            self.emit_texture(output);
        }
        let PassInput::Texture(original) = self.open.input else { return };
        let extent = self.open.from;
        let opaque = self.open.opaque;
        if feeds {
            self.open.points.push(Point::Feed(filter.clone()));
        }
        self.blur_held(sigma, shift, Some(original));
        // Opaque pixels stay opaque: the original covers everything.
        self.open.opaque = opaque;
        self.open.original = Some((original, extent));
        self.open.points.push(Point::Combine(filter.clone()));
    }
}

/// The largest size of `picture`'s shape within `space`, at least one pixel each way (CSS `object-fit: contain`).
pub(super) fn fit(picture: Size, space: Size) -> Size {
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
