//! Walks over the boxes at the top of an MP4 file, from the front (ISO/IEC 14496-12 §4.2). A file may be damaged or cut at
//! any byte.

use std::io::{Read, Seek};
use std::ops::Range;

use super::boxes::{FourCc, name, u32_at, u64_at};
use crate::error::{Error, Result};
use crate::mux::ebml::{Elements, Fault};

/// A box at the top of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopBox {
    pub(crate) kind: FourCc,
    pub(crate) start: u64,
    /// Its content, which may end behind the file's end.
    pub(crate) content: Range<u64>,
}

/// Whether a file is MP4, or QuickTime's format that it comes from, by its first bytes. Leaves it at its beginning.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn is_mp4(input: &mut (impl Read + Seek)) -> Result<bool> {
    const FIRST: [&FourCc; 9] = [b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx"];
    let mut head = Vec::new();
    input
        .rewind()
        .and_then(|()| input.take(8).read_to_end(&mut head))
        .and_then(|_| input.rewind())
        .map_err(|error| Error::not_readable("could not be read").with_cause(error))?;
    Ok(head.get(4..8).is_some_and(|kind| FIRST.iter().any(|first| kind == *first)))
}

/// An MP4 file, open at its next box.
pub(crate) struct Mp4File<R: Read + Seek> {
    pub(crate) bytes: Elements<R>,
    pub(crate) at: u64,
    /// Where the content of the first `mdat` begins.
    data: Option<u64>,
}

impl<R: Read + Seek> Mp4File<R> {
    pub(crate) fn open(reader: R) -> Result<Self, Fault> {
        Ok(Self { bytes: Elements::open(reader)?, at: 0, data: None })
    }

    pub(crate) fn len(&self) -> u64 {
        self.bytes.len()
    }

    /// The next box, which is passed over. None at the end.
    pub(crate) fn next(&mut self) -> Result<Option<TopBox>, Fault> {
        let (start, len) = (self.at, self.len());
        if start >= len {
            return Ok(None);
        }
        let head: [u8; 8] = self.bytes.array_at(start)?;
        let kind = [head[4], head[5], head[6], head[7]];
        if !kind.iter().all(|byte| byte.is_ascii_graphic() || [b' ', 0xa9].contains(byte)) {
            return Err(Fault::damaged(start, "the type of a box", format!("`{}`", name(kind))));
        }
        let (header, size) = match u32_at(&head, 0).unwrap_or(0) {
            0 => (8, len - start),
            1 => (16, u64_at(&self.bytes.array_at::<8>(start + 8)?, 0).unwrap_or(0)),
            size => (8, size.into()),
        };
        if size < header {
            return Err(Fault::damaged(start, &format!("a box of at least {header} bytes"), format!("one of {size}")));
        }
        let end = start.saturating_add(size);
        self.at = end.min(len);
        if kind == *b"mdat" {
            self.data.get_or_insert(start + header);
        }
        Ok(Some(TopBox { kind, start, content: start + header..end }))
    }

    /// Moves into the first `mdat`, if that begins with the header that a growing file of ours had: the fragments are there
    /// still, where the index behind them is lost.
    pub(crate) fn enter_hybrid(&mut self) -> Result<bool, Fault> {
        let Some(data) = self.data.filter(|data| data.saturating_add(8) <= self.len()) else { return Ok(false) };
        let head: [u8; 8] = self.bytes.array_at(data)?;
        let begins = head.ends_with(b"moov");
        if begins {
            self.at = data;
        }
        Ok(begins)
    }

    /// Moves to the next fragment or `moov` behind this place. False where there is none.
    pub(crate) fn resync(&mut self, from: u64) -> Result<bool, Fault> {
        // A box's size, its type, and the header of its first child, of which 14496-12 says which it is.
        let begins = |bytes: &[u8]| {
            let size = u32_at(bytes, 0).unwrap_or(0);
            let kinds = (bytes.get(4..8), bytes.get(12..16));
            size >= 24 && [(Some(&b"moof"[..]), Some(&b"mfhd"[..])), (Some(b"moov"), Some(b"mvhd"))].contains(&kinds)
        };
        let found = self.bytes.find(from, 16, begins)?;
        self.at = found.unwrap_or(self.at);
        Ok(found.is_some())
    }
}
