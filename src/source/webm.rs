//! Reads AV1 (decoded in Rust), VP8 and VP9 (by the system's libvpx, with the feature `vpx`) in WebM or Matroska: our own
//! recordings are read without another program.
//!
//! A matrix that [`crate::color`] supports, square pixels and one size throughout; AV1 of 8, 10 or 12 bits in 4:2:0, 4:2:2,
//! 4:4:4 or monochrome, VP8 and VP9 of 8 bits in 4:2:0. Anything else is a `NotSupported` error, after which [`super::open`]
//! tries ffmpeg; a size of AV1 that changes within the film is an error where it changes.
//!
//! # Budget
//! The file is read as `mux/matroska.rs` says: frames of at most 64 MiB, one at a time. Frames have at most 35,651,584
//! pixels, those of the highest levels of AV1 and VP9, and the decoders get none that are larger than the track says;
//! they hold up to ten. Of a block of VP9, at most eight frames are decoded. Frames are at most a day apart.

use std::collections::VecDeque;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use super::audio::{AudioSource, SoundStart};
use super::blocks::Blocks;
use super::opus::open_matroska;
use super::{Source, SourceInfo, SourceOptions, check_gap, checked_size, start_beyond_end};
use crate::codec::VideoCodec;
use crate::color::ColorSpace;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, Size};
use crate::mux::matroska::{Track, TrackType};
use crate::time::{FrameRate, Span, Timestamp};

mod av1;
mod decoder;
#[cfg(all(feature = "vpx", unix))]
mod libvpx;
#[cfg(all(feature = "vpx", unix))]
mod vpx;

use decoder::{BlockDecoder, Unit, undecodable};

/// The most pixels of a frame: those of levels 6.0 to 6.3 of AV1 (Annex A.3) and VP9.
const MAX_PIXELS: u64 = 35_651_584;

/// Decodes the first video track of a WebM file.
pub struct WebmSource<R: Read + Seek> {
    file: Blocks<R>,
    /// The path of the file, for its sound.
    path: Option<PathBuf>,
    decoder: Box<dyn BlockDecoder>,
    codec: VideoCodec,
    info: SourceInfo,
    name: String,
    /// The times of the file's first frame and of the first one to give, on the file's time line.
    begin: Timestamp,
    first: Timestamp,
    last: Option<Timestamp>,
    ready: VecDeque<Frame>,
    sent: u64,
    /// The result after the last block: the end or an error. Frames that are still in the decoder come before it.
    end: Option<Result<()>>,
}

debug_fields!(<R: Read + Seek> WebmSource { info, name });

impl<R: Read + Seek + Send> WebmSource<R> {
    /// Reads the headers, walks over all blocks once (without reading their data) to count them, and goes to the key
    /// frame at or before the requested start. `name` is the file's name in errors.
    pub fn new(reader: R, name: &str, options: &SourceOptions) -> Result<Self> {
        Self::open(reader, name, options).map_err(|error| error.at(name))
    }

    fn open(reader: R, name: &str, options: &SourceOptions) -> Result<Self> {
        let mut file = Blocks::open(reader, "pictures", |track| track.kind == TrackType::Video)?;
        let codec = check_track(file.track())?;
        let size = checked_size(file.track().width, file.track().height)?;
        let pixels = size.pixels() as u64;
        if pixels > MAX_PIXELS {
            let message =
                format!("expected {codec} of at most {MAX_PIXELS} pixels but found {size}, which are {pixels}");
            return Err(Error::not_supported(message));
        }
        let decoder = decoder::open(&mut file, codec, size, options.tone_map)?;
        let start = options.start.unwrap_or(Span::ZERO);
        let walk = Walk::over(&mut file, codec, size, start)?;
        if start > Span::ZERO && Timestamp::ZERO + start >= walk.end {
            return Err(start_beyond_end(start, walk.end - Timestamp::ZERO));
        }
        for _ in 0..walk.key {
            file.next_block()?;
        }
        let info = SourceInfo {
            kind: "webm",
            size,
            rate: walk.rate,
            frames: walk.whole.then_some(walk.pictures - walk.before),
            endless: false,
        };
        let name = name.to_owned();
        Ok(Self {
            file,
            path: None,
            decoder,
            codec,
            info,
            name,
            begin: walk.earliest,
            first: walk.first,
            last: None,
            ready: VecDeque::new(),
            sent: walk.key,
            end: None,
        })
    }

    /// Sets the path of the file, to read its sound.
    pub fn with_path(self, path: &Path) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// Decodes the next block; false at the end.
    fn advance(&mut self) -> Result<bool> {
        let Some(block) = self.file.next_block()? else { return Ok(false) };
        let data = self.file.read(&block)?;
        if data.is_empty() {
            return Err(undecodable(self.codec, self.sent, "it is empty"));
        }
        let block = Unit { data, time: block.timestamp, number: self.sent };
        let mut frames = VecDeque::new();
        let decoded = self.decoder.decode(block, self.first, &mut frames);
        self.take(frames)?;
        decoded?;
        self.sent += 1;
        Ok(true)
    }

    /// Takes frames of the decoder, whose times are the file's.
    fn take(&mut self, frames: VecDeque<Frame>) -> Result<()> {
        for frame in frames {
            let shown = frame.timestamp;
            if self.last.is_some_and(|last| shown <= last) {
                return Err(Error::not_readable(format!(
                    "expected each frame to be shown after the one before but found one at {} twice or too late",
                    shown - Timestamp::ZERO
                )));
            }
            check_gap(self.last.unwrap_or(self.first), shown)?;
            self.last = Some(shown);
            self.ready.push_back(frame.with_timestamp(Timestamp::ZERO + (shown - self.first)));
        }
        Ok(())
    }

    /// Takes the frames that are still in the decoder, including those before a damaged one.
    fn drain(&mut self) -> Result<()> {
        let mut frames = VecDeque::new();
        let drained = self.decoder.drain(self.first, &mut frames);
        self.take(frames)?;
        drained?;
        if self.last.is_none() {
            return Err(Error::not_readable(format!("expected pictures of {} but found none", self.codec)));
        }
        Ok(())
    }
}

impl<R: Read + Seek + Send> Source for WebmSource<R> {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn first_frame(&self) -> Option<Span> {
        Some(self.first - self.begin)
    }

    fn color(&self) -> Option<ColorSpace> {
        Some(self.decoder.color())
    }

    fn sound(&mut self) -> Result<Option<Box<dyn AudioSource>>> {
        let start = SoundStart::FileTime(self.first - Timestamp::ZERO);
        self.path.as_ref().map_or(Ok(None), |path| open_matroska(path, start))
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(Some(frame));
            }
            if let Some(end) = self.end.take() {
                self.end = Some(Ok(()));
                return end.map(|()| None).map_err(|error| error.at(&self.name));
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => self.end = Some(self.drain()),
                Err(error) => {
                    // The first error is the one to report; the whole frames before it are still given.
                    let _ = self.drain();
                    self.end = Some(Err(error));
                }
            }
        }
    }
}

/// The result of the first walk over the blocks.
struct Walk {
    /// How many pictures there are.
    pictures: u64,
    /// How many of them come before the one that is shown at the requested start.
    before: u64,
    /// The time of that one, and of the first of all.
    first: Timestamp,
    earliest: Timestamp,
    /// The index of the block where decoding begins for it: the last key frame up to it.
    key: u64,
    /// The end of the last frame.
    end: Timestamp,
    rate: Option<FrameRate>,
    /// Whether the file ends without an error.
    whole: bool,
}

impl Walk {
    /// Walks to the end or to where the file breaks off, and goes back to the beginning.
    fn over<R: Read + Seek>(file: &mut Blocks<R>, codec: VideoCodec, size: Size, start: Span) -> Result<Self> {
        let tick = file.tick();
        let slack = Span::from_nanos(tick.as_nanos() / 2 + 1000);
        let start = Timestamp::ZERO + start + slack;
        let (mut blocks, mut pictures, mut before, mut key, mut last_key) = (0, 0, 0, 0, 0);
        let (mut first, mut earliest, mut latest) = (Timestamp::ZERO, Timestamp::ZERO, Timestamp::ZERO);
        let whole = loop {
            let block = match file.next_block() {
                Ok(Some(block)) => block,
                Ok(None) => break true,
                Err(error) if blocks == 0 => return Err(error),
                Err(_) => break false,
            };
            if block.key {
                last_key = blocks;
            }
            let shown = match decoder::is_shown(file, &block, codec, size) {
                Ok(shown) => shown,
                Err(error) if *error.kind() == ErrorKind::NotSupported => return Err(error),
                Err(_) => break false,
            };
            blocks += 1;
            if !shown {
                continue;
            }
            if pictures == 0 {
                earliest = block.timestamp;
            }
            if pictures == 0 || block.timestamp <= start {
                (before, first, key) = (pictures, block.timestamp, last_key);
            }
            latest = block.timestamp;
            pictures += 1;
        };
        file.rewind();
        if pictures == 0 {
            return Err(Error::not_readable("expected pictures but found none"));
        }
        let rate = match file.track().default_duration {
            Some(duration) => rate_of(1, duration, Span::from_nanos(1)),
            None => rate_of(pictures - 1, latest - earliest, tick),
        };
        let end = latest + rate.map_or(tick, FrameRate::frame_span);
        Ok(Self { pictures, before, first, earliest, key, end, rate, whole })
    }
}

/// The rate of `frames` frames in this span, whose ends are known to a tick: a whole number or one over 1001 where that
/// fits.
fn rate_of(frames: u64, span: Span, tick: Span) -> Option<FrameRate> {
    if frames == 0 || span <= Span::ZERO {
        return None;
    }
    let rate = frames as f64 / span.as_secs_f64();
    let tolerance = (1.5 * tick.as_secs_f64() / span.as_secs_f64()).clamp(1e-6, 0.02) * rate;
    let (whole, ntsc) = (rate.round(), (rate * 1.001).round());
    if whole >= 1.0 && (rate - whole).abs() <= tolerance {
        FrameRate::new(whole as u32, 1).ok()
    } else if (rate - ntsc / 1.001).abs() <= tolerance {
        FrameRate::new(ntsc as u32 * 1000, 1001).ok()
    } else {
        FrameRate::new((rate * 1000.0).round() as u32, 1000).ok()
    }
}

/// What is read here, for errors.
const READ: &str = if cfg!(all(feature = "vpx", unix)) { "AV1, VP8 or VP9" } else { "AV1" };

/// The codec of a track that can be read.
fn check_track(track: &Track) -> Result<VideoCodec> {
    let found = match decoder::codec_of(track) {
        None => format!("the codec {}", track.codec),
        Some(_) if track.encoded => "a track that is compressed or encrypted once more".to_owned(),
        Some(_) if track.cropped => "a track whose edges are to be cut off".to_owned(),
        Some(codec) => match track.display {
            Some((width, height))
                if (u128::from(width) * u128::from(track.height))
                    .abs_diff(u128::from(height) * u128::from(track.width))
                    > u128::from(track.width.max(track.height)) =>
            {
                format!("pixels that are not square ({}x{} shown as {width}x{height})", track.width, track.height)
            }
            _ => return Ok(codec),
        },
    };
    Err(Error::not_supported(format!("expected plain {READ} but found {found}")))
}

#[cfg(test)]
mod tests;
