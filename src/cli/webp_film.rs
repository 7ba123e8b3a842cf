//! Lossy WebP pictures into a `.webm`: their VP8 goes into the file as it is, without a canvas and without an encoder.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use framereel::encode::EncoderChoice;
use framereel::mux::Container;
use framereel::recorder::{Destination, FileSink, Report};
use framereel::source::image::DEFAULT_RATE;
use framereel::source::pictures::PicturesSource;
use framereel::{Error, Result, Size, SourceSpec, VideoCodec, Whammy};

use super::args::RecordArgs;

/// The pictures of these arguments and their size, if they can go into the file as they are: lossy WebP pictures of one
/// size, one `.webm`, and nothing asked for that changes them.
pub fn pictures(args: &RecordArgs) -> Option<(Vec<PathBuf>, Size)> {
    let as_they_are = args.containers() == [Container::Webm]
        && matches!(args.encoder.codec, None | Some(VideoCodec::Vp8))
        && args.encoder.encoder == EncoderChoice::Auto
        && (args.encoder.bitrate, args.encoder.quality, args.encoder.key_interval) == (None, None, None)
        && args.input.chain().is_ok_and(|chain| chain.is_empty())
        && args.input.size.is_none()
        && args.audio.is_none()
        && args.overlay.is_empty()
        && (args.start, args.duration, args.frames, args.max_size) == (None, None, None, None)
        && args.split.is_none()
        && args.timeslice.is_none()
        && args.motion_blur.is_none()
        && !args.realtime
        && !args.alpha
        && args.show.is_none();
    if !as_they_are {
        return None;
    }
    let paths = match &args.input.source {
        SourceSpec::Pictures(paths) => paths.clone(),
        SourceSpec::File(folder) if folder.is_dir() => PicturesSource::in_folder(folder).ok()?,
        _ => return None,
    };
    let first = lossy_size(paths.first()?)?;
    paths.iter().all(|path| lossy_size(path) == Some(first)).then_some((paths, first))
}

/// The size of a WebP picture that is lossy and nothing else (RFC 9649 §2.5: one chunk `VP8 `, RFC 6386 §9.1).
fn lossy_size(path: &Path) -> Option<Size> {
    let mut head = [0; 30];
    File::open(path).ok()?.read_exact(&mut head).ok()?;
    let is_lossy = &head[..4] == b"RIFF" && &head[8..16] == b"WEBPVP8 " && head[23..26] == [0x9d, 0x01, 0x2a];
    let side = |at: usize| u32::from(u16::from_le_bytes([head[at], head[at + 1]]) & 0x3fff);
    is_lossy.then(|| Size::new(side(26), side(28)))
}

/// Writes the pictures to `destination`. After an error the film holds the pictures before it.
pub fn record(
    args: &RecordArgs,
    (paths, size): (Vec<PathBuf>, Size),
    destination: Destination,
) -> (Report, Option<Error>) {
    let began = Instant::now();
    let mut report = Report::default();
    let Destination::File(sink) = destination else {
        return (report, Some(Error::new(framereel::ErrorKind::Unknown, "expected a file to write to but found none")));
    };
    let error = write(args, &paths, sink, &mut report).err();
    (report.width, report.height, report.files) = (size.width, size.height, 1);
    (report.encoder, report.codec) = ("copy".to_owned(), VideoCodec::Vp8.to_string());
    report.wall_s = began.elapsed().as_secs_f64();
    (report, error)
}

fn write(args: &RecordArgs, paths: &[PathBuf], sink: FileSink, report: &mut Report) -> Result<()> {
    let mut film = Whammy::new(args.fps.unwrap_or(DEFAULT_RATE)).with_file(sink);
    let added = paths.iter().try_for_each(|path| film.add_file(path, None).map(drop));
    let account = film.report();
    report.frames_encoded = account.pictures;
    report.frames_in = account.pictures;
    report.duration_s = account.duration.as_secs_f64();
    let ended = film.compile();
    report.bytes = ended.as_ref().map_or(0, |film| film.size());
    added.and(ended.map(drop))
}
