//! A picture by kitty's graphics protocol (<https://sw.kovidgoyal.net/kitty/graphics-protocol/>): a PNG in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::thumbnail::Thumbnail;

/// The number of our image, of which a terminal has one at a time; a program chooses it.
const ID: u32 = 0x66_72_61;
/// The most base64 in one command.
const CHUNK: usize = 4096;

/// The picture, from the cursor on, which does not move. It takes the place of the one before. `cells` are the columns
/// and rows that the terminal scales it to; without, its pixels are the terminal's. None if it cannot be encoded.
pub fn encode(picture: &Thumbnail, cells: Option<[u16; 2]>) -> Option<String> {
    let mut png = Vec::new();
    // Speed matters more than size: there are ten pictures a second.
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Up);
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    encoder.write_image(picture.pixels().as_flattened(), width, height, ExtendedColorType::Rgb8).ok()?;
    let data = STANDARD.encode(png);
    let chunks = data.len().div_ceil(CHUNK);
    let mut text = String::with_capacity(data.len() + 16 * chunks + 64);
    for (index, chunk) in data.as_bytes().chunks(CHUNK).enumerate() {
        text.push_str("\x1b_G");
        if index == 0 {
            // Transmit and show (a=T) a PNG (f=100) at its only place (p=1), without an answer (q=2), and leave the
            // cursor where it is (C=1).
            text.push_str(&format!("a=T,f=100,i={ID},p=1,q=2,C=1,"));
            if let Some([columns, rows]) = cells {
                text.push_str(&format!("c={columns},r={rows},"));
            }
        }
        text.push_str(if index + 1 < chunks { "m=1;" } else { "m=0;" });
        text.extend(chunk.iter().map(|&byte| char::from(byte)));
        text.push_str("\x1b\\");
    }
    Some(text)
}

/// Removes the picture, and frees the terminal's memory of it.
pub fn remove() -> String {
    format!("\x1b_Ga=d,d=I,i={ID},q=2\x1b\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_picture_comes_in_chunks_that_join_to_a_png_of_its_pixels() {
        // Noise, so that it takes more than one chunk.
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let picture = Thumbnail::new(60, (0..60 * 40).map(|_| [noise(), noise(), noise()]).collect());
        let text = encode(&picture, Some([30, 10])).unwrap();
        let commands: Vec<_> = text.split_terminator("\x1b\\").collect();
        assert!(commands.len() > 1, "{} commands", commands.len());
        let mut data = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            let (keys, chunk) = command.strip_prefix("\x1b_G").and_then(|rest| rest.split_once(';')).unwrap();
            let more = if index + 1 < commands.len() { "m=1" } else { "m=0" };
            let expected =
                if index == 0 { format!("a=T,f=100,i={ID},p=1,q=2,C=1,c=30,r=10,{more}") } else { more.to_owned() };
            assert_eq!(keys, expected);
            assert!(chunk.len() <= CHUNK && (chunk.len().is_multiple_of(4) || more == "m=0"), "{}", chunk.len());
            data.extend_from_slice(chunk.as_bytes());
        }
        let decoded = image::load_from_memory(&STANDARD.decode(data).unwrap()).unwrap().to_rgb8();
        assert_eq!(decoded.dimensions(), (60, 40));
        assert_eq!(decoded.as_raw(), picture.pixels().as_flattened());
    }

    #[test]
    fn a_terminal_that_tells_its_pixels_is_not_asked_to_scale() {
        let text = encode(&Thumbnail::new(1, vec![[1, 2, 3]]), None).unwrap();
        assert!(text.starts_with("\x1b_Ga=T,f=100,") && !text.contains("r="), "{text:?}");
    }
}
