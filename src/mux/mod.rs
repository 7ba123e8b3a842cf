//! Containers: writes encoded packets into files; inspects and repairs existing files.

mod container;
pub mod inspect;
mod mp4;
mod ogg;
pub mod repair;
mod tracks;
mod wav;
mod webm;

pub(crate) mod ebml;
mod faults;
pub(crate) mod matroska;
mod sink;
mod survey;
mod track_counts;

pub use container::{Container, ContainerWriter, Finished};
pub use inspect::{Detail, Inspection, inspect};
pub use matroska::TrackType;
pub use mp4::Mp4Writer;
pub use ogg::OggWriter;
pub use repair::{Repaired, repair};
pub use survey::Gap;
pub use tracks::{AudioCodec, AudioTrack, Tracks, VideoTrack};
pub use wav::WavWriter;
pub use webm::WebmWriter;
