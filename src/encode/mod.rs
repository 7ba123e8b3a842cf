//! Encoders behind one trait for video and one for audio: they take frames and samples, and return packets when these
//! are ready.

use std::ops::RangeInclusive;

pub use crate::codec::VideoCodec;
use crate::color::ColorSpace;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{BitDepth, Frame, PixelFormat, Size};
use crate::packet::EncodedPacket;
use crate::time::{FrameRate, Span, Timestamp};

#[cfg(feature = "aom")]
mod aom;
mod audio;
mod choice;
mod conformer;
mod ffmpeg;
pub mod gif;
pub(crate) mod mixer;
pub mod opus;
mod ordered_workers;
mod pcm;
mod picture_codec;
mod pictures;
#[cfg(any(feature = "aom", all(feature = "vpx", unix)))]
mod plane_pointers;
mod rav1e;
pub(crate) mod resampler;
mod segments;
#[cfg(any(feature = "aom", all(feature = "vpx", unix)))]
mod tick_clock;
mod timeline;
#[cfg(all(feature = "vpx", unix))]
mod vpx;
mod workers;

pub use audio::{AudioEncoder, AudioEncoderConfig, open_audio};
pub(crate) use choice::open_with_header;
pub use choice::{
    EncoderChoice, EncoderInfo, MachineEncoder, VideoHeader, can_encode, can_encode_audio, header, list,
    machine_encoders, open, trial,
};
pub use gif::GifOptions;

/// The configuration of a video encoder.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EncoderConfig {
    /// The codec, AV1 by default.
    pub codec: VideoCodec,
    /// Whether transparency is encoded too. Only VP8, VP9 and pictures have any.
    pub alpha: bool,
    /// How many bits a sample has: 10 only of AV1, VP9 and HEVC.
    pub depth: BitDepth,
    /// How the values of the frames map to colours, in limited range with chroma on the left; pictures ignore it.
    pub color: ColorSpace,
    /// The size of every frame; of video at least 16×16.
    pub size: Size,
    /// The nominal frame rate, which rate control assumes. Frames may have other times.
    pub rate: FrameRate,
    /// The target: a bitrate, or a constant quality.
    pub rate_control: RateControl,
    /// 0 (slowest, best) to 10 (fastest); by default, the first of the encoder's [`speeds`](VideoEncoder::speeds),
    /// which is fast enough for a camera.
    pub speed: Option<u8>,
    /// The longest time between key frames.
    pub key_interval: Span,
    /// How many threads the encoder may use, at least 1. It does not change what is encoded: aom and VP9 use two at
    /// least, VP8 one; rav1e in real time makes more tiles for more threads.
    pub threads: usize,
    /// Whether frames come as fast as they are taken, so that packets may come late: rav1e then looks ahead, and rav1e
    /// and VP8 of constant quality encode the frames between key frames side by side on every core. Such packets are
    /// lost when the program is killed.
    pub offline: bool,
    /// Of pictures: whether a packet that is no key frame may hold only what changed since the frame before, as in
    /// animated files. Otherwise each packet is a whole picture.
    pub partial: bool,
    /// How pictures of a GIF are made; ignored by other codecs.
    pub gif: GifOptions,
}

setters! {
    EncoderConfig {
        with_codec: codec: VideoCodec,
        with_alpha: alpha: bool,
        with_depth: depth: BitDepth,
        with_color: color: ColorSpace,
        with_rate_control: rate_control: RateControl,
        with_speed: speed: u8,
        with_key_interval: key_interval: Span,
        with_threads: threads: usize,
        with_offline: offline: bool,
        with_partial: partial: bool,
        with_gif: gif: GifOptions,
    }
}

impl EncoderConfig {
    /// Bits per second (Chromium's).
    pub(crate) const DEFAULT_BITRATE: u32 = 2_500_000;
    pub(crate) const DEFAULT_KEY_INTERVAL: Span = Span::from_secs(2);

    /// Frames of this size, 2 500 000 bits per second, a key frame every 2 s, on all cores.
    pub fn new(size: Size, rate: FrameRate) -> Self {
        Self {
            codec: VideoCodec::Av1,
            alpha: false,
            depth: BitDepth::default(),
            color: ColorSpace::RECORDED,
            size,
            rate,
            rate_control: RateControl::Bitrate(Self::DEFAULT_BITRATE),
            speed: None,
            key_interval: Self::DEFAULT_KEY_INTERVAL,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            offline: false,
            partial: false,
            gif: GifOptions::default(),
        }
    }

    /// The sides of a picture that the codec can have: AV1 and VP9 store a side minus 1 in 16 bits (AV1 §5.5.1), VP8
    /// and WebP a side in 14 bits (RFC 6386 §9.1, RFC 9649 §2.5), GIF and JPEG in 16; H.264 and HEVC are limited by
    /// their levels.
    fn sides(&self) -> RangeInclusive<u32> {
        match self.codec {
            VideoCodec::Av1 | VideoCodec::Vp9 => 16..=65536,
            VideoCodec::Vp8 => 16..=16383,
            VideoCodec::H264 | VideoCodec::Hevc => 16..=16384,
            VideoCodec::WebP => 1..=16383,
            VideoCodec::Gif | VideoCodec::Jpeg => 1..=65535,
            VideoCodec::Png => 1..=1 << 20,
        }
    }

    /// The pixels that the encoder takes: I420 of its depth, or RGBA for pictures and for transparency.
    pub fn pixel_format(&self) -> PixelFormat {
        if self.codec.is_picture() || self.alpha { PixelFormat::Rgba8 } else { self.depth.i420() }
    }

    /// The supported bitrates, in bits per second.
    pub const BITRATES: RangeInclusive<u32> = 1_000..=1_000_000_000;

    fn validate(&self) -> Result<()> {
        let sides = self.sides();
        if !sides.contains(&self.size.width) || !sides.contains(&self.size.height) {
            return Err(Error::range(format!(
                "expected a picture from {min}x{min} to {max}x{max} but found {found}; choose another size",
                min = sides.start(),
                max = sides.end(),
                found = self.size,
            )));
        }
        if self.alpha && !self.codec.has_alpha() {
            return Err(Error::not_supported(format!(
                "expected a codec with transparency, as vp9, but found {}",
                self.codec
            )));
        }
        if self.depth > self.codec.max_depth() {
            let (codec, depth) = (self.codec, self.depth.bits());
            return Err(Error::not_supported(format!(
                "expected a codec with {depth} bits a sample, as av1 or vp9, but found {codec}"
            )));
        }
        if self.depth > BitDepth::Eight && self.alpha {
            return Err(Error::not_supported(format!(
                "expected 8 bits a sample beside transparency but found {}; leave out one of them",
                self.depth.bits()
            )));
        }
        match self.rate_control {
            RateControl::Bitrate(bits) if !Self::BITRATES.contains(&bits) => Err(Error::range(format!(
                "expected a bitrate from {} to {} bits a second but found {bits}",
                Self::BITRATES.start(),
                Self::BITRATES.end()
            ))),
            RateControl::Quality(quality) if quality > 100 => {
                Err(Error::range(format!("expected a quality from 0 to 100 but found {quality}")))
            }
            _ => match self.speed {
                Some(speed) if speed > 10 => {
                    Err(Error::range(format!("expected a speed from 0 to 10 but found {speed}")))
                }
                _ => Ok(()),
            },
        }
    }

    /// The same with another speed.
    ///
    /// # Errors
    /// A range error for a speed above 10.
    #[cfg(any(feature = "aom", all(feature = "vpx", unix)))]
    fn at_speed(&self, speed: u8) -> Result<Self> {
        let config = self.clone().with_speed(speed);
        config.validate().map(|()| config)
    }

    /// The same with another bitrate.
    ///
    /// # Errors
    /// `NotSupportedError` for a constant quality; a range error for a bitrate outside [`Self::BITRATES`].
    #[cfg(any(feature = "aom", all(feature = "vpx", unix)))]
    fn at_bitrate(&self, bits: u32) -> Result<Self> {
        if let RateControl::Quality(quality) = self.rate_control {
            let expected = format!("expected an encoder with a bitrate to change but found the quality {quality}");
            return Err(Error::not_supported(expected));
        }
        let config = self.clone().with_rate_control(RateControl::Bitrate(bits));
        config.validate().map(|()| config)
    }

    /// Refuses a frame that does not match the configuration.
    fn check(&self, frame: &Frame) -> Result<()> {
        let format = self.pixel_format();
        if frame.format() != format || frame.size() != self.size {
            return Err(Error::new(
                ErrorKind::InvalidModification,
                format!(
                    "expected a frame of {format:?}, {}, but found {:?} of {}",
                    self.size,
                    frame.format(),
                    frame.size()
                ),
            ));
        }
        Ok(())
    }
}

/// The target of an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateControl {
    /// Average bits per second.
    Bitrate(u32),
    /// Constant quality, 0 (worst) to 100 (best), whatever the size of the file.
    Quality(u8),
}

/// Turns frames into packets. [`EncoderConfig::pixel_format`] says which frames.
pub trait VideoEncoder: Send {
    /// Its name, such as `rav1e`.
    fn name(&self) -> &str;

    /// The track's [`codec_private`](crate::mux::VideoTrack::codec_private). Known from the first packet on, by some
    /// encoders before.
    fn codec_private(&self) -> Option<Vec<u8>>;

    /// The codec's full name (RFC 6381), such as `av01.0.05M.08`. Known when `codec_private` is.
    fn codec_string(&self) -> Option<String>;

    /// The size of the encoded pictures, where it may be another than that of the frames: the last column or row of an
    /// odd size is repeated where a codec has even sizes only.
    fn coded_size(&self) -> Option<Size> {
        None
    }

    /// Takes one frame, whose timestamp is later than the last one's, and appends the packets that became ready.
    /// `duration` is how long the frame will be shown. With `key`, the frame becomes a key frame; others become key
    /// frames as the configuration requires.
    fn encode(&mut self, frame: &Frame, duration: Span, key: bool, packets: &mut Vec<EncodedPacket>) -> Result<()>;

    /// The speeds among which [`set_speed`](Self::set_speed) can change it: from the one that it has by default to the
    /// fastest. None where the speed is fixed once it is open.
    fn speeds(&self) -> Option<RangeInclusive<u8>> {
        None
    }

    /// Sets the speed of the following frames, 0 (slowest, best) to 10 (fastest).
    ///
    /// # Errors
    /// `NotSupportedError` where the speed is fixed; a range error for a speed above 10.
    fn set_speed(&mut self, _speed: u8) -> Result<()> {
        Err(is_fixed(self.name(), "speed"))
    }

    /// Sets the bitrate of the following frames, in bits per second.
    ///
    /// # Errors
    /// `NotSupportedError` where the bitrate is fixed, or where the encoder was opened for a constant quality; a range
    /// error for a bitrate outside [`EncoderConfig::BITRATES`].
    fn set_bitrate(&mut self, _bits: u32) -> Result<()> {
        Err(is_fixed(self.name(), "bitrate"))
    }

    /// Appends the packets that became ready since the last call, without a frame. Only encoders with threads of their
    /// own have any.
    fn poll(&mut self, _packets: &mut Vec<EncodedPacket>) -> Result<()> {
        Ok(())
    }

    /// Appends the packets of all frames taken so far. No frame may follow.
    fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()>;
}

/// The error of an encoder that cannot change this while it runs.
fn is_fixed(encoder: &str, what: &str) -> Error {
    Error::not_supported(format!("expected an encoder that changes its {what} while it runs but found {encoder}"))
        .with_remedy("choose aom or vpx")
}

/// Decides which frames become key frames: those requested, and those that keep the interval.
struct KeyRhythm {
    interval: Span,
    last: Option<Timestamp>,
}

impl KeyRhythm {
    /// Tolerance for frame times, which are rounded to nanoseconds.
    const SLACK: Span = Span::from_nanos(1_000);

    fn new(interval: Span) -> Self {
        Self { interval, last: None }
    }

    /// Whether the frame shown from `timestamp` for `duration` becomes a key frame.
    fn falls_on(&mut self, timestamp: Timestamp, duration: Span, asked: bool) -> bool {
        let key = asked || self.last.is_none_or(|last| (timestamp + duration) - last > self.interval + Self::SLACK);
        if key {
            self.last = Some(timestamp);
        }
        key
    }
}

#[cfg(test)]
mod tests;
