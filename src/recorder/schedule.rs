//! When the video of a recording began and ended, for the sound that is fed beside it in real time.

use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::time::Timestamp;

/// The beginning and the end of a recording's sources by the recording's clock; callers can wait for the beginning.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    times: Mutex<Times>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, Default)]
struct Times {
    began: Option<Timestamp>,
    end: Option<Timestamp>,
}

impl Schedule {
    /// Sets the beginning to `time`, unless it is set already; returns the beginning.
    pub fn begin(&self, time: Timestamp) -> Timestamp {
        let began = *self.lock().began.get_or_insert(time);
        self.changed.notify_all();
        began
    }

    /// Sets the end to `time`, unless it is set already.
    pub fn end(&self, time: Timestamp) {
        self.lock().end.get_or_insert(time);
        self.changed.notify_all();
    }

    pub fn began(&self) -> Option<Timestamp> {
        self.lock().began
    }

    pub fn ended(&self) -> Option<Timestamp> {
        self.lock().end
    }

    /// Waits at most `timeout` for the beginning; none after the timeout, or when the end came without a beginning.
    pub fn wait_for_beginning(&self, timeout: Duration) -> Option<Timestamp> {
        let mut times = self.lock();
        let waits = |times: &mut Times| times.began.is_none() && times.end.is_none();
        self.changed.wait_while_for(&mut times, waits, timeout);
        times.began
    }

    fn lock(&self) -> MutexGuard<'_, Times> {
        self.times.lock()
    }
}
