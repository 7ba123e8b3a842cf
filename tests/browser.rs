//! Recorded files in a browser: Chromium seeks to the right frame, reports the right duration and shows the right
//! colours. `make test` installs Chromium; see support/tools.rs.

mod support {
    pub mod browser;
    pub mod figures;
    pub mod program;
    pub mod tools;
}

use std::path::Path;

use image::{Rgb, RgbImage, RgbaImage};
use serde_json::{Value, json};
use support::browser::judge;
use support::figures::{Figures, difference, fault};
use support::program::{Bench, y4m};

const WIDTH: usize = 640;
const HEIGHT: usize = 360;

/// A film that tells which frame it shows: eight stripes, black or white, are the bits of the frame's index.
fn counting_film(frames: usize) -> Vec<u8> {
    y4m(WIDTH, HEIGHT, 25, frames, |frame, x, _| if frame >> (x * 8 / WIDTH) & 1 == 1 { 235 } else { 16 })
}

/// Reads the index that a frame of [`counting_film`] shows at each of these times, in seconds.
fn indices_at(film: &Path, times: &[f64]) -> Option<Vec<u64>> {
    let points: Vec<_> = (0..8).map(|bit| json!([WIDTH * (2 * bit + 1) / 16, HEIGHT / 2])).collect();
    let script = format!(
        "const video = await open('/film.webm');
         const seen = [];
         for (const time of {}) {{
           await seek(video, time);
           seen.push(pixels(video, {}).reduce((sum, [red], bit) => sum + (red > 127) * 2 ** bit, 0));
         }}
         return seen;",
        json!(times),
        json!(points)
    );
    let seen = judge(&[("film.webm", film)], &script)?;
    Some(seen.as_array().expect("a list").iter().map(|index| index.as_u64().expect("an index")).collect())
}

#[test]
fn chromium_seeks_to_the_right_frame() {
    let bench = Bench::new();
    bench.write("film.y4m", counting_film(132));
    bench.run(["record", "film.y4m", "-o", "film.webm"]).succeeded();
    // In the middle of a frame, so that no rounding decides; then backwards, and the first and the last one.
    let Some(seen) = indices_at(&bench.path("film.webm"), &[4.02, 1.02, 3.34, 0.02, 5.26]) else { return };
    assert_eq!(seen, [100, 25, 83, 0, 131]);
    // A frame begins at its own time.
    assert_eq!(indices_at(&bench.path("film.webm"), &[4.0]), Some(vec![100]));
}

#[test]
fn chromium_knows_the_length_and_seeks_anywhere_in_it() {
    let bench = Bench::new();
    bench.run(["record", "pattern", "--duration", "5s", "--size", "640x360", "-o", "pattern.webm"]).succeeded();
    let Some(seen) = judge(
        &[("pattern.webm", &bench.path("pattern.webm"))],
        "const video = await open('/pattern.webm');
         const { duration, videoWidth, videoHeight, seekable } = video;
         return { duration, size: [videoWidth, videoHeight], from: seekable.start(0), to: seekable.end(0) };",
    ) else {
        return;
    };
    let seconds = |name: &str| seen[name].as_f64().expect("seconds");
    assert!((seconds("duration") - 5.0).abs() < 0.002, "{seen}");
    assert_eq!(seconds("from"), 0.0, "{seen}");
    assert!((seconds("to") - 5.0).abs() < 0.002, "{seen}");
    assert_eq!(seen["size"], json!([640, 360]));
}

/// The colours of the test card, none at the ends of the range, so that nothing hides in a clamp.
const BARS: [[u8; 3]; 8] = [
    [235, 235, 235],
    [220, 220, 20],
    [20, 220, 220],
    [20, 220, 20],
    [220, 20, 220],
    [220, 20, 20],
    [20, 20, 220],
    [128, 128, 128],
];

#[test]
fn chromium_shows_the_colours_that_were_drawn() {
    let bench = Bench::new();
    let card = RgbImage::from_fn(WIDTH as u32, HEIGHT as u32, |x, _| Rgb(BARS[x as usize * 8 / WIDTH]));
    card.save(bench.path("card.png")).expect("a saved picture");
    let points: Vec<_> = (0..8).map(|bar| json!([WIDTH * (2 * bar + 1) / 16, HEIGHT / 2])).collect();
    let films = ["av1", "vp8", "vp9"].map(|codec| {
        let name = format!("{codec}.webm");
        let options = ["--duration", "1s", "--quality", "90", "--codec", codec, "-o", &name];
        bench.run(["record", "card.png"].iter().chain(&options)).succeeded();
        name
    });
    let script = format!(
        "const seen = [];
         for (const film of {}) {{
             const video = await open('/' + film);
             await seek(video, 0.5);
             const frame = new VideoFrame(video);
             seen.push({{ tags: frame.colorSpace.toJSON(), pixels: pixels(video, {}), duration: video.duration }});
         }}
         return seen;",
        json!(films),
        json!(points)
    );
    let paths = films.each_ref().map(|name| bench.path(name));
    let files: Vec<_> = films.iter().zip(&paths).map(|(name, path)| (&**name, &**path)).collect();
    let Some(seen) = judge(&files, &script) else { return };
    for (film, seen) in films.iter().zip(seen.as_array().expect("what was seen")) {
        let tags = &seen["tags"];
        assert_eq!(
            (&tags["matrix"], &tags["primaries"], &tags["fullRange"]),
            (&json!("bt709"), &json!("bt709"), &json!(false)),
            "{film}"
        );
        assert!((seen["duration"].as_f64().expect("a number") - 1.0).abs() < 0.002, "{film}: {seen}");
        let worst = worst(&BARS, &seen["pixels"]);
        println!("{film} off at the most: {worst:?}");
        assert!(within(worst, [1, 1, 10]), "{film}: {worst:?}: drawn {BARS:?}, seen {seen}");
    }
}

#[test]
fn chromium_shows_the_pattern_as_a_still_has_it() {
    let bench = Bench::new();
    let pattern = ["pattern", "--size", "640x360"];
    bench
        .run(["record"].iter().chain(&pattern).chain(&["--duration", "2s", "--quality", "90", "--fps", "30"]))
        .succeeded();
    bench.run(["still"].iter().chain(&pattern).chain(&["--at", "1s"])).succeeded();
    let still = image::open(bench.path("pattern.png")).expect("a picture").to_rgb8();
    let flat = flat_points(&still);
    assert!(flat.len() > 100, "only {} places of one colour in the pattern", flat.len());
    let script = format!(
        "const video = await open('/pattern.webm');
         await seek(video, 1 + 1 / 60);
         return pixels(video, {});",
        json!(flat)
    );
    let Some(seen) = judge(&[("pattern.webm", &bench.path("pattern.webm"))], &script) else { return };
    let drawn: Vec<_> = flat.iter().map(|&[x, y]| still.get_pixel(x, y).0).collect();
    let worst = worst(&drawn, &seen);
    println!("off at the most: {worst:?}");
    assert!(within(worst, [3, 2, 12]), "{worst:?}");
}

/// Points of a grid around which 16×16 pixels have one colour.
fn flat_points(picture: &RgbImage) -> Vec<[u32; 2]> {
    const AROUND: u32 = 8;
    let (width, height) = picture.dimensions();
    let flat = |x: u32, y: u32| {
        let colour = picture.get_pixel(x, y);
        (x - AROUND..x + AROUND).all(|x| (y - AROUND..y + AROUND).all(|y| picture.get_pixel(x, y) == colour))
    };
    let grid =
        (AROUND..height - AROUND).step_by(12).flat_map(|y| (AROUND..width - AROUND).step_by(12).map(move |x| [x, y]));
    grid.filter(|&[x, y]| flat(x, y)).collect()
}

fn colours(seen: &Value) -> impl Iterator<Item = [u8; 3]> {
    let channel = |value: &Value| value.as_u64().and_then(|value| u8::try_from(value).ok()).expect("a byte");
    seen.as_array()
        .expect("a list")
        .iter()
        .map(move |pixel| [channel(&pixel[0]), channel(&pixel[1]), channel(&pixel[2])])
}

/// How far each channel of what Chromium shows is off what was drawn, at the most.
fn worst(drawn: &[[u8; 3]], seen: &Value) -> [u8; 3] {
    let seen: Vec<_> = colours(seen).collect();
    assert_eq!(drawn.len(), seen.len());
    drawn.iter().zip(seen).fold([0; 3], |worst, (drawn, seen)| {
        std::array::from_fn(|channel| worst[channel].max(drawn[channel].abs_diff(seen[channel])))
    })
}

/// Whether no channel is further off than was measured and one step more. Blue is the worst: where Chromium has no GPU,
/// its conversion (libyuv, with 6 bits of fraction) takes 127/64 for BT.709's 2.112 and moves a saturated blue by up to 9.
fn within(worst: [u8; 3], measured: [u8; 3]) -> bool {
    worst.iter().zip(measured).all(|(&worst, measured)| worst <= measured + 1)
}

/// A picture of hard edges and every kind of alpha, where filters show what they are made of.
fn hard_picture() -> image::RgbaImage {
    image::RgbaImage::from_fn(160, 90, |x, y| {
        let ring = (x as i32 - 45).pow(2) + (y as i32 - 40).pow(2);
        let color = match (x, y) {
            _ if ring < 400 => [255, 40, 0, 255],
            _ if ring < 900 => [0, 0, 0, 0],
            (80..110, 10..60) => [0, 200, 255, 128],
            (115..150, _) if (x / 4 + y / 4) % 2 == 0 => [255, 255, 255, 255],
            (115..150, _) => [20, 20, 20, 255],
            (_, 70..) => [(x * 255 / 160) as u8, (y * 2) as u8, 128, (255 - x * 255 / 160) as u8],
            _ => [0, 0, 0, 0],
        };
        image::Rgba(color)
    })
}

#[test]
fn filters_draw_as_chromiums_canvas_does_on_chains_and_pictures_of_any_kind() {
    let bench = Bench::new();
    let film = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/canvas-reference/source.png");
    let film = image::imageops::crop_imm(&image::open(film).expect("a picture").to_rgba8(), 80, 40, 160, 90).to_image();
    let pictures = [("film.png", film), ("hard.png", hard_picture())];
    let measured = Figures::read().live;
    assert!(measured.keys().eq(pictures.iter().map(|(name, _)| name)), "figures of each picture");
    let chains = |name: &str| measured[name].iter().map(|case| case.chain.as_str()).collect::<Vec<_>>();
    let script = format!(
        "const chains = {};
         const results = {{}};
         for (const name in chains) {{
             const image = new Image();
             image.src = '/' + name;
             await image.decode();
             results[name] = chains[name].map((chain) => {{
                 const canvas = new OffscreenCanvas(image.width, image.height);
                 const context = canvas.getContext('2d');
                 context.filter = chain;
                 context.drawImage(image, 0, 0);
                 return Array.from(context.getImageData(0, 0, image.width, image.height).data).join();
             }});
         }}
         return results;",
        json!({ "film.png": chains("film.png"), "hard.png": chains("hard.png") })
    );
    for (name, picture) in &pictures {
        picture.save(bench.path(name)).expect("a saved picture");
    }
    let [film, hard] = ["film.png", "hard.png"].map(|name| bench.path(name));
    let Some(drawn) = judge(&[("film.png", &film), ("hard.png", &hard)], &script) else { return };
    let mut faults = Vec::new();
    for (name, _) in &pictures {
        let theirs = drawn[*name].as_array().expect("a list of pictures");
        assert_eq!(theirs.len(), measured[*name].len());
        for (case, theirs) in measured[*name].iter().zip(theirs) {
            let chain = &case.chain;
            bench.run(["still", name, "--filter", chain, "-o", "ours.png", "--force"]).succeeded();
            let ours = image::open(bench.path("ours.png")).expect("a picture").to_rgba8();
            let bytes = theirs.as_str().expect("a list of bytes").split(',');
            let theirs = bytes.map(|byte| byte.parse().unwrap_or_else(|_| panic!("{byte:?} of {chain}"))).collect();
            let theirs = RgbaImage::from_raw(ours.width(), ours.height(), theirs).expect("a picture of the same size");
            let (most, mean) = difference(&ours, &theirs);
            println!("{name} {chain:<62} {most:>7.2} {mean:>6.3}");
            faults.extend(fault(&format!("{name} {chain}"), (most, mean), (case.most, case.mean)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
