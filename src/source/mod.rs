//! Sources of frames: each gives frames in the order of their timestamps until it ends.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use self::audio::{AudioSource, AudioSpec};
use crate::clock::Clock;
use crate::color::{ColorSpace, ToneMap};
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::{Frame, Size};
use crate::motion_blur::MotionBlur;
use crate::time::{FrameRate, Span, Timestamp};

pub mod audio;
pub mod ffmpeg;
pub mod image;
pub mod mix;
pub mod opus;
pub mod pattern;
pub mod pictures;
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

/// The greatest width and height of a picture, in pixels.
pub const MAX_SIDE: u32 = 16384;

/// The slowest rate and the longest time between two frames that are accepted: a day. A slower rate or a longer gap is
/// damage, or made to fill memory or a disk with repetitions of one frame.
const LONGEST_GAP: Span = Span::from_secs(SLOWEST as i64);
/// The slowest rate, in seconds a frame.
const SLOWEST: u32 = 86_400;

/// The source to open, as the user named it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceSpec {
    /// The built-in test pattern.
    Pattern,
    /// YUV4MPEG2 on standard input.
    Stdin,
    /// A WGSL file that defines `image`, drawn for every frame.
    Shader(PathBuf),
    /// A camera: by its name, its id or its node, as `/dev/video0`; the default one where the name is empty.
    Camera(String),
    /// A screen, or a part of it.
    Screen(String),
    /// Sound alone.
    Sound(AudioSpec),
    /// Picture files, each a frame, in this order.
    Pictures(Vec<PathBuf>),
    /// A file, or a folder of pictures. `.y4m`, AV1 `.webm` and stills are read here, everything else through the
    /// `ffmpeg` program.
    File(PathBuf),
}

/// Parses `pattern`, `-`, `shader:FILE.wgsl`, `camera`, `camera:NAME`, `screen`, `screen:NAME`, `mic`, `mic:NAME`,
/// `system`, `system:NAME`, else a path. For a file named so write `./pattern`, `./-` or `./shader:…`.
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

/// Options for opening a source.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SourceOptions {
    /// Skip the frames before this point; the frame that is shown at it becomes the first, with timestamp 0.
    pub start: Option<Span>,
    /// The size of a source that draws its frames; ignored by others.
    pub size: Option<Size>,
    /// The rate of a source that draws its frames; ignored by others.
    pub rate: Option<FrameRate>,
    /// `NAME=VALUE` for the parameters of a shader that is a source; ignored by others.
    pub params: Vec<String>,
    /// How a canvas brings film in PQ or HLG to standard dynamic range.
    pub tone_map: ToneMap,
    /// Whether interlaced film is deinterlaced.
    pub deinterlace: Deinterlace,
}

/// Whether interlaced film is deinterlaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Deinterlace {
    /// Film that says it is interlaced, by ffmpeg's `bwdif`: one frame of each two fields, at the frame's own time.
    /// Frames of such film that are progressive stay as they are.
    #[default]
    Auto,
    /// No film: both fields of a frame stay in one picture.
    Off,
}

impl Deinterlace {
    /// Its name, which [`FromStr`] reads.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Off => "off",
        }
    }
}

impl FromStr for Deinterlace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = [Self::Auto, Self::Off].into_iter().find(|choice| choice.name() == text);
        found.ok_or_else(|| Error::syntax(format!("expected auto or off but found `{text}`")))
    }
}

setters! {
    SourceOptions {
        with_start: start: Span,
        with_size: size: Size,
        with_rate: rate: FrameRate,
        with_params: params: Vec<String>,
        with_tone_map: tone_map: ToneMap,
        with_deinterlace: deinterlace: Deinterlace,
    }
}

/// The properties of a source that are known before its first frame.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SourceInfo {
    /// One word for people: `y4m`, `webm`, `ffmpeg`.
    pub kind: &'static str,
    /// The size of its frames.
    pub size: Size,
    /// Its nominal rate, where it has one.
    pub rate: Option<FrameRate>,
    /// How many frames it will give, where that is known.
    pub frames: Option<u64>,
    /// Whether it is endless, so that a recording of it needs a length.
    pub endless: bool,
}

impl SourceInfo {
    /// A source of this kind, with frames of this size; nothing else is known.
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

/// A source of frames, which is pulled: `next_frame` blocks until there is a frame.
pub trait Source: Send {
    /// The known properties.
    fn info(&self) -> &SourceInfo;

    /// The filters that draw the pictures of a source whose frames hold none, such as a shader; none for others. They
    /// are applied before all other filters.
    fn drawn_by(&self) -> FilterChain {
        FilterChain::default()
    }

    /// Whether its pictures have transparent pixels, as far as is known before they are taken. For a source that is
    /// drawn by filters, they decide.
    fn has_alpha(&self) -> bool {
        false
    }

    /// Opens the sound that belongs to its frames, from the first frame on; none where there is none. May be called
    /// before the first frame is taken.
    ///
    /// # Errors
    /// When its sound cannot be read, or the program that reads it is missing.
    fn sound(&mut self) -> Result<Option<Box<dyn AudioSource>>> {
        Ok(None)
    }

    /// The time of its first frame on its own time line, where the first frame of all has time 0. It is 0 unless a
    /// start was requested. None where it is the start itself.
    fn first_frame(&self) -> Option<Span> {
        None
    }

    /// How its frames' values map to colours, where that is known before its first frame.
    fn color(&self) -> Option<ColorSpace> {
        None
    }

    /// Whether it is interlaced film that is deinterlaced.
    fn is_deinterlaced(&self) -> bool {
        false
    }

    /// For a source that draws its pictures as fast as they are taken: gives the sub-frames of each frame in its place,
    /// as frames with their own times. Called before the first frame is taken. Other sources ignore this.
    fn blur(&mut self, blur: MotionBlur) {
        let _ = blur;
    }

    /// For a live source: the clock of its timestamps; the source captures frames in real time, whether or not they are
    /// taken. None for all other sources.
    fn live_clock(&self) -> Option<&Clock> {
        None
    }

    /// For a live source: when its device goes away, it gives black frames until the device is there again, instead of
    /// ending with an error. Other sources ignore this.
    fn reconnect(&mut self) {}

    /// Counts the frames that a live source lost. None for all other sources.
    fn losses(&self) -> Option<Arc<SourceLosses>> {
        None
    }

    /// The next frame, or none at the end. It is not called again after an error or the end. A file that breaks off
    /// gives all its whole frames first, then the error.
    fn next_frame(&mut self) -> Result<Option<Frame>>;
}

/// Frames that a live source lost, counted when they are lost.
#[derive(Debug, Default)]
pub struct SourceLosses {
    missed: AtomicU64,
    damaged: AtomicU64,
}

impl SourceLosses {
    /// Frames that the device captured but that were not read in time.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Acquire)
    }

    /// Damaged frames: too short, or not decodable.
    pub fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Acquire)
    }

    /// Counts frames that were not read in time.
    pub fn add_missed(&self, count: u64) {
        self.missed.fetch_add(count, Ordering::AcqRel);
    }

    /// Counts a damaged frame.
    pub fn add_damaged(&self) {
        self.damaged.fetch_add(1, Ordering::AcqRel);
    }
}

/// The index of the frame that is shown at `start`, at a constant rate. A microsecond of tolerance lets a rounded time
/// (0.033333 s at 30 frames a second) name the frame that is meant.
fn frame_at(rate: FrameRate, start: Span) -> u64 {
    rate.frames_in(start + Span::from_nanos(1000)).saturating_sub(1)
}

/// The size in a header, if it can be recorded.
fn checked_size(width: u64, height: u64) -> Result<Size> {
    let side = |value: u64| u32::try_from(value).ok().filter(|value| (1..=MAX_SIDE).contains(value));
    match (side(width), side(height)) {
        (Some(width), Some(height)) => Ok(Size::new(width, height)),
        _ => Err(Error::not_readable(format!(
            "expected a picture of 1x1 to {MAX_SIDE}x{MAX_SIDE} pixels but found {width}x{height}"
        ))),
    }
}

/// The rate for this many frames a second, if it is valid: from one frame a day to [`FrameRate::MAX`].
fn plausible(num: u32, den: u32) -> Option<FrameRate> {
    FrameRate::new(num, den).ok().filter(|_| u64::from(num) * u64::from(SLOWEST) >= u64::from(den))
}

/// Checks that a frame is not more than a day after the one before it.
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

/// A text from a file for an error message: shortened, and without control characters, which a terminal would obey.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    let shown = text.chars().take(LONGEST).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    let rest = text.chars().nth(LONGEST).map(|_| '…');
    shown.chain(rest).collect()
}

/// The type of a file by its first bytes, in words for an error.
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
