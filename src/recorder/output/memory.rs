//! A recording in memory, handed out as blobs.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use super::Output;
use crate::blob::Blob;
use crate::error::Result;

/// Bytes that wait to be handed out. Bytes that were handed out cannot be changed, so this output does not seek.
pub struct Memory {
    waiting: Vec<u8>,
    /// How many bytes were handed out of the present file.
    handed_out: u64,
    mime_type: String,
    files: u32,
}

impl Memory {
    /// An empty output. Its blobs have this type.
    pub fn new(mime_type: &str) -> Self {
        Self { waiting: Vec::new(), handed_out: 0, mime_type: mime_type.to_owned(), files: 0 }
    }
}

impl Output for Memory {
    fn begin(&mut self) -> Result<()> {
        self.handed_out = 0;
        self.files += 1;
        Ok(())
    }

    fn is_live(&self) -> bool {
        true
    }

    fn stored(&self) -> u64 {
        self.handed_out + self.waiting.len() as u64
    }

    fn take_data(&mut self) -> Result<Blob> {
        self.handed_out += self.waiting.len() as u64;
        Ok(Blob::new(std::mem::take(&mut self.waiting), self.mime_type.clone()))
    }

    fn end(&mut self, _keep: bool) -> Result<Blob> {
        self.take_data()
    }

    fn files(&self) -> u32 {
        self.files
    }

    fn path(&self) -> Option<&Path> {
        None
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Memory {
    fn seek(&mut self, _to: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::NotSeekable.into())
    }
}
