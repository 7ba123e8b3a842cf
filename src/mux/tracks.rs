//! The tracks of a file, as its header describes them.

pub use crate::codec::AudioCodec;
use crate::codec::VideoCodec;
use crate::color::ColorSpace;
use crate::frame::{BitDepth, Size};

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

/// The header of a video track.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VideoTrack {
    /// The encoding of its packets.
    pub codec: VideoCodec,
    /// The video's size in pixels.
    pub size: Size,
    /// The `CodecPrivate` of Matroska: of AV1, H.264 and HEVC the payload of an av1C, avcC or hvcC box; of VP9, WebM's
    /// list of features; of the others, empty.
    pub codec_private: Vec<u8>,
    /// The `Colour`. Without the chroma siting, because the headers of AV1 and H.264 have it and take precedence.
    pub color: ColorSpace,
    /// How many bits a sample has.
    pub depth: BitDepth,
    /// Whether packets have transparency ([`EncodedPacket::alpha`](crate::packet::EncodedPacket::alpha)).
    pub alpha: bool,
}

setters! {
    VideoTrack {
        with_alpha: alpha: bool,
        with_color: color: ColorSpace,
        with_depth: depth: BitDepth,
    }
}

impl VideoTrack {
    /// An opaque track of 8 bits in [`ColorSpace::RECORDED`].
    pub fn new(codec: VideoCodec, size: Size, codec_private: Vec<u8>) -> Self {
        Self { codec, size, codec_private, color: ColorSpace::RECORDED, depth: BitDepth::default(), alpha: false }
    }
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
