//! Reads the video blocks of a Matroska or WebM file, one after the other (RFC 9559, RFC 8794).
//!
//! Made for files that break off: it walks from the front and needs neither an index nor a known length, so all whole
//! blocks of a recording that crashed come out, and only then the error that says where the file ends. (The
//! matroska-demuxer crate does not open a file whose index is cut off, and takes a cut for the end.)

use std::io::{BufReader, Read, Seek, SeekFrom};

use crate::error::{Error, Result};
use crate::time::{Span, Timestamp};

/// The first bytes of every Matroska file: the ID of the EBML header.
pub(super) const MAGIC: &[u8] = &[0x1a, 0x45, 0xdf, 0xa3];

/// Headers (`Info`, `Tracks`) may be this long.
const MAX_HEADER: u64 = 4 << 20;

const EBML: u32 = 0x1a45_dfa3;
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TIMESTAMP_SCALE: u32 = 0x2a_d7b1;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
const TRACK_TYPE: u32 = 0x83;
const DEFAULT_DURATION: u32 = 0x23_e383;
const CODEC_ID: u32 = 0x86;
const CODEC_PRIVATE: u32 = 0x63a2;
const CONTENT_ENCODINGS: u32 = 0x6d80;
const VIDEO: u32 = 0xe0;
const PIXEL_WIDTH: u32 = 0xb0;
const PIXEL_HEIGHT: u32 = 0xba;
const PIXEL_CROPS: [u32; 4] = [0x54aa, 0x54bb, 0x54cc, 0x54dd];
const DISPLAY_WIDTH: u32 = 0x54b0;
const DISPLAY_HEIGHT: u32 = 0x54ba;
const CLUSTER: u32 = 0x1f43_b675;
const TIMESTAMP: u32 = 0xe7;
const SIMPLE_BLOCK: u32 = 0xa3;
const BLOCK_GROUP: u32 = 0xa0;
const BLOCK: u32 = 0xa1;
const REFERENCE_BLOCK: u32 = 0xfb;

const VIDEO_TRACK: u64 = 1;

/// The first video track.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Track {
    number: u64,
    /// As `V_AV1`.
    pub(super) codec: String,
    /// The decoder's set-up; empty where there is none.
    pub(super) private: Vec<u8>,
    /// How long one frame lasts, where the file says so.
    pub(super) default_duration: Option<Span>,
    /// The width in pixels, unchecked.
    pub(super) width: u64,
    /// The height in pixels, unchecked.
    pub(super) height: u64,
    /// The display's width and height where they are given, in whatever unit.
    pub(super) display: Option<(u64, u64)>,
    /// Whether edges are to be cut off.
    pub(super) cropped: bool,
    /// Whether blocks are compressed or encrypted once more.
    pub(super) encoded: bool,
}

/// Where one frame of the track lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Block {
    /// When it is shown.
    pub(super) timestamp: Timestamp,
    /// Whether the file says that decoding can begin here.
    pub(super) key: bool,
    /// How many bytes it has.
    len: u64,
}

/// A Matroska file, open at the first or at the next block of its video track.
pub(super) struct Matroska<R: Read + Seek> {
    reader: BufReader<R>,
    position: u64,
    len: u64,
    /// Where the file must at least end by the sizes that it gives.
    declared_end: u64,
    segment_end: u64,
    first_cluster: u64,
    scale: u64,
    track: Track,
    cluster_time: u64,
}

impl<R: Read + Seek> Matroska<R> {
    /// Reads up to the first cluster. The errors: not a Matroska file, damaged or cut before that, no video track.
    pub(super) fn open(mut reader: R) -> Result<Self> {
        let len = reader.seek(SeekFrom::End(0)).and_then(|len| reader.rewind().map(|()| len)).map_err(unreadable)?;
        let mut file = Self {
            reader: BufReader::with_capacity(1 << 16, reader),
            position: 0,
            len,
            declared_end: 0,
            segment_end: 0,
            first_cluster: 0,
            scale: 1_000_000,
            track: Track::default(),
            cluster_time: 0,
        };
        let (id, size) = file.element()?;
        if id != EBML {
            return Err(Error::not_readable("expected a Matroska or WebM file but found no EBML header"));
        }
        file.skip(size.unwrap_or(0))?;
        let (id, size) = file.element()?;
        if id != SEGMENT {
            return Err(Error::not_readable(format!("expected a Matroska segment but found element {id:#x}")));
        }
        file.segment_end = size.map_or(u64::MAX, |size| file.position.saturating_add(size));
        file.declared_end = if size.is_some() { file.segment_end } else { 0 };
        file.read_headers()?;
        Ok(file)
    }

    /// The video track.
    pub(super) fn track(&self) -> &Track {
        &self.track
    }

    /// How exact timestamps are.
    pub(super) fn tick(&self) -> Span {
        Span::from_nanos(i64::try_from(self.scale).unwrap_or(i64::MAX))
    }

    /// Goes back to before the first block.
    pub(super) fn rewind(&mut self) -> Result<()> {
        self.cluster_time = 0;
        self.seek_to(self.first_cluster)
    }

    /// Goes to the next block of the video track; none at the end. The block is then read or passed over. An error
    /// where the file breaks off or is damaged.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>> {
        let mut group_end = None;
        loop {
            if self.position >= self.segment_end.min(self.len) {
                return if self.declared_end <= self.len { Ok(None) } else { Err(self.breaks_off(self.declared_end)) };
            }
            if group_end.is_some_and(|end| self.position >= end) {
                group_end = None;
            }
            let (id, size) = self.element()?;
            match id {
                CLUSTER => {
                    if let Some(size) = size {
                        self.declared_end = self.declared_end.max(self.position.saturating_add(size));
                    }
                    continue;
                }
                BLOCK_GROUP => {
                    group_end = Some(self.position.saturating_add(self.known(id, size)?));
                    continue;
                }
                _ => {}
            }
            let size = self.known(id, size)?;
            self.whole(size)?;
            match id {
                TIMESTAMP => self.cluster_time = self.bytes(size.min(8)).map(|bytes| unsigned(&bytes))?,
                SIMPLE_BLOCK | BLOCK => {
                    let end = self.position + size;
                    if let Some(block) = self.block(id, end, group_end)? {
                        return Ok(Some(block));
                    }
                    self.seek_to(end)?;
                }
                _ => self.skip(size)?,
            }
        }
    }

    /// Reads the bytes of the block that [`Matroska::next_block`] just found.
    pub(super) fn read(&mut self, block: &Block) -> Result<Vec<u8>> {
        self.bytes(block.len)
    }

    /// Passes over it.
    pub(super) fn pass(&mut self, block: &Block) -> Result<()> {
        self.skip(block.len)
    }

    /// The head of a block (RFC 9559 §10.1, §10.2); none for another track's.
    fn block(&mut self, id: u32, end: u64, group_end: Option<u64>) -> Result<Option<Block>> {
        let start = self.position;
        let damaged = || Error::not_readable(format!("expected a block at byte {start} but found a damaged one"));
        let (number, _) = self.vint(false)?;
        let [high, low, flags] = self.array()?;
        let len = end.checked_sub(self.position).ok_or_else(damaged)?;
        if number != self.track.number {
            return Ok(None);
        }
        if flags & 0b110 != 0 {
            return Err(Error::not_supported("expected one video frame a block but found laced blocks"));
        }
        let ticks = i128::from(self.cluster_time) + i128::from(i16::from_be_bytes([high, low]));
        let nanos = i64::try_from(ticks * i128::from(self.scale)).map_err(|_| damaged())?;
        let key = match group_end {
            Some(group_end) if id == BLOCK => self.refers_to_none(end, group_end)?,
            _ => flags & 0x80 != 0,
        };
        Ok(Some(Block { timestamp: Timestamp::from_nanos(nanos), key, len }))
    }

    /// Whether no `ReferenceBlock` follows the block in its group, which makes it a key frame. Stays where it is.
    fn refers_to_none(&mut self, mut position: u64, group_end: u64) -> Result<bool> {
        let back = self.position;
        let mut found = false;
        while position < group_end.min(self.len) && !found {
            self.seek_to(position)?;
            // A group that is cut or damaged after its block is told of when reading gets there.
            let Ok((id, Some(size))) = self.element() else { break };
            found = id == REFERENCE_BLOCK;
            position = self.position.saturating_add(size);
        }
        self.seek_to(back)?;
        Ok(!found)
    }

    /// Reads `Info` and `Tracks` and stops before the first cluster.
    fn read_headers(&mut self) -> Result<()> {
        let mut found_tracks = false;
        loop {
            self.first_cluster = self.position;
            if self.position >= self.segment_end.min(self.len) {
                if self.declared_end > self.len {
                    return Err(self.breaks_off(self.declared_end));
                }
                let missing = if found_tracks { "pictures" } else { "tracks" };
                return Err(Error::not_readable(format!("expected {missing} but found the end of the file")));
            }
            let (id, size) = self.element()?;
            match id {
                CLUSTER if found_tracks => return self.seek_to(self.first_cluster),
                CLUSTER => return Err(Error::not_supported("expected the tracks before the pictures but found none")),
                INFO | TRACKS => {
                    let size = self.known(id, size)?;
                    if size > MAX_HEADER {
                        let text = format!("expected a header of at most {MAX_HEADER} bytes but found one of {size}");
                        return Err(Error::not_readable(text));
                    }
                    let bytes = self.bytes(size)?;
                    if id == INFO {
                        let scale = children(&bytes).find(|(id, _)| *id == TIMESTAMP_SCALE);
                        self.scale = scale.map_or(1_000_000, |(_, value)| unsigned(value)).max(1);
                    } else {
                        self.track = first_video_track(&bytes)
                            .ok_or_else(|| Error::not_readable("expected a video track but found none"))?;
                        found_tracks = true;
                    }
                }
                _ => {
                    let size = self.known(id, size)?;
                    self.skip(size)?;
                }
            }
        }
    }

    /// The ID and the size of the element here; none for a size that is not known.
    fn element(&mut self) -> Result<(u32, Option<u64>)> {
        let start = self.position;
        let (id, _) = self.vint(true)?;
        let id = u32::try_from(id).map_err(|_| {
            Error::not_readable(format!(
                "expected a Matroska element at byte {start} but found {id:#x}: the file is damaged"
            ))
        })?;
        let (size, unknown) = self.vint(false)?;
        Ok((id, (!unknown).then_some(size)))
    }

    /// A variable-size integer (RFC 8794 §4), with or without its length marker, and whether all its bits are ones.
    fn vint(&mut self, marker: bool) -> Result<(u64, bool)> {
        let start = self.position;
        let [first] = self.array()?;
        let rest = first.leading_zeros();
        if rest >= 8 {
            return Err(Error::not_readable(format!(
                "expected a Matroska element at byte {start} but found 0x00: the file is damaged"
            )));
        }
        let mut value = u64::from(if marker { first } else { first & (0x7f >> rest) });
        for _ in 0..rest {
            let [byte] = self.array()?;
            value = value << 8 | u64::from(byte);
        }
        Ok((value, !marker && value == (1 << (7 * (rest + 1))) - 1))
    }

    fn known(&self, id: u32, size: Option<u64>) -> Result<u64> {
        size.ok_or_else(|| {
            let byte = self.position;
            Error::not_readable(format!(
                "expected element {id:#x} at byte {byte} to have a size but found none: the file is damaged"
            ))
        })
    }

    /// That so many bytes are there.
    fn whole(&self, size: u64) -> Result<()> {
        let end = self.position.saturating_add(size);
        if end > self.len { Err(self.breaks_off(end)) } else { Ok(()) }
    }

    fn breaks_off(&self, end: u64) -> Error {
        Error::not_readable(format!("expected {end} bytes but found {}: the file breaks off", self.len))
    }

    fn bytes(&mut self, size: u64) -> Result<Vec<u8>> {
        self.whole(size)?;
        let mut bytes = Vec::with_capacity(size as usize);
        (&mut self.reader).take(size).read_to_end(&mut bytes).map_err(unreadable)?;
        self.position += bytes.len() as u64;
        if bytes.len() as u64 == size { Ok(bytes) } else { Err(self.breaks_off(self.position + 1)) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.whole(N as u64)?;
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(unreadable)?;
        self.position += N as u64;
        Ok(bytes)
    }

    fn skip(&mut self, size: u64) -> Result<()> {
        self.whole(size)?;
        self.seek_to(self.position + size)
    }

    fn seek_to(&mut self, position: u64) -> Result<()> {
        // Both lie within the file, whose length is an i64 to every system.
        self.reader.seek_relative(position as i64 - self.position as i64).map_err(unreadable)?;
        self.position = position;
        Ok(())
    }
}

fn unreadable(error: std::io::Error) -> Error {
    Error::not_readable("could not be read").with_source(error)
}

/// The elements within a master element as their IDs and data; ends at the first that is damaged.
fn children(mut bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let (id, rest) = slice_vint(bytes, true)?;
        let (size, rest) = slice_vint(rest, false)?;
        let (data, rest) = rest.split_at_checked(usize::try_from(size).ok()?)?;
        bytes = rest;
        Some((u32::try_from(id).ok()?, data))
    })
}

fn slice_vint(bytes: &[u8], marker: bool) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let len = first.leading_zeros();
    if len >= 8 {
        return None;
    }
    let (tail, rest) = rest.split_at_checked(len as usize)?;
    let start = u64::from(if marker { first } else { first & (0x7f >> len) });
    Some((tail.iter().fold(start, |value, &byte| value << 8 | u64::from(byte)), rest))
}

fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

fn first_video_track(tracks: &[u8]) -> Option<Track> {
    children(tracks).filter(|(id, _)| *id == TRACK_ENTRY).find_map(|(_, entry)| {
        let kind = children(entry).find(|(id, _)| *id == TRACK_TYPE).map(|(_, kind)| unsigned(kind));
        (kind == Some(VIDEO_TRACK)).then(|| read_track(entry))
    })
}

fn read_track(entry: &[u8]) -> Track {
    let mut track = Track::default();
    for (id, data) in children(entry) {
        match id {
            TRACK_NUMBER => track.number = unsigned(data),
            CODEC_ID => track.codec = String::from_utf8_lossy(data).trim_end_matches('\0').to_owned(),
            CODEC_PRIVATE => track.private = data.to_vec(),
            DEFAULT_DURATION => track.default_duration = i64::try_from(unsigned(data)).ok().map(Span::from_nanos),
            CONTENT_ENCODINGS => track.encoded = true,
            VIDEO => read_video(data, &mut track),
            _ => {}
        }
    }
    track
}

fn read_video(video: &[u8], track: &mut Track) {
    let value = |wanted: u32| children(video).find(|(id, _)| *id == wanted).map(|(_, data)| unsigned(data));
    track.width = value(PIXEL_WIDTH).unwrap_or(0);
    track.height = value(PIXEL_HEIGHT).unwrap_or(0);
    track.display = value(DISPLAY_WIDTH).zip(value(DISPLAY_HEIGHT));
    track.cropped = PIXEL_CROPS.into_iter().any(|id| value(id).is_some_and(|edge| edge > 0));
}

#[cfg(test)]
mod tests;
