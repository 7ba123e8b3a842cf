//! Mixes sound of any number of channels down to one or two.
//!
//! Channels are in the order of WAVE files (WAVEFORMATEXTENSIBLE's default masks) and mixed by the weights of ITU-R
//! BS.775: 1 for the front channel of a side, 0.71 for centre and surround channels, 0 for the low-frequency channel.
//! Each side's weights are scaled to a sum of 1, so that mixing adds no clipping.

use std::f32::consts::FRAC_1_SQRT_2 as HALF_POWER;
use std::ops::Range;

use crate::audio::AudioBuffer;

/// The weights of each channel in the left and the right output.
type Weights = &'static [[f32; 2]];

const L: [f32; 2] = [1.0, 0.0];
const R: [f32; 2] = [0.0, 1.0];
const C: [f32; 2] = [HALF_POWER, HALF_POWER];
const LOW: [f32; 2] = [0.0, 0.0];
const LS: [f32; 2] = [HALF_POWER, 0.0];
const RS: [f32; 2] = [0.0, HALF_POWER];
/// Centre surround: at half power to each surround channel, and from there at half power to the front.
const CS: [f32; 2] = [0.5, 0.5];

/// The layouts of 2 to 8 channels.
const LAYOUTS: [Weights; 7] = [
    &[L, R],
    &[L, R, C],
    &[L, R, LS, RS],
    &[L, R, C, LS, RS],
    &[L, R, C, LOW, LS, RS],
    &[L, R, C, LOW, CS, LS, RS],
    &[L, R, C, LOW, LS, RS, LS, RS],
];

/// The maximum number of input channels.
pub(super) const MAX_CHANNELS: usize = LAYOUTS.len() + 1;

/// Mixes a range of samples of 1 to [`MAX_CHANNELS`] channels to `channels` (1 or 2). Mono is copied to both sides;
/// stereo becomes its mean in mono. Samples beyond full scale are clipped, and NaN becomes silence.
pub(crate) fn mixed(sound: &AudioBuffer, samples: Range<usize>, channels: usize) -> Vec<Vec<f32>> {
    mixed_by(sound, samples, channels, clean)
}

/// Like [`mixed`], but without clipping; samples that are not finite become silence.
pub(crate) fn mixed_unclipped(sound: &AudioBuffer, samples: Range<usize>, channels: usize) -> Vec<Vec<f32>> {
    mixed_by(sound, samples, channels, |sample| if sample.is_finite() { sample } else { 0.0 })
}

fn mixed_by(sound: &AudioBuffer, samples: Range<usize>, channels: usize, clean: fn(f32) -> f32) -> Vec<Vec<f32>> {
    let from: Vec<&[f32]> = sound.channels().iter().map(|channel| &channel[samples.clone()]).collect();
    if let [only] = from[..] {
        return vec![only.iter().copied().map(clean).collect(); channels];
    }
    let layout = LAYOUTS[from.len() - 2];
    // The layouts are symmetric: the weights of both sides have the same sum.
    let sum: f32 = layout.iter().map(|weights| weights[0]).sum();
    let side = |weight: &dyn Fn(&[f32; 2]) -> f32| {
        let mut to = vec![0.0; samples.len()];
        for (from, weights) in from.iter().zip(layout) {
            let weight = weight(weights) / sum;
            if weight != 0.0 {
                to.iter_mut().zip(*from).for_each(|(to, &from)| *to += weight * clean(from));
            }
        }
        to
    };
    match channels {
        1 => vec![side(&|weights| (weights[0] + weights[1]) / 2.0)],
        _ => vec![side(&|weights| weights[0]), side(&|weights| weights[1])],
    }
}

fn clean(sample: f32) -> f32 {
    if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn mix(channels: &[f32], to: usize) -> Vec<f32> {
        let channels: Vec<_> = channels.iter().map(|&sample| vec![9.0, sample]).collect();
        let sound = AudioBuffer::new(48_000, Timestamp::ZERO, channels).unwrap();
        mixed(&sound, 1..2, to).into_iter().flatten().collect()
    }

    #[test]
    fn one_and_two_channels_keep_their_strength() {
        assert_eq!(mix(&[0.5], 1), [0.5]);
        assert_eq!(mix(&[0.5], 2), [0.5, 0.5]);
        assert_eq!(mix(&[0.5, -0.25], 2), [0.5, -0.25]);
        assert_eq!(mix(&[0.5, -0.25], 1), [0.125]);
    }

    #[test]
    fn full_scale_on_every_channel_is_full_scale_and_no_more() {
        for channels in 1..=MAX_CHANNELS {
            for to in [1, 2] {
                for sample in mix(&vec![1.0; channels], to) {
                    assert!((sample - 1.0).abs() < 1e-6, "{channels} to {to}: {sample}");
                }
            }
        }
    }

    #[test]
    fn every_channel_of_5_1_is_heard_on_its_side_but_for_the_lowest() {
        let alone = |channel: usize| mix(&std::array::from_fn::<_, 6, _>(|at| f32::from(at == channel)), 2);
        let most = 1.0 / (1.0 + 2.0 * HALF_POWER);
        let less = most * HALF_POWER;
        let expected = [[most, 0.0], [0.0, most], [less, less], [0.0, 0.0], [less, 0.0], [0.0, less]];
        for (channel, expected) in expected.iter().enumerate() {
            let heard = alone(channel);
            assert!(heard.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{channel}: {heard:?}");
        }
    }

    #[test]
    fn what_is_beyond_full_scale_or_no_number_does_no_harm() {
        assert_eq!(mix(&[f32::NAN], 1), [0.0]);
        assert_eq!(mix(&[f32::INFINITY, -1e30], 2), [1.0, -1.0]);
    }
}
