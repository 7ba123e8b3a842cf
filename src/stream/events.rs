//! What tracks and streams tell: each listener has a queue of its own, from when it was made.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::time::Span;

use super::{MediaStreamTrack, lock};

/// What happens to a track (Media Capture and Streams §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackEvent {
    /// Its source brings nothing for a while.
    Mute,
    /// Its source brings something again.
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

/// The events of one track, stream or player, in their order, from when this was made. As an iterator it waits for the
/// next one, and ends when none can follow: the track has ended, or nobody holds the stream or the player any more.
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
    /// The next event; waits for this long at most. None when the time is over or nothing can follow.
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
            pending = self.0.changed.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next event, if it is there already.
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
            pending = self.0.changed.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<E> EventQueue<E> {
    fn lock(&self) -> MutexGuard<'_, Pending<E>> {
        lock(&self.content)
    }
}

/// The listeners of one track, stream or player. Those that were dropped are forgotten. When this is dropped, they end.
#[derive(Debug)]
pub(crate) struct Listeners<E>(Mutex<Vec<Weak<EventQueue<E>>>>);

impl<E> Listeners<E> {
    pub fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Another listener. One that is `closed` from the beginning gets nothing.
    pub fn listen(&self, closed: bool) -> Listener<E> {
        let content = Mutex::new(Pending { events: VecDeque::new(), closed });
        let queue = Arc::new(EventQueue { content, changed: Condvar::new() });
        let mut listeners = lock(&self.0);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(&queue));
        Listener(queue)
    }

    /// Whether anybody listens.
    pub fn has_any(&self) -> bool {
        lock(&self.0).iter().any(|listener| listener.strong_count() > 0)
    }

    /// Tells all listeners of an event.
    pub fn tell(&self, event: impl Fn() -> E) {
        self.each(|pending| pending.events.push_back(event()));
    }

    /// Nothing follows.
    pub fn close(&self) {
        self.each(|pending| pending.closed = true);
    }

    fn each(&self, change: impl Fn(&mut Pending<E>)) {
        for queue in lock(&self.0).iter().filter_map(Weak::upgrade) {
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
