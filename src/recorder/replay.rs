//! Retroactive recording: the last seconds of a stream are kept and can still be recorded.

use super::{Destination, MediaRecorder, MediaRecorderOptions};
use crate::blob::Blob;
use crate::error::Result;
use crate::stream::MediaStream;
use crate::time::Span;

/// Keeps the last seconds of a stream, encoded, in bounded memory: the bitrate times the length, plus the time back to
/// the previous key frame.
#[derive(Debug)]
pub struct Replay {
    length: Span,
    options: MediaRecorderOptions,
}

/// A running replay of a stream. Dropping it discards its content.
#[derive(Debug)]
pub struct RunningReplay(MediaRecorder);

impl Replay {
    /// A replay of this length.
    pub fn new(length: Span) -> Self {
        Self { length, options: MediaRecorderOptions::default() }
    }

    /// Sets the options. Limits apply to the recording, not to the replay.
    pub fn with_options(self, options: MediaRecorderOptions) -> Self {
        Self { options, ..self }
    }

    /// Starts the replay.
    ///
    /// # Errors
    /// As [`MediaRecorder::new`] and [`MediaRecorder::start`].
    pub fn start(self, stream: &MediaStream) -> Result<RunningReplay> {
        let recorder = MediaRecorder::new(stream, self.options)?;
        recorder.start_replay(self.length)?;
        Ok(RunningReplay(recorder))
    }
}

impl RunningReplay {
    /// The content of the replay as a complete, seekable file. The replay continues. Receipts of the saved frames
    /// report them as encoded.
    ///
    /// # Errors
    /// `InvalidStateError` when the stream has ended; `UnknownError` when the file cannot be made.
    pub fn save(&self) -> Result<Blob> {
        self.0.save_replay()
    }

    /// Records the content of the replay and all that follows. The returned recorder is recording.
    ///
    /// # Errors
    /// `InvalidStateError` when the stream has ended.
    pub fn record(self, destination: impl Into<Destination>) -> Result<MediaRecorder> {
        self.0.record_replay(destination.into())?;
        Ok(self.0)
    }
}
