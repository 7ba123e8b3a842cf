//! Measures the cost of filters: each alone on film of 1280×720, from unpacking to packed I420 read back; and a chain
//! compared with one filter, a wide blur with a narrow one; and film of more than 8 bits, and of high dynamic range, with
//! film of 8 bits.

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use framereel::canvas::Capture;
use framereel::color::{ColorSpace, Matrix, Primaries, ToneMap, Transfer};
use framereel::filter::{self, FilterChain, FilterInfo};
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::source::{self, SourceOptions};

const HD: Size = Size::new(1280, 720);

/// A chain, the chain it is compared with, and how many times as much it may cost.
const RATIOS: &[(&str, &str, f64)] = &[
    ("sepia(1) contrast(1.2) saturate(1.4) hue-rotate(20deg) vignette(0.4)", "sepia(1)", 1.3),
    ("blur(16px)", "blur(2px)", 2.0),
    ("blur(2px)", "sepia(1)", 2.2),
    ("blur(16px)", "sepia(1)", 2.2),
];

/// A frame of film at full size.
fn film(gpu: &Gpu) -> Frame {
    let clip = "examples/clips/bunny.webm".parse().unwrap();
    let small = source::open(&clip, &SourceOptions::default()).unwrap().next_frame().unwrap().unwrap();
    one(&mut capture(gpu, "none"), &small)
}

fn capture(gpu: &Gpu, chain: &str) -> Capture {
    Capture::new(gpu, &chain.parse::<FilterChain>().unwrap(), HD, PixelFormat::I420)
}

/// One frame through the chain and back.
fn one(capture: &mut Capture, frame: &Frame) -> Frame {
    capture.submit(frame, frame.timestamp).unwrap();
    capture.take().unwrap().unwrap()
}

fn each_alone(criterion: &mut Criterion) {
    let gpu = Gpu::new().unwrap();
    let frame = film(&gpu);
    let calls = filter::catalog().iter().filter_map(FilterInfo::demonstration);
    for call in std::iter::once("none".to_owned()).chain(calls) {
        let mut capture = capture(&gpu, &call);
        criterion.bench_function(&call, |bencher| bencher.iter(|| one(&mut capture, &frame)));
    }
}

/// Alternates frame by frame, so that both are measured under the same load of the machine.
fn ratios(_: &mut Criterion) {
    let gpu = Gpu::new().unwrap();
    let frame = film(&gpu);
    for (chain, other, most) in RATIOS {
        let mut captures = [capture(&gpu, chain), capture(&gpu, other)];
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..160 {
            for (capture, times) in captures.iter_mut().zip(&mut times) {
                let began = Instant::now();
                one(capture, &frame);
                // The first frames compile shaders.
                if round >= 10 {
                    times.push(began.elapsed());
                }
            }
        }
        let [cost, against] = times.map(median);
        let ratio = cost.as_secs_f64() / against.as_secs_f64();
        println!("{chain}: {cost:.2?}; {other}: {against:.2?}; {ratio:.2} times, at most {most} wanted");
    }
}

/// The same film with 8 bits, with 10, and as if it was of high dynamic range; unfiltered, in turn.
fn depth_and_light(_: &mut Criterion) {
    let gpu = Gpu::new().unwrap();
    let eight = film(&gpu);
    let samples = (0..3).flat_map(|plane| eight.rows(plane).flatten().copied().collect::<Vec<_>>());
    let data: Vec<u8> = samples.flat_map(|sample| (u16::from(sample) << 2).to_le_bytes()).collect();
    let ten = |color| Frame::packed(PixelFormat::I420P10, HD, color, data.clone());
    let wide = ColorSpace { matrix: Matrix::Bt2020, primaries: Primaries::Bt2020, ..ColorSpace::RECORDED };
    let frames = [
        ("8 bits", eight),
        ("10 bits", ten(ColorSpace::RECORDED)),
        ("10 bits, BT.2020", ten(wide)),
        ("10 bits, PQ, clipped", ten(ColorSpace { transfer: Transfer::Pq, tone_map: ToneMap::Clip, ..wide })),
        ("10 bits, PQ", ten(ColorSpace { transfer: Transfer::Pq, ..wide })),
        ("10 bits, HLG", ten(ColorSpace { transfer: Transfer::Hlg, ..wide })),
    ];
    let mut runs: Vec<_> =
        frames.iter().map(|(name, frame)| (name, frame, capture(&gpu, "none"), Vec::new())).collect();
    for round in 0..160 {
        for (_, frame, capture, times) in &mut runs {
            let began = Instant::now();
            one(capture, frame);
            if round >= 10 {
                times.push(began.elapsed());
            }
        }
    }
    for (name, _, _, times) in runs {
        println!("{name}: {:.2?}", median(times));
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_millis(2500))
        .without_plots();
    targets = ratios, depth_and_light, each_alone
}
criterion_main!(benches);
