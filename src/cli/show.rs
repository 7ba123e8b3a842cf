//! `--show`: draws the picture small on the terminal while it is recorded.
//!
//! A thread of its own reads the newest frame, at most ten times a second, and rests nine times as long as it worked and
//! wrote. So it takes a tenth of one core at the most, and as much of a slow connection. The recording never waits for
//! it.

use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use framereel::stream::{MediaStreamTrack, TrackProcessor};
use framereel::{Error, ErrorKind, Frame, Result, Span};

pub mod area;
mod blocks;
pub mod graphics;
mod kitty;
pub mod placement;
mod sixel;
mod thumbnail;

use area::TerminalSize;
use graphics::Graphics;
use placement::TerminalPicture;
use thumbnail::Thumbnailer;

use super::terminal::Terminal;

/// The least time from one picture to the next.
const INTERVAL: Duration = Duration::from_millis(100);
/// How many times as long as it worked the thread rests.
const REST: u32 = 9;
/// How long the thread waits for a frame before it looks whether the terminal has changed.
const LOOK: Span = Span::from_millis(100);

/// Checks that there is a terminal to show pictures on.
///
/// # Errors
/// A syntax error where standard error is none.
pub fn check_terminal() -> Result<()> {
    if stderr().is_terminal() {
        return Ok(());
    }
    let expected = "expected standard error to be a terminal to --show the picture on but found that it is not";
    Err(Error::new(ErrorKind::Syntax, expected).with_remedy("leave out --show, or do not redirect it"))
}

/// Shows a track while it lives.
pub struct Show {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    terminal: Arc<Terminal>,
}

impl Show {
    /// Begins to show the frames of this track on a new thread.
    pub fn begin(graphics: Graphics, track: &MediaStreamTrack, terminal: Arc<Terminal>) -> Result<Self> {
        let frames = TrackProcessor::new(track)?;
        let over = Arc::new(AtomicBool::new(false));
        let mut viewer =
            Viewer { graphics, terminal: terminal.clone(), thumbnailer: Thumbnailer::default(), shown: None };
        let is_over = over.clone();
        let run = move || {
            while !is_over.load(Ordering::Acquire) && !frames.is_over() {
                let frame = frames.next_within(LOOK);
                let began = Instant::now();
                viewer.follow(frame);
                thread::park_timeout(rest(began.elapsed()));
            }
        };
        let thread = thread::Builder::new().name("show".into()).spawn(run).map_err(|error| {
            Error::new(ErrorKind::Unknown, "could not start a thread to show the picture").with_cause(error)
        })?;
        Ok(Self { over, thread: Some(thread), terminal })
    }
}

impl Drop for Show {
    /// Removes the picture.
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of the display is no reason to lose a recording.
            let _ = thread.join();
        }
        self.terminal.show(None);
    }
}

/// How long to rest after so much work.
fn rest(work: Duration) -> Duration {
    INTERVAL.saturating_sub(work).max(work * REST)
}

/// Draws frames.
struct Viewer {
    graphics: Graphics,
    terminal: Arc<Terminal>,
    thumbnailer: Thumbnailer,
    /// The last frame, and the terminal that it was drawn for.
    shown: Option<(Arc<Frame>, Option<TerminalSize>)>,
}

impl Viewer {
    /// Draws this frame; without one the last, where it must be drawn again.
    fn follow(&mut self, frame: Option<Arc<Frame>>) {
        let screen = TerminalSize::present();
        let frame = match (frame, &self.shown) {
            (Some(frame), _) => frame,
            (None, Some((last, drawn_for))) if *drawn_for != screen || self.terminal.needs_picture() => last.clone(),
            (None, _) => return,
        };
        let picture = screen.and_then(|screen| self.picture(&frame, screen));
        self.terminal.show(picture.as_ref());
        self.shown = Some((frame, screen));
    }

    fn picture(&mut self, frame: &Frame, screen: TerminalSize) -> Option<TerminalPicture> {
        let area = screen.area(self.graphics, frame.size())?;
        let thumbnail = self.thumbnailer.draw(frame, area.pixels)?;
        TerminalPicture::encode(self.graphics, area, &thumbnail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_ten_times_a_second_and_take_a_tenth_of_the_time_at_most() {
        let millis = Duration::from_millis;
        assert_eq!(rest(millis(0)), millis(100));
        assert_eq!(rest(millis(4)), millis(96));
        assert_eq!(rest(millis(10)), millis(90));
        assert_eq!(rest(millis(50)), millis(450), "half a second from picture to picture");
    }
}
