//! Saves one frame of a film through a chain of filters: `still_with_filter`.

use framereel::source;
use framereel::still::{self, StillFormat};
use framereel::{Canvas, Gpu, SourceOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A source: any film, here from two seconds on.
    let options = SourceOptions::default().with_start("2s".parse()?);
    let frame = source::open(&"examples/clips/bunny.webm".parse()?, &options)?.next_frame()?.ok_or("an empty film")?;

    // A canvas of the frame's size, with filters over all that is drawn on it.
    let mut canvas = Canvas::new(&Gpu::new()?, frame.size())?;
    canvas.set_filter(&"sepia(60%) grain(0.1) bloom() vignette(0.4)".parse()?);
    canvas.draw(frame);

    // Its picture as a file.
    std::fs::write("still.png", still::encode(&canvas.read()?, StillFormat::Png, None)?)?;
    println!("still.png is there");
    Ok(())
}
