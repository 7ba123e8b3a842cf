//! Encoders of sound behind one trait: sound goes in at any time, rate and number of channels; packets come out that
//! follow each other without a gap from time 0 on.

use super::opus::{BitrateMode, OpusConfig, OpusEncoder};
use super::pcm::PcmEncoder;
use crate::audio::AudioBuffer;
use crate::error::Result;
use crate::mux::{AudioTrack, Container};
use crate::packet::EncodedPacket;

/// What an encoder of sound is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioEncoderConfig {
    /// Samples a second that PCM gets; Opus always has 48000.
    pub rate: u32,
    /// 1 or 2.
    pub channels: u8,
    /// Bits a second of Opus: see [`OpusConfig::bitrate`].
    pub bitrate: u32,
    /// Whether they may vary.
    pub mode: BitrateMode,
}

impl AudioEncoderConfig {
    /// So many samples a second in so many channels, at so many bits a second, which may vary.
    pub fn new(rate: u32, channels: u8, bitrate: u32) -> Self {
        Self { rate, channels, bitrate, mode: BitrateMode::default() }
    }

    /// The same, with bitrates that may or may not vary.
    pub fn with_mode(self, mode: BitrateMode) -> Self {
        Self { mode, ..self }
    }
}

/// Turns sound into packets.
pub trait AudioEncoder: Send {
    /// What the file's header says of its packets.
    fn track(&self) -> AudioTrack;

    /// The codec's name: `opus` (RFC 6381), `pcm`.
    fn codec_string(&self) -> &'static str;

    /// Takes sound and appends the packets that became ready. Sound comes in the order of its time, which is counted from
    /// the file's beginning.
    ///
    /// Sound that follows the last to within 2 ms is joined to it without a seam. What begins later than that gets
    /// silence before it, the first sound too; what begins earlier loses its beginning. Either way it is then exactly at
    /// its time, so that no drift adds up to more than those 2 ms.
    ///
    /// # Errors
    /// A range error for more than 8 channels, or for sound more than a day after the last. An invalid state after
    /// [`AudioEncoder::finish`].
    fn encode(&mut self, sound: &AudioBuffer, packets: &mut Vec<EncodedPacket>) -> Result<()>;

    /// Appends the last packets. No sound may follow.
    fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()>;
}

/// Opens the encoder that this container's sound needs.
///
/// # Errors
/// A range error when the configuration is out of bounds.
pub fn open_audio(container: Container, config: &AudioEncoderConfig) -> Result<Box<dyn AudioEncoder>> {
    let AudioEncoderConfig { rate, channels, bitrate, mode } = *config;
    let opus = OpusConfig { channels, bitrate, mode };
    Ok(match container {
        Container::Webm => Box::new(OpusEncoder::new(&opus)?),
        Container::Ogg => Box::new(OpusEncoder::with_pre_skip(&opus)?),
        Container::Wav => Box::new(PcmEncoder::new(rate, channels)?),
    })
}
