//! The report of a recording: every frame is encoded, or dropped for a reason.

use serde::Serialize;

use crate::stream::{DropReason, FrameCounters, FrameCounts};
use crate::time::Span;

/// The progress of a running recording.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Frames that were written.
    pub frames: u64,
    /// Frames that will not be in the file, without those left out on purpose by a rate or a pause.
    pub dropped: u64,
    /// How long the file is.
    pub recorded: Span,
    /// How large the file is.
    pub bytes: u64,
    /// How long the file will be, where that is known. Set only by [`record`](super::record()).
    pub expected: Option<Span>,
    /// The peak level of the recorded sound since the last report, 0 to 1; none without sound.
    pub level: Option<f32>,
}

/// The result of a recording. Every incoming frame is encoded or dropped for a stated reason:
/// `frames_in + frames_repeated == frames_encoded + frames_dropped`. Each number is counted where the event happens;
/// none is computed from the others.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Frames that came from the source.
    pub frames_in: u64,
    /// Frames in the file.
    pub frames_encoded: u64,
    /// Frames that are not in the file.
    pub frames_dropped: u64,
    /// The dropped frames by reason.
    pub dropped: Dropped,
    /// When the recorder was busy and dropped frames.
    pub dropped_at: Vec<DroppedSpan>,
    /// Repeated frames: because the requested rate is above the source's, or because sound continued without new
    /// frames.
    pub frames_repeated: u64,
    /// Sound that is not in the file, because it arrived too late or the recorder was busy; in seconds.
    pub sound_lost_s: f64,
    /// How long the file is, in seconds.
    pub duration_s: f64,
    /// How large the file is.
    pub bytes: u64,
    /// How long the recording took, in seconds.
    pub wall_s: f64,
    /// The video's width in pixels.
    pub width: u32,
    /// The video's height in pixels.
    pub height: u32,
    /// The GPU's name, as given by its driver.
    pub adapter: String,
    /// The encoder, as in `--encoder`.
    pub encoder: String,
    /// The speeds of the encoder and from when on it had each, where it changes its speed to keep up.
    pub speeds: Vec<SpeedChange>,
    /// The codecs' full names (RFC 6381), such as `av01.0.05M.08,opus`.
    pub codec: String,
    /// How many files hold the recording; more than 1 only for a recording in pieces or chunks.
    pub files: u32,
    /// Whether a stop was requested (Ctrl-C).
    pub stopped: bool,
    /// The reports of the [further outputs](super::Recording::output), in their order; they have no adapter and no wall
    /// clock time of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Report>,
}

/// How many frames were dropped, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Dropped {
    /// Skipped because the requested rate is below the source's, or because the format shows no more frames a second.
    pub rate: u64,
    /// Motion blur showed them in one frame with others. In a group of these, one is not counted here.
    pub blended: u64,
    /// They arrived while the recording was paused.
    pub paused: u64,
    /// In real time, the recorder was busy.
    pub busy: u64,
    /// A later frame was recorded before they arrived, or they depend on a frame dropped for this reason.
    pub out_of_order: u64,
    /// The recording had ended before they arrived: by its limit of time, frames or bytes, or because it was stopped.
    pub ended: u64,
    /// The recording failed before they were in the file.
    pub failure: u64,
    /// They were removed from a replay before it began to record.
    pub not_recorded: u64,
    /// A live source captured them, but they were not read in time.
    pub missed: u64,
    /// A live source delivered them damaged.
    pub damaged: u64,
}

/// A part of a recording in which frames were dropped because the recorder was busy, each less than a second after the
/// one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DroppedSpan {
    /// When the first was dropped, in seconds of the recording.
    pub from_s: f64,
    /// When the last was dropped.
    pub to_s: f64,
    /// How many were dropped.
    pub frames: u64,
}

/// An encoder's speed from a time on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SpeedChange {
    /// In seconds of the recording.
    pub from_s: f64,
    /// 0 (slowest, best) to 10 (fastest).
    pub speed: u8,
}

impl Dropped {
    /// The frames among these counts of a recorder that were dropped.
    pub(super) fn by_recorder(counts: &FrameCounts) -> Self {
        Self {
            rate: counts.dropped(DropReason::Rate),
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
        let Self { rate, blended, paused, busy, out_of_order, ended, failure, not_recorded, missed, damaged } = self;
        rate + blended + paused + busy + out_of_order + ended + failure + not_recorded + missed + damaged
    }
}

impl Report {
    /// Whether nothing was recorded: no frame, or without video no sound.
    pub fn is_empty(&self) -> bool {
        let has_pictures = self.width > 0;
        if has_pictures { self.frames_encoded == 0 } else { self.duration_s == 0.0 }
    }

    /// Copies a recorder's counts.
    pub(super) fn count(&mut self, counters: &FrameCounters) {
        // All of one moment: another thread may lose a frame meanwhile.
        self.set_counts(&counters.counts());
        // Frames in flight may be dropped after the last time was taken down.
        let known = self.dropped_at.iter().map(|span| span.frames).sum();
        let more = self.dropped.busy.saturating_sub(known);
        if more > 0 {
            let end = self.duration_s;
            self.dropped_at.push(DroppedSpan { from_s: end, to_s: end, frames: more });
        }
    }

    /// Sets a recorder's counts.
    pub(super) fn set_counts(&mut self, counts: &FrameCounts) {
        self.frames_in = counts.frames_in;
        self.frames_repeated = counts.repeated;
        self.frames_encoded = counts.encoded;
        self.dropped = Dropped::by_recorder(counts);
        self.sound_lost_s = counts.sound_lost.as_secs_f64();
        self.check();
    }

    /// Sums up the dropped frames, and checks that every frame is counted.
    pub(super) fn check(&mut self) {
        self.frames_dropped = self.dropped.sum();
        debug_assert_eq!(
            self.frames_in + self.frames_repeated,
            self.frames_encoded + self.frames_dropped,
            "every frame is encoded or dropped: {self:?}"
        );
    }
}
