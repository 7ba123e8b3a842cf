//! Saves the last seconds after an event: `instant_replay [FILE.webm]`.
//!
//! A ball bounces for ten seconds on a canvas that keeps its last three, encoded, in memory. The moment the ball hits
//! the corner, they are saved.

use framereel::{Canvas, Clock, ColorSpace, Frame, FrameRate, Gpu, PixelFormat, Replay, Size, Span};

const SIZE: Size = Size::new(320, 240);
const BALL: u32 = 24;

fn main() -> framereel::Result<()> {
    let output = std::env::args().nth(1).unwrap_or("replay.webm".into());
    let gpu = Gpu::new()?;
    let mut canvas = Canvas::new(&gpu, SIZE)?.with_clock(Clock::stepped(FrameRate::whole(30)));
    canvas.set_filter(&"motion-trail(0.7) bloom()".parse()?);
    let replay = Replay::new(Span::from_secs(3)).start(&canvas.capture_stream(None)?)?;
    for index in 0..300 {
        let (x, y) = (bounce(index * 4, SIZE.width - BALL), bounce(index * 3, SIZE.height - BALL));
        canvas.draw(ball(x, y));
        canvas.present()?;
        if index > 90 && x == 0 && y < BALL {
            println!("frame {index}: the corner! The seconds before it are in {output}");
            return replay.save()?.save(&output);
        }
    }
    println!("the ball never hit the corner");
    Ok(())
}

/// A position that moves to and fro between 0 and `travel`.
fn bounce(way: u32, travel: u32) -> u32 {
    let along = way % (2 * travel);
    along.min(2 * travel - along)
}

fn ball(left: u32, top: u32) -> Frame {
    let pixels = (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| (x, y))).flat_map(|(x, y)| {
        let hit = (left..left + BALL).contains(&x) && (top..top + BALL).contains(&y);
        if hit { [255, 180, 40, 255] } else { [20, 24, 60, 255] }
    });
    Frame::packed(PixelFormat::Rgba8, SIZE, ColorSpace::RECORDED, pixels.collect())
}
