//! Converts sound of any sample rate, number of channels and times to samples of one rate and number of channels,
//! without gaps from time 0 on.

use super::mixer::{MAX_CHANNELS, mixed};
use super::resampler::Resampler;
use super::timeline::Timeline;
use crate::audio::{AudioBuffer, span_of};
use crate::error::{Error, ErrorKind, Result};
use crate::time::{Span, Timestamp};

/// Silence is made in parts of this length, in samples.
const SILENCE: u64 = 1 << 14;

/// Converts sound to the form that an encoder takes. Callers take the converted samples as soon as they are ready.
pub(super) struct Conformer {
    rate: u32,
    timeline: Timeline,
    resampler: Option<Resampler>,
    /// Samples of each channel that are ready.
    ready: Vec<Vec<f32>>,
    /// How many samples were taken.
    taken: u64,
    finished: bool,
    filled: Span,
    cut: Span,
}

impl Conformer {
    /// Converts to this sample rate and 1 or 2 channels.
    pub fn new(rate: u32, channels: u8) -> Self {
        Self {
            rate,
            timeline: Timeline::new(),
            resampler: None,
            ready: vec![Vec::new(); usize::from(channels)],
            taken: 0,
            finished: false,
            filled: Span::ZERO,
            cut: Span::ZERO,
        }
    }

    /// How much silence was inserted into gaps so far.
    pub fn filled(&self) -> Span {
        self.filled
    }

    /// How much sound was cut off so far because it overlapped earlier sound, or was before time 0.
    pub fn cut(&self) -> Span {
        self.cut
    }

    /// The number of samples made from time 0 on.
    pub fn position(&self) -> u64 {
        self.taken + self.ready() as u64
    }

    /// How many samples can be taken.
    pub fn ready(&self) -> usize {
        self.ready[0].len()
    }

    /// Takes at most `samples` samples of each channel.
    pub fn take(&mut self, samples: usize) -> Vec<Vec<f32>> {
        let samples = samples.min(self.ready());
        self.taken += samples as u64;
        self.ready.iter_mut().map(|ready| ready.drain(..samples).collect()).collect()
    }

    /// Converts sound, and calls `take` whenever samples are ready: a long silence is made in parts.
    ///
    /// # Errors
    /// A range error for more than 8 channels, or for sound more than a day after the last. An invalid state after
    /// [`Conformer::finish`]. Those of `take`.
    pub fn feed(&mut self, sound: &AudioBuffer, mut take: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        if self.finished {
            return Err(Error::new(ErrorKind::InvalidState, "expected no sound after the end but found some"));
        }
        if sound.channels().len() > MAX_CHANNELS {
            return Err(Error::range(format!(
                "expected sound of at most {MAX_CHANNELS} channels but found {}",
                sound.channels().len()
            )));
        }
        if sound.samples() == 0 {
            return Ok(());
        }
        if self.timeline.rate() != Some(sound.rate()) {
            self.change_rate(sound.rate())?;
        }
        let placement = self.timeline.place(sound)?;
        self.filled += span_of(placement.silence, sound.rate());
        self.cut += span_of(placement.cut as u64, sound.rate());
        let mut silence = placement.silence;
        while silence > 0 {
            let samples = silence.min(SILENCE);
            self.append(vec![vec![0.0; samples as usize]; self.ready.len()])?;
            take(self)?;
            silence -= samples;
        }
        self.append(mixed(sound, placement.cut..sound.samples(), self.ready.len()))?;
        take(self)
    }

    /// Converts the remaining sound. No sound may follow.
    pub fn finish(&mut self) -> Result<()> {
        self.finished = true;
        self.drain_resampler()
    }

    fn change_rate(&mut self, rate: u32) -> Result<()> {
        self.drain_resampler()?;
        self.timeline.change_rate(rate, Timestamp::ZERO + span_of(self.position(), self.rate));
        if rate != self.rate {
            self.resampler = Some(Resampler::new(rate, self.rate, self.ready.len())?);
        }
        Ok(())
    }

    fn drain_resampler(&mut self) -> Result<()> {
        match self.resampler.take() {
            Some(resampler) => resampler.finish(&mut self.ready),
            None => Ok(()),
        }
    }

    /// Appends samples that have the input's sample rate.
    fn append(&mut self, sound: Vec<Vec<f32>>) -> Result<()> {
        match &mut self.resampler {
            Some(resampler) => resampler.feed(&sound, &mut self.ready)?,
            None => self.ready.iter_mut().zip(sound).for_each(|(ready, sound)| ready.extend(sound)),
        }
        Ok(())
    }
}
