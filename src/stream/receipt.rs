//! What became of a frame: [`Receipt`]s for those who asked, and one [`Ticket`] for each recorder that a frame goes to.
//!
//! ```text
//! request_frame_at ──▶ Promise ─┬─ Ticket ──▶ recorder A: encoded, or dropped and why ─┐
//!                               └─ Ticket ──▶ recorder B ──────────────────────────────┴─▶ Receipt
//! ```
//!
//! Whoever loses a frame says so on its ticket, at that place, with the reason; the ticket counts it for its recorder. A
//! ticket that goes out of scope without a word is counted as lost too, so that no frame can disappear uncounted.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::lock;
use crate::time::{Span, Timestamp};

/// What became of a requested frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the recording, shown at this time of it.
    Encoded(Timestamp),
    /// It is not, and why.
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
    /// The recorder was busy, and real time does not wait.
    Busy,
    /// A later frame was recorded before it came, or it depends on a frame that was lost so.
    OutOfOrder,
    /// The recording had ended: by its limit of time, frames or bytes, or because it was stopped.
    Ended,
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
            Self::Failed => "the recording failed",
        })
    }
}

/// Tells what became of a requested frame, once that is known.
#[derive(Debug, Clone)]
pub struct Receipt(Arc<Slot>);

/// The other end of a [`Receipt`], shared by the tickets of one frame. When the last clone is dropped and no recorder has
/// encoded the frame, the receipt says that it was dropped, for the reason that was given last.
#[derive(Debug, Clone)]
pub(crate) struct Promise(Arc<PromiseGuard>);

/// Where the outcome is put.
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

    /// What became of the frame; none while that is open.
    pub fn outcome(&self) -> Option<Outcome> {
        *lock(&self.0.outcome)
    }

    /// Waits until it is known what became of the frame. A frame that was requested and never painted stays open until
    /// its stream ends; an encoded frame is known as such once it is in the file, which can be some frames later.
    pub fn wait(&self) -> Outcome {
        let mut outcome = lock(&self.0.outcome);
        loop {
            if let Some(known) = *outcome {
                return known;
            }
            outcome = self.0.known.wait(outcome).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for this long at most; none when it is still open then.
    pub fn wait_for(&self, timeout: Span) -> Option<Outcome> {
        let outcome = lock(&self.0.outcome);
        let waited = self.0.known.wait_timeout_while(outcome, timeout.into(), |outcome| outcome.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Promise {
    /// The frame is in a recording. It is enough that one recorder has it.
    fn encoded(&self, timestamp: Timestamp) {
        self.0.slot.settle(Outcome::Encoded(timestamp));
    }

    /// The frame was dropped here. Another recorder may still encode it.
    pub fn dropped(self, reason: DropReason) {
        *lock(&self.0.reason) = reason;
    }
}

impl Slot {
    fn settle(&self, outcome: Outcome) {
        lock(&self.outcome).get_or_insert(outcome);
        self.known.notify_all();
    }
}

impl Drop for PromiseGuard {
    fn drop(&mut self) {
        self.slot.settle(Outcome::Dropped(*lock(&self.reason)));
    }
}

/// One frame's way through one recorder. It ends as encoded or as dropped, and is counted there exactly once.
#[derive(Debug)]
pub(crate) struct Ticket {
    counters: Arc<FrameCounters>,
    promise: Option<Promise>,
    /// Whether it is among the counted frames already.
    counted: bool,
    settled: bool,
}

impl Ticket {
    /// The recorder takes the frame in: it counts from now on, whatever becomes of it.
    pub fn take_in(&mut self) {
        self.counters.change(|counts| self.counted = counts.take_in(self.counted));
    }

    /// Whether somebody waits for the outcome.
    pub fn is_awaited(&self) -> bool {
        self.promise.is_some()
    }

    /// The frame is in a file that was saved of a replay, shown at this time of it. It may still be recorded.
    pub fn saved(&self, timestamp: Timestamp) {
        if let Some(promise) = &self.promise {
            promise.encoded(timestamp);
        }
    }

    /// The frame is in the recording, shown at this time of it.
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

    /// The frame is lost here, and why.
    pub fn dropped(mut self, reason: DropReason) {
        self.lose(Some(reason));
    }

    /// Without a reason, it is why the recorder ended.
    fn lose(&mut self, reason: Option<DropReason>) {
        self.settled = true;
        let reason = self.counters.change(|counts| {
            let reason = reason.unwrap_or(counts.end_reason);
            counts.take_in(self.counted);
            counts.dropped[reason as usize] += 1;
            reason
        });
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

/// Counts what becomes of one recorder's frames, and sound that is lost. Each count goes up where the thing happens.
#[derive(Debug, Default)]
pub(crate) struct FrameCounters(Mutex<FrameCounts>);

/// What a recorder counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameCounts {
    /// Frames that the recorder took in, or that were lost on the way to it.
    pub frames_in: u64,
    /// Frames shown again.
    pub repeated: u64,
    /// Frames in the recording.
    pub encoded: u64,
    dropped: [u64; DropReason::COUNT],
    /// Sound that is not in the recording.
    pub sound_lost: Span,
    /// What becomes of frames that are still on their way when the recorder has ended.
    end_reason: DropReason,
    /// Whether that is a failure, which nothing replaces.
    failed: bool,
}

impl FrameCounts {
    /// Frames that were dropped for this reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Counts a frame that is not counted yet; it is counted then.
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
    /// The ticket of a frame that was captured for this recorder. It counts from [`Ticket::take_in`] on, or once it is lost.
    pub fn ticket(self: &Arc<Self>, promise: Option<Promise>) -> Ticket {
        Ticket { counters: self.clone(), promise, counted: false, settled: false }
    }

    /// The ticket of a frame that is shown again.
    pub fn repeat(self: &Arc<Self>) -> Ticket {
        self.change(|counts| counts.repeated += 1);
        Ticket { counters: self.clone(), promise: None, counted: true, settled: false }
    }

    /// So much sound is not in the recording.
    pub fn lose_sound(&self, duration: Span) {
        self.change(|counts| counts.sound_lost += duration);
    }

    /// Why the recorder ended: what is in flight then and gets lost, gets lost for this reason. A failure stays the reason.
    pub fn set_end_reason(&self, reason: DropReason) {
        self.change(|counts| {
            if !counts.failed {
                counts.end_reason = reason;
            }
            counts.failed |= reason == DropReason::Failed;
        });
    }

    /// All counts at one moment.
    pub fn counts(&self) -> FrameCounts {
        self.change(|counts| *counts)
    }

    fn change<T>(&self, change: impl FnOnce(&mut FrameCounts) -> T) -> T {
        change(&mut lock(&self.0))
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
