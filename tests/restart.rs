//! Recorders that stop and start again at once, and several on one canvas: each records what was painted while it
//! recorded, whatever is still in flight in the GPU.

mod support {
    pub mod program;
    pub mod studio;
    pub mod tools;
}

use std::sync::mpsc;

use framereel::canvas::Canvas;
use framereel::clock::Clock;
use framereel::color::ColorSpace;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::recorder::{MediaRecorder, MediaRecorderOptions};
use framereel::stream::MediaStream;
use framereel::time::{FrameRate, Span, Timestamp};
use support::studio::{Life, in_time, lived};

const SIZE: Size = Size::new(64, 48);
const RATE: FrameRate = FrameRate::whole(30);

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

/// The events of each recording, up to its end.
fn recordings(life: Life) -> Vec<Life> {
    let mut all = Vec::new();
    let mut blobs = life.blobs.into_iter();
    for names in life.names.split_inclusive(|name| *name == "stop") {
        let count = names.iter().filter(|name| **name == "dataavailable").count();
        all.push(Life { names: names.to_vec(), blobs: blobs.by_ref().take(count).collect(), errors: Vec::new() });
    }
    all
}

/// Paints this grey at this time, which only a stamped clock goes by.
fn paint(canvas: &mut Canvas, grey: u8, time: Timestamp) {
    canvas.draw(plain(grey));
    if canvas.clock().is_real() || canvas.clock().rate().is_some() {
        canvas.present().unwrap();
    } else {
        canvas.present_at(time).unwrap();
    }
}

#[test]
fn a_stop_and_a_start_with_frames_in_flight_do_not_hang_and_lose_nothing() {
    for clock in [|| Clock::stepped(RATE), Clock::stamped] {
        let life = in_time(move || {
            let mut canvas = canvas(clock());
            let stream = canvas.capture_stream(None).unwrap();
            let recorder = recorder(&stream);
            recorder.start(None).unwrap();
            (0..20).for_each(|frame| paint(&mut canvas, 200, RATE.timestamp(frame)));
            recorder.stop();
            recorder.start(None).unwrap();
            (20..30).for_each(|frame| paint(&mut canvas, 50, RATE.timestamp(frame)));
            recorder.stop();
            lived(&recorder)
        });
        let [first, second] = recordings(life).try_into().ok().expect("two recordings");
        for (recording, frames) in [(&first, 20), (&second, 10)] {
            // Each begins at 0, and no frame is missing in between.
            let times = recording.file().times("v:0");
            assert_eq!(times.len(), frames);
            let off = times.iter().enumerate().map(|(frame, time)| (time - frame as f64 / 30.0).abs());
            assert!(off.fold(0.0, f64::max) <= 0.0006, "{times:?}");
        }
        let (first, second) = (first.file().luma(), second.file().luma());
        assert_eq!((first.len(), second.len()), (20, 10));
        assert!(first.iter().all(|luma| *luma > 150.0), "{first:?}");
        assert!(second.iter().all(|luma| *luma < 100.0), "{second:?}");
    }
}

#[test]
fn a_second_recorder_records_nothing_that_was_painted_before_its_start() {
    let mut canvas = canvas(Clock::stepped(RATE));
    let stream = canvas.capture_stream(None).unwrap();
    let (one, other) = (recorder(&stream), recorder(&stream));
    one.start(None).unwrap();
    (0..8).for_each(|frame| paint(&mut canvas, 200, RATE.timestamp(frame)));
    // Some of them are still on their way.
    other.start(None).unwrap();
    (8..16).for_each(|frame| paint(&mut canvas, 50, RATE.timestamp(frame)));
    one.stop();
    other.stop();
    assert_eq!(lived(&one).file().luma().len(), 16);
    let luma = lived(&other).file().luma();
    assert_eq!(luma.len(), 8);
    assert!(luma.iter().all(|luma| *luma < 100.0), "{luma:?}");
}

#[test]
fn fifty_stops_and_starts_in_a_row_on_each_clock_lose_no_frame_and_count_every_one() {
    const ROUNDS: u64 = 50;
    for clock in [|| Clock::stepped(RATE), Clock::stamped, Clock::real] {
        in_time(move || {
            let mut canvas = canvas(clock());
            let stream = canvas.capture_stream(None).unwrap();
            let recorder = recorder(&stream);
            for round in 0..ROUNDS {
                recorder.start(None).unwrap();
                for frame in 0..6 {
                    paint(&mut canvas, 100 + frame as u8 * 10, RATE.timestamp(round * 6 + frame));
                }
                recorder.stop();
            }
            let real = canvas.clock().is_real();
            let recordings = recordings(lived(&recorder));
            assert_eq!(recordings.len() as u64, ROUNDS);
            for (round, recording) in recordings.iter().enumerate() {
                assert_eq!(recording.names, ["start", "dataavailable", "stop"], "round {round}");
            }
            // ffmpeg looks at one in ten.
            for (round, recording) in recordings.iter().enumerate().step_by(10).filter(|_| !real) {
                assert_eq!(recording.file().frames(), 6, "round {round}");
            }
            let report = recorder.report();
            assert_eq!(report.frames_in + report.frames_repeated, report.frames_encoded + report.frames_dropped);
            assert!(report.frames_in >= 6);
        });
    }
}

#[test]
fn a_recorder_that_is_started_while_another_thread_paints_gets_whole_frames_only_from_its_start_on() {
    in_time(|| {
        let mut canvas = canvas(Clock::stepped(RATE));
        let stream = canvas.capture_stream(None).unwrap();
        let recorder = recorder(&stream);
        let (sender, stop) = mpsc::channel::<()>();
        let painter = std::thread::spawn(move || {
            let mut frame = 0;
            while let Err(mpsc::TryRecvError::Empty) = stop.try_recv() {
                paint(&mut canvas, (frame % 200) as u8, Timestamp::ZERO);
                frame += 1;
            }
        });
        for _ in 0..10 {
            recorder.start(None).unwrap();
            while recorder.progress().frames < 3 {
                std::thread::yield_now();
            }
            recorder.stop();
        }
        drop(sender);
        painter.join().unwrap();
        for recording in recordings(lived(&recorder)) {
            let times = recording.file().times("v:0");
            assert_eq!(times[0], 0.0);
            let step = Span::from_nanos(1_000_000_000 / 30).as_secs_f64();
            assert!(times.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 0.0011), "{times:?}");
        }
    });
}
