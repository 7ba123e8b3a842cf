//! Replaces microphones in a build without the feature `audio`.

use super::{AudioInput, InputKind};
use crate::constraints::TrackConstraints;
use crate::error::{Error, Result};
use crate::source::audio::AudioSource;
use crate::stream::MediaStreamTrack;

/// None: this build has no microphones.
///
/// # Errors
/// None.
pub fn inputs() -> Result<Vec<AudioInput>> {
    Ok(Vec::new())
}

/// # Errors
/// `NotSupportedError`, always.
pub fn open(_name: &str, _kind: InputKind) -> Result<Box<dyn AudioSource>> {
    Err(missing())
}

pub(super) fn start_track(_wanted: &TrackConstraints) -> Result<MediaStreamTrack> {
    Err(missing())
}

fn missing() -> Error {
    Error::not_supported(
        "expected a build with the feature `audio` but found one without; build with `--features audio`",
    )
}
