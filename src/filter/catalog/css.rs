//! CSS's filters: names, defaults, ranges and formulas of Filter Effects Module Level 1, §6 and §9.

use super::{ENDLESS, WIDEST, amount, angle, color, length};
use crate::filter::color_matrix as matrix;
use crate::filter::{Effect, FilterInfo};

pub(super) const FILTERS: [FilterInfo; 10] = [
    FilterInfo {
        name: "blur",
        params: &[length("radius", "0px", 0.0, WIDEST)],
        summary: "a Gaussian blur; the radius is its standard deviation",
        css: true,
        demonstration: Some("blur(4px)"),
        effect: Effect::Blur,
    },
    FilterInfo {
        name: "brightness",
        params: &[amount("amount", "1", ENDLESS)],
        summary: "times the amount: 0 is black, 1 leaves it be, above is brighter",
        css: true,
        demonstration: Some("brightness(1.5)"),
        effect: Effect::Matrix(|v| matrix::brightness(v[0])),
    },
    FilterInfo {
        name: "contrast",
        params: &[amount("amount", "1", ENDLESS)],
        summary: "away from middle grey: 0 is grey, 1 leaves it be, above is harder",
        css: true,
        demonstration: Some("contrast(2)"),
        effect: Effect::Matrix(|v| matrix::contrast(v[0])),
    },
    FilterInfo {
        name: "drop-shadow",
        params: &[
            length("x", "", -ENDLESS, ENDLESS),
            length("y", "", -ENDLESS, ENDLESS),
            length("radius", "0px", 0.0, WIDEST),
            color("color", "black"),
        ],
        summary: "a blurred shadow of what is opaque, moved right and down",
        css: true,
        demonstration: Some("zoom(0.8) drop-shadow(8px, 8px, 4px)"),
        effect: Effect::Combine { wgsl: wgsl!("drop_shadow"), sigma: 2, shift: Some([0, 1]), feeds: false },
    },
    FilterInfo {
        name: "grayscale",
        params: &[amount("amount", "1", 1.0)],
        summary: "towards grey by luminance",
        css: true,
        demonstration: None,
        effect: Effect::Matrix(|v| matrix::grayscale(v[0])),
    },
    FilterInfo {
        name: "hue-rotate",
        params: &[angle("angle", "0deg")],
        summary: "turns every hue around the colour circle",
        css: true,
        demonstration: Some("hue-rotate(90deg)"),
        effect: Effect::Matrix(|v| matrix::hue_rotate(v[0])),
    },
    FilterInfo {
        name: "invert",
        params: &[amount("amount", "1", 1.0)],
        summary: "towards the negative",
        css: true,
        demonstration: None,
        effect: Effect::Matrix(|v| matrix::invert(v[0])),
    },
    FilterInfo {
        name: "opacity",
        params: &[amount("amount", "1", 1.0)],
        summary: "lets through what is behind: black, in a recording",
        css: true,
        demonstration: Some("opacity(0.5)"),
        effect: Effect::Matrix(|v| matrix::opacity(v[0])),
    },
    FilterInfo {
        name: "saturate",
        params: &[amount("amount", "1", ENDLESS)],
        summary: "0 is grey, 1 leaves it be, above is more colourful",
        css: true,
        demonstration: Some("saturate(3)"),
        effect: Effect::Matrix(|v| matrix::saturate(v[0])),
    },
    FilterInfo {
        name: "sepia",
        params: &[amount("amount", "1", 1.0)],
        summary: "towards the brown of old photographs",
        css: true,
        demonstration: None,
        effect: Effect::Matrix(|v| matrix::sepia(v[0])),
    },
];
