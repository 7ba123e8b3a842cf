//! Makes a file seekable that was cut, damaged or written live. Nothing is decoded and no frame is changed.
//!
//! The first walk over the input counts blocks, finds the key frames and plans the output; then the output's parts are
//! copied:
//!
//! ```text
//! EBML header │ Segment, its size │ SeekHead │ Info with Duration │ Tracks, Tags, … │ Cues │ clusters
//!  as it was         new              new      else as it was        as they were     new    blocks as they were
//! ```
//!
//! # Budget
//! Memory holds the plan: 24 bytes for each part of a cluster (a cluster has one or two), and 60 for each key frame. At
//! most 4 million parts, 2 million key frames and 1000 headers such as `Tags` are planned; a file with more is refused.
//! Reading is limited as `mux/matroska.rs` says.

use std::io::{Read, Seek, Write};

use serde::Serialize;

use super::matroska::TrackType;
use super::survey::Gap;
use crate::error::{Error, ErrorKind, Result};

mod plan;
pub(crate) use plan::{Piece, RepairPlan};

/// The result of [`repair`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Repaired {
    /// How many bytes the input has.
    pub bytes_in: u64,
    /// How many bytes the output has.
    pub bytes_out: u64,
    /// The tracks and how many blocks of each were kept.
    pub tracks: Vec<RepairedTrack>,
    /// How many bytes at the input's end were left out, because they are no whole block.
    pub cut_bytes: u64,
    /// The stretches before that which were left out because they cannot be read: the first 1000.
    pub gaps: Vec<Gap>,
    /// The duration of the output, in seconds.
    pub duration_s: f64,
    /// How many cues it has.
    pub cues: u64,
    /// The input's faults, one sentence each; none where there was nothing to repair.
    pub faults: Vec<String>,
}

/// A track of the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RepairedTrack {
    /// Its number in the file.
    pub number: u64,
    /// Its type.
    pub kind: TrackType,
    /// The codec's name in Matroska, as `V_AV1`.
    pub codec: String,
    /// How many blocks were kept: frames of video, packets of sound.
    pub blocks: u64,
}

impl Repaired {
    /// Whether the input had no fault. The output is then as good.
    pub fn nothing_to_repair(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Copies a WebM or Matroska file so that its whole blocks play and seek: with exact Duration (RFC 9559 §5.1.2.10),
/// Cues at the front that point to the key frames of the first video track (without one, to each cluster), and known
/// sizes. Tracks, tags, chapters, attachments and blocks stay as they are, to the byte; so do times, also where the
/// first is above 0.
///
/// Every whole block of the input is kept, with two exceptions: behind damage, the blocks before the next cluster; and
/// before damage, the one block that the damage reaches into or follows at once.
///
/// The input's Duration is kept where the input ends well and the Duration is plausible. Else the duration is measured:
/// up to the end of the last block, which lasts as long as the file or an Opus packet says, or else as long as the
/// block before it.
///
/// # Errors
/// An input that cannot be read, is no Matroska file or has no whole block (then nothing was written); a write error.
pub fn repair(input: impl Read + Seek, mut output: impl Write) -> Result<Repaired> {
    let (plan, mut survey) = RepairPlan::of(input)?;
    let unwritten = |error| Error::new(ErrorKind::Write, "the repaired file could not be written").with_cause(error);
    for piece in plan.pieces() {
        match piece {
            Piece::Bytes(bytes) => output.write_all(&bytes).map_err(unwritten)?,
            Piece::Copy(range) => {
                for start in range.clone().step_by(COPIED) {
                    let bytes = survey.file.bytes(start..range.end.min(start + COPIED as u64))?;
                    output.write_all(&bytes).map_err(unwritten)?;
                }
            }
        }
    }
    output.flush().map_err(unwritten)?;
    Ok(plan.report)
}

/// How many bytes are copied at once.
const COPIED: usize = 1 << 18;

#[cfg(test)]
mod tests;
