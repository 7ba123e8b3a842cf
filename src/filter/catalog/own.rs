//! Filters that CSS does not have. All but those that need a file have a visible effect without arguments; only `crop`
//! cuts nothing.

use super::{ENDLESS, WIDEST, amount, angle, color, file, length, number, words};
use crate::filter::{Effect, FilterInfo, ParamKind};

/// The whole numbers that an `f32` holds exactly.
const SEEDS: f32 = 16_777_216.0;

pub(super) const FILTERS: [FilterInfo; 24] = [
    FilterInfo {
        name: "bloom",
        params: &[
            amount("strength", "1", ENDLESS),
            length("radius", "12px", 0.0, WIDEST),
            amount("threshold", "0.5", 1.0),
        ],
        summary: "light that spreads from what is brighter than the threshold",
        css: false,
        effect: Effect::Combine { wgsl: wgsl!("bloom"), sigma: 1, shift: None, feeds: true },
    },
    FilterInfo {
        name: "chroma-key",
        params: &[color("color", "#0f0"), amount("tolerance", "0.4", ENDLESS), amount("softness", "0.2", ENDLESS)],
        summary: "transparent where the colour is",
        css: false,
        effect: Effect::Key(wgsl!("chroma_key")),
    },
    FilterInfo {
        name: "chromatic-aberration",
        params: &[length("distance", "4px", -ENDLESS, ENDLESS)],
        summary: "red and blue fringes that grow to the distance in the corners",
        css: false,
        effect: Effect::Area(wgsl!("chromatic_aberration")),
    },
    FilterInfo {
        name: "crop",
        params: &[
            amount("left", "0", 1.0),
            amount("top", "0", 1.0),
            amount("right", "0", 1.0),
            amount("bottom", "0", 1.0),
        ],
        summary: "cuts so much off each side; the rest fills the picture",
        css: false,
        effect: Effect::Area(wgsl!("crop")),
    },
    FilterInfo {
        name: "duotone",
        params: &[color("shadows", "#1d1160"), color("highlights", "#ffcf7d")],
        summary: "two colours, from dark to light",
        css: false,
        effect: Effect::Point(wgsl!("duotone")),
    },
    FilterInfo {
        name: "edge",
        params: &[amount("strength", "1", ENDLESS)],
        summary: "outlines, white on black (Sobel)",
        css: false,
        effect: Effect::Area(wgsl!("edge")),
    },
    FilterInfo {
        name: "flip",
        params: &[words("direction", "horizontal", &["horizontal", "vertical", "both"])],
        summary: "mirrored whole: horizontal, vertical or both",
        css: false,
        effect: Effect::Area(wgsl!("flip")),
    },
    FilterInfo {
        name: "glitch",
        params: &[amount("amount", "0.5", 1.0), amount("seed", "0", SEEDS)],
        summary: "a broken tape: bands torn sideways, colours apart, moving",
        css: false,
        effect: Effect::Area(wgsl!("glitch")),
    },
    FilterInfo {
        name: "grain",
        params: &[amount("amount", "0.15", ENDLESS), amount("seed", "0", SEEDS)],
        summary: "film grain, another in every frame, the same for the same seed",
        css: false,
        effect: Effect::Point(wgsl!("grain")),
    },
    FilterInfo {
        name: "halftone",
        params: &[length("size", "6px", 1.0, ENDLESS), angle("angle", "45deg")],
        summary: "printed dots of coloured ink; the size is from dot to dot",
        css: false,
        effect: Effect::Point(wgsl!("halftone")),
    },
    FilterInfo {
        name: "lens",
        params: &[number("strength", "0.5", -1.0, 1.0)],
        summary: "bulges the middle (barrel); below 0 draws it in (pincushion)",
        css: false,
        effect: Effect::Area(wgsl!("lens")),
    },
    FilterInfo {
        name: "lut",
        params: &[file("file", ParamKind::Lut), amount("strength", "1", 1.0)],
        summary: "a colour table from a .cube file",
        css: false,
        effect: Effect::Point(wgsl!("lut")),
    },
    FilterInfo {
        name: "mirror",
        params: &[words("half", "left", &["left", "right", "top", "bottom"])],
        summary: "one half (left, right, top or bottom), and its reflection in place of the other",
        css: false,
        effect: Effect::Area(wgsl!("mirror")),
    },
    FilterInfo {
        name: "motion-trail",
        params: &[amount("amount", "0.8", 1.0)],
        summary: "what moves leaves its past behind",
        css: false,
        effect: Effect::Trail(wgsl!("motion_trail")),
    },
    FilterInfo {
        name: "pixelate",
        params: &[length("size", "8px", 1.0, ENDLESS)],
        summary: "squares of one colour",
        css: false,
        effect: Effect::Area(wgsl!("pixelate")),
    },
    FilterInfo {
        name: "posterize",
        params: &[number("levels", "4", 2.0, 256.0)],
        summary: "so many levels a channel",
        css: false,
        effect: Effect::Point(wgsl!("posterize")),
    },
    FilterInfo {
        name: "rotate",
        params: &[angle("angle", "15deg")],
        summary: "clockwise about the centre",
        css: false,
        effect: Effect::Area(wgsl!("rotate")),
    },
    FilterInfo {
        name: "scanlines",
        params: &[length("size", "4px", 2.0, ENDLESS), amount("strength", "0.6", 1.0)],
        summary: "dark lines as on a tube, every so many pixels",
        css: false,
        effect: Effect::Point(wgsl!("scanlines")),
    },
    FilterInfo {
        name: "shader",
        params: &[file("file", ParamKind::Shader)],
        summary: "your own WGSL; its parameters follow as name=value",
        css: false,
        effect: Effect::Custom,
    },
    FilterInfo {
        name: "sharpen",
        params: &[amount("amount", "0.5", ENDLESS), length("radius", "1px", 0.0, WIDEST)],
        summary: "lifts detail that is finer than the radius (unsharp mask)",
        css: false,
        effect: Effect::Combine { wgsl: wgsl!("sharpen"), sigma: 1, shift: None, feeds: false },
    },
    FilterInfo {
        name: "threshold",
        params: &[amount("level", "0.5", 1.0), amount("softness", "0", ENDLESS)],
        summary: "white from this luminance on, else black; softness is a ramp between",
        css: false,
        effect: Effect::Point(wgsl!("threshold")),
    },
    FilterInfo {
        name: "tint",
        params: &[color("color", "#ff9a3c"), amount("amount", "0.8", 1.0)],
        summary: "as through coloured glass",
        css: false,
        effect: Effect::Point(wgsl!("tint")),
    },
    FilterInfo {
        name: "vignette",
        params: &[amount("strength", "0.5", 1.0)],
        summary: "darkens towards the corners",
        css: false,
        effect: Effect::Point(wgsl!("vignette")),
    },
    FilterInfo {
        name: "zoom",
        params: &[number("factor", "1.5", 0.01, ENDLESS), amount("x", "0.5", 1.0), amount("y", "0.5", 1.0)],
        summary: "larger by the factor about a point that stays",
        css: false,
        effect: Effect::Area(wgsl!("zoom")),
    },
];
