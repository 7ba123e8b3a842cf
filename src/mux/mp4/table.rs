//! The sample table of a track: where each sample is, how long it is shown, and which are key frames (ISO/IEC 14496-12
//! §8.5 to §8.9).
//!
//! # Memory
//! 4 bytes for each sample, 8 more for each whose duration differs from the one before, 4 more for each key frame of
//! video, and 16 for each chunk, of which a recording has ten a second and track. A sample of sound (50 a second) takes
//! some 7 bytes, a frame of video (30 a second) 10 at a constant rate and 17 at a variable one: an hour of both takes
//! 3 MB at the most. Where frames are not decoded in the order in which they are shown, it is 4 bytes more for each.

use super::boxes::BoxWriter;

/// A sample: a frame of video or a packet of sound. Times are in the track's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TableSample {
    /// Where its data is in the file, and how many bytes it has.
    pub(crate) at: u64,
    pub(crate) size: u32,
    /// When it is decoded.
    pub(crate) time: u64,
    /// How long it lasts, if none follows.
    pub(crate) duration: u32,
    /// How much later than it is decoded it is shown.
    pub(crate) shift: i32,
    /// Whether decoding can begin here.
    pub(crate) key: bool,
}

/// Samples that follow one another in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SampleChunk {
    pub(crate) at: u64,
    /// The index of its first sample.
    first: u32,
}

/// All samples of a track, in the order of decoding.
#[derive(Debug, Clone, Default)]
pub(crate) struct SampleTable {
    sizes: Vec<u32>,
    /// Durations: how many samples in succession have which. Without the last sample.
    runs: Vec<(u32, u32)>,
    /// The samples' shifts; empty where all are 0.
    shifts: Vec<i32>,
    /// The numbers of the key frames, counted from 1; not kept while all are.
    keys: Vec<u32>,
    all_keys: bool,
    chunks: Vec<SampleChunk>,
    first: u64,
    last: TableSample,
    /// When the sample that is shown last ends, from the first one's time on; kept where samples are shifted.
    shown: i64,
}

impl SampleTable {
    /// How many samples there are.
    pub(crate) fn count(&self) -> usize {
        self.sizes.len()
    }

    /// The time of the first sample.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The time from the first sample to the end of the last.
    pub(crate) fn length(&self) -> u64 {
        if self.sizes.is_empty() { 0 } else { (self.last.time - self.first).saturating_add(self.last.duration.into()) }
    }

    /// How long most samples last.
    pub(crate) fn usual_duration(&self) -> u32 {
        self.runs.iter().max_by_key(|(count, _)| *count).map_or(self.last.duration, |(_, duration)| *duration)
    }

    /// The time from the first sample to the end of what is shown last: later than the end of the last sample where
    /// samples are decoded sooner than they are shown.
    pub(crate) fn shown_length(&self) -> u64 {
        if self.shifts.is_empty() { self.length() } else { self.shown.max(0).cast_unsigned() }
    }

    /// Appends a sample, which is decoded no sooner than the one before. One that comes sooner, of a damaged file, gets
    /// the time of the one before.
    pub(crate) fn push(&mut self, sample: TableSample) {
        let mut sample = sample;
        if self.sizes.is_empty() {
            self.first = sample.time;
            self.all_keys = true;
        } else {
            sample.time = sample.time.max(self.last.time);
            self.run(u32::try_from(sample.time - self.last.time).unwrap_or(u32::MAX));
        }
        if self.sizes.is_empty() || sample.at != self.last.at + u64::from(self.last.size) {
            self.chunks.push(SampleChunk { at: sample.at, first: self.sizes.len() as u32 });
        }
        if sample.shift != 0 && self.shifts.is_empty() {
            self.shifts.resize(self.sizes.len(), 0);
        }
        if sample.shift != 0 || !self.shifts.is_empty() {
            self.shifts.push(sample.shift);
        }
        if self.all_keys && !sample.key {
            self.all_keys = false;
            self.keys = (1..=self.sizes.len() as u32).collect();
        }
        let end = (sample.time - self.first).saturating_add(sample.duration.into());
        self.shown = self.shown.max(i64::try_from(end).unwrap_or(i64::MAX).saturating_add(sample.shift.into()));
        self.sizes.push(sample.size);
        if !self.all_keys && sample.key {
            self.keys.push(self.sizes.len() as u32);
        }
        self.last = sample;
    }

    /// The last sample ends at this time.
    pub(crate) fn set_end(&mut self, time: u64) {
        self.last.duration = u32::try_from(time.saturating_sub(self.last.time)).unwrap_or(u32::MAX);
    }

    fn run(&mut self, duration: u32) {
        match self.runs.last_mut() {
            Some((count, last)) if *last == duration => *count += 1,
            _ => self.runs.push((1, duration)),
        }
    }

    /// How many bytes [`SampleTable::write`] writes, at the most.
    pub(crate) fn bytes(&self) -> u64 {
        const BOXES: usize = 256;
        let samples = 4 * self.sizes.len() + 8 * (self.runs.len() + 1) + 8 * self.shifts.len() + 4 * self.keys.len();
        (BOXES + samples + 20 * self.chunks.len()) as u64
    }

    /// How many chunks there are.
    pub(crate) fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// The chunks, each with the number of its bytes.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = (SampleChunk, u64)> {
        self.chunks.iter().enumerate().map(|(index, chunk)| {
            let end = self.chunks.get(index + 1).map_or(self.sizes.len(), |next| next.first as usize);
            let bytes = self.sizes[chunk.first as usize..end].iter().map(|&size| u64::from(size)).sum();
            (*chunk, bytes)
        })
    }

    /// Moves every chunk: `to` gives the new place of the next one.
    pub(crate) fn relocate(&mut self, mut to: impl FnMut(u64) -> u64) {
        self.chunks.iter_mut().for_each(|chunk| chunk.at = to(chunk.at));
    }

    /// Whether a chunk lies beyond what 32 bits can say.
    pub(crate) fn is_large(&self) -> bool {
        self.chunks.iter().any(|chunk| chunk.at > u64::from(u32::MAX))
    }

    /// Writes the `stbl` box. `stsd` is the whole box of the sample descriptions; positions have 64 bits where `large`;
    /// with `roll`, so many samples must be decoded before one is heard exactly (§10.1).
    pub(crate) fn write(&self, boxes: &mut BoxWriter, stsd: &[u8], large: bool, roll: Option<i16>) {
        let count = self.sizes.len() as u32;
        boxes.boxed(*b"stbl", |stbl| {
            stbl.bytes(stsd);
            self.write_times(stbl);
            if !self.all_keys {
                stbl.full(*b"stss", 0, 0, |stss| {
                    stss.u32(self.keys.len() as u32);
                    self.keys.iter().for_each(|&key| stss.u32(key));
                });
            }
            self.write_places(stbl, large);
            let Some(roll) = roll.filter(|_| count > 0) else { return };
            stbl.full(*b"sgpd", 1, 0, |sgpd| {
                sgpd.bytes(b"roll");
                // The length of an entry, and how many there are.
                sgpd.u32(2);
                sgpd.u32(1);
                sgpd.u16(roll.cast_unsigned());
            });
            stbl.full(*b"sbgp", 0, 0, |sbgp| {
                sbgp.bytes(b"roll");
                // All samples are in group 1.
                [1, count, 1].into_iter().for_each(|value| sbgp.u32(value));
            });
        });
    }

    fn write_times(&self, stbl: &mut BoxWriter) {
        let last = (self.count() > 0).then_some((1, self.last.duration));
        let mut runs = self.runs.clone();
        match (runs.last_mut(), last) {
            (Some((count, duration)), Some((_, last))) if *duration == last => *count += 1,
            _ => runs.extend(last),
        }
        stbl.full(*b"stts", 0, 0, |stts| {
            stts.u32(runs.len() as u32);
            for (count, duration) in runs {
                stts.u32(count);
                stts.u32(duration);
            }
        });
        if self.shifts.is_empty() {
            return;
        }
        let version = u8::from(self.shifts.iter().any(|&shift| shift < 0));
        stbl.full(*b"ctts", version, 0, |ctts| {
            let same = || self.shifts.chunk_by(|a, b| a == b);
            ctts.u32(same().count() as u32);
            for run in same() {
                ctts.u32(run.len() as u32);
                ctts.u32(run[0].cast_unsigned());
            }
        });
    }

    fn write_places(&self, stbl: &mut BoxWriter, large: bool) {
        let count = self.sizes.len() as u32;
        let ends = self.chunks.iter().skip(1).map(|chunk| chunk.first).chain([count]);
        // The first chunk, counted from 1, of those in succession that have so many samples.
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for (index, (chunk, end)) in self.chunks.iter().zip(ends).enumerate() {
            let samples = end - chunk.first;
            if runs.last().is_none_or(|(_, last)| *last != samples) {
                runs.push((index as u32 + 1, samples));
            }
        }
        stbl.full(*b"stsc", 0, 0, |stsc| {
            stsc.u32(runs.len() as u32);
            for (first, samples) in runs {
                // All are of the first sample description.
                [first, samples, 1].into_iter().for_each(|value| stsc.u32(value));
            }
        });
        stbl.full(*b"stsz", 0, 0, |stsz| {
            stsz.u32(0);
            stsz.u32(count);
            self.sizes.iter().for_each(|&size| stsz.u32(size));
        });
        stbl.full(if large { *b"co64" } else { *b"stco" }, 0, 0, |places| {
            places.u32(self.chunks.len() as u32);
            for chunk in &self.chunks {
                if large { places.u64(chunk.at) } else { places.u32(chunk.at as u32) }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::boxes::{child, descend};
    use super::*;

    fn numbers(stbl: &[u8], kind: &[u8; 4]) -> Vec<u32> {
        let content = descend(stbl, &[*b"stbl", *kind]).unwrap_or_else(|| panic!("{}", kind.escape_ascii()));
        content.chunks_exact(4).skip(1).map(|four| u32::from_be_bytes(four.try_into().unwrap())).collect()
    }

    fn written(table: &SampleTable, large: bool) -> Vec<u8> {
        let mut boxes = BoxWriter::default();
        table.write(&mut boxes, &[], large, None);
        assert!(boxes.len() as u64 <= table.bytes(), "{} of {}", boxes.len(), table.bytes());
        boxes.into_bytes()
    }

    #[test]
    fn samples_become_runs_and_chunks() {
        let mut table = SampleTable::default();
        // Two chunks of two samples and one of one; the third sample lasts longer than it said.
        for (at, time, key) in [(100, 7, true), (110, 17, false), (500, 27, false), (510, 57, true), (900, 67, false)] {
            table.push(TableSample { at, size: 10, time, duration: 10, shift: 0, key });
        }
        assert_eq!((table.first(), table.length(), table.shown_length(), table.usual_duration()), (7, 70, 70, 10));
        table.set_end(80);
        let stbl = written(&table, false);
        assert_eq!(numbers(&stbl, b"stts"), [4, 2, 10, 1, 30, 1, 10, 1, 13]);
        assert_eq!(numbers(&stbl, b"stss"), [2, 1, 4]);
        assert_eq!(numbers(&stbl, b"stsc"), [2, 1, 2, 1, 3, 1, 1]);
        assert_eq!(numbers(&stbl, b"stsz"), [0, 5, 10, 10, 10, 10, 10]);
        assert_eq!(numbers(&stbl, b"stco"), [3, 100, 500, 900]);
        assert_eq!(child(&stbl, *b"ctts"), None);
        assert_eq!(
            table.chunks().map(|(chunk, bytes)| (chunk.at, bytes)).collect::<Vec<_>>(),
            [(100, 20), (500, 20), (900, 10)]
        );
    }

    #[test]
    fn positions_beyond_four_gibibytes_have_64_bits() {
        let mut table = SampleTable::default();
        let at = 5 << 30;
        table.push(TableSample { at, size: 1, key: true, ..TableSample::default() });
        assert!(table.is_large());
        assert_eq!(numbers(&written(&table, true), b"co64"), [1, 1, 1 << 30]);
        table.relocate(|at| at - (4 << 30));
        assert!(!table.is_large());
        assert_eq!(numbers(&written(&table, false), b"stco"), [1, 1 << 30]);
    }

    #[test]
    fn shifts_are_written_once_one_is_not_zero() {
        let mut table = SampleTable::default();
        for (time, shift) in [(0, 0), (1, 0), (2, 5), (3, -5)] {
            table.push(TableSample { at: time, size: 1, time, duration: 1, shift, key: true });
        }
        // The third is shown from 7 to 8, the fourth before it.
        assert_eq!((table.length(), table.shown_length()), (4, 8));
        let stbl = written(&table, false);
        assert_eq!(numbers(&stbl, b"ctts"), [3, 2, 0, 1, 5, 1, (-5_i32).cast_unsigned()]);
        assert_eq!(descend(&stbl, &[*b"stbl", *b"ctts"]).unwrap()[0], 1, "signed");
    }
}
