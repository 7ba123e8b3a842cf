//! Recordings of cameras and microphones: the program beside a private PipeWire, whose camera it sees as /dev/video0 and
//! whose microphone is the default input; what it wrote is judged by ffprobe and ffmpeg.
#![cfg(target_os = "linux")]

#[path = "support/devices.rs"]
mod devices;
#[path = "support/program.rs"]
mod program;
#[path = "support/recorded.rs"]
mod recorded;

use std::path::Path;
use std::process::Command;

use devices::{CameraSpec, MicSpec, PixelFormat, Session};
use program::{Bench, Ran, run};
use recorded::{number, probed, purity, samples};
use serde_json::Value;

/// Runs the program in `bench` with what the session has plugged in.
fn framereel(session: &Session, bench: &Bench, args: &str) -> Ran {
    let mut command = session.command(env!("CARGO_BIN_EXE_framereel"));
    run(command.args(args.split_whitespace()).current_dir(bench.folder()), &[])
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
