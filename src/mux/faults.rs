//! The faults of a file, in plain sentences.

use std::io::{Read, Seek};

use super::matroska::{Cue, Track, TrackType};
use super::survey::{Ending, Gap, Gaps, Survey};

/// How many stretches of garbage are listed.
const LISTED: usize = 8;

impl<R: Read + Seek> Survey<R> {
    /// All faults, once the walk is over; none for a file that plays and seeks.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        self.damage(&mut faults);
        self.content(&mut faults);
        if self.blocks() > 0 {
            self.duration(&mut faults);
            self.index(&mut faults);
        }
        faults
    }

    fn damage(&self, faults: &mut Vec<String>) {
        let len = self.file.len();
        faults.extend(garbage(&self.gaps));
        match self.ending {
            Ending::Cut { at, expected } => {
                let rest = if at < len { format!("; the last {} are no whole frame", len - at) } else { String::new() };
                faults.push(format!("cut at byte {len}: by its own sizes it has at least {expected} bytes{rest}"));
            }
            Ending::More(Gap { at, bytes }) => {
                faults.push(format!("{bytes} bytes follow after the film's end at byte {at}"));
            }
            Ending::Whole | Ending::Garbage => {}
        }
        match self.clusters.wrong {
            0 => {}
            wrong => faults.push(format!("{} whose size is wrong", counted(wrong, "cluster"))),
        }
    }

    fn content(&self, faults: &mut Vec<String>) {
        if self.tracks.is_empty() {
            faults.push("no tracks".to_owned());
        } else if self.blocks() == 0 {
            faults.push("no whole frame".to_owned());
        }
        if self.unread_tracks > 0 {
            let unread = counted(self.unread_tracks, "track");
            faults.push(format!("{unread} beyond the {} that are read", Track::MOST));
        }
        match self.unknown_track_blocks {
            0 => {}
            unknown_track_blocks => {
                faults.push(format!("{} of tracks that the file does not have", counted(unknown_track_blocks, "block")))
            }
        }
        for counts in self.tracks.iter().filter(|counts| counts.blocks > 0) {
            let number = counts.header.number;
            if counts.header.kind == TrackType::Video && counts.keys == 0 {
                faults.push(format!("no key frame in track {number}"));
            }
            if let Some(first) = counts.first_late {
                let late = counted(counts.late, "block");
                let at = self.seconds(first as f64);
                faults.push(format!("{late} of track {number} out of order, the first at {at:.3} s"));
            }
        }
    }

    fn duration(&self, faults: &mut Vec<String>) {
        let end = self.measured_end();
        match self.info.duration {
            None => faults.push("no duration".to_owned()),
            Some(declared) if self.believed_duration().is_none() && (declared - end).abs() > self.slack() => {
                let (declared, end) = (self.seconds(declared), self.seconds(end));
                faults.push(format!("the duration says {declared:.3} s but the last block ends at {end:.3} s"));
            }
            Some(_) => {}
        }
    }

    fn index(&self, faults: &mut Vec<String>) {
        if self.cues.as_ref().is_none_or(Vec::is_empty) {
            faults.push("no cues".to_owned());
        }
        if self.cues.as_ref().is_some_and(|cues| cues.len() == Cue::MOST) {
            faults.push(format!("{} cues or more, of which no more are read", Cue::MOST));
        }
        let mut wrong = |cues: &[Cue], what: &str| {
            if let Some(first) = cues.first() {
                let at = self.seconds(first.time as f64);
                faults.push(format!("{} {what}, the first for {at:.3} s", counted(cues.len() as u64, "cue")));
            }
        };
        wrong(&self.cue_check().without_cluster, "where there is no cluster");
        wrong(&self.cue_check().without_frame, "where there is no such key frame");
    }
}

/// The stretches of garbage, as faults.
pub(crate) fn garbage(gaps: &Gaps) -> Vec<String> {
    let first = gaps.first.iter().take(LISTED);
    let mut faults: Vec<_> = first.map(|Gap { at, bytes }| format!("garbage of {bytes} bytes at byte {at}")).collect();
    let more = gaps.count.saturating_sub(LISTED as u64);
    if more > 0 {
        let listed: u64 = gaps.first.iter().take(LISTED).map(|gap| gap.bytes).sum();
        faults.push(format!("garbage of {} bytes in {more} more places", gaps.bytes - listed));
    }
    faults
}

pub(crate) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
