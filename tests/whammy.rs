//! Films of WebP pictures: what mkvextract, ffprobe and Chromium find in them. ffmpeg's libwebp makes the pictures.

mod support {
    pub mod browser;
    pub mod packets;
    pub mod program;
    pub mod tools;
}

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use framereel::encode::{self, VideoCodec};
use framereel::mux::{Detail, inspect};
use framereel::{FileSink, FrameRate, Span, Whammy};
use support::browser::judge;
use support::packets;
use support::program::{Bench, run};
use support::tools;

const CARD: &str = "testsrc2=s=160x90:r=10";
/// The same with transparency that grows to the right.
const GLASS: &str = "testsrc2=s=160x90:r=10,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='X*1.6'";

/// Pictures of this graph as ffmpeg writes them, one a file; none where there is no ffmpeg.
fn pictures(bench: &Bench, name: &str, graph: &str, count: usize, options: &[&str]) -> Option<Vec<PathBuf>> {
    if !tools::has("ffmpeg") {
        return None;
    }
    let mut command = Command::new("ffmpeg");
    command.current_dir(bench.folder()).args(["-v", "error", "-f", "lavfi", "-i", graph]);
    command.args(["-frames:v", &count.to_string(), "-c:v", "libwebp"]).args(options);
    run(command.arg(format!("{name}-%d.webp")), &[]).succeeded();
    Some((1..=count).map(|number| bench.path(&format!("{name}-{number}.webp"))).collect())
}

/// The data of the first chunk of this name, found without looking at any other header.
fn chunk(file: &Path, name: &[u8; 4]) -> Option<Vec<u8>> {
    let bytes = fs::read(file).unwrap();
    let mut at = 12;
    while at + 8 <= bytes.len() {
        let len = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        if bytes[at..].starts_with(name) {
            return Some(bytes[at + 8..at + 8 + len].to_vec());
        }
        at += 8 + len + len % 2;
    }
    None
}

/// The frames of a film as mkvextract takes them out: their times and their bytes. None where there is no MKVToolNix.
fn extracted(bench: &Bench, film: &str) -> Option<Vec<(u64, Vec<u8>)>> {
    if !tools::has("mkvinfo") {
        return None;
    }
    let mut command = Command::new("mkvextract");
    run(command.current_dir(bench.folder()).args([film, "tracks", "0:frames.ivf"]), &[]).succeeded();
    let bytes = fs::read(bench.path("frames.ivf")).unwrap();
    assert!(bytes.starts_with(b"DKIF") && bytes[8..12] == *b"VP80");
    let mut rest = &bytes[32..];
    let mut frames = Vec::new();
    while let Some((head, body)) = rest.split_at_checked(12) {
        let (data, after) = body.split_at(u32::from_le_bytes(head[..4].try_into().unwrap()) as usize);
        frames.push((u64::from_le_bytes(head[4..].try_into().unwrap()), data.to_vec()));
        rest = after;
    }
    Some(frames)
}

#[test]
fn the_films_frames_are_those_of_the_webp_files_byte_for_byte_and_at_their_times() {
    let bench = Bench::new();
    let of = |name, graph, options: &[&str]| pictures(&bench, name, graph, 3, options);
    // Plain, of other qualities and settings, with padding, and with transparency, which is left out here.
    let made = [
        of("plain", CARD, &[]),
        of("good", CARD, &["-quality", "95", "-compression_level", "6"]),
        of("rough", CARD, &["-quality", "3", "-preset", "drawing"]),
        of("glass", GLASS, &["-pix_fmt", "yuva420p"]),
    ];
    let Some(files) = made.into_iter().collect::<Option<Vec<_>>>() else { return };
    let files = files.concat();
    assert!(chunk(&files[9], b"ALPH").is_some() && chunk(&files[9], b"VP8X").is_some());
    let mut whammy =
        Whammy::new(FrameRate::whole(24)).with_file(FileSink::create_new(bench.path("film.webm")).unwrap());
    let (last, first) = files.split_last().unwrap();
    first.iter().for_each(|file| whammy.add_file(file, None).unwrap());
    whammy.add_file(last, Span::from_millis(1234)).unwrap();
    let report = whammy.report();
    assert_eq!((report.pictures, report.copied, report.encoded, report.made_opaque), (12, 12, 0, 3));
    let film = whammy.compile().unwrap();
    assert_eq!(film.bytes().unwrap(), fs::read(bench.path("film.webm")).unwrap());

    let Some(found) = packets::packets(&bench.path("film.webm")) else { return };
    let millis: Vec<i64> = (0..12).map(|index| (index as f64 * 1000.0 / 24.0).round() as i64).collect();
    assert_eq!(found.iter().map(|packet| packet.millis).collect::<Vec<_>>(), millis);
    assert!(found.iter().all(|packet| packet.key));
    let duration = packets::tool(
        "ffprobe",
        &["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"],
        &bench.path("film.webm"),
    );
    // 11/24 s and 1.234 s.
    assert_eq!(duration.unwrap().trim(), "1.692000");
    packets::decodes(&bench.path("film.webm"));
    assert_eq!(packets::cues(&bench.path("film.webm")).map(|cues| cues.len()), Some(12));

    let Some(frames) = extracted(&bench, "film.webm") else { return };
    let expected: Vec<_> = files.iter().map(|file| chunk(file, b"VP8 ").expect("a lossy picture")).collect();
    assert_eq!(frames.len(), expected.len());
    for (number, ((_, frame), expected)) in frames.iter().zip(&expected).enumerate() {
        assert!(frame == expected, "picture {number}: {} bytes, not {}", frame.len(), expected.len());
    }
}

#[test]
fn chromium_shows_the_film_as_it_shows_the_pictures() {
    let bench = Bench::new();
    let Some(files) = pictures(&bench, "card", "smptehdbars=s=320x180:r=1", 1, &["-quality", "95"]) else { return };
    let mut whammy = Whammy::new(None);
    whammy.add_file(&files[0], Span::from_millis(700)).unwrap();
    whammy.add_file(&files[0], Span::from_millis(300)).unwrap();
    fs::write(bench.path("film.webm"), whammy.compile().unwrap().bytes().unwrap()).unwrap();
    let Some(seen) = judge(
        &[("film.webm", &bench.path("film.webm")), ("card.webp", &files[0])],
        "const video = await open('/film.webm');
         await seek(video, 0.8);
         const image = new Image();
         image.src = '/card.webp';
         await image.decode();
         const drawn = (what) => {
           const canvas = document.createElement('canvas');
           [canvas.width, canvas.height] = [320, 180];
           const context = canvas.getContext('2d', { willReadFrequently: true });
           context.drawImage(what, 0, 0);
           return context.getImageData(0, 0, 320, 180).data;
         };
         const [a, b] = [drawn(video), drawn(image)];
         let [most, sum] = [0, 0];
         for (let at = 0; at < a.length; at++) {
           most = Math.max(most, Math.abs(a[at] - b[at]));
           sum += Math.abs(a[at] - b[at]);
         }
         const at = (x, y) => [[...a.slice((y * 320 + x) * 4)].slice(0, 3), [...b.slice((y * 320 + x) * 4)].slice(0, 3)];
         const bars = [60, 90, 125, 160, 190, 220, 260].map((x) => at(x, 40));
         return { duration: video.duration, most, mean: sum / a.length, bars };",
    ) else {
        return;
    };
    println!("{seen}");
    assert!((seen["duration"].as_f64().unwrap() - 1.0).abs() < 0.002, "{seen}");
    for bar in seen["bars"].as_array().expect("bars") {
        let channel = |which: usize, c: usize| bar[which][c].as_f64().expect("a number");
        let most = (0..3).map(|c| (channel(0, c) - channel(1, c)).abs()).fold(0.0, f64::max);
        assert!(most <= 3.0, "{bar} in {seen}");
    }
    assert!(seen["mean"].as_f64().unwrap() < 1.0, "{seen}");
}

#[test]
fn pictures_that_are_damaged_or_of_another_size_are_named_and_the_film_of_the_others_plays() {
    let bench = Bench::new();
    let Some(files) = pictures(&bench, "plain", CARD, 3, &[]) else { return };
    let other = pictures(&bench, "other", "testsrc2=s=90x160:r=10", 1, &[]).unwrap().remove(0);
    let good = fs::read(&files[1]).unwrap();
    let mut whammy =
        Whammy::new(FrameRate::whole(10)).with_file(FileSink::create_new(bench.path("film.webm")).unwrap());
    whammy.add_file(&files[0], None).unwrap();
    let error = whammy.add_file(&other, None).unwrap_err().to_string();
    let (other, first) = (other.display(), files[0].display());
    assert_eq!(
        error,
        format!(
            "{other}: expected 160x90, as {first} has, but found 90x160; the film keeps the picture before it, 0.100 s"
        )
    );
    for part in 1..=10 {
        let path = bench.write("cut.webp", &good[..good.len() * part / 11]);
        let error = whammy.add_file(&path, None).unwrap_err().to_string();
        let expected = format!(
            "expected {} bytes but found {}: the file breaks off; the film keeps",
            good.len(),
            good.len() * part / 11
        );
        assert!(error.starts_with(&path.display().to_string()) && error.contains(&expected), "{error}");
    }
    whammy.add_file(&files[2], None).unwrap();
    assert_eq!(whammy.report().pictures, 2);
    whammy.compile().unwrap();
    packets::decodes(&bench.path("film.webm"));
}

#[test]
fn an_animation_of_whole_pictures_goes_in_as_it_is_and_of_parts_is_drawn_or_refused_by_name() {
    let bench = Bench::new();
    // Noise changes everywhere, so that every frame is a whole picture; the test card only in parts.
    for (name, graph, whole) in
        [("noise", "nullsrc=s=64x48:r=5,geq=random(1)*255:128:128", true), ("card", "testsrc2=s=64x48:r=5", false)]
    {
        if !tools::has("ffmpeg") {
            return;
        }
        let mut command = Command::new("ffmpeg");
        command.current_dir(bench.folder()).args(["-v", "error", "-f", "lavfi", "-i", graph, "-frames:v", "5"]);
        command.args(["-pix_fmt", "yuv420p", "-c:v", "libwebp_anim", "-quality", "60"]);
        let file = bench.path(&format!("{name}.webp"));
        run(command.arg(&file), &[]).succeeded();
        let mut whammy = Whammy::new(None);
        match whammy.add_file(&file, None) {
            Ok(()) => {
                let report = whammy.report();
                assert_eq!((report.pictures, report.duration), (5, Span::from_secs(1)), "{report:?}");
                assert_eq!(report.copied, if whole { 5 } else { 0 }, "{report:?}");
                let film = whammy.compile().unwrap();
                assert_eq!(inspect(film.reader(), Detail::Numbers).unwrap().tracks[0].blocks, 5);
            }
            Err(error) => {
                let text = error.to_string();
                assert!(!whole && text.contains("card.webp: ") && text.contains("vp8"), "{text}");
            }
        }
    }
}

#[test]
fn transparent_pictures_are_seen_over_the_page_or_refused_by_name_without_an_encoder_of_vp8() {
    let bench = Bench::new();
    // Bars, because Chromium draws chroma at edges otherwise in a film than in a picture: that makes up the means.
    let bars = "smptehdbars=s=160x90:r=10";
    let card = format!("{bars},format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='X*1.6'");
    let Some(glass) = pictures(&bench, "glass", &card, 2, &["-pix_fmt", "yuva420p", "-quality", "90"]) else { return };
    let Some(lossless) = pictures(&bench, "lossless", &card, 1, &["-lossless", "1", "-pix_fmt", "bgra"]) else {
        return;
    };
    let plain = pictures(&bench, "plain", bars, 1, &["-quality", "90"]).unwrap().remove(0);
    let mut whammy = Whammy::new(FrameRate::whole(2)).with_alpha(true).with_quality(95);
    let encoders = encode::list();
    let is_vp8 = |encoder: &encode::EncoderInfo| encoder.version.is_ok() && encoder.codecs.contains(&VideoCodec::Vp8);
    if !encoders.iter().any(is_vp8) {
        for file in [&glass[0], &lossless[0]] {
            let error = whammy.add_file(file, None).unwrap_err().to_string();
            assert!(error.starts_with(&file.display().to_string()) && error.contains("vp8"), "{error}");
        }
        whammy.add_file(&plain, None).unwrap();
        return;
    }
    // An opaque picture between them, and one that is lossless.
    let files = [&glass[0], &plain, &glass[1], &lossless[0]];
    files.iter().for_each(|file| whammy.add_file(file, None).unwrap());
    let report = whammy.report();
    assert_eq!((report.copied, report.encoded, report.transparent, report.made_opaque), (3, 1, 3, 0), "{report:?}");
    fs::write(bench.path("film.webm"), whammy.compile().unwrap().bytes().unwrap()).unwrap();
    if let Some(frames) = extracted(&bench, "film.webm") {
        for (index, file) in files[..3].iter().enumerate() {
            assert!(Some(&frames[index].1) == chunk(file, b"VP8 ").as_ref(), "picture {index} is another");
        }
    }
    let served = [
        ("film.webm", &bench.path("film.webm")),
        ("0.webp", files[0]),
        ("1.webp", files[1]),
        ("2.webp", files[2]),
        ("3.webp", files[3]),
    ];
    let Some(seen) = judge(
        &served.map(|(name, path)| (name, path.as_path())),
        "const video = await open('/film.webm');
         const drawn = (what) => {
           const canvas = document.createElement('canvas');
           [canvas.width, canvas.height] = [160, 90];
           const context = canvas.getContext('2d', { willReadFrequently: true });
           context.fillStyle = '#f0f';
           context.fillRect(0, 0, 160, 90);
           context.drawImage(what, 0, 0);
           return context.getImageData(0, 0, 160, 90).data;
         };
         const apart = (a, b) => a.map((value, at) => Math.abs(value - b[at]));
         const mean = (a, b) => apart(a, b).reduce((sum, value) => sum + value, 0) / a.length;
         const median = (a, b) => apart(a, b).sort()[a.length / 2];
         const means = [], medians = [], drawings = [];
         for (let index = 0; index < 4; index++) {
           await seek(video, 0.5 * index + 0.25);
           const image = new Image();
           image.src = `/${index}.webp`;
           await image.decode();
           drawings.push(drawn(image));
           const shown = drawn(video);
           means.push(mean(shown, drawings[index]));
           medians.push(median(shown, drawings[index]));
         }
         return { means, medians, transparency: mean(drawings[0], drawings[1]) };",
    ) else {
        return;
    };
    println!("off by {seen} on the mean");
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    let most = |name: &str| seen[name].as_array().expect("figures").iter().map(number).fold(0.0, f64::max);
    assert!(most("medians") <= 1.0 && most("means") < 2.0, "{seen}");
    assert!(number(&seen["transparency"]) > 20.0, "{seen}");
}

/// Every picture of a folder: goes in as it is, is encoded, or is refused by its name.
#[test]
#[ignore = "needs a folder of WebP pictures, such as libwebp's own test data, in FRAMEREEL_WEBP"]
fn every_picture_of_a_folder_goes_in_or_is_refused_by_name() {
    let folder = PathBuf::from(env::var("FRAMEREEL_WEBP").expect("FRAMEREEL_WEBP"));
    let mut files: Vec<_> =
        fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "webp"));
    files.sort();
    let bench = Bench::new();
    let (mut copied, mut encoded, mut refused) = (0, 0, 0);
    for file in &files {
        let mut whammy = Whammy::new(FrameRate::whole(25)).with_alpha(true);
        let added = whammy.add_file(file, None);
        if let Err(error) = added {
            let text = error.to_string();
            assert!(text.starts_with(&file.display().to_string()), "{text}");
            println!("refused: {text}");
            refused += 1;
            continue;
        }
        let report = whammy.report();
        copied += report.copied;
        encoded += report.encoded;
        fs::write(bench.path("film.webm"), whammy.compile().unwrap().bytes().unwrap()).unwrap();
        if report.copied == 1 {
            let frames = extracted(&bench, "film.webm").expect("mkvextract");
            assert_eq!(frames.len(), 1);
            assert!(Some(&frames[0].1) == chunk(file, b"VP8 ").as_ref(), "{}", file.display());
        }
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-xerror", "-i"]).arg(bench.path("film.webm")).args(["-f", "null", "-"]);
        let ran = run(&mut command, &[]);
        if ran.code != Some(0) || !ran.stderr.is_empty() {
            println!("{}: {}", file.display(), ran.stderr);
        }
    }
    println!("{} files: {copied} copied, {encoded} encoded, {refused} refused", files.len());
}
