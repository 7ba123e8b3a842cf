//! The sources of a recording.

use super::overlay::{Layout, Overlay};
use crate::error::Result;
use crate::frame::Size;
use crate::source::Source;
use crate::source::audio::AudioSource;

/// The sources of a recording: video, video with sound, or sound alone. If any source is live, all are recorded in real
/// time.
#[derive(Default)]
#[non_exhaustive]
pub struct Media {
    /// The video source.
    pub video: Option<Box<dyn Source>>,
    /// The audio source; with video, its recording ends when the video ends.
    pub audio: Option<Box<dyn AudioSource>>,
    /// Overlays on the same canvas, the topmost last.
    pub overlays: Vec<Overlay>,
    /// How the video source and the overlays share the canvas.
    pub layout: Layout,
}

setters! {
    Media {
        with_video: video: Box<dyn Source>,
        with_audio: audio: Box<dyn AudioSource>,
        with_overlays: overlays: Vec<Overlay>,
        with_layout: layout: Layout,
    }
}

debug_fields!(Media { overlays, layout });

impl Media {
    /// A video source with its own sound, if it has any.
    ///
    /// # Errors
    /// Those of [`Source::sound`].
    pub fn with_sound(mut video: Box<dyn Source>) -> Result<Self> {
        let audio = video.sound()?;
        Ok(Self { video: Some(video), audio, ..Self::default() })
    }

    /// The size of its video; none without video.
    pub(super) fn size(&self) -> Option<Size> {
        self.video.as_ref().map(|video| video.info().size)
    }

    /// Whether it has no end.
    pub fn is_endless(&self) -> bool {
        let sound = || self.audio.as_ref().is_some_and(|audio| audio.info().endless);
        self.video.as_ref().map_or_else(sound, |video| video.info().endless)
    }

    /// Whether any of it is live.
    pub fn is_live(&self) -> bool {
        let overlays = self.overlays.iter().map(|overlay| &overlay.source);
        self.video.iter().chain(overlays).any(|video| video.live_clock().is_some())
            || self.audio.as_ref().is_some_and(|audio| audio.is_live())
    }
}

/// Video alone.
impl From<Box<dyn Source>> for Media {
    fn from(video: Box<dyn Source>) -> Self {
        Self { video: Some(video), ..Self::default() }
    }
}

/// Sound alone.
impl From<Box<dyn AudioSource>> for Media {
    fn from(audio: Box<dyn AudioSource>) -> Self {
        Self { audio: Some(audio), ..Self::default() }
    }
}
