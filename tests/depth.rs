//! Recordings of 10 bits a sample: film of high dynamic range stays as it is, and ordinary film keeps its finer steps.
//! ffmpeg and Chromium say what is in the files; `make test` installs them.

mod support {
    pub mod browser;
    pub mod program;
    pub mod tools;
}

use std::path::{Path, PathBuf};
use std::process::Command;

use framereel::canvas::Capture;
use framereel::color::{ColorSpace, Matrix, Primaries, ToneMap, Transfer};
use framereel::encode;
use framereel::filter::FilterChain;
use framereel::frame::{BitDepth, Frame, PixelFormat, Size};
use framereel::{
    Canvas, Clock, FileSink, FrameRate, Gpu, MediaRecorder, MediaRecorderOptions, MediaStream, Timestamp,
    TrackGenerator,
};
use serde_json::Value;
use support::browser::judge;
use support::program::Bench;
use support::tools;

const SIZE: Size = Size::new(256, 96);
const FRAMES: usize = 5;

/// A ramp of all codes that grow by one a pixel, which moves; chroma is a coarser one. With 10 bits; black is 64.
fn samples(frame: usize) -> Vec<u16> {
    let (width, height) = (SIZE.width as usize, SIZE.height as usize);
    let luma = (0..height).flat_map(|y| (0..width).map(move |x| 200 + x + y + frame));
    let chroma = |tilt: usize| (0..height / 2).flat_map(move |y| (0..width / 2).map(move |x| 448 + x / 2 + y / tilt));
    luma.chain(chroma(1)).chain(chroma(2)).map(|code| code as u16).collect()
}

fn frame(index: usize, color: ColorSpace) -> Frame {
    let data = samples(index).into_iter().flat_map(u16::to_le_bytes).collect();
    Frame::packed(PixelFormat::I420P10, SIZE, color, data)
}

/// The ramp as a film without loss, tagged with this light.
fn film(bench: &Bench, name: &str, [primaries, transfer, matrix]: [&str; 3]) -> PathBuf {
    let raw: Vec<u8> = (0..FRAMES).flat_map(samples).flat_map(u16::to_le_bytes).collect();
    let (raw, path) = (bench.write("ramp.yuv", raw), bench.path(name));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-r", "25"]);
    ffmpeg.args(["-s", &SIZE.to_string(), "-i"]).arg(raw).args(["-c:v", "libx265"]);
    ffmpeg.args(["-x265-params", "log-level=error:lossless=1", "-color_primaries", primaries, "-color_trc", transfer]);
    ffmpeg.args(["-colorspace", matrix, "-color_range", "tv"]).arg(&path);
    assert!(ffmpeg.status().expect("ffmpeg").success());
    path
}

const PQ: [&str; 3] = ["bt2020", "smpte2084", "bt2020nc"];
const HLG: [&str; 3] = ["bt2020", "arib-std-b67", "bt2020nc"];
const BT709: [&str; 3] = ["bt709"; 3];

/// ffprobe's words for the video: pixel format, primaries, transfer, matrix, range, and the number of frames.
fn probed(path: &Path) -> [String; 6] {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-count_frames", "-select_streams", "v", "-show_streams", "-of", "json"]).arg(path);
    let found: Value = serde_json::from_slice(&ffprobe.output().expect("ffprobe").stdout).expect("JSON");
    ["pix_fmt", "color_primaries", "color_transfer", "color_space", "color_range", "nb_read_frames"]
        .map(|key| found["streams"][0][key].as_str().unwrap_or_default().to_owned())
}

fn words([primaries, transfer, matrix]: [&str; 3]) -> [String; 6] {
    ["yuv420p10le", primaries, transfer, matrix, "tv", &FRAMES.to_string()].map(str::to_owned)
}

/// All samples of the film as ffmpeg decodes them, with 10 bits.
fn decoded(path: &Path) -> Vec<Vec<u16>> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-i"]).arg(path);
    ffmpeg.args(["-fps_mode", "passthrough", "-pix_fmt", "yuv420p10le", "-f", "rawvideo", "-"]);
    let output = ffmpeg.output().expect("ffmpeg");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let samples: Vec<u16> = output.stdout.chunks_exact(2).map(|code| u16::from_le_bytes([code[0], code[1]])).collect();
    samples.chunks_exact(Frame::packed_len(PixelFormat::I420, SIZE)).map(<[u16]>::to_vec).collect()
}

/// The mean difference of the samples, in codes of 10 bits.
fn apart(frames: &[Vec<u16>]) -> f64 {
    assert_eq!(frames.len(), FRAMES);
    let differences = frames.iter().enumerate().flat_map(|(index, frame)| {
        samples(index).into_iter().zip(frame).map(|(a, b)| f64::from(a.abs_diff(*b))).collect::<Vec<_>>()
    });
    differences.sum::<f64>() / (FRAMES * frames[0].len()) as f64
}

/// What each encoder that is here makes: options of `record`, and the file.
fn outputs() -> Vec<(Vec<&'static str>, &'static str)> {
    let is_built_in = |name: &str| encode::list().iter().any(|encoder| encoder.name == name && encoder.version.is_ok());
    let listed = Command::new("ffmpeg").args(["-v", "error", "-encoders"]).output().expect("ffmpeg").stdout;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let of = |wanted: bool, options: &[&'static str], file| wanted.then(|| (options.to_vec(), file));
    let all = [
        of(is_built_in("aom"), &["--encoder", "aom"], "aom.webm"),
        of(is_built_in("aom"), &["--encoder", "aom"], "aom.mp4"),
        of(is_built_in("vpx"), &["--encoder", "vpx", "--codec", "vp9"], "vpx.webm"),
        of(is_built_in("vpx"), &["--encoder", "vpx", "--codec", "vp9"], "vpx.mp4"),
        of(listed.contains("libsvtav1"), &["--encoder", "ffmpeg:libsvtav1"], "svt.mp4"),
        of(listed.contains("libx265"), &["--encoder", "ffmpeg:libx265", "--codec", "hevc"], "x265.mp4"),
        of(listed.contains("libvpx-vp9"), &["--encoder", "ffmpeg:libvpx-vp9", "--codec", "vp9"], "ffmpeg-vpx.webm"),
    ];
    all.into_iter().flatten().collect()
}

/// The first of them; none where there is no encoder or no program that judges.
fn first_output() -> Option<(Vec<&'static str>, &'static str)> {
    let judges = tools::has("ffmpeg") && tools::has("ffprobe");
    judges.then(outputs)?.into_iter().next()
}

#[test]
fn film_of_high_dynamic_range_is_kept_as_it_is() {
    if !(tools::has("ffmpeg") && tools::has("ffprobe")) {
        return;
    }
    let bench = Bench::new();
    for (name, light) in [("pq.mp4", PQ), ("hlg.mp4", HLG)] {
        film(&bench, name, light);
        for (options, file) in outputs() {
            let fixed = ["record", name, "--depth", "10", "--quality", "90", "--force", "-o", file];
            let said = bench.run([&fixed[..], &options].concat()).succeeded().stderr;
            assert!(said.contains("with its code values as they are, by --depth 10\n"), "{said}");
            let path = bench.path(file);
            assert_eq!(probed(&path), words(light), "{name} as {file}");
            let apart = apart(&decoded(&path));
            println!("{name} as {file}: {apart:.2} of 1023 off");
            // An error of one code of 8 bits is 4.
            assert!(apart < 1.0, "{name} as {file}: {apart}");
            let named = bench.json(["inspect", "--json", file])["tracks"][0]["codec"].as_str().unwrap().to_owned();
            let depths = ["M.10", "vp09.02.", "hvc1.2."];
            assert!(depths.iter().any(|depth| named.contains(depth)), "{named}");
        }
    }
}

#[test]
fn ordinary_film_keeps_its_finer_steps_through_a_filter() {
    let Some((encoder, file)) = first_output() else { return };
    let bench = Bench::new();
    film(&bench, "film.mp4", BT709);
    let record = |options: &[&str]| {
        let fixed = ["record", "film.mp4", "--quality", "95", "--force", "-o", file, "--filter", "brightness(1.05)"];
        bench.run([&fixed[..], &encoder, options].concat()).succeeded();
        let words = probed(&bench.path(file));
        let mut steps = decoded(&bench.path(file)).remove(0)[..SIZE.pixels() as usize].to_vec();
        steps.sort_unstable();
        steps.dedup();
        (words, steps.len())
    };
    let (found, fine) = record(&["--depth", "10"]);
    assert_eq!(found, words(BT709));
    let (found, coarse) = record(&[]);
    assert_eq!(found[0], "yuv420p");
    assert!(coarse < 110 && fine > 3 * coarse, "{coarse} steps of 8 bits, {fine} of 10");
}

#[test]
fn film_is_brought_to_standard_dynamic_range_where_that_is_asked_for() {
    let Some((encoder, file)) = first_output() else { return };
    let bench = Bench::new();
    film(&bench, "pq.mp4", PQ);
    let fixed = ["record", "pq.mp4", "--depth", "10", "--tone-map", "bt2390", "-o", file];
    let said = bench.run([&fixed[..], &encoder].concat()).succeeded().stderr;
    assert!(said.contains("brought to standard dynamic range by --tone-map bt2390"), "{said}");
    assert_eq!(probed(&bench.path(file)), words(BT709));
}

#[test]
fn what_cannot_be_had_with_ten_bits_is_refused() {
    if !tools::has("ffmpeg") {
        return;
    }
    let bench = Bench::new();
    film(&bench, "pq.mp4", PQ);
    let record = |options: &[&str]| bench.run([&["record", "pq.mp4", "--depth", "10"], options].concat());
    let no_output = |found| {
        format!("expected an output that holds 10 bits a sample beside --depth 10, as FILE.webm, but found {found}")
    };
    record(&["-o", "a.gif"]).failed(2, &[&no_output("GIF")]);
    record(&["-o", "a.webm", "-o", "b.png"]).failed(2, &[&no_output("WebM and PNG")]);
    let codec = "expected --codec av1, vp9 or hevc beside --depth 10 but found";
    record(&["-o", "a.webm", "--codec", "vp8"]).failed(2, &[&format!("{codec} vp8")]);
    record(&["-o", "a.mp4", "--codec", "h264"]).failed(2, &[&format!("{codec} h264")]);
    record(&["-o", "a.webm", "--encoder", "rav1e"])
        .failed(1, &["expected 8 bits a sample for the encoder rav1e but found 10"]);
    record(&["-o", "a.webm", "--alpha"]).failed(2, &["--depth", "--alpha"]);
    record(&["-o", "a.webm", "--overlay", "pattern"]).failed(2, &["--depth", "--overlay"]);
    bench.run(["record", "pq.mp4", "--depth", "12"]).failed(2, &["expected 8 or 10 bits a sample but found `12`"]);
    // Nothing is left behind.
    assert_eq!(bench.names(), ["pq.mp4", "ramp.yuv"]);
}

/// Chromium plays the films and names their colours.
#[test]
fn chromium_plays_them_and_sees_their_light() {
    if !tools::has("ffmpeg") {
        return;
    }
    let bench = Bench::new();
    film(&bench, "pq.mp4", PQ);
    for (options, file) in outputs() {
        // Chromium decodes no HEVC here.
        if file == "x265.mp4" {
            continue;
        }
        let fixed = ["record", "pq.mp4", "--depth", "10", "--quality", "90", "-o", file];
        bench.run([&fixed[..], &options].concat()).succeeded();
        let script = format!(
            "const video = await open('/{file}');
             await seek(video, 0.1);
             const frame = new VideoFrame(video);
             const {{ primaries, transfer, matrix, fullRange }} = frame.colorSpace;
             frame.close();
             return {{ words: [primaries, transfer, matrix, fullRange], duration: video.duration }};"
        );
        let Some(seen) = judge(&[(file, &bench.path(file))], &script) else { return };
        assert_eq!(seen["words"], serde_json::json!(["bt2020", "pq", "bt2020-ncl", false]), "{file}: {seen}");
        assert!((seen["duration"].as_f64().unwrap() - 0.2).abs() < 0.002, "{file}: {seen}");
    }
}

#[test]
fn unfiltered_film_of_ten_bits_passes_a_canvas_unchanged() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let mut capture = Capture::new(&gpu, &FilterChain::default(), SIZE, PixelFormat::I420P10);
    capture.submit(&frame(3, ColorSpace::RECORDED), Timestamp::ZERO).unwrap();
    let found = capture.take().unwrap().expect("the frame that was submitted");
    assert_eq!((found.format(), found.color), (PixelFormat::I420P10, ColorSpace::RECORDED));
    let codes = (0..3).flat_map(|plane| found.rows(plane).flat_map(|row| row.chunks_exact(2)));
    let codes = codes.map(|code| u16::from_le_bytes([code[0], code[1]]));
    let most = samples(3).into_iter().zip(codes).map(|(a, b)| a.abs_diff(b)).max();
    assert!(most <= Some(1), "{most:?}");
}

/// A canvas whose colours are PQ's, and a track that a program writes itself.
#[test]
fn the_library_records_ten_bits_of_a_canvas_and_of_a_track() {
    if first_output().is_none() {
        return;
    }
    let bench = Bench::new();
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let pq = ColorSpace {
        matrix: Matrix::Bt2020,
        primaries: Primaries::Bt2020,
        transfer: Transfer::Pq,
        tone_map: ToneMap::None,
        ..ColorSpace::RECORDED
    };
    let options = || MediaRecorderOptions::default().with_depth(BitDepth::Ten).with_quality(90);

    let path = bench.path("canvas.webm");
    let mut canvas = Canvas::new(&gpu, SIZE).unwrap().with_clock(Clock::stepped(FrameRate::whole(25))).with_color(pq);
    let stream = canvas.capture_stream(None).unwrap();
    let recorder = MediaRecorder::new(&stream, options()).unwrap();
    recorder.start_to(FileSink::create(&path).unwrap()).unwrap();
    for index in 0..FRAMES {
        canvas.draw(frame(index, pq));
        canvas.present().unwrap();
    }
    recorder.stop();
    recorder.events().for_each(drop);
    assert_eq!(probed(&path), words(PQ));
    assert!(apart(&decoded(&path)) < 1.0);

    // Frames of 8 bits become frames of 10.
    let path = bench.path("track.webm");
    let clock = Clock::stamped();
    let video = TrackGenerator::video(SIZE, &clock);
    let recorder = MediaRecorder::new(&MediaStream::new([video.track()]), options()).unwrap();
    recorder.start_to(FileSink::create(&path).unwrap()).unwrap();
    for index in 0..FRAMES {
        let time = FrameRate::whole(25).timestamp(index as u64);
        let deep = frame(index, ColorSpace::RECORDED);
        let shallow = deep.rows(0).chain(deep.rows(1)).chain(deep.rows(2)).flat_map(|row| row.chunks_exact(2));
        let shallow = shallow.map(|code| (u16::from_le_bytes([code[0], code[1]]) >> 2) as u8).collect();
        let shallow = Frame::packed(PixelFormat::I420, SIZE, ColorSpace::RECORDED, shallow);
        video.write((if index % 2 == 0 { deep } else { shallow }).with_timestamp(time)).unwrap();
    }
    recorder.stop();
    recorder.events().for_each(drop);
    assert_eq!(probed(&path), words(BT709));
    // The frames of 8 bits lack 1.5 codes in the mean.
    let apart = apart(&decoded(&path));
    assert!(apart < 1.6, "{apart}");
}
