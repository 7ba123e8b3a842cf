//! The recorder's public interface: the states and methods of the Web's MediaRecorder (MediaStream Recording §2).

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::events::{Event, Events};
use super::level::LevelMeter;
use super::mime::MimeType;
use super::options::{Bitrates, MediaRecorderOptions};
use super::output::Destination;
use super::pipeline::{INPUT_QUEUE, Session, SessionListener, SessionPlan, Start, TrackInput};
use super::report::{Dropped, Progress, Report};
use crate::blob::Blob;
use crate::clock::Clock;
use crate::encode::opus::BitrateMode;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::PixelFormat;
use crate::stream::{FrameCounters, MediaStream, MediaStreamTrack, ReadyState, TrackKind};
use crate::time::{Span, Timestamp};

/// The state of a recorder (MediaStream Recording §2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RecordingState {
    /// It does not record.
    #[default]
    Inactive,
    /// It records.
    Recording,
    /// It is paused until it is resumed.
    Paused,
}

/// Records a [`MediaStream`], as the Web's `MediaRecorder` does.
///
/// Calls return at once; their results are reported by [`MediaRecorder::events`]. After `stop`, the recorder can start
/// again. Frames captured before `start` are not recorded, even when they are still in flight. Dropping a recorder ends
/// its recording: a file is finished, blobs that were not taken are lost.
pub struct MediaRecorder {
    core: Arc<RecorderCore>,
    session: Mutex<Option<RunningSession>>,
}

struct RunningSession {
    session: Session,
    /// Whether it writes files, which are finished even when the recorder is dropped.
    to_files: bool,
}

/// What a recorder and its sessions share.
struct RecorderCore {
    stream: MediaStream,
    options: MediaRecorderOptions,
    /// The type that was asked for.
    requested: Option<MimeType>,
    events: Events,
    status: Mutex<Status>,
}

/// A recorder's status.
#[derive(Default)]
struct Status {
    state: RecordingState,
    /// The number of the current session: the end of an earlier session must not end a later one.
    session: u64,
    bitrates: Bitrates,
    progress: Progress,
    report: Report,
    /// Counts the frames of the present or last session.
    counters: Arc<FrameCounters>,
    /// Measures its sound, if it has any.
    level: Option<Arc<LevelMeter>>,
    /// Fails the running session.
    fail: Option<Box<dyn Fn(Error) + Send>>,
}

impl MediaRecorder {
    /// A recorder of this stream, inactive (`new MediaRecorder(stream, options)`).
    ///
    /// # Errors
    /// `NotSupportedError` for a type that is not supported, and for key frames both by time and by count; a range
    /// error for a key frame interval, a quality or a speed that is out of bounds.
    pub fn new(stream: &MediaStream, options: MediaRecorderOptions) -> Result<Self> {
        let requested = options.validate()?;
        let status = Status { bitrates: options.bitrates(true, true), ..Status::default() };
        let core = Arc::new(RecorderCore {
            stream: stream.handle(),
            options,
            requested,
            events: Events::new(),
            status: Mutex::new(status),
        });
        let observer = Arc::downgrade(&core);
        stream.observe(move || observer.upgrade().is_some_and(|core| core.tracks_changed()));
        Ok(Self { core, session: Mutex::new(None) })
    }

    /// Whether a recorder can be asked for this type (`MediaRecorder.isTypeSupported()`): its container can be written, and
    /// an encoder of its codecs is here. The empty type leaves the choice to the recorder.
    pub fn is_type_supported(mime_type: &str) -> bool {
        mime_type.is_empty() || MimeType::parse(mime_type).and_then(MimeType::check_encoders).is_ok()
    }

    /// What it records.
    pub fn stream(&self) -> &MediaStream {
        &self.core.stream
    }

    /// The requested type, as it was written. If none was requested: empty until [`Event::Start`] is delivered, then
    /// the full type, such as `video/webm;codecs="av01.0.05M.08,opus"`.
    pub fn mime_type(&self) -> String {
        match &self.core.requested {
            Some(requested) => requested.as_str().to_owned(),
            None => self.core.events.mime_type(),
        }
    }

    /// Whether it records.
    pub fn state(&self) -> RecordingState {
        self.core.status().state
    }

    /// The requested video bitrate in bits per second; the encoder uses the nearest that it supports. 0 once a stream
    /// without video is recorded with `bits_per_second`.
    pub fn video_bits_per_second(&self) -> u32 {
        self.core.status().bitrates.video
    }

    /// The requested audio bitrate in bits per second, in the same way.
    pub fn audio_bits_per_second(&self) -> u32 {
        self.core.status().bitrates.audio
    }

    /// Whether the sound's bitrate may vary.
    pub fn audio_bitrate_mode(&self) -> BitrateMode {
        self.core.options.audio_bitrate_mode
    }

    /// The recorder's events, for use from any thread.
    pub fn events(&self) -> Events {
        self.core.events.clone()
    }

    /// Calls `handler` for every event of this recorder's present and future recordings, on a new thread, which ends
    /// when the recorder is dropped. An event is delivered once: an event passed to `handler` does not appear in
    /// [`MediaRecorder::events`].
    ///
    /// # Errors
    /// `UnknownError` when no thread can be started.
    pub fn on_event(&self, mut handler: impl FnMut(Event) + Send + 'static) -> Result<()> {
        let events = self.events();
        let run = move || std::iter::from_fn(|| events.next_of_any()).for_each(&mut handler);
        std::thread::Builder::new().name("events".into()).spawn(run).map(drop).map_err(Error::no_thread)
    }

    /// The progress of the recording; after its end, the last progress. The sound's level is that since the last call.
    pub fn progress(&self) -> Progress {
        let status = self.core.status();
        // Frames left out by a pause or by the format's rate are not a loss.
        let dropped = Dropped { paused: 0, rate: 0, ..Dropped::by_recorder(&status.counters.counts()) }.sum();
        let level = status.level.as_ref().map(|level| level.take());
        Progress { dropped, level, ..status.progress }
    }

    /// What happened to every frame of the last recording; complete once [`Event::Stop`] is delivered.
    pub fn report(&self) -> Report {
        self.core.status().report.clone()
    }

    /// Counts the frames of the present or last recording.
    pub(super) fn counters(&self) -> Arc<FrameCounters> {
        self.core.status().counters.clone()
    }

    /// The stream's clock time at which the present or last recording begins; none before its first frame.
    pub fn began(&self) -> Option<Timestamp> {
        self.running().as_ref().and_then(|running| running.session.began())
    }

    /// Records into memory: one seekable blob at the end, or one blob every `timeslice`; these blobs, concatenated, are
    /// the file (`recorder.start(timeslice)`).
    ///
    /// # Errors
    /// `InvalidStateError` unless it is inactive. `NotSupportedError` when the stream has no live track, more than one
    /// live track of a kind, or video although the type is an audio type.
    pub fn start(&self, timeslice: impl Into<Option<Span>>) -> Result<()> {
        self.start_to(Destination::Blobs { timeslice: timeslice.into() })
    }

    /// Records into one or more files. A file is playable at any time while it is written.
    ///
    /// # Errors
    /// As [`MediaRecorder::start`].
    pub fn start_to(&self, destination: impl Into<Destination>) -> Result<()> {
        let destination = destination.into();
        let to_files = destination.is_file();
        self.begin(Start::Record(destination), RecordingState::Recording, to_files)
    }

    /// Keeps the last `length` of the stream in memory, and records nothing yet.
    pub(super) fn start_replay(&self, length: Span) -> Result<()> {
        self.begin(Start::Buffer(length), RecordingState::Inactive, false)
    }

    /// Begins a session, which first waits for the end of the previous one.
    fn begin(&self, start: Start, state: RecordingState, to_files: bool) -> Result<()> {
        let mut running = self.running();
        let plan = self.core.plan(start)?;
        // The new session's end implies that the previous session's file is finished.
        let to_files = to_files || running.as_ref().is_some_and(|running| running.to_files);
        let before = running.take().map(|running| running.session);
        let number = self.core.begin_session(state, &plan);
        let listener = StatusUpdater { core: self.core.clone(), number };
        let session = Session::begin(plan, listener, before).inspect_err(|_| self.core.end_session(number))?;
        self.core.status().fail = Some(Box::new(session.failure_handle()));
        *running = Some(RunningSession { session, to_files });
        Ok(())
    }

    /// The last seconds of the running recording as a complete, seekable file, from a key frame on: as many as
    /// [`replay`](MediaRecorderOptions::replay) says. The recording continues. Waits until the file is made, behind the
    /// packets that wait to be written.
    ///
    /// # Errors
    /// `InvalidStateError` when it does not record or no replay was asked for; `UnknownError` when the file cannot be
    /// made.
    pub fn save_replay(&self) -> Result<Blob> {
        // Stop and pause must not wait for the answer.
        let saved = self.running().as_ref().ok_or_else(no_replay)?.session.save_replay();
        saved.recv().unwrap_or_else(|_| Err(no_replay()))
    }

    /// Records the content of the replay and all that follows.
    pub(super) fn record_replay(&self, destination: Destination) -> Result<()> {
        let mut running = self.running();
        let running = running.as_mut().ok_or_else(no_replay)?;
        let container = self.core.requested.as_ref().map(MimeType::container).unwrap_or_default();
        if destination.container(container)? != container {
            return Err(Error::not_supported(
                "expected a replay of image/png or image/jpeg for a file for each frame but found an animated WebP",
            ));
        }
        let to_files = destination.is_file();
        // Set before the session begins, so that an end that follows at once is not overwritten.
        self.core.status().state = RecordingState::Recording;
        if !running.session.record_replay(destination, self.core.options.clone()) {
            self.core.status().state = RecordingState::Inactive;
            return Err(no_replay());
        }
        running.to_files = to_files;
        Ok(())
    }

    /// Pauses the recording. The pause leaves no gap in it. Without effect while paused.
    ///
    /// # Errors
    /// `InvalidStateError` when inactive.
    pub fn pause(&self) -> Result<()> {
        self.change(RecordingState::Recording, RecordingState::Paused, "to pause", Session::pause)
    }

    /// Resumes the recording. Without effect while not paused.
    ///
    /// # Errors
    /// `InvalidStateError` when inactive.
    pub fn resume(&self) -> Result<()> {
        self.change(RecordingState::Paused, RecordingState::Recording, "to resume", Session::resume)
    }

    /// Delivers all data available now as a blob, even an empty one; then a new blob begins.
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

    /// Ends the recording now; without effect when inactive. Frames captured before now that are still in flight are
    /// recorded; the data and [`Event::Stop`] follow.
    pub fn stop(&self) {
        let running = self.running();
        let mut status = self.core.status();
        if status.state != RecordingState::Inactive {
            status.state = RecordingState::Inactive;
            if let Some(running) = &*running {
                running.session.stop();
            }
        }
    }

    fn change(&self, from: RecordingState, to: RecordingState, purpose: &str, act: fn(&Session)) -> Result<()> {
        let running = self.running();
        let mut status = self.core.status();
        check_active(status.state, purpose)?;
        if status.state == from {
            status.state = to;
            if let Some(running) = &*running {
                act(&running.session);
            }
        }
        Ok(())
    }

    fn while_active(&self, purpose: &str, act: fn(&Session)) -> Result<()> {
        let running = self.running();
        check_active(self.core.status().state, purpose)?;
        if let Some(running) = &*running {
            act(&running.session);
        }
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, Option<RunningSession>> {
        self.session.lock()
    }
}

impl Drop for MediaRecorder {
    fn drop(&mut self) {
        /// How long a file may take to be finished. A pipe without a reader would take forever.
        const FINISH_TIMEOUT: Duration = Duration::from_secs(10);
        self.stop();
        if let Some(RunningSession { session, to_files }) = self.running().take() {
            let finished = to_files && self.core.events.wait_until_ended(FINISH_TIMEOUT);
            if !finished {
                session.abandon();
            }
        }
        self.core.events.close();
    }
}

impl std::fmt::Debug for MediaRecorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaRecorder").field("state", &self.state()).field("mime_type", &self.mime_type()).finish()
    }
}

impl RecorderCore {
    /// The plan of a session; checks for the errors of `start`.
    fn plan(&self, start: Start) -> Result<SessionPlan> {
        let state = self.status().state;
        if state != RecordingState::Inactive {
            return Err(Error::new(
                ErrorKind::InvalidState,
                format!("expected an inactive recorder to start but found it {}; stop it first", name(state)),
            ));
        }
        let (video, audio) = (self.track(TrackKind::Video)?, self.track(TrackKind::Audio)?);
        let Some(clock) = video.as_ref().or(audio.as_ref()).map(|track| track.clock().clone()) else {
            let found = self.stream.tracks().len();
            return Err(Error::not_supported(format!(
                "expected a stream with a live track but found {found} tracks, none of them live"
            )));
        };
        let container = self.requested.as_ref().map(MimeType::container).unwrap_or_default();
        if let Start::Record(destination) = &start {
            destination.container(container)?;
        }
        if let (Some(requested), Some(_)) = (&self.requested, &audio)
            && container.audio_codecs().is_empty()
        {
            return Err(Error::not_supported(format!(
                "expected a type for a stream with sound but found `{}`; try video/webm",
                requested.as_str()
            )));
        }
        if let (Some(requested), Some(_)) = (&self.requested, &video)
            && requested.is_audio_only()
        {
            return Err(Error::not_supported(format!(
                "expected a type for a stream with video but found `{}`; try video/webm",
                requested.as_str()
            )));
        }
        let mut options = self.options.clone();
        if let Start::Buffer(_) = start {
            // The time limit applies to the recording, not to the replay before it.
            options.time_limit = None;
        }
        let counters = Arc::new(FrameCounters::default());
        let bitrates = self.options.bitrates(video.is_some(), audio.is_some());
        let codec = match &video {
            Some(_) => {
                let requested = self.requested.as_ref().and_then(MimeType::video_codec);
                Some(self.options.video_codec(container, requested)?)
            }
            None => None,
        };
        let frames = match codec {
            Some(codec) if options.alpha || codec.is_picture() => PixelFormat::Rgba8,
            _ => options.depth.i420(),
        };
        let subscribe = |track: Option<MediaStreamTrack>, depth| {
            let input = |track: MediaStreamTrack| -> Result<TrackInput> {
                let shift = shift(&track, &clock)?;
                Ok(TrackInput { subscription: track.subscribe(frames, depth, &counters), shift })
            };
            track.map(input).transpose()
        };
        Ok(SessionPlan {
            options,
            bitrates,
            codec,
            mime_type: self.requested.clone(),
            // With sound, the recording begins now; otherwise with the first frame.
            origin: audio.is_some().then(|| clock.now()),
            video: subscribe(video, INPUT_QUEUE[0])?,
            audio: subscribe(audio, INPUT_QUEUE[1])?,
            counters: counters.clone(),
            level: Arc::default(),
            clock: clock.clone(),
            start,
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

    fn begin_session(&self, state: RecordingState, plan: &SessionPlan) -> u64 {
        let mut status = self.status();
        status.session += 1;
        (status.state, status.bitrates, status.counters) = (state, plan.bitrates, plan.counters.clone());
        (status.progress, status.report) = Default::default();
        status.level = plan.audio.is_some().then(|| plan.level.clone());
        status.session
    }

    fn end_session(&self, number: u64) {
        let mut status = self.status();
        if status.session == number {
            status.state = RecordingState::Inactive;
        }
    }

    /// A track was added or removed: this ends the recording, in the order of the events (MediaStream Recording §2.3,
    /// `start`, step 14.4). Returns true: the stream keeps this observer.
    fn tracks_changed(self: &Arc<Self>) -> bool {
        let status = self.status();
        if status.state != RecordingState::Inactive {
            let (core, number) = (Arc::downgrade(self), status.session);
            self.events.push_task(move || fail_modified(&core, number));
        }
        true
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock()
    }
}

/// Fails a recording of a stream whose tracks changed, unless it was stopped meanwhile.
fn fail_modified(core: &Weak<RecorderCore>, session: u64) {
    let Some(core) = core.upgrade() else { return };
    let status = core.status();
    if status.session == session
        && status.state != RecordingState::Inactive
        && let Some(fail) = &status.fail
    {
        let expected = "expected the stream's tracks to stay while it is recorded but one was added or removed";
        fail(Error::new(ErrorKind::InvalidModification, expected));
    }
}

/// Added to a track's timestamps to get those of this clock.
fn shift(track: &MediaStreamTrack, clock: &Clock) -> Result<Span> {
    track.clock().shift_to(clock).ok_or_else(|| {
        Error::not_supported(
            "expected tracks of one clock, or of real time both, but found two clocks that have nothing in common; \
             make the tracks with clones of one clock",
        )
    })
}

/// Updates a recorder's status from one of its sessions.
struct StatusUpdater {
    core: Arc<RecorderCore>,
    number: u64,
}

impl StatusUpdater {
    /// The recorder's status, while no later session has begun.
    fn status(&self) -> Option<MutexGuard<'_, Status>> {
        Some(self.core.status()).filter(|status| status.session == self.number)
    }
}

impl SessionListener for StatusUpdater {
    fn begun(&self, report: &Report) {
        if let Some(mut status) = self.status() {
            status.report = report.clone();
        }
    }

    fn progressed(&self, progress: Progress) {
        if let Some(mut status) = self.status() {
            status.progress = progress;
        }
    }

    fn ending(&self, report: &Report) {
        if let Some(mut status) = self.status() {
            status.report = report.clone();
            status.state = RecordingState::Inactive;
        }
    }
}

fn no_replay() -> Error {
    Error::new(
        ErrorKind::InvalidState,
        "expected a replay that is running but found none, or that its stream has ended",
    )
}

fn check_active(state: RecordingState, purpose: &str) -> Result<()> {
    match state {
        RecordingState::Inactive => Err(Error::new(
            ErrorKind::InvalidState,
            format!("expected a recorder that records {purpose} but found it inactive; start it first"),
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
