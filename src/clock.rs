//! Clocks, which provide timestamps: real time, a fixed step, or the timestamps of the frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use crate::motion_blur::MotionBlur;
use crate::time::{FrameRate, Span, Timestamp};

/// The clock of a canvas and of the tracks that are recorded with it. Clones are the same clock.
///
/// The same program can record with each of them:
/// - [`Clock::real`]: a frame is recorded at the time at which it is shown. A recorder that is late drops frames, which
///   are counted. With [`Clock::real_blocking`], painting waits for it instead.
/// - [`Clock::stepped`]: every frame is exactly one step after the last, however long it took to draw. Nothing is lost;
///   a recording of an hour may take a day, or a minute.
/// - [`Clock::stamped`]: frames have their own times, as those of a film do. Nothing is lost.
#[derive(Debug, Clone)]
pub struct Clock(Arc<ClockKind>);

#[derive(Debug)]
enum ClockKind {
    Real { beginning: Instant, blocks: bool },
    Stepped { rate: FrameRate, at: Mutex<ClockStep> },
    Stamped(AtomicI64),
}

/// The place of a stepped clock.
#[derive(Debug, Clone, Copy, Default)]
struct ClockStep {
    frame: u64,
    /// The time of a sub-frame within the frame, when it is not the first.
    within: Option<Timestamp>,
}

impl Clock {
    /// A clock of real time, which begins at 0 now.
    pub fn real() -> Self {
        Self(Arc::new(ClockKind::Real { beginning: Instant::now(), blocks: false }))
    }

    /// A clock of real time whose recorders drop no frame because they are busy: while one of them is behind, whoever
    /// paints waits, and paints fewer frames.
    pub fn real_blocking() -> Self {
        Self(Arc::new(ClockKind::Real { beginning: Instant::now(), blocks: true }))
    }

    /// A clock that advances one step per frame.
    pub fn stepped(rate: FrameRate) -> Self {
        Self(Arc::new(ClockKind::Stepped { rate, at: Mutex::default() }))
    }

    /// A clock that advances to the timestamps of frames and sound.
    pub fn stamped() -> Self {
        Self(Arc::new(ClockKind::Stamped(AtomicI64::new(0))))
    }

    /// The present time. A stepped clock has the time of the next frame; a stamped clock, the time just after the last
    /// timestamp.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            ClockKind::Real { beginning, .. } => Timestamp::ZERO + Span::from(beginning.elapsed()),
            ClockKind::Stepped { rate, at } => {
                let ClockStep { frame, within } = *at.lock();
                within.unwrap_or_else(|| rate.timestamp(frame))
            }
            ClockKind::Stamped(nanos) => Timestamp::from_nanos(nanos.load(Ordering::Acquire)),
        }
    }

    /// The time of this clock at an instant of the past; none of a clock that is not real.
    pub(crate) fn at(&self, instant: Instant) -> Option<Timestamp> {
        match &*self.0 {
            ClockKind::Real { beginning, .. } => {
                Some(Timestamp::ZERO + Span::from(instant.saturating_duration_since(*beginning)))
            }
            ClockKind::Stepped { .. } | ClockKind::Stamped(_) => None,
        }
    }

    /// Whether frames for which a recorder has no room are dropped; otherwise whoever paints waits for room.
    pub(crate) fn drops(&self) -> bool {
        matches!(*self.0, ClockKind::Real { blocks: false, .. })
    }

    /// Whether it is a clock of real time.
    pub fn is_real(&self) -> bool {
        matches!(*self.0, ClockKind::Real { .. })
    }

    /// The frame rate of a stepped clock; none for other clocks.
    pub fn rate(&self) -> Option<FrameRate> {
        match &*self.0 {
            ClockKind::Stepped { rate, .. } => Some(*rate),
            ClockKind::Real { .. } | ClockKind::Stamped(_) => None,
        }
    }

    /// Added to a time of this clock to get the time of `other` at the same instant; none where the two are unrelated.
    /// Real clocks differ by the times at which they were made.
    pub(crate) fn shift_to(&self, other: &Self) -> Option<Span> {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Some(Span::ZERO);
        }
        match (&*self.0, &*other.0) {
            (ClockKind::Real { beginning: own, .. }, ClockKind::Real { beginning: other, .. }) => {
                let (later, earlier) = (own.saturating_duration_since(*other), other.saturating_duration_since(*own));
                Some(Span::from(later) - Span::from(earlier))
            }
            _ => None,
        }
    }

    /// Advances a stepped clock by one step, after a frame was shown. Without effect on other clocks.
    pub fn step(&self) {
        if let ClockKind::Stepped { at, .. } = &*self.0 {
            let mut at = at.lock();
            *at = ClockStep { frame: at.frame + 1, within: None };
        }
    }

    /// Advances a stepped clock to the beginning of sub-frame `index` of the present frame. Without effect on other
    /// clocks.
    pub(crate) fn step_within(&self, blur: MotionBlur, index: u32) {
        if let ClockKind::Stepped { rate, at } = &*self.0 {
            let mut at = at.lock();
            at.within = Some(blur.begin(*rate, at.frame, index));
        }
    }

    /// Advances a stamped clock to this timestamp; it never goes back. Without effect on other clocks.
    pub fn reach(&self, stamp: Timestamp) {
        if let ClockKind::Stamped(nanos) = &*self.0 {
            nanos.fetch_max(stamp.as_nanos().saturating_add(1), Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stepped_clock_goes_by_frames_and_by_nothing_else() {
        let clock = Clock::stepped(FrameRate::whole(25));
        clock.reach(Timestamp::from_nanos(1_000_000_000));
        assert_eq!(clock.now(), Timestamp::ZERO);
        clock.clone().step();
        assert_eq!(clock.now(), Timestamp::from_nanos(40_000_000));
    }

    #[test]
    fn a_stamped_clock_goes_where_stamps_take_it_and_never_back() {
        let clock = Clock::stamped();
        assert_eq!(clock.now(), Timestamp::ZERO);
        for (stamp, now) in [(5, 6), (3, 6), (8, 9)] {
            clock.reach(Timestamp::from_nanos(stamp));
            clock.step();
            assert_eq!(clock.now(), Timestamp::from_nanos(now));
        }
    }

    #[test]
    fn real_clocks_differ_by_when_they_were_made_and_others_have_nothing_in_common() {
        let first = Clock::real();
        std::thread::sleep(std::time::Duration::from_millis(5));
        let second = Clock::real();
        let shift = second.shift_to(&first).unwrap();
        assert!(shift >= Span::from_millis(5));
        assert_eq!(first.shift_to(&second), Some(Span::ZERO - shift));
        assert_eq!(first.clone().shift_to(&first), Some(Span::ZERO));
        let (stepped, stamped) = (Clock::stepped(FrameRate::whole(1)), Clock::stamped());
        assert_eq!(stepped.clone().shift_to(&stepped), Some(Span::ZERO));
        for (a, b) in [(&first, &stepped), (&stepped, &stamped), (&stamped, &Clock::stamped())] {
            assert_eq!(a.shift_to(b), None);
        }
    }

    #[test]
    fn only_real_time_goes_on_by_itself() {
        let clock = Clock::real();
        let before = clock.now();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(clock.now() > before && clock.is_real());
        assert!(!Clock::stepped(FrameRate::whole(1)).is_real() && !Clock::stamped().is_real());
    }
}
