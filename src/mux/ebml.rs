//! EBML, the grammar of Matroska (RFC 8794): elements of an ID, a size and data. Reads them from a file that may be
//! damaged or cut at any byte, and writes them.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;

use crate::error::Error;

/// How much is read ahead. Walks read the headers of elements and skip their data, so more would be read for nothing.
const BUFFER: usize = 8 << 10;
/// The longest text that is read, in bytes.
const MAX_TEXT: usize = 1024;

/// The header of an element and its place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element {
    /// The ID with its length marker, as RFC 9559 writes it.
    pub(crate) id: u32,
    /// Where the ID begins.
    pub(crate) start: u64,
    /// Where the data begins.
    pub(crate) body: u64,
    /// How many bytes of data there are; none where the size is not known.
    pub(crate) size: Option<u64>,
}

impl Element {
    /// Where the data ends, if the size is known.
    pub(crate) fn end(&self) -> Option<u64> {
        self.size.map(|size| self.body.saturating_add(size))
    }
}

/// Why a file cannot be read further.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The file must have at least `end` bytes but has only `len`.
    Cut { end: u64, len: u64 },
    /// The file holds something that an undamaged file would not hold; the text says where.
    Damaged(String),
    /// The system could not read the file.
    Unreadable(io::Error),
}

impl Fault {
    /// The fault of data at this place that an undamaged file would not have there.
    pub(crate) fn damaged(at: u64, expected: &str, found: impl std::fmt::Display) -> Self {
        Self::Damaged(format!("expected {expected} at byte {at} but found {found}: the file is damaged"))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Cut { end, len } => {
                Self::not_readable(format!("expected {end} bytes but found {len}: the file breaks off"))
            }
            Fault::Damaged(what) => Self::not_readable(what),
            Fault::Unreadable(error) => Self::not_readable("could not be read").with_cause(error),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// A file of elements. Bytes beyond the length that the file had when it was opened are ignored, so that a file that is
/// still being written reads the same twice.
pub(crate) struct Elements<R: Read + Seek> {
    reader: BufReader<R>,
    position: u64,
    len: u64,
}

impl<R: Read + Seek> Elements<R> {
    pub(crate) fn open(mut reader: R) -> Result<Self, Fault> {
        let len = reader.seek(SeekFrom::End(0))?;
        reader.rewind()?;
        Ok(Self { reader: BufReader::with_capacity(BUFFER, reader), position: 0, len })
    }

    /// How many bytes the file has.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Reads the header of the element at `at`.
    pub(crate) fn element(&mut self, at: u64) -> Result<Element, Fault> {
        self.go_to(at)?;
        let (id, _) = self.vint(true)?;
        let id = u32::try_from(id).map_err(|_| Fault::damaged(at, "a Matroska element", format!("{id:#x}")))?;
        let (size, unknown) = self.vint(false)?;
        Ok(Element { id, start: at, body: self.position, size: (!unknown).then_some(size) })
    }

    /// Reads a variable-size integer (RFC 8794 §4) at `at`; gives it with its end.
    pub(crate) fn vint_at(&mut self, at: u64) -> Result<(u64, u64), Fault> {
        self.go_to(at)?;
        Ok((self.vint(false)?.0, self.position))
    }

    /// Reads the next integer, with or without its length marker; also gives whether all its bits are ones.
    fn vint(&mut self, marker: bool) -> Result<(u64, bool), Fault> {
        let start = self.position;
        let [first] = self.array()?;
        let rest = first.leading_zeros();
        if rest >= 8 {
            return Err(Fault::damaged(start, "a Matroska element", "0x00"));
        }
        let mut value = u64::from(if marker { first } else { first & (0x7f >> rest) });
        for _ in 0..rest {
            let [byte] = self.array()?;
            value = value << 8 | u64::from(byte);
        }
        Ok((value, !marker && value == (1 << (7 * (rest + 1))) - 1))
    }

    /// Reads a range of bytes.
    pub(crate) fn bytes(&mut self, range: Range<u64>) -> Result<Vec<u8>, Fault> {
        self.whole(range.end)?;
        self.go_to(range.start)?;
        let size = range.end - range.start;
        // A size that a file declares is not reserved before the bytes are there.
        let mut bytes = Vec::with_capacity(size.min(1 << 24) as usize);
        (&mut self.reader).take(size).read_to_end(&mut bytes)?;
        self.position += bytes.len() as u64;
        if bytes.len() as u64 == size { Ok(bytes) } else { Err(self.cut(range.end)) }
    }

    /// Reads the bytes at `at`.
    pub(crate) fn array_at<const N: usize>(&mut self, at: u64) -> Result<[u8; N], Fault> {
        self.go_to(at)?;
        self.array()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.whole(self.position + N as u64)?;
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.position += N as u64;
        Ok(bytes)
    }

    /// The first place from `from` on where `is_wanted` accepts the bytes that follow. It gets at least `longest`
    /// bytes, or all up to the file's end. Every byte is read once, and few beyond the place.
    pub(crate) fn find(
        &mut self,
        from: u64,
        longest: usize,
        is_wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<u64>, Fault> {
        let mut at = from;
        let mut step = 256;
        while at < self.len {
            let bytes = self.bytes(at..(at + (step + longest) as u64).min(self.len))?;
            let found = (0..step.min(bytes.len())).find(|&start| is_wanted(&bytes[start..]));
            if let Some(found) = found {
                return Ok(Some(at + found as u64));
            }
            at += step as u64;
            step = (2 * step).min(1 << 16);
        }
        Ok(None)
    }

    /// Checks that the file reaches as far as `end`.
    pub(crate) fn whole(&self, end: u64) -> Result<(), Fault> {
        if end > self.len { Err(self.cut(end)) } else { Ok(()) }
    }

    fn cut(&self, end: u64) -> Fault {
        Fault::Cut { end, len: self.len }
    }

    fn go_to(&mut self, position: u64) -> Result<(), Fault> {
        self.whole(position)?;
        // Both are within the file, whose length is an i64 on every system.
        self.reader.seek_relative(position as i64 - self.position as i64)?;
        self.position = position;
        Ok(())
    }
}

/// Iterates over the elements within a master element, as IDs and data; ends at the first damaged one.
pub(crate) fn children(mut bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let (id, rest) = slice_vint(bytes, true)?;
        let (size, rest) = slice_vint(rest, false)?;
        let (data, rest) = rest.split_at_checked(usize::try_from(size).ok()?)?;
        bytes = rest;
        Some((u32::try_from(id).ok()?, data))
    })
}

/// The data of the first child with this ID.
pub(crate) fn child(bytes: &[u8], wanted: u32) -> Option<&[u8]> {
    children(bytes).find(|(id, _)| *id == wanted).map(|(_, data)| data)
}

/// Reads a variable-size integer (RFC 8794 §4) from the front of these bytes, with or without its length marker; gives
/// the rest too.
pub(crate) fn slice_vint(bytes: &[u8], marker: bool) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let len = first.leading_zeros();
    if len >= 8 {
        return None;
    }
    let (tail, rest) = rest.split_at_checked(len as usize)?;
    let start = u64::from(if marker { first } else { first & (0x7f >> len) });
    Some((tail.iter().fold(start, |value, &byte| value << 8 | u64::from(byte)), rest))
}

/// An unsigned integer; of more than eight bytes, the last eight.
pub(crate) fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// A float of four or eight bytes.
pub(crate) fn float(bytes: &[u8]) -> Option<f64> {
    match *bytes {
        [a, b, c, d] => Some(f64::from(f32::from_be_bytes([a, b, c, d]))),
        [a, b, c, d, e, f, g, h] => Some(f64::from_be_bytes([a, b, c, d, e, f, g, h])),
        _ => None,
    }
}

/// The first kilobyte of a text, without the zeros that may pad it. Control characters become U+FFFD, because a file's
/// texts are shown on terminals, which would obey them.
pub(crate) fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TEXT)]);
    let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.trim_end_matches('\0').chars().map(shown).collect()
}

/// Writes an element with this data.
pub(crate) fn element(id: u32, data: &[u8]) -> Vec<u8> {
    [id_bytes(id), size_bytes(data.len() as u64), data.to_vec()].concat()
}

/// Writes an element of an unsigned integer in `width` bytes, or in more if it needs them.
pub(crate) fn uint(id: u32, value: u64, width: usize) -> Vec<u8> {
    element(id, &value.to_be_bytes()[8 - width.clamp(uint_width(value), 8)..])
}

/// Writes an element of a signed integer in as few bytes as possible.
pub(crate) fn int(id: u32, value: i64) -> Vec<u8> {
    // A leading byte that only repeats the sign of the next one is left out.
    let width = (1..8).find(|width| value >> (8 * width - 1) == value >> 63).unwrap_or(8);
    element(id, &value.to_be_bytes()[8 - width..])
}

/// How many bytes an unsigned integer needs, at least one.
pub(crate) fn uint_width(value: u64) -> usize {
    (64 - value.leading_zeros() as usize).div_ceil(8).max(1)
}

/// The bytes of an ID.
pub(crate) fn id_bytes(id: u32) -> Vec<u8> {
    id.to_be_bytes()[id.leading_zeros() as usize / 8..].to_vec()
}

/// A size in as few bytes as possible.
pub(crate) fn size_bytes(size: u64) -> Vec<u8> {
    // A size of all ones means an unknown size.
    let width = (1..8).find(|width| size < (1 << (7 * width)) - 1).unwrap_or(8);
    (size | 1 << (7 * width)).to_be_bytes()[8 - width..].to_vec()
}

/// The header of an element whose size is not known yet; eight bytes of its size are overwritten once it is.
pub(crate) fn unsized_header(id: u32) -> Vec<u8> {
    long_header(id, (1 << 56) - 1)
}

/// The header of an element, with a size of eight bytes.
pub(crate) fn long_header(id: u32, size: u64) -> Vec<u8> {
    [id_bytes(id), (size | 1 << 56).to_be_bytes().to_vec()].concat()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for size in [0, 1, 126, 127, 128, 16_382, 16_383, 2_097_151, 70_000_000] {
            let bytes = [id_bytes(0xa3), size_bytes(size), vec![7; 3]].concat();
            let element = Elements::open(Cursor::new(&bytes)).unwrap().element(0).unwrap();
            assert_eq!((element.id, element.size), (0xa3, Some(size)));
            assert_eq!(element.body, bytes.len() as u64 - 3, "{size}");
        }
        for (value, width, len) in [(0, 1, 1), (255, 1, 1), (256, 1, 2), (5, 8, 8), (u64::MAX, 1, 8)] {
            let bytes = uint(0xb3, value, width);
            let (id, data) = children(&bytes).next().unwrap();
            assert_eq!((id, unsigned(data), data.len()), (0xb3, value, len));
        }
        for (value, bytes) in [(0, &[0][..]), (-1, &[0xff]), (-40, &[0xd8]), (127, &[0x7f]), (128, &[0, 0x80])] {
            assert_eq!(children(&int(0xfb, value)).next(), Some((0xfb, bytes)), "{value}");
        }
        assert_eq!(children(&int(0xfb, i64::MIN)).next(), Some((0xfb, &i64::MIN.to_be_bytes()[..])));
        for id in [0xec, 0x4286, 0x2a_d7b1, 0x1f43_b675] {
            assert_eq!(children(&element(id, b"x")).next(), Some((id, &b"x"[..])));
        }
    }

    #[test]
    fn patterns_are_found_across_the_steps_of_the_search() {
        let mut bytes = vec![0; 200_000];
        for at in [0, 253, 255, 256, 767, 768, 65_533, 65_534, 65_535, 65_536, 131_071, 199_996] {
            bytes[at..at + 4].copy_from_slice(b"here");
            let mut elements = Elements::open(Cursor::new(&bytes)).unwrap();
            let mut find = |from: usize| elements.find(from as u64, 4, |bytes| bytes.starts_with(b"here")).unwrap();
            assert_eq!(find(0), Some(at as u64));
            assert_eq!(find(at), Some(at as u64));
            assert_eq!(find(at + 1), None);
            bytes[at..at + 4].fill(0);
        }
    }

    #[test]
    fn a_size_beyond_the_end_takes_no_memory() {
        let mut elements = Elements::open(Cursor::new(b"tiny")).unwrap();
        let error = Error::from(elements.bytes(0..u64::MAX >> 1).unwrap_err());
        assert_eq!(error.to_string(), "expected 9223372036854775807 bytes but found 4: the file breaks off");
    }
}
