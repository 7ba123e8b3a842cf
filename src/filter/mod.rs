//! Filters: what can stand in a chain, and the chain itself.
//!
//! A filter is one entry of the [`catalog`]: its name, its parameters and its effect. Parsing, `framereel filters`,
//! the planner and the shaders all read that one entry.

use std::fmt;

mod catalog;
mod color_matrix;
mod custom;
mod lut;
mod parse;
mod plan;

pub use catalog::catalog;
pub use color_matrix::ColorMatrix;
pub use custom::{Custom, Field, FieldKind, Kind};
pub use lut::Lut;
pub use plan::{Axis, Input, Output, Pass, Picture, Plan, Point, Stage, plan};

/// What a filter is, apart from the values it is given.
#[derive(Debug)]
pub struct FilterInfo {
    /// Its name in a chain, as `hue-rotate`.
    pub name: &'static str,
    /// Its parameters, in order. All may be left out from the end.
    pub params: &'static [Param],
    /// One line for people.
    pub summary: &'static str,
    /// Whether it is one of CSS's (Filter Effects Module Level 1), with the same meaning.
    pub css: bool,
    pub(crate) effect: Effect,
}

/// One parameter of a filter.
#[derive(Debug)]
pub struct Param {
    /// Its name for people, as `radius`.
    pub name: &'static str,
    /// What values it takes.
    pub kind: ParamKind,
    /// Its value when it is left out.
    pub default: f32,
    /// The least value. A lower one is an error, as in CSS.
    pub min: f32,
    /// The greatest effect. A higher value means this one, as in CSS.
    pub max: f32,
}

/// What values a parameter takes, and how they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// A number or a percentage: `0.6`, `60%`.
    Amount,
    /// Pixels: `4px`, `0`.
    Length,
    /// An angle: `90deg`, `0.5turn`, `1.57rad`, `100grad`, `0`. Kept in degrees.
    Angle,
}

/// What a filter does.
#[derive(Debug)]
pub(crate) enum Effect {
    /// A colour matrix on straight colours, clamped after.
    Matrix(fn(&[f32]) -> ColorMatrix),
    /// A WGSL function of the filter's name over a pixel's straight colour and position, clamped after.
    Point {
        /// The file that holds it.
        wgsl: &'static str,
    },
    /// A Gaussian of this standard deviation in pixels.
    Blur,
}

/// A filter with its values.
#[derive(Debug, Clone)]
pub struct Filter {
    info: &'static FilterInfo,
    values: Vec<f32>,
}

impl Filter {
    /// What it is.
    pub fn info(&self) -> &'static FilterInfo {
        self.info
    }

    /// The value of each parameter, within its range.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.info.name == other.info.name && self.values == other.values
    }
}

/// A chain of filters, applied left to right. Read it from CSS syntax; the default is `none`.
///
/// ```
/// # fn main() -> framereel::Result<()> {
/// let chain: framereel::filter::FilterChain = "sepia(60%) blur(2px)".parse()?;
/// assert_eq!(chain.to_string(), "sepia(0.6) blur(2px)");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FilterChain {
    filters: Vec<Filter>,
}

impl FilterChain {
    /// The filters, first applied first.
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    /// Whether it does nothing.
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }
}

impl fmt::Display for FilterChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (index, filter) in self.filters.iter().enumerate() {
            write!(f, "{}{filter}", if index > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.info.name)?;
        for (index, (param, value)) in self.info.params.iter().zip(&self.values).enumerate() {
            write!(f, "{}{value}{}", if index > 0 { ", " } else { "" }, param.kind.unit())?;
        }
        f.write_str(")")
    }
}

impl FilterInfo {
    /// Its parameters for people, as `(radius)`.
    pub fn arguments(&self) -> String {
        self.params.iter().map(|param| param.name).collect::<Vec<_>>().join(", ")
    }

    /// The values that parameters have when they are left out, as `1` or `0px`.
    pub fn defaults(&self) -> String {
        let defaults: Vec<_> =
            self.params.iter().map(|param| format!("{}{}", param.default, param.kind.unit())).collect();
        defaults.join(", ")
    }
}

impl ParamKind {
    /// What stands behind a number of this kind.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Amount => "",
            Self::Length => "px",
            Self::Angle => "deg",
        }
    }

    /// What a value looks like, for error messages.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Amount => "a number or a percentage such as 0.6 or 60%",
            Self::Length => "a length such as 4px",
            Self::Angle => "an angle such as 90deg, 0.25turn or 1.57rad",
        }
    }
}
