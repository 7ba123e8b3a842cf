//! `--background`: what is transparent, in outputs that hold no transparency.

mod support {
    pub mod program;
    pub mod tools;
}

use std::path::Path;
use std::process::Command;

use image::{ImageFormat, Rgba, RgbaImage};
use support::program::Bench;
use support::tools;

const NOTE: &str = "note: what is transparent is recorded over black; --background COLOR puts another colour there\n";

/// Red on the left, half red in the middle, nothing on the right.
fn logo(bench: &Bench, name: &str, alpha: [u8; 3]) {
    let picture = RgbaImage::from_fn(48, 32, |x, _| Rgba([255, 0, 0, alpha[x as usize / 16]]));
    picture.save_with_format(bench.path(name), ImageFormat::Png).expect("a picture");
}

/// The pixels of the first frame at 8, 24 and 40 pixels from the left, as ffmpeg decodes them; none where it is
/// missing.
fn pixels(path: &Path) -> Option<[[u8; 3]; 3]> {
    if !tools::has("ffmpeg") {
        return None;
    }
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(path).args(["-frames:v", "1"]);
    // ffmpeg takes files of this size for SD unless it is told.
    let exact = "scale=in_color_matrix=bt709:flags=accurate_rnd+full_chroma_int,format=rgb24";
    let decoded = command.args(["-vf", exact, "-f", "rawvideo", "-"]).output().expect("ffmpeg");
    assert!(decoded.status.success() && decoded.stderr.is_empty(), "{decoded:?}");
    Some([8, 24, 40].map(|x| decoded.stdout[(16 * 48 + x) * 3..][..3].try_into().expect("a pixel")))
}

#[track_caller]
fn check(path: &Path, expected: [[u8; 3]; 3]) {
    let Some(found) = pixels(path) else { return };
    let near = found.as_flattened().iter().zip(expected.as_flattened()).all(|(a, b)| a.abs_diff(*b) <= 6);
    assert!(near, "{found:?}, expected {expected:?}");
}

#[test]
fn a_transparent_picture_is_recorded_over_the_colour_asked_for_or_over_black_which_is_said() {
    let bench = Bench::new();
    logo(&bench, "logo.png", [255, 128, 0]);
    let record = |more: &[&str]| {
        let fixed = ["record", "logo.png", "--frames", "2", "--quality", "100", "--force"];
        bench.run([&fixed[..], more].concat()).succeeded().stderr
    };
    assert_eq!(record(&[]), NOTE);
    check(&bench.path("logo.webm"), [[255, 0, 0], [128, 0, 0], [0, 0, 0]]);
    assert_eq!(record(&["--background", "white"]), "");
    check(&bench.path("logo.webm"), [[255, 0, 0], [255, 127, 127], [255, 255, 255]]);
    // The same as the last filter of the chain.
    assert_eq!(record(&["--filter", "background(#00f)"]), "");
    check(&bench.path("logo.webm"), [[255, 0, 0], [128, 0, 127], [0, 0, 255]]);
    // Behind all filters.
    assert_eq!(record(&["--filter", "invert(1)", "--background", "rgb(0 0 255)"]), "");
    check(&bench.path("logo.webm"), [[0, 255, 255], [0, 128, 255], [0, 0, 255]]);
}

#[test]
fn only_what_is_transparent_is_said_to_be() {
    let bench = Bench::new();
    logo(&bench, "opaque.png", [255; 3]);
    let shader =
        |alpha: &str| format!("fn image(position: vec2f) -> vec4f {{ return vec4f(1.0, 1.0, 1.0, {alpha}); }}");
    bench.write("solid.wgsl", shader("1.0"));
    bench.write("sheer.wgsl", shader("position.x / frame.resolution.x"));
    for (source, filter, said) in [
        ("opaque.png", "none", false),
        ("opaque.png", "chroma-key(#0f0)", true),
        ("opaque.png", "opacity(50%)", true),
        ("opaque.png", "opacity(1) blur(2px) zoom(0.9)", false),
        ("shader:solid.wgsl", "none", false),
        ("shader:sheer.wgsl", "none", true),
        ("shader:sheer.wgsl", "background(black)", false),
    ] {
        let args =
            ["record", source, "--filter", filter, "--size", "48x32", "--frames", "1", "-o", "a.webm", "--force"];
        let ran = bench.run(args).succeeded();
        assert_eq!(ran.stderr, if said { NOTE } else { "" }, "{source} {filter}");
    }
}

#[test]
fn a_still_keeps_its_transparency_where_it_can_and_takes_a_background_where_asked() {
    let bench = Bench::new();
    logo(&bench, "logo.png", [255, 128, 0]);
    let still = |more: &[&str]| bench.run([&["still", "logo.png", "--force"], more].concat()).succeeded().stderr;
    let pixel = |name: &str| image::open(bench.path(name)).expect("a picture").to_rgba8().get_pixel(40, 16).0;
    assert_eq!((still(&["-o", "a.png"]), pixel("a.png")), (String::new(), [0; 4]));
    assert_eq!((still(&["-o", "a.png", "--background", "lime"]), pixel("a.png")), (String::new(), [0, 255, 0, 255]));
    assert_eq!((still(&["-o", "a.jpg"]), pixel("a.jpg")[3]), (NOTE.to_owned(), 255));
    assert_eq!(still(&["-o", "a.jpg", "--background", "lime"]), "");
}

#[test]
fn a_background_that_is_no_colour_is_refused() {
    let bench = Bench::new();
    for color in ["bluish", "", "red) blur(2px", "#12345", "red, blue"] {
        let ran = bench.run(["record", "pattern", "--background", color]);
        assert!(ran.code == Some(2) && ran.stderr.contains("expected a colour such as red"), "{color}: {ran:?}");
    }
    assert_eq!(bench.names(), [""; 0]);
}

#[test]
fn transparency_is_refused_where_no_output_holds_it() {
    let bench = Bench::new();
    logo(&bench, "logo.png", [255, 128, 0]);
    let record = |more: &[&str]| bench.run([&["record", "logo.png", "--frames", "2", "--alpha"][..], more].concat());
    for (outputs, found) in [
        (&["-o", "logo.mp4"][..], "MP4"),
        (&["-o", "logo.mp4", "--codec", "vp9"], "MP4"),
        (&["-o", "logo.jpg"], "JPEG"),
        (&["-o", "logo.mp4", "-o", "logo.jpg"], "MP4 and JPEG"),
    ] {
        let expected = "expected an output that holds transparency beside --alpha, as FILE.webm, but found";
        record(outputs).failed(2, &[&format!("{expected} {found}\n")]);
    }
    // Beside an output that holds it, the other one shows it over black.
    assert_eq!(record(&["-o", "logo.mp4", "-o", "kept.apng"]).succeeded().stderr, NOTE);
}
