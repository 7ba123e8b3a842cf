//! Mixes several sounds into one: each with its own gain, and a limiter after the sum, so that nothing clips.
//!
//! All sounds are resampled to 48 kHz and mixed to one or two channels. The limiter looks 5 ms ahead: its gain is
//! reduced gradually before a peak arrives, and rises again within some 100 ms. Sound whose sum stays below the ceiling
//! is unchanged.

use std::collections::VecDeque;

use super::audio::{AudioInfo, AudioSource};
use crate::audio::{AudioBuffer, span_of};
use crate::clock::Clock;
use crate::encode::mixer::mixed_unclipped;
use crate::encode::resampler::Resampler;
use crate::error::{Error, Result};
use crate::time::Timestamp;

const RATE: u32 = 48_000;
/// Samples in a buffer: 20 ms.
const BUFFER: usize = RATE as usize / 50;

/// Plays several sounds at once, until the last one has ended.
pub struct MixSource {
    inputs: Vec<MixInput>,
    info: AudioInfo,
    limiter: Limiter,
    /// Limited samples of each channel.
    ready: Vec<Vec<f32>>,
    given: u64,
    ended: bool,
}

debug_fields!(MixSource { info });

impl MixSource {
    /// The range of gains, in decibels.
    pub const GAINS: std::ops::RangeInclusive<f32> = -60.0..=20.0;

    /// Mixes these sounds, each with its gain in decibels (0: unchanged).
    ///
    /// # Errors
    /// A range error if there is no sound, and for a gain outside [`MixSource::GAINS`].
    pub fn new(inputs: Vec<(Box<dyn AudioSource>, f32)>) -> Result<Self> {
        if inputs.is_empty() {
            return Err(Error::range("expected at least one sound to mix but found none"));
        }
        if let Some((_, gain)) = inputs.iter().find(|(_, gain)| !Self::GAINS.contains(gain)) {
            let (least, most) = Self::GAINS.into_inner();
            return Err(Error::range(format!("expected a gain from {least} to {most} dB but found {gain}")));
        }
        let infos = || inputs.iter().map(|(source, _)| source.info());
        let channels = infos().map(|info| info.channels).max().unwrap_or(1).min(2);
        let lengths: Option<Vec<_>> = infos().map(|info| info.length).collect();
        let info = AudioInfo {
            kind: "mix",
            rate: RATE,
            channels,
            length: lengths.and_then(|lengths| lengths.into_iter().max()),
            endless: infos().any(|info| info.endless),
        };
        let inputs = inputs.into_iter().map(|(source, gain)| MixInput::new(source, gain, channels)).collect();
        let ready = vec![Vec::new(); channels];
        Ok(Self { inputs, info, limiter: Limiter::new(channels), ready, given: 0, ended: false })
    }

    /// Mixes and limits up to 20 ms more.
    fn advance(&mut self) -> Result<()> {
        for input in &mut self.inputs {
            input.fill(BUFFER)?;
        }
        let samples = self.inputs.iter().map(MixInput::samples).max().unwrap_or(0).min(BUFFER);
        if samples == 0 {
            self.ended = true;
            self.limiter.finish(&mut self.ready);
            return Ok(());
        }
        let mut sum = vec![vec![0.0; samples]; self.info.channels];
        self.inputs.iter_mut().for_each(|input| input.add_to(&mut sum));
        self.limiter.process(&sum, &mut self.ready);
        Ok(())
    }
}

impl AudioSource for MixSource {
    fn info(&self) -> &AudioInfo {
        &self.info
    }

    fn is_live(&self) -> bool {
        self.inputs.iter().any(|input| input.source.is_live())
    }

    fn reconnect(&mut self) {
        self.inputs.iter_mut().for_each(|input| input.source.reconnect());
    }

    fn begin_at(&mut self, time: Timestamp, clock: &Clock) {
        self.inputs.iter_mut().for_each(|input| input.source.begin_at(time, clock));
    }

    fn next_buffer(&mut self) -> Result<Option<AudioBuffer>> {
        while self.ready[0].len() < BUFFER && !self.ended {
            self.advance()?;
        }
        let samples = self.ready[0].len().min(BUFFER);
        if samples == 0 {
            return Ok(None);
        }
        let planes = self.ready.iter_mut().map(|ready| ready.drain(..samples).collect()).collect();
        let timestamp = Timestamp::ZERO + span_of(self.given, RATE);
        self.given += samples as u64;
        AudioBuffer::new(RATE, timestamp, planes).map(Some)
    }
}

/// One of the mixed sounds.
struct MixInput {
    source: Box<dyn AudioSource>,
    /// The factor of its samples.
    factor: f32,
    resampler: Option<Resampler>,
    /// Samples of each channel at the common rate.
    ready: Vec<Vec<f32>>,
    ended: bool,
}

impl MixInput {
    fn new(source: Box<dyn AudioSource>, gain: f32, channels: usize) -> Self {
        let factor = 10.0_f32.powf(gain / 20.0);
        Self { source, factor, resampler: None, ready: vec![Vec::new(); channels], ended: false }
    }

    fn samples(&self) -> usize {
        self.ready[0].len()
    }

    /// Reads until this many samples are there, or the sound ends.
    fn fill(&mut self, samples: usize) -> Result<()> {
        while self.samples() < samples && !self.ended {
            match self.source.next_buffer()? {
                Some(sound) => {
                    let planes = mixed_unclipped(&sound, 0..sound.samples(), self.ready.len());
                    if sound.rate() == RATE {
                        self.ready.iter_mut().zip(planes).for_each(|(ready, plane)| ready.extend(plane));
                    } else {
                        let resampler = match &mut self.resampler {
                            Some(resampler) => resampler,
                            None => self.resampler.insert(Resampler::new(sound.rate(), RATE, self.ready.len())?),
                        };
                        resampler.feed(&planes, &mut self.ready)?;
                    }
                }
                None => {
                    self.ended = true;
                    if let Some(resampler) = self.resampler.take() {
                        resampler.finish(&mut self.ready)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds samples to `sum`: as many as it holds, or as there are.
    fn add_to(&mut self, sum: &mut [Vec<f32>]) {
        let samples = self.samples().min(sum[0].len());
        for (sum, ready) in sum.iter_mut().zip(&mut self.ready) {
            sum.iter_mut().zip(ready.drain(..samples)).for_each(|(sum, sample)| *sum += self.factor * sample);
        }
    }
}

/// Keeps the peaks of all channels at or below [`Limiter::CEILING`], with one gain for all of them.
struct Limiter {
    /// Samples of each channel that are still delayed.
    delayed: Vec<VecDeque<f32>>,
    /// The gains that the samples ahead need, each with its sample's index: rising, so that the first is the least.
    needed: VecDeque<(u64, f64)>,
    /// The gain before smoothing: down at once, up slowly.
    level: f64,
    /// The last gains, whose mean is applied; and their sum.
    levels: VecDeque<f64>,
    sum: f64,
    taken: u64,
}

impl Limiter {
    /// -1 dBFS: headroom for the peaks that encoders add.
    const CEILING: f64 = 0.891_250_938;
    /// The look-ahead in samples: 5 ms.
    const AHEAD: usize = RATE as usize / 200;
    /// The fraction of the reduction that is released with each sample: 63 % within 100 ms.
    const RELEASE: f64 = 10.0 / RATE as f64;

    fn new(channels: usize) -> Self {
        Self {
            delayed: vec![VecDeque::new(); channels],
            needed: VecDeque::new(),
            level: 1.0,
            levels: std::iter::repeat_n(1.0, Self::AHEAD + 1).collect(),
            sum: (Self::AHEAD + 1) as f64,
            taken: 0,
        }
    }

    /// Takes samples and appends those that were taken [`Limiter::AHEAD`] samples before.
    fn process(&mut self, samples: &[Vec<f32>], out: &mut [Vec<f32>]) {
        for index in 0..samples[0].len() {
            let peak = samples.iter().map(|plane| plane[index].abs()).fold(0.0, f32::max);
            self.delayed.iter_mut().zip(samples).for_each(|(delayed, plane)| delayed.push_back(plane[index]));
            self.step(f64::from(peak), out);
        }
    }

    /// Appends the delayed samples at the end.
    fn finish(&mut self, out: &mut [Vec<f32>]) {
        while !self.delayed[0].is_empty() {
            self.step(0.0, out);
        }
    }

    /// Advances by one sample, whose peak this is.
    fn step(&mut self, peak: f64, out: &mut [Vec<f32>]) {
        let needed = if peak > Self::CEILING { Self::CEILING / peak } else { 1.0 };
        while self.needed.back().is_some_and(|&(_, gain)| gain >= needed) {
            self.needed.pop_back();
        }
        self.needed.push_back((self.taken, needed));
        while self.needed.front().is_some_and(|&(index, _)| index + (Self::AHEAD as u64) < self.taken) {
            self.needed.pop_front();
        }
        let least = self.needed.front().map_or(1.0, |&(_, gain)| gain);
        self.level = least.min(self.level + (1.0 - self.level) * Self::RELEASE);
        // Each of the averaged gains is low enough for the sample that comes out.
        self.sum += self.level - self.levels.pop_front().unwrap_or(1.0);
        self.levels.push_back(self.level);
        let gain = (self.sum / (Self::AHEAD + 1) as f64).min(1.0) as f32;
        if self.taken >= Self::AHEAD as u64 {
            for (delayed, out) in self.delayed.iter_mut().zip(out) {
                out.extend(delayed.pop_front().map(|sample| sample * gain));
            }
        }
        self.taken += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples at this rate, the same in each channel, 10 ms at a time.
    struct Samples(Vec<f32>, AudioInfo, usize);

    fn samples(samples: Vec<f32>, rate: u32, channels: usize) -> Box<dyn AudioSource> {
        let length = Some(span_of(samples.len() as u64, rate));
        Box::new(Samples(samples, AudioInfo { kind: "test", rate, channels, length, endless: false }, 0))
    }

    impl AudioSource for Samples {
        fn info(&self) -> &AudioInfo {
            &self.1
        }

        fn next_buffer(&mut self) -> Result<Option<AudioBuffer>> {
            let AudioInfo { rate, channels, .. } = self.1;
            let end = (self.2 + rate as usize / 100).min(self.0.len());
            let part = self.0[self.2..end].to_vec();
            let timestamp = Timestamp::ZERO + span_of(self.2 as u64, rate);
            self.2 = end;
            if part.is_empty() { Ok(None) } else { AudioBuffer::new(rate, timestamp, vec![part; channels]).map(Some) }
        }
    }

    fn mix(inputs: Vec<(Box<dyn AudioSource>, f32)>) -> Vec<Vec<f32>> {
        let mut source = MixSource::new(inputs).unwrap();
        let mut planes = vec![Vec::new(); source.info().channels];
        while let Some(sound) = source.next_buffer().unwrap() {
            assert_eq!(sound.timestamp, Timestamp::ZERO + span_of(planes[0].len() as u64, RATE));
            planes.iter_mut().zip(sound.channels()).for_each(|(plane, samples)| plane.extend(samples));
        }
        planes
    }

    fn wave(samples: usize, hertz: f32, amplitude: f32) -> Vec<f32> {
        (0..samples).map(|at| amplitude * (at as f32 / RATE as f32 * hertz * std::f32::consts::TAU).sin()).collect()
    }

    #[test]
    fn a_sum_below_the_ceiling_is_the_sum_to_the_sample_and_lasts_as_long_as_the_longest() {
        let (long, short) = (wave(10_001, 440.0, 0.3), wave(4_000, 1000.0, 0.4));
        let found = mix(vec![(samples(long.clone(), RATE, 1), 0.0), (samples(short.clone(), RATE, 1), 0.0)]);
        let expected: Vec<_> =
            long.iter().enumerate().map(|(at, sample)| sample + short.get(at).copied().unwrap_or(0.0)).collect();
        assert_eq!(found, [expected]);
    }

    #[test]
    fn each_has_its_gain_and_one_channel_is_heard_on_both_sides() {
        let (quiet, other) = (wave(5_000, 300.0, 0.5), wave(5_000, 700.0, 0.5));
        let found = mix(vec![(samples(quiet.clone(), RATE, 1), -20.0), (samples(other.clone(), RATE, 2), -6.0206)]);
        assert_eq!(found.len(), 2);
        for plane in found {
            let expected = quiet.iter().zip(&other).map(|(quiet, other)| 0.1 * quiet + 0.5 * other);
            assert!(plane.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-4));
        }
    }

    #[test]
    fn sounds_of_other_rates_are_resampled_and_keep_their_length() {
        let slow = (0..44_100).map(|at| 0.5 * (at as f32 / 44_100.0 * 200.0 * std::f32::consts::TAU).sin()).collect();
        let found = mix(vec![(samples(slow, 44_100, 1), 0.0)]);
        assert_eq!(found[0].len(), 48_000);
        let expected = wave(48_000, 200.0, 0.5);
        let inner = 500..47_500;
        assert!(inner.into_iter().all(|at| (found[0][at] - expected[at]).abs() < 0.01));
    }

    #[test]
    fn what_would_clip_is_kept_below_the_ceiling_without_a_step_and_the_rest_comes_back() {
        let loud = |from: usize, to: usize| -> Vec<f32> {
            let amplitude = |at: usize| if (from..to).contains(&at) { 1.0 } else { 0.2 };
            wave(48_000, 500.0, 1.0).iter().enumerate().map(|(at, sample)| sample * amplitude(at)).collect()
        };
        let (first, second) = (loud(10_000, 12_000), loud(10_500, 11_500));
        let found = mix(vec![(samples(first.clone(), RATE, 1), 0.0), (samples(second.clone(), RATE, 1), 0.0)]);
        let peak = found[0].iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!(f64::from(peak) <= Limiter::CEILING + 1e-6 && peak > 0.8, "{peak}");
        let gain = |at: usize| f64::from(found[0][at]) / f64::from(first[at] + second[at]);
        // Where the sum is not near zero.
        let gains: Vec<_> =
            (0..48_000).filter(|&at| (first[at] + second[at]).abs() > 0.2).map(|at| (at, gain(at))).collect();
        let steepest = gains.windows(2).map(|pair| (pair[1].1 - pair[0].1).abs() / (pair[1].0 - pair[0].0) as f64);
        assert!(steepest.fold(0.0, f64::max) < 0.02, "the gain jumps");
        assert!(gains.iter().filter(|(at, _)| *at < 9_000).all(|(_, gain)| (gain - 1.0).abs() < 1e-6));
        assert!(gains.iter().filter(|(at, _)| *at > 47_000).all(|(_, gain)| *gain > 0.98));
    }

    #[test]
    fn nothing_to_mix_and_a_gain_out_of_range_are_refused() {
        assert!(MixSource::new(Vec::new()).is_err());
        for gain in [-61.0, 21.0, f32::NAN] {
            let error = MixSource::new(vec![(samples(vec![0.0], RATE, 1), gain)]).err().unwrap().to_string();
            assert!(error.contains("from -60 to 20 dB but found"), "{error}");
        }
    }
}
