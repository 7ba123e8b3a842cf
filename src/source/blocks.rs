//! Iterates over the blocks of one track of a Matroska or WebM file.

use std::io::{Read, Seek};
use std::ops::Range;

use crate::error::{Error, Result};
use crate::mux::matroska::{self, Info, Item, Matroska, Track, id};
use crate::time::{Span, Timestamp};

/// The place of one frame of the track.
pub(super) struct FrameBlock {
    /// The frame's time.
    pub(super) timestamp: Timestamp,
    /// Whether the file marks the frame as one where decoding can begin.
    pub(super) key: bool,
    place: Range<u64>,
}

/// A Matroska file, at the first or at the next block of one of its tracks.
pub(super) struct Blocks<R: Read + Seek> {
    file: Matroska<R>,
    scale: u64,
    track: Track,
    /// The position of the first cluster.
    first: u64,
}

impl<R: Read + Seek> Blocks<R> {
    /// Reads up to the first cluster and takes the first track that `wanted` accepts; `name` is the file's name in
    /// errors. Errors: not a Matroska file, damaged or cut before that, no such track.
    pub(super) fn open(reader: R, name: &str, wanted: impl Fn(&Track) -> bool) -> Result<Self> {
        let none = || Error::not_readable(format!("expected a track of {name} but found none"));
        Self::find(reader, name, wanted)?.ok_or_else(none)
    }

    /// As the method above; none where there is no such track.
    pub(super) fn find(reader: R, name: &str, wanted: impl Fn(&Track) -> bool) -> Result<Option<Self>> {
        let mut file = Matroska::open(reader)?;
        let mut info = Info::default();
        let mut track = None;
        loop {
            let first = file.position();
            match file.next()? {
                Some(Item::Header(header)) if header.id == id::INFO => info = Info::read(&file.header_data(header)?),
                Some(Item::Header(header)) if header.id == id::TRACKS => {
                    let found = Track::all(&file.header_data(header)?).into_iter().find(&wanted);
                    let Some(found) = found else { return Ok(None) };
                    track = Some(found);
                }
                Some(Item::Header(_)) => {}
                Some(_) => {
                    let late = || Error::not_supported(format!("expected the tracks before the {name} but found none"));
                    let track = track.ok_or_else(late)?;
                    file.go_to(first);
                    return Ok(Some(Self { file, scale: info.scale, track, first }));
                }
                None => {
                    let missing = if track.is_some() { name } else { "tracks" };
                    return Err(Error::not_readable(format!("expected {missing} but found the end of the file")));
                }
            }
        }
    }

    /// The track.
    pub(super) fn track(&self) -> &Track {
        &self.track
    }

    /// The resolution of timestamps.
    pub(super) fn tick(&self) -> Span {
        Span::from_nanos(i64::try_from(self.scale).unwrap_or(i64::MAX))
    }

    /// Goes back to the position before the first block.
    pub(super) fn rewind(&mut self) {
        self.file.go_to(self.first);
    }

    /// Goes to the next block; none at the end. An error where the file breaks off or is damaged.
    pub(super) fn next_block(&mut self) -> Result<Option<FrameBlock>> {
        loop {
            let block = match self.file.next()? {
                Some(Item::Block(block)) if block.track == self.track.number => block,
                Some(_) => continue,
                None => return Ok(None),
            };
            if block.is_laced() {
                return Err(Error::not_supported("expected one frame a block but found laced blocks"));
            }
            return Ok(Some(FrameBlock { timestamp: self.timestamp(&block)?, key: block.key, place: block.data }));
        }
    }

    fn timestamp(&self, block: &matroska::Block) -> Result<Timestamp> {
        let nanos = i64::try_from(i128::from(block.time) * i128::from(self.scale));
        nanos.map(Timestamp::from_nanos).map_err(|_| {
            let byte = block.element.start;
            Error::not_readable(format!("expected a block at byte {byte} but found one at an impossible time"))
        })
    }

    /// Reads the first bytes of a block, `len` at most, and its last one; none where the block is empty.
    pub(super) fn ends(&mut self, block: &FrameBlock, len: u64) -> Result<Option<(Vec<u8>, u8)>> {
        let Range { start, end } = block.place;
        if start >= end {
            return Ok(None);
        }
        let first = self.file.bytes(start..end.min(start.saturating_add(len)))?;
        let last = self.file.bytes(end - 1..end)?;
        Ok(last.first().map(|&last| (first, last)))
    }

    /// Reads the bytes of a block.
    pub(super) fn read(&mut self, block: &FrameBlock) -> Result<Vec<u8>> {
        Ok(self.file.bytes(block.place.clone())?)
    }
}
