//! Pixel formats of cameras: each shows exactly the same as these samples in a planar format.

use std::io::Write;
use std::process::{Command, Stdio};

use framereel::canvas::Capture;
use framereel::color::{ColorSpace, Range, Siting};
use framereel::filter::FilterChain;
use framereel::frame::{Frame, PixelFormat, Plane, Size};
use framereel::gpu::Gpu;
use framereel::time::Timestamp;
use nv12::nv12;

#[path = "support/nv12.rs"]
mod nv12;

/// Widths and heights around whole words, pairs, blocks of 4x2 and 16x2, and a read of 32 pixels' chroma.
const SIZES: [(u32, u32); 15] = [
    (1, 1),
    (2, 2),
    (3, 3),
    (5, 4),
    (6, 5),
    (7, 2),
    (8, 8),
    (15, 3),
    (16, 2),
    (17, 3),
    (31, 5),
    (32, 4),
    (33, 9),
    (49, 7),
    (64, 48),
];

/// Samples in no order (Marsaglia 2003).
fn noise(seed: u32, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn noisy(format: PixelFormat, size: Size, color: ColorSpace) -> Frame {
    Frame::packed(format, size, color, noise(size.width * 31 + size.height, Frame::packed_len(format, size)))
}

fn yuyv(planar: &Frame) -> Frame {
    let mut data = Vec::new();
    for ((y, u), v) in planar.rows(0).zip(planar.rows(1)).zip(planar.rows(2)) {
        for (pair, (&u, &v)) in y.chunks(2).zip(u.iter().zip(v)) {
            data.extend([pair[0], u, *pair.get(1).unwrap_or(&0), v]);
        }
    }
    Frame::packed(PixelFormat::Yuyv, planar.size(), planar.color, data)
}

fn rgb(rgba: &Frame) -> Frame {
    let data = rgba.data().chunks(4).flat_map(|pixel| pixel[..3].to_vec()).collect();
    Frame::packed(PixelFormat::Rgb8, rgba.size(), rgba.color, data)
}

/// A picture with the alpha of film.
fn opaque(size: Size) -> Frame {
    let mut data = noise(size.width + 7, Frame::packed_len(PixelFormat::Rgba8, size));
    data.chunks_mut(4).for_each(|pixel| pixel[3] = 255);
    Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, data)
}

/// The same frame with bytes between its rows and planes that belong to no picture.
fn strided(frame: &Frame) -> Frame {
    let mut data = Vec::new();
    let mut layout = Vec::new();
    for plane in 0..frame.format().planes() {
        let row = frame.format().plane_size(plane, frame.size()).0;
        data.extend([0xee; 5]);
        layout.push(Plane { offset: data.len(), stride: row + 3 });
        for row in frame.rows(plane) {
            data.extend_from_slice(row);
            data.extend([0xee; 3]);
        }
    }
    Frame::strided(frame.format(), frame.size(), frame.color, &layout, data)
}

/// What a canvas of the same size shows.
fn shown(gpu: &Gpu, frame: &Frame, format: PixelFormat, chain: &str) -> Vec<Vec<u8>> {
    let chain: FilterChain = chain.parse().unwrap();
    let mut capture = Capture::new(gpu, &chain, frame.size(), format);
    capture.submit(frame, Timestamp::ZERO).unwrap();
    let picture = capture.take().unwrap().expect("the picture that was submitted");
    (0..format.planes()).map(|plane| picture.rows(plane).flatten().copied().collect()).collect()
}

/// Both frames show the same, but for roundings of chroma by up to `rounding`.
fn assert_alike(gpu: &Gpu, frame: &Frame, model: &Frame, rounding: u8) {
    for chain in ["none", "invert(1) blur(1px)"] {
        for output in [PixelFormat::I420, PixelFormat::Rgba8] {
            let expected = shown(gpu, model, output, chain);
            assert!(expected[0].len() < 16 || expected[0].iter().any(|&byte| byte != expected[0][0]), "noise is seen");
            let found = shown(gpu, frame, output, chain);
            let off = |plane: usize| found[plane].iter().zip(&expected[plane]).map(|(a, b)| a.abs_diff(*b)).max();
            assert_eq!(off(0), Some(0), "{frame:?} to {output:?}, {chain}");
            assert!((1..found.len()).all(|plane| off(plane) <= Some(rounding)), "{frame:?} to {output:?}, {chain}");
            assert_eq!(shown(gpu, &strided(frame), output, chain), found, "{frame:?} with strides, {chain}");
        }
    }
}

#[test]
fn nv12_shows_what_i420_shows() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    for (width, height) in SIZES {
        for siting in [Siting::Left, Siting::Center, Siting::TopLeft] {
            let model = noisy(
                PixelFormat::I420,
                Size::new(width, height),
                ColorSpace { siting, range: Range::Full, ..ColorSpace::RECORDED },
            );
            // Sums of chroma are rounded to fewer bits in the larger blocks of I420.
            assert_alike(&gpu, &nv12(&model), &model, 1);
        }
    }
}

#[test]
fn yuyv_shows_what_i422_shows() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    for (width, height) in SIZES {
        let model = noisy(PixelFormat::I422, Size::new(width, height), ColorSpace::untagged(height));
        assert_alike(&gpu, &yuyv(&model), &model, 0);
    }
}

#[test]
fn rgb_shows_what_opaque_rgba_shows() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    for (width, height) in SIZES {
        let model = opaque(Size::new(width, height));
        assert_alike(&gpu, &rgb(&model), &model, 0);
    }
}

/// BT.709 of limited range, in codes (ITU-T H.273): Y, Cb and Cr of a pixel.
fn yuv_of(pixel: &[u8]) -> [f64; 3] {
    let [r, g, b] = [0, 1, 2].map(|channel| f64::from(pixel[channel]) / 255.0);
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [16.0 + 219.0 * y, 128.0 + 224.0 * (b - y) / 1.8556, 128.0 + 224.0 * (r - y) / 1.5748]
}

/// The planes of a picture in 4:2:0: chroma through (-1 2 6 2 -1)/8 across and (-1 3 3 -1)/4 down, with the outermost
/// pixels repeated past the borders.
fn planes_of(rgba: &Frame) -> [Vec<f64>; 3] {
    let (width, height) = (rgba.size().width as i64, rgba.size().height as i64);
    let yuv: Vec<_> = rgba.data().chunks(4).map(yuv_of).collect();
    let at = |x: i64, y: i64| yuv[(y.clamp(0, height - 1) * width + x.clamp(0, width - 1)) as usize];
    let across = [-0.125, 0.25, 0.75, 0.25, -0.125];
    let down = [-0.25, 0.75, 0.75, -0.25];
    let sample = |plane: usize, x: i64, y: i64| -> f64 {
        let row = |y: i64| (0..5).map(|i| across[i as usize] * at(2 * x + i - 2, y)[plane]).sum::<f64>();
        (0..4).map(|i| down[i as usize] * row(2 * y + i - 1)).sum()
    };
    let chroma = |plane| {
        let places = (0..(height + 1) / 2).flat_map(|y| (0..(width + 1) / 2).map(move |x| (x, y)));
        places.map(|(x, y)| sample(plane, x, y)).collect()
    };
    [yuv.iter().map(|yuv| yuv[0]).collect(), chroma(1), chroma(2)]
}

#[test]
fn chroma_is_filtered_up_to_the_borders_at_every_width() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    for (width, height) in (1..=18).map(|width| (width, 11 - width % 4)) {
        let rgba = opaque(Size::new(width, height));
        let found = shown(&gpu, &rgba, PixelFormat::I420, "none");
        for (plane, (found, expected)) in found.iter().zip(planes_of(&rgba)).enumerate() {
            assert_eq!(found.len(), expected.len());
            let off = found.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b.clamp(0.0, 255.0)).abs());
            let worst = off.fold(0.0, f64::max);
            assert!(worst < 0.51, "{width}x{height}, plane {plane}: {worst} of 255");
        }
    }
}

/// A picture's samples and those that its colours have by `planes_of`: how far they are apart at the most.
fn off_from_colors(gpu: &Gpu, frame: &Frame, chain: &str) -> f64 {
    let rgba = shown(gpu, frame, PixelFormat::Rgba8, chain).concat();
    let expected = planes_of(&Frame::packed(PixelFormat::Rgba8, frame.size(), ColorSpace::RECORDED, rgba));
    let found = shown(gpu, frame, PixelFormat::I420, chain);
    let pairs = found.iter().zip(&expected).flat_map(|(found, expected)| found.iter().zip(expected));
    pairs.map(|(found, expected)| (f64::from(*found) - expected.clamp(0.0, 255.0)).abs()).fold(0.0, f64::max)
}

#[test]
fn chroma_of_film_is_filtered_across_the_blocks_of_a_pass() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let color = ColorSpace { siting: Siting::Center, ..ColorSpace::RECORDED };
    for (width, height) in (1..=18).chain([31, 32, 33, 34, 47, 50]).map(|width| (width, 1 + width * 7 % 19)) {
        let film = noisy(PixelFormat::I420, Size::new(width, height), color);
        // Colours of 8 bits are half a step off, chroma is the sum of many of them.
        for chain in ["sepia(1)", "grayscale(0.5) vignette(0.4)"] {
            let off = off_from_colors(&gpu, &film, chain);
            assert!(off < 1.5, "{chain}, {width}x{height}: {off} of 255");
        }
    }
}

#[test]
fn chroma_after_a_wide_blur_is_where_its_samples_are() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    for size in [Size::new(64, 48), Size::new(82, 50), Size::new(83, 51)] {
        // Both halves and both quarters of a half differ, so chroma changes by several steps from pixel to pixel.
        let (columns, rows) = (size.width.div_ceil(2), size.height.div_ceil(2));
        let places = || (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y)));
        let u = places().map(|(x, _)| if 2 * x < columns { 75 } else { 190 });
        let v = places().map(|(_, y)| if 2 * y < rows { 190 } else { 70 });
        let data = std::iter::repeat_n(120, size.pixels() as usize).chain(u).chain(v).collect();
        let film = Frame::packed(PixelFormat::I420, size, ColorSpace::RECORDED, data);
        for blur in ["blur(5px)", "blur(8px)", "blur(16px) vignette(0.3)", "blur(8px) contrast(0.8)"] {
            let chain = &format!("{blur} edge=clamp");
            let off = off_from_colors(&gpu, &film, chain);
            assert!(off < 1.6, "{chain}, {size}: {off} of 255");
        }
    }
}

#[test]
fn rows_of_odd_width_are_padded_to_whole_pairs() {
    let size = Size::new(5, 3);
    let planes =
        |format: PixelFormat| (0..format.planes()).map(|plane| format.plane_size(plane, size)).collect::<Vec<_>>();
    assert_eq!(planes(PixelFormat::Nv12), [(5, 3), (6, 2)]);
    assert_eq!(planes(PixelFormat::Yuyv), [(12, 3)]);
    assert_eq!(planes(PixelFormat::Rgb8), [(15, 3)]);
    assert_eq!(Frame::packed_len(PixelFormat::Nv12, size), 27);
}

/// `frame`'s samples as ffmpeg lays them out.
fn by_ffmpeg(frame: &Frame, from: &str, to: &str) -> Vec<u8> {
    let size = frame.size().to_string();
    let raw = |layout| ["-f", "rawvideo", "-pix_fmt", layout];
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-s", &size])
        .args(raw(from))
        .args(["-i", "-"])
        .args(raw(to))
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg: `make test` installs it");
    // A pipe holds 64 KiB; the frame is smaller.
    ffmpeg.stdin.take().unwrap().write_all(frame.data()).unwrap();
    ffmpeg.wait_with_output().unwrap().stdout
}

#[test]
fn ffmpeg_lays_the_same_samples_out_alike() {
    let size = Size::new(64, 48);
    let i420 = noisy(PixelFormat::I420, size, ColorSpace::RECORDED);
    let i422 = noisy(PixelFormat::I422, size, ColorSpace::RECORDED);
    assert!(by_ffmpeg(&i420, "yuv420p", "nv12") == nv12(&i420).data(), "NV12 differs");
    assert!(by_ffmpeg(&i422, "yuv422p", "yuyv422") == yuyv(&i422).data(), "YUYV differs");
}
