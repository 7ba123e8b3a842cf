//! The results of filters on pictures, compared with Chromium's canvas and with golden pictures.

mod support {
    pub mod figures;
}

use std::path::{Path, PathBuf};

use framereel::canvas::{Canvas, Capture};
use framereel::color::ColorSpace;
use framereel::filter::{self, FilterChain, ParamKind};
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::time::Timestamp;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{Rgba, RgbaImage, imageops};
use support::figures::{Figures, difference, fault};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn picture(path: &Path) -> RgbaImage {
    image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).to_rgba8()
}

fn frame(picture: &RgbaImage) -> Frame {
    let size = Size::new(picture.width(), picture.height());
    Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, picture.as_raw().clone())
}

fn filtered(gpu: &Gpu, source: &RgbaImage, chain: &str) -> RgbaImage {
    let chain: FilterChain = chain.parse().unwrap_or_else(|error| panic!("{error}"));
    let mut canvas = Canvas::new(gpu, Size::new(source.width(), source.height())).unwrap();
    canvas.set_filter(&chain);
    canvas.draw(frame(source));
    let result = canvas.read().unwrap();
    RgbaImage::from_raw(source.width(), source.height(), result.data().to_vec()).unwrap()
}

/// What the chain makes of the last of these pictures, which follow each other by a quarter of a second.
fn filtered_film(gpu: &Gpu, pictures: &[RgbaImage], chain: &str) -> RgbaImage {
    filtered_film_by(gpu, pictures, &chain.parse().unwrap_or_else(|error| panic!("{error}")))
}

fn filtered_film_by(gpu: &Gpu, pictures: &[RgbaImage], chain: &FilterChain) -> RgbaImage {
    let (width, height) = pictures[0].dimensions();
    let mut capture = Capture::new(gpu, chain, Size::new(width, height), PixelFormat::Rgba8);
    let mut last = None;
    for (picture, quarter) in pictures.iter().zip(0..) {
        capture.submit(&frame(picture), Timestamp::from_nanos(quarter * 250_000_000)).unwrap();
        last = capture.take().unwrap();
    }
    RgbaImage::from_raw(width, height, last.unwrap().data().to_vec()).unwrap()
}

#[test]
fn every_css_filter_is_as_chromium_draws_it() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(data("canvas-reference/manifest.json")).unwrap()).unwrap();
    let source = picture(&data("canvas-reference/source.png"));
    let mut faults = Vec::new();
    println!("{:<62} {:>7} {:>6}", "filter", "most", "mean");
    let cases = manifest["cases"].as_array().unwrap();
    let measured = Figures::read().stored;
    assert_eq!(cases.len(), measured.len());
    for (case, measured) in cases.iter().zip(measured) {
        let (name, chain) = (case["name"].as_str().unwrap(), case["filter"].as_str().unwrap());
        assert_eq!(chain, measured.chain);
        let expected = picture(&data(&format!("canvas-reference/{name}.png")));
        let (most, mean) = difference(&filtered(&gpu, &source, chain), &expected);
        println!("{chain:<62} {most:>7.2} {mean:>6.3}");
        faults.extend(fault(chain, (most, mean), (measured.most, measured.mean)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A picture of 160×90 that comes in from the right, in three frames.
fn small_film() -> [RgbaImage; 3] {
    let whole = imageops::thumbnail(&picture(&data("canvas-reference/source.png")), 160, 90);
    [10, 5, 0].map(|away: u32| RgbaImage::from_fn(160, 90, |x, y| *whole.get_pixel((x + 160 - away) % 160, y)))
}

/// Every filter that needs no file, in the catalog's order. Draws them anew into the goldens with
/// `FRAMEREEL_UPDATE_GOLDENS=1`.
#[test]
fn every_filter_draws_its_golden_picture() {
    let fileless = filter::catalog()
        .iter()
        .filter(|info| !info.params.iter().any(|param| matches!(param.kind, ParamKind::Lut | ParamKind::Shader)));
    let names: Vec<_> = fileless.map(|info| info.name).collect();
    let goldens = Figures::read().golden;
    assert_eq!(names, goldens.iter().map(|golden| &golden.name).collect::<Vec<_>>(), "each filter has its golden");
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let film = small_film();
    let mut faults = Vec::new();
    println!("{:<62} {:>7} {:>6}", "filter", "most", "mean");
    for measured in &goldens {
        let (name, chain) = (&measured.name, &measured.chain);
        let golden = data(&format!("golden/{name}.png"));
        let drawn = filtered_film(&gpu, &film, chain);
        if std::env::var_os("FRAMEREEL_UPDATE_GOLDENS").is_some() {
            save(&drawn, &golden);
            continue;
        }
        let (most, mean) = difference(&drawn, &picture(&golden));
        println!("{chain:<62} {most:>7.2} {mean:>6.3}");
        if let Some(fault) = fault(chain, (most, mean), (measured.most, measured.mean)) {
            let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
            save(&drawn, &actual);
            faults.push(format!("{fault}; expected {} but drew {}", golden.display(), actual.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// As small a PNG as it gets.
fn save(picture: &RgbaImage, path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let encoder = PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive);
    if picture.pixels().all(|pixel| pixel[3] == 255) {
        image::DynamicImage::from(picture.clone()).to_rgb8().write_with_encoder(encoder).unwrap();
    } else {
        picture.write_with_encoder(encoder).unwrap();
    }
}

/// Red, green, blue and alpha as the filters see them, 0–1.
type Color = [f64; 4];

fn at(picture: &RgbaImage, x: i64, y: i64) -> Color {
    let (right, bottom) = (i64::from(picture.width()) - 1, i64::from(picture.height()) - 1);
    picture.get_pixel(x.clamp(0, right) as u32, y.clamp(0, bottom) as u32).0.map(|value| f64::from(value) / 255.0)
}

fn luma([r, g, b, _]: Color) -> f64 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Each channel of a colour by itself; alpha stays.
fn each(color: Color, change: impl Fn(f64) -> f64) -> Color {
    [change(color[0]), change(color[1]), change(color[2]), color[3]]
}

fn between(from: [u8; 3], to: [u8; 3], part: f64) -> Color {
    let value = |i: usize| (f64::from(from[i]) * (1.0 - part) + f64::from(to[i]) * part) / 255.0;
    [value(0), value(1), value(2), 1.0]
}

/// PCG-RXS-M-XS of 32 bits, after M. Jarzynski and M. Olano, "Hash Functions for GPU Rendering", 2020.
fn pcg(value: u32) -> u32 {
    let state = value.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let word = ((state >> ((state >> 28) + 4)) ^ state).wrapping_mul(277_803_737);
    (word >> 22) ^ word
}

/// The noise of the first frame.
fn noise(x: i64, y: i64, seed: u32) -> f64 {
    let random = pcg((x as u32).wrapping_add(pcg((y as u32).wrapping_add(pcg(pcg(seed))))));
    (f64::from(random & 0xffff) + f64::from(random >> 16)) / 65535.0 - 1.0
}

/// The strength of the luminance's slope (Sobel), by its definition as two 3×3 kernels.
fn sobel(picture: &RgbaImage, x: i64, y: i64) -> f64 {
    const ACROSS: [[f64; 3]; 3] = [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]];
    let (mut across, mut down) = (0.0, 0.0);
    for (j, i) in (0..3).flat_map(|j| (0..3).map(move |i| (j, i))) {
        let luma = luma(at(picture, x + i as i64 - 1, y + j as i64 - 1));
        across += ACROSS[j][i] * luma;
        down += ACROSS[i][j] * luma;
    }
    across.hypot(down)
}

/// The mean of the middles of each quarter of a square of 8: of the pixels 1, 2, 5 and 6, of whole squares.
fn pixelated(picture: &RgbaImage, x: i64, y: i64) -> Color {
    let mut sum = [0.0; 4];
    for (i, j) in [1, 2, 5, 6].into_iter().flat_map(|i| [1, 2, 5, 6].map(|j| (i, j))) {
        let color = at(picture, x / 8 * 8 + i, y / 8 * 8 + j);
        sum.iter_mut().zip(color).for_each(|(sum, value)| *sum += value / 16.0);
    }
    sum
}

/// The upper left quarter, linearly between the middles of its pixels.
fn doubled(picture: &RgbaImage, x: i64, y: i64) -> Color {
    let ends = |at: i64| [(at / 2, 0.75), (if at % 2 == 0 { at / 2 - 1 } else { at / 2 + 1 }, 0.25)];
    let mut sum = [0.0; 4];
    for ((x, across), (y, down)) in ends(x).into_iter().flat_map(|x| ends(y).map(|y| (x, y))) {
        sum.iter_mut().zip(at(picture, x, y)).for_each(|(sum, value)| *sum += value * across * down);
    }
    sum
}

#[test]
fn filters_of_short_maths_do_what_the_maths_says() {
    // A chain, how far off it was measured at the most (half a step is rounding), and what it is to draw.
    type Maths = fn(&RgbaImage, i64, i64) -> Color;
    let references: &[(&str, f64, Maths)] = &[
        ("none", 0.00, |p, x, y| at(p, x, y)),
        ("brightness(0.7)", 0.50, |p, x, y| each(at(p, x, y), |v| v * 0.7)),
        ("contrast(1.6)", 0.50, |p, x, y| each(at(p, x, y), |v| (v - 0.5) * 1.6 + 0.5)),
        ("invert(0.8)", 0.40, |p, x, y| each(at(p, x, y), |v| v * 0.2 + (1.0 - v) * 0.8)),
        ("opacity(0.4) background(#2a6f97)", 0.50, |p, x, y| {
            let (color, behind) = (at(p, x, y), [42.0, 111.0, 151.0].map(|value| value / 255.0));
            let mixed = |i: usize| color[i] * 0.4 + behind[i] * 0.6;
            [mixed(0), mixed(1), mixed(2), 1.0]
        }),
        ("posterize(4)", 0.00, |p, x, y| each(at(p, x, y), |v| (v * 3.0).round() / 3.0)),
        ("solarize(0.45)", 0.00, |p, x, y| each(at(p, x, y), |v| if v > 0.45 { 1.0 - v } else { v })),
        ("threshold(0.45)", 0.00, |p, x, y| each(at(p, x, y), |_| f64::from(luma(at(p, x, y)) >= 0.45))),
        ("threshold(0.5, 0.2)", 0.50, |p, x, y| {
            each(at(p, x, y), |_| ((luma(at(p, x, y)) - 0.4) / 0.2).clamp(0.0, 1.0))
        }),
        ("duotone(#102030, #f0e0d0)", 0.50, |p, x, y| between([16, 32, 48], [240, 224, 208], luma(at(p, x, y)))),
        ("tint(#ff8000, 0.5)", 0.50, |p, x, y| {
            let [r, g, b, a] = at(p, x, y);
            [r, g * (0.5 + 0.5 * 128.0 / 255.0), b * 0.5, a]
        }),
        ("scanlines(4px, 0.8)", 0.40, |p, x, y| each(at(p, x, y), |v| v * [0.2, 0.8, 1.0, 0.8][(y % 4) as usize])),
        ("vignette(0.9)", 0.50, |p, x, y| {
            let (width, height) = (f64::from(p.width()), f64::from(p.height()));
            let (across, down) = (x as f64 + 0.5 - width / 2.0, y as f64 + 0.5 - height / 2.0);
            let t = ((2.0 * across.hypot(down) / width.hypot(height) - 0.4) / 0.6).clamp(0.0, 1.0);
            each(at(p, x, y), |v| v * (1.0 - 0.9 * t * t * (3.0 - 2.0 * t)))
        }),
        ("grain(0.3, 5)", 0.50, |p, x, y| each(at(p, x, y), |v| v + 0.3 * noise(x, y, 5))),
        ("edge(0.8)", 0.85, |p, x, y| each(at(p, x, y), |_| 0.8 * sobel(p, x, y))),
        ("flip()", 0.00, |p, x, y| at(p, i64::from(p.width()) - 1 - x, y)),
        ("flip(vertical)", 0.00, |p, x, y| at(p, x, i64::from(p.height()) - 1 - y)),
        ("mirror(left)", 0.00, |p, x, y| at(p, x.min(i64::from(p.width()) - 1 - x), y)),
        ("mirror(right)", 0.00, |p, x, y| at(p, x.max(i64::from(p.width()) - 1 - x), y)),
        ("mirror(top)", 0.00, |p, x, y| at(p, x, y.min(i64::from(p.height()) - 1 - y))),
        ("mirror(bottom)", 0.00, |p, x, y| at(p, x, y.max(i64::from(p.height()) - 1 - y))),
        ("pixelate(8px)", 0.56, pixelated),
        ("zoom(2, 0, 0)", 0.56, doubled),
        ("crop(0, 0, 50%, 50%)", 0.56, doubled),
    ];
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    // A height of whole squares of 8, for `pixelate`.
    let source = imageops::crop_imm(&picture(&data("canvas-reference/source.png")), 0, 0, 320, 176).to_image();
    let mut faults = Vec::new();
    for (chain, measured, maths) in references {
        let drawn = filtered(&gpu, &source, chain);
        let mut most = (0.0, 0, 0);
        for (x, y, pixel) in drawn.enumerate_pixels() {
            let expected = maths(&source, i64::from(x), i64::from(y));
            for (value, expected) in pixel.0.iter().zip(expected) {
                let off = (f64::from(*value) - expected.clamp(0.0, 1.0) * 255.0).abs();
                if off > most.0 {
                    most = (off, x, y);
                }
            }
        }
        println!("{chain:<40} {:>5.2}", most.0);
        // A tenth more: between passes the colours are half floats, whose steps are a sixteenth of these.
        if most.0 > measured + 0.1 {
            faults.push(format!("{chain}: {:.2} off at {}, {}", most.0, most.1, most.2));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_should_change_nothing_changes_nothing() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    // Odd sides: the middle row and column have no partner.
    let source = imageops::crop_imm(&picture(&data("canvas-reference/source.png")), 3, 5, 201, 111).to_image();
    for chain in [
        "flip() flip()",
        "flip(vertical) flip(vertical)",
        "flip(both) flip(horizontal) flip(vertical)",
        "crop()",
        "background(red)",
        "background(transparent)",
        "tint(white)",
        "sharpen(0)",
        "bloom(0)",
        "grain(0)",
        "glitch(0)",
        "scanlines(4px, 0)",
        "pixelate(1px)",
        "motion-trail()",
        "posterize(256)",
        "solarize(1)",
        "chroma-key(#0f0, 0, 0)",
        "zoom(1)",
        "lens(0)",
        "chromatic-aberration(0)",
        "rotate(0)",
        "rotate(360deg)",
        "rotate(-7turn)",
        "rotate(90deg) rotate(-90deg) flip() rotate(180deg) flip(vertical)",
    ] {
        // A quarter turn of what is not square loses its ends.
        let square = imageops::crop_imm(&source, 0, 0, 111, 111).to_image();
        let source = if chain.contains("90deg") { &square } else { &source };
        let (most, _) = difference(&filtered(&gpu, source, chain), source);
        let allowed = if chain.contains("rotate") { 1.0 } else { 0.0 };
        assert!(most <= allowed, "{chain}: {most:.1} off");
    }
}

#[test]
fn grain_is_the_same_again_and_another_in_the_next_frame_and_from_another_seed() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let grey = RgbaImage::from_pixel(160, 90, Rgba([128, 128, 128, 255]));
    let film = [grey.clone(), grey.clone()];
    let drawn = |frames, chain| filtered_film(&gpu, &film[..frames], chain);
    let first = drawn(1, "grain(0.2, 1)");
    assert_eq!(first, drawn(1, "grain(0.2, 1)"));
    for other in [drawn(2, "grain(0.2, 1)"), drawn(1, "grain(0.2, 2)")] {
        let same = first.pixels().zip(other.pixels()).filter(|(a, b)| a == b).count();
        assert!(same < 90 * 160 / 20, "{same} pixels are the same");
    }
    let mean = first.pixels().map(|pixel| f64::from(pixel[0])).sum::<f64>() / (160.0 * 90.0);
    assert!((mean - 128.0).abs() < 1.0, "a mean of {mean}");
}

#[test]
fn a_glitch_moves_in_time_and_is_the_same_at_the_same_time() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let still = picture(&data("canvas-reference/source.png"));
    let film = [still.clone(), still];
    let drawn = |frames| filtered_film(&gpu, &film[..frames], "glitch(0.8)");
    assert_eq!(drawn(2), drawn(2));
    assert!(difference(&drawn(1), &drawn(2)).1 > 2.0);
}

#[test]
fn a_trail_shows_the_past_less_and_less() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let [black, white] = [0, 255].map(|value| RgbaImage::from_pixel(16, 16, Rgba([value, value, value, 255])));
    let mut film = vec![white];
    for expected in [255, 128, 64, 32] {
        let drawn = filtered_film(&gpu, &film, "motion-trail(0.5)");
        assert!(drawn.pixels().all(|pixel| pixel[0].abs_diff(expected) <= 1 && pixel[3] == 255), "{expected}");
        film.push(black.clone());
    }
}

#[test]
fn a_clamped_edge_keeps_film_opaque_and_the_default_fades_its_borders() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let source = picture(&data("canvas-reference/source.png"));
    for chain in ["blur(3px)", "blur(20px)", "rotate(30deg)", "zoom(0.5)"] {
        let clamped = filtered(&gpu, &source, &format!("{chain} edge=clamp"));
        assert!(clamped.pixels().all(|pixel| pixel[3] == 255), "{chain}");
        let faded = filtered(&gpu, &source, chain);
        assert!(faded.get_pixel(0, 0)[3] < 140, "{chain}: {:?} in the corner", faded.get_pixel(0, 0));
    }
    // These take no pixel from outside.
    for chain in [
        "zoom(2, 0, 1)",
        "crop(0, 0, 0.6, 0.6)",
        "lens(1)",
        "lens(-1)",
        "pixelate(9px)",
        "mirror()",
        "glitch()",
        "chromatic-aberration(20px)",
        "sharpen(2, 4px)",
        "bloom()",
        "edge()",
    ] {
        let drawn = filtered(&gpu, &source, chain);
        assert!(drawn.pixels().all(|pixel| pixel[3] == 255), "{chain}");
    }
}

#[test]
fn what_is_transparent_has_no_colour_that_could_bleed() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    // Half-transparent white in the middle of nothing, which is black where one looks.
    let source = RgbaImage::from_fn(64, 64, |x, y| {
        let inside = (16..48).contains(&x) && (16..48).contains(&y);
        if inside { Rgba([255, 255, 255, 128]) } else { Rgba([0, 0, 0, 0]) }
    });
    for chain in [
        "blur(3px)",
        "blur(9px)",
        "rotate(20deg)",
        "zoom(1.3)",
        "crop(0.1, 0.2, 0.1)",
        "lens(0.7)",
        "pixelate(6px)",
        "sharpen(2, 3px)",
        "bloom(2, 5px, 0.2)",
        "motion-trail()",
        "drop-shadow(5px, 5px, 3px, white)",
        "chroma-key()",
        "background(rgb(255 255 255 / 20%))",
    ] {
        let drawn = filtered_film(&gpu, &[source.clone(), source.clone()], chain);
        let seen = drawn.pixels().filter(|pixel| pixel[3] > 0).count();
        assert!(seen > 32 * 32 / 2, "{chain}: {seen} pixels");
        // Of an alpha of 1/255 a colour is a matter of rounding.
        let fringe = drawn.pixels().filter(|pixel| pixel[3] > 1).find(|pixel| pixel.0[..3] != [255; 3]);
        assert_eq!(fringe, None, "{chain}");
    }
}

#[test]
fn a_chroma_key_takes_its_colour_away_and_leaves_others() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let drawn = |color: [u8; 3]| {
        let [r, g, b] = color;
        let picture = RgbaImage::from_pixel(8, 8, Rgba([r, g, b, 255]));
        filtered(&gpu, &picture, "chroma-key(#0f0)").get_pixel(4, 4).0
    };
    for green in [[0, 255, 0], [0, 180, 0], [40, 230, 40], [60, 255, 80]] {
        assert_eq!(drawn(green)[3], 0, "{green:?}");
    }
    for other in [[255, 255, 255], [0, 0, 0], [128, 128, 128], [230, 170, 140], [255, 0, 0], [30, 40, 200]] {
        let [r, g, b] = other;
        assert_eq!(drawn(other), [r, g, b, 255], "{other:?}");
    }
    let [r, g, b, a] = drawn([150, 215, 150]);
    assert!(a > 200 && g.abs_diff(r.max(b)) < 35, "green light on grey is less green: {:?}", [r, g, b, a]);
}

#[test]
fn a_blur_that_changes_nothing_changes_nothing_before_any_filter_and_another_blur() {
    let gpu = Gpu::new().unwrap();
    let source = picture(&data("canvas-reference/source.png"));
    for filter in
        ["zoom(2)", "crop(.2, .2, .2, .2)", "chromatic-aberration(20px)", "glitch(1)", "pixelate(8px)", "lens(0.5)"]
    {
        let [without, with] = ["", "drop-shadow(0 0 0 red) "]
            .map(|before| filtered(&gpu, &source, &format!("{before}{filter} blur(8px)")));
        let (most, _) = difference(&without, &with);
        assert!(most <= 1.0, "{filter}: {most} off");
    }
}

#[test]
fn a_chain_that_changes_over_time_draws_what_the_same_chain_draws_that_stands_still() {
    let gpu = Gpu::new().unwrap();
    let film = small_film();
    // What follows a blur is in the same pass.
    for (chain, course) in [
        ("blur(2px) sepia(1)", "sepia.amount: 0s 1, 9s 1"),
        ("blur(2px) hue-rotate(40deg) contrast(1.2)", "blur.radius: 0s 2, 9s 2"),
        ("drop-shadow(3px, 2px, 2px, red)", "drop-shadow.x: 0s 3, 9s 3"),
        ("sharpen(1.5, 2px)", "sharpen.amount: 0s 1.5, 9s 1.5"),
    ] {
        let still = filtered_film(&gpu, &film, chain);
        let mut animated: FilterChain = chain.parse().unwrap();
        animated.animate(course).unwrap_or_else(|error| panic!("{error}"));
        let (most, _) = difference(&filtered_film_by(&gpu, &film, &animated), &still);
        assert_eq!(most, 0.0, "{chain}");
    }
}

#[test]
fn what_is_remembered_outlives_a_change_of_passes() {
    // The first frame stays for ever, though the chain changes from one pass to three and back on the way.
    let gpu = Gpu::new().unwrap();
    let mut chain: FilterChain = "motion-trail(1) blur(0px)".parse().unwrap();
    chain.animate("blur.radius: 0s 0, 1s 0, 2s 3, 3s 0").unwrap();
    let size = Size::new(32, 32);
    let mut capture = framereel::canvas::Capture::new(&gpu, &chain, size, PixelFormat::Rgba8);
    let grey = |value: u8| {
        let data = [value, value, value, 255].repeat(size.pixels() as usize);
        Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, data)
    };
    for second in 0..5 {
        let time = framereel::time::Timestamp::from_nanos(second * 1_000_000_000);
        capture.submit(&grey(if second == 0 { 200 } else { 20 }), time).unwrap();
        let frame = capture.take().unwrap().unwrap();
        let middle = frame.rows(0).nth(16).unwrap()[16 * 4];
        assert!(middle.abs_diff(200) <= 1, "at {second} s: {middle}");
    }
}
