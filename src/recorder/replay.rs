//! Retroactive recording: the last seconds of a stream are kept and can still be recorded.

use super::{Destination, MediaRecorder, MediaRecorderOptions};
use crate::blob::Blob;
use crate::error::Result;
use crate::stream::MediaStream;
use crate::time::Span;

/// Keeps the last seconds of a stream, encoded, in bounded memory: their bitrate times their length, and as much more as
/// it takes to begin at a key frame.
#[derive(Debug)]
pub struct Replay {
    length: Span,
    options: MediaRecorderOptions,
}

/// A replay of a stream. Dropped, it forgets what it kept.
#[derive(Debug)]
pub struct RunningReplay(MediaRecorder);

impl Replay {
    /// Of this length.
    pub fn new(length: Span) -> Self {
        Self { length, options: MediaRecorderOptions::default() }
    }

    /// Encodes as these options say. Limits hold for what is recorded, not for what is kept.
    pub fn with_options(self, options: MediaRecorderOptions) -> Self {
        Self { options, ..self }
    }

    /// Begins to keep.
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
    /// What is kept, as a whole file, which seeks. The replay goes on. Receipts of the frames in it say that they are encoded.
    ///
    /// # Errors
    /// `InvalidStateError` when the stream has ended; `UnknownError` when the file cannot be made.
    pub fn save(&self) -> Result<Blob> {
        self.0.save_replay()
    }

    /// Records what is kept and all that follows; the recorder is recording.
    ///
    /// # Errors
    /// `InvalidStateError` when the stream has ended.
    pub fn record(self, destination: impl Into<Destination>) -> Result<MediaRecorder> {
        self.0.record_replay(destination.into())?;
        Ok(self.0)
    }
}
