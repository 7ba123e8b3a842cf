//! `to_blob`'s and `to_data_url`'s lines (HTML §4.12.5.6).

use super::*;

/// What the first bytes say that a file is.
fn kind(bytes: &[u8]) -> &'static str {
    match image::guess_format(bytes).unwrap() {
        image::ImageFormat::Png => "image/png",
        image::ImageFormat::Jpeg => "image/jpeg",
        image::ImageFormat::WebP => "image/webp",
        other => panic!("{other:?}"),
    }
}

/// A canvas with a picture that JPEG cannot keep.
fn noisy() -> Canvas {
    let mut canvas = canvas();
    let data = (0..SIZE.pixels() as u32 * 4).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8 | 1);
    let data: Vec<u8> = data.enumerate().map(|(index, byte)| if index % 4 == 3 { 255 } else { byte }).collect();
    canvas.draw(Frame::packed(PixelFormat::Rgba8, SIZE, ColorSpace::RECORDED, data));
    canvas
}

#[test]
fn a_still_is_png_when_its_type_is_absent_or_not_supported() {
    let canvas = noisy();
    for (asked, given) in [
        ("", "image/png"),
        ("image/png", "image/png"),
        ("image/jpeg", "image/jpeg"),
        ("IMAGE/JPEG", "image/jpeg"),
        ("image/webp", "image/webp"),
        ("image/jpg", "image/png"),
        ("image/avif", "image/png"),
        ("image/jpeg; q=1", "image/png"),
        ("nonsense", "image/png"),
    ] {
        let (bytes, mime_type) = canvas.encode(asked, None).unwrap().unwrap();
        assert_eq!((mime_type, kind(&bytes)), (given, given), "{asked}");
        let url = canvas.to_data_url(asked, None).unwrap();
        assert!(url.starts_with(&format!("data:{given};base64,")), "{asked}: {url:.40}");
    }
    let (png, _) = canvas.encode("", None).unwrap().unwrap();
    assert_eq!(image::load_from_memory(&png).unwrap().to_rgba8().as_raw(), canvas.read().unwrap().data());
}

#[test]
fn a_quality_outside_0_to_1_means_the_default() {
    let canvas = noisy();
    let url = |mime_type: &str, quality| canvas.to_data_url(mime_type, quality).unwrap();
    let default = url("image/jpeg", None);
    for quality in [-0.1, -1e-300, 1.000_000_001, 2.0, 100.0, f64::INFINITY, f64::NAN] {
        assert_eq!(url("image/jpeg", Some(quality)), default, "{quality}");
    }
    let lengths = [0.0, 0.2, 0.92, 1.0].map(|quality| url("image/jpeg", Some(quality)).len());
    assert!(lengths.is_sorted_by(|less, more| less < more), "{lengths:?}");
    assert_eq!(lengths[2], default.len());
    for lossless in ["image/png", "image/webp"] {
        assert_eq!(url(lossless, Some(0.1)), url(lossless, None));
    }
}

#[test]
fn a_canvas_of_zero_size_gives_no_still() {
    let mut canvas = Canvas::new(&gpu(), Size::new(0, 48)).unwrap();
    canvas.draw(grey(1));
    assert_eq!(canvas.encode("image/png", None).unwrap(), None);
    assert_eq!(canvas.to_data_url("image/jpeg", Some(0.5)).unwrap(), "data:,");
    assert!(canvas.read().unwrap().data().is_empty());
    canvas.resize(SIZE).unwrap();
    assert!(canvas.encode("", None).unwrap().is_some());
}

#[test]
fn a_still_shows_the_chain_that_was_set_when_its_frame_was_drawn() {
    let mut canvas = canvas();
    canvas.set_filter(&"invert(1)".parse().unwrap());
    canvas.draw(grey(200));
    canvas.set_filter(&"none".parse().unwrap());
    assert_eq!(canvas.read().unwrap().data()[..4], [55, 55, 55, 255]);
    canvas.draw(grey(200));
    assert_eq!(canvas.read().unwrap().data()[..4], [200, 200, 200, 255]);
}
