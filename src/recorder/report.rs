//! What became of every frame: encoded, or dropped and why.

use serde::Serialize;

use crate::time::Span;

/// How a recording stands while it runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// Frames in the file.
    pub frames: u64,
    /// How long the file is.
    pub recorded: Span,
    /// How large the file is.
    pub bytes: u64,
    /// How long the file will be, where that is known.
    pub expected: Option<Span>,
}

/// What became of a recording. Every frame that came in is encoded or dropped for a stated reason:
/// `frames_in + frames_repeated == frames_encoded + frames_dropped`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Frames that came from the source.
    pub frames_in: u64,
    /// Frames in the file.
    pub frames_encoded: u64,
    /// Frames that are not in the file.
    pub frames_dropped: u64,
    /// Why they are not.
    pub dropped: Dropped,
    /// Frames shown again: because the rate asked for is above the source's, or because sound went on while the picture
    /// stood still.
    pub frames_repeated: u64,
    /// Sound that came too late for its pictures, more than ten seconds, and is not in the file; in seconds.
    pub sound_lost_s: f64,
    /// How long the file is, in seconds.
    pub duration_s: f64,
    /// How large the file is.
    pub bytes: u64,
    /// How long the recording took, in seconds.
    pub wall_s: f64,
    /// The picture's width in pixels.
    pub width: u32,
    /// The picture's height in pixels.
    pub height: u32,
    /// The GPU, by its driver's name for it.
    pub adapter: String,
    /// The encoder, as in `--encoder`.
    pub encoder: String,
    /// The codecs' full names (RFC 6381), as `av01.0.05M.08,opus`.
    pub codec: String,
    /// How many files were written; 1 but for a recording in pieces.
    pub pieces: u32,
    /// Whether it was stopped (Ctrl-C) before the source's end.
    pub stopped: bool,
}

/// How many frames were dropped, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// A later frame was due before this one was read: the rate asked for is below the source's.
    pub rate: u64,
    /// They came while the recording was paused.
    pub paused: u64,
    /// The recorder was busy, and real time does not wait.
    pub busy: u64,
    /// A later frame was recorded before they came.
    pub out_of_order: u64,
    /// The recording had reached its limit of frames or bytes.
    pub limit: u64,
    /// The recording failed before they were encoded.
    pub failure: u64,
}

impl Report {
    /// Counts what was dropped: what no other reason took is the failure's, or else the limit's.
    pub(super) fn settle(&mut self, failed: bool) {
        self.frames_dropped = (self.frames_in + self.frames_repeated).saturating_sub(self.frames_encoded);
        let Dropped { rate, paused, busy, out_of_order, .. } = self.dropped;
        let rest = self.frames_dropped.saturating_sub(rate + paused + busy + out_of_order);
        (self.dropped.failure, self.dropped.limit) = if failed { (rest, 0) } else { (0, rest) };
    }
}
