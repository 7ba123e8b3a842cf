//! WebM with transparency. Packets that ffmpeg encoded are written by framereel, and Chromium, ffmpeg and mkvinfo say
//! what is in the file.

mod support {
    pub mod browser;
    pub mod matroska_blocks;
    pub mod packets;
    pub mod program;
    pub mod tools;
}

use std::fs;
use std::path::Path;
use std::process::Command;

use framereel::encode::{self, VideoCodec};
use framereel::mux::{AudioCodec, AudioTrack, Container, ContainerWriter, Tracks, VideoTrack};
use framereel::packet::EncodedPacket;
use framereel::stream::TrackKind;
use framereel::{
    Canvas, Clock, ColorSpace, Event, FileSink, Frame, FrameRate, Gpu, MediaRecorder, MediaRecorderOptions,
    PixelFormat, Size, Span, Timestamp,
};
use serde_json::{Value, json};
use support::browser::judge;
use support::matroska_blocks::{MatroskaBlock, blocks, of_first_track};
use support::packets;
use support::program::{Bench, run};
use support::tools;

const SIZE: (usize, usize) = (160, 96);
const FRAMES: usize = 20;
/// The one colour of the picture, which is more or less transparent. Chromium shows dark blue some steps too light, in
/// opaque film too; here nothing is dark.
const COLOR: [u8; 3] = [200, 120, 160];
const MAGENTA: [u8; 3] = [255, 0, 255];
const CODEC_PRIVATE: u32 = 0x63a2;

/// How opaque a pixel of a frame is: transparent, half, a ramp, opaque; everything moves by 4 pixels a frame.
fn alpha(frame: usize, x: usize) -> u8 {
    let x = (x + SIZE.0 - 4 * frame % SIZE.0) % SIZE.0;
    match x {
        0..40 => 0,
        40..80 => 128,
        80..120 => ((x - 80) * 255 / 40) as u8,
        _ => 255,
    }
}

/// A colour in BT.709, limited range.
fn yuv(rgb: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = rgb.map(|value| f64::from(value) / 255.0);
    let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let values = [16.0 + 219.0 * luma, 128.0 + 224.0 * (b - luma) / 1.8556, 128.0 + 224.0 * (r - luma) / 1.5748];
    values.map(|value| value.round() as u8)
}

/// ffmpeg's own film of these pictures in this codec, and a tone; none where there is no ffmpeg.
fn of_ffmpeg(bench: &Bench, codec: &[&str]) -> Option<std::path::PathBuf> {
    if !tools::has("ffmpeg") {
        return None;
    }
    // Planes in BT.709, limited range, so that no conversion but Chromium's is measured.
    let [y, u, v] = yuv(COLOR);
    let (pixels, chroma) = (SIZE.0 * SIZE.1, SIZE.0 * SIZE.1 / 4);
    let mut planes = Vec::new();
    for frame in 0..FRAMES {
        planes.extend([vec![y; pixels], vec![u; chroma], vec![v; chroma]].concat());
        (0..SIZE.1).for_each(|_| planes.extend((0..SIZE.0).map(|x| alpha(frame, x))));
    }
    bench.write("pictures.yuva", planes);
    let mut command = Command::new("ffmpeg");
    command.current_dir(bench.folder()).args(["-v", "error", "-f", "rawvideo", "-pix_fmt", "yuva420p"]);
    command.args(["-s", &format!("{}x{}", SIZE.0, SIZE.1), "-r", "25", "-i", "pictures.yuva"]);
    command.args(["-f", "lavfi", "-i", "sine=440:duration=0.8"]);
    command.args(["-colorspace", "bt709", "-color_range", "tv", "-g", "8", "-c:a", "libopus"]);
    run(command.args(codec).arg("source.webm"), &[]).succeeded();
    Some(bench.path("source.webm"))
}

const VP9: &[&str] = &["-c:v", "libvpx-vp9", "-lossless", "1"];
const VP8: &[&str] = &["-c:v", "libvpx", "-auto-alt-ref", "0", "-b:v", "20M", "-crf", "4", "-qmin", "0", "-qmax", "4"];

/// A writer of this film's tracks to a file, with its blocks.
fn writer_of(
    source: &Path,
    codec: VideoCodec,
    path: &Path,
) -> (Box<dyn ContainerWriter<FileSink>>, Vec<MatroskaBlock>) {
    let bytes = fs::read(source).unwrap();
    let private = of_first_track(&bytes, CODEC_PRIVATE).unwrap_or_default();
    let video = VideoTrack::new(codec, Size::new(SIZE.0 as u32, SIZE.1 as u32), private).with_alpha(true);
    let head = [b"OpusHead\x01\x01\0\0".to_vec(), 48_000_u32.to_le_bytes().to_vec(), vec![0; 3]].concat();
    let audio = AudioTrack { codec: AudioCodec::Opus, rate: 48_000, channels: 1, codec_private: head };
    let tracks = Tracks { video: Some(video), audio: Some(audio) };
    let blocks = blocks(&bytes);
    assert_eq!(blocks.iter().filter(|block| block.track == 1).count(), FRAMES);
    (Container::Webm.writer(FileSink::create(path).unwrap(), &tracks, None, None).unwrap(), blocks)
}

fn put(writer: &mut dyn ContainerWriter<FileSink>, block: &MatroskaBlock) {
    let (kind, length) = if block.track == 1 { (TrackKind::Video, 40) } else { (TrackKind::Audio, 20) };
    let time = Timestamp::ZERO + Span::from_millis(block.millis.max(0));
    let packet = EncodedPacket::new(block.data.clone(), time, Span::from_millis(length), block.key);
    let packet = EncodedPacket { alpha: block.additional.clone(), ..packet };
    writer.write(kind, &packet).unwrap();
}

/// The same film, written by framereel.
fn rewritten(source: &Path, codec: VideoCodec, path: &Path) -> Vec<MatroskaBlock> {
    let (mut writer, blocks) = writer_of(source, codec, path);
    blocks.iter().for_each(|block| put(&mut *writer, block));
    writer.finish(Some(Timestamp::ZERO + Span::from_millis(840))).outcome.unwrap();
    blocks
}

/// The transparency of every frame as ffmpeg's libvpx decodes it, row by row.
fn transparency(path: &Path, decoder: &str) -> Vec<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-c:v", decoder, "-i"]).arg(path).args(["-map", "0:v", "-fps_mode", "passthrough"]);
    command.args(["-vf", "alphaextract,format=gray", "-f", "rawvideo", "-"]);
    let output = command.output().expect("ffmpeg");
    output.stdout.chunks_exact(SIZE.0 * SIZE.1).map(<[u8]>::to_vec).collect()
}

/// The picture over magenta.
fn composited(frame: usize, x: usize) -> [f64; 3] {
    let alpha = f64::from(alpha(frame, x)) / 255.0;
    [0, 1, 2].map(|c| f64::from(COLOR[c]) * alpha + f64::from(MAGENTA[c]) * (1.0 - alpha))
}

/// A row of pixels of the film over magenta in Chromium at each of these times in seconds, and the film's length.
fn over_magenta(path: &Path, times: &[f64]) -> Option<Value> {
    let script = format!(
        "const video = await open('/film.webm');
         const rows = [];
         for (const time of {}) {{
           await seek(video, time);
           const canvas = document.createElement('canvas');
           [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
           const context = canvas.getContext('2d', {{ willReadFrequently: true }});
           context.fillStyle = '#f0f';
           context.fillRect(0, 0, canvas.width, canvas.height);
           context.drawImage(video, 0, 0);
           rows.push([...context.getImageData(0, canvas.height / 2, canvas.width, 1).data]);
         }}
         return {{ rows, duration: video.duration }};",
        json!(times)
    );
    judge(&[("film.webm", path)], &script)
}

/// How far the pixels of a row are from the picture over magenta, at the most, at these places.
fn off(row: &Value, frame: usize, places: impl Iterator<Item = usize>) -> f64 {
    let row: Vec<f64> = row.as_array().expect("a row").iter().map(|value| value.as_f64().expect("a number")).collect();
    let pixel = |x: usize| composited(frame, x).into_iter().zip(&row[4 * x..]).map(|(a, b)| (a - b).abs());
    places.flat_map(pixel).fold(0.0, f64::max)
}

/// Within a step of the picture nothing is expected of a codec with loss.
fn is_flat(frame: usize, x: usize) -> bool {
    let near = |x: usize| (x.saturating_sub(8)..(x + 9).min(SIZE.0)).map(|x| alpha(frame, x));
    near(x).max().unwrap() - near(x).min().unwrap() < 120
}

#[test]
fn chromium_lays_a_transparent_film_over_the_page_as_the_pictures_were() {
    for (codec, options, name) in [(VideoCodec::Vp9, VP9, "V_VP9"), (VideoCodec::Vp8, VP8, "V_VP8")] {
        let bench = Bench::new();
        let Some(source) = of_ffmpeg(&bench, options) else { return };
        let path = bench.path("film.webm");
        rewritten(&source, codec, &path);
        // The first frame, one within a group of pictures, a key frame, and the last; backwards too.
        let frames = [0, 5, 16, FRAMES - 1, 9];
        let times: Vec<f64> = frames.iter().map(|&frame| 0.04 * frame as f64 + 0.02).collect();
        let Some(seen) = over_magenta(&path, &times) else { return };
        assert!((seen["duration"].as_f64().unwrap() - 0.84).abs() < 0.002, "{seen}");
        for (&frame, row) in frames.iter().zip(seen["rows"].as_array().expect("rows")) {
            let flat = off(row, frame, (0..SIZE.0).filter(|&x| is_flat(frame, x)));
            let all = off(row, frame, 0..SIZE.0);
            println!("{name}, frame {frame}: off by {flat:.1} beside the edges, {all:.1} with them");
            assert!(flat <= 3.0, "{name}, frame {frame}: {flat}");
            assert!(codec == VideoCodec::Vp8 || all <= 3.0, "{name}, frame {frame}, with edges: {all}");
        }
    }
}

#[test]
fn ffmpeg_and_mkvinfo_find_every_packet_and_all_transparency_of_the_film_they_came_from() {
    for (codec, options, decoder) in [(VideoCodec::Vp9, VP9, "libvpx-vp9"), (VideoCodec::Vp8, VP8, "libvpx")] {
        let bench = Bench::new();
        let Some(source) = of_ffmpeg(&bench, options) else { return };
        let path = bench.path("film.webm");
        let expected = rewritten(&source, codec, &path);
        assert_eq!(
            blocks(&fs::read(&path).unwrap()),
            expected
                .iter()
                .map(|block| { MatroskaBlock { millis: block.millis.max(0), ..block.clone() } })
                .collect::<Vec<_>>()
        );
        let shown = transparency(&path, decoder);
        assert_eq!(shown.len(), FRAMES);
        assert!(shown == transparency(&source, decoder), "{decoder}: the transparency is another");
        if codec == VideoCodec::Vp9 {
            let row = |frame: usize| (0..SIZE.0).map(|x| alpha(frame, x)).collect::<Vec<_>>();
            (0..FRAMES).for_each(|frame| assert_eq!(shown[frame][..SIZE.0], row(frame), "frame {frame}"));
        }
        packets::decodes(&path);
        let Some(text) = packets::tool("mkvinfo", &[], &path) else { return };
        // Its name in MKVToolNix differs from version to version.
        assert!(text.contains("Alpha mode: 1") || text.contains("VideoAlphaMode"), "{text}");
        assert!(text.contains("Maximum block additional ID: 1"), "{text}");
        let cues = packets::cues(&path).unwrap();
        let keys = expected.iter().filter(|block| block.track == 1 && block.key).map(|block| block.millis);
        let keys: Vec<i64> = keys.collect();
        assert!(keys.len() > 1 && cues.iter().map(|cue| cue.0).eq(keys.iter().copied()), "{cues:?}, not {keys:?}");
        let bytes = fs::read(&path).unwrap();
        assert!(cues.iter().all(|&(_, at)| bytes[at..].starts_with(&[0x1f, 0x43, 0xb6, 0x75])), "{cues:?}");
        let said = bench.run(["inspect", "film.webm"]).succeeded().stdout;
        assert!(said.contains("160x96, with transparency"), "{said}");
        assert_eq!(bench.json(["inspect", "--json", "film.webm"])["tracks"][0]["alpha"], true);
    }
}

#[test]
fn what_a_killed_recorder_leaves_plays_with_its_transparency_and_is_repaired() {
    let bench = Bench::new();
    let Some(source) = of_ffmpeg(&bench, VP9) else { return };
    let (mut writer, blocks) = writer_of(&source, VideoCodec::Vp9, &bench.path("film.webm"));
    // Nothing that a program does when it ends is done here: a copy is what is on the disk at that moment. Some end
    // within a block, as when the system ends a write early.
    let mut left = Vec::new();
    for (count, block) in blocks.iter().enumerate() {
        put(&mut *writer, block);
        // The first tenth of a second may still be on its way.
        if count >= 14 && count % 4 == 0 && left.len() < 10 {
            let cut = [0, 3, 11, 40][left.len() % 4];
            let bytes = fs::read(bench.path("film.webm")).unwrap();
            let pictures = blocks[..=count].iter().filter(|block| block.track == 1).count();
            let name = format!("killed-{count}.webm");
            bench.write(&name, &bytes[..bytes.len() - cut]);
            left.push((name, pictures));
        }
    }
    assert_eq!(left.len(), 10);
    let mut frames = 0;
    for (name, written) in &left {
        let found = bench.run(["inspect", "--json", name]);
        let found: Value = serde_json::from_str(&found.stdout).expect("JSON");
        frames = found["tracks"][0]["blocks"].as_u64().unwrap() as usize;
        // All but a tenth of a second, and what the cut reaches into.
        assert!(frames > 0 && frames + 5 >= *written, "{written} were written: {found}");
        let shown = transparency(&bench.path(name), "libvpx-vp9");
        assert!(shown.len() >= frames, "{name}: {} of {frames}", shown.len());
        let row = |frame: usize| (0..SIZE.0).map(|x| alpha(frame, x)).collect::<Vec<_>>();
        (0..frames).for_each(|frame| assert_eq!(shown[frame][..SIZE.0], row(frame), "{name}, frame {frame}"));
        let mended = format!("mended-{name}");
        bench.run(["repair", name, "-o", &mended]).succeeded();
        assert_eq!(transparency(&bench.path(&mended), "libvpx-vp9").len(), frames, "{name}");
        packets::decodes(&bench.path(&mended));
        bench.run(["inspect", &mended]).succeeded();
    }
    // The file's own Duration may be a tenth of a second behind.
    let ((last, _), frame) = (left.last().unwrap(), frames.saturating_sub(5));
    for name in [last.clone(), format!("mended-{last}")] {
        let Some(seen) = over_magenta(&bench.path(&name), &[0.04 * frame as f64 + 0.02]) else { return };
        let most = off(&seen["rows"][0], frame, 0..SIZE.0);
        assert!(most <= 3.0, "{name}: {most} in {seen}");
    }
}

/// Whether an encoder of this codec is built in.
fn is_built_in(codec: VideoCodec) -> bool {
    let built_in = encode::list().iter().any(|encoder| encoder.version.is_ok() && encoder.codecs.contains(&codec));
    if !built_in {
        eprintln!("skipped: no encoder of {codec} is built in");
    }
    built_in
}

/// The frame of the film as RGBA.
fn rgba(frame: usize) -> Frame {
    let row: Vec<u8> = (0..SIZE.0).flat_map(|x| [&COLOR[..], &[alpha(frame, x)]].concat()).collect();
    let size = Size::new(SIZE.0 as u32, SIZE.1 as u32);
    Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, row.repeat(SIZE.1))
}

#[test]
fn a_canvas_with_transparency_is_seen_over_the_page_as_it_was_drawn() {
    for (codec, mime_type) in [(VideoCodec::Vp9, "video/webm;codecs=vp9"), (VideoCodec::Vp8, "video/webm;codecs=vp8")] {
        if !is_built_in(codec) {
            return;
        }
        let bench = Bench::new();
        let path = bench.path("film.webm");
        let size = rgba(0).size();
        let mut canvas =
            Canvas::new(&Gpu::new().unwrap(), size).unwrap().with_clock(Clock::stepped(FrameRate::whole(25)));
        let stream = canvas.capture_stream(None).unwrap();
        let options = MediaRecorderOptions::default().with_mime_type(mime_type).with_alpha(true).with_quality(95);
        let recorder = MediaRecorder::new(&stream, options).unwrap();
        recorder.start_to(FileSink::create(&path).unwrap()).unwrap();
        for frame in 0..FRAMES {
            canvas.draw(rgba(frame));
            canvas.present().unwrap();
        }
        recorder.stop();
        for event in recorder.events() {
            if let Event::Error(error) = event {
                panic!("{error}");
            }
        }
        let report = recorder.report();
        assert_eq!((report.frames_encoded, report.frames_dropped), (FRAMES as u64, 0));
        let said = bench.run(["inspect", "film.webm"]).succeeded().stdout;
        assert!(said.contains("with transparency"), "{said}");
        let frames = [0, 7, FRAMES - 1];
        let times: Vec<f64> = frames.iter().map(|&frame| 0.04 * frame as f64 + 0.02).collect();
        let Some(seen) = over_magenta(&path, &times) else { return };
        for (&frame, row) in frames.iter().zip(seen["rows"].as_array().expect("rows")) {
            // Transparent, half, and opaque; and the edges between them, on both sides.
            let places = [20, 60, 140, 39, 40, 79, 80, 119, 120].map(|x| (x + 4 * frame) % SIZE.0);
            let most = places.map(|x| off(row, frame, std::iter::once(x)));
            println!("{codec}, frame {frame}: off by {most:?}, anywhere by {:.1}", off(row, frame, 0..SIZE.0));
            assert!(most.iter().all(|most| *most <= 3.0), "{codec}, frame {frame}: {most:?}");
        }
    }
}
