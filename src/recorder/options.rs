//! What a recording is asked for.

use crate::encode::{EncoderChoice, Target};
use crate::filter::FilterChain;
use crate::frame::Size;
use crate::time::{FrameRate, Span};

/// What a recording is asked for. The default records what comes, as it comes, unfiltered.
#[derive(Debug, Clone)]
pub struct RecordOptions {
    /// The filters each frame passes through.
    pub filter: FilterChain,
    /// The recording's size; none keeps the source's. A source of another shape is fitted in whole, with black around.
    pub size: Option<Size>,
    /// A constant rate; none keeps each frame's own time.
    pub rate: Option<FrameRate>,
    /// Stop when the recording is this long; none records to the source's end.
    pub duration: Option<Span>,
    /// Which encoder.
    pub encoder: EncoderChoice,
    /// What the encoder aims for.
    pub target: Target,
    /// 0 (slowest, best) to 10 (fastest); none: what keeps up with a camera.
    pub speed: Option<u8>,
}

impl RecordOptions {
    /// The bitrate when none is asked for, in bits a second (MediaStream Recording: Chromium's 2 500 000).
    pub const DEFAULT_BITRATE: u32 = 2_500_000;

    /// A key frame comes at least this often, so that every file seeks.
    pub const KEY_INTERVAL: Span = Span::from_secs(2);
}

impl Default for RecordOptions {
    fn default() -> Self {
        Self {
            filter: FilterChain::default(),
            size: None,
            rate: None,
            duration: None,
            encoder: EncoderChoice::Auto,
            target: Target::Bitrate(Self::DEFAULT_BITRATE),
            speed: None,
        }
    }
}
