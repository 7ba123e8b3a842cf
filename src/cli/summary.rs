//! The summary printed at the end of a recording: a few aligned lines, or one JSON object.

use std::path::{Path, PathBuf};
use std::time::Duration;

use framereel::Error;
use framereel::recorder::{DroppedSpan, Report, SpeedChange};
use serde_json::Value;

use super::progress::megabytes;
use super::trace::StageTime;

/// The report as one JSON object, with `output` (null when nothing was kept; of several files the first), `outputs`
/// (all; of further outputs, each has its own in `further`), `busy_s` (how long each stage has worked) and, after a
/// failure, `error`.
pub fn json(report: &Report, kept: &[Vec<PathBuf>], busy: &[StageTime], error: Option<&Error>) -> String {
    let mut summary = described(report, kept.first().map_or(&[], Vec::as_slice));
    if !report.further.is_empty() {
        let further = report.further.iter().zip(kept.iter().skip(1));
        summary["further"] = further.map(|(report, kept)| described(report, kept)).collect();
    }
    summary["busy_s"] =
        busy.iter().map(|(stage, time)| ((*stage).to_owned(), Value::from(time.as_secs_f64()))).collect();
    if let Some(error) = error {
        summary["error"] = error.to_string().into();
    }
    summary.to_string()
}

/// The report of one output, with its files.
fn described(report: &Report, kept: &[PathBuf]) -> Value {
    let outputs: Vec<_> = kept.iter().map(|path| path.display().to_string()).collect();
    let mut summary = serde_json::to_value(report).expect("a struct of numbers and strings is always JSON");
    summary["output"] = outputs.first().cloned().into();
    summary["outputs"] = outputs.into();
    summary
}

/// The report in a few aligned lines; of further outputs what differs.
pub fn summary(report: &Report, kept: &[Vec<PathBuf>], busy: &[StageTime]) -> String {
    let ratio = |value: f64, by: f64| if by > 0.0 { value / by } else { 0.0 };
    let mut lines = Vec::new();
    for (report, kept) in std::iter::once(report).chain(&report.further).zip(kept) {
        lines.extend(output_lines(report, kept));
    }
    lines.push(("took", format!("{:.2} s ({:.1}x)", report.wall_s, ratio(report.duration_s, report.wall_s))));
    if is_slow(report)
        && let Some(text) = busiest(busy, report.wall_s)
    {
        lines.push(("busiest", text));
    }
    lines.push(("adapter", report.adapter.clone()));
    if report.stopped {
        lines.push(("stopped", "before the source's end; the file plays up to there".to_owned()));
    }
    lines.iter().map(|(name, value)| format!("{name:<8} {value}")).collect::<Vec<_>>().join("\n")
}

/// Whether a recording took longer than it plays, or lost frames because it was too slow. Some time passes before any
/// recording begins.
fn is_slow(report: &Report) -> bool {
    report.duration_s < 0.9 * report.wall_s || report.dropped.busy > 0
}

/// The shares of the time in which stages worked, the greatest first: that stage sets the pace.
fn busiest(busy: &[StageTime], wall_s: f64) -> Option<String> {
    let share = |time: Duration| (time.as_secs_f64() / wall_s * 100.0).round();
    let mut busy = busy.to_vec();
    busy.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let ((stage, time), others) = busy.split_first()?;
    let others = others.iter().filter(|(_, time)| share(*time) >= 1.0);
    let others: Vec<_> = others.map(|(stage, time)| format!("{stage} {} %", share(*time))).collect();
    let others = if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) };
    Some(format!("{stage}, at work {} % of the time{others}", share(*time)))
}

/// What was written to one output.
fn output_lines(report: &Report, kept: &[PathBuf]) -> Vec<(&'static str, String)> {
    let Report { frames_in, frames_encoded, frames_dropped, frames_repeated, .. } = report;
    let mut frames = format!("{frames_in} in, {frames_encoded} encoded, {frames_dropped} dropped");
    if *frames_repeated > 0 {
        frames += &format!(", {frames_repeated} shown again to keep the rate");
    }
    let dropped = dropped(report);
    let has_pictures = report.width > 0;
    let mut lines = vec![("wrote", names(kept))];
    if has_pictures {
        lines.push(("frames", frames));
    }
    if !dropped.is_empty() {
        lines.push(("dropped", dropped));
    }
    if has_pictures {
        lines.push(("picture", format!("{}x{}, {:.2} s", report.width, report.height, report.duration_s)));
    } else {
        lines.push(("sound", format!("{:.2} s", report.duration_s)));
    }
    let bits = report.bytes as f64 * 8.0 / 1000.0;
    let rate = if report.duration_s > 0.0 { bits / report.duration_s } else { 0.0 };
    lines.push(("size", format!("{} ({rate:.0} kb/s)", megabytes(report.bytes))));
    lines.push(("encoder", format!("{} ({})", report.encoder, report.codec).trim_start().to_owned()));
    if let [usual, changes @ ..] = &*report.speeds
        && !changes.is_empty()
    {
        lines.push(("speed", speeds(usual.speed, changes)));
    }
    lines
}

/// `8, at 1.5 s 9, at 2.0 s 10`; of many changes the first ones.
fn speeds(usual: u8, changes: &[SpeedChange]) -> String {
    const MOST: usize = 5;
    let told = changes.iter().take(MOST).map(|SpeedChange { from_s, speed, .. }| format!(", at {from_s:.1} s {speed}"));
    let more = if changes.len() > MOST { format!(" and {} more", changes.len() - MOST) } else { String::new() };
    format!("{usual}{}{more}", told.collect::<String>())
}

/// When frames were dropped because the recorder was busy: ` (at 1.0 to 1.6, 8.0 s)`; of many times the first ones.
fn times(spans: &[DroppedSpan]) -> String {
    const MOST: usize = 3;
    let told = spans.iter().take(MOST).map(|DroppedSpan { from_s, to_s, .. }| {
        if to_s - from_s < 0.05 { format!("{from_s:.1}") } else { format!("{from_s:.1} to {to_s:.1}") }
    });
    let told = told.collect::<Vec<_>>().join(", ");
    match spans.len() {
        0 => String::new(),
        1..=MOST => format!(" (at {told} s)"),
        _ => format!(" (at {told} s and {} more)", spans.len() - MOST),
    }
}

/// How many frames were dropped, by reason.
fn dropped(report: &Report) -> String {
    let dropped = &report.dropped;
    let busy = format!("because the recorder was busy{}", times(&report.dropped_at));
    let reasons = [
        (dropped.rate, "above the rate asked for"),
        (dropped.blended, "as part of another frame (motion blur)"),
        (dropped.paused, "while the recording was paused"),
        (dropped.busy, &*busy),
        (dropped.out_of_order, "later than their turn"),
        (dropped.ended, "past the recording's end"),
        (dropped.failure, "not yet encoded when the recording failed"),
        (dropped.not_recorded, "before the replay was recorded"),
        (dropped.missed, "by the device, because nobody took them in time"),
        (dropped.damaged, "damaged by the device"),
    ];
    let told = reasons.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}"));
    told.collect::<Vec<_>>().join(", ")
}

/// `a.webm`, or `a-001.webm to a-003.webm (3 files)`.
fn names(kept: &[PathBuf]) -> String {
    match kept {
        [] => "nothing".to_owned(),
        [one] if one == Path::new("-") => "standard output".to_owned(),
        [one] => one.display().to_string(),
        [first, .., last] => format!("{} to {} ({} files)", first.display(), last.display(), kept.len()),
    }
}

#[cfg(test)]
mod tests {
    use framereel::ErrorKind;

    use super::*;

    #[test]
    fn the_summary_says_what_became_of_every_frame() {
        let mut report = Report::default();
        (report.frames_in, report.frames_encoded, report.frames_dropped, report.width) = (30, 9, 21, 640);
        let dropped = &mut report.dropped;
        (dropped.rate, dropped.paused, dropped.busy) = (1, 2, 3);
        (dropped.out_of_order, dropped.ended, dropped.failure) = (4, 5, 6);
        report.stopped = true;
        let text = summary(&report, &[vec!["a.webm".into()]], &[]);
        for line in [
            "wrote    a.webm",
            "frames   30 in, 9 encoded, 21 dropped",
            "dropped  1 above the rate asked for, 2 while the recording was paused, 3 because the recorder was busy, \
             4 later than their turn, 5 past the recording's end, 6 not yet encoded when the recording failed",
            "stopped  before the source's end; the file plays up to there",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nin\n{text}");
        }
    }

    #[test]
    fn the_summary_of_a_slow_recording_names_the_stage_that_sets_the_pace() {
        let mut report = Report::default();
        (report.duration_s, report.wall_s) = (5.0, 10.0);
        let busy = [("source", 30), ("filter", 2_000), ("encode", 9_300)];
        let busy = busy.map(|(stage, millis)| (stage, Duration::from_millis(millis)));
        let line = "busiest  encode, at work 93 % of the time; filter 20 %";
        let names_it = |report: &Report| summary(report, &[], &busy).lines().any(|found| found == line);
        assert!(names_it(&report), "{}", summary(&report, &[], &busy));
        report.duration_s = 10.0;
        assert!(!names_it(&report));
        report.dropped.busy = 1;
        assert!(names_it(&report));
    }

    #[test]
    fn the_summary_tells_when_frames_were_dropped_and_the_encoder_changed_its_speed() {
        let dropped_at = [(1.0, 1.64, 5), (8.0, 8.01, 2), (9.0, 9.5, 3), (12.0, 12.0, 1)];
        let speeds = [(0.0, 8), (1.52, 9), (2.0, 10)];
        let mut report = Report::default();
        report.dropped.busy = 11;
        report.dropped_at = dropped_at.map(|(from, to, frames)| span(from, to, frames)).into();
        report.speeds = speeds.map(|(from, speed)| change(from, speed)).into();
        let text = summary(&report, &[vec!["a.webm".into()]], &[]);
        for line in [
            "dropped  11 because the recorder was busy (at 1.0 to 1.6, 8.0, 9.0 to 9.5 s and 1 more)",
            "speed    8, at 1.5 s 9, at 2.0 s 10",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nin\n{text}");
        }
    }

    fn span(from_s: f64, to_s: f64, frames: u64) -> DroppedSpan {
        let mut span = DroppedSpan::default();
        (span.from_s, span.to_s, span.frames) = (from_s, to_s, frames);
        span
    }

    fn change(from_s: f64, speed: u8) -> SpeedChange {
        let mut change = SpeedChange::default();
        (change.from_s, change.speed) = (from_s, speed);
        change
    }

    #[test]
    fn several_files_are_told_as_a_range() {
        let kept: Vec<PathBuf> = ["a-001.webm", "a-002.webm", "a-003.webm"].map(PathBuf::from).into();
        assert!(
            summary(&Report::default(), std::slice::from_ref(&kept), &[])
                .starts_with("wrote    a-001.webm to a-003.webm (3 files)\n")
        );
        let value: serde_json::Value =
            serde_json::from_str(&json(&Report::default(), std::slice::from_ref(&kept), &[], None)).unwrap();
        assert_eq!(value["output"], "a-001.webm");
        assert_eq!(value["outputs"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn json_says_null_for_a_file_that_was_not_kept() {
        let error = Error::new(ErrorKind::NotFound, "no \"such\" file");
        let text = json(&Report::default(), &[Vec::new()], &[], Some(&error));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["output"], serde_json::Value::Null);
        assert_eq!(value["outputs"], serde_json::json!([]));
        assert_eq!(value["error"], "no \"such\" file");
        assert_eq!(value["frames_in"], 0);
    }
}
