//! What a recorder tells: an iterator of an enum, which any thread may read.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::blob::Blob;
use crate::error::Error;
use crate::time::Timestamp;

/// What happens to a recording, in the order start, pause and resume, data, stop (MediaStream Recording §2).
#[derive(Debug)]
pub enum Event {
    /// It has begun: `mime_type()` is known. Comes once, before all others.
    Start,
    /// It pauses.
    Pause,
    /// It goes on.
    Resume,
    /// Here is a part of the file.
    DataAvailable(BlobEvent),
    /// It failed; what was recorded comes next, then [`Event::Stop`].
    Error(Error),
    /// It has ended. Comes once, after all others.
    Stop,
}

/// A part of a recording's file (MediaStream Recording §4).
#[derive(Debug, Clone)]
pub struct BlobEvent {
    /// The bytes. The parts of one recording joined are its file; one alone need not play.
    pub data: Blob,
    /// The recording's time at the first data in it. The first part's is 0; it never falls.
    pub timecode: Timestamp,
}

/// A recorder's events, in the order in which they happened.
///
/// As an iterator it waits for the next one and ends when the recorder is inactive and everything was delivered, so that
/// `for event in recorder.events()` is a recording's life. Each event is delivered once, to whoever takes it first.
#[derive(Debug, Clone)]
pub struct Events(Arc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    /// Recordings that have not told their end yet.
    running: usize,
}

impl Events {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// The next event; waits so long at most. None when the time is over or nothing is to come.
    pub fn next_within(&self, patience: Duration) -> Option<Event> {
        let until = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            if let Some(event) = state.events.pop_front() {
                return Some(event);
            }
            let left = until.saturating_duration_since(Instant::now());
            if state.running == 0 || left.is_zero() {
                return None;
            }
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next event, if it is there already.
    pub fn try_next(&self) -> Option<Event> {
        self.next_within(Duration::ZERO)
    }

    /// Whether nothing is to come: the recorder is inactive and everything was delivered.
    pub fn is_over(&self) -> bool {
        let state = self.lock();
        state.running == 0 && state.events.is_empty()
    }

    /// A recording begins.
    pub(super) fn begin(&self) -> Lifetime {
        self.lock().running += 1;
        Lifetime { events: self.clone(), over: false }
    }

    pub(super) fn push(&self, event: Event) {
        self.lock().events.push_back(event);
        self.0.changed.notify_all();
    }

    /// Waits until no recording is running; whether none is, when the time is over.
    pub(super) fn wait_for_quiet(&self, patience: Duration) -> bool {
        let waited = self.0.changed.wait_timeout_while(self.lock(), patience, |state| state.running > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.running == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A recording whose end is not told yet. However its thread ends, nobody waits for it for ever.
pub(super) struct Lifetime {
    pub events: Events,
    over: bool,
}

impl Lifetime {
    /// Tells the end.
    pub fn stop(&mut self) {
        self.end(Some(Event::Stop));
    }

    fn end(&mut self, last: Option<Event>) {
        if !std::mem::replace(&mut self.over, true) {
            let mut state = self.events.lock();
            state.events.extend(last);
            state.running -= 1;
            drop(state);
            self.events.0.changed.notify_all();
        }
    }
}

impl Drop for Lifetime {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let mut state = self.lock();
        loop {
            if let Some(event) = state.events.pop_front() {
                return Some(event);
            }
            if state.running == 0 {
                return None;
            }
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
