//! What a recorder is asked for.

use crate::encode::{EncoderChoice, EncoderConfig, Target};
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::Size;
use crate::time::{FrameRate, Span};

use super::Fit;
use super::mime::MimeType;

/// What a [`MediaRecorder`](super::MediaRecorder) is asked for (MediaStream Recording §2.6), and more than the Web has.
/// The default records what comes, as WebM with AV1 and Opus.
#[derive(Debug, Clone, Default)]
pub struct MediaRecorderOptions {
    /// The type, as `video/webm;codecs="av1,opus"`; empty: the recorder chooses.
    pub mime_type: String,
    /// Bits a second of all tracks together, some nine tenths of them for pictures; overrides both others.
    pub bits_per_second: Option<u32>,
    /// Bits a second of the pictures; none: 2 500 000.
    pub video_bits_per_second: Option<u32>,
    /// Bits a second of the sound, 6 000 to 510 000; none: 128 000.
    pub audio_bits_per_second: Option<u32>,
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

impl MediaRecorderOptions {
    /// The pictures' bitrate when none is asked for, in bits a second (Chromium's).
    pub const VIDEO_BITS_PER_SECOND: u32 = 2_500_000;
    /// The sound's.
    pub const AUDIO_BITS_PER_SECOND: u32 = 128_000;
    /// A key frame comes at least this often when nothing else is asked for, so that every file seeks.
    pub const KEY_FRAME_INTERVAL: Span = Span::from_secs(2);
    /// The longest time from one key frame to the next: a WebM cluster holds some 32 s.
    pub const LONGEST_KEY_FRAME_INTERVAL: Span = Span::from_secs(30);

    /// What the pictures' encoder aims for.
    pub(super) fn target(&self) -> Target {
        self.quality.map_or(Target::Bitrate(self.bitrates().0), Target::Quality)
    }

    /// Bits a second of the pictures and of the sound.
    pub(super) fn bitrates(&self) -> (u32, u32) {
        const SOUND: std::ops::RangeInclusive<u32> = 6_000..=510_000;
        match self.bits_per_second {
            Some(both) => {
                let sound = (both / 10).clamp(*SOUND.start(), *SOUND.end());
                (both.saturating_sub(sound).max(1), sound)
            }
            None => (
                self.video_bits_per_second.unwrap_or(Self::VIDEO_BITS_PER_SECOND),
                self.audio_bits_per_second.unwrap_or(Self::AUDIO_BITS_PER_SECOND),
            ),
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
        if self.mime_type.is_empty() { Ok(None) } else { MimeType::parse(&self.mime_type).map(Some) }
    }

    /// What the encoder of pictures of this size is asked for.
    pub(super) fn encoder_config(&self, size: Size, rate: Option<FrameRate>) -> EncoderConfig {
        const NOMINAL_RATE: FrameRate = FrameRate::whole(30);
        let by_count = self.video_key_frame_interval_count.map(|_| Self::LONGEST_KEY_FRAME_INTERVAL);
        EncoderConfig {
            size,
            rate: self.frame_rate.or(rate).unwrap_or(NOMINAL_RATE),
            target: self.target(),
            speed: self.speed,
            key_interval: self.video_key_frame_interval_duration.or(by_count).unwrap_or(Self::KEY_FRAME_INTERVAL),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// What [`record`](super::record()) is asked for. The default records what comes, as it comes, unfiltered.
#[derive(Debug, Clone, Default)]
pub struct RecordOptions {
    /// The filters each frame passes through.
    pub filter: FilterChain,
    /// The recording's size; none keeps the source's. A source of another shape is fitted in whole, with black around.
    pub size: Option<Size>,
    /// A constant rate; none keeps each frame's own time.
    pub rate: Option<FrameRate>,
    /// Stop when the recording is this long; none records to the source's end.
    pub duration: Option<Span>,
    /// Take each frame at its time, as a camera gives them: a recorder that is late loses frames. Otherwise as fast as
    /// possible, and everything waits.
    pub real_time: bool,
    /// What the recorder is asked for. The recording's length is `duration`.
    pub recorder: MediaRecorderOptions,
}
