//! The recorder's face: the states and calls of the Web's MediaRecorder (MediaStream Recording §2).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::destination::Destination;
use super::events::{Event, Events};
use super::mime::MimeType;
use super::options::MediaRecorderOptions;
use super::pipeline::{Deck, Listener, Plan, QUEUE, Session};
use super::report::{Progress, Report};
use crate::blob::Blob;
use crate::error::{Error, ErrorKind, Result};
use crate::stream::{MediaStream, MediaStreamTrack, ReadyState, TrackKind};
use crate::time::Span;

/// Whether a recorder records (MediaStream Recording §2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RecordingState {
    /// It does not.
    #[default]
    Inactive,
    /// It does.
    Recording,
    /// It did, and goes on when it is resumed.
    Paused,
}

/// Records a [`MediaStream`], as the Web's `MediaRecorder` does.
///
/// Calls return at once; what they lead to is told by [`MediaRecorder::events`]. After `stop` it can start again. Dropped
/// while it records, it ends: a file is finished, blobs that nobody waits for are lost.
pub struct MediaRecorder {
    shared: Arc<Shared>,
    session: Mutex<Option<Running>>,
}

struct Running {
    session: Session,
    /// Whether it writes files, which are finished whatever happens.
    to_files: bool,
}

struct Shared {
    stream: MediaStream,
    options: MediaRecorderOptions,
    asked: Option<MimeType>,
    events: Events,
    standing: Mutex<Standing>,
}

/// How a recorder stands.
#[derive(Default)]
struct Standing {
    state: RecordingState,
    /// Which recording of this recorder it is: the end of an earlier one must not end a later one.
    number: u64,
    mime_type: String,
    progress: Progress,
    report: Report,
}

impl MediaRecorder {
    /// A recorder of this stream, inactive (`new MediaRecorder(stream, options)`).
    ///
    /// # Errors
    /// `NotSupportedError` for a type that is not supported, and for key frames both by time and by count; a range error
    /// for a key frame interval that is out of bounds.
    pub fn new(stream: &MediaStream, options: MediaRecorderOptions) -> Result<Self> {
        let shared = Shared::new(stream, options)?;
        Ok(Self { shared: Arc::new(shared), session: Mutex::new(None) })
    }

    /// Whether a recorder can be asked for this type (`MediaRecorder.isTypeSupported()`). The empty type leaves the choice
    /// to the recorder.
    pub fn is_type_supported(mime_type: &str) -> bool {
        mime_type.is_empty() || MimeType::parse(mime_type).is_ok()
    }

    /// What it records.
    pub fn stream(&self) -> &MediaStream {
        &self.shared.stream
    }

    /// The type that was asked for, as it was written; else empty until [`Event::Start`] is delivered, then the full type,
    /// as `video/webm;codecs="av01.0.05M.08,opus"`.
    pub fn mime_type(&self) -> String {
        match &self.shared.asked {
            Some(asked) => asked.as_str().to_owned(),
            None => self.shared.standing().mime_type.clone(),
        }
    }

    /// Whether it records.
    pub fn state(&self) -> RecordingState {
        self.shared.standing().state
    }

    /// Bits a second of the pictures.
    pub fn video_bits_per_second(&self) -> u32 {
        self.shared.options.bitrates().0
    }

    /// Bits a second of the sound.
    pub fn audio_bits_per_second(&self) -> u32 {
        self.shared.options.bitrates().1
    }

    /// What it tells, from any thread.
    pub fn events(&self) -> Events {
        self.shared.events.clone()
    }

    /// Calls this for every event of the recordings that are under way, on a thread of its own, which ends when they do.
    ///
    /// # Errors
    /// `UnknownError` when no thread can be started.
    pub fn on_event(&self, mut handler: impl FnMut(Event) + Send + 'static) -> Result<()> {
        let events = self.events();
        let started = std::thread::Builder::new().name("events".into()).spawn(move || events.for_each(&mut handler));
        started.map(drop).map_err(Error::no_thread)
    }

    /// How the recording stands, or stood at its end.
    pub fn progress(&self) -> Progress {
        self.shared.standing().progress
    }

    /// What became of every frame of the last recording; whole once [`Event::Stop`] is delivered.
    pub fn report(&self) -> Report {
        self.shared.standing().report.clone()
    }

    /// Records into memory: one blob at the end, which seeks, or one every `timeslice` of the recording, which joined are
    /// the file (`recorder.start(timeslice)`).
    ///
    /// # Errors
    /// `InvalidStateError` unless it is inactive. `NotSupportedError` when the stream has no live track, more than one
    /// of a kind, or pictures where the type has none.
    pub fn start(&self, timeslice: impl Into<Option<Duration>>) -> Result<()> {
        self.start_to(Destination::Blobs { timeslice: timeslice.into().map(Span::from) })
    }

    /// Records into a file, which plays at every instant of the recording, or into several.
    ///
    /// # Errors
    /// As [`MediaRecorder::start`].
    pub fn start_to(&self, destination: impl Into<Destination>) -> Result<()> {
        let destination = destination.into();
        let to_files = !matches!(destination, Destination::Blobs { .. });
        self.begin(Deck::Roll(destination), RecordingState::Recording, to_files)
    }

    /// Keeps the last `length` and records nothing yet.
    pub(super) fn hold(&self, length: Span) -> Result<()> {
        self.begin(Deck::Hold(length), RecordingState::Inactive, false)
    }

    /// Begins another session, which waits for the end of the one before.
    fn begin(&self, deck: Deck, state: RecordingState, to_files: bool) -> Result<()> {
        let mut running = self.running();
        let plan = self.shared.plan(deck)?;
        let before = running.take().map(|running| running.session);
        let number = self.shared.begin(state);
        let told = Told { shared: self.shared.clone(), number };
        let session = Session::begin(plan, told, before).inspect_err(|_| self.shared.end(number))?;
        self.shared.watch(&session);
        *running = Some(Running { session, to_files });
        Ok(())
    }

    /// What is held, as a file.
    pub(super) fn save(&self) -> Result<Blob> {
        self.running().as_ref().ok_or_else(no_replay)?.session.save()
    }

    /// Records what is held and what follows.
    pub(super) fn roll(&self, destination: Destination) -> Result<()> {
        let mut running = self.running();
        let running = running.as_mut().ok_or_else(no_replay)?;
        let to_files = !matches!(destination, Destination::Blobs { .. });
        // Before it is told, so that an end which follows at once comes later.
        self.shared.standing().state = RecordingState::Recording;
        if !running.session.roll(destination, self.shared.options.clone()) {
            self.shared.standing().state = RecordingState::Inactive;
            return Err(no_replay());
        }
        running.to_files = to_files;
        Ok(())
    }

    /// Gathers nothing until it is resumed. The pause is not in the recording. Without effect while paused.
    ///
    /// # Errors
    /// `InvalidStateError` when inactive.
    pub fn pause(&self) -> Result<()> {
        self.change(RecordingState::Recording, RecordingState::Paused, "to pause", Session::pause)
    }

    /// Gathers again. Without effect while not paused.
    ///
    /// # Errors
    /// `InvalidStateError` when inactive.
    pub fn resume(&self) -> Result<()> {
        self.change(RecordingState::Paused, RecordingState::Recording, "to resume", Session::resume)
    }

    /// Hands out what there is, be it nothing; then a new blob begins.
    ///
    /// # Errors
    /// `InvalidStateError` when inactive.
    pub fn request_data(&self) -> Result<()> {
        self.while_active("to request data of", Session::request_data)
    }

    /// The next frame becomes a key frame.
    ///
    /// # Errors
    /// `InvalidStateError` when inactive.
    pub fn request_key_frame(&self) -> Result<()> {
        self.while_active("to request a key frame of", Session::request_key_frame)
    }

    /// Ends the recording with what was captured until now; without effect when inactive. What is still on its way is
    /// recorded; the data and [`Event::Stop`] follow.
    pub fn stop(&self) {
        let running = self.running();
        let mut standing = self.shared.standing();
        if standing.state != RecordingState::Inactive {
            standing.state = RecordingState::Inactive;
            if let Some(running) = &*running {
                running.session.stop();
            }
        }
    }

    fn change(&self, from: RecordingState, to: RecordingState, wish: &str, act: fn(&Session)) -> Result<()> {
        let running = self.running();
        let mut standing = self.shared.standing();
        check_active(standing.state, wish)?;
        if standing.state == from {
            standing.state = to;
            if let Some(running) = &*running {
                act(&running.session);
            }
        }
        Ok(())
    }

    fn while_active(&self, wish: &str, act: fn(&Session)) -> Result<()> {
        let running = self.running();
        check_active(self.shared.standing().state, wish)?;
        if let Some(running) = &*running {
            act(&running.session);
        }
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for MediaRecorder {
    fn drop(&mut self) {
        /// How long a file may take to be finished. A pipe that nobody reads takes for ever.
        const PATIENCE: Duration = Duration::from_secs(10);
        self.stop();
        if let Some(Running { session, to_files }) = self.running().take() {
            let finished = to_files && self.shared.events.wait_for_quiet(PATIENCE);
            if !finished {
                session.abandon();
            }
        }
    }
}

impl std::fmt::Debug for MediaRecorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaRecorder").field("state", &self.state()).field("mime_type", &self.mime_type()).finish()
    }
}

impl Shared {
    fn new(stream: &MediaStream, options: MediaRecorderOptions) -> Result<Self> {
        let asked = options.validate()?;
        let (stream, events) = (stream.clone(), Events::new());
        Ok(Self { stream, options, asked, events, standing: Mutex::default() })
    }

    /// What a session is to do; the errors of `start`.
    fn plan(&self, deck: Deck) -> Result<Plan> {
        let state = self.standing().state;
        if state != RecordingState::Inactive {
            return Err(Error::new(
                ErrorKind::InvalidState,
                format!("expected an inactive recorder to start but found it {}; stop it first", name(state)),
            ));
        }
        let [video, audio] = [TrackKind::Video, TrackKind::Audio].map(|kind| self.track(kind));
        let (video, audio) = (video?, audio?);
        if video.is_none() && audio.is_none() {
            let found = self.stream.tracks().len();
            return Err(Error::not_supported(format!(
                "expected a stream with a live track but found {found} tracks, none of them live"
            )));
        }
        if let (Some(asked), Some(_)) = (&self.asked, &video)
            && asked.is_audio_only()
        {
            return Err(Error::not_supported(format!(
                "expected a type for a stream with video but found `{}`; try video/webm",
                asked.as_str()
            )));
        }
        let mut options = self.options.clone();
        if let Deck::Hold(_) = deck {
            // What is held is not recorded yet.
            options.time_limit = None;
        }
        let leading = video.as_ref().or(audio.as_ref());
        let clock = leading.map_or_else(crate::clock::Clock::real, |track| track.clock().clone());
        Ok(Plan {
            options,
            mime_type: self.asked.clone(),
            // Sound is there from the beginning; without it the first picture begins the recording.
            origin: audio.is_some().then(|| clock.now()),
            video: video.map(|track| track.subscribe(QUEUE[0])),
            audio: audio.map(|track| track.subscribe(QUEUE[1])),
            clock,
            deck,
            events: self.events.clone(),
        })
    }

    /// The one live track of this kind.
    fn track(&self, kind: TrackKind) -> Result<Option<MediaStreamTrack>> {
        let is_live = |track: &MediaStreamTrack| track.kind() == kind && track.ready_state() == ReadyState::Live;
        let mut tracks = self.stream.tracks().into_iter().filter(is_live);
        match (tracks.next(), tracks.next()) {
            (track, None) => Ok(track),
            (_, Some(_)) => {
                Err(Error::not_supported(format!("expected at most one live {kind} track but found several")))
            }
        }
    }

    fn begin(&self, state: RecordingState) -> u64 {
        let mut standing = self.standing();
        standing.number += 1;
        standing.state = state;
        (standing.progress, standing.report) = Default::default();
        standing.number
    }

    fn end(&self, number: u64) {
        let mut standing = self.standing();
        if standing.number == number {
            standing.state = RecordingState::Inactive;
        }
    }

    /// A track that comes or goes ends the recording.
    fn watch(&self, session: &Session) {
        let fail = session.failer();
        self.stream.watch(move || {
            let expected = "expected the stream's tracks to stay while it is recorded but one was added or removed";
            fail(Error::new(ErrorKind::InvalidModification, expected))
        });
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a recorder's standing as one of its sessions says.
struct Told {
    shared: Arc<Shared>,
    number: u64,
}

impl Told {
    /// The recorder's standing, while no later recording has begun.
    fn standing(&self) -> Option<MutexGuard<'_, Standing>> {
        Some(self.shared.standing()).filter(|standing| standing.number == self.number)
    }
}

impl Listener for Told {
    fn begun(&self, mime_type: &str, report: &Report) {
        let Some(mut standing) = self.standing() else { return };
        standing.mime_type = mime_type.to_owned();
        standing.report = report.clone();
    }

    fn progressed(&self, progress: Progress) {
        if let Some(mut standing) = self.standing() {
            standing.progress = progress;
        }
    }

    fn ending(&self, report: &Report) {
        if let Some(mut standing) = self.standing() {
            standing.report = report.clone();
            standing.state = RecordingState::Inactive;
        }
    }
}

fn no_replay() -> Error {
    Error::new(ErrorKind::InvalidState, "expected a replay that is running but found that its stream has ended")
}

fn check_active(state: RecordingState, wish: &str) -> Result<()> {
    match state {
        RecordingState::Inactive => Err(Error::new(
            ErrorKind::InvalidState,
            format!("expected a recorder that records {wish} but found it inactive; start it first"),
        )),
        RecordingState::Recording | RecordingState::Paused => Ok(()),
    }
}

fn name(state: RecordingState) -> &'static str {
    match state {
        RecordingState::Inactive => "inactive",
        RecordingState::Recording => "recording",
        RecordingState::Paused => "paused",
    }
}
