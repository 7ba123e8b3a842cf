//! The cost of a preview: drawing a frame, and what it takes from a recording. `cargo bench --bench preview` takes about
//! a minute and prints tables; compare figures of one run only.
//!
//! The recording is offline, as fast as possible, so that the preview's share shows as fewer frames a second. Beside it
//! the newest frame is drawn into a texture of another device, as into a window's, at 30 frames a second or without a
//! limit. Runs with and without a preview take turns; the medians are printed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use framereel::color::ColorSpace;
use framereel::preview::Preview;
use framereel::{
    Clock, Destination, Frame, Gpu, MediaStream, PixelFormat, Size, SourceOptions, SourceSpec, Span, TrackGenerator,
    open, record, wgpu,
};

const FRAME: Size = Size::new(1280, 720);
const WINDOWS: [Size; 3] = [Size::new(640, 360), Size::new(1280, 720), Size::new(1920, 1080)];
/// How many frames one measurement draws.
const DRAWN: u32 = 60;
/// How often each recording is made, and its length.
const RUNS: usize = 5;
const LENGTH: Span = Span::from_secs(10);

fn main() {
    // `cargo test` builds benchmarks too; it must not run this one.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let gpu = Gpu::new().expect("an adapter");
    println!("adapter: {}\n", gpu.name());
    println!("| a frame of {FRAME} drawn into | ms | frames a second |\n|---|---:|---:|");
    for window in WINDOWS {
        let took = drawing(&gpu, window);
        println!("| {window} | {:.2} | {:.0} |", took.as_secs_f64() * 1000.0, 1.0 / took.as_secs_f64());
    }
    println!("\n| {FRAME} recorded offline, `sepia(1)` | frames a second | of that without |\n|---|---:|---:|");
    let kinds = [
        ("without a preview", None),
        ("a preview of 640x360 at 30 a second", Some(30.0)),
        ("the same without a limit", Some(f64::MAX)),
    ];
    let mut rates = kinds.map(|_| Vec::new());
    for _ in 0..RUNS {
        for (rates, (_, limit)) in rates.iter_mut().zip(kinds) {
            rates.push(recording(&gpu, limit));
        }
    }
    let medians = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[RUNS / 2]
    });
    for ((what, _), rate) in kinds.iter().zip(medians) {
        println!("| {what} | {rate:.1} | {:.2} |", rate / medians[0]);
    }
}

fn texture(gpu: &Gpu, size: Size) -> wgpu::Texture {
    gpu.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: size.width, height: size.height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Bgra8Unorm,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
        view_formats: &[],
    })
}

fn wait(gpu: &Gpu) {
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).expect("a device");
}

/// How long one frame takes, upload included.
fn drawing(gpu: &Gpu, window: Size) -> Duration {
    let generator = TrackGenerator::video(FRAME, &Clock::real());
    let mut preview = Preview::new(gpu, &MediaStream::new([generator.track()])).expect("a preview");
    let target = texture(gpu, window);
    let data = vec![128; Frame::packed_len(PixelFormat::I420, FRAME)];
    let frame = Frame::packed(PixelFormat::I420, FRAME, ColorSpace::RECORDED, data);
    let mut draw = || {
        generator.write(frame.clone()).expect("a live track");
        preview.draw(&target).expect("a working GPU");
        wait(gpu);
    };
    // The first one compiles.
    draw();
    let begun = Instant::now();
    (0..DRAWN).for_each(|_| draw());
    begun.elapsed() / DRAWN
}

/// Frames a second of a recording; beside it a preview that draws at most `limit` times a second.
fn recording(gpu: &Gpu, limit: Option<f64>) -> f64 {
    let source = open(&SourceSpec::Pattern, &SourceOptions::default().with_size(FRAME)).expect("the pattern");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let recording =
            record(source).filter("sepia(1)".parse().expect("a chain")).duration(LENGTH).on_stream(|stream| {
                let (Some(limit), over) = (limit, &over) else { return };
                let window = Gpu::new().expect("an adapter");
                let mut preview = Preview::new(&window, stream).expect("a preview");
                let target = texture(&window, WINDOWS[0]);
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        let begun = Instant::now();
                        preview.draw(&target).expect("a working GPU");
                        wait(&window);
                        let pause = Duration::from_secs_f64(1.0 / limit.min(1000.0));
                        thread::sleep(pause.saturating_sub(begun.elapsed()));
                    }
                });
            });
        let report = recording.run(gpu, Destination::Blobs { timeslice: None }).expect("a recording");
        over.store(true, Ordering::Relaxed);
        assert_eq!(report.frames_dropped, 0);
        report.frames_encoded as f64 / report.wall_s
    })
}
