//! Recordings as MP4: whole files, blobs, pieces, limits and replays; and the program. ffmpeg decodes them; `make test`
//! installs it.

mod support {
    pub mod program;
    pub mod studio;
    pub mod tools;
}

use std::io::Cursor;

use framereel::mux::{Detail, Inspection, inspect};
use framereel::recorder::{Destination, FileSink, MediaRecorder, MediaRecorderOptions, Pieces, Replay};
use framereel::time::Span;
use support::program::Bench;
use support::studio::{Judged, Studio, lived};

const TYPE: &str = "video/mp4;codecs=\"av01,opus\"";

fn options() -> MediaRecorderOptions {
    MediaRecorderOptions::default().with_mime_type(TYPE)
}

fn inspected(bytes: &[u8]) -> Inspection {
    let found = inspect(Cursor::new(bytes), Detail::Numbers).unwrap();
    assert_eq!((found.container.as_str(), &found.faults[..]), ("mp4", &[][..]));
    found
}

/// The sound is a hum from this second to that one.
#[track_caller]
fn hums(file: &Judged, from: f64, to: f64) {
    let loudness = file.loudness(from, to);
    assert!((0.19..0.23).contains(&loudness), "{loudness}");
}

#[test]
fn a_recording_is_an_ordinary_file_in_memory_and_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    for on_disk in [false, true] {
        let studio = Studio::both();
        let recorder = MediaRecorder::new(&studio.stream, options()).unwrap();
        if on_disk {
            recorder.start_to(FileSink::create_new(&path).unwrap()).unwrap();
        } else {
            recorder.start(None).unwrap();
        }
        studio.frames_with_sound(0..60);
        recorder.stop();
        let life = lived(&recorder);
        assert_eq!(life.errors.len(), 0);
        let bytes = if on_disk { std::fs::read(&path).unwrap() } else { life.blobs[0].data.bytes().unwrap().to_vec() };
        let found = inspected(&bytes);
        assert_eq!(found.clusters.count, 0, "fragments");
        assert_eq!(
            found.tracks.iter().map(|track| track.codec.clone().unwrap()).collect::<Vec<_>>(),
            ["av01.0.00M.08", "opus"]
        );
        let file = Judged::new(&framereel::blob::Blob::new(bytes, ""));
        assert_eq!((file.frames(), file.tracks()), (60, vec!["av1".to_owned(), "opus".to_owned()]));
        assert!((2.0..2.02).contains(&file.duration()), "{}", file.duration());
        // The last packet is filled up with silence.
        assert!((96_000..96_960).contains(&file.samples().len()), "{}", file.samples().len());
        hums(&file, 0.01, 1.99);
    }
}

#[test]
fn pieces_and_replays_begin_with_a_key_frame_and_with_exact_sound() {
    let folder = tempfile::tempdir().unwrap();
    let studio = Studio::both();
    let recorder = MediaRecorder::new(&studio.stream, options()).unwrap();
    let path = |number: u32| folder.path().join(format!("{number}.mp4"));
    let paths = [1, 2, 3].map(path);
    let opened = paths.clone();
    let open = move |number: u32| FileSink::create_new(&opened[number as usize - 1]);
    recorder.start_to(Destination::Files(Pieces::new(open).with_length(Span::from_secs(1)))).unwrap();
    studio.frames_with_sound(0..90);
    recorder.stop();
    assert_eq!(lived(&recorder).errors.len(), 0);
    let mut samples = 0;
    for path in &paths {
        let found = inspected(&std::fs::read(path).unwrap());
        assert_eq!((found.tracks[0].blocks, found.tracks[0].first_s), (30, Some(0.0)));
        let file = Judged::at(path);
        assert_eq!((file.frames(), file.keys()[0]), (30, 0.0));
        assert!((file.duration() - 1.0).abs() < 0.025, "{}", file.duration());
        // From its first moment on, without a click.
        hums(&file, 0.0, 0.95);
        samples += file.samples().len();
    }
    // What each piece has beyond its video is at most a packet.
    assert!(samples.abs_diff(144_000) <= 3 * 960, "{samples}");

    let studio = Studio::both();
    let replay = Replay::new(Span::from_secs(1)).with_options(options()).start(&studio.stream).unwrap();
    studio.frames_with_sound(0..150);
    let saved = loop {
        let saved = replay.save().unwrap();
        let found = inspect(Cursor::new(saved.bytes().unwrap()), Detail::Numbers);
        // The encoders may still be at work.
        if found.is_ok_and(|found| found.measured_duration_s > 0.9) {
            break saved;
        }
    };
    let found = inspected(&saved.bytes().unwrap());
    assert_eq!(found.tracks[0].first_s, Some(0.0));
    let file = Judged::new(&saved);
    assert_eq!(file.frames() as u64, found.tracks[0].blocks);
    hums(&file, 0.02, 0.8);
}

#[test]
fn a_size_limit_holds_with_the_index_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    for limit in [30_000, 60_000] {
        let path = folder.path().join(format!("{limit}.mp4"));
        let studio = Studio::both();
        let recorder = MediaRecorder::new(&studio.stream, options().with_size_limit(limit)).unwrap();
        recorder.start_to(FileSink::create_new(&path).unwrap()).unwrap();
        studio.frames_with_sound(0..600);
        recorder.stop();
        assert_eq!(lived(&recorder).errors.len(), 0);
        let bytes = std::fs::read(&path).unwrap();
        println!("{} of {limit}", bytes.len());
        assert!(bytes.len() as u64 <= limit && bytes.len() as u64 > limit * 8 / 10, "{} of {limit}", bytes.len());
        inspected(&bytes);
        assert!(Judged::at(&path).frames() > 10);
    }
}

#[cfg(unix)]
#[test]
fn the_program_records_repairs_and_inspects_mp4() {
    let bench = Bench::new();
    bench.run(["record", "pattern", "--duration", "2s", "--size", "160x90", "-o", "film.mp4"]).succeeded();
    let text = bench.run(["inspect", "film.mp4"]).succeeded().stdout;
    for words in
        ["film.mp4, MP4,", "video, av01.0.00M.08, 160x90", "60 frames", "index    of the whole file", "faults   none"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    // A pipe gets fragments, which repair makes an ordinary file of.
    let link = bench.path("pipe.mp4");
    std::os::unix::fs::symlink("/dev/stdout", &link).unwrap();
    let record = ["record", "pattern", "--duration", "2s", "--size", "160x90", "-o", "pipe.mp4"];
    let mut command = bench.command(record);
    let piped = command.stderr(std::process::Stdio::null()).output().expect("the program").stdout;
    bench.write("live.mp4", &piped);
    bench.run(["inspect", "live.mp4", "--clusters"]).failed(1, &["faults found"]);
    bench.write("cut.mp4", &piped[..piped.len() - 100]);
    let report = bench.json(["repair", "cut.mp4", "--json"]);
    assert_eq!(report["output"], "cut-repaired.mp4");
    assert!(report["tracks"][0]["blocks"].as_u64().unwrap() >= 55, "{report}");
    bench.run(["inspect", "cut-repaired.mp4"]).succeeded();
    bench.run(["repair", "cut.mp4", "-o", "other.webm"]).failed(1, &["expected an output that ends in .mp4"]);
    bench
        .run(["record", "pattern", "--codec", "vp8", "-o", "a.mp4"])
        .failed(2, &["expected av1 or h264 or vp9 or hevc"]);
}
