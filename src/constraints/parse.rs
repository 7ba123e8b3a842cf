//! Constraints as text: `width=1280,height=min:720,frame-rate=exact:30`.

use std::str::FromStr;

use super::property::Property;
use super::{Constraint, StringConstraint, TrackConstraints};
use crate::error::{Error, Result};
use crate::time::{FrameRate, Span};

/// The syntax is described at [`TrackConstraints`]. An empty text gives no constraints.
impl FromStr for TrackConstraints {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut constraints = Self::default();
        for part in text.split(',').filter(|_| !text.trim().is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(Error::syntax(format!("expected name=value, such as width=1280, but found `{part}`")));
            };
            constraints.add(property(name.trim())?, value.trim())?;
        }
        Ok(constraints)
    }
}

impl TrackConstraints {
    fn add(&mut self, property: Property, text: &str) -> Result<()> {
        match property {
            Property::Width => add(&mut self.width, text, count),
            Property::Height => add(&mut self.height, text, count),
            Property::SampleRate => add(&mut self.sample_rate, text, count),
            Property::SampleSize => add(&mut self.sample_size, text, count),
            Property::ChannelCount => add(&mut self.channel_count, text, count),
            Property::FrameRate => add(&mut self.frame_rate, text, frame_rate),
            Property::AspectRatio => add(&mut self.aspect_ratio, text, aspect_ratio),
            Property::Latency => add(&mut self.latency, text, |text| Ok(text.parse::<Span>()?.as_secs_f64())),
            Property::Gain => add(&mut self.gain, text, decibels),
            Property::DeviceId => add_string(&mut self.device_id, text),
            Property::GroupId => add_string(&mut self.group_id, text),
            Property::FacingMode => add_string(&mut self.facing_mode, text),
            Property::ResizeMode => add_string(&mut self.resize_mode, text),
        }
        .map_err(|error| error.at(property.words('-')))
    }
}

/// The property of this name, written with hyphens or as the Web does.
fn property(name: &str) -> Result<Property> {
    let known = || Property::ALL.into_iter();
    known().find(|property| property.words('-') == name || property.name() == name).ok_or_else(|| {
        let names = known().map(|property| property.words('-')).collect::<Vec<_>>().join(", ");
        Error::syntax(format!("expected one of {names} but found `{name}`"))
    })
}

fn add<T: Copy>(to: &mut Constraint<T>, text: &str, number: impl Fn(&str) -> Result<T>) -> Result<()> {
    let constraint = match (text.split_once(':'), text.split_once("..=").or_else(|| text.split_once(".."))) {
        (Some(("exact", value)), _) => Constraint::exact(number(value)?),
        (Some(("min", value)), _) => Constraint::min(number(value)?),
        (Some(("max", value)), _) => Constraint::max(number(value)?),
        (Some(("ideal", value)), _) => Constraint::ideal(number(value)?),
        (_, Some((min, max))) => Constraint::range(number(min)?..=number(max)?),
        _ => number(text)?.into(),
    };
    *to = to.merge(constraint);
    Ok(())
}

fn add_string(to: &mut StringConstraint, text: &str) -> Result<()> {
    let constraint = match text.split_once(':') {
        Some(("exact", value)) => StringConstraint::exact(value),
        Some(("ideal", value)) => StringConstraint::ideal(value),
        Some((word @ ("min" | "max"), _)) => {
            return Err(Error::syntax(format!("expected exact:, ideal: or a bare value but found `{word}:`")));
        }
        _ => text.into(),
    };
    *to = std::mem::take(to).merge(constraint);
    Ok(())
}

fn count(text: &str) -> Result<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| {
        Error::syntax(format!("expected a whole number, exact:, min:, max:, ideal: or a range but found `{text}`"))
    })
}

fn frame_rate(text: &str) -> Result<f64> {
    text.parse::<FrameRate>().map(FrameRate::as_f64)
}

/// `16:9`, `16/9`, `1.778`.
fn aspect_ratio(text: &str) -> Result<f64> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| *number > 0.0 && number.is_finite());
    let ratio = match text.split_once([':', '/']) {
        Some((width, height)) => number(width).zip(number(height)).map(|(width, height)| width / height),
        None => number(text),
    };
    ratio.ok_or_else(|| Error::syntax(format!("expected a ratio such as 16:9 or 1.778 but found `{text}`")))
}

/// `-6`, `3.5dB`.
fn decibels(text: &str) -> Result<f64> {
    let number = text.strip_suffix("dB").unwrap_or(text).trim_end().parse::<f64>();
    number
        .ok()
        .filter(|number| number.is_finite())
        .ok_or_else(|| Error::syntax(format!("expected decibels such as -6 or 3.5dB but found `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn parsed(text: &str) -> TrackConstraints {
        text.parse().unwrap()
    }

    #[test]
    fn the_text_says_what_the_builders_say() {
        assert_eq!(
            parsed("width=1280, height=min:720,frame-rate=exact:30,aspectRatio=ideal:16:9,device-id=exact:cam:0"),
            TrackConstraints {
                width: 1280.into(),
                height: Constraint::min(720),
                frame_rate: Constraint::exact(30.0),
                aspect_ratio: Constraint::ideal(16.0 / 9.0),
                device_id: StringConstraint::exact("cam:0"),
                ..TrackConstraints::default()
            }
        );
        assert_eq!(
            parsed("sample-rate=44100..48000,channel-count=max:2,latency=20ms,gain=-6dB,facing-mode=user"),
            TrackConstraints {
                sample_rate: Constraint::range(44_100..=48_000),
                channel_count: Constraint::max(2),
                latency: 0.02.into(),
                gain: (-6.0).into(),
                facing_mode: "user".into(),
                ..TrackConstraints::default()
            }
        );
        assert_eq!(parsed(" "), TrackConstraints::default());
    }

    #[test]
    fn one_name_may_come_several_times() {
        assert_eq!(parsed("width=min:640,width=ideal:1280").width, Constraint::min(640).with_ideal(1280));
        assert_eq!(parsed("device-id=exact:a,device-id=exact:b").device_id, StringConstraint::exact("a").or_exact("b"));
        assert_eq!(parsed("device-id=a,device-id=b").device_id, ["a", "b"].into());
    }

    #[test]
    fn what_does_not_parse_is_told_with_its_place() {
        for (text, message) in [
            ("width", "expected name=value, such as width=1280, but found `width`"),
            ("widht=3", "expected one of deviceid"),
            ("width=1.5", "width: expected a whole number"),
            ("width=-1", "but found `-1`"),
            ("width=+1", "but found `+1`"),
            ("width=most:3", "but found `most:3`"),
            ("width=", "but found ``"),
            ("width=1..", "but found ``"),
            ("frame-rate=fast", "frame-rate: expected a frame rate such as 30"),
            ("aspect-ratio=16:0", "expected a ratio such as 16:9 or 1.778 but found `16:0`"),
            ("gain=nan", "expected decibels"),
            ("device-id=min:a", "expected exact:, ideal: or a bare value but found `min:`"),
            ("width=1,,height=2", "but found ``"),
        ] {
            let error = text.parse::<TrackConstraints>().unwrap_err();
            let message = message.replace("deviceid", "device-id, group-id");
            assert!(error.to_string().contains(&message), "{text}: {error}");
            assert_eq!(*error.kind(), ErrorKind::Syntax, "{text}");
        }
    }
}
