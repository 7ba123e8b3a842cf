//! One track: who it is, whether it is live, and who takes what it brings.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::device::TrackDevice;
use super::events::{Listener, Listeners, TrackEvent};
use super::generator::TrackSource;
use super::receipt::{DropReason, FrameCounters, Promise, Receipt};
use super::subscription::{Delivery, Subscriber, Subscription};
use super::{lock, new_id};
use crate::clock::Clock;
use crate::constraints::{AudioMode, Capabilities, InputDevice, Settings, Steps, TrackConstraints, VideoMode, select};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Size;
use crate::time::{FrameRate, Timestamp};

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

/// What a track brings at present (`track.getSettings()`).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum TrackSettings {
    /// Pictures.
    Video {
        /// Width and height in pixels.
        size: Size,
        /// Frames a second where that is known: a capture rate, or a stepped clock's. 0 for a canvas that is captured on
        /// request only.
        frame_rate: Option<f64>,
    },
    /// Sound.
    Audio {
        /// Samples a second.
        rate: u32,
        /// How many channels.
        channels: usize,
    },
}

impl TrackSettings {
    /// Width through height of pictures; none for sound, and for pictures of no size.
    pub fn aspect_ratio(&self) -> Option<f64> {
        match self {
            Self::Video { size, .. } if size.pixels() > 0 => Some(f64::from(size.width) / f64::from(size.height)),
            _ => None,
        }
    }
}

/// One kind of media from one source (Media Capture and Streams §4.3).
///
/// [`Clone`] is the Web's `clone()`: another track of the same source under an id of its own, which is stopped and disabled
/// by itself. [`MediaStreamTrack::handle`] gives the same track again. Two handles are equal when they are of one track.
#[derive(Debug)]
pub struct MediaStreamTrack(Arc<TrackCore>);

/// What all handles of one track have in common.
#[derive(Debug)]
pub(super) struct TrackCore {
    id: String,
    source: Arc<TrackSource>,
    enabled: AtomicBool,
    life: Mutex<Life>,
    listeners: Listeners<TrackEvent>,
}

/// Whether a track is live, and for whom.
#[derive(Debug)]
struct Life {
    state: ReadyState,
    /// Why it ended, when that was a failure.
    failure: Option<TrackFailure>,
    subscribers: Vec<Subscriber>,
}

/// An error cannot be cloned; its kind and text can.
pub(super) type TrackFailure = (ErrorKind, String);

impl PartialEq for MediaStreamTrack {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for MediaStreamTrack {}

impl Clone for MediaStreamTrack {
    fn clone(&self) -> Self {
        let (state, failure) = {
            let life = lock(&self.0.life);
            (life.state, life.failure.clone())
        };
        let copy = Self::with(self.0.source.clone(), state, failure);
        copy.set_enabled(self.enabled());
        copy
    }
}

impl MediaStreamTrack {
    /// Another track of this source, live.
    pub(super) fn new(source: Arc<TrackSource>) -> Self {
        Self::with(source, ReadyState::Live, None)
    }

    fn with(source: Arc<TrackSource>, state: ReadyState, failure: Option<TrackFailure>) -> Self {
        let core = Arc::new(TrackCore {
            id: new_id(),
            source: source.clone(),
            enabled: AtomicBool::new(true),
            life: Mutex::new(Life { state, failure, subscribers: Vec::new() }),
            listeners: Listeners::new(),
        });
        source.add_track(&core);
        Self(core)
    }

    pub(super) fn of(core: Arc<TrackCore>) -> Self {
        Self(core)
    }

    /// The same track.
    pub fn handle(&self) -> Self {
        Self(self.0.clone())
    }

    /// Its id, a UUID of 36 characters. No other track has it.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Its source's name for people, as `canvas`; empty where it has none.
    pub fn label(&self) -> &str {
        self.0.source.label()
    }

    /// What it carries.
    pub fn kind(&self) -> TrackKind {
        self.0.source.kind()
    }

    /// What it brings at present.
    pub fn settings(&self) -> TrackSettings {
        self.0.source.settings()
    }

    /// What its properties can be (`track.getCapabilities()`); of a track that has no device, what they are.
    pub fn get_capabilities(&self) -> Capabilities {
        self.0.source.device().map_or_else(|| self.as_device().capabilities(), TrackDevice::capabilities)
    }

    /// What its properties are (`track.getSettings()`).
    pub fn get_settings(&self) -> Settings {
        if let Some(device) = self.0.source.device() {
            return device.settings();
        }
        match self.settings() {
            TrackSettings::Video { size, frame_rate } => Settings {
                width: Some(size.width),
                height: Some(size.height),
                aspect_ratio: self.settings().aspect_ratio(),
                frame_rate,
                ..Settings::default()
            },
            TrackSettings::Audio { rate, channels } => {
                Settings { sample_rate: Some(rate), channel_count: Some(channels as u32), ..Settings::default() }
            }
        }
    }

    /// What was asked of its device last (`track.getConstraints()`); nothing of a track that has none.
    pub fn get_constraints(&self) -> TrackConstraints {
        self.0.source.device().map(TrackDevice::constraints).unwrap_or_default()
    }

    /// Asks its device for other settings (`track.applyConstraints()`). A track without a device meets what it meets. Without
    /// effect on a track that has ended.
    ///
    /// # Errors
    /// `OverconstrainedError`, naming the constraint, when what is required cannot be; then nothing changes. `TypeError` for a
    /// number that is not finite. `NotReadableError` when the device does not start again.
    pub fn apply_constraints(&self, constraints: &TrackConstraints) -> Result<()> {
        if self.ready_state() == ReadyState::Ended {
            return Ok(());
        }
        match self.0.source.device() {
            Some(device) => device.apply(constraints),
            None => select(self.kind(), &[self.as_device()], constraints).map(drop),
        }
    }

    /// A track without a device as a device of one mode.
    fn as_device(&self) -> InputDevice {
        match self.settings() {
            TrackSettings::Video { size, frame_rate } => {
                let rate = frame_rate.and_then(|rate| rate.to_string().parse().ok());
                let mode = VideoMode::new("I420", size, rate.unwrap_or(FrameRate::whole(30)));
                InputDevice::video("", self.label(), vec![mode])
            }
            TrackSettings::Audio { rate, channels } => {
                let mode = AudioMode::new("F32", Steps::one(rate), Steps::one(channels as u32), 32);
                InputDevice::audio("", self.label(), vec![mode])
            }
        }
    }

    /// The clock that its timestamps come from.
    pub fn clock(&self) -> &Clock {
        self.0.source.clock()
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
        self.0.source.is_muted()
    }

    /// Whether it may still bring anything.
    pub fn ready_state(&self) -> ReadyState {
        lock(&self.0.life).state
    }

    /// Ends it for good. Clones of it go on, and what was captured before is still recorded.
    pub fn stop(&self) {
        if self.end(None) {
            self.0.listeners.close();
        }
    }

    /// What happens to it from now on. Each listener gets all of it.
    pub fn events(&self) -> Listener<TrackEvent> {
        // Under the lock, so that a track that ends meanwhile closes this listener too.
        let life = lock(&self.0.life);
        self.0.listeners.listen(life.state == ReadyState::Ended)
    }

    /// Of a canvas's track: captures a frame at the next paint that shows something new
    /// (`CanvasCaptureMediaStreamTrack.requestFrame()`).
    ///
    /// # Errors
    /// `NotSupportedError` on any other track.
    pub fn request_frame(&self) -> Result<()> {
        self.check_canvas()?;
        self.0.source.request_frame();
        Ok(())
    }

    /// Of a canvas's track: captures a frame at the next paint that shows something new, shown at `timestamp` of the
    /// canvas's clock. The receipt tells what became of it.
    ///
    /// # Errors
    /// `NotSupportedError` on any other track.
    pub fn request_frame_at(&self, timestamp: Timestamp) -> Result<Receipt> {
        self.check_canvas()?;
        let (receipt, promise) = Receipt::new();
        self.clock().reach(timestamp);
        if self.ready_state() == ReadyState::Live {
            self.0.source.request_frame_at(timestamp, promise);
        }
        Ok(receipt)
    }

    fn check_canvas(&self) -> Result<()> {
        if self.0.source.is_canvas() {
            return Ok(());
        }
        let found = format!("a track of another source, {} {}", self.kind(), self.id());
        Err(Error::not_supported(format!("expected a canvas's track to request a frame of but found {found}")))
    }

    /// Whether it shows black or silence.
    pub(super) fn is_silenced(&self) -> bool {
        self.muted() || !self.enabled()
    }

    /// The error that ended it, if one did.
    pub(super) fn failure(&self) -> Option<Error> {
        lock(&self.0.life).failure.clone().map(|(kind, text)| Error::new(kind, text))
    }

    /// Subscribes: what is captured from now on is queued, `depth` samples at most, and counted.
    pub(crate) fn subscribe(&self, depth: usize, counters: &Arc<FrameCounters>) -> Subscription {
        let (subscription, subscriber) = Subscription::new(self, depth, counters);
        let mut life = lock(&self.0.life);
        if life.state == ReadyState::Live {
            life.subscribers.push(subscriber);
        }
        drop(life);
        subscription
    }

    pub(super) fn retain_subscribers(&self, keep: impl Fn(&Subscriber) -> bool) {
        lock(&self.0.life).subscribers.retain(keep);
    }

    /// How many handles there are.
    pub(super) fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// Whether anybody subscribes at present.
    pub(super) fn has_subscribers(&self) -> bool {
        !lock(&self.0.life).subscribers.is_empty()
    }

    /// Addresses what is captured now to all who subscribe.
    pub(super) fn deliveries(&self, promise: Option<&Promise>) -> Vec<Delivery> {
        let subscribers = lock(&self.0.life).subscribers.clone();
        subscribers.into_iter().map(|subscriber| Delivery::new(self.handle(), subscriber, promise.cloned())).collect()
    }

    /// Its source ended, or failed.
    pub(super) fn source_ended(&self, failure: Option<&TrackFailure>) {
        if self.end(failure) {
            self.0.listeners.tell(|| TrackEvent::Ended);
            self.0.listeners.close();
        }
    }

    /// Tells its listeners.
    pub(super) fn tell(&self, event: TrackEvent) {
        self.0.listeners.tell(|| event);
    }

    /// Ends it; whether it was live.
    fn end(&self, failure: Option<&TrackFailure>) -> bool {
        let mut life = lock(&self.0.life);
        if life.state == ReadyState::Ended {
            return false;
        }
        life.state = ReadyState::Ended;
        life.failure = failure.cloned();
        // Their queues end when what is in flight has arrived.
        life.subscribers.clear();
        drop(life);
        let reason = if failure.is_some() { DropReason::Failed } else { DropReason::NotRecorded };
        self.0.source.track_ended(reason);
        true
    }
}
