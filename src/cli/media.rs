//! What `framereel record` records: the sources that were asked for, opened, with the sound of them or beside them.

use std::path::Path;

use framereel::color::ToneMap;
use framereel::devices::camera;
use framereel::filter::Visualization;
use framereel::frame::BitDepth;
use framereel::mux::Container;
use framereel::recorder::{Media, Overlay};
use framereel::source::audio::{AudioSource, AudioSpec, open_audio};
use framereel::source::mix::MixSource;
use framereel::source::visualize::VisualizationSource;
use framereel::source::{self, Source, SourceOptions, SourceSpec};
use framereel::{Error, ErrorKind, Result};

use super::adaptation;
use super::args::RecordArgs;
use super::values::{AudioChoice, OverlayChoice};

impl RecordArgs {
    fn source_options(&self) -> SourceOptions {
        let mut options = self.input.source_options().with_params(self.input.source_params());
        (options.start, options.size, options.rate) = (self.start, self.input.size, self.fps);
        if self.keeps_light() {
            options.tone_map = ToneMap::None;
        }
        options
    }

    /// The same for a source beside the first: what is live or draws itself begins where the recording does.
    fn source_options_of(&self, spec: &SourceSpec) -> SourceOptions {
        let start = if matches!(spec, SourceSpec::File(_)) { self.start } else { None };
        let mut options = self.source_options().with_params(Vec::new());
        options.start = start;
        options
    }

    /// Whether more than 8 bits a sample are recorded.
    fn is_deep(&self) -> bool {
        self.depth > Some(BitDepth::Eight)
    }

    /// Whether film in PQ or HLG is kept as it is though no tone map says so.
    fn keeps_light(&self) -> bool {
        self.is_deep() && self.input.tone_map.is_none()
    }

    /// The error where no output holds what an option asks for.
    fn no_output(&self, asked: &str) -> Error {
        let names: Vec<_> = self.containers().into_iter().map(Container::name).collect();
        let expected = format!("expected an output that holds {asked}, as FILE.webm,");
        Error::new(ErrorKind::Syntax, format!("{expected} but found {}", names.join(" and ")))
    }

    /// The pictures, and the sound beside them; or sound alone.
    pub(super) fn open_media(&self) -> Result<Media> {
        if self.alpha && !self.containers().into_iter().any(|container| self.keeps_alpha(container)) {
            return Err(self.no_output("transparency beside --alpha"));
        }
        let depth = |container: Container| container.video_codecs().iter().map(|codec| codec.max_depth()).max();
        if self.is_deep() && self.containers().into_iter().any(|container| depth(container) == Some(BitDepth::Eight)) {
            return Err(self.no_output("10 bits a sample beside --depth 10"));
        }
        if let Some(codec) = self.encoder.codec.filter(|codec| self.depth > Some(codec.max_depth())) {
            let expected = format!("expected --codec av1, vp9 or hevc beside --depth 10 but found {codec}");
            return Err(Error::new(ErrorKind::Syntax, expected));
        }
        // A wrong codec is found before any device is opened.
        self.containers().into_iter().try_for_each(|container| self.encoder.mime_type(container, true).map(drop))?;
        let mut media = match (self.visualize, self.sound_alone()) {
            (Some(kind), _) => {
                let mut video = self.open_visualization(kind)?;
                let audio = self.open_sound(&mut video, &mut [])?;
                let mut media = Media::default().with_video(Box::new(video));
                media.audio = audio;
                media
            }
            (None, Some(spec)) => {
                let mut media = Media::default();
                media.audio = mixed(vec![(open_audio(&spec, self.start)?, self.audio_gain.unwrap_or(0.0))])?;
                media
            }
            (None, None) => self.open_pictures()?,
        };
        if self.reconnect {
            let overlays = media.overlays.iter_mut().map(|overlay| &mut overlay.source);
            media.video.iter_mut().chain(overlays).for_each(|video| video.reconnect());
            media.audio.iter_mut().for_each(|audio| audio.reconnect());
        }
        Ok(media)
    }

    fn open_pictures(&self) -> Result<Media> {
        let mut video = self.input.open(&self.source_options())?;
        self.tell(&self.input.source, &*video);
        self.set_camera_controls()?;
        let mut overlays = Vec::new();
        for OverlayChoice { source: spec, place } in &self.overlay {
            // An overlay keeps its own size: --size is the size of the whole canvas.
            let mut options = self.source_options_of(spec);
            options.size = None;
            let source = source::open(spec, &options)?;
            self.tell(spec, &*source);
            overlays.push(Overlay { source, place: *place });
        }
        let audio = self.open_sound(&mut *video, &mut overlays)?;
        let mut media = Media::default().with_video(video).with_overlays(overlays).with_layout(self.layout);
        media.audio = audio;
        Ok(media)
    }

    /// Says what was done to a film so that it can be recorded; with `--json`, standard error may be read by a program.
    fn tell(&self, spec: &SourceSpec, source: &dyn Source) {
        if !self.json {
            adaptation::tell(spec, source, if self.keeps_light() { "--depth 10" } else { "--tone-map none" });
        }
    }

    /// Sets the requested controls on the recorded camera.
    fn set_camera_controls(&self) -> Result<()> {
        let name = match &self.input.source {
            SourceSpec::Camera(name) if name.contains('=') => "",
            SourceSpec::Camera(name) => name,
            _ if self.camera_control.is_empty() => return Ok(()),
            _ => {
                let text = "expected a camera to set --camera-control of but found another source; leave it out";
                return Err(Error::new(ErrorKind::Syntax, text));
            }
        };
        self.camera_control.iter().try_for_each(|(control, value)| camera::set_control(name, control, *value))
    }

    /// Sound alone, with a picture of its waveform or spectrum as video.
    fn open_visualization(&self, kind: Visualization) -> Result<VisualizationSource> {
        let refused = |expected: &str, found: &str| {
            let remedy = "leave out --visualize";
            Err(Error::new(ErrorKind::Syntax, format!("expected {expected} but found {found}; {remedy}")))
        };
        if self.is_audio_only() {
            return refused("an output that holds pictures, as FILE.webm,", "one of sound alone");
        }
        let spec = match &self.input.source {
            SourceSpec::Sound(spec) => spec.clone(),
            // A name of a sound source, such as `tone`, or a path.
            SourceSpec::File(path) => match path.to_str().map(str::parse) {
                Some(Ok(spec)) => spec,
                _ => AudioSpec::File(path.clone()),
            },
            _ => return refused("a source of sound alone to --visualize", "one that has pictures"),
        };
        if matches!(&spec, AudioSpec::File(path) if is_film(path)) {
            return refused("a source of sound alone to --visualize", "a film");
        }
        VisualizationSource::new(open_audio(&spec, self.start)?, kind, &self.source_options())
    }

    /// What is recorded without pictures: a source that has none, or a film's sound into a file of sound.
    pub(super) fn sound_alone(&self) -> Option<AudioSpec> {
        match &self.input.source {
            SourceSpec::Sound(spec) => Some(spec.clone()),
            SourceSpec::File(path) if self.is_audio_only() => Some(AudioSpec::File(path.clone())),
            _ => None,
        }
    }

    /// The requested sound, or else that of the sources; or both.
    fn open_sound(&self, video: &mut dyn Source, overlays: &mut [Overlay]) -> Result<Option<Box<dyn AudioSource>>> {
        // Other sound begins where the first frame does, which may be shown before the start asked for.
        let start = if self.start.is_some() { video.first_frame().or(self.start) } else { None };
        let own = || -> Result<Vec<Box<dyn AudioSource>>> {
            let mut sounds = Vec::new();
            for source in std::iter::once(video).chain(overlays.iter_mut().map(|overlay| &mut *overlay.source as _)) {
                let sound = source.sound().map_err(|error| {
                    let remedy = "the source's own sound cannot be read; --audio none records without it";
                    Error::new(error.kind().clone(), remedy).with_cause(error)
                });
                sounds.extend(sound?);
            }
            Ok(sounds)
        };
        let gain = self.audio_gain.unwrap_or(0.0);
        let inputs: Vec<(Box<dyn AudioSource>, f32)> = match &self.audio {
            Some(AudioChoice::None) if self.mix => {
                let text = "expected a sound to mix with the source's own but found --audio none; leave out --mix";
                return Err(Error::new(ErrorKind::Syntax, text));
            }
            Some(AudioChoice::None) => return Ok(None),
            Some(AudioChoice::Other(_)) if self.is_silent() => {
                return Err(self.no_output("sound beside --audio"));
            }
            None if self.is_silent() => return Ok(None),
            Some(AudioChoice::Other(spec)) => {
                let beside = if self.mix { own()? } else { Vec::new() };
                let chosen = (open_audio(spec, start)?, gain);
                std::iter::once(chosen).chain(beside.into_iter().map(|sound| (sound, 0.0))).collect()
            }
            None => own()?.into_iter().map(|sound| (sound, gain)).collect(),
        };
        mixed(inputs)
    }
}

/// These sounds as one, each with its gain in dB; a single one without a gain stays as it is.
fn mixed(mut inputs: Vec<(Box<dyn AudioSource>, f32)>) -> Result<Option<Box<dyn AudioSource>>> {
    match inputs.len() {
        0 => Ok(None),
        1 if inputs[0].1 == 0.0 => Ok(inputs.pop().map(|(sound, _)| sound)),
        _ => Ok(Some(Box::new(MixSource::new(inputs)?))),
    }
}

/// Whether a file has pictures, and more of them than the cover of a song.
fn is_film(path: &Path) -> bool {
    // A pipe can be read only once.
    let film = if path.is_file() {
        source::open(&SourceSpec::File(path.to_owned()), &SourceOptions::default()).ok()
    } else {
        None
    };
    film.is_some_and(|mut film| (0..2).all(|_| matches!(film.next_frame(), Ok(Some(_)))))
}
