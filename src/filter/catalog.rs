//! The list of all filters.

use std::sync::LazyLock;

use super::{FilterInfo, Param, ParamKind};

macro_rules! wgsl {
    ($name:literal) => {
        include_str!(concat!("../../../shaders/filter/", $name, ".wgsl"))
    };
}

mod css;
mod own;

const ENDLESS: f32 = f32::MAX;

const fn amount(name: &'static str, default: &'static str, max: f32) -> Param {
    number(name, default, 0.0, max)
}

const fn number(name: &'static str, default: &'static str, min: f32, max: f32) -> Param {
    Param { name, kind: ParamKind::Amount, default, min, max }
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

const fn words(name: &'static str, default: &'static str, words: &'static [&'static str]) -> Param {
    Param { name, kind: ParamKind::Word(words), default, min: 0.0, max: 0.0 }
}

const fn file(name: &'static str, kind: ParamKind) -> Param {
    Param { name, kind, default: "", min: 0.0, max: 0.0 }
}

/// The widest blur, in pixels.
const WIDEST: f32 = 1000.0;

/// Every filter: CSS's, then our own, each by name.
pub fn catalog() -> &'static [FilterInfo] {
    static CATALOG: LazyLock<Vec<FilterInfo>> =
        LazyLock::new(|| css::FILTERS.into_iter().chain(own::FILTERS).collect());
    &CATALOG
}

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
            if let Some(chain) = info.demonstration() {
                let chain: FilterChain = chain.parse().unwrap_or_else(|error| panic!("{error}"));
                assert!(chain.filters().iter().any(|filter| filter.info().name == info.name), "{chain}");
            }
        }
    }
}
