//! Encodes sound as 16-bit PCM in packets of 20 ms.

use super::audio::AudioEncoder;
use super::conformer::Conformer;
use crate::audio::{AudioBuffer, span_of};
use crate::error::{Error, Result};
use crate::mux::{AudioCodec, AudioTrack};
use crate::packet::EncodedPacket;
use crate::time::Timestamp;

/// Turns sound into packets of PCM. Sound of another sample rate is resampled, and other channels are mixed, as for
/// Opus.
pub struct PcmEncoder {
    rate: u32,
    channels: u8,
    conformer: Conformer,
    /// How many samples of each channel are in packets so far.
    encoded: u64,
}

debug_fields!(PcmEncoder { rate, channels });

impl PcmEncoder {
    /// An encoder with this number of samples per second and 1 or 2 channels.
    ///
    /// # Errors
    /// A range error for a rate outside [`AudioBuffer::RATES`] and for other channels.
    pub fn new(rate: u32, channels: u8) -> Result<Self> {
        if !AudioBuffer::RATES.contains(&rate) || !(1..=2).contains(&channels) {
            let (least, most) = AudioBuffer::RATES.into_inner();
            return Err(Error::range(format!(
                "expected 1 or 2 channels of {least} to {most} samples a second but found {channels} of {rate}"
            )));
        }
        Ok(Self { rate, channels, conformer: Conformer::new(rate, channels), encoded: 0 })
    }
}

impl AudioEncoder for PcmEncoder {
    fn track(&self) -> AudioTrack {
        AudioTrack { codec: AudioCodec::Pcm, rate: self.rate, channels: self.channels, codec_private: Vec::new() }
    }

    fn codec_string(&self) -> &'static str {
        "pcm"
    }

    fn encode(&mut self, sound: &AudioBuffer, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        let (rate, encoded) = (self.rate, &mut self.encoded);
        let length = (rate / 50) as usize;
        self.conformer.feed(sound, |conformer| {
            while conformer.ready() >= length {
                packets.push(packet(conformer.take(length), rate, encoded));
            }
            Ok(())
        })
    }

    fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.conformer.finish()?;
        let length = (self.rate / 50) as usize;
        while self.conformer.ready() > 0 {
            packets.push(packet(self.conformer.take(length), self.rate, &mut self.encoded));
        }
        Ok(())
    }
}

/// The packet of these samples, which follow `encoded` earlier ones.
fn packet(sound: Vec<Vec<f32>>, rate: u32, encoded: &mut u64) -> EncodedPacket {
    let samples = sound[0].len();
    let data = (0..samples).flat_map(|at| sound.iter().flat_map(move |channel| pcm(channel[at]).to_le_bytes()));
    let data = data.collect();
    let timestamp = Timestamp::ZERO + span_of(*encoded, rate);
    *encoded += samples as u64;
    let duration = Timestamp::ZERO + span_of(*encoded, rate) - timestamp;
    EncodedPacket::new(data, timestamp, duration, true)
}

/// The nearest 16-bit value; full scale is 32768, as in the programs that read it.
fn pcm(sample: f32) -> i16 {
    // The cast saturates values out of range.
    (sample * 32_768.0).round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn packets_hold_every_sample_once_at_its_time_whatever_the_rate() {
        for rate in [8_000, 11_025, 16_000, 44_100, 48_000] {
            let mut encoder = PcmEncoder::new(rate, 2).unwrap();
            let mut packets = Vec::new();
            let steps: Vec<f32> = (0..rate).map(|at| (at % 1000) as f32 / 32_768.0).collect();
            let sound = AudioBuffer::new(rate, Timestamp::ZERO, vec![steps.clone(), steps]).unwrap();
            for begin in (0..rate as usize).step_by(777) {
                encoder.encode(&sound.slice(begin..(begin + 777).min(rate as usize)), &mut packets).unwrap();
            }
            encoder.finish(&mut packets).unwrap();
            let bytes: Vec<u8> = packets.iter().flat_map(|packet| packet.data.clone()).collect();
            let expected: Vec<u8> =
                (0..rate).flat_map(|at| [(at % 1000) as i16; 2]).flat_map(i16::to_le_bytes).collect();
            assert!(bytes == expected, "{rate}");
            let mut end = Timestamp::ZERO;
            for packet in &packets {
                assert_eq!(packet.timestamp, end);
                end = packet.timestamp + packet.duration;
            }
            assert_eq!(end, Timestamp::ZERO + Span::from_secs(1));
        }
    }

    #[test]
    fn samples_are_rounded_and_full_scale_is_not_exceeded() {
        let found = [0.0, 1.0, -1.0, 2.0, f32::NAN, 0.6 / 32_768.0].map(pcm);
        assert_eq!(found, [0, i16::MAX, i16::MIN, i16::MAX, 0, 1]);
    }

    #[test]
    fn what_no_encoder_takes_is_refused() {
        for (rate, channels) in [(48_000, 0), (48_000, 3), (3_999, 1), (384_001, 1)] {
            let error = PcmEncoder::new(rate, channels).map(drop).unwrap_err();
            assert!(error.to_string().ends_with(&format!("but found {channels} of {rate}")), "{error}");
        }
    }
}
