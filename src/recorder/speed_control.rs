//! Decides the encoder's speed in real time: faster while it cannot keep up, slower again after a while in which it had
//! time to spare. Pure: decides by what it is told alone.

use std::ops::RangeInclusive;

use crate::time::{Span, Timestamp};

/// How long the encoder is watched before each decision, and for how many frames. The slowest of them is left out: a
/// single slow frame, such as a key frame, decides nothing.
const WINDOW: Span = Span::from_millis(500);
const FEWEST: u32 = 4;
/// The share of the time in which the encoder works from which on it has to be faster. Frames that come late or are
/// encoded slowly by chance need some room.
const BUSY: f64 = 0.85;
/// The share below which it may be slower, and is not to blame for frames that are late. One speed less takes up to a
/// quarter more time: `CALM` and `BUSY` must be further apart, or it would change for ever.
const CALM: f64 = 0.55;
/// How long it has to be calm before it gets slower.
const PATIENCE: Span = Span::from_secs(5);
/// The longest patience: it doubles each time that a slower speed had to be given up soon, until one lasts.
const LONGEST_PATIENCE: Span = Span::from_secs(80);

/// The speed of one encoder.
#[derive(Debug)]
pub struct SpeedControl {
    speeds: RangeInclusive<u8>,
    speed: u8,
    /// The beginning of the window; none before the first frame, which may take long, as may those that wait for it.
    since: Option<Timestamp>,
    /// The frames of the window, the time they took, the longest of these times, and whether frames were late or
    /// dropped.
    frames: u32,
    worked: Span,
    slowest: Span,
    is_late: bool,
    /// Since when it has been calm.
    calm_since: Option<Timestamp>,
    patience: Span,
    /// When it got slower last.
    slowed: Option<Timestamp>,
}

impl SpeedControl {
    /// For an encoder of these speeds, which begins with the first and slowest.
    pub fn new(speeds: RangeInclusive<u8>) -> Self {
        Self {
            speed: *speeds.start(),
            speeds,
            since: None,
            frames: 0,
            worked: Span::ZERO,
            slowest: Span::ZERO,
            is_late: false,
            calm_since: None,
            patience: PATIENCE,
            slowed: None,
        }
    }

    /// Takes note that at `now` a frame was encoded, which took `work`; `is_late` when frames have been waiting for the
    /// encoder, or were dropped, since the last one. Returns the encoder's new speed where it changes.
    pub fn frame_encoded(&mut self, now: Timestamp, work: Span, is_late: bool) -> Option<u8> {
        let since = *self.since.get_or_insert(now + WINDOW);
        if now <= since {
            return None;
        }
        self.frames += 1;
        self.worked += work;
        self.slowest = self.slowest.max(work);
        self.is_late |= is_late;
        if now - since < WINDOW || self.frames < FEWEST {
            return None;
        }
        let busy = (self.worked - self.slowest).as_secs_f64() / (now - since - self.slowest).as_secs_f64().max(1e-9);
        let is_late = std::mem::take(&mut self.is_late);
        (self.since, self.frames, self.worked, self.slowest) = (Some(now), 0, Span::ZERO, Span::ZERO);
        let before = self.speed;
        // Frames are late or dropped for other reasons too: filters that are too slow, of which the encoder is no part.
        if busy > BUSY || is_late && busy > CALM {
            self.raise(now);
        } else if busy < CALM {
            self.lower(now);
        } else {
            self.calm_since = None;
        }
        (self.speed != before).then_some(self.speed)
    }

    fn raise(&mut self, now: Timestamp) {
        self.calm_since = None;
        self.patience = match self.slowed.take() {
            Some(slowed) if now - slowed < self.patience => (self.patience + self.patience).min(LONGEST_PATIENCE),
            Some(_) => PATIENCE,
            None => self.patience,
        };
        self.speed = (self.speed + 1).min(*self.speeds.end());
    }

    fn lower(&mut self, now: Timestamp) {
        let since = *self.calm_since.get_or_insert(now);
        if self.speed > *self.speeds.start() && now - since >= self.patience {
            self.speed -= 1;
            (self.calm_since, self.slowed) = (None, Some(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The changes, as (millisecond, speed), while an encoder of speeds 8 to 10 gets a frame every 20 ms for so many
    /// seconds; `work` says how many milliseconds a frame takes at a millisecond and a speed. What does not fit is
    /// late.
    fn changes(secs: i64, work: impl Fn(i64, u8) -> f64) -> Vec<(i64, u8)> {
        let (mut control, mut speed, mut behind) = (SpeedControl::new(8..=10), 8, 0.0);
        let mut changes = Vec::new();
        for index in 0..secs * 50 {
            let millis = index * 20;
            let takes = work(millis, speed);
            behind = f64::max(0.0, behind + takes - 20.0);
            let now = Timestamp::ZERO + Span::from_millis(millis) + Span::from_nanos((takes * 1e6) as i64);
            let is_late = behind > 60.0;
            behind = behind.min(60.0);
            if let Some(new) = control.frame_encoded(now, Span::from_nanos((takes * 1e6) as i64), is_late) {
                speed = new;
                changes.push((millis, new));
            }
        }
        changes
    }

    #[test]
    fn an_encoder_that_keeps_up_keeps_its_speed() {
        assert_eq!(changes(60, |_, _| 8.0), []);
        // A key frame that takes three times its time every second is no reason, nor is a first frame that takes long.
        assert_eq!(changes(60, |millis, _| if millis % 1000 == 0 { 60.0 } else { 8.0 }), []);
        assert_eq!(changes(60, |millis, _| if millis == 0 { 300.0 } else { 9.0 }), []);
    }

    #[test]
    fn frames_that_come_seldom_are_judged_as_well() {
        let changes = |work| {
            let mut control = SpeedControl::new(8..=10);
            let at = |index: i64| Timestamp::ZERO + Span::from_millis(1000 * index + work);
            (0..30).filter_map(|index| control.frame_encoded(at(index), Span::from_millis(work), false)).count()
        };
        assert_eq!([changes(600), changes(950)], [0, 2]);
    }

    #[test]
    fn a_slow_encoder_is_made_faster_within_a_second_until_it_keeps_up() {
        let needed = |_, speed| [24.0, 18.5, 14.0][usize::from(speed - 8)];
        assert_eq!(changes(60, needed).iter().map(|change| change.1).collect::<Vec<_>>(), [9, 10]);
        assert!(changes(60, needed)[1].0 <= 2_000);
        // Nothing is faster than the fastest.
        assert_eq!(changes(60, |_, _| 50.0).len(), 2);
    }

    #[test]
    fn an_encoder_with_time_to_spare_is_not_to_blame_for_dropped_frames() {
        let mut control = SpeedControl::new(8..=10);
        let encoded = |millis| (Timestamp::ZERO + Span::from_millis(millis), Span::from_millis(10));
        let mut changes =
            (0..100).map(|index| encoded(40 * index)).map(|(now, work)| control.frame_encoded(now, work, true));
        assert!(changes.all(|change| change.is_none()));
    }

    #[test]
    fn after_a_busy_time_the_usual_speed_comes_back() {
        let busy = |millis, speed: u8| if millis < 4_000 { 30.0 } else { 6.0 - f64::from(speed - 8) };
        let changes = changes(60, busy);
        assert_eq!(changes.iter().map(|change| change.1).collect::<Vec<_>>(), [9, 10, 9, 8]);
        assert!((8_900..10_000).contains(&changes[2].0), "{changes:?}");
        assert!((13_900..16_000).contains(&changes[3].0), "{changes:?}");
    }

    #[test]
    fn a_slower_speed_that_fails_is_tried_ever_more_seldom() {
        // Calm at 9, too slow at 8.
        let on_the_edge = |_, speed| [19.0, 10.0, 8.0][usize::from(speed - 8)];
        let changes = changes(230, on_the_edge);
        let tries: Vec<_> = changes.iter().filter(|change| change.1 == 8).map(|change| change.0).collect();
        assert!((4..=6).contains(&tries.len()), "{changes:?}");
        assert!(tries.windows(3).all(|tries| tries[2] - tries[1] > (tries[1] - tries[0]) * 3 / 2), "{tries:?}");
    }
}
