//! The programs that tests examine files with. This is the one place that decides what a test does where one is
//! missing; the unit tests of the library include it too.
#![allow(dead_code, reason = "each test file uses its part")]

use std::env;
use std::path::PathBuf;

/// Where this environment variable is set and not empty, as `make test` sets it, a missing tool is a failure; otherwise
/// the test prints that it is skipped.
const REQUIRED: &str = "FRAMEREEL_REQUIRE_TOOLS";

/// Each tool and the Debian package that has it.
const PACKAGES: [(&str, &str); 11] = [
    ("bash", "bash"),
    ("chromium", "chromium"),
    ("ffmpeg", "ffmpeg"),
    ("ffplay", "ffmpeg"),
    ("ffprobe", "ffmpeg"),
    ("jq", "jq"),
    ("make", "make"),
    ("mkvinfo", "mkvtoolnix"),
    ("openbox", "openbox"),
    ("script", "bsdutils"),
    ("xdotool", "xdotool"),
];

/// Whether this program is on the `PATH`. If not, [`missing`] decides.
#[track_caller]
pub fn has(program: &str) -> bool {
    let found = |folder: PathBuf| folder.join(format!("{program}{}", env::consts::EXE_SUFFIX)).is_file();
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(found) || missing(program, program)
}

/// Reports that a test lacks `what`, which is `program` or a part of it. Always false, after a message on standard
/// error; the test returns then.
///
/// # Panics
/// Where tools are required.
#[track_caller]
pub fn missing(what: &str, program: &str) -> bool {
    let package = PACKAGES.iter().find(|(tool, _)| *tool == program);
    let (_, package) = package.unwrap_or_else(|| panic!("{program} has no entry in PACKAGES"));
    let remedy = format!("no {what} here (Debian: apt install {package})");
    assert!(env::var_os(REQUIRED).is_none_or(|value| value.is_empty()), "{REQUIRED} is set, but there is {remedy}");
    eprintln!("skipped: {remedy}");
    false
}
