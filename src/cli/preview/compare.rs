//! The unfiltered frames to compare with, as a stream: only while the window is split. They come from the player's
//! present frame and pass a device of their own, so that the recording's frames are not touched.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use framereel::canvas::Capture;
use framereel::source::player::Player;
use framereel::{Clock, FilterChain, Frame, Gpu, MediaStream, PixelFormat, Result, Size, TrackGenerator};

use super::current_player::CurrentPlayer;
use super::view::{RendererMessage, View};

/// How often it is looked whether there is another frame.
const TICK: Duration = Duration::from_millis(8);
/// How often it is looked whether the window is split.
const IDLE: Duration = Duration::from_millis(60);

/// Gives the stream to the renderer while the window is split, until the program ends.
pub fn run(current: &CurrentPlayer, view: &View) -> Result<()> {
    let mut gpu = None;
    while !current.is_closed() {
        if view.state().split.is_none() {
            thread::sleep(IDLE);
            continue;
        }
        let gpu = match &gpu {
            Some(gpu) => gpu,
            None => gpu.insert(Gpu::new()?),
        };
        let Some(player) = current.player() else { continue };
        let shown = show(gpu, current, &player, view);
        view.send(RendererMessage::Compare(None));
        shown?;
    }
    Ok(())
}

/// Shows this player's frames as long as it is there and the window is split.
fn show(gpu: &Gpu, current: &CurrentPlayer, player: &Arc<Player>, view: &View) -> Result<()> {
    let size = player.size();
    let generator = TrackGenerator::video(size, &Clock::real());
    view.send(RendererMessage::Compare(Some(MediaStream::new([generator.track()]))));
    let mut source: Option<(Capture, FilterChain)> = None;
    let mut last: Option<Arc<Frame>> = None;
    let still_there = || current.player().is_some_and(|present| Arc::ptr_eq(&present, player));
    while view.state().split.is_some() && still_there() {
        let frame = player.current_frame();
        let changed = frame.as_ref().filter(|frame| last.as_ref().is_none_or(|last| !Arc::ptr_eq(frame, last)));
        if let Some(frame) = changed {
            let drawn_by = player.drawn_by();
            let (capture, _) = match source.take().filter(|(_, chain)| *chain == drawn_by) {
                Some(same) => source.insert(same),
                None => source.insert((Capture::new(gpu, &drawn_by, size, PixelFormat::I420), drawn_by)),
            };
            capture.submit(frame, frame.timestamp)?;
            if let Some(picture) = capture.take()? {
                generator.write(picture)?;
            }
            last = Some(frame.clone());
        }
        thread::sleep(TICK);
    }
    Ok(())
}

/// The frame through this chain, as `framereel still` draws it.
pub fn still(frame: Arc<Frame>, chain: &FilterChain, size: Size) -> Result<Frame> {
    let mut canvas = framereel::Canvas::new(&Gpu::new()?, size)?;
    canvas.set_filter(chain);
    canvas.draw(frame);
    canvas.read()
}
