//! The tables of ccapture.js and RecordRTC in docs/coming-from.md: what each row says is done here.
//!
//! Commands in the page's blocks of `sh` are run by tests/docs.rs; here are the calls of the library, and commands
//! whose result a test must look at.

mod support {
    pub mod program;
    pub mod tools;
}

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use framereel::audio::AudioBuffer;
use framereel::blob::Blob;
use framereel::canvas::Canvas;
use framereel::canvas::layout::{Anchor, OverlayPlace};
use framereel::constraints::TrackConstraints;
use framereel::recorder::{Layout, Overlay, Pieces, RecordEvent, RecordingState, record};
use framereel::source::pattern::PatternSource;
use framereel::{
    Clock, ColorSpace, Controls, Destination, Event, FileSink, Frame, FrameRate, Gpu, Media, MediaRecorder,
    MediaRecorderOptions, MediaStream, MotionBlur, PixelFormat, Report, Size, Source, SourceOptions, Span,
    TrackGenerator,
};
use support::program::Bench;

/// How a row is tried.
enum Tried {
    /// By calls of the library.
    Calls(fn(&Stage)),
    /// By the program: these arguments write `a.webm`, of so many seconds.
    Writes(&'static str, f64),
    /// Nothing is to be called: the row says that something is not necessary, or not there yet.
    Nothing,
}
use Tried::{Calls, Nothing, Writes};

/// A canvas that is painted thirty times a second, exactly, and its stream.
struct Stage {
    gpu: Gpu,
    folder: tempfile::TempDir,
}

const SIZE: Size = Size::new(64, 48);

fn options() -> MediaRecorderOptions {
    MediaRecorderOptions::default()
}

impl Stage {
    fn canvas(&self) -> (Canvas, MediaStream) {
        let clock = Clock::stepped(FrameRate::whole(30));
        let mut canvas = Canvas::new(&self.gpu, SIZE).unwrap().with_clock(clock);
        let stream = canvas.capture_stream(None).unwrap();
        (canvas, stream)
    }

    /// A canvas and a recorder of it that records.
    fn started(&self, timeslice: impl Into<Option<Span>>) -> (Canvas, MediaStream, MediaRecorder) {
        let (canvas, stream) = self.canvas();
        let recorder = MediaRecorder::new(&stream, options()).unwrap();
        recorder.start(timeslice).unwrap();
        (canvas, stream, recorder)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Records so many frames of a canvas in memory.
    fn recorded(&self, options: MediaRecorderOptions, frames: u32) -> (Blob, Report) {
        let (mut canvas, stream) = self.canvas();
        let recorder = MediaRecorder::new(&stream, options).unwrap();
        recorder.start(None).unwrap();
        paint(&mut canvas, frames);
        (finished(&recorder), recorder.report())
    }

    /// A source of pictures.
    fn pattern(&self) -> Box<dyn Source> {
        let options = SourceOptions::default().with_size(SIZE).with_rate(FrameRate::whole(30));
        Box::new(PatternSource::new(&options).unwrap())
    }
}

/// Draws and presents frames, each lighter than the one before.
fn paint(canvas: &mut Canvas, frames: u32) {
    for _ in 0..frames {
        let shade = (canvas.clock().now().as_secs_f64() * 600.0) as u8;
        let data = vec![shade; Frame::packed_len(PixelFormat::Gray8, SIZE)];
        canvas.draw(Frame::packed(PixelFormat::Gray8, SIZE, ColorSpace::RECORDED, data));
        canvas.present().unwrap();
    }
}

/// Ends a recording; its blobs, joined.
fn finished(recorder: &MediaRecorder) -> Blob {
    recorder.stop();
    let mut data = Vec::new();
    for event in recorder.events() {
        match event {
            Event::DataAvailable(event) => data.push(event.data),
            Event::Error(error) => panic!("{error}"),
            _ => {}
        }
    }
    Blob::join(data)
}

fn is_webm(blob: &Blob) -> bool {
    blob.bytes().unwrap().starts_with(b"\x1a\x45\xdf\xa3")
}

#[track_caller]
fn lasts(report: &Report, seconds: f64) {
    assert!((report.duration_s - seconds).abs() < 0.002, "{report:?}");
}

/// The rows of ccapture.js, by how their left column begins.
const CCAPTURE: &[(&str, Tried)] = &[
    (
        "`new CCapture({ framerate: 60 })`",
        Calls(|stage| {
            let clock = Clock::stepped(FrameRate::whole(60));
            let canvas = Canvas::new(&stage.gpu, SIZE).unwrap().with_clock(clock);
            assert_eq!(canvas.clock().rate(), Some(FrameRate::whole(60)));
        }),
    ),
    (
        "hooks for",
        Calls(|stage| {
            let (mut canvas, _stream) = stage.canvas();
            paint(&mut canvas, 15);
            assert_eq!(canvas.clock().now(), FrameRate::whole(30).timestamp(15));
        }),
    ),
    (
        "`capturer.start()`",
        Calls(|stage| {
            let (mut canvas, stream) = stage.canvas();
            let recorder = MediaRecorder::new(&stream, options()).unwrap();
            recorder.start_to(FileSink::create(stage.path("a.webm")).unwrap()).unwrap();
            paint(&mut canvas, 3);
            finished(&recorder);
            assert!(fs::metadata(stage.path("a.webm")).unwrap().len() > 100);
        }),
    ),
    (
        "`capturer.capture(canvas)`",
        Calls(|stage| {
            let (mut canvas, _stream, recorder) = stage.started(None);
            paint(&mut canvas, 2);
            let texture = canvas.texture().unwrap();
            assert_eq!(texture.width(), SIZE.width);
            canvas.present().unwrap();
            finished(&recorder);
            assert_eq!(recorder.report().frames_encoded, 3);
        }),
    ),
    ("`capturer.stop()`, `capturer.save()`", Calls(|stage| lasts(&stage.recorded(options(), 30).1, 1.0))),
    ("`save(blob", Calls(|stage| assert!(is_webm(&stage.recorded(options(), 3).0)))),
    (
        "`save()` before",
        Calls(|stage| {
            let (mut canvas, _stream, recorder) = stage.started(None);
            paint(&mut canvas, 3);
            recorder.request_data().unwrap();
            let so_far = recorder.events().find_map(|event| match event {
                Event::DataAvailable(event) => Some(event.data),
                _ => None,
            });
            assert!(is_webm(&so_far.unwrap()));
            paint(&mut canvas, 3);
            finished(&recorder);
            assert_eq!(recorder.report().frames_encoded, 6);
        }),
    ),
    ("`format: \"webm\"`", Calls(|stage| assert!(stage.recorded(options(), 1).1.codec.starts_with("av01")))),
    ("`format: \"gif\"`", Nothing),
    (
        "`format: \"png\"`",
        Calls(|stage| {
            let (mut canvas, _stream) = stage.canvas();
            paint(&mut canvas, 1);
            assert!(canvas.to_blob("image/png", None).unwrap().unwrap().bytes().unwrap().starts_with(b"\x89PNG"));
        }),
    ),
    ("`format: \"ffmpegserver\"`", Nothing),
    ("`quality: 80`", Calls(|stage| assert!(stage.recorded(options().with_quality(80), 3).1.bytes > 0))),
    ("`name: \"a\"`", Writes("record pattern --size 64x48 --frames 3 -o a.webm", 0.1)),
    (
        "`timeLimit: 10`",
        Calls(|stage| {
            lasts(&stage.recorded(options().with_time_limit(Span::from_millis(200)), 30).1, 0.2);
        }),
    ),
    (
        "`frameLimit: 600`",
        Calls(|stage| {
            assert_eq!(stage.recorded(options().with_frame_limit(6), 30).1.frames_encoded, 6);
        }),
    ),
    (
        "`autoSaveTime: 30`",
        Calls(|stage| {
            let (mut canvas, stream) = stage.canvas();
            let recorder = MediaRecorder::new(&stream, options()).unwrap();
            let folder = stage.folder.path().to_owned();
            let open = move |number| FileSink::create(folder.join(format!("a-part-{number:06}.webm")));
            let pieces = Pieces::new(open).with_length(Span::from_millis(500));
            recorder.start_to(Destination::Files(pieces)).unwrap();
            paint(&mut canvas, 40);
            finished(&recorder);
            assert_eq!(recorder.report().files, 3);
            assert!(stage.path("a-part-000003.webm").is_file());
        }),
    ),
    (
        "`startTime: 5`",
        Calls(|stage| {
            let (mut canvas, stream) = stage.canvas();
            let recorder = MediaRecorder::new(&stream, options()).unwrap();
            paint(&mut canvas, 15);
            recorder.start(None).unwrap();
            paint(&mut canvas, 15);
            finished(&recorder);
            lasts(&recorder.report(), 0.5);
        }),
    ),
    (
        "`motionBlurFrames",
        Calls(|stage| {
            let (mut canvas, stream) = stage.canvas();
            canvas.set_motion_blur(MotionBlur::new(16).unwrap().with_shutter(180).unwrap());
            let recorder = MediaRecorder::new(&stream, options()).unwrap();
            recorder.start(None).unwrap();
            paint(&mut canvas, 6 * 16);
            finished(&recorder);
            assert_eq!(recorder.report().frames_encoded, 6);
            lasts(&recorder.report(), 0.2);
        }),
    ),
    ("`workers`", Nothing),
    (
        "`verbose`, `display`",
        Calls(|stage| {
            let (mut canvas, _stream, recorder) = stage.started(None);
            paint(&mut canvas, 3);
            finished(&recorder);
            assert_eq!((recorder.progress().frames, recorder.report().frames_encoded), (3, 3));
        }),
    ),
    (
        "`onProgress`",
        Calls(|stage| {
            let mut seen = 0;
            let recording = record(stage.pattern()).duration(Span::from_millis(200)).on_event(|event| {
                if let RecordEvent::Progress(progress) = event {
                    seen = seen.max(progress.frames);
                }
            });
            let report = recording.run(&stage.gpu, FileSink::create(stage.path("progress.webm")).unwrap()).unwrap();
            assert_eq!((seen, report.frames_encoded), (6, 6));
        }),
    ),
];

/// Those of RecordRTC.
const RECORD_RTC: &[(&str, Tried)] = &[
    ("`RecordRTC(stream, options)`", Calls(|stage| lasts(&stage.recorded(options(), 3).1, 0.1))),
    (
        "`startRecording()`, `stopRecording(callback)`",
        Calls(|stage| {
            let (mut canvas, _stream, recorder) = stage.started(None);
            paint(&mut canvas, 3);
            recorder.stop();
            assert!(matches!(recorder.events().last(), Some(Event::Stop)));
        }),
    ),
    (
        "`pauseRecording()`, `resumeRecording()`",
        Calls(|stage| {
            let (mut canvas, _stream, recorder) = stage.started(None);
            paint(&mut canvas, 3);
            recorder.pause().unwrap();
            paint(&mut canvas, 3);
            recorder.resume().unwrap();
            paint(&mut canvas, 3);
            finished(&recorder);
            assert_eq!((recorder.report().frames_encoded, recorder.report().dropped.paused), (6, 3));
        }),
    ),
    ("`getBlob()`", Calls(|stage| assert!(is_webm(&stage.recorded(options(), 3).0)))),
    (
        "`getDataURL(callback)`",
        Calls(|stage| {
            let (blob, _) = stage.recorded(options(), 3);
            assert!(blob.to_data_url().unwrap().starts_with("data:video/webm;base64,GkXfo"));
            let (mut canvas, _stream) = stage.canvas();
            paint(&mut canvas, 1);
            assert!(canvas.to_data_url("image/png", None).unwrap().starts_with("data:image/png;base64,iVBOR"));
        }),
    ),
    (
        "`save(\"a.webm\")`",
        Calls(|stage| {
            let (blob, _) = stage.recorded(options(), 3);
            blob.save(stage.path("saved.webm")).unwrap();
            assert_eq!(fs::read(stage.path("saved.webm")).unwrap(), blob.bytes().unwrap());
        }),
    ),
    (
        "`getSeekableBlob(blob, callback)`",
        Calls(|stage| {
            let (mut canvas, _stream, recorder) = stage.started(Span::from_millis(100));
            paint(&mut canvas, 30);
            let blob = finished(&recorder).into_seekable().unwrap();
            assert!(is_webm(&blob));
        }),
    ),
    (
        "`state`",
        Calls(|stage| {
            let (_canvas, stream) = stage.canvas();
            let recorder = MediaRecorder::new(&stream, options()).unwrap();
            assert_eq!(recorder.state(), RecordingState::Inactive);
            recorder.start(None).unwrap();
            assert_eq!(recorder.state(), RecordingState::Recording);
        }),
    ),
    (
        "`onStateChanged`",
        Calls(|stage| {
            let (mut canvas, stream) = stage.canvas();
            let recorder = MediaRecorder::new(&stream, options()).unwrap();
            let seen = Arc::new(AtomicU32::new(0));
            let counted = seen.clone();
            let is_state = |event: &Event| matches!(event, Event::Start | Event::Pause | Event::Resume | Event::Stop);
            let count = move |event| {
                counted.fetch_add(is_state(&event).into(), Ordering::SeqCst);
            };
            recorder.on_event(count).unwrap();
            recorder.start(None).unwrap();
            paint(&mut canvas, 2);
            recorder.pause().unwrap();
            recorder.resume().unwrap();
            recorder.stop();
            support::program::until("four events", || seen.load(Ordering::SeqCst) == 4);
        }),
    ),
    (
        "`setRecordingDuration(5000)`",
        Calls(|stage| {
            lasts(&stage.recorded(options().with_time_limit(Span::from_millis(500)), 30).1, 0.5);
        }),
    ),
    (
        "`timeSlice: 1000, ondataavailable`",
        Calls(|stage| {
            let (mut canvas, _stream, recorder) = stage.started(Span::from_millis(200));
            paint(&mut canvas, 30);
            recorder.stop();
            let slices = recorder.events().filter(|event| matches!(event, Event::DataAvailable(_))).count();
            assert!(slices >= 4, "{slices}");
        }),
    ),
    (
        "`onTimeStamp`",
        Calls(|stage| {
            let (mut canvas, _stream, recorder) = stage.started(Span::from_millis(200));
            paint(&mut canvas, 30);
            recorder.stop();
            let times: Vec<_> = recorder
                .events()
                .filter_map(|event| match event {
                    Event::DataAvailable(event) => Some(event.timecode),
                    _ => None,
                })
                .collect();
            assert!(times.is_sorted() && times.last() > times.first(), "{times:?}");
        }),
    ),
    (
        "`clearRecordedData()`, `reset()`",
        Calls(|stage| {
            let (mut canvas, stream) = stage.canvas();
            let recorder = MediaRecorder::new(&stream, options()).unwrap();
            for frames in [3, 5] {
                recorder.start(None).unwrap();
                paint(&mut canvas, frames);
                finished(&recorder);
                assert_eq!(recorder.report().frames_encoded, u64::from(frames));
            }
        }),
    ),
    (
        "`mimeType`, `bitsPerSecond`",
        Calls(|stage| {
            let asked = options().with_mime_type("video/webm;codecs=av1").with_bits_per_second(500_000);
            let asked = asked.with_audio_bits_per_second(64_000).with_video_bits_per_second(400_000);
            assert_eq!(stage.recorded(asked, 3).1.frames_encoded, 3);
        }),
    ),
    (
        "`type: \"audio\"`, `StereoAudioRecorder`",
        Calls(|_| {
            let clock = Clock::stamped();
            let track = TrackGenerator::audio(48_000, 1, &clock);
            let stream = MediaStream::new([track.track()]);
            let recorder = MediaRecorder::new(&stream, options().with_mime_type("audio/wav")).unwrap();
            recorder.start(None).unwrap();
            track.write_audio(AudioBuffer::silence(48_000, clock.now(), 1, 4800).unwrap()).unwrap();
            assert!(finished(&recorder).bytes().unwrap().starts_with(b"RIFF"));
            lasts(&recorder.report(), 0.1);
        }),
    ),
    (
        "`sampleRate`, `numberOfAudioChannels`",
        Calls(|_| {
            let wanted = TrackConstraints::default().with_sample_rate(16_000.into()).with_channel_count(1.into());
            assert_eq!("sample-rate=16000,channel-count=1".parse::<TrackConstraints>().unwrap(), wanted);
        }),
    ),
    ("`bufferSize`", Nothing),
    ("`type: \"gif\"`, `GifRecorder`", Nothing),
    (
        "`type: \"canvas\"`, `CanvasRecorder`",
        Calls(|stage| {
            let (_canvas, stream) = stage.canvas();
            assert_eq!(stream.video_tracks().len(), 1);
        }),
    ),
    ("`WhammyRecorder`, `recorderType`", Nothing),
    (
        "`frameInterval: 33`",
        Calls(|stage| {
            let mut canvas = Canvas::new(&stage.gpu, SIZE).unwrap().with_clock(Clock::stepped(FrameRate::whole(60)));
            let stream = canvas.capture_stream(30.0).unwrap();
            let recorder = MediaRecorder::new(&stream, options()).unwrap();
            recorder.start(None).unwrap();
            paint(&mut canvas, 60);
            finished(&recorder);
            assert_eq!(recorder.report().frames_encoded, 30);
        }),
    ),
    (
        "`video: { width, height }`",
        Calls(|stage| {
            let report = stage.recorded(options(), 1).1;
            assert_eq!((report.width, report.height), (SIZE.width, SIZE.height));
        }),
    ),
    (
        "an array of streams, `MultiStreamRecorder`",
        Calls(|stage| {
            let overlay = Overlay {
                source: stage.pattern(),
                place: OverlayPlace::Anchored { anchor: Anchor::RightBottom, part: 0.25 },
            };
            let media =
                Media::default().with_video(stage.pattern()).with_overlays(vec![overlay]).with_layout(Layout::Grid);
            let recording = record(media).size(Size::new(128, 48)).duration(Span::from_millis(100));
            let report = recording.run(&stage.gpu, FileSink::create(stage.path("two.webm")).unwrap()).unwrap();
            assert_eq!((report.width, report.frames_encoded), (128, 3));
        }),
    ),
    ("`addStreams`, `resetVideoStreams`", Nothing),
    ("`previewStream`", Nothing),
    ("`getInternalRecorder()`", Nothing),
    ("`initRecorder(callback)`", Nothing),
    (
        "`destroy()`",
        Calls(|stage| {
            let (mut canvas, stream, recorder) = stage.started(None);
            paint(&mut canvas, 1);
            let events = recorder.events();
            drop(recorder);
            // They end.
            events.for_each(drop);
            assert!(stream.is_active());
        }),
    ),
    (
        "`autoWriteToDisk`",
        Calls(|stage| {
            let controls = Controls::new();
            let recording = record(stage.pattern()).duration(Span::from_millis(100)).controls(&controls);
            recording.run(&stage.gpu, FileSink::create(stage.path("disk.webm")).unwrap()).unwrap();
            assert!(is_webm(&Blob::from_file(stage.path("disk.webm"), "video/webm").unwrap()));
        }),
    ),
    ("`RecordRTCPromisesHandler`", Nothing),
    ("`checkForInactiveTracks`", Nothing),
];

/// The left column of the table below this heading of the page.
fn rows(heading: &str) -> Vec<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/coming-from.md")).expect("the page");
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect("the section");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    rows.skip(1).map(str::to_owned).collect()
}

/// Tries all rows; each row of the page is one of them.
fn try_all(heading: &str, table: &[(&str, Tried)]) {
    let stage = Stage { gpu: Gpu::new().expect("an adapter"), folder: tempfile::tempdir().expect("a folder") };
    for (row, tried) in table {
        println!("{row}");
        match tried {
            Calls(calls) => calls(&stage),
            Writes(command, seconds) => {
                let bench = Bench::new();
                let report = bench.json(command.split(' ').chain(["--json"]));
                assert!((report["duration_s"].as_f64().unwrap() - seconds).abs() < 0.002, "{report}");
                assert_eq!(bench.names(), ["a.webm"]);
            }
            Nothing => {}
        }
    }
    let rows = rows(heading);
    assert!(rows.len() > 10, "{rows:?}");
    for row in rows {
        assert!(table.iter().any(|(begin, _)| row.starts_with(begin)), "{heading}: nobody tries the row {row}");
    }
}

#[test]
fn every_row_of_ccapture_is_tried() {
    try_all("ccapture.js", CCAPTURE);
}

#[test]
fn every_row_of_record_rtc_is_tried() {
    try_all("RecordRTC", RECORD_RTC);
}
