//! Reads a recording with ffprobe and ffmpeg.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fmt::Debug;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::run;

/// How often a recording in real time may be repeated until it is good.
const TRIES: usize = 4;

/// Records in real time until the measured result is good, and returns it. On a shared machine one recording may be
/// late and lose frames or sound; not every one. `attempt` asserts what must hold for every recording.
#[track_caller]
pub fn good_one<T: Debug>(what: &str, mut attempt: impl FnMut() -> T, is_good: impl Fn(&T) -> bool) -> T {
    let mut measured = Vec::new();
    for _ in 0..TRIES {
        let found = attempt();
        if is_good(&found) {
            return found;
        }
        measured.push(found);
    }
    panic!("{what}: {measured:?}");
}

/// ffprobe's result for a file: its streams, with every frame counted, and its format.
pub fn probed(path: &Path) -> Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json"]).arg(path);
    let ran = run(&mut command, &[]).succeeded();
    assert_eq!(ran.stderr, "", "ffprobe on {}", path.display());
    serde_json::from_str(&ran.stdout).expect("JSON")
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("a number: {value}"))
}

/// The sound of a file as ffmpeg decodes it: mono, 48 kHz.
pub fn samples(path: &Path) -> Vec<f32> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-i"]).arg(path).args(["-map", "0:a:0", "-ac", "1", "-ar", "48000"]);
    let output = command.args(["-f", "f32le", "-"]).output().expect("ffmpeg");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes"))).collect()
}

/// The fraction of the sound's power at this frequency, within some Hz, from 0 to 1: the mean over parts of a tenth of
/// a second.
pub fn purity(samples: &[f32], hertz: f64) -> f64 {
    let pieces = samples.chunks_exact(4800).map(|piece| purity_of(piece, hertz));
    let (sum, count) = pieces.fold((0.0, 0.0), |(sum, count), purity| (sum + purity, count + 1.0));
    sum / count
}

fn purity_of(samples: &[f32], hertz: f64) -> f64 {
    let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
    for (index, &sample) in samples.iter().enumerate() {
        let phase = std::f64::consts::TAU * hertz * index as f64 / 48_000.0;
        re += f64::from(sample) * phase.cos();
        im += f64::from(sample) * phase.sin();
        power += f64::from(sample) * f64::from(sample);
    }
    2.0 * (re * re + im * im) / (power * samples.len() as f64).max(f64::MIN_POSITIVE)
}

/// The same for each 50 ms; the least of them: a click or a gap lowers it. The length of a second does not matter.
pub fn least_purity(samples: &[f32], hertz: f64) -> f64 {
    samples.chunks_exact(2400).map(|part| purity(part, hertz)).fold(1.0, f64::min)
}

/// The power of the sound in decibels; 0 is a square wave of full scale.
pub fn level(samples: &[f32]) -> f64 {
    let power: f64 = samples.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum();
    10.0 * (power / samples.len() as f64).log10()
}

/// Each frame as ffmpeg decodes it, scaled to this size: the red, green and blue of each pixel.
pub fn rgb_frames(path: &Path, (width, height): (usize, usize)) -> Vec<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-i"]).arg(path).args(["-fps_mode", "passthrough"]);
    command.args(["-vf", &format!("scale={width}:{height}:flags=area"), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]);
    let output = command.output().expect("ffmpeg");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks_exact(width * height * 3).map(<[u8]>::to_vec).collect()
}

/// The mean luma of each frame, from 0 to 255: black is 16.
pub fn lumas(path: &Path) -> Vec<f64> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-i"]).arg(path).args(["-map", "0:v:0", "-vf"]);
    command.args(["signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-", "-f", "null", "-"]);
    let ran = run(&mut command, &[]).succeeded();
    let mean = |line: &str| line.strip_prefix("lavfi.signalstats.YAVG=").map(|mean| mean.parse().expect("a number"));
    ran.stdout.lines().filter_map(mean).collect()
}

/// Frames a second, from the first to the last.
pub fn frame_rate(path: &Path) -> f64 {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0"]);
    let ran = run(command.arg(path), &[]).succeeded();
    let times: Vec<f64> = ran.stdout.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
    let (first, last) = (times.first().expect("a frame"), times.last().expect("a frame"));
    (times.len() - 1) as f64 / (last - first)
}

/// How much later the sound is than the picture at each flash, in milliseconds.
pub fn flashes_and_clicks_apart(path: &Path) -> Vec<f64> {
    let clicks = clicks(&samples(path));
    let apart = |flash: f64| {
        let nearest = clicks.iter().min_by(|a, b| (*a - flash).abs().total_cmp(&(*b - flash).abs()));
        1000.0 * (nearest.expect("a click") - flash)
    };
    flashes(path).into_iter().map(apart).collect()
}

/// The times at which the picture turns white, in seconds.
fn flashes(path: &Path) -> Vec<f64> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-f", "lavfi", "-show_entries", "frame=pts_time:frame_tags=lavfi.signalstats.YAVG"]);
    command.args(["-of", "csv=p=0", "-i", &format!("movie={},signalstats", path.display())]);
    let ran = run(&mut command, &[]).succeeded();
    let frames = ran.stdout.lines().filter_map(|line| {
        let (time, luma) = line.split_once(',')?;
        Some((time.parse::<f64>().ok()?, luma.trim_end_matches(',').parse::<f64>().ok()?))
    });
    let frames: Vec<(f64, f64)> = frames.collect();
    let pairs = frames.windows(2).filter(|pair| pair[0].1 < 100.0 && pair[1].1 >= 100.0);
    pairs.map(|pair| pair[1].0).collect()
}

/// The times at which a click begins, in seconds.
fn clicks(samples: &[f32]) -> Vec<f64> {
    let mut clicks: Vec<f64> = Vec::new();
    for (index, sample) in samples.iter().enumerate() {
        let time = index as f64 / 48_000.0;
        if sample.abs() > 0.2 && clicks.last().is_none_or(|last| time - last > 0.5) {
            clicks.push(time);
        }
    }
    clicks
}
