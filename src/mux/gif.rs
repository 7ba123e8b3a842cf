//! GIF (GIF89a): pictures with the time that each is shown, which is known when the next one comes.
//!
//! A packet is one frame:
//!
//! ```text
//! of a key frame first: the logical screen descriptor and its colour table (§18, §19)
//! a graphic control extension, with a delay of 0, and an image, with a colour table of its own or that of the last key
//! frame (§20 to §23)
//! ```
//!
//! Bit 5 of the extension's flags, which is reserved in a file and 0 there, says that the picture before disappears when this
//! one is shown. It does so by its own disposal 2. Where that is not enough (bit 6: earlier pictures show beside it), or it is
//! in the file already (after a flush), or it is shown so long that others continue it, a transparent image of the whole size
//! comes between, for two hundredths of a second of the new picture's time.
//!
//! Delays are whole hundredths of a second. They are differences of rounded times, so that their sum is off by half a
//! hundredth at most. Browsers show delays below 2 as 10: no delay is shorter, and what a frame is shown too long is
//! taken from the next one. The longest delay is 655.35 s; a longer one is continued by images in which nothing changes.
//!
//! A frame is written when the next one comes, or when the sink is flushed, each with one call. A file that breaks off shows
//! all its whole frames: players do not need the trailer.

use std::io::{Seek, Write};

use self::transparent_image::transparent_image;
use super::container::{ContainerWriter, Finished, SYNC_INTERVAL};
use super::sink::BlockSink;
use super::tracks::{Tracks, VideoTrack};
use crate::codec::VideoCodec;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Size;
use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::Timestamp;

mod transparent_image;

const SIGNATURE: &[u8] = b"GIF89a";
const TRAILER: u8 = 0x3B;
/// What blocks begin with.
const EXTENSION: u8 = 0x21;
const CONTROL: u8 = 0xF9;
const IMAGE: u8 = 0x2C;
/// Bytes of a logical screen descriptor, of a graphic control extension, and of an image descriptor.
const SCREEN_LENGTH: usize = 7;
const CONTROL_LENGTH: usize = 8;
const DESCRIPTOR_LENGTH: usize = 10;
/// Where the flags and the delay of a graphic control extension are.
const FLAGS: usize = 3;
const DELAY: usize = 4;
/// The flags of a packet that the picture before disappears, and that its own disposal is not enough for that.
const DISPOSES: u8 = 1 << 5;
const COVERS: u8 = 1 << 6;
/// The disposal "leave in place".
const STAYS: u8 = 1 << 2;
/// The disposal "restore to background" among the flags, and the bits of any disposal.
const TO_BACKGROUND: u8 = 2 << 2;
const DISPOSAL: u8 = 7 << 2;
/// Delays, in hundredths of a second.
const SHORTEST: i64 = 2;
const LONGEST: i64 = u16::MAX as i64;
/// Hundredths of a second, in nanoseconds.
const HUNDREDTH: i64 = 10_000_000;

/// Writes one GIF.
#[derive(Debug)]
pub struct GifWriter<W> {
    sink: BlockSink<W>,
    size: Size,
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
        let size = match tracks {
            Tracks { video: Some(VideoTrack { codec: VideoCodec::Gif, size, .. }), audio: None } => *size,
            _ => return Err(Error::not_supported(format!("expected GIF pictures alone but found {tracks:?}"))),
        };
        let (shown, zero) = (0, Timestamp::ZERO);
        let sink = BlockSink::new(sink);
        Ok(Self {
            sink,
            size,
            loops,
            held: None,
            table: None,
            other_table: None,
            shown,
            last: None,
            end: zero,
            synced: zero,
        })
    }

    /// The bytes of a packet, whose graphic control extension is at `at`, as they are written: behind those of the file's
    /// beginning if it is the first; behind the image that makes the picture before disappear, where that is to be covered.
    fn prepare(&mut self, packet: &EncodedPacket, at: usize, covers: bool) -> Option<HeldPicture> {
        let data = &packet.data;
        let mut bytes = Vec::with_capacity(SIGNATURE.len() + data.len() + 3 * 256);
        if packet.key {
            let own = data.get(SCREEN_LENGTH..at)?;
            if self.table.is_none() {
                bytes.extend(SIGNATURE);
                bytes.extend_from_slice(&data[..at]);
                bytes.extend(repetition(self.loops));
            }
            let known = self.table.get_or_insert_with(|| own.to_vec());
            self.other_table = (known != own).then(|| own.to_vec());
        }
        if covers {
            bytes.extend(transparent_image(self.size, TO_BACKGROUND, SHORTEST));
            self.shown += SHORTEST;
        }
        let image = at + CONTROL_LENGTH;
        let descriptor_end = image + DESCRIPTOR_LENGTH;
        let flags = *data.get(descriptor_end - 1)?;
        if data.get(at..at + 2)? != [EXTENSION, CONTROL] || data.get(image) != Some(&IMAGE) {
            return None;
        }
        let table = table_length(flags);
        if end_of_blocks(data, descriptor_end + table.unwrap_or(0) + 1)? != data.len() {
            return None;
        }
        let control = bytes.len();
        bytes.extend_from_slice(&data[at..descriptor_end - 1]);
        match (&self.other_table, table) {
            (Some(other), None) => {
                let bits = (other.len() / 3).trailing_zeros() as u8;
                bytes.push(0x80 | (bits - 1));
                bytes.extend_from_slice(other);
            }
            _ => bytes.push(flags),
        }
        bytes.extend_from_slice(&data[descriptor_end..]);
        bytes[control + FLAGS] &= !(DISPOSES | COVERS);
        Some(HeldPicture { bytes, control })
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
            (self.shown, delay) = (self.shown + part, delay - part);
            // One transparent pixel changes nothing.
            self.sink.append(&transparent_image(Size::new(1, 1), STAYS, part))?;
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
        let wrong_bytes = || wrong("damaged bytes");
        let control = control_of(packet).ok_or_else(wrong_bytes)?;
        let flags = packet.data.get(control + FLAGS).copied().ok_or_else(wrong_bytes)?;
        let mut covers = false;
        // The first picture is shown from the beginning, and there is nothing that could disappear.
        if self.last.is_some() {
            covers = flags & DISPOSES != 0;
            let is_short = hundredths(packet.timestamp) - self.shown <= LONGEST;
            if let Some(held) = &mut self.held
                && flags & (DISPOSES | COVERS) == DISPOSES
                && is_short
            {
                let flags = &mut held.bytes[held.control + FLAGS];
                *flags = *flags & !DISPOSAL | TO_BACKGROUND;
                covers = false;
            }
            self.release(packet.timestamp)?;
        }
        let held = self.prepare(packet, control, covers).ok_or_else(wrong_bytes)?;
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

/// Where a packet's graphic control extension is.
fn control_of(packet: &EncodedPacket) -> Option<usize> {
    if packet.key { Some(SCREEN_LENGTH + table_length(*packet.data.get(4)?)?) } else { Some(0) }
}

#[cfg(test)]
mod tests;
