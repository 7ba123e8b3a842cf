//! Pictures that are saved from the window: the frame that is shown, drawn as `framereel still` draws it, and GIFs. Each is
//! drawn on a thread and a device of its own, so that no frame of a recording waits for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use framereel::recorder::FileSink;
use framereel::still::{self, StillFormat};
use framereel::{Canvas, Error, ErrorKind, FilterChain, Frame, Gpu, Result, Size};

use crate::cli::write;

/// The pictures that are being saved.
#[derive(Default)]
pub struct StillSaves(Vec<JoinHandle<Result<PathBuf>>>);

impl StillSaves {
    /// Begins to save the frame, through this chain and at this size, into the file.
    pub fn save(&mut self, frame: Arc<Frame>, chain: FilterChain, size: Size, file: FileSink) -> Result<()> {
        let save = move || {
            let path = file.path().to_owned();
            let drawn = draw(frame, &chain, size).and_then(|picture| still::encode(&picture, StillFormat::Png, None));
            match drawn {
                Ok(bytes) => write(file, &bytes).map(|()| path),
                Err(error) => {
                    file.discard();
                    Err(error)
                }
            }
        };
        self.begin("still", save)
    }

    /// Begins to save a file of this kind.
    pub fn begin(&mut self, kind: &str, save: impl FnOnce() -> Result<PathBuf> + Send + 'static) -> Result<()> {
        let thread = thread::Builder::new().name(kind.into()).spawn(save);
        let no_thread = |error| Error::new(ErrorKind::Unknown, "no thread for the picture").with_cause(error);
        self.0.push(thread.map_err(no_thread)?);
        Ok(())
    }

    /// The files of those that are done, or why there is none.
    pub fn finished(&mut self) -> Vec<Result<PathBuf>> {
        let (done, drawing) = std::mem::take(&mut self.0).into_iter().partition(|still| still.is_finished());
        self.0 = drawing;
        Self(done).wait()
    }

    /// Waits for all of them.
    pub fn wait(self) -> Vec<Result<PathBuf>> {
        let broke_off = || Error::new(ErrorKind::Unknown, "a picture broke off: this is a fault in framereel");
        self.0.into_iter().map(|still| still.join().unwrap_or_else(|_| Err(broke_off()))).collect()
    }
}

fn draw(frame: Arc<Frame>, chain: &FilterChain, size: Size) -> Result<Frame> {
    let mut canvas = Canvas::new(&Gpu::new()?, size)?;
    canvas.set_filter(chain);
    canvas.draw(frame);
    canvas.read()
}
