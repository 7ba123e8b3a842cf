//! A recording's memory does not grow with its length. Linux only: a process's peak memory is in /proc.
#![cfg(target_os = "linux")]

#[path = "support/program.rs"]
mod program;
#[path = "support/tools.rs"]
mod tools;

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use program::Bench;

const MIB: u64 = 1024 * 1024;
/// How long one recording may take.
const LIMIT: Duration = Duration::from_secs(600);

#[test]
fn ten_times_the_frames_take_no_more_memory() {
    let [short, long] = [500, 5_000].map(peak);
    println!("peak of 500 frames: {:.1} MiB", short as f64 / MIB as f64);
    println!("peak of 5,000 frames: {:.1} MiB", long as f64 / MIB as f64);
    assert!(short > MIB, "expected a program's memory but found {short} bytes");
    assert!(long.abs_diff(short) <= 16 * MIB, "500 frames took {short} bytes, 5,000 took {long}");
}

/// The most memory, in bytes, that recording so many frames of the pattern held at one time.
fn peak(frames: u64) -> u64 {
    let bench = Bench::new();
    let duration = format!("{}ms", frames * 1000 / 30);
    let args = ["record", "pattern", "--size", "640x360", "--fps", "30", "--duration", &duration, "--json"];
    let mut command = bench.command(args);
    command.args(["-o", "a.webm"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program");
    let began = Instant::now();
    let mut peak = 0;
    while child.try_wait().expect("a child to wait for").is_none() {
        // The kernel keeps the peak; there is none any more once the program has ended.
        peak = high_water_mark(child.id()).unwrap_or(0).max(peak);
        if began.elapsed() > LIMIT {
            child.kill().expect("an end to the child");
            panic!("{frames} frames are still being recorded after {LIMIT:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().expect("what it printed");
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(report["frames_encoded"], frames, "{report}");
    peak
}

/// `VmHWM` of proc(5), in bytes.
fn high_water_mark(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
