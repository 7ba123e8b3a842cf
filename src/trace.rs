//! Events of the crate `tracing` that several stages report; lib.rs lists them all for programs. Spans stand where the
//! work is done.

use std::fmt::Display;

/// Reports that a message waits in a queue, and, when it is dropped, that it no longer does.
#[derive(Debug)]
pub(crate) struct Queued(&'static str);

impl Queued {
    /// A message begins to wait in this queue. Made before it is sent: the reader may take it at once.
    pub fn new(queue: &'static str) -> Self {
        tracing::debug!(queue, change = 1i64);
        Self(queue)
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        tracing::debug!(queue = self.0, change = -1i64);
    }
}

/// A frame is dropped for this reason.
pub(crate) fn dropped(reason: impl Display) {
    tracing::debug!(dropped = %reason);
}
