//! A recording in slices, each written once it is complete: to a pipe, or to its own file.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use super::{FileSink, OpenFile, Output};
use crate::blob::Blob;
use crate::error::{Error, Result};

/// Buffers a slice and writes it at once when it is complete.
pub struct Slices {
    to: SliceTarget,
    gathered: Vec<u8>,
    /// How many bytes of the slices before were written.
    stored: u64,
    /// How many files hold a slice.
    files: u32,
    /// A slice could not be written: none may follow it.
    failed: bool,
    mime_type: String,
}

enum SliceTarget {
    Pipe(FileSink),
    Files(OpenFile),
}

impl Slices {
    /// Writes to this pipe.
    pub fn to_pipe(sink: FileSink, mime_type: &str) -> Self {
        Self::new(SliceTarget::Pipe(sink), mime_type)
    }

    /// Writes each slice to its own file.
    pub fn to_files(open: OpenFile, mime_type: &str) -> Self {
        Self::new(SliceTarget::Files(open), mime_type)
    }

    fn new(to: SliceTarget, mime_type: &str) -> Self {
        Self { to, gathered: Vec::new(), stored: 0, files: 0, failed: false, mime_type: mime_type.to_owned() }
    }

    fn write_slice(&mut self) -> Result<()> {
        let slice = std::mem::take(&mut self.gathered);
        if slice.is_empty() || self.failed {
            return Ok(());
        }
        // It counts as failed until it is written.
        self.failed = true;
        match &mut self.to {
            SliceTarget::Pipe(sink) => {
                write_all(sink, &slice)?;
                self.files = 1;
            }
            SliceTarget::Files(open) => {
                let mut sink = open(self.files + 1)?;
                if let Err(error) = write_all(&mut sink, &slice) {
                    // An incomplete slice would make the concatenated file unusable.
                    sink.discard();
                    return Err(error);
                }
                self.files += 1;
            }
        }
        self.failed = false;
        self.stored += slice.len() as u64;
        Ok(())
    }

    fn nothing(&self) -> Blob {
        Blob::new(Vec::new(), self.mime_type.clone())
    }
}

fn write_all(sink: &mut FileSink, slice: &[u8]) -> Result<()> {
    let written = sink.write_all(slice).and_then(|()| sink.flush());
    written.map_err(|cause| Error::writing(sink.path(), cause))
}

impl Output for Slices {
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    fn is_live(&self) -> bool {
        true
    }

    fn stored(&self) -> u64 {
        self.stored
    }

    fn take_data(&mut self) -> Result<Blob> {
        self.write_slice().map(|()| self.nothing())
    }

    fn end(&mut self, keep: bool) -> Result<Blob> {
        if !keep {
            self.gathered.clear();
        }
        self.take_data()
    }

    fn files(&self) -> u32 {
        self.files
    }

    fn path(&self) -> Option<&Path> {
        None
    }
}

impl Write for Slices {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Written bytes cannot be changed, so this output does not seek.
impl Seek for Slices {
    fn seek(&mut self, _to: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::NotSeekable.into())
    }
}
