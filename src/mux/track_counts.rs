//! Counts the blocks of one track of a file.

use super::matroska::{Block, Track, TrackType};

/// A track's header and the counts of its blocks. Times are in the file's unit.
#[derive(Debug, Clone)]
pub(crate) struct TrackCounts {
    pub(crate) header: Track,
    pub(crate) blocks: u64,
    /// The size of all frames in bytes.
    pub(crate) bytes: u64,
    pub(crate) keys: u64,
    /// The earliest and the latest time of a block, in whatever order they come.
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
    /// The latest time but one.
    before: Option<i64>,
    /// The duration of the latest block, where the file gives it.
    stated: Option<f64>,
    /// The longest and the shortest time between blocks.
    pub(crate) largest_gap: i64,
    smallest_gap: i64,
    last_key: Option<i64>,
    /// The longest time from one key frame to the next.
    pub(crate) longest_key_interval: Option<i64>,
    /// The times of the key frames; none once there are too many to list.
    pub(crate) key_times: Option<Vec<i64>>,
    /// Whether a block came whose time is not after all those before it.
    reordered: bool,
    /// How many such blocks came where none is allowed, and the time of the first.
    pub(crate) late: u64,
    pub(crate) first_late: Option<i64>,
}

impl TrackCounts {
    /// How many key frames are listed at most.
    const KEY_TIMES: usize = 256;

    pub(crate) fn new(header: Track) -> Self {
        Self {
            header,
            blocks: 0,
            bytes: 0,
            keys: 0,
            first: None,
            last: None,
            before: None,
            stated: None,
            largest_gap: 0,
            smallest_gap: i64::MAX,
            last_key: None,
            longest_key_interval: None,
            key_times: Some(Vec::new()),
            reordered: false,
            late: 0,
            first_late: None,
        }
    }

    pub(crate) fn is_opus(&self) -> bool {
        self.header.codec == "A_OPUS"
    }

    /// Counts a block. `head` holds the first bytes of its data, where they are needed ([`TrackCounts::is_opus`]). A
    /// unit of time has `scale` nanoseconds.
    pub(crate) fn count(&mut self, block: &Block, head: &[u8], scale: u64) {
        self.blocks += 1;
        self.bytes += block.data.end - block.data.start;
        if block.key {
            self.count_key(block.time);
        }
        let Some(last) = self.last else {
            (self.first, self.last) = (Some(block.time), Some(block.time));
            self.stated = self.stated_duration(block, head, scale);
            return;
        };
        self.first = self.first.min(Some(block.time));
        if block.time > last {
            self.largest_gap = self.largest_gap.max(block.time - last);
            self.smallest_gap = self.smallest_gap.min(block.time - last);
            self.before = Some(last);
            self.last = Some(block.time);
            self.stated = self.stated_duration(block, head, scale);
        } else {
            self.reordered = true;
            if self.before.is_none_or(|before| before < block.time) && block.time < last {
                self.before = Some(block.time);
            }
            if block.time < last && !self.reorders() {
                self.late += 1;
                self.first_late.get_or_insert(block.time);
            }
        }
    }

    fn count_key(&mut self, time: i64) {
        self.keys += 1;
        if let Some(last) = self.last_key {
            self.longest_key_interval = self.longest_key_interval.max(Some(time - last));
        }
        self.last_key = Some(time);
        match &mut self.key_times {
            Some(times) if times.len() < Self::KEY_TIMES => times.push(time),
            times => *times = None,
        }
    }

    /// Whether blocks may come in another order than their times: they are stored in the order of decoding.
    fn reorders(&self) -> bool {
        let in_order = ["V_AV1", "V_VP8", "V_VP9"].contains(&self.header.codec.as_str());
        self.header.kind != TrackType::Audio && !in_order
    }

    /// The duration of a block by its group, its packet or its track.
    fn stated_duration(&self, block: &Block, head: &[u8], scale: u64) -> Option<f64> {
        let units = |nanos: f64| nanos / scale as f64;
        let packet = || opus_millis(head).filter(|_| self.is_opus() && !block.is_laced()).map(|ms| units(ms * 1e6));
        let frames = || self.header.default_duration.map(|one| units(one.as_nanos() as f64 * block.frames as f64));
        block.duration.map(|duration| duration as f64).or_else(packet).or_else(frames)
    }

    /// Whether the file gives the duration of the last block.
    pub(crate) fn states_its_end(&self) -> bool {
        self.stated.is_some()
    }

    /// The duration of the last block: as the file gives it, else that of the block before. Where all are equal except
    /// for the rounding of times, the mean.
    pub(crate) fn last_duration(&self) -> f64 {
        let (Some(first), Some(last), Some(before)) = (self.first, self.last, self.before) else {
            return self.stated.unwrap_or(0.0);
        };
        let regular = self.largest_gap - self.smallest_gap <= 1 && !self.reordered;
        let span = if regular { (last - first) as f64 / (self.blocks - 1) as f64 } else { (last - before) as f64 };
        self.stated.unwrap_or(span)
    }

    /// The end of the last block.
    pub(crate) fn end(&self) -> Option<f64> {
        self.last.map(|last| last as f64 + self.last_duration())
    }
}

/// The duration of an Opus packet in milliseconds, from its first two bytes (RFC 6716 §3.1, §3.2.5).
fn opus_millis(packet: &[u8]) -> Option<f64> {
    let toc = *packet.first()?;
    let config = usize::from(toc >> 3);
    let frame = match config {
        0..12 => [10.0, 20.0, 40.0, 60.0][config % 4],
        12..16 => [10.0, 20.0][config % 2],
        _ => [2.5, 5.0, 10.0, 20.0][config % 4],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1)? & 0x3f,
    };
    Some(frame * f64::from(frames))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn block(time: i64) -> Block {
        Block {
            element: 0..0,
            data: 0..10,
            track: 1,
            time,
            relative: 0,
            flags: 0,
            key: false,
            additional: None,
            duration: None,
            frames: 1,
            whole: true,
        }
    }

    fn counts(codec: &str, default_duration: Option<Span>) -> TrackCounts {
        TrackCounts::new(Track { codec: codec.to_owned(), default_duration, ..Track::default() })
    }

    fn end(mut counts: TrackCounts, times: &[i64], head: &[u8]) -> f64 {
        times.iter().for_each(|&time| counts.count(&block(time), head, 1_000_000));
        counts.end().unwrap()
    }

    #[test]
    fn the_end_is_by_the_packet_the_track_or_the_frame_before() {
        let toc_20ms = [0x78];
        assert_eq!(end(counts("A_OPUS", Some(Span::from_millis(5))), &[0, 20], &toc_20ms), 40.0);
        assert_eq!(end(counts("V_AV1", Some(Span::from_millis(40))), &[0, 90], &[]), 130.0);
        assert_eq!(end(counts("V_AV1", None), &[0, 30, 90], &[]), 150.0);
        // 30 frames a second, to a millisecond.
        assert_eq!(end(counts("V_AV1", None), &[0, 33, 67, 100], &[]).round(), 133.0);
        assert_eq!(end(counts("V_AV1", None), &[7], &[]), 7.0);
        let mut given = counts("V_AV1", Some(Span::from_millis(40)));
        given.count(&Block { duration: Some(7), ..block(3) }, &[], 1_000_000);
        assert_eq!(given.end(), Some(10.0));
    }

    #[test]
    fn frames_that_are_decoded_in_another_order_than_shown_are_no_fault_of_h264() {
        for (codec, late) in [("V_MPEG4/ISO/AVC", 0), ("V_VP9", 2)] {
            let mut counts = counts(codec, None);
            [0, 120, 40, 80].into_iter().for_each(|time| counts.count(&block(time), &[], 1_000_000));
            assert_eq!((counts.late, counts.end()), (late, Some(160.0)), "{codec}");
        }
    }

    #[test]
    fn a_packet_of_opus_says_how_long_it_is() {
        for (packet, millis) in [
            (&[0x00][..], 10.0),
            (&[0x18], 60.0),
            (&[0x68], 20.0),
            (&[0xfc], 20.0),
            (&[0xe1], 5.0),
            (&[0xfb, 0x03], 60.0),
        ] {
            assert_eq!(opus_millis(packet), Some(millis), "{packet:x?}");
        }
        assert_eq!((opus_millis(&[]), opus_millis(&[3])), (None, None));
    }
}
