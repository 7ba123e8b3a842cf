//! The queue of messages to the mux stage: packets wait for room when the queue is full, other messages do not.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::trace::Queued;

const QUEUE_NAME: &str = "packets";

/// A queue with one reader and many writers.
#[derive(Debug)]
pub struct MessageQueue<T> {
    content: Mutex<QueueContent<T>>,
    changed: Condvar,
    /// How many messages may be in the queue before [`MessageQueue::send`] waits.
    depth: usize,
}

#[derive(Debug)]
struct QueueContent<T> {
    messages: VecDeque<(Queued, T)>,
    open: bool,
}

impl<T> MessageQueue<T> {
    /// An empty queue.
    pub fn new(depth: usize) -> Self {
        let content = QueueContent { messages: VecDeque::new(), open: true };
        Self { content: Mutex::new(content), changed: Condvar::new(), depth }
    }

    /// Adds a message without waiting for room. False, and the message is dropped, when the queue is closed.
    pub fn post(&self, message: T) -> bool {
        let mut content = self.lock();
        if content.open {
            content.messages.push_back((Queued::new(QUEUE_NAME), message));
            self.changed.notify_all();
        }
        content.open
    }

    /// Adds a message once there is room. False, and the message is dropped, when the queue is closed.
    pub fn send(&self, message: T) -> bool {
        let full = |content: &mut QueueContent<T>| content.open && content.messages.len() >= self.depth;
        let mut content = self.lock();
        self.changed.wait_while(&mut content, full);
        if content.open {
            content.messages.push_back((Queued::new(QUEUE_NAME), message));
            self.changed.notify_all();
        }
        content.open
    }

    /// Takes the oldest message; waits at most `timeout` for one.
    pub fn receive(&self, timeout: Duration) -> Option<T> {
        let empty = |content: &mut QueueContent<T>| content.messages.is_empty() && content.open;
        let mut content = self.lock();
        self.changed.wait_while_for(&mut content, empty, timeout);
        let message = content.messages.pop_front().map(|(_, message)| message);
        self.changed.notify_all();
        message
    }

    /// Whether it can be written to.
    pub fn is_open(&self) -> bool {
        self.lock().open
    }

    /// Closes the queue and drops its messages.
    pub fn close(&self) {
        let mut content = self.lock();
        content.open = false;
        let dropped = std::mem::take(&mut content.messages);
        self.changed.notify_all();
        drop(content);
        // Outside the lock: dropping a message may run code, such as closing the channel of its answer.
        drop(dropped);
    }

    fn lock(&self) -> MutexGuard<'_, QueueContent<T>> {
        self.content.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn posted_messages_never_wait_and_sent_ones_do_until_there_is_room() {
        let queue = MessageQueue::new(1);
        assert!(queue.send(1) && queue.post(2));
        std::thread::scope(|scope| {
            let sent = scope.spawn(|| queue.send(3));
            assert_eq!((queue.receive(LONG), queue.receive(LONG)), (Some(1), Some(2)));
            assert!(sent.join().unwrap());
        });
        assert_eq!((queue.receive(LONG), queue.receive(Duration::ZERO)), (Some(3), None));
    }

    #[test]
    fn a_writer_that_waits_and_a_reader_that_waits_are_released_when_the_queue_is_closed() {
        let queue = MessageQueue::new(0);
        std::thread::scope(|scope| {
            let sent = scope.spawn(|| queue.send(1));
            queue.close();
            assert!(!sent.join().unwrap());
        });
        assert!(!queue.post(2));
        assert_eq!(queue.receive(LONG), None);
    }
}
