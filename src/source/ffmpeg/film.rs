//! A film's frames at the film's own times, from its beginning or from a point within it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use super::decoding::{Decoded, Decoding, End, PRINT_TIMES};
use super::frame_times::FrameTimes;
use super::probe::Stream;
use super::sound::TimeBase;
use super::{Demuxer, add_input, program, start_beyond_end};
use crate::error::Result;
use crate::frame::Frame;
use crate::mux::matroska;
use crate::time::{Span, Timestamp};

/// ffmpeg's option that keeps times as they are in the file; by default it counts them from where it begins to read,
/// and corrects them in broadcasts.
const KEPT: &str = "-copyts";
/// Times in a file are rounded, and a start may be a rounded one of them: the largest difference.
const ROUNDED: Span = Span::from_nanos(500_000);

/// ffmpeg, started beside ffprobe because loading their libraries takes most of the time until both answer. It decodes
/// the film from its beginning as most films are decoded: frames of `yuv420p` as they are in the file.
pub struct EarlyRun(Decoding);

impl EarlyRun {
    const PIX_FMT: &str = "yuv420p";
    /// The least bytes of a frame that it is used for: of smaller frames, more times may be printed ahead than are kept.
    const LEAST: usize = 1024;

    /// Starts it, where the file begins as MP4 and Matroska do. None also where ffmpeg does not start: the reason is an
    /// error of the next run.
    pub fn start(path: &Path) -> Option<Self> {
        let mut head = [0; 8];
        File::open(path).and_then(|mut file| file.read_exact(&mut head)).ok()?;
        if !head.ends_with(b"ftyp") && !head.starts_with(matroska::MAGIC) {
            return None;
        }
        let command = filtered(path, Demuxer::Probed, &[KEPT], PRINT_TIMES, Self::PIX_FMT, &[]);
        Decoding::start(command, Self::LEAST).ok().map(Self)
    }

    /// Its frames, where this is how the film is to be decoded.
    pub(super) fn of(self, stream: &Stream) -> Option<Decoding> {
        let len = Frame::packed_len(stream.format, stream.size);
        let is_plain = stream.as_is && stream.pix_fmt == Self::PIX_FMT && stream.has_one_clock;
        (is_plain && len >= Self::LEAST).then(|| self.0.with_len(len))
    }
}

/// Decoded frames with their times; the film's first frame has time 0.
pub struct Film {
    decoding: Decoding,
    times: FrameTimes,
    time_base: TimeBase,
    /// Frames that were read ahead.
    ready: VecDeque<(Decoded, Timestamp)>,
}

impl Film {
    /// Opens the film at its beginning, with the frames of the early run where they are what the film needs.
    pub fn whole(path: &Path, stream: &Stream, early: Option<EarlyRun>) -> Result<Self> {
        if let Some(decoding) = early.and_then(|early| early.of(stream)) {
            return Ok(Self::of(decoding, stream, None, TimeBase::Original));
        }
        let (before, time_base): (&[&str], _) =
            if stream.has_one_clock { (&[KEPT], TimeBase::Original) } else { (&[], TimeBase::Corrected) };
        Self::open(command(path, stream, before, &[]), stream, None, time_base)
    }

    /// Opens the film at the frame that is shown at `start`. A range error where the film ends before.
    ///
    /// ffmpeg can seek to a time, but leaves out frames before it, and so the one that is shown at that time. So it is
    /// only asked to seek to an earlier key frame; the frames from there on are compared with `start` here.
    pub fn from(path: &Path, stream: &Stream, start: Span) -> Result<Self> {
        let mut one = Self::first(path, stream)?;
        let zero = one.decoding.next()?.and_then(|picture| picture.ticks);
        drop(one);
        if let Some(zero) = zero {
            let begin = zero as f64 * stream.tick.0 as f64 / stream.tick.1 as f64;
            let seconds = begin + start.as_secs_f64();
            let seek = [KEPT, "-noaccurate_seek", "-seek_timestamp", "1", "-ss", &format!("{seconds:.6}")];
            let mut film = Self::open(command(path, stream, &seek, &[]), stream, Some(zero), TimeBase::Original)?;
            if film.skip_to(start, stream)? {
                return Ok(film);
            }
        }
        // The file has no such places to seek to, or ffmpeg missed the one before.
        let mut film = Self::open(command(path, stream, &[KEPT], &[]), stream, zero, TimeBase::Original)?;
        film.skip_to(start, stream)?;
        Ok(film)
    }

    fn open(command: Command, stream: &Stream, zero: Option<i64>, time_base: TimeBase) -> Result<Self> {
        let decoding = Decoding::start(command, Frame::packed_len(stream.format, stream.size))?;
        Ok(Self::of(decoding, stream, zero, time_base))
    }

    fn of(decoding: Decoding, stream: &Stream, zero: Option<i64>, time_base: TimeBase) -> Self {
        let times = FrameTimes::new(stream.tick, zero, stream.rate.frame_span());
        Self { decoding, times, time_base, ready: VecDeque::new() }
    }

    /// Drops frames that are over at `start`; returns whether a frame is left.
    fn skip_to(&mut self, start: Span, stream: &Stream) -> Result<bool> {
        let half_tick = stream.tick.0 * 500_000_000 / stream.tick.1;
        let slack = Span::from_nanos(half_tick as i64).min(ROUNDED) + Span::from_nanos(1000);
        let mut shown = None;
        while let Some((picture, time)) = self.next_picture()? {
            if time > Timestamp::ZERO + start + slack {
                self.ready.push_back((picture, time));
                break;
            }
            shown = Some((picture, time));
        }
        let Some((picture, time)) = shown else { return Ok(false) };
        if self.ready.is_empty() {
            let last = time - Timestamp::ZERO + stream.rate.frame_span();
            let end = stream.duration.map_or(last, |duration| duration.max(last));
            if start >= end {
                return Err(start_beyond_end(start, end));
            }
        }
        self.ready.push_front((picture, time));
        Ok(true)
    }

    /// The time in the file of the film's first frame, which is read for it. If this run does not keep times, another
    /// run of ffmpeg prints that one. None where there is no frame.
    pub fn zero(&mut self, path: &Path, stream: &Stream) -> Result<Option<Span>> {
        match self.time_base {
            TimeBase::Original => {
                if self.times.zero().is_none() {
                    let first = self.next_picture()?;
                    self.ready.extend(first);
                }
                Ok(self.times.zero())
            }
            TimeBase::Corrected => {
                let mut one = Self::first(path, stream)?;
                one.next_picture()?;
                Ok(one.times.zero())
            }
        }
    }

    /// Decodes the first frame alone, with its own time.
    fn first(path: &Path, stream: &Stream) -> Result<Self> {
        let command = command(path, stream, &[KEPT], &["-frames:v", "1"]);
        Self::open(command, stream, None, TimeBase::Original)
    }

    /// How the film's times are counted.
    pub fn time_base(&self) -> TimeBase {
        self.time_base
    }

    /// The time of the next frame, where it has been read already.
    pub fn next_time(&self) -> Option<Timestamp> {
        self.ready.front().map(|(_, time)| *time)
    }

    /// The next frame and its time; none at the end, whatever the reason.
    pub fn next_picture(&mut self) -> Result<Option<(Decoded, Timestamp)>> {
        if let Some(ready) = self.ready.pop_front() {
            return Ok(Some(ready));
        }
        let picture = self.decoding.next()?;
        Ok(picture.map(|picture| {
            let time = self.times.place(picture.ticks);
            (picture, time)
        }))
    }

    /// How the run ended, when no more frames come.
    pub fn end(&mut self) -> Result<End> {
        self.decoding.end()
    }
}

/// The command that makes ffmpeg write every frame as `stream` needs it, and its time; with arguments before the input
/// and after it.
fn command(path: &Path, stream: &Stream, before: &[&str], after: &[&str]) -> Command {
    let filter = format!("{},{PRINT_TIMES}", stream.filter);
    filtered(path, stream.demuxer, before, &filter, &stream.pix_fmt, after)
}

/// The same with the whole text of the filters.
fn filtered(path: &Path, demuxer: Demuxer, before: &[&str], filter: &str, pix_fmt: &str, after: &[&str]) -> Command {
    let mut command = program("ffmpeg");
    command.arg("-nostdin").args(["-v", "error"]).args(before);
    add_input(&mut command, path, demuxer);
    command.args(["-map", "0:v:0", "-vf", filter, "-fps_mode", "passthrough"]);
    command.args(after).args(["-f", "rawvideo", "-pix_fmt", pix_fmt, "-"]);
    command
}
