//! The position of a player on a film's time line, by a clock. Pure: times go in and come out.

use crate::time::{Span, Timestamp};

/// A position that stands still or moves at a rate relative to the clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Playhead {
    /// The position at the time `since`.
    position: Span,
    since: Timestamp,
    rate: f64,
    moving: bool,
}

impl Playhead {
    /// At the beginning of the film, standing still.
    pub fn new() -> Self {
        Self { position: Span::ZERO, since: Timestamp::ZERO, rate: 1.0, moving: false }
    }

    /// The position at this time of the clock.
    pub fn position(&self, now: Timestamp) -> Span {
        let elapsed = if self.moving { scaled(now - self.since, self.rate) } else { Span::ZERO };
        self.position + elapsed
    }

    /// The time of the clock at which the playhead is, or was, at this position, if it keeps moving.
    pub fn time_of(&self, position: Span) -> Timestamp {
        self.since + scaled(position - self.position, 1.0 / self.rate)
    }

    pub fn is_moving(&self) -> bool {
        self.moving
    }

    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Starts or stops, from now on.
    pub fn set_moving(&mut self, moving: bool, now: Timestamp) {
        self.jump(self.position(now), now);
        self.moving = moving;
    }

    /// Sets the rate, from now on.
    pub fn set_rate(&mut self, rate: f64, now: Timestamp) {
        self.jump(self.position(now), now);
        self.rate = rate;
    }

    /// Moves to this position.
    pub fn jump(&mut self, position: Span, now: Timestamp) {
        (self.position, self.since) = (position, now);
    }
}

fn scaled(span: Span, factor: f64) -> Span {
    Span::from_nanos((span.as_nanos() as f64 * factor).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::ZERO + Span::from_millis(millis)
    }

    #[test]
    fn it_moves_by_its_rate_and_stands_still_in_between() {
        let mut playhead = Playhead::new();
        assert_eq!(playhead.position(at(500)), Span::ZERO);
        playhead.set_moving(true, at(1_000));
        assert_eq!(playhead.position(at(1_200)), Span::from_millis(200));
        playhead.set_rate(2.0, at(1_500));
        assert_eq!(playhead.position(at(1_600)), Span::from_millis(700));
        playhead.set_moving(false, at(2_000));
        assert_eq!(playhead.position(at(9_000)), Span::from_millis(1_500));
        playhead.jump(Span::from_millis(100), at(9_000));
        playhead.set_moving(true, at(10_000));
        assert_eq!(playhead.position(at(10_050)), Span::from_millis(200));
    }

    #[test]
    fn a_position_is_reached_at_its_time() {
        let mut playhead = Playhead::new();
        playhead.set_rate(0.5, at(0));
        playhead.set_moving(true, at(1_000));
        let time = playhead.time_of(Span::from_millis(40));
        assert_eq!(time, at(1_080));
        assert_eq!(playhead.position(time), Span::from_millis(40));
    }
}
