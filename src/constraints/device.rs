//! What devices can do, as values: a list of modes, each of one format, with fixed or stepwise sizes and rates.

use std::fmt;
use std::ops::RangeInclusive;

use super::property::Property;
use super::{Capabilities, Settings, TrackConstraints};
use crate::frame::Size;
use crate::stream::TrackKind;
use crate::time::FrameRate;

/// A camera or a microphone, and what it can do (`InputDeviceInfo`).
#[derive(Debug, Clone, PartialEq)]
pub struct InputDevice {
    /// Its id, the same each time the device is found.
    pub device_id: String,
    /// The group that the device belongs to; empty where that is not known.
    pub group_id: String,
    /// Its name, for people.
    pub label: String,
    /// Which way it looks, where that is known.
    pub facing_mode: Option<FacingMode>,
    modes: Modes,
}

#[derive(Debug, Clone, PartialEq)]
enum Modes {
    Video(Vec<VideoMode>),
    Audio(Vec<AudioMode>),
}

impl InputDevice {
    /// A camera with these modes, the preferred ones first.
    pub fn video(device_id: impl Into<String>, label: impl Into<String>, modes: Vec<VideoMode>) -> Self {
        Self::new(device_id.into(), label.into(), Modes::Video(modes))
    }

    /// A microphone with these modes, the preferred ones first.
    pub fn audio(device_id: impl Into<String>, label: impl Into<String>, modes: Vec<AudioMode>) -> Self {
        Self::new(device_id.into(), label.into(), Modes::Audio(modes))
    }

    fn new(device_id: String, label: String, modes: Modes) -> Self {
        Self { device_id, group_id: String::new(), label, facing_mode: None, modes }
    }

    /// The same device, part of this group.
    pub fn with_group(self, group_id: impl Into<String>) -> Self {
        Self { group_id: group_id.into(), ..self }
    }

    /// The same camera, which looks this way.
    pub fn with_facing_mode(self, facing_mode: FacingMode) -> Self {
        Self { facing_mode: Some(facing_mode), ..self }
    }

    /// The kind of its tracks.
    pub fn kind(&self) -> TrackKind {
        match self.modes {
            Modes::Video(_) => TrackKind::Video,
            Modes::Audio(_) => TrackKind::Audio,
        }
    }

    /// A camera's modes; none for a microphone.
    pub fn video_modes(&self) -> &[VideoMode] {
        if let Modes::Video(modes) = &self.modes { modes } else { &[] }
    }

    /// A microphone's modes; none for a camera.
    pub fn audio_modes(&self) -> &[AudioMode] {
        if let Modes::Audio(modes) = &self.modes { modes } else { &[] }
    }

    /// The ranges of its properties (`getCapabilities()`).
    pub fn capabilities(&self) -> Capabilities {
        let (video, audio) = (self.video_modes(), self.audio_modes());
        let is_video = self.kind() == TrackKind::Video;
        let latencies = || audio.iter().filter_map(|mode| mode.latency.clone());
        Capabilities {
            device_id: self.device_id.clone(),
            group_id: self.group_id.clone(),
            facing_mode: self.facing_mode.into_iter().collect(),
            width: span(video.iter().map(|mode| mode.width.range())),
            height: span(video.iter().map(|mode| mode.height.range())),
            aspect_ratio: span(video.iter().map(VideoMode::aspect_ratios)),
            frame_rate: span(video.iter().map(VideoMode::frame_rates)),
            resize_mode: if is_video { vec![NOT_RESIZED] } else { Vec::new() },
            sample_rate: span(audio.iter().map(|mode| mode.sample_rate.range())),
            sample_size: span(audio.iter().map(|mode| mode.sample_size..=mode.sample_size)),
            channel_count: span(audio.iter().map(|mode| mode.channel_count.range())),
            latency: span(latencies()),
            gain: (!is_video).then_some(AudioMode::GAINS),
        }
    }

    /// The settings to compare for these constraints, with the index of the mode that each comes from: all discrete
    /// ones, and of each range its ends and the values next to each number in the constraints.
    pub(super) fn candidates(&self, wanted: &TrackConstraints) -> Vec<(usize, Settings)> {
        let of_mode: Vec<Vec<Settings>> = match &self.modes {
            Modes::Video(modes) => modes.iter().map(|mode| mode.candidates(wanted)).collect(),
            Modes::Audio(modes) => modes.iter().map(|mode| mode.candidates(wanted)).collect(),
        };
        let named = |settings: Settings| Settings {
            device_id: self.device_id.clone(),
            group_id: self.group_id.clone(),
            facing_mode: self.facing_mode,
            ..settings
        };
        let numbered = of_mode.into_iter().enumerate();
        numbered.flat_map(|(mode, all)| all.into_iter().map(move |settings| (mode, named(settings)))).collect()
    }
}

/// The only value of `resizeMode`.
const NOT_RESIZED: &str = "none";

/// From the least to the greatest of all ranges.
fn span<T: PartialOrd + Copy>(ranges: impl Iterator<Item = RangeInclusive<T>>) -> Option<RangeInclusive<T>> {
    ranges.reduce(|sum, range| {
        let start = if range.start() < sum.start() { *range.start() } else { *sum.start() };
        let end = if range.end() > sum.end() { *range.end() } else { *sum.end() };
        start..=end
    })
}

/// Which way a camera looks, seen from the user (`VideoFacingModeEnum`, §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FacingMode {
    /// Towards the user.
    User,
    /// In the user's direction of view.
    Environment,
    /// To the user's left.
    Left,
    /// To the user's right.
    Right,
}

impl FacingMode {
    /// The Web's name: `user`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Environment => "environment",
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

impl fmt::Display for FacingMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whole numbers from one to another: every one, or some steps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    min: u32,
    max: u32,
    step: u32,
}

impl Steps {
    /// `min`, `min + step`, … up to `max` at most. A step of 0 counts as 1, and a `max` below `min` as `min`.
    pub fn new(min: u32, max: u32, step: u32) -> Self {
        let (max, step) = (max.max(min), step.max(1));
        Self { min, max: max - (max - min) % step, step }
    }

    /// This number alone.
    pub fn one(value: u32) -> Self {
        Self::new(value, value, 1)
    }

    /// The least and the greatest number.
    pub fn range(self) -> RangeInclusive<u32> {
        self.min..=self.max
    }

    /// Whether the range has this number.
    pub fn contains(self, value: u32) -> bool {
        self.range().contains(&value) && (value - self.min).is_multiple_of(self.step)
    }

    /// The numbers of the range next to this one: itself, or those below and above it.
    fn around(self, value: f64) -> [u32; 2] {
        let steps = (value - f64::from(self.min)) / f64::from(self.step);
        let last = (self.max - self.min) / self.step;
        [steps.floor(), steps.ceil()].map(|steps| self.min + (steps.max(0.0) as u32).min(last) * self.step)
    }

    /// The ends of the range and the numbers next to each of these, without duplicates.
    fn near(self, values: impl IntoIterator<Item = f64>) -> Vec<u32> {
        let mut near: Vec<u32> = values.into_iter().flat_map(|value| self.around(value)).collect();
        near.extend([self.min, self.max]);
        near.sort_unstable();
        near.dedup();
        near
    }
}

/// One mode of a camera.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoMode {
    /// The format's four letters (`YUYV`, `MJPG`).
    pub format: String,
    /// Pixels across.
    pub width: Steps,
    /// Pixels down.
    pub height: Steps,
    rates: RangeInclusive<FrameRate>,
}

impl VideoMode {
    /// Frames of one size at one rate.
    pub fn new(format: impl Into<String>, size: Size, rate: FrameRate) -> Self {
        Self::stepwise(format, Steps::one(size.width), Steps::one(size.height), rate..=rate)
    }

    /// Frames of any of these sizes at any rate between two.
    pub fn stepwise(format: impl Into<String>, width: Steps, height: Steps, rates: RangeInclusive<FrameRate>) -> Self {
        Self { format: format.into(), width, height, rates }
    }

    /// The lowest and the highest frame rate.
    pub fn frame_rates(&self) -> RangeInclusive<f64> {
        self.rates.start().as_f64()..=self.rates.end().as_f64()
    }

    /// The rate that comes nearest to this one, as an exact ratio: what to ask the device for.
    pub fn rate_near(&self, rate: f64) -> FrameRate {
        let (slowest, fastest) = (*self.rates.start(), *self.rates.end());
        match rate.to_string().parse() {
            _ if rate <= slowest.as_f64() => slowest,
            _ if rate >= fastest.as_f64() => fastest,
            Ok(rate) => rate,
            Err(_) => slowest,
        }
    }

    fn aspect_ratios(&self) -> RangeInclusive<f64> {
        ratio(self.width.min, self.height.max)..=ratio(self.width.max, self.height.min)
    }

    fn candidates(&self, wanted: &TrackConstraints) -> Vec<Settings> {
        let rates = self.rates_near(wanted);
        let sizes = self.sizes_near(wanted);
        let of_size = |size: Size| {
            rates.iter().map(move |&rate| Settings {
                width: Some(size.width),
                height: Some(size.height),
                aspect_ratio: Some(ratio(size.width, size.height)),
                frame_rate: Some(rate),
                resize_mode: Some(NOT_RESIZED),
                format: self.format.clone(),
                ..Settings::default()
            })
        };
        sizes.into_iter().flat_map(of_size).collect()
    }

    fn rates_near(&self, wanted: &TrackConstraints) -> Vec<f64> {
        numbers_within(self.frame_rates(), wanted.numbers_of(Property::FrameRate).into_iter().chain([DEFAULT_RATE]))
    }

    /// Every width to compare with every such height, and for each aspect ratio the sizes next to these.
    fn sizes_near(&self, wanted: &TrackConstraints) -> Vec<Size> {
        let default = DEFAULT_SIZE;
        let numbers = |property, default: u32| wanted.numbers_of(property).into_iter().chain([default.into()]);
        let widths = self.width.near(numbers(Property::Width, default.width));
        let heights = self.height.near(numbers(Property::Height, default.height));
        let mut sizes: Vec<Size> =
            widths.iter().flat_map(|&width| heights.iter().map(move |&height| Size::new(width, height))).collect();
        for ratio in wanted.numbers_of(Property::AspectRatio) {
            // The first few of either side, because the exact ratio may not fall on a step.
            let some = |steps: Steps, from: &[u32]| {
                let from = from.to_vec();
                from.into_iter()
                    .flat_map(move |first| (0..=16).map(move |k| first.saturating_add(steps.step.saturating_mul(k))))
            };
            for width in some(self.width, &widths).filter(|&width| self.width.contains(width)) {
                let heights = self.height.around(f64::from(width) / ratio);
                sizes.extend(heights.map(|height| Size::new(width, height)));
            }
            for height in some(self.height, &heights).filter(|&height| self.height.contains(height)) {
                let widths = self.width.around(f64::from(height) * ratio);
                sizes.extend(widths.map(|width| Size::new(width, height)));
            }
        }
        sizes.sort_unstable_by_key(|size| (size.width, size.height));
        sizes.dedup();
        sizes
    }
}

/// The defaults when nothing is requested, as in browsers.
pub(super) const DEFAULT_SIZE: Size = Size::new(640, 480);
pub(super) const DEFAULT_RATE: f64 = 30.0;

fn ratio(width: u32, height: u32) -> f64 {
    f64::from(width) / f64::from(height.max(1))
}

/// The ends of the range and those of the numbers that lie within it, without duplicates.
fn numbers_within(range: RangeInclusive<f64>, numbers: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut within: Vec<f64> = numbers.into_iter().filter(|number| range.contains(number)).collect();
    within.extend([*range.start(), *range.end()]);
    within.sort_unstable_by(f64::total_cmp);
    within.dedup();
    within
}

/// One mode of a microphone.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioMode {
    /// The format of a sample (`F32`, `I16`).
    pub format: String,
    /// Samples a second.
    pub sample_rate: Steps,
    /// Channels.
    pub channel_count: Steps,
    /// Bits a sample.
    pub sample_size: u32,
    /// Latency in seconds, where it is known.
    pub latency: Option<RangeInclusive<f64>>,
}

impl AudioMode {
    /// The gains that can be requested, in decibels: the gain is applied in this library, so every microphone has it.
    pub const GAINS: RangeInclusive<f64> = -60.0..=20.0;

    /// Sound of these rates with this number of channels.
    pub fn new(format: impl Into<String>, sample_rate: Steps, channel_count: Steps, sample_size: u32) -> Self {
        Self { format: format.into(), sample_rate, channel_count, sample_size, latency: None }
    }

    /// Adds a latency that can be chosen from this range, in seconds.
    pub fn with_latency(self, latency: RangeInclusive<f64>) -> Self {
        Self { latency: Some(latency), ..self }
    }

    fn candidates(&self, wanted: &TrackConstraints) -> Vec<Settings> {
        let numbers = |property, default: u32| wanted.numbers_of(property).into_iter().chain([default.into()]);
        let rates = self.sample_rate.near(numbers(Property::SampleRate, DEFAULT_SAMPLE_RATE));
        let counts = self.channel_count.near(numbers(Property::ChannelCount, DEFAULT_CHANNELS));
        let latencies: Vec<Option<f64>> = match &self.latency {
            Some(range) => {
                let wanted = wanted.numbers_of(Property::Latency).into_iter().chain([DEFAULT_LATENCY]);
                numbers_within(range.clone(), wanted).into_iter().map(Some).collect()
            }
            None => vec![None],
        };
        let gains = numbers_within(Self::GAINS, wanted.numbers_of(Property::Gain).into_iter().chain([0.0]));
        let mut candidates = Vec::new();
        for &sample_rate in &rates {
            for &channel_count in &counts {
                for &latency in &latencies {
                    candidates.extend(gains.iter().map(|&gain| Settings {
                        sample_rate: Some(sample_rate),
                        sample_size: Some(self.sample_size),
                        channel_count: Some(channel_count),
                        latency,
                        gain: Some(gain),
                        format: self.format.clone(),
                        ..Settings::default()
                    }));
                }
            }
        }
        candidates
    }
}

/// The defaults when nothing is requested.
pub(super) const DEFAULT_SAMPLE_RATE: u32 = 48_000;
pub(super) const DEFAULT_CHANNELS: u32 = 2;
/// Bits a sample of an [`AudioBuffer`](crate::audio::AudioBuffer).
pub(super) const DEFAULT_SAMPLE_SIZE: u32 = 32;
/// Seconds.
pub(super) const DEFAULT_LATENCY: f64 = 0.02;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_hold_what_they_reach() {
        let steps = Steps::new(32, 101, 10);
        assert_eq!(steps.range(), 32..=92);
        assert!(steps.contains(42) && !steps.contains(43) && !steps.contains(102));
        assert_eq!(steps.around(45.0), [42, 52]);
        assert_eq!(steps.around(-1e300), [32, 32]);
        assert_eq!(steps.around(1e300), [92, 92]);
        assert_eq!(Steps::new(5, 3, 0).range(), 5..=5);
    }

    #[test]
    fn the_rate_to_ask_a_device_for_is_an_exact_ratio() {
        let ntsc = FrameRate::new(30_000, 1001).unwrap();
        assert_eq!(VideoMode::new("YUYV", DEFAULT_SIZE, ntsc).rate_near(29.97), ntsc);
        let any =
            VideoMode::stepwise("YUYV", Steps::one(640), Steps::one(480), FrameRate::whole(1)..=FrameRate::whole(90));
        assert_eq!(any.rate_near(29.97), ntsc);
        assert_eq!(any.rate_near(1000.0), FrameRate::whole(90));
        assert_eq!(any.rate_near(f64::NAN), FrameRate::whole(1));
    }
}
