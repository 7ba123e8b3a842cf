//! Reads a film ahead from a position on: frames and sound, each on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use crate::audio::{AudioBuffer, samples_in, span_of};
use crate::clock::Clock;
use crate::error::ErrorKind;
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::{Frame, Size};
use crate::source::audio::{AudioSource, open_audio};
use crate::source::{Source, SourceOptions, open};
use crate::time::{FrameRate, Span, Timestamp};

use super::{PlayedFilm, PlayerSound};

/// How many frames are read ahead.
const PICTURES: usize = 4;
/// How many buffers of sound are read ahead; most have 20 ms.
const BUFFERS: usize = 50;
/// How long a frame is shown when its duration is unknown.
const NOMINAL_SPAN: Span = Span::from_millis(33);

/// A film that is read ahead. Positions are on the film's own time line.
pub(super) struct FilmReader {
    pub size: Size,
    pub rate: Option<FrameRate>,
    /// The chain that draws the frames of a source that is a shader.
    pub drawn_by: FilterChain,
    /// The film's length, where it is known before the end.
    pub duration: Option<Span>,
    /// The rate and the channels of its sound, where it has any.
    pub sound_format: Option<(u32, usize)>,
    pictures: ReadAhead<Frame>,
    sound: Option<ReadAhead<AudioBuffer>>,
    /// For a live source: added to its timestamps to get the player's clock's time.
    live: Option<Span>,
    /// Whether its sound is not the film's own, so that it does not decide where the film ends.
    other_sound: bool,
    /// The position at which timestamps are 0.
    base: Span,
    /// The position up to which sound was given.
    heard: Span,
    /// The duration of a frame.
    frame_span: Span,
    /// The end of the last frame that was taken.
    seen: Span,
}

/// Sound that is due, and its position.
pub(super) struct DueSound {
    pub position: Span,
    pub sound: AudioBuffer,
}

impl FilmReader {
    /// Opens the film at `start`. The first frame is the one that is shown at that time.
    pub fn begin(film: &PlayedFilm, start: Span, clock: &Clock) -> Result<Self> {
        let from = (start > Span::ZERO).then_some(start);
        let mut source = open(&film.spec, &SourceOptions { start: from, ..film.source.clone() })?;
        let live = source.live_clock().and_then(|own| own.shift_to(clock));
        let base = source.first_frame().filter(|_| start > Span::ZERO).unwrap_or(start);
        let info = source.info().clone();
        let frame_span = info.rate.map_or(NOMINAL_SPAN, FrameRate::frame_span);
        let pictures_length = info.rate.zip(info.frames).map(|(rate, frames)| rate.timestamp(frames) - Timestamp::ZERO);
        let sound = sound_of(&mut *source, &film.sound, from)?;
        let sound_info = sound.as_ref().map(|sound| sound.info().clone());
        let rest = match (pictures_length.filter(|_| !info.endless), &sound_info) {
            // Another sound than the film's own is no longer than the film.
            (Some(pictures), Some(_)) if film.sound != PlayerSound::Own => Some(pictures),
            (Some(pictures), Some(sound)) => sound.length.map(|length| length.max(pictures)),
            (pictures, _) => pictures,
        };
        let drawn_by = source.drawn_by();
        let ahead =
            |mut sound: Box<dyn AudioSource>| ReadAhead::begin("player sound", BUFFERS, move || sound.next_buffer());
        Ok(Self {
            size: info.size,
            rate: info.rate,
            drawn_by,
            duration: rest.map(|rest| base + rest),
            sound_format: sound_info.map(|info| (info.rate, info.channels)),
            pictures: ReadAhead::begin("player pictures", PICTURES, move || source.next_frame())?,
            sound: sound.map(ahead).transpose()?,
            live,
            other_sound: film.sound != PlayerSound::Own,
            base,
            heard: start,
            frame_span,
            seen: start,
        })
    }

    /// Whether its frames come in real time.
    pub fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// The next frame of a live source that has come, and the clock's time of its capture.
    pub fn live_picture(&mut self) -> Result<Option<(Timestamp, Frame)>> {
        let (Some(shift), Some(_)) = (self.live, self.pictures.peek()?) else { return Ok(None) };
        Ok(self.pictures.next.take().map(|frame| (frame.timestamp + shift, frame)))
    }

    /// The next frame that is shown at `position` or before, and its own position. None when it is not read yet, or not
    /// due.
    pub fn picture(&mut self, position: Span) -> Result<Option<(Span, Frame)>> {
        let Some(next) = self.pictures.peek()? else { return Ok(None) };
        let shown = self.base + (next.timestamp - Timestamp::ZERO);
        if shown > position {
            return Ok(None);
        }
        self.seen = shown + self.frame_span;
        Ok(self.pictures.next.take().map(|frame| (shown, frame)))
    }

    /// Whether the next frame is read, due or not, or none follows.
    pub fn has_next_picture(&mut self) -> Result<bool> {
        Ok(self.pictures.peek()?.is_some() || self.pictures.over)
    }

    /// The end of the frames that were taken.
    pub fn seen(&self) -> Span {
        self.seen
    }

    /// The position of the next frame, if it is read.
    pub fn next_picture(&mut self) -> Result<Option<Span>> {
        let base = self.base;
        Ok(self.pictures.peek()?.map(|next| base + (next.timestamp - Timestamp::ZERO)))
    }

    /// The next sound before `position`; none when no more of it is read yet.
    pub fn sound(&mut self, position: Span) -> Result<Option<DueSound>> {
        let Some(ahead) = &mut self.sound else { return Ok(None) };
        while let Some(sound) = ahead.peek()? {
            let begin = self.base + (sound.timestamp - Timestamp::ZERO);
            let samples = |until: Span| (samples_in(until - begin, sound.rate()) as usize).min(sound.samples());
            let (first, last) = (samples(self.heard), samples(position));
            let due = (last > first).then(|| {
                let place = |samples: usize| begin + span_of(samples as u64, sound.rate());
                self.heard = place(last);
                DueSound { position: place(first), sound: sound.slice(first..last) }
            });
            if last.max(first) == sound.samples() {
                ahead.next = None;
            } else if due.is_none() {
                return Ok(None);
            }
            if due.is_some() {
                return Ok(due);
            }
        }
        Ok(None)
    }

    /// The end of the film, once all of it was taken.
    pub fn end(&mut self) -> Result<Option<Span>> {
        let silent = match &mut self.sound {
            Some(_) if self.other_sound => true,
            Some(sound) => sound.peek()?.is_none() && sound.over,
            None => true,
        };
        let over = silent && self.pictures.peek()?.is_none() && self.pictures.over;
        let heard = if self.other_sound { self.seen } else { self.heard };
        Ok(over.then(|| self.seen.max(heard)))
    }
}

/// The sound that belongs to the film's frames, from the first one on.
fn sound_of(source: &mut dyn Source, sound: &PlayerSound, start: Option<Span>) -> Result<Option<Box<dyn AudioSource>>> {
    match sound {
        PlayerSound::Own => source.sound(),
        PlayerSound::None => Ok(None),
        PlayerSound::Other(spec) => {
            match open_audio(spec, source.first_frame().or(start).filter(|_| start.is_some())) {
                // The sound is shorter than the film.
                Err(error) if start.is_some() && *error.kind() == ErrorKind::Range => Ok(None),
                opened => opened.map(Some),
            }
        }
    }
}

/// A queue that a thread fills ahead.
struct ReadAhead<T> {
    items: Receiver<Result<Option<T>>>,
    next: Option<T>,
    over: bool,
}

impl<T: Send + 'static> ReadAhead<T> {
    /// Starts a thread of this name, which calls `read` until it gives nothing or fails, or the queue is dropped.
    fn begin(name: &str, ahead: usize, mut read: impl FnMut() -> Result<Option<T>> + Send + 'static) -> Result<Self> {
        let (to, items) = sync_channel(ahead);
        let read = move || {
            loop {
                let broke_off = |_| Err(Error::unknown("the film's reader broke off: it panicked"));
                let item = catch_unwind(AssertUnwindSafe(&mut read)).unwrap_or_else(broke_off);
                let last = !matches!(item, Ok(Some(_)));
                if to.send(item).is_err() || last {
                    return;
                }
            }
        };
        thread::Builder::new().name(name.into()).spawn(read).map_err(Error::no_thread)?;
        Ok(Self { items, next: None, over: false })
    }

    /// The next item, if it is read.
    fn peek(&mut self) -> Result<Option<&T>> {
        if self.next.is_none() && !self.over {
            match self.items.try_recv() {
                Ok(Ok(Some(item))) => self.next = Some(item),
                Ok(Ok(None)) | Err(TryRecvError::Disconnected) => self.over = true,
                Ok(Err(error)) => {
                    self.over = true;
                    return Err(error);
                }
                Err(TryRecvError::Empty) => {}
            }
        }
        Ok(self.next.as_ref())
    }
}
