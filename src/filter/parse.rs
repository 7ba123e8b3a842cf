//! Reads a chain in CSS syntax: `blur(4px) sepia(60%) vignette(0.4)`, or `none`.
//!
//! Grammar: Filter Effects Module Level 1, §5 `<filter-value-list>`; our own functions stand beside CSS's, and their
//! arguments may be separated by commas. Errors show the chain with carets under the place that is wrong.

use std::ops::Range;
use std::str::FromStr;

use super::{Filter, FilterChain, FilterInfo, Param, ParamKind, catalog};
use crate::error::{Error, Result};

impl FromStr for FilterChain {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut reader = Reader { text, at: 0 };
        let mut filters = Vec::new();
        reader.skip_space();
        if text.trim().eq_ignore_ascii_case("none") || text.trim().is_empty() {
            return Ok(Self::default());
        }
        while reader.at < text.len() {
            filters.push(reader.function()?);
            reader.skip_space();
        }
        Ok(Self { filters })
    }
}

/// Where we are in the text; `at` is always on a character's first byte.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes characters while they belong, and says where they lie.
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> Range<usize> {
        let start = self.at;
        self.at += self.rest().find(|c| !belongs(c)).unwrap_or(self.rest().len());
        start..self.at
    }

    fn function(&mut self) -> Result<Filter> {
        let name = self.take(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if name.is_empty() {
            let found = self.rest().chars().next().unwrap_or(' ');
            let place = self.at..self.at + found.len_utf8();
            return Err(self.error(format!("expected the name of a filter but found `{found}`"), place));
        }
        let info = self.find(name.clone())?;
        if !self.rest().starts_with('(') {
            let message = format!("expected `(` after `{}`, as in `{}`", info.name, info.example());
            return Err(self.error(message, name));
        }
        let open = self.at;
        self.at += 1;
        let mut values = Vec::with_capacity(info.params.len());
        loop {
            self.skip_space();
            if self.rest().is_empty() {
                return Err(
                    self.error(format!("expected `)` to close `{}(` but found the end", info.name), open..open + 1)
                );
            }
            if self.rest().starts_with(')') {
                self.at += 1;
                break;
            }
            if !values.is_empty() && self.rest().starts_with(',') {
                self.at += 1;
                self.skip_space();
            }
            let token = self.take(|c| !c.is_whitespace() && !matches!(c, ',' | '(' | ')'));
            let Some(param) = info.params.get(values.len()) else {
                let most = info.params.len();
                let message =
                    format!("expected at most {most} argument{} to `{}`", if most == 1 { "" } else { "s" }, info.name);
                return Err(self.error(message, self.word_at(token)));
            };
            values.push(self.value(info, param, token)?);
        }
        values.extend(info.params[values.len()..].iter().map(|param| param.default));
        Ok(Filter { info, values })
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

    fn value(&self, info: &FilterInfo, param: &Param, token: Range<usize>) -> Result<f32> {
        let text = &self.text[token.clone()];
        let expected = |found: &str| {
            let example = param.kind.example();
            self.error(
                format!("expected {example} as {} of `{}` but found {found}", param.name, info.name),
                self.word_at(token.clone()),
            )
        };
        if text.is_empty() {
            let found = self.rest().chars().next().map_or("the end".to_owned(), |c| format!("`{c}`"));
            return Err(expected(&found));
        }
        let unit_at = unit_at(text);
        let number: f32 = match text[..unit_at].parse() {
            Ok(number) if f32::is_finite(number) => number,
            _ => return Err(expected(&format!("`{text}`"))),
        };
        let unit = text[unit_at..].to_ascii_lowercase();
        let value = match (param.kind, unit.as_str()) {
            (ParamKind::Amount, "") => number,
            (ParamKind::Amount, "%") => number / 100.0,
            (ParamKind::Length, "px") | (ParamKind::Angle, "deg") => number,
            (ParamKind::Length | ParamKind::Angle, "") if number == 0.0 => 0.0,
            (ParamKind::Angle, "rad") => number.to_degrees(),
            (ParamKind::Angle, "grad") => number * 0.9,
            (ParamKind::Angle, "turn") => number * 360.0,
            _ => return Err(expected(&format!("`{text}`"))),
        };
        if value < param.min {
            let message =
                format!("expected {} of `{}` to be at least {} but found `{text}`", param.name, info.name, param.min);
            return Err(self.error(message, token));
        }
        Ok(value.min(param.max))
    }

    /// The range itself, or where it is empty the one character there.
    fn word_at(&self, range: Range<usize>) -> Range<usize> {
        if range.is_empty() {
            let width = self.text[range.start..].chars().next().map_or(0, char::len_utf8);
            return range.start..range.start + width;
        }
        range
    }

    fn error(&self, message: String, place: Range<usize>) -> Error {
        // One line, whatever white space the chain holds, so that the carets stand below their place.
        let line: String =
            self.text.chars().map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c }).collect();
        let before = self.text[..place.start].chars().count();
        let carets = self.text[place].chars().count().max(1);
        Error::syntax(format!("{message}\n  {line}\n  {}{}", " ".repeat(before), "^".repeat(carets)))
    }
}

impl FilterInfo {
    /// The filter as one might write it, as `blur(4px)`.
    fn example(&self) -> String {
        let values = self.params.iter().map(|param| match param.kind {
            ParamKind::Amount => "0.5",
            ParamKind::Length => "4px",
            ParamKind::Angle => "90deg",
        });
        format!("{}({})", self.name, values.collect::<Vec<_>>().join(", "))
    }
}

/// Where a number's unit begins: `1e3` is a number, `1em` is not.
fn unit_at(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let exponent = matches!(bytes[at], b'e' | b'E')
            && at > 0
            && (bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
                || (matches!(bytes.get(at + 1), Some(b'+' | b'-'))
                    && bytes.get(at + 2).is_some_and(u8::is_ascii_digit)));
        if !(bytes[at].is_ascii_digit() || matches!(bytes[at], b'.' | b'+' | b'-') || exponent) {
            break;
        }
        at += 1;
    }
    at
}

/// The filter whose name is nearest to a misspelt one, if any is near.
fn nearest(given: &str) -> Option<&'static str> {
    let given = given.to_ascii_lowercase().replace('_', "-");
    let (distance, name) = catalog().iter().map(|info| (edit_distance(&given, info.name), info.name)).min()?;
    (distance <= 1 + name.len() / 3).then_some(name)
}

/// How many letters must be put in, left out, changed or swapped with their neighbour (Damerau 1964, Levenshtein 1966).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let swap = if swapped { rows[i - 2][j - 2] + 1 } else { usize::MAX };
                change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(swap)
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<FilterChain>().unwrap().to_string()
    }

    fn message(text: &str) -> String {
        text.parse::<FilterChain>().unwrap_err().to_string()
    }

    #[test]
    fn chains_are_read_as_css_writes_them() {
        assert_eq!(shown("none"), "none");
        assert_eq!(shown("  "), "none");
        assert_eq!(shown("sepia(60%)  BLUR( 2px )vignette(.4)"), "sepia(0.6) blur(2px) vignette(0.4)");
        assert_eq!(
            shown("hue-rotate(0.25turn) hue-rotate(100grad) hue-rotate(-90deg)"),
            "hue-rotate(90deg) hue-rotate(90deg) hue-rotate(-90deg)"
        );
        assert_eq!(shown("brightness() blur() opacity()"), "brightness(1) blur(0px) opacity(1)");
        assert_eq!(shown("contrast(1e1) blur(0)"), "contrast(10) blur(0px)");
    }

    #[test]
    fn amounts_above_the_range_mean_its_end_as_in_css() {
        assert_eq!(shown("sepia(4) grayscale(250%) saturate(7)"), "sepia(1) grayscale(1) saturate(7)");
    }

    #[test]
    fn what_is_shown_reads_back_the_same() {
        let chain: FilterChain = "sepia(33.3%) hue-rotate(1rad) blur(2.5px) vignette(0.1)".parse().unwrap();
        assert_eq!(chain.to_string().parse::<FilterChain>().unwrap(), chain);
    }

    #[test]
    fn errors_point_at_the_place_and_suggest_the_nearest_name() {
        assert_eq!(
            message("blur(2px) sepai(60%)"),
            "unknown filter `sepai`; did you mean `sepia`?\n  blur(2px) sepai(60%)\n            ^^^^^"
        );
        assert_eq!(
            message("greyscale(1)"),
            "unknown filter `greyscale`; did you mean `grayscale`?\n  greyscale(1)\n  ^^^^^^^^^"
        );
        assert_eq!(
            message("xylophone(1)"),
            "unknown filter `xylophone`; `framereel filters` lists them all\n  xylophone(1)\n  ^^^^^^^^^"
        );
        assert_eq!(
            message("blur(2em)"),
            "expected a length such as 4px as radius of `blur` but found `2em`\n  blur(2em)\n       ^^^"
        );
        assert_eq!(
            message("blur(-2px)"),
            "expected radius of `blur` to be at least 0 but found `-2px`\n  blur(-2px)\n       ^^^^"
        );
        assert_eq!(message("sepia(1"), "expected `)` to close `sepia(` but found the end\n  sepia(1\n       ^");
        assert_eq!(message("sepia"), "expected `(` after `sepia`, as in `sepia(0.5)`\n  sepia\n  ^^^^^");
        assert_eq!(message("sepia(1, 2)"), "expected at most 1 argument to `sepia`\n  sepia(1, 2)\n           ^");
        assert_eq!(
            message("sepia(1) ; blur(1px)"),
            "expected the name of a filter but found `;`\n  sepia(1) ; blur(1px)\n           ^"
        );
        for text in [
            "sepia((1))",
            "sepia(,)",
            "sepia(1,)",
            "sepia(NaN)",
            "sepia(inf)",
            "sepia(1e99)",
            "sepia(50 %)",
            "none none",
            "é(1)",
            "sepia(é)",
        ] {
            assert!(message(text).contains('^'), "{text}");
        }
    }
}
