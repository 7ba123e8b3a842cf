//! One walk over a whole file that counts what is there and notes what is wrong with it: what both `inspect` and
//! `repair` know of a file. Memory does not grow with the file's length but for its cues.

use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Seek};

use serde::Serialize;

use super::ebml::{Element, Fault};
use super::lane::Lane;
use super::matroska::{Block, Cue, Info, Item, Matroska, Track, TrackType, id};
use crate::error::Result;

/// A stretch of a file that holds nothing that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Its first byte.
    pub at: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As it should, as far as one can tell.
    Whole,
    /// It breaks off: from byte `at` on it holds no whole element, and it should have at least `expected` bytes.
    Cut { at: u64, expected: u64 },
    /// From here on there is only garbage; it is the last gap.
    Garbage,
    /// The film ends, and something follows.
    More(Gap),
}

/// What the clusters are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clusters {
    pub(crate) count: u64,
    /// Those without a size.
    pub(crate) unknown: u64,
    /// Those whose size is not where the next one begins.
    pub(crate) wrong: u64,
    /// From the earliest to the latest block of one, in the file's unit.
    pub(crate) longest: i64,
    /// The earliest and the latest block of the open one.
    open: Option<(i64, i64)>,
}

/// What became of checking the cues.
#[derive(Debug, Clone, Default)]
pub(crate) struct CueCheck {
    /// Those that point at no cluster.
    pub(crate) without_cluster: Vec<Cue>,
    /// Those that point at a cluster without such a frame.
    pub(crate) without_frame: Vec<Cue>,
}

/// A file being walked over.
pub(crate) struct Survey<R: Read + Seek> {
    pub(crate) file: Matroska<R>,
    pub(crate) info: Info,
    /// The first `Info` and the first `Tracks`.
    pub(crate) info_at: Option<Element>,
    pub(crate) tracks_at: Option<Element>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) clusters: Clusters,
    pub(crate) cues: Option<Vec<Cue>>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) ending: Ending,
    /// Blocks of tracks that the file does not have.
    pub(crate) strays: u64,
    cue_check: CueCheck,
}

impl<R: Read + Seek> Survey<R> {
    /// # Errors
    /// As [`Matroska::open`].
    pub(crate) fn begin(reader: R) -> Result<Self> {
        Ok(Self {
            file: Matroska::open(reader)?,
            info: Info::default(),
            info_at: None,
            tracks_at: None,
            lanes: Vec::new(),
            clusters: Clusters::default(),
            cues: None,
            gaps: Vec::new(),
            ending: Ending::Whole,
            strays: 0,
            cue_check: CueCheck::default(),
        })
    }

    /// The next item that is sound, behind damaged places too; none at the end, and then no more. An error only where
    /// the system cannot read the file.
    pub(crate) fn step(&mut self) -> Result<Option<Item>> {
        loop {
            let from = self.file.position();
            let fault = match self.file.next() {
                Ok(Some(item)) => match &item {
                    // Where garbage follows, the size is wrong or the garbage began before the block's end.
                    Item::Block(block) if !self.file.in_step(block.element.end)? => None,
                    _ => {
                        self.count(&item)?;
                        return Ok(Some(item));
                    }
                },
                Ok(None) => {
                    if from < self.file.len() {
                        self.ending = Ending::More(Gap { at: from, bytes: self.file.len() - from });
                    }
                    break;
                }
                Err(Fault::Unreadable(error)) => return Err(Fault::Unreadable(error).into()),
                Err(fault) => Some(fault),
            };
            if self.file.resync(from)? {
                match self.file.position() - from {
                    0 => self.clusters.wrong += 1,
                    bytes => self.gaps.push(Gap { at: from, bytes }),
                }
                continue;
            }
            match (fault, self.ending) {
                (Some(Fault::Cut { end: expected, .. }), Ending::Cut { at, .. }) => {
                    self.ending = Ending::Cut { at, expected };
                }
                (Some(Fault::Cut { end: expected, .. }), _) => self.ending = Ending::Cut { at: from, expected },
                _ => {
                    self.ending = Ending::Garbage;
                    self.gaps.push(Gap { at: from, bytes: self.file.len() - from });
                }
            }
            break;
        }
        self.close_cluster();
        self.check_cues()?;
        Ok(None)
    }

    fn count(&mut self, item: &Item) -> Result<()> {
        match item {
            // What cannot be read of a header is as if it were not there.
            Item::Header(header) if header.id == id::INFO && self.info_at.is_none() => {
                self.info = self.file.header_data(*header).map(|data| Info::read(&data)).unwrap_or_default();
                self.info_at = Some(*header);
            }
            Item::Header(header) if header.id == id::TRACKS && self.tracks_at.is_none() => {
                let tracks = self.file.header_data(*header).map(|data| Track::all(&data)).unwrap_or_default();
                self.file.expect_tracks(tracks.iter().map(|track| track.number));
                self.lanes = tracks.into_iter().map(Lane::new).collect();
                self.tracks_at = Some(*header);
            }
            Item::Header(header) if header.id == id::CUES => {
                self.cues = self.file.header_data(*header).map(|data| Cue::all(&data)).ok();
            }
            Item::Cluster(cluster) => {
                self.close_cluster();
                self.clusters.count += 1;
                self.clusters.unknown += u64::from(cluster.size.is_none());
            }
            Item::Block(block) => self.count_block(block)?,
            Item::Header(_) | Item::Child(_) => {}
        }
        Ok(())
    }

    fn count_block(&mut self, block: &Block) -> Result<()> {
        if !block.whole {
            self.ending = Ending::Cut { at: block.data.end, expected: 0 };
        }
        let open = self.clusters.open.get_or_insert((block.time, block.time));
        *open = (open.0.min(block.time), open.1.max(block.time));
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.track.number == block.track) else {
            self.strays += 1;
            return Ok(());
        };
        let head = if lane.is_opus() {
            let start = block.data.start;
            self.file.bytes(start..block.data.end.min(start + 2))?
        } else {
            Vec::new()
        };
        lane.count(block, &head, self.info.scale);
        Ok(())
    }

    fn close_cluster(&mut self) {
        if let Some((first, last)) = self.clusters.open.take() {
            self.clusters.longest = self.clusters.longest.max(last - first);
        }
    }

    /// Looks where the cues point, in one more walk over the clusters that they name, each up to the last frame sought.
    fn check_cues(&mut self) -> Result<()> {
        let mut clusters = BTreeMap::<u64, HashSet<Cue>>::new();
        for cue in self.cues.iter().flatten() {
            clusters.entry(cue.cluster).or_default().insert(*cue);
        }
        for (cluster, mut sought) in clusters {
            self.file.go_to(self.file.segment().body.saturating_add(cluster));
            if !self.file.cluster_follows()? {
                self.cue_check.without_cluster.extend(sought);
                continue;
            }
            let mut begun = false;
            while !sought.is_empty() {
                match self.file.next() {
                    Ok(Some(Item::Block(block))) => {
                        let lane = self.lanes.iter().find(|lane| lane.track.number == block.track);
                        let key = block.key || lane.is_some_and(|lane| lane.track.kind != TrackType::Video);
                        if let Ok(time) = u64::try_from(block.time)
                            && key
                        {
                            sought.remove(&Cue { cluster, track: block.track, time });
                        }
                    }
                    Ok(Some(Item::Cluster(_))) if !begun => begun = true,
                    Ok(Some(Item::Child(_))) => {}
                    Err(Fault::Unreadable(error)) => return Err(Fault::Unreadable(error).into()),
                    // The cluster is over, or cannot be read on.
                    _ => break,
                }
            }
            self.cue_check.without_frame.extend(sought);
        }
        Ok(())
    }

    /// The cues that do not lead to a key frame; known when the walk is over.
    pub(crate) fn cue_check(&self) -> &CueCheck {
        &self.cue_check
    }

    /// How many blocks the file's own tracks have.
    pub(crate) fn blocks(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.blocks).sum()
    }

    /// When the last block ends, in the file's unit.
    pub(crate) fn measured_end(&self) -> f64 {
        self.lanes.iter().filter_map(Lane::end).fold(0.0, f64::max)
    }

    /// When the last block begins.
    fn last_block(&self) -> i64 {
        self.lanes.iter().filter_map(|lane| lane.last).max().unwrap_or(0)
    }

    /// The duration that the file says, if that can be: it is the whole file, ends behind the beginning of the last
    /// block and, where every track says how long its last one is shown, about when the last one does. A picture whose
    /// length nobody says may be held for ever.
    pub(crate) fn believed_duration(&self) -> Option<f64> {
        let declared = self.info.duration?;
        let stated = self.shown().all(Lane::states_its_end);
        let last = self.last_block() as f64;
        let begins = declared > last || (stated && declared + self.slack() > last);
        let ends = !stated || declared <= self.measured_end() + self.slack();
        let whole = matches!(self.ending, Ending::Whole | Ending::More(_)) && self.file.segment().size.is_some();
        (whole && begins && ends).then_some(declared)
    }

    /// How far a duration may be from what was measured: some writers round to a frame, or leave out what an encoder's
    /// delay adds.
    pub(crate) fn slack(&self) -> f64 {
        self.shown().map(Lane::last_duration).fold(2.0, f64::max)
    }

    fn shown(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter().filter(|lane| lane.blocks > 0)
    }

    /// Times in the file's unit as seconds.
    pub(crate) fn seconds(&self, time: f64) -> f64 {
        time * self.info.scale as f64 / 1e9
    }
}
