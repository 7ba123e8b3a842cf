//! Constraints and capabilities of cameras and microphones, and the selection of the nearest settings (Media Capture
//! and Streams). Nothing here opens a device, so all selections are tested without one.
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
//! Where the specification leaves it open:
//! - **Sizes are the device's own.** `resizeMode` is always `none`: what is to be cropped or scaled is drawn on a
//!   [`Canvas`](crate::canvas::Canvas) of the wanted size.
//! - **Equal distances.** The device that comes first, then what is nearest to 640×480 at 30 frames a second (sound:
//!   48 kHz, stereo), then raw pictures before JPEG before other compressed ones, then the device's own order.
//! - **Ratios are compared with a tolerance** of [`TOLERANCE`]: 1.778 is 16:9, and a camera's 30.00003 is 30, but 29.97
//!   is not.
//! - **An error names one constraint**: the first that no device meets; else the one at which those before it, taken
//!   together, leave nothing.

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

/// How far apart two rates or ratios may be, relative to the larger one, and still be the same.
pub const TOLERANCE: f64 = 0.0005;

/// The requested media: video, audio, or both (`MediaStreamConstraints`). A kind that is `None` is not requested.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Constraints {
    /// The constraints of the video track.
    pub video: Option<TrackConstraints>,
    /// The constraints of the audio track.
    pub audio: Option<TrackConstraints>,
}

impl Constraints {
    /// Any video (`{ video: true }`).
    pub fn video() -> Self {
        Self { video: Some(TrackConstraints::default()), audio: None }
    }

    /// Any audio (`{ audio: true }`).
    pub fn audio() -> Self {
        Self { video: None, audio: Some(TrackConstraints::default()) }
    }

    /// Any video and audio (`{ video: true, audio: true }`).
    pub fn both() -> Self {
        Self { video: Some(TrackConstraints::default()), audio: Some(TrackConstraints::default()) }
    }

    /// Checks that the request is valid (`getUserMedia`). Whether a device id exists is checked later, when a device is
    /// selected.
    ///
    /// # Errors
    /// `TypeError` when neither video nor audio is requested, and for a number that is not finite.
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

/// The constraints of one track (`MediaTrackConstraints`, §4.3). A constraint that is not set is empty, and one that
/// does not apply, such as a width for a microphone, is ignored.
///
/// They can be parsed from text: `width=1280,height=min:720,frame-rate=exact:30`. Names are those of the fields with
/// hyphens, or those of the Web. A value may have the prefix `exact:`, `min:`, `max:` or `ideal:` (without a prefix, it
/// is ideal), or be a range (`640..1920`). A name may be repeated: `width=min:640,width=ideal:1280`. Aspect ratios are
/// written `16:9` or `1.778`, latencies `20ms` or `0.02`. Text cannot contain [advanced](TrackConstraints::advanced)
/// sets.
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
    /// How frames are resized: only `none` (the camera's own size) is supported.
    pub resize_mode: StringConstraint,
    /// Samples per second.
    pub sample_rate: Constraint<u32>,
    /// Bits per sample.
    pub sample_size: Constraint<u32>,
    /// The number of audio channels.
    pub channel_count: Constraint<u32>,
    /// The latency of the samples, in seconds.
    pub latency: Constraint<f64>,
    /// The gain of the sound in decibels; 0 does not change it. An addition to the Web's constraints.
    pub gain: Constraint<f64>,
    /// The id of the device.
    pub device_id: StringConstraint,
    /// The id of the device's group: a webcam's camera and microphone have the same group.
    pub group_id: StringConstraint,
    /// Further sets of constraints, the most important first. Each set is applied if it can be met together with those
    /// before it, and otherwise ignored. A value without a prefix in a set is exact. Sets within these sets are
    /// ignored.
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

/// The names of the supported constraints (`getSupportedConstraints`), as on the Web. The last one, `gain`, is an
/// addition.
///
/// ```
/// assert!(framereel::constraints::get_supported_constraints().contains(&"frameRate"));
/// ```
pub fn get_supported_constraints() -> [&'static str; Property::ALL.len()] {
    Property::ALL.map(Property::name)
}
