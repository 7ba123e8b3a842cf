//! `framereel still`: one frame through the filters, as a picture file or a `data:` URL.

use std::io::Write;

use framereel::canvas::Canvas;
use framereel::frame::Frame;
use framereel::gpu::Gpu;
use framereel::recorder::FileSink;
use framereel::source::{self, SourceOptions};
use framereel::still::{self, StillFormat};
use framereel::{Error, ErrorKind, Result};

use super::args::StillArgs;
use super::{output, print};

pub fn run(args: &StillArgs) -> Result<()> {
    let path = match (&args.output, args.data_url) {
        (None, true) => None,
        (given, _) => Some(output(given.as_deref(), &args.input.source, "png")?),
    };
    let format = path.as_deref().map_or(Ok(StillFormat::Png), StillFormat::from_path)?;
    let file = path.as_deref().map(|path| FileSink::create(path, args.force)).transpose()?;
    let bytes = still::encode(&draw(args)?, format, None)?;
    if let Some(file) = file {
        write(file, &bytes)?;
    }
    if args.data_url { print(still::data_url(&bytes, format)) } else { Ok(()) }
}

/// The frame at the time asked for, filtered.
fn draw(args: &StillArgs) -> Result<Frame> {
    let chain = args.input.chain()?;
    let gpu = Gpu::new()?;
    if let Some(size) = args.input.size {
        gpu.check_size(size)?;
    }
    let options =
        SourceOptions { start: args.at, size: args.input.size, rate: None, params: args.input.source_params() };
    let mut source = source::open(&args.input.source, &options)?;
    let frame = source.next_frame()?.ok_or_else(|| match args.at {
        Some(at) => {
            Error::new(ErrorKind::Range, format!("expected a time before the source's end but found --at {at}"))
        }
        None => Error::new(ErrorKind::NotReadable, "expected a source with at least one frame but found none"),
    })?;
    let mut canvas = Canvas::new(&gpu, args.input.size.unwrap_or(frame.size))?;
    canvas.set_filter(&source.drawn_by().then(chain));
    canvas.draw(frame);
    canvas.read()
}

/// Writes the whole picture; of half a picture nothing stays.
fn write(mut file: FileSink, bytes: &[u8]) -> Result<()> {
    match file.write_all(bytes).and_then(|()| file.flush()) {
        Ok(()) => Ok(()),
        Err(cause) => {
            let error = Error::new(ErrorKind::Write, "could not be written").at(file.path().display());
            file.discard();
            Err(error.with_source(cause))
        }
    }
}
