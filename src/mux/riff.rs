//! Finds the pictures in a WebP file (RFC 9649), a RIFF container, and decodes none: the frames of VP8 in a lossy one can
//! stand in a WebM file as they are.
//!
//! Chunks that are no pictures (`ICCP`, `EXIF`, `XMP `, unknown ones) are skipped, and so is what follows the RIFF chunk
//! or, in a still, the picture.
//!
//! # Budget
//! The bytes are read once, from front to back; each chunk takes at least 8 of them. Memory is taken for the list of an
//! animation's frames alone, 48 bytes for each, which has at least 32 bytes in the file.

use crate::error::{Error, Result};
use crate::frame::Size;
use crate::time::Span;

/// The header of a chunk: its name and its length.
const CHUNK: usize = 8;
/// The header of an animation's frame within its chunk (RFC 9649 §2.7.1.2).
const ANMF: usize = 16;
/// Bits of the flags in the chunk `VP8X` (RFC 9649 §2.7).
const HAS_ANIMATION: u8 = 0x02;
/// The most pixels of a canvas (RFC 9649 §2.7).
const MAX_PIXELS: u64 = u32::MAX as u64;

/// A WebP file's pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebpFile<'a> {
    /// The size of the canvas: of every picture as it is shown.
    pub(crate) size: Size,
    /// Whether it is an animation.
    pub(crate) animated: bool,
    /// The pictures in their order, at least one; of a still, the only one.
    pub(crate) frames: Vec<WebpFrame<'a>>,
}

/// One picture of a WebP file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WebpFrame<'a> {
    /// The frame of VP8 (RFC 6386) of a lossy picture, a key frame with its header checked; none of a lossless one.
    pub(crate) vp8: Option<&'a [u8]>,
    /// Whether it has transparency, as far as its headers say.
    pub(crate) alpha: bool,
    /// Whether it covers the canvas.
    pub(crate) whole: bool,
    /// How long an animation shows it.
    pub(crate) duration: Option<Span>,
}

impl<'a> WebpFrame<'a> {
    /// Its frame of VP8, if that is all there is to see when the picture is shown, but for a still's transparency.
    pub(crate) fn alone(&self, animated: bool) -> Option<&'a [u8]> {
        self.vp8.filter(|_| self.whole && !(animated && self.alpha))
    }
}

impl<'a> WebpFile<'a> {
    /// Finds the pictures.
    ///
    /// # Errors
    /// `NotReadableError` for a file that is not WebP, breaks off, or has sizes that cannot be.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let head = &bytes[..bytes.len().min(12)];
        if head.len() < 12 || !head.starts_with(b"RIFF") || !head.ends_with(b"WEBP") {
            let found = if head.is_empty() { "an empty file".to_owned() } else { format!("`{}`", head.escape_ascii()) };
            return Err(Error::not_readable(format!("expected a WebP picture but found {found}")));
        }
        let end = CHUNK as u64 + u64::from(u32_at(bytes, 4));
        if end > bytes.len() as u64 {
            let found = bytes.len();
            return Err(Error::not_readable(format!("expected {end} bytes but found {found}: the file breaks off")));
        }
        let mut chunks = RiffChunks { bytes: &bytes[..end as usize], at: head.len() };
        let first = chunks.next()?.ok_or_else(|| none_found("a chunk"))?;
        if first.name != *b"VP8X" {
            let picture = first.picture()?.ok_or_else(|| {
                Error::not_readable(format!("expected VP8, VP8L or VP8X but found the chunk {first}"))
            })?;
            let frames = vec![picture.frame(false, true, None)];
            return Ok(Self { size: picture.size, animated: false, frames });
        }
        let [flags, _, _, _, ref sides @ ..] = first.data[..] else { return Err(first.too_short(10)) };
        if sides.len() < 6 {
            return Err(first.too_short(10));
        }
        let size = Size::new(u24_at(sides, 0) + 1, u24_at(sides, 3) + 1);
        if size.pixels() > MAX_PIXELS {
            let expected = format!("expected a picture of at most {MAX_PIXELS} pixels but found {size}");
            return Err(Error::not_readable(expected));
        }
        let animated = flags & HAS_ANIMATION != 0;
        let frames = if animated { animation(chunks, size)? } else { vec![still(chunks, size)?] };
        Ok(Self { size, animated, frames })
    }
}

/// The picture among these chunks, which is as large as the canvas.
fn still(mut chunks: RiffChunks<'_>, size: Size) -> Result<WebpFrame<'_>> {
    let mut alpha = false;
    while let Some(chunk) = chunks.next()? {
        alpha |= chunk.name == *b"ALPH";
        if let Some(picture) = chunk.picture()? {
            picture.check(size)?;
            return Ok(picture.frame(alpha, true, None));
        }
    }
    Err(none_found("a chunk VP8 or VP8L"))
}

fn animation(mut chunks: RiffChunks<'_>, canvas: Size) -> Result<Vec<WebpFrame<'_>>> {
    let mut frames = Vec::new();
    while let Some(chunk) = chunks.next()? {
        if chunk.name != *b"ANMF" {
            continue;
        }
        let Some((head, _)) = chunk.data.split_at_checked(ANMF) else { return Err(chunk.too_short(ANMF)) };
        let [x, y] = [0, 3].map(|at| 2 * u64::from(u24_at(head, at)));
        let size = Size::new(u24_at(head, 6) + 1, u24_at(head, 9) + 1);
        if x + u64::from(size.width) > canvas.width.into() || y + u64::from(size.height) > canvas.height.into() {
            let number = frames.len() + 1;
            let found = format!("found {size} at {x},{y} as frame {number}");
            return Err(Error::not_readable(format!("expected pictures within {canvas} but {found}")));
        }
        let duration = Span::from_millis(u24_at(head, 12).into());
        let end = chunk.at + CHUNK + chunk.data.len();
        let inner = RiffChunks { bytes: &chunks.bytes[..end], at: chunk.at + CHUNK + ANMF };
        let mut frame = still(inner, size)?;
        (frame.whole, frame.duration) = (size == canvas, Some(duration));
        frames.push(frame);
    }
    if frames.is_empty() { Err(none_found("a frame of an animation")) } else { Ok(frames) }
}

fn none_found(what: &str) -> Error {
    Error::not_readable(format!("expected {what} but found none: the WebP file has no picture"))
}

/// A RIFF chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct RiffChunk<'a> {
    pub(super) name: [u8; 4],
    /// Where it begins in the file.
    at: usize,
    pub(super) data: &'a [u8],
}

impl std::fmt::Display for RiffChunk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` at byte {}", self.name.escape_ascii(), self.at)
    }
}

/// The chunks in a range of a file.
pub(super) struct RiffChunks<'a> {
    /// The file up to the end of the range.
    bytes: &'a [u8],
    at: usize,
}

impl<'a> RiffChunks<'a> {
    /// The chunks of all these bytes.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next chunk; an error if it does not end within the range.
    pub(super) fn next(&mut self) -> Result<Option<RiffChunk<'a>>> {
        let (at, len) = (self.at, self.bytes.len());
        if at >= len {
            return Ok(None);
        }
        let Some(&[a, b, c, d, ..]) = self.bytes[at..].first_chunk::<CHUNK>() else {
            let found = len - at;
            return Err(Error::not_readable(format!("expected a chunk at byte {at} but found {found} bytes")));
        };
        let declared = u32_at(self.bytes, at + 4) as usize;
        let name = [a, b, c, d];
        let Some(data) = self.bytes[at + CHUNK..].get(..declared) else {
            let (name, left) = (name.escape_ascii(), len - at - CHUNK);
            return Err(Error::not_readable(format!(
                "expected a chunk `{name}` of at most {left} bytes at byte {at} but found one of {declared}: the file is damaged"
            )));
        };
        // Chunks of odd lengths are padded; the last may lack its padding.
        self.at = at + CHUNK + declared + declared % 2;
        Ok(Some(RiffChunk { name, at, data }))
    }
}

/// A chunk that holds a picture.
struct RiffPicture<'a> {
    size: Size,
    vp8: Option<&'a [u8]>,
    alpha: bool,
}

impl<'a> RiffPicture<'a> {
    fn frame(&self, alpha: bool, whole: bool, duration: Option<Span>) -> WebpFrame<'a> {
        WebpFrame { vp8: self.vp8, alpha: alpha || self.alpha, whole, duration }
    }

    fn check(&self, size: Size) -> Result<()> {
        if self.size == size {
            return Ok(());
        }
        let found = self.size;
        Err(Error::not_readable(format!("expected a picture of {size}, as the file's header says, but found {found}")))
    }
}

impl<'a> RiffChunk<'a> {
    fn too_short(&self, least: usize) -> Error {
        let found = self.data.len();
        Error::not_readable(format!("expected at least {least} bytes in the chunk {self} but found {found}"))
    }

    /// The picture in it, if it is a chunk for one.
    fn picture(&self) -> Result<Option<RiffPicture<'a>>> {
        match &self.name {
            b"VP8 " => Ok(Some(RiffPicture { size: self.vp8_size()?, vp8: Some(self.data), alpha: false })),
            b"VP8L" => {
                let (size, alpha) = self.vp8l_size()?;
                Ok(Some(RiffPicture { size, vp8: None, alpha }))
            }
            _ => Ok(None),
        }
    }

    /// The size in the header of a frame of VP8 (RFC 6386 §9.1), which must be a key frame that is shown.
    fn vp8_size(&self) -> Result<Size> {
        const HEADER: usize = 10;
        const START: [u8; 3] = [0x9d, 0x01, 0x2a];
        let Some(header) = self.data.first_chunk::<HEADER>() else { return Err(self.too_short(HEADER)) };
        let tag = u24_at(header, 0);
        let (is_key, version, is_shown, first_part) = (tag & 1 == 0, tag >> 1 & 7, tag >> 4 & 1 == 1, tag >> 5);
        let damaged = |expected: &str, found: String| {
            Error::not_readable(format!("expected {expected} in the chunk {self} but found {found}"))
        };
        if !is_key || !is_shown || version > 3 {
            let found = format!("one whose header begins with {tag:#08x}");
            return Err(damaged("a key frame of VP8 that is shown", found));
        }
        if header[3..6] != START {
            return Err(damaged("the start code of VP8", format!("`{}`", header[3..6].escape_ascii())));
        }
        if first_part as usize > self.data.len() - HEADER {
            let expected = format!("a first partition of at most {} bytes", self.data.len() - HEADER);
            return Err(damaged(&expected, format!("one of {first_part}")));
        }
        // The upper two bits of each scale the picture, which WebP ignores and players of WebM do too.
        let side = |at: usize| u32::from(u16::from_le_bytes([header[at], header[at + 1]]) & 0x3fff);
        let size = Size::new(side(6), side(8));
        if size.pixels() == 0 {
            return Err(damaged("a picture with pixels", format!("one of {size}")));
        }
        Ok(size)
    }

    /// The size in the header of a lossless picture, and whether it says that it has transparency (RFC 9649 §3.4).
    fn vp8l_size(&self) -> Result<(Size, bool)> {
        const HEADER: usize = 5;
        const SIGNATURE: u8 = 0x2f;
        if self.data.len() < HEADER {
            return Err(self.too_short(HEADER));
        }
        let bits = u32_at(self.data, 1);
        if self.data[0] != SIGNATURE || bits >> 29 != 0 {
            let found = format!("{:#04x} and version {}", self.data[0], bits >> 29);
            let expected = format!("{SIGNATURE:#04x} and version 0 in the chunk {self}");
            return Err(Error::not_readable(format!("expected {expected} but found {found}")));
        }
        Ok((Size::new((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1), bits >> 28 & 1 == 1))
    }
}

fn u24_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], 0])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests;
