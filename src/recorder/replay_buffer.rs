//! The last seconds of a stream, encoded. Memory is bounded by the bitrate; the content begins at a key frame.

use std::collections::VecDeque;

use super::pipeline::Packet;
use crate::stream::{DropReason, TrackKind};
use crate::time::{Span, Timestamp};

/// The packets of the last `length`, and those before it back to a key frame.
#[derive(Debug)]
pub struct ReplayBuffer {
    length: Span,
    /// Whether there is video: then the buffer can begin only at a video key frame.
    video: bool,
    packets: VecDeque<Packet>,
    end: Timestamp,
}

impl ReplayBuffer {
    /// An empty buffer.
    pub fn new(length: Span, video: bool) -> Self {
        Self { length, video, packets: VecDeque::new(), end: Timestamp::ZERO }
    }

    /// Appends a packet; packets come in the order of their times. Those that are too old are dropped.
    pub fn push(&mut self, packet: Packet) {
        self.end = self.end.max(packet.media.timestamp + packet.media.duration);
        self.packets.push_back(packet);
        let oldest = self.end - self.length;
        // Begin at the last key packet that is at least `length` old, or else at the first key packet; drop what is
        // before.
        let old = self.packets.iter().take_while(|packet| packet.media.timestamp <= oldest).count();
        let begin = self.packets.iter().take(old).rposition(|packet| self.can_begin(packet));
        let begin = begin.or_else(|| self.packets.iter().position(|packet| self.can_begin(packet)));
        let useless = begin.unwrap_or(self.packets.len());
        self.packets.drain(..useless).for_each(|packet| packet.dropped(DropReason::NotRecorded));
    }

    /// The time of its first packet; its end when it is empty.
    pub fn begin(&self) -> Timestamp {
        self.packets.front().map_or(self.end, |packet| packet.media.timestamp)
    }

    /// The packets, oldest first.
    pub fn packets(&self) -> impl Iterator<Item = &Packet> {
        self.packets.iter()
    }

    /// Takes all packets; the buffer is empty afterwards.
    pub fn take(&mut self) -> VecDeque<Packet> {
        std::mem::take(&mut self.packets)
    }

    fn can_begin(&self, packet: &Packet) -> bool {
        packet.media.key && (!self.video || packet.kind == TrackKind::Video)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::EncodedPacket;

    fn packet(kind: TrackKind, millis: i64, key: bool) -> Packet {
        let timestamp = Timestamp::ZERO + Span::from_millis(millis);
        let media = EncodedPacket::new(vec![0; 9], timestamp, Span::from_millis(100), key);
        Packet { kind, media, begins_piece: false, ticket: None }
    }

    #[test]
    fn it_keeps_its_length_from_a_key_frame_on_and_no_more() {
        let millis = Span::from_millis;
        let mut buffer = ReplayBuffer::new(millis(1000), true);
        for frame in 0..100 {
            buffer.push(packet(TrackKind::Audio, frame * 100, true));
            buffer.push(packet(TrackKind::Video, frame * 100, frame % 4 == 0));
            let kept = buffer.end - buffer.begin();
            let first = buffer.packets().next().expect("a packet");
            assert!(first.media.key && first.kind == TrackKind::Video);
            assert!(kept >= millis(1000).min(buffer.end - Timestamp::ZERO), "{kept} at {frame}");
            assert!(kept <= millis(1500), "{kept} at {frame}");
            assert!(buffer.packets.len() <= 32, "{} packets at {frame}", buffer.packets.len());
        }
        assert_eq!(buffer.take().len(), 2 * 12 - 1);
    }

    #[test]
    fn sound_without_a_picture_is_not_kept() {
        let mut buffer = ReplayBuffer::new(Span::from_secs(1), true);
        for buffered in 0..100 {
            buffer.push(packet(TrackKind::Audio, buffered * 100, true));
            assert_eq!(buffer.packets.len(), 0, "at {buffered}");
        }
        buffer.push(packet(TrackKind::Video, 10_000, true));
        buffer.push(packet(TrackKind::Audio, 10_000, true));
        assert_eq!(buffer.packets.len(), 2);
    }
}
