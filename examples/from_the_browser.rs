//! The browser's example, line for line: a canvas with a filter, a stream of it, a recorder, and a file from its blobs.

use framereel::{
    Blob, Canvas, Clock, ColorSpace, Event, Frame, FrameRate, Gpu, MediaRecorder, MediaRecorderOptions, PixelFormat,
    Size,
};

fn main() -> framereel::Result<()> {
    let gpu = Gpu::new()?;
    // Each frame is 1/30 s after the last, however long it took to draw.
    let clock = Clock::stepped(FrameRate::whole(30));
    let mut canvas = Canvas::new(&gpu, Size::new(640, 360))?.with_clock(clock);
    canvas.set_filter(&"sepia(60%) blur(2px)".parse()?);
    let stream = canvas.capture_stream(None)?;
    let options =
        MediaRecorderOptions::default().with_mime_type("video/webm;codecs=av1").with_video_bits_per_second(4_000_000);
    let recorder = MediaRecorder::new(&stream, options)?;
    recorder.start(None)?;
    for frame in 0..90 {
        canvas.draw(picture(frame));
        canvas.present()?;
    }
    recorder.stop();
    let mut chunks = Vec::new();
    for event in recorder.events() {
        match event {
            Event::DataAvailable(event) => chunks.push(event.data),
            Event::Error(error) => return Err(error),
            _ => {}
        }
    }
    Blob::join(chunks).save("drawing.webm")?;
    Ok(())
}

/// A dark frame with a bright moving stripe.
fn picture(frame: u32) -> Frame {
    let size = Size::new(640, 360);
    let pixels = (0..size.height).flat_map(|_| 0..size.width).flat_map(|x| {
        let lit = (frame * 6..frame * 6 + 40).contains(&x);
        if lit { [250, 220, 90, 255] } else { [30, 50, 90, 255] }
    });
    Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, pixels.collect())
}
