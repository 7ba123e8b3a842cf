//! VP8 and VP9 by the system's libvpx in its real-time mode: returns a packet for each frame at once, and drops none.
//!
//! The settings are those that browsers use for calls, as far as they help a recording. VP8's speed is fixed (a
//! negative `cpu-used`): with a positive one libvpx changes it by the time that frames take, and no two recordings are
//! the same.
//!
//! Transparency is a second stream of the same codec, whose luma is alpha, with key frames where the first has them. It
//! is encoded at the least quantizer, whatever the target of the colours: alpha that is off shows at every edge.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_long, c_uint};
use std::mem::MaybeUninit;
use std::ops::RangeInclusive;
use std::{ptr, thread};

use vpx_sys as sys;

use super::plane_pointers::plane_pointers;
use super::segments::SegmentEncoder;
use super::tick_clock::TickClock;
use super::{EncoderConfig, KeyRhythm, RateControl, VideoEncoder};
use crate::codec::VideoCodec;
use crate::color::Matrix;
use crate::error::{Error, Result};
use crate::frame::{BitDepth, Frame, Size};
use crate::packet::EncodedPacket;
use crate::time::Span;
use crate::vp9;

/// An encoder for these frames. VP8 has one thread ([`threads`]), so where frames come as fast as they are taken,
/// segments of constant quality are encoded side by side. (For a bitrate they are not: libvpx's rate control begins
/// anew with each segment, and spends 14 % less for 1.4 dB less than over the whole film.)
///
/// # Errors
/// `UnknownError` when libvpx refuses the configuration.
pub(super) fn open(config: &EncoderConfig) -> Result<Box<dyn VideoEncoder>> {
    let is_constant = matches!(config.rate_control, RateControl::Quality(_));
    if config.offline && is_constant && config.codec == VideoCodec::Vp8 {
        let open = |config: &EncoderConfig| Ok(Box::new(VpxEncoder::new(config)?) as Box<dyn VideoEncoder>);
        return Ok(Box::new(SegmentEncoder::new("vpx", config, open)?));
    }
    Ok(Box::new(VpxEncoder::new(config)?))
}

/// The speed of an encoder that was not asked for one.
const USUAL_SPEED: u8 = 8;

struct VpxEncoder {
    config: EncoderConfig,
    streams: VpxStreams,
    keys: KeyRhythm,
    ticks: TickClock,
}

/// The encoders of the colours and of the transparency.
struct VpxStreams {
    colors: VpxStream,
    alpha: Option<VpxStream>,
}

impl VpxStreams {
    fn open(config: &EncoderConfig) -> Result<Self> {
        let alpha = config.alpha.then(|| VpxStream::open(config, VpxContent::Alpha)).transpose()?;
        Ok(Self { colors: VpxStream::open(config, VpxContent::Colors)?, alpha })
    }
}

impl VpxEncoder {
    fn new(config: &EncoderConfig) -> Result<Self> {
        let streams = VpxStreams::open(config)?;
        let keys = KeyRhythm::new(config.key_interval);
        Ok(Self { config: config.clone(), streams, keys, ticks: TickClock::default() })
    }

    fn level(&self) -> u8 {
        vp9::level(self.config.size, self.config.rate)
    }
}

impl VideoEncoder for VpxEncoder {
    fn name(&self) -> &str {
        "vpx"
    }

    fn codec_private(&self) -> Option<Vec<u8>> {
        let is_vp9 = self.config.codec == VideoCodec::Vp9;
        Some(if is_vp9 { vp9::features(self.level(), self.config.depth) } else { Vec::new() })
    }

    fn codec_string(&self) -> Option<String> {
        let is_vp9 = self.config.codec == VideoCodec::Vp9;
        let of_vp9 = || vp9::codec_string(self.level(), self.config.depth, self.config.color);
        Some(if is_vp9 { of_vp9() } else { VideoCodec::Vp8.name().to_owned() })
    }

    fn encode(&mut self, frame: &Frame, duration: Span, key: bool, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.config.check(frame)?;
        let key = self.keys.falls_on(frame.timestamp, duration, key);
        if key && self.ticks.is_high() {
            // Frames after a key frame do not depend on frames before it.
            self.streams = VpxStreams::open(&self.config)?;
            self.ticks = TickClock::default();
        }
        let request = VpxRequest { ticks: self.ticks.at(frame.timestamp), length: TickClock::length(duration), key };
        let VpxStreams { colors, alpha } = &mut self.streams;
        let (data, alpha) = match alpha {
            None => (colors.encode(frame, request)?, None),
            Some(alpha) => {
                let (data, alpha) = thread::scope(|scope| {
                    let alpha = scope.spawn(|| alpha.encode(&frame.alpha_i420(), request));
                    let data = colors.encode(&frame.straight_i420_in(self.config.color), request);
                    (data, alpha.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                });
                (data?, Some(alpha?))
            }
        };
        packets.push(EncodedPacket { alpha, ..EncodedPacket::new(data, frame.timestamp, duration, key) });
        Ok(())
    }

    fn speeds(&self) -> Option<RangeInclusive<u8>> {
        // VP9 has no 10.
        Some(USUAL_SPEED..=if self.config.codec == VideoCodec::Vp8 { 10 } else { 9 })
    }

    fn set_speed(&mut self, speed: u8) -> Result<()> {
        self.config = self.config.at_speed(speed)?;
        let (control, speed) = (sys::vp8e_enc_control_id::VP8E_SET_CPUUSED, cpu_used(&self.config));
        let VpxStreams { colors, alpha } = &mut self.streams;
        colors.set(control, speed)?;
        alpha.as_mut().map_or(Ok(()), |alpha| alpha.set(control, speed))
    }

    fn set_bitrate(&mut self, bits: u32) -> Result<()> {
        self.config = self.config.at_bitrate(bits)?;
        // Transparency has no bitrate.
        self.streams.colors.reconfigure(&self.config)
    }

    /// Appends nothing: every frame's packet was returned by `encode`.
    fn finish(&mut self, _packets: &mut Vec<EncodedPacket>) -> Result<()> {
        Ok(())
    }
}

/// What a stream's frames are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum VpxContent {
    Colors,
    /// Alpha as luma, and grey chroma.
    Alpha,
}

/// How one frame is to be encoded.
#[derive(Debug, Clone, Copy)]
struct VpxRequest {
    ticks: i64,
    length: u32,
    key: bool,
}

/// libvpx's speed. VP8's is negative, so that it is fixed, and goes to 16, VP9's to 9.
fn cpu_used(config: &EncoderConfig) -> c_int {
    let speed = c_int::from(config.speed.unwrap_or(USUAL_SPEED));
    if config.codec == VideoCodec::Vp8 { -speed.max(1) } else { speed.min(9) }
}

/// libvpx's settings after it is opened, in the order of its documentation.
fn controls(config: &EncoderConfig, content: VpxContent) -> Vec<(sys::vp8e_enc_control_id, c_int)> {
    use sys::vp8e_enc_control_id::*;
    if config.codec == VideoCodec::Vp8 {
        return vec![
            (VP8E_SET_CPUUSED, cpu_used(config)),
            (VP8E_SET_ENABLEAUTOALTREF, 0),
            (VP8E_SET_NOISE_SENSITIVITY, 0),
            (VP8E_SET_STATIC_THRESHOLD, 0),
            (VP8E_SET_TOKEN_PARTITIONS, token_partitions_log2(config.size)),
        ];
    }
    const CYCLIC_REFRESH: c_int = 3;
    let mut controls = vec![
        (VP8E_SET_CPUUSED, cpu_used(config)),
        (VP8E_SET_ENABLEAUTOALTREF, 0),
        (VP8E_SET_STATIC_THRESHOLD, 0),
        (VP9E_SET_TILE_COLUMNS, tile_columns_log2(config.size)),
        (VP9E_SET_FRAME_PARALLEL_DECODING, 0),
        (VP9E_SET_COLOR_SPACE, color_space(config.color.matrix) as c_int),
        (VP9E_SET_COLOR_RANGE, sys::vpx_color_range::VPX_CR_STUDIO_RANGE as c_int),
        (VP9E_SET_ROW_MT, 1),
    ];
    match (content, config.rate_control) {
        // Cyclic refresh spends spare bits on static areas.
        (VpxContent::Colors, RateControl::Bitrate(_)) => controls.push((VP9E_SET_AQ_MODE, CYCLIC_REFRESH)),
        (VpxContent::Colors, RateControl::Quality(quality)) => {
            controls.push((VP9E_SET_AQ_MODE, 0));
            controls.push((VP8E_SET_CQ_LEVEL, quality_level(quality) as c_int));
        }
        (VpxContent::Alpha, _) => controls.push((VP9E_SET_AQ_MODE, 0)),
    }
    controls
}

/// VP9 names the matrix alone; the primaries and the light are the container's.
fn color_space(matrix: Matrix) -> sys::vpx_color_space {
    match matrix {
        Matrix::Bt601 => sys::vpx_color_space::VPX_CS_BT_601,
        Matrix::Bt709 => sys::vpx_color_space::VPX_CS_BT_709,
        Matrix::Bt2020 => sys::vpx_color_space::VPX_CS_BT_2020,
    }
}

/// libvpx's quantizer for a quality: 63 is worst; 0 is not used, because it makes VP9 lossless.
fn quality_level(quality: u8) -> c_uint {
    63 - c_uint::from(quality.min(100)) * 62 / 100
}

/// The quantizer of transparency. It makes VP9 lossless, which costs fewer bytes than its next quantizer (98 to 105 kB
/// for 50 frames of text, discs and shadows, 2 is 87 kB and up to 8 of 255 off). VP8 is up to 3 of 255 off (203 kB;
/// with 1, 144 kB and 7).
const ALPHA_QUANTIZER: c_uint = 0;

/// Depends on the size alone, so that the stream is the same for any number of threads; threads also share rows of a
/// tile.
fn tile_columns_log2(size: Size) -> c_int {
    if size.width > 2048 { 2 } else { 1 }
}

/// How many parts of VP8's coefficients can be decoded at the same time; by the size alone.
fn token_partitions_log2(size: Size) -> c_int {
    if size.height > 1080 { 3 } else { 2 }
}

/// The encoder of a codec: a pointer to a static, whose type is another one from libvpx 1.13 on.
macro_rules! interface {
    ($codec:expr) => {
        if $codec == VideoCodec::Vp8 { sys::vpx_codec_vp8_cx() } else { sys::vpx_codec_vp9_cx() }
    };
}

/// How many threads libvpx gets, so that the stream is the same for any number. VP9 is another stream with one thread,
/// where it shares no rows, than with two or more. VP8 depends on the number and on the machine's cores, and its
/// threads wait for each other in busy loops: on two cores with other work they were ten times slower than one alone.
fn threads(config: &EncoderConfig) -> c_uint {
    if config.codec == VideoCodec::Vp8 { 1 } else { config.threads.clamp(2, 64) as c_uint }
}

fn settings(config: &EncoderConfig, content: VpxContent) -> Result<sys::vpx_codec_enc_cfg_t> {
    use sys::vpx_rc_mode::{VPX_CBR, VPX_Q, VPX_VBR};
    let mut settings = MaybeUninit::<sys::vpx_codec_enc_cfg_t>::zeroed();
    // SAFETY: the interface is libvpx's own static; the call writes the whole struct when it returns VPX_CODEC_OK.
    let mut settings = unsafe {
        let status = sys::vpx_codec_enc_config_default(interface!(config.codec), settings.as_mut_ptr(), 0);
        if status != sys::VPX_CODEC_OK {
            return Err(failure(format!("libvpx does not encode {}", config.codec), status, None));
        }
        settings.assume_init()
    };
    settings.g_w = config.size.width;
    settings.g_h = config.size.height;
    if config.depth > BitDepth::Eight {
        // The profile of 4:2:0 with 10 or 12 bits.
        settings.g_profile = 2;
        settings.g_bit_depth = sys::vpx_bit_depth::VPX_BITS_10;
    }
    settings.g_input_bit_depth = config.depth.bits().into();
    settings.g_threads = threads(config);
    settings.g_timebase = sys::vpx_rational { num: 1, den: TickClock::TICKS_PER_SECOND };
    settings.g_lag_in_frames = 0;
    settings.g_error_resilient = 0;
    settings.rc_dropframe_thresh = 0;
    settings.rc_resize_allowed = 0;
    settings.kf_mode = sys::vpx_kf_mode::VPX_KF_FIXED;
    // Key frames come only where they are forced.
    settings.kf_min_dist = 0;
    settings.kf_max_dist = c_int::MAX as c_uint;
    let mut constant = |quantizer| {
        settings.rc_end_usage = VPX_VBR;
        settings.rc_min_quantizer = quantizer;
        settings.rc_max_quantizer = quantizer;
    };
    match (content, config.rate_control) {
        (VpxContent::Alpha, _) => constant(ALPHA_QUANTIZER),
        (VpxContent::Colors, RateControl::Bitrate(bits)) => {
            settings.rc_end_usage = VPX_CBR;
            settings.rc_target_bitrate = (bits / 1000).max(1);
            settings.rc_min_quantizer = 2;
            settings.rc_max_quantizer = 58;
            settings.rc_undershoot_pct = 50;
            settings.rc_overshoot_pct = 50;
            settings.rc_buf_initial_sz = 600;
            // Five sixths, as in ffmpeg. With 600 libvpx spends some 3 to 5 % more in the first seconds.
            settings.rc_buf_optimal_sz = 833;
            settings.rc_buf_sz = 1000;
        }
        (VpxContent::Colors, RateControl::Quality(quality)) if config.codec == VideoCodec::Vp8 => {
            // VP8's own modes CQ and Q leave the quantizer to the bitrate.
            constant(quality_level(quality));
        }
        (VpxContent::Colors, RateControl::Quality(_)) => {
            settings.rc_end_usage = VPX_Q;
            settings.rc_min_quantizer = 1;
            settings.rc_max_quantizer = 63;
        }
    }
    Ok(settings)
}

/// An open libvpx encoder, closed when dropped.
struct VpxStream {
    /// Boxed, because libvpx may keep pointers to it.
    context: Box<sys::vpx_codec_ctx_t>,
}

// SAFETY: libvpx's encoders have no thread-local state; only one thread at a time reaches one, through `&mut self`.
unsafe impl Send for VpxStream {}

impl VpxStream {
    fn open(config: &EncoderConfig, content: VpxContent) -> Result<Self> {
        let settings = settings(config, content)?;
        // SAFETY: all-zero is a valid vpx_codec_ctx (null pointers, no error), which the call below fills.
        let mut context: Box<sys::vpx_codec_ctx_t> = Box::new(unsafe { MaybeUninit::zeroed().assume_init() });
        // SAFETY: context and settings live through the call; libvpx copies the settings. It compares the version of
        // the structs with its own first. Where it fails there is nothing to destroy.
        let flags = if config.depth > BitDepth::Eight { sys::VPX_CODEC_USE_HIGHBITDEPTH } else { 0 };
        let status = unsafe {
            sys::vpx_codec_enc_init_ver(
                &mut *context,
                interface!(config.codec),
                &settings,
                flags.into(),
                sys::VPX_ENCODER_ABI_VERSION as c_int,
            )
        };
        if status != sys::VPX_CODEC_OK {
            // SAFETY: libvpx left null or a static text there.
            let detail = unsafe { text(context.err_detail) };
            return Err(failure("libvpx does not take this configuration", status, detail));
        }
        let mut codec = Self { context };
        for (control, value) in controls(config, content) {
            codec.set(control, value)?;
        }
        Ok(codec)
    }

    fn set(&mut self, control: sys::vp8e_enc_control_id, value: c_int) -> Result<()> {
        // SAFETY: the context is open; each control used here takes one int or unsigned int.
        let status = unsafe { sys::vpx_codec_control_(&mut *self.context, control as c_int, value) };
        self.check(status, || format!("libvpx does not take setting {control:?} = {value}"))
    }

    /// Gives libvpx the settings of this configuration, which may differ from those it was opened with in the bitrate.
    fn reconfigure(&mut self, config: &EncoderConfig) -> Result<()> {
        let settings = settings(config, VpxContent::Colors)?;
        // SAFETY: the context is open, and the settings live through the call; libvpx copies them.
        let status = unsafe { sys::vpx_codec_enc_config_set(&mut *self.context, &settings) };
        self.check(status, || "libvpx does not take this configuration".to_string())
    }

    /// The packet of one I420 frame of the configured size and depth.
    fn encode(&mut self, frame: &Frame, request: VpxRequest) -> Result<Vec<u8>> {
        let image = image(frame)?;
        let flags = if request.key { c_long::from(sys::VPX_EFLAG_FORCE_KF) } else { 0 };
        // SAFETY: the context is open. The image's planes point into `frame`, which outlives the call, each with a
        // row's bytes in every row; libvpx copies what it needs and writes nothing (its denoiser is off).
        let status = unsafe {
            let deadline = sys::VPX_DL_REALTIME.into();
            sys::vpx_codec_encode(&mut *self.context, &image, request.ticks, request.length.into(), flags, deadline)
        };
        self.check(status, || "libvpx could not encode a frame".to_string())?;

        let mut data = Vec::new();
        let mut key = false;
        let mut iterator: sys::vpx_codec_iter_t = ptr::null();
        // SAFETY: the context is open and the iterator began as null; a packet stays valid until the next call.
        while let Some(packet) = unsafe { sys::vpx_codec_get_cx_data(&mut *self.context, &mut iterator).as_ref() } {
            if packet.kind == sys::vpx_codec_cx_pkt_kind::VPX_CODEC_CX_FRAME_PKT {
                // SAFETY: the kind says which member of the union is set; its buffer has `sz` bytes.
                unsafe {
                    let found = packet.data.frame;
                    data.extend_from_slice(std::slice::from_raw_parts(found.buf.cast::<u8>(), found.sz as usize));
                    key |= found.flags & sys::VPX_FRAME_IS_KEY != 0;
                }
            }
        }
        if data.is_empty() || key != request.key {
            let kind = |key| if key { "a key frame" } else { "a frame" };
            let found = if data.is_empty() { "none" } else { kind(key) };
            return Err(Error::unknown(format!(
                "expected {} at {} ticks of 0.1 ms but found {found}",
                kind(request.key),
                request.ticks
            )));
        }
        Ok(data)
    }

    fn check(&mut self, status: sys::vpx_codec_err_t, what: impl FnOnce() -> String) -> Result<()> {
        if status == sys::VPX_CODEC_OK {
            return Ok(());
        }
        // SAFETY: the context is open; the text is null or lives as long as it.
        let detail = unsafe { text(sys::vpx_codec_error_detail(&mut *self.context)) };
        Err(failure(what(), status, detail))
    }
}

impl Drop for VpxStream {
    fn drop(&mut self) {
        // SAFETY: the context was opened and is destroyed once.
        unsafe { sys::vpx_codec_destroy(&mut *self.context) };
    }
}

/// libvpx's view of an I420 frame of 8 or 10 bits: pointers into its planes, without a copy.
fn image(frame: &Frame) -> Result<sys::vpx_image_t> {
    // SAFETY: all-zero is a valid vpx_image (null pointers, and numbers and enums of which 0 is one).
    let mut image: sys::vpx_image_t = unsafe { MaybeUninit::zeroed().assume_init() };
    let depth = frame.format().bits();
    let formats = [sys::vpx_img_fmt::VPX_IMG_FMT_I420, sys::vpx_img_fmt::VPX_IMG_FMT_I42016];
    image.fmt = formats[usize::from(depth > 8)];
    image.cs = color_space(frame.color.matrix);
    image.range = sys::vpx_color_range::VPX_CR_STUDIO_RANGE;
    (image.w, image.h) = (frame.size().width, frame.size().height);
    (image.d_w, image.d_h) = (frame.size().width, frame.size().height);
    (image.x_chroma_shift, image.y_chroma_shift) = (1, 1);
    image.bit_depth = depth;
    image.bps = if depth > 8 { 24 } else { 12 };
    for (index, (data, stride)) in plane_pointers(frame)?.into_iter().enumerate() {
        (image.planes[index], image.stride[index]) = (data, stride);
    }
    Ok(image)
}

fn failure(what: impl Into<String>, status: sys::vpx_codec_err_t, detail: Option<String>) -> Error {
    // SAFETY: libvpx has a static text for every status.
    let reason = unsafe { text(sys::vpx_codec_err_to_string(status)) };
    let reason = detail.or(reason).unwrap_or_else(|| format!("status {status:?}"));
    Error::unknown(what).with_cause(reason)
}

/// A C string's text; none where it is null.
///
/// # Safety
/// `string` is null, or ends with 0 and stays as it is during the call.
unsafe fn text(string: *const c_char) -> Option<String> {
    // SAFETY: the caller promised.
    (!string.is_null()).then(|| unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned())
}

/// libvpx's version, such as `1.12.0`.
pub(super) fn version() -> String {
    // SAFETY: the text is static.
    let version = unsafe { text(sys::vpx_codec_version_str()) };
    version.unwrap_or_default().trim_start_matches('v').to_string()
}
