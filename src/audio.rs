//! Sound in memory: samples of every channel, and their time.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::time::{Span, Timestamp};

/// A buffer of sound: planar samples from -1 to 1, all channels equally long.
#[derive(Clone, PartialEq)]
pub struct AudioBuffer {
    rate: u32,
    /// The time of the first sample.
    pub timestamp: Timestamp,
    channels: Vec<Vec<f32>>,
}

impl AudioBuffer {
    /// The supported sample rates, in samples per second.
    pub const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;

    /// Sound from `timestamp` on, with one list of samples per channel.
    ///
    /// # Errors
    /// A range error for no channel, channels of different lengths, or a rate outside [`AudioBuffer::RATES`].
    pub fn new(rate: u32, timestamp: Timestamp, channels: Vec<Vec<f32>>) -> Result<Self> {
        if !Self::RATES.contains(&rate) {
            let (least, most) = Self::RATES.into_inner();
            return Err(Error::range(format!("expected from {least} to {most} samples a second but found {rate}")));
        }
        let lengths = || channels.iter().map(Vec::len);
        if channels.is_empty() || lengths().min() != lengths().max() {
            return Err(Error::range(format!(
                "expected channels of one length but found {:?} samples",
                lengths().collect::<Vec<_>>()
            )));
        }
        Ok(Self { rate, timestamp, channels })
    }

    /// Silence of `samples` samples.
    ///
    /// # Errors
    /// As [`AudioBuffer::new`].
    pub fn silence(rate: u32, timestamp: Timestamp, channels: usize, samples: usize) -> Result<Self> {
        Self::new(rate, timestamp, vec![vec![0.0; samples]; channels])
    }

    /// Samples per second in each channel.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// The samples of each channel.
    pub fn channels(&self) -> &[Vec<f32>] {
        &self.channels
    }

    /// How many samples each channel has.
    pub fn samples(&self) -> usize {
        self.channels[0].len()
    }

    /// The sound with each sample multiplied by `factor` and clamped to -1 to 1.
    pub fn scaled(mut self, factor: f32) -> Self {
        let samples = self.channels.iter_mut().flatten();
        samples.for_each(|sample| *sample = (*sample * factor).clamp(-1.0, 1.0));
        self
    }

    /// Its length.
    pub fn duration(&self) -> Span {
        span_of(self.samples() as u64, self.rate)
    }

    /// The time of its end.
    pub fn end(&self) -> Timestamp {
        self.timestamp + self.duration()
    }

    /// A range of its samples, with their time.
    ///
    /// # Panics
    /// When the range reaches beyond [`AudioBuffer::samples`].
    pub fn slice(&self, samples: Range<usize>) -> Self {
        Self {
            rate: self.rate,
            timestamp: self.timestamp + span_of(samples.start as u64, self.rate),
            channels: self.channels.iter().map(|channel| channel[samples.clone()].to_vec()).collect(),
        }
    }
}

impl std::fmt::Debug for AudioBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (channels, samples) = (self.channels.len(), self.samples());
        write!(f, "AudioBuffer({channels} x {samples} at {} Hz, from {:?})", self.rate, self.timestamp)
    }
}

/// The length of this number of samples, rounded to a nanosecond.
pub fn span_of(samples: u64, rate: u32) -> Span {
    let nanos = (u128::from(samples) * 1_000_000_000 + u128::from(rate) / 2) / u128::from(rate);
    Span::from_nanos(nanos as i64)
}

/// The number of samples in this span, rounded to the nearest; 0 for a negative span.
pub fn samples_in(span: Span, rate: u32) -> u64 {
    let nanos = span.as_nanos().max(0) as u128;
    ((nanos * u128::from(rate) + 500_000_000) / 1_000_000_000) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_keeps_its_time() {
        let sound = AudioBuffer::new(48_000, Timestamp::from_nanos(7), vec![vec![0.0, 0.25, 0.5]; 2]).unwrap();
        let slice = sound.slice(1..3);
        assert_eq!(slice.channels(), [[0.25, 0.5], [0.25, 0.5]]);
        assert_eq!(slice.timestamp, Timestamp::from_nanos(7 + 20_833));
        assert_eq!(slice.end(), sound.end());
    }

    #[test]
    fn spans_and_samples_agree_after_days() {
        for rate in [8_000, 44_100, 48_000, 96_000] {
            for samples in [0, 1, 440, 44_100 * 86_400 * 7] {
                assert_eq!(samples_in(span_of(samples, rate), rate), samples);
            }
        }
        assert_eq!(samples_in(Span::from_nanos(-5), 48_000), 0);
    }

    #[test]
    fn uneven_channels_and_odd_rates_are_refused() {
        let message = |rate, channels| AudioBuffer::new(rate, Timestamp::ZERO, channels).unwrap_err().to_string();
        assert_eq!(message(48_000, vec![]), "expected channels of one length but found [] samples");
        assert_eq!(
            message(48_000, vec![vec![0.0], vec![]]),
            "expected channels of one length but found [1, 0] samples"
        );
        assert_eq!(message(0, vec![vec![]]), "expected from 4000 to 384000 samples a second but found 0");
    }
}
