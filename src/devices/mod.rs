//! Cameras and microphones: the list of them, and a choice by constraints (Media Capture and Streams).

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

/// The kind of an audio input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// A microphone, or a line input.
    Microphone,
    /// The monitor of an output.
    Monitor,
}

/// An audio input.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioInput {
    /// Its name and its capabilities.
    pub device: InputDevice,
    /// Its kind.
    pub kind: InputKind,
    /// The device's samples a second.
    pub rate: u32,
    /// The device's number of channels.
    pub channels: usize,
}
