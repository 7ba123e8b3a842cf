//! The containers that recordings are written in, behind one trait.
//!
//! All of them promise: a file plays at every instant while it is written; if the program is killed, the file lacks the
//! last tenth of a second at most, and what was in flight; each packet reaches the sink whole or not at all; a sink
//! that cannot seek (a pipe, a blob that is handed out in parts) gets a live form, with the header first.

use std::io::{Seek, Write};

use super::ogg::OggWriter;
use super::tracks::{AudioCodec, Tracks};
use super::wav::{self, WavWriter};
use super::webm::WebmWriter;
use crate::blob::Blob;
use crate::error::{Error, ErrorKind, Result};
use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::{Span, Timestamp};

/// How often the sink is synchronised: a program that is killed loses no more than this, and what is in flight.
pub(super) const SYNC_INTERVAL: Span = Span::from_millis(100);

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Container {
    /// WebM: AV1 and Opus.
    #[default]
    Webm,
    /// Ogg: Opus alone (RFC 7845).
    Ogg,
    /// WAV: 16-bit PCM alone, at the sound's own rate.
    Wav,
}

impl Container {
    /// The container of files with this extension, in any case: `webm`, `ogg`, `oga`, `opus`, `wav`. None for another.
    ///
    /// ```
    /// use framereel::mux::Container;
    ///
    /// assert_eq!(Container::for_extension("OGG"), Some(Container::Ogg));
    /// assert_eq!(Container::for_extension("mp4"), None);
    /// ```
    pub fn for_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "webm" => Some(Self::Webm),
            "ogg" | "oga" | "opus" => Some(Self::Ogg),
            "wav" => Some(Self::Wav),
            _ => None,
        }
    }

    /// The MIME type to ask a recorder for
    /// ([`MediaRecorderOptions::mime_type`](crate::recorder::MediaRecorderOptions::mime_type)), for a stream with or without
    /// pictures.
    pub fn mime_type(self, pictures: bool) -> &'static str {
        match (self, pictures) {
            (Self::Webm, true) => "video/webm",
            (Self::Webm, false) => "audio/webm",
            (Self::Ogg, _) => "audio/ogg",
            (Self::Wav, _) => "audio/wav",
        }
    }

    /// Whether it cannot hold video.
    pub fn is_audio_only(self) -> bool {
        self != Self::Webm
    }

    /// How its sound is encoded.
    pub fn audio_codec(self) -> AudioCodec {
        match self {
            Self::Webm | Self::Ogg => AudioCodec::Opus,
            Self::Wav => AudioCodec::Pcm,
        }
    }

    /// How much of the sound before its beginning a file also holds, so that a decoder plays the beginning exactly (RFC
    /// 7845 §4.6).
    pub fn preroll(self) -> Span {
        if self == Self::Ogg { Span::from_millis(80) } else { Span::ZERO }
    }

    /// Begins a file of these tracks at the sink's beginning. `before` holds the packets of [`Container::preroll`], if
    /// the file continues another one. A seekable sink is not written to before the first packet; one that cannot seek
    /// gets the header at once.
    ///
    /// # Errors
    /// `NotSupportedError` for tracks that this container cannot hold; `UnknownError` when libwebm rejects them; a
    /// write error.
    pub fn writer<W>(
        self,
        sink: W,
        tracks: &Tracks,
        before: Option<&[EncodedPacket]>,
    ) -> Result<Box<dyn ContainerWriter<W>>>
    where
        W: Write + Seek + Send + 'static,
    {
        let audio = || match tracks {
            Tracks { video: None, audio: Some(audio) } => Ok(audio),
            _ => Err(Error::not_supported(format!("expected sound alone for a file of {self:?} but found {tracks:?}"))),
        };
        Ok(match self {
            Self::Webm => Box::new(WebmWriter::new(sink, tracks)?),
            Self::Ogg => Box::new(OggWriter::new(sink, audio()?, before)?),
            Self::Wav => Box::new(WavWriter::new(sink, audio()?)?),
        })
    }

    /// Makes a whole file of one in its live form: adds the index and the lengths that were known only at its end.
    /// Returns the file unchanged where that fails.
    pub(crate) fn repaired(self, file: Blob) -> Blob {
        match self {
            Self::Webm => file.clone().into_seekable().unwrap_or(file),
            Self::Ogg => file,
            Self::Wav => wav::repaired(file),
        }
    }
}

/// Writes one file.
pub trait ContainerWriter<W>: Send {
    /// Appends a packet; all tracks' packets come in the order of their times.
    ///
    /// # Errors
    /// A write error when the sink fails or the container can hold no more: then nothing more can be written, but call
    /// [`ContainerWriter::finish`] all the same. `InvalidStateError` when packets come out of order or before time 0,
    /// have no bytes, or are of a track that the file does not have.
    fn write(&mut self, kind: TrackKind, packet: &EncodedPacket) -> Result<()>;

    /// Extends the file to this time, though no packet reaches it yet: its last frame is still shown.
    fn advance(&mut self, _time: Timestamp) {}

    /// How many bytes the file has so far, including those that are not in the sink yet.
    fn bytes(&self) -> u64;

    /// Writes everything that can be written to the sink, and flushes the sink. An error is returned by the next call.
    fn flush(&mut self);

    /// Calls `look` with the sink.
    fn with_sink(&mut self, look: &mut dyn FnMut(&mut W));

    /// Writes the end of the file, and returns the sink, flushed. Video ends at `end`, else with its last packet; sound
    /// ends with its last sample. After an error the sink holds what could be written; this plays if it holds a packet.
    fn finish(self: Box<Self>, end: Option<Timestamp>) -> Finished<W>;
}

/// Refuses a packet that is not sound or does not follow `last`.
pub(super) fn check_sound(kind: TrackKind, packet: &EncodedPacket, last: Timestamp) -> Result<()> {
    if kind == TrackKind::Audio && !packet.data.is_empty() && packet.timestamp >= last {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidState,
        format!(
            "expected a packet of sound with bytes, from {}s on, but found {} bytes of {kind} at {}s",
            last.as_secs_f64(),
            packet.data.len(),
            packet.timestamp.as_secs_f64()
        ),
    ))
}

/// The result of [`ContainerWriter::finish`].
#[derive(Debug)]
pub struct Finished<W> {
    /// The sink, flushed.
    pub sink: W,
    /// Whether all went well.
    pub outcome: Result<()>,
    /// The end of the last packet that reached the file.
    pub end: Timestamp,
}

impl<W: Write + Seek + Send> ContainerWriter<W> for WebmWriter<W> {
    fn write(&mut self, kind: TrackKind, packet: &EncodedPacket) -> Result<()> {
        Self::write(self, kind, packet)
    }

    fn advance(&mut self, time: Timestamp) {
        Self::advance(self, time);
    }

    fn bytes(&self) -> u64 {
        Self::bytes(self)
    }

    fn flush(&mut self) {
        Self::flush(self);
    }

    fn with_sink(&mut self, look: &mut dyn FnMut(&mut W)) {
        Self::with_sink(self, look);
    }

    fn finish(self: Box<Self>, end: Option<Timestamp>) -> Finished<W> {
        Self::finish(*self, end)
    }
}
