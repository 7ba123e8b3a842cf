//! A tar archive of pictures (POSIX.1-2001, `pax`, "ustar Interchange Format").
//!
//! ```text
//! 00001.png       a block of 512 bytes that names it, the picture, zeros up to a whole block
//! 00002.png …
//! times.json      when each is shown: `picture_times.rs`
//! two blocks of zeros
//! ```
//!
//! It is written from the beginning to the end, to files and to pipes alike. One that breaks off holds the pictures up
//! to there; their times are lost, because the last one's length is known only at the end. Nothing in it depends on
//! when or by whom it was made.

use std::io::{Seek, Write};

use super::container::{ContainerWriter, Finished, SYNC_INTERVAL};
use super::picture_times::PictureTimes;
use super::sink::BlockSink;
use super::still_file::check_format;
use super::tracks::VideoTrack;
use crate::error::{Error, ErrorKind, Result};
use crate::packet::EncodedPacket;
use crate::still::StillFormat;
use crate::stream::TrackKind;
use crate::time::Timestamp;

const BLOCK: usize = 512;
/// The most that a picture takes in the file of times, in bytes.
const TIMES_LINE: usize = 100;
/// The most bytes that eleven octal digits express.
const MAX_ENTRY: u64 = (1 << 33) - 1;

/// Writes one archive.
pub(super) struct TarWriter<W> {
    sink: BlockSink<W>,
    extension: &'static str,
    times: PictureTimes,
    last: Option<Timestamp>,
    end: Timestamp,
    synced: Timestamp,
}

impl<W: Write + Seek> TarWriter<W> {
    /// Begins an archive of pictures of this format at the sink's beginning.
    ///
    /// # Errors
    /// `NotSupportedError` for a track of other pictures.
    pub fn new(sink: W, track: &VideoTrack, format: StillFormat) -> Result<Self> {
        check_format(track, format)?;
        let extension = match format {
            StillFormat::Png => "png",
            StillFormat::Jpeg => "jpg",
            StillFormat::WebP => "webp",
        };
        let end = Timestamp::ZERO;
        let (sink, times) = (BlockSink::new(sink), PictureTimes::default());
        Ok(Self { sink, extension, times, last: None, end, synced: end })
    }

    fn sync(&mut self) {
        self.synced = self.end;
        self.sink.flush();
    }
}

impl<W: Write + Seek + Send> ContainerWriter<W> for TarWriter<W> {
    fn write(&mut self, kind: TrackKind, packet: &EncodedPacket) -> Result<()> {
        self.sink.error.outcome()?;
        let size = packet.data.len() as u64;
        let follows = self.last.is_none_or(|last| packet.timestamp > last);
        if kind != TrackKind::Video || !follows || !(1..=MAX_ENTRY).contains(&size) {
            return Err(Error::new(
                ErrorKind::InvalidState,
                format!(
                    "expected a picture of 1 to {MAX_ENTRY} bytes, later than {}s, but found {size} bytes of {kind} at \
                     {}s",
                    self.last.unwrap_or_default().as_secs_f64(),
                    packet.timestamp.as_secs_f64()
                ),
            ));
        }
        let number = self.times.len() + 1;
        let name = format!("{number:05}.{}", self.extension);
        self.sink.append(&entry(&name, &packet.data))?;
        self.times.push(name, packet.timestamp);
        self.last = Some(packet.timestamp);
        self.end = packet.timestamp + packet.duration;
        if self.end - self.synced >= SYNC_INTERVAL {
            self.sync();
        }
        self.sink.error.outcome()
    }

    fn advance(&mut self, time: Timestamp) {
        if time > self.end && self.last.is_some() {
            self.end = time;
            if self.end - self.synced >= SYNC_INTERVAL {
                self.sync();
            }
        }
    }

    fn bytes(&self) -> u64 {
        self.sink.written()
    }

    fn end_bytes(&self) -> u64 {
        // The next picture's header and padding; those of the file of times, a line for each picture; and the end.
        (3 * 2 * BLOCK + (self.times.len() + 1) * TIMES_LINE) as u64
    }

    fn flush(&mut self) {
        self.sync();
    }

    fn with_sink(&mut self, look: &mut dyn FnMut(&mut W)) {
        look(&mut self.sink.sink);
    }

    fn finish(mut self: Box<Self>, end: Option<Timestamp>) -> Finished<W> {
        let end = end.unwrap_or(self.end).max(self.last.unwrap_or_default());
        self.sync();
        if self.sink.error.is_none() && self.times.len() > 0 {
            let mut rest = entry("times.json", self.times.to_json(end).as_bytes());
            rest.resize(rest.len() + 2 * BLOCK, 0);
            // An error is kept, and is the outcome.
            let _ = self.sink.append(&rest);
            self.sink.flush();
        }
        let outcome = self.sink.error.outcome();
        Finished { sink: self.sink.sink, outcome, end }
    }
}

/// A file in the archive, padded to whole blocks.
fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..][..text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    // No owner, no group.
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{:011o}\0", content.len()).as_bytes());
    // No time: the same pictures give the same archive.
    put(136, b"00000000000\0");
    // For the checksum's own sum, it counts as spaces.
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut entry = Vec::with_capacity(BLOCK + content.len().next_multiple_of(BLOCK));
    entry.extend(block);
    entry.extend(content);
    entry.resize(entry.len().next_multiple_of(BLOCK), 0);
    entry
}
