//! Reads keys during a recording: one by one, without Enter, and without echo.
//!
//! Only if standard input and standard error are the same terminal, and the program is in the foreground. The
//! terminal's settings are always restored: when [`Keys`] is dropped, also by a panic, and by [`restore`] before the
//! program exits at once. Ctrl-C remains a signal.

/// The request of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyCommand {
    /// Enter.
    Stop,
    /// `p`: pause or resume.
    Pause,
    /// `m`: mute or unmute.
    Mute,
    /// `s`: save a still.
    Still,
}

impl KeyCommand {
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
pub use unix::{Keys, Unbuffered, restore};

#[cfg(unix)]
mod unix {
    use std::io::{IsTerminal, Stdin, stderr, stdin};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::{self, JoinHandle};
    use std::time::Duration;

    use parking_lot::{Mutex, MutexGuard};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

    use super::KeyCommand;

    /// How often the reader checks whether it is to end while no key is pressed.
    const LOOK: Duration = Duration::from_millis(50);

    /// The terminal's settings before keys were read.
    static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

    /// A terminal that gives each key at once and does not echo it, until this is dropped.
    pub struct Unbuffered(Stdin);

    impl Unbuffered {
        /// Changes the terminal; none where there is none to read.
        pub fn begin() -> Option<Self> {
            let terminal = stdin();
            if !terminal.is_terminal() || !stderr().is_terminal() || !is_in_front(&terminal) {
                return None;
            }
            let before = tcgetattr(&terminal).ok()?;
            let mut changed = before.clone();
            changed.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            // Ctrl+C would otherwise throw away what is being written: half a picture, and the end of its sequence.
            changed.local_modes.insert(LocalModes::NOFLSH);
            *saved() = Some(before);
            // From here on, dropping this restores the terminal.
            let unbuffered = Self(terminal);
            tcsetattr(&unbuffered.0, OptionalActions::Now, &changed).ok()?;
            Some(unbuffered)
        }

        /// The next byte, if one comes within this time.
        pub fn next_byte(&self, patience: Duration) -> Option<u8> {
            let mut ready = [PollFd::new(&self.0, PollFlags::IN)];
            let found = poll(&mut ready, Timespec::try_from(patience).ok().as_ref());
            let comes = found.is_ok_and(|count| count > 0) && ready[0].revents().contains(PollFlags::IN);
            if !comes || !is_in_front(&self.0) {
                // A terminal that is closed, or used by another program, would be ready again and again without data.
                if found.is_ok_and(|count| count > 0) {
                    thread::sleep(patience);
                }
                return None;
            }
            let mut byte = [0];
            rustix::io::read(&self.0, &mut byte).ok().filter(|&count| count == 1).map(|_| byte[0])
        }
    }

    impl Drop for Unbuffered {
        fn drop(&mut self) {
            restore();
        }
    }

    /// Reads keys while it lives.
    pub struct Keys {
        ended: Arc<AtomicBool>,
        reader: Option<JoinHandle<()>>,
    }

    impl Keys {
        /// Begins to read keys and calls `on_command` for each, on a new thread; none where there is no terminal.
        pub fn listen(mut on_command: impl FnMut(KeyCommand) + Send + 'static) -> Option<Self> {
            let terminal = Unbuffered::begin()?;
            let ended = Arc::new(AtomicBool::new(false));
            let mut keys = Self { ended: ended.clone(), reader: None };
            let read = move || {
                while !ended.load(Ordering::Acquire) {
                    if let Some(command) = terminal.next_byte(LOOK).and_then(KeyCommand::of) {
                        on_command(command);
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
                // The reader restores the terminal, also when it panics.
                let _ = reader.join();
            }
        }
    }

    /// Restores the terminal's settings, if they were changed.
    pub fn restore() {
        if let Some(before) = saved().take()
            && is_in_front(&stdin())
        {
            // A closed terminal needs no restoring.
            let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
        }
    }

    fn saved() -> MutexGuard<'static, Option<Termios>> {
        BEFORE.lock()
    }

    /// Whether the program is in the foreground: the system stops a background program that reads or changes the
    /// terminal.
    fn is_in_front(terminal: &Stdin) -> bool {
        tcgetpgrp(terminal).is_ok_and(|front| front == rustix::process::getpgrp())
    }
}

#[cfg(not(unix))]
pub use other::{Keys, restore};

/// On systems where single keys are not supported: no keys.
#[cfg(not(unix))]
mod other {
    use super::KeyCommand;

    /// Never there.
    pub struct Keys;

    impl Keys {
        /// None.
        pub fn listen(_on_command: impl FnMut(KeyCommand) + Send + 'static) -> Option<Self> {
            None
        }
    }

    /// Nothing was changed.
    pub fn restore() {}
}
