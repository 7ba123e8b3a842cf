//! Whether cameras and microphones may be used (W3C Permissions, `navigator.permissions.query`).
//!
//! Native programs are not asked one by one as pages are: on Linux a camera may be used when its node may be opened,
//! and a microphone when the sound server accepts a connection. A kind without any device is at `prompt`.

use std::io;

#[cfg(target_os = "linux")]
use super::camera;
use super::poller::Poller;
use super::{InputKind, microphone};
use crate::error::{ErrorKind, Result};
use crate::stream::Listener;

/// The kind of devices that a permission is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PermissionName {
    /// Cameras.
    Camera,
    /// Microphones.
    Microphone,
}

/// The state of a permission (Permissions §2, `PermissionState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PermissionState {
    /// Devices may be used.
    Granted,
    /// Not known before use: there is no device at present, or the system asks its user.
    Prompt,
    /// Devices may not be used. Opening one fails with `NotAllowedError`, which names the remedy.
    Denied,
}

/// The state of a permission, with events when it changes.
pub struct PermissionStatus {
    name: PermissionName,
    changes: Poller<PermissionState>,
}

debug_fields!(PermissionStatus { name });

/// The state of this permission (`navigator.permissions.query()`).
///
/// ```
/// use framereel::devices::permissions::{PermissionName, PermissionState, query};
///
/// if query(PermissionName::Camera).state() == PermissionState::Denied {
///     eprintln!("no camera may be opened");
/// }
/// ```
pub fn query(name: PermissionName) -> PermissionStatus {
    PermissionStatus { name, changes: Poller::new() }
}

impl PermissionStatus {
    /// The kind of devices.
    pub fn name(&self) -> PermissionName {
        self.name
    }

    /// The current state.
    pub fn state(&self) -> PermissionState {
        state(self.name)
    }

    /// Reports the new state whenever it changes (`change`), from now on.
    ///
    /// # Errors
    /// `UnknownError` when no thread can be started.
    pub fn events(&self) -> Result<Listener<PermissionState>> {
        let name = self.name;
        self.changes.listen("permission", move || state(name), |state| *state)
    }
}

fn state(name: PermissionName) -> PermissionState {
    match name {
        PermissionName::Camera => state_of(camera_nodes()),
        PermissionName::Microphone => match microphone::inputs() {
            Ok(inputs) if inputs.iter().any(|input| input.kind == InputKind::Microphone) => PermissionState::Granted,
            Err(error) if *error.kind() == ErrorKind::NotAllowed => PermissionState::Denied,
            Ok(_) | Err(_) => PermissionState::Prompt,
        },
    }
}

/// The result of opening each camera's node.
#[cfg(target_os = "linux")]
fn camera_nodes() -> impl Iterator<Item = io::Result<()>> {
    let open = |node| std::fs::OpenOptions::new().read(true).write(true).open(node).map(drop);
    camera::nodes()
        .into_iter()
        .map(open)
        .filter(|opened| opened.as_ref().err().map(io::Error::kind) != Some(io::ErrorKind::NotFound))
}

/// On other systems, the system asks when a camera is opened.
#[cfg(not(target_os = "linux"))]
fn camera_nodes() -> impl Iterator<Item = io::Result<()>> {
    std::iter::empty()
}

/// Granted where a node can be opened or is busy, denied where all are forbidden.
fn state_of(nodes: impl Iterator<Item = io::Result<()>>) -> PermissionState {
    let mut denied = false;
    for opened in nodes {
        match opened {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => denied = true,
            Ok(()) | Err(_) => return PermissionState::Granted,
        }
    }
    if denied { PermissionState::Denied } else { PermissionState::Prompt }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_is_granted_when_one_may_be_opened_and_denied_when_all_are_forbidden() {
        let forbidden = || Err(io::ErrorKind::PermissionDenied.into());
        let busy = || Err(io::ErrorKind::ResourceBusy.into());
        assert_eq!(state_of([].into_iter()), PermissionState::Prompt);
        assert_eq!(state_of([forbidden(), forbidden()].into_iter()), PermissionState::Denied);
        assert_eq!(state_of([forbidden(), Ok(())].into_iter()), PermissionState::Granted);
        assert_eq!(state_of([forbidden(), busy()].into_iter()), PermissionState::Granted);
    }
}
