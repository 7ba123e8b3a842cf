//! An image of a GIF in which all is transparent (GIF89a §20 to §23 and Appendix F): it shows what was there before, and
//! makes that disappear if its disposal says so.

use crate::frame::Size;

/// The codes clear and end, the first free one, and how many codes there are, where indices have two bits.
const CLEAR: u32 = 4;
const END: u32 = 5;
const FIRST: u32 = 6;
const CODES: u32 = 4096;

/// A graphic control extension with this disposal (as flags) and delay (in hundredths of a second, up to 65535), and an image
/// of this size at the top left with a colour table of its own.
pub(super) fn transparent_image(size: Size, disposal: u8, delay: i64) -> Vec<u8> {
    let [low, high] = (delay as u16).to_le_bytes();
    let mut bytes = vec![0x21, 0xF9, 4, disposal | 1, low, high, 0, 0, 0x2C, 0, 0, 0, 0];
    bytes.extend([size.width, size.height].map(|side| (side as u16).to_le_bytes()).as_flattened());
    // Two colours, of which the first is transparent.
    bytes.extend([0x80, 0, 0, 0, 0, 0, 0, 2]);
    let mut codes = Codes::default();
    let mut left = size.pixels();
    while left > 0 {
        codes.put(CLEAR);
        codes.next = FIRST;
        // Each code that is new stands for one pixel more than the one before.
        codes.put(0);
        left -= 1;
        while left > 0 && codes.next < CODES {
            let run = u64::from(codes.next - FIRST + 2).min(left);
            codes.put(if run == 1 { 0 } else { FIRST + run as u32 - 2 });
            codes.next += 1;
            left -= run;
        }
    }
    codes.put(END);
    for block in codes.into_bytes().chunks(255) {
        bytes.push(block.len() as u8);
        bytes.extend(block);
    }
    bytes.push(0);
    bytes
}

/// Codes, from the lowest bit on.
#[derive(Default)]
struct Codes {
    bytes: Vec<u8>,
    bits: u32,
    count: u32,
    /// The code that a reader defines next: it gives the length of codes.
    next: u32,
}

impl Codes {
    fn put(&mut self, code: u32) {
        self.bits |= code << self.count;
        self.count += (u32::BITS - self.next.leading_zeros()).clamp(3, 12);
        while self.count >= 8 {
            self.bytes.push(self.bits as u8);
            (self.bits, self.count) = (self.bits >> 8, self.count - 8);
        }
    }

    fn into_bytes(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.bits as u8);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::AnimationDecoder;
    use image::codecs::gif::GifDecoder;

    use super::*;

    #[test]
    fn every_pixel_is_transparent_at_any_size() {
        // At 6 and 21 pixels all codes are new; the last needs more than one clear code.
        for (width, height) in [(1, 1), (2, 1), (3, 1), (6, 1), (7, 3), (255, 2), (480, 270), (4096, 2100)] {
            let sides = [width, height].map(|side: u16| side.to_le_bytes());
            let image = transparent_image(Size::new(width.into(), height.into()), 2 << 2, 0);
            let file = [&b"GIF89a"[..], sides.as_flattened(), &[0, 0, 0], &image, &[0x3B]].concat();
            let frames = GifDecoder::new(Cursor::new(file)).unwrap().into_frames().collect_frames().unwrap();
            assert_eq!(frames.len(), 1);
            let buffer = frames[0].buffer();
            assert_eq!(buffer.dimensions(), (width.into(), height.into()));
            assert!(buffer.pixels().all(|pixel| pixel.0[3] == 0), "{width}x{height}");
        }
        assert_eq!(transparent_image(Size::new(1, 1), 1 << 2, 0)[24..], [2, 2, 0x44, 1, 0]);
    }
}
