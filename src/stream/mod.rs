//! Streams and their tracks, as on the Web (Media Capture and Streams §4): the input of a recorder.
//!
//! A track is fed by its [`TrackGenerator`] (a canvas, a camera, your own program) and read by any number of recorders,
//! each through its own queue, and of [`TrackProcessor`]s, which look at the newest frame. There is no device and no
//! thread here: samples are delivered on the thread that writes them.

mod capture;
mod device;
mod events;
mod generator;
mod pictures;
mod processor;
mod receipt;
mod subscription;
mod track;

use std::sync::Arc;

pub use capture::CaptureRate;
pub(crate) use device::TrackDevice;
pub(crate) use events::Listeners;
pub use events::{Listener, StreamEvent, TrackEvent};
pub use generator::TrackGenerator;
pub(crate) use generator::{CapturedPaint, deliver, lose};
pub(crate) use pictures::{FrameFormats, Pictures};
pub use processor::TrackProcessor;
pub(crate) use receipt::{BusyTime, FrameCounters, FrameCounts, Ticket};
pub use receipt::{DropReason, Outcome, Receipt};
pub(crate) use subscription::{Delivery, Sample, Subscription, Unsubscribe};
pub use track::{MediaStreamTrack, ReadyState, TrackKind, TrackSettings};

use crate::clock::Clock;
use parking_lot::Mutex;

/// Tracks that belong together (Media Capture and Streams §4.2).
///
/// [`Clone`] is the Web's `clone()`: a new stream with its own id and with clones of the tracks.
/// [`MediaStream::handle`] returns another handle of the same stream. Handles of the same stream are equal.
pub struct MediaStream(Arc<StreamCore>);

/// The state shared by all handles of a stream.
struct StreamCore {
    id: String,
    tracks: Mutex<Vec<MediaStreamTrack>>,
    listeners: Listeners<StreamEvent>,
    /// The recorders' callbacks, called when a track was added or removed; one that returns false is removed.
    observers: Mutex<Vec<Observer>>,
}

type Observer = Box<dyn Fn() -> bool + Send>;

impl std::fmt::Debug for MediaStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaStream").field("id", &self.0.id).field("tracks", &*self.0.tracks.lock()).finish()
    }
}

impl Default for MediaStream {
    fn default() -> Self {
        Self(Arc::new(StreamCore {
            id: new_id(),
            tracks: Mutex::default(),
            listeners: Listeners::new(),
            observers: Mutex::default(),
        }))
    }
}

impl PartialEq for MediaStream {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for MediaStream {}

impl Clone for MediaStream {
    fn clone(&self) -> Self {
        let copy = Self::default();
        *copy.0.tracks.lock() = self.tracks().iter().map(MediaStreamTrack::clone).collect();
        copy
    }
}

impl MediaStream {
    /// A stream of these tracks (`new MediaStream(tracks)`); duplicates are ignored.
    pub fn new<'a>(tracks: impl IntoIterator<Item = &'a MediaStreamTrack>) -> Self {
        let stream = Self::default();
        tracks.into_iter().for_each(|track| stream.add_track(track));
        stream
    }

    /// Another handle of this stream.
    pub fn handle(&self) -> Self {
        Self(self.0.clone())
    }

    /// Its unique id, a UUID of 36 characters.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Handles of its tracks, in the order in which they were added.
    pub fn tracks(&self) -> Vec<MediaStreamTrack> {
        self.0.tracks.lock().iter().map(MediaStreamTrack::handle).collect()
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

    /// Its track with this id (`stream.getTrackById()`).
    pub fn get_track_by_id(&self, id: &str) -> Option<MediaStreamTrack> {
        self.tracks().into_iter().find(|track| track.id() == id)
    }

    /// Adds a track, unless the stream has it already. Recorders that record the stream end
    /// (`InvalidModificationError`). Sends no event, because the program itself makes the change.
    pub fn add_track(&self, track: &MediaStreamTrack) {
        if self.insert(track) {
            self.notify_observers();
        }
    }

    /// Removes a track, if the stream has it. Recorders that record the stream end (`InvalidModificationError`). Sends
    /// no event.
    pub fn remove_track(&self, track: &MediaStreamTrack) {
        if self.take_out(track) {
            self.notify_observers();
        }
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

    /// Its events from now on. Each listener gets all events.
    pub fn events(&self) -> Listener<StreamEvent> {
        self.0.listeners.listen(false)
    }

    fn add_by_source(&self, track: &MediaStreamTrack) {
        if self.insert(track) {
            self.0.listeners.tell(|| StreamEvent::AddTrack(track.handle()));
            self.notify_observers();
        }
    }

    fn remove_by_source(&self, track: &MediaStreamTrack) {
        if self.take_out(track) {
            self.0.listeners.tell(|| StreamEvent::RemoveTrack(track.handle()));
            self.notify_observers();
        }
    }

    /// Adds a track; false when the stream has it already.
    fn insert(&self, track: &MediaStreamTrack) -> bool {
        let mut tracks = self.0.tracks.lock();
        let new = !tracks.contains(track);
        if new {
            tracks.push(track.handle());
        }
        new
    }

    /// Removes a track; false when the stream does not have it.
    fn take_out(&self, track: &MediaStreamTrack) -> bool {
        let mut tracks = self.0.tracks.lock();
        let before = tracks.len();
        tracks.retain(|other| other != track);
        tracks.len() < before
    }

    /// Calls `observer` whenever a track is added or removed, as long as it returns true.
    pub(crate) fn observe(&self, observer: impl Fn() -> bool + Send + 'static) {
        self.0.observers.lock().push(Box::new(observer));
    }

    fn notify_observers(&self) {
        self.0.observers.lock().retain(|observer| observer());
    }
}

/// A unique id.
fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
