//! Measures the filter path without an encoder: decodes a film, filters it on the GPU, reads it back as I420 and drops
//! it.
//!
//! `cargo bench --bench readback -- FILM CHAIN` prints the frames, the seconds and the frames per second.

use std::hint::black_box;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;

use framereel::canvas::Capture;
use framereel::filter::FilterChain;
use framereel::frame::PixelFormat;
use framereel::gpu::Gpu;
use framereel::source::{self, SourceOptions, SourceSpec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Cargo adds the argument --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (film, chain) = match arguments.as_slice() {
        [] => (concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm"), "sepia(1)"),
        [film, chain] => (film.as_str(), chain.as_str()),
        _ => return Err("expected FILM CHAIN".into()),
    };
    let film: SourceSpec = film.parse()?;
    let chain: FilterChain = chain.parse()?;

    let began = Instant::now();
    let gpu = Gpu::new()?;
    let mut source = source::open(&film, &SourceOptions::default())?;
    let mut capture = Capture::new(&gpu, &chain, source.info().size, PixelFormat::I420);
    let (decoded, frames) = sync_channel(2);
    let reader = thread::spawn(move || -> framereel::Result<()> {
        while let Some(frame) = source.next_frame()? {
            if decoded.send(frame).is_err() {
                break;
            }
        }
        Ok(())
    });
    let mut count = 0;
    for frame in frames {
        if capture.is_full() {
            black_box(capture.take()?);
        }
        capture.submit(&frame, frame.timestamp)?;
        count += 1;
    }
    while let Some(picture) = capture.take()? {
        black_box(picture);
    }
    reader.join().map_err(|_| "the source broke off")??;
    let seconds = began.elapsed().as_secs_f64();
    println!("{count} frames, {seconds:.3} s, {:.1} frames a second", f64::from(count) / seconds);
    Ok(())
}
