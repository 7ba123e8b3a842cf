//! Animated values: `blur.radius: 0s 0, 2s 8, 5s 0`.

use std::fmt;

use super::parse::{excerpt, limited};
use super::{Filter, FilterChain, ParamKind, Value};
use crate::error::{Error, Result};
use crate::time::{Span, Timestamp};

/// The animation of one number of a chain: its values at some times, and the interpolation between.
#[derive(Debug, Clone, PartialEq)]
pub struct Animation {
    filter: usize,
    value: usize,
    /// Rising times with the value at each; at least one.
    keys: Vec<(Timestamp, f32)>,
    easing: Easing,
}

/// The interpolation from one key to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Easing {
    Linear,
    /// Slow, fast, slow.
    Ease,
}

impl FilterChain {
    /// Animates a number of this chain. `course` is `FILTER.PARAMETER: TIME VALUE, TIME VALUE, …`, and may end with
    /// `ease`: `blur.radius: 0s 0, 2s 8, 5s 0 ease`. Before the first time and after the last the value stays. Of several
    /// filters of one name `blur[2]` is the second.
    ///
    /// # Errors
    /// A syntax error when the chain has no such filter or parameter, or the animation cannot be parsed.
    pub fn animate(&mut self, course: &str) -> Result<()> {
        limited(course, "animation")?;
        let expected = |what: &str, found: &str| {
            let message = format!(
                "expected {what} but found `{}`; an animation reads as `blur.radius: 0s 0, 2s 8, 5s 0`, not as `{course}`",
                found.trim()
            );
            Error::syntax(excerpt(&message))
        };
        let (target, keys) = course.split_once(':').ok_or_else(|| expected("`:` after FILTER.PARAMETER", course))?;
        let (name, param) = target.trim().rsplit_once('.').ok_or_else(|| expected("FILTER.PARAMETER", target))?;
        let (name, nth) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((name, nth)) => (name, nth.parse().map_err(|_| expected("a number in brackets", nth))?),
            None => (name, 1_usize),
        };
        let mut same =
            self.filters.iter().enumerate().filter(|(_, filter)| filter.info.name.eq_ignore_ascii_case(name));
        let Some((index, filter)) = nth.checked_sub(1).and_then(|nth| same.nth(nth)) else {
            let names: Vec<_> = self.filters.iter().map(|filter| filter.info.name).collect();
            let names = if names.is_empty() { "no filter".to_owned() } else { names.join(", ") };
            return Err(expected(&format!("one of the chain's filters ({names})"), name));
        };
        let value = (0..filter.values.len())
            .find(|&value| filter.value_name(value) == param && filter.is_animatable(value))
            .ok_or_else(|| {
                let names: Vec<_> = (0..filter.values.len())
                    .filter(|&value| filter.is_animatable(value))
                    .map(|value| filter.value_name(value))
                    .collect();
                expected(&format!("a number of `{name}` ({})", names.join(", ")), param)
            })?;

        let trimmed = keys.trim();
        let (keys, easing) = match trimmed.strip_suffix("ease") {
            Some(keys) => (keys.trim_end_matches([' ', ',']), Easing::Ease),
            None => (trimmed.strip_suffix("linear").unwrap_or(trimmed).trim_end_matches([' ', ',']), Easing::Linear),
        };
        let mut course: Vec<(Timestamp, f32)> = Vec::new();
        for key in keys.split(',') {
            let (time, number) =
                key.trim().split_once(char::is_whitespace).ok_or_else(|| expected("a time and a value", key))?;
            let time = Timestamp::ZERO + time.parse::<Span>().map_err(|_| expected("a time such as 2s", time))?;
            if course.last().is_some_and(|&(last, _)| last >= time) {
                return Err(expected("times that rise", key));
            }
            course.push((time, filter.read_number(value, number.trim())?));
        }
        self.animations.push(Animation { filter: index, value, keys: course, easing });
        Ok(())
    }
}

impl Filter {
    fn is_animatable(&self, value: usize) -> bool {
        let word = matches!(self.info.params.get(value).map(|param| param.kind), Some(ParamKind::Word(_)));
        matches!(self.values[value], Value::Number(_)) && !word
    }
}

impl Animation {
    /// The same animation for a filter `places` positions further back.
    pub(super) fn moved(mut self, places: usize) -> Self {
        self.filter += places;
        self
    }

    /// The index of its filter in the chain.
    pub(super) fn filter(&self) -> usize {
        self.filter
    }

    /// Whether it changes this value of this filter.
    pub(super) fn animates(&self, filter: usize, value: usize) -> bool {
        (self.filter, self.value) == (filter, value)
    }

    /// Sets the value for `time`.
    pub(super) fn apply(&self, filters: &mut [Filter], time: Timestamp) {
        filters[self.filter].values[self.value] = Value::Number(self.at(time));
    }

    fn at(&self, time: Timestamp) -> f32 {
        let next = self.keys.partition_point(|&(key, _)| key <= time);
        let (Some(&(from, a)), Some(&(to, b))) = (self.keys.get(next.wrapping_sub(1)), self.keys.get(next)) else {
            let end = if next == 0 { self.keys.first() } else { self.keys.last() };
            return end.map_or(0.0, |&(_, value)| value);
        };
        let along = (time - from).as_secs_f64() / (to - from).as_secs_f64();
        let along = match self.easing {
            Easing::Linear => along,
            Easing::Ease => along * along * (3.0 - 2.0 * along),
        };
        (f64::from(a) + (f64::from(b) - f64::from(a)) * along) as f32
    }
}

impl fmt::Display for Animation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (time, value)) in self.keys.iter().enumerate() {
            write!(f, "{}{} {value}", if index > 0 { ", " } else { "" }, *time - Timestamp::ZERO)?;
        }
        f.write_str(if self.easing == Easing::Ease { " ease" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(course: &str, millis: i64) -> String {
        let mut chain: FilterChain = "blur(1px) sepia(1) blur(3px)".parse().unwrap();
        chain.animate(course).unwrap();
        chain.at(Timestamp::ZERO + Span::from_millis(millis)).to_string()
    }

    #[test]
    fn values_run_between_their_keys_and_stay_outside_them() {
        let course = "blur.radius: 1s 0, 2s 8px, 5s 2";
        for (millis, radius) in [(0, "0"), (1000, "0"), (1500, "4"), (2000, "8"), (3500, "5"), (9000, "2")] {
            assert_eq!(at(course, millis), format!("blur({radius}px) sepia(1) blur(3px)"), "at {millis} ms");
        }
        assert_eq!(at("blur[2].radius: 0s 0, 4s 8 ease", 1000), "blur(1px) sepia(1) blur(1.25px)");
        assert_eq!(at("sepia.amount: 0s 100%, 1s 0%", 250), "blur(1px) sepia(0.75) blur(3px)");
    }

    #[test]
    fn what_does_not_read_is_named() {
        let mut chain: FilterChain = "blur(1px)".parse().unwrap();
        for (course, words) in [
            ("blur.radius", "expected `:`"),
            ("radius: 0s 1", "expected FILTER.PARAMETER"),
            ("sepia.amount: 0s 1", "expected one of the chain's filters (blur) but found `sepia`"),
            ("blur[2].radius: 0s 1", "expected one of the chain's filters (blur)"),
            ("blur[0].radius: 0s 1", "expected one of the chain's filters (blur)"),
            ("blur.size: 0s 1", "expected a number of `blur` (radius) but found `size`"),
            ("blur.radius: 0s", "expected a time and a value but found `0s`"),
            ("blur.radius: x 1", "expected a time such as 2s but found `x`"),
            ("blur.radius: 2s 1, 1s 2", "expected times that rise but found `1s 2`"),
            ("blur.radius: 0s -1", "at least 0"),
            ("blur.radius: 0s 1em", "found `1em`"),
        ] {
            let message = chain.animate(course).unwrap_err().to_string();
            assert!(message.contains(words), "{course}: {message}");
        }
        assert!(!chain.is_animated());
    }
}
