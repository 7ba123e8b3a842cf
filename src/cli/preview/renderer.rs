//! The thread that draws the window: the newest frame of the stream, what it is compared with, and the boxes around it.
//!
//! It has a device of its own and waits for the display alone. A recording never waits for it; where a processor draws,
//! it draws fewer pictures while a recording needs the processor.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use framereel::frame::Rect;
use framereel::preview::{Preview, WindowSurface, black_pass};
use framereel::{Error, ErrorKind, Gpu, MediaStream, Result, Size, wgpu};
use parking_lot::Mutex;
use winit::window::Window;

use super::hud::Hud;
use super::layout::WindowLayout;
use super::painter::Painter;
use super::thumbnails::Thumbnails;
use super::view::{RendererMessage, View, ViewState};

/// How long it waits for a message before it looks whether a message on the screen is over.
const TICK: Duration = Duration::from_millis(500);
/// On software: how many times longer than a picture took the next one waits, also while a recording runs, and the
/// longest wait.
const REST: u32 = 1;
const RECORDING_REST: u32 = 5;
const LONGEST_REST: Duration = Duration::from_millis(200);
/// How often a device or a surface that was lost is made again, and the time between two attempts.
const ATTEMPTS: u32 = 5;
const RETRY: Duration = Duration::from_millis(200);

/// Where the picture was drawn last, for the mouse. Cheap to clone; clones are the same.
#[derive(Clone, Default)]
pub struct WindowPlacement(Arc<Mutex<Option<(WindowLayout, Rect)>>>);

impl WindowPlacement {
    /// The layout of the last picture, and the rectangle that the film filled.
    pub fn last(&self) -> Option<(WindowLayout, Rect)> {
        self.0.lock().clone()
    }
}

/// All that the thread draws with.
pub struct WindowRenderer {
    window: Arc<Window>,
    surface: WindowSurface,
    size: Size,
    scale: f64,
    painter: Painter,
    hud: Hud,
    /// The stream that is shown, and the one to compare with.
    shown: ShownStream,
    compared: ShownStream,
    thumbnails: Thumbnails,
    view: View,
    placement: WindowPlacement,
    /// How often the device or the surface was lost since a picture was drawn.
    lost: u32,
}

/// A stream, and what draws it with the present device.
#[derive(Default)]
struct ShownStream {
    stream: Option<MediaStream>,
    preview: Option<Preview>,
}

impl ShownStream {
    /// Shows this stream; the last frame of the one before stays until it has a frame.
    fn set(&mut self, stream: Option<MediaStream>, view: &View) -> Result<()> {
        match (&stream, &mut self.preview) {
            (Some(stream), Some(preview)) => {
                preview.set_stream(stream)?;
                redraw_on_change(preview, view);
            }
            (Some(_), None) => {}
            (None, preview) => *preview = None,
        }
        self.stream = stream;
        Ok(())
    }

    /// Takes the newest frame; makes what draws it where that is not there.
    fn update(&mut self, gpu: &Gpu, view: &View) -> Result<()> {
        if let (Some(stream), None) = (&self.stream, &self.preview) {
            let preview = Preview::new(gpu, stream)?;
            redraw_on_change(&preview, view);
            self.preview = Some(preview);
        }
        self.preview.as_mut().map_or(Ok(false), Preview::update).map(drop)
    }
}

/// Has the window drawn when there is a new frame.
fn redraw_on_change(preview: &Preview, view: &View) {
    let view = view.clone();
    preview.on_change(move || view.redraw());
}

impl WindowRenderer {
    /// Prepares to draw on this window.
    ///
    /// # Errors
    /// `NotFoundError` when no adapter can draw on it.
    pub fn new(window: Arc<Window>, view: View, thumbnails: Thumbnails, placement: WindowPlacement) -> Result<Self> {
        let size = window.inner_size();
        let size = Size::new(size.width, size.height);
        let surface = surface_of(&window, size)?;
        let painter = Painter::new(surface.gpu(), surface.format());
        Ok(Self {
            scale: window.scale_factor(),
            window,
            surface,
            size,
            painter,
            hud: Hud::default(),
            shown: ShownStream::default(),
            compared: ShownStream::default(),
            thumbnails,
            view,
            placement,
            lost: 0,
        })
    }

    /// Draws until it is told to end.
    ///
    /// # Errors
    /// When the window's device was lost and could not be made again.
    pub fn run(mut self, messages: &Receiver<RendererMessage>) -> Result<()> {
        let mut rested = Instant::now();
        loop {
            let mut next = match messages.recv_timeout(TICK) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => Some(RendererMessage::Redraw),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            // One picture shows all that has changed meanwhile, and while it rests.
            while let Some(message) = next {
                match message {
                    RendererMessage::Redraw => {}
                    RendererMessage::Resized(size, scale) => (self.size, self.scale) = (size, scale),
                    RendererMessage::Stream(stream) => self.shown.set(Some(stream), &self.view)?,
                    RendererMessage::Compare(stream) => self.compared.set(stream, &self.view)?,
                    RendererMessage::Quit => return Ok(()),
                }
                next = messages.recv_timeout(rested.saturating_duration_since(Instant::now())).ok();
            }
            let begun = Instant::now();
            if let Err(error) = self.draw() {
                self.recover(error)?;
            }
            rested = Instant::now() + (begun.elapsed() * self.rest()).min(LONGEST_REST);
        }
    }

    /// How many times longer than a picture took the next one waits: the filters and the encoders of the recording, or
    /// of the replay, need the processors that draw.
    fn rest(&self) -> u32 {
        match self.surface.gpu().info().device_type {
            wgpu::DeviceType::Cpu if self.view.is_recording() => RECORDING_REST,
            wgpu::DeviceType::Cpu => REST,
            _ => 0,
        }
    }

    fn draw(&mut self) -> Result<()> {
        let Self { surface, painter, hud, shown, compared, thumbnails, view, .. } = self;
        surface.resize(self.size);
        view.begin_drawing();
        let state = view.state();
        shown.update(surface.gpu(), view)?;
        compared.update(surface.gpu(), view)?;
        let strip = state.strip.then_some((state.choices.len(), state.selected));
        let layout = WindowLayout::new(self.size, self.scale, strip, state.strip && state.position.is_some());
        let pictures = thumbnails.in_view(layout.cells.iter().map(|(index, _)| *index));
        let format = surface.format();
        let (device, queue) = (surface.gpu().device().clone(), surface.gpu().queue().clone());
        let mut placed = None;
        let drawn = surface.draw(|texture| {
            let target = Size::new(texture.width(), texture.height());
            let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let mut pass = black_pass(&mut encoder, &view);
            let picture = shown.preview.as_mut();
            let picture = picture.and_then(|preview| preview.render(&mut pass, format, target, layout.picture));
            let area = picture.unwrap_or(layout.picture);
            if let (Some(split), Some(compare)) = (state.split, compared.preview.as_mut()) {
                split_pass(&mut pass, compare, format, target, (layout.picture, area), split);
            }
            let state = ViewState { split: state.split.filter(|_| picture.is_some()), ..state };
            let panels = hud.panels(&state, &layout, area, &pictures);
            painter.draw(&mut pass, target, &panels);
            drop(pass);
            queue.submit([encoder.finish()]);
            placed = Some((layout, area));
            Ok(())
        })?;
        if drawn {
            self.lost = 0;
            *self.placement.0.lock() = placed;
        }
        Ok(())
    }

    /// Makes the surface and the device again after an error, some times; the streams are shown as before.
    fn recover(&mut self, error: Error) -> Result<()> {
        self.lost += 1;
        // On macOS a surface is made on the main thread only.
        if self.lost > ATTEMPTS || cfg!(target_os = "macos") {
            return Err(Error::new(ErrorKind::Unknown, "the window cannot be drawn any more").with_cause(error));
        }
        std::thread::sleep(RETRY);
        let Ok(surface) = surface_of(&self.window, self.size) else { return Ok(()) };
        self.surface = surface;
        self.painter = Painter::new(self.surface.gpu(), self.surface.format());
        (self.shown.preview, self.compared.preview) = (None, None);
        self.view.say("the window's device was lost, and made again");
        Ok(())
    }
}

/// Draws the left part of the compared picture over the other one.
fn split_pass(
    pass: &mut wgpu::RenderPass,
    compare: &mut Preview,
    format: wgpu::TextureFormat,
    target: Size,
    (area, picture): (Rect, Rect),
    split: f64,
) {
    let (x, y) = (picture.x.max(0.0) as u32, picture.y.max(0.0) as u32);
    let width = ((picture.width * split).round() as u32).min(target.width.saturating_sub(x));
    let height = (picture.height as u32).min(target.height.saturating_sub(y));
    if width > 0 && height > 0 {
        pass.set_scissor_rect(x, y, width, height);
        compare.render(pass, format, target, area);
        pass.set_scissor_rect(0, 0, target.width, target.height);
    }
}

fn surface_of(window: &Arc<Window>, size: Size) -> Result<WindowSurface> {
    WindowSurface::new(window.clone(), size)
}
