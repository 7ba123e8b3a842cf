//! Ogg: writes packets of Opus into a file by RFC 7845, whose sound is at its time to the sample.
//!
//! ```text
//! page   OpusHead   its pre-skip is the encoder's lookahead: the number of decoded samples to skip first
//! page   OpusTags
//! page   a tenth of a second of packets; its granule position counts the samples decoded so far, the pre-skip included
//!  ⋮
//! page   the last packets, marked as the end; its granule position says how much of the last packet is heard (§4.4)
//! ```
//!
//! Only the last page may end within a packet, so the newest packet waits here until another comes or the file ends.
//!
//! A file that continues another one begins with the last packets of that file, and all their samples are skipped: a
//! decoder needs some packets before its output is exact (§4.6).

use std::io::{Seek, Write};
use std::ops::Range;

use ogg::{PacketWriteEndInfo, PacketWriter};

use super::container::{ContainerWriter, Finished, SYNC_INTERVAL, check_sound};
use super::sink::BlockSink;
use super::tracks::{AudioCodec, AudioTrack};
use crate::audio::samples_in;
use crate::error::{Error, Result};
use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::{Span, Timestamp};

/// Granule positions count samples at this rate, whatever the rate of the source (RFC 7845 §4).
const RATE: u32 = 48_000;

/// A page's header, but for one byte for each segment (RFC 3533 §6).
const PAGE_HEADER: u64 = 27;

/// Where an OpusHead has its pre-skip (RFC 7845 §5.1).
const PRE_SKIP: Range<usize> = 10..12;

/// The largest page, in segments, without the packet that ends it: a page has room for 255.
const MAX_SEGMENTS: u64 = 200;

/// Writes one Ogg file of Opus. It does not seek, and writes the same to a pipe.
pub struct OggWriter<W> {
    sink: BlockSink<W>,
    pages: PacketWriter<'static, Vec<u8>>,
    /// The serial number in every page, different in each file.
    serial: u32,
    pre_skip: u64,
    /// The header's pages until they are in the sink.
    header: Option<[Vec<u8>; 2]>,
    /// The packets of the next page.
    page: Vec<PagePacket>,
    /// How many samples are decoded before the next packet, the pre-skip included.
    granule: u64,
    last: Timestamp,
    end: Timestamp,
}

debug_fields!(<W> OggWriter { serial, end });

/// A packet that waits for its page.
struct PagePacket {
    data: Vec<u8>,
    /// How long its sound is.
    duration: Span,
    /// The granule position after it, and the one if it is the last packet.
    granule: u64,
    last_granule: u64,
}

impl PagePacket {
    /// Its size in a page: its bytes, and one byte for each segment of up to 255 of them, the last of which is shorter.
    fn size(&self) -> u64 {
        self.data.len() as u64 + self.segments()
    }

    fn segments(&self) -> u64 {
        self.data.len() as u64 / 255 + 1
    }
}

impl<W: Write + Seek> OggWriter<W> {
    /// Begins a file at the sink's beginning. `before` holds the packets before it, if the file continues another one.
    /// A seekable sink is not written to before the first packet; one that cannot seek gets the header at once.
    ///
    /// # Errors
    /// `NotSupportedError` for sound that is not Opus; a write error.
    pub fn new(sink: W, track: &AudioTrack, before: Option<&[EncodedPacket]>) -> Result<Self> {
        if track.codec != AudioCodec::Opus {
            return Err(Error::not_supported(format!("expected Opus in an Ogg file but found {:?}", track.codec)));
        }
        let mut head = track.codec_private.clone();
        let Some(pre_skip) = head.get_mut(PRE_SKIP) else {
            let expected = "expected an OpusHead of 19 bytes but found";
            return Err(Error::not_supported(format!("{expected} {} bytes", head.len())));
        };
        if let Some(before) = before {
            let decoded: u64 = before.iter().map(|packet| decoded_samples(&packet.data)).sum();
            pre_skip.copy_from_slice(&u16::try_from(decoded).unwrap_or(u16::MAX).to_le_bytes());
        }
        let pre_skip = u64::from(u16::from_le_bytes([pre_skip[0], pre_skip[1]]));
        let mut writer = Self {
            sink: BlockSink::new(sink),
            pages: PacketWriter::new(Vec::new()),
            serial: uuid::Uuid::new_v4().as_fields().0,
            pre_skip,
            header: Some([head, tags()]),
            page: Vec::new(),
            granule: 0,
            last: Timestamp::ZERO,
            end: Timestamp::ZERO,
        };
        before.into_iter().flatten().for_each(|packet| writer.push(packet, Span::ZERO));
        if !writer.sink.is_seekable() {
            writer.write_header()?;
        }
        Ok(writer)
    }

    /// Adds a packet, whose sound has this duration, to the next page.
    fn push(&mut self, packet: &EncodedPacket, duration: Span) {
        let decoded = decoded_samples(&packet.data);
        let skipped = if self.granule == 0 { self.pre_skip } else { 0 };
        let heard = (skipped + samples_in(duration, RATE)).min(decoded);
        let (granule, last_granule) = (self.granule + decoded, self.granule + heard);
        self.page.push(PagePacket { data: packet.data.clone(), duration, granule, last_granule });
        self.granule = granule;
    }

    fn write_header(&mut self) -> Result<()> {
        for packet in self.header.take().into_iter().flatten() {
            self.put(packet, PacketWriteEndInfo::EndPage, 0)?;
        }
        self.append()
    }

    /// Writes a page of the first `count` waiting packets.
    fn write_page(&mut self, count: usize, end: PacketWriteEndInfo) -> Result<()> {
        let packets: Vec<_> = self.page.drain(..count).collect();
        for (index, packet) in packets.into_iter().enumerate() {
            let (end, granule) = match (index + 1 == count, end) {
                (true, PacketWriteEndInfo::EndStream) => (end, packet.last_granule),
                (true, _) => (end, packet.granule),
                (false, _) => (PacketWriteEndInfo::NormalPacket, packet.granule),
            };
            self.put(packet.data, end, granule)?;
        }
        self.append()
    }

    fn put(&mut self, packet: Vec<u8>, end: PacketWriteEndInfo, granule: u64) -> Result<()> {
        let put = self.pages.write_packet(packet, self.serial, end, granule);
        put.map_err(|error| Error::unknown("a page of an Ogg file could not be made").with_cause(error))
    }

    /// Writes the finished pages to the sink in one call.
    fn append(&mut self) -> Result<()> {
        let pages = std::mem::take(self.pages.inner_mut());
        self.sink.append(&pages)?;
        self.sink.flush();
        self.sink.error.outcome()
    }

    fn is_page_full(&self) -> bool {
        let (duration, segments) = self.page.iter().fold((Span::ZERO, 0), |(duration, segments), packet| {
            (duration + packet.duration, segments + packet.segments())
        });
        duration >= SYNC_INTERVAL || segments >= MAX_SEGMENTS
    }
}

impl<W: Write + Seek + Send> ContainerWriter<W> for OggWriter<W> {
    fn write(&mut self, kind: TrackKind, packet: &EncodedPacket) -> Result<()> {
        self.sink.error.outcome()?;
        check_sound(kind, packet, self.last)?;
        self.write_header()?;
        if self.is_page_full() {
            self.write_page(self.page.len(), PacketWriteEndInfo::EndPage)?;
        }
        self.push(packet, packet.duration);
        (self.last, self.end) = (packet.timestamp, packet.timestamp + packet.duration);
        Ok(())
    }

    fn bytes(&self) -> u64 {
        let waiting: u64 = self.page.iter().map(PagePacket::size).sum();
        self.sink.written() + if self.page.is_empty() { 0 } else { PAGE_HEADER + waiting }
    }

    fn flush(&mut self) {
        let ready = self.page.len().saturating_sub(1);
        if ready > 0 && self.sink.error.is_none() {
            // An error is kept, and returned by the next call.
            let _ = self.write_page(ready, PacketWriteEndInfo::EndPage);
        }
        self.sink.flush();
    }

    fn with_sink(&mut self, look: &mut dyn FnMut(&mut W)) {
        look(&mut self.sink.sink);
    }

    fn finish(mut self: Box<Self>, _: Option<Timestamp>) -> Finished<W> {
        let count = self.page.len();
        let written = if count > 0 { self.write_page(count, PacketWriteEndInfo::EndStream) } else { Ok(()) };
        self.sink.flush();
        let outcome = written.and(self.sink.error.outcome());
        Finished { sink: self.sink.sink, outcome, end: self.end }
    }
}

/// The comment header (RFC 7845 §5.2): the vendor, and no comment.
fn tags() -> Vec<u8> {
    const VENDOR: &str = concat!("framereel ", env!("CARGO_PKG_VERSION"));
    let mut tags = b"OpusTags".to_vec();
    tags.extend((VENDOR.len() as u32).to_le_bytes());
    tags.extend(VENDOR.as_bytes());
    tags.extend(0_u32.to_le_bytes());
    tags
}

/// How many samples at [`RATE`] an Opus packet decodes to, by its first bytes (RFC 6716 §3.1 and §3.2).
pub(super) fn decoded_samples(packet: &[u8]) -> u64 {
    let Some(toc) = packet.first() else { return 0 };
    let frame = match toc >> 3 {
        config @ 0..12 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..16 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |count| u64::from(count & 63)),
    };
    frame * frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_tells_how_long_it_is() {
        // 20 ms of hybrid and of CELT in one frame, 10 ms twice, 2.5 ms three times, 60 ms of SILK.
        for (packet, samples) in [
            (&[13 << 3][..], 960),
            (&[31 << 3], 960),
            (&[(30 << 3) | 1], 960),
            (&[(28 << 3) | 3, 3], 360),
            (&[3 << 3], 2880),
            (&[(28 << 3) | 3], 0),
        ] {
            assert_eq!(decoded_samples(packet), samples, "{packet:?}");
        }
    }
}
