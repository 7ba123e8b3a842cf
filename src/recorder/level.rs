//! The level of the sound that a recorder encodes.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::audio::AudioBuffer;

/// Measures the peak level of the sound since it was last read.
#[derive(Debug, Default)]
pub struct LevelMeter {
    /// The bits of a float that is not negative; as integers, they have the order of the floats.
    peak: AtomicU32,
}

impl LevelMeter {
    /// Measures this sound too.
    pub fn hear(&self, sound: &AudioBuffer) {
        let strongest = sound.channels().iter().flatten().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        self.peak.fetch_max(strongest.min(1.0).to_bits(), Ordering::Relaxed);
    }

    /// The peak level since the last call, 0 to 1.
    pub fn take(&self) -> f32 {
        f32::from_bits(self.peak.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn the_strongest_sample_of_all_channels_since_the_last_reading_is_the_level() {
        let meter = LevelMeter::default();
        let sound = |samples: [f32; 2]| {
            AudioBuffer::new(48_000, Timestamp::ZERO, vec![vec![0.1, 0.0], samples.to_vec()]).unwrap()
        };
        meter.hear(&sound([0.2, -0.5]));
        meter.hear(&sound([0.3, 0.0]));
        assert_eq!([meter.take(), meter.take()], [0.5, 0.0]);
        meter.hear(&sound([-7.0, 0.0]));
        assert_eq!(meter.take(), 1.0);
    }
}
