//! The thread that draws the window: the newest frame of the stream, what it is compared with, and the boxes around it.
//!
//! It has a device of its own and waits for the display alone. A recording never waits for it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use framereel::frame::Rect;
use framereel::preview::{Preview, WindowSurface};
use framereel::{Error, ErrorKind, MediaStream, Result, Size, wgpu};
use parking_lot::Mutex;
use winit::window::Window;

use super::hud::Hud;
use super::layout::WindowLayout;
use super::painter::Painter;
use super::thumbnails::Thumbnails;
use super::view::{RendererMessage, View, ViewState};

/// How long it waits for a message before it looks whether a message on the screen is over.
const TICK: Duration = Duration::from_millis(500);
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
    preview: Option<Preview>,
    compare: Option<Preview>,
    /// The streams that are shown, to show them with another device.
    stream: Option<MediaStream>,
    compared: Option<MediaStream>,
    thumbnails: Thumbnails,
    view: View,
    placement: WindowPlacement,
    wake: Sender<RendererMessage>,
    /// When the device or the surface was lost, and how often it was made again since.
    lost: u32,
}

impl WindowRenderer {
    /// Prepares to draw on this window.
    ///
    /// # Errors
    /// `NotFoundError` when no adapter can draw on it.
    pub fn new(
        window: Arc<Window>,
        view: View,
        wake: Sender<RendererMessage>,
        thumbnails: Thumbnails,
        placement: WindowPlacement,
    ) -> Result<Self> {
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
            preview: None,
            compare: None,
            stream: None,
            compared: None,
            thumbnails,
            view,
            placement,
            wake,
            lost: 0,
        })
    }

    /// Draws until it is told to end.
    ///
    /// # Errors
    /// When the window's device was lost and could not be made again.
    pub fn run(mut self, messages: &Receiver<RendererMessage>) -> Result<()> {
        loop {
            let mut next = match messages.recv_timeout(TICK) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => Some(RendererMessage::Redraw),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            // One picture shows all that has changed meanwhile.
            while let Some(message) = next {
                match message {
                    RendererMessage::Redraw => {}
                    RendererMessage::Resized(size, scale) => (self.size, self.scale) = (size, scale),
                    RendererMessage::Stream(stream) => self.show(stream)?,
                    RendererMessage::Compare(stream) => self.compare_with(stream)?,
                    RendererMessage::Quit => return Ok(()),
                }
                next = messages.try_recv().ok();
            }
            if let Err(error) = self.draw() {
                self.recover(error)?;
            }
        }
    }

    fn show(&mut self, stream: MediaStream) -> Result<()> {
        match &mut self.preview {
            Some(preview) => preview.set_stream(&stream)?,
            None => self.preview = Some(Preview::new(self.surface.gpu(), &stream)?),
        }
        wake_on(self.preview.as_ref(), &self.wake);
        self.stream = Some(stream);
        Ok(())
    }

    fn compare_with(&mut self, stream: Option<MediaStream>) -> Result<()> {
        self.compare = stream.as_ref().map(|stream| Preview::new(self.surface.gpu(), stream)).transpose()?;
        wake_on(self.compare.as_ref(), &self.wake);
        self.compared = stream;
        Ok(())
    }

    fn draw(&mut self) -> Result<()> {
        let Self { surface, painter, hud, preview, compare, thumbnails, view, .. } = self;
        surface.resize(self.size);
        let state = view.state();
        for preview in preview.iter_mut().chain(compare.iter_mut()) {
            preview.update()?;
        }
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
            let mut pass = black(&mut encoder, &view);
            let picture =
                preview.as_mut().and_then(|preview| preview.render(&mut pass, format, target, layout.picture));
            let area = picture.unwrap_or(layout.picture);
            if let (Some(split), Some(compare)) = (state.split, compare.as_mut()) {
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
        if self.lost > ATTEMPTS {
            return Err(Error::new(ErrorKind::Unknown, "the window cannot be drawn any more").with_cause(error));
        }
        std::thread::sleep(RETRY);
        let Ok(surface) = surface_of(&self.window, self.size) else { return Ok(()) };
        self.surface = surface;
        self.painter = Painter::new(self.surface.gpu(), self.surface.format());
        (self.preview, self.compare) = (None, None);
        if let Some(stream) = self.stream.take() {
            self.show(stream)?;
        }
        let compared = self.compared.take();
        self.compare_with(compared)?;
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

/// Wakes the thread when the preview has a new frame.
fn wake_on(preview: Option<&Preview>, wake: &Sender<RendererMessage>) {
    if let Some(preview) = preview {
        let wake = Mutex::new(wake.clone());
        preview.on_change(move || {
            // The thread may have ended.
            let _ = wake.lock().send(RendererMessage::Redraw);
        });
    }
}

fn surface_of(window: &Arc<Window>, size: Size) -> Result<WindowSurface> {
    WindowSurface::new(window.clone(), size)
}

/// A render pass on a black target.
fn black<'a>(encoder: &'a mut wgpu::CommandEncoder, view: &wgpu::TextureView) -> wgpu::RenderPass<'a> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some("window"),
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
        })],
        ..wgpu::RenderPassDescriptor::default()
    })
}
