//! Colour tables: `.cube` files (Adobe, Cube LUT Specification 1.0), in one dimension and in three.
//!
//! A table maps colours of its domain to colours; what lies outside the domain is taken for its border. [`Lut::apply`]
//! says exactly how, and `shaders/filter/lut.wgsl` does the same: linear between the entries of a curve, tetrahedral
//! between those of a cube. Red varies fastest. Resolve's `LUT_1D_INPUT_RANGE` and `LUT_3D_INPUT_RANGE` are read as the
//! domain of all three channels. A file is refused unless every row is there, three finite numbers each.

use std::fs::File;
use std::io::Read;
use std::ops::RangeInclusive;
use std::path::Path;

use crate::error::{Error, Result};

/// The largest file that is read. A cube of 65 entries a side, the largest in use, has 8 MB.
const MAX_BYTES: u64 = 64 << 20;

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
    /// Reads a `.cube` file of at most 64 MiB.
    ///
    /// # Errors
    /// Syntax, with the file and its line, if it is not a whole and well-formed table; NotFound, NotAllowed or
    /// NotReadable if it cannot be read at all.
    pub fn load(path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        let reading = |error| Error::reading(path, error);
        File::open(path).map_err(reading)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(reading)?;
        if bytes.len() as u64 > MAX_BYTES {
            let message = format!("expected a table of at most {} MiB but found a larger file", MAX_BYTES >> 20);
            return Err(Error::not_supported(message).at(path.display()));
        }
        let fault = |fault: Fault| match fault.line {
            Some(line) => Error::syntax(format!("{}:{line}: {}", path.display(), fault.message)),
            None => Error::syntax(fault.message).at(path.display()),
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            let byte = bytes[error.valid_up_to()];
            fault(Fault::on(line, format!("expected the UTF-8 text of a .cube file but found the byte {byte:#04x}")))
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

    /// What the table makes of a straight colour: the reference for the shader.
    pub fn apply(&self, rgb: [f32; 3]) -> [f32; 3] {
        let last = (self.size - 1) as f32;
        let place: [f32; 3] = std::array::from_fn(|c| {
            let share = (rgb[c] - self.low[c]) / (self.high[c] - self.low[c]);
            // What is not a number is taken for the domain's least.
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

    /// The table as the shader reads it: the dimension (1 or 3) and the size, the domain's least and greatest colour,
    /// then an entry each.
    pub fn params(&self) -> Vec<[f32; 4]> {
        let dimension = match self.dimension {
            Dimension::One => 1.0,
            Dimension::Three => 3.0,
        };
        let four = |[r, g, b]: [f32; 3]| [r, g, b, 0.0];
        let head = [[dimension, self.size as f32, 0.0, 0.0], four(self.low), four(self.high)];
        head.into_iter().chain(self.entries.iter().copied().map(four)).collect()
    }
}

/// What is wrong with a file, and the line where it is one line's fault.
struct Fault {
    line: Option<usize>,
    message: String,
}

impl Fault {
    fn on(line: usize, message: String) -> Self {
        Self { line: Some(line), message }
    }

    fn of_file(message: String) -> Self {
        Self { line: None, message }
    }
}

/// A keyword's values and the line it stands on.
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

fn read(text: &str) -> Result<Lut, Fault> {
    let mut head = Head::default();
    // Grows as rows come: what the head promises is not to be trusted.
    let mut entries = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let number = index + 1;
        let line = line.split('#').next().unwrap_or_default().trim();
        let mut words = line.split_whitespace();
        let Some(word) = words.next() else { continue };
        if word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.parse::<f32>().is_err() {
            if !entries.is_empty() {
                let message = format!("expected the row {} but found `{word}`", entries.len() + 1);
                return Err(Fault::on(number, message));
            }
            head.keyword(word, words.collect(), number)?;
        } else {
            entries.push(numbers(&line.split_whitespace().collect::<Vec<_>>(), line, number)?);
        }
    }
    head.finish(entries)
}

impl Head {
    fn keyword(&mut self, word: &str, values: Vec<&str>, line: usize) -> Result<(), Fault> {
        let shown = values.join(" ");
        match word {
            "TITLE" => state(&mut self.title, word, (), line),
            "LUT_1D_SIZE" => state(&mut self.size_1d, word, size(word, &shown, 2..=65536, line)?, line),
            "LUT_3D_SIZE" => state(&mut self.size_3d, word, size(word, &shown, 2..=256, line)?, line),
            "DOMAIN_MIN" => state(&mut self.domain_min, word, numbers(&values, &shown, line)?, line),
            "DOMAIN_MAX" => state(&mut self.domain_max, word, numbers(&values, &shown, line)?, line),
            "LUT_1D_INPUT_RANGE" => state(&mut self.range_1d, word, numbers(&values, &shown, line)?, line),
            "LUT_3D_INPUT_RANGE" => state(&mut self.range_3d, word, numbers(&values, &shown, line)?, line),
            _ => Err(Fault::on(
                line,
                format!(
                    "unknown keyword `{word}`; expected TITLE, LUT_1D_SIZE, LUT_3D_SIZE, DOMAIN_MIN, DOMAIN_MAX, \
                     LUT_1D_INPUT_RANGE, LUT_3D_INPUT_RANGE or a row of three numbers"
                ),
            )),
        }
    }

    fn finish(self, entries: Vec<[f32; 3]>) -> Result<Lut, Fault> {
        let (dimension, size, keyword) = match (self.size_1d, self.size_3d) {
            (Some((size, _)), None) => (Dimension::One, size, "LUT_1D_SIZE"),
            (None, Some((size, _))) => (Dimension::Three, size, "LUT_3D_SIZE"),
            (Some((_, one)), Some((_, three))) => {
                let message = "expected LUT_1D_SIZE or LUT_3D_SIZE but found both; split the file into two tables";
                return Err(Fault::on(one.max(three), message.to_owned()));
            }
            (None, None) => {
                let message = "expected LUT_1D_SIZE or LUT_3D_SIZE but found neither; is this a .cube file?";
                return Err(Fault::of_file(message.to_owned()));
            }
        };
        let [low, high] = self.domain(dimension)?;
        let rows = match dimension {
            Dimension::One => size,
            Dimension::Three => size.pow(3),
        };
        if entries.len() != rows {
            let message = format!("expected {rows} rows for {keyword} {size} but found {}", entries.len());
            return Err(Fault::of_file(message));
        }
        Ok(Lut { name: String::new(), dimension, size, low, high, entries })
    }

    fn domain(&self, dimension: Dimension) -> Result<[[f32; 3]; 2], Fault> {
        let (range, other, keyword) = match dimension {
            Dimension::One => (self.range_1d, self.range_3d, "LUT_1D_INPUT_RANGE"),
            Dimension::Three => (self.range_3d, self.range_1d, "LUT_3D_INPUT_RANGE"),
        };
        if let Some((_, line)) = other {
            return Err(Fault::on(line, format!("expected {keyword}, as the size, but found the other one")));
        }
        let stated = self.domain_min.map(|stated| stated.1).max(self.domain_max.map(|stated| stated.1));
        let (low, high, line) = match (range, stated) {
            (Some((_, range)), Some(domain)) => {
                let message = format!("expected {keyword} or DOMAIN_MIN and DOMAIN_MAX but found both");
                return Err(Fault::on(range.max(domain), message));
            }
            (Some(([low, high], line)), None) => ([low; 3], [high; 3], line),
            (None, Some(line)) => {
                let low = self.domain_min.map_or([0.0; 3], |stated| stated.0);
                (low, self.domain_max.map_or([1.0; 3], |stated| stated.0), line)
            }
            (None, None) => return Ok([[0.0; 3], [1.0; 3]]),
        };
        for (low, high) in low.into_iter().zip(high) {
            // The width must be a number that one can divide by.
            if low >= high || !(high - low).is_normal() {
                let message = format!("expected the domain's least below its greatest but found {low} and {high}");
                return Err(Fault::on(line, message));
            }
        }
        Ok([low, high])
    }
}

fn state<T>(slot: &mut Stated<T>, word: &str, value: T, line: usize) -> Result<(), Fault> {
    if let Some((_, first)) = slot {
        return Err(Fault::on(line, format!("expected {word} once but found it on line {first} too")));
    }
    *slot = Some((value, line));
    Ok(())
}

fn size(word: &str, text: &str, range: RangeInclusive<usize>, line: usize) -> Result<usize, Fault> {
    text.parse().ok().filter(|size| range.contains(size)).ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        Fault::on(line, format!("expected a whole number from {least} to {most} after {word} but found `{text}`"))
    })
}

/// Exactly `N` finite numbers; `shown` is where they come from.
fn numbers<const N: usize>(words: &[&str], shown: &str, line: usize) -> Result<[f32; N], Fault> {
    let count = if N == 2 { "two" } else { "three" };
    let expected = |what: &str| Fault::on(line, format!("expected {count} {what} but found `{}`", excerpt(shown)));
    let values: Option<Vec<f32>> = words.iter().map(|word| word.parse().ok()).collect();
    let values: [f32; N] = values.and_then(|values| values.try_into().ok()).ok_or_else(|| expected("numbers"))?;
    if values.iter().all(|value| value.is_finite()) { Ok(values) } else { Err(expected("finite numbers")) }
}

/// The text as one line that does not fill the screen.
fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpu::naga;

    /// A cube of `size` entries a side whose entries are `entry` of their place, 0–1.
    fn cube(size: usize, entry: impl Fn([f32; 3]) -> [f32; 3]) -> String {
        let mut text = format!("LUT_3D_SIZE {size}\n");
        for index in 0..size * size * size {
            let place = [index % size, index / size % size, index / size / size];
            let [r, g, b] = entry(place.map(|place| place as f32 / (size - 1) as f32));
            text.push_str(&format!("{r} {g} {b}\n"));
        }
        text
    }

    fn message(text: &str) -> String {
        Lut::parse(text).unwrap_err().to_string()
    }

    fn near(a: [f32; 3], b: [f32; 3], bound: f32) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() <= bound)
    }

    /// Colours all over 0–1, by xorshift (Marsaglia 2003).
    fn colors() -> impl Iterator<Item = [f32; 3]> {
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        std::iter::repeat_with(move || {
            std::array::from_fn(|_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                (seed >> 40) as f32 / (1 << 24) as f32
            })
        })
        .take(2000)
    }

    #[test]
    fn tables_of_the_identity_leave_every_colour_as_it_is() {
        let curves = "LUT_1D_SIZE 3\n0 0 0\n.5 .5 .5\n1. 1. 1.";
        for text in [curves.to_owned(), cube(2, |rgb| rgb), cube(17, |rgb| rgb)] {
            let lut = Lut::parse(&text).unwrap();
            for rgb in colors() {
                assert!(near(lut.apply(rgb), rgb, 1e-6), "{rgb:?} {:?}", lut.apply(rgb));
            }
        }
    }

    #[test]
    fn entries_come_out_exactly_where_they_stand_and_at_the_border_beyond_it() {
        let square = |rgb: [f32; 3]| rgb.map(|value| value * value + 0.1);
        let lut = Lut::parse(&cube(5, square)).unwrap();
        for corner in [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.25, 0.5, 0.75]] {
            assert_eq!(lut.apply(corner), square(corner));
        }
        assert_eq!(lut.apply([-3.0, 7.0, f32::NAN]), square([0.0, 1.0, 0.0]));
        assert_eq!(lut.apply([f32::INFINITY, f32::NEG_INFINITY, 1.0]), square([1.0, 0.0, 1.0]));
    }

    #[test]
    fn red_varies_fastest_and_a_curve_reads_its_own_column() {
        let lut = Lut::parse("LUT_3D_SIZE 2\n0 0 0\n1 2 3\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0").unwrap();
        assert_eq!(lut.apply([1.0, 0.0, 0.0]), [1.0, 2.0, 3.0]);
        let lut = Lut::parse("LUT_1D_SIZE 3\n0 1 5\n0.25 0.5 5\n1 0 7").unwrap();
        assert_eq!(lut.apply([0.25, 0.75, 0.75]), [0.125, 0.25, 6.0]);
    }

    #[test]
    fn between_entries_a_cube_is_tetrahedral() {
        // One corner alone is not zero: each case by hand, at (0.6, 0.3, 0.2) and its like.
        let corner = |index: usize| {
            let rows = (0..8).map(|row| if row == index { "1 1 1\n" } else { "0 0 0\n" }).collect::<String>();
            Lut::parse(&format!("LUT_3D_SIZE 2\n{rows}")).unwrap()
        };
        // Red most, then green, then blue: 000 has 1 - 0.6, 100 has 0.6 - 0.3, 110 has 0.3 - 0.2 and 111 has 0.2.
        let shares = [0.4, 0.3, 0.0, 0.1, 0.0, 0.0, 0.0, 0.2];
        for (index, share) in shares.into_iter().enumerate() {
            assert!(near(corner(index).apply([0.6, 0.3, 0.2]), [share; 3], 1e-6), "{index}");
        }
        // Blue most, then red, then green: 000, 001, 101, 111.
        let shares = [0.4, 0.0, 0.0, 0.0, 0.3, 0.1, 0.0, 0.2];
        for (index, share) in shares.into_iter().enumerate() {
            assert!(near(corner(index).apply([0.3, 0.2, 0.6]), [share; 3], 1e-6), "{index}");
        }
        // On the grey axis only the two ends count, which trilinear interpolation does not keep.
        assert!(near(corner(1).apply([0.5; 3]), [0.0; 3], 1e-6));
    }

    #[test]
    fn the_domain_says_which_colours_the_ends_stand_for() {
        let rows = "0 0 0\n1 1 1\n";
        let domain = "DOMAIN_MIN -1 0 0\nDOMAIN_MAX 1 2 4\n";
        let lut = Lut::parse(&format!("LUT_1D_SIZE 2\n{domain}{rows}")).unwrap();
        assert_eq!(lut.apply([0.0, 1.0, 1.0]), [0.5, 0.5, 0.25]);
        let lut = Lut::parse(&format!("LUT_1D_SIZE 2\nLUT_1D_INPUT_RANGE -1 3\n{rows}")).unwrap();
        assert_eq!(lut.apply([0.0, 1.0, 5.0]), [0.25, 0.5, 1.0]);
        let lut = Lut::parse(&format!("LUT_3D_INPUT_RANGE 0.0 2.0\n{}", cube(2, |rgb| rgb))).unwrap();
        assert_eq!(lut.apply([0.0, 1.0, 2.0]), [0.0, 0.5, 1.0]);
        let lut = Lut::parse(&format!("DOMAIN_MAX 2 2 2\nLUT_1D_SIZE 2\n{rows}")).unwrap();
        assert_eq!(lut.apply([1.0; 3]), [0.5; 3]);
    }

    #[test]
    fn titles_comments_blank_lines_and_either_line_end_are_read_over() {
        let text = "\u{feff}# made by hand\r\nTITLE \"a # b\"\r\n\r\nLUT_1D_SIZE 2 # two\r\n\t0 0 0\r\n# middle\r\n 1 1 1 \r\n\r\n";
        assert_eq!(Lut::parse(text).unwrap(), Lut::parse("LUT_1D_SIZE 2\n0 0 0\n1 1 1").unwrap());
    }

    #[test]
    fn faults_name_their_line_what_was_expected_and_what_was_found() {
        for (text, expected) in [
            ("LUT_1D_SIZE 2\n0 0 0\n0 x 0", "line 3: expected three numbers but found `0 x 0`"),
            ("LUT_1D_SIZE 2\n0 0\n0 0 0", "line 2: expected three numbers but found `0 0`"),
            ("LUT_1D_SIZE 2\n0 0 0 0\n", "line 2: expected three numbers but found `0 0 0 0`"),
            ("LUT_1D_SIZE 2\n0,0,0\n", "line 2: expected three numbers but found `0,0,0`"),
            ("LUT_1D_SIZE 2\nNaN 0 0\n", "line 2: expected three finite numbers but found `NaN 0 0`"),
            ("LUT_1D_SIZE 2\n0 -inf 0\n", "line 2: expected three finite numbers but found `0 -inf 0`"),
            ("LUT_1D_SIZE 2\n0 0 1e99\n", "line 2: expected three finite numbers but found `0 0 1e99`"),
            ("LUT_1D_SIZE 3\n0 0 0\n0 0 0", "expected 3 rows for LUT_1D_SIZE 3 but found 2"),
            ("LUT_1D_SIZE 2\n0 0 0\n0 0 0\n0 0 0", "expected 2 rows for LUT_1D_SIZE 2 but found 3"),
            ("LUT_3D_SIZE 256\n0 0 0", "expected 16777216 rows for LUT_3D_SIZE 256 but found 1"),
            ("LUT_3D_SIZE 2", "expected 8 rows for LUT_3D_SIZE 2 but found 0"),
            ("LUT_1D_SIZE 1\n0 0 0", "line 1: expected a whole number from 2 to 65536 after LUT_1D_SIZE but found `1`"),
            (
                "LUT_1D_SIZE 65537",
                "line 1: expected a whole number from 2 to 65536 after LUT_1D_SIZE but found `65537`",
            ),
            ("LUT_3D_SIZE 257", "line 1: expected a whole number from 2 to 256 after LUT_3D_SIZE but found `257`"),
            ("LUT_3D_SIZE", "line 1: expected a whole number from 2 to 256 after LUT_3D_SIZE but found ``"),
            ("LUT_3D_SIZE 2 2", "line 1: expected a whole number from 2 to 256 after LUT_3D_SIZE but found `2 2`"),
            ("LUT_1D_SIZE 2\nLUT_1D_SIZE 2", "line 2: expected LUT_1D_SIZE once but found it on line 1 too"),
            (
                "LUT_1D_SIZE 2\nLUT_3D_SIZE 2",
                "line 2: expected LUT_1D_SIZE or LUT_3D_SIZE but found both; split the file into two tables",
            ),
            ("", "expected LUT_1D_SIZE or LUT_3D_SIZE but found neither; is this a .cube file?"),
            ("0 0 0", "expected LUT_1D_SIZE or LUT_3D_SIZE but found neither; is this a .cube file?"),
            (
                "LUT_1D_SIZE 2\n\nDOMAIN_MIN 0 1 0",
                "line 3: expected the domain's least below its greatest but found 1 and 1",
            ),
            (
                "DOMAIN_MIN -3e38 0 0\nLUT_1D_SIZE 2\nDOMAIN_MAX 3e38 1 1",
                "line 3: expected the domain's least below its greatest but found \
                 -300000000000000000000000000000000000000 and 300000000000000000000000000000000000000",
            ),
            ("DOMAIN_MIN 0 0", "line 1: expected three numbers but found `0 0`"),
            ("LUT_1D_INPUT_RANGE 0", "line 1: expected two numbers but found `0`"),
            (
                "LUT_1D_INPUT_RANGE 0 1\nLUT_3D_SIZE 2",
                "line 1: expected LUT_3D_INPUT_RANGE, as the size, but found the other one",
            ),
            (
                "LUT_1D_INPUT_RANGE 0 1\nLUT_1D_SIZE 2\nDOMAIN_MAX 1 1 1",
                "line 3: expected LUT_1D_INPUT_RANGE or DOMAIN_MIN and DOMAIN_MAX but found both",
            ),
            ("LUT_1D_SIZE 2\n0 0 0\nTITLE \"late\"\n0 0 0", "line 3: expected the row 2 but found `TITLE`"),
        ] {
            let error = Lut::parse(text).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
            assert_eq!(error.kind().name(), "SyntaxError");
        }
        assert!(message("LUT_2D_SIZE 2").starts_with("line 1: unknown keyword `LUT_2D_SIZE`; expected TITLE, "));
        let long = message(&format!("LUT_1D_SIZE 2\n0 0 0 {}", "é".repeat(10_000)));
        assert!(long.len() < 250 && long.contains("`0 0 0 é"), "{long}");
    }

    #[test]
    fn files_are_named_with_the_line_that_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film.cube");
        let message = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let message = Lut::load(&path).unwrap_err().to_string();
            message.strip_prefix(&folder.path().display().to_string()).unwrap()[1..].to_owned()
        };
        assert_eq!(message(b"LUT_1D_SIZE 2\n0 0 0\nwhite\n"), "film.cube:3: expected the row 2 but found `white`");
        assert_eq!(message(b"LUT_1D_SIZE 2\n0 0 0"), "film.cube: expected 2 rows for LUT_1D_SIZE 2 but found 1");
        assert_eq!(
            message(b"LUT_1D_SIZE 2\n0 0 \xff"),
            "film.cube:2: expected the UTF-8 text of a .cube file but found the byte 0xff"
        );
        // A hole of 65 MiB: larger than any table, and no space on the disk.
        File::create(&path).unwrap().set_len(65 << 20).unwrap();
        let error = Lut::load(&path).unwrap_err().to_string();
        assert!(error.ends_with("film.cube: expected a table of at most 64 MiB but found a larger file"), "{error}");
        std::fs::write(&path, cube(3, |rgb| rgb)).unwrap();
        let named = Lut { name: path.display().to_string(), ..Lut::parse(&cube(3, |rgb| rgb)).unwrap() };
        assert_eq!(Lut::load(&path).unwrap(), named);
        let missing = Lut::load(&folder.path().join("none.cube")).unwrap_err();
        assert_eq!(missing.kind().name(), "NotFoundError");
    }

    #[test]
    fn the_shader_reads_a_head_of_three_and_then_an_entry_each() {
        let lut = Lut::parse("LUT_1D_SIZE 2\nDOMAIN_MAX 2 3 4\n0 1 2\n3 4 5").unwrap();
        assert_eq!(
            lut.params(),
            [
                [1.0, 2.0, 0.0, 0.0],
                [0.0, 0.0, 0.0, 0.0],
                [2.0, 3.0, 4.0, 0.0],
                [0.0, 1.0, 2.0, 0.0],
                [3.0, 4.0, 5.0, 0.0]
            ]
        );
        assert_eq!(Lut::parse(&cube(3, |rgb| rgb)).unwrap().params()[0], [3.0, 3.0, 0.0, 0.0]);
    }

    #[test]
    fn naga_accepts_the_shader() {
        let head = "@group(0) @binding(1) var<storage, read> params: array<vec4f>;\n";
        let text = [head, include_str!("../../shaders/filter/lut.wgsl")].concat();
        let module =
            naga::front::wgsl::parse_str(&text).unwrap_or_else(|error| panic!("{}", error.emit_to_string(&text)));
        naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::default())
            .validate(&module)
            .unwrap_or_else(|error| panic!("{}", error.emit_to_string(&text)));
    }
}
