//! Runs the examples as their readers do, and examines their files.

#[cfg(target_os = "linux")]
#[path = "support/devices.rs"]
mod devices;
#[path = "support/program.rs"]
mod program;
#[path = "support/recorded.rs"]
mod recorded;
#[path = "support/tools.rs"]
mod tools;
#[cfg(target_os = "linux")]
#[path = "support/window.rs"]
mod window;

use std::path::{Path, PathBuf};
use std::process::Command;

use program::{Bench, run};
use recorded::rgb_frames;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const FILM: &str = "examples/clips/bunny.webm";

/// An example, built with the tests; it runs in the repository's folder, where the films are.
fn example(name: &str) -> Command {
    let tests = std::env::current_exe().expect("this program");
    let program: PathBuf = tests.ancestors().nth(2).expect("the build's folder").join("examples").join(name);
    let mut command = Command::new(program);
    command.current_dir(ROOT).env_remove("XDG_RUNTIME_DIR");
    command
}

#[test]
fn the_demos_picture_shows_the_frame_as_it_is_and_the_filtered_one() {
    let bench = Bench::new();
    let film = format!("{ROOT}/{FILM}");
    let chain = "sepia(60%) contrast(115%) saturate(130%) vignette(0.5)";
    let makefile = std::fs::read_to_string(format!("{ROOT}/Makefile")).expect("the Makefile");
    assert!(makefile.contains(&format!("CHAIN := {chain}")), "what `make demo` passes");
    let still = |more: &[&str]| {
        bench.run([&["still", &film, "--at", "2s", "--force", "-o", "still.png"], more].concat()).succeeded();
        image::open(bench.path("still.png")).expect("a still").to_rgb8()
    };
    let picture = still(&["--filter", chain, "--side-by-side"]);
    let (width, height) = (picture.width() / 2, picture.height());
    let still = still(&[]);
    assert_eq!((width, height), still.dimensions());
    let mut off = 0;
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    for (x, y) in places {
        assert_eq!(picture.get_pixel(x, y), still.get_pixel(x, y), "the left half is the frame itself");
        let (before, after) = (picture.get_pixel(x, y), picture.get_pixel(x + width, y));
        off += before.0.iter().zip(after.0).map(|(&before, after)| u64::from(before.abs_diff(after))).sum::<u64>();
    }
    let mean = off as f64 / f64::from(width * height * 3);
    assert!(mean > 10.0, "the halves differ by {mean:.1} of 255 on average");
}

#[test]
fn camera_says_what_to_do_where_there_is_none() {
    let bench = Bench::new();
    // Whoever runs the tests may have a camera: then it is recorded.
    let ran = run(example("camera").arg(bench.path("camera.webm")), &[]);
    if ran.code == Some(0) {
        assert_eq!(bench.names(), ["camera.webm"]);
    } else {
        ran.failed(1, &["expected a camera but found none; plug one in"]);
        assert!(bench.names().is_empty(), "{:?}", bench.names());
    }
}

/// Runs an example, and gives what it prints.
fn runs(mut command: Command) -> String {
    run(&mut command, &[]).succeeded().stdout
}

/// The size that recordings are looked at in.
const SIZE: (usize, usize) = (64, 36);

/// Runs an example that records into the file of its last argument: what it prints, and the frames that ffmpeg decodes.
/// None where there is no ffmpeg.
fn recorded(name: &str, args: &[&str]) -> Option<(String, Vec<Vec<u8>>)> {
    if !tools::has("ffmpeg") {
        return None;
    }
    let bench = Bench::new();
    let output = bench.path("out.webm");
    let mut command = example(name);
    command.args(args).arg(&output);
    Some((runs(command), rgb_frames(&output, SIZE)))
}

/// A frame's mean red, green and blue.
fn color(frame: &[u8]) -> [f64; 3] {
    let pixels = frame.len() as f64 / 3.0;
    let sum = |channel| frame.iter().skip(channel).step_by(3).map(|&value| f64::from(value)).sum::<f64>();
    [0, 1, 2].map(|channel| sum(channel) / pixels)
}

#[test]
fn custom_shader_records_the_film_through_its_wave() {
    let Some((told, frames)) = recorded("custom_shader", &[FILM]) else { return };
    assert!(told.contains(&format!("{} frames", frames.len())) && frames.len() == 132, "{told}");
    // More colourful than the film itself, though its corners are darker.
    let spread = |frames: &[Vec<u8>]| {
        frames.iter().map(|frame| color(frame)).map(|[red, _, blue]| red - blue).sum::<f64>() / frames.len() as f64
    };
    let film = rgb_frames(&Path::new(ROOT).join(FILM), SIZE);
    assert!(spread(&frames) > 1.05 * spread(&film), "{} and {}", spread(&frames), spread(&film));
}

#[test]
fn from_the_browser_saves_the_stripe_that_wanders() {
    if !tools::has("ffmpeg") {
        return;
    }
    let bench = Bench::new();
    let mut command = example("from_the_browser");
    command.current_dir(bench.folder());
    runs(command);
    let frames = rgb_frames(&bench.path("drawing.webm"), SIZE);
    assert_eq!(frames.len(), 90);
    for (index, frame) in frames.iter().enumerate() {
        let row = &frame[18 * 64 * 3..][..64 * 3];
        let brightest = (0..64).max_by_key(|x| row[x * 3]).expect("a column");
        // Each column here is ten of the canvas's; the stripe is four of them wide.
        let middle = (index * 6 + 20) / 10;
        assert!(brightest.abs_diff(middle) <= 2, "frame {index}: the stripe is at {brightest} in place of {middle}");
    }
}

#[test]
fn instant_replay_saves_the_last_three_seconds_before_the_corner() {
    let Some((told, frames)) = recorded("instant_replay", &[]) else { return };
    assert!(told.contains("the corner!"), "{told}");
    // As much more as it takes to begin at a key frame, of which there is one every 2 s.
    assert!((90..=150).contains(&frames.len()), "{}", frames.len());
    let colors: Vec<_> = frames.iter().map(|frame| color(frame)).collect();
    assert!(colors.iter().all(|[red, _, blue]| *red > 15.0 && *blue > 40.0), "a ball and its blue ground: {colors:?}");
}

#[test]
fn play_records_a_film_slowly_and_again() {
    let Some((told, frames)) = recorded("play", &[FILM]) else { return };
    assert!(told.contains(&format!("{} frames", frames.len())), "{told}");
    // 25 frames in the first two seconds, then the whole film of 132; a busy machine may lose some, which is told.
    assert!(frames.len() > 60, "{told}");
    let sepia =
        frames.iter().map(|frame| color(frame)).filter(|[red, green, blue]| red > green && green > blue).count();
    assert!(sepia * 10 >= frames.len() * 9, "{sepia} of {} frames are brown", frames.len());
}

#[test]
fn still_with_filter_saves_the_frame_in_brown_and_dark_in_its_corners() {
    let bench = Bench::new();
    let mut command = example("still_with_filter");
    std::fs::create_dir_all(bench.path("examples/clips")).expect("a folder");
    std::fs::copy(format!("{ROOT}/{FILM}"), bench.path(FILM)).expect("a copy");
    command.current_dir(bench.folder());
    runs(command);
    let still = image::open(bench.path("still.png")).expect("a picture").to_rgb8();
    let (width, height) = still.dimensions();
    let mean = |left: u32, top: u32| {
        let pixels = (0..height / 8).flat_map(|y| (0..width / 8).map(move |x| (left + x, top + y)));
        let sum = pixels
            .map(|(x, y)| still.get_pixel(x, y).0.map(f64::from))
            .fold([0.0; 3], |sum, pixel| [0, 1, 2].map(|channel| sum[channel] + pixel[channel]));
        sum.map(|sum| sum / f64::from(width / 8 * (height / 8)))
    };
    let (corner, middle) = (mean(0, 0), mean(width * 7 / 16, height * 7 / 16));
    assert!(middle[0] > middle[2], "brown: {middle:?}");
    assert!(corner[1] < middle[1], "darker in the corner: {corner:?} and {middle:?}");
}

#[test]
fn wgpu_texture_records_its_triangle() {
    let Some((told, frames)) = recorded("wgpu_texture", &[]) else { return };
    assert!(told.contains("90 frames"), "{told}");
    assert_eq!(frames.len(), 90);
    // All three corners' colours, on black.
    let colors: Vec<_> = frames.iter().map(|frame| color(frame)).collect();
    assert!(colors.iter().flatten().all(|mean| (15.0..90.0).contains(mean)), "{colors:?}");
}

#[test]
fn the_gallery_in_the_readme_is_what_the_example_draws() {
    let bench = Bench::new();
    let drawn = bench.path("gallery.jpg");
    let mut command = example("filter_gallery");
    command.arg(&drawn);
    runs(command);
    let [drawn, kept] = [drawn, Path::new(ROOT).join("examples/pictures/gallery.jpg")]
        .map(|path| image::open(path).expect("a picture").to_rgb8());
    assert_eq!(drawn.dimensions(), kept.dimensions());
    let off: u64 = drawn.iter().zip(kept.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    let mean = off as f64 / drawn.len() as f64;
    assert!(mean < 0.5, "{mean:.2} of 255 off on average; draw it anew: cargo run --example filter_gallery");
}

#[cfg(target_os = "linux")]
#[test]
fn the_photo_booth_shows_filters_and_records_what_it_shows() {
    if !tools::has("ffmpeg") || !tools::has("xdotool") {
        return;
    }
    let (_alone, bench, desktop) = (window::alone(), Bench::new(), window::Desktop::new(800, 600));
    let path = bench.path("booth.webm");
    let mut command = example("photo_booth");
    command.arg(FILM).arg(&path);
    let shown = desktop.open(command, "photo booth");
    let grey = || {
        let [red, green, blue] = shown.mean((200, 200), (300, 150));
        (red - green).abs() < 3.0 && (green - blue).abs() < 3.0 && red > 20.0
    };
    program::until("the film in its colours", || shown.mean((200, 200), (300, 150))[1] > 30.0 && !grey());
    shown.press(&["space", "space"]);
    program::until("a grey film", grey);
    shown.press(&["r"]);
    program::until("a file that grows", || path.metadata().is_ok_and(|file| file.len() > 120_000));
    shown.press(&["q"]);
    let ran = shown.ended().succeeded();
    let frames = rgb_frames(&path, SIZE);
    assert!(ran.stdout.contains(&format!("{} frames", frames.len())) && frames.len() > 5, "{ran:?}");
    let [red, green, blue] = color(&frames[2]);
    assert!((red - green).abs() < 5.0 && (green - blue).abs() < 5.0, "{red} {green} {blue}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_game_draws_into_its_window_and_into_a_file() {
    if !tools::has("ffmpeg") || !tools::has("xdotool") {
        return;
    }
    let (_alone, bench, desktop) = (window::alone(), Bench::new(), window::Desktop::new(800, 600));
    let path = bench.path("game.webm");
    let mut command = example("winit_game");
    command.arg(&path);
    let shown = desktop.open(command, "game");
    let mean = || shown.mean((0, 0), (800, 600)).iter().sum::<f64>();
    program::until("the triangle", || mean() > 20.0);
    program::until("a file that grows", || path.metadata().is_ok_and(|file| file.len() > 60_000));
    shown.close();
    let ran = shown.ended().succeeded();
    let frames = rgb_frames(&path, SIZE);
    assert!(ran.stdout.contains(&format!("{} frames", frames.len())) && frames.len() > 5, "{ran:?}");
    let brightness = |frame: &[u8]| frame.iter().map(|&value| f64::from(value)).sum::<f64>() / frame.len() as f64;
    assert!(frames.iter().all(|frame| (5.0..120.0).contains(&brightness(frame))), "a triangle on black");
}
