//! What a recorder is asked for.

use crate::encode::opus::{BitrateMode, OpusConfig};
use crate::encode::{EncoderChoice, EncoderConfig, RateControl};
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::Size;
use crate::time::{FrameRate, Span};

use super::mime::MimeType;
use super::output::Pieces;
use super::splitter::Splitter;
use super::{Destination, Fit};

/// What a [`MediaRecorder`](super::MediaRecorder) is asked for (MediaStream Recording §2.6), and more than the Web has.
/// The default records what comes, as WebM with AV1 and Opus.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct MediaRecorderOptions {
    /// The type, as `video/webm;codecs="av1,opus"`; empty: the recorder chooses WebM. Sound alone can also be
    /// `audio/ogg` (Opus) or `audio/wav` (16-bit PCM at the track's own rate, for which bitrates have no meaning).
    pub mime_type: String,
    /// Bits a second of all tracks together, some nine tenths of them for pictures; overrides both others. A stream of one
    /// kind gets all of them.
    pub bits_per_second: Option<u32>,
    /// Bits a second of the pictures; none: 2 500 000. The encoder is asked for the nearest that it can do, 1 000 to
    /// 1 000 000 000.
    pub video_bits_per_second: Option<u32>,
    /// Bits a second of the sound; none: 128 000. The encoder is asked for the nearest that it can do, 6 000 to 510 000.
    pub audio_bits_per_second: Option<u32>,
    /// Whether the sound's bitrate may vary from packet to packet.
    pub audio_bitrate_mode: BitrateMode,
    /// A key frame comes at least so often, at most every 30 s; none: every 2 s. Not with the count.
    pub video_key_frame_interval_duration: Option<Span>,
    /// Every so many frames one is a key frame. Not with the duration.
    pub video_key_frame_interval_count: Option<u32>,
    /// Which encoder.
    pub encoder: EncoderChoice,
    /// Constant quality, 0 (worst) to 100 (best), in place of a bitrate.
    pub quality: Option<u8>,
    /// 0 (slowest, best) to 10 (fastest); none: what keeps up with a camera.
    pub speed: Option<u8>,
    /// The rate that the rate control plans with; none: the clock's step, else 30. Frames may come at other times.
    pub frame_rate: Option<FrameRate>,
    /// What becomes of frames of another size than the recording's, which is the track's when it starts.
    pub fit: Fit,
    /// Stop when the recording is this long.
    pub time_limit: Option<Span>,
    /// Stop after so many frames.
    pub frame_limit: Option<u64>,
    /// Stop before the file has more bytes than this.
    pub size_limit: Option<u64>,
}

setters! {
    MediaRecorderOptions {
        with_mime_type: mime_type: &str,
        with_bits_per_second: bits_per_second: u32,
        with_video_bits_per_second: video_bits_per_second: u32,
        with_audio_bits_per_second: audio_bits_per_second: u32,
        with_audio_bitrate_mode: audio_bitrate_mode: BitrateMode,
        with_video_key_frame_interval_duration: video_key_frame_interval_duration: Span,
        with_video_key_frame_interval_count: video_key_frame_interval_count: u32,
        with_encoder: encoder: EncoderChoice,
        with_quality: quality: u8,
        with_speed: speed: u8,
        with_frame_rate: frame_rate: FrameRate,
        with_fit: fit: Fit,
        with_time_limit: time_limit: Span,
        with_frame_limit: frame_limit: u64,
        with_size_limit: size_limit: u64,
    }
}

impl MediaRecorderOptions {
    /// The pictures' bitrate when none is asked for, in bits a second (Chromium's).
    pub const VIDEO_BITS_PER_SECOND: u32 = 2_500_000;
    /// The sound's.
    pub const AUDIO_BITS_PER_SECOND: u32 = 128_000;
    /// A key frame comes at least this often when nothing else is asked for, so that every file seeks.
    pub const KEY_FRAME_INTERVAL: Span = Span::from_secs(2);
    /// The longest time from one key frame to the next: a WebM cluster holds some 32 s.
    pub const LONGEST_KEY_FRAME_INTERVAL: Span = Span::from_secs(30);

    /// The bitrates of a stream with tracks of these kinds. Before a recording starts, both kinds count.
    pub(super) fn bitrates(&self, video: bool, audio: bool) -> Bitrates {
        match (self.bits_per_second, video, audio) {
            (Some(all), true, false) => Bitrates { video: all, audio: 0 },
            (Some(all), false, true) => Bitrates { video: 0, audio: all },
            (Some(all), ..) => {
                let audio = Bitrates::clamped_audio(all / 10);
                Bitrates { video: Bitrates::clamped_video(all.saturating_sub(audio)), audio }
            }
            (None, ..) => Bitrates {
                video: self.video_bits_per_second.unwrap_or(Self::VIDEO_BITS_PER_SECOND),
                audio: self.audio_bits_per_second.unwrap_or(Self::AUDIO_BITS_PER_SECOND),
            },
        }
    }

    /// Where the pieces of a recording to this destination begin; `with_sound` when there is sound beside pictures.
    pub(super) fn splitter(&self, destination: &Destination, with_sound: bool) -> Splitter {
        match destination {
            Destination::Files(Pieces { length, bytes, .. }) => {
                let sound = if with_sound { self.bitrates(true, true).for_encoders().audio } else { 0 };
                Splitter::new(*length, *bytes, sound)
            }
            _ => Splitter::default(),
        }
    }

    /// The type that was asked for, if one was; an error for what no recorder can do.
    pub(super) fn validate(&self) -> Result<Option<MimeType>> {
        if let (Some(interval), Some(count)) =
            (self.video_key_frame_interval_duration, self.video_key_frame_interval_count)
        {
            return Err(Error::not_supported(format!(
                "expected key frames by time or by count but found both, {interval} and {count}"
            )));
        }
        let longest = Self::LONGEST_KEY_FRAME_INTERVAL;
        if let Some(interval) = self.video_key_frame_interval_duration
            && !(Span::from_nanos(1)..=longest).contains(&interval)
        {
            return Err(Error::range(format!(
                "expected a key frame interval above 0 and at most {longest} but found {interval}"
            )));
        }
        if self.video_key_frame_interval_count == Some(0) {
            return Err(Error::range("expected a key frame every frame or more but found every 0 frames"));
        }
        if let Some(quality) = self.quality.filter(|quality| *quality > 100) {
            return Err(Error::range(format!("expected a quality from 0 to 100 but found {quality}")));
        }
        if let Some(speed) = self.speed.filter(|speed| *speed > 10) {
            return Err(Error::range(format!("expected a speed from 0 to 10 but found {speed}")));
        }
        if self.mime_type.is_empty() { Ok(None) } else { MimeType::parse(&self.mime_type).map(Some) }
    }

    /// What the encoder of pictures of this size is asked for.
    pub(super) fn encoder_config(&self, size: Size, rate: Option<FrameRate>, bitrates: Bitrates) -> EncoderConfig {
        const NOMINAL_RATE: FrameRate = FrameRate::whole(30);
        let by_count = self.video_key_frame_interval_count.map(|_| Self::LONGEST_KEY_FRAME_INTERVAL);
        EncoderConfig {
            size,
            rate: self.frame_rate.or(rate).unwrap_or(NOMINAL_RATE),
            rate_control: self.quality.map_or(RateControl::Bitrate(bitrates.video), RateControl::Quality),
            speed: self.speed,
            key_interval: self.video_key_frame_interval_duration.or(by_count).unwrap_or(Self::KEY_FRAME_INTERVAL),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// Bits a second of the pictures and of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bitrates {
    pub video: u32,
    pub audio: u32,
}

impl Bitrates {
    /// What the encoders are asked for: the nearest that they can do.
    pub fn for_encoders(self) -> Self {
        Self { video: Self::clamped_video(self.video), audio: Self::clamped_audio(self.audio) }
    }

    fn clamped_video(bits: u32) -> u32 {
        bits.clamp(*EncoderConfig::BITRATES.start(), *EncoderConfig::BITRATES.end())
    }

    fn clamped_audio(bits: u32) -> u32 {
        bits.clamp(*OpusConfig::BITRATES.start(), *OpusConfig::BITRATES.end())
    }
}

/// What a [`Recording`](super::Recording) is asked for; its methods say what each one means.
#[derive(Debug, Clone, Default)]
pub(super) struct RecordOptions {
    pub filter: FilterChain,
    pub size: Option<Size>,
    pub rate: Option<FrameRate>,
    pub duration: Option<Span>,
    pub real_time: bool,
    pub recorder: MediaRecorderOptions,
}
