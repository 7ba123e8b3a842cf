//! Corrects the times of a film's frames so that they rise.

use crate::time::{Span, Timestamp};

/// A frame whose time is not after that of the one before is moved to this long after it: the shortest time that a WebM
/// file can express.
const LEAST: i128 = 1_000_000;
/// Where times fall by at least this much, the film's clock was reset, as where two films were joined.
const RESET: i128 = 1_000_000_000;
/// The longest possible film. A later time is damage, and is limited so that sums do not overflow.
const LONGEST: i128 = i64::MAX as i128 / 4;

/// Computes the times of frames from the film's ticks; each frame comes after the one before.
///
/// A frame without a time comes a nominal span after the one before it. A frame whose time is not after that of the one
/// before comes a millisecond after it. Where the times fall by a second or more, the clock was reset: that frame comes
/// a nominal span after the one before, and the following frames keep their distance from it.
#[derive(Debug, Clone)]
pub struct FrameTimes {
    /// How long a tick is, as a fraction of a second.
    tick: (u64, u64),
    /// The tick of time 0, where it is known.
    zero: Option<i64>,
    nominal: Span,
    /// What is added to the film's times since its clock was reset.
    moved: i128,
    last: Option<i128>,
}

impl FrameTimes {
    /// Counts from the tick `zero`, or else from the first tick that comes.
    pub fn new(tick: (u64, u64), zero: Option<i64>, nominal: Span) -> Self {
        Self { tick, zero, nominal, moved: 0, last: None }
    }

    /// The tick of time 0, once it is known, as a time of the film.
    pub fn zero(&self) -> Option<Span> {
        let nanos = i128::from(self.zero?) * 1_000_000_000 * i128::from(self.tick.0) / i128::from(self.tick.1);
        Some(Span::from_nanos(nanos.clamp(-LONGEST, LONGEST) as i64))
    }

    /// The corrected time of the next frame, whose time in the film is `ticks`: negative where that is before time 0.
    pub fn place(&mut self, ticks: Option<i64>) -> Timestamp {
        let nominal = i128::from(self.nominal.as_nanos());
        let own = ticks.map(|ticks| self.nanos(ticks));
        let time = match (own, self.last) {
            (None, last) => last.map_or(0, |last| last + nominal),
            (Some(own), None) => own,
            (Some(own), Some(last)) if own + self.moved > last => own + self.moved,
            (Some(own), Some(last)) if own + self.moved > last - RESET => last + LEAST,
            (Some(own), Some(last)) => {
                self.moved = last + nominal - own;
                last + nominal
            }
        };
        let time = time.clamp(-LONGEST, LONGEST);
        self.last = Some(time);
        Timestamp::from_nanos(time as i64)
    }

    /// From time 0 to this tick, to the nearest nanosecond.
    fn nanos(&mut self, ticks: i64) -> i128 {
        let zero = *self.zero.get_or_insert(ticks);
        let (num, den) = (i128::from(self.tick.0), i128::from(self.tick.1));
        let seconds = (i128::from(ticks) - i128::from(zero)) * num;
        (seconds * 1_000_000_000 + den / 2).div_euclid(den)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(tick: (u64, u64), ticks: &[Option<i64>]) -> Vec<i64> {
        let mut times = FrameTimes::new(tick, None, Span::from_millis(40));
        ticks.iter().map(|ticks| times.place(*ticks).as_nanos()).collect()
    }

    #[test]
    fn times_are_exact_from_the_first_frame_on_however_far_the_film() {
        assert_eq!(placed((1, 30_000), &[Some(-1001), Some(0), Some(1001)]), [0, 33_366_667, 66_733_333]);
        let hours = 1_000_000_000 * 1001;
        assert_eq!(placed((1, 30_000), &[Some(5), Some(hours + 5)]), [0, 33_366_666_666_666_667]);
    }

    #[test]
    fn equal_and_slightly_falling_times_come_a_millisecond_later_and_the_rest_stay() {
        let ticks = [0, 0, 100, 90, 200].map(Some);
        assert_eq!(placed((1, 1000), &ticks), [0, 1, 100, 101, 200].map(|millis| millis * 1_000_000));
    }

    #[test]
    fn a_clock_that_is_reset_goes_on_where_it_was_and_a_frame_without_time_follows_at_the_rate() {
        let ticks = [Some(5000), Some(6500), Some(100), Some(350), None];
        assert_eq!(placed((1, 1000), &ticks), [0, 1500, 1540, 1790, 1830].map(|millis| millis * 1_000_000));
        assert_eq!(placed((1, 1000), &[None, None]), [0, 40_000_000]);
    }

    #[test]
    fn absurd_times_do_not_overflow() {
        let ticks = [i64::MIN, i64::MAX, i64::MIN, i64::MAX, 0].map(Some);
        assert_eq!(placed((u32::MAX.into(), 1), &ticks).len(), 5);
    }
}
