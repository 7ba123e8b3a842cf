//! How large a file's function becomes when every call in it is inlined.
//!
//! A GPU's driver does that: WGSL has no recursion, so every call can be inlined. Thirty functions of which each calls
//! the one before twice are a billion calls in 2 kB, and no driver gives up. Drivers take more than twice as long for
//! twice as many calls: Mesa's llvmpipe takes some 10 s for [`MAX_CALLS`] of them in a block of eight pixels, or for
//! [`MAX_STEPS`].

use wgpu::naga::{Block, Module, Span, Statement};

/// The most calls of functions that a pixel takes, those of `sample` and `previous` among them. Built-in functions such as
/// `mix` are no calls.
pub(super) const MAX_CALLS: u64 = 512;
/// The most expressions and statements.
const MAX_STEPS: u64 = 32 << 10;

/// The size of a function with all its calls inlined.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Expanded {
    calls: u64,
    steps: u64,
}

/// How many calls the function `name` takes.
///
/// # Errors
/// The place and a message when there are more than [`MAX_CALLS`] of them or more than [`MAX_STEPS`].
pub(super) fn count(module: &Module, name: &str) -> Result<u64, (Span, String)> {
    let mut functions: Vec<Expanded> = Vec::with_capacity(module.functions.len());
    for (handle, function) in module.functions.iter() {
        // A function comes after all that it calls (naga's `Module::functions`).
        let mut expanded = Expanded::default();
        expand(&function.body, &functions, &mut expanded);
        functions.push(expanded);
        if function.name.as_deref() != Some(name) {
            continue;
        }
        let message = if expanded.calls > MAX_CALLS {
            let calls = expanded.calls;
            format!(
                "expected at most {MAX_CALLS} calls a pixel in `{name}` but found {calls}, those within the called \
                 functions included; call less often, or from a loop"
            )
        } else if expanded.steps > MAX_STEPS {
            let steps = expanded.steps;
            format!(
                "expected at most {MAX_STEPS} expressions and statements a pixel in `{name}` but found {steps}, those \
                 within the called functions included; call less often, or from a loop"
            )
        } else {
            return Ok(expanded.calls);
        };
        return Err((module.functions.get_span(handle), message));
    }
    Ok(0)
}

fn expand(block: &Block, functions: &[Expanded], expanded: &mut Expanded) {
    for statement in block.iter() {
        expanded.steps = expanded.steps.saturating_add(1);
        match statement {
            // Constants are not computed for each pixel.
            Statement::Emit(range) => {
                let count = range.clone().count() as u64;
                expanded.steps = expanded.steps.saturating_add(count);
            }
            Statement::Block(block) => expand(block, functions, expanded),
            Statement::If { accept, reject, .. } => {
                expand(accept, functions, expanded);
                expand(reject, functions, expanded);
            }
            Statement::Switch { cases, .. } => {
                cases.iter().for_each(|case| expand(&case.body, functions, expanded));
            }
            Statement::Loop { body, continuing, .. } => {
                expand(body, functions, expanded);
                expand(continuing, functions, expanded);
            }
            Statement::Call { function, .. } => {
                let called = functions.get(function.index()).copied().unwrap_or_default();
                expanded.calls = expanded.calls.saturating_add(called.calls.saturating_add(1));
                expanded.steps = expanded.steps.saturating_add(called.steps);
            }
            _ => {}
        }
    }
}
