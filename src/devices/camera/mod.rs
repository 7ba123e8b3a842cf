//! Cameras: the list of them, and a camera as a live source.
//!
//! ```text
//! driver's buffer ──▶ thread "camera": V4L2 or MJPEG planes ──Frame──▶ each CameraSource ──▶ canvas, which unpacks on the GPU
//! ```
//!
//! Raw frames are copied once and not converted here. A frame's time is the driver's, by the system's monotonic clock,
//! and not the time at which it was read. A camera that is opened twice in one program is shared: the second user gets
//! the mode of the first.

#[cfg(all(target_os = "linux", feature = "camera"))]
mod controls;
#[cfg(all(target_os = "linux", feature = "camera"))]
mod mjpeg;
#[cfg(all(target_os = "linux", feature = "camera"))]
mod shared;
#[cfg(all(target_os = "linux", feature = "camera"))]
mod v4l2;

#[cfg(all(target_os = "linux", feature = "camera"))]
mod source;
#[cfg(all(target_os = "linux", feature = "camera"))]
mod track;
use crate::constraints::{InputDevice, StringConstraint, TrackConstraints};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::source::{Source, SourceOptions};
use crate::stream::MediaStream;
use crate::time::Span;
#[cfg(all(target_os = "linux", feature = "camera"))]
pub use controls::CameraControl;
#[cfg(all(target_os = "linux", feature = "camera"))]
pub use source::CameraSource;

/// The controls of the camera of this name; of the first camera where the name is empty. None where it has none.
///
/// # Errors
/// `NotFoundError` when there is no such camera; `NotReadableError` when it cannot be opened.
#[cfg(all(target_os = "linux", feature = "camera"))]
pub fn controls(name: &str) -> Result<Vec<CameraControl>> {
    Ok(controls::list(&v4l2::device(name)?))
}

/// Sets a control of the camera of this name, also while it is recorded: `set_control("", "zoom-absolute", 120)`.
///
/// # Errors
/// `NotFoundError` when there is no such camera or control; a range error for a value outside the control's range;
/// `NotReadableError` when the driver refuses the value.
#[cfg(all(target_os = "linux", feature = "camera"))]
pub fn set_control(name: &str, control: &str, value: i64) -> Result<()> {
    controls::set(&v4l2::device(name)?, control, value)
}

/// An error: this build has no cameras.
///
/// # Errors
/// `NotSupportedError`, always.
#[cfg(not(all(target_os = "linux", feature = "camera")))]
pub fn set_control(_name: &str, _control: &str, _value: i64) -> Result<()> {
    Err(Error::not_supported("expected a build with cameras to set a control of but found one without"))
}

/// The device nodes of cameras, in the order of their numbers, whether they may be opened or not.
#[cfg(target_os = "linux")]
pub(super) fn nodes() -> Vec<std::path::PathBuf> {
    let names = std::fs::read_dir("/dev").into_iter().flatten().flatten().map(|entry| entry.file_name());
    let number = |name: std::ffi::OsString| name.to_str()?.strip_prefix("video")?.parse::<u32>().ok();
    let mut numbers: Vec<u32> = names.filter_map(number).collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| format!("/dev/video{number}").into()).collect()
}

/// The mode to request from a camera when the user requests none: a size that fills a player's window.
const WANTED: (u32, u32, f64) = (1280, 720, 30.0);

/// The constraints for a camera that was named on the command line: the options' size and rate where the camera has
/// them, else 1280×720 at 30 frames a second, or the nearest mode. The name may be a list of constraints itself, as
/// `width=640,frame-rate=exact:60`.
///
/// # Errors
/// When the name has an equals sign and is not a list of constraints.
pub fn wanted(name: &str, options: &SourceOptions) -> Result<TrackConstraints> {
    let mut wanted = if name.contains('=') {
        name.parse()?
    } else {
        TrackConstraints { device_id: named(name), ..TrackConstraints::default() }
    };
    let default = TrackConstraints::default();
    if wanted.width == default.width && wanted.height == default.height {
        let (width, height) = options.size.map_or((WANTED.0, WANTED.1), |size| (size.width, size.height));
        (wanted.width, wanted.height) = (width.into(), height.into());
    }
    if wanted.frame_rate == default.frame_rate {
        wanted.frame_rate = options.rate.map_or(WANTED.2, |rate| rate.as_f64()).into();
    }
    Ok(wanted)
}

fn named(name: &str) -> StringConstraint {
    if name.is_empty() { StringConstraint::default() } else { StringConstraint::exact(name) }
}

/// Opens a camera with the constraints of [`wanted`].
///
/// # Errors
/// Those of the camera; a range error for a start time, which a live source cannot have.
pub fn open(name: &str, options: &SourceOptions) -> Result<Box<dyn Source>> {
    if options.start.is_some_and(|start| start > Span::ZERO) {
        return Err(Error::range(
            "expected no start for a camera, which gives pictures as they happen; leave out the start",
        ));
    }
    open_wanted(name, &wanted(name, options)?)
}

#[cfg(all(target_os = "linux", feature = "camera"))]
fn open_wanted(_name: &str, wanted: &TrackConstraints) -> Result<Box<dyn Source>> {
    Ok(Box::new(CameraSource::open(wanted)?))
}

/// Where this library has no camera reader, the `ffmpeg` program reads cameras.
#[cfg(not(all(target_os = "linux", feature = "camera")))]
fn open_wanted(name: &str, wanted: &TrackConstraints) -> Result<Box<dyn Source>> {
    Ok(Box::new(crate::source::ffmpeg::DeviceSource::camera(name, wanted)?))
}

/// Opens the camera that comes nearest to these constraints, as a stream with one track.
#[cfg(all(target_os = "linux", feature = "camera"))]
pub(super) fn start_track(gpu: &Gpu, wanted: &TrackConstraints) -> Result<MediaStream> {
    track::CameraTrack::start(gpu, wanted)
}

/// An error: this build has no cameras.
#[cfg(not(all(target_os = "linux", feature = "camera")))]
pub(super) fn start_track(_gpu: &Gpu, _wanted: &TrackConstraints) -> Result<MediaStream> {
    Err(Error::not_supported(
        "expected a build with cameras but found one without; record `camera:NAME` with the program",
    ))
}

/// The cameras of this machine, in the system's order. Those that may not be opened are left out.
#[cfg(all(target_os = "linux", feature = "camera"))]
pub fn cameras() -> Vec<InputDevice> {
    v4l2::cameras().into_iter().map(|(_, device)| device).collect()
}

/// None: this build has no cameras.
#[cfg(not(all(target_os = "linux", feature = "camera")))]
pub fn cameras() -> Vec<InputDevice> {
    Vec::new()
}
