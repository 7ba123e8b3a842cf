//! Runs the program as its users do: the real binary, in a folder of its own, with a time limit.
#![allow(dead_code, reason = "each test file uses its part")]

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::tools;

/// How long one run may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A folder in which the program runs, removed when this value is dropped.
pub struct Bench {
    folder: TempDir,
}

/// The result of a run of the program.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Bench {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of this file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("a written file");
        path
    }

    /// The names in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("the folder's list");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The program with these arguments, ready to start in the folder.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_framereel"));
        // Mesa's drivers look for a window system and complain on standard error where this is not set.
        command.args(args).current_dir(self.folder()).env_remove("XDG_RUNTIME_DIR");
        command
    }

    /// Runs the program with these arguments; standard input is empty.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        run(&mut self.command(args), &[])
    }

    /// Runs the program, expects it to succeed, and returns the JSON object that it printed.
    pub fn json<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Value {
        self.run(args).json()
    }
}

impl Ran {
    /// # Panics
    /// When the run did not succeed.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// The one JSON object that a successful run printed.
    #[track_caller]
    pub fn json(self) -> Value {
        let ran = self.succeeded();
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }

    /// Checks that the run failed with a proper error: this exit code, `error: ` and every one of `words` on standard
    /// error, and no panic.
    #[track_caller]
    pub fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.lines().any(|line| line.starts_with("error: ")), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "expected `{word}` in {self:?}");
        }
        for word in ["panicked", "RUST_BACKTRACE", "unwrap()"] {
            assert!(!self.stderr.contains(word), "found `{word}` in {self:?}");
        }
    }
}

/// Runs `command` with `input` on standard input.
pub fn run(command: &mut Command, input: &[u8]) -> Ran {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    thread::scope(|scope| {
        // The program may end before it has read everything.
        scope.spawn(move || drop(stdin.write_all(input)));
        ended(child)
    })
}

/// Starts `command` with its output in pipes, for [`ended`].
pub fn start(command: &mut Command) -> Child {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    child.unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Waits until `happened` is true.
///
/// # Panics
/// When that takes too long.
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < LIMIT, "{what} has not come after {LIMIT:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The output of a program with its output in pipes, and its exit status.
///
/// # Panics
/// When it did not end in time.
pub fn ended(mut child: Child) -> Ran {
    let (mut out, mut err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
    thread::scope(|scope| {
        let stdout = scope.spawn(move || text(&mut out));
        let stderr = scope.spawn(move || text(&mut err));
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child to wait for") {
                break Some(status);
            }
            if began.elapsed() > LIMIT {
                child.kill().expect("an end to the child");
                child.wait().expect("a child to wait for");
                break None;
            }
            thread::sleep(Duration::from_millis(5));
        };
        let (stdout, stderr) = (stdout.join().expect("a reader"), stderr.join().expect("a reader"));
        let code = status.unwrap_or_else(|| panic!("still running after {LIMIT:?}: {stdout}\n{stderr}")).code();
        Ran { code, stdout, stderr }
    })
}

fn text(pipe: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).expect("a readable pipe");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// ffprobe's description of the first video stream and of the file, after decoding every frame, as `name=value` lines.
/// None where there is no ffprobe.
#[track_caller]
pub fn ffprobe(path: &Path) -> Option<String> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_frames", "-select_streams", "v:0", "-of", "default=noprint_wrappers=1"]);
    command.args(["-show_entries", "stream=codec_name,width,height,nb_read_frames,color_space,color_range:"]);
    command.args(["-show_entries", "format=duration"]).arg(path);
    if !tools::has("ffprobe") {
        return None;
    }
    let ran = run(&mut command, &[]).succeeded();
    assert_eq!(ran.stderr, "", "ffprobe on {}", path.display());
    Some(ran.stdout)
}

/// A YUV4MPEG2 film (4:2:0) whose luma is `luma(frame, x, y)`, without chroma.
pub fn y4m(width: usize, height: usize, rate: u32, frames: usize, luma: impl Fn(usize, usize, usize) -> u8) -> Vec<u8> {
    let mut film = format!("YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420mpeg2\n").into_bytes();
    for frame in 0..frames {
        film.extend_from_slice(b"FRAME\n");
        film.extend((0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| luma(frame, x, y)));
        film.extend(std::iter::repeat_n(128, width.div_ceil(2) * height.div_ceil(2) * 2));
    }
    film
}

/// A still YUV4MPEG2 film (4:2:0, 25 fps) with `tag` in its header, whose samples are `code(plane, x, plane's width)`.
pub fn y4m_of(width: u32, height: u32, tag: &str, frames: usize, code: impl Fn(usize, usize, usize) -> u8) -> Vec<u8> {
    let mut film = format!("YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420mpeg2{tag}\n").into_bytes();
    let (width, height) = (width as usize, height as usize);
    let mut picture = b"FRAME\n".to_vec();
    for (plane, (width, height)) in
        [(width, height), (width / 2, height / 2), (width / 2, height / 2)].into_iter().enumerate()
    {
        for _ in 0..height {
            picture.extend((0..width).map(|x| code(plane, x, width)));
        }
    }
    (0..frames).for_each(|_| film.extend_from_slice(&picture));
    film
}
