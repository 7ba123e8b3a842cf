//! GIF (GIF89a): pictures with the time that each is shown, which is known when the next one comes.
//!
//! A packet is one frame:
//!
//! ```text
//! of a key frame first: the logical screen descriptor and its colour table (§18, §19)
//! sometimes: a graphic control extension and a transparent image of the whole size, which make the picture before disappear
//! a graphic control extension, with a delay of 0, and an image, with a colour table of its own or that of the last key
//! frame (§20 to §23)
//! ```
//!
//! Bit 5 of the last extension's flags, which is reserved in a file and 0 there, says that the picture before can disappear
//! without that image: as disposal 2 of its own. The image is written only where that picture is in the file already, after a
//! flush, or is shown so long that others continue it.
//!
//! Delays are whole hundredths of a second. They are differences of rounded times, so that their sum is off by half a
//! hundredth at most. Browsers show delays below 2 as 10: no delay is shorter, and what a frame is shown too long is
//! taken from the next one. The longest delay is 655.35 s; a longer one is continued by images in which nothing changes.
//!
//! A frame is written when the next one comes, or when the sink is flushed, each with one call. A file that breaks off shows
//! all its whole frames: players do not need the trailer.

use std::io::{Seek, Write};

use super::container::{ContainerWriter, Finished, SYNC_INTERVAL};
use super::sink::BlockSink;
use super::tracks::{Tracks, VideoTrack};
use crate::codec::VideoCodec;
use crate::error::{Error, ErrorKind, Result};
use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::Timestamp;

const SIGNATURE: &[u8] = b"GIF89a";
const TRAILER: u8 = 0x3B;
/// What blocks begin with.
const EXTENSION: u8 = 0x21;
const CONTROL: u8 = 0xF9;
const IMAGE: u8 = 0x2C;
/// Bytes of a graphic control extension, and of an image descriptor.
const CONTROL_LENGTH: usize = 8;
const DESCRIPTOR_LENGTH: usize = 10;
/// Where the flags and the delay of a graphic control extension are.
const FLAGS: usize = 3;
const DELAY: usize = 4;
/// The flag of a packet that the picture before disappears.
const DISPOSES: u8 = 1 << 5;
/// The disposal "restore to background" among the flags, and the bits of any disposal.
const TO_BACKGROUND: u8 = 2 << 2;
const DISPOSAL: u8 = 7 << 2;
/// Delays, in hundredths of a second.
const SHORTEST: i64 = 2;
const LONGEST: i64 = u16::MAX as i64;
/// Hundredths of a second, in nanoseconds.
const HUNDREDTH: i64 = 10_000_000;

/// An image of one transparent pixel, with its own colour table: what is shown stays.
const NOTHING: [u8; 29] = [
    0x21,
    0xF9,
    4,
    1 << 2 | 1,
    0,
    0,
    0,
    0, // transparent is index 0
    0x2C,
    0,
    0,
    0,
    0,
    1,
    0,
    1,
    0,
    0x80, // at the top left, 1×1, with a table of two colours
    0,
    0,
    0,
    0,
    0,
    0, // the table
    2,
    2,
    0x44,
    1,
    0, // the codes 4 (clear), 0 and 5 (end), of 3 bits
];

/// Writes one GIF.
#[derive(Debug)]
pub struct GifWriter<W> {
    sink: BlockSink<W>,
    /// How often all is shown; none: for ever.
    loops: Option<u16>,
    /// The last picture, which is written when it is known how long it is shown.
    held: Option<HeldPicture>,
    /// The colour table of the file, and that of the last key frame where that is another one.
    table: Option<Vec<u8>>,
    other_table: Option<Vec<u8>>,
    /// How long all pictures are shown that were written, in hundredths of a second.
    shown: i64,
    last: Option<Timestamp>,
    /// The end of the last picture as far as it is known, and the end of what the sink was flushed with.
    end: Timestamp,
    synced: Timestamp,
}

/// A picture with all that belongs to it.
#[derive(Debug)]
struct HeldPicture {
    bytes: Vec<u8>,
    /// Where its last graphic control extension is.
    control: usize,
}

impl<W: Write + Seek> GifWriter<W> {
    /// Begins a file at the sink's beginning, whose pictures are shown `loops` times, or for ever. Nothing is written
    /// before the first packet.
    ///
    /// # Errors
    /// `NotSupportedError` for tracks other than pictures of a GIF.
    pub fn new(sink: W, tracks: &Tracks, loops: Option<u16>) -> Result<Self> {
        match tracks {
            Tracks { video: Some(VideoTrack { codec: VideoCodec::Gif, .. }), audio: None } => {}
            _ => return Err(Error::not_supported(format!("expected GIF pictures alone but found {tracks:?}"))),
        }
        let (shown, zero) = (0, Timestamp::ZERO);
        let sink = BlockSink::new(sink);
        Ok(Self { sink, loops, held: None, table: None, other_table: None, shown, last: None, end: zero, synced: zero })
    }

    /// The bytes of a packet as they are written, behind those of the file's beginning if it is the first. `disposed`: the
    /// picture before disappears without an image.
    fn prepare(&mut self, packet: &EncodedPacket, disposed: bool) -> Option<HeldPicture> {
        let data = &packet.data;
        let mut bytes = Vec::with_capacity(SIGNATURE.len() + data.len() + 3 * 256);
        let mut at = 0;
        let first = self.table.is_none();
        if packet.key {
            let table = table_length(*data.get(4)?)?;
            let own = data.get(7..7 + table)?.to_vec();
            at = 7 + table;
            if first {
                bytes.extend(SIGNATURE);
                bytes.extend_from_slice(&data[..at]);
                bytes.extend(repetition(self.loops));
            }
            let known = self.table.get_or_insert_with(|| own.clone());
            self.other_table = (*known != own).then_some(own);
        }
        let mut control = None;
        while at < data.len() {
            let image = at + CONTROL_LENGTH;
            let flags = *data.get(image + DESCRIPTOR_LENGTH - 1)?;
            if data.get(at..at + 2)? != [EXTENSION, CONTROL] || data.get(image) != Some(&IMAGE) {
                return None;
            }
            let mut body = image + DESCRIPTOR_LENGTH;
            let table = table_length(flags);
            body += table.unwrap_or(0);
            let next = end_of_blocks(data, body + 1)?;
            // At a file's beginning there is nothing that could disappear.
            if !(first || disposed) || next == data.len() {
                control = Some(bytes.len());
                bytes.extend_from_slice(data.get(at..image + DESCRIPTOR_LENGTH - 1)?);
                match (&self.other_table, table) {
                    (Some(other), None) => {
                        let bits = (other.len() / 3).trailing_zeros() as u8;
                        bytes.push(0x80 | (bits - 1));
                        bytes.extend_from_slice(other);
                    }
                    _ => bytes.push(flags),
                }
                bytes.extend_from_slice(data.get(image + DESCRIPTOR_LENGTH..next)?);
                // The time of a picture that only makes another one disappear is part of this frame's.
                if next < data.len() {
                    self.shown += i64::from(*data.get(at + DELAY)?);
                }
            }
            at = next;
        }
        Some(HeldPicture { bytes, control: control? })
    }

    /// Writes the picture that was held back, shown until this time.
    fn release(&mut self, until: Timestamp) -> Result<()> {
        let until = hundredths(until);
        let mut delay = until - self.shown;
        if let Some(HeldPicture { mut bytes, control }) = self.held.take() {
            delay = delay.max(SHORTEST);
            let part = delay.min(LONGEST);
            set_delay(&mut bytes[control..], part);
            (self.shown, delay) = (self.shown + part, delay - part);
            self.sink.append(&bytes)?;
        }
        // After a flush, or after a very long time, more is to follow.
        while delay >= SHORTEST {
            // The rest is long enough for an image of its own.
            let part = if delay > LONGEST { delay.min(LONGEST - SHORTEST) } else { delay };
            let mut nothing = NOTHING;
            set_delay(&mut nothing, part);
            (self.shown, delay) = (self.shown + part, delay - part);
            self.sink.append(&nothing)?;
        }
        Ok(())
    }
}

impl<W: Write + Seek + Send> ContainerWriter<W> for GifWriter<W> {
    fn write(&mut self, kind: TrackKind, packet: &EncodedPacket) -> Result<()> {
        self.sink.error.outcome()?;
        let wrong = |found: &str| {
            let at = packet.timestamp.as_secs_f64();
            let expected = "expected a picture of a GIF that follows the one before, the first of them a key frame,";
            Error::new(ErrorKind::InvalidState, format!("{expected} but found {found} at {at}s"))
        };
        if kind != TrackKind::Video || self.last.is_some_and(|last| packet.timestamp <= last) {
            return Err(wrong(&format!("{kind}")));
        }
        if packet.timestamp < Timestamp::ZERO || self.table.is_none() && !packet.key {
            return Err(wrong("another one"));
        }
        let mut disposed = false;
        // The first picture is shown from the beginning.
        if self.last.is_some() {
            let is_long = hundredths(packet.timestamp) - self.shown > LONGEST;
            if let Some(held) = &mut self.held
                && !is_long
                && disposes(&packet.data, packet.key)
            {
                let flags = &mut held.bytes[held.control + FLAGS];
                *flags = *flags & !DISPOSAL | TO_BACKGROUND;
                disposed = true;
            }
            self.release(packet.timestamp)?;
        }
        let mut held = self.prepare(packet, disposed).ok_or_else(|| wrong("damaged bytes"))?;
        held.bytes[held.control + FLAGS] &= !DISPOSES;
        self.held = Some(held);
        (self.last, self.end) = (Some(packet.timestamp), packet.timestamp + packet.duration);
        if packet.timestamp - self.synced >= SYNC_INTERVAL {
            self.synced = packet.timestamp;
            self.sink.flush();
        }
        self.sink.error.outcome()
    }

    fn advance(&mut self, time: Timestamp) {
        self.end = self.end.max(time);
    }

    fn bytes(&self) -> u64 {
        self.sink.written() + self.held.as_ref().map_or(0, |held| held.bytes.len() as u64)
    }

    /// Writes the last picture too, with the length that it is expected to have: if the next one comes later, an image in
    /// which nothing changes fills the time.
    fn flush(&mut self) {
        if self.held.is_some() {
            // An error is kept, and returned by the next call.
            let _ = self.release(self.end);
        }
        self.sink.flush();
    }

    fn with_sink(&mut self, look: &mut dyn FnMut(&mut W)) {
        look(&mut self.sink.sink);
    }

    fn finish(mut self: Box<Self>, end: Option<Timestamp>) -> Finished<W> {
        let end = self.last.map_or(self.end, |last| end.filter(|end| *end > last).unwrap_or(self.end));
        if self.last.is_some() {
            // An error is kept, and returned below.
            let _ = self.release(end).and_then(|()| self.sink.append(&[TRAILER]));
        }
        self.sink.flush();
        let outcome = self.sink.error.outcome();
        Finished { sink: self.sink.sink, outcome, end }
    }
}

/// The extension that says how often all is shown again, 0 for ever; nothing where it is shown once.
fn repetition(loops: Option<u16>) -> Vec<u8> {
    let again = match loops {
        None | Some(0) => 0_u16,
        Some(1) => return Vec::new(),
        Some(times) => times - 1,
    };
    [&b"\x21\xFF\x0BNETSCAPE2.0\x03\x01"[..], &again.to_le_bytes(), &[0]].concat()
}

/// A time in hundredths of a second, rounded.
fn hundredths(time: Timestamp) -> i64 {
    (time.as_nanos() + HUNDREDTH / 2) / HUNDREDTH
}

/// Sets the delay of the graphic control extension at the beginning of these bytes, up to [`LONGEST`].
fn set_delay(control: &mut [u8], delay: i64) {
    control[DELAY..DELAY + 2].copy_from_slice(&(delay.clamp(0, LONGEST) as u16).to_le_bytes());
}

/// The length of the colour table that these flags of a descriptor announce, if they do.
fn table_length(flags: u8) -> Option<usize> {
    (flags & 0x80 != 0).then_some(3 << ((flags & 7) + 1))
}

/// Where the sub-blocks end that begin here (§15).
fn end_of_blocks(data: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*data.get(at)?);
        at += 1 + length;
        if length == 0 {
            return (at <= data.len()).then_some(at);
        }
    }
}

/// Whether the picture before a packet's can disappear by its own disposal.
fn disposes(data: &[u8], key: bool) -> bool {
    flags_of_last(data, key).is_some_and(|flags| flags & DISPOSES != 0)
}

/// The flags of a packet's last graphic control extension.
fn flags_of_last(data: &[u8], key: bool) -> Option<u8> {
    let mut at = if key { 7 + table_length(*data.get(4)?)? } else { 0 };
    loop {
        let flags = *data.get(at + FLAGS)?;
        let descriptor = at + CONTROL_LENGTH + DESCRIPTOR_LENGTH;
        let table = table_length(*data.get(descriptor - 1)?).unwrap_or(0);
        at = end_of_blocks(data, descriptor + table + 1)?;
        if at == data.len() {
            return Some(flags);
        }
    }
}

#[cfg(test)]
mod tests;
