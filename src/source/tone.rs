//! The built-in test tone, to check that sound and video are in sync: a quiet hum, and a beep of 100 ms at every full
//! second, when the pattern's clock shows one.
//!
//! Every sample is computed from its index alone. A second holds whole cycles of both, and so does a beep: hum and beep
//! meet at zero, so that the sudden start of the beep makes no click.

use std::f64::consts::TAU;

use super::audio::{AudioInfo, AudioSource};
use crate::audio::{AudioBuffer, samples_in, span_of};
use crate::error::Result;
use crate::time::{Span, Timestamp};

/// Samples a second.
pub const RATE: u32 = 48_000;

/// The hum: 440 Hz at -20 dBFS.
pub const HUM: Sine = Sine { hertz: 440, amplitude: 0.1 };

/// The beep: 1 kHz at -6 dBFS.
pub const BEEP: Sine = Sine { hertz: 1_000, amplitude: 0.5 };

/// How many samples of a second belong to the beep.
pub const BEEP_SAMPLES: u64 = RATE as u64 / 10;

/// Samples in a buffer: 20 ms.
const BUFFER: u64 = RATE as u64 / 50;

/// A sine wave that is 0 and rises at every full second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sine {
    /// Cycles a second.
    pub hertz: u32,
    /// Its amplitude.
    pub amplitude: f32,
}

impl Sine {
    fn at(self, sample: u64) -> f32 {
        let cycles = sample * u64::from(self.hertz) % u64::from(RATE);
        self.amplitude * (cycles as f64 / f64::from(RATE) * TAU).sin() as f32
    }
}

/// Sample `index` of the endless tone.
pub fn sample(index: u64) -> f32 {
    let within = index % u64::from(RATE);
    if within < BEEP_SAMPLES { BEEP.at(within) } else { HUM.at(within) }
}

/// Gives the tone, without end.
#[derive(Debug)]
pub struct ToneSource {
    info: AudioInfo,
    first: u64,
    next: u64,
}

impl ToneSource {
    /// The tone from `start` on: the first beep is heard at the next full second, the timestamps begin at 0.
    pub fn new(start: Option<Span>) -> Self {
        let first = start.map_or(0, |start| samples_in(start, RATE));
        let info = AudioInfo { kind: "tone", rate: RATE, channels: 1, length: None, endless: true };
        Self { info, first, next: first }
    }
}

impl AudioSource for ToneSource {
    fn info(&self) -> &AudioInfo {
        &self.info
    }

    fn next_buffer(&mut self) -> Result<Option<AudioBuffer>> {
        let timestamp = Timestamp::ZERO + span_of(self.next - self.first, RATE);
        let samples = (self.next..self.next + BUFFER).map(sample).collect();
        self.next += BUFFER;
        AudioBuffer::new(RATE, timestamp, vec![samples]).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(start: Option<Span>, buffers: usize) -> Vec<f32> {
        let mut source = ToneSource::new(start);
        let mut samples = Vec::new();
        for index in 0..buffers {
            let buffer = source.next_buffer().unwrap().unwrap();
            assert_eq!(buffer.timestamp - Timestamp::ZERO, Span::from_millis(20 * index as i64));
            samples.extend_from_slice(&buffer.channels()[0]);
        }
        samples
    }

    #[test]
    fn a_beep_begins_at_every_full_second_and_nothing_clicks() {
        let tone = samples(None, 125);
        let strongest = |from: usize, len: usize| tone[from..from + len].iter().fold(0.0_f32, |m, s| m.max(s.abs()));
        for second in 0..2 {
            let beep = second * 48_000;
            assert!((strongest(beep, 4_800) - 0.5).abs() < 1e-4);
            assert!((strongest(beep + 4_800, 43_200) - 0.1).abs() < 1e-4);
            // In a quarter of a cycle the beep is at its peak.
            assert!(tone[beep].abs() < 1e-6 && (tone[beep + 12] - 0.5).abs() < 1e-6);
        }
        // No step is larger than the beep's own slope.
        let slope = 0.5 * 1_000.0 / 48_000.0 * std::f32::consts::TAU;
        assert!(tone.windows(2).all(|pair| (pair[1] - pair[0]).abs() <= slope * 1.001));
    }

    #[test]
    fn a_start_skips_to_the_sample_and_days_later_the_tone_is_the_same() {
        let tone = samples(None, 100);
        assert_eq!(samples(Some(Span::from_millis(250)), 10), tone[12_000..12_000 + 9_600]);
        assert_eq!(samples(Some(Span::from_secs(86_400 * 7)), 100), tone);
    }
}
