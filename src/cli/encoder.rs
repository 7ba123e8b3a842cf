//! How a recording is encoded: the arguments that several commands share, and their values.

use std::ops::RangeInclusive;

use clap::Args as Arguments;
use framereel::encode::{EncoderChoice, EncoderConfig, RateControl};
use framereel::mux::Container;
use framereel::recorder::MediaRecorderOptions;
use framereel::{Error, ErrorKind, FrameRate, Result, Size, Span, Timestamp, VideoCodec};

use super::values::{number_of, range_error, syntax, words};

/// The words of some values.
const ENCODERS: &[&str] =
    &["auto", "hardware", "rav1e", "aom", "vpx", "ffmpeg:libx264", "ffmpeg:libx265", "ffmpeg:libsvtav1"];
const CODECS: &[&str] = &["av1", "vp8", "vp9", "h264", "hevc"];

/// How a recording is encoded.
#[derive(Debug, Clone, Arguments)]
pub struct EncoderArgs {
    /// The codec of the video: av1, vp8, vp9, h264 or hevc [default: the first that the output's format and the encoder
    /// have in common; av1 in .webm and .mp4]
    #[arg(long, value_name = "NAME", value_parser = words(CODECS, codec), hide_possible_values = true)]
    pub codec: Option<VideoCodec>,
    /// auto, hardware (the graphics card's, if one passes a trial), rav1e, aom, vpx, or one of the ffmpeg program's, as
    /// ffmpeg:libx264; `framereel codecs` lists them [default: hardware with --codec, else auto]
    #[arg(long, value_name = "NAME", default_value = "auto", hide_default_value = true, value_parser = words(ENCODERS, str::parse::<EncoderChoice>), hide_possible_values = true)]
    pub encoder: EncoderChoice,
    /// Bits a second, as 2M, 800k or 2500000 [default: 2500k]
    #[arg(long, value_name = "BITS", value_parser = bitrate)]
    pub bitrate: Option<u32>,
    /// Bits a second of the sound, 6k to 510k [default: 128k]
    #[arg(long, value_name = "BITS", value_parser = audio_bitrate)]
    pub audio_bitrate: Option<u32>,
    /// Constant quality, 0 (worst) to 100 (best), in place of a bitrate
    #[arg(long, value_name = "0..100", conflicts_with = "bitrate", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub quality: Option<u8>,
    /// 0 (slowest, best) to 10 (fastest), or auto: what keeps up with a camera; in real time, aom and vpx then get
    /// faster before frames are dropped [default: auto]
    #[arg(long, value_name = "0..10|auto", default_value = "auto", hide_default_value = true, value_parser = speed)]
    pub speed: Speed,
    /// How far key frames are apart at most, as a time (2s, 500ms) or in frames (60f); players seek to them [default:
    /// 2s]
    #[arg(long, value_name = "TIME|COUNT", value_parser = key_interval)]
    pub key_interval: Option<KeyInterval>,
}

impl EncoderArgs {
    /// The type of a recording in this container, with the codec that was asked for.
    ///
    /// # Errors
    /// A usage error for a codec that the container cannot hold.
    pub fn mime_type(&self, container: Container, pictures: bool) -> Result<String> {
        let essence = container.mime_type(pictures);
        let Some(codec) = self.codec.filter(|_| pictures) else { return Ok(essence.to_owned()) };
        if container.video_codecs().contains(&codec) {
            return Ok(format!("{essence};codecs={codec}"));
        }
        let held: Vec<_> = container.video_codecs().iter().map(|codec| codec.name()).collect();
        let name = container.name();
        let expected = format!("expected {} for a file of {name} but found --codec {codec}", held.join(" or "));
        Err(Error::new(ErrorKind::Syntax, expected).with_remedy("leave it out, or give the output another name"))
    }

    /// A recorder's options that say the same.
    pub fn options(&self) -> MediaRecorderOptions {
        // A codec that was asked for is worth a trial; the default starts at once.
        let encoder = match (&self.encoder, self.codec) {
            (EncoderChoice::Auto, Some(VideoCodec::Av1 | VideoCodec::Vp9)) => EncoderChoice::Hardware,
            (encoder, _) => encoder.clone(),
        };
        let mut options = MediaRecorderOptions::default().with_encoder(encoder);
        options.video_bits_per_second = self.bitrate;
        options.audio_bits_per_second = self.audio_bitrate;
        match self.key_interval {
            Some(KeyInterval::Time(span)) => options.video_key_frame_interval_duration = Some(span),
            Some(KeyInterval::Frames(count)) => options.video_key_frame_interval_count = Some(count),
            None => {}
        }
        (options.quality, options.speed) = (self.quality, self.speed.0);
        options
    }

    /// What an encoder that is opened without a recorder is told.
    pub fn config(&self, size: Size, rate: FrameRate) -> EncoderConfig {
        let codec = self.codec.or(self.encoder.codecs().first().copied()).unwrap_or(VideoCodec::Av1);
        let mut config = EncoderConfig::new(size, rate).with_codec(codec);
        config.speed = self.speed.0;
        match (self.quality, self.bitrate) {
            (Some(quality), _) => config.rate_control = RateControl::Quality(quality),
            (None, Some(bits)) => config.rate_control = RateControl::Bitrate(bits),
            (None, None) => {}
        }
        match self.key_interval {
            Some(KeyInterval::Time(span)) => config.key_interval = span,
            Some(KeyInterval::Frames(count)) => {
                let interval = rate.timestamp(count.into()) - Timestamp::ZERO;
                config.key_interval = interval.min(MediaRecorderOptions::LONGEST_KEY_FRAME_INTERVAL);
            }
            None => {}
        }
        config
    }
}

/// A codec of video. Those of pictures are chosen by the output's name.
fn codec(text: &str) -> Result<VideoCodec> {
    match text.parse() {
        Ok(codec) if CODECS.contains(&text) => Ok(codec),
        _ => Err(syntax(format!("expected av1, vp8, vp9, h264 or hevc but found `{text}`"))),
    }
}

/// Bits per second of the video: `2M`, `800k`, `2500000`.
fn bitrate(text: &str) -> Result<u32> {
    bits(text, "2M, 800k or 2500000", 10_000..=1_000_000_000, "10k to 1000M")
}

/// The speed of an encoder; none for what it chooses itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Speed(pub Option<u8>);

/// `auto`, or 0 to 10.
fn speed(text: &str) -> Result<Speed> {
    if text == "auto" {
        return Ok(Speed(None));
    }
    let speed = text.parse().ok().filter(|speed| *speed <= 10);
    let speed = speed.ok_or_else(|| syntax(format!("expected auto or a speed from 0 to 10 but found `{text}`")));
    speed.map(|speed| Speed(Some(speed)))
}

/// Bits per second of the sound: `128k`, `96000`.
fn audio_bitrate(text: &str) -> Result<u32> {
    bits(text, "128k or 96000", 6_000..=510_000, "6k to 510k")
}

fn bits(text: &str, examples: &str, range: RangeInclusive<u32>, bounds: &str) -> Result<u32> {
    let (number, scale) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 1e3),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 1e6),
        _ => (text, 1.0),
    };
    let Some(bits) = number_of(number).map(|number| number * scale) else {
        return Err(syntax(format!("expected a bitrate such as {examples} but found `{text}`")));
    };
    if !(f64::from(*range.start())..=f64::from(*range.end())).contains(&bits) {
        let expected = format!("expected a bitrate from {bounds} (bits a second)");
        return Err(range_error(format!("{expected} but found `{text}`")));
    }
    Ok(bits.round() as u32)
}

/// The longest distance between key frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyInterval {
    Time(Span),
    Frames(u32),
}

/// `2s`, `500ms`, `60f` (frames).
fn key_interval(text: &str) -> Result<KeyInterval> {
    let wrong = || syntax(format!("expected a time such as 2s or 500ms or frames such as 60f but found `{text}`"));
    let longest = MediaRecorderOptions::LONGEST_KEY_FRAME_INTERVAL;
    if let Some(count) = text.strip_suffix('f') {
        return match count.parse::<u32>() {
            Ok(0) => Err(range_error(format!("expected a key frame every 1f or more but found `{text}`"))),
            Ok(count) if !text.starts_with('+') => Ok(KeyInterval::Frames(count)),
            _ => Err(wrong()),
        };
    }
    match text.parse::<Span>() {
        Ok(span) if span > Span::ZERO && span <= longest => Ok(KeyInterval::Time(span)),
        Ok(_) => Err(range_error(format!("expected a time above 0 and at most {longest} but found `{text}`"))),
        Err(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_shells_complete_are_those_that_are_read() {
        assert!(ENCODERS.iter().all(|word| word.parse::<EncoderChoice>().is_ok()));
        assert!(CODECS.iter().all(|word| codec(word).is_ok()));
    }

    #[test]
    fn key_frames_come_by_time_or_by_count() {
        assert_eq!(key_interval("500ms").unwrap(), KeyInterval::Time(Span::from_millis(500)));
        assert_eq!(key_interval("2").unwrap(), KeyInterval::Time(Span::from_secs(2)));
        assert_eq!(key_interval("60f").unwrap(), KeyInterval::Frames(60));
        for (text, kind) in [
            ("0f", ErrorKind::Range),
            ("0s", ErrorKind::Range),
            ("31s", ErrorKind::Range),
            ("f", ErrorKind::Syntax),
            ("+6f", ErrorKind::Syntax),
            ("often", ErrorKind::Syntax),
        ] {
            assert_eq!(*key_interval(text).unwrap_err().kind(), kind, "{text}");
        }
    }

    #[test]
    fn an_encoder_without_a_recorder_is_told_the_same() {
        let args = EncoderArgs {
            codec: Some(VideoCodec::Vp8),
            encoder: EncoderChoice::Auto,
            bitrate: Some(800_000),
            audio_bitrate: None,
            quality: None,
            speed: Speed(Some(9)),
            key_interval: Some(KeyInterval::Frames(45)),
        };
        let config = args.config(Size::new(64, 48), FrameRate::whole(30));
        assert_eq!((config.codec, config.speed), (VideoCodec::Vp8, Some(9)));
        assert_eq!(config.rate_control, RateControl::Bitrate(800_000));
        assert_eq!(config.key_interval, Span::from_millis(1500));
    }

    #[test]
    fn the_sounds_bitrate_has_opus_limits() {
        assert_eq!(audio_bitrate("128k").unwrap(), 128_000);
        for text in ["5999", "511k", "loud"] {
            assert!(audio_bitrate(text).unwrap_err().to_string().contains(&format!("but found `{text}`")));
        }
    }

    #[test]
    fn bitrates_take_k_and_m_and_have_limits() {
        for (text, bits) in [("2M", 2_000_000), ("800k", 800_000), ("2500000", 2_500_000), ("2.5M", 2_500_000)] {
            assert_eq!(bitrate(text).unwrap(), bits);
        }
        for text in ["", "k", "2G", "-2M", "1e6", "nan", "inf", "9999", "9.9k", "1001M", "2é"] {
            let message = bitrate(text).unwrap_err().to_string();
            assert!(message.contains(&format!("but found `{text}`")), "{message}");
        }
    }
}
