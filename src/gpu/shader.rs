//! Composes a pass's WGSL from the files in `shaders/`. Pure: naga can validate the text without a GPU.

use std::fmt::Write;

use crate::color::{ToneMap, Transfer};
use crate::filter::{
    Axis, Custom, Edge, Effect, FieldKind, Filter, Kind, Pass, PassInput, PassOutput, Planes, Point, Precision,
    SourcePixels, Stage, Value,
};
use crate::frame::{BitDepth, PixelFormat, Size};

macro_rules! wgsl {
    ($path:literal) => {
        include_str!(concat!("../../shaders/", $path, ".wgsl"))
    };
}

/// The WGSL that subsamples a recording's chroma to 4:2:0, after the pass that packed its luma.
pub fn chroma(depth: BitDepth) -> String {
    [wgsl!("frame_info"), samples_of(depth), wgsl!("convert/i420_rows"), wgsl!("convert/i420_chroma")].join("\n")
}

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
    if let (Stage::Reduce { factor, .. }, true) = (&pass.stage, pass.reads_planes()) {
        composer.reduce_planes(pass, *factor);
    } else {
        composer.input(pass);
        composer.stage(pass);
    }
    match pass.output {
        PassOutput::Planes(_) => {
            composer.add(wgsl!("convert/bytes"));
            composer.i420();
            composer.add(wgsl!("convert/i420_means"));
        }
        PassOutput::Texture { precision: Precision::Byte, .. } => composer.rgba_store(false),
        PassOutput::Texture { precision: Precision::Half, .. } => {
            composer.add(wgsl!("convert/half_store"));
            composer.add(wgsl!("convert/single_pixels"));
        }
        PassOutput::I420 { depth } => {
            composer.add(wgsl!("convert/i420_rows"));
            composer.add(wgsl!("convert/i420_store"));
            if stores_sixteen(pass) {
                composer.add(wgsl!("convert/i420_sixteen"));
            } else {
                composer.add(wgsl!("convert/i420_four"));
                composer.add(samples_of(depth));
            }
        }
        PassOutput::Light { over_black } => {
            let _ = writeln!(composer.text, "const OVER_BLACK = {over_black};");
            composer.add(wgsl!("convert/srgb"));
            composer.add(wgsl!("convert/light_store"));
            composer.add(wgsl!("convert/single_pixels"));
        }
        PassOutput::Rgba8 => composer.rgba_store(true),
    }
    // A reduction has its own `main`; its result goes only to a texture.
    if matches!(pass.stage, Stage::Reduce { .. }) {
        let main = std::mem::take(&mut composer.setup);
        composer.text.push_str(&main);
    } else {
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
        Stage::PlaneBlur { axis: Axis::Y, .. } => [16, 4],
        // Transposed, neighbours in a column of the input: a pixel is read once for all of them.
        Stage::Blur { .. } => [8, 1],
        // Of planes, as many as 32 columns make, whose chroma is one read.
        Stage::Reduce { factor, .. } if pass.reads_planes() => [32 / factor, 1],
        Stage::Reduce { .. } => [4, 1],
        _ if pass.reads_sixteen() => [16, 2],
        _ => [4, 2],
    }
}

/// The invocations of a pass along each axis: a block each, and a layer for each plane.
pub fn invocations(pass: &Pass) -> [u32; 3] {
    let (Size { width, height }, layers) = pass.planes.map_or((pass.to.texels(), 1), |planes| planes.of(pass.to.size));
    let [columns, rows] = block(pass);
    [width.div_ceil(columns), height.div_ceil(rows), layers]
}

/// Whether sixteen pixels' luma is stored at once.
fn stores_sixteen(pass: &Pass) -> bool {
    pass.reads_sixteen() && pass.output == PassOutput::I420 { depth: BitDepth::Eight }
}

/// The invocations of [`chroma`] along each axis: a block of 8×8 pixels each.
pub fn chroma_invocations(pass: &Pass) -> [u32; 3] {
    let Size { width, height } = pass.to.size;
    [width.div_ceil(8), height.div_ceil(8), 1]
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

    /// Places in I420 of 8 bits, sixteen samples at once.
    fn i420(&mut self) {
        self.add(wgsl!("convert/i420_rows"));
        self.add(wgsl!("convert/i420"));
    }

    fn plane_samples(&mut self) {
        self.i420();
        self.add(wgsl!("convert/i420_source"));
        self.add(wgsl!("planes/samples"));
    }

    /// A pass on planes, which has an entry point of its own.
    fn planes(&mut self, pass: &Pass, planes: Planes) {
        let first = match planes {
            Planes::Luma => 0,
            Planes::Chroma => 1,
        };
        // Of a reflection the borders are interpolated, and nothing is beyond them.
        let clamps = pass.edge == Edge::Clamp || matches!(pass.stage, Stage::PlaneReflect { .. });
        let _ = writeln!(self.text, "const FIRST_PLANE = {first}u;\nconst EDGE_CLAMP = {clamps};");
        self.plane_samples();
        self.add(wgsl!("convert/bytes"));
        self.add(wgsl!("planes/planes"));
        match &pass.stage {
            Stage::PlaneBlur { axis, taps } => {
                let _ = writeln!(self.text, "const ALONG_COLUMNS = {};", *axis == Axis::Y);
                self.add(wgsl!("planes/blur"));
                let samples: Vec<_> = taps.samples(self.animated).collect();
                match axis {
                    Axis::X => self.blur_row(&samples),
                    Axis::Y => self.blur_columns(&samples),
                }
            }
            Stage::PlaneReflect { across, down } => {
                for (axis, reflection) in [("ACROSS", across), ("DOWN", down)] {
                    let _ = writeln!(self.text, "const {axis} = {}u;", *reflection as u32);
                }
                self.add(wgsl!("planes/reflect"));
                self.reflect_row(planes, planes.of(pass.to.size).0.width);
            }
            _ => {}
        }
    }

    /// Sixteen samples of a row of a plane of this width, from right to left.
    fn reflect_row(&mut self, planes: Planes, width: u32) {
        // The sixteen begin within a read: at this byte of the second of up to four reads.
        let offset = width as usize % 16 + 16;
        let mut reads = [false; 4];
        // Four bytes from this one on, of which the last comes first.
        let mut word = |at: usize| {
            let name = |word: usize| format!("read{}.{}", word / 4, ["x", "y", "z", "w"][word % 4]);
            (at..at + 4).for_each(|byte| reads[byte / 16] = true);
            match at % 4 {
                0 => format!("swapped({})", name(at / 4)),
                rest => {
                    let (low, high) = (name(at / 4), name(at / 4 + 1));
                    format!("swapped(({low} >> {}u) | ({high} << {}u))", 8 * rest, 32 - 8 * rest)
                }
            }
        };
        let words = [12, 8, 4, 0].map(|column| match planes {
            Planes::Luma => word(offset + column),
            // In the middle between two samples.
            Planes::Chroma => {
                let [a, b, c, d] = [2, 1, 0, -1].map(|beside| word((offset + column).wrapping_add_signed(beside)));
                format!("between({a}, {b}, {c}, {d})")
            }
        });
        let reads: String = (0..4)
            .filter(|&read| reads[read as usize])
            .map(|read| format!("    let read{read} = samples(plane, first + {}, y);\n", read - 1))
            .collect();
        let text = format!(
            "fn reflected(plane: u32, x: i32, y: i32) -> vec4u {{
    let first = i32(plane_size(plane).x) / 16 - 1 - x;
{reads}    return vec4u({});
}}
",
            words.join(", ")
        );
        self.text.push_str(&text);
    }

    /// The mean of `factor`² pixels as a colour, read as planes.
    fn reduce_planes(&mut self, pass: &Pass, factor: u32) {
        // Where a recording has its chroma; means of four pixels are in their middle.
        let is_left = matches!(pass.input, PassInput::Source(_));
        let _ = writeln!(self.text, "const EDGE_CLAMP = {};\nconst FACTOR = {factor};", pass.edge == Edge::Clamp);
        self.plane_samples();
        self.add(wgsl!("convert/tone_none"));
        self.add(wgsl!("convert/yuv"));
        self.add(wgsl!("planes/reduce"));
        // The sum of rows of a read.
        let sum = |of: &str, plane: &str, column: &str, top: &str, rows: u32| {
            let rows = (0..rows).map(|row| format!("{of}(samples({plane}, {column}, {top} + {row}))"));
            rows.collect::<Vec<_>>().join(" + ")
        };
        let part = |word: u32| ["x", "y", "z", "w"][word as usize % 4];
        // The mean of `columns` columns and as many rows, the number `i` of those in two words a column pair.
        let mean = |reads: [&str; 2], i: u32, columns: u32| {
            let word = |word: u32| format!("{}.{}", reads[word as usize / 4], part(word));
            let sum = match columns {
                8 => format!("both({} + {})", word(2 * i), word(2 * i + 1)),
                4 => format!("both({})", word(i)),
                2 => format!("pair({}, {}u)", word(i / 2), i % 2),
                _ => format!("byte({}, {}u)", word(i / 4), i % 4),
            };
            format!("{sum} / {}.0", 255 * columns * columns)
        };
        let half = factor / 2;
        let of = if half == 1 { "same" } else { "pairs" };
        let mut text = String::from("fn reduced(x: i32, y: i32) -> Means {\n");
        for (name, column) in [("left", "2 * x"), ("right", "2 * x + 1")] {
            let _ = writeln!(text, "    let {name} = {};", sum("pairs", "0u", column, "y", factor));
        }
        for (name, plane) in [("u", "1u"), ("v", "2u")] {
            let _ = writeln!(text, "    let {name} = {};", sum(of, plane, "x", "y / 2", half));
            if is_left {
                // The first sample of each mean, and of the next one.
                let first = |column: &str| sum(if half == 1 { "same" } else { "firsts" }, plane, column, "y / 2", half);
                let _ =
                    writeln!(text, "    let first_{name} = {};\n    let next_{name} = {};", first("x"), first("x + 1"));
            }
        }
        let means = (0..32 / factor).map(|i| {
            let chroma = ["u", "v"].map(|name| {
                let own = mean([name, name], i, half);
                if !is_left {
                    return own;
                }
                let first = |i: u32| {
                    let read = if i * half < 16 { format!("first_{name}") } else { format!("next_{name}") };
                    let byte = i * half % 16;
                    match half {
                        1 => format!("byte({read}.{}, {}u)", part(byte / 4), byte % 4),
                        _ => format!("pair({read}.{}, {}u)", part(byte / 4), byte % 4 / 2),
                    }
                };
                format!("{own} + ({} - {}) / {}.0", first(i + 1), first(i), 255 * factor * factor)
            });
            format!("vec3f({}, {})", mean(["left", "right"], i, factor), chroma.join(", "))
        });
        let means: Vec<_> = means.collect();
        let _ = writeln!(text, "    return Means({});\n}}", means.join(", "));
        let stores: String = (0..32 / factor)
            .step_by(4)
            .map(|i| {
                let colors: Vec<_> = (i..i + 4).map(|i| format!("color(at + vec2u({i}, 0), means[{i}])")).collect();
                format!("    store_four(at + vec2u({i}, 0), {});\n", colors.join(", "))
            })
            .collect();
        let [columns, rows] = WORKGROUP;
        let _ = writeln!(
            text,
            "@compute @workgroup_size({columns}, {rows})
fn main(@builtin(global_invocation_id) id: vec3u) {{
    let at = id.xy * BLOCK;
    if any(at >= frame.output_size) {{
        return;
    }}
    let first = place(at) * FACTOR;
    let means = reduced(first.x / 32, first.y);
{stores}}}"
        );
        self.setup = text;
    }

    /// Sixteen neighbours of a row, of `samples` around each four.
    fn blur_row(&mut self, samples: &[(i32, usize)]) {
        // The samples of three reads, the middle one of which is blurred.
        let value = |at: i32| format!("v{}.{}", at / 4, ["x", "y", "z", "w"][at as usize % 4]);
        let (first, last) = (samples[0].0 + 16, samples[samples.len() - 1].0 + 28);
        let values = (first / 4..=last / 4).map(|word| {
            let (read, part) = (["left", "here", "right"][word as usize / 4], ["x", "y", "z", "w"][word as usize % 4]);
            format!("    let v{word} = values({read}.{part});\n")
        });
        let fours = [0, 4, 8, 12].map(|column| {
            let terms: Vec<_> = samples
                .iter()
                .map(|&(at, weights)| format!("{} * params[{weights}]", value(16 + column + at)))
                .collect();
            format!("rounded(at + vec2u({column}, 0), {})", terms.join(" + "))
        });
        let text = format!(
            "fn blurred(plane: u32, x: u32, y: u32) {{
    let left = samples(plane, i32(x) - 1, i32(y));
    let here = samples(plane, i32(x), i32(y));
    let right = samples(plane, i32(x) + 1, i32(y));
    let at = vec2u(16 * x, y);
{}    store_sixteen(plane, x, y, vec4u({}));
}}
",
            values.collect::<String>(),
            fours.join(", ")
        );
        self.text.push_str(&text);
    }

    /// Four rows of sixteen columns, of the rows `samples` around them.
    fn blur_columns(&mut self, samples: &[(i32, usize)]) {
        let names: Vec<_> = (0..samples.len()).map(|row| format!("row{row}")).collect();
        let reads = names
            .iter()
            .zip(samples)
            .map(|(name, (at, _))| format!("    let {name} = samples(plane, i32(x), i32(4 * y) + {at});\n"));
        let sums = [0, 1, 2, 3].map(|row| {
            let part = ["x", "y", "z", "w"][row];
            let terms: Vec<_> = samples
                .iter()
                .enumerate()
                .map(|(i, (_, weights))| format!("v{i} * params[{weights}].{part}"))
                .collect();
            terms.join(" + ")
        });
        let words = ["x", "y", "z", "w"].map(|part| {
            let words: Vec<_> = names.iter().map(|name| format!("{name}.{part}")).collect();
            format!("    let in_{part} = four_columns({});\n", words.join(", "))
        });
        let rows = [0, 1, 2, 3].map(|row| {
            let fours = [("x", 0), ("y", 4), ("z", 8), ("w", 12)]
                .map(|(word, column)| format!("rounded(at + vec2u({column}, {row}), in_{word}[{row}])"));
            format!("    store_sixteen(plane, x, 4 * y + {row}, vec4u({}));\n", fours.join(", "))
        });
        let parameters: Vec<_> = (0..samples.len()).map(|i| format!("word{i}: u32")).collect();
        let values: String = (0..samples.len()).map(|i| format!("    let v{i} = values(word{i});\n")).collect();
        let text = format!(
            "// Four rows of four columns.
fn four_columns({}) -> mat4x4f {{
{values}    return mat4x4f({});
}}

fn blurred(plane: u32, x: u32, y: u32) {{
    let at = vec2u(16 * x, 4 * y);
{}{}{}}}
",
            parameters.join(", "),
            sums.join(", "),
            reads.collect::<String>(),
            words.concat(),
            rows.concat(),
        );
        self.text.push_str(&text);
    }

    fn input(&mut self, pass: &Pass) {
        match pass.input {
            PassInput::Texture(_) => {
                let _ = writeln!(self.text, "const EDGE_CLAMP = {};", pass.edge == Edge::Clamp);
                self.add(wgsl!("convert/picture"));
            }
            PassInput::Nothing => {}
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
            // Planes have no colours.
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
            Stage::Expand { factor } => {
                let _ = writeln!(self.text, "const FOURTH = {};", *factor < 4);
                self.add(wgsl!("filter/expand"));
            }
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

fn filtered(block: vec2u) -> Block {{
{}    let colors = fetch(block);
    // Not a loop: drivers that leave one rolled keep the colours in memory, at three times the cost.
    return Block({});
}}
",
            std::mem::take(&mut self.setup),
            each(pass, "point(colors[{i}], vec2f(place(pixel(block, {i}u))) + 0.5)")
        );
    }

    /// The entry point, which stores four or sixteen pixels of a row at once, if they are in the picture. Not a loop:
    /// llvmpipe keeps the colours of one in memory, and takes half as long again.
    fn end(&mut self, pass: &Pass) {
        let (name, count) = if stores_sixteen(pass) { ("store_sixteen", 16) } else { ("store_four", 4) };
        let stores: String = if matches!(pass.output, PassOutput::Planes(_)) {
            "    store_block(block, colors);\n".to_owned()
        } else {
            let store = |first| {
                let colors: Vec<_> = (first..).take(count).map(|i| format!("colors[{i}]")).collect();
                format!("    {name}(pixel(block, {first}u), {});\n", colors.join(", "))
            };
            (0..pixels(pass)).step_by(count).map(store).collect()
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
