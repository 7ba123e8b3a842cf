//! Cameras and microphones: what there is, and what of it fits (Media Capture and Streams).

pub mod camera;
mod drift;
mod media_devices;
#[cfg(feature = "audio")]
pub mod microphone;
#[cfg(not(feature = "audio"))]
#[path = "no_microphone.rs"]
pub mod microphone;
pub mod permissions;
mod poller;

pub use media_devices::{DeviceChange, MediaDeviceInfo, MediaDeviceKind, MediaDevices};

use crate::constraints::InputDevice;

/// What an input of sound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// A microphone, or a line.
    Microphone,
    /// What an output plays.
    Monitor,
}

/// An input of sound.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioInput {
    /// What it is called, and what its tracks can be.
    pub device: InputDevice,
    /// What it is.
    pub kind: InputKind,
    /// Samples a second, as the device gives them.
    pub rate: u32,
    /// How many channels, as the device gives them.
    pub channels: usize,
}
