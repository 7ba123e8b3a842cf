//! Filters that work on planes of 4:2:0 make the picture that they make of colours. The judge is the same film as NV12,
//! which framereel always converts to colours.

use framereel::canvas::Capture;
use framereel::color::ColorSpace;
use framereel::filter::FilterChain;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::source::{self, SourceOptions};
use nv12::nv12;

#[path = "support/nv12.rs"]
mod nv12;

/// A frame of film, 640x360.
fn film() -> Frame {
    let clip = "examples/clips/bunny.webm".parse().unwrap();
    let mut film = source::open(&clip, &SourceOptions::default()).unwrap();
    (0..60).for_each(|_| drop(film.next_frame().unwrap().unwrap()));
    let frame = film.next_frame().unwrap().unwrap();
    assert_eq!((frame.format(), frame.color), (PixelFormat::I420, ColorSpace::RECORDED));
    frame
}

/// The upper left part of a frame.
fn part(frame: &Frame, size: Size) -> Frame {
    let plane = |plane: usize| {
        let (row, rows) = PixelFormat::I420.plane_size(plane, size);
        frame.rows(plane).take(rows).flat_map(move |samples| samples[..row].to_vec()).collect::<Vec<_>>()
    };
    Frame::packed(PixelFormat::I420, size, frame.color, (0..3).flat_map(plane).collect())
}

/// The same with half the chroma, which leaves every colour within RGB.
fn pale(frame: &Frame) -> Frame {
    let halved = |sample: &u8| (i16::from(*sample) / 2 + 64) as u8;
    let plane = |plane: usize| frame.rows(plane).flatten().copied().collect::<Vec<_>>();
    let chroma = [1, 2].map(|index| plane(index).iter().map(halved).collect::<Vec<_>>());
    // Neither black nor white.
    let luma = plane(0).iter().map(|luma| 60 + luma / 2).collect();
    Frame::packed(PixelFormat::I420, frame.size(), frame.color, [luma, chroma.concat()].concat())
}

fn filtered(gpu: &Gpu, chain: &str, frame: &Frame) -> Frame {
    let chain: FilterChain = chain.parse().unwrap();
    let mut capture = Capture::new(gpu, &chain, frame.size(), PixelFormat::I420);
    capture.submit(frame, frame.timestamp).unwrap();
    capture.take().unwrap().unwrap()
}

/// How far the planes' samples are from those by way of colours: the most, and the share of those that are further than 1
/// from them, in luma and in chroma; at least so many samples from the borders.
fn differences(gpu: &Gpu, chain: &str, frame: &Frame, inside: usize) -> [(u8, f64); 2] {
    let [planes, colors] = [frame.clone(), nv12(frame)].map(|frame| filtered(gpu, chain, &frame));
    // Roundings differ somewhere in so many samples.
    assert!(frame.size() != SIZES[0] || planes.data() != colors.data(), "{chain} is made of colours");
    [0..1, 1..3].map(|range| {
        let mut off = Vec::new();
        for plane in range {
            let rows = planes.rows(plane).zip(colors.rows(plane));
            let count = planes.rows(plane).count();
            for (found, expected) in rows.skip(inside).take(count - 2 * inside) {
                let samples = found.iter().zip(expected).skip(inside).take(found.len() - 2 * inside);
                off.extend(samples.map(|(found, expected)| found.abs_diff(*expected)));
            }
        }
        let beyond = off.iter().filter(|&&off| off > 1).count();
        (off.iter().copied().max().unwrap(), beyond as f64 / off.len() as f64)
    })
}

/// The share of the chroma samples of a picture of this size that have none on one side.
fn share_at_borders(size: Size) -> f64 {
    let [width, height] = [size.width, size.height].map(|length| f64::from(length / 2));
    1.0 - (width - 2.0).max(0.0) * (height - 2.0).max(0.0) / (width * height)
}

/// Of widths at several places of a read of sixteen samples, down to less than a blur.
const SIZES: [Size; 7] = [
    Size::new(640, 360),
    Size::new(334, 78),
    Size::new(50, 30),
    Size::new(16, 18),
    Size::new(2, 40),
    Size::new(4, 4),
    Size::new(2, 2),
];

#[test]
fn a_blur_of_planes_is_the_blur_of_colours() {
    let (gpu, film) = (Gpu::new().unwrap(), film());
    for size in SIZES {
        let frame = part(&film, size);
        for sigma in ["0.9", "1", "2", "3.3", "4", "5", "10", "16", "40"] {
            for edge in ["", "edge=clamp"] {
                let chain = format!("blur({sigma}px) {edge}");
                let [luma, (most, share)] = differences(&gpu, &chain, &frame, 0);
                assert!(luma.0 <= 1, "{chain} at {size}: luma {luma:?}");
                // At the borders, the way through colours has no chroma beyond them to downsample.
                let border = share_at_borders(size);
                let allowed = if sigma.parse::<f32>().unwrap() < 4.0 { 8 } else { 4 };
                assert!(most <= allowed && share <= border, "{chain} at {size}: chroma {most}, {share}");
                if size.height > 70 {
                    let [_, (most, share)] = differences(&gpu, &chain, &frame, 4);
                    assert!(most <= 4 && share <= 0.004, "{chain} inside {size}: chroma {most}, {share}");
                }
            }
        }
    }
}

#[test]
fn colours_blurred_as_planes_are_the_blur_of_colours() {
    let (gpu, film) = (Gpu::new().unwrap(), film());
    let long = format!("flip(vertical) {}", "tint(#ffeedd, 0.01) ".repeat(17));
    for size in SIZES {
        let frame = part(&film, size);
        for chain in [
            "sepia(1) blur(2px)",
            "hue-rotate(90deg) blur(3px) vignette(0.4)",
            "contrast(1.5) blur(4px) edge=clamp grayscale(1)",
            "sepia(1) blur(16px) vignette(0.4)",
            "blur(8px) contrast(1.5)",
            "invert(1) blur(7px) contrast(1.5)",
            // Planes, and then colours.
            "flip() blur(5px)",
            "mirror(top) blur(16px) contrast(1.5)",
            "blur(2px) blur(5px) edge=clamp",
            "flip(both) drop-shadow(3px 3px 4px) sharpen(0.5)",
            // More filters than a large block takes.
            &long,
        ] {
            let [luma, (most, share)] = differences(&gpu, chain, &frame, 0);
            assert!(luma.0 <= 1 || luma.0 <= 2 && luma.1 < 0.001, "{chain} at {size}: luma {luma:?}");
            let allowed = share_at_borders(size).max(0.09);
            assert!(most <= 5 && share <= allowed, "{chain} at {size}: chroma {most}, {share}");
        }
    }
}

#[test]
fn a_strong_colour_fades_alike_at_the_borders() {
    let gpu = Gpu::new().unwrap();
    for size in [Size::new(96, 64), Size::new(334, 78)] {
        // Red, green and blue within RGB.
        for [y, u, v] in [[62, 103, 238], [172, 43, 28], [33, 238, 119]] {
            let chroma = (size.pixels() / 4) as usize;
            let data = [vec![y; size.pixels() as usize], vec![u; chroma], vec![v; chroma]].concat();
            let frame = Frame::packed(PixelFormat::I420, size, ColorSpace::RECORDED, data);
            for chain in ["blur(2px)", "blur(4px)", "blur(5px)", "blur(8px)", "blur(16px)", "flip() blur(5px)"] {
                let [luma, (most, _)] = differences(&gpu, chain, &frame, 0);
                let allowed = if ["blur(2px)", "blur(4px)"].contains(&chain) { 14 } else { 3 };
                assert!(luma.0 <= 2 && most <= allowed, "{chain} of {y} {u} {v} at {size}: {luma:?}, chroma {most}");
            }
        }
    }
}

#[test]
fn planes_are_reflected_as_colours_are() {
    let (gpu, film) = (Gpu::new().unwrap(), film());
    for size in SIZES {
        let frame = pale(&part(&film, size));
        for chain in
            ["flip()", "flip(vertical)", "flip(both)", "mirror()", "mirror(right)", "mirror(top)", "mirror(bottom)"]
        {
            let [planes, colors] = [frame.clone(), nv12(&frame)].map(|frame| filtered(&gpu, chain, &frame));
            for plane in 0..3 {
                for (y, (found, expected)) in planes.rows(plane).zip(colors.rows(plane)).enumerate() {
                    for (x, (found, expected)) in found.iter().zip(expected).enumerate() {
                        // Mirrored chroma meets its reflection in the middle.
                        let (middle, at) = if chain.starts_with("mirror") && plane > 0 {
                            (size.width.abs_diff(4 * x as u32) <= 8, size.height.abs_diff(4 * y as u32) <= 8)
                        } else {
                            (false, false)
                        };
                        let most = if middle || at { 12 } else { 1 };
                        let off = found.abs_diff(*expected);
                        assert!(off <= most, "{chain} at {size}, plane {plane}, {x}, {y}: {found}, not {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn planes_are_multiplied_as_colours_are() {
    let (gpu, film) = (Gpu::new().unwrap(), film());
    for size in SIZES {
        let frame = pale(&part(&film, size));
        for chain in [
            "vignette(0.4)",
            "vignette(1)",
            "brightness(30%)",
            "brightness(80%) vignette(0.7)",
            "vignette(0.6) flip(vertical)",
            "flip(both) vignette(0.8)",
            "vignette(0.8) blur(3px) brightness(0.9)",
            "vignette(0.8) blur(12px) vignette(0.3)",
        ] {
            let [luma, (most, share)] = differences(&gpu, chain, &frame, 0);
            assert!(luma.0 <= 1, "{chain} at {size}: luma {luma:?}");
            let border = if chain.contains("blur") { share_at_borders(size) } else { 0.0 };
            assert!(most <= 4 && share <= border, "{chain} at {size}: chroma {most}, {share}");
        }
    }
}

#[test]
fn reflections_of_planes_undo_themselves_and_can_be_joined() {
    let (gpu, film) = (Gpu::new().unwrap(), film());
    for size in SIZES {
        let frame = part(&film, size);
        let samples =
            |frame: &Frame| (0..3).map(|plane| frame.rows(plane).collect::<Vec<_>>().concat()).collect::<Vec<_>>();
        assert_eq!(samples(&filtered(&gpu, "flip(vertical) flip(vertical)", &frame)), samples(&frame), "{size}");
        let luma = |chain| samples(&filtered(&gpu, chain, &frame)).swap_remove(0);
        assert_eq!(luma("flip() flip()"), samples(&frame)[0], "{size}");
        assert_eq!(luma("flip(both)"), luma("flip() flip(vertical)"), "{size}");
        // The first row, by hand.
        let row = |chain| luma(chain)[..size.width as usize].to_vec();
        let (reversed, halves) = (row("none").into_iter().rev().collect::<Vec<_>>(), size.width as usize / 2);
        assert_eq!(row("flip()"), reversed, "{size}");
        assert_eq!(row("mirror()"), [&row("none")[..halves], &reversed[halves..]].concat(), "{size}");
        assert_eq!(row("mirror(right)"), [&reversed[..halves], &row("none")[halves..]].concat(), "{size}");
    }
}
