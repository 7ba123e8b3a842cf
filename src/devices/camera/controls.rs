//! A camera's controls by name: brightness, exposure, focus, white balance, zoom, and the others of its driver.

use v4l::Device;
use v4l::control::{Control, Description, Flags, MenuItem, Type, Value};

use crate::error::{Error, Result};

/// One control of a camera, as its driver describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CameraControl {
    /// Its name in lower case with hyphens, as `exposure-time-absolute`.
    pub name: String,
    /// The least and the greatest value, and the step between values.
    pub range: (i64, i64, u64),
    /// Its default value.
    pub default: i64,
    /// Its current value, where it can be read.
    pub value: Option<i64>,
    /// Of a menu: each value and what it means.
    pub items: Vec<(i64, String)>,
}

/// The controls of an open camera that can be set; none where its driver has none.
pub(super) fn list(device: &Device) -> Vec<CameraControl> {
    described(device).into_iter().map(|description| control(device, &description)).collect()
}

/// Sets the control of this name (`zoom-absolute`, or a part of the name that only one control has, as `zoom`).
///
/// # Errors
/// `NotFoundError` when the camera has no such control; a range error for a value outside its range; `NotReadableError`
/// when the driver refuses the value.
pub(super) fn set(device: &Device, name: &str, value: i64) -> Result<()> {
    let all = described(device);
    let named = |fits: &dyn Fn(&str) -> bool| {
        let mut found = all.iter().filter(|description| fits(&name_of(description)));
        found.next().filter(|_| found.next().is_none())
    };
    let found = named(&|known| known == name).or_else(|| named(&|known| known.contains(name)));
    let Some(description) = found else {
        let known: Vec<String> = all.iter().map(name_of).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Error::not_found(format!("expected one control of the camera named `{name}` but it has {known}")));
    };
    let (least, most) = (description.minimum, description.maximum);
    if !(least..=most).contains(&value) {
        return Err(Error::range(format!("expected {name} from {least} to {most} but found {value}")));
    }
    let value = if description.typ == Type::Boolean { Value::Boolean(value != 0) } else { Value::Integer(value) };
    let refused = |error| Error::not_readable(format!("the camera refused to set {name}")).with_cause(error);
    device.set_control(Control { id: description.id, value }).map_err(refused)
}

fn described(device: &Device) -> Vec<Description> {
    let known = [Type::Integer, Type::Boolean, Type::Menu, Type::IntegerMenu, Type::Integer64];
    let all = device.query_controls().unwrap_or_default();
    let usable = |description: &Description| {
        known.contains(&description.typ) && !description.flags.intersects(Flags::DISABLED | Flags::READ_ONLY)
    };
    all.into_iter().filter(usable).collect()
}

fn control(device: &Device, description: &Description) -> CameraControl {
    let value = device.control(description.id).ok().and_then(|control| match control.value {
        Value::Integer(value) => Some(value),
        Value::Boolean(value) => Some(value.into()),
        _ => None,
    });
    let items = description.items.iter().flatten().map(|(index, item)| {
        let meaning = match item {
            MenuItem::Name(name) => name.clone(),
            MenuItem::Value(value) => value.to_string(),
        };
        (i64::from(*index), meaning)
    });
    CameraControl {
        name: name_of(description),
        range: (description.minimum, description.maximum, description.step),
        default: description.default,
        value,
        items: items.collect(),
    }
}

fn name_of(description: &Description) -> String {
    hyphenated(&description.name)
}

/// `White Balance, Automatic` as `white-balance-automatic`.
fn hyphenated(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controls_name_can_be_typed() {
        assert_eq!(hyphenated("White Balance, Automatic"), "white-balance-automatic");
        assert_eq!(hyphenated("Exposure Time, Absolute"), "exposure-time-absolute");
    }
}
