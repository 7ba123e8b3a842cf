use super::*;

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [name, &(data.len() as u32).to_le_bytes()[..], data, padding].concat()
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(b"RIFF", &[&b"WEBP"[..], &chunks.concat()].concat())
}

/// A key frame of this size with so many bytes of data.
fn vp8(width: u16, height: u16, data: usize) -> Vec<u8> {
    let tag = 1 << 4 | (data as u32) << 5;
    let mut frame = tag.to_le_bytes()[..3].to_vec();
    frame.extend([0x9d, 0x01, 0x2a]);
    frame.extend([width, height].map(u16::to_le_bytes).as_flattened());
    frame.extend((0..data).map(|at| at as u8));
    frame
}

fn vp8l(width: u32, height: u32, alpha: bool) -> Vec<u8> {
    let bits = (width - 1) | (height - 1) << 14 | u32::from(alpha) << 28;
    [&[0x2f][..], &bits.to_le_bytes(), &[0; 7]].concat()
}

fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let sides = [width - 1, height - 1].map(|side| side.to_le_bytes());
    chunk(b"VP8X", &[&[flags, 0, 0, 0][..], &sides[0][..3], &sides[1][..3]].concat())
}

fn anmf(x: u32, y: u32, (width, height): (u32, u32), millis: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let numbers = [x / 2, y / 2, width - 1, height - 1, millis].map(|number| number.to_le_bytes());
    let head: Vec<u8> = numbers.iter().flat_map(|number| number[..3].to_vec()).chain([0]).collect();
    chunk(b"ANMF", &[head, chunks.concat()].concat())
}

fn refusal(bytes: &[u8]) -> String {
    WebpFile::parse(bytes).unwrap_err().to_string()
}

#[test]
fn a_lossy_still_gives_its_vp8_without_the_padding() {
    for data in [6, 7] {
        let frame = vp8(20, 10, data);
        let bytes = riff(&[chunk(b"VP8 ", &frame)]);
        let file = WebpFile::parse(&bytes).unwrap();
        let [found] = file.frames[..] else { panic!("{file:?}") };
        assert_eq!((file.size, file.animated, found.alpha, found.whole), (Size::new(20, 10), false, false, true));
        assert_eq!(found.vp8, Some(&frame[..]));
        // What follows the RIFF chunk is not part of it.
        assert_eq!(WebpFile::parse(&[bytes.clone(), b"more".to_vec()].concat()).unwrap(), file);
    }
}

#[test]
fn profiles_metadata_and_unknown_chunks_are_skipped_and_transparency_is_noticed() {
    let frame = vp8(6, 4, 9);
    let file = [
        vp8x(0x3c, 6, 4),
        chunk(b"ICCP", b"profile"),
        chunk(b"what", b"?"),
        chunk(b"ALPH", &[0; 25]),
        chunk(b"VP8 ", &frame),
        chunk(b"EXIF", b"turned"),
        chunk(b"XMP ", b"<x/>"),
    ];
    let bytes = riff(&file);
    let found = WebpFile::parse(&bytes).unwrap();
    assert_eq!(found.frames, [WebpFrame { vp8: Some(&frame), alpha: true, whole: true, duration: None }]);
    let lossless = riff(&[vp8x(0x10, 6, 4), chunk(b"VP8L", &vp8l(6, 4, true))]);
    let found = WebpFile::parse(&lossless).unwrap();
    assert_eq!(found.frames, [WebpFrame { vp8: None, alpha: true, whole: true, duration: None }]);
    assert_eq!(WebpFile::parse(&riff(&[chunk(b"VP8L", &vp8l(9, 7, false))])).unwrap().size, Size::new(9, 7));
}

#[test]
fn an_animation_gives_its_frames_in_order_with_their_durations_and_places() {
    let (whole, part) = (vp8(8, 6, 5), vp8(4, 6, 5));
    let bytes = riff(&[
        vp8x(0x12, 8, 6),
        chunk(b"ANIM", &[0; 6]),
        anmf(0, 0, (8, 6), 40, &[chunk(b"VP8 ", &whole)]),
        anmf(4, 0, (4, 6), 0, &[chunk(b"ALPH", &[0; 3]), chunk(b"VP8 ", &part)]),
        anmf(0, 0, (8, 6), 70_000, &[chunk(b"VP8L", &vp8l(8, 6, false))]),
    ]);
    let file = WebpFile::parse(&bytes).unwrap();
    let frame = |vp8, alpha, whole, millis| WebpFrame { vp8, alpha, whole, duration: Some(Span::from_millis(millis)) };
    let expected = [
        frame(Some(&whole[..]), false, true, 40),
        frame(Some(&part[..]), true, false, 0),
        frame(None, false, true, 70_000),
    ];
    assert_eq!((file.animated, file.size, &file.frames[..]), (true, Size::new(8, 6), &expected[..]));
    assert_eq!(file.frames.iter().map(|frame| frame.alone(true).is_some()).collect::<Vec<_>>(), [true, false, false]);
    let outside = riff(&[vp8x(2, 8, 6), anmf(6, 0, (4, 6), 40, &[chunk(b"VP8 ", &part)])]);
    assert_eq!(refusal(&outside), "expected pictures within 8x6 but found 4x6 at 6,0 as frame 1");
    assert!(refusal(&riff(&[vp8x(2, 8, 6), chunk(b"VP8 ", &whole)])).contains("a frame of an animation"));
}

#[test]
fn wrong_sizes_and_headers_are_named() {
    let good = vp8(20, 10, 6);
    let with = |at: usize, bytes: &[u8]| {
        let mut frame = good.clone();
        frame.splice(at..at + bytes.len(), bytes.iter().copied());
        riff(&[chunk(b"VP8 ", &frame)])
    };
    for (bytes, words) in [
        (riff(&[]), "expected a chunk but found none"),
        (riff(&[chunk(b"ALPH", &good)]), "expected VP8, VP8L or VP8X but found the chunk `ALPH` at byte 12"),
        (with(0, &[0xd1]), "a key frame of VP8 that is shown"),
        (with(0, &[0xc0]), "a key frame of VP8 that is shown"),
        (with(3, &[0x9e]), "expected the start code of VP8 in the chunk `VP8 ` at byte 12 but found `\\x9e\\x01*`"),
        (with(0, &[0xf0]), "expected a first partition of at most 6 bytes"),
        (with(6, &[0, 0]), "expected a picture with pixels in the chunk `VP8 ` at byte 12 but found one of 0x10"),
        (with(8, &[0, 0xc0]), "but found one of 20x0"),
        (riff(&[chunk(b"VP8 ", &good[..9])]), "expected at least 10 bytes in the chunk `VP8 ` at byte 12 but found 9"),
        (riff(&[chunk(b"VP8L", &[0x2f, 0, 0])]), "expected at least 5 bytes"),
        (riff(&[chunk(b"VP8L", &[0x2e, 0, 0, 0, 0x20])]), "expected 0x2f and version 0"),
        (riff(&[chunk(b"VP8X", &[0; 9])]), "expected at least 10 bytes in the chunk `VP8X`"),
        (riff(&[vp8x(0, 20, 11), chunk(b"VP8 ", &good)]), "expected a picture of 20x11, as the file's header says"),
        (
            riff(&[vp8x(0, 1 << 24, 1 << 24), chunk(b"VP8 ", &good)]),
            "at most 4294967295 pixels but found 16777216x16777216",
        ),
        (riff(&[vp8x(0, 20, 10), chunk(b"EXIF", b"")]), "expected a chunk VP8 or VP8L but found none"),
        (riff(&[vp8x(2, 20, 10), chunk(b"ANMF", &[0; 15])]), "expected at least 16 bytes in the chunk `ANMF`"),
        (b"RIFF\0\0".to_vec(), "expected a WebP picture but found `RIFF\\x00\\x00`"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "expected a WebP picture but found `\\x89PNG\\r\\n"),
        (Vec::new(), "expected a WebP picture but found an empty file"),
    ] {
        let error = refusal(&bytes);
        assert!(error.contains(words), "{error}");
    }
    // A chunk within the RIFF chunk that says it is longer than that.
    let mut bytes = riff(&[chunk(b"VP8 ", &good)]);
    bytes[16] += 3;
    let words = "expected a chunk `VP8 ` of at most 16 bytes at byte 12 but found one of 19: the file is damaged";
    assert_eq!(refusal(&bytes), words);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let still = riff(&[vp8x(0x10, 6, 4), chunk(b"ALPH", &[0; 25]), chunk(b"VP8 ", &vp8(6, 4, 9))]);
    let animation = riff(&[vp8x(2, 6, 4), anmf(0, 0, (6, 4), 9, &[chunk(b"VP8 ", &vp8(6, 4, 9))])]);
    for bytes in [still, animation] {
        assert!(WebpFile::parse(&bytes).is_ok());
        for cut in 0..bytes.len() {
            let error = refusal(&bytes[..cut]);
            let words = if cut < 12 { "expected a WebP picture" } else { "the file breaks off" };
            assert!(error.contains(words), "cut at {cut}: {error}");
        }
    }
}

#[test]
fn a_file_with_any_byte_changed_never_panics() {
    let bytes = riff(&[
        vp8x(0x12, 8, 6),
        anmf(0, 0, (8, 6), 40, &[chunk(b"ALPH", &[0; 3]), chunk(b"VP8 ", &vp8(8, 6, 5))]),
        anmf(0, 0, (8, 6), 70, &[chunk(b"VP8L", &vp8l(8, 6, false))]),
    ]);
    for place in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, bytes[place] ^ 1, bytes[place] ^ 2] {
            let mut damaged = bytes.clone();
            damaged[place] = value;
            let _ = WebpFile::parse(&damaged);
        }
    }
}
