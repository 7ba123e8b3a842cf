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
use serde_json::{Value, json};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("expected a number but found {value}"))
}

#[test]
fn an_encoder_that_cannot_keep_up_gets_faster_and_the_report_says_when_frames_were_dropped() {
    // More than any machine encodes.
    let (rate, size) = (FrameRate::whole(1000), Size::new(1280, 720));
    for codecs in ["av1", "vp8", "vp9"] {
        let options = MediaRecorderOptions::default().with_mime_type(&format!("video/webm;codecs={codecs}"));
        let report = recorded(Flood::new(rate, size), Overload::Drop, options.clone(), Span::from_secs(3));
        let [first, second, ..] = &*report.speeds else { panic!("expected another speed but found {report:?}") };
        assert_eq!((first.from_s, second.speed), (0.0, first.speed + 1), "{report:?}");
        assert!((0.5..=3.0).contains(&second.from_s), "{report:?}");

        let dropped: u64 = report.dropped_at.iter().map(|span| span.frames).sum();
        assert!(dropped > 0 && dropped == report.dropped.busy, "{report:?}");
        for span in &report.dropped_at {
            assert!(0.0 <= span.from_s && span.from_s <= span.to_s && span.to_s <= 3.1, "{report:?}");
        }
        let asked = recorded(Flood::new(rate, size), Overload::Drop, options.with_speed(9), Span::from_secs(1));
        assert_eq!(asked.speeds, [], "{asked:?}");
    }
}

#[test]
fn a_source_that_waits_loses_no_frame_and_keeps_every_time() {
    let bench = Bench::new();
    let args =
        "record pattern --realtime --overload slow --size 1280x720 --fps 500 --duration 240ms --audio tone --json";
    let report = bench.json(args.split(' ').chain(["-o", "film.webm"]));
    assert_eq!((&report["frames_encoded"], &report["frames_dropped"]), (&120.into(), &0.into()), "{report}");
    assert_eq!((&report["dropped_at"], &report["speeds"]), (&json!([]), &json!([])), "{report}");
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
        ("--realtime --overload block", &["a camera or a screen", "overload block"]),
        ("--overload sometimes", &["drop", "slow", "block", "`sometimes`"]),
        ("--speed 11", &["auto", "0 to 10", "`11`"]),
    ] {
        bench.run(["record", "pattern", "--duration", "1s"].into_iter().chain(args.split(' '))).failed(2, words);
        assert_eq!(bench.names(), [] as [&str; 0], "{args}");
    }
    let refused = |overload| {
        let sink = FileSink::create_new(bench.path("live.webm")).unwrap();
        let camera: Box<dyn Source> = Box::new(Flood::new(FrameRate::whole(100), Size::new(64, 64)));
        let error = record(camera).overload(overload).run(&Gpu::new().unwrap(), sink).unwrap_err();
        error.to_string()
    };
    assert!(refused(Overload::Slow).contains("a source that can wait"));
}

/// A camera of noise, which loses the frames that nobody takes in time. They have the size and the format that
/// recorders take, so that the GPU has no part in them.
struct Flood {
    info: SourceInfo,
    rate: FrameRate,
    clock: Clock,
    pictures: [Frame; 3],
    /// The number of its next frame.
    next: u64,
    losses: Arc<SourceLosses>,
}

impl Flood {
    fn new(rate: FrameRate, size: Size) -> Self {
        let info = SourceInfo::new("flood", size).with_rate(rate).with_endless(true);
        let mut state = 1_u32;
        let mut noise = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            16 + (state >> 24) as u8 / 2
        };
        let pictures = std::array::from_fn(|_| {
            let data = (0..Frame::packed_len(PixelFormat::I420, size)).map(&mut noise).collect();
            Frame::packed(PixelFormat::I420, size, ColorSpace::RECORDED, data)
        });
        Self { info, rate, clock: Clock::real(), pictures, next: 0, losses: Arc::default() }
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
        let newest = self.rate.frames_in(self.clock.now() - Timestamp::ZERO);
        self.losses.add_missed(newest.saturating_sub(self.next));
        self.next = self.next.max(newest);
        while self.clock.now() < self.rate.timestamp(self.next) {
            std::thread::sleep(Duration::from_micros(200));
        }
        let picture = &self.pictures[self.next as usize % self.pictures.len()];
        let frame = picture.clone().with_timestamp(self.rate.timestamp(self.next));
        self.next += 1;
        Ok(Some(frame))
    }
}

fn recorded(camera: Flood, overload: Overload, options: MediaRecorderOptions, length: Span) -> Report {
    let camera: Box<dyn Source> = Box::new(camera);
    let folder = tempfile::tempdir().unwrap();
    let sink = FileSink::create_new(folder.path().join("live.webm")).unwrap();
    let recording = record(camera).overload(overload).options(options).duration(length);
    recording.run(&Gpu::new().unwrap(), sink).unwrap()
}

#[test]
fn a_camera_that_is_read_late_misses_frames_where_the_recorder_would_drop_them() {
    // Slower than the camera on any machine.
    let options = MediaRecorderOptions::default().with_encoder(EncoderChoice::Rav1e).with_speed(2);
    let camera = || Flood::new(FrameRate::whole(500), Size::new(320, 180));
    let dropped = recorded(camera(), Overload::Drop, options.clone(), Span::from_secs(1));
    assert!(dropped.dropped.busy > 0, "{dropped:?}");
    let blocked = recorded(camera(), Overload::Block, options, Span::from_secs(1));
    assert_eq!((blocked.dropped.busy, &*blocked.dropped_at), (0, &[][..]), "{blocked:?}");
    assert!(blocked.dropped.missed > 0 && blocked.frames_encoded > 0, "{blocked:?}");
}
