//! docs/filters.md: its reference is what `framereel filters --markdown` prints, and its pictures are what
//! `framereel filters --pictures` draws. `FRAMEREEL_UPDATE_DOCS=1` renews both.

#[allow(dead_code, reason = "each test file uses its part")]
mod support {
    pub mod program;
    pub mod tools;
}

use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;
use support::program::Bench;

const FILM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm");
const REMEDY: &str = "FRAMEREEL_UPDATE_DOCS=1 cargo test --profile testing --test filter_reference";
/// All pictures together, in bytes: the page is to load soon.
const MOST: u64 = 500_000;

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

fn is_renewed() -> bool {
    std::env::var_os("FRAMEREEL_UPDATE_DOCS").is_some()
}

#[test]
fn the_reference_in_docs_is_what_the_program_prints() {
    let bench = Bench::new();
    let printed = bench.run(["filters", "--markdown"]).succeeded().stdout;
    let page = fs::read_to_string(docs("filters.md")).expect("docs/filters.md");
    let (head, mark) = page.split_once("<!-- From here on").expect("the mark before the reference");
    let (mark, reference) = mark.split_once("-->\n").expect("the mark's end");
    if is_renewed() {
        let renewed = format!("{head}<!-- From here on{mark}-->\n\n{printed}");
        fs::write(docs("filters.md"), renewed).expect("a written page");
    } else {
        assert!(
            reference.trim_start() == printed,
            "docs/filters.md is not what the program prints; renew it: {REMEDY}"
        );
    }
    for info in framereel::filter::catalog() {
        assert!(printed.contains(&format!("### {}\n", info.name)), "{}", info.name);
        for param in info.params {
            assert!(printed.contains(&format!("| `{}` |", param.name)), "{} of {}", param.name, info.name);
        }
    }
}

#[test]
fn the_pictures_in_docs_are_what_the_program_draws() {
    let bench = Bench::new();
    let folder = if is_renewed() { docs("pictures/filters") } else { bench.path("filters") };
    let args = ["filters", "--pictures", &folder.display().to_string(), "--of", FILM, "--at", "2s", "--force"];
    let told = bench.run(args).succeeded().stdout;
    let names: Vec<_> = framereel::filter::catalog().iter().map(|info| format!("{}.jpg", info.name)).collect();
    assert!(told.trim_end().ends_with(&format!("{} pictures", names.len())), "{told}");
    let mut kept: Vec<_> = fs::read_dir(docs("pictures/filters"))
        .expect("docs/pictures/filters")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    kept.sort();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(kept, sorted, "{REMEDY}");
    let mut bytes = 0;
    for name in names {
        let kept = docs("pictures/filters").join(&name);
        bytes += kept.metadata().expect("a file").len();
        let [drawn, kept] =
            [folder.join(&name), kept].map(|path| image::open(path).expect("a picture of each filter").to_rgb8());
        assert_eq!(drawn.dimensions(), (320, 180), "{name}");
        let mean = difference(&drawn, &kept);
        assert!(mean < 0.5, "{name}: {mean:.2} of 255 off on average; renew it: {REMEDY}");
    }
    assert!(bytes < MOST, "the pictures have {bytes} bytes, and at most {MOST} are wanted");
}

#[test]
fn pictures_are_drawn_of_any_source_in_any_size() {
    let bench = Bench::new();
    bench.run(["filters", "--pictures", "small/", "--size", "64x36"]).succeeded();
    let open = |name: &str| image::open(bench.path("small").join(name)).expect("a picture").to_rgb8();
    assert_eq!(open("sepia.jpg").dimensions(), (64, 36));
    // Of the pattern, whose left bar is white: its negative is black.
    let [r, g, b] = open("invert.jpg").get_pixel(3, 10).0;
    assert!(r.max(g).max(b) < 30, "{:?}", [r, g, b]);
    // The square has moved, and left a trail: more than a frame's worth of orange.
    assert!(difference(&open("motion-trail.jpg"), &open("brightness.jpg")) > 0.5);
    bench.run(["filters", "--pictures", "small/"]).failed(1, &["blur.jpg", "pass --force to overwrite it"]);
    bench
        .run(["filters", "--pictures", "other/", "--of", FILM, "--at", "1m"])
        .failed(2, &["expected a start before the end"]);
    bench.run(["filters", "--of", FILM]).failed(2, &["--pictures"]);
    bench.run(["filters", "--size", "64x36"]).failed(2, &["--explain", "--pictures"]);
    bench.run(["filters", "--markdown", "--pictures", "small/"]).failed(2, &["--markdown"]);
}

/// How far two pictures differ in the mean, of 255.
fn difference(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let off: u64 = a.iter().zip(b.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    off as f64 / a.len() as f64
}
