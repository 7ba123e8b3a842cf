//! `framereel filters --markdown`: the reference of all filters, which docs/filters.md ends with.

use std::fmt::Write;

use framereel::filter::{self, FilterInfo, Param, ParamKind};
use framereel::{Error, ErrorKind, Result};

use super::pictures;

/// The filters in groups, each with what its summary does not say.
const GROUPS: [(&str, &[(&str, &str)]); 5] = [
    (
        "CSS's",
        &[
            (
                "blur",
                "The picture's borders fade into what is outside: transparent black, or with `edge=clamp` the border itself.",
            ),
            ("brightness", ""),
            ("contrast", ""),
            (
                "drop-shadow",
                "The shadow is moved `x` to the right and `y` down, and lies under the picture. It shows only where the \
                 picture is transparent, as it is beside a `zoom` below 1 or after `chroma-key`.",
            ),
            ("grayscale", ""),
            ("hue-rotate", "Luminance stays about the same."),
            ("invert", ""),
            ("opacity", "A still keeps its transparency."),
            ("saturate", ""),
            ("sepia", ""),
        ],
    ),
    (
        "Colour",
        &[
            (
                "background",
                "Formats without transparency are recorded over black unless this ends the chain; `--background COLOR` adds it \
                 there.",
            ),
            (
                "chroma-key",
                "Light and shade of the colour do not matter: the distance is that of the chroma, relative to the colour's \
                 own distance from grey. Up to `tolerance` the picture is transparent, and over the `softness` beyond it \
                 becomes opaque.",
            ),
            ("duotone", "Where a colour is not opaque, the picture's own is mixed in."),
            ("grain", "Grey noise, mostly weak, by `amount` at the most."),
            ("halftone", "Cyan, magenta and yellow ink on white paper, each screen turned by 30° from the last one's."),
            (
                "lut",
                "The file is a `.cube` table (Adobe Cube LUT Specification 1.0) of one dimension, which is read linearly, \
                 or of three, which is read tetrahedrally. `strength` mixes the result with the picture. The one of the \
                 picture is `examples/teal.cube`.",
            ),
            ("posterize", "The levels lie evenly from 0 to 1."),
            ("scanlines", ""),
            ("solarize", "As film that saw light while it was developed."),
            ("threshold", "`softness` is the width of the ramp."),
            ("tint", "Multiplies each channel by that of the colour."),
            ("vignette", "By `strength` at the corners, and not at all within half of the half-diagonal."),
        ],
    ),
    (
        "Shape",
        &[
            ("crop", "The sides are fractions of the width and of the height."),
            ("flip", ""),
            ("lens", "All pixels come from within the picture."),
            ("mirror", ""),
            ("pixelate", ""),
            (
                "rotate",
                "The corners that nothing is turned into are outside: transparent, or with `edge=clamp` the border.",
            ),
            ("zoom", "`x` and `y` are the point, as fractions of the width and of the height. Below 1 it is smaller."),
        ],
    ),
    (
        "Light and time",
        &[
            ("bloom", "It only brightens."),
            ("chromatic-aberration", "As a simple lens: red is enlarged and blue reduced."),
            ("edge", "The gradient of luminance. The picture's border is no outline."),
            ("glitch", "Anew twelve times a second, the same for the same seed."),
            ("motion-trail", "`amount` of the picture before, with its own trail, is kept. A still has none."),
            ("sharpen", ""),
        ],
    ),
    (
        "Yours",
        &[(
            "shader",
            "The file defines `fn effect` or `fn effect_color`; the fields of its `struct Params` follow by name. README.md, \
             \"Your own WGSL\", has the contract. The one of the picture is `examples/wave.wgsl`. On the command line, \
             `--shader wave.wgsl --param height=12` is the same.",
        )],
    ),
];

/// The reference: a heading for each group and each filter.
///
/// # Errors
/// When a filter of the catalog is in no group: a fault of ours.
pub fn markdown() -> Result<String> {
    let catalog = filter::catalog();
    let listed = |name: &str| GROUPS.iter().any(|(_, filters)| filters.iter().any(|(listed, _)| *listed == name));
    if let Some(info) = catalog.iter().find(|info| !listed(info.name)) {
        let fault = format!("`{}` is in no group of src/cli/reference.rs: this is a fault in framereel", info.name);
        return Err(Error::new(ErrorKind::Unknown, fault));
    }
    let mut text = String::new();
    for (group, filters) in GROUPS {
        section(&mut text, &format!("## {group}"));
        for (name, more) in filters {
            if let Some(info) = catalog.iter().find(|info| info.name == *name) {
                entry(&mut text, info, more);
            }
        }
    }
    Ok(text.trim_end().to_owned())
}

fn entry(text: &mut String, info: &FilterInfo, more: &str) {
    let name = info.name;
    section(text, &format!("### {name}"));
    section(text, &format!("![{name}](pictures/filters/{name}.jpg)"));
    section(text, &format!("*`{}`*", pictures::chain(info)));
    let mut summary = info.summary.to_owned();
    if let Some(first) = summary.get(..1) {
        summary.replace_range(..1, &first.to_uppercase());
    }
    section(text, format!("{summary}. {more}").trim_end());
    section(text, &format!("```text\n{}\n```", signature(info)));
    let mut table = String::from("| parameter | value | default | range |\n|---|---|---|---|");
    for param in info.params {
        let default = if param.default.is_empty() { "required".into() } else { format!("`{}`", param.default) };
        // Writing to a string does not fail.
        let _ = write!(table, "\n| `{}` | {} | {default} | {} |", param.name, value(param.kind), range(param));
    }
    section(text, &table);
}

fn section(text: &mut String, section: &str) {
    text.push_str(section);
    text.push_str("\n\n");
}

/// The filter with all its parameters and their defaults, as it may be written.
fn signature(info: &FilterInfo) -> String {
    let params: Vec<_> = info
        .params
        .iter()
        .map(|param| match param.default {
            "" => param.name.to_owned(),
            default => format!("{}={default}", param.name),
        })
        .collect();
    let fields = if info.params.iter().any(|param| param.kind == ParamKind::Shader) { ", NAME=VALUE…" } else { "" };
    format!("{}({}{fields})", info.name, params.join(", "))
}

/// How a value is written.
fn value(kind: ParamKind) -> String {
    match kind {
        ParamKind::Amount => "number or percentage".into(),
        ParamKind::Length => "pixels, as `4px`".into(),
        ParamKind::Angle => "angle, as `90deg` or `0.25turn`".into(),
        ParamKind::Color => "colour".into(),
        ParamKind::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        ParamKind::Lut => "`.cube` file in quotes".into(),
        ParamKind::Shader => "WGSL file in quotes".into(),
        _ => String::new(),
    }
}

/// The numbers that have an effect.
fn range(param: &Param) -> String {
    let unit = match param.kind {
        ParamKind::Amount => "",
        ParamKind::Length => "px",
        ParamKind::Angle => return "any".into(),
        _ => return String::new(),
    };
    match (param.min == f32::MIN, param.max == f32::MAX) {
        (true, true) => "any".into(),
        (true, false) => format!("to {}{unit}", param.max),
        (false, true) => format!("{}{unit} or more", param.min),
        (false, false) => format!("{}{unit} to {}{unit}", param.min, param.max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_is_in_one_group_and_every_entry_is_a_filter() {
        let catalog = filter::catalog();
        let names: Vec<_> = GROUPS.iter().flat_map(|(_, filters)| filters.iter().map(|(name, _)| *name)).collect();
        for name in &names {
            assert!(catalog.iter().any(|info| info.name == *name), "{name} is no filter");
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
        }
        assert_eq!(names.len(), catalog.len());
    }

    #[test]
    fn an_entry_has_its_syntax_and_ranges() {
        let text = markdown().unwrap();
        let bloom = text.split("### bloom\n").nth(1).unwrap().split("\n###").next().unwrap();
        for part in [
            "![bloom](pictures/filters/bloom.jpg)",
            "*`bloom(1, 12px, 0.5)`*",
            "Light that spreads from what is brighter than the threshold. It only brightens.",
            "bloom(strength=1, radius=12px, threshold=0.5)",
            "| `strength` | number or percentage | `1` | 0 or more |",
            "| `radius` | pixels, as `4px` | `12px` | 0px to 1000px |",
        ] {
            assert!(bloom.contains(part), "`{part}` in\n{bloom}");
        }
        assert!(text.contains("drop-shadow(x, y, radius=0px, color=black)"));
        assert!(text.contains("| `x` | pixels, as `4px` | required | any |"));
    }
}
