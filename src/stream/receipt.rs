//! What became of a frame that was asked for by its time.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::lock;
use crate::time::Timestamp;

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
pub enum DropReason {
    /// No recorder was recording it: none was there, or its stream or the recording ended before.
    #[default]
    NotRecorded,
    /// Another frame was requested before the canvas was painted.
    Superseded,
    /// The recording was paused.
    Paused,
    /// The recorder was busy and real time does not wait.
    Busy,
    /// Its time lies before that of a frame recorded already.
    OutOfOrder,
    /// The recording failed.
    Failed,
}

impl std::fmt::Display for DropReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotRecorded => "nobody was recording",
            Self::Superseded => "another frame was requested before the canvas was painted",
            Self::Paused => "the recording was paused",
            Self::Busy => "the recorder was busy",
            Self::OutOfOrder => "a later frame was recorded before it",
            Self::Failed => "the recording failed",
        })
    }
}

/// Tells what became of a frame, once that is known.
#[derive(Debug, Clone)]
pub struct Receipt(Arc<Slot>);

/// The frame's side of a receipt. When the last clone goes and nobody has said anything, the frame was dropped.
#[derive(Debug, Clone)]
pub(crate) struct Ticket(Arc<Guard>);

#[derive(Debug, Default)]
struct Slot {
    outcome: Mutex<Option<Outcome>>,
    known: Condvar,
}

#[derive(Debug)]
struct Guard {
    slot: Arc<Slot>,
    reason: Mutex<DropReason>,
}

impl Receipt {
    /// A receipt and its ticket.
    pub(crate) fn new() -> (Self, Ticket) {
        let slot = Arc::new(Slot::default());
        (Self(slot.clone()), Ticket(Arc::new(Guard { slot, reason: Mutex::default() })))
    }

    /// What became of the frame; none while that is open.
    pub fn outcome(&self) -> Option<Outcome> {
        *lock(&self.0.outcome)
    }

    /// Waits until it is known what became of the frame. A frame that was requested and never painted stays open until
    /// its stream ends.
    pub fn wait(&self) -> Outcome {
        let mut outcome = lock(&self.0.outcome);
        loop {
            if let Some(known) = *outcome {
                return known;
            }
            outcome = self.0.known.wait(outcome).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits so long at most; none when it is still open then.
    pub fn wait_for(&self, patience: Duration) -> Option<Outcome> {
        let outcome = lock(&self.0.outcome);
        let waited = self.0.known.wait_timeout_while(outcome, patience, |outcome| outcome.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Ticket {
    /// The frame is in a recording. That any one has it is what counts.
    pub fn encoded(&self, timestamp: Timestamp) {
        self.0.slot.settle(Outcome::Encoded(timestamp));
    }

    /// One recorder dropped it; another may still record it.
    pub fn dropped(&self, reason: DropReason) {
        *lock(&self.0.reason) = reason;
    }
}

impl Slot {
    fn settle(&self, outcome: Outcome) {
        lock(&self.outcome).get_or_insert(outcome);
        self.known.notify_all();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.slot.settle(Outcome::Dropped(*lock(&self.reason)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_one_of_two_recorders_has_is_encoded() {
        let (receipt, ticket) = Receipt::new();
        let other = ticket.clone();
        ticket.dropped(DropReason::Paused);
        drop(ticket);
        assert_eq!(receipt.outcome(), None);
        other.encoded(Timestamp::from_nanos(5));
        assert_eq!(receipt.wait(), Outcome::Encoded(Timestamp::from_nanos(5)));
        drop(other);
        assert_eq!(receipt.outcome(), Some(Outcome::Encoded(Timestamp::from_nanos(5))));
    }

    #[test]
    fn a_frame_that_got_lost_was_dropped() {
        let (receipt, ticket) = Receipt::new();
        assert_eq!(receipt.wait_for(Duration::from_millis(1)), None);
        drop(ticket);
        assert_eq!(receipt.wait(), Outcome::Dropped(DropReason::NotRecorded));
        let (receipt, ticket) = Receipt::new();
        ticket.dropped(DropReason::Busy);
        drop(ticket);
        assert_eq!(receipt.wait(), Outcome::Dropped(DropReason::Busy));
    }
}
