//! The examples, run as their readers run them, and what they make, looked at.

mod support {
    pub mod program;
    pub mod tools;
}

use std::path::PathBuf;
use std::process::Command;

use support::program::{Bench, run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// An example, built with the tests; it runs in the repository's folder, where the films are.
fn example(name: &str) -> Command {
    let tests = std::env::current_exe().expect("this program");
    let program: PathBuf = tests.ancestors().nth(2).expect("the build's folder").join("examples").join(name);
    let mut command = Command::new(program);
    command.current_dir(ROOT).env_remove("XDG_RUNTIME_DIR");
    command
}

#[test]
fn side_by_side_shows_the_frame_as_it_is_and_the_filtered_one() {
    let bench = Bench::new();
    let picture = bench.path("picture.png");
    let mut command = example("side_by_side");
    // What `make demo` passes.
    command.args(["examples/clips/bunny.webm", "2s", "sepia(60%) contrast(115%) saturate(130%) vignette(0.5)"]);
    run(command.arg(&picture), &[]).succeeded();
    let picture = image::open(picture).expect("a picture").to_rgb8();
    let (width, height) = (picture.width() / 2, picture.height());
    let still = bench.path("still.png");
    let film = format!("{ROOT}/examples/clips/bunny.webm");
    bench.run(["still", film.as_str(), "--at", "2s", "-o", "still.png"]).succeeded();
    let still = image::open(still).expect("a still").to_rgb8();
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
