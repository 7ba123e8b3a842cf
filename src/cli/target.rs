//! Where a recording goes: a file, standard output, pieces beside each other, or a folder of chunks.
//!
//! Wrong paths, and existing files without `--force`, are refused before any work. Files that the recording never wrote
//! to are removed.

use std::collections::{HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use framereel::mux::Container;
use framereel::recorder::{Destination, FileSink, OpenFile, Pieces, Report};
use framereel::source::audio::AudioSpec;
use framereel::time::Span;
use framereel::{Blob, Error, ErrorKind, Result};
use parking_lot::Mutex;

use super::args::RecordArgs;
use super::values::{AudioChoice, Split, container_of, is_device, is_folder};
use super::{FORCE_REMEDY, create, not_the_source, output, output_in, same_file, source_files, write};

/// Digits in the number of a piece, and of a chunk.
const PIECE_DIGITS: usize = 3;
const CHUNK_DIGITS: usize = 5;

/// Where a recording goes.
pub struct Target {
    kind: TargetKind,
    force: bool,
    /// The input files, which are never written to.
    sources: Vec<PathBuf>,
    /// A folder that does not exist yet; later the folder that was created.
    missing: Option<PathBuf>,
    made: Option<PathBuf>,
    container: Container,
    /// The pieces or chunks that were opened; empty ones were removed again.
    opened: Opened,
}

/// Pieces or chunks that were opened. The recorder's thread opens them.
type Opened = Arc<Mutex<Vec<PathBuf>>>;

enum TargetKind {
    File(PathBuf, Option<Span>),
    Stdout(Option<Span>),
    Pieces(Numbered, Split),
    Chunks(Numbered, Span),
    /// A file for each frame, and one of their times.
    Sequence(Numbered, PathBuf),
}

impl Target {
    /// The targets of these arguments, one for each output; no two of them are the same file. Errors in the command
    /// line are found before any file is touched.
    pub fn all(args: &RecordArgs) -> Result<Vec<Self>> {
        if args.output.is_empty() {
            return Ok(vec![Self::of(args, None)?]);
        }
        for (index, path) in args.output.iter().enumerate() {
            if args.output[..index].iter().any(|other| other == path || same_file(other, path)) {
                let expected = "expected an output of its own for each -o but found one twice";
                return Err(Error::new(ErrorKind::Syntax, format!("{expected}, {}", path.display())));
            }
        }
        let targets = args.output.iter().map(|path| Self::of(args, Some(path))).collect::<Result<Vec<_>>>()?;
        let mut times = HashSet::new();
        for target in &targets {
            if let TargetKind::Sequence(_, path) = &target.kind
                && !times.insert(path)
            {
                let expected =
                    "expected a folder or a name of its own for each sequence of pictures but found two that share";
                return Err(Error::new(ErrorKind::Syntax, format!("{expected} {}", path.display())));
            }
        }
        Ok(targets)
    }

    /// The target of these arguments for the output `given`.
    fn of(args: &RecordArgs, given: Option<&Path>) -> Result<Self> {
        let folder = given.filter(|path| is_folder(path));
        let source = &args.input.source;
        let path = match folder {
            Some(folder) => output_in(folder, source, "webm"),
            None => output(given, source, "webm")?,
        };
        let to_stdout = given == Some(Path::new("-"));
        let sequence = given.map(Numbered::of_pattern).transpose()?.flatten();
        let kind = match (args.split, args.timeslice) {
            (None, None) if let Some(files) = sequence => {
                let times = files.beside_them("times.json");
                TargetKind::Sequence(files, times)
            }
            (split, _) if sequence.is_some() => {
                let option = if split.is_some() { "--split" } else { "--timeslice" };
                return Err(usage(&format!("-o FILE beside {option}"), given, "each frame is a file of its own"));
            }
            (Some(_), _) if to_stdout || is_device(&path) => {
                return Err(usage("-o NAME.webm beside --split", given, "pieces are files beside each other"));
            }
            (Some(split), _) => TargetKind::Pieces(Numbered::beside(&path, PIECE_DIGITS), split),
            (None, timeslice) if to_stdout => TargetKind::Stdout(timeslice),
            (None, Some(timeslice)) if folder.is_some() => {
                TargetKind::Chunks(Numbered::beside(&path, CHUNK_DIGITS), timeslice)
            }
            (None, Some(_)) if !is_device(&path) => {
                let why = "one file needs no timeslice: it plays while it is written";
                return Err(usage("-o FOLDER/ or -o - beside --timeslice", given, why));
            }
            (None, timeslice) => TargetKind::File(path, timeslice),
        };
        let numbered = match &kind {
            TargetKind::Sequence(files, _) => Some(files.folder.as_path()).filter(|folder| *folder != Path::new("")),
            _ => None,
        };
        let missing = folder.or(numbered).filter(|folder| !folder.exists()).map(Path::to_owned);
        let container = given.and_then(container_of).unwrap_or_default();
        if matches!(kind, TargetKind::Sequence(..)) && !matches!(container, Container::Still(_) | Container::WebP) {
            let why = "each frame is a file of its own, a picture";
            return Err(usage("the extension .png, .jpg or .webp", given, why));
        }
        let audio = match &args.audio {
            Some(AudioChoice::Other(AudioSpec::File(path))) => Some(path.clone()),
            _ => None,
        };
        let overlays = args.overlay.iter().map(|overlay| &overlay.source);
        let sources = overlays.chain([source]).flat_map(source_files).chain(audio).collect();
        Ok(Self { kind, force: args.force, sources, missing, made: None, container, opened: Opened::default() })
    }

    /// The container of its files.
    pub fn container(&self) -> Container {
        self.container
    }

    /// Whether this is an input file, or the file that is written.
    pub fn involves(&self, path: &Path) -> bool {
        let written = match &self.kind {
            TargetKind::File(path, _) => Some(path),
            _ => None,
        };
        self.sources.iter().chain(written).any(|other| other == path || same_file(other, path))
    }

    /// Opens the target; an error when it exists already or cannot be written to.
    pub fn open(&mut self) -> Result<Destination> {
        if let Some(folder) = self.missing.take() {
            match fs::create_dir(&folder) {
                // Another output of this recording has made it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                made => made.map_err(|error| not_created(&folder, error))?,
            }
            self.made = Some(folder);
        }
        match &self.kind {
            TargetKind::Stdout(timeslice) => Ok(paced(FileSink::stdout()?, *timeslice)),
            TargetKind::File(path, timeslice) => {
                self.sources.iter().try_for_each(|source| not_the_source(path, source))?;
                Ok(paced(create(path, self.force)?, *timeslice))
            }
            TargetKind::Sequence(files, times) => {
                files.refuse_old(self.force, &self.sources)?;
                // Opened now, so that a name that cannot be written to is found before any work.
                drop(create(times, self.force)?);
                Ok(Destination::Pictures(self.opener(files, 1)))
            }
            TargetKind::Chunks(chunks, timeslice) => {
                chunks.refuse_old(self.force, &self.sources)?;
                // A reader would mix up chunks of an earlier recording with those of this one.
                Ok(Destination::Chunks { timeslice: *timeslice, open: self.opener(chunks, 1) })
            }
            TargetKind::Pieces(pieces, split) => {
                pieces.refuse_old(self.force, &self.sources)?;
                // The first piece is opened before any work, when nothing says yet that there will be a recording.
                let mut open = self.opener(pieces, 2);
                let (length, bytes) = match *split {
                    Split::Time(length) => (Some(length), None),
                    Split::Bytes(bytes) => (None, Some(bytes)),
                };
                let mut ready = VecDeque::from([open(1)?]);
                let open = Box::new(move |number| ready.pop_front().map_or_else(|| open(number), Ok));
                let mut pieces = Pieces::new(open);
                (pieces.length, pieces.bytes) = (length, bytes);
                Ok(Destination::Files(pieces))
            }
        }
    }

    /// Opens the numbered files. With number `clear_at` and `--force`, the files of an earlier recording go.
    fn opener(&self, files: &Numbered, clear_at: u32) -> OpenFile {
        let (files, force) = (files.clone(), self.force);
        let (sources, opened) = (self.sources.clone(), self.opened.clone());
        Box::new(move |number| {
            let path = files.path(number);
            if path.exists() {
                sources.iter().try_for_each(|source| not_the_source(&path, source))?;
            }
            let mut opened = opened.lock();
            if force && number == clear_at {
                files.remove_all_but(&opened)?;
            }
            let sink = create(&path, force)?;
            opened.push(path);
            Ok(sink)
        })
    }

    /// The files that hold the recording.
    pub fn kept(&self, report: &Report) -> Vec<PathBuf> {
        match &self.kind {
            TargetKind::File(..) | TargetKind::Stdout(_) if report.is_empty() => Vec::new(),
            TargetKind::File(path, _) => vec![path.clone()],
            TargetKind::Stdout(_) => vec!["-".into()],
            TargetKind::Pieces(..) | TargetKind::Chunks(..) | TargetKind::Sequence(..) => {
                let opened = self.opened.lock();
                opened.iter().filter(|path| path.exists()).take(report.files as usize).cloned().collect()
            }
        }
    }

    /// The paths of the recording's stills: `NAME-still-001.png` and so on beside the recording or, if it is piped, in
    /// the current folder. Existing files are kept.
    pub fn stills(&self) -> impl FnMut() -> PathBuf + Send + 'static {
        let (folder, name) = match &self.kind {
            TargetKind::File(path, _) if !is_device(path) => {
                let files = Numbered::beside(path, PIECE_DIGITS);
                (files.folder, files.before)
            }
            TargetKind::Pieces(files, _) | TargetKind::Chunks(files, _) | TargetKind::Sequence(files, _) => {
                (files.folder.clone(), files.before.clone())
            }
            TargetKind::File(..) | TargetKind::Stdout(_) => (PathBuf::new(), "framereel-".into()),
        };
        let mut before = name;
        before.push("still-");
        let files = Numbered { folder, before, after: ".png".into(), digits: PIECE_DIGITS };
        let mut paths = (1..).map(move |number| files.path(number)).filter(|path| !path.exists());
        move || paths.next().unwrap_or_default()
    }

    /// The opened file and the created folder, which are removed if the program exits before anything is recorded.
    pub fn traces(&self) -> Vec<PathBuf> {
        let file = match &self.kind {
            TargetKind::File(path, _) => Some(path.clone()),
            TargetKind::Pieces(pieces, _) => Some(pieces.path(1)),
            TargetKind::Sequence(_, times) => Some(times.clone()),
            TargetKind::Stdout(_) | TargetKind::Chunks(..) => None,
        };
        file.into_iter().chain(self.made.clone()).collect()
    }

    /// Removes what does not belong to the recording: with `--force`, further pieces of a longer earlier recording; and
    /// the created folder, if it is empty.
    pub fn tidy_up(&self, kept: &[PathBuf]) -> Result<()> {
        if let Some(folder) = &self.made {
            // A folder that is not empty stays.
            let _ = fs::remove_dir(folder);
        }
        match &self.kind {
            TargetKind::Pieces(files, _) | TargetKind::Chunks(files, _) | TargetKind::Sequence(files, _)
                if self.force && !kept.is_empty() =>
            {
                files.remove_all_but(kept)
            }
            _ => Ok(()),
        }
    }

    /// Whether the recording goes to standard output, or to a device or pipe that may be standard output.
    pub fn is_piped(&self) -> bool {
        match &self.kind {
            TargetKind::Stdout(_) => true,
            TargetKind::File(path, _) => is_device(path),
            TargetKind::Pieces(..) | TargetKind::Chunks(..) | TargetKind::Sequence(..) => false,
        }
    }

    /// Whether it takes a single frame: a picture whose name has no number.
    pub fn is_still(&self) -> bool {
        matches!(self.container, Container::Still(_)) && !matches!(self.kind, TargetKind::Sequence(..))
    }

    /// Writes the last data that the recorder handed out: of pictures, a text of their times.
    pub fn save_times(&self, last: Option<&Blob>) -> Result<()> {
        let (TargetKind::Sequence(_, times), Some(last)) = (&self.kind, last) else { return Ok(()) };
        write(create(times, true)?, &last.bytes()?)
    }

    pub fn is_stdout(&self) -> bool {
        matches!(self.kind, TargetKind::Stdout(_))
    }
}

fn paced(sink: FileSink, timeslice: Option<Span>) -> Destination {
    match timeslice {
        Some(timeslice) => Destination::Stream { sink, timeslice },
        None => Destination::File(sink),
    }
}

fn usage(expected: &str, given: Option<&Path>, why: &str) -> Error {
    let found = given.map_or("no -o".to_owned(), |path| format!("-o {}", path.display()));
    Error::new(ErrorKind::Syntax, format!("expected {expected} but found {found}; {why}"))
}

pub fn not_created(folder: &Path, error: io::Error) -> Error {
    let what = match error.kind() {
        io::ErrorKind::NotFound => "expected a folder to make this one in but found none; create it first",
        io::ErrorKind::PermissionDenied => "expected to make a folder here but found no permission",
        _ => "the folder could not be made",
    };
    Error::new(ErrorKind::Write, what).at(folder.display()).with_cause(error)
}

/// Files of one name and a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbered {
    folder: PathBuf,
    /// What stands before the number and behind it.
    before: OsString,
    after: OsString,
    /// The least number of digits.
    digits: usize,
}

impl Numbered {
    /// `a/b.webm` gives `a/b-001.webm` and so on.
    pub fn beside(path: &Path, digits: usize) -> Self {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut before = path.file_stem().unwrap_or_default().to_owned();
        before.push("-");
        let mut after = OsString::from(".");
        after.push(path.extension().unwrap_or_default());
        Self { folder, before, after, digits }
    }

    /// `frames/%05d.png` gives `frames/00001.png` and so on, as in C's `printf`; none where the name has no `%`.
    ///
    /// # Errors
    /// A usage error for a `%` that is no number, and for several.
    pub fn of_pattern(path: &Path) -> Result<Option<Self>> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((before, rest)) = name.split_once('%') else { return Ok(None) };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let width = if digits == 0 { Some(1) } else { rest[..digits].parse().ok().filter(|width| *width <= 9) };
        match (width, rest[digits..].strip_prefix('d')) {
            (Some(digits), Some(after)) if !after.contains('%') => Ok(Some(Self {
                folder: path.parent().unwrap_or(Path::new("")).to_owned(),
                before: before.into(),
                after: after.into(),
                digits,
            })),
            _ => {
                let expected = "expected one number as in frames/%05d.png but found";
                Err(Error::new(ErrorKind::Syntax, format!("{expected} {}", path.display())))
            }
        }
    }

    /// A file beside them: what stands before the number, and this name.
    fn beside_them(&self, name: &str) -> PathBuf {
        let mut file = self.before.clone();
        file.push(name);
        self.folder.join(file)
    }

    /// The first of these files that does not exist.
    #[cfg(feature = "preview")]
    pub fn next_free(&self) -> PathBuf {
        (1..).map(|number| self.path(number)).find(|path| !path.exists()).unwrap_or_default()
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(self.file_name(number))
    }

    fn file_name(&self, number: u32) -> OsString {
        let mut file = self.before.clone();
        file.push(format!("{number:0digits$}", digits = self.digits));
        file.push(&self.after);
        file
    }

    /// The existing files, sorted by name.
    fn old(&self) -> Vec<PathBuf> {
        let folder = if self.folder == Path::new("") { Path::new(".") } else { &self.folder };
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name()).filter(|name| self.is_ours(name));
        let mut found: Vec<_> = names.map(|name| self.folder.join(name)).collect();
        found.sort();
        found
    }

    fn is_ours(&self, name: &OsStr) -> bool {
        let numbered = name.as_encoded_bytes().strip_prefix(self.before.as_encoded_bytes());
        let digits = numbered.and_then(|rest| rest.strip_suffix(self.after.as_encoded_bytes()));
        let number = digits.and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
        number.is_some_and(|number| number > 0 && self.file_name(number) == name)
    }

    fn remove_all_but(&self, kept: &[PathBuf]) -> Result<()> {
        for old in self.old().iter().filter(|old| !kept.contains(old)) {
            // Opening a pipe of such a name would block.
            let locked = |file: fs::File| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock));
            let written = old.is_file() && fs::File::open(old).is_ok_and(locked);
            if written {
                let what = "expected files that nobody writes but found another recording writing this one";
                return Err(Error::new(ErrorKind::NotAllowed, what).at(old.display()));
            }
            fs::remove_file(old).map_err(|error| {
                Error::new(ErrorKind::Write, "could not be removed").at(old.display()).with_cause(error)
            })?;
        }
        Ok(())
    }

    /// An error where such files are there that may not be removed: sources, or any without `--force`.
    fn refuse_old(&self, force: bool, sources: &[PathBuf]) -> Result<()> {
        let mut old = self.old();
        let sources: HashSet<_> = sources.iter().filter_map(|source| source.canonicalize().ok()).collect();
        if let Some(source) = old.iter().find(|old| old.canonicalize().is_ok_and(|old| sources.contains(&old))) {
            not_the_source(source, source)?;
        }
        if force {
            old.clear();
        }
        old.first().map_or(Ok(()), |old| {
            let what = "expected no file here but found one";
            Err(Error::new(ErrorKind::NotAllowed, what).at(old.display()).with_remedy(FORCE_REMEDY))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_files_are_known_by_their_whole_name() {
        let chunks = Numbered::beside(Path::new("live/cam.webm"), CHUNK_DIGITS);
        assert_eq!(chunks.path(7), Path::new("live/cam-00007.webm"));
        assert_eq!(chunks.path(123_456), Path::new("live/cam-123456.webm"));
        for (name, ours) in [
            ("cam-00001.webm", true),
            ("cam-123456.webm", true),
            ("cam-001.webm", false),
            ("cam-00000.webm", false),
            ("cam-000001.webm", false),
            ("cam-+0001.webm", false),
            ("cam-00001.mkv", false),
            ("cam2-00001.webm", false),
            ("cam.webm", false),
        ] {
            assert_eq!(chunks.is_ours(name.as_ref()), ours, "{name}");
        }
        let pattern = |name: &str| Numbered::of_pattern(Path::new(name));
        let frames = pattern("frames/%05d.png").unwrap().unwrap();
        assert_eq!(frames.path(7), Path::new("frames/00007.png"));
        assert!(frames.is_ours("00012.png".as_ref()) && !frames.is_ours("0012.png".as_ref()));
        assert_eq!(pattern("f-%d.jpg").unwrap().unwrap().path(12), Path::new("f-12.jpg"));
        assert_eq!(pattern("frames/a.png").unwrap(), None);
        for wrong in ["%s.png", "%.png", "%05d-%d.png", "100%.png", "%99d.png"] {
            assert!(pattern(wrong).unwrap_err().to_string().contains(wrong), "{wrong}");
        }
        let pieces = Numbered::beside(Path::new("talk.ogg"), PIECE_DIGITS);
        assert_eq!(pieces.path(7), Path::new("talk-007.ogg"));
        assert!(pieces.is_ours("talk-007.ogg".as_ref()) && !pieces.is_ours("talk-007.webm".as_ref()));
    }
}
