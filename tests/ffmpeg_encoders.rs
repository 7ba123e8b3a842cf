//! Recordings by encoders of the `ffmpeg` program, through our own program: what comes out, and what is said when ffmpeg
//! is not there, lacks an encoder, or fails.
#![cfg(unix)]

mod support {
    pub mod packets;
    pub mod program;
    pub mod tools;
}

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use support::packets::packets;
use support::program::{Bench, Ran, ended, run, start, until};
use support::tools;

/// A folder with nothing but this program, a script for `sh`.
fn folder_with(bench: &Bench, program: &str, script: &str) -> PathBuf {
    let folder = bench.path("bin");
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(program);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable script");
    folder
}

/// The place of the real program.
fn real(program: &str) -> PathBuf {
    let folders = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    folders.into_iter().map(|folder| folder.join(program)).find(|path| path.is_file()).expect("the program")
}

/// Runs the program with this folder before those of the `PATH`, or in their place.
fn run_with(bench: &Bench, folder: &Path, alone: bool, args: &[&str]) -> Ran {
    let others = env::var_os("PATH").filter(|_| !alone).unwrap_or_default();
    let path = env::join_paths([folder.to_owned()].into_iter().chain(env::split_paths(&others))).expect("a path");
    run(bench.command(args).env("PATH", path), &[])
}

/// How many frames ffmpeg decodes of a file, without a complaint.
fn decoded_frames(file: &Path) -> usize {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(file);
    command.args(["-f", "framecrc", "-fps_mode", "passthrough", "-"]);
    let output = command.output().expect("ffmpeg");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.starts_with('#')).count()
}

#[test]
fn a_film_of_a_variable_rate_keeps_its_times_through_ffmpegs_encoders() {
    if !tools::has("ffmpeg") {
        return;
    }
    let bench = Bench::new();
    let source = "testsrc2=s=64x64:r=20:d=2,select='eq(n,0)+eq(n,2)+eq(n,3)+eq(n,10)+eq(n,34)+eq(n,35)'";
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", source]);
    command.args(["-fps_mode", "passthrough", "-c:v", "libx264", "-pix_fmt", "yuv420p"]).arg(bench.path("film.mkv"));
    assert!(command.status().expect("ffmpeg").success());
    for encoder in ["ffmpeg:libsvtav1", "ffmpeg:libvpx-vp9", "ffmpeg:libvpx"] {
        let report = bench.json(["record", "film.mkv", "--encoder", encoder, "--force", "--json"]);
        assert_eq!((&report["frames_in"], &report["frames_encoded"]), (&json!(6), &json!(6)), "{report}");
        assert_eq!(report["encoder"], encoder);
        let packets = packets(&bench.path("film.webm")).expect("ffprobe comes with ffmpeg");
        let millis: Vec<_> = packets.iter().map(|packet| packet.millis).collect();
        assert_eq!(millis, [0, 100, 150, 500, 1700, 1750], "{encoder}");
        assert_eq!(decoded_frames(&bench.path("film.webm")), 6, "{encoder}");
    }
}

#[test]
fn without_the_ffmpeg_program_the_error_says_how_to_get_it_and_nothing_is_kept() {
    let bench = Bench::new();
    let empty = bench.path("empty");
    fs::create_dir(&empty).expect("a folder");
    let record = ["record", "pattern", "--size", "64x64", "--frames", "3", "-o", "a.webm"];
    let ran = run_with(&bench, &empty, true, &[&record[..], &["--encoder", "ffmpeg:libvpx-vp9"]].concat());
    ran.failed(1, &["expected the ffmpeg program to encode with libvpx-vp9 but found none; install it"]);
    assert!(!bench.path("a.webm").exists());
    // A codec that is asked for needs no ffmpeg where an encoder is built in.
    let report = run_with(&bench, &empty, true, &[&record[..], &["--codec", "av1", "--json"]].concat()).json();
    assert_eq!(report["frames_encoded"], 3, "{report}");
    let ran = run_with(&bench, &empty, true, &["codecs"]).succeeded();
    assert!(!ran.stdout.contains("ffmpeg:lib") && ran.stdout.contains("rav1e"), "{ran:?}");
}

#[test]
fn an_encoder_that_ffmpeg_lacks_is_named_with_ffmpegs_words() {
    if !tools::has("ffmpeg") {
        return;
    }
    let bench = Bench::new();
    let record = ["record", "pattern", "--size", "64x64", "--frames", "3", "-o", "a.webm", "--encoder"];
    bench.run([&record[..], &["ffmpeg:novp9"]].concat()).failed(1, &["with novp9", "Unknown encoder 'novp9'"]);
    bench.run([&record[..], &["ffmpeg:libx264"]].concat()).failed(
        1,
        &["expected an encoder of av1, vp9 or vp8 for a file of WebM but found ffmpeg:libx264, which encodes h264"],
    );
    bench.run([&record[..], &["x264"]].concat()).failed(2, &["one of ffmpeg's, as ffmpeg:libx264, but found `x264`"]);
}

#[test]
fn the_default_encoder_starts_without_a_look_at_ffmpeg() {
    let bench = Bench::new();
    let folder = folder_with(&bench, "ffmpeg", "echo \"$@\" >> \"$0.started\"; exit 1");
    let record = ["record", "pattern", "--size", "64x64", "--frames", "3", "-o", "a.webm", "--force", "--json"];
    let report = run_with(&bench, &folder, false, &record).json();
    assert_eq!(report["frames_encoded"], 3, "{report}");
    assert!(!folder.join("ffmpeg.started").exists(), "ffmpeg was started");
    // With a codec it is asked for its encoders, which it does not say here.
    run_with(&bench, &folder, false, &[&record[..], &["--codec", "av1"]].concat()).json();
    assert!(folder.join("ffmpeg.started").exists(), "ffmpeg was not started");
}

/// A program that says it has one hardware encoder. It passes its trial and encodes what a header needs; in the third
/// run, its device is lost after so many bytes of its input.
fn hardware(bytes: u32) -> String {
    let ffmpeg = real("ffmpeg").display().to_string();
    let encode = format!(
        "{ffmpeg} -nostdin -v quiet -f matroska -i pipe:0 -fps_mode passthrough -enc_time_base 1:1000000 \
         -force_key_frames 'expr:mod(round(t*1000000),2)' -c:v libvpx-vp9 -deadline realtime -cpu-used 8 \
         -lag-in-frames 0 -g 9999 -f ivf -flush_packets 1 pipe:1"
    );
    format!(
        "case \"$*\" in *-encoders*) echo ' V..... vp9_qsv  VP9'; echo ' V..... libvpx-vp9  VP9'; exit 0;; esac\n\
         case \"$*\" in *vp9_qsv*) ;; *) exec {ffmpeg} \"$@\";; esac\n\
         echo run >> \"$0.runs\"\n\
         if [ $(wc -l < \"$0.runs\") -lt 3 ]; then exec {encode}; fi\n\
         head -c {bytes} | {encode}\n\
         echo 'the device was lost' >&2\n\
         exit 1"
    )
}

#[test]
fn hardware_that_passes_its_trial_and_fails_later_says_so_and_names_the_software() {
    if !tools::has("ffmpeg") {
        return;
    }
    let bench = Bench::new();
    // A frame of 320x180 has 86 400 bytes.
    let folder = folder_with(&bench, "ffmpeg", &hardware(1_000_000));
    let record = ["record", "pattern", "--size", "320x180", "--frames", "60", "-o", "a.webm", "--codec", "vp9"];
    let ran = run_with(&bench, &folder, false, &record);
    ran.failed(1, &["with vp9_qsv", "the device was lost", "vp9_qsv had passed its trial: choose "]);
    // What it had encoded is there.
    let kept = decoded_frames(&bench.path("a.webm"));
    assert!((5..=11).contains(&kept), "{kept} frames of 1 000 000 bytes of input");
}

#[test]
fn hardware_that_works_is_used_when_a_codec_is_asked_for() {
    if !tools::has("ffmpeg") {
        return;
    }
    let bench = Bench::new();
    let script = hardware(0).replace("-lt 3", "-lt 30");
    let folder = folder_with(&bench, "ffmpeg", &script);
    let record = ["record", "pattern", "--size", "64x64", "--frames", "5", "-o", "a.webm", "--codec", "vp9", "--json"];
    let report = run_with(&bench, &folder, false, &record).json();
    assert_eq!((&report["encoder"], &report["frames_encoded"]), (&json!("ffmpeg:vp9_qsv"), &json!(5)), "{report}");
    assert_eq!(decoded_frames(&bench.path("a.webm")), 5);
    // One trial, one header, one recording.
    let runs = fs::read_to_string(folder.join("ffmpeg.runs")).expect("the script's list");
    assert_eq!(runs.lines().count(), 3);
}

#[test]
fn hardware_that_is_not_there_fails_its_trial_and_software_is_used() {
    if !tools::has("ffmpeg") {
        return;
    }
    let bench = Bench::new();
    // Neither does this one end by itself: its trial is ended.
    let script = format!(
        "case \"$*\" in *-encoders*) echo ' V..... vp8_qsv  x'; echo ' V..... h264_nvenc  x'; echo ' V..... vp9_qsv x'; \
         echo ' V..... vp9_vaapi x'; echo ' V..... libvpx-vp9  x'; exit 0;; esac\n\
         case \"$*\" in *vp9_qsv*) echo run >> \"$0.runs\"; exec sleep 100;; esac\nexec {} \"$@\"",
        real("ffmpeg").display()
    );
    let folder = folder_with(&bench, "ffmpeg", &script);
    let record = ["record", "pattern", "--size", "64x64", "--frames", "5", "-o", "a.webm", "--codec", "vp9", "--json"];
    let report = run_with(&bench, &folder, false, &record).json();
    assert_ne!(report["encoder"], json!("ffmpeg:vp9_qsv"), "{report}");
    assert_eq!(report["frames_encoded"], 5, "{report}");
    let runs = fs::read_to_string(folder.join("ffmpeg.runs")).expect("the script's list");
    assert_eq!(runs.lines().count(), 1);
}

#[test]
fn a_killed_ffmpeg_ends_the_recording_and_its_frames_are_kept() {
    if !tools::has("ffmpeg") {
        return;
    }
    let bench = Bench::new();
    let script = format!("echo $$ >> \"$0.ids\"; exec {} \"$@\"", real("ffmpeg").display());
    let folder = folder_with(&bench, "ffmpeg", &script);
    let others = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([folder.clone()].into_iter().chain(env::split_paths(&others))).expect("a path");
    let record = ["record", "pattern", "--size", "320x180", "--fps", "30", "--realtime", "--duration", "1m"];
    let more = ["-o", "a.webm", "--encoder", "ffmpeg:libvpx-vp9"];
    let recording = start(bench.command([&record[..], &more].concat()).env("PATH", path));
    until("some frames of the file", || fs::metadata(bench.path("a.webm")).is_ok_and(|file| file.len() > 10_000));
    let ids = fs::read_to_string(folder.join("ffmpeg.ids")).expect("the script's list");
    let id = ids.lines().last().expect("a process");
    assert!(Command::new("kill").args(["-9", id]).status().expect("kill").success());
    let ran = ended(recording);
    ran.failed(1, &["expected ffmpeg to encode with libvpx-vp9 to the end but it stopped after", "signal: 9"]);
    let kept = decoded_frames(&bench.path("a.webm"));
    assert!(kept > 5, "{kept} frames");
}
