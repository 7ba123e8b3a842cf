//! Sound, colour tables and pictures whose headers declare more than the file has.

use crate::limited::{Parser, outcome, refusal};

fn wav(chunks: &[(&[u8; 4], u32, &[u8])]) -> Vec<u8> {
    let mut bytes = b"RIFF\xff\xff\xff\xffWAVE".to_vec();
    for (name, len, data) in chunks {
        bytes.extend([&name[..], &len.to_le_bytes(), data].concat());
    }
    bytes
}

#[test]
fn sound_behind_gigabytes_of_other_chunks_is_refused() {
    let error = refusal(Parser::Wav, &wav(&[(b"LIST", u32::MAX, b"")]));
    assert!(error.contains("within 268435456 bytes") && error.contains("4294967295"), "{error}");
    let format = [1, 0, 1, 0, 0x80, 0xbb, 0, 0, 0, 0x77, 1, 0, 2, 0, 16, 0];
    let said = outcome(Parser::Wav, &wav(&[(b"fmt ", 16, &format), (b"data", u32::MAX - 1, &[0; 100])])).said;
    assert!(said.unwrap_err().contains("expected 2147483647 samples but found 50"));
}

#[test]
fn tables_are_read_row_by_row_and_not_beyond_their_size() {
    let line = format!("LUT_1D_SIZE 2\n{}\n", "0 ".repeat(10 << 20));
    let error = refusal(Parser::Cube, line.as_bytes());
    assert!(error.contains("expected three numbers"), "{error}");
    let rows = format!("LUT_1D_SIZE 2\n{}", "0 0 0\n".repeat(3 << 20));
    assert!(refusal(Parser::Cube, rows.as_bytes()).contains("expected 2 rows for LUT_1D_SIZE 2 but found 3145728"));
    for text in ["LUT_3D_SIZE 256\n", "LUT_3D_SIZE 99999999999999999999\n", "LUT_1D_SIZE -1\n", "\u{feff}"] {
        refusal(Parser::Cube, text.as_bytes());
    }
}

/// A PNG whose header says that it is so large, of RGBA with so many bits; its data is that of another picture.
fn png(width: u32, height: u32, depth: u8) -> Vec<u8> {
    let mut head = b"IHDR".to_vec();
    head.extend([&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, 6, 0, 0, 0]].concat());
    let chunk = |data: &[u8]| [&(data.len() as u32 - 4).to_be_bytes(), data, &crc(data).to_be_bytes()].concat();
    let data = [b"IDAT".to_vec(), vec![0x78, 0x9c, 0x63, 0, 0, 0, 1, 0, 1]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(&head), chunk(&data), chunk(b"IEND")].concat()
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

fn bmp(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bytes.extend([&width.to_le_bytes()[..], &height.to_le_bytes(), &[1, 0, 32, 0], &[0; 24]].concat());
    bytes
}

fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xc0\0\x11\x08".to_vec();
    bytes.extend([&height.to_be_bytes()[..], &width.to_be_bytes(), b"\x03\x01\x11\0\x02\x11\0\x03\x11\0"].concat());
    bytes.extend(b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0\0\xff\xd9");
    bytes
}

fn webp(width: u32, height: u32) -> Vec<u8> {
    let bits = (width - 1) | (height - 1) << 14;
    let data = [&[0x2f][..], &bits.to_le_bytes(), &[0; 20]].concat();
    let chunk = [b"VP8L", &(data.len() as u32).to_le_bytes()[..], &data, &[0]].concat();
    [b"RIFF", &(chunk.len() as u32 + 4).to_le_bytes()[..], b"WEBP", &chunk].concat()
}

#[test]
fn pictures_that_declare_more_than_a_gibibyte_are_refused_before_their_pixels() {
    for (bytes, words) in [
        (png(16_384, 16_384, 16), "take at most 1024 MiB but found 16384x16384 pixels that take 3072 MiB"),
        (png(12_000, 12_000, 16), "12000x12000"),
        (png(16_385, 16, 8), "exceeds limit"),
        (png(u32::MAX >> 1, u32::MAX >> 1, 8), ""),
        (bmp(60_000, 60_000), ""),
        (bmp(1 << 30, 1), ""),
        (jpeg(65_500, 65_500), ""),
        (jpeg(16_384, 16_384), "16384x16384 pixels that take 1792 MiB"),
        (webp(16_384, 16_384), ""),
    ] {
        let outcome = outcome(Parser::Open, &bytes);
        println!("{outcome:?}");
        let error = outcome.said.expect_err("an error");
        assert!(error.contains(words), "{error}");
        assert!(outcome.peak < 100 << 20, "{} MiB: {error}", outcome.peak >> 20);
    }
}

/// A RIFF file of these chunks, whose length may be another.
fn riff(chunks: &[u8], longer: u32) -> Vec<u8> {
    [b"RIFF", &(chunks.len() as u32 + 4 + longer).to_le_bytes()[..], b"WEBP", chunks].concat()
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [&name[..], &(data.len() as u32).to_le_bytes(), data].concat()
}

/// A canvas of this size, animated.
fn canvas(width: u32, height: u32) -> Vec<u8> {
    let sides = [width - 1, height - 1].map(|side| side.to_le_bytes());
    chunk(b"VP8X", &[&[2, 0, 0, 0][..], &sides[0][..3], &sides[1][..3]].concat())
}

/// The smallest frame of an animation: 16 by 16 pixels of VP8 at the canvas's corner.
fn frame() -> Vec<u8> {
    let vp8 = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0];
    let head = [0, 0, 0, 0, 0, 0, 15, 0, 0, 15, 0, 0, 40, 0, 0, 0];
    chunk(b"ANMF", &[&head[..], &chunk(b"VP8 ", &vp8)].concat())
}

#[test]
fn a_webp_picture_may_not_take_more_memory_or_time_than_its_bytes_need() {
    let film = |bytes: &[u8]| {
        let outcome = outcome(Parser::Whammy, bytes);
        println!("{} bytes: {:?}, {} MiB: {:?}", bytes.len(), outcome.time, outcome.peak >> 20, outcome.said);
        assert!(outcome.peak < 200 << 20, "{} MiB", outcome.peak >> 20);
        outcome.said
    };
    // Lengths beyond the file; millions of chunks; a picture behind them.
    assert!(film(&riff(&[], u32::MAX - 4)).unwrap_err().contains("expected 4294967303 bytes but found 12"));
    let voids = chunk(b"what", &[]).repeat(2 << 20);
    let many = film(&riff(&[canvas(16, 16), voids.clone()].concat(), 0)).unwrap_err();
    assert!(many.contains("a frame of an animation"), "{many}");
    assert!(film(&riff(&voids, 0)).unwrap_err().contains("expected VP8, VP8L or VP8X"));
    // Many frames that go in as they are, and as many on a canvas that is too large to draw them on.
    let frames = frame().repeat(20_000);
    assert!(film(&riff(&[canvas(16, 16), frames.clone()].concat(), 0)).unwrap().contains("copied: 20000"));
    let error = film(&riff(&[canvas(16_383, 16_383), frames].concat(), 0)).unwrap_err();
    assert!(error.contains("expected a picture of at most 35651584 pixels to encode anew"), "{error}");
    let error = film(&webp(16_384, 16_384)).unwrap_err();
    assert!(error.contains("268435456"), "{error}");
    // Frames within frames are not looked for.
    let nested = (0..2000).fold(frame(), |inner, _| chunk(b"ANMF", &inner));
    film(&riff(&[canvas(16, 16), nested].concat(), 0)).unwrap_err();
}
