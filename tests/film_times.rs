//! Films of a variable rate through the program: every frame keeps its time, unless a constant rate is requested.

mod support {
    pub mod packets;
    pub mod program;
    pub mod tools;
}

use std::path::Path;
use std::process::Command;

use serde_json::json;
use support::packets::packets;
use support::program::Bench;
use support::tools;

const MILLIS: [i64; 6] = [0, 100, 150, 500, 1700, 1750];

/// Six frames at these times; false where there is no ffmpeg.
fn made(path: &Path) -> bool {
    let source = "testsrc2=s=64x48:r=20:d=2,select='eq(n,0)+eq(n,2)+eq(n,3)+eq(n,10)+eq(n,34)+eq(n,35)'";
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", source]);
    command.args(["-fps_mode", "passthrough", "-c:v", "libx264", "-pix_fmt", "yuv420p"]);
    if !tools::has("ffmpeg") {
        return false;
    }
    let status = command.arg(path).status().expect("ffmpeg");
    assert!(status.success(), "{command:?}");
    true
}

fn millis(path: &Path) -> Vec<i64> {
    packets(path).expect("ffprobe comes with ffmpeg").iter().map(|packet| packet.millis).collect()
}

#[test]
fn a_film_of_a_variable_rate_is_recorded_with_its_own_times() {
    let bench = Bench::new();
    if !made(&bench.path("film.mkv")) {
        return;
    }
    let report = bench.json(["record", "film.mkv", "--json"]);
    assert_eq!((&report["frames_in"], &report["frames_encoded"]), (&json!(6), &json!(6)), "{report}");
    assert_eq!((&report["frames_dropped"], &report["frames_repeated"]), (&json!(0), &json!(0)), "{report}");
    assert_eq!(millis(&bench.path("film.webm")), MILLIS);
    assert!((report["duration_s"].as_f64().unwrap_or(0.0) - 1.8).abs() < 0.002, "{report}");
}

#[test]
fn with_a_rate_it_is_resampled_and_the_report_says_how_often() {
    let bench = Bench::new();
    if !made(&bench.path("film.mkv")) {
        return;
    }
    let report = bench.json(["record", "film.mkv", "--fps", "30", "--json"]);
    // 1.8 s at 30 a second.
    assert_eq!((&report["frames_in"], &report["frames_encoded"]), (&json!(6), &json!(54)), "{report}");
    let repeated = report["frames_repeated"].as_u64().unwrap_or(0);
    let dropped = report["frames_dropped"].as_u64().unwrap_or(99);
    assert_eq!(6 + repeated, 54 + dropped, "{report}");
    let found = millis(&bench.path("film.webm"));
    assert!(
        found.iter().enumerate().all(|(index, millis)| (index as i64 * 1000 - millis * 30).abs() <= 15),
        "{found:?}"
    );
}
