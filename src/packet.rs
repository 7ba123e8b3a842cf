//! The encoded form of media, for audio and video alike.

use crate::time::{Span, Timestamp};

/// One encoded frame, as the encoder gave it: for AV1 a temporal unit of OBUs in the low-overhead format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedPacket {
    /// The bytes; never empty.
    pub data: Vec<u8>,
    /// When it is shown.
    pub timestamp: Timestamp,
    /// How long it is shown.
    pub duration: Span,
    /// Whether decoding can begin here.
    pub key: bool,
}
