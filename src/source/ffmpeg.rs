//! Everything that we do not read ourselves, through the `ffmpeg` and `ffprobe` programs.
//!
//! ffprobe says what the first video stream is; ffmpeg decodes it to raw frames on a pipe, every one that there is,
//! upright and with square pixels, and tells the time of each. YUV stays YUV at 8 bits: neither matrix nor range is
//! converted, so that the colours are converted once, on the GPU. RGB, palettes and everything with an alpha channel
//! come as RGBA.
//!
//! Each frame has the film's own time, counted from the film's first frame: nothing is resampled. Where a film's
//! times do not rise, `timeline` says what becomes of them.

use std::ffi::OsString;
use std::io::ErrorKind as IoErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Source, SourceInfo, SourceOptions, checked_size, frame_at, start_beyond_end};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::time::{Span, Timestamp};

use decoding::End;
use film::Film;
use probe::Stream;

mod decoding;
mod film;
mod probe;
mod timeline;

/// How to get the program.
pub const INSTALL: &str = "install it (Debian and Ubuntu: `apt install ffmpeg`, macOS: `brew install ffmpeg`)";

/// The version of the `ffmpeg` program, as `5.1.9`; none where it or `ffprobe` is missing or does not run.
pub fn version() -> Option<String> {
    let said = |program: &str| {
        let output = Command::new(program).arg("-version").stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    said("ffprobe")?;
    let text = said("ffmpeg")?;
    Some(text.split_ascii_whitespace().nth(2).unwrap_or("of an unknown version").to_owned())
}

/// Frames of a file's first video stream, as ffmpeg decodes them.
pub struct FfmpegSource {
    info: SourceInfo,
    stream: Stream,
    name: String,
    film: Film,
    /// When the first frame that is given is shown, from the film's first frame on.
    first: Timestamp,
    /// And when the last one so far.
    last: Timestamp,
    read: u64,
    /// Where frames are counted but nobody knows how many were skipped: when the last one ends.
    until: Option<Span>,
}

impl FfmpegSource {
    /// Asks ffprobe about the file, starts ffmpeg, and reads up to the frame on screen at the start asked for.
    /// `NotFoundError` where the programs are missing, `NotReadableError` where they cannot read the file, `RangeError`
    /// where it ends before that start.
    pub fn open(path: &Path, options: &SourceOptions) -> Result<Self> {
        let name = path.display().to_string();
        Self::start(path, options.start.unwrap_or(Span::ZERO), &name).map_err(|error| error.at(&name))
    }

    fn start(path: &Path, start: Span, name: &str) -> Result<Self> {
        let mut stream = probe::probe(path)?;
        if let Some(end) = stream.end
            && start > Span::ZERO
            && start >= end
        {
            return Err(start_beyond_end(start, end));
        }
        let mut until = None;
        let film = if start > Span::ZERO {
            until = stream.duration.filter(|_| stream.counted.is_some() && !stream.steady);
            let skipped = frame_at(stream.rate, start);
            let left = |frames: Option<u64>| frames.filter(|_| stream.steady).map(|all| all.saturating_sub(skipped));
            (stream.frames, stream.counted) = (left(stream.frames), left(stream.counted));
            Film::from(path, &stream, start)?
        } else {
            Film::whole(path, &stream)?
        };
        let info = SourceInfo {
            kind: "ffmpeg",
            size: stream.size,
            rate: Some(stream.rate),
            frames: stream.frames,
            endless: false,
        };
        let first = film.next_time().unwrap_or_default();
        Ok(Self { info, stream, name: name.to_owned(), film, first, last: first, read: 0, until })
    }

    /// What it means that ffmpeg gives no more.
    fn finish(&mut self) -> Result<()> {
        let End { status, said, broken } = self.film.end()?;
        let read = self.read;
        if !status.success() || broken {
            let said = if said.is_empty() { status.to_string() } else { said };
            return Err(Error::not_readable(format!(
                "expected ffmpeg to decode it to the end but it stopped after {read} frames: {said}"
            )));
        }
        if read == 0 {
            let said = if said.is_empty() { "ffmpeg found no picture at or after the start".to_owned() } else { said };
            return Err(Error::not_readable(format!("expected at least one frame but found none: {said}")));
        }
        // A file that ends early is no failure to ffmpeg. Its header's figures may be off by a little all the same.
        if said.is_empty() {
            return Ok(());
        }
        let rate = self.stream.rate;
        let last = self.last - Timestamp::ZERO;
        match (self.stream.counted, self.until) {
            (Some(counted), _) if read + 2 + counted / 100 < counted => {
                Err(Error::not_readable(format!("expected {counted} frames but found {read}: {said}")))
            }
            (None, Some(until)) if rate.frames_in(last) + 3 + rate.frames_in(until) / 100 < rate.frames_in(until) => {
                Err(Error::not_readable(format!("expected frames up to {until} but found the last at {last}: {said}")))
            }
            _ => Ok(()),
        }
    }
}

impl Source for FfmpegSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let Stream { format, size, color, .. } = self.stream;
        let picture = self.film.next_picture().map_err(|error| error.at(&self.name))?;
        let Some((picture, shown)) = picture else {
            return self.finish().map(|()| None).map_err(|error| error.at(&self.name));
        };
        self.last = shown;
        self.read += 1;
        let timestamp = Timestamp::ZERO + (shown - self.first);
        Ok(Some(Frame::packed(format, size, color, picture.data).with_timestamp(timestamp)))
    }
}

/// A program that an interrupt at the terminal does not reach: when a recording ends is ours to say.
fn program(name: &str) -> Command {
    #[cfg_attr(not(unix), expect(unused_mut))]
    let mut command = Command::new(name);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// The path as `file:…`, which is neither an option nor another protocol, whatever the name.
fn file_url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

fn not_started(error: std::io::Error) -> Error {
    if error.kind() == IoErrorKind::NotFound {
        return Error::not_found(format!(
            "expected the ffmpeg program, which reads this kind of file, but found none; {INSTALL}. Without it, .y4m, AV1 \
             .webm, PNG, JPEG, WebP and BMP files can be read"
        ));
    }
    Error::unknown("the ffmpeg program did not start").with_source(error)
}

/// Clips for tests, made with the `ffmpeg` program.
#[cfg(test)]
pub(super) mod clips {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    /// A clip of ffmpeg's moving `testsrc` made with these arguments; none, and a word about it, without ffmpeg.
    pub(in crate::source) fn made(name: &str, source: &str, arguments: &str) -> Option<(tempfile::TempDir, PathBuf)> {
        if super::version().is_none() {
            eprintln!("skipped: this test needs the ffmpeg program; {}", super::INSTALL);
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", source]).args(arguments.split(' '));
        assert!(command.arg(super::file_url(&path)).status().unwrap().success(), "{command:?}");
        Some((folder, path))
    }

    /// The clip as ffmpeg decodes it, with these arguments before and after the input.
    pub(in crate::source) fn decoded(path: &Path, arguments: &str) -> Vec<u8> {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-i"]).arg(super::file_url(path));
        let output = command.args(arguments.split(' ')).args(["-f", "rawvideo", "-"]).output().unwrap();
        assert!(output.status.success(), "{command:?}");
        output.stdout
    }
}

#[cfg(test)]
mod tests;
