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
fn a_film_its_frames_and_its_poster_come_from_one_run() {
    let bench = Bench::new();
    let args = ["record", "pattern", "--duration", "200ms", "--size", "64x36", "--quality", "90", "--json"];
    let outputs =
        ["-o", "film.webm", "-o", "frames/%05d.png", "-o", "f-%d.jpg", "-o", "poster.webp", "-o", "poster.png"];
    let summary = bench.json(args.iter().chain(&outputs));
    let further = summary["further"].as_array().expect("further outputs");
    let names = |digits: usize, before: &str, after: &str| -> Vec<String> {
        (1..=6).map(|number| format!("{before}{number:0digits$}{after}")).collect()
    };
    assert_eq!(further[0]["outputs"], json!(names(5, "frames/", ".png")));
    assert_eq!(further[1]["outputs"], json!(names(1, "f-", ".jpg")));
    // A picture takes one frame, an animation all.
    assert_eq!((&further[2]["frames_encoded"], &further[3]["frames_encoded"]), (&json!(6), &json!(1)));
    assert_eq!((&further[3]["frames_in"], &further[3]["dropped"]["ended"]), (&json!(6), &json!(5)), "{summary}");
    let times = std::fs::read_to_string(bench.path("frames/times.json")).expect("the times");
    let times: serde_json::Value = serde_json::from_str(&times).expect("JSON");
    let frames = times["frames"].as_array().expect("frames");
    let start = frames[0]["start"].as_f64();
    assert_eq!((frames.len(), &frames[0]["name"], start), (6, &json!("00001.png"), Some(0.0)));
    let start = frames[3]["start"].as_f64().expect("seconds");
    assert!((start - 0.1).abs() < 1e-6, "{times}");
    assert!(bench.path("f-times.json").exists());
    let first = image::open(bench.path("frames/00001.png")).expect("a picture").into_rgba8();
    assert_eq!(image::open(bench.path("poster.png")).expect("a picture").into_rgba8(), first);
    assert_ne!(image::open(bench.path("frames/00006.png")).expect("a picture").into_rgba8(), first);

    // A longer sequence of before is replaced whole.
    let again = ["record", "pattern", "--frames", "2", "--size", "64x36", "-o", "frames/%05d.png"];
    bench.run(again).failed(1, &["frames/00001.png", "--force"]);
    bench.run(again.iter().chain(&["--force"])).succeeded();
    let left = std::fs::read_dir(bench.path("frames")).expect("the folder").count();
    assert_eq!(left, 3, "two frames and their times");
    for (output, words) in
        [("a%s.png", "expected one number as in frames/%05d.png"), ("a-%d.webm", "expected the extension .png")]
    {
        bench.run(["record", "pattern", "--duration", "1s", "-o", output]).failed(2, &[words]);
    }
    let split = ["record", "pattern", "--duration", "1s", "--split", "1s", "-o", "b-%d.png"];
    bench.run(split).failed(2, &["-o FILE beside --split", "b-%d.png"]);
}

#[test]
fn wrong_outputs_are_refused_before_any_work() {
    let bench = Bench::new();
    bench.run(["record", "pattern", "-o", "a.webm", "-o", "a.webm"]).failed(2, &["one twice, a.webm"]);
    bench.run(["record", "pattern", "--audio", "none", "-o", "a.webm", "-o", "a.ogg"]).failed(1, &["sound", "Ogg"]);
    let h264 = ["record", "pattern", "-o", "a.mp4", "-o", "a.webm", "--codec", "h264"];
    bench.run(h264).failed(2, &["expected av1 or vp9 or vp8 for a file of WebM but found --codec h264"]);
    let shared = ["record", "pattern", "--frames", "2", "-o", "%d.png", "-o", "%d.jpg"];
    bench.run(shared).failed(2, &["two that share times.json"]);
    bench
        .run(["record", "pattern", "--frames", "2", "-o", "a.webm", "-o", "a.wav"])
        .failed(2, &["--duration", "--frames 2"]);
    assert!(bench.names().is_empty(), "{:?}", bench.names());
}

#[test]
fn pictures_that_are_the_source_are_never_written_over() {
    let bench = Bench::new();
    bench.run(["record", "pattern", "--frames", "3", "--size", "64x36", "-o", "frames/%d.png"]).succeeded();
    let files =
        || ["1.png", "2.png", "3.png"].map(|name| std::fs::read(bench.path(&format!("frames/{name}"))).expect(name));
    let before = files();
    for input in [&["frames/"][..], &["frames/2.png", "frames/3.png"]] {
        let args = [&["record"], input, &["--filter", "sepia(50%)", "-o", "frames/%d.png", "--force"]].concat();
        bench.run(args).failed(2, &["other than the source", "frames/"]);
        assert!(files() == before, "{input:?}");
    }
    bench
        .run(["sheet", "frames/", "-o", "frames/1.png", "--force"])
        .failed(2, &["other than the source", "frames/1.png"]);
    assert!(files() == before);
}
