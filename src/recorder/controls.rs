//! Controls of a recording while it runs, for use from any thread.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::error::Error;
use crate::filter::FilterChain;

/// Filter chains that replace those of the recording.
#[derive(Debug, Default)]
pub(super) struct Edits {
    /// The chain that draws the source.
    pub drawing: Option<FilterChain>,
    /// The chain that filters the drawn frames.
    pub filter: Option<FilterChain>,
}

/// Stills to save, and stills that are saved.
#[derive(Debug, Default)]
struct Stills {
    asked: Vec<PathBuf>,
    saved: Vec<PathBuf>,
}

/// Requests to a running recording, and their results. Requests may also be made before the recording begins.
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
    /// Controls without requests.
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

    /// Asks the recording to stop: the frames and sound captured so far are encoded, and the file is finished. True
    /// when the stop was already requested.
    pub fn stop(&self) -> bool {
        self.stop.swap(true, Ordering::Relaxed)
    }

    /// Whether a stop was requested.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Pauses the recording within 50 ms: frames and sound that arrive during the pause are left out, and the frames
    /// are counted (`dropped.paused`). A source that is not live is still read.
    pub fn pause(&self) {
        self.pause.store(true, Ordering::Relaxed);
    }

    /// Resumes a paused recording. The pause itself leaves no gap in the recording.
    pub fn resume(&self) {
        self.pause.store(false, Ordering::Relaxed);
    }

    /// Whether a pause was requested.
    pub fn is_paused(&self) -> bool {
        self.pause.load(Ordering::Relaxed)
    }

    /// Records silence in place of the sound while `muted`. Takes effect within 50 ms.
    pub fn set_muted(&self, muted: bool) {
        self.mute.store(muted, Ordering::Relaxed);
    }

    /// Whether silence was requested.
    pub fn is_muted(&self) -> bool {
        self.mute.load(Ordering::Relaxed)
    }

    /// Saves the next recorded frame as a still: PNG, JPEG or WebP by the file's extension. An existing file is
    /// overwritten. An error (another extension, a path that cannot be written to, a recording without video) is
    /// reported by [`Controls::refused`] and does not end the recording.
    pub fn request_still(&self, path: impl Into<PathBuf>) {
        self.stills.lock().asked.push(path.into());
    }

    /// The stills that were saved since the last call.
    pub fn saved_stills(&self) -> Vec<PathBuf> {
        std::mem::take(&mut self.stills.lock().saved)
    }

    /// Replaces the recording's chain, from the next frame on.
    pub fn set_filter(&self, filter: FilterChain) {
        self.edits.lock().filter = Some(filter);
    }

    /// Replaces the chain that draws the source ([`Source::drawn_by`](crate::source::Source::drawn_by)), from the next
    /// frame on.
    pub fn set_drawing(&self, drawing: FilterChain) {
        self.edits.lock().drawing = Some(drawing);
    }

    /// The errors of requests that were refused since the last call: filter chains (the previous chain stays in use)
    /// and stills.
    pub fn refused(&self) -> Vec<Error> {
        std::mem::take(&mut *self.refused.lock())
    }

    pub(super) fn take_edits(&self) -> Edits {
        std::mem::take(&mut *self.edits.lock())
    }

    pub(super) fn take_stills(&self) -> Vec<PathBuf> {
        std::mem::take(&mut self.stills.lock().asked)
    }

    pub(super) fn saved(&self, still: PathBuf) {
        self.stills.lock().saved.push(still);
    }

    pub(super) fn refuse(&self, error: Error) {
        self.refused.lock().push(error);
    }
}
