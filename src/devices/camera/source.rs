//! A camera as a source of frames.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::shared::{self, CameraFeed};
use super::v4l2;
use crate::clock::Clock;
use crate::constraints::{InputDevice, Settings, TrackConstraints, VideoMode, select};
use crate::error::Result;
use crate::frame::{Frame, Size};
use crate::source::{Source, SourceInfo, SourceLosses};
use crate::stream::TrackKind;

/// How often a camera that went away is searched for.
const RETRY: Duration = Duration::from_millis(300);

/// An open camera. The device is closed when its last source is dropped.
pub struct CameraSource {
    info: SourceInfo,
    device: InputDevice,
    settings: Settings,
    subscription: CameraFeed,
    /// The clock of the timestamps; it stays when the camera comes back.
    clock: Clock,
    losses: Arc<SourceLosses>,
    reconnect: bool,
    /// Whether the camera went away and is searched for.
    away: bool,
}

debug_fields!(CameraSource { info, device, settings });

impl CameraSource {
    /// Opens the camera and the mode that come nearest to the constraints. A device may be named by its id, its label,
    /// a part of the label, or its node.
    ///
    /// # Errors
    /// `NotFoundError` when there is no camera (of that name), `OverconstrainedError` when no camera meets the required
    /// constraints, `NotReadableError` when it is busy or sends no frame, `NotAllowedError` when it may not be opened.
    pub fn open(wanted: &TrackConstraints) -> Result<Self> {
        let (nodes, devices) = found()?;
        Self::open_of(&nodes, &devices, &with_ids(wanted, &nodes, &devices)?)
    }

    /// As [`CameraSource::open`], but a device is named by its id alone, as on the Web: an id that no camera has is
    /// overconstrained.
    pub(super) fn open_by_id(wanted: &TrackConstraints) -> Result<Self> {
        let (nodes, devices) = found()?;
        Self::open_of(&nodes, &devices, wanted)
    }

    fn open_of(nodes: &[PathBuf], devices: &[InputDevice], wanted: &TrackConstraints) -> Result<Self> {
        let selection = select(TrackKind::Video, devices, wanted)?;
        let device = devices[selection.device].clone();
        let mode = &device.video_modes()[selection.mode];
        let Settings { width, height, frame_rate, .. } = selection.settings;
        let size = Size::new(width.unwrap_or_default(), height.unwrap_or_default());
        let mode =
            v4l2::Mode { format: mode.format.clone(), size, rate: mode.rate_near(frame_rate.unwrap_or_default()) };
        let opened = shared::open(&nodes[selection.device], &device.label, mode);
        let subscription = opened.map_err(|error| error.at(format!("camera `{}`", device.label)))?;
        // A driver may set another mode than requested, and a shared camera keeps the mode of the first user.
        let mode = subscription.mode();
        let as_it_is = select(TrackKind::Video, &[set_to(&device, mode)], wanted);
        let place = || format!("camera `{}`, which is set to {} of {}", device.label, mode.format, mode.size);
        let settings = as_it_is.map_err(|error| error.at(place()))?.settings;
        let info = SourceInfo { kind: "camera", size: mode.size, rate: Some(mode.rate), frames: None, endless: true };
        let (clock, losses) = (subscription.clock().clone(), subscription.losses());
        Ok(Self { info, device, settings, subscription, clock, losses, reconnect: false, away: false })
    }

    /// The device and its capabilities.
    pub fn device(&self) -> &InputDevice {
        &self.device
    }

    /// The next frame, or none when it takes longer than `timeout`.
    ///
    /// # Errors
    /// When the camera went away.
    pub fn next_within(&mut self, timeout: Duration) -> Result<Option<Frame>> {
        let frame = self.subscription.next_within(timeout)?;
        let shift = self.subscription.clock().shift_to(&self.clock).unwrap_or_default();
        Ok(frame.map(|frame| {
            let time = frame.timestamp + shift;
            frame.with_timestamp(time)
        }))
    }

    /// Closes the camera if it has no other user, and waits until it is closed.
    pub fn close(self) {
        self.subscription.close();
    }

    /// Waits until the camera can be opened again.
    fn reopen(&mut self) {
        let wanted = TrackConstraints {
            width: self.info.size.width.into(),
            height: self.info.size.height.into(),
            frame_rate: self.settings.frame_rate.unwrap_or_default().into(),
            device_id: super::named(&self.device.device_id),
            ..TrackConstraints::default()
        };
        loop {
            // On another port the camera may have another id; its name stays.
            let by_label = TrackConstraints { device_id: super::named(&self.device.label), ..wanted.clone() };
            if let Ok(again) = Self::open(&wanted).or_else(|_| Self::open(&by_label)) {
                self.subscription = again.subscription.counting_into(&self.losses);
                return;
            }
            std::thread::sleep(RETRY);
        }
    }

    /// The settings of the camera.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// All cameras with their nodes.
fn found() -> Result<(Vec<PathBuf>, Vec<InputDevice>)> {
    let cameras = v4l2::cameras();
    if cameras.is_empty() { Err(v4l2::none_found()) } else { Ok(cameras.into_iter().unzip()) }
}

/// This camera with this mode as its only one.
fn set_to(device: &InputDevice, mode: &v4l2::Mode) -> InputDevice {
    let only = vec![VideoMode::new(mode.format.as_str(), mode.size, mode.rate)];
    let set = InputDevice::video(&device.device_id, &device.label, only).with_group(&device.group_id);
    match device.facing_mode {
        Some(facing) => set.with_facing_mode(facing),
        None => set,
    }
}

/// Replaces a label, a part of one or a node by the device's id.
fn with_ids(wanted: &TrackConstraints, nodes: &[PathBuf], devices: &[InputDevice]) -> Result<TrackConstraints> {
    let Some(name) = wanted.device_id.exact_values().first() else { return Ok(wanted.clone()) };
    let index = v4l2::position(name, nodes, devices)?;
    Ok(TrackConstraints { device_id: super::named(&devices[index].device_id), ..wanted.clone() })
}

impl Source for CameraSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn live_clock(&self) -> Option<&Clock> {
        Some(&self.clock)
    }

    fn reconnect(&mut self) {
        self.reconnect = true;
    }

    fn losses(&self) -> Option<Arc<SourceLosses>> {
        Some(self.losses.clone())
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        if std::mem::take(&mut self.away) {
            self.reopen();
        }
        loop {
            match self.next_within(Duration::MAX) {
                Ok(Some(frame)) => return Ok(Some(frame)),
                Ok(None) => {}
                Err(_) if self.reconnect => {
                    self.away = true;
                    return Ok(Some(Frame::black(self.info.size).with_timestamp(self.clock.now())));
                }
                Err(error) => return Err(error),
            }
        }
    }
}
