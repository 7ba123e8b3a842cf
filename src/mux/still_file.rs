//! A file of one picture: the packet as it is.

use std::io::{Seek, Write};

use super::container::{ContainerWriter, Finished};
use super::sink::BlockSink;
use super::tracks::VideoTrack;
use crate::error::{Error, ErrorKind, Result};
use crate::packet::EncodedPacket;
use crate::still::StillFormat;
use crate::stream::TrackKind;
use crate::time::Timestamp;

/// Writes one picture.
pub(super) struct StillWriter<W> {
    sink: BlockSink<W>,
    format: StillFormat,
    end: Timestamp,
}

impl<W: Write + Seek> StillWriter<W> {
    /// Begins a file of this format at the sink's beginning.
    ///
    /// # Errors
    /// `NotSupportedError` for a track of other pictures.
    pub fn new(sink: W, track: &VideoTrack, format: StillFormat) -> Result<Self> {
        check_format(track, format)?;
        Ok(Self { sink: BlockSink::new(sink), format, end: Timestamp::ZERO })
    }
}

/// Refuses a track of other pictures than of this format.
pub(super) fn check_format(track: &VideoTrack, format: StillFormat) -> Result<()> {
    let expected = format.codec();
    if track.codec == expected {
        return Ok(());
    }
    Err(Error::not_supported(format!("expected pictures of {expected} but found {}", track.codec)))
}

impl<W: Write + Seek + Send> ContainerWriter<W> for StillWriter<W> {
    fn write(&mut self, kind: TrackKind, packet: &EncodedPacket) -> Result<()> {
        self.sink.error.outcome()?;
        if self.sink.written() > 0 || kind != TrackKind::Video || packet.data.is_empty() {
            let name = self.format.mime_type();
            let found = format!("{} bytes of {kind} at {}s", packet.data.len(), packet.timestamp.as_secs_f64());
            let what = if self.sink.written() > 0 { format!("a second packet, {found}") } else { found };
            return Err(Error::new(
                ErrorKind::InvalidState,
                format!("expected one picture for a file of {name} but found {what}; a file holds one"),
            ));
        }
        self.end = packet.timestamp + packet.duration;
        self.sink.append(&packet.data)?;
        self.sink.flush();
        self.sink.error.outcome()
    }

    fn bytes(&self) -> u64 {
        self.sink.written()
    }

    fn flush(&mut self) {
        self.sink.flush();
    }

    fn with_sink(&mut self, look: &mut dyn FnMut(&mut W)) {
        look(&mut self.sink.sink);
    }

    fn finish(mut self: Box<Self>, end: Option<Timestamp>) -> Finished<W> {
        self.sink.flush();
        let outcome = self.sink.error.outcome();
        Finished { sink: self.sink.sink, outcome, end: end.unwrap_or(self.end) }
    }
}
