//! Where sound comes from: each source gives buffers in the order of their timestamps, one after the other without a
//! gap, until it ends.

use std::convert::Infallible;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::tone::ToneSource;
use super::wav::WavSource;
use crate::audio::AudioBuffer;
use crate::error::{Error, Result};
use crate::time::Span;

/// What to open, as the user named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioSpec {
    /// The built-in test tone.
    Tone,
    /// A WAV file.
    File(PathBuf),
}

/// `tone`, else a path. A file named so is reached as `./tone`.
impl FromStr for AudioSpec {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "tone" => Self::Tone,
            path => Self::File(PathBuf::from(path)),
        })
    }
}

/// What is known of a source of sound before its first buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioInfo {
    /// One word for people: `tone`, `wav`.
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

/// A source of sound. It is pulled: `next_buffer` blocks until there is one.
pub trait AudioSource: Send {
    /// What is known of it.
    fn info(&self) -> &AudioInfo;

    /// The next stretch of some 20 ms, or none at the end. After an error or the end it is not called again. A file that
    /// breaks off gives all its whole samples first, then the error.
    fn next_buffer(&mut self) -> Result<Option<AudioBuffer>>;
}

/// Opens a source of sound. What is heard before `start` is skipped, to the sample; the first buffer then has timestamp
/// 0. The errors: what is named does not exist, may not be read, is a directory, is no WAV file or one of a form that is
/// not read, or ends before the start asked for.
pub fn open_audio(spec: &AudioSpec, start: Option<Span>) -> Result<Box<dyn AudioSource>> {
    match spec {
        AudioSpec::Tone => Ok(Box::new(ToneSource::new(start))),
        AudioSpec::File(path) => open_file(path, start),
    }
}

fn open_file(path: &Path, start: Option<Span>) -> Result<Box<dyn AudioSource>> {
    let metadata = std::fs::metadata(path).map_err(|error| Error::reading(path, error))?;
    if metadata.is_dir() {
        return Err(Error::reading(path, std::io::ErrorKind::IsADirectory.into()));
    }
    let file = File::open(path).map_err(|error| Error::reading(path, error))?;
    let len = metadata.is_file().then_some(metadata.len());
    Ok(Box::new(WavSource::new(file, &path.display().to_string(), len, start)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

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
        assert!(error.contains("a.wav: expected a WAV file but found an empty one"), "{error}");
    }

    #[test]
    fn other_files_are_named_with_the_way_to_convert_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        for (bytes, found) in [
            (&b"\x1a\x45\xdf\xa3 and more of it"[..], "found a Matroska or WebM file"),
            (b"RIFF\x10\0\0\0AVI LIST....", "found a RIFF file"),
            (b"hello", "found `hello`"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = refused(&path).to_string();
            assert!(error.contains(found) && error.contains("ffmpeg -i FILE OUT.wav"), "{error}");
        }
    }
}
