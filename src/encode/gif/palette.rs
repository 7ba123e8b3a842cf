//! Chooses the colours of a palette: those of the pictures where they are few, else means of theirs by k-means in Oklab.

use std::collections::HashSet;
use std::sync::Arc;

use quantette::deps::palette::Srgb;
use quantette::kmeans::KmeansOptions;
use quantette::{PaletteSize, Pipeline, QuantizeMethod};

use super::color_map::{ColorMap, Palette};
use crate::frame::Frame;

/// Pixels that k-means looks at, for a palette of many pictures and of one.
const SAMPLES: usize = 1 << 18;
const SAMPLES_OF_ONE: usize = 1 << 16;
/// Pixels of a picture that say how well a palette fits it.
const PROBES: usize = 2048;

/// Makes palettes.
#[derive(Debug, Clone, Copy)]
pub struct PaletteMaker {
    /// How many colours a palette has at most, up to 255: one index is kept for transparency.
    pub colors: usize,
    /// The least alpha of a pixel that is shown.
    pub threshold: u8,
}

impl PaletteMaker {
    /// A palette for all these pictures.
    pub fn of_many<'a>(&self, frames: impl Iterator<Item = &'a Frame> + Clone) -> Palette {
        self.make(frames, SAMPLES)
    }

    /// A palette for one picture.
    pub fn of_one(&self, frame: &Frame) -> Palette {
        self.make(std::iter::once(frame), SAMPLES_OF_ONE)
    }

    fn make<'a>(&self, frames: impl Iterator<Item = &'a Frame> + Clone, samples: usize) -> Palette {
        if let Some(colors) = self.few(frames.clone()) {
            return Palette::new(colors);
        }
        let pixels: u64 = frames.clone().map(|frame| frame.size().pixels()).sum();
        let sample: Vec<Srgb<u8>> =
            self.every(frames, step(pixels, 4 * samples)).map(|[r, g, b]| Srgb::new(r, g, b)).collect();
        let options = KmeansOptions::new().sampling_factor(f32::INFINITY).max_samples(samples as u32);
        let size = PaletteSize::try_from_u16(self.colors as u16).unwrap_or(PaletteSize::MAX);
        let pipeline = Pipeline::new().palette_size(size).quantize_method(QuantizeMethod::Kmeans(options));
        let Ok(pipeline) = pipeline.input_slice(&sample) else { return Palette::new(vec![[0; 3]]) };
        let mut colors: Vec<[u8; 3]> =
            pipeline.output_srgb8_palette().iter().map(|color| [color.red, color.green, color.blue]).collect();
        colors.sort_unstable();
        colors.dedup();
        Palette::new(colors)
    }

    /// The pictures' colours, if they have no more than a palette holds; black where they have none.
    fn few<'a>(&self, frames: impl Iterator<Item = &'a Frame>) -> Option<Vec<[u8; 3]>> {
        let mut found = HashSet::new();
        let mut last = None;
        for color in self.every(frames, 1) {
            if last != Some(color) && found.insert(color) && found.len() > self.colors {
                return None;
            }
            last = Some(color);
        }
        let mut colors: Vec<_> = found.into_iter().collect();
        colors.sort_unstable();
        Some(if colors.is_empty() { vec![[0; 3]] } else { colors })
    }

    /// Every `step`-th pixel's colour, of those that are shown.
    fn every<'a>(&self, frames: impl Iterator<Item = &'a Frame>, step: usize) -> impl Iterator<Item = [u8; 3]> {
        let threshold = self.threshold;
        let pixels = frames.flat_map(|frame| frame.rows(0)).flat_map(|row| row.as_chunks::<4>().0);
        let shown = pixels.step_by(step).filter(move |[.., alpha]| *alpha >= threshold);
        shown.map(|&[r, g, b, _]| [r, g, b])
    }

    /// How far the picture's colours are from those of the palette, on average, in Oklab; none if it shows nothing.
    pub fn misfit(&self, frame: &Frame, map: &ColorMap) -> Option<f32> {
        let (mut sum, mut count) = (0.0, 0);
        for color in self.every(std::iter::once(frame), step(frame.size().pixels(), PROBES)) {
            sum += map.distance(color);
            count += 1;
        }
        (count > 0).then(|| sum / count as f32)
    }
}

/// A step that takes about `wanted` of so many pixels. It is odd, so that it does not stay in a few columns of a picture
/// of even width.
fn step(pixels: u64, wanted: usize) -> usize {
    (pixels as usize / wanted).max(1) | 1
}

/// The palette that is in use, and when another one takes its place.
#[derive(Debug)]
pub struct RollingPalette {
    maker: PaletteMaker,
    map: ColorMap,
    /// How far the pictures that it was made of are from it.
    misfit: f32,
}

impl RollingPalette {
    /// A palette fits as long as it is off by no more than this, or by this much more than when it was made.
    const GOOD: f32 = 0.015;
    const WORSE: f32 = 1.5;

    /// Begins with the palette of these pictures.
    pub fn new<'a>(maker: PaletteMaker, frames: impl Iterator<Item = &'a Frame> + Clone) -> Self {
        let map = ColorMap::new(Arc::new(maker.of_many(frames.clone())));
        let misfit = frames.filter_map(|frame| maker.misfit(frame, &map)).fold(0.0, f32::max);
        Self { maker, map, misfit }
    }

    /// The present palette.
    pub fn palette(&self) -> &Arc<Palette> {
        self.map.palette()
    }

    /// Takes another palette if the present one does not fit the picture.
    pub fn follow(&mut self, frame: &Frame) {
        let fits = |misfit: f32| misfit <= Self::GOOD.max(self.misfit * Self::WORSE);
        if self.maker.misfit(frame, &self.map).is_none_or(fits) {
            return;
        }
        self.map = ColorMap::new(Arc::new(self.maker.of_many(std::iter::once(frame))));
        self.misfit = self.maker.misfit(frame, &self.map).unwrap_or_default();
    }
}
