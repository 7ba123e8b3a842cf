//! Reads a file with ffprobe, ffmpeg and mkvinfo, which share no code with framereel.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;
use std::process::Command;

use super::program::run;
use super::tools;

/// The length of a block's head before its frame: the track's number, the time, the flags.
pub const BLOCK_HEAD: usize = 4;

/// A frame in a file, as ffprobe reports it.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    pub stream: usize,
    pub millis: i64,
    pub key: bool,
    /// The beginning and the end of its block's data.
    pub start: usize,
    pub end: usize,
}

/// All frames in the file's order; none where there is no ffprobe.
#[track_caller]
pub fn packets(path: &Path) -> Option<Vec<Packet>> {
    let entries = "packet=stream_index,pts,flags,size,pos";
    let text = tool("ffprobe", &["-v", "error", "-show_entries", entries, "-of", "csv=p=0"], path)?;
    let packet = |line: &str| {
        let fields: Vec<&str> = line.trim_end_matches(',').split(',').collect();
        let [stream, pts, size, pos, flags] = fields[..] else { panic!("{line}") };
        let number = |text: &str| text.parse::<i64>().unwrap_or_else(|_| panic!("{text} in {line}"));
        let start = number(pos) as usize;
        Packet {
            stream: number(stream) as usize,
            millis: number(pts),
            key: flags.starts_with('K'),
            start,
            end: start + BLOCK_HEAD + number(size) as usize,
        }
    };
    Some(text.lines().filter(|line| !line.is_empty()).map(packet).collect())
}

/// The program's output for this file; it must report no error. None where there is no such program.
#[track_caller]
pub fn tool(name: &str, args: &[&str], path: &Path) -> Option<String> {
    if !tools::has(name) {
        return None;
    }
    let mut command = Command::new(name);
    command.args(args).args((name == "ffmpeg").then_some("-i")).arg(path);
    if name == "ffmpeg" {
        command.args(["-map", "0", "-c", "copy", "-f", "framemd5", "-"]);
    }
    let ran = run(&mut command, &[]).succeeded();
    assert_eq!(ran.stderr, "", "{name} on {}", path.display());
    Some(ran.stdout)
}

/// Every packet's time, size and hash.
#[track_caller]
pub fn hashes(path: &Path) -> Option<Vec<String>> {
    let text = tool("ffmpeg", &["-v", "error"], path)?;
    Some(text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect())
}

/// Checks that every frame decodes without an error.
#[track_caller]
pub fn decodes(path: &Path) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-xerror", "-i"]).arg(path).args(["-map", "0", "-f", "null", "-"]);
    assert_eq!(run(&mut command, &[]).succeeded().stderr, "", "{}", path.display());
}

/// Times and positions of the Cues as mkvinfo reads them, in milliseconds and bytes of the file.
#[track_caller]
pub fn cues(path: &Path) -> Option<Vec<(i64, usize)>> {
    if !tools::has("mkvinfo") {
        return None;
    }
    let output = Command::new("mkvinfo").args(["--all", "--positions"]).arg(path).output().expect("mkvinfo");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("(MKVInfo)"), "{text}");
    let after = |line: &str, head: &str| Some(line.split_once(head)?.1.split(" at ").next()?.to_owned());
    let segment = text.lines().find(|line| line.starts_with("+ Segment")).expect("a segment");
    let segment: usize = segment.rsplit(' ').next().and_then(|at| at.parse().ok()).expect("a place");
    let times = text.lines().filter_map(|line| after(line, "Cue time: ")).map(|time| millis(&time));
    let positions = text.lines().filter_map(|line| after(line, "Cue cluster position: "));
    // The segment's ID and size take twelve bytes in our files.
    Some(times.zip(positions.map(|at| segment + 12 + at.parse::<usize>().expect("a position"))).collect())
}

/// `00:00:02.000000000`.
fn millis(time: &str) -> i64 {
    let parts: Vec<f64> = time.split(':').map(|part| part.parse().expect("a number")).collect();
    (parts.iter().fold(0.0, |sum, part| sum * 60.0 + part) * 1000.0).round() as i64
}
