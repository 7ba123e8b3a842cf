//! `framereel still`: one frame through the filters, as a picture file or a `data:` URL.

use std::sync::Arc;

use framereel::still::{self, StillFormat};
use framereel::{Canvas, Error, ErrorKind, FilterChain, Frame, Gpu, Result, Size, SourceSpec, Span, Timestamp};

use super::args::StillArgs;
use super::transparency::{NOTE, has_background, is_transparent};
use super::{adaptation, create, end_at_once, on_signal, output, print, write};

pub fn run(args: &StillArgs) -> Result<()> {
    let path = match (&args.output, args.data_url) {
        (None, true) => None,
        (given, _) => Some(output(given.as_deref(), &args.input.source, "png")?),
    };
    let format = path.as_deref().map_or(Ok(StillFormat::Png), StillFormat::from_path)?;
    let file = path.as_deref().map(|path| create(path, args.force)).transpose()?;
    on_signal(move || end_at_once(path.as_deref()))?;
    let picture = draw(args)?;
    if format == StillFormat::Jpeg && is_transparent(&picture) && !has_background(&args.input.chain()?) {
        eprintln!("{NOTE}");
    }
    let bytes = still::encode(&picture, format, None)?;
    if let Some(file) = file {
        write(file, &bytes)?;
    }
    if args.data_url { print(still::data_url(&bytes, format)) } else { Ok(()) }
}

/// The frame at the requested time, filtered.
fn draw(args: &StillArgs) -> Result<Frame> {
    let chain = args.input.chain()?;
    let gpu = Gpu::new()?;
    if let Some(size) = args.input.size {
        gpu.check_size(size)?;
    }
    let mut options = args.input.source_options().with_params(args.input.source_params());
    options.start = args.at.filter(|_| !matches!(args.input.source, SourceSpec::Shader(_)));
    options.size = args.input.size;
    let mut source = args.input.open(&options)?;
    adaptation::tell(&args.input.source, &*source, "--tone-map none");
    let frame = source.next_frame()?.ok_or_else(|| match args.at {
        Some(at) => {
            Error::new(ErrorKind::Range, format!("expected a time before the source's end but found --at {at}"))
        }
        None => Error::new(ErrorKind::NotReadable, "expected a source with at least one frame but found none"),
    })?;
    let mut canvas = Canvas::new(&gpu, args.input.size.unwrap_or(frame.size()))?;
    let frame = Arc::new(frame.with_timestamp(Timestamp::ZERO + args.at.unwrap_or(Span::ZERO)));
    let mut drawn = |chain: &FilterChain| {
        canvas.set_filter(chain);
        canvas.draw(frame.clone());
        canvas.read()
    };
    let unfiltered = source.drawn_by();
    let filtered = drawn(&unfiltered.clone().then(chain))?;
    if args.side_by_side { Ok(beside(&drawn(&unfiltered)?, &filtered)) } else { Ok(filtered) }
}

/// Both pictures in one, row by row: `left`, then `right`.
fn beside(left: &Frame, right: &Frame) -> Frame {
    let rows: Vec<u8> = left.rows(0).zip(right.rows(0)).flat_map(|(left, right)| [left, right].concat()).collect();
    let Size { width, height } = left.size();
    Frame::packed(left.format(), Size::new(2 * width, height), left.color, rows)
}
