//! Time in whole nanoseconds, and frame rates as ratios: rounded only where a file format requires it.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use crate::error::{Error, Result};

const NANOS: i64 = 1_000_000_000;

/// A point in time, in nanoseconds from the beginning of a recording or a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A length of time in nanoseconds. Sums saturate at 292 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

impl Timestamp {
    /// The beginning.
    pub const ZERO: Self = Self(0);

    /// The latest time.
    pub const MAX: Self = Self(i64::MAX);

    /// The time this number of nanoseconds after the beginning.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds from the beginning.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds from the beginning, for display and shaders.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS as f64
    }
}

impl Span {
    /// The length 0.
    pub const ZERO: Self = Self(0);

    /// The greatest length.
    pub const MAX: Self = Self(i64::MAX);

    /// A length in nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A length in milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * 1_000_000)
    }

    /// A length in whole seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * NANOS)
    }

    /// Nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds, for display.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS as f64
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub for Timestamp {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

impl From<std::time::Duration> for Span {
    fn from(duration: std::time::Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

/// A negative span becomes zero.
impl From<Span> for std::time::Duration {
    fn from(span: Span) -> Self {
        Self::from_nanos(span.0.max(0).unsigned_abs())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.3}", self.as_secs_f64());
        write!(f, "{}s", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// `5s`, `1.5s`, `250ms`, `2m`, `1h`, `90` (seconds), `1:30` and `0:01:30.5`; from 0 to 1000 hours.
impl FromStr for Span {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let expected = || Error::syntax(format!("expected a time such as 5s, 250ms, 2m or 1:30 but found `{text}`"));
        let number = |part: &str| match part.parse::<f64>() {
            Ok(value) if part.bytes().all(|b| b.is_ascii_digit() || b == b'.') => Ok(value),
            _ => Err(expected()),
        };
        let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let seconds = match &text[unit_at..] {
            "" => {
                let parts = text.split(':').map(number).collect::<Result<Vec<_>>>()?;
                if parts.len() > 3 || parts.iter().skip(1).any(|&part| part >= 60.0) {
                    return Err(expected());
                }
                parts.iter().fold(0.0, |sum, part| sum * 60.0 + part)
            }
            unit => {
                let scale = match unit {
                    "ms" => 0.001,
                    "s" => 1.0,
                    "m" | "min" => 60.0,
                    "h" => 3600.0,
                    _ => return Err(expected()),
                };
                number(&text[..unit_at])? * scale
            }
        };
        if seconds > 3_600_000.0 {
            return Err(Error::range(format!("expected a time of at most 1000h but found `{text}`")));
        }
        Ok(Self((seconds * NANOS as f64).round() as i64))
    }
}

/// Frames per second, as a ratio: 30000/1001 is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameRate {
    num: u32,
    den: u32,
}

impl FrameRate {
    /// The highest supported rate, in frames per second.
    pub const MAX: u32 = 1000;

    /// `num / den` frames per second, above 0 and at most [`FrameRate::MAX`]; otherwise a range error.
    pub fn new(num: u32, den: u32) -> Result<Self> {
        if num == 0 || den == 0 || u64::from(num) > u64::from(Self::MAX) * u64::from(den) {
            let found = if den == 1 { num.to_string() } else { format!("{num}/{den}") };
            return Err(Error::range(format!(
                "expected a frame rate above 0 and at most {} but found {found}",
                Self::MAX
            )));
        }
        Ok(Self { num, den })
    }

    /// A whole number of frames per second, as a constant.
    pub const fn whole(rate: u32) -> Self {
        assert!(rate > 0 && rate <= Self::MAX);
        Self { num: rate, den: 1 }
    }

    /// The numerator.
    pub const fn num(self) -> u32 {
        self.num
    }

    /// The denominator.
    pub const fn den(self) -> u32 {
        self.den
    }

    /// Frames per second, rounded to a float.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// The time at which frame `index` begins: exact to a nanosecond for any index, without drift.
    pub fn timestamp(self, index: u64) -> Timestamp {
        let nanos = i128::from(index) * i128::from(self.den) * i128::from(NANOS);
        let num = i128::from(self.num);
        Timestamp(((nanos + num / 2) / num) as i64)
    }

    /// The length of one frame, rounded to a nanosecond.
    pub fn frame_span(self) -> Span {
        self.timestamp(1) - Timestamp::ZERO
    }

    /// How many frames begin within this span.
    pub fn frames_in(self, span: Span) -> u64 {
        let frames = i128::from(span.0.max(0)) * i128::from(self.num);
        let second = i128::from(self.den) * i128::from(NANOS);
        // Tolerates half a nanosecond per frame: 0.04 s at 25 fps is one frame, however 0.04 was rounded.
        ((frames + second - 1 - i128::from(self.num) / 2) / second).max(0) as u64
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{:.2}", self.as_f64()) }
    }
}

/// `30`, `29.97`, `30000/1001`.
impl FromStr for FrameRate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let expected =
            || Error::syntax(format!("expected a frame rate such as 30, 29.97 or 30000/1001 but found `{text}`"));
        if let Some((num, den)) = text.split_once('/') {
            return Self::new(num.parse().map_err(|_| expected())?, den.parse().map_err(|_| expected())?);
        }
        if let Ok(whole) = text.parse() {
            return Self::new(whole, 1);
        }
        let rate: f64 = text.parse().map_err(|_| expected())?;
        if !(rate > 0.0 && rate <= f64::from(Self::MAX)) {
            return Err(Error::range(format!(
                "expected a frame rate above 0 and at most {} but found {text}",
                Self::MAX
            )));
        }
        // 29.97 and 23.976 are names for ratios over 1001.
        let ntsc = (rate * 1.001).round();
        if (ntsc / 1.001 - rate).abs() < 0.005 && (rate - rate.round()).abs() > 0.005 {
            return Self::new(ntsc as u32 * 1000, 1001);
        }
        Self::new((rate * 1000.0).round() as u32, 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_the_way_people_write_them() {
        for (text, millis) in [
            ("5s", 5000),
            ("250ms", 250),
            ("1.5s", 1500),
            ("2m", 120_000),
            ("1:30", 90_000),
            ("0:01:30.5", 90_500),
            ("7", 7000),
        ] {
            assert_eq!(text.parse::<Span>().unwrap(), Span::from_millis(millis), "{text}");
        }
        for text in ["", "s", "-5s", "5x", "1:75", "1:2:3:4", "nan", "inf", "1e3s", "9999h"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_ratios_and_their_limits_are_named() {
        assert_eq!("29.97".parse::<FrameRate>().unwrap(), FrameRate::new(30000, 1001).unwrap());
        assert_eq!("23.976".parse::<FrameRate>().unwrap(), FrameRate::new(24000, 1001).unwrap());
        assert_eq!("12.5".parse::<FrameRate>().unwrap().as_f64(), 12.5);
        for text in ["0", "-1", "1000000", "nan", "30/0", "x"] {
            assert!(text.parse::<FrameRate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_frame_keeps_its_instant_after_a_million_frames() {
        let ntsc = FrameRate::new(30000, 1001).unwrap();
        assert_eq!(ntsc.timestamp(30_000 * 1000).as_nanos(), 1_001_000 * NANOS);
        assert_eq!(FrameRate::whole(25).frames_in(Span::from_millis(40)), 1);
        assert_eq!(FrameRate::whole(30).frames_in(Span::from_secs(2)), 60);
        assert_eq!(ntsc.frames_in(ntsc.timestamp(100) - Timestamp::ZERO), 100);
    }
}
