//! Where the bytes of a recording go.
//!
//! ```text
//! packets ──▶ OutputWriter ──▶ container        ──▶ Output: Memory    blobs that are handed out
//!             limits, pieces,                               Files     one file, or one for each piece
//!             slices, accounts                              Slices    a pipe or a folder, slice by slice
//! ```
//!
//! A [`Destination`] is what the program asks for; [`open`] makes the [`Output`] of it. An output takes bytes and knows
//! nothing of what they mean; the container's writer knows nothing of where they go.

mod files;
mod memory;
mod sink;
mod slices;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::io::{Seek, Write};
use std::path::Path;

pub use sink::FileSink;
pub use writer::{OutputWriter, Room};

use self::files::Files;
use self::memory::Memory;
use self::slices::Slices;
use crate::blob::Blob;
use crate::error::Result;
use crate::mux::{Container, Tracks};
use crate::time::Span;

/// What the files of a recording are.
#[derive(Debug, Clone)]
pub struct FileFormat {
    /// Which writer writes them.
    pub container: Container,
    /// Their MIME type, in full or as it was asked for.
    pub mime_type: String,
    /// What they hold.
    pub tracks: Tracks,
}

/// Where a recording goes.
#[non_exhaustive]
pub enum Destination {
    /// Into memory, handed out as blobs: one every `timeslice` of the recording, or one at its end, which then seeks.
    Blobs {
        /// How long a blob is at least.
        timeslice: Option<Span>,
    },
    /// Into a file, which plays at every instant of the recording.
    File(FileSink),
    /// Into one file after the other.
    Files(Pieces),
    /// Into a pipe, in slices: each is written in one piece once it is whole. Joined they are a file in its container's live
    /// form.
    Stream {
        /// Where to, often [`FileSink::stdout`].
        sink: FileSink,
        /// How long a slice is at least.
        timeslice: Span,
    },
    /// Into a file for each slice. Joined they are a file in its container's live form; one alone need not play.
    Chunks {
        /// How long a slice is at least.
        timeslice: Span,
        /// Opens the files.
        open: OpenFile,
    },
}

/// Opens file number so and so of a recording, counted from 1.
pub type OpenFile = Box<dyn FnMut(u32) -> Result<FileSink> + Send>;

/// A recording in pieces, each a file that plays and seeks by itself. A piece begins at a key frame; no frame is lost.
#[non_exhaustive]
pub struct Pieces {
    /// How long a piece is: exactly, but for a frame.
    pub length: Option<Span>,
    /// How many bytes a piece has, about.
    pub bytes: Option<u64>,
    /// Opens the files.
    pub open: OpenFile,
}

impl Pieces {
    /// Files that `open` opens; without a length or a number of bytes it is one.
    pub fn new(open: impl FnMut(u32) -> Result<FileSink> + Send + 'static) -> Self {
        Self { length: None, bytes: None, open: Box::new(open) }
    }
}

setters! {
    Pieces {
        with_length: length: Span,
        with_bytes: bytes: u64,
    }
}

debug_fields!(Pieces { length, bytes });

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blobs { timeslice } => f.debug_struct("Blobs").field("timeslice", timeslice).finish(),
            Self::File(sink) => f.debug_tuple("File").field(sink).finish(),
            Self::Files(pieces) => f.debug_tuple("Files").field(pieces).finish(),
            Self::Stream { sink, timeslice } => {
                f.debug_struct("Stream").field("sink", sink).field("timeslice", timeslice).finish()
            }
            Self::Chunks { timeslice, .. } => {
                f.debug_struct("Chunks").field("timeslice", timeslice).finish_non_exhaustive()
            }
        }
    }
}

impl From<FileSink> for Destination {
    fn from(sink: FileSink) -> Self {
        Self::File(sink)
    }
}

impl Destination {
    /// Whether it writes files, which are finished even if nobody waits for them.
    pub(super) fn is_file(&self) -> bool {
        !matches!(self, Self::Blobs { .. })
    }

    /// How long what is handed on at once is at least.
    fn timeslice(&self) -> Option<Span> {
        match self {
            Self::Blobs { timeslice } => *timeslice,
            Self::Stream { timeslice, .. } | Self::Chunks { timeslice, .. } => Some(*timeslice),
            Self::File(_) | Self::Files(_) => None,
        }
    }
}

/// Takes the bytes of a recording, file after file. The container's writer writes to it, and seeks where it can, between
/// [`begin`](Output::begin) and [`end`](Output::end).
pub(super) trait Output: Write + Seek + Send {
    /// Begins the next file.
    fn begin(&mut self) -> Result<()>;

    /// Whether what was written is out of reach at once, so that the container must be in its live form from the first
    /// byte on.
    fn is_live(&self) -> bool;

    /// How many bytes of the present file, or of the one that ended last, have arrived where they are to stay.
    fn stored(&self) -> u64;

    /// Hands on what was written since this was called last: as a blob, or, empty then, to where it goes.
    fn take_data(&mut self) -> Result<Blob>;

    /// Ends the present file and gives what was not handed out yet. A file that is not to be kept is removed.
    fn end(&mut self, keep: bool) -> Result<Blob>;

    /// How many files hold something to keep.
    fn files(&self) -> u32;

    /// The present file's name for errors.
    fn path(&self) -> Option<&Path>;
}

/// The output of this destination; its blobs have this type.
pub(super) fn open(destination: Destination, mime_type: &str) -> Box<dyn Output> {
    match destination {
        Destination::Blobs { .. } => Box::new(Memory::new(mime_type)),
        Destination::File(sink) => Box::new(Files::one(sink, mime_type)),
        Destination::Files(pieces) => Box::new(Files::new(pieces.open, mime_type)),
        Destination::Stream { sink, .. } => Box::new(Slices::to_pipe(sink, mime_type)),
        Destination::Chunks { open, .. } => Box::new(Slices::to_files(open, mime_type)),
    }
}
