//! Tracks that begin late, end early or have no new frames: sound and video stay whole, limits hold, and nothing hangs.

mod support {
    pub mod program;
    pub mod studio;
    pub mod tools;
}

use std::time::Duration;

use framereel::clock::Clock;
use framereel::frame::Size;
use framereel::recorder::{Destination, FileSink, MediaRecorder, MediaRecorderOptions, Replay};
use framereel::stream::{MediaStream, TrackGenerator};
use framereel::time::Span;
use support::program::until;
use support::studio::{Judged, SOUND, Studio, at, frame_of, lived};

fn recorder(studio: &Studio, options: MediaRecorderOptions) -> MediaRecorder {
    MediaRecorder::new(&studio.stream, options).unwrap()
}

#[test]
fn a_first_picture_that_comes_after_40_s_of_sound_has_black_before_it_and_all_sound_is_there() {
    let studio = Studio::both();
    let recorder = recorder(&studio, MediaRecorderOptions::default());
    recorder.start(None).unwrap();
    for second in 0..40 {
        studio.sound(second * 1000..second * 1000 + 1000);
    }
    studio.frames(1200..1203);
    recorder.stop();
    let life = lived(&recorder);
    assert!(life.errors.is_empty(), "{:?}", life.errors);
    let (file, report) = (life.file(), recorder.report());
    assert_eq!((report.frames_in, report.frames_repeated, report.frames_encoded), (3, 4, 7));
    assert_eq!(file.times("v:0")[..5], [0.0, 10.0, 20.0, 30.0, 40.0]);
    assert!(file.loudness(35.0, 39.0) > 0.1, "{}", file.loudness(35.0, 39.0));
    assert!(file.luma()[0] < 20.0 && file.luma()[4] > 100.0, "{:?}", file.luma());
}

#[test]
fn a_time_limit_ends_a_recording_whose_pictures_ended_before_and_the_sound_goes_on_to_it() {
    let mut studio = Studio::both();
    let limited = MediaRecorderOptions::default().with_time_limit(Span::from_secs(50));
    let recorder = recorder(&studio, limited);
    recorder.start(None).unwrap();
    studio.frames_with_sound(0..60);
    studio.video = None;
    for second in 2..60 {
        studio.clock.reach(at(second as i64 * 1000 + 1000));
        // The recorder may have ended.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            studio.sound(second * 1000..second * 1000 + 1000)
        }));
    }
    let life = lived(&recorder);
    assert!(life.errors.is_empty(), "{:?}", life.errors);
    let file = life.file();
    let samples = file.samples().len();
    assert!(samples.abs_diff(50 * SOUND as usize) < SOUND as usize / 10, "{samples}");
    assert!((recorder.report().duration_s - 50.0).abs() < 0.1, "{:?}", recorder.report());
    assert!(file.loudness(45.0, 49.0) > 0.1, "{}", file.loudness(45.0, 49.0));
}

#[test]
fn pictures_that_are_older_than_what_is_shown_again_beside_sound_keep_their_order() {
    // A camera whose pictures come 400 ms late: the one before is repeated meanwhile.
    let clock = Clock::real();
    let video = TrackGenerator::video(Size::new(64, 64), &clock);
    let audio = TrackGenerator::audio(SOUND, 1, &clock);
    let stream = MediaStream::new([video.track(), audio.track()]);
    let recorder = MediaRecorder::new(&stream, MediaRecorderOptions::default()).unwrap();
    recorder.start(None).unwrap();
    for index in 0..40 {
        let time = clock.now() - Span::from_millis(400);
        // The first are from before the start.
        let _ = video.write(frame_of(Size::new(64, 64), 120 + index % 4 * 10, time));
        // The camera's rate.
        std::thread::sleep(Duration::from_millis(50));
    }
    recorder.stop();
    let life = lived(&recorder);
    assert!(life.errors.is_empty(), "{:?}", life.errors);
    let (file, report) = (life.file(), recorder.report());
    assert!(file.times("v:0").is_sorted(), "{:?}", file.times("v:0"));
    assert!(report.frames_encoded - report.frames_repeated > 15, "{report:?}");
    // Only those from before the start.
    assert!(report.dropped.out_of_order <= 12, "{report:?}");
}

#[test]
fn a_size_limit_holds_for_sound_that_waits_for_the_next_picture() {
    let studio = Studio::both();
    let limited = MediaRecorderOptions::default().with_size_limit(100_000);
    let recorder = recorder(&studio, limited);
    recorder.start(None).unwrap();
    studio.frames(0..1);
    for second in 0..20 {
        studio.sound(second * 1000..second * 1000 + 1000);
    }
    let _ = studio.video.as_ref().unwrap().write(frame_of(Size::new(64, 64), 200, at(20_000)));
    recorder.stop();
    let bytes = lived(&recorder).blobs.iter().map(|blob| blob.data.size()).sum::<u64>();
    assert!((60_000..=100_000).contains(&bytes), "{bytes}");
    // Sound alone comes near its limit.
    let studio = Studio::audio();
    let limited = MediaRecorderOptions::default().with_size_limit(100_000);
    let recorder = MediaRecorder::new(&studio.stream, limited).unwrap();
    recorder.start(None).unwrap();
    for second in 0..20 {
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            studio.sound(second * 1000..second * 1000 + 1000)
        }));
    }
    recorder.stop();
    let bytes = lived(&recorder).blobs.iter().map(|blob| blob.data.size()).sum::<u64>();
    assert!((90_000..=100_000).contains(&bytes), "{bytes}");
}

#[test]
fn a_panic_where_the_last_slice_s_file_is_opened_is_an_error_and_the_recording_ends() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    let open = Box::new(|_| -> framereel::Result<FileSink> { panic!("no file today") });
    recorder.start_to(Destination::Chunks { timeslice: Span::from_secs(3600), open }).unwrap();
    studio.frames(0..30);
    recorder.stop();
    let life = lived(&recorder);
    assert_eq!(life.names.last(), Some(&"stop"), "{:?}", life.names);
    assert!(life.errors[0].to_string().contains("no file today"), "{:?}", life.errors);
    let report = recorder.report();
    assert_eq!((report.frames_in, report.frames_encoded, report.dropped.failure), (30, 0, 30), "{report:?}");
}

#[test]
fn a_time_limit_holds_for_what_a_replay_held() {
    let studio = Studio::video();
    let limited = MediaRecorderOptions::default().with_time_limit(Span::from_secs(2));
    let replay = Replay::new(Span::from_secs(5)).with_options(limited).start(&studio.stream).unwrap();
    studio.frames(0..150);
    until("all of the frames", || {
        replay.save().is_ok_and(|file| file.size() > 0 && Judged::new(&file).frames() == 150)
    });
    let recorder = replay.record(Destination::Blobs { timeslice: None }).unwrap();
    let _ = studio.video.as_ref().unwrap().write(frame_of(Size::new(64, 64), 200, at(5_000)));
    recorder.stop();
    let life = lived(&recorder);
    assert!(life.errors.is_empty(), "{:?}", life.errors);
    let file = life.file();
    assert!(file.duration() <= 2.05 && file.frames() <= 61, "{} s, {} frames", file.duration(), file.frames());
}
