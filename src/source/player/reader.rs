//! A film that is read from a position on, ahead of its playing: pictures and sound, each on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use crate::audio::{AudioBuffer, samples_in, span_of};
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::{Frame, Size};
use crate::source::audio::AudioSource;
use crate::source::{SourceOptions, SourceSpec, open};
use crate::time::{FrameRate, Span, Timestamp};

/// How many pictures are read ahead.
const PICTURES: usize = 4;
/// How many buffers of sound are read ahead; of 20 ms, most often.
const BUFFERS: usize = 50;
/// How long a picture is shown when nobody knows.
const NOMINAL_SPAN: Span = Span::from_millis(33);

/// A film that is being read. Positions are those of the film's own time line.
pub(super) struct FilmReader {
    pub size: Size,
    /// What draws the pictures of a source that is a shader.
    pub drawn_by: FilterChain,
    /// How long the film is, where that is known before it is over.
    pub duration: Option<Span>,
    /// The rate and the channels of its sound, where it has any.
    pub sound_format: Option<(u32, usize)>,
    pictures: Ahead<Frame>,
    sound: Option<Ahead<AudioBuffer>>,
    /// Where the timestamps count from.
    base: Span,
    /// Up to where sound was given.
    heard: Span,
    /// How long a picture is shown.
    frame_span: Span,
    /// When the last picture that was taken is over.
    seen: Span,
}

/// Sound that is due, and the position that it is heard at.
pub(super) struct DueSound {
    pub position: Span,
    pub sound: AudioBuffer,
}

impl FilmReader {
    /// Opens the film at `start`. The first picture is the one that is on screen then.
    pub fn begin(spec: &SourceSpec, start: Span) -> Result<Self> {
        let options = SourceOptions { start: (start > Span::ZERO).then_some(start), ..SourceOptions::default() };
        let mut source = open(spec, &options)?;
        let base = source.first_frame().filter(|_| start > Span::ZERO).unwrap_or(start);
        let info = source.info().clone();
        let frame_span = info.rate.map_or(NOMINAL_SPAN, FrameRate::frame_span);
        let pictures_length = info.rate.zip(info.frames).map(|(rate, frames)| rate.timestamp(frames) - Timestamp::ZERO);
        let sound = source.sound()?;
        let sound_info = sound.as_ref().map(|sound| sound.info().clone());
        let rest = match (pictures_length.filter(|_| !info.endless), &sound_info) {
            (Some(pictures), Some(sound)) => sound.length.map(|length| length.max(pictures)),
            (pictures, _) => pictures,
        };
        let drawn_by = source.drawn_by();
        let ahead =
            |mut sound: Box<dyn AudioSource>| Ahead::begin("player sound", BUFFERS, move || sound.next_buffer());
        Ok(Self {
            size: info.size,
            drawn_by,
            duration: rest.map(|rest| base + rest),
            sound_format: sound_info.map(|info| (info.rate, info.channels)),
            pictures: Ahead::begin("player pictures", PICTURES, move || source.next_frame())?,
            sound: sound.map(ahead).transpose()?,
            base,
            heard: start,
            frame_span,
            seen: start,
        })
    }

    /// The next picture that is shown at `position` or before, and its own position. None when it is not read yet, or
    /// not due.
    pub fn picture(&mut self, position: Span) -> Result<Option<(Span, Frame)>> {
        let Some(next) = self.pictures.peek()? else { return Ok(None) };
        let shown = self.base + (next.timestamp - Timestamp::ZERO);
        if shown > position {
            return Ok(None);
        }
        self.seen = shown + self.frame_span;
        Ok(self.pictures.next.take().map(|frame| (shown, frame)))
    }

    /// Whether the next picture is there, whenever it is due, or none follows.
    pub fn has_next_picture(&mut self) -> Result<bool> {
        Ok(self.pictures.peek()?.is_some() || self.pictures.over)
    }

    /// The position at which the pictures that were taken are over.
    pub fn seen(&self) -> Span {
        self.seen
    }

    /// When the next picture is shown, if it is there.
    pub fn next_picture(&mut self) -> Result<Option<Span>> {
        let base = self.base;
        Ok(self.pictures.peek()?.map(|next| base + (next.timestamp - Timestamp::ZERO)))
    }

    /// The next sound that is heard before `position`; none when there is no more of it yet.
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

    /// Where the film ends, once all of it was taken.
    pub fn end(&mut self) -> Result<Option<Span>> {
        let silent = match &mut self.sound {
            Some(sound) => sound.peek()?.is_none() && sound.over,
            None => true,
        };
        let over = silent && self.pictures.peek()?.is_none() && self.pictures.over;
        Ok(over.then(|| self.seen.max(self.heard)))
    }
}

/// What a thread reads ahead.
struct Ahead<T> {
    items: Receiver<Result<Option<T>>>,
    next: Option<T>,
    over: bool,
}

impl<T: Send + 'static> Ahead<T> {
    /// A thread of this name calls `read` until it gives nothing or fails, or nobody takes what it gave.
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

    /// The next one, if it is there.
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
