//! One open camera shared by all its users: a thread reads it, and sends each frame to every subscriber.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::v4l2::{CameraReader, Captured, Mode};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::source::SourceLosses;

/// How many frames wait for a subscriber; a frame that finds no room is counted as missed.
const QUEUE: usize = 4;
/// How long closing waits. The thread of a camera that sends no frames ends after 3 s.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(4);

/// The cameras that are open in this program.
static OPEN: Mutex<Vec<Weak<SharedCamera>>> = Mutex::new(Vec::new());

struct SharedCamera {
    node: PathBuf,
    label: String,
    mode: Mode,
    clock: Clock,
    state: Mutex<State>,
    changed: Condvar,
}

/// The subscribers of a camera; and, once it is being closed or is gone, the reason.
#[derive(Default)]
struct State {
    subscribers: Vec<FeedSender>,
    closing: bool,
    gone: Option<Error>,
}

struct FeedSender {
    to: SyncSender<Frame>,
    losses: Arc<SourceLosses>,
}

/// One subscriber's end of a camera: the frames from now on.
pub struct CameraFeed {
    camera: Arc<SharedCamera>,
    frames: Receiver<Frame>,
    losses: Arc<SourceLosses>,
}

/// Opens the camera at this node, or shares it in its present mode if it is open already.
pub fn open(node: &Path, label: &str, mode: Mode) -> Result<CameraFeed> {
    let mut open = OPEN.lock();
    open.retain(|camera| camera.strong_count() > 0);
    let shared = open.iter().filter_map(Weak::upgrade).rfind(|camera| camera.node == node);
    if let Some(subscription) = shared.and_then(SharedCamera::subscribe) {
        return Ok(subscription);
    }
    let clock = Clock::real();
    let (opened, answer) = sync_channel(1);
    let (start, camera) = sync_channel::<Arc<SharedCamera>>(1);
    let (path, wanted) = (node.to_owned(), mode);
    // This thread makes all calls to the device.
    let run = move || match CameraReader::open(&path, &wanted) {
        Ok(capture) => {
            let _ = opened.send(Ok(capture.mode().clone()));
            if let Ok(camera) = camera.recv() {
                camera.run(capture);
            }
        }
        Err(error) => drop(opened.send(Err(error))),
    };
    thread::Builder::new().name("camera".into()).spawn(run).map_err(Error::no_thread)?;
    let mode = answer.recv().map_err(|_| Error::unknown("the camera's thread ended"))??;
    let camera = Arc::new(SharedCamera {
        node: node.to_owned(),
        label: label.to_owned(),
        mode,
        clock,
        state: Mutex::default(),
        changed: Condvar::new(),
    });
    open.push(Arc::downgrade(&camera));
    let subscription = camera.clone().subscribe().ok_or_else(|| Error::unknown("the camera's thread ended"))?;
    let _ = start.send(camera);
    Ok(subscription)
}

impl SharedCamera {
    /// Adds a subscriber; none when the camera is gone. Waits for a camera that is being closed.
    fn subscribe(self: Arc<Self>) -> Option<CameraFeed> {
        let (to, frames) = sync_channel(QUEUE);
        let losses = Arc::<SourceLosses>::default();
        let closing = |state: &mut State| state.closing && state.gone.is_none();
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, closing);
        if state.gone.is_some() {
            return None;
        }
        state.subscribers.push(FeedSender { to, losses: losses.clone() });
        drop(state);
        Some(CameraFeed { camera: self, frames, losses })
    }

    /// Reads the camera until it has no subscriber or fails.
    fn run(&self, capture: CameraReader) {
        let why = match self.read(capture) {
            Ok(()) => Error::new(ErrorKind::InvalidState, "nobody wanted its pictures"),
            Err(error) => {
                let after = self.clock.now().as_secs_f64();
                error.at(format_args!("camera `{}` went away after {after:.1} s", self.label))
            }
        };
        let mut state = self.state.lock();
        state.gone = Some(why);
        state.subscribers.clear();
        self.changed.notify_all();
    }

    /// Reads the camera; the device is closed when this returns.
    fn read(&self, mut capture: CameraReader) -> Result<()> {
        loop {
            let Captured { frame, missed } = capture.next(&self.clock)?;
            let mut state = self.state.lock();
            state.subscribers.iter().for_each(|subscriber| subscriber.losses.add_missed(missed));
            state.subscribers.retain(|subscriber| subscriber.give(frame.as_ref()));
            if state.subscribers.is_empty() {
                state.closing = true;
                return Ok(());
            }
        }
    }
}

impl FeedSender {
    /// Sends a frame, or counts it as damaged, or as missed if there is no room. False when the subscriber is gone.
    fn give(&self, frame: Option<&Frame>) -> bool {
        let Some(frame) = frame else {
            self.losses.add_damaged();
            return true;
        };
        match self.to.try_send(frame.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.losses.add_missed(1);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }
}

impl CameraFeed {
    pub fn mode(&self) -> &Mode {
        &self.camera.mode
    }

    pub fn clock(&self) -> &Clock {
        &self.camera.clock
    }

    pub fn losses(&self) -> Arc<SourceLosses> {
        self.losses.clone()
    }

    /// Counts the frames lost from now on in `losses`.
    pub fn counting_into(mut self, losses: &Arc<SourceLosses>) -> Self {
        for subscriber in &mut self.camera.state.lock().subscribers {
            if Arc::ptr_eq(&subscriber.losses, &self.losses) {
                subscriber.losses = losses.clone();
            }
        }
        self.losses = losses.clone();
        self
    }

    /// The next frame, or none when it takes longer than `timeout`; an error once the camera has ended.
    pub fn next_within(&mut self, timeout: Duration) -> Result<Option<Frame>> {
        match self.frames.recv_timeout(timeout) {
            Ok(frame) => Ok(Some(frame)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                let gone = self.camera.state.lock().gone.clone();
                Err(gone.unwrap_or_else(|| Error::unknown("the camera's thread ended")))
            }
        }
    }

    /// Unsubscribes; if this was the last subscriber, waits until the camera is closed.
    pub fn close(self) {
        let Self { camera, frames, .. } = self;
        drop(frames);
        let mut state = camera.state.lock();
        let held = |state: &mut State| state.gone.is_none() && (state.closing || state.subscribers.len() <= 1);
        camera.changed.wait_while_for(&mut state, held, CLOSE_TIMEOUT);
    }
}
