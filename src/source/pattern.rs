//! The built-in test pattern: colours to measure, a ramp to see banding on, something that moves, and the frame's own
//! number and time to read back from a recording.
//!
//! Every frame is drawn from its index alone, so any frame can be drawn again for comparison. Top down: eight plain
//! bars whose colours never change ([`BARS`]), a grey ramp with a square that bounces over it, and a dark strip with the
//! frame's number and its time (`m:ss.mmm`).

use std::ops::Range;

use super::{MAX_SIDE, Source, SourceInfo, SourceOptions, frame_at};
use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::frame::{Frame, PixelFormat, Size};
use crate::motion_blur::MotionBlur;
use crate::time::{FrameRate, Timestamp};

/// The bars from left to right, as sRGB: white, yellow, cyan, green, magenta, red, blue, black, each at full strength.
pub const BARS: [[u8; 3]; 8] =
    [[255, 255, 255], [255, 255, 0], [0, 255, 255], [0, 255, 0], [255, 0, 255], [255, 0, 0], [0, 0, 255], [0, 0, 0]];

/// The size when none is asked for.
pub const DEFAULT_SIZE: Size = Size::new(1280, 720);

/// The rate when none is asked for.
pub const DEFAULT_RATE: FrameRate = FrameRate::whole(30);

const MIN_SIDE: u32 = 16;
const STRIP: [u8; 4] = [16, 16, 16, 255];
const TEXT: [u8; 4] = [255, 255, 255, 255];
const SQUARE: [u8; 4] = [255, 96, 0, 255];
/// The square crosses the frame in about this many frames.
const CROSSING: usize = 120;

const GLYPH_WIDTH: usize = 5;
const GLYPH_HEIGHT: usize = 7;
/// A glyph with the gap to the next one.
const CELL: usize = GLYPH_WIDTH + 1;

/// The pixel in the middle of bar `bar` (0–7), where every frame of `size` holds exactly [`BARS`]`[bar]`.
pub fn bar_center(size: Size, bar: usize) -> (u32, u32) {
    let columns = bar_columns(size, bar);
    (((columns.start + columns.end) / 2) as u32, (bars_rows(size).end / 2) as u32)
}

fn bar_columns(size: Size, bar: usize) -> Range<usize> {
    let width = size.width as usize;
    width * bar / BARS.len()..width * (bar + 1) / BARS.len()
}

fn bars_rows(size: Size) -> Range<usize> {
    0..size.height as usize * 2 / 3
}

fn ramp_rows(size: Size) -> Range<usize> {
    bars_rows(size).end..size.height as usize * 5 / 6
}

fn text_rows(size: Size) -> Range<usize> {
    ramp_rows(size).end..size.height as usize
}

/// Gives the pattern, frame after frame, without end.
#[derive(Debug)]
pub struct PatternSource {
    info: SourceInfo,
    rate: FrameRate,
    /// The parts that do not move; every frame starts as a copy.
    still: Vec<u8>,
    first: u64,
    next: u64,
    /// With motion blur: the sub-frames of each frame, and the next one.
    blur: Option<MotionBlur>,
    sub_frame: u32,
}

impl PatternSource {
    /// The pattern at the requested size and rate, from the frame that is shown at the requested start: the drawn
    /// number and clock begin there, the timestamps at 0. A range error for a size below 16×16 or above 16384×16384.
    pub fn new(options: &SourceOptions) -> Result<Self> {
        let size = options.size.unwrap_or(DEFAULT_SIZE);
        let rate = options.rate.unwrap_or(DEFAULT_RATE);
        if !(MIN_SIDE..=MAX_SIDE).contains(&size.width) || !(MIN_SIDE..=MAX_SIDE).contains(&size.height) {
            return Err(Error::range(format!(
                "expected a pattern of {MIN_SIDE}x{MIN_SIDE} to {MAX_SIDE}x{MAX_SIDE} pixels but found {size}"
            )));
        }
        let first = options.start.map_or(0, |start| frame_at(rate, start));
        let info = SourceInfo { kind: "pattern", size, rate: Some(rate), frames: None, endless: true };
        Ok(Self { info, rate, still: draw_still(size), first, next: first, blur: None, sub_frame: 0 })
    }

    /// Frame `index` of the endless pattern, its timestamp counted from frame 0.
    pub fn draw(&self, index: u64) -> Frame {
        self.draw_at(index, 0.0)
    }

    /// Draws the square as it is so much of a frame later.
    fn draw_at(&self, index: u64, later: f64) -> Frame {
        let size = self.info.size;
        let time = self.rate.timestamp(index);
        let mut picture = Pixels { width: size.width as usize, pixels: self.still.clone() };
        draw_square(&mut picture, size, index, later);
        draw_text(&mut picture, size, index, time);
        Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, picture.pixels).with_timestamp(time)
    }
}

impl Source for PatternSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn blur(&mut self, blur: MotionBlur) {
        self.blur = Some(blur);
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let index = self.next;
        let Some(blur) = self.blur else {
            self.next += 1;
            return Ok(Some(self.draw(index).with_timestamp(self.rate.timestamp(index - self.first))));
        };
        let sub_frame = self.sub_frame;
        let later = f64::from(sub_frame * blur.shutter()) / f64::from(blur.sub_frames() * MotionBlur::OPEN);
        let frame = self.draw_at(index, later).with_timestamp(blur.begin(self.rate, index - self.first, sub_frame));
        self.sub_frame = (sub_frame + 1) % blur.sub_frames();
        self.next += u64::from(self.sub_frame == 0);
        Ok(Some(frame))
    }
}

/// Pixels in which boxes are filled.
struct Pixels {
    width: usize,
    pixels: Vec<u8>,
}

impl Pixels {
    fn fill(&mut self, columns: Range<usize>, rows: Range<usize>, color: [u8; 4]) {
        for y in rows {
            let row = &mut self.pixels[(y * self.width + columns.start) * 4..][..columns.len() * 4];
            row.as_chunks_mut().0.fill(color);
        }
    }
}

fn draw_still(size: Size) -> Vec<u8> {
    let width = size.width as usize;
    let mut bars = Pixels { width, pixels: vec![0; width * 4] };
    for (index, [r, g, b]) in BARS.into_iter().enumerate() {
        bars.fill(bar_columns(size, index), 0..1, [r, g, b, 255]);
    }
    let ramp = (0..width).flat_map(|x| {
        let grey = (x * 255 / (width - 1)) as u8;
        [grey, grey, grey, 255]
    });
    let ramp: Vec<u8> = ramp.collect();
    let mut pixels = Vec::with_capacity(width * 4 * size.height as usize);
    bars_rows(size).for_each(|_| pixels.extend_from_slice(&bars.pixels));
    ramp_rows(size).for_each(|_| pixels.extend_from_slice(&ramp));
    text_rows(size).for_each(|_| pixels.extend((0..width).flat_map(|_| STRIP)));
    pixels
}

fn draw_square(picture: &mut Pixels, size: Size, index: u64, later: f64) {
    let rows = ramp_rows(size);
    let side = rows.len().min(picture.width / 4);
    let travel = picture.width - side;
    let step = (travel / CROSSING).max(1);
    let period = 2 * travel as u64;
    let along = ((index % period) * step as u64 + (later * step as f64) as u64) % period;
    let along = along as usize;
    let left = if along <= travel { along } else { 2 * travel - along };
    picture.fill(left..left + side, rows.start..rows.start + side, SQUARE);
}

/// Writes the number and, where there is room for both, the clock, as large as the strip permits.
fn draw_text(picture: &mut Pixels, size: Size, index: u64, time: Timestamp) {
    let millis = time.as_nanos() / 1_000_000;
    let number = format!("{index:06}");
    let both = format!("{number}  {}:{:02}.{:03}", millis / 60_000, millis / 1000 % 60, millis % 1000);
    let strip = text_rows(size);
    let scale_of = |text: &str| (strip.len() / (GLYPH_HEIGHT + 2)).min(picture.width / (text.len() * CELL));
    let text = if scale_of(&both) > 0 { both } else { number };
    let scale = scale_of(&text);
    if scale == 0 {
        return;
    }
    let left = (picture.width - text.len() * CELL * scale) / 2 + scale / 2;
    let top = strip.start + (strip.len() - GLYPH_HEIGHT * scale) / 2;
    for (place, character) in text.bytes().enumerate() {
        for (row, bits) in glyph(character).into_iter().enumerate() {
            for column in (0..GLYPH_WIDTH).filter(|column| bits >> (GLYPH_WIDTH - 1 - column) & 1 == 1) {
                let (x, y) = (left + (place * CELL + column) * scale, top + row * scale);
                picture.fill(x..x + scale, y..y + scale, TEXT);
            }
        }
    }
}

/// The rows of a character, top first; the highest of 5 bits is the leftmost pixel.
fn glyph(character: u8) -> [u8; GLYPH_HEIGHT] {
    match character {
        b'0' => [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        b'1' => [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        b'2' => [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
        b'3' => [0b01110, 0b10001, 0b00001, 0b00110, 0b00001, 0b10001, 0b01110],
        b'4' => [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        b'5' => [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        b'6' => [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        b'7' => [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        b'8' => [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        b'9' => [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        b':' => [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000],
        b'.' => [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b00110, 0b00110],
        _ => [0; GLYPH_HEIGHT],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn pattern(width: u32, height: u32) -> PatternSource {
        let size = Some(Size::new(width, height));
        PatternSource::new(&SourceOptions { size, ..SourceOptions::default() }).unwrap()
    }

    fn pixel(frame: &Frame, (x, y): (u32, u32)) -> [u8; 4] {
        let row = frame.rows(0).nth(y as usize).unwrap();
        row[x as usize * 4..][..4].try_into().unwrap()
    }

    #[test]
    fn the_middle_of_each_bar_holds_its_exact_colour_in_every_frame() {
        for (width, height) in [(16, 16), (17, 31), (640, 360), (1280, 720), (1919, 1081)] {
            let pattern = pattern(width, height);
            for index in [0, 1, 59, 100_000, u64::from(u32::MAX)] {
                let frame = pattern.draw(index);
                for (bar, [r, g, b]) in BARS.into_iter().enumerate() {
                    assert_eq!(
                        pixel(&frame, bar_center(frame.size(), bar)),
                        [r, g, b, 255],
                        "bar {bar} of {width}x{height}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_frame_is_drawn_from_its_index_alone_and_no_two_neighbours_are_alike() {
        let (one, other) = (pattern(320, 180), pattern(320, 180));
        for index in 0..300 {
            assert_eq!(one.draw(index), other.draw(index));
            assert_ne!(one.draw(index).data(), one.draw(index + 1).data(), "frame {index}");
        }
        let small = pattern(16, 16);
        assert_ne!(small.draw(0).data(), small.draw(1).data());
    }

    #[test]
    fn the_number_can_be_read_back_from_the_picture() {
        let pattern = pattern(1280, 720);
        let frame = pattern.draw(123_456);
        let scale = 1280 / ("123456  68:35.200".len() * CELL);
        let left = (1280 - "123456  68:35.200".len() * CELL * scale) / 2 + scale / 2;
        let top = 600 + (120 - GLYPH_HEIGHT * scale) / 2;
        let lit = |x: usize, y: usize| pixel(&frame, ((x + scale / 2) as u32, (y + scale / 2) as u32)) == TEXT;
        for (place, character) in "123456  68:35.200".bytes().enumerate() {
            for (row, bits) in glyph(character).into_iter().enumerate() {
                for column in 0..GLYPH_WIDTH {
                    let expected = bits >> (GLYPH_WIDTH - 1 - column) & 1 == 1;
                    let (x, y) = (left + (place * CELL + column) * scale, top + row * scale);
                    assert_eq!(lit(x, y), expected, "`{}` at {column},{row}", character as char);
                }
            }
        }
    }

    #[test]
    fn a_start_begins_with_the_frame_on_screen_and_timestamp_zero() {
        let start = Some(Span::from_millis(1000));
        let mut source = PatternSource::new(&SourceOptions { start, ..SourceOptions::default() }).unwrap();
        let first = source.next_frame().unwrap().unwrap();
        assert_eq!(first.timestamp, Timestamp::ZERO);
        assert_eq!(first.data(), source.draw(30).data());
        assert_eq!(source.next_frame().unwrap().unwrap().timestamp, DEFAULT_RATE.timestamp(1));
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        for (width, height) in [(0, 0), (15, 720), (1280, 15), (16385, 16), (u32::MAX, u32::MAX)] {
            let size = Some(Size::new(width, height));
            assert!(PatternSource::new(&SourceOptions { size, ..SourceOptions::default() }).is_err());
        }
    }
}
