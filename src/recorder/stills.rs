//! Stills requested during a recording. The canvas is read on the thread that draws it; each file is encoded and
//! written on a new thread, so that no frame waits for it.

use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use super::controls::Controls;
use crate::canvas::Canvas;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::still::{self, StillFormat};

/// The stills that are being saved.
#[derive(Default)]
pub(super) struct StillSaver {
    threads: Vec<(PathBuf, JoinHandle<Result<()>>)>,
}

impl StillSaver {
    /// Begins to save the requested stills from what is drawn now, and reports those that are done.
    pub fn follow(&mut self, controls: &Controls, canvas: &Canvas) {
        for path in controls.take_stills() {
            match self.begin(&path, canvas) {
                Ok(thread) => self.threads.push((path, thread)),
                Err(error) => controls.refuse(error),
            }
        }
        let (done, making) = self.threads.drain(..).partition(|(_, thread)| thread.is_finished());
        self.threads = making;
        tell(controls, done);
    }

    /// Waits for all stills, and reports them.
    pub fn finish(self, controls: &Controls) {
        tell(controls, self.threads);
    }

    fn begin(&self, path: &Path, canvas: &Canvas) -> Result<JoinHandle<Result<()>>> {
        let format = StillFormat::from_path(path)?;
        let (frame, path) = (canvas.read()?, path.to_owned());
        let save = move || save(&frame, format, &path);
        thread::Builder::new().name("still".into()).spawn(save).map_err(Error::no_thread)
    }
}

fn tell(controls: &Controls, done: Vec<(PathBuf, JoinHandle<Result<()>>)>) {
    for (path, thread) in done {
        match thread.join() {
            Ok(Ok(())) => controls.saved(path),
            Ok(Err(error)) => controls.refuse(error),
            Err(_) => controls.refuse(Error::unknown("a still broke off: this is a fault in framereel")),
        }
    }
}

fn save(frame: &Frame, format: StillFormat, path: &Path) -> Result<()> {
    let bytes = still::encode(frame, format, None)?;
    std::fs::write(path, bytes).map_err(|error| {
        Error::new(ErrorKind::Write, "the still could not be written").at(path.display()).with_cause(error)
    })
}
