//! Asks ffprobe about a file's first video stream and its first sound, and decides how ffmpeg is to decode both.
//!
//! ffprobe's answer is not trusted: it repeats what the film's headers say. It is read up to [`MAX_ANSWER`] bytes, and
//! every number is checked before it is used; an impossible rate counts as unknown.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use super::run::last_line;
use super::{Demuxer, add_input, checked_size, not_started, plausible, program};
use crate::audio::AudioBuffer;
use crate::color::{ColorSpace, Matrix, Primaries, Range, Siting, Transfer};
use crate::error::{Error, Result};
use crate::frame::{PixelFormat, Size};
use crate::time::{FrameRate, Span};

const DEFAULT_RATE: FrameRate = FrameRate::whole(25);
/// The longest answer that is read, in bytes: titles and the like are in it.
const MAX_ANSWER: u64 = 4 << 20;
/// How much of its messages is read, in bytes.
const MAX_MESSAGES: u64 = 64 << 10;
/// How long ffprobe may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The time base where ffprobe does not know it.
const NANOSECOND: (u64, u64) = (1, 1_000_000_000);

/// The known properties of the stream, and how its frames are decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    pub demuxer: Demuxer,
    pub size: Size,
    pub rate: FrameRate,
    /// Whether, by the header, its frames come at that constant rate.
    pub steady: bool,
    /// The time base: its times count in this fraction of a second.
    pub tick: (u64, u64),
    pub format: PixelFormat,
    pub color: ColorSpace,
    /// Its brightest light in cd/m², where it says so.
    pub peak: Option<u16>,
    /// Whether its header says that its frames are of two fields each.
    pub interlaced: bool,
    /// The stream's length.
    pub duration: Option<Span>,
    /// No frame begins after this: the length of the whole file, or of the stream where that is longer.
    pub end: Option<Span>,
    /// How many frames there are, by the header's count or else by the length.
    pub frames: Option<u64>,
    /// How many frames the header counts.
    pub counted: Option<u64>,
    /// ffmpeg's name of the pixel format that it is to write.
    pub pix_fmt: String,
    /// ffmpeg's filters that produce this format, with times in ticks.
    pub filter: String,
    /// Whether these filters change nothing of frames of the size, format and time base that ffprobe names.
    pub as_is: bool,
    /// Whether its container has one clock from beginning to end (MP4, Matroska), so that ffmpeg need not correct
    /// times.
    pub has_one_clock: bool,
    /// The file's first sound.
    pub sound: Option<SoundStream>,
}

/// ffprobe's `-show_streams -show_format`, with the fields that are used.
#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    streams: Vec<ProbedStream>,
    #[serde(default)]
    frames: Vec<ProbedFrame>,
    #[serde(default)]
    format: ProbedFormat,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ProbedFormat {
    format_name: String,
    duration: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ProbedStream {
    codec_type: String,
    width: u64,
    height: u64,
    pix_fmt: String,
    color_space: String,
    color_range: String,
    chroma_location: String,
    color_primaries: String,
    color_transfer: String,
    field_order: String,
    sample_aspect_ratio: String,
    r_frame_rate: String,
    avg_frame_rate: String,
    time_base: String,
    start_time: String,
    duration: String,
    nb_frames: String,
    sample_rate: String,
    channels: usize,
    tags: std::collections::HashMap<String, String>,
    side_data_list: Vec<SideData>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SideData {
    rotation: f64,
    /// Of mastering displays: their peak in cd/m², as a fraction.
    max_luminance: String,
    /// Of content light levels: the greatest in cd/m².
    max_content: u64,
    /// Of a crop by the container, which ffmpeg applies from version 7.1 on and older versions of ffprobe do not name.
    crop_top: u64,
    crop_bottom: u64,
    crop_left: u64,
    crop_right: u64,
}

impl SideData {
    fn is_crop(&self) -> bool {
        [self.crop_top, self.crop_bottom, self.crop_left, self.crop_right] != [0; 4]
    }
}

/// The first frame, which is only asked for when the stream does not say how bright it is.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ProbedFrame {
    side_data_list: Vec<SideData>,
}

/// The brightest light by these, in cd/m²: the content's, or else the mastering display's.
fn peak(side_data: &[SideData]) -> Option<u16> {
    let content = side_data.iter().find_map(|data| u16::try_from(data.max_content).ok().filter(|peak| *peak > 0));
    let display = || {
        side_data.iter().find_map(|data| {
            let (num, den) = ratio(&data.max_luminance, '/')?;
            u16::try_from(num / den).ok().filter(|peak| *peak > 0)
        })
    };
    content.or_else(display)
}

/// The known properties of a file's sound.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundStream {
    /// Samples a second; 0 where ffprobe has not come to the sound.
    rate: u32,
    channels: usize,
    /// The time of its first sample in the file.
    pub begin: Span,
    /// Its length by its own header.
    pub duration: Option<Span>,
    /// Whether it is in a broadcast container, whose clock may be reset.
    pub has_resets: bool,
}

impl SoundStream {
    /// The rate and the number of channels to decode it to: its own, up to a maximum, else the fallback's.
    pub fn output(&self, fallback: (u32, usize), most: usize) -> (u32, usize) {
        let rate = if AudioBuffer::RATES.contains(&self.rate) { self.rate } else { fallback.0 };
        let channels = if (1..=most).contains(&self.channels) { self.channels } else { fallback.1 };
        (rate, channels)
    }
}

/// Asks ffprobe about the first sound; none where there is none.
pub fn probe_sound(path: &Path) -> Result<Option<SoundStream>> {
    match ask(path, Demuxer::Probed)? {
        Ok(answer) => Ok(Probe::parse(&answer)?.sound()),
        Err(messages) => Err(unreadable("sound", &messages)),
    }
}

/// Asks ffprobe about the first video stream, and the first sound beside it.
pub fn probe(path: &Path) -> Result<Stream> {
    let mut stream = probe_stream(path)?;
    if stream.color.transfer == Transfer::Pq && stream.peak.is_none() {
        // It may be said in the film's first frame only.
        let first = ["-select_streams", "v:0", "-show_frames", "-read_intervals", "%+#1"];
        if let Ok(answer) = answer(path, stream.demuxer, &first)?
            && let Ok(probe) = serde_json::from_slice::<Probe>(&answer)
        {
            stream.peak = probe.frames.first().and_then(|frame| peak(&frame.side_data_list));
        }
    }
    stream.color.peak = stream.peak.unwrap_or(ColorSpace::USUAL_PEAK);
    Ok(stream)
}

fn probe_stream(path: &Path) -> Result<Stream> {
    let refused = match ask(path, Demuxer::Probed)? {
        // A video that begins late may not have been reached.
        Ok(answer) => match read(&answer, Demuxer::Probed) {
            Err(_) => match ask_deeply(path)? {
                Ok(answer) => return read(&answer, Demuxer::Probed),
                Err(messages) => messages,
            },
            stream => return stream,
        },
        Err(messages) => messages,
    };
    // ffmpeg identifies some pictures by their names only.
    if refused.contains(REFUSED)
        && refused.contains("image2")
        && let Ok(answer) = ask(path, Demuxer::Image)?
    {
        return read(&answer, Demuxer::Image);
    }
    Err(unreadable("pictures", &refused))
}

/// Interprets ffprobe's messages when it has no answer about a file's `kind`.
fn unreadable(kind: &str, messages: &str) -> Error {
    let message = last_line(messages);
    if messages.contains(REFUSED) {
        return Error::not_supported(format!(
            "expected a film, a picture or sound in one file but found a format that may name other files, or holds no \
             {kind}: {message}"
        ));
    }
    Error::not_readable(format!("expected a file that ffmpeg can read but found none: {message}"))
}

/// ffmpeg's message when a file's demuxer is not among the permitted ones.
const REFUSED: &str = "Format not on whitelist";

/// ffprobe's answer about all streams, or its messages when it has none.
fn ask(path: &Path, demuxer: Demuxer) -> Result<Result<Vec<u8>, String>> {
    answer(path, demuxer, &[])
}

/// Asks again, with up to a minute of the file read.
fn ask_deeply(path: &Path) -> Result<Result<Vec<u8>, String>> {
    answer(path, Demuxer::Probed, &["-analyzeduration", "60M", "-probesize", "100M"])
}

fn answer(path: &Path, demuxer: Demuxer, options: &[&str]) -> Result<Result<Vec<u8>, String>> {
    let mut command = program("ffprobe");
    command.args(options).args(["-v", "error", "-show_streams", "-show_format", "-of", "json"]);
    add_input(&mut command, path, demuxer);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(not_started)?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Error::unknown("ffprobe started without its pipes"));
    };
    let (read, answers) = channel();
    let read_errors = read.clone();
    let start = |name: &str, work: Box<dyn FnOnce() + Send>| {
        thread::Builder::new().name(name.into()).spawn(work).map_err(Error::no_thread)
    };
    let started =
        start("ffprobe stdout", Box::new(move || drop(read.send((true, all(stdout, MAX_ANSWER)))))).and_then(|_| {
            start("ffprobe stderr", Box::new(move || drop(read_errors.send((false, all(stderr, MAX_MESSAGES))))))
        });
    let (mut answer, mut messages) = (None, None);
    while started.is_ok() && (answer.is_none() || messages.is_none()) {
        match answers.recv_timeout(TIMEOUT) {
            Ok((true, bytes)) => answer = Some(bytes),
            Ok((false, bytes)) => messages = Some(bytes),
            Err(_) => break,
        }
    }
    // It has ended, or is not waited for any longer.
    let late = answer.is_none() || messages.is_none();
    let status = if late { child.kill().and_then(|()| child.wait()) } else { child.wait() };
    started?;
    let status = status.map_err(|error| Error::unknown("ffprobe was lost").with_cause(error))?;
    if late {
        let seconds = TIMEOUT.as_secs();
        return Err(Error::not_readable(format!("expected ffprobe to answer within {seconds} s but found no answer")));
    }
    let (answer, messages) = (answer.unwrap_or_default(), messages.unwrap_or_default());
    if answer.len() as u64 > MAX_ANSWER {
        return Err(Error::not_readable(format!(
            "expected at most {MAX_ANSWER} bytes from ffprobe about a film but found more"
        )));
    }
    Ok(if status.success() { Ok(answer) } else { Err(String::from_utf8_lossy(&messages).into_owned()) })
}

/// Reads to the end, and keeps at most `most` bytes and one more.
fn all(mut pipe: impl Read, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Unreadable output counts as none; the rest is read so that the program can end.
    let _ = (&mut pipe).take(most + 1).read_to_end(&mut bytes);
    let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    bytes
}

/// Reads an answer about a film.
fn read(answer: &[u8], demuxer: Demuxer) -> Result<Stream> {
    let probe = Probe::parse(answer)?;
    let stream = probe.first("video").ok_or_else(|| Error::not_readable("expected a video stream but found none"))?;
    let end = stream.duration().max(length(&probe.format.duration));
    let has_one_clock = ["mov,", "matroska,"].iter().any(|name| probe.format.format_name.starts_with(name));
    Ok(Stream { demuxer, end, has_one_clock, sound: probe.sound(), ..stream.plan()? })
}

impl Probe {
    fn parse(answer: &[u8]) -> Result<Self> {
        serde_json::from_slice(answer)
            .map_err(|error| Error::unknown("ffprobe's answer was not understood").with_cause(error))
    }

    /// The first stream of this type.
    fn first(&self, codec_type: &str) -> Option<&ProbedStream> {
        self.streams.iter().find(|stream| stream.codec_type == codec_type)
    }

    /// The first sound.
    fn sound(&self) -> Option<SoundStream> {
        let stream = self.first("audio")?;
        let begin = stream.begin();
        // Matroska's tag says when it ends.
        let duration = match length(&stream.duration) {
            None => stream.duration().map(|end| end - begin),
            own => own,
        };
        let rate = stream.sample_rate.parse().unwrap_or(0);
        let has_resets = ["mpegts", "mpeg"].contains(&self.format.format_name.as_str());
        let duration = duration.filter(|own| *own > Span::ZERO);
        Some(SoundStream { rate, channels: stream.channels, begin, duration, has_resets })
    }
}

/// Reads an answer of ffprobe's about video and about sound. For tests.
#[doc(hidden)]
pub fn probed(answer: &[u8]) -> Result<String> {
    let sound = Probe::parse(answer)?.sound();
    Ok(format!("{:?}", (read(answer, Demuxer::Probed), sound)))
}

impl ProbedStream {
    /// Decides how the frames are decoded.
    fn plan(&self) -> Result<Stream> {
        if self.pix_fmt.is_empty() {
            return Err(Error::not_readable("expected a video stream that ffmpeg can decode but found one it cannot"));
        }
        let size = self.upright_square_size()?;
        let (rate, steady) = self.rate();
        let tick = ratio(&self.time_base, '/').unwrap_or(NANOSECOND);
        let (format, pix_fmt) = self.layout();
        let color = self.color(size.height);
        let filter = format!("{},settb={}/{}", self.filter(size, format, &pix_fmt, color), tick.0, tick.1);
        let is_cropped = self.side_data_list.iter().any(SideData::is_crop);
        let as_is = self.stays(size, &pix_fmt) && ratio(&self.time_base, '/').is_some() && !is_cropped;
        let counted = self.nb_frames.parse().ok();
        let duration = self.duration();
        let frames =
            counted.or_else(|| duration.map(|duration| (duration.as_secs_f64() * rate.as_f64()).round() as u64));
        Ok(Stream {
            demuxer: Demuxer::Probed,
            size,
            rate,
            steady,
            tick,
            format,
            color,
            peak: peak(&self.side_data_list),
            interlaced: self.is_interlaced(),
            duration,
            end: duration,
            frames,
            counted,
            pix_fmt,
            filter,
            as_is,
            has_one_clock: false,
            sound: None,
        })
    }

    /// The size after turning the frame upright, as ffmpeg does by itself, and after making its pixels square.
    fn upright_square_size(&self) -> Result<Size> {
        let turned = self.side_data_list.iter().any(|data| (data.rotation.abs() % 180.0 - 90.0).abs() < 1.0);
        let (mut width, mut height) = (self.width, self.height);
        let (mut across, mut down) = ratio(&self.sample_aspect_ratio, ':').unwrap_or((1, 1));
        if turned {
            (width, height, across, down) = (height, width, down, across);
        }
        checked_size(width, height)?;
        // Only ever enlarged, so that no line is lost.
        let scaled = |side: u64, by: u64, over: u64| (side * by + over / 2) / over;
        if across > down {
            width = scaled(width, across, down);
        } else {
            height = scaled(height, down, across);
        }
        checked_size(width, height)
    }

    /// The nominal rate where it is close to the average one, else the average; and whether they are the same.
    fn rate(&self) -> (FrameRate, bool) {
        let rate = |text: &str| {
            let (num, den) = ratio(text, '/')?;
            plausible(u32::try_from(num).ok()?, u32::try_from(den).ok()?)
        };
        match (rate(&self.r_frame_rate), rate(&self.avg_frame_rate)) {
            (Some(nominal), Some(average)) => {
                let apart = (nominal.as_f64() / average.as_f64() - 1.0).abs();
                (if apart <= 0.05 { nominal } else { average }, apart <= 0.005)
            }
            (nominal, average) => (average.or(nominal).unwrap_or(DEFAULT_RATE), true),
        }
    }

    /// Whether ffprobe says that frames have two fields, which `bwdif` can take apart.
    fn is_interlaced(&self) -> bool {
        ["tt", "bb", "tb", "bt"].contains(&self.field_order.as_str()) && self.width >= 3 && self.height >= 4
    }

    /// The pixel format to request, and ffmpeg's name for it.
    fn layout(&self) -> (PixelFormat, String) {
        let (format, name) = self.shallow_layout();
        let (planar, chroma) = match format {
            // Grey of more bits comes with chroma.
            PixelFormat::I420 | PixelFormat::Gray8 => (PixelFormat::I420, "420"),
            PixelFormat::I422 => (PixelFormat::I422, "422"),
            PixelFormat::I444 => (PixelFormat::I444, "444"),
            _ => return (format, name),
        };
        let bits = match self.bits() {
            ..9 => 8,
            9 | 10 => 10,
            11.. => 12,
        };
        planar.deepened(bits).map_or((format, name), |deep| (deep, format!("yuv{chroma}p{bits}le")))
    }

    /// Bits of a sample, by the name of the pixel format: `yuv420p10le`, `p010le`, `gray12be`, `y210le`, `xv30le`.
    fn bits(&self) -> u32 {
        let name = self.pix_fmt.trim_end_matches("le").trim_end_matches("be");
        match name {
            "nv20" | "xv30" => return 10,
            "xv36" => return 12,
            "xv48" | "grayf32" | "grayf16" => return 16,
            _ => {}
        }
        let end = &name[name.trim_end_matches(|digit: char| digit.is_ascii_digit()).len()..];
        // p010 and y210: the last two of three digits; yuv420p, gray and nv12 have none that count.
        let start = &name[..name.len() - end.len()];
        let bits = match start {
            "p" | "y" => end.get(1..),
            "gray" => Some(end),
            _ if start.starts_with("yuv") && start.ends_with('p') => Some(end),
            _ => None,
        };
        bits.and_then(|bits| bits.parse().ok()).unwrap_or(8)
    }

    /// The pixel format with 8 bits.
    fn shallow_layout(&self) -> (PixelFormat, String) {
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
        let wide = ["smpte2084", "arib-std-b67"].contains(&self.color_transfer.as_str());
        let matrix = match self.color_space.as_str() {
            "" | "unknown" if wide => Matrix::Bt2020,
            "bt709" => Matrix::Bt709,
            "smpte170m" | "bt470bg" | "fcc" => Matrix::Bt601,
            "bt2020nc" => Matrix::Bt2020,
            _ => untagged.matrix,
        };
        let range = match self.color_range.as_str() {
            "pc" => Range::Full,
            "tv" => Range::Limited,
            // Grey has all codes where nothing else is said, as ffmpeg itself takes it.
            _ if ["yuvj", "gray", "ya"].iter().any(|full| self.pix_fmt.starts_with(full)) => Range::Full,
            _ => untagged.range,
        };
        let siting = match self.chroma_location.as_str() {
            "center" => Siting::Center,
            "topleft" => Siting::TopLeft,
            _ => Siting::Left,
        };
        let transfer = match self.color_transfer.as_str() {
            "smpte2084" => Transfer::Pq,
            "arib-std-b67" => Transfer::Hlg,
            _ => Transfer::Sdr,
        };
        let primaries = match self.color_primaries.as_str() {
            "bt2020" => Primaries::Bt2020,
            "smpte432" => Primaries::DisplayP3,
            // BT.2100 knows no others.
            "" | "unknown" if transfer != Transfer::Sdr => Primaries::Bt2020,
            _ => Primaries::Bt709,
        };
        ColorSpace { matrix, range, siting, primaries, transfer, ..ColorSpace::RECORDED }
    }

    /// Scales to the size, which does not change a frame that has it, and converts to another pixel format if
    /// necessary: then ffmpeg is given the colour spaces of both sides, because otherwise it would guess them.
    fn filter(&self, size: Size, format: PixelFormat, pix_fmt: &str, color: ColorSpace) -> String {
        let Size { width, height } = size;
        if self.stays(size, pix_fmt) || self.is_rgb() {
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

    /// Whether its frames have this size and format.
    fn stays(&self, size: Size, pix_fmt: &str) -> bool {
        self.pix_fmt == pix_fmt && (u64::from(size.width), u64::from(size.height)) == (self.width, self.height)
    }

    fn is_rgb(&self) -> bool {
        !["yuv", "gray", "ya", "nv", "p0", "p2", "p4", "uyvy", "uyyv", "yvyu", "yuyv", "y2", "ayuv", "vuy", "xv"]
            .iter()
            .any(|start| self.pix_fmt.starts_with(start))
    }

    /// The time of its first sample; 0 where that is unknown or impossible.
    fn begin(&self) -> Span {
        const MOST: f64 = 1e9;
        let seconds = self.start_time.parse::<f64>().ok().filter(|seconds| seconds.abs() <= MOST);
        Span::from_nanos((seconds.unwrap_or(0.0) * 1e9).round() as i64)
    }

    /// From the stream, or from the tag that Matroska muxers write.
    fn duration(&self) -> Option<Span> {
        length(if self.duration.is_empty() { self.tags.get("DURATION")? } else { &self.duration })
    }
}

/// A time above 0.
fn length(text: &str) -> Option<Span> {
    text.parse().ok().filter(|length| *length > Span::ZERO)
}

/// Two positive numbers.
fn ratio(text: &str, between: char) -> Option<(u64, u64)> {
    let (a, b) = text.split_once(between)?;
    let part = |text: &str| text.parse::<u32>().ok().filter(|value| *value > 0).map(u64::from);
    Some((part(a)?, part(b)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_of_every_pixel_format_is_known_by_its_name() {
        if !crate::tools::has("ffmpeg") {
            return;
        }
        let list = std::process::Command::new("ffmpeg").args(["-v", "error", "-pix_fmts"]).output().unwrap();
        let list = String::from_utf8(list.stdout).unwrap();
        // Flags, name, components, bits a pixel, bits a sample of each component, as `10-10-10`.
        let rows = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let mut deep = 0;
        for row in rows.filter(|row| row.len() == 5 && row[0].len() == 5) {
            let Some(bits) = row[4].split('-').next().and_then(|bits| bits.parse::<u32>().ok()) else { continue };
            let stream = ProbedStream { pix_fmt: row[1].to_owned(), ..ProbedStream::default() };
            let (format, asked) = stream.layout();
            if format == PixelFormat::Rgba8 || row[0].contains('H') {
                continue;
            }
            let expected = match bits {
                ..=8 => 8,
                9 | 10 => 10,
                _ => 12,
            };
            assert_eq!(format.bits(), expected, "{row:?} comes as {asked}");
            deep += usize::from(bits > 8);
        }
        assert!(deep > 30, "{deep} formats of more than 8 bits in\n{list}");
    }
}
