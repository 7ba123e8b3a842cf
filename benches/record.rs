//! Measures the cost of a recording: the whole data path, and each of its stages alone. Throughput is in frames.
//!
//! `cargo bench --bench record` takes a few minutes; `cargo bench --bench record -- filter/640x360` runs a part of it.

use std::hint::black_box;
use std::io::Cursor;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use framereel::canvas::Capture;
use framereel::codec::VideoCodec;
use framereel::encode::{self, EncoderChoice, EncoderConfig, VideoEncoder};
use framereel::filter::FilterChain;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::mux::{Finished, VideoTrack, WebmWriter};
use framereel::packet::EncodedPacket;
use framereel::recorder::{FileSink, MediaRecorderOptions, record};
use framereel::source::{SourceOptions, SourceSpec, open};
use framereel::stream::TrackKind;
use framereel::time::{FrameRate, Span};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm");
const RATE: FrameRate = FrameRate::whole(25);
/// How many frames one measurement takes: a second of the clip.
const FRAMES: usize = 25;
const SMALL: Size = Size::new(640, 360);
const LARGE: Size = Size::new(1280, 720);

const CHAINS: [(&str, &str); 5] = [
    ("none", "none"),
    ("sepia", "sepia(1)"),
    ("five", "brightness(1.1) contrast(1.2) saturate(1.3) hue-rotate(20deg) vignette(0.4)"),
    ("blur 2px", "blur(2px)"),
    ("blur 16px", "blur(16px)"),
];

fn encoders() -> Vec<EncoderChoice> {
    let encoders = encode::list().into_iter().filter(|encoder| encoder.version.is_ok());
    encoders.map(|encoder| encoder.name.parse().expect("a listed name")).collect()
}

fn clip() -> SourceSpec {
    SourceSpec::File(CLIP.into())
}

/// The clip's first frames, decoded.
fn film() -> Vec<Frame> {
    let mut source = open(&clip(), &SourceOptions::default()).expect("the clip");
    (0..FRAMES).map(|_| source.next_frame().expect("a whole clip").expect("a frame")).collect()
}

/// The clip's first frames as I420 of `size`, the input of encoders.
fn film_of(gpu: &Gpu, size: Size) -> Vec<Frame> {
    let mut capture = Capture::new(gpu, &FilterChain::default(), size, PixelFormat::I420);
    let mut scaled = Vec::new();
    send(&film(), &mut capture, &mut |frame| scaled.push(frame));
    scaled
}

/// Sends frames through the GPU as the pipeline does: with as many in flight as possible.
fn send(frames: &[Frame], capture: &mut Capture, took: &mut dyn FnMut(Frame)) {
    for frame in frames {
        if capture.is_full() {
            took(capture.take().expect("a working GPU").expect("a picture under way"));
        }
        capture.submit(frame, frame.timestamp).expect("a working GPU");
    }
    while let Some(picture) = capture.take().expect("a working GPU") {
        took(picture);
    }
}

fn encoder(choice: &EncoderChoice, size: Size) -> Box<dyn VideoEncoder> {
    encode::open(choice, &EncoderConfig::new(size, RATE)).expect("an encoder that is built in")
}

fn encoded(frames: &[Frame], encoder: &mut dyn VideoEncoder) -> Vec<EncodedPacket> {
    let mut packets = Vec::with_capacity(frames.len());
    for frame in frames {
        encoder.encode(frame, RATE.frame_span(), false, &mut packets).expect("a frame that fits");
    }
    encoder.finish(&mut packets).expect("an orderly end");
    packets
}

fn group<'a>(criterion: &'a mut Criterion, name: &str, frames: usize) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(frames as u64));
    group
}

/// Source to file: the clip, and the pattern at twice its size.
fn whole(criterion: &mut Criterion) {
    let gpu = Gpu::new().expect("an adapter");
    let folder = tempfile::tempdir().expect("a folder");
    let mut group = group(criterion, "whole", FRAMES);
    for (name, spec, size) in [("bunny 640x360", clip(), SMALL), ("pattern 1280x720", SourceSpec::Pattern, LARGE)] {
        for choice in encoders() {
            let duration = Span::from_nanos(RATE.frame_span().as_nanos() * FRAMES as i64);
            let options = MediaRecorderOptions::default().with_encoder(choice.clone());
            let drawn = SourceOptions::default().with_size(size).with_rate(RATE);
            group.bench_function(BenchmarkId::new(choice.to_string(), name), |bencher| {
                bencher.iter(|| {
                    let source = open(&spec, &drawn).expect("a source");
                    let sink = FileSink::create(folder.path().join("a.webm")).expect("a file");
                    let recording = record(source).filter("sepia(1)".parse().expect("a chain")).duration(duration);
                    let report = recording.options(options.clone()).run(&gpu, sink);
                    assert_eq!(report.expect("a recording").frames_encoded, FRAMES as u64);
                });
            });
        }
    }
    group.finish();
}

/// AV1 to planes; the file is opened each time.
fn decode(criterion: &mut Criterion) {
    let mut group = group(criterion, "decode", FRAMES);
    group.bench_function("webm 640x360", |bencher| bencher.iter(|| black_box(film())));
    group.finish();
}

/// Planes to the GPU, through a chain, packed and back.
fn filter(criterion: &mut Criterion) {
    let gpu = Gpu::new().expect("an adapter");
    for size in [SMALL, LARGE] {
        let film = film_of(&gpu, size);
        let mut group = group(criterion, &format!("filter/{size}"), film.len());
        for (name, chain) in CHAINS {
            let chain = chain.parse().expect("a chain");
            let mut capture = Capture::new(&gpu, &chain, size, PixelFormat::I420);
            group.bench_function(name, |bencher| {
                bencher.iter(|| send(&film, &mut capture, &mut |picture| drop(black_box(picture))));
            });
        }
        group.finish();
    }
}

/// Planes to packets; the encoder is opened each time.
fn encode(criterion: &mut Criterion) {
    let gpu = Gpu::new().expect("an adapter");
    for size in [SMALL, LARGE] {
        let film = film_of(&gpu, size);
        let mut group = group(criterion, &format!("encode/{size}"), film.len());
        for choice in encoders() {
            group.bench_function(choice.to_string(), |bencher| {
                bencher.iter(|| black_box(encoded(&film, &mut *encoder(&choice, size))));
            });
        }
        group.finish();
    }
}

/// Packets to a file's bytes, in memory.
fn mux(criterion: &mut Criterion) {
    let gpu = Gpu::new().expect("an adapter");
    let mut encoder = encoder(&EncoderChoice::Auto, SMALL);
    let packets = encoded(&film_of(&gpu, SMALL), &mut *encoder);
    let codec_private = encoder.codec_private().expect("a header after the first packet");
    let tracks = VideoTrack::new(VideoCodec::Av1, SMALL, codec_private).into();
    let mut group = group(criterion, "mux", packets.len());
    group.bench_function("webm 640x360", |bencher| {
        bencher.iter(|| {
            let mut writer = WebmWriter::new(Cursor::new(Vec::new()), &tracks).expect("a track");
            packets.iter().for_each(|packet| writer.write(TrackKind::Video, packet).expect("packets in order"));
            let Finished { sink: file, outcome: finished, .. } = writer.finish(None);
            finished.expect("a whole file");
            black_box(file)
        });
    });
    group.finish();
}

criterion_group!(benches, whole, decode, filter, encode, mux);
criterion_main!(benches);
