//! A pipe as something that seeks, so that the reader of Matroska can walk over a file that another program is still
//! writing.
//!
//! # Budget
//! What was read is kept back to the place that the reader released last, so that a block can be read after the fields
//! behind it: at most [`MAX_KEPT`], which is more than the longest frame that the reader takes.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many bytes are kept at most.
const MAX_KEPT: usize = 80 << 20;
/// How much is read at once.
const CHUNK: usize = 64 << 10;
/// The length that a pipe claims: its end is not known before it comes.
const UNKNOWN_LENGTH: u64 = 1 << 60;

/// A pipe that seeks forward, and backward as far as it was not released.
pub(super) struct LiveInput<R> {
    pipe: R,
    /// The bytes from `start` on.
    kept: Vec<u8>,
    start: u64,
    position: u64,
    released: Released,
}

/// The place up to which what was read is no longer needed.
#[derive(Debug, Clone, Default)]
pub(super) struct Released(Arc<AtomicU64>);

impl Released {
    /// Releases everything before this place.
    pub fn up_to(&self, position: u64) {
        self.0.store(position, Ordering::Relaxed);
    }
}

impl<R: Read> LiveInput<R> {
    pub fn new(pipe: R) -> (Self, Released) {
        let released = Released::default();
        (Self { pipe, kept: Vec::new(), start: 0, position: 0, released: released.clone() }, released)
    }

    /// Drops what was released.
    fn release(&mut self) {
        let end = self.start + self.kept.len() as u64;
        let released = self.released.0.load(Ordering::Relaxed).min(self.position).min(end);
        // Moving the rest costs as much as it has bytes; so it is moved when it is the smaller part.
        let gone = released.saturating_sub(self.start) as usize;
        if gone > self.kept.len() / 2 {
            self.kept.drain(..gone);
            self.start = released;
        }
    }

    /// Reads more of the pipe; false at its end.
    fn read_on(&mut self) -> io::Result<bool> {
        self.release();
        if self.kept.len() > MAX_KEPT {
            return Err(io::Error::other(format!(
                "expected a packet of at most {MAX_KEPT} bytes but found a longer one"
            )));
        }
        let before = self.kept.len();
        self.kept.resize(before + CHUNK, 0);
        let read = loop {
            match self.pipe.read(&mut self.kept[before..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.kept.truncate(before + *read.as_ref().unwrap_or(&0));
        read.map(|read| read > 0)
    }
}

impl<R: Read> Read for LiveInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(from) = self.position.checked_sub(self.start) else {
                return Err(io::Error::other("expected a place that is kept but found one before it"));
            };
            let bytes = self.kept.get(from as usize..).unwrap_or_default();
            if !bytes.is_empty() {
                let length = bytes.len().min(buffer.len());
                buffer[..length].copy_from_slice(&bytes[..length]);
                self.position += length as u64;
                return Ok(length);
            }
            if !self.read_on()? {
                return Ok(0);
            }
        }
    }
}

impl<R: Read> Seek for LiveInput<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => UNKNOWN_LENGTH.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, as a pipe does.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(7).min(self.0.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    #[test]
    fn a_pipe_is_read_forward_and_back_to_what_is_kept() {
        let bytes: Vec<u8> = (0..200).collect();
        let (mut input, released) = LiveInput::new(Drops(&bytes));
        let mut three = [0; 3];
        for at in [0u64, 50, 20, 100, 21] {
            input.seek(SeekFrom::Start(at)).unwrap();
            input.read_exact(&mut three).unwrap();
            assert_eq!(three[0], at as u8);
        }
        released.up_to(101);
        input.seek(SeekFrom::Start(150)).unwrap();
        input.read_exact(&mut three).unwrap();
        assert_eq!(three, [150, 151, 152]);
        assert!(input.kept.len() < 80, "{} bytes are kept", input.kept.len());
        input.seek(SeekFrom::Start(30)).unwrap();
        assert!(input.read(&mut three).is_err(), "it was released");
        input.seek(SeekFrom::Start(198)).unwrap();
        assert_eq!(input.read_exact(&mut three).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
