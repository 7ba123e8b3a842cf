//! `framereel devices`: the cameras with their modes, and the microphones.

use framereel::Result;
use framereel::constraints::{InputDevice, VideoMode};
use framereel::devices::permissions::{PermissionName, PermissionState, query};
use framereel::devices::{AudioInput, InputKind, camera, microphone};
use serde_json::{Value, json};

use super::args::DevicesArgs;
use super::print;

/// Prints the devices; having none is not an error.
pub fn run(args: &DevicesArgs) -> Result<()> {
    let cameras = camera::cameras();
    // Without a sound server, lists no microphones and prints why.
    let (inputs, silent) = match microphone::inputs() {
        Ok(inputs) => (inputs, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    if args.json {
        let cameras: Vec<Value> = cameras.iter().map(camera_json).collect();
        let of = |kind| inputs.iter().filter(move |input| input.kind == kind).map(input_json).collect::<Vec<_>>();
        let (microphones, system) = (of(InputKind::Microphone), of(InputKind::Monitor));
        return print(json!({ "cameras": cameras, "microphones": microphones, "system": system }));
    }
    let mut lines = Vec::new();
    for device in &cameras {
        lines.push(format!("camera      {}", device.label));
        lines.push(format!("            id {}", device.device_id));
        lines.extend(mode_lines(device.video_modes()));
        lines.extend(control_lines(&device.device_id));
    }
    for input in &inputs {
        let word = if input.kind == InputKind::Microphone { "microphone" } else { "system" };
        let AudioInput { device, rate, channels, .. } = input;
        lines.push(format!(
            "{word:<11} {}, {rate} Hz, {channels} channel{}",
            device.label,
            if *channels == 1 { "" } else { "s" }
        ));
        lines.push(format!("            id {}", device.device_id));
    }
    if cameras.is_empty() {
        let denied = query(PermissionName::Camera).state() == PermissionState::Denied;
        let remedy = if denied {
            "not allowed; join their group: sudo usermod -aG video $USER"
        } else {
            "none found; plug one in"
        };
        lines.push(format!("camera      {remedy}"));
    }
    if inputs.is_empty() {
        let why = silent.map(|error| format!(" ({error})")).unwrap_or_default();
        lines.push(format!("microphone  none found{why}"));
    }
    print(lines.join("\n"))
}

/// A line for each format and size, with its rates.
fn mode_lines(modes: &[VideoMode]) -> Vec<String> {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for mode in modes {
        let (width, height) = (mode.width.range(), mode.height.range());
        let size = match width.start() == width.end() {
            true => format!("{}x{}", width.start(), height.start()),
            false => format!("{}x{} to {}x{}", width.start(), height.start(), width.end(), height.end()),
        };
        let name = format!("            {} {size}", mode.format);
        let rates = mode.frame_rates();
        let rate = match rates.start() == rates.end() {
            true => format!("{:.4}", rates.start()).trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => format!("{:.0} to {:.0}", rates.start(), rates.end()),
        };
        match lines.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rates)) => rates.push(rate),
            None => lines.push((name, vec![rate])),
        }
    }
    lines.into_iter().map(|(name, rates)| format!("{name} at {} fps", rates.join(", "))).collect()
}

/// A line for each control of a camera, with its range and its value.
#[cfg(all(target_os = "linux", feature = "camera"))]
fn control_lines(id: &str) -> Vec<String> {
    let line = |control: camera::CameraControl| {
        let (least, most, _) = control.range;
        let value = control.value.map(|value| format!(", now {value}")).unwrap_or_default();
        let items: Vec<String> = control.items.iter().map(|(value, name)| format!("{value} {name}")).collect();
        let items = if items.is_empty() { String::new() } else { format!(" ({})", items.join(", ")) };
        format!("            {} {least} to {most}{value}{items}", control.name)
    };
    camera::controls(id).unwrap_or_default().into_iter().map(line).collect()
}

/// On other systems, the system's settings have the controls.
#[cfg(not(all(target_os = "linux", feature = "camera")))]
fn control_lines(_id: &str) -> Vec<String> {
    Vec::new()
}

fn camera_json(device: &InputDevice) -> Value {
    let modes = device.video_modes().iter().map(|mode| {
        let (width, height, rates) = (mode.width.range(), mode.height.range(), mode.frame_rates());
        json!({
            "format": mode.format,
            "width": [width.start(), width.end()],
            "height": [height.start(), height.end()],
            "frame_rate": [rates.start(), rates.end()],
        })
    });
    json!({ "id": device.device_id, "label": device.label, "modes": modes.collect::<Vec<_>>() })
}

fn input_json(input: &AudioInput) -> Value {
    let AudioInput { device, rate, channels, .. } = input;
    json!({ "id": device.device_id, "label": device.label, "rate": rate, "channels": channels })
}
