//! A picture in sixels (DEC STD 070, §9): 256 colours of the picture's own, dithered.

use icy_sixel::{EncodeOptions, SixelImage};

use super::thumbnail::Thumbnail;

/// The pixels in a sixel, one below the other: pictures cover whole ones.
pub const HEIGHT: u32 = 6;

/// The picture, from the cursor on. Where the cursor is then depends on the terminal. None if it cannot be encoded.
pub fn encode(picture: &Thumbnail) -> Option<String> {
    let rgba = picture.pixels().iter().flat_map(|&[r, g, b]| [r, g, b, u8::MAX]).collect();
    let image = SixelImage::try_from_rgba(rgba, picture.width(), picture.height()).ok()?;
    image.encode_with(&EncodeOptions::default()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_to_the_same_colors() {
        let color = |x: usize, y: usize| [(x * 25) as u8, (y * 20) as u8, if x < 5 { 250 } else { 10 }];
        let pixels = (0..12).flat_map(|y| (0..10).map(move |x| color(x, y))).collect();
        let text = encode(&Thumbnail::new(10, pixels)).unwrap();
        let decoded = SixelImage::decode(text.as_bytes()).unwrap();
        assert_eq!((decoded.width, decoded.height), (10, 12));
        // Of 120 colours all fit; a sixel's colour is a whole percentage, and dithering spreads what is left.
        let off = |(at, pixel): (usize, &[u8])| {
            let expected = color(at % 10, at / 10);
            (0..3).map(move |channel| u32::from(pixel[channel].abs_diff(expected[channel]))).sum::<u32>()
        };
        let mean = decoded.pixels.chunks_exact(4).enumerate().map(off).sum::<u32>() as f32 / 360.0;
        assert!(mean < 4.0, "{mean} of 255 off in the mean");
    }
}
