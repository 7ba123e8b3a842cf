//! `framereel record --motion-blur`: what moves becomes a ramp of light, through the encoder and judged by ffmpeg.

mod support {
    pub mod program;
    pub mod tools;
}

use std::path::Path;
use std::process::Command;

use serde_json::json;
use support::program::{Bench, y4m};
use support::tools;

const WIDTH: usize = 160;
const HEIGHT: usize = 32;
/// How long the bar is.
const BAR: usize = 40;
/// How far it goes in a frame of the recording, at 30 frames a second.
const STEP: usize = 16;
/// How far the encoder may be off, of 255.
const OFF: f64 = 4.0;

/// Draws the bar, white on grey: 480 pixels a second to the right.
const SHADER: &str = "fn image(position: vec2f) -> vec4f {
    let left = 16.0 + 480.0 * frame.time;
    let bar = position.x > left && position.x < left + 40.0;
    return vec4f(vec3f(select(60.0 / 255.0, 1.0, bar)), 1.0);
}";

/// The bar as a film: 2 pixels a frame.
fn film(rate: u32, frames: usize) -> Vec<u8> {
    let luma = |shade: u32| (16 + (shade * 219 + 127) / 255) as u8;
    y4m(WIDTH, HEIGHT, rate, frames, |frame, x, _| {
        let left = 16 + 2 * frame;
        luma(if (left..left + BAR).contains(&x) { 255 } else { 60 })
    })
}

fn light(value: f64) -> f64 {
    let value = value / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn encoded(light: f64) -> f64 {
    255.0 * if light <= 0.0031308 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// The middle row of each frame, 0–255, as ffmpeg decodes it; none where it is missing.
fn rows(path: &Path) -> Option<Vec<Vec<f64>>> {
    if !tools::has("ffmpeg") {
        return None;
    }
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(path);
    let crop = format!("format=yuv444p,crop={WIDTH}:1:0:{}", HEIGHT / 2);
    let decoded = command.args(["-vf", &crop, "-f", "rawvideo", "-pix_fmt", "yuv444p", "-"]).output().expect("ffmpeg");
    assert!(decoded.status.success() && decoded.stderr.is_empty(), "{decoded:?}");
    let value = |luma: &u8| ((f64::from(*luma) - 16.0) * 255.0 / 219.0).clamp(0.0, 255.0);
    Some(decoded.stdout.chunks_exact(3 * WIDTH).map(|frame| frame[..WIDTH].iter().map(value).collect()).collect())
}

/// Checks that each frame shows the bar as the mean of so many sub-frames, which lie `apart` pixels apart.
#[track_caller]
fn check(rows: &[Vec<f64>], sub_frames: usize, apart: usize) {
    assert_eq!(rows.len(), 4);
    for (frame, row) in rows.iter().enumerate() {
        let left = 16 + STEP * frame;
        let lefts = || (0..sub_frames).map(|sub_frame| left + sub_frame * apart);
        let mut lights = (0.0, 0.0);
        for (x, &found) in row.iter().enumerate() {
            let covered = lefts().filter(|left| (*left..left + BAR).contains(&x)).count() as f64 / sub_frames as f64;
            let expected = covered * light(255.0) + (1.0 - covered) * light(60.0);
            let off = (found - encoded(expected)).abs();
            assert!(off <= OFF, "frame {frame}, {x}: {found:.1}, expected {:.1}", encoded(expected));
            lights = (lights.0 + light(found), lights.1 + expected);
        }
        assert!((lights.0 / lights.1 - 1.0).abs() < 0.01, "frame {frame}: the mean light is {lights:?}");
    }
}

#[test]
fn a_shader_is_drawn_for_every_sub_frame_and_the_report_counts_frames() {
    let bench = Bench::new();
    bench.write("bar.wgsl", SHADER);
    let size = format!("{WIDTH}x{HEIGHT}");
    let fixed =
        ["record", "shader:bar.wgsl", "--size", &size, "--fps", "30", "--duration", "0.133s", "--quality", "100"];
    let blurs: [(&[&str], _, _); 3] = [
        (&["--motion-blur", "16"], 16, 1),
        (&["--motion-blur", "8", "--shutter", "180"], 8, 1),
        (&["--motion-blur", "4"], 4, 4),
    ];
    for (blur, sub_frames, apart) in blurs {
        let report = bench.json([&fixed[..], blur, &["-o", "a.webm", "--force", "--json"]].concat());
        assert_eq!((&report["frames_encoded"], &report["dropped"]["blended"]), (&json!(4), &json!(0)), "{report}");
        assert_eq!(report["frames_repeated"], json!(0), "{report}");
        let Some(rows) = rows(&bench.path("a.webm")) else { return };
        check(&rows, sub_frames, apart);
    }
}

#[test]
fn a_film_of_many_frames_a_second_is_blended_and_the_report_says_of_how_many() {
    let bench = Bench::new();
    bench.write("film.y4m", film(240, 32));
    let report = bench
        .json("record film.y4m --fps 30 --motion-blur 8 --quality 100 -o a.webm --json".split(' ').collect::<Vec<_>>());
    assert_eq!((&report["frames_in"], &report["frames_encoded"]), (&json!(32), &json!(4)), "{report}");
    assert_eq!((&report["dropped"]["blended"], &report["dropped"]["rate"]), (&json!(28), &json!(0)), "{report}");
    let Some(rows) = rows(&bench.path("a.webm")) else { return };
    check(&rows, 8, 2);
}

#[test]
fn a_film_of_fewer_frames_than_the_recording_is_not_blurred() {
    let bench = Bench::new();
    bench.write("film.y4m", film(15, 2));
    let report = bench
        .json("record film.y4m --fps 30 --motion-blur 8 --quality 100 -o a.webm --json".split(' ').collect::<Vec<_>>());
    assert_eq!((&report["frames_in"], &report["frames_encoded"]), (&json!(2), &json!(4)), "{report}");
    assert_eq!((&report["frames_repeated"], &report["frames_dropped"]), (&json!(2), &json!(0)), "{report}");
}

#[test]
fn the_pattern_is_drawn_between_its_frames() {
    let bench = Bench::new();
    let args = "record pattern --size 320x180 --fps 30 --duration 0.1s --motion-blur 2 --json";
    let report = bench.json(args.split(' ').collect::<Vec<_>>());
    assert_eq!((&report["frames_encoded"], &report["frames_repeated"]), (&json!(3), &json!(0)), "{report}");
    assert_eq!(report["dropped"]["blended"], json!(3), "{report}");
}

#[test]
fn wrong_values_are_refused_before_anything_is_recorded() {
    let bench = Bench::new();
    for (args, why) in [
        ("--motion-blur 8", "--fps"),
        ("--fps 30 --motion-blur 1", "2..=64"),
        ("--fps 30 --motion-blur 65", "2..=64"),
        ("--fps 30 --shutter 180", "--motion-blur"),
        ("--fps 30 --motion-blur 8 --shutter 0", "1..=360"),
        ("--fps 30 --motion-blur 8 --shutter 361", "1..=360"),
    ] {
        let ran = bench.run(["record", "pattern"].into_iter().chain(args.split(' ')));
        assert!(ran.code == Some(2) && ran.stderr.contains(why), "{args}: {ran:?}");
    }
    assert_eq!(bench.names(), [""; 0]);
}
