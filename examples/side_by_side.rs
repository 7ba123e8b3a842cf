//! Saves one frame of a film beside the same frame filtered: `side_by_side SOURCE TIME CHAIN FILE.png`.

use std::path::Path;
use std::sync::Arc;

use framereel::filter::FileAccess;
use framereel::source;
use framereel::still::{self, StillFormat};
use framereel::{Canvas, ColorSpace, FilterChain, Frame, Gpu, PixelFormat, Size, SourceOptions, SourceSpec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [film, time, chain, picture] = arguments.as_slice() else {
        return Err("expected SOURCE TIME CHAIN FILE.png".into());
    };
    let film: SourceSpec = film.parse()?;
    let options = SourceOptions::default().with_start(time.parse()?);
    let frame = source::open(&film, &options)?.next_frame()?.ok_or("the film has no frame there")?;

    let mut canvas = Canvas::new(&Gpu::new()?, frame.size())?;
    let frame = Arc::new(frame);
    canvas.draw(frame.clone());
    let before = canvas.read()?;
    // A filter applies to what is drawn after it.
    canvas.set_filter(&FilterChain::parse_with(chain, &FileAccess::Any)?);
    canvas.draw(frame);
    let after = canvas.read()?;

    let picture = Path::new(picture);
    std::fs::write(picture, still::encode(&beside(&before, &after), StillFormat::from_path(picture)?, None)?)?;
    Ok(())
}

/// Both pictures in one, row by row: `left`, then `right`.
fn beside(left: &Frame, right: &Frame) -> Frame {
    let rows: Vec<u8> = left.rows(0).zip(right.rows(0)).flat_map(|(left, right)| [left, right].concat()).collect();
    Frame::packed(PixelFormat::Rgba8, Size::new(left.size().width * 2, left.size().height), ColorSpace::RECORDED, rows)
}
