//! Inspects an MP4 file: its tracks, fragments and key frames, its length and its faults. The budget is that of
//! `mp4/survey.rs`.

use std::io::{Read, Seek};

use super::boxes::name;
use super::movie::TrackHeader;
use super::survey::Mp4Survey;
use crate::error::Result;
use crate::mux::inspect::track as counted_track;
use crate::mux::inspect::{
    ClusterInspection, ClustersInspection, CuesInspection, Detail, Inspection, MAX_CLUSTERS, TrackInspection,
};
use crate::mux::matroska::TrackType;

const NANOS: f64 = 1e9;

/// As [`crate::mux::inspect()`], of an MP4 file: fragments are its clusters, and the key frames in its index its cues.
pub(crate) fn inspect(input: impl Read + Seek, detail: Detail) -> Result<Inspection> {
    let mut list = (detail == Detail::Clusters).then(Vec::<ClusterInspection>::new);
    let survey = Mp4Survey::walk(input, &mut |movie, found| {
        let (Some(list), Some(at)) = (&mut list, found.fragment) else { return };
        if list.last().is_none_or(|last| last.at != at) {
            if list.len() == MAX_CLUSTERS {
                return;
            }
            list.push(ClusterInspection { at, blocks: 0, key_frames: 0, first_s: None });
        }
        let Some(fragment) = list.last_mut() else { return };
        fragment.blocks += 1;
        let video = movie.tracks[found.track].handler == *b"vide";
        fragment.key_frames += u64::from(video && found.sample.key);
        fragment.first_s.get_or_insert(found.shown as f64 / NANOS);
    })?;
    let movie = survey.movie.clone().unwrap_or_default();
    let tracks = survey.counts.iter().zip(&movie.tracks);
    let seconds = |nanos: f64| nanos / NANOS;
    let tracks = tracks.map(|(counts, header)| track(counted_track(counts, &seconds), header)).collect();
    let indexed = survey.counts.iter().find(|counts| counts.header.kind == TrackType::Video && counts.blocks > 0);
    Ok(Inspection {
        container: "mp4".to_owned(),
        bytes: survey.file.len(),
        muxing_app: None,
        writing_app: movie.writing_app,
        declared_duration_s: survey.declared(),
        measured_duration_s: survey.measured_end(),
        tracks,
        clusters: ClustersInspection {
            count: survey.fragments.count,
            unknown_sizes: 0,
            longest_s: seconds(survey.fragments.longest as f64),
            list,
        },
        cues: CuesInspection {
            count: indexed.filter(|_| survey.fragments.count == 0).map_or(0, |counts| counts.keys),
            without_cluster: 0,
            without_key_frame: 0,
        },
        gaps: survey.gaps.first.clone(),
        cut_bytes: survey.cut_bytes(),
        faults: survey.faults(),
    })
}

/// The counts with what the track's header says.
fn track(counted: TrackInspection, header: &TrackHeader) -> TrackInspection {
    let picture = counted.kind == TrackType::Video;
    let sound = counted.kind == TrackType::Audio;
    TrackInspection {
        codec_id: name(header.entry),
        codec: header.codec_string(),
        width: picture.then(|| header.width.into()),
        height: picture.then(|| header.height.into()),
        rate: sound.then(|| header.rate.into()),
        channels: sound.then(|| header.channels.into()),
        ..counted
    }
}
