//! The queue between a track and one recorder, or one [`TrackProcessor`](super::TrackProcessor). A sample is assigned
//! to the subscribers at the time of its capture, even if it arrives later: a recorder gets exactly the samples
//! captured while it records.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use super::processor::NewestFrameSender;
use super::receipt::{DropReason, FrameCounters, Promise, Ticket};
use super::{MediaStreamTrack, TrackKind, TrackSettings};
use crate::audio::AudioBuffer;
use crate::color::ColorSpace;
use crate::error::Error;
use crate::frame::{Frame, PixelFormat};
use crate::time::Timestamp;
use crate::trace::Queued;

/// A sample of a track.
#[derive(Debug)]
pub(crate) enum Sample {
    /// A frame, and when it arrived by the track's clock.
    Video {
        frame: Arc<Frame>,
        ticket: Ticket,
        arrived: Timestamp,
        queued: Queued,
    },
    Audio {
        sound: Arc<AudioBuffer>,
        queued: Queued,
    },
}

#[cfg(test)]
impl Sample {
    pub fn timestamp(&self) -> Timestamp {
        match self {
            Self::Video { frame, .. } => frame.timestamp,
            Self::Audio { sound, .. } => sound.timestamp,
        }
    }
}

/// The track's end of a queue.
#[derive(Debug, Clone)]
pub(super) struct Subscriber {
    samples: SampleSender,
    /// The pixels of the frames that it takes: I420 of 8 or 10 bits, or RGBA.
    format: PixelFormat,
    account: Arc<Account>,
}

/// Where a subscriber's samples go.
#[derive(Debug, Clone)]
enum SampleSender {
    /// To a recorder, which takes them all in order.
    Queue(SyncSender<Sample>),
    /// To a reader that wants only the newest frame. It never makes the track wait.
    Newest(Arc<NewestFrameSender>),
}

/// The state shared by both ends of a queue.
#[derive(Debug)]
struct Account {
    counters: Arc<FrameCounters>,
    /// How many deliveries were assigned and have not arrived.
    in_flight: AtomicU64,
}

/// A sample that was captured for one subscriber and has not arrived there. Dropping it drops and counts the sample.
#[derive(Debug)]
pub(crate) struct Delivery {
    track: MediaStreamTrack,
    subscriber: Subscriber,
    /// The ticket of a frame; none for sound.
    ticket: Option<Ticket>,
}

impl Delivery {
    pub(super) fn new(track: MediaStreamTrack, subscriber: Subscriber, promise: Option<Promise>) -> Self {
        let account = &subscriber.account;
        account.in_flight.fetch_add(1, Ordering::AcqRel);
        // A receipt reports what recorders did with a frame; who only looks at frames has no say in it.
        let promise = promise.filter(|_| matches!(subscriber.samples, SampleSender::Queue(_)));
        let ticket = (track.kind() == TrackKind::Video).then(|| account.counters.ticket(promise));
        Self { track, subscriber, ticket }
    }

    /// The track of the sample.
    pub(super) fn track(&self) -> &MediaStreamTrack {
        &self.track
    }

    /// The counters of the reader.
    pub(crate) fn counters(&self) -> Arc<FrameCounters> {
        self.subscriber.account.counters.clone()
    }

    /// The pixels of the frame that is expected.
    pub(super) fn format(&self) -> PixelFormat {
        self.subscriber.format
    }

    /// Puts a frame into the queue. When the queue is full: drops the frame where the track's clock does, else waits
    /// for room.
    pub(super) fn frame(mut self, frame: Arc<Frame>) {
        let arrived = self.track.clock().now();
        let queued = Queued::new(self.track.kind().name());
        if let Some(ticket) = self.ticket.take()
            && let Some(Sample::Video { ticket, .. }) = self.send(Sample::Video { frame, ticket, arrived, queued })
        {
            ticket.dropped(DropReason::Busy);
        }
    }

    /// Puts sound into the queue, in the same way.
    pub(super) fn sound(self, sound: Arc<AudioBuffer>) {
        let queued = Queued::new(self.track.kind().name());
        if let Some(Sample::Audio { sound, .. }) = self.send(Sample::Audio { sound, queued }) {
            self.subscriber.account.counters.lose_sound(sound.duration());
        }
    }

    /// Drops the sample, for this reason.
    pub(super) fn lose(mut self, reason: DropReason) {
        if let Some(ticket) = self.ticket.take() {
            ticket.dropped(reason);
        }
    }

    /// Returns the sample when the queue is full. Without a reader, drops the sample, for the reason why the recorder
    /// ended.
    fn send(&self, sample: Sample) -> Option<Sample> {
        let samples = match &self.subscriber.samples {
            SampleSender::Queue(samples) => samples,
            SampleSender::Newest(newest) => {
                if let Sample::Video { frame, ticket, .. } = sample {
                    newest.send(frame);
                    ticket.dropped(DropReason::NotRecorded);
                }
                return None;
            }
        };
        let drops = self.track.clock().drops();
        let sent = if drops { samples.try_send(sample) } else { samples.send(sample).map_err(Into::into) };
        match sent {
            Ok(()) => None,
            Err(TrySendError::Full(sample)) => Some(sample),
            Err(TrySendError::Disconnected(_)) => {
                self.track.unsubscribe(&self.subscriber.account);
                None
            }
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // Decreased after the sample was put into the queue: at 0, all samples that arrived are in the queue.
        self.subscriber.account.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The recorder's end of a queue. It unsubscribes when dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// The samples; disconnected when no more samples are assigned and all were taken.
    pub receiver: Receiver<Sample>,
    settings: TrackSettings,
    account: Arc<Account>,
    unsubscribe: Unsubscribe,
}

/// Ends a subscription: samples captured later are not assigned to it. Samples captured before still arrive.
#[derive(Debug)]
pub(crate) struct Unsubscribe {
    track: MediaStreamTrack,
    account: Arc<Account>,
}

impl Subscription {
    /// A queue of `depth` samples from this track, and its other end.
    pub(super) fn new(
        track: &MediaStreamTrack,
        format: PixelFormat,
        depth: usize,
        counters: &Arc<FrameCounters>,
    ) -> (Self, Subscriber) {
        let (samples, receiver) = sync_channel(depth);
        let account = Arc::new(Account { counters: counters.clone(), in_flight: AtomicU64::new(0) });
        let subscriber = Subscriber { samples: SampleSender::Queue(samples), format, account: account.clone() };
        let unsubscribe = Unsubscribe { track: track.handle(), account: account.clone() };
        (Self { receiver, settings: track.settings(), account, unsubscribe }, subscriber)
    }

    /// The track's settings when this subscription was made.
    pub fn settings(&self) -> TrackSettings {
        self.settings
    }

    /// How its frames' values map to colours.
    pub fn color(&self) -> ColorSpace {
        self.track().color()
    }

    /// The counts of its recorder.
    #[cfg(test)]
    pub fn counts(&self) -> super::receipt::FrameCounts {
        self.account.counters.counts()
    }

    /// Whether the track shows black or silence.
    pub fn is_silenced(&self) -> bool {
        self.track().is_silenced()
    }

    /// Whether no captured sample is still in flight.
    pub fn is_settled(&self) -> bool {
        self.account.in_flight.load(Ordering::Acquire) == 0
    }

    /// The error that ended the track, if one did.
    pub fn failure(&self) -> Option<Error> {
        self.track().failure()
    }

    /// A handle that ends this subscription.
    pub fn unsubscriber(&self) -> Unsubscribe {
        Unsubscribe { track: self.track().handle(), account: self.account.clone() }
    }

    fn track(&self) -> &MediaStreamTrack {
        &self.unsubscribe.track
    }
}

impl Subscriber {
    /// A subscriber that gets the newest frame of the track, and what ends its subscription.
    pub fn of_newest(track: &MediaStreamTrack, newest: NewestFrameSender) -> (Self, Unsubscribe) {
        let account = Arc::new(Account { counters: Arc::default(), in_flight: AtomicU64::new(0) });
        let unsubscribe = Unsubscribe { track: track.handle(), account: account.clone() };
        let samples = SampleSender::Newest(Arc::new(newest));
        (Self { samples, format: PixelFormat::I420, account }, unsubscribe)
    }

    /// The pixels of the frames that it takes.
    pub fn format(&self) -> PixelFormat {
        self.format
    }
}

impl Unsubscribe {
    /// Ends the subscription; a second call has no effect.
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
