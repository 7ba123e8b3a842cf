//! Inspects a WebM, Matroska or MP4 file: its tracks, clusters, key frames and cues, its length and its faults. Nothing is
//! decoded. The budget is that of `mux/matroska.rs`, or of `mux/mp4/survey.rs`.

use std::io::{Read, Seek};

use serde::Serialize;

use super::matroska::{Item, TrackType};
use super::mp4;
use super::survey::{Ending, Gap, Survey};
use super::track_counts::TrackCounts;
use crate::error::Result;

/// The result of [`inspect`]. Times are in seconds from the file's own beginning.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// `webm`, `matroska` or `mp4`.
    pub container: String,
    /// How many bytes the file has.
    pub bytes: u64,
    /// The library that wrote it.
    pub muxing_app: Option<String>,
    /// The program that wrote it.
    pub writing_app: Option<String>,
    /// The length that its header gives.
    pub declared_duration_s: Option<f64>,
    /// The end of its last block; a block without a length lasts as long as the one before it.
    pub measured_duration_s: f64,
    /// Its tracks, in its own order.
    pub tracks: Vec<TrackInspection>,
    /// Its clusters.
    pub clusters: ClustersInspection,
    /// Its cues.
    pub cues: CuesInspection,
    /// The first 1000 stretches of the file that cannot be read.
    pub gaps: Vec<Gap>,
    /// How many bytes at its end are no whole block, because the file is cut.
    pub cut_bytes: u64,
    /// The file's faults, one sentence each; none for a file that plays and seeks.
    pub faults: Vec<String>,
}

/// A track, and the counts of its blocks.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TrackInspection {
    /// Its number in the file.
    pub number: u64,
    /// Its type.
    pub kind: TrackType,
    /// The codec's name in Matroska, as `V_AV1`, or MP4's sample entry, as `av01`.
    pub codec_id: String,
    /// The codec's name on the Web, as `av01.0.05M.08`, where the track header says it.
    pub codec: Option<String>,
    /// The picture's width in pixels.
    pub width: Option<u64>,
    /// The picture's height in pixels.
    pub height: Option<u64>,
    /// Whether its pictures have transparency.
    pub alpha: bool,
    /// Samples a second.
    pub rate: Option<f64>,
    /// How many channels there are.
    pub channels: Option<u64>,
    /// How many blocks: frames of video, packets of sound.
    pub blocks: u64,
    /// The size of all its frames in bytes.
    pub bytes: u64,
    /// How many blocks can be decoded without those before.
    pub key_frames: u64,
    /// The times of the first key frames; none when there are more than some hundred.
    pub key_frames_s: Option<Vec<f64>>,
    /// The time of the first block.
    pub first_s: Option<f64>,
    /// The time of the last block.
    pub last_s: Option<f64>,
    /// The longest time from one key frame to the next.
    pub longest_key_interval_s: Option<f64>,
    /// The longest time between two blocks.
    pub largest_gap_s: f64,
    /// Mean blocks a second, from the first to the last; none for fewer than two.
    pub frame_rate: Option<f64>,
}

/// Statistics of the clusters.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClustersInspection {
    /// How many.
    pub count: u64,
    /// How many of them do not say how long they are, as in a live stream.
    pub unknown_sizes: u64,
    /// The longest, from its first block to its last.
    pub longest_s: f64,
    /// The first million of them, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<Vec<ClusterInspection>>,
}

/// One cluster.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClusterInspection {
    /// Its first byte.
    pub at: u64,
    /// How many blocks it has.
    pub blocks: u64,
    /// How many of them are key frames of video.
    pub key_frames: u64,
    /// The time of its first block; none without a block.
    pub first_s: Option<f64>,
}

/// Statistics of the cues.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CuesInspection {
    /// How many there are.
    pub count: u64,
    /// How many of them do not point at the beginning of a cluster.
    pub without_cluster: u64,
    /// How many point at a cluster without a key frame of their track at their time.
    pub without_key_frame: u64,
}

/// How detailed [`inspect`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Detail {
    /// Statistics; memory does not grow with the file's length.
    #[default]
    Numbers,
    /// Each cluster as well, up to a million.
    Clusters,
}

/// How many clusters are listed.
pub(crate) const MAX_CLUSTERS: usize = 1_000_000;

/// Inspects a WebM or Matroska file (RFC 9559) or an MP4 file (ISO/IEC 14496-12): its content and its faults. A file that
/// is cut or damaged is described in [`Inspection::faults`]. Of an MP4 file, fragments are its clusters, and the key
/// frames in its index its cues.
///
/// # Errors
/// A file that cannot be read, that is of no such format, or that breaks off before its first header; an MP4 file without
/// a `moov`.
pub fn inspect(mut input: impl Read + Seek, detail: Detail) -> Result<Inspection> {
    if mp4::is_mp4(&mut input)? {
        return mp4::inspect(input, detail);
    }
    let mut survey = Survey::begin(input)?;
    let mut list = (detail == Detail::Clusters).then(Vec::new);
    while let Some(item) = survey.step()? {
        let Some(list) = list.as_mut().filter(|_| survey.clusters.count <= MAX_CLUSTERS as u64) else { continue };
        match item {
            Item::Cluster(cluster) => {
                list.push(ClusterInspection { at: cluster.start, blocks: 0, key_frames: 0, first_s: None });
            }
            Item::Block(block) => {
                let Some(cluster) = list.last_mut() else { continue };
                let mut tracks = survey.tracks.iter().filter(|counts| counts.header.number == block.track);
                cluster.blocks += 1;
                cluster.key_frames +=
                    u64::from(block.key && tracks.any(|counts| counts.header.kind == TrackType::Video));
                cluster.first_s.get_or_insert(survey.seconds(block.time as f64));
            }
            Item::Header(_) | Item::Child(_) => {}
        }
    }
    Ok(Inspection {
        container: survey.file.doc_type().to_owned(),
        bytes: survey.file.len(),
        muxing_app: survey.info.muxing_app.clone(),
        writing_app: survey.info.writing_app.clone(),
        declared_duration_s: survey.info.duration.map(|duration| survey.seconds(duration)),
        measured_duration_s: survey.seconds(survey.measured_end()),
        tracks: survey.tracks.iter().map(|counts| track(counts, &|time| survey.seconds(time))).collect(),
        clusters: ClustersInspection {
            count: survey.clusters.count,
            unknown_sizes: survey.clusters.unknown,
            longest_s: survey.seconds(survey.clusters.longest as f64),
            list,
        },
        cues: CuesInspection {
            count: survey.cues.as_ref().map_or(0, |cues| cues.len() as u64),
            without_cluster: survey.cue_check().without_cluster.len() as u64,
            without_key_frame: survey.cue_check().without_frame.len() as u64,
        },
        gaps: survey.gaps.first.clone(),
        cut_bytes: match survey.ending {
            Ending::Cut { at, .. } => survey.file.len() - at,
            _ => 0,
        },
        faults: survey.faults(),
    })
}

/// What was counted, and what a Matroska track's header says of it.
pub(crate) fn track(counts: &TrackCounts, seconds: &dyn Fn(f64) -> f64) -> TrackInspection {
    let track = &counts.header;
    let picture = |side: u64| (track.kind == TrackType::Video).then_some(side);
    let time = |time: Option<i64>| time.map(|time| seconds(time as f64));
    let shown = counts.first.zip(counts.last).map_or(0.0, |(first, last)| seconds((last - first) as f64));
    TrackInspection {
        number: track.number,
        kind: track.kind,
        codec_id: track.codec.clone(),
        codec: track.codec_string(),
        width: picture(track.width),
        height: picture(track.height),
        alpha: track.alpha,
        rate: (track.kind == TrackType::Audio).then_some(track.rate),
        channels: (track.kind == TrackType::Audio).then_some(track.channels),
        blocks: counts.blocks,
        bytes: counts.bytes,
        key_frames: counts.keys,
        key_frames_s: counts.key_times.as_ref().map(|times| times.iter().map(|&time| seconds(time as f64)).collect()),
        first_s: time(counts.first),
        last_s: time(counts.last),
        longest_key_interval_s: time(counts.longest_key_interval),
        largest_gap_s: seconds(counts.largest_gap as f64),
        frame_rate: (shown > 0.0).then(|| (counts.blocks - 1) as f64 / shown),
    }
}
