//! What the tracks of a file are, as its header says it.

use std::ops::Range;

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

impl Tracks {
    /// The same tracks in a file that begins later than they do: its first packet is heard from its first sample on, so
    /// that Opus has no pre-skip (RFC 7845 §5.1).
    pub fn continued(&self) -> Self {
        let mut tracks = self.clone();
        if let Some(pre_skip) = tracks.audio.as_mut().and_then(|audio| audio.codec_private.get_mut(PRE_SKIP)) {
            pre_skip.fill(0);
        }
        tracks
    }
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

/// Where an OpusHead has its pre-skip (RFC 7845 §5.1).
const PRE_SKIP: Range<usize> = 10..12;

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

impl AudioTrack {
    /// How many samples, 48000 a second, players leave out of what the file's first packets decode to.
    pub(super) fn pre_skip(&self) -> u64 {
        self.codec_private.get(PRE_SKIP).map_or(0, |bytes| u64::from(u16::from_le_bytes([bytes[0], bytes[1]])))
    }
}

/// How sound is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AudioCodec {
    /// Opus (RFC 6716).
    Opus,
    /// Samples of 16 bits, little-endian, the channels of one time beside each other.
    Pcm,
}
