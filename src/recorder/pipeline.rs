//! The whole path of a recording, top down.
//!
//! ```text
//! video track ──Frame───────▶ encode ──EncodedPacket─┐
//!                                                    ├─▶ mux: interleave ──▶ tape ──▶ file or blobs
//! audio track ──AudioBuffer─▶ sound ───EncodedPacket─┘
//! ```
//!
//! Each stage is a thread with the stage's name. Policy for a full queue: in real time a track drops what a recorder has no
//! room for, and counts it; by stepped and stamped clocks everything waits, so that nothing is lost and what is slowest
//! sets the pace. The gate decides, by timestamps alone, what belongs to the recording; so a pause cuts pictures and sound
//! at the same instant, however late they come. A stage that fails or ends tells the mux; the other ends with what it has.
//! So the file is always ended properly, and holds what there was before a failure.

mod encode;
mod mux;
mod session;
mod sound;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};
use std::time::Duration;

use self::encode::Encode;
use self::mux::Mux;
pub use self::session::Session;
use self::sound::Sound;
use super::destination::Destination;
use super::events::{BlobEvent, Event, Events, Lifetime};
use super::gate::Gate;
use super::mailbox::Mailbox;
use super::mime::MimeType;
use super::options::MediaRecorderOptions;
use super::report::{Progress, Report};
use crate::blob::Blob;
use crate::clock::Clock;
use crate::color::ColorSpace;
use crate::encode::opus::{self, OpusConfig, OpusEncoder};
use crate::encode::{EncoderConfig, VideoEncoder, header, open};
use crate::error::{Error, Result};
use crate::mux::{AudioTrack, Tracks, VideoTrack};
use crate::packet::EncodedPacket;
use crate::stream::{Subscription, Ticket, TrackKind, TrackSettings};
use crate::time::{Span, Timestamp};

/// How many frames, and how many buffers of sound, may wait for their encoder. More would outlast a slow picture or two;
/// but in real time, what waits is lost when the program is killed.
pub const QUEUE: [usize; 2] = [4, 50];
/// How many packets may wait for the file.
const PACKETS: usize = 64;
/// How long a stage waits for something before it looks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(20);
/// How long a stage of a recording in real time waits for what may still be on its way when it is stopped.
const LATE: Duration = Duration::from_secs(2);
/// In real time, how far one track may lag behind the other before it is not waited for.
const PATIENCE: Span = Span::from_secs(10);
/// In real time, what is older than this has come.
const SETTLED: Span = Span::from_millis(150);
/// In real time, sound and a still picture are written at least so often.
const STILL: Span = Span::from_millis(200);
/// In real time, an encoder that keeps pictures to itself gets a still one this often: rav1e gives a picture out once four
/// more came, and whoever is killed loses what is in it.
const PUSH: Span = Span::from_millis(75);

/// What the stages and the recorder say to the mux.
enum Word {
    /// A packet, and who waits to hear of it.
    Packet(TrackKind, EncodedPacket, Option<Ticket>),
    /// Nothing before this time follows on the track.
    Reach(TrackKind, Timestamp),
    Ended(TrackKind, Result<()>),
    Event(Event),
    /// Hand out what there is.
    Data,
    /// End with this error.
    Fail(Error),
    /// What a replay holds, as a file.
    Save(Sender<Result<Blob>>),
    /// A replay begins to record.
    Roll(Box<Destination>, Box<MediaRecorderOptions>),
}

/// What a session is made of.
pub struct Plan {
    pub options: MediaRecorderOptions,
    pub mime_type: Option<MimeType>,
    pub video: Option<Subscription>,
    pub audio: Option<Subscription>,
    pub clock: Clock,
    pub origin: Option<Timestamp>,
    pub deck: Deck,
    pub events: Events,
}

/// What a session writes to at first.
pub enum Deck {
    /// Files or blobs.
    Roll(Destination),
    /// Memory for so much, until it is told where to.
    Hold(Span),
}

/// Whoever runs a session: told the type once it is known, the progress while it runs, and, before the end is told, that it
/// is over.
pub trait Listener: Send {
    fn begun(&self, mime_type: &str, report: &Report);
    fn progressed(&self, progress: Progress);
    fn ending(&self, report: &Report);
}

/// What all stages of a session share.
struct Shared {
    gate: Mutex<Gate>,
    mailbox: Mailbox<Word>,
    /// The end is near: whoever has nothing more to do ends.
    stopping: AtomicBool,
    /// How many tracks have not ended.
    tracks: AtomicUsize,
    /// A key frame is wanted.
    key: AtomicBool,
    /// How long a piece is, in nanoseconds, and how many bytes it has; 0: there is no such bound.
    piece: AtomicI64,
    piece_bytes: AtomicU64,
    counts: Counts,
}

/// What became of the frames that are not in the file.
#[derive(Default)]
struct Counts {
    received: AtomicU64,
    paused: AtomicU64,
    out_of_order: AtomicU64,
    repeated: AtomicU64,
    busy: AtomicU64,
}

impl Shared {
    fn stop_at(&self, time: Timestamp) {
        lock(&self.gate).stop(time);
        self.stopping.store(true, Ordering::Release);
    }

    /// A track has ended; with the last one ends the recording.
    fn track_ended(&self, now: Timestamp) {
        if self.tracks.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.stop_at(now);
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// The mux's thread: opens the encoders, tells the start, runs the stages, writes, tells the end.
fn run(plan: Plan, listener: &dyn Listener, shared: &Shared, mut lifetime: Lifetime) {
    let Plan { options, mime_type, video, audio, clock, origin: _, deck, events } = plan;
    let mut report = Report::default();
    let open = || Opened::new(&options, video.as_ref(), audio.as_ref(), &clock);
    let opened = catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|panic| Err(panicked("encoder", &*panic)));
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => {
            shared.mailbox.close();
            drop((video, audio));
            listener.ending(&report);
            if let Deck::Roll(Destination::File(sink)) = deck {
                sink.discard();
            }
            let mime_type = mime_type.map(|mime_type| mime_type.as_str().to_owned()).unwrap_or_default();
            let data = BlobEvent { data: Blob::new(Vec::new(), mime_type), timecode: Timestamp::ZERO };
            tell_end(&mut lifetime, Some(error), data);
            return;
        }
    };
    let full = MimeType::full(opened.codec.as_deref(), opened.opus.as_ref().map(OpusEncoder::codec_string));
    let mime_type = mime_type.map_or(full, |mime_type| mime_type.as_str().to_owned());
    opened.describe(&mut report);
    listener.begun(&mime_type, &report);
    let Opened { video: encoder, opus, tracks, .. } = opened;
    let (with_sound, alone) = (opus.is_some(), encoder.is_none());
    let mut mux = Mux::new(tracks, mime_type, events, listener, shared, &clock);
    match deck {
        Deck::Hold(length) => mux.hold(length),
        Deck::Roll(destination) => mux.begin(destination, &options, Timestamp::ZERO),
    }
    shared.tracks.store(mux.open(), Ordering::Release);
    thread::scope(|scope| {
        if let (Some(subscription), Some(encoder)) = (video, encoder) {
            let encode = Encode::new(subscription, encoder, &options, with_sound, shared, &clock);
            stage(scope, shared, TrackKind::Video, "encode", move || encode.run());
        }
        if let (Some(subscription), Some(encoder)) = (audio, opus) {
            let sound = Sound::new(subscription, encoder, alone, shared, &clock);
            stage(scope, shared, TrackKind::Audio, "sound", move || sound.run());
        }
        // Whoever opens the next piece's file is other people's code too.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| mux.run())) {
            mux.fail(panicked("mux", &*panic));
        }
        // Whatever a stage still wants to send finds nobody; then it ends.
        shared.mailbox.close();
        shared.stop_at(clock.now());
    });
    mux.finish(&mut report, &mut lifetime);
}

/// Runs a stage on a thread of its own, which tells the mux how it ended.
fn stage<'scope>(
    scope: &'scope Scope<'scope, '_>,
    shared: &'scope Shared,
    kind: TrackKind,
    name: &'static str,
    work: impl FnOnce() -> Result<()> + Send + 'scope,
) {
    let started = thread::Builder::new().name(name.into()).spawn_scoped(scope, move || {
        // Encoders are other people's code: one that panics is one that failed.
        let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(name, &*panic)));
        shared.mailbox.say(Word::Ended(kind, outcome));
    });
    if let Err(error) = started {
        shared.mailbox.say(Word::Ended(kind, Err(Error::no_thread(error))));
    }
}

/// The last things that a recorder tells.
fn tell_end(lifetime: &mut Lifetime, failure: Option<Error>, data: BlobEvent) {
    if let Some(error) = failure {
        lifetime.events.push(Event::Error(error));
    }
    lifetime.events.push(Event::DataAvailable(data));
    lifetime.stop();
}

/// What a recording needs before its first packet.
struct Opened {
    video: Option<(Box<dyn VideoEncoder>, EncoderConfig)>,
    codec: Option<String>,
    opus: Option<OpusEncoder>,
    tracks: Tracks,
}

impl Opened {
    fn new(
        options: &MediaRecorderOptions,
        video: Option<&Subscription>,
        audio: Option<&Subscription>,
        clock: &Clock,
    ) -> Result<Self> {
        let mut opened = Self { video: None, codec: None, opus: None, tracks: Tracks::default() };
        if let Some(TrackSettings::Video { size }) = video.map(Subscription::settings) {
            let config = options.encoder_config(size, clock.rate());
            let header = header(options.encoder, &config)?;
            let encoder = open(options.encoder, &config)?;
            let codec_private = header.codec_private;
            opened.tracks.video = Some(VideoTrack { size, codec_private, color: ColorSpace::RECORDED });
            opened.codec = Some(header.codec_string);
            opened.video = Some((encoder, config));
        }
        if let Some(TrackSettings::Audio { channels, .. }) = audio.map(Subscription::settings) {
            let channels = channels.clamp(1, 2) as u8;
            let encoder = OpusEncoder::new(&OpusConfig { channels, bitrate: options.bitrates().1 })?;
            let codec_private = encoder.codec_private();
            opened.tracks.audio = Some(AudioTrack { rate: opus::RATE, channels, codec_private });
            opened.opus = Some(encoder);
        }
        Ok(opened)
    }

    fn describe(&self, report: &mut Report) {
        if let Some((encoder, config)) = &self.video {
            report.encoder = encoder.name().to_owned();
            (report.width, report.height) = (config.size.width, config.size.height);
        }
        let opus = self.opus.as_ref().map(OpusEncoder::codec_string);
        report.codec = self.codec.as_deref().into_iter().chain(opus).collect::<Vec<_>>().join(",");
    }
}

impl Counts {
    fn describe(&self, report: &mut Report, progress: Progress, failed: bool) {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let dropped = &mut report.dropped;
        (dropped.paused, dropped.busy) = (count(&self.paused), count(&self.busy));
        dropped.out_of_order = count(&self.out_of_order);
        report.frames_in = count(&self.received) + dropped.busy;
        report.frames_repeated = count(&self.repeated);
        report.frames_encoded = progress.frames;
        report.settle(failed);
        report.duration_s = progress.recorded.as_secs_f64();
        report.bytes = progress.bytes;
    }
}

fn panicked(stage: &str, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    Error::unknown(format!("the {stage} stage broke off: {}", text.unwrap_or("it panicked")))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
