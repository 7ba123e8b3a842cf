//! Plans a repaired MP4 file: an ordinary one, with its index in front, of all whole samples.
//!
//! ```text
//! ftyp │ moov │ mdat
//! as it was │ the tracks as they were, with new tables, durations and edit lists │ the samples' data, in its old order
//! ```
//!
//! # Budget
//! That of `mp4/survey.rs`; and the plan: up to 16 bytes for each sample, as `mp4/table.rs` says, and 80 for each stretch
//! of samples of one track, of which it has at most 2 million. A file whose samples overlap, so that they are more than
//! the file has bytes, is refused.

use std::io::{Read, Seek};

use super::boxes::{boxed, name};
use super::header::{MDAT_HEADER, mdat_header};
use super::movie::{Movie, TrackHeader};
use super::survey::{MAX_SAMPLES, Mp4Survey};
use super::table::SampleTable;
use super::whole;
use crate::error::{Error, Result};
use crate::mux::ebml::Elements;
use crate::mux::repair::{Piece, Repaired, RepairedTrack};
use crate::mux::track_counts::TrackCounts;

/// The longest `ftyp` that is copied, in bytes.
const MAX_FTYP: u64 = 4 << 10;

/// The most stretches of successive samples of a track: enough for some days of film in fragments.
const MAX_CHUNKS: usize = 2_000_000;

/// The whole output, as parts.
pub(crate) struct Mp4RepairPlan {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) report: Repaired,
}

impl Mp4RepairPlan {
    /// Plans the repair of a file; gives its bytes, too.
    ///
    /// # Errors
    /// An input that cannot be read, has no `moov` or no whole sample, or whose samples are elsewhere, encrypted or of
    /// changing kinds.
    pub(crate) fn of<R: Read + Seek>(reader: R) -> Result<(Self, Elements<R>)> {
        let mut tables: Vec<SampleTable> = Vec::new();
        let mut survey = Mp4Survey::walk(reader, &mut |movie, found| {
            tables.resize_with(movie.tracks.len(), SampleTable::default);
            if tables[found.track].chunk_count() <= MAX_CHUNKS {
                tables[found.track].push(found.sample);
            }
        })?;
        if tables.iter().any(|table| table.chunk_count() > MAX_CHUNKS) {
            return Err(Error::not_supported(format!(
                "expected at most {MAX_CHUNKS} stretches of samples of a track in a file to repair but found more"
            )));
        }
        let movie = survey.movie.take().unwrap_or_default();
        tables.resize_with(movie.tracks.len(), SampleTable::default);
        refuse(&movie, &tables)?;
        if survey.blocks() == 0 {
            return Err(Error::not_readable(
                "expected at least one whole frame but found none: nothing can be repaired",
            ));
        }
        if survey.unread_samples || movie.unread_tracks > 0 {
            return Err(Error::not_supported(format!(
                "expected a file to repair of at most {MAX_SAMPLES} samples and 128 tracks but found more"
            )));
        }
        if survey.sample_bytes > survey.file.len() {
            let (found, most) = (survey.sample_bytes, survey.file.len());
            return Err(Error::not_supported(format!(
                "expected samples of at most {most} bytes, as many as the file has, but found {found}"
            )));
        }
        let ftyp = match &survey.ftyp {
            Some(ftyp) if ftyp.content.end - ftyp.start <= MAX_FTYP => {
                survey.file.bytes.bytes(ftyp.start..ftyp.content.end)?
            }
            _ => boxed(*b"ftyp", b"isom\0\0\x02\0isomiso6mp42"),
        };
        let (copied, data) = relocate(&mut tables);
        // Whether positions need 64 bits is decided by how large the file is at the most.
        let most: u64 = tables.iter().map(SampleTable::bytes).sum::<u64>() + movie.bytes.len() as u64;
        let large = ftyp.len() as u64 + most + MDAT_HEADER + data > u64::from(u32::MAX);
        let length = whole::write(&movie, &tables, large)?.len() as u64;
        let base = ftyp.len() as u64 + length + MDAT_HEADER;
        tables.iter_mut().for_each(|table| table.relocate(|at| at + base));
        let moov = whole::write(&movie, &tables, large)?;
        let duration = whole::duration(&movie, &tables);
        let video = movie.tracks.iter().position(|track| track.handler == *b"vide");
        // The survey's faults speak of the movie, too.
        survey.movie = Some(movie);
        let report = Repaired {
            bytes_in: survey.file.len(),
            bytes_out: base + data,
            tracks: tracks(&survey),
            cut_bytes: survey.cut_bytes(),
            gaps: survey.gaps.first.clone(),
            duration_s: survey.movie.as_ref().map_or(0.0, |movie| duration as f64 / f64::from(movie.timescale)),
            cues: video.map_or(0, |video| survey.counts[video].keys),
            faults: survey.faults(),
        };
        let mut pieces = vec![Piece::Bytes([ftyp, moov, mdat_header(MDAT_HEADER + data)].concat())];
        pieces.extend(copied);
        Ok((Self { pieces, report }, survey.file.bytes))
    }
}

/// Refuses what would be lost or wrong in the output.
fn refuse(movie: &Movie, tables: &[SampleTable]) -> Result<()> {
    for (track, _) in movie.tracks.iter().zip(tables).filter(|(_, table)| table.count() > 0) {
        let refused = |expected: &str, found: String| {
            Err(Error::not_supported(format!("expected {expected} in track {} but found {found}", track.id)))
        };
        if !track.self_contained {
            return refused("all samples in this file", "a reference to another one".to_owned());
        }
        if track.entry.starts_with(b"enc") {
            return refused("samples that are not encrypted", name(track.entry));
        }
        let shown = track.edits.iter().filter(|edit| edit.media_time >= 0).count();
        if shown > 1 {
            return refused("an edit list that shows one stretch", shown.to_string());
        }
        if track.entries > 1 {
            return refused("one sample description", track.entries.to_string());
        }
    }
    Ok(())
}

fn tracks<R: Read + Seek>(survey: &Mp4Survey<R>) -> Vec<RepairedTrack> {
    let headers = survey.movie.iter().flat_map(|movie| &movie.tracks);
    let track = |(counts, header): (&TrackCounts, &TrackHeader)| RepairedTrack {
        number: header.id.into(),
        kind: counts.header.kind,
        codec: name(header.entry),
        blocks: counts.blocks,
    };
    survey.counts.iter().zip(headers).map(track).collect()
}

/// Puts the chunks of all tracks one behind another, in the order of the input, from 0 on. Gives what is copied for it,
/// and how many bytes that is.
fn relocate(tables: &mut [SampleTable]) -> (Vec<Piece>, u64) {
    let mut chunks: Vec<(u64, u64)> = Vec::new();
    for table in tables.iter() {
        chunks.extend(table.chunks().map(|(chunk, bytes)| (chunk.at, bytes)));
    }
    // In order of their places. Those of one track keep their order where they are at one place.
    let mut order: Vec<usize> = (0..chunks.len()).collect();
    order.sort_by_key(|&index| chunks[index].0);
    let mut places = vec![0; chunks.len()];
    let (mut pieces, mut at): (Vec<Piece>, u64) = (Vec::new(), 0);
    for index in order {
        let (from, bytes) = chunks[index];
        places[index] = at;
        at += bytes;
        match pieces.last_mut() {
            Some(Piece::Copy(last)) if last.end == from => last.end += bytes,
            _ => pieces.push(Piece::Copy(from..from + bytes)),
        }
    }
    let mut places = places.into_iter();
    for table in tables {
        table.relocate(|_| places.next().unwrap_or(0));
    }
    (pieces, at)
}
