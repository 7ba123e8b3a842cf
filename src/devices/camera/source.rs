//! A camera as a source of frames.

use std::path::PathBuf;
use std::sync::Arc;

use super::shared::{self, Subscription};
use super::v4l2;
use crate::clock::Clock;
use crate::constraints::{InputDevice, Settings, TrackConstraints, select};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, Size};
use crate::source::{Source, SourceInfo, SourceLosses};
use crate::stream::TrackKind;

/// A camera that is open. It is let go when the last source of it is dropped.
pub struct CameraSource {
    info: SourceInfo,
    label: String,
    settings: Settings,
    subscription: Subscription,
}

impl CameraSource {
    /// Opens the camera and the mode that come nearest to what is wanted. A device may be named by its id, its label, a
    /// part of it, or its node.
    ///
    /// # Errors
    /// `NotFoundError` when there is no camera (of that name), `OverconstrainedError` when none can do what is required,
    /// `NotReadableError` when it is busy or brings no picture, `NotAllowedError` when it may not be opened.
    pub fn open(wanted: &TrackConstraints) -> Result<Self> {
        let cameras = v4l2::cameras();
        if cameras.is_empty() {
            return Err(v4l2::none_found());
        }
        let (nodes, devices): (Vec<PathBuf>, Vec<InputDevice>) = cameras.into_iter().unzip();
        let wanted = with_ids(wanted, &nodes, &devices)?;
        let selection = select(TrackKind::Video, &devices, &wanted)?;
        let device = &devices[selection.device];
        let mode = &device.video_modes()[selection.mode];
        let Settings { width, height, frame_rate, .. } = selection.settings;
        let size = Size::new(width.unwrap_or_default(), height.unwrap_or_default());
        let mode =
            v4l2::Mode { format: mode.format.clone(), size, rate: mode.rate_near(frame_rate.unwrap_or_default()) };
        let opened = shared::open(&nodes[selection.device], &device.label, mode);
        let subscription = opened.map_err(|error| error.at(format!("camera `{}`", device.label)))?;
        let v4l2::Mode { format, size, rate } = subscription.mode().clone();
        let settings = Settings {
            width: Some(size.width),
            height: Some(size.height),
            frame_rate: Some(rate.as_f64()),
            format,
            ..selection.settings
        };
        let info = SourceInfo { kind: "camera", size, rate: Some(rate), frames: None, endless: true };
        Ok(Self { info, label: device.label.clone(), settings, subscription })
    }

    /// Its name for people.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How it is set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// The same constraints, where a label, a part of it or a node stands in place of a device's id, with the id.
fn with_ids(wanted: &TrackConstraints, nodes: &[PathBuf], devices: &[InputDevice]) -> Result<TrackConstraints> {
    let Some(name) = wanted.device_id.exact_values().first() else { return Ok(wanted.clone()) };
    let lower = name.to_lowercase();
    let by: [&dyn Fn(usize) -> bool; 4] = [
        &|index| devices[index].device_id == *name,
        &|index| nodes[index].as_os_str() == name.as_str(),
        &|index| devices[index].label == *name,
        &|index| devices[index].label.to_lowercase().contains(&lower),
    ];
    let found = by.iter().find_map(|fits| (0..devices.len()).find(|&index| fits(index)));
    let Some(index) = found else {
        let known: Vec<_> = devices.iter().map(|device| format!("`{}`", device.label)).collect();
        let text =
            format!("expected a camera named `{name}` but found {}; `framereel devices` lists them", known.join(", "));
        return Err(Error::new(ErrorKind::NotFound, text));
    };
    Ok(TrackConstraints { device_id: super::named(&devices[index].device_id), ..wanted.clone() })
}

impl Source for CameraSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn live_clock(&self) -> Option<&Clock> {
        Some(self.subscription.clock())
    }

    fn losses(&self) -> Option<Arc<SourceLosses>> {
        Some(self.subscription.losses())
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        self.subscription.next().map(Some)
    }
}
