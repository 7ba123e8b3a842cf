//! Keys that are pressed while it records: read one by one, without Enter, and not shown.
//!
//! Only where standard input and standard error are one user's terminal, and the program is in front. The terminal is
//! put back as it was at every end: when [`Keys`] is dropped, by a panic too, and by [`restore`] before the program
//! ends at once. Ctrl-C stays a signal.

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Enter.
    Stop,
    /// `p`: pause, or go on.
    Pause,
    /// `m`: silence, or sound again.
    Mute,
    /// `s`: save the picture.
    Still,
}

impl Wish {
    fn of(key: u8) -> Option<Self> {
        match key {
            b'\r' | b'\n' => Some(Self::Stop),
            b'p' | b'P' => Some(Self::Pause),
            b'm' | b'M' => Some(Self::Mute),
            b's' | b'S' => Some(Self::Still),
            _ => None,
        }
    }
}

#[cfg(unix)]
pub use unix::{Keys, restore};

#[cfg(unix)]
mod unix {
    use std::io::{IsTerminal, Stdin, stderr, stdin};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::{self, JoinHandle};

    use parking_lot::{Mutex, MutexGuard};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

    use super::Wish;

    /// How often a reader without keys looks whether it is to end.
    const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

    /// The terminal as it was before keys were read.
    static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

    /// Reads keys while it lives.
    pub struct Keys {
        ended: Arc<AtomicBool>,
        reader: Option<JoinHandle<()>>,
    }

    impl Keys {
        /// Begins to read keys, each of which `on_wish` is called for, on a thread of its own; none where there is no
        /// terminal.
        pub fn listen(mut on_wish: impl FnMut(Wish) + Send + 'static) -> Option<Self> {
            let terminal = stdin();
            if !terminal.is_terminal() || !stderr().is_terminal() || !is_in_front(&terminal) {
                return None;
            }
            let before = tcgetattr(&terminal).ok()?;
            let mut changed = before.clone();
            changed.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            *saved() = Some(before);
            let ended = Arc::new(AtomicBool::new(false));
            // From here on, what drops it puts the terminal back.
            let mut keys = Self { ended: ended.clone(), reader: None };
            tcsetattr(&terminal, OptionalActions::Now, &changed).ok()?;
            let read = move || {
                while !ended.load(Ordering::Acquire) {
                    if let Some(wish) = next_key(&terminal).and_then(Wish::of) {
                        on_wish(wish);
                    }
                }
            };
            keys.reader = Some(thread::Builder::new().name("keys".into()).spawn(read).ok()?);
            Some(keys)
        }
    }

    impl Drop for Keys {
        fn drop(&mut self) {
            self.ended.store(true, Ordering::Release);
            if let Some(reader) = self.reader.take() {
                // One that panicked reads no more.
                let _ = reader.join();
            }
            restore();
        }
    }

    /// Puts the terminal back as it was, if it was changed.
    pub fn restore() {
        if let Some(before) = saved().take()
            && is_in_front(&stdin())
        {
            // A terminal that is gone needs nothing.
            let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
        }
    }

    fn saved() -> MutexGuard<'static, Option<Termios>> {
        BEFORE.lock()
    }

    /// Whether the terminal is this program's now: one in the background that reads or changes it is stopped.
    fn is_in_front(terminal: &Stdin) -> bool {
        tcgetpgrp(terminal).is_ok_and(|front| front == rustix::process::getpgrp())
    }

    /// The next key, if one comes soon.
    fn next_key(terminal: &Stdin) -> Option<u8> {
        let mut ready = [PollFd::new(terminal, PollFlags::IN)];
        let found = poll(&mut ready, Some(&LOOK));
        let comes = found.is_ok_and(|count| count > 0) && ready[0].revents().contains(PollFlags::IN);
        if !comes || !is_in_front(terminal) {
            // A terminal that has hung up, or that is another program's, is ready at once, for ever.
            if found.is_ok_and(|count| count > 0) {
                thread::sleep(std::time::Duration::from_millis(50));
            }
            return None;
        }
        let mut key = [0];
        rustix::io::read(terminal, &mut key).ok().filter(|&count| count == 1).map(|_| key[0])
    }
}

#[cfg(not(unix))]
pub use other::{Keys, restore};

/// Systems whose terminals we cannot ask so: there are no keys.
#[cfg(not(unix))]
mod other {
    use super::Wish;

    /// Never there.
    pub struct Keys;

    impl Keys {
        /// None.
        pub fn listen(_on_wish: impl FnMut(Wish) + Send + 'static) -> Option<Self> {
            None
        }
    }

    /// Nothing was changed.
    pub fn restore() {}
}
