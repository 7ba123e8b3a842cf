//! Cameras on Linux: V4L2 with memory-mapped buffers, by the `v4l` crate.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use v4l::buffer::{Flags as BufferFlags, Metadata, Type};
use v4l::capability::Flags;
use v4l::format::{Colorspace, Quantization};
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::io::mmap::Stream;
use v4l::io::traits::{CaptureStream, Stream as _};
use v4l::video::Capture as _;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC, Fraction};

use super::mjpeg::MjpegDecoder;
use crate::clock::Clock;
use crate::color::{ColorSpace, Matrix, Range, Siting};
use crate::constraints::{InputDevice, Steps, VideoMode};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, PixelFormat, Plane, Size};
use crate::time::{FrameRate, Span, Timestamp};

/// How many buffers the driver fills in turn.
const BUFFERS: u32 = 4;
/// How long a camera may send no frame before it counts as gone.
const SILENT: Duration = Duration::from_secs(3);
/// A buffer's time that is older than this is not of the monotonic clock.
const OLDEST: Span = Span::from_secs(1);

/// A mode of a camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Mode {
    /// The format's four letters, as `YUYV`.
    pub format: String,
    pub size: Size,
    pub rate: FrameRate,
}

/// Every camera that may be opened, with its node.
pub fn cameras() -> Vec<(PathBuf, InputDevice)> {
    let nodes = super::nodes().into_iter();
    let mut found: Vec<(PathBuf, InputDevice)> =
        nodes.filter_map(|node| describe(&node).ok().flatten().map(|device| (node, device))).collect();
    // Two cameras on one bus are distinguished by their nodes.
    for index in 1..found.len() {
        let (before, rest) = found.split_at_mut(index);
        if before.iter().any(|(_, device)| device.device_id == rest[0].1.device_id) {
            rest[0].1.device_id = format!("{} {}", rest[0].1.device_id, rest[0].0.display());
        }
    }
    found
}

/// The camera of this name: its id, its node, its label, or a part of the label.
///
/// # Errors
/// `NotFoundError` when no camera has this name.
pub fn position(name: &str, nodes: &[PathBuf], devices: &[InputDevice]) -> Result<usize> {
    let lower = name.to_lowercase();
    let by: [&dyn Fn(usize) -> bool; 4] = [
        &|index| devices[index].device_id == name,
        &|index| nodes[index].as_os_str() == name,
        &|index| devices[index].label == name,
        &|index| devices[index].label.to_lowercase().contains(&lower),
    ];
    let found = by.iter().find_map(|fits| (0..devices.len()).find(|&index| fits(index)));
    found.ok_or_else(|| {
        let known: Vec<_> = devices.iter().map(|device| format!("`{}`", device.label)).collect();
        let known = known.join(", ");
        Error::not_found(format!("expected a camera named `{name}` but found {known}; `framereel devices` lists them"))
    })
}

/// Opens the camera of this name, also while it is read; the first one where the name is empty.
pub fn device(name: &str) -> Result<Device> {
    let (nodes, devices): (Vec<PathBuf>, Vec<InputDevice>) = cameras().into_iter().unzip();
    if nodes.is_empty() {
        return Err(none_found());
    }
    let node = &nodes[if name.is_empty() { 0 } else { position(name, &nodes, &devices)? }];
    Device::with_path(node).map_err(|error| refused(&node.display().to_string(), error))
}

/// The reason for an empty list: no camera exists, or none may be opened.
pub fn none_found() -> Error {
    let denied = super::nodes()
        .into_iter()
        .find(|node| Device::with_path(node).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied));
    match denied {
        Some(node) => not_allowed(&node.display().to_string()),
        None => Error::not_found(
            "expected a camera but found none; plug one in (`framereel devices` lists what there is), or record `pattern` or \
             `screen`",
        ),
    }
}

fn not_allowed(node: &str) -> Error {
    let expected = format!("expected permission to open {node} but found none");
    Error::new(
        ErrorKind::NotAllowed,
        format!("{expected}; join its group with `sudo usermod -aG video $USER` and log in again"),
    )
}

/// Describes the device at this node; none where it is not a camera.
fn describe(node: &Path) -> io::Result<Option<InputDevice>> {
    let device = Device::with_path(node)?;
    let found = device.query_caps()?;
    if !found.capabilities.contains(Flags::VIDEO_CAPTURE | Flags::STREAMING) {
        return Ok(None);
    }
    let modes = modes(&device)?;
    if modes.is_empty() {
        return Ok(None);
    }
    let id = if found.bus.is_empty() { node.display().to_string() } else { found.bus.clone() };
    let label = if found.card.is_empty() { node.display().to_string() } else { found.card };
    Ok(Some(InputDevice::video(id, label, modes).with_group(found.bus)))
}

fn modes(device: &Device) -> io::Result<Vec<VideoMode>> {
    let mut modes = Vec::new();
    for description in device.enum_formats()? {
        let Ok(letters) = description.fourcc.str() else { continue };
        if RawFormat::of(letters).is_none() {
            continue;
        }
        let sizes = device.enum_framesizes(description.fourcc).unwrap_or_default();
        for size in sizes {
            match size.size {
                FrameSizeEnum::Discrete(size) => {
                    modes.extend(modes_of_size(device, description.fourcc, letters, size.width, size.height));
                }
                FrameSizeEnum::Stepwise(steps) => {
                    let width = Steps::new(steps.min_width, steps.max_width, steps.step_width);
                    let height = Steps::new(steps.min_height, steps.max_height, steps.step_height);
                    let rates = rates(device, description.fourcc, steps.max_width, steps.max_height);
                    let by_rate = |a: &FrameRate, b: &FrameRate| a.as_f64().total_cmp(&b.as_f64());
                    let slowest = rates.iter().copied().min_by(by_rate).unwrap_or(USUAL_RATE);
                    let fastest = rates.iter().copied().max_by(by_rate).unwrap_or(USUAL_RATE);
                    modes.push(VideoMode::stepwise(letters, width, height, slowest..=fastest));
                }
            }
        }
    }
    if modes.is_empty() {
        // A driver that lists no modes has its current mode only.
        let format = device.format()?;
        if let Some(letters) = format.fourcc.str().ok().filter(|letters| RawFormat::of(letters).is_some()) {
            modes.push(VideoMode::new(letters, Size::new(format.width, format.height), USUAL_RATE));
        }
    }
    Ok(modes)
}

/// The rate that is assumed where a driver reports none.
const USUAL_RATE: FrameRate = FrameRate::whole(30);

fn modes_of_size(device: &Device, fourcc: FourCC, letters: &str, width: u32, height: u32) -> Vec<VideoMode> {
    let rates = rates(device, fourcc, width, height);
    let rates = if rates.is_empty() { vec![USUAL_RATE] } else { rates };
    rates.into_iter().map(|rate| VideoMode::new(letters, Size::new(width, height), rate)).collect()
}

/// The rates of one size: each discrete one, or the least and the greatest of a range.
fn rates(device: &Device, fourcc: FourCC, width: u32, height: u32) -> Vec<FrameRate> {
    let rate = |interval: Fraction| FrameRate::new(interval.denominator, interval.numerator).ok();
    let intervals = device.enum_frameintervals(fourcc, width, height).unwrap_or_default();
    let rates = intervals.into_iter().flat_map(|interval| match interval.interval {
        FrameIntervalEnum::Discrete(interval) => vec![rate(interval)],
        FrameIntervalEnum::Stepwise(steps) => vec![rate(steps.max), rate(steps.min)],
    });
    rates.flatten().collect()
}

/// How a camera's bytes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RawFormat {
    Planes(PixelFormat),
    Mjpeg,
}

impl RawFormat {
    fn of(letters: &str) -> Option<Self> {
        Some(match letters {
            "YUYV" => Self::Planes(PixelFormat::Yuyv),
            "NV12" => Self::Planes(PixelFormat::Nv12),
            "YU12" => Self::Planes(PixelFormat::I420),
            "422P" => Self::Planes(PixelFormat::I422),
            "RGB3" => Self::Planes(PixelFormat::Rgb8),
            "GREY" => Self::Planes(PixelFormat::Gray8),
            "MJPG" | "JPEG" => Self::Mjpeg,
            _ => return None,
        })
    }
}

/// A frame, or none where it was damaged; and how many frames were missed before it.
pub struct Captured {
    pub frame: Option<Frame>,
    pub missed: u64,
}

/// An open camera. The thread that opened it makes all calls to it.
pub struct CameraReader {
    // Dropped before the device is.
    stream: Option<Stream<'static>>,
    mode: Mode,
    raw: RawFormat,
    layout: Vec<Plane>,
    color: ColorSpace,
    decoder: MjpegDecoder,
    /// The sequence number of the last buffer.
    sequence: Option<u32>,
}

impl CameraReader {
    /// Sets the camera to this mode and starts its stream.
    pub fn open(node: &Path, mode: &Mode) -> Result<Self> {
        let shown = node.display().to_string();
        let device = Device::with_path(node).map_err(|error| refused(&shown, error))?;
        let letters: [u8; 4] = mode.format.as_bytes().try_into().unwrap_or(*b"YUYV");
        let wanted = Format::new(mode.size.width, mode.size.height, FourCC::new(&letters));
        let format = device.set_format(&wanted).map_err(|error| refused(&shown, error))?;
        let found = format.fourcc.str().unwrap_or_default().to_owned();
        let size = Size::new(format.width, format.height);
        let Some(raw) = RawFormat::of(&found).filter(|_| size.pixels() > 0) else {
            let Mode { format, size: wanted, .. } = mode;
            return Err(Error::not_readable(format!(
                "expected {format} of {wanted} but the driver gave {found} of {size}"
            )));
        };
        // Not every driver has rates. The times of the frames are the driver's in any case.
        let interval = Fraction::new(mode.rate.den(), mode.rate.num());
        let params = device.set_params(&Parameters::new(interval)).ok();
        let rate = params.and_then(|set| FrameRate::new(set.interval.denominator, set.interval.numerator).ok());
        let mut stream =
            Stream::with_buffers(&device, Type::VideoCapture, BUFFERS).map_err(|error| refused(&shown, error))?;
        stream.set_timeout(SILENT);
        let layout = match raw {
            RawFormat::Planes(pixels) => layout(pixels, size, format.stride as usize),
            RawFormat::Mjpeg => Vec::new(),
        };
        let color = color_of(&format);
        let mode = Mode { format: found, size, rate: rate.unwrap_or(mode.rate) };
        Ok(Self { stream: Some(stream), mode, raw, layout, color, decoder: MjpegDecoder::new()?, sequence: None })
    }

    /// The mode of the camera.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// Waits for the next frame, whose timestamp is the driver's, by `clock`.
    ///
    /// # Errors
    /// When the camera is gone or sends no frame.
    pub fn next(&mut self, clock: &Clock) -> Result<Captured> {
        let stream = self.stream.as_mut().ok_or_else(|| Error::unknown("the camera is closed"))?;
        let (data, meta) = stream.next().map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Error::not_readable(format!("it brought no picture for {} s", SILENT.as_secs())),
            _ => Error::not_readable("it could not be read any more").with_cause(error),
        })?;
        let missed = self.sequence.map_or(0, |last| u64::from(meta.sequence.wrapping_sub(last).saturating_sub(1)));
        // Some drivers do not number buffers, and some restart the numbers.
        let missed = if missed < 1000 { missed } else { 0 };
        self.sequence = Some(meta.sequence);
        let time = captured_at(meta, clock);
        let used = (meta.bytesused as usize).min(data.len());
        let damaged = meta.flags.contains(BufferFlags::ERROR);
        let frame = match self.raw {
            _ if damaged => None,
            RawFormat::Mjpeg => self.decoder.decode(&data[..used]).ok(),
            RawFormat::Planes(format) => picture(format, self.mode.size, self.color, &self.layout, &data[..used]),
        };
        Ok(Captured { frame: frame.map(|frame| frame.with_timestamp(time)), missed })
    }
}

impl Drop for CameraReader {
    fn drop(&mut self) {
        /// The system's error for a device that was unplugged (`ENODEV`).
        const UNPLUGGED: i32 = 19;
        // The crate's own drop panics where a driver refuses to stop, unless the device is gone. Such a stream is
        // leaked until the process ends.
        if let Some(mut stream) = self.stream.take()
            && stream.stop().is_err_and(|error| error.raw_os_error() != Some(UNPLUGGED))
        {
            std::mem::forget(stream);
        }
    }
}

/// A raw frame, copied once; none where bytes are missing.
fn picture(format: PixelFormat, size: Size, color: ColorSpace, layout: &[Plane], data: &[u8]) -> Option<Frame> {
    let whole = layout.iter().enumerate().all(|(index, plane)| {
        let (row, rows) = format.plane_size(index, size);
        plane.offset + plane.stride * rows.saturating_sub(1) + row <= data.len()
    });
    whole.then(|| Frame::strided(format, size, color, layout, data.to_vec()))
}

/// The layout of a frame's planes when the first one has this many bytes a row (V4L2, `v4l2_pix_format`): the other
/// planes follow it directly, and their rows are shorter in proportion to the bytes that they hold.
fn layout(format: PixelFormat, size: Size, stride: usize) -> Vec<Plane> {
    let first = format.plane_size(0, size).0;
    let stride = stride.max(first);
    let mut offset = 0;
    let plane = |index| {
        let (row, rows) = format.plane_size(index, size);
        let stride = if index == 0 || row == first { stride } else { (stride * row).div_ceil(first).max(row) };
        let plane = Plane { offset, stride };
        offset += stride * rows;
        plane
    };
    (0..format.planes()).map(plane).collect()
}

/// The colour space that the driver reports; fields that it leaves open are BT.601 in limited range, as V4L2 defines.
fn color_of(format: &Format) -> ColorSpace {
    let matrix = if matches!(format.colorspace, Colorspace::Rec709) { Matrix::Bt709 } else { Matrix::Bt601 };
    let full = matches!(format.quantization, Quantization::FullRange) || matches!(format.colorspace, Colorspace::JPEG);
    let range = if full { Range::Full } else { Range::Limited };
    ColorSpace { matrix, range, siting: Siting::Left, ..ColorSpace::RECORDED }
}

/// The time at which a buffer was captured, by `clock`: the driver's time if that is of the monotonic clock, else now.
fn captured_at(meta: &Metadata, clock: &Clock) -> Timestamp {
    let now = clock_gettime(ClockId::Monotonic);
    let clock_now = clock.now();
    let nanos = |secs: i64, nanos: i64| secs.saturating_mul(1_000_000_000).saturating_add(nanos);
    let stamp = nanos(meta.timestamp.sec, meta.timestamp.usec.saturating_mul(1000));
    let age = Span::from_nanos(nanos(now.tv_sec, now.tv_nsec).saturating_sub(stamp));
    let monotonic = (Span::ZERO..=OLDEST).contains(&age);
    if monotonic { clock_now - age } else { clock_now }
}

/// The error of a camera that cannot be opened.
fn refused(node: &str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::PermissionDenied => not_allowed(node),
        io::ErrorKind::ResourceBusy => {
            Error::not_readable(format!("expected {node} to be free but found it busy; close the program that uses it"))
                .with_cause(error)
        }
        io::ErrorKind::NotFound => {
            Error::not_found(format!("expected a camera at {node} but found none")).with_cause(error)
        }
        _ => Error::not_readable(format!("{node} could not be opened")).with_cause(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_of_the_wrong_length_gives_no_picture() {
        let size = Size::new(4, 2);
        let color = ColorSpace::untagged(2);
        for (format, stride, whole) in [
            (PixelFormat::Yuyv, 8, 16),
            (PixelFormat::Yuyv, 16, 24),
            (PixelFormat::Nv12, 4, 12),
            (PixelFormat::Nv12, 8, 20),
            (PixelFormat::I420, 4, 12),
            (PixelFormat::I420, 8, 22),
            (PixelFormat::Gray8, 4, 8),
            (PixelFormat::Rgb8, 12, 24),
        ] {
            let planes = layout(format, size, stride);
            assert!(picture(format, size, color, &planes, &vec![0; whole]).is_some(), "{format:?} of {stride}");
            assert!(picture(format, size, color, &planes, &vec![0; whole - 1]).is_none(), "{format:?} of {stride}");
            assert!(picture(format, size, color, &planes, &[]).is_none(), "{format:?}");
        }
    }
}
