//! The selection of cameras and microphones by constraints, without a device: on the modes of twelve cameras in
//! `tests/data/webcams.json`.
//!
//! Translated from the web-platform-tests (mediacapture-streams), each named at its test:
//! - GUM-impossible-constraint, GUM-invalid-facing-mode, GUM-non-applicable-constraint, GUM-optional-constraint,
//!   GUM-required-constraint-with-ideal-value, GUM-trivial-constraint, GUM-unknownkey-option-param
//! - MediaDevices-getSupportedConstraints, but for `echoCancellation`, `autoGainControl`, `noiseSuppression` and
//!   `volume`, which have no effect here and are not promised
//! - MediaDevices-getUserMedia: groups, `resizeMode` `none` and an invalid one. Not `crop-and-scale`: sizes are the
//!   device's own here
//! - MediaStreamTrack-applyConstraints: all
//! - MediaStreamTrack-getCapabilities and -getSettings: what is in them, for the properties that are there
//!
//! Not translated: subtests about real devices, tracks or permissions (GUM-deny, MediaDevices-enumerateDevices*,
//! MediaStreamTrack-getSettings' "opened twice"), and documents and frames (`*-after-discard`, feature policies).

use framereel::constraints::{
    AudioMode, Constraint, Constraints, FacingMode, InputDevice, Selection, Settings, Steps, StringConstraint,
    TrackConstraints, VideoMode, fitness_distance, get_supported_constraints, select,
};
use framereel::frame::Size;
use framereel::stream::TrackKind;
use framereel::time::FrameRate;
use framereel::{Error, ErrorKind, Result};

// The cameras and microphones of these tests.

fn cameras() -> Vec<InputDevice> {
    let text = include_str!("data/webcams.json");
    let listing: serde_json::Value = serde_json::from_str(text).expect("readable JSON");
    let cameras = listing["cameras"].as_array().expect("a list of cameras");
    cameras.iter().enumerate().map(|(place, camera)| device(place, camera)).collect()
}

fn device(place: usize, camera: &serde_json::Value) -> InputDevice {
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let mut modes = Vec::new();
    for listed in camera["formats"].as_array().into_iter().flatten() {
        let format = text(&listed["format"]);
        for line in listed["sizes"].as_array().expect("a list of sizes") {
            let line = text(line);
            let mut words = line.split(' ');
            let (width, height) = words.next().and_then(|size| size.split_once('x')).expect("a size");
            let size = Size::new(width.parse().expect("a width"), height.parse().expect("a height"));
            modes.extend(words.map(|rate| VideoMode::new(&format, size, rate.parse().expect("a rate"))));
        }
    }
    if let Some(stepwise) = camera.get("stepwise") {
        let steps = |name: &str| {
            let number = |place: usize| stepwise[name][place].as_u64().expect("a number") as u32;
            Steps::new(number(0), number(1), number(2))
        };
        let rate = |place: usize| text(&stepwise["rates"][place]).parse::<FrameRate>().expect("a rate");
        let formats = stepwise["formats"].as_array().expect("a list of formats");
        modes.extend(
            formats
                .iter()
                .map(|format| VideoMode::stepwise(text(format), steps("width"), steps("height"), rate(0)..=rate(1))),
        );
    }
    let camera_id = format!("camera-{place}");
    let device = InputDevice::video(camera_id, text(&camera["label"]), modes).with_group(format!("group-{place}"));
    if camera.get("facing").is_some() { device.with_facing_mode(FacingMode::User) } else { device }
}

/// The one camera whose name has this in it.
fn camera(name: &str) -> InputDevice {
    let found: Vec<_> = cameras().into_iter().filter(|camera| camera.label.contains(name)).collect();
    let [camera] = <[_; 1]>::try_from(found).expect("one camera of this name");
    camera
}

/// What PulseAudio offers, and the microphone of a webcam.
fn microphones() -> Vec<InputDevice> {
    let any = AudioMode::new("F32", Steps::new(8_000, 192_000, 1), Steps::new(1, 8, 1), 32).with_latency(0.005..=0.2);
    let (rates, stereo) = ([16_000, 32_000, 48_000], Steps::one(2));
    let webcam = rates.map(|rate| AudioMode::new("I16", Steps::one(rate), stereo, 16)).to_vec();
    vec![
        InputDevice::audio("default", "Default", vec![any]),
        InputDevice::audio("microphone-3", "HD Pro Webcam C920", webcam).with_group("group-3"),
    ]
}

fn choose(devices: &[InputDevice], constraints: &str) -> Result<Selection> {
    select(devices[0].kind(), devices, &constraints.parse()?)
}

/// `1280x720@30 MJPG`
fn said(settings: &Settings) -> String {
    let Settings { width: Some(width), height: Some(height), frame_rate: Some(rate), format, .. } = settings else {
        panic!("not a picture's settings: {settings:?}");
    };
    format!("{width}x{height}@{rate} {format}")
}

fn constraint_of<T: std::fmt::Debug>(result: Result<T>) -> String {
    blamed(&result.expect_err("an OverconstrainedError")).to_owned()
}

/// The constraint that an error names.
fn blamed(error: &Error) -> &str {
    match error.kind() {
        ErrorKind::Overconstrained { constraint } => constraint,
        other => panic!("expected an OverconstrainedError but found {other:?}"),
    }
}

// Choices.

#[test]
fn every_camera_gives_what_browsers_take_when_nothing_is_asked() {
    for camera in cameras() {
        let selection = choose(std::slice::from_ref(&camera), "").unwrap();
        let size = (selection.settings.width, selection.settings.height, selection.settings.frame_rate);
        assert_eq!(size, (Some(640), Some(480), Some(30.0)), "{}", camera.label);
        assert_ne!(selection.settings.format, "MJPG", "{}: raw pictures come before JPEG", camera.label);
    }
}

#[test]
fn the_nearest_mode_is_chosen() {
    for (name, constraints, expected) in [
        // A raw picture of 1280x720 has 10 frames a second at most; the default rate is 30.
        ("C920", "width=1280,height=720", "1280x720@30 MJPG"),
        ("C920", "width=1280,height=720,frame-rate=10", "1280x720@10 YUYV"),
        ("C920", "width=1920", "1920x1080@30 MJPG"),
        ("C920", "width=exact:2304", "2304x1296@2 YUYV"),
        ("C920", "height=exact:1536", "2304x1536@2 YUYV"),
        ("C920", "width=10000", "2304x1296@2 YUYV"),
        ("C920", "width=1", "160x120@30 YUYV"),
        ("C920", "width=min:1000", "1024x576@30 MJPG"),
        ("C920", "width=max:400", "352x288@30 YUYV"),
        ("C920", "width=1000..1500,frame-rate=exact:30", "1024x576@30 MJPG"),
        ("C920", "frame-rate=max:6", "640x480@5 YUYV"),
        ("C920", "aspect-ratio=exact:16:9", "640x360@30 YUYV"),
        ("C920", "aspect-ratio=exact:1.778,height=min:700", "1280x720@30 MJPG"),
        ("C922", "frame-rate=60", "1280x720@60 MJPG"),
        ("C922", "frame-rate=exact:60", "1280x720@60 MJPG"),
        ("BRIO", "width=3840,height=2160", "3840x2160@30 MJPG"),
        ("BRIO", "frame-rate=120", "640x480@120 MJPG"),
        ("BRIO", "frame-rate=min:90,width=1280", "1280x720@90 MJPG"),
        ("BRIO", "width=1920,height=1080", "1920x1080@30 YUYV"),
        ("StreamCam", "width=1920,frame-rate=60", "1920x1080@60 MJPG"),
        ("C270", "width=1280,height=960", "1280x960@30 MJPG"),
        ("C310", "width=1280,height=720,frame-rate=exact:10", "1280x720@10 YUYV"),
        ("C615", "width=1920,height=1080,frame-rate=24", "1920x1080@24 MJPG"),
        ("LifeCam", "width=1280,height=720", "1280x720@30 MJPG"),
        ("LifeCam", "aspect-ratio=exact:1.6", "1280x800@10 YUYV"),
        ("Kiyo", "width=1920,height=1080", "1920x1080@30 MJPG"),
        ("Kiyo", "width=1280,height=720,frame-rate=60", "1280x720@60 MJPG"),
        ("laptop", "width=1280", "1280x720@30 MJPG"),
        ("laptop", "width=1280,frame-rate=max:10", "1280x720@10 YUYV"),
        ("MS2109", "width=1920,height=1080", "1920x1080@30 MJPG"),
        ("MS2109", "width=1280,height=720,frame-rate=60", "1280x720@60 MJPG"),
        ("Raspberry", "width=1000,height=700", "1000x700@30 YU12"),
        ("Raspberry", "width=1001,height=700,frame-rate=29.97", "1002x700@29.97002997002997 YU12"),
        ("Raspberry", "width=exact:1920,aspect-ratio=exact:16:9", "1920x1080@30 YU12"),
        ("Raspberry", "width=min:1000,aspect-ratio=exact:16:9", "1006x566@30 YU12"),
        ("Raspberry", "width=99999,height=99999,frame-rate=1000", "2592x1944@90 YU12"),
    ] {
        let selection = choose(&[camera(name)], constraints).unwrap();
        assert_eq!(said(&selection.settings), expected, "{name}: {constraints}");
    }
}

#[test]
fn sound_is_48_khz_stereo_where_nothing_is_asked() {
    let settings = choose(&microphones(), "").unwrap().settings;
    assert_eq!((settings.sample_rate, settings.channel_count), (Some(48_000), Some(2)));
    assert_eq!((settings.sample_size, settings.latency, settings.gain), (Some(32), Some(0.02), Some(0.0)));
    assert_eq!((settings.width, settings.facing_mode), (None, None));
}

#[test]
fn sound_is_what_was_asked_for() {
    let settings = |constraints: &str| choose(&microphones(), constraints).unwrap().settings;
    assert_eq!(settings("sample-rate=44100").sample_rate, Some(44_100));
    assert_eq!(settings("channel-count=exact:1").channel_count, Some(1));
    assert_eq!(settings("latency=max:10ms").latency, Some(0.01));
    assert_eq!(settings("gain=-6").gain, Some(-6.0));
    let webcam = settings("group-id=exact:group-3,sample-rate=44100");
    assert_eq!((webcam.device_id.as_str(), webcam.sample_rate), ("microphone-3", Some(48_000)));
    assert_eq!(settings("sample-size=16").device_id, "microphone-3");
    assert_eq!(constraint_of(choose(&microphones(), "gain=min:30")), "gain");
}

#[test]
fn of_several_devices_the_first_is_taken_unless_another_is_nearer() {
    let all = cameras();
    assert_eq!(choose(&all, "").unwrap().device, 0);
    assert_eq!(choose(&all, "device-id=camera-4").unwrap().device, 4);
    assert_eq!(choose(&all, "width=1920,height=1080,frame-rate=60").unwrap().settings.device_id, "camera-5");
    assert_eq!(choose(&all, "width=3840").unwrap().settings.device_id, "camera-5");
    assert_eq!(choose(&all, "facing-mode=user").unwrap().settings.device_id, "camera-9");
    assert_eq!(choose(&all, "facing-mode=exact:user,width=1280").unwrap().settings.device_id, "camera-9");
    let nothing_near = choose(&all, "device-id=gone").unwrap();
    assert_eq!(nothing_near.device, 0, "an ideal id is a wish");
}

#[test]
fn the_chosen_mode_is_the_one_to_open() {
    for camera in cameras() {
        let selection = choose(std::slice::from_ref(&camera), "width=800,frame-rate=20").unwrap();
        let mode = &camera.video_modes()[selection.mode];
        let Settings { width: Some(width), height: Some(height), frame_rate: Some(rate), .. } = selection.settings
        else {
            panic!("a camera's settings");
        };
        assert!(mode.width.contains(width) && mode.height.contains(height), "{}", camera.label);
        assert!((mode.rate_near(rate).as_f64() - rate).abs() < 1e-9, "{}", camera.label);
        assert_eq!(mode.format, selection.settings.format);
    }
}

#[test]
fn advanced_sets_are_met_in_their_order_as_far_as_they_can_be() {
    let c920 = [camera("C920")];
    let chosen = |sets: &[&str]| {
        let advanced = sets.iter().map(|set| set.parse().unwrap()).collect();
        let constraints = TrackConstraints::default().with_advanced(advanced);
        said(&select(TrackKind::Video, &c920, &constraints).unwrap().settings)
    };
    assert_eq!(chosen(&["width=1920,height=1280", "aspect-ratio=1.778"]), "640x360@30 YUYV", "the first cannot be met");
    assert_eq!(chosen(&["width=1920", "frame-rate=60", "frame-rate=24"]), "1920x1080@24 MJPG");
    assert_eq!(chosen(&["frame-rate=max:5", "width=1920"]), "1920x1080@5 YUYV");
    assert_eq!(chosen(&["width=1921"]), "640x480@30 YUYV", "a bare value is an exact one");
    assert_eq!(chosen(&["width=ideal:1920"]), "640x480@30 YUYV", "ideals have no say in advanced sets");
}

#[test]
fn strings_may_be_any_of_several() {
    let all = cameras();
    let device = |device_id: StringConstraint| {
        let constraints = TrackConstraints::default().with_device_id(device_id);
        select(TrackKind::Video, &all, &constraints).unwrap().device
    };
    assert_eq!(device(StringConstraint::exact("gone").or_exact("camera-7").or_exact("camera-2")), 2);
    assert_eq!(device(["gone", "camera-3"].into()), 3);
    assert_eq!(device(StringConstraint::exact("camera-2").or_exact("camera-7").with_ideal("camera-7")), 7);
}

/// Whatever is required and can be met is met by what is chosen, and nothing that is offered comes nearer.
#[test]
fn what_is_chosen_meets_all_that_is_required_and_nothing_comes_nearer() {
    let words = ["", "exact:", "min:", "max:", "ideal:"];
    let (mut chosen, mut refused) = (0, 0);
    let mut random = 1_u64;
    let mut next = |below: u64| {
        // Numerical Recipes' generator: the same constraints in every run.
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) % (1 << 32);
        (random >> 8) % below
    };
    let all = cameras();
    for _ in 0..400 {
        let mut asked = Vec::new();
        for (name, values) in [
            ("width", &["320", "640", "1280", "1920", "1000", "2600"][..]),
            ("height", &["240", "480", "720", "1080", "500"]),
            ("frame-rate", &["5", "15", "24", "30", "60", "7.5"]),
            ("aspect-ratio", &["16:9", "4:3", "1.5"]),
        ] {
            if next(2) == 0 {
                let word = words[next(words.len() as u64) as usize];
                asked.push(format!("{name}={word}{}", values[next(values.len() as u64) as usize]));
            }
        }
        let constraints: TrackConstraints = asked.join(",").parse().unwrap();
        let result = select(TrackKind::Video, &all, &constraints);
        let distances = all
            .iter()
            .flat_map(discrete_settings)
            .map(|settings| fitness_distance(TrackKind::Video, &settings, &constraints));
        let least = distances.fold(f64::INFINITY, f64::min);
        match result {
            Ok(selection) => {
                chosen += 1;
                let distance = fitness_distance(TrackKind::Video, &selection.settings, &constraints);
                assert!(distance.is_finite(), "{asked:?}: {selection:?}");
                assert!(distance <= least, "{asked:?}: {distance} where {least} was to be had");
            }
            Err(error) => {
                refused += 1;
                assert!(matches!(error.kind(), ErrorKind::Overconstrained { .. }), "{error}");
                assert_eq!(least, f64::INFINITY, "{asked:?}: {error}");
            }
        }
    }
    assert!(chosen > 200 && refused > 10, "{chosen} chosen, {refused} refused");
}

fn settings(device_id: &str, width: u32, height: u32, frame_rate: f64) -> Settings {
    let mut settings = Settings::default();
    settings.device_id = device_id.to_owned();
    (settings.width, settings.height) = (Some(width), Some(height));
    settings.aspect_ratio = Some(f64::from(width) / f64::from(height));
    settings.frame_rate = Some(frame_rate);
    settings
}

/// The settings of every mode with one size and one rate, written down without the library's help.
fn discrete_settings(device: &InputDevice) -> Vec<Settings> {
    let only = |range: std::ops::RangeInclusive<u32>| (range.start() == range.end()).then_some(*range.start());
    let of_mode = |mode: &VideoMode| {
        let (width, height) = (only(mode.width.range())?, only(mode.height.range())?);
        Some(settings("", width, height, *mode.frame_rates().start()))
    };
    device.video_modes().iter().filter_map(of_mode).collect()
}

// Distances, as in the specification's text.

#[test]
fn the_distance_is_the_specifications() {
    let vga = settings("a", 640, 480, 30.0);
    for (constraints, distance) in [
        ("", 0.0),
        ("width=640", 0.0),
        ("width=1280", 0.5),
        ("width=320", 0.5),
        ("width=1280,height=960", 1.0),
        ("width=1280,frame-rate=40", 0.75),
        ("width=min:640,width=max:640", 0.0),
        ("width=min:600", 0.0),
        ("width=min:600,width=ideal:800", 0.2),
        ("width=exact:640,width=ideal:800", 0.2),
        ("width=min:641", f64::INFINITY),
        ("width=max:639", f64::INFINITY),
        ("width=exact:641", f64::INFINITY),
        ("aspect-ratio=exact:1.3333", 0.0),
        ("device-id=a", 0.0),
        ("device-id=b", 1.0),
        ("device-id=b,device-id=a", 0.0),
        ("device-id=exact:b", f64::INFINITY),
        // What the settings lack: a wish costs 1, a requirement cannot be met.
        ("facing-mode=user", 1.0),
        ("facing-mode=exact:user", f64::INFINITY),
        // What pictures do not have at all costs nothing.
        ("sample-rate=exact:48000,channel-count=3", 0.0),
    ] {
        let found = fitness_distance(TrackKind::Video, &vga, &constraints.parse().unwrap());
        assert!((found - distance).abs() < 1e-12 || found == distance, "{constraints}: {found}, not {distance}");
    }
}

// Errors.

#[test]
fn the_error_says_which_constraint_what_was_expected_and_what_was_found() {
    let c920 = [camera("C920")];
    for (constraints, constraint, expected) in [
        ("width=exact:10000", "width", "expected a width of exactly 10000 but found 160 to 2304"),
        ("width=exact:641", "width", "expected a width of exactly 641 but found 640 and 800 next to it"),
        ("height=min:2000", "height", "expected a height of at least 2000 but found 90 to 1536"),
        ("height=max:50", "height", "expected a height of at most 50 but found 90 to 1536"),
        ("width=700..750", "width", "expected a width from 700 to 750 but found 640 and 800 next to it"),
        ("frame-rate=exact:60", "frameRate", "expected a frame rate of exactly 60 but found 2 to 30"),
        ("aspect-ratio=exact:3", "aspectRatio", "expected an aspect ratio of exactly 3 but found 1.2222 to 1.8"),
        ("device-id=exact:gone", "deviceId", "expected a device id `gone` but found `camera-3`"),
        ("facing-mode=exact:user", "facingMode", "expected a facing mode `user` but found none"),
        ("resize-mode=exact:crop-and-scale", "resizeMode", "expected a resize mode `crop-and-scale` but found `none`"),
        // Each can be met, both cannot.
        (
            "width=exact:2304,frame-rate=min:15",
            "frameRate",
            "expected a frame rate of at least 15 but found 2 where the other constraints are met",
        ),
        // The first that nothing meets is named, whatever can be met before it.
        ("width=exact:640,frame-rate=exact:60,height=exact:1", "height", "expected a height of exactly 1 but found 90"),
    ] {
        let error = choose(&c920, constraints).unwrap_err();
        assert_eq!(blamed(&error), constraint, "{constraints}");
        assert!(error.to_string().starts_with(expected), "{constraints}: {error}");
    }
}

#[test]
fn no_device_is_not_found() {
    for (kind, word, devices) in [
        (TrackKind::Video, "camera", microphones()),
        (TrackKind::Audio, "microphone", cameras()),
        (TrackKind::Video, "camera", Vec::new()),
    ] {
        let error = select(kind, &devices, &TrackConstraints::default()).unwrap_err();
        assert_eq!(error.kind().name(), "NotFoundError");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn a_device_without_modes_is_not_readable() {
    let error = choose(&[InputDevice::video("busy", "Busy", Vec::new())], "").unwrap_err();
    assert_eq!(error.kind().name(), "NotReadableError");
}

#[test]
fn neither_pictures_nor_sound_is_a_type_error() {
    let error = Constraints::default().check().unwrap_err();
    assert_eq!(error.kind().name(), "TypeError");
    for constraints in [Constraints::video(), Constraints::audio(), Constraints::both()] {
        constraints.check().unwrap();
    }
}

#[test]
fn numbers_that_are_not_finite_are_a_type_error() {
    for number in [f64::NAN, f64::INFINITY] {
        let basic = TrackConstraints::default().with_frame_rate(Constraint::ideal(number));
        let advanced = TrackConstraints::default().with_advanced(vec![basic.clone()]);
        for constraints in [basic, advanced] {
            let result = select(TrackKind::Video, &cameras(), &constraints);
            assert_eq!(result.unwrap_err().kind().name(), "TypeError");
        }
    }
}

// Capabilities.

#[test]
fn capabilities_are_the_span_of_all_modes() {
    let brio = camera("BRIO").capabilities();
    assert_eq!((brio.width, brio.height), (Some(320..=4096), Some(180..=2160)));
    assert_eq!((brio.frame_rate, brio.sample_rate, brio.gain), (Some(5.0..=120.0), None, None));
    assert_eq!(camera("laptop").capabilities().facing_mode, [FacingMode::User]);
    let pi = camera("Raspberry").capabilities();
    assert_eq!((pi.width, pi.frame_rate), (Some(32..=2592), Some(1.0..=90.0)));
    let microphone = microphones()[1].capabilities();
    assert_eq!((microphone.sample_rate, microphone.channel_count), (Some(16_000..=48_000), Some(2..=2)));
    assert_eq!((microphone.width, microphone.latency), (None, None));
}

// The web-platform-tests.

/// GUM-trivial-constraint
#[test]
fn wpt_a_trivial_constraint_is_met() {
    choose(&cameras(), "width=min:0").unwrap();
}

/// GUM-impossible-constraint
#[test]
fn wpt_an_impossible_constraint_is_named() {
    assert_eq!(constraint_of(choose(&cameras(), "width=min:100000000")), "width");
}

/// GUM-required-constraint-with-ideal-value
#[test]
fn wpt_the_ideal_beside_a_required_value_is_selected() {
    assert_eq!(choose(&[camera("C920")], "width=ideal:320,width=min:160").unwrap().settings.width, Some(320));
}

/// GUM-optional-constraint
#[test]
fn wpt_an_advanced_set_that_cannot_be_met_does_not_matter() {
    let advanced = vec![TrackConstraints::default().with_width(Constraint::min(1024).with_max(800))];
    let constraints = TrackConstraints::default().with_advanced(advanced);
    select(TrackKind::Video, &cameras(), &constraints).unwrap();
}

/// GUM-invalid-facing-mode
#[test]
fn wpt_an_empty_facing_mode_is_overconstrained() {
    assert_eq!(constraint_of(choose(&cameras(), "facing-mode=exact:")), "facingMode");
}

/// GUM-unknownkey-option-param. A Rust program cannot write a key that does not exist; that leaves nothing asked.
#[test]
fn wpt_nothing_that_is_known_is_a_type_error() {
    assert_eq!(Constraints { video: None, audio: None }.check().unwrap_err().kind().name(), "TypeError");
}

/// GUM-non-applicable-constraint
#[test]
fn wpt_constraints_of_the_other_kind_are_ignored() {
    let video = "width=min:0,height=min:0,frame-rate=min:1,aspect-ratio=min:1,facing-mode=environment,resize-mode=none";
    let no_video = "width=min:100000000,height=min:100000000,aspect-ratio=min:100000000,facing-mode=exact:invalid,\
                    resize-mode=exact:invalid";
    let audio = "sample-rate=min:0,sample-size=min:0,latency=min:0,channel-count=min:0";
    let no_audio = "sample-rate=min:100000000,sample-size=min:100000000,latency=max:0,channel-count=max:0";
    for constraints in [video, no_video] {
        choose(&microphones(), constraints).unwrap();
    }
    for constraints in [audio, no_audio] {
        choose(&cameras(), constraints).unwrap();
    }
    choose(&cameras(), video).unwrap();
    choose(&microphones(), audio).unwrap();
    choose(&cameras(), no_video).unwrap_err();
    choose(&microphones(), no_audio).unwrap_err();
}

/// MediaDevices-getSupportedConstraints, and that each of them is read.
#[test]
fn wpt_the_supported_constraints_are_told() {
    for name in [
        "width",
        "height",
        "aspectRatio",
        "frameRate",
        "facingMode",
        "resizeMode",
        "sampleRate",
        "sampleSize",
        "latency",
        "channelCount",
        "deviceId",
        "groupId",
    ] {
        assert!(get_supported_constraints().contains(&name), "{name}");
    }
    for name in get_supported_constraints() {
        format!("{name}=1").parse::<TrackConstraints>().unwrap();
    }
}

/// MediaDevices-getUserMedia: "groupId is correctly supported", for video and for audio
#[test]
fn wpt_a_group_leads_to_its_device_of_this_kind_or_to_none() {
    let devices: Vec<_> = cameras().into_iter().chain(microphones()).collect();
    for kind in [TrackKind::Video, TrackKind::Audio] {
        for device in &devices {
            let constraints = TrackConstraints::default().with_group_id(StringConstraint::exact(&device.group_id));
            let expected = devices.iter().any(|other| other.kind() == kind && other.group_id == device.group_id);
            match select(kind, &devices, &constraints) {
                Ok(selection) => {
                    let found = &devices[selection.device];
                    assert_eq!((found.kind(), &found.group_id), (kind, &device.group_id));
                    assert_eq!(selection.settings.group_id, device.group_id);
                }
                Err(error) => {
                    assert!(!expected, "{error}");
                    assert_eq!(blamed(&error), "groupId");
                }
            }
        }
    }
}

/// MediaDevices-getUserMedia and MediaStreamTrack-applyConstraints: resizeMode
#[test]
fn wpt_resize_mode_is_none_and_an_invalid_one_is_refused_where_it_is_required() {
    let settings = |constraints: &str| choose(&cameras(), constraints).map(|selection| selection.settings.resize_mode);
    assert_eq!(settings("resize-mode=exact:none").unwrap(), Some("none"));
    assert_eq!(settings("resize-mode=INVALID").unwrap(), Some("none"));
    assert_eq!(constraint_of(settings("resize-mode=exact:INVALID")), "resizeMode");
}

/// MediaStreamTrack-applyConstraints: groupId. A track's device alone is asked.
#[test]
fn wpt_a_track_does_not_change_its_device() {
    let all = cameras();
    let own = std::slice::from_ref(&all[1]);
    assert_eq!(constraint_of(choose(own, "group-id=exact:INVALID")), "groupId");
    assert_eq!(choose(own, "group-id=INVALID").unwrap().settings.group_id, all[1].group_id);
    assert_eq!(constraint_of(choose(own, &format!("group-id=exact:{}", all[2].group_id))), "groupId");
}

/// MediaStreamTrack-getSettings and -getCapabilities: settings lie within the capabilities.
#[test]
fn wpt_settings_lie_within_the_capabilities() {
    for device in cameras().iter().chain(&microphones()) {
        let (settings, can) = (choose(std::slice::from_ref(device), "").unwrap().settings, device.capabilities());
        assert_eq!((&settings.device_id, &settings.group_id), (&can.device_id, &can.group_id));
        let counts = [
            (settings.width, can.width),
            (settings.height, can.height),
            (settings.sample_rate, can.sample_rate),
            (settings.sample_size, can.sample_size),
            (settings.channel_count, can.channel_count),
        ];
        for (value, range) in counts {
            assert_eq!(value.is_some(), range.is_some());
            assert!(value.zip(range).is_none_or(|(value, range)| range.contains(&value)), "{settings:?}");
        }
        let numbers = [
            (settings.aspect_ratio, can.aspect_ratio),
            (settings.frame_rate, can.frame_rate),
            (settings.latency, can.latency),
            (settings.gain, can.gain),
        ];
        for (value, range) in numbers {
            assert_eq!(value.is_some(), range.is_some());
            assert!(value.zip(range).is_none_or(|(value, range)| range.contains(&value)), "{settings:?}");
        }
        assert!(settings.resize_mode.is_none_or(|mode| can.resize_mode.contains(&mode)));
    }
}
