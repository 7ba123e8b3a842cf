//! Recordings that are pictures: animated PNG and WebP, stills, a file for each frame, tar. They hold exactly what the
//! canvas showed, with its transparency, for as long as it was shown.
//!
//! ffmpeg, Chromium, `tar` and the crate `image` are the judges; see support/tools.rs.

mod support {
    pub mod browser;
    pub mod program;
    pub mod studio;
    pub mod tools;
}

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use framereel::canvas::Canvas;
use framereel::clock::Clock;
use framereel::color::ColorSpace;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::recorder::{Destination, FileSink, MediaRecorder, MediaRecorderOptions};
use framereel::stream::MediaStream;
use framereel::time::{Span, Timestamp};
use framereel::{Blob, Error, ErrorKind};
use image::AnimationDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use serde_json::Value;
use support::browser::judge;
use support::program::{Bench, until};
use support::studio::lived;
use support::tools;

const SIZE: Size = Size::new(64, 48);

/// A frame with every degree of transparency, whose square moves.
fn drawing(index: u32) -> Frame {
    let pixel = |x: u32, y: u32| match x.abs_diff(index * 4) < 5 && y.abs_diff(20) < 9 {
        true => [255, 200, 10, 255],
        false => [(x * 4) as u8, (y * 5) as u8, 90, ((x + y) * 255 / 110) as u8],
    };
    let pixels = (0..SIZE.height).flat_map(|y| (0..SIZE.width).flat_map(move |x| pixel(x, y))).collect();
    Frame::packed(PixelFormat::Rgba8, SIZE, ColorSpace::RECORDED, pixels)
}

fn recorder(stream: &MediaStream, mime_type: &str) -> MediaRecorder {
    let options = MediaRecorderOptions::default().with_mime_type(mime_type).with_loops(2);
    MediaRecorder::new(stream, options).unwrap()
}

/// A destination of numbered pictures in this folder.
fn pictures(folder: PathBuf, extension: &'static str) -> Destination {
    fs::create_dir(&folder).unwrap();
    Destination::Pictures(Box::new(move |number| FileSink::create_new(folder.join(format!("{number:04}.{extension}")))))
}

/// Milliseconds at which the paints of a canvas of a variable rate are shown.
const TIMES: [i64; 10] = [0, 40, 80, 90, 250, 290, 330, 370, 1370, 1403];

/// Runs `record` on a canvas that paints at [`TIMES`]; gives what the canvas showed.
fn painted(begin: impl FnOnce(&MediaStream) -> Vec<MediaRecorder>) -> (Vec<Vec<u8>>, Vec<support::studio::Life>) {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let mut canvas = Canvas::new(&gpu, SIZE).unwrap().with_clock(Clock::stamped());
    canvas.set_filter(&"hue-rotate(70deg) opacity(0.8)".parse().unwrap());
    let stream = canvas.capture_stream(None).unwrap();
    let recorders = begin(&stream);
    let mut shown = Vec::new();
    for (index, time) in TIMES.iter().enumerate() {
        canvas.clear();
        // The third and the fourth are the same.
        canvas.draw(drawing(if index == 3 { 2 } else { index as u32 }));
        canvas.present_at(Timestamp::ZERO + Span::from_millis(*time)).unwrap();
        shown.push(canvas.read().unwrap().rows(0).flatten().copied().collect());
    }
    recorders.iter().for_each(MediaRecorder::stop);
    let lives: Vec<_> = recorders.iter().map(lived).collect();
    lives.iter().for_each(|life| assert!(life.errors.is_empty(), "{:?}", life.errors));
    (shown, lives)
}

/// The pictures of an animated file by the crate `image`, and milliseconds of each.
fn animation(name: &str, bytes: &[u8]) -> image::ImageResult<Vec<(Vec<u8>, f64)>> {
    // What is behind RIFF's length does not belong to the file (RFC 9649 §2.4), but `image` 0.25 reads ten bytes too
    // far.
    let length = |bytes: &[u8]| u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize + 8;
    let bytes = if name.ends_with("webp") { &bytes[..length(bytes).min(bytes.len())] } else { bytes };
    let file = std::io::Cursor::new(bytes);
    let frames = if name.ends_with("png") {
        PngDecoder::new(file)?.apng()?.into_frames()
    } else {
        WebPDecoder::new(file)?.into_frames()
    };
    let picture = |frame: image::Frame| {
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        (frame.into_buffer().into_raw(), f64::from(numerator) / f64::from(denominator))
    };
    frames.map(|frame| frame.map(picture)).collect()
}

/// An animated file's pictures by Chromium: `[loops, [[microseconds, pixels in base64], …]]`.
fn by_chromium(files: &[(&str, &Path)]) -> Option<Value> {
    let names: Vec<_> = files.iter().map(|(name, _)| name).collect();
    let script = format!(
        r#"const answers = [];
        for (const name of {names:?}) {{
          const data = await (await fetch(name)).arrayBuffer();
          const type = name.endsWith("png") ? "image/png" : "image/webp";
          const decoder = new ImageDecoder({{ data, type, premultiplyAlpha: "none" }});
          await decoder.tracks.ready;
          await decoder.completed;
          const track = decoder.tracks.selectedTrack;
          const frames = [];
          for (let frameIndex = 0; frameIndex < track.frameCount; frameIndex++) {{
            const {{ image }} = await decoder.decode({{ frameIndex }});
            const pixels = new Uint8Array(image.codedWidth * image.codedHeight * 4);
            // A conversion to RGBA would multiply by alpha and divide again.
            await image.copyTo(pixels);
            if (image.format.startsWith("BGR")) {{
              for (let at = 0; at < pixels.length; at += 4) [pixels[at], pixels[at + 2]] = [pixels[at + 2], pixels[at]];
            }}
            frames.push([image.duration, btoa(Array.from(pixels, (byte) => String.fromCharCode(byte)).join(""))]);
          }}
          answers.push([track.repetitionCount, frames]);
        }}
        return answers;"#
    );
    judge(files, &script)
}

/// Raw RGBA of every picture, by ffmpeg.
fn by_ffmpeg(path: &Path) -> Vec<u8> {
    let args = ["-f", "rawvideo", "-pix_fmt", "rgba", "-fps_mode", "passthrough", "-enc_time_base:v", "-1", "-"];
    let output = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(path).args(args).output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{}: {complaints}", path.display());
    output.stdout
}

#[test]
fn a_canvas_with_alpha_is_exact_in_animated_pictures_and_each_is_shown_as_long_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (shown, lives) = painted(|stream| {
        let to_file = |name: &str, mime_type: &str| {
            let recorder = recorder(stream, mime_type);
            recorder.start_to(FileSink::create_new(path(name)).unwrap()).unwrap();
            recorder
        };
        let to_blobs = |timeslice: Option<Span>, mime_type: &str| {
            let recorder = recorder(stream, mime_type);
            recorder.start(timeslice).unwrap();
            recorder
        };
        let slice = Some(Span::from_millis(100));
        vec![
            to_file("file.png", "image/apng"),
            to_file("file.webp", "image/webp"),
            to_blobs(None, "image/apng"),
            to_blobs(None, "image/webp"),
            to_blobs(slice, "image/apng"),
            to_blobs(slice, "image/webp"),
        ]
    });
    let names = ["file.png", "file.webp", "blob.png", "blob.webp", "slices.png", "slices.webp"];
    for (life, name) in lives.iter().zip(names).skip(2) {
        let blobs = life.blobs.iter().map(|event| event.data.clone());
        assert_eq!(life.blobs.len() > 1, name.starts_with("slices"));
        let mut bytes = Blob::join(blobs).bytes().unwrap();
        if name == "slices.webp" {
            // The length of a WebP stands in front, where slices cannot know it: Chromium's <img> shows it all the
            // same, ImageDecoder and others want the true one.
            assert_eq!(bytes[4..8], 0xffff_fff6_u32.to_le_bytes());
            let length = bytes.len() as u32 - 8;
            bytes[4..8].copy_from_slice(&length.to_le_bytes());
        }
        fs::write(path(name), bytes).unwrap();
    }
    // Frames end where the next begins; the last is shown as long as expected of 30 a second, whose end is unknown.
    let starts = &TIMES[1..];
    let check = |who: &str, pictures: &[(Vec<u8>, f64)]| {
        assert_eq!(pictures.len(), shown.len(), "{who}");
        let mut end = 0.0;
        for (index, ((pixels, length), own)) in pictures.iter().zip(&shown).enumerate() {
            assert!(pixels == own, "{who}: picture {index} differs");
            end += length;
            let expected = starts.get(index).map_or(1436.333, |start| *start as f64);
            assert!((end - expected).abs() <= 0.51, "{who}: picture {index} ends at {end}, not at {expected}");
        }
    };
    for name in names.iter().take(4) {
        check(name, &animation(name, &fs::read(path(name)).unwrap()).unwrap());
    }
    if tools::has("ffmpeg") {
        for name in names.iter().filter(|name| name.ends_with("png")) {
            assert!(by_ffmpeg(&path(name)) == shown.concat(), "ffmpeg: {name}");
        }
    }
    let paths: Vec<PathBuf> = names.iter().map(|name| path(name)).collect();
    let files: Vec<(&str, &Path)> = names.iter().copied().zip(paths.iter().map(PathBuf::as_path)).collect();
    let Some(answers) = by_chromium(&files) else { return };
    for (name, answer) in names.iter().zip(answers.as_array().unwrap()) {
        assert_eq!(answer[0].as_f64(), Some(1.0), "{name}: repeated once, shown twice");
        let picture = |frame: &Value| {
            let pixels = STANDARD.decode(frame[1].as_str().unwrap()).unwrap();
            (pixels, frame[0].as_f64().unwrap() / 1e3)
        };
        let pictures: Vec<_> = answer[1].as_array().unwrap().iter().map(picture).collect();
        check(&format!("Chromium: {name}"), &pictures);
    }
}

#[test]
fn a_file_for_each_frame_and_a_tar_hold_whole_pictures_and_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (shown, lives) = painted(|stream| {
        let to = |destination: Destination, mime_type: &str| {
            let recorder = recorder(stream, mime_type);
            recorder.start_to(destination).unwrap();
            recorder
        };
        let file = |name: &str| FileSink::create_new(path(name)).unwrap().into();
        vec![
            to(pictures(path("png"), "png"), "image/png"),
            to(pictures(path("webp"), "webp"), "image/webp"),
            to(pictures(path("jpg"), "jpg"), "image/jpeg"),
            to(file("png.tar"), "application/x-tar;codecs=png"),
            to(file("jpg.tar"), "application/x-tar;codecs=jpeg"),
            to(file("one.png"), "image/png"),
        ]
    });
    for tar in ["png.tar", "jpg.tar"] {
        let into = path(&format!("from-{tar}"));
        fs::create_dir(&into).unwrap();
        let output = Command::new("tar").arg("xf").arg(path(tar)).arg("-C").arg(&into).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
    let times = |json: &[u8], extension: &str, digits: usize| {
        let json: Value = serde_json::from_slice(json).unwrap();
        let frames = json["frames"].as_array().unwrap();
        assert_eq!(frames.len(), shown.len());
        for (index, frame) in frames.iter().enumerate() {
            assert_eq!(frame["name"], format!("{:0digits$}.{extension}", index + 1));
            assert_eq!(frame["start"].as_f64().unwrap(), TIMES[index] as f64 / 1e3);
            let end = if index + 1 < shown.len() { TIMES[index + 1] as f64 / 1e3 } else { 1.436333333 };
            assert!((frame["start"].as_f64().unwrap() + frame["duration"].as_f64().unwrap() - end).abs() < 1e-8);
        }
    };
    for (life, extension) in lives.iter().zip(["png", "webp", "jpg"]) {
        let [event] = &life.blobs[..] else { panic!("{} blobs", life.blobs.len()) };
        assert_eq!(event.data.mime_type(), "application/json");
        times(&event.data.bytes().unwrap(), extension, 4);
    }
    times(&fs::read(path("from-png.tar/times.json")).unwrap(), "png", 5);
    times(&fs::read(path("from-jpg.tar/times.json")).unwrap(), "jpg", 5);
    for (index, own) in shown.iter().enumerate() {
        let number = index + 1;
        let names =
            [format!("png/{number:04}.png"), format!("webp/{number:04}.webp"), format!("from-png.tar/{number:05}.png")];
        for name in names {
            let picture = image::open(path(&name)).unwrap().to_rgba8();
            assert!(picture.as_raw() == own, "{name}");
        }
        // The same JPEG in both, near the picture over black.
        let jpeg = fs::read(path(&format!("jpg/{number:04}.jpg"))).unwrap();
        assert!(jpeg == fs::read(path(&format!("from-jpg.tar/{number:05}.jpg"))).unwrap());
        let picture = image::load_from_memory(&jpeg).unwrap().to_rgb8();
        let over = own.chunks(4).flat_map(|p| [0, 1, 2].map(|c| f64::from(p[c]) * f64::from(p[3]) / 255.0));
        let off: f64 = picture.as_raw().iter().zip(over).map(|(found, own)| (f64::from(*found) - own).abs()).sum();
        assert!(off / (picture.as_raw().len() as f64) < 4.0, "{number}: {off}");
    }
    assert_eq!(fs::read_dir(path("png")).unwrap().count(), shown.len());
    assert!(image::open(path("one.png")).unwrap().to_rgba8().as_raw() == &shown[0], "a still is the first frame");
}

#[test]
fn a_file_for_each_frame_is_a_picture() {
    let studio = support::studio::Studio::video();
    let recorder =
        MediaRecorder::new(&studio.stream, MediaRecorderOptions::default().with_mime_type("video/webm")).unwrap();
    let destination = Destination::Pictures(Box::new(|_| Err(Error::new(ErrorKind::Unknown, "nothing is opened"))));
    let error = recorder.start_to(destination).unwrap_err().to_string();
    assert!(
        error.contains("expected the type image/png, image/jpeg or image/webp for a file for each frame"),
        "{error}"
    );
}

/// The entries of a tar archive by `tar`, and what it says of its end.
fn entries(tar: &Path) -> (Vec<String>, String) {
    let output = Command::new("tar").arg("tf").arg(tar).output().unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    (list.lines().map(str::to_owned).collect(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_outputs_name_chooses_the_pictures() {
    let bench = Bench::new();
    let record = |output: &str| {
        let args =
            ["record", "pattern", "--size", "64x64", "--fps", "30", "--duration", "0.5s", "-o", output, "--json"];
        bench.json(args)
    };
    for name in ["film.apng", "film.webp"] {
        assert_eq!(record(name)["frames_encoded"], 15);
        let pictures = animation(name, &fs::read(bench.path(name)).unwrap()).unwrap();
        assert_eq!(pictures.len(), 15);
        let length: f64 = pictures.iter().map(|(_, length)| length).sum();
        assert!((length - 500.0).abs() < 0.6, "{name}: {length}");
    }
    for (name, last) in [("film.tar", "00015.png"), ("film.jpg.tar", "00015.jpg"), ("film.webp.tar", "00015.webp")] {
        record(name);
        let (list, complaints) = entries(&bench.path(name));
        assert_eq!((list.len(), &*list[14], &*list[15], &*complaints), (16, last, "times.json", ""), "{name}");
    }
    for name in ["poster.png", "poster.jpg"] {
        assert_eq!(record(name)["frames_encoded"], 1);
        let picture = image::open(bench.path(name)).unwrap();
        assert_eq!((picture.width(), picture.height()), (64, 64));
    }
}

#[cfg(unix)]
#[test]
fn an_archive_goes_into_a_pipe_while_it_is_made() {
    let bench = Bench::new();
    assert!(Command::new("mkfifo").arg(bench.path("live.tar")).status().unwrap().success());
    let reader = Command::new("tar")
        .args(["tf", "live.tar"])
        .current_dir(bench.folder())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let args = ["record", "pattern", "--size", "64x64", "--fps", "30", "--duration", "0.5s", "-o", "live.tar"];
    bench.run(args).succeeded();
    let output = reader.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let list = String::from_utf8(output.stdout).unwrap();
    assert_eq!((list.lines().count(), list.lines().last()), (16, Some("times.json")));
}

/// What is in a file of a recorder that was killed: its pictures, all whole.
fn left(path: &Path) -> usize {
    let name = path.to_str().unwrap();
    let bytes = fs::read(path).unwrap();
    if name.ends_with(".tar") {
        // GNU tar lists the entries that are whole and says where the archive breaks off.
        let (list, complaints) = entries(path);
        assert!(complaints.is_empty() || complaints.contains("Unexpected EOF"), "{complaints}");
        return list.len() - usize::from(!complaints.is_empty() && !list.is_empty());
    }
    if name.ends_with("png") && tools::has("ffmpeg") {
        // ffmpeg also shows frames that the header does not count yet, and may complain of one that is not whole.
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(path)
            .args(["-f", "framecrc", "-"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    animation(name, &bytes).unwrap_or_else(|error| panic!("{name}: {error}")).len()
}

#[test]
fn a_recorder_that_is_killed_leaves_all_whole_pictures() {
    // Each with the most bytes that one of its pictures takes.
    const FORMATS: [(&str, u64); 3] = [("apng", 1200), ("webp", 700), ("tar", 3400)];
    let bench = Bench::new();
    for run in 0..10_u64 {
        let (format, most) = FORMATS[run as usize % FORMATS.len()];
        let name = format!("{run}.{format}");
        let args =
            ["record", "pattern", "--realtime", "--size", "64x64", "--fps", "30", "--duration", "20s", "-o", &name];
        let mut child =
            bench.command(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let path = bench.path(&name);
        // A length of its own for each.
        until("bytes in the file", || fs::metadata(&path).is_ok_and(|file| file.len() > run * most));
        child.kill().unwrap();
        child.wait().unwrap();
        let (pictures, length) = (left(&path) as u64, fs::metadata(&path).unwrap().len());
        println!("{name}: {pictures} pictures in {length} bytes");
        assert!(pictures >= (length / most).max(1), "{name}: {pictures} pictures in {length} bytes");
    }
}
