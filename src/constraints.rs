//! Constraints of Media Capture and Streams, as values: what is asked of cameras and microphones, what devices can do,
//! and which of their settings come nearest. Nothing here opens a device, so every choice is tested without one.
//!
//! ```
//! use framereel::constraints::{Constraint, InputDevice, TrackConstraints, VideoMode, select};
//! use framereel::frame::Size;
//! use framereel::stream::TrackKind;
//! use framereel::time::FrameRate;
//!
//! let modes = vec![
//!     VideoMode::new("YUYV", Size::new(640, 480), FrameRate::whole(30)),
//!     VideoMode::new("YUYV", Size::new(1280, 720), FrameRate::whole(10)),
//!     VideoMode::new("MJPG", Size::new(1280, 720), FrameRate::whole(30)),
//! ];
//! let devices = [InputDevice::video("camera-1", "Webcam", modes)];
//!
//! let wanted = TrackConstraints::default().with_width(1280.into()).with_frame_rate(Constraint::min(24.0));
//! let selection = select(TrackKind::Video, &devices, &wanted)?;
//! assert_eq!((selection.settings.width, selection.settings.format.as_str()), (Some(1280), "MJPG"));
//!
//! let impossible = "width=exact:10000".parse()?;
//! let error = select(TrackKind::Video, &devices, &impossible).unwrap_err();
//! assert!(error.to_string().starts_with("expected a width of exactly 10000 but found 640 to 1280"));
//! # Ok::<(), framereel::Error>(())
//! ```
//!
//! Choices that the specification leaves open:
//! - **Sizes are the device's own.** `resizeMode` is always `none`. To crop or scale, draw on a
//!   [`Canvas`](crate::canvas::Canvas) of the wanted size.
//! - **Equal distances.** The first device wins; then the mode nearest to 640×480 at 30 frames a second (sound: 48 kHz,
//!   stereo), then raw formats before JPEG before other compressed ones, then the device's own order.
//! - **Ratios are compared with a tolerance** of [`TOLERANCE`]: 1.778 is 16:9, and a camera's 30.00003 is 30, but 29.97
//!   is not.
//! - **An error names one constraint**: the first that no device meets; else the first that no device meets together
//!   with those before it.

mod constraint;
mod device;
mod distance;
mod parse;
mod property;
mod selection;
mod settings;

pub use constraint::{Constraint, StringConstraint};
pub use device::{AudioMode, FacingMode, InputDevice, Steps, VideoMode};
pub use distance::fitness_distance;
pub use selection::{Selection, select};
pub use settings::{Capabilities, Settings};

use crate::error::{Error, ErrorKind, Result};
use property::Property;

/// The greatest difference of two rates or ratios that count as equal, relative to the larger one.
pub const TOLERANCE: f64 = 0.0005;

/// Constraints on video, sound, or both (`MediaStreamConstraints`). None: that kind is not requested.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Constraints {
    /// Constraints on the camera.
    pub video: Option<TrackConstraints>,
    /// Constraints on the microphone.
    pub audio: Option<TrackConstraints>,
}

impl Constraints {
    /// Video of any kind (`{ video: true }`).
    pub fn video() -> Self {
        Self { video: Some(TrackConstraints::default()), audio: None }
    }

    /// Sound of any kind (`{ audio: true }`).
    pub fn audio() -> Self {
        Self { video: None, audio: Some(TrackConstraints::default()) }
    }

    /// Video and sound of any kind (`{ video: true, audio: true }`).
    pub fn both() -> Self {
        Self { video: Some(TrackConstraints::default()), audio: Some(TrackConstraints::default()) }
    }

    /// Checks that these constraints are valid for `getUserMedia`. Whether a requested device id exists is checked
    /// later, when a device is selected.
    ///
    /// # Errors
    /// `TypeError` where neither video nor sound is requested, and for a number that is not finite.
    pub fn check(&self) -> Result<()> {
        if self.video.is_none() && self.audio.is_none() {
            return Err(Error::new(
                ErrorKind::Type,
                "expected video or audio to be asked for but found neither; ask for one or both",
            ));
        }
        self.video.iter().chain(&self.audio).try_for_each(TrackConstraints::check)
    }
}

/// Constraints on one track (`MediaTrackConstraints`, §4.3). The default of each is empty: no constraint. A constraint
/// that does not apply to the kind of track, such as a width of a microphone, is ignored.
///
/// Can be parsed from text: `width=1280,height=min:720,frame-rate=exact:30`. Names are written as here with hyphens, or
/// as the Web writes them. A value may have the prefix `exact:`, `min:`, `max:` or `ideal:`, or be a range
/// (`640..1920`); a bare value is the ideal one. A name may be repeated: `width=min:640,width=ideal:1280`. Aspect
/// ratios are written `16:9` or `1.778`, latencies `20ms` or `0.02`. The text cannot express
/// [advanced](TrackConstraints::advanced) sets.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct TrackConstraints {
    /// Width in pixels.
    pub width: Constraint<u32>,
    /// Height in pixels.
    pub height: Constraint<u32>,
    /// Frames per second.
    pub frame_rate: Constraint<f64>,
    /// Width divided by height.
    pub aspect_ratio: Constraint<f64>,
    /// The direction of a camera: `user`, `environment`, `left` or `right`.
    pub facing_mode: StringConstraint,
    /// How the size is made: `none` (as the camera gives it) is the only mode.
    pub resize_mode: StringConstraint,
    /// Samples per second.
    pub sample_rate: Constraint<u32>,
    /// Bits a sample.
    pub sample_size: Constraint<u32>,
    /// The number of audio channels.
    pub channel_count: Constraint<u32>,
    /// Latency in seconds.
    pub latency: Constraint<f64>,
    /// Amplification of the sound in decibels; 0 leaves it as it is. An extension: the Web has none.
    pub gain: Constraint<f64>,
    /// The id of the device.
    pub device_id: StringConstraint,
    /// The group of the device: a webcam's camera and microphone have the same one.
    pub group_id: StringConstraint,
    /// Further sets of constraints, the most important first. A set is applied if it can be met together with those
    /// before it, and otherwise ignored. A bare value in a set is an exact one. Sets within these sets have no effect.
    pub advanced: Vec<TrackConstraints>,
}

setters! {
    TrackConstraints {
        with_width: width: Constraint<u32>,
        with_height: height: Constraint<u32>,
        with_frame_rate: frame_rate: Constraint<f64>,
        with_aspect_ratio: aspect_ratio: Constraint<f64>,
        with_facing_mode: facing_mode: StringConstraint,
        with_resize_mode: resize_mode: StringConstraint,
        with_sample_rate: sample_rate: Constraint<u32>,
        with_sample_size: sample_size: Constraint<u32>,
        with_channel_count: channel_count: Constraint<u32>,
        with_latency: latency: Constraint<f64>,
        with_gain: gain: Constraint<f64>,
        with_device_id: device_id: StringConstraint,
        with_group_id: group_id: StringConstraint,
        with_advanced: advanced: Vec<TrackConstraints>,
    }
}

impl TrackConstraints {
    fn check(&self) -> Result<()> {
        let sets = std::iter::once(self).chain(&self.advanced);
        for (property, number) in sets.flat_map(Self::numbers) {
            if !number.is_finite() {
                let name = property.name();
                return Err(Error::new(
                    ErrorKind::Type,
                    format!("expected a finite number for {name} but found {number}"),
                ));
            }
        }
        Ok(())
    }
}

/// The names of the constraints that have an effect (`getSupportedConstraints`), as the Web writes them. The last one,
/// `gain`, is an extension.
///
/// ```
/// assert!(framereel::constraints::get_supported_constraints().contains(&"frameRate"));
/// ```
pub fn get_supported_constraints() -> [&'static str; Property::ALL.len()] {
    Property::ALL.map(Property::name)
}
