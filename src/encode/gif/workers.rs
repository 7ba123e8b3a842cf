//! Threads that map colours and compress, each with memory of its own that is used again for every picture.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

use super::color_map::{ColorMap, Palette};
use super::lzw::Lzw;
use crate::error::{Error, Result};

/// The memory of a thread.
pub struct Desk {
    map: Option<ColorMap>,
    pub lzw: Lzw,
}

impl Desk {
    /// The colours of this palette, with what was found in it before if it is still that of the last picture.
    pub fn map(&mut self, palette: Arc<Palette>) -> &mut ColorMap {
        let known = self.map.take().filter(|map| Arc::ptr_eq(map.palette(), &palette));
        self.map.insert(known.unwrap_or_else(|| ColorMap::new(palette)))
    }
}

type WorkerJob = Box<dyn FnOnce(&mut Desk) + Send>;

/// The threads. Dropping them waits for the jobs that are left.
pub struct Workers {
    jobs: Option<Sender<WorkerJob>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// This many threads.
    ///
    /// # Errors
    /// When the system has none.
    pub fn new(count: usize) -> Result<Self> {
        let (jobs, queue) = channel::<WorkerJob>();
        let queue = Arc::new(Mutex::new(queue));
        let begin = |_| {
            let queue = queue.clone();
            let work = move || {
                let mut desk = Desk { map: None, lzw: Lzw::new() };
                loop {
                    // The lock is held while this thread waits, and released before it works.
                    let job = queue.lock().recv();
                    let Ok(job) = job else { return };
                    job(&mut desk);
                }
            };
            thread::Builder::new().name("gif".into()).spawn(work).map_err(Error::no_thread)
        };
        let threads = (0..count).map(begin).collect::<Result<_>>()?;
        Ok(Self { jobs: Some(jobs), threads })
    }

    /// Has one of the threads do this, after all that was asked for before has begun.
    pub fn submit<T: Send + 'static>(&self, work: impl FnOnce(&mut Desk) -> T + Send + 'static) -> PendingResult<T> {
        let (sender, result) = channel();
        let job = move |desk: &mut Desk| {
            // An encoder that is dropped waits for nothing.
            let _ = sender.send(work(desk));
        };
        if let Some(jobs) = &self.jobs {
            // Without threads, the result says so.
            let _ = jobs.send(Box::new(job));
        }
        PendingResult(result)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has no result; whoever waits for it gets an error.
            let _ = thread.join();
        }
    }
}

/// The result of a job.
pub struct PendingResult<T>(Receiver<T>);

impl<T> PendingResult<T> {
    /// Takes the result, if it is there or `wait` says to wait for it.
    pub fn take(&self, wait: bool) -> Result<Option<T>> {
        if wait {
            return self.0.recv().map(Some).map_err(|_| broke_off());
        }
        match self.0.try_recv() {
            Ok(result) => Ok(Some(result)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(broke_off()),
        }
    }
}

fn broke_off() -> Error {
    Error::unknown("a thread of the GIF encoder broke off: this is a fault in framereel")
}
