//! One track of a file that is being written: the samples that wait for a fragment, and the table of all samples.

use super::fragment::FragmentSample;
use super::table::{SampleTable, TableSample};
use crate::packet::EncodedPacket;
use crate::time::Timestamp;

/// A track that is being written.
#[derive(Debug)]
pub(crate) struct TrackWriter {
    pub(crate) id: u32,
    /// The unit of its times, in parts of a second.
    timescale: u32,
    /// Added to the times of packets: decoded samples that are not heard.
    skip: u64,
    /// The samples of the next fragment, and their data.
    pub(crate) waiting: Vec<FragmentSample>,
    pub(crate) data: Vec<u8>,
    /// All samples in the file; kept only where the table will be written.
    pub(crate) table: SampleTable,
    keeps_table: bool,
    /// The time of the last sample, and where the next one would be without a gap.
    last: Option<u64>,
    next: u64,
    /// The last sample in the file.
    pub(crate) written: Option<WrittenSample>,
}

/// The last sample in the file, whose duration may still be corrected.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrittenSample {
    time: u64,
    pub(crate) duration: u32,
    /// Where its duration is in the file.
    pub(crate) duration_at: u64,
}

impl TrackWriter {
    pub(crate) fn new(id: u32, timescale: u32, skip: u64, keeps_table: bool) -> Self {
        Self {
            id,
            timescale,
            skip,
            waiting: Vec::new(),
            data: Vec::new(),
            table: SampleTable::default(),
            keeps_table,
            last: None,
            next: 0,
            written: None,
        }
    }

    /// Leaves out so many samples at the beginning. Only before the first packet.
    pub(crate) fn set_skip(&mut self, skip: u64) {
        self.skip = skip;
    }

    /// Whether it has no packet yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// A time in the track's unit, rounded.
    pub(crate) fn ticks(&self, time: Timestamp) -> u64 {
        let nanos = time.as_nanos().max(0) as u128;
        ((nanos * u128::from(self.timescale) + 500_000_000) / 1_000_000_000) as u64 + self.skip
    }

    /// Appends a frame of video. The one before is shown until it comes. Gives the corrected duration of the last sample
    /// in the file, if that is the one before.
    pub(crate) fn push_frame(&mut self, packet: &EncodedPacket) -> Option<u32> {
        let time = self.ticks(packet.timestamp).max(self.last.map_or(0, |last| last + 1));
        let corrected = self.extend_last(time);
        let duration = length(time, self.ticks(packet.timestamp + packet.duration));
        self.push(packet, time, duration.max(1));
        corrected
    }

    /// The last frame is shown until this time of the track. As [`TrackWriter::push_frame`].
    pub(crate) fn extend_last(&mut self, time: u64) -> Option<u32> {
        if let Some(last) = self.waiting.last_mut() {
            last.duration = length(last.time, time).max(1);
            return None;
        }
        let written = self.written.as_mut()?;
        let duration = length(written.time, time).max(1);
        (std::mem::replace(&mut written.duration, duration) != duration).then_some(duration)
    }

    /// Appends a packet of sound that decodes to so many samples. It follows the one before unless it comes much later:
    /// then sound was lost.
    pub(crate) fn push_sound(&mut self, packet: &EncodedPacket, decoded: u64) {
        let (begin, end) = (self.ticks(packet.timestamp), self.ticks(packet.timestamp + packet.duration));
        let time = match self.last {
            // The first one may begin with samples that are not heard.
            None => end.saturating_sub(decoded),
            Some(_) if begin > self.next + decoded / 2 => begin,
            Some(_) => self.next,
        };
        if time > self.next && self.last.is_some() {
            self.extend_last(time);
        }
        self.next = time + decoded;
        // The last packet may end before its last sample.
        let decoded = u32::try_from(decoded).unwrap_or(u32::MAX);
        let heard = if self.last.is_none() { decoded } else { length(begin, end).min(decoded) };
        self.push(packet, time, heard);
    }

    /// Appends a packet of sound before the file's beginning, which is not heard.
    pub(crate) fn push_before(&mut self, packet: &EncodedPacket, time: u64, decoded: u64) {
        self.next = time + decoded;
        self.push(packet, time, length(time, self.next));
    }

    fn push(&mut self, packet: &EncodedPacket, time: u64, duration: u32) {
        self.last = Some(time);
        let size = packet.data.len() as u32;
        self.waiting.push(FragmentSample { time, duration, size, key: packet.key });
        self.data.extend_from_slice(&packet.data);
    }

    /// The end of the newest sample that waits or was written.
    pub(crate) fn end(&self) -> u64 {
        let waiting = self.waiting.last().map(|sample| (sample.time, sample.duration));
        let last = waiting.or_else(|| self.written.map(|sample| (sample.time, sample.duration)));
        last.map_or(0, |(time, duration)| time + u64::from(duration))
    }

    /// The first `count` waiting samples are in the file, their data from `at` on, and the last one's duration there.
    pub(crate) fn wrote(&mut self, count: usize, at: u64, duration_at: u64) {
        let mut at = at;
        for sample in self.waiting.drain(..count) {
            let FragmentSample { time, duration, size, key } = sample;
            if self.keeps_table {
                self.table.push(TableSample { at, size, time, duration, shift: 0, key });
            }
            at += u64::from(size);
            self.written = Some(WrittenSample { time, duration, duration_at });
        }
        let left: usize = self.waiting.iter().map(|sample| sample.size as usize).sum();
        self.data.drain(..self.data.len() - left);
    }
}

fn length(from: u64, to: u64) -> u32 {
    u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX)
}
