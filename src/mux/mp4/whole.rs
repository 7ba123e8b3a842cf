//! The `moov` of an ordinary file: the header that a growing file had, with the tables of all samples.

use super::boxes::{BoxWriter, FourCc, children, ranges, u32_at, u64_at};
use super::movie::{EditEntry, Movie, TrackHeader};
use super::table::SampleTable;
use crate::error::{Error, Result};

/// The boxes of an edit list, and how long the track is in the file's unit.
struct TrackTimes {
    edits: Vec<EditEntry>,
    duration: u64,
}

/// A length in another unit, rounded.
pub(crate) fn scaled(value: u64, from: u32, to: u32) -> u64 {
    let scaled = (u128::from(value) * u128::from(to) + u128::from(from) / 2) / u128::from(from.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

impl TrackTimes {
    /// Of a track whose samples are in this table, whose times begin at 0.
    fn of(movie: &Movie, track: &TrackHeader, table: &SampleTable) -> Self {
        let presentation = track.presentation();
        let to_movie = |length: u64| scaled(length, track.timescale, movie.timescale);
        let shown = presentation.media_time - i64::try_from(table.first()).unwrap_or(i64::MAX);
        let (mut delay, begin) = (presentation.delay, shown.max(0) as u64);
        if shown < 0 {
            delay = delay.saturating_add(to_movie(shown.unsigned_abs()));
        }
        let length = to_movie(table.shown_length().saturating_sub(begin));
        let mut edits = Vec::new();
        if delay > 0 {
            edits.push(EditEntry { duration: delay, media_time: -1 });
        }
        if delay > 0 || begin > 0 {
            edits.push(EditEntry { duration: length, media_time: begin.cast_signed() });
        }
        Self { edits, duration: delay.saturating_add(length) }
    }
}

/// How long a file with these tables is, in the unit of the movie.
pub(crate) fn duration(movie: &Movie, tables: &[SampleTable]) -> u64 {
    let each = movie.tracks.iter().zip(tables).filter(|(_, table)| table.count() > 0);
    each.map(|(track, table)| TrackTimes::of(movie, track, table).duration).max().unwrap_or(0)
}

/// Writes the whole `moov`: as it was, but with these tables, one for each track, the durations and edit lists that
/// follow from them, and without a word of fragments.
///
/// # Errors
/// `NotReadableError` for a `moov` that lacks a box that every file has.
pub(crate) fn write(movie: &Movie, tables: &[SampleTable], large: bool) -> Result<Vec<u8>> {
    let mut boxes = BoxWriter::default();
    let total = duration(movie, tables);
    let mut outcome = Some(());
    boxes.boxed(*b"moov", |moov| {
        for found in ranges(&movie.bytes) {
            let (kind, content) = (found.kind, &movie.bytes[found.content.clone()]);
            match &kind {
                b"mvhd" => outcome = outcome.and_then(|()| with_duration(moov, kind, content, 4, total)),
                b"mvex" => {}
                b"trak" => {
                    let mut tracks = movie.tracks.iter().zip(tables);
                    // Those that could not be read are left out.
                    let Some((track, table)) = tracks.find(|(track, _)| track.trak == found.content.start) else {
                        continue;
                    };
                    outcome = outcome.and_then(|()| write_track(moov, content, movie, track, table, large));
                }
                _ => moov.boxed(kind, |other| other.bytes(content)),
            }
        }
    });
    let unreadable = || Error::not_readable("expected a moov with all its boxes but found one that is damaged");
    outcome.map(|()| boxes.into_bytes()).ok_or_else(unreadable)
}

fn write_track(
    moov: &mut BoxWriter,
    trak: &[u8],
    movie: &Movie,
    track: &TrackHeader,
    table: &SampleTable,
    large: bool,
) -> Option<()> {
    let times = TrackTimes::of(movie, track, table);
    let mut outcome = Some(());
    moov.boxed(*b"trak", |boxes| {
        for (kind, content) in children(trak) {
            match &kind {
                b"tkhd" => {
                    outcome = outcome.and_then(|()| with_duration(boxes, kind, content, 8, times.duration));
                    write_edits(boxes, &times.edits);
                }
                b"edts" => {}
                b"mdia" => boxes.boxed(kind, |mdia| {
                    for (kind, content) in children(content) {
                        match &kind {
                            b"mdhd" => {
                                outcome = outcome.and_then(|()| with_duration(mdia, kind, content, 4, table.length()));
                            }
                            b"minf" => {
                                let skips = times.edits.iter().any(|edit| edit.media_time > 0);
                                write_media(mdia, content, track, table, (large, skips));
                            }
                            _ => mdia.boxed(kind, |other| other.bytes(content)),
                        }
                    }
                }),
                _ => boxes.boxed(kind, |other| other.bytes(content)),
            }
        }
    });
    outcome
}

/// Writes a `minf`, whose positions have 64 bits where `large`, and where an edit list may leave out the beginning.
fn write_media(
    mdia: &mut BoxWriter,
    minf: &[u8],
    track: &TrackHeader,
    table: &SampleTable,
    (large, skips): (bool, bool),
) {
    mdia.boxed(*b"minf", |boxes| {
        for (kind, content) in children(minf) {
            if kind != *b"stbl" {
                boxes.boxed(kind, |other| other.bytes(content));
                continue;
            }
            let stsd = ranges(content).find(|found| found.kind == *b"stsd");
            let mut stsd = stsd.map_or(Vec::new(), |found| content[found.whole].to_vec());
            if skips && track.entry == *b"Opus" {
                clear_pre_skip(&mut stsd);
            }
            table.write(boxes, &stsd, large, roll(track, table));
        }
    });
}

/// Sets the pre-skip of Opus to 0: the edit list leaves out the same samples, and Chromium 156 would leave out both.
/// (ffmpeg 5.1 leaves out one of both. In fragments, where an edit list has no end, Chromium obeys the pre-skip alone.)
fn clear_pre_skip(stsd: &mut [u8]) {
    /// Before the sample entry's boxes: the header of `stsd` with its count, and of the entry with its fields.
    const FIELDS: usize = 16 + 8 + 28;
    let Some(boxes) = stsd.get(FIELDS..) else { return };
    let Some(dops) = ranges(boxes).find(|found| found.kind == *b"dOps") else { return };
    // Behind the version and the number of channels.
    let at = FIELDS + dops.content.start + 2;
    if let Some(pre_skip) = stsd.get_mut(at..at + 2) {
        pre_skip.fill(0);
    }
}

/// How many packets of Opus must be decoded before one is heard exactly, as a negative number: 80 ms of them
/// ("Encapsulation of Opus in ISO Base Media File Format" §4.3.6.2).
fn roll(track: &TrackHeader, table: &SampleTable) -> Option<i16> {
    if track.entry != *b"Opus" || table.count() == 0 {
        return None;
    }
    let packet = u64::from(table.usual_duration()).max(1);
    let needed = (u64::from(track.timescale) * 80 / 1000).div_ceil(packet).clamp(1, 32);
    Some(-(needed as i16))
}

/// Writes an `mvhd`, `tkhd` or `mdhd` with another duration, which stands behind two dates and `between` more bytes.
fn with_duration(boxes: &mut BoxWriter, kind: FourCc, content: &[u8], between: usize, duration: u64) -> Option<()> {
    let [version, flags @ ..] = *content.first_chunk::<4>()?;
    let wide = version == 1;
    let date = |index: usize| {
        if wide { u64_at(content, 4 + 8 * index) } else { u32_at(content, 4 + 4 * index).map(u64::from) }
    };
    let dates = [date(0)?, date(1)?];
    let at = 4 + if wide { 16 } else { 8 };
    let middle = content.get(at..at + between)?;
    let rest = content.get(at + between + if wide { 8 } else { 4 }..)?;
    let wide = duration >= u64::from(u32::MAX) || dates.iter().any(|&date| date > u64::from(u32::MAX));
    boxes.boxed(kind, |header| {
        let number =
            |header: &mut BoxWriter, value: u64| if wide { header.u64(value) } else { header.u32(value as u32) };
        header.u8(u8::from(wide));
        header.bytes(&flags);
        dates.into_iter().for_each(|date| number(header, date));
        header.bytes(middle);
        number(header, duration);
        header.bytes(rest);
    });
    Some(())
}

fn write_edits(boxes: &mut BoxWriter, edits: &[EditEntry]) {
    if edits.is_empty() {
        return;
    }
    let narrow = |edit: &EditEntry| u32::try_from(edit.duration).is_ok() && i32::try_from(edit.media_time).is_ok();
    let wide = !edits.iter().all(narrow);
    boxes.boxed(*b"edts", |edts| {
        edts.full(*b"elst", wide.into(), 0, |elst| {
            elst.u32(edits.len() as u32);
            for edit in edits {
                if wide {
                    elst.u64(edit.duration);
                    elst.u64(edit.media_time.cast_unsigned());
                } else {
                    elst.u32(edit.duration as u32);
                    elst.u32((edit.media_time as i32).cast_unsigned());
                }
                // At its own speed.
                elst.u32(0x1_0000);
            }
        });
    });
}
