//! The result of `draw_image` and `draw_part`, to the pixel; in a still and in a recording.
//!
//! The module `web_platform` holds subtests of web-platform-tests (html/canvas, `2d.drawImage`), translated, under
//! their own names: 3arg, 5arg, 9arg.basic, 9arg.destpos, 9arg.destsize, 9arg.sourcepos, 9arg.sourcesize, canvas,
//! floatsource, negativedest, negativedir, negativesource, nonfinite, nowrap, outsidesource (its drawings that reach no
//! further than the picture), zerocanvas and zerosource. `fillRect` there is a plain picture here. The others are about
//! what a canvas here does not have: globalAlpha, transforms, paths, clips, other compositions, images that are still
//! loading, elements.

mod support {
    pub mod program;
    pub mod studio;
    pub mod tools;
}
#[path = "draw/web_platform.rs"]
mod web_platform;

use std::process::Command;
use std::sync::Arc;

use framereel::ErrorKind;
use framereel::canvas::Canvas;
use framereel::clock::Clock;
use framereel::color::ColorSpace;
use framereel::filter::{FileAccess, FilterChain};
use framereel::frame::{Frame, PixelFormat, Rect, Size};
use framereel::gpu::Gpu;
use framereel::recorder::{MediaRecorder, MediaRecorderOptions};
use framereel::time::FrameRate;
use support::program::Bench;
use support::studio::{Judged, lived};

type Rgba = [u8; 4];

const RED: Rgba = [255, 0, 0, 255];
const GREEN: Rgba = [0, 255, 0, 255];
const BLUE: Rgba = [0, 0, 255, 255];
const WHITE: Rgba = [255; 4];
const BLACK: Rgba = [0, 0, 0, 255];
const NOTHING: Rgba = [0; 4];

fn canvas(width: u32, height: u32) -> Canvas {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    Canvas::new(&gpu, Size::new(width, height)).unwrap().with_clock(Clock::stepped(FrameRate::whole(10)))
}

fn picture(width: u32, height: u32, color: impl Fn(u32, u32) -> Rgba) -> Frame {
    let color = &color;
    let data = (0..height).flat_map(|y| (0..width).flat_map(move |x| color(x, y))).collect();
    Frame::packed(PixelFormat::Rgba8, Size::new(width, height), ColorSpace::RECORDED, data)
}

fn plain(width: u32, height: u32, color: Rgba) -> Frame {
    picture(width, height, |_, _| color)
}

/// A colour of its own for every pixel of a picture of at most 64×64.
fn marked(x: u32, y: u32) -> Rgba {
    [(x * 4) as u8, (y * 4) as u8, 77, 255]
}

fn pixel(frame: &Frame, x: u32, y: u32) -> Rgba {
    let at = (y * frame.size().width + x) as usize * 4;
    frame.data()[at..at + 4].try_into().unwrap()
}

/// Every pixel is the one that `expected` says.
fn assert_shows(canvas: &Canvas, expected: impl Fn(u32, u32) -> Rgba) {
    let shown = canvas.read().unwrap();
    for y in 0..shown.size().height {
        for x in 0..shown.size().width {
            assert_eq!(pixel(&shown, x, y), expected(x, y), "at {x}, {y}");
        }
    }
}

fn within(rect: [u32; 4], x: u32, y: u32) -> bool {
    let [left, top, width, height] = rect;
    (left..left + width).contains(&x) && (top..top + height).contains(&y)
}

fn filter(canvas: &mut Canvas, chain: &str) {
    canvas.set_filter(&chain.parse().unwrap());
}

/// How far two pictures are apart at the most, as they look over black: what is hardly there has hardly a colour.
fn worst(a: &Frame, b: &Frame) -> u8 {
    assert_eq!((a.size(), a.format()), (b.size(), b.format()));
    let seen = |frame: &Frame| {
        let over_black = |pixel: &[u8]| [0, 1, 2].map(|i| (u16::from(pixel[i]) * u16::from(pixel[3]) / 255) as u8);
        frame.data().chunks(4).flat_map(|pixel| [&over_black(pixel)[..], &pixel[3..]].concat()).collect::<Vec<_>>()
    };
    seen(a).iter().zip(seen(b)).map(|(a, b)| a.abs_diff(b)).max().unwrap()
}

/// All pictures of a file, as ffmpeg shows them.
fn decoded(file: &Judged, size: Size) -> Vec<Frame> {
    let ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file.path())
        .args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgba", "-"])
        .output()
        .expect("ffmpeg: `make test` installs it");
    let frames = ffmpeg.stdout.chunks_exact(size.pixels() as usize * 4);
    frames.map(|data| Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, data.to_vec())).collect()
}

#[test]
fn pictures_lie_at_their_places_the_later_over_the_earlier() {
    let mut canvas = canvas(40, 30);
    canvas.draw_image(plain(10, 10, RED), 2.0, 3.0, 20.0, 10.0).unwrap();
    canvas.draw_image(plain(3, 5, GREEN), 12.0, 8.0, 20.0, 18.0).unwrap();
    canvas.draw_image(plain(1, 1, BLUE), 0.0, 28.0, 40.0, 2.0).unwrap();
    assert_shows(&canvas, |x, y| match (x, y) {
        _ if within([0, 28, 40, 2], x, y) => BLUE,
        _ if within([12, 8, 20, 18], x, y) => GREEN,
        _ if within([2, 3, 20, 10], x, y) => RED,
        _ => NOTHING,
    });
}

#[test]
fn every_layout_of_bytes_is_drawn_and_film_covers_what_is_under_it() {
    let size = Size::new(8, 8);
    for format in [
        PixelFormat::I420,
        PixelFormat::I422,
        PixelFormat::I444,
        PixelFormat::Gray8,
        PixelFormat::Nv12,
        PixelFormat::Yuyv,
        PixelFormat::Rgb8,
    ] {
        let mut canvas = canvas(20, 20);
        canvas.draw(plain(20, 20, RED));
        // Mid-grey in limited range, or in RGB.
        let data = vec![if format == PixelFormat::Rgb8 { 130 } else { 128 }; Frame::packed_len(format, size)];
        canvas.draw_image(Frame::packed(format, size, ColorSpace::RECORDED, data), 4.0, 4.0, 12.0, 12.0).unwrap();
        assert_shows(&canvas, |x, y| if within([4, 4, 12, 12], x, y) { [130, 130, 130, 255] } else { RED });
    }
}

#[test]
fn what_is_half_transparent_lets_through_half() {
    let mut canvas = canvas(16, 8);
    canvas.draw_image(plain(1, 1, RED), 0.0, 0.0, 8.0, 8.0).unwrap();
    canvas.draw_image(plain(4, 4, [255, 255, 255, 128]), 4.0, 0.0, 8.0, 8.0).unwrap();
    canvas.draw_image(plain(4, 4, [0, 0, 0, 0]), 0.0, 0.0, 16.0, 8.0).unwrap();
    assert_shows(&canvas, |x, _| match x {
        0..4 => RED,
        4..8 => [255, 128, 128, 255],
        8..12 => [255, 255, 255, 128],
        _ => NOTHING,
    });
}

#[test]
fn what_lies_beyond_the_borders_is_cut_off_there() {
    for (x, y) in [(-3, -2), (10, 7), (-3, 7), (0, 0), (-31, 0), (0, -23)] {
        let mut canvas = canvas(32, 24);
        canvas.draw_image(picture(32, 24, marked), f64::from(x), f64::from(y), 32.0, 24.0).unwrap();
        assert_shows(&canvas, |at_x, at_y| {
            let (from_x, from_y) = (at_x as i32 - x, at_y as i32 - y);
            let inside = (0..32).contains(&from_x) && (0..24).contains(&from_y);
            if inside { marked(from_x as u32, from_y as u32) } else { NOTHING }
        });
    }
}

#[test]
fn a_picture_that_is_drawn_a_thousand_times_too_large_shows_the_part_that_is_on_the_canvas() {
    let mut canvas = canvas(16, 16);
    // A pixel of the picture is 1000 of the canvas's; the canvas shows the corner between four.
    canvas.draw_image(picture(64, 64, marked), -9992.0, -19992.0, 64000.0, 64000.0).unwrap();
    let shown = canvas.read().unwrap();
    let near = |x, y, expected: Rgba| {
        let found = pixel(&shown, x, y);
        assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 1), "{found:?} {expected:?}");
    };
    near(0, 0, [38, 78, 77, 255]);
    near(15, 15, [38, 78, 77, 255]);
}

#[test]
fn a_checkerboard_that_shrinks_is_grey() {
    let board = Arc::new(picture(64, 64, |x, y| if (x + y) % 2 == 0 { WHITE } else { BLACK }));
    let mut canvas = canvas(64, 64);
    for (size, off) in [(32.0, 1), (16.0, 1), (8.0, 1), (10.0, 4)] {
        canvas.clear();
        canvas.draw_image(board.clone(), 0.0, 0.0, size, size).unwrap();
        let shown = canvas.read().unwrap();
        for at in 0..size as u32 {
            for [shade, .., alpha] in [pixel(&shown, at, 0), pixel(&shown, 1, at), pixel(&shown, at, at)] {
                assert!(shade.abs_diff(127) <= off && alpha == 255, "{shade} at {at} of {size}");
            }
        }
        assert_eq!(pixel(&shown, size as u32, 0), NOTHING);
    }
}

#[test]
fn what_grows_is_interpolated_linearly_between_the_middles_of_its_pixels() {
    let mut canvas = canvas(8, 1);
    canvas.draw_image(picture(2, 1, |x, _| if x == 1 { WHITE } else { BLACK }), 0.0, 0.0, 8.0, 1.0).unwrap();
    let shown = canvas.read().unwrap();
    let shades = [0, 1, 2, 3, 4, 5, 6, 7].map(|x| pixel(&shown, x, 0)[0]);
    assert_eq!(shades, [0, 0, 32, 96, 159, 223, 255, 255]);
}

#[test]
fn a_place_between_pixels_covers_them_in_part() {
    let mut canvas = canvas(6, 4);
    canvas.draw_image(plain(4, 4, WHITE), 1.25, 1.5, 2.5, 1.0).unwrap();
    let shown = canvas.read().unwrap();
    let alphas = |y| [0, 1, 2, 3, 4].map(|x| pixel(&shown, x, y)[3]);
    assert_eq!(alphas(0), [0; 5]);
    assert_eq!((alphas(1), alphas(2)), ([0, 96, 128, 96, 0], [0, 96, 128, 96, 0]));
    assert_eq!(alphas(3), [0; 5]);
}

#[test]
fn a_filter_lies_over_what_is_drawn_while_it_is_set_and_over_nothing_else() {
    let mut canvas = canvas(30, 10);
    filter(&mut canvas, "invert(1)");
    canvas.draw_image(plain(5, 5, RED), 0.0, 0.0, 10.0, 10.0).unwrap();
    filter(&mut canvas, "none");
    canvas.draw_image(plain(5, 5, RED), 10.0, 0.0, 10.0, 10.0).unwrap();
    filter(&mut canvas, "opacity(0.5)");
    canvas.draw_image(plain(5, 5, BLUE), 15.0, 0.0, 15.0, 10.0).unwrap();
    filter(&mut canvas, "grayscale(1)");
    assert_shows(&canvas, |x, _| match x {
        0..10 => [0, 255, 255, 255],
        10..15 => RED,
        15..20 => [127, 0, 128, 255],
        _ => [0, 0, 255, 128],
    });
}

#[test]
fn blurs_and_shadows_reach_beyond_the_place() {
    let square = |x, y| if within([20, 16, 24, 16], x, y) { GREEN } else { NOTHING };
    for chain in [
        "blur(2px)",
        "blur(6px)",
        "drop-shadow(9px -7px 2px red)",
        "blur(1px) drop-shadow(-25px 3px 3px blue) invert(1)",
        "sepia(1) blur(2px) blur(3px)",
    ] {
        let [mut whole, mut placed] = [(); 2].map(|()| canvas(64, 48));
        filter(&mut whole, chain);
        whole.draw(picture(64, 48, square));
        filter(&mut placed, chain);
        placed.draw_image(plain(24, 16, GREEN), 20.0, 16.0, 24.0, 16.0).unwrap();
        let off = worst(&whole.read().unwrap(), &placed.read().unwrap());
        assert!(off <= 2, "{chain}: {off} off");
    }
}

#[test]
fn a_shadow_of_what_lies_outside_falls_onto_the_canvas() {
    let mut canvas = canvas(20, 10);
    filter(&mut canvas, "drop-shadow(15px 0 0 blue)");
    canvas.draw_image(plain(10, 10, RED), -12.0, 0.0, 10.0, 10.0).unwrap();
    assert_shows(&canvas, |x, _| if (3..13).contains(&x) { BLUE } else { NOTHING });
}

#[test]
fn a_blur_sees_what_lies_beyond_the_borders() {
    let mut canvas = canvas(32, 32);
    filter(&mut canvas, "blur(3px)");
    canvas.draw_image(plain(4, 4, GREEN), -50.0, -50.0, 200.0, 200.0).unwrap();
    assert_shows(&canvas, |_, _| GREEN);
}

/// A chain of one file with this WGSL.
fn shader(wgsl: &str) -> FilterChain {
    let bench = Bench::new();
    let file = bench.write("user.wgsl", wgsl);
    FilterChain::parse_with(&format!("shader({file:?})"), &FileAccess::Any).unwrap()
}

#[test]
fn a_shader_draws_at_the_place_and_takes_its_size_for_the_resolution() {
    let mut canvas = canvas(40, 30);
    canvas.draw(plain(40, 30, BLUE));
    canvas.set_filter(&shader(
        "fn image(position: vec2f) -> vec4f {
            let right = step(frame.resolution.x * 0.5, position.x);
            return vec4f(right, 1.0 - right, 0.0, step(2.0, position.y));
        }",
    ));
    canvas.draw_image(plain(1, 1, WHITE), 10.0, 5.0, 20.0, 10.0).unwrap();
    assert_shows(&canvas, |x, y| match x {
        _ if !within([10, 7, 20, 8], x, y) => BLUE,
        10..20 => GREEN,
        _ => RED,
    });
}

#[test]
fn a_loop_that_never_ends_is_told_of_a_layer_too() {
    let mut canvas = canvas(16, 16);
    canvas.draw(plain(16, 16, RED));
    canvas.set_filter(&shader(
        "fn effect_color(color: vec4f) -> vec4f {
            var sum = color;
            loop { sum += color; if sum.r < 0.0 { break; } }
            return sum;
        }",
    ));
    canvas.draw_image(plain(1, 1, WHITE), 4.0, 4.0, 8.0, 8.0).unwrap();
    let message = canvas.read().unwrap_err().to_string();
    assert!(message.contains("expected the loops of your shader to end"), "{message}");
}

#[test]
fn a_picture_of_the_canvas_s_size_is_drawn_as_draw_draws_it() {
    let size = Size::new(38, 26);
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let data = (0..Frame::packed_len(PixelFormat::I420, size)).map(|_| noise()).collect();
    let film = Arc::new(Frame::packed(PixelFormat::I420, size, ColorSpace::RECORDED, data));
    let [mut drawn, mut placed] = [(); 2].map(|()| canvas(38, 26));
    drawn.draw(film.clone());
    placed.draw_image(plain(1, 1, RED), 0.0, 0.0, 38.0, 26.0).unwrap();
    placed.draw_image(film, 0.0, 0.0, 38.0, 26.0).unwrap();
    assert_eq!(worst(&drawn.read().unwrap(), &placed.read().unwrap()), 0);
}

#[test]
fn draw_takes_the_place_of_all_that_was_drawn_and_is_drawn_over() {
    let mut canvas = canvas(40, 20);
    canvas.draw_image(plain(1, 1, RED), 0.0, 0.0, 40.0, 20.0).unwrap();
    // Fitted in the middle, with nothing around it.
    canvas.draw(plain(20, 20, GREEN));
    assert_shows(&canvas, |x, _| if (10..30).contains(&x) { GREEN } else { NOTHING });
    canvas.draw_image(plain(1, 1, BLUE), 15.0, 5.0, 20.0, 10.0).unwrap();
    assert_shows(&canvas, |x, y| match x {
        _ if within([15, 5, 20, 10], x, y) => BLUE,
        10..30 => GREEN,
        _ => NOTHING,
    });
    canvas.clear();
    assert_shows(&canvas, |_, _| NOTHING);
}

#[test]
fn a_part_of_a_picture_is_drawn_without_its_neighbours() {
    let mut canvas = canvas(20, 20);
    let quarters = Arc::new(picture(8, 8, |x, y| match (x < 4, y < 4) {
        (true, true) => RED,
        (false, true) => GREEN,
        (true, false) => BLUE,
        _ => WHITE,
    }));
    canvas.draw_part(quarters.clone(), Rect::new(4.0, 0.0, 4.0, 4.0), Rect::new(0.0, 0.0, 20.0, 10.0)).unwrap();
    // Half of this lies outside the picture, and half of the place stays empty.
    canvas.draw_part(quarters, Rect::new(-4.0, 4.0, 8.0, 4.0), Rect::new(0.0, 10.0, 20.0, 10.0)).unwrap();
    assert_shows(&canvas, |x, y| match (x, y) {
        (_, 0..10) => GREEN,
        (0..10, _) => NOTHING,
        _ => BLUE,
    });
}

#[test]
fn a_texture_is_drawn_at_a_place() {
    let mut canvas = canvas(16, 8);
    let gpu = Gpu::new().unwrap();
    let mut own = Canvas::new(&gpu, Size::new(16, 8)).unwrap();
    let texture = own.texture().unwrap();
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(64), rows_per_image: None };
    gpu.queue().write_texture(texture.as_image_copy(), &GREEN.repeat(128), layout, texture.size());
    own.draw_image(plain(1, 1, RED), 0.0, 0.0, 4.0, 8.0).unwrap();
    assert_shows(&own, |x, _| if x < 4 { RED } else { GREEN });
    own.draw_texture_at(&texture, 1.0, 0.0, 2.0, 8.0).unwrap();
    assert_shows(&own, |x, _| if [0, 3].contains(&x) { RED } else { GREEN });
    // One of another device.
    assert!(canvas.draw_texture_at(&texture, 0.0, 0.0, 4.0, 4.0).is_err());
}

#[test]
fn a_recording_shows_the_layers_in_their_order_and_black_where_nothing_is() {
    let mut canvas = canvas(64, 48);
    let stream = canvas.capture_stream(None).unwrap();
    let recorder = MediaRecorder::new(&stream, MediaRecorderOptions::default()).unwrap();
    recorder.start(None).unwrap();
    let film = Arc::new(plain(64, 48, [200, 200, 200, 255]));
    for step in 0..6 {
        canvas.clear();
        canvas.draw_image(film.clone(), 0.0, 0.0, 64.0, 24.0).unwrap();
        canvas.draw_image(plain(8, 8, WHITE), f64::from(step * 8), 8.0, 16.0, 32.0).unwrap();
        canvas.present().unwrap();
    }
    // One layer again, and none.
    canvas.draw(film);
    canvas.present().unwrap();
    canvas.clear();
    canvas.present().unwrap();
    recorder.stop();
    assert!(canvas.refused().is_empty());
    let film = decoded(&lived(&recorder).file(), canvas.size());
    assert_eq!(film.len(), 8);
    let near = |frame: &Frame, x: u32, y: u32, shade: u8| {
        let found = pixel(frame, x, y);
        assert!(found[..3].iter().all(|channel| channel.abs_diff(shade) <= 8), "{found:?}, not {shade}, at {x}, {y}");
    };
    for (step, frame) in (0..).zip(&film[..6]) {
        let left = step * 8;
        near(frame, left + 8, 16, 255);
        near(frame, left + 8, 32, 255);
        near(frame, (left + 24) % 64, 4, 200);
        near(frame, (left + 28) % 64, 16, 200);
        near(frame, (left + 28) % 64, 36, 0);
    }
    near(&film[6], 32, 40, 200);
    near(&film[7], 32, 24, 0);
}

#[test]
fn a_program_that_draws_for_ever_keeps_few_frames() {
    let mut canvas = canvas(32, 32);
    let dot = Arc::new(plain(2, 2, [255, 255, 255, 128]));
    for step in 0..400u32 {
        canvas.draw_image(dot.clone(), f64::from(step % 16 * 2), f64::from(step / 16 % 16 * 2), 2.0, 2.0).unwrap();
        assert!(Arc::strong_count(&dot) <= 34, "{} after {step}", Arc::strong_count(&dot));
    }
    // All are there: 16 × 16 places once, and the first 144 of them twice.
    assert_shows(&canvas, |x, y| {
        let alpha = if x / 2 + y / 2 * 16 < 144 { 192 } else { 128 };
        [255, 255, 255, alpha]
    });
    let film = Arc::new(plain(4, 4, GREEN));
    for _ in 0..5 {
        canvas.draw_image(film.clone(), -1.0, -1.0, 40.0, 40.0).unwrap();
    }
    assert_eq!((Arc::strong_count(&dot), Arc::strong_count(&film)), (1, 2), "what is hidden is let go");
    // What does not hide it all keeps it.
    filter(&mut canvas, "opacity(0.5)");
    canvas.draw_image(dot.clone(), 0.0, 0.0, 32.0, 32.0).unwrap();
    filter(&mut canvas, "none");
    canvas.draw_image(plain(1, 1, RED), 0.0, 0.0, 32.0, 31.5).unwrap();
    assert_eq!(Arc::strong_count(&film), 2);
}

#[test]
fn a_frame_that_the_gpu_cannot_take_is_an_error_and_nothing_is_drawn() {
    let mut canvas = canvas(8, 8);
    canvas.draw(plain(8, 8, GREEN));
    let wide = Frame::packed(PixelFormat::Gray8, Size::new(1 << 20, 1), ColorSpace::RECORDED, vec![0; 1 << 20]);
    assert_eq!(*canvas.draw_image(wide, 0.0, 0.0, 8.0, 8.0).unwrap_err().kind(), ErrorKind::Range);
    assert_shows(&canvas, |_, _| GREEN);
    // A canvas without pixels takes anything and shows nothing.
    canvas.resize(Size::new(0, 8)).unwrap();
    canvas.draw_image(plain(8, 8, RED), 0.0, 0.0, 8.0, 8.0).unwrap();
    assert!(canvas.read().unwrap().data().is_empty());
}
