//! Filters: the entries that a chain may have, and the chain itself.
//!
//! A filter is one entry of the [`catalog`]: its name, its parameters and its effect. Parsing, `framereel filters`,
//! the planner and the shaders all read that one entry.

use std::fmt;
use std::sync::Arc;

use crate::time::Timestamp;

mod animation;
mod catalog;
mod color_matrix;
mod custom;
mod edit;
mod file;
mod lut;
mod parse;
mod plan;
mod visualization;

pub use animation::Animation;
pub use catalog::catalog;
pub(crate) use color_matrix::ColorMatrix;
pub use custom::{Custom, Field, FieldKind, Kind};
pub use file::FileAccess;
pub use lut::Lut;
// For `framereel filters --explain` and for tests that judge plans.
#[doc(hidden)]
pub use plan::{
    Axis, BlurKernel, Extent, LayerPlace, Pass, PassInput, PassOutput, Plan, PlaneKind, PlannedTexture, Point,
    Precision, Reflection, Scaling, SourcePicture, SourcePixels, Stage, Taps, plan, plan_layer,
};
pub use visualization::Visualization;

/// The definition of a filter, without the values of its parameters.
#[derive(Debug)]
#[non_exhaustive]
pub struct FilterInfo {
    /// Its name in a chain, as `hue-rotate`.
    pub name: &'static str,
    /// Its parameters, in order. All with a default may be left out.
    pub params: &'static [Param],
    /// One line for people.
    pub summary: &'static str,
    /// Whether it is one of CSS's (Filter Effects Module Level 1), with the same meaning.
    pub css: bool,
    /// A chain that shows what it does, where it shows little by its defaults.
    pub(crate) demonstration: Option<&'static str>,
    pub(crate) effect: Effect,
}

/// One parameter of a filter.
#[derive(Debug)]
#[non_exhaustive]
pub struct Param {
    /// Its name, as `radius`: for people, and for `name=value` in a chain.
    pub name: &'static str,
    /// The kind of its values.
    pub kind: ParamKind,
    /// Its default as text; empty when the parameter is required.
    pub default: &'static str,
    /// The least number. A lower one is an error, as in CSS.
    pub min: f32,
    /// The number of greatest effect. A higher one is reduced to it, as in CSS.
    pub max: f32,
}

/// The kind of a parameter's values, and their syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamKind {
    /// A number or a percentage: `0.6`, `60%`.
    Amount,
    /// Pixels: `4px`, `0`.
    Length,
    /// An angle: `90deg`, `0.5turn`, `1.57rad`, `100grad`, `0`. Kept in degrees.
    Angle,
    /// A CSS colour: `red`, `#f80`, `rgb(255 128 0)`, `hsl(30deg 100% 50%)`. It may stand anywhere among the values.
    Color,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The path of a `.cube` file, in quotes.
    Lut,
    /// The path of a WGSL file, in quotes. Its own parameters follow as `name=value`.
    Shader,
}

/// A parameter's value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Value {
    /// A number in the parameter's unit; for a word, its index in the list.
    Number(f32),
    /// Red, green, blue and alpha, 0–1, sRGB-encoded, straight.
    Color([f32; 4]),
    /// A table of colours.
    Lut(Arc<Lut>),
    /// A user's WGSL.
    Shader(Arc<Custom>),
}

/// The effect of a filter.
#[derive(Debug)]
pub(crate) enum Effect {
    /// A colour matrix on straight colours, clamped after.
    Matrix(fn(&[f32]) -> ColorMatrix),
    /// A WGSL function of the filter's name, `fn(color, position, values…) -> vec4f`, on straight colours; it leaves alpha
    /// as it is.
    Point(&'static str),
    /// A point function that multiplies the colour by a factor of at most 1 that depends on the position alone, and so
    /// slowly that it is almost the same for all pixels that share a chroma sample.
    Shade(&'static str),
    /// A point function that may make pixels transparent.
    Key(&'static str),
    /// A WGSL function of the filter's name, `fn(position, values…) -> vec4f`, that reads other pixels with `sample`;
    /// premultiplied.
    Area(&'static str),
    /// As an area function, with `previous`: its own result for the frame before.
    Trail(&'static str),
    /// A WGSL function of the filter's name, `fn(position) -> vec4f`, at the beginning of a chain: it draws a picture of any
    /// size out of a source whose pixels are values, which it reads with `load` as they are.
    Plot(&'static str),
    /// A Gaussian of this standard deviation in pixels.
    Blur,
    /// A WGSL function of the filter's name, `fn(original, blurred, values…) -> vec4f`, premultiplied.
    Combine {
        wgsl: &'static str,
        /// Which value is the blur's standard deviation.
        sigma: usize,
        /// The indices of the two values, if any, that move the blurred picture right and down.
        shift: Option<[usize; 2]>,
        /// Whether a second function of the file makes the picture to blur, `fn NAME_feed(color, values…) -> vec4f`,
        /// premultiplied.
        feeds: bool,
    },
    /// The user's WGSL file decides.
    Custom,
}

/// A filter with its values.
#[derive(Debug, Clone)]
pub struct Filter {
    info: &'static FilterInfo,
    /// One for each parameter, then one for each field of a user's WGSL.
    values: Vec<Value>,
}

impl Filter {
    /// Its definition.
    pub fn info(&self) -> &'static FilterInfo {
        self.info
    }

    /// The value of each parameter, within its range; then the fields of a user's WGSL, if this is one.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The numbers among the values.
    pub(crate) fn numbers(&self) -> Vec<f32> {
        self.values.iter().filter_map(Value::number).collect()
    }

    /// The user's WGSL, if this is one.
    pub fn custom(&self) -> Option<&Arc<Custom>> {
        self.values.iter().find_map(|value| match value {
            Value::Shader(custom) => Some(custom),
            _ => None,
        })
    }

    fn follows_time(&self) -> bool {
        let reads = |wgsl: &str| ["frame.time", "frame.index"].iter().any(|name| wgsl.contains(name));
        match &self.info.effect {
            Effect::Matrix(_) | Effect::Blur => false,
            Effect::Point(wgsl) | Effect::Shade(wgsl) | Effect::Key(wgsl) | Effect::Area(wgsl) | Effect::Plot(wgsl) => {
                reads(wgsl)
            }
            Effect::Combine { wgsl, .. } => reads(wgsl),
            Effect::Trail(_) => true,
            // However it spells it.
            Effect::Custom => {
                self.custom().is_none_or(|custom| custom.uses_previous() || custom.wgsl("").contains("frame"))
            }
        }
    }

    /// Whether one of its values was read from a file.
    fn has_file(&self) -> bool {
        self.values.iter().any(|value| matches!(value, Value::Lut(_) | Value::Shader(_)))
    }

    /// The name of the value at `index`; empty where there is none.
    pub fn value_name(&self, index: usize) -> &str {
        match (self.info.params.get(index), self.custom()) {
            (Some(param), _) => param.name,
            (None, Some(custom)) => {
                custom.fields().get(index - self.info.params.len()).map_or("", |field| field.name.as_str())
            }
            (None, None) => "",
        }
    }
}

impl Value {
    pub(crate) fn number(&self) -> Option<f32> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// Files are equal when they were read at the same time; a file that has changed since is another value.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Color(a), Self::Color(b)) => a == b,
            (Self::Lut(a), Self::Lut(b)) => Arc::ptr_eq(a, b),
            (Self::Shader(a), Self::Shader(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.info.name == other.info.name && self.values == other.values
    }
}

/// The pixels outside a picture's borders, for filters that read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Edge {
    /// Transparent black, as on a canvas: a blur fades the borders.
    #[default]
    Transparent,
    /// The nearest pixel of the border: film stays opaque.
    Clamp,
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
///
/// A chain that is parsed in this way opens no files. [`FilterChain::parse_with`] parses chains that name tables and
/// shaders.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FilterChain {
    filters: Vec<Filter>,
    edge: Edge,
    animations: Vec<Animation>,
}

impl FilterChain {
    /// The filters, first applied first.
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    /// Whether it has no effect.
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// The pixels that filters read outside the picture's borders.
    pub fn edge(&self) -> Edge {
        self.edge
    }

    /// The same chain with this edge.
    pub fn with_edge(mut self, edge: Edge) -> Self {
        self.edge = edge;
        self
    }

    /// This chain, then `next`. The edge and the animations of both hold; of two edges, the one that was asked for.
    pub fn then(mut self, next: Self) -> Self {
        let ahead = self.filters.len();
        self.filters.extend(next.filters);
        self.animations.extend(next.animations.into_iter().map(|animation| animation.moved(ahead)));
        if next.edge != Edge::default() {
            self.edge = next.edge;
        }
        self
    }

    /// Whether its values change over time.
    pub fn is_animated(&self) -> bool {
        !self.animations.is_empty()
    }

    /// Whether it may draw one picture differently at another time: by an animation, or by a filter that reads the
    /// time, the frame's number or the frame before.
    pub(crate) fn follows_time(&self) -> bool {
        self.is_animated() || self.filters.iter().any(Filter::follows_time)
    }

    /// The chain at this time, with every animated value set.
    pub fn at(&self, time: Timestamp) -> Self {
        let mut chain = Self { filters: self.filters.clone(), edge: self.edge, animations: Vec::new() };
        for animation in &self.animations {
            animation.apply(&mut chain.filters, time);
        }
        chain
    }
}

impl fmt::Display for FilterChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            f.write_str("none")?;
        }
        for (index, filter) in self.filters.iter().enumerate() {
            write!(f, "{}{filter}", if index > 0 { " " } else { "" })?;
        }
        match self.edge {
            Edge::Transparent => Ok(()),
            Edge::Clamp => f.write_str(" edge=clamp"),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.info.name)?;
        for (index, value) in self.values.iter().enumerate() {
            f.write_str(if index > 0 { ", " } else { "" })?;
            match (value, self.info.params.get(index).map(|param| param.kind)) {
                (Value::Number(number), Some(ParamKind::Word(words))) => f.write_str(words[*number as usize])?,
                (Value::Number(number), Some(kind)) => write!(f, "{number}{}", kind.unit())?,
                (Value::Number(number), None) => write!(f, "{}={number}", self.value_name(index))?,
                (Value::Color([r, g, b, a]), param) => {
                    if param.is_none() {
                        write!(f, "{}=", self.value_name(index))?;
                    }
                    let [r, g, b] = [r, g, b].map(|value| (value * 255.0).round());
                    write!(f, "rgba({r}, {g}, {b}, {a})")?;
                }
                (Value::Lut(lut), _) => write!(f, "\"{}\"", lut.name())?,
                (Value::Shader(custom), _) => write!(f, "\"{}\"", custom.name())?,
            }
        }
        f.write_str(")")
    }
}

impl FilterInfo {
    /// Its parameters for people, as `(radius)`.
    pub fn arguments(&self) -> String {
        self.params.iter().map(|param| param.name).collect::<Vec<_>>().join(", ")
    }

    /// The values that parameters have when they are left out, as `1` or `0px`; `-` where one must be given.
    pub fn defaults(&self) -> String {
        let default = |param: &Param| if param.default.is_empty() { "-" } else { param.default };
        self.params.iter().map(default).collect::<Vec<_>>().join(", ")
    }

    /// A chain that shows what it does, as `blur(4px)`; none for a filter that needs a file.
    pub fn demonstration(&self) -> Option<String> {
        let needs_file = self.params.iter().any(|param| matches!(param.kind, ParamKind::Lut | ParamKind::Shader));
        let by_defaults = || format!("{}({})", self.name, self.defaults());
        (!needs_file).then(|| self.demonstration.map_or_else(by_defaults, str::to_owned))
    }
}

impl ParamKind {
    /// The unit of a number of this kind.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Length => "px",
            Self::Angle => "deg",
            _ => "",
        }
    }

    /// An example of a value, for error messages.
    pub(crate) fn description(self) -> String {
        match self {
            Self::Amount => "a number or a percentage such as 0.6 or 60%".into(),
            Self::Length => "a length such as 4px".into(),
            Self::Angle => "an angle such as 90deg, 0.25turn or 1.57rad".into(),
            Self::Color => "a colour such as red, #f80 or rgb(255 128 0)".into(),
            Self::Word(words) => words.join(" or "),
            Self::Lut => "a .cube file in quotes such as \"film.cube\"".into(),
            Self::Shader => "a WGSL file in quotes such as \"wave.wgsl\"".into(),
        }
    }
}
