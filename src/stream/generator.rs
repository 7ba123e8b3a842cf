//! The source of a track's samples: a [`TrackGenerator`] writes them, and all clones of its track deliver them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::capture::CaptureRule;
use super::device::TrackDevice;
use super::events::TrackEvent;
use super::pictures::{FrameFormats, Pictures};
use super::receipt::{DropReason, Promise};
use super::subscription::Delivery;
use super::track::{MediaStreamTrack, ReadyState, TrackCore, TrackKind, TrackSettings};
use super::{CaptureRate, MediaStream};
use crate::audio::AudioBuffer;
use crate::clock::Clock;
use crate::color::ColorSpace;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, PixelFormat, Size};
use crate::time::{FrameRate, Span, Timestamp};

/// The state shared by a track and its clones.
#[derive(Debug)]
pub(super) struct TrackSource {
    kind: TrackKind,
    label: String,
    clock: Clock,
    settings: Mutex<TrackSettings>,
    color: ColorSpace,
    muted: AtomicBool,
    /// For a canvas: when it is captured.
    rule: Option<Mutex<CaptureRule>>,
    /// The device of the track, if there is one.
    device: Option<Arc<dyn TrackDevice>>,
    /// The track and its clones that still have handles.
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
        let mut settings = *self.settings.lock();
        // The device's frame rate may have changed.
        if let (TrackSettings::Video { frame_rate, .. }, Some(device)) = (&mut settings, &self.device) {
            *frame_rate = device.settings().frame_rate;
        }
        settings
    }

    pub fn color(&self) -> ColorSpace {
        self.color
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
            rule.lock().request();
        }
    }

    pub fn request_frame_at(&self, timestamp: Timestamp, promise: Promise) {
        if let Some(rule) = &self.rule {
            rule.lock().request_at(timestamp, promise);
        }
    }

    pub fn add_track(&self, track: &Arc<TrackCore>) {
        let mut tracks = self.tracks.lock();
        tracks.retain(|track| track.strong_count() > 0);
        tracks.push(Arc::downgrade(track));
    }

    /// One of its tracks has ended. After the last live one, a requested frame is not captured any more.
    pub fn track_ended(&self, reason: DropReason) {
        if self.live_tracks().is_empty()
            && let Some(rule) = &self.rule
        {
            rule.lock().give_up(reason);
        }
    }

    fn live_tracks(&self) -> Vec<MediaStreamTrack> {
        // The lock is released before tracks are dropped or their state is read.
        let tracks: Vec<_> = self.tracks.lock().iter().filter_map(Weak::upgrade).collect();
        let tracks = tracks.into_iter().map(MediaStreamTrack::of);
        tracks.filter(|track| track.ready_state() == ReadyState::Live).collect()
    }
}

/// Feeds a track. Dropping the generator ends the track and its clones; when it is dropped by a panic, they end with an
/// error.
#[derive(Debug)]
pub struct TrackGenerator {
    source: Arc<TrackSource>,
    track: MediaStreamTrack,
}

/// The label, the device and the colours of a track.
struct Origin {
    label: String,
    device: Option<Arc<dyn TrackDevice>>,
    color: ColorSpace,
}

impl Default for Origin {
    fn default() -> Self {
        Self { label: String::new(), device: None, color: ColorSpace::RECORDED }
    }
}

/// A captured paint: its timestamp and its recipients.
#[derive(Debug)]
pub(crate) struct CapturedPaint {
    /// The timestamp of its frame.
    pub timestamp: Timestamp,
    /// Where its frame goes.
    pub deliveries: Vec<Delivery>,
}

impl TrackGenerator {
    /// A video track whose first frames have this size. Frames are I420, of 8 or 10 bits, in
    /// [`ColorSpace::RECORDED`](crate::color::ColorSpace::RECORDED); use a canvas to convert other formats.
    pub fn video(size: Size, clock: &Clock) -> Self {
        let settings = TrackSettings::Video { size, frame_rate: clock.rate().map(FrameRate::as_f64) };
        Self::new(TrackKind::Video, settings, clock, None, Origin::default())
    }

    /// An audio track; it also accepts buffers with another sample rate or channel count.
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
        let origin = Origin { label: label.to_owned(), device: Some(device), ..Origin::default() };
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
        let origin = Origin { label: label.to_owned(), device: Some(device), ..Origin::default() };
        Self::new(TrackKind::Audio, TrackSettings::Audio { rate, channels }, clock, None, origin)
    }

    /// A canvas's track.
    pub(crate) fn capture(size: Size, color: ColorSpace, clock: &Clock, rate: CaptureRate) -> Self {
        let frame_rate = rate.frames_per_second().or(clock.rate().map(FrameRate::as_f64));
        let origin = Origin { label: "canvas".to_owned(), color, ..Origin::default() };
        let settings = TrackSettings::Video { size, frame_rate };
        Self::new(TrackKind::Video, settings, clock, Some(CaptureRule::new(rate)), origin)
    }

    fn new(kind: TrackKind, settings: TrackSettings, clock: &Clock, rule: Option<CaptureRule>, origin: Origin) -> Self {
        let Origin { label, device, color } = origin;
        let source = Arc::new(TrackSource {
            kind,
            label,
            clock: clock.clone(),
            settings: Mutex::new(settings),
            color,
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

    /// Adds the track to a stream and sends [`StreamEvent::AddTrack`](super::StreamEvent::AddTrack), as a browser does
    /// for tracks that it adds itself.
    pub fn add_to(&self, stream: &MediaStream) {
        stream.add_by_source(&self.track);
    }

    /// Removes the track from a stream and sends [`StreamEvent::RemoveTrack`](super::StreamEvent::RemoveTrack).
    pub fn remove_from(&self, stream: &MediaStream) {
        stream.remove_by_source(&self.track);
    }

    /// For a canvas's track: decides whether this paint is captured, and for which recorders. Without a recorder, a
    /// paint is not captured, and its content stays new for the next recorder.
    pub(crate) fn capture_paint(&self, now: Timestamp, content: u64) -> Option<CapturedPaint> {
        let rule = self.source.rule.as_ref()?;
        if self.formats().is_empty() {
            rule.lock().give_up(DropReason::NotRecorded);
            return None;
        }
        let due = rule.lock().paint(now, content)?;
        let deliveries = self.deliveries(due.promise.as_ref());
        // The last recorder may have ended meanwhile.
        (!deliveries.is_empty()).then_some(CapturedPaint { timestamp: due.timestamp, deliveries })
    }

    /// The pixel formats that the subscribers of its live tracks take.
    pub(crate) fn formats(&self) -> FrameFormats {
        self.live_tracks().map(|track| track.formats()).fold(FrameFormats::default(), FrameFormats::and)
    }

    /// Whether any of its live tracks has a handle outside this generator. (Only a handle can be cloned, so a track
    /// without one stays without.)
    pub(crate) fn is_wanted(&self) -> bool {
        let own = &self.track;
        // The list returned by `live_tracks` holds one more handle of each track.
        self.live_tracks().any(|track| track.holders() > if track == *own { 2 } else { 1 })
    }

    /// Sets the size of the following frames.
    pub(crate) fn set_size(&self, size: Size) {
        if let TrackSettings::Video { size: present, .. } = &mut *self.source.settings.lock() {
            *present = size;
        }
    }

    /// Delivers a frame to the recorders; timestamps must increase. With a clock that is not real, waits until every
    /// recorder has room for it.
    ///
    /// # Errors
    /// `InvalidStateError` when the track and all its clones have ended; `NotSupportedError` for a frame that is not
    /// I420 or a track that is not video; `RangeError` for samples beyond their 10 bits.
    pub fn write(&self, frame: Frame) -> Result<()> {
        self.check(TrackKind::Video)?;
        let found = frame.format();
        if !matches!(found, PixelFormat::I420 | PixelFormat::I420P10) {
            return Err(Error::not_supported(format!(
                "expected an I420 frame but found {found:?}; draw it on a canvas"
            )));
        }
        if found == PixelFormat::I420P10 {
            let samples = (0..3).flat_map(|plane| frame.rows(plane)).flat_map(|row| row.chunks_exact(2));
            let greatest = samples.map(|sample| u16::from_le_bytes([sample[0], sample[1]])).max();
            if let Some(greatest) = greatest.filter(|greatest| *greatest > 1023) {
                return Err(Error::range(format!("expected samples of 10 bits, up to 1023, but found {greatest}")));
            }
        }
        self.set_size(frame.size());
        self.source.clock.reach(frame.timestamp);
        deliver(&mut frame.into(), self.deliveries(None));
        Ok(())
    }

    /// Delivers sound to the recorders, beginning at its timestamp. With a clock that is not real, waits until every
    /// recorder has room for it.
    ///
    /// # Errors
    /// `InvalidStateError` when the track and all its clones have ended; `NotSupportedError` when it is not audio.
    pub fn write_audio(&self, sound: AudioBuffer) -> Result<()> {
        self.check(TrackKind::Audio)?;
        // A stamped clock advances to the end of the sound.
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

    /// Mutes the track while its source delivers no data, or unmutes it. A muted video track turns black at once.
    pub fn set_muted(&self, muted: bool) {
        if self.source.muted.swap(muted, Ordering::AcqRel) == muted {
            return;
        }
        let event = if muted { TrackEvent::Mute } else { TrackEvent::Unmute };
        self.live_tracks().for_each(|track| track.tell(event));
        if let (true, TrackSettings::Video { size, .. }) = (muted, self.source.settings()) {
            let frame = Frame::black(size).with_timestamp(self.source.clock.now());
            deliver(&mut frame.into(), self.deliveries(None));
        }
    }

    /// Ends the track and its clones because their source failed; recorders report the error and end.
    pub fn fail(&self, error: &Error) {
        self.end(Some(error));
    }

    fn end(&self, failure: Option<&Error>) {
        self.live_tracks().for_each(|track| track.source_ended(failure));
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
        self.end(panicked.then(|| Error::unknown(source)).as_ref());
    }
}

/// Delivers a picture to its recipients; a black one if their track is disabled or muted.
pub(crate) fn deliver(pictures: &mut Pictures, deliveries: Vec<Delivery>) {
    for delivery in deliveries {
        let format = delivery.format();
        if delivery.track().is_silenced() {
            let black = Frame::black_in(format, pictures.size()).with_timestamp(pictures.timestamp());
            delivery.frame(Arc::new(black));
        } else {
            delivery.frame(pictures.frame(format));
        }
    }
}

/// Drops the deliveries of a captured frame, for this reason.
pub(crate) fn lose(deliveries: Vec<Delivery>, reason: DropReason) {
    deliveries.into_iter().for_each(|delivery| delivery.lose(reason));
}
