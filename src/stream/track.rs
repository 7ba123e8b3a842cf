//! One track: a generator writes samples, subscribers get them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};

use super::capture::CaptureRule;
use super::receipt::{DropReason, Receipt, Ticket};
use super::{CaptureRate, lock, next_number};
use crate::audio::AudioBuffer;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, PixelFormat, Size};
use crate::time::{Span, Timestamp};

/// What a track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

impl std::fmt::Display for TrackKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Video => "video",
            Self::Audio => "audio",
        })
    }
}

/// Whether a track may still bring anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadyState {
    /// It may.
    Live,
    /// It was stopped or its source ended; that is for good.
    Ended,
}

/// What a track brings at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackSettings {
    /// Pictures of this size.
    Video {
        /// Width and height in pixels.
        size: Size,
    },
    /// Sound.
    Audio {
        /// Samples a second.
        rate: u32,
        /// How many channels.
        channels: usize,
    },
}

/// One kind of media from one source. Clones are the same track.
#[derive(Debug, Clone)]
pub struct MediaStreamTrack(Arc<Shared>);

/// What a track brings.
#[derive(Debug, Clone)]
pub(crate) enum Sample {
    Video { frame: Arc<Frame>, ticket: Option<Ticket> },
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

#[derive(Debug)]
struct Shared {
    number: u64,
    kind: TrackKind,
    clock: Clock,
    settings: Mutex<TrackSettings>,
    enabled: AtomicBool,
    muted: AtomicBool,
    subscribers: Mutex<Subscribers>,
    /// How many captured frames are still on their way.
    pending: Arc<AtomicU64>,
    /// Of a canvas's track: when it captures.
    rule: Option<Mutex<CaptureRule>>,
}

#[derive(Debug)]
struct Subscribers {
    senders: Vec<Subscriber>,
    state: ReadyState,
    /// Why it ended, when that was a failure.
    failure: Option<Failure>,
}

/// An error cannot be cloned; its kind and text can.
type Failure = (ErrorKind, String);

#[derive(Debug, Clone)]
struct Subscriber {
    number: u64,
    samples: SyncSender<Sample>,
    dropped: Arc<AtomicU64>,
}

impl PartialEq for MediaStreamTrack {
    fn eq(&self, other: &Self) -> bool {
        self.0.number == other.0.number
    }
}

impl Eq for MediaStreamTrack {}

impl MediaStreamTrack {
    /// Its name among this process's tracks.
    pub fn id(&self) -> String {
        format!("{}-{}", self.0.kind, self.0.number)
    }

    /// What it carries.
    pub fn kind(&self) -> TrackKind {
        self.0.kind
    }

    /// What it brings at present.
    pub fn settings(&self) -> TrackSettings {
        *lock(&self.0.settings)
    }

    /// The clock that its timestamps come from.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Whether it shows what its source brings; black or silence otherwise.
    pub fn enabled(&self) -> bool {
        self.0.enabled.load(Ordering::Acquire)
    }

    /// Shows what its source brings, or, when false, black or silence in its place.
    pub fn set_enabled(&self, enabled: bool) {
        self.0.enabled.store(enabled, Ordering::Release);
    }

    /// Whether its source brings nothing at present. Then it is black or silent.
    pub fn muted(&self) -> bool {
        self.0.muted.load(Ordering::Acquire)
    }

    /// Whether it may still bring anything.
    pub fn ready_state(&self) -> ReadyState {
        lock(&self.0.subscribers).state
    }

    /// Ends it for good.
    pub fn stop(&self) {
        self.end(None);
    }

    /// Of a canvas's track: captures a frame at the next paint that shows something new
    /// (`CanvasCaptureMediaStreamTrack.requestFrame()`).
    ///
    /// # Errors
    /// `NotSupportedError` on any other track.
    pub fn request_frame(&self) -> Result<()> {
        self.rule()?.request();
        Ok(())
    }

    /// Of a canvas's track: captures a frame at the next paint that shows something new, shown at `timestamp` of the
    /// canvas's clock. The receipt tells what became of it.
    ///
    /// # Errors
    /// `NotSupportedError` on any other track.
    pub fn request_frame_at(&self, timestamp: Timestamp) -> Result<Receipt> {
        let mut rule = self.rule()?;
        let (receipt, ticket) = Receipt::new();
        self.0.clock.reach(timestamp);
        if self.ready_state() == ReadyState::Live {
            rule.request_at(timestamp, ticket);
        }
        Ok(receipt)
    }

    fn rule(&self) -> Result<std::sync::MutexGuard<'_, CaptureRule>> {
        self.0.rule.as_ref().map(lock).ok_or_else(|| {
            Error::not_supported(format!("expected a canvas's track to request a frame of but found {}", self.id()))
        })
    }

    /// Subscribes: what is written from now on is queued, `depth` samples at most.
    pub(crate) fn subscribe(&self, depth: usize) -> Subscription {
        let (samples, receiver) = sync_channel(depth);
        let dropped = Arc::new(AtomicU64::new(0));
        let number = next_number();
        let mut subscribers = lock(&self.0.subscribers);
        if subscribers.state == ReadyState::Live {
            subscribers.senders.push(Subscriber { number, samples, dropped: dropped.clone() });
        }
        Subscription { track: self.clone(), settings: self.settings(), number, receiver, dropped }
    }

    fn end(&self, failure: Option<Failure>) {
        let mut subscribers = lock(&self.0.subscribers);
        if subscribers.state == ReadyState::Live {
            subscribers.state = ReadyState::Ended;
            let reason = if failure.is_some() { DropReason::Failed } else { DropReason::NotRecorded };
            subscribers.failure = failure;
            // Whoever listens hears that nobody speaks any more.
            subscribers.senders.clear();
            drop(subscribers);
            if let Some(rule) = &self.0.rule {
                lock(rule).give_up(reason);
            }
        }
    }

    /// Hands a sample to all subscribers. In real time one whose queue is full loses it, which is counted; otherwise
    /// it is waited for.
    fn hand_on(&self, sample: &Sample) {
        let senders = lock(&self.0.subscribers).senders.clone();
        for Subscriber { number, samples, dropped } in senders {
            let gone = if self.0.clock.is_real() {
                match samples.try_send(sample.clone()) {
                    Ok(()) => false,
                    Err(TrySendError::Full(lost)) => {
                        if let Sample::Video { ticket: Some(ticket), .. } = lost {
                            ticket.dropped(DropReason::Busy);
                        }
                        dropped.fetch_add(1, Ordering::AcqRel);
                        false
                    }
                    Err(TrySendError::Disconnected(_)) => true,
                }
            } else {
                samples.send(sample.clone()).is_err()
            };
            if gone {
                self.unsubscribe(number);
            }
        }
    }

    fn unsubscribe(&self, number: u64) {
        lock(&self.0.subscribers).senders.retain(|subscriber| subscriber.number != number);
    }
}

/// A subscriber's end. It unsubscribes when dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    track: MediaStreamTrack,
    settings: TrackSettings,
    number: u64,
    /// The samples; disconnected when the track has ended and all were taken.
    pub receiver: Receiver<Sample>,
    dropped: Arc<AtomicU64>,
}

impl Subscription {
    /// What the track brought when this was made.
    pub fn settings(&self) -> TrackSettings {
        self.settings
    }

    /// Whether the track shows black or silence.
    pub fn is_silenced(&self) -> bool {
        self.track.muted() || !self.track.enabled()
    }

    /// Whether nothing that was captured is still on its way here.
    pub fn is_settled(&self) -> bool {
        self.track.0.pending.load(Ordering::Acquire) == 0
    }

    /// Samples that were lost because the queue was full, or because the track's source was busy.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Acquire)
    }

    /// The error that ended the track, if one did.
    pub fn failure(&self) -> Option<Error> {
        let subscribers = lock(&self.track.0.subscribers);
        subscribers.failure.clone().map(|(kind, text)| Error::new(kind, text))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.track.unsubscribe(self.number);
    }
}

/// Feeds a track. The track ends when this is dropped; when that happens because its thread panics, with an error.
#[derive(Debug)]
pub struct TrackGenerator {
    track: MediaStreamTrack,
}

impl TrackGenerator {
    /// A video track whose first frames have this size. Frames are I420 in
    /// [`ColorSpace::RECORDED`](crate::color::ColorSpace::RECORDED); a canvas makes them of all else.
    pub fn video(size: Size, clock: &Clock) -> Self {
        Self::new(TrackKind::Video, TrackSettings::Video { size }, clock, None)
    }

    /// An audio track; buffers of another rate or count of channels are taken all the same.
    pub fn audio(rate: u32, channels: usize, clock: &Clock) -> Self {
        Self::new(TrackKind::Audio, TrackSettings::Audio { rate, channels }, clock, None)
    }

    /// A canvas's track.
    pub(crate) fn capture(size: Size, clock: &Clock, rate: CaptureRate) -> Self {
        let rule = Mutex::new(CaptureRule::new(rate));
        Self::new(TrackKind::Video, TrackSettings::Video { size }, clock, Some(rule))
    }

    fn new(kind: TrackKind, settings: TrackSettings, clock: &Clock, rule: Option<Mutex<CaptureRule>>) -> Self {
        Self {
            track: MediaStreamTrack(Arc::new(Shared {
                number: next_number(),
                kind,
                clock: clock.clone(),
                settings: Mutex::new(settings),
                enabled: AtomicBool::new(true),
                muted: AtomicBool::new(false),
                pending: Arc::default(),
                subscribers: Mutex::new(Subscribers { senders: Vec::new(), state: ReadyState::Live, failure: None }),
                rule,
            })),
        }
    }

    /// The track.
    pub fn track(&self) -> &MediaStreamTrack {
        &self.track
    }

    /// Of a canvas's track: decides whether this paint is captured.
    pub(crate) fn paint(&self, now: Timestamp, content: u64) -> Option<super::Capture> {
        self.track.rule().ok()?.paint(now, content)
    }

    /// Of a canvas's track: a paint that nobody is there to record. Who asked for a frame of this time hears of it.
    pub(crate) fn skip(&self) {
        if let Ok(mut rule) = self.track.rule() {
            rule.give_up(DropReason::NotRecorded);
        }
    }

    /// Whether its track is live and somebody but the generator holds it. (Only whoever holds a track can clone it, so
    /// one that nobody holds stays that way.)
    pub(crate) fn is_wanted(&self) -> bool {
        self.track.ready_state() == ReadyState::Live && Arc::strong_count(&self.track.0) > 1
    }

    /// Whether anybody subscribes at present.
    pub(crate) fn is_heard(&self) -> bool {
        !lock(&self.track.0.subscribers).senders.is_empty()
    }

    /// A frame was captured and is on its way, until what this gives is dropped.
    pub(crate) fn expect(&self) -> Expected {
        self.track.0.pending.fetch_add(1, Ordering::AcqRel);
        Expected(self.track.0.pending.clone())
    }

    /// Frames are of this size from now on.
    pub(crate) fn set_size(&self, size: Size) {
        *lock(&self.track.0.settings) = TrackSettings::Video { size };
    }

    /// Hands on a frame, shown at its timestamp; timestamps rise. Where time is not real, it waits until every recorder
    /// has room for it.
    ///
    /// # Errors
    /// `InvalidStateError` when the track has ended; `NotSupportedError` for a frame that is not I420 or a track that is
    /// not video.
    pub fn write(&self, frame: Frame) -> Result<()> {
        self.write_requested(frame, None)
    }

    /// The same, for a frame that somebody waits to hear of; other tracks may have it too.
    pub(crate) fn write_requested(&self, frame: impl Into<Arc<Frame>>, ticket: Option<Ticket>) -> Result<()> {
        self.check(TrackKind::Video)?;
        let frame = frame.into();
        if frame.format != PixelFormat::I420 {
            let found = frame.format;
            return Err(Error::not_supported(format!(
                "expected an I420 frame but found {found:?}; draw it on a canvas"
            )));
        }
        // A canvas tells its size when it changes; frames of the size before may still be under way then.
        if self.track.0.rule.is_none() {
            self.set_size(frame.size);
        }
        let black = || Frame::black(frame.size).with_timestamp(frame.timestamp);
        let frame = if self.is_silenced() { Arc::new(black()) } else { frame };
        self.track.0.clock.reach(frame.timestamp);
        self.track.hand_on(&Sample::Video { frame, ticket });
        Ok(())
    }

    /// A frame did not get as far as the track because real time does not wait. It counts as lost with every subscriber.
    pub(crate) fn lose(&self, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            ticket.dropped(DropReason::Busy);
        }
        for subscriber in &lock(&self.track.0.subscribers).senders {
            subscriber.dropped.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Hands on sound, heard from its timestamp on. Where time is not real, it waits until every recorder has room.
    ///
    /// # Errors
    /// `InvalidStateError` when the track has ended; `NotSupportedError` when it is not audio.
    pub fn write_audio(&self, sound: AudioBuffer) -> Result<()> {
        self.check(TrackKind::Audio)?;
        let sound = if self.is_silenced() {
            AudioBuffer::silence(sound.rate, sound.timestamp, sound.channels().len(), sound.samples())?
        } else {
            sound
        };
        // By stamps, the time is now when the sound ends.
        self.track.0.clock.reach(sound.end() - Span::from_nanos(1));
        self.track.hand_on(&Sample::Audio(Arc::new(sound)));
        Ok(())
    }

    /// Its source brings nothing for a while (true), or again (false). A video track turns black at once.
    pub fn set_muted(&self, muted: bool) {
        let before = self.track.0.muted.swap(muted, Ordering::AcqRel);
        if let (true, false, TrackSettings::Video { size }) = (muted, before, self.track.settings())
            && self.track.ready_state() == ReadyState::Live
        {
            let frame = Arc::new(Frame::black(size).with_timestamp(self.track.0.clock.now()));
            self.track.hand_on(&Sample::Video { frame, ticket: None });
        }
    }

    /// Ends the track because its source failed; recorders tell of it and end.
    pub fn fail(&self, error: &Error) {
        self.track.end(Some((error.kind().clone(), error.to_string())));
    }

    fn is_silenced(&self) -> bool {
        self.track.muted() || !self.track.enabled()
    }

    fn check(&self, kind: TrackKind) -> Result<()> {
        if self.track.kind() != kind {
            return Err(Error::not_supported(format!(
                "expected {} for this track but found {kind}",
                self.track.kind()
            )));
        }
        if self.track.ready_state() == ReadyState::Ended {
            let expected = format!("expected a live track to write to but {} has ended", self.track.id());
            return Err(Error::new(ErrorKind::InvalidState, expected));
        }
        Ok(())
    }
}

/// A frame that is on its way to its track.
#[derive(Debug)]
pub(crate) struct Expected(Arc<AtomicU64>);

impl Drop for Expected {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for TrackGenerator {
    fn drop(&mut self) {
        let panicked = std::thread::panicking();
        let source = "the track's source broke off: its thread panicked";
        self.track.end(panicked.then(|| (ErrorKind::Unknown, source.to_owned())));
    }
}
