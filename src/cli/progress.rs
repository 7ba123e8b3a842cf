//! The progress bar: frames, speed, size and time left, on standard error and only when that is a terminal.

use std::time::{Duration, Instant};

use framereel::Error;
use framereel::recorder::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the bar is drawn a second.
const DRAWS: u8 = 10;

/// A bar that disappears when it is dropped, so that the summary or the error stands alone.
pub struct Bar {
    bar: ProgressBar,
    began: Instant,
    /// The length that the bar is dressed for.
    styled: Option<Option<u64>>,
}

impl Bar {
    /// A bar at its beginning; it shows nothing when standard error is not a terminal.
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(DRAWS));
        Self { bar, began: Instant::now(), styled: None }
    }

    /// Prints an error that does not end the recording, above the bar.
    pub fn say(&self, error: &Error) {
        self.bar.suspend(|| super::say(error));
    }

    /// Shows how the recording stands.
    pub fn show(&mut self, progress: Progress) {
        if self.bar.is_hidden() {
            return;
        }
        // The bar fills with recorded milliseconds, as far as it is known how many there will be.
        let millis = |span: framereel::time::Span| (span.as_nanos() / 1_000_000).max(0) as u64;
        let template = match progress.expected {
            Some(_) => "{bar:30} {msg}",
            None => "{spinner} {msg}",
        };
        let length = progress.expected.map(millis);
        if self.styled != Some(length) {
            self.styled = Some(length);
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
            if let Some(length) = length {
                self.bar.set_length(length);
            }
        }
        self.bar.set_message(status(progress, self.began.elapsed()));
        self.bar.set_position(millis(progress.recorded));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
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
    use framereel::time::Span;

    #[test]
    fn the_status_tells_speed_size_and_time_left() {
        let progress = Progress {
            frames: 120,
            recorded: Span::from_secs(4),
            bytes: 1_200_000,
            expected: Some(Span::from_secs(10)),
        };
        assert_eq!(status(progress, Duration::from_secs(2)), "120 frames, 2.0x, 1.20 MB, 3 s left");
        let slow = status(progress, Duration::from_secs(200));
        assert_eq!(slow, "120 frames, 0.0x, 1.20 MB, 5:00 left");
        let endless = Progress { expected: None, ..progress };
        assert_eq!(status(endless, Duration::from_secs(2)), "120 frames, 2.0x, 1.20 MB");
    }
}
