//! Writes a recording to one file, or to several files in sequence.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use super::{FileSink, OpenFile, Output};
use crate::blob::Blob;
use crate::error::{Error, ErrorKind, Result};

/// The files of a recording. Each is opened when it begins, and is playable at any time while it is written.
pub struct Files {
    open: OpenFile,
    /// How many files were opened, and how many of these were removed.
    opened: u32,
    removed: u32,
    present: Option<FileSink>,
    /// The size in bytes of the file that ended last.
    ended_with: u64,
    /// How many bytes were handed out of the present file.
    handed_out: u64,
    /// Whether the files' bytes are handed out as blobs, each of which keeps a file open.
    gives_blobs: bool,
    mime_type: String,
}

impl Files {
    /// Several files in sequence, opened by `open`. Their blobs have this type.
    pub fn new(open: OpenFile, mime_type: &str) -> Self {
        let mime_type = mime_type.to_owned();
        Self { open, opened: 0, removed: 0, present: None, ended_with: 0, handed_out: 0, gives_blobs: true, mime_type }
    }

    /// A file for each frame. There are too many of them to hand out.
    pub fn pictures(open: OpenFile, mime_type: &str) -> Self {
        Self { gives_blobs: false, ..Self::new(open, mime_type) }
    }

    /// A single file.
    pub fn one(sink: FileSink, mime_type: &str) -> Self {
        let mut sink = Some(sink);
        let none =
            || Error::new(ErrorKind::InvalidState, "expected a recording of one file but found another to begin");
        Self::new(Box::new(move |_| sink.take().ok_or_else(none)), mime_type)
    }

    fn present(&mut self) -> io::Result<&mut FileSink> {
        self.present.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// The bytes of the present file that were not handed out yet; empty for a device, a pipe or a
    /// picture of many.
    fn rest(&self) -> Blob {
        let nothing = || Blob::new(Vec::new(), self.mime_type.clone());
        let Some(sink) = self.present.as_ref().filter(|sink| sink.is_regular() && self.gives_blobs) else {
            return nothing();
        };
        let stored = sink.stored();
        let file = sink.reader().and_then(|file| Blob::from_open_file(file, self.mime_type.clone())).ok();
        file.map_or_else(nothing, |file| file.slice(self.handed_out.min(stored)..stored))
    }
}

impl Output for Files {
    fn begin(&mut self) -> Result<()> {
        // Counted before opening, and counted as removed when opening fails, so that no file number is used twice.
        self.opened += 1;
        self.present = Some((self.open)(self.opened).inspect_err(|_| self.removed += 1)?);
        self.handed_out = 0;
        Ok(())
    }

    /// False for a pipe too: the container's writer detects that a pipe does not seek, and uses the live form.
    fn is_live(&self) -> bool {
        false
    }

    fn stored(&self) -> u64 {
        self.present.as_ref().map_or(self.ended_with, FileSink::stored)
    }

    fn take_data(&mut self) -> Result<Blob> {
        let data = self.rest();
        self.handed_out += data.size();
        Ok(data)
    }

    fn end(&mut self, keep: bool) -> Result<Blob> {
        self.ended_with = self.stored();
        let data = self.rest();
        let sink = self.present.take();
        if keep {
            return Ok(data);
        }
        if let Some(sink) = sink {
            self.removed += 1;
            sink.discard();
        }
        Ok(data.slice(0..0))
    }

    fn files(&self) -> u32 {
        self.opened - self.removed
    }

    fn path(&self) -> Option<&Path> {
        self.present.as_ref().map(FileSink::path)
    }
}

impl Write for Files {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.present()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.present()?.flush()
    }
}

impl Seek for Files {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.present()?.seek(to)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        self.present()?.stream_position()
    }
}
