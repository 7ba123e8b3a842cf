//! A source, from its beginning to its end, into a file: the whole path, top down.
//!
//! ```text
//! source ──Frame──▶ canvas: draw, filter, I420 ──▶ video track ─┐
//!                                                               ├─▶ MediaRecorder ──▶ destination
//! sound ─────────────────────────AudioBuffer ────▶ audio track ─┘
//! ```
//!
//! The source reads ahead on a thread of its own; the canvas's thread filters; the recorder's encode and write. Sound is
//! fed as far as the pictures have come, so that neither waits for the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::controls::Edits;
use super::pacer::{Paced, Pacer};
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
use crate::stream::{MediaStream, TrackGenerator};
use crate::time::{FrameRate, Span, Timestamp};

/// How long a picture is shown when nobody knows.
const NOMINAL_SPAN: Span = Span::from_millis(33);
/// How long a stage waits for a frame before it looks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(50);

/// What is recorded: pictures, and sound beside them.
pub struct Media {
    /// The pictures.
    pub video: Box<dyn Source>,
    /// The sound; it is recorded as long as the pictures are.
    pub audio: Option<Box<dyn AudioSource>>,
}

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
pub enum Told {
    /// How the recording stands; many times a second.
    Progress(Progress),
    /// A part of a recording into memory, or a file that is finished.
    Data(BlobEvent),
}

/// Records a source until it ends, the length asked for is reached or `controls` ask for its end. `told` hears, on the
/// calling thread, how it goes.
///
/// # Errors
/// A [`Failure`] when a stage fails; a range error in it when the size or the settings are out of bounds.
pub fn record(
    gpu: &Gpu,
    media: impl Into<Media>,
    options: &RecordOptions,
    destination: impl Into<Destination>,
    controls: &Controls,
    told: &mut dyn FnMut(Told),
) -> Result<Report, Box<Failure>> {
    let started = Instant::now();
    let Media { video, audio } = media.into();
    let info = video.info().clone();
    let size = options.size.unwrap_or(info.size);
    let rate = options.rate.or(info.rate);
    let frame_span = info.rate.or(rate).map_or(NOMINAL_SPAN, FrameRate::frame_span);
    let mut pacer = Pacer::new(options.rate, options.duration, frame_span);
    let mut report = Report { width: size.width, height: size.height, adapter: gpu.name(), ..Report::default() };

    let outcome = gpu.check_size(size).and_then(|()| {
        let mut feed = Feed::new(gpu, size, &*video, audio, options)?;
        let recorder = MediaRecorder::new(&feed.stream, recorder_options(options, rate))?;
        recorder.start_to(destination)?;
        let expected = expected_length(info.frames.map(|frames| (frames, frame_span)), options.duration);
        let (frames_out, frames) = sync_channel(2);
        // The source may wait for ever for its next frame, and a recording that is stopped does not wait for it.
        thread::Builder::new().name("source".into()).spawn(|| read(video, frames_out)).map_err(Error::no_thread)?;
        let ended = AtomicBool::new(false);
        let (fed, recorded) = thread::scope(|scope| {
            let work = || feed.run(frames, &mut pacer, frame_span, controls, &ended);
            let fed = thread::Builder::new().name("feed".into()).spawn_scoped(scope, work);
            if fed.is_err() {
                recorder.stop();
            }
            let mut recorded = Ok(());
            while let Some(event) =
                next(&recorder, &mut |progress| told(Told::Progress(Progress { expected, ..progress })))
            {
                match event {
                    Event::Error(error) => recorded = Err(error),
                    Event::DataAvailable(data) => told(Told::Data(data)),
                    Event::Start | Event::Pause | Event::Resume | Event::Stop => {}
                }
            }
            ended.store(true, Ordering::Release);
            (
                fed.map_err(Error::no_thread).and_then(|fed| fed.join().unwrap_or_else(|_| Err(broke_off("feed")))),
                recorded,
            )
        });
        report = Report { adapter: gpu.name(), ..recorder.report() };
        // A stage fails after the one before it; the first on the path knows why.
        fed.and(recorded)
    });

    report.frames_in = pacer.taken;
    report.frames_repeated += pacer.repeated;
    report.dropped.rate = pacer.skipped;
    report.settle(outcome.is_err());
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

/// The recorder's next event, telling its progress while there is none; none at the end.
fn next(recorder: &MediaRecorder, told: &mut dyn FnMut(Progress)) -> Option<Event> {
    let events = recorder.events();
    loop {
        let event = events.next_within(GLANCE);
        told(recorder.progress());
        if event.is_some() || events.is_over() {
            return event;
        }
    }
}

fn recorder_options(options: &RecordOptions, rate: Option<FrameRate>) -> MediaRecorderOptions {
    let mut recorder = options.recorder.clone();
    recorder.frame_rate = recorder.frame_rate.or(rate);
    recorder.time_limit = options.duration.or(recorder.time_limit);
    recorder
}

/// The source stage: frames as they come, then the error that ended them, if one did.
fn read(mut source: Box<dyn Source>, frames: SyncSender<Result<Frame>>) {
    let mut next = || {
        // Sources can be other people's code: one that panics is one that failed.
        catch_unwind(AssertUnwindSafe(|| source.next_frame())).unwrap_or_else(|_| Err(broke_off("source"))).transpose()
    };
    while let Some(frame) = next() {
        let failed = frame.is_err();
        if frames.send(frame).is_err() || failed {
            return;
        }
    }
}

/// The feed stage: draws frames on the canvas at their times, and gives the sound that belongs to them.
struct Feed {
    stream: MediaStream,
    /// Gone when all is given: then the tracks end.
    canvas: Option<Canvas>,
    sound: Option<SoundFeed>,
    drawing: FilterChain,
    filter: FilterChain,
    /// In real time, when the first frame was shown.
    began: Option<Timestamp>,
}

impl Feed {
    fn new(
        gpu: &Gpu,
        size: Size,
        source: &dyn Source,
        audio: Option<Box<dyn AudioSource>>,
        options: &RecordOptions,
    ) -> Result<Self> {
        let clock = if options.real_time { Clock::real() } else { Clock::stamped() };
        let mut canvas = Canvas::new(gpu, size)?.with_clock(clock.clone());
        let stream = canvas.capture_stream(None)?;
        let sound = audio.map(|source| SoundFeed::new(source, &clock));
        if let Some(sound) = &sound {
            stream.add_track(sound.track.track());
        }
        let (drawing, filter) = (source.drawn_by(), options.filter.clone());
        canvas.set_filter(&drawing.clone().then(filter.clone()));
        Ok(Self { stream, canvas: Some(canvas), sound, drawing, filter, began: None })
    }

    fn run(
        &mut self,
        frames: Receiver<Result<Frame>>,
        pacer: &mut Pacer,
        frame_span: Span,
        controls: &Controls,
        ended: &AtomicBool,
    ) -> Result<()> {
        let outcome =
            self.feed(&frames, pacer, frame_span, &|| controls.is_stopped() || ended.load(Ordering::Acquire), controls);
        // Everything is given; or nothing can be any more.
        (self.canvas, self.sound) = (None, None);
        outcome
    }

    fn feed(
        &mut self,
        frames: &Receiver<Result<Frame>>,
        pacer: &mut Pacer,
        frame_span: Span,
        is_over: &dyn Fn() -> bool,
        controls: &Controls,
    ) -> Result<()> {
        let mut end = Timestamp::ZERO;
        let mut outcome = Ok(());
        while !pacer.is_done() && !is_over() {
            let frame = match frames.recv_timeout(GLANCE) {
                Ok(Ok(frame)) => frame,
                Ok(Err(error)) => {
                    outcome = Err(error);
                    break;
                }
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            self.follow(controls);
            let mut due = Vec::new();
            pacer.push(frame, &mut |paced| due.push(paced));
            end = self.show(due, is_over)?.unwrap_or(end);
        }
        let mut due = Vec::new();
        if !pacer.is_done() {
            pacer.finish(&mut |paced| due.push(paced));
        }
        end = self.show(due, is_over)?.unwrap_or(end);
        // The last picture is heard to its end.
        self.wait_until(end + frame_span, is_over)?;
        outcome
    }

    /// Draws frames at their times; the time of the last one.
    fn show(&mut self, due: Vec<Paced>, is_over: &dyn Fn() -> bool) -> Result<Option<Timestamp>> {
        let mut shown = None;
        for Paced { frame, timestamp } in due {
            self.wait_until(timestamp, is_over)?;
            let Some(canvas) = &mut self.canvas else { break };
            canvas.draw(frame);
            if canvas.clock().is_real() {
                canvas.present()?
            } else {
                canvas.present_at(timestamp)?
            }
            shown = Some(timestamp);
        }
        Ok(shown)
    }

    /// Gives the sound up to `time`; in real time, waits for that.
    fn wait_until(&mut self, time: Timestamp, is_over: &dyn Fn() -> bool) -> Result<()> {
        let Some(clock) = self.canvas.as_ref().map(|canvas| canvas.clock().clone()) else { return Ok(()) };
        if !clock.is_real() {
            return self.sound_until(time, Span::ZERO);
        }
        let began = *self.began.get_or_insert_with(|| clock.now());
        let shift = began - Timestamp::ZERO;
        loop {
            let now = clock.now() - shift;
            self.sound_until(now.min(time), shift)?;
            if now >= time || is_over() {
                return Ok(());
            }
            let left = Duration::from_nanos((time - now).as_nanos().unsigned_abs());
            thread::sleep(left.min(GLANCE / 5));
        }
    }

    fn sound_until(&mut self, time: Timestamp, shift: Span) -> Result<()> {
        let going_on = self.sound.as_mut().map_or(Ok(true), |sound| sound.give_until(time, shift))?;
        if !going_on {
            self.sound = None;
        }
        Ok(())
    }

    /// Goes on with the chains that were asked for meanwhile.
    fn follow(&mut self, controls: &Controls) {
        let Some(canvas) = &mut self.canvas else { return };
        canvas.refused().into_iter().for_each(|error| controls.refuse(error));
        let Edits { drawing, filter } = controls.take_edits();
        if drawing.is_some() || filter.is_some() {
            self.drawing = drawing.unwrap_or_else(|| self.drawing.clone());
            self.filter = filter.unwrap_or_else(|| self.filter.clone());
            canvas.set_filter(&self.drawing.clone().then(self.filter.clone()));
        }
    }
}

/// The sound of a source, given as far as the pictures have come.
struct SoundFeed {
    source: Box<dyn AudioSource>,
    track: TrackGenerator,
    /// What was read and not yet given.
    rest: Option<AudioBuffer>,
}

impl SoundFeed {
    fn new(source: Box<dyn AudioSource>, clock: &Clock) -> Self {
        let info = source.info();
        let track = TrackGenerator::audio(info.rate, info.channels, clock);
        Self { source, track, rest: None }
    }

    /// Gives what is heard before `time`, `shift` later; false at the sound's end.
    fn give_until(&mut self, time: Timestamp, shift: Span) -> Result<bool> {
        loop {
            let sound = match self.rest.take() {
                Some(sound) => sound,
                None => match self.source.next_buffer()? {
                    Some(sound) => sound,
                    None => return Ok(false),
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
                return Ok(true);
            }
        }
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
