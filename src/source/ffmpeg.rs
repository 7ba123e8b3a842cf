//! Everything that we do not read ourselves, through the `ffmpeg` and `ffprobe` programs.
//!
//! ffprobe says what the first video stream is; ffmpeg decodes it to raw frames on a pipe, at a constant rate, upright
//! and with square pixels. YUV stays YUV at 8 bits: neither matrix nor range is converted, so that the colours are
//! converted once, on the GPU. RGB, palettes and everything with an alpha channel come as RGBA.

use std::ffi::OsString;
use std::io::{ErrorKind as IoErrorKind, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use serde::Deserialize;

use super::{Source, SourceInfo, SourceOptions, checked_size, frame_at, start_beyond_end};
use crate::color::{ColorSpace, Matrix, Range, Siting};
use crate::error::{Error, Result};
use crate::frame::{Frame, PixelFormat, Size};
use crate::time::{FrameRate, Span};

/// How to get the program.
pub const INSTALL: &str = "install it (Debian and Ubuntu: `apt install ffmpeg`, macOS: `brew install ffmpeg`)";

const DEFAULT_RATE: FrameRate = FrameRate::whole(25);
/// So much of what ffmpeg says is kept, from its end.
const MAX_COMPLAINT: usize = 4096;

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
    child: Child,
    frames: ChildStdout,
    complaints: Option<JoinHandle<String>>,
    read: u64,
}

impl FfmpegSource {
    /// Asks ffprobe about the file and starts ffmpeg at the start asked for. `NotFoundError` where the programs are
    /// missing, `NotReadableError` where they cannot read the file.
    pub fn open(path: &Path, options: &SourceOptions) -> Result<Self> {
        let name = path.display().to_string();
        let stream = probe(path).map_err(|error| error.at(&name))?;
        let start = options.start.unwrap_or(Span::ZERO);
        if let Some(duration) = stream.duration
            && start > Span::ZERO
            && start >= duration
        {
            return Err(start_beyond_end(start, duration).at(&name));
        }
        let skipped = frame_at(stream.rate, start);
        let mut child = stream.command(path, skipped).spawn().map_err(|error| not_started(error).at(&name))?;
        let pipes = child.stdout.take().zip(child.stderr.take());
        let (frames, mut stderr) = pipes.ok_or_else(|| Error::unknown("ffmpeg started without its pipes").at(&name))?;
        let complaints = std::thread::Builder::new()
            .name("ffmpeg stderr".into())
            .spawn(move || last_of(&mut stderr))
            .map_err(|error| Error::unknown("no thread could be started").with_source(error))?;
        let info = SourceInfo {
            kind: "ffmpeg",
            size: stream.size,
            rate: Some(stream.rate),
            frames: stream.frames.map(|frames| frames.saturating_sub(skipped)),
            endless: false,
        };
        let mut source = Self { info, stream, name, child, frames, complaints: Some(complaints), read: 0 };
        source.stream.counted = source.stream.counted.map(|frames| frames.saturating_sub(skipped));
        Ok(source)
    }

    /// What it means that ffmpeg gives no more, `rest` bytes into a frame.
    fn finish(&mut self, rest: usize) -> Result<()> {
        let status = self.child.wait().map_err(|error| Error::unknown("ffmpeg was lost").with_source(error))?;
        let said = self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let said = last_line(&said);
        let read = self.read;
        if !status.success() || rest > 0 {
            let said = if said.is_empty() { status.to_string() } else { said };
            return Err(Error::not_readable(format!(
                "expected ffmpeg to decode it to the end but it stopped after {read} frames: {said}"
            )));
        }
        if read == 0 {
            let said = if said.is_empty() { "ffmpeg found no picture at or after the start".to_owned() } else { said };
            return Err(Error::not_readable(format!("expected at least one frame but found none: {said}")));
        }
        // A file that ends early is no failure to ffmpeg. Its header's count may be off by a few all the same.
        match self.stream.counted {
            Some(counted) if !said.is_empty() && read + 2 + counted / 100 < counted => {
                Err(Error::not_readable(format!("expected {counted} frames but found {read}: {said}")))
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
        let Stream { format, size, color, rate, .. } = self.stream;
        let expected = Frame::packed_len(format, size);
        let mut data = Vec::with_capacity(expected);
        let read = (&mut self.frames).take(expected as u64).read_to_end(&mut data);
        read.map_err(|error| {
            Error::not_readable("ffmpeg's frames could not be read").at(&self.name).with_source(error)
        })?;
        if data.len() < expected {
            return self.finish(data.len()).map(|()| None).map_err(|error| error.at(&self.name));
        }
        let timestamp = rate.timestamp(self.read);
        self.read += 1;
        Ok(Some(Frame::packed(format, size, color, data).with_timestamp(timestamp)))
    }
}

impl Drop for FfmpegSource {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill and only its status to collect.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(complaints) = self.complaints.take() {
            let _ = complaints.join();
        }
    }
}

/// What is known of the stream, and how its frames come.
#[derive(Debug, Clone, PartialEq)]
struct Stream {
    size: Size,
    rate: FrameRate,
    format: PixelFormat,
    color: ColorSpace,
    duration: Option<Span>,
    /// How many frames will come, by the header's count or else by the length.
    frames: Option<u64>,
    /// How many frames the header counts.
    counted: Option<u64>,
    /// ffmpeg's name of the layout that it is to write.
    pix_fmt: String,
    /// ffmpeg's filters to get there.
    filter: String,
}

impl Stream {
    fn command(&self, path: &Path, skipped: u64) -> Command {
        let mut command = program("ffmpeg");
        command.arg("-nostdin").args(["-v", "error"]);
        if skipped > 0 {
            // A little before the frame, so that no rounding in the file loses it, and after the one before it.
            let seconds = (skipped as f64 - 0.2) / self.rate.as_f64();
            command.arg("-ss").arg(format!("{seconds:.6}"));
        }
        command.arg("-i").arg(file_url(path)).args(["-map", "0:v:0", "-vf", &self.filter]);
        command.args(["-f", "rawvideo", "-pix_fmt", &self.pix_fmt]);
        command.arg("-r").arg(format!("{}/{}", self.rate.num(), self.rate.den())).arg("-");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
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

/// The last bytes of what is read to the end.
fn last_of(reader: &mut impl Read) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 1024];
    while let Ok(read @ 1..) = reader.read(&mut chunk) {
        kept.extend_from_slice(&chunk[..read]);
        kept.drain(..kept.len().saturating_sub(MAX_COMPLAINT));
    }
    String::from_utf8_lossy(&kept).into_owned()
}

fn last_line(text: &str) -> String {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// ffprobe's `-show_streams`, as far as it matters.
#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    streams: Vec<ProbedStream>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ProbedStream {
    width: u64,
    height: u64,
    pix_fmt: String,
    color_space: String,
    color_range: String,
    chroma_location: String,
    sample_aspect_ratio: String,
    r_frame_rate: String,
    avg_frame_rate: String,
    duration: String,
    nb_frames: String,
    tags: std::collections::HashMap<String, String>,
    side_data_list: Vec<SideData>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SideData {
    rotation: f64,
}

fn probe(path: &Path) -> Result<Stream> {
    let mut command = program("ffprobe");
    command.args(["-v", "error", "-select_streams", "v:0", "-show_streams", "-of", "json"]);
    let output = command.arg(file_url(path)).stdin(Stdio::null()).output().map_err(not_started)?;
    let said = last_line(&String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(Error::not_readable(format!("expected a file that ffmpeg can read but found none: {said}")));
    }
    let probe: Probe = serde_json::from_slice(&output.stdout)
        .map_err(|error| Error::unknown("ffprobe's answer was not understood").with_source(error))?;
    let stream = probe.streams.into_iter().next();
    let stream = stream.ok_or_else(|| Error::not_readable("expected a video stream but found none"))?;
    stream.plan()
}

impl ProbedStream {
    /// Decides how the frames come.
    fn plan(&self) -> Result<Stream> {
        if self.pix_fmt.is_empty() {
            return Err(Error::not_readable("expected a video stream that ffmpeg can decode but found one it cannot"));
        }
        let size = self.upright_square_size()?;
        let rate = self.rate();
        let (format, pix_fmt) = self.layout();
        let color = self.color(size.height);
        let filter = self.filter(size, format, &pix_fmt, color);
        let counted = self.nb_frames.parse().ok();
        let duration = self.duration();
        let frames =
            counted.or_else(|| duration.map(|duration| (duration.as_secs_f64() * rate.as_f64()).round() as u64));
        Ok(Stream { size, rate, format, color, duration, frames, counted, pix_fmt, filter })
    }

    /// The size after turning it upright, as ffmpeg does by itself, and after making its pixels square.
    fn upright_square_size(&self) -> Result<Size> {
        let turned = self.side_data_list.iter().any(|data| (data.rotation.abs() % 180.0 - 90.0).abs() < 1.0);
        let (mut width, mut height) = (self.width, self.height);
        let (mut across, mut down) = ratio(&self.sample_aspect_ratio, ':').unwrap_or((1, 1));
        if turned {
            (width, height, across, down) = (height, width, down, across);
        }
        checked_size(width, height)?;
        // Only ever enlarged: no line of the picture gets lost.
        let scaled = |side: u64, by: u64, over: u64| (side * by + over / 2) / over;
        if across > down {
            width = scaled(width, across, down);
        } else {
            height = scaled(height, down, across);
        }
        checked_size(width, height)
    }

    /// The nominal rate where it is close to the average one, else the average.
    fn rate(&self) -> FrameRate {
        let rate = |text: &str| {
            let (num, den) = ratio(text, '/')?;
            FrameRate::new(u32::try_from(num).ok()?, u32::try_from(den).ok()?).ok()
        };
        match (rate(&self.r_frame_rate), rate(&self.avg_frame_rate)) {
            (Some(nominal), Some(average)) => {
                let close = (nominal.as_f64() / average.as_f64() - 1.0).abs() <= 0.05;
                if close { nominal } else { average }
            }
            (nominal, average) => average.or(nominal).unwrap_or(DEFAULT_RATE),
        }
    }

    /// The layout to ask for and ffmpeg's name for it.
    fn layout(&self) -> (PixelFormat, String) {
        let name = self.pix_fmt.as_str();
        let full = if name.starts_with("yuvj") { "yuvj" } else { "yuv" };
        let starts = |names: &[&str]| names.iter().any(|start| name.starts_with(start));
        if starts(&["yuv420p", "yuvj420p", "nv12", "nv21", "p010", "p012", "p016"]) {
            (PixelFormat::I420, format!("{full}420p"))
        } else if starts(&[
            "yuv422p", "yuvj422p", "yuyv422", "uyvy422", "yvyu422", "nv16", "nv20", "p210", "p216", "y210",
        ]) {
            (PixelFormat::I422, format!("{full}422p"))
        } else if starts(&["yuv4", "yuvj4", "nv24", "nv42", "p410", "p416", "uyyvyy411"]) {
            (PixelFormat::I444, format!("{full}444p"))
        } else if name.starts_with("gray") {
            (PixelFormat::Gray8, "gray".to_owned())
        } else {
            (PixelFormat::Rgba8, "rgba".to_owned())
        }
    }

    fn color(&self, height: u32) -> ColorSpace {
        let untagged = ColorSpace::untagged(height);
        let matrix = match self.color_space.as_str() {
            "bt709" => Matrix::Bt709,
            "smpte170m" | "bt470bg" | "fcc" => Matrix::Bt601,
            "bt2020nc" => Matrix::Bt2020,
            _ => untagged.matrix,
        };
        let range = match self.color_range.as_str() {
            "pc" => Range::Full,
            "tv" => Range::Limited,
            _ if self.pix_fmt.starts_with("yuvj") => Range::Full,
            _ => untagged.range,
        };
        let siting = match self.chroma_location.as_str() {
            "center" => Siting::Center,
            "topleft" => Siting::TopLeft,
            _ => Siting::Left,
        };
        ColorSpace { matrix, range, siting }
    }

    /// Scales to the size, which does nothing to a picture that has it, and converts to the layout where it is another:
    /// then ffmpeg is told the colours on both sides, or it would guess them.
    fn filter(&self, size: Size, format: PixelFormat, pix_fmt: &str, color: ColorSpace) -> String {
        let Size { width, height } = size;
        let stays = self.pix_fmt == pix_fmt && (u64::from(width), u64::from(height)) == (self.width, self.height);
        if stays || self.is_rgb() {
            return format!("scale={width}:{height}");
        }
        let matrix = match color.matrix {
            Matrix::Bt601 => "bt601",
            Matrix::Bt709 => "bt709",
            Matrix::Bt2020 => "bt2020",
        };
        let range = if color.range == Range::Full { "pc" } else { "tv" };
        let out = if format == PixelFormat::Rgba8 {
            String::new()
        } else {
            format!(":out_color_matrix={matrix}:out_range={range}")
        };
        format!(
            "scale={width}:{height}:in_color_matrix={matrix}:in_range={range}{out}\
             :flags=bicubic+accurate_rnd+full_chroma_int,format={pix_fmt}"
        )
    }

    fn is_rgb(&self) -> bool {
        !["yuv", "gray", "ya", "nv", "p0", "p2", "p4", "uyvy", "uyyv", "yvyu", "yuyv", "y2", "ayuv", "vuy", "xv"]
            .iter()
            .any(|start| self.pix_fmt.starts_with(start))
    }

    /// From the stream, or from the tag that Matroska muxers write.
    fn duration(&self) -> Option<Span> {
        let text = if self.duration.is_empty() { self.tags.get("DURATION")? } else { &self.duration };
        text.parse().ok().filter(|duration| *duration > Span::ZERO)
    }
}

/// Two positive numbers.
fn ratio(text: &str, between: char) -> Option<(u64, u64)> {
    let (a, b) = text.split_once(between)?;
    let part = |text: &str| text.parse::<u32>().ok().filter(|value| *value > 0).map(u64::from);
    Some((part(a)?, part(b)?))
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
