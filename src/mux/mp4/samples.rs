//! The samples of a track, as its table lists them (ISO/IEC 14496-12 §8.6 and §8.7) or a fragment does (§8.8). Tables are
//! not copied; an entry that says more than there is, ends the list.

use super::boxes::{child, children, u32_at, u64_at};
use super::movie::{SampleDefaults, TrackHeader};
use super::table::TableSample;

/// The bit of a sample's flags that says that decoding cannot begin there (§8.8.3.1).
const NO_SYNC: u32 = 0x1_0000;

/// The entries of a table: pairs of a count and a value, of which each value holds for `count` samples.
struct TableRuns<'a> {
    entries: &'a [u8],
    left: u32,
    value: u32,
}

impl<'a> TableRuns<'a> {
    /// Those of a box whose entries stand behind their number.
    fn of(content: Option<&'a [u8]>) -> Self {
        Self { entries: content.and_then(|content| content.get(8..)).unwrap_or_default(), left: 0, value: 0 }
    }

    /// The value of the next sample; 0 behind the last.
    fn next(&mut self) -> u32 {
        while self.left == 0 {
            let (Some(count), Some(value)) = (u32_at(self.entries, 0), u32_at(self.entries, 4)) else { return 0 };
            (self.left, self.value) = (count, value);
            self.entries = &self.entries[8..];
        }
        self.left -= 1;
        self.value
    }
}

/// The samples of a table.
pub(crate) struct StblSamples<'a> {
    durations: TableRuns<'a>,
    shifts: TableRuns<'a>,
    /// The numbers of the key frames that are still to come; none where all are.
    keys: Option<&'a [u8]>,
    sizes: &'a [u8],
    /// The size of all samples, if it is one.
    size: u32,
    chunks: &'a [u8],
    large: bool,
    /// What is left of the list of chunks' lengths.
    lengths: &'a [u8],
    samples_a_chunk: u32,
    chunk: u32,
    left_in_chunk: u32,
    at: u64,
    number: u32,
    count: u32,
    time: u64,
}

impl<'a> StblSamples<'a> {
    /// Of a table's content.
    pub(crate) fn of(stbl: &'a [u8]) -> Self {
        let entries = |kind| child(stbl, kind).and_then(|content: &[u8]| content.get(8..));
        let stsz = child(stbl, *b"stsz").unwrap_or_default();
        let (chunks, large) = match entries(*b"co64") {
            Some(chunks) => (chunks, true),
            None => (entries(*b"stco").unwrap_or_default(), false),
        };
        Self {
            durations: TableRuns::of(child(stbl, *b"stts")),
            shifts: TableRuns::of(child(stbl, *b"ctts")),
            keys: entries(*b"stss"),
            sizes: stsz.get(12..).unwrap_or_default(),
            size: u32_at(stsz, 4).unwrap_or(0),
            chunks,
            large,
            lengths: entries(*b"stsc").unwrap_or_default(),
            samples_a_chunk: 0,
            chunk: 0,
            left_in_chunk: 0,
            at: 0,
            number: 0,
            count: u32_at(stsz, 8).unwrap_or(0),
            time: 0,
        }
    }

    fn begin_chunk(&mut self) -> Option<()> {
        self.chunk += 1;
        while u32_at(self.lengths, 0).is_some_and(|first| first <= self.chunk) {
            self.samples_a_chunk = u32_at(self.lengths, 4)?;
            self.lengths = self.lengths.get(12..)?;
        }
        let index = self.chunk as usize - 1;
        self.at = if self.large { u64_at(self.chunks, 8 * index)? } else { u32_at(self.chunks, 4 * index)?.into() };
        self.left_in_chunk = self.samples_a_chunk;
        Some(())
    }

    fn is_key(&mut self) -> bool {
        let Some(keys) = self.keys else { return true };
        let key = u32_at(keys, 0) == Some(self.number);
        if key {
            self.keys = keys.get(4..);
        }
        key
    }
}

impl Iterator for StblSamples<'_> {
    type Item = TableSample;

    fn next(&mut self) -> Option<TableSample> {
        if self.number == self.count {
            return None;
        }
        // An empty chunk takes an entry of the list of chunks, which ends.
        while self.left_in_chunk == 0 {
            self.begin_chunk()?;
        }
        let size = if self.size > 0 { self.size } else { u32_at(self.sizes, 4 * self.number as usize)? };
        self.left_in_chunk -= 1;
        self.number += 1;
        let (duration, shift) = (self.durations.next(), self.shifts.next().cast_signed());
        let sample = TableSample { at: self.at, size, time: self.time, duration, shift, key: self.is_key() };
        self.at = self.at.saturating_add(size.into());
        self.time = self.time.saturating_add(duration.into());
        Some(sample)
    }
}

/// Where a fragment's track begins, and what its samples are where it does not say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FragmentBase {
    /// Where the `moof` begins.
    pub(crate) moof: u64,
    /// Where the data of the track before in this fragment ends.
    pub(crate) data: u64,
    /// When the track's next sample is decoded, if the fragment does not say.
    pub(crate) time: u64,
    /// Whether it is the first track in its fragment.
    pub(crate) is_first: bool,
}

/// The number of the track of a `traf`'s content.
pub(crate) fn track_of(traf: &[u8]) -> Option<u32> {
    u32_at(child(traf, *b"tfhd")?, 4)
}

/// Calls `each` with the samples of a `traf`'s content, until it returns false; gives where their data and their times
/// end.
pub(crate) fn fragment(
    traf: &[u8],
    track: &TrackHeader,
    base: FragmentBase,
    each: &mut dyn FnMut(TableSample) -> bool,
) -> (u64, u64) {
    let FragmentBase { moof, data, mut time, is_first } = base;
    let Some((defaults, given)) = child(traf, *b"tfhd").and_then(|tfhd| defaults(tfhd, track.defaults)) else {
        return (data, time);
    };
    let base = match given {
        OffsetBase::At(at) => at,
        OffsetBase::Moof => moof,
        OffsetBase::Nothing if is_first => moof,
        OffsetBase::Nothing => data,
    };
    if let Some(tfdt) = child(traf, *b"tfdt") {
        let given = if tfdt.first() == Some(&1) { u64_at(tfdt, 4) } else { u32_at(tfdt, 4).map(u64::from) };
        time = given.unwrap_or(time);
    }
    let mut at = base;
    for (_, trun) in children(traf).filter(|(kind, _)| kind == b"trun") {
        let Some(mut run) = FragmentRun::of(trun, base, at, defaults) else { break };
        while let Some(sample) = run.next(&mut time) {
            if !each(sample) {
                return (run.at, time);
            }
        }
        at = run.at;
    }
    (at, time)
}

/// Which place offsets count from.
enum OffsetBase {
    At(u64),
    Moof,
    Nothing,
}

/// What a `tfhd` says (§8.8.7).
fn defaults(tfhd: &[u8], mut defaults: SampleDefaults) -> Option<(SampleDefaults, OffsetBase)> {
    let flags = u32_at(tfhd, 0)? & 0xff_ffff;
    let mut given = if flags & 0x2_0000 != 0 { OffsetBase::Moof } else { OffsetBase::Nothing };
    let mut at = 8;
    if flags & 1 != 0 {
        given = OffsetBase::At(u64_at(tfhd, at)?);
        at += 8;
    }
    // The sample description's number.
    at += if flags & 2 != 0 { 4 } else { 0 };
    for (flag, field) in [(8, &mut defaults.duration), (0x10, &mut defaults.size), (0x20, &mut defaults.flags)] {
        if flags & flag != 0 {
            *field = u32_at(tfhd, at)?;
            at += 4;
        }
    }
    Some((defaults, given))
}

/// The samples of a `trun` (§8.8.8).
struct FragmentRun<'a> {
    flags: u32,
    signed: bool,
    first_flags: Option<u32>,
    entries: &'a [u8],
    left: u32,
    at: u64,
    defaults: SampleDefaults,
}

impl<'a> FragmentRun<'a> {
    /// Its data is at an offset from `base`, or else at `next`.
    fn of(trun: &'a [u8], base: u64, next: u64, defaults: SampleDefaults) -> Option<Self> {
        let flags = u32_at(trun, 0)? & 0xff_ffff;
        let left = u32_at(trun, 4)?;
        let (mut field, mut at, mut first_flags) = (8, next, None);
        if flags & 1 != 0 {
            at = base.checked_add_signed(i64::from(u32_at(trun, field)?.cast_signed()))?;
            field += 4;
        }
        if flags & 4 != 0 {
            first_flags = Some(u32_at(trun, field)?);
            field += 4;
        }
        if flags & 0xf00 == 0 && defaults.size == 0 {
            // It may say that it has any number of samples, none of which has a byte here or anywhere.
            return None;
        }
        Some(Self { flags, signed: trun[0] != 0, first_flags, entries: trun.get(field..)?, left, at, defaults })
    }

    fn next(&mut self, time: &mut u64) -> Option<TableSample> {
        self.left = self.left.checked_sub(1)?;
        let SampleDefaults { mut duration, mut size, flags: mut sample_flags } = self.defaults;
        let mut shift = 0;
        for (flag, field) in
            [(0x100, &mut duration), (0x200, &mut size), (0x400, &mut sample_flags), (0x800, &mut shift)]
        {
            if self.flags & flag != 0 {
                *field = u32_at(self.entries, 0)?;
                self.entries = &self.entries[4..];
            }
        }
        sample_flags = self.first_flags.take().unwrap_or(sample_flags);
        let shift = if self.signed { shift.cast_signed() } else { i32::try_from(shift).unwrap_or(i32::MAX) };
        let sample = TableSample { at: self.at, size, time: *time, duration, shift, key: sample_flags & NO_SYNC == 0 };
        self.at = self.at.saturating_add(size.into());
        *time = time.saturating_add(duration.into());
        Some(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::super::boxes::BoxWriter;
    use super::super::fragment::{FragmentSample, FragmentTrack, write};
    use super::super::table::SampleTable;
    use super::*;

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let samples: Vec<_> = (0..40_u64)
            .map(|index| TableSample {
                at: 1000 * (index / 7) + 10 * (index % 7),
                size: if index % 7 == 6 { 3 } else { 10 },
                time: index * 40 + u64::from(index > 9),
                duration: if index == 9 { 41 } else { 40 },
                shift: if index % 3 == 0 { 80 } else { 0 },
                key: index % 8 == 0,
            })
            .collect();
        for large in [false, true] {
            let mut table = SampleTable::default();
            samples.iter().for_each(|sample| table.push(*sample));
            let mut boxes = BoxWriter::default();
            table.write(&mut boxes, &[], large, None);
            let bytes = boxes.into_bytes();
            assert_eq!(StblSamples::of(&bytes[8..]).collect::<Vec<_>>(), samples);
            // Whatever is cut off a table, it ends.
            for length in 8..bytes.len() {
                assert!(StblSamples::of(&bytes[8..length]).count() <= samples.len());
            }
        }
    }

    #[test]
    fn a_fragment_is_read_as_it_was_written() {
        let samples = [(40, 3, true), (41, 5, false)].map(|(duration, size, key)| FragmentSample {
            time: 7,
            duration,
            size,
            key,
        });
        let written = write(1, &[FragmentTrack { id: 1, samples: &samples, data: b"abcdefgh" }]);
        let traf = super::super::boxes::descend(&written.bytes, &[*b"moof", *b"traf"]).unwrap();
        assert_eq!(track_of(traf), Some(1));
        let mut read = Vec::new();
        let base = FragmentBase { moof: 5000, data: 0, time: 1, is_first: true };
        let end = fragment(traf, &TrackHeader::default(), base, &mut |sample| {
            read.push((sample.at, sample.time, sample.duration, sample.size, sample.key));
            true
        });
        let at = 5000 + written.places[0].0;
        assert_eq!(read, [(at, 7, 40, 3, true), (at + 3, 47, 41, 5, false)]);
        assert_eq!(end, (at + 8, 88));
    }
}
