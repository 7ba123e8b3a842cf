//! What a track asks of the device behind it (Media Capture and Streams §11, the Constrainable Pattern).

use crate::constraints::{Capabilities, Settings, TrackConstraints};
use crate::error::Result;

/// A device behind a track and its clones.
pub(crate) trait TrackDevice: std::fmt::Debug + Send + Sync {
    /// What its properties can be.
    fn capabilities(&self) -> Capabilities;

    /// How it is set.
    fn settings(&self) -> Settings;

    /// What was asked of it last.
    fn constraints(&self) -> TrackConstraints;

    /// Sets it anew.
    ///
    /// # Errors
    /// `OverconstrainedError` when it cannot do what is required; then nothing changes.
    fn apply(&self, constraints: &TrackConstraints) -> Result<()>;
}
