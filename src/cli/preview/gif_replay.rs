//! A GIF of what was just shown: the last seconds of the instant replay, small enough to be sent.

use std::io;
use std::path::PathBuf;

use framereel::mux::{Container, Detail, inspect};
use framereel::recorder::FileSink;
use framereel::{
    Blob, Error, ErrorKind, FrameRate, Gpu, MediaRecorderOptions, Result, Size, SourceOptions, SourceSpec, Span,
    record, source,
};

/// How much of the replay becomes a GIF.
const LENGTH: Span = Span::from_secs(3);
/// Its greatest width in pixels.
const WIDTH: u32 = 480;

/// Makes a GIF of the end of this replay in this file, and returns the file's path.
pub fn save(replay: &Blob, file: FileSink) -> Result<PathBuf> {
    let path = file.path().to_owned();
    let source = match open(replay) {
        Ok(source) => source,
        Err(error) => {
            file.discard();
            return Err(error);
        }
    };
    let (source, _kept) = source;
    let size = small(source.info().size);
    let options = MediaRecorderOptions::default().with_mime_type(Container::Gif.mime_type(true));
    let rate = FrameRate::new(25, 2)?;
    record(source).size(size).rate(rate).options(options).run(&Gpu::new()?, file)?;
    Ok(path)
}

/// The end of the replay as a source, and the file that it is read from.
fn open(replay: &Blob) -> Result<(Box<dyn source::Source>, tempfile::NamedTempFile)> {
    let no_file = |error| Error::new(ErrorKind::Write, "no file for the replay").with_cause(error);
    let mut file = tempfile::NamedTempFile::new().map_err(no_file)?;
    io::copy(&mut replay.reader(), &mut file).map_err(no_file)?;
    let length = inspect(replay.reader(), Detail::Numbers)?.measured_duration_s;
    let length = Span::from_nanos((length * 1e9) as i64);
    let mut options = SourceOptions::default();
    options.start = Some(length - LENGTH).filter(|start| *start > Span::ZERO);
    Ok((source::open(&SourceSpec::File(file.path().to_owned()), &options)?, file))
}

/// The size of a GIF of pictures of this size.
fn small(size: Size) -> Size {
    if size.width <= WIDTH {
        return size;
    }
    let height = f64::from(size.height) * f64::from(WIDTH) / f64::from(size.width);
    Size::new(WIDTH, ((height / 2.0).round() as u32 * 2).max(2))
}
