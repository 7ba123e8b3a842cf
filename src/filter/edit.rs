//! Changes to a chain, as a program with knobs makes them.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::custom::FieldKind;
use super::{Animation, Custom, Filter, FilterChain, Lut, ParamKind, Value};
use crate::error::Result;

impl FilterChain {
    /// This chain without its last filter, and without that filter's animations.
    pub fn without_last(mut self) -> Self {
        self.filters.pop();
        let left = self.filters.len();
        self.animations.retain(|animation| animation.filter() < left);
        self
    }

    /// This chain with another number as value `value` of filter `filter`, clamped to the value's range; it is not
    /// animated any more. Indices of anything but a number change nothing.
    pub fn with_number(mut self, filter: usize, value: usize, number: f32) -> Self {
        let range = self.filters.get(filter).and_then(|filter| filter.range(value));
        if let Some(range) = range.filter(|_| number.is_finite()) {
            let changed = &mut self.filters[filter];
            let number = number.clamp(*range.start(), *range.end());
            changed.values[value] = Value::Number(if changed.is_whole(value) { number.round() } else { number });
            self.animations.retain(|animation| !animation.animates(filter, value));
        }
        self
    }

    /// This chain with its shaders and tables read from their files again. A shader keeps the values of those parameters
    /// that it still has; new ones have their defaults.
    ///
    /// # Errors
    /// As [`Custom::load`] and [`Lut::load`].
    pub fn reloaded(&self) -> Result<Self> {
        let filters = self.filters.iter().map(Filter::reloaded).collect::<Result<Vec<_>>>()?;
        // A parameter may have another place now, or none.
        let same = |animation: &Animation| {
            let (before, now) = (&self.filters[animation.filter()], &filters[animation.filter()]);
            before.values.len() == now.values.len()
        };
        let animations = self.animations.iter().filter(|animation| same(animation)).cloned().collect();
        Ok(Self { filters, animations, ..self.clone() })
    }

    /// The files of its shaders and tables.
    pub fn files(&self) -> Vec<PathBuf> {
        let file = |value: &Value| match value {
            Value::Shader(custom) => custom.path().map(Path::to_owned),
            Value::Lut(lut) => Some(PathBuf::from(lut.name())).filter(|path| path.is_file()),
            _ => None,
        };
        self.filters.iter().flat_map(|filter| filter.values.iter().filter_map(file)).collect()
    }
}

impl Filter {
    /// The same filter with its file read again; one without a file as it is.
    fn reloaded(&self) -> Result<Self> {
        let mut filter = self.clone();
        for value in &mut filter.values {
            if let Value::Lut(lut) = value
                && !lut.name().is_empty()
            {
                *value = Value::Lut(Arc::new(Lut::load(Path::new(lut.name()))?));
            }
        }
        let Some(path) = self.custom().and_then(|custom| custom.path()) else { return Ok(filter) };
        let fresh = FilterChain::shader(Custom::load(path)?);
        let mut filter = fresh.filters.into_iter().next().unwrap_or(filter);
        let own = self.info.params.len();
        for value in own..filter.values.len() {
            let (name, kind) = (filter.value_name(value), filter.field_kind(value));
            let before = (own..self.values.len())
                .find(|&before| self.value_name(before) == name && self.field_kind(before) == kind);
            if let Some(before) = before {
                filter.values[value] = self.values[before].clone();
            }
        }
        Ok(filter)
    }

    /// The least and the greatest number that value `value` can have; a word's numbers are its places in the list. None
    /// for a value that is no number.
    pub fn range(&self, value: usize) -> Option<RangeInclusive<f32>> {
        let Value::Number(_) = self.values.get(value)? else { return None };
        Some(match self.info.params.get(value) {
            Some(param) => match param.kind {
                ParamKind::Word(words) => 0.0..=words.len().saturating_sub(1) as f32,
                _ => param.min..=param.max,
            },
            None if self.field_kind(value) == Some(FieldKind::U32) => 0.0..=f32::MAX,
            None => -f32::MAX..=f32::MAX,
        })
    }

    /// Whether the value is a whole number.
    pub fn is_whole(&self, value: usize) -> bool {
        match self.info.params.get(value) {
            Some(param) => matches!(param.kind, ParamKind::Word(_)),
            None => matches!(self.field_kind(value), Some(FieldKind::I32 | FieldKind::U32)),
        }
    }

    /// The kind of a field of a user's WGSL.
    fn field_kind(&self, value: usize) -> Option<FieldKind> {
        let index = value.checked_sub(self.info.params.len())?;
        self.custom()?.fields().get(index).map(|field| field.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::FileAccess;
    use crate::time::Timestamp;

    #[test]
    fn a_number_is_kept_in_its_range_and_is_not_animated_any_more() {
        let mut chain: FilterChain = "sepia(0.5) blur(2px) mirror(left)".parse().unwrap();
        chain.animate("blur.radius: 0s 0, 2s 8").unwrap();
        chain.animate("sepia.amount: 0s 0, 2s 1").unwrap();
        let chain = chain.with_number(0, 0, 7.0).with_number(2, 0, 0.6);
        assert_eq!(chain.at(Timestamp::ZERO).filters()[0].to_string(), "sepia(1)");
        assert_eq!(chain.filters()[2].to_string(), "mirror(right)");
        assert!(chain.is_animated(), "the blur still is");
        let same = chain.clone().with_number(9, 0, 1.0).with_number(0, 9, 1.0).with_number(0, 0, f32::NAN);
        assert_eq!(same, chain);
        assert!(!chain.with_number(1, 0, 1.0).is_animated());
    }

    #[test]
    fn the_last_filter_goes_with_its_animations() {
        let mut chain: FilterChain = "sepia(0.5) blur(2px)".parse().unwrap();
        chain.animate("blur.radius: 0s 0, 2s 8").unwrap();
        let chain = chain.without_last();
        assert_eq!((chain.to_string().as_str(), chain.is_animated()), ("sepia(0.5)", false));
        assert_eq!(chain.without_last().without_last().to_string(), "none");
    }

    #[test]
    fn a_chain_whose_file_was_edited_keeps_its_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wave.wgsl");
        let write = |factor: &str| {
            let text = format!(
                "struct Params {{\n    height: f32, // 6\n    count: u32, // 3\n}}\n\
                 fn effect_color(color: vec4f) -> vec4f {{ return color * params.height * {factor}; }}\n"
            );
            std::fs::write(&path, text).unwrap();
        };
        write("1.0");
        let text = format!("shader(\"{}\") sepia(1)", path.display());
        let mut chain = FilterChain::parse_with(&text, &FileAccess::Any).unwrap().with_number(0, 1, 9.5);
        chain = chain.with_number(0, 2, -3.4);
        assert!(chain.to_string().contains("height=9.5, count=0"), "{chain}");
        write("2.0");
        let again = chain.reloaded().unwrap();
        assert_eq!(again.to_string(), chain.to_string());
        assert_ne!(again, chain, "the file is another one");
        // A parameter that is gone, and a new one.
        std::fs::write(
            &path,
            "struct Params {\n    count: u32, // 3\n    width: f32, // 4\n}\n\
             fn effect_color(color: vec4f) -> vec4f { return color * params.width * f32(params.count); }\n",
        )
        .unwrap();
        assert!(chain.reloaded().unwrap().to_string().contains("count=0, width=4)"));
        assert_eq!(chain.files(), std::slice::from_ref(&path));
        std::fs::write(&path, "fn").unwrap();
        assert!(chain.reloaded().is_err());
    }
}
