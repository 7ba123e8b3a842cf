//! `framereel preview`: a window that shows a source through its filters, and records it.
//!
//! ```text
//! main thread            thread "session"                 thread "screen"
//! ┌────────┐  Command   ┌─────────────────────────┐      ┌───────────────────────────────┐
//! │ window ├───────────▶│ player, chain, recorder ├─────▶│ newest frame, boxes, present  │
//! │ (winit)│            │ stills, replays         │ View └───────────────▲───────────────┘
//! └────────┘            └────────┬────────────────┘                      │ bitmaps, frames
//!                                │ Stage               ┌─────────────────┴───────────────┐
//!                                └────────────────────▶│ threads "thumbnails", "compare" │
//!                                                      └─────────────────────────────────┘
//! ```
//!
//! Nothing on the main thread waits. The player's frames go to recorders and to the screen alike; the screen, the
//! thumbnails and the comparison each have a device of their own.

mod bitmap;
mod chain;
mod compare;
mod hud;
mod layout;
mod painter;
mod screen;
mod session;
mod stage;
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

use self::screen::{Placement, Screen};
use self::session::{Command, Opening, Session};
use self::stage::Stage;
use self::thumbnails::Thumbnails;
use self::view::{ScreenMessage, View};
use self::window::{App, AppEvent};
use super::args::PreviewArgs;
use super::on_signal;

pub fn run(args: &PreviewArgs) -> Result<()> {
    let event_loop = EventLoop::<AppEvent>::with_user_event().build().map_err(no_display)?;
    let opening = Opening::of(args)?;
    let names = opening.editor.choices().iter().map(|choice| choice.label.clone()).collect();
    let (to_screen, messages) = channel();
    let (commands, received) = channel();
    let view = View::new(to_screen.clone(), names);
    let (stage, thumbnails, placement) = (Stage::default(), Thumbnails::default(), Placement::default());
    let (size, proxy) = (opening.player.size(), event_loop.create_proxy());
    let interrupted = commands.clone();
    // After the window's end, nobody reads the commands.
    on_signal(move || drop(interrupted.send(Command::Quit)))?;

    let title = event_loop.create_proxy();
    let set_title = move |text| drop(title.send_event(AppEvent::Title(text)));
    let session =
        Session::new(args, opening, view.clone(), stage.clone(), thumbnails.clone(), commands.clone(), set_title)?;

    let (shown, pictures, quit, end) = (view.clone(), thumbnails.clone(), commands.clone(), commands.clone());
    let (drawn, on_screen) = (placement.clone(), view.clone());
    let drawing = Arc::new(Mutex::new(None));
    let begun = drawing.clone();
    let on_open = move |window: &Arc<Window>| {
        let screen = Screen::new(window.clone(), on_screen, to_screen, pictures, drawn)?;
        let draw = move || {
            // Without a picture, nobody can use the window: the recording is finished, and the program ends.
            screen.run(&messages).inspect_err(|_| drop(quit.send(Command::Quit)))
        };
        let thread = thread::Builder::new().name("screen".into()).spawn(draw);
        *begun.lock() = Some(thread.map_err(|error| no_thread("screen", error))?);
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
            thread::Builder::new().name("thumbnails".into()).spawn_scoped(scope, || thumbnails.run(&stage, &shown)),
            thread::Builder::new().name("compare".into()).spawn_scoped(scope, || compare::run(&stage, &shown)),
        ];
        let looped = event_loop.run_app(&mut app);
        let looped = looped.map_err(|error| unknown("the window's events broke off").with_cause(error));
        // The window may have ended before the session.
        let _ = end.send(Command::Quit);
        let recorded = session.join().unwrap_or_else(|_| Err(broke_off("session")));
        for worker in workers.into_iter().flatten() {
            // A thumbnail that could not be drawn ends no program.
            let _ = worker.join();
        }
        // The device is released before the program ends: software drivers crash in a process that exits.
        view.send(ScreenMessage::Quit);
        let screen = drawing.lock().take();
        let drawn = screen.map_or(Ok(()), |screen| screen.join().unwrap_or_else(|_| Err(broke_off("screen"))));
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
