//! Reads YUV4MPEG2, a format for raw video in pipes: a header line, then frames one after the other.
//!
//! The format is that of the `yuv4mpeg(5)` manual page of mjpegtools, with FFmpeg's `XCOLORRANGE` and its
//! `C420p10` and the like for samples of 10 and 12 bits.
//! The header names no matrix, so frames count as untagged ([`ColorSpace::untagged`]). Interlaced frames are read as
//! they are, both fields in one frame; the pixels' aspect ratio is not applied.
//!
//! # Budget
//! A header line and the line before a frame have at most 4096 bytes each. Memory is that of one frame, of at most
//! 16384x16384 pixels, and is taken as the frame's bytes come. The rate is from one frame a day to 1000 a second.

use std::io::{BufRead, BufReader, Read};

use super::{
    SLOWEST, Source, SourceInfo, SourceOptions, checked_size, describe, excerpt, frame_at, plausible, start_beyond_end,
};
use crate::color::{ColorSpace, Range, Siting};
use crate::error::{Error, Result};
use crate::frame::{Frame, PixelFormat, Size};
use crate::time::{FrameRate, Span, Timestamp};

/// The first bytes of every YUV4MPEG2 stream.
pub const MAGIC: &[u8] = b"YUV4MPEG2";

const MAX_LINE: usize = 4096;
const DEFAULT_RATE: FrameRate = FrameRate::whole(25);
/// How many bytes are reserved for a frame before its bytes have come: a header alone must not use memory.
const MAX_RESERVED: usize = 64 << 20;

/// The content of the header line.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Y4mHeader {
    size: Size,
    rate: FrameRate,
    format: PixelFormat,
    color: ColorSpace,
}

/// Reads YUV4MPEG2 from any reader.
#[derive(Debug)]
pub struct Y4mSource<R> {
    reader: BufReader<R>,
    info: SourceInfo,
    header: Y4mHeader,
    name: String,
    /// How many frames were read, including skipped ones.
    read: u64,
    first: u64,
}

impl<R: Read + Send> Y4mSource<R> {
    /// Reads the header and skips to the requested start. `name` is the stream's name in errors; `len` its length in
    /// bytes where that is known, from which the number of frames is computed.
    pub fn new(reader: R, name: &str, len: Option<u64>, options: &SourceOptions) -> Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let line = read_line(&mut reader).map_err(|error| error.at(name))?;
        let header = parse_header(&line).map_err(|error| error.at(name))?;
        let first = options.start.map_or(0, |start| frame_at(header.rate, start));
        let frames = len.and_then(|len| count_frames(len, &line, header)).map(|frames| frames.saturating_sub(first));
        let info = SourceInfo { kind: "y4m", size: header.size, rate: Some(header.rate), frames, endless: false };
        let mut source = Self { reader, info, header, name: name.to_owned(), read: 0, first };
        if let Some(start) = options.start {
            source.skip(start)?;
        }
        Ok(source)
    }

    /// Skips the frames before the start, and checks that the first one is there.
    fn skip(&mut self, start: Span) -> Result<()> {
        while self.read < self.first {
            if self.read_frame()?.is_none() {
                break;
            }
        }
        let at_end = self.at_end()?;
        if at_end && self.first > 0 {
            return Err(start_beyond_end(start, self.header.rate.timestamp(self.read) - Timestamp::ZERO).at(&self.name));
        }
        Ok(())
    }

    /// The bytes of the next frame, or none where the stream ends between two frames.
    fn read_frame(&mut self) -> Result<Option<Vec<u8>>> {
        let expected = Frame::packed_len(self.header.format, self.header.size);
        if self.at_end()? {
            return Ok(None);
        }
        let mut line = Vec::new();
        let read = (&mut self.reader).take(MAX_LINE as u64).read_until(b'\n', &mut line);
        read.map_err(|error| self.failed(error))?;
        let breaks_off = |found: usize| {
            let frame = self.read;
            let text = format!("expected {expected} bytes of frame {frame} but found {found}: the file breaks off");
            Error::not_readable(text).at(&self.name)
        };
        if !(line.starts_with(b"FRAME") && matches!(line.get(5), Some(b' ' | b'\n')) && line.ends_with(b"\n")) {
            if line.len() < MAX_LINE
                && !line.ends_with(b"\n")
                && (b"FRAME".starts_with(&line) || line.starts_with(b"FRAME"))
            {
                return Err(breaks_off(0));
            }
            let found = line[..line.len().min(12)].escape_ascii();
            let text =
                format!("expected `FRAME` before frame {} but found `{found}`: the stream is damaged", self.read);
            return Err(Error::not_readable(text).at(&self.name));
        }
        let mut data = Vec::with_capacity(expected.min(MAX_RESERVED));
        let read = (&mut self.reader).take(expected as u64).read_to_end(&mut data);
        read.map_err(|error| self.failed(error))?;
        if data.len() < expected {
            return Err(breaks_off(data.len()));
        }
        self.read += 1;
        Ok(Some(data))
    }

    fn at_end(&mut self) -> Result<bool> {
        match self.reader.fill_buf() {
            Ok(bytes) => Ok(bytes.is_empty()),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::not_readable("could not be read").at(&self.name).with_cause(error)
    }
}

impl<R: Read + Send> Source for Y4mSource<R> {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let timestamp = self.header.rate.timestamp(self.read - self.first);
        let Y4mHeader { size, format, color, .. } = self.header;
        Ok(self.read_frame()?.map(|data| Frame::packed(format, size, color, data).with_timestamp(timestamp)))
    }
}

/// The header line with its newline.
fn read_line(reader: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    let read = reader.take(MAX_LINE as u64).read_until(b'\n', &mut line);
    read.map_err(|error| Error::not_readable("could not be read").with_cause(error))?;
    if !line.starts_with(MAGIC) {
        return Err(Error::not_readable(format!("expected YUV4MPEG2 but found {}", describe(&line))));
    }
    if !line.ends_with(b"\n") {
        let found = line.len();
        return Err(Error::not_readable(format!(
            "expected a YUV4MPEG2 header line of at most {MAX_LINE} bytes but found {found} bytes without its end"
        )));
    }
    Ok(line)
}

/// The number of frames, when the length is that of whole frames without parameters.
fn count_frames(len: u64, line: &[u8], header: Y4mHeader) -> Option<u64> {
    let frame = b"FRAME\n".len() as u64 + Frame::packed_len(header.format, header.size) as u64;
    let frames = len.checked_sub(line.len() as u64)?;
    frames.is_multiple_of(frame).then_some(frames / frame)
}

fn parse_header(line: &[u8]) -> Result<Y4mHeader> {
    let line = std::str::from_utf8(line)
        .map_err(|_| Error::not_readable("expected a YUV4MPEG2 header in ASCII but found other bytes"))?;
    let (mut width, mut height, mut rate) = (None, None, DEFAULT_RATE);
    let (mut format, mut siting, mut range) = (PixelFormat::I420, Siting::Left, Range::Limited);
    for field in line[MAGIC.len()..].split_ascii_whitespace() {
        let wrong = |what: &str| {
            let found = excerpt(field);
            Error::not_readable(format!("expected {what} in the YUV4MPEG2 header but found `{found}`"))
        };
        let mut characters = field.chars();
        let tag = characters.next();
        let value = characters.as_str();
        match tag {
            Some('W') => width = Some(value.parse::<u32>().map_err(|_| wrong("a width"))?),
            Some('H') => height = Some(value.parse::<u32>().map_err(|_| wrong("a height"))?),
            Some('F') => {
                let expected = format!("a frame rate from 1/{SLOWEST} (one frame a day) to {}", FrameRate::MAX);
                rate = parse_rate(value).ok_or_else(|| wrong(&expected))?;
            }
            Some('C') => (format, siting) = parse_chroma(value)?,
            Some('X') => match value.strip_prefix("COLORRANGE=") {
                Some("FULL") => range = Range::Full,
                Some("LIMITED") => range = Range::Limited,
                Some(_) => return Err(wrong("XCOLORRANGE=FULL or XCOLORRANGE=LIMITED")),
                None => {}
            },
            _ => {}
        }
    }
    let (Some(width), Some(height)) = (width, height) else {
        let missing = if width.is_none() { "W (the width)" } else { "H (the height)" };
        return Err(Error::not_readable(format!("expected W and H in the YUV4MPEG2 header but found no {missing}")));
    };
    let size = checked_size(width.into(), height.into())?;
    let color = ColorSpace { range, siting, ..ColorSpace::untagged(size.height) };
    Ok(Y4mHeader { size, rate, format, color })
}

/// `30000:1001`; `0:0` stands for an unknown rate and gives the default.
fn parse_rate(value: &str) -> Option<FrameRate> {
    let (num, den) = value.split_once(':')?;
    match (num.parse().ok()?, den.parse().ok()?) {
        (0, 0) => Some(DEFAULT_RATE),
        (num, den) => plausible(num, den),
    }
}

fn parse_chroma(value: &str) -> Result<(PixelFormat, Siting)> {
    Ok(match value {
        "420" | "420mpeg2" => (PixelFormat::I420, Siting::Left),
        "420jpeg" => (PixelFormat::I420, Siting::Center),
        "420paldv" => (PixelFormat::I420, Siting::TopLeft),
        "422" => (PixelFormat::I422, Siting::Left),
        "444" => (PixelFormat::I444, Siting::Left),
        "420p10" => (PixelFormat::I420P10, Siting::Left),
        "422p10" => (PixelFormat::I422P10, Siting::Left),
        "444p10" => (PixelFormat::I444P10, Siting::Left),
        "420p12" => (PixelFormat::I420P12, Siting::Left),
        "422p12" => (PixelFormat::I422P12, Siting::Left),
        "444p12" => (PixelFormat::I444P12, Siting::Left),
        "mono" => (PixelFormat::Gray8, Siting::Left),
        _ => {
            return Err(Error::not_supported(format!(
                "expected YUV4MPEG2 with C420, C420jpeg, C420mpeg2, C420paldv, C422, C444, Cmono, or one of C420, C422 and \
                 C444 with p10 or p12 after it, but found `C{}`; convert it with `ffmpeg -i FILE -pix_fmt yuv420p OUT.y4m`",
                excerpt(value)
            )));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::Matrix;
    use crate::error::ErrorKind;

    /// A stream of `frames` 5×3 frames, every byte of frame n being n.
    fn stream(header: &str, frame_line: &str, frame_len: usize, frames: u8) -> Vec<u8> {
        let mut bytes = format!("YUV4MPEG2 {header}\n").into_bytes();
        for index in 0..frames {
            bytes.extend(frame_line.bytes());
            bytes.extend(vec![index; frame_len]);
        }
        bytes
    }

    fn open(bytes: &[u8]) -> Result<Y4mSource<&[u8]>> {
        Y4mSource::new(bytes, "clip.y4m", Some(bytes.len() as u64), &SourceOptions::default())
    }

    fn open_at(bytes: &[u8], start: Span) -> Result<Y4mSource<&[u8]>> {
        Y4mSource::new(bytes, "clip.y4m", None, &SourceOptions { start: Some(start), ..SourceOptions::default() })
    }

    fn drain(mut source: Y4mSource<&[u8]>) -> (Vec<Frame>, Option<Error>) {
        let mut frames = Vec::new();
        loop {
            match source.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => return (frames, None),
                Err(error) => return (frames, Some(error)),
            }
        }
    }

    #[test]
    fn every_layout_is_read_with_its_planes_and_siting() {
        for (tag, format, siting, len) in [
            ("", PixelFormat::I420, Siting::Left, 15 + 12),
            ("C420", PixelFormat::I420, Siting::Left, 15 + 12),
            ("C420jpeg", PixelFormat::I420, Siting::Center, 15 + 12),
            ("C420mpeg2", PixelFormat::I420, Siting::Left, 15 + 12),
            ("C420paldv", PixelFormat::I420, Siting::TopLeft, 15 + 12),
            ("C422", PixelFormat::I422, Siting::Left, 15 + 18),
            ("C444", PixelFormat::I444, Siting::Left, 45),
            ("Cmono", PixelFormat::Gray8, Siting::Left, 15),
            ("C420p10", PixelFormat::I420P10, Siting::Left, 54),
            ("C422p10", PixelFormat::I422P10, Siting::Left, 66),
            ("C444p10", PixelFormat::I444P10, Siting::Left, 90),
            ("C420p12", PixelFormat::I420P12, Siting::Left, 54),
            ("C422p12", PixelFormat::I422P12, Siting::Left, 66),
            ("C444p12", PixelFormat::I444P12, Siting::Left, 90),
        ] {
            let bytes = stream(&format!("W5 H3 F30000:1001 Ip A1:1 {tag}"), "FRAME\n", len, 3);
            let source = open(&bytes).unwrap();
            assert_eq!(source.info().frames, Some(3), "{tag}");
            assert_eq!(source.info().size, Size::new(5, 3));
            let (frames, error) = drain(source);
            assert!(error.is_none(), "{tag}: {error:?}");
            assert_eq!(frames.len(), 3, "{tag}");
            for (index, frame) in frames.iter().enumerate() {
                assert_eq!((frame.format(), frame.color.siting), (format, siting), "{tag}");
                assert!(frame.data().iter().all(|&byte| usize::from(byte) == index));
                assert_eq!(frame.timestamp, FrameRate::new(30000, 1001).unwrap().timestamp(index as u64));
            }
        }
    }

    #[test]
    fn range_and_matrix_follow_the_header() {
        let color = |header: &str| parse_header(format!("YUV4MPEG2 {header}\n").as_bytes()).unwrap().color;
        assert_eq!(color("W5 H3 XCOLORRANGE=FULL").range, Range::Full);
        assert_eq!(color("W5 H3 XCOLORRANGE=LIMITED").range, Range::Limited);
        assert_eq!(color("W5 H3 C420jpeg XYSCSS=420JPEG").range, Range::Limited);
        assert_eq!(color("W5 H719").matrix, Matrix::Bt601);
        assert_eq!(color("W5 H720").matrix, Matrix::Bt709);
    }

    #[test]
    fn an_unknown_rate_counts_as_25_and_interlaced_and_frame_parameters_are_taken() {
        for header in ["W5 H3", "W5 H3 F0:0", "W5 H3 F25:1 It", "W5 H3 I?"] {
            let bytes = stream(header, "FRAME Ixyz Xsomething\n", 27, 2);
            let (frames, error) = drain(open(&bytes).unwrap());
            assert!(error.is_none(), "{header}: {error:?}");
            assert_eq!(frames[1].timestamp.as_nanos(), 40_000_000, "{header}");
        }
    }

    #[test]
    fn a_stream_that_breaks_off_gives_its_whole_frames_first_wherever_it_is_cut() {
        let bytes = stream("W5 H3 F25:1", "FRAME\n", 27, 3);
        let header = bytes.len() - 3 * 33;
        for len in header..bytes.len() {
            let (frames, error) = drain(open(&bytes[..len]).unwrap());
            assert_eq!(frames.len(), (len - header) / 33, "cut at {len}");
            assert_eq!(error.is_none(), (len - header).is_multiple_of(33), "cut at {len}");
        }
        let (_, error) = drain(open(&bytes[..bytes.len() - 7]).unwrap());
        assert_eq!(
            error.unwrap().to_string(),
            "clip.y4m: expected 27 bytes of frame 2 but found 20: the file breaks off"
        );
        for len in 0..header {
            assert!(open(&bytes[..len]).is_err(), "header cut at {len}");
        }
    }

    #[test]
    fn another_depth_is_an_error_that_says_how_to_convert() {
        let error = open(&stream("W5 H3 C420p16", "FRAME\n", 54, 1)).err().unwrap();
        assert_eq!(*error.kind(), ErrorKind::NotSupported);
        assert!(error.to_string().contains("`C420p16`") && error.to_string().contains("ffmpeg"), "{error}");
    }

    #[test]
    fn wrong_headers_are_refused_before_anything_is_allocated() {
        for header in [
            "",
            "W5",
            "H3",
            "W0 H3",
            "W5 H-3",
            "W5 H3 Fx",
            "W5 H3 F0:1",
            "W5 H3 F1000000:1",
            "W16385 H3",
            "W4000000000 H4000000000",
            "W99999999999999999999 H3",
            "W5 H3 XCOLORRANGE=SOME",
            "W5 H3 C411",
        ] {
            assert!(open(&stream(header, "FRAME\n", 27, 1)).is_err(), "{header}");
        }
        let mut endless = b"YUV4MPEG2 W5 H3 ".to_vec();
        endless.resize(100_000, b'X');
        assert!(open(&endless).is_err());
        let huge = stream("W16384 H16384 C444", "FRAME\n", 27, 1);
        let (frames, error) = drain(open(&huge).unwrap());
        assert!(frames.is_empty() && error.unwrap().to_string().contains("but found 27"));
    }

    #[test]
    fn a_start_skips_to_the_frame_on_screen_and_past_the_end_is_an_error() {
        let bytes = stream("W5 H3 F25:1", "FRAME\n", 27, 3);
        for (millis, first) in [(0, 0), (39, 0), (40, 1), (79, 1), (80, 2), (119, 2)] {
            let (frames, error) = drain(open_at(&bytes, Span::from_millis(millis)).unwrap());
            assert!(error.is_none());
            assert_eq!(frames.len(), 3 - first, "{millis} ms");
            assert_eq!(frames[0].data()[0], first as u8, "{millis} ms");
            assert_eq!(frames[0].timestamp, Timestamp::ZERO);
        }
        let error = open_at(&bytes, Span::from_millis(120)).err().unwrap();
        assert_eq!(error.to_string(), "clip.y4m: expected a start before the end at 0.12s but found 0.12s");
        assert!(open_at(&bytes[..bytes.len() - 1], Span::from_millis(90)).is_ok());
        assert!(open_at(&bytes[..bytes.len() - 1], Span::from_secs(9)).is_err());
    }

    #[test]
    fn random_bytes_never_panic() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let valid = stream("W5 H3 F25:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL", "FRAME\n", 27, 2);
        for _ in 0..5000 {
            let mut bytes = valid.clone();
            for _ in 0..random() % 8 + 1 {
                let place = random() as usize % bytes.len();
                bytes[place] = random() as u8;
            }
            bytes.truncate(random() as usize % (bytes.len() + 1));
            if let Ok(source) = open(&bytes) {
                drain(source);
            }
            let noise: Vec<u8> = MAGIC.iter().copied().chain((0..64).map(|_| random() as u8)).collect();
            if let Ok(source) = open(&noise) {
                drain(source);
            }
        }
    }
}
