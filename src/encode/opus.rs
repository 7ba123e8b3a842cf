//! Sound as Opus, by libopus: packets of 20 ms from time 0 on, whatever rate, channels and times it comes with.
//!
//! What is decoded at a time is what was heard at that time, to the sample. An Opus encoder delays by its lookahead, 312
//! samples or 6.5 ms, and the header's pre-skip customarily says so, for players to leave them out. But where WebM's
//! CodecDelay does not repeat it, and libwebm's wrapper cannot write that element, players disagree on what that does to
//! the times. How late a beep came, in samples, with ffmpeg 5.1 (both its decoders) and Chromium 156:
//!
//! | pre-skip | first sample encoded | ffmpeg, by its times | ffmpeg without (`-f f32le`) | `decodeAudioData` | `<audio>`, sought |
//! |---|---|---|---|---|---|
//! | 312 | 0 | 336 | 0 | 0 | 0 |
//! | 312 | 312 | 24 | -312 | -312 | -312 |
//! | 0 | 0 | 312 | 312 | 312 | 312 |
//! | **0** | **312** | **0** | **0** | **0** | **0** |
//!
//! So the pre-skip is 0, as the missing CodecDelay is, and encoding begins at sample 312. The price is the first 6.5 ms,
//! which are silent.

use super::mixer::{MAX_CHANNELS, mixed};
use super::resampler::Resampler;
use super::timeline::Timeline;
use crate::audio::{AudioBuffer, span_of};
use crate::error::{Error, ErrorKind, Result};
use crate::packet::EncodedPacket;
use crate::time::{Span, Timestamp};

/// Samples a second in every packet.
pub const RATE: u32 = 48_000;

/// Samples of each channel in a packet: 20 ms.
const PACKET: usize = 960;

/// Samples that players are to leave out at the beginning; see the module's head.
const PRE_SKIP: u16 = 0;

/// The largest packet that libopus is asked for, in bytes; 20 ms at the highest bitrate are 1275.
const MAX_PACKET: usize = 4000;

/// Silence is made in pieces of this length, in samples.
const SILENCE: u64 = 1 << 14;

/// What an Opus encoder is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpusConfig {
    /// 1 or 2.
    pub channels: u8,
    /// Bits a second, averaged, 6000 to 510000.
    pub bitrate: u32,
    /// Whether it may vary from packet to packet.
    pub mode: BitrateMode,
}

/// Whether a bitrate may vary (MediaStream Recording §2.6, `BitrateMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BitrateMode {
    /// It is kept on average: what is hard to encode gets more.
    #[default]
    Variable,
    /// Every packet has the same size.
    Constant,
}

impl OpusConfig {
    /// The bitrates that are taken, in bits a second.
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

/// Turns sound into Opus packets: packet `k` is heard from `k` times 20 ms on.
///
/// Sound may come at any rate, even at another one later, and is resampled without delay. One channel is heard on both
/// sides, two become their mean, and more (in the order of WAVE files) come down by the weights of ITU-R BS.775, brought
/// to a sum of 1; the low-frequency channel is left out.
pub struct OpusEncoder {
    config: OpusConfig,
    codec: ::opus::Encoder,
    timeline: Timeline,
    resampler: Option<Resampler>,
    /// Samples at [`RATE`] that wait for a whole packet.
    ready: Vec<Vec<f32>>,
    /// How many samples later than they went in they come out again; so many are left out at the beginning.
    lookahead: usize,
    /// How many of those were.
    left_out: usize,
    /// Packets so far.
    packets: u64,
    finished: bool,
    filled: Span,
    cut: Span,
}

impl OpusEncoder {
    /// A range error when the configuration is out of bounds.
    pub fn new(config: &OpusConfig) -> Result<Self> {
        config.validate()?;
        let channels = if config.channels == 1 { ::opus::Channels::Mono } else { ::opus::Channels::Stereo };
        let mut codec = ::opus::Encoder::new(RATE, channels, ::opus::Application::Audio).map_err(failed)?;
        let bitrate = i32::try_from(config.bitrate).unwrap_or(i32::MAX);
        codec.set_bitrate(::opus::Bitrate::Bits(bitrate)).map_err(failed)?;
        codec.set_vbr(config.mode == BitrateMode::Variable).map_err(failed)?;
        let lookahead = usize::try_from(codec.get_lookahead().map_err(failed)?).unwrap_or(0);
        Ok(Self {
            config: config.clone(),
            codec,
            timeline: Timeline::new(),
            resampler: None,
            ready: vec![Vec::new(); usize::from(config.channels)],
            lookahead,
            left_out: 0,
            packets: 0,
            finished: false,
            filled: Span::ZERO,
            cut: Span::ZERO,
        })
    }

    /// The `CodecPrivate` of a WebM track: the identification header (RFC 7845 §5.1), 19 bytes. Its pre-skip is 0.
    pub fn codec_private(&self) -> Vec<u8> {
        let mut head = b"OpusHead".to_vec();
        head.extend([1, self.config.channels]);
        head.extend(PRE_SKIP.to_le_bytes());
        head.extend(RATE.to_le_bytes());
        // No gain, and channel mapping family 0: mono, or left and right.
        head.extend([0, 0, 0]);
        head
    }

    /// The codec's full name (RFC 6381).
    pub fn codec_string(&self) -> &'static str {
        "opus"
    }

    /// How much silence was put in so far where no sound was.
    pub fn filled(&self) -> Span {
        self.filled
    }

    /// How much sound was cut off so far because other sound, or the file's beginning, stands at its time.
    pub fn cut(&self) -> Span {
        self.cut
    }

    /// Takes sound and appends the packets that became ready. Sound comes in the order of its time, which is counted from
    /// the file's beginning.
    ///
    /// Sound that follows the last to within 2 ms is joined to it without a seam. What begins later than that gets
    /// silence before it, the first sound too; what begins earlier loses its beginning. Either way it is then exactly at
    /// its time, so that no drift adds up to more than those 2 ms.
    ///
    /// # Errors
    /// A range error for more than 8 channels, or for sound more than a day after the last. An invalid state after
    /// [`OpusEncoder::finish`].
    pub fn encode(&mut self, sound: &AudioBuffer, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        if self.finished {
            return Err(Error::new(ErrorKind::InvalidState, "expected no sound after the end but found some"));
        }
        if sound.channels().len() > MAX_CHANNELS {
            return Err(Error::range(format!(
                "expected sound of at most {MAX_CHANNELS} channels but found {}",
                sound.channels().len()
            )));
        }
        if sound.samples() == 0 {
            return Ok(());
        }
        if self.timeline.rate() != Some(sound.rate) {
            self.change_rate(sound.rate)?;
        }
        let placement = self.timeline.place(sound)?;
        self.filled += span_of(placement.silence, sound.rate);
        self.cut += span_of(placement.cut as u64, sound.rate);
        let mut silence = placement.silence;
        while silence > 0 {
            let samples = silence.min(SILENCE);
            self.take(vec![vec![0.0; samples as usize]; self.ready.len()], packets)?;
            silence -= samples;
        }
        self.take(mixed(sound, placement.cut..sound.samples(), self.ready.len()), packets)
    }

    /// Appends the last packets, the very last one filled up with silence: they reach to the last sample's end or up to
    /// 20 ms beyond. No sound may follow.
    pub fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.finished = true;
        self.drain_resampler()?;
        self.leave_out();
        // The lookahead, which was left out at the beginning, is made up for here: its silence drives out the last sound.
        let due = self.position().div_ceil(PACKET as u64) - self.packets;
        self.ready.iter_mut().for_each(|ready| ready.resize(due as usize * PACKET, 0.0));
        self.drain(packets)
    }

    /// How many samples at [`RATE`] came from time 0 on.
    fn position(&self) -> u64 {
        self.packets * PACKET as u64 + (self.left_out + self.ready[0].len()) as u64
    }

    fn change_rate(&mut self, rate: u32) -> Result<()> {
        self.drain_resampler()?;
        self.timeline.change_rate(rate, Timestamp::ZERO + span_of(self.position(), RATE));
        if rate != RATE {
            self.resampler = Some(Resampler::new(rate, RATE, self.ready.len())?);
        }
        Ok(())
    }

    fn drain_resampler(&mut self) -> Result<()> {
        match self.resampler.take() {
            Some(resampler) => resampler.finish(&mut self.ready),
            None => Ok(()),
        }
    }

    /// Samples at the current rate, on to the packets.
    fn take(&mut self, sound: Vec<Vec<f32>>, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        match &mut self.resampler {
            Some(resampler) => resampler.feed(&sound, &mut self.ready)?,
            None => self.ready.iter_mut().zip(sound).for_each(|(ready, sound)| ready.extend(sound)),
        }
        self.leave_out();
        self.drain(packets)
    }

    /// Leaves out the beginning, as much of it as is there and due.
    fn leave_out(&mut self) {
        let samples = (self.lookahead - self.left_out).min(self.ready[0].len());
        self.left_out += samples;
        self.ready.iter_mut().for_each(|ready| drop(ready.drain(..samples)));
    }

    /// Encodes all whole packets.
    fn drain(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        let whole = self.ready[0].len() / PACKET * PACKET;
        let mut interleaved = Vec::with_capacity(PACKET * self.ready.len());
        let mut data = [0; MAX_PACKET];
        for begin in (0..whole).step_by(PACKET) {
            interleaved.clear();
            interleaved.extend((begin..begin + PACKET).flat_map(|at| self.ready.iter().map(move |ready| ready[at])));
            let len = self.codec.encode_float(&interleaved, &mut data).map_err(failed)?;
            packets.push(EncodedPacket {
                data: data[..len].to_vec(),
                timestamp: Timestamp::ZERO + span_of(self.packets * PACKET as u64, RATE),
                duration: span_of(PACKET as u64, RATE),
                key: true,
            });
            self.packets += 1;
        }
        self.ready.iter_mut().for_each(|ready| drop(ready.drain(..whole)));
        Ok(())
    }
}

/// libopus's version, as `libopus 1.5.2`.
pub fn version() -> &'static str {
    ::opus::version()
}

fn failed(error: ::opus::Error) -> Error {
    Error::unknown("libopus could not encode sound").with_source(error)
}
