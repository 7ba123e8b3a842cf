//! AAC by the `ffmpeg` program's own encoder (ISO/IEC 14496-3, low complexity), in packets of 1024 samples.
//!
//! An AAC decoder gives 1024 samples before the first one that was encoded (measured: an impulse comes back where it was
//! to the sample when these are left out). MP4 files leave them out by an edit list, which not every player follows, and
//! not every file has. So encoding begins at sample 1024, as Opus's in WebM begins at its lookahead: the decoded sound
//! has the times of the input in every player, and the first 21 ms are silent.

use std::io::Write;
use std::process::Command;

use super::process::{EncodingRun, OutputFormat, RunEvent};
use crate::audio::{AudioBuffer, span_of};
use crate::encode::audio::AudioEncoder;
use crate::encode::conformer::Conformer;
use crate::error::{Error, ErrorKind, Result};
use crate::mux::{AudioCodec, AudioTrack};
use crate::packet::EncodedPacket;
use crate::source::ffmpeg::program;
use crate::time::Timestamp;

/// Samples a second.
const RATE: u32 = 48_000;
/// Samples of each channel in a packet.
const PACKET: usize = 1024;
/// Samples that a decoder gives before the first one that was encoded.
const PRIMING: usize = 1024;
/// How many pieces of sound may wait to be written to ffmpeg.
const MAX_WAITING: usize = 16;
const TASK: &str = "encode AAC";

/// Turns sound into AAC.
pub(in crate::encode) struct AacEncoder {
    channels: u8,
    /// The AudioSpecificConfig.
    codec_private: Vec<u8>,
    conformer: Conformer,
    feeder: Feeder,
}

/// Gives samples to ffmpeg and takes its packets.
struct Feeder {
    run: EncodingRun,
    /// How many samples are still to be left out.
    left_out: usize,
    packets: u64,
    /// The number of packets that the sound needs, once its end is known.
    wanted: Option<u64>,
    has_ended: bool,
    has_failed: bool,
}

impl AacEncoder {
    /// An encoder for 1 or 2 channels at this many bits a second. ffmpeg encodes a little silence to say what a file's
    /// header needs.
    ///
    /// # Errors
    /// `NotFoundError` where there is no ffmpeg; `UnknownError` where it cannot encode AAC.
    pub fn new(channels: u8, bitrate: u32) -> Result<Self> {
        if !(1..=2).contains(&channels) {
            return Err(Error::range(format!("expected 1 or 2 channels but found {channels}")));
        }
        let codec_private = specific_config(channels, bitrate)?;
        let feeder = Feeder {
            run: EncodingRun::start(command(channels, bitrate), OutputFormat::Matroska, TASK, None)?,
            left_out: PRIMING,
            packets: 0,
            wanted: None,
            has_ended: false,
            has_failed: false,
        };
        Ok(Self { channels, codec_private, conformer: Conformer::new(RATE, channels), feeder })
    }
}

fn command(channels: u8, bitrate: u32) -> Command {
    let mut command = program("ffmpeg");
    command.args(["-hide_banner", "-nostdin", "-v", "error", "-probesize", "32", "-analyzeduration", "0"]);
    command.args(["-f", "f32le", "-ar", &RATE.to_string(), "-ac", &channels.to_string(), "-i", "pipe:0"]);
    command.args(["-map", "0:a:0", "-c:a", "aac", "-b:a", &bitrate.to_string()]);
    command
}

/// The AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) that ffmpeg gives for these settings.
fn specific_config(channels: u8, bitrate: u32) -> Result<Vec<u8>> {
    let mut run = EncodingRun::start(command(channels, bitrate), OutputFormat::Matroska, TASK, None)?;
    let silence = vec![0; 2 * PACKET * usize::from(channels) * size_of::<f32>()];
    run.give(Box::new(move |stdin| stdin.write_all(&silence)));
    run.close();
    let mut private = Vec::new();
    loop {
        match run.next_event(true)? {
            Some(RunEvent::Track(track)) => private = track.private,
            Some(RunEvent::End(_)) => break,
            _ => {}
        }
    }
    let (status, words) = run.ended();
    if status.is_some_and(|status| status.success()) && private.len() >= 2 {
        return Ok(private);
    }
    let found = match (status, words) {
        (Some(status), words) if words.is_empty() => status.to_string(),
        (_, words) => words,
    };
    Err(Error::unknown(format!("expected ffmpeg to encode AAC but found: {found}")))
}

impl AudioEncoder for AacEncoder {
    fn track(&self) -> AudioTrack {
        let (channels, codec_private) = (self.channels, self.codec_private.clone());
        AudioTrack { codec: AudioCodec::Aac, rate: RATE, channels, codec_private }
    }

    fn codec_string(&self) -> &'static str {
        "mp4a.40.2"
    }

    fn encode(&mut self, sound: &AudioBuffer, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        let feeder = &mut self.feeder;
        self.conformer.feed(sound, |conformer| feeder.drain(conformer, packets))
    }

    fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.conformer.finish()?;
        self.feeder.drain(&mut self.conformer, packets)?;
        self.feeder.finish(self.conformer.position(), packets)
    }
}

impl Feeder {
    /// Gives all samples that are ready to ffmpeg.
    fn drain(&mut self, conformer: &mut Conformer, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        if self.has_failed || self.has_ended {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "expected no sound after the end of ffmpeg but found some",
            ));
        }
        self.left_out -= conformer.take(self.left_out)[0].len();
        let samples = conformer.take(conformer.ready());
        if !samples[0].is_empty() {
            let interleaved = (0..samples[0].len()).flat_map(|at| samples.iter().map(move |channel| channel[at]));
            let bytes: Vec<u8> = interleaved.flat_map(f32::to_le_bytes).collect();
            while self.run.waiting() >= MAX_WAITING {
                self.advance(true, packets)?;
            }
            self.run.give(Box::new(move |stdin| stdin.write_all(&bytes)));
        }
        while self.advance(false, packets)? {}
        Ok(())
    }

    /// Takes the rest of the packets, for sound that ends at sample `end`.
    fn finish(&mut self, end: u64, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.wanted = Some(end.div_ceil(PACKET as u64));
        self.run.close();
        while !self.has_ended && self.advance(true, packets)? {}
        Ok(())
    }

    /// Takes the next event; false where there is none. With `wait`, waits for it.
    fn advance(&mut self, wait: bool, packets: &mut Vec<EncodedPacket>) -> Result<bool> {
        match self.run.next_event(wait).map_err(|error| self.failure(&error.to_string()))? {
            None => return Ok(false),
            // ffmpeg's last packets may hold nothing but the padding behind the last sample.
            Some(RunEvent::Packet { data, .. }) if self.wanted.is_none_or(|wanted| self.packets < wanted) => {
                let time = |packet: u64| Timestamp::ZERO + span_of(packet * PACKET as u64, RATE);
                let timestamp = time(self.packets);
                self.packets += 1;
                packets.push(EncodedPacket::new(data, timestamp, time(self.packets) - timestamp, true));
            }
            Some(RunEvent::End(read)) => {
                self.has_ended = true;
                let was_closed = self.run.is_closed();
                let (status, words) = self.run.ended();
                if was_closed && status.is_some_and(|status| status.success()) {
                    return read.map(|()| false).or_else(|error| match self.packets {
                        // No sound, no packets, no output.
                        0 => Ok(false),
                        _ => Err(error),
                    });
                }
                let status = status.map(|status| status.to_string()).unwrap_or_default();
                return Err(self.failure(if words.is_empty() { &status } else { &words }));
            }
            Some(_) => {}
        }
        Ok(true)
    }

    fn failure(&mut self, what: &str) -> Error {
        self.has_failed = true;
        let packets = self.packets;
        Error::unknown(format!(
            "expected ffmpeg to encode AAC to the end but it stopped after {packets} packets: {what}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::encode::{AudioEncoderConfig, open_audio};
    use crate::mux::Container;
    use crate::tools;

    /// A frame of ADTS (ISO/IEC 14496-3 Annex 1.A.2): AAC LC at 48000 samples a second.
    fn adts(packet: &[u8], channels: u8) -> Vec<u8> {
        const RATE_INDEX: u8 = 3;
        let length = packet.len() + 7;
        let head = [
            0xff,
            0xf1,
            1 << 6 | RATE_INDEX << 2 | channels >> 2,
            (channels & 3) << 6 | (length >> 11) as u8,
            (length >> 3) as u8,
            (length << 5) as u8 | 0x1f,
            0xfc,
        ];
        [&head[..], packet].concat()
    }

    /// Encodes this sound and decodes it by ffmpeg.
    fn there_and_back(sound: &[f32], channels: u8) -> Vec<f32> {
        let config = AudioEncoderConfig::new(RATE, channels, 128_000).with_codec(Some(AudioCodec::Aac));
        let mut encoder = open_audio(Container::Mp4, &config).unwrap();
        let track = encoder.track();
        // AAC LC, 48000 a second, as ADTS says.
        assert_eq!(track.codec_private[..2], [0x11, 0x80 | channels << 3]);
        assert_eq!((track.codec, track.rate, track.channels), (AudioCodec::Aac, RATE, channels));
        let mut packets = Vec::new();
        let channels_of = vec![sound.to_vec(); channels.into()];
        let sound = AudioBuffer::new(RATE, Timestamp::ZERO, channels_of).unwrap();
        for begin in (0..sound.samples()).step_by(480) {
            let end = (begin + 480).min(sound.samples());
            encoder.encode(&sound.slice(begin..end), &mut packets).unwrap();
        }
        encoder.finish(&mut packets).unwrap();
        assert_eq!(packets.len(), sound.samples().div_ceil(PACKET));
        let mut end = Timestamp::ZERO;
        for packet in &packets {
            assert_eq!(packet.timestamp, end);
            end = packet.timestamp + packet.duration;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.aac");
        fs::write(&path, packets.iter().flat_map(|packet| adts(&packet.data, channels)).collect::<Vec<_>>()).unwrap();
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(&path)
            .args(["-map", "0:a:0", "-ac", "1", "-f", "f32le", "-"])
            .output()
            .unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        output.stdout.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }

    #[test]
    fn an_impulse_comes_back_at_its_own_sample() {
        if !tools::has("ffmpeg") {
            return;
        }
        for channels in [1, 2] {
            let mut sound = vec![0.0; 48_000];
            sound[20_000..20_008].fill(0.9);
            let decoded = there_and_back(&sound, channels);
            let loudest = (0..decoded.len()).max_by(|&a, &b| decoded[a].abs().total_cmp(&decoded[b].abs())).unwrap();
            assert!((19_999..20_009).contains(&loudest), "{channels} channels: the impulse is at {loudest}");
            // The middle of its energy, to the sample.
            let near = 19_900..20_100;
            let energy = |at: usize| f64::from(decoded[at]).powi(2);
            let middle = near.clone().map(|at| at as f64 * energy(at)).sum::<f64>() / near.map(energy).sum::<f64>();
            assert!((middle - 20_003.5).abs() < 1.0, "{channels} channels: the impulse's middle is at {middle}");
        }
    }

    #[test]
    fn no_sound_is_no_packets() {
        if !tools::has("ffmpeg") {
            return;
        }
        let mut encoder = AacEncoder::new(2, 128_000).unwrap();
        let mut packets = Vec::new();
        encoder.finish(&mut packets).unwrap();
        assert_eq!(packets, []);
    }
}
