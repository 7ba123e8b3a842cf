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
mod hud;
mod layout;
mod painter;
mod renderer;
mod session;
mod thumbnails;
mod view;
mod window;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use framereel::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use winit::event_loop::EventLoop;
use winit::window::Window;

use self::current_player::CurrentPlayer;
use self::renderer::{WindowPlacement, WindowRenderer};
use self::session::{Opening, PreviewSession, WindowCommand};
use self::thumbnails::Thumbnails;
use self::view::{RendererMessage, View};
use self::window::{App, AppEvent};
use super::args::PreviewArgs;
use super::on_signal;

pub fn run(args: &PreviewArgs) -> Result<()> {
    let event_loop = EventLoop::<AppEvent>::with_user_event().build().map_err(no_display)?;
    let opening = Opening::of(args)?;
    let names = opening.editor.choices().iter().map(|choice| choice.label.clone()).collect();
    let (to_renderer, messages) = channel();
    let (commands, received) = channel();
    let view = View::new(to_renderer.clone(), names);
    let (current, thumbnails, placement) =
        (CurrentPlayer::default(), Thumbnails::default(), WindowPlacement::default());
    let (size, proxy) = (opening.player.size(), event_loop.create_proxy());
    let interrupted = commands.clone();
    // After the window's end, nobody reads the commands.
    on_signal(move || drop(interrupted.send(WindowCommand::Quit)))?;

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

    let (shown, pictures, quit, end) = (view.clone(), thumbnails.clone(), commands.clone(), commands.clone());
    let (drawn, on_renderer) = (placement.clone(), view.clone());
    let drawing = Arc::new(Mutex::new(None));
    let begun = drawing.clone();
    let on_open = move |window: &Arc<Window>| {
        let renderer = WindowRenderer::new(window.clone(), on_renderer, to_renderer, pictures, drawn)?;
        let draw = move || {
            // Without a picture, nobody can use the window: the recording is finished, and the program ends.
            renderer.run(&messages).inspect_err(|_| drop(quit.send(WindowCommand::Quit)))
        };
        let thread = thread::Builder::new().name("window renderer".into()).spawn(draw);
        *begun.lock() = Some(thread.map_err(|error| no_thread("window renderer", error))?);
        Ok(())
    };
    let mut app = App::new(commands, view.clone(), placement, (size, args.window), on_open);

    thread::scope(|scope| {
        let run = move || {
            let outcome = session.run(&received);
            // Where the window is gone already, its loop has ended.
            let _ = proxy.send_event(AppEvent::Exit);
            outcome
        };
        let session = thread::Builder::new().name("session".into()).spawn_scoped(scope, run);
        let session = session.map_err(|error| no_thread("session", error))?;
        let workers = [
            thread::Builder::new().name("thumbnails".into()).spawn_scoped(scope, || thumbnails.run(&current, &shown)),
            thread::Builder::new().name("compare".into()).spawn_scoped(scope, || compare::run(&current, &shown)),
        ];
        let looped = event_loop.run_app(&mut app);
        let looped = looped.map_err(|error| unknown("the window's events broke off").with_cause(error));
        // The window may have ended before the session.
        let _ = end.send(WindowCommand::Quit);
        let recorded = session.join().unwrap_or_else(|_| Err(broke_off("session")));
        for worker in workers.into_iter().flatten() {
            // A thumbnail that could not be drawn ends no program.
            let _ = worker.join();
        }
        // The device is released before the program ends: software drivers crash in a process that exits.
        view.send(RendererMessage::Quit);
        let renderer = drawing.lock().take();
        let drawn =
            renderer.map_or(Ok(()), |renderer| renderer.join().unwrap_or_else(|_| Err(broke_off("window renderer"))));
        app.failure.take().map_or(Ok(()), Err).and(drawn).and(looped).and(recorded)
    })
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
