//! What can be asked of a recording while it runs, from any thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::filter::FilterChain;

/// Chains that replace those of the recording.
#[derive(Debug, Default)]
pub(super) struct Edits {
    /// What draws the source.
    pub drawing: Option<FilterChain>,
    /// What filters it.
    pub filter: Option<FilterChain>,
}

/// Requests to a running recording, and the errors of those that were refused.
#[derive(Debug, Default)]
pub struct Controls {
    stop: AtomicBool,
    edits: Mutex<Edits>,
    refused: Mutex<Vec<Error>>,
}

impl Controls {
    /// Without requests.
    pub const fn new() -> Self {
        Self {
            stop: AtomicBool::new(false),
            edits: Mutex::new(Edits { drawing: None, filter: None }),
            refused: Mutex::new(Vec::new()),
        }
    }

    /// Asks the recording to stop: what was taken so far is encoded and the file is finished. True when it was asked
    /// before.
    pub fn stop(&self) -> bool {
        self.stop.swap(true, Ordering::Relaxed)
    }

    /// Whether it was asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Replaces the recording's chain, from the next frame on.
    pub fn set_filter(&self, filter: FilterChain) {
        self.edits.lock().unwrap_or_else(PoisonError::into_inner).filter = Some(filter);
    }

    /// Replaces the chain that draws the source ([`Source::drawn_by`](crate::source::Source::drawn_by)), from the next
    /// frame on.
    pub fn set_drawing(&self, drawing: FilterChain) {
        self.edits.lock().unwrap_or_else(PoisonError::into_inner).drawing = Some(drawing);
    }

    /// The errors of chains that the GPU refused since the last call; the chain before stayed in use.
    pub fn refused(&self) -> Vec<Error> {
        std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn take_edits(&self) -> Edits {
        std::mem::take(&mut *self.edits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn refuse(&self, error: Error) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).push(error);
    }
}
