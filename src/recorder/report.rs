//! What became of every frame: encoded, or dropped and why.

use serde::Serialize;

use crate::stream::{DropReason, FrameCounters};
use crate::time::Span;

/// How a recording stands while it runs.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Frames that were written.
    pub frames: u64,
    /// Frames that will not be in the file. Those that were left out on purpose, by a rate or a pause, are not among
    /// them.
    pub dropped: u64,
    /// How long the file is.
    pub recorded: Span,
    /// How large the file is.
    pub bytes: u64,
    /// How long the file will be, where that is known.
    pub expected: Option<Span>,
    /// The strongest sample of the sound since this was last told, 0 to 1; none where there is no sound. Told by
    /// [`record`](super::record()) alone.
    pub level: Option<f32>,
}

/// What became of a recording. Every frame that came in is encoded or dropped for a stated reason:
/// `frames_in + frames_repeated == frames_encoded + frames_dropped`. Each number is counted where the thing happens; none
/// is what the others leave.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
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
    /// Sound that is not in the file, because it came more than ten seconds after its pictures or found the recorder busy;
    /// in seconds.
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
    /// How many files hold the recording; 1 but for one in pieces or chunks.
    pub files: u32,
    /// Whether it was stopped (Ctrl-C) before the source's end.
    pub stopped: bool,
}

/// How many frames were dropped, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Dropped {
    /// A later frame was due before this one was read: the rate asked for is below the source's.
    pub rate: u64,
    /// They came while the recording was paused.
    pub paused: u64,
    /// The recorder was busy, and real time does not wait.
    pub busy: u64,
    /// A later frame was recorded before they came, or they depend on a frame that was lost so.
    pub out_of_order: u64,
    /// The recording had ended before they came: by its limit of time, frames or bytes, or because it was stopped.
    pub ended: u64,
    /// The recording failed before they were in the file.
    pub failure: u64,
    /// They had left a replay before it began to record.
    pub not_recorded: u64,
    /// A live source captured them and nobody took them in time.
    pub missed: u64,
    /// A live source gave them damaged.
    pub damaged: u64,
}

impl Dropped {
    /// What a recorder has counted so far.
    pub(super) fn by_recorder(counters: &FrameCounters) -> Self {
        let counts = counters.counts();
        Self {
            paused: counts.dropped(DropReason::Paused),
            busy: counts.dropped(DropReason::Busy),
            out_of_order: counts.dropped(DropReason::OutOfOrder),
            ended: counts.dropped(DropReason::Ended),
            failure: counts.dropped(DropReason::Failed),
            not_recorded: counts.dropped(DropReason::NotRecorded),
            ..Self::default()
        }
    }

    pub(super) fn sum(&self) -> u64 {
        let Self { rate, paused, busy, out_of_order, ended, failure, not_recorded, missed, damaged } = self;
        rate + paused + busy + out_of_order + ended + failure + not_recorded + missed + damaged
    }
}

impl Report {
    /// Whether nothing was recorded: no picture, or of sound alone nothing that is heard.
    pub fn is_empty(&self) -> bool {
        let has_pictures = self.width > 0;
        if has_pictures { self.frames_encoded == 0 } else { self.duration_s == 0.0 }
    }

    /// What a recorder counted.
    pub(super) fn count(&mut self, counters: &FrameCounters) {
        let counts = counters.counts();
        self.frames_in = counts.frames_in;
        self.frames_repeated = counts.repeated;
        self.frames_encoded = counts.encoded;
        self.dropped = Dropped::by_recorder(counters);
        self.sound_lost_s = counts.sound_lost.as_secs_f64();
        self.check();
    }

    /// Sums up what was dropped, and checks that every frame is accounted for.
    pub(super) fn check(&mut self) {
        self.frames_dropped = self.dropped.sum();
        debug_assert_eq!(
            self.frames_in + self.frames_repeated,
            self.frames_encoded + self.frames_dropped,
            "every frame is encoded or dropped: {self:?}"
        );
    }
}
