//! The window, as a user sees it: the program on an X server without hardware, keys by xdotool, the picture from the
//! server's frame buffer, and what is recorded by ffprobe and ffmpeg.
#![cfg(all(target_os = "linux", feature = "preview"))]

#[path = "support/devices.rs"]
mod devices;
#[path = "support/program.rs"]
mod program;
#[path = "support/recorded.rs"]
mod recorded;
#[path = "support/tools.rs"]
mod tools;
#[path = "support/window.rs"]
mod window;

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use devices::{CameraSpec, MicSpec, Session};
use image::{ImageEncoder, RgbImage};
use program::{Bench, run, until};
use recorded::{flashes_and_clicks_apart, good_one, number, probed, samples};
use window::{Desktop, Shown, alone};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// 640x360, 25 frames a second, 5.24 s.
const FILM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm");
/// The window's size, with which the film is shown in its own size: the strip and the time line take 106 lines.
const WINDOW: (u32, u32) = (640, 466);
/// The first thumbnails are so far apart, and of this size.
const CELL: (u32, u32) = (96, 54);
const FIRST_CELL: (u32, u32) = (6, 388);
const CELL_STEP: u32 = 102;

/// Whether the tools are here.
fn has_tools() -> bool {
    ["ffmpeg", "openbox", "xdotool"].into_iter().all(tools::has)
}

/// The program in `bench`'s folder with these arguments, and a window of [`WINDOW`].
fn preview(bench: &Bench, args: &[&str]) -> Command {
    let size = format!("{}x{}", WINDOW.0, WINDOW.1);
    bench.command([&["preview"], args, &["--window", &size]].concat())
}

/// How colourful a part of the screen is: the mean distance between its strongest and its weakest channel.
fn saturation(shown: &Shown, from: (u32, u32), size: (u32, u32)) -> f64 {
    let pixels = shown.pixels(from, size);
    let sum: f64 = pixels.chunks_exact(3).map(|p| f64::from(*p.iter().max().unwrap() - *p.iter().min().unwrap())).sum();
    sum / (pixels.len() / 3) as f64
}

/// How far the values of two pictures of the same size are apart, in the mean.
fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / b.len() as f64
}

/// Waits until the film is shown, in its colours.
fn wait_for_picture(shown: &Shown) {
    until("the film's picture", || saturation(shown, (200, 100), (200, 100)) > 20.0);
}

/// The times of a recording's frames in milliseconds.
fn times(path: &Path) -> Vec<f64> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0"]);
    let ran = run(command.arg(path), &[]).succeeded();
    ran.stdout.lines().map(|line| line.trim_end_matches(',').parse::<f64>().expect("a time") * 1000.0).collect()
}

/// The longest time between two frames, in milliseconds.
fn longest_gap(times: &[f64]) -> f64 {
    times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
}

/// The figure before `word` in what the program says of a recording: `… 110 frames, 0 dropped, …`.
fn figure(line: &str, word: &str) -> f64 {
    let words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let place = words.iter().position(|found| *found == word).unwrap_or_else(|| panic!("{word} in {line}"));
    words[place - 1].parse().unwrap_or_else(|_| panic!("a figure before {word} in {line}"))
}

#[test]
fn keys_pick_filters_and_the_strip_shows_them() {
    if !has_tools() {
        return;
    }
    let (_alone, bench, desktop) = (alone(), Bench::new(), Desktop::new(640, 480));
    let shown = desktop.open(preview(&bench, &[FILM, "--start", "2s", "--paused"]), "framereel");
    wait_for_picture(&shown);
    // The strip: the second thumbnail is brown, the third grey, the fourth's colours are inverted.
    let cell = |index: u32| (FIRST_CELL.0 + index * CELL_STEP + 4, FIRST_CELL.1 + 4);
    let size = (CELL.0 - 8, CELL.1 - 8);
    until("brown and grey thumbnails", || {
        let [red, _, blue] = shown.mean(cell(1), size);
        let ([none, grey], bright) =
            ([0, 2].map(|index| saturation(&shown, cell(index), size)), shown.mean(cell(2), size));
        red - blue > 30.0 && none > 20.0 && grey < 2.0 && bright[0] > 40.0
    });
    let middle = ((200, 100), (200, 100));
    let colorful = saturation(&shown, middle.0, middle.1);
    shown.press(&["2"]);
    until("a grey picture", || saturation(&shown, middle.0, middle.1) < 3.0);
    // `grayscale(1)` is reduced by steps of 0.05.
    shown.press(&["Down"; 20]);
    until("the colours that the number 0 leaves", || (saturation(&shown, middle.0, middle.1) - colorful).abs() < 2.0);
    shown.press(&["3", "a", "1", "c"]);
    until("sepia after invert", || {
        let [red, _, blue] = shown.mean(middle.0, middle.1);
        red - blue > 20.0
    });
    until("the chain in the clipboard", || desktop.clipboard().as_deref() == Some("invert(1) sepia(1)"));
    shown.press(&["d", "d"]);
    until("the film's colours", || (saturation(&shown, middle.0, middle.1) - colorful).abs() < 2.0);
    // A click on a thumbnail picks it, and Tab hides the strip.
    shown.drag((cell(2).0 + 20, cell(2).1 + 20), (cell(2).0 + 20, cell(2).1 + 20));
    until("a grey picture after a click", || saturation(&shown, middle.0, middle.1) < 3.0);
    shown.press(&["0", "Tab"]);
    until("the picture in place of the strip", || saturation(&shown, (100, 380), (400, 20)) > 20.0);
    shown.press(&["q"]);
    let ran = shown.ended().succeeded();
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    assert!(bench.names().is_empty(), "{:?}", bench.names());
}

#[test]
fn a_recording_has_all_frames_of_its_time_and_a_replay_the_last_seconds() {
    if !has_tools() {
        return;
    }
    let _alone = alone();
    let attempt = || {
        let (bench, desktop) = (Bench::new(), Desktop::new(640, 480));
        let mut shown = desktop.open(preview(&bench, &[FILM, "--filter", "sepia(60%)"]), "framereel");
        wait_for_picture(&shown);
        shown.press(&["r"]);
        let begun = Instant::now();
        // The red dot of a running recording.
        until("the dot", || {
            let [red, green, _] = shown.mean((22, 20), (6, 6));
            red > 200.0 && green < 100.0
        });
        // The length of the recording is the subject of this test.
        sleep(Duration::from_secs(2));
        shown.press(&["i"]);
        shown.says("saved bunny-replay-001.webm");
        shown.press(&["r"]);
        let taken = begun.elapsed().as_secs_f64();
        let line = shown.says("saved bunny-001.webm");
        assert!(shown.is_running());
        shown.press(&["q"]);
        let ran = shown.ended().succeeded();
        assert_eq!(ran.stderr, "");
        let path = bench.path("bunny-001.webm");
        let recorded = times(&path);
        let (said, length) = (figure(&line, "frames"), number(&probed(&path)["format"]["duration"]));
        assert_eq!(said as usize, recorded.len(), "{line}");
        assert!((length - taken).abs() < 1.0, "{length:.2} s recorded in {taken:.2} s");
        let replayed = times(&bench.path("bunny-replay-001.webm"));
        let streams = probed(&bench.path("bunny-replay-001.webm"));
        assert_eq!(number(&streams["streams"][0]["nb_read_frames"]) as usize, replayed.len(), "all are decoded");
        (
            longest_gap(&recorded),
            length * 25.0 - recorded.len() as f64,
            figure(&line, "dropped"),
            longest_gap(&replayed),
            replayed.len(),
        )
    };
    // The film's frames are 40 ms apart.
    let good = |(gap, missing, dropped, replay_gap, replayed): &(f64, f64, f64, f64, usize)| {
        *gap < 42.0 && missing.abs() < 1.5 && *dropped == 0.0 && *replay_gap < 42.0 && *replayed >= 48
    };
    good_one("gaps, missing and dropped frames", attempt, good);
}

#[test]
fn the_last_seconds_become_a_gif_while_the_film_plays_on() {
    if !has_tools() {
        return;
    }
    let _alone = alone();
    let attempt = || {
        let (bench, desktop) = (Bench::new(), Desktop::new(640, 480));
        let mut shown = desktop.open(preview(&bench, &[FILM]), "framereel");
        wait_for_picture(&shown);
        // The length of the replay is the subject of this test.
        sleep(Duration::from_secs(2));
        shown.press(&["g", "g"]);
        shown.says("saved bunny-replay-001.gif");
        shown.says("saved bunny-replay-002.gif");
        assert!(shown.is_running());
        shown.press(&["q"]);
        assert_eq!(shown.ended().succeeded().stderr, "");
        let streams = probed(&bench.path("bunny-replay-001.gif"));
        let stream = &streams["streams"][0];
        assert_eq!((number(&stream["width"]), number(&stream["height"])), (480.0, 270.0));
        (number(&streams["format"]["duration"]), number(&stream["nb_read_frames"]))
    };
    // Of a replay with gaps, pictures that stay are shown for longer.
    good_one("seconds and frames", attempt, |(length, frames)| {
        (1.0..3.2).contains(length) && (frames - length * 12.5).abs() <= 1.0
    });
}

#[test]
fn a_saved_picture_is_the_still_of_the_same_frame() {
    if !has_tools() {
        return;
    }
    let (_alone, bench, desktop) = (alone(), Bench::new(), Desktop::new(640, 480));
    let args = [FILM, "--start", "2s", "--paused", "--filter", "vignette(0.4)", "-o", "pictures/"];
    let shown = desktop.open(preview(&bench, &args), "framereel");
    wait_for_picture(&shown);
    shown.press(&["1", "s"]);
    shown.says("saved pictures/bunny-still-001.png");
    let chain = "vignette(0.4) sepia(1)";
    bench.run(["still", FILM, "--at", "2s", "--filter", chain, "-o", "still.png"]).succeeded();
    let [saved, still] =
        ["pictures/bunny-still-001.png", "still.png"].map(|name| image::open(bench.path(name)).unwrap().to_rgb8());
    let off = saved.iter().zip(still.iter()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(saved.dimensions() == still.dimensions() && off <= Some(2), "{off:?} of 255");
    // The window shows the same picture, of half the colours' resolution.
    until("sepia in the window", || {
        let shown = shown.pixels((0, 50), (640, 200));
        let rows = &still.as_raw()[50 * 640 * 3..250 * 640 * 3];
        mean_difference(&shown, rows) < 1.0
    });
    shown.press(&["s", "q"]);
    assert_eq!(shown.ended().succeeded().stdout.lines().count(), 2, "the second picture is saved before the end");
    assert!(bench.path("pictures/bunny-still-002.png").exists());
}

#[test]
fn resizing_minimising_and_closing_lose_no_frame() {
    if !has_tools() {
        return;
    }
    let _alone = alone();
    let attempt = || {
        let (bench, desktop) = (Bench::new(), Desktop::managed(1280, 800));
        let shown = desktop.open(preview(&bench, &["pattern", "--size", "640x360", "--replay", "0s"]), "framereel");
        shown.press(&["r"]);
        let length = || bench.path("pattern-001.webm").metadata().map_or(0, |file| file.len());
        let grows = |by: u64| {
            let before = length();
            until("a file that grows", || length() > before + by);
        };
        grows(5000);
        for index in 0..50 {
            shown.resize(200 + index * 37 % 900, 120 + index * 53 % 600);
            // Frames are recorded between two resizes.
            grows(0);
        }
        shown.minimise();
        grows(20_000);
        shown.restore();
        shown.close();
        let ran = shown.ended().succeeded();
        assert_eq!(ran.stderr, "");
        let times = times(&bench.path("pattern-001.webm"));
        let length = number(&probed(&bench.path("pattern-001.webm"))["format"]["duration"]);
        assert!(length > 2.0, "{length} s");
        (longest_gap(&times), length * 30.0 - times.len() as f64, figure(&ran.stdout, "dropped"))
    };
    good_one("gap, missing and dropped frames", attempt, |(gap, missing, dropped)| {
        *gap < 35.0 && missing.abs() < 1.5 && *dropped == 0.0
    });
}

#[test]
fn a_camera_of_720_lines_is_recorded_whole_beside_the_window() {
    if !has_tools() {
        return;
    }
    let (_alone, session) = (alone(), Session::start());
    let attempt = || {
        let (bench, desktop) = (Bench::new(), Desktop::new(640, 480));
        let camera = session.camera(&CameraSpec { width: 1280, height: 720, ..CameraSpec::default() });
        let mut command = session.command(env!("CARGO_BIN_EXE_framereel"));
        command.current_dir(bench.folder());
        command.args(["preview", "camera:width=1280,height=720", "--audio", "tone", "--window", "640x360"]);
        let shown = desktop.open(command, "framereel");
        until("a picture", || shown.mean((0, 0), (640, 200)).iter().sum::<f64>() > 30.0);
        shown.press(&["r"]);
        until("a file that grows", || bench.path("camera-001.webm").metadata().is_ok_and(|file| file.len() > 5000));
        // The length of the recording is the subject of this test.
        sleep(Duration::from_secs(4));
        shown.press(&["r"]);
        let line = shown.says("saved camera-001.webm");
        shown.press(&["q"]);
        drop(shown.ended().succeeded());
        drop(camera);
        let path = bench.path("camera-001.webm");
        let loudest = samples(&path).iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!(loudest > 0.1, "the tone is {loudest}");
        let times = times(&path);
        (figure(&line, "dropped"), longest_gap(&times), times.len())
    };
    good_one("dropped frames, longest gap, frames", attempt, |(dropped, gap, frames)| {
        *dropped == 0.0 && *gap < 60.0 && *frames >= 110
    });
}

#[test]
fn a_camera_and_a_microphone_stay_together() {
    if !has_tools() {
        return;
    }
    let (_alone, session) = (alone(), Session::start());
    let _both = session.flash_and_click(&CameraSpec::default(), &MicSpec::default());
    let (bench, desktop) = (Bench::new(), Desktop::new(640, 480));
    let mut command = session.command(env!("CARGO_BIN_EXE_framereel"));
    command.current_dir(bench.folder()).args(["preview", "camera", "--audio", "mic", "--window", "320x240"]);
    let shown = desktop.open(command, "framereel");
    until("a picture", || shown.mean((0, 0), (320, 150)).iter().sum::<f64>() > 30.0);
    shown.press(&["r"]);
    let path = bench.path("camera-001.webm");
    until("a file that grows", || path.metadata().is_ok_and(|file| file.len() > 5000));
    // The flashes come every two seconds.
    sleep(Duration::from_secs(11));
    shown.press(&["q"]);
    assert_eq!(shown.ended().succeeded().stderr, "");
    let mut apart = flashes_and_clicks_apart(&path);
    assert!(apart.len() >= 4, "{apart:?}");
    // A flash that falls between two frames is seen with the later one: the median has no such chance in it.
    apart.sort_by(f64::total_cmp);
    assert!(apart[apart.len() / 2].abs() < 25.0, "sound is later by, in ms: {apart:.1?}");
}

#[test]
fn the_last_frame_of_a_film_stays_and_space_plays_it_again() {
    if !has_tools() {
        return;
    }
    let (_alone, bench, desktop) = (alone(), Bench::new(), Desktop::new(640, 480));
    let shown = desktop.open(preview(&bench, &[FILM, "--start", "4s"]), "framereel");
    wait_for_picture(&shown);
    shown.press(&["r"]);
    // The recording ends with the film.
    let line = shown.says("saved bunny-001.webm");
    assert!(figure(&line, "frames") > 5.0, "{line}");
    bench.run(["still", FILM, "--at", "5.24s", "-o", "last.png"]).succeeded();
    let still = image::open(bench.path("last.png")).unwrap().to_rgb8();
    let rows = &still.as_raw()[90 * 640 * 3..260 * 640 * 3];
    // On a software adapter the window may draw later than the recording ends.
    until("the last frame", || mean_difference(&shown.pixels((0, 90), (640, 170)), rows) < 1.0);
    let last = shown.pixels((0, 90), (640, 170));
    assert!(mean_difference(&last, rows) < 1.0, "the last frame stays");
    // Filters still apply to it.
    shown.press(&["2"]);
    until("a grey picture", || saturation(&shown, (200, 100), (200, 100)) < 3.0);
    shown.press(&["0", "space"]);
    until("the film from its beginning", || mean_difference(&shown.pixels((0, 90), (640, 170)), &last) > 8.0);
    // A click on the time line seeks.
    shown.drag((320, 371), (320, 371));
    shown.press(&["space", "q"]);
    shown.ended().succeeded();
}

#[test]
fn files_that_are_dropped_on_the_window_become_filters_or_the_source() {
    if !has_tools() {
        return;
    }
    let (_alone, bench, desktop) = (alone(), Bench::new(), Desktop::new(640, 480));
    let shown = desktop.open(preview(&bench, &[FILM, "--start", "2s", "--paused"]), "framereel");
    wait_for_picture(&shown);
    let middle = ((200, 100), (200, 100));
    let shader =
        |color: &str| format!("fn effect_color(color: vec4f) -> vec4f {{ return vec4f({color}, color.a); }}\n");
    let path = bench.write("own.wgsl", shader("color.r, 0.0, 0.0"));
    shown.drop_file(&path);
    let dominant = |channel: usize| {
        let mean = shown.mean(middle.0, middle.1);
        (0..3).all(|other| other == channel || mean[channel] > mean[other] + 30.0)
    };
    until("a red picture", || dominant(0));
    // Its file is watched.
    bench.write("own.wgsl", shader("0.0, 0.0, color.b"));
    until("a blue picture", || dominant(2));
    bench.write("own.wgsl", "fn effect_color(color: vec4f) -> vec4f { return nothing; }\n");
    let table =
        bench.write("green.cube", "LUT_3D_SIZE 2\n0 .9 0\n0 .9 0\n0 .9 0\n0 .9 0\n0 .9 0\n0 .9 0\n0 .9 0\n0 .9 0\n");
    shown.drop_file(&table);
    until("a green picture", || dominant(1));
    shown.press(&["d", "d"]);
    until("the film's colours", || !dominant(0) && !dominant(1) && !dominant(2));
    let photo = bench.path("red.png");
    RgbImage::from_pixel(640, 360, image::Rgb([220, 20, 20])).save(&photo).unwrap();
    shown.drop_file(&photo);
    until("another source", || dominant(0));
    shown.drop_file(&bench.write("broken.mp4", "not a film"));
    shown.drop_file(&bench.path("own.wgsl"));
    until("both errors", || ["own.wgsl", "broken.mp4"].iter().all(|name| shown.complaints().contains(name)));
    assert!(dominant(0), "the source stays");
    shown.press(&["q"]);
    shown.ended().succeeded();
}

#[test]
fn a_split_window_shows_the_source_beside_the_filters() {
    if !has_tools() {
        return;
    }
    let (_alone, bench, desktop) = (alone(), Bench::new(), Desktop::new(640, 480));
    let shown =
        desktop.open(preview(&bench, &[FILM, "--start", "2s", "--paused", "--filter", "grayscale(1)"]), "framereel");
    until("a grey picture", || {
        saturation(&shown, (200, 100), (200, 100)) < 3.0 && shown.mean((200, 100), (200, 100))[0] > 30.0
    });
    shown.press(&["b"]);
    let colorful = |x: u32, width: u32| saturation(&shown, (x, 60), (width, 250));
    until("colours on the left", || colorful(0, 300) > 15.0 && colorful(340, 300) < 3.0);
    shown.drag((320, 200), (160, 200));
    until("the line further left", || colorful(0, 140) > 15.0 && colorful(180, 460) < 3.0);
    shown.press(&["b"]);
    until("no line", || colorful(0, 640) < 3.0);
    shown.press(&["q"]);
    shown.ended().succeeded();
}

#[test]
fn windows_of_one_pixel_and_of_thousands_are_survived() {
    if !has_tools() {
        return;
    }
    let (_alone, bench, desktop) = (alone(), Bench::new(), Desktop::new(640, 480));
    let mut shown = desktop.open(preview(&bench, &[FILM, "--start", "2s", "--paused"]), "framereel");
    wait_for_picture(&shown);
    for (width, height) in [(1, 1), (8192, 8192), (1, 8192), WINDOW] {
        shown.resize(width, height);
        shown.press(&["h", "h"]);
    }
    wait_for_picture(&shown);
    shown.press(&["2"]);
    until("a grey picture", || saturation(&shown, (200, 100), (200, 100)) < 3.0);
    assert!(shown.is_running());
    shown.press(&["q"]);
    let ran = shown.ended().succeeded();
    assert_eq!(ran.stderr, "");
}

#[test]
fn after_a_lost_device_another_one_draws_on_the_same_window() {
    if !has_tools() {
        return;
    }
    let (_alone, screen) = (alone(), devices::XServer::start(640, 480));
    // Windows belong to a process's display, and tests run beside each other: a process of its own.
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["in_a_process_of_its_own", "--exact", "--ignored", "--nocapture"]);
    let ran = run(child.env("DISPLAY", screen.display()).env_remove("WAYLAND_DISPLAY"), &[]).succeeded();
    assert!(ran.stdout.contains("drawn again"), "{ran:?}");
}

#[test]
#[ignore = "the child of after_a_lost_device_another_one_draws_on_the_same_window"]
fn in_a_process_of_its_own() {
    use framereel::preview::{Preview, WindowSurface};
    use framereel::{Canvas, Frame, Gpu, Size};
    use winit::application::ApplicationHandler;
    use winit::event::WindowEvent;
    use winit::event_loop::{ActiveEventLoop, EventLoop};
    use winit::platform::x11::EventLoopBuilderExtX11;
    use winit::window::{Window, WindowId};

    struct Child;

    impl ApplicationHandler for Child {
        fn resumed(&mut self, event_loop: &ActiveEventLoop) {
            let window = std::sync::Arc::new(event_loop.create_window(Window::default_attributes()).unwrap());
            let size = Size::new(200, 100);
            let mut canvas = Canvas::new(&Gpu::new().unwrap(), size).unwrap();
            let stream = canvas.capture_stream(None).unwrap();
            let mut surface = WindowSurface::new(window.clone(), size).unwrap();
            let mut preview = Preview::new(surface.gpu(), &stream).unwrap();
            canvas.draw(Frame::black(size));
            canvas.present().unwrap();
            assert!(surface.draw(|texture| preview.draw(texture)).unwrap());
            surface.gpu().device().destroy();
            let error = loop {
                match surface.draw(|texture| preview.draw(texture)) {
                    Ok(_) => sleep(Duration::from_millis(5)),
                    Err(error) => break error,
                }
            };
            assert!(error.to_string().contains("window's device"), "{error}");
            drop(preview);
            drop(surface);
            let mut surface = WindowSurface::new(window, size).unwrap();
            let mut preview = Preview::new(surface.gpu(), &stream).unwrap();
            assert!(surface.draw(|texture| preview.draw(texture)).unwrap());
            println!("drawn again");
            event_loop.exit();
        }

        fn window_event(&mut self, _: &ActiveEventLoop, _: WindowId, _: WindowEvent) {}
    }

    EventLoop::builder().with_any_thread(true).build().unwrap().run_app(&mut Child).unwrap();
}

#[test]
fn without_a_display_the_error_names_the_commands_that_need_none() {
    let bench = Bench::new();
    for display in [None, Some(":4711")] {
        let mut command = bench.command(["preview", FILM]);
        command.env_remove("WAYLAND_DISPLAY").env_remove("DISPLAY").env_remove("WAYLAND_SOCKET");
        command.envs(display.map(|display| ("DISPLAY", display)));
        let ran = run(&mut command, &[]);
        ran.failed(
            1,
            &["expected a display to open a window on but found none", "framereel record", "framereel still"],
        );
    }
}

#[test]
fn what_cannot_be_shown_is_refused_before_a_window_opens() {
    if !has_tools() {
        return;
    }
    let (bench, desktop) = (Bench::new(), devices::XServer::start(320, 200));
    let failed = |args: &[&str], code: i32, words: &[&str]| {
        let mut command = bench.command([&["preview"], args].concat());
        run(command.env("DISPLAY", desktop.display()), &[]).failed(code, words);
    };
    failed(&["missing.mp4"], 1, &["missing.mp4"]);
    failed(&["mic"], 1, &["expected a source of pictures"]);
    failed(&[FILM, "--filter", "sepai(1)"], 2, &["did you mean `sepia`"]);
    bench.write("file", "");
    failed(&[FILM, "-o", "file"], 2, &["expected a folder but found a file at `file`"]);
}

/// The documents' pictures of the window: name, scale, arguments, keys.
const PICTURES: [(&str, u32, &[&str], &[&str]); 4] = [
    ("window", 1, &["--filter", "sepia(60%)"], &["5", "Up", "Up"]),
    ("window-2x", 2, &["--filter", "sepia(60%)"], &["5", "Up", "Up"]),
    ("window-compare", 1, &["--filter", "sepia(60%) contrast(115%) vignette(0.5)"], &["b"]),
    ("window-help", 1, &[], &["h"]),
];

#[test]
fn the_pictures_in_the_documents_are_what_the_window_shows() {
    if !has_tools() {
        return;
    }
    let _alone = alone();
    for (name, scale, args, keys) in PICTURES {
        let (width, height) = (640 * scale, 466 * scale);
        let (bench, desktop) = (Bench::new(), Desktop::new(width, height));
        let mut command = bench.command([&["preview", FILM, "--start", "2s", "--paused"], args].concat());
        command.args(["--window", &format!("{width}x{height}")]).env("WINIT_X11_SCALE_FACTOR", scale.to_string());
        let shown = desktop.open(command, "framereel");
        until("the film's picture", || saturation(&shown, (200, 60), (200, 100)) > 10.0);
        shown.press(keys);
        let stored = format!("{ROOT}/docs/pictures/{name}.jpg");
        let renew = std::env::var_os("FRAMEREEL_UPDATE_GOLDENS").is_some();
        let golden = (!renew).then(|| decoded(&std::fs::read(&stored).expect("a stored picture")));
        let (mut now, mut still) = (Vec::new(), 0);
        until(name, || {
            let before = std::mem::replace(&mut now, shown.pixels((0, 0), (width, height)));
            still = if before == now { still + 1 } else { 0 };
            match &golden {
                // Both have passed the same encoder.
                Some(golden) => {
                    still == 1 && {
                        let now = decoded(&jpeg(&now, width, height));
                        PARTS.iter().all(|part| off(golden, &now, *part, (width, scale)) < 1.5)
                    }
                }
                // Nothing has changed for a while: all thumbnails are drawn.
                None => {
                    sleep(Duration::from_millis(20));
                    still > 150
                }
            }
        });
        if renew {
            std::fs::write(&stored, jpeg(&now, width, height)).expect("a written picture");
        }
        shown.press(&["q"]);
        shown.ended().succeeded();
    }
}

/// The parts of the window that are compared, in units: the whole, the strip's labels, the chain's text.
const PARTS: [[u32; 4]; 3] = [[0, 0, 640, 466], [0, 444, 640, 22], [10, 320, 200, 34]];

/// How far a part of a picture of this width and scale is off, in the mean.
fn off(golden: &[u8], now: &[u8], [x, y, columns, rows]: [u32; 4], (width, scale): (u32, u32)) -> f64 {
    let starts = (y * scale..(y + rows) * scale).map(|row| ((row * width + x * scale) * 3) as usize);
    let part = |start: usize| start..start + (columns * scale * 3) as usize;
    let pairs = starts.flat_map(|start| golden[part(start)].iter().zip(&now[part(start)]));
    let (sum, count) = pairs.fold((0.0, 0.0), |(sum, count), (a, b)| (sum + f64::from(a.abs_diff(*b)), count + 1.0));
    sum / count
}

/// Red, green and blue as a JPEG.
fn jpeg(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 85);
    encoder.write_image(pixels, width, height, image::ExtendedColorType::Rgb8).expect("a JPEG");
    bytes
}

/// The red, green and blue of a JPEG.
fn decoded(jpeg: &[u8]) -> Vec<u8> {
    image::load_from_memory(jpeg).expect("a picture").to_rgb8().into_raw()
}
