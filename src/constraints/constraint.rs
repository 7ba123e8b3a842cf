//! A constraint on one property: on a number or on a string.

use std::ops::RangeInclusive;

/// A constraint on a number (`ConstrainULong`, `ConstrainDouble`, §4.3). The [`Default`] is no constraint.
///
/// `exact`, `min` and `max` must be met; `ideal` is the value to come near to. A bare value (`1280.into()`) is the
/// ideal one, and within [advanced](super::TrackConstraints::advanced) sets the exact one.
///
/// ```
/// use framereel::constraints::Constraint;
/// let width = Constraint::range(640..=1920).with_ideal(1280);
/// assert_eq!(width, Constraint::min(640).with_max(1920).with_ideal(1280));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constraint<T> {
    exact: Option<T>,
    min: Option<T>,
    max: Option<T>,
    ideal: Option<T>,
    bare: Option<T>,
}

impl<T> Constraint<T> {
    const NOTHING: Self = Self { exact: None, min: None, max: None, ideal: None, bare: None };

    /// Nothing but this value.
    pub fn exact(value: T) -> Self {
        Self::NOTHING.with_exact(value)
    }

    /// This value or more.
    pub fn min(value: T) -> Self {
        Self::NOTHING.with_min(value)
    }

    /// This value or less.
    pub fn max(value: T) -> Self {
        Self::NOTHING.with_max(value)
    }

    /// The nearest to this value.
    pub fn ideal(value: T) -> Self {
        Self::NOTHING.with_ideal(value)
    }

    /// From one value to the other, both included.
    pub fn range(range: RangeInclusive<T>) -> Self {
        let (min, max) = range.into_inner();
        Self::min(min).with_max(max)
    }

    /// Adds: nothing but this value.
    pub fn with_exact(self, value: T) -> Self {
        Self { exact: Some(value), ..self }
    }

    /// Adds: this value or more.
    pub fn with_min(self, value: T) -> Self {
        Self { min: Some(value), ..self }
    }

    /// Adds: this value or less.
    pub fn with_max(self, value: T) -> Self {
        Self { max: Some(value), ..self }
    }

    /// Adds: the nearest to this value.
    pub fn with_ideal(self, value: T) -> Self {
        Self { ideal: Some(value), ..self }
    }

    /// Merges two constraints; where both set the same bound, the other one's value is taken.
    pub(super) fn merge(self, other: Self) -> Self {
        Self {
            exact: other.exact.or(self.exact),
            min: other.min.or(self.min),
            max: other.max.or(self.max),
            ideal: other.ideal.or(self.ideal),
            bare: other.bare.or(self.bare),
        }
    }
}

impl<T: Into<f64>> Constraint<T> {
    /// The bounds, in the units of [`Settings`](super::Settings).
    pub(super) fn numbers(self, reading: Reading) -> NumberRule {
        let [exact, min, max, ideal, bare] =
            [self.exact, self.min, self.max, self.ideal, self.bare].map(|value| value.map(Into::into));
        match reading {
            Reading::Basic => NumberRule { exact, min, max, ideal: ideal.or(bare) },
            Reading::Advanced => NumberRule { exact: exact.or(bare), min, max, ideal },
        }
    }
}

impl<T> Default for Constraint<T> {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl<T> From<T> for Constraint<T> {
    fn from(value: T) -> Self {
        Self { bare: Some(value), ..Self::NOTHING }
    }
}

/// A constraint on a string (`ConstrainDOMString`, §4.3): one value, or any of several. The [`Default`] is no
/// constraint.
///
/// ```
/// use framereel::constraints::StringConstraint;
/// let facing = StringConstraint::exact("user").or_exact("left").with_ideal("user");
/// assert_ne!(facing, "user".into());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StringConstraint {
    exact: Vec<String>,
    ideal: Vec<String>,
    bare: Vec<String>,
}

impl StringConstraint {
    /// Nothing but this value.
    pub fn exact(value: impl Into<String>) -> Self {
        Self::default().or_exact(value)
    }

    /// This value if a device has it.
    pub fn ideal(value: impl Into<String>) -> Self {
        Self::default().with_ideal(value)
    }

    /// The values of which one is required.
    pub fn exact_values(&self) -> &[String] {
        &self.exact
    }

    /// Adds a value that is accepted as well as the exact ones before it.
    pub fn or_exact(mut self, value: impl Into<String>) -> Self {
        self.exact.push(value.into());
        self
    }

    /// Adds a value that is as good as the ideal ones before it.
    pub fn with_ideal(mut self, value: impl Into<String>) -> Self {
        self.ideal.push(value.into());
        self
    }

    /// Merges two constraints.
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.exact.extend(other.exact);
        self.ideal.extend(other.ideal);
        self.bare.extend(other.bare);
        self
    }

    pub(super) fn strings(&self, reading: Reading) -> StringRule<'_> {
        let [exact, ideal, bare] =
            [&self.exact, &self.ideal, &self.bare].map(|values| values.iter().map(String::as_str).collect::<Vec<_>>());
        let joined = |mut values: Vec<_>| {
            values.extend(&bare);
            values
        };
        match reading {
            Reading::Basic => StringRule { exact, ideal: joined(ideal) },
            Reading::Advanced => StringRule { exact: joined(exact), ideal },
        }
    }
}

impl From<&str> for StringConstraint {
    fn from(value: &str) -> Self {
        [value].into()
    }
}

impl From<String> for StringConstraint {
    fn from(value: String) -> Self {
        [value].into()
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for StringConstraint {
    fn from(values: [S; N]) -> Self {
        Self { bare: values.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// The meaning of a bare value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The ideal one.
    Basic,
    /// The exact one: within an advanced set.
    Advanced,
}

/// A constraint on a number, with the meaning of its bare value decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct NumberRule {
    pub exact: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub ideal: Option<f64>,
}

/// A constraint on a string, with the meaning of its bare values decided. An empty list is no constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StringRule<'a> {
    pub exact: Vec<&'a str>,
    pub ideal: Vec<&'a str>,
}
