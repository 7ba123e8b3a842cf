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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{FilterChain, Picture, catalog, plan};
    use crate::frame::Size;
    use wgpu::naga;

    /// What naga says against a shader, with the place in its text.
    fn fault(text: &str) -> Option<String> {
        let module = match naga::front::wgsl::parse_str(text) {
            Ok(module) => module,
            Err(error) => return Some(error.emit_to_string(text)),
        };
        let mut validator =
            naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::default());
        validator.validate(&module).err().map(|error| error.emit_to_string(text))
    }

    /// A chain of up to six filters with values in their range, and a way to draw more: xorshift (Marsaglia 2003).
    fn random_chain(seed: &mut u64) -> String {
        let mut next = |below: usize| {
            *seed ^= *seed << 13;
            *seed ^= *seed >> 7;
            *seed ^= *seed << 17;
            (*seed >> 33) as usize % below
        };
        let mut chain = Vec::new();
        for _ in 0..next(7) {
            let info = &catalog()[next(catalog().len())];
            let values: Vec<_> = info
                .params
                .iter()
                .map(|param| format!("{}{}", (next(200) as f32 / 10.0).clamp(param.min, param.max), param.kind.unit()))
                .collect();
            chain.push(format!("{}({})", info.name, values.join(", ")));
        }
        chain.join(" ")
    }

    #[test]
    fn every_plan_of_random_chains_composes_to_shaders_that_naga_accepts() {
        let mut seed = 0x9e37_79b9_7f4a_7c15;
        let formats = [PixelFormat::Rgba8, PixelFormat::I420, PixelFormat::I422, PixelFormat::I444, PixelFormat::Gray8];
        let mut seen = std::collections::HashSet::new();
        for round in 0..400 {
            let text = random_chain(&mut seed);
            let chain: FilterChain = text.parse().unwrap_or_else(|error| panic!("{error}"));
            let picture = Picture { format: formats[round % formats.len()], size: Size::new(320, 180) };
            let size = [Size::new(320, 180), Size::new(100, 100)][round / 5 % 2];
            let output = [Output::I420, Output::Rgba8][round / 10 % 2];
            let plan = plan(&chain, picture, size, output);
            for pass in &plan.passes {
                let wgsl = compose(pass);
                if seen.insert(wgsl.clone())
                    && let Some(fault) = fault(&wgsl)
                {
                    panic!("{text}: {pass:?}\n{fault}");
                }
            }
        }
        assert!(seen.len() > 100, "{} shaders", seen.len());
        assert_eq!(fault(&chroma()), None);
    }

    #[test]
    fn the_judge_of_shaders_finds_faults() {
        assert!(fault("fn f() -> f32 { return 1u; }").is_some());
        assert!(fault("fn from() {}").is_some());
    }
}
