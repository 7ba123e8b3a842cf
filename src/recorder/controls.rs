//! What can be asked of a recording while it runs, from any thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::filter::FilterChain;

/// Chains to go on with.
#[derive(Debug, Default)]
pub(super) struct Edits {
    /// What draws the source.
    pub drawing: Option<FilterChain>,
    /// What filters it.
    pub filter: Option<FilterChain>,
}

/// Requests to a running recording, and what it has to say.
#[derive(Debug, Default)]
pub struct Controls {
    stop: AtomicBool,
    edits: Mutex<Edits>,
    refused: Mutex<Vec<Error>>,
}

impl Controls {
    /// Nothing asked for yet.
    pub const fn new() -> Self {
        Self {
            stop: AtomicBool::new(false),
            edits: Mutex::new(Edits { drawing: None, filter: None }),
            refused: Mutex::new(Vec::new()),
        }
    }

    /// Asks for the recording's end: what was taken so far is encoded and the file finished. Whether it was asked before.
    pub fn stop(&self) -> bool {
        self.stop.swap(true, Ordering::Relaxed)
    }

    /// Whether the end was asked for.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Puts another chain in the place of the recording's, from the next frame on.
    pub fn set_filter(&self, filter: FilterChain) {
        self.edits.lock().unwrap_or_else(PoisonError::into_inner).filter = Some(filter);
    }

    /// Puts another drawing in the place of the source's ([`Source::drawn_by`](crate::source::Source::drawn_by)), from the
    /// next frame on.
    pub fn set_drawing(&self, drawing: FilterChain) {
        self.edits.lock().unwrap_or_else(PoisonError::into_inner).drawing = Some(drawing);
    }

    /// Errors of chains that the GPU refused, each told once; the chain before stayed.
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
