//! The unfiltered frames to compare with, as a stream: only while the window is split. They come from the player's
//! present frame and pass a device of their own, so that the recording's frames are not touched.

use std::sync::Arc;
use std::time::Duration;

use framereel::canvas::Capture;
use framereel::source::player::Player;
use framereel::{Clock, FilterChain, Frame, Gpu, MediaStream, PixelFormat, Result, Span, Timestamp, TrackGenerator};

use super::current_player::CurrentPlayer;
use super::view::{RendererMessage, View};

/// How often it is looked whether there is another frame.
const TICK: Duration = Duration::from_millis(8);
/// How often a frame is given again while it stays.
const STILL: Span = Span::from_millis(200);
/// How often it is looked whether the window is split.
const IDLE: Duration = Duration::from_millis(60);

/// Gives the stream to the renderer while the window is split, until the program ends.
pub fn run(current: &CurrentPlayer, view: &View) {
    let mut gpu = None;
    while current.wait(IDLE) {
        let Some(player) = current.player().filter(|_| view.state().split.is_some()) else { continue };
        // The device is made when it is needed first, and kept.
        let device = gpu.take().map_or_else(Gpu::new, Ok);
        let shown = device.and_then(|device| show(gpu.insert(device), current, &player, view));
        view.send(RendererMessage::Compare(None));
        if let Err(error) = shown {
            view.change(|state| state.split = None);
            view.say(format!("error: the source cannot be compared: {error}"));
        }
    }
}

/// Shows this player's frames as long as it is there and the window is split.
fn show(gpu: &Gpu, current: &CurrentPlayer, player: &Arc<Player>, view: &View) -> Result<()> {
    let size = player.size();
    let clock = Clock::real();
    let generator = TrackGenerator::video(size, &clock);
    view.send(RendererMessage::Compare(Some(MediaStream::new([generator.track()]))));
    let mut source: Option<(Capture, FilterChain)> = None;
    let mut shown: Option<(Arc<Frame>, Frame)> = None;
    let mut written = Timestamp::ZERO;
    let is_current = || current.player().is_some_and(|present| Arc::ptr_eq(&present, player));
    while view.state().split.is_some() && is_current() && current.wait(TICK) {
        let frame = player.current_frame();
        let changed = frame.filter(|frame| shown.as_ref().is_none_or(|(shown, _)| !Arc::ptr_eq(frame, shown)));
        if let Some(frame) = changed {
            let drawn_by = player.drawn_by();
            let (capture, _) = match source.take().filter(|(_, chain)| *chain == drawn_by) {
                Some(same) => source.insert(same),
                None => source.insert((Capture::new(gpu, &drawn_by, size, PixelFormat::I420), drawn_by)),
            };
            capture.submit(&frame, frame.timestamp)?;
            shown = capture.take()?.map(|picture| (frame, picture));
        } else if clock.now() - written < STILL {
            continue;
        }
        // A frame that stays is given again, for a renderer that was made meanwhile.
        if let Some((_, picture)) = &shown {
            written = clock.now();
            generator.write(picture.clone().with_timestamp(written))?;
        }
    }
    Ok(())
}
