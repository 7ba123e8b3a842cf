//! A running recording, and the requests that the recorder makes to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

use super::message::Message;
use super::{MessageQueue, PACKET_QUEUE, SessionListener, SessionPlan, SessionState, Start, catch_panic, run};
use crate::blob::Blob;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::recorder::events::Event;
use crate::recorder::gate::Gate;
use crate::recorder::options::MediaRecorderOptions;
use crate::recorder::output::Destination;
use crate::recorder::splitter::Splitter;
use crate::stream::DropReason;
use crate::time::Timestamp;

/// A running recording: its threads, and the requests to them.
pub struct Session {
    state: Arc<SessionState>,
    clock: Clock,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    /// Begins a session, which first waits for the end of the session `before`.
    pub fn begin(plan: SessionPlan, listener: impl SessionListener + 'static, before: Option<Self>) -> Result<Self> {
        let splitter = match &plan.start {
            Start::Record(destination) => {
                plan.options.splitter(destination, plan.video.is_some() && plan.audio.is_some())
            }
            Start::Buffer(_) => Splitter::default(),
        };
        let state = Arc::new(SessionState {
            gate: Mutex::new(Gate::new(plan.origin, plan.options.time_limit)),
            splitter: Mutex::new(splitter),
            messages: MessageQueue::new(PACKET_QUEUE),
            stopping: AtomicBool::new(false),
            tracks: AtomicUsize::new(0),
            key: AtomicBool::new(false),
            counters: plan.counters.clone(),
            level: plan.level.clone(),
            speeds: Mutex::default(),
            video: plan.video.as_ref().map(|input| input.subscription.unsubscriber()),
        });
        let clock = plan.clock.clone();
        let recording = plan.events.begin();
        let own = state.clone();
        let thread = thread::Builder::new().name("mux".into()).spawn(move || {
            if let Some(before) = before {
                before.join();
            }
            // After a panic too, `recording` is dropped, which reports the end, so that no caller waits forever.
            let _ = catch_panic("mux", || run(plan, &listener, &own, recording));
            own.messages.close();
        });
        Ok(Self { state, clock, thread: Some(thread.map_err(Error::no_thread)?) })
    }

    /// The time of the session's clock at which the recording begins; none before its first frame.
    pub fn began(&self) -> Option<Timestamp> {
        self.state.gate.lock().origin()
    }

    pub fn pause(&self) {
        let mut gate = self.state.gate.lock();
        gate.pause(self.clock.now());
        self.state.messages.post(Message::Event(Event::Pause));
    }

    pub fn resume(&self) {
        let mut gate = self.state.gate.lock();
        gate.resume(self.clock.now());
        self.state.messages.post(Message::Event(Event::Resume));
    }

    /// Ends the recording now.
    pub fn stop(&self) {
        self.state.counters.set_end_reason(DropReason::Ended);
        self.state.stop_at(self.clock.now());
    }

    pub fn request_data(&self) {
        self.state.messages.post(Message::RequestData);
    }

    pub fn request_key_frame(&self) {
        self.state.request_key_frame();
    }

    /// A function that fails the session; without effect once the session is dropped.
    pub fn failure_handle(&self) -> impl Fn(Error) + Send + 'static + use<> {
        let state = Arc::downgrade(&self.state);
        move |error| {
            if let Some(state) = state.upgrade() {
                state.messages.post(Message::Fail(error));
            }
        }
    }

    /// Stops at once: data not written yet is lost.
    pub fn abandon(&self) {
        self.stop();
        self.state.messages.close();
    }

    /// Asks for the content of the replay, as a file; the answer comes once the mux stage has made it. None comes when
    /// the session has ended.
    pub fn save_replay(&self) -> Receiver<Result<Blob>> {
        let (sender, saved) = std::sync::mpsc::channel();
        self.state.messages.post(Message::SaveReplay(sender));
        saved
    }

    /// Begins to record the replay; false when the session has ended.
    pub fn record_replay(&self, destination: Destination, options: MediaRecorderOptions) -> bool {
        let (sender, begun) = std::sync::mpsc::channel();
        let asked = Message::RecordReplay(Box::new(destination), Box::new(options), sender);
        self.state.messages.post(asked) && begun.recv().is_ok()
    }

    /// Waits for the threads' end.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic on the thread was reported as an error.
            let _ = thread.join();
        }
    }
}

impl SessionState {
    /// Makes the next frame a key frame.
    pub(super) fn request_key_frame(&self) {
        self.key.store(true, Ordering::Release);
    }
}
