//! The last seconds of a stream, encoded: memory is bounded by the bitrate, and what is kept begins at a key frame.

use std::collections::VecDeque;

use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::{Span, Timestamp};

/// The packets of the last `length` and of as much before as it takes to begin at a key frame.
#[derive(Debug)]
pub struct Ring {
    length: Span,
    /// Whether pictures decide where it can begin.
    video: bool,
    packets: VecDeque<(TrackKind, EncodedPacket)>,
    end: Timestamp,
}

impl Ring {
    /// An empty one.
    pub fn new(length: Span, video: bool) -> Self {
        Self { length, video, packets: VecDeque::new(), end: Timestamp::ZERO }
    }

    /// Appends a packet; packets come in the order of their times.
    pub fn push(&mut self, kind: TrackKind, packet: EncodedPacket) {
        self.end = self.end.max(packet.timestamp + packet.duration);
        self.packets.push_back((kind, packet));
        // All before the last place to begin at that is old enough can go.
        let oldest = self.end - self.length;
        let is_old = |(_, packet): &(TrackKind, EncodedPacket)| packet.timestamp <= oldest;
        let old = self.packets.iter().take_while(|packet| is_old(packet)).count();
        if let Some(begin) = self.packets.iter().take(old).rposition(|packet| self.can_begin(packet)) {
            self.packets.drain(..begin);
        }
    }

    /// When it begins.
    pub fn begin(&self) -> Timestamp {
        self.packets().next().map_or(self.end, |(_, packet)| packet.timestamp)
    }

    /// What a file of it holds.
    pub fn packets(&self) -> impl Iterator<Item = &(TrackKind, EncodedPacket)> {
        self.packets.iter().skip_while(|packet| !self.can_begin(packet))
    }

    /// Takes what a file of it holds; it is empty then.
    pub fn take(&mut self) -> Vec<(TrackKind, EncodedPacket)> {
        let skipped = self.packets.iter().take_while(|packet| !self.can_begin(packet)).count();
        self.packets.drain(..).skip(skipped).collect()
    }

    fn can_begin(&self, (kind, packet): &(TrackKind, EncodedPacket)) -> bool {
        packet.key && (!self.video || *kind == TrackKind::Video)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_its_length_from_a_key_frame_on_and_no_more() {
        let millis = Span::from_millis;
        let mut ring = Ring::new(millis(1000), true);
        for frame in 0..100 {
            let timestamp = Timestamp::ZERO + millis(frame * 100);
            let packet = |key| EncodedPacket { data: vec![0; 9], timestamp, duration: millis(100), key };
            ring.push(TrackKind::Audio, packet(true));
            ring.push(TrackKind::Video, packet(frame % 4 == 0));
            let kept = ring.end - ring.begin();
            let first = ring.packets().next().expect("a packet");
            assert!(first.1.key && first.0 == TrackKind::Video);
            assert!(kept >= millis(1000).min(ring.end - Timestamp::ZERO), "{kept} at {frame}");
            assert!(kept <= millis(1500), "{kept} at {frame}");
            assert!(ring.packets.len() <= 32, "{} packets at {frame}", ring.packets.len());
        }
        assert_eq!(ring.take().len(), 2 * 12 - 1);
    }
}
