//! Films whose rates, times and names are made to do harm.

use std::fs;
use std::path::Path;

use framereel::codec::VideoCodec;
use framereel::encode::{self, EncoderChoice, EncoderConfig};
use framereel::frame::{Frame, Size};
use framereel::time::{FrameRate, Span};

use crate::elements::{CLUSTER, INFO, TRACKS, element, file, key_block, uint, video};
use crate::limited::{Parser, outcome, refusal};
use crate::program::Bench;

#[test]
fn a_frame_rate_below_one_a_day_is_refused_with_both_rates() {
    let film = |rate: &str| [format!("YUV4MPEG2 W16 H16 F{rate} C420\n").into_bytes(), frame(), frame()].concat();
    let error = refusal(Parser::Y4m, &film("1:4294967295"));
    assert!(error.contains("1/86400") && error.contains("1:4294967295"), "{error}");
    assert!(refusal(Parser::Y4m, &film("1:86401")).contains("1:86401"));
    assert_eq!(outcome(Parser::Y4m, &film("1:86400")).said.unwrap(), "2 frames");
}

#[test]
fn the_program_refuses_a_film_that_one_frame_would_be_repeated_in_for_136_years() {
    let bench = Bench::new();
    let film = [b"YUV4MPEG2 W16 H16 F1:4294967295 C420\n".to_vec(), frame()].concat();
    assert!(film.len() < 500);
    bench.write("slow.y4m", film);
    let ran = bench.run(["record", "slow.y4m", "--fps", "30", "-o", "a.webm"]);
    ran.failed(1, &["slow.y4m: expected a frame rate from 1/86400", "`F1:4294967295`"]);
    assert!(!bench.names().contains(&"a.webm".to_owned()));
}

fn frame() -> Vec<u8> {
    [b"FRAME\n".to_vec(), vec![128; 16 * 16 * 3 / 2]].concat()
}

#[test]
fn frames_days_apart_are_refused_with_both_times() {
    let film = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz/film.webm")).unwrap();
    // The last cluster's time, in milliseconds: 0x47868c00 is two weeks.
    let cluster = film.windows(4).rposition(|bytes| bytes == CLUSTER.to_be_bytes()).unwrap();
    let time = cluster + film[cluster..].windows(2).position(|bytes| bytes == [0xe7, 0x82]).unwrap();
    let late = [&film[..time], &[0xe7, 0x84, 0x47, 0x86, 0x8c, 0], &film[time + 4..]].concat();
    let error = refusal(Parser::Matroska, &late);
    assert!(error.contains("within 86400s of the one at") && error.contains("1200000"), "{error}");
}

#[test]
fn frames_of_vp8_and_vp9_that_declare_other_sizes_take_no_memory_for_them() {
    const MOST: u64 = 200 << 20;
    let picture = |codec| {
        let config = EncoderConfig::new(Size::new(64, 48), FrameRate::whole(25)).with_codec(codec);
        let mut encoder = encode::open(&EncoderChoice::Vpx, &config).unwrap();
        let mut packets = Vec::new();
        encoder.encode(&Frame::black(config.size), Span::from_millis(40), true, &mut packets).unwrap();
        packets.remove(0).data
    };
    let film = |codec, blocks: &[&[u8]]| {
        let info = element(INFO, &uint(0x2a_d7b1, 1_000_000));
        let blocks = blocks.iter().zip(0..).flat_map(|(data, index)| key_block(index * 40, data));
        let cluster: Vec<u8> = uint(0xe7, 0).into_iter().chain(blocks).collect();
        file(&[info, element(TRACKS, &video(1, codec)), element(CLUSTER, &cluster)])
    };
    let read = |codec, blocks: &[&[u8]]| {
        let read = outcome(Parser::Matroska, &film(codec, blocks));
        println!("{codec}: {read:?}");
        assert!(read.peak < MOST, "{} MiB", read.peak >> 20);
        read.said
    };

    let good = picture(VideoCodec::Vp9);
    // The same as 65536x65536, and a frame that gives this size to a picture made of others.
    let mut huge = good.clone();
    huge[4] |= 0x0f;
    huge[5..8].fill(0xff);
    huge[8] |= 0xf0;
    let inter = [&[0x87, 1, 0, 1, 0xff, 0xff, 0xff, 0xfe][..], &[0; 50]].concat();
    let [first, second] = [good.len() as u16, huge.len() as u16].map(u16::to_le_bytes);
    let superframe = [&good[..], &huge, &[0xc9], &first, &second, &[0xc9]].concat();
    for block in [&huge, &inter] {
        let error = read("V_VP9", &[&good, block]).unwrap_err();
        assert!(error.contains("of 64x48 as the track says but found 65536x65536"), "{error}");
    }
    assert!(read("V_VP9", &[&huge]).unwrap_err().contains("65536x65536"));
    let error = read("V_VP9", &[&superframe]).unwrap_err();
    assert!(error.contains("expected all frames to be 64x48 but found one of 65536x65536"), "{error}");
    // What follows a frame without an index is not decoded.
    assert_eq!(read("V_VP9", &[&[&good[..], &huge].concat()]).unwrap(), "1 frames");
    // A superframe in a superframe.
    let size = (superframe.len() as u16).to_le_bytes();
    let nested = [&superframe[..], &[0xc8], &size, &[0xc8]].concat();
    assert_eq!(read("V_VP9", &[&nested]).unwrap(), "1 frames");

    let good = picture(VideoCodec::Vp8);
    let mut huge = good.clone();
    huge[6..10].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    for blocks in [&[&huge[..]][..], &[&good, &huge]] {
        let error = read("V_VP8", blocks).unwrap_err();
        assert!(error.contains("of 64x48 as the track says but found 16383x16383"), "{error}");
    }
}

#[test]
fn what_a_file_says_of_itself_cannot_steer_a_terminal() {
    let info = [uint(0x2a_d7b1, 1_000_000), element(0x5741, b"\x1b]0;title\x07writer\x1b[2J")].concat();
    let track = video(1, "V_\x1b[31m");
    let cluster = element(CLUSTER, &[uint(0xe7, 0), key_block(0, b"x")].concat());
    let bytes = file(&[element(INFO, &info), element(TRACKS, &track), cluster]);
    let found = framereel::mux::inspect(std::io::Cursor::new(&bytes), Default::default()).unwrap();
    let shown = format!("{}{}", found.writing_app.unwrap(), found.tracks[0].codec_id);
    assert!(shown.contains("writer") && !shown.contains(char::is_control), "{shown:?}");
    for (parser, text) in [
        (Parser::Y4m, "YUV4MPEG2 W4 H4 F\u{1b}[2J\n"),
        (Parser::Y4m, "YUV4MPEG2 W4 H4 C\u{1b}[2J\n"),
        (Parser::Matroska, "\u{1b}[2J"),
        (Parser::Wav, "\u{1b}[2J"),
        (Parser::Cube, "\u{1b}[2J"),
        (Parser::Cube, "LUT_1D_SIZE \u{1b}[2J"),
        (Parser::Chain, "\u{1b}[2J"),
        (Parser::Chain, "sepia(\u{1b}[2J)"),
        (Parser::Chain, "lut(\"\u{1b}[2J\")"),
        (Parser::Chain, "sepia(1)\nsepia.\u{1b}[2J: 0s 1"),
        (Parser::Wgsl, "\u{1b}[2J"),
        (Parser::Wgsl, "fn effect(p: vec2f) -> vec4f { return \u{7}; }"),
        (Parser::Probe, "{\"streams\": [{\"width\": \"\u{1b}[2J\"}]}"),
        (Parser::Probe, "{\"streams\": [{\"width\": \"\\u001b[2J\"}]}"),
    ] {
        let error = refusal(parser, text.as_bytes());
        assert!(!error.contains(|c: char| c.is_control() && c != '\n'), "{error:?}");
    }
    let said = outcome(Parser::Times, b"\x1b]0;title\x07[h264] broken \x1b[2J\n").said.unwrap();
    assert_eq!(said, "0 times; ]0;title[h264] broken [2J");
}
