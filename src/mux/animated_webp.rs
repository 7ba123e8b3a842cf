//! Animated WebP (RFC 9649 §2.7.1).
//!
//! ```text
//! RIFF, the length of all that follows, WEBP
//! VP8X: size, and that there are frames and alpha
//! ANIM: how often they are shown
//! ANMF: place and length, and the chunks of a picture       once for each frame
//! ```
//!
//! Packets are WebP files, or ANMF chunks ([`webp_part`]) that replace a part of what is there. RIFF's length is that
//! of what is there. On a pipe it is the greatest that libwebp reads, 0xFFFFFFF6: Chromium's `<img>` shows such a file,
//! but its ImageDecoder wants the true length. Lengths of frames have 24 bits of milliseconds, 4.6 hours.

use std::io::{Seek, Write};

use super::animation::{
    AnimationBody, AnimationCounts, AnimationFormat, AnimationPicture, AnimationWriter, FrameLength, with_header,
};
use super::container::ContainerWriter;
use super::riff::{RiffChunk, RiffChunks};
use super::tracks::VideoTrack;
use crate::blob::Blob;
use crate::codec::VideoCodec;
use crate::error::{Error, Result};
use crate::frame::{PixelRect, Size};
use crate::time::Span;

/// The type and the length before a chunk's data.
const CHUNK: usize = 8;
/// The bytes of a file before its first frame.
const HEADER: usize = CHUNK + 4 + CHUNK + 10 + CHUNK + 6;
/// The data of an ANMF chunk before its picture.
const FRAME: usize = 16;
/// The greatest length of a chunk that libwebp reads.
const MOST: u32 = u32::MAX - CHUNK as u32 - 1;

/// The format of one file.
pub(super) struct AnimatedWebP {
    size: Size,
    alpha: bool,
    /// How often it is shown; 0 for ever.
    plays: u16,
}

/// A writer of an animated WebP that is shown `loops` times, or for ever.
///
/// # Errors
/// `NotSupportedError` for a track of other pictures than WebP; a write error.
pub(super) fn writer<W: Write + Seek + Send + 'static>(
    sink: W,
    track: &VideoTrack,
    loops: Option<u16>,
) -> Result<Box<dyn ContainerWriter<W>>> {
    if track.codec != VideoCodec::WebP {
        let found = track.codec;
        return Err(Error::not_supported(format!("expected WebP pictures for an animated WebP but found {found}")));
    }
    let format = AnimatedWebP { size: track.size, alpha: track.alpha, plays: loops.unwrap_or(0) };
    Ok(Box::new(AnimationWriter::new(sink, format)?))
}

impl AnimationFormat for AnimatedWebP {
    const NAME: &'static str = "an animated WebP";
    const MAX_BYTES: u64 = MOST as u64;
    const TRAILER: &'static [u8] = b"";

    fn size(&self) -> Size {
        self.size
    }

    fn header(&self, counts: AnimationCounts) -> Vec<u8> {
        const HAS_FRAMES: u8 = 1 << 1;
        const HAS_ALPHA: u8 = 1 << 4;
        /// What is behind the frames; readers ignore it.
        const BACKGROUND: [u8; 4] = [0; 4];
        let flags = HAS_FRAMES | if self.alpha { HAS_ALPHA } else { 0 };
        let length = match counts {
            AnimationCounts::Known { bytes, .. } => u32::try_from(bytes.saturating_sub(CHUNK as u64)).unwrap_or(MOST),
            AnimationCounts::Unknown => MOST,
        };
        let mut header = Vec::with_capacity(HEADER);
        header.extend(b"RIFF");
        header.extend(length.min(MOST).to_le_bytes());
        header.extend(b"WEBP");
        let [width, height] = sides(self.size);
        put_chunk(&mut header, b"VP8X", &[&[flags, 0, 0, 0], &width, &height]);
        put_chunk(&mut header, b"ANIM", &[&BACKGROUND, &self.plays.to_le_bytes()]);
        header
    }

    fn picture(&self, packet: &[u8]) -> Result<AnimationPicture> {
        if let Ok(Some(RiffChunk { name: [b'A', b'N', b'M', b'F'], data, .. })) = RiffChunks::of(packet).next()
            && let Some((head, chunks)) = data.split_first_chunk::<FRAME>()
        {
            let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], 0]);
            let size = Size::new(number(6) + 1, number(9) + 1);
            let rect = PixelRect { x: 2 * number(0), y: 2 * number(3), size };
            return Ok(AnimationPicture { rect, data: vec![chunks.to_vec()] });
        }
        Ok(AnimationPicture { rect: PixelRect::whole(self.size), data: vec![picture_chunks(packet)?] })
    }

    fn body(&self, picture: AnimationPicture, _first: bool, _sequence: &mut u32) -> AnimationBody {
        AnimationBody { rect: picture.rect, sequence: 0, bytes: picture.data.concat() }
    }

    fn control(&self, body: &AnimationBody, length: FrameLength) -> Vec<u8> {
        control(body.rect, length.numerator, body.bytes.len())
    }

    fn length(&self, wanted: Span) -> FrameLength {
        const MILLI: i64 = 1_000_000;
        let millis = (wanted.as_nanos().max(0) + MILLI / 2) / MILLI;
        FrameLength { numerator: millis.clamp(1, (1 << 24) - 1) as u32, denominator: 1000 }
    }
}

/// The part of an animated picture that the file `webp` replaces at this place: an ANMF chunk without a length. Its
/// place has even coordinates.
///
/// # Errors
/// `NotSupportedError` for what is no WebP file.
pub(crate) fn webp_part(webp: &[u8], place: PixelRect) -> Result<Vec<u8>> {
    let picture = picture_chunks(webp)?;
    let mut part = control(place, 0, picture.len());
    part.extend(picture);
    Ok(part)
}

/// The beginning of an ANMF chunk whose picture has this many bytes.
fn control(rect: PixelRect, millis: u32, bytes: usize) -> Vec<u8> {
    /// Keep the picture when the next one comes; replace what is there.
    const DISPOSE_NONE_BLEND_NONE: u8 = 1 << 1;
    let [width, height] = sides(rect.size);
    let mut control = Vec::with_capacity(CHUNK + FRAME);
    control.extend(b"ANMF");
    control.extend(((FRAME + bytes) as u32).to_le_bytes());
    control.extend([three_bytes(rect.x / 2), three_bytes(rect.y / 2), width, height].as_flattened());
    control.extend(three_bytes(millis));
    control.push(DISPOSE_NONE_BLEND_NONE);
    control
}

/// The chunks of a WebP file that hold its picture, as they stand in it.
fn picture_chunks(webp: &[u8]) -> Result<Vec<u8>> {
    let wrong = || Error::not_supported("expected a WebP picture but found none");
    let (head, rest) = webp.split_first_chunk::<12>().ok_or_else(wrong)?;
    if !head.starts_with(b"RIFF") || !head.ends_with(b"WEBP") {
        return Err(wrong());
    }
    let mut picture = Vec::with_capacity(rest.len());
    let mut whole = false;
    let mut chunks = RiffChunks::of(rest);
    while let Ok(Some(RiffChunk { name, data, .. })) = chunks.next() {
        if let b"ALPH" | b"VP8 " | b"VP8L" = &name {
            whole |= name != *b"ALPH";
            put_chunk(&mut picture, &name, &[data]);
        }
    }
    if whole { Ok(picture) } else { Err(wrong()) }
}

/// Makes a whole file of one from a pipe, with its true length. Returns it unchanged where it has that already.
pub(super) fn repaired(file: Blob) -> Blob {
    let length = u32::try_from(file.size()).ok().and_then(|size| size.checked_sub(CHUNK as u32));
    match (file.slice(0..CHUNK as u64).bytes(), length) {
        (Ok(mut head), Some(length)) if head.ends_with(&MOST.to_le_bytes()) => {
            head.splice(4.., length.to_le_bytes());
            with_header(file, head)
        }
        _ => file,
    }
}

/// Both sides of a picture, minus 1, in three bytes.
fn sides(size: Size) -> [[u8; 3]; 2] {
    [size.width, size.height].map(|side| three_bytes(side.saturating_sub(1)))
}

fn three_bytes(number: u32) -> [u8; 3] {
    let [a, b, c, _] = number.to_le_bytes();
    [a, b, c]
}

/// A chunk, padded to an even length.
fn put_chunk(to: &mut Vec<u8>, kind: &[u8; 4], parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    to.extend(kind);
    to.extend((length as u32).to_le_bytes());
    parts.iter().for_each(|part| to.extend(*part));
    to.extend((length % 2 == 1).then_some(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_webp_is_refused_and_other_chunks_are_left_out() {
        let mut file = b"RIFF\0\0\0\0WEBP".to_vec();
        put_chunk(&mut file, b"VP8X", &[&[0; 10]]);
        put_chunk(&mut file, b"ICCP", &[b"profile"]);
        put_chunk(&mut file, b"ALPH", &[b"alpha"]);
        assert!(picture_chunks(&file).is_err(), "alpha alone is no picture");
        put_chunk(&mut file, b"VP8 ", &[b"picture"]);
        let mut expected = Vec::new();
        put_chunk(&mut expected, b"ALPH", &[b"alpha"]);
        put_chunk(&mut expected, b"VP8 ", &[b"picture"]);
        assert_eq!(picture_chunks(&file).unwrap(), expected);
        // The last byte only pads.
        for length in 0..file.len() - 1 {
            assert!(picture_chunks(&file[..length]).is_err(), "{length} bytes");
        }
        let place = PixelRect { x: 6, y: 10, size: Size::new(300, 7) };
        let format = AnimatedWebP { size: Size::new(400, 400), alpha: true, plays: 0 };
        let picture = format.picture(&webp_part(&file, place).unwrap()).unwrap();
        assert_eq!(picture, AnimationPicture { rect: place, data: vec![expected] });
    }

    #[test]
    fn lengths_are_whole_milliseconds_and_never_0() {
        let format = AnimatedWebP { size: Size::new(4, 4), alpha: true, plays: 0 };
        for (nanos, millis) in [(0, 1), (-9, 1), (33_333_333, 33), (33_500_000, 34), (i64::MAX / 2, (1 << 24) - 1)] {
            assert_eq!(format.length(Span::from_nanos(nanos)).numerator, millis);
        }
    }
}
