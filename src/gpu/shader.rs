//! Composes a pass's WGSL from the files in `shaders/`. Pure: naga can validate the text without a GPU.

use std::fmt::Write;

use crate::color::{ToneMap, Transfer};
use crate::filter::{
    Axis, Custom, Edge, Effect, FieldKind, Filter, Kind, Pass, PassInput, PassOutput, Point, Precision, SourcePixels,
    Stage, Value,
};
use crate::frame::{BitDepth, PixelFormat, Size};

macro_rules! wgsl {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $path, ".wgsl"))
    };
}

mod chroma;
mod planes;

use chroma::{Chroma, stores_blocks};
pub use chroma::{chroma, leaves_chroma};

/// The WGSL that stores samples of this many bits.
fn samples_of(depth: BitDepth) -> &'static str {
    match depth {
        BitDepth::Eight => wgsl!("convert/samples_8"),
        BitDepth::Ten => wgsl!("convert/samples_10"),
    }
}

/// The WGSL that blends a layer over a canvas; its entry points are `corner` and `color`.
pub fn blend() -> &'static str {
    wgsl!("blend")
}

/// The WGSL of a pass; its entry point is `main`. Passes that differ only in their parameters have the same text.
/// `linear` says that reading the source texture gives linear values, `animated` that numbers change from frame to frame:
/// then a blur of any radius has the same text.
///
/// Values that control branches and short loops are constants in the text, not values in a uniform buffer: Mesa writes
/// such values into the shader and compiles it again at every dispatch (lavapipe 22.3, `nir_inline_uniforms`), which
/// costs 2 ms with its cache and 100 ms without.
pub fn compose(pass: &Pass, linear: bool, animated: bool) -> String {
    let mut composer = Composer { linear, animated, ..Composer::default() };
    composer.add(wgsl!("frame_info"));
    let [width, height] = block(pass);
    let _ = writeln!(composer.text, "const BLOCK = vec2u({width}, {height});\nconst PIXELS = {}u;", width * height);
    composer.add(wgsl!("block"));
    let count = pass.params().len().max(1);
    let _ = if fits_uniform(count) {
        writeln!(composer.text, "@group(0) @binding(1) var<uniform> params: array<vec4f, {count}>;")
    } else {
        writeln!(composer.text, "@group(0) @binding(1) var<storage, read> params: array<vec4f>;")
    };
    if let Some(planes) = pass.planes {
        composer.planes(pass, planes);
        return composer.text;
    }
    composer.input(pass);
    composer.stage(pass);
    match pass.output {
        PassOutput::Planes(_) => composer.means_store(false),
        PassOutput::Texture { precision: Precision::Byte, .. } => composer.rgba_store(false),
        PassOutput::Texture { precision: Precision::Half, .. } => {
            composer.add(wgsl!("convert/half_store"));
            composer.add(wgsl!("convert/single_pixels"));
        }
        PassOutput::I420 { depth } => match Chroma::of(pass, depth) {
            Chroma::Subsampled => composer.means_store(true),
            Chroma::Across => {
                composer.i420();
                composer.add(wgsl!("convert/rgb_to_yuv"));
                composer.add(wgsl!("convert/low_pass"));
                composer.add(wgsl!("convert/i420_edges"));
                composer.add(wgsl!("convert/i420_across"));
            }
            Chroma::Full => {
                composer.add(wgsl!("convert/i420_rows"));
                composer.add(wgsl!("convert/rgb_to_yuv"));
                composer.add(samples_of(depth));
                composer.add(wgsl!("convert/i420_store"));
            }
        },
        PassOutput::Light { over_black } => {
            let _ = writeln!(composer.text, "const OVER_BLACK = {over_black};");
            composer.add(wgsl!("convert/srgb"));
            composer.add(wgsl!("convert/light_store"));
            composer.add(wgsl!("convert/single_pixels"));
        }
        PassOutput::Rgba8 => composer.rgba_store(true),
    }
    // Reductions have their own `main`; their result goes only to a texture.
    if !matches!(pass.stage, Stage::Reduce { .. } | Stage::PlaneReduce { .. }) {
        composer.points(pass);
        composer.end(pass);
    }
    composer.text
}

/// Whether this number of vectors fits into a uniform buffer, which drivers read once and not for every pixel. Every
/// adapter supports 16 KiB (WebGPU §3.6.2); a colour table is larger.
pub fn fits_uniform(vectors: usize) -> bool {
    vectors <= 1024
}

/// The block of pixels that one invocation of a pass computes, as width and height. Where llvmpipe runs the shaders, each
/// access costs much and its size little: blocks are as large as what is read at once.
pub fn block(pass: &Pass) -> [u32; 2] {
    match pass.stage {
        Stage::PlaneBlur { axis: Axis::X, .. } | Stage::PlaneReflect { .. } => [16, 1],
        Stage::Copy if pass.planes.is_some() => [16, 1],
        Stage::PlaneBlur { axis: Axis::Y, .. } => [16, 4],
        // Transposed, neighbours in a column of the input: a pixel is read once for all of them.
        Stage::Blur { .. } => [8, 1],
        // As many as 32 columns make, whose chroma is one read.
        Stage::PlaneReduce { factor, .. } => [32 / factor, 1],
        Stage::Reduce { .. } => [4, 1],
        _ if has_wide_blocks(pass) => [16, 2],
        _ => [4, 2],
    }
}

/// The invocations of a pass along each axis: a block each, and a layer for each plane.
pub fn invocations(pass: &Pass) -> [u32; 3] {
    let (Size { width, height }, layers) = pass.planes.map_or((pass.to.texels(), 1), |planes| planes.of(pass.to.size));
    let [columns, rows] = block(pass);
    [width.div_ceil(columns), height.div_ceil(rows), layers]
}

/// Whether a pass works on blocks of 16×2 pixels: since much of what it reads is read once for all of them, or since it stores
/// their chroma together.
fn has_wide_blocks(pass: &Pass) -> bool {
    let is_recorded = pass.output == PassOutput::I420 { depth: BitDepth::Eight };
    pass.reads_sixteen() || matches!(pass.stage, Stage::Expand { .. }) && is_recorded && pass.has_short_points()
}

/// The invocations of a workgroup, as width and height, in all shaders.
pub const WORKGROUP: [u32; 2] = [8, 8];

/// Whether the pass's shader reads its input through a sampler.
pub fn samples(pass: &Pass) -> bool {
    matches!(pass.input, PassInput::Texture(_)) && matches!(pass.stage, Stage::Area(_))
}

/// Whether the pass's shader contains a user's WGSL, which may set the alarm.
pub fn has_custom(pass: &Pass) -> bool {
    let of_stage = matches!(&pass.stage, Stage::Area(filter) if filter.custom().is_some());
    of_stage || pass.points.iter().any(Point::is_custom)
}

/// Builds the text; each module is added once.
#[derive(Default)]
struct Composer {
    text: String,
    modules: Vec<&'static str>,
    /// How many users' files the text contains; each gets its own name prefix.
    customs: usize,
    /// Statements before the pixels of a block, which set the users' parameters.
    setup: String,
    /// Whether reading the source texture gives linear values.
    linear: bool,
    /// Whether numbers change from frame to frame.
    animated: bool,
}

/// Whether a pixel's colour is multiplied by its alpha at this point of the text.
#[derive(Clone, Copy, PartialEq)]
enum Alpha {
    Straight,
    Premultiplied,
}

impl Composer {
    fn add(&mut self, module: &'static str) {
        if !self.modules.contains(&module) {
            self.modules.push(module);
            self.text.push_str(module);
            self.text.push('\n');
        }
    }

    /// Stores RGBA in a buffer, with straight alpha or premultiplied.
    fn rgba_store(&mut self, is_straight: bool) {
        let _ = writeln!(self.text, "const STRAIGHT = {is_straight};");
        self.add(wgsl!("convert/bytes"));
        self.add(wgsl!("convert/rgba_store"));
    }

    /// Stores blocks as planes, of a recording or between passes.
    fn means_store(&mut self, is_recorded: bool) {
        let _ = writeln!(self.text, "const RECORDED = {is_recorded};\nconst DITHERED = !RECORDED;");
        self.add(wgsl!("convert/bytes"));
        self.add(wgsl!("convert/packed"));
        self.i420();
        self.add(wgsl!("convert/rgb_to_yuv"));
        self.add(wgsl!("convert/i420_means"));
    }

    /// Places in I420 of 8 bits, sixteen samples at once.
    fn i420(&mut self) {
        self.add(wgsl!("convert/i420_rows"));
        self.add(wgsl!("convert/i420"));
    }

    fn input(&mut self, pass: &Pass) {
        match pass.input {
            PassInput::Texture(_) => {
                let _ = writeln!(self.text, "const EDGE_CLAMP = {};", pass.edge == Edge::Clamp);
                self.add(wgsl!("convert/picture"));
            }
            PassInput::Nothing => {}
            // Means are taken of planes as they are.
            _ if matches!(pass.stage, Stage::PlaneReduce { .. }) => {}
            PassInput::Planes(_) | PassInput::Source(SourcePixels::Recorded) => {
                self.add(wgsl!("convert/tone_none"));
                self.unpack(PixelFormat::I420, pass);
            }
            PassInput::Source(SourcePixels::Texture) => {
                let _ = writeln!(self.text, "const LINEAR = {};", self.linear);
                self.add(wgsl!("convert/srgb"));
                self.add(wgsl!("convert/drawn_unpack"));
            }
            PassInput::Source(SourcePixels::Light) => {
                self.add(wgsl!("convert/srgb"));
                self.add(wgsl!("convert/light_unpack"));
            }
            PassInput::Source(SourcePixels::Bytes(format)) => {
                self.add(wgsl!("convert/tone_none"));
                self.unpack(format, pass);
            }
            PassInput::Source(SourcePixels::Wide { format, transfer, tone_map }) => {
                let number = match transfer {
                    Transfer::Sdr => 0,
                    Transfer::Pq => 1,
                    Transfer::Hlg => 2,
                };
                // Standard dynamic range needs no compression.
                let compressed = number != 0 && tone_map != ToneMap::Clip;
                let _ = writeln!(self.text, "const TRANSFER = {number}u;\nconst COMPRESSED = {compressed};");
                self.add(wgsl!("convert/tone_map"));
                self.unpack(format, pass);
            }
        }
    }

    /// Reads a frame's bytes in this format.
    fn unpack(&mut self, format: PixelFormat, pass: &Pass) {
        if format == PixelFormat::Rgba8 {
            return self.add(wgsl!("convert/rgba_unpack"));
        }
        if pass.reads_sixteen() {
            self.i420();
            self.add(wgsl!("convert/i420_source"));
            self.add(wgsl!("convert/yuv"));
            return self.add(wgsl!("convert/i420_unpack"));
        }
        self.add(wgsl!("convert/source"));
        if format == PixelFormat::Rgb8 {
            return self.add(wgsl!("convert/rgb_unpack"));
        }
        self.add(wgsl!("convert/yuv"));
        self.add(wgsl!("convert/yuv_unpack"));
        self.add(match format {
            PixelFormat::Nv12 => wgsl!("convert/nv12"),
            PixelFormat::Yuyv => wgsl!("convert/yuyv"),
            deep if deep.bits() > 8 => wgsl!("convert/planar_deep"),
            _ => wgsl!("convert/planar"),
        });
        self.add(match (format, format.chroma_shift()) {
            (PixelFormat::Gray8, _) => wgsl!("convert/chroma_none"),
            (_, (1, 1)) => wgsl!("convert/chroma_420"),
            (_, (1, _)) => wgsl!("convert/chroma_422"),
            _ => wgsl!("convert/chroma_444"),
        });
    }

    fn stage(&mut self, pass: &Pass) {
        match &pass.stage {
            Stage::Copy => match pass.input {
                PassInput::Texture(_) => self.add(wgsl!("convert/picture_unpack")),
                // Unpacking the source copies it; without input there is nothing to copy.
                PassInput::Source(_) | PassInput::Planes(_) | PassInput::Nothing => {}
            },
            Stage::PlaneReduce { factor, siting } => self.reduce_planes(pass, *factor, *siting),
            // Passes on planes have no colours.
            Stage::PlaneBlur { .. } | Stage::PlaneReflect { .. } => {}
            Stage::Area(filter) => self.area(filter, pass),
            Stage::Blur { .. } => {
                self.add(wgsl!("filter/blur"));
                let last = pass.turns(self.animated) - 1;
                let turns: String = (1..last).map(|k| format!("    turn({k}, first);\n")).collect();
                let _ = writeln!(
                    self.text,
                    "fn turns(first: vec2i) {{\n    first_turn(first);\n{turns}    last_turn({last}, first);\n}}"
                );
            }
            Stage::Reduce { factor, .. } => {
                let _ = writeln!(self.text, "const FACTOR = {factor};");
                self.add(wgsl!("filter/reduce"));
            }
            Stage::Expand { factor } => self.expand(pass, *factor),
            Stage::Place { axis, .. } => {
                self.axis(*axis);
                self.add(wgsl!("convert/place"));
            }
            Stage::Resample { axis, .. } => {
                self.axis(*axis);
                self.add(wgsl!("convert/resample"));
            }
        }
    }

    /// Enlarges by `factor`, block by block.
    fn expand(&mut self, pass: &Pass, factor: u32) {
        self.add(wgsl!("filter/expand"));
        let [width, _] = block(pass);
        // A pixel lies between three reduced ones, from this one on.
        let first = |i: u32| i / factor;
        let columns: String = (0..first(width - 1) + 3)
            .map(|k| format!("    let c{k} = column(first + vec2i({k}, 0), after.y, pixel);\n"))
            .collect();
        let row = |row: &str| {
            let pixels = (0..width).map(|i| {
                let [k, l, m] = [0, 1, 2].map(|beside| format!("c{}.{row}", first(i) + beside));
                format!("        between(after.x + {i}.0 * pixel - {}.0, {k}, {l}, {m}),\n", first(i))
            });
            pixels.collect::<String>()
        };
        let _ = write!(
            self.text,
            "fn fetch(block: vec2u) -> Block {{
    // A pixel, in reduced ones.
    let pixel = 1.0 / params[0].x;
    let start = (vec2f(place(block * BLOCK)) + 0.5) * pixel - 0.5;
    let first = vec2i(floor(start));
    let after = start - vec2f(first);
{columns}    return Block(
{}{}    );
}}
",
            row("upper"),
            row("lower")
        );
    }

    fn axis(&mut self, axis: Axis) {
        let axis = match axis {
            Axis::X => 0,
            Axis::Y => 1,
        };
        let _ = writeln!(self.text, "const AXIS = {axis}u;");
    }

    /// A filter that reads other pixels too: `fetch` calls it for each pixel of the block.
    fn area(&mut self, filter: &Filter, pass: &Pass) {
        if samples(pass) {
            self.add(wgsl!("filter/sample"));
        }
        if pass.previous.is_some() {
            self.add(wgsl!("filter/previous"));
        }
        let call = self.function(filter, "position", 0);
        let color = match filter.custom().map(|custom| custom.kind()) {
            Some(Kind::Image) => "vec4f(color.rgb * color.a, color.a)",
            _ => "color",
        };
        let _ = write!(
            self.text,
            "fn area(position: vec2f) -> vec4f {{
    let color = saturate({call});
    return {color};
}}

fn fetch(block: vec2u) -> Block {{
{}    return Block({});
}}
",
            std::mem::take(&mut self.setup),
            each(pass, "area(vec2f(place(pixel(block, {i}u))) + 0.5)")
        );
    }

    /// The function `filtered`, which sends a block's pixels through the pass's points.
    fn points(&mut self, pass: &Pass) {
        if pass.points.is_empty() {
            self.text.push_str("fn filtered(block: vec2u) -> Block {\n    return fetch(block);\n}\n");
            return;
        }
        self.point(pass);
        let _ = write!(
            self.text,
            "fn filtered(block: vec2u) -> Block {{
{}    let colors = fetch(block);
    // Not a loop: drivers that leave one rolled keep the colours in memory, at three times the cost.
    return Block({});
}}
",
            std::mem::take(&mut self.setup),
            each(pass, "point(colors[{i}], vec2f(place(pixel(block, {i}u))) + 0.5)")
        );
    }

    /// The function `point`, which sends a colour through the pass's points.
    fn point(&mut self, pass: &Pass) {
        if pass.original.is_some() {
            self.add(wgsl!("filter/original"));
        }
        // A filter that uses the previous frame may be a point filter.
        if pass.previous.is_some() {
            self.add(wgsl!("filter/previous"));
        }
        let opaque = pass.opaque && pass.points.iter().all(Point::keeps_alpha);
        let mut alpha = Alpha::Premultiplied;
        let mut steps = String::new();
        let turn = |from: &mut Alpha, to: Alpha, steps: &mut String| {
            if *from != to && !opaque {
                steps.push_str(match to {
                    Alpha::Straight => "    color = vec4f(color.rgb / max(color.a, 1e-6), color.a);\n",
                    Alpha::Premultiplied => "    color = vec4f(color.rgb * color.a, color.a);\n",
                });
            }
            *from = to;
        };
        for (point, at) in pass.placed_points() {
            match point {
                Point::Matrix(matrix) => {
                    turn(&mut alpha, Alpha::Straight, &mut steps);
                    self.add(wgsl!("filter/color_matrix"));
                    let shape = match matrix {
                        matrix if matrix.is_diagonal() => "_diagonal",
                        matrix if matrix.is_linear() => "_linear",
                        _ => "",
                    };
                    let _ = writeln!(steps, "    color = color_matrix{shape}(color, {at}u);");
                }
                Point::Function(filter) => {
                    turn(&mut alpha, Alpha::Straight, &mut steps);
                    let call = self.function(filter, "color, position", at);
                    let _ = writeln!(steps, "    color = saturate({call});");
                }
                Point::Combine(filter) => {
                    turn(&mut alpha, Alpha::Premultiplied, &mut steps);
                    let call = self.function(filter, "original_at(position), color", at);
                    let _ = writeln!(steps, "    color = saturate({call});");
                }
                Point::Feed(filter) => {
                    turn(&mut alpha, Alpha::Premultiplied, &mut steps);
                    let call = self.function(filter, "color", at).replacen('(', "_feed(", 1);
                    let _ = writeln!(steps, "    color = saturate({call});");
                }
            }
        }
        turn(&mut alpha, Alpha::Premultiplied, &mut steps);
        let _ = write!(
            self.text,
            "fn point(fetched: vec4f, position: vec2f) -> vec4f {{
    var color = fetched;
{steps}    return color;
}}
"
        );
    }

    /// The entry point, which stores a block at once, or four pixels of a row. Not a loop: llvmpipe keeps the colours of one
    /// in memory, and takes half as long again.
    fn end(&mut self, pass: &Pass) {
        let stores: String = if stores_blocks(pass) {
            "    store_block(block, colors);\n".to_owned()
        } else {
            let store = |first| {
                let colors: Vec<_> = (first..first + 4).map(|i| format!("colors[{i}]")).collect();
                format!("    store_four(pixel(block, {first}u), {});\n", colors.join(", "))
            };
            (0..pixels(pass)).step_by(4).map(store).collect()
        };
        let [columns, rows] = WORKGROUP;
        let _ = write!(
            self.text,
            "@compute @workgroup_size({columns}, {rows})
fn main(@builtin(global_invocation_id) id: vec3u) {{
    let block = id.xy;
    if any(block * BLOCK >= frame.output_size) {{
        return;
    }}
    let colors = filtered(block);
{stores}}}
"
        );
    }

    /// Adds the filter's module, and returns the call of its function with the arguments `first`; its parameters begin
    /// at index `at`.
    fn function(&mut self, filter: &Filter, first: &str, at: usize) -> String {
        if let Some(custom) = filter.custom() {
            self.add(wgsl!("filter/endless"));
            let prefix = format!("user{}_", self.customs);
            self.customs += 1;
            self.text.push_str(&custom.wgsl(&prefix));
            self.text.push('\n');
            self.setup.push_str(&parameters(custom, filter, &prefix, at));
            return match custom.kind() {
                Kind::Color => format!("{prefix}effect_color(color)"),
                Kind::Area => format!("{prefix}effect(position)"),
                Kind::Image => format!("{prefix}image(position)"),
            };
        }
        if let Effect::Point(wgsl)
        | Effect::Shade(wgsl)
        | Effect::Key(wgsl)
        | Effect::Area(wgsl)
        | Effect::Trail(wgsl)
        | Effect::Plot(wgsl)
        | Effect::Combine { wgsl, .. } = filter.info().effect
        {
            self.add(wgsl);
        }
        let values = filter.places(at).into_iter().map(|place| format!(", {place}"));
        format!("{}({first}{})", filter.info().name.replace('-', "_"), values.collect::<String>())
    }
}

/// The statement that sets a user's `params` from the parameters of the pass.
fn parameters(custom: &Custom, filter: &Filter, prefix: &str, at: usize) -> String {
    if custom.fields().is_empty() {
        return String::new();
    }
    let skipped = filter.values().iter().take_while(|value| matches!(value, Value::Shader(_))).count();
    debug_assert_eq!(filter.values().len(), custom.fields().len() + skipped);
    let fields: Vec<_> =
        custom.fields().iter().zip(filter.places(at)).map(|(field, place)| converted(field.kind, &place)).collect();
    format!("    {prefix}params = {prefix}Params({});\n", fields.join(", "))
}

/// Converts a number or a colour of the pass to the type of a user's field.
fn converted(kind: FieldKind, place: &str) -> String {
    match kind {
        FieldKind::F32 | FieldKind::Vec4 => place.to_owned(),
        FieldKind::I32 => format!("i32({place})"),
        FieldKind::U32 => format!("u32({place})"),
        FieldKind::Vec3 => format!("{place}.rgb"),
    }
}

fn pixels(pass: &Pass) -> u32 {
    block(pass).iter().product()
}

/// The text repeated for each pixel of a pass's block; `{i}` is replaced by the pixel's number.
fn each(pass: &Pass, text: &str) -> String {
    (0..pixels(pass)).map(|i| text.replace("{i}", &i.to_string())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
