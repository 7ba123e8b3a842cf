//! GIFs of the program: judged by the crate `image`, by ffmpeg and by Chromium.

mod support {
    pub mod browser;
    pub mod program;
    pub mod tools;
}

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;
use std::thread;

use image::codecs::gif::GifDecoder;
use image::{AnimationDecoder, Frame, RgbaImage};
use support::browser::judge;
use support::program::{Bench, run, start, until};
use support::tools;

/// 640x360, 25 frames a second, 5.24 s, with sound.
const FILM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm");
/// A second of the pattern.
const PATTERN: [&str; 6] = ["record", "pattern", "--fps", "10", "--duration", "1s"];

/// The pictures up to the first that cannot be read.
fn decoded(path: &Path) -> Vec<Frame> {
    let bytes = fs::read(path).expect("a file");
    GifDecoder::new(Cursor::new(bytes)).expect("a GIF").into_frames().map_while(Result::ok).collect()
}

/// The delays of the pictures, in milliseconds.
fn delays(frames: &[Frame]) -> Vec<u32> {
    frames.iter().map(|frame| frame.delay().numer_denom_ms().0).collect()
}

/// The arguments, and those of [`PATTERN`] before them.
fn pattern<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&PATTERN, args].concat()
}

/// How often the file says that it is shown again.
fn repeats(path: &Path) -> Option<u16> {
    let bytes = fs::read(path).expect("a file");
    let at = bytes.windows(11).position(|bytes| bytes == b"NETSCAPE2.0")?;
    Some(u16::from_le_bytes([bytes[at + 13], bytes[at + 14]]))
}

#[test]
fn a_gif_of_a_film_is_smaller_than_ffmpegs_and_nearer_to_the_film() {
    if !tools::has("ffmpeg") {
        return;
    }
    let bench = Bench::new();
    let ffmpeg = |args: &[&str]| {
        let mut command = Command::new("ffmpeg");
        run(command.args(["-nostdin", "-y"]).args(args).current_dir(bench.folder()), &[]).succeeded().stderr
    };
    // The same frames for both.
    ffmpeg(&["-t", "2", "-i", FILM, "-an", "-vf", "fps=12.5,scale=320:180", "-pix_fmt", "yuv420p", "film.y4m"]);
    ffmpeg(&["-i", "film.y4m", "-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse", "other.gif"]);
    let report = bench.json(["record", "film.y4m", "-o", "film.gif", "--json"]);
    assert_eq!(
        (&report["frames_encoded"], &report["encoder"], &report["codec"]),
        (&25.into(), &"gif".into(), &"gif".into())
    );
    let judged = ["film.gif", "other.gif"].map(|name| {
        let compare = "[0:v]format=gbrp[a];[1:v]format=gbrp[b];[a][b]ssim";
        let said = ffmpeg(&["-i", name, "-i", "film.y4m", "-lavfi", compare, "-f", "null", "-"]);
        let all = said.rsplit_once("All:").expect("a figure").1;
        let likeness: f64 = all.split(' ').next().and_then(|figure| figure.parse().ok()).expect("a number");
        (1.0 - likeness, bench.path(name).metadata().expect("a file").len())
    });
    println!("1-SSIM and bytes, ours and ffmpeg's: {judged:?}");
    let [ours, other] = judged;
    assert!(ours.0 < other.0 && ours.1 < other.1, "{judged:?}");
    let frames = decoded(&bench.path("film.gif"));
    assert_eq!((frames.len(), delays(&frames).iter().sum::<u32>()), (25, 2000));
}

#[test]
fn chromium_shows_every_picture_for_its_time() {
    let bench = Bench::new();
    // 24000/1001 frames a second: delays of 4 and 5 hundredths.
    let args = ["record", FILM, "--fps", "23.976", "--duration", "1s", "--size", "160x90", "--loop", "3"];
    bench.run([&args[..], &["-o", "film.gif"]].concat()).succeeded();
    let frames = decoded(&bench.path("film.gif"));
    let script = "const data = await (await fetch('/film.gif')).arrayBuffer();
         const decoder = new ImageDecoder({ data, type: 'image/gif' });
         await decoder.completed;
         await decoder.tracks.ready;
         const track = decoder.tracks.selectedTrack;
         const durations = [];
         for (let frameIndex = 0; frameIndex < track.frameCount; frameIndex++) {
           const { image } = await decoder.decode({ frameIndex });
           durations.push(image.duration / 1000);
           image.close();
         }
         return { durations, repeats: track.repetitionCount };";
    let Some(shown) = judge(&[("film.gif", &bench.path("film.gif"))], script) else { return };
    assert_eq!(shown["durations"], serde_json::json!(delays(&frames)));
    // Shown three times: repeated twice.
    assert_eq!(shown["repeats"], 2);
    assert!(delays(&frames).iter().all(|delay| [40, 50].contains(delay)), "{:?}", delays(&frames));
    assert_eq!((frames.len(), delays(&frames).iter().sum::<u32>()), (24, 1000));
}

#[test]
fn each_option_of_gif_js_has_one_of_ours_beside_it() {
    let bench = Bench::new();
    let record = |args: &[&str]| {
        let size = if args.contains(&"--size") { &[][..] } else { &["--size", "160x90"] };
        bench.run(pattern(&[size, args, &["--force", "-o", "a.gif"]].concat())).succeeded();
        let path = bench.path("a.gif");
        let frames = decoded(&path);
        assert_eq!((frames.len(), delays(&frames).iter().sum::<u32>()), (10, 1000), "{args:?}");
        (path.metadata().expect("a file").len(), frames)
    };
    // repeat: 0, the default; -1; 5.
    for (args, wanted) in
        [(&[][..], Some(0)), (&["--loop", "0"], Some(0)), (&["--loop", "once"], None), (&["--loop", "5"], Some(4))]
    {
        record(args);
        assert_eq!(repeats(&bench.path("a.gif")), wanted, "{args:?}");
    }
    // width and height.
    let (_, frames) = record(&["--size", "80x60"]);
    assert_eq!(frames[9].buffer().dimensions(), (80, 60));
    // quality.
    let sizes = ["100", "50", "0"].map(|quality| record(&["--quality", quality, "--filter", "grain(0.05)"]).0);
    assert!(sizes.is_sorted_by(|better, worse| better > worse), "{sizes:?}");
    // dither: false, and each by its name, with and without -serpentine.
    let plain = record(&["--dither", "none", "--colors", "16", "--filter", "vignette(0.8)"]).1;
    for name in ["floyd-steinberg", "false-floyd-steinberg", "stucki", "atkinson"] {
        let [serpentine, left] = ["--serpentine", "--no-serpentine"].map(|way| {
            record(&["--dither", name, way, "--colors", "16", "--filter", "vignette(0.8)"]).1[5].buffer().clone()
        });
        assert!(serpentine != left && serpentine != *plain[5].buffer(), "{name}");
    }
    // globalPalette: true, and false.
    record(&["--palette", "global"]);
    record(&["--palette", "frame"]);
    // transparent: what the picture itself has.
    let half = RgbaImage::from_fn(32, 32, |x, _| image::Rgba([200, 40, 90, if x < 16 { 255 } else { 0 }]));
    half.save(bench.path("half.png")).expect("a picture");
    bench.run(["record", "half.png", "-o", "half.gif"]).succeeded();
    let shown = decoded(&bench.path("half.gif"));
    assert!(
        [(3, 3, 255), (15, 31, 255), (16, 0, 0), (31, 31, 0)].iter().all(|&(x, y, alpha)| shown[0]
            .buffer()
            .get_pixel(x, y)
            .0[3]
            == alpha)
    );
}

#[test]
fn what_a_format_does_not_have_is_a_usage_error() {
    let bench = Bench::new();
    for args in [
        &["--palette", "global"][..],
        &["--dither", "none"],
        &["--serpentine"],
        &["--no-serpentine"],
        &["--colors", "16"],
        &["--loop", "once"],
    ] {
        bench.run(pattern(&[args, &["-o", "a.webm"]].concat())).failed(2, &["FILE.gif", args[0], "WebM"]);
    }
    for (args, word) in [
        (&["--bitrate", "1M"][..], "--bitrate"),
        (&["--audio-bitrate", "64k"], "--audio-bitrate"),
        (&["--speed", "3"], "--speed"),
        (&["--serpentine"], "ordered"),
        (&["--codec", "av1"], "--codec av1"),
        (&["--audio", "tone"], "--audio"),
        (&["--loop", "often"], "forever, once"),
        (&["--colors", "1"], "2..=256"),
        (&["--dither", "bayer"], "floyd-steinberg"),
        (&["--palette", "web"], "global, frame or rolling"),
    ] {
        bench.run(pattern(&[args, &["-o", "a.gif"]].concat())).failed(2, &[word]);
    }
    assert!(bench.names().is_empty(), "{:?}", bench.names());
}

#[test]
fn frames_that_browsers_do_not_show_are_left_out_evenly_and_counted() {
    let bench = Bench::new();
    let ran =
        bench.run(["record", "pattern", "--size", "64x36", "--fps", "60", "--duration", "1s", "--json", "-o", "a.gif"]);
    assert!(ran.stderr.contains("warning: browsers show 50 frames a second of a GIF, not 60"), "{ran:?}");
    let report = ran.json();
    assert_eq!((&report["frames_encoded"], &report["dropped"]["rate"]), (&50.into(), &10.into()), "{report}");
    let shown = delays(&decoded(&bench.path("a.gif")));
    assert_eq!(shown.len(), 50);
    assert!(shown.iter().sum::<u32>().abs_diff(1000) <= 10, "{shown:?}");
    assert!(shown.iter().all(|delay| [20, 30].contains(delay)), "{shown:?}");
}

#[test]
fn a_long_gif_comes_with_a_warning_of_its_size() {
    let bench = Bench::new();
    let long = ["--size", "1280x720", "--fps", "25", "--duration", "2m", "--frames", "2"];
    let ran = bench.run([&["record", "pattern"], &long[..], &["-o", "a.gif"]].concat()).succeeded();
    let warning = "warning: a GIF of 120 s, 1280x720 at 25 frames a second, may take some 1105.92 MB; with --size 480x270 --fps \
                   12.5 some 77.76 MB";
    assert!(ran.stderr.contains(warning), "{}", ran.stderr);
    assert_eq!(decoded(&bench.path("a.gif")).len(), 2);
}

#[test]
fn pieces_limits_and_pipes_hold_whole_gifs() {
    let bench = Bench::new();
    // All is drawn exactly, so that pieces and the whole show the same.
    let pattern = |args: &[&'static str]| pattern(&[&["--size", "160x90", "--quality", "100"], args].concat());
    bench.run(pattern(&["--split", "300ms", "-o", "part.gif"])).succeeded();
    let parts = ["part-001.gif", "part-002.gif", "part-003.gif", "part-004.gif"].map(|name| decoded(&bench.path(name)));
    assert_eq!(parts.each_ref().map(Vec::len), [3, 3, 3, 1]);
    bench.run(pattern(&["-o", "whole.gif"])).succeeded();
    let whole = decoded(&bench.path("whole.gif"));
    let last = |frames: &[Frame]| frames.last().expect("a picture").buffer().clone();
    assert_eq!(last(&parts[3]), last(&whole), "the last picture of all");
    let bytes = fs::read(bench.path("whole.gif")).expect("a file");
    let limit = bytes.len() as u64 * 9 / 10;
    bench.run([&pattern(&["-o", "small.gif", "--max-size"])[..], &[&format!("{limit}B")]].concat()).succeeded();
    let small = bench.path("small.gif");
    assert!(small.metadata().expect("a file").len() <= limit && (1..10).contains(&decoded(&small).len()));
    if cfg!(unix) {
        let pipe = bench.path("pipe.gif");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let reader = thread::spawn(move || fs::read(pipe).expect("a pipe"));
        bench.run(pattern(&["-o", "pipe.gif"])).succeeded();
        assert!(reader.join().expect("a reader") == bytes, "a pipe gets what a file gets");
    }
}

#[test]
fn a_program_that_is_killed_leaves_a_gif_of_whole_pictures() {
    let bench = Bench::new();
    let path = bench.path("a.gif");
    let args =
        ["record", "pattern", "--size", "160x90", "--fps", "20", "--realtime", "--duration", "1m", "-o", "a.gif"];
    let mut child = start(&mut bench.command(args));
    until("a file that grows", || path.metadata().is_ok_and(|file| file.len() > 8000));
    child.kill().expect("an end to the program");
    child.wait().expect("its end");
    let frames = decoded(&path);
    // The first second is looked at before anything is written.
    assert!(frames.len() >= 10, "{}", frames.len());
    if tools::has("ffprobe") {
        let mut command = Command::new("ffprobe");
        command.args(["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]);
        let counted = run(command.arg(&path), &[]).stdout;
        assert!(counted.trim().parse::<usize>().expect("a number").abs_diff(frames.len()) <= 1, "{counted}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn ten_times_the_pictures_take_no_more_memory() {
    let peak = |seconds: &str| {
        let bench = Bench::new();
        let args = ["record", "pattern", "--size", "96x54", "--fps", "25", "--duration", seconds, "-o", "a.gif"];
        let mut child = start(&mut bench.command(args));
        let mut peak = 0;
        // The kernel keeps the peak; there is none any more once the program has ended.
        until("the end", || {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
            peak = peak.max(kilobytes.unwrap_or(0));
            child.try_wait().expect("a child to wait for").is_some()
        });
        peak
    };
    // Frames of ten seconds wait for the palette in both.
    let (short, long) = (peak("12s"), peak("120s"));
    println!("peak of 300 pictures: {short} kB, of 3000: {long} kB");
    assert!(short > 1000 && long < short + 16_000, "{short} kB, {long} kB");
}
