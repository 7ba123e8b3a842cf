//! Walks over a Matroska or WebM file, element by element (RFC 9559): the one reader of sources, repair and inspection.
//!
//! It can read files that break off: it walks from the front and needs neither an index nor a known length. So it gives
//! all whole blocks of a recording that crashed, and only then the fault that says where the file ends; behind a
//! damaged place it finds the next cluster. (The matroska-demuxer crate does not open a file whose index is cut off,
//! and takes a cut for the end.)
//!
//! # Budget
//! A file may be made to do harm. A walk takes time in proportion to the file's length, whatever its content: it never
//! goes back, looks at no more than three elements ahead, and searches each byte for a cluster once. It reads at most
//!
//! | what | at most |
//! |---|---|
//! | each of `Info`, `Tracks` and `Cues` | 16 MiB |
//! | the EBML header | 4 KiB |
//! | tracks | 128 |
//! | cues | 1 million |
//! | elements of a block group, and as many of what it adds to its block | 64 |
//! | a frame | 64 MiB |
//! | a name or another text | 1 KiB |

use std::io::{Read, Seek};
use std::ops::Range;

use super::ebml::{Element, Elements, Fault, child, slice_vint, text, unsigned};
use crate::error::{Error, Result};

mod header;
pub(crate) mod id;
mod track;

pub(crate) use header::{Cue, Info, cues_of, seek_head};
pub use track::TrackType;
pub(crate) use track::{Track, av1_string};

/// The first bytes of every Matroska file: the ID of the EBML header.
pub(crate) const MAGIC: &[u8] = &id::EBML.to_be_bytes();

/// The longest header that is read (`Info`, `Tracks`, `Cues`), in bytes.
const MAX_HEADER: u64 = 16 << 20;
/// How much of the EBML header is read, in bytes.
const MAX_EBML: u64 = 4 << 10;
/// The longest frame that is read, in bytes.
const MAX_FRAME: u64 = 64 << 20;
/// The most elements in a block group: a block, its duration and the like, and references to other frames.
const MAX_GROUP: usize = 64;
/// The headers of a cluster and of its first child: an ID of 4 bytes and a size of 8, twice.
const CLUSTER_HEAD: usize = 24;

/// What comes next in a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// A child of the segment that is no cluster: `Info`, `Tracks`, `Cues`, …
    Header(Element),
    /// A cluster begins.
    Cluster(Element),
    /// A child of the cluster that is no block.
    Child(Element),
    /// A block.
    Block(Block),
}

/// One block: a frame of a track, or several laced frames, and its place in the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block {
    /// The whole `SimpleBlock` or `BlockGroup`.
    pub(crate) element: Range<u64>,
    /// The frame; of a laced block, its frames with their sizes.
    pub(crate) data: Range<u64>,
    /// The number of its track; there may be no such track.
    pub(crate) track: u64,
    /// Its time, in units of [`Info::scale`].
    pub(crate) time: i64,
    /// Its time relative to its cluster's, as the block stores it.
    pub(crate) relative: i16,
    /// The flags byte of its head (RFC 9559 §10.1, §10.2).
    pub(crate) flags: u8,
    /// Whether the file marks it as a block where decoding can begin.
    pub(crate) key: bool,
    /// The data that its group adds to the frame under the number 1 (RFC 9559 §5.1.3.5.2): transparency, where the track
    /// has any.
    pub(crate) additional: Option<Range<u64>>,
    /// Its duration, in units of [`Info::scale`], where its group gives it.
    pub(crate) duration: Option<u64>,
    /// How many frames it holds.
    pub(crate) frames: u64,
    /// False for the block of a group that is cut behind the block.
    pub(crate) whole: bool,
}

impl Block {
    /// Whether it holds several frames.
    pub(crate) fn is_laced(&self) -> bool {
        self.flags & 0b110 != 0
    }
}

/// A Matroska file, open at its next item.
pub(crate) struct Matroska<R: Read + Seek> {
    elements: Elements<R>,
    ebml: Range<u64>,
    doc_type: String,
    segment: Element,
    /// The end of the segment, as far as it is known.
    segment_end: u64,
    /// The least end of the file according to the sizes in it.
    declared_end: u64,
    /// The beginning of the next item.
    at: u64,
    cluster: Option<Cluster>,
    /// The numbers of the tracks; empty while they are not known.
    tracks: Vec<u64>,
}

/// The cluster that is open.
#[derive(Debug, Clone, Copy)]
struct Cluster {
    /// Its end, as far as it is known, and whether its header gives it.
    end: u64,
    sized: bool,
    time: Option<u64>,
}

impl<R: Read + Seek> Matroska<R> {
    /// Reads the EBML header and the segment's.
    ///
    /// # Errors
    /// A file that is not Matroska, or that breaks off before the segment.
    pub(crate) fn open(reader: R) -> Result<Self> {
        let mut elements = Elements::open(reader)?;
        let head = elements.bytes(0..elements.len().min(MAGIC.len() as u64))?;
        if head != MAGIC {
            let found = if head.is_empty() { "an empty file".to_owned() } else { format!("`{}`", head.escape_ascii()) };
            return Err(Error::not_readable(format!("expected a Matroska or WebM file but found {found}")));
        }
        let ebml = elements.element(0)?;
        let end = ebml.end().unwrap_or(ebml.body);
        let header = elements.bytes(ebml.body..end.min(ebml.body.saturating_add(MAX_EBML)))?;
        let segment = elements.element(end)?;
        if segment.id != id::SEGMENT {
            let found = segment.id;
            return Err(Error::not_readable(format!("expected a Matroska segment but found element {found:#x}")));
        }
        Ok(Self {
            elements,
            ebml: 0..end,
            doc_type: child(&header, id::DOC_TYPE).map_or_else(|| "matroska".to_owned(), text),
            segment,
            segment_end: segment.end().unwrap_or(u64::MAX),
            declared_end: segment.end().unwrap_or(0),
            at: segment.body,
            cluster: None,
            tracks: Vec::new(),
        })
    }

    /// How many bytes the file has.
    pub(crate) fn len(&self) -> u64 {
        self.elements.len()
    }

    /// `webm` or `matroska`.
    pub(crate) fn doc_type(&self) -> &str {
        &self.doc_type
    }

    /// The whole EBML header.
    pub(crate) fn ebml(&self) -> Range<u64> {
        self.ebml.clone()
    }

    pub(crate) fn segment(&self) -> Element {
        self.segment
    }

    /// The beginning of the next item, or of the item that would follow the last one.
    pub(crate) fn position(&self) -> u64 {
        self.at
    }

    /// Moves to the item at `position`, a child of the segment.
    pub(crate) fn go_to(&mut self, position: u64) {
        self.at = position;
        self.cluster = None;
    }

    /// Moves to the next item and returns it; none at the end. Where the file is cut or damaged, it does not move: then
    /// [`Matroska::resync`] may find more.
    pub(crate) fn next(&mut self) -> Result<Option<Item>, Fault> {
        if self.cluster.is_some_and(|cluster| self.at >= cluster.end) {
            self.cluster = None;
        }
        if self.at >= self.segment_end && self.cluster_follows()? {
            // The segment's size was never corrected, or it is damaged.
            self.segment_end = u64::MAX;
        }
        if self.at >= self.segment_end.min(self.len()) {
            return self.elements.whole(self.declared_end).map(|()| None);
        }
        let element = self.elements.element(self.at)?;
        match self.cluster {
            Some(cluster) if id::in_cluster(element.id) => self.child(element, cluster).map(Some),
            Some(cluster) if !id::in_segment(element.id) && element.id != id::EBML => {
                self.unknown(element, cluster.end).map(|()| Some(Item::Child(element)))
            }
            Some(cluster) if cluster.sized => Err(damaged(element)),
            _ => {
                self.cluster = None;
                self.header(element)
            }
        }
    }

    fn header(&mut self, element: Element) -> Result<Option<Item>, Fault> {
        match element.id {
            // Another file follows.
            id::EBML => return Ok(None),
            id::CLUSTER => {
                let end = element.end();
                self.declared_end = self.declared_end.max(end.unwrap_or(0));
                self.cluster = Some(Cluster { end: end.unwrap_or(self.segment_end), sized: end.is_some(), time: None });
                self.at = element.body;
                return Ok(Some(Item::Cluster(element)));
            }
            id if id::in_segment(id) => self.at = self.end_of(element, u64::MAX)?,
            _ => self.unknown(element, self.segment_end)?,
        }
        Ok(Some(Item::Header(element)))
    }

    fn child(&mut self, element: Element, cluster: Cluster) -> Result<Item, Fault> {
        if element.id == id::BLOCK_GROUP {
            return self.group(element, cluster);
        }
        let end = self.end_of(element, cluster.end)?;
        let item = match element.id {
            id::TIMESTAMP => {
                let time = unsigned(&self.elements.bytes(element.body..end.min(element.body + 8))?);
                self.cluster = Some(Cluster { time: Some(time), ..cluster });
                Item::Child(element)
            }
            id::SIMPLE_BLOCK => {
                let block = self.block(element, end, cluster)?;
                Item::Block(Block { key: block.flags & 0x80 != 0, ..block })
            }
            _ => Item::Child(element),
        };
        self.at = end;
        Ok(item)
    }

    /// A block with the fields of its group. If the group is cut, a whole block in it is still returned.
    fn group(&mut self, group: Element, cluster: Cluster) -> Result<Item, Fault> {
        let (end, whole) = match self.end_of(group, cluster.end) {
            Ok(end) => (end, true),
            Err(Fault::Cut { end, .. }) => (end, false),
            Err(fault) => return Err(fault),
        };
        let (mut block, mut key, mut duration, mut additional) = (None, true, None, None);
        let mut at = group.body;
        let mut count = 0;
        while at < end {
            count += 1;
            if count > MAX_GROUP {
                let expected = format!("a group of at most {MAX_GROUP} elements");
                return Err(Fault::damaged(group.start, &expected, "more"));
            }
            let found = match self.elements.element(at).and_then(|element| Ok((element, self.end_of(element, end)?))) {
                Ok(found) => found,
                // The fault behind the block is reported when the next item is asked for.
                Err(Fault::Cut { .. }) if block.is_some() && !whole => break,
                Err(fault) => return Err(fault),
            };
            let (element, element_end) = found;
            match element.id {
                id::BLOCK => block = Some(self.block(element, element_end, cluster)?),
                id::REFERENCE_BLOCK => key = false,
                id::BLOCK_ADDITIONS => additional = self.additional(element.body..element_end)?,
                id::BLOCK_DURATION => {
                    let end = element_end.min(element.body + 8);
                    duration = Some(unsigned(&self.elements.bytes(element.body..end)?));
                }
                _ => {}
            }
            at = element_end;
        }
        let Some(block) = block else {
            self.end_of(group, cluster.end)?;
            // A group without a block has no effect.
            self.at = end;
            return Ok(Item::Child(group));
        };
        // Past the end of a file that is cut there, nothing follows but the fault.
        self.at = end.min(self.len());
        self.declared_end = self.declared_end.max(end);
        Ok(Item::Block(Block {
            element: group.start..self.at,
            key: key && whole,
            additional,
            duration,
            whole,
            ..block
        }))
    }

    /// The data under the number 1 in the `BlockAdditions` with this content; none where these are damaged.
    fn additional(&mut self, additions: Range<u64>) -> Result<Option<Range<u64>>, Fault> {
        match self.find_additional(additions) {
            Err(Fault::Unreadable(error)) => Err(Fault::Unreadable(error)),
            found => Ok(found.unwrap_or(None)),
        }
    }

    fn find_additional(&mut self, additions: Range<u64>) -> Result<Option<Range<u64>>, Fault> {
        let (mut at, mut count) = (additions.start, 0);
        while at < additions.end {
            let more = self.elements.element(at)?;
            let more_end = self.end_of(more, additions.end)?;
            let (mut number, mut found) = (1, None);
            let mut child_at = if more.id == id::BLOCK_MORE { more.body } else { more_end };
            count += 1;
            while child_at < more_end {
                let child = self.elements.element(child_at)?;
                child_at = self.end_of(child, more_end)?;
                match child.id {
                    id::BLOCK_ADD_ID => {
                        number = unsigned(&self.elements.bytes(child.body..child_at.min(child.body + 8))?);
                    }
                    id::BLOCK_ADDITIONAL => found = Some(child.body..child_at),
                    _ => {}
                }
                count += 1;
                if count > MAX_GROUP {
                    return Ok(None);
                }
            }
            if number == 1 && found.is_some() {
                return Ok(found);
            }
            if count > MAX_GROUP {
                return Ok(None);
            }
            at = more_end;
        }
        Ok(None)
    }

    /// Reads the head of a block (RFC 9559 §10.1, §10.2).
    fn block(&mut self, element: Element, end: u64, cluster: Cluster) -> Result<Block, Fault> {
        let damaged = |found| Fault::damaged(element.start, "a block", found);
        let (track, at) = self.elements.vint_at(element.body)?;
        let [high, low, flags] = self.elements.array_at(at)?;
        let data = at + 3..end;
        if data.start > end {
            return Err(damaged("one too short for its head"));
        }
        let frames = match flags & 0b110 {
            0 => 1,
            _ if data.start == end => return Err(damaged("laced frames without their number")),
            _ => u64::from(self.elements.array_at::<1>(data.start)?[0]) + 1,
        };
        let relative = i16::from_be_bytes([high, low]);
        let time = cluster.time.ok_or_else(|| damaged("one before its cluster's time"))?;
        let time = i64::try_from(time).ok().and_then(|time| time.checked_add(i64::from(relative)));
        Ok(Block {
            element: element.start..end,
            data,
            track,
            time: time.filter(|time| *time < 1 << 53).ok_or_else(|| damaged("one at an impossible time"))?,
            relative,
            flags,
            key: false,
            additional: None,
            duration: None,
            frames,
            whole: true,
        })
    }

    /// Skips an element of an unknown ID if a known element follows; otherwise it is damage.
    fn unknown(&mut self, element: Element, parent_end: u64) -> Result<(), Fault> {
        let end = self.end_of(element, parent_end)?;
        if !self.fits_in_sequence(end)? {
            return Err(damaged(element));
        }
        self.at = end;
        Ok(())
    }

    /// Whether an item ends at `end`, or may end there: the cluster, the segment or the file ends there, or an element
    /// that is allowed there follows. Otherwise the item before is damaged.
    pub(crate) fn fits_in_sequence(&mut self, mut end: u64) -> Result<bool, Fault> {
        let cluster_end = self.cluster.map_or(self.segment_end, |cluster| cluster.end);
        // Garbage may look like one element that is allowed anywhere, but hardly like several in a row.
        for _ in 0..3 {
            if [self.len(), self.segment_end, cluster_end].contains(&end) {
                return Ok(true);
            }
            match self.fits(end, cluster_end) {
                Ok(None) | Err(Fault::Cut { .. }) => return Ok(true),
                Ok(Some(next)) => end = next,
                Err(Fault::Damaged(_)) => return Ok(false),
                Err(fault) => return Err(fault),
            }
        }
        Ok(false)
    }

    /// None if the element at `at` is clearly one of a cluster or of the segment; else its end, so that the element
    /// after it can be checked.
    fn fits(&mut self, at: u64, cluster_end: u64) -> Result<Option<u64>, Fault> {
        let next = self.elements.element(at)?;
        if id::in_segment(next.id) && !id::in_cluster(next.id) || next.id == id::EBML {
            return Ok(None);
        }
        let end = self.end_of(next, cluster_end)?;
        let is_clear = match next.id {
            id::TIMESTAMP | id::POSITION | id::PREV_SIZE => end - next.body <= 8,
            id::CRC_32 => end - next.body == 4,
            id::SIMPLE_BLOCK => {
                let (track, _) = self.elements.vint_at(next.body)?;
                if !self.tracks.is_empty() && !self.tracks.contains(&track) {
                    return Ok(Some(end));
                }
                true
            }
            id::BLOCK_GROUP => id::in_group(self.elements.element(next.body)?.id),
            _ => return Ok(Some(end)),
        };
        if is_clear { Ok(None) } else { Err(damaged(next)) }
    }

    /// Sets the tracks that exist. A block of another track is then not clearly a block.
    pub(crate) fn expect_tracks(&mut self, numbers: impl Iterator<Item = u64>) {
        self.tracks = numbers.collect();
    }

    /// Moves to the next place where the file can be read again, behind a fault at `from`: the end of the cluster if an
    /// element begins there, else the next cluster. False when there is none.
    pub(crate) fn resync(&mut self, from: u64) -> Result<bool, Fault> {
        if let Some(Cluster { end, sized: true, .. }) = self.cluster
            && end > from
            && end < self.len()
            && (end == self.segment_end || matches!(self.elements.element(end), Ok(next) if id::in_segment(next.id)))
        {
            self.go_to(end);
            return Ok(true);
        }
        let Some(found) = self.elements.find(from, CLUSTER_HEAD, begins_cluster)? else { return Ok(false) };
        self.go_to(found);
        Ok(true)
    }

    /// Whether a cluster begins here, rather than four bytes that equal its ID.
    pub(crate) fn cluster_follows(&mut self) -> Result<bool, Fault> {
        let (at, len) = (self.at, self.len());
        if at >= len {
            return Ok(false);
        }
        Ok(begins_cluster(&self.elements.bytes(at..len.min(at + CLUSTER_HEAD as u64))?))
    }

    /// Reads the data of a header.
    pub(crate) fn header_data(&mut self, element: Element) -> Result<Vec<u8>, Fault> {
        let end = self.end_of(element, u64::MAX)?;
        if end - element.body > MAX_HEADER {
            let expected = format!("a header of at most {MAX_HEADER} bytes");
            return Err(Fault::damaged(element.start, &expected, format!("one of {}", end - element.body)));
        }
        self.elements.bytes(element.body..end)
    }

    /// Reads a range of bytes, up to the length of a frame.
    pub(crate) fn bytes(&mut self, range: Range<u64>) -> Result<Vec<u8>, Fault> {
        let len = range.end.saturating_sub(range.start);
        if len > MAX_FRAME {
            let expected = format!("a frame of at most {MAX_FRAME} bytes");
            return Err(Fault::damaged(range.start, &expected, format!("one of {len}")));
        }
        self.elements.bytes(range)
    }

    /// The fault of a file that is shorter than the sizes in it say.
    pub(crate) fn cut_at_end(&self) -> Fault {
        Fault::Cut { end: self.declared_end, len: self.len() }
    }

    /// The end of an element that must be whole and lie within its parent.
    fn end_of(&self, element: Element, parent_end: u64) -> Result<u64, Fault> {
        let name = element.id;
        let end = element
            .end()
            .ok_or_else(|| Fault::damaged(element.start, "an element with a size", format!("{name:#x} without one")))?;
        if end > parent_end {
            let expected = format!("an element that ends by byte {parent_end}");
            return Err(Fault::damaged(element.start, &expected, format!("{name:#x} up to byte {end}")));
        }
        self.elements.whole(end).map(|()| end)
    }
}

/// Whether these bytes begin with the headers of a cluster and of a valid first child.
fn begins_cluster(bytes: &[u8]) -> bool {
    let first = || {
        let (_, body) = slice_vint(bytes.strip_prefix(&id::CLUSTER.to_be_bytes())?, false)?;
        let (id, rest) = slice_vint(body, true)?;
        slice_vint(rest, false)?;
        u32::try_from(id).ok()
    };
    matches!(first(), Some(id::TIMESTAMP | id::CRC_32 | id::VOID | id::POSITION | id::PREV_SIZE))
}

fn damaged(element: Element) -> Fault {
    Fault::damaged(element.start, "a Matroska element", format!("{:#x}", element.id))
}

#[cfg(test)]
pub(crate) mod tests;
