//! The sound of films is recorded in sync with their frames: noise goes in, and ffmpeg's decoding of the recording is
//! compared with it by cross-correlation. `make test` installs ffmpeg; see support/tools.rs.

mod support {
    pub mod packets;
    pub mod program;
    pub mod tools;
}

use std::path::Path;
use std::process::Command;

use support::packets::tool;
use support::program::{Bench, run};
use support::tools;

const RATE: usize = 48_000;
/// How far sound may be from its pictures, in samples: 5 ms.
const NEAR: i64 = 240;
/// How far the correlation is searched, in samples: 200 ms.
const FAR: i64 = 9_600;

/// Four seconds of noise, of which no two parts are alike.
const NOISE: &str = "anoisesrc=r=48000:d=4:c=pink:a=0.4:seed=7";
const PICTURES: &str = "testsrc=s=128x96:r=25:d=4";

fn ffmpeg(arguments: &str, path: &Path) -> bool {
    if !tools::has("ffmpeg") {
        return false;
    }
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]).args(arguments.split(' ')).arg(path);
    run(&mut command, &[]).succeeded();
    true
}

/// A film of pictures and noise, encoded so.
fn film(bench: &Bench, name: &str, encoding: &str) -> bool {
    ffmpeg(&format!("-f lavfi -i {PICTURES} -f lavfi -i {NOISE} {encoding}"), &bench.path(name))
}

/// The first sound of a file as ffmpeg decodes it, in one channel.
fn samples(bench: &Bench, arguments: &str, name: &str) -> Vec<f32> {
    let raw = bench.path("samples.f32");
    let decode = "-af aresample=48000:async=1:first_pts=0 -ac 1 -f f32le";
    let input = if name.is_empty() { String::new() } else { format!("-i {} ", bench.path(name).display()) };
    assert!(ffmpeg(&format!("{arguments}{input}{decode}"), &raw));
    std::fs::read(raw).unwrap().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

/// The noise itself.
fn noise(bench: &Bench) -> Vec<f32> {
    samples(bench, &format!("-f lavfi -i {NOISE} "), "")
}

/// How many samples later than at `at` a second of `found` from there on is found in `noise` around `expected`; and how well
/// both agree, from 0 to 1.
fn lag(noise: &[f32], expected: f64, found: &[f32], at: f64) -> (i64, f64) {
    let part = &found[(at * RATE as f64) as usize..][..RATE];
    let power = |samples: &[f32]| samples.iter().map(|sample| f64::from(sample * sample)).sum::<f64>();
    let begin = (expected * RATE as f64).round() as i64;
    let agreement = |lag: i64| {
        let Some(other) = usize::try_from(begin - lag).ok().and_then(|begin| noise.get(begin..begin + RATE)) else {
            return 0.0;
        };
        let product: f64 = part.iter().zip(other).map(|(a, b)| f64::from(a * b)).sum();
        product / (power(part) * power(other)).sqrt().max(f64::MIN_POSITIVE)
    };
    (-FAR..=FAR).map(|lag| (lag, agreement(lag))).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}

/// That a second of the file's sound from `at` on is the noise from `expected` on, in seconds.
#[track_caller]
fn assert_in_sync(bench: &Bench, name: &str, at: f64, noise: &[f32], expected: f64) {
    let (lag, agreement) = lag(noise, expected, &samples(bench, "", name), at);
    println!("{name} at {at} s: {:.2} ms late, {agreement:.3} alike", lag as f64 / 48.0);
    assert!(agreement > 0.5, "{name}: nothing like the noise at {at} s ({agreement:.3})");
    assert!(lag.abs() <= NEAR, "{name}: {:.1} ms late at {at} s", lag as f64 / 48.0);
}

fn record(bench: &Bench, film: &str, options: &str, name: &str) {
    let options = options.split(' ').filter(|option| !option.is_empty());
    let args: Vec<_> = ["record", film, "-o", name, "--force"].into_iter().chain(options).collect();
    bench.run(&args).succeeded();
}

#[test]
fn the_sound_of_a_film_comes_along_in_time_whatever_the_container_and_codec() {
    let bench = Bench::new();
    let aac = "-c:v mpeg4 -c:a aac -b:a 192k";
    for (name, encoding, late) in [
        ("film.mp4", aac, 0.0),
        // These do not begin at time 0.
        ("film.ts", "-c:v mpeg2video -c:a mp2 -b:a 192k", 0.0),
        ("offset.mp4", "-c:v mpeg4 -c:a aac -b:a 192k -output_ts_offset 3.7", 0.0),
        ("film.avi", "-c:v mpeg4 -c:a pcm_s16le", 0.0),
        ("film.mov", "-c:v mpeg4 -c:a pcm_s16le -ar 44100 -ac 2", 0.0),
        ("film.mkv", "-c:v mpeg4 -c:a ac3 -b:a 384k -ac 6", 0.0),
        ("vorbis.webm", "-c:v libvpx -b:v 200k -deadline realtime -c:a libvorbis", 0.0),
        // Read by ourselves. ffmpeg writes its pictures 7 ms late, for its sound begins at -7 ms.
        ("opus.webm", "-c:v libaom-av1 -cpu-used 8 -usage realtime -b:v 200k -c:a libopus -b:a 160k", 0.007),
    ] {
        if !film(&bench, name, encoding) {
            return;
        }
        let noise = noise(&bench);
        record(&bench, name, "", "whole.webm");
        assert_in_sync(&bench, "whole.webm", 0.3, &noise, 0.3 + late);
        assert_in_sync(&bench, "whole.webm", 2.5, &noise, 2.5 + late);
        // Frame 33, which is on screen then, is shown from 1.32 s on.
        record(&bench, name, "--start 1.33", "started.webm");
        assert_in_sync(&bench, "started.webm", 0.5, &noise, 1.82 + late);
    }
}

#[test]
fn sound_that_begins_later_than_the_pictures_has_silence_before_it_and_earlier_sound_is_left_out() {
    let bench = Bench::new();
    let encoding = "-c:v mpeg4 -c:a pcm_s16le";
    let late = format!("-f lavfi -i {PICTURES} -itsoffset 0.5 -f lavfi -i {NOISE} {encoding}");
    let early = format!("-itsoffset 0.4 -f lavfi -i {PICTURES} -f lavfi -i {NOISE} {encoding}");
    if !ffmpeg(&late, &bench.path("late.mkv")) || !ffmpeg(&early, &bench.path("early.mkv")) {
        return;
    }
    let noise = noise(&bench);
    record(&bench, "late.mkv", "", "late.webm");
    assert_in_sync(&bench, "late.webm", 1.0, &noise, 0.5);
    let silent = samples(&bench, "", "late.webm")[..RATE * 4 / 10].iter().all(|sample| sample.abs() < 0.01);
    assert!(silent, "there is something before the sound begins");
    record(&bench, "early.mkv", "", "early.webm");
    assert_in_sync(&bench, "early.webm", 0.3, &noise, 0.7);
    record(&bench, "late.mkv", "--start 2", "late.webm");
    assert_in_sync(&bench, "late.webm", 0.3, &noise, 1.8);
}

#[test]
fn what_we_recorded_is_recorded_again_with_its_sound_and_pieces_go_on_in_time() {
    let bench = Bench::new();
    if !film(&bench, "film.mp4", "-c:v mpeg4 -c:a aac -b:a 192k") {
        return;
    }
    let noise = noise(&bench);
    record(&bench, "film.mp4", "--audio-bitrate 256k", "once.webm");
    record(&bench, "once.webm", "--audio-bitrate 256k", "twice.webm");
    assert_in_sync(&bench, "twice.webm", 0.3, &noise, 0.3);
    assert_in_sync(&bench, "twice.webm", 2.9, &noise, 2.9);
    record(&bench, "once.webm", "--start 2.2", "later.webm");
    assert_in_sync(&bench, "later.webm", 0.2, &noise, 2.4);
    record(&bench, "once.webm", "--split 2s", "piece.webm");
    assert_in_sync(&bench, "piece-001.webm", 0.9, &noise, 0.9);
    assert_in_sync(&bench, "piece-002.webm", 0.5, &noise, 2.5);
    record(&bench, "film.mp4", "--fps 10", "slow.webm");
    assert_in_sync(&bench, "slow.webm", 2.0, &noise, 2.0);
}

#[test]
fn the_films_sound_can_be_left_out_or_replaced_by_that_of_another_file() {
    let bench = Bench::new();
    if !film(&bench, "film.mp4", "-c:v mpeg4 -c:a aac") {
        return;
    }
    let other = "sine=f=300:d=4";
    assert!(ffmpeg(
        &format!("-f lavfi -i {PICTURES} -f lavfi -i {other} -c:v mpeg4 -c:a mp3"),
        &bench.path("other.mkv")
    ));
    assert!(ffmpeg(&format!("-f lavfi -i {NOISE} -c:a flac"), &bench.path("noise.flac")));
    let tracks = |name: &str| {
        let text = tool(
            "ffprobe",
            &["-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0"],
            &bench.path(name),
        );
        text.unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    record(&bench, "film.mp4", "", "own.webm");
    assert_eq!(tracks("own.webm"), ["video", "audio"]);
    record(&bench, "film.mp4", "--audio none", "none.webm");
    assert_eq!(tracks("none.webm"), ["video"]);
    let noise = noise(&bench);
    record(&bench, "other.mkv", "--audio noise.flac --start 1", "replaced.webm");
    assert_in_sync(&bench, "replaced.webm", 0.5, &noise, 1.5);
    record(&bench, "pattern", "--audio film.mp4 --duration 3s", "pattern.webm");
    assert_in_sync(&bench, "pattern.webm", 1.0, &noise, 1.0);
    record(&bench, "film.mp4", "--audio other.mkv --mix --audio-gain -12", "mixed.webm");
    assert_in_sync(&bench, "mixed.webm", 1.0, &noise, 1.0);
    let strength = |name: &str| {
        let samples = samples(&bench, "", name);
        let wave = |at: usize| (at as f64 / RATE as f64 * 300.0 * std::f64::consts::TAU).sin_cos();
        let part = samples[RATE..2 * RATE].iter().enumerate();
        let (re, im) = part.fold((0.0, 0.0), |(re, im), (at, &sample)| {
            let (sin, cos) = wave(at);
            (re + f64::from(sample) * cos, im + f64::from(sample) * sin)
        });
        (re * re + im * im).sqrt() * 2.0 / RATE as f64
    };
    // ffmpeg's sine has an amplitude of an eighth; a quarter of that is left.
    assert!((strength("mixed.webm") - 0.125 / 4.0).abs() < 0.01, "{}", strength("mixed.webm"));
    assert!(strength("own.webm") < 0.01, "{}", strength("own.webm"));
    // A film without sound has none.
    record(&bench, "none.webm", "", "silent.webm");
    assert_eq!(tracks("silent.webm"), ["video"]);
}

#[test]
fn sound_that_breaks_off_ends_the_recording_with_an_error_and_what_was_recorded_plays() {
    let bench = Bench::new();
    if !film(&bench, "film.mkv", "-c:v mpeg4 -b:v 100k -c:a pcm_s16le") {
        return;
    }
    let bytes = std::fs::read(bench.path("film.mkv")).unwrap();
    std::fs::write(bench.path("cut.mkv"), &bytes[..bytes.len() / 2]).unwrap();
    bench.run(["record", "cut.mkv", "-o", "cut.webm"]).failed(1, &["cut.mkv"]);
    let length = tool(
        "ffprobe",
        &["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"],
        &bench.path("cut.webm"),
    );
    let length: f64 = length.unwrap().trim().parse().unwrap();
    assert!((1.0..3.0).contains(&length), "{length}");
}

/// A film of noise that lasts 16 s, with pictures that begin at `late`, in seconds.
fn late_pictures(bench: &Bench, name: &str, late: f64) -> bool {
    let noise = NOISE.replace("d=4", "d=16");
    let encoding = "-c:v mpeg2video -c:a mp2 -b:a 192k";
    ffmpeg(&format!("-itsoffset {late} -f lavfi -i {PICTURES} -f lavfi -i {noise} {encoding}"), &bench.path(name))
}

#[test]
fn sound_begins_with_the_first_picture_that_is_decoded_whatever_the_header_says() {
    let bench = Bench::new();
    if !late_pictures(&bench, "late.mkv", 12.0) {
        return;
    }
    let noise = samples(&bench, &format!("-f lavfi -i {} ", NOISE.replace("d=4", "d=16")), "");
    record(&bench, "late.mkv", "", "late.webm");
    assert_in_sync(&bench, "late.webm", 0.5, &noise, 12.5);
    record(&bench, "late.mkv", "--start 1.33", "late.webm");
    assert_in_sync(&bench, "late.webm", 0.5, &noise, 13.82);
    // A broadcast that was switched on within a group of pictures.
    let whole = format!("-f lavfi -i {PICTURES} -f lavfi -i {NOISE} -c:v mpeg2video -g 25 -c:a mp2 -b:a 192k");
    assert!(ffmpeg(&whole, &bench.path("whole.ts")));
    let bytes = std::fs::read(bench.path("whole.ts")).unwrap();
    let cut = bytes.len() * 3 / 10 / 188 * 188;
    std::fs::write(bench.path("cut.ts"), &bytes[cut..]).unwrap();
    let report = bench.json(["record", "cut.ts", "-o", "cut.webm", "--json"]);
    let left_out = (100 - report["frames_encoded"].as_u64().unwrap()) as f64 / 25.0;
    assert!(left_out > 0.5, "{report}");
    assert_in_sync(&bench, "cut.webm", 0.5, &noise, left_out + 0.5);
}

#[test]
fn sound_goes_on_in_time_where_the_clock_was_reset_and_where_its_channels_change() {
    let bench = Bench::new();
    let part = |name: &str, sound: &str| {
        ffmpeg(&format!("-f lavfi -i {PICTURES} -f lavfi -i {NOISE} -c:v mpeg2video {sound}"), &bench.path(name))
    };
    if !part("a.ts", "-c:a mp2 -b:a 192k") {
        return;
    }
    let noise = noise(&bench);
    let joined = |names: [&str; 2]| names.map(|name| std::fs::read(bench.path(name)).unwrap()).concat();
    std::fs::write(bench.path("reset.ts"), joined(["a.ts", "a.ts"])).unwrap();
    record(&bench, "reset.ts", "", "reset.webm");
    assert_in_sync(&bench, "reset.webm", 1.0, &noise, 1.0);
    let found = samples(&bench, "", "reset.webm");
    assert!(found.len().abs_diff(8 * RATE) < RATE / 2, "{} s", found.len() as f64 / RATE as f64);
    // A packet is lost where two files meet.
    let (lag, agreement) = lag(&noise, 1.0, &found, 5.0);
    assert!(lag.abs() < 2_400 && agreement > 0.5, "{lag} samples, {agreement}");
    assert!(
        part("stereo.ts", "-c:a ac3 -b:a 192k -ac 2")
            && part("surround.ts", "-c:a ac3 -b:a 384k -ac 6 -output_ts_offset 4")
    );
    std::fs::write(bench.path("change.ts"), joined(["stereo.ts", "surround.ts"])).unwrap();
    record(&bench, "change.ts", "", "change.webm");
    assert_in_sync(&bench, "change.webm", 1.0, &noise, 1.0);
    let found = samples(&bench, "", "change.webm");
    assert!(found.len().abs_diff(8 * RATE) < RATE / 2, "{} s", found.len() as f64 / RATE as f64);
}

#[test]
fn a_sound_file_that_breaks_off_is_an_error_and_rates_that_cannot_be_are_resampled() {
    let bench = Bench::new();
    if !ffmpeg("-f lavfi -i sine=f=300:d=20 -c:a mp3 -write_xing 1", &bench.path("whole.mp3")) {
        return;
    }
    let bytes = std::fs::read(bench.path("whole.mp3")).unwrap();
    std::fs::write(bench.path("cut.mp3"), &bytes[..bytes.len() / 2]).unwrap();
    let args = ["record", "pattern", "--audio", "cut.mp3", "--duration", "20s", "-o", "a.webm", "--force"];
    bench.run(args).failed(1, &["cut.mp3", "of sound but found"]);
    let args = ["record", "pattern", "--audio", "whole.mp3", "--duration", "20s", "-o", "a.webm", "--force"];
    bench.run(args).succeeded();
    let low = format!("-f lavfi -i {PICTURES} -f lavfi -i sine=f=300:d=4:r=2000 -c:v mpeg4 -c:a pcm_s16le");
    assert!(ffmpeg(&low, &bench.path("low.mkv")));
    record(&bench, "low.mkv", "", "low.webm");
    let found = samples(&bench, "", "low.webm");
    assert!(found[RATE..2 * RATE].iter().any(|sample| sample.abs() > 0.05), "silent");
}
