//! Every parser on thousands of damaged files: it returns a result or an error, within the limits of memory and time in
//! `support/limited.rs`, and never panics.
//!
//! Cases are made from a seed and their number, so each can be run again alone:
//!
//! ```sh
//! FUZZ_SEED=0x5eed FUZZ_CASE=123 cargo test --profile testing --test fuzz y4m
//! make fuzz    # 10,000 cases of each, and a table
//! ```
//!
//! A case that failed is saved in the target folder. Put it into `tests/data/fuzz/regressions/` under a name that begins
//! with the parser's (`matroska-…`), and it is run every time.
#![cfg(unix)]

mod support {
    pub mod limited;
    pub mod mutation;
}

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use support::limited::{self, Parser, peak, spawn, timed};
use support::mutation::{self, Random};

/// What is run where nothing else is asked for.
const SEED: u64 = 0x5eed;
const CASES: u64 = 300;
/// A child works off so many cases.
const BATCH: u64 = 1000;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz")
}

// What is damaged.

fn y4m() -> Vec<Vec<u8>> {
    [
        ("W5 H3 F25:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL", 27),
        ("W4 H4 F30000:1001 C444", 48),
        ("W3 H2 Cmono", 6),
        ("W3 H2 C422p10", 28),
    ]
    .map(|(header, len)| {
        let frames = (0..3).flat_map(|index| [b"FRAME Ixyz\n".to_vec(), vec![index; len]].concat()).collect();
        [format!("YUV4MPEG2 {header}\n").into_bytes(), frames].concat()
    })
    .to_vec()
}

fn matroska() -> Vec<Vec<u8>> {
    ["film.webm", "groups.mkv", "sound.webm", "transparent.webm", "deep.webm", "vp8.webm", "vp9.webm"]
        .map(|name| fs::read(data().join(name)).expect("a film"))
        .to_vec()
}

/// An ordinary file, fragments of ours, and fragments and an ordinary file of ffmpeg's.
fn mp4() -> Vec<Vec<u8>> {
    let names = ["film.mp4", "fragments.mp4", "others-fragments.mp4", "others.mp4"];
    names.map(|name| fs::read(data().join(name)).expect("a film")).to_vec()
}

fn wav() -> Vec<Vec<u8>> {
    let chunk = |name: &[u8; 4], data: &[u8]| [&name[..], &(data.len() as u32).to_le_bytes(), data].concat();
    let format = |tag: u16, channels: u16, bytes: u16| {
        let rate = 48_000_u32;
        let block = channels * bytes;
        [
            &tag.to_le_bytes()[..],
            &channels.to_le_bytes(),
            &rate.to_le_bytes(),
            &(rate * u32::from(block)).to_le_bytes(),
            &block.to_le_bytes(),
            &(bytes * 8).to_le_bytes(),
        ]
        .concat()
    };
    let extensible = [
        format(0xfffe, 6, 3),
        vec![22, 0, 24, 0, 0x3f, 0, 0, 0, 1, 0, 0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113],
    ];
    let samples: Vec<u8> = (0..2400_u32).map(|value| (value * 37) as u8).collect();
    [format(1, 2, 2), format(3, 1, 4), extensible.concat(), format(1, 1, 1)]
        .map(|format| {
            let body =
                [b"WAVE".to_vec(), chunk(b"LIST", b"odd"), vec![0], chunk(b"fmt ", &format), chunk(b"data", &samples)];
            chunk(b"RIFF", &body.concat())
        })
        .to_vec()
}

fn webp() -> Vec<Vec<u8>> {
    ["lossy.webp", "transparent.webp", "animated.webp"]
        .map(|name| fs::read(data().join(name)).expect("a picture"))
        .to_vec()
}

fn pictures() -> Vec<Vec<u8>> {
    use image::ImageFormat::{Bmp, Jpeg, Png, WebP};
    let pixels = (0..7 * 5 * 4_u32).map(|value| (value * 31 % 256) as u8).collect();
    let picture = image::DynamicImage::from(image::RgbaImage::from_raw(7, 5, pixels).expect("a picture"));
    [Png, Jpeg, WebP, Bmp]
        .map(|format| {
            let mut bytes = std::io::Cursor::new(Vec::new());
            let picture = if format == Jpeg { image::DynamicImage::from(picture.to_rgb8()) } else { picture.clone() };
            picture.write_to(&mut bytes, format).expect("a picture");
            bytes.into_inner()
        })
        .to_vec()
}

const CUBES: [&str; 3] = [
    "TITLE \"a\"\n# a comment\nLUT_3D_SIZE 2\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1.0 1 1e0\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n",
    "LUT_1D_SIZE 3\r\nLUT_1D_INPUT_RANGE -1 3\r\n0 0 0\r\n.5 0.25 5e-1\r\n1 1 1\r\n",
    "\u{feff}LUT_1D_SIZE 2\n0 0 0\n1 1 1\n",
];
const CUBE_WORDS: [&str; 9] = [
    "TITLE",
    "LUT_1D_SIZE",
    "LUT_3D_SIZE",
    "DOMAIN_MIN",
    "DOMAIN_MAX",
    "LUT_1D_INPUT_RANGE",
    "LUT_3D_INPUT_RANGE",
    "#",
    "0 0 0\n",
];

const CHAINS: [&str; 6] = [
    "sepia(60%) contrast(1.2) vignette(strength=0.4)",
    "drop-shadow(4px 4px 6px rgb(0 0 0 / 50%)) hue-rotate(0.25turn) edge=clamp",
    "blur(2px) bloom(1, 1px, 0.5) chroma-key(#0f0, 0.4) duotone(red, hsl(30deg 100% 50%))",
    "zoom(2) rotate(30deg) crop(4px) flip(horizontal) mirror() pixelate(8px) lens(0.3) glitch(0.5)",
    "blur(0px) blur(1px)\nblur[2].radius: 0s 0, 2s 8, 5s 0 ease",
    "lut(\"film.cube\", strength=80%) grain(0.1, seed=7) shader('wave.wgsl', height=9)\nlut.strength: 0s 0%, 1:30 100%",
];
const CHAIN_WORDS: [&str; 16] = [
    "blur",
    "sepia",
    "none",
    "edge=clamp",
    "edge=",
    "px",
    "%",
    "deg",
    "turn",
    "currentcolor",
    "transparent",
    "color(srgb 1 0 0)",
    "oklch(0.5 0.1 20)",
    "motion-trail(0.9)",
    "sharpen(1, 4px)",
    "lab(from red l a b)",
];

const SHADERS: [&str; 5] = [
    "struct Params {\n    strength: f32, // 0.8\n    tint: vec3f, // #f80\n    count: i32, // -3\n}\nconst PI2 = 6.28;\nalias Offset = vec2f;\n\
     var<private> calls: u32;\nfn wave(at: f32) -> Offset { calls += 1u; return Offset(params.strength * sin(at * PI2 + frame.time), 0.0); }\n\
     fn effect(position: vec2f) -> vec4f {\n    let color = sample(position + wave(position.y / frame.resolution.y));\n    \
     return mix(color, previous(position), 0.5) * params.tint.xyzz + f32(calls + frame.index);\n}\n",
    "const N = 3; const M = N * N; const KERNEL = array<f32, M>(1, 2, 1, 2, 4, 2, 1, 2, 1);\nfn effect(p: vec2f) -> vec4f {\n    var sum = vec4f();\n    \
     for (var i = 0; i < M; i++) { sum += KERNEL[i] * sample(p + vec2f(vec2i(i % N, i / N) - 1)); }\n    return sum / 16.0;\n}\n",
    "struct Ray { start: vec3f, hits: array<u32, 4>, }\nvar<private> grid: array<array<f32, 32>, 32>;\nfn effect_color(color: vec4f) -> vec4f {\n    \
     var ray = Ray(color.rgb, array(1u, 2u, 3u, 4u)); grid[3][4] = -color.r; const a = mat3x3f() * 2.0;\n    \
     loop { if ray.hits[0] > 9u { break; } continuing { ray.hits[0] += 1u; } }\n    switch ray.hits[1] { case 1u, 2u: { ray.start *= 2.0; } default: {} }\n    \
     return vec4f(select(ray.start, -color.rgb, color.g > 0.5), grid[3][4] + a[0][0]);\n}\n",
    "fn image(position: vec2f) -> vec4f { return vec4f(sin(position.xyxy + frame.time)); }\n",
    "struct Cell { at: vec2f, colors: array<vec4f, 5>, }\nalias Cells = array<Cell, 7>;\nconst SIDE = 3u;\nconst A = array(1.0, 2.0, 3.0);\n\
     const B = array(A, A);\nconst C = array(B, B, B);\nconst M = mat4x4f() * mat4x4f(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1);\n\
     fn f1(x: f32) -> f32 { return x * A[1]; }\nfn f2(x: f32) -> f32 { return f1(x) + f1(x); }\nfn f3(x: f32) -> f32 { return f2(x) + f2(x); }\n\
     fn effect(p: vec2f) -> vec4f { var cells = Cells(); const zero = array<array<f32, SIDE>, (SIDE + 1)>(); cells[2].colors[1] = -M[0];\n    \
     return vec4f(f3(zero[1][2]), C[2][1][0], -vec2f(A[0])) + abs(cells[u32(p.x) % 7u].colors[4]); }\n",
];
const SHADER_WORDS: [&str; 32] = [
    "fn",
    "struct",
    "Params",
    "params",
    "var",
    "var<private>",
    "const",
    "alias",
    "let",
    "override",
    "effect",
    "image",
    "sample",
    "previous",
    "frame",
    "vec4f",
    "f32",
    "u32",
    "array",
    "array<f32, 4>()",
    "array<vec4f, N>",
    "return",
    "loop",
    "for",
    "while",
    "switch",
    "bitcast<u32>",
    "ptr<function, f32>",
    "select",
    "1 << 31",
    "-array<f32, 3>()",
    "N",
];

/// What ffprobe says of films, one with a turned picture and one of high dynamic range, and of sound.
const PROBES: [&str; 4] = [
    r#"{"programs": [], "streams": [{"index": 0, "codec_name": "h264", "codec_type": "video", "width": 64, "height": 48,
        "sample_aspect_ratio": "4:3", "pix_fmt": "yuv420p", "color_range": "tv", "color_space": "bt709", "chroma_location": "left",
        "r_frame_rate": "30000/1001", "avg_frame_rate": "25/1", "time_base": "1/12800", "duration": "0.400000", "nb_frames": "10",
        "tags": {"language": "und", "DURATION": "00:00:00.400000000"}, "side_data_list": [{"side_data_type": "Display Matrix",
        "rotation": -90}]}], "format": {"filename": "file:a.mp4", "duration": "0.400000"}}"#,
    r#"{"streams": [{"width": 1920, "height": 1080, "pix_fmt": "yuva444p10le", "r_frame_rate": "0/0", "avg_frame_rate": "1/0",
        "time_base": "1/1000", "sample_aspect_ratio": "N/A", "nb_frames": "N/A"}], "format": {}}"#,
    r#"{"streams": [{"codec_type": "audio", "sample_rate": "44100", "channels": 6, "channel_layout": "5.1", "start_time": "-0.023220",
        "duration": "4.001000"}], "format": {"duration": "4.1"}}"#,
    r#"{"streams": [{"width": 640, "height": 360, "pix_fmt": "yuv420p10le", "color_space": "bt2020nc", "color_primaries": "bt2020",
        "color_transfer": "smpte2084", "field_order": "tt", "r_frame_rate": "25/1", "side_data_list": [{"max_content": 1000},
        {"max_luminance": "10000000/10000"}]}], "frames": [{"side_data_list": [{"max_content": 4000, "max_average": 400}]}]}"#,
];
const PROBE_WORDS: [&str; 12] = [
    "null",
    "true",
    "[]",
    "{}",
    "\"N/A\"",
    "\"width\": 1",
    "\"streams\": [{}]",
    "rgb24",
    "\"rotation\": 1e308",
    "1/0",
    "\"max_content\": 99999",
    "p016le",
];

const MESSAGES: [&str; 2] = [
    "frame:0    pts:-512     pts_time:-0.04\nframereel=1\n[h264 @ 0x5] frame:1    pts:NOPTS   pts_time:NOPTS\r\nframereel=1\r\n\
     error while decoding MB 3 4\nframe:2    pts:67072   pts_time:5.24\nframereel=1\n",
    "frame:0 pts:0 pts_time:0\nframereel=1\nframe:1 pts:1 pts_time:0.04\nframereel=1\n\u{1b}[31mbroken\n",
];
const MESSAGE_WORDS: [&str; 6] = ["frame:", "pts:", "pts_time:", "NOPTS", "framereel=1", "\n"];

/// The bytes of a case.
fn made(parser: Parser, seed: u64, case: u64) -> Vec<u8> {
    let random = &mut Random::of(seed, case);
    match parser {
        Parser::Y4m => mutation::bytes(random, &y4m()),
        Parser::Matroska | Parser::Opus | Parser::Inspect | Parser::Repair if random.below(2) == 0 => {
            mutation::elements(random, &matroska())
        }
        Parser::Matroska | Parser::Opus | Parser::Inspect | Parser::Repair => mutation::bytes(random, &matroska()),
        Parser::Mp4 => mutation::bytes(random, &mp4()),
        Parser::Wav => mutation::bytes(random, &wav()),
        Parser::Picture | Parser::Open => mutation::bytes(random, &pictures()),
        Parser::Whammy => mutation::bytes(random, &webp()),
        Parser::Cube => mutation::text(random, &CUBES, &CUBE_WORDS),
        Parser::Chain => mutation::text(random, &CHAINS, &CHAIN_WORDS),
        Parser::Wgsl => mutation::text(random, &SHADERS, &SHADER_WORDS),
        Parser::Probe => mutation::text(random, &PROBES, &PROBE_WORDS),
        Parser::Times => mutation::text(random, &MESSAGES, &MESSAGE_WORDS),
    }
}

/// The files that failed once.
fn regressions(parser: Parser) -> Vec<PathBuf> {
    let entries = fs::read_dir(data().join("regressions")).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let own = format!("{}-", parser.name());
    let mut paths: Vec<_> =
        paths.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&own))).collect();
    paths.sort();
    paths
}

// The parent's side.

/// What became of the cases of a parser.
struct Row {
    cases: u64,
    /// How many of them were read to their end without an error.
    accepted: u64,
    time: Duration,
    /// The most memory that a child held, in bytes.
    peak: u64,
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    Some(number.unwrap_or_else(|| panic!("expected a number in {name} but found `{text}`")))
}

/// Runs a parser on its regressions and on so many cases, in children.
#[track_caller]
fn fuzz(parser: Parser, cases: u64) -> Row {
    for path in regressions(parser) {
        limited::outcome_of_file(parser, &path);
    }
    let seed = number("FUZZ_SEED").unwrap_or(SEED);
    let (first, end) = number("FUZZ_CASE").map_or((0, cases), |case| (case, case + 1));
    let mut row = Row { cases: end - first, accepted: 0, time: Duration::ZERO, peak: 0 };
    for first in (first..end).step_by(BATCH as usize) {
        let count = BATCH.min(end - first);
        let ran = spawn(&["fuzz", &parser.name(), &seed.to_string(), &first.to_string(), &count.to_string()]);
        let last = ran.lines.last().filter(|line| ran.succeeded && line[0] == "done");
        let Some([_, nanos, peak, accepted]) = last.map(|line| &line[..]) else {
            let case = ran.lines.last().and_then(|line| line.get(1)).map_or("none", |case| case);
            let name = parser.name();
            let saved = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{seed:#x}-{case}"));
            if let Ok(case) = case.parse() {
                fs::write(&saved, made(parser, seed, case)).expect("a saved case");
            }
            panic!(
                "{name}: case {case} of seed {seed:#x} ({}): {}\nrun it again with FUZZ_SEED={seed:#x} FUZZ_CASE={case} cargo test \
                 --profile testing --test fuzz {name}",
                saved.display(),
                ran.failure
            );
        };
        let value = |text: &str| text.parse::<u64>().expect("a number");
        row.time += Duration::from_nanos(value(nanos));
        row.peak = row.peak.max(value(peak));
        row.accepted += value(accepted);
    }
    row
}

/// The test of one parser: it reads damaged files within the limits, and some of them are not refused.
#[track_caller]
fn survives(parser: Parser) {
    let row = fuzz(parser, number("FUZZ_CASES").unwrap_or(CASES));
    println!(
        "{}: {} cases, {} accepted, {:?}, {} MiB",
        parser.name(),
        row.cases,
        row.accepted,
        row.time,
        row.peak >> 20
    );
    assert!(number("FUZZ_CASE").is_some() || row.accepted > 0 && row.accepted < row.cases, "{} accepted", row.accepted);
}

// The child's side.

#[test]
#[ignore = "runs in child processes of the other tests"]
fn child() {
    limited::child(|task| {
        let ["fuzz", parser, seed, first, count] = *task else { panic!("{task:?}") };
        let parser = Parser::named(parser);
        let [seed, first, count] = [seed, first, count].map(|text| text.parse::<u64>().expect("a number"));
        let mut total = Duration::ZERO;
        let mut accepted = 0;
        for case in first..first + count {
            limited::say(&["case", &case.to_string()]);
            let bytes = made(parser, seed, case);
            let (said, time) = timed(|| parser.run(&bytes));
            total += time;
            accepted += u64::from(said.is_ok());
        }
        limited::say(&["done", &total.as_nanos().to_string(), &peak().to_string(), &accepted.to_string()]);
    });
}

#[test]
fn damaged_y4m_is_read_or_refused() {
    survives(Parser::Y4m);
}

#[test]
fn damaged_opus_is_decoded_or_refused() {
    survives(Parser::Opus);
}

#[test]
fn damaged_matroska_is_decoded_or_refused() {
    survives(Parser::Matroska);
}

#[test]
fn damaged_matroska_is_inspected_or_refused() {
    survives(Parser::Inspect);
}

#[test]
fn damaged_matroska_is_repaired_or_refused() {
    survives(Parser::Repair);
}

#[test]
fn damaged_mp4_is_inspected_and_repaired_or_refused() {
    survives(Parser::Mp4);
}

#[test]
fn damaged_wav_is_read_or_refused() {
    survives(Parser::Wav);
}

#[test]
fn damaged_pictures_are_read_or_refused() {
    survives(Parser::Picture);
}

#[test]
fn damaged_webp_becomes_a_sound_film_or_is_refused() {
    survives(Parser::Whammy);
}

#[test]
fn damaged_cube_tables_are_read_or_refused() {
    survives(Parser::Cube);
}

#[test]
fn damaged_chains_are_read_and_planned_or_refused() {
    survives(Parser::Chain);
}

#[test]
fn damaged_wgsl_is_accepted_or_refused() {
    survives(Parser::Wgsl);
}

#[test]
fn damaged_answers_of_ffprobe_are_understood_or_refused() {
    survives(Parser::Probe);
}

#[test]
fn damaged_messages_of_ffmpeg_are_read() {
    let row = fuzz(Parser::Times, number("FUZZ_CASES").unwrap_or(CASES));
    assert_eq!(row.accepted, row.cases);
}

#[test]
#[ignore = "takes minutes; `make fuzz` runs it"]
fn every_parser_survives_many_cases() {
    let cases = number("FUZZ_CASES").unwrap_or(10_000);
    let mut table =
        format!("{:<10} {:>8} {:>10} {:>10} {:>12}\n", "parser", "cases", "accepted", "cases/s", "peak memory");
    for parser in Parser::ALL.into_iter().filter(|parser| *parser != Parser::Open) {
        let Row { cases, accepted, time, peak } = fuzz(parser, cases);
        let rate = cases as f64 / time.as_secs_f64();
        table += &format!("{:<10} {cases:>8} {accepted:>10} {rate:>10.0} {:>8} MiB\n", parser.name(), peak >> 20);
    }
    println!("\n{table}");
}
