//! Runs a parser on hostile input in a child process that may use 1 GiB of address space and 2 s for each case.
//!
//! The child is the test binary itself: a test that is called `child`, does nothing but call [`child`], and is ignored
//! The child is the test binary itself: its test `child` does nothing but call [`child`], and is ignored unless a
//! parent runs it. So a parser that aborts, overflows its stack or never ends fails one test, which names the case, and
//! does not end the others.
#![allow(dead_code, reason = "each test file uses its part")]

use std::env;
use std::fs;
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use framereel::filter::{Custom, FilterChain, Lut, PassInput, PassOutput, SourcePicture, SourcePixels, plan};
use framereel::frame::{BitDepth, PixelFormat, Size};
use framereel::mux::{Detail, inspect, repair};
use framereel::source::audio::{AudioSource, SoundStart};
use framereel::source::image::{ImageSource, sniff};
use framereel::source::opus::OpusSource;
use framereel::source::wav::WavSource;
use framereel::source::webm::WebmSource;
use framereel::source::y4m::Y4mSource;
use framereel::source::{Source, SourceOptions, SourceSpec, ffmpeg, open};
use framereel::time::{FrameRate, Span, Timestamp};
use framereel::{Error, ErrorKind, Result, Whammy};

/// How much address space a child may use, in bytes.
pub const MEMORY: u64 = 1 << 30;
/// How long a case may take.
pub const TIME: Duration = Duration::from_secs(2);

/// A parser of untrusted bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parser {
    /// YUV4MPEG2, as a source.
    Y4m,
    /// Matroska, as a source: AV1, VP8 and VP9 are decoded.
    Matroska,
    /// Matroska, as sound: Opus is decoded.
    Opus,
    /// Matroska, inspected.
    Inspect,
    /// Matroska, repaired, and the result inspected.
    Repair,
    /// MP4, inspected, repaired, and the result inspected.
    Mp4,
    Wav,
    /// A `.cube` table.
    Cube,
    /// A filter chain; it is planned too. A second line is an animation.
    Chain,
    /// A user's WGSL.
    Wgsl,
    /// An answer of ffprobe, as JSON.
    Probe,
    /// The standard error of ffmpeg.
    Times,
    /// PNG, JPEG, WebP and BMP.
    Picture,
    /// WebP, made a film of without being decoded.
    Whammy,
    /// A file of any kind, by its first bytes, up to its first frame.
    Open,
}

impl Parser {
    pub const ALL: [Self; 15] = [
        Self::Y4m,
        Self::Matroska,
        Self::Opus,
        Self::Inspect,
        Self::Repair,
        Self::Mp4,
        Self::Wav,
        Self::Cube,
        Self::Chain,
        Self::Wgsl,
        Self::Probe,
        Self::Times,
        Self::Picture,
        Self::Whammy,
        Self::Open,
    ];

    pub fn name(self) -> String {
        format!("{self:?}").to_ascii_lowercase()
    }

    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|parser| parser.name() == name).unwrap_or_else(|| panic!("no parser `{name}`"))
    }

    /// Parses the bytes to their end; returns the result in a few words.
    pub fn run(self, bytes: &[u8]) -> Result<String> {
        let text = || String::from_utf8_lossy(bytes);
        match self {
            Self::Y4m => {
                let len = Some(bytes.len() as u64);
                frames(Y4mSource::new(bytes, "film", len, &SourceOptions::default())?)
            }
            Self::Matroska => frames(WebmSource::new(Cursor::new(bytes.to_vec()), "film", &SourceOptions::default())?),
            Self::Inspect => {
                let found = inspect(Cursor::new(bytes), Detail::Clusters)?;
                Ok(found.faults.join("; "))
            }
            Self::Repair => {
                let mut output = Vec::new();
                let repaired = repair(Cursor::new(bytes), &mut output)?;
                inspect(Cursor::new(&output), Detail::Numbers)?;
                Ok(repaired.faults.join("; "))
            }
            Self::Mp4 => {
                let found = inspect(Cursor::new(bytes), Detail::Clusters)?;
                let mut output = Vec::new();
                let repaired = repair(Cursor::new(bytes), &mut output)?;
                assert_eq!(repaired.bytes_out, output.len() as u64);
                let mended = inspect(Cursor::new(&output), Detail::Numbers)?;
                let blocks = |tracks: &[framereel::mux::inspect::TrackInspection]| -> u64 {
                    tracks.iter().map(|track| track.blocks).sum()
                };
                assert_eq!(blocks(&mended.tracks), blocks(&found.tracks), "whole samples are kept");
                Ok(found.faults.join("; "))
            }
            Self::Opus => {
                let start = SoundStart::Skip(Span::from_millis(30));
                let sound = OpusSource::new(Cursor::new(bytes.to_vec()), "sound", start)?;
                sound.map_or(Ok("no sound".to_owned()), samples)
            }
            Self::Wav => samples(WavSource::new(bytes, "sound", Some(bytes.len() as u64), None)?),
            Self::Cube => Lut::parse(&text()).map(|lut| format!("{:?}", lut.apply([0.25, 0.5, 0.75]))),
            Self::Chain => {
                let text = text();
                let (chain, course) = text.split_once('\n').unwrap_or((&text, ""));
                let mut chain: FilterChain = chain.parse()?;
                if !course.is_empty() {
                    chain.animate(course)?;
                }
                let source =
                    SourcePicture { pixels: SourcePixels::Bytes(PixelFormat::I420), size: Size::new(320, 180) };
                let chain = chain.at(Timestamp::ZERO + Span::from_millis(500));
                let planned = plan(&chain, source, source.size, PassOutput::I420 { depth: BitDepth::Eight });
                assert!(matches!(planned.passes.first().map(|pass| pass.input), Some(PassInput::Source(_))));
                Ok(chain.to_string())
            }
            Self::Wgsl => {
                let custom = Custom::parse("a.wgsl", &text())?;
                Ok(format!("{:?}, {} bytes", custom.kind(), custom.wgsl("user0_").len()))
            }
            Self::Probe => ffmpeg::probed(bytes),
            Self::Times => {
                let (times, message) = ffmpeg::timed(bytes);
                Ok(format!("{} times; {message}", times.len()))
            }
            Self::Picture => {
                let format = sniff(bytes).ok_or_else(|| Error::new(ErrorKind::NotSupported, "no picture"))?;
                let file = tempfile::NamedTempFile::new().expect("a file");
                fs::write(file.path(), bytes).expect("a written file");
                let picture = ImageSource::open(file.path(), format, &SourceOptions::default())?;
                Ok(picture.info().size.to_string())
            }
            Self::Whammy => {
                let mut whammy = Whammy::new(FrameRate::whole(25)).with_alpha(true);
                whammy.add(bytes, None)?;
                let report = whammy.report();
                let found = inspect(whammy.compile()?.reader(), Detail::Numbers)?;
                assert!(found.faults.is_empty() && found.tracks[0].blocks == report.pictures, "{found:?}");
                Ok(format!("{report:?}"))
            }
            Self::Open => {
                let file = tempfile::NamedTempFile::new().expect("a file");
                fs::write(file.path(), bytes).expect("a written file");
                Self::opened(file.path())
            }
        }
    }
}

impl Parser {
    fn opened(path: &Path) -> Result<String> {
        let mut source = open(&SourceSpec::File(path.to_owned()), &SourceOptions::default())?;
        let frame = source.next_frame()?;
        Ok(format!("{} {}", source.info().kind, frame.map_or(0, |frame| frame.data().len())))
    }
}

fn frames(mut source: impl Source) -> Result<String> {
    let mut frames = 0;
    while let Some(frame) = source.next_frame()? {
        assert!(frame.data().len() == framereel::frame::Frame::packed_len(frame.format(), frame.size()));
        frames += 1;
    }
    Ok(format!("{frames} frames"))
}

/// Reads sound to its end, or its first minute: gaps become silence.
fn samples(mut sound: impl AudioSource) -> Result<String> {
    let (mut samples, most) = (0, 60 * sound.info().rate as usize);
    while let Some(buffer) = sound.next_buffer()? {
        samples += buffer.samples();
        if samples > most {
            break;
        }
    }
    Ok(format!("{samples} samples"))
}

/// The result of one case within its limits.
#[derive(Debug)]
pub struct Outcome {
    /// The parser's result, or its error.
    pub said: Result<String, String>,
    pub time: Duration,
    /// The most memory that the child held, in bytes.
    pub peak: u64,
}

/// Runs the parser on these bytes in a child.
///
/// # Panics
/// When the child does not stay within [`MEMORY`] and [`TIME`], or the parser panics.
#[track_caller]
pub fn outcome(parser: Parser, bytes: &[u8]) -> Outcome {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), bytes).expect("a written file");
    outcome_of_file(parser, file.path())
}

/// The same for a file that exists. [`Parser::Open`] opens it at its path; the others get its bytes.
#[track_caller]
pub fn outcome_of_file(parser: Parser, path: &Path) -> Outcome {
    let ran = spawn(&["one", &parser.name(), path.to_str().expect("a path in UTF-8")]);
    let Some([kind, nanos, peak, said]) = ran.last() else { panic!("{}: {}", parser.name(), ran.failure) };
    let said = said.replace('\u{1}', "\n");
    Outcome {
        said: if kind == "ok" { Ok(said) } else { Err(said) },
        time: Duration::from_nanos(nanos.parse().expect("a number")),
        peak: peak.parse().expect("a number"),
    }
}

/// The error for these bytes, within the limits.
#[track_caller]
pub fn refusal(parser: Parser, bytes: &[u8]) -> String {
    let outcome = outcome(parser, bytes);
    println!("{}: {:?}, {} MiB: {:?}", parser.name(), outcome.time, outcome.peak >> 20, outcome.said);
    outcome.said.expect_err("an error")
}

/// The error for this file.
#[track_caller]
pub fn refusal_of_file(parser: Parser, path: &Path) -> String {
    let outcome = outcome_of_file(parser, path);
    println!("{}: {:?}, {} MiB: {:?}", parser.name(), outcome.time, outcome.peak >> 20, outcome.said);
    outcome.said.expect_err("an error")
}

/// The output of a child and its end.
pub struct Ran {
    /// The fields of the lines that [`child`] printed.
    pub lines: Vec<Vec<String>>,
    /// Its exit status and its standard error.
    pub failure: String,
    pub succeeded: bool,
}

impl Ran {
    fn last(&self) -> Option<[String; 4]> {
        self.lines.last().filter(|line| self.succeeded && line[0] != "case")?.clone().try_into().ok()
    }
}

/// The prefix of such lines on standard output; their fields are separated by tabs.
const MARK: &str = "@\t";

/// Prints fields for the parent.
pub fn say(fields: &[&str]) {
    println!("\n{MARK}{}", fields.join("\t"));
}

/// Starts a child for this task, and waits for its end.
pub fn spawn(task: &[&str]) -> Ran {
    let mut command = Command::new(env::current_exe().expect("the test's own path"));
    command.args(["--ignored", "--exact", "child", "--nocapture", "--test-threads", "1"]);
    command.env("FRAMEREEL_CHILD", task.join("\t")).env("RUST_BACKTRACE", "0");
    // A thread's own heap reserves 64 MiB of address space, used or not.
    command.env("MALLOC_ARENA_MAX", "2");
    let output = command.stdin(Stdio::null()).output().expect("a child");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let lines = stdout.lines().filter_map(|line| Some(&line[line.find(MARK)? + MARK.len()..]));
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stderr: String = stderr.chars().take(2000).collect();
    Ran {
        lines: lines.map(|line| line.splitn(4, '\t').map(str::to_owned).collect()).collect(),
        failure: format!("{}; {}", output.status, stderr.trim()),
        succeeded: output.status.success(),
    }
}

/// The body of the test `child`: sets the limits for itself, and performs its task.
pub fn child(fuzz: impl FnOnce(&[&str])) {
    let Ok(task) = env::var("FRAMEREEL_CHILD") else { return };
    let limit = rustix::process::Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) };
    rustix::process::setrlimit(rustix::process::Resource::As, limit).expect("a limit");
    let task: Vec<_> = task.split('\t').collect();
    match task[..] {
        ["one", parser, path] => {
            let parser = Parser::named(parser);
            let (said, time) = if parser == Parser::Open {
                timed(|| Parser::opened(Path::new(path)))
            } else {
                let bytes = fs::read(path).expect("the case's bytes");
                timed(|| parser.run(&bytes))
            };
            report(&said, time);
        }
        _ => fuzz(&task),
    }
}

/// Prints the result of the case, for the parent.
fn report(said: &Result<String>, time: Duration) {
    let (kind, text) = match said {
        Ok(text) => ("ok", text.clone()),
        Err(error) => ("error", Error::to_string(error)),
    };
    let text = text.replace('\n', "\u{1}");
    say(&[kind, &time.as_nanos().to_string(), &peak().to_string(), &text]);
}

/// Runs one case, and ends the process when it panics or takes too long.
pub fn timed(case: impl FnOnce() -> Result<String>) -> (Result<String>, Duration) {
    static BEGAN: AtomicU64 = AtomicU64::new(0);
    static WATCHED: std::sync::Once = std::sync::Once::new();
    let clock = clock();
    WATCHED.call_once(|| {
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_millis(50));
                let began = BEGAN.load(Ordering::Acquire);
                if began > 0 && clock.elapsed().saturating_sub(Duration::from_nanos(began)) > TIME {
                    eprintln!("the case takes longer than {TIME:?}");
                    std::process::exit(99);
                }
            }
        });
    });
    let began = clock.elapsed();
    BEGAN.store(began.as_nanos() as u64, Ordering::Release);
    let said = catch_unwind(AssertUnwindSafe(case));
    let time = clock.elapsed() - began;
    BEGAN.store(0, Ordering::Release);
    match said {
        Ok(said) => (said, time),
        Err(_) => std::process::exit(98),
    }
}

fn clock() -> Instant {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *START.get_or_init(|| Instant::now() - Duration::from_secs(1))
}

/// `VmHWM` of proc(5), in bytes; 0 where there is none.
pub fn peak() -> u64 {
    let mut status = String::new();
    let read = fs::File::open("/proc/self/status").and_then(|mut file| file.read_to_string(&mut status));
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).filter(|_| read.is_ok());
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).map_or(0, |kib| kib << 10)
}
