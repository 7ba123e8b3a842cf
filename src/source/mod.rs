//! Where frames come from: each source gives frames in the order of their timestamps until it ends.

use std::path::PathBuf;

use crate::error::Result;
use crate::frame::{Frame, Size};
use crate::time::{FrameRate, Span};

pub mod ffmpeg;
pub mod image;
pub mod pattern;
pub mod webm;
pub mod y4m;

mod open;
pub use open::open;

/// What to open, as the user named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// The built-in test pattern.
    Pattern,
    /// YUV4MPEG2 on standard input.
    Stdin,
    /// A file: `.y4m`, AV1 `.webm` and stills by ourselves, all else through the `ffmpeg` program.
    File(PathBuf),
}

/// How to open it.
#[derive(Debug, Clone, Default)]
pub struct SourceOptions {
    /// Skip what is shown before this point; the frame at it becomes the first, with timestamp 0.
    pub start: Option<Span>,
    /// The size of a source that draws itself; others have their own.
    pub size: Option<Size>,
    /// The rate of a source that draws itself; others have their own.
    pub rate: Option<FrameRate>,
}

/// What is known of a source before its first frame.
#[derive(Debug, Clone, PartialEq)]
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

/// A source of frames. It is pulled: `next_frame` blocks until there is one.
pub trait Source: Send {
    /// What is known of it.
    fn info(&self) -> &SourceInfo;

    /// The next frame, or none at the end. After an error or the end it is not called again. A file that breaks off
    /// gives all its whole frames first, then the error.
    fn next_frame(&mut self) -> Result<Option<Frame>>;
}
