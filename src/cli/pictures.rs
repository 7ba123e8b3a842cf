//! `framereel filters --pictures`: a picture of each filter, as docs/filters.md shows them.

use std::fs;
use std::path::Path;

use framereel::canvas::Capture;
use framereel::filter::{self, FileAccess, FilterInfo};
use framereel::still::{self, StillFormat};
use framereel::{
    Error, ErrorKind, FilterChain, Frame, Gpu, PixelFormat, Result, Size, SourceOptions, SourceSpec, Span, Timestamp,
    source,
};

use super::args::PicturesArgs;
use super::{create, print, write};

/// The files of the filters that need one: a table and a shader, small and our own.
const FILES: [(&str, &str); 2] =
    [("teal.cube", include_str!("../../examples/teal.cube")), ("wave.wgsl", include_str!("../../examples/wave.wgsl"))];

/// How long before the frame that is shown its film begins, for filters that leave trails.
const LEAD: Span = Span::from_millis(400);
/// The quality of the JPEGs, 0–1.
const QUALITY: f32 = 0.6;
/// The side of the squares that show through where a picture is transparent.
const SQUARE: usize = 10;

/// The chain of this filter's picture.
pub fn chain(info: &FilterInfo) -> String {
    info.demonstration().unwrap_or_else(|| match info.name {
        "lut" => "lut(\"teal.cube\")".into(),
        _ => "shader(\"wave.wgsl\", height=12)".into(),
    })
}

/// Draws a picture of each filter into this folder.
pub fn draw(folder: &Path, args: &PicturesArgs, size: Size) -> Result<()> {
    let chains = chains()?;
    let gpu = Gpu::new()?;
    gpu.check_size(size)?;
    let frames = frames(&args.of, args.at)?;
    fs::create_dir_all(folder).map_err(|error| {
        Error::new(ErrorKind::Write, "the folder could not be made").at(folder.display()).with_cause(error)
    })?;
    for (name, chain) in &chains {
        let file = create(&folder.join(format!("{name}.jpg")), args.force)?;
        let picture = over_squares(&filtered(&gpu, chain, size, &frames)?);
        write(file, &still::encode(&picture, StillFormat::Jpeg, Some(QUALITY))?)?;
    }
    print(format_args!("{}: {} pictures", folder.display(), chains.len()))
}

/// Each filter's name, and the chain of its picture.
fn chains() -> Result<Vec<(&'static str, FilterChain)>> {
    let failed = |error| Error::new(ErrorKind::Write, "a file for a filter could not be written").with_cause(error);
    let folder = tempfile::tempdir().map_err(failed)?;
    for (name, text) in FILES {
        fs::write(folder.path().join(name), text).map_err(failed)?;
    }
    let files = FileAccess::Folder(folder.path().to_owned());
    filter::catalog().iter().map(|info| Ok((info.name, FilterChain::parse_with(&chain(info), &files)?))).collect()
}

/// The frames of this source from a little before this time up to it.
fn frames(of: &SourceSpec, at: Span) -> Result<Vec<Frame>> {
    let lead = at.min(LEAD);
    let options = SourceOptions::default().with_start(at - lead);
    let mut source = source::open(of, &options)?;
    let mut frames = Vec::new();
    while let Some(frame) = source.next_frame()? {
        if frame.timestamp > Timestamp::ZERO + lead && !frames.is_empty() {
            break;
        }
        frames.push(frame);
    }
    if frames.is_empty() {
        let context = format!("expected a time before the source's end but found --at {at}");
        return Err(Error::new(ErrorKind::Range, context));
    }
    Ok(frames)
}

/// The last frame, filtered; the ones before it leave trails.
fn filtered(gpu: &Gpu, chain: &FilterChain, size: Size, frames: &[Frame]) -> Result<Frame> {
    let mut capture = Capture::new(gpu, chain, size, PixelFormat::Rgba8);
    let mut last = None;
    for frame in frames {
        capture.submit(frame, frame.timestamp)?;
        last = capture.take()?;
    }
    last.ok_or_else(|| Error::new(ErrorKind::Unknown, "the GPU gave no picture back"))
}

/// The picture over grey squares, which show through where it is not opaque.
fn over_squares(picture: &Frame) -> Frame {
    let mut pixels = Vec::with_capacity(picture.data().len());
    for (y, row) in picture.rows(0).enumerate() {
        for (x, color) in row.chunks_exact(4).enumerate() {
            let square = [200, 150][(x / SQUARE + y / SQUARE) % 2];
            let alpha = u32::from(color[3]);
            let mixed = |&value: &u8| ((u32::from(value) * alpha + square * (255 - alpha) + 127) / 255) as u8;
            pixels.extend(color[..3].iter().map(mixed).chain([u8::MAX]));
        }
    }
    Frame::packed(picture.format(), picture.size(), picture.color, pixels)
}
