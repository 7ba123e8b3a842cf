//! A recording in memory that is handed out when it is whole. Unlike [`Memory`](super::memory::Memory), it seeks, so that
//! its container has its index and its exact length without a repair.

use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::path::Path;

use super::Output;
use crate::blob::Blob;
use crate::error::Result;

/// The bytes of one file.
pub struct WholeFile {
    bytes: Cursor<Vec<u8>>,
    mime_type: String,
    files: u32,
}

impl WholeFile {
    /// An empty output. Its blob has this type.
    pub fn new(mime_type: &str) -> Self {
        Self { bytes: Cursor::default(), mime_type: mime_type.to_owned(), files: 0 }
    }
}

impl Output for WholeFile {
    fn begin(&mut self) -> Result<()> {
        self.bytes = Cursor::default();
        self.files += 1;
        Ok(())
    }

    fn is_live(&self) -> bool {
        false
    }

    fn stored(&self) -> u64 {
        self.bytes.get_ref().len() as u64
    }

    fn take_data(&mut self) -> Result<Blob> {
        Ok(Blob::new(Vec::new(), self.mime_type.clone()))
    }

    fn end(&mut self, _keep: bool) -> Result<Blob> {
        Ok(Blob::new(std::mem::take(&mut self.bytes).into_inner(), self.mime_type.clone()))
    }

    fn files(&self) -> u32 {
        self.files
    }

    fn path(&self) -> Option<&Path> {
        None
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for WholeFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}
