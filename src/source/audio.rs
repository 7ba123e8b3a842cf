//! Sources of sound: each gives buffers in the order of their timestamps, without gaps, until it ends.

use std::convert::Infallible;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::ffmpeg::{FfmpegSound, TimeBase};
use super::opus;
use super::tone::ToneSource;
use super::wav::WavSource;
use crate::audio::AudioBuffer;
use crate::clock::Clock;
use crate::devices::{InputKind, microphone};
use crate::error::{Error, ErrorKind, Result};
use crate::mux::matroska;
use crate::time::{Span, Timestamp};

/// Enough bytes of a file to identify it.
const HEAD: u64 = 12;

/// The source to open, as the user named it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AudioSpec {
    /// The built-in test tone.
    Tone,
    /// A microphone, or another input: by its name or its id; the default one where the name is empty.
    Microphone(String),
    /// The monitor of an output, by the output's name; of the default one where the name is empty.
    System(String),
    /// A file. WAV and Opus in WebM are read here; everything else, and the sound of films, through the `ffmpeg`
    /// program. If no such file exists, an input of this name.
    File(PathBuf),
}

/// Parses `tone`, `mic`, `mic:NAME`, `system`, `system:NAME`, else a path. For a file named so write `./tone`.
impl FromStr for AudioSpec {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "tone" => Self::Tone,
            _ => match text.split_once(':').unwrap_or((text, "")) {
                ("mic", name) => Self::Microphone(name.to_owned()),
                ("system", name) => Self::System(name.to_owned()),
                _ => Self::File(PathBuf::from(text)),
            },
        })
    }
}

/// The properties of a source of sound that are known before its first buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioInfo {
    /// One word for people: `tone`, `wav`, `webm`, `ffmpeg`.
    pub kind: &'static str,
    /// Samples a second in each channel, within [`AudioBuffer::RATES`].
    pub rate: u32,
    /// How many channels, 1 to 8, in the order of WAVE files: left, right, centre, low frequencies, rear, side.
    pub channels: usize,
    /// Its length, where it is known and finite.
    pub length: Option<Span>,
    /// Whether it is endless.
    pub endless: bool,
}

impl AudioInfo {
    /// A source of this kind with this rate and number of channels; nothing else is known.
    pub fn new(kind: &'static str, rate: u32, channels: usize) -> Self {
        Self { kind, rate, channels, length: None, endless: false }
    }
}

setters! {
    AudioInfo {
        with_length: length: Span,
        with_endless: endless: bool,
    }
}

/// A source of sound, which is pulled: `next_buffer` blocks until there is a buffer.
pub trait AudioSource: Send {
    /// The known properties.
    fn info(&self) -> &AudioInfo;

    /// Whether it is live: it captures sound in real time, whether or not its buffers are taken.
    fn is_live(&self) -> bool {
        false
    }

    /// For a live source: maps this time of `clock` to timestamp 0; earlier sound is left out. Called once, before the
    /// first buffer is taken. All other sources begin at 0 without this call.
    fn begin_at(&mut self, _time: Timestamp, _clock: &Clock) {}

    /// For a live source: when its device goes away, it gives silence until the device is there again, instead of
    /// ending with an error. Other sources ignore this.
    fn reconnect(&mut self) {}

    /// The next buffer of some 20 ms, or none at the end. It is not called again after an error or the end. A file that
    /// breaks off gives all its whole samples first, then the error.
    fn next_buffer(&mut self) -> Result<Option<AudioBuffer>>;
}

/// Where in a file the sound is to begin. The first buffer has timestamp 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoundStart {
    /// This long after the sound's own beginning.
    Skip(Span),
    /// At this time of the file's timestamps; preceded by silence where the sound begins later.
    FileTime(Span),
}

/// Opens a source of sound. Sound before `start` is skipped, to the sample; the first buffer has timestamp 0. Errors:
/// the source does not exist, may not be read, is a directory, holds no sound, needs a program that is missing, or ends
/// before the start.
pub fn open_audio(spec: &AudioSpec, start: Option<Span>) -> Result<Box<dyn AudioSource>> {
    match spec {
        AudioSpec::Tone => Ok(Box::new(ToneSource::new(start))),
        AudioSpec::Microphone(name) => microphone::open(name, InputKind::Microphone),
        AudioSpec::System(name) => microphone::open(name, InputKind::Monitor),
        AudioSpec::File(path) => open_file(path, start).or_else(|error| open_input(path, error)),
    }
}

/// Tries the name of a file that does not exist as the name of an input, as `Headset`; returns `error` if there is
/// none.
fn open_input(path: &Path, error: Error) -> Result<Box<dyn AudioSource>> {
    let name = path.to_str().filter(|name| !name.contains(std::path::is_separator));
    let Some(name) = name.filter(|_| *error.kind() == ErrorKind::NotFound && !path.exists()) else { return Err(error) };
    microphone::open(name, InputKind::Microphone).map_err(|_| error)
}

fn open_file(path: &Path, start: Option<Span>) -> Result<Box<dyn AudioSource>> {
    let metadata = std::fs::metadata(path).map_err(|error| Error::reading(path, error))?;
    if metadata.is_dir() {
        return Err(Error::reading(path, std::io::ErrorKind::IsADirectory.into()));
    }
    let name = path.display().to_string();
    let mut file = File::open(path).map_err(|error| Error::reading(path, error))?;
    let len = metadata.is_file().then_some(metadata.len());
    let mut head = Vec::new();
    (&mut file).take(HEAD).read_to_end(&mut head).map_err(|error| Error::reading(path, error))?;
    if head.is_empty() {
        return Err(Error::not_readable("expected sound but found an empty file").at(name));
    }
    let start_at = SoundStart::Skip(start.unwrap_or(Span::ZERO));
    let is_wav = head.starts_with(b"RIFF") && head.ends_with(b"WAVE");
    // A pipe can only be read from its beginning.
    let found = if is_wav || len.is_none() {
        match WavSource::new(Cursor::new(head).chain(file), &name, len, start) {
            // Kinds of WAV that are not read here.
            Err(error) if *error.kind() == ErrorKind::NotSupported && len.is_some() => ffmpeg_sound(path, start_at)?,
            source => Some(Box::new(source?) as Box<dyn AudioSource>),
        }
    } else if head.starts_with(matroska::MAGIC) {
        opus::open_matroska(path, start_at)?
    } else {
        ffmpeg_sound(path, start_at)?
    };
    found.ok_or_else(|| Error::not_readable("expected sound but found a file without any").at(name))
}

fn ffmpeg_sound(path: &Path, start: SoundStart) -> Result<Option<Box<dyn AudioSource>>> {
    let sound = FfmpegSound::open(path, start, TimeBase::Original)?;
    Ok(sound.map(|sound| Box::new(sound) as Box<dyn AudioSource>))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ffmpeg::clips;

    fn refused(path: &Path) -> Error {
        open_audio(&AudioSpec::File(path.to_owned()), None).err().unwrap()
    }

    #[test]
    fn names_become_sources() {
        assert_eq!("tone".parse(), Ok(AudioSpec::Tone));
        assert_eq!("./tone".parse(), Ok(AudioSpec::File("./tone".into())));
        assert_eq!("song.wav".parse(), Ok(AudioSpec::File("song.wav".into())));
    }

    #[test]
    fn a_missing_file_a_directory_and_an_empty_file_each_have_their_own_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        assert_eq!(*refused(&path).kind(), ErrorKind::NotFound);
        assert!(refused(folder.path()).to_string().contains("found a directory"));
        std::fs::write(&path, []).unwrap();
        let error = refused(&path).to_string();
        assert!(error.contains("a.wav: expected sound but found an empty file"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_sound_and_a_film_without_sound_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        std::fs::write(&path, b"\x1a\x45\xdf\xa3 and more of it").unwrap();
        assert!(refused(&path).to_string().contains("a.wav: "));
        let Some((_folder, silent)) = clips::made("a.mp4", "testsrc=s=64x64:r=25:d=0.12", "-c:v mpeg4") else { return };
        let error = refused(&silent).to_string();
        assert!(error.contains("expected sound but found a file without any"), "{error}");
        std::fs::write(&path, b"hello").unwrap();
        let error = refused(&path).to_string();
        assert!(error.contains("a.wav: expected a file that ffmpeg can read but found none"), "{error}");
    }

    #[test]
    fn forms_of_wav_that_we_do_not_read_are_read_by_ffmpeg() {
        let Some((_folder, path)) = clips::made("a.wav", "sine=d=0.5:r=44100", "-c:a adpcm_ms") else { return };
        let mut sound = open_audio(&AudioSpec::File(path), Some(Span::from_millis(100))).unwrap();
        assert_eq!((sound.info().kind, sound.info().rate, sound.info().channels), ("ffmpeg", 44_100, 1));
        let mut samples = 0;
        while let Some(buffer) = sound.next_buffer().unwrap() {
            samples += buffer.samples();
        }
        assert!(samples.abs_diff(44_100 * 4 / 10) < 2048, "{samples}");
    }
}
