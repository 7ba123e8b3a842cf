//! The level of each frequency, as the Web Audio API's AnalyserNode computes it (§1.8.6, FFT windowing and smoothing
//! over time), and bands of evenly spaced pitch. Pure.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Samples in one analysis.
pub const FFT_SIZE: usize = 2048;
/// The range of levels, in decibels.
const DECIBELS: [f32; 2] = [-100.0, -30.0];
/// The lowest and the highest frequency of the bands, in Hz.
const HERTZ: [f32; 2] = [40.0, 16_000.0];

/// Analyses a sound again and again.
pub struct Analyser {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    windowed: Vec<f32>,
    bins: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    /// The weight of the analysis before, 0 to 1.
    smoothing: f32,
    magnitudes: Vec<f32>,
}

impl Analyser {
    pub fn new(smoothing: f32) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(FFT_SIZE);
        let (windowed, bins, scratch) = (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
        let magnitudes = vec![0.0; bins.len()];
        Self { fft, window: blackman(), windowed, bins, scratch, smoothing, magnitudes }
    }

    /// Analyses [`FFT_SIZE`] samples: the magnitude at each multiple of the sound's rate / [`FFT_SIZE`], smoothed.
    pub fn look(&mut self, samples: &[f32]) -> &[f32] {
        for ((to, sample), weight) in self.windowed.iter_mut().zip(samples).zip(&self.window) {
            *to = sample * weight;
        }
        // This fails only for buffers of another length, and these are its own.
        let done = self.fft.process_with_scratch(&mut self.windowed, &mut self.bins, &mut self.scratch);
        debug_assert!(done.is_ok(), "{done:?}");
        for (magnitude, bin) in self.magnitudes.iter_mut().zip(&self.bins) {
            let found = bin.norm() / FFT_SIZE as f32;
            *magnitude = self.smoothing * *magnitude + (1.0 - self.smoothing) * found;
        }
        &self.magnitudes
    }
}

/// The Blackman window with α = 0.16.
fn blackman() -> Vec<f32> {
    let weight = |at: usize| {
        let turn = TAU * at as f64 / FFT_SIZE as f64;
        (0.42 - 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos()) as f32
    };
    (0..FFT_SIZE).map(weight).collect()
}

/// The level of each of `count` bands, low ones first, from 0 (−100 dB or less) to 1 (−30 dB or more); `magnitudes` are
/// those of a sound of `rate` samples a second. Bands above half the rate are silent.
pub fn levels(magnitudes: &[f32], rate: u32, count: usize) -> Vec<f32> {
    let bin = |hertz: f32| hertz * FFT_SIZE as f32 / rate as f32;
    let edge = |band: f32| bin(HERTZ[0] * (HERTZ[1] / HERTZ[0]).powf(band / count as f32));
    let level = |band: usize| {
        let [low, middle, high] = [0.0, 0.5, 1.0].map(|part| edge(band as f32 + part));
        let within = (low.ceil() as usize..high.ceil() as usize).filter_map(|bin| magnitudes.get(bin));
        let loudest = within.copied().fold(between(magnitudes, middle), f32::max);
        let decibels = 20.0 * loudest.max(f32::MIN_POSITIVE).log10();
        ((decibels - DECIBELS[0]) / (DECIBELS[1] - DECIBELS[0])).clamp(0.0, 1.0)
    };
    (0..count).map(level).collect()
}

/// The magnitude between two bins, for bands that hold none; 0 beyond the last.
fn between(magnitudes: &[f32], bin: f32) -> f32 {
    let (below, part) = (bin.floor() as usize, bin.fract());
    match magnitudes.get(below..below + 2) {
        Some(&[low, high]) => low + (high - low) * part,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hertz: f32, amplitude: f32, rate: u32) -> Vec<f32> {
        (0..FFT_SIZE).map(|at| amplitude * (at as f32 * hertz / rate as f32 * TAU as f32).sin()).collect()
    }

    fn band_of(hertz: f32, count: usize) -> usize {
        (count as f32 * (hertz / 40.0).ln() / 400_f32.ln()) as usize
    }

    fn loudest(levels: &[f32]) -> usize {
        (0..levels.len()).max_by(|&a, &b| levels[a].total_cmp(&levels[b])).unwrap()
    }

    #[test]
    fn the_band_of_a_tone_is_the_loudest_at_every_rate() {
        for rate in [22_050, 44_100, 48_000, 96_000] {
            for hertz in [110.0, 440.0, 1_000.0, 5_000.0, 10_000.0_f32] {
                // Quiet enough that its neighbours are not at the top as well.
                let mut analyser = Analyser::new(0.0);
                let found = levels(analyser.look(&sine(hertz, 0.01, rate)), rate, 64);
                assert!(loudest(&found).abs_diff(band_of(hertz, 64)) <= 1, "{hertz} Hz at {rate}: {found:?}");
                assert!(hertz < 400.0 || loudest(&found) == band_of(hertz, 64), "{hertz} Hz at {rate}: {found:?}");
            }
        }
    }

    #[test]
    fn a_sine_has_the_level_that_an_analyser_node_gives_it() {
        // In the middle of a bin, at -40 dBFS: half of it is in the other half of the spectrum, and the window takes
        // 0.42.
        let rate = 48_000;
        let hertz = 40.0 * rate as f32 / FFT_SIZE as f32;
        let mut analyser = Analyser::new(0.0);
        let found = levels(analyser.look(&sine(hertz, 0.01, rate)), rate, 64);
        let decibels = -100.0 + 70.0 * found[band_of(hertz, 64)];
        assert!((decibels - 20.0 * (0.01_f32 * 0.5 * 0.42).log10()).abs() < 0.05, "{decibels} dB");
    }

    #[test]
    fn silence_is_nothing_and_a_full_tone_is_all() {
        let mut analyser = Analyser::new(0.0);
        assert_eq!(levels(analyser.look(&[0.0; FFT_SIZE]), 48_000, 64), [0.0; 64]);
        assert_eq!(levels(analyser.look(&sine(1_000.0, 1.0, 48_000)), 48_000, 64)[band_of(1_000.0, 64)], 1.0);
        // Above 4 kHz there is nothing in a sound of 8000 samples a second.
        let telephone = levels(analyser.look(&sine(1_000.0, 1.0, 8_000)), 8_000, 64);
        assert!(telephone[band_of(4_500.0, 64)..].iter().all(|&level| level == 0.0));
    }

    #[test]
    fn what_falls_silent_falls_by_a_fifth_a_look() {
        let mut analyser = Analyser::new(0.8);
        let tone = sine(1_000.0, 0.5, 48_000);
        for _ in 0..60 {
            analyser.look(&tone);
        }
        let before = analyser.look(&tone)[43];
        let after = analyser.look(&[0.0; FFT_SIZE])[43];
        assert!((after / before - 0.8).abs() < 1e-3, "{before} {after}");
    }
}
