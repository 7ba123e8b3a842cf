//! The thread "filter" of a canvas: what the canvas captures goes through the GPU here and comes back as I420, for all
//! streams that captured it.
//!
//! ```text
//!  the canvas's thread                       the thread "filter"
//! ┌──────────────────────┐    ┌──────────────────────────────────────────────┐
//! │ draw, texture        │Job │ upload ▶ passes ▶ I420 ▶ readback             │ Arc<Frame>   one track
//! │ present ─▶ decisions ├───▶│          (several under way at once)  deliver ├────────────▶ and another
//! └──────────────────────┘  2 └──────────────────────────────────────────────┘
//! ```
//!
//! While jobs are waiting the GPU has several under way; when none is, those that are come back at once. Policy for a
//! full channel: in real time the capture is lost and counted, else the canvas waits.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Capture;
use super::content::Content;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::filter::FilterChain;
use crate::frame::{PixelFormat, Size};
use crate::gpu::Gpu;
use crate::stream::{DropReason, Expected, Ticket, TrackGenerator};
use crate::time::Timestamp;

/// How many captures may wait for the thread.
const WAITING: usize = 2;

/// One rendering.
pub struct Job {
    pub content: Content,
    pub size: Size,
    pub shares: Vec<Share>,
}

/// What one stream has of a rendering.
pub struct Share {
    generator: Arc<TrackGenerator>,
    timestamp: Timestamp,
    ticket: Option<Ticket>,
    /// Until this goes, recorders that are stopped wait for the frame.
    expected: Expected,
}

/// What a canvas and its thread both know.
#[derive(Default)]
pub struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    streams: Vec<Arc<TrackGenerator>>,
    /// What the GPU failed with. An error cannot be cloned; its kind and text can.
    failure: Option<(ErrorKind, String)>,
    refused: Vec<Error>,
}

impl Shared {
    /// Another stream's track.
    pub fn add(&self, generator: TrackGenerator) {
        let mut state = self.lock();
        state.streams.retain(|stream| stream.is_wanted());
        state.streams.push(Arc::new(generator));
    }

    /// Paints content number `content` at `now`: who captures it. Streams that nobody wants any more are let go; what
    /// one shows that nobody listens to stays new until somebody does.
    pub fn paint(&self, now: Timestamp, content: u64) -> Vec<Share> {
        let mut state = self.lock();
        state.streams.retain(|stream| stream.is_wanted());
        let captured = state.streams.iter().filter_map(|stream| {
            if !stream.is_heard() {
                stream.skip();
                return None;
            }
            let capture = stream.paint(now, content)?;
            // Until it arrives.
            capture.ticket.iter().for_each(|ticket| ticket.dropped(DropReason::Failed));
            let expected = stream.expect();
            Some(Share { generator: stream.clone(), timestamp: capture.timestamp, ticket: capture.ticket, expected })
        });
        captured.collect()
    }

    /// Frames are of this size from now on.
    pub fn set_size(&self, size: Size) {
        self.lock().streams.iter().for_each(|stream| stream.set_size(size));
    }

    /// No more paints: the tracks end when what is under way has arrived.
    pub fn end(&self) {
        self.lock().streams.clear();
    }

    /// The GPU failed: all tracks end.
    pub fn fail(&self, error: &Error) {
        let mut state = self.lock();
        state.failure.get_or_insert_with(|| (error.kind().clone(), error.to_string()));
        state.streams.drain(..).for_each(|stream| stream.fail(error));
    }

    /// The error with which the GPU failed, if it did.
    pub fn check(&self) -> Result<()> {
        match &self.lock().failure {
            Some((kind, text)) => Err(Error::new(kind.clone(), text.clone())),
            None => Ok(()),
        }
    }

    /// The errors of chains that the GPU refused since this was called last.
    pub fn take_refused(&self) -> Vec<Error> {
        std::mem::take(&mut self.lock().refused)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The canvas's end of the thread. The thread ends when this is dropped and all is delivered.
pub struct Worker(SyncSender<Job>);

impl Worker {
    /// Starts the thread. Nothing is made on the GPU before the first job.
    ///
    /// # Errors
    /// `UnknownError` when the system gives no thread.
    pub fn start(gpu: &Gpu, shared: &Arc<Shared>) -> Result<Self> {
        let (sender, jobs) = sync_channel(WAITING);
        let mut stage = Stage::new(gpu, shared);
        let run = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| stage.run(&jobs)));
            let outcome = outcome
                .unwrap_or_else(|_| Err(Error::unknown("the filter stage broke off: this is a fault in framereel")));
            if let Err(error) = outcome {
                stage.fail(&error, &jobs);
            }
        };
        let thread = std::thread::Builder::new().name("filter".into()).spawn(run);
        thread.map_err(Error::no_thread)?;
        Ok(Self(sender))
    }

    /// Hands a job over, by the clock's policy for a full channel. A thread that has ended has failed, which
    /// [`Shared::check`] tells.
    pub fn send(&self, job: Job, clock: &Clock) {
        if !clock.is_real() {
            // What is not sent says by its tickets that it failed.
            let _ = self.0.send(job);
        } else if let Err(TrySendError::Full(job)) = self.0.try_send(job) {
            job.shares.into_iter().for_each(|share| share.generator.lose(share.ticket));
        }
    }
}

/// What the thread has.
struct Stage {
    gpu: Gpu,
    shared: Arc<Shared>,
    capture: Option<Capture>,
    /// The chain that was asked for last, and the last one that the GPU took.
    asked: Arc<FilterChain>,
    taken: Arc<FilterChain>,
    /// A chain was taken.
    begun: bool,
    /// Whose the pictures are that are under way, in their order.
    under_way: VecDeque<Vec<Share>>,
}

impl Stage {
    fn new(gpu: &Gpu, shared: &Arc<Shared>) -> Self {
        let none = Arc::new(FilterChain::default());
        Self {
            gpu: gpu.clone(),
            shared: shared.clone(),
            capture: None,
            asked: none.clone(),
            taken: none,
            begun: false,
            under_way: VecDeque::new(),
        }
    }

    fn run(&mut self, jobs: &Receiver<Job>) -> Result<()> {
        loop {
            let job = if self.under_way.is_empty() {
                jobs.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                jobs.try_recv()
            };
            match job {
                Ok(job) => self.render(job)?,
                Err(TryRecvError::Empty) => self.deliver()?,
                Err(TryRecvError::Disconnected) => return self.deliver_all(),
            }
        }
    }

    /// Sends a job on its way.
    fn render(&mut self, job: Job) -> Result<()> {
        let Job { content, size, shares } = job;
        let Some(time) = shares.first().map(|share| share.timestamp) else { return Ok(()) };
        if self.capture.as_ref().is_some_and(|capture| capture.size() != size) {
            self.deliver_all()?;
            self.capture = None;
        }
        if self.capture.as_ref().is_some_and(Capture::is_full) {
            self.deliver()?;
        }
        self.under_way.push_back(shares);
        let capture = self.capture.get_or_insert_with(|| Capture::new(&self.gpu, &self.taken, size, PixelFormat::I420));
        let drawing = content.picture.drawing();
        if !Arc::ptr_eq(&self.asked, &content.filter) {
            self.asked = content.filter;
            // Only drawing tells whether the GPU takes it.
            let tried = capture.set_filter(&self.asked).and_then(|()| capture.submit_drawing(drawing, time));
            let Err(error) = tried else {
                self.taken = self.asked.clone();
                self.begun = true;
                return Ok(());
            };
            self.gpu.check()?;
            if !std::mem::replace(&mut self.begun, true) {
                // There is none to go on with.
                return Err(error);
            }
            capture.set_filter(&self.taken)?;
            self.shared.lock().refused.push(error);
        }
        self.begun = true;
        capture.submit_drawing(drawing, time)
    }

    /// Waits for the picture that set out first and hands it to its streams.
    fn deliver(&mut self) -> Result<()> {
        let picture = self.capture.as_mut().map(Capture::take).transpose()?.flatten();
        let picture = picture.ok_or_else(|| Error::unknown("expected a picture from the GPU but found none"))?;
        let mut frame = Arc::new(picture);
        for Share { generator, timestamp, ticket, expected } in self.under_way.pop_front().unwrap_or_default() {
            if frame.timestamp != timestamp {
                // Another one of the same bytes, if another stream has it already.
                Arc::make_mut(&mut frame).timestamp = timestamp;
            }
            ticket.iter().for_each(|ticket| ticket.dropped(DropReason::NotRecorded));
            // A track that was stopped meanwhile takes none.
            let _ = generator.write_requested(frame.clone(), ticket);
            drop(expected);
        }
        Ok(())
    }

    fn deliver_all(&mut self) -> Result<()> {
        while !self.under_way.is_empty() {
            self.deliver()?;
        }
        Ok(())
    }

    /// All tracks end with this error, those too of a canvas that is gone.
    fn fail(&mut self, error: &Error, jobs: &Receiver<Job>) {
        self.shared.fail(error);
        let waiting = jobs.try_iter().map(|job| job.shares);
        self.under_way.drain(..).chain(waiting).flatten().for_each(|share| share.generator.fail(error));
    }
}
