//! Decides where the pieces of a recording begin, from times and sizes alone (pure).
//!
//! A piece can only begin at a key frame, so the decision is made before a frame is encoded: the encode stage calls
//! [`Splitter::begins_piece`], makes that frame a key frame, and marks its packet. Later stages follow the mark.

use crate::time::{Span, Timestamp};

/// Decides where pieces begin.
#[derive(Debug, Clone, Default)]
pub struct Splitter {
    /// How long a piece is.
    length: Option<Span>,
    /// How many bytes a piece has.
    bytes: Option<u64>,
    /// Bits per second of the sound, whose bytes are not passed to [`Splitter::add_bytes`].
    sound_rate: u32,
    /// When the present piece began; none before the first.
    began: Option<Timestamp>,
    /// How many bytes were encoded for the present piece.
    written: u64,
}

impl Splitter {
    /// Pieces of this length or of about this size; without either there is only one.
    pub fn new(length: Option<Span>, bytes: Option<u64>, sound_rate: u32) -> Self {
        Self { length, bytes, sound_rate, began: None, written: 0 }
    }

    /// Every frame is a piece.
    pub fn each_frame() -> Self {
        Self::new(Some(Span::ZERO), None, 0)
    }

    /// Whether a piece begins at `time`. The first call begins the first piece.
    pub fn begins_piece(&mut self, time: Timestamp) -> bool {
        let begins = self.began.is_none_or(|began| self.is_over(began, time));
        if begins {
            (self.began, self.written) = (Some(time), 0);
        }
        begins
    }

    /// Adds encoded bytes to the present piece.
    pub fn add_bytes(&mut self, bytes: u64) {
        self.written += bytes;
    }

    fn is_over(&self, began: Timestamp, time: Timestamp) -> bool {
        // The rest is reserved for frames still in the encoder, and for the container.
        const SHARE: f64 = 0.88;
        let elapsed = time - began;
        let sound = elapsed.as_secs_f64() * f64::from(self.sound_rate) / 8.0;
        self.length.is_some_and(|length| elapsed >= length)
            || self.bytes.is_some_and(|bytes| self.written as f64 + sound > bytes as f64 * SHARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::ZERO + Span::from_millis(millis)
    }

    /// Which of these times, in milliseconds, begin a piece; 100 bytes are encoded for each.
    fn begins(mut splitter: Splitter, times: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let begins = times.into_iter().filter(|&time| {
            let begins = splitter.begins_piece(at(time));
            splitter.add_bytes(100);
            begins
        });
        begins.collect()
    }

    #[test]
    fn without_a_rule_there_is_one_piece() {
        assert_eq!(begins(Splitter::default(), (0..100).map(|frame| frame * 40)), [0]);
    }

    #[test]
    fn pieces_by_time_begin_with_the_first_frame_after_their_length() {
        let splitter = || Splitter::new(Some(Span::from_millis(100)), None, 0);
        assert_eq!(begins(splitter(), (0..10).map(|frame| frame * 40)), [0, 120, 240, 360]);
        assert_eq!(begins(splitter(), [7, 50, 107, 5000, 5050]), [7, 107, 5000], "whenever the first comes");
    }

    #[test]
    fn each_frame_can_be_a_piece() {
        assert_eq!(begins(Splitter::each_frame(), [0, 40, 41, 1000]), [0, 40, 41, 1000]);
    }

    #[test]
    fn pieces_by_size_count_what_was_encoded_and_the_sound_beside_it() {
        let frames = || (0..40).map(|frame| frame * 40);
        assert_eq!(begins(Splitter::new(None, Some(1000), 0), frames()), [0, 360, 720, 1080, 1440]);
        // 20 bytes of sound a frame.
        assert_eq!(begins(Splitter::new(None, Some(1000), 4000), frames()), [0, 320, 640, 960, 1280]);
    }
}
