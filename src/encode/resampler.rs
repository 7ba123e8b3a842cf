//! Resamples sound block by block, without gaps and without delay: input and output agree in time to half a sample.
//!
//! Uses rubato's windowed sinc, which needs blocks of one length, delays its output, and has no end of stream; this
//! module handles all three.

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{
    Adjustable as _, Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, WindowFunction,
};

use crate::error::{Error, Result};

/// The filter's length at the lower of both rates, in samples.
const SINC_LEN: usize = 128;

pub(crate) struct Resampler {
    sinc: Async<f32>,
    from: u32,
    to: u32,
    /// Samples that wait for a complete block.
    pending: Vec<Vec<f32>>,
    /// rubato's delay in samples, and how many of these are still to be left out.
    whole_delay: usize,
    delay: usize,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// The largest factor by which sound can be stretched or compressed.
    const STRETCHES: f64 = 1.01;

    /// Resamples from one rate to another, both within [`AudioBuffer::RATES`](crate::audio::AudioBuffer::RATES).
    pub(crate) fn new(from: u32, to: u32, channels: usize) -> Result<Self> {
        let ratio = f64::from(to) / f64::from(from);
        // When downsampling, the filter has this length in output samples.
        let len = ((SINC_LEN as f64 / ratio.min(1.0)).ceil() as usize).next_multiple_of(8);
        let parameters = SincInterpolationParameters::new(len, WindowFunction::BlackmanHarris2);
        let sinc =
            Async::new_sinc(ratio, Self::STRETCHES, &parameters, from as usize / 100, channels, FixedAsync::Input)
                .map_err(|error| failed(from, to, error))?;
        // Half the filter, minus 1: rubato's first sample is one later, which its own `output_delay` does not include.
        let delay = (len as f64 / 2.0 * ratio).round() as usize - 1;
        let pending = vec![Vec::new(); channels];
        Ok(Self { sinc, from, to, pending, whole_delay: delay, delay, taken: 0, given: 0 })
    }

    /// Takes samples of every channel and appends the resampled ones to `out`.
    pub(crate) fn feed(&mut self, sound: &[Vec<f32>], out: &mut [Vec<f32>]) -> Result<()> {
        for (pending, samples) in self.pending.iter_mut().zip(sound) {
            pending.extend_from_slice(samples);
        }
        self.taken += sound[0].len() as u64;
        let mut used = 0;
        while self.pending[0].len() - used >= self.sinc.input_frames_next() {
            used += self.step(used, None, out)?;
        }
        self.pending.iter_mut().for_each(|pending| drop(pending.drain(..used)));
        Ok(())
    }

    /// From now on, makes the output longer by this factor, within [`Resampler::STRETCHES`]. The total number of
    /// samples is then no longer fixed by the rates.
    pub(crate) fn stretch(&mut self, factor: f64) -> Result<()> {
        let factor = factor.clamp(1.0 / Self::STRETCHES, Self::STRETCHES);
        self.sinc.set_resample_ratio_relative(factor, true).map_err(|error| self.failed(error))
    }

    /// The output time of the next sample to be fed, in seconds.
    pub(crate) fn position(&self) -> f64 {
        let given = self.given as f64 + (self.whole_delay - self.delay) as f64;
        given / f64::from(self.to) + self.pending[0].len() as f64 / f64::from(self.from)
    }

    /// Appends the remaining samples: the total is `taken * to / from`, rounded.
    pub(crate) fn finish(mut self, out: &mut [Vec<f32>]) -> Result<()> {
        let (from, to) = (u128::from(self.from), u128::from(self.to));
        let due = ((u128::from(self.taken) * to + from / 2) / from) as u64;
        let mut left = self.pending[0].len();
        while self.given < due {
            self.step(0, Some(left), out)?;
            left = 0;
        }
        let beyond = (self.given - due) as usize;
        out.iter_mut().for_each(|out| out.truncate(out.len() - beyond));
        Ok(())
    }

    /// Resamples one block from index `used` on, or, at the end, the `left` samples and silence. Returns how many it
    /// took.
    fn step(&mut self, used: usize, left: Option<usize>, out: &mut [Vec<f32>]) -> Result<usize> {
        let (channels, begun) = (out.len(), out[0].len());
        let len = begun + self.sinc.output_frames_next();
        out.iter_mut().for_each(|out| out.resize(len, 0.0));
        let input = SequentialSliceOfVecs::new(&self.pending, channels, self.pending[0].len());
        let output = SequentialSliceOfVecs::new_mut(out, channels, len);
        let (input, mut output) = input.and_then(|input| Ok((input, output?))).map_err(|error| self.failed(error))?;
        let mut indexing = Indexing::new().input_offset(used).output_offset(begun);
        indexing.partial_len = left;
        let (taken, given) = self
            .sinc
            .process_into_buffer(&input, &mut output, Some(&indexing))
            .map_err(|error| failed(self.from, self.to, error))?;
        let late = self.delay.min(given);
        self.delay -= late;
        self.given += (given - late) as u64;
        out.iter_mut().for_each(|out| {
            out.truncate(begun + given);
            out.drain(begun..begun + late);
        });
        Ok(taken)
    }

    fn failed(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        failed(self.from, self.to, error)
    }
}

fn failed(from: u32, to: u32, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unknown(format!("sound of {from} Hz could not be brought to {to} Hz")).with_cause(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: u32 = 48_000;

    /// All of `sound`, in uneven pieces.
    fn resampled(from: u32, sound: &[f32]) -> Vec<f32> {
        let mut resampler = Resampler::new(from, TO, 1).unwrap();
        let mut out = vec![Vec::new()];
        let mut rest = sound;
        for len in [1, 7, 441, 1000, 3, 4096].into_iter().cycle() {
            let (piece, after) = rest.split_at(len.min(rest.len()));
            resampler.feed(&[piece.to_vec()], &mut out).unwrap();
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        resampler.finish(&mut out).unwrap();
        out.remove(0)
    }

    #[test]
    fn what_the_input_has_at_a_time_the_output_has_at_that_time() {
        for from in [4_000, 8_000, 22_050, 44_100, 44_099, 47_999, 48_001, 96_000, 384_000] {
            // A smooth hump, 10 ms wide, in the middle of 500 ms.
            let hump = |time: f64| (-((time - 0.25) / 0.0025).powi(2)).exp() as f32;
            let sound: Vec<f32> = (0..from / 2).map(|at| hump(f64::from(at) / f64::from(from))).collect();
            let out = resampled(from, &sound);
            let due = f64::from(from / 2) / f64::from(from) * f64::from(TO);
            assert_eq!(out.len(), due.round() as usize, "{from}");
            let sum: f64 = out.iter().copied().map(f64::from).sum();
            let middle = out.iter().enumerate().map(|(at, &x)| at as f64 * f64::from(x)).sum::<f64>() / sum;
            assert!((middle - 12_000.0).abs() <= 0.51, "{from}: {middle}");
            let peak = out.iter().copied().fold(0.0, f32::max);
            assert!((peak - 1.0).abs() < 1e-3, "{from}: {peak}");
        }
    }

    #[test]
    fn nothing_is_lost_at_the_end_however_short_the_sound() {
        for from in [8_000, 44_100, 96_000] {
            for samples in [1, 2, 100, 441, 4_410] {
                let expected = (samples as f64 * f64::from(TO) / f64::from(from)).round() as usize;
                assert_eq!(resampled(from, &vec![0.5; samples]).len(), expected, "{samples} of {from}");
            }
            // Up to the last millisecond, where the filter already sees the silence beyond.
            let out = resampled(from, &vec![0.5; from as usize / 10]);
            let (inner, end) = out[100..].split_at(out.len() - 100 - 48);
            assert!(inner.iter().all(|&sample| (sample - 0.5).abs() < 0.02), "{from}");
            assert!(end[0] > 0.4, "{from}");
        }
    }

    #[test]
    fn what_no_longer_fits_is_taken_out_and_the_rest_stays() {
        let strength = |from: u32, hertz: f64| {
            let step = hertz / f64::from(from) * std::f64::consts::TAU;
            let sound: Vec<f32> = (0..from / 2).map(|at| (f64::from(at) * step).sin() as f32).collect();
            resampled(from, &sound)[1_000..20_000].iter().fold(0.0_f32, |most, sample| most.max(sample.abs()))
        };
        for from in [44_100, 96_000, 192_000] {
            assert!((strength(from, 18_000.0) - 1.0).abs() < 0.02, "{from}: {}", strength(from, 18_000.0));
        }
        for (from, hertz) in [(96_000, 30_000.0), (192_000, 26_000.0), (192_000, 80_000.0)] {
            assert!(strength(from, hertz) < 0.001, "{from} {hertz}: {}", strength(from, hertz));
        }
    }
}
