//! `framereel sheet`, and pictures as a source.

mod support {
    pub mod packets;
    pub mod program;
    pub mod tools;
}

use std::process::Command;

use image::RgbImage;
use support::packets::tool;
use support::program::{Bench, run, y4m};
use support::tools;

/// The middle of each cell of a sheet of frames of this size, 4 pixels apart.
fn middles(sheet: &RgbImage, columns: u32, width: u32, height: u32) -> Vec<u8> {
    let rows = (sheet.height() - 4) / (height + 4);
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    let at = |index: u32, side: u32| 4 + index * (side + 4) + side / 2;
    cells.map(|(column, row)| sheet.get_pixel(at(column, width), at(row, height)).0[0]).collect()
}

#[test]
fn a_sheet_shows_the_middles_of_equal_parts_of_a_film() {
    let bench = Bench::new();
    // Each frame is brighter than the one before.
    bench.write("film.y4m", y4m(64, 36, 10, 40, |frame, _, _| 16 + 5 * frame as u8));
    let ran = bench.run(["sheet", "film.y4m", "--grid", "4x2", "--width", "64"]).succeeded();
    assert_eq!(ran.stdout, "wrote    film-sheet.png\nframes   8, from 0.25 s to 3.75 s\n");
    let sheet = image::open(bench.path("film-sheet.png")).expect("a picture").into_rgb8();
    assert_eq!(sheet.dimensions(), (4 * 68 + 4, 2 * 40 + 4));
    let shades = middles(&sheet, 4, 64, 36);
    // Frames 2, 7, 12 and so on: their luma in limited range as grey.
    let grey = |frame: u32| ((5 * frame) as f64 * 255.0 / 219.0).round() as i32;
    for (index, shade) in (0..).zip(&shades) {
        assert!((i32::from(*shade) - grey(2 + 5 * index)).abs() <= 2, "{index}: {shades:?}");
    }
    bench.run(["sheet", "film.y4m", "--grid", "0x2"]).failed(2, &["expected 1 to 100 columns and rows", "`0x2`"]);
    bench.run(["sheet", "film.y4m", "-o", "a.gif"]).failed(2, &[".png", "a.gif"]);
    bench.run(["sheet", "film.y4m"]).failed(1, &["film-sheet.png", "--force"]);
}

#[test]
fn pictures_are_recorded_in_the_order_of_their_numbers() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("frames")).expect("a folder");
    for index in [1_u8, 2, 10, 11] {
        let picture = RgbImage::from_pixel(64, 36, image::Rgb([index * 20; 3]));
        picture.save(bench.path(&format!("frames/f{index}.png"))).expect("a picture");
    }
    // As a shell expands frames/*.png, and the whole folder.
    let listed = ["frames/f1.png", "frames/f10.png", "frames/f11.png", "frames/f2.png"];
    let options = ["--fps", "10", "--quality", "100", "--json", "-o"];
    let expanded = bench.json(["record"].iter().chain(&listed).chain(&options).chain(&["listed.webm"]));
    let folder = bench.json(["record", "frames"].iter().chain(&options).chain(&["folder.webm"]));
    for summary in [expanded, folder] {
        assert_eq!((&summary["frames_encoded"], &summary["duration_s"]), (&4.into(), &0.4.into()), "{summary}");
    }
    if !tools::has("ffmpeg") {
        return;
    }
    for name in ["listed.webm", "folder.webm"] {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-i"]).arg(bench.path(name)).args(["-f", "rawvideo", "-pix_fmt", "gray", "-"]);
        let frames = command.output().expect("ffmpeg").stdout;
        let shades: Vec<u8> = frames.chunks(64 * 36).map(|frame| frame[32 + 18 * 64]).collect();
        assert!(shades.len() == 4 && shades.is_sorted(), "{name}: {shades:?}");
    }
    bench.run(["record", "pattern", "a.png"]).failed(2, &["another source before a.png"]);
    bench.run(["record", "frames/f1.png", "none.png"]).failed(1, &["none.png"]);
}

#[test]
fn lossy_webp_pictures_go_into_a_webm_as_they_are() {
    let bench = Bench::new();
    let film = y4m(64, 36, 10, 3, |frame, x, _| 40 + 60 * frame as u8 + x as u8);
    bench.write("film.y4m", film);
    for (number, seek) in [(1, "0"), (2, "0.1"), (10, "0.2")] {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-ss", seek, "-i", "film.y4m", "-frames:v", "1", "-c:v", "libwebp"]);
        command.args(["-lossless", "0", "-quality", "80"]).arg(format!("f{number}.webp")).current_dir(bench.folder());
        if !tools::has("ffmpeg") {
            return;
        }
        run(&mut command, &[]).succeeded();
    }
    let args = ["record", "f1.webp", "f10.webp", "f2.webp", "--fps", "4", "-o", "film.webm", "--json"];
    let summary = bench.json(args);
    assert_eq!((&summary["encoder"], &summary["frames_encoded"]), (&"copy".into(), &3.into()), "{summary}");
    assert_eq!((&summary["duration_s"], &summary["width"]), (&0.75.into(), &64.into()), "{summary}");
    // ffprobe's packets are the payloads of the pictures, in the order of their numbers.
    let sizes =
        tool("ffprobe", &["-v", "error", "-show_entries", "packet=size", "-of", "csv=p=0"], &bench.path("film.webm"));
    let payload = |number: u32| {
        let bytes = std::fs::read(bench.path(&format!("f{number}.webp"))).expect("a picture");
        u32::from_le_bytes(bytes[16..20].try_into().expect("a size")).to_string()
    };
    let sizes: Vec<String> = sizes.expect("sizes").lines().map(|line| line.trim_end_matches(',').to_owned()).collect();
    assert_eq!(sizes, [1, 2, 10].map(payload));
    // With a filter they are encoded.
    let filtered = ["record", "f1.webp", "f2.webp", "--fps", "4", "--filter", "sepia(1)", "-o", "b.webm", "--json"];
    assert_ne!(bench.json(filtered)["encoder"], "copy");
}
