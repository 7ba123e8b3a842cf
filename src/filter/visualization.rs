//! Visualizations of sound. The frames of [`VisualizationSource`](crate::source::visualize::VisualizationSource) hold
//! values in place of pixels; a filter that users cannot write in a chain draws them on the GPU, at any size, and other
//! filters apply to the result.

use std::str::FromStr;

use super::{Effect, Filter, FilterChain, FilterInfo};
use crate::error::{Error, Result};

macro_rules! plot {
    ($name:literal) => {
        FilterInfo {
            name: $name,
            params: &[],
            summary: "a picture of sound",
            css: false,
            demonstration: None,
            effect: Effect::Plot(include_str!(concat!("../../shaders/visualize/", $name, ".wgsl"))),
        }
    };
}

static WAVE: FilterInfo = plot!("wave");
static BARS: FilterInfo = plot!("bars");
static SPECTROGRAM: FilterInfo = plot!("spectrogram");

/// The kinds of visualization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Visualization {
    /// The wave of the last 50 ms, as an oscilloscope shows it.
    Wave,
    /// The level of each of 64 bands, from 40 Hz to 16 kHz, low ones left.
    Bars,
    /// The level of all frequencies over some eight seconds: time to the right, high ones above.
    Spectrogram,
}

impl Visualization {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Wave, Self::Bars, Self::Spectrogram];

    /// Its name, as in `--visualize`.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    fn info(self) -> &'static FilterInfo {
        match self {
            Self::Wave => &WAVE,
            Self::Bars => &BARS,
            Self::Spectrogram => &SPECTROGRAM,
        }
    }
}

impl FromStr for Visualization {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::syntax(format!("expected one of {names} but found `{text}`"))
        })
    }
}

impl FilterChain {
    /// The chain that draws the frames of a
    /// [`VisualizationSource`](crate::source::visualize::VisualizationSource) of this kind.
    pub(crate) fn visualization(kind: Visualization) -> Self {
        Self { filters: vec![Filter { info: kind.info(), values: Vec::new() }], ..Self::default() }
    }
}
