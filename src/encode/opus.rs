//! Encodes sound of any sample rate, channels and times as Opus with libopus, in packets of 20 ms.
//!
//! Decoded sound has the times of the input, exact to one sample. An Opus encoder delays sound by its lookahead, 312
//! samples or 6.5 ms. Usually the header's pre-skip has this number, and players leave out as many samples. But
//! libwebm's wrapper cannot write WebM's CodecDelay, which should repeat the pre-skip, and without it players disagree
//! on the times. The measured delay of a beep in samples, with ffmpeg 5.1 (both its decoders) and Chromium 156:
//!
//! | pre-skip | first sample encoded | ffmpeg, by its times | ffmpeg without (`-f f32le`) | `decodeAudioData` | `<audio>`, sought |
//! |---|---|---|---|---|---|
//! | 312 | 0 | 336 | 0 | 0 | 0 |
//! | 312 | 312 | 24 | -312 | -312 | -312 |
//! | 0 | 0 | 312 | 312 | 312 | 312 |
//! | **0** | **312** | **0** | **0** | **0** | **0** |
//!
//! So in WebM, the pre-skip is 0, like the missing CodecDelay, and encoding begins at sample 312. The cost: the first
//! 6.5 ms are silent.
//!
//! Ogg can store all of this (RFC 7845): there the pre-skip is the lookahead, no samples are left out, and the last
//! packet ends with the last sample. So packet `k` begins at sample `960 k - 312`, and 648 samples of the first packet
//! are played.

use super::audio::AudioEncoder;
use super::conformer::Conformer;
use crate::audio::{AudioBuffer, span_of};
use crate::error::{Error, Result};
use crate::mux::{AudioCodec, AudioTrack};
use crate::packet::EncodedPacket;
use crate::time::{Span, Timestamp};

/// Samples per second in every packet.
pub const RATE: u32 = 48_000;

/// Samples of each channel in a packet: 20 ms.
const PACKET: usize = 960;

/// The buffer size for a packet, in bytes; 20 ms at the highest bitrate are 1275.
const MAX_PACKET: usize = 4000;

/// The configuration of an Opus encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpusConfig {
    /// 1 or 2.
    pub channels: u8,
    /// Average bits per second, 6000 to 510000.
    pub bitrate: u32,
    /// Whether the bitrate may vary from packet to packet.
    pub mode: BitrateMode,
}

/// Whether a bitrate may vary (MediaStream Recording §2.6, `BitrateMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BitrateMode {
    /// The bitrate is an average: sound that is harder to encode gets more.
    #[default]
    Variable,
    /// Every packet has the same size.
    Constant,
}

setters! {
    OpusConfig {
        with_mode: mode: BitrateMode,
    }
}

impl OpusConfig {
    /// A configuration with a variable bitrate.
    pub fn new(channels: u8, bitrate: u32) -> Self {
        Self { channels, bitrate, mode: BitrateMode::default() }
    }

    /// The supported bitrates, in bits per second.
    pub const BITRATES: std::ops::RangeInclusive<u32> = 6_000..=510_000;

    fn validate(&self) -> Result<()> {
        if !(1..=2).contains(&self.channels) {
            return Err(Error::range(format!("expected 1 or 2 channels but found {}", self.channels)));
        }
        if !Self::BITRATES.contains(&self.bitrate) {
            let (least, most) = Self::BITRATES.into_inner();
            return Err(Error::range(format!(
                "expected a bitrate of sound from {least} to {most} bits a second but found {}",
                self.bitrate
            )));
        }
        Ok(())
    }
}

/// Turns sound into Opus packets.
///
/// Sound may have any sample rate, which may also change, and is resampled without delay. Mono is copied to both sides,
/// stereo becomes its mean in mono, and more channels (in the order of WAVE files) are mixed by the weights of ITU-R
/// BS.775, scaled to a sum of 1, without the low-frequency channel.
pub struct OpusEncoder {
    config: OpusConfig,
    conformer: Conformer,
    maker: Packetizer,
}

debug_fields!(OpusEncoder { config });

impl OpusEncoder {
    /// An encoder for WebM: packet `k` begins at `k` times 20 ms, and the pre-skip is 0.
    ///
    /// # Errors
    /// A range error when the configuration is out of bounds.
    pub fn new(config: &OpusConfig) -> Result<Self> {
        Self::open(config, false)
    }

    /// An encoder for Ogg: the pre-skip is the encoder's lookahead, and the last packet ends with the last sample.
    ///
    /// # Errors
    /// As [`OpusEncoder::new`].
    pub fn with_pre_skip(config: &OpusConfig) -> Result<Self> {
        Self::open(config, true)
    }

    fn open(config: &OpusConfig, pre_skip: bool) -> Result<Self> {
        config.validate()?;
        let channels = if config.channels == 1 { ::opus::Channels::Mono } else { ::opus::Channels::Stereo };
        let mut codec = ::opus::Encoder::new(RATE, channels, ::opus::Application::Audio).map_err(failed)?;
        let bitrate = i32::try_from(config.bitrate).unwrap_or(i32::MAX);
        codec.set_bitrate(::opus::Bitrate::Bits(bitrate)).map_err(failed)?;
        codec.set_vbr(config.mode == BitrateMode::Variable).map_err(failed)?;
        let lookahead = u16::try_from(codec.get_lookahead().map_err(failed)?).unwrap_or(0);
        let (pre_skip, left_out) = if pre_skip { (lookahead, 0) } else { (0, lookahead) };
        Ok(Self {
            config: config.clone(),
            conformer: Conformer::new(RATE, config.channels),
            maker: Packetizer { codec, pre_skip, left_out: left_out.into(), packets: 0 },
        })
    }

    /// The `CodecPrivate` of a WebM track, and an Ogg file's first packet: the identification header (RFC 7845 §5.1),
    /// 19 bytes.
    pub fn codec_private(&self) -> Vec<u8> {
        let mut head = b"OpusHead".to_vec();
        head.extend([1, self.config.channels]);
        head.extend(self.maker.pre_skip.to_le_bytes());
        head.extend(RATE.to_le_bytes());
        // No gain, and channel mapping family 0: mono, or left and right.
        head.extend([0, 0, 0]);
        head
    }

    /// The codec's full name (RFC 6381).
    pub fn codec_string(&self) -> &'static str {
        "opus"
    }

    /// How much silence was inserted into gaps so far.
    pub fn filled(&self) -> Span {
        self.conformer.filled()
    }

    /// How much sound was cut off so far because it overlapped earlier sound, or was before the file's beginning.
    pub fn cut(&self) -> Span {
        self.conformer.cut()
    }

    /// Takes sound and appends the packets that became ready: see [`AudioEncoder::encode`].
    ///
    /// # Errors
    /// As [`AudioEncoder::encode`].
    pub fn encode(&mut self, sound: &AudioBuffer, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        let maker = &mut self.maker;
        self.conformer.feed(sound, |conformer| maker.drain(conformer, packets))
    }

    /// Appends the last packets; the last one is padded with silence, so that for WebM it ends up to 20 ms after the
    /// last sample. No sound may follow.
    ///
    /// # Errors
    /// `UnknownError` when libopus fails.
    pub fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.conformer.finish()?;
        self.maker.drain(&mut self.conformer, packets)?;
        self.maker.finish(&mut self.conformer, packets)
    }
}

impl AudioEncoder for OpusEncoder {
    fn track(&self) -> AudioTrack {
        let (channels, codec_private) = (self.config.channels, self.codec_private());
        AudioTrack { codec: AudioCodec::Opus, rate: RATE, channels, codec_private }
    }

    fn codec_string(&self) -> &'static str {
        Self::codec_string(self)
    }

    fn encode(&mut self, sound: &AudioBuffer, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        Self::encode(self, sound, packets)
    }

    fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        Self::finish(self, packets)
    }
}

/// Encodes samples into packets.
struct Packetizer {
    codec: ::opus::Encoder,
    /// How many decoded samples players leave out at the beginning.
    pre_skip: u16,
    /// How many input samples are still to be left out here, because players leave out none.
    left_out: usize,
    /// The number of packets so far.
    packets: u64,
}

impl Packetizer {
    /// Encodes all whole packets.
    fn drain(&mut self, conformer: &mut Conformer, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.left_out -= conformer.take(self.left_out)[0].len();
        while conformer.ready() >= PACKET {
            let samples = conformer.take(PACKET);
            packets.push(self.packet(&samples)?);
        }
        Ok(())
    }

    /// Encodes the rest, padded with silence, so that the sound delayed by the lookahead is in the packets too.
    fn finish(&mut self, conformer: &mut Conformer, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        let end = conformer.position();
        let decoded = if end == 0 { 0 } else { end + u64::from(self.pre_skip) };
        while self.packets < decoded.div_ceil(PACKET as u64) {
            let mut samples = conformer.take(PACKET);
            samples.iter_mut().for_each(|channel| channel.resize(PACKET, 0.0));
            packets.push(self.packet(&samples)?);
        }
        if self.pre_skip > 0
            && end > 0
            && let Some(last) = packets.last_mut()
        {
            last.duration = Timestamp::ZERO + span_of(end, RATE) - last.timestamp;
        }
        Ok(())
    }

    fn packet(&mut self, samples: &[Vec<f32>]) -> Result<EncodedPacket> {
        let mut data = [0; MAX_PACKET];
        let interleaved: Vec<f32> = (0..PACKET).flat_map(|at| samples.iter().map(move |channel| channel[at])).collect();
        let len = self.codec.encode_float(&interleaved, &mut data).map_err(failed)?;
        let (timestamp, end) = (self.time(self.packets), self.time(self.packets + 1));
        self.packets += 1;
        Ok(EncodedPacket::new(data[..len].to_vec(), timestamp, end - timestamp, true))
    }

    /// The time at which a packet begins.
    fn time(&self, packet: u64) -> Timestamp {
        Timestamp::ZERO + span_of((packet * PACKET as u64).saturating_sub(self.pre_skip.into()), RATE)
    }
}

/// libopus's version, such as `libopus 1.5.2`.
pub fn version() -> &'static str {
    ::opus::version()
}

fn failed(error: ::opus::Error) -> Error {
    Error::unknown("libopus could not encode sound").with_cause(error)
}
