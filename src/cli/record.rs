//! `framereel record`: a source through the filters into a `.webm`, with a bar while it runs and a summary at its end.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use framereel::encode::Target;
use framereel::filter::FilterChain;
use framereel::gpu::Gpu;
use framereel::recorder::{self, Controls, Failure, FileSink, RecordOptions, Report};
use framereel::source::{self, SourceInfo, SourceOptions};
use framereel::time::Span;
use framereel::{Error, Result};
use serde::Serialize;

use super::args::{RecordArgs, is_device};
use super::progress::{Bar, megabytes};
use super::watch::Watch;
use super::{end_at_once, on_signal, output, print};

/// How much is recorded of a source that has no end.
const ENDLESS: Span = Span::from_secs(5);

/// Signals so soon after the first mean the same.
const ONE_WISH: Duration = Duration::from_millis(500);

pub fn run(args: &RecordArgs) -> Result<()> {
    let output = output(args.output.as_deref(), &args.input.source, "webm")?;
    let (report, error) = match record(args, &output) {
        Ok(report) => (report, None),
        Err(failure) => (failure.report, Some(failure.error)),
    };
    let kept = (report.frames_encoded > 0).then_some(output.as_path());
    if args.json {
        print(json(&report, kept, error.as_ref()))?;
    } else if let Some(output) = kept {
        // What goes into a device or a pipe may be standard output: the summary is not to end up in the video.
        let text = summary(&report, output);
        if is_device(output) { eprintln!("{text}") } else { print(text)? }
    }
    error.map_or(Ok(()), Err)
}

fn record(args: &RecordArgs, output: &Path) -> Result<Report, Box<Failure>> {
    let chain = args.input.chain().map_err(nothing_kept)?;
    let sink = FileSink::create(output, args.force).map_err(nothing_kept)?;
    let signals = listen_to_signals(output).map_err(nothing_kept)?;
    let gpu = Gpu::new().map_err(nothing_kept)?;
    if let Some(size) = args.input.size {
        gpu.check_size(size).map_err(nothing_kept)?;
    }
    let source = source::open(&args.input.source, &args.source_options()).map_err(nothing_kept)?;
    let options = args.record_options(source.info(), chain);
    let _watch = args.watch.then(|| Watch::begin(args, &signals.controls)).transpose().map_err(nothing_kept)?;
    let mut bar = Bar::new();
    signals.recording.store(true, Ordering::Relaxed);
    recorder::record(&gpu, source, &options, sink, &signals.controls, &mut |progress| {
        for error in signals.controls.refused() {
            bar.say(&error);
        }
        bar.show(progress);
    })
}

fn nothing_kept(error: Error) -> Box<Failure> {
    Box::new(Failure { error, report: Report::default() })
}

/// What Ctrl-C, SIGTERM and SIGHUP do. While recording, the first one asks for an end and the file is finished; before
/// that, or the second time, the program ends at once.
struct Signals {
    controls: Controls,
    recording: AtomicBool,
}

fn listen_to_signals(output: &Path) -> Result<&'static Signals> {
    static SIGNALS: Signals = Signals { controls: Controls::new(), recording: AtomicBool::new(false) };
    let output = output.to_owned();
    let mut first: Option<Instant> = None;
    on_signal(move || {
        // Several signals at once are one wish: `timeout` signals a program and then its whole group.
        if SIGNALS.recording.load(Ordering::Relaxed) && first.get_or_insert_with(Instant::now).elapsed() < ONE_WISH {
            SIGNALS.controls.stop();
            return;
        }
        let asked_before = SIGNALS.controls.stop();
        if asked_before || !SIGNALS.recording.load(Ordering::Relaxed) {
            end_at_once(Some(&output));
        }
    })?;
    Ok(&SIGNALS)
}

impl RecordArgs {
    fn source_options(&self) -> SourceOptions {
        SourceOptions { start: self.start, size: self.input.size, rate: self.fps, params: self.input.source_params() }
    }

    fn record_options(&self, source: &SourceInfo, filter: FilterChain) -> RecordOptions {
        let bitrate = Target::Bitrate(self.bitrate.unwrap_or(RecordOptions::DEFAULT_BITRATE));
        RecordOptions {
            filter,
            size: self.input.size,
            rate: self.fps,
            duration: self.duration.or(source.endless.then_some(ENDLESS)),
            encoder: self.encoder,
            target: self.quality.map_or(bitrate, Target::Quality),
            speed: self.speed,
        }
    }
}

/// The report as one JSON object, with `output` (null when no file was kept) and, after a failure, `error`.
fn json(report: &Report, kept: Option<&Path>, error: Option<&Error>) -> String {
    #[derive(Serialize)]
    struct Summary<'a> {
        output: Option<String>,
        #[serde(flatten)]
        report: &'a Report,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    }
    let output = kept.map(|path| path.display().to_string());
    let summary = Summary { output, report, error: error.map(Error::to_string) };
    serde_json::to_string(&summary).expect("a struct of numbers and strings is always JSON")
}

/// The report in a few aligned lines.
fn summary(report: &Report, output: &Path) -> String {
    let Report { frames_in, frames_encoded, frames_dropped, frames_repeated, .. } = report;
    let mut frames = format!("{frames_in} in, {frames_encoded} encoded, {frames_dropped} dropped");
    if *frames_repeated > 0 {
        frames += &format!(", {frames_repeated} shown again to keep the rate");
    }
    let mut dropped = Vec::new();
    if report.dropped.rate > 0 {
        dropped.push(format!("{} above the rate asked for", report.dropped.rate));
    }
    if report.dropped.failure > 0 {
        dropped.push(format!("{} not yet encoded when the recording failed", report.dropped.failure));
    }
    let ratio = |value: f64, by: f64| if by > 0.0 { value / by } else { 0.0 };
    let mut lines = vec![("wrote", output.display().to_string()), ("frames", frames)];
    if !dropped.is_empty() {
        lines.push(("dropped", dropped.join(", ")));
    }
    lines.extend([
        ("picture", format!("{}x{}, {:.2} s", report.width, report.height, report.duration_s)),
        (
            "size",
            format!(
                "{} ({:.0} kb/s)",
                megabytes(report.bytes),
                ratio(report.bytes as f64 * 8.0 / 1000.0, report.duration_s)
            ),
        ),
        ("took", format!("{:.2} s ({:.1}x)", report.wall_s, ratio(report.duration_s, report.wall_s))),
        ("encoder", format!("{} ({})", report.encoder, report.codec)),
        ("adapter", report.adapter.clone()),
    ]);
    if report.stopped {
        lines.push(("stopped", "before the source's end; the file plays up to there".to_owned()));
    }
    lines.iter().map(|(name, value)| format!("{name:<8} {value}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use framereel::ErrorKind;

    use super::*;

    #[test]
    fn the_summary_says_what_became_of_every_frame() {
        let mut report = Report { frames_in: 10, frames_encoded: 6, frames_dropped: 4, ..Report::default() };
        report.dropped.rate = 3;
        report.dropped.failure = 1;
        report.stopped = true;
        let text = summary(&report, Path::new("a.webm"));
        for line in [
            "wrote    a.webm",
            "frames   10 in, 6 encoded, 4 dropped",
            "dropped  3 above the rate asked for, 1 not yet encoded when the recording failed",
            "stopped  before the source's end; the file plays up to there",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nin\n{text}");
        }
    }

    #[test]
    fn json_says_null_for_a_file_that_was_not_kept() {
        let error = Error::new(ErrorKind::NotFound, "no \"such\" file");
        let text = json(&Report::default(), None, Some(&error));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["output"], serde_json::Value::Null);
        assert_eq!(value["error"], "no \"such\" file");
        assert_eq!(value["frames_in"], 0);
    }
}
