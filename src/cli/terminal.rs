//! The part of a terminal that is drawn again and again during a recording: the bar, and above it the picture of
//! `--show`, each over what it was before. Lines are printed above both.
//!
//! Nothing of it slows a recording: who has news for the bar does not wait while a picture is written, and how often
//! pictures are written follows from how long that takes.

use std::fmt::Display;
use std::io::{Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};
use parking_lot::{Mutex, MutexGuard};

use super::show::area::TerminalSize;
use super::show::placement::{PicturePlacement, TerminalPicture};

/// How often per second the bar is drawn.
const DRAWS: u8 = 10;

/// Held while a picture is written.
static WRITING: Mutex<()> = Mutex::new(());
/// Whether a picture was ever written.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// Terminals that know it (mode 2026) draw nothing between these two; all others ignore them.
const BEGIN_UPDATE: &[u8] = b"\x1b[?2026h";
const END_UPDATE: &[u8] = b"\x1b[?2026l";

/// What a recording shows on the terminal: the bar, and the picture above it.
pub struct Terminal {
    bar: ProgressBar,
    placement: Mutex<PicturePlacement>,
}

impl Terminal {
    /// A bar without a picture; shows nothing when standard error is not a terminal.
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(DRAWS));
        Self { bar, placement: Mutex::new(PicturePlacement::default()) }
    }

    /// Changes the bar; does nothing while a picture is written, or where no bar is shown.
    pub fn change_bar(&self, change: impl FnOnce(&ProgressBar)) {
        // The bar itself has a lock too, which is held while a picture is written.
        if let Some(_placement) = self.placement.try_lock()
            && !self.bar.is_hidden()
        {
            change(&self.bar);
        }
    }

    /// Prints a line above; the next picture comes below it.
    pub fn print(&self, line: impl Display) {
        let mut placement = self.placement.lock();
        self.bar.suspend(|| write(&format!("{}{line}\n", placement.remove(TerminalSize::present()))));
    }

    /// Shows the picture in place of the one before; none removes it.
    pub fn show(&self, picture: Option<&TerminalPicture>) {
        let mut placement = self.placement.lock();
        let screen = TerminalSize::present();
        let text = match picture {
            Some(picture) => placement.put(picture, screen),
            None => placement.remove(screen),
        };
        if text.is_empty() {
            return;
        }
        let _writing = begin_writing();
        self.bar.suspend(|| write(&text));
        // The bar is drawn again by now.
        write_bytes(END_UPDATE);
    }

    /// Whether the picture was removed for a line that was printed.
    pub fn needs_picture(&self) -> bool {
        self.placement.lock().is_empty()
    }

    /// Removes the bar.
    pub fn remove_bar(&self) {
        self.bar.finish_and_clear();
    }
}

fn begin_writing() -> MutexGuard<'static, ()> {
    let writing = WRITING.lock();
    SHOWN.store(true, Ordering::Relaxed);
    write_bytes(BEGIN_UPDATE);
    writing
}

/// Ends what was begun on the terminal, before the program exits at once: no picture may be cut in two, for the terminal
/// would take all that follows for the rest of it.
pub fn restore() {
    /// A terminal that takes nothing more is not waited for.
    const PATIENCE: Duration = Duration::from_millis(500);

    if !SHOWN.load(Ordering::Relaxed) {
        return;
    }
    let writing = WRITING.try_lock_for(PATIENCE);
    if writing.is_none() {
        // The end of a picture's data, and the default colours.
        write_bytes(b"\x1b\\\x1b[0m");
        write_bytes(END_UPDATE);
    }
    // No other picture begins.
    std::mem::forget(writing);
}

fn write(text: &str) {
    write_bytes(text.as_bytes());
}

/// An error of the display is ignored.
fn write_bytes(bytes: &[u8]) {
    let _ = stderr().write_all(bytes).and_then(|()| stderr().flush());
}
