//! Parses a chain in CSS syntax: `blur(4px) sepia(60%) vignette(0.4)`, or `none`.
//!
//! Grammar: Filter Effects Module Level 1, §5 `<filter-value-list>`, extended by functions that CSS does not have,
//! whose arguments may be separated by commas. Errors show the chain with carets under the wrong place.
//!
//! # Budget
//! A chain, a parameter and an animation have at most 64 KiB each. A chain has at most 64 filters, of which 8 name files;
//! a colour has at most 256 bytes. Reading takes time in proportion to the length. Files are opened as [`FileAccess`]
//! says, by default none.

use std::ops::Range;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use super::{
    Custom, Edge, Effect, Field, FieldKind, FileAccess, Filter, FilterChain, FilterInfo, Lut, Param, ParamKind, Value,
    catalog,
};
use crate::error::{Error, Result};

mod spelling;
mod value;

use spelling::nearest;
use value::color;

/// The longest text that is parsed, in bytes: a chain, a parameter or an animation.
const MAX_TEXT: usize = 64 << 10;
/// The most characters of a chain that an error shows, and how many of them are before the place.
const WIDEST: usize = 160;
const BEFORE: usize = 60;

/// Parses a chain that opens no files: [`FilterChain::parse_with`] and [`FileAccess::None`].
impl FromStr for FilterChain {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse_with(text, &FileAccess::None)
    }
}

impl FilterChain {
    /// The most filters of a chain that is parsed: each may take several passes over every frame.
    pub const MAX_FILTERS: usize = 64;
    /// The most filters with files of a chain that is parsed: a table may take 60 MB, and a driver may compile a shader for
    /// seconds.
    pub const MAX_FILES: usize = 8;

    /// Parses a chain in CSS syntax that may open these files, for `lut("film.cube")` and `shader("wave.wgsl")`.
    ///
    /// ```no_run
    /// # fn main() -> framereel::Result<()> {
    /// use framereel::filter::{FileAccess, FilterChain};
    ///
    /// let own = FilterChain::parse_with("lut(\"film.cube\") grain(0.1)", &FileAccess::Any)?;
    /// let preset = FilterChain::parse_with("lut(\"film.cube\")", &FileAccess::Folder("presets".into()))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Syntax, with the place, for text that cannot be parsed, in the chain or in a file; NotAllowed for a file that
    /// `files` does not permit; and the errors of [`Lut::load`] and [`Custom::load`].
    pub fn parse_with(text: &str, files: &FileAccess) -> Result<Self> {
        limited(text, "chain")?;
        let mut reader = ChainReader { text, at: 0, files };
        let mut chain = Self::default();
        if text.trim().eq_ignore_ascii_case("none") {
            return Ok(chain);
        }
        loop {
            reader.skip_space();
            if reader.rest().is_empty() {
                return Ok(chain);
            }
            if let Some(edge) = reader.edge()? {
                chain.edge = edge;
                continue;
            }
            if chain.filters.len() == FilterChain::MAX_FILTERS {
                let place = reader.at..reader.at + reader.rest().chars().next().map_or(0, char::len_utf8);
                return Err(reader.error(format!("expected at most {} filters", FilterChain::MAX_FILTERS), place));
            }
            let start = reader.at;
            chain.filters.push(reader.function()?);
            if chain.filters.iter().filter(|filter| filter.has_file()).count() > FilterChain::MAX_FILES {
                let message = format!("expected at most {} filters with files", FilterChain::MAX_FILES);
                return Err(reader.error(message, start..reader.at));
            }
        }
    }

    /// A chain of one user's WGSL, its parameters at their defaults.
    pub fn shader(custom: Custom) -> Self {
        let info = catalog().iter().find(|info| matches!(info.effect, Effect::Custom));
        let info = info.expect("the catalog has an entry for users' shaders");
        let fields: Vec<_> = custom.fields().iter().map(Field::default_value).collect();
        let values = std::iter::once(Value::Shader(Arc::new(custom))).chain(fields).collect();
        Self { filters: vec![Filter { info, values }], ..Self::default() }
    }

    /// Sets a parameter of the chain's last user's WGSL; `setting` is `NAME=VALUE`.
    ///
    /// # Errors
    /// A syntax error when there is no such shader or parameter, or the value is not of the parameter's kind.
    pub fn set_param(&mut self, setting: &str) -> Result<()> {
        limited(setting, "parameter")?;
        let Some((name, text)) = setting.split_once('=').map(|(name, text)| (name.trim(), text.trim())) else {
            return Err(Error::syntax(excerpt(&format!("expected NAME=VALUE but found `{setting}`"))));
        };
        let last = self.filters.iter_mut().rev().find_map(|filter| Some((filter.custom()?.clone(), filter)));
        let Some((custom, filter)) = last else {
            let message = format!("expected a shader for `{setting}` but found none in the chain");
            return Err(Error::syntax(excerpt(&message)));
        };
        let mut arguments = Arguments::new(filter.info);
        arguments.values = vec![None; filter.values.len()];
        arguments.custom = Some(custom);
        let slot = arguments.slot_of(name).map_err(|message| Error::syntax(excerpt(&message)))?;
        if slot < filter.info.params.len() {
            let names: Vec<_> =
                arguments.custom.iter().flat_map(|custom| custom.fields()).map(|own| &*own.name).collect();
            let names = names.join(", ");
            return Err(Error::syntax(format!(
                "expected a parameter of the shader's own ({names}) but found `{name}`"
            )));
        }
        arguments.set(slot, text, &FileAccess::None).map_err(|failed| match failed {
            Failed::Here(message) => Error::syntax(excerpt(&message)),
            Failed::Elsewhere(error) => error,
        })?;
        if let Some(value) = arguments.values.swap_remove(slot) {
            filter.values[slot] = value;
        }
        Ok(())
    }

    /// The WGSL files that the chain was loaded from.
    pub fn shader_files(&self) -> Vec<&Path> {
        self.filters.iter().filter_map(|filter| filter.custom()?.path()).collect()
    }
}

/// A position in the text; `at` is always on a character's first byte.
struct ChainReader<'a> {
    text: &'a str,
    at: usize,
    files: &'a FileAccess,
}

impl<'a> ChainReader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes characters while `belongs` accepts them, and returns their range.
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> Range<usize> {
        let start = self.at;
        self.at += self.rest().find(|c| !belongs(c)).unwrap_or(self.rest().len());
        start..self.at
    }

    /// `edge=clamp` or `edge=transparent`, which may be given among the functions.
    fn edge(&mut self) -> Result<Option<Edge>> {
        let Some(rest) = self.rest().strip_prefix("edge=") else { return Ok(None) };
        self.at = self.text.len() - rest.len();
        let word = self.take(|c| !c.is_whitespace());
        match &self.text[word.clone()] {
            "clamp" => Ok(Some(Edge::Clamp)),
            "transparent" => Ok(Some(Edge::Transparent)),
            found => Err(self.error(format!("expected clamp or transparent as edge but found `{found}`"), word)),
        }
    }

    fn function(&mut self) -> Result<Filter> {
        let name = self.take(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if name.is_empty() {
            let found = self.rest().chars().next().unwrap_or(' ');
            let place = self.word_at(self.at..self.at);
            return Err(self.error(format!("expected the name of a filter but found `{found}`"), place));
        }
        let info = self.find(name.clone())?;
        if !self.rest().starts_with('(') {
            let message = format!("expected `(` after `{}`, as in `{}`", info.name, info.example());
            return Err(self.error(message, name));
        }
        let open = self.at..self.at + 1;
        self.at += 1;
        let mut arguments = Arguments::new(info);
        let mut first = true;
        loop {
            self.skip_space();
            if self.rest().is_empty() {
                return Err(self.error(format!("expected `)` to close `{}(` but found the end", info.name), open));
            }
            if self.rest().starts_with(')') {
                self.at += 1;
                break;
            }
            if !first && self.rest().starts_with(',') {
                self.at += 1;
                self.skip_space();
            }
            first = false;
            self.argument(&mut arguments)?;
        }
        arguments.finish().map_err(|message| self.error(message, name))
    }

    fn find(&self, name: Range<usize>) -> Result<&'static FilterInfo> {
        let given = &self.text[name.clone()];
        catalog().iter().find(|info| info.name.eq_ignore_ascii_case(given)).ok_or_else(|| {
            let hint = nearest(given).map_or_else(
                || "; `framereel filters` lists them all".to_owned(),
                |near| format!("; did you mean `{near}`?"),
            );
            self.error(format!("unknown filter `{given}`{hint}"), name)
        })
    }

    /// One argument, with its name before it or without.
    fn argument(&mut self, arguments: &mut Arguments) -> Result<()> {
        let start = self.at;
        let name = self.take(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let named = !name.is_empty() && self.rest().starts_with('=');
        if named {
            self.at += 1;
        } else {
            self.at = start;
        }
        let token = self.value_token();
        let text = &self.text[token.clone()];
        let slot = if named {
            let given = &self.text[name.clone()];
            arguments.slot_of(given).map_err(|message| self.error(message, name.clone()))?
        } else {
            arguments.next_slot(text).ok_or_else(|| {
                let most = arguments.info.params.len();
                let plural = if most == 1 { "" } else { "s" };
                let message = format!("expected at most {most} argument{plural} to `{}`", arguments.info.name);
                self.error(message, self.word_at(token.clone()))
            })?
        };
        if text.is_empty() {
            let found = self.rest().chars().next().map_or("the end".to_owned(), |c| format!("`{c}`"));
            let message = arguments.expected(slot, &found);
            return Err(self.error(message, self.word_at(token)));
        }
        arguments.set(slot, text, self.files).map_err(|failed| match failed {
            Failed::Here(message) => self.error(message, token),
            // The fault is in another file, which the error shows; or the file may not be opened.
            Failed::Elsewhere(error) => error,
        })
    }

    /// A value up to the next space, comma or parenthesis outside quotes and parentheses of its own.
    fn value_token(&mut self) -> Range<usize> {
        let (mut depth, mut quote) = (0, None);
        let end = self.rest().find(|c: char| match (quote, c) {
            (Some(open), _) => {
                quote = (c != open).then_some(open);
                false
            }
            (None, '"' | '\'') => {
                quote = Some(c);
                false
            }
            (None, '(') => {
                depth += 1;
                false
            }
            (None, ')') if depth > 0 => {
                depth -= 1;
                false
            }
            (None, ')') => true,
            (None, ',') => depth == 0,
            (None, _) => depth == 0 && c.is_whitespace(),
        });
        let start = self.at;
        self.at += end.unwrap_or(self.rest().len());
        start..self.at
    }

    /// The range itself, or, if it is empty, the one character there.
    fn word_at(&self, range: Range<usize>) -> Range<usize> {
        if range.is_empty() {
            let width = self.text[range.start..].chars().next().map_or(0, char::len_utf8);
            return range.start..range.start + width;
        }
        range
    }

    fn error(&self, message: String, place: Range<usize>) -> Error {
        // White space of the chain becomes spaces on one line, so that the carets are below their place.
        let shown = |c: char| if c.is_whitespace() || c.is_control() { ' ' } else { c };
        let before = self.text[..place.start].chars().count();
        let skipped = if self.text.chars().nth(WIDEST).is_some() { before.saturating_sub(BEFORE) } else { 0 };
        let line: String = self.text.chars().skip(skipped).take(WIDEST).map(shown).collect();
        let (left, right) = (if skipped > 0 { "…" } else { "" }, skipped + WIDEST);
        let right = if self.text.chars().nth(right).is_some() { "…" } else { "" };
        let space = " ".repeat(before - skipped + left.chars().count());
        let carets = "^".repeat(self.text[place].chars().count().min(WIDEST + skipped - before).max(1));
        Error::syntax(format!("{}\n  {left}{line}{right}\n  {space}{carets}", excerpt(&message)))
    }
}

/// Refuses a text that is too long to be read.
pub(super) fn limited(text: &str, what: &str) -> Result<()> {
    if text.len() <= MAX_TEXT {
        return Ok(());
    }
    let found = text.len();
    Err(Error::syntax(format!("expected a {what} of at most {MAX_TEXT} bytes but found one of {found}")))
}

/// The message on one line, shortened: it may hold parts of the chain.
pub(super) fn excerpt(message: &str) -> String {
    let mut shown: String = message.chars().take(4 * WIDEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if message.chars().nth(4 * WIDEST).is_some() {
        shown.push('…');
    }
    shown
}

/// The arguments of one filter as they come in.
struct Arguments {
    info: &'static FilterInfo,
    values: Vec<Option<Value>>,
    /// A user's WGSL, once its file is named: its fields are parameters too.
    custom: Option<Arc<Custom>>,
}

/// Why an argument is refused.
enum Failed {
    /// The fault of its text.
    Here(String),
    /// The fault of the file that it names.
    Elsewhere(Error),
}

impl Arguments {
    fn new(info: &'static FilterInfo) -> Self {
        Self { info, values: vec![None; info.params.len()], custom: None }
    }

    /// The slot of the parameter of this name; otherwise a message.
    fn slot_of(&self, name: &str) -> Result<usize, String> {
        let fields = self.custom.as_deref().map_or(&[][..], Custom::fields);
        let names: Vec<_> =
            self.info.params.iter().map(|param| param.name).chain(fields.iter().map(|field| &*field.name)).collect();
        names.iter().position(|&own| own == name).ok_or_else(|| {
            format!("expected a parameter of `{}` ({}) but found `{name}`", self.info.name, names.join(", "))
        })
    }

    /// The slot of a value without a name: the first free one, or a colour's if the value begins as a colour.
    fn next_slot(&self, text: &str) -> Option<usize> {
        let colored = text.starts_with(|c: char| c == '#' || c.is_ascii_alphabetic());
        let free = |&slot: &usize| self.values[slot].is_none();
        let is_color = |slot: usize| self.info.params[slot].kind == ParamKind::Color;
        let slots = 0..self.info.params.len();
        let takes_words = |slot: usize| !matches!(self.info.params[slot].kind, ParamKind::Word(_));
        let first = slots.clone().find(free)?;
        if colored && takes_words(first) {
            return slots.clone().find(|&slot| free(&slot) && is_color(slot)).or(Some(first));
        }
        slots.clone().find(|&slot| free(&slot) && !is_color(slot)).or(Some(first))
    }

    fn field(&self, slot: usize) -> Option<&Field> {
        self.custom.as_deref()?.fields().get(slot.checked_sub(self.info.params.len())?)
    }

    fn expected(&self, slot: usize, found: &str) -> String {
        let (name, kind) = match (self.info.params.get(slot), self.field(slot)) {
            (Some(param), _) => (param.name, param.kind.description()),
            (None, Some(field)) => (&*field.name, field.param_kind().description()),
            (None, None) => ("argument", "a value".to_owned()),
        };
        format!("expected {kind} as {name} of `{}` but found {found}", self.info.name)
    }

    fn set(&mut self, slot: usize, text: &str, files: &FileAccess) -> Result<(), Failed> {
        let found = || Failed::Here(self.expected(slot, &format!("`{text}`")));
        if self.values[slot].is_some() {
            return Err(Failed::Here(format!("expected one value but found a second, `{text}`")));
        }
        let value = match (self.info.params.get(slot), self.field(slot)) {
            (Some(param), _) => match param.kind {
                ParamKind::Lut => {
                    let path = files.path(unquoted(text).ok_or_else(found)?).map_err(Failed::Elsewhere)?;
                    Value::Lut(Arc::new(Lut::load(&path).map_err(Failed::Elsewhere)?))
                }
                ParamKind::Shader => {
                    let path = files.path(unquoted(text).ok_or_else(found)?).map_err(Failed::Elsewhere)?;
                    let custom = Arc::new(Custom::load(&path).map_err(Failed::Elsewhere)?);
                    self.values.extend(custom.fields().iter().map(|_| None));
                    self.custom = Some(custom.clone());
                    Value::Shader(custom)
                }
                ParamKind::Color => color(text).ok_or_else(found)?,
                _ => Value::Number(param.read(self.info.name, text).map_err(Failed::Here)?),
            },
            (None, Some(field)) => match field.param_kind() {
                ParamKind::Color => color(text).ok_or_else(found)?,
                kind => Value::Number(kind.number(text).ok_or_else(found)?),
            },
            (None, None) => return Err(found()),
        };
        self.values[slot] = Some(value);
        Ok(())
    }

    /// The filter, with defaults for missing arguments; otherwise a message about the missing one.
    fn finish(mut self) -> Result<Filter, String> {
        for slot in 0..self.values.len() {
            if self.values[slot].is_some() {
                continue;
            }
            let default = match (self.info.params.get(slot), self.field(slot)) {
                (Some(param), _) if param.default.is_empty() => {
                    let expected = self.expected(slot, "none");
                    return Err(format!("{expected}, as in `{}`", self.info.example()));
                }
                (Some(param), _) => param.default.to_owned(),
                (None, field) => {
                    self.values[slot] = field.map(Field::default_value);
                    continue;
                }
            };
            self.set(slot, &default, &FileAccess::None)
                .map_err(|_| format!("`{default}` is no value of `{}`", self.info.name))?;
        }
        Ok(Filter { info: self.info, values: self.values.into_iter().flatten().collect() })
    }
}

impl Param {
    /// Parses a number, within the range.
    fn read(&self, filter: &str, text: &str) -> Result<f32, String> {
        let value = self.kind.number(text).ok_or_else(|| {
            format!("expected {} as {} of `{filter}` but found `{text}`", self.kind.description(), self.name)
        })?;
        if value < self.min {
            let (name, min) = (self.name, self.min);
            return Err(format!("expected {name} of `{filter}` to be at least {min} but found `{text}`"));
        }
        Ok(if matches!(self.kind, ParamKind::Word(_)) { value } else { value.min(self.max) })
    }
}

impl Filter {
    /// Parses a number as the value at `index`; for animations, which need no unit.
    pub(super) fn read_number(&self, index: usize, text: &str) -> Result<f32> {
        let Some(param) = self.info.params.get(index) else {
            let expected = || Error::syntax(format!("expected a number but found `{text}`"));
            return ParamKind::Amount.number(text).ok_or_else(expected);
        };
        let with_unit = format!("{text}{}", param.kind.unit());
        let text = if text.parse::<f32>().is_ok() { &with_unit } else { text };
        param.read(self.info.name, text).map_err(Error::syntax)
    }
}

impl Field {
    fn param_kind(&self) -> ParamKind {
        match self.kind {
            FieldKind::F32 | FieldKind::I32 | FieldKind::U32 => ParamKind::Amount,
            FieldKind::Vec3 | FieldKind::Vec4 => ParamKind::Color,
        }
    }

    fn default_value(&self) -> Value {
        match self.param_kind() {
            ParamKind::Color => Value::Color(self.default),
            _ => Value::Number(self.default[0]),
        }
    }
}

fn unquoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].strip_suffix(quote)
}

impl FilterInfo {
    /// The filter as an example of its syntax, as `blur(4px)`.
    fn example(&self) -> String {
        let values = self.params.iter().map(|param| match param.kind {
            ParamKind::Amount => "0.5",
            ParamKind::Length => "4px",
            ParamKind::Angle => "90deg",
            ParamKind::Color => "#f80",
            ParamKind::Word(words) => words[0],
            ParamKind::Lut => "\"film.cube\"",
            ParamKind::Shader => "\"wave.wgsl\"",
        });
        format!("{}({})", self.name, values.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests;
