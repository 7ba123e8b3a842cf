//! Plans a repaired file: which parts of the input are copied, and which bytes are new.

use std::io::{Read, Seek};
use std::ops::Range;

use super::{Repaired, RepairedTrack};
use crate::error::{Error, Result};
use crate::mux::ebml::{Element, children, element, id_bytes, long_header, size_bytes, uint_width};
use crate::mux::matroska::{Block, Cue, Item, TrackType, cues_of, id, seek_head};
use crate::mux::survey::{Ending, Survey};
use crate::mux::track_counts::TrackCounts;

/// The most headers that are kept, such as `Tags` and `Chapters`.
const MAX_KEPT: usize = 1000;
/// The most parts of clusters that are planned, and the most cues: enough for some days of film.
const MAX_PIECES: usize = 4_000_000;
const MAX_CUES: usize = 2_000_000;

/// A part of the output.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    /// New bytes.
    Bytes(Vec<u8>),
    /// A range of the input.
    Copy(Range<u64>),
}

/// The whole output, as parts.
pub(crate) struct RepairPlan {
    head: Vec<Piece>,
    clusters: Vec<ClusterPart>,
    pub(crate) report: Repaired,
}

/// A part of the clusters. It is kept small, because there may be many.
enum ClusterPart {
    /// The header of a cluster with this many bytes of data.
    Cluster(u64),
    Block(Box<[u8]>),
    Copy(Range<u64>),
}

impl RepairPlan {
    /// Plans the repair of a file.
    ///
    /// # Errors
    /// Those of [`super::repair`], except for a write error.
    pub(crate) fn of<R: Read + Seek>(reader: R) -> Result<(Self, Survey<R>)> {
        let mut survey = Survey::begin(reader)?;
        let mut body = Body::default();
        let mut kept = Vec::new();
        while let Some(item) = survey.step()? {
            match item {
                Item::Header(header) if !is_remade(header.id) => {
                    kept.extend(range(header).map(|at| (header.id, at)));
                    limited(kept.len(), MAX_KEPT, "headers beside the clusters")?;
                }
                Item::Header(_) => {}
                Item::Cluster(_) => body.begin_cluster(),
                Item::Child(child) => body.take_child(child),
                Item::Block(block) => body.take_block(&block, &survey.tracks),
            }
            limited(body.parts.len(), MAX_PIECES, "pieces of clusters")?;
            limited(body.cues().len(), MAX_CUES, "key frames")?;
        }
        body.end_cluster();
        let nothing =
            |what: &str| Error::not_readable(format!("expected {what} but found none: nothing can be repaired"));
        let tracks = survey.tracks_at.and_then(range).ok_or_else(|| nothing("tracks"))?;
        if survey.blocks() == 0 {
            return Err(nothing("at least one whole frame"));
        }
        kept.insert(0, (id::TRACKS, tracks));
        let duration = survey.believed_duration().unwrap_or_else(|| survey.measured_end()).max(1.0);
        let info = match survey.info_at {
            Some(info) => info_with(&survey.file.header_data(info)?, duration),
            None => new_info(duration),
        };
        let cues = body.cues();
        let head = head(survey.file.ebml(), info, &kept, cues, body.size);
        let report = Repaired {
            bytes_in: survey.file.len(),
            bytes_out: head.iter().map(Piece::len).sum::<u64>() + body.size,
            tracks: survey.tracks.iter().map(RepairedTrack::of).collect(),
            cut_bytes: match survey.ending {
                Ending::Cut { at, .. } => survey.file.len() - at,
                _ => 0,
            },
            gaps: survey.gaps.first.clone(),
            duration_s: survey.seconds(duration),
            cues: cues.len() as u64,
            faults: survey.faults(),
        };
        Ok((Self { head, clusters: body.parts, report }, survey))
    }

    /// The output from its beginning.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece> {
        let clusters = self.clusters.iter().map(|part| match part {
            ClusterPart::Cluster(size) => Piece::Bytes(long_header(id::CLUSTER, *size)),
            ClusterPart::Block(bytes) => Piece::Bytes(bytes.to_vec()),
            ClusterPart::Copy(range) => Piece::Copy(range.clone()),
        });
        self.head.iter().cloned().chain(clusters)
    }
}

/// Refuses a file that takes too much memory to plan.
fn limited(count: usize, most: usize, what: &str) -> Result<()> {
    if count <= most {
        return Ok(());
    }
    Err(Error::not_supported(format!("expected at most {most} {what} in a file to repair but found more")))
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Copy(range) => range.end - range.start,
        }
    }
}

impl RepairedTrack {
    fn of(counts: &TrackCounts) -> Self {
        let track = &counts.header;
        Self { number: track.number, kind: track.kind, codec: track.codec.clone(), blocks: counts.blocks }
    }
}

/// The clusters of the output.
#[derive(Default)]
struct Body {
    parts: Vec<ClusterPart>,
    /// The size of the clusters in bytes, without the open one.
    size: u64,
    open: Option<OpenCluster>,
    /// The key frames of the first video track; cluster positions count from the beginning of the first cluster.
    key_frames: Vec<Cue>,
    /// The first block of each cluster.
    first_blocks: Vec<Cue>,
}

/// The open cluster, to which blocks are added.
struct OpenCluster {
    /// The index of its first part.
    part: usize,
    size: u64,
    blocks: u64,
}

impl Body {
    fn begin_cluster(&mut self) {
        self.end_cluster();
        self.open = Some(OpenCluster { part: self.parts.len(), size: 0, blocks: 0 });
        self.parts.push(ClusterPart::Cluster(0));
    }

    /// Closes the open cluster; removes it if it has no block.
    fn end_cluster(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.blocks == 0 {
            return self.parts.truncate(open.part);
        }
        self.parts[open.part] = ClusterPart::Cluster(open.size);
        self.size += long_header(id::CLUSTER, open.size).len() as u64 + open.size;
    }

    fn take_child(&mut self, child: Element) {
        // The cluster's position, the size of the cluster before it, and a checksum: none is valid for the output.
        if ![id::CRC_32, id::POSITION, id::PREV_SIZE].contains(&child.id) {
            range(child).into_iter().for_each(|range| self.copy(range));
        }
    }

    fn take_block(&mut self, block: &Block, tracks: &[TrackCounts]) {
        let video = |counts: &&TrackCounts| counts.header.kind == TrackType::Video;
        let cued = tracks.iter().find(video).is_some_and(|counts| counts.header.number == block.track);
        let cue = Cue { cluster: self.size, track: block.track, time: block.time.max(0) as u64 };
        let Some(open) = &mut self.open else { return };
        if open.blocks == 0 {
            self.first_blocks.push(cue);
        }
        if cued && block.key {
            self.key_frames.push(cue);
        }
        open.blocks += 1;
        if block.whole {
            return self.copy(block.element.clone());
        }
        // The rest of the group is lost, so it is unknown whether this is a key frame: a block of video counts as none.
        let key = if tracks.iter().filter(video).any(|counts| counts.header.number == block.track) { 0 } else { 0x80 };
        let data = block.data.end - block.data.start;
        let [high, low] = block.relative.to_be_bytes();
        let start = [size_bytes(block.track), vec![high, low, block.flags | key]].concat();
        let head = [id_bytes(id::SIMPLE_BLOCK), size_bytes(start.len() as u64 + data), start].concat();
        open.size += head.len() as u64;
        self.parts.push(ClusterPart::Block(head.into()));
        self.copy(block.data.clone());
    }

    fn copy(&mut self, range: Range<u64>) {
        let Some(open) = &mut self.open else { return };
        open.size += range.end - range.start;
        match self.parts.last_mut() {
            Some(ClusterPart::Copy(last)) if last.end == range.start => last.end = range.end,
            _ => self.parts.push(ClusterPart::Copy(range)),
        }
    }

    fn cues(&self) -> &[Cue] {
        if self.key_frames.is_empty() { &self.first_blocks } else { &self.key_frames }
    }
}

/// The bytes before the clusters, which have `clusters` bytes.
fn head(ebml: Range<u64>, info: Vec<u8>, kept: &[(u32, Range<u64>)], cues: &[Cue], clusters: u64) -> Vec<Piece> {
    let kept_len = |range: &Range<u64>| range.end - range.start;
    // The positions do not change the seek head's length.
    let places = |info_at: u64| {
        let mut at = info_at;
        let mut places = vec![(id::INFO, at)];
        at += info.len() as u64;
        for (id, range) in kept {
            places.push((*id, at));
            at += kept_len(range);
        }
        places.push((id::CUES, at));
        (places, at)
    };
    let seek_head_len = seek_head(&places(0).0).len() as u64;
    let (places, cues_at) = places(seek_head_len);
    // As many bytes for a position as the largest one would take if all were as long as possible.
    let clusters_at = |width| cues_at + cues_of(cues, 0, width).len() as u64;
    let width = uint_width(clusters_at(8) + clusters);
    let (clusters_at, seek_head) = (clusters_at(width), seek_head(&places));
    let mut head = vec![Piece::Copy(ebml), Piece::Bytes(long_header(id::SEGMENT, clusters_at + clusters))];
    head.extend([seek_head, info].map(Piece::Bytes));
    head.extend(kept.iter().map(|(_, range)| Piece::Copy(range.clone())));
    head.push(Piece::Bytes(cues_of(cues, clusters_at, width)));
    head
}

/// A copy of `Info` with this duration.
fn info_with(info: &[u8], duration: f64) -> Vec<u8> {
    let new = element(id::DURATION, &duration.to_be_bytes());
    let mut data = Vec::new();
    let mut placed = false;
    for (id, child) in children(info) {
        match id {
            id::DURATION if placed => {}
            id::DURATION => {
                data.extend_from_slice(&new);
                placed = true;
            }
            id::CRC_32 | id::VOID => {}
            _ => data.extend(element(id, child)),
        }
    }
    if !placed {
        data.extend_from_slice(&new);
    }
    element(id::INFO, &data)
}

/// A new `Info` for a file without a whole one.
fn new_info(duration: f64) -> Vec<u8> {
    let app = |id| element(id, concat!("framereel ", env!("CARGO_PKG_VERSION")).as_bytes());
    let data = [element(id::DURATION, &duration.to_be_bytes()), app(id::MUXING_APP), app(id::WRITING_APP)];
    element(id::INFO, &data.concat())
}

/// Whether the output has its own element of this ID, or needs none.
fn is_remade(id: u32) -> bool {
    matches!(id, id::SEEK_HEAD | id::INFO | id::TRACKS | id::CUES | id::VOID | id::CRC_32)
}

/// The whole element, if its size is known.
fn range(element: Element) -> Option<Range<u64>> {
    element.end().map(|end| element.start..end)
}
