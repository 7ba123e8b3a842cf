//! A photo booth: your camera, or a film, in a window of your own; `r` records it, space picks the next filter.
//!
//!     photo_booth [SOURCE] [FILE.webm]

use std::sync::Arc;

use framereel::preview::{Preview, WindowSurface};
use framereel::source::player::Player;
use framereel::{Event, FileSink, Gpu, MediaRecorder, MediaRecorderOptions, Result, Size, SourceSpec};
use winit::application::ApplicationHandler;
use winit::event::{ElementState, KeyEvent, WindowEvent};
use winit::event_loop::{ActiveEventLoop, EventLoop};
use winit::window::{Window, WindowId};

const FILTERS: [&str; 5] =
    ["none", "sepia(60%) vignette(0.4)", "grayscale(1) contrast(130%)", "posterize(5)", "edge(1)"];

struct PhotoBooth {
    player: Player,
    recorder: MediaRecorder,
    file: String,
    filter: usize,
    shown: Option<(Arc<Window>, WindowSurface, Preview)>,
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let source: SourceSpec = std::env::args().nth(1).unwrap_or("camera".into()).parse()?;
    let file = std::env::args().nth(2).unwrap_or("photo-booth.webm".into());
    let player = Player::open(&Gpu::new()?, &source)?;
    player.set_loop(true);
    player.play();
    let recorder = MediaRecorder::new(&player.capture_stream()?, MediaRecorderOptions::default())?;
    let mut booth = PhotoBooth { player, recorder, file, filter: 0, shown: None };
    EventLoop::new()?.run_app(&mut booth)?;
    // A recording that still runs is finished.
    booth.recorder.stop();
    for event in booth.recorder.events() {
        if let Event::Error(error) = event {
            return Err(error.into());
        }
    }
    println!("{}: {} frames", booth.file, booth.recorder.report().frames_encoded);
    Ok(())
}

impl PhotoBooth {
    fn open(&mut self, event_loop: &ActiveEventLoop) -> std::result::Result<(), Box<dyn std::error::Error>> {
        let window = Arc::new(event_loop.create_window(Window::default_attributes().with_title("photo booth"))?);
        // The window has a device of its own: whatever happens to it, the recording goes on.
        let size = window.inner_size();
        let surface = WindowSurface::new(window.clone(), Size::new(size.width, size.height))?;
        let preview = Preview::new(surface.gpu(), self.recorder.stream())?;
        let redraw = window.clone();
        preview.on_change(move || redraw.request_redraw());
        self.shown = Some((window, surface, preview));
        Ok(())
    }

    fn key(&mut self, key: Option<&str>) -> Result<()> {
        match key {
            Some(" ") => {
                self.filter = (self.filter + 1) % FILTERS.len();
                self.player.set_filter(&FILTERS[self.filter].parse()?);
            }
            Some("r") => self.recorder.start_to(FileSink::create(&self.file)?)?,
            _ => {}
        }
        Ok(())
    }
}

impl ApplicationHandler for PhotoBooth {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if let Err(error) = self.open(event_loop) {
            eprintln!("error: {error}");
            event_loop.exit();
        }
    }

    fn exiting(&mut self, _: &ActiveEventLoop) {
        // Without an event loop, no redraw may be requested.
        self.shown = None;
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let Some((_, surface, preview)) = &mut self.shown else { return };
        let done = match event {
            WindowEvent::CloseRequested => return event_loop.exit(),
            WindowEvent::Resized(size) => {
                surface.resize(Size::new(size.width, size.height));
                Ok(())
            }
            WindowEvent::RedrawRequested => surface.draw(|texture| preview.draw(texture)).map(drop),
            WindowEvent::KeyboardInput {
                event: KeyEvent { logical_key, state: ElementState::Pressed, .. }, ..
            } => match logical_key.to_text() {
                Some("q") => return event_loop.exit(),
                text => self.key(text),
            },
            _ => Ok(()),
        };
        if let Err(error) = done {
            eprintln!("error: {error}");
        }
    }
}
