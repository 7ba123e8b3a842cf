//! Times for encoders that count ticks: libaom and libvpx.

use crate::time::{Span, Timestamp};

/// Computes times that increase and stay small. libaom accepts at most 2^32 ticks, which is five days; so gaps are
/// shortened to [`TickClock::MAX_GAP`], and the encoder is opened again before the limit.
#[derive(Debug, Default)]
pub(super) struct TickClock {
    /// The last frame's time and ticks.
    last: Option<(Timestamp, i64)>,
}

impl TickClock {
    /// A tick is a tenth of a millisecond. Only rate control uses these times; packets keep the frame's time.
    pub(super) const TICKS_PER_SECOND: i32 = 10_000;
    const NANOS_PER_TICK: i64 = 1_000_000_000 / Self::TICKS_PER_SECOND as i64;
    /// One minute; longer gaps make no difference to rate control.
    const MAX_GAP: i64 = 60 * Self::TICKS_PER_SECOND as i64;
    /// Half of libaom's limit, which leaves days until the next key frame.
    const REOPEN_AT: i64 = 1 << 31;

    /// The ticks of a frame of this time; two frames never get the same.
    pub(super) fn at(&mut self, time: Timestamp) -> i64 {
        let whole = |time: Timestamp| time.as_nanos() / Self::NANOS_PER_TICK;
        let ticks = self.last.map_or(0, |(last, ticks)| ticks + (whole(time) - whole(last)).clamp(1, Self::MAX_GAP));
        self.last = Some((time, ticks));
        ticks
    }

    /// The ticks of a length, at least one.
    pub(super) fn length(span: Span) -> u32 {
        (span.as_nanos() / Self::NANOS_PER_TICK).clamp(1, u32::MAX.into()) as u32
    }

    /// Whether the encoder should be opened again at the next key frame.
    pub(super) fn is_high(&self) -> bool {
        self.last.is_some_and(|(_, ticks)| ticks >= Self::REOPEN_AT)
    }
}
