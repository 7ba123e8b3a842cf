//! `framereel inspect` describes a recording and reports its faults.

#[path = "support/program.rs"]
mod program;
#[path = "support/tools.rs"]
mod tools;

use std::fs;
use std::io::Cursor;

use framereel::mux::{Detail, Inspection, inspect};
use program::Bench;
use serde_json::{Value, json};

fn inspected(bytes: &[u8]) -> Inspection {
    inspect(Cursor::new(bytes), Detail::Numbers).expect("a file to inspect")
}

#[test]
fn inspection_tells_people_and_machines_what_is_there() {
    let bench = Bench::new();
    bench.run(["record", "pattern", "--duration", "3s", "--size", "320x180", "-o", "film.webm"]).succeeded();
    let text = bench.run(["inspect", "film.webm", "--clusters"]).succeeded().stdout;
    for words in [
        "file     film.webm, WebM, ",
        "by       framereel ",
        "duration 3.000 s; the last block ends at 3.000 s\n",
        "track 1  video, av01.0.",
        ", 320x180, 30.00 fps\n",
        "90 frames, 2 key frames, ",
        "clusters 2, up to 1.967 s long\n",
        "cues     2, each at a key frame\n",
        "keys     K-----",
        "faults   none\n",
        "CLUSTER AT  ",
    ] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
    let found = bench.json(["inspect", "film.webm", "--json"]);
    let track = &found["tracks"][0];
    assert_eq!((&track["kind"], &track["codec_id"], &track["blocks"]), (&json!("video"), &json!("V_AV1"), &json!(90)));
    assert_eq!((&track["key_frames_s"], &track["longest_key_interval_s"]), (&json!([0.0, 2.0]), &json!(2.0)));
    assert_eq!((&found["cues"]["count"], &found["clusters"]["list"]), (&json!(2), &Value::Null));
    assert_eq!((&found["faults"], &found["declared_duration_s"]), (&json!([]), &json!(3.0)));
}

#[test]
fn inspection_finds_a_wrong_duration_and_cues_that_lead_nowhere() {
    let bench = Bench::new();
    bench.run(["record", "pattern", "--duration", "3s", "--size", "320x180", "-o", "film.webm"]).succeeded();
    let film = fs::read(bench.path("film.webm")).expect("the film");
    let place = |bytes: &[u8]| film.windows(bytes.len()).rposition(|window| window == bytes).expect("such bytes");
    let with = |at: usize, bytes: &[u8]| {
        let mut film = film.clone();
        film[at..at + bytes.len()].copy_from_slice(bytes);
        inspected(&film).faults
    };
    let duration = place(&[0x44, 0x89, 0x84]) + 3;
    let short = with(duration, &1_f32.to_be_bytes());
    assert_eq!(short, ["the duration says 0.001 s but the last block ends at 3.000 s"]);
    let second_cue = place(&[0xb3, 0x82, 0x07, 0xd0]) + 2;
    assert_eq!(with(second_cue, &[0x07, 0xd1]), ["1 cue where there is no such key frame, the first for 2.001 s"]);
    let position = place(&[0xf1, 0x83]).max(place(&[0xf1, 0x82])) + 3;
    assert_eq!(with(position, &[0x77]), ["1 cue where there is no cluster, the first for 2.000 s"]);
    let cluster = place(&[0x1f, 0x43, 0xb6, 0x75]);
    let time = cluster + film[cluster..].windows(4).position(|window| window == [0xe7, 0x82, 0x07, 0xd0]).unwrap() + 2;
    let back = with(time, &[0, 0]);
    assert!(back[0].starts_with("30 blocks of track 1 out of order, the first at 0.000 s"), "{back:?}");
    let more = inspected(&[&film[..], b"more"].concat()).faults;
    assert_eq!(more, [format!("4 bytes follow after the film's end at byte {}", film.len())]);
}
