//! Colour tables: `.cube` files (Adobe, Cube LUT Specification 1.0), in one dimension and in three.
//!
//! A table maps colours of its domain to colours; a colour outside the domain is clamped to it. [`Lut::apply`] defines
//! the result, and `shaders/filter/lut.wgsl` computes the same: linear between the entries of a curve, tetrahedral
//! between those of a cube. Red varies fastest. Resolve's `LUT_1D_INPUT_RANGE` and `LUT_3D_INPUT_RANGE` are read as the
//! domain of all three channels. A file is refused unless every row is there, three finite numbers each.
//!
//! # Budget
//! A file has at most 32 MiB. It is read line by line; no more words of a line are read than the three of a row, and
//! rows beyond the table are counted and not kept. So memory is that of the file and of the table, 12 bytes a row.

use std::ops::RangeInclusive;
use std::path::Path;

use crate::error::{Error, Result};

/// The largest file that is read. A cube of 65 entries a side, the largest in use, has 8 MB.
const MAX_BYTES: u64 = 32 << 20;

/// A colour table.
#[derive(Debug, Clone, PartialEq)]
pub struct Lut {
    name: String,
    dimension: Dimension,
    /// Entries a side.
    size: usize,
    /// The domain's least and greatest colour.
    low: [f32; 3],
    high: [f32; 3],
    entries: Vec<[f32; 3]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dimension {
    /// Three curves of `size` entries.
    One,
    /// A cube of `size`³ entries.
    Three,
}

impl Lut {
    /// Reads a `.cube` file: a regular one of at most 32 MiB.
    ///
    /// # Errors
    /// Syntax, with the file and its line, if it is not a whole and well-formed table; NotFound, NotAllowed, NotReadable
    /// or, for a larger file, NotSupported if it cannot be read at all.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = super::file::read(path, MAX_BYTES)?;
        let fault = |fault: TableFault| match fault.line {
            Some(line) => Error::syntax(format!("{}:{line}: {}", path.display(), fault.message)),
            None => Error::syntax(fault.message).at(path.display()),
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            let byte = bytes[error.valid_up_to()];
            fault(TableFault::on(
                line,
                format!("expected the UTF-8 text of a .cube file but found the byte {byte:#04x}"),
            ))
        })?;
        let table = read(text).map_err(fault)?;
        Ok(Self { name: path.display().to_string(), ..table })
    }

    /// The path that it was loaded from; empty when it came from text.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the text of a `.cube` file.
    ///
    /// # Errors
    /// Syntax, led by `line N:`, if it is not a whole and well-formed table.
    pub fn parse(text: &str) -> Result<Self> {
        read(text).map_err(|fault| match fault.line {
            Some(line) => Error::syntax(format!("line {line}: {}", fault.message)),
            None => Error::syntax(fault.message),
        })
    }

    /// Applies the table to a straight colour: the reference for the shader.
    pub fn apply(&self, rgb: [f32; 3]) -> [f32; 3] {
        let last = (self.size - 1) as f32;
        let place: [f32; 3] = std::array::from_fn(|c| {
            let share = (rgb[c] - self.low[c]) / (self.high[c] - self.low[c]);
            // NaN counts as the domain's least value.
            if share > 0.0 { share.min(1.0) * last } else { 0.0 }
        });
        let first = place.map(|place| (place as usize).min(self.size - 2));
        let weight = std::array::from_fn(|c| place[c] - first[c] as f32);
        match self.dimension {
            Dimension::One => std::array::from_fn(|c| {
                self.entries[first[c]][c] * (1.0 - weight[c]) + self.entries[first[c] + 1][c] * weight[c]
            }),
            Dimension::Three => self.tetrahedral(first, weight),
        }
    }

    /// Mixes the four corners of the tetrahedron of the cell at `first` that the weights (0–1) point into
    /// (Sakamoto 1981): from the first corner to the far one, along the axis of the greatest weight first.
    fn tetrahedral(&self, first: [usize; 3], weight: [f32; 3]) -> [f32; 3] {
        let stride = [1, self.size, self.size * self.size];
        let origin: usize = (0..3).map(|axis| first[axis] * stride[axis]).sum();
        let mut axes = [0, 1, 2];
        axes.sort_by(|a, b| weight[*b].total_cmp(&weight[*a]));
        let [most, middle, least] = axes.map(|axis| weight[axis]);
        let second = origin + stride[axes[0]];
        let third = second + stride[axes[1]];
        let far = third + stride[axes[2]];
        let parts = [(origin, 1.0 - most), (second, most - middle), (third, middle - least), (far, least)];
        std::array::from_fn(|c| parts.iter().map(|(entry, share)| self.entries[*entry][c] * share).sum())
    }

    /// The table in the order of the shader: the dimension (1 or 3) and the size, the domain's least and greatest
    /// colour, then the entries.
    pub fn params(&self) -> Vec<[f32; 4]> {
        let dimension = match self.dimension {
            Dimension::One => 1.0,
            Dimension::Three => 3.0,
        };
        let four = |[r, g, b]: [f32; 3]| [r, g, b, 0.0];
        let head = [[dimension, self.size as f32, 0.0, 0.0], four(self.low), four(self.high)];
        head.into_iter().chain(self.entries.iter().copied().map(four)).collect()
    }

    /// How many vectors [`Lut::params`] has.
    pub fn vectors(&self) -> usize {
        3 + self.entries.len()
    }
}

/// The fault of a file, and its line if one line is at fault.
struct TableFault {
    line: Option<usize>,
    message: String,
}

impl TableFault {
    fn on(line: usize, message: String) -> Self {
        Self { line: Some(line), message }
    }

    fn of_file(message: String) -> Self {
        Self { line: None, message }
    }
}

/// A keyword's values and its line.
type Stated<T> = Option<(T, usize)>;

#[derive(Default)]
struct Head {
    title: Stated<()>,
    size_1d: Stated<usize>,
    size_3d: Stated<usize>,
    domain_min: Stated<[f32; 3]>,
    domain_max: Stated<[f32; 3]>,
    range_1d: Stated<[f32; 2]>,
    range_3d: Stated<[f32; 2]>,
}

fn read(text: &str) -> Result<Lut, TableFault> {
    let mut head = Head::default();
    // Grows as rows come: the size in the head is not trusted.
    let mut entries = Vec::new();
    let mut found = 0;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let number = index + 1;
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(word) = line.split_whitespace().next() else { continue };
        if word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.parse::<f32>().is_err() {
            if found > 0 {
                let message = format!("expected the row {} but found `{}`", found + 1, excerpt(word));
                return Err(TableFault::on(number, message));
            }
            head.keyword(word, line[word.len()..].trim(), number)?;
            continue;
        }
        let entry = numbers(line, number)?;
        found += 1;
        // Rows beyond the table are counted and not kept.
        if head.rows().is_some_and(|rows| found <= rows) {
            entries.push(entry);
        }
    }
    head.finish(entries, found)
}

impl Head {
    fn keyword(&mut self, word: &str, values: &str, line: usize) -> Result<(), TableFault> {
        match word {
            "TITLE" => state(&mut self.title, word, (), line),
            "LUT_1D_SIZE" => state(&mut self.size_1d, word, size(word, values, 2..=65536, line)?, line),
            "LUT_3D_SIZE" => state(&mut self.size_3d, word, size(word, values, 2..=256, line)?, line),
            "DOMAIN_MIN" => state(&mut self.domain_min, word, numbers(values, line)?, line),
            "DOMAIN_MAX" => state(&mut self.domain_max, word, numbers(values, line)?, line),
            "LUT_1D_INPUT_RANGE" => state(&mut self.range_1d, word, numbers(values, line)?, line),
            "LUT_3D_INPUT_RANGE" => state(&mut self.range_3d, word, numbers(values, line)?, line),
            _ => Err(TableFault::on(
                line,
                format!(
                    "unknown keyword `{}`; expected TITLE, LUT_1D_SIZE, LUT_3D_SIZE, DOMAIN_MIN, DOMAIN_MAX, \
                     LUT_1D_INPUT_RANGE, LUT_3D_INPUT_RANGE or a row of three numbers",
                    excerpt(word)
                ),
            )),
        }
    }

    /// How many rows there must be; none where the head does not give it, or gives it twice.
    fn rows(&self) -> Option<usize> {
        match (self.size_1d, self.size_3d) {
            (Some((size, _)), None) => Some(size),
            (None, Some((size, _))) => Some(size.pow(3)),
            _ => None,
        }
    }

    fn finish(self, entries: Vec<[f32; 3]>, found: usize) -> Result<Lut, TableFault> {
        let (dimension, size, keyword) = match (self.size_1d, self.size_3d) {
            (Some((size, _)), None) => (Dimension::One, size, "LUT_1D_SIZE"),
            (None, Some((size, _))) => (Dimension::Three, size, "LUT_3D_SIZE"),
            (Some((_, one)), Some((_, three))) => {
                let message = "expected LUT_1D_SIZE or LUT_3D_SIZE but found both; split the file into two tables";
                return Err(TableFault::on(one.max(three), message.to_owned()));
            }
            (None, None) => {
                let message = "expected LUT_1D_SIZE or LUT_3D_SIZE but found neither; is this a .cube file?";
                return Err(TableFault::of_file(message.to_owned()));
            }
        };
        let [low, high] = self.domain(dimension)?;
        let rows = match dimension {
            Dimension::One => size,
            Dimension::Three => size.pow(3),
        };
        if found != rows {
            let message = format!("expected {rows} rows for {keyword} {size} but found {found}");
            return Err(TableFault::of_file(message));
        }
        Ok(Lut { name: String::new(), dimension, size, low, high, entries })
    }

    fn domain(&self, dimension: Dimension) -> Result<[[f32; 3]; 2], TableFault> {
        let (range, other, keyword) = match dimension {
            Dimension::One => (self.range_1d, self.range_3d, "LUT_1D_INPUT_RANGE"),
            Dimension::Three => (self.range_3d, self.range_1d, "LUT_3D_INPUT_RANGE"),
        };
        if let Some((_, line)) = other {
            return Err(TableFault::on(line, format!("expected {keyword}, as the size, but found the other one")));
        }
        let stated = self.domain_min.map(|stated| stated.1).max(self.domain_max.map(|stated| stated.1));
        let (low, high, line) = match (range, stated) {
            (Some((_, range)), Some(domain)) => {
                let message = format!("expected {keyword} or DOMAIN_MIN and DOMAIN_MAX but found both");
                return Err(TableFault::on(range.max(domain), message));
            }
            (Some(([low, high], line)), None) => ([low; 3], [high; 3], line),
            (None, Some(line)) => {
                let low = self.domain_min.map_or([0.0; 3], |stated| stated.0);
                (low, self.domain_max.map_or([1.0; 3], |stated| stated.0), line)
            }
            (None, None) => return Ok([[0.0; 3], [1.0; 3]]),
        };
        for (low, high) in low.into_iter().zip(high) {
            // The width must be a valid divisor.
            if low >= high || !(high - low).is_normal() {
                let message = format!("expected the domain's least below its greatest but found {low} and {high}");
                return Err(TableFault::on(line, message));
            }
        }
        Ok([low, high])
    }
}

fn state<T>(slot: &mut Stated<T>, word: &str, value: T, line: usize) -> Result<(), TableFault> {
    if let Some((_, first)) = slot {
        return Err(TableFault::on(line, format!("expected {word} once but found it on line {first} too")));
    }
    *slot = Some((value, line));
    Ok(())
}

fn size(word: &str, text: &str, range: RangeInclusive<usize>, line: usize) -> Result<usize, TableFault> {
    text.parse().ok().filter(|size| range.contains(size)).ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        let found = excerpt(text);
        TableFault::on(line, format!("expected a whole number from {least} to {most} after {word} but found `{found}`"))
    })
}

/// Exactly `N` finite numbers.
fn numbers<const N: usize>(text: &str, line: usize) -> Result<[f32; N], TableFault> {
    let count = if N == 2 { "two" } else { "three" };
    let expected = |what: &str| TableFault::on(line, format!("expected {count} {what} but found `{}`", excerpt(text)));
    let mut words = text.split_whitespace();
    let mut values = [0.0_f32; N];
    for value in &mut values {
        *value = words.next().and_then(|word| word.parse().ok()).ok_or_else(|| expected("numbers"))?;
    }
    if words.next().is_some() {
        return Err(expected("numbers"));
    }
    if values.iter().all(|value| value.is_finite()) { Ok(values) } else { Err(expected("finite numbers")) }
}

/// The text on one line, shortened.
fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
