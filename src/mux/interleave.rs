//! Where sound and pictures meet: packets of several tracks in, one sequence in the order of time out. Pure.

use std::collections::VecDeque;

use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::{Span, Timestamp};

/// Puts the packets of a video and an audio track into one order.
///
/// A packet leaves when no earlier one can follow on the other track: when that has brought a later one, has said that it
/// [reached](Interleaver::reach) a later time, or has ended. Memory has a bound: a track is not waited for when it lags
/// behind by more than the patience that was given, or when [`Interleaver::MOST_HELD`] bytes wait for it; what comes later
/// than its turn is refused.
#[derive(Debug)]
pub struct Interleaver {
    lanes: [Lane; 2],
    patience: Span,
    /// How many bytes wait.
    held: usize,
    /// The time of the packet that left last.
    left: Timestamp,
}

#[derive(Debug)]
struct Lane {
    kind: TrackKind,
    queue: VecDeque<EncodedPacket>,
    /// No packet before this time follows.
    reached: Timestamp,
    open: bool,
}

impl Interleaver {
    /// How many bytes may wait for a track that lags behind.
    pub const MOST_HELD: usize = 64 << 20;

    /// An interleaver of these tracks, of which one may lag behind the other by so much.
    pub fn new(video: bool, audio: bool, patience: Span) -> Self {
        let lane = |kind, open| Lane { kind, queue: VecDeque::new(), reached: Timestamp::ZERO, open };
        // Of two packets at one time the sound goes first: libwebm keeps it back until a picture follows.
        let lanes = [lane(TrackKind::Audio, audio), lane(TrackKind::Video, video)];
        Self { lanes, patience, held: 0, left: Timestamp::ZERO }
    }

    /// Takes a packet; the timestamps of a track rise. False when it is too late: later ones have left already.
    pub fn push(&mut self, kind: TrackKind, packet: EncodedPacket) -> bool {
        if packet.timestamp < self.left {
            return false;
        }
        self.reach(kind, packet.timestamp);
        self.held += packet.data.len();
        self.lane(kind).queue.push_back(packet);
        true
    }

    /// No packet before `time` follows on this track.
    pub fn reach(&mut self, kind: TrackKind, time: Timestamp) {
        let lane = self.lane(kind);
        lane.reached = lane.reached.max(time);
    }

    /// No packet follows on this track.
    pub fn end(&mut self, kind: TrackKind) {
        self.lane(kind).open = false;
    }

    /// The packet that is next, if that is known.
    pub fn pop(&mut self) -> Option<(TrackKind, EncodedPacket)> {
        let first = |lane: &Lane| lane.queue.front().map(|packet| packet.timestamp);
        let next = self.lanes.iter().filter_map(|lane| Some((first(lane)?, lane.kind))).min_by_key(|&(time, _)| time);
        let (time, kind) = next?;
        let newest = self.lanes.iter().map(|lane| lane.reached).max().unwrap_or(time);
        let waits = |lane: &Lane| {
            let silent = lane.open && lane.queue.is_empty() && lane.reached <= time;
            silent && lane.kind != kind && newest - time <= self.patience && self.held <= Self::MOST_HELD
        };
        if self.lanes.iter().any(waits) {
            return None;
        }
        self.left = time;
        let packet = self.lane(kind).queue.pop_front()?;
        self.held -= packet.data.len();
        Some((kind, packet))
    }

    fn lane(&mut self, kind: TrackKind) -> &mut Lane {
        let [audio, video] = &mut self.lanes;
        match kind {
            TrackKind::Audio => audio,
            TrackKind::Video => video,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(millis: i64) -> EncodedPacket {
        let timestamp = Timestamp::ZERO + Span::from_millis(millis);
        EncodedPacket { data: vec![0], timestamp, duration: Span::from_millis(20), key: true }
    }

    fn popped(interleaver: &mut Interleaver) -> Vec<(TrackKind, i64)> {
        let packets = std::iter::from_fn(|| interleaver.pop());
        packets.map(|(kind, packet)| (kind, packet.timestamp.as_nanos() / 1_000_000)).collect()
    }

    use TrackKind::{Audio, Video};

    #[test]
    fn packets_leave_in_the_order_of_time_and_sound_goes_first() {
        let mut both = Interleaver::new(true, true, Span::from_secs(10));
        [0, 20, 40].into_iter().for_each(|at| assert!(both.push(Audio, packet(at))));
        assert_eq!(popped(&mut both), []);
        [0, 33].into_iter().for_each(|at| assert!(both.push(Video, packet(at))));
        assert_eq!(popped(&mut both), [(Audio, 0), (Video, 0), (Audio, 20), (Video, 33)]);
        both.end(Video);
        assert_eq!(popped(&mut both), [(Audio, 40)]);
    }

    #[test]
    fn one_track_alone_waits_for_nothing() {
        let mut video = Interleaver::new(true, false, Span::ZERO);
        assert!(video.push(Video, packet(5)));
        assert_eq!(popped(&mut video), [(Video, 5)]);
    }

    #[test]
    fn a_track_that_tells_where_it_is_holds_nothing_up() {
        let mut both = Interleaver::new(true, true, Span::from_secs(10));
        [0, 20, 40].into_iter().for_each(|at| assert!(both.push(Audio, packet(at))));
        both.reach(Video, packet(21).timestamp);
        assert_eq!(popped(&mut both), [(Audio, 0), (Audio, 20)]);
    }

    #[test]
    fn what_waits_has_a_bound() {
        let mut both = Interleaver::new(true, true, Span::from_secs(1_000_000));
        let large = |at| EncodedPacket { data: vec![0; Interleaver::MOST_HELD / 4], ..packet(at) };
        (0..4).for_each(|at| assert!(both.push(Video, large(at))));
        assert_eq!(popped(&mut both), []);
        assert!(both.push(Video, packet(4)));
        assert_eq!(popped(&mut both), [(Video, 0)]);
    }

    #[test]
    fn a_track_that_lags_too_far_is_not_waited_for() {
        let mut both = Interleaver::new(true, true, Span::from_secs(10));
        [0, 5_000, 10_000].into_iter().for_each(|at| assert!(both.push(Video, packet(at))));
        assert_eq!(popped(&mut both), []);
        assert!(both.push(Video, packet(10_001)));
        assert_eq!(popped(&mut both), [(Video, 0)]);
        assert!(both.push(Audio, packet(0)));
        assert!(both.push(Video, packet(15_001)));
        assert_eq!(popped(&mut both), [(Audio, 0), (Video, 5_000)]);
        assert!(!both.push(Audio, packet(4_999)), "a packet before one that has left");
    }
}
