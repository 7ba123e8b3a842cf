//! The thumbnails of the strip: the source's present frame through each filter in view, one after the other. They take
//! a small share of one processor's time and have a device of their own, so that no recording waits for them.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use framereel::canvas::Capture;
use framereel::{FilterChain, Frame, Gpu, PixelFormat, Result, Size};
use parking_lot::Mutex;

use super::bitmap::Bitmap;
use super::chain::FilterChoice;
use super::current_player::CurrentPlayer;
use super::view::View;

/// How many times longer than a thumbnail took the next one waits; less for one that is drawn for the first time,
/// unless a recording runs.
const REST: u32 = 9;
const FIRST_REST: u32 = 1;
/// The least time between two thumbnails.
const PAUSE: Duration = Duration::from_millis(25);
/// The height of a thumbnail, enough for screens of high density, and the widest that one may be.
const HEIGHT: u32 = 108;
const WIDEST: u32 = 256;

/// The thumbnails that are drawn so far, by their numbers in the strip. Cheap to clone; clones are the same.
#[derive(Clone, Default)]
pub struct Thumbnails(Arc<Mutex<ThumbnailState>>);

#[derive(Default)]
struct ThumbnailState {
    choices: Vec<FilterChoice>,
    /// The numbers of those in view.
    wanted: Vec<usize>,
    /// Each with the frame that it shows; none where it could not be drawn.
    drawn: HashMap<usize, (Option<Arc<Bitmap>>, Weak<Frame>)>,
}

impl Thumbnails {
    /// Sets what the strip offers. Thumbnails of choices that stay are kept.
    pub fn set_choices(&self, choices: &[FilterChoice]) {
        let mut state = self.0.lock();
        let before = std::mem::replace(&mut state.choices, choices.to_vec());
        state.drawn.retain(|number, _| before.get(*number) == choices.get(*number));
    }

    /// The thumbnails with these numbers, which are in view now; none where one is not drawn yet.
    pub fn in_view(&self, numbers: impl Iterator<Item = usize>) -> Vec<Option<Arc<Bitmap>>> {
        let mut state = self.0.lock();
        state.wanted = numbers.collect();
        state.wanted.iter().map(|number| state.drawn.get(number).and_then(|(bitmap, _)| bitmap.clone())).collect()
    }

    /// Draws the thumbnails in view, again and again, until the program ends.
    pub fn run(&self, current: &CurrentPlayer, view: &View) -> Result<()> {
        let mut renderer = ThumbnailRenderer { gpu: Gpu::new()?, small: None, captures: HashMap::new() };
        let (mut last, mut pause) = (None, PAUSE);
        while current.wait(pause) {
            let begun = Instant::now();
            let mut rest = REST;
            let player = current.player().filter(|_| view.state().strip);
            let frame = player.as_ref().and_then(|player| player.current_frame());
            if let (Some(player), Some(frame)) = (player, frame)
                && let Some((number, chain, first)) = self.next(&frame, last)
            {
                let is_urgent = first && !view.is_recording();
                (last, rest) = (Some(number), if is_urgent { FIRST_REST } else { REST });
                let bitmap = renderer.draw(&frame, &player.drawn_by(), number, &chain).ok().map(Arc::new);
                self.0.lock().drawn.insert(number, (bitmap, Arc::downgrade(&frame)));
                view.redraw();
            }
            pause = (begun.elapsed() * rest).max(PAUSE);
        }
        Ok(())
    }

    /// The number and the chain of the next thumbnail to draw from this frame, and whether it was never drawn: one of
    /// those comes first, then the one after `last` in view that shows another frame.
    fn next(&self, frame: &Arc<Frame>, last: Option<usize>) -> Option<(usize, FilterChain, bool)> {
        let state = self.0.lock();
        let fresh = |number: &&usize| !state.drawn.contains_key(number);
        let stale =
            |number: &&usize| state.drawn.get(number).is_none_or(|(_, shown)| shown.as_ptr() != Arc::as_ptr(frame));
        let after = state.wanted.iter().position(|number| Some(*number) == last).map_or(0, |position| position + 1);
        let around = state.wanted[after..].iter().chain(&state.wanted[..after]);
        let never = state.wanted.iter().find(fresh);
        let number = *never.or_else(|| around.clone().find(stale))?;
        Some((number, state.choices.get(number)?.chain.clone(), never.is_some()))
    }
}

/// Draws thumbnails.
struct ThumbnailRenderer {
    gpu: Gpu,
    /// Reduces frames, with the chain that draws them.
    small: Option<(Capture, FilterChain, Size)>,
    captures: HashMap<usize, (Capture, FilterChain, Size)>,
}

impl ThumbnailRenderer {
    fn draw(&mut self, frame: &Frame, drawn_by: &FilterChain, number: usize, chain: &FilterChain) -> Result<Bitmap> {
        let Size { width, height } = frame.size();
        let width = (u64::from(HEIGHT) * u64::from(width) / u64::from(height.max(1))).clamp(16, WIDEST.into()) as u32;
        let size = Size::new(width, HEIGHT);
        let small = filtered(&self.gpu, &mut self.small, frame, drawn_by, size)?;
        let mut capture = self.captures.remove(&number);
        let picture = filtered(&self.gpu, &mut capture, &small, chain, size);
        self.captures.extend(capture.map(|capture| (number, capture)));
        Ok(premultiplied(&picture?))
    }
}

/// The frame through this chain, at this size. The capture is made anew where the chain or the size is another one.
fn filtered(
    gpu: &Gpu,
    capture: &mut Option<(Capture, FilterChain, Size)>,
    frame: &Frame,
    chain: &FilterChain,
    size: Size,
) -> Result<Frame> {
    if capture.as_ref().is_none_or(|(_, known, of)| known != chain || *of != size) {
        *capture = Some((Capture::new(gpu, chain, size, PixelFormat::Rgba8), chain.clone(), size));
    }
    let picture = capture.as_mut().map(|(capture, ..)| {
        capture.submit(frame, frame.timestamp)?;
        capture.take()
    });
    let missing = || framereel::Error::new(framereel::ErrorKind::Unknown, "expected a thumbnail but found none");
    picture.transpose()?.flatten().map(|picture| picture.with_timestamp(frame.timestamp)).ok_or_else(missing)
}

/// The picture over black, as a recording shows it.
fn premultiplied(picture: &Frame) -> Bitmap {
    let Size { width, height } = picture.size();
    let mut bitmap = Bitmap::new(width, height);
    for (pixel, to) in picture.data().chunks_exact(4).zip(bitmap.pixels.chunks_exact_mut(4)) {
        for channel in 0..3 {
            to[channel] = ((u32::from(pixel[channel]) * u32::from(pixel[3]) + 127) / 255) as u8;
        }
        to[3] = 255;
    }
    bitmap
}
