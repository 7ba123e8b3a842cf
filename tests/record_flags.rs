//! The flags of `framereel record`: sound, pieces, limits, chunks, standard output and real time, by the real program.
//!
//! The output is examined with ffprobe and ffmpeg. `make test` installs both; see support/tools.rs.

mod support {
    pub mod program;
    pub mod tools;
}

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::program::{Bench, Ran, ended, ffprobe, run, y4m};
use support::tools;

const SMALL: [&str; 4] = ["record", "pattern", "--size", "64x64"];

fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&SMALL[..], args].concat()
}

/// What a tool prints of a file; none where it is missing.
fn judged(tool: &str, before: &[&str], path: &Path, after: &[&str]) -> Option<Vec<u8>> {
    if !tools::has(tool) {
        return None;
    }
    let output = Command::new(tool).args(before).arg("-i").arg(path).args(after).output().expect("a tool that starts");
    assert!(output.status.success() && output.stderr.is_empty(), "{tool} on {}: {output:?}", path.display());
    Some(output.stdout)
}

/// A packet: when it is shown, when it ends, and whether it is a key frame.
type Packet = (f64, f64, bool);

/// The packets of a stream, as ffprobe reads them.
fn packets(path: &Path, stream: &str) -> Option<Vec<Packet>> {
    let entries = "packet=pts_time,duration_time,flags";
    let args = ["-v", "error", "-select_streams", stream, "-of", "csv=p=0", "-show_entries", entries];
    let text = String::from_utf8(judged("ffprobe", &args, path, &[])?).expect("text");
    let packet = |line: &str| {
        let mut fields = line.split(',');
        let mut time = || fields.next().and_then(|field| field.parse::<f64>().ok());
        let (pts, length) = (time().expect("a time"), time().unwrap_or(0.0));
        (pts, pts + length, fields.next().is_some_and(|flags| flags.starts_with('K')))
    };
    Some(text.lines().map(packet).collect())
}

/// How many frames ffprobe decodes.
fn frames(path: &Path) -> Option<u64> {
    let probed = ffprobe(path)?;
    let count = probed.lines().find_map(|line| line.strip_prefix("nb_read_frames="));
    Some(count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("frames in {probed}")))
}

/// The sound, decoded by ffmpeg to one channel of 48 kHz.
fn heard(path: &Path) -> Option<Vec<f32>> {
    let bytes = judged("ffmpeg", &["-v", "error"], path, &["-ac", "1", "-ar", "48000", "-f", "f32le", "-"])?;
    Some(bytes.as_chunks().0.iter().map(|&sample| f32::from_le_bytes(sample)).collect())
}

/// The second, from `from` on, at which the sound gets loud.
fn onset(samples: &[f32], from: f64) -> f64 {
    let first = (from * 48e3) as usize;
    let loud = samples[first..].iter().position(|sample| sample.abs() > 0.3).expect("something loud");
    (first + loud) as f64 / 48e3
}

/// The program under way, with its outputs in pipes.
fn started(command: &mut Command) -> Child {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

/// Waits, at most half a minute.
#[track_caller]
fn wait_until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(30), "waited in vain");
        thread::sleep(Duration::from_millis(5));
    }
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
}

/// Runs the program with its standard output in this file.
fn run_into(bench: &Bench, file: File, args: &[&str]) -> Ran {
    let child = bench.command(args).stdin(Stdio::null()).stdout(file).stderr(Stdio::piped()).spawn();
    let output = child.and_then(Child::wait_with_output).expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Ran { code: output.status.code(), stdout: String::new(), stderr }
}

#[track_caller]
fn fails(bench: &Bench, args: &[&str], code: i32, words: &[&str]) {
    let before = bench.names();
    bench.run(args).failed(code, words);
    assert_eq!(bench.names(), before, "{args:?}");
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// All files of a folder in the order of their names, joined.
fn joined(folder: &Path) -> Vec<u8> {
    names_in(folder).iter().flat_map(|name| fs::read(folder.join(name)).expect("a chunk")).collect()
}

// Sound.

#[test]
fn a_tone_is_recorded_as_long_as_the_pictures_and_beeps_with_the_seconds() {
    let bench = Bench::new();
    let args = with(&["--audio", "tone", "--audio-bitrate", "64k", "--duration", "2s", "--json"]);
    let report = bench.json(&args);
    assert!(report["codec"].as_str().is_some_and(|codec| codec.starts_with("av01.") && codec.ends_with(",opus")));
    let file = bench.path("pattern.webm");
    let (Some(video), Some(audio), Some(samples)) = (packets(&file, "v"), packets(&file, "a"), heard(&file)) else {
        return;
    };
    let end = |packets: &[Packet]| packets.last().expect("a packet").1;
    assert_eq!(video.len(), 60);
    let (pictures, sound) = (video[59].0 + 1.0 / 30.0, end(&audio));
    assert!((pictures - 2.0).abs() < 0.002 && (sound - pictures).abs() < 0.03, "{pictures} and {sound}");
    let beep = onset(&samples, 0.5);
    assert!((beep - 1.0).abs() < 0.002, "{beep}");
}

#[test]
fn start_skips_in_the_sound_too() {
    let bench = Bench::new();
    bench.run(with(&["--audio", "tone", "--start", "600ms", "--duration", "1s"])).succeeded();
    let Some(samples) = heard(&bench.path("pattern.webm")) else { return };
    let beep = onset(&samples, 0.1);
    assert!((beep - 0.4).abs() < 0.002, "{beep}");
}

#[test]
fn a_wav_is_heard_beside_a_film() {
    let bench = Bench::new();
    bench.write("film.y4m", y4m(64, 48, 20, 20, |frame, x, y| (16 + frame * 5 + x + y) as u8));
    let format = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(bench.path("film.wav"), format).expect("a WAV file");
    for index in 0..3 * 44_100 {
        let loud = index > 44_100 * 3 / 10;
        let sample = if loud { ((f64::from(index) * 0.14).sin() * 25_000.0) as i16 } else { 0 };
        (0..2).for_each(|_| wav.write_sample(sample).expect("a sample"));
    }
    wav.finalize().expect("a WAV file");
    let ran = bench.run(["record", "film.y4m", "--audio", "film.wav"]).succeeded();
    assert!(ran.stdout.contains(",opus)"), "{ran:?}");
    let file = bench.path("film.webm");
    let (Some(audio), Some(samples)) = (packets(&file, "a"), heard(&file)) else { return };
    // The sound goes on for longer than the film.
    let end = audio.last().expect("a packet").1;
    assert!((end - 1.0).abs() < 0.03, "{end}");
    let loud = onset(&samples, 0.0);
    assert!((loud - 0.3).abs() < 0.002, "{loud}");
}

#[test]
fn sound_that_cannot_be_read_is_refused_and_no_file_stays() {
    let bench = Bench::new();
    bench.write("text.wav", "this is no sound");
    fails(&bench, &with(&["--audio", "none.wav"]), 1, &["none.wav", "found nothing of that name"]);
    fails(&bench, &with(&["--audio", "text.wav"]), 1, &["text.wav", "expected a file that ffmpeg can read"]);
    fails(&bench, &with(&["--audio", "none", "--mix"]), 2, &["--mix", "--audio none"]);
    fails(&bench, &with(&["--mix"]), 2, &["--audio"]);
    fails(&bench, &with(&["--audio-gain", "30"]), 2, &["from -60 to 20 dB", "`30`"]);
    fails(&bench, &with(&["--audio", "tone", "--audio-bitrate", "5k"]), 2, &["6k to 510k", "`5k`"]);
    fails(&bench, &with(&["--audio", "tone", "-o", "new/", "--filter", "sepai()"]), 2, &["sepia"]);
    fails(&bench, &with(&["--audio", "none.wav", "-o", "new/"]), 1, &["none.wav"]);
}

// Pieces.

#[test]
fn pieces_of_a_second_are_whole_files_that_hold_every_frame() {
    let bench = Bench::new();
    let report =
        bench.json(with(&["--audio", "tone", "--duration", "2500ms", "--split", "1s", "-o", "a.webm", "--json"]));
    let names = ["a-001.webm", "a-002.webm", "a-003.webm"];
    assert_eq!(report["output"], names[0]);
    assert_eq!(report["outputs"], Value::from(names.to_vec()));
    assert_eq!(report["files"], 3);
    assert_eq!(bench.names(), names);
    let bytes: u64 = names.iter().map(|name| fs::metadata(bench.path(name)).expect("a piece").len()).sum();
    assert_eq!(report["bytes"], bytes);
    for (name, count) in names.iter().zip([30, 30, 15]) {
        let Some(found) = frames(&bench.path(name)) else { return };
        assert_eq!(found, count, "{name}");
        let Some(video) = packets(&bench.path(name), "v") else { return };
        assert!(video[0].0.abs() < 1e-3 && video[0].2, "{name} begins with a key frame at 0");
    }
    let ran = bench.run(with(&["--duration", "2s", "--split", "1s", "-o", "b.webm"])).succeeded();
    assert!(ran.stdout.starts_with("wrote    b-001.webm to b-002.webm (2 files)\n"), "{ran:?}");
}

#[test]
fn pieces_by_size_stay_about_there_and_hold_every_frame() {
    let bench = Bench::new();
    let args = ["--duration", "6s", "--key-interval", "500ms", "--split", "30kB", "-o", "parts/", "--json"];
    let report = bench.json(with(&args));
    let outputs: Vec<_> = report["outputs"].as_array().expect("files").iter().filter_map(Value::as_str).collect();
    assert!(outputs.len() > 1 && outputs[1] == "parts/pattern-002.webm", "{report}");
    let mut all = 0;
    for output in &outputs {
        let bytes = fs::metadata(bench.path(output)).expect("a piece").len();
        assert!(bytes <= 36_000, "{output} has {bytes} bytes");
        let Some(found) = frames(&bench.path(output)) else { return };
        all += found;
    }
    assert_eq!(all, 180);
}

#[test]
fn pieces_that_exist_are_refused_before_any_work() {
    let bench = Bench::new();
    bench.write("a-002.webm", "precious");
    // The source does not exist: had work started, the error would say so.
    let args = ["record", "nothing.mp4", "--split", "1s", "-o", "a.webm"];
    fails(&bench, &args, 1, &["a-002.webm", "--force"]);
    assert_eq!(fs::read(bench.path("a-002.webm")).expect("the file"), b"precious");
    bench.run(with(&["--duration", "2s", "--split", "1s", "-o", "a.webm", "--force"])).succeeded();
    assert!(frames(&bench.path("a-002.webm")).is_none_or(|found| found == 30));
}

#[test]
fn a_piece_never_overwrites_the_source() {
    let bench = Bench::new();
    let film = y4m(64, 48, 20, 20, |frame, _, _| 16 + frame as u8);
    bench.write("film-001.webm", &film);
    let args = ["record", "film-001.webm", "--split", "1s", "-o", "film.webm", "--force"];
    fails(&bench, &args, 2, &["film-001.webm", "other than the source"]);
    assert!(fs::read(bench.path("film-001.webm")).expect("the film") == film);
    // Pieces of a longer recording are removed, but not where one of them is the source.
    bench.write("film-003.webm", &film);
    let args = ["record", "film-003.webm", "--split", "10m", "-o", "film.webm", "--force"];
    fails(&bench, &args, 2, &["film-003.webm", "other than the source"]);
    assert!(fs::read(bench.path("film-003.webm")).expect("the film") == film);
    let args =
        ["record", "pattern", "--duration", "1s", "--overlay", "film-003.webm", "-o", "film-003.webm", "--force"];
    fails(&bench, &args, 2, &["film-003.webm", "other than the source"]);
    assert!(fs::read(bench.path("film-003.webm")).expect("the film") == film);
}

// Limits and key frames.

#[test]
fn a_recording_ends_after_so_many_frames_and_says_what_was_left() {
    let bench = Bench::new();
    // More than the five seconds that an endless source is recorded for otherwise.
    let report = bench.json(with(&["--frames", "200", "--json"]));
    assert_eq!(report["frames_encoded"], 200);
    assert_eq!(report["dropped"]["ended"], report["frames_dropped"]);
    assert!(frames(&bench.path("pattern.webm")).is_none_or(|found| found == 200));
}

#[test]
fn a_recording_stays_below_its_size() {
    let bench = Bench::new();
    let report = bench.json(with(&["--max-size", "40kB", "--json"]));
    let bytes = fs::metadata(bench.path("pattern.webm")).expect("the file").len();
    assert!((30_000..=40_000).contains(&bytes), "{bytes}");
    assert!(frames(&bench.path("pattern.webm")).is_none_or(|found| report["frames_encoded"] == found));
    fs::remove_file(bench.path("pattern.webm")).expect("a removed file");
    // An archive of pictures ends with a file of their times.
    for limit in ["60kB", "150kB"] {
        bench.run(with(&["--max-size", limit, "-o", "pictures.jpg.tar", "--force"])).succeeded();
        let bytes = fs::metadata(bench.path("pictures.jpg.tar")).expect("the archive").len();
        let most = limit.trim_end_matches("kB").parse::<u64>().expect("a number") * 1000;
        assert!((most / 2..=most).contains(&bytes), "{bytes} of {limit}");
    }
    fails(&bench, &with(&["--max-size", "100B"]), 2, &["--max-size", "100 bytes"]);
}

#[test]
fn key_frames_come_as_often_as_asked_for() {
    let bench = Bench::new();
    for (interval, step) in [("500ms", 15), ("10f", 10)] {
        bench.run(with(&["--duration", "2s", "--key-interval", interval, "--force"])).succeeded();
        let Some(video) = packets(&bench.path("pattern.webm"), "v") else { return };
        let keys: Vec<_> = (0..video.len()).filter(|&index| video[index].2).collect();
        assert_eq!(keys, (0..60).step_by(step).collect::<Vec<_>>(), "{interval}");
    }
}

#[test]
fn wrong_limits_are_refused() {
    let bench = Bench::new();
    for (args, words) in [
        (&["--split", "10M"][..], &["100MB", "10m (ten minutes)", "`10M`"][..]),
        (&["--split", "0MB"], &["above 0"]),
        (&["--max-size", "5"], &["100MB", "`5`"]),
        (&["--frames", "0"], &["0"]),
        (&["--key-interval", "31s"], &["at most 30s", "`31s`"]),
        (&["--key-interval", "0f"], &["`0f`"]),
        (&["--timeslice", "0s", "-o", "new/"], &["above 0"]),
        (&["--timeslice", "1s"], &["-o FOLDER/ or -o -", "found no -o"]),
        (&["--timeslice", "1s", "-o", "a.webm"], &["-o FOLDER/ or -o -", "a.webm"]),
        (&["--timeslice", "1s", "--split", "1s", "-o", "new/"], &["--timeslice", "--split"]),
        (&["--split", "1s", "-o", "-"], &["-o NAME.webm", "found -o -"]),
    ] {
        fails(&bench, &with(args), 2, words);
    }
    fails(&bench, &with(&["-o", "none/new/"]), 1, &["none/new/", "create it first"]);
}

// Real time.

#[test]
fn in_real_time_what_the_encoder_has_no_time_for_is_dropped_and_told() {
    let bench = Bench::new();
    let args = ["record", "pattern", "--size", "640x360", "--fps", "60", "--realtime", "--duration", "1s"];
    let ran = bench.run([&args[..], &["--encoder", "rav1e", "--speed", "4"]].concat()).succeeded();
    let line = |name: &str| ran.stdout.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("dropped").contains(" because the recorder was busy (at "), "{ran:?}");
    let numbers: Vec<u64> = line("frames").split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(numbers[0] >= 55 && numbers[2] > 0 && numbers[0] == numbers[1] + numbers[2], "{ran:?}");
    assert!(frames(&bench.path("pattern.webm")).is_none_or(|found| found == numbers[1]));
}

#[test]
fn in_real_time_a_second_takes_a_second() {
    let bench = Bench::new();
    let report = bench.json(with(&["--realtime", "--audio", "tone", "--duration", "1500ms", "--json"]));
    assert!(report["wall_s"].as_f64() >= Some(1.4), "{report}");
    let sum = report["frames_encoded"].as_u64().unwrap_or(0) + report["frames_dropped"].as_u64().unwrap_or(0);
    let frames = report["frames_in"].as_u64().unwrap_or(0) + report["frames_repeated"].as_u64().unwrap_or(0);
    assert_eq!(sum, frames, "{report}");
    assert!((report["duration_s"].as_f64().unwrap_or(0.0) - 1.5).abs() < 0.05, "{report}");
}

// Standard output.

#[test]
fn a_pipe_gets_a_stream_that_plays_and_the_summary_goes_to_standard_error() {
    let bench = Bench::new();
    for args in [&["-o", "-"][..], &["-o", "-", "--timeslice", "1s"]] {
        let args = with(&[&["--duration", "3s", "--audio", "tone", "--json"], args].concat());
        let output = bench.command(args).stdin(Stdio::null()).output().expect("the program runs");
        let report: Value = serde_json::from_slice(&output.stderr).expect("JSON on standard error");
        assert_eq!((&report["output"], &report["frames_encoded"]), (&"-".into(), &90.into()));
        assert_eq!(report["bytes"], output.stdout.len());
        let file = bench.write("piped.webm", &output.stdout);
        assert!(frames(&file).is_none_or(|found| found == 90));
        assert!(packets(&file, "a").is_none_or(|audio| (audio.last().expect("sound").1 - 3.0).abs() < 0.03));
    }
    let ran = bench.run(with(&["--duration", "1s", "-o", "-"]));
    assert!(ran.stderr.starts_with("wrote    standard output\nframes   30 in"), "{}", ran.stderr);
    assert_eq!(bench.names(), ["piped.webm"]);
}

#[test]
fn a_file_as_standard_output_gets_its_length_and_index_and_what_is_appended_plays() {
    let bench = Bench::new();
    let file = bench.path("a.webm");
    run_into(&bench, File::create(&file).expect("a file"), &with(&["--duration", "2s", "-o", "-"])).succeeded();
    let Some(probed) = ffprobe(&file) else { return };
    assert!(probed.contains("nb_read_frames=60\n") && probed.contains("duration=2.0"), "{probed}");
    // With `>>` each write goes to the end, wherever one has sought to; also in a file that is empty so far.
    let appended = bench.path("b.webm");
    let end = || OpenOptions::new().create(true).append(true).open(&appended).expect("a file");
    run_into(&bench, end(), &with(&["--duration", "2s", "-o", "-"])).succeeded();
    let first = fs::read(&appended).expect("the file");
    let Some(probed) = ffprobe(&appended) else { return };
    assert!(probed.contains("nb_read_frames=60\n"), "{probed}");
    run_into(&bench, end(), &with(&["--duration", "1s", "-o", "-"])).succeeded();
    let both = fs::read(&appended).expect("the file");
    assert!(both.len() > first.len() && both.starts_with(&first), "what was there stays");
    let second = bench.write("second.webm", &both[first.len()..]);
    assert!(frames(&second).is_none_or(|found| found == 30));
}

#[test]
fn a_reader_that_goes_away_ends_the_recording_with_an_error() {
    let bench = Bench::new();
    for slices in [&[][..], &["--timeslice", "1s"]] {
        let mut child = started(&mut bench.command(with(&[&["--duration", "10h", "-o", "-"], slices].concat())));
        let mut pipe = child.stdout.take().expect("a pipe");
        pipe.read_exact(&mut [0; 1000]).expect("a thousand bytes");
        drop(pipe);
        let output = child.wait_with_output().expect("the program ends");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let ran = Ran { code: output.status.code(), stdout: String::new(), stderr };
        ran.failed(1, &["error: standard output: expected a reader but found that it has gone away"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_refused() {
    let bench = Bench::new();
    let program = env!("CARGO_BIN_EXE_framereel");
    let mut script = Command::new("script");
    script.args(["-qec", &format!("'{program}' record pattern -o - 2>said"), "/dev/null"]).current_dir(bench.folder());
    if !tools::has("script") {
        return;
    }
    let ran = run(&mut script, &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let said = fs::read_to_string(bench.path("said")).expect("what was said");
    assert!(said.contains("standard output: expected a pipe or a file but found a terminal"), "{said}");
}

#[test]
fn a_slice_comes_out_whole_and_not_before() {
    let bench = Bench::new();
    let args = with(&["--realtime", "--duration", "3s", "--key-interval", "1s", "--timeslice", "1s", "-o", "-"]);
    let began = Instant::now();
    let mut child = started(&mut bench.command(args));
    let mut pipe = child.stdout.take().expect("a pipe");
    let mut arrivals: Vec<Instant> = Vec::new();
    let (mut all, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
    loop {
        let count = pipe.read(&mut buffer).expect("a readable pipe");
        if count == 0 {
            break;
        }
        all.extend_from_slice(&buffer[..count]);
        arrivals.push(Instant::now());
    }
    assert!(child.wait().expect("the program ends").success());
    // Slices lie a second apart; all that comes in between belongs to the one slice. Nothing came before a second was
    // over.
    assert!(arrivals[0] - began > Duration::from_millis(900), "{:?}", arrivals[0] - began);
    let bursts = 1 + arrivals.windows(2).filter(|pair| pair[1] - pair[0] > Duration::from_millis(400)).count();
    assert!((2..=3).contains(&bursts), "{bursts} bursts");
    let file = bench.write("all.webm", all);
    assert!(frames(&file).is_none_or(|found| found > 80));
}

// Folders.

#[test]
fn a_folder_gets_the_file_by_its_own_name() {
    let bench = Bench::new();
    bench.run(with(&["--duration", "1s", "-o", "new/"])).succeeded();
    fs::create_dir(bench.path("old")).expect("a folder");
    let report = bench.json(with(&["--duration", "1s", "-o", "old", "--json"]));
    assert_eq!(report["output"], "old/pattern.webm");
    assert_eq!(names_in(&bench.path("new")), ["pattern.webm"]);
    assert_eq!(names_in(&bench.path("old")), ["pattern.webm"]);
}

#[test]
fn chunks_joined_are_the_recording() {
    let bench = Bench::new();
    let report =
        bench.json(with(&["--audio", "tone", "--duration", "4s", "--timeslice", "1s", "-o", "live/", "--json"]));
    let names = names_in(&bench.path("live"));
    let expected: Vec<_> = (1..=4).map(|number| format!("pattern-{number:05}.webm")).collect();
    assert_eq!(names, expected);
    let outputs: Vec<_> = expected.iter().map(|name| format!("live/{name}")).collect();
    assert_eq!(report["outputs"], Value::from(outputs));
    let all = bench.write("all.webm", joined(&bench.path("live")));
    assert_eq!(report["bytes"], fs::metadata(&all).expect("the file").len());
    assert!(frames(&all).is_none_or(|found| found == 120));
    assert!(packets(&all, "a").is_none_or(|audio| (audio.last().expect("sound").1 - 4.0).abs() < 0.03));
}

#[test]
fn chunks_of_an_earlier_recording_are_refused_and_with_force_replaced() {
    let bench = Bench::new();
    fs::create_dir(bench.path("live")).expect("a folder");
    for name in ["pattern-00003.webm", "pattern-00009.webm", "other-00001.webm", "pattern-009.webm"] {
        bench.write(&format!("live/{name}"), "old");
    }
    let args = with(&["--duration", "2s", "--timeslice", "1s", "-o", "live"]);
    fails(&bench, &args, 1, &["live/pattern-00003.webm", "--force"]);
    // One that fails before its first chunk leaves them, too.
    fails(&bench, &[&args[..], &["--force", "--audio", "none.wav"]].concat(), 1, &["none.wav"]);
    assert_eq!(names_in(&bench.path("live")).len(), 4);
    bench.run([&args[..], &["--force"]].concat()).succeeded();
    let expected = ["other-00001.webm", "pattern-00001.webm", "pattern-00002.webm", "pattern-009.webm"];
    assert_eq!(names_in(&bench.path("live")), expected);
}

#[test]
fn chunks_reach_the_disk_while_the_recording_goes_on() {
    let bench = Bench::new();
    let args = with(&["--realtime", "--duration", "1h", "--timeslice", "500ms", "-o", "live/", "--json"]);
    let mut child = started(&mut bench.command(args));
    let second = bench.path("live/pattern-00002.webm");
    wait_until(|| second.exists());
    assert!(child.try_wait().expect("a child to wait for").is_none(), "it still records");
    let first = frames(&bench.path("live/pattern-00001.webm"));
    assert!(first.is_none_or(|found| found >= 14), "the first chunk plays alone: {first:?}");
    interrupt(&child);
    let report = ended(child).json();
    let all = bench.write("all.webm", joined(&bench.path("live")));
    assert!(frames(&all).is_none_or(|found| report["frames_encoded"] == found), "{report}");
}

#[cfg(target_os = "linux")]
#[test]
fn chunks_that_cannot_be_saved_end_the_recording_and_only_the_saved_ones_count() {
    let bench = Bench::new();
    let args = with(&["--realtime", "--duration", "1h", "--timeslice", "500ms", "-o", "live/", "--json"]);
    let child = started(&mut bench.command(args));
    wait_until(|| bench.path("live/pattern-00001.webm").exists());
    // A directory in the place of a chunk that is to come.
    fs::create_dir(bench.path("live/pattern-00004.webm")).expect("a folder");
    let ran = ended(child);
    ran.failed(1, &["live/pattern-00004.webm", "found a directory"]);
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(report["outputs"].as_array().map(Vec::len), Some(3), "{report}");
    fs::remove_dir(bench.path("live/pattern-00004.webm")).expect("the folder");
    let all = bench.write("all.webm", joined(&bench.path("live")));
    assert!(frames(&all).is_none_or(|found| report["frames_encoded"] == found), "{report}");
    let lost = report["dropped"]["failure"].as_u64();
    assert!(lost > Some(0), "{report}");
}

// Ctrl-C.

#[test]
fn ctrl_c_ends_a_stream_and_pieces_properly() {
    let bench = Bench::new();
    let file = bench.path("a.webm");
    let mut command = bench.command(with(&["--realtime", "--audio", "tone", "--duration", "1h", "-o", "-", "--json"]));
    let mut child = started(&mut command);
    let mut pipe = child.stdout.take().expect("a pipe");
    let mut all = Vec::new();
    // A cluster begins with its first block.
    const CLUSTER: [u8; 4] = [0x1f, 0x43, 0xb6, 0x75];
    while !all.windows(4).any(|bytes| bytes == CLUSTER) {
        let mut part = vec![0; 1 << 16];
        let count = pipe.read(&mut part).expect("a readable pipe");
        assert!(count > 0, "it ended after {} bytes", all.len());
        all.extend_from_slice(&part[..count]);
    }
    let reader = thread::spawn(move || {
        pipe.read_to_end(&mut all).expect("a readable pipe");
        all
    });
    interrupt(&child);
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stderr).expect("JSON");
    assert_eq!(report["stopped"], true);
    fs::write(&file, reader.join().expect("a reader")).expect("a written file");
    assert!(frames(&file).is_none_or(|found| found > 0 && report["frames_encoded"] == found), "{report}");

    let mut command = bench.command(with(&["--duration", "10h", "--split", "1s", "-o", "b.webm", "--json"]));
    let child = started(&mut command);
    wait_until(|| bench.path("b-002.webm").exists());
    interrupt(&child);
    let report = ended(child).json();
    let outputs = report["outputs"].as_array().expect("files");
    let all: Option<u64> = outputs.iter().filter_map(Value::as_str).map(|name| frames(&bench.path(name))).sum();
    assert!(outputs.len() > 1 && all.is_none_or(|all| report["frames_encoded"] == all), "{report}");
}
