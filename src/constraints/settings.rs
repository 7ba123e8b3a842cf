//! What a track's properties are, and what they can be.

use std::ops::RangeInclusive;

use super::FacingMode;

/// What a device brings (`MediaTrackSettings`, §4.3). None: a track of its kind has no such property, or the device
/// does not tell.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The device's id.
    pub device_id: String,
    /// The id of what the device is part of.
    pub group_id: String,
    /// Which way a camera looks.
    pub facing_mode: Option<FacingMode>,
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// Width divided by height.
    pub aspect_ratio: Option<f64>,
    /// Frames a second.
    pub frame_rate: Option<f64>,
    /// How the size is made: always `none` for pictures.
    pub resize_mode: Option<&'static str>,
    /// Samples a second.
    pub sample_rate: Option<u32>,
    /// Bits of a sample.
    pub sample_size: Option<u32>,
    /// Channels of sound.
    pub channel_count: Option<u32>,
    /// Seconds from the sound to its samples.
    pub latency: Option<f64>,
    /// By how many decibels the sound is made louder.
    pub gain: Option<f64>,
    /// The format of the device's bytes, as `YUYV` or `F32`. Ours: nothing on the Web says it.
    pub format: String,
}

/// What the properties of a device can be (`MediaTrackCapabilities`, §4.3): the span of each over all of its modes.
/// Not every combination is a mode.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The device's id.
    pub device_id: String,
    /// The id of what the device is part of.
    pub group_id: String,
    /// Which ways a camera looks; empty where it does not tell.
    pub facing_mode: Vec<FacingMode>,
    /// Pixels across.
    pub width: Option<RangeInclusive<u32>>,
    /// Pixels down.
    pub height: Option<RangeInclusive<u32>>,
    /// Width divided by height.
    pub aspect_ratio: Option<RangeInclusive<f64>>,
    /// Frames a second.
    pub frame_rate: Option<RangeInclusive<f64>>,
    /// How sizes are made: `none` for cameras.
    pub resize_mode: Vec<&'static str>,
    /// Samples a second.
    pub sample_rate: Option<RangeInclusive<u32>>,
    /// Bits of a sample.
    pub sample_size: Option<RangeInclusive<u32>>,
    /// Channels of sound.
    pub channel_count: Option<RangeInclusive<u32>>,
    /// Seconds from the sound to its samples.
    pub latency: Option<RangeInclusive<f64>>,
    /// Decibels.
    pub gain: Option<RangeInclusive<f64>>,
}
