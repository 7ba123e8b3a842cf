//! The properties of a track and the ranges that they can have.

use std::ops::RangeInclusive;

use super::FacingMode;

/// The settings of a device (`MediaTrackSettings`, §4.3). None: tracks of its kind have no such property, or the device
/// does not report it.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The device's id.
    pub device_id: String,
    /// The group that the device belongs to.
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
    /// How the size is made: always `none` for video.
    pub resize_mode: Option<&'static str>,
    /// Samples a second.
    pub sample_rate: Option<u32>,
    /// Bits a sample.
    pub sample_size: Option<u32>,
    /// Channels of sound.
    pub channel_count: Option<u32>,
    /// Latency in seconds.
    pub latency: Option<f64>,
    /// Amplification of the sound in decibels.
    pub gain: Option<f64>,
    /// The format of the device's bytes, as `YUYV` or `F32`. An extension: the Web has no such setting.
    pub format: String,
}

/// The ranges of a device's properties (`MediaTrackCapabilities`, §4.3), each over all of its modes. Not every
/// combination is a mode.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The device's id.
    pub device_id: String,
    /// The group that the device belongs to.
    pub group_id: String,
    /// Which ways a camera looks; empty where the device does not report it.
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
    /// Latency in seconds.
    pub latency: Option<RangeInclusive<f64>>,
    /// Amplification in decibels.
    pub gain: Option<RangeInclusive<f64>>,
}
