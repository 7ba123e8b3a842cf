//! Makes a file seekable that was cut, damaged or written live. Nothing is decoded and no frame is changed.
//!
//! MP4 files: see `mux/mp4/repair.rs`. Of a Matroska file, the first walk over the input counts blocks, finds the key frames and plans the output; then the output's parts are
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
use std::ops::Range;

use serde::Serialize;

use super::matroska::TrackType;
use super::mp4::{self, Mp4RepairPlan};
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
    /// The codec's name in Matroska, as `V_AV1`, or MP4's sample entry, as `av01`.
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
/// An MP4 file becomes an ordinary one: its index is in front, and it has no fragments. Its tracks' descriptions and its
/// whole frames stay as they are, to the byte, and so do their times.
///
/// # Errors
/// An input that cannot be read, is no file of such a format or has no whole block (then nothing was written); an MP4 file
/// without a `moov`, or whose frames are encrypted, in another file, or of more than one description; a write error.
pub fn repair(mut input: impl Read + Seek, output: impl Write) -> Result<Repaired> {
    if mp4::is_mp4(&mut input)? {
        let (plan, mut bytes) = Mp4RepairPlan::of(input)?;
        write(plan.pieces.into_iter(), &mut |range| Ok(bytes.bytes(range)?), output)?;
        return Ok(plan.report);
    }
    let (plan, mut survey) = RepairPlan::of(input)?;
    write(plan.pieces(), &mut |range| Ok(survey.file.bytes(range)?), output)?;
    Ok(plan.report)
}

/// Whether [`repair`] makes an MP4 file of this input, rather than a Matroska file: by its first bytes. Leaves it at its
/// beginning.
///
/// # Errors
/// When it cannot be read.
pub fn is_mp4(input: &mut (impl Read + Seek)) -> Result<bool> {
    mp4::is_mp4(input)
}

/// The plan of a repair: its report, and the output's parts.
///
/// # Errors
/// Those of [`repair`], except for a write error.
pub(crate) fn planned(mut input: impl Read + Seek) -> Result<(Repaired, Vec<Piece>)> {
    if mp4::is_mp4(&mut input)? {
        let (plan, _) = Mp4RepairPlan::of(input)?;
        return Ok((plan.report, plan.pieces));
    }
    let (plan, _) = RepairPlan::of(input)?;
    let pieces = plan.pieces().collect();
    Ok((plan.report, pieces))
}

fn write(
    pieces: impl Iterator<Item = Piece>,
    read: &mut dyn FnMut(Range<u64>) -> Result<Vec<u8>>,
    mut output: impl Write,
) -> Result<()> {
    let unwritten = |error| Error::new(ErrorKind::Write, "the repaired file could not be written").with_cause(error);
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => output.write_all(&bytes).map_err(unwritten)?,
            Piece::Copy(range) => {
                for start in range.clone().step_by(COPIED) {
                    let bytes = read(start..range.end.min(start + COPIED as u64))?;
                    output.write_all(&bytes).map_err(unwritten)?;
                }
            }
        }
    }
    output.flush().map_err(unwritten)
}

/// How many bytes are copied at once.
const COPIED: usize = 1 << 18;

#[cfg(test)]
mod tests;
