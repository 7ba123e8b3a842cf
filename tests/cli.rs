//! The program as its users run it: the real binary, its exit codes, its messages and its files.
//!
//! The files are examined with ffprobe and mkvinfo. `make test` installs both; see support/tools.rs.

mod support {
    pub mod program;
    pub mod tools;
}

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use serde_json::{Value, json};
use support::program::{Bench, ended, ffprobe, run, y4m};
use support::tools;

/// Half a second of grey that gets lighter.
fn film() -> Vec<u8> {
    y4m(64, 48, 20, 10, |frame, x, y| (16 + frame * 10 + x + y) as u8)
}

/// Fails with `code` and `words`, and leaves nothing but `before` behind.
#[track_caller]
fn fails(bench: &Bench, args: &[&str], code: i32, words: &[&str]) {
    let before = bench.names();
    let ran = bench.run(args);
    ran.failed(code, words);
    assert_eq!(ran.stdout, "", "{args:?}");
    assert_eq!(bench.names(), before, "{args:?}");
}

// What works.

#[test]
fn two_seconds_of_pattern_at_30_are_60_frames() {
    let bench = Bench::new();
    let report = bench.json(["record", "pattern", "--duration", "2s", "--fps", "30", "--size", "320x180", "--json"]);
    assert_eq!(report["output"], "pattern.webm");
    let numbers = ["frames_in", "frames_encoded", "frames_dropped"].map(|name| report[name].as_u64());
    assert_eq!(numbers, [Some(60), Some(60), Some(0)], "{report}");
    assert_eq!(report["duration_s"], 2.0);
    assert_eq!(report["bytes"].as_u64(), fs::metadata(bench.path("pattern.webm")).ok().map(|file| file.len()));
    assert!(report["wall_s"].as_f64() > Some(0.0), "{report}");
    assert!(report["adapter"].as_str().is_some_and(|name| !name.is_empty()), "{report}");
    assert!(["aom", "rav1e"].map(Value::from).contains(&report["encoder"]), "{report}");
    assert!(report["codec"].as_str().is_some_and(|codec| codec.starts_with("av01.0.")), "{report}");
    assert_eq!((&report["width"], &report["height"]), (&json!(320), &json!(180)));
    assert_eq!(report["stopped"], false);

    let Some(probed) = ffprobe(&bench.path("pattern.webm")) else { return };
    for line in
        ["codec_name=av1", "nb_read_frames=60", "width=320", "height=180", "color_space=bt709", "color_range=tv"]
    {
        assert!(probed.lines().any(|found| found == line), "{line} in {probed}");
    }
    assert!(probed.contains("duration=2.0"), "{probed}");
}

#[test]
fn vp8_and_vp9_are_recorded_and_read_again_without_ffmpeg() {
    let bench = Bench::new();
    bench.write("film.y4m", film());
    for (codec, full) in [("vp8", "vp8"), ("vp9", "vp09.00.10.08")] {
        let name = format!("{codec}.webm");
        let ran = bench.run(["record", "film.y4m", "--codec", codec, "--quality", "90", "-o", &name]).succeeded();
        assert!(ran.stdout.contains(&format!("encoder  vpx ({full})")), "{ran:?}");
        let still = ["still", &name, "--at", "0.2s", "--force"];
        run(bench.command(still).env("PATH", ""), &[]).succeeded();
        // Frame 4: luma 56 at the left top, grey in BT.709 as in BT.601.
        let still = image::open(bench.path(&format!("{codec}.png"))).expect("a picture").to_rgb8();
        let [red, green, blue] = still.get_pixel(0, 0).0;
        assert!([red, green, blue].iter().all(|value| value.abs_diff(47) <= 3), "{codec}: {red} {green} {blue}");
        let Some(probed) = ffprobe(&bench.path(&name)) else { continue };
        for line in [&*format!("codec_name={codec}"), "nb_read_frames=10", "color_space=bt709", "color_range=tv"] {
            assert!(probed.lines().any(|found| found == line), "{line} in {probed}");
        }
    }
}

#[test]
fn the_summary_names_the_file_the_frames_the_encoder_and_the_adapter() {
    let bench = Bench::new();
    bench.write("film.y4m", film());
    let ran = bench.run(["record", "film.y4m", "--encoder", "rav1e"]).succeeded();
    for words in
        ["wrote    film.webm\n", "frames   10 in, 10 encoded, 0 dropped\n", "encoder  rav1e (av01.", "adapter  "]
    {
        assert!(ran.stdout.contains(words), "{words} in {ran:?}");
    }
    assert_eq!(ran.stderr, "", "no bar and no chatter where standard error is not a terminal");
}

#[test]
fn a_film_piped_from_ffmpeg_is_recorded() {
    if !tools::has("ffmpeg") {
        return;
    }
    let piped = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=size=128x96:rate=25:duration=1"])
        .args(["-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-"])
        .stderr(Stdio::inherit())
        .output()
        .expect("ffmpeg");
    let bench = Bench::new();
    let report = run(&mut bench.command(["record", "-", "--json"]), &piped.stdout).json();
    assert_eq!(report["output"], "stdin.webm");
    assert_eq!(report["frames_encoded"], 25);
    assert!(ffprobe(&bench.path("stdin.webm")).is_none_or(|probed| probed.contains("nb_read_frames=25")));
}

#[test]
fn the_clip_the_repository_carries_is_recorded_whole() {
    let bench = Bench::new();
    let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm");
    let report = bench.json(["record", clip, "--filter", "sepia(60%) blur(2px)", "--json"]);
    assert_eq!(report["frames_encoded"], 132);
    assert!((report["duration_s"].as_f64().unwrap_or(0.0) - 5.28).abs() < 0.02, "{report}");
}

#[test]
fn a_recording_has_the_size_that_was_asked_for() {
    let bench = Bench::new();
    bench.write("film.y4m", film());
    bench.run(["record", "film.y4m", "--size", "96x32"]).succeeded();
    let Some(probed) = ffprobe(&bench.path("film.webm")) else { return };
    assert!(probed.contains("width=96\n") && probed.contains("height=32\n"), "{probed}");
}

#[test]
fn a_lower_rate_drops_frames_and_says_why() {
    let bench = Bench::new();
    bench.write("film.y4m", film());
    let report = bench.json(["record", "film.y4m", "--fps", "10", "--json"]);
    assert_eq!((&report["frames_in"], &report["frames_encoded"]), (&json!(10), &json!(5)), "{report}");
    assert_eq!(report["dropped"]["rate"], 5, "{report}");
}

#[test]
fn signals_finish_a_file_that_plays_and_seeks() {
    // Two at once are one wish: `timeout` signals a program and then its group.
    for signals in [&["INT"][..], &["TERM"], &["HUP", "TERM"]] {
        let bench = Bench::new();
        let child = bench
            .command(["record", "pattern", "--duration", "1h", "--size", "320x180", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let file = bench.path("pattern.webm");
        wait_until(|| fs::metadata(&file).is_ok_and(|file| file.len() > 0));
        signals.iter().for_each(|signal| send(signal, child.id()));
        let report = ended(child).json();
        assert_eq!(report["stopped"], true, "{report}");
        assert!(report["frames_encoded"].as_u64() > Some(0), "{report}");

        let Some(probed) = ffprobe(&file) else { continue };
        assert!(probed.contains(&format!("nb_read_frames={}\n", report["frames_encoded"])), "{probed}\n{report}");
        if !tools::has("mkvinfo") {
            continue;
        }
        let info = Command::new("mkvinfo").arg("--continue").arg(&file).output().expect("mkvinfo");
        assert!(String::from_utf8_lossy(&info.stdout).lines().any(|line| line.starts_with("|+ Cues")), "{info:?}");
    }
}

// Only Linux tells, in /proc, whether a process listens to a signal.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_before_the_first_frame_leaves_no_file() {
    let bench = Bench::new();
    for (command, file) in [("record", "stdin.webm"), ("still", "stdin.png")] {
        let mut child = bench
            .command([command, "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let pipe = child.stdin.take();
        wait_until(|| bench.path(file).exists() && listens(child.id()));
        send("INT", child.id());
        let ran = ended(child);
        drop(pipe);
        assert_eq!(ran.code, Some(130), "{command}: {ran:?}");
        assert_eq!(bench.names(), [""; 0]);
    }
}

#[test]
fn a_second_name_of_the_source_is_the_source() {
    let bench = Bench::new();
    let film = bench.write("film.y4m", film());
    fs::hard_link(&film, bench.path("film.webm")).expect("a link");
    let before = fs::read(&film).expect("the film");
    bench
        .run(["record", "film.y4m", "-o", "film.webm", "--force"])
        .failed(2, &["expected an output other than the source"]);
    assert!(fs::read(&film).expect("the film") == before);
}

#[test]
fn stills_come_as_png_jpeg_webp_and_data_url() {
    let bench = Bench::new();
    let still = ["still", "pattern", "--size", "64x36", "--filter", "invert(1)"];
    for name in ["a.png", "a.jpg", "a.webp"] {
        bench.run(still.iter().chain(&["-o", name])).succeeded();
        let picture = image::open(bench.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((picture.width(), picture.height()), (64, 36), "{name}");
    }
    bench.run(still).succeeded();
    let ran = bench.run(still.iter().chain(&["--data-url"])).succeeded();
    assert!(ran.stdout.starts_with("data:image/png;base64,iVBORw0KGgo"), "{ran:?}");
    assert_eq!(bench.names(), ["a.jpg", "a.png", "a.webp", "pattern.png"]);
}

#[test]
fn a_still_is_the_frame_at_the_time_asked_for() {
    let bench = Bench::new();
    // White from frame 5, that is 0.25 s, on.
    bench.write("film.y4m", y4m(64, 48, 20, 10, |frame, _, _| if frame < 5 { 16 } else { 235 }));
    for (at, level) in [("0.2s", 0), ("0.25s", 255)] {
        bench.run(["still", "film.y4m", "--at", at, "--force"]).succeeded();
        assert_eq!(image::open(bench.path("film.png")).expect("a picture").to_rgb8().get_pixel(32, 24).0, [level; 3]);
    }
    fs::remove_file(bench.path("film.png")).expect("a removed picture");
    let ran = bench.run(["still", "film.y4m", "--at", "20s"]);
    assert!(matches!(ran.code, Some(1 | 2)), "{ran:?}");
    assert!(ran.stderr.contains("20"), "{ran:?}");
    assert_eq!(bench.names(), ["film.y4m"]);
}

#[test]
fn doctor_finds_what_recording_needs() {
    let ran = Bench::new().run(["doctor"]).succeeded();
    for words in ["ok", "adapter", "driver", "limits", "encoder  rav1e", "encoder  vpx", "decoder", "ffmpeg"] {
        assert!(ran.stdout.contains(words), "{words} in {ran:?}");
    }
}

#[test]
fn filters_and_codecs_are_listed() {
    let bench = Bench::new();
    let filters = bench.run(["filters"]).succeeded().stdout;
    for name in "brightness contrast grayscale hue-rotate invert opacity saturate sepia blur vignette".split(' ') {
        assert!(filters.lines().any(|line| line.split(' ').next() == Some(name)), "{name} in {filters}");
    }
    let codecs = bench.run(["codecs"]).succeeded().stdout;
    assert!(["av1", "vp8", "vp9"].iter().all(|codec| codecs.contains(codec)), "{codecs}");
}

// Bad input.

#[test]
fn a_y4m_that_breaks_off_keeps_its_whole_frames() {
    let bench = Bench::new();
    let film = film();
    bench.write("film.y4m", &film[..film.len() - 100]);
    let ran = bench.run(["record", "film.y4m"]);
    ran.failed(1, &["film.y4m"]);
    assert!(ran.stdout.contains("9 encoded"), "what was kept is told: {ran:?}");
    let Some(probed) = ffprobe(&bench.path("film.webm")) else { return };
    assert!(probed.contains("nb_read_frames=9\n"), "{probed}");
}

#[test]
fn a_y4m_that_breaks_off_in_its_first_frame_leaves_no_file() {
    let bench = Bench::new();
    bench.write("film.y4m", &film()[..1000]);
    fails(&bench, &["record", "film.y4m"], 1, &["film.y4m"]);
    fails(&bench, &["still", "film.y4m"], 1, &["film.y4m"]);
}

#[test]
fn a_garbage_y4m_is_refused() {
    let bench = Bench::new();
    let header = |text: &str| [text.as_bytes(), &[0x5a; 4000]].concat();
    for head in
        ["YUV4MPEG2 W99999999 H99999999 F25:1\nFRAME\n", "YUV4MPEG2 Wx H2\n", "YUV4MPEG2 W64 H48 F25:1 C420p10\n"]
    {
        bench.write("film.y4m", header(head));
        fails(&bench, &["record", "film.y4m"], 1, &["film.y4m"]);
    }
    bench.write("film.y4m", [film(), vec![0x5a; 4000]].concat());
    bench.run(["record", "film.y4m"]).failed(1, &["film.y4m"]);
}

#[test]
fn garbage_on_standard_input_is_refused() {
    let bench = Bench::new();
    for input in [&b""[..], b"hello", &[0x5a; 100_000]] {
        run(&mut bench.command(["record", "-"]), input).failed(1, &["standard input"]);
        assert_eq!(bench.names(), [""; 0]);
    }
}

#[test]
fn a_webm_that_breaks_off_keeps_what_is_whole() {
    let bench = Bench::new();
    let clip = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm")).expect("the clip");
    bench.write("film.webm", &clip[..clip.len() / 2]);
    let ran = bench.run(["record", "film.webm", "-o", "a.webm"]);
    ran.failed(1, &["film.webm"]);
    assert!(ffprobe(&bench.path("a.webm")).is_none_or(|probed| probed.contains("codec_name=av1")));
}

#[test]
fn a_garbage_webm_is_refused() {
    let bench = Bench::new();
    let clip = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm")).expect("the clip");
    bench.write("short.webm", &clip[..60]);
    bench.write("noise.webm", [&clip[..40], &[0x5a; 4000]].concat());
    bench.write("text.webm", "this is not a film\n".repeat(100));
    for name in ["short.webm", "noise.webm", "text.webm"] {
        fails(&bench, &["record", name, "-o", "a.webm"], 1, &[name]);
    }
}

#[test]
fn a_broken_png_is_refused() {
    let bench = Bench::new();
    let path = bench.path("picture.png");
    RgbImage::from_fn(64, 48, |x, y| Rgb([x as u8 * 3, y as u8 * 5, 99])).save(&path).expect("a saved picture");
    let png = fs::read(&path).expect("the picture");
    for bytes in [&png[..png.len() / 2], &png[..20], &[&png[..30], &[0x5a; 500][..]].concat()] {
        bench.write("picture.png", bytes);
        fails(&bench, &["record", "picture.png"], 1, &["picture.png"]);
        fails(&bench, &["still", "picture.png", "-o", "a.png"], 1, &["picture.png"]);
    }
}

#[test]
fn what_is_not_a_readable_file_is_refused() {
    let bench = Bench::new();
    fs::create_dir(bench.path("folder")).expect("a folder");
    bench.write("file", "");
    fails(&bench, &["record", "nothing.mp4"], 1, &["nothing.mp4", "found nothing of that name"]);
    fails(&bench, &["record", "folder"], 1, &["folder", "found a directory"]);
    fails(&bench, &["record", "file"], 1, &["file", "empty"]);
    fails(&bench, &["record", "file/film.mp4"], 1, &["file/film.mp4"]);
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;
    let bench = Bench::new();
    let file = bench.write("secret.y4m", film());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("permissions");
    let mut command = bench.command(["record", "secret.y4m"]);
    if fs::File::open(&file).is_ok() {
        // Root may read everything, so the program runs as nobody, from a place that nobody can reach.
        let program = bench.path("framereel");
        fs::copy(env!("CARGO_BIN_EXE_framereel"), &program).expect("a copy of the program");
        fs::set_permissions(bench.folder(), fs::Permissions::from_mode(0o777)).expect("permissions");
        command = Command::new(program);
        command.args(["record", "secret.y4m"]).current_dir(bench.folder()).uid(NOBODY).gid(NOBODY);
    }
    run(&mut command, &[]).failed(1, &["secret.y4m", "found no permission to read it"]);
    assert!(!bench.path("secret.webm").exists());
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_work_starts() {
    let bench = Bench::new();
    fs::create_dir(bench.path("folder.webm")).expect("a folder");
    // The source does not exist: had work started, the error would say so.
    fails(&bench, &["record", "nothing.mp4", "-o", "none/a.webm"], 1, &["none/a.webm", "create it first"]);
    fails(&bench, &["record", "nothing.mp4", "-o", "folder.webm"], 1, &["folder.webm", "found a directory"]);
    fails(&bench, &["still", "nothing.mp4", "-o", "none/a.png"], 1, &["none/a.png", "create it first"]);
}

#[test]
fn an_existing_output_is_untouched_without_force() {
    let bench = Bench::new();
    bench.write("film.y4m", film());
    bench.write("film.webm", "precious");
    bench.write("film.png", "precious");
    fails(&bench, &["record", "film.y4m"], 1, &["film.webm", "--force"]);
    fails(&bench, &["still", "film.y4m"], 1, &["film.png", "--force"]);
    // A recording that fails before its first frame leaves it, too.
    bench.write("broken.y4m", &film()[..1000]);
    fails(&bench, &["record", "broken.y4m", "-o", "film.webm", "--force"], 1, &["broken.y4m"]);
    for name in ["film.webm", "film.png"] {
        assert_eq!(fs::read(bench.path(name)).expect("the file"), b"precious", "{name}");
    }
    bench.run(["record", "film.y4m", "--force"]).succeeded();
    assert!(ffprobe(&bench.path("film.webm")).is_none_or(|probed| probed.contains("nb_read_frames=10\n")));
}

#[test]
fn the_source_is_never_overwritten() {
    let bench = Bench::new();
    let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm");
    let film = bench.path("film.webm");
    fs::copy(clip, &film).expect("a copy of the clip");
    fails(&bench, &["record", "film.webm", "-o", "film.webm", "--force"], 2, &["film.webm", "other than the source"]);
    bench.run(["record", "film.webm", "--duration", "1s"]).succeeded();
    assert_eq!(bench.names(), ["film-filtered.webm", "film.webm"]);
    assert_eq!(fs::read(film).expect("the film"), fs::read(clip).expect("the clip"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_no_file_stays() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let bench = Bench::new();
    symlink("/dev/full", bench.path("full.webm")).expect("a link");
    symlink("/dev/full", bench.path("full.png")).expect("a link");
    fails(&bench, &["record", "pattern", "--size", "64x48", "-o", "full.webm"], 1, &["full.webm", "No space left"]);
    fails(&bench, &["still", "pattern", "--size", "64x48", "-o", "full.png"], 1, &["full.png", "No space left"]);
    fails(&bench, &["record", "pattern", "--size", "64x48", "-o", "/dev/full"], 1, &["/dev/full", "No space left"]);
    let device = fs::metadata("/dev/full").expect("the device is still there").file_type();
    assert!(device.is_char_device());
}

#[test]
fn an_unknown_filter_is_pointed_at_and_the_nearest_name_suggested() {
    let bench = Bench::new();
    for command in ["record", "still"] {
        let args = [command, "pattern", "--filter", "blur(2px) sepai(60%)"];
        fails(&bench, &args, 2, &["`sepai`", "`sepia`", "  blur(2px) sepai(60%)\n            ^^^^^"]);
    }
}

#[test]
fn a_wrong_argument_of_a_filter_is_pointed_at() {
    let bench = Bench::new();
    let args = ["record", "pattern", "--filter", "sepia(60%) blur(2zz)"];
    fails(&bench, &args, 2, &["`2zz`", "4px", "  sepia(60%) blur(2zz)\n                  ^^^"]);
    fails(&bench, &["record", "pattern", "--filter", "sepia(60%"], 2, &["^"]);
}

#[test]
fn sizes_that_cannot_be_recorded_are_refused() {
    let bench = Bench::new();
    let expected = "expected even width and height of at least 16 but found";
    for (size, found, near) in [
        ("641x361", "641x361", "640x360"),
        ("0x0", "0x0", "16x16"),
        ("640x0", "640x0", "640x16"),
        ("641x360", "641x360", "640x360"),
    ] {
        let words = format!("{expected} {found}; try {near}");
        fails(&bench, &["record", "pattern", "--size", size], 2, &[&words]);
    }
    fails(&bench, &["record", "pattern", "--size", "big"], 2, &["expected a size such as 1280x720 but found `big`"]);
    let above = ["--size", "999998x16"];
    fails(&bench, &["record", "pattern", above[0], above[1]], 2, &["expected a size of at most", "found 999998x16"]);
    fails(&bench, &["still", "pattern", above[0], above[1]], 2, &["expected a size of at most", "found 999998x16"]);
}

#[test]
fn rates_that_cannot_be_recorded_are_refused() {
    let bench = Bench::new();
    let expected = "expected a frame rate above 0 and at most 1000 but found";
    fails(&bench, &["record", "pattern", "--fps", "0"], 2, &[&format!("{expected} 0")]);
    fails(&bench, &["record", "pattern", "--fps", "1000000"], 2, &[&format!("{expected} 1000000")]);
    fails(&bench, &["record", "pattern", "--fps", "fast"], 2, &["expected a frame rate such as 30", "`fast`"]);
}

#[test]
fn other_wrong_arguments_are_refused() {
    let bench = Bench::new();
    for (args, words) in [
        (&["-o", "a.avi"][..], &["ends in .webm", "`a.avi`"][..]),
        (&["--codec", "vp7"], &["expected av1, vp8, vp9, h264 or hevc but found `vp7`"]),
        (
            &["--encoder", "x264"],
            &["expected auto, hardware, rav1e, aom, vpx or one of ffmpeg's, as ffmpeg:libx264, but found `x264`"],
        ),
        (&["--bitrate", "5"], &["from 10k to 1000M", "`5`"]),
        (&["--bitrate", "2M", "--quality", "50"], &["--bitrate", "--quality"]),
        (&["--quality", "101"], &["101"]),
        (&["--speed", "11"], &["11"]),
        (&["--duration", "0s"], &["expected a time above 0 but found `0s`"]),
        (&["--start", "soon"], &["expected a time such as 5s", "`soon`"]),
    ] {
        fails(&bench, &[&["record", "pattern"], args].concat(), 2, words);
    }
    fails(&bench, &["still", "pattern", "-o", "a.tiff"], 2, &[".png", "a.tiff"]);
}

#[test]
fn without_an_adapter_the_message_names_the_package() {
    let bench = Bench::new();
    let blind = |args: &[&str]| {
        let mut command = bench.command(args);
        run(command.env("VK_DRIVER_FILES", "/nothing/here.json").env("VK_ICD_FILENAMES", "/nothing/here.json"), &[])
    };
    blind(&["record", "pattern"]).failed(1, &["mesa-vulkan-drivers"]);
    blind(&["still", "pattern"]).failed(1, &["mesa-vulkan-drivers"]);
    let doctor = blind(&["doctor"]);
    doctor.failed(1, &["nothing can be recorded"]);
    assert!(doctor.stdout.contains("missing") && doctor.stdout.contains("mesa-vulkan-drivers"), "{doctor:?}");

    let report: Value = serde_json::from_str(&blind(&["record", "pattern", "--json"]).stdout).expect("JSON");
    assert_eq!((&report["output"], &report["frames_encoded"]), (&Value::Null, &json!(0)));
    assert!(report["error"].as_str().is_some_and(|error| error.contains("mesa-vulkan-drivers")), "{report}");
    assert_eq!(bench.names(), [""; 0]);
}

/// Waits, at most half a minute.
#[track_caller]
fn wait_until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(30), "waited in vain");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether the process has a handler for SIGINT: `SigCgt` of proc(5).
#[cfg(target_os = "linux")]
fn listens(process: u32) -> bool {
    const INT: u64 = 1 << (2 - 1);
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("its signals");
    u64::from_str_radix(caught.trim(), 16).expect("a number") & INT != 0
}

fn send(signal: &str, process: u32) {
    let sent = Command::new("kill").args(["-s", signal, &process.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -s {signal} {process}");
}
