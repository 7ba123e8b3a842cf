//! Motion blur of a canvas: which paints become one frame.

use std::sync::Arc;

use super::Canvas;
use super::content::Content;
use super::exposure::SubFrame;
use super::worker::CaptureTarget;
use crate::error::Result;
use crate::motion_blur::MotionBlur;
use crate::stream::FrameCounters;
use crate::time::Timestamp;

/// The paints of a canvas that become one frame.
pub struct Shutter {
    pub blur: MotionBlur,
    /// How many sub-frames were painted.
    painted: u32,
    /// The time of the first of them, which is the frame's.
    began: Timestamp,
    /// Whether one of them was sent.
    sent: bool,
    /// The last one, which is sent when another one comes that differs from it.
    held: Option<HeldSubFrame>,
}

/// A painted sub-frame, and how often it was painted.
struct HeldSubFrame {
    content: Content,
    version: u64,
    time: Timestamp,
    weight: f32,
}

/// A sub-frame to be drawn.
pub struct DueSubFrame {
    pub content: Content,
    pub time: Timestamp,
    pub sub_frame: SubFrame,
}

impl Shutter {
    /// Before the first sub-frame.
    pub fn new(blur: MotionBlur) -> Self {
        Self { blur, painted: 0, began: Timestamp::ZERO, sent: false, held: None }
    }

    /// Paints a sub-frame; returns the one before it, if that must be drawn now.
    pub fn paint(&mut self, content: Content, version: u64, time: Timestamp) -> Option<DueSubFrame> {
        if self.painted == 0 {
            (self.began, self.sent, self.held) = (time, false, None);
        }
        self.painted += 1;
        if let Some(held) = &mut self.held
            && held.version == version
            && !content.follows_time()
        {
            held.weight += 1.0;
            return None;
        }
        let before = self.held.replace(HeldSubFrame { content, version, time, weight: 1.0 });
        before.map(|before| self.due(before, false))
    }

    /// Whether all sub-frames of the present frame were painted.
    fn is_whole(&self) -> bool {
        self.painted >= self.blur.sub_frames()
    }

    /// The number of the next sub-frame, within a frame that was begun; none between two frames.
    pub fn within(&self) -> Option<u32> {
        Some(self.painted).filter(|&painted| painted > 0)
    }

    /// Begins a frame with its last sub-frame: the next paint makes it whole.
    pub fn begin_with_last(&mut self, time: Timestamp) {
        *self = Self { painted: self.blur.sub_frames() - 1, began: time, ..Self::new(self.blur) };
    }

    /// Forgets the sub-frames so far of the present frame, which becomes the mean of the others.
    pub fn forget(&mut self) {
        (self.sent, self.held) = (false, None);
    }

    /// Ends a frame: the time at which it began, and its last sub-frame.
    pub fn end(&mut self) -> (Timestamp, Option<DueSubFrame>) {
        self.painted = 0;
        let last = self.held.take();
        (self.began, last.map(|last| self.due(last, true)))
    }

    fn due(&self, held: HeldSubFrame, ends: bool) -> DueSubFrame {
        let HeldSubFrame { content, time, weight, .. } = held;
        DueSubFrame { content, time, sub_frame: SubFrame { begins: !self.sent, ends, weight } }
    }

    /// A sub-frame was accepted by the canvas's thread.
    pub fn has_sent(&mut self) {
        self.sent = true;
    }
}

impl Canvas {
    /// Blurs what moves: from now on, so many paints are sub-frames, which become one frame, their mean in linear
    /// light. None captures every paint again. The frame has the time of its first sub-frame. A frame whose sub-frames
    /// are being painted is given up.
    ///
    /// A stepped clock keeps its rate, which is that of the frames: within a frame it advances from sub-frame to
    /// sub-frame, so take the time of what you draw from [`Canvas::clock`]. With other clocks, the paints' own times
    /// are those of filters that change over time. In real time, sub-frames that the machine is too slow for are left
    /// out of the mean. [`Canvas::read`] and stills show the last drawing alone.
    ///
    /// ```
    /// # use framereel::{Canvas, Clock, ColorSpace, Frame, FrameRate, Gpu, MotionBlur, PixelFormat, Size};
    /// # fn main() -> framereel::Result<()> {
    /// # let size = Size::new(64, 48);
    /// # let scene = |seconds: f64| {
    /// #     let shade = (seconds * 255.0) as u8;
    /// #     Frame::packed(PixelFormat::Gray8, size, ColorSpace::RECORDED, vec![shade; 64 * 48])
    /// # };
    /// let mut canvas = Canvas::new(&Gpu::new()?, size)?.with_clock(Clock::stepped(FrameRate::whole(30)));
    /// let stream = canvas.capture_stream(None)?;
    /// canvas.set_motion_blur(MotionBlur::new(8)?);
    /// for _ in 0..10 * 8 {
    ///     canvas.draw(scene(canvas.clock().now().as_secs_f64()));
    ///     canvas.present()?; // every eighth time, a frame
    /// }
    /// # assert_eq!(canvas.clock().now(), FrameRate::whole(30).timestamp(10));
    /// # drop(stream);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_motion_blur(&mut self, blur: impl Into<Option<MotionBlur>>) {
        self.shutter = blur.into().map(Shutter::new);
    }

    /// Paints a sub-frame, and sends what is to be drawn to the canvas's thread; returns the counters of
    /// those who get a frame.
    pub(super) fn capture_sub_frame(
        &mut self,
        shutter: &mut Shutter,
        now: Timestamp,
    ) -> Result<Vec<Arc<FrameCounters>>> {
        let content = self.content.clone().filter(|_| self.size.pixels() > 0);
        content.as_ref().map_or(Ok(()), |content| content.check(&self.gpu))?;
        let version = if content.is_some() { self.version } else { 0 };
        // Sub-frames before the first drawing are transparent.
        let before = shutter.paint(content.unwrap_or_default(), version, now);
        if let Some(DueSubFrame { content, time, sub_frame }) = before
            && self.size.pixels() > 0
            && self.streams.are_wanted()
            && self.send(content, time, Some(sub_frame), Vec::new())
        {
            shutter.has_sent();
        }
        if !shutter.is_whole() {
            return Ok(Vec::new());
        }
        let (began, last) = shutter.end();
        let targets = self.streams.paint(began, version);
        let Some(DueSubFrame { content, time, sub_frame }) = last.filter(|_| !targets.is_empty()) else {
            return Ok(Vec::new());
        };
        let captured_for = targets.iter().flat_map(CaptureTarget::counters).collect();
        self.send(content, time, Some(sub_frame), targets);
        Ok(captured_for)
    }
}
