//! What can be asked of a recording while it runs, from any thread.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// Pictures to save, and those that were.
#[derive(Debug, Default)]
struct Stills {
    asked: Vec<PathBuf>,
    saved: Vec<PathBuf>,
}

/// Requests to a running recording, and what became of them. They may be made before it begins, too.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framereel::{Controls, Destination, Gpu, Source, Span, record, source::pattern::PatternSource};
///
/// let pattern: Box<dyn Source> = Box::new(PatternSource::new(&Default::default())?);
/// let still = tempfile::tempdir()?.keep().join("still.png");
/// let controls = Controls::new();
/// controls.request_still(&still);
/// let recording = record(pattern).duration(Span::from_millis(200)).controls(&controls);
/// recording.run(&Gpu::new()?, Destination::Blobs { timeslice: None })?;
/// assert_eq!(controls.saved_stills(), [still]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Controls {
    stop: AtomicBool,
    pause: AtomicBool,
    mute: AtomicBool,
    stills: Mutex<Stills>,
    edits: Mutex<Edits>,
    refused: Mutex<Vec<Error>>,
}

impl Controls {
    /// Without requests.
    pub const fn new() -> Self {
        Self {
            stop: AtomicBool::new(false),
            pause: AtomicBool::new(false),
            mute: AtomicBool::new(false),
            stills: Mutex::new(Stills { asked: Vec::new(), saved: Vec::new() }),
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

    /// Pauses the recording: what comes meanwhile is left out, pictures and sound alike, and counted
    /// (`dropped.paused`). It follows within a twentieth of a second. A source that is not live is read on.
    pub fn pause(&self) {
        self.pause.store(true, Ordering::Relaxed);
    }

    /// Goes on with a recording that was paused; what follows joins what was before the pause.
    pub fn resume(&self) {
        self.pause.store(false, Ordering::Relaxed);
    }

    /// Whether it was asked to pause.
    pub fn is_paused(&self) -> bool {
        self.pause.load(Ordering::Relaxed)
    }

    /// Records silence in place of the sound while `muted`. It follows within a twentieth of a second.
    pub fn set_muted(&self, muted: bool) {
        self.mute.store(muted, Ordering::Relaxed);
    }

    /// Whether it was asked to record silence.
    pub fn is_muted(&self) -> bool {
        self.mute.load(Ordering::Relaxed)
    }

    /// Saves the next picture, as it is recorded, in a file: a PNG, JPEG or WebP by its ending, over one that is there.
    /// An error is told by [`Controls::refused`], and ends nothing: another ending, a path that cannot be written to,
    /// or a recording without pictures.
    pub fn request_still(&self, path: impl Into<PathBuf>) {
        lock(&self.stills).asked.push(path.into());
    }

    /// The stills that were saved since the last call.
    pub fn saved_stills(&self) -> Vec<PathBuf> {
        std::mem::take(&mut lock(&self.stills).saved)
    }

    /// Replaces the recording's chain, from the next frame on.
    pub fn set_filter(&self, filter: FilterChain) {
        lock(&self.edits).filter = Some(filter);
    }

    /// Replaces the chain that draws the source ([`Source::drawn_by`](crate::source::Source::drawn_by)), from the next
    /// frame on.
    pub fn set_drawing(&self, drawing: FilterChain) {
        lock(&self.edits).drawing = Some(drawing);
    }

    /// The errors of requests that were refused since the last call: of chains, where the one before stayed in use, and
    /// of stills.
    pub fn refused(&self) -> Vec<Error> {
        std::mem::take(&mut *lock(&self.refused))
    }

    pub(super) fn take_edits(&self) -> Edits {
        std::mem::take(&mut *lock(&self.edits))
    }

    pub(super) fn take_stills(&self) -> Vec<PathBuf> {
        std::mem::take(&mut lock(&self.stills).asked)
    }

    pub(super) fn saved(&self, still: PathBuf) {
        lock(&self.stills).saved.push(still);
    }

    pub(super) fn refuse(&self, error: Error) {
        lock(&self.refused).push(error);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
