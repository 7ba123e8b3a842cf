//! Interleaves the packets of audio and video by time. Pure.

use std::collections::VecDeque;

use super::message::Packet;
use crate::stream::TrackKind;
use crate::time::{Span, Timestamp};

/// Puts the packets of a video and an audio track into the order of their times.
///
/// A packet leaves when no earlier one can follow on the other track: when the other track has a later packet, has
/// [advanced](Interleaver::advance) to a later time, or has ended. Memory is bounded: the interleaver does not wait for
/// a track that lags behind by more than `max_lag`, or for which more than [`Interleaver::MAX_HELD`] bytes wait. A
/// packet that arrives after a later one has left is refused, and so are the video packets that depend on a refused
/// one.
#[derive(Debug)]
pub struct Interleaver {
    tracks: [QueuedTrack; 2],
    max_lag: Span,
    /// How many bytes wait.
    held: usize,
    /// The time of the packet that left last.
    left: Timestamp,
    /// A video packet was refused: the following ones cannot be decoded up to the next key frame.
    needs_key: bool,
    /// A refused packet was to begin a piece: the next packet that can begin a piece does so.
    piece_pending: bool,
}

#[derive(Debug)]
struct QueuedTrack {
    kind: TrackKind,
    queue: VecDeque<Packet>,
    /// No packet before this time follows.
    reached: Timestamp,
    open: bool,
}

impl Interleaver {
    /// How many bytes may wait for a track that lags behind.
    pub const MAX_HELD: usize = 64 << 20;

    /// An interleaver of these tracks, of which one may lag behind the other by `max_lag`.
    pub fn new(video: bool, audio: bool, max_lag: Span) -> Self {
        let track = |kind, open| QueuedTrack { kind, queue: VecDeque::new(), reached: Timestamp::ZERO, open };
        // Audio comes first, so that it also leaves first at equal times: libwebm holds it back until a video packet.
        let tracks = [track(TrackKind::Audio, audio), track(TrackKind::Video, video)];
        Self { tracks, max_lag, held: 0, left: Timestamp::ZERO, needs_key: false, piece_pending: false }
    }

    /// Takes a packet; the timestamps of a track increase.
    ///
    /// # Errors
    /// Returns the packet when it is too late to be written. After a refused video packet,
    /// [`Interleaver::needs_key`] is true until the next key frame.
    pub fn push(&mut self, mut packet: Packet) -> Result<(), Packet> {
        let video = packet.kind == TrackKind::Video;
        let late = packet.media.timestamp < self.left;
        if late || video && self.needs_key && !packet.media.key {
            self.needs_key |= video;
            self.piece_pending |= packet.begins_piece;
            return Err(packet);
        }
        if video {
            self.needs_key = false;
        }
        if packet.media.key && (video || !self.track(TrackKind::Video).open) {
            packet.begins_piece |= std::mem::take(&mut self.piece_pending);
        }
        self.advance(packet.kind, packet.media.timestamp);
        self.held += packet.media.size();
        self.track(packet.kind).queue.push_back(packet);
        Ok(())
    }

    /// Whether video packets are refused up to the next key frame.
    pub fn needs_key(&self) -> bool {
        self.needs_key
    }

    /// No packet before `time` follows on this track.
    pub fn advance(&mut self, kind: TrackKind, time: Timestamp) {
        let track = self.track(kind);
        track.reached = track.reached.max(time);
    }

    /// No packet follows on this track.
    pub fn end(&mut self, kind: TrackKind) {
        self.track(kind).open = false;
    }

    /// The next packet, if it is known already.
    pub fn pop(&mut self) -> Option<Packet> {
        let first = |track: &QueuedTrack| track.queue.front().map(|packet| packet.media.timestamp);
        let next =
            self.tracks.iter().filter_map(|track| Some((first(track)?, track.kind))).min_by_key(|&(time, _)| time);
        let (time, kind) = next?;
        let newest = self.tracks.iter().map(|track| track.reached).max().unwrap_or(time);
        let waits = |track: &QueuedTrack| {
            let silent = track.open && track.queue.is_empty() && track.reached <= time;
            silent && track.kind != kind && newest - time <= self.max_lag && self.held <= Self::MAX_HELD
        };
        if self.tracks.iter().any(waits) {
            return None;
        }
        self.left = time;
        let packet = self.track(kind).queue.pop_front()?;
        self.held -= packet.media.size();
        Some(packet)
    }

    fn track(&mut self, kind: TrackKind) -> &mut QueuedTrack {
        let [audio, video] = &mut self.tracks;
        match kind {
            TrackKind::Audio => audio,
            TrackKind::Video => video,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::EncodedPacket;

    fn packet(kind: TrackKind, millis: i64) -> Packet {
        let timestamp = Timestamp::ZERO + Span::from_millis(millis);
        let media = EncodedPacket::new(vec![0], timestamp, Span::from_millis(20), true);
        Packet { kind, media, begins_piece: false, ticket: None }
    }

    /// A picture that depends on the one before it.
    fn dependent(millis: i64) -> Packet {
        let mut packet = packet(Video, millis);
        packet.media.key = false;
        packet
    }

    fn push(interleaver: &mut Interleaver, kind: TrackKind, times: &[i64]) {
        times.iter().for_each(|&at| assert!(interleaver.push(packet(kind, at)).is_ok(), "{kind} at {at}"));
    }

    fn popped(interleaver: &mut Interleaver) -> Vec<(TrackKind, i64)> {
        let packets = std::iter::from_fn(|| interleaver.pop());
        packets.map(|packet| (packet.kind, packet.media.timestamp.as_nanos() / 1_000_000)).collect()
    }

    use TrackKind::{Audio, Video};

    #[test]
    fn packets_leave_in_the_order_of_time_and_sound_goes_first() {
        let mut both = Interleaver::new(true, true, Span::from_secs(10));
        push(&mut both, Audio, &[0, 20, 40]);
        assert_eq!(popped(&mut both), []);
        push(&mut both, Video, &[0, 33]);
        assert_eq!(popped(&mut both), [(Audio, 0), (Video, 0), (Audio, 20), (Video, 33)]);
        both.end(Video);
        assert_eq!(popped(&mut both), [(Audio, 40)]);
    }

    #[test]
    fn one_track_alone_waits_for_nothing() {
        let mut video = Interleaver::new(true, false, Span::ZERO);
        push(&mut video, Video, &[5]);
        assert_eq!(popped(&mut video), [(Video, 5)]);
    }

    #[test]
    fn a_track_that_tells_where_it_is_holds_nothing_up() {
        let mut both = Interleaver::new(true, true, Span::from_secs(10));
        push(&mut both, Audio, &[0, 20, 40]);
        both.advance(Video, packet(Video, 21).media.timestamp);
        assert_eq!(popped(&mut both), [(Audio, 0), (Audio, 20)]);
    }

    #[test]
    fn what_waits_has_a_bound() {
        let mut both = Interleaver::new(true, true, Span::from_secs(1_000_000));
        for at in 0..4 {
            let mut large = packet(Video, at);
            large.media.data = vec![0; Interleaver::MAX_HELD / 4];
            assert!(both.push(large).is_ok());
        }
        assert_eq!(popped(&mut both), []);
        push(&mut both, Video, &[4]);
        assert_eq!(popped(&mut both), [(Video, 0)]);
    }

    #[test]
    fn a_track_that_lags_too_far_is_not_waited_for() {
        let mut both = Interleaver::new(true, true, Span::from_secs(10));
        push(&mut both, Video, &[0, 5_000, 10_000]);
        assert_eq!(popped(&mut both), []);
        push(&mut both, Video, &[10_001]);
        assert_eq!(popped(&mut both), [(Video, 0)]);
        push(&mut both, Audio, &[0]);
        push(&mut both, Video, &[15_001]);
        assert_eq!(popped(&mut both), [(Audio, 0), (Video, 5_000)]);
        assert!(both.push(packet(Audio, 4_999)).is_err(), "a packet before one that has left");
        assert!(!both.needs_key(), "sound depends on nothing");
    }

    #[test]
    fn pictures_that_depend_on_a_refused_one_are_refused_and_a_piece_begins_with_the_next_key_frame() {
        let mut both = Interleaver::new(true, true, Span::ZERO);
        push(&mut both, Audio, &[0, 20, 40]);
        assert_eq!(popped(&mut both), [(Audio, 0), (Audio, 20)]);
        let late = Packet { begins_piece: true, ..packet(Video, 10) };
        assert!(both.push(late).is_err());
        for at in [30, 50] {
            assert!(both.push(dependent(at)).is_err() && both.needs_key(), "at {at}");
        }
        assert!(both.push(packet(Video, 60)).is_ok() && !both.needs_key());
        assert!(both.push(dependent(80)).is_ok());
        both.end(Audio);
        let pieces: Vec<_> = std::iter::from_fn(|| both.pop()).map(|packet| packet.begins_piece).collect();
        assert_eq!(pieces, [false, true, false]);
    }
}
