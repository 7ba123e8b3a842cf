//! Overlays on the canvas of a recording: each has its own source and its own place.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use super::record::{POLL_INTERVAL, read_ahead};
use crate::canvas::Canvas;
use crate::canvas::layout::{OverlayPlace, grid};
use crate::clock::Clock;
use crate::error::Result;
use crate::frame::{Frame, Rect, Size};
use crate::source::Source;
use crate::time::{Span, Timestamp};

/// How many frames a source reads ahead.
const READ_AHEAD: usize = 2;

/// A source whose frames are drawn over or beside those of the recording's main source.
pub struct Overlay {
    /// The source. Its times count from the recording's beginning. After its end, its last frame stays visible.
    pub source: Box<dyn Source>,
    /// Where its frames are drawn, with [`Layout::Over`].
    pub place: OverlayPlace,
}

debug_fields!(Overlay { place });

/// How several sources share a canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Layout {
    /// The main source fills the canvas; overlays are drawn over it, each at its place.
    #[default]
    Over,
    /// All sources side by side, in equal cells.
    Grid,
}

/// The layers of a canvas: the main source's frame, then the overlays.
pub(super) struct Layers {
    own: Rect,
    overlays: Vec<OverlayLayer>,
}

impl Layers {
    /// Begins to read the overlays; the main source's frames have the size `own`.
    pub fn begin(overlays: Vec<Overlay>, layout: Layout, own: Size, canvas: &Canvas) -> Result<Self> {
        let sizes = || overlays.iter().map(|overlay| overlay.source.info().size);
        let rects = match layout {
            Layout::Over => {
                let mut rects = grid(canvas.size(), &[own]);
                rects.extend(
                    overlays.iter().map(|overlay| overlay.place.rect(canvas.size(), overlay.source.info().size)),
                );
                rects
            }
            Layout::Grid => grid(canvas.size(), &std::iter::once(own).chain(sizes()).collect::<Vec<_>>()),
        };
        let layers = overlays.into_iter().zip(&rects[1..]);
        let overlays = layers.map(|(overlay, rect)| OverlayLayer::begin(overlay.source, *rect, canvas.clock()));
        Ok(Self { own: rects[0], overlays: overlays.collect::<Result<_>>()? })
    }

    /// Whether there are no overlays.
    pub fn are_of_one_source(&self) -> bool {
        self.overlays.is_empty()
    }

    /// Draws all layers as they are at `time` of the recording, which began at `began` of the clock.
    ///
    /// # Errors
    /// Those of the overlays' sources, and of the canvas.
    pub fn draw(&mut self, canvas: &mut Canvas, own: Arc<Frame>, time: Timestamp, began: Timestamp) -> Result<()> {
        if self.are_of_one_source() {
            canvas.draw(own);
            return Ok(());
        }
        canvas.clear();
        let mut draw = |frame, Rect { x, y, width, height }| canvas.draw_image(frame, x, y, width, height);
        draw(own, self.own)?;
        for layer in &mut self.overlays {
            layer.go_to(time, began)?;
            if let Some(frame) = &layer.shown {
                draw(frame.clone(), layer.rect)?;
            }
        }
        Ok(())
    }
}

/// One overlay.
struct OverlayLayer {
    frames: Receiver<Result<Frame>>,
    /// For a live source: added to its timestamps to get the canvas's time.
    live: Option<Span>,
    /// Whether the clock is real, so that the overlay must not wait for its source.
    real: bool,
    rect: Rect,
    shown: Option<Arc<Frame>>,
    /// Frames that were read and are shown later.
    next: Option<Frame>,
    ended: bool,
}

impl OverlayLayer {
    fn begin(mut source: Box<dyn Source>, rect: Rect, clock: &Clock) -> Result<Self> {
        let live = source.live_clock().and_then(|own| own.shift_to(clock));
        let (to, frames) = sync_channel(READ_AHEAD);
        read_ahead("overlay source", move || source.next_frame(), to)?;
        let (shown, next) = (None, None);
        Ok(Self { frames, live, real: clock.is_real(), rect, shown, next, ended: false })
    }

    /// Advances to the last frame whose time has come.
    fn go_to(&mut self, time: Timestamp, began: Timestamp) -> Result<()> {
        while let Some(frame) = self.following()? {
            let shown_at = match self.live {
                Some(shift) => Timestamp::ZERO + ((frame.timestamp + shift) - began),
                None => frame.timestamp,
            };
            if shown_at > time {
                self.next = Some(frame);
                return Ok(());
            }
            self.shown = Some(Arc::new(frame));
        }
        Ok(())
    }

    /// The next frame; none at the end, and in real time none while no frame is ready.
    fn following(&mut self) -> Result<Option<Frame>> {
        if let Some(frame) = self.next.take() {
            return Ok(Some(frame));
        }
        while !self.ended {
            let received = if self.real {
                self.frames.try_recv().map_err(|error| error == TryRecvError::Disconnected)
            } else {
                let received = self.frames.recv_timeout(POLL_INTERVAL);
                received.map_err(|error| error == std::sync::mpsc::RecvTimeoutError::Disconnected)
            };
            match received {
                Ok(frame) => return frame.map(Some),
                Err(true) => self.ended = true,
                Err(false) if self.real => return Ok(None),
                Err(false) => {}
            }
        }
        Ok(None)
    }
}
