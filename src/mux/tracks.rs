//! What the tracks of a file are, as its header says it.

use crate::color::ColorSpace;
use crate::frame::Size;

/// What a file holds: at least one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tracks {
    /// The pictures.
    pub video: Option<VideoTrack>,
    /// The sound.
    pub audio: Option<AudioTrack>,
}

impl From<VideoTrack> for Tracks {
    fn from(video: VideoTrack) -> Self {
        Self { video: Some(video), audio: None }
    }
}

impl From<AudioTrack> for Tracks {
    fn from(audio: AudioTrack) -> Self {
        Self { video: None, audio: Some(audio) }
    }
}

/// What the track header says of an AV1 video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoTrack {
    /// The picture's size in pixels.
    pub size: Size,
    /// The `CodecPrivate`: the payload of an av1C box ("AV1 in Matroska").
    pub codec_private: Vec<u8>,
    /// The `Colour`. The chroma siting is left to the AV1 sequence header, which outranks it.
    pub color: ColorSpace,
}

/// What the header says of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioTrack {
    /// What its packets are.
    pub codec: AudioCodec,
    /// Samples a second: of PCM, in the file; of Opus, as it was before it was encoded.
    pub rate: u32,
    /// How many channels.
    pub channels: u8,
    /// Of Opus, the OpusHead (RFC 7845 §5.1); of PCM, nothing.
    pub codec_private: Vec<u8>,
}

/// How sound is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AudioCodec {
    /// Opus (RFC 6716).
    Opus,
    /// Samples of 16 bits, little-endian, the channels of one time beside each other.
    Pcm,
}
