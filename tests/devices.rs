//! Recordings of cameras and microphones: the program beside a private PipeWire, whose camera it sees as /dev/video0 and
//! whose microphone is the default input; what it wrote is judged by ffprobe and ffmpeg.
#![cfg(target_os = "linux")]

#[path = "support/devices.rs"]
mod devices;
#[path = "support/program.rs"]
mod program;

use std::path::Path;
use std::process::Command;

use devices::{CameraSpec, MicSpec, PixelFormat, Session};
use program::{Bench, Ran, run};
use serde_json::Value;

/// Runs the program in `bench` with what the session has plugged in.
fn framereel(session: &Session, bench: &Bench, args: &str) -> Ran {
    let mut command = session.command(env!("CARGO_BIN_EXE_framereel"));
    run(command.args(args.split_whitespace()).current_dir(bench.folder()), &[])
}

/// What ffprobe finds in a file: its streams, with every frame counted, and its format.
fn probed(path: &Path) -> Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json"]).arg(path);
    let ran = run(&mut command, &[]).succeeded();
    assert_eq!(ran.stderr, "", "ffprobe on {}", path.display());
    serde_json::from_str(&ran.stdout).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("a number: {value}"))
}

/// The end of a stream of the file, by its packets: the last one's time and duration, in seconds.
fn end_of(path: &Path, stream: &str) -> f64 {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", stream, "-show_entries", "packet=pts_time,duration_time"]);
    let ran = run(command.args(["-of", "csv=p=0"]).arg(path), &[]).succeeded();
    let ends = ran.stdout.lines().filter_map(|line| {
        let (pts, rest) = line.split_once(',')?;
        Some(pts.parse::<f64>().ok()? + rest.trim_end_matches(',').parse::<f64>().unwrap_or(0.0))
    });
    ends.fold(0.0, f64::max)
}

/// The sound of a file as ffmpeg decodes it: mono, 48 kHz.
fn samples(path: &Path) -> Vec<f32> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-i"]).arg(path).args(["-map", "0:a:0", "-ac", "1", "-ar", "48000"]);
    let output = command.args(["-f", "f32le", "-"]).output().expect("ffmpeg");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes"))).collect()
}

/// How much of the sound's power is at this frequency, from 0 to 1.
fn purity(samples: &[f32], hertz: f64) -> f64 {
    let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
    for (index, &sample) in samples.iter().enumerate() {
        let phase = std::f64::consts::TAU * hertz * index as f64 / 48_000.0;
        re += f64::from(sample) * phase.cos();
        im += f64::from(sample) * phase.sin();
        power += f64::from(sample) * f64::from(sample);
    }
    2.0 * (re * re + im * im) / (power * samples.len() as f64)
}

#[test]
fn a_camera_with_a_microphone_and_a_filter_is_recorded_whole_and_both_are_as_long() {
    let session = Session::start();
    for (width, height, format, dropped_at_most) in
        [(640, 480, PixelFormat::Yuyv, 0), (1280, 720, PixelFormat::Yuyv, 2), (1280, 720, PixelFormat::Mjpeg, 2)]
    {
        let bench = Bench::new();
        let _mic = session.microphone(&MicSpec::default());
        let _camera = session.camera(&CameraSpec { width, height, format, ..CameraSpec::default() });
        let ran = framereel(
            &session,
            &bench,
            "record camera --audio mic --filter sepia(60%) --duration 5s -o me.webm --json",
        );
        let report = ran.json();
        let dropped = number(&report["frames_dropped"]) as u64;
        assert!(dropped <= dropped_at_most, "{width}x{height} {format:?}: {report:#}");
        let file = bench.path("me.webm");
        let found = probed(&file);
        let [video, audio] = [&found["streams"][0], &found["streams"][1]];
        let frames = number(&video["nb_read_frames"]);
        assert!(frames >= 145.0, "{width}x{height} {format:?}: {frames} frames of 150; {report:#}");
        assert_eq!((&video["width"], &video["height"]), (&Value::from(width), &Value::from(height)));
        assert_eq!(audio["codec_name"], "opus");
        assert_eq!(audio["sample_rate"], "48000");
        let [video, audio] = ["v:0", "a:0"].map(|stream| end_of(&file, stream));
        assert!((video - audio).abs() < 0.040, "{width}x{height} {format:?}: video {video} s, audio {audio} s");
        let sound = samples(&file);
        let tone = purity(&sound[48_000..4 * 48_000], 1000.0);
        assert!(tone > 0.99, "{width}x{height} {format:?}: {tone} of the sound is the tone");
    }
}
