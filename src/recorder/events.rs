//! What a recorder tells: an iterator of events, which any thread may read.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::blob::Blob;
use crate::error::Error;
use crate::time::{Span, Timestamp};

/// What happens to a recording, in the order start, pause and resume, data, stop (MediaStream Recording §2).
#[derive(Debug)]
#[non_exhaustive]
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
///
/// An event is delivered when it is taken, and not before: [`Event::Start`] sets the recorder's type then, and a track that
/// was added or removed ends the recording only when the program comes to take events, as it would in a browser.
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
    /// Whether the recorder is gone.
    closed: bool,
}

/// What waits to be taken.
enum Entry {
    Event(Event),
    /// [`Event::Start`], and the recording's type.
    Start(String),
    /// Something to do by whoever takes events, in its turn; it is no event itself.
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

    /// The next event; waits for this long at most. None when the time is over or nothing is to come.
    pub fn next_within(&self, timeout: Span) -> Option<Event> {
        let (begun, timeout) = (Instant::now(), Duration::from(timeout));
        self.next_or(|content, changed| {
            let left = timeout.saturating_sub(begun.elapsed());
            if content.running == 0 || left.is_zero() {
                return None;
            }
            Some(changed.wait_timeout(content, left).unwrap_or_else(PoisonError::into_inner).0)
        })
    }

    /// The next event, if it is there already.
    pub fn try_next(&self) -> Option<Event> {
        self.next_within(Span::ZERO)
    }

    /// Whether nothing is to come: the recorder is inactive and everything was delivered.
    pub fn is_over(&self) -> bool {
        let content = self.lock();
        content.running == 0 && !content.queue.iter().any(|entry| !matches!(entry, Entry::Task(_)))
    }

    /// The next event of this recording or of one that begins later; none when the recorder is gone.
    pub(super) fn next_of_any(&self) -> Option<Event> {
        self.next_or(|content, changed| {
            if content.closed && content.running == 0 {
                return None;
            }
            Some(changed.wait(content).unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// The next event; where there is none, `wait` waits until something has changed, or gives up.
    fn next_or<'a>(
        &'a self,
        wait: impl Fn(MutexGuard<'a, EventsContent>, &'a Condvar) -> Option<MutexGuard<'a, EventsContent>>,
    ) -> Option<Event> {
        let mut content = self.lock();
        loop {
            content = match content.queue.pop_front() {
                Some(Entry::Event(event)) => return Some(event),
                Some(Entry::Start(mime_type)) => {
                    content.mime_type = mime_type;
                    return Some(Event::Start);
                }
                Some(Entry::Task(task)) => {
                    drop(content);
                    task();
                    self.lock()
                }
                None => wait(content, &self.0.changed)?,
            };
        }
    }

    /// The type of the recording whose start was delivered last; empty before the first.
    pub(super) fn mime_type(&self) -> String {
        self.lock().mime_type.clone()
    }

    /// A recording begins.
    pub(super) fn begin(&self) -> RunningRecording {
        self.lock().running += 1;
        RunningRecording { events: self.clone(), over: false }
    }

    pub(super) fn push(&self, event: Event) {
        self.push_entry(Entry::Event(event));
    }

    /// [`Event::Start`], of a recording of this type.
    pub(super) fn push_start(&self, mime_type: String) {
        self.push_entry(Entry::Start(mime_type));
    }

    /// Calls this when the program takes events and has taken all before.
    pub(super) fn push_task(&self, task: impl FnOnce() + Send + 'static) {
        self.push_entry(Entry::Task(Box::new(task)));
    }

    fn push_entry(&self, entry: Entry) {
        self.lock().queue.push_back(entry);
        self.0.changed.notify_all();
    }

    /// The recorder is gone: no recording will begin.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.0.changed.notify_all();
    }

    /// Waits until no recording is running; whether none is, when the time is over.
    pub(super) fn wait_until_ended(&self, timeout: Duration) -> bool {
        let waited = self.0.changed.wait_timeout_while(self.lock(), timeout, |content| content.running > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.running == 0
    }

    fn lock(&self) -> MutexGuard<'_, EventsContent> {
        self.0.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A recording whose end is not reported yet. However its thread ends, nobody waits for it forever.
pub(super) struct RunningRecording {
    pub events: Events,
    over: bool,
}

impl RunningRecording {
    /// Tells the end.
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

impl Drop for RunningRecording {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.next_or(|content, changed| {
            if content.running == 0 {
                return None;
            }
            Some(changed.wait(content).unwrap_or_else(PoisonError::into_inner))
        })
    }
}
