//! The list of all filters.

use super::color_matrix as matrix;
use super::{Effect, FilterInfo, Param, ParamKind};

macro_rules! wgsl {
    ($name:literal) => {
        include_str!(concat!("../../shaders/filter/", $name, ".wgsl"))
    };
}

const ENDLESS: f32 = f32::MAX;

const fn amount(name: &'static str, default: &'static str, max: f32) -> Param {
    Param { name, kind: ParamKind::Amount, default, min: 0.0, max }
}

const fn length(name: &'static str, default: &'static str, min: f32, max: f32) -> Param {
    Param { name, kind: ParamKind::Length, default, min, max }
}

const fn angle(name: &'static str, default: &'static str) -> Param {
    Param { name, kind: ParamKind::Angle, default, min: -ENDLESS, max: ENDLESS }
}

const fn color(name: &'static str, default: &'static str) -> Param {
    Param { name, kind: ParamKind::Color, default, min: 0.0, max: 0.0 }
}

const fn file(name: &'static str, kind: ParamKind) -> Param {
    Param { name, kind, default: "", min: 0.0, max: 0.0 }
}

/// The widest blur, in pixels.
const WIDEST: f32 = 1000.0;

/// Every filter, CSS's first, each group by name.
pub fn catalog() -> &'static [FilterInfo] {
    CATALOG
}

// Names, defaults, ranges and formulas of CSS's: Filter Effects Module Level 1, §6 and §9.
static CATALOG: &[FilterInfo] = &[
    FilterInfo {
        name: "blur",
        params: &[length("radius", "0px", 0.0, WIDEST)],
        summary: "a Gaussian blur; the radius is its standard deviation",
        css: true,
        effect: Effect::Blur,
    },
    FilterInfo {
        name: "brightness",
        params: &[amount("amount", "1", ENDLESS)],
        summary: "times the amount: 0 is black, 1 leaves it be, above is brighter",
        css: true,
        effect: Effect::Matrix(|v| matrix::brightness(v[0])),
    },
    FilterInfo {
        name: "contrast",
        params: &[amount("amount", "1", ENDLESS)],
        summary: "away from middle grey: 0 is grey, 1 leaves it be, above is harder",
        css: true,
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
        effect: Effect::Combine { wgsl: wgsl!("drop_shadow"), sigma: 2, shift: Some([0, 1]) },
    },
    FilterInfo {
        name: "grayscale",
        params: &[amount("amount", "1", 1.0)],
        summary: "towards grey by luminance",
        css: true,
        effect: Effect::Matrix(|v| matrix::grayscale(v[0])),
    },
    FilterInfo {
        name: "hue-rotate",
        params: &[angle("angle", "0deg")],
        summary: "turns every hue around the colour circle",
        css: true,
        effect: Effect::Matrix(|v| matrix::hue_rotate(v[0])),
    },
    FilterInfo {
        name: "invert",
        params: &[amount("amount", "1", 1.0)],
        summary: "towards the negative",
        css: true,
        effect: Effect::Matrix(|v| matrix::invert(v[0])),
    },
    FilterInfo {
        name: "opacity",
        params: &[amount("amount", "1", 1.0)],
        summary: "lets through what is behind: black, in a recording",
        css: true,
        effect: Effect::Matrix(|v| matrix::opacity(v[0])),
    },
    FilterInfo {
        name: "saturate",
        params: &[amount("amount", "1", ENDLESS)],
        summary: "0 is grey, 1 leaves it be, above is more colourful",
        css: true,
        effect: Effect::Matrix(|v| matrix::saturate(v[0])),
    },
    FilterInfo {
        name: "sepia",
        params: &[amount("amount", "1", 1.0)],
        summary: "towards the brown of old photographs",
        css: true,
        effect: Effect::Matrix(|v| matrix::sepia(v[0])),
    },
    FilterInfo {
        name: "lut",
        params: &[file("file", ParamKind::Lut), amount("strength", "1", 1.0)],
        summary: "a colour table from a .cube file",
        css: false,
        effect: Effect::Point(wgsl!("lut")),
    },
    FilterInfo {
        name: "shader",
        params: &[file("file", ParamKind::Shader)],
        summary: "your own WGSL; its parameters follow as name=value",
        css: false,
        effect: Effect::Custom,
    },
    FilterInfo {
        name: "vignette",
        params: &[amount("strength", "0.5", 1.0)],
        summary: "darkens towards the corners",
        css: false,
        effect: Effect::Point(wgsl!("vignette")),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::FilterChain;

    #[test]
    fn names_are_unique_and_defaults_read_as_values() {
        for (index, info) in catalog().iter().enumerate() {
            assert!(catalog()[..index].iter().all(|other| other.name != info.name), "{} stands twice", info.name);
            if info.params.iter().all(|param| !param.default.is_empty()) {
                let written = format!("{}({})", info.name, info.defaults());
                let empty = format!("{}()", info.name);
                let [written, empty] = [written, empty].map(|text| text.parse::<FilterChain>().unwrap());
                assert_eq!(written, empty, "{}", info.name);
            }
        }
    }
}
