//! The choice of an encoder of video or pictures: by its name, or the best one that is here.

use std::fmt;
use std::str::FromStr;

#[cfg(feature = "aom")]
use super::aom;
#[cfg(all(feature = "vpx", unix))]
use super::vpx;
use super::{EncoderConfig, VideoEncoder, ffmpeg, gif, pictures, rav1e};
use crate::codec::{AudioCodec, VideoCodec, listed};
use crate::error::{Error, Result};
use crate::frame::{BitDepth, Frame, Size};
use crate::time::FrameRate;

/// Which encoder to use.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum EncoderChoice {
    /// The fastest encoder of the codec that is built in; of a codec without one, [`EncoderChoice::Hardware`], or else
    /// the usual software encoder of the `ffmpeg` program.
    #[default]
    Auto,
    /// AV1 by rav1e, pure Rust, always built in.
    Rav1e,
    /// AV1 by libaom in real time; needs the feature `aom`.
    Aom,
    /// VP8 and VP9 by libvpx in real time; needs the feature `vpx`.
    Vpx,
    /// An encoder of the graphics card, through the `ffmpeg` program, if one passes a trial of a few frames; otherwise
    /// as [`EncoderChoice::Auto`]. Trials take up to two seconds, once in a process.
    Hardware,
    /// The encoder of this name of the `ffmpeg` program, as `libx264`.
    Ffmpeg(String),
}

/// What the names of ffmpeg's encoders begin with.
const FFMPEG_PREFIX: &str = "ffmpeg:";
static ALL_CODECS: [VideoCodec; VideoCodec::ALL.len()] = VideoCodec::ALL;

impl EncoderChoice {
    const ALL: [Self; 5] = [Self::Auto, Self::Hardware, Self::Rav1e, Self::Aom, Self::Vpx];

    /// The codecs that it encodes, the one to use first; none for `auto` and `hardware`, which encode all, and for an
    /// encoder of ffmpeg whose name does not say its codec.
    pub fn codecs(&self) -> &'static [VideoCodec] {
        match self {
            Self::Auto | Self::Hardware => &[],
            Self::Ffmpeg(name) => ffmpeg::settings::codec_of(name).map_or(&[], |codec| {
                let own = VideoCodec::ALL.iter().position(|known| *known == codec);
                own.map_or(&[], |own| &ALL_CODECS[own..=own])
            }),
            Self::Rav1e | Self::Aom => &[VideoCodec::Av1],
            Self::Vpx => &[VideoCodec::Vp9, VideoCodec::Vp8],
        }
    }
}

impl fmt::Display for EncoderChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Hardware => "hardware",
            Self::Rav1e => "rav1e",
            Self::Aom => "aom",
            Self::Vpx => "vpx",
            Self::Ffmpeg(name) => return f.pad(&format!("{FFMPEG_PREFIX}{name}")),
        })
    }
}

impl FromStr for EncoderChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // ffmpeg gets the name as an argument: it is no option and no other text.
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if let Some(name) = text.strip_prefix(FFMPEG_PREFIX)
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.bytes().all(is_of_name)
        {
            return Ok(Self::Ffmpeg(name.to_owned()));
        }
        let found = Self::ALL.into_iter().find(|choice| choice.to_string() == text);
        found.ok_or_else(|| {
            Error::syntax(format!(
                "expected auto, hardware, rav1e, aom, vpx or one of ffmpeg's, as ffmpeg:libx264, but found `{text}`"
            ))
        })
    }
}

/// Opens an encoder. A range error when the configuration is out of bounds; not supported when the encoder is not
/// built in, or does not encode this codec.
pub fn open(choice: &EncoderChoice, config: &EncoderConfig) -> Result<Box<dyn VideoEncoder>> {
    config.validate()?;
    let codec = config.codec;
    if !choice.codecs().is_empty() && !choice.codecs().contains(&codec) {
        let codecs: Vec<_> = choice.codecs().iter().map(|codec| codec.name()).collect();
        let expected = format!("expected {} for the encoder {choice} but found {codec}", listed(&codecs));
        return Err(Error::not_supported(expected));
    }
    match choice {
        EncoderChoice::Ffmpeg(_) if choice.codecs().is_empty() => {
            return Err(Error::not_supported(format!(
                "expected an encoder of {codec} but found {choice}, whose name says no codec of video that is known here"
            )));
        }
        EncoderChoice::Ffmpeg(name) => return Ok(Box::new(ffmpeg::FfmpegEncoder::new(name, config)?)),
        EncoderChoice::Hardware => {
            if let Some(encoder) = open_hardware(config)? {
                return Ok(encoder);
            }
        }
        _ => {}
    }
    match codec {
        VideoCodec::Av1 => open_av1(choice, config),
        VideoCodec::Png | VideoCodec::Jpeg | VideoCodec::WebP => Ok(Box::new(pictures::PictureEncoder::new(config)?)),
        VideoCodec::Gif => Ok(Box::new(gif::GifEncoder::new(config)?)),
        VideoCodec::Vp8 | VideoCodec::Vp9 if *choice == EncoderChoice::Vpx || cfg!(all(feature = "vpx", unix)) => {
            open_vpx(config)
        }
        _ => open_other(config),
    }
}

/// An encoder of the graphics card; none where none passes its trial.
fn open_hardware(config: &EncoderConfig) -> Result<Option<Box<dyn VideoEncoder>>> {
    // Trials are of 8 bits a sample.
    if config.codec.is_picture() || config.alpha || config.depth > BitDepth::Eight {
        return Ok(None);
    }
    let Some(name) = ffmpeg::machine::hardware(config.codec) else { return Ok(None) };
    let remedy = ffmpeg::machine::remedy(&name, config.codec);
    Ok(Some(Box::new(ffmpeg::FfmpegEncoder::new(&name, config)?.with_remedy(Some(remedy)))))
}

/// An encoder of a codec of which none is built in: the graphics card's, or else ffmpeg's usual one.
fn open_other(config: &EncoderConfig) -> Result<Box<dyn VideoEncoder>> {
    if config.codec.is_picture() {
        return Err(Error::not_supported(format!("expected an encoder of {} but found none", config.codec)));
    }
    if let Some(encoder) = open_hardware(config)? {
        return Ok(encoder);
    }
    Ok(Box::new(ffmpeg::FfmpegEncoder::new(&ffmpeg::machine::software(config.codec)?, config)?))
}

fn open_av1(choice: &EncoderChoice, config: &EncoderConfig) -> Result<Box<dyn VideoEncoder>> {
    match choice {
        #[cfg(feature = "aom")]
        EncoderChoice::Auto | EncoderChoice::Aom => Ok(Box::new(aom::AomEncoder::new(config)?)),
        #[cfg(not(feature = "aom"))]
        EncoderChoice::Aom => {
            Err(Error::not_supported(format!("expected the encoder aom but it is not built in; {AOM_REMEDY}")))
        }
        _ => rav1e::open(config),
    }
}

fn open_vpx(config: &EncoderConfig) -> Result<Box<dyn VideoEncoder>> {
    #[cfg(all(feature = "vpx", unix))]
    return vpx::open(config);
    #[cfg(not(all(feature = "vpx", unix)))]
    Err(Error::not_supported(format!(
        "expected the encoder vpx for {} but it is not built in; {VPX_REMEDY}",
        config.codec
    )))
}

/// The description of a video track for the container, known before its first packet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VideoHeader {
    /// See [`VideoEncoder::codec_string`].
    pub codec_string: String,
    /// See [`VideoEncoder::codec_private`].
    pub codec_private: Vec<u8>,
    /// The size of the encoded pictures: see [`VideoEncoder::coded_size`].
    pub size: Size,
}

/// The header of this encoder's video with this configuration; where the encoder does not know it when it is opened, it
/// encodes one black frame. The errors are those of [`open`] and of the encoder.
pub fn header(choice: &EncoderChoice, config: &EncoderConfig) -> Result<VideoHeader> {
    let encoder = open(choice, config)?;
    known_header(&*encoder, config).map_or_else(|| first_header(encoder, config), Ok)
}

/// An encoder and the [`header`] of its video. The errors are those of both.
pub(crate) fn open_with_header(
    choice: &EncoderChoice,
    config: &EncoderConfig,
) -> Result<(Box<dyn VideoEncoder>, VideoHeader)> {
    let encoder = open(choice, config)?;
    match known_header(&*encoder, config) {
        Some(header) => Ok((encoder, header)),
        None => {
            let header = first_header(encoder, config)?;
            Ok((open(choice, config)?, header))
        }
    }
}

/// The header that the encoder knows at present.
fn known_header(encoder: &dyn VideoEncoder, config: &EncoderConfig) -> Option<VideoHeader> {
    if config.codec.is_picture() {
        let codec_string = config.codec.name().to_owned();
        return Some(VideoHeader { codec_string, codec_private: Vec::new(), size: config.size });
    }
    let size = encoder.coded_size().unwrap_or(config.size);
    Some(VideoHeader { codec_string: encoder.codec_string()?, codec_private: encoder.codec_private()?, size })
}

/// The header after one black frame.
fn first_header(mut encoder: Box<dyn VideoEncoder>, config: &EncoderConfig) -> Result<VideoHeader> {
    let mut packets = Vec::new();
    let black = Frame::black_in(config.pixel_format(), config.size);
    encoder.encode(&black, config.rate.frame_span(), true, &mut packets)?;
    encoder.finish(&mut packets)?;
    known_header(&*encoder, config).ok_or_else(|| {
        let name = encoder.name();
        Error::unknown(format!("expected a header of the video in {name}'s first packet but found none"))
    })
}

#[cfg(not(feature = "aom"))]
const AOM_REMEDY: &str = "build with `--features aom` (needs cmake, nasm and a C compiler)";

#[cfg(not(all(feature = "vpx", unix)))]
const VPX_REMEDY: &str = "on Linux or macOS, build with `--features vpx` (needs libvpx's headers and pkg-config)";

/// One encoder, as `framereel codecs` and `framereel doctor` list it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncoderInfo {
    /// Its name, such as `rav1e`.
    pub name: String,
    /// The codecs that it encodes.
    pub codecs: Vec<VideoCodec>,
    /// Its version, or how to get it where it is not built in.
    pub version: Result<String, String>,
}

/// All encoders, built in or not, in the order of `auto`'s choice.
pub fn list() -> Vec<EncoderInfo> {
    #[cfg(feature = "aom")]
    let aom = Ok(aom::version());
    #[cfg(not(feature = "aom"))]
    let aom = Err(AOM_REMEDY.to_owned());
    #[cfg(all(feature = "vpx", unix))]
    let vpx = Ok(vpx::version());
    #[cfg(not(all(feature = "vpx", unix)))]
    let vpx = Err(VPX_REMEDY.to_owned());
    let of = |choice: EncoderChoice, version| EncoderInfo {
        name: choice.to_string(),
        codecs: choice.codecs().to_vec(),
        version,
    };
    vec![
        of(EncoderChoice::Aom, aom),
        of(EncoderChoice::Rav1e, Ok(::rav1e::version::short())),
        of(EncoderChoice::Vpx, vpx),
    ]
}

/// The encoders of this codec that are built in, in the order of `auto`'s choice.
fn built_in(codec: VideoCodec) -> impl Iterator<Item = EncoderInfo> {
    list().into_iter().filter(move |encoder| encoder.version.is_ok() && encoder.codecs.contains(&codec))
}

/// Whether an encoder of this codec is here, built in or in the `ffmpeg` program, which is asked once. Pictures are
/// encoded by crates that are always built in.
pub fn can_encode(codec: VideoCodec) -> bool {
    codec.is_picture() || built_in(codec).next().is_some() || !ffmpeg::machine::software_listed(codec).is_empty()
}

/// Whether an encoder of this sound is here.
pub fn can_encode_audio(codec: AudioCodec) -> bool {
    match codec {
        AudioCodec::Opus | AudioCodec::Pcm => true,
        AudioCodec::Aac => ffmpeg::machine::has_aac(),
    }
}

/// An encoder of video that this machine has, built in or through the `ffmpeg` program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MachineEncoder {
    /// Its name, as a recorder takes it.
    pub choice: EncoderChoice,
    /// Whether it is the graphics card's, which has to pass a trial before it is used.
    pub is_hardware: bool,
}

/// The encoders of this codec that are here: those of the graphics card first, as `hardware` tries them; then the
/// others, as `auto` chooses. Starts the `ffmpeg` program once, to list its encoders.
pub fn machine_encoders(codec: VideoCodec) -> Vec<MachineEncoder> {
    let of = |choice, is_hardware| MachineEncoder { choice, is_hardware };
    let of_ffmpeg = |name, is_hardware| of(EncoderChoice::Ffmpeg(name), is_hardware);
    let hardware = ffmpeg::machine::hardware_listed(codec).into_iter().map(|name| of_ffmpeg(name, true));
    let own = built_in(codec).filter_map(|encoder| Some(of(encoder.name.parse().ok()?, false)));
    let software = ffmpeg::machine::software_listed(codec).into_iter().map(|name| of_ffmpeg(name, false));
    hardware.chain(own).chain(software).collect()
}

/// A trial of this encoder at 1280×720: how many frames a second it encodes, over `frames` frames or as many as it
/// takes within `limit`.
///
/// # Errors
/// Those of [`open`] and of the encoder; `UnknownError` where a packet is missing, or a key frame that was asked for.
pub fn trial(choice: &EncoderChoice, codec: VideoCodec, frames: u64, limit: std::time::Duration) -> Result<f64> {
    let config = EncoderConfig::new(Size::new(1280, 720), FrameRate::whole(30)).with_codec(codec);
    ffmpeg::machine::try_encoder(open(choice, &config)?, frames, limit)
}
