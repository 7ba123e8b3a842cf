//! The filter chain as keys change it: a filter of the strip is picked, its numbers move, it is kept or dropped.
//!
//! The filter that was picked last can be exchanged for another one until it is kept with [`ChainEditor::keep`]. A chain
//! from the command line is kept already.

use std::path::PathBuf;

use framereel::Result;
use framereel::filter::{FilterChain, FilterInfo, ParamKind, Value, catalog};

use super::super::values;

/// The first filters of the strip, which the keys 1 to 9 pick. The others follow in the order of the catalog.
const FIRST: [&str; 9] = ["sepia", "grayscale", "invert", "blur", "vignette", "posterize", "bloom", "pixelate", "edge"];

/// What the strip offers: a name and the filters behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterChoice {
    pub label: String,
    pub chain: FilterChain,
}

/// A chain that is being edited.
#[derive(Debug)]
pub struct ChainEditor {
    chain: FilterChain,
    choices: Vec<FilterChoice>,
    selected: usize,
    /// Whether the last filter is the one that was picked, so that another pick takes its place.
    exchangeable: bool,
    /// Which of the last filter's numbers the keys change: an index into [`ChainEditor::numbers`].
    number: usize,
}

impl ChainEditor {
    /// Edits this chain.
    pub fn new(chain: FilterChain) -> Self {
        let none = FilterChoice { label: "none".to_owned(), chain: FilterChain::default() };
        let place = |info: &&FilterInfo| FIRST.iter().position(|name| *name == info.name).unwrap_or(FIRST.len());
        let mut filters: Vec<&FilterInfo> = catalog().iter().collect();
        filters.sort_by_key(place);
        let choices = std::iter::once(none).chain(filters.into_iter().filter_map(choice)).collect();
        Self { chain, choices, selected: 0, exchangeable: false, number: 0 }
    }

    pub fn chain(&self) -> &FilterChain {
        &self.chain
    }

    /// Takes this chain in place of the present one, as one from the command line.
    pub fn replace(&mut self, chain: FilterChain) {
        self.chain = chain;
        self.keep();
    }

    /// Reads the files of the chain and of the strip again; on an error nothing changes.
    ///
    /// # Errors
    /// As [`FilterChain::reloaded`].
    pub fn reload(&mut self) -> Result<()> {
        let chain = self.chain.reloaded()?;
        for choice in &mut self.choices {
            if !choice.chain.files().is_empty() {
                choice.chain = choice.chain.reloaded()?;
            }
        }
        self.chain = chain;
        Ok(())
    }

    /// The files of the chain and of the strip.
    pub fn files(&self) -> Vec<PathBuf> {
        let choices = self.choices.iter().flat_map(|choice| choice.chain.files());
        self.chain.files().into_iter().chain(choices).collect()
    }

    pub fn choices(&self) -> &[FilterChoice] {
        &self.choices
    }

    /// The choice that was picked last; 0, none, after it was kept or dropped.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Picks a choice of the strip, in place of the one picked before. A number beyond the last one changes nothing.
    pub fn select(&mut self, index: usize) {
        let Some(choice) = self.choices.get(index) else { return };
        let picked = choice.chain.clone();
        let chain = self.without_pick();
        self.exchangeable = !picked.is_empty();
        self.chain = chain.then(picked);
        (self.selected, self.number) = (index, 0);
    }

    /// Picks the next choice, or the one before; after the last comes the first.
    pub fn step(&mut self, by: i64) {
        let count = self.choices.len() as i64;
        self.select((self.selected as i64 + by).rem_euclid(count) as usize);
    }

    /// Keeps what was picked: the next pick comes after it.
    pub fn keep(&mut self) {
        (self.exchangeable, self.selected) = (false, 0);
    }

    /// The chain without what was picked last, if that can be exchanged.
    fn without_pick(&self) -> FilterChain {
        let picked = if self.exchangeable { self.choices[self.selected].chain.filters().len() } else { 0 };
        (0..picked).fold(self.chain.clone(), |chain, _| chain.without_last())
    }

    /// Drops what was picked last, or else the last filter.
    pub fn drop_last(&mut self) {
        self.chain = if self.exchangeable { self.without_pick() } else { self.chain.clone().without_last() };
        (self.exchangeable, self.selected, self.number) = (false, 0, 0);
    }

    /// Adds a choice to the strip and picks it.
    pub fn add_choice(&mut self, label: String, chain: FilterChain) {
        self.keep();
        self.choices.push(FilterChoice { label, chain });
        self.select(self.choices.len() - 1);
    }

    /// The indices of the last filter's values that are numbers.
    fn numbers(&self) -> Vec<usize> {
        let Some(filter) = self.chain.filters().last() else { return Vec::new() };
        (0..filter.values().len()).filter(|&value| filter.range(value).is_some()).collect()
    }

    /// Chooses the next of the last filter's numbers.
    pub fn next_number(&mut self) {
        let count = self.numbers().len().max(1);
        self.number = (self.number + 1) % count;
    }

    /// The chosen number, as `radius 4px`.
    pub fn number(&self) -> Option<String> {
        let filter = self.chain.filters().last()?;
        let &value = self.numbers().get(self.number)?;
        let Value::Number(number) = filter.values()[value] else { return None };
        let name = filter.value_name(value);
        Some(match filter.info().params.get(value).map(|param| param.kind) {
            Some(ParamKind::Word(words)) => format!("{name} {}", words.get(number as usize).unwrap_or(&"")),
            Some(ParamKind::Length) => format!("{name} {number}px"),
            Some(ParamKind::Angle) => format!("{name} {number}\u{b0}"),
            _ => format!("{name} {number}"),
        })
    }

    /// Moves the chosen number by so many steps.
    pub fn adjust(&mut self, steps: f32) {
        let numbers = self.numbers();
        let (Some(filter), Some(&value)) = (self.chain.filters().last(), numbers.get(self.number)) else { return };
        let Value::Number(number) = filter.values()[value] else { return };
        let kind = filter.info().params.get(value).map(|param| (param.kind, param.max));
        let step = match kind {
            _ if filter.is_whole(value) => 1.0,
            Some((ParamKind::Angle, _)) => 5.0,
            Some((ParamKind::Length, _)) => (number.abs() * 0.1).max(0.5),
            Some((_, max)) if max <= 1.0 => 0.05,
            Some((_, max)) if max <= 1000.0 => (number.abs() * 0.1).max(0.1),
            Some(_) => 0.1,
            None => (number.abs() * 0.1).max(0.01),
        };
        // Without digits that only rounding makes.
        let moved = ((number + step * steps) * 1000.0).round() / 1000.0;
        let last = self.chain.filters().len() - 1;
        self.chain = std::mem::take(&mut self.chain).with_number(last, value, moved);
    }
}

/// A filter as the strip shows it: with values that show what it does. None for one that needs a file.
fn choice(info: &FilterInfo) -> Option<FilterChoice> {
    let chain = values::chain(&info.demonstration()?).ok()?;
    Some(FilterChoice { label: info.name.to_owned(), chain })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn editor(chain: &str) -> ChainEditor {
        ChainEditor::new(chain.parse().unwrap())
    }

    fn pick(editor: &mut ChainEditor, label: &str) {
        let index = editor.choices().iter().position(|choice| choice.label == label).unwrap();
        editor.select(index);
    }

    #[test]
    fn every_filter_without_a_file_is_offered() {
        let editor = editor("none");
        assert_eq!(editor.choices().len(), 1 + catalog().len() - 2);
        let labels: Vec<_> = editor.choices()[1..10].iter().map(|choice| choice.label.as_str()).collect();
        assert_eq!(labels, FIRST);
        for choice in &editor.choices()[1..] {
            assert_eq!(choice.chain.filters().last().unwrap().info().name, choice.label);
        }
    }

    #[test]
    fn a_pick_takes_the_place_of_the_one_before_until_it_is_kept() {
        let mut editor = editor("sepia(0.5)");
        pick(&mut editor, "blur");
        assert_eq!(editor.chain().to_string(), "sepia(0.5) blur(4px)");
        pick(&mut editor, "invert");
        assert_eq!(editor.chain().to_string(), "sepia(0.5) invert(1)");
        editor.keep();
        pick(&mut editor, "blur");
        assert_eq!(editor.chain().to_string(), "sepia(0.5) invert(1) blur(4px)");
        pick(&mut editor, "none");
        assert_eq!(editor.chain().to_string(), "sepia(0.5) invert(1)");
        editor.drop_last();
        editor.drop_last();
        editor.drop_last();
        assert_eq!(editor.chain().to_string(), "none");
        editor.step(-1);
        assert_eq!(editor.selected(), editor.choices().len() - 1);
        editor.step(1);
        assert_eq!(editor.selected(), 0);
        editor.select(999);
        assert_eq!(editor.selected(), 0);
    }

    #[test]
    fn a_pick_of_two_filters_is_dropped_whole() {
        let mut editor = editor("sepia(1)");
        pick(&mut editor, "drop-shadow");
        assert!(editor.chain().filters().len() > 1, "{}", editor.chain());
        editor.drop_last();
        assert_eq!(editor.chain().to_string(), "sepia(1)");
    }

    #[test]
    fn numbers_move_in_steps_within_their_range() {
        let mut editor = editor("none");
        assert_eq!(editor.number(), None);
        editor.adjust(1.0);
        pick(&mut editor, "sepia");
        editor.adjust(1.0);
        assert_eq!(editor.number().unwrap(), "amount 1");
        editor.adjust(-7.0);
        assert_eq!(editor.chain().to_string(), "sepia(0.65)");
        pick(&mut editor, "drop-shadow");
        editor.next_number();
        editor.next_number();
        assert_eq!(editor.number().unwrap(), "radius 4px");
        editor.adjust(-1.0);
        assert_eq!(editor.number().unwrap(), "radius 3.5px");
        editor.next_number();
        assert_eq!(editor.number().unwrap(), "x 8px", "a colour is no number");
        pick(&mut editor, "mirror");
        editor.adjust(1.0);
        assert!(editor.number().unwrap().starts_with("half "), "{:?}", editor.number());
    }
}
