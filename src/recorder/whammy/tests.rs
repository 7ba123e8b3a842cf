use std::fs;
use std::io::Cursor;

use super::*;
use crate::frame::PixelFormat;
use crate::mux::{Detail, Inspection, inspect};

/// A lossy picture of this size; its data is made up, but its header is good.
fn lossy(width: u16, height: u16, fill: u8) -> (Vec<u8>, Vec<u8>) {
    let mut frame = vec![0x10 | 4 << 5, 0, 0, 0x9d, 0x01, 0x2a];
    frame.extend([width, height].map(u16::to_le_bytes).as_flattened());
    frame.extend([fill; 12]);
    let chunk = [&b"WEBPVP8 "[..], &(frame.len() as u32).to_le_bytes(), &frame].concat();
    ([&b"RIFF"[..], &(chunk.len() as u32).to_le_bytes(), &chunk].concat(), frame)
}

fn inspected(film: &Blob) -> Inspection {
    inspect(film.reader(), Detail::Numbers).unwrap()
}

fn holds(film: &Blob, frame: &[u8]) -> bool {
    film.bytes().unwrap().windows(frame.len()).any(|window| window == frame)
}

#[test]
fn lossy_pictures_go_in_as_they_are_each_for_its_time_and_the_last_ones_is_kept() {
    let mut whammy = Whammy::new(FrameRate::whole(24));
    let pictures: Vec<_> = (0..5).map(|fill| lossy(32, 16, fill)).collect();
    for (webp, _) in &pictures[..3] {
        whammy.add(webp, None).unwrap();
    }
    whammy.add(&pictures[3].0, Span::from_millis(7)).unwrap();
    whammy.add(&pictures[4].0, Span::from_secs(90)).unwrap();
    let WhammyReport { pictures: count, copied, encoded, duration, .. } = whammy.report();
    assert_eq!((count, copied, encoded, duration), (5, 5, 0, Span::from_millis(125 + 7 + 90_000)));
    let film = whammy.compile().unwrap();
    assert_eq!(film.mime_type(), "video/webm;codecs=\"vp8\"");
    let found = inspected(&film);
    assert_eq!(found.faults, [""; 0]);
    assert_eq!((found.declared_duration_s, found.tracks[0].codec_id.as_str()), (Some(90.132), "V_VP8"));
    assert_eq!(found.tracks[0].key_frames_s.as_deref(), Some(&[0.0, 0.042, 0.083, 0.125, 0.132][..]));
    assert_eq!((found.tracks[0].width, found.tracks[0].height, found.tracks[0].alpha), (Some(32), Some(16), false));
    assert!(pictures.iter().all(|(_, frame)| holds(&film, frame)));
}

#[test]
fn a_rate_of_30000_over_1001_does_not_drift() {
    let rate = FrameRate::new(30_000, 1001).unwrap();
    let mut whammy = Whammy::new(rate);
    let (picture, _) = lossy(16, 16, 1);
    (0..300).for_each(|_| whammy.add(&picture, None).unwrap());
    assert_eq!(whammy.report().duration, Span::from_millis(10_010));
    assert_eq!(inspected(&whammy.compile().unwrap()).declared_duration_s, Some(10.01));
}

#[test]
fn a_picture_that_cannot_be_added_is_named_with_what_the_film_keeps_and_the_next_may_follow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a\u{1b}.webp");
    let (good, _) = lossy(32, 16, 1);
    let mut whammy = Whammy::new(FrameRate::whole(25));
    let error = whammy.add(&good[..20], None).unwrap_err();
    let text = "picture 1: expected 42 bytes but found 20: the file breaks off; the film holds no picture yet";
    assert_eq!((error.kind(), error.to_string().as_str()), (&ErrorKind::NotReadable, text));
    fs::write(&path, &good).unwrap();
    whammy.add_file(&path, None).unwrap();
    let (other, _) = lossy(16, 32, 1);
    let error = whammy.add(&other, None).unwrap_err().to_string();
    let first = path.display();
    let text = format!(
        "picture 2: expected 32x16, as {first} has, but found 16x32; the film keeps the picture before it, 0.040 s"
    );
    assert_eq!(error, text);
    whammy.add(&good, None).unwrap();
    fs::write(&path, b"\x89PNG\r\n\x1a\n1234").unwrap();
    let error = whammy.add_file(&path, None).unwrap_err().to_string();
    let text = "expected a WebP picture but found `\\x89PNG\\r\\n\\x1a\\n1234`; the film keeps the 2 pictures before it, 0.080 s";
    assert!(error.ends_with(text), "{error}");
    for (duration, kind) in [(Span::ZERO, ErrorKind::Range), (Span::from_secs(5_000_000), ErrorKind::Range)] {
        assert_eq!(*whammy.add(&good, duration).unwrap_err().kind(), kind);
    }
    let missing = whammy.add_file(folder.path().join("none.webp"), None).unwrap_err();
    assert_eq!(*missing.kind(), ErrorKind::NotFound);
    assert_eq!(*whammy.add_file(folder.path(), None).unwrap_err().kind(), ErrorKind::NotReadable);
    assert_eq!(inspected(&whammy.compile().unwrap()).tracks[0].blocks, 2);
    let error = Whammy::new(None).add(&good, None).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Type);
    assert_eq!(*Whammy::new(None).compile().unwrap_err().kind(), ErrorKind::InvalidState);
}

#[test]
fn data_urls_are_read_as_a_browsers_canvas_gives_them() {
    let (good, frame) = lossy(16, 16, 9);
    let mut whammy = Whammy::new(None);
    let url = crate::still::data_url(&good, crate::still::StillFormat::WebP);
    whammy.add(url.as_str(), Span::from_millis(40)).unwrap();
    for (url, words) in [
        ("data:image/png;base64,AAAA", "expected `data:image/webp;base64,…` but found `data:image/png;base64,A…`"),
        ("data:image/webp;base64,\u{7}", "expected base64 in the URL"),
        ("é", "but found `é…`"),
    ] {
        let error = whammy.add(url, Span::from_millis(40)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(holds(&whammy.compile().unwrap(), &frame));
}

#[test]
fn a_film_in_a_file_is_there_while_it_is_made_and_an_empty_one_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.webm");
    let (good, frame) = lossy(16, 16, 9);
    let mut whammy = Whammy::new(FrameRate::whole(10)).with_file(FileSink::create_new(&path).unwrap());
    for count in 1..=30 {
        whammy.add(&good, None).unwrap();
        let found = inspect(Cursor::new(fs::read(&path).unwrap()), Detail::Numbers).unwrap();
        assert!(found.tracks[0].blocks + 1 >= count, "{count}: {found:?}");
    }
    let film = whammy.compile().unwrap();
    let found = inspected(&film);
    assert_eq!((found.faults.len(), found.tracks[0].blocks, found.declared_duration_s), (0, 30, Some(3.0)));
    assert!(holds(&film, &frame) && film.size() == fs::metadata(&path).unwrap().len());

    let path = folder.path().join("empty.webm");
    Whammy::new(None).with_file(FileSink::create_new(&path).unwrap()).compile().unwrap_err();
    assert!(!path.exists());
}

#[test]
fn the_pictures_of_an_animation_are_shown_for_their_own_durations() {
    let frame = lossy(16, 16, 3).1;
    let numbers = |numbers: &[u32]| -> Vec<u8> { numbers.iter().flat_map(|n| n.to_le_bytes()[..3].to_vec()).collect() };
    let chunk = |name: &[u8; 4], data: &[u8]| [name, &(data.len() as u32).to_le_bytes()[..], data].concat();
    let anmf = |millis: u32| {
        let head = [numbers(&[0, 0, 15, 15, millis]), vec![0]].concat();
        chunk(b"ANMF", &[head, chunk(b"VP8 ", &frame)].concat())
    };
    let head = chunk(b"VP8X", &[vec![2, 0, 0, 0], numbers(&[15, 15])].concat());
    let body = [b"WEBP".to_vec(), head, anmf(300), anmf(0), anmf(10), anmf(11)].concat();
    let mut whammy = Whammy::new(FrameRate::whole(24));
    whammy.add(chunk(b"RIFF", &body), Span::from_secs(9)).unwrap();
    let report = whammy.report();
    assert_eq!((report.pictures, report.copied, report.duration), (4, 4, Span::from_millis(300 + 100 + 100 + 11)));
}

#[test]
fn what_must_be_encoded_is_encoded_where_vp8_is_built_in_and_else_refused_by_name() {
    let size = Size::new(48, 32);
    let rgba = [200, 40, 90, 255].repeat(size.pixels() as usize);
    let frame = Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, rgba);
    let lossless = crate::still::encode(&frame, crate::still::StillFormat::WebP, None).unwrap();
    let config = crate::encode::EncoderConfig::new(size, FrameRate::whole(25)).with_codec(VideoCodec::Vp8);
    let built_in = crate::encode::open(&EncoderChoice::Auto, &config).is_ok();
    for picture in [WhammyPicture::from(&lossless), WhammyPicture::from(frame)] {
        let mut whammy = Whammy::new(FrameRate::whole(25));
        match whammy.add(picture, None) {
            Ok(()) => {
                assert!(built_in && whammy.report().encoded == 1, "{:?}", whammy.report());
                assert_eq!(inspected(&whammy.compile().unwrap()).tracks[0].key_frames, 1);
            }
            Err(error) => {
                let text = error.to_string();
                assert!(!built_in && text.starts_with("picture 1: ") && text.contains("encoded anew"), "{text}");
                assert_eq!(*error.kind(), ErrorKind::NotSupported);
            }
        }
    }
}
