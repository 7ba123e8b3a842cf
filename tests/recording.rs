//! Features of a recorder beyond the Web's: whole files, pieces, limits, replays, resizes, key frames; and the result
//! of a recording when something fails.

mod support {
    pub mod program;
    pub mod studio;
    pub mod tools;
}

use std::fs;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use framereel::audio::AudioBuffer;
use framereel::blob::Blob;
use framereel::clock::Clock;
use framereel::encode::EncoderChoice;
use framereel::frame::Size;
use framereel::recorder::{
    Destination, FileSink, Fit, MediaRecorder, MediaRecorderOptions, Pieces, RecordingState, Replay,
};
use framereel::stream::{MediaStream, TrackGenerator};
use framereel::time::{FrameRate, Span, Timestamp};
use support::studio::{Judged, RATE, SOUND, Studio, at, frame, frame_of, lived};

fn options() -> MediaRecorderOptions {
    MediaRecorderOptions::default()
}

fn with(studio: &Studio, options: MediaRecorderOptions) -> MediaRecorder {
    MediaRecorder::new(&studio.stream, options).unwrap()
}

// Sound and pictures

/// How many threads of this process have this name.
#[cfg(target_os = "linux")]
fn threads_named(names: &[&str]) -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    tasks.flatten().map(name).filter(|name| names.contains(&name.trim())).count()
}

#[test]
fn sound_and_pictures_agree_to_a_millisecond_after_ten_pauses() {
    const FLASH: u64 = 15;
    let rate = FrameRate::whole(60);
    let clock = Clock::stepped(rate);
    let size = Size::new(64, 64);
    let (video, audio) = (TrackGenerator::video(size, &clock), TrackGenerator::audio(SOUND, 1, &clock));
    let stream = MediaStream::new([video.track(), audio.track()]);
    let recorder = MediaRecorder::new(&stream, options()).unwrap();
    recorder.start(None).unwrap();
    // Every quarter of a second a flash of one frame and a tone begin on the same instant. Sound comes in buffers of 10 ms
    // whose edges fall on no frame, far ahead of the pictures, as a program may give it.
    let tone = |sample: u64| {
        let since = sample % (48_000 / 4);
        // The first instant has none: the first 6.5 ms of a file are silent.
        if since < 2_400 && sample >= 12_000 { (since as f32 * 0.1309).cos() * 0.8 } else { 0.0 }
    };
    for buffer in 0..1600 {
        let samples = (buffer * 480..(buffer + 1) * 480).map(tone).collect();
        let start = Timestamp::ZERO + framereel::audio::span_of(buffer * 480, SOUND);
        audio.write_audio(AudioBuffer::new(SOUND, start, vec![samples]).unwrap()).unwrap();
    }
    for index in 0..16 * 60 {
        // Ten pauses, of lengths and at places that have nothing to do with flashes, packets or buffers.
        match (index % 89, index / 89) {
            (40, 0..10) => recorder.pause().unwrap(),
            (at, pause @ 0..10) if at == 40 + 7 + pause => recorder.resume().unwrap(),
            _ => {}
        }
        let luma = if index % FLASH == 0 && index > 0 { 235 } else { 16 };
        video.write(frame_of(size, luma, rate.timestamp(index))).unwrap();
        clock.step();
    }
    recorder.stop();
    let file = lived(&recorder).file();
    let times = file.times("v:0");
    let luma = file.luma();
    let flashes: Vec<_> = (0..luma.len()).filter(|&frame| luma[frame] > 150.0).map(|frame| times[frame]).collect();
    let samples = file.samples();
    let mut onsets = Vec::new();
    let mut quiet = 1000;
    for (index, sample) in samples.iter().enumerate() {
        if sample.abs() > 0.4 {
            if quiet >= 500 {
                onsets.push(index as f64 / 48e3);
            }
            quiet = 0;
        } else {
            quiet += 1;
        }
    }
    assert!(flashes.len() > 50, "{} flashes", flashes.len());
    let mut worst: f64 = 0.0;
    let mut pairs = 0;
    for flash in &flashes {
        let nearest = onsets.iter().map(|onset| onset - flash).min_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
        // A pause may have cut a tone's beginning away, or left only its end: those have no partner.
        if nearest.abs() < 0.1 {
            worst = worst.max(nearest.abs());
            pairs += 1;
        }
    }
    println!("{pairs} of {} flashes have a tone; the worst is {:.2} ms off", flashes.len(), worst * 1e3);
    assert!(pairs > 45 && worst < 0.001 + 0.0005, "{pairs} pairs, {:.3} ms", worst * 1e3);
    assert!((file.duration() - times.last().unwrap()).abs() < 0.05, "{} and {times:?}", file.duration());
}

#[test]
fn sound_given_ahead_of_a_stepped_clock_waits_for_it() {
    let clock = Clock::stepped(RATE);
    let (video, audio) = (TrackGenerator::video(Size::new(64, 64), &clock), TrackGenerator::audio(SOUND, 1, &clock));
    let stream = MediaStream::new([video.track(), audio.track()]);
    let recorder = MediaRecorder::new(&stream, options()).unwrap();
    recorder.start(None).unwrap();
    audio.write_audio(AudioBuffer::new(SOUND, Timestamp::ZERO, vec![vec![0.3; 480_000]]).unwrap()).unwrap();
    for index in 0..60 {
        video.write(frame(index)).unwrap();
        clock.step();
    }
    recorder.stop();
    let file = lived(&recorder).file();
    assert!((file.times("a:0").len() as i64 - 100).abs() <= 2, "sound of 2 s, not of 10");
    assert!((file.duration() - 2.0).abs() < 0.03, "{}", file.duration());
}

#[test]
fn in_real_time_a_still_picture_and_a_silent_microphone_hold_nothing_up() {
    let clock = Clock::real();
    let (video, audio) = (TrackGenerator::video(Size::new(64, 64), &clock), TrackGenerator::audio(SOUND, 1, &clock));
    let stream = MediaStream::new([video.track(), audio.track()]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("still.webm");
    let recorder = MediaRecorder::new(&stream, options()).unwrap();
    let began = Instant::now();
    recorder.start_to(FileSink::create_new(&path).unwrap()).unwrap();
    video.write(frame(0).with_timestamp(clock.now())).unwrap();
    // Nothing comes in this time, and the file grows with it all the same.
    std::thread::sleep(Duration::from_millis(2000));
    // What a program that is killed now leaves.
    let left = Judged::new(&Blob::from_file(&path, "video/webm").unwrap());
    assert!(left.duration() > 1.0, "only {} of 2 s", left.duration());
    assert!(left.times("a:0").last().unwrap() > &1.0);
    let took = began.elapsed().as_secs_f64();
    recorder.stop();
    lived(&recorder);
    let whole = Judged::new(&Blob::from_file(&path, "video/webm").unwrap());
    assert!((whole.duration() - took).abs() < 0.1, "{} of {took}", whole.duration());
    assert!(recorder.report().frames_repeated > 0);
}

// Frames keep their times

#[test]
fn a_variable_frame_rate_is_kept_and_not_resampled() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    let times = [0, 7, 40, 41, 500, 1500, 1533, 4000];
    let video = studio.video.as_ref().unwrap();
    times.iter().for_each(|&time| video.write(frame(time as u64).with_timestamp(at(time))).unwrap());
    recorder.stop();
    let seen = lived(&recorder).file().times("v:0");
    assert_eq!(seen.iter().map(|time| (time * 1e3).round() as i64).collect::<Vec<_>>(), times);
}

#[test]
fn a_stepped_recording_is_as_long_as_its_steps_however_long_they_took() {
    let clock = Clock::stepped(FrameRate::whole(25));
    let video = TrackGenerator::video(Size::new(64, 64), &clock);
    let recorder = MediaRecorder::new(&MediaStream::new([video.track()]), options()).unwrap();
    recorder.start(None).unwrap();
    for index in 0..50 {
        video.write(frame(index).with_timestamp(clock.now())).unwrap();
        std::thread::sleep(Duration::from_millis(index % 3));
        clock.step();
    }
    recorder.stop();
    let file = lived(&recorder).file();
    assert_eq!((file.frames(), file.duration()), (50, 2.0));
}

#[test]
fn a_frame_that_comes_too_late_is_dropped_and_counted() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    let video = studio.video.as_ref().unwrap();
    for index in [0, 1, 3, 2, 3, 4] {
        video.write(frame(index)).unwrap();
    }
    recorder.stop();
    assert_eq!(lived(&recorder).file().frames(), 4);
    let report = recorder.report();
    assert_eq!((report.frames_in, report.frames_dropped, report.dropped.out_of_order), (6, 2, 2));
}

#[test]
fn in_real_time_a_busy_recorder_drops_counts_and_holds_nobody_up() {
    let clock = Clock::real();
    let size = Size::new(1280, 720);
    let video = TrackGenerator::video(size, &clock);
    let slow = options().with_encoder(EncoderChoice::Rav1e).with_speed(4);
    let recorder = MediaRecorder::new(&MediaStream::new([video.track()]), slow).unwrap();
    recorder.start(None).unwrap();
    let began = Instant::now();
    for index in 0..40 {
        video.write(frame_of(size, index * 5, clock.now())).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "writing took {:?}", began.elapsed());
    recorder.stop();
    lived(&recorder);
    let report = recorder.report();
    assert_eq!(report.frames_in, 40);
    assert!(report.dropped.busy > 0, "{report:?}");
    assert_eq!(report.frames_encoded + report.frames_dropped, 40);
}

// Limits and pieces

#[test]
fn a_time_limit_ends_the_recording_and_cuts_the_sound_there() {
    let studio = Studio::both();
    let recorder = with(&studio, options().with_time_limit(Span::from_millis(1500)));
    recorder.start(None).unwrap();
    studio.frames_with_sound(0..90);
    let life = lived(&recorder);
    assert_eq!(life.names, ["start", "dataavailable", "stop"]);
    assert_eq!(recorder.state(), RecordingState::Inactive);
    let file = life.file();
    assert_eq!(file.frames(), 45);
    assert!((file.duration() - 1.5).abs() <= 0.02, "{}", file.duration());
}

#[test]
fn a_time_limit_ends_sound_alone_and_a_picture_that_stands_still() {
    let studio = Studio::audio();
    let recorder = with(&studio, options().with_time_limit(Span::from_millis(500)));
    recorder.start(None).unwrap();
    studio.sound(0..2000);
    let file = lived(&recorder).file();
    assert!((file.duration() - 0.5).abs() < 0.021, "{}", file.duration());

    let clock = Clock::real();
    let video = TrackGenerator::video(Size::new(64, 64), &clock);
    let limited = options().with_time_limit(Span::from_millis(500));
    let recorder = MediaRecorder::new(&MediaStream::new([video.track()]), limited).unwrap();
    recorder.start(None).unwrap();
    video.write(frame(0).with_timestamp(clock.now())).unwrap();
    assert_eq!(lived(&recorder).names, ["start", "dataavailable", "stop"]);
    assert!((recorder.report().duration_s - 0.5).abs() < 0.001, "{}", recorder.report().duration_s);
}

#[test]
fn a_limit_beyond_all_bounds_is_none() {
    let studio = Studio::both();
    let recorder = with(&studio, options().with_time_limit(Duration::MAX.into()));
    recorder.start(None).unwrap();
    studio.frames_with_sound(0..30);
    recorder.stop();
    let file = lived(&recorder).file();
    assert_eq!(file.frames(), 30);
    assert!((file.duration() - 1.0).abs() < 0.03, "{}", file.duration());
}

#[test]
fn a_frame_limit_is_exact_and_the_frames_beyond_it_are_counted() {
    for encoder in [EncoderChoice::Aom, EncoderChoice::Rav1e, EncoderChoice::Vpx] {
        let studio = Studio::video();
        let recorder = with(&studio, options().with_frame_limit(12).with_encoder(encoder));
        recorder.start(None).unwrap();
        studio.frames(0..40);
        let life = lived(&recorder);
        assert_eq!(life.file().frames(), 12);
        let report = recorder.report();
        assert_eq!(report.frames_encoded, 12);
        assert_eq!(report.frames_in, 12 + report.dropped.ended);
    }
}

#[test]
fn a_size_limit_is_never_passed_and_the_file_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.webm");
    for limit in [5_000, 20_000] {
        let studio = Studio::both();
        let recorder = with(&studio, options().with_size_limit(limit));
        recorder.start_to(FileSink::create(&path).unwrap()).unwrap();
        studio.frames_with_sound(0..300);
        assert_eq!(lived(&recorder).names, ["start", "dataavailable", "stop"]);
        let size = fs::metadata(&path).unwrap().len();
        assert!(size <= limit && size * 10 > limit * 7, "{size} bytes of {limit}");
        let file = Judged::new(&Blob::from_file(&path, "video/webm").unwrap());
        assert_eq!(file.frames() as u64, recorder.report().frames_encoded);
    }
}

/// Records these frames with sound in pieces, and gives the pieces.
fn pieces(length: Option<Span>, bytes: Option<u64>, frames: u64, encoder: EncoderChoice) -> Vec<Judged> {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_owned();
    let mut pieces = Pieces::new(move |number| FileSink::create_new(name.join(format!("{number}.webm"))));
    (pieces.length, pieces.bytes) = (length, bytes);
    let studio = Studio::both();
    let recorder = with(&studio, options().with_encoder(encoder));
    recorder.start_to(Destination::Files(pieces)).unwrap();
    studio.frames_with_sound(0..frames);
    recorder.stop();
    let life = lived(&recorder);
    let report = recorder.report();
    assert_eq!((report.frames_encoded, report.frames_dropped), (frames, 0));
    assert_eq!(report.files as usize, life.blobs.len());
    life.blobs.iter().map(|blob| Judged::new(&blob.data)).collect()
}

#[test]
fn pieces_by_time_are_exact_begin_at_key_frames_and_lose_nothing() {
    for encoder in [EncoderChoice::Aom, EncoderChoice::Rav1e, EncoderChoice::Vpx] {
        let pieces = pieces(Some(Span::from_millis(700)), None, 90, encoder.clone());
        assert_eq!(pieces.iter().map(Judged::frames).collect::<Vec<_>>(), [21, 21, 21, 21, 6], "{encoder}");
        for piece in &pieces {
            assert_eq!((piece.times("v:0")[0], piece.keys()[0]), (0.0, 0.0));
            assert!(piece.times("a:0")[0] < 0.021);
        }
        assert!((pieces[1].duration() - 0.7).abs() < 0.021, "{}", pieces[1].duration());
        let sound: usize = pieces.iter().map(|piece| piece.times("a:0").len()).sum();
        assert!((sound as i64 - 150).abs() <= 1, "{sound} packets of 3 s");
    }
}

#[test]
fn pieces_by_size_are_about_that_size_and_lose_nothing() {
    let pieces = pieces(None, Some(20_000), 200, EncoderChoice::Auto);
    assert!(pieces.len() > 2, "{} pieces", pieces.len());
    assert_eq!(pieces.iter().map(Judged::frames).sum::<usize>(), 200);
    for piece in &pieces[..pieces.len() - 1] {
        let size = fs::metadata(piece.path()).unwrap().len();
        assert!((16_000..=22_000).contains(&size), "{size}");
        assert_eq!(piece.keys()[0], 0.0);
    }
}

// Key frames

#[test]
fn key_frames_come_by_time_by_count_or_when_requested() {
    let keys = |options: MediaRecorderOptions, request: bool| {
        let studio = Studio::video();
        let recorder = with(&studio, options);
        recorder.start(None).unwrap();
        studio.frames(0..50);
        if request {
            studio.wait_for(&recorder, 44);
            recorder.request_key_frame().unwrap();
        }
        studio.frames(50..150);
        recorder.stop();
        let keys = lived(&recorder).file().keys();
        keys.iter().map(|time| (time * 30.0).round() as u64).collect::<Vec<_>>()
    };
    for encoder in [EncoderChoice::Aom, EncoderChoice::Rav1e, EncoderChoice::Vpx] {
        let options = || options().with_encoder(encoder.clone());
        assert_eq!(keys(options(), false), [0, 60, 120], "every two seconds when nothing is asked");
        let by_time = options().with_video_key_frame_interval_duration(Span::from_secs(1));
        assert_eq!(keys(by_time, false), [0, 30, 60, 90, 120]);
        let by_count = options().with_video_key_frame_interval_count(40);
        assert_eq!(keys(by_count, false), [0, 40, 80, 120]);
        let requested = keys(options(), true);
        assert!(requested.iter().any(|key| (44..=56).contains(key)), "{encoder}: {requested:?}");
    }
}

// Replays

#[test]
fn a_replay_saves_the_last_seconds_from_a_key_frame_and_goes_on() {
    let studio = Studio::both();
    let replay = Replay::new(Span::from_secs(3)).start(&studio.stream).unwrap();
    studio.frames_with_sound(0..300);
    // What is still being encoded is not kept yet.
    let mut file = Judged::new(&replay.save().unwrap());
    let began = Instant::now();
    while file.frames() < 90 && began.elapsed() < Duration::from_secs(10) {
        file = Judged::new(&replay.save().unwrap());
    }
    assert!((3.0..=5.1).contains(&file.duration()), "{}", file.duration());
    assert_eq!((file.times("v:0")[0], file.keys()[0]), (0.0, 0.0));
    assert!(file.times("a:0")[0] < 0.021);
    studio.frames_with_sound(300..330);
    drop(replay);
}

#[test]
fn a_recording_can_begin_with_what_was_before_it() {
    let studio = Studio::both();
    let replay = Replay::new(Span::from_secs(2)).start(&studio.stream).unwrap();
    studio.frames_with_sound(0..300);
    let began = Instant::now();
    while Judged::new(&replay.save().unwrap()).frames() < 60 && began.elapsed() < Duration::from_secs(10) {}
    let recorder = replay.record(Destination::Blobs { timeslice: None }).unwrap();
    assert_eq!(recorder.state(), RecordingState::Recording);
    studio.frames_with_sound(300..360);
    recorder.stop();
    let life = lived(&recorder);
    assert_eq!(life.names, ["start", "dataavailable", "stop"]);
    let file = life.file();
    assert!((4.0..=6.1).contains(&file.duration()), "{}", file.duration());
    assert!(file.times("v:0").windows(2).all(|pair| (pair[1] - pair[0] - 1.0 / 30.0).abs() < 0.0011));
    assert_eq!(file.keys()[0], 0.0);
    assert_eq!(life.blobs[0].timecode, Timestamp::ZERO);
    // It is a recorder as any other.
    recorder.start(None).unwrap();
    studio.frames_with_sound(360..390);
    recorder.stop();
    assert_eq!(lived(&recorder).file().frames(), 30);
}

#[test]
fn a_replay_of_a_stream_that_has_ended_is_an_invalid_state_error() {
    let studio = Studio::video();
    let [one, other] = [(); 2].map(|()| Replay::new(Span::from_secs(1)).start(&studio.stream).unwrap());
    studio.stream.tracks()[0].stop();
    let began = Instant::now();
    while one.save().is_ok() && began.elapsed() < Duration::from_secs(5) {}
    assert_eq!(one.save().unwrap_err().kind().name(), "InvalidStateError");
    let blobs = || Destination::Blobs { timeslice: None };
    while began.elapsed() < Duration::from_secs(5) && other.save().is_ok() {}
    assert_eq!(other.record(blobs()).unwrap_err().kind().name(), "InvalidStateError");
}

// Resizes

#[test]
fn frames_of_another_size_are_fitted_in_by_the_policy() {
    let record = |fit| {
        let studio = Studio::video();
        let recorder = with(&studio, options().with_fit(fit).with_quality(90));
        recorder.start(None).unwrap();
        let video = studio.video.as_ref().unwrap();
        video.write(frame_of(Size::new(64, 64), 200, at(0))).unwrap();
        video.write(frame_of(Size::new(128, 64), 200, at(33))).unwrap();
        video.write(frame_of(Size::new(30, 90), 200, at(66))).unwrap();
        recorder.stop();
        lived(&recorder)
    };
    let luma = |fit| record(fit).file().luma();
    // Half, and a third, of the picture is lit: 16 + 184 / 2, 16 + 184 / 3 in limited range.
    for (fit, lit) in [(Fit::Contain, [1.0, 0.5, 1.0 / 3.0]), (Fit::Cover, [1.0; 3]), (Fit::Fill, [1.0; 3])] {
        for (seen, lit) in luma(fit).iter().zip(lit) {
            let drawn = (184.0 * lit) * 255.0 / 219.0;
            assert!((seen - drawn).abs() < 6.0, "{fit:?}: {seen} where {drawn} was drawn");
        }
    }
    let refused = record(Fit::Error);
    assert_eq!(refused.names, ["start", "error", "dataavailable", "stop"]);
    assert_eq!(refused.errors[0].kind().name(), "InvalidModificationError");
    assert_eq!(refused.file().frames(), 1);
}

// Faults

#[test]
fn two_recorders_on_one_stream_work_side_by_side() {
    let studio = Studio::both();
    let (one, other) = (studio.recorder(), studio.recorder());
    one.start(None).unwrap();
    studio.frames_with_sound(0..30);
    other.start(Span::from_millis(200)).unwrap();
    studio.frames_with_sound(30..60);
    one.stop();
    studio.frames_with_sound(60..90);
    other.stop();
    assert_eq!(lived(&one).file().frames(), 60);
    assert_eq!(lived(&other).file().frames(), 60);
}

/// Whether this comes to an end soon.
fn ends_soon(work: impl FnOnce() + Send + 'static) -> bool {
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || {
        work();
        sender.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(5)).is_ok()
}

#[cfg(target_os = "linux")]
#[test]
fn dropping_a_recorder_in_any_state_neither_blocks_nor_leaks_a_thread() {
    type Step = fn(&MediaRecorder, &Studio);
    let states: [Step; 6] = [
        |_, _| {},
        |recorder, _| recorder.start(None).unwrap(),
        |recorder, studio| {
            recorder.start(None).unwrap();
            studio.frames(0..20);
        },
        |recorder, studio| {
            recorder.start(Span::from_millis(10)).unwrap();
            studio.frames(0..20);
            recorder.pause().unwrap();
        },
        |recorder, _| {
            recorder.start(None).unwrap();
            recorder.stop();
        },
        |recorder, studio| {
            recorder.start(None).unwrap();
            studio.frames(0..20);
            recorder.stop();
            lived(recorder);
            recorder.start(None).unwrap();
        },
    ];
    // The other tests of this process have threads of these names too: so it runs them in a process of its own.
    if std::env::var_os("FRAMEREEL_ALONE").is_none() {
        let test = "dropping_a_recorder_in_any_state_neither_blocks_nor_leaks_a_thread";
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        let output = command.args(["--exact", test, "--nocapture"]).env("FRAMEREEL_ALONE", "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    for (number, step) in states.into_iter().enumerate() {
        assert!(
            ends_soon(move || {
                let studio = Studio::video();
                let recorder = studio.recorder();
                step(&recorder, &studio);
                drop(recorder);
            }),
            "state {number}"
        );
    }
    let began = Instant::now();
    while threads_named(&["mux", "encode", "sound", "events"]) > 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "threads are left");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_function_for_the_next_piece_that_panics_ends_the_recording_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_owned();
    let open = move |number| match number {
        1 => FileSink::create_new(name.join("1.webm")),
        _ => panic!("there is no second piece"),
    };
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.start_to(Destination::Files(Pieces::new(open).with_length(Span::from_secs(1)))).unwrap();
    studio.frames(0..300);
    let life = lived(&recorder);
    assert_eq!(life.errors.len(), 1, "{:?}", life.names);
    assert!(life.errors[0].to_string().contains("there is no second piece"), "{}", life.errors[0]);
    assert_eq!(recorder.state(), RecordingState::Inactive);
    assert_eq!(Judged::new(&life.blobs[0].data).frames(), 30);
}

#[test]
fn a_second_start_that_is_refused_does_not_cost_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.webm");
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.start_to(FileSink::create_new(&path).unwrap()).unwrap();
    studio.frames(0..60);
    assert!(recorder.start(None).is_err());
    drop(recorder);
    assert_eq!(Judged::new(&Blob::from_file(&path, "video/webm").unwrap()).frames(), 60);
}

#[test]
fn a_track_added_after_stop_is_nothing_to_the_recording() {
    let (studio, other) = (Studio::video(), Studio::audio());
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    studio.frames(0..30);
    recorder.stop();
    studio.stream.add_track(&other.stream.audio_tracks()[0]);
    assert_eq!(lived(&recorder).names, ["start", "dataavailable", "stop"]);
}

#[test]
fn a_track_that_is_disabled_while_its_picture_stands_still_turns_black_and_back() {
    let clock = Clock::real();
    let size = Size::new(64, 64);
    let video = TrackGenerator::video(size, &clock);
    let recorder = MediaRecorder::new(&MediaStream::new([video.track()]), options()).unwrap();
    recorder.start(None).unwrap();
    video.write(frame_of(size, 200, clock.now())).unwrap();
    for (enabled, frames) in [(true, 1), (false, 2), (true, 3)] {
        video.track().set_enabled(enabled);
        support::program::until("a frame", || recorder.progress().frames >= frames);
    }
    recorder.stop();
    let luma = lived(&recorder).file().luma();
    let lit: Vec<_> = luma.iter().map(|luma| *luma > 100.0).collect();
    assert_eq!(lit, [true, false, true], "{luma:?}");
}

#[test]
fn a_recorder_that_is_dropped_finishes_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dropped.webm");
    let studio = Studio::both();
    let recorder = studio.recorder();
    recorder.start_to(FileSink::create_new(&path).unwrap()).unwrap();
    studio.frames_with_sound(0..60);
    drop(recorder);
    let file = Judged::new(&Blob::from_file(&path, "video/webm").unwrap());
    assert_eq!(file.frames(), 60);
    assert!((file.duration() - 2.0).abs() < 0.03, "{}", file.duration());
}

#[test]
fn a_recording_in_memory_that_was_handed_out_whole_seeks() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    studio.frames(0..150);
    recorder.stop();
    let life = lived(&recorder);
    let bytes = life.blobs[0].data.bytes().unwrap();
    let cues = [0x1c, 0x53, 0xbb, 0x6b];
    assert!(bytes.windows(4).filter(|window| *window == cues).count() >= 1, "no Cues");
    assert!((life.file().duration() - 5.0).abs() < 0.001, "{}", life.file().duration());
}
