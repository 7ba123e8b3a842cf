//! Motion blur: frames that are the mean of several paints, in linear light.

use super::*;
use crate::motion_blur::MotionBlur;

/// Far enough for a bar that moves sixteen pixels a frame.
const WIDE: Size = Size::new(160, 16);

fn blurred(sub_frames: u32) -> (Canvas, MediaStream) {
    let clock = Clock::stepped(FrameRate::whole(10));
    let mut canvas = Canvas::new(&gpu(), WIDE).unwrap().with_clock(clock);
    canvas.set_motion_blur(MotionBlur::new(sub_frames).unwrap());
    let stream = canvas.capture_stream(None).unwrap();
    (canvas, stream)
}

fn take(stream: &MediaStream, format: PixelFormat) -> Subscription {
    only_track(stream).subscribe(format, 64, &Arc::default())
}

/// A bar of this colour, 24 pixels wide from `left` on.
fn bar(left: usize, color: [u8; 4], behind: [u8; 4]) -> Frame {
    let pixel = |index: usize| {
        let x = index % WIDE.width as usize;
        if (left..left + 24).contains(&x) { color } else { behind }
    };
    let data = (0..WIDE.pixels() as usize).flat_map(pixel).collect();
    Frame::packed(PixelFormat::Rgba8, WIDE, ColorSpace::RECORDED, data)
}

/// The light of a value, 0–1 (IEC 61966-2-1).
fn light(value: u8) -> f64 {
    let value = f64::from(value) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// The value of this light.
fn encoded(light: f64) -> f64 {
    255.0 * if light <= 0.0031308 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// The pixels of the first row.
fn row(frame: &Frame) -> Vec<[u8; 4]> {
    frame.rows(0).next().unwrap().chunks_exact(4).map(|pixel| pixel.try_into().unwrap()).collect()
}

#[test]
fn a_moving_edge_becomes_a_ramp_of_light_as_long_as_its_way_and_the_mean_light_stays() {
    const WHITE: [u8; 4] = [255, 255, 255, 255];
    const GREY: [u8; 4] = [60, 60, 60, 255];
    let (mut canvas, stream) = blurred(16);
    let frames = take(&stream, PixelFormat::Rgba8);
    for frame in 0..3 {
        for sub_frame in 0..16 {
            // A pixel each time: 16 in a frame.
            assert_eq!(canvas.clock().now().as_nanos(), 100_000_000 * frame + 6_250_000 * sub_frame);
            canvas.draw(bar(20 + 16 * frame as usize + sub_frame as usize, WHITE, GREY));
            canvas.present().unwrap();
        }
    }
    drop(canvas);
    let frames: Vec<_> = frames.receiver.iter().collect();
    assert_eq!(frames.len(), 3);
    let still = 24.0 * light(255) + (f64::from(WIDE.width) - 24.0) * light(60);
    for (index, sample) in frames.iter().enumerate() {
        let Sample::Video { frame, .. } = sample else { panic!("a canvas is silent") };
        assert_eq!(frame.timestamp, at_millis(100 * index as i64));
        let left = 20 + 16 * index;
        for (x, pixel) in row(frame).into_iter().enumerate() {
            // How many of the sixteen sub-frames have the bar here.
            let covered = (0..16).filter(|sub_frame| (left + sub_frame..left + sub_frame + 24).contains(&x)).count();
            let part = covered as f64 / 16.0;
            let expected = encoded(part * light(255) + (1.0 - part) * light(60));
            assert!((f64::from(pixel[0]) - expected).abs() <= 0.51, "{x}: {pixel:?}, expected {expected:.2}");
            assert_eq!(pixel, [pixel[0], pixel[0], pixel[0], 255]);
        }
        let sum: f64 = row(frame).iter().map(|pixel| light(pixel[0])).sum();
        assert!((sum / still - 1.0).abs() < 0.001, "{sum} against {still}");
    }
}

#[test]
fn what_does_not_move_stays_exactly_as_it_is() {
    let data = (0..WIDE.pixels()).flat_map(|pixel| {
        let [r, g, b] = [7, 13, 29].map(|factor| (pixel * factor % 256) as u8);
        [r, g, b, 255]
    });
    let still = Arc::new(Frame::packed(PixelFormat::Rgba8, WIDE, ColorSpace::RECORDED, data.collect()));
    let drawn = |sub_frames: Option<u32>, anew: bool| {
        let mut canvas = Canvas::new(&gpu(), WIDE).unwrap().with_clock(Clock::stepped(FrameRate::whole(10)));
        canvas.set_motion_blur(sub_frames.map(|count| MotionBlur::new(count).unwrap()));
        let stream = canvas.capture_stream(None).unwrap();
        let [rgba, i420] = [PixelFormat::Rgba8, PixelFormat::I420].map(|format| take(&stream, format));
        canvas.draw(still.clone());
        for _ in 0..sub_frames.unwrap_or(1) {
            if anew {
                canvas.draw(still.clone());
            }
            canvas.present().unwrap();
        }
        [rgba, i420].map(|frames| next(&frames).0.data().to_vec())
    };
    let sharp = drawn(None, false);
    // Each sub-frame drawn, or one in the place of all.
    for (sub_frames, anew) in [(2, true), (64, true), (64, false)] {
        assert!(drawn(Some(sub_frames), anew) == sharp, "{sub_frames} sub-frames, anew: {anew}");
    }
}

#[test]
fn transparency_is_averaged_too_and_a_recording_without_it_lays_each_sub_frame_over_black() {
    const WHITE: [u8; 4] = [255, 255, 255, 255];
    let (mut canvas, stream) = blurred(4);
    let frames = take(&stream, PixelFormat::Rgba8);
    let there_half_of_the_time = |canvas: &mut Canvas| {
        for left in [20, 20, 100, 100] {
            canvas.draw(bar(left, WHITE, [0; 4]));
            canvas.present().unwrap();
        }
    };
    there_half_of_the_time(&mut canvas);
    let pixels = row(&next(&frames).0);
    assert_eq!((pixels[30], pixels[110], pixels[70]), ([255, 255, 255, 128], [255, 255, 255, 128], [0; 4]));
    let (mut canvas, stream) = blurred(4);
    let frames = take(&stream, PixelFormat::I420);
    there_half_of_the_time(&mut canvas);
    let frame = next(&frames).0;
    // Half the light.
    assert_eq!([30, 70].map(|x| frame.data()[x]), [luma(encoded(0.5).round() as u8), luma(0)]);
}

#[test]
fn filters_that_change_over_time_follow_the_sub_frames_and_layers_are_blurred_too() {
    let mut fading: FilterChain = "brightness(1)".parse().unwrap();
    fading.animate("brightness.amount: 0s 1, 0.1s 0").unwrap();
    let drawings: [fn(&mut Canvas); 2] = [
        |canvas| canvas.draw(bar(0, [255; 4], [255; 4])),
        |canvas| canvas.draw_image(bar(0, [255; 4], [255; 4]), 0.0, 0.0, 100.0, 16.0).unwrap(),
    ];
    for draw in drawings {
        let (mut canvas, stream) = blurred(4);
        let frames = take(&stream, PixelFormat::Rgba8);
        canvas.set_filter(&fading);
        draw(&mut canvas);
        for _ in 0..4 {
            canvas.present().unwrap();
        }
        // At 0, 25, 50 and 75 ms.
        let mean =
            [1.0, 0.75, 0.5, 0.25].map(|value: f64| light((value * 255.0).round() as u8)).iter().sum::<f64>() / 4.0;
        let found = f64::from(row(&next(&frames).0)[50][0]);
        assert!((found - encoded(mean)).abs() <= 1.0, "{found}, expected {}", encoded(mean));
    }
}

#[test]
fn a_frame_needs_all_its_paints_and_something_new_in_one_of_them() {
    let (mut canvas, stream) = blurred(4);
    let frames = take(&stream, PixelFormat::I420);
    let paint = |canvas: &mut Canvas, shades: [Option<u8>; 4]| {
        for shade in shades {
            shade.into_iter().for_each(|shade| canvas.draw(bar(0, [shade; 4], [shade; 4])));
            canvas.present().unwrap();
        }
    };
    paint(&mut canvas, [None; 4]); // nothing drawn yet
    paint(&mut canvas, [Some(255), None, None, None]);
    paint(&mut canvas, [None; 4]); // nothing new
    paint(&mut canvas, [None, None, None, Some(0)]);
    // A change in the middle gives up the frame; without blur every paint counts.
    canvas.draw(bar(0, [9, 9, 9, 255], [9, 9, 9, 255]));
    canvas.present().unwrap();
    canvas.set_motion_blur(None);
    canvas.present().unwrap();
    canvas.set_motion_blur(MotionBlur::new(2).unwrap());
    // The size changes within a frame: the frame is the mean of the rest.
    canvas.draw(bar(0, [255; 4], [255; 4]));
    canvas.present().unwrap();
    canvas.resize(SIZE).unwrap();
    canvas.draw(grey(100));
    canvas.present().unwrap();
    drop(canvas);
    let three_quarters = luma(encoded(0.75).round() as u8);
    let found: Vec<_> = rest(&frames).into_iter().map(|(_, luma)| luma).collect();
    assert_eq!(found, [luma(255), three_quarters, luma(9), luma(100)]);
}
