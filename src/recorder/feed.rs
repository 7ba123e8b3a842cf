//! The video of a recording: each frame of the source is drawn on a canvas at its time.
//!
//! With a clock that is not real, the same thread also feeds the sound, up to the time of the frames. In real time,
//! sound has its own thread ([`SoundFeed`](super::sound_feed::SoundFeed)), so that neither waits for the other.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use super::controls::{Controls, Edits};
use super::options::RecordOptions;
use super::overlay::Layers;
use super::pacer::{PacedFrame, Pacer, PacerCounts};
use super::record::{IsOver, POLL_INTERVAL, frame_span, read_ahead};
use super::schedule::Schedule;
use super::sound_feed::SoundFeed;
use super::stills::StillSaver;
use crate::canvas::Canvas;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::{BitDepth, Frame};
use crate::motion_blur::MotionBlur;
use crate::source::Source;
use crate::stream::{DropReason, FrameCounters, MediaStream};
use crate::time::{FrameRate, Span, Timestamp};

/// How many frames the source reads ahead.
const READ_AHEAD: usize = 2;

/// Draws frames on the canvas at their times. The video track ends when the feed is dropped.
pub(super) struct Feed {
    canvas: Canvas,
    layers: Layers,
    frames: Receiver<Result<Frame>>,
    /// Added to the timestamps of a live source to get the canvas's time; none where the source is not live.
    live: Option<Span>,
    /// Whether the frames wait for their times though the clock is not real.
    is_paced: bool,
    schedule: Arc<Schedule>,
    drawing: FilterChain,
    filter: FilterChain,
    rate: Option<FrameRate>,
    blur: Option<MotionBlur>,
    limit: Option<Span>,
    frame_span: Span,
}

impl Feed {
    /// Begins to read `source`, and adds the canvas's video track to `stream`.
    pub fn begin(
        mut source: Box<dyn Source>,
        mut canvas: Canvas,
        layers: Layers,
        options: &RecordOptions,
        stream: &MediaStream,
    ) -> Result<Self> {
        let (drawing, filter) = (source.drawn_by(), options.filter.clone());
        canvas.set_filter(&drawing.clone().then(filter.clone()));
        canvas.set_motion_blur(options.motion_blur);
        options.motion_blur.into_iter().for_each(|blur| source.blur(blur));
        canvas.capture_stream(None)?.tracks().iter().for_each(|track| stream.add_track(track));
        let frame_span = frame_span(&*source, options.rate);
        let live = source.live_clock().and_then(|clock| clock.shift_to(canvas.clock()));
        let (frames_out, frames) = sync_channel(READ_AHEAD);
        // What a live source reads is mostly waiting, which counts as no stage's work.
        let stage = if live.is_some() { "live source" } else { "source" };
        read_ahead(stage, move || source.next_frame(), frames_out)?;
        let (rate, blur, limit) = (options.rate, options.motion_blur, options.duration);
        let is_paced = options.real_time && !canvas.clock().is_real();
        let schedule = Arc::default();
        Ok(Self { canvas, layers, frames, live, is_paced, schedule, drawing, filter, rate, blur, limit, frame_span })
    }

    /// For a live source: waits for its first frame and filters it once, and discards the result. This compiles the
    /// shaders before the recording begins; during the recording, the delay would lose camera frames.
    ///
    /// # Errors
    /// When the source or the GPU fails.
    pub fn warm_up(&mut self, stream: &MediaStream, depth: BitDepth) -> Result<()> {
        let Some(track) = stream.video_tracks().into_iter().next().filter(|_| self.live.is_some()) else {
            return Ok(());
        };
        let Ok(first) = self.frames.recv() else { return Ok(()) };
        let first = Arc::new(first?);
        let time = self.canvas.clock().now();
        self.layers.draw(&mut self.canvas, first, Timestamp::ZERO, time)?;
        self.canvas.warm_up(&track, depth)
    }

    pub fn is_real_time(&self) -> bool {
        self.canvas.clock().is_real()
    }

    /// When the video begins and ends.
    pub fn schedule(&self) -> Arc<Schedule> {
        self.schedule.clone()
    }

    /// Shows all frames; returns the result and the pacer's counts. `counters` are the recorders'; frames that never
    /// reach a recorder are counted there too.
    pub fn run(
        self,
        sound: Option<SoundFeed>,
        counters: Vec<Arc<FrameCounters>>,
        is_over: &IsOver,
        controls: &Controls,
    ) -> (Result<()>, PacerCounts) {
        let Self { canvas, layers, frames, live, is_paced, schedule, drawing, filter, rate, blur, limit, frame_span } =
            self;
        let since = canvas.clock().now();
        let frames = Frames { frames, live, since, schedule: schedule.clone(), is_over, failure: None };
        let mut pacer = Pacer::new(frames, rate, limit, frame_span).with_motion_blur(blur);
        let is_live = live.is_some();
        let stills = StillSaver::default();
        let mut presenter = FramePresenter {
            canvas,
            layers,
            drawn: None,
            sound,
            schedule,
            is_live,
            pace: is_paced.then(Clock::real),
            drawing,
            filter,
            counters,
            stills,
            is_over,
            controls,
        };
        let outcome = presenter.present_all(&mut pacer, frame_span);
        let (source, counts) = pacer.finish();
        for _ in 0..counts.not_given {
            presenter.lose_at_end(controls.is_stopped());
        }
        presenter.stills.finish(controls);
        (outcome.and(source.failure.map_or(Ok(()), Err)), counts)
    }
}

/// The source's frames, until the source ends or fails, or the recording is over. With a live source, the first frame
/// begins the recording's schedule and has time 0.
struct Frames<'a> {
    frames: Receiver<Result<Frame>>,
    live: Option<Span>,
    /// When the recording began: earlier frames of a live source are left out.
    since: Timestamp,
    schedule: Arc<Schedule>,
    is_over: &'a IsOver<'a>,
    failure: Option<Error>,
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        while !(self.is_over)() {
            match self.frames.recv_timeout(POLL_INTERVAL) {
                Ok(Ok(frame)) => match self.placed(frame) {
                    Some(frame) => return Some(frame),
                    None => continue,
                },
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

impl Frames<'_> {
    /// The frame with its time since the first frame; none for a live frame from before the recording.
    fn placed(&self, frame: Frame) -> Option<Frame> {
        let Some(shift) = self.live else { return Some(frame) };
        let time = frame.timestamp + shift;
        if time < self.since {
            return None;
        }
        let began = self.schedule.begin(time);
        Some(frame.with_timestamp(Timestamp::ZERO + (time - began)))
    }
}

/// Shows frames at their times.
struct FramePresenter<'a> {
    canvas: Canvas,
    layers: Layers,
    /// The frame that was drawn last.
    drawn: Option<Arc<Frame>>,
    sound: Option<SoundFeed>,
    schedule: Arc<Schedule>,
    is_live: bool,
    /// The real time since the beginning, where frames wait for it though the canvas's clock is not real.
    pace: Option<Clock>,
    drawing: FilterChain,
    filter: FilterChain,
    counters: Vec<Arc<FrameCounters>>,
    stills: StillSaver,
    is_over: &'a IsOver<'a>,
    controls: &'a Controls,
}

impl FramePresenter<'_> {
    fn present_all(&mut self, pacer: &mut Pacer<Frames>, frame_span: Span) -> Result<()> {
        let outcome = self.present_each(pacer, frame_span);
        // The sound ends where the video does, whether the source ended or the recording was stopped.
        let clock = self.canvas.clock();
        self.schedule.end(if clock.is_real() { clock.now() } else { Timestamp::MAX });
        outcome
    }

    fn present_each(&mut self, pacer: &mut Pacer<Frames>, frame_span: Span) -> Result<()> {
        let mut end = Timestamp::ZERO;
        for paced in pacer.by_ref() {
            self.follow_controls();
            end = paced.timestamp + frame_span;
            let repeated = paced.repeated;
            self.show(paced)?;
            if repeated && (self.is_over)() {
                // A long gap may need many repetitions; check for the end between them.
                break;
            }
        }
        // Sound is recorded to the end of the last frame.
        self.wait_until(end).map(drop)
    }

    /// Draws a frame or a sub-frame at its time.
    fn show(&mut self, paced: PacedFrame) -> Result<()> {
        let PacedFrame { frame, timestamp, sub_frame, ends_frame, .. } = paced;
        let painted = self.wait_until(timestamp).and_then(|reached| {
            if !reached {
                return Ok(None);
            }
            let shown_at = self.shown_at(timestamp);
            let began = self.schedule.began().unwrap_or_default();
            // Sub-frames that show the same are drawn once.
            let is_drawn = sub_frame > 0 && self.layers.are_of_one_source();
            if !is_drawn || self.drawn.as_ref().is_none_or(|drawn| !Arc::ptr_eq(drawn, &frame)) {
                self.layers.draw(&mut self.canvas, frame.clone(), timestamp, began)?;
                self.drawn = Some(frame);
            }
            self.stills.follow(self.controls, &self.canvas);
            self.canvas.paint(shown_at).map(Some)
        });
        match &painted {
            // The frame counts with its last sub-frame; if that does not come, the pacer counts it.
            _ if !ends_frame => {}
            // A recorder that gets no frame has ended, by its limit or by a failure; others may go on.
            Ok(Some(captured_for)) => {
                let lost = self.counters.iter().filter(|own| !captured_for.iter().any(|got| Arc::ptr_eq(got, own)));
                lost.for_each(|counters| drop(counters.ticket(None)));
            }
            // The recording ended before the frame's time.
            Ok(None) => self.lose_at_end(true),
            Err(_) => self.lose(Some(DropReason::Failed)),
        }
        painted.map(drop)
    }

    /// The canvas's time of a frame that is shown now; for a live frame, the time at which it was captured.
    fn shown_at(&self, timestamp: Timestamp) -> Timestamp {
        let clock = self.canvas.clock();
        match self.schedule.began() {
            Some(began) if self.is_live => began + (timestamp - Timestamp::ZERO),
            _ if clock.is_real() => clock.now(),
            _ => timestamp,
        }
    }

    /// Counts a frame that comes too late: the recording was `stopped`, or else the recorder has ended for another
    /// reason.
    fn lose_at_end(&self, stopped: bool) {
        self.lose(stopped.then_some(DropReason::Ended));
    }

    /// Counts a frame that no recorder gets, for this reason or for that for which each recorder has ended.
    fn lose(&self, reason: Option<DropReason>) {
        for ticket in self.counters.iter().map(|counters| counters.ticket(None)) {
            match reason {
                Some(reason) => ticket.dropped(reason),
                None => drop(ticket),
            }
        }
    }

    /// In real time, waits until `time`; otherwise feeds the sound up to `time`. False when the recording ended before.
    fn wait_until(&mut self, time: Timestamp) -> Result<bool> {
        let clock = self.canvas.clock();
        if clock.is_real() {
            let began = self.schedule.begin(clock.now());
            return Ok(self.sleep_until(clock, began + (time - Timestamp::ZERO)));
        }
        let reached = self.pace.as_ref().is_none_or(|pace| self.sleep_until(pace, time));
        Ok(self.give_sound(time)? && reached)
    }

    /// Sleeps until `time` of a real clock; false when the recording ended before.
    fn sleep_until(&self, clock: &Clock, time: Timestamp) -> bool {
        loop {
            let now = clock.now();
            if now >= time || (self.is_over)() {
                return now >= time;
            }
            thread::sleep(Duration::from(time - now).min(POLL_INTERVAL / 5));
        }
    }

    /// Feeds the sound up to `time`. False when the recording is over.
    fn give_sound(&mut self, time: Timestamp) -> Result<bool> {
        let Some(sound) = &mut self.sound else { return Ok(true) };
        if sound.give_until(time, self.is_over)?.is_all_there_is() {
            self.sound = None;
        }
        Ok(!(self.is_over)())
    }

    /// Applies the filter chains requested since the last frame.
    fn follow_controls(&mut self) {
        self.canvas.refused().into_iter().for_each(|error| self.controls.refuse(error));
        let Edits { drawing, filter } = self.controls.take_edits();
        if drawing.is_some() || filter.is_some() {
            self.drawing = drawing.unwrap_or_else(|| self.drawing.clone());
            self.filter = filter.unwrap_or_else(|| self.filter.clone());
            self.canvas.set_filter(&self.drawing.clone().then(self.filter.clone()));
        }
    }
}
