//! A film that plays in real time, recorded while it plays: the times of its frames and sound, examined with ffmpeg.
//! The film shows its position: each frame is a little brighter than the one before it, except for a flash after one
//! second, together with a beep.
//!
//! Of the web-platform-tests (mediacapture-fromelement): `creation.html`, `capture.html` and `ended.html`, named at
//! their tests. Not so: sound alone, which does not play here; tracks that are removed from their streams at the end,
//! where here they stay (whoever still writes a recording of them is not to fail). `cross-origin.html` has no meaning
//! without a Web.

mod support {
    pub mod program;
    pub mod studio;
    pub mod tools;
}

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use framereel::filter::FilterChain;
use framereel::frame::Size;
use framereel::gpu::Gpu;
use framereel::recorder::{MediaRecorder, MediaRecorderOptions, RecordingState};
use framereel::source::audio::AudioSpec;
use framereel::source::player::{Player, PlayerEvent, PlayerOptions, PlayerSound};
use framereel::source::{SourceOptions, SourceSpec};
use framereel::stream::{Listener, MediaStream, ReadyState, TrackProcessor};
use framereel::time::{Span, Timestamp};
use support::program::{Bench, run};
use support::studio::{Judged, TIMEOUT, lived};

/// Three seconds at 25 pictures a second. Luma from 40 on, two more each; the flash is white.
const PICTURES: &str = "color=black:s=64x48:r=25:d=3,format=yuv420p,\
                        geq=lum='if(between(N,25,29),235,40+2*N)':cb=128:cr=128";
/// A beep of 1 kHz while the flash lasts.
const SOUND: &str = "aevalsrc='if(between(t,1,1.2),0.8*sin(2*PI*1000*t),0)':s=48000:d=3";
/// How far the beep may be from the flash, in seconds: a picture, and what a codec adds.
const NEAR: f64 = 0.045;

/// Real time is for one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static REAL_TIME: Mutex<()> = Mutex::new(());
    REAL_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a film of the inputs, encoded so.
fn made(bench: &Bench, name: &str, inputs: &[&str], encoding: &str) -> PathBuf {
    let path = bench.path(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]);
    for input in inputs {
        command.args(["-f", "lavfi", "-i", input]);
    }
    command.args(encoding.split(' ')).arg(&path);
    run(&mut command, &[]).succeeded();
    path
}

/// The film, as the `ffmpeg` program reads it.
fn film(bench: &Bench) -> PathBuf {
    made(bench, "film.mkv", &[PICTURES, SOUND], "-c:v ffv1 -c:a pcm_s16le")
}

fn opened(path: &Path) -> Player {
    Player::open(&Gpu::new().expect("an adapter"), &SourceSpec::File(path.to_owned())).expect("a film")
}

fn recorder(stream: &MediaStream) -> MediaRecorder {
    let recorder = MediaRecorder::new(stream, MediaRecorderOptions::default()).expect("a recorder");
    recorder.start(None).expect("a recording");
    recorder
}

/// Waits for an event of this name; those before it are passed over, but for errors.
#[track_caller]
fn wait_for(events: &Listener<PlayerEvent>, name: &str) {
    let mut passed = Vec::new();
    while let Some(event) = events.next_within(TIMEOUT.into()) {
        let found = name_of(&event);
        if found == name {
            return;
        }
        assert_ne!(found, "error", "{event:?}");
        passed.push(found);
    }
    panic!("no {name} after {passed:?}");
}

fn name_of(event: &PlayerEvent) -> &'static str {
    match event {
        PlayerEvent::Playing => "playing",
        PlayerEvent::Pause => "pause",
        PlayerEvent::Waiting => "waiting",
        PlayerEvent::Seeked => "seeked",
        PlayerEvent::Ended => "ended",
        PlayerEvent::Error(_) => "error",
        _ => "another",
    }
}

/// Waits until the film has come to this position.
#[track_caller]
fn wait_until(player: &Player, millis: i64) {
    let begun = Instant::now();
    while player.current_time() < Span::from_millis(millis) {
        assert!(begun.elapsed() < TIMEOUT, "it stands at {}", player.current_time());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// When each flash and each beep of a recording begins, in seconds.
fn flashes_and_beeps(file: &Judged) -> (Vec<f64>, Vec<f64>) {
    let pictures: Vec<(f64, f64)> = file.times("v:0").into_iter().zip(file.luma()).collect();
    let bright = |&(_, luma): &(f64, f64)| luma > 215.0;
    let flashes = pictures.windows(2).filter(|pair| !bright(&pair[0]) && bright(&pair[1])).map(|pair| pair[1].0);
    let mut beeps = Vec::new();
    let mut last = -1.0;
    for (place, _) in file.samples().iter().enumerate().filter(|(_, sample)| sample.abs() > 0.25) {
        let time = place as f64 / 48e3;
        // Half a second of silence parts one from the next.
        if time - last > 0.5 {
            beeps.push(time);
        }
        last = time;
    }
    (flashes.collect(), beeps)
}

#[track_caller]
fn assert_in_sync(file: &Judged, count: usize) {
    let (flashes, beeps) = flashes_and_beeps(file);
    assert_eq!((flashes.len(), beeps.len()), (count, count), "flashes {flashes:?}, beeps {beeps:?}");
    for (flash, beep) in flashes.iter().zip(&beeps) {
        println!("flash at {flash:.3} s, beep at {beep:.3} s");
        assert!((flash - beep).abs() < NEAR, "flash at {flash} s but beep at {beep} s");
    }
}

#[test]
fn a_film_plays_to_its_end_with_its_sound_in_time_whoever_reads_it() {
    let _alone = alone();
    let bench = Bench::new();
    let webm = "-c:v libaom-av1 -cpu-used 8 -usage realtime -b:v 400k -c:a libopus -b:a 96k";
    for path in [film(&bench), made(&bench, "film.webm", &[PICTURES, SOUND], webm)] {
        let player = opened(&path);
        assert!(player.paused() && !player.ended() && player.current_time() == Span::ZERO);
        let (stream, events) = (player.capture_stream().unwrap(), player.events());
        let recorder = recorder(&stream);
        player.play();
        wait_for(&events, "playing");
        assert!(!player.paused());
        wait_for(&events, "pause");
        wait_for(&events, "ended");
        assert!(player.ended() && player.paused());
        let length = player.duration().expect("a film that was played").as_secs_f64();
        assert!((length - 3.0).abs() < 0.05, "{length} s");
        assert_eq!(player.current_time(), player.duration().unwrap());
        // The recorder ends with the tracks.
        let life = lived(&recorder);
        assert!(life.errors.is_empty(), "{:?}", life.errors);
        assert!(stream.tracks().iter().all(|track| track.ready_state() == ReadyState::Ended));
        let file = life.file();
        assert_in_sync(&file, 1);
        assert!((file.duration() - 3.0).abs() < 0.5, "{} s", file.duration());
        let quality = player.playback_quality();
        assert_eq!(quality.total_frames, 75);
        assert!(file.frames() as u64 + quality.dropped_frames > 50, "{} of {quality:?}", file.frames());
    }
}

#[test]
fn paused_the_picture_stands_still_and_there_is_silence_and_then_it_goes_on_in_time() {
    let _alone = alone();
    let bench = Bench::new();
    let player = opened(&film(&bench));
    let (stream, events) = (player.capture_stream().unwrap(), player.events());
    let recorder = recorder(&stream);
    player.play();
    wait_until(&player, 1080);
    player.pause();
    let position = player.current_time();
    // The pause that is recorded: its length is what is measured below.
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(player.current_time(), position);
    assert!(player.paused());
    player.play();
    wait_for(&events, "ended");
    let file = lived(&recorder).file();
    let (flashes, beeps) = flashes_and_beeps(&file);
    // The pause was within the flash and the beep: the flash stood, the beep broke off and went on after it.
    assert_eq!((flashes.len(), beeps.len()), (1, 2), "{flashes:?} {beeps:?}");
    assert!((flashes[0] - beeps[0]).abs() < NEAR, "{flashes:?} {beeps:?}");
    let pictures: Vec<(f64, f64)> = file.times("v:0").into_iter().zip(file.luma()).collect();
    let over = pictures.iter().find(|(time, luma)| *time > flashes[0] && *luma < 215.0).expect("the flash's end").0;
    let stood = over - flashes[0];
    assert!((0.85..1.1).contains(&stood), "the flash of 0.2 s stood for {stood} s, with 0.7 s of pause");
    // What was left of the beep ends where the flash does.
    let samples = file.samples();
    let last = samples.iter().rposition(|sample| sample.abs() > 0.25).expect("a beep") as f64 / 48e3;
    assert!((last - over).abs() < NEAR, "the beep ends at {last} s, the flash at {over} s");
}

#[test]
fn a_seek_shows_the_picture_there_also_while_paused() {
    let _alone = alone();
    let bench = Bench::new();
    let player = opened(&film(&bench));
    let (stream, events) = (player.capture_stream().unwrap(), player.events());
    for (millis, picture) in [(2_000, 50.0), (400, 10.0), (1_450, 36.0)] {
        player.seek(Span::from_millis(millis));
        assert!(player.seeking());
        wait_for(&events, "seeked");
        assert!(!player.seeking() && player.paused());
        assert_eq!(player.current_time(), Span::from_millis(millis));
        // The second one begins to record when the picture has long been shown.
        for _ in 0..2 {
            let recorder = recorder(&stream);
            wait_for_frames(&recorder, 1);
            recorder.stop();
            let luma = lived(&recorder).file().luma()[0];
            // ffmpeg scales limited to full range.
            let expected = (40.0 + 2.0 * picture - 16.0) / 219.0 * 255.0;
            assert!((luma - expected).abs() < 2.5, "{luma} at {millis} ms, not {expected:.1}");
        }
    }
}

fn wait_for_frames(recorder: &MediaRecorder, frames: u64) {
    let begun = Instant::now();
    while recorder.progress().frames < frames {
        assert!(begun.elapsed() < TIMEOUT, "only {} frames", recorder.progress().frames);
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_seek_while_it_plays_goes_on_from_there_in_time() {
    let _alone = alone();
    let bench = Bench::new();
    let player = opened(&film(&bench));
    let (stream, events) = (player.capture_stream().unwrap(), player.events());
    let recorder = recorder(&stream);
    player.play();
    wait_until(&player, 1_600);
    player.seek(Span::from_millis(500));
    assert!(player.current_time() < Span::from_millis(600));
    wait_for(&events, "seeked");
    wait_for(&events, "ended");
    let life = lived(&recorder);
    assert!(life.errors.is_empty(), "{:?}", life.errors);
    assert_in_sync(&life.file(), 2);
}

#[test]
fn a_loop_begins_anew_with_the_same_tracks_until_it_is_no_more() {
    let _alone = alone();
    let bench = Bench::new();
    let player = opened(&film(&bench));
    let (stream, events) = (player.capture_stream().unwrap(), player.events());
    let recorder = recorder(&stream);
    player.set_loop(true);
    assert!(player.is_looping());
    player.play();
    wait_for(&events, "seeked");
    assert!(stream.is_active() && !player.ended() && !player.paused());
    player.set_loop(false);
    wait_for(&events, "ended");
    assert!(!stream.is_active());
    assert_in_sync(&lived(&recorder).file(), 2);
}

#[test]
fn at_another_rate_all_is_faster_or_slower_and_still_in_time() {
    let _alone = alone();
    let bench = Bench::new();
    let path = film(&bench);
    for rate in [2.0, 0.5] {
        let player = opened(&path);
        player.set_playback_rate(rate).unwrap();
        assert_eq!(player.playback_rate(), rate);
        let (stream, events) = (player.capture_stream().unwrap(), player.events());
        let recorder = recorder(&stream);
        player.play();
        wait_for(&events, "ended");
        let file = lived(&recorder).file();
        assert_in_sync(&file, 1);
        let beep: Vec<f32> = file.samples().into_iter().skip_while(|sample| sample.abs() < 0.25).collect();
        let length = beep.iter().rposition(|sample| sample.abs() > 0.25).expect("a beep") as f64 / 48e3;
        assert!((length - 0.2 / rate).abs() < 0.02, "the beep lasts {length} s at {rate}");
        // Twice a cycle the sign changes.
        let part = &beep[480..2_880];
        let crossings = part.windows(2).filter(|pair| pair[0].is_sign_positive() != pair[1].is_sign_positive()).count();
        let hertz = crossings as f64 / 2.0 / (part.len() as f64 / 48e3);
        assert!((hertz / (1000.0 * rate) - 1.0).abs() < 0.05, "{hertz} Hz at {rate}");
        assert!((file.duration() - 3.0 / rate).abs() < 0.6, "{} s at {rate}", file.duration());
    }
}

#[test]
fn rates_have_limits() {
    let bench = Bench::new();
    let player = opened(&film(&bench));
    for rate in [0.0, -1.0, 0.2, 4.1, f64::NAN, f64::INFINITY] {
        assert_eq!(player.set_playback_rate(rate).unwrap_err().kind().name(), "RangeError", "{rate}");
    }
    assert_eq!(player.playback_rate(), 1.0);
}

#[test]
fn after_the_end_it_plays_again_for_streams_that_are_captured_then() {
    let _alone = alone();
    let bench = Bench::new();
    let player = opened(&film(&bench));
    let (stream, events) = (player.capture_stream().unwrap(), player.events());
    player.seek(Span::from_secs(60));
    wait_for(&events, "ended");
    assert!(player.ended() && !stream.is_active());
    let again = player.capture_stream().unwrap();
    assert!(again.is_active());
    let recorder = recorder(&again);
    player.play();
    wait_for(&events, "playing");
    assert!(!player.ended());
    assert!(player.current_time() < Span::from_secs(2));
    wait_for(&events, "ended");
    assert_in_sync(&lived(&recorder).file(), 1);
}

#[test]
fn a_film_that_breaks_off_tells_its_error_and_ends_its_tracks() {
    let _alone = alone();
    let bench = Bench::new();
    let path = made(&bench, "film.y4m", &[PICTURES], "-pix_fmt yuv420p");
    let bytes = std::fs::read(&path).unwrap();
    bench.write("film.y4m", &bytes[..bytes.len() / 4]);
    let player = opened(&path);
    let (stream, events) = (player.capture_stream().unwrap(), player.events());
    player.play();
    let error = loop {
        match events.next_within(TIMEOUT.into()) {
            Some(PlayerEvent::Error(error)) => break error,
            Some(PlayerEvent::Ended) | None => panic!("no error"),
            Some(_) => {}
        }
    };
    assert_eq!(error.kind().name(), "NotReadableError", "{error}");
    assert!(player.paused() && !stream.is_active());
    // What is there can be seen again.
    player.seek(Span::ZERO);
    wait_for(&events, "seeked");
}

#[cfg(unix)]
#[test]
fn where_reading_cannot_keep_up_it_waits_and_goes_on() {
    let _alone = alone();
    let bench = Bench::new();
    let bytes = std::fs::read(made(&bench, "film.y4m", &[PICTURES], "-pix_fmt yuv420p")).unwrap();
    let header = bytes.iter().position(|&byte| byte == b'\n').expect("a header") + 1;
    let twelve = header + 12 * (b"FRAME\n".len() + 64 * 48 * 3 / 2);
    let pipe = bench.path("pipe.y4m");
    run(Command::new("mkfifo").arg(&pipe), &[]).succeeded();
    let (go_on, told) = std::sync::mpsc::channel::<()>();
    let path = pipe.clone();
    let writer = std::thread::spawn(move || {
        use std::io::Write;
        let mut pipe = std::fs::OpenOptions::new().write(true).open(path).expect("a pipe");
        pipe.write_all(&bytes[..twelve]).expect("a reader");
        told.recv().expect("a word");
        pipe.write_all(&bytes[twelve..]).expect("a reader");
    });
    let player = opened(&pipe);
    let events = player.events();
    player.play();
    wait_for(&events, "waiting");
    let position = player.current_time();
    assert!(!player.paused() && position < Span::from_secs(1), "{position}");
    go_on.send(()).unwrap();
    wait_for(&events, "playing");
    assert!(player.current_time() >= position);
    wait_for(&events, "ended");
    let quality = player.playback_quality();
    assert_eq!(quality.total_frames, 75, "{quality:?}");
    writer.join().unwrap();
}

#[test]
fn what_cannot_be_opened_is_an_error_at_once() {
    let gpu = Gpu::new().expect("an adapter");
    let error = Player::open(&gpu, &SourceSpec::File("missing.mp4".into())).unwrap_err();
    assert_eq!(error.kind().name(), "NotFoundError");
}

#[test]
fn a_player_that_is_dropped_ends_its_tracks_and_its_events() {
    let _alone = alone();
    let bench = Bench::new();
    let player = opened(&film(&bench));
    let (stream, events) = (player.capture_stream().unwrap(), player.events());
    let recorder = recorder(&stream);
    player.play();
    wait_for(&events, "playing");
    wait_for_frames(&recorder, 3);
    drop(player);
    assert!(!stream.is_active());
    let left: Vec<_> = events.map(|event| name_of(&event)).collect();
    assert!(!left.contains(&"ended") && !left.contains(&"error"), "{left:?}");
    assert!(lived(&recorder).errors.is_empty());
}

/// creation.html, for pictures, and for pictures with sound.
#[test]
fn wpt_a_captured_stream_has_a_track_of_each_kind_that_the_film_has() {
    let bench = Bench::new();
    let video_only = made(&bench, "video.mkv", &[PICTURES], "-c:v ffv1");
    for (path, audio) in [(video_only, 0), (film(&bench), 1)] {
        let player = opened(&path);
        player.play();
        let stream = player.capture_stream().unwrap();
        assert_eq!((stream.video_tracks().len(), stream.audio_tracks().len()), (1, audio));
        assert!(stream.is_active());
        let other = player.capture_stream().unwrap();
        assert_ne!(stream, other);
        stream.tracks().iter().for_each(|track| track.stop());
        assert!(other.tracks().iter().all(|track| track.ready_state() == ReadyState::Live));
    }
}

/// capture.html and ended.html.
#[test]
fn wpt_data_flows_from_a_captured_stream_and_the_stream_is_inactive_when_the_film_ended() {
    let _alone = alone();
    let bench = Bench::new();
    let player = opened(&film(&bench));
    let events = player.events();
    player.play();
    let stream = player.capture_stream().unwrap();
    let recorder = recorder(&stream);
    wait_for(&events, "ended");
    assert!(player.ended() && !stream.is_active());
    let life = lived(&recorder);
    assert_eq!(recorder.state(), RecordingState::Inactive);
    assert!(life.blobs.iter().any(|blob| blob.data.size() > 0));
}

#[test]
fn another_sound_is_no_longer_than_the_film() {
    let (_alone, bench) = (alone(), Bench::new());
    // The tone has no end.
    let options = PlayerOptions::default().with_sound(PlayerSound::Other(AudioSpec::Tone));
    let film = SourceSpec::File(film(&bench));
    let player = Player::open_with(&Gpu::new().expect("an adapter"), &film, options).expect("a film");
    assert_eq!(player.duration(), Some(Span::from_secs(3)));
    let recorder = recorder(&player.capture_stream().expect("a stream"));
    let events = player.events();
    player.seek(Span::from_millis(1500));
    player.play();
    wait_for(&events, "ended");
    let file = lived(&recorder).file();
    assert!(file.samples().iter().any(|sample| sample.abs() > 0.1), "the tone is recorded");
}

#[test]
fn filters_that_change_over_time_stand_still_with_the_picture() {
    let _alone = alone();
    let mut chain: FilterChain = "brightness(1)".parse().expect("a chain");
    chain.animate("brightness.amount: 0s 0, 4s 1").expect("an animation");
    let options = PlayerOptions::default().with_source(SourceOptions::default().with_size(Size::new(64, 64)));
    let player = Player::open_with(&Gpu::new().expect("an adapter"), &SourceSpec::Pattern, options).expect("a pattern");
    player.set_filter(&chain);
    let stream = player.capture_stream().expect("a stream");
    let frames = TrackProcessor::new(&stream.video_tracks()[0]).expect("frames");
    // The brightest luma of the next frames; a frame that stays is given five times a second.
    let brightest = |count: usize| -> Vec<u8> {
        let next = || frames.next_within(TIMEOUT.into()).expect("a frame");
        (0..count).map(|_| next().data()[..64 * 64].iter().copied().max().unwrap_or_default()).collect()
    };
    assert_eq!(brightest(4), [16; 4], "black at the beginning, as long as it is paused");
    let events = player.events();
    player.seek(Span::from_secs(2));
    wait_for(&events, "seeked");
    brightest(2);
    let half = brightest(4);
    assert!(half.iter().all(|&luma| luma == half[0] && (110..145).contains(&luma)), "{half:?}");
    let frame = player.current_frame().expect("a frame");
    assert_eq!((frame.timestamp - Timestamp::ZERO, player.is_live()), (Span::from_secs(2), false));
}
