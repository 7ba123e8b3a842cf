//! The instant replay: the last seconds of what is shown, encoded all the time. While a recording runs, its own recorder
//! keeps them, so that one encoder serves both.

use std::time::{Duration, Instant};

use framereel::recorder::{Replay, RunningReplay};
use framereel::{Blob, Error, ErrorKind, MediaRecorderOptions, MediaStream, Result, Span};

use super::recording::ActiveRecording;

/// A replay that is younger holds less than the one before it.
const NEW: Duration = Duration::from_secs(2);

/// The instant replay of a window.
pub struct InstantReplay {
    /// How much it keeps; none where that is 0.
    length: Span,
    /// The running replay, and when it began.
    running: Option<(RunningReplay, Instant)>,
    /// What the one before it held, to be saved until the running one holds something.
    last: Option<Blob>,
}

impl InstantReplay {
    /// A replay of this length, which does not run yet.
    pub fn new(length: Span) -> Self {
        Self { length, running: None, last: None }
    }

    /// How much a recorder is to keep; none where no replay is asked for.
    pub fn length(&self) -> Option<Span> {
        Some(self.length).filter(|length| *length > Span::ZERO)
    }

    /// Keeps the last seconds of this stream from now on.
    ///
    /// # Errors
    /// Those of [`Replay::start`].
    pub fn start(&mut self, stream: &MediaStream, options: MediaRecorderOptions) -> Result<()> {
        self.running = None;
        if let Some(length) = self.length() {
            self.running = Some((Replay::new(length).with_options(options).start(stream)?, Instant::now()));
        }
        Ok(())
    }

    /// Ends it, because a recording begins; what it holds can still be saved after that recording.
    pub fn pause(&mut self) {
        if let Some((replay, _)) = self.running.take() {
            self.last = replay.save().ok().or(self.last.take());
        }
    }

    /// The recording is about to end: keeps the last seconds of it.
    pub fn take_over(&mut self, recording: &ActiveRecording) {
        self.last = recording.replay().ok();
    }

    /// Ends it, with all that it holds.
    pub fn end(&mut self) {
        (self.running, self.last) = (None, None);
    }

    /// The last seconds as a file: those of the recording, if one runs.
    ///
    /// # Errors
    /// `InvalidStateError` when none is kept, and those of [`RunningReplay::save`].
    pub fn save(&mut self, recording: Option<&ActiveRecording>) -> Result<Blob> {
        match (recording, &self.running, self.last.take()) {
            (Some(recording), ..) => recording.replay(),
            (None, Some((_, began)), Some(last)) if began.elapsed() < NEW => Ok(last),
            (None, Some((replay, _)), _) => replay.save(),
            (None, None, _) => {
                let expected = "expected a replay to save but none is kept; --replay says how long it is";
                Err(Error::new(ErrorKind::InvalidState, expected))
            }
        }
    }
}
