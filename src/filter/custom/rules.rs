//! Rules for a user's file beyond valid WGSL, and the remedy for each violation.

use std::collections::HashSet;
use std::ops::Range;

use super::token::{Declaration, Token};

/// Attributes that have a meaning without an entry point.
const ATTRIBUTES: [&str; 3] = ["align", "size", "must_use"];
/// Names that the contract's own code uses.
const TYPES: [&str; 4] = ["f32", "u32", "vec2f", "vec4f"];
const PROVIDED: [&str; 3] = ["frame", "sample", "previous"];

/// naga's parser and most drivers go one call deeper for each of these, and their stacks are limited.
pub(super) const MAX_DECLARATIONS: usize = 1000;
const MAX_DEPTH: usize = 400;
const MAX_ELSE: usize = 200;

/// A violation of a rule: the place and the message.
pub(super) type RuleFault = (Range<usize>, String);

/// Refuses declarations that a shader may have but a filter may not.
pub(super) fn check(code: &[Token], declarations: &[Declaration]) -> Result<(), RuleFault> {
    let names: HashSet<_> = declarations.iter().map(|declaration| declaration.name.text).collect();
    for (index, token) in code.iter().enumerate() {
        let before = index.checked_sub(1).map_or(";", |at| code[at].text);
        let after = code.get(index + 1).map_or("", |token| token.text);
        let declared = || names.contains(token.text);
        let advice = match token.text {
            "enable" | "requires" | "diagnostic" if matches!(before, ";" | "}") => {
                "expected no directive; a filter is WGSL without extensions"
            }
            "compute" | "fragment" | "vertex" | "workgroup_size" if before == "@" => {
                "expected no entry point; define `effect_color`, `effect` or `image`, which is called for every pixel"
            }
            "group" | "binding" if before == "@" => {
                "expected no resource; read the picture with `sample(position)` and numbers from `struct Params`"
            }
            name if before == "@" && token.is_word() && !ATTRIBUTES.contains(&name) => {
                "expected no such attribute; a filter has `@align`, `@size` and `@must_use`"
            }
            // naga 30 panics when the condition of an assertion is not a bool.
            "const_assert" if token.is_word() && before != "." => {
                "expected no `const_assert`; a constant that is wrong is an error where it is used"
            }
            "discard" if token.is_word() && before != "." => {
                "expected no `discard`; return transparent black, `vec4f()`, instead"
            }
            "workgroupBarrier" | "storageBarrier" | "textureBarrier" if after == "(" && !declared() => {
                "expected no barrier; every pixel is made on its own"
            }
            "dpdx" | "dpdy" | "fwidth" | "dpdxCoarse" | "dpdyCoarse" | "fwidthCoarse" | "dpdxFine" | "dpdyFine"
            | "fwidthFine"
                if after == "(" && !declared() =>
            {
                "expected no derivative; take the difference of two neighbours instead"
            }
            _ => continue,
        };
        return Err((token.range(), advice.to_owned()));
    }
    for (index, declaration) in declarations.iter().enumerate() {
        let name = declaration.name.text;
        let of_params = name == "params" && has_params(declarations);
        let message = if PROVIDED.contains(&name) || of_params || TYPES.contains(&name) {
            let whose = if TYPES.contains(&name) { "WGSL" } else { "framereel" };
            format!("expected a name of your own but found `{name}`, which is {whose}'s; choose another")
        } else if declaration.keyword.is("override") {
            format!("expected no `override`; declare `{name}` in `struct Params` instead")
        } else if declaration.keyword.is("var") && declaration.space != Some("private") {
            format!("expected `var<private> {name}`, the only kind of variable outside functions here")
        } else if index == MAX_DECLARATIONS {
            format!("expected at most {MAX_DECLARATIONS} declarations")
        } else {
            continue;
        };
        return Err((declaration.name.range(), message));
    }
    shallow(code)
}

/// Whether the file declares `struct Params`.
pub(super) fn has_params(declarations: &[Declaration]) -> bool {
    declarations.iter().any(|declaration| declaration.keyword.is("struct") && declaration.name.is("Params"))
}

/// Refuses expressions and chains of `else if` so deep that a compiler could run out of stack over them.
fn shallow(code: &[Token]) -> Result<(), RuleFault> {
    /// An open bracket: the depth of its deepest argument so far, and that of the one being read.
    #[derive(Default, Clone, Copy)]
    struct Depth {
        deepest: usize,
        current: usize,
    }
    let mut open = vec![Depth::default()];
    let mut elses = 0;
    for token in code {
        match token.text {
            "fn" => elses = 0,
            "else" => elses += 1,
            _ => {}
        }
        if elses > MAX_ELSE {
            let message = format!("expected at most {MAX_ELSE} times `else` in a function; use `switch` instead");
            return Err((token.range(), message));
        }
        if token.is_word() || token.text.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let level = open.len() - 1;
        match token.text {
            ";" | "{" | "}" => open = vec![Depth::default()],
            "(" | "[" => {
                open[level].current += 1;
                open.push(Depth::default());
            }
            ")" | "]" if level > 0 => {
                let inner = open[level].deepest.max(open[level].current);
                open.pop();
                open[level - 1].current += inner;
            }
            "," => open[level] = Depth { deepest: open[level].deepest.max(open[level].current), current: 0 },
            _ => open[level].current += 1,
        }
        if open.len() > MAX_DEPTH || open.last().is_some_and(|depth| depth.current > MAX_DEPTH) {
            return Err((token.range(), "expected a shorter expression; split it with `let`".to_owned()));
        }
    }
    Ok(())
}
