//! Polls what the system sends no events for: `devicechange` and a permission's `change`.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::error::{Error, Result};
use crate::stream::{Listener, Listeners};

/// The polling interval while there are listeners.
const INTERVAL: Duration = Duration::from_secs(1);

/// Listeners, and one thread that polls for all of them while there are any.
pub struct Poller<E>(Arc<PollerCore<E>>);

struct PollerCore<E> {
    listeners: Listeners<E>,
    /// Whether the thread runs.
    looking: Mutex<bool>,
}

impl<E: Send + 'static> Poller<E> {
    pub fn new() -> Self {
        Self(Arc::new(PollerCore { listeners: Listeners::new(), looking: Mutex::new(false) }))
    }

    /// Sends this event whenever `look` returns another value than before, from now on. Pass the same `look` in all
    /// calls.
    ///
    /// # Errors
    /// `UnknownError` when no thread can be started.
    pub fn listen<S: PartialEq + Send + 'static>(
        &self,
        thread: &str,
        look: impl Fn() -> S + Send + 'static,
        event: impl Fn(&S) -> E + Send + 'static,
    ) -> Result<Listener<E>> {
        let mut looking = self.0.looking();
        let listener = self.0.listeners.listen(false);
        if !*looking {
            let (core, before) = (Arc::downgrade(&self.0), look());
            let run = move || run(&core, before, look, event);
            thread::Builder::new().name(thread.to_owned()).spawn(run).map_err(Error::no_thread)?;
            *looking = true;
        }
        Ok(listener)
    }
}

impl<E> PollerCore<E> {
    fn looking(&self) -> MutexGuard<'_, bool> {
        self.looking.lock()
    }
}

fn run<S: PartialEq, E>(core: &Weak<PollerCore<E>>, mut before: S, look: impl Fn() -> S, event: impl Fn(&S) -> E) {
    loop {
        thread::sleep(INTERVAL);
        let Some(core) = core.upgrade() else { return };
        let mut looking = core.looking();
        if !core.listeners.has_any() {
            *looking = false;
            return;
        }
        drop(looking);
        let now = look();
        if now != before {
            core.listeners.tell(|| event(&now));
            before = now;
        }
    }
}
