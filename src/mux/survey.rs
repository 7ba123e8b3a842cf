//! One walk over a whole file that counts its content and notes its faults, for `inspect` and `repair`. Memory does not
//! grow with the file's length, except for its cues, of which a million are kept, and the first thousand stretches of
//! garbage.

use std::io::{Read, Seek};
use std::ops::Range;

use serde::Serialize;

use super::ebml::{Element, Fault};
use super::matroska::{Block, Cue, Info, Item, Matroska, Track, TrackType, id};
use super::track_counts::TrackCounts;
use crate::error::Result;

/// A stretch of a file in which nothing can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The position of its first byte.
    pub at: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

/// The stretches of garbage in a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gaps {
    /// The first of them.
    pub(crate) first: Vec<Gap>,
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

impl Gaps {
    /// How many of them are kept.
    const MOST: usize = 1000;

    pub(crate) fn push(&mut self, gap: Gap) {
        self.count += 1;
        self.bytes += gap.bytes;
        if self.first.len() < Self::MOST {
            self.first.push(gap);
        }
    }
}

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Well, as far as one can tell.
    Whole,
    /// The file breaks off: from byte `at` on it holds no whole element; it should have at least `expected` bytes.
    Cut { at: u64, expected: u64 },
    /// Garbage up to the end; it is the last gap.
    Garbage,
    /// The segment ends, and something follows.
    More(Gap),
}

/// Counts of the clusters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clusters {
    pub(crate) count: u64,
    /// How many have no size.
    pub(crate) unknown: u64,
    /// How many do not end where the next one begins.
    pub(crate) wrong: u64,
    /// The longest time between two blocks of one cluster, in the file's unit.
    pub(crate) longest: i64,
    /// The earliest and the latest block of the open cluster.
    open: Option<(i64, i64)>,
}

/// The result of checking the cues.
#[derive(Debug, Clone, Default)]
pub(crate) struct CueCheck {
    /// Cues that do not point at a cluster.
    pub(crate) without_cluster: Vec<Cue>,
    /// Cues that point at a cluster without such a frame.
    pub(crate) without_frame: Vec<Cue>,
}

/// A walk over a file.
pub(crate) struct Survey<R: Read + Seek> {
    pub(crate) file: Matroska<R>,
    pub(crate) info: Info,
    /// The first `Info` and the first `Tracks`.
    pub(crate) info_at: Option<Element>,
    pub(crate) tracks_at: Option<Element>,
    pub(crate) tracks: Vec<TrackCounts>,
    pub(crate) clusters: Clusters,
    pub(crate) cues: Option<Vec<Cue>>,
    pub(crate) gaps: Gaps,
    pub(crate) ending: Ending,
    /// How many tracks the file has beyond those that are read.
    pub(crate) unread_tracks: u64,
    /// How many blocks are of tracks that the file does not have.
    pub(crate) unknown_track_blocks: u64,
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
            tracks: Vec::new(),
            clusters: Clusters::default(),
            cues: None,
            gaps: Gaps::default(),
            ending: Ending::Whole,
            unread_tracks: 0,
            unknown_track_blocks: 0,
            cue_check: CueCheck::default(),
        })
    }

    /// The next undamaged item, also behind damaged places; none at the end. An error only where the system cannot read
    /// the file.
    pub(crate) fn step(&mut self) -> Result<Option<Item>> {
        loop {
            let from = self.file.position();
            let fault = match self.file.next() {
                Ok(Some(item)) => match &item {
                    // Where garbage follows, the size is wrong or the garbage began before the block's end.
                    Item::Block(block) if !self.file.fits_in_sequence(block.element.end)? => None,
                    // The picture's transparency may be in what is cut off.
                    Item::Block(block) if !block.whole && self.has_alpha(block.track) => Some(self.file.cut_at_end()),
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

    fn has_alpha(&self, track: u64) -> bool {
        self.tracks.iter().any(|counts| counts.header.number == track && counts.header.alpha)
    }

    fn count(&mut self, item: &Item) -> Result<()> {
        match item {
            // A header that cannot be read is ignored.
            Item::Header(header) if header.id == id::INFO && self.info_at.is_none() => {
                self.info = self.file.header_data(*header).map(|data| Info::read(&data)).unwrap_or_default();
                self.info_at = Some(*header);
            }
            Item::Header(header) if header.id == id::TRACKS && self.tracks_at.is_none() => {
                let data = self.file.header_data(*header).unwrap_or_default();
                let tracks = Track::all(&data);
                self.unread_tracks = Track::unread(&data);
                // If not all tracks were read, blocks of unknown tracks are valid.
                if self.unread_tracks == 0 {
                    self.file.expect_tracks(tracks.iter().map(|track| track.number));
                }
                self.tracks = tracks.into_iter().map(TrackCounts::new).collect();
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
        let Some(counts) = self.tracks.iter_mut().find(|counts| counts.header.number == block.track) else {
            self.unknown_track_blocks += 1;
            return Ok(());
        };
        let head = if counts.is_opus() {
            let start = block.data.start;
            self.file.bytes(start..block.data.end.min(start + 2))?
        } else {
            Vec::new()
        };
        counts.count(block, &head, self.info.scale);
        Ok(())
    }

    fn close_cluster(&mut self) {
        if let Some((first, last)) = self.clusters.open.take() {
            self.clusters.longest = self.clusters.longest.max(last - first);
        }
    }

    /// Checks the cues, in one more walk over the clusters that they name. Clusters do not overlap, so each is read up
    /// to the next that a cue names, and no byte is read twice, whatever the cues say.
    fn check_cues(&mut self) -> Result<()> {
        let mut cues = self.cues.clone().unwrap_or_default();
        cues.sort_unstable();
        cues.dedup();
        let segment = self.file.segment().body;
        let mut named = Vec::new();
        for sought in cues.chunk_by(|a, b| a.cluster == b.cluster) {
            let at = segment.saturating_add(sought[0].cluster);
            self.file.go_to(at);
            if self.file.cluster_follows()? {
                named.push((at, sought));
            } else {
                self.cue_check.without_cluster.extend(sought);
            }
        }
        for (index, &(at, sought)) in named.iter().enumerate() {
            let end = named.get(index + 1).map_or(u64::MAX, |next| next.0);
            let mut found = vec![false; sought.len()];
            self.find_frames(at..end, sought, &mut found)?;
            let missing = sought.iter().zip(found).filter(|(_, found)| !found).map(|(cue, _)| *cue);
            self.cue_check.without_frame.extend(missing);
        }
        Ok(())
    }

    /// Marks in `found` the cues, in order, that point to a key frame in the cluster at the beginning of `place`.
    fn find_frames(&mut self, place: Range<u64>, sought: &[Cue], found: &mut [bool]) -> Result<()> {
        self.file.go_to(place.start);
        let mut missing = sought.len();
        let mut begun = false;
        while missing > 0 && self.file.position() < place.end {
            match self.file.next() {
                Ok(Some(Item::Block(block))) => {
                    let counts = self.tracks.iter().find(|counts| counts.header.number == block.track);
                    let key = block.key || counts.is_some_and(|counts| counts.header.kind != TrackType::Video);
                    if let Ok(time) = u64::try_from(block.time)
                        && let Ok(at) = sought.binary_search(&Cue { time, track: block.track, ..sought[0] })
                        && key
                    {
                        missing -= usize::from(!std::mem::replace(&mut found[at], true));
                    }
                }
                Ok(Some(Item::Cluster(_))) if !begun => begun = true,
                Ok(Some(Item::Child(_))) => {}
                Err(Fault::Unreadable(error)) => return Err(Fault::Unreadable(error).into()),
                // The cluster is over, or cannot be read further.
                _ => break,
            }
        }
        Ok(())
    }

    /// The cues that do not point to a key frame; known when the walk is over.
    pub(crate) fn cue_check(&self) -> &CueCheck {
        &self.cue_check
    }

    /// How many blocks of the file's own tracks there are.
    pub(crate) fn blocks(&self) -> u64 {
        self.tracks.iter().map(|track| track.blocks).sum()
    }

    /// The end of the last block, in the file's unit.
    pub(crate) fn measured_end(&self) -> f64 {
        self.tracks.iter().filter_map(TrackCounts::end).fold(0.0, f64::max)
    }

    /// The beginning of the last block.
    fn last_block(&self) -> i64 {
        self.tracks.iter().filter_map(|track| track.last).max().unwrap_or(0)
    }

    /// The duration in the header, if it is plausible: the file is whole, and the duration is later than the start of
    /// the last block and, where every track gives the duration of its last block, close to the end of the last one. A
    /// frame without a duration may be shown for any time.
    pub(crate) fn believed_duration(&self) -> Option<f64> {
        let declared = self.info.duration?;
        let stated = self.shown().all(TrackCounts::states_its_end);
        let last = self.last_block() as f64;
        let begins = declared > last || (stated && declared + self.slack() > last);
        let ends = !stated || declared <= self.measured_end() + self.slack();
        let whole = matches!(self.ending, Ending::Whole | Ending::More(_)) && self.file.segment().size.is_some();
        (whole && begins && ends).then_some(declared)
    }

    /// How far a duration may be from the measured one: some writers round to a frame, or leave out the encoder's
    /// delay.
    pub(crate) fn slack(&self) -> f64 {
        self.shown().map(TrackCounts::last_duration).fold(2.0, f64::max)
    }

    fn shown(&self) -> impl Iterator<Item = &TrackCounts> {
        self.tracks.iter().filter(|track| track.blocks > 0)
    }

    /// Converts a time in the file's unit to seconds.
    pub(crate) fn seconds(&self, time: f64) -> f64 {
        time * self.info.scale as f64 / 1e9
    }
}
