//! The sink that a container's writer writes to. A failed write reports its cause: the first error is kept, because
//! later errors follow from it.

use std::io::{self, Seek, SeekFrom, Write};

use crate::error::{Error, ErrorKind, Result};

/// The first error of a sink, if there was one.
#[derive(Debug, Default)]
pub(super) struct FirstError(Option<io::Error>);

impl FirstError {
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Keeps the error of an operation, if it is the first, and returns the operation's result.
    pub fn keep(&mut self, outcome: io::Result<()>) -> io::Result<()> {
        if let Err(error) = &outcome {
            self.0.get_or_insert_with(|| same(error));
        }
        outcome
    }

    /// The error as the writer returns it.
    pub fn outcome(&self) -> Result<()> {
        match &self.0 {
            None => Ok(()),
            Some(error) => {
                let what = match error.kind() {
                    io::ErrorKind::BrokenPipe => "expected a reader but found that it has gone away",
                    _ => "the recording could not be written",
                };
                Err(Error::new(ErrorKind::Write, what).with_cause(same(error)))
            }
        }
    }
}

/// A copy of an error, with its kind and text; `io::Error` cannot be cloned.
pub(super) fn same(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| io::Error::new(error.kind(), error.to_string()), io::Error::from_raw_os_error)
}

/// A sink that blocks are appended to, each in one write, so that a full disk holds only whole ones.
#[derive(Debug)]
pub(super) struct BlockSink<W> {
    pub sink: W,
    pub error: FirstError,
    /// Whether the sink can be overwritten.
    seekable: bool,
    /// How many bytes were appended.
    written: u64,
}

impl<W: Write + Seek> BlockSink<W> {
    /// Moves to the sink's beginning.
    pub fn new(mut sink: W) -> Self {
        let seekable = sink.seek(SeekFrom::Start(0)).is_ok();
        Self { sink, error: FirstError::default(), seekable, written: 0 }
    }

    pub fn is_seekable(&self) -> bool {
        self.seekable
    }

    pub fn written(&self) -> u64 {
        self.written
    }

    /// Appends a block. After an error nothing is appended: there would be a hole before it.
    pub fn append(&mut self, block: &[u8]) -> Result<()> {
        self.error.outcome()?;
        let outcome = self.sink.write_all(block);
        self.written += block.len() as u64;
        // The returned error is the same one.
        let _ = self.error.keep(outcome);
        self.error.outcome()
    }

    /// Overwrites the beginning of the file. It is tried also after an error.
    pub fn rewrite_beginning(&mut self, bytes: &[u8]) {
        self.rewrite(0, bytes);
    }

    /// Overwrites bytes in the file. It is tried also after an error.
    pub fn rewrite(&mut self, at: u64, bytes: &[u8]) {
        let rewritten = self.sink.seek(SeekFrom::Start(at)).and_then(|_| self.sink.write_all(bytes));
        let back = self.sink.seek(SeekFrom::Start(self.written)).map(drop);
        // Both errors are kept; nothing else can be done about them.
        let _ = self.error.keep(rewritten.and(back));
    }

    /// Flushes the sink.
    pub fn flush(&mut self) {
        let outcome = self.sink.flush();
        // An error is kept, and returned by the next call.
        let _ = self.error.keep(outcome);
    }

    /// How many bytes the sink accepted; all that were written, if the sink cannot report it.
    pub fn stored(&mut self) -> u64 {
        let stored = if self.seekable { self.sink.seek(SeekFrom::End(0)).ok() } else { None };
        stored.unwrap_or(self.written)
    }
}
