//! AV1 by libaom in its real-time mode: returns a packet for each frame at once, and drops none.
//!
//! The settings are those that browsers use for calls, as far as they help a recording. Their other settings (palette,
//! compound and intra tools, reference motion vectors, a size limit for key frames) were measured: they are no faster,
//! and the limit costs 0.4 dB.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::mem::MaybeUninit;
use std::ops::RangeInclusive;
use std::ptr;

use libaom_sys as sys;

use super::plane_pointers::plane_pointers;
use super::tick_clock::TickClock;
use super::{EncoderConfig, KeyRhythm, RateControl, VideoEncoder};
use crate::av1::{self, SequenceHeader};
use crate::error::{Error, Result};
use crate::frame::{BitDepth, Frame, Size};
use crate::packet::EncodedPacket;
use crate::time::Span;

/// The speed of an encoder that was not asked for one.
const USUAL_SPEED: u8 = 9;

pub(super) struct AomEncoder {
    config: EncoderConfig,
    codec: Codec,
    keys: KeyRhythm,
    ticks: TickClock,
    header: SequenceHeader,
}

impl AomEncoder {
    pub(super) fn new(config: &EncoderConfig) -> Result<Self> {
        let mut codec = Codec::open(config)?;
        let header = codec.header()?;
        let keys = KeyRhythm::new(config.key_interval);
        Ok(Self { config: config.clone(), codec, keys, ticks: TickClock::default(), header })
    }
}

impl VideoEncoder for AomEncoder {
    fn name(&self) -> &str {
        "aom"
    }

    fn codec_private(&self) -> Option<Vec<u8>> {
        Some(self.header.av1c())
    }

    fn codec_string(&self) -> Option<String> {
        Some(self.header.codec_string())
    }

    fn encode(&mut self, frame: &Frame, duration: Span, key: bool, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.config.check(frame)?;
        let key = self.keys.falls_on(frame.timestamp, duration, key);
        if key && self.ticks.is_high() {
            // Frames after a key frame do not depend on frames before it.
            self.codec = Codec::open(&self.config)?;
            self.ticks = TickClock::default();
        }
        let ticks = self.ticks.at(frame.timestamp);
        let (data, key) = self.codec.encode(frame, ticks, TickClock::length(duration), key)?;
        packets.push(EncodedPacket::new(av1::without_delimiters(&data)?, frame.timestamp, duration, key));
        Ok(())
    }

    fn speeds(&self) -> Option<RangeInclusive<u8>> {
        Some(USUAL_SPEED..=10)
    }

    fn set_speed(&mut self, speed: u8) -> Result<()> {
        self.config = self.config.at_speed(speed)?;
        self.codec.set(sys::AOME_SET_CPUUSED, cpu_used(&self.config))
    }

    fn set_bitrate(&mut self, bits: u32) -> Result<()> {
        self.config = self.config.at_bitrate(bits)?;
        self.codec.reconfigure(&self.config)
    }

    /// Appends nothing: every frame's packet was returned by `encode`.
    fn finish(&mut self, _packets: &mut Vec<EncodedPacket>) -> Result<()> {
        Ok(())
    }
}

/// libaom's speed: its real-time mode has 11 (which takes 0.8 times as long as 9; 10 takes as long as 9).
fn cpu_used(config: &EncoderConfig) -> c_int {
    match config.speed.unwrap_or(USUAL_SPEED) {
        10 => 11,
        speed => speed.into(),
    }
}

/// libaom's settings after it is opened, in the order of its documentation.
fn controls(config: &EncoderConfig) -> Vec<(sys::aome_enc_control_id, c_int)> {
    let [primaries, transfer, matrix] = config.color.numbers();
    let mut controls = vec![
        (sys::AOME_SET_CPUUSED, cpu_used(config)),
        (sys::AV1E_SET_ROW_MT, 1),
        (sys::AV1E_SET_TILE_COLUMNS, tile_columns_log2(config.size)),
        (sys::AV1E_SET_COEFF_COST_UPD_FREQ, 3),
        (sys::AV1E_SET_MODE_COST_UPD_FREQ, 3),
        (sys::AV1E_SET_MV_COST_UPD_FREQ, 3),
        (sys::AV1E_SET_ENABLE_ORDER_HINT, 0),
        (sys::AV1E_SET_ENABLE_OBMC, 0),
        (sys::AV1E_SET_ENABLE_WARPED_MOTION, 0),
        (sys::AV1E_SET_ENABLE_GLOBAL_MOTION, 0),
        (sys::AV1E_SET_ENABLE_TPL_MODEL, 0),
        (sys::AV1E_SET_DELTAQ_MODE, 0),
        (sys::AV1E_SET_COLOR_PRIMARIES, primaries.into()),
        (sys::AV1E_SET_TRANSFER_CHARACTERISTICS, transfer.into()),
        (sys::AV1E_SET_MATRIX_COEFFICIENTS, matrix.into()),
        (sys::AV1E_SET_COLOR_RANGE, sys::AOM_CR_STUDIO_RANGE as c_int),
        (sys::AV1E_SET_CHROMA_SAMPLE_POSITION, sys::AOM_CSP_VERTICAL as c_int),
    ];
    match config.rate_control {
        // Cyclic refresh spends spare bits on static areas.
        RateControl::Bitrate(_) => controls.push((sys::AV1E_SET_AQ_MODE, 3)),
        RateControl::Quality(quality) => {
            controls.push((sys::AV1E_SET_AQ_MODE, 0));
            controls.push((sys::AOME_SET_CQ_LEVEL, quality_level(quality) as c_int));
        }
    }
    controls
}

/// libaom's constant quality level: 63 is worst; 0 is not used, because it selects the lossless mode.
fn quality_level(quality: u8) -> c_uint {
    63 - c_uint::from(quality.min(100)) * 62 / 100
}

/// Depends on the size alone, so that the stream is the same for any number of threads; threads also share rows of a
/// tile.
fn tile_columns_log2(size: Size) -> c_int {
    if size.width > 2048 { 2 } else { 1 }
}

fn settings(config: &EncoderConfig) -> Result<sys::aom_codec_enc_cfg_t> {
    let mut settings = MaybeUninit::<sys::aom_codec_enc_cfg_t>::uninit();
    // SAFETY: the interface is libaom's own static; the call writes the whole struct when it returns AOM_CODEC_OK.
    let mut settings = unsafe {
        let status =
            sys::aom_codec_enc_config_default(sys::aom_codec_av1_cx(), settings.as_mut_ptr(), sys::AOM_USAGE_REALTIME);
        if status != sys::AOM_CODEC_OK {
            return Err(failure("libaom has no real-time mode", status, None));
        }
        settings.assume_init()
    };
    settings.g_w = config.size.width;
    settings.g_h = config.size.height;
    settings.g_bit_depth = if config.depth > BitDepth::Eight { sys::AOM_BITS_10 } else { sys::AOM_BITS_8 };
    settings.g_input_bit_depth = config.depth.bits().into();
    // With one thread libaom shares no rows and writes another stream than with two or more.
    settings.g_threads = config.threads.clamp(2, 64) as c_uint;
    settings.g_timebase = sys::aom_rational { num: 1, den: TickClock::TICKS_PER_SECOND };
    settings.g_lag_in_frames = 0;
    settings.g_error_resilient = 0;
    settings.rc_dropframe_thresh = 0;
    settings.rc_resize_mode = 0;
    settings.kf_mode = sys::AOM_KF_DISABLED;
    match config.rate_control {
        RateControl::Bitrate(bits) => {
            settings.rc_end_usage = sys::AOM_CBR;
            settings.rc_target_bitrate = (bits / 1000).max(1);
            settings.rc_min_quantizer = 2;
            settings.rc_max_quantizer = 58;
            settings.rc_undershoot_pct = 50;
            settings.rc_overshoot_pct = 50;
            settings.rc_buf_initial_sz = 600;
            settings.rc_buf_optimal_sz = 600;
            settings.rc_buf_sz = 1000;
        }
        RateControl::Quality(_) => {
            settings.rc_end_usage = sys::AOM_Q;
            settings.rc_min_quantizer = 0;
            settings.rc_max_quantizer = 63;
        }
    }
    Ok(settings)
}

/// An open libaom encoder, closed when dropped.
struct Codec {
    /// Boxed, because libaom may keep pointers to it.
    context: Box<sys::aom_codec_ctx_t>,
}

// SAFETY: libaom's encoder has no thread-local state; only one thread at a time reaches it, through `&mut self`.
unsafe impl Send for Codec {}

impl Codec {
    fn open(config: &EncoderConfig) -> Result<Self> {
        let settings = settings(config)?;
        // SAFETY: all-zero is a valid aom_codec_ctx (null pointers, no error), which the call below fills.
        let mut context: Box<sys::aom_codec_ctx_t> = Box::new(unsafe { MaybeUninit::zeroed().assume_init() });
        // SAFETY: context and settings live through the call; libaom copies the settings. Where it fails there is
        // nothing to destroy.
        let flags = if config.depth > BitDepth::Eight { sys::AOM_CODEC_USE_HIGHBITDEPTH } else { 0 };
        let status = unsafe {
            sys::aom_codec_enc_init_ver(
                &mut *context,
                sys::aom_codec_av1_cx(),
                &settings,
                flags.into(),
                sys::AOM_ENCODER_ABI_VERSION as c_int,
            )
        };
        if status != sys::AOM_CODEC_OK {
            // SAFETY: libaom left null or a static text there.
            let detail = unsafe { text(context.err_detail) };
            return Err(failure("libaom does not take this configuration", status, detail));
        }
        let mut codec = Self { context };
        for (control, value) in controls(config) {
            codec.set(control, value)?;
        }
        Ok(codec)
    }

    fn set(&mut self, control: sys::aome_enc_control_id, value: c_int) -> Result<()> {
        // SAFETY: the context is open; each control used here takes one int or unsigned int.
        let status = unsafe { sys::aom_codec_control(&mut *self.context, control as c_int, value) };
        self.check(status, || format!("libaom does not take setting {control} = {value}"))
    }

    /// The sequence header that the first packet will have.
    fn header(&mut self) -> Result<SequenceHeader> {
        unsafe extern "C" {
            fn free(memory: *mut c_void);
        }
        // SAFETY: the context is open. What the call returns is null or belongs to the caller, who frees both parts of
        // it; the buffer has `sz` bytes.
        let bytes = unsafe {
            let found = sys::aom_codec_get_global_headers(&mut *self.context);
            found.as_ref().map(|headers| {
                let bytes = std::slice::from_raw_parts(headers.buf.cast::<u8>(), headers.sz).to_vec();
                free(headers.buf);
                free(found.cast());
                bytes
            })
        };
        let missing = || Error::unknown("expected a sequence header from libaom but found none");
        SequenceHeader::find(&bytes.ok_or_else(missing)?)?.ok_or_else(missing)
    }

    /// Gives libaom the settings of this configuration, which may differ from those it was opened with in the bitrate.
    fn reconfigure(&mut self, config: &EncoderConfig) -> Result<()> {
        let settings = settings(config)?;
        // SAFETY: the context is open, and the settings live through the call; libaom copies them.
        let status = unsafe { sys::aom_codec_enc_config_set(&mut *self.context, &settings) };
        self.check(status, || "libaom does not take this configuration".to_string())
    }

    /// The temporal unit of one frame of the configured size and format, and whether it is a key frame.
    fn encode(&mut self, frame: &Frame, ticks: i64, length: u32, key: bool) -> Result<(Vec<u8>, bool)> {
        let image = image(frame)?;
        let flags = if key { sys::AOM_EFLAG_FORCE_KF } else { 0 };
        // SAFETY: the context is open. The image's planes point into `frame`, which outlives the call, each with a
        // row's bytes in every row; libaom copies what it needs and writes nothing (its denoiser is off).
        let status = unsafe { sys::aom_codec_encode(&mut *self.context, &image, ticks, length.into(), flags.into()) };
        self.check(status, || "libaom could not encode a frame".to_string())?;

        let mut unit = Vec::new();
        let mut is_key = false;
        let mut iterator: sys::aom_codec_iter_t = ptr::null();
        // SAFETY: the context is open and the iterator began as null; a packet stays valid until the next call.
        while let Some(packet) = unsafe { sys::aom_codec_get_cx_data(&mut *self.context, &mut iterator).as_ref() } {
            if packet.kind == sys::AOM_CODEC_CX_FRAME_PKT {
                // SAFETY: the kind says which member of the union is set; its buffer has `sz` bytes.
                unsafe {
                    let data = packet.data.frame;
                    unit.extend_from_slice(std::slice::from_raw_parts(data.buf.cast::<u8>(), data.sz));
                    is_key |= data.flags & sys::AOM_FRAME_IS_KEY != 0;
                }
            }
        }
        if unit.is_empty() {
            return Err(Error::unknown(format!(
                "expected a packet for the frame at {ticks} ticks of 0.1 ms but found none"
            )));
        }
        Ok((unit, is_key))
    }

    fn check(&mut self, status: sys::aom_codec_err_t, what: impl FnOnce() -> String) -> Result<()> {
        if status == sys::AOM_CODEC_OK {
            return Ok(());
        }
        // SAFETY: the context is open; the text is null or lives as long as it.
        let detail = unsafe { text(sys::aom_codec_error_detail(&*self.context)) };
        Err(failure(what(), status, detail))
    }
}

impl Drop for Codec {
    fn drop(&mut self) {
        // SAFETY: the context was opened and is destroyed once.
        unsafe { sys::aom_codec_destroy(&mut *self.context) };
    }
}

/// libaom's view of an I420 frame of 8 or 10 bits: pointers into its planes, without a copy.
fn image(frame: &Frame) -> Result<sys::aom_image_t> {
    // SAFETY: all-zero is a valid aom_image (null pointers and numbers), as libaom's own wrapper starts from.
    let mut image: sys::aom_image_t = unsafe { MaybeUninit::zeroed().assume_init() };
    let depth = frame.format().bits();
    image.fmt = if depth > 8 { sys::AOM_IMG_FMT_I42016 } else { sys::AOM_IMG_FMT_I420 };
    image.csp = sys::AOM_CSP_VERTICAL;
    image.range = sys::AOM_CR_STUDIO_RANGE;
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

fn failure(what: impl Into<String>, status: sys::aom_codec_err_t, detail: Option<String>) -> Error {
    // SAFETY: libaom has a static text for every status.
    let reason = unsafe { text(sys::aom_codec_err_to_string(status)) };
    let reason = detail.or(reason).unwrap_or_else(|| format!("status {status}"));
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

/// libaom's version, such as `3.11.0`.
pub(super) fn version() -> String {
    // SAFETY: the text is static.
    let version = unsafe { text(sys::aom_codec_version_str()) };
    version.unwrap_or_default().trim_start_matches('v').to_string()
}
