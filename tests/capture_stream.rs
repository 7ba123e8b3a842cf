//! A canvas and its recorders together: what a stream captures arrives in a file (Media Capture from DOM Elements §4). The
//! rule by itself is tested beside it, in src/stream and src/canvas.

mod support {
    pub mod program;
    pub mod studio;
    pub mod tools;
}

use framereel::canvas::Canvas;
use framereel::clock::Clock;
use framereel::color::ColorSpace;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::recorder::{Fit, MediaRecorder, MediaRecorderOptions};
use framereel::stream::{DropReason, MediaStream, Outcome};
use framereel::time::{FrameRate, Span};
use support::studio::{at, lived};

const SIZE: Size = Size::new(64, 48);

fn canvas(clock: Clock) -> Canvas {
    Canvas::new(&Gpu::new().expect("an adapter: `make test` installs one"), SIZE).unwrap().with_clock(clock)
}

fn plain(grey: u8) -> Frame {
    let pixels = [grey, grey, grey, 255].repeat(SIZE.pixels() as usize);
    Frame::packed(PixelFormat::Rgba8, SIZE, ColorSpace::RECORDED, pixels)
}

fn recorder(stream: &MediaStream) -> MediaRecorder {
    MediaRecorder::new(stream, MediaRecorderOptions::default()).unwrap()
}

/// Milliseconds of the pictures in the recorder's file.
fn times(recorder: &MediaRecorder) -> Vec<i64> {
    lived(recorder).file().times("v:0").iter().map(|time| (time * 1e3).round() as i64).collect()
}

#[test]
fn what_was_painted_before_a_pause_is_in_the_file_and_what_was_painted_in_it_is_not() {
    let mut canvas = canvas(Clock::stepped(FrameRate::whole(50)));
    let stream = canvas.capture_stream(None).unwrap();
    let recorder = recorder(&stream);
    recorder.start(None).unwrap();
    let mut paint = |frames: std::ops::Range<u8>| {
        for frame in frames {
            canvas.draw(plain(frame));
            canvas.present().unwrap();
        }
    };
    paint(0..50);
    recorder.pause().unwrap();
    paint(200..220);
    recorder.resume().unwrap();
    paint(50..100);
    recorder.stop();
    let file = lived(&recorder).file();
    assert_eq!(file.frames(), 100);
    assert!(file.luma().iter().all(|luma| *luma < 120.0));
    assert!((file.duration() - 2.0).abs() < 0.001, "{}", file.duration());
}

#[test]
fn at_rate_zero_only_requested_frames_are_recorded_and_one_when_the_stream_is_made() {
    let mut canvas = canvas(Clock::stepped(FrameRate::whole(10)));
    let stream = canvas.capture_stream(0.0).unwrap();
    let track = &stream.video_tracks()[0];
    let recorder = recorder(&stream);
    recorder.start(None).unwrap();
    for frame in 0..10 {
        if [4, 7].contains(&frame) {
            // Twice before a paint gives one frame.
            track.request_frame().unwrap();
            track.request_frame().unwrap();
        }
        canvas.draw(plain(frame * 20));
        canvas.present().unwrap();
    }
    recorder.stop();
    assert_eq!(times(&recorder), [0, 400, 700]);
}

#[test]
fn a_receipt_says_at_what_time_a_frame_was_encoded_or_why_it_was_not() {
    let mut canvas = canvas(Clock::stamped());
    let stream = canvas.capture_stream(0.0).unwrap();
    let track = stream.video_tracks().remove(0);
    let recorder = recorder(&stream);
    let mut paint = |millis: i64| {
        let receipt = track.request_frame_at(at(millis)).unwrap();
        canvas.draw(plain(millis as u8));
        canvas.present().unwrap();
        receipt
    };
    let unheard = paint(5);
    assert_eq!(unheard.wait(), Outcome::Dropped(DropReason::NotRecorded));
    recorder.start(None).unwrap();
    let (first, second) = (paint(100), paint(133));
    recorder.pause().unwrap();
    let paused = paint(200);
    recorder.resume().unwrap();
    let third = paint(250);
    let late = paint(240);
    recorder.stop();
    assert_eq!(lived(&recorder).names, ["start", "pause", "resume", "dataavailable", "stop"]);
    assert_eq!(first.wait(), Outcome::Encoded(at(0)));
    assert_eq!(second.wait(), Outcome::Encoded(at(33)));
    assert_eq!(paused.wait(), Outcome::Dropped(DropReason::Paused));
    assert!(matches!(third.wait(), Outcome::Encoded(time) if time > at(33)), "{:?}", third.wait());
    assert_eq!(late.wait(), Outcome::Dropped(DropReason::OutOfOrder));
    let superseded = track.request_frame_at(at(300)).unwrap();
    let unpainted = track.request_frame_at(at(310)).unwrap();
    assert_eq!(superseded.wait(), Outcome::Dropped(DropReason::Superseded));
    assert_eq!(unpainted.outcome(), None);
    drop(canvas);
    assert_eq!(unpainted.wait_for(Span::from_secs(5)), Some(Outcome::Dropped(DropReason::NotRecorded)));
}

#[test]
fn two_recorders_on_one_canvas_work_side_by_side_each_at_its_rate() {
    let mut canvas = canvas(Clock::stepped(FrameRate::whole(60)));
    let all = recorder(&canvas.capture_stream(None).unwrap());
    let some = recorder(&canvas.capture_stream(20.0).unwrap());
    all.start(None).unwrap();
    some.start(Span::from_millis(200)).unwrap();
    for frame in 0..60 {
        canvas.draw(plain(frame));
        canvas.present().unwrap();
    }
    drop(canvas);
    assert_eq!(times(&all).len(), 60);
    assert_eq!(times(&some), (0..20).map(|frame| frame * 50).collect::<Vec<_>>());
}

#[test]
fn a_canvas_that_is_resized_is_fitted_into_the_recording_or_ends_it() {
    for (fit, frames) in [(Fit::Contain, 6), (Fit::Cover, 6), (Fit::Fill, 6), (Fit::Error, 3)] {
        let mut canvas = canvas(Clock::stepped(FrameRate::whole(25)));
        let stream = canvas.capture_stream(None).unwrap();
        let options = MediaRecorderOptions::default().with_fit(fit);
        let recorder = MediaRecorder::new(&stream, options).unwrap();
        recorder.start(None).unwrap();
        for frame in 0..6 {
            if frame == 3 {
                canvas.resize(Size::new(120, 40)).unwrap();
            }
            canvas.draw(plain(200));
            canvas.present().unwrap();
        }
        drop(canvas);
        let life = lived(&recorder);
        assert_eq!(life.names.contains(&"error"), fit == Fit::Error, "{:?}", life.names);
        let report = recorder.report();
        assert_eq!((report.width, report.height), (SIZE.width, SIZE.height));
        assert_eq!(life.file().frames(), frames, "{fit:?}");
    }
}

#[test]
fn to_blob_is_a_png_unless_another_type_is_known_and_none_for_no_pixels() {
    let mut canvas = canvas(Clock::real());
    canvas.draw(plain(90));
    for (asked, given) in [("", "image/png"), ("image/bmp2", "image/png"), ("image/jpeg", "image/jpeg")] {
        let blob = canvas.to_blob(asked, Some(7.0)).unwrap().expect("a picture");
        assert_eq!(blob.mime_type(), given);
        let picture = image::load_from_memory(&blob.bytes().unwrap()).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), (64, 48));
        assert!(picture.get_pixel(10, 10).0.iter().all(|value| value.abs_diff(90) <= 2));
    }
    canvas.resize(Size::new(0, 48)).unwrap();
    assert!(canvas.to_blob("", None).unwrap().is_none());
}

#[test]
fn what_was_painted_before_the_recorder_started_is_recorded_at_the_next_paint() {
    for rate in [None, Some(0.0), Some(30.0)] {
        let mut canvas = canvas(Clock::stepped(FrameRate::whole(25)));
        let recorder = recorder(&canvas.capture_stream(rate).unwrap());
        canvas.draw(plain(200));
        canvas.present().unwrap();
        recorder.start(None).unwrap();
        canvas.present().unwrap();
        canvas.present().unwrap();
        recorder.stop();
        assert_eq!(lived(&recorder).file().frames(), 1, "{rate:?}");
    }
}
