//! Corrects the drift of a device's clock against the recording's clock. Pure: samples and times go in, samples come
//! out.
//!
//! A sound card that claims 48 kHz samples at 47,995 or 48,005 Hz: 100 ppm, which is 0.36 s after an hour. So the sound
//! is resampled by a factor that a control loop keeps adjusting. Each buffer comes with the time at which it was heard;
//! the loop (proportional and integral, critically damped, with a time constant of half a minute) turns the difference
//! between that time and the buffer's place in the output into a stretch.
//!
//! The times of real devices jitter by some milliseconds, and on a busy machine a buffer may come late by any time,
//! though it was heard in time. So one buffer's difference is not reliable: the loop uses the lower quartile of the
//! differences of the last two seconds. When even the quartile is larger than [`JUMP`], sound was lost or the device
//! slept; then silence is inserted, or sound is left out, at once.

use std::collections::VecDeque;

use crate::audio::{samples_in, span_of};
use crate::encode::resampler::Resampler;
use crate::error::Result;
use crate::time::{Span, Timestamp};

/// Samples a second of the output.
pub const RATE: u32 = 48_000;
/// A difference above which sound is moved at once.
const JUMP: Span = Span::from_millis(100);
/// A difference of a single buffer that is too large for a busy machine.
const GAP: Span = Span::from_secs(1);
/// How long differences are remembered.
const MEMORY: Span = Span::from_secs(2);
/// The loop's angular frequency, in radians a second.
const OMEGA: f64 = 0.03;
/// The greatest stretch: less than a hundredth of a semitone, which is inaudible. Real clocks differ by a fifth of it.
const MOST: f64 = 0.0005;

/// Resamples buffers of a device to 48 kHz of the recording's clock.
pub struct DriftCorrector {
    rate: u32,
    resampler: Resampler,
    /// The time of the resampler's first sample: the output's beginning, plus the silence inserted since.
    origin: Timestamp,
    /// Whether a buffer was placed.
    begun: bool,
    /// For the last buffers: how much later each was heard than it is placed, and its length.
    differences: VecDeque<(Span, Span)>,
    /// The integral of the quartiles, in seconds.
    integral: f64,
}

debug_fields!(DriftCorrector { rate });

impl DriftCorrector {
    /// Takes sound of `rate` samples a second; the output begins at `begin` of the recording's clock.
    ///
    /// # Errors
    /// When the rate cannot be resampled.
    pub fn new(rate: u32, channels: usize, begin: Timestamp) -> Result<Self> {
        let resampler = Resampler::new(rate, RATE, channels)?;
        Ok(Self { rate, resampler, origin: begin, begun: false, differences: VecDeque::new(), integral: 0.0 })
    }

    /// The time of the next buffer if it follows without a gap.
    pub fn end(&self) -> Timestamp {
        self.origin + Span::from_nanos((self.resampler.position() * 1e9).round() as i64)
    }

    /// Resamples a buffer that was heard from `heard` on, and appends the result to `out`. The first buffer is placed
    /// exactly; samples before the output's beginning are left out.
    ///
    /// # Errors
    /// When resampling fails.
    pub fn feed(&mut self, planes: &[Vec<f32>], heard: Timestamp, out: &mut [Vec<f32>]) -> Result<()> {
        let late = heard - self.end();
        let late = if self.begun { self.remember(late, span_of(planes[0].len() as u64, self.rate)) } else { late };
        let jump = if self.begun { JUMP } else { Span::ZERO };
        let mut left_out = 0;
        if late > jump {
            let silence = samples_in(late, RATE);
            out.iter_mut().for_each(|out| out.resize(out.len() + silence as usize, 0.0));
            self.origin = self.origin + span_of(silence, RATE);
            self.differences.clear();
        } else if late < Span::ZERO - jump {
            left_out = (samples_in(Span::ZERO - late, self.rate) as usize).min(planes[0].len());
            self.differences.clear();
        } else if self.begun {
            self.follow(late.as_secs_f64(), planes[0].len() as f64 / f64::from(self.rate))?;
        }
        self.begun |= left_out < planes[0].len();
        if left_out == 0 {
            return self.resampler.feed(planes, out);
        }
        let kept: Vec<Vec<f32>> = planes.iter().map(|plane| plane[left_out..].to_vec()).collect();
        self.resampler.feed(&kept, out)
    }

    /// Remembers the difference of a buffer of this length; returns the lower quartile of the last ones, or the
    /// difference itself if that is too large for a busy machine.
    fn remember(&mut self, late: Span, length: Span) -> Span {
        if late > GAP || late < Span::ZERO - GAP {
            return late;
        }
        self.differences.push_back((late, length));
        let mut remembered =
            self.differences.iter().map(|(_, length)| *length).fold(Span::ZERO, |sum, each| sum + each);
        let whole = remembered >= MEMORY;
        while remembered > MEMORY
            && let Some((_, oldest)) = self.differences.pop_front()
        {
            remembered = remembered - oldest;
        }
        let mut sorted: Vec<Span> = self.differences.iter().map(|(late, _)| *late).collect();
        sorted.sort_unstable();
        let quartile = sorted.get(sorted.len() / 4).copied().unwrap_or_default();
        // With less than two seconds of differences, the quartile is limited, so that nothing is moved.
        if whole { quartile } else { quartile.clamp(Span::ZERO - JUMP, JUMP) }
    }

    /// One step of the control loop, `step` seconds after the last one.
    fn follow(&mut self, difference: f64, step: f64) -> Result<()> {
        self.integral = (self.integral + difference * step * OMEGA * OMEGA).clamp(-MOST, MOST);
        let stretch = (2.0 * OMEGA * difference + self.integral).clamp(-MOST, MOST);
        self.resampler.stretch(1.0 + stretch)
    }
}

/// The time of the first of a run of buffers, from the times of all of them: the lower quartile, as in the control
/// loop. Each entry is a count of samples since the first and the time at which the buffer was heard.
pub fn first_heard(buffers: &[(u64, Timestamp)], rate: u32) -> Option<Timestamp> {
    let mut times: Vec<Timestamp> = buffers.iter().map(|&(samples, heard)| heard - span_of(samples, rate)).collect();
    times.sort_unstable();
    times.get(times.len() / 4).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `seconds` of a device whose clock is `ppm` fast, in buffers of 10 ms whose times jitter by `jitter` ms;
    /// returns the greatest distance in ms between a sample's place and its time after the first `settled` seconds.
    fn greatest_distance(ppm: f64, seconds: usize, jitter: f64, settled: usize) -> f64 {
        const DEVICE: u32 = 48_000;
        let mut corrector = DriftCorrector::new(DEVICE, 1, Timestamp::ZERO).unwrap();
        let true_rate = f64::from(DEVICE) * (1.0 + ppm * 1e-6);
        let buffer = vec![vec![0.0; DEVICE as usize / 100]];
        let mut out = vec![Vec::new()];
        let mut given = 0;
        let mut greatest = 0.0_f64;
        for index in 0..seconds * 100 {
            let true_time = index as f64 * buffer[0].len() as f64 / true_rate;
            // Irregular, within the jitter, and reproducible.
            let noise = jitter * 1e-3 * ((index * 7919 % 1000) as f64 / 500.0 - 1.0);
            let heard = Timestamp::from_nanos(((true_time + if index > 0 { noise } else { 0.0 }) * 1e9) as i64);
            let placed = corrector.origin.as_secs_f64() + corrector.resampler.position();
            if index >= settled * 100 {
                greatest = greatest.max((placed - true_time).abs() * 1e3);
            }
            corrector.feed(&buffer, heard, &mut out).unwrap();
            given += out[0].len();
            out[0].clear();
        }
        let due = seconds as f64 * 100.0 * buffer[0].len() as f64 / true_rate * f64::from(RATE);
        assert!((given as f64 - due).abs() < 1500.0, "{given} samples given, {due} due");
        greatest
    }

    #[test]
    fn an_hour_at_100_ppm_stays_within_three_milliseconds() {
        for ppm in [100.0, -100.0] {
            let greatest = greatest_distance(ppm, 3600, 0.0, 0);
            assert!(greatest < 3.0, "{greatest} ms at {ppm} ppm");
        }
    }

    #[test]
    fn times_that_jitter_are_followed_by_their_lower_quartile() {
        let greatest = greatest_distance(100.0, 120, 8.0, 5);
        assert!(greatest < 6.0, "{greatest} ms");
    }

    #[test]
    fn buffers_that_come_late_from_a_busy_machine_are_not_taken_for_lost_sound() {
        let mut corrector = DriftCorrector::new(48_000, 1, Timestamp::ZERO).unwrap();
        let mut out = vec![Vec::new()];
        let at = |index: i64| Timestamp::ZERO + Span::from_millis(10 * index);
        for index in 0..1000 {
            // Once a second twenty buffers come at once.
            let late = if index >= 100 && index % 100 < 20 { 20 - index % 100 } else { 0 };
            corrector.feed(&[vec![1.0; 480]], at(index + late), &mut out).unwrap();
            assert!((corrector.end() - at(index + 1)).as_secs_f64().abs() < 0.003, "at {index}");
        }
        assert!(out[0][200..].iter().all(|&sample| (sample - 1.0).abs() < 1e-2), "no silence");
    }

    #[test]
    fn the_first_buffer_is_placed_to_the_sample_and_lost_sound_becomes_silence() {
        let at = |millis: i64| Timestamp::ZERO + Span::from_millis(millis);
        let ones = vec![vec![1.0; 4800]];
        let mut out = vec![Vec::new()];
        let mut corrector = DriftCorrector::new(48_000, 1, at(1000)).unwrap();
        // Half of the buffer is from before the beginning.
        corrector.feed(&ones, at(950), &mut out).unwrap();
        corrector.feed(&ones, at(1050), &mut out).unwrap();
        assert!(out[0][200..].iter().all(|&sample| (sample - 1.0).abs() < 1e-2));
        // 1.3 s are missing.
        corrector.feed(&ones, at(2450), &mut out).unwrap();
        corrector.feed(&ones, at(2550), &mut out).unwrap();
        let silent = |out: &[f32]| out.iter().skip(200).filter(|sample| sample.abs() < 1e-3).count();
        assert!(silent(&out[0]).abs_diff(62_400) < 10, "{}", silent(&out[0]));
        // From now on 300 ms are missing, which is noticed when all differences of two seconds show it.
        (0..40).for_each(|index| corrector.feed(&ones, at(2950 + 100 * index), &mut out).unwrap());
        assert!(silent(&out[0]).abs_diff(62_400 + 14_400) < 300, "{}", silent(&out[0]));
        assert!((corrector.end() - at(2950 + 4000)).as_secs_f64().abs() < 0.01);
    }

    #[test]
    fn the_time_of_the_first_sample_is_the_lower_quartile_of_what_all_buffers_say() {
        let heard = |millis: i64| Timestamp::ZERO + Span::from_millis(millis);
        let buffers = [(0, heard(30)), (480, heard(20)), (960, heard(41)), (1440, heard(31)), (1920, heard(40))];
        assert_eq!(first_heard(&buffers, 48_000), Some(heard(1)));
        assert_eq!(first_heard(&[], 48_000), None);
    }
}
