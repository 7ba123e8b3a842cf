//! The other programs: whether they are here, which version, and how they are run.

use std::path::Path;
use std::process::{Command, Stdio};

/// What a program wrote.
#[derive(Debug)]
pub struct Said {
    pub stdout: String,
    pub stderr: String,
}

pub fn is_here(program: &str) -> bool {
    // Not all of them know `--version`; that it can be started is enough.
    let mut command = Command::new(program);
    command.arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

/// Runs a command to its end.
///
/// # Errors
/// What it wrote to standard error, where it cannot be started or fails.
pub fn run(command: &mut Command) -> Result<Said, String> {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().display().to_string();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{program} does not start: {error}"))?;
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if output.status.success() {
        return Ok(Said { stdout, stderr });
    }
    Err(format!("expected {program} to succeed but found {}:\n{}", output.status, stderr.trim_end()))
}

/// The first line that a program says about its version.
pub fn version(program: impl AsRef<Path>, option: &str) -> Option<String> {
    let said = run(Command::new(program.as_ref()).arg(option)).ok()?;
    said.stdout.lines().next().map(str::to_owned)
}

/// ffmpeg reading the pictures of a file, without its sound.
pub fn ffmpeg(input: &Path) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y", "-i"]).arg(input).args(["-map", "0:v:0", "-an"]);
    command
}

/// Whether a command's standard output has this word, as lists of encoders have.
pub fn lists(command: &mut Command, word: &str) -> bool {
    let said = run(command).map_or_else(|_| String::new(), |said| said.stdout);
    said.split([' ', ',', '\n']).any(|found| found == word)
}

pub fn has_ffmpeg_encoder(name: &str) -> bool {
    lists(Command::new("ffmpeg").args(["-hide_banner", "-encoders"]), name)
}

pub fn has_element(name: &str) -> bool {
    run(Command::new("gst-inspect-1.0").args(["--exists", name])).is_ok()
}

/// How alike the frames of two films are, in dB, over all planes; compared by their order, since times are rounded.
pub fn psnr(recorded: &Path, film: &Path) -> Option<f64> {
    const FRAMES: &str = "[0:v:0]settb=1/1000,setpts=N[a];[1:v:0]settb=1/1000,setpts=N[b];[a][b]psnr";
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-i"]).arg(recorded).arg("-i").arg(film);
    let said = run(command.args(["-lavfi", FRAMES, "-f", "null", "-"])).ok()?;
    let (_, average) = said.stderr.rsplit_once(" average:")?;
    average.split_whitespace().next()?.parse().ok()
}

/// How many pictures a file has.
pub fn pictures(file: &Path) -> Result<usize, String> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_packets", "-select_streams", "v:0"]);
    command.args(["-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"]).arg(file);
    let said = run(&mut command)?.stdout;
    let text = said.trim();
    text.parse().map_err(|_| format!("expected a number of frames but found {text:?}"))
}
