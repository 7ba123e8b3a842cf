//! Measured differences of pictures from their references: `tests/data/figures.json`. Tests take their bounds from
//! there, and README.md quotes it (`tests/readme.rs`). Measured on llvmpipe (Mesa 22.3.6).
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::path::Path;

use image::RgbaImage;
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Figures {
    /// Chains on the picture of `canvas-reference/`, compared with Chromium's stored canvas.
    pub stored: Vec<Case>,
    /// Chains on each of these pictures, compared with a Chromium that runs during the test.
    pub live: BTreeMap<String, Vec<Case>>,
    /// Chains on a small film, compared with the pictures of `golden/`.
    pub golden: Vec<Golden>,
    /// The colours of the test pattern after encoding and decoding, compared with the drawn ones: the greatest
    /// difference.
    pub test_picture: u8,
}

#[derive(Deserialize)]
pub struct Golden {
    pub name: String,
    pub chain: String,
    pub most: f64,
    pub mean: f64,
}

/// A chain and its differences: the greatest and the mean, in steps of 255.
#[derive(Deserialize)]
pub struct Case {
    pub chain: String,
    pub most: f64,
    pub mean: f64,
}

impl Case {
    /// Whether it reads neighbouring pixels: blurs and shadows.
    pub fn blurs(&self) -> bool {
        self.chain.contains("blur") || self.chain.contains("drop-shadow")
    }
}

impl Figures {
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/figures.json");
        serde_json::from_slice(&std::fs::read(path).expect("figures.json")).expect("the figures")
    }
}

/// The fault where a difference is greater than the measured one with a tolerance: adapters round differently, so at
/// most one step more, and for the mean a tenth and a hundredth of a step more.
pub fn fault(chain: &str, (most, mean): (f64, f64), measured: (f64, f64)) -> Option<String> {
    let (most_bound, mean_bound) = (measured.0 + 1.0, measured.1 * 1.1 + 0.01);
    (most > most_bound || mean > mean_bound).then(|| {
        format!("{chain}: {most:.2} of {most_bound:.2} off at the most, {mean:.3} of {mean_bound:.3} in the mean")
    })
}

/// The greatest and the mean difference of two pictures, of 255. Colours are weighted by their alpha: where both are
/// transparent there is no difference.
pub fn difference(a: &RgbaImage, b: &RgbaImage) -> (f64, f64) {
    assert_eq!(a.dimensions(), b.dimensions());
    let (mut most, mut sum) = (0.0f64, 0.0);
    for (a, b) in a.pixels().zip(b.pixels()) {
        for channel in 0..4 {
            let seen = |pixel: &image::Rgba<u8>| match channel {
                3 => f64::from(pixel[3]),
                _ => f64::from(pixel[channel]) * f64::from(pixel[3]) / 255.0,
            };
            let off = (seen(a) - seen(b)).abs();
            most = most.max(off);
            sum += off;
        }
    }
    (most, sum / (f64::from(a.width()) * f64::from(a.height()) * 4.0))
}
