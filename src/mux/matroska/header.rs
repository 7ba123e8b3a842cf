//! The headers `Info` and `Cues` (RFC 9559 §5.1.2, §5.1.5).

use super::id;
use crate::mux::ebml::{child, children, float, text, unsigned};

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
