//! `navigator.mediaDevices` for native programs (Media Capture and Streams §9): streams of cameras and microphones, and
//! the list of devices.

use super::camera;
use super::poller::Poller;
use super::{AudioInput, InputKind, microphone};
use crate::constraints::{self, Constraints};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::stream::{Listener, MediaStream};

/// The kind of a device (§9.1.2, `MediaDeviceKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaDeviceKind {
    /// A camera.
    VideoInput,
    /// A microphone, or the monitor of an output.
    AudioInput,
}

/// A device in the list (§9.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MediaDeviceInfo {
    /// Its kind.
    pub kind: MediaDeviceKind,
    /// Its id, the same each time the device is found.
    pub device_id: String,
    /// Its name for people.
    pub label: String,
    /// The group that it belongs to; empty where that is not known.
    pub group_id: String,
}

/// A device was added or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceChange;

/// Gives access to the machine's cameras and microphones.
///
/// ```no_run
/// use framereel::constraints::{Constraint, Constraints, TrackConstraints};
/// use framereel::devices::MediaDevices;
/// use framereel::gpu::Gpu;
/// use framereel::recorder::{FileSink, MediaRecorder, MediaRecorderOptions};
/// use std::time::Duration;
///
/// fn main() -> framereel::Result<()> {
///     let devices = MediaDevices::new(&Gpu::new()?);
///     let video = TrackConstraints::default().with_width(1280.into()).with_frame_rate(Constraint::min(24.0));
///     let stream = devices.get_user_media(&Constraints { video: Some(video), ..Constraints::audio() })?;
///     let recorder = MediaRecorder::new(&stream, MediaRecorderOptions::default())?;
///     recorder.start_to(FileSink::create("me.webm")?)?;
///     std::thread::sleep(Duration::from_secs(5));
///     recorder.stop();
///     recorder.events().for_each(drop);
///     Ok(())
/// }
/// ```
pub struct MediaDevices {
    gpu: Gpu,
    changes: Poller<DeviceChange>,
}

debug_fields!(MediaDevices { gpu });

impl MediaDevices {
    /// Gives access to this machine's devices. This GPU unpacks a camera's frames.
    pub fn new(gpu: &Gpu) -> Self {
        Self { gpu: gpu.clone(), changes: Poller::new() }
    }

    /// A stream of a camera's track, a microphone's, or both (`getUserMedia()`, §9.2.3). The devices and settings that
    /// come nearest to the constraints are chosen. A device is closed when its tracks are stopped or dropped.
    ///
    /// # Errors
    /// `TypeError` when neither video nor sound is requested; `NotFoundError` when there is no such device;
    /// `OverconstrainedError`, naming the constraint, when no device meets the required constraints; `NotAllowedError`
    /// when the system forbids it; `NotReadableError` when the device is busy or does not start.
    pub fn get_user_media(&self, constraints: &Constraints) -> Result<MediaStream> {
        constraints.check()?;
        let stream = MediaStream::default();
        if let Some(wanted) = &constraints.video {
            camera::start_track(&self.gpu, wanted)?.tracks().iter().for_each(|track| stream.add_track(track));
        }
        if let Some(wanted) = &constraints.audio {
            stream.add_track(&microphone::start_track(wanted)?);
        }
        Ok(stream)
    }

    /// The cameras, then the microphones, the default one first (`enumerateDevices()`, §9.2.1).
    pub fn enumerate_devices(&self) -> Vec<MediaDeviceInfo> {
        list()
    }

    /// The names of the constraints that have an effect (`getSupportedConstraints()`, §9.2.2).
    pub fn get_supported_constraints(&self) -> impl Iterator<Item = &'static str> {
        constraints::get_supported_constraints().into_iter()
    }

    /// Reports added and removed devices (`devicechange`, §9.2.4), from now on.
    ///
    /// # Errors
    /// `UnknownError` when no thread can be started.
    pub fn events(&self) -> Result<Listener<DeviceChange>> {
        self.changes.listen("devices", list, |_| DeviceChange)
    }
}

fn list() -> Vec<MediaDeviceInfo> {
    let cameras = camera::cameras().into_iter().map(|device| (MediaDeviceKind::VideoInput, device));
    let inputs = microphone::inputs().unwrap_or_default().into_iter();
    let microphones = inputs.filter(|input| input.kind == InputKind::Microphone);
    let microphones = microphones.map(|AudioInput { device, .. }| (MediaDeviceKind::AudioInput, device));
    let info = |(kind, device): (_, constraints::InputDevice)| MediaDeviceInfo {
        kind,
        device_id: device.device_id,
        label: device.label,
        group_id: device.group_id,
    };
    cameras.chain(microphones).map(info).collect()
}
