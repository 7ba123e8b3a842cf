//! Animated PNG (PNG specification, third edition, §4.9, §11.3.8).
//!
//! ```text
//! signature  IHDR  acTL: how many frames, and how often they are shown
//! fcTL: place and length  IDAT …  enDs      the first frame
//! fcTL                    fdAT …  enDs      once for each later one
//! IEND
//! ```
//!
//! Packets are PNG files of 8-bit RGBA, or RGB where the track has no alpha; one with an `oFFs` chunk is a part that
//! replaces what is there. While a file grows it has no IEND, and acTL counts the frames that are there. Readers take a
//! picture for whole only when they see the chunk that follows it (the crate `png`, which Chromium uses too), so an
//! empty chunk of our own, `enDs`, ends each: 12 bytes. On a pipe acTL counts 2³¹ − 1 frames, the most that it can.
//!
//! A frame's length is a fraction of two 16-bit numbers, at most 18 hours.

use std::io::{Seek, Write};

use super::animation::{
    AnimationBody, AnimationCounts, AnimationFormat, AnimationPicture, AnimationWriter, FrameLength, with_header,
};
use super::container::ContainerWriter;
use super::tracks::VideoTrack;
use crate::blob::Blob;
use crate::codec::VideoCodec;
use crate::error::{Error, Result};
use crate::frame::{PixelRect, Size};
use crate::time::Span;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// The length and the type before a chunk's data, and the checksum behind it.
const CHUNK: usize = 12;
/// The bytes of a file before the first frame: the signature, IHDR and acTL.
const HEADER: usize = SIGNATURE.len() + CHUNK + 13 + CHUNK + 8;
/// Ancillary, private and safe to copy (§5.4).
const END_OF_FRAME: &[u8; 4] = b"enDs";
/// The greatest number in a PNG file (§7.1).
const MOST: u32 = i32::MAX as u32;

/// The format of one file.
pub(super) struct Apng {
    size: Size,
    alpha: bool,
    /// How often it is shown; 0 for ever.
    plays: u32,
}

/// A writer of an animated PNG that is shown `loops` times, or for ever.
///
/// # Errors
/// `NotSupportedError` for a track of other pictures than PNG; a write error.
pub(super) fn writer<W: Write + Seek + Send + 'static>(
    sink: W,
    track: &VideoTrack,
    loops: Option<u16>,
) -> Result<Box<dyn ContainerWriter<W>>> {
    if track.codec != VideoCodec::Png {
        return Err(Error::not_supported(format!(
            "expected PNG pictures for an animated PNG but found {}",
            track.codec
        )));
    }
    let format = Apng { size: track.size, alpha: track.alpha, plays: loops.unwrap_or(0).into() };
    Ok(Box::new(AnimationWriter::new(sink, format)?))
}

impl Apng {
    /// The last five bytes of IHDR: 8 bits of RGBA or RGB, not interlaced.
    fn layout(&self) -> [u8; 5] {
        [8, if self.alpha { 6 } else { 2 }, 0, 0, 0]
    }
}

impl AnimationFormat for Apng {
    const NAME: &'static str = "an animated PNG";
    const MAX_BYTES: u64 = u64::MAX;
    const TRAILER: &'static [u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";

    fn size(&self) -> Size {
        self.size
    }

    fn header(&self, counts: AnimationCounts) -> Vec<u8> {
        let frames = match counts {
            AnimationCounts::Known { frames, .. } => frames.min(MOST),
            AnimationCounts::Unknown => MOST,
        };
        let [width, height] = [self.size.width, self.size.height].map(u32::to_be_bytes);
        let mut header = SIGNATURE.to_vec();
        put_chunk(&mut header, b"IHDR", &[&width[..], &height, &self.layout()]);
        put_chunk(&mut header, b"acTL", &[&frames.to_be_bytes(), &self.plays.to_be_bytes()]);
        header
    }

    fn picture(&self, packet: &[u8]) -> Result<AnimationPicture> {
        let wrong = |found: &str| {
            Error::not_supported(format!("expected PNG pictures of 8 bits with alpha {} but found {found}", self.alpha))
        };
        let mut rect = None;
        let (mut place, mut data) = ((0, 0), Vec::new());
        for (kind, content) in PngChunks::of(packet).ok_or_else(|| wrong("no PNG file"))? {
            match (&kind, content.first_chunk::<8>()) {
                (b"IHDR", Some(sides)) if content[8..] == self.layout() => rect = Some(pair(sides)),
                (b"IHDR", _) => return Err(wrong("others")),
                (b"oFFs", Some(offsets)) => place = pair(offsets),
                (b"IDAT", _) => data.push(content.to_vec()),
                _ => {}
            }
        }
        match rect {
            Some((width, height)) if !data.is_empty() => {
                let rect = PixelRect { x: place.0, y: place.1, size: Size::new(width, height) };
                Ok(AnimationPicture { rect, data })
            }
            _ => Err(wrong("a file without a picture")),
        }
    }

    fn body(&self, picture: AnimationPicture, first: bool, sequence: &mut u32) -> AnimationBody {
        let mut next = || std::mem::replace(sequence, sequence.wrapping_add(1)).to_be_bytes();
        let own = u32::from_be_bytes(next());
        let mut bytes = Vec::with_capacity(picture.data.iter().map(|data| data.len() + CHUNK + 4).sum());
        for data in &picture.data {
            if first {
                put_chunk(&mut bytes, b"IDAT", &[data]);
            } else {
                put_chunk(&mut bytes, b"fdAT", &[&next(), data]);
            }
        }
        put_chunk(&mut bytes, END_OF_FRAME, &[]);
        AnimationBody { rect: picture.rect, sequence: own, bytes }
    }

    fn control(&self, body: &AnimationBody, length: FrameLength) -> Vec<u8> {
        /// Keep the picture when the next one comes; replace what is there (§11.3.8.2).
        const DISPOSE_NONE_BLEND_SOURCE: [u8; 2] = [0, 0];
        let PixelRect { x, y, size } = body.rect;
        let numbers = [body.sequence, size.width, size.height, x, y].map(u32::to_be_bytes);
        let length = [length.numerator, length.denominator].map(|part| (part as u16).to_be_bytes());
        let mut control = Vec::with_capacity(CHUNK + 26);
        put_chunk(&mut control, b"fcTL", &[numbers.as_flattened(), length.as_flattened(), &DISPOSE_NONE_BLEND_SOURCE]);
        control
    }

    /// The simplest fraction that is off by a microsecond at most; a continued fraction, up to 16 bits.
    fn length(&self, wanted: Span) -> FrameLength {
        const SECOND: i64 = 1_000_000_000;
        const CLOSE_ENOUGH: i64 = 1_000;
        const LIMIT: i64 = u16::MAX as i64;
        let nanos = wanted.as_nanos().clamp(0, LIMIT * SECOND);
        let (mut rest, mut divisor) = (nanos, SECOND);
        let (mut before, mut best) = ((0, 1), (1, 0));
        while divisor != 0 {
            let whole = rest / divisor;
            let next = (whole * best.0 + before.0, whole * best.1 + before.1);
            if next.0 > LIMIT || next.1 > LIMIT {
                break;
            }
            (before, best) = (best, next);
            let found = i128::from(best.0) * i128::from(SECOND) / i128::from(best.1.max(1));
            if best.0 > 0 && (found - i128::from(nanos)).abs() <= CLOSE_ENOUGH.into() {
                break;
            }
            (rest, divisor) = (divisor, rest % divisor);
        }
        if best.0 == 0 || best.1 == 0 {
            // A length of 0 would be shown "as quickly as possible".
            best = (1, LIMIT);
        }
        FrameLength { numerator: best.0 as u32, denominator: best.1 as u32 }
    }
}

/// Makes a whole file of one from a pipe: counts its frames. Returns it unchanged where it cannot be read.
pub(super) fn repaired(file: Blob) -> Blob {
    let Some(frames) = frames_of(&file) else { return file };
    let Ok(mut header) = file.slice(0..HEADER as u64).bytes() else { return file };
    let control = header.split_off(HEADER - CHUNK - 8);
    let Some(plays) = control.get(12..16) else { return file };
    put_chunk(&mut header, b"acTL", &[&frames.to_be_bytes(), plays]);
    with_header(file, header)
}

/// How many frames a file that we wrote has, if it was one from a pipe.
fn frames_of(file: &Blob) -> Option<u32> {
    let (mut at, mut frames) = (SIGNATURE.len() as u64, 0);
    while at + CHUNK as u64 <= file.size() {
        let head = file.slice(at..at + 12).bytes().ok()?;
        let (length, rest) = head.split_first_chunk::<4>()?;
        match rest.first_chunk::<4>()? {
            b"acTL" if rest[4..] != MOST.to_be_bytes() => return None,
            b"fcTL" => frames += 1,
            _ => {}
        }
        at += u64::from(u32::from_be_bytes(*length)) + CHUNK as u64;
    }
    (frames > 0).then_some(frames)
}

fn put_chunk(to: &mut Vec<u8>, kind: &[u8; 4], parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    to.extend((length as u32).to_be_bytes());
    let begin = to.len();
    to.extend(kind);
    parts.iter().for_each(|part| to.extend(*part));
    let checksum = crc32fast::hash(&to[begin..]);
    to.extend(checksum.to_be_bytes());
}

/// Two numbers of 32 bits.
fn pair(bytes: &[u8; 8]) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = *bytes;
    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}

/// The chunks of a PNG file, with their types; up to the first that is not whole.
struct PngChunks<'a>(&'a [u8]);

impl<'a> PngChunks<'a> {
    fn of(file: &'a [u8]) -> Option<Self> {
        file.strip_prefix(&SIGNATURE).map(Self)
    }
}

impl<'a> Iterator for PngChunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (content, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        let (_checksum, rest) = rest.split_first_chunk::<4>()?;
        self.0 = rest;
        Some((*kind, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length_of(nanos: i64) -> (u32, u32) {
        let format = Apng { size: Size::new(4, 4), alpha: true, plays: 0 };
        let FrameLength { numerator, denominator } = format.length(Span::from_nanos(nanos));
        (numerator, denominator)
    }

    #[test]
    fn lengths_are_simple_fractions_off_by_a_microsecond_at_most() {
        for (nanos, fraction) in [
            (40_000_000, (1, 25)),
            (33_333_333, (1, 30)),
            (33_333_334, (1, 30)),
            (2_000_000_000, (2, 1)),
            (1_000_000, (1, 1000)),
            (0, (1, 65535)),
            (-5, (1, 65535)),
            (i64::MAX, (65535, 1)),
        ] {
            assert_eq!(length_of(nanos), fraction, "{nanos} ns");
        }
        for nanos in (100_000..2_000_000_000).step_by(77_777_777).chain([16_683_350, 41_708_333]) {
            let (numerator, denominator) = length_of(nanos);
            let found = f64::from(numerator) / f64::from(denominator) * 1e9;
            assert!((found - nanos as f64).abs() <= 1000.0, "{nanos} ns: {numerator}/{denominator}");
        }
        // At most 16 bits: an hour and some is off by less than a tenth of a second.
        let (numerator, denominator) = length_of(4_000_123_456_789);
        assert!((f64::from(numerator) / f64::from(denominator) - 4000.123).abs() < 0.1);
    }

    #[test]
    fn packets_that_are_no_such_pictures_are_refused() {
        let format = Apng { size: Size::new(4, 4), alpha: true, plays: 0 };
        let mut file = format.header(AnimationCounts::Unknown);
        assert!(format.picture(&file).unwrap_err().to_string().contains("a file without a picture"));
        put_chunk(&mut file, b"IDAT", &[b"pixels"]);
        assert_eq!(format.picture(&file).unwrap().data, [b"pixels"]);
        for length in 0..file.len() {
            assert!(format.picture(&file[..length]).is_err(), "{length} bytes");
        }
        let opaque = Apng { alpha: false, ..format };
        assert!(opaque.picture(&file).unwrap_err().to_string().contains("found others"));
    }
}
