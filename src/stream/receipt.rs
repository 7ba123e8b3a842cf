//! Tracks the outcome of frames: a [`Receipt`] for each requested frame, and a [`Ticket`] for each frame and recorder.
//!
//! ```text
//! request_frame_at ──▶ Promise ─┬─ Ticket ──▶ recorder A: encoded, or dropped and why ─┐
//!                               └─ Ticket ──▶ recorder B ──────────────────────────────┴─▶ Receipt
//! ```
//!
//! Code that drops a frame records the reason on its ticket at that place; the ticket counts it for its recorder. A
//! ticket that goes out of scope without an outcome is counted as dropped too, so that no frame is left uncounted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::time::{Span, Timestamp};
use crate::trace;

/// The outcome of a requested frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The frame is in the recording, at this time of it.
    Encoded(Timestamp),
    /// The frame is not in the recording, for this reason.
    Dropped(DropReason),
}

/// Why a frame is not in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DropReason {
    /// No recorder was recording its track when it was captured.
    #[default]
    NotRecorded,
    /// Another frame was requested before the canvas was painted.
    Superseded,
    /// The recording was paused.
    Paused,
    /// In real time, the recorder was busy.
    Busy,
    /// A later frame was recorded before it arrived, or it depends on a frame dropped for this reason.
    OutOfOrder,
    /// The recording had ended: by its limit of time, frames or bytes, or because it was stopped.
    Ended,
    /// The file's format shows no more frames a second.
    Rate,
    /// The recording failed.
    Failed,
}

impl DropReason {
    const COUNT: usize = Self::Failed as usize + 1;
}

impl std::fmt::Display for DropReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotRecorded => "nobody was recording",
            Self::Superseded => "another frame was requested before the canvas was painted",
            Self::Paused => "the recording was paused",
            Self::Busy => "the recorder was busy",
            Self::OutOfOrder => "a later frame was recorded before it",
            Self::Ended => "the recording had ended",
            Self::Rate => "the format shows no more frames a second",
            Self::Failed => "the recording failed",
        })
    }
}

/// Reports the outcome of a requested frame, once it is known.
#[derive(Debug, Clone)]
pub struct Receipt(Arc<Slot>);

/// The other end of a [`Receipt`], shared by the tickets of one frame. When the last clone is dropped and no recorder
/// has encoded the frame, the receipt reports it as dropped, for the reason that was recorded last.
#[derive(Debug, Clone)]
pub(crate) struct Promise(Arc<PromiseGuard>);

/// The place of the outcome, shared by a receipt and its promise.
#[derive(Debug, Default)]
struct Slot {
    outcome: Mutex<Option<Outcome>>,
    known: Condvar,
}

#[derive(Debug)]
struct PromiseGuard {
    slot: Arc<Slot>,
    reason: Mutex<DropReason>,
}

impl Receipt {
    /// A receipt and its promise.
    pub(crate) fn new() -> (Self, Promise) {
        let slot = Arc::new(Slot::default());
        (Self(slot.clone()), Promise(Arc::new(PromiseGuard { slot, reason: Mutex::default() })))
    }

    /// The outcome of the frame; none while it is not known.
    pub fn outcome(&self) -> Option<Outcome> {
        *self.0.outcome.lock()
    }

    /// Waits for the outcome of the frame. A frame that was requested and never painted has no outcome until its stream
    /// ends; a frame is reported as encoded once it is in the file, which can be some frames later.
    pub fn wait(&self) -> Outcome {
        let mut outcome = self.0.outcome.lock();
        loop {
            if let Some(known) = *outcome {
                return known;
            }
            self.0.known.wait(&mut outcome);
        }
    }

    /// Waits at most `timeout` for the outcome; none after the timeout.
    pub fn wait_for(&self, timeout: Span) -> Option<Outcome> {
        let mut outcome = self.0.outcome.lock();
        self.0.known.wait_while_for(&mut outcome, |outcome| outcome.is_none(), timeout.into());
        *outcome
    }
}

impl Promise {
    /// Reports the frame as encoded; one recorder is enough.
    fn encoded(&self, timestamp: Timestamp) {
        self.0.slot.settle(Outcome::Encoded(timestamp));
    }

    /// Records that one recorder dropped the frame. Another recorder may still encode it.
    pub fn dropped(self, reason: DropReason) {
        *self.0.reason.lock() = reason;
    }
}

impl Slot {
    fn settle(&self, outcome: Outcome) {
        self.outcome.lock().get_or_insert(outcome);
        self.known.notify_all();
    }
}

impl Drop for PromiseGuard {
    fn drop(&mut self) {
        self.slot.settle(Outcome::Dropped(*self.reason.lock()));
    }
}

/// Follows one frame through one recorder. The frame ends as encoded or dropped, and is counted exactly once.
#[derive(Debug)]
pub(crate) struct Ticket {
    counters: Arc<FrameCounters>,
    promise: Option<Promise>,
    /// Whether the frame is counted in `frames_in` already.
    counted: bool,
    settled: bool,
}

impl Ticket {
    /// The recorder has taken the frame: it counts as incoming, whatever its outcome.
    pub fn take_in(&mut self) {
        self.counters.change(|counts| self.counted = counts.take_in(self.counted));
    }

    /// Whether a receipt was requested for the frame.
    pub fn is_awaited(&self) -> bool {
        self.promise.is_some()
    }

    /// The frame is in a saved file of a replay, at this time of it. It may still be recorded too.
    pub fn saved(&self, timestamp: Timestamp) {
        if let Some(promise) = &self.promise {
            promise.encoded(timestamp);
        }
    }

    /// The frame is in the recording, at this time of it.
    pub fn encoded(mut self, timestamp: Timestamp) {
        self.settled = true;
        self.counters.change(|counts| {
            counts.take_in(self.counted);
            counts.encoded += 1;
        });
        if let Some(promise) = &self.promise {
            promise.encoded(timestamp);
        }
    }

    /// The frame was dropped, for this reason.
    pub fn dropped(mut self, reason: DropReason) {
        self.lose(Some(reason));
    }

    /// Counts the frame as dropped; without a reason, for the reason why the recorder ended.
    fn lose(&mut self, reason: Option<DropReason>) {
        self.settled = true;
        let reason = {
            let state = &mut *self.counters.0.lock();
            let reason = reason.unwrap_or(state.counts.end_reason);
            state.counts.take_in(self.counted);
            state.counts.dropped[reason as usize] += 1;
            if reason == DropReason::Busy {
                BusyTime::note(&mut state.busy, Instant::now());
            }
            reason
        };
        trace::dropped(reason);
        if let Some(promise) = self.promise.take() {
            promise.dropped(reason);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.settled {
            self.lose(None);
        }
    }
}

/// Counts the outcomes of one recorder's frames, and lost sound. Each count is increased where the event happens.
#[derive(Debug, Default)]
pub(crate) struct FrameCounters(Mutex<CountersState>);

#[derive(Debug, Default)]
struct CountersState {
    counts: FrameCounts,
    busy: Vec<BusyTime>,
}

/// A time in which frames were dropped because the recorder was busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BusyTime {
    /// When the first was dropped, and the last.
    pub first: Instant,
    pub last: Instant,
    pub frames: u64,
}

impl BusyTime {
    /// Two frames that are dropped less than this apart belong to one time.
    const GAP: Duration = Duration::from_secs(1);
    /// The most times that are kept; the last one then goes on.
    const MOST: usize = 100;

    /// Takes note of a frame that is dropped now.
    fn note(busy: &mut Vec<Self>, now: Instant) {
        let is_full = busy.len() == Self::MOST;
        match busy.last_mut() {
            Some(last) if is_full || now.saturating_duration_since(last.last) < Self::GAP => {
                last.last = last.last.max(now);
                last.frames += 1;
            }
            _ => busy.push(Self { first: now, last: now, frames: 1 }),
        }
    }
}

/// The counts of one recorder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameCounts {
    /// Frames that the recorder took, or that were dropped on the way to it.
    pub frames_in: u64,
    /// Repeated frames.
    pub repeated: u64,
    /// Frames in the recording.
    pub encoded: u64,
    dropped: [u64; DropReason::COUNT],
    /// Sound that is not in the recording.
    pub sound_lost: Span,
    /// The drop reason of frames that are still in flight when the recorder has ended.
    end_reason: DropReason,
    /// Whether `end_reason` is a failure, which no later reason replaces.
    failed: bool,
}

impl FrameCounts {
    /// Frames that were dropped for this reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Counts a frame as incoming, unless it is counted already. Returns true.
    fn take_in(&mut self, counted: bool) -> bool {
        self.frames_in += u64::from(!counted);
        true
    }
}

impl Default for FrameCounts {
    fn default() -> Self {
        let dropped = [0; DropReason::COUNT];
        let end_reason = DropReason::Failed;
        Self { frames_in: 0, repeated: 0, encoded: 0, dropped, sound_lost: Span::ZERO, end_reason, failed: false }
    }
}

impl FrameCounters {
    /// The ticket of a frame that was captured for this recorder. The frame counts from [`Ticket::take_in`] on, or once
    /// it is encoded or dropped.
    pub fn ticket(self: &Arc<Self>, promise: Option<Promise>) -> Ticket {
        Ticket { counters: self.clone(), promise, counted: false, settled: false }
    }

    /// The ticket of a repeated frame.
    pub fn repeat(self: &Arc<Self>) -> Ticket {
        self.change(|counts| counts.repeated += 1);
        Ticket { counters: self.clone(), promise: None, counted: true, settled: false }
    }

    /// Counts sound that is not in the recording.
    pub fn lose_sound(&self, duration: Span) {
        self.change(|counts| counts.sound_lost += duration);
    }

    /// Sets why the recorder ended: frames still in flight are dropped for this reason. A failure is not replaced.
    pub fn set_end_reason(&self, reason: DropReason) {
        self.change(|counts| {
            if !counts.failed {
                counts.end_reason = reason;
            }
            counts.failed |= reason == DropReason::Failed;
        });
    }

    /// When frames were dropped because the recorder was busy, with the counts of the same moment.
    pub fn counts_and_times(&self) -> (FrameCounts, Vec<BusyTime>) {
        let state = self.0.lock();
        (state.counts, state.busy.clone())
    }

    /// All counts at one moment.
    pub fn counts(&self) -> FrameCounts {
        self.change(|counts| *counts)
    }

    fn change<T>(&self, change: impl FnOnce(&mut FrameCounts) -> T) -> T {
        change(&mut self.0.lock().counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters() -> Arc<FrameCounters> {
        Arc::default()
    }

    #[test]
    fn a_frame_that_one_of_two_recorders_has_is_encoded() {
        let (receipt, promise) = Receipt::new();
        let (one, other) = (counters(), counters());
        let tickets = [&one, &other].map(|counters| counters.ticket(Some(promise.clone())));
        drop(promise);
        let [first, second] = tickets;
        first.dropped(DropReason::Paused);
        assert_eq!(receipt.outcome(), None);
        second.encoded(Timestamp::from_nanos(5));
        assert_eq!(receipt.wait(), Outcome::Encoded(Timestamp::from_nanos(5)));
        let counted = |counters: &FrameCounters| {
            let counts = counters.counts();
            (counts.frames_in, counts.encoded, counts.dropped(DropReason::Paused))
        };
        assert_eq!((counted(&one), counted(&other)), ((1, 0, 1), (1, 1, 0)));
    }

    #[test]
    fn a_promise_that_is_dropped_without_a_word_was_for_a_frame_that_nobody_recorded() {
        let (receipt, promise) = Receipt::new();
        assert_eq!(receipt.wait_for(Span::from_millis(1)), None);
        drop(promise);
        assert_eq!(receipt.wait(), Outcome::Dropped(DropReason::NotRecorded));
    }

    #[test]
    fn a_ticket_that_gets_lost_without_a_word_counts_for_the_reason_why_the_recorder_ended() {
        for reason in [DropReason::Failed, DropReason::Ended] {
            let counters = counters();
            counters.set_end_reason(reason);
            let (receipt, promise) = Receipt::new();
            drop(counters.ticket(Some(promise)));
            assert_eq!(receipt.outcome(), Some(Outcome::Dropped(reason)));
            assert_eq!((counters.counts().frames_in, counters.counts().dropped(reason)), (1, 1));
        }
    }

    #[test]
    fn frames_dropped_soon_after_each_other_are_one_busy_time_and_there_are_not_too_many_of_these() {
        let (mut busy, begin) = (Vec::new(), Instant::now());
        let at = |millis| begin + Duration::from_millis(millis);
        [0, 900, 1_800, 2_800, 2_900].into_iter().for_each(|millis| BusyTime::note(&mut busy, at(millis)));
        let times = [(0, 1_800, 3), (2_800, 2_900, 2)];
        let times = times.map(|(first, last, frames)| BusyTime { first: at(first), last: at(last), frames });
        assert_eq!(busy, times);
        (1..=200).for_each(|secs| BusyTime::note(&mut busy, at(10_000 * secs)));
        let last = *busy.last().unwrap();
        assert_eq!((busy.len(), last.frames), (BusyTime::MOST, 103));
        assert_eq!((last.first, last.last), (at(980_000), at(2_000_000)));
    }

    #[test]
    fn a_frame_shown_again_is_not_one_that_came_in() {
        let counters = counters();
        counters.repeat().encoded(Timestamp::ZERO);
        let mut ticket = counters.ticket(None);
        ticket.take_in();
        ticket.take_in();
        let counts = counters.counts();
        assert_eq!((counts.frames_in, counts.repeated, counts.encoded), (1, 1, 1));
        ticket.dropped(DropReason::Busy);
        assert_eq!((counters.counts().frames_in, counters.counts().dropped(DropReason::Busy)), (1, 1));
    }
}
