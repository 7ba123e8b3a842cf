//! The tracks of a file, as its header describes them.

use crate::color::ColorSpace;
use crate::frame::Size;

/// The tracks of a file: video, sound, or both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tracks {
    /// The video.
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

/// The header of an AV1 track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoTrack {
    /// The video's size in pixels.
    pub size: Size,
    /// The `CodecPrivate`: the payload of an av1C box ("AV1 in Matroska").
    pub codec_private: Vec<u8>,
    /// The `Colour`. Without the chroma siting, because the AV1 sequence header has it and takes precedence.
    pub color: ColorSpace,
}

/// The header of a track of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioTrack {
    /// The encoding of its packets.
    pub codec: AudioCodec,
    /// Samples a second: of PCM, in the file; of Opus, before it was encoded.
    pub rate: u32,
    /// How many channels.
    pub channels: u8,
    /// Of Opus, the OpusHead (RFC 7845 §5.1); of PCM, empty.
    pub codec_private: Vec<u8>,
}

/// The encoding of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AudioCodec {
    /// Opus (RFC 6716).
    Opus,
    /// Samples of 16 bits, little-endian, channels interleaved.
    Pcm,
}
