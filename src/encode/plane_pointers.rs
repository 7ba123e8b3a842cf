//! A frame's planes as libaom's and libvpx's images point to them.

use std::ffi::c_int;

use crate::error::{Error, Result};
use crate::frame::Frame;

/// Where each plane of an I420 frame of 8 or 10 bits begins, and how many bytes its rows are apart. Nothing is copied:
/// the pointers hold while the frame is borrowed. The libraries' structs have no const pointers, but nothing writes
/// through them.
///
/// # Errors
/// `RangeError` for chroma planes whose rows are not equally far apart, of which the libraries know only one stride, and
/// for rows of 2 GiB and more.
pub(super) fn plane_pointers(frame: &Frame) -> Result<[(*mut u8, c_int); 3]> {
    if let [_, u, v] = frame.planes()
        && u.stride != v.stride
    {
        return Err(Error::range(format!("expected chroma rows alike but found {} and {} bytes", u.stride, v.stride)));
    }
    let mut pointers = [(std::ptr::null_mut(), 0); 3];
    for (index, plane) in frame.planes().iter().enumerate() {
        let stride = c_int::try_from(plane.stride)
            .map_err(|_| Error::range(format!("expected rows below 2 GiB but found {} bytes", plane.stride)))?;
        pointers[index] = (frame.plane_data(index).as_ptr().cast_mut(), stride);
    }
    Ok(pointers)
}
