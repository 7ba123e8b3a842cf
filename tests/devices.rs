//! Recordings of cameras and microphones: the program runs beside a private PipeWire, whose camera it sees as
//! /dev/video0 and whose microphone is the default input; its files are examined with ffprobe and ffmpeg.
#![cfg(target_os = "linux")]

#[path = "support/devices.rs"]
mod devices;
#[path = "support/program.rs"]
mod program;
#[path = "support/recorded.rs"]
mod recorded;
#[path = "support/tools.rs"]
mod tools;

use std::path::Path;
use std::process::Command;

use devices::{CameraSpec, MicSpec, PixelFormat, Session};
use program::{Bench, Ran, run};
use recorded::{flashes_and_clicks_apart, good_one, lumas, number, probed, purity, samples};
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

/// Five seconds of a camera with a tone, through a filter: how many frames were dropped and encoded, and how much of the
/// sound is the tone.
fn record_five_seconds(session: &Session, spec: &CameraSpec) -> (u64, u64, f64) {
    let bench = Bench::new();
    let _mic = session.microphone(&MicSpec::default());
    let _camera = session.camera(spec);
    let args = "record camera --audio mic --filter sepia(60%) --duration 5s -o me.webm --json";
    let report = framereel(session, &bench, args).json();
    let what = format!("{}x{} {:?}", spec.width, spec.height, spec.format);
    let count = |name: &str| number(&report[name]) as u64;
    assert_eq!(count("frames_in") + count("frames_repeated"), count("frames_encoded") + count("frames_dropped"));
    let file = bench.path("me.webm");
    let found = probed(&file);
    let [video, audio] = [&found["streams"][0], &found["streams"][1]];
    assert_eq!(number(&video["nb_read_frames"]) as u64, count("frames_encoded"), "{what}");
    assert_eq!((&video["width"], &video["height"]), (&Value::from(spec.width), &Value::from(spec.height)));
    assert_eq!((&audio["codec_name"], &audio["sample_rate"]), (&Value::from("opus"), &Value::from("48000")));
    let [video, audio] = ["v:0", "a:0"].map(|stream| end_of(&file, stream));
    assert!((video - audio).abs() < 0.040, "{what}: video {video} s, audio {audio} s");
    let sound = samples(&file);
    let tone = purity(&sound[48_000..4 * 48_000], 1000.0);
    // Past the end: the frame that shows that five seconds are over.
    let dropped = count("frames_dropped") - number(&report["dropped"]["ended"]) as u64;
    println!("{what}: {} frames, {dropped} dropped, video {video:.3} s, audio {audio:.3} s", count("frames_encoded"));
    (dropped, count("frames_encoded"), tone)
}

#[test]
fn a_camera_with_a_microphone_and_a_filter_is_recorded_whole_and_both_are_as_long() {
    let session = Session::start();
    for (width, height, format, dropped_at_most) in
        [(640, 480, PixelFormat::Yuyv, 0), (1280, 720, PixelFormat::Yuyv, 2), (1280, 720, PixelFormat::Mjpeg, 2)]
    {
        let spec = CameraSpec { width, height, format, ..CameraSpec::default() };
        let what = format!("{width}x{height} {format:?}: dropped, frames, and the tone's share of the sound");
        let is_good =
            |&(dropped, frames, tone): &(u64, u64, f64)| dropped <= dropped_at_most && frames >= 145 && tone > 0.99;
        good_one(&what, || record_five_seconds(&session, &spec), is_good);
    }
}

#[test]
fn a_flash_and_a_click_of_one_instant_stay_together_for_a_minute() {
    let session = Session::start();
    let bench = Bench::new();
    let _both = session.flash_and_click(&CameraSpec::default(), &MicSpec::default());
    framereel(&session, &bench, "record camera --audio mic --duration 64s -o sync.webm --json").succeeded();
    let file = bench.path("sync.webm");
    let apart = flashes_and_clicks_apart(&file);
    println!("sound is later by, in ms: {apart:.1?}");
    assert!(apart.len() >= 29, "{} flashes", apart.len());
    // A flash that falls between two pictures is seen with the later one: the median of five has no such chance in it.
    for (place, five) in [("the start", &apart[..5]), ("60 s", &apart[apart.len() - 5..])] {
        let mut five = five.to_vec();
        five.sort_by(f64::total_cmp);
        assert!(five[2].abs() < 20.0, "at {place}: {five:.1?} ms");
    }
}

#[test]
fn a_camera_that_is_unplugged_leaves_a_finished_file_and_a_sentence_that_says_when() {
    let session = Session::start();
    let bench = Bench::new();
    let camera = session.camera(&CameraSpec::default());
    let mut command = session.command(env!("CARGO_BIN_EXE_framereel"));
    command.args(["record", "camera", "-o", "cut.webm"]).current_dir(bench.folder());
    let child = program::start(&mut command);
    let file = bench.path("cut.webm");
    program::until("a recording of 300 kB", || file.metadata().is_ok_and(|found| found.len() > 300_000));
    camera.kill();
    let ran = program::ended(child);
    ran.failed(1, &["camera `testcam` went away after", "could not be read any more"]);
    let found = probed(&file);
    assert!(number(&found["streams"][0]["nb_read_frames"]) > 20.0, "{found:#}");
    assert!(number(&found["format"]["duration"]) > 0.8, "{found:#}");
}

#[test]
fn a_camera_that_comes_back_is_recorded_on_and_was_black_meanwhile() {
    let session = Session::start();
    let bench = Bench::new();
    let spec = CameraSpec { picture: devices::Picture::Color("#c0c0c0"), ..CameraSpec::default() };
    let camera = session.camera(&spec);
    let mut command = session.command(env!("CARGO_BIN_EXE_framereel"));
    command
        .args(["record", "camera", "--reconnect", "--frames", "120", "-o", "again.webm"])
        .current_dir(bench.folder());
    let child = program::start(&mut command);
    let file = bench.path("again.webm");
    program::until("a recording", || file.metadata().is_ok_and(|found| found.len() > 2_000));
    camera.kill();
    let _camera = session.camera(&spec);
    program::ended(child).succeeded();
    let luma = lumas(&file);
    let first_black = luma.iter().position(|&luma| luma < 30.0).expect("black while it is away");
    assert!(first_black > 0 && luma[0] > 150.0, "{luma:?}");
    assert!(luma[first_black..].iter().any(|&luma| luma > 150.0), "it came back: {luma:?}");
}

#[test]
fn without_a_camera_the_error_says_what_to_do() {
    let session = Session::start();
    let bench = Bench::new();
    let ran = framereel(&session, &bench, "record camera -o none.webm");
    ran.failed(1, &["expected a camera but found none; plug one in"]);
    assert!(!bench.path("none.webm").exists());
    framereel(&session, &bench, "record camera:C920 -o none.webm").failed(1, &["found none; plug one in"]);
    let _camera = session.camera(&CameraSpec::default());
    framereel(&session, &bench, "record camera:C920 -o none.webm")
        .failed(1, &["expected a camera named `C920` but found `testcam`"]);
    framereel(&session, &bench, "record camera:width=exact:10000 -o none.webm")
        .failed(2, &["expected a width of exactly 10000 but found 640"]);
    let listed = framereel(&session, &bench, "devices --json").json();
    assert_eq!(listed["cameras"][0]["label"], "testcam");
    assert_eq!(listed["cameras"][0]["modes"][0]["format"], "YUYV");
}

#[test]
fn microphones_of_any_rate_and_channels_are_recorded_alone_in_each_container() {
    let session = Session::start();
    for (rate, channels, name, codec) in
        [(44_100, 2, "voice.ogg", "opus"), (16_000, 1, "voice.webm", "opus"), (48_000, 8, "voice.wav", "pcm_s16le")]
    {
        let _mic = session.microphone(&MicSpec { rate, channels, ..MicSpec::default() });
        let record = || {
            let bench = Bench::new();
            let args = format!("record mic --duration 2s -o {name} --json");
            let report = framereel(&session, &bench, &args).json();
            assert!((number(&report["duration_s"]) - 2.0).abs() < 0.06, "{report:#}");
            let file = bench.path(name);
            let found = probed(&file);
            assert_eq!(found["streams"][0]["codec_name"], codec, "{name}");
            assert_eq!(found["streams"].as_array().map(Vec::len), Some(1), "{name}");
            assert!((number(&found["format"]["duration"]) - 2.0).abs() < 0.06, "{name}: {found:#}");
            purity(&samples(&file)[12_000..84_000], 1000.0)
        };
        let what = format!("the tone's share of the sound, {rate} Hz, {channels} channels");
        good_one(&what, record, |&tone| tone > 0.99);
    }
}

#[test]
fn a_screen_is_recorded_with_the_camera_over_its_corner() {
    let session = Session::start();
    let bench = Bench::new();
    let screen = devices::XServer::start(640, 480);
    screen.fill((0, 0), (640, 480), [0, 0, 255]);
    let picture = devices::Picture::Color("#ff0000");
    let _camera = session.camera(&CameraSpec { picture, ..CameraSpec::default() });
    let args =
        format!("record screen:{} --overlay camera@right-bottom,25% --duration 2s -o talk.webm", screen.display());
    framereel(&session, &bench, &args).succeeded();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-sseof", "-0.3", "-i"]).arg(bench.path("talk.webm"));
    command.args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]);
    let pixels = command.output().expect("ffmpeg").stdout;
    assert_eq!(pixels.len(), 640 * 480 * 3);
    let at = |x: usize, y: usize| &pixels[(y * 640 + x) * 3..][..3];
    let near = |found: &[u8], expected: [u8; 3]| found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 24);
    assert!(near(at(100, 100), [0, 0, 255]), "the screen: {:?}", at(100, 100));
    assert!(near(at(560, 410), [255, 0, 0]), "the camera: {:?}", at(560, 410));
    assert!(near(at(635, 475), [0, 0, 255]), "the margin: {:?}", at(635, 475));
    let found = probed(&bench.path("talk.webm"));
    assert!(number(&found["streams"][0]["nb_read_frames"]) > 45.0, "{found:#}");
}
