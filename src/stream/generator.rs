//! Where a track's samples come from: a [`TrackGenerator`] writes, and all clones of its track bring what it writes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use super::capture::CaptureRule;
use super::device::TrackDevice;
use super::events::TrackEvent;
use super::receipt::{DropReason, Promise};
use super::subscription::Delivery;
use super::track::{MediaStreamTrack, ReadyState, TrackCore, TrackFailure, TrackKind, TrackSettings};
use super::{CaptureRate, MediaStream, lock};
use crate::audio::AudioBuffer;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, PixelFormat, Size};
use crate::time::{FrameRate, Span, Timestamp};

/// What a track and its clones have in common.
#[derive(Debug)]
pub(super) struct TrackSource {
    kind: TrackKind,
    label: String,
    clock: Clock,
    settings: Mutex<TrackSettings>,
    muted: AtomicBool,
    /// Of a canvas: when it is captured.
    rule: Option<Mutex<CaptureRule>>,
    /// The device that it comes from, where there is one.
    device: Option<Arc<dyn TrackDevice>>,
    /// The track and its clones, as far as anybody holds them.
    tracks: Mutex<Vec<Weak<TrackCore>>>,
}

impl TrackSource {
    pub fn kind(&self) -> TrackKind {
        self.kind
    }

    pub fn label(&self) -> &str {
        &self.label
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn settings(&self) -> TrackSettings {
        let mut settings = *lock(&self.settings);
        // A device may have been set to another rate since.
        if let (TrackSettings::Video { frame_rate, .. }, Some(device)) = (&mut settings, &self.device) {
            *frame_rate = device.settings().frame_rate;
        }
        settings
    }

    pub fn is_muted(&self) -> bool {
        self.muted.load(Ordering::Acquire)
    }

    /// Whether it is the program's own canvas.
    pub fn is_canvas(&self) -> bool {
        self.rule.is_some() && self.device.is_none()
    }

    pub fn device(&self) -> Option<&dyn TrackDevice> {
        self.device.as_deref()
    }

    pub fn request_frame(&self) {
        if let Some(rule) = &self.rule {
            lock(rule).request();
        }
    }

    pub fn request_frame_at(&self, timestamp: Timestamp, promise: Promise) {
        if let Some(rule) = &self.rule {
            lock(rule).request_at(timestamp, promise);
        }
    }

    pub fn add_track(&self, track: &Arc<TrackCore>) {
        let mut tracks = lock(&self.tracks);
        tracks.retain(|track| track.strong_count() > 0);
        tracks.push(Arc::downgrade(track));
    }

    /// One of its tracks has ended. With the last live one, frames that were requested are not captured any more.
    pub fn track_ended(&self, reason: DropReason) {
        if self.live_tracks().is_empty()
            && let Some(rule) = &self.rule
        {
            lock(rule).give_up(reason);
        }
    }

    fn live_tracks(&self) -> Vec<MediaStreamTrack> {
        // Not dropped under the lock, nor asked for their state.
        let tracks: Vec<_> = lock(&self.tracks).iter().filter_map(Weak::upgrade).collect();
        let tracks = tracks.into_iter().map(MediaStreamTrack::of);
        tracks.filter(|track| track.ready_state() == ReadyState::Live).collect()
    }
}

/// Feeds a track. The track and its clones end when this is dropped; when that happens because its thread panics, with an
/// error.
#[derive(Debug)]
pub struct TrackGenerator {
    source: Arc<TrackSource>,
    track: MediaStreamTrack,
}

/// Where a track comes from.
#[derive(Default)]
struct Origin {
    label: String,
    device: Option<Arc<dyn TrackDevice>>,
}

/// A paint that was captured: at what time it is shown, and for whom it was captured.
#[derive(Debug)]
pub(crate) struct CapturedPaint {
    /// The time it is shown at.
    pub timestamp: Timestamp,
    /// Where its picture goes.
    pub deliveries: Vec<Delivery>,
}

impl TrackGenerator {
    /// A video track whose first frames have this size. Frames are I420 in
    /// [`ColorSpace::RECORDED`](crate::color::ColorSpace::RECORDED); a canvas makes them of all else.
    pub fn video(size: Size, clock: &Clock) -> Self {
        Self::video_at(size, clock, clock.rate().map(FrameRate::as_f64), None)
    }

    /// An audio track; buffers of another rate or count of channels are taken all the same.
    pub fn audio(rate: u32, channels: usize, clock: &Clock) -> Self {
        Self::new(TrackKind::Audio, TrackSettings::Audio { rate, channels }, clock, None, Origin::default())
    }

    /// A camera's track, whose frames come through a canvas.
    pub(crate) fn camera(
        size: Size,
        clock: &Clock,
        frame_rate: Option<f64>,
        label: &str,
        device: Arc<dyn TrackDevice>,
    ) -> Self {
        let origin = Origin { label: label.to_owned(), device: Some(device) };
        let settings = TrackSettings::Video { size, frame_rate };
        Self::new(TrackKind::Video, settings, clock, Some(CaptureRule::new(CaptureRate::default())), origin)
    }

    /// A microphone's track.
    pub(crate) fn microphone(
        rate: u32,
        channels: usize,
        clock: &Clock,
        label: &str,
        device: Arc<dyn TrackDevice>,
    ) -> Self {
        let origin = Origin { label: label.to_owned(), device: Some(device) };
        Self::new(TrackKind::Audio, TrackSettings::Audio { rate, channels }, clock, None, origin)
    }

    /// A canvas's track.
    pub(crate) fn capture(size: Size, clock: &Clock, rate: CaptureRate) -> Self {
        let frame_rate = rate.frames_per_second().or(clock.rate().map(FrameRate::as_f64));
        Self::video_at(size, clock, frame_rate, Some(CaptureRule::new(rate)))
    }

    fn video_at(size: Size, clock: &Clock, frame_rate: Option<f64>, rule: Option<CaptureRule>) -> Self {
        let label = if rule.is_some() { "canvas" } else { "" };
        let settings = TrackSettings::Video { size, frame_rate };
        Self::new(TrackKind::Video, settings, clock, rule, Origin { label: label.to_owned(), device: None })
    }

    fn new(kind: TrackKind, settings: TrackSettings, clock: &Clock, rule: Option<CaptureRule>, origin: Origin) -> Self {
        let Origin { label, device } = origin;
        let source = Arc::new(TrackSource {
            kind,
            label,
            clock: clock.clone(),
            settings: Mutex::new(settings),
            muted: AtomicBool::new(false),
            rule: rule.map(Mutex::new),
            device,
            tracks: Mutex::default(),
        });
        Self { track: MediaStreamTrack::new(source.clone()), source }
    }

    /// The track.
    pub fn track(&self) -> &MediaStreamTrack {
        &self.track
    }

    /// Adds the track to a stream, and tells the stream's listeners, as a browser does with tracks of its own.
    pub fn add_to(&self, stream: &MediaStream) {
        stream.add_by_source(&self.track);
    }

    /// Removes the track from a stream, and tells the stream's listeners.
    pub fn remove_from(&self, stream: &MediaStream) {
        stream.remove_by_source(&self.track);
    }

    /// Of a canvas's track: whether this paint is captured, and for whom. A paint that nobody records is not captured: what
    /// it shows stays new until somebody does.
    pub(crate) fn capture_paint(&self, now: Timestamp, content: u64) -> Option<CapturedPaint> {
        let rule = self.source.rule.as_ref()?;
        if !self.live_tracks().any(|track| track.has_subscribers()) {
            lock(rule).give_up(DropReason::NotRecorded);
            return None;
        }
        let due = lock(rule).paint(now, content)?;
        let deliveries = self.deliveries(due.promise.as_ref());
        // The last recorder may have ended meanwhile.
        (!deliveries.is_empty()).then_some(CapturedPaint { timestamp: due.timestamp, deliveries })
    }

    /// Whether any of its tracks is live and held by somebody else. (Only whoever holds a track can clone it, so one that
    /// nobody holds stays that way.)
    pub(crate) fn is_wanted(&self) -> bool {
        let own = &self.track;
        // The list that is gone through holds each of them once more.
        self.live_tracks().any(|track| track.holders() > if track == *own { 2 } else { 1 })
    }

    /// Frames are of this size from now on.
    pub(crate) fn set_size(&self, size: Size) {
        if let TrackSettings::Video { size: present, .. } = &mut *lock(&self.source.settings) {
            *present = size;
        }
    }

    /// Hands on a frame, shown at its timestamp; timestamps rise. Where time is not real, it waits until every recorder
    /// has room for it.
    ///
    /// # Errors
    /// `InvalidStateError` when the track and all its clones have ended; `NotSupportedError` for a frame that is not I420
    /// or a track that is not video.
    pub fn write(&self, frame: Frame) -> Result<()> {
        self.check(TrackKind::Video)?;
        if frame.format() != PixelFormat::I420 {
            let found = frame.format();
            return Err(Error::not_supported(format!(
                "expected an I420 frame but found {found:?}; draw it on a canvas"
            )));
        }
        self.set_size(frame.size());
        self.source.clock.reach(frame.timestamp);
        deliver(&Arc::new(frame), self.deliveries(None));
        Ok(())
    }

    /// Hands on sound, heard from its timestamp on. Where time is not real, it waits until every recorder has room.
    ///
    /// # Errors
    /// `InvalidStateError` when the track and all its clones have ended; `NotSupportedError` when it is not audio.
    pub fn write_audio(&self, sound: AudioBuffer) -> Result<()> {
        self.check(TrackKind::Audio)?;
        // By stamps, the time is now when the sound ends.
        self.source.clock.reach(sound.end() - Span::from_nanos(1));
        let deliveries = self.deliveries(None);
        let sound = Arc::new(sound);
        for delivery in deliveries {
            if delivery.track().is_silenced() {
                let (rate, channels) = (sound.rate(), sound.channels().len());
                let silence = AudioBuffer::silence(rate, sound.timestamp, channels, sound.samples())?;
                delivery.sound(Arc::new(silence));
            } else {
                delivery.sound(sound.clone());
            }
        }
        Ok(())
    }

    /// Its source brings nothing for a while (true), or again (false). A video track turns black at once.
    pub fn set_muted(&self, muted: bool) {
        if self.source.muted.swap(muted, Ordering::AcqRel) == muted {
            return;
        }
        let event = if muted { TrackEvent::Mute } else { TrackEvent::Unmute };
        self.live_tracks().for_each(|track| track.tell(event));
        if let (true, TrackSettings::Video { size, .. }) = (muted, self.source.settings()) {
            let frame = Frame::black(size).with_timestamp(self.source.clock.now());
            deliver(&Arc::new(frame), self.deliveries(None));
        }
    }

    /// Ends the track and its clones because their source failed; recorders tell of it and end.
    pub fn fail(&self, error: &Error) {
        self.end(Some((error.kind().clone(), error.to_string())));
    }

    fn end(&self, failure: Option<TrackFailure>) {
        self.live_tracks().for_each(|track| track.source_ended(failure.as_ref()));
    }

    fn live_tracks(&self) -> impl Iterator<Item = MediaStreamTrack> {
        self.source.live_tracks().into_iter()
    }

    fn deliveries(&self, promise: Option<&Promise>) -> Vec<Delivery> {
        self.live_tracks().flat_map(|track| track.deliveries(promise)).collect()
    }

    fn check(&self, kind: TrackKind) -> Result<()> {
        if self.source.kind != kind {
            let expected = self.source.kind;
            return Err(Error::not_supported(format!("expected {expected} for this track but found {kind}")));
        }
        if self.live_tracks().next().is_none() {
            let expected = format!("expected a live track to write to but {} has ended", self.track.id());
            return Err(Error::new(ErrorKind::InvalidState, expected));
        }
        Ok(())
    }
}

impl Drop for TrackGenerator {
    fn drop(&mut self) {
        let panicked = std::thread::panicking();
        let source = "the track's source broke off: its thread panicked";
        self.end(panicked.then(|| (ErrorKind::Unknown, source.to_owned())));
    }
}

/// Hands a frame to all for whom it was captured: black for those whose track is disabled or muted.
pub(crate) fn deliver(frame: &Arc<Frame>, deliveries: Vec<Delivery>) {
    for delivery in deliveries {
        if delivery.track().is_silenced() {
            delivery.frame(Arc::new(Frame::black(frame.size()).with_timestamp(frame.timestamp)));
        } else {
            delivery.frame(frame.clone());
        }
    }
}

/// Those for whom a frame was captured do not get it, for this reason.
pub(crate) fn lose(deliveries: Vec<Delivery>, reason: DropReason) {
    deliveries.into_iter().for_each(|delivery| delivery.lose(reason));
}
