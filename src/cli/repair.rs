//! `framereel repair`: makes a recording seekable, as a new file.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use framereel::blob::Blob;
use framereel::mux::{self, Repaired, TrackType};
use framereel::source::SourceSpec;
use framereel::{Error, ErrorKind, Result};
use serde::Serialize;

use super::args::RepairArgs;
use super::values::{is_device, is_matroska_name, is_mp4_name};
use super::{create, end_at_once, on_signal, output, print};

pub fn run(args: &RepairArgs) -> Result<()> {
    let output = output_of(args)?;
    let repaired = repair(args, &output);
    if args.json {
        print(json(repaired.as_ref(), &output))?;
    } else if let Ok(repaired) = &repaired {
        // A device or a pipe may be standard output: the summary must not be written into the video.
        let text = summary(repaired, &output);
        if is_device(&output) { eprintln!("{text}") } else { print(text)? }
    }
    repaired.map(drop)
}

/// The path of the result, which is never the input file.
fn output_of(args: &RepairArgs) -> Result<PathBuf> {
    let named = args.output.clone().unwrap_or_else(|| {
        let mut name = args.file.file_stem().unwrap_or("framereel".as_ref()).to_owned();
        name.push("-repaired.");
        let extension = args.file.extension().filter(|_| is_matroska_name(&args.file) || is_mp4_name(&args.file));
        name.push(extension.unwrap_or("webm".as_ref()));
        name.into()
    });
    output(Some(&named), &SourceSpec::File(args.file.clone()), "webm")
}

fn repair(args: &RepairArgs, output: &Path) -> Result<Repaired> {
    static STOPPED: AtomicBool = AtomicBool::new(false);
    check_format(&args.file, output)?;
    let mut sink = create(output, args.force)?;
    on_signal(|| {
        if STOPPED.swap(true, Ordering::Relaxed) {
            end_at_once(None);
        }
    })?;
    let input = Stoppable { input: Blob::from_file(&args.file, "")?.reader(), stopped: &STOPPED };
    mux::repair(input, &mut sink).map_err(|error| {
        sink.discard();
        if STOPPED.load(Ordering::Relaxed) {
            end_at_once(None);
        }
        let place = if *error.kind() == ErrorKind::Write { output } else { &args.file };
        error.at(place.display())
    })
}

/// Refuses an output whose name is of another format than the input, which a repair does not change.
fn check_format(file: &Path, output: &Path) -> Result<()> {
    let mp4 =
        mux::repair::is_mp4(&mut Blob::from_file(file, "")?.reader()).map_err(|error| error.at(file.display()))?;
    if is_device(output) || mp4 == is_mp4_name(output) {
        return Ok(());
    }
    let (expected, found) = if mp4 { (".mp4", "an MP4 file") } else { (".webm or .mkv", "a file of another format") };
    let what = format!("expected an output that ends in {expected} for {found} but found `{}`", output.display());
    Err(Error::new(ErrorKind::NotSupported, what)
        .with_remedy(format!("add `-o` and a name that ends in {expected}"))
        .at(file.display()))
}

/// An input whose reads fail once a stop was requested.
struct Stoppable<R> {
    input: R,
    stopped: &'static AtomicBool,
}

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(io::Error::other("stopped"));
        }
        self.input.read(buffer)
    }
}

impl<R: Seek> Seek for Stoppable<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.input.seek(to)
    }
}

/// The report as one JSON object, with `output` (null when no file was kept) and, after a failure, `error`.
fn json(repaired: Result<&Repaired, &Error>, output: &Path) -> String {
    #[derive(Serialize)]
    struct RepairSummary<'a> {
        output: Option<String>,
        #[serde(flatten)]
        repaired: Option<&'a Repaired>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    }
    let summary = RepairSummary {
        output: repaired.is_ok().then(|| output.display().to_string()),
        repaired: repaired.ok(),
        error: repaired.err().map(Error::to_string),
    };
    serde_json::to_string(&summary).expect("a struct of numbers and strings is always JSON")
}

/// The report in a few aligned lines.
fn summary(repaired: &Repaired, output: &Path) -> String {
    let mut lines = vec![("wrote", output.display().to_string())];
    let mut head = "kept";
    for track in &repaired.tracks {
        let what = if track.kind == TrackType::Video { "frames" } else { "packets" };
        lines.push((head, format!("{} {what} of track {} ({})", track.blocks, track.number, track.codec)));
        head = "";
    }
    if repaired.cut_bytes > 0 {
        lines.push(("cut", format!("{} bytes at the end, which are no whole frame", repaired.cut_bytes)));
    }
    if let [first, ..] = repaired.gaps[..] {
        let bytes: u64 = repaired.gaps.iter().map(|gap| gap.bytes).sum();
        let places = if repaired.gaps.len() == 1 { "place" } else { "places" };
        let count = repaired.gaps.len();
        lines.push(("left out", format!("{bytes} bytes in {count} damaged {places}, from byte {} on", first.at)));
    }
    lines.push(("duration", format!("{:.3} s", repaired.duration_s)));
    lines.push((if is_mp4_name(output) { "index" } else { "cues" }, repaired.cues.to_string()));
    let mut head = "was";
    if repaired.nothing_to_repair() {
        lines.push((head, "sound already: there was nothing to repair".to_owned()));
    }
    for fault in &repaired.faults {
        lines.push((head, fault.clone()));
        head = "";
    }
    lines.iter().map(|(name, value)| format!("{name:<8} {value}")).collect::<Vec<_>>().join("\n")
}
