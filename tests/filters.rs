//! What filters make of pictures: as Chromium's canvas makes it, and as their own goldens say.

use std::path::{Path, PathBuf};

use framereel::canvas::Canvas;
use framereel::color::ColorSpace;
use framereel::filter::FilterChain;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use image::RgbaImage;

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

/// The greatest and the mean difference of two pictures, of 255. Colours count as far as they are opaque: under what
/// is transparent there is none.
fn difference(a: &RgbaImage, b: &RgbaImage) -> (f64, f64) {
    assert_eq!(a.dimensions(), b.dimensions());
    let (mut most, mut sum) = (0.0f64, 0.0);
    for (a, b) in a.pixels().zip(b.pixels()) {
        for channel in 0..4 {
            let seen = |pixel: &image::Rgba<u8>| match channel {
                3 => f64::from(pixel[3]),
                _ => f64::from(pixel[channel]) * f64::from(pixel[3]) / 255.0,
            };
            let off = (seen(a) - seen(b)).abs();
            most = most.max(off);
            sum += off;
        }
    }
    (most, sum / (f64::from(a.width()) * f64::from(a.height()) * 4.0))
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
    assert_eq!(cases.len(), 21);
    for case in cases {
        let (name, chain) = (case["name"].as_str().unwrap(), case["filter"].as_str().unwrap());
        let expected = picture(&data(&format!("canvas-reference/{name}.png")));
        let (most, mean) = difference(&filtered(&gpu, &source, chain), &expected);
        println!("{chain:<62} {most:>7.2} {mean:>6.3}");
        let blurs = chain.contains("blur") || chain.contains("drop-shadow");
        let (worst_most, worst_mean) = if blurs { (12.0, 1.0) } else { (2.0, 2.0) };
        if most > worst_most || mean > worst_mean {
            faults.push(format!("{chain}: {most:.2} off at the most, {mean:.3} in the mean"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
