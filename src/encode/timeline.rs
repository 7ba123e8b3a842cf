//! Aligns buffers of sound to their timestamps. The device's sampling clock and the clock of the timestamps differ, so
//! the samples drift from their times.
//!
//! Buffers are joined without a gap while they stay within [`TOLERANCE`] of their timestamps, because timestamps of
//! real devices jitter. A larger difference, also one that added up, is corrected at once: by silence where sound is
//! missing, by a cut where there is too much. The first buffer is placed exactly at its timestamp.

use crate::audio::{AudioBuffer, samples_in, span_of};
use crate::error::{Error, Result};
use crate::time::{Span, Timestamp};

/// The greatest difference between sound and its timestamp, early or late.
pub(super) const TOLERANCE: Span = Span::from_millis(2);

/// The longest silence between two buffers; a timestamp beyond is an error.
const LONGEST_GAP: Span = Span::from_secs(24 * 3600);

/// The sound placed so far, from time 0 on.
pub(super) struct Timeline {
    /// The time of the first sample at the current rate.
    from: Timestamp,
    /// Samples per second; none before the first buffer.
    rate: Option<u32>,
    /// Samples at that rate, silence included.
    samples: u64,
}

/// How a buffer is aligned to its timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Placement {
    /// This many samples of silence are inserted before it.
    pub silence: u64,
    /// This many of its first samples are cut off.
    pub cut: usize,
}

impl Timeline {
    pub(super) fn new() -> Self {
        Self { from: Timestamp::ZERO, rate: None, samples: 0 }
    }

    /// Continues at this rate from `at`, the end so far as the resampler has rounded it.
    pub(super) fn change_rate(&mut self, rate: u32, at: Timestamp) {
        *self = Self { from: at, rate: Some(rate), samples: 0 };
    }

    pub(super) fn rate(&self) -> Option<u32> {
        self.rate
    }

    /// The end of the last sample.
    pub(super) fn end(&self) -> Timestamp {
        self.rate.map_or(self.from, |rate| self.from + span_of(self.samples, rate))
    }

    /// Appends a buffer at the current rate. A range error when it begins more than a day after the end so far.
    pub(super) fn place(&mut self, sound: &AudioBuffer) -> Result<Placement> {
        let end = self.end();
        let late = Span::from_nanos(sound.timestamp.as_nanos().saturating_sub(end.as_nanos()));
        if late > LONGEST_GAP {
            return Err(Error::range(format!(
                "expected sound within {LONGEST_GAP} of the last at {}s but found it at {}s",
                end.as_secs_f64(),
                sound.timestamp.as_secs_f64()
            )));
        }
        let early = Span::from_nanos(late.as_nanos().saturating_neg());
        let tolerance = if end == Timestamp::ZERO { Span::ZERO } else { TOLERANCE };
        let placement = if late > tolerance {
            Placement { silence: samples_in(late, sound.rate()), cut: 0 }
        } else if early > tolerance {
            let cut = samples_in(early, sound.rate()).min(sound.samples() as u64);
            Placement { silence: 0, cut: cut as usize }
        } else {
            Placement::default()
        };
        self.samples += placement.silence + (sound.samples() - placement.cut) as u64;
        Ok(placement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;
    const MILLI: i64 = 1_000_000;

    /// 20 ms of sound at this time.
    fn piece(nanos: i64) -> AudioBuffer {
        AudioBuffer::silence(RATE, Timestamp::from_nanos(nanos), 1, 960).unwrap()
    }

    fn timeline() -> Timeline {
        let mut timeline = Timeline::new();
        timeline.change_rate(RATE, Timestamp::ZERO);
        timeline
    }

    #[test]
    fn the_first_piece_stands_exactly_at_its_time() {
        for (nanos, silence, cut) in [(0, 0, 0), (MILLI, 48, 0), (500 * MILLI, 24_000, 0), (-5 * MILLI, 0, 240)] {
            assert_eq!(timeline().place(&piece(nanos)).unwrap(), Placement { silence, cut }, "{nanos}");
        }
    }

    #[test]
    fn jitter_leaves_no_seam_and_gaps_and_overlaps_are_put_right() {
        let mut line = timeline();
        for (nanos, silence, cut, end) in [
            (0, 0, 0, 960),
            (20 * MILLI + 1_900_000, 0, 0, 2 * 960),
            (40 * MILLI - 1_900_000, 0, 0, 3 * 960),
            (63 * MILLI, 144, 0, 4 * 960 + 144),
            (80 * MILLI, 0, 144, 5 * 960),
            (10 * MILLI, 0, 960, 5 * 960),
            (100 * MILLI, 0, 0, 6 * 960),
        ] {
            assert_eq!(line.place(&piece(nanos)).unwrap(), Placement { silence, cut }, "{nanos}");
            assert_eq!(line.end() - Timestamp::ZERO, span_of(end, RATE), "{nanos}");
        }
    }

    #[test]
    fn drift_never_grows_beyond_the_tolerance() {
        // Each piece says that it took 0.1 % longer, or shorter, than its samples do.
        for tempo in [20_020_000, 19_980_000] {
            let mut line = timeline();
            let mut corrections = 0;
            for index in 0..5_000 {
                let sound = piece(index * tempo);
                let placement = line.place(&sound).unwrap();
                corrections += u32::from(placement != Placement::default());
                let off = (line.end() - sound.end()).as_nanos().abs();
                assert!(off <= TOLERANCE.as_nanos(), "{off} at {index}");
            }
            // 100 s drift by 100 ms, in steps of a little more than 2 ms.
            assert!((45..=50).contains(&corrections), "{corrections}");
        }
    }

    #[test]
    fn times_that_are_none_are_refused() {
        let error = timeline().place(&piece(i64::MAX)).unwrap_err();
        assert!(error.to_string().starts_with("expected sound within 86400s of the last at 0s but found"), "{error}");
        assert_eq!(timeline().place(&piece(i64::MIN)).unwrap(), Placement { silence: 0, cut: 960 });
    }
}
