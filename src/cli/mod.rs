//! The program's commands. Each takes its arguments and returns an error that `main` prints; results go to standard
//! output, everything else to standard error.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use framereel::recorder::FileSink;
use framereel::source::SourceSpec;
use framereel::source::audio::AudioSpec;
use framereel::source::pictures::PicturesSource;
use framereel::{Error, ErrorKind, Result};

pub mod adaptation;
pub mod args;
pub mod bench;
pub mod codecs;
pub mod completions;
pub mod devices;
pub mod doctor;
pub mod encoder;
pub mod gif;
pub mod inspect;
pub mod keys;
pub mod list;
pub mod man;
pub mod media;
pub mod pictures;
#[cfg(feature = "preview")]
pub mod preview;
pub mod progress;
pub mod record;
pub mod reference;
pub mod repair;
pub mod sheet;
pub mod show;
pub mod still;
pub mod summary;
pub mod target;
pub mod terminal;
pub mod trace;
pub mod transparency;
pub mod values;
pub mod watch;
pub mod webp_film;

/// Prints the error; the exit code is 2 for an error in the command line, as clap's own, and otherwise 1.
pub fn fail(error: &Error) -> ExitCode {
    say(error);
    match error.kind() {
        ErrorKind::Syntax | ErrorKind::Range | ErrorKind::Type | ErrorKind::Overconstrained { .. } => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}

/// Prints an error.
fn say(error: &Error) {
    // Standard error may be closed; the error is then not printed.
    let _ = writeln!(io::stderr(), "error: {error}");
}

/// Prints a warning.
fn warn(text: &str) {
    // Standard error may be closed; the warning is then not printed.
    let _ = writeln!(io::stderr(), "warning: {text}");
}

/// Prints to standard output. A closed pipe (`framereel filters | head -1`) is not an error.
fn print(text: impl Display) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Write, "could not write to standard output").with_cause(error))
        }
        _ => Ok(()),
    }
}

/// The exit code of a program that Ctrl-C ended (128 + SIGINT).
const INTERRUPTED: i32 = 130;

/// Further signals within this time after the first count as the same one.
const SIGNAL_DEBOUNCE: Duration = Duration::from_millis(500);

/// Calls the handler at every Ctrl-C, SIGTERM and SIGHUP, on a separate thread.
fn on_signal(handler: impl FnMut() + Send + 'static) -> Result<()> {
    ctrlc::set_handler(handler)
        .map_err(|error| Error::new(ErrorKind::Unknown, "could not listen for Ctrl-C").with_cause(error))
}

/// Exits as after Ctrl-C. An output that was opened and never written is removed.
fn end_at_once<'a>(outputs: impl IntoIterator<Item = &'a Path>) -> ! {
    keys::restore();
    terminal::restore();
    for path in outputs {
        // Errors cannot be reported any more; a folder that is not empty stays.
        let _ = match path.metadata() {
            Ok(found) if found.is_file() && found.len() == 0 => std::fs::remove_file(path),
            Ok(found) if found.is_dir() => std::fs::remove_dir(path),
            _ => Ok(()),
        };
    }
    std::process::exit(INTERRUPTED)
}

/// Opens the file of a result. An existing file is overwritten only with `--force`.
fn create(path: &Path, force: bool) -> Result<FileSink> {
    if force {
        return FileSink::create(path);
    }
    FileSink::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::NotAllowed if path.is_file() || path.is_symlink() => error.with_remedy(FORCE_REMEDY),
        _ => error,
    })
}

/// Writes the whole file; an incomplete one is removed.
fn write(mut file: FileSink, bytes: &[u8]) -> Result<()> {
    match file.write_all(bytes).and_then(|()| file.flush()) {
        Ok(()) => Ok(()),
        Err(cause) => {
            let error = Error::new(ErrorKind::Write, "could not be written").at(file.path().display());
            file.discard();
            Err(error.with_cause(cause))
        }
    }
}

/// The advice when a file exists already.
const FORCE_REMEDY: &str = "pass --force to overwrite it";

/// Where the result goes: `given`, or the source's name in the current folder. A given path that is the source is an
/// error, whatever `--force` says.
fn output(given: Option<&Path>, source: &SourceSpec, extension: &str) -> Result<PathBuf> {
    if let Some(path) = given {
        source_files(source).iter().try_for_each(|source| not_the_source(path, source))?;
        return Ok(path.to_owned());
    }
    Ok(output_in(Path::new(""), source, extension))
}

/// The files that this source reads.
fn source_files(source: &SourceSpec) -> Vec<PathBuf> {
    match source {
        // One that cannot be read is an error when it is opened.
        SourceSpec::File(folder) if folder.is_dir() => PicturesSource::in_folder(folder).unwrap_or_default(),
        SourceSpec::File(path) | SourceSpec::Shader(path) => vec![path.clone()],
        SourceSpec::Pictures(paths) => paths.clone(),
        _ => Vec::new(),
    }
}

/// An error when both are the same file.
fn not_the_source(output: &Path, source: &Path) -> Result<()> {
    if !same_file(output, source) {
        return Ok(());
    }
    let expected = "expected an output other than the source";
    let remedy = "give it another name with -o";
    Err(Error::new(ErrorKind::Range, format!("{expected} but found {} for both; {remedy}", output.display())))
}

/// The source's name with `extension` in this folder; `NAME-filtered` where that is the source itself.
fn output_in(folder: &Path, source: &SourceSpec, extension: &str) -> PathBuf {
    let source = match source {
        SourceSpec::Stdin => return folder.join("stdin").with_extension(extension),
        SourceSpec::Pattern => return folder.join("pattern").with_extension(extension),
        SourceSpec::Camera(_) => return folder.join("camera").with_extension(extension),
        SourceSpec::Screen(_) => return folder.join("screen").with_extension(extension),
        SourceSpec::Sound(AudioSpec::System(_)) => return folder.join("system").with_extension(extension),
        SourceSpec::Sound(_) => return folder.join("mic").with_extension(extension),
        SourceSpec::Pictures(paths) => match paths.first() {
            Some(first) => first,
            None => return folder.join("framereel").with_extension(extension),
        },
        SourceSpec::File(source) | SourceSpec::Shader(source) => source,
        _ => return folder.join("framereel").with_extension(extension),
    };
    let name = source.file_stem().unwrap_or("framereel".as_ref());
    let named = |suffix: &str| {
        let mut file = name.to_owned();
        file.push(suffix);
        file.push(".");
        file.push(extension);
        folder.join(file)
    };
    let path = named("");
    if same_file(&path, source) { named("-filtered") } else { path }
}

/// Whether both paths lead to the same existing file; hard links count as the same file.
fn same_file(a: &Path, b: &Path) -> bool {
    same_file::is_same_file(a, b).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_output_is_named_after_the_source() {
        let name = |source: &str| output(None, &source.parse().unwrap(), "webm").unwrap();
        assert_eq!(name("pattern"), Path::new("pattern.webm"));
        assert_eq!(name("-"), Path::new("stdin.webm"));
        assert_eq!(name("/films/bunny-720p.mp4"), Path::new("bunny-720p.webm"));
        assert_eq!(name("films/a.b.y4m"), Path::new("a.b.webm"));
    }
}
