//! Your own WGSL between a film and a recording: `custom_shader [FILM] [FILE.webm]`.
//!
//! A file like this one is all that a filter takes; from the shell it is `framereel record FILM --shader wave.wgsl`.

use framereel::filter::Custom;
use framereel::{FileSink, FilterChain, Gpu, SourceOptions, SourceSpec, open, record};

const WAVE: &str = "
struct Params {
    height: f32, // 6
    length: f32, // 40
}

// Reflection in water: rows move left and right, lower rows further.
fn effect(position: vec2f) -> vec4f {
    let depth = position.y / frame.resolution.y;
    let swing = params.height * depth * sin(position.y / params.length * 6.283 + frame.time * 4.0);
    return sample(position + vec2f(swing, 0.0));
}
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let film = arguments.next().unwrap_or("examples/clips/bunny.webm".into());
    let output = arguments.next().unwrap_or("wave.webm".into());

    let mut wave = FilterChain::shader(Custom::parse("wave", WAVE)?);
    wave.set_param("height=9")?;
    // It joins others as one of them; the border goes on beyond the picture.
    let chain = wave.then("saturate(1.3) vignette(0.5) edge=clamp".parse()?);

    let film: SourceSpec = film.parse()?;
    let source = open(&film, &SourceOptions::default())?;
    let report = record(source).filter(chain).run(&Gpu::new()?, FileSink::create(&output)?)?;
    println!("{output}: {} frames, {:.2} s, {} bytes", report.frames_encoded, report.duration_s, report.bytes);
    Ok(())
}
