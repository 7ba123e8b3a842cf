//! Files of pictures that follow each other, written frame by frame: what animated PNG and animated WebP have in
//! common.
//!
//! ```text
//! header      says how many frames or bytes follow
//! control     the place of a frame's picture, and how long it is shown      ┐
//! body        the picture                                                   ┘ once for each frame
//! trailer
//! ```
//!
//! A sink that can seek gets a frame at once, with the length that its packet expects. The true length is known when
//! the next frame comes: the control is written again if it differs. The header is written again ten times a second; it
//! never counts more than what is there, so that a file that breaks off shows the frames it counts.
//!
//! On a pipe a frame is written when the next one comes, because its length stands before its picture; one that is
//! asked for earlier gets the length that its packet expects. The header counts more frames or bytes than any file has.
//! `Container::repaired` writes the true counts into such a file.
//!
//! Lengths carry their rounding: each is the time from where the file's frames before it end to where the next one
//! begins. The first frame is shown from time 0.

use std::collections::VecDeque;
use std::io::{Seek, Write};

use super::container::{ContainerWriter, Finished, SYNC_INTERVAL};
use super::sink::BlockSink;
use crate::blob::Blob;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{PixelRect, Size};
use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::{Span, Timestamp};

/// How a format writes its parts.
pub(super) trait AnimationFormat: Send + 'static {
    /// Its name, for errors.
    const NAME: &'static str;
    /// The most bytes that a file may have, without the last frame's control.
    const MAX_BYTES: u64;
    /// What follows the last frame.
    const TRAILER: &'static [u8];

    /// The size of the whole pictures.
    fn size(&self) -> Size;

    /// What stands before the first frame; always of the same length.
    fn header(&self, counts: AnimationCounts) -> Vec<u8>;

    /// The picture of a packet as the file's frames hold it.
    fn picture(&self, packet: &[u8]) -> Result<AnimationPicture>;

    /// The body of a frame. `first` is the first one's; `sequence` counts what the format numbers.
    fn body(&self, picture: AnimationPicture, first: bool, sequence: &mut u32) -> AnimationBody;

    /// What stands before a body; of the same length for every length.
    fn control(&self, body: &AnimationBody, length: FrameLength) -> Vec<u8>;

    /// The length that the format can express which comes nearest, above 0.
    fn length(&self, wanted: Span) -> FrameLength;
}

/// How much a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnimationCounts {
    /// This many frames, and all bytes of the file up to the end of the last one.
    Known { frames: u32, bytes: u64 },
    /// What is counted when it cannot be corrected later.
    Unknown,
}

/// A picture on its way into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AnimationPicture {
    pub rect: PixelRect,
    /// The chunks, or their content, that hold the picture.
    pub data: Vec<Vec<u8>>,
}

/// The bytes of a frame's picture in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AnimationBody {
    pub rect: PixelRect,
    /// The number of the frame's control, where the format has one.
    pub sequence: u32,
    pub bytes: Vec<u8>,
}

/// How long a frame is shown, as the format writes it: a fraction of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameLength {
    pub numerator: u32,
    pub denominator: u32,
}

impl FrameLength {
    /// The same as a span, to the nanosecond.
    pub fn span(self) -> Span {
        let nanos = i128::from(self.numerator) * 1_000_000_000 / i128::from(self.denominator.max(1));
        Span::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

/// Writes one animated file.
pub(super) struct AnimationWriter<W, F> {
    sink: BlockSink<W>,
    format: F,
    last: Option<LastFrame>,
    sequence: u32,
    /// How many frames are in the sink.
    frames: u32,
    /// Where the frames end that the header in the sink does not count.
    uncounted: VecDeque<u64>,
    /// Where the last frame begins by the lengths in the file.
    shown: Timestamp,
    /// The time of the last packet, and the end of the recording so far.
    time: Timestamp,
    end: Timestamp,
    /// The end by what is in the sink.
    synced: Timestamp,
}

/// The frame that came last, whose length is not known yet.
struct LastFrame {
    /// Its place in the file and what is written there; none while it is held back on a pipe.
    written: Option<(u64, FrameLength)>,
    body: AnimationBody,
}

impl<W: Write + Seek, F: AnimationFormat> AnimationWriter<W, F> {
    /// Begins a file at the sink's beginning. A seekable sink is not written to before the first packet; one that
    /// cannot seek gets the header at once.
    ///
    /// # Errors
    /// A write error.
    pub fn new(sink: W, format: F) -> Result<Self> {
        let mut sink = BlockSink::new(sink);
        if !sink.is_seekable() {
            sink.append(&format.header(AnimationCounts::Unknown))?;
            sink.flush();
        }
        let zero = Timestamp::ZERO;
        Ok(Self {
            sink,
            format,
            last: None,
            sequence: 0,
            frames: 0,
            uncounted: VecDeque::new(),
            shown: zero,
            time: zero,
            end: zero,
            synced: zero,
        })
    }

    /// Gives the last frame its length: the time up to `end`.
    fn show_last_until(&mut self, end: Timestamp) -> Result<FrameLength> {
        let length = self.format.length(end - self.shown);
        let Some(last) = &mut self.last else { return Ok(length) };
        match last.written {
            None => {
                let mut block = self.format.control(&last.body, length);
                block.extend(&last.body.bytes);
                last.written = Some((self.sink.written(), length));
                self.sink.append(&block)?;
                self.frames += 1;
            }
            Some((position, known)) if known != length && self.sink.is_seekable() => {
                last.written = Some((position, length));
                self.sink.rewrite(position, &self.format.control(&last.body, length));
            }
            Some(_) => {}
        }
        Ok(last.written.map_or(length, |(_, length)| length))
    }

    /// Counts the frames in the sink that end at `bytes` at the latest.
    fn set_counts(&mut self, bytes: u64) {
        if self.uncounted.is_empty() {
            return;
        }
        let lost = self.uncounted.iter().filter(|end| **end > bytes).count() as u32;
        self.uncounted.clear();
        self.frames -= lost;
        if self.sink.is_seekable() && self.frames > 0 {
            let counts = AnimationCounts::Known { frames: self.frames, bytes };
            self.sink.rewrite(0, &self.format.header(counts));
        }
    }

    fn append(&mut self, body: AnimationBody, expected: Span) -> Result<()> {
        if !self.sink.is_seekable() {
            self.last = Some(LastFrame { written: None, body });
            return Ok(());
        }
        let length = self.format.length(self.time + expected - self.shown);
        let mut block = self.format.control(&body, length);
        block.extend(&body.bytes);
        let mut position = self.sink.written();
        if self.frames == 0 {
            // The length of a header does not depend on its counts.
            let bare = self.format.header(AnimationCounts::Known { frames: 1, bytes: 0 });
            let bytes = (bare.len() + block.len()) as u64;
            let header = self.format.header(AnimationCounts::Known { frames: 1, bytes });
            block.splice(0..0, header);
            position = bare.len() as u64;
        }
        self.sink.append(&block)?;
        self.uncounted.push_back(self.sink.written());
        self.frames += 1;
        self.last = Some(LastFrame { written: Some((position, length)), body });
        Ok(())
    }

    /// How many bytes of the last frame are held back.
    fn held(&self) -> u64 {
        let held = self.last.as_ref().filter(|last| last.written.is_none());
        held.map_or(0, |last| {
            let control = self.format.control(&last.body, self.format.length(Span::ZERO));
            (control.len() + last.body.bytes.len()) as u64
        })
    }

    fn check(&self, kind: TrackKind, packet: &EncodedPacket) -> Result<()> {
        let follows = packet.timestamp > self.time || self.last.is_none() && packet.timestamp >= Timestamp::ZERO;
        if kind == TrackKind::Video && !packet.data.is_empty() && follows {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidState,
            format!(
                "expected a picture with bytes, later than {}s, but found {} bytes of {kind} at {}s",
                self.time.as_secs_f64(),
                packet.data.len(),
                packet.timestamp.as_secs_f64()
            ),
        ))
    }
}

impl<W: Write + Seek + Send, F: AnimationFormat> ContainerWriter<W> for AnimationWriter<W, F> {
    fn write(&mut self, kind: TrackKind, packet: &EncodedPacket) -> Result<()> {
        self.sink.error.outcome()?;
        self.check(kind, packet)?;
        let picture = self.format.picture(&packet.data)?;
        let (rect, size) = (picture.rect, self.format.size());
        if !rect.is_within(size) || self.last.is_none() && rect != PixelRect::whole(size) {
            let expected = if self.last.is_none() { "a whole picture" } else { "a picture or a part" };
            let PixelRect { x, y, size: found } = rect;
            return Err(Error::new(
                ErrorKind::InvalidState,
                format!("expected {expected} of {size} but found {found} from ({x}, {y}) on"),
            ));
        }
        let body = self.format.body(picture, self.last.is_none(), &mut self.sequence);
        let bytes = self.bytes() + body.bytes.len() as u64 + 256;
        if bytes > F::MAX_BYTES {
            return Err(Error::new(
                ErrorKind::Write,
                format!(
                    "expected at most {} bytes, all that {} can say, but found {bytes}; record in pieces, or as WebM",
                    F::MAX_BYTES,
                    F::NAME
                ),
            ));
        }
        if self.last.is_some() {
            let length = self.show_last_until(packet.timestamp)?;
            self.shown = self.shown + length.span();
        }
        self.time = packet.timestamp;
        self.append(body, packet.duration)?;
        self.end = packet.timestamp + packet.duration;
        if self.end - self.synced >= SYNC_INTERVAL {
            self.sync();
        }
        self.sink.error.outcome()
    }

    fn advance(&mut self, time: Timestamp) {
        if self.last.is_some() && time > self.end {
            self.end = time;
            if self.sink.is_seekable() && self.end - self.synced >= SYNC_INTERVAL {
                self.sync();
            }
        }
    }

    fn bytes(&self) -> u64 {
        self.sink.written() + self.held()
    }

    fn flush(&mut self) {
        // An error is kept, and returned by the next call.
        let _ = self.show_last_until(self.end);
        self.sync();
    }

    fn with_sink(&mut self, look: &mut dyn FnMut(&mut W)) {
        look(&mut self.sink.sink);
    }

    fn finish(mut self: Box<Self>, end: Option<Timestamp>) -> Finished<W> {
        let end = end.unwrap_or(self.end).max(self.time);
        // An error is kept, and is the outcome.
        let _ = self.show_last_until(end);
        self.sink.flush();
        if self.frames > 0 {
            let stored = self.sink.stored();
            let _ = self.sink.append(F::TRAILER);
            self.set_counts(stored);
            self.sink.flush();
        }
        let outcome = self.sink.error.outcome();
        Finished { sink: self.sink.sink, outcome, end }
    }
}

impl<W: Write + Seek, F: AnimationFormat> AnimationWriter<W, F> {
    /// Brings the sink up to date.
    fn sync(&mut self) {
        self.synced = self.end;
        if self.sink.is_seekable() {
            // An error is kept, and returned by the next call.
            let _ = self.show_last_until(self.end);
        }
        self.sink.flush();
        // Only what has arrived is counted.
        if self.sink.is_seekable() && self.sink.error.is_none() {
            self.set_counts(self.sink.written());
            self.sink.flush();
        }
    }
}

/// Puts a header of the same length in the place of a file's own.
pub(super) fn with_header(file: Blob, header: Vec<u8>) -> Blob {
    let own = header.len() as u64;
    Blob::join([Blob::new(header, file.mime_type()), file.slice(own..file.size())])
}

#[cfg(test)]
mod tests;
