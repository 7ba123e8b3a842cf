//! `framereel sheet`: frames from all of a film, side by side in one picture.

use std::sync::Arc;

use framereel::still::{self, StillFormat};
use framereel::{
    Canvas, Error, ErrorKind, Frame, FrameRate, Gpu, Result, Size, Source, SourceOptions, SourceSpec, Span, Timestamp,
};

use super::args::SheetArgs;
use super::{create, end_at_once, on_signal, output, print, write};

/// The space between the frames, in pixels.
const GAP: u32 = 4;
/// How much is shown of a source without an end.
const ENDLESS: Span = Span::from_secs(5);
/// The display time of a frame when the source has no frame rate.
const NOMINAL_SPAN: Span = Span::from_millis(33);

pub fn run(args: &SheetArgs) -> Result<()> {
    let path = match &args.output {
        Some(path) => output(Some(path), &args.input.source, "png")?,
        None => {
            let named = output(None, &args.input.source, "png")?;
            let name = named.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            named.with_file_name(format!("{name}-sheet.png"))
        }
    };
    let format = StillFormat::from_path(&path)?;
    let file = create(&path, args.force)?;
    let opened = path.clone();
    on_signal(move || end_at_once([opened.as_path()]))?;
    let times = args.times()?;
    let bytes = still::encode(&args.draw(&times)?, format, None)?;
    write(file, &bytes)?;
    let seconds = |time: Option<&Span>| time.map_or(0.0, |time| time.as_secs_f64());
    let (first, last) = (seconds(times.first()), seconds(times.last()));
    print(format_args!("wrote    {}\nframes   {}, from {first:.2} s to {last:.2} s", path.display(), times.len()))
}

impl SheetArgs {
    fn options(&self, start: Option<Span>) -> SourceOptions {
        let mut options = SourceOptions::default().with_params(self.input.source_params());
        (options.start, options.size) = (start, self.input.size);
        options
    }

    /// The times of the frames: the middles of equal parts of the source.
    fn times(&self) -> Result<Vec<Span>> {
        let begin = self.start.unwrap_or(Span::ZERO);
        let source = self.input.open(&self.options(self.start))?;
        let length = match (self.duration, source.info().endless) {
            (Some(duration), _) => duration,
            (None, true) => ENDLESS,
            (None, false) => length_of(source)?,
        };
        let count = i64::from(self.grid.width * self.grid.height);
        let middle = |index: i64| begin + Span::from_nanos((length.as_nanos() * (2 * index + 1)) / (2 * count));
        Ok((0..count).map(middle).collect())
    }

    /// Draws the frames at these times, each fitted into its cell.
    fn draw(&self, times: &[Span]) -> Result<Frame> {
        let (chain, gpu) = (self.input.chain()?, Gpu::new()?);
        let mut sheet: Option<(Canvas, Size)> = None;
        for (index, &time) in (0..).zip(times) {
            let Some(frame) = self.frame_at(time)? else { break };
            let source_size = self.input.size.unwrap_or(frame.0.size());
            let mut canvas = Canvas::new(&gpu, source_size)?;
            canvas.set_filter(&frame.1.then(chain.clone()));
            canvas.draw(Arc::new(frame.0.with_timestamp(Timestamp::ZERO + time)));
            let filtered = canvas.read()?;
            let (canvas, cell) = match &mut sheet {
                Some(sheet) => sheet,
                None => {
                    let height = (f64::from(self.width) * f64::from(source_size.height) / f64::from(source_size.width))
                        .round()
                        .max(1.0);
                    let cell = Size::new(self.width, height as u32);
                    let all = Size::new(
                        self.grid.width * (cell.width + GAP) + GAP,
                        self.grid.height * (cell.height + GAP) + GAP,
                    );
                    sheet.insert((Canvas::new(&gpu, all)?, cell))
                }
            };
            let (column, row) = (index % self.grid.width, index / self.grid.width);
            let at = |index: u32, side: u32| f64::from(GAP + index * (side + GAP));
            let (x, y) = (at(column, cell.width), at(row, cell.height));
            canvas.draw_image(filtered, x, y, cell.width.into(), cell.height.into())?;
        }
        let nothing = || Error::new(ErrorKind::NotReadable, "expected a source with at least one frame but found none");
        sheet.ok_or_else(nothing)?.0.read()
    }

    /// The frame that is shown at this time, and the chain that draws it; none behind the end.
    fn frame_at(&self, time: Span) -> Result<Option<(Frame, framereel::FilterChain)>> {
        let start = Some(time).filter(|_| !matches!(self.input.source, SourceSpec::Shader(_)));
        let mut source = self.input.open(&self.options(start))?;
        let drawn_by = source.drawn_by();
        Ok(source.next_frame()?.map(|frame| (frame, drawn_by)))
    }
}

/// How long the source is from its first frame on. Reads it to its end where its headers do not say.
fn length_of(mut source: Box<dyn Source>) -> Result<Span> {
    let span = source.info().rate.map_or(NOMINAL_SPAN, FrameRate::frame_span);
    if let Some(frames) = source.info().frames {
        return Ok(Span::from_nanos(span.as_nanos().saturating_mul(frames as i64)));
    }
    let mut end = Timestamp::ZERO;
    while let Some(frame) = source.next_frame()? {
        end = frame.timestamp + span;
    }
    Ok(end - Timestamp::ZERO)
}
