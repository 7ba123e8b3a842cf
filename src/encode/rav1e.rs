//! AV1 by rav1e: pure Rust, so always built in. Real time only for small frames; see the crate's benchmarks.
//!
//! In real time rav1e delays packets by about four frames, and uses threads by tiles, which cost bits and scale badly.
//! Otherwise it looks ahead and reorders frames, and the frames between key frames are encoded side by side, each
//! segment by an encoder of its own. It identifies frames only by number, so each frame carries its time as an opaque
//! value.

use ::rav1e::color::{
    ChromaSamplePosition, ColorDescription, ColorPrimaries, MatrixCoefficients, PixelRange, TransferCharacteristics,
};
use ::rav1e::prelude::{
    ChromaSampling, Config, Context, EncoderConfig as Rav1eConfig, EncoderStatus, FrameParameters, FrameType,
    FrameTypeOverride, InvalidConfig, Opaque, Rational, SceneDetectionSpeed, SegmentationLevel,
};

use super::segments::SegmentEncoder;
use super::{EncoderConfig, KeyRhythm, RateControl, VideoEncoder};
use crate::av1::{self, SequenceHeader};
use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::frame::{BitDepth, Frame, Size};
use crate::packet::EncodedPacket;
use crate::time::{Span, Timestamp};

/// An encoder for these frames: of whole segments where they come as fast as they are taken.
///
/// # Errors
/// `NotSupportedError` for more than 8 bits a sample; a range error for what rav1e refuses.
pub(super) fn open(config: &EncoderConfig) -> Result<Box<dyn VideoEncoder>> {
    if config.offline {
        let open = |config: &EncoderConfig| Ok(Box::new(Rav1eEncoder::new(config)?) as Box<dyn VideoEncoder>);
        return Ok(Box::new(SegmentEncoder::new("rav1e", config, open)?));
    }
    Ok(Box::new(Rav1eEncoder::new(config)?))
}

struct Rav1eEncoder {
    config: EncoderConfig,
    context: Context<u8>,
    keys: KeyRhythm,
    header: Option<SequenceHeader>,
}

/// The times of a frame, for its packet.
struct Shown {
    timestamp: Timestamp,
    duration: Span,
}

impl Rav1eEncoder {
    fn new(config: &EncoderConfig) -> Result<Self> {
        let context = checked_config(config)?.new_context().map_err(refusal)?;
        // Its `container_sequence_header` has no sequence header, and no level.
        Ok(Self { config: config.clone(), context, keys: KeyRhythm::new(config.key_interval), header: None })
    }

    fn drain(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        loop {
            match self.context.receive_packet() {
                Ok(packet) => {
                    if self.header.is_none() {
                        self.header = SequenceHeader::find(&packet.data)?;
                    }
                    let shown = packet.opaque.and_then(|opaque| opaque.downcast::<Shown>().ok()).ok_or_else(|| {
                        Error::unknown(format!("expected the time of frame {} but found none", packet.input_frameno))
                    })?;
                    let data = av1::without_delimiters(&packet.data)?;
                    let key = packet.frame_type == FrameType::KEY;
                    packets.push(EncodedPacket::new(data, shown.timestamp, shown.duration, key));
                }
                Err(EncoderStatus::Encoded) => {}
                Err(EncoderStatus::NeedMoreData | EncoderStatus::LimitReached) => return Ok(()),
                Err(status) => return Err(Error::unknown("rav1e could not encode a frame").with_cause(status)),
            }
        }
    }
}

impl VideoEncoder for Rav1eEncoder {
    fn name(&self) -> &str {
        "rav1e"
    }

    fn codec_private(&self) -> Option<Vec<u8>> {
        self.header.as_ref().map(SequenceHeader::av1c)
    }

    fn codec_string(&self) -> Option<String> {
        self.header.as_ref().map(SequenceHeader::codec_string)
    }

    fn encode(&mut self, frame: &Frame, duration: Span, key: bool, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.config.check(frame)?;
        let mut picture = self.context.new_frame();
        for (index, plane) in picture.planes.iter_mut().enumerate() {
            let stride = plane.cfg.stride;
            for (to, from) in plane.data_origin_mut().chunks_mut(stride).zip(frame.rows(index)) {
                to[..from.len()].copy_from_slice(from);
            }
        }
        let key = self.keys.falls_on(frame.timestamp, duration, key);
        let parameters = FrameParameters {
            frame_type_override: if key { FrameTypeOverride::Key } else { FrameTypeOverride::No },
            opaque: Some(Opaque::new(Shown { timestamp: frame.timestamp, duration })),
            t35_metadata: Box::default(),
        };
        self.context
            .send_frame((picture, parameters))
            .map_err(|status| Error::unknown("rav1e did not take a frame").with_cause(status))?;
        self.drain(packets)
    }

    fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.context.flush();
        self.drain(packets)
    }
}

/// rav1e's configuration, which it takes.
fn checked_config(config: &EncoderConfig) -> Result<Config> {
    if config.depth > BitDepth::Eight {
        // rav1e is generic over its samples: those of 16 bits would be built a second time.
        let expected = "expected 8 bits a sample for the encoder rav1e but found";
        let remedy = "choose aom, vpx or ffmpeg:libsvtav1";
        return Err(Error::not_supported(format!("{expected} {}", config.depth.bits())).with_remedy(remedy));
    }
    let most = if config.offline { OFFLINE_TILES } else { 64 };
    let threads = config.threads.clamp(1, most);
    let checked = Config::new().with_encoder_config(settings(config, threads)).with_threads(threads);
    checked.validate().map_err(refusal)?;
    Ok(checked)
}

fn refusal(error: InvalidConfig) -> Error {
    Error::range("rav1e does not take this configuration").with_cause(error)
}

fn settings(config: &EncoderConfig, threads: usize) -> Rav1eConfig {
    let speed = config.speed.unwrap_or(10);
    let mut settings = Rav1eConfig::with_speed_preset(speed);
    settings.width = config.size.width as usize;
    settings.height = config.size.height as usize;
    settings.time_base = Rational::new(config.rate.den().into(), config.rate.num().into());
    settings.chroma_sampling = ChromaSampling::Cs420;
    settings.chroma_sample_position = ChromaSamplePosition::Vertical;
    settings.pixel_range = PixelRange::Limited;
    settings.level_idx = av1::level(config.size, config.rate);
    settings.color_description = Some(color_description(config.color));
    match config.rate_control {
        // With a bitrate, the quantizer is the upper limit: a lower limit would miss the target.
        RateControl::Bitrate(bits) => {
            settings.bitrate = i32::try_from(bits).unwrap_or(i32::MAX);
            settings.quantizer = 255;
        }
        RateControl::Quality(quality) => settings.quantizer = 255 - usize::from(quality.min(100)) * 255 / 100,
    }
    // rav1e sets the segments' quantizer offsets at a key frame. If rate control then lowers the quantizer, a segment
    // can reach 0, which decoders treat as lossless but rav1e 0.8.1 does not: of a calm video, 320x180 at 2.5 Mb/s,
    // only 13 of 20 frames could be decoded at speed 1 and 19 of 60 at speed 6, and all of them without segments.
    // Constant quality does not have this problem.
    if matches!(config.rate_control, RateControl::Bitrate(_)) {
        settings.speed_settings.segmentation = SegmentationLevel::Disabled;
    }
    if !config.offline {
        // Without reordering and with one frame of lookahead, the delay is 4 frames instead of the preset's 22.
        settings.low_latency = true;
        settings.speed_settings.rdo_lookahead_frames = 1;
    }
    // `KeyRhythm` decides about key frames; rav1e's interval only informs its rate control.
    settings.speed_settings.scene_detection_mode = SceneDetectionSpeed::None;
    settings.set_key_frame_interval(0, config.rate.frames_in(config.key_interval).clamp(1, 100_000) + 1);
    settings.tiles = if config.offline { OFFLINE_TILES.min(room(config.size)) } else { tiles(config.size, threads) };
    settings
}

fn color_description(color: ColorSpace) -> ColorDescription {
    let [primaries, transfer, matrix] = color.numbers();
    ColorDescription {
        color_primaries: match primaries {
            6 => ColorPrimaries::BT601,
            9 => ColorPrimaries::BT2020,
            12 => ColorPrimaries::SMPTE432,
            _ => ColorPrimaries::BT709,
        },
        transfer_characteristics: match transfer {
            6 => TransferCharacteristics::BT601,
            14 => TransferCharacteristics::BT2020_10Bit,
            16 => TransferCharacteristics::SMPTE2084,
            18 => TransferCharacteristics::HLG,
            _ => TransferCharacteristics::BT709,
        },
        matrix_coefficients: match matrix {
            6 => MatrixCoefficients::BT601,
            9 => MatrixCoefficients::BT2020NCL,
            _ => MatrixCoefficients::BT709,
        },
    }
}

/// How many tiles a picture has where segments are encoded side by side: for any number of threads, so that the packets
/// are the same. They keep more cores busy while the last segments are encoded.
const OFFLINE_TILES: usize = 4;

/// The number of tiles: rav1e distributes tiles over threads, and two tiles per thread balance tiles of unequal cost.
fn tiles(size: Size, threads: usize) -> usize {
    if threads == 1 { 1 } else { (2 * threads).min(room(size)) }
}

/// The most tiles of a picture: one below 256×256 costs more bits than it saves time.
fn room(size: Size) -> usize {
    (size.pixels() / (256 * 256)).max(1) as usize
}
