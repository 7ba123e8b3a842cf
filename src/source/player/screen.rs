//! The frames and the sound that a player shows and plays, for captured streams.

use std::sync::Arc;

use super::playhead::Playhead;
use super::reader::{DueSound, FilmReader};
use crate::audio::AudioBuffer;
use crate::canvas::Canvas;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::{Frame, Size};
use crate::gpu::Gpu;
use crate::stream::{MediaStream, TrackGenerator};
use crate::time::{Span, Timestamp};

/// How long a frame is shown before it is drawn again: a recorder that started meanwhile gets only newly drawn frames,
/// and records black after half a second without any.
const STILL: Span = Span::from_millis(200);

/// The canvas of a player, and the source of its sound's tracks.
pub(super) struct Screen {
    gpu: Gpu,
    clock: Clock,
    size: Size,
    canvas: Canvas,
    sound: Option<TrackGenerator>,
    sound_format: Option<(u32, usize)>,
    drawn_by: FilterChain,
    filter: FilterChain,
    /// The frame that is shown; its timestamp is its position.
    shown: Option<Arc<Frame>>,
    /// The time at which it was drawn.
    drawn: Timestamp,
    /// Whether the filters have changed since.
    changed: bool,
    painted: Timestamp,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Screen({})", self.size)
    }
}

impl Screen {
    pub fn new(
        gpu: &Gpu,
        film: &FilmReader,
        size: Size,
        sound_format: Option<(u32, usize)>,
        clock: &Clock,
    ) -> Result<Self> {
        let mut screen = Self {
            gpu: gpu.clone(),
            clock: clock.clone(),
            size,
            canvas: Canvas::new(gpu, size)?,
            sound: None,
            sound_format,
            drawn_by: film.drawn_by.clone(),
            filter: FilterChain::default(),
            shown: None,
            drawn: Timestamp::ZERO,
            changed: false,
            painted: Timestamp::ZERO,
        };
        screen.end_tracks()?;
        Ok(screen)
    }

    /// Ends all tracks. New tracks begin with the frame that was shown last.
    pub fn end_tracks(&mut self) -> Result<()> {
        self.canvas = Canvas::new(&self.gpu, self.size)?.with_clock(self.clock.clone());
        self.set_filter(&self.filter.clone());
        self.draw_again(self.drawn);
        self.sound = self.sound_format.map(|(rate, channels)| TrackGenerator::audio(rate, channels, &self.clock));
        Ok(())
    }

    pub fn set_filter(&mut self, filter: &FilterChain) {
        self.filter = filter.clone();
        self.canvas.set_filter(&self.drawn_by.clone().then(self.filter.clone()));
        self.changed = true;
    }

    pub fn drawn_by(&self) -> FilterChain {
        self.drawn_by.clone()
    }

    pub fn set_drawn_by(&mut self, chain: &FilterChain) {
        self.drawn_by = chain.clone();
        self.set_filter(&self.filter.clone());
    }

    pub fn refused(&self) -> Vec<Error> {
        self.canvas.refused()
    }

    pub fn current_frame(&self) -> Option<Arc<Frame>> {
        self.shown.clone()
    }

    pub fn capture_stream(&mut self) -> Result<MediaStream> {
        let stream = self.canvas.capture_stream(None)?;
        if let Some(sound) = &self.sound {
            stream.add_track(&sound.track().clone());
        }
        Ok(stream)
    }

    /// Shows the frame of this position from this time on.
    pub fn show(&mut self, frame: Frame, position: Span, time: Timestamp) -> Result<()> {
        self.shown = Some(Arc::new(frame.with_timestamp(Timestamp::ZERO + position)));
        self.draw_again(time);
        self.paint(time)
    }

    /// Keeps showing the same frame.
    pub fn repeat_while_idle(&mut self, time: Timestamp) -> Result<()> {
        if self.changed || time - self.drawn >= STILL {
            self.draw_again(time);
        }
        self.paint(time)
    }

    fn draw_again(&mut self, time: Timestamp) {
        if let Some(frame) = &self.shown {
            self.canvas.set_filter_time(frame.timestamp);
            self.canvas.draw(frame.clone());
            (self.drawn, self.changed) = (time, false);
        }
    }

    fn paint(&mut self, time: Timestamp) -> Result<()> {
        // Times of captured paints must rise, also where the playhead went back. A live frame comes some time after its
        // capture: paints that show nothing new must not be before it.
        let time = time.max(self.painted + Span::from_nanos(1));
        if !self.canvas.paint(time)?.is_empty() {
            self.painted = time;
        }
        Ok(())
    }

    /// Gives sound at the playhead's time for it; at another playback rate than 1 with more or fewer samples a second.
    pub fn give(&self, due: DueSound, playhead: &Playhead) -> Result<()> {
        let Some(generator) = &self.sound else { return Ok(()) };
        let DueSound { position, sound } = due;
        let rate = (f64::from(sound.rate()) * playhead.rate()).round() as u32;
        if AudioBuffer::RATES.contains(&rate) {
            let time = playhead.time_of(position);
            // An error means that all tracks were stopped.
            let _ = generator.write_audio(AudioBuffer::new(rate, time, sound.channels().to_vec())?);
        }
        Ok(())
    }

    /// Gives live sound, which has its time already.
    pub fn give_live(&self, sound: AudioBuffer) {
        if let Some(generator) = &self.sound {
            // An error means that all tracks were stopped.
            let _ = generator.write_audio(sound);
        }
    }

    /// Ends the track of live sound with the error of its device.
    pub fn end_sound(&mut self, error: &Error) {
        self.sound_format = None;
        if let Some(generator) = self.sound.take() {
            generator.fail(error);
        }
    }
}
