//! Events of the crate `tracing` that several stages report; lib.rs lists them all for programs. Spans stand where the work
//! is done.

use std::fmt::Display;

/// A message begins to wait in this queue.
pub(crate) fn queued(queue: &'static str) {
    tracing::debug!(queue, change = 1i64);
}

/// A message no longer waits in this queue.
pub(crate) fn taken(queue: &'static str) {
    tracing::debug!(queue, change = -1i64);
}

/// A frame is dropped for this reason.
pub(crate) fn dropped(reason: impl Display) {
    tracing::debug!(dropped = %reason);
}
