//! The content of a recording: every frame, its colours, its times, and the same again the second time.

#[path = "support/figures.rs"]
mod figures;
#[path = "support/program.rs"]
mod program;
#[path = "support/tools.rs"]
mod tools;

use std::path::{Path, PathBuf};

use figures::Figures;
use framereel::codec::VideoCodec;
use framereel::encode::{self, EncoderChoice, EncoderConfig};
use framereel::filter::FilterChain;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::mux::{Finished, VideoTrack, WebmWriter};
use framereel::recorder::{FileSink, MediaRecorderOptions, Recording, Report, record};
use framereel::source::pattern::{BARS, bar_center};
use framereel::source::{Source, SourceOptions, SourceSpec, open};
use framereel::stream::TrackKind;
use framereel::time::{FrameRate, Span};
use program::{Bench, y4m_of};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm");
const ENCODERS: [(EncoderChoice, VideoCodec); 4] = [
    (EncoderChoice::Aom, VideoCodec::Av1),
    (EncoderChoice::Rav1e, VideoCodec::Av1),
    (EncoderChoice::Vpx, VideoCodec::Vp9),
    (EncoderChoice::Vpx, VideoCodec::Vp8),
];

fn source(spec: &SourceSpec) -> Box<dyn Source> {
    open(spec, &SourceOptions::default()).unwrap()
}

fn clip() -> SourceSpec {
    SourceSpec::File(CLIP.into())
}

fn run(recording: Recording, path: &Path) -> Report {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    recording.run(&gpu, FileSink::create(path).unwrap()).unwrap()
}

/// All frames of a recording, decoded by us.
fn frames(path: PathBuf) -> Vec<Frame> {
    all(source(&SourceSpec::File(path)))
}

fn all(mut source: Box<dyn Source>) -> Vec<Frame> {
    std::iter::from_fn(|| source.next_frame().unwrap()).collect()
}

fn short<'a>(spec: &SourceSpec, options: MediaRecorderOptions) -> Recording<'a> {
    record(source(spec)).duration(Span::from_millis(400)).options(options)
}

fn options_of(encoder: &EncoderChoice, codec: VideoCodec) -> MediaRecorderOptions {
    let mime_type = format!("video/webm;codecs={codec}");
    MediaRecorderOptions::default().with_encoder(encoder.clone()).with_mime_type(&mime_type)
}

/// So good that colours can be measured.
fn fine(options: MediaRecorderOptions) -> MediaRecorderOptions {
    options.with_quality(90)
}

/// Peak signal to noise ratio in dB over plane `plane` of all frames.
fn psnr(a: &[Frame], b: &[Frame], plane: usize) -> f64 {
    assert_eq!(a.len(), b.len());
    let (mut squares, mut samples) = (0u64, 0u64);
    for (a, b) in a.iter().zip(b) {
        for (a, b) in a.rows(plane).zip(b.rows(plane)) {
            squares += a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum::<u64>();
            samples += a.len() as u64;
        }
    }
    10.0 * (255.0f64.powi(2) * samples as f64 / squares as f64).log10()
}

#[test]
fn next_to_nothing_is_lost_on_the_way_through_the_canvas() {
    let bench = Bench::new();
    let film = all(source(&clip()));
    let film = &film[..20];
    for (encoder, codec) in ENCODERS {
        // The same encoder, fed with the source's own planes at the same settings.
        let rate = source(&clip()).info().rate.unwrap();
        let config = EncoderConfig::new(film[0].size(), rate).with_codec(codec);
        let mut direct = encode::open(&encoder, &config).unwrap();
        let mut packets = Vec::new();
        for frame in film {
            direct.encode(frame, config.rate.frame_span(), false, &mut packets).unwrap();
        }
        direct.finish(&mut packets).unwrap();
        let codec_private = direct.codec_private().unwrap();
        let track = VideoTrack::new(codec, config.size, codec_private);
        let path = bench.path("direct.webm");
        let mut writer = WebmWriter::new(FileSink::create(&path).unwrap(), &track.into()).unwrap();
        packets.iter().for_each(|packet| writer.write(TrackKind::Video, packet).unwrap());
        let Finished { sink, outcome: finished, .. } = writer.finish(None);
        finished.unwrap();
        drop(sink);

        let through = bench.path("through.webm");
        let options = options_of(&encoder, codec);
        let report = run(record(source(&clip())).duration(Span::from_millis(800)).options(options), &through);
        assert_eq!(report.frames_encoded, 20);
        let (direct, through) = (frames(path), frames(through));
        for (plane, most) in [(0, 0.3), (1, 0.5), (2, 0.5)] {
            let (direct, through) = (psnr(film, &direct, plane), psnr(film, &through, plane));
            println!(
                "{encoder} {codec} plane {plane}: {direct:.2} dB fed directly, {through:.2} dB through the canvas"
            );
            assert!(direct > 30.0, "{encoder} {codec} plane {plane}: {direct:.2} dB");
            assert!(direct - through < most, "{encoder} {codec} plane {plane}: {direct:.2} dB became {through:.2} dB");
        }
    }
}

#[test]
fn an_offline_recording_holds_the_same_frames_twice() {
    let bench = Bench::new();
    for (encoder, codec) in ENCODERS {
        let options = options_of(&encoder, codec);
        let filter: FilterChain = "sepia(60%) blur(2px) vignette(0.4)".parse().unwrap();
        let [first, second] = ["first.webm", "second.webm"].map(|name| {
            let path = bench.path(name);
            let recording = short(&clip(), options.clone()).filter(filter.clone());
            assert_eq!(run(recording, &path).frames_encoded, 10);
            frames(path)
        });
        assert!(first == second, "{encoder} {codec}: the decoded frames differ");
    }
}

#[test]
fn every_frame_is_accounted_for_when_the_rate_changes() {
    let bench = Bench::new();
    let rate = source(&clip()).info().rate.unwrap().as_f64();
    assert_eq!(rate, 25.0);
    for (asked, encoded, skipped, repeated) in [("5", 4, 16, 0), ("50", 40, 0, 20), ("25", 20, 0, 0)] {
        let asked_rate: FrameRate = asked.parse().unwrap();
        let recording = record(source(&clip())).rate(asked_rate).duration(Span::from_millis(800));
        let path = bench.path("rate.webm");
        let report = run(recording.size(Size::new(160, 90)), &path);
        let counts = (report.frames_in, report.frames_encoded, report.dropped.rate, report.frames_repeated);
        assert_eq!(counts, (20, encoded, skipped, repeated), "at {asked} fps");
        assert_eq!(report.frames_dropped, skipped);
        assert!((report.duration_s - 0.8).abs() < 1e-6, "{}", report.duration_s);
        assert_eq!(frames(path).len() as u64, encoded);
    }
}

/// Colours of the decoded bars, as `ffmpeg` converts them to RGB: another's decoder and another's matrices.
fn bars_seen(path: &Path, size: Size) -> Option<Vec<[u8; 3]>> {
    if !tools::has("ffmpeg") {
        return None;
    }
    let output = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-frames:v", "1", "-sws_flags", "accurate_rnd+full_chroma_int+full_chroma_inp"])
        .args(["-vf", "scale=in_color_matrix=bt709:in_range=tv", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .expect("ffmpeg");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let color = |bar| {
        let (x, y) = bar_center(size, bar);
        let at = (y * size.width + x) as usize * 3;
        [output.stdout[at], output.stdout[at + 1], output.stdout[at + 2]]
    };
    Some((0..BARS.len()).map(color).collect())
}

/// A y4m of the bars by the textbook's formulas (BT.601-7 §2.5, BT.709-6 §3), written out here and nowhere in the crate.
fn bars_film(size: Size, weights: [f64; 3], full: bool) -> Vec<u8> {
    let (y_scale, y_zero, c_scale) = if full { (255.0, 0.0, 255.0) } else { (219.0, 16.0, 224.0) };
    let codes = BARS.map(|rgb| {
        let [r, g, b] = rgb.map(|value| f64::from(value) / 255.0);
        let luma = weights[0] * r + weights[1] * g + weights[2] * b;
        let cb = (b - luma) / (2.0 * (1.0 - weights[2]));
        let cr = (r - luma) / (2.0 * (1.0 - weights[0]));
        [luma * y_scale + y_zero, cb * c_scale + 128.0, cr * c_scale + 128.0].map(|code| code.round().min(255.0) as u8)
    });
    let tag = if full { " XCOLORRANGE=FULL" } else { "" };
    y4m_of(size.width, size.height, tag, 5, |plane, x, width| codes[x * BARS.len() / width][plane])
}

#[test]
fn the_colours_of_the_bars_come_out_as_they_were_drawn() {
    const BT601: [f64; 3] = [0.299, 0.587, 0.114];
    const BT709: [f64; 3] = [0.2126, 0.7152, 0.0722];
    let bench = Bench::new();
    let allowed = Figures::read().test_picture + 1;
    let (sd, hd) = (Size::new(640, 360), Size::new(1280, 720));
    let inputs = [
        ("pattern", sd, None),
        ("BT.601 limited, untagged", sd, Some((BT601, false))),
        ("BT.601 full", sd, Some((BT601, true))),
        ("BT.709 limited, untagged", hd, Some((BT709, false))),
        ("BT.709 full", hd, Some((BT709, true))),
    ];
    for (encoder, codec) in ENCODERS {
        for (name, size, film) in inputs {
            let spec = match film {
                Some((weights, full)) => SourceSpec::File(bench.write("bars.y4m", bars_film(size, weights, full))),
                None => SourceSpec::Pattern,
            };
            let options = SourceOptions::default().with_size(size);
            let path = bench.path("bars.webm");
            let recording = record(open(&spec, &options).unwrap()).duration(Span::from_millis(160));
            // The colours are judged, not the quantizer: VP8's, at 90, is off by 3 itself.
            let quality = if codec == VideoCodec::Vp8 { 100 } else { 90 };
            run(recording.options(options_of(&encoder, codec).with_quality(quality)), &path);
            let Some(seen) = bars_seen(&path, size) else { return };
            for (drawn, seen) in BARS.iter().zip(seen) {
                println!("{encoder:<6} {codec} {name:<26} drawn {drawn:3?} seen {seen:3?}");
                let off = drawn.iter().zip(seen).map(|(&a, b)| a.abs_diff(b)).max().unwrap();
                assert!(off <= allowed, "{encoder} {codec}, {name}: drawn {drawn:?}, seen {seen:?}");
            }
        }
    }
}

#[test]
fn odd_sizes_and_every_layout_of_planes_record_whole() {
    let bench = Bench::new();
    for tag in ["C420mpeg2", "C420jpeg", "C420paldv", "C422", "C444", "Cmono"] {
        let size = Size::new(75, 53);
        let mut film = format!("YUV4MPEG2 W{} H{} F25:1 Ip A1:1 {tag}\n", size.width, size.height).into_bytes();
        let format = match tag {
            "C422" => PixelFormat::I422,
            "C444" => PixelFormat::I444,
            "Cmono" => PixelFormat::Gray8,
            _ => PixelFormat::I420,
        };
        for frame in 0..3u8 {
            film.extend_from_slice(b"FRAME\n");
            for plane in 0..format.planes() {
                let (row, rows) = format.plane_size(plane, size);
                let level = if plane == 0 { 60 + frame * 20 } else { 100 + 40 * (plane as u8 - 1) };
                film.extend(std::iter::repeat_n(level, row * rows));
            }
        }
        let spec = SourceSpec::File(bench.write("odd.y4m", film));
        let path = bench.path("odd.webm");
        let report = run(short(&spec, fine(MediaRecorderOptions::default())), &path);
        assert_eq!((report.frames_encoded, report.width, report.height), (3, 75, 53), "{tag}");
        // 53 lines are untagged BT.601: the colour's luma changes with the matrix, its grey does not.
        let decoded = frames(path);
        let luma = decoded[0].rows(0).map(|row| row[37]).collect::<Vec<_>>();
        assert!(luma.iter().all(|&y| y.abs_diff(luma[0]) <= 2), "{tag}: {luma:?}");
        if tag == "Cmono" {
            assert!(luma[0].abs_diff(60) <= 2, "{luma:?}");
            assert!(decoded[0].rows(1).flatten().all(|&u| u.abs_diff(128) <= 2), "{tag} is not grey");
        }
    }
}
