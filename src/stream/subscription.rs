//! The queue between a track and one recorder. What is captured is addressed at once to those who subscribe at that
//! moment, though it may arrive later: a recorder gets what was captured while it recorded, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use super::receipt::{DropReason, FrameCounters, Promise, Ticket};
use super::{MediaStreamTrack, TrackKind, TrackSettings};
use crate::audio::AudioBuffer;
use crate::error::Error;
use crate::frame::Frame;
use crate::time::Timestamp;

/// What a track brings.
#[derive(Debug)]
pub(crate) enum Sample {
    /// A frame, and when it arrived by the track's clock.
    Video {
        frame: Arc<Frame>,
        ticket: Ticket,
        arrived: Timestamp,
    },
    Audio(Arc<AudioBuffer>),
}

#[cfg(test)]
impl Sample {
    pub fn timestamp(&self) -> Timestamp {
        match self {
            Self::Video { frame, .. } => frame.timestamp,
            Self::Audio(sound) => sound.timestamp,
        }
    }
}

/// The track's end of a queue.
#[derive(Debug, Clone)]
pub(super) struct Subscriber {
    samples: SyncSender<Sample>,
    account: Arc<Account>,
}

/// What both ends of a queue know.
#[derive(Debug)]
struct Account {
    counters: Arc<FrameCounters>,
    /// How many deliveries were addressed and have not arrived.
    in_flight: AtomicU64,
}

/// A sample that was captured for one subscriber and has not arrived there. Dropped, it is lost, and counted.
#[derive(Debug)]
pub(crate) struct Delivery {
    track: MediaStreamTrack,
    subscriber: Subscriber,
    /// A video track's.
    ticket: Option<Ticket>,
}

impl Delivery {
    pub(super) fn new(track: MediaStreamTrack, subscriber: Subscriber, promise: Option<Promise>) -> Self {
        let account = &subscriber.account;
        account.in_flight.fetch_add(1, Ordering::AcqRel);
        let ticket = (track.kind() == TrackKind::Video).then(|| account.counters.ticket(promise));
        Self { track, subscriber, ticket }
    }

    /// The track that brings it.
    pub(super) fn track(&self) -> &MediaStreamTrack {
        &self.track
    }

    /// Hands a frame over. In real time it is lost when there is no room for it; otherwise this waits for room.
    pub(super) fn frame(mut self, frame: Arc<Frame>) {
        let arrived = self.track.clock().now();
        if let Some(ticket) = self.ticket.take()
            && let Some(Sample::Video { ticket, .. }) = self.send(Sample::Video { frame, ticket, arrived })
        {
            ticket.dropped(DropReason::Busy);
        }
    }

    /// Hands sound over, in the same way.
    pub(super) fn sound(self, sound: Arc<AudioBuffer>) {
        if let Some(Sample::Audio(lost)) = self.send(Sample::Audio(sound)) {
            self.subscriber.account.counters.lose_sound(lost.duration());
        }
    }

    /// It will not arrive, for this reason.
    pub(super) fn lose(mut self, reason: DropReason) {
        if let Some(ticket) = self.ticket.take() {
            ticket.dropped(reason);
        }
    }

    /// Gives back what found no room. What finds no reader is dropped, and counts for the reason why the reader ended.
    fn send(&self, sample: Sample) -> Option<Sample> {
        let samples = &self.subscriber.samples;
        let gone = if self.track.clock().is_real() {
            match samples.try_send(sample) {
                Ok(()) => false,
                Err(TrySendError::Full(sample)) => return Some(sample),
                Err(TrySendError::Disconnected(_)) => true,
            }
        } else {
            samples.send(sample).is_err()
        };
        if gone {
            self.track.unsubscribe(&self.subscriber.account);
        }
        None
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // Counted after it was put into the queue: when nothing is in flight, all that arrived is in the queue.
        self.subscriber.account.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The recorder's end of a queue. It unsubscribes when dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// The samples; disconnected when nothing is addressed any more and all was taken.
    pub receiver: Receiver<Sample>,
    settings: TrackSettings,
    account: Arc<Account>,
    unsubscribe: Unsubscribe,
}

/// Ends a subscription: nothing that is captured from then on is addressed to it. What was captured before arrives.
#[derive(Debug)]
pub(crate) struct Unsubscribe {
    track: MediaStreamTrack,
    account: Arc<Account>,
}

impl Subscription {
    /// A queue of `depth` samples from this track, and its other end.
    pub(super) fn new(track: &MediaStreamTrack, depth: usize, counters: &Arc<FrameCounters>) -> (Self, Subscriber) {
        let (samples, receiver) = sync_channel(depth);
        let account = Arc::new(Account { counters: counters.clone(), in_flight: AtomicU64::new(0) });
        let subscriber = Subscriber { samples, account: account.clone() };
        let unsubscribe = Unsubscribe { track: track.handle(), account: account.clone() };
        (Self { receiver, settings: track.settings(), account, unsubscribe }, subscriber)
    }

    /// What the track brought when this was made.
    pub fn settings(&self) -> TrackSettings {
        self.settings
    }

    /// What its counters say.
    #[cfg(test)]
    pub fn counts(&self) -> super::receipt::FrameCounts {
        self.account.counters.counts()
    }

    /// Whether the track shows black or silence.
    pub fn is_silenced(&self) -> bool {
        self.track().is_silenced()
    }

    /// Whether nothing that was captured is still in flight here.
    pub fn is_settled(&self) -> bool {
        self.account.in_flight.load(Ordering::Acquire) == 0
    }

    /// The error that ended the track, if one did.
    pub fn failure(&self) -> Option<Error> {
        self.track().failure()
    }

    /// What ends this subscription from elsewhere.
    pub fn unsubscriber(&self) -> Unsubscribe {
        Unsubscribe { track: self.track().handle(), account: self.account.clone() }
    }

    fn track(&self) -> &MediaStreamTrack {
        &self.unsubscribe.track
    }
}

impl Unsubscribe {
    /// Does it. The second time has no effect.
    pub fn unsubscribe(&self) {
        self.track.unsubscribe(&self.account);
    }
}

impl MediaStreamTrack {
    fn unsubscribe(&self, account: &Arc<Account>) {
        self.retain_subscribers(|subscriber| !Arc::ptr_eq(&subscriber.account, account));
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.unsubscribe.unsubscribe();
    }
}
