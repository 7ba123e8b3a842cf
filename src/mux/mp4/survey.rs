//! One walk over a whole MP4 file that counts its samples and notes its faults, for `inspect` and `repair`.
//!
//! # Budget
//! A file may be made to do harm. A walk takes time in proportion to the file's length, or to the number of samples that
//! it says it has, of which 10 million are read. It never goes back but to the table of a `moov`, and searches each byte
//! for a fragment once. Memory does not grow with the file's length, except for its `moov`. It reads at most
//!
//! | what | at most |
//! |---|---|
//! | a `moov` | 128 MiB, the first alone |
//! | a `moof` | 16 MiB |
//! | tracks | 128 |
//! | samples | 10 million, of all tracks together |
//! | edits of a track | 1000 |
//! | the configuration of a codec | 64 KiB |

use std::io::{Read, Seek};

use super::boxes::{children, name};
use super::file::{Mp4File, TopBox};
use super::movie::{Movie, TrackHeader};
use super::samples::{FragmentBase, StblSamples, fragment, track_of};
use super::table::TableSample;
use crate::error::{Error, Result};
use crate::mux::ebml::Fault;
use crate::mux::faults::{counted, garbage};
use crate::mux::matroska::{Block, Track, TrackType};
use crate::mux::survey::{Ending, Gap, Gaps};
use crate::mux::track_counts::TrackCounts;

/// The largest `moov` and `moof` that are read, in bytes.
const MAX_MOOV: u64 = 128 << 20;
const MAX_MOOF: u64 = 16 << 20;
/// The most samples that are read.
pub(crate) const MAX_SAMPLES: u64 = 10_000_000;

/// Counts of the fragments.
#[derive(Debug, Clone, Default)]
pub(crate) struct FragmentCounts {
    pub(crate) count: u64,
    /// The longest time from the first sample to the last in one, in nanoseconds.
    pub(crate) longest: i64,
    /// The earliest and the latest sample of the open fragment.
    open: Option<(i64, i64)>,
}

/// A walk over a file. The counts' times are in nanoseconds.
pub(crate) struct Mp4Survey<R: Read + Seek> {
    pub(crate) file: Mp4File<R>,
    /// The whole `ftyp`.
    pub(crate) ftyp: Option<TopBox>,
    pub(crate) movie: Option<Movie>,
    pub(crate) counts: Vec<TrackCounts>,
    pub(crate) fragments: FragmentCounts,
    pub(crate) gaps: Gaps,
    pub(crate) ending: Ending,
    /// How many samples of each track are not whole in the file.
    outside: Vec<u64>,
    /// How many samples are of tracks that the file does not have, or are beyond those that are read.
    unknown_track_fragments: u64,
    pub(crate) samples: u64,
    pub(crate) unread_samples: bool,
    /// The size of all whole samples.
    pub(crate) sample_bytes: u64,
    /// Where the last whole sample ends.
    last_end: u64,
    clocks: Vec<TrackClock>,
    /// When the next fragment of each track begins, if it does not say.
    next_times: Vec<u64>,
}

/// A whole sample of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SurveyedSample {
    /// The index of its track.
    pub(crate) track: usize,
    pub(crate) sample: TableSample,
    /// When it is shown in the file, in nanoseconds.
    pub(crate) shown: i64,
    /// Where the `moof` that lists it begins.
    pub(crate) fragment: Option<u64>,
}

impl<R: Read + Seek> Mp4Survey<R> {
    /// Walks over the file, and calls `visit` with every whole sample, and with the movie as soon as it is known.
    ///
    /// # Errors
    /// A file that cannot be read, that has no `moov`, or one that is too large.
    pub(crate) fn walk(reader: R, visit: &mut dyn FnMut(&Movie, SurveyedSample)) -> Result<Self> {
        let mut survey = Self {
            file: Mp4File::open(reader)?,
            ftyp: None,
            movie: None,
            counts: Vec::new(),
            fragments: FragmentCounts::default(),
            gaps: Gaps::default(),
            ending: Ending::Whole,
            outside: Vec::new(),
            unknown_track_fragments: 0,
            samples: 0,
            unread_samples: false,
            sample_bytes: 0,
            last_end: 0,
            clocks: Vec::new(),
            next_times: Vec::new(),
        };
        survey.walk_on(visit)?;
        if survey.movie.is_none() && survey.file.enter_hybrid()? {
            (survey.gaps, survey.ending) = (Gaps::default(), Ending::Whole);
            survey.walk_on(visit)?;
        }
        survey.close_fragment();
        if survey.movie.is_none() {
            let what = "expected a moov, the index of an MP4 file, but found none: it stands at the end of an ordinary file, \
                        and where that is cut off, nothing says what the rest is";
            return Err(Error::not_readable(what));
        }
        Ok(survey)
    }

    /// Walks on to the file's end.
    fn walk_on(&mut self, visit: &mut dyn FnMut(&Movie, SurveyedSample)) -> Result<()> {
        let survey = self;
        loop {
            let from = survey.file.at;
            let fault = match survey.file.next() {
                Ok(Some(found)) => match survey.take(&found, visit) {
                    Ok(()) => continue,
                    Err(fault) => fault,
                },
                Ok(None) => break,
                Err(fault) => fault,
            };
            let cut = match fault {
                Fault::Unreadable(error) => return Err(Fault::Unreadable(error).into()),
                Fault::Cut { end, .. } => Some(end),
                Fault::Damaged(_) => None,
            };
            // A box that reaches beyond the file's end is cut, unless something whole follows within it.
            if survey.file.resync(from + 1)? {
                survey.gaps.push(Gap { at: from, bytes: survey.file.at - from });
                continue;
            }
            survey.ending = match cut {
                Some(expected) => Ending::Cut { at: from.max(survey.last_end), expected },
                None => {
                    survey.gaps.push(Gap { at: from, bytes: survey.file.len() - from });
                    Ending::Garbage
                }
            };
            break;
        }
        Ok(())
    }

    fn take(&mut self, found: &TopBox, visit: &mut dyn FnMut(&Movie, SurveyedSample)) -> Result<(), Fault> {
        let size = found.content.end - found.content.start;
        let limited = |most: u64| {
            let what = format!("a {} of at most {most} bytes", name(found.kind));
            if size > most { Err(Fault::damaged(found.start, &what, format!("one of {size}"))) } else { Ok(()) }
        };
        match &found.kind {
            b"ftyp" if self.ftyp.is_none() => self.ftyp = Some(found.clone()),
            b"moov" if self.movie.is_none() => {
                limited(MAX_MOOV)?;
                let movie = Movie::read(self.file.bytes.bytes(found.content.clone())?);
                self.counts = movie.tracks.iter().map(|track| TrackCounts::new(counted_header(track))).collect();
                self.outside = vec![0; movie.tracks.len()];
                self.clocks = movie.tracks.iter().map(|track| TrackClock::of(&movie, track)).collect();
                self.next_times = vec![0; movie.tracks.len()];
                for (index, track) in movie.tracks.iter().enumerate() {
                    for sample in StblSamples::of(movie.stbl(track)) {
                        if !self.take_sample(&movie, index, sample, None, visit) {
                            break;
                        }
                        self.next_times[index] = sample.time.saturating_add(sample.duration.into());
                    }
                }
                self.movie = Some(movie);
            }
            b"moof" => {
                limited(MAX_MOOF)?;
                let bytes = self.file.bytes.bytes(found.content.clone())?;
                self.close_fragment();
                self.fragments.count += 1;
                // It is put back below.
                if let Some(movie) = self.movie.take() {
                    self.take_fragment(&movie, &bytes, found.start, visit);
                    self.movie = Some(movie);
                }
            }
            _ => self.file.bytes.whole(found.content.end)?,
        }
        Ok(())
    }

    fn take_fragment(&mut self, movie: &Movie, moof: &[u8], at: u64, visit: &mut dyn FnMut(&Movie, SurveyedSample)) {
        let mut base = FragmentBase { moof: at, data: at, time: 0, is_first: true };
        for (_, traf) in children(moof).filter(|(kind, _)| kind == b"traf") {
            let found = track_of(traf).and_then(|id| movie.tracks.iter().position(|track| track.id == id));
            let Some(index) = found else {
                self.unknown_track_fragments += 1;
                continue;
            };
            base.time = self.next_times[index];
            let mut each = |sample| self.take_sample(movie, index, sample, Some(at), visit);
            let (data, time) = fragment(traf, &movie.tracks[index], base, &mut each);
            self.next_times[index] = time;
            (base.data, base.is_first) = (data, false);
        }
    }

    /// Counts a sample; false when no more are read.
    fn take_sample(
        &mut self,
        movie: &Movie,
        index: usize,
        sample: TableSample,
        fragment: Option<u64>,
        visit: &mut dyn FnMut(&Movie, SurveyedSample),
    ) -> bool {
        if self.samples == MAX_SAMPLES {
            self.unread_samples = true;
            return false;
        }
        self.samples += 1;
        let end = sample.at.saturating_add(sample.size.into());
        if end > self.file.len() {
            self.outside[index] += 1;
            return true;
        }
        let track = &movie.tracks[index];
        let shown = self.clocks[index].shown(&sample);
        let counts = &mut self.counts[index];
        let key = sample.key || counts.header.kind == TrackType::Audio;
        let duration = u64::from(sample.duration) * 1_000_000_000 / u64::from(track.timescale);
        counts.count(&block(&sample, track.id, shown, key, duration), &[], 1);
        self.sample_bytes = self.sample_bytes.saturating_add(sample.size.into());
        self.last_end = self.last_end.max(end);
        if fragment.is_some() {
            let open = self.fragments.open.get_or_insert((shown, shown));
            *open = (open.0.min(shown), open.1.max(shown));
        }
        visit(movie, SurveyedSample { track: index, sample: TableSample { key, ..sample }, shown, fragment });
        true
    }

    fn close_fragment(&mut self) {
        if let Some((first, last)) = self.fragments.open.take() {
            self.fragments.longest = self.fragments.longest.max(last - first);
        }
    }

    /// How many whole samples there are.
    pub(crate) fn blocks(&self) -> u64 {
        self.counts.iter().map(|counts| counts.blocks).sum()
    }

    /// The end of the last sample, in seconds.
    pub(crate) fn measured_end(&self) -> f64 {
        self.counts.iter().filter_map(TrackCounts::end).fold(0.0, f64::max) / 1e9
    }

    /// The length that the file says it has, in seconds.
    pub(crate) fn declared(&self) -> Option<f64> {
        let movie = self.movie.as_ref()?;
        (movie.duration > 0).then(|| movie.duration as f64 / f64::from(movie.timescale))
    }

    /// How many bytes at the end are no whole sample.
    pub(crate) fn cut_bytes(&self) -> u64 {
        if let Ending::Cut { at, .. } = self.ending { self.file.len() - at.min(self.file.len()) } else { 0 }
    }

    /// All faults; none for a file that plays and seeks.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = garbage(&self.gaps);
        let len = self.file.len();
        if let Ending::Cut { at, expected } = self.ending {
            let rest = if at < len { format!("; the last {} are no whole frame", len - at) } else { String::new() };
            faults.push(format!("cut at byte {len}: by its own sizes it has at least {expected} bytes{rest}"));
        }
        let Some(movie) = &self.movie else { return faults };
        if movie.tracks.is_empty() {
            faults.push("no tracks".to_owned());
        } else if self.blocks() == 0 {
            faults.push("no whole frame".to_owned());
        }
        if movie.unread_tracks > 0 {
            faults.push(format!("{} beyond the 128 that are read", counted(movie.unread_tracks, "track")));
        }
        if self.unread_samples {
            faults.push(format!("more than {MAX_SAMPLES} samples, of which no more are read"));
        }
        if self.unknown_track_fragments > 0 {
            let unknown = counted(self.unknown_track_fragments, "fragment");
            faults.push(format!("{unknown} of tracks that the file does not have"));
        }
        for (counts, &outside) in self.counts.iter().zip(&self.outside) {
            let number = counts.header.number;
            if outside > 0 {
                faults.push(format!("{} of track {number} beyond the file's end", counted(outside, "sample")));
            }
            if counts.blocks > 0 && counts.header.kind == TrackType::Video && counts.keys == 0 {
                faults.push(format!("no key frame in track {number}"));
            }
        }
        self.length_and_index(movie, &mut faults);
        faults
    }

    fn length_and_index(&self, movie: &Movie, faults: &mut Vec<String>) {
        if self.blocks() == 0 {
            return;
        }
        let end = self.measured_end();
        // Some writers leave out the end of the sound's last packet, or round to a frame.
        let last = self.counts.iter().filter(|counts| counts.blocks > 0).map(TrackCounts::last_duration);
        let slack = last.fold(0.002, |slack, last| f64::max(slack, last / 1e9));
        match self.declared() {
            None => faults.push("no duration".to_owned()),
            Some(declared) if self.fragments.count == 0 && declared + slack < end - slack => {
                faults.push(format!("the duration says {declared:.3} s but the last frame ends at {end:.3} s"));
            }
            Some(declared) if declared > end + slack + self.longest_delay(movie) => {
                faults.push(format!("the duration says {declared:.3} s but the last frame ends at {end:.3} s"));
            }
            Some(_) => {}
        }
        if self.fragments.count > 0 {
            let fragments = counted(self.fragments.count, "fragment");
            faults.push(format!("no index of the whole file: it is in {fragments}"));
        }
    }

    /// How long the last edit may present nothing, in seconds.
    fn longest_delay(&self, movie: &Movie) -> f64 {
        let empty = |track: &TrackHeader| {
            let empty = track.edits.iter().filter(|edit| edit.media_time < 0);
            empty.fold(0, |sum: u64, edit| sum.saturating_add(edit.duration))
        };
        movie.tracks.iter().map(empty).max().unwrap_or(0) as f64 / f64::from(movie.timescale)
    }
}

/// Where a track's time 0 is in the file's, and its unit.
#[derive(Debug, Clone, Copy)]
struct TrackClock {
    timescale: u32,
    media_time: i64,
    /// In nanoseconds.
    delay: i128,
}

impl TrackClock {
    fn of(movie: &Movie, track: &TrackHeader) -> Self {
        let presentation = track.presentation();
        let delay = i128::from(presentation.delay) * 1_000_000_000 / i128::from(movie.timescale);
        Self { timescale: track.timescale, media_time: presentation.media_time, delay }
    }

    /// When a sample is shown in the file, in nanoseconds.
    fn shown(self, sample: &TableSample) -> i64 {
        let units = i128::from(sample.time) + i128::from(sample.shift) - i128::from(self.media_time);
        // Division of 128 bits takes long, and is rarely needed.
        let nanos = match i64::try_from(units).ok().and_then(|units| units.checked_mul(1_000_000_000)) {
            Some(nanos) => i128::from(nanos / i64::from(self.timescale)),
            None => units * 1_000_000_000 / i128::from(self.timescale),
        };
        let nanos = i64::try_from(nanos + self.delay).unwrap_or(i64::MAX);
        nanos.clamp(i64::MIN / 4, i64::MAX / 4)
    }
}

/// A sample as the counts take it.
fn block(sample: &TableSample, track: u32, time: i64, key: bool, duration: u64) -> Block {
    let data = sample.at..sample.at.saturating_add(sample.size.into());
    Block {
        element: data.clone(),
        data,
        track: track.into(),
        time,
        relative: 0,
        flags: 0,
        key,
        duration: Some(duration),
        frames: 1,
        whole: true,
        additional: None,
    }
}

/// The header of a track as the counts know it. The codecs whose frames are always in order have Matroska's names.
fn counted_header(track: &TrackHeader) -> Track {
    let kind = match &track.handler {
        b"vide" => TrackType::Video,
        b"soun" => TrackType::Audio,
        b"sbtl" | b"subt" | b"text" => TrackType::Subtitle,
        _ => TrackType::Other,
    };
    let codec = match &track.entry {
        b"av01" => "V_AV1".to_owned(),
        b"vp08" => "V_VP8".to_owned(),
        b"vp09" => "V_VP9".to_owned(),
        entry => name(*entry),
    };
    Track { number: track.id.into(), kind, codec, ..Track::default() }
}
