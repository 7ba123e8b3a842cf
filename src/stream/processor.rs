//! Reads the frames of a track without recording them: for a preview, or a program's own analysis.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::subscription::{Subscriber, Unsubscribe};
use super::track::{MediaStreamTrack, TrackKind};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::time::Span;

/// Reads the frames of a video track (`MediaStreamTrackProcessor`, MediaStreamTrack Insertable Media Processing using
/// Streams §3, with a `maxBufferSize` of 1). Only the newest frame is kept: a slow reader skips frames, and neither the
/// track nor a recorder ever waits for it.
///
/// It is a consumer as a recorder is: a canvas is captured for it. Frames are I420, the same that a recorder of 8 bits
/// encodes.
///
/// ```
/// # use framereel::{Canvas, Clock, Frame, FrameRate, Gpu, PixelFormat, Size, Span, stream::TrackProcessor};
/// # fn main() -> framereel::Result<()> {
/// let mut canvas = Canvas::new(&Gpu::new()?, Size::new(64, 48))?;
/// let stream = canvas.capture_stream(None)?;
/// let frames = TrackProcessor::new(&stream.video_tracks()[0])?;
/// canvas.draw(Frame::black(canvas.size()));
/// canvas.present()?;
/// let frame = frames.next_within(Span::from_secs(20)).expect("the frame that was painted");
/// assert_eq!((frame.size(), frame.format()), (Size::new(64, 48), PixelFormat::I420));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TrackProcessor {
    newest: Arc<NewestFrame>,
    unsubscribe: Unsubscribe,
}

/// The newest frame of a track, shared by the track and the reader.
struct NewestFrame {
    state: Mutex<NewestState>,
    changed: Condvar,
}

#[derive(Default)]
struct NewestState {
    frame: Option<Arc<Frame>>,
    skipped: u64,
    over: bool,
    on_change: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// The track's end. When it is dropped, no frame follows.
#[derive(Debug)]
pub(super) struct NewestFrameSender(Arc<NewestFrame>);

impl std::fmt::Debug for NewestFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.lock();
        f.debug_struct("NewestFrame").field("frame", &state.frame).field("over", &state.over).finish()
    }
}

impl TrackProcessor {
    /// Reads the frames that this track captures from now on.
    ///
    /// # Errors
    /// `NotSupportedError` for a track of sound.
    pub fn new(track: &MediaStreamTrack) -> Result<Self> {
        if track.kind() != TrackKind::Video {
            return Err(Error::not_supported(format!("expected a video track to read but found {}", track.kind())));
        }
        let newest = Arc::new(NewestFrame { state: Mutex::default(), changed: Condvar::new() });
        let (subscriber, unsubscribe) = Subscriber::of_newest(track, NewestFrameSender(newest.clone()));
        track.add_subscriber(subscriber);
        Ok(Self { newest, unsubscribe })
    }

    /// The newest frame, if one has come since the last call; does not wait.
    pub fn try_next(&self) -> Option<Arc<Frame>> {
        self.newest.state.lock().frame.take()
    }

    /// The newest frame that has come since the last call; waits at most `timeout` for one. None after the timeout, or
    /// when no frame can follow.
    pub fn next_within(&self, timeout: Span) -> Option<Arc<Frame>> {
        let (begun, timeout) = (Instant::now(), Duration::from(timeout));
        let mut state = self.newest.state.lock();
        loop {
            let left = timeout.saturating_sub(begun.elapsed());
            if state.frame.is_some() || state.over || left.is_zero() {
                return state.frame.take();
            }
            self.newest.changed.wait_for(&mut state, left);
        }
    }

    /// Whether the track has ended and its last frame was taken.
    pub fn is_over(&self) -> bool {
        let state = self.newest.state.lock();
        state.over && state.frame.is_none()
    }

    /// How many frames were replaced by newer ones before they were taken.
    pub fn skipped(&self) -> u64 {
        self.newest.state.lock().skipped
    }

    /// Calls `on_change` when a frame has come, and when the track has ended; in place of an earlier callback. It is
    /// called on the thread that delivers the frames to recorders too, so it must return at once: wake another thread,
    /// or ask a window to redraw. It is called once now if a frame is there. After a panic it is not called any more.
    /// While the processor is dropped it may still run once.
    pub fn on_change(&self, on_change: impl Fn() + Send + Sync + 'static) {
        let on_change: Arc<dyn Fn() + Send + Sync> = Arc::new(on_change);
        let mut state = self.newest.state.lock();
        state.on_change = Some(on_change.clone());
        let pending = state.frame.is_some() || state.over;
        drop(state);
        if pending {
            on_change();
        }
    }
}

impl Drop for TrackProcessor {
    fn drop(&mut self) {
        self.newest.state.lock().on_change = None;
        self.unsubscribe.unsubscribe();
    }
}

impl NewestFrame {
    fn change(&self, change: impl FnOnce(&mut NewestState)) {
        let mut state = self.state.lock();
        change(&mut state);
        let on_change = state.on_change.clone();
        drop(state);
        self.changed.notify_all();
        if let Some(on_change) = on_change {
            // A panic must not reach the thread that delivers frames to recorders.
            if catch_unwind(AssertUnwindSafe(|| on_change())).is_err() {
                self.state.lock().on_change = None;
            }
        }
    }
}

impl NewestFrameSender {
    /// Replaces the newest frame.
    pub fn send(&self, frame: Arc<Frame>) {
        self.0.change(|state| {
            if state.frame.replace(frame).is_some() {
                state.skipped += 1;
            }
        });
    }
}

impl Drop for NewestFrameSender {
    fn drop(&mut self) {
        self.0.change(|state| state.over = true);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::clock::Clock;
    use crate::frame::Size;
    use crate::stream::TrackGenerator;
    use crate::time::{FrameRate, Timestamp};

    fn frame(nanos: i64) -> Frame {
        Frame::black(Size::new(16, 16)).with_timestamp(Timestamp::from_nanos(nanos))
    }

    #[test]
    fn a_slow_reader_gets_the_newest_frame_and_no_writer_waits_for_it() {
        // A clock that is not real makes a writer wait for its recorders.
        let clock = Clock::stepped(FrameRate::whole(30));
        let generator = TrackGenerator::video(Size::new(16, 16), &clock);
        let reader = TrackProcessor::new(generator.track()).unwrap();
        let calls = Arc::new(AtomicU64::new(0));
        let count = calls.clone();
        reader.on_change(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        for nanos in 0..100 {
            generator.write(frame(nanos)).unwrap();
        }
        let newest = reader.next_within(Span::ZERO).unwrap();
        assert_eq!((newest.timestamp, reader.skipped()), (Timestamp::from_nanos(99), 99));
        assert!(reader.try_next().is_none() && !reader.is_over());
        generator.write(frame(100)).unwrap();
        drop(generator);
        assert!(!reader.is_over(), "the last frame is still there");
        assert!(reader.next_within(Span::from_secs(9)).is_some() && reader.is_over());
        assert!(reader.next_within(Span::from_secs(9)).is_none());
        assert_eq!(calls.load(Ordering::Relaxed), 102, "a call for each frame, and one for the end");
    }

    #[test]
    fn a_reader_that_is_dropped_or_comes_too_late_reads_nothing() {
        let clock = Clock::real();
        let generator = TrackGenerator::video(Size::new(16, 16), &clock);
        let (track, stopped) = (generator.track().handle(), generator.track().clone());
        drop(TrackProcessor::new(&track).unwrap());
        assert!(track.formats().is_empty());
        stopped.stop();
        assert!(TrackProcessor::new(&stopped).unwrap().is_over());
        let sound = TrackGenerator::audio(48_000, 1, &clock);
        assert!(TrackProcessor::new(sound.track()).unwrap_err().to_string().contains("found audio"));
    }

    #[test]
    fn a_callback_that_panics_harms_no_frame() {
        let generator = TrackGenerator::video(Size::new(16, 16), &Clock::real());
        let reader = TrackProcessor::new(generator.track()).unwrap();
        let calls = Arc::new(AtomicU64::new(0));
        let count = calls.clone();
        reader.on_change(move || {
            count.fetch_add(1, Ordering::Relaxed);
            panic!("a window that is gone");
        });
        for nanos in 0..3 {
            generator.write(frame(nanos)).unwrap();
        }
        assert_eq!(reader.try_next().unwrap().timestamp, Timestamp::from_nanos(2));
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_disabled_track_shows_black() {
        let generator = TrackGenerator::video(Size::new(16, 16), &Clock::real());
        let reader = TrackProcessor::new(generator.track()).unwrap();
        generator.track().set_enabled(false);
        let data = vec![200; Frame::packed_len(crate::frame::PixelFormat::I420, Size::new(16, 16))];
        let bright = crate::color::ColorSpace::RECORDED;
        let bright = Frame::packed(crate::frame::PixelFormat::I420, Size::new(16, 16), bright, data);
        generator.write(bright).unwrap();
        assert_eq!(reader.try_next().unwrap().data()[0], 16);
    }
}
