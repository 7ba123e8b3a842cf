//! The headers `Info` and `Cues` as they are read, `SeekHead` and `Cues` as they are written (RFC 9559 §5.1.1, §5.1.2,
//! §5.1.5).

use super::id;
use crate::mux::ebml::{child, children, element, float, id_bytes, text, uint, unsigned};

/// `TimestampScale` where the file has none, in nanoseconds.
const MILLISECOND: u64 = 1_000_000;

/// The header `Info`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Info {
    /// Nanoseconds in a unit of time.
    pub(crate) scale: u64,
    /// The file's duration, in those units.
    pub(crate) duration: Option<f64>,
    pub(crate) muxing_app: Option<String>,
    pub(crate) writing_app: Option<String>,
}

impl Default for Info {
    fn default() -> Self {
        Self { scale: MILLISECOND, duration: None, muxing_app: None, writing_app: None }
    }
}

impl Info {
    pub(crate) fn read(info: &[u8]) -> Self {
        Self {
            scale: child(info, id::TIMESTAMP_SCALE).map_or(MILLISECOND, unsigned).max(1),
            duration: child(info, id::DURATION).and_then(float).filter(|duration| duration.is_finite()),
            muxing_app: child(info, id::MUXING_APP).map(text),
            writing_app: child(info, id::WRITING_APP).map(text),
        }
    }
}

/// An entry of the file's index: a place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Cue {
    /// Where the cluster begins, counted from the segment's first byte of data.
    pub(crate) cluster: u64,
    pub(crate) track: u64,
    /// In units of [`Info::scale`].
    pub(crate) time: u64,
}

impl Cue {
    /// How many are read at most.
    pub(crate) const MOST: usize = 1_000_000;

    /// Reads the first cues of a `Cues` element's data.
    pub(crate) fn all(cues: &[u8]) -> Vec<Self> {
        let points = children(cues).filter(|(id, _)| *id == id::CUE_POINT);
        let positions = points.flat_map(|(_, point)| {
            let time = child(point, id::CUE_TIME).map_or(0, unsigned);
            let positions = children(point).filter(|(id, _)| *id == id::CUE_TRACK_POSITIONS);
            positions.map(move |(_, data)| (time, data))
        });
        let value = |data, id| child(data, id).map_or(0, unsigned);
        positions
            .map(|(time, data)| Self {
                cluster: value(data, id::CUE_CLUSTER_POSITION),
                track: value(data, id::CUE_TRACK),
                time,
            })
            .take(Self::MOST)
            .collect()
    }
}

/// The `SeekHead` that leads to these elements: their IDs and positions, counted from the segment's first byte of data.
/// Its length does not depend on the positions.
pub(crate) fn seek_head(places: &[(u32, u64)]) -> Vec<u8> {
    let seek = |(id, at): &(u32, u64)| {
        let position = uint(id::SEEK_POSITION, *at, 8);
        element(id::SEEK, &[element(id::SEEK_ID, &id_bytes(*id)), position].concat())
    };
    element(id::SEEK_HEAD, &places.iter().flat_map(seek).collect::<Vec<_>>())
}

/// The Cues for a first cluster at `clusters_at`, with positions of `width` bytes.
pub(crate) fn cues_of(cues: &[Cue], clusters_at: u64, width: usize) -> Vec<u8> {
    let point = |cue: &Cue| {
        let position = uint(id::CUE_CLUSTER_POSITION, clusters_at + cue.cluster, width);
        let positions = element(id::CUE_TRACK_POSITIONS, &[uint(id::CUE_TRACK, cue.track, 1), position].concat());
        element(id::CUE_POINT, &[uint(id::CUE_TIME, cue.time, 1), positions].concat())
    };
    element(id::CUES, &cues.iter().flat_map(point).collect::<Vec<_>>())
}
