//! Every frame is counted where it is encoded or lost, and its receipt agrees, however a recording ends.

mod support {
    pub mod program;
    pub mod studio;
    pub mod tools;
}

use std::sync::mpsc;
use std::time::{Duration, Instant};

use framereel::audio::AudioBuffer;
use framereel::canvas::Canvas;
use framereel::clock::Clock;
use framereel::color::ColorSpace;
use framereel::encode::EncoderChoice;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::recorder::{
    Controls, Destination, FileSink, Media, MediaRecorder, MediaRecorderOptions, Pieces, RecordingState, Replay,
    Report, record,
};
use framereel::source::audio::{AudioInfo, AudioSource};
use framereel::source::pattern::PatternSource;
use framereel::source::{Source, SourceInfo};
use framereel::stream::{DropReason, MediaStream, Outcome, Receipt, TrackGenerator};
use framereel::time::{FrameRate, Span, Timestamp};
use framereel::{ErrorKind, Result};
use support::studio::{Judged, RATE, SOUND, Studio, TIMEOUT, at, frame_of, in_time, lived};

const SIZE: Size = Size::new(64, 48);

fn gpu() -> Gpu {
    Gpu::new().expect("an adapter: `make test` installs one")
}

fn plain(grey: u8) -> Frame {
    let pixels = [grey, grey, grey, 255].repeat(SIZE.pixels() as usize);
    Frame::packed(PixelFormat::Rgba8, SIZE, ColorSpace::RECORDED, pixels)
}

fn options() -> MediaRecorderOptions {
    MediaRecorderOptions::default()
}

#[track_caller]
fn assert_accounted(report: &Report) {
    assert_eq!(report.frames_in + report.frames_repeated, report.frames_encoded + report.frames_dropped, "{report:?}");
    let dropped = report.dropped;
    let sum = dropped.rate + dropped.paused + dropped.busy + dropped.out_of_order + dropped.ended + dropped.failure;
    assert_eq!(sum + dropped.not_recorded, report.frames_dropped, "{report:?}");
}

/// Paints frames that are requested by their times, 25 a second, and gives their receipts.
fn paint_requested(canvas: &mut Canvas, stream: &MediaStream, frames: std::ops::Range<i64>) -> Vec<Receipt> {
    let track = &stream.video_tracks()[0];
    let paint = |frame: i64| {
        let receipt = track.request_frame_at(at(frame * 40)).unwrap();
        canvas.draw(plain((frame % 200) as u8));
        // A canvas whose recorder has failed may be refused.
        let _ = canvas.present();
        receipt
    };
    frames.map(paint).collect()
}

/// How many of these receipts say so.
fn count(receipts: &[Receipt], counts: impl Fn(Outcome) -> bool) -> u64 {
    let outcomes = receipts.iter().map(|receipt| receipt.wait_for(TIMEOUT.into()).expect("an answer"));
    outcomes.filter(|&outcome| counts(outcome)).count() as u64
}

fn encoded(receipts: &[Receipt]) -> u64 {
    count(receipts, |outcome| matches!(outcome, Outcome::Encoded(_)))
}

fn dropped(receipts: &[Receipt], reason: DropReason) -> u64 {
    count(receipts, |outcome| outcome == Outcome::Dropped(reason))
}

#[test]
fn receipts_and_counts_agree_when_a_recording_is_stopped_paused_or_limited() {
    for encoder in [EncoderChoice::Aom, EncoderChoice::Rav1e, EncoderChoice::Vpx] {
        let (receipts, report) = in_time(move || {
            let mut canvas = Canvas::new(&gpu(), SIZE).unwrap().with_clock(Clock::stamped());
            let stream = canvas.capture_stream(0.0).unwrap();
            let limited = options().with_frame_limit(30).with_encoder(encoder);
            let recorder = MediaRecorder::new(&stream, limited).unwrap();
            recorder.start(None).unwrap();
            let mut receipts = paint_requested(&mut canvas, &stream, 0..20);
            recorder.pause().unwrap();
            receipts.extend(paint_requested(&mut canvas, &stream, 20..30));
            recorder.resume().unwrap();
            receipts.extend(paint_requested(&mut canvas, &stream, 30..60));
            recorder.stop();
            assert_eq!(lived(&recorder).file().frames(), 30);
            (receipts, recorder.report())
        });
        assert_accounted(&report);
        assert_eq!((report.frames_encoded, report.dropped.paused), (30, 10));
        assert_eq!((encoded(&receipts), dropped(&receipts, DropReason::Paused)), (30, 10));
        // Those past the limit: the recorder took some of them in before it ended, and nobody the others.
        let past = dropped(&receipts, DropReason::Ended);
        assert_eq!(past + dropped(&receipts, DropReason::NotRecorded), 20);
        assert!(report.dropped.ended <= past, "{report:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_receipts_say_encoded_of_no_frame_that_is_not_in_the_file() {
    // `/dev/full` takes nothing; a file under a limit takes some.
    for path in ["/dev/full", "limited"] {
        if path == "limited" && std::env::var_os("FRAMEREEL_SMALL_DISK").is_none() {
            let test = "on_a_full_disk_receipts_say_encoded_of_no_frame_that_is_not_in_the_file";
            let script = format!("trap '' XFSZ; ulimit -f 40; exec \"$0\" --exact --nocapture {test}");
            let mut shell = std::process::Command::new("sh");
            let command = shell.args(["-c", &script]).arg(std::env::current_exe().unwrap());
            let output = command.env("FRAMEREEL_SMALL_DISK", "1").output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            continue;
        }
        let (receipts, report, found) = in_time(move || {
            let folder = tempfile::tempdir().unwrap();
            let file = if path == "limited" { folder.path().join("a.webm") } else { path.into() };
            let mut canvas = Canvas::new(&gpu(), SIZE).unwrap().with_clock(Clock::stamped());
            let stream = canvas.capture_stream(0.0).unwrap();
            canvas.set_filter(&"grain(0.8)".parse().unwrap());
            let recorder = MediaRecorder::new(&stream, options().with_quality(95)).unwrap();
            recorder.start_to(FileSink::create(&file).unwrap()).unwrap();
            let receipts = paint_requested(&mut canvas, &stream, 0..100);
            // It ends by itself, and a stop on the way does no harm.
            if path == "limited" {
                recorder.stop();
            }
            let life = lived(&recorder);
            assert_eq!(life.names, ["start", "error", "dataavailable", "stop"]);
            assert_eq!((life.errors[0].kind(), life.errors[0].kind().name()), (&ErrorKind::Write, "UnknownError"));
            if path == "/dev/full" {
                assert!(life.errors[0].to_string().contains("No space left"), "{}", life.errors[0]);
            }
            assert_eq!(recorder.state(), RecordingState::Inactive);
            let found = if path == "limited" { Judged::at(&file).frames() as u64 } else { 0 };
            (receipts, recorder.report(), found)
        });
        assert_accounted(&report);
        assert_eq!((report.frames_encoded, encoded(&receipts)), (found, found), "{path}");
        assert!(report.dropped.failure > 0, "{report:?}");
        assert!(dropped(&receipts, DropReason::Failed) >= report.dropped.failure);
        assert_eq!(path == "limited", found > 0);
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_whose_reader_goes_ends_the_recording_and_every_frame_is_accounted_for() {
    for slices in [false, true] {
        let (receipts, report) = in_time(move || {
            let folder = tempfile::tempdir().unwrap();
            let pipe = folder.path().join("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            let reader = std::thread::spawn({
                let pipe = pipe.clone();
                move || {
                    let mut file = std::fs::File::open(pipe).unwrap();
                    std::io::Read::read_exact(&mut file, &mut [0; 500]).unwrap();
                }
            });
            let mut canvas = Canvas::new(&gpu(), SIZE).unwrap().with_clock(Clock::stamped());
            let stream = canvas.capture_stream(0.0).unwrap();
            let recorder = MediaRecorder::new(&stream, options()).unwrap();
            let sink = FileSink::create(&pipe).unwrap();
            let timeslice = Span::from_millis(200);
            let destination: Destination = if slices { Destination::Stream { sink, timeslice } } else { sink.into() };
            recorder.start_to(destination).unwrap();
            let receipts = paint_requested(&mut canvas, &stream, 0..100);
            reader.join().unwrap();
            let mut receipts = receipts;
            receipts.extend(paint_requested(&mut canvas, &stream, 100..200));
            // It ends by itself, and a stop on the way does no harm.
            if slices {
                recorder.stop();
            }
            let life = lived(&recorder);
            let others: Vec<_> = life.names.iter().filter(|name| **name != "dataavailable").collect();
            assert_eq!(others, [&"start", &"error", &"stop"]);
            assert!(life.errors[0].to_string().to_lowercase().contains("broken pipe"), "{}", life.errors[0]);
            (receipts, recorder.report())
        });
        assert_accounted(&report);
        assert_eq!(encoded(&receipts), report.frames_encoded);
        assert!(report.dropped.failure > 0, "slices {slices}: {report:?}");
    }
}

#[test]
fn a_track_that_goes_and_a_file_that_cannot_be_opened_leave_no_frame_unaccounted() {
    // The canvas goes.
    let (receipts, report) = in_time(|| {
        let mut canvas = Canvas::new(&gpu(), SIZE).unwrap().with_clock(Clock::stamped());
        let stream = canvas.capture_stream(0.0).unwrap();
        let recorder = MediaRecorder::new(&stream, options()).unwrap();
        recorder.start(None).unwrap();
        let receipts = paint_requested(&mut canvas, &stream, 0..25);
        drop(canvas);
        let life = lived(&recorder);
        assert_eq!(life.names, ["start", "dataavailable", "stop"]);
        assert_eq!(life.file().frames(), 25);
        (receipts, recorder.report())
    });
    assert_accounted(&report);
    assert_eq!((report.frames_in, report.frames_encoded, encoded(&receipts)), (25, 25, 25));
    // The second piece's file cannot be opened.
    let (receipts, report) = in_time(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut canvas = Canvas::new(&gpu(), SIZE).unwrap().with_clock(Clock::stamped());
        let stream = canvas.capture_stream(0.0).unwrap();
        let recorder = MediaRecorder::new(&stream, options()).unwrap();
        let name = folder.path().to_owned();
        let open = move |number| match number {
            1 => FileSink::create_new(name.join("1.webm")),
            _ => FileSink::create_new(name.join("no/such/folder.webm")),
        };
        let pieces = Pieces::new(open).with_length(Span::from_secs(1));
        recorder.start_to(Destination::Files(pieces)).unwrap();
        let receipts = paint_requested(&mut canvas, &stream, 0..60);
        recorder.stop();
        let life = lived(&recorder);
        assert_eq!(life.errors.len(), 1, "{:?}", life.names);
        assert_eq!(Judged::at(&folder.path().join("1.webm")).frames(), 25);
        (receipts, recorder.report())
    });
    assert_accounted(&report);
    assert_eq!((report.frames_encoded, encoded(&receipts)), (25, 25));
    assert!(report.dropped.failure > 0, "{report:?}");
    assert_eq!(report.files, 1);
}

#[test]
fn a_replay_settles_the_receipts_of_frames_that_it_saves_records_and_forgets() {
    let mut canvas = Canvas::new(&gpu(), SIZE).unwrap().with_clock(Clock::stamped());
    let stream = canvas.capture_stream(0.0).unwrap();
    let every = options().with_video_key_frame_interval_count(5);
    let replay = Replay::new(Span::from_secs(1)).with_options(every).start(&stream).unwrap();
    let forgotten = paint_requested(&mut canvas, &stream, 0..100);
    // Those that left the replay were not recorded.
    let began = Instant::now();
    let gone = |receipts: &[Receipt]| receipts.iter().filter(|receipt| receipt.outcome().is_some()).count();
    while gone(&forgotten) < 60 {
        assert!(began.elapsed() < TIMEOUT, "only {} of 100 are settled", gone(&forgotten));
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(forgotten[0].outcome(), Some(Outcome::Dropped(DropReason::NotRecorded)));
    assert_eq!(forgotten[99].outcome(), None, "it may still be recorded");
    // What is saved is in a file.
    let mut frames = 0;
    while frames == 0 || forgotten[99].outcome().is_none() {
        assert!(began.elapsed() < TIMEOUT, "frame 99 is not saved");
        frames = Judged::new(&replay.save().unwrap()).frames();
    }
    assert!(matches!(forgotten[99].outcome(), Some(Outcome::Encoded(time)) if time > at(900)));
    // What is recorded too, and what never was is told.
    let recorder = replay.record(Destination::Blobs { timeslice: None }).unwrap();
    let recorded = paint_requested(&mut canvas, &stream, 100..120);
    recorder.stop();
    let found = lived(&recorder).file().frames() as u64;
    assert_eq!(encoded(&recorded), 20);
    let report = recorder.report();
    assert_accounted(&report);
    assert_eq!((report.frames_in, report.frames_encoded), (120, found));
    assert_eq!(report.dropped.not_recorded, 120 - found);
    // One that nobody records forgets all.
    let replay = Replay::new(Span::from_secs(1)).start(&stream).unwrap();
    let lost = paint_requested(&mut canvas, &stream, 120..125);
    drop(replay);
    assert_eq!(encoded(&lost), 0);
}

#[test]
fn a_replay_that_records_in_pieces_begins_them_by_its_own_time() {
    let studio = Studio::both();
    let replay = Replay::new(Span::from_millis(2300)).start(&studio.stream).unwrap();
    // 8.5 s: the replay holds from the key frame at 6 s on, and another one at 8 s.
    studio.frames_with_sound(0..250);
    for index in 250..255 {
        // White, so that it can be seen that the replay has come so far.
        let white = frame_of(Size::new(64, 64), 235, RATE.timestamp(index));
        studio.video.as_ref().unwrap().write(white).unwrap();
        studio.samples(index * 1600..index * 1600 + 1600);
    }
    let began = Instant::now();
    let is_filled = |luma: &[f64]| luma.last().is_some_and(|&luma| luma > 200.0);
    while !is_filled(&Judged::new(&replay.save().unwrap()).luma()) {
        assert!(began.elapsed() < TIMEOUT, "the replay does not fill");
    }
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_owned();
    let open = move |number| FileSink::create_new(name.join(format!("{number}.webm")));
    let pieces = Pieces::new(open).with_length(Span::from_secs(1));
    let recorder = replay.record(Destination::Files(pieces)).unwrap();
    studio.frames_with_sound(255..315);
    recorder.stop();
    lived(&recorder);
    let report = recorder.report();
    assert_accounted(&report);
    let pieces = (1..=report.files).map(|piece| Judged::at(&folder.path().join(format!("{piece}.webm"))));
    let frames: Vec<_> = pieces.map(|piece| (piece.frames(), piece.keys()[0])).collect();
    // What was encoded before is split where it can be; then each piece is a second, from the one before on.
    assert_eq!(frames, [(60, 0.0), (30, 0.0), (30, 0.0), (15, 0.0)]);
}

#[test]
fn a_film_of_two_thousand_frames_a_second_keeps_its_length() {
    let clock = Clock::stamped();
    let size = Size::new(64, 64);
    let video = TrackGenerator::video(size, &clock);
    let recorder = MediaRecorder::new(&MediaStream::new([video.track()]), options()).unwrap();
    recorder.start(None).unwrap();
    for frame in 0..2000 {
        video.write(frame_of(size, (frame % 200) as u8, Timestamp::from_nanos(frame * 500_000))).unwrap();
    }
    recorder.stop();
    let file = lived(&recorder).blobs.pop().unwrap();
    let report = recorder.report();
    assert_eq!(report.frames_encoded, 2000);
    assert!((report.duration_s - 1.0).abs() < 0.05, "{}", report.duration_s);
    let length = framereel::mux::inspect(file.data.reader(), framereel::mux::Detail::Numbers).unwrap();
    assert!((length.measured_duration_s - 1.0).abs() < 0.05, "{}", length.measured_duration_s);
}

/// A source of two pictures, an hour apart.
struct TwoPictures(std::array::IntoIter<Frame, 2>, SourceInfo);

impl TwoPictures {
    fn new() -> Self {
        let info = SourceInfo::new("test", SIZE);
        let frames = [0, 3600].map(|secs| plain(100).with_timestamp(Timestamp::ZERO + Span::from_secs(secs)));
        Self(frames.into_iter(), info)
    }
}

impl Source for TwoPictures {
    fn info(&self) -> &SourceInfo {
        &self.1
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        Ok(self.0.next())
    }
}

/// Sound without an end, which says when it is first asked for.
struct Endless {
    info: AudioInfo,
    next: u64,
    asked: mpsc::Sender<()>,
}

impl AudioSource for Endless {
    fn info(&self) -> &AudioInfo {
        &self.info
    }

    fn next_buffer(&mut self) -> Result<Option<AudioBuffer>> {
        let _ = self.asked.send(());
        let start = Timestamp::ZERO + framereel::audio::span_of(self.next, SOUND);
        self.next += 480;
        AudioBuffer::silence(SOUND, start, 1, 480).map(Some)
    }
}

#[test]
fn a_stop_is_heard_while_an_hour_of_sound_is_fed() {
    let report = in_time(|| {
        let (sender, asked) = mpsc::channel();
        let info = AudioInfo::new("silence", SOUND, 1).with_endless(true);
        let audio: Box<dyn AudioSource> = Box::new(Endless { info, next: 0, asked: sender });
        let media = Media::default().with_video(Box::new(TwoPictures::new())).with_audio(audio);
        let controls: &'static Controls = Box::leak(Box::new(Controls::new()));
        std::thread::spawn(move || {
            // A second of sound of an hour's.
            asked.iter().nth(100).expect("sound is asked for");
            controls.stop();
            // What comes after it.
            asked.iter().count()
        });
        let began = Instant::now();
        let destination = Destination::Blobs { timeslice: None };
        let report = record(media).controls(controls).run(&gpu(), destination).unwrap();
        assert!(began.elapsed() < Duration::from_secs(30));
        report
    });
    assert!(report.stopped);
    assert_accounted(&report);
    assert_eq!((report.frames_in, report.frames_encoded, report.dropped.ended), (2, 1, 1), "{report:?}");
}

#[test]
fn a_picture_that_stands_for_an_hour_beside_a_second_of_sound_is_recorded() {
    let studio = Studio::both();
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    let video = studio.video.as_ref().unwrap();
    video.write(frame_of(Size::new(64, 64), 200, at(0))).unwrap();
    studio.sound(0..1000);
    video.write(frame_of(Size::new(64, 64), 100, at(3_600_000))).unwrap();
    recorder.stop();
    let life = lived(&recorder);
    assert_eq!(life.names, ["start", "dataavailable", "stop"], "{:?}", life.errors);
    let report = recorder.report();
    assert_accounted(&report);
    assert_eq!((report.frames_in, report.frames_dropped), (2, 0));
    let file = life.file();
    assert_eq!(file.frames() as u64, report.frames_encoded);
    assert_eq!(file.times("v:0").last(), Some(&3600.0));
    assert_eq!(file.times("a:0").len(), 50);
}

#[test]
fn a_panic_in_the_progress_callback_goes_on_and_leaves_a_file_that_plays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.webm");
    let file = path.clone();
    let panicked = in_time(move || {
        let video: Box<dyn Source> = Box::new(PatternSource::new(&Default::default()).unwrap());
        let sink = FileSink::create_new(&file).unwrap();
        let mut calls = 0;
        let recording = record(video).size(SIZE).on_event(|_| {
            calls += 1;
            assert!(calls < 5, "a fault of the program");
        });
        let recorded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| recording.run(&gpu(), sink)));
        recorded.is_err()
    });
    assert!(panicked);
    assert!(Judged::at(&path).frames() > 0);
}

#[test]
fn a_handler_that_panics_costs_neither_the_recording_nor_its_end() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.on_event(|event| panic!("a fault of the program, at {event:?}")).unwrap();
    recorder.start(None).unwrap();
    studio.frames(0..30);
    recorder.stop();
    let names = in_time(move || {
        let life = lived(&recorder);
        assert_accounted(&recorder.report());
        life.names
    });
    assert!(["dataavailable", "stop"].iter().all(|name| names.contains(name)), "{names:?}");
}

#[test]
fn a_constant_rate_over_a_gap_of_an_hour_takes_no_memory_and_can_be_stopped() {
    let report = in_time(|| {
        let controls: &'static Controls = Box::leak(Box::new(Controls::new()));
        let video: Box<dyn Source> = Box::new(TwoPictures::new());
        let mut recorded = 0;
        let destination = Destination::Blobs { timeslice: Some(Span::from_secs(1)) };
        let recording = record(video).rate(FrameRate::whole(1000)).controls(controls).on_event(|event| {
            if let framereel::recorder::RecordEvent::Progress(progress) = event {
                recorded = progress.frames;
                if recorded > 100 {
                    controls.stop();
                }
            }
        });
        recording.run(&gpu(), destination).unwrap()
    });
    assert_accounted(&report);
    assert_eq!(report.frames_in, 2);
    assert!(report.frames_repeated > 99, "{report:?}");
}
