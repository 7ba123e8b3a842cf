//! The distance of settings from constraints (§11, "fitness distance").

use super::constraint::{NumberRule, Reading, StringRule};
use super::property::{Actual, Property, Rule};
use super::{Settings, TOLERANCE, TrackConstraints};
use crate::stream::TrackKind;

/// The distance of a track's settings from a set of constraints: 0 if they meet every constraint, up to 1 more for each
/// ideal value that they do not meet, and infinity if they do not meet a required one. Advanced sets do not count here.
///
/// ```
/// use framereel::constraints::{Settings, TrackConstraints, fitness_distance};
/// use framereel::stream::TrackKind;
///
/// let mut settings = Settings::default();
/// settings.width = Some(640);
/// let distance = |text: &str| fitness_distance(TrackKind::Video, &settings, &text.parse().unwrap());
/// assert_eq!(distance("width=1280"), 0.5);
/// assert_eq!(distance("width=320"), 0.5);
/// assert_eq!(distance("width=min:1280"), f64::INFINITY);
/// ```
pub fn fitness_distance(kind: TrackKind, settings: &Settings, constraints: &TrackConstraints) -> f64 {
    distance(kind, settings, constraints, Reading::Basic)
}

pub(super) fn distance(kind: TrackKind, settings: &Settings, set: &TrackConstraints, reading: Reading) -> f64 {
    let applicable = Property::ALL.into_iter().filter(|property| property.applies_to(kind));
    applicable.map(|property| property.rule(set, reading).distance(property.actual(settings))).sum()
}

impl Rule<'_> {
    pub fn distance(&self, actual: Option<Actual>) -> f64 {
        if !self.is_met(actual) {
            return f64::INFINITY;
        }
        match (self, actual) {
            (Self::Number(NumberRule { ideal: Some(ideal), .. }), Some(Actual::Number(actual))) => {
                relative_difference(actual, *ideal)
            }
            (Self::Strings(StringRule { ideal, .. }), Some(Actual::String(actual))) if !ideal.is_empty() => {
                f64::from(!ideal.contains(&actual))
            }
            (Self::Number(NumberRule { ideal: Some(_), .. }), _) => 1.0,
            (Self::Strings(StringRule { ideal, .. }), _) if !ideal.is_empty() => 1.0,
            _ => 0.0,
        }
    }

    /// Whether the value meets the required constraints.
    pub fn is_met(&self, actual: Option<Actual>) -> bool {
        match (self, actual) {
            (rule, _) if !rule.is_required() => true,
            (Self::Number(rule), Some(Actual::Number(actual))) => {
                let same = |wanted: f64| relative_difference(actual, wanted) == 0.0;
                rule.exact.is_none_or(same)
                    && rule.min.is_none_or(|min| actual >= min || same(min))
                    && rule.max.is_none_or(|max| actual <= max || same(max))
            }
            (Self::Strings(rule), Some(Actual::String(actual))) => rule.exact.contains(&actual),
            _ => false,
        }
    }

    /// Whether settings without this property are excluded.
    pub fn is_required(&self) -> bool {
        match self {
            Self::Number(rule) => rule.exact.or(rule.min).or(rule.max).is_some(),
            Self::Strings(rule) => !rule.exact.is_empty(),
        }
    }
}

/// |actual − ideal| / max(|actual|, |ideal|), and 0 within the tolerance; whole numbers have no tolerance.
fn relative_difference(actual: f64, ideal: f64) -> f64 {
    if actual == ideal {
        return 0.0;
    }
    let difference = (actual - ideal).abs() / actual.abs().max(ideal.abs());
    let counts = actual.fract() == 0.0 && ideal.fract() == 0.0;
    if difference < TOLERANCE && !counts { 0.0 } else { difference }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_ratios_have_a_tolerance_that_tells_30_from_29_97() {
        assert_eq!(relative_difference(30.00003, 30.0), 0.0);
        assert_eq!(relative_difference(16.0 / 9.0, 1.778), 0.0);
        assert!(relative_difference(30_000.0 / 1001.0, 30.0) > 0.0);
        assert!(relative_difference(47_999.0, 48_000.0) > 0.0, "counts are exact");
        assert_eq!(relative_difference(0.0, 0.0), 0.0);
        assert_eq!(relative_difference(0.0, 20.0), 1.0);
    }
}
