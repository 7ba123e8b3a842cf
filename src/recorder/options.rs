//! The options of a recorder.

use crate::clock::Clock;
use crate::codec::{VideoCodec, listed};
use crate::encode::opus::{BitrateMode, OpusConfig};
use crate::encode::{EncoderChoice, EncoderConfig, GifOptions, RateControl};
use crate::error::{Error, ErrorKind, Result};
use crate::filter::FilterChain;
use crate::frame::{BitDepth, Size};
use crate::motion_blur::MotionBlur;
use crate::mux::Container;
use crate::time::{FrameRate, Span};

use super::mime::MimeType;
use super::output::Pieces;
use super::splitter::Splitter;
use super::{Destination, Fit};

/// The options of a [`MediaRecorder`](super::MediaRecorder) (MediaStream Recording §2.6), with additions to those of
/// the Web. The default records WebM with AV1 and Opus.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct MediaRecorderOptions {
    /// The type, such as `video/webm;codecs="av1,opus"`; if empty, the recorder chooses WebM. Without codecs, it is
    /// encoded in the first codec that the [`encoder`](Self::encoder) and the container
    /// ([`Container::video_codecs`](crate::mux::Container::video_codecs)) have in common. Sound alone can also be
    /// `audio/ogg` (Opus) or `audio/wav` (16-bit PCM at the track's sample rate; bitrates are ignored).
    pub mime_type: String,
    /// Bits per second of all tracks together, about nine tenths of them for video; overrides both other bitrates. A
    /// stream with only one kind of track gets all of them.
    pub bits_per_second: Option<u32>,
    /// Bits per second of the video; default 2 500 000. The encoder uses the nearest supported bitrate, 1 000 to
    /// 1 000 000 000.
    pub video_bits_per_second: Option<u32>,
    /// Bits per second of the sound; default 128 000. The encoder uses the nearest supported bitrate, 6 000 to 510 000.
    pub audio_bits_per_second: Option<u32>,
    /// Whether the sound's bitrate may vary from packet to packet.
    pub audio_bitrate_mode: BitrateMode,
    /// The longest time between key frames, up to 30 s; default 2 s. Cannot be combined with the count.
    pub video_key_frame_interval_duration: Option<Span>,
    /// The number of frames from one key frame to the next. Cannot be combined with the duration.
    pub video_key_frame_interval_count: Option<u32>,
    /// The video encoder.
    pub encoder: EncoderChoice,
    /// Record the transparency of a canvas too: in WebM with VP8 and VP9, not in MP4. Animated pictures and stills that
    /// can have it always do. Without it transparent pixels are recorded over black.
    pub alpha: bool,
    /// How many bits a sample of the video has: 10 only in WebM and MP4, with AV1, VP9 and HEVC. A
    /// [`Recording`](super::Recording) with 10 keeps film in PQ, HLG or BT.2020 as it is, if its source is opened with
    /// [`ToneMap::None`](crate::color::ToneMap::None); by other means,
    /// [`Canvas::with_color`](crate::canvas::Canvas::with_color) does. Of a canvas that is recorded with transparency
    /// or as pictures at the same time, the samples are made of 8 bits.
    pub depth: BitDepth,
    /// Constant quality, 0 (worst) to 100 (best), in place of a bitrate.
    pub quality: Option<u8>,
    /// 0 (slowest, best) to 10 (fastest). By default it is fast enough for a camera; and in real time an encoder that
    /// can change it gets faster while it cannot keep up ([`Report::speeds`](super::Report::speeds)).
    pub speed: Option<u8>,
    /// The frame rate that rate control assumes; by default the clock's rate, else 30. Frames may have other times.
    pub frame_rate: Option<FrameRate>,
    /// How a GIF is made.
    pub gif: GifOptions,
    /// How frames of another size are fitted. The recording's size is the track's when the recording starts.
    pub fit: Fit,
    /// Whether nobody waits for a frame's packet before giving the next frame, so that packets may come late
    /// ([`EncoderConfig::offline`]): set by a [`Recording`](super::Recording) that is not in real time.
    pub(super) offline: bool,
    /// Stop when the recording has this length.
    pub time_limit: Option<Span>,
    /// Stop after this number of frames.
    pub frame_limit: Option<u64>,
    /// Stop before the file exceeds this number of bytes.
    pub size_limit: Option<u64>,
    /// Keep the last seconds of the recording in memory too, encoded, for
    /// [`save_replay`](super::MediaRecorder::save_replay).
    pub replay: Option<Span>,
    /// How often an animated picture is shown; none: for ever.
    pub loops: Option<u16>,
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
        with_alpha: alpha: bool,
        with_depth: depth: BitDepth,
        with_quality: quality: u8,
        with_speed: speed: u8,
        with_frame_rate: frame_rate: FrameRate,
        with_gif: gif: GifOptions,
        with_fit: fit: Fit,
        with_time_limit: time_limit: Span,
        with_frame_limit: frame_limit: u64,
        with_size_limit: size_limit: u64,
        with_replay: replay: Span,
        with_loops: loops: u16,
    }
}

impl MediaRecorderOptions {
    /// The default video bitrate in bits per second (Chromium's default).
    pub const VIDEO_BITS_PER_SECOND: u32 = EncoderConfig::DEFAULT_BITRATE;
    /// The default audio bitrate in bits per second.
    pub const AUDIO_BITS_PER_SECOND: u32 = 128_000;
    /// The default for the longest time between key frames, so that every file is seekable.
    pub const KEY_FRAME_INTERVAL: Span = EncoderConfig::DEFAULT_KEY_INTERVAL;
    /// The upper limit for the time between key frames: a WebM cluster holds about 32 s.
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
            Destination::Pictures(_) => Splitter::each_frame(),
            _ => Splitter::default(),
        }
    }

    /// The requested type, if any; an error for options that no recorder supports.
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
        if self.mime_type.is_empty() { Ok(None) } else { MimeType::parse(&self.mime_type)?.check_encoders().map(Some) }
    }

    /// The codec of the video in a file of this container: the one that was requested, else the first that both the
    /// encoder and the container have.
    ///
    /// # Errors
    /// `NotSupportedError` when there is none, or when files of this container do not hold the transparency that is asked
    /// for.
    pub(super) fn video_codec(&self, container: Container, requested: Option<VideoCodec>) -> Result<VideoCodec> {
        let own = self.encoder.codecs();
        let held = if self.alpha { container.alpha_codecs() } else { container.video_codecs() };
        if self.alpha && held.is_empty() {
            return Err(Error::not_supported(format!(
                "expected a file that holds transparency, as WebM, but found {}",
                container.name()
            )));
        }
        let codec = requested.or_else(|| match own {
            [] => held.first().copied(),
            own => own.iter().find(|codec| held.contains(codec)).copied(),
        });
        codec.ok_or_else(|| {
            let names = |codecs: &[VideoCodec]| codecs.iter().map(|codec| codec.name()).collect::<Vec<_>>();
            Error::not_supported(format!(
                "expected an encoder of {} for a file of {} but found {}, which encodes {}",
                listed(&names(held)),
                container.name(),
                self.encoder,
                listed(&names(own))
            ))
        })
    }

    /// The configuration of an encoder of frames of this codec and size.
    pub(super) fn encoder_config(
        &self,
        codec: VideoCodec,
        size: Size,
        rate: Option<FrameRate>,
        bitrates: Bitrates,
    ) -> EncoderConfig {
        const NOMINAL_RATE: FrameRate = FrameRate::whole(30);
        let by_count = self.video_key_frame_interval_count.map(|_| Self::LONGEST_KEY_FRAME_INTERVAL);
        // Nothing seeks in a GIF, and a whole picture takes many bytes. A replay begins at one.
        let usual =
            if codec == VideoCodec::Gif && self.replay.is_none() { Span::MAX } else { Self::KEY_FRAME_INTERVAL };
        EncoderConfig {
            codec,
            depth: self.depth,
            // A replay has the last seconds; some of them would not be encoded yet.
            offline: self.offline && self.replay.is_none(),
            alpha: self.alpha || codec.is_picture() && codec.has_alpha(),
            rate_control: self.quality.map_or(RateControl::Bitrate(bitrates.video), RateControl::Quality),
            speed: self.speed,
            key_interval: self.video_key_frame_interval_duration.or(by_count).unwrap_or(usual),
            gif: self.gif.clone(),
            ..EncoderConfig::new(size, self.frame_rate.or(rate).unwrap_or(NOMINAL_RATE))
        }
    }
}

/// Bits per second of the video and of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bitrates {
    pub video: u32,
    pub audio: u32,
}

impl Bitrates {
    /// The nearest bitrates that the encoders support.
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

/// What a recording in real time does while frames come faster than they can be filtered and encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overload {
    /// The encoder gets faster, where it can; after that frames are dropped one by one and counted. Those that are
    /// recorded have the times at which they were shown.
    #[default]
    Drop,
    /// The source waits, and the recording takes longer than it plays: every frame is recorded, at its time in the
    /// source and at the usual speed of the encoder. Not of a live source, which cannot wait.
    Slow,
    /// Reading a camera or a screen waits. What it captures meanwhile, and nobody reads, is counted as
    /// [missed](super::Dropped::missed). What waits for a slow encoder is lost when the program is killed.
    Block,
}

impl Overload {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Drop, Self::Slow, Self::Block];

    /// Its name, such as `drop`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Slow => "slow",
            Self::Block => "block",
        }
    }

    /// The clock of a recording, of which something is live, or the pictures themselves are.
    ///
    /// # Errors
    /// `TypeError` where nothing is overloaded, or where the source cannot do what this needs.
    pub(super) fn clock(self, real_time: bool, is_live: bool, has_live_pictures: bool) -> Result<Clock> {
        let refused = |expected: &str, found: &str| {
            let text = format!("expected {expected} for overload {} but found {found}", self.name());
            Err(Error::new(ErrorKind::Type, text))
        };
        match self {
            Self::Slow if is_live => refused("a source that can wait", "a live one; choose drop or block"),
            Self::Slow | Self::Block if !real_time && !is_live => {
                refused("a recording in real time", "one in which every stage waits for the next anyway")
            }
            Self::Block if !has_live_pictures => {
                refused("a camera or a screen", "pictures that can wait; choose another")
            }
            Self::Block => Ok(Clock::real_blocking()),
            Self::Drop if real_time || is_live => Ok(Clock::real()),
            Self::Drop | Self::Slow => Ok(Clock::stamped()),
        }
    }
}

impl std::str::FromStr for Overload {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|overload| overload.name() == text);
        found.ok_or_else(|| Error::syntax(format!("expected drop, slow or block but found `{text}`")))
    }
}

/// The options of a [`Recording`](super::Recording); its methods document each of them.
#[derive(Debug, Clone, Default)]
pub(super) struct RecordOptions {
    pub filter: FilterChain,
    pub size: Option<Size>,
    pub rate: Option<FrameRate>,
    pub motion_blur: Option<MotionBlur>,
    pub duration: Option<Span>,
    pub real_time: bool,
    pub overload: Overload,
    pub recorder: MediaRecorderOptions,
}
