//! One open camera for all who want its pictures: a thread reads it, and hands each frame to every subscriber.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use super::v4l2::{Capture, Captured, Mode};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::source::SourceLosses;

/// How many frames wait for a subscriber; what finds no room is counted as missed.
const QUEUE: usize = 4;

/// The cameras that are open in this program.
static OPEN: Mutex<Vec<Weak<SharedCamera>>> = Mutex::new(Vec::new());

struct SharedCamera {
    node: PathBuf,
    label: String,
    mode: Mode,
    clock: Clock,
    subscribers: Mutex<Vec<Subscriber>>,
    /// Why it brings nothing any more.
    failure: Mutex<Option<(ErrorKind, String)>>,
}

struct Subscriber {
    to: SyncSender<Frame>,
    losses: Arc<SourceLosses>,
}

/// What one subscriber gets of a camera, from now on.
pub struct Subscription {
    camera: Arc<SharedCamera>,
    frames: Receiver<Frame>,
    losses: Arc<SourceLosses>,
}

/// Opens the camera at this node, or joins those who have it open already: then its mode is theirs.
pub fn open(node: &Path, label: &str, mode: Mode) -> Result<Subscription> {
    let mut open = lock(&OPEN);
    open.retain(|camera| camera.strong_count() > 0);
    let shared = open.iter().filter_map(Weak::upgrade).find(|camera| camera.node == node && camera.is_running());
    if let Some(subscription) = shared.and_then(SharedCamera::subscribe) {
        return Ok(subscription);
    }
    let clock = Clock::real();
    let (opened, answer) = sync_channel(1);
    let (start, camera) = sync_channel::<Arc<SharedCamera>>(1);
    let (path, wanted) = (node.to_owned(), mode);
    // All that touches the device is done by this thread.
    let run = move || match Capture::open(&path, &wanted) {
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
        subscribers: Mutex::default(),
        failure: Mutex::default(),
    });
    open.push(Arc::downgrade(&camera));
    let subscription = camera.clone().subscribe().ok_or_else(|| Error::unknown("the camera's thread ended"))?;
    let _ = start.send(camera);
    Ok(subscription)
}

impl SharedCamera {
    fn is_running(&self) -> bool {
        lock(&self.failure).is_none()
    }

    fn subscribe(self: Arc<Self>) -> Option<Subscription> {
        let (to, frames) = sync_channel(QUEUE);
        let losses = Arc::<SourceLosses>::default();
        // Under the lock under which the thread decides that nobody is left.
        let mut subscribers = lock(&self.subscribers);
        if !self.is_running() {
            return None;
        }
        subscribers.push(Subscriber { to, losses: losses.clone() });
        drop(subscribers);
        Some(Subscription { camera: self, frames, losses })
    }

    /// Reads the camera until nobody wants it or it fails.
    fn run(&self, mut capture: Capture) {
        loop {
            let captured = capture.next(&self.clock);
            let mut subscribers = lock(&self.subscribers);
            match captured {
                Ok(Captured { frame, missed }) => {
                    subscribers.iter().for_each(|subscriber| subscriber.losses.add_missed(missed));
                    subscribers.retain(|subscriber| subscriber.give(frame.as_ref()));
                    if subscribers.is_empty() {
                        self.end(ErrorKind::InvalidState, "nobody wanted its pictures");
                        return;
                    }
                }
                Err(error) => {
                    let after = self.clock.now().as_secs_f64();
                    let text = format!("camera `{}` went away after {after:.1} s: {error}", self.label);
                    self.end(error.kind().clone(), &text);
                    subscribers.clear();
                    return;
                }
            }
        }
    }

    fn end(&self, kind: ErrorKind, why: &str) {
        *lock(&self.failure) = Some((kind, why.to_owned()));
    }
}

impl Subscriber {
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

impl Subscription {
    pub fn mode(&self) -> &Mode {
        &self.camera.mode
    }

    pub fn clock(&self) -> &Clock {
        &self.camera.clock
    }

    pub fn losses(&self) -> Arc<SourceLosses> {
        self.losses.clone()
    }

    /// The next frame; the error that ended the camera.
    pub fn next(&mut self) -> Result<Frame> {
        self.frames.recv().map_err(|_| {
            let failure = lock(&self.camera.failure).clone();
            let (kind, text) = failure.unwrap_or((ErrorKind::Unknown, "the camera's thread ended".to_owned()));
            Error::new(kind, text)
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
