//! The WGSL of passes on planes of 4:2:0, and of the means that are taken of them. What depends on weights, on a width or on a
//! factor is written out here; the rest is in `shaders/planes/`.

use std::fmt::Write;

use super::{Composer, WORKGROUP};
use crate::color::Siting;
use crate::filter::{Axis, Edge, Pass, PassOutput, PlaneKind, Stage};

/// The words of a read, and the parts of a vector.
const PARTS: [&str; 4] = ["x", "y", "z", "w"];

impl Composer {
    /// How planes are read.
    fn plane_samples(&mut self) {
        self.i420();
        self.add(wgsl!("convert/i420_source"));
        self.add(wgsl!("planes/samples"));
    }

    /// A pass on planes, which has an entry point of its own.
    pub(super) fn planes(&mut self, pass: &Pass, planes: PlaneKind) {
        let first = match planes {
            PlaneKind::Luma => 0,
            PlaneKind::Chroma => 1,
        };
        // Of a reflection the borders are interpolated, and nothing is beyond them.
        let clamps = pass.edge == Edge::Clamp || matches!(pass.stage, Stage::PlaneReflect { .. });
        // Columns are blurred first, so means of their rows follow; of what is multiplied, if it is not the result.
        let is_column_blur = matches!(pass.stage, Stage::PlaneBlur { axis: Axis::Y, .. });
        let is_factor = !pass.points.is_empty() && matches!(pass.output, PassOutput::Planes(_));
        let is_dithered = is_column_blur || is_factor;
        let _ = writeln!(
            self.text,
            "const FIRST_PLANE = {first}u;\nconst EDGE_CLAMP = {clamps};\nconst DITHERED = {is_dithered};"
        );
        self.plane_samples();
        self.add(wgsl!("convert/bytes"));
        self.add(wgsl!("convert/packed"));
        self.add(wgsl!("planes/planes"));
        if pass.points.is_empty() {
            self.add(wgsl!("planes/unscaled"));
        } else {
            self.point(pass);
            self.add(wgsl!("planes/scaled"));
        }
        match &pass.stage {
            Stage::PlaneBlur { axis, taps } => {
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
            Stage::Copy => self.add(wgsl!("planes/copy")),
            _ => {}
        }
    }

    /// Sixteen samples of a row of a plane of this width, from right to left.
    fn reflect_row(&mut self, planes: PlaneKind, width: u32) {
        // The sixteen begin within a read: at this byte of the second of up to four reads.
        let offset = width as usize % 16 + 16;
        let mut reads = [false; 4];
        // Four bytes from this one on, of which the last comes first.
        let mut word = |at: usize| {
            let name = |word: usize| format!("read{}.{}", word / 4, PARTS[word % 4]);
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
            PlaneKind::Luma => word(offset + column),
            // In the middle between two samples.
            PlaneKind::Chroma => {
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
    pub(super) fn reduce_planes(&mut self, pass: &Pass, factor: u32, siting: Siting) {
        let is_left = siting == Siting::Left;
        let _ = writeln!(self.text, "const EDGE_CLAMP = {};\nconst FACTOR = {factor};", pass.edge == Edge::Clamp);
        self.plane_samples();
        self.add(wgsl!("convert/tone_none"));
        self.add(wgsl!("convert/yuv"));
        self.add(wgsl!("planes/reduce"));
        // The sum of rows of a read.
        let sum = |of: &str, read: &str, plane: &str, column: &str, top: &str, rows: u32| {
            let rows = (0..rows).map(|row| format!("{of}({read}({plane}, {column}, {top} + {row}))"));
            rows.collect::<Vec<_>>().join(" + ")
        };
        let part = |word: u32| PARTS[word as usize % 4];
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
        // A sample alone is no sum.
        let of = if half == 1 { "" } else { "pairs" };
        let mut text = String::from("fn reduced(x: i32, y: i32) -> Means {\n");
        for (name, column) in [("left", "2 * x"), ("right", "2 * x + 1")] {
            let _ = writeln!(text, "    let {name} = {};", sum("pairs", "samples", "0u", column, "y", factor));
        }
        for (name, plane) in [("u", "1u"), ("v", "2u")] {
            let _ = writeln!(text, "    let {name} = {};", sum(of, "samples", plane, "x", "y / 2", half));
            if is_left {
                // The first sample of each mean, and of the next one: samples on the left are interpolated to their right,
                // where the last one is repeated.
                let of = if half == 1 { "" } else { "firsts" };
                for (name, column) in [(format!("first_{name}"), "x"), (format!("next_{name}"), "x + 1")] {
                    let _ =
                        writeln!(text, "    let {name} = {};", sum(of, "samples_of_row", plane, column, "y / 2", half));
                }
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
        self.text.push_str(&text);
    }

    /// Sixteen neighbours of a row, of `samples` around each four.
    fn blur_row(&mut self, samples: &[(i32, usize)]) {
        // The samples of three reads, the middle one of which is blurred.
        let value = |at: i32| format!("v{}.{}", at / 4, PARTS[at as usize % 4]);
        let (first, last) = (samples[0].0 + 16, samples[samples.len() - 1].0 + 28);
        let values = (first / 4..=last / 4).map(|word| {
            let (read, part) = (["left", "here", "right"][word as usize / 4], PARTS[word as usize % 4]);
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
            let part = PARTS[row];
            let terms: Vec<_> = samples
                .iter()
                .enumerate()
                .map(|(i, (_, weights))| format!("v{i} * params[{weights}].{part}"))
                .collect();
            terms.join(" + ")
        });
        let words = PARTS.map(|part| {
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
}
