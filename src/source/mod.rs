//! Where frames come from: each source gives frames in the order of their timestamps until it ends.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use self::audio::{AudioSource, AudioSpec};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::{Frame, Size};
use crate::time::{FrameRate, Span, Timestamp};

pub mod audio;
pub mod ffmpeg;
pub mod image;
pub mod mix;
pub mod opus;
pub mod pattern;
pub mod player;
pub mod shader;
pub mod tone;
pub mod visualize;
pub mod wav;
pub mod webm;
pub mod y4m;

mod blocks;
mod open;
mod sample_queue;
mod spectrum;
mod tee;
pub use open::{Decoder, decoders, open};

/// The widest and the highest picture taken, in pixels.
pub const MAX_SIDE: u32 = 16384;

/// The slowest rate and the longest time between two frames that are believed: a day. What is slower or further apart is
/// damage, or made to fill memory or a disk with repetitions of one frame.
const LONGEST_GAP: Span = Span::from_secs(SLOWEST as i64);
/// The slowest rate, in seconds a frame.
const SLOWEST: u32 = 86_400;

/// What to open, as the user named it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceSpec {
    /// The built-in test pattern.
    Pattern,
    /// YUV4MPEG2 on standard input.
    Stdin,
    /// A WGSL file that defines `image`, drawn for every frame.
    Shader(PathBuf),
    /// A camera: by its name, its id or its node, as `/dev/video0`; the default one where that is empty.
    Camera(String),
    /// A screen, or the part of it that is named.
    Screen(String),
    /// Sound alone.
    Sound(AudioSpec),
    /// A file: `.y4m`, AV1 `.webm` and stills by ourselves, all else through the `ffmpeg` program.
    File(PathBuf),
}

/// `pattern`, `-`, `shader:FILE.wgsl`, `camera`, `camera:NAME`, `screen`, `screen:NAME`, `mic`,
/// `mic:NAME`, `system`, `system:NAME`, else a path. A file named so is reached as `./pattern`, `./-` or `./shader:…`.
impl FromStr for SourceSpec {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "pattern" => Self::Pattern,
            "-" => Self::Stdin,
            path if path.starts_with("shader:") => Self::Shader(PathBuf::from(&path["shader:".len()..])),
            _ => match text.split_once(':').unwrap_or((text, "")) {
                ("camera", name) => Self::Camera(name.to_owned()),
                ("screen", name) => Self::Screen(name.to_owned()),
                ("mic", name) => Self::Sound(AudioSpec::Microphone(name.to_owned())),
                ("system", name) => Self::Sound(AudioSpec::System(name.to_owned())),
                _ => Self::File(PathBuf::from(text)),
            },
        })
    }
}

/// How to open it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SourceOptions {
    /// Skip what is shown before this point; the frame on screen at it becomes the first, with timestamp 0.
    pub start: Option<Span>,
    /// The size of a source that draws itself; others have their own.
    pub size: Option<Size>,
    /// The rate of a source that draws itself; others have their own.
    pub rate: Option<FrameRate>,
    /// `NAME=VALUE` for the parameters of a source that is a shader; others have none.
    pub params: Vec<String>,
}

setters! {
    SourceOptions {
        with_start: start: Span,
        with_size: size: Size,
        with_rate: rate: FrameRate,
        with_params: params: Vec<String>,
    }
}

/// What is known of a source before its first frame.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SourceInfo {
    /// One word for people: `y4m`, `webm`, `ffmpeg`.
    pub kind: &'static str,
    /// The size of its frames.
    pub size: Size,
    /// Its nominal rate, where it has one.
    pub rate: Option<FrameRate>,
    /// How many frames it will give, where that can be known.
    pub frames: Option<u64>,
    /// Whether it goes on for ever, so that a recording of it needs a length.
    pub endless: bool,
}

impl SourceInfo {
    /// Of this kind, with pictures of this size; nothing else is known.
    pub fn new(kind: &'static str, size: Size) -> Self {
        Self { kind, size, rate: None, frames: None, endless: false }
    }
}

setters! {
    SourceInfo {
        with_rate: rate: FrameRate,
        with_frames: frames: u64,
        with_endless: endless: bool,
    }
}

/// A source of frames. It is pulled: `next_frame` blocks until there is one.
pub trait Source: Send {
    /// What is known of it.
    fn info(&self) -> &SourceInfo;

    /// The filters that draw what its frames lack; none, but for a source that is a shader. They come before all others.
    fn drawn_by(&self) -> FilterChain {
        FilterChain::default()
    }

    /// The sound that belongs to its frames, from the first frame on; none where there is none. It can be asked for before
    /// the first frame is taken.
    ///
    /// # Errors
    /// When there is sound that cannot be read, or a program that reads it is missing.
    fn sound(&mut self) -> Result<Option<Box<dyn AudioSource>>> {
        Ok(None)
    }

    /// When its first frame is shown on its own time line, which begins with the first frame of all: 0 unless a start was
    /// asked for. None where that is the start itself.
    fn first_frame(&self) -> Option<Span> {
        None
    }

    /// The clock that its timestamps come from, when it is live: it gives frames as they happen, whether anybody waits for
    /// them or not. None for all that is read at will.
    fn live_clock(&self) -> Option<&Clock> {
        None
    }

    /// Of a live source: when its device goes, it is black until the device is there again, in place of ending with an
    /// error. Others stay as they are.
    fn reconnect(&mut self) {}

    /// Counts the frames that a live source could not give. None for all that is read at will.
    fn losses(&self) -> Option<Arc<SourceLosses>> {
        None
    }

    /// The next frame, or none at the end. After an error or the end it is not called again. A file that breaks off
    /// gives all its whole frames first, then the error.
    fn next_frame(&mut self) -> Result<Option<Frame>>;
}

/// Frames that a live source could not give, counted as they are lost.
#[derive(Debug, Default)]
pub struct SourceLosses {
    missed: AtomicU64,
    damaged: AtomicU64,
}

impl SourceLosses {
    /// Frames that the device captured and nobody took in time.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Acquire)
    }

    /// Frames that came damaged: too short, or pictures that cannot be decoded.
    pub fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Acquire)
    }

    pub(crate) fn add_missed(&self, count: u64) {
        self.missed.fetch_add(count, Ordering::AcqRel);
    }

    pub(crate) fn add_damaged(&self) {
        self.damaged.fetch_add(1, Ordering::AcqRel);
    }
}

/// Which frame of a constant rate is on screen at `start`. A microsecond of slack lets a time that was written rounded
/// (0.033333 s at 30 frames a second) name the frame it was meant for.
fn frame_at(rate: FrameRate, start: Span) -> u64 {
    rate.frames_in(start + Span::from_nanos(1000)).saturating_sub(1)
}

/// The size that a header gives, when it is one that can be recorded.
fn checked_size(width: u64, height: u64) -> Result<Size> {
    let side = |value: u64| u32::try_from(value).ok().filter(|value| (1..=MAX_SIDE).contains(value));
    match (side(width), side(height)) {
        (Some(width), Some(height)) => Ok(Size::new(width, height)),
        _ => Err(Error::not_readable(format!(
            "expected a picture of 1x1 to {MAX_SIDE}x{MAX_SIDE} pixels but found {width}x{height}"
        ))),
    }
}

/// So many frames a second, if that can be: from one a day to [`FrameRate::MAX`].
fn plausible(num: u32, den: u32) -> Option<FrameRate> {
    FrameRate::new(num, den).ok().filter(|_| u64::from(num) * u64::from(SLOWEST) >= u64::from(den))
}

/// Checks that a frame is not shown absurdly long after the one before it.
fn check_gap(before: Timestamp, next: Timestamp) -> Result<()> {
    if next - before <= LONGEST_GAP {
        return Ok(());
    }
    let [before, next] = [before, next].map(|time| time - Timestamp::ZERO);
    Err(Error::not_readable(format!(
        "expected a frame within {LONGEST_GAP} of the one at {before} but found the next at {next}: the times are damaged"
    )))
}

/// The error of a start at or after the end.
fn start_beyond_end(start: Span, end: Span) -> Error {
    Error::range(format!("expected a start before the end at {end} but found {start}"))
}

/// A text from a file as an error shows it: not long, and without the control characters that a terminal would obey.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    let shown = text.chars().take(LONGEST).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    let rest = text.chars().nth(LONGEST).map(|_| '…');
    shown.chain(rest).collect()
}

/// What a file holds by its first bytes, in words for an error.
fn describe(head: &[u8]) -> String {
    let known: &[(&[u8], &str)] = &[
        (b"YUV4MPEG2", "YUV4MPEG2"),
        (b"\x1a\x45\xdf\xa3", "a Matroska or WebM file"),
        (b"\x89PNG", "a PNG picture"),
        (b"\xff\xd8\xff", "a JPEG picture"),
        (b"GIF8", "a GIF picture"),
        (b"BM", "a BMP picture"),
    ];
    if head.is_empty() {
        return "nothing".to_owned();
    }
    if let Some((_, name)) = known.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*name).to_owned();
    }
    if head.starts_with(b"#EXTM3U") {
        return "a playlist".to_owned();
    }
    if head.get(4..8) == Some(b"ftyp") {
        return "an MP4 file".to_owned();
    }
    if head.starts_with(b"RIFF") {
        return "a RIFF file".to_owned();
    }
    format!("`{}`", head[..head.len().min(12)].escape_ascii())
}
