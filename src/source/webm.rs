//! Reads AV1 in WebM or Matroska, decoded in Rust: our own recordings are read without another program.
//!
//! 8, 10 or 12 bits a sample, 4:2:0, 4:2:2, 4:4:4 or monochrome, in a matrix that [`crate::color`] supports, with square pixels
//! and one size throughout. Anything else is a `NotSupported` error, after which [`super::open`] tries ffmpeg; a size
//! that changes within the film is an error where it changes.
//!
//! # Budget
//! The file is read as `mux/matroska.rs` says: frames of at most 64 MiB, one at a time. Frames have at most 35,651,584
//! pixels, those of AV1's highest levels, and the decoder refuses larger ones than the track has; it holds up to ten.
//! Frames are at most a day apart.

use std::collections::VecDeque;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use re_rav1d::dav1d::{Decoder, Error as DecodeError, Picture, PixelLayout, PlanarImageComponent, Settings};

use super::audio::{AudioSource, SoundStart};
use super::blocks::Blocks;
use super::opus::open_matroska;
use super::{Source, SourceInfo, SourceOptions, check_gap, checked_size, start_beyond_end};
use crate::av1::{self, SequenceHeader};
use crate::color::{ColorSpace, Transfer};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, PixelFormat, Size};
use crate::mux::matroska::{Track, TrackType};
use crate::time::{FrameRate, Span, Timestamp};

const THREADS: u32 = 2;
/// The most pixels of a frame: those of AV1's levels 6.0 to 6.3 (AV1, Annex A.3).
const MAX_PIXELS: u64 = 35_651_584;

/// Decodes the first video track of a WebM file.
pub struct WebmSource<R: Read + Seek> {
    file: Blocks<R>,
    /// The path of the file, for its sound.
    path: Option<PathBuf>,
    decoder: Decoder,
    info: SourceInfo,
    name: String,
    color: ColorSpace,
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
        check_track(file.track())?;
        let size = checked_size(file.track().width, file.track().height)?;
        let pixels = size.pixels() as u64;
        if pixels > MAX_PIXELS {
            let message = format!("expected AV1 of at most {MAX_PIXELS} pixels but found {size}, which are {pixels}");
            return Err(Error::not_supported(message));
        }
        let mut color = check_sequence(&sequence_header(&mut file)?, size)?;
        color.tone_map = options.tone_map;
        if color.transfer == Transfer::Pq {
            color.peak = peak(&mut file)?.unwrap_or(color.peak);
        }
        let start = options.start.unwrap_or(Span::ZERO);
        let walk = Walk::over(&mut file, start)?;
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
            frames: walk.whole.then_some(walk.blocks - walk.shown),
            endless: false,
        };
        let decoder = decoder(size)?;
        let name = name.to_owned();
        Ok(Self {
            file,
            path: None,
            decoder,
            info,
            name,
            color,
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

    /// Sends the next block to the decoder and takes the frames that are ready then.
    fn advance(&mut self) -> Result<bool> {
        let Some(block) = self.file.next_block()? else { return Ok(false) };
        let data = self.file.read(&block)?;
        if data.is_empty() {
            return Err(self.undecodable("it is empty"));
        }
        let mut sent = self.decoder.send_data(data, None, Some(block.timestamp.as_nanos()), None);
        loop {
            let took = self.take_picture()?;
            match sent {
                Ok(()) => break,
                Err(DecodeError::Again) if took || self.take_picture()? => sent = self.decoder.send_pending_data(),
                Err(error) => return Err(self.undecodable(&error.to_string())),
            }
        }
        self.sent += 1;
        Ok(true)
    }

    /// Takes one frame if there is one; returns whether there was.
    fn take_picture(&mut self) -> Result<bool> {
        let picture = match self.decoder.get_picture() {
            Ok(picture) => picture,
            Err(DecodeError::Again) => return Ok(false),
            Err(error) => return Err(self.undecodable(&error.to_string())),
        };
        let shown = Timestamp::from_nanos(picture.timestamp().unwrap_or(0));
        if shown < self.first {
            return Ok(true);
        }
        if self.last.is_some_and(|last| shown <= last) {
            return Err(Error::not_readable(format!(
                "expected each frame to be shown after the one before but found one at {} twice or too late",
                shown - Timestamp::ZERO
            )));
        }
        check_gap(self.last.unwrap_or(self.first), shown)?;
        self.last = Some(shown);
        let timestamp = Timestamp::ZERO + (shown - self.first);
        let frame = self.to_frame(&picture)?.with_timestamp(timestamp);
        self.ready.push_back(frame);
        Ok(true)
    }

    fn to_frame(&self, picture: &Picture) -> Result<Frame> {
        let size = Size::new(picture.width(), picture.height());
        if size != self.info.size {
            return Err(Error::not_readable(format!(
                "expected all frames to be {} but found one of {size} at {}",
                self.info.size,
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
        Error::not_readable(format!("expected AV1 but found frame {} damaged: {why}", self.sent))
    }

    /// Takes the frames that are still in the decoder, including those before a damaged one.
    fn drain(&mut self) -> Result<()> {
        // The first call that gives no frame only makes the decoder finish the frames it holds.
        let mut empty = 0;
        while empty < 2 {
            if self.take_picture()? { empty = 0 } else { empty += 1 }
        }
        if self.last.is_none() {
            return Err(Error::not_readable("expected AV1 pictures but found none"));
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
        Some(self.color)
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
    /// How many blocks there are.
    blocks: u64,
    /// The index of the frame that is shown at the requested start.
    shown: u64,
    /// The time of that frame, and of the first frame of all.
    first: Timestamp,
    earliest: Timestamp,
    /// The last key frame up to it.
    key: u64,
    /// The end of the last frame.
    end: Timestamp,
    rate: Option<FrameRate>,
    /// Whether the file ends without an error.
    whole: bool,
}

impl Walk {
    /// Walks to the end or to where the file breaks off, and goes back to the beginning.
    fn over<R: Read + Seek>(file: &mut Blocks<R>, start: Span) -> Result<Self> {
        let tick = file.tick();
        let slack = Span::from_nanos(tick.as_nanos() / 2 + 1000);
        let start = Timestamp::ZERO + start + slack;
        let (mut blocks, mut shown, mut key, mut last_key) = (0, 0, 0, 0);
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
            if blocks == 0 {
                earliest = block.timestamp;
            }
            if blocks == 0 || block.timestamp <= start {
                (shown, first, key) = (blocks, block.timestamp, last_key);
            }
            latest = block.timestamp;
            blocks += 1;
        };
        file.rewind();
        if blocks == 0 {
            return Err(Error::not_readable("expected pictures but found none"));
        }
        let rate = match file.track().default_duration {
            Some(duration) => rate_of(1, duration, Span::from_nanos(1)),
            None => rate_of(blocks - 1, latest - earliest, tick),
        };
        let end = latest + rate.map_or(tick, FrameRate::frame_span);
        Ok(Self { blocks, shown, first, earliest, key, end, rate, whole })
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

fn check_track(track: &Track) -> Result<()> {
    let found = if track.codec != "V_AV1" {
        format!("the codec {}", track.codec)
    } else if track.encoded {
        "a track that is compressed or encrypted once more".to_owned()
    } else if track.cropped {
        "a track whose edges are to be cut off".to_owned()
    } else if let Some((width, height)) = track.display
        && (u128::from(width) * u128::from(track.height)).abs_diff(u128::from(height) * u128::from(track.width))
            > u128::from(track.width.max(track.height))
    {
        format!("pixels that are not square ({}x{} shown as {width}x{height})", track.width, track.height)
    } else {
        return Ok(());
    };
    Err(Error::not_supported(format!("expected plain AV1 but found {found}")))
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

fn decoder(size: Size) -> Result<Decoder> {
    let mut settings = Settings::new();
    settings.set_n_threads(THREADS);
    // Two threads on one frame. With two frames at a time, re_rav1d 0.1.3 now and then waits for ever on damaged data.
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(size.pixels() as u32);
    Decoder::with_settings(&settings).map_err(|error| Error::unknown("the AV1 decoder did not start").with_cause(error))
}

#[cfg(test)]
mod tests;
