//! Draws every filter on a film as one contact sheet: `filter_gallery [FILE.jpg]`.

use std::path::Path;

use font8x8::legacy::BASIC_LEGACY;
use framereel::canvas::Capture;
use framereel::filter;
use framereel::source;
use framereel::still::{self, StillFormat};
use framereel::{ColorSpace, FilterChain, Frame, Gpu, PixelFormat, Size, SourceOptions, SourceSpec};

const FILM: &str = "examples/clips/bunny.webm";
const CELL: Size = Size::new(320, 180);
const COLUMNS: usize = 4;
/// Pixels between cells, and for the words under each.
const GAP: usize = 8;
const WORDS: usize = 8 + 2 * GAP;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "examples/pictures/gallery.jpg".into());
    // The last of these frames is shown; the ones before it leave trails.
    let options = SourceOptions::default().with_start("1.6s".parse()?);
    let mut film = source::open(&FILM.parse::<SourceSpec>()?, &options)?;
    let mut frames = Vec::new();
    while let Some(frame) = film.next_frame()?.filter(|_| frames.len() < 11) {
        frames.push(frame);
    }

    let gpu = Gpu::new()?;
    let mut cells = Vec::new();
    for info in filter::catalog() {
        if let Some(call) = info.demonstration() {
            let picture = shown(&gpu, &call, &frames)?;
            cells.push((call, picture));
        }
    }
    let quality = Some(0.76);
    std::fs::write(&file, still::encode(&sheet(&cells), StillFormat::from_path(Path::new(&file))?, quality)?)?;
    println!("{file}: {} pictures", cells.len());
    Ok(())
}

/// The last frame, filtered by the chain.
fn shown(gpu: &Gpu, chain: &str, frames: &[Frame]) -> Result<Frame, Box<dyn std::error::Error>> {
    let mut capture = Capture::new(gpu, &chain.parse::<FilterChain>()?, CELL, PixelFormat::Rgba8);
    let mut last = None;
    for frame in frames {
        capture.submit(frame, frame.timestamp)?;
        last = capture.take()?;
    }
    Ok(last.ok_or("an empty film")?)
}

/// All pictures with their calls, dark grey around.
fn sheet(cells: &[(String, Frame)]) -> Frame {
    let (width, height) = (CELL.width as usize, CELL.height as usize);
    let rows = cells.len().div_ceil(COLUMNS);
    let stride = COLUMNS * (width + GAP) + GAP;
    let mut pixels = vec![[24, 24, 24, 255]; stride * (rows * (height + WORDS) + GAP)];
    for (index, (call, picture)) in cells.iter().enumerate() {
        let (left, top) = (GAP + index % COLUMNS * (width + GAP), GAP + index / COLUMNS * (height + WORDS));
        for (y, row) in picture.rows(0).enumerate() {
            for (x, color) in row.chunks_exact(4).enumerate() {
                pixels[(top + y) * stride + left + x] = over_squares(color, x, y);
            }
        }
        for (place, letter) in call.bytes().enumerate() {
            for (y, bits) in BASIC_LEGACY[usize::from(letter)].iter().enumerate() {
                for x in (0..8).filter(|x| bits >> x & 1 == 1) {
                    pixels[(top + height + GAP / 2 + y) * stride + left + place * 8 + x] = [230, 230, 230, 255];
                }
            }
        }
    }
    let size = Size::new(stride as u32, (pixels.len() / stride) as u32);
    Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, pixels.concat())
}

/// A colour over grey squares, which show through where it is not opaque.
fn over_squares(color: &[u8], x: usize, y: usize) -> [u8; 4] {
    let square = [200, 150][(x / 10 + y / 10) % 2];
    let alpha = u32::from(color[3]);
    let mixed = |channel: usize| ((u32::from(color[channel]) * alpha + square * (255 - alpha) + 127) / 255) as u8;
    [mixed(0), mixed(1), mixed(2), 255]
}
