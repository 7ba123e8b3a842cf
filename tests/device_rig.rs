//! The virtual devices of other tests, examined with tools that share no code with framereel.
#![cfg(target_os = "linux")]

#[path = "support/devices.rs"]
mod devices;

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;

use devices::{CameraSpec, MicSpec, Picture, PixelFormat, Session, Sound, XServer};

#[test]
fn ffmpeg_gets_thirty_frames_a_second_from_the_camera() {
    let session = Session::start();
    let _camera = session.camera(&CameraSpec::default());
    let mut ffmpeg = limited(&session, "ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "v4l2", "-ts", "abs", "-copyts", "-i", "/dev/video0", "-frames:v", "31"]);
    ffmpeg.args(["-c", "copy", "-copyts", "-enc_time_base", "-1", "-f", "framecrc", "-"]);
    let printed = String::from_utf8(output(&mut ffmpeg)).expect("text");
    let base = printed.lines().find_map(|line| line.strip_prefix("#tb 0: 1/")).expect("a time base");
    let times: Vec<f64> = printed.lines().filter(|line| line.starts_with("0,")).map(time).collect();
    assert_eq!(times.len(), 31, "{printed}");
    let seconds = (times[30] - times[0]) / base.parse::<f64>().expect("a number");
    assert!((0.9..1.1).contains(&seconds), "expected 1 s between 31 frames but found {seconds}: {printed}");
}

#[test]
fn the_camera_shows_its_colour_in_every_pixel_format() {
    let session = Session::start();
    for (format, name) in [
        (PixelFormat::Yuyv, "yuyv422"),
        (PixelFormat::Nv12, "nv12"),
        (PixelFormat::I420, "yuv420p"),
        (PixelFormat::Mjpeg, "mjpeg"),
        (PixelFormat::Rgb, "rgb24"),
        (PixelFormat::Gray8, "gray"),
    ] {
        let picture = Picture::Color("#c86432");
        let camera = session.camera(&CameraSpec { format, picture, ..CameraSpec::default() });
        let mut ffmpeg = limited(&session, "ffmpeg");
        ffmpeg.args(["-v", "error", "-f", "v4l2", "-input_format", name, "-i", "/dev/video0", "-frames:v", "1"]);
        let pixels = output(ffmpeg.args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]));
        assert_eq!(pixels.len(), 640 * 480 * 3, "{name}");
        let expected = if format == PixelFormat::Gray8 { [124; 3] } else { [200, 100, 50] };
        for pixel in [&pixels[..3], &pixels[640 * 240 * 3..][..3], &pixels[pixels.len() - 3..]] {
            let near = pixel.iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) <= 12);
            assert!(near, "{name}: expected {expected:?} but found {pixel:?}");
        }
        camera.kill();
    }
}

#[test]
fn a_list_of_devices_holds_each_camera_until_it_is_unplugged() {
    let session = Session::start();
    let cameras = || {
        let names = String::from_utf8(output(limited(&session, "ls").arg("/dev"))).expect("text");
        names.lines().filter(|name| name.starts_with("video")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(cameras(), [""; 0]);
    let front = session.camera(&CameraSpec { name: "front".to_owned(), ..CameraSpec::default() });
    let back = session.camera(&CameraSpec { name: "back".to_owned(), ..CameraSpec::default() });
    assert_eq!(cameras(), ["video0", "video1"]);
    front.kill();
    assert_eq!(cameras(), ["video0"]);
    back.kill();
    assert_eq!(cameras(), [""; 0]);
}

#[test]
fn an_unplugged_camera_ends_what_reads_it() {
    let session = Session::start();
    let camera = session.camera(&CameraSpec::default());
    let mut ffmpeg = limited(&session, "ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "v4l2", "-i", "/dev/video0", "-f", "rawvideo", "-"]);
    let mut child = ffmpeg.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("ffmpeg");
    child.stdout.as_mut().expect("a pipe").read_exact(&mut vec![0; 10 * 640 * 480 * 2]).expect("ten frames");
    camera.kill();
    let ended = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("No such device"), "{said}");
}

#[test]
fn the_microphone_hears_its_tone_until_it_is_unplugged() {
    let session = Session::start();
    let mic = session.microphone(&MicSpec { sound: Sound::Tone(440), rate: 44_100, ..MicSpec::default() });
    let mut ffmpeg = limited(&session, "ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "pulse", "-sample_rate", "44100", "-i", "default", "-t", "2"]);
    let bytes = output(ffmpeg.args(["-ac", "1", "-f", "f32le", "-"]));
    let samples: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    // A busy machine may leave gaps in the sound, hence not the count.
    let rises: Vec<_> = (1..samples.len()).filter(|&at| samples[at - 1] <= 0.0 && samples[at] > 0.0).collect();
    let mut periods: Vec<_> = rises.windows(2).map(|pair| pair[1] - pair[0]).collect();
    periods.sort_unstable();
    assert!(periods.len() > 440, "expected most of 2 s but found {} periods", periods.len());
    let period = periods[periods.len() / 2];
    assert!((99..=101).contains(&period), "expected 440 Hz, 100 samples, but found {period}");
    mic.kill();
    let sources = output(limited(&session, "pactl").args(["list", "short", "sources"]));
    assert!(!String::from_utf8_lossy(&sources).contains("\tmic\t"), "{sources:?}");
}

#[test]
fn a_flash_and_its_click_reach_ffmpeg_within_40_ms() {
    let session = Session::start();
    let _both = session.flash_and_click(&CameraSpec::default(), &MicSpec::default());
    let folder = tempfile::tempdir().expect("a folder");
    let (luma, peaks) = (folder.path().join("luma"), folder.path().join("peaks"));
    let of_pictures = format!("signalstats,metadata=print:key=lavfi.signalstats.YAVG:file={}", luma.display());
    let of_sound = format!(
        "asetnsamples=96,astats=metadata=1:reset=1,ametadata=print:key=lavfi.astats.Overall.Peak_level:file={}",
        peaks.display()
    );
    // Both give the wall clock's time.
    let mut pictures = limited(&session, "ffmpeg");
    pictures.args(["-v", "error", "-copyts", "-f", "v4l2", "-ts", "abs", "-i", "/dev/video0", "-frames:v", "210"]);
    pictures.args(["-vf", &of_pictures, "-f", "null", "-"]);
    let mut sound = limited(&session, "ffmpeg");
    sound.args(["-v", "error", "-copyts", "-f", "pulse", "-fragment_size", "1920", "-i", "default"]);
    sound.args(["-frames:a", "3500", "-af", &of_sound, "-f", "null", "-"]);
    thread::scope(|scope| {
        scope.spawn(|| output(&mut pictures));
        output(&mut sound);
    });
    let flashes = begins(&fs::read_to_string(luma).expect("a text"), 1e6, 128.0);
    let clicks = begins(&fs::read_to_string(peaks).expect("a text"), 48e3, -40.0);
    assert!(flashes.len() >= 2, "{flashes:?} {clicks:?}");
    // Either stream may have begun, or ended, between a flash and its click.
    let met = flashes.iter().filter(|flash| clicks.iter().any(|click| (**flash - click).abs() < 0.04)).count();
    assert!(met + 1 >= flashes.len() && met >= 2, "flashes at {flashes:?}, clicks at {clicks:?}");
}

#[test]
fn the_screen_shows_what_was_drawn() {
    let screen = XServer::start(320, 200);
    screen.fill((0, 0), (320, 200), [200, 100, 50]);
    screen.fill((160, 0), (160, 200), [0, 0, 255]);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "x11grab", "-draw_mouse", "0", "-video_size", "320x200", "-i", screen.display()]);
    let pixels = output(ffmpeg.args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]));
    assert_eq!((&pixels[..3], &pixels[320 * 200 * 3 - 3..]), (&[200, 100, 50][..], &[0, 0, 255][..]));
}

/// When a measure that ffmpeg's filter `metadata` printed rises above a limit after half a second below it, in seconds.
fn begins(printed: &str, time_base: f64, limit: f64) -> Vec<f64> {
    let (mut begins, mut last, mut time) = (Vec::new(), f64::NEG_INFINITY, 0.0);
    for line in printed.lines() {
        if let Some((_, rest)) = line.split_once(" pts:") {
            let pts = rest.split_whitespace().next().expect("a timestamp");
            time = pts.parse::<f64>().expect("a number") / time_base;
        } else if line.split_once('=').expect("a measure").1.parse::<f64>().expect("a number") > limit {
            if time - last > 0.5 {
                begins.push(time);
            }
            last = time;
        }
    }
    begins
}

/// A command that ends, in failure, after a minute.
fn limited(session: &Session, program: &str) -> Command {
    let mut command = session.command("timeout");
    command.args(["--foreground", "60", program]);
    command
}

/// What a command that must succeed printed.
#[track_caller]
fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The timestamp of a line of ffmpeg's framecrc.
fn time(line: &str) -> f64 {
    line.split(',').nth(2).expect("a timestamp").trim().parse().expect("a number")
}
