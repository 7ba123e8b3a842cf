//! Recordings that were cut, damaged or written live are made whole again.
//!
//! ffprobe, ffmpeg and mkvinfo check which frames there are, and that they are unchanged by the repair.
//! `make test` installs them; see support/tools.rs.

mod support {
    pub mod packets;
    pub mod program;
    pub mod tools;
}

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use framereel::mux::{Detail, Inspection, Repaired, inspect, repair};
use serde_json::{Value, json};
use support::packets::{BLOCK_HEAD, Packet, cues, decodes, hashes, packets, tool};
use support::program::{Bench, run};
use support::tools;

fn repaired(bytes: &[u8]) -> framereel::Result<(Vec<u8>, Repaired)> {
    let mut output = Vec::new();
    let report = repair(Cursor::new(bytes), &mut output)?;
    Ok((output, report))
}

fn inspected(bytes: &[u8]) -> Inspection {
    inspect(Cursor::new(bytes), Detail::Numbers).expect("a file to inspect")
}

/// Whether each of these blocks stands in the output, in this order and to the byte.
fn holds(output: &[u8], film: &[u8], blocks: &[Packet]) -> bool {
    let mut rest = output;
    blocks.iter().all(|block| {
        let data = &film[block.start..block.end];
        let found = rest.windows(data.len()).position(|window| window == data);
        found.inspect(|at| rest = &rest[at + data.len()..]).is_some()
    })
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn a_recording_cut_at_any_of_200_places_keeps_every_whole_frame() {
    const SEED: u64 = 0x5eed_f00d_cafe_0200;
    println!("seed {SEED:#x}");
    println!("encoder  cut at, in % of the file  cuts  refused  frames whole  frames kept");
    for encoder in ["aom", "rav1e", "vpx"] {
        let bench = Bench::new();
        bench.run(["record", "pattern", "--duration", "4s", "--size", "320x180", "--encoder", encoder]).succeeded();
        let film = fs::read(bench.path("pattern.webm")).expect("the film");
        let Some(packets) = packets(&bench.path("pattern.webm")) else { return };
        let hashes = hashes(&bench.path("pattern.webm")).expect("ffmpeg beside ffprobe");
        assert_eq!((packets.len(), hashes.len()), (120, 120));
        let mut random = Random(SEED);
        // A tenth of them around the headers and the first frame, the others anywhere.
        let header = packets[1].start;
        let cuts: Vec<_> =
            (0..200).map(|index| random.below(if index % 10 == 0 { header } else { film.len() })).collect();
        let mut table = [[0; 4]; 10];
        for (index, &cut) in cuts.iter().enumerate() {
            let whole: Vec<_> = packets.iter().filter(|packet| packet.end <= cut).cloned().collect();
            let row = &mut table[cut * 10 / film.len()];
            row[0] += 1;
            row[2] += whole.len();
            let (output, report) = match repaired(&film[..cut]) {
                Ok(repaired) => repaired,
                Err(error) => {
                    assert_eq!(whole.len(), 0, "cut at {cut}: {error}");
                    row[1] += 1;
                    continue;
                }
            };
            row[3] += report.tracks[0].blocks as usize;
            assert_eq!(report.tracks[0].blocks, whole.len() as u64, "cut at {cut}");
            assert!(holds(&output, &film, &whole), "cut at {cut}: a frame changed");
            assert!(report.faults[0].starts_with(&format!("cut at byte {cut}: ")), "{:?}", report.faults);
            assert_eq!(inspected(&output).faults, [""; 0], "cut at {cut}");
            // The frames' times are rounded to a millisecond, and so is what can be known of the last one's length.
            let end = whole.len() as f64 / 30.0;
            let known = if whole.len() == 1 { 0.001 } else { end };
            assert!((report.duration_s - known).abs() <= 0.001, "cut at {cut}: {} s, not {known} s", report.duration_s);
            if index % 20 == 0 {
                let path = bench.write("repaired.webm", &output);
                judge_repaired(&path, &whole, &hashes, report.duration_s);
            }
        }
        for (tenth, [cuts, refused, whole, kept]) in table.iter().enumerate() {
            let range = format!("{:>3} to {:>3}", tenth * 10, tenth * 10 + 10);
            println!("{encoder:<7}  {range:<24}  {cuts:>4}  {refused:>7}  {whole:>12}  {kept:>11}");
        }
        println!(
            "{encoder:<7}  {:<24}  {:>4}  {:>7}  {:>12}  {:>11}",
            "all",
            200,
            sum(&table, 1),
            sum(&table, 2),
            sum(&table, 3)
        );
        assert_eq!(sum(&table, 2), sum(&table, 3));
    }
}

fn sum(table: &[[usize; 4]], column: usize) -> usize {
    table.iter().map(|row| row[column]).sum()
}

/// What ffprobe, ffmpeg and mkvinfo say of a repaired film that should have these frames.
fn judge_repaired(path: &Path, whole: &[Packet], film: &[String], duration: f64) {
    let found = packets(path).expect("ffprobe is here");
    let looks = |packets: &[Packet]| packets.iter().map(|packet| (packet.millis, packet.key)).collect::<Vec<_>>();
    assert_eq!(looks(&found), looks(whole));
    assert_eq!(hashes(path).expect("ffmpeg is here"), film[..whole.len()]);
    decodes(path);
    let format = tool("ffprobe", &["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"], path);
    let said: f64 = format.expect("ffprobe is here").trim().parse().expect("a duration");
    assert!((said - duration).abs() < 0.0006, "ffprobe says {said} s, not {duration} s");
    let Some(cues) = cues(path) else { return };
    let bytes = fs::read(path).expect("the file");
    let keys: Vec<_> = found.iter().filter(|packet| packet.key).collect();
    assert_eq!(cues.iter().map(|cue| cue.0).collect::<Vec<_>>(), keys.iter().map(|key| key.millis).collect::<Vec<_>>());
    for ((_, at), key) in cues.iter().zip(keys) {
        assert!(bytes[*at..].starts_with(&[0x1f, 0x43, 0xb6, 0x75]) && *at < key.start, "no cluster at {at}");
        assert!(cues[0].1 <= found[0].start, "the cues are not at the front");
    }
}

#[test]
fn the_program_repairs_cut_files_and_leaves_nothing_of_one_without_a_frame() {
    let bench = Bench::new();
    bench.run(["record", "pattern", "--duration", "4s", "--size", "320x180", "-o", "film.webm"]).succeeded();
    let film = fs::read(bench.path("film.webm")).expect("the film");
    let Some(packets) = packets(&bench.path("film.webm")) else { return };
    for cut in [packets[0].end, packets[40].end - 1, film.len() / 2, packets[119].end, film.len() - 5] {
        bench.write("cut.webm", &film[..cut]);
        bench.run(["inspect", "cut.webm"]).failed(1, &["cut.webm: ", "framereel repair"]);
        let report = bench.json(["repair", "cut.webm", "--force", "--json"]);
        let whole = packets.iter().filter(|packet| packet.end <= cut).count();
        assert_eq!((&report["output"], &report["tracks"][0]["blocks"]), (&json!("cut-repaired.webm"), &json!(whole)));
        bench.run(["inspect", "cut-repaired.webm"]).succeeded();
        assert_eq!(fs::read(bench.path("cut.webm")).expect("the input"), film[..cut], "the input changed");
    }
    fs::remove_file(bench.path("cut-repaired.webm")).expect("a removed file");
    let before = bench.names();
    for cut in [0, 3, 40, 250, packets[0].start, packets[0].end - 1] {
        bench.write("cut.webm", &film[..cut]);
        let ran = bench.run(["repair", "cut.webm"]);
        ran.failed(1, &["cut.webm: expected "]);
        assert_eq!((ran.stdout.as_str(), bench.names()), ("", before.clone()), "cut at {cut}");
    }
    let report: Value = serde_json::from_str(&bench.run(["repair", "cut.webm", "--json"]).stdout).expect("JSON");
    assert_eq!(report["output"], Value::Null);
    assert!(report["error"].as_str().is_some_and(|error| error.contains("whole frame")), "{report}");
}

#[test]
fn a_sound_file_is_copied_and_nothing_was_to_repair() {
    let bench = Bench::new();
    let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm");
    let ran = bench.run(["repair", clip, "-o", "copy.webm"]).succeeded();
    for words in ["wrote    copy.webm\n", "kept     132 frames of track 1 (V_AV1)\n", "there was nothing to repair\n"] {
        assert!(ran.stdout.contains(words), "{words} in {ran:?}");
    }
    bench.run(["inspect", "copy.webm"]).succeeded();
    assert_eq!(hashes(Path::new(clip)), hashes(&bench.path("copy.webm")));
}

#[test]
fn the_input_is_never_written_over_and_an_existing_output_only_with_force() {
    let bench = Bench::new();
    let clip = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm")).expect("the clip");
    bench.write("film.webm", &clip[..100_000]);
    bench.write("film-repaired.webm", "precious");
    bench.run(["repair", "film.webm"]).failed(1, &["film-repaired.webm", "--force"]);
    bench.run(["repair", "film.webm", "-o", "./film.webm", "--force"]).failed(2, &["other than the source"]);
    bench
        .run(["repair", "film.webm", "-o", "film.avi"])
        .failed(2, &["ends in .webm, .mkv or .mp4 but found `film.avi`"]);
    bench.write("broken.webm", &clip[..200]);
    bench.run(["repair", "broken.webm", "-o", "film-repaired.webm", "--force"]).failed(1, &["broken.webm"]);
    assert_eq!(fs::read(bench.path("film-repaired.webm")).expect("the file"), b"precious");
    assert_eq!(fs::read(bench.path("film.webm")).expect("the input"), &clip[..100_000]);
    bench.run(["repair", "film.webm", "--force"]).succeeded();
    bench.run(["inspect", "film-repaired.webm"]).succeeded();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_no_repaired_file() {
    let bench = Bench::new();
    let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm");
    std::os::unix::fs::symlink("/dev/full", bench.path("full.webm")).expect("a link");
    bench.run(["repair", clip, "-o", "full.webm"]).failed(1, &["full.webm", "No space left"]);
    let ran = run(bench.command(["repair", clip, "-o", "/dev/stdout"]).env("LC_ALL", "C"), &[]).succeeded();
    assert!(ran.stdout.starts_with("\u{1a}E") && ran.stderr.contains("kept     132 frames"), "{}", ran.stderr);
}

#[test]
fn what_is_no_recording_is_refused() {
    let bench = Bench::new();
    fs::create_dir(bench.path("folder")).expect("a folder");
    bench.write("empty.webm", "");
    bench.write("text.webm", "this is not a film\n".repeat(100));
    image::RgbImage::new(64, 48).save(bench.path("picture.png")).expect("a saved picture");
    let before = bench.names();
    for (name, words) in [
        ("nothing.webm", "nothing.webm: expected a file but found nothing of that name"),
        ("folder", "folder: expected a file but found a directory"),
        ("empty.webm", "empty.webm: expected a Matroska or WebM file but found an empty file"),
        ("text.webm", "text.webm: expected a Matroska or WebM file but found `this`"),
        ("picture.png", r"picture.png: expected a Matroska or WebM file but found `\x89PNG`"),
    ] {
        for command in ["repair", "inspect"] {
            let ran = bench.run([command, name]);
            ran.failed(1, &[words]);
            assert_eq!((ran.stdout.as_str(), bench.names()), ("", before.clone()), "{command} {name}");
        }
    }
}

#[test]
fn garbage_in_the_middle_costs_what_it_hits_and_the_rest_is_kept() {
    let bench = Bench::new();
    bench.run(["record", "pattern", "--duration", "8s", "--size", "320x180", "-o", "film.webm"]).succeeded();
    let film = fs::read(bench.path("film.webm")).expect("the film");
    let Some(packets) = packets(&bench.path("film.webm")) else { return };
    let [_, second, third, _] = packets.iter().filter(|packet| packet.key).collect::<Vec<_>>()[..] else {
        panic!("{packets:?}");
    };
    let mut random = Random(0x000b_adbe_ef00_1234);
    for _ in 0..20 {
        // From somewhere in the second cluster on, and not up to the third.
        let at = second.end + random.below(third.start - 3200 - second.end);
        let mut damaged = film.clone();
        damaged[at..at + 3000].iter_mut().for_each(|byte| *byte = random.below(256) as u8);
        let expected: Vec<_> =
            packets.iter().filter(|packet| packet.end <= at || packet.start >= third.start).cloned().collect();
        let (output, report) = repaired(&damaged).expect("a repaired film");
        let kept = report.tracks[0].blocks as usize;
        println!("garbage at {at}: {kept} of {} frames kept, {:?}", packets.len(), report.gaps);
        // One that stands whole right before the garbage cannot be told from one that it reaches into.
        assert!(kept == expected.len() || kept + 1 == expected.len(), "{kept} of {}", expected.len());
        let [gap] = report.gaps[..] else { panic!("{report:?}") };
        assert!(gap.at <= at as u64 && gap.at + gap.bytes >= at as u64 + 3000, "{gap:?}");
        assert_eq!(report.faults, [format!("garbage of {} bytes at byte {}", gap.bytes, gap.at)]);
        assert!(holds(&output, &film, &expected[expected.len() - 120..]), "a frame behind the garbage is lost");
        assert_eq!((report.duration_s, report.cues), (8.0, 4));
        assert_eq!(inspected(&output).faults, [""; 0]);
        decodes(&bench.write("repaired.webm", output));
    }
}

#[test]
fn a_film_with_any_damage_is_repaired_to_one_that_seeks_or_refused() {
    let bench = Bench::new();
    bench.run(["record", "pattern", "--duration", "5s", "--size", "64x48", "-o", "film.webm"]).succeeded();
    let film = fs::read(bench.path("film.webm")).expect("the film");
    let mut random = Random(0x0dd_ba11);
    let mut kept = 0;
    for round in 0..400 {
        let mut damaged = film.clone();
        for _ in 0..random.below(4) + 1 {
            let (at, len) = (random.below(damaged.len() - 400), random.below(400));
            match random.below(4) {
                0 => damaged[at] = random.below(256) as u8,
                1 => damaged[at..at + len].iter_mut().for_each(|byte| *byte = random.below(256) as u8),
                2 => drop(damaged.drain(at..at + len)),
                _ => drop(damaged.splice(at..at, (0..len).map(|_| random.below(256) as u8))),
            }
        }
        let Ok((output, report)) = repaired(&damaged) else { continue };
        kept += 1;
        assert_eq!(report.bytes_out, output.len() as u64, "round {round}");
        // A frame's head may be damaged, and its time with it: that stays as it is.
        let faults = inspected(&output).faults;
        let structure = |fault: &&String| !fault.contains("out of order") && !fault.contains("does not have");
        assert_eq!(faults.iter().find(structure), None, "round {round}");
        assert!(repaired(&output).expect("a repaired film again").0 == output, "round {round}: not the same again");
    }
    assert!(kept > 200, "only {kept} of 400 were repaired");
}

/// A film that ffmpeg writes live: clusters as they come, no duration, no cues.
fn live(bench: &Bench, name: &str, codec: &str) -> Option<PathBuf> {
    if !tools::has("ffmpeg") {
        return None;
    }
    for encoder in [codec, "libopus"] {
        // ffmpeg prints this of an encoder that it was built without, and succeeds.
        let asked = Command::new("ffmpeg").args(["-v", "error", "-h", &format!("encoder={encoder}")]).output();
        let said = asked.expect("ffmpeg").stderr;
        if String::from_utf8_lossy(&said).contains("is not recognized") {
            tools::missing(&format!("ffmpeg with {encoder}"), "ffmpeg");
            return None;
        }
    }
    let path = bench.path(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", "testsrc=size=128x96:rate=25:duration=3"]);
    command.args([
        "-f",
        "lavfi",
        "-i",
        "sine=duration=3",
        "-c:v",
        codec,
        "-g",
        "25",
        "-b:v",
        "200k",
        "-c:a",
        "libopus",
    ]);
    command.args(["-f", "webm", "-live", "1"]).arg(&path);
    assert!(command.status().expect("ffmpeg").success(), "{command:?}");
    Some(path)
}

#[test]
fn other_programs_films_are_repaired_without_changing_a_packet() {
    let bench = Bench::new();
    for codec in ["libvpx", "libvpx-vp9"] {
        let Some(path) = live(&bench, &format!("{codec}.webm"), codec) else { return };
        let film = fs::read(&path).expect("the film");
        assert_eq!(inspected(&film).faults, ["no duration", "no cues"]);
        let (output, report) = repaired(&film).expect("a repaired film");
        assert_eq!(report.faults, ["no duration", "no cues"]);
        let repaired = bench.write("repaired.webm", &output);
        assert_eq!(hashes(&path), hashes(&repaired), "{codec}");
        decodes(&repaired);
        // The track headers, with their UIDs, and the tags.
        let tracks = film.windows(4).rposition(|window| window == [0x16, 0x54, 0xae, 0x6b]).expect("tracks");
        let cluster = film.windows(4).position(|window| window == [0x1f, 0x43, 0xb6, 0x75]).expect("a cluster");
        assert!(output.windows(cluster - tracks).any(|window| *window == film[tracks..cluster]), "headers changed");
        let inspection = inspected(&output);
        assert_eq!((inspection.faults.len(), inspection.cues.count), (0, 3));
        // The last packet of Opus begins at 3.001 s and says that it has 20 ms.
        assert_eq!(report.duration_s, 3.021);
        let found = packets(&repaired).expect("ffprobe is here");
        if let Some(cues) = cues(&repaired) {
            let keys = found.iter().filter(|packet| packet.key && packet.stream == 0).map(|packet| packet.millis);
            assert!(keys.eq(cues.iter().map(|cue| cue.0)), "{codec}: {cues:?}");
        }
    }
}

#[test]
fn other_programs_films_cut_anywhere_keep_every_whole_packet() {
    let bench = Bench::new();
    let Some(path) = live(&bench, "film.webm", "libvpx") else { return };
    let film = fs::read(&path).expect("the film");
    let Some(packets) = packets(&path) else { return };
    let mut random = Random(0x5eed);
    // Some right at the last block, which is one of a group.
    let last = film.len() - 12;
    for cut in (0..100).map(|_| random.below(film.len())).chain(last..film.len()).collect::<Vec<_>>() {
        let whole: Vec<_> = packets.iter().filter(|packet| packet.end <= cut).cloned().collect();
        let Ok((output, report)) = repaired(&film[..cut]) else {
            assert_eq!(whole.len(), 0, "cut at {cut}");
            continue;
        };
        let kept: u64 = report.tracks.iter().map(|track| track.blocks).sum();
        assert_eq!(kept as usize, whole.len(), "cut at {cut}");
        // A block of a group that is cut changes its flags: its frame is what must be the same.
        let frames: Vec<_> =
            whole.iter().map(|packet| Packet { start: packet.start + BLOCK_HEAD, ..packet.clone() }).collect();
        assert!(holds(&output, &film, &frames), "cut at {cut}");
        assert_eq!(inspected(&output).faults, [""; 0], "cut at {cut}");
    }
}
