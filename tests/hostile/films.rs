//! Films whose rates, times and names are made to do harm.

use std::fs;
use std::path::Path;

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
