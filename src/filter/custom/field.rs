//! The fields of a file's `struct Params`: their types from naga, and their defaults from comments.

use wgpu::naga;

use super::diagnostic::SourceFile;
use super::token::{Token, TokenKind};
use crate::error::{Error, Result};

/// A field of a user's `struct Params`: a parameter of the filter.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: FieldKind,
    /// Its default value: a number in the first place, or a colour, straight, of 0–1 channels.
    pub default: [f32; 4],
}

/// The type of a [`Field`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldKind {
    /// A number.
    F32,
    /// A whole number.
    I32,
    /// A whole number that is not negative.
    U32,
    /// A colour.
    Vec3,
    /// A colour with its alpha.
    Vec4,
}

/// The most parameters that a file may have.
const MAX_FIELDS: usize = 256;
/// Above it, not every whole number is an `f32`.
const MAX_WHOLE: f32 = 16_777_216.0;

/// The fields of the module's `struct Params`, in order, with the defaults that the tokens hold.
pub(super) fn fields(source: SourceFile, tokens: &[Token], module: &naga::Module) -> Result<Vec<Field>> {
    let params = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some("Params"));
    let Some(naga::TypeInner::Struct { members, .. }) = params.map(|(_, ty)| &ty.inner) else {
        return Ok(Vec::new());
    };
    let names = names(tokens);
    if members.len() > MAX_FIELDS {
        let message = format!("expected at most {MAX_FIELDS} fields of `Params` but found {}", members.len());
        let place = names.get(MAX_FIELDS).map_or(0..0, |name| name.range());
        return Err(source.error(place, message));
    }
    let mut fields = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        let name = member.name.clone().unwrap_or_default();
        let token = names.get(index).filter(|token| token.text == name);
        let token =
            token.ok_or_else(|| Error::syntax(format!("expected to find the field `{name}`")).at(source.name))?;
        let kind = kind(&module.types[member.ty].inner).ok_or_else(|| {
            let found = naga::common::DiagnosticDisplay((member.ty, module.to_ctx()));
            let message = format!("expected `{name}` to be f32, i32, u32, vec3f or vec4f but found `{found}`");
            source.error(token.range(), message)
        })?;
        let end = names.get(index + 1).map_or(source.text.len(), |next| next.at);
        let comment = tokens.iter().find(|comment| {
            comment.kind == TokenKind::Comment
                && (token.at..end).contains(&comment.at)
                && !source.text[token.at..comment.at].contains('\n')
        });
        let black = if kind == FieldKind::Vec4 { [0.0, 0.0, 0.0, 1.0] } else { [0.0; 4] };
        let default = match comment {
            Some(comment) => kind.read(comment.text).map_err(|message| {
                source.error(comment.range(), format!("expected {message} as the default of `{name}`"))
            })?,
            None => None,
        };
        fields.push(Field { name, kind, default: default.unwrap_or(black) });
    }
    Ok(fields)
}

/// The names of the fields, with their places in the text.
fn names<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let code = super::token::code(tokens);
    let start = code.windows(2).position(|pair| pair[0].is("struct") && pair[1].is("Params")).unwrap_or(code.len());
    let body: Vec<_> = code[start..].iter().take_while(|token| !token.is("}")).collect();
    body.windows(2).filter(|pair| pair[0].is_word() && pair[1].is(":")).map(|pair| *pair[0]).collect()
}

fn kind(inner: &naga::TypeInner) -> Option<FieldKind> {
    use naga::{Scalar, TypeInner, VectorSize};
    match *inner {
        TypeInner::Scalar(Scalar::F32) => Some(FieldKind::F32),
        TypeInner::Scalar(Scalar::I32) => Some(FieldKind::I32),
        TypeInner::Scalar(Scalar::U32) => Some(FieldKind::U32),
        TypeInner::Vector { size: VectorSize::Tri, scalar: Scalar::F32 } => Some(FieldKind::Vec3),
        TypeInner::Vector { size: VectorSize::Quad, scalar: Scalar::F32 } => Some(FieldKind::Vec4),
        _ => None,
    }
}

impl FieldKind {
    /// The value at the beginning of a comment; none if it begins with words; an error with the expected values if it
    /// is out of range.
    /// expected.
    fn read(self, comment: &str) -> Result<Option<[f32; 4]>, String> {
        let text = comment.trim_start_matches(['/', '*']).trim_end_matches(['/', '*']).trim();
        let mut words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
        if matches!(self, Self::Vec3 | Self::Vec4) {
            if let Some(digits) = text.strip_prefix('#') {
                let digits = digits.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
                let [r, g, b, a] =
                    hex(digits).ok_or_else(|| format!("a colour of 3, 4, 6 or 8 hex digits but found `#{digits}`"))?;
                return Ok(Some([r, g, b, if self == Self::Vec4 { a } else { 0.0 }]));
            }
            let values: Vec<f32> = words.map_while(value).collect();
            return Ok(match (self, &values[..]) {
                (Self::Vec3, &[r, g, b]) => Some([r, g, b, 0.0]),
                (_, &[r, g, b]) => Some([r, g, b, 1.0]),
                (Self::Vec4, &[r, g, b, a]) => Some([r, g, b, a]),
                _ => None,
            });
        }
        let Some(value) = words.next().and_then(value) else { return Ok(None) };
        let whole = value.fract() == 0.0 && value.abs() <= MAX_WHOLE;
        match self {
            Self::I32 if !whole => Err(format!("a whole number but found {value}")),
            Self::U32 if !whole || value < 0.0 => Err(format!("a whole number from 0 up but found {value}")),
            _ => Ok(Some([value, 0.0, 0.0, 0.0])),
        }
    }
}

/// A number as WGSL writes it, which a colon or the like may follow.
fn value(word: &str) -> Option<f32> {
    let word = word.trim_end_matches([':', ';', '.', 'f', 'i', 'u']);
    let number = word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    word.parse().ok().filter(|value: &f32| number && value.is_finite())
}

/// CSS Color 4 §5.2: 3, 4, 6 or 8 digits; opaque without alpha.
fn hex(digits: &str) -> Option<[f32; 4]> {
    csscolorparser::parse(&format!("#{digits}")).ok().map(|color| color.to_array())
}
