//! Every command of README.md and of the book in docs/ runs here as it is written there, in a folder with the files it
//! names. What records until Ctrl-C gets a virtual camera, microphone or screen, and SIGINT once its file has data.
#![cfg(target_os = "linux")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/commands.rs"]
mod commands;
#[path = "support/devices.rs"]
mod devices;
#[path = "support/program.rs"]
mod program;
#[path = "support/tools.rs"]
mod tools;

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, thread};

use commands::{CommandLine, blocks, commands};
use devices::{Camera, CameraSpec, MicSpec, Session, XServer};
use program::{Bench, Ran, ended, run};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Commands that do not run here, by how they begin, with the reason. One that no document has is a failure.
const NOT_RUN: [(&str, &str); 6] = [
    ("make demo", "builds in the profile `demo`; tests/examples.rs makes its picture"),
    ("make test", "runs this test"),
    ("cargo install --path .", "installs the program"),
    ("framereel codecs --trial", "takes half a minute of the whole machine; tests/ffmpeg_encoders.rs tries encoders"),
    ("scripts/setup.sh build", "installs packages"),
    ("sudo apt-get install", "installs packages"),
];

/// Documents that are read from the top to the end, so that all their commands run in one folder. Those of other
/// documents stand for themselves: each runs in a folder with the files that it names, from commands above it or from
/// [`Shelf`].
const READ_FROM_THE_TOP: [&str; 1] = ["docs/tutorial.md"];

/// At least so many commands run.
const RUN_AT_LEAST: usize = 90;

/// How long a command may take until its file has data.
const LIMIT: Duration = Duration::from_secs(60);

/// So many bytes are more than a file's header.
const DATA: u64 = 3000;

/// The documents with their texts.
fn documents() -> BTreeMap<String, String> {
    let entries = fs::read_dir(Path::new(ROOT).join("docs")).expect("docs/");
    let names = entries.map(|entry| format!("docs/{}", entry.expect("an entry").file_name().to_string_lossy()));
    let names = names.filter(|name| name.ends_with(".md")).chain(["README.md".to_owned()]);
    names.map(|name| (name.clone(), fs::read_to_string(Path::new(ROOT).join(name)).expect("a text"))).collect()
}

/// The files that documents name and do not make, each made once.
struct Shelf(Bench);

impl Shelf {
    /// 3 s of the repository's film with sound, and what is made of it; the film itself is shortened too.
    fn new(documents: &BTreeMap<String, String>) -> Self {
        let bench = Bench::new();
        let clip = format!("{ROOT}/examples/clips/bunny.webm");
        let ffmpeg = |args: &str| {
            let mut command = Command::new("ffmpeg");
            command.args(["-v", "error", "-nostdin", "-i", &clip]).args(args.split(' ')).current_dir(bench.folder());
            run(&mut command, &[]).succeeded();
        };
        let film = "-vf scale=320:180 -r 8 -c:v mpeg4 -q:v 4 -c:a aac -t 3";
        for (name, hertz) in [("film.mp4", 440), ("left.mp4", 330), ("right.mp4", 550)] {
            ffmpeg(&format!("-f lavfi -i sine=frequency={hertz} {film} {name}"));
        }
        for name in ["music.mp3", "song.mp3", "voice.wav"] {
            ffmpeg(&format!("-f lavfi -i sine=frequency=660 -map 1:a -t 2 {name}"));
        }
        // Film as phones record it, and interlaced film.
        let hlg = "-color_primaries bt2020 -color_trc arib-std-b67 -colorspace bt2020nc -x265-params log-level=none";
        ffmpeg(&format!("-t 2 -vf scale=160:90 -r 8 -pix_fmt yuv420p10le -c:v libx265 {hlg} phone.mov"));
        ffmpeg("-t 1 -vf scale=160:90,interlace -c:v mpeg2video -flags +ilme+ildct tape.ts");
        ffmpeg("-frames:v 1 photo.jpg");
        fs::create_dir_all(bench.path("examples/clips")).expect("a folder");
        ffmpeg("-c copy -t 2.4 examples/clips/bunny.webm");
        bench.run(["record", "film.mp4"]).succeeded();
        let whole = fs::read(bench.path("film.webm")).expect("a recording");
        bench.write("crashed.webm", &whole[..whole.len() * 2 / 3]);
        bench.write("film.cube", "LUT_3D_SIZE 2\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 .9\n");
        for text in documents.values() {
            write_shown_files(text, bench.folder());
        }
        Self(bench)
    }
}

/// Writes the files that a document shows: blocks whose first line is a comment with a file's name.
fn write_shown_files(text: &str, folder: &Path) {
    for block in blocks(text) {
        let name = block.lines.first().and_then(|line| line.strip_prefix("// "));
        if let Some(name) = name.filter(|name| name.contains('.') && !name.contains([' ', '/'])) {
            fs::write(folder.join(name), block.lines.join("\n") + "\n").expect("a written file");
        }
    }
}

/// The devices for commands that record until Ctrl-C.
struct Rig<'a> {
    session: &'a Session,
    screen: XServer,
    /// One command at a time has them.
    turn: Mutex<()>,
}

impl<'a> Rig<'a> {
    fn new(session: &'a Session) -> Self {
        let screen = XServer::start(1024, 768);
        // Something to see, hence some bytes a frame.
        for index in 0..48 {
            let (x, y) = (index % 8 * 128, index / 8 * 128);
            let shade = |factor: u32| (index * factor % 256) as u8;
            screen.fill((x + 8, y + 8), (100, 110), [shade(37), shade(91), shade(151)]);
        }
        Self { session, screen, turn: Mutex::default() }
    }
}

/// Runs the commands of one document.
struct Reader<'a> {
    shelf: &'a Shelf,
    rig: &'a Rig<'a>,
    /// What its commands made so far; the one folder of documents that are read from the top.
    made: Bench,
    in_one_folder: bool,
}

impl Reader<'_> {
    /// Runs a command; otherwise says what is wrong.
    fn read(&self, line: &CommandLine) -> Result<(), String> {
        let own = Bench::new();
        let folder = if self.in_one_folder { self.made.folder() } else { own.folder() };
        for name in line.inputs() {
            self.provide(&name, folder);
        }
        let before = versions(folder);
        let ran = if is_live(line) { self.run_with_devices(line, folder)? } else { run_alone(line, folder) };
        if ran.code != Some(line.code) {
            return Err(format!("expected the exit code {} but found {ran:?}", line.code));
        }
        let made: Vec<PathBuf> =
            versions(folder).into_iter().filter(|file| !before.contains(file)).map(|(file, _)| file).collect();
        // A window saves nothing by itself.
        if line.code == 0 && !line.has("preview") {
            check_outputs(line, folder, &made)?;
        }
        if !self.in_one_folder {
            for file in made {
                let target = self.made.folder().join(file.strip_prefix(folder).expect("a file in the folder"));
                fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
                fs::rename(&file, target).expect("a moved file");
            }
        }
        Ok(())
    }

    /// Copies the file or the folder of this name into the folder, if there is one: what a command made, a file that
    /// stands ready, or one of the repository.
    fn provide(&self, name: &str, folder: &Path) {
        let root = name.split_once("/*").map_or(name, |(folder, _)| folder).trim_end_matches('/');
        let is_relative = !root.is_empty() && !root.starts_with(['/', '.', '-']) && !root.contains('*');
        if !is_relative || folder.join(root).exists() {
            return;
        }
        let repository = Path::new(ROOT).join(root);
        let places = [self.made.path(root), self.shelf.0.path(root)];
        let from = places.into_iter().chain(repository.is_file().then_some(repository)).find(|path| path.exists());
        let Some(from) = from else { return };
        for file in if from.is_dir() { files(&from) } else { vec![from.clone()] } {
            let target = match file.strip_prefix(&from) {
                Ok(rest) if rest != Path::new("") => folder.join(root).join(rest),
                _ => folder.join(root),
            };
            fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
            fs::copy(&file, target).expect("a copy");
        }
    }

    /// Runs a command with a camera, a microphone and a screen; one without an end is interrupted as by Ctrl-C.
    fn run_with_devices(&self, line: &CommandLine, folder: &Path) -> Result<Ran, String> {
        let _turn = self.rig.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let spec = CameraSpec { name: "C920".to_owned(), ..CameraSpec::default() };
        let camera = line.text.contains("camera").then(|| self.rig.session.camera(&spec));
        let ran = self.run_until_data(line, folder);
        // The next one has the same name; it is not there before this one is gone.
        camera.into_iter().for_each(Camera::kill);
        ran
    }

    fn run_until_data(&self, line: &CommandLine, folder: &Path) -> Result<Ran, String> {
        let before = files(folder);
        let mut command = self.rig.session.command("bash");
        command.env("DISPLAY", self.rig.screen.display());
        let mut child = start(command, line, folder);
        if is_endless(line) {
            let group = Pid::from_child(&child);
            let has_data = |file: &PathBuf| !before.contains(file) && size(file) > DATA;
            let window = line.has("preview");
            let is_ready = || if window { self.has_window() } else { files(folder).iter().any(has_data) };
            let began = Instant::now();
            while !is_ready() && child.try_wait().is_ok_and(|status| status.is_none()) {
                if began.elapsed() > LIMIT {
                    kill_process_group(group, Signal::KILL).ok();
                    return Err(format!("no data after {LIMIT:?}: {:?}", ended(child)));
                }
                thread::sleep(Duration::from_millis(10));
            }
            // Where it has ended already, its exit code says the rest.
            kill_process_group(group, Signal::INT).ok();
        }
        Ok(ended(child))
    }
}

impl Reader<'_> {
    /// Whether the screen has the program's window.
    fn has_window(&self) -> bool {
        let mut search = Command::new("xdotool");
        search.args(["search", "--onlyvisible", "--name", "framereel"]).env("DISPLAY", self.rig.screen.display());
        search.output().is_ok_and(|found| !found.stdout.is_empty())
    }
}

/// Runs a command that needs no devices.
fn run_alone(line: &CommandLine, folder: &Path) -> Ran {
    let mut command = Command::new("bash");
    command.env_remove("XDG_RUNTIME_DIR").env_remove("DISPLAY").env("HOME", folder);
    ended(start(command, line, folder))
}

/// Starts a line in a shell of its own process group, which a terminal's Ctrl-C would reach. In a pipe, the first
/// program that fails gives the exit code.
fn start(mut command: Command, line: &CommandLine, folder: &Path) -> Child {
    let program = Path::new(env!("CARGO_BIN_EXE_framereel")).parent().expect("a folder");
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([program.to_owned()].into_iter().chain(env::split_paths(&path))).expect("a path");
    command.args(["-o", "pipefail", "-c", &line.text]).current_dir(folder).env("PATH", path);
    // A player without a screen.
    command.env("SDL_VIDEODRIVER", "dummy").env("SDL_AUDIODRIVER", "dummy");
    program::start(command.process_group(0))
}

/// Whether a command needs a camera, a microphone or a screen.
fn is_live(line: &CommandLine) -> bool {
    let is_device = |word: &str| {
        let name = word.split([':', '@']).next();
        name.is_some_and(|name| ["camera", "screen", "mic", "system"].contains(&name))
    };
    let words = line.words();
    words.first().is_some_and(|word| word == "framereel")
        && (line.has("devices")
            || line.has("preview")
            || line.has("record") && words.iter().any(|word| is_device(word)))
}

/// Whether a live command records until Ctrl-C, or shows a window until then.
fn is_endless(line: &CommandLine) -> bool {
    if line.has("preview") {
        return true;
    }
    let words = line.words();
    let source = words.iter().skip_while(|word| *word != "record").nth(1).cloned().unwrap_or_default();
    let source = CommandLine { text: format!("framereel record '{source}'"), ..line.clone() };
    is_live(&source) && !["--duration", "--frames", "--max-size"].iter().any(|limit| line.has(limit))
}

/// Checks that what the command was to write is there, and that ffprobe reads it.
fn check_outputs(line: &CommandLine, folder: &Path, made: &[PathBuf]) -> Result<(), String> {
    let outputs = line.outputs();
    for output in outputs.iter().filter(|output| *output != "-") {
        let mut path = folder.join(output);
        if line.has("--split") && path.extension().is_some() {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            path.set_file_name(format!("{stem}-001.{}", path.extension().unwrap_or_default().to_string_lossy()));
        }
        if let Some((before, rest)) = output.split_once('%') {
            // The first of a file for each frame.
            let (digits, after) = rest.split_once('d').unwrap_or((rest, ""));
            let digits = digits.parse().unwrap_or(1);
            path = folder.join(format!("{before}{:0digits$}{after}", 1));
        }
        let is_there = if path.is_dir() { !files(&path).is_empty() } else { size(&path) > 0 };
        if !is_there {
            return Err(format!("expected {} but found {made:?}", path.display()));
        }
    }
    let writes =
        ["record", "still", "repair"].iter().any(|command| line.text.starts_with(&format!("framereel {command} ")));
    if writes && made.is_empty() && !outputs.contains(&"-".to_owned()) && !line.has("--data-url") {
        return Err("expected a new file but found none".to_owned());
    }
    // A slice alone is no file.
    let media = made.iter().filter(|_| !line.has("--timeslice"));
    media.filter(|file| is_media(file)).try_for_each(|file| check_media(file))
}

fn is_media(file: &Path) -> bool {
    let extension = file.extension().unwrap_or_default().to_string_lossy().into_owned();
    // ffprobe decodes no WebP that moves; tests/pictures.rs has other judges of that.
    let moves = || fs::read(file).is_ok_and(|bytes| bytes.windows(4).take(64).any(|chunk| chunk == b"ANIM"));
    match extension.as_str() {
        "webp" => !moves(),
        other => ["webm", "mkv", "mp4", "ogg", "opus", "wav", "gif", "apng", "png", "jpg"].contains(&other),
    }
}

/// ffprobe decodes all of it, without a complaint.
fn check_media(file: &Path) -> Result<(), String> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]);
    let ran = run(command.arg(file), &[]);
    let frames = ran.stdout.lines().filter_map(|line| line.trim_end_matches(',').parse::<u64>().ok());
    let is_read = ran.code == Some(0) && ran.stderr.is_empty() && frames.sum::<u64>() > 0;
    if is_read { Ok(()) } else { Err(format!("ffprobe on {}: {ran:?}", file.display())) }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// All files below a folder, each with the time of its last change.
fn versions(folder: &Path) -> Vec<(PathBuf, SystemTime)> {
    let changed = |file: &PathBuf| file.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    files(folder).into_iter().map(|file| (file.clone(), changed(&file))).collect()
}

fn size(file: &Path) -> u64 {
    file.metadata().map_or(0, |found| found.len())
}

#[test]
fn every_command_of_the_documents_runs() {
    if !["ffmpeg", "ffprobe", "ffplay", "jq", "xdotool"].into_iter().all(tools::has) {
        return;
    }
    let documents = documents();
    let shelf = Shelf::new(&documents);
    let session = Session::start();
    let rig = Rig::new(&session);
    // Nodes of PipeWire: each has a name of its own.
    let _mic = session.microphone(&MicSpec { name: "C920-mic".to_owned(), ..MicSpec::default() });
    let used = NOT_RUN.map(|_| AtomicBool::new(false));
    let count = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for (name, text) in &documents {
            let (shelf, rig, used, count, failures) = (&shelf, &rig, &used, &count, &failures);
            scope.spawn(move || {
                let in_one_folder = READ_FROM_THE_TOP.contains(&name.as_str());
                let reader = Reader { shelf, rig, made: Bench::new(), in_one_folder };
                write_shown_files(text, reader.made.folder());
                for line in commands(name, text) {
                    if let Some(index) = NOT_RUN.iter().position(|(start, _)| line.text.starts_with(start)) {
                        used[index].store(true, Ordering::Relaxed);
                        continue;
                    }
                    let began = Instant::now();
                    let result = reader.read(&line);
                    println!("{:5.1} s  {}  {}", began.elapsed().as_secs_f64(), line.place, line.text);
                    count.fetch_add(1, Ordering::Relaxed);
                    if let Err(what) = result {
                        let failure = format!("{}: {}\n  {what}", line.place, line.text);
                        failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failures.is_empty(), "{} commands failed:\n{}", failures.len(), failures.join("\n"));
    for ((start, reason), used) in NOT_RUN.iter().zip(used) {
        assert!(used.into_inner(), "no document has `{start}`, which is not run because: {reason}");
    }
    let count = count.into_inner();
    println!("{count} commands ran");
    assert!(count >= RUN_AT_LEAST, "{count} commands ran");
}

#[test]
fn the_cookbooks_page_plays_chunks_as_they_come() {
    let bench = Bench::new();
    let args = "record pattern --size 320x180 --duration 2s --timeslice 500ms -o - --json";
    let recorded = bench.command(args.split(' ')).output().expect("the program");
    let summary: Value = serde_json::from_slice(&recorded.stderr).expect("JSON");
    let file = bench.write("live.webm", recorded.stdout);
    let cookbook = &documents()["docs/cookbook.md"];
    let page = blocks(cookbook).into_iter().find(|block| block.language == "js").expect("the page's script");
    let script = format!(
        "const fetch = async (url) => {{
          const {{ body }} = await window.fetch(url);
          return {{ body, headers: new Map([['Content-Type', 'video/webm;codecs=\"{}\"']]) }};
        }};
        {}
        const video = document.createElement('video');
        video.muted = true;
        document.body.append(video);
        await play(video, '/live.webm');
        await video.play();
        return {{ duration: video.duration, width: video.videoWidth }};",
        summary["codec"].as_str().expect("the codec's name"),
        page.lines.join("\n")
    );
    let Some(seen) = browser::judge(&[("live.webm", &file)], &script) else { return };
    assert!((seen["duration"].as_f64().expect("a number") - 2.0).abs() < 0.05 && seen["width"] == 320, "{seen}");
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    for (name, text) in documents() {
        let folder = Path::new(&name).parent().expect("a folder");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            if path.contains(':') || path.contains(' ') {
                continue;
            }
            let path = if path.is_empty() { PathBuf::from(&name) } else { folder.join(path) };
            let there = Path::new(ROOT).join(&path);
            assert!(there.exists(), "{name} links to {link}");
            if !heading.is_empty() {
                let text = fs::read_to_string(&there).expect("a text");
                assert!(text.lines().any(|line| anchor(line) == Some(heading.to_owned())), "{name} links to {link}");
            }
        }
    }
}

/// The anchor of a heading, as repositories' web pages make it.
fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect())
}
