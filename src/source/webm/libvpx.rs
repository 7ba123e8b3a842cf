//! The system's libvpx as a decoder. Its caller has checked the sizes that frames declare.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::mem::MaybeUninit;
use std::ptr;

use vpx_sys as sys;

use crate::codec::VideoCodec;
use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::frame::{Frame, PixelFormat, Size};

const THREADS: c_uint = 2;

/// An open libvpx decoder, closed when dropped.
pub(super) struct Libvpx {
    /// Boxed, because libvpx may keep pointers to it.
    context: Box<sys::vpx_codec_ctx_t>,
}

// SAFETY: libvpx's decoders have no thread-local state; only one thread at a time reaches one, through `&mut self`.
unsafe impl Send for Libvpx {}

impl Libvpx {
    /// A decoder of VP8, else of VP9.
    pub(super) fn open(codec: VideoCodec) -> Result<Self> {
        // SAFETY: all-zero is a valid vpx_codec_ctx (null pointers, no error), which the call below fills.
        let mut context: Box<sys::vpx_codec_ctx_t> = Box::new(unsafe { MaybeUninit::zeroed().assume_init() });
        let settings = sys::vpx_codec_dec_cfg_t { threads: THREADS, w: 0, h: 0 };
        // SAFETY: context and settings live through the call; libvpx copies the settings, and the interfaces are its own
        // statics. It compares the version of the structs with its own first. Where it fails there is nothing to destroy.
        let status = unsafe {
            let interface = if codec == VideoCodec::Vp8 { sys::vpx_codec_vp8_dx() } else { sys::vpx_codec_vp9_dx() };
            sys::vpx_codec_dec_init_ver(&mut *context, interface, &settings, 0, sys::VPX_DECODER_ABI_VERSION as c_int)
        };
        if status != sys::VPX_CODEC_OK {
            let error = Error::unknown(format!("libvpx's decoder of {codec} did not start"));
            return Err(error.with_cause(reason(status)));
        }
        Ok(Self { context })
    }

    /// Decodes a frame; the picture, if it shows one, which has `size`. An error in words.
    pub(super) fn decode(
        &mut self,
        data: &[u8],
        size: Size,
        color: ColorSpace,
    ) -> std::result::Result<Option<Frame>, String> {
        let len = c_uint::try_from(data.len()).map_err(|_| format!("{} bytes are too many", data.len()))?;
        // SAFETY: the context is open; the data has `len` bytes and libvpx reads it during the call only.
        let status = unsafe { sys::vpx_codec_decode(&mut *self.context, data.as_ptr(), len, ptr::null_mut(), 0) };
        if status != sys::VPX_CODEC_OK {
            // SAFETY: the context is open; the text is null or lives as long as it.
            let detail = unsafe { text(sys::vpx_codec_error_detail(&mut *self.context)) };
            return Err(detail.unwrap_or_else(|| reason(status)));
        }
        let mut iterator: sys::vpx_codec_iter_t = ptr::null();
        let mut shown = None;
        // SAFETY: the context is open and the iterator began as null; an image stays valid until the next `decode`.
        while let Some(image) = unsafe { sys::vpx_codec_get_frame(&mut *self.context, &mut iterator).as_ref() } {
            shown = Some(copy(image, size, color)?);
        }
        Ok(shown)
    }
}

impl Drop for Libvpx {
    fn drop(&mut self) {
        // SAFETY: the context was opened and is destroyed once.
        unsafe { sys::vpx_codec_destroy(&mut *self.context) };
    }
}

/// A frame of the picture's rows.
fn copy(image: &sys::vpx_image_t, size: Size, color: ColorSpace) -> std::result::Result<Frame, String> {
    let found = Size::new(image.d_w, image.d_h);
    if image.fmt != sys::vpx_img_fmt::VPX_IMG_FMT_I420 || found != size {
        return Err(format!("expected I420 of {size} but found {:?} of {found}", image.fmt));
    }
    let mut data = Vec::with_capacity(Frame::packed_len(PixelFormat::I420, size));
    for plane in 0..3 {
        let (row, rows) = PixelFormat::I420.plane_size(plane, size);
        let start = image.planes[plane].cast_const();
        let stride = image.stride[plane] as isize;
        for y in 0..rows as isize {
            // SAFETY: libvpx's I420 image has rows of at least this length, `stride` bytes apart, for the size that it
            // declares, and nothing changes them while it is borrowed.
            data.extend_from_slice(unsafe { std::slice::from_raw_parts(start.offset(y * stride), row) });
        }
    }
    Ok(Frame::packed(PixelFormat::I420, size, color, data))
}

fn reason(status: sys::vpx_codec_err_t) -> String {
    // SAFETY: libvpx has a static text for every status.
    unsafe { text(sys::vpx_codec_err_to_string(status)) }.unwrap_or_else(|| format!("status {status:?}"))
}

/// A C string's text; none where it is null.
///
/// # Safety
/// `string` is null, or ends with 0 and stays as it is during the call.
unsafe fn text(string: *const c_char) -> Option<String> {
    // SAFETY: the caller promised.
    (!string.is_null()).then(|| unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned())
}
