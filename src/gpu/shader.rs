//! Composes a pass's WGSL from the files in `shaders/`. Pure: naga can judge the text without a GPU.

use std::fmt::Write;

use crate::filter::{Axis, Effect, Input, Output, Pass, Point, Stage};
use crate::frame::PixelFormat;

macro_rules! wgsl {
    ($path:literal) => {
        include_str!(concat!("../../shaders/", $path, ".wgsl"))
    };
}

/// The WGSL that takes a recording's chroma down to 4:2:0, after the pass that packed its luma.
pub fn chroma() -> String {
    [wgsl!("frame_info"), wgsl!("convert/i420_chroma")].join("\n")
}

/// The WGSL of a pass; its entry point is `main`. Passes that differ in their numbers alone have the same text.
pub fn compose(pass: &Pass) -> String {
    let mut text = wgsl!("frame_info").to_owned();
    for module in input(pass).into_iter().chain(stage(pass)) {
        text.push_str(module);
    }
    if let Stage::Resample { axis, .. } = pass.stage {
        let axis = match axis {
            Axis::X => 0,
            Axis::Y => 1,
        };
        let _ = writeln!(text, "const AXIS = {axis}u;");
    }
    if let Output::Texture(_) = pass.output {
        text.push_str(wgsl!("convert/picture_store"));
    }
    if has_own_main(pass.stage) {
        return text;
    }
    text.push_str(&points(pass));
    text.push_str(match pass.output {
        Output::Texture(_) => wgsl!("convert/picture_pack"),
        Output::I420 => wgsl!("convert/i420_pack"),
        Output::Rgba8 => wgsl!("convert/rgba_pack"),
    });
    text
}

/// How many pixels one invocation of the pass makes, and how many invocations a workgroup has, each way.
pub fn tile(stage: Stage) -> ([u32; 2], [u32; 2]) {
    match stage {
        Stage::Blur(Axis::Y, _) => ([1, 4], [16, 4]),
        Stage::Reduce { .. } => ([1, 1], [16, 4]),
        _ => ([4, 2], [8, 8]),
    }
}

/// Stages whose result goes to a texture and nowhere else.
fn has_own_main(stage: Stage) -> bool {
    matches!(stage, Stage::Blur(Axis::Y, _) | Stage::Reduce { .. })
}

fn input(pass: &Pass) -> Vec<&'static str> {
    let source = wgsl!("convert/source");
    let yuv = |chroma| vec![source, wgsl!("convert/yuv_unpack"), chroma];
    match pass.input {
        Input::Source(PixelFormat::Rgba8) => vec![source, wgsl!("convert/rgba_unpack")],
        Input::Source(PixelFormat::I420) => yuv(wgsl!("convert/chroma_420")),
        Input::Source(PixelFormat::I422) => yuv(wgsl!("convert/chroma_422")),
        Input::Source(PixelFormat::I444) => yuv(wgsl!("convert/chroma_444")),
        Input::Source(PixelFormat::Gray8) => yuv(wgsl!("convert/chroma_none")),
        Input::Texture(_) => vec![wgsl!("convert/picture")],
    }
}

fn stage(pass: &Pass) -> Vec<&'static str> {
    let blur = wgsl!("filter/blur");
    match pass.stage {
        Stage::Copy if matches!(pass.input, Input::Texture(_)) => vec![wgsl!("convert/picture_unpack")],
        Stage::Copy => vec![],
        Stage::Blur(Axis::X, _) => vec![blur, wgsl!("filter/blur_x")],
        Stage::Blur(Axis::Y, _) => vec![blur, wgsl!("filter/blur_y")],
        Stage::Reduce { .. } => vec![wgsl!("filter/reduce")],
        Stage::Expand { .. } => vec![wgsl!("filter/expand")],
        Stage::Resample { .. } => vec![wgsl!("convert/resample")],
    }
}

/// The function `filtered`, which sends a block's pixels through the pass's points.
fn points(pass: &Pass) -> String {
    if pass.points.is_empty() {
        return "fn filtered(block: vec2u) -> Block {\n    return fetch(block);\n}\n".to_owned();
    }
    let mut modules: Vec<&str> = Vec::new();
    let mut steps = String::new();
    for (point, at) in pass.placed_points() {
        let module = match point {
            Point::Matrix(_) => {
                let _ = writeln!(steps, "    color = color_matrix(color, {at}u);");
                wgsl!("filter/color_matrix")
            }
            Point::Function(filter) => {
                let Effect::Point { wgsl } = filter.info().effect else { unreachable!("only points are functions") };
                let name = filter.info().name.replace('-', "_");
                let values: String = (0..filter.values().len())
                    .map(|index| format!(", params[{}u][{}u]", at + index / 4, index % 4))
                    .collect();
                let _ = writeln!(steps, "    color = saturate({name}(color, position{values}));");
                wgsl
            }
        };
        if !modules.contains(&module) {
            modules.push(module);
        }
    }
    let (straighten, premultiply) = if pass.opaque && pass.points.iter().all(Point::keeps_alpha) {
        ("", "color")
    } else {
        ("    color = vec4f(color.rgb / max(color.a, 1e-6), color.a);\n", "vec4f(color.rgb * color.a, color.a)")
    };
    let pixels: Vec<_> = (0..8).map(|i| format!("point(colors[{i}], vec2f(pixel(block, {i}u)) + 0.5)")).collect();
    let pixels = pixels.join(", ");
    format!(
        "{}
fn point(premultiplied: vec4f, position: vec2f) -> vec4f {{
    var color = premultiplied;
{straighten}{steps}    return {premultiply};
}}

fn filtered(block: vec2u) -> Block {{
    let colors = fetch(block);
    // Not a loop: drivers that leave one rolled keep the colours in memory, at three times the cost.
    return Block({pixels});
}}
",
        modules.join("\n")
    )
}
