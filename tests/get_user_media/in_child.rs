//! The children of the tests: they call the library, with the devices that the parents plugged in.

use std::thread;
use std::time::{Duration, Instant};

use framereel::constraints::{Constraint, Constraints, TrackConstraints};
use framereel::devices::permissions::{PermissionName, PermissionState, query};
use framereel::devices::{DeviceChange, MediaDeviceKind, MediaDevices};
use framereel::frame::Size;
use framereel::gpu::Gpu;
use framereel::recorder::{Event, FileSink, MediaRecorder, MediaRecorderOptions};
use framereel::stream::{MediaStream, MediaStreamTrack, ReadyState, TrackEvent, TrackKind, TrackSettings};
use framereel::time::Span;
use framereel::{Error, ErrorKind};

use crate::child::{left, wish};

/// What takes longer does not happen.
const TIMEOUT: Duration = Duration::from_secs(30);
const SECOND: Span = Span::from_secs(1);
const TWO_SECONDS: Span = Span::from_secs(2);

fn devices() -> MediaDevices {
    MediaDevices::new(&Gpu::new().expect("an adapter: `make test` installs one"))
}

fn camera() -> (MediaStream, MediaStreamTrack) {
    let stream = devices().get_user_media(&Constraints::video()).unwrap();
    let track = stream.video_tracks().remove(0);
    (stream, track)
}

fn asking(video: Option<&str>, audio: Option<&str>) -> Constraints {
    let read = |text: Option<&str>| text.map(|text| text.parse().expect("constraints"));
    Constraints { video: read(video), audio: read(audio) }
}

fn until(what: &str, happened: impl Fn() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < TIMEOUT, "{what}: not after {TIMEOUT:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Records the stream into a file of this name, which the parent looks at.
fn start(stream: &MediaStream, name: &str) -> MediaRecorder {
    let recorder = MediaRecorder::new(stream, MediaRecorderOptions::default()).unwrap();
    recorder.start_to(FileSink::create(left(name)).unwrap()).unwrap();
    recorder
}

/// Ends recordings once each is so long.
fn finish(recorders: &[MediaRecorder], length: Span) {
    until("the recording", || recorders.iter().all(|recorder| recorder.progress().recorded >= length));
    recorders.iter().for_each(MediaRecorder::stop);
    for event in recorders.iter().flat_map(MediaRecorder::events) {
        assert!(!matches!(event, Event::Error(_)), "{event:?}");
    }
}

fn constraint_of(error: &Error) -> &str {
    match error.kind() {
        ErrorKind::Overconstrained { constraint } => constraint,
        _ => panic!("expected an overconstrained error but found {error:?}"),
    }
}

/// MediaStream-video-only
#[test]
#[ignore = "run by its parent, which plugs devices in"]
fn a_camera_is_recorded() {
    let (stream, track) = camera();
    assert_eq!((stream.video_tracks().len(), stream.audio_tracks().len()), (1, 0));
    assert_eq!(track.kind(), TrackKind::Video);
    finish(&[start(&stream, "video.webm")], TWO_SECONDS);
}

/// MediaStream-audio-only
#[test]
#[ignore = "run by its parent, which plugs devices in"]
fn a_microphone_is_recorded() {
    let stream = devices().get_user_media(&Constraints::audio()).unwrap();
    assert_eq!((stream.video_tracks().len(), stream.audio_tracks().len()), (0, 1));
    let track = stream.tracks().remove(0);
    assert_eq!((track.kind(), track.label()), (TrackKind::Audio, "mic"));
    finish(&[start(&stream, "audio.webm")], TWO_SECONDS);
}

/// MediaStream-GUM
#[test]
#[ignore = "run by its parent, which plugs devices in"]
fn a_camera_and_a_microphone_are_recorded() {
    let stream = devices().get_user_media(&Constraints::both()).unwrap();
    assert!(stream.is_active());
    assert_eq!((stream.video_tracks().len(), stream.audio_tracks().len()), (1, 1));
    finish(&[start(&stream, "both.webm")], TWO_SECONDS);
}

/// MediaDevices-enumerateDevices "after capture", -returned-objects; empty-option-param
#[test]
#[ignore = "run by its parent, which plugs devices in"]
fn devices_come_and_go() {
    let devices = devices();
    for (asked, device) in
        [(Constraints::video(), "a camera"), (Constraints::audio(), "a microphone"), (Constraints::both(), "a camera")]
    {
        let error = devices.get_user_media(&asked).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().starts_with(&format!("expected {device} but found none; plug one in")), "{error}");
    }
    let neither = devices.get_user_media(&Constraints::default()).unwrap_err();
    assert_eq!(neither.kind().name(), "TypeError");
    assert_eq!(devices.enumerate_devices(), []);
    let permissions = [PermissionName::Camera, PermissionName::Microphone].map(query);
    assert!(permissions.iter().all(|permission| permission.state() == PermissionState::Prompt));

    let changes = [devices.events().unwrap(), devices.events().unwrap()];
    let states = [permissions[0].events().unwrap(), permissions[0].events().unwrap()];
    wish("a camera");
    assert!(changes.iter().all(|changes| changes.next_within(TIMEOUT.into()) == Some(DeviceChange)));
    assert_eq!(permissions[0].state(), PermissionState::Granted);
    let [camera] = &devices.enumerate_devices()[..] else { panic!("{:?}", devices.enumerate_devices()) };
    assert_eq!((camera.kind, camera.label.as_str()), (MediaDeviceKind::VideoInput, "testcam"));
    assert!(!camera.device_id.is_empty() && !camera.group_id.is_empty());

    wish("a microphone");
    until("a microphone", || devices.enumerate_devices().len() == 2);
    assert_eq!(permissions[1].state(), PermissionState::Granted);
    let both = devices.enumerate_devices();
    assert_eq!(both, devices.enumerate_devices(), "ids stay as they are");
    assert_eq!(&both[0], camera);
    assert_eq!((both[1].kind, both[1].label.as_str()), (MediaDeviceKind::AudioInput, "mic"));

    wish("no camera");
    for states in states {
        let told = [states.next_within(TIMEOUT.into()), states.next_within(TIMEOUT.into())];
        assert_eq!(told, [Some(PermissionState::Granted), Some(PermissionState::Prompt)], "each change once");
    }
    assert_eq!(devices.enumerate_devices(), both[1..]);
}

/// GUM-impossible-constraint, GUM-invalid-facing-mode, GUM-non-applicable-constraint, MediaDevices-getUserMedia
#[test]
#[ignore = "run by its parent, which plugs devices in"]
fn what_no_device_can_do_is_refused() {
    let devices = devices();
    let listed = devices.enumerate_devices();
    let group = format!("group-id=exact:{}", listed[0].group_id);
    for (video, audio, constraint) in [
        (Some("width=exact:10000"), None, "width"),
        (Some("width=min:100000000"), None, "width"),
        (Some("frame-rate=min:200"), None, "frameRate"),
        (Some("facing-mode=exact:"), None, "facingMode"),
        (Some("facing-mode=exact:invalid"), None, "facingMode"),
        (Some("resize-mode=exact:INVALID"), None, "resizeMode"),
        (Some("device-id=exact:INVALID"), None, "deviceId"),
        (Some("device-id=exact:testcam"), None, "deviceId"),
        (Some("group-id=exact:INVALID"), None, "groupId"),
        (None, Some("sample-rate=exact:8000"), "sampleRate"),
        (None, Some("channel-count=min:7"), "channelCount"),
        (None, Some("device-id=exact:INVALID"), "deviceId"),
        (None, Some(group.as_str()), "groupId"),
        (Some("width=exact:10000"), Some(""), "width"),
    ] {
        let error = devices.get_user_media(&asking(video, audio)).unwrap_err();
        assert_eq!(constraint_of(&error), constraint, "{error}");
    }
    let error = devices.get_user_media(&asking(Some("width=exact:10000"), None)).unwrap_err();
    let told = "expected a width of exactly 10000 but found 640; ask for an ideal value, and the nearest is taken";
    assert_eq!(error.to_string(), told);
    let frame_rate = Constraint::exact(f64::NAN);
    let video = TrackConstraints::default().with_frame_rate(frame_rate);
    let error = devices.get_user_media(&Constraints { video: Some(video), audio: None }).unwrap_err();
    assert_eq!(error.kind().name(), "TypeError");
    // What is asked of the other kind does not matter.
    devices.get_user_media(&asking(None, Some("width=exact:10000,facing-mode=exact:invalid"))).unwrap();
}

#[test]
#[ignore = "run by its parent, which plugs devices in"]
fn cameras_are_not_allowed() {
    let devices = devices();
    let error = devices.get_user_media(&Constraints::video()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotAllowed, "{error}");
    assert!(error.to_string().contains("usermod -aG video"), "{error}");
    assert_eq!(query(PermissionName::Camera).state(), PermissionState::Denied);
    assert_eq!(devices.enumerate_devices(), []);
}

#[test]
#[ignore = "run by its parent, which plugs devices in"]
fn a_camera_is_held_and_let_go() {
    let (stream, track) = camera();
    let clone = track.clone();
    wish("another program that is refused");
    track.stop();
    // A clone holds it still.
    wish("another program that is refused");
    let told = clone.events();
    clone.stop();
    assert_eq!(told.count(), 0, "the program knows that it stopped the track itself");
    assert!(!stream.is_active());
    wish("another program that is let in");
}

#[test]
#[ignore = "run by the parent of a program that holds the camera"]
fn another_program_is_refused() {
    let error = devices().get_user_media(&Constraints::video()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotReadable, "{error}");
    let told = "camera `testcam`: expected /dev/video0 to be free but found it busy; close the program that uses it";
    assert!(error.to_string().starts_with(told), "{error}");
}

#[test]
#[ignore = "run by the parent of a program that held the camera"]
fn another_program_is_let_in() {
    // It is let go at its next frame.
    until("a camera that is free", || devices().get_user_media(&Constraints::video()).is_ok());
}

/// MediaStreamTrack-init, -getSettings, -getCapabilities, -applyConstraints, GUM-optional-constraint,
/// GUM-required-constraint-with-ideal-value, GUM-trivial-constraint
#[test]
#[ignore = "run by its parent, which plugs devices in"]
fn one_camera_is_shared() {
    let devices = devices();
    let (first, track) = camera();
    assert_eq!((track.ready_state(), track.enabled(), track.muted()), (ReadyState::Live, true, false));
    assert_eq!((track.label(), track.get_constraints()), ("testcam", TrackConstraints::default()));
    let [listed] = &devices.enumerate_devices()[..] else { panic!("{:?}", devices.enumerate_devices()) };
    let (is, can) = (track.get_settings(), track.get_capabilities());
    assert_eq!((&is.device_id, &is.group_id), (&listed.device_id, &listed.group_id));
    assert_eq!((&can.device_id, &can.group_id), (&listed.device_id, &listed.group_id));
    assert_eq!((is.width, is.height, is.aspect_ratio), (Some(640), Some(480), Some(4.0 / 3.0)));
    assert_eq!((is.frame_rate, is.resize_mode, is.format.as_str()), (Some(30.0), Some("none"), "YUYV"));
    assert_eq!((can.width, can.height, can.frame_rate), (Some(640..=640), Some(480..=480), Some(30.0..=30.0)));
    assert_eq!((can.resize_mode, can.facing_mode), (vec!["none"], vec![]));
    let (size, frame_rate) = (Size::new(640, 480), Some(30.0));
    assert_eq!(track.settings(), TrackSettings::Video { size, frame_rate });

    let id = format!("device-id=exact:{},width=min:0,height=ideal:100,height=min:50", listed.device_id);
    let mut asked = asking(Some(&id), None);
    let impossible = TrackConstraints::default().with_width(Constraint::min(1024).with_max(800));
    asked.video.as_mut().expect("video").advanced = vec![impossible];
    let second = devices.get_user_media(&asked).unwrap();
    assert_ne!(second.tracks()[0].id(), track.id());
    assert_eq!(second.tracks()[0].get_settings(), is);
    finish(&[start(&first, "first.webm"), start(&second, "second.webm")], TWO_SECONDS);

    cannot_be_applied(&track);
    second.tracks()[0].stop();
    finish(&[start(&first, "rest.webm")], SECOND);
}

/// MediaStreamTrack-applyConstraints
fn cannot_be_applied(track: &MediaStreamTrack) {
    let before = track.get_settings();
    let apply = |text: &str| track.apply_constraints(&text.parse().expect("constraints"));
    for (asked, constraint) in [
        ("width=exact:320", "width"),
        ("frame-rate=max:10", "frameRate"),
        ("group-id=exact:INVALID", "groupId"),
        ("device-id=exact:INVALID", "deviceId"),
        ("resize-mode=exact:INVALID", "resizeMode"),
    ] {
        assert_eq!(constraint_of(&apply(asked).unwrap_err()), constraint);
        assert_eq!((track.get_settings(), track.get_constraints()), (before.clone(), TrackConstraints::default()));
    }
    for asked in ["group-id=INVALID", "resize-mode=INVALID", "width=320", "width=exact:640"] {
        apply(asked).unwrap();
        assert_eq!((track.get_settings(), track.get_constraints()), (before.clone(), asked.parse().unwrap()));
    }
    let ended = track.clone();
    ended.stop();
    ended.apply_constraints(&"width=exact:320".parse().unwrap()).unwrap();
    assert_eq!(track.get_settings(), before, "what is asked of a track that has ended does nothing");
}

#[test]
#[ignore = "run by its parent, which plugs devices in"]
fn tracks_are_disabled() {
    let stream = devices().get_user_media(&Constraints::both()).unwrap();
    let clone = stream.clone();
    for (track, clone) in stream.tracks().iter().zip(clone.tracks()) {
        assert_eq!((track.label(), track.get_settings()), (clone.label(), clone.get_settings()));
        assert_ne!(track.id(), clone.id());
        track.set_enabled(false);
    }
    finish(&[start(&stream, "disabled.webm"), start(&clone, "clone.webm")], SECOND);
}

#[test]
#[ignore = "run by its parent, which plugs devices in"]
fn the_camera_is_unplugged() {
    let (stream, track) = camera();
    let clone = track.clone();
    let told = [track.events(), clone.events()];
    let recorder = start(&stream, "lost.webm");
    until("pictures", || recorder.progress().frames >= 15);
    wish("no camera");
    for told in told {
        assert_eq!(told.next_within(TIMEOUT.into()), Some(TrackEvent::Ended));
        assert_eq!(told.count(), 0);
    }
    assert_eq!((track.ready_state(), clone.ready_state()), (ReadyState::Ended, ReadyState::Ended));
    assert!(!stream.is_active());
    let events: Vec<Event> = recorder.events().collect();
    let error = events.iter().find_map(|event| if let Event::Error(error) = event { Some(error) } else { None });
    let error = error.unwrap_or_else(|| panic!("{events:?}"));
    assert_eq!(*error.kind(), ErrorKind::NotReadable, "{error}");
    assert!(error.to_string().contains("camera `testcam` went away after "), "{error}");
}

#[test]
#[ignore = "run by its parent, which plugs devices in"]
fn the_camera_is_silent_for_a_while() {
    let (stream, track) = camera();
    let told = track.events();
    let recorder = start(&stream, "silent.webm");
    until("pictures", || recorder.progress().frames >= 5);
    wish("silence");
    assert_eq!(told.next_within(TIMEOUT.into()), Some(TrackEvent::Mute));
    assert!(track.muted());
    wish("pictures");
    assert_eq!(told.next_within(TIMEOUT.into()), Some(TrackEvent::Unmute));
    assert!(!track.muted());
    let frames = recorder.progress().frames;
    until("pictures again", || recorder.progress().frames >= frames + 5);
    finish(&[recorder], Span::ZERO);
    assert_eq!(track.ready_state(), ReadyState::Live);
}

/// MediaStreamTrack-getSettings, -getCapabilities
#[test]
#[ignore = "run by its parent, which plugs devices in"]
fn the_gain_is_changed() {
    let devices = devices();
    let stream = devices.get_user_media(&Constraints::audio()).unwrap();
    let track = stream.audio_tracks().remove(0);
    let (is, can) = (track.get_settings(), track.get_capabilities());
    let [listed] = &devices.enumerate_devices()[..] else { panic!("{:?}", devices.enumerate_devices()) };
    assert_eq!((&is.device_id, &can.device_id), (&listed.device_id, &listed.device_id));
    assert_eq!((is.sample_rate, is.sample_size, is.channel_count), (Some(48_000), Some(32), Some(2)));
    assert_eq!((can.sample_rate, can.channel_count), (Some(48_000..=48_000), Some(2..=2)));
    assert_eq!(track.settings(), TrackSettings::Audio { rate: 48_000, channels: 2 });
    assert_eq!((is.gain, can.gain), (Some(0.0), Some(-60.0..=20.0)));
    finish(&[start(&stream, "before.webm")], SECOND);
    let error = track.apply_constraints(&"gain=exact:40".parse().unwrap()).unwrap_err();
    assert_eq!((constraint_of(&error), track.get_settings().gain), ("gain", Some(0.0)));
    track.apply_constraints(&"gain=12".parse().unwrap()).unwrap();
    assert_eq!((track.get_settings().gain, track.get_constraints()), (Some(12.0), "gain=12".parse().unwrap()));
    finish(&[start(&stream, "after.webm")], SECOND);
}
