//! What the window shows: written by the session and by the window's own keys, read by the thread that draws.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use framereel::{MediaStream, Size, Span};
use parking_lot::{Mutex, MutexGuard};

/// How long a message stays.
const MESSAGE: Duration = Duration::from_secs(4);

/// What the window shows. Cheap to clone; clones are the same.
#[derive(Clone)]
pub struct View {
    state: Arc<Mutex<ViewState>>,
    renderer: Arc<Mutex<Sender<RendererMessage>>>,
    /// Whether the renderer was asked to draw and has not begun to.
    asked: Arc<AtomicBool>,
}

/// A message to the thread that draws.
pub enum RendererMessage {
    /// Draw again: something has changed.
    Redraw,
    /// The window has this size and scale.
    Resized(Size, f64),
    /// Show this stream.
    Stream(MediaStream),
    /// Show this stream of unfiltered frames to compare with; or none.
    Compare(Option<MediaStream>),
    /// End.
    Quit,
}

/// The present state of all that is shown beside the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewState {
    /// The chain as text.
    pub chain: String,
    /// The number that the keys change, as `radius 4px`.
    pub number: Option<String>,
    /// The names of the strip's filters.
    pub choices: Arc<Vec<String>>,
    /// The picked one.
    pub selected: usize,
    /// The running recording.
    pub recording: Option<RecordingView>,
    /// The position in a film, and the film's length.
    pub position: Option<(Span, Span)>,
    /// Whether the picture is stopped.
    pub stopped: bool,
    /// Whether the source has ended.
    pub ended: bool,
    /// A message, and until when it is shown.
    pub message: Option<(String, Instant)>,
    /// Whether the strip is shown.
    pub strip: bool,
    /// Whether the keys are explained.
    pub help: bool,
    /// Where the window is split to compare with the source, from 0 (left) to 1.
    pub split: Option<f64>,
}

/// The figures of a running recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecordingView {
    /// Its length in tenths of a second.
    pub tenths: u64,
    pub bytes: u64,
    pub dropped: u64,
    /// The sound's level in decibels of full scale; none without sound.
    pub level: Option<f32>,
    pub paused: bool,
}

impl View {
    /// The view of a source; its drawing thread is at the other end of `renderer`.
    pub fn new(renderer: Sender<RendererMessage>, choices: Vec<String>) -> Self {
        let state = ViewState {
            chain: String::new(),
            number: None,
            choices: Arc::new(choices),
            selected: 0,
            recording: None,
            position: None,
            stopped: false,
            ended: false,
            message: None,
            strip: true,
            help: false,
            split: None,
        };
        Self { state: Arc::new(Mutex::new(state)), renderer: Arc::new(Mutex::new(renderer)), asked: Arc::default() }
    }

    /// Changes the state, and has it drawn if it is another one then.
    pub fn change(&self, change: impl FnOnce(&mut ViewState)) {
        let mut state = self.lock();
        let before = state.clone();
        change(&mut state);
        if *state != before {
            drop(state);
            self.redraw();
        }
    }

    /// Shows a message for some seconds.
    pub fn say(&self, message: impl Into<String>) {
        let message = message.into();
        self.change(|state| state.message = Some((message, Instant::now() + MESSAGE)));
    }

    /// The state; a message whose time is over is gone.
    pub fn state(&self) -> ViewState {
        let mut state = self.lock();
        state.message.take_if(|(_, until)| *until <= Instant::now());
        state.clone()
    }

    /// Whether a recording runs.
    pub fn is_recording(&self) -> bool {
        self.lock().recording.is_some()
    }

    /// Has the window drawn again. One request is enough, however slow the display is.
    pub fn redraw(&self) {
        if !self.asked.swap(true, Ordering::AcqRel) {
            self.send(RendererMessage::Redraw);
        }
    }

    /// The renderer begins to draw what is there now; later changes ask it again.
    pub fn begin_drawing(&self) {
        self.asked.store(false, Ordering::Release);
    }

    /// Sends a message to the thread that draws.
    pub fn send(&self, message: RendererMessage) {
        // Where that thread has ended, nothing is drawn any more.
        let _ = self.renderer.lock().send(message);
    }

    fn lock(&self) -> MutexGuard<'_, ViewState> {
        self.state.lock()
    }
}
