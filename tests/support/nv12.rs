//! I420 frames as NV12.

use framereel::frame::{Frame, PixelFormat};

/// Two samples in turn, for every sample of `frame`'s chroma planes.
fn in_turn(frame: &Frame) -> Vec<u8> {
    frame.rows(1).flatten().zip(frame.rows(2).flatten()).flat_map(|(&u, &v)| [u, v]).collect()
}

/// The same samples as NV12.
pub fn nv12(planar: &Frame) -> Frame {
    let data = planar.rows(0).flatten().copied().chain(in_turn(planar)).collect();
    Frame::packed(PixelFormat::Nv12, planar.size(), planar.color, data)
}
