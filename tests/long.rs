//! Two hours of recording: memory stays flat, and the file has its Cues and seeks. The recorder runs in a process of its
//! own, so that its memory is its own.

mod support {
    pub mod browser;
    pub mod program;
    pub mod tools;
}

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use framereel::clock::Clock;
use framereel::color::ColorSpace;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::mux::{Detail, inspect};
use framereel::recorder::{Event, FileSink, MediaRecorder, MediaRecorderOptions};
use framereel::stream::{MediaStream, TrackGenerator};
use framereel::time::{FrameRate, Span};
use serde_json::{Value, json};
use support::browser::judge;
use support::program::ffprobe;

const SIZE: Size = Size::new(64, 64);
const RATE: FrameRate = FrameRate::whole(5);
const FRAMES: u64 = 2 * 3600 * 5;
/// Twelve minutes.
const EARLY: u64 = FRAMES / 10;
const SECONDS: f64 = 7200.0;
const MIB: u64 = 1 << 20;

/// A picture that tells its index: sixteen stripes, black or white, are its bits.
fn counting(index: u64) -> Frame {
    let (width, height) = (SIZE.width as usize, SIZE.height as usize);
    let row = (0..width).map(|x| if index >> (x * 16 / width) & 1 == 1 { 235 } else { 16 });
    let mut data: Vec<u8> = row.cycle().take(width * height).collect();
    data.resize(Frame::packed_len(PixelFormat::I420, SIZE), 128);
    Frame::packed(PixelFormat::I420, SIZE, ColorSpace::RECORDED, data).with_timestamp(RATE.timestamp(index))
}

/// Records the two hours to this file, and prints its memory on the way, as JSON.
fn record(path: &Path) {
    let clock = Clock::stepped(RATE);
    let video = TrackGenerator::video(SIZE, &clock);
    let options = MediaRecorderOptions::default().with_video_bits_per_second(100_000);
    let recorder = MediaRecorder::new(&MediaStream::new([video.track()]), options).unwrap();
    let events = recorder.events();
    recorder.start_to(FileSink::create_new(path).unwrap()).unwrap();
    let ((early, _), (late, _)) = {
        let until = |end: u64, from: u64| {
            for index in from..end {
                video.write(counting(index)).unwrap();
                clock.step();
            }
            while recorder.progress().frames + 10 < end {
                if let Some(Event::Error(error)) = events.try_next() {
                    panic!("{error}");
                }
                thread::sleep(Duration::from_millis(1));
            }
            memory()
        };
        let early = until(EARLY, 0);
        (early, until(FRAMES, EARLY))
    };
    recorder.stop();
    while !events.is_over() {
        if let Some(Event::Error(error)) = events.next_within(Span::from_secs(60)) {
            panic!("{error}");
        }
    }
    let told = json!({ "early": early, "late": late, "peak": memory().1, "report": recorder.report() });
    println!("\n{told}");
}

/// `VmRSS` and `VmHWM` of proc(5), in bytes; 0 where there is no such file.
fn memory() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).map_or(0, |kib| kib * 1024)
    };
    (bytes("VmRSS:"), bytes("VmHWM:"))
}

#[test]
fn two_hours_take_no_more_memory_than_minutes_and_seek() {
    if let Some(path) = env::var_os("FRAMEREEL_LONG") {
        return record(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.webm");
    let began = Instant::now();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "two_hours_take_no_more_memory_than_minutes_and_seek", "--nocapture"])
        .env("FRAMEREEL_LONG", &path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let told = stdout.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{stdout}"));
    let told: Value = serde_json::from_str(told).unwrap();
    let [early, late, peak] = ["early", "late", "peak"].map(|name| told[name].as_u64().unwrap());
    let mib = |bytes: u64| bytes as f64 / MIB as f64;
    println!(
        "recorded in {:.1} s; {:.1} MiB at 12 min, {:.1} MiB at 2 h, {:.1} MiB at the most; {} bytes",
        began.elapsed().as_secs_f64(),
        mib(early),
        mib(late),
        mib(peak),
        fs::metadata(&path).unwrap().len()
    );
    if cfg!(target_os = "linux") {
        assert!(early > MIB, "{told}");
        assert!(late.abs_diff(early) <= 16 * MIB && peak.saturating_sub(early) <= 16 * MIB, "{told}");
    }
    let report = &told["report"];
    assert_eq!((&report["frames_encoded"], &report["frames_dropped"]), (&json!(FRAMES), &json!(0)), "{report}");
    assert_eq!(report["duration_s"], SECONDS, "{report}");

    let found = inspect(File::open(&path).unwrap(), Detail::Clusters).unwrap();
    assert_eq!(found.faults, [""; 0]);
    assert_eq!(found.declared_duration_s, Some(SECONDS));
    assert_eq!((found.tracks[0].blocks, found.tracks[0].first_s), (FRAMES, Some(0.0)));
    // One cue for each cluster, and none that points elsewhere than at a cluster that begins with a key frame.
    assert!(found.clusters.count >= 7200 / 30, "{} clusters", found.clusters.count);
    assert_eq!(
        (found.cues.count, found.cues.without_cluster, found.cues.without_key_frame),
        (found.clusters.count, 0, 0)
    );
    assert!(found.clusters.list.unwrap().iter().all(|cluster| cluster.key_frames == 1));

    if let Some(text) = ffprobe(&path) {
        for line in [format!("duration={SECONDS:.6}"), format!("nb_read_frames={FRAMES}")] {
            assert!(text.lines().any(|found| found == line), "{text}");
        }
    }
    // In the middle of a picture, so that no rounding decides.
    let times = [(3600 + 59 * 60) as f64 + 0.1, 1800.1, 7199.9, 0.1];
    let expected = times.map(|time| (time * 5.0) as u64);
    let points: Vec<_> = (0..16).map(|bit| [bit * 4 + 2, 32]).collect();
    let script = format!(
        "const video = await open('/long.webm');
         const seen = [];
         for (const time of {}) {{
           await seek(video, time);
           seen.push(pixels(video, {}).reduce((sum, [red], bit) => sum + (red > 127) * 2 ** bit, 0));
         }}
         return {{ seen, duration: video.duration }};",
        json!(times),
        json!(points)
    );
    let began = Instant::now();
    let Some(seen) = judge(&[("long.webm", &path)], &script) else { return };
    println!("Chromium, in {:.1} s: {seen}", began.elapsed().as_secs_f64());
    assert_eq!(seen["seen"], json!(expected));
    assert_eq!(seen["duration"], SECONDS);
}
