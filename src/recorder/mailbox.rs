//! What the stages send to the one that writes: packets wait when it is behind, words never do.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A queue with one reader and many writers.
#[derive(Debug)]
pub struct Mailbox<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    /// How many letters may wait before the next one has to.
    depth: usize,
}

#[derive(Debug)]
struct State<T> {
    letters: VecDeque<T>,
    open: bool,
}

impl<T> Mailbox<T> {
    /// An empty one.
    pub fn new(depth: usize) -> Self {
        Self { state: Mutex::new(State { letters: VecDeque::new(), open: true }), changed: Condvar::new(), depth }
    }

    /// Puts a word in at once; false, and the word is gone, when nobody reads any more.
    pub fn say(&self, word: T) -> bool {
        let mut state = self.lock();
        if state.open {
            state.letters.push_back(word);
            self.changed.notify_all();
        }
        state.open
    }

    /// Puts a letter in once there is room; false, and the letter is gone, when nobody reads any more.
    pub fn send(&self, letter: T) -> bool {
        let full = |state: &mut State<T>| state.open && state.letters.len() >= self.depth;
        let mut state = self.changed.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        if state.open {
            state.letters.push_back(letter);
            self.changed.notify_all();
        }
        state.open
    }

    /// Takes what came first; waits for it so long at most.
    pub fn take(&self, patience: Duration) -> Option<T> {
        let empty = |state: &mut State<T>| state.letters.is_empty();
        let waited = self.changed.wait_timeout_while(self.lock(), patience, empty);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let letter = state.letters.pop_front();
        self.changed.notify_all();
        letter
    }

    /// Whether somebody reads.
    pub fn is_open(&self) -> bool {
        self.lock().open
    }

    /// Nobody reads any more.
    pub fn close(&self) {
        let mut state = self.lock();
        state.open = false;
        state.letters.clear();
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[test]
    fn words_never_wait_and_letters_do_until_there_is_room() {
        let mailbox = Mailbox::new(1);
        assert!(mailbox.send(1) && mailbox.say(2));
        std::thread::scope(|scope| {
            let sent = scope.spawn(|| mailbox.send(3));
            assert_eq!((mailbox.take(SHORT), mailbox.take(SHORT)), (Some(1), Some(2)));
            assert!(sent.join().unwrap());
        });
        assert_eq!((mailbox.take(SHORT), mailbox.take(SHORT)), (Some(3), None));
    }

    #[test]
    fn who_waits_for_a_reader_that_goes_is_let_go() {
        let mailbox = Mailbox::new(0);
        std::thread::scope(|scope| {
            let sent = scope.spawn(|| mailbox.send(1));
            std::thread::sleep(SHORT);
            mailbox.close();
            assert!(!sent.join().unwrap());
        });
        assert!(!mailbox.say(2));
    }
}
