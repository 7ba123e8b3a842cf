//! The window: turns keys, the mouse and the system's events into commands. It draws nothing and waits for nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use framereel::{Error, ErrorKind, Size};
use winit::application::ApplicationHandler;
use winit::dpi::{LogicalSize, PhysicalPosition, PhysicalSize};
use winit::event::{ElementState, KeyEvent, MouseButton, WindowEvent};
use winit::event_loop::ActiveEventLoop;
use winit::keyboard::{Key, NamedKey};
use winit::window::{Fullscreen, Window, WindowId};

use super::layout::Hit;
use super::renderer::WindowPlacement;
use super::session::WindowCommand;
use super::view::{RendererMessage, View};

/// The largest window that is opened by itself, in units.
const LARGEST: [f64; 2] = [1280.0, 720.0];
/// The room below the picture for the strip and the time line, in units.
const BELOW: f64 = 106.0;

/// An event from the program's other threads.
#[derive(Debug)]
pub enum AppEvent {
    /// Set this title.
    Title(String),
    /// The session is over.
    Exit,
}

/// Called once with the window, to begin to draw on it.
type OnOpen = Box<dyn FnOnce(&Arc<Window>) -> framereel::Result<()>>;

/// The window's application.
pub struct App {
    window: Option<Arc<Window>>,
    on_open: Option<OnOpen>,
    commands: Sender<WindowCommand>,
    view: View,
    placement: WindowPlacement,
    title: String,
    picture: Size,
    /// The window's size in pixels, where one is asked for.
    size: Option<Size>,
    pointer: (f64, f64),
    drag: Option<Drag>,
    /// An error that ended it.
    pub failure: Option<Error>,
}

/// What the pressed mouse button moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drag {
    Split,
    Timeline,
}

impl App {
    /// An application whose window shows pictures of this size.
    pub fn new(
        commands: Sender<WindowCommand>,
        view: View,
        placement: WindowPlacement,
        (picture, size): (Size, Option<Size>),
        on_open: impl FnOnce(&Arc<Window>) -> framereel::Result<()> + 'static,
    ) -> Self {
        Self {
            window: None,
            on_open: Some(Box::new(on_open)),
            commands,
            view,
            placement,
            title: "framereel".to_owned(),
            picture,
            size,
            pointer: (0.0, 0.0),
            drag: None,
            failure: None,
        }
    }

    fn command(&self, command: WindowCommand) {
        // After the session's end, nothing is left to ask for.
        let _ = self.commands.send(command);
    }

    fn open(&mut self, event_loop: &ActiveEventLoop) -> framereel::Result<()> {
        let mut attributes = Window::default_attributes().with_title(&self.title);
        attributes = match self.size {
            Some(size) => attributes.with_inner_size(PhysicalSize::new(size.width, size.height)),
            None => {
                let (width, height) = (f64::from(self.picture.width), f64::from(self.picture.height));
                let fit = (LARGEST[0] / width).min(LARGEST[1] / height).min(1.0);
                attributes
                    .with_inner_size(LogicalSize::new((width * fit).max(480.0), (height * fit).max(200.0) + BELOW))
            }
        };
        let window = event_loop
            .create_window(attributes)
            .map_err(|error| Error::new(ErrorKind::NotFound, "the window could not be opened").with_cause(error))?;
        let window = Arc::new(window);
        if let Some(on_open) = self.on_open.take() {
            on_open(&window)?;
        }
        self.window = Some(window);
        Ok(())
    }

    fn key(&mut self, event: &KeyEvent) {
        let command = match &event.logical_key {
            Key::Named(NamedKey::ArrowLeft) => WindowCommand::Step(-1),
            Key::Named(NamedKey::ArrowRight) => WindowCommand::Step(1),
            Key::Named(NamedKey::ArrowUp) => WindowCommand::Adjust(1.0),
            Key::Named(NamedKey::ArrowDown) => WindowCommand::Adjust(-1.0),
            // The others act once, however long they are held.
            _ if event.repeat => return,
            Key::Named(NamedKey::Enter) => WindowCommand::NextNumber,
            Key::Named(NamedKey::Space) => WindowCommand::Play,
            Key::Named(NamedKey::Tab) => return self.view.change(|state| state.strip = !state.strip),
            Key::Named(NamedKey::Escape) => return self.escape(),
            Key::Character(text) => match text.to_lowercase().as_str() {
                "a" => WindowCommand::Keep,
                "d" => WindowCommand::Drop,
                "c" => WindowCommand::Copy,
                "r" => WindowCommand::Record,
                "p" => WindowCommand::Pause,
                "s" => WindowCommand::Still,
                "i" => WindowCommand::Replay,
                "g" => WindowCommand::Gif,
                "q" => WindowCommand::Quit,
                "b" => return self.view.change(|state| state.split = state.split.is_none().then_some(0.5)),
                "h" | "?" => return self.view.change(|state| state.help = !state.help),
                "f" => return self.toggle_full_screen(),
                digit => match digit.parse() {
                    Ok(digit) => WindowCommand::Select(digit),
                    Err(_) => return,
                },
            },
            _ => return,
        };
        self.command(command);
    }

    /// Leaves the help, or else full screen.
    fn escape(&mut self) {
        let helped = self.view.state().help;
        self.view.change(|state| state.help = false);
        if let Some(window) = self.window.as_ref().filter(|window| !helped && window.fullscreen().is_some()) {
            window.set_fullscreen(None);
        }
    }

    fn toggle_full_screen(&self) {
        if let Some(window) = &self.window {
            let full = window.fullscreen().is_none().then_some(Fullscreen::Borderless(None));
            window.set_fullscreen(full);
        }
    }

    fn press(&mut self) {
        let Some((layout, _)) = self.placement.last() else { return };
        match layout.hit(self.pointer.0, self.pointer.1) {
            Hit::Cell(index) => self.command(WindowCommand::Select(index)),
            Hit::Timeline(part) => {
                self.drag = Some(Drag::Timeline);
                self.command(WindowCommand::Seek(part));
            }
            Hit::Picture if self.view.state().split.is_some() => {
                self.drag = Some(Drag::Split);
                self.drag();
            }
            Hit::Picture => {}
        }
    }

    fn drag(&mut self) {
        let (Some(drag), Some((layout, picture))) = (self.drag, self.placement.last()) else { return };
        match drag {
            Drag::Split => {
                let part = ((self.pointer.0 - picture.x) / picture.width.max(1.0)).clamp(0.0, 1.0);
                self.view.change(|state| state.split = state.split.map(|_| part));
            }
            Drag::Timeline => {
                if let Some(part) = layout.time_at(self.pointer.0) {
                    self.command(WindowCommand::Seek(part));
                }
            }
        }
    }

    fn resized(&self, size: PhysicalSize<u32>, scale: f64) {
        self.view.send(RendererMessage::Resized(Size::new(size.width, size.height), scale));
    }

    fn dropped(&self, path: PathBuf) {
        self.command(WindowCommand::Open(path));
    }
}

impl ApplicationHandler<AppEvent> for App {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.window.is_none()
            && let Err(error) = self.open(event_loop)
        {
            self.failure = Some(error);
            event_loop.exit();
        }
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, event: AppEvent) {
        match event {
            AppEvent::Title(title) => {
                if let Some(window) = &self.window {
                    window.set_title(&title);
                }
                self.title = title;
            }
            AppEvent::Exit => event_loop.exit(),
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _window: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested => {
                // The file of a recording is finished meanwhile.
                if let Some(window) = &self.window {
                    window.set_visible(false);
                }
                if self.commands.send(WindowCommand::Quit).is_err() {
                    event_loop.exit();
                }
            }
            WindowEvent::Resized(size) => {
                if let Some(window) = &self.window {
                    self.resized(size, window.scale_factor());
                }
            }
            WindowEvent::ScaleFactorChanged { scale_factor, .. } => {
                if let Some(window) = &self.window {
                    self.resized(window.inner_size(), scale_factor);
                }
            }
            WindowEvent::RedrawRequested => self.view.redraw(),
            // Keys that were pressed before the window had the focus are not meant for it.
            WindowEvent::KeyboardInput { event, is_synthetic: false, .. } if event.state == ElementState::Pressed => {
                self.key(&event);
            }
            WindowEvent::CursorMoved { position: PhysicalPosition { x, y }, .. } => {
                self.pointer = (x, y);
                self.drag();
            }
            WindowEvent::MouseInput { state, button: MouseButton::Left, .. } => match state {
                ElementState::Pressed => self.press(),
                ElementState::Released => self.drag = None,
            },
            WindowEvent::DroppedFile(path) => self.dropped(path),
            _ => {}
        }
    }
}
