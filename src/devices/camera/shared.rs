//! One open camera for all who want its pictures: a thread reads it, and hands each frame to every subscriber.

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

/// How many frames wait for a subscriber; what finds no room is counted as missed.
const QUEUE: usize = 4;
/// A camera that brings nothing is noticed after 3 s; then its thread ends.
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

/// Who gets its frames; and, once it is being let go or is gone, why.
#[derive(Default)]
struct State {
    subscribers: Vec<FeedSender>,
    closing: bool,
    gone: Option<(ErrorKind, String)>,
}

struct FeedSender {
    to: SyncSender<Frame>,
    losses: Arc<SourceLosses>,
}

/// What one subscriber gets of a camera, from now on.
pub struct CameraFeed {
    camera: Arc<SharedCamera>,
    frames: Receiver<Frame>,
    losses: Arc<SourceLosses>,
}

/// Opens the camera at this node, or joins those who have it open already: then its mode is theirs.
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
    // All that touches the device is done by this thread.
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
    /// None when it is gone; one that is being let go is waited for first.
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

    /// Reads the camera until nobody wants it or it fails.
    fn run(&self, capture: CameraReader) {
        let why = match self.read(capture) {
            Ok(()) => (ErrorKind::InvalidState, "nobody wanted its pictures".to_owned()),
            Err(error) => {
                let after = self.clock.now().as_secs_f64();
                (error.kind().clone(), format!("camera `{}` went away after {after:.1} s: {error}", self.label))
            }
        };
        let mut state = self.state.lock();
        state.gone = Some(why);
        state.subscribers.clear();
        self.changed.notify_all();
    }

    /// The device is let go when this returns.
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
    /// Hands it a frame, or counts that it was damaged or that there was no room; false when it is gone.
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

    /// The same; what is lost from now on is counted there.
    pub fn counting_into(mut self, losses: &Arc<SourceLosses>) -> Self {
        for subscriber in &mut self.camera.state.lock().subscribers {
            if Arc::ptr_eq(&subscriber.losses, &self.losses) {
                subscriber.losses = losses.clone();
            }
        }
        self.losses = losses.clone();
        self
    }

    /// The next frame, or none when it takes longer than `timeout`; the error that ended the camera.
    pub fn next_within(&mut self, timeout: Duration) -> Result<Option<Frame>> {
        match self.frames.recv_timeout(timeout) {
            Ok(frame) => Ok(Some(frame)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                let gone = self.camera.state.lock().gone.clone();
                let (kind, text) = gone.unwrap_or((ErrorKind::Unknown, "the camera's thread ended".to_owned()));
                Err(Error::new(kind, text))
            }
        }
    }

    /// Gives it up, and waits until the camera is let go where nobody else has it.
    pub fn close(self) {
        let Self { camera, frames, .. } = self;
        drop(frames);
        let mut state = camera.state.lock();
        let held = |state: &mut State| state.gone.is_none() && (state.closing || state.subscribers.len() <= 1);
        camera.changed.wait_while_for(&mut state, held, CLOSE_TIMEOUT);
    }
}
