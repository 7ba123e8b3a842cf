//! A source, from its beginning to its end, into a file: the whole path, top down.
//!
//! ```text
//! source ──Frame──▶ pacer ──▶ canvas: draw, filter, I420 ──▶ video track ─┐
//!                                                                         ├─▶ MediaRecorder ──▶ destination
//! sound ─────────────────────────────────AudioBuffer ──────▶ audio track ─┘
//! ```
//!
//! The source and its sound are read ahead on threads of their own; the canvas's thread filters; the recorder's encode and
//! write. Sound is fed as far as the pictures have come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::controls::Edits;
use super::pacer::{PacedFrame, Pacer, PacerCounts};
use super::pipeline::catch_panic;
use super::{
    BlobEvent, Controls, Destination, Event, MediaRecorder, MediaRecorderOptions, Progress, RecordOptions, Report,
};
use crate::audio::{AudioBuffer, samples_in};
use crate::canvas::Canvas;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::{Frame, Size};
use crate::gpu::Gpu;
use crate::source::Source;
use crate::source::audio::AudioSource;
use crate::stream::{DropReason, FrameCounters, MediaStream, TrackGenerator};
use crate::time::{FrameRate, Span, Timestamp};

/// How long a picture is shown when nobody knows.
const NOMINAL_SPAN: Span = Span::from_millis(33);
/// How long a stage waits for a frame before it checks whether it is to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How many frames the source reads ahead.
const READ_AHEAD: usize = 2;
/// How many buffers of sound are read ahead; of 20 ms, most often.
const SOUND_AHEAD: usize = 50;
/// How long frames that the GPU has in flight are waited for at the end; it gives up on one after 60 s itself.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(70);

/// Whether a recording is over: because it was stopped, or because its recorder has ended.
type IsOver<'a> = dyn Fn() -> bool + Sync + 'a;

/// What is recorded: pictures, and sound beside them.
pub struct Media {
    /// The pictures.
    pub video: Box<dyn Source>,
    /// The sound; it is recorded as long as the pictures are.
    pub audio: Option<Box<dyn AudioSource>>,
}

impl Media {
    /// A source with its own sound, where it has any.
    ///
    /// # Errors
    /// Those of [`Source::sound`].
    pub fn with_sound(mut video: Box<dyn Source>) -> Result<Self> {
        let audio = video.sound()?;
        Ok(Self { video, audio })
    }
}

/// The pictures alone.
impl From<Box<dyn Source>> for Media {
    fn from(video: Box<dyn Source>) -> Self {
        Self { video, audio: None }
    }
}

/// A recording that failed: why, and what became of it until then. What was recorded is in the file, which plays.
#[derive(Debug)]
pub struct Failure {
    /// Why.
    pub error: Error,
    /// What is in the file all the same; `frames_encoded` is 0 when there is none.
    pub report: Report,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failure {}

/// For whoever has no use for the report.
impl From<Box<Failure>> for Error {
    fn from(failure: Box<Failure>) -> Self {
        failure.error
    }
}

/// What [`record`] tells while it runs.
#[derive(Debug)]
pub enum RecordEvent {
    /// How the recording stands; many times a second.
    Progress(Progress),
    /// A part of a recording into memory, or a file that is finished.
    Data(BlobEvent),
}

/// Records a source until it ends, the length asked for is reached or `controls` ask for its end. `on_event` is called, on
/// the calling thread, with how it goes. If it panics, the recording ends as if it was stopped, and the panic goes on.
///
/// # Errors
/// A [`Failure`] when a stage fails; a range error in it when the size or the settings are out of bounds.
pub fn record(
    gpu: &Gpu,
    media: impl Into<Media>,
    options: &RecordOptions,
    destination: impl Into<Destination>,
    controls: &Controls,
    on_event: &mut dyn FnMut(RecordEvent),
) -> Result<Report, Box<Failure>> {
    let started = Instant::now();
    let media = media.into();
    let size = options.size.unwrap_or(media.video.info().size);
    let mut report = Report { width: size.width, height: size.height, ..Report::default() };
    let outcome = Recording::prepare(gpu, media, size, options, destination.into()).and_then(|recording| {
        let (outcome, account) = recording.run(controls, on_event);
        report = account;
        outcome
    });
    report.adapter = gpu.name();
    report.stopped = controls.is_stopped();
    report.wall_s = started.elapsed().as_secs_f64();
    match outcome {
        Ok(()) if report.frames_encoded == 0 => {
            Err(Box::new(Failure { error: Error::not_readable("expected at least one frame but found none"), report }))
        }
        Ok(()) => Ok(report),
        Err(error) => Err(Box::new(Failure { error, report })),
    }
}

/// A recording that has begun: its recorder waits for frames.
struct Recording {
    recorder: MediaRecorder,
    stream: MediaStream,
    frames: Receiver<Result<Frame>>,
    feed: Feed,
    rate: Option<FrameRate>,
    limit: Option<Span>,
    frame_span: Span,
    /// How long it will be, where that is known.
    expected: Option<Span>,
}

impl Recording {
    fn prepare(gpu: &Gpu, media: Media, size: Size, options: &RecordOptions, destination: Destination) -> Result<Self> {
        gpu.check_size(size)?;
        let Media { video, audio } = media;
        let info = video.info().clone();
        let rate = options.rate.or(info.rate);
        let frame_span = info.rate.or(rate).map_or(NOMINAL_SPAN, FrameRate::frame_span);
        let clock = if options.real_time { Clock::real() } else { Clock::stamped() };
        let mut canvas = Canvas::new(gpu, size)?.with_clock(clock.clone());
        let stream = canvas.capture_stream(None)?;
        let sound = audio.map(|source| SoundFeed::begin(source, &clock)).transpose()?;
        if let Some(sound) = &sound {
            stream.add_track(sound.track.track());
        }
        let (drawing, filter) = (video.drawn_by(), options.filter.clone());
        canvas.set_filter(&drawing.clone().then(filter.clone()));
        let recorder = MediaRecorder::new(&stream, recorder_options(options, rate))?;
        recorder.start_to(destination)?;
        let (frames_out, frames) = sync_channel(READ_AHEAD);
        let mut video = video;
        read_ahead("source", move || video.next_frame(), frames_out)?;
        let feed = Feed { canvas, sound, drawing, filter, counters: recorder.counters(), began: None };
        let expected = expected_length(info.frames.map(|frames| (frames, frame_span)), options.duration);
        let (rate, limit) = (options.rate, options.duration);
        Ok(Self { recorder, stream, frames, feed, rate, limit, frame_span, expected })
    }

    /// Runs it to its end; how it ended, and what became of every frame.
    fn run(self, controls: &Controls, on_event: &mut dyn FnMut(RecordEvent)) -> (Result<()>, Report) {
        let Self { recorder, stream, frames, feed, rate, limit, frame_span, expected } = self;
        let ended = AtomicBool::new(false);
        let is_over = || controls.is_stopped() || ended.load(Ordering::Acquire);
        let frames = Frames { frames, is_over: &is_over, failure: None };
        let pacer = Pacer::new(frames, rate, limit, frame_span);
        let (fed, recorded) = thread::scope(|scope| {
            // Also when a panic in `on_event` unwinds: the feed's thread is waited for.
            let end = EndOnDrop { ended: &ended, recorder: &recorder };
            let work = || feed.run(pacer, frame_span, &is_over, controls);
            let fed = thread::Builder::new().name("feed".into()).spawn_scoped(scope, work);
            if fed.is_err() {
                recorder.stop();
            }
            let mut recorded = Ok(());
            while let Some(event) = next_event(&recorder, expected, on_event) {
                match event {
                    Event::Error(error) => recorded = Err(error),
                    Event::DataAvailable(data) => on_event(RecordEvent::Data(data)),
                    Event::Start | Event::Pause | Event::Resume | Event::Stop => {}
                }
            }
            drop(end);
            let fed = fed.map_err(Error::no_thread).and_then(|fed| fed.join().map_err(|_| broke_off("feed")));
            (fed, recorded)
        });
        let mut report = recorder.report();
        // Frames that the GPU still has in flight are counted when they arrive and find no recorder.
        wait_for_end(&stream);
        let fed = match fed {
            Ok((fed, counts)) => {
                report.account(&recorder.counters(), counts);
                fed
            }
            Err(error) => Err(error),
        };
        // A stage fails after the one before it; the first on the path knows why.
        (fed.and(recorded), report)
    }
}

/// Ends the recording.
struct EndOnDrop<'a> {
    ended: &'a AtomicBool,
    recorder: &'a MediaRecorder,
}

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        self.recorder.stop();
    }
}

/// The recorder's next event, telling its progress while there is none; none at the end.
fn next_event(
    recorder: &MediaRecorder,
    expected: Option<Span>,
    on_event: &mut dyn FnMut(RecordEvent),
) -> Option<Event> {
    let events = recorder.events();
    loop {
        let event = events.next_within(POLL_INTERVAL);
        on_event(RecordEvent::Progress(Progress { expected, ..recorder.progress() }));
        if event.is_some() || events.is_over() {
            return event;
        }
    }
}

/// Waits until all tracks have ended, which the canvas's does when all that it captured has arrived.
fn wait_for_end(stream: &MediaStream) {
    let until = Instant::now() + ARRIVAL_TIMEOUT;
    for track in stream.tracks() {
        let events = track.events();
        while events.next_within(until.saturating_duration_since(Instant::now())).is_some() {}
    }
}

fn recorder_options(options: &RecordOptions, rate: Option<FrameRate>) -> MediaRecorderOptions {
    let mut recorder = options.recorder.clone();
    recorder.frame_rate = recorder.frame_rate.or(rate);
    recorder.time_limit = options.duration.or(recorder.time_limit);
    recorder
}

/// The source stage: what it gives, then the error that ended it, if one did. A source may wait forever for its next
/// frame; its thread is not waited for.
fn read_ahead<T: Send + 'static>(
    stage: &'static str,
    mut next: impl FnMut() -> Result<Option<T>> + Send + 'static,
    to: SyncSender<Result<T>>,
) -> Result<()> {
    let read = move || {
        while let Some(item) = catch_panic(stage, &mut next).flatten().transpose() {
            let failed = item.is_err();
            if to.send(item).is_err() || failed {
                return;
            }
        }
    };
    thread::Builder::new().name(stage.into()).spawn(read).map(drop).map_err(Error::no_thread)
}

/// The source's frames, until it ends or fails, or the recording is over.
struct Frames<'a> {
    frames: Receiver<Result<Frame>>,
    is_over: &'a IsOver<'a>,
    failure: Option<Error>,
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        while !(self.is_over)() {
            match self.frames.recv_timeout(POLL_INTERVAL) {
                Ok(Ok(frame)) => return Some(frame),
                Ok(Err(error)) => {
                    self.failure = Some(error);
                    return None;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        None
    }
}

/// The feed stage: draws frames on the canvas at their times, and gives the sound that belongs to them. The tracks end with
/// it.
struct Feed {
    canvas: Canvas,
    sound: Option<SoundFeed>,
    drawing: FilterChain,
    filter: FilterChain,
    /// Counts the recorder's frames: those too that do not get as far as the recorder.
    counters: Arc<FrameCounters>,
    /// In real time, when the first frame was shown.
    began: Option<Timestamp>,
}

impl Feed {
    /// How it ended, and what the pacer counted.
    fn run(
        mut self,
        mut pacer: Pacer<Frames>,
        frame_span: Span,
        is_over: &IsOver,
        controls: &Controls,
    ) -> (Result<()>, PacerCounts) {
        let outcome = self.feed(&mut pacer, frame_span, is_over, controls);
        let (source, counts) = pacer.finish();
        for _ in 0..counts.not_given {
            self.lose_at_end(controls.is_stopped());
        }
        (outcome.and(source.failure.map_or(Ok(()), Err)), counts)
    }

    fn feed(
        &mut self,
        pacer: &mut Pacer<Frames>,
        frame_span: Span,
        is_over: &IsOver,
        controls: &Controls,
    ) -> Result<()> {
        let mut end = Timestamp::ZERO;
        for paced in pacer.by_ref() {
            self.follow(controls);
            end = paced.timestamp + frame_span;
            let repeated = paced.repeated;
            self.show(paced, is_over)?;
            if repeated && is_over() {
                // A gap may be filled with any number of repetitions.
                break;
            }
        }
        // The sound of the last picture belongs to it.
        self.wait_until(end, is_over).map(drop)
    }

    /// Draws a frame at its time.
    fn show(&mut self, paced: PacedFrame, is_over: &IsOver) -> Result<()> {
        let PacedFrame { frame, timestamp, .. } = paced;
        let painted = self.wait_until(timestamp, is_over).and_then(|reached| {
            if !reached {
                return Ok(None);
            }
            self.canvas.draw(frame);
            let time = if self.canvas.clock().is_real() { self.canvas.clock().now() } else { timestamp };
            self.canvas.paint(time).map(Some)
        });
        match painted {
            Ok(Some(true)) => {}
            // Nobody records any more.
            Ok(Some(false)) => self.lose_at_end(false),
            // Its time did not come.
            Ok(None) => self.lose_at_end(true),
            Err(_) => self.counters.ticket(None).dropped(DropReason::Failed),
        }
        painted.map(drop)
    }

    /// Counts a frame that comes too late: the recording was stopped, or its recorder has ended for a reason of its own.
    fn lose_at_end(&self, stopped: bool) {
        let ticket = self.counters.ticket(None);
        if stopped { ticket.dropped(DropReason::Ended) } else { drop(ticket) }
    }

    /// Gives the sound up to `time`; in real time, waits for that. False when the recording ended before.
    fn wait_until(&mut self, time: Timestamp, is_over: &IsOver) -> Result<bool> {
        let clock = self.canvas.clock().clone();
        if !clock.is_real() {
            return self.give_sound(time, Span::ZERO, is_over);
        }
        let began = *self.began.get_or_insert_with(|| clock.now());
        let shift = began - Timestamp::ZERO;
        loop {
            let now = clock.now() - shift;
            self.give_sound(now.min(time), shift, is_over)?;
            if now >= time || is_over() {
                return Ok(now >= time);
            }
            let left = Duration::from_nanos((time - now).as_nanos().unsigned_abs());
            thread::sleep(left.min(POLL_INTERVAL / 5));
        }
    }

    /// False when the recording ended before all was given.
    fn give_sound(&mut self, time: Timestamp, shift: Span, is_over: &IsOver) -> Result<bool> {
        let Some(sound) = &mut self.sound else { return Ok(true) };
        let given = sound.give_until(time, shift, is_over)?;
        if given == Given::AllThereIs {
            self.sound = None;
        }
        Ok(given != Given::NotAll)
    }

    /// Goes on with the chains that were asked for meanwhile.
    fn follow(&mut self, controls: &Controls) {
        self.canvas.refused().into_iter().for_each(|error| controls.refuse(error));
        let Edits { drawing, filter } = controls.take_edits();
        if drawing.is_some() || filter.is_some() {
            self.drawing = drawing.unwrap_or_else(|| self.drawing.clone());
            self.filter = filter.unwrap_or_else(|| self.filter.clone());
            self.canvas.set_filter(&self.drawing.clone().then(self.filter.clone()));
        }
    }
}

/// The sound of a source, given as far as the pictures have come.
struct SoundFeed {
    buffers: Receiver<Result<AudioBuffer>>,
    track: TrackGenerator,
    /// What was read and not yet given.
    rest: Option<AudioBuffer>,
}

impl SoundFeed {
    /// Begins to read it.
    fn begin(mut source: Box<dyn AudioSource>, clock: &Clock) -> Result<Self> {
        let info = source.info();
        let track = TrackGenerator::audio(info.rate, info.channels, clock);
        let (to, buffers) = sync_channel(SOUND_AHEAD);
        read_ahead("sound source", move || source.next_buffer(), to)?;
        Ok(Self { buffers, track, rest: None })
    }

    /// Gives what is heard before `time`, `shift` later, unless the recording is over.
    fn give_until(&mut self, time: Timestamp, shift: Span, is_over: &IsOver) -> Result<Given> {
        while !is_over() {
            let real = self.track.track().clock().is_real();
            let sound = match self.rest.take() {
                Some(sound) => sound,
                None => match self.buffers.recv_timeout(if real { Duration::ZERO } else { POLL_INTERVAL }) {
                    Ok(sound) => sound?,
                    // In real time pictures do not wait for sound.
                    Err(RecvTimeoutError::Timeout) if real => return Ok(Given::UpToTime),
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => return Ok(Given::AllThereIs),
                },
            };
            let samples = (samples_in(time - sound.timestamp, sound.rate) as usize).min(sound.samples());
            let mut now = sound.slice(0..samples);
            if samples > 0 {
                now.timestamp = now.timestamp + shift;
                // A recorder that has ended takes no more.
                let _ = self.track.write_audio(now);
            }
            if samples < sound.samples() {
                self.rest = Some(sound.slice(samples..sound.samples()));
                return Ok(Given::UpToTime);
            }
        }
        Ok(Given::NotAll)
    }
}

/// How much of the sound that was asked for was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    UpToTime,
    /// The sound ended.
    AllThereIs,
    /// The recording ended before.
    NotAll,
}

impl Report {
    /// Adds up what the recorder and the pacer counted of one recording.
    fn account(&mut self, counters: &FrameCounters, pacer: PacerCounts) {
        self.count(counters);
        // The pacer's repetitions were frames that came in to the recorder.
        self.frames_in = pacer.taken;
        self.frames_repeated += pacer.repeated;
        self.dropped.rate = pacer.skipped;
        self.check();
    }
}

fn expected_length(source: Option<(u64, Span)>, limit: Option<Span>) -> Option<Span> {
    let whole = source.map(|(frames, span)| Span::from_nanos(span.as_nanos().saturating_mul(frames as i64)));
    match (whole, limit) {
        (Some(whole), Some(limit)) => Some(whole.min(limit)),
        (whole, limit) => whole.or(limit),
    }
}

fn broke_off(stage: &str) -> Error {
    Error::unknown(format!("the {stage} stage broke off: this is a fault in framereel"))
}
