//! The thread "player": shows frames and gives sound up to the playhead's position.

use std::sync::Arc;
use std::time::Duration;

use super::playhead::Playhead;
use super::reader::FilmReader;
use super::{PlayedFilm, PlayerEvent, PlayerShared, PlayerState};
use crate::error::{Error, ErrorKind, Result};
use crate::time::{Span, Timestamp};

/// How often sound is given, and how long a frame that has been read may wait before it is shown.
const TICK: Duration = Duration::from_millis(10);
/// How often it is looked whether a live source has a frame.
const LIVE_TICK: Duration = Duration::from_millis(3);
/// How often a frame is painted again while it stays on screen.
const STILL_TICK: Duration = Duration::from_millis(40);
/// How long after its time an unread frame makes the player wait.
const TIMEOUT: Span = Span::from_millis(250);
/// Frames later than this are shown at the current time.
const LATEST: Span = Span::from_millis(200);

/// A film that is played.
pub(super) struct Playback {
    shared: Arc<PlayerShared>,
    film: PlayedFilm,
    reader: FilmReader,
    state: PlaybackState,
}

/// Its playhead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlaybackState {
    /// The first frame of the position is not shown yet.
    Opening,
    Playing,
    /// Reading cannot keep up.
    Waiting,
    /// It ended or failed; only a seek continues.
    Over,
}

impl Playback {
    pub fn new(shared: Arc<PlayerShared>, film: PlayedFilm, reader: FilmReader) -> Self {
        Self { shared, film, reader, state: PlaybackState::Opening }
    }

    /// Runs until the player is dropped.
    pub fn run(mut self) {
        let mut wait = Duration::ZERO;
        while let Some(seek) = self.wait(wait) {
            let begun = seek.map_or(Ok(()), |position| self.begin_at(position));
            wait = begun.and_then(|()| self.step()).unwrap_or_else(|error| self.fail(&error));
        }
    }

    /// Waits this long, or until a request; returns the position to seek to, if any. None when the player was dropped.
    fn wait(&self, timeout: Duration) -> Option<Option<Span>> {
        let mut state = self.shared.lock();
        if !state.stopped && state.seek.is_none() && !timeout.is_zero() {
            self.shared.changed.wait_for(&mut state, timeout);
        }
        (!state.stopped).then(|| state.seek.take())
    }

    /// Opens the film at this position. At or beyond its end the film is over.
    fn begin_at(&mut self, position: Span) -> Result<()> {
        self.state = PlaybackState::Opening;
        match FilmReader::begin(&self.film, position, &self.shared.clock) {
            Ok(reader) => {
                self.reader = reader;
                Ok(())
            }
            Err(error) if *error.kind() == ErrorKind::Range && position > Span::ZERO => {
                self.arrive();
                let end = self.shared.lock().duration.unwrap_or(position);
                self.finish(end)
            }
            Err(error) => Err(error),
        }
    }

    /// Shows and plays everything that is due; returns how long to wait then.
    fn step(&mut self) -> Result<Duration> {
        if self.state == PlaybackState::Over {
            self.shared.screen().repeat_while_idle(self.shared.clock.now())?;
            return Ok(STILL_TICK);
        }
        if self.state == PlaybackState::Opening && !self.show_first()? {
            return Ok(TICK);
        }
        if self.reader.is_live() {
            return self.show_live();
        }
        self.keep_up()?;
        let now = self.shared.clock.now();
        let playhead = {
            let mut state = self.shared.lock();
            if state.seek.is_some() {
                return Ok(Duration::ZERO);
            }
            let moving = !state.paused && self.state == PlaybackState::Playing;
            self.set_moving(&mut state, moving, now);
            state.playhead
        };
        let position = playhead.position(now);
        while let Some(due) = self.reader.sound(position)? {
            self.shared.screen().give(due, &playhead)?;
        }
        self.show_due(&playhead, now)?;
        if !playhead.is_moving() {
            return Ok(if self.state == PlaybackState::Waiting { TICK } else { STILL_TICK });
        }
        if let Some(end) = self.reader.end()?.filter(|&end| position >= end) {
            self.shared.lock().duration = Some(end);
            return self.finish(end).map(|()| Duration::ZERO);
        }
        let next = self.reader.next_picture()?.map(|shown| playhead.time_of(shown) - self.shared.clock.now());
        let left = next.map_or(TICK, |left| Duration::from_nanos(left.as_nanos().max(1).unsigned_abs()));
        Ok(left.min(TICK))
    }

    /// Starts or stops the playhead; tells when it starts.
    fn set_moving(&self, state: &mut PlayerState, moving: bool, now: Timestamp) {
        if moving != state.playhead.is_moving() {
            state.playhead.set_moving(moving, now);
            if moving {
                self.shared.listeners.tell(|| PlayerEvent::Playing);
            }
        }
    }

    /// Shows every frame of a live source that has come, unless it is paused; and gives the sound of a file beside it.
    fn show_live(&mut self) -> Result<Duration> {
        let (paused, playhead, now) = {
            let mut state = self.shared.lock();
            let (moving, now) = (!state.paused, self.shared.clock.now());
            self.set_moving(&mut state, moving, now);
            (state.paused, state.playhead, now)
        };
        while let Some(due) = self.reader.sound(playhead.position(now))? {
            self.shared.screen().give(due, &playhead)?;
        }
        let mut shown = false;
        while let Some((time, frame)) = self.reader.live_picture()? {
            if !paused {
                self.shared.lock().quality.total_frames += 1;
                self.shared.screen().show(frame, playhead.position(time), time)?;
                shown = true;
            }
        }
        if !shown {
            self.shared.screen().repeat_while_idle(now)?;
        }
        if self.reader.has_next_picture()? && self.reader.next_picture()?.is_none() {
            let end = self.shared.lock().playhead.position(now);
            return self.finish(end).map(|()| Duration::ZERO);
        }
        Ok(LIVE_TICK)
    }

    /// Shows the frame at the position, once it is read.
    fn show_first(&mut self) -> Result<bool> {
        let Some((position, frame)) = self.reader.picture(Span::MAX)? else {
            if self.reader.has_next_picture()? {
                return Err(Error::not_readable("expected at least one frame but found none"));
            }
            return Ok(false);
        };
        self.shared.screen().show(frame, position, self.shared.clock.now())?;
        self.shared.lock().quality.total_frames += 1;
        self.state = PlaybackState::Playing;
        self.arrive();
        Ok(true)
    }

    /// Ends a seek, unless another one was requested meanwhile.
    fn arrive(&self) {
        let mut state = self.shared.lock();
        if state.seeking && state.seek.is_none() {
            state.seeking = false;
            self.shared.listeners.tell(|| PlayerEvent::Seeked);
        }
    }

    /// Pauses the playhead where the next frame is long due and not read; continues when it is read.
    fn keep_up(&mut self) -> Result<()> {
        let there = self.reader.has_next_picture()?;
        let mut state = self.shared.lock();
        let position = state.playhead.position(self.shared.clock.now());
        match self.state {
            PlaybackState::Waiting if there => self.state = PlaybackState::Playing,
            PlaybackState::Playing
                if !there && state.playhead.is_moving() && position > self.reader.seen() + TIMEOUT =>
            {
                state.playhead.set_moving(false, self.shared.clock.now());
                self.state = PlaybackState::Waiting;
                self.shared.listeners.tell(|| PlayerEvent::Waiting);
            }
            _ => {}
        }
        Ok(())
    }

    /// Shows the last frame that is due, and counts those before it, which are too late.
    fn show_due(&mut self, playhead: &Playhead, now: Timestamp) -> Result<()> {
        let mut due = None;
        let mut count = 0;
        while let Some(picture) = self.reader.picture(playhead.position(now))? {
            due = Some(picture);
            count += 1;
        }
        if count > 0 {
            let mut state = self.shared.lock();
            state.quality.total_frames += count;
            state.quality.dropped_frames += count - 1;
        }
        let mut screen = self.shared.screen();
        let Some((shown, frame)) = due else { return screen.repeat_while_idle(now) };
        let time = playhead.time_of(shown);
        screen.show(frame, shown, if now - time < LATEST { time } else { now })
    }

    /// The film is over: it starts again, or ends with its tracks.
    fn finish(&mut self, end: Span) -> Result<()> {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        if state.seek.is_some() {
            return Ok(());
        }
        if state.looping {
            state.go_to(Span::ZERO, &self.shared.clock);
            return Ok(());
        }
        state.playhead.set_moving(false, now);
        state.playhead.jump(end, now);
        state.ended = true;
        let was_playing = !std::mem::replace(&mut state.paused, true);
        drop(state);
        self.state = PlaybackState::Over;
        self.shared.screen().end_tracks()?;
        if was_playing {
            self.shared.listeners.tell(|| PlayerEvent::Pause);
        }
        self.shared.listeners.tell(|| PlayerEvent::Ended);
        Ok(())
    }

    /// The film cannot be read further; returns how long to wait.
    fn fail(&mut self, error: &Error) -> Duration {
        let mut state = self.shared.lock();
        state.playhead.set_moving(false, self.shared.clock.now());
        (state.paused, state.seeking) = (true, state.seek.is_some());
        state.failed = state.seek.is_none();
        drop(state);
        let first = std::mem::replace(&mut self.state, PlaybackState::Over) != PlaybackState::Over;
        if first {
            // The size has been accepted.
            let _ = self.shared.screen().end_tracks();
            self.shared.listeners.tell(|| PlayerEvent::Error(error.clone()));
        }
        STILL_TICK
    }
}
