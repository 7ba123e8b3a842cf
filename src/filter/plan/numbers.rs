//! The numbers that a pass's shader reads, and their places. Values that change from frame to frame in an animated
//! chain are here, so that the shader's text stays.

use super::{BlurKernel, Pass, Point, Reflection, Scaling, Stage, Taps};
use crate::filter::{Effect, Filter, Kind, Value};
use crate::frame::Size;

/// The number of vectors for a blur: as many as the widest one needs, so that an animated radius changes numbers alone.
pub(super) const BLUR_PARAMS: usize = 11;

impl Pass {
    /// How many turns of four pixels its blur takes, as its shader counts them; with `any`, enough for a blur of any radius.
    pub fn turns(&self, any: bool) -> usize {
        // The first two vectors hold no weights.
        if any { BLUR_PARAMS - 2 } else { self.stage.params(self.from.size)[0][1] as usize }
    }

    /// The numbers that the pass's shader reads: the stage's first, then each point's.
    pub fn params(&self) -> Vec<[f32; 4]> {
        let mut params = self.stage.params(self.from.size);
        for point in &self.points {
            params.extend(point.params());
        }
        params
    }

    /// Each point, with the place of its first number in [`Pass::params`].
    pub fn placed_points(&self) -> impl Iterator<Item = (&Point, usize)> {
        let mut at = self.stage.params(self.from.size).len();
        self.points.iter().map(move |point| {
            let place = at;
            at += point.params().len();
            (point, place)
        })
    }
}

impl Point {
    fn params(&self) -> Vec<[f32; 4]> {
        match self {
            Self::Matrix(matrix) => matrix.params().to_vec(),
            Self::Function(filter) | Self::Combine(filter) | Self::Feed(filter) => filter.params(),
        }
    }
}

impl Filter {
    /// Its reach beyond the borders, in pixels.
    pub(super) fn reach(&self) -> u32 {
        let number = |index: usize| self.values()[index].number().unwrap_or(0.0);
        let (sigma, shift) = match &self.info().effect {
            Effect::Blur => (number(0), 0.0),
            Effect::Combine { sigma, shift, .. } => (
                number(*sigma),
                shift.map_or(0.0, |shift| shift.map(number).map(f32::abs).into_iter().fold(0.0, f32::max)),
            ),
            _ => return 0,
        };
        (BlurKernel::new(sigma).reach() + shift).ceil() as u32
    }

    /// Whether it reads the picture at positions of its own choice.
    pub(super) fn looks_around(&self) -> bool {
        match &self.info().effect {
            Effect::Area(_) | Effect::Trail(_) | Effect::Plot(_) => true,
            Effect::Custom => {
                self.custom().is_some_and(|custom| custom.kind() != Kind::Color || custom.uses_previous())
            }
            _ => false,
        }
    }

    /// Whether it may get planes over black, rounded to 8 bits, in place of colours with transparency: another blur may, and
    /// what darkens alone, where it does not matter whether the colour or its part of the pixel is darkened.
    pub(super) fn takes_planes(&self) -> bool {
        match &self.info().effect {
            Effect::Blur => true,
            Effect::Matrix(matrix) => matrix(&self.numbers()).shrinks(),
            Effect::Shade(_) => true,
            _ => self.reflections().is_some(),
        }
    }

    /// What it reflects across and down, if that is all that it does.
    pub(super) fn reflections(&self) -> Option<[Reflection; 2]> {
        use Reflection::{All, First, None, Second};
        let choose = |reflections: &[[Reflection; 2]]| {
            let number = self.values().first()?.number()?;
            reflections.get(number as usize).copied()
        };
        match self.info().name {
            "flip" => choose(&[[All, None], [None, All], [All, All]]),
            "mirror" => choose(&[[Second, None], [First, None], [None, Second], [None, First]]),
            _ => Option::None,
        }
    }

    /// Whether it draws and reads no picture.
    pub(super) fn draws(&self) -> bool {
        self.custom().is_some_and(|custom| custom.kind() == Kind::Image)
    }

    /// Whether it draws from values: then its input is not a picture, and is not scaled.
    pub(super) fn plots(&self) -> bool {
        matches!(self.info().effect, Effect::Plot(_))
    }

    /// The numbers in the order of the shader, at the places of [`Filter::places`].
    fn params(&self) -> Vec<[f32; 4]> {
        let mut params = vec![[0.0; 4]; self.numbers().len().div_ceil(4)];
        let mut numbers = 0;
        for value in self.values() {
            match value {
                Value::Number(number) => {
                    params[numbers / 4][numbers % 4] = *number;
                    numbers += 1;
                }
                Value::Color(color) => params.push(*color),
                Value::Lut(lut) => params.extend(lut.params()),
                Value::Shader(_) => {}
            }
        }
        params
    }

    /// The WGSL that reads each value, when the first of [`Filter::params`] is at `at`: all numbers first, then colours
    /// and tables. A table is passed by its place.
    pub(crate) fn places(&self, at: usize) -> Vec<String> {
        let (mut number, mut whole) = (0, at + self.numbers().len().div_ceil(4));
        let mut places = Vec::new();
        for value in self.values() {
            match value {
                Value::Number(_) => {
                    places.push(format!("params[{}u][{}u]", at + number / 4, number % 4));
                    number += 1;
                }
                Value::Color(_) => {
                    places.push(format!("params[{whole}u]"));
                    whole += 1;
                }
                Value::Lut(lut) => {
                    places.push(format!("{whole}u"));
                    whole += lut.vectors();
                }
                Value::Shader(_) => {}
            }
        }
        places
    }
}

impl Stage {
    fn params(&self, input: Size) -> Vec<[f32; 4]> {
        match self {
            Self::Copy => Vec::new(),
            Self::Area(filter) => filter.params(),
            Self::Blur { kernel, shift } => blur_params(*kernel, *shift),
            Self::PlaneReflect { .. } | Self::PlaneReduce { .. } => Vec::new(),
            Self::PlaneBlur { taps, .. } => taps.params(),
            Self::Reduce { factor, shift: [x, y] } => vec![[*factor as f32, *x as f32, *y as f32, 0.0]],
            Self::Expand { factor } => vec![[*factor as f32, 0.0, 0.0, 0.0]],
            Self::Place { scaling: Scaling { origin, step, covered: [begin, end], from: [first, last] }, .. } => {
                vec![[*origin, *step, *begin, *end], [*first, *last, 0.0, 0.0]]
            }
            Self::Resample { axis, begin, length } => {
                let scale = axis.of(input) as f32 / *length as f32;
                vec![[*begin as f32, *length as f32, scale, 2.0 * scale.max(1.0)]]
            }
        }
    }
}

/// A blur as `shaders/filter/blur.wgsl` reads it, whose invocations make eight neighbours at once from four pixels a turn:
/// the first pixel and the number of turns; a vector of zeros; then the weights, and zeros.
pub(super) fn blur_params(kernel: BlurKernel, shift: f32) -> Vec<[f32; 4]> {
    let Taps { first, weights } = Taps::new(kernel, shift);
    let turns = (weights.len() + 7).div_ceil(4);
    let weight = |t: usize| weights.get(t).copied().unwrap_or(0.0);
    let mut params = vec![[first as f32, turns as f32, 0.0, 0.0], [0.0; 4]];
    params.extend((0..BLUR_PARAMS - params.len()).map(|k| [0, 1, 2, 3].map(|i| weight(4 * k + i))));
    params
}

/// How far a blur of planes reaches to each side at most, in samples: its shader reads so many before and after a block.
pub(super) const PLANE_REACH: i32 = 12;

impl Taps {
    /// As `shaders/planes/blur.wgsl` reads them, whose invocations make four neighbours at once: for each input sample from
    /// the furthest one on, its weights for the four.
    fn params(&self) -> Vec<[f32; 4]> {
        let weight = |at: i32| usize::try_from(at).ok().and_then(|at| self.weights.get(at)).copied().unwrap_or(0.0);
        (-PLANE_REACH..=PLANE_REACH + 3).map(|sample| [0, 1, 2, 3].map(|i| weight(sample - i - self.first))).collect()
    }

    /// The input samples of four neighbours, each with the place of its weights: all that have any, or with `any` all that
    /// another blur may have.
    pub fn samples(&self, any: bool) -> impl Iterator<Item = (i32, usize)> {
        let last = self.first + self.weights.len() as i32 + 2;
        let range = if any { -PLANE_REACH..=PLANE_REACH + 3 } else { self.first..=last };
        range.map(|sample| (sample, (sample + PLANE_REACH) as usize))
    }
}
