//! Containers: encoded packets in, a file's bytes out.

pub mod webm;

pub use webm::{Finished, VideoTrack, WebmWriter};
