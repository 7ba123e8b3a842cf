//! The display during a recording, on standard error and only when that is a terminal: a countdown; then frames, speed,
//! size and time left or, for a live recording, the time, the rate, dropped frames, the size and the sound level.

use std::io::{IsTerminal, Write, stderr};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use framereel::recorder::{Controls, Progress};
use framereel::time::Span;
use indicatif::ProgressStyle;

use super::terminal::Terminal;

/// A bar that disappears when it is dropped, so that only the summary or the error remains.
pub struct Bar {
    terminal: Arc<Terminal>,
    began: Instant,
    live: bool,
    /// The length for which the bar's style was set.
    styled: Option<Option<u64>>,
    meter: Meter,
}

impl Bar {
    /// A bar at its beginning; shows nothing when standard error is not a terminal. For a `live` recording, shows time,
    /// rate and level instead of the time left.
    pub fn new(live: bool) -> Self {
        let terminal = Arc::new(Terminal::new());
        Self { terminal, began: Instant::now(), live, styled: None, meter: Meter::default() }
    }

    /// What it is drawn on.
    pub fn terminal(&self) -> Arc<Terminal> {
        self.terminal.clone()
    }

    /// Prints the results of requests above the bar: errors that do not end the recording, and stills.
    pub fn tell(&self, controls: &Controls) {
        for error in controls.refused() {
            self.terminal.print(format_args!("error: {error}"));
        }
        // They are told on a terminal only, where a key asked for them.
        for still in controls.saved_stills().into_iter().filter(|_| stderr().is_terminal()) {
            self.terminal.print(format_args!("saved {}", still.display()));
        }
    }

    /// Shows the progress of the recording.
    pub fn show(&mut self, progress: Progress, controls: &Controls) {
        let Self { terminal, began, live, styled, meter } = self;
        terminal.change_bar(|bar| {
            // The bar fills with recorded milliseconds, if the expected length is known.
            let millis = |span: Span| (span.as_nanos() / 1_000_000).max(0) as u64;
            let template = match progress.expected {
                Some(_) if *live => "{bar:12} {msg}",
                Some(_) => "{bar:30} {msg}",
                None => "{spinner} {msg}",
            };
            let length = progress.expected.map(millis);
            if *styled != Some(length) {
                *styled = Some(length);
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
                if let Some(length) = length {
                    bar.set_length(length);
                }
            }
            let elapsed = began.elapsed();
            let message = if *live {
                let peak = progress.level.map(|level| meter.follow(level, elapsed));
                live_status(progress, peak, controls)
            } else {
                status(progress, elapsed)
            };
            bar.set_message(message);
            bar.set_position(millis(progress.recorded));
        });
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.terminal.remove_bar();
    }
}

/// `120 frames, 2.3x, 1.20 MB, 4 s left`.
fn status(progress: Progress, elapsed: Duration) -> String {
    let Progress { frames, bytes, recorded, expected, .. } = progress;
    let speed = recorded.as_secs_f64() / elapsed.as_secs_f64().max(1e-9);
    let mut text = format!("{frames} frames, {speed:.1}x, {}", megabytes(bytes));
    if let Some(expected) = expected.filter(|_| speed > 0.0) {
        let left = (expected.as_secs_f64() - recorded.as_secs_f64()).max(0.0) / speed;
        match left.ceil() as u64 {
            seconds @ 0..100 => text += &format!(", {seconds} s left"),
            seconds => text += &format!(", {}:{:02} left", seconds / 60, seconds % 60),
        }
    }
    text
}

/// `0:12, 30.0 fps, 2 dropped, 1.20 MB, [########    ] -18 dB`; with a word when it is paused or mute.
fn live_status(progress: Progress, peak: Option<f32>, controls: &Controls) -> String {
    let Progress { frames, bytes, recorded, dropped, .. } = progress;
    let seconds = recorded.as_secs_f64();
    let whole = seconds as u64;
    let mut text = format!("{}:{:02}", whole / 60, whole % 60);
    if frames > 0 {
        text += &format!(", {:.1} fps, {dropped} dropped", frames as f64 / seconds.max(1e-3));
    }
    text += &format!(", {}", megabytes(bytes));
    match peak {
        Some(_) if controls.is_muted() => text += ", mute",
        Some(peak) => text += &format!(", {}", meter(peak)),
        None => {}
    }
    if controls.is_paused() {
        text += ", paused";
    }
    text
}

/// The lowest level that the meter shows, in decibels of full scale.
pub const QUIETEST: f32 = -60.0;
/// How fast the meter falls, in decibels per second.
const FALL: f32 = 20.0;
/// The cells of the meter.
const CELLS: usize = 12;

/// A peak level that falls over time.
#[derive(Default)]
pub struct Meter {
    /// The peak, in decibels of full scale, and when it was shown.
    shown: Option<(f32, Duration)>,
}

impl Meter {
    /// The peak at this time, in decibels; `level` is the strongest sample since the last call.
    pub fn follow(&mut self, level: f32, now: Duration) -> f32 {
        let heard = (20.0 * level.max(f32::MIN_POSITIVE).log10()).clamp(QUIETEST, 0.0);
        let fallen = self.shown.map_or(QUIETEST, |(peak, then)| peak - FALL * now.saturating_sub(then).as_secs_f32());
        let peak = heard.max(fallen);
        self.shown = Some((peak, now));
        peak
    }
}

/// `[########    ] -18 dB`.
fn meter(peak: f32) -> String {
    let filled = ((1.0 - peak / QUIETEST) * CELLS as f32).round() as usize;
    format!("[{:<CELLS$}] {peak:>3.0} dB", "#".repeat(filled))
}

/// Waits this number of seconds, and shows a countdown if standard error is a terminal.
pub fn count_down(seconds: u8) {
    let shown = stderr().is_terminal();
    for left in (1..=seconds).rev() {
        if shown {
            // An error of the display is ignored.
            let _ = write!(stderr(), "{left}… ");
        }
        thread::sleep(Duration::from_secs(1));
    }
    if shown && seconds > 0 {
        let _ = writeln!(stderr());
    }
}

/// `820 kB`, `1.33 MB`.
pub fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_tells_speed_size_and_time_left() {
        let mut progress = Progress::default();
        (progress.frames, progress.recorded, progress.bytes) = (120, Span::from_secs(4), 1_200_000);
        progress.expected = Some(Span::from_secs(10));
        assert_eq!(status(progress, Duration::from_secs(2)), "120 frames, 2.0x, 1.20 MB, 3 s left");
        let slow = status(progress, Duration::from_secs(200));
        assert_eq!(slow, "120 frames, 0.0x, 1.20 MB, 5:00 left");
        progress.expected = None;
        assert_eq!(status(progress, Duration::from_secs(2)), "120 frames, 2.0x, 1.20 MB");
    }

    #[test]
    fn the_live_status_tells_what_was_dropped_and_how_loud_it_is() {
        let (mut progress, controls) = (Progress::default(), Controls::new());
        (progress.frames, progress.recorded, progress.bytes) = (2160, Span::from_secs(72), 1_200_000);
        progress.dropped = 2;
        let text = live_status(progress, Some(-20.0), &controls);
        assert_eq!(text, "1:12, 30.0 fps, 2 dropped, 1.20 MB, [########    ] -20 dB");
        controls.pause();
        controls.set_muted(true);
        progress.frames = 0;
        assert_eq!(live_status(progress, Some(-20.0), &controls), "1:12, 1.20 MB, mute, paused");
    }

    #[test]
    fn a_peak_falls_back_slowly_and_rises_at_once() {
        let mut meter = Meter::default();
        let at = Duration::from_millis;
        assert_eq!(meter.follow(1.0, at(0)), 0.0);
        assert!((meter.follow(0.0, at(500)) + 10.0).abs() < 0.01);
        assert!((meter.follow(0.5, at(600)) + 6.02).abs() < 0.01);
        assert_eq!(meter.follow(0.0, at(9_000)), QUIETEST);
        assert_eq!(super::meter(QUIETEST), "[            ] -60 dB");
    }
}
