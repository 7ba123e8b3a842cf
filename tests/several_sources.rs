//! Several sources in one recording: frames beside and over each other, and the sounds of all, examined with ffmpeg.

#[path = "support/program.rs"]
mod program;
#[path = "support/tools.rs"]
mod tools;

use std::path::Path;
use std::process::Command;

use program::Bench;

/// A film of one colour and one tone, 3 s long.
fn film(bench: &Bench, name: &str, color: &str, size: &str, hertz: u32) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", &format!("color={color}:s={size}:r=25:d=3")]);
    command.args(["-f", "lavfi", "-i", &format!("sine=frequency={hertz}:sample_rate=48000:d=3")]);
    command.args(["-c:v", "mpeg4", "-q:v", "2", "-c:a", "aac", "-shortest"]).arg(bench.path(name));
    assert!(command.status().expect("ffmpeg; install it: scripts/setup.sh test").success(), "{command:?}");
}

/// The picture at 1 s, as RGB.
fn picture(path: &Path) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-ss", "1", "-i"]).arg(path);
    command.args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]).output().expect("ffmpeg").stdout
}

/// How much of a second of the file's sound is a tone of this frequency: the amplitude of its sine.
fn amplitude(path: &Path, hertz: f64) -> f64 {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-ss", "1", "-t", "1", "-i"]).arg(path);
    let output = command.args(["-ac", "1", "-ar", "48000", "-f", "f32le", "-"]).output().expect("ffmpeg").stdout;
    let samples = output.as_chunks().0.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes)));
    let (mut re, mut im, mut count) = (0.0, 0.0, 0.0);
    for (index, sample) in samples.enumerate() {
        let phase = std::f64::consts::TAU * hertz * index as f64 / 48_000.0;
        re += sample * phase.cos();
        im += sample * phase.sin();
        count += 1.0;
    }
    2.0 * (re * re + im * im).sqrt() / count
}

#[track_caller]
fn assert_color(picture: &[u8], width: usize, (x, y): (usize, usize), expected: [u8; 3]) {
    let found = &picture[(y * width + x) * 3..][..3];
    let near = found.iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) < 20);
    assert!(near, "expected {expected:?} at {x},{y} but found {found:?}");
}

#[test]
fn two_films_side_by_side_are_seen_and_heard_both() {
    let bench = Bench::new();
    film(&bench, "left.mp4", "red", "320x240", 440);
    film(&bench, "right.mp4", "blue", "240x240", 1500);
    let args = "record left.mp4 --overlay right.mp4 --layout grid --size 640x240 -o both.webm --json";
    let report = bench.json(args.split(' '));
    assert_eq!(report["frames_encoded"], 75, "{report:#}");
    let file = bench.path("both.webm");
    let picture = picture(&file);
    assert_eq!(picture.len(), 640 * 240 * 3);
    assert_color(&picture, 640, (160, 120), [254, 0, 0]);
    assert_color(&picture, 640, (480, 120), [0, 0, 254]);
    // The square film keeps its shape: black is beside it.
    assert_color(&picture, 640, (340, 120), [0, 0, 0]);
    let tones = [440.0, 1500.0, 3000.0].map(|hertz| amplitude(&file, hertz));
    assert!(tones[0] > 0.05 && tones[1] > 0.05 && tones[2] < 0.005, "{tones:?}");
}

#[test]
fn a_picture_over_another_lies_at_its_place_and_filters_apply_to_both() {
    let bench = Bench::new();
    film(&bench, "under.mp4", "lime", "320x240", 440);
    film(&bench, "over.mp4", "blue", "320x240", 440);
    for (place, inside, outside) in [
        ("@right-bottom,25%", (280, 200), (200, 120)),
        ("", (280, 200), (200, 120)),
        ("@10,20,100x50", (60, 40), (200, 120)),
        ("@center,50%", (160, 120), (20, 20)),
    ] {
        let overlay = format!("over.mp4{place}");
        bench.run(["record", "under.mp4", "--overlay", &overlay, "-o", "a.webm", "--force"]).succeeded();
        let plain = picture(&bench.path("a.webm"));
        assert_color(&plain, 320, inside, [0, 0, 254]);
        assert_color(&plain, 320, outside, [0, 254, 0]);
    }
    let args = "record under.mp4 --overlay over.mp4@center,50% --filter invert(1) -o b.webm --audio none";
    bench.run(args.split(' ')).succeeded();
    let inverted = picture(&bench.path("b.webm"));
    assert_color(&inverted, 320, (160, 120), [254, 254, 0]);
    assert_color(&inverted, 320, (20, 20), [254, 0, 254]);
}

#[test]
fn a_place_or_a_layout_that_cannot_be_is_refused_with_what_can_be() {
    let bench = Bench::new();
    film(&bench, "under.mp4", "lime", "320x240", 440);
    for (args, words) in [
        ("--overlay pattern@middle", ["expected a place such as right-bottom,25%", "but found \"middle\""]),
        ("--overlay mic", ["expected a source of pictures to lay over", "but found `mic`"]),
        ("--layout tiles", ["expected over or grid", "but found `tiles`"]),
    ] {
        let all = ["record", "under.mp4", "-o", "a.webm"].into_iter().chain(args.split(' '));
        bench.run(all).failed(2, &words);
    }
    bench.run(["record", "under.mp4", "--overlay", "gone.mp4", "-o", "a.webm"]).failed(1, &["gone.mp4"]);
    assert!(!bench.path("a.webm").exists());
}

#[test]
fn an_overlay_that_ends_first_stays_and_one_that_begins_anew_keeps_its_times() {
    let bench = Bench::new();
    film(&bench, "under.mp4", "lime", "320x240", 440);
    film(&bench, "over.mp4", "blue", "320x240", 1500);
    bench.run("record over.mp4 --duration 500ms -o short.webm".split(' ')).succeeded();
    bench.run("record under.mp4 --overlay short.webm@center,50% -o a.webm".split(' ')).succeeded();
    let file = bench.path("a.webm");
    assert_color(&picture(&file), 320, (160, 120), [0, 0, 254]);
    // Its sound has ended by then.
    assert!(amplitude(&file, 440.0) > 0.05 && amplitude(&file, 1500.0) < 0.005);
}
