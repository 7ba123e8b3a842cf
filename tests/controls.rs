//! Requests to a running recording, without a terminal: pauses, silence and stills; and the events that it sends.

mod support {
    pub mod program;
    pub mod tools;
}

use std::process::Command;
use std::time::{Duration, Instant};

use framereel::frame::Size;
use framereel::gpu::Gpu;
use framereel::recorder::{Controls, FileSink, Media, MediaRecorderOptions, Progress, RecordEvent, Report, record};
use framereel::source::SourceOptions;
use framereel::source::pattern::PatternSource;
use framereel::source::tone::ToneSource;
use framereel::time::Span;
use support::program::Bench;

/// Records the pattern and the tone in real time for at most `secs` of the file; `at_progress` is called as it goes on.
fn recorded(bench: &Bench, secs: i64, controls: &Controls, mut at_progress: impl FnMut(Progress)) -> Report {
    let options = SourceOptions::default().with_size(Size::new(64, 64));
    let media = Media::default()
        .with_video(Box::new(PatternSource::new(&options).unwrap()))
        .with_audio(Box::new(ToneSource::new(None)));
    let sink = FileSink::create_new(bench.path("out.webm")).unwrap();
    let recording = record(media).duration(Span::from_secs(secs)).real_time(true).controls(controls);
    let recording = recording.on_event(|event| {
        if let RecordEvent::Progress(progress) = event {
            at_progress(progress);
        }
    });
    recording.run(&Gpu::new().unwrap(), sink).unwrap()
}

/// The strongest sample of each second.
fn loudness(bench: &Bench) -> Vec<f32> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(bench.path("out.webm"));
    let output = command.args(["-f", "f32le", "-ac", "1", "-ar", "48000", "-"]).output().expect("ffmpeg");
    let samples: Vec<_> = output.stdout.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    samples.chunks(48_000).map(|second| second.iter().fold(0.0, |peak: f32, sample| peak.max(sample.abs()))).collect()
}

#[test]
fn a_muted_recording_has_silence_until_it_is_unmuted_and_tells_how_loud_it_is() {
    let (bench, controls) = (Bench::new(), Controls::new());
    controls.set_muted(true);
    let mut levels = [0.0_f32; 2];
    recorded(&bench, 4, &controls, |progress| {
        let level = &mut levels[usize::from(!controls.is_muted())];
        *level = level.max(progress.level.expect("a recording with sound"));
        if progress.recorded > Span::from_millis(1_300) {
            controls.set_muted(false);
        }
    });
    assert!(levels[0] < 0.01 && (0.45..0.55).contains(&levels[1]), "{levels:?}");
    let loudness = loudness(&bench);
    assert!(loudness[0] < 0.01 && loudness[2] > 0.4, "{loudness:?}");
}

#[test]
fn a_pause_is_left_out_and_its_frames_are_counted_but_not_as_a_loss() {
    const PAUSE: Duration = Duration::from_millis(800);
    let (bench, controls) = (Bench::new(), Controls::new());
    let mut paused: Option<Instant> = None;
    let mut stood_still = None;
    let report = recorded(&bench, 60, &controls, |progress| {
        match paused {
            None if progress.recorded > Span::from_millis(300) => {
                controls.pause();
                paused = Some(Instant::now());
            }
            Some(since) if since.elapsed() > PAUSE => {
                controls.resume();
                stood_still.get_or_insert(progress.recorded);
            }
            _ => {}
        }
        if stood_still.is_some_and(|length| progress.recorded > length + Span::from_millis(300)) {
            controls.stop();
        }
    });
    assert!(report.stopped && report.dropped.paused >= 10, "{report:?}");
    assert!(report.duration_s < report.wall_s - 0.6, "{report:?}");
}

#[test]
fn a_still_is_the_filtered_picture_and_one_that_cannot_be_written_ends_nothing() {
    let (bench, controls) = (Bench::new(), Controls::new());
    let [good, nowhere, odd] = ["still.png", "nowhere/still.png", "still.gif"].map(|name| bench.path(name));
    [&good, &nowhere, &odd].into_iter().for_each(|path| controls.request_still(path));
    controls.set_filter("invert(1)".parse().unwrap());
    let report = recorded(&bench, 1, &controls, |_| {});
    assert!(report.frames_encoded > 0);
    assert_eq!(controls.saved_stills(), std::slice::from_ref(&good));
    let refused: Vec<_> = controls.refused().iter().map(ToString::to_string).collect();
    assert!(
        refused.len() == 2 && refused.iter().any(|error| error.contains("expected a still to end in")),
        "{refused:?}"
    );
    // The pattern's first bar is white.
    let still = image::open(&good).unwrap().to_rgb8();
    assert_eq!((still.dimensions(), still.get_pixel(3, 10).0), ((64, 64), [0, 0, 0]));
}

#[test]
fn sound_alone_has_no_still() {
    let (bench, controls) = (Bench::new(), Controls::new());
    controls.request_still(bench.path("still.png"));
    let media = Media::default().with_audio(Box::new(ToneSource::new(None)));
    let options = MediaRecorderOptions::default().with_mime_type("audio/webm");
    let recording = record(media).duration(Span::from_millis(200)).options(options).controls(&controls);
    recording.run(&Gpu::new().unwrap(), FileSink::create_new(bench.path("out.webm")).unwrap()).unwrap();
    let refused: Vec<_> = controls.refused().iter().map(ToString::to_string).collect();
    assert!(refused.len() == 1 && refused[0].contains("found sound alone"), "{refused:?}");
}

#[test]
fn a_countdown_is_waited_for_and_silent_where_nobody_sees_it() {
    let bench = Bench::new();
    let began = Instant::now();
    let args = ["record", "pattern", "--size", "64x64", "--frames", "1", "--countdown", "1"];
    let ran = bench.run(args).succeeded();
    assert!(began.elapsed() >= Duration::from_secs(1) && ran.stderr.is_empty(), "{ran:?}");
    bench.run(["record", "pattern", "--countdown", "11"]).failed(2, &["11 is not in 1..=10"]);
}
