//! Containers: encoded packets in, a file's bytes out; and files that exist, inspected and repaired.

pub mod inspect;
pub mod repair;
pub mod webm;

pub(crate) mod ebml;
mod faults;
pub(crate) mod matroska;
mod survey;
mod track_counts;

pub use inspect::{Detail, Inspection, inspect};
pub use matroska::TrackType;
pub use repair::{Repaired, repair};
pub use survey::Gap;
pub use webm::{AudioTrack, Finished, Tracks, VideoTrack, WebmWriter};
