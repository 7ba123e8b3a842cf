//! Cameras and microphones: what there is, and what of it fits (Media Capture and Streams).

pub mod camera;
pub mod drift;
#[cfg(feature = "audio")]
pub mod microphone;
#[cfg(not(feature = "audio"))]
#[path = "no_microphone.rs"]
pub mod microphone;

/// What an input of sound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// A microphone, or a line.
    Microphone,
    /// What an output plays.
    Monitor,
}

/// An input of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioInput {
    /// Names it in this system, also after a restart.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// What it is.
    pub kind: InputKind,
    /// Samples a second, as the device gives them.
    pub rate: u32,
    /// How many channels, as the device gives them.
    pub channels: usize,
}
