//! Audio encoders behind one trait: they accept sound of any time, sample rate and number of channels, and return
//! packets without gaps from time 0 on.

use super::ffmpeg::aac::AacEncoder;
use super::opus::{BitrateMode, OpusConfig, OpusEncoder};
use super::pcm::PcmEncoder;
use crate::audio::AudioBuffer;
use crate::error::{Error, Result};
use crate::mux::{AudioCodec, AudioTrack, Container};
use crate::packet::EncodedPacket;

/// The configuration of an audio encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioEncoderConfig {
    /// Samples per second of PCM; Opus always has 48000.
    pub rate: u32,
    /// 1 or 2.
    pub channels: u8,
    /// Bits per second of Opus: see [`OpusConfig::bitrate`].
    pub bitrate: u32,
    /// Whether the bitrate may vary.
    pub mode: BitrateMode,
    /// The codec; by default the first of the container.
    pub codec: Option<AudioCodec>,
}

setters! {
    AudioEncoderConfig {
        with_mode: mode: BitrateMode,
        with_codec: codec: Option<AudioCodec>,
    }
}

impl AudioEncoderConfig {
    /// A configuration with a variable bitrate.
    pub fn new(rate: u32, channels: u8, bitrate: u32) -> Self {
        Self { rate, channels, bitrate, mode: BitrateMode::default(), codec: None }
    }
}

/// Turns sound into packets.
pub trait AudioEncoder: Send {
    /// The description of its packets for the file's header.
    fn track(&self) -> AudioTrack;

    /// The codec's name: `opus`, `mp4a.40.2` (RFC 6381), `pcm`.
    fn codec_string(&self) -> &'static str;

    /// Takes sound and appends the packets that became ready. Sound comes in the order of its timestamps, which count
    /// from the file's beginning.
    ///
    /// Sound whose timestamp is within 2 ms of the end of the last sound is joined to it without a gap. Before later
    /// sound, also before the first, silence is inserted; of earlier sound, the beginning is cut off. The sound is then
    /// exactly at its timestamp, so that drift never exceeds 2 ms.
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
/// A range error when the configuration is out of bounds; for AAC, `NotFoundError` where there is no `ffmpeg` program.
pub fn open_audio(container: Container, config: &AudioEncoderConfig) -> Result<Box<dyn AudioEncoder>> {
    let AudioEncoderConfig { rate, channels, bitrate, mode, codec } = *config;
    let opus = OpusConfig { channels, bitrate, mode };
    Ok(match container {
        Container::Mp4 if codec == Some(AudioCodec::Aac) => Box::new(AacEncoder::new(channels, bitrate)?),
        Container::Webm | Container::Mp4 => Box::new(OpusEncoder::new(&opus)?),
        Container::Ogg => Box::new(OpusEncoder::with_pre_skip(&opus)?),
        Container::Wav => Box::new(PcmEncoder::new(rate, channels)?),
        _ => {
            return Err(Error::not_supported(format!(
                "expected sound for a file of {} but found none",
                container.name()
            )));
        }
    })
}
