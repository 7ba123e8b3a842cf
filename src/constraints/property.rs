//! The constrainable properties (§4.3): one entry for each, which the parser, the distance and the errors share.

use super::constraint::{NumberRule, Reading, StringRule};
use super::{Settings, TrackConstraints};
use crate::stream::TrackKind;

/// A property of a track that can be constrained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    DeviceId,
    GroupId,
    FacingMode,
    Width,
    Height,
    AspectRatio,
    FrameRate,
    ResizeMode,
    SampleRate,
    SampleSize,
    ChannelCount,
    Latency,
    Gain,
}

/// A constraint on a property.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule<'a> {
    Number(NumberRule),
    Strings(StringRule<'a>),
}

/// The value of a property.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Actual<'a> {
    Number(f64),
    String(&'a str),
}

impl Property {
    /// All properties, in the order in which errors report them.
    pub const ALL: [Self; 13] = [
        Self::DeviceId,
        Self::GroupId,
        Self::FacingMode,
        Self::Width,
        Self::Height,
        Self::AspectRatio,
        Self::FrameRate,
        Self::ResizeMode,
        Self::SampleRate,
        Self::SampleSize,
        Self::ChannelCount,
        Self::Latency,
        Self::Gain,
    ];

    /// The Web's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeviceId => "deviceId",
            Self::GroupId => "groupId",
            Self::FacingMode => "facingMode",
            Self::Width => "width",
            Self::Height => "height",
            Self::AspectRatio => "aspectRatio",
            Self::FrameRate => "frameRate",
            Self::ResizeMode => "resizeMode",
            Self::SampleRate => "sampleRate",
            Self::SampleSize => "sampleSize",
            Self::ChannelCount => "channelCount",
            Self::Latency => "latency",
            Self::Gain => "gain",
        }
    }

    /// Its name in words with `separator` between them: `frame-rate`.
    pub fn words(self, separator: char) -> String {
        let mut words = String::new();
        for c in self.name().chars() {
            if c.is_ascii_uppercase() {
                words.push(separator);
            }
            words.push(c.to_ascii_lowercase());
        }
        words
    }

    /// Whether tracks of this kind have the property.
    pub fn applies_to(self, kind: TrackKind) -> bool {
        match self {
            Self::DeviceId | Self::GroupId => true,
            Self::FacingMode | Self::Width | Self::Height | Self::AspectRatio | Self::FrameRate | Self::ResizeMode => {
                kind == TrackKind::Video
            }
            Self::SampleRate | Self::SampleSize | Self::ChannelCount | Self::Latency | Self::Gain => {
                kind == TrackKind::Audio
            }
        }
    }

    /// Its value in these settings. None: they do not have the property.
    pub fn actual(self, settings: &Settings) -> Option<Actual<'_>> {
        let number = |value: Option<u32>| value.map(|value| Actual::Number(value.into()));
        match self {
            Self::DeviceId => Some(Actual::String(&settings.device_id)),
            Self::GroupId => Some(Actual::String(&settings.group_id)),
            Self::FacingMode => settings.facing_mode.map(|mode| Actual::String(mode.name())),
            Self::Width => number(settings.width),
            Self::Height => number(settings.height),
            Self::AspectRatio => settings.aspect_ratio.map(Actual::Number),
            Self::FrameRate => settings.frame_rate.map(Actual::Number),
            Self::ResizeMode => settings.resize_mode.map(Actual::String),
            Self::SampleRate => number(settings.sample_rate),
            Self::SampleSize => number(settings.sample_size),
            Self::ChannelCount => number(settings.channel_count),
            Self::Latency => settings.latency.map(Actual::Number),
            Self::Gain => settings.gain.map(Actual::Number),
        }
    }

    /// The constraint of this set on it.
    pub fn rule(self, set: &TrackConstraints, reading: Reading) -> Rule<'_> {
        match self {
            Self::DeviceId => Rule::Strings(set.device_id.strings(reading)),
            Self::GroupId => Rule::Strings(set.group_id.strings(reading)),
            Self::FacingMode => Rule::Strings(set.facing_mode.strings(reading)),
            Self::ResizeMode => Rule::Strings(set.resize_mode.strings(reading)),
            Self::Width => Rule::Number(set.width.numbers(reading)),
            Self::Height => Rule::Number(set.height.numbers(reading)),
            Self::AspectRatio => Rule::Number(set.aspect_ratio.numbers(reading)),
            Self::FrameRate => Rule::Number(set.frame_rate.numbers(reading)),
            Self::SampleRate => Rule::Number(set.sample_rate.numbers(reading)),
            Self::SampleSize => Rule::Number(set.sample_size.numbers(reading)),
            Self::ChannelCount => Rule::Number(set.channel_count.numbers(reading)),
            Self::Latency => Rule::Number(set.latency.numbers(reading)),
            Self::Gain => Rule::Number(set.gain.numbers(reading)),
        }
    }
}

impl TrackConstraints {
    /// Every number in this set, with its property.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (Property, f64)> {
        Property::ALL.into_iter().flat_map(move |property| {
            let numbers = match property.rule(self, Reading::Basic) {
                Rule::Number(rule) => [rule.exact, rule.min, rule.max, rule.ideal],
                Rule::Strings(_) => [None; 4],
            };
            numbers.into_iter().flatten().map(move |number| (property, number))
        })
    }

    /// Every number for a property in this set and in its advanced ones: in a device's range, the values to compare.
    pub(super) fn numbers_of(&self, wanted: Property) -> Vec<f64> {
        let sets = std::iter::once(self).chain(&self.advanced);
        sets.flat_map(Self::numbers).filter(|(property, _)| *property == wanted).map(|(_, number)| number).collect()
    }
}
