//! `framereel bench`: how many frames a second this machine filters and encodes, each stage alone and all together.

use std::time::{Duration, Instant};

use clap::Args as Arguments;
use framereel::canvas::Capture;
use framereel::encode::{self, EncoderConfig};
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::mux::Container;
use framereel::source::{self, SourceOptions, SourceSpec};
use framereel::{
    Canvas, Clock, Error, ErrorKind, Event, FilterChain, FrameRate, Gpu, MediaRecorder, Result, Span, VideoCodec,
};
use serde::Serialize;

use super::encoder::EncoderArgs;
use super::print;
use super::values::{chain, size, some_time};

/// The frames of the source that are used, again and again, hold at most so many bytes.
const MOST_BYTES: usize = 256 << 20;
/// How many of them there are at most.
const MOST_FRAMES: usize = 60;
const RATE: FrameRate = FrameRate::whole(30);
/// The size of what draws itself.
const USUAL_SIZE: Size = Size::new(1280, 720);

const EXAMPLES: &str = "\
Examples:
  framereel bench                                            1280x720, unfiltered, av1
  framereel bench --filter \"sepia(1) blur(2px)\" --size 1920x1080
  framereel bench film.mp4 --codec vp8                       with the film's own pictures
  framereel bench --encoder rav1e --json

Encoders depend on what is shown: the test picture is easier than most film.";

/// Measures how many frames a second this machine filters, encodes and records
#[derive(Debug, Arguments)]
#[command(after_help = EXAMPLES)]
pub struct BenchArgs {
    /// What is shown, as `framereel record` takes it; its first frames are kept in memory
    #[arg(default_value = "pattern")]
    pub source: SourceSpec,
    /// Filters in CSS syntax
    #[arg(long, value_name = "CHAIN", default_value = "none", hide_default_value = true, value_parser = chain)]
    pub filter: FilterChain,
    /// The picture's size [default: the source's; 1280x720 of what draws itself]
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<Size>,
    #[command(flatten)]
    pub encoder: EncoderArgs,
    /// How long each of the three measurements takes
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = some_time)]
    pub time: Span,
    /// Print the figures as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The figures, in frames a second.
#[derive(Debug, Serialize)]
struct Figures {
    width: u32,
    height: u32,
    filter: String,
    codec: String,
    encoder: String,
    adapter: String,
    cores: usize,
    /// Upload, filters, packing and reading back.
    filters: f64,
    encoding: f64,
    /// Both at the same time, and the file.
    recording: f64,
    /// The slower of the two stages.
    limit: &'static str,
}

pub fn run(args: &BenchArgs) -> Result<()> {
    let gpu = Gpu::new()?;
    let (frames, drawn_by) = frames(args)?;
    let size = args.size.unwrap_or(frames[0].size());
    let chain = drawn_by.then(args.filter.clone());
    let config = args.encoder.config(size, RATE);
    let said = |name: &str, speed: f64| {
        if args.json { Ok(()) } else { print(format_args!("{name:<10}{speed:>8.1} frames a second")) }
    };
    let adapter = gpu.info().name.clone();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let encoder = encode::open(&args.encoder.options().encoder, &config)?.name().to_owned();
    let (filter, codec) = (args.filter.to_string(), config.codec.name().to_owned());
    if !args.json {
        print(format_args!("{size}, {filter}, to {codec} by {encoder}; {adapter}, {cores} cores"))?;
    }
    let limit = Duration::from_nanos(args.time.as_nanos().unsigned_abs());
    let (filtered, filters) = measure_filters(&gpu, &chain, size, &frames, limit)?;
    said("filters", filters)?;
    let encoding = measure_encoder(args, &config, &filtered, limit)?;
    said("encoding", encoding)?;
    let recording = measure_recording(args, &gpu, &chain, &config, &frames, limit)?;
    said("recording", recording)?;
    let limit = if filters < encoding { "filters" } else { "encoder" };
    let figures = Figures {
        width: size.width,
        height: size.height,
        filter,
        codec,
        encoder,
        adapter,
        cores,
        filters,
        encoding,
        recording,
        limit,
    };
    if args.json {
        return print(serde_json::to_string(&figures).expect("a struct of numbers and strings is always JSON"));
    }
    let verb = if limit == "filters" { "are" } else { "is" };
    print(format_args!(
        "sustains {size} at {:.0} frames a second; the {limit} {verb} what limits it",
        recording.floor()
    ))
}

/// The first frames of the source, and the filters that draw it.
fn frames(args: &BenchArgs) -> Result<(Vec<Frame>, FilterChain)> {
    let mut options = SourceOptions::default();
    options.size = args.size.or(Some(USUAL_SIZE));
    let mut source = source::open(&args.source, &options)?;
    let (mut frames, mut bytes) = (Vec::new(), 0);
    while frames.len() < MOST_FRAMES
        && (bytes < MOST_BYTES || frames.is_empty())
        && let Some(frame) = source.next_frame()?
    {
        bytes += frame.data().len();
        frames.push(frame);
    }
    if frames.is_empty() {
        return Err(Error::new(ErrorKind::NotReadable, "expected at least one frame but found none"));
    }
    Ok((frames, source.drawn_by()))
}

/// Filters frames for so long; returns some of them filtered, and how many there were a second.
fn measure_filters(
    gpu: &Gpu,
    chain: &FilterChain,
    size: Size,
    frames: &[Frame],
    limit: Duration,
) -> Result<(Vec<Frame>, f64)> {
    let mut capture = Capture::new(gpu, chain, size, PixelFormat::I420);
    let (mut filtered, mut taken) = (Vec::new(), 0_u64);
    // The shaders are compiled first.
    capture.submit(&frames[0], RATE.timestamp(0))?;
    capture.take()?;
    let began = Instant::now();
    for (index, frame) in (1..).zip(frames.iter().cycle()) {
        if capture.is_full() {
            filtered.extend(capture.take()?.filter(|_| filtered.len() < frames.len()));
            taken += 1;
        }
        if began.elapsed() >= limit && taken >= 3 {
            break;
        }
        capture.submit(frame, RATE.timestamp(index))?;
    }
    Ok((filtered, taken as f64 / began.elapsed().as_secs_f64()))
}

fn measure_encoder(args: &BenchArgs, config: &EncoderConfig, frames: &[Frame], limit: Duration) -> Result<f64> {
    let mut encoder = encode::open(&args.encoder.options().encoder, config)?;
    let (mut packets, mut taken) = (Vec::new(), 0);
    let began = Instant::now();
    for frame in frames.iter().cycle() {
        let frame = frame.clone().with_timestamp(RATE.timestamp(taken));
        encoder.encode(&frame, RATE.frame_span(), false, &mut packets)?;
        taken += 1;
        if began.elapsed() >= limit && taken >= 3 {
            break;
        }
    }
    encoder.finish(&mut packets)?;
    Ok(packets.len() as f64 / began.elapsed().as_secs_f64())
}

/// Records what is drawn on a canvas for so long, as fast as it goes, into memory: by the same encoder as a camera is.
fn measure_recording(
    args: &BenchArgs,
    gpu: &Gpu,
    chain: &FilterChain,
    config: &EncoderConfig,
    frames: &[Frame],
    limit: Duration,
) -> Result<f64> {
    let container = match config.codec {
        VideoCodec::H264 | VideoCodec::Hevc => Container::Mp4,
        _ => Container::Webm,
    };
    let mut canvas = Canvas::new(gpu, config.size)?.with_clock(Clock::stepped(RATE));
    canvas.set_filter(chain);
    let stream = canvas.capture_stream(None)?;
    let options = args.encoder.options().with_mime_type(&args.encoder.mime_type(container, true)?);
    let recorder = MediaRecorder::new(&stream, options)?;
    recorder.start(None)?;
    let began = Instant::now();
    for (index, frame) in frames.iter().cycle().enumerate() {
        if began.elapsed() >= limit && index >= 3 {
            break;
        }
        canvas.draw(frame.clone());
        canvas.present()?;
    }
    recorder.stop();
    for event in recorder.events() {
        if let Event::Error(error) = event {
            return Err(error);
        }
    }
    Ok(recorder.report().frames_encoded as f64 / began.elapsed().as_secs_f64())
}
