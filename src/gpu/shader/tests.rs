use super::*;
use crate::filter::{
    FileAccess, FilterChain, LayerPlace, ParamKind, SourcePicture, SourcePixels, catalog, plan, plan_layer,
};
use crate::frame::{BitDepth, Rect, Size};
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
fn random_chain(seed: &mut u64, files: &tempfile::TempDir) -> String {
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
            .map(|param| match param.kind {
                ParamKind::Color => ["red", "#8f04", "hsl(40deg 50% 50%)"][next(3)].to_owned(),
                ParamKind::Word(words) => words[next(words.len())].to_owned(),
                ParamKind::Lut => format!("{:?}", files.path().join("table.cube")),
                ParamKind::Shader => format!("{:?}", files.path().join(["color.wgsl", "area.wgsl"][next(2)])),
                kind => format!("{}{}", (next(200) as f32 / 10.0).clamp(param.min, param.max), kind.unit()),
            })
            .collect();
        chain.push(format!("{}({})", info.name, values.join(", ")));
    }
    chain.join(" ")
}

/// Some pictures are layers, at a place or fitted.
fn layer_at(round: usize) -> Option<LayerPlace> {
    let places = [
        LayerPlace::At { from: Rect::new(0.0, 0.0, 99.0, 90.0), to: Rect::new(-9.5, 7.0, 70.0, 200.0) },
        LayerPlace::Fitted,
    ];
    (round % 3 == 2).then(|| places[round / 3 % 2])
}

#[test]
fn every_plan_of_random_chains_composes_to_shaders_that_naga_accepts() {
    let files = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(files.path().join(name), text).unwrap();
    write("table.cube", "LUT_1D_SIZE 2\n0 0 0\n1 1 1\n");
    write(
        "color.wgsl",
        "struct Params { tint: vec4f, amount: f32 }\n\
         fn effect_color(color: vec4f) -> vec4f { return mix(color, params.tint, params.amount); }",
    );
    write(
        "area.wgsl",
        "fn effect(position: vec2f) -> vec4f { return 0.5 * (sample(position + frame.time) + previous(position)); }",
    );
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    write("image.wgsl", "fn image(position: vec2f) -> vec4f { return vec4f(position / frame.resolution, 0.0, 0.5); }");
    let wide = |format, transfer, tone_map| SourcePixels::Wide { format, transfer, tone_map };
    let sources = [
        SourcePixels::Bytes(PixelFormat::Rgba8),
        SourcePixels::Bytes(PixelFormat::I420),
        SourcePixels::Recorded,
        SourcePixels::Bytes(PixelFormat::I422),
        SourcePixels::Bytes(PixelFormat::I444),
        SourcePixels::Bytes(PixelFormat::Gray8),
        SourcePixels::Bytes(PixelFormat::Nv12),
        SourcePixels::Bytes(PixelFormat::Yuyv),
        SourcePixels::Bytes(PixelFormat::Rgb8),
        SourcePixels::Bytes(PixelFormat::I420P10),
        SourcePixels::Texture,
        wide(PixelFormat::I420, Transfer::Hlg, ToneMap::Bt2390),
        wide(PixelFormat::I420P10, Transfer::Pq, ToneMap::Bt2390),
        wide(PixelFormat::I422P10, Transfer::Hlg, ToneMap::Bt2390),
        wide(PixelFormat::I444P12, Transfer::Pq, ToneMap::Clip),
        wide(PixelFormat::Rgba8, Transfer::Hlg, ToneMap::Clip),
        wide(PixelFormat::Rgb8, Transfer::Sdr, ToneMap::Bt2390),
        wide(PixelFormat::Gray8, Transfer::Hlg, ToneMap::Bt2390),
        wide(PixelFormat::Nv12, Transfer::Pq, ToneMap::Bt2390),
        SourcePixels::Light,
    ];
    let mut seen = std::collections::HashSet::new();
    for round in 0..400 {
        let mut text = random_chain(&mut seed, &files);
        if round % 7 == 6 {
            // A drawing needs no source.
            text = format!("shader({:?}) {text}", files.path().join("image.wgsl"));
        }
        let chain = FilterChain::parse_with(&text, &FileAccess::Any).unwrap_or_else(|error| panic!("{error}"));
        let picture = SourcePicture { pixels: sources[round % sources.len()], size: Size::new(320, 180) };
        let size = [Size::new(320, 180), Size::new(100, 100)][round / 7 % 2];
        let light = PassOutput::Light { over_black: round % 4 == 0 };
        let output = [
            PassOutput::I420 { depth: BitDepth::Eight },
            PassOutput::I420 { depth: BitDepth::Ten },
            PassOutput::Rgba8,
            light,
        ][round / 14 % 4];
        let plan = match layer_at(round) {
            Some(place) => plan_layer(&chain, picture, size, place),
            None => plan(&chain, picture, size, output),
        };
        for pass in &plan.passes {
            let wgsl = compose(pass, round % 2 == 1, round % 3 == 1);
            for wgsl in [wgsl].into_iter().chain(chroma(pass).map(|(wgsl, _)| wgsl)) {
                if seen.insert(wgsl.clone())
                    && let Some(fault) = fault(&wgsl)
                {
                    panic!("{text}: {pass:?}\n{fault}");
                }
            }
        }
    }
    assert!(seen.len() > 100, "{} shaders", seen.len());
    // Passes on planes, of widths that begin at each place of a read.
    for width in (320..352).step_by(2) {
        let size = Size::new(width, 180);
        let film = SourcePicture { pixels: SourcePixels::Recorded, size };
        for chain in [
            "flip(both) blur(1px)",
            "mirror(right) blur(4px) edge=clamp",
            "mirror(bottom) blur(9px)",
            "sepia(1) blur(2px) vignette(0.4)",
            "vignette(0.4)",
            "sepia(1) blur(6px)",
            "blur(16px) vignette(0.4)",
            "blur(16px) edge=clamp",
        ] {
            let plan = plan(&chain.parse().unwrap(), film, size, PassOutput::I420 { depth: BitDepth::Eight });
            for pass in &plan.passes {
                let wgsl = compose(pass, false, false);
                assert_eq!(fault(&wgsl), None, "{chain} at {size}");
                seen.insert(wgsl);
            }
        }
    }
    let window = ["preview", "panel"].map(|name| {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("shaders/window/{name}.wgsl"));
        std::fs::read_to_string(file).unwrap()
    });
    for text in window.into_iter().chain([blend().to_owned()]) {
        assert_eq!(fault(&text), None);
        seen.insert(text);
    }
    // So every file is judged, in the company it is made for.
    for folder in ["", "convert", "filter", "planes", "window"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders").join(folder);
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
        {
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(seen.iter().any(|shader| shader.contains(&text)), "{} stands in no shader", file.display());
        }
    }
}

#[test]
fn the_judge_of_shaders_finds_faults() {
    assert!(fault("fn f() -> f32 { return 1u; }").is_some());
    assert!(fault("fn from() {}").is_some());
}
