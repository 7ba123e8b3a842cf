//! `framereel preview`: a window that shows a source through its filters, and records it.
//!
//! ```text
//! main thread                  thread "session"                   thread "window renderer"
//! ┌────────┐ WindowCommand    ┌─────────────────────────┐ View   ┌──────────────────────────────┐
//! │ window ├─────────────────▶│ player, chain, recorder ├───────▶│ newest frame, boxes, present │
//! │ (winit)│                  │ stills, replays         │        └──────────────▲───────────────┘
//! └────────┘                  └────────────┬────────────┘                       │ bitmaps, frames
//!                                          │ CurrentPlayer     ┌────────────────┴────────────────┐
//!                                          └──────────────────▶│ threads "thumbnails", "compare" │
//!                                                              └─────────────────────────────────┘
//! ```
//!
//! Nothing on the main thread waits. The player's frames go to recorders and to the window alike; the window, the
//! thumbnails and the comparison each have a device of their own.

mod bitmap;
mod chain;
mod compare;
mod current_player;
mod gif_replay;
mod hud;
mod instant_replay;
mod layout;
mod opening;
mod painter;
mod recording;
mod renderer;
mod session;
mod stills;
mod thumbnails;
mod view;
mod window;

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use framereel::{Error, ErrorKind, Result};
use winit::event_loop::EventLoop;
use winit::window::Window;

use self::current_player::CurrentPlayer;
use self::opening::Opening;
use self::renderer::{WindowPlacement, WindowRenderer};
use self::session::{PreviewSession, WindowCommand};
use self::thumbnails::Thumbnails;
use self::view::{RendererMessage, View};
use self::window::{App, AppEvent};
use super::args::PreviewArgs;
use super::{SIGNAL_DEBOUNCE, end_at_once, on_signal};

/// How long the renderer may take to end.
const RENDERER_TIMEOUT: Duration = Duration::from_secs(3);

pub fn run(args: &PreviewArgs) -> Result<()> {
    let event_loop = EventLoop::<AppEvent>::with_user_event().build().map_err(no_display)?;
    let opening = Opening::of(args)?;
    let names = opening.editor.choices().iter().map(|choice| choice.label.clone()).collect();
    let (to_renderer, messages) = channel();
    let (commands, received) = channel();
    let view = View::new(to_renderer, names);
    let (current, thumbnails, placement) =
        (CurrentPlayer::default(), Thumbnails::default(), WindowPlacement::default());
    let (size, proxy) = (opening.player.size(), event_loop.create_proxy());
    listen_to_signals(commands.clone())?;

    let title = event_loop.create_proxy();
    let set_title = move |text| drop(title.send_event(AppEvent::Title(text)));
    let session = PreviewSession::new(
        args,
        opening,
        view.clone(),
        current.clone(),
        thumbnails.clone(),
        commands.clone(),
        set_title,
    )?;

    let (shown, pictures, end) = (view.clone(), thumbnails.clone(), commands.clone());
    let (drawn, on_screen, quit) = (placement.clone(), view.clone(), commands.clone());
    let (drawing, begun) = channel();
    let on_open = move |window: &Arc<Window>| {
        let renderer = WindowRenderer::new(window.clone(), on_screen, pictures, drawn)?;
        let draw = move || {
            // Without a picture, nobody can use the window: the recording is finished, and the program ends.
            let _quit = SendOnDrop(|| drop(quit.send(WindowCommand::Quit)));
            let outcome = renderer.run(&messages);
            // Where the display blocks the renderer, nobody waits for this any more.
            let _ = drawing.send(outcome);
        };
        let thread = thread::Builder::new().name("window renderer".into()).spawn(draw);
        thread.map(drop).map_err(|error| no_thread("window renderer", error))
    };
    let mut app = App::new(commands, view.clone(), placement, (size, args.window), on_open);

    thread::scope(|scope| {
        let run = move || {
            // Where the window is gone already, its loop has ended.
            let _exit = SendOnDrop(|| drop(proxy.send_event(AppEvent::Exit)));
            session.run(&received)
        };
        let session = thread::Builder::new().name("session".into()).spawn_scoped(scope, run);
        let session = session.map_err(|error| no_thread("session", error))?;
        let workers = [
            // A thumbnail that could not be drawn ends no program.
            thread::Builder::new()
                .name("thumbnails".into())
                .spawn_scoped(scope, || drop(thumbnails.run(&current, &shown))),
            thread::Builder::new().name("compare".into()).spawn_scoped(scope, || compare::run(&current, &shown)),
        ];
        let looped = event_loop.run_app(&mut app);
        let looped = looped.map_err(|error| unknown("the window's events broke off").with_cause(error));
        // The window may have ended before the session.
        let _ = end.send(WindowCommand::Quit);
        let recorded = session.join().unwrap_or_else(|_| Err(broke_off("session")));
        current.close();
        for worker in workers.into_iter().flatten() {
            // Its panic was printed.
            let _ = worker.join();
        }
        // The device is released before the program ends: software drivers crash in a process that exits.
        view.send(RendererMessage::Quit);
        let drawn = match begun.recv_timeout(RENDERER_TIMEOUT) {
            Ok(outcome) => outcome,
            // The window was never opened, or its display blocks.
            Err(_) => Ok(()),
        };
        app.failure.take().map_or(Ok(()), Err).and(drawn).and(looped).and(recorded)
    })
}

/// The first Ctrl-C closes the window, and a recording is finished; a second one ends the program at once.
fn listen_to_signals(commands: Sender<WindowCommand>) -> Result<()> {
    let mut first: Option<Instant> = None;
    on_signal(move || {
        // Several signals at once count as one, as in a recording without a window.
        match first {
            Some(first) if first.elapsed() > SIGNAL_DEBOUNCE => end_at_once([]),
            Some(_) => {}
            None => {
                first = Some(Instant::now());
                // After the session's end, nobody reads this.
                let _ = commands.send(WindowCommand::Quit);
            }
        }
    })
}

/// Calls a function when it is dropped, after a panic too.
struct SendOnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for SendOnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn no_thread(name: &str, error: std::io::Error) -> Error {
    unknown(format!("no thread could be started for the {name}")).with_cause(error)
}

fn broke_off(name: &str) -> Error {
    unknown(format!("the {name} broke off: this is a fault in framereel"))
}

fn unknown(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unknown, text.into())
}

/// No display: names the commands that need none.
fn no_display(error: winit::error::EventLoopError) -> Error {
    let expected = "expected a display to open a window on but found none";
    let remedy = "without one, `framereel record` records and `framereel still` saves pictures";
    Error::new(ErrorKind::NotFound, format!("{expected}; {remedy}")).with_cause(error)
}
