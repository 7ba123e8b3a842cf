//! The encoded form of media, for audio and video alike.

use crate::time::{Span, Timestamp};

/// One encoded packet, as returned by the encoder: for AV1, a temporal unit of OBUs in the low-overhead
/// format; for H.264 and HEVC, an access unit of NAL units with their lengths in four bytes; for pictures, the whole picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedPacket {
    /// The bytes; never empty.
    pub data: Vec<u8>,
    /// The time at which its presentation begins.
    pub timestamp: Timestamp,
    /// The length of its presentation.
    pub duration: Span,
    /// Whether decoding can begin here.
    pub key: bool,
    /// The transparency of the same picture, where the track has any: a packet of the same codec, whose luma is alpha.
    pub alpha: Option<Vec<u8>>,
}

impl EncodedPacket {
    /// An opaque packet.
    pub fn new(data: Vec<u8>, timestamp: Timestamp, duration: Span, key: bool) -> Self {
        Self { data, timestamp, duration, key, alpha: None }
    }

    /// How many bytes it has, with its transparency.
    pub fn size(&self) -> usize {
        self.data.len() + self.alpha.as_ref().map_or(0, Vec::len)
    }
}
