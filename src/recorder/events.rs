//! The events of a recorder: an iterator, which any thread may read.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::blob::Blob;
use crate::error::Error;
use crate::time::{Span, Timestamp};

/// What happens to a recording, in the order start, pause and resume, data, stop (MediaStream Recording §2).
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The recording has begun: `mime_type()` is known. Comes once, before all other events.
    Start,
    /// The recording was paused.
    Pause,
    /// The recording was resumed.
    Resume,
    /// A part of the file is available.
    DataAvailable(BlobEvent),
    /// The recording failed; the data recorded so far comes next, then [`Event::Stop`].
    Error(Error),
    /// The recording has ended. Comes once, after all other events.
    Stop,
}

/// A part of a recording's file (MediaStream Recording §4).
#[derive(Debug, Clone)]
pub struct BlobEvent {
    /// The bytes. All parts of a recording, concatenated, are its file; a single part may not be playable.
    pub data: Blob,
    /// The recording's time of the first data in this part. 0 for the first part; never decreases.
    pub timecode: Timestamp,
}

/// A recorder's events, in the order in which they happened.
///
/// The iterator waits for the next event, and ends when the recorder is inactive and every event was delivered, so that
/// `for event in recorder.events()` sees a recording from start to stop. Each event is delivered once, to the first
/// caller that takes it.
///
/// An event takes effect only when it is taken: only then does [`Event::Start`] set the recorder's type, and only then
/// does a track that was added or removed end the recording, as in a browser.
#[derive(Debug, Clone)]
pub struct Events(Arc<EventsCore>);

#[derive(Debug)]
struct EventsCore {
    content: Mutex<EventsContent>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct EventsContent {
    queue: VecDeque<Entry>,
    /// How many recordings have not reported their end.
    running: usize,
    /// The type of the recording whose start was delivered last.
    mime_type: String,
    /// Whether the recorder was dropped.
    closed: bool,
}

/// An entry of the event queue.
enum Entry {
    Event(Event),
    /// [`Event::Start`], and the recording's type.
    Start(String),
    /// A function that runs, in queue order, on the thread that takes events. It is not an event itself.
    Task(Box<dyn FnOnce() + Send>),
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Event(event) => event.fmt(f),
            Self::Start(mime_type) => write!(f, "Start({mime_type:?})"),
            Self::Task(_) => f.write_str("Task"),
        }
    }
}

impl Events {
    pub(super) fn new() -> Self {
        Self(Arc::new(EventsCore { content: Mutex::default(), changed: Condvar::new() }))
    }

    /// The next event; waits at most `timeout`. None after the timeout, or when no event will follow.
    pub fn next_within(&self, timeout: Span) -> Option<Event> {
        let (begun, timeout) = (Instant::now(), Duration::from(timeout));
        self.next_or(|content, changed| {
            let left = timeout.saturating_sub(begun.elapsed());
            if content.running == 0 || left.is_zero() {
                return false;
            }
            changed.wait_for(content, left);
            true
        })
    }

    /// The next event, if there is one already; does not wait.
    pub fn try_next(&self) -> Option<Event> {
        self.next_within(Span::ZERO)
    }

    /// Whether no event will follow: the recorder is inactive and every event was delivered.
    pub fn is_over(&self) -> bool {
        let content = self.lock();
        content.running == 0 && !content.queue.iter().any(|entry| !matches!(entry, Entry::Task(_)))
    }

    /// The next event of this recording or of a later one; none once the recorder was dropped.
    pub(super) fn next_of_any(&self) -> Option<Event> {
        self.next_or(|content, changed| {
            if content.closed && content.running == 0 {
                return false;
            }
            changed.wait(content);
            true
        })
    }

    /// The next event. While there is none, calls `wait`, which returns true after a change and false to stop waiting.
    fn next_or(&self, wait: impl Fn(&mut MutexGuard<'_, EventsContent>, &Condvar) -> bool) -> Option<Event> {
        let mut content = self.lock();
        loop {
            match content.queue.pop_front() {
                Some(Entry::Event(event)) => return Some(event),
                Some(Entry::Start(mime_type)) => {
                    content.mime_type = mime_type;
                    return Some(Event::Start);
                }
                Some(Entry::Task(task)) => MutexGuard::unlocked(&mut content, task),
                None if wait(&mut content, &self.0.changed) => {}
                None => return None,
            }
        }
    }

    /// The type of the recording whose start was delivered last; empty before the first.
    pub(super) fn mime_type(&self) -> String {
        self.lock().mime_type.clone()
    }

    /// A recording begins.
    pub(super) fn begin(&self) -> UnreportedEnd {
        self.lock().running += 1;
        UnreportedEnd { events: self.clone(), over: false }
    }

    pub(super) fn push(&self, event: Event) {
        self.push_entry(Entry::Event(event));
    }

    /// Queues [`Event::Start`] of a recording of this type.
    pub(super) fn push_start(&self, mime_type: String) {
        self.push_entry(Entry::Start(mime_type));
    }

    /// Queues a task, which runs when the program takes events and has taken all earlier ones.
    pub(super) fn push_task(&self, task: impl FnOnce() + Send + 'static) {
        self.push_entry(Entry::Task(Box::new(task)));
    }

    fn push_entry(&self, entry: Entry) {
        self.lock().queue.push_back(entry);
        self.0.changed.notify_all();
    }

    /// The recorder was dropped: no recording will begin.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.0.changed.notify_all();
    }

    /// Waits at most `timeout` until no recording is running; false after the timeout.
    pub(super) fn wait_until_ended(&self, timeout: Duration) -> bool {
        let mut content = self.lock();
        self.0.changed.wait_while_for(&mut content, |content| content.running > 0, timeout);
        content.running == 0
    }

    fn lock(&self) -> MutexGuard<'_, EventsContent> {
        self.0.content.lock()
    }
}

/// A recording whose end is not reported yet. Dropping it counts as the end, so that no caller waits forever.
pub(super) struct UnreportedEnd {
    pub events: Events,
    over: bool,
}

impl UnreportedEnd {
    /// Reports the end as [`Event::Stop`].
    pub fn stop(&mut self) {
        self.end(Some(Event::Stop));
    }

    fn end(&mut self, last: Option<Event>) {
        if !std::mem::replace(&mut self.over, true) {
            let mut content = self.events.lock();
            content.queue.extend(last.map(Entry::Event));
            content.running -= 1;
            drop(content);
            self.events.0.changed.notify_all();
        }
    }
}

impl Drop for UnreportedEnd {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.next_or(|content, changed| {
            if content.running == 0 {
                return false;
            }
            changed.wait(content);
            true
        })
    }
}
