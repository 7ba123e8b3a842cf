//! Streams and their tracks, as the Web has them (Media Capture and Streams §4): what a recorder records.
//!
//! A track is fed by its [`TrackGenerator`] (a canvas, a camera, your own program) and heard by any number of recorders,
//! each through a queue of its own. Here is no device and no thread: what is written is handed on by whoever writes.

mod capture;
mod receipt;
mod track;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use capture::Capture;
pub use capture::{CaptureRate, captures};
pub(crate) use receipt::Ticket;
pub use receipt::{DropReason, Outcome, Receipt};
pub(crate) use track::{Expected, Sample, Subscription};
pub use track::{MediaStreamTrack, ReadyState, TrackGenerator, TrackKind, TrackSettings};

use crate::clock::Clock;

/// Tracks that belong together. Clones are the same stream.
#[derive(Debug, Clone, Default)]
pub struct MediaStream(Arc<Shared>);

#[derive(Default)]
struct Shared {
    tracks: Mutex<Vec<MediaStreamTrack>>,
    /// Told when a track is added or removed; each says whether it still wants to be.
    watchers: Mutex<Vec<Watcher>>,
}

type Watcher = Box<dyn Fn() -> bool + Send>;

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaStream").field("tracks", &*lock(&self.tracks)).finish_non_exhaustive()
    }
}

impl MediaStream {
    /// A stream of these tracks (`new MediaStream(tracks)`); a track that comes twice is there once.
    pub fn new(tracks: impl IntoIterator<Item = MediaStreamTrack>) -> Self {
        let stream = Self::default();
        tracks.into_iter().for_each(|track| stream.add_track(&track));
        stream
    }

    /// Its tracks, in the order in which they were added.
    pub fn tracks(&self) -> Vec<MediaStreamTrack> {
        lock(&self.0.tracks).clone()
    }

    /// Its video tracks.
    pub fn video_tracks(&self) -> Vec<MediaStreamTrack> {
        self.tracks_of(TrackKind::Video)
    }

    /// Its audio tracks.
    pub fn audio_tracks(&self) -> Vec<MediaStreamTrack> {
        self.tracks_of(TrackKind::Audio)
    }

    fn tracks_of(&self, kind: TrackKind) -> Vec<MediaStreamTrack> {
        self.tracks().into_iter().filter(|track| track.kind() == kind).collect()
    }

    /// Adds a track; one that is there already is not added again. Recorders that record the stream end
    /// (`InvalidModificationError`).
    pub fn add_track(&self, track: &MediaStreamTrack) {
        {
            let mut tracks = lock(&self.0.tracks);
            if tracks.contains(track) {
                return;
            }
            tracks.push(track.clone());
        }
        self.tell();
    }

    /// Removes a track, if it is there. Recorders that record the stream end (`InvalidModificationError`).
    pub fn remove_track(&self, track: &MediaStreamTrack) {
        {
            let mut tracks = lock(&self.0.tracks);
            let before = tracks.len();
            tracks.retain(|other| other != track);
            if tracks.len() == before {
                return;
            }
        }
        self.tell();
    }

    /// Whether any of its tracks is live.
    pub fn is_active(&self) -> bool {
        self.tracks().iter().any(|track| track.ready_state() == ReadyState::Live)
    }

    /// The clock that its timestamps come from: that of its first video track, else of its first track.
    pub fn clock(&self) -> Option<Clock> {
        let tracks = self.tracks();
        let leading = tracks.iter().find(|track| track.kind() == TrackKind::Video).or(tracks.first());
        leading.map(|track| track.clock().clone())
    }

    /// Calls this whenever a track is added or removed, as long as it returns true.
    pub(crate) fn watch(&self, watcher: impl Fn() -> bool + Send + 'static) {
        lock(&self.0.watchers).push(Box::new(watcher));
    }

    fn tell(&self) {
        lock(&self.0.watchers).retain(|watcher| watcher());
    }
}

/// A number that no other track of this process has.
fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
