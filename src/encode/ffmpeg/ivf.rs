//! IVF, the plainest container of AV1, VP9 and VP8: a header of 32 bytes, then each frame behind its length and its time.
//!
//! ffmpeg's Matroska writer holds each packet back until the next one comes, and refuses AV1 in a pipe where the encoder
//! gives its sequence header only with the first packet, as libaom does. IVF has neither fault; key frames are told by
//! the frames' own headers.
//!
//! # Budget
//! A frame is read as its bytes come, up to 64 MiB.

use std::io::{self, Read};

use crate::av1;
use crate::codec::VideoCodec;
use crate::error::{Error, Result};

const MAGIC: &[u8] = b"DKIF";
/// The longest frame, in bytes.
const MAX_FRAME: u64 = 64 << 20;

/// Reads the frames of an IVF file.
pub(super) struct IvfReader<R> {
    reader: R,
    codec: VideoCodec,
}

impl<R: Read> IvfReader<R> {
    /// Reads the header. None where nothing whole comes.
    pub fn open(mut reader: R) -> Result<Option<Self>> {
        let Some(head) = bytes(&mut reader, 32)? else { return Ok(None) };
        let length = u16::from_le_bytes([head[6], head[7]]);
        let codec = match &head[8..12] {
            b"AV01" => Some(VideoCodec::Av1),
            b"VP90" => Some(VideoCodec::Vp9),
            b"VP80" => Some(VideoCodec::Vp8),
            _ => None,
        };
        let Some(codec) = codec.filter(|_| head.starts_with(MAGIC) && length >= 32) else {
            let found = head[..12].escape_ascii();
            return Err(Error::not_readable(format!("expected an IVF file of AV1, VP9 or VP8 but found `{found}`")));
        };
        let rest = bytes(&mut reader, u64::from(length) - 32)?;
        Ok(rest.map(|_| Self { reader, codec }))
    }

    /// The encoding of its frames.
    pub fn codec(&self) -> VideoCodec {
        self.codec
    }

    /// The next frame, and whether it is a key frame; none at the end, or where the file breaks off.
    pub fn next(&mut self) -> Result<Option<(Vec<u8>, bool)>> {
        let Some(head) = bytes(&mut self.reader, 12)? else { return Ok(None) };
        let length = u64::from(u32::from_le_bytes([head[0], head[1], head[2], head[3]]));
        if length > MAX_FRAME {
            return Err(Error::not_readable(format!(
                "expected a frame of at most {MAX_FRAME} bytes but found {length}"
            )));
        }
        let Some(data) = bytes(&mut self.reader, length)? else { return Ok(None) };
        let key = match self.codec {
            VideoCodec::Av1 => av1::is_key_frame(&data)?,
            // Neither shown again nor predicted (VP9 bitstream specification §6.2; RFC 6386 §9.1).
            VideoCodec::Vp9 => data.first().is_some_and(|first| first & 0b1100 == 0),
            _ => data.first().is_some_and(|first| first & 1 == 0),
        };
        Ok(Some((data, key)))
    }
}

/// So many bytes; none where fewer come.
fn bytes(reader: &mut impl Read, length: u64) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read: io::Result<_> = reader.take(length).read_to_end(&mut bytes);
    read.map_err(|error| Error::not_readable("ffmpeg's output could not be read").with_cause(error))?;
    Ok((bytes.len() as u64 == length).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A temporal delimiter and a frame whose header begins with this byte.
    fn unit(first: u8) -> Vec<u8> {
        vec![0x12, 0, 0x32, 2, first, 0]
    }

    fn file(codec: &[u8; 4], frames: &[Vec<u8>]) -> Vec<u8> {
        let mut file = [MAGIC, &[0, 0, 32, 0], codec, &[0; 20]].concat();
        for frame in frames {
            file.extend((frame.len() as u32).to_le_bytes());
            file.extend([0; 8]);
            file.extend(frame);
        }
        file
    }

    #[test]
    fn frames_are_read_to_the_end_or_to_where_the_file_breaks_off() {
        // A key frame, an inter frame, and a frame that was decoded before and is now shown.
        let frames = [unit(0b0001_0000), unit(0b0011_0000), unit(0b1000_0000)];
        let av1 = file(b"AV01", &frames);
        let mut reader = IvfReader::open(&av1[..]).unwrap().unwrap();
        for (frame, key) in frames.iter().zip([true, false, false]) {
            assert_eq!(reader.next().unwrap(), Some((frame.clone(), key)));
        }
        assert_eq!(reader.next().unwrap(), None);
        for length in 0..av1.len() {
            let Some(mut reader) = IvfReader::open(&av1[..length]).unwrap() else { continue };
            let mut count = 0;
            while reader.next().unwrap().is_some() {
                count += 1;
            }
            assert_eq!(count, (length - 32) / 18, "{length} bytes");
        }
        for (codec, frames) in
            [(b"VP90", [vec![0x82], vec![0x86], vec![0x88]]), (b"VP80", [vec![0x50], vec![0x51], vec![0x11]])]
        {
            let file = file(codec, &frames);
            let mut reader = IvfReader::open(&file[..]).unwrap().unwrap();
            let keys = [0; 3].map(|_| reader.next().unwrap().unwrap().1);
            assert_eq!(keys, [true, false, false], "{codec:?}");
        }
        assert!(IvfReader::open(&[7; 40][..]).is_err());
        let endless = [&av1[..32], &[0xff; 12]].concat();
        assert!(IvfReader::open(&endless[..]).unwrap().unwrap().next().is_err());
    }
}
