//! Identifies a file by its first bytes, never by its name, and opens it with its reader.

use std::fs::File;
use std::io::{Cursor, IsTerminal, Read};
use std::path::Path;

use super::ffmpeg::{self, DeviceSource, FfmpegSource};
use super::image::{self, ImageSource};
use super::pattern::PatternSource;
use super::pictures::PicturesSource;
use super::shader::ShaderSource;
use super::webm::WebmSource;
use super::y4m::{self, Y4mSource};
use super::{Source, SourceOptions, SourceSpec, describe};
use crate::devices::camera;
use crate::error::{Error, ErrorKind, Result};
use crate::mux::matroska;

/// Enough bytes of a file to identify it.
const HEAD: u64 = 32;

/// Opens a source. Errors: the source does not exist, may not be read, is a directory, is empty, is damaged before its
/// first frame, needs a program that is missing, or ends before the start.
pub fn open(spec: &SourceSpec, options: &SourceOptions) -> Result<Box<dyn Source>> {
    let _span = tracing::debug_span!("open source").entered();
    match spec {
        SourceSpec::Pattern => Ok(Box::new(PatternSource::new(options)?)),
        SourceSpec::Stdin => {
            let stdin = std::io::stdin();
            if stdin.is_terminal() {
                return Err(not_y4m("a terminal"));
            }
            open_stream(stdin, options)
        }
        SourceSpec::Shader(path) => Ok(Box::new(ShaderSource::open(path, options)?)),
        SourceSpec::Camera(name) => camera::open(name, options),
        SourceSpec::Screen(name) => Ok(Box::new(DeviceSource::screen(name, options)?)),
        SourceSpec::Sound(_) => Err(Error::not_readable("expected a source of pictures but found one of sound alone")),
        SourceSpec::Pictures(paths) => Ok(Box::new(PicturesSource::open(paths.clone(), options)?)),
        SourceSpec::File(path) => open_file(path, options),
    }
}

/// Opens YUV4MPEG2 from standard input.
fn open_stream(mut reader: impl Read + Send + 'static, options: &SourceOptions) -> Result<Box<dyn Source>> {
    let head = read_head(&mut reader, y4m::MAGIC.len() as u64)
        .map_err(|error| Error::not_readable("standard input could not be read").with_cause(error))?;
    if head != y4m::MAGIC {
        return Err(not_y4m(&describe(&head)));
    }
    Ok(Box::new(Y4mSource::new(Cursor::new(head).chain(reader), "standard input", None, options)?))
}

fn not_y4m(found: &str) -> Error {
    Error::not_readable(format!(
        "expected YUV4MPEG2 on standard input but found {found}; convert with \
         `ffmpeg -i FILE -f yuv4mpegpipe -`"
    ))
}

fn open_file(path: &Path, options: &SourceOptions) -> Result<Box<dyn Source>> {
    let metadata = std::fs::metadata(path).map_err(|error| Error::reading(path, error))?;
    if metadata.is_dir() {
        return Ok(Box::new(PicturesSource::open(PicturesSource::in_folder(path)?, options)?));
    }
    let name = path.display().to_string();
    let mut file = File::open(path).map_err(|error| Error::reading(path, error))?;
    let head = read_head(&mut file, HEAD).map_err(|error| Error::reading(path, error))?;
    if head.is_empty() {
        return Err(Error::not_readable("expected a film or a picture but found an empty file").at(name));
    }
    if head.starts_with(y4m::MAGIC) {
        let len = metadata.is_file().then_some(metadata.len());
        return Ok(Box::new(Y4mSource::new(Cursor::new(head).chain(file), &name, len, options)?));
    }
    if !metadata.is_file() {
        let found = describe(&head);
        return Err(Error::not_readable(format!("expected YUV4MPEG2 from a pipe or device but found {found}")).at(name));
    }
    if head.starts_with(matroska::MAGIC) {
        return open_matroska(path, file, &name, options);
    }
    match image::sniff(&head) {
        Some(format) => Ok(Box::new(ImageSource::open(path, format, options)?)),
        None => Ok(Box::new(FfmpegSource::open(path, options)?)),
    }
}

/// Opens the file with the built-in decoder, or with ffmpeg when it holds what that does not read.
fn open_matroska(path: &Path, file: File, name: &str, options: &SourceOptions) -> Result<Box<dyn Source>> {
    let unsupported = match WebmSource::new(file, name, options) {
        Ok(source) => return Ok(Box::new(source.with_path(path))),
        Err(error) if *error.kind() == ErrorKind::NotSupported => error,
        Err(error) => return Err(error),
    };
    match FfmpegSource::open(path, options) {
        Ok(source) => Ok(Box::new(source)),
        Err(error) if *error.kind() == ErrorKind::NotFound => {
            Err(unsupported.with_cause(format!("ffmpeg would read it; {}", ffmpeg::INSTALL)))
        }
        Err(error) => Err(error),
    }
}

fn read_head(reader: &mut impl Read, len: u64) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(len).read_to_end(&mut head)?;
    Ok(head)
}

/// One of the decoders behind [`open`], for display.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decoder {
    /// Its name, as in [`SourceInfo::kind`](super::SourceInfo::kind).
    pub name: &'static str,
    /// The formats that it reads.
    pub reads: &'static str,
    /// `built in` or the version that was found; none where it is missing.
    pub found: Option<String>,
    /// How to install it when it is missing.
    pub remedy: &'static str,
}

const WEBM: &str = if cfg!(all(feature = "vpx", unix)) {
    "AV1 with 8, 10 or 12 bits, VP8 and VP9 with 8, and Opus, in WebM and Matroska"
} else {
    "AV1 with 8, 10 or 12 bits, and Opus, in WebM and Matroska"
};

/// All decoders, whether they were found or not. Runs `ffmpeg -version` and `ffprobe -version`.
pub fn decoders() -> Vec<Decoder> {
    let built_in = |name, reads| Decoder { name, reads, found: Some("built in".to_owned()), remedy: "" };
    vec![
        built_in("y4m", "YUV4MPEG2 with 8, 10 or 12 bits, from files and standard input"),
        built_in("webm", WEBM),
        built_in("wav", "WAV sound"),
        built_in("image", "PNG, JPEG, WebP and BMP pictures, and folders of them"),
        Decoder {
            name: "ffmpeg",
            reads: "everything else: MP4, MOV, MKV, GIF, MP3, FLAC and more",
            found: ffmpeg::version(),
            remedy: ffmpeg::INSTALL,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ffmpeg::clips;

    fn refused(path: &Path) -> Error {
        open(&SourceSpec::File(path.to_owned()), &SourceOptions::default()).err().unwrap()
    }

    fn kind(path: &Path) -> &'static str {
        open(&SourceSpec::File(path.to_owned()), &SourceOptions::default()).unwrap().info().kind
    }

    #[test]
    fn names_become_sources() {
        assert_eq!("pattern".parse(), Ok(SourceSpec::Pattern));
        assert_eq!("-".parse(), Ok(SourceSpec::Stdin));
        assert_eq!("./pattern".parse(), Ok(SourceSpec::File("./pattern".into())));
    }

    #[test]
    fn a_missing_file_a_directory_and_an_empty_file_each_have_their_own_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        assert_eq!(*refused(&path).kind(), ErrorKind::NotFound);
        assert!(refused(folder.path()).to_string().contains("found a directory without any"));
        std::fs::write(&path, []).unwrap();
        assert!(refused(&path).to_string().contains("found an empty file"));
    }

    #[test]
    fn files_are_known_by_their_bytes_whatever_their_name() {
        let folder = tempfile::tempdir().unwrap();
        let y4m = folder.path().join("a.png");
        std::fs::write(&y4m, b"YUV4MPEG2 W2 H2 C420\nFRAME\nabcdef").unwrap();
        assert_eq!(kind(&y4m), "y4m");
        let png = folder.path().join("a.mp4");
        ::image::RgbImage::new(3, 3).save_with_format(&png, ::image::ImageFormat::Png).unwrap();
        assert_eq!(kind(&png), "image");
        for (encoder, expected) in [
            ("libaom-av1 -cpu-used 8", "webm"),
            ("libvpx-vp9", if cfg!(all(feature = "vpx", unix)) { "webm" } else { "ffmpeg" }),
            ("libvpx-vp9 -pix_fmt yuv444p", "ffmpeg"),
            ("libaom-av1 -cpu-used 8 -vf setsar=2", "ffmpeg"),
        ] {
            let source = "testsrc=s=64x64:r=25:d=0.12";
            let arguments = format!("-pix_fmt yuv420p -c:v {encoder} -f webm");
            let Some((_folder, path)) = clips::made("a.y4m", source, &arguments) else { return };
            assert_eq!(kind(&path), expected, "{encoder}");
        }
    }

    #[test]
    fn a_stream_on_standard_input_must_be_y4m_and_the_error_says_what_came_and_how_to_convert() {
        for (bytes, found) in
            [(&b""[..], "found nothing"), (b"\x89PNG\r\n\x1a\n", "found a PNG picture"), (b"hello", "found `hello`")]
        {
            let error = open_stream(Cursor::new(bytes), &SourceOptions::default()).err().unwrap().to_string();
            assert!(error.contains(found) && error.contains("-f yuv4mpegpipe -"), "{error}");
        }
        let stream = Cursor::new(b"YUV4MPEG2 W2 H2 C420\nFRAME\nabcdef");
        let mut source = open_stream(stream, &SourceOptions::default()).unwrap();
        assert_eq!(source.next_frame().unwrap().unwrap().data(), b"abcdef");
        assert!(source.next_frame().unwrap().is_none());
    }

    #[test]
    fn a_device_without_end_is_refused() {
        if cfg!(unix) {
            assert!(refused(Path::new("/dev/zero")).to_string().contains("expected YUV4MPEG2 from a pipe or device"));
        }
    }

    #[test]
    fn every_decoder_is_found_or_says_how_to_get_it() {
        for decoder in decoders() {
            assert!(decoder.found.is_some() || !decoder.remedy.is_empty(), "{decoder:?}");
        }
    }
}
