//! Where sound comes from: each source gives buffers in the order of their timestamps, one after the other without a
//! gap, until it ends.

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

/// Enough of a file to know it by.
const HEAD: u64 = 12;

/// What to open, as the user named it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AudioSpec {
    /// The built-in test tone.
    Tone,
    /// A microphone, or any other input: by its name or its id; the default one where that is empty.
    Microphone(String),
    /// What the system plays: the monitor of an output, by its name; of the default one where that is empty.
    System(String),
    /// A file: WAV and Opus in WebM by ourselves, all else, and the sound of films, through the `ffmpeg` program. Where there
    /// is none of that name, an input of sound that is called so.
    File(PathBuf),
}

/// `tone`, `mic`, `mic:NAME`, `system`, `system:NAME`, else a path. A file named so is reached as `./tone`.
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

/// What is known of a source of sound before its first buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioInfo {
    /// One word for people: `tone`, `wav`, `webm`, `ffmpeg`.
    pub kind: &'static str,
    /// Samples a second in each channel, within [`AudioBuffer::RATES`].
    pub rate: u32,
    /// How many channels, 1 to 8, in the order of WAVE files: left, right, middle, low frequencies, rear, side.
    pub channels: usize,
    /// How long it will be heard, where that is known and it ends.
    pub length: Option<Span>,
    /// Whether it goes on for ever.
    pub endless: bool,
}

impl AudioInfo {
    /// Of this kind, with so many samples a second in so many channels; nothing else is known.
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

/// A source of sound. It is pulled: `next_buffer` blocks until there is one.
pub trait AudioSource: Send {
    /// What is known of it.
    fn info(&self) -> &AudioInfo;

    /// Whether it is live: it gives sound as it is heard, whether anybody waits for it or not.
    fn is_live(&self) -> bool {
        false
    }

    /// Of a live source: this time of `clock` becomes timestamp 0; what is heard before is left out. Called once, before the
    /// first buffer is taken. All others begin at 0 as it is.
    fn begin_at(&mut self, _time: Timestamp, _clock: &Clock) {}

    /// Of a live source: when its device goes, it is silent until the device is there again, in place of ending with an
    /// error. Others stay as they are.
    fn reconnect(&mut self) {}

    /// The next stretch of some 20 ms, or none at the end. After an error or the end it is not called again. A file that
    /// breaks off gives all its whole samples first, then the error.
    fn next_buffer(&mut self) -> Result<Option<AudioBuffer>>;
}

/// Where in a file the sound is to begin. The first buffer then has timestamp 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoundStart {
    /// So much after the sound's own beginning.
    Skip(Span),
    /// At this time of the file, as its timestamps count; silence comes first where the sound begins later.
    FileTime(Span),
}

/// Opens a source of sound. What is heard before `start` is skipped, to the sample; the first buffer then has timestamp
/// 0. The errors: what is named does not exist, may not be read, is a directory, holds no sound, needs a program that is
/// missing, or ends before the start asked for.
pub fn open_audio(spec: &AudioSpec, start: Option<Span>) -> Result<Box<dyn AudioSource>> {
    match spec {
        AudioSpec::Tone => Ok(Box::new(ToneSource::new(start))),
        AudioSpec::Microphone(name) => microphone::open(name, InputKind::Microphone),
        AudioSpec::System(name) => microphone::open(name, InputKind::Monitor),
        AudioSpec::File(path) => open_file(path, start).or_else(|error| open_input(path, error)),
    }
}

/// A file that does not exist may be the name of an input, as `Headset`; `error` where it is none either.
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
            // Forms of WAV that we do not read.
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
