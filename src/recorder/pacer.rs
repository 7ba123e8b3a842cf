//! Decides when each frame is shown: at its own time, or at a constant rate. Pure: an iterator over the source's
//! frames.

use std::sync::Arc;

use crate::frame::Frame;
use crate::motion_blur::MotionBlur;
use crate::time::{FrameRate, Span, Timestamp};

/// A frame and the time at which the recording shows it. With motion blur, a sub-frame and the time of it.
#[derive(Debug)]
pub struct PacedFrame {
    pub frame: Arc<Frame>,
    pub timestamp: Timestamp,
    /// Whether it was shown before.
    pub repeated: bool,
    /// Its place among the sub-frames of a frame: the first has 0.
    pub sub_frame: u32,
    /// Whether a frame of the recording is whole with it.
    pub ends_frame: bool,
}

/// A pacer's counts: `taken + repeated` is the number of frames returned, `skipped`, `blended` and `not_given`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PacerCounts {
    /// Frames taken from the source, within the limit.
    pub taken: u64,
    /// Frames that are not shown at any instant of the constant rate.
    pub skipped: u64,
    /// Frames that motion blur showed in one frame with others, beyond the first of each.
    pub blended: u64,
    /// Repetitions of frames.
    pub repeated: u64,
    /// Frames that were taken from the source but not returned before the recording ended.
    pub not_given: u64,
}

/// Turns a source's frames into the recording's frames. Without a rate, each frame keeps its own time. With a rate,
/// each of its instants shows the frame that the source shows at that time: some frames are repeated, some are skipped.
/// With motion blur too, each sub-frame shows what the source shows in the middle of the sub-frame's time.
///
/// Holds two frames at most, however far apart they are.
pub struct Pacer<I> {
    source: I,
    rate: Option<FrameRate>,
    /// How long the recording may be.
    limit: Option<Span>,
    /// The expected display time of a source frame.
    frame_span: Span,
    /// With a rate: the frame that is shown at present, and whether it was returned.
    held: Option<(Arc<Frame>, bool)>,
    /// With a rate: the next frame.
    following: Option<Arc<Frame>>,
    /// Whether the source has no more frames within the limit, and if so, whether it has one beyond the limit.
    source_ended: bool,
    beyond_limit: bool,
    /// The number of the rate's next instant.
    next: u64,
    blur: Option<MotionBlur>,
    /// With motion blur: the next sub-frame, and how many frames the present one shows for the first time.
    sub_frame: u32,
    fresh: u64,
    counts: PacerCounts,
}

impl<I: Iterator<Item = Frame>> Pacer<I> {
    /// Paces the frames of `source` up to `limit`; `frame_span` is the expected display time of a frame.
    pub fn new(source: I, rate: Option<FrameRate>, limit: Option<Span>, frame_span: Span) -> Self {
        Self {
            source,
            rate,
            limit,
            frame_span,
            held: None,
            following: None,
            source_ended: limit.is_some_and(|limit| limit <= Span::ZERO),
            beyond_limit: false,
            next: 0,
            blur: None,
            sub_frame: 0,
            fresh: 0,
            counts: PacerCounts::default(),
        }
    }

    /// With motion blur, which needs a rate.
    pub fn with_motion_blur(mut self, blur: Option<MotionBlur>) -> Self {
        self.blur = blur;
        self
    }

    /// The source, and what was counted.
    pub fn finish(mut self) -> (I, PacerCounts) {
        let held = self.held.is_some_and(|(_, given)| !given);
        // Of a frame that is not whole, nothing is shown.
        self.counts.not_given += self.fresh + u64::from(held) + u64::from(self.following.is_some());
        (self.source, self.counts)
    }

    /// The source's next frame, if it lies within the limit.
    fn pull(&mut self) -> Option<Arc<Frame>> {
        if self.source_ended {
            return None;
        }
        let frame = self.source.next();
        self.beyond_limit = frame.as_ref().is_some_and(|frame| self.is_beyond(frame.timestamp));
        let frame = frame.filter(|_| !self.beyond_limit);
        self.source_ended = frame.is_none();
        self.counts.taken += u64::from(frame.is_some());
        frame.map(Arc::new)
    }

    fn is_beyond(&self, time: Timestamp) -> bool {
        self.limit.is_some_and(|limit| time - Timestamp::ZERO >= limit)
    }

    fn next_at(&mut self, rate: FrameRate) -> Option<PacedFrame> {
        self.go_to_next(rate)?;
        let (frame, given) = self.held.as_mut()?;
        let repeated = std::mem::replace(given, true);
        let (frame, timestamp) = (frame.clone(), rate.timestamp(self.next));
        self.counts.repeated += u64::from(repeated);
        self.next += 1;
        Some(PacedFrame { frame, timestamp, repeated, sub_frame: 0, ends_frame: true })
    }

    fn next_sub_frame(&mut self, rate: FrameRate, blur: MotionBlur) -> Option<PacedFrame> {
        let sub_frame = self.sub_frame;
        if sub_frame == 0 {
            self.go_to_next(rate)?;
        }
        // After the source's end, its last frame stays.
        while self.following.as_ref().is_some_and(|frame| frame.timestamp <= blur.middle(rate, self.next, sub_frame)) {
            self.advance();
            self.following = self.pull();
        }
        let (frame, given) = self.held.as_mut()?;
        self.fresh += u64::from(!std::mem::replace(given, true));
        let (frame, timestamp) = (frame.clone(), blur.begin(rate, self.next, sub_frame));
        let ends_frame = sub_frame + 1 == blur.sub_frames();
        let repeated = ends_frame && self.fresh == 0;
        if ends_frame {
            self.counts.repeated += u64::from(repeated);
            self.counts.blended += self.fresh.saturating_sub(1);
            self.fresh = 0;
            self.next += 1;
        }
        self.sub_frame = if ends_frame { 0 } else { sub_frame + 1 };
        Some(PacedFrame { frame, timestamp, repeated, sub_frame, ends_frame })
    }

    /// Holds the frame that is shown at the rate's next instant; none at the end.
    fn go_to_next(&mut self, rate: FrameRate) -> Option<()> {
        loop {
            if self.following.is_none() {
                self.following = self.pull();
            }
            // Rounding can put an instant just before the end; it then belongs to the next frame.
            if self.held.is_some()
                && rate.timestamp(self.next) + Span::from_nanos(1) < self.end_of_held()
                && self.limit.is_none_or(|limit| self.next < rate.frames_in(limit))
            {
                return Some(());
            }
            self.advance()?;
        }
    }

    /// Holds the following frame; none where there is none.
    fn advance(&mut self) -> Option<()> {
        self.counts.skipped += u64::from(self.held.take().is_some_and(|(_, given)| !given));
        self.held = Some((self.following.take()?, false));
        Some(())
    }

    /// The end of the held frame: the beginning of the next frame, or else its expected display time, within the limit.
    fn end_of_held(&self) -> Timestamp {
        match (&self.following, &self.held, self.limit) {
            (Some(following), ..) => following.timestamp,
            (None, _, Some(limit)) if self.beyond_limit => Timestamp::ZERO + limit,
            (None, Some((held, _)), limit) => {
                let end = held.timestamp + self.frame_span;
                limit.map_or(end, |limit| end.min(Timestamp::ZERO + limit))
            }
            (None, None, _) => Timestamp::ZERO,
        }
    }
}

impl<I: Iterator<Item = Frame>> Iterator for Pacer<I> {
    type Item = PacedFrame;

    fn next(&mut self) -> Option<PacedFrame> {
        match (self.rate, self.blur) {
            (Some(rate), Some(blur)) => self.next_sub_frame(rate, blur),
            (Some(rate), None) => self.next_at(rate),
            (None, _) => self.pull().map(|frame| {
                let timestamp = frame.timestamp;
                PacedFrame { frame, timestamp, repeated: false, sub_frame: 0, ends_frame: true }
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorSpace;
    use crate::frame::{PixelFormat, Size};

    fn frame(index: u64, timestamp: Timestamp) -> Frame {
        let frame = Frame::packed(PixelFormat::Gray8, Size::new(1, 1), ColorSpace::RECORDED, vec![index as u8]);
        frame.with_timestamp(timestamp)
    }

    /// What is shown of `count` frames at `from` frames a second, as (source frame, milliseconds); and the counts.
    fn paced(from: u32, count: u64, rate: Option<u32>, limit: Option<i64>) -> (Vec<(u8, i64)>, [u64; 3]) {
        let from = FrameRate::whole(from);
        let frames = (0..count).map(|index| frame(index, from.timestamp(index)));
        let limit = limit.map(Span::from_millis);
        let mut pacer = Pacer::new(frames, rate.map(FrameRate::whole), limit, from.frame_span());
        let millis = |time: Timestamp| (time.as_nanos() + 500_000) / 1_000_000;
        let shown: Vec<_> = pacer.by_ref().map(|paced| (paced.frame.data()[0], millis(paced.timestamp))).collect();
        let (_, PacerCounts { taken, skipped, repeated, not_given, .. }) = pacer.finish();
        assert_eq!((taken + repeated, not_given), (shown.len() as u64 + skipped, 0));
        (shown, [taken, skipped, repeated])
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
    }

    #[test]
    fn a_frame_is_shown_until_the_next_one_comes_however_long_it_was_thought_to_stay() {
        let frames = [0, 2000].map(|millis| frame(0, Timestamp::ZERO + Span::from_millis(millis)));
        let limit = Some(Span::from_millis(500));
        let mut pacer = Pacer::new(frames.into_iter(), Some(FrameRate::whole(10)), limit, Span::from_millis(100));
        assert_eq!(pacer.by_ref().count(), 5);
        let (_, counts) = pacer.finish();
        assert_eq!((counts.taken, counts.repeated), (1, 4));
    }

    #[test]
    fn a_gap_of_centuries_takes_no_memory_and_can_be_left_at_any_time() {
        let frames = [0, 200 * 365 * 86_400].map(|secs| frame(0, Timestamp::ZERO + Span::from_secs(secs)));
        let mut pacer = Pacer::new(frames.into_iter(), Some(FrameRate::whole(1000)), None, Span::from_secs(1));
        assert_eq!(pacer.by_ref().take(100_000).count(), 100_000);
        let (_, counts) = pacer.finish();
        assert_eq!((counts.taken, counts.repeated, counts.not_given), (2, 99_999, 1));
    }

    /// What sub-frames show of `count` frames at `from` frames a second: for each frame of the recording, the source's
    /// frames; and the counts.
    fn blurred(from: u32, count: u64, rate: u32, sub_frames: u32, shutter: u32) -> (Vec<Vec<u8>>, PacerCounts) {
        let (from, rate) = (FrameRate::whole(from), FrameRate::whole(rate));
        let blur = MotionBlur::new(sub_frames).unwrap().with_shutter(shutter).unwrap();
        let frames = (0..count).map(|index| frame(index, from.timestamp(index)));
        let mut pacer = Pacer::new(frames, Some(rate), None, from.frame_span()).with_motion_blur(Some(blur));
        let mut shown = vec![Vec::new()];
        for paced in pacer.by_ref() {
            let frame = shown.len() as u64 - 1;
            assert_eq!(paced.sub_frame as usize, shown[frame as usize].len());
            assert_eq!(paced.timestamp, blur.begin(rate, frame, paced.sub_frame));
            shown[frame as usize].push(paced.frame.data()[0]);
            if paced.ends_frame {
                shown.push(Vec::new());
            }
        }
        assert_eq!(shown.pop().unwrap(), [0; 0], "the last frame is whole");
        let (_, counts) = pacer.finish();
        let PacerCounts { taken, skipped, blended, repeated, not_given } = counts;
        assert_eq!((taken + repeated, not_given), (shown.len() as u64 + skipped + blended, 0));
        (shown, counts)
    }

    #[test]
    fn sub_frames_show_what_the_source_shows_at_their_times() {
        let (shown, counts) = blurred(240, 24, 30, 8, 360);
        assert_eq!(shown, [0, 8, 16].map(|first| (first..first + 8).collect::<Vec<u8>>()));
        assert_eq!((counts.taken, counts.blended, counts.skipped, counts.repeated), (24, 21, 0, 0));
        // The shutter is closed for half of the time.
        let (shown, counts) = blurred(240, 16, 30, 4, 180);
        assert_eq!(shown, [[0, 1, 2, 3], [8, 9, 10, 11]]);
        assert_eq!((counts.blended, counts.skipped), (6, 8));
        // Fewer sub-frames than frames.
        assert_eq!(blurred(240, 16, 30, 2, 360).0, [[2, 6], [10, 14]]);
        // A slower film: sub-frames of two frames, or of one.
        let (shown, counts) = blurred(20, 3, 30, 4, 360);
        assert_eq!(shown, [[0, 0, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1], [2, 2, 2, 2], [2, 2, 2, 2]]);
        assert_eq!((counts.taken, counts.repeated, counts.blended), (3, 2, 0));
    }

    #[test]
    fn times_that_a_container_rounded_blur_as_exact_ones_do() {
        let rounded = |index: u64| Span::from_millis((index as i64 * 1000 + 120) / 240);
        let frames = (0..24).map(|index| frame(index, Timestamp::ZERO + rounded(index)));
        let blur = MotionBlur::new(8).unwrap();
        let mut pacer = Pacer::new(frames, Some(FrameRate::whole(30)), None, Span::from_millis(4));
        pacer = pacer.with_motion_blur(Some(blur));
        let shown: Vec<_> = pacer.map(|paced| paced.frame.data()[0]).collect();
        assert_eq!(shown, (0..24).collect::<Vec<u8>>());
    }

    #[test]
    fn a_frame_that_is_left_before_it_is_whole_gives_back_what_it_showed() {
        let frames = (0..24).map(|index| frame(index, FrameRate::whole(240).timestamp(index)));
        let blur = MotionBlur::new(8).unwrap();
        let mut pacer = Pacer::new(frames, Some(FrameRate::whole(30)), None, Span::from_millis(4));
        pacer = pacer.with_motion_blur(Some(blur));
        assert_eq!(pacer.by_ref().take(8 + 3).count(), 11);
        let (_, counts) = pacer.finish();
        let PacerCounts { taken, blended, not_given, .. } = counts;
        // Three of the second frame, and the one that follows.
        assert_eq!((taken, blended, not_given), (1 + 7 + 3 + 1, 7, 4));
    }

    #[test]
    fn frames_that_were_taken_and_not_given_out_are_counted() {
        let frames = (0..9).map(|index| frame(index, FrameRate::whole(10).timestamp(index)));
        let mut pacer = Pacer::new(frames, Some(FrameRate::whole(10)), None, Span::from_millis(100));
        assert!(pacer.next().is_some());
        let (mut rest, counts) = pacer.finish();
        assert_eq!(counts, PacerCounts { taken: 2, not_given: 1, ..PacerCounts::default() });
        assert_eq!(rest.next().map(|frame| frame.data()[0]), Some(2));
    }
}
