//! Where a recording goes: blobs in memory, a file, a file after the other, or slices through a pipe.

use std::io::{self, Seek, SeekFrom, Write};

use super::FileSink;
use crate::error::{Error, ErrorKind, Result};
use crate::time::Span;

/// Where a recording goes.
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
    /// Into a pipe, in slices: each is handed on in one piece once it is whole. Joined they are a file in WebM's live
    /// form.
    Stream {
        /// Where to, often [`FileSink::stdout`].
        sink: FileSink,
        /// How long a slice is at least.
        timeslice: Span,
    },
}

impl Destination {
    /// How long what is handed out is at least.
    pub(super) fn timeslice(&self) -> Option<Span> {
        match self {
            Self::Blobs { timeslice } => *timeslice,
            Self::Stream { timeslice, .. } => Some(*timeslice),
            Self::File(_) | Self::Files(_) => None,
        }
    }
}

impl From<FileSink> for Destination {
    fn from(sink: FileSink) -> Self {
        Self::File(sink)
    }
}

/// A recording in pieces, each a file that plays and seeks by itself. A piece begins at a key frame; no frame is lost.
pub struct Pieces {
    /// How long a piece is: exactly, but for a frame.
    pub length: Option<Span>,
    /// How many bytes a piece has, about.
    pub bytes: Option<u64>,
    /// Opens piece number so and so, counted from 1.
    #[allow(clippy::type_complexity, reason = "it is as simple as a function can be")]
    pub open: Box<dyn FnMut(u32) -> Result<FileSink> + Send>,
}

/// The sink of one file of a recording.
#[derive(Debug)]
pub(super) enum Outlet {
    Memory(Vec<u8>),
    File(FileSink),
    /// A pipe, and the slice that is not whole yet.
    Slices(Vec<u8>, FileSink),
}

impl Outlet {
    /// Hands a slice on; others do it whenever they are flushed.
    pub fn hand_on(&mut self) -> Result<()> {
        let Self::Slices(gathered, sink) = self else { return Ok(()) };
        let outcome = sink.write_all(gathered).and_then(|()| sink.flush());
        gathered.clear();
        outcome.map_err(|cause| Error::writing(sink.path(), cause))
    }

    /// The error of a write, with the file's name.
    pub fn blame(&self, error: Error) -> Error {
        match self {
            Self::File(sink) if *error.kind() == ErrorKind::Write => error.at(sink.path().display()),
            _ => error,
        }
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Memory(gathered) | Self::Slices(gathered, _) => gathered.write(bytes),
            Self::File(sink) => sink.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Memory(_) | Self::Slices(..) => Ok(()),
            Self::File(sink) => sink.flush(),
        }
    }
}

/// Memory and slices cannot seek: what was handed out is gone.
impl Seek for Outlet {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Memory(_) | Self::Slices(..) => Err(io::ErrorKind::NotSeekable.into()),
            Self::File(sink) => sink.seek(to),
        }
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        match self {
            Self::Memory(_) | Self::Slices(..) => Err(io::ErrorKind::NotSeekable.into()),
            Self::File(sink) => sink.stream_position(),
        }
    }
}
