//! The list of all filters.

use super::color_matrix as matrix;
use super::{Effect, FilterInfo, Param, ParamKind};

const ENDLESS: f32 = f32::MAX;

const fn amount(name: &'static str, default: f32, max: f32) -> Param {
    Param { name, kind: ParamKind::Amount, default, min: 0.0, max }
}

/// Every filter, CSS's first, each group by name.
pub fn catalog() -> &'static [FilterInfo] {
    CATALOG
}

// Names, defaults, ranges and formulas of CSS's: Filter Effects Module Level 1, §6 and §9.
static CATALOG: &[FilterInfo] = &[
    FilterInfo {
        name: "blur",
        params: &[Param { name: "radius", kind: ParamKind::Length, default: 0.0, min: 0.0, max: 1000.0 }],
        summary: "a Gaussian blur; the radius is its standard deviation",
        css: true,
        effect: Effect::Blur,
    },
    FilterInfo {
        name: "brightness",
        params: &[amount("amount", 1.0, ENDLESS)],
        summary: "times the amount: 0 is black, 1 leaves it be, above is brighter",
        css: true,
        effect: Effect::Matrix(|v| matrix::brightness(v[0])),
    },
    FilterInfo {
        name: "contrast",
        params: &[amount("amount", 1.0, ENDLESS)],
        summary: "away from middle grey: 0 is grey, 1 leaves it be, above is harder",
        css: true,
        effect: Effect::Matrix(|v| matrix::contrast(v[0])),
    },
    FilterInfo {
        name: "grayscale",
        params: &[amount("amount", 1.0, 1.0)],
        summary: "towards grey by luminance",
        css: true,
        effect: Effect::Matrix(|v| matrix::grayscale(v[0])),
    },
    FilterInfo {
        name: "hue-rotate",
        params: &[Param { name: "angle", kind: ParamKind::Angle, default: 0.0, min: -ENDLESS, max: ENDLESS }],
        summary: "turns every hue around the colour circle",
        css: true,
        effect: Effect::Matrix(|v| matrix::hue_rotate(v[0])),
    },
    FilterInfo {
        name: "invert",
        params: &[amount("amount", 1.0, 1.0)],
        summary: "towards the negative",
        css: true,
        effect: Effect::Matrix(|v| matrix::invert(v[0])),
    },
    FilterInfo {
        name: "opacity",
        params: &[amount("amount", 1.0, 1.0)],
        summary: "lets through what is behind: black, in a recording",
        css: true,
        effect: Effect::Matrix(|v| matrix::opacity(v[0])),
    },
    FilterInfo {
        name: "saturate",
        params: &[amount("amount", 1.0, ENDLESS)],
        summary: "0 is grey, 1 leaves it be, above is more colourful",
        css: true,
        effect: Effect::Matrix(|v| matrix::saturate(v[0])),
    },
    FilterInfo {
        name: "sepia",
        params: &[amount("amount", 1.0, 1.0)],
        summary: "towards the brown of old photographs",
        css: true,
        effect: Effect::Matrix(|v| matrix::sepia(v[0])),
    },
    FilterInfo {
        name: "vignette",
        params: &[amount("strength", 0.5, 1.0)],
        summary: "darkens towards the corners",
        css: false,
        effect: Effect::Point { wgsl: include_str!("../../shaders/filter/vignette.wgsl") },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_defaults_lie_in_range() {
        for (index, info) in catalog().iter().enumerate() {
            assert!(catalog()[..index].iter().all(|other| other.name != info.name), "{} stands twice", info.name);
            for param in info.params {
                assert!(param.min <= param.default && param.default <= param.max, "{} {}", info.name, param.name);
            }
        }
    }
}
