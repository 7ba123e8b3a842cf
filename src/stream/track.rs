//! One track: its identity, its state and its subscribers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::device::TrackDevice;
use super::events::{Listener, Listeners, TrackEvent};
use super::generator::TrackSource;
use super::new_id;
use super::pictures::FrameFormats;
use super::receipt::{DropReason, FrameCounters, Promise, Receipt};
use super::subscription::{Delivery, Subscriber, Subscription};
use crate::clock::Clock;
use crate::color::ColorSpace;
use crate::constraints::{AudioMode, Capabilities, InputDevice, Settings, Steps, TrackConstraints, VideoMode, select};
use crate::error::{Error, Result};
use crate::frame::{PixelFormat, Size};
use crate::time::{FrameRate, Timestamp};

/// The kind of media of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// Video.
    Video,
    /// Audio.
    Audio,
}

impl TrackKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
        }
    }
}

impl std::fmt::Display for TrackKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Whether a track can still deliver samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadyState {
    /// The track can still deliver samples.
    Live,
    /// The track was stopped, or its source ended. This is final.
    Ended,
}

/// The present settings of a track (`track.getSettings()`).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum TrackSettings {
    /// Video.
    Video {
        /// Width and height in pixels.
        size: Size,
        /// Frames per second, where that is known: the capture rate, or the rate of a stepped clock. 0 for a canvas
        /// that is captured only on request.
        frame_rate: Option<f64>,
    },
    /// Audio.
    Audio {
        /// Samples per second.
        rate: u32,
        /// How many channels.
        channels: usize,
    },
}

impl TrackSettings {
    /// Width divided by height; none for audio, and for video of zero size.
    pub fn aspect_ratio(&self) -> Option<f64> {
        match self {
            Self::Video { size, .. } if size.pixels() > 0 => Some(f64::from(size.width) / f64::from(size.height)),
            _ => None,
        }
    }
}

/// One kind of media from one source (Media Capture and Streams §4.3).
///
/// [`Clone`] is the Web's `clone()`: another track of the same source, with its own id, stopped and disabled
/// independently. [`MediaStreamTrack::handle`] returns another handle of the same track. Handles of the same track are
/// equal.
#[derive(Debug)]
pub struct MediaStreamTrack(Arc<TrackCore>);

/// The state shared by all handles of a track.
#[derive(Debug)]
pub(super) struct TrackCore {
    id: String,
    source: Arc<TrackSource>,
    enabled: AtomicBool,
    track_state: Mutex<TrackState>,
    listeners: Listeners<TrackEvent>,
}

/// A track's state and its subscribers.
#[derive(Debug)]
struct TrackState {
    state: ReadyState,
    /// The failure that ended it, if one did.
    failure: Option<Error>,
    subscribers: Vec<Subscriber>,
}

impl PartialEq for MediaStreamTrack {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for MediaStreamTrack {}

impl Clone for MediaStreamTrack {
    fn clone(&self) -> Self {
        let (state, failure) = {
            let track_state = self.0.track_state.lock();
            (track_state.state, track_state.failure.clone())
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

    fn with(source: Arc<TrackSource>, state: ReadyState, failure: Option<Error>) -> Self {
        let core = Arc::new(TrackCore {
            id: new_id(),
            source: source.clone(),
            enabled: AtomicBool::new(true),
            track_state: Mutex::new(TrackState { state, failure, subscribers: Vec::new() }),
            listeners: Listeners::new(),
        });
        source.add_track(&core);
        Self(core)
    }

    pub(super) fn of(core: Arc<TrackCore>) -> Self {
        Self(core)
    }

    /// Another handle of this track.
    pub fn handle(&self) -> Self {
        Self(self.0.clone())
    }

    /// Its unique id, a UUID of 36 characters.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The human-readable name of its source, such as `canvas`; empty where it has none.
    pub fn label(&self) -> &str {
        self.0.source.label()
    }

    /// Its kind of media.
    pub fn kind(&self) -> TrackKind {
        self.0.source.kind()
    }

    /// Its present settings.
    pub fn settings(&self) -> TrackSettings {
        self.0.source.settings()
    }

    /// The possible values of its properties (`track.getCapabilities()`); without a device, their present values.
    pub fn get_capabilities(&self) -> Capabilities {
        self.0.source.device().map_or_else(|| self.as_device().capabilities(), TrackDevice::capabilities)
    }

    /// The present values of its properties (`track.getSettings()`).
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

    /// The constraints applied to its device last (`track.getConstraints()`); empty without a device.
    pub fn get_constraints(&self) -> TrackConstraints {
        self.0.source.device().map(TrackDevice::constraints).unwrap_or_default()
    }

    /// Applies constraints to its device (`track.applyConstraints()`). Without a device, only checks them against the
    /// track's settings. Without effect on a track that has ended.
    ///
    /// # Errors
    /// `OverconstrainedError`, naming the constraint, when a required constraint cannot be met; then nothing changes.
    /// `TypeError` for a number that is not finite. `NotReadableError` when the device does not start again.
    pub fn apply_constraints(&self, constraints: &TrackConstraints) -> Result<()> {
        if self.ready_state() == ReadyState::Ended {
            return Ok(());
        }
        match self.0.source.device() {
            Some(device) => device.apply(constraints),
            None => select(self.kind(), &[self.as_device()], constraints).map(drop),
        }
    }

    /// Describes a track without a device as a device with a single mode.
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

    /// How its frames' values map to colours; of sound it means nothing.
    pub(crate) fn color(&self) -> ColorSpace {
        self.0.source.color()
    }

    /// The clock that its timestamps come from.
    pub fn clock(&self) -> &Clock {
        self.0.source.clock()
    }

    /// Whether it delivers its source's samples; black or silence otherwise.
    pub fn enabled(&self) -> bool {
        self.0.enabled.load(Ordering::Acquire)
    }

    /// Delivers its source's samples, or, when false, black or silence in their place.
    pub fn set_enabled(&self, enabled: bool) {
        self.0.enabled.store(enabled, Ordering::Release);
    }

    /// Whether its source delivers no data at present. The track is then black or silent.
    pub fn muted(&self) -> bool {
        self.0.source.is_muted()
    }

    /// Whether it can still deliver samples.
    pub fn ready_state(&self) -> ReadyState {
        self.0.track_state.lock().state
    }

    /// Ends the track permanently. Its clones continue, and samples captured before are still recorded.
    pub fn stop(&self) {
        if self.end(None) {
            self.0.listeners.close();
        }
    }

    /// Its events from now on. Each listener gets all events.
    pub fn events(&self) -> Listener<TrackEvent> {
        // Under the lock, so that the end of the track closes this listener too.
        let track_state = self.0.track_state.lock();
        self.0.listeners.listen(track_state.state == ReadyState::Ended)
    }

    /// For a canvas's track: captures a frame at the next paint that shows something new
    /// (`CanvasCaptureMediaStreamTrack.requestFrame()`).
    ///
    /// # Errors
    /// `NotSupportedError` on any other track.
    pub fn request_frame(&self) -> Result<()> {
        self.check_canvas()?;
        self.0.source.request_frame();
        Ok(())
    }

    /// For a canvas's track: captures a frame at the next paint that shows something new, with `timestamp` of the
    /// canvas's clock. The receipt reports its outcome.
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

    /// Whether it delivers black or silence.
    pub(super) fn is_silenced(&self) -> bool {
        self.muted() || !self.enabled()
    }

    /// The error that ended it, if one did.
    pub(super) fn failure(&self) -> Option<Error> {
        self.0.track_state.lock().failure.clone()
    }

    /// Subscribes to the samples captured from now on, frames in `format`; at most `depth` of them are queued. `counters`
    /// count the frames.
    pub(crate) fn subscribe(&self, format: PixelFormat, depth: usize, counters: &Arc<FrameCounters>) -> Subscription {
        let (subscription, subscriber) = Subscription::new(self, format, depth, counters);
        self.add_subscriber(subscriber);
        subscription
    }

    /// Adds a subscriber, which is dropped when the track ends, or at once if it has ended.
    pub(super) fn add_subscriber(&self, subscriber: Subscriber) {
        let mut track_state = self.0.track_state.lock();
        if track_state.state == ReadyState::Live {
            track_state.subscribers.push(subscriber);
        }
    }

    pub(super) fn retain_subscribers(&self, keep: impl FnMut(&Subscriber) -> bool) {
        let mut track_state = self.0.track_state.lock();
        let (kept, gone): (Vec<_>, Vec<_>) = track_state.subscribers.drain(..).partition(keep);
        track_state.subscribers = kept;
        drop(track_state);
        drop(gone);
    }

    /// How many handles there are.
    pub(super) fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// The pixel formats that its subscribers take; none of them without a subscriber.
    pub(super) fn formats(&self) -> FrameFormats {
        let state = self.0.track_state.lock();
        state.subscribers.iter().map(Subscriber::format).collect()
    }

    /// Assigns a sample captured now to all subscribers.
    pub(super) fn deliveries(&self, promise: Option<&Promise>) -> Vec<Delivery> {
        let subscribers = self.0.track_state.lock().subscribers.clone();
        subscribers.into_iter().map(|subscriber| Delivery::new(self.handle(), subscriber, promise.cloned())).collect()
    }

    /// Ends the track because its source ended or failed, and sends [`TrackEvent::Ended`].
    pub(super) fn source_ended(&self, failure: Option<&Error>) {
        if self.end(failure) {
            self.0.listeners.tell(|| TrackEvent::Ended);
            self.0.listeners.close();
        }
    }

    /// Sends an event to its listeners.
    pub(super) fn tell(&self, event: TrackEvent) {
        self.0.listeners.tell(|| event);
    }

    /// Ends the track; returns whether it was live.
    fn end(&self, failure: Option<&Error>) -> bool {
        let mut track_state = self.0.track_state.lock();
        if track_state.state == ReadyState::Ended {
            return false;
        }
        track_state.state = ReadyState::Ended;
        track_state.failure = failure.cloned();
        // Subscribers' queues end when the samples in flight have arrived. They are dropped without the lock: that of a
        // `TrackProcessor` calls the program.
        let subscribers = std::mem::take(&mut track_state.subscribers);
        drop(track_state);
        drop(subscribers);
        let reason = if failure.is_some() { DropReason::Failed } else { DropReason::NotRecorded };
        self.0.source.track_ended(reason);
        true
    }
}
