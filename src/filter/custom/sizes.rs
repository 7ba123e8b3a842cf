//! How large a file's types and constants are, found from its tokens before naga reads it.
//!
//! naga evaluates constant expressions while it reads a file. It writes out every element of a constant before it looks
//! whether the expression makes sense: `-array<f32, 4000000000>()` asks for 16 GB, which ends the process, and thirty
//! constants of which each holds the one before twice are a billion elements. So sizes and the work of evaluation are
//! bounded here first, by numbers that may be too large but are never too small:
//!
//! - A value's size is the number of scalars in it, at most [`MAX_SCALARS`].
//! - A name stands for the largest constant or type that is declared by that name anywhere in the file. Arguments, `let`
//!   and `var` are no constants to naga; they count as one scalar.
//! - Operators and built-in functions give vectors and matrices, nothing larger. So the work of an expression is the sum
//!   of the sizes of what stands in it, [`USES`] times; that of a file is at most [`MAX_WORK`].
//! - The length of an array is a whole number, or is made of whole numbers and constants by `+ - * / %`. No intermediate
//!   result leaves the positive range of an `i32`, within which naga's arithmetic and ours agree.
//! - An operation is an operator, an access, a call or, within a function, an argument. A function has at most
//!   [`MAX_OPERATIONS`], and so has all that is outside functions: for each, naga goes over the expressions before it
//!   (`naga::front::Typifier::grow`), so its time grows with the square of their number.
//! - Names may refer to names that are declared further down, but at most [`MAX_AHEAD`] times one behind the other; and
//!   names, types and brackets together nest at most [`MAX_DEPTH`] deep, for each is a call of this program deeper.

use std::collections::HashMap;
use std::ops::Range;

use super::rules::{MAX_DECLARATIONS, RuleFault};
use super::token::{Token, TokenKind};

/// The most scalars in a value: 64 KiB of them.
const MAX_SCALARS: u64 = super::MAX_VARIABLES as u64 / 4;
/// The most scalars that are written out while all constant expressions of a file are evaluated.
const MAX_WORK: u64 = 1 << 20;
/// The most operations in a function, and outside of functions.
const MAX_OPERATIONS: usize = 24 << 10;
/// How often a value is copied, converted or written out at most, for each use in an expression.
const USES: u64 = 4;
const MAX_AHEAD: usize = 64;
const MAX_DEPTH: usize = 400;
/// The scalars of the largest vector and of the largest matrix.
const VECTOR: u64 = 4;
const MATRIX: u64 = 16;

/// Refuses types and constants that are too large, and constant expressions that are too much work.
pub(super) fn check(code: &[Token]) -> Result<(), RuleFault> {
    let mut sizes = Sizes::of(code)?;
    for token in code.iter().filter(|token| token.is_word()) {
        sizes.length(token.text)?;
    }
    let mut work = 0;
    let mut at = 0;
    let mut depth = 0_usize;
    let (mut outside, mut within) = (0, 0);
    while at < code.len() {
        // A statement, or the head of a function or of a block.
        let length = code[at..].iter().position(|token| matches!(token.text, ";" | "{" | "}"));
        let end = length.map_or(code.len(), |length| at + length);
        if depth == 0 && code[at..end].iter().any(|token| token.is("fn")) {
            within = 0;
        }
        let count = if depth == 0 { &mut outside } else { &mut within };
        *count += code[at..end].iter().filter(|token| is_operation(token, depth > 0)).count();
        if *count > MAX_OPERATIONS {
            let place = if depth == 0 { "outside functions" } else { "in a function" };
            let message = format!("expected at most {MAX_OPERATIONS} operators, accesses and calls {place}");
            return Err((code[at].range(), message));
        }
        match code.get(end).map(|token| token.text) {
            Some("{") => depth += 1,
            Some("}") => depth = depth.saturating_sub(1),
            _ => {}
        }
        sizes.expression(at..end, &mut work)?;
        if work > MAX_WORK {
            let message = format!(
                "expected constants that are evaluated in at most {MAX_WORK} steps but found more up to here; keep large \
                 tables in a `var`, or use them less often"
            );
            return Err((code[at].range(), message));
        }
        at = end + 1;
    }
    Ok(())
}

/// Whether this token is an operator, an access or a call, or, where `arguments` count, an argument.
fn is_operation(token: &Token, arguments: bool) -> bool {
    match token.text {
        ")" | "]" | ":" | "@" => false,
        "," => arguments,
        _ => token.kind == TokenKind::Mark,
    }
}

/// A constant, an alias or a struct: the tokens from the one behind its name to its end.
#[derive(Clone)]
struct Declared {
    keyword: usize,
    tokens: Range<usize>,
}

/// The sizes of a file's names, as they become known.
struct Sizes<'a, 'b> {
    code: &'b [Token<'a>],
    declared: HashMap<&'a str, Vec<Declared>>,
    /// None while a name's size is being found.
    known: HashMap<&'a str, Option<u64>>,
    /// The values of constants that are whole numbers; none for the others, and while one is being found.
    lengths: HashMap<&'a str, Option<u64>>,
    /// How many names are being resolved.
    ahead: usize,
    /// The current depth of names, types and brackets.
    depth: usize,
    /// Where the list in angle brackets is over that begins with this token.
    template_ends: Vec<usize>,
}

/// A bracket that is open in an expression.
struct Bracket {
    /// The token that opened it.
    at: usize,
    /// Whether the value holds everything in the bracket, as an array does, or is no larger than one element of it.
    holds_all: bool,
    /// The least size of the value.
    least: u64,
    /// The size of the arguments before the one that is being read.
    before: u64,
    /// The largest value of the current argument.
    current: u64,
}

impl Bracket {
    fn new(at: usize, holds_all: bool, least: u64) -> Self {
        Self { at, holds_all, least, before: 0, current: 0 }
    }

    fn end_argument(&mut self) {
        let current = std::mem::take(&mut self.current);
        self.before = if self.holds_all { self.before.saturating_add(current) } else { self.before.max(current) };
    }

    fn size(mut self) -> u64 {
        self.end_argument();
        self.before.max(self.least)
    }
}

impl<'a, 'b> Sizes<'a, 'b> {
    /// Finds every constant, alias and struct of the file, those within functions too.
    fn of(code: &'b [Token<'a>]) -> Result<Self, RuleFault> {
        let mut declared = HashMap::<_, Vec<_>>::new();
        let names = code.iter().enumerate().skip(1).filter(|(at, name)| {
            name.is_word() && ["const", "alias", "struct"].contains(&code[at - 1].text) && code[at - 1].is_word()
        });
        for (count, (at, name)) in names.enumerate() {
            if count == MAX_DECLARATIONS {
                let message = format!("expected at most {MAX_DECLARATIONS} declarations of types and constants");
                return Err((name.range(), message));
            }
            let end = if code[at - 1].is("struct") { "}" } else { ";" };
            let rest = &code[at + 1..];
            let length = rest.iter().position(|token| token.is(end) || token.is("}")).unwrap_or(rest.len());
            declared.entry(name.text).or_default().push(Declared { keyword: at - 1, tokens: at + 1..at + 1 + length });
        }
        Ok(Self {
            code,
            declared,
            known: HashMap::new(),
            lengths: HashMap::new(),
            ahead: 0,
            depth: 0,
            template_ends: template_ends(code),
        })
    }

    /// The size of the largest constant or type of this name; 0 where there is none.
    fn of_name(&mut self, name: &str) -> Result<u64, RuleFault> {
        let Some((&name, declarations)) = self.declared.get_key_value(name) else { return Ok(0) };
        let place = self.code[declarations[0].keyword + 1].range();
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err((place, format!("expected `{name}` to be declared without itself"))),
            None if self.ahead == MAX_AHEAD => {
                let message = format!(
                    "expected at most {MAX_AHEAD} declarations that each need one further down; declare them in the \
                     order in which they are used"
                );
                return Err((place, message));
            }
            None => {}
        }
        let declarations = declarations.clone();
        self.known.insert(name, None);
        self.ahead += 1;
        let mut largest = 0;
        for Declared { keyword, tokens } in declarations {
            let size = match self.code[keyword].text {
                "const" => self.expression(tokens, &mut 0)?,
                "alias" => self.ty(tokens.start + 1)?.0,
                _ => self.fields(tokens)?,
            };
            largest = self.bounded(size, keyword + 1)?.max(largest);
        }
        self.ahead -= 1;
        self.known.insert(name, Some(largest));
        Ok(largest)
    }

    fn bounded(&self, size: u64, at: usize) -> Result<u64, RuleFault> {
        if size <= MAX_SCALARS {
            return Ok(size);
        }
        let message = format!("expected types of at most {} KiB but found one of {} KiB", MAX_SCALARS >> 8, size >> 8);
        Err((self.code[at].range(), message))
    }

    fn text(&self, at: usize) -> &'a str {
        self.code.get(at).map_or("", |token| token.text)
    }

    /// The sum of the fields of a struct.
    fn fields(&mut self, tokens: Range<usize>) -> Result<u64, RuleFault> {
        let mut size = 0_u64;
        for at in tokens {
            if self.text(at) == ":" {
                size = size.saturating_add(self.ty(at + 1)?.0);
            }
        }
        Ok(size)
    }

    /// Runs this one level deeper.
    fn deeper<T>(&mut self, at: usize, find: impl FnOnce(&mut Self) -> Result<T, RuleFault>) -> Result<T, RuleFault> {
        if self.depth == MAX_DEPTH {
            let place = self.code.get(at).map_or(0..0, Token::range);
            let message =
                format!("expected constants and types that nest at most {MAX_DEPTH} deep but found deeper ones");
            return Err((place, message));
        }
        self.depth += 1;
        let found = find(self);
        self.depth -= 1;
        found
    }

    /// The size of the type that begins at `at`, and where it ends.
    fn ty(&mut self, at: usize) -> Result<(u64, usize), RuleFault> {
        self.deeper(at, |sizes| sizes.ty_within(at))
    }

    fn ty_within(&mut self, at: usize) -> Result<(u64, usize), RuleFault> {
        if self.text(at) != "array" || self.text(at + 1) != "<" {
            let size = match self.of_name(self.text(at))? {
                0 => predeclared(self.text(at)).unwrap_or(MATRIX),
                size => size,
            };
            let end = if self.text(at + 1) == "<" { self.after_template(at + 1) } else { at + 1 };
            return Ok((size, end));
        }
        let (element, mut end) = self.ty(at + 2)?;
        let mut length = 1;
        if self.text(end) == "," {
            let (found, after) = self.sum(end + 1)?;
            let over = if self.text(after) == "," { after + 1 } else { after };
            length = found.filter(|_| self.text(over) == ">").ok_or_else(|| {
                let message =
                    "expected the length of an array as a whole number, or made of whole numbers and constants";
                (self.code[at].range(), message.to_owned())
            })?;
            end = over;
        }
        let size = self.bounded(element.saturating_mul(length), at)?;
        Ok((size, if self.text(end) == ">" { end + 1 } else { end }))
    }

    /// Where the list in angle brackets that begins at `at` is over.
    fn after_template(&self, at: usize) -> usize {
        self.template_ends[at]
    }

    /// The size of the largest value in these tokens. Adds the cost of their evaluation to `work`.
    fn expression(&mut self, tokens: Range<usize>, work: &mut u64) -> Result<u64, RuleFault> {
        let mut open = vec![Bracket::new(tokens.start, false, 0)];
        let mut at = tokens.start;
        while at < tokens.end {
            let token = self.code[at];
            let after = self.text(at + 1);
            let current = open.last().map_or(0, |open| open.current);
            let mut used = 0;
            match token.text {
                "array" if after == "<" => {
                    let (size, end) = self.ty(at)?;
                    if self.text(end) == "(" {
                        open.push(Bracket::new(at, true, size));
                    }
                    at = end - usize::from(self.text(end) != "(");
                }
                // A field, whatever it is called, of the value before it.
                "." => {
                    *work = work.saturating_add(current);
                    at += 1;
                }
                "(" => open.push(Bracket::new(at, false, 0)),
                "[" => {
                    *work = work.saturating_add(current);
                    open.push(Bracket::new(at, false, 0));
                }
                ")" | "]" if open.len() > 1 => {
                    let Some(closed) = open.pop() else { break };
                    let opened = closed.at;
                    // An index is no part of the value.
                    if token.is(")") {
                        used = self.bounded(closed.size(), opened)?;
                    }
                }
                "," => open.last_mut().into_iter().for_each(Bracket::end_argument),
                // Each scalar of a product of matrices is a sum over a row.
                "*" if current <= MATRIX => *work = work.saturating_add(current * current),
                name if token.is_word() => {
                    let size = self.of_name(name)?;
                    let given = predeclared(name).filter(|_| size == 0);
                    let end = if given.is_some() && after == "<" { self.after_template(at + 1) } else { at + 1 };
                    if self.text(end) == "(" {
                        let least = given.unwrap_or(if size > 0 { size } else { VECTOR });
                        open.push(Bracket::new(at, name == "array" || size > 0, least));
                        at = end;
                    } else {
                        used = size.max(1);
                    }
                }
                _ => used = u64::from(token.kind == TokenKind::Number),
            }
            if let Some(open) = open.last_mut() {
                open.current = open.current.max(used);
            }
            *work = work.saturating_add(used * USES);
            at += 1;
        }
        Ok(open.into_iter().map(Bracket::size).max().unwrap_or(0))
    }

    /// The value of a sum of whole numbers, none for other expressions; and the position of its end.
    fn sum(&mut self, at: usize) -> Result<(Option<u64>, usize), RuleFault> {
        let (mut value, mut at) = self.product(at)?;
        while let operator @ ("+" | "-") = self.text(at) {
            let (right, end) = self.product(at + 1)?;
            let both = whole(value).zip(whole(right));
            value = both.and_then(|(left, right)| match operator {
                "+" => whole(left.checked_add(right)),
                _ => left.checked_sub(right),
            });
            at = end;
        }
        Ok((value, at))
    }

    fn product(&mut self, at: usize) -> Result<(Option<u64>, usize), RuleFault> {
        let (mut value, mut at) = self.factor(at)?;
        while let operator @ ("*" | "/" | "%") = self.text(at) {
            let (right, end) = self.factor(at + 1)?;
            let both = whole(value).zip(whole(right));
            value = both.and_then(|(left, right)| match operator {
                "*" => whole(left.checked_mul(right)),
                "/" => left.checked_div(right),
                _ => left.checked_rem(right),
            });
            at = end;
        }
        Ok((value, at))
    }

    fn factor(&mut self, at: usize) -> Result<(Option<u64>, usize), RuleFault> {
        self.deeper(at, |sizes| sizes.factor_within(at))
    }

    fn factor_within(&mut self, at: usize) -> Result<(Option<u64>, usize), RuleFault> {
        match self.code.get(at) {
            Some(token) if token.is("(") => {
                let (value, end) = self.sum(at + 1)?;
                Ok(if self.text(end) == ")" { (value, end + 1) } else { (None, end) })
            }
            Some(token) if token.kind == TokenKind::Number => Ok((number(token.text), at + 1)),
            Some(token) if token.is_word() => Ok((self.length(token.text)?, at + 1)),
            _ => Ok((None, at)),
        }
    }

    /// The whole number that a constant is, if it is one and the only one of its name.
    fn length(&mut self, name: &str) -> Result<Option<u64>, RuleFault> {
        // Refuses a chain of constants that is too long.
        self.of_name(name)?;
        let Some((&name, declarations)) = self.declared.get_key_value(name) else { return Ok(None) };
        let [Declared { keyword, tokens }] = &declarations[..] else { return Ok(None) };
        if let Some(known) = self.lengths.get(name) {
            return Ok(*known);
        }
        let tokens = tokens.clone();
        let equals = tokens.clone().find(|&at| self.text(at) == "=").filter(|_| self.code[*keyword].is("const"));
        self.lengths.insert(name, None);
        let Some(equals) = equals else { return Ok(None) };
        let (value, end) = self.sum(equals + 1)?;
        let value = value.filter(|_| end == tokens.end);
        self.lengths.insert(name, value);
        Ok(value)
    }
}

/// For each `<`, the token behind the `>` that belongs to it, or where the statement ends; 0 for other tokens.
fn template_ends(code: &[Token]) -> Vec<usize> {
    let mut ends = vec![0; code.len()];
    let mut open = Vec::new();
    for (at, token) in code.iter().enumerate() {
        match token.text {
            "<" => open.push(at),
            ">" => {
                if let Some(begin) = open.pop() {
                    ends[begin] = at + 1;
                }
            }
            ";" | "{" | "}" => open.drain(..).for_each(|begin| ends[begin] = at),
            _ => {}
        }
    }
    open.into_iter().for_each(|begin| ends[begin] = code.len());
    ends
}

/// The size of WGSL's own scalars, vectors and matrices; none for other names.
fn predeclared(name: &str) -> Option<u64> {
    let side = |digit: &u8| (b'2'..=b'4').contains(digit).then(|| u64::from(digit - b'0'));
    match name.as_bytes() {
        b"f32" | b"i32" | b"u32" | b"bool" => Some(1),
        [b'v', b'e', b'c', size, ..] => side(size),
        [b'm', b'a', b't', columns, b'x', rows, ..] => Some(side(columns)? * side(rows)?),
        _ => None,
    }
}

/// The number if it is within an `i32`.
fn whole(value: Option<u64>) -> Option<u64> {
    value.filter(|value| i32::try_from(*value).is_ok())
}

/// A whole number as WGSL writes it (§3.5.1).
fn number(text: &str) -> Option<u64> {
    let text = text.strip_suffix(['i', 'u']).unwrap_or(text);
    let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    u64::from_str_radix(digits, radix).ok()
}
