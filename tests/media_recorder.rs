//! The behaviour of a recorder, line by line as the Web's specification demands (W3C MediaStream Recording and its
//! conformance suite). The test writes to the tracks, without a GPU; the files are examined with ffmpeg.

mod support {
    pub mod packets;
    pub mod program;
    pub mod studio;
    pub mod tools;
}

use std::time::Duration;

use framereel::recorder::{BitrateMode, Event, MediaRecorder, MediaRecorderOptions, RecordingState};
use framereel::stream::{MediaStream, TrackGenerator};
use framereel::time::{Span, Timestamp};
use framereel::{ErrorKind, Result};
use support::packets::packets;
use support::studio::{SOUND, Studio, lived, names};

fn kind<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.expect_err("an error").kind().name()
}

fn options() -> MediaRecorderOptions {
    MediaRecorderOptions::default()
}

fn typed(mime_type: &str) -> MediaRecorderOptions {
    options().with_mime_type(mime_type)
}

// Creation and types

#[test]
fn a_new_recorder_is_inactive_of_video_audio_or_both_and_its_bitrates_are_not_zero() {
    for studio in [Studio::video(), Studio::audio(), Studio::both()] {
        let recorder = studio.recorder();
        assert_eq!(recorder.state(), RecordingState::Inactive);
        assert_eq!(recorder.video_bits_per_second(), 2_500_000);
        assert_eq!(recorder.audio_bits_per_second(), 128_000);
        assert_eq!(recorder.stream().tracks(), studio.stream.tracks());
    }
}

#[test]
fn bits_per_second_overrides_both_others_shared_about_nine_to_one() {
    let wish = options()
        .with_bits_per_second(1_000_000)
        .with_video_bits_per_second(5_000_000)
        .with_audio_bits_per_second(64_000);
    let recorder = MediaRecorder::new(&Studio::both().stream, wish).unwrap();
    assert_eq!(recorder.video_bits_per_second(), 900_000);
    assert_eq!(recorder.audio_bits_per_second(), 100_000);
    for bits in [0, 1, 5_000, u32::MAX] {
        let wish = options().with_bits_per_second(bits);
        let recorder = MediaRecorder::new(&Studio::both().stream, wish).unwrap();
        assert!(recorder.video_bits_per_second() > 0 && recorder.audio_bits_per_second() > 0, "{bits}");
    }
}

#[test]
fn sound_of_constant_bitrate_has_packets_of_one_size_and_of_variable_bitrate_has_not() {
    let sizes = |mode| {
        let wish = options().with_audio_bitrate_mode(mode);
        let studio = Studio::audio();
        let recorder = MediaRecorder::new(&studio.stream, wish).unwrap();
        assert_eq!(recorder.audio_bitrate_mode(), mode);
        recorder.start(None).unwrap();
        studio.sound(0..2_000);
        recorder.stop();
        let file = lived(&recorder).file();
        let packets = packets(file.path())?;
        Some(packets.iter().map(|packet| packet.end - packet.start).collect::<std::collections::BTreeSet<_>>().len())
    };
    let (Some(constant), Some(variable)) = (sizes(BitrateMode::Constant), sizes(BitrateMode::Variable)) else { return };
    assert_eq!(constant, 1);
    assert!(variable > 1);
}

#[test]
fn a_bitrate_of_one_kind_holds_for_that_kind() {
    let wish = options().with_video_bits_per_second(700_000);
    let recorder = MediaRecorder::new(&Studio::both().stream, wish).unwrap();
    assert_eq!((recorder.video_bits_per_second(), recorder.audio_bits_per_second()), (700_000, 128_000));
    let wish = options().with_audio_bits_per_second(64_000);
    let recorder = MediaRecorder::new(&Studio::both().stream, wish).unwrap();
    assert_eq!((recorder.video_bits_per_second(), recorder.audio_bits_per_second()), (2_500_000, 64_000));
}

#[test]
fn an_unsupported_type_is_a_not_supported_error_at_creation() {
    for mime_type in
        ["video/mp4;codecs=vp8", "video/webm;codecs=h264", "text/plain", "video/webm;codecs=\"av1,av01.0.05M.08\""]
    {
        let made = MediaRecorder::new(&Studio::video().stream, typed(mime_type));
        let error = made.expect_err(mime_type);
        assert_eq!(error.kind(), &ErrorKind::NotSupported, "{mime_type}");
        assert!(error.to_string().contains(&format!("found `{mime_type}`")), "{error}");
    }
}

#[test]
fn with_no_type_asked_the_type_is_empty_until_start_is_delivered_then_full() {
    for (studio, full) in [
        (Studio::video(), "video/webm;codecs=\"av01.0.00M.08\""),
        (Studio::both(), "video/webm;codecs=\"av01.0.00M.08,opus\""),
        (Studio::audio(), "audio/webm;codecs=\"opus\""),
    ] {
        let recorder = studio.recorder();
        assert_eq!(recorder.mime_type(), "");
        recorder.start(None).unwrap();
        assert!(matches!(recorder.events().next(), Some(Event::Start)));
        assert_eq!(recorder.mime_type(), full);
        recorder.stop();
        let blob = lived(&recorder).blobs.pop().unwrap();
        assert_eq!(blob.data.mime_type(), full);
    }
}

#[test]
fn a_supported_type_is_echoed_exactly() {
    for mime_type in ["video/webm", "VIDEO/WebM; codecs=\"AV1, Opus\"", "video/webm;codecs=av01.0.05M.08"] {
        let studio = Studio::video();
        let recorder = MediaRecorder::new(&studio.stream, typed(mime_type)).unwrap();
        assert_eq!(recorder.mime_type(), mime_type);
        recorder.start(None).unwrap();
        recorder.stop();
        assert_eq!(lived(&recorder).blobs[0].data.mime_type(), mime_type);
        assert_eq!(recorder.mime_type(), mime_type);
    }
}

#[test]
fn is_type_supported_compares_codecs_up_to_the_first_dot_ignoring_case() {
    for mime_type in [
        "",
        "video/webm",
        "audio/webm",
        "video/webm;codecs=av1",
        "video/webm;codecs=AV01.0.05M.08",
        "video/webm; codecs=\"av01.0.05M.08, opus\"",
        "video/webm;codecs=opus",
        "audio/webm;codecs=Opus",
        "Video/WebM;Codecs=av1",
        "video/webm;codecs=vp8",
        "video/webm;codecs=VP9",
        "video/webm;codecs=\"vp09.00.31.08,opus\"",
        "audio/ogg",
        "audio/ogg;codecs=opus",
        "audio/wav",
        "audio/wav;codecs=1",
        "audio/wave; codecs=\"PCM\"",
        "audio/x-wav",
    ] {
        assert!(MediaRecorder::is_type_supported(mime_type), "{mime_type}");
    }
}

#[test]
fn is_type_supported_is_false_for_malformed_unknown_and_doubled() {
    for mime_type in [
        "video",
        "video/",
        "webm",
        ";",
        "video/webm;codecs",
        "video/webm;codecs=",
        "video/webm;codecs=\"av1",
        "video/webm;codecs=av1 opus",
        "video/webm;codecs=\"av1,,opus\"",
        "video/webm;profile=0",
        "video/x-matroska",
        "video/mp4;codecs=vp8",
        "video/ogg",
        "audio/ogg;codecs=vorbis",
        "audio/ogg;codecs=av1",
        "audio/wav;codecs=opus",
        "audio/wav;codecs=\"1,pcm\"",
        "audio/webm;codecs=pcm",
        "video/webm;codecs=theora",
        "video/webm;codecs=av02",
        "video/webm;codecs=\"av1,av01.0.05M.08\"",
        "video/webm;codecs=\"opus,opus\"",
        "audio/webm;codecs=av1",
    ] {
        assert!(!MediaRecorder::is_type_supported(mime_type), "{mime_type}");
    }
}

#[test]
fn both_key_frame_options_at_once_are_a_not_supported_error() {
    let wish =
        options().with_video_key_frame_interval_duration(Span::from_secs(1)).with_video_key_frame_interval_count(30);
    assert_eq!(kind(MediaRecorder::new(&Studio::video().stream, wish)), "NotSupportedError");
}

// start

#[test]
fn start_from_recording_or_paused_is_an_invalid_state_error() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    assert_eq!(recorder.state(), RecordingState::Recording);
    assert_eq!(kind(recorder.start(None)), "InvalidStateError");
    recorder.pause().unwrap();
    assert_eq!(kind(recorder.start(None)), "InvalidStateError");
    assert_eq!(recorder.state(), RecordingState::Paused);
    recorder.stop();
    assert_eq!(lived(&recorder).names, ["start", "pause", "dataavailable", "stop"]);
}

#[test]
fn start_on_a_stream_with_no_track_or_all_tracks_ended_is_a_not_supported_error() {
    let recorder = MediaRecorder::new(&MediaStream::default(), options()).unwrap();
    assert_eq!(kind(recorder.start(None)), "NotSupportedError");
    let studio = Studio::both();
    let recorder = studio.recorder();
    studio.stream.tracks().iter().for_each(|track| track.stop());
    assert_eq!(kind(recorder.start(None)), "NotSupportedError");
    assert_eq!(recorder.state(), RecordingState::Inactive);
    assert!(recorder.events().next().is_none());
}

#[test]
fn an_audio_only_type_on_a_stream_with_video_is_a_not_supported_error() {
    for mime_type in ["audio/webm;codecs=opus", "audio/ogg", "audio/wav"] {
        let recorder = MediaRecorder::new(&Studio::both().stream, typed(mime_type)).unwrap();
        assert_eq!(kind(recorder.start(None)), "NotSupportedError", "{mime_type}");
    }
}

#[test]
fn a_video_type_on_audio_only_is_fine() {
    let studio = Studio::audio();
    let recorder = MediaRecorder::new(&studio.stream, typed("video/webm;codecs=\"av1,opus\"")).unwrap();
    recorder.start(None).unwrap();
    studio.sound(0..1000);
    recorder.stop();
    let file = lived(&recorder).file();
    assert_eq!(file.tracks(), ["opus"]);
}

#[test]
fn tracks_are_read_at_start_so_one_added_before_it_counts() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    let audio = TrackGenerator::audio(SOUND, 1, &studio.clock);
    studio.stream.add_track(audio.track());
    recorder.start(None).unwrap();
    studio.frames(0..5);
    recorder.stop();
    assert_eq!(lived(&recorder).file().tracks(), ["av1", "opus"]);
}

#[test]
fn start_is_delivered_once_before_any_data() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.start(Span::from_millis(100)).unwrap();
    studio.frames(0..30);
    recorder.stop();
    let names = lived(&recorder).names;
    assert_eq!(names[0], "start");
    assert_eq!(names.iter().filter(|name| **name == "start").count(), 1);
    assert!(names.len() > 5, "{names:?}");
}

#[test]
fn a_time_slice_hands_out_a_blob_each_never_shorter_than_the_slice_and_joined_they_play() {
    let studio = Studio::both();
    let recorder = studio.recorder();
    recorder.start(Span::from_millis(300)).unwrap();
    studio.frames_with_sound(0..90);
    recorder.stop();
    let life = lived(&recorder);
    assert!((8..=10).contains(&life.blobs.len()), "{} blobs of 3 s", life.blobs.len());
    for pair in life.blobs.windows(2) {
        let slice = pair[1].timecode - pair[0].timecode;
        assert!(slice >= Span::from_millis(300), "a blob of {slice}");
        assert!(!pair[0].data.is_empty());
    }
    let file = life.file();
    assert_eq!(file.frames(), 90);
    assert_eq!(file.tracks(), ["av1", "opus"]);
}

// While recording

#[test]
fn events_come_in_order_over_a_whole_life_and_by_the_data_the_recorder_is_inactive() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    studio.frames(0..10);
    recorder.pause().unwrap();
    recorder.resume().unwrap();
    studio.frames(10..20);
    recorder.stop();
    let mut seen = Vec::new();
    for event in recorder.events() {
        if let Event::DataAvailable(blob) = &event {
            assert!(!blob.data.is_empty());
            assert_eq!(recorder.state(), RecordingState::Inactive);
        }
        seen.push(names(&event));
    }
    assert_eq!(seen, ["start", "pause", "resume", "dataavailable", "stop"]);
}

#[test]
fn pause_and_resume_are_invalid_state_errors_when_inactive_and_a_second_call_is_nothing() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    assert_eq!(kind(recorder.pause()), "InvalidStateError");
    assert_eq!(kind(recorder.resume()), "InvalidStateError");
    recorder.start(None).unwrap();
    recorder.resume().unwrap();
    assert_eq!(recorder.state(), RecordingState::Recording);
    recorder.pause().unwrap();
    recorder.pause().unwrap();
    assert_eq!(recorder.state(), RecordingState::Paused);
    recorder.resume().unwrap();
    recorder.resume().unwrap();
    recorder.stop();
    assert_eq!(kind(recorder.pause()), "InvalidStateError");
    assert_eq!(lived(&recorder).names, ["start", "pause", "resume", "dataavailable", "stop"]);
}

#[test]
fn nothing_is_gathered_while_paused_and_the_pause_closes_up() {
    let studio = Studio::both();
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    studio.frames_with_sound(0..30);
    recorder.pause().unwrap();
    studio.frames_with_sound(30..60);
    recorder.resume().unwrap();
    studio.frames_with_sound(60..90);
    recorder.stop();
    let life = lived(&recorder);
    assert_eq!((recorder.report().frames_encoded, recorder.report().dropped.paused), (60, 30));
    let file = life.file();
    assert_eq!(file.frames(), 60);
    let times = file.times("v:0");
    for (index, time) in times.iter().enumerate() {
        assert!((time - index as f64 / 30.0).abs() <= 0.0006, "frame {index} at {time}");
    }
    let sound = file.times("a:0");
    assert!((sound.len() as i64 - 100).abs() <= 1, "{} packets of 20 ms", sound.len());
    assert!(sound.windows(2).all(|pair| (pair[1] - pair[0] - 0.02).abs() < 0.0015), "{sound:?}");
    assert!((file.duration() - 2.0).abs() < 0.03, "{}", file.duration());
}

#[test]
fn request_data_is_an_invalid_state_error_when_inactive() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    assert_eq!(kind(recorder.request_data()), "InvalidStateError");
    recorder.start(None).unwrap();
    recorder.stop();
    assert_eq!(kind(recorder.request_data()), "InvalidStateError");
}

#[test]
fn request_data_delivers_what_there_is_and_a_new_blob_begins() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    recorder.request_data().unwrap();
    studio.frames(0..30);
    studio.wait_for(&recorder, 25);
    recorder.request_data().unwrap();
    studio.frames(30..60);
    recorder.stop();
    let life = lived(&recorder);
    assert_eq!(life.names, ["start", "dataavailable", "dataavailable", "dataavailable", "stop"]);
    assert!(life.blobs.iter().all(|blob| !blob.data.is_empty()), "the first has the file's header");
    let full = "video/webm;codecs=\"av01.0.00M.08\"";
    assert!(life.blobs.iter().all(|blob| blob.data.mime_type() == full));
    assert_eq!(life.file().frames(), 60);
}

#[test]
fn the_first_timecode_is_zero_then_they_never_fall_and_are_the_offset_of_the_first_data() {
    let studio = Studio::video();
    // A stream that has been there for a while.
    studio.frames(0..45);
    let recorder = studio.recorder();
    recorder.start(Span::from_millis(500)).unwrap();
    studio.frames(45..105);
    recorder.stop();
    let codes: Vec<_> = lived(&recorder).blobs.iter().map(|blob| blob.timecode.as_nanos() / 1_000_000).collect();
    assert_eq!(codes, [0, 500, 1000, 1500]);
}

#[test]
fn a_disabled_or_muted_track_records_black_or_silence_and_ends_nothing() {
    let studio = Studio::both();
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    studio.frames_with_sound(0..30);
    studio.stream.tracks().iter().for_each(|track| track.set_enabled(false));
    studio.frames_with_sound(30..60);
    studio.stream.tracks().iter().for_each(|track| track.set_enabled(true));
    studio.set_muted(true);
    studio.frames_with_sound(60..90);
    studio.set_muted(false);
    studio.frames_with_sound(90..120);
    recorder.stop();
    let life = lived(&recorder);
    assert_eq!(life.names, ["start", "dataavailable", "stop"]);
    let file = life.file();
    let luma = file.luma();
    assert_eq!(luma.len(), 120);
    for (frame, luma) in luma.iter().enumerate() {
        let lit = !(30..90).contains(&frame);
        assert!(if lit { *luma > 100.0 } else { *luma < 20.0 }, "frame {frame}: {luma}");
    }
    let loud = |from: f64, to: f64| file.loudness(from, to);
    assert!(loud(0.2, 0.9) > 0.05 && loud(3.2, 3.9) > 0.05);
    assert!(loud(1.1, 2.9) < 0.001, "{}", loud(1.1, 2.9));
}

// Ending

#[test]
fn stop_when_inactive_is_nothing() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.stop();
    assert!(recorder.events().next().is_none());
    recorder.start(None).unwrap();
    recorder.stop();
    assert_eq!(recorder.state(), RecordingState::Inactive);
    recorder.stop();
    recorder.stop();
    assert_eq!(lived(&recorder).names, ["start", "dataavailable", "stop"]);
    recorder.stop();
    assert!(recorder.events().next().is_none());
}

#[test]
fn start_then_stop_with_nothing_between_still_delivers_start_data_and_stop() {
    for studio in [Studio::video(), Studio::audio(), Studio::both()] {
        let recorder = studio.recorder();
        recorder.start(None).unwrap();
        recorder.stop();
        assert_eq!(lived(&recorder).names, ["start", "dataavailable", "stop"]);
    }
}

#[test]
fn stop_while_paused_delivers_start_pause_data_stop() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    studio.frames(0..10);
    recorder.pause().unwrap();
    studio.frames(10..20);
    recorder.stop();
    let life = lived(&recorder);
    assert_eq!(life.names, ["start", "pause", "dataavailable", "stop"]);
    assert_eq!(life.file().frames(), 10);
}

#[test]
fn after_stop_the_recorder_can_start_again_and_the_second_file_is_as_good_as_the_first() {
    let studio = Studio::both();
    let recorder = studio.recorder();
    for round in 0..3 {
        recorder.start(None).unwrap();
        studio.frames_with_sound(round * 30..round * 30 + 30);
        recorder.stop();
        let life = lived(&recorder);
        assert_eq!(life.names, ["start", "dataavailable", "stop"]);
        let file = life.file();
        assert_eq!((file.frames(), file.times("v:0")[0]), (30, 0.0), "round {round}");
        assert!((file.duration() - 1.0).abs() < 0.03, "{}", file.duration());
    }
    // At once, before the first has told its end.
    recorder.start(None).unwrap();
    recorder.stop();
    recorder.start(None).unwrap();
    recorder.stop();
    assert_eq!(lived(&recorder).names, ["start", "dataavailable", "stop", "start", "dataavailable", "stop"]);
}

#[test]
fn when_all_tracks_end_data_and_stop_follow_and_the_state_is_recording_until_then() {
    let studio = Studio::both();
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    assert!(matches!(recorder.events().next(), Some(Event::Start)));
    studio.frames_with_sound(0..10);
    studio.stream.video_tracks()[0].stop();
    assert_eq!(recorder.state(), RecordingState::Recording);
    studio.stream.audio_tracks()[0].stop();
    let life = lived(&recorder);
    assert_eq!(life.names, ["dataavailable", "stop"]);
    assert_eq!(recorder.state(), RecordingState::Inactive);
    assert_eq!(life.file().frames(), 10);
}

#[test]
fn a_track_added_or_removed_while_recording_is_an_invalid_modification_error_then_data_and_stop() {
    type Change = fn(&Studio, &Studio);
    let add: Change = |studio, other| studio.stream.add_track(&other.stream.audio_tracks()[0]);
    let remove: Change = |studio, _| studio.stream.remove_track(&studio.stream.video_tracks()[0]);
    for change in [add, remove] {
        let (studio, other) = (Studio::video(), Studio::audio());
        let recorder = studio.recorder();
        recorder.start(None).unwrap();
        studio.frames(0..20);
        change(&studio, &other);
        let life = lived(&recorder);
        assert_eq!(life.names, ["start", "error", "dataavailable", "stop"]);
        assert_eq!(life.errors[0].kind(), &ErrorKind::InvalidModification);
        assert_eq!(life.file().frames(), 20);
        assert_eq!(recorder.state(), RecordingState::Inactive);
    }
}

#[test]
fn a_source_that_fails_is_told_with_its_cause_then_data_with_what_was_written_then_stop() {
    let studio = Studio::video();
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    studio.frames(0..20);
    studio.video.as_ref().unwrap().fail(&framereel::Error::new(ErrorKind::Unknown, "the camera was pulled out"));
    let life = lived(&recorder);
    assert_eq!(life.names, ["start", "error", "dataavailable", "stop"]);
    assert_eq!(life.errors[0].kind().name(), "UnknownError");
    assert_eq!(life.errors[0].to_string(), "the camera was pulled out");
    assert_eq!(life.file().frames(), 20);
}

#[test]
fn a_source_that_panics_in_its_thread_ends_the_recording_and_what_was_recorded_plays() {
    let Studio { video, stream, .. } = Studio::video();
    let recorder = MediaRecorder::new(&stream, options()).unwrap();
    recorder.start(None).unwrap();
    let thread = std::thread::spawn(move || {
        let video = video.unwrap();
        (0..15).for_each(|frame| video.write(support::studio::frame(frame)).unwrap());
        panic!("a fault of the source");
    });
    let life = lived(&recorder);
    assert!(thread.join().is_err());
    assert_eq!(life.names, ["start", "error", "dataavailable", "stop"]);
    assert_eq!(life.errors[0].kind().name(), "UnknownError");
    assert_eq!(life.file().frames(), 15);
}

#[test]
fn an_encoder_that_does_not_take_the_picture_is_told_and_ends_the_recording() {
    let studio = Studio::video_of(8, 8);
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    let life = lived(&recorder);
    assert_eq!(life.names, ["error", "dataavailable", "stop"]);
    assert!(life.errors[0].to_string().contains("8x8"), "{}", life.errors[0]);
}

#[test]
fn a_callback_that_is_set_before_or_after_the_start_is_called_for_every_recording() {
    for set_before in [false, true] {
        let studio = Studio::video();
        let recorder = studio.recorder();
        let (sender, heard) = std::sync::mpsc::channel();
        let handle = || recorder.on_event(move |event| sender.send(names(&event)).unwrap()).unwrap();
        if set_before {
            handle();
            // Nothing shows when the handler's thread has found that there is nothing yet; this is enough for it.
            std::thread::sleep(Duration::from_millis(100));
            recorder.start(None).unwrap();
        } else {
            recorder.start(None).unwrap();
            handle();
        }
        let life = |_| heard.recv_timeout(Duration::from_secs(30)).expect("an event");
        studio.frames(0..5);
        recorder.stop();
        assert_eq!([0; 3].map(life), ["start", "dataavailable", "stop"]);
        // The next recording too.
        recorder.start(None).unwrap();
        studio.frames(5..10);
        recorder.stop();
        assert_eq!([0; 3].map(life), ["start", "dataavailable", "stop"]);
        drop(recorder);
        assert!(heard.recv().is_err(), "the thread ends with the recorder");
    }
}

#[test]
fn a_recording_begins_at_its_first_frame_whenever_that_comes() {
    let studio = Studio::video();
    studio.frames(0..17);
    let recorder = studio.recorder();
    recorder.start(None).unwrap();
    studio.frames(40..50);
    recorder.stop();
    let life = lived(&recorder);
    assert_eq!(life.blobs[0].timecode, Timestamp::ZERO);
    assert_eq!(life.file().times("v:0")[0], 0.0);
}
