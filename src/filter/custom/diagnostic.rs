//! Errors that show the place in the user's file: its line and carets under it.

use std::fmt::Write;
use std::ops::Range;

use wgpu::naga;

use super::Kind;
use crate::error::Error;

/// The widest line that is shown whole, in characters, and how much of a wider line is shown before the place.
const WIDEST: usize = 160;
const BEFORE: usize = 60;
/// The longest message, in characters: it may hold names from the file.
const LONGEST: usize = 400;
/// The most places, and the most notes, that are shown.
const MAX_LABELS: usize = 8;

/// A user's file: its name and its text.
#[derive(Clone, Copy)]
pub(super) struct SourceFile<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl SourceFile<'_> {
    /// An error at a place of the text.
    pub(super) fn error(&self, range: Range<usize>, message: impl Into<String>) -> Error {
        Diagnostic { message: message.into(), labels: vec![(range, String::new())], notes: vec![] }.about(*self)
    }

    /// The line and column of a byte, both from 1; columns count characters.
    fn place(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..at];
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
    }

    /// The range's first line with carets under the range, and the label behind them.
    fn snippet(&self, range: &Range<usize>, label: &str) -> String {
        let (number, column) = self.place(range.start);
        let start = self.text[..range.start].rfind('\n').map_or(0, |end| end + 1);
        let end = self.text[range.start..].find('\n').map_or(self.text.len(), |length| range.start + length);
        let line = self.text[start..end].trim_end_matches('\r');
        let marked = self.text[range.start..range.end.min(end)].trim_end().chars().count().max(1);

        let shown = |c: char| if c.is_control() && c != '\t' { ' ' } else { c };
        let wide = line.chars().count() > WIDEST;
        let skipped = if wide { (column - 1).saturating_sub(BEFORE) } else { 0 };
        let mut code: String = line.chars().skip(skipped).take(WIDEST).map(shown).collect();
        let mut space: String =
            code.chars().take(column - 1 - skipped).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let marked = marked.min(WIDEST - (column - 1 - skipped).min(WIDEST - 1));
        if skipped > 0 {
            code.insert(0, '…');
            space.insert(0, ' ');
        }
        if wide && skipped + WIDEST < line.chars().count() {
            code.push('…');
        }
        let gutter = number.to_string().len().max(3);
        let carets = "^".repeat(marked);
        let below = format!("{:gutter$} | {space}{carets} {label}", "");
        format!("\n{}\n{}", format!("{number:>gutter$} | {code}").trim_end(), below.trim_end())
    }
}

/// The faults of a file.
#[derive(Debug)]
pub(super) struct Diagnostic {
    message: String,
    /// Places in the file, the most important one first, each with a label.
    labels: Vec<(Range<usize>, String)>,
    notes: Vec<String>,
}

impl Diagnostic {
    pub(super) fn about(self, source: SourceFile) -> Error {
        let mut text = source.name.to_owned();
        if let Some((range, _)) = self.labels.first() {
            let (line, column) = source.place(range.start);
            let _ = write!(text, ":{line}:{column}");
        }
        let _ = write!(text, ": {}", excerpt(&self.message));
        for (range, label) in self.labels.iter().take(MAX_LABELS) {
            text.push_str(&source.snippet(range, &excerpt(label)));
        }
        for note in self.notes.iter().take(MAX_LABELS) {
            let _ = write!(text, "\n    = {}", excerpt(note));
        }
        Error::syntax(text)
    }

    /// Converts an error of naga's parser about a prelude and the user's text behind it.
    fn of_parser(error: &naga::front::wgsl::ParseError, prelude: usize, text: &str, kind: Kind) -> Self {
        let message = lower_first(error.message());
        let mut notes: Vec<String> = error.notes().map(lower_first).collect();
        let mut labels = Vec::new();
        for (span, label) in error.labels() {
            let says_more = label != "see msg" && !message.contains(label);
            let label = if says_more { lower_first(label) } else { String::new() };
            match in_text(span, prelude, text) {
                Some(range) => labels.push((range, label)),
                None if label.is_empty() => {}
                None => notes.push(label),
            }
        }
        if let Some((range, _)) = labels.first()
            && message.starts_with("no definition in scope")
            && let Some(hint) = kind.hint(&text[range.clone()])
        {
            notes.push(hint.to_owned());
        }
        Self { message, labels, notes }
    }

    /// Converts an error of naga's validator. Its first place is the whole function; the next is the faulty one.
    fn of_validator(
        error: &naga::WithSpan<naga::valid::ValidationError>,
        module: &naga::Module,
        prelude: usize,
        text: &str,
    ) -> Self {
        let places: Vec<_> = error.spans().filter_map(|(span, _)| in_text(*span, prelude, text)).collect();
        let labels = places.get(1).or(places.first()).map(|range| (range.clone(), String::new())).into_iter().collect();
        let message = plainly(error.as_inner(), module).unwrap_or_else(|| {
            let mut cause: &dyn std::error::Error = error.as_inner();
            while let Some(next) = cause.source() {
                cause = next;
            }
            without_handles(&lower_first(&cause.to_string()))
        });
        Self { message, labels, notes: vec![] }
    }
}

/// The module that naga makes of the prelude and the text behind it, if it is valid. A text that makes naga panic is an
/// error too: the panic would end a recording.
pub(super) fn validated(prelude: &str, text: &str, kind: Kind) -> Result<naga::Module, Diagnostic> {
    std::panic::catch_unwind(|| parsed_and_validated(prelude, text, kind)).unwrap_or_else(|_| {
        let message = "expected WGSL but found something that the shader compiler fails on; leave out what is unusual";
        Err(Diagnostic { message: message.to_owned(), labels: vec![], notes: vec![] })
    })
}

fn parsed_and_validated(prelude: &str, text: &str, kind: Kind) -> Result<naga::Module, Diagnostic> {
    let whole = [prelude, text].concat();
    let module = naga::front::wgsl::parse_str(&whole)
        .map_err(|error| Diagnostic::of_parser(&error, prelude.len(), text, kind))?;
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::default())
        .validate(&module)
        .map_err(|error| Diagnostic::of_validator(&error, &module, prelude.len(), text))?;
    Ok(module)
}

/// A place behind the prelude, within the text.
pub(super) fn in_text(span: naga::Span, prelude: usize, text: &str) -> Option<Range<usize>> {
    let range = span.to_range()?;
    let boundary = |index: usize| (0..=index.min(text.len())).rev().find(|&index| text.is_char_boundary(index));
    let start = boundary(range.start.checked_sub(prelude)?)?;
    let end = boundary(range.end.saturating_sub(prelude))?.max(start);
    Some(start..end)
}

/// The validator's most frequent errors, with types as WGSL writes them.
fn plainly(error: &naga::valid::ValidationError, module: &naga::Module) -> Option<String> {
    use naga::valid::{CallError, ExpressionError, FunctionError, ValidationError};

    let ValidationError::Function { source, .. } = error else { return None };
    let ctx = module.to_ctx();
    let named = |ty| naga::common::DiagnosticDisplay((ty, ctx)).to_string();
    let inner = |inner: &naga::TypeInner| match module.types.iter().find(|(_, ty)| ty.inner == *inner) {
        Some((handle, _)) => named(handle),
        None => {
            let resolution = naga::proc::TypeResolution::Value(inner.clone());
            naga::common::DiagnosticDisplay((&resolution, ctx)).to_string()
        }
    };
    Some(match source {
        FunctionError::InvalidReturnType { expected_ty: Some(ty), .. } => {
            format!("expected a value of type `{}` to be returned", named(*ty))
        }
        FunctionError::Expression {
            source: ExpressionError::InvalidBinaryOperandTypes { lhs_type, rhs_type, .. },
            ..
        } => {
            format!(
                "expected types that go together around the operator but found `{}` and `{}`",
                inner(lhs_type),
                inner(rhs_type)
            )
        }
        FunctionError::InvalidCall { function, error: CallError::ArgumentType { index, required, .. } } => {
            let name = module.functions[*function].name.as_deref().unwrap_or_default();
            format!("expected a value of type `{}` as argument {} of `{name}`", named(*required), index + 1)
        }
        _ => return None,
    })
}

/// The message without naga's internal numbers: ` [3]`, ` Some([3])`.
fn without_handles(message: &str) -> String {
    let mut rest = message;
    let mut plain = String::with_capacity(message.len());
    while let Some(at) = rest.find(" [").into_iter().chain(rest.find(" Some([")).min() {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let digits = from.trim_start_matches(" Some(").trim_start_matches(" [").trim_start_matches('[');
        let after = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        rest = if after.len() < digits.len() && after.starts_with(']') {
            after.strip_prefix("])").filter(|_| from.starts_with(" Some")).unwrap_or(&after[1..])
        } else {
            plain.push(' ');
            &from[1..]
        };
    }
    plain + rest
}

/// The text without control characters, which a terminal would obey, shortened to the length of a message.
fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nagas_numbers_of_its_own_things_are_left_out() {
        assert_eq!(without_handles("call to [0] of Some([12]) is a[1] [x] Some(2)"), "call to of is a[1] [x] Some(2)");
        assert_eq!(without_handles("index 5 is out of [1] bounds"), "index 5 is out of bounds");
    }

    #[test]
    fn a_text_that_naga_panics_over_is_an_error() {
        let text = "const_assert vec2f(1);";
        let diagnostic = validated("", text, Kind::Image).unwrap_err();
        let error = diagnostic.about(SourceFile { name: "a.wgsl", text }).to_string();
        assert!(error.starts_with("a.wgsl: expected WGSL but found something that"), "{error}");
    }

    #[test]
    fn tabs_wide_lines_and_control_characters_do_not_misplace_the_carets() {
        let text = "a\n\tx\u{1b}yé = z;\r\n";
        let source = SourceFile { name: "a.wgsl", text };
        let at = text.find('z').unwrap();
        assert_eq!(source.error(at..at + 1, "no").to_string(), "a.wgsl:2:9: no\n  2 | \tx yé = z;\n    | \t       ^");
        let text = format!("{}here{}", "-".repeat(300), "-".repeat(300));
        let shown = SourceFile { name: "a.wgsl", text: &text }.error(300..304, "no").to_string();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[0], "a.wgsl:1:301: no");
        let place = |line: &str, what: &str| line[..line.find(what).unwrap()].chars().count();
        assert_eq!(place(lines[1], "here"), place(lines[2], "^^^^"));
        assert!(lines[1].chars().count() < 180, "{}", lines[1]);
    }

    #[test]
    fn a_place_behind_the_end_and_one_over_many_lines_are_shown() {
        let source = SourceFile { name: "a.wgsl", text: "fn a() {\n}\n" };
        assert_eq!(source.error(11..11, "no").to_string(), "a.wgsl:3:1: no\n  3 |\n    | ^");
        assert_eq!(source.error(0..10, "no").to_string(), "a.wgsl:1:1: no\n  1 | fn a() {\n    | ^^^^^^^^");
    }
}
