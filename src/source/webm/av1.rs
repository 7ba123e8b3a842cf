//! AV1 by re_rav1d: 8, 10 or 12 bits a sample, 4:2:0, 4:2:2, 4:4:4 or monochrome, in a matrix that [`crate::color`] supports.

use std::collections::VecDeque;
use std::io::{Read, Seek};

use re_rav1d::dav1d::{Decoder, Error as DecodeError, Picture, PixelLayout, PlanarImageComponent, Settings};

use super::decoder::{BlockDecoder, Unit, undecodable};
use crate::av1::{self, SequenceHeader};
use crate::codec::VideoCodec;
use crate::color::{ColorSpace, ToneMap, Transfer};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, PixelFormat, Size};
use crate::source::blocks::Blocks;
use crate::time::{Span, Timestamp};

const THREADS: u32 = 2;

pub(super) struct Av1Decoder {
    decoder: Decoder,
    size: Size,
    color: ColorSpace,
    /// The number of the last block.
    number: u64,
}

impl Av1Decoder {
    /// A decoder that refuses pictures larger than `size`.
    pub(super) fn open<R: Read + Seek>(file: &mut Blocks<R>, size: Size, tone_map: ToneMap) -> Result<Self> {
        let mut color = check_sequence(&sequence_header(file)?, size)?;
        color.tone_map = tone_map;
        if color.transfer == Transfer::Pq {
            color.peak = peak(file)?.unwrap_or(color.peak);
        }
        let mut settings = Settings::new();
        settings.set_n_threads(THREADS);
        // Two threads on one frame. With two frames at a time, re_rav1d 0.1.3 now and then waits for ever on damaged data.
        settings.set_max_frame_delay(1);
        settings.set_all_layers(false);
        settings.set_frame_size_limit(size.pixels() as u32);
        let decoder = Decoder::with_settings(&settings)
            .map_err(|error| Error::unknown("the AV1 decoder did not start").with_cause(error))?;
        Ok(Self { decoder, size, color, number: 0 })
    }

    /// Takes one frame if there is one; returns whether there was.
    fn take_picture(&mut self, from: Timestamp, frames: &mut VecDeque<Frame>) -> Result<bool> {
        let picture = match self.decoder.get_picture() {
            Ok(picture) => picture,
            Err(DecodeError::Again) => return Ok(false),
            Err(error) => return Err(self.undecodable(&error.to_string())),
        };
        let shown = Timestamp::from_nanos(picture.timestamp().unwrap_or(0));
        if shown >= from {
            frames.push_back(self.to_frame(&picture)?.with_timestamp(shown));
        }
        Ok(true)
    }

    fn to_frame(&self, picture: &Picture) -> Result<Frame> {
        let size = Size::new(picture.width(), picture.height());
        if size != self.size {
            return Err(Error::not_readable(format!(
                "expected all frames to be {} but found one of {size} at {}",
                self.size,
                Span::from_nanos(picture.timestamp().unwrap_or(0))
            )));
        }
        let bits = picture.bit_depth() as u32;
        let layout = match picture.pixel_layout() {
            PixelLayout::I400 if bits == 8 => PixelFormat::Gray8,
            // Grey of more bits has a format only with chroma, which is neutral.
            PixelLayout::I400 | PixelLayout::I420 => PixelFormat::I420,
            PixelLayout::I422 => PixelFormat::I422,
            PixelLayout::I444 => PixelFormat::I444,
        };
        let format = if bits == 8 { Some(layout) } else { layout.deepened(bits) };
        let format = format
            .ok_or_else(|| Error::not_supported(format!("expected 8, 10 or 12 bits a sample but found {bits}")))?;
        let mut data = Vec::with_capacity(Frame::packed_len(format, size));
        let components = [PlanarImageComponent::Y, PlanarImageComponent::U, PlanarImageComponent::V];
        let grey = picture.pixel_layout() == PixelLayout::I400;
        let planes = if grey { 1 } else { format.planes() };
        for (index, component) in components.into_iter().enumerate().take(planes) {
            let (row, rows) = format.plane_size(index, size);
            let plane = picture.plane(component);
            let stride = picture.stride(component) as usize;
            plane.chunks(stride).take(rows).for_each(|padded| data.extend_from_slice(&padded[..row]));
        }
        let left = Frame::packed_len(format, size) - data.len();
        let neutral = 1_u16 << (bits - 1);
        data.extend(neutral.to_le_bytes().iter().cycle().take(left));
        Ok(Frame::packed(format, size, self.color, data))
    }

    fn undecodable(&self, why: &str) -> Error {
        undecodable(VideoCodec::Av1, self.number, why)
    }
}

impl BlockDecoder for Av1Decoder {
    fn color(&self) -> ColorSpace {
        self.color
    }

    fn decode(&mut self, block: Unit, from: Timestamp, frames: &mut VecDeque<Frame>) -> Result<()> {
        self.number = block.number;
        let mut sent = self.decoder.send_data(block.data, None, Some(block.time.as_nanos()), None);
        loop {
            let took = self.take_picture(from, frames)?;
            match sent {
                Ok(()) => return Ok(()),
                Err(DecodeError::Again) if took || self.take_picture(from, frames)? => {
                    sent = self.decoder.send_pending_data();
                }
                Err(error) => return Err(self.undecodable(&error.to_string())),
            }
        }
    }

    fn drain(&mut self, from: Timestamp, frames: &mut VecDeque<Frame>) -> Result<()> {
        // The first call that gives no frame only makes the decoder finish the frames it holds.
        let mut empty = 0;
        while empty < 2 {
            if self.take_picture(from, frames)? { empty = 0 } else { empty += 1 }
        }
        Ok(())
    }
}

/// The sequence header from the track's `av1C`, else from the first block.
fn sequence_header<R: Read + Seek>(file: &mut Blocks<R>) -> Result<SequenceHeader> {
    let found = |obus: &[u8]| SequenceHeader::find(obus).ok().flatten();
    if let Some(header) = file.track().private.get(4..).and_then(found) {
        return Ok(header);
    }
    let first = file.next_block()?.map(|block| file.read(&block)).transpose()?.unwrap_or_default();
    file.rewind();
    found(&first).ok_or_else(|| {
        let found = if av1::has_sequence_header(&first) { "a damaged one" } else { "none" };
        Error::not_readable(format!("expected an AV1 sequence header but found {found}"))
    })
}

/// The film's brightest light, by the track's `av1C` or its first block.
fn peak<R: Read + Seek>(file: &mut Blocks<R>) -> Result<Option<u16>> {
    if let Some(peak) = file.track().private.get(4..).and_then(av1::peak) {
        return Ok(Some(peak));
    }
    let first = file.next_block()?.map(|block| file.read(&block)).transpose()?.unwrap_or_default();
    file.rewind();
    Ok(av1::peak(&first))
}

fn check_sequence(sequence: &SequenceHeader, size: Size) -> Result<ColorSpace> {
    if (sequence.max_width, sequence.max_height) != (size.width, size.height) {
        return Err(Error::new(
            ErrorKind::NotSupported,
            format!(
                "expected AV1 of {size} as the track says but found {}x{}",
                sequence.max_width, sequence.max_height
            ),
        ));
    }
    sequence
        .color_space(size.height)
        .ok_or_else(|| Error::not_supported("expected a BT.601, BT.709 or BT.2020 matrix but found another one"))
}
