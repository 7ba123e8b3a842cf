//! The thread "filter" of a canvas: filters captured paints on the GPU and delivers them to all streams that captured
//! them: as I420, as RGBA for recorders of pictures and of transparency, or as both.
//!
//! ```text
//!  the canvas's thread                       the thread "filter"
//! ┌──────────────────────┐    ┌──────────────────────────────────────────────┐
//! │ draw, texture        │Job │ upload ▶ passes ▶ pack ▶ readback             │ Arc<Frame>   one track
//! │ present ─▶ decisions ├───▶│          (several in flight at once)  deliver ├────────────▶ and another
//! └──────────────────────┘  4 └──────────────────────────────────────────────┘
//! ```
//!
//! While jobs are waiting, the GPU has several frames in flight; when no job is waiting, the frames in flight are
//! delivered at once. Policy for a full channel: in real time, the capture is dropped and counted; otherwise, and with
//! a real clock that blocks, the canvas waits.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::Capture;
use super::content::Content;
use super::exposure::SubFrame;
use crate::clock::Clock;
use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::{Frame, Size};
use crate::gpu::Gpu;
use crate::stream::{
    CapturedPaint, Delivery, DropReason, FrameCounters, FrameFormats, Pictures, TrackGenerator, deliver, lose,
};
use crate::time::Timestamp;
use crate::trace::Queued;

/// How many jobs may wait for the thread.
const QUEUE: usize = 4;
const QUEUE_NAME: &str = "paints";

/// A paint to be rendered and delivered, or a sub-frame to be rendered, the last of which is delivered.
pub struct Job {
    pub content: Content,
    pub size: Size,
    /// The pixels that the canvas's recorders take.
    pub formats: FrameFormats,
    /// How their values map to colours.
    pub color: ColorSpace,
    /// The time of filters that change over time.
    pub time: Timestamp,
    /// None for a whole frame.
    pub sub_frame: Option<SubFrame>,
    /// None for a sub-frame that is not the last.
    pub targets: Vec<CaptureTarget>,
}

/// A job on its way to the thread.
type QueuedJob = (Queued, Job);

/// A stream that captured the paint.
pub struct CaptureTarget {
    /// Kept so that the track ends only after the frame was delivered.
    generator: Arc<TrackGenerator>,
    paint: CapturedPaint,
}

impl CaptureTarget {
    /// The counters of the readers that get the frame.
    pub fn counters(&self) -> impl Iterator<Item = Arc<FrameCounters>> {
        self.paint.deliveries.iter().map(Delivery::counters)
    }

    /// The timestamp of the captured frame.
    pub fn timestamp(&self) -> Timestamp {
        self.paint.timestamp
    }
}

/// A canvas's streams, and the errors that its thread reports to the canvas.
#[derive(Default)]
pub struct CanvasStreams(Mutex<StreamsState>);

#[derive(Default)]
struct StreamsState {
    streams: Vec<Arc<TrackGenerator>>,
    /// The GPU's error.
    failure: Option<Error>,
    refused: Vec<Error>,
}

impl CanvasStreams {
    /// Adds the track of another stream.
    pub fn add(&self, generator: TrackGenerator) {
        let mut state = self.lock();
        state.streams.retain(|stream| stream.is_wanted());
        state.streams.push(Arc::new(generator));
    }

    /// Paints content number `content` at `now`; returns the streams that capture it. Streams without handles are
    /// removed.
    pub fn paint(&self, now: Timestamp, content: u64) -> Vec<CaptureTarget> {
        let mut state = self.lock();
        state.streams.retain(|stream| stream.is_wanted());
        let captured = state.streams.iter().filter_map(|stream| {
            let paint = stream.capture_paint(now, content)?;
            Some(CaptureTarget { generator: stream.clone(), paint })
        });
        captured.collect()
    }

    /// The pixel formats that the recorders of all streams take, whether or not they capture the present paint: filters
    /// compile when these change, which should be seldom.
    pub fn formats(&self) -> FrameFormats {
        self.lock().streams.iter().map(|stream| stream.formats()).fold(FrameFormats::default(), FrameFormats::and)
    }

    /// Sets the size of the following frames.
    pub fn set_size(&self, size: Size) {
        self.lock().streams.iter().for_each(|stream| stream.set_size(size));
    }

    /// Mutes or unmutes all tracks.
    pub fn set_muted(&self, muted: bool) {
        self.lock().streams.iter().for_each(|stream| stream.set_muted(muted));
    }

    /// Whether any live track still has a handle.
    pub fn are_wanted(&self) -> bool {
        self.lock().streams.iter().any(|stream| stream.is_wanted())
    }

    /// Ends the streams: their tracks end when the frames in flight have been delivered.
    pub fn end(&self) {
        self.lock().streams.clear();
    }

    /// Ends all tracks with this error.
    pub fn fail(&self, error: &Error) {
        let mut state = self.lock();
        state.failure.get_or_insert_with(|| error.clone());
        state.streams.drain(..).for_each(|stream| stream.fail(error));
    }

    /// Returns the error of an earlier failure, if there was one.
    pub fn check(&self) -> Result<()> {
        self.lock().failure.clone().map_or(Ok(()), Err)
    }

    /// Adds errors of filter chains that the GPU refused.
    pub fn refuse(&self, errors: impl IntoIterator<Item = Error>) {
        self.lock().refused.extend(errors);
    }

    /// The errors of filter chains that the GPU refused since the last call.
    pub fn take_refused(&self) -> Vec<Error> {
        std::mem::take(&mut self.lock().refused)
    }

    fn lock(&self) -> MutexGuard<'_, StreamsState> {
        self.0.lock()
    }
}

/// The canvas's end of the channel to the thread. The thread ends when this is dropped and all frames are delivered.
///
/// Dropping it waits up to 2 s for the thread: a program may exit right after its canvas is dropped, and GPU drivers
/// crash when they are in use while a process exits.
pub struct Worker {
    /// None while it is dropped.
    jobs: Option<SyncSender<QueuedJob>>,
    /// Disconnected when the thread has released its GPU resources.
    ended: Receiver<()>,
}

impl Worker {
    /// Starts the thread. Nothing is made on the GPU before the first job.
    ///
    /// # Errors
    /// `UnknownError` when no thread can be started.
    pub fn start(gpu: &Gpu, streams: &Arc<CanvasStreams>) -> Result<Self> {
        let (sender, jobs) = sync_channel(QUEUE);
        let (running, ended) = sync_channel(1);
        let mut stage = FilterStage::new(gpu, streams);
        let run = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| stage.run(&jobs)));
            let outcome = outcome
                .unwrap_or_else(|_| Err(Error::unknown("the filter stage broke off: this is a fault in framereel")));
            if let Err(error) = outcome {
                stage.fail(&error, &jobs);
            }
            drop(stage);
            drop(running);
        };
        let thread = std::thread::Builder::new().name("filter".into()).spawn(run);
        thread.map_err(Error::no_thread)?;
        Ok(Self { jobs: Some(sender), ended })
    }

    /// Sends a job to the thread, with the clock's policy for a full channel. If the thread has failed, which
    /// [`CanvasStreams::check`] reports, the job's deliveries count as failed. False when the job was dropped.
    pub fn send(&self, job: Job, clock: &Clock) -> bool {
        let Some(jobs) = &self.jobs else { return false };
        let job = (Queued::new(QUEUE_NAME), job);
        let sent = if clock.drops() { jobs.try_send(job) } else { jobs.send(job).map_err(Into::into) };
        let accepted = sent.is_ok();
        if let Err(TrySendError::Full((_, job))) = sent {
            job.targets.into_iter().for_each(|target| lose(target.paint.deliveries, DropReason::Busy));
        }
        accepted
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        /// The timeout for a recorder that does not read, or a GPU that hangs.
        const TIMEOUT: Duration = Duration::from_secs(2);
        drop(self.jobs.take());
        let _ = self.ended.recv_timeout(TIMEOUT);
    }
}

/// The thread's state.
struct FilterStage {
    gpu: Gpu,
    streams: Arc<CanvasStreams>,
    capture: Option<Capture>,
    /// The formats that it makes.
    formats: FrameFormats,
    /// The chain that was requested last, and the last one that the GPU accepted.
    requested: Arc<FilterChain>,
    accepted: Arc<FilterChain>,
    /// Whether the GPU has accepted any chain.
    begun: bool,
    /// The recipients of the frames in flight on the GPU, in order.
    in_flight: VecDeque<Vec<CaptureTarget>>,
}

impl FilterStage {
    fn new(gpu: &Gpu, streams: &Arc<CanvasStreams>) -> Self {
        let none = Arc::new(FilterChain::default());
        Self {
            gpu: gpu.clone(),
            streams: streams.clone(),
            capture: None,
            formats: FrameFormats::default(),
            requested: none.clone(),
            accepted: none,
            begun: false,
            in_flight: VecDeque::new(),
        }
    }

    fn run(&mut self, jobs: &Receiver<QueuedJob>) -> Result<()> {
        loop {
            let job = if self.in_flight.is_empty() {
                jobs.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                jobs.try_recv()
            };
            match job {
                Ok((queued, job)) => {
                    drop(queued);
                    self.render(job)?;
                }
                Err(TryRecvError::Empty) => self.deliver()?,
                Err(TryRecvError::Disconnected) => return self.deliver_all(),
            }
        }
    }

    /// Submits a job to the GPU. A frame that nothing changes is delivered as it is, after those in flight.
    fn render(&mut self, job: Job) -> Result<()> {
        let Job { content, size, formats, color, time: filter_time, sub_frame, targets } = job;
        let delivers = sub_frame.is_none_or(|sub_frame| sub_frame.ends);
        let time = targets.first().map_or(filter_time, |target| target.paint.timestamp);
        let differs = |capture: &Capture| (capture.size(), capture.color()) != (size, color) || self.formats != formats;
        if self.capture.as_ref().is_some_and(differs) {
            self.deliver_all()?;
            self.capture = None;
        }
        if delivers && self.capture.as_ref().is_some_and(Capture::is_full) {
            self.deliver()?;
        }
        self.formats = formats;
        let new = || Capture::of_formats(&self.gpu, &self.accepted, size, formats, color);
        let capture = self.capture.get_or_insert_with(new);
        if let (Some(layer), None, None) = (content.whole(), sub_frame, formats.second())
            && let Some(frame) = layer.unchanged(size, formats.first(), color)
        {
            // The frames behind it are filtered as if this one had been submitted.
            capture.pass_by();
            if !Arc::ptr_eq(&self.requested, &layer.filter) {
                (self.requested, self.accepted) = (layer.filter.clone(), layer.filter.clone());
                capture.set_filter(&layer.filter)?;
            }
            self.begun = true;
            self.deliver_all()?;
            hand_out(&mut Pictures::from(Frame::clone(frame)), targets);
            return Ok(());
        }
        if delivers {
            self.in_flight.push_back(targets);
        }
        let _span = tracing::debug_span!("submit").entered();
        let Some(layer) = content.whole() else {
            let refused = capture.submit_layers(content.layers(), filter_time, time, sub_frame)?;
            self.streams.refuse(refused);
            self.begun = true;
            return Ok(());
        };
        let drawing = layer.drawn.drawing();
        if !Arc::ptr_eq(&self.requested, &layer.filter) {
            self.requested = layer.filter.clone();
            // Only drawing shows whether the GPU accepts the chain.
            let tried = capture.set_filter(&self.requested);
            let tried = tried.and_then(|()| capture.submit_drawing(drawing, filter_time, time, sub_frame));
            let Err(error) = tried else {
                self.accepted = self.requested.clone();
                self.begun = true;
                return Ok(());
            };
            if !std::mem::replace(&mut self.begun, true) {
                // There is no accepted chain to continue with.
                return Err(error);
            }
            capture.set_filter(&self.accepted)?;
            self.streams.refuse([error]);
        }
        self.begun = true;
        capture.submit_drawing(drawing, filter_time, time, sub_frame)
    }

    /// Waits for the oldest frame in flight and delivers it to its streams.
    fn deliver(&mut self) -> Result<()> {
        let take = || self.capture.as_mut().map(Capture::take_pictures).transpose();
        let pictures = tracing::debug_span!("read back").in_scope(take)?.flatten();
        let mut pictures = pictures.ok_or_else(|| Error::unknown("expected a picture from the GPU but found none"))?;
        hand_out(&mut pictures, self.in_flight.pop_front().unwrap_or_default());
        Ok(())
    }

    fn deliver_all(&mut self) -> Result<()> {
        while !self.in_flight.is_empty() {
            self.deliver()?;
        }
        Ok(())
    }

    /// Ends all tracks with this error, also those of a canvas that was dropped.
    fn fail(&mut self, error: &Error, jobs: &Receiver<QueuedJob>) {
        self.streams.fail(error);
        let waiting = jobs.try_iter().map(|(_, job)| job.targets);
        for target in self.in_flight.drain(..).chain(waiting).flatten() {
            lose(target.paint.deliveries, DropReason::Failed);
            target.generator.fail(error);
        }
    }
}

/// Delivers one picture to the streams that captured it.
fn hand_out(pictures: &mut Pictures, targets: Vec<CaptureTarget>) {
    for CaptureTarget { generator, paint } in targets {
        pictures.set_timestamp(paint.timestamp);
        deliver(pictures, paint.deliveries);
        drop(generator);
    }
}
