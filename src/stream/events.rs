//! The events of tracks and streams: each listener has its own queue, which begins when the listener is made.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::MediaStreamTrack;
use crate::time::Span;

/// What happens to a track (Media Capture and Streams §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackEvent {
    /// Its source delivers no data for a while.
    Mute,
    /// Its source delivers data again.
    Unmute,
    /// Its source has ended or failed. Not sent when the program itself stopped the track.
    Ended,
}

/// What happens to a stream (Media Capture and Streams §4.2). Changes by the program itself send no event.
#[derive(Debug)]
#[non_exhaustive]
pub enum StreamEvent {
    /// A source added its track ([`TrackGenerator::add_to`](super::TrackGenerator::add_to)).
    AddTrack(MediaStreamTrack),
    /// A source removed its track ([`TrackGenerator::remove_from`](super::TrackGenerator::remove_from)).
    RemoveTrack(MediaStreamTrack),
}

/// The events of one track, stream or player since this listener was made, in order. The iterator waits for the next
/// event, and ends when none can follow: the track has ended, or the last handle of the stream or the player was
/// dropped.
#[derive(Debug)]
pub struct Listener<E>(Arc<EventQueue<E>>);

#[derive(Debug)]
struct EventQueue<E> {
    content: Mutex<Pending<E>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Pending<E> {
    events: VecDeque<E>,
    closed: bool,
}

impl<E> Listener<E> {
    /// The next event; waits at most `timeout`. None after the timeout, or when no event can follow.
    pub fn next_within(&self, timeout: Span) -> Option<E> {
        let (begun, timeout) = (Instant::now(), Duration::from(timeout));
        let mut pending = self.0.lock();
        loop {
            if let Some(event) = pending.events.pop_front() {
                return Some(event);
            }
            let left = timeout.saturating_sub(begun.elapsed());
            if pending.closed || left.is_zero() {
                return None;
            }
            self.0.changed.wait_for(&mut pending, left);
        }
    }

    /// The next event, if there is one already; does not wait.
    pub fn try_next(&self) -> Option<E> {
        self.next_within(Span::ZERO)
    }
}

impl<E> Iterator for Listener<E> {
    type Item = E;

    fn next(&mut self) -> Option<E> {
        let mut pending = self.0.lock();
        loop {
            if let Some(event) = pending.events.pop_front() {
                return Some(event);
            }
            if pending.closed {
                return None;
            }
            self.0.changed.wait(&mut pending);
        }
    }
}

impl<E> EventQueue<E> {
    fn lock(&self) -> MutexGuard<'_, Pending<E>> {
        self.content.lock()
    }
}

/// The listeners of one track, stream or player. Dropped listeners are removed. Dropping this ends the listeners.
#[derive(Debug)]
pub(crate) struct Listeners<E>(Mutex<Vec<Weak<EventQueue<E>>>>);

impl<E> Listeners<E> {
    pub fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Adds a listener. One that is `closed` from the beginning gets no events.
    pub fn listen(&self, closed: bool) -> Listener<E> {
        let content = Mutex::new(Pending { events: VecDeque::new(), closed });
        let queue = Arc::new(EventQueue { content, changed: Condvar::new() });
        let mut listeners = self.0.lock();
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(&queue));
        Listener(queue)
    }

    /// Whether there are any listeners.
    pub fn has_any(&self) -> bool {
        self.0.lock().iter().any(|listener| listener.strong_count() > 0)
    }

    /// Sends an event to all listeners.
    pub fn tell(&self, event: impl Fn() -> E) {
        self.each(|pending| pending.events.push_back(event()));
    }

    /// Ends all listeners: no event follows.
    pub fn close(&self) {
        self.each(|pending| pending.closed = true);
    }

    fn each(&self, change: impl Fn(&mut Pending<E>)) {
        for queue in self.0.lock().iter().filter_map(Weak::upgrade) {
            let mut pending = queue.lock();
            if !pending.closed {
                change(&mut pending);
            }
            queue.changed.notify_all();
        }
    }
}

impl<E> Drop for Listeners<E> {
    fn drop(&mut self) {
        self.close();
    }
}
