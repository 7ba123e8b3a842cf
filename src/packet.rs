//! The encoded form of media, for audio and video alike.

use crate::time::{Span, Timestamp};

/// One encoded packet, as returned by the encoder: for AV1, a temporal unit of OBUs in the low-overhead format.
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
}
