//! Recordings in real time of more than can be encoded: faster encoding, dropped frames, or a source that waits.

#[path = "support/packets.rs"]
mod packets;
#[path = "support/program.rs"]
mod program;
#[path = "support/tools.rs"]
mod tools;

use std::sync::Arc;
use std::time::Duration;

use framereel::clock::Clock;
use framereel::color::ColorSpace;
use framereel::encode::EncoderChoice;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::recorder::{FileSink, MediaRecorderOptions, Overload, Report, record};
use framereel::source::{Source, SourceInfo, SourceLosses};
use framereel::time::{FrameRate, Span, Timestamp};
use packets::packets;
use program::Bench;
use serde_json::Value;

/// More frames than any machine encodes.
const FLOOD: &str = "record pattern --realtime --size 1280x720 --fps 500 --duration 2s --json -o film.webm";

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("expected a number but found {value}"))
}

#[test]
fn an_encoder_that_cannot_keep_up_gets_faster_and_the_report_says_when_frames_were_dropped() {
    for encoder in ["aom", "vpx"] {
        let bench = Bench::new();
        let report = bench.json(FLOOD.split(' ').chain(["--encoder", encoder]));
        let speeds = report["speeds"].as_array().expect("speeds");
        let usual = number(&speeds[0]["speed"]);
        assert_eq!(number(&speeds[0]["from_s"]), 0.0, "{report}");
        assert!(speeds.len() > 1 && speeds[1..].iter().all(|change| number(&change["from_s"]) > 0.0), "{report}");
        assert_eq!(number(&speeds[1]["speed"]), usual + 1.0, "{report}");

        let spans = report["dropped_at"].as_array().expect("dropped_at");
        let dropped: f64 = spans.iter().map(|span| number(&span["frames"])).sum();
        assert!(dropped > 0.0 && dropped == number(&report["dropped"]["busy"]), "{report}");
        for span in spans {
            let (from, to) = (number(&span["from_s"]), number(&span["to_s"]));
            assert!(0.0 <= from && from <= to && to <= number(&report["duration_s"]) + 0.1, "{report}");
        }
    }
}

#[test]
fn a_speed_that_was_asked_for_stays() {
    let bench = Bench::new();
    let args = "record pattern --realtime --size 1280x720 --fps 500 --duration 700ms --speed 9 --json -o film.webm";
    let report = bench.json(args.split(' '));
    assert_eq!(report["speeds"], Value::Array(Vec::new()));
    assert!(number(&report["dropped"]["busy"]) > 0.0, "{report}");
}

#[test]
fn the_summary_tells_the_speeds_and_when_frames_were_dropped() {
    let bench = Bench::new();
    let ran = bench.run(FLOOD.split(' ').filter(|word| *word != "--json")).succeeded();
    let line = |name: &str| ran.stdout.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    assert!(line("dropped").contains(" because the recorder was busy (at 0."), "{ran:?}");
    assert!(line("speed").starts_with("speed    9, at ") && line("speed").ends_with(" s 10"), "{ran:?}");
}

#[test]
fn a_source_that_waits_loses_no_frame_and_keeps_every_time() {
    let bench = Bench::new();
    let args =
        "record pattern --realtime --overload slow --size 1280x720 --fps 500 --duration 240ms --audio tone --json";
    let report = bench.json(args.split(' ').chain(["-o", "film.webm"]));
    assert_eq!((&report["frames_encoded"], &report["frames_dropped"]), (&120.into(), &0.into()), "{report}");
    let length = number(&report["duration_s"]);
    assert!((length - 0.24).abs() < 0.05 && number(&report["wall_s"]) > length, "{report}");
    let Some(packets) = packets(&bench.path("film.webm")) else { return };
    let times: Vec<_> = packets.iter().filter(|packet| packet.stream == 0).map(|packet| packet.millis).collect();
    assert!(times.iter().copied().eq((0..120).map(|index| 2 * index)), "{times:?}");
}

#[test]
fn a_source_that_could_wait_is_no_faster_than_real_time() {
    let bench = Bench::new();
    let args = "record pattern --realtime --overload slow --size 64x64 --fps 10 --duration 1s --json -o film.webm";
    let report = bench.json(args.split(' '));
    assert_eq!(report["frames_encoded"], 10, "{report}");
    assert!(number(&report["wall_s"]) >= 0.9, "{report}");
}

#[test]
fn what_a_source_cannot_do_is_refused() {
    let bench = Bench::new();
    for (args, words) in [
        ("--overload slow", &["real time", "overload slow"][..]),
        ("--overload block", &["real time", "overload block"]),
        ("--realtime --overload block", &["a live source", "overload block", "choose drop or slow"]),
        ("--overload sometimes", &["drop", "slow", "block", "`sometimes`"]),
        ("--speed 11", &["auto", "0 to 10", "`11`"]),
    ] {
        bench.run(["record", "pattern", "--duration", "1s"].into_iter().chain(args.split(' '))).failed(2, words);
        assert_eq!(bench.names(), [] as [&str; 0], "{args}");
    }
    let refused = |overload| {
        let sink = FileSink::create_new(bench.path("live.webm")).unwrap();
        let camera: Box<dyn Source> = Box::new(Flood::new());
        let error = record(camera).overload(overload).run(&Gpu::new().unwrap(), sink).unwrap_err();
        error.to_string()
    };
    assert!(refused(Overload::Slow).contains("a source that can wait"));
}

/// A camera of 200 frames a second, which loses those that nobody takes in time.
struct Flood {
    info: SourceInfo,
    clock: Clock,
    /// The number of its next frame.
    next: u64,
    losses: Arc<SourceLosses>,
}

impl Flood {
    const RATE: FrameRate = FrameRate::whole(200);
    const SIZE: Size = Size::new(320, 180);

    fn new() -> Self {
        let info = SourceInfo::new("flood", Self::SIZE).with_rate(Self::RATE).with_endless(true);
        Self { info, clock: Clock::real(), next: 0, losses: Arc::default() }
    }
}

impl Source for Flood {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn live_clock(&self) -> Option<&Clock> {
        Some(&self.clock)
    }

    fn losses(&self) -> Option<Arc<SourceLosses>> {
        Some(self.losses.clone())
    }

    fn next_frame(&mut self) -> framereel::Result<Option<Frame>> {
        // The newest frame that the camera has, or the next one.
        let newest = Self::RATE.frames_in(self.clock.now() - Timestamp::ZERO);
        while self.next < newest {
            self.losses.add_missed(1);
            self.next += 1;
        }
        while self.clock.now() < Self::RATE.timestamp(self.next) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let shade = |index: usize| (index as u64 * 31 + self.next * 7) as u8;
        let data = (0..Frame::packed_len(PixelFormat::Gray8, Self::SIZE)).map(shade).collect();
        let frame = Frame::packed(PixelFormat::Gray8, Self::SIZE, ColorSpace::RECORDED, data);
        let frame = frame.with_timestamp(Self::RATE.timestamp(self.next));
        self.next += 1;
        Ok(Some(frame))
    }
}

fn recorded(overload: Overload) -> Report {
    let camera: Box<dyn Source> = Box::new(Flood::new());
    let folder = tempfile::tempdir().unwrap();
    let sink = FileSink::create_new(folder.path().join("live.webm")).unwrap();
    // Slower than the camera on any machine.
    let options = MediaRecorderOptions::default().with_encoder(EncoderChoice::Rav1e).with_speed(2);
    let recording = record(camera).overload(overload).options(options).duration(Span::from_secs(1));
    recording.run(&Gpu::new().unwrap(), sink).unwrap()
}

#[test]
fn a_camera_that_is_read_late_misses_frames_where_the_recorder_would_drop_them() {
    let dropped = recorded(Overload::Drop);
    assert!(dropped.dropped.busy > 0, "{dropped:?}");
    let blocked = recorded(Overload::Block);
    assert_eq!((blocked.dropped.busy, &*blocked.dropped_at), (0, &[][..]), "{blocked:?}");
    assert!(blocked.dropped.missed > 0 && blocked.frames_encoded > 0, "{blocked:?}");
}
