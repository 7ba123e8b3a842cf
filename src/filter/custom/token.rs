//! WGSL's tokens, as far as they are needed to find a file's declarations and to rename them.
//!
//! What is no WGSL comes out as some tokens too: naga is the judge of that. Words hold every character beyond ASCII,
//! which in WGSL that naga accepts is the same as its identifiers (WGSL §3.7).

use std::collections::HashSet;
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// An identifier or a keyword.
    Word,
    Number,
    Comment,
    /// One character of any other kind.
    Mark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    pub(super) text: &'a str,
    /// The byte that it begins at.
    pub(super) at: usize,
}

impl Token<'_> {
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    pub(super) fn is_word(&self) -> bool {
        self.kind == TokenKind::Word
    }

    /// Whether it is this mark or this word.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text && self.kind != TokenKind::Comment
    }
}

/// All tokens, comments among them.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = if is_space(c) {
            at += c.len_utf8();
            continue;
        } else if rest.starts_with("//") {
            (TokenKind::Comment, rest.find(is_line_break).unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (TokenKind::Comment, block_comment(rest))
        } else if c.is_ascii_digit() || c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            (TokenKind::Number, number(rest))
        } else if is_word_part(c) {
            (TokenKind::Word, rest.find(|c| !is_word_part(c)).unwrap_or(rest.len()))
        } else {
            (TokenKind::Mark, c.len_utf8())
        };
        tokens.push(Token { kind, text: &rest[..length], at });
        at += length;
    }
    tokens
}

/// The tokens that are no comments.
pub(super) fn code<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    tokens.iter().copied().filter(|token| token.kind != TokenKind::Comment).collect()
}

fn is_word_part(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii() && !is_space(c)
}

/// WGSL §3.1, Pattern_White_Space.
fn is_space(c: char) -> bool {
    is_line_break(c) || matches!(c, ' ' | '\t' | '\u{200e}' | '\u{200f}')
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\u{a}'..='\u{d}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The length of the comment that the text begins with; comments nest (WGSL §3.2).
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 1;
    let mut at = 2;
    while depth > 0 && at < bytes.len() {
        let step = match bytes.get(at..at + 2) {
            Some(b"/*") => {
                depth += 1;
                2
            }
            Some(b"*/") => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
    }
    at
}

/// The length of the number that the text begins with, its suffix too (WGSL §3.5).
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let exponent: &[u8] = if text.starts_with("0x") || text.starts_with("0X") { b"pP" } else { b"eE" };
    let mut at = 1;
    while at < bytes.len() {
        let sign = matches!(bytes[at], b'+' | b'-') && exponent.contains(&bytes[at - 1]);
        if !(bytes[at].is_ascii_alphanumeric() || bytes[at] == b'.' || sign) {
            break;
        }
        at += 1;
    }
    at
}

/// A declaration at module scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Declaration<'a> {
    /// `fn`, `struct`, `alias`, `const`, `override` or `var`.
    pub(super) keyword: Token<'a>,
    pub(super) name: Token<'a>,
    /// What stands between a `var`'s angle brackets, if it has any.
    pub(super) space: Option<&'a str>,
}

/// Every declaration of a file, in order, from its [`code`].
pub(super) fn declarations<'a>(code: &[Token<'a>]) -> Vec<Declaration<'a>> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    for (index, keyword) in code.iter().enumerate() {
        match keyword.text {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            // The first four stand nowhere else than at module scope.
            "fn" | "struct" | "alias" | "override" => {}
            "const" | "var" if depth == 0 => {}
            _ => continue,
        }
        if !keyword.is_word() {
            continue;
        }
        let mut rest = &code[index + 1..];
        let mut space = None;
        if rest.first().is_some_and(|token| token.is("<")) {
            space = rest.get(1).filter(|token| token.is_word()).map(|token| token.text);
            // `<storage, read_write>` is the longest list.
            let end = rest.iter().take(5).position(|token| token.is(">"));
            rest = end.map_or(&[], |end| &rest[end + 1..]);
        }
        if let Some(name) = rest.first().filter(|token| token.is_word()) {
            found.push(Declaration { keyword: *keyword, name: *name, space });
        }
    }
    found
}

/// The text with these names, and those that begin with the prefix already, led by the prefix wherever they stand for
/// something at module scope or hide it: not behind a `.` or an `@`, not as the name of a struct's field.
pub(super) fn renamed(text: &str, names: &HashSet<&str>, prefix: &str) -> String {
    let code = code(&tokens(text));
    let mut renamed = String::with_capacity(text.len() + text.len() / 4);
    let mut copied = 0;
    let mut in_struct = false;
    let mut in_space = false;
    for (index, token) in code.iter().enumerate() {
        let before = |back: usize| index.checked_sub(back).map_or("", |at| code[at].text);
        let after = code.get(index + 1).map_or("", |token| token.text);
        match token.text {
            "{" if before(2) == "struct" => in_struct = true,
            "}" => in_struct = false,
            "<" if before(1) == "var" => in_space = true,
            ">" => in_space = false,
            _ => {}
        }
        let kept = matches!(before(1), "." | "@") || in_struct && after == ":" || in_space;
        if token.is_word() && !kept && (names.contains(token.text) || token.text.starts_with(prefix)) {
            renamed.push_str(&text[copied..token.at]);
            renamed.push_str(prefix);
            copied = token.at;
        }
    }
    renamed.push_str(&text[copied..]);
    renamed
}

/// The text with `guard` at the beginning of every loop's body.
pub(super) fn guarded(text: &str, guard: &str) -> String {
    let code = code(&tokens(text));
    let mut guarded = String::with_capacity(text.len());
    let mut copied = 0;
    let mut heads = 0;
    for token in &code {
        match token.text {
            // All three are reserved words (WGSL §15.2): they stand for nothing else.
            "loop" | "while" | "for" if token.is_word() => heads += 1,
            "{" if heads > 0 => {
                heads = 0;
                let end = token.range().end;
                guarded.push_str(&text[copied..end]);
                guarded.push_str(guard);
                copied = end;
            }
            _ => {}
        }
    }
    guarded.push_str(&text[copied..]);
    guarded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tokens(text).into_iter().filter(Token::is_word).map(|token| token.text).collect()
    }

    #[test]
    fn comments_nest_and_numbers_keep_their_signs_and_suffixes() {
        assert_eq!(words("a /* b /* c */ d */ e // f\ng /*/ h */ i /* open"), ["a", "e", "g", "i"]);
        assert_eq!(words("x-1.5e-3f*y+0x1p-2f-z .5e3+w 1.+v 0xe-u"), ["x", "y", "z", "w", "v", "u"]);
        assert_eq!(words("été // 1\u{2028}ζ.ξ"), ["été", "ζ", "ξ"]);
    }

    #[test]
    fn declarations_are_found_at_module_scope_alone() {
        let text = "const a = 1; var<private> b: f32; alias c = f32; struct d { x: f32 }
            @must_use fn e(f: f32) -> f32 { const g = 1; var<function> h = 2; var i = 3; return f; } var j = 1;";
        let names: Vec<_> = declarations(&code(&tokens(text))).iter().map(|found| found.name.text).collect();
        assert_eq!(names, ["a", "b", "c", "d", "e", "j"]);
    }

    #[test]
    fn every_loop_is_guarded() {
        assert_eq!(
            guarded(
                "fn f() { for (var i = 0; i < 9; i++) { loop { if x { break; } } } while /* { */ y { } forward(); }",
                "!"
            ),
            "fn f() { for (var i = 0; i < 9; i++) {! loop {! if x { break; } } } while /* { */ y {! } forward(); }"
        );
    }

    #[test]
    fn renaming_keeps_fields_swizzles_attributes_comments_and_address_spaces() {
        let text = "struct s { @align(16) x: f32, s: array<f32, n> } // s n x
            const n = 2; const x = 1; const align = 3; fn function(s: f32, user0_x: s) -> f32 {
            var<function> f = user0_x.x + x; return user0_x . n /* x */ + function(s.x).s; }";
        let names = ["s", "n", "x", "align", "function"].into();
        assert_eq!(
            renamed(text, &names, "user0_"),
            "struct user0_s { @align(16) x: f32, s: array<f32, user0_n> } // s n x
            const user0_n = 2; const user0_x = 1; const user0_align = 3; fn user0_function(user0_s: f32, user0_user0_x: user0_s) -> f32 {
            var<function> f = user0_user0_x.x + user0_x; return user0_user0_x . n /* x */ + user0_function(user0_s.x).s; }"
        );
    }
}
