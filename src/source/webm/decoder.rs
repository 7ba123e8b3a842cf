//! Decodes the blocks of a track, whatever its codec.

use std::collections::VecDeque;
use std::io::{Read, Seek};

use super::av1::Av1Decoder;
#[cfg(all(feature = "vpx", unix))]
use super::vpx::VpxDecoder;
use crate::codec::VideoCodec;
use crate::color::{ColorSpace, ToneMap};
use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::mux::matroska::Track;
use crate::source::blocks::{Blocks, FrameBlock};
use crate::time::Timestamp;

/// Decodes blocks in the order of the file. Its frames are all of the size of the track, and have the times of their
/// blocks; those before `from` are left out.
pub(super) trait BlockDecoder: Send {
    /// Decodes a block and appends the frames that are ready then.
    fn decode(&mut self, block: Unit, from: Timestamp, frames: &mut VecDeque<Frame>) -> Result<()>;

    /// Appends the frames that are still in the decoder; after an error too.
    fn drain(&mut self, from: Timestamp, frames: &mut VecDeque<Frame>) -> Result<()>;

    /// How the values of its frames map to colours.
    fn color(&self) -> ColorSpace;
}

/// A block to decode.
pub(super) struct Unit {
    /// Never empty.
    pub(super) data: Vec<u8>,
    /// On the file's time line.
    pub(super) time: Timestamp,
    /// Its number among the blocks of the track, for errors.
    pub(super) number: u64,
}

/// The error of a block that cannot be decoded.
pub(super) fn undecodable(codec: VideoCodec, number: u64, why: &str) -> Error {
    let codec = codec.name().to_ascii_uppercase();
    Error::not_readable(format!("expected {codec} but found frame {number} damaged: {why}"))
}

/// The codecs that are decoded here, the one of a track.
pub(super) fn codec_of(track: &Track) -> Option<VideoCodec> {
    let codec = match track.codec.as_str() {
        "V_AV1" => VideoCodec::Av1,
        "V_VP8" => VideoCodec::Vp8,
        "V_VP9" => VideoCodec::Vp9,
        _ => return None,
    };
    (codec == VideoCodec::Av1 || cfg!(all(feature = "vpx", unix))).then_some(codec)
}

/// A decoder of the track of this size, at its first block; `file` is there again afterwards. Errors: the blocks are
/// damaged, of another size, or of a form that is not supported. `tone_map` is for film of high dynamic range.
pub(super) fn open<R: Read + Seek>(
    file: &mut Blocks<R>,
    codec: VideoCodec,
    size: Size,
    tone_map: ToneMap,
) -> Result<Box<dyn BlockDecoder>> {
    match codec {
        VideoCodec::Av1 => Ok(Box::new(Av1Decoder::open(file, size, tone_map)?)),
        #[cfg(all(feature = "vpx", unix))]
        VideoCodec::Vp8 | VideoCodec::Vp9 => Ok(Box::new(VpxDecoder::open(file, codec, size)?)),
        _ => Err(Error::not_supported(format!("expected a decoder of {codec} but found none"))),
    }
}

/// Whether a block has a picture to show, as its first bytes say: blocks of VP8 and VP9 may hold references alone. Where
/// it gives the picture another size than the track's, it is not supported.
pub(super) fn is_shown<R: Read + Seek>(
    file: &mut Blocks<R>,
    block: &FrameBlock,
    codec: VideoCodec,
    size: Size,
) -> Result<bool> {
    #[cfg(all(feature = "vpx", unix))]
    if matches!(codec, VideoCodec::Vp8 | VideoCodec::Vp9) {
        return super::vpx::is_shown(file, block, codec, size);
    }
    let _ = (file, block, codec, size);
    Ok(true)
}
