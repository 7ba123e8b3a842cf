//! VP8 and VP9: what their heads say is checked here, before libvpx sees a frame.
//!
//! libvpx takes memory for the size that a frame gives. So each frame is looked at first, and given to libvpx alone, in a
//! superframe of one: of a plain block, libvpx would decode whatever follows the first frame too.

use std::collections::VecDeque;
use std::io::{Read, Seek};

use super::decoder::{BlockDecoder, Unit, undecodable};
use super::libvpx::Libvpx;
use crate::codec::VideoCodec;
use crate::color::{ColorSpace, Matrix, Range};
use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::mux::matroska::Track;
use crate::source::blocks::{Blocks, FrameBlock};
use crate::time::Timestamp;
use crate::vp8::Vp8Head;
use crate::vp9::{self, Vp9Head};

pub(super) struct VpxDecoder {
    decoder: Libvpx,
    codec: VideoCodec,
    size: Size,
    color: ColorSpace,
}

impl VpxDecoder {
    /// A decoder for pictures of this size; the first block must be a key frame of it.
    pub(super) fn open<R: Read + Seek>(file: &mut Blocks<R>, codec: VideoCodec, size: Size) -> Result<Self> {
        let first = file.next_block()?.map(|block| file.read(&block)).transpose()?.unwrap_or_default();
        file.rewind();
        let color = if codec == VideoCodec::Vp8 {
            let head = Vp8Head::read(&first).ok_or_else(|| no_head(codec))?;
            check_size(codec, head.size.ok_or_else(|| no_key(codec))?, size)?;
            tagged(file.track(), size)
        } else {
            let frames = vp9::frames(&first).ok_or_else(|| no_head(codec))?;
            let head = frames.first().and_then(|frame| Vp9Head::read(frame)).ok_or_else(|| no_head(codec))?;
            if head.profile != 0 {
                let profile = head.profile;
                return Err(Error::not_supported(format!(
                    "expected 8-bit VP9 in 4:2:0, which is profile 0, but found profile {profile}"
                )));
            }
            let color = head.color.ok_or_else(|| no_key(codec))?;
            head.size.map_or(Ok(()), |found| check_size(codec, found, size))?;
            color.color_space(tagged(file.track(), size).map(|tagged| tagged.matrix))
        };
        let color = color
            .ok_or_else(|| Error::not_supported("expected a BT.601, BT.709 or BT.2020 matrix but found another one"))?;
        Ok(Self { decoder: Libvpx::open(codec)?, codec, size, color })
    }

    /// Checks the head of a VP9 frame; an error in words.
    fn check_vp9(&self, frame: &[u8]) -> std::result::Result<(), String> {
        let head = Vp9Head::read(frame).ok_or("its head is damaged")?;
        match head.size {
            _ if head.profile != 0 => Err(format!("expected profile 0 but found {}", head.profile)),
            Some(found) if found != self.size => Err(other_size(self.size, found)),
            _ => Ok(()),
        }
    }

    fn check_vp8(&self, frame: &[u8]) -> std::result::Result<(), String> {
        let head = Vp8Head::read(frame).ok_or("its head is damaged")?;
        match head.size {
            Some(found) if found != self.size => Err(other_size(self.size, found)),
            _ => Ok(()),
        }
    }

    fn decode_vp9(&mut self, block: &[u8]) -> std::result::Result<Option<Frame>, String> {
        let mut shown = None;
        for frame in vp9::frames(block).ok_or("its index of frames is damaged")? {
            self.check_vp9(frame)?;
            shown = self.decoder.decode(&superframe(frame), self.size, self.color)?.or(shown);
        }
        Ok(shown)
    }
}

impl BlockDecoder for VpxDecoder {
    fn decode(&mut self, block: Unit, from: Timestamp, frames: &mut VecDeque<Frame>) -> Result<()> {
        let Unit { data, time, number } = block;
        let decoded = if self.codec == VideoCodec::Vp8 {
            self.check_vp8(&data).and_then(|()| self.decoder.decode(&data, self.size, self.color))
        } else {
            self.decode_vp9(&data)
        };
        let frame = decoded.map_err(|why| undecodable(self.codec, number, &why))?;
        frames.extend(frame.filter(|_| time >= from).map(|frame| frame.with_timestamp(time)));
        Ok(())
    }

    fn color(&self) -> ColorSpace {
        self.color
    }

    /// Appends nothing: `decode` returns every frame at once.
    fn drain(&mut self, _: Timestamp, _: &mut VecDeque<Frame>) -> Result<()> {
        Ok(())
    }
}

/// As [`super::decoder::is_shown`], for VP8 and VP9. A block that is damaged counts as shown: decoding it is the error.
pub(super) fn is_shown<R: Read + Seek>(
    file: &mut Blocks<R>,
    block: &FrameBlock,
    codec: VideoCodec,
    size: Size,
) -> Result<bool> {
    let longest = Vp9Head::LONGEST.max(Vp8Head::LONGEST) as u64;
    let Some((first, last)) = file.ends(block, longest)? else { return Ok(true) };
    let (shown, found) = if codec == VideoCodec::Vp8 {
        Vp8Head::read(&first).map_or((true, None), |head| (head.shown, head.size))
    } else {
        let several = vp9::ends_superframe(last);
        Vp9Head::read(&first).map_or((true, None), |head| (head.shown || several, head.size))
    };
    found.map_or(Ok(()), |found| check_size(codec, found, size))?;
    Ok(shown)
}

/// A VP9 frame and the index of a superframe that holds it alone (Annex B): one size of four bytes.
fn superframe(frame: &[u8]) -> Vec<u8> {
    const MARKER: u8 = 0b1101_1000;
    let size = (frame.len() as u32).to_le_bytes();
    [frame, &[MARKER], &size, &[MARKER]].concat()
}

/// The colours as the file's header has them, else those of untagged video; none of a matrix that is not supported.
fn tagged(track: &Track, size: Size) -> Option<ColorSpace> {
    let untagged = ColorSpace::untagged(size.height);
    let matrix = match track.matrix {
        2 => untagged.matrix,
        1 => Matrix::Bt709,
        4..=6 => Matrix::Bt601,
        9 => Matrix::Bt2020,
        _ => return None,
    };
    let range = if track.range == 2 { Range::Full } else { Range::Limited };
    Some(ColorSpace { matrix, range, ..untagged })
}

fn check_size(codec: VideoCodec, found: Size, expected: Size) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::not_supported(format!("expected {codec} of {expected} as the track says but found {found}")))
}

fn other_size(expected: Size, found: Size) -> String {
    format!("expected all frames to be {expected} but found one of {found}")
}

fn no_head(codec: VideoCodec) -> Error {
    Error::not_readable(format!("expected a frame of {codec} but found a damaged one"))
}

fn no_key(codec: VideoCodec) -> Error {
    Error::not_supported(format!("expected a key frame of {codec} first but found another frame"))
}
