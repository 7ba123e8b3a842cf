//! Containers: writes encoded packets into files; inspects and repairs existing files.

mod alpha_webm;
mod animated_webp;
mod animation;
mod apng;
mod container;
mod gif;
pub mod inspect;
pub(crate) mod mp4;
mod ogg;
mod picture_times;
pub mod repair;
mod still_file;
mod tar;
mod tracks;
mod wav;
mod webm;

pub(crate) mod ebml;
mod faults;
pub(crate) mod matroska;
pub(crate) mod riff;
mod sink;
mod survey;
mod track_counts;

pub use alpha_webm::AlphaWebmWriter;
pub(crate) use animated_webp::webp_part;
pub use container::{Container, ContainerWriter, Finished};
pub use gif::GifWriter;
pub use inspect::{Detail, Inspection, inspect};
pub use matroska::TrackType;
pub use mp4::Mp4Writer;
pub use ogg::OggWriter;
pub(crate) use picture_times::PictureTimes;
pub use repair::{Repaired, repair};
pub use survey::Gap;
pub use tracks::{AudioCodec, AudioTrack, Tracks, VideoTrack};
pub use wav::WavWriter;
pub use webm::WebmWriter;
