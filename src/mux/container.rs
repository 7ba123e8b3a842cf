//! The containers that recordings are written in, behind one trait.
//!
//! All of them promise: a file plays at every instant while it is written; if the program is killed, the file lacks the
//! last tenth of a second at most, and what was in flight; each packet reaches the sink whole or not at all; a sink
//! that cannot seek (a pipe, a blob that is handed out in parts) gets a live form, with the header first.

use std::io::{Seek, Write};

use super::alpha_webm::AlphaWebmWriter;
use super::gif::GifWriter;
use super::mp4::Mp4Writer;
use super::ogg::OggWriter;
use super::still_file::StillWriter;
use super::tar::TarWriter;
use super::tracks::{AudioCodec, Tracks};
use super::wav::{self, WavWriter};
use super::webm::WebmWriter;
use super::{animated_webp, apng};
use crate::blob::Blob;
use crate::codec::VideoCodec;
use crate::error::{Error, ErrorKind, Result};
use crate::packet::EncodedPacket;
use crate::still::StillFormat;
use crate::stream::TrackKind;
use crate::time::{Span, Timestamp};

/// How often the sink is synchronised: a program that is killed loses no more than this, and what is in flight.
pub(super) const SYNC_INTERVAL: Span = Span::from_millis(100);

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Container {
    /// WebM: AV1, VP9 or VP8, and Opus.
    #[default]
    Webm,
    /// MP4 (ISO/IEC 14496-12): AV1, VP9, H.264 or HEVC, and Opus or AAC.
    Mp4,
    /// Ogg: Opus alone (RFC 7845).
    Ogg,
    /// WAV: 16-bit PCM alone, at the sound's own rate.
    Wav,
    /// An animated GIF.
    Gif,
    /// An animated WebP (RFC 9649).
    WebP,
    /// An animated PNG (PNG specification, third edition, §11.3.8).
    Apng,
    /// One picture.
    Still(StillFormat),
    /// A tar archive of pictures (POSIX.1-2001, `ustar`).
    Tar(StillFormat),
}

impl Container {
    /// The container of files with this extension, in any case: `webm`, `mp4`, `m4v`, `ogg`, `oga`, `opus`, `wav`,
    /// `gif`, `webp`, `apng`, `png`, `jpg`, `jpeg`, `tar`. None for another.
    ///
    /// ```
    /// use framereel::mux::Container;
    ///
    /// assert_eq!(Container::for_extension("OGG"), Some(Container::Ogg));
    /// assert_eq!(Container::for_extension("avi"), None);
    /// ```
    pub fn for_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "webm" => Some(Self::Webm),
            "mp4" | "m4v" => Some(Self::Mp4),
            "ogg" | "oga" | "opus" => Some(Self::Ogg),
            "wav" => Some(Self::Wav),
            "gif" => Some(Self::Gif),
            "webp" => Some(Self::WebP),
            "apng" => Some(Self::Apng),
            "png" => Some(Self::Still(StillFormat::Png)),
            "jpg" | "jpeg" => Some(Self::Still(StillFormat::Jpeg)),
            "tar" => Some(Self::Tar(StillFormat::Png)),
            _ => None,
        }
    }

    /// Its name, such as `WebM`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Webm => "WebM",
            Self::Mp4 => "MP4",
            Self::Ogg => "Ogg",
            Self::Wav => "WAV",
            Self::Gif => "GIF",
            Self::WebP | Self::Still(StillFormat::WebP) => "WebP",
            Self::Apng => "animated PNG",
            Self::Still(StillFormat::Png) => "PNG",
            Self::Still(StillFormat::Jpeg) => "JPEG",
            Self::Tar(_) => "tar",
        }
    }

    /// The MIME type to ask a recorder for
    /// ([`MediaRecorderOptions::mime_type`](crate::recorder::MediaRecorderOptions::mime_type)), for a stream with or without
    /// pictures.
    pub fn mime_type(self, pictures: bool) -> &'static str {
        match (self, pictures) {
            (Self::Webm, true) => "video/webm",
            (Self::Webm, false) => "audio/webm",
            (Self::Mp4, true) => "video/mp4",
            (Self::Mp4, false) => "audio/mp4",
            (Self::Ogg, _) => "audio/ogg",
            (Self::Wav, _) => "audio/wav",
            (Self::Gif, _) => "image/gif",
            (Self::WebP, _) => "image/webp",
            (Self::Apng, _) => "image/apng",
            (Self::Still(format), _) => format.mime_type(),
            (Self::Tar(StillFormat::Png), _) => "application/x-tar;codecs=png",
            (Self::Tar(StillFormat::Jpeg), _) => "application/x-tar;codecs=jpeg",
            (Self::Tar(StillFormat::WebP), _) => "application/x-tar;codecs=webp",
        }
    }

    /// The codecs of video that it can hold, the one to use first; none where it holds sound alone.
    pub fn video_codecs(self) -> &'static [VideoCodec] {
        match self {
            Self::Webm => &[VideoCodec::Av1, VideoCodec::Vp9, VideoCodec::Vp8],
            Self::Mp4 => &[VideoCodec::Av1, VideoCodec::H264, VideoCodec::Vp9, VideoCodec::Hevc],
            Self::Ogg | Self::Wav => &[],
            Self::Gif => &[VideoCodec::Gif],
            Self::WebP | Self::Still(StillFormat::WebP) | Self::Tar(StillFormat::WebP) => &[VideoCodec::WebP],
            Self::Apng | Self::Still(StillFormat::Png) | Self::Tar(StillFormat::Png) => &[VideoCodec::Png],
            Self::Still(StillFormat::Jpeg) | Self::Tar(StillFormat::Jpeg) => &[VideoCodec::Jpeg],
        }
    }

    /// The codecs of video that it can hold together with transparency, the one to use first.
    pub fn alpha_codecs(self) -> &'static [VideoCodec] {
        match self {
            Self::Webm => &[VideoCodec::Vp9, VideoCodec::Vp8],
            // It has no place for the second stream of VP9.
            Self::Mp4 => &[],
            _ if self.video_codecs() == [VideoCodec::Jpeg] => &[],
            _ => self.video_codecs(),
        }
    }

    /// The codecs of sound that it can hold, the one to use first; none where it holds no sound.
    pub fn audio_codecs(self) -> &'static [AudioCodec] {
        match self {
            Self::Webm | Self::Ogg => &[AudioCodec::Opus],
            Self::Mp4 => &[AudioCodec::Opus, AudioCodec::Aac],
            Self::Wav => &[AudioCodec::Pcm],
            Self::Gif | Self::WebP | Self::Apng | Self::Still(_) | Self::Tar(_) => &[],
        }
    }

    /// Whether it cannot hold video.
    pub fn is_audio_only(self) -> bool {
        self.video_codecs().is_empty()
    }

    /// Whether it is a picture that moves, whose frames may hold only what changed
    /// ([`EncoderConfig::partial`](crate::encode::EncoderConfig::partial)).
    pub(crate) fn is_animated_picture(self) -> bool {
        matches!(self, Self::Apng | Self::WebP)
    }

    /// How much of the sound before its beginning a file also holds, so that a decoder plays the beginning exactly (RFC
    /// 7845 §4.6).
    pub fn preroll(self) -> Span {
        if matches!(self, Self::Ogg | Self::Mp4) { Span::from_millis(80) } else { Span::ZERO }
    }

    /// Begins a file of these tracks at the sink's beginning. `before` holds the packets of [`Container::preroll`], if
    /// the file continues another one; `loops` is how often an animated picture is shown, for ever by default. A
    /// seekable sink is not written to before the first packet; one that cannot seek gets the header at once.
    ///
    /// # Errors
    /// `NotSupportedError` for tracks that this container cannot hold; `UnknownError` when libwebm rejects them; a
    /// write error.
    pub fn writer<W>(
        self,
        sink: W,
        tracks: &Tracks,
        before: Option<&[EncodedPacket]>,
        loops: Option<u16>,
    ) -> Result<Box<dyn ContainerWriter<W>>>
    where
        W: Write + Seek + Send + 'static,
    {
        let audio = || match tracks {
            Tracks { video: None, audio: Some(audio) } => Ok(audio),
            _ => Err(Error::not_supported(format!(
                "expected sound alone for a file of {} but found {tracks:?}",
                self.name()
            ))),
        };
        let pictures = || match tracks {
            Tracks { video: Some(video), audio: None } => Ok(video),
            _ => Err(Error::not_supported(format!(
                "expected pictures alone for a file of {} but found {tracks:?}",
                self.name()
            ))),
        };
        Ok(match self {
            Self::Webm if tracks.video.as_ref().is_some_and(|video| video.alpha) => {
                Box::new(AlphaWebmWriter::new(sink, tracks)?)
            }
            Self::Webm => Box::new(WebmWriter::new(sink, tracks)?),
            Self::Ogg => Box::new(OggWriter::new(sink, audio()?, before)?),
            Self::Wav => Box::new(WavWriter::new(sink, audio()?)?),
            Self::Apng => apng::writer(sink, pictures()?, loops)?,
            Self::WebP => animated_webp::writer(sink, pictures()?, loops)?,
            Self::Still(format) => Box::new(StillWriter::new(sink, pictures()?, format)?),
            Self::Tar(format) => Box::new(TarWriter::new(sink, pictures()?, format)?),
            Self::Gif => Box::new(GifWriter::new(sink, tracks, loops)?),
            Self::Mp4 => Box::new(Mp4Writer::new(sink, tracks, before)?),
        })
    }

    /// Makes a whole file of one in its live form: adds the index and the lengths that were known only at its end.
    /// Returns the file unchanged where that fails.
    pub(crate) fn repaired(self, file: Blob) -> Blob {
        match self {
            Self::Webm | Self::Mp4 => file.clone().into_seekable().unwrap_or(file),
            Self::Ogg => file,
            Self::Wav => wav::repaired(file),
            Self::Apng => apng::repaired(file),
            Self::WebP => animated_webp::repaired(file),
            Self::Gif | Self::Still(_) | Self::Tar(_) => file,
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

    /// About how many bytes [`ContainerWriter::finish`] will add to these, beyond some hundred: those of an index that
    /// grows with the file.
    fn end_bytes(&self) -> u64 {
        0
    }

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
