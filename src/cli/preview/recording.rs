//! The recording that runs in a window.

use std::path::{Path, PathBuf};
use std::time::Instant;

use framereel::recorder::{FileSink, MediaRecorder, Report};
use framereel::{Blob, Error, Event, MediaRecorderOptions, MediaStream, Result, Span};

use super::view::RecordingView;
use crate::cli::progress::{Meter, megabytes};

/// A recording into a file.
pub struct ActiveRecording {
    recorder: MediaRecorder,
    path: PathBuf,
    paused: bool,
    began: Instant,
    meter: Meter,
}

impl ActiveRecording {
    /// Begins to record this stream into a new file.
    ///
    /// # Errors
    /// When the file exists or cannot be made, and those of [`MediaRecorder::start_to`].
    pub fn begin(stream: &MediaStream, options: MediaRecorderOptions, path: PathBuf) -> Result<Self> {
        let recorder = MediaRecorder::new(stream, options)?;
        recorder.start_to(FileSink::create_new(&path)?)?;
        Ok(Self { recorder, path, paused: false, began: Instant::now(), meter: Meter::default() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends it; its file is finished meanwhile.
    pub fn stop(&self) {
        self.recorder.stop();
    }

    /// Pauses it, or goes on.
    pub fn toggle_pause(&mut self) {
        let done = if self.paused { self.recorder.resume() } else { self.recorder.pause() };
        // A recording that has ended cannot be paused.
        if done.is_ok() {
            self.paused = !self.paused;
        }
    }

    /// The last seconds of it.
    pub fn replay(&self) -> Result<Blob> {
        self.recorder.save_replay()
    }

    /// The errors since the last call.
    pub fn errors(&self) -> Vec<Error> {
        let events = self.recorder.events();
        let next = || events.next_within(Span::ZERO);
        let errors = std::iter::from_fn(next).filter_map(|event| match event {
            Event::Error(error) => Some(error),
            _ => None,
        });
        errors.collect()
    }

    /// Whether it has ended, and its file is whole.
    pub fn is_over(&self) -> bool {
        self.recorder.events().is_over()
    }

    /// Its figures.
    pub fn view(&mut self) -> RecordingView {
        let progress = self.recorder.progress();
        let level = progress.level.map(|level| self.meter.follow(level, self.began.elapsed()).round());
        RecordingView {
            tenths: (progress.recorded.as_nanos().max(0) / 100_000_000) as u64,
            bytes: progress.bytes,
            dropped: progress.dropped,
            level,
            paused: self.paused,
        }
    }

    /// What became of it: `saved film-001.webm: 4.4 s, 110 frames, 0 dropped, 623 kB`.
    pub fn summary(&self) -> String {
        let report = self.recorder.report();
        let path = self.path.display();
        if report.frames_encoded == 0 {
            return format!("nothing recorded: {path} has no frame");
        }
        let Report { duration_s, bytes, frames_encoded, frames_dropped, dropped, .. } = report;
        // Frames left out by a pause are not a loss.
        let lost = frames_dropped - dropped.paused;
        let size = megabytes(bytes);
        format!("saved {path}: {duration_s:.1} s, {frames_encoded} frames, {lost} dropped, {size}")
    }
}
