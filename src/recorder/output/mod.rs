//! Where the bytes of a recording go.
//!
//! ```text
//! packets ──▶ OutputWriter ──▶ container        ──▶ Output: Memory    blobs that are handed out
//!             limits, pieces,                               Files     one file, or one for each piece or frame
//!             slices, accounts                              Slices    a pipe or a folder, slice by slice
//! ```
//!
//! The program passes a [`Destination`]; [`open`] makes its [`Output`]. An output takes bytes and does not depend on
//! the container format; the container's writer does not depend on the output.

mod files;
mod memory;
mod sink;
mod slices;
#[cfg(test)]
mod tests;
mod whole;
mod writer;

use std::fmt;
use std::io::{Seek, Write};
use std::path::Path;

pub use sink::FileSink;
pub use writer::{OutputWriter, Room};

use self::files::Files;
use self::memory::Memory;
use self::slices::Slices;
use self::whole::WholeFile;
use crate::blob::Blob;
use crate::error::{Error, Result};
use crate::mux::{Container, Tracks};
use crate::still::StillFormat;
use crate::time::Span;

/// The format of a recording's files.
#[derive(Debug, Clone)]
pub struct FileFormat {
    /// The container, which selects the writer.
    pub container: Container,
    /// The MIME type: the full type, or the type as it was requested.
    pub mime_type: String,
    /// The tracks of each file.
    pub tracks: Tracks,
    /// How often an animated picture is shown; none: for ever.
    pub loops: Option<u16>,
}

/// Where a recording goes.
#[non_exhaustive]
pub enum Destination {
    /// Into memory, handed out as blobs: one every `timeslice` of the recording, or a single seekable one at its end.
    Blobs {
        /// The minimum length of a blob.
        timeslice: Option<Span>,
    },
    /// Into a file, which is playable at any time while it is written.
    File(FileSink),
    /// Into several files in sequence.
    Files(Pieces),
    /// Into a file for each frame, of the type `image/png`, `image/jpeg` or `image/webp`. The last blob of the
    /// recording is a JSON text of their times: `{"frames":[{"name":"00001.png","start":0,"duration":0.04}, …]}`, in
    /// seconds from the beginning, with the files' names without their folders.
    Pictures(OpenFile),
    /// Into a pipe, in slices: each is written at once when it is complete. Concatenated, they are a file in the
    /// container's live form.
    Stream {
        /// The pipe, often [`FileSink::stdout`].
        sink: FileSink,
        /// How long a slice is at least.
        timeslice: Span,
    },
    /// Into a file for each slice. Concatenated, they are a file in the container's live form; a single one may not be
    /// playable.
    Chunks {
        /// How long a slice is at least.
        timeslice: Span,
        /// Opens the files.
        open: OpenFile,
    },
}

/// Opens the file with this number of a recording, counted from 1.
pub type OpenFile = Box<dyn FnMut(u32) -> Result<FileSink> + Send>;

/// A recording in pieces, each a file that is playable and seekable without the others. A piece begins at a key frame;
/// no frame is lost between pieces.
#[non_exhaustive]
pub struct Pieces {
    /// The length of a piece, exact to one frame.
    pub length: Option<Span>,
    /// The approximate size of a piece in bytes.
    pub bytes: Option<u64>,
    /// Opens the files.
    pub open: OpenFile,
}

impl Pieces {
    /// Pieces in files that `open` opens; without a length or a number of bytes, there is only one piece.
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
            Self::Pictures(_) => f.debug_tuple("Pictures").finish_non_exhaustive(),
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
    /// Whether it writes files, which are finished even when the recorder is dropped.
    pub(super) fn is_file(&self) -> bool {
        !matches!(self, Self::Blobs { .. })
    }

    /// The minimum length of a blob or slice.
    fn timeslice(&self) -> Option<Span> {
        match self {
            Self::Blobs { timeslice } => *timeslice,
            Self::Stream { timeslice, .. } | Self::Chunks { timeslice, .. } => Some(*timeslice),
            Self::File(_) | Self::Files(_) | Self::Pictures(_) => None,
        }
    }

    /// The container of the files of a recording whose type stands for `container`.
    ///
    /// # Errors
    /// `NotSupportedError` for a file for each frame where the type is none of pictures.
    pub(super) fn container(&self, container: Container) -> Result<Container> {
        match (self, container) {
            (Self::Pictures(_), Container::Still(_)) => Ok(container),
            (Self::Pictures(_), Container::WebP) => Ok(Container::Still(StillFormat::WebP)),
            (Self::Pictures(_), other) => Err(Error::not_supported(format!(
                "expected the type image/png, image/jpeg or image/webp for a file for each frame but found {}",
                other.name()
            ))),
            (_, container) => Ok(container),
        }
    }
}

/// Takes the bytes of a recording, file by file. Between [`begin`](Output::begin) and [`end`](Output::end), the
/// container's writer writes to the output, and seeks if the output supports it.
pub(super) trait Output: Write + Seek + Send {
    /// Begins the next file.
    fn begin(&mut self) -> Result<()>;

    /// Whether written bytes cannot be changed later, so that the container must be in its live form from the first
    /// byte.
    fn is_live(&self) -> bool;

    /// How many bytes of the present file, or of the one that ended last, have reached the final storage.
    fn stored(&self) -> u64;

    /// Passes on the bytes written since the last call: returns them as a blob, or writes them out and returns an empty
    /// blob.
    fn take_data(&mut self) -> Result<Blob>;

    /// Ends the present file and returns the bytes not handed out yet. A file that is not to be kept is removed.
    fn end(&mut self, keep: bool) -> Result<Blob>;

    /// How many files of the recording are kept.
    fn files(&self) -> u32;

    /// The present file's path, for errors.
    fn path(&self) -> Option<&Path>;
}

/// An output in memory of one file, which is handed out at its end; its blob has this type.
pub(super) fn in_memory(mime_type: &str) -> Box<dyn Output> {
    Box::new(WholeFile::new(mime_type))
}

/// The output of this destination; its blobs have this type.
pub(super) fn open(destination: Destination, mime_type: &str) -> Box<dyn Output> {
    match destination {
        Destination::Blobs { .. } => Box::new(Memory::new(mime_type)),
        Destination::File(sink) => Box::new(Files::one(sink, mime_type)),
        Destination::Files(pieces) => Box::new(Files::new(pieces.open, mime_type)),
        Destination::Pictures(open) => Box::new(Files::pictures(open, mime_type)),
        Destination::Stream { sink, .. } => Box::new(Slices::to_pipe(sink, mime_type)),
        Destination::Chunks { open, .. } => Box::new(Slices::to_files(open, mime_type)),
    }
}
