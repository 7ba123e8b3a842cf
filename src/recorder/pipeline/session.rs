//! A recording under way, as the recorder holds it: what can be said to it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::{Counts, Listener, PACKETS, Plan, Shared, Word, lock, run};
use crate::blob::Blob;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::recorder::destination::Destination;
use crate::recorder::events::Event;
use crate::recorder::gate::Gate;
use crate::recorder::mailbox::Mailbox;
use crate::recorder::options::MediaRecorderOptions;

/// A recording under way: its threads, and what can be said to them.
pub struct Session {
    shared: Arc<Shared>,
    clock: Clock,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    /// Begins; `before` is a session that tells its end first.
    pub fn begin(plan: Plan, listener: impl Listener + 'static, before: Option<Self>) -> Result<Self> {
        let shared = Arc::new(Shared {
            gate: Mutex::new(Gate::new(plan.origin, plan.options.time_limit)),
            mailbox: Mailbox::new(PACKETS),
            stopping: AtomicBool::new(false),
            tracks: AtomicUsize::new(0),
            key: AtomicBool::new(false),
            piece: AtomicI64::new(0),
            piece_bytes: AtomicU64::new(0),
            counts: Counts::default(),
        });
        let clock = plan.clock.clone();
        let lifetime = plan.events.begin();
        let own = shared.clone();
        let thread = thread::Builder::new().name("mux".into()).spawn(move || {
            if let Some(before) = before {
                before.join();
            }
            // However it ends, nobody waits for it for ever.
            let ended = catch_unwind(AssertUnwindSafe(|| run(plan, &listener, &own, lifetime)));
            own.mailbox.close();
            if let Err(panic) = ended {
                resume_unwind(panic);
            }
        });
        Ok(Self { shared, clock, thread: Some(thread.map_err(Error::no_thread)?) })
    }

    pub fn pause(&self) {
        let mut gate = lock(&self.shared.gate);
        gate.pause(self.clock.now());
        self.shared.mailbox.say(Word::Event(Event::Pause));
    }

    pub fn resume(&self) {
        let mut gate = lock(&self.shared.gate);
        gate.resume(self.clock.now());
        self.shared.mailbox.say(Word::Event(Event::Resume));
    }

    /// Ends with what there is until now.
    pub fn stop(&self) {
        self.shared.stop_at(self.clock.now());
    }

    pub fn request_data(&self) {
        self.shared.mailbox.say(Word::Data);
    }

    pub fn request_key_frame(&self) {
        self.shared.key.store(true, Ordering::Release);
    }

    /// Calls this to fail the session from elsewhere, as long as there is one.
    pub fn failer(&self) -> impl Fn(Error) -> bool + Send + 'static + use<> {
        let shared = Arc::downgrade(&self.shared);
        move |error| {
            let going_on = shared.upgrade().filter(|shared| !shared.is_stopping());
            going_on.is_some_and(|shared| shared.mailbox.say(Word::Fail(error)))
        }
    }

    /// Gives up: what is not written yet is lost.
    pub fn abandon(&self) {
        self.stop();
        self.shared.mailbox.close();
    }

    /// What a replay holds, as a file.
    pub fn save(&self) -> Result<Blob> {
        let ended =
            || Error::new(ErrorKind::InvalidState, "expected a replay that is running but found that it has ended");
        let (sender, saved) = std::sync::mpsc::channel();
        if !self.shared.mailbox.say(Word::Save(sender)) {
            return Err(ended());
        }
        saved.recv().unwrap_or_else(|_| Err(ended()))
    }

    /// A replay begins to record; false when it has ended.
    pub fn roll(&self, destination: Destination, options: MediaRecorderOptions) -> bool {
        self.shared.mailbox.say(Word::Roll(Box::new(destination), Box::new(options)))
    }

    /// Waits for the threads' end.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic in it was told as an error.
            let _ = thread.join();
        }
    }
}
