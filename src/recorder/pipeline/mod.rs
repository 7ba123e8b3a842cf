//! The whole data path of a recording, top down.
//!
//! ```text
//! video track ──Frame───────▶ encode ──Packet─┐
//!                                             ├─▶ MessageQueue ──▶ mux: Interleaver ──▶ OutputWriter ──▶ Output
//! audio track ──AudioBuffer─▶ sound ───Packet─┘                                  or ReplayBuffer
//! ```
//!
//! Each stage is a thread with the stage's name. Policy for a full queue: in real time, frames for which a recorder has
//! no room, and frames that have waited for too long, are dropped and counted; with stepped and stamped clocks, every
//! stage waits for the next one, so that nothing is lost.
//!
//! Two pure types decide before encoding: the [`Gate`] selects by timestamps alone what is recorded, so that a pause
//! cuts video and sound at the same time however late they arrive; the [`Splitter`] decides where pieces begin. A stage
//! that fails or ends reports this to the mux stage, and the other stage ends too. So the file is always finished, and
//! holds the data from before a failure.
//!
//! Every frame has a [`Ticket`](crate::stream::Ticket), from its capture to its file. Code that drops the frame records
//! the reason on the ticket, which counts it.

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
use super::events::{BlobEvent, Event, Events, UnreportedEnd};
use super::gate::Gate;
use super::level::LevelMeter;
use super::mime::MimeType;
use super::options::{Bitrates, MediaRecorderOptions};
use super::output::{Destination, FileFormat};
use super::report::{DroppedSpan, Progress, Report, SpeedChange};
use super::splitter::Splitter;
use crate::blob::Blob;
use crate::clock::Clock;
use crate::codec::{AudioCodec, VideoCodec};
use crate::encode::{AudioEncoder, AudioEncoderConfig, EncoderConfig, VideoEncoder, open_audio, open_with_header};
use crate::error::{Error, Result};
use crate::mux::{Container, Tracks, VideoTrack};
use crate::stream::{BusyTime, FrameCounters, Subscription, TrackKind, TrackSettings, Unsubscribe};
use crate::time::{Span, Timestamp};
use parking_lot::Mutex;

/// How many changes of the encoder's speed a report holds.
const MOST_SPEEDS: usize = 100;
/// How many frames, and how many buffers of sound, may wait for their encoder: frames of a quarter of a second, which
/// is as long as an encoder takes for its first key frame on a slow machine. In real time, all that waits is lost when
/// the program is killed, so frames do not wait for longer than `MAX_WAIT`, unless the clock blocks.
pub const INPUT_QUEUE: [usize; 2] = [8, 50];
/// How many packets may wait for the mux stage.
const PACKET_QUEUE: usize = 64;
/// How long a stage waits for input before it checks whether it is to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// In real time, how long a stage waits after the stop for frames in flight.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// In real time, how far one track may lag behind the other before the interleaver stops waiting for it.
const MAX_TRACK_LAG: Span = Span::from_secs(10);
/// In real time, how long a frame may wait before it is dropped for a newer one.
const MAX_WAIT: Span = Span::from_millis(200);
/// In real time, the delay after which frames and sound are assumed to have arrived.
const ARRIVAL_DELAY: Span = Span::from_millis(150);
/// In real time, the interval at which silence and repeated frames fill a track without new data.
const REPEAT_INTERVAL: Span = Span::from_millis(200);
/// In real time, how often the last frame is repeated to an encoder that still holds it: rav1e returns a frame only
/// after four more, and a program that is killed loses the frames in its encoder.
const PUSH_INTERVAL: Span = Span::from_millis(75);

/// All that a session needs to begin.
pub struct SessionPlan {
    pub options: MediaRecorderOptions,
    /// The requested bitrates, in bits per second.
    pub bitrates: Bitrates,
    pub mime_type: Option<MimeType>,
    /// The codec of the video, if there is any.
    pub codec: Option<VideoCodec>,
    pub video: Option<TrackInput>,
    pub audio: Option<TrackInput>,
    /// Counts the frames of both inputs.
    pub counters: Arc<FrameCounters>,
    /// Measures the sound.
    pub level: Arc<LevelMeter>,
    /// The clock that the recording's times come from.
    pub clock: Clock,
    /// The clock's time at which the recording begins; none when the first frame sets it.
    pub origin: Option<Timestamp>,
    pub start: Start,
    pub events: Events,
}

/// A track's samples.
pub struct TrackInput {
    pub subscription: Subscription,
    /// Added to the samples' timestamps to get the session's time.
    pub shift: Span,
}

/// What a session does first.
pub enum Start {
    /// Records to this destination.
    Record(Destination),
    /// Keeps the last `Span` of the stream until it gets a destination to record to.
    Buffer(Span),
}

/// The owner of a session: gets the codecs once they are known, the progress, and the end before the program gets it.
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
    /// The recording is stopping: a stage ends when nothing is left to process.
    stopping: AtomicBool,
    /// How many tracks have not ended.
    tracks: AtomicUsize,
    /// A key frame is requested.
    key: AtomicBool,
    counters: Arc<FrameCounters>,
    level: Arc<LevelMeter>,
    /// The encoder's speeds where it changes them, with the times of the recording.
    speeds: Mutex<Vec<SpeedChange>>,
    /// Ends the subscription to the video. (The subscription to audio continues: sound from before the end arrives
    /// later.)
    video: Option<Unsubscribe>,
}

impl SessionState {
    /// Ends the recording at `time`.
    fn stop_at(&self, time: Timestamp) {
        self.gate.lock().stop(time);
        self.stopping.store(true, Ordering::Release);
        if let Some(video) = &self.video {
            video.unsubscribe();
        }
    }

    /// A track has ended; the end of the last one ends the recording.
    fn track_ended(&self, now: Timestamp) {
        if self.tracks.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.stop_at(now);
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Takes note of the encoder's speed from `time` of the recording on.
    fn note_speed(&self, time: Timestamp, speed: u8) {
        let from_s = (time - Timestamp::ZERO).as_secs_f64();
        tracing::debug!(speed = i64::from(speed));
        let mut speeds = self.speeds.lock();
        if speeds.len() < MOST_SPEEDS {
            speeds.push(SpeedChange { from_s, speed });
        }
    }

    /// Copies what was counted into the report.
    fn count(&self, report: &mut Report, clock: &Clock) {
        let (counts, busy) = self.counters.counts_and_times();
        report.set_counts(&counts);
        report.speeds = self.speeds.lock().clone();
        let gate = self.gate.lock();
        let secs = |instant| {
            let length = clock.at(instant).and_then(|time| gate.length_at(time)).unwrap_or_default();
            (length - Timestamp::ZERO).as_secs_f64()
        };
        let spans = busy.into_iter().map(|BusyTime { first, last, frames }| DroppedSpan {
            from_s: secs(first),
            to_s: secs(last),
            frames,
        });
        report.dropped_at = spans.collect();
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
            level: Arc::default(),
            speeds: Mutex::default(),
            video: None,
        }
    }
}

/// The mux stage's thread: opens the encoders, reports the start, runs the stages, writes, reports the end.
fn run(plan: SessionPlan, listener: &dyn SessionListener, session: &SessionState, mut recording: UnreportedEnd) {
    let SessionPlan { options, bitrates, mime_type, codec, video, audio, clock, start, events, .. } = plan;
    let mut report = Report::default();
    let bitrates = bitrates.for_encoders();
    let container = mime_type.as_ref().map(MimeType::container).unwrap_or_default();
    let container = match &start {
        // The recorder has refused what is impossible.
        Start::Record(destination) => destination.container(container).unwrap_or(container),
        Start::Buffer(_) => container,
    };
    // A replay begins with a key frame, whoever asks for it.
    let mut for_encoders = options.clone();
    if let Start::Buffer(length) = start {
        for_encoders.replay = Some(length);
    }
    let sound = mime_type.as_ref().and_then(MimeType::audio_codec);
    let open =
        || Encoders::open(container, (codec, sound), &for_encoders, bitrates, [video.as_ref(), audio.as_ref()], &clock);
    let encoders = match catch_panic("encoder", open).flatten() {
        Ok(encoders) => encoders,
        Err(error) => {
            session.messages.close();
            drop((video, audio, start));
            session.count(&mut report, &clock);
            listener.ending(&report);
            let mime_type = mime_type.map(|mime_type| mime_type.as_str().to_owned()).unwrap_or_default();
            let data = BlobEvent { data: Blob::new(Vec::new(), mime_type), timecode: Timestamp::ZERO };
            tell_end(&mut recording, Some(error), data);
            return;
        }
    };
    let full = MimeType::full(container, encoders.codec.as_deref(), encoders.audio_codec());
    let mime_type = mime_type.map_or(full, |mime_type| mime_type.as_str().to_owned());
    encoders.describe(&mut report);
    listener.begun(&report);
    let Encoders { video: encoder, audio: audio_encoder, tracks, .. } = encoders;
    let (with_sound, alone) = (audio_encoder.is_some(), encoder.is_none());
    let format = FileFormat { container, mime_type, tracks, loops: options.loops };
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
        // The program's function that opens the next piece's file may panic.
        if let Err(error) = catch_panic("mux", || mux.run()) {
            mux.fail(error);
        }
        // The closed queue makes the other stages end.
        session.messages.close();
        session.stop_at(clock.now());
    });
    mux.finish(&mut report, &mut recording);
}

/// Runs a stage on a new thread, which reports its result to the mux stage.
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

/// Sends the last events of a recording.
fn tell_end(recording: &mut UnreportedEnd, failure: Option<Error>, data: BlobEvent) {
    if let Some(error) = failure {
        recording.events.push(Event::Error(error));
    }
    recording.events.push(Event::DataAvailable(data));
    recording.stop();
}

/// The encoders of a recording, and what its header needs.
struct Encoders {
    video: Option<(Box<dyn VideoEncoder>, EncoderConfig)>,
    codec: Option<String>,
    audio: Option<Box<dyn AudioEncoder>>,
    tracks: Tracks,
}

impl Encoders {
    fn open(
        container: Container,
        (codec, sound): (Option<VideoCodec>, Option<AudioCodec>),
        options: &MediaRecorderOptions,
        bitrates: Bitrates,
        [video, audio]: [Option<&TrackInput>; 2],
        clock: &Clock,
    ) -> Result<Self> {
        let settings = |input: &TrackInput| input.subscription.settings();
        let mut encoders = Self { video: None, codec: None, audio: None, tracks: Tracks::default() };
        if let (Some(codec), Some(input)) = (codec, video)
            && let TrackSettings::Video { size, .. } = settings(input)
        {
            let mut config = options.encoder_config(codec, size, clock.rate(), bitrates);
            config.color = input.subscription.color();
            config.partial = container.is_animated_picture();
            config.gif.limit_lookahead(clock.is_real(), options.frame_limit.map(|limit| config.rate.timestamp(limit)));
            let open = || open_with_header(&options.encoder, &config);
            let (encoder, header) = tracing::debug_span!("open encoder").in_scope(open)?;
            let track = VideoTrack::new(codec, header.size, header.codec_private).with_alpha(config.alpha);
            encoders.tracks.video = Some(track.with_color(config.color).with_depth(config.depth));
            encoders.codec = Some(header.codec_string);
            encoders.video = Some((encoder, config));
        }
        if let Some(TrackSettings::Audio { rate, channels }) = audio.map(settings) {
            let channels = channels.clamp(1, 2) as u8;
            let mode = options.audio_bitrate_mode;
            let config = AudioEncoderConfig::new(rate, channels, bitrates.audio).with_mode(mode).with_codec(sound);
            let encoder = open_audio(container, &config)?;
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
            let size = self.tracks.video.as_ref().map_or(config.size, |track| track.size);
            (report.width, report.height) = (size.width, size.height);
        }
        report.codec = self.codec.as_deref().into_iter().chain(self.audio_codec()).collect::<Vec<_>>().join(",");
    }
}

/// Calls `work` and turns a panic into an error: encoders, sources and the program's functions are external code.
pub(super) fn catch_panic<T>(stage: &str, work: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        Error::unknown(format!("the {stage} stage broke off: {}", text.unwrap_or("it panicked")))
    })
}
