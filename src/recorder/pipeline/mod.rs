//! The whole path of a recording, top down.
//!
//! ```text
//! video track ──Frame───────▶ encode ──Packet─┐
//!                                             ├─▶ MessageQueue ──▶ mux: Interleaver ──▶ OutputWriter ──▶ Output
//! audio track ──AudioBuffer─▶ sound ───Packet─┘                                  or ReplayBuffer
//! ```
//!
//! Each stage is a thread with the stage's name. Policy for a full queue: in real time a track drops what a recorder has no
//! room for, and what has waited for too long, and counts it; by stepped and stamped clocks everything waits, so that
//! nothing is lost and the slowest stage sets the pace.
//!
//! What belongs to the recording is decided before it is encoded, in two pure places: the [`Gate`] by timestamps alone, so
//! that a pause cuts pictures and sound at the same instant however late they come; the [`Splitter`] where pieces begin. A
//! stage that fails or ends tells the mux stage; the other ends with what it has. So the file is always ended properly, and
//! holds what there was before a failure.
//!
//! Every frame has a [`Ticket`](crate::stream::Ticket), from the track that captured it to the file that holds it. Whoever
//! loses the frame says so on the ticket, which counts it.

mod encode;
mod interleaver;
mod message;
mod mux;
mod queue;
mod session;
mod sound;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Scope};
use std::time::Duration;

use self::encode::Encode;
use self::message::Message;
pub use self::message::Packet;
use self::mux::Mux;
use self::queue::MessageQueue;
pub use self::session::Session;
use self::sound::Sound;
use super::events::{BlobEvent, Event, Events, RunningRecording};
use super::gate::Gate;
use super::mime::MimeType;
use super::options::{Bitrates, MediaRecorderOptions};
use super::output::{Destination, FileFormat};
use super::report::{Progress, Report};
use super::splitter::Splitter;
use crate::blob::Blob;
use crate::clock::Clock;
use crate::color::ColorSpace;
use crate::encode::{AudioEncoder, AudioEncoderConfig, EncoderConfig, VideoEncoder, header, open, open_audio};
use crate::error::{Error, Result};
use crate::mux::{Container, Tracks, VideoTrack};
use crate::stream::{FrameCounters, Subscription, TrackKind, TrackSettings, Unsubscribe};
use crate::time::{Span, Timestamp};
use parking_lot::Mutex;

/// How many frames, and how many buffers of sound, may wait for their encoder. More would outlast a slow picture or two;
/// but in real time, what waits is lost when the program is killed.
pub const INPUT_QUEUE: [usize; 2] = [4, 50];
/// How many packets may wait for the mux stage.
const PACKET_QUEUE: usize = 64;
/// How long a stage waits for input before it checks whether it is to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long a stage of a recording in real time waits for what is still in flight when it is stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// In real time, how far one track may lag behind the other before it is not waited for.
const MAX_TRACK_LAG: Span = Span::from_secs(10);
/// In real time, how long a frame that is encoded may have waited while newer ones wait behind it.
const MAX_WAIT: Span = Span::from_millis(200);
/// In real time, everything older than this is taken to have arrived.
const ARRIVAL_DELAY: Span = Span::from_millis(150);
/// In real time, sound and a still picture are written at least so often.
const REPEAT_INTERVAL: Span = Span::from_millis(200);
/// In real time, how often a still picture is given to an encoder that holds pictures back: rav1e gives a picture out once
/// four more came, and a program that is killed loses what its encoder holds.
const PUSH_INTERVAL: Span = Span::from_millis(75);

/// What a session is made of.
pub struct SessionPlan {
    pub options: MediaRecorderOptions,
    /// What the encoders are asked for, in bits a second.
    pub bitrates: Bitrates,
    pub mime_type: Option<MimeType>,
    pub video: Option<TrackInput>,
    pub audio: Option<TrackInput>,
    /// Counts the frames of both inputs.
    pub counters: Arc<FrameCounters>,
    /// The clock that the recording's times come from.
    pub clock: Clock,
    /// Its time at which the recording begins; none while its first picture decides that.
    pub origin: Option<Timestamp>,
    pub start: Start,
    pub events: Events,
}

/// A track's samples.
pub struct TrackInput {
    pub subscription: Subscription,
    /// What is added to their timestamps to get the session's time.
    pub shift: Span,
}

/// What a session does first.
pub enum Start {
    /// It records to this destination.
    Record(Destination),
    /// It keeps the last seconds, of this length, until it gets a destination to record to.
    Buffer(Span),
}

/// Whoever runs a session: gets the codecs once they are known, the progress while it runs, and the end before the program
/// does.
pub trait SessionListener: Send {
    fn begun(&self, report: &Report);
    fn progressed(&self, progress: Progress);
    fn ending(&self, report: &Report);
}

/// What all stages of a session share.
struct SessionState {
    gate: Mutex<Gate>,
    splitter: Mutex<Splitter>,
    messages: MessageQueue<Message>,
    /// The end is near: a stage with nothing more to do ends.
    stopping: AtomicBool,
    /// How many tracks have not ended.
    tracks: AtomicUsize,
    /// A key frame is requested.
    key: AtomicBool,
    counters: Arc<FrameCounters>,
    /// Ends the subscription to the pictures. (That to sound goes on: sound from before the end comes after it.)
    video: Option<Unsubscribe>,
}

impl SessionState {
    /// Nothing from `time` on belongs to the recording.
    fn stop_at(&self, time: Timestamp) {
        self.gate.lock().stop(time);
        self.stopping.store(true, Ordering::Release);
        if let Some(video) = &self.video {
            video.unsubscribe();
        }
    }

    /// A track has ended; with the last one the recording ends.
    fn track_ended(&self, now: Timestamp) {
        if self.tracks.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.stop_at(now);
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// A session whose recording begins at `origin`, without threads.
    #[cfg(test)]
    fn idle(origin: Timestamp) -> Self {
        Self {
            gate: Mutex::new(Gate::new(Some(origin), None)),
            splitter: Mutex::default(),
            messages: MessageQueue::new(PACKET_QUEUE),
            stopping: AtomicBool::new(false),
            tracks: AtomicUsize::new(0),
            key: AtomicBool::new(false),
            counters: Arc::default(),
            video: None,
        }
    }
}

/// The mux stage's thread: opens the encoders, tells the start, runs the stages, writes, tells the end.
fn run(plan: SessionPlan, listener: &dyn SessionListener, session: &SessionState, mut recording: RunningRecording) {
    let SessionPlan { options, bitrates, mime_type, video, audio, clock, start, events, .. } = plan;
    let mut report = Report::default();
    let bitrates = bitrates.for_encoders();
    let container = mime_type.as_ref().map(MimeType::container).unwrap_or_default();
    let open = || Encoders::open(container, &options, bitrates, [video.as_ref(), audio.as_ref()], &clock);
    let encoders = match catch_panic("encoder", open).flatten() {
        Ok(encoders) => encoders,
        Err(error) => {
            session.messages.close();
            drop((video, audio, start));
            report.count(&session.counters);
            listener.ending(&report);
            let mime_type = mime_type.map(|mime_type| mime_type.as_str().to_owned()).unwrap_or_default();
            let data = BlobEvent { data: Blob::new(Vec::new(), mime_type), timecode: Timestamp::ZERO };
            tell_end(&mut recording, Some(error), data);
            return;
        }
    };
    let full = MimeType::full(encoders.codec.as_deref(), encoders.audio_codec());
    let mime_type = mime_type.map_or(full, |mime_type| mime_type.as_str().to_owned());
    encoders.describe(&mut report);
    listener.begun(&report);
    let Encoders { video: encoder, audio: audio_encoder, tracks, .. } = encoders;
    let (with_sound, alone) = (audio_encoder.is_some(), encoder.is_none());
    let format = FileFormat { container, mime_type, tracks };
    let mut mux = Mux::new(format, events, listener, session, &clock);
    match start {
        Start::Buffer(length) => mux.buffer(length),
        Start::Record(destination) => mux.begin(destination, &options, Timestamp::ZERO),
    }
    session.tracks.store(mux.stages(), Ordering::Release);
    thread::scope(|scope| {
        if let (Some(input), Some(encoder)) = (video, encoder) {
            let encode = Encode::new(input, encoder, &options, with_sound, session, &clock);
            stage(scope, session, TrackKind::Video, "encode", move || encode.run());
        }
        if let (Some(input), Some(encoder)) = (audio, audio_encoder) {
            let sound = Sound::new(input, encoder, alone, session, &clock);
            stage(scope, session, TrackKind::Audio, "sound", move || sound.run());
        }
        // The function that opens the next piece's file is the program's.
        if let Err(error) = catch_panic("mux", || mux.run()) {
            mux.fail(error);
        }
        // The stages find the queue closed, and end.
        session.messages.close();
        session.stop_at(clock.now());
    });
    mux.finish(&mut report, &mut recording);
}

/// Runs a stage on a thread of its own, which tells the mux stage how it ended.
fn stage<'scope>(
    scope: &'scope Scope<'scope, '_>,
    session: &'scope SessionState,
    kind: TrackKind,
    name: &'static str,
    work: impl FnOnce() -> Result<()> + Send + 'scope,
) {
    let started = thread::Builder::new().name(name.into()).spawn_scoped(scope, move || {
        let outcome = catch_panic(name, work).flatten();
        session.messages.post(Message::StageEnded(kind, outcome));
    });
    if let Err(error) = started {
        session.messages.post(Message::StageEnded(kind, Err(Error::no_thread(error))));
    }
}

/// The last things that a recorder tells.
fn tell_end(recording: &mut RunningRecording, failure: Option<Error>, data: BlobEvent) {
    if let Some(error) = failure {
        recording.events.push(Event::Error(error));
    }
    recording.events.push(Event::DataAvailable(data));
    recording.stop();
}

/// What a recording needs before its first packet.
struct Encoders {
    video: Option<(Box<dyn VideoEncoder>, EncoderConfig)>,
    codec: Option<String>,
    audio: Option<Box<dyn AudioEncoder>>,
    tracks: Tracks,
}

impl Encoders {
    fn open(
        container: Container,
        options: &MediaRecorderOptions,
        bitrates: Bitrates,
        [video, audio]: [Option<&TrackInput>; 2],
        clock: &Clock,
    ) -> Result<Self> {
        let settings = |input: &TrackInput| input.subscription.settings();
        let mut encoders = Self { video: None, codec: None, audio: None, tracks: Tracks::default() };
        if let Some(TrackSettings::Video { size, .. }) = video.map(settings) {
            let config = options.encoder_config(size, clock.rate(), bitrates);
            let header = header(options.encoder, &config)?;
            let encoder = open(options.encoder, &config)?;
            let codec_private = header.codec_private;
            encoders.tracks.video = Some(VideoTrack { size, codec_private, color: ColorSpace::RECORDED });
            encoders.codec = Some(header.codec_string);
            encoders.video = Some((encoder, config));
        }
        if let Some(TrackSettings::Audio { rate, channels }) = audio.map(settings) {
            let channels = channels.clamp(1, 2) as u8;
            let mode = options.audio_bitrate_mode;
            let encoder = open_audio(container, &AudioEncoderConfig { rate, channels, bitrate: bitrates.audio, mode })?;
            encoders.tracks.audio = Some(encoder.track());
            encoders.audio = Some(encoder);
        }
        Ok(encoders)
    }

    fn audio_codec(&self) -> Option<&'static str> {
        self.audio.as_ref().map(|encoder| encoder.codec_string())
    }

    fn describe(&self, report: &mut Report) {
        if let Some((encoder, config)) = &self.video {
            report.encoder = encoder.name().to_owned();
            (report.width, report.height) = (config.size.width, config.size.height);
        }
        report.codec = self.codec.as_deref().into_iter().chain(self.audio_codec()).collect::<Vec<_>>().join(",");
    }
}

/// Calls this; a panic in it is an error. Encoders, sources and the program's functions are other people's code.
pub(super) fn catch_panic<T>(stage: &str, work: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        Error::unknown(format!("the {stage} stage broke off: {}", text.unwrap_or("it panicked")))
    })
}
