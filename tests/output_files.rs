//! Recordings beside files that other programs write, read or need, and into slow pipes.

mod support {
    pub mod program;
    pub mod tools;
}

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use support::program::{Bench, Ran, ended, ffprobe};

/// What takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

fn pattern<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["record", "pattern", "--size", "64x48"], args].concat()
}

/// How many pictures ffprobe decodes.
fn frames(bench: &Bench, name: &str) -> u64 {
    let found = ffprobe(&bench.path(name)).expect("`make test` installs ffmpeg");
    let count = found.lines().find_map(|line| line.strip_prefix("nb_read_frames=")).expect("a count");
    count.parse().expect("a number")
}

/// Waits until this holds.
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < TIMEOUT, "{what} does not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Starts the program with its output in pipes.
fn started(bench: &Bench, args: &[&str]) -> std::process::Child {
    let mut command = bench.command(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program")
}

#[test]
fn a_second_recording_to_one_file_is_refused_and_the_first_is_whole() {
    let bench = Bench::new();
    let args = pattern(&["--duration", "3s", "--realtime", "-o", "one.webm", "--force", "--json"]);
    let first = started(&bench, &args);
    wait_until("the first recording's file", || bench.path("one.webm").exists());
    bench.run(&args).failed(1, &["one.webm", "another recording writing it"]);
    let report = ended(first).json();
    assert_eq!(report["frames_encoded"], frames(&bench, "one.webm"));
}

#[test]
fn a_failed_recording_leaves_a_file_alone_that_took_its_place() {
    let bench = Bench::new();
    // A source that never brings a frame, and then breaks off.
    let fifo = bench.path("film.y4m");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let recording = started(&bench, &["record", "film.y4m", "-o", "out.webm"]);
    let mut source = fs::OpenOptions::new().write(true).open(&fifo).expect("the program reads");
    std::io::Write::write_all(&mut source, b"YUV4MPEG2 W64 H48 F25:1 Ip A1:1 C420mpeg2\nFRAME\n").expect("a header");
    wait_until("the recording's file", || bench.path("out.webm").exists());
    let finished = bench.write("finished", "somebody's finished film");
    fs::rename(finished, bench.path("out.webm")).expect("a renamed file");
    drop(source);
    ended(recording).failed(1, &["film.y4m"]);
    assert_eq!(fs::read(bench.path("out.webm")).expect("the file"), b"somebody's finished film");
}

#[test]
fn a_shorter_recording_in_pieces_leaves_no_pieces_of_the_longer_one_before() {
    let bench = Bench::new();
    bench.run(pattern(&["--duration", "4s", "--split", "1s", "-o", "a.webm"])).succeeded();
    let other = bench.write("a-x.webm", "not a piece");
    assert_eq!(bench.names().len(), 5);
    let report = bench.json(pattern(&["--duration", "2s", "--split", "1s", "-o", "a.webm", "--force", "--json"]));
    assert_eq!(bench.names(), ["a-001.webm", "a-002.webm", "a-x.webm"]);
    assert_eq!(report["outputs"].as_array().map(Vec::len), Some(2));
    assert!(other.exists());
    // One that fails before its first frame leaves them.
    bench.write("short.y4m", "YUV4MPEG2 W64 H48 F25:1\nFRAME\nxx");
    let args = ["record", "short.y4m", "--split", "1s", "-o", "a.webm", "--force"];
    bench.run(args).failed(1, &["short.y4m"]);
    assert_eq!(bench.names(), ["a-001.webm", "a-002.webm", "a-x.webm", "short.y4m"]);
    assert_eq!(frames(&bench, "a-002.webm"), 30);
}

#[test]
fn a_chunk_never_replaces_a_file_that_appeared_after_the_recording_began() {
    let bench = Bench::new();
    let args = pattern(&["--duration", "6s", "--realtime", "--timeslice", "500ms", "-o", "live/"]);
    let recording = started(&bench, &args);
    wait_until("the first chunk", || bench.path("live/pattern-00001.webm").exists());
    bench.write("live/pattern-00005.webm", "somebody else's");
    let ran = ended(recording);
    ran.failed(1, &["pattern-00005.webm", "--force"]);
    assert_eq!(fs::read(bench.path("live/pattern-00005.webm")).expect("the file"), b"somebody else's");
    // What was recorded before is there, and plays when it is joined.
    let joined: Vec<u8> = (1..5)
        .flat_map(|number| fs::read(bench.path(&format!("live/pattern-{number:05}.webm"))).expect("a chunk"))
        .collect();
    bench.write("joined.webm", joined);
    assert!(frames(&bench, "joined.webm") >= 55);
}

/// Standard output that does not block, as another program may have set it: a pipe, its reading end and the program.
#[cfg(unix)]
#[test]
fn a_pipe_that_says_try_again_is_waited_for() {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let bench = Bench::new();
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    fcntl_setfl(&writer, fcntl_getfl(&writer).expect("its flags") | OFlags::NONBLOCK).expect("set flags");
    let full = writer.try_clone().expect("a copy");
    let has_room = move || {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(&full, PollFlags::OUT)], Some(&at_once)).expect("a poll") > 0
    };
    let grain = ["--filter", "grain(0.5)", "--quality", "80", "--frames", "60", "-o", "-"];
    let mut command = bench.command([&["record", "pattern", "--size", "320x180"], &grain[..]].concat());
    let mut child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().expect("the program");
    drop(command);
    // The program finds no room again and again: a little is read, and only when the pipe is full.
    let mut bytes = Vec::new();
    while child.try_wait().expect("a child to wait for").is_none() {
        if has_room() {
            std::thread::sleep(Duration::from_millis(1));
        } else {
            let begin = bytes.len();
            bytes.resize(begin + 4096, 0);
            reader.read_exact(&mut bytes[begin..]).expect("a full pipe");
        }
    }
    drop(has_room);
    reader.read_to_end(&mut bytes).expect("a readable pipe");
    assert!(bytes.len() > 300_000, "{} bytes: much more than a pipe holds", bytes.len());
    let output = child.wait_with_output().expect("the program's end");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Ran { code: output.status.code(), stdout: String::new(), stderr }.succeeded();
    bench.write("piped.webm", bytes);
    assert_eq!(frames(&bench, "piped.webm"), 60);
}
