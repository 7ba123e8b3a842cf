//! Video encoders behind one trait: frames go in, packets come out when they are ready.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, Size};
use crate::packet::EncodedPacket;
use crate::time::{FrameRate, Span};

#[cfg(feature = "aom")]
mod aom;
mod rav1e;

/// What a video encoder is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// The size of every frame, at least 16×16.
    pub size: Size,
    /// The nominal rate, which the rate control plans with. Frames may come at other times.
    pub rate: FrameRate,
    /// What to aim for: bits a second, or a constant quality.
    pub target: Target,
    /// 0 (slowest, best) to 10 (fastest); none: what keeps up with a camera.
    pub speed: Option<u8>,
    /// A key frame comes at least this often.
    pub key_interval: Span,
    /// How many threads it may use, at least 1.
    pub threads: usize,
}

/// What an encoder aims for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Bits a second, averaged.
    Bitrate(u32),
    /// Constant quality, 0 (worst) to 100 (best), whatever the size of the file.
    Quality(u8),
}

/// Turns I420 frames in [`ColorSpace::RECORDED`](crate::color::ColorSpace::RECORDED) into packets.
pub trait VideoEncoder: Send {
    /// Its name, as in `--encoder`.
    fn name(&self) -> &'static str;

    /// The `CodecPrivate` of a WebM track (AV1: the av1C box's payload, "AV1 in ISOBMFF" §2.3). Known from the first
    /// packet on; none before.
    fn codec_private(&self) -> Option<Vec<u8>>;

    /// Takes one frame, whose timestamp is later than the last one's, and appends the packets that became ready.
    /// `duration` is how long the frame will be shown. With `key`, the frame becomes a key frame; key frames also come
    /// by themselves as often as the configuration asks.
    fn encode(&mut self, frame: &Frame, duration: Span, key: bool, packets: &mut Vec<EncodedPacket>) -> Result<()>;

    /// Appends the packets of all frames taken so far. No frame may follow.
    fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()>;
}
