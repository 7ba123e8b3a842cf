//! The interface between a track and its device (Media Capture and Streams §11, the Constrainable Pattern).

use crate::constraints::{Capabilities, Settings, TrackConstraints};
use crate::error::Result;

/// A device behind a track and its clones.
pub(crate) trait TrackDevice: std::fmt::Debug + Send + Sync {
    /// The possible values of its properties.
    fn capabilities(&self) -> Capabilities;

    /// Its present settings.
    fn settings(&self) -> Settings;

    /// The constraints that were applied last.
    fn constraints(&self) -> TrackConstraints;

    /// Applies constraints, which may change its settings.
    ///
    /// # Errors
    /// `OverconstrainedError` when the device cannot meet a required constraint; then nothing changes.
    fn apply(&self, constraints: &TrackConstraints) -> Result<()>;
}
