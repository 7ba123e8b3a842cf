//! A user's own filter or source: one WGSL file.
//!
//! # The contract
//! A file defines exactly one of these three functions, and any helpers, constants and structs that it needs:
//!
//! - `fn effect_color(color: vec4f) -> vec4f` makes a pixel's colour of the colour that was there: straight alpha, 0–1
//!   a channel, sRGB-encoded. It costs least, for it becomes part of the pass that it stands in.
//! - `fn effect(position: vec2f) -> vec4f` makes the pixel at a position, in pixels from the top left, their centres at
//!   .5. `sample(position: vec2f) -> vec4f` reads the picture around it. All colours are premultiplied.
//! - `fn image(position: vec2f) -> vec4f` draws a picture out of nothing: a source. Straight alpha.
//!
//! All of them may use
//!
//! - `frame.time: f32`, the seconds since the recording began; `frame.index: u32`, the frame's number, from 0; and
//!   `frame.resolution: vec2f`, the picture's size in pixels. They cannot be written;
//! - `params.strength` and its like, where the file declares `struct Params { strength: f32, … }`: every field is a
//!   parameter of the filter. `f32`, `i32` and `u32` are numbers, `vec3f` and `vec4f` colours. A comment on a field's line
//!   that begins with a value gives the default: `strength: f32, // 0.8 of the way`, `tint: vec3f, // #ff8800`,
//!   `glow: vec4f, // 1, 0.5, 0, 1`. Without one it is 0, or black.
//!
//! `effect_color` and `effect` may also use `previous(position: vec2f) -> vec4f`: what this filter made of the frame
//! before, premultiplied; transparent black at the first.
//!
//! ```wgsl
//! struct Params {
//!     strength: f32, // 0.8
//! }
//!
//! fn effect_color(color: vec4f) -> vec4f {
//!     let grey = dot(color.rgb, vec3f(0.2126, 0.7152, 0.0722));
//!     return vec4f(mix(color.rgb, vec3f(grey), params.strength), color.a);
//! }
//! ```
//!
//! A file has no entry points, resources, overrides, workgroup variables, directives, derivatives or `discard`. Every
//! fault is a Syntax error that names the file, its line and its column, and shows the line.
//!
//! # Budget
//! A file may be untrusted. Validating it takes time and memory in proportion to its length:
//!
//! | what | at most |
//! |---|---|
//! | the file | 128 KiB |
//! | declarations; constants and types, those within functions included | 1000 each |
//! | an expression's depth; `else` in a function | 400; 200 |
//! | each type and constant; all variables together | 64 KiB; 64 KiB |
//! | operators, accesses and calls in a function; outside functions | 24 Ki; 24 Ki |
//! | steps in which all constants are evaluated | 1 Mi |
//! | calls a pixel, with those within the called functions | 512 |
//! | expressions and statements a pixel, counted likewise | 32 Ki |
//! | fields of `Params` | 256 |
//! | turns of all loops, for a block of eight pixels | 60,000 |

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use wgpu::naga;

use crate::error::{Error, Result};

mod calls;
mod diagnostic;
mod field;
mod rules;
mod sizes;
mod token;

use diagnostic::{SourceFile, in_text, validated};
pub use field::{Field, FieldKind};
use token::{Declaration, Token, code, declarations, guarded, renamed, tokens};

/// The largest file that is read: twice the limit of Shadertoy.
const MAX_BYTES: usize = 128 << 10;
/// The largest size in bytes of all variables of a file together, and of each value in it.
const MAX_VARIABLES: u32 = 64 << 10;

/// A user's valid WGSL file.
#[derive(Debug, Clone, PartialEq)]
pub struct Custom {
    name: String,
    path: Option<PathBuf>,
    text: String,
    kind: Kind,
    fields: Vec<Field>,
    uses_previous: bool,
    calls: u64,
}

/// The function of the contract that a file defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `effect_color`: colours to colours, straight alpha.
    Color,
    /// `effect`: positions to colours, premultiplied; reads the picture around.
    Area,
    /// `image`: positions to colours, straight alpha; reads no picture.
    Image,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Color, Self::Area, Self::Image];

    /// The name of its function.
    pub fn function(self) -> &'static str {
        match self {
            Self::Color => "effect_color",
            Self::Area => "effect",
            Self::Image => "image",
        }
    }

    fn signature(self) -> &'static str {
        match self {
            Self::Color => "fn effect_color(color: vec4f) -> vec4f",
            Self::Area => "fn effect(position: vec2f) -> vec4f",
            Self::Image => "fn image(position: vec2f) -> vec4f",
        }
    }

    /// The remedy for a name of the contract that this kind of file does not have.
    fn hint(self, name: &str) -> Option<&'static str> {
        match (name, self) {
            ("sample", Self::Color) => {
                Some("`effect_color` sees one colour alone; define `fn effect(position: vec2f) -> vec4f` to sample")
            }
            ("sample" | "previous", Self::Image) => {
                Some("`image` draws out of nothing; define `fn effect(position: vec2f) -> vec4f` to read a picture")
            }
            ("params", _) => Some("declare `struct Params { … }`; its fields are `params.…`"),
            _ => None,
        }
    }

    /// The contract as declarations that naga needs to validate a file.
    fn prelude(self, previous: bool, params: bool) -> String {
        let mut text = "struct framereel_Frame { time: f32, index: u32, resolution: vec2f }
@group(0) @binding(0) var<uniform> frame: framereel_Frame;\n"
            .to_owned();
        if self == Self::Area {
            text.push_str("fn sample(position: vec2f) -> vec4f { return vec4f(position, 0.0, 0.0); }\n");
        }
        if previous && self != Self::Image {
            text.push_str("fn previous(position: vec2f) -> vec4f { return vec4f(position, 0.0, 0.0); }\n");
        }
        if params {
            text.push_str("var<private> params: Params;\n");
        }
        text
    }
}

impl Custom {
    /// The most calls of functions that a pixel may take, in a file and in a shader that several files stand in.
    pub(crate) const MAX_CALLS: u64 = calls::MAX_CALLS;

    /// Reads a regular file of at most 128 KiB and validates it.
    ///
    /// # Errors
    /// Syntax if the file violates the contract; NotFound, NotAllowed, NotReadable or, for a larger file, NotSupported
    /// if it cannot be read at all.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = super::file::read(path, MAX_BYTES as u64)?;
        let name = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let byte = error.as_bytes()[valid];
            let text = String::from_utf8_lossy(error.as_bytes());
            let message = format!("expected UTF-8 text but found the byte {byte:#04x}");
            SourceFile { name: &name, text: &text }
                .error(valid..valid + char::REPLACEMENT_CHARACTER.len_utf8(), message)
        })?;
        Ok(Self { path: Some(path.to_owned()), ..Self::parse(&name, &text)? })
    }

    /// Validates a file's text; `name` is what errors call it.
    ///
    /// # Errors
    /// Syntax if the text violates the contract.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        if text.len() > MAX_BYTES {
            let message = format!("expected at most {} KiB of WGSL but found {}", MAX_BYTES >> 10, text.len() >> 10);
            return Err(Error::syntax(message).at(name));
        }
        let text = text.trim_start_matches('\u{feff}');
        let source = SourceFile { name, text };
        let tokens = tokens(text);
        let code = code(&tokens);
        if code.is_empty() {
            return Err(Error::syntax(format!("{} but found nothing", expected_function())).at(name));
        }
        let declarations = declarations(&code);
        let fault = |(range, message)| source.error(range, message);
        rules::check(&code, &declarations).and_then(|()| sizes::check(&code)).map_err(fault)?;
        let has_params = rules::has_params(&declarations);
        let (kind, function) = kind(source, &declarations, has_params)?;

        let prelude = kind.prelude(true, has_params);
        let module = validated(&prelude, text, kind).map_err(|diagnostic| diagnostic.about(source))?;
        check_signature(source, kind, &function, &code, &module)?;
        let within = |(span, message)| match in_text(span, prelude.len(), text) {
            Some(range) => source.error(range, message),
            None => Error::syntax(message).at(name),
        };
        check_size(&module).map_err(within)?;
        let calls = calls::count(&module, kind.function()).map_err(within)?;
        let fields = if has_params { field::fields(source, &tokens, &module)? } else { Vec::new() };
        // A local variable may have that name, too.
        let uses_previous = code.iter().any(|token| token.is("previous"))
            && validated(&kind.prelude(false, has_params), text, kind).is_err();
        Ok(Self { name: name.to_owned(), path: None, text: text.to_owned(), kind, fields, uses_previous, calls })
    }

    /// The function that the file defines.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its parameters, in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether it reads its own result for the frame before.
    pub fn uses_previous(&self) -> bool {
        self.uses_previous
    }

    /// How many calls of functions a pixel takes, when each call is inlined.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// Its name in errors: the path as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that it was loaded from.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The text with the prefix before every name that it declares at module scope, so that two files can stand in one
    /// shader, and with a call of `framereel_endless` (shaders/filter/endless.wgsl) in every loop. Where it declares `struct Params`, `params` becomes a private variable with the prefix, for the caller to
    /// fill. `frame`, `sample` and `previous` keep their names. The prefix is one that no name of WGSL's begins with, as
    /// `user0_`.
    pub fn wgsl(&self, prefix: &str) -> String {
        let code = code(&tokens(&self.text));
        let declarations = declarations(&code);
        let mut names: HashSet<&str> = declarations.iter().map(|declaration| declaration.name.text).collect();
        let has_params = rules::has_params(&declarations);
        if has_params {
            names.insert("params");
        }
        let mut text = guarded(&renamed(&self.text, &names, prefix), " if framereel_endless() { break; }");
        text.push('\n');
        if has_params {
            text.push_str(&format!("var<private> {prefix}params: {prefix}Params;\n"));
        }
        text
    }
}

fn expected_function() -> String {
    let [color, area, image] = Kind::ALL.map(Kind::signature);
    format!("expected `{color}`, `{area}` or `{image}`")
}

/// The one function of the contract that the file defines.
fn kind<'a>(source: SourceFile, declarations: &[Declaration<'a>], has_params: bool) -> Result<(Kind, Declaration<'a>)> {
    let functions = declarations.iter().filter(|declaration| declaration.keyword.is("fn"));
    let mut found = functions.clone().filter_map(|declaration| {
        Kind::ALL.into_iter().find(|kind| declaration.name.is(kind.function())).map(|kind| (kind, *declaration))
    });
    match (found.next(), found.next()) {
        (Some(first), None) => Ok(first),
        (Some((first, _)), Some((second, declaration))) => {
            let message = if first == second {
                format!("expected `{}` once but found it twice", first.function())
            } else {
                let (first, second) = (first.function(), second.function());
                format!("expected one of the contract's functions but found `{first}` and `{second}`; keep one a file")
            };
            Err(source.error(declaration.name.range(), message))
        }
        (None, _) => {
            // If a syntax error hides the function, that error is reported.
            validated(&Kind::Area.prelude(true, has_params), source.text, Kind::Area)
                .map_err(|diagnostic| diagnostic.about(source))?;
            let names: Vec<_> = functions.take(8).map(|declaration| format!("`{}`", declaration.name.text)).collect();
            let found = if names.is_empty() { "no function".to_owned() } else { names.join(", ") };
            Err(Error::syntax(format!("{} but found {found}", expected_function())).at(source.name))
        }
    }
}

fn check_signature(
    source: SourceFile,
    kind: Kind,
    function: &Declaration,
    code: &[Token],
    module: &naga::Module,
) -> Result<()> {
    let vector = |ty: naga::Handle<naga::Type>, size| {
        module.types[ty].inner == naga::TypeInner::Vector { size, scalar: naga::Scalar::F32 }
    };
    let argument = if kind == Kind::Color { naga::VectorSize::Quad } else { naga::VectorSize::Bi };
    let fits = module.functions.iter().any(|(_, found)| {
        found.name.as_deref() == Some(kind.function())
            && matches!(&found.arguments[..], [only] if vector(only.ty, argument))
            && found.result.as_ref().is_some_and(|result| vector(result.ty, naga::VectorSize::Quad))
    });
    if fits {
        return Ok(());
    }
    let start = function.keyword.at;
    let end = code.iter().find(|token| token.at > start && token.is("{")).map_or(source.text.len(), |token| token.at);
    let found = source.text[start..end].split_whitespace().collect::<Vec<_>>().join(" ");
    let range = Range { start, end: start + source.text[start..end].trim_end().len() };
    Err(source.error(range, format!("expected `{}` but found `{found}`", kind.signature())))
}

/// Refuses declarations that a driver might have no memory for: large types, and many variables together.
fn check_size(module: &naga::Module) -> std::result::Result<(), (naga::Span, String)> {
    let mut layouter = naga::proc::Layouter::default();
    let undefined = naga::Span::UNDEFINED;
    layouter.update(module.to_ctx()).map_err(|error| (undefined, error.to_string()))?;
    let limit = MAX_VARIABLES >> 10;
    for (ty, _) in module.types.iter() {
        let size = layouter[ty].size;
        if size > MAX_VARIABLES {
            let message = format!("expected types of at most {limit} KiB but found one of {} KiB", size >> 10);
            return Err((module.types.get_span(ty), message));
        }
    }
    let private = module.global_variables.iter().filter(|(_, variable)| variable.space == naga::AddressSpace::Private);
    let private = private.map(|(handle, variable)| (variable.ty, module.global_variables.get_span(handle)));
    let local = module.functions.iter().flat_map(|(_, function)| {
        let variables = &function.local_variables;
        variables.iter().map(|(handle, variable)| (variable.ty, variables.get_span(handle)))
    });
    let mut room = MAX_VARIABLES;
    for (ty, span) in private.chain(local) {
        room = room.checked_sub(layouter[ty].size).ok_or_else(|| {
            (span, format!("expected variables of at most {limit} KiB together; with this one they are larger"))
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
