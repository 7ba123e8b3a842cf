//! Boxes, the grammar of MP4 (ISO/IEC 14496-12 §4.2): a size, a type and data. Writes them, and reads those that are in
//! memory.

use std::ops::Range;

/// The type of a box, as `*b"moov"`.
pub(crate) type FourCc = [u8; 4];

/// The bytes of boxes that are being written, one within another.
#[derive(Debug, Default)]
pub(crate) struct BoxWriter {
    bytes: Vec<u8>,
}

impl BoxWriter {
    /// A box of this type, whose content `content` writes.
    pub(crate) fn boxed(&mut self, kind: FourCc, content: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.u32(0);
        self.bytes.extend(kind);
        content(self);
        let size = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        self.bytes[start..start + 4].copy_from_slice(&size.to_be_bytes());
    }

    /// A box with a version and flags of 24 bits (§4.2, `FullBox`).
    pub(crate) fn full(&mut self, kind: FourCc, version: u8, flags: u32, content: impl FnOnce(&mut Self)) {
        self.boxed(kind, |boxes| {
            boxes.u32(u32::from(version) << 24 | flags);
            content(boxes);
        });
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes.extend(value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend(value.to_be_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn zeros(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len() + count, 0);
    }

    /// How many bytes were written.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Writes over four bytes.
    pub(crate) fn set_u32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// A box alone.
pub(crate) fn boxed(kind: FourCc, content: &[u8]) -> Vec<u8> {
    let mut boxes = BoxWriter::default();
    boxes.boxed(kind, |boxes| boxes.bytes(content));
    boxes.into_bytes()
}

/// A box that was read: its type, and its whole and its content as ranges of the bytes that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BoxRange {
    pub(crate) kind: FourCc,
    pub(crate) whole: Range<usize>,
    pub(crate) content: Range<usize>,
}

/// Iterates over the boxes within these bytes; ends at the first that does not fit.
pub(crate) fn ranges(bytes: &[u8]) -> impl Iterator<Item = BoxRange> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &bytes[at..];
        let size = u64::from(u32_at(rest, 0)?);
        let kind = *rest.get(4..)?.first_chunk::<4>()?;
        let (header, size) = match size {
            0 => (8, rest.len() as u64),
            1 => (16, u64_at(rest, 8)?),
            size => (8, size),
        };
        if size < header || size > rest.len() as u64 {
            return None;
        }
        let (start, end) = (at, at + size as usize);
        at = end;
        Some(BoxRange { kind, whole: start..end, content: start + header as usize..end })
    })
}

/// Iterates over the boxes within these bytes, as types and contents.
pub(crate) fn children(bytes: &[u8]) -> impl Iterator<Item = (FourCc, &[u8])> {
    ranges(bytes).map(|found| (found.kind, &bytes[found.content]))
}

/// The content of the first box of this type.
pub(crate) fn child(bytes: &[u8], wanted: FourCc) -> Option<&[u8]> {
    children(bytes).find(|(kind, _)| *kind == wanted).map(|(_, content)| content)
}

/// The content of the box at this path.
pub(crate) fn descend<'a>(bytes: &'a [u8], path: &[FourCc]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, kind| child(bytes, *kind))
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A type as text: what is not ASCII is escaped.
pub(crate) fn name(kind: FourCc) -> String {
    kind.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_within_boxes_are_read_as_they_were_written() {
        let mut boxes = BoxWriter::default();
        boxes.boxed(*b"moov", |moov| {
            moov.full(*b"mvhd", 1, 7, |mvhd| mvhd.u64(5));
            moov.boxed(*b"free", |_| {});
        });
        let bytes = boxes.into_bytes();
        assert_eq!(descend(&bytes, &[*b"moov", *b"mvhd"]), Some(&[1, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 5][..]));
        assert_eq!(children(&bytes[8..]).map(|(kind, _)| kind).collect::<Vec<_>>(), [*b"mvhd", *b"free"]);
        assert_eq!(descend(&bytes, &[*b"moov", *b"trak"]), None);
    }

    #[test]
    fn sizes_that_do_not_fit_end_the_walk() {
        let long = [&[0, 0, 0, 1][..], b"mdat", &18_u64.to_be_bytes(), b"xy"].concat();
        assert_eq!(child(&long, *b"mdat"), Some(&b"xy"[..]));
        let open = [&[0, 0, 0, 0][..], b"mdat", b"xyz"].concat();
        assert_eq!(child(&open, *b"mdat"), Some(&b"xyz"[..]));
        for size in [2_u32, 7, 13, u32::MAX] {
            let bytes = [&size.to_be_bytes()[..], b"mdat", b"xyz"].concat();
            assert_eq!(ranges(&bytes).count(), 0, "{size}");
        }
        assert_eq!(ranges(&[0, 0, 0, 1, b'm', b'd', b'a', b't', 255]).count(), 0);
    }
}
