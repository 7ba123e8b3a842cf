//! Which frame is shown when: at each frame's own time, or at a constant rate. Pure: it takes timestamps and gives them.

use std::sync::Arc;

use crate::frame::Frame;
use crate::time::{FrameRate, Span, Timestamp};

/// A frame and the time at which the recording shows it.
pub struct Paced {
    pub frame: Arc<Frame>,
    pub timestamp: Timestamp,
}

/// Turns a source's frames into the recording's. Without a rate each keeps its own time; with one, every instant of the
/// rate shows the frame that the source shows then: some are shown again, some never.
pub struct Pacer {
    rate: Option<FrameRate>,
    /// How long the recording may be.
    limit: Option<Span>,
    /// How long the source shows a frame, as far as one knows.
    frame_span: Span,
    held: Option<Arc<Frame>>,
    held_shown: bool,
    next: u64,
    done: bool,
    /// Frames that the source gave and that lie within the limit.
    pub taken: u64,
    /// Of these, frames that no instant of the rate fell on.
    pub skipped: u64,
    /// Frames shown again.
    pub repeated: u64,
}

impl Pacer {
    pub fn new(rate: Option<FrameRate>, limit: Option<Span>, frame_span: Span) -> Self {
        Self {
            rate,
            limit,
            frame_span,
            held: None,
            held_shown: false,
            next: 0,
            done: limit.is_some_and(|limit| limit <= Span::ZERO),
            taken: 0,
            skipped: 0,
            repeated: 0,
        }
    }

    /// Whether the recording is as long as it may be: no frame that follows is of use.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Takes the source's next frame; `show` gets what can be shown now.
    pub fn push(&mut self, frame: Frame, show: &mut dyn FnMut(Paced)) {
        let timestamp = frame.timestamp;
        if self.done {
            return;
        }
        self.show_held_until(timestamp, show);
        self.done = self.limit.is_some_and(|limit| timestamp - Timestamp::ZERO >= limit);
        if self.done {
            return;
        }
        self.taken += 1;
        let frame = Arc::new(frame);
        if self.rate.is_none() {
            show(Paced { frame, timestamp });
            return;
        }
        self.held = Some(frame);
        self.held_shown = false;
    }

    /// The source has ended: `show` gets what its last frame is still due.
    pub fn finish(&mut self, show: &mut dyn FnMut(Paced)) {
        let Some(held) = &self.held else { return };
        let end = held.timestamp + self.frame_span;
        let end = self.limit.map_or(end, |limit| end.min(Timestamp::ZERO + limit));
        self.show_held_until(end, show);
    }

    fn show_held_until(&mut self, end: Timestamp, show: &mut dyn FnMut(Paced)) {
        let (Some(rate), Some(frame)) = (self.rate, self.held.take()) else { return };
        // An instant half a nanosecond of rounding before the end belongs to the next frame.
        let limit = self.limit.map_or(u64::MAX, |limit| rate.frames_in(limit));
        while rate.timestamp(self.next) + Span::from_nanos(1) < end && self.next < limit {
            show(Paced { frame: frame.clone(), timestamp: rate.timestamp(self.next) });
            self.repeated += u64::from(self.held_shown);
            self.held_shown = true;
            self.next += 1;
        }
        self.skipped += u64::from(!self.held_shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorSpace;
    use crate::frame::{PixelFormat, Size};

    /// What is shown of `count` frames at `from` frames a second, as (source frame, milliseconds); and the counts.
    fn paced(from: u32, count: u64, rate: Option<u32>, limit: Option<i64>) -> (Vec<(u8, i64)>, [u64; 3]) {
        let from = FrameRate::whole(from);
        let mut pacer = Pacer::new(rate.map(FrameRate::whole), limit.map(Span::from_millis), from.frame_span());
        let mut shown = Vec::new();
        let mut show = |paced: Paced| {
            shown.push((paced.frame.data()[0], (paced.timestamp.as_nanos() + 500_000) / 1_000_000));
        };
        for index in 0..count {
            if pacer.is_done() {
                break;
            }
            let frame = Frame::packed(PixelFormat::Gray8, Size::new(1, 1), ColorSpace::RECORDED, vec![index as u8]);
            pacer.push(frame.with_timestamp(from.timestamp(index)), &mut show);
        }
        if !pacer.is_done() {
            pacer.finish(&mut show);
        }
        let counts = [pacer.taken, pacer.skipped, pacer.repeated];
        assert_eq!(pacer.taken + pacer.repeated, shown.len() as u64 + pacer.skipped);
        (shown, counts)
    }

    #[test]
    fn without_a_rate_each_frame_keeps_its_time() {
        let (shown, counts) = paced(25, 4, None, None);
        assert_eq!(shown, [(0, 0), (1, 40), (2, 80), (3, 120)]);
        assert_eq!(counts, [4, 0, 0]);
    }

    #[test]
    fn a_lower_rate_skips_and_a_higher_one_repeats_and_both_say_how_often() {
        assert_eq!(paced(20, 6, Some(10), None), (vec![(0, 0), (2, 100), (4, 200)], [6, 3, 0]));
        assert_eq!(paced(10, 2, Some(20), None), (vec![(0, 0), (0, 50), (1, 100), (1, 150)], [2, 0, 2]));
        let (shown, counts) = paced(25, 132, Some(30), None);
        assert_eq!((shown.len(), counts), (159, [132, 0, 27]));
        assert_eq!(paced(30, 90, Some(30), None).1, [90, 0, 0]);
    }

    #[test]
    fn a_limit_cuts_at_its_very_instant() {
        assert_eq!(paced(25, 100, None, Some(100)).0, [(0, 0), (1, 40), (2, 80)]);
        assert_eq!(paced(30, 1000, None, Some(2000)).0.len(), 60);
        assert_eq!(paced(30, 1000, Some(30), Some(2000)).0.len(), 60);
        assert_eq!(paced(30, 1000, Some(60), Some(2000)).0.len(), 120);
        assert_eq!(paced(60, 1000, Some(24), Some(1000)).0.len(), 24);
        assert_eq!(paced(25, 10, None, Some(0)).0, []);
        // A frame is shown until the next one comes, however long it was thought to stay.
        let mut pacer = Pacer::new(Some(FrameRate::whole(10)), Some(Span::from_millis(500)), Span::from_millis(100));
        let mut shown = 0;
        for millis in [0, 2000] {
            let frame = Frame::packed(PixelFormat::Gray8, Size::new(1, 1), ColorSpace::RECORDED, vec![0]);
            pacer.push(frame.with_timestamp(Timestamp::ZERO + Span::from_millis(millis)), &mut |_| shown += 1);
        }
        assert_eq!((shown, pacer.taken, pacer.repeated), (5, 1, 4));
    }
}
