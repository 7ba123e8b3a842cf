//! Screens on every system, and cameras where this library has no reader: input devices of the `ffmpeg` program, as
//! live sources.

use std::process::{Command, Stdio};
use std::sync::Arc;

use super::decoding::{Decoding, PRINT_TIMES};
use super::{not_started, program};
use crate::clock::Clock;
use crate::color::ColorSpace;
use crate::constraints::TrackConstraints;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, PixelFormat, Size};
use crate::source::{Source, SourceInfo, SourceLosses, SourceOptions, checked_size, plausible};
use crate::time::{FrameRate, Span, Timestamp};

/// How often a screen is grabbed when no rate is asked for.
const SCREEN_RATE: FrameRate = FrameRate::whole(30);

/// An input device of ffmpeg, with its options.
struct DeviceInput {
    /// The name of ffmpeg's device, as `x11grab`.
    demuxer: &'static str,
    options: Vec<String>,
    url: String,
    format: PixelFormat,
}

/// Frames of a screen or a camera from ffmpeg, with the times at which ffmpeg captured them.
pub struct DeviceSource {
    info: SourceInfo,
    label: String,
    format: PixelFormat,
    color: ColorSpace,
    decoding: Decoding,
    clock: Clock,
    /// The least difference between a frame's time by ffmpeg and its arrival here: that frame did not wait.
    shift: Option<Span>,
    /// The time of the last frame, by ffmpeg.
    last: Option<Span>,
    losses: Arc<SourceLosses>,
}

debug_fields!(DeviceSource { info, label });

impl DeviceSource {
    /// Opens a screen: the whole of it, or `WIDTHxHEIGHT+X,Y` of it; on X11 the display may come first, as `:1` or
    /// `:1+640x480+0,0`. The rate is that of the options, or 30 frames a second.
    ///
    /// # Errors
    /// `NotFoundError` when there is no screen, or no ffmpeg; `NotReadableError` when the screen cannot be grabbed; a
    /// range error for a start time, which a live source cannot have.
    pub fn screen(name: &str, options: &SourceOptions) -> Result<Self> {
        if options.start.is_some_and(|start| start > Span::ZERO) {
            return Err(Error::range(
                "expected no start for a screen, which gives pictures as they happen; leave out the start",
            ));
        }
        let label = if name.is_empty() { "screen".to_owned() } else { format!("screen:{name}") };
        Self::open(screen_input(name, options.rate.unwrap_or(SCREEN_RATE))?, label.clone())
            .map_err(|error| error.at(label))
    }

    /// Opens a camera by its name, as dshow and avfoundation list it.
    ///
    /// # Errors
    /// `NotFoundError` when there is no such camera, or no ffmpeg; `NotSupportedError` where this build reads no cameras.
    pub fn camera(name: &str, wanted: &TrackConstraints) -> Result<Self> {
        let label = if name.is_empty() { "camera".to_owned() } else { format!("camera:{name}") };
        Self::open(camera_input(name, wanted)?, label.clone()).map_err(|error| error.at(label))
    }

    fn open(input: DeviceInput, label: String) -> Result<Self> {
        let (size, rate) = probe(&input)?;
        let mut command = program("ffmpeg");
        command.args(["-nostdin", "-v", "error"]);
        add_device(&mut command, &input);
        let pixels = if input.format == PixelFormat::Rgb8 { "rgb24" } else { "yuv420p" };
        let filters = format!("settb=1/1000000,{PRINT_TIMES}");
        command.args(["-map", "0:v:0", "-vf", &filters, "-fps_mode", "passthrough"]);
        command.args(["-pix_fmt", pixels, "-f", "rawvideo", "-"]);
        let decoding = Decoding::start(command, Frame::packed_len(input.format, size))?;
        let info = SourceInfo { kind: "ffmpeg", size, rate: Some(rate), frames: None, endless: true };
        let color = ColorSpace::untagged(size.height);
        let (format, losses) = (input.format, Arc::default());
        Ok(Self { info, label, format, color, decoding, clock: Clock::real(), shift: None, last: None, losses })
    }

    /// The clock's time of a frame that ffmpeg captured at `ticks` microseconds and that has just arrived.
    fn time_of(&mut self, ticks: Option<i64>) -> Timestamp {
        let now = self.clock.now();
        let Some(captured) = ticks.map(|micros| Span::from_nanos(micros.saturating_mul(1000))) else { return now };
        if let (Some(last), Some(rate)) = (self.last.replace(captured), self.info.rate) {
            let frames = rate.frames_in(captured - last + Span::from_nanos(rate.frame_span().as_nanos() / 2));
            self.losses.add_missed(frames.saturating_sub(2));
        }
        let waited = (now - Timestamp::ZERO) - captured;
        let shift = self.shift.map_or(waited, |shift| shift.min(waited));
        self.shift = Some(shift);
        Timestamp::ZERO + (captured + shift)
    }
}

impl Source for DeviceSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn live_clock(&self) -> Option<&Clock> {
        Some(&self.clock)
    }

    fn losses(&self) -> Option<Arc<SourceLosses>> {
        Some(self.losses.clone())
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        match self.decoding.next()? {
            Some(picture) => {
                let time = self.time_of(picture.ticks);
                Ok(Some(Frame::packed(self.format, self.info.size, self.color, picture.data).with_timestamp(time)))
            }
            None => {
                let end = self.decoding.end()?;
                let why = if end.message.is_empty() { end.status.to_string() } else { end.message };
                Err(Error::not_readable(format!(
                    "{} went away after {:.1} s: {why}",
                    self.label,
                    self.clock.now().as_secs_f64()
                )))
            }
        }
    }
}

fn add_device(command: &mut Command, input: &DeviceInput) {
    command.args(["-f", input.demuxer]).args(&input.options).args(["-i", &input.url]);
}

/// The size and the rate of a device.
fn probe(input: &DeviceInput) -> Result<(Size, FrameRate)> {
    let mut command = program("ffprobe");
    command.args(["-v", "error", "-of", "csv=p=0", "-show_entries", "stream=width,height,r_frame_rate"]);
    add_device(&mut command, input);
    let output = command.stdin(Stdio::null()).output().map_err(not_started)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut fields = text.lines().next().unwrap_or_default().split(',');
    let mut number = || fields.next()?.parse::<u64>().ok();
    let (Some(width), Some(height)) = (number(), number()) else {
        let said = super::run::last_line(&String::from_utf8_lossy(&output.stderr));
        let expected = "expected a device that the ffmpeg program can open but it found none";
        return Err(Error::not_readable(format!("{expected}: {said}")));
    };
    let size = checked_size(width, height)?;
    let rate = fields.next().and_then(|rate| rate.split_once('/'));
    let rate = rate.and_then(|(num, den)| plausible(num.parse().ok()?, den.parse().ok()?));
    Ok((size, rate.unwrap_or(SCREEN_RATE)))
}

/// The size and the position of a part of a screen.
type ScreenPart<'a> = (&'a str, &'a str);

/// Parses `:1+640x480+10,20`: the display, the size and the position; each may be absent.
fn split_screen(name: &str) -> Result<(Option<&str>, Option<ScreenPart<'_>>)> {
    let wrong = || {
        let expected = "expected a screen such as `screen`, `screen:640x480+100,50` or `screen::1`";
        Error::syntax(format!("{expected} but found `screen:{name}`"))
    };
    let (display, part) = match name.strip_prefix(':') {
        Some(rest) => match rest.split_once('+') {
            Some((display, part)) => (Some(&name[..=display.len()]), part),
            None => (Some(name), ""),
        },
        None => (None, name),
    };
    if part.is_empty() {
        return Ok((display, None));
    }
    let (size, place) = part.split_once('+').unwrap_or((part, "0,0"));
    let numbers =
        |text: &str, by| text.split_once(by).is_some_and(|(a, b)| a.parse::<u32>().is_ok() && b.parse::<u32>().is_ok());
    if !numbers(size, 'x') || !numbers(place, ',') {
        return Err(wrong());
    }
    Ok((display, Some((size, place))))
}

#[cfg(not(any(windows, target_os = "macos")))]
fn screen_input(name: &str, rate: FrameRate) -> Result<DeviceInput> {
    let (display, part) = split_screen(name)?;
    let display = match display {
        Some(display) => display.to_owned(),
        None => std::env::var("DISPLAY").ok().filter(|display| !display.is_empty()).ok_or_else(|| {
            Error::not_found(
                "expected an X server to grab but found none: DISPLAY is not set; name one, as `screen::1`",
            )
        })?,
    };
    let mut options = vec!["-framerate".to_owned(), format!("{}/{}", rate.num(), rate.den())];
    let mut url = display;
    if let Some((size, place)) = part {
        options.extend(["-video_size".to_owned(), size.to_owned()]);
        url = format!("{url}+{place}");
    }
    Ok(DeviceInput { demuxer: "x11grab", options, url, format: PixelFormat::Rgb8 })
}

#[cfg(windows)]
fn screen_input(name: &str, rate: FrameRate) -> Result<DeviceInput> {
    let (_, part) = split_screen(name)?;
    let mut options = vec!["-framerate".to_owned(), format!("{}/{}", rate.num(), rate.den())];
    if let Some((size, place)) = part {
        let (x, y) = place.split_once(',').unwrap_or(("0", "0"));
        options.extend(["-offset_x", x, "-offset_y", y, "-video_size", size].map(str::to_owned));
    }
    Ok(DeviceInput { demuxer: "gdigrab", options, url: "desktop".to_owned(), format: PixelFormat::Rgb8 })
}

#[cfg(target_os = "macos")]
fn screen_input(name: &str, rate: FrameRate) -> Result<DeviceInput> {
    if split_screen(name)?.1.is_some() {
        return Err(Error::not_supported("expected `screen`, whole, on this system but found a part of it"));
    }
    let options = vec!["-framerate".to_owned(), format!("{}/{}", rate.num(), rate.den())];
    let url = "Capture screen 0:none".to_owned();
    Ok(DeviceInput { demuxer: "avfoundation", options, url, format: PixelFormat::Rgb8 })
}

/// The requested size and rate, as options of ffmpeg.
#[cfg(any(windows, target_os = "macos"))]
fn camera_options(wanted: &TrackConstraints) -> Vec<String> {
    let mut options = Vec::new();
    if let (Some(width), Some(height)) = (wanted.width.wanted(), wanted.height.wanted()) {
        options.extend(["-video_size".to_owned(), format!("{width}x{height}")]);
    }
    if let Some(rate) = wanted.frame_rate.wanted() {
        options.extend(["-framerate".to_owned(), rate.to_string()]);
    }
    options
}

#[cfg(windows)]
fn camera_input(name: &str, wanted: &TrackConstraints) -> Result<DeviceInput> {
    if name.is_empty() {
        let listed = "list them with `ffmpeg -list_devices true -f dshow -i dummy`";
        return Err(Error::new(ErrorKind::NotFound, format!("expected a camera's name, as `camera:NAME`; {listed}")));
    }
    let url = format!("video={name}");
    Ok(DeviceInput { demuxer: "dshow", options: camera_options(wanted), url, format: PixelFormat::I420 })
}

#[cfg(target_os = "macos")]
fn camera_input(name: &str, wanted: &TrackConstraints) -> Result<DeviceInput> {
    let url = format!("{}:none", if name.is_empty() { "default" } else { name });
    Ok(DeviceInput { demuxer: "avfoundation", options: camera_options(wanted), url, format: PixelFormat::I420 })
}

#[cfg(not(any(windows, target_os = "macos")))]
fn camera_input(_name: &str, _wanted: &TrackConstraints) -> Result<DeviceInput> {
    let expected = "expected a build with the feature `camera` but found one without";
    Err(Error::new(ErrorKind::NotSupported, format!("{expected}; build with `--features camera`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_named_by_display_and_part() {
        assert_eq!(split_screen("").unwrap(), (None, None));
        assert_eq!(split_screen(":1.0").unwrap(), (Some(":1.0"), None));
        assert_eq!(split_screen("640x480").unwrap(), (None, Some(("640x480", "0,0"))));
        assert_eq!(split_screen(":99+640x480+10,20").unwrap(), (Some(":99"), Some(("640x480", "10,20"))));
        for wrong in ["left", "640", "640x480+1", ":1+x"] {
            let error = split_screen(wrong).unwrap_err().to_string();
            assert!(error.ends_with(&format!("but found `screen:{wrong}`")), "{error}");
        }
    }
}
