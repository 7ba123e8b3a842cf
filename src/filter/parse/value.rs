//! Parses numbers with their units, and colours.

use crate::filter::{ParamKind, Value};

/// The longest colour, in bytes.
const MAX_COLOR: usize = 256;

impl ParamKind {
    pub(super) fn number(self, text: &str) -> Option<f32> {
        if let Self::Word(words) = self {
            return words.iter().position(|word| word.eq_ignore_ascii_case(text)).map(|index| index as f32);
        }
        let unit_at = unit_at(text);
        let number: f32 = text[..unit_at].parse().ok().filter(|number: &f32| number.is_finite())?;
        match (self, text[unit_at..].to_ascii_lowercase().as_str()) {
            (Self::Amount, "") | (Self::Length, "px") | (Self::Angle, "deg") => Some(number),
            (Self::Amount, "%") => Some(number / 100.0),
            (Self::Length | Self::Angle, "") if number == 0.0 => Some(0.0),
            (Self::Angle, "rad") => Some(number.to_degrees()),
            (Self::Angle, "grad") => Some(number * 0.9),
            (Self::Angle, "turn") => Some(number * 360.0),
            _ => None,
        }
    }
}

/// A CSS colour (CSS Color Module Level 4); `currentcolor` is black, as on a canvas of no document.
pub(super) fn color(text: &str) -> Option<Value> {
    if text.eq_ignore_ascii_case("currentcolor") {
        return Some(Value::Color([0.0, 0.0, 0.0, 1.0]));
    }
    // The library also takes hexadecimal digits without `#`, which CSS doesn't.
    if !text.starts_with(|c: char| c == '#' || c.is_ascii_alphabetic()) || text.len() > MAX_COLOR {
        return None;
    }
    let bare_digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let color = csscolorparser::parse(text).ok().filter(|_| !bare_digits)?;
    // A colour that is computed from another one may hold NaN.
    let channel = |value: f32| if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) };
    Some(Value::Color(color.to_array().map(channel)))
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
