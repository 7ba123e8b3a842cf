//! Records a source from its beginning to its end: the whole data path, top down.
//!
//! ```text
//! source ──Frame──▶ pacer ──▶ canvas: draw, filter, I420 ──▶ video track ─┐
//!                                                                         ├─▶ MediaRecorder ──▶ destination
//! sound ─────────────────────────────────AudioBuffer ──────▶ audio track ─┘
//! ```
//!
//! The source and its sound are read ahead, each on its own thread. The canvas's thread filters; the recorder's threads
//! encode and write. `feed.rs` shows the frames at their times; `sound_feed.rs` feeds the sound that belongs to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::{Duration, Instant};

use super::feed::Feed;
use super::group::RecorderGroup;
use super::options::{Overload, RecordOptions};
use super::overlay::Layers;
use super::pacer::PacerCounts;
use super::pipeline::catch_panic;
use super::sound_feed::SoundFeed;
use super::{BlobEvent, Controls, Destination, Media, MediaRecorderOptions, Progress, Report};
use crate::canvas::Canvas;
use crate::error::{Error, ErrorKind, Result};
use crate::filter::FilterChain;
use crate::frame::{BitDepth, Size};
use crate::gpu::Gpu;
use crate::motion_blur::MotionBlur;
use crate::source::{Source, SourceLosses};
use crate::stream::{FrameCounters, MediaStream};
use crate::time::{FrameRate, Span};

/// The display time of a frame when the source has no frame rate.
const NOMINAL_SPAN: Span = Span::from_millis(33);
/// How long a stage waits before it checks whether it is to stop.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long to wait at the end for frames in flight on the GPU, which has its own timeout of 60 s for a frame.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(70);

/// Whether a recording is over: because it was stopped, or because its recorder has ended.
pub(super) type IsOver<'a> = dyn Fn() -> bool + Sync + 'a;

/// A failed recording: the error, and the report up to the failure. The data recorded so far is in the file, which is
/// playable.
#[derive(Debug)]
pub struct Failure {
    /// The cause of the failure.
    pub error: Error,
    /// The report of the data in the file; `frames_encoded` is 0 when there is none.
    pub report: Report,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failure {}

/// Keeps the error and discards the report.
impl From<Box<Failure>> for Error {
    fn from(failure: Box<Failure>) -> Self {
        failure.error
    }
}

/// An event of a running [`Recording`].
#[derive(Debug)]
#[non_exhaustive]
pub enum RecordEvent {
    /// The progress of the recording; sent at least every 50 ms.
    Progress(Progress),
    /// A part of a recording in memory, or a file that is finished.
    Data(BlobEvent),
    /// The same of a [further output](Recording::output), counted from 0.
    FurtherData(usize, BlobEvent),
}

/// A recording of a source, or of video and sound: set its options, then [run](Recording::run) it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framereel::{FileSink, Gpu, Source, Span, record, source::pattern::PatternSource};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("pattern.webm");
/// let pattern: Box<dyn Source> = Box::new(PatternSource::new(&Default::default())?);
/// let report = record(pattern)
///     .filter("sepia(60%) blur(2px)".parse()?)
///     .duration(Span::from_millis(500))
///     .run(&Gpu::new()?, FileSink::create(path)?)?;
/// assert_eq!((report.frames_encoded, report.frames_dropped), (15, 0));
/// # Ok(())
/// # }
/// ```
pub fn record<'a>(media: impl Into<Media>) -> Recording<'a> {
    Recording {
        media: media.into(),
        options: RecordOptions::default(),
        further: Vec::new(),
        controls: None,
        on_stream: None,
        on_event: None,
    }
}

/// Called with the stream that is recorded.
type OnStream<'a> = dyn FnOnce(&MediaStream) + 'a;

/// A builder of a recording, which has not begun. By default, it records every frame at its own time, unfiltered.
#[must_use = "nothing is recorded before `run`"]
pub struct Recording<'a> {
    media: Media,
    options: RecordOptions,
    further: Vec<(MediaRecorderOptions, Destination)>,
    controls: Option<&'a Controls>,
    on_stream: Option<Box<OnStream<'a>>>,
    on_event: Option<Box<dyn FnMut(RecordEvent) + 'a>>,
}

impl std::fmt::Debug for Recording<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("media", &self.media).field("options", &self.options).finish_non_exhaustive()
    }
}

impl<'a> Recording<'a> {
    /// The filters that each frame passes through.
    pub fn filter(mut self, filter: FilterChain) -> Self {
        self.options.filter = filter;
        self
    }

    /// The recording's size; none keeps the source's. A source of another aspect ratio is shown completely, with black
    /// borders.
    pub fn size(mut self, size: impl Into<Option<Size>>) -> Self {
        self.options.size = size.into();
        self
    }

    /// A constant rate; none keeps each frame's own time.
    pub fn rate(mut self, rate: impl Into<Option<FrameRate>>) -> Self {
        self.options.rate = rate.into();
        self
    }

    /// Blurs what moves: each frame is the mean of several sub-frames, in linear light. Needs a
    /// [rate](Recording::rate). Films show in a sub-frame what they show at its time: of one at 240 frames a second, 8
    /// sub-frames at a rate of 30 are 8 frames. Shaders, the test pattern and filters that change over time are drawn
    /// for every sub-frame.
    ///
    /// The report counts frames: sub-frames are none. Frames of the source that became one frame with others are
    /// counted as [blended](super::Dropped::blended).
    pub fn motion_blur(mut self, blur: impl Into<Option<MotionBlur>>) -> Self {
        self.options.motion_blur = blur.into();
        self
    }

    /// Ends when the recording is this long; none records to the source's end.
    pub fn duration(mut self, duration: impl Into<Option<Span>>) -> Self {
        self.options.duration = duration.into();
        self
    }

    /// Takes each frame at its time, as from a camera; [`overload`](Recording::overload) says what a recorder does that
    /// is late. Otherwise records as fast as possible and drops none, because every stage waits for the next one.
    pub fn real_time(mut self, real_time: bool) -> Self {
        self.options.real_time = real_time;
        self
    }

    /// What happens in real time while frames come faster than they can be recorded: by default, frames are dropped.
    pub fn overload(mut self, overload: Overload) -> Self {
        self.options.overload = overload;
        self
    }

    /// The recorder's options. A [duration](Recording::duration) takes the place of their time limit.
    pub fn options(mut self, options: MediaRecorderOptions) -> Self {
        self.options.recorder = options;
        self
    }

    /// Records the same to another destination too, with these options: the filters run once, the encoders side by
    /// side. Each output takes what its container holds: pictures, sound, or both. An output that has reached its limit
    /// or has failed ends alone; the others go on.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use framereel::{FileSink, Gpu, MediaRecorderOptions, Source, Span, record, source::pattern::PatternSource};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # std::env::set_current_dir(&folder)?;
    /// let pattern: Box<dyn Source> = Box::new(PatternSource::new(&Default::default())?);
    /// let small = MediaRecorderOptions::default().with_video_bits_per_second(200_000);
    /// let report = record(pattern)
    ///     .duration(Span::from_millis(300))
    ///     .output(small, FileSink::create("small.webm")?)
    ///     .run(&Gpu::new()?, FileSink::create("large.webm")?)?;
    /// assert_eq!((report.frames_encoded, report.further[0].frames_encoded), (9, 9));
    /// # Ok(())
    /// # }
    /// ```
    pub fn output(mut self, options: MediaRecorderOptions, destination: impl Into<Destination>) -> Self {
        self.further.push((options, destination.into()));
        self
    }

    /// Controls for the recording while it runs.
    pub fn controls(mut self, controls: &'a Controls) -> Self {
        self.controls = Some(controls);
        self
    }

    /// Called once with the stream that is recorded, before the recording begins: to
    /// [show it](crate::preview::Preview), or to read its frames ([`TrackProcessor`](crate::stream::TrackProcessor)).
    pub fn on_stream(mut self, on_stream: impl FnOnce(&MediaStream) + 'a) -> Self {
        self.on_stream = Some(Box::new(on_stream));
        self
    }

    /// A callback for events, called on the thread that called [`Recording::run`]. If it panics, the recording ends as
    /// if it was stopped, and the panic continues.
    pub fn on_event(mut self, on_event: impl FnMut(RecordEvent) + 'a) -> Self {
        self.on_event = Some(Box::new(on_event));
        self
    }

    /// Records until the source ends, the duration is reached or a stop is requested.
    ///
    /// # Errors
    /// A [`Failure`] when a stage fails, with the first error; a range error in it when the size or the settings are out
    /// of bounds; a `TypeError` for an overload that the source cannot have.
    pub fn run(self, gpu: &Gpu, destination: impl Into<Destination>) -> Result<Report, Box<Failure>> {
        let Self { media, options, further, controls, on_stream, on_event } = self;
        let uncontrolled = Controls::new();
        let controls = controls.unwrap_or(&uncontrolled);
        let mut on_event = on_event.unwrap_or_else(|| Box::new(|_| {}));
        let started = Instant::now();
        let size = options.size.or(media.size());
        let has_pictures = media.video.is_some();
        let mut report = Report::default();
        if let Some(size) = size.filter(|_| has_pictures) {
            (report.width, report.height) = (size.width, size.height);
        }
        let on_stream = on_stream.unwrap_or_else(|| Box::new(|_| {}));
        let outputs = std::iter::once((options.recorder.clone(), destination.into())).chain(further).collect();
        let prepare = || RunningRecording::prepare(gpu, media, &options, on_stream, outputs);
        let prepared = tracing::debug_span!("prepare").in_scope(prepare);
        let outcome = prepared.and_then(|recording| {
            let (outcome, account) = recording.run(controls, &mut *on_event);
            report = account;
            outcome
        });
        report.adapter = gpu.name();
        report.stopped = controls.is_stopped();
        report.wall_s = started.elapsed().as_secs_f64();
        match outcome {
            Ok(()) if report.is_empty() || report.further.iter().any(Report::is_empty) => {
                let expected = if has_pictures { "at least one frame" } else { "some sound" };
                let error = Error::not_readable(format!("expected {expected} but found none"));
                Err(Box::new(Failure { error, report }))
            }
            Ok(()) => Ok(report),
            Err(error) => Err(Box::new(Failure { error, report })),
        }
    }
}

/// A recording that has begun: its recorders wait for video and sound.
struct RunningRecording {
    recorders: RecorderGroup,
    pictures: Option<Feed>,
    sound: Option<SoundFeed>,
}

impl RunningRecording {
    fn prepare(
        gpu: &Gpu,
        media: Media,
        options: &RecordOptions,
        on_stream: Box<OnStream>,
        outputs: Vec<(MediaRecorderOptions, Destination)>,
    ) -> Result<Self> {
        if options.motion_blur.is_some() && options.rate.is_none() && media.video.is_some() {
            let expected = "expected a constant rate for motion blur but found none; set one";
            return Err(Error::new(ErrorKind::InvalidState, expected));
        }
        let real_time = options.real_time || media.is_live();
        // Sound alone is never too slow.
        let overload = if media.video.is_some() { options.overload } else { Overload::Drop };
        let has_live_pictures = media.video.as_ref().is_some_and(|video| video.live_clock().is_some());
        let clock = overload.clock(options.real_time, media.is_live(), has_live_pictures)?;
        let size = options.size.or(media.size());
        let Media { video, audio, overlays, layout } = media;
        let length = match &video {
            Some(video) => length_of(&**video, options.rate),
            None => audio.as_ref().and_then(|audio| audio.info().length),
        };
        let stream = MediaStream::default();
        let losses = video.as_ref().and_then(|video| video.losses());
        let rate = options.rate.or(video.as_ref().and_then(|video| video.info().rate));
        let depth = outputs.iter().map(|(recorder, _)| recorder.depth).max().unwrap_or_default();
        let is_deep = depth > BitDepth::Eight;
        let pictures = video.zip(size).map(|(video, size)| {
            gpu.check_size(size)?;
            let mut canvas = Canvas::new(gpu, size)?.with_clock(clock.clone());
            if is_deep && !overlays.is_empty() {
                let expected =
                    "expected one source for 10 bits a sample but found several, which a canvas holds with 8";
                return Err(Error::not_supported(expected));
            }
            if let Some(color) = video.color().filter(|color| is_deep && color.is_kept_wide()) {
                canvas = canvas.with_color(color);
            }
            let layers = Layers::begin(overlays, layout, video.info().size, &canvas)?;
            Feed::begin(video, canvas, layers, options, &stream)
        });
        let mut pictures = pictures.transpose()?;
        if let Some(pictures) = &mut pictures {
            pictures.warm_up(&stream, depth)?;
        }
        let schedule = pictures.as_ref().map(Feed::schedule);
        let sound = audio.map(|audio| SoundFeed::begin(audio, &clock, schedule, &stream)).transpose()?;
        let expected = match (length, options.duration) {
            (Some(whole), Some(limit)) => Some(whole.min(limit)),
            (whole, limit) => whole.or(limit),
        };
        let mut recorders = RecorderGroup::new(&stream, losses, expected);
        let mut destinations = Vec::new();
        for (recorder, destination) in outputs {
            let mut recorder = recorder_options(recorder, options, rate);
            // Pieces of a size begin by the bytes of the packets before.
            let by_size = matches!(&destination, Destination::Files(pieces) if pieces.bytes.is_some());
            recorder.offline = !real_time && !by_size;
            recorders.add(recorder)?;
            destinations.push(destination);
        }
        on_stream(&stream);
        recorders.start(destinations)?;
        Ok(Self { recorders, pictures, sound })
    }

    /// Runs the recording to its end; returns the result and the report.
    fn run(self, controls: &Controls, on_event: &mut dyn FnMut(RecordEvent)) -> (Result<()>, Report) {
        let Self { recorders, pictures, sound } = self;
        let ended = AtomicBool::new(false);
        let is_over = || controls.is_stopped() || ended.load(Ordering::Acquire);
        let counters = recorders.counters();
        let (fed, recorded) = thread::scope(|scope| {
            // Ends the feeds even when a panic in `on_event` unwinds: the scope waits for their threads.
            let end = EndOnDrop { ended: &ended, recorders: &recorders };
            let feed = || feed(pictures, sound, counters.clone(), &is_over, controls);
            let fed = thread::Builder::new().name("feed".into()).spawn_scoped(scope, feed);
            if fed.is_err() {
                recorders.stop();
            }
            let recorded = recorders.follow_to_end(controls, on_event);
            drop(end);
            let fed = fed.map_err(Error::no_thread).and_then(|fed| fed.join().map_err(|_| broke_off("feed")));
            (fed, recorded)
        });
        let mut reports = recorders.reports();
        // Frames still in flight on the GPU are counted as dropped when they arrive.
        wait_for_end(recorders.stream());
        let fed = match fed {
            Ok((fed, counts)) => {
                for (report, counters) in reports.iter_mut().zip(&counters) {
                    report.account(counters, counts, recorders.losses());
                }
                fed
            }
            Err(error) => Err(error),
        };
        let mut report = reports.remove(0);
        report.further = reports;
        // An error makes the later stages fail too; the first stage on the path reports the cause.
        (fed.and(recorded), report)
    }
}

/// The feed stage: video with its sound, or sound alone. Returns the result and the pacer's counts.
fn feed(
    pictures: Option<Feed>,
    mut sound: Option<SoundFeed>,
    counters: Vec<Arc<FrameCounters>>,
    is_over: &IsOver,
    controls: &Controls,
) -> (Result<()>, Option<PacerCounts>) {
    let Some(pictures) = pictures else {
        let alone = sound.take().map_or(Ok(()), |sound| sound.run(is_over));
        return (alone, None);
    };
    if !pictures.is_real_time() {
        let (outcome, counts) = pictures.run(sound, counters, is_over, controls);
        return (outcome, Some(counts));
    }
    // In real time, video and sound do not wait for each other.
    thread::scope(|scope| {
        let sound = sound.map(|sound| {
            let run = move || sound.run(is_over);
            thread::Builder::new().name("sound feed".into()).spawn_scoped(scope, run).map_err(Error::no_thread)
        });
        let (outcome, counts) = pictures.run(None, counters, is_over, controls);
        let sound = match sound {
            Some(Ok(sound)) => sound.join().unwrap_or_else(|_| Err(broke_off("sound feed"))),
            Some(Err(error)) => Err(error),
            None => Ok(()),
        };
        (outcome.and(sound), Some(counts))
    })
}

/// Ends the recording.
struct EndOnDrop<'a> {
    ended: &'a AtomicBool,
    recorders: &'a RecorderGroup,
}

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        self.recorders.stop();
    }
}

/// Waits until all tracks have ended. The canvas's track ends when all its captured frames have arrived.
fn wait_for_end(stream: &MediaStream) {
    let until = Instant::now() + ARRIVAL_TIMEOUT;
    for track in stream.tracks() {
        let events = track.events();
        while events.next_within(until.saturating_duration_since(Instant::now()).into()).is_some() {}
    }
}

fn recorder_options(
    mut recorder: MediaRecorderOptions,
    options: &RecordOptions,
    rate: Option<FrameRate>,
) -> MediaRecorderOptions {
    recorder.frame_rate = recorder.frame_rate.or(rate);
    recorder.time_limit = options.duration.or(recorder.time_limit);
    recorder
}

/// Calls `next` repeatedly on a new thread and sends its results, up to the first error. Does not wait for the thread
/// to end, because a source may block forever.
pub(super) fn read_ahead<T: Send + 'static>(
    stage: &'static str,
    mut next: impl FnMut() -> Result<Option<T>> + Send + 'static,
    to: SyncSender<Result<T>>,
) -> Result<()> {
    let mut next = move || {
        let read = || catch_panic(stage, &mut next).flatten().transpose();
        tracing::debug_span!("read").in_scope(read)
    };
    let read = move || {
        while let Some(item) = next() {
            let failed = item.is_err();
            if to.send(item).is_err() || failed {
                return;
            }
        }
    };
    thread::Builder::new().name(stage.into()).spawn(read).map(drop).map_err(Error::no_thread)
}

impl Report {
    /// Adds up what the recorder, the pacer and the source counted of one recording.
    fn account(&mut self, counters: &FrameCounters, pacer: Option<PacerCounts>, losses: Option<&SourceLosses>) {
        self.count(counters);
        if let Some(pacer) = pacer {
            // The recorder counted the pacer's repetitions as incoming frames.
            self.frames_in = pacer.taken;
            self.frames_repeated += pacer.repeated;
            self.dropped.rate += pacer.skipped;
            self.dropped.blended = pacer.blended;
        }
        if let Some(losses) = losses {
            (self.dropped.missed, self.dropped.damaged) = (losses.missed(), losses.damaged());
            self.frames_in += self.dropped.missed + self.dropped.damaged;
        }
        self.check();
    }
}

/// The expected display time of a frame of this source.
pub(super) fn frame_span(source: &dyn Source, rate: Option<FrameRate>) -> Span {
    source.info().rate.or(rate).map_or(NOMINAL_SPAN, FrameRate::frame_span)
}

/// The length of a source, where that is known.
fn length_of(source: &dyn Source, rate: Option<FrameRate>) -> Option<Span> {
    let frames = source.info().frames?;
    Some(Span::from_nanos(frame_span(source, rate).as_nanos().saturating_mul(frames as i64)))
}

fn broke_off(stage: &str) -> Error {
    Error::unknown(format!("the {stage} stage broke off: this is a fault in framereel"))
}
