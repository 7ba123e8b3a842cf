//! Several outputs of one recording: the filters run once, the encoders side by side.

mod support {
    pub mod packets;
    pub mod program;
    pub mod tools;
}

use serde_json::json;
use support::packets::{decodes, packets};
use support::program::Bench;

#[test]
fn every_output_gets_what_its_format_holds() {
    let bench = Bench::new();
    let args =
        ["record", "pattern", "--audio", "tone", "--duration", "1s", "--size", "320x180", "--filter", "sepia(1)"];
    let outputs = ["-o", "film.webm", "-o", "voice.ogg", "-o", "again.webm", "--json"];
    let summary = bench.json(args.iter().chain(&outputs));
    assert_eq!((&summary["outputs"], &summary["frames_encoded"]), (&json!(["film.webm"]), &json!(30)));
    let further = summary["further"].as_array().expect("further outputs");
    assert_eq!(further[0]["outputs"], json!(["voice.ogg"]));
    assert_eq!((&further[0]["codec"], &further[0]["width"]), (&json!("opus"), &json!(0)));
    assert_eq!((&further[1]["outputs"], &further[1]["frames_encoded"]), (&json!(["again.webm"]), &json!(30)));
    for (name, streams, frames) in [("film.webm", 2, 30), ("voice.ogg", 1, 0), ("again.webm", 2, 30)] {
        let path = bench.path(name);
        decodes(&path);
        let Some(packets) = packets(&path) else { return };
        assert_eq!(packets.iter().map(|packet| packet.stream).max(), Some(streams - 1), "{name}");
        let pictures = packets.iter().filter(|packet| packet.stream == 0 && streams == 2).count();
        assert_eq!(pictures, frames, "{name}");
    }
}

#[test]
fn an_output_that_cannot_be_written_ends_alone_and_the_program_says_so() {
    let bench = Bench::new();
    let args = ["record", "pattern", "--duration", "2s", "--size", "320x180", "-o", "film.webm", "-o", "/dev/full"];
    let ran = bench.run(args);
    ran.failed(1, &["/dev/full"]);
    decodes(&bench.path("film.webm"));
    if let Some(packets) = packets(&bench.path("film.webm")) {
        assert_eq!(packets.len(), 60, "the other output goes on");
    }
}

#[test]
fn wrong_outputs_are_refused_before_any_work() {
    let bench = Bench::new();
    bench.run(["record", "pattern", "-o", "a.webm", "-o", "a.webm"]).failed(2, &["one twice, a.webm"]);
    bench.run(["record", "pattern", "--audio", "none", "-o", "a.webm", "-o", "a.ogg"]).failed(1, &["sound", "Ogg"]);
    let h264 = ["record", "pattern", "-o", "a.mp4", "-o", "a.webm", "--codec", "h264"];
    bench.run(h264).failed(2, &["expected av1 or vp9 or vp8 for a file of WebM but found --codec h264"]);
    assert!(bench.names().is_empty(), "{:?}", bench.names());
}
