//! `getUserMedia`, device tracks and permissions, on virtual cameras and microphones. What is recorded is judged by
//! ffprobe and ffmpeg. A parent plugs devices in, its child of the same name calls the library (`support/child.rs`).
//!
//! Translated from the web-platform-tests (mediacapture-streams), each named at its test:
//! - GUM-deny, GUM-impossible-constraint, GUM-invalid-facing-mode, GUM-non-applicable-constraint,
//!   GUM-optional-constraint, GUM-required-constraint-with-ideal-value, GUM-trivial-constraint, empty-option-param
//! - MediaDevices-enumerateDevices "after capture", -returned-objects; -getUserMedia, but for `crop-and-scale`: sizes are
//!   the camera's own
//! - MediaStream-audio-only, MediaStream-video-only, MediaStream-GUM, MediaStreamTrack-init, -getSettings,
//!   -getCapabilities, -applyConstraints, -end-manual (here the rig unplugs)
//! - MediaStreamTrack-MediaElement-disabled-audio-is-silence and -disabled-video-is-black: here it is recorded
//!
//! Not translated:
//! - GUM-unknownkey-option-param: a Rust program cannot write a key that does not exist
//! - of getSettings and getCapabilities: `volume`, `echoCancellation`, `autoGainControl`, `noiseSuppression` and
//!   `latency` (nothing here has them), a microphone's `groupId` (the sound server tells none: it is empty), and "opened
//!   twice with different resolutions" (a camera has one mode at a time: the second one is refused, see `shares…`)
//! - MediaDevices-enumerateDevices "before capture": a program sees its machine's devices before it uses them
//! - `*-feature-policy`, `*-permissions-policy`, `*-iframe`, `*-per-origin-ids`, `*-after-discard`, `*-SecureContext`,
//!   enumerateDevices-with-navigation: no pages, frames or origins
//! - MediaStream-MediaElement-*, video-resize-event*, video-assignment*: no media elements
//! - *-IDL-*, MediaStream-idl, MediaStreamTrackEvent-constructor, historical, api-present: the compiler's work
//! - *-createInWorker, *-transfer-*, BrowserCaptureMediaStreamTrack-*: no workers, no captured tabs
//! - MediaStream-clone, -id, -gettrackid, -add-audio-track, -removetrack, -finished-add, MediaStreamTrack-id and
//!   MediaDevices-getSupportedConstraints need no device: `web_platform.rs`, `constraints.rs`
#![cfg(target_os = "linux")]

#[path = "support/child.rs"]
mod child;
#[path = "support/devices.rs"]
mod devices;
#[path = "get_user_media/in_child.rs"]
mod in_child;
#[path = "support/program.rs"]
mod program;
#[path = "support/recorded.rs"]
mod recorded;
#[path = "support/tools.rs"]
mod tools;

use std::path::Path;

use child::Parent;
use devices::{CameraSpec, MicSpec};
use recorded::{frame_rate, good_one, least_purity, level, lumas, number, probed, samples};

fn frames_and_rate(path: &Path) -> (f64, f64) {
    (number(&probed(path)["streams"][0]["nb_read_frames"]), frame_rate(path))
}

/// 55 of 60 in 2 s.
fn almost_every_frame(&(frames, rate): &(f64, f64)) -> bool {
    frames >= 55.0 && rate >= 27.0
}

#[test]
fn a_camera_is_recorded_with_almost_every_frame() {
    let parent = Parent::new();
    let _camera = parent.session.camera(&CameraSpec::default());
    let record = || {
        parent.runs("in_child::a_camera_is_recorded");
        let found = probed(&parent.path("video.webm"));
        let [video] = &found["streams"].as_array().expect("streams")[..] else { panic!("one stream: {found}") };
        assert_eq!((&video["width"], &video["height"]), (&640.into(), &480.into()));
        frames_and_rate(&parent.path("video.webm"))
    };
    good_one("frames in 2 s, and their rate", record, almost_every_frame);
}

#[test]
fn a_microphone_is_recorded_as_it_sounds() {
    let parent = Parent::new();
    let _microphone = parent.session.microphone(&MicSpec::default());
    let record = || {
        parent.runs("in_child::a_microphone_is_recorded");
        let found = probed(&parent.path("audio.webm"));
        assert_eq!(found["streams"].as_array().expect("streams").len(), 1, "{found:#}");
        let sound = samples(&parent.path("audio.webm"));
        assert!(sound.len() >= 95_000, "{} samples of 96,000", sound.len());
        least_purity(&sound[24_000..72_000], 1000.0)
    };
    good_one("the tone's share of the sound", record, |&tone| tone > 0.99);
}

#[test]
fn a_camera_and_a_microphone_are_recorded_together() {
    let parent = Parent::new();
    let _camera = parent.session.camera(&CameraSpec::default());
    let _microphone = parent.session.microphone(&MicSpec::default());
    let file = parent.path("both.webm");
    let record = || {
        parent.runs("in_child::a_camera_and_a_microphone_are_recorded");
        (frames_and_rate(&file), least_purity(&samples(&file)[24_000..72_000], 1000.0))
    };
    good_one("frames in 2 s and their rate, the tone's share of the sound", record, |(frames, tone)| {
        almost_every_frame(frames) && *tone > 0.99
    });
}

#[test]
fn devices_that_come_and_go_are_told_found_and_permitted() {
    let parent = Parent::new();
    let (mut camera, mut microphone) = (None, None);
    parent.runs_granting("in_child::devices_come_and_go", |wish| match wish {
        "a camera" => camera = Some(parent.session.camera(&CameraSpec::default())),
        "a microphone" => microphone = Some(parent.session.microphone(&MicSpec::default())),
        "no camera" => camera.take().expect("a camera").kill(),
        _ => panic!("{wish}"),
    });
    drop(microphone);
}

#[test]
fn what_no_device_can_do_is_refused_by_its_constraint_s_name() {
    let parent = Parent::new();
    let _camera = parent.session.camera(&CameraSpec::default());
    let _microphone = parent.session.microphone(&MicSpec::default());
    parent.runs("in_child::what_no_device_can_do_is_refused");
}

/// GUM-deny
#[test]
fn cameras_that_may_not_be_opened_are_not_allowed_and_denied() {
    let parent = Parent::new().denying_cameras();
    let _camera = parent.session.camera(&CameraSpec::default());
    parent.runs("in_child::cameras_are_not_allowed");
}

#[test]
fn a_camera_that_another_program_holds_is_busy_until_its_track_is_stopped() {
    let parent = Parent::new();
    let _camera = parent.session.camera(&CameraSpec::default());
    parent.runs_granting("in_child::a_camera_is_held_and_let_go", |wish| match wish {
        "another program that is refused" => parent.runs("in_child::another_program_is_refused"),
        "another program that is let in" => parent.runs("in_child::another_program_is_let_in"),
        _ => panic!("{wish}"),
    });
}

#[test]
fn one_camera_is_shared_by_all_who_ask_for_it() {
    let parent = Parent::new();
    let _camera = parent.session.camera(&CameraSpec::default());
    parent.runs("in_child::one_camera_is_shared");
    for name in ["first.webm", "second.webm"] {
        assert!(frame_rate(&parent.path(name)) >= 20.0, "{name}: {}", frame_rate(&parent.path(name)));
        assert!(lumas(&parent.path(name)).iter().all(|&luma| luma > 50.0), "{name}");
    }
    assert!(lumas(&parent.path("rest.webm")).len() >= 15, "what was left goes on");
}

/// MediaStreamTrack-MediaElement-disabled-audio-is-silence, -disabled-video-is-black
#[test]
fn a_disabled_track_is_black_or_silent_and_its_clone_is_not() {
    let parent = Parent::new();
    let _camera = parent.session.camera(&CameraSpec::default());
    let _microphone = parent.session.microphone(&MicSpec::default());
    parent.runs("in_child::tracks_are_disabled");
    let [disabled, clone] = ["disabled.webm", "clone.webm"].map(|name| parent.path(name));
    assert!(lumas(&disabled).len() > 10 && lumas(&disabled).iter().all(|&luma| luma < 18.0), "{:?}", lumas(&disabled));
    assert!(lumas(&clone).len() > 10 && lumas(&clone).iter().all(|&luma| luma > 50.0), "{:?}", lumas(&clone));
    let [silence, sound] = [disabled, clone].map(|file| level(&samples(&file)[12_000..36_000]));
    assert!(silence < -80.0 && sound > -30.0, "{silence} dB and {sound} dB");
}

/// MediaStreamTrack-end-manual
#[test]
fn a_camera_that_is_unplugged_ends_its_tracks_and_their_recordings() {
    let parent = Parent::new();
    let mut camera = Some(parent.session.camera(&CameraSpec::default()));
    parent.runs_granting("in_child::the_camera_is_unplugged", |_| camera.take().expect("a camera").kill());
    assert!(lumas(&parent.path("lost.webm")).len() >= 15);
}

#[test]
fn a_camera_that_brings_nothing_is_muted_until_it_brings_something() {
    let parent = Parent::new();
    let camera = parent.session.camera(&CameraSpec::default());
    parent.runs_granting("in_child::the_camera_is_silent_for_a_while", |wish| match wish {
        "silence" => camera.pause(),
        "pictures" => camera.resume(),
        _ => panic!("{wish}"),
    });
}

#[test]
fn the_gain_that_is_applied_to_a_microphone_is_heard() {
    let parent = Parent::new();
    let _microphone = parent.session.microphone(&MicSpec::default());
    let record = || {
        parent.runs("in_child::the_gain_is_changed");
        ["before.webm", "after.webm"].map(|name| level(&samples(&parent.path(name))[12_000..36_000]))
    };
    good_one("dB before and after", record, |[before, after]| (after - before - 12.0).abs() < 0.3);
}
