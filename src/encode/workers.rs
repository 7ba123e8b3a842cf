//! Threads that work, each with memory of its own that is used again for every piece of work.
//!
//! Each piece of work is to depend on nothing but its own input, so that the results are the same for any number of threads.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

use crate::error::{Error, Result};

type WorkerTask<S> = Box<dyn FnOnce(&mut S) + Send>;

/// The threads. Dropping them waits for the work that is left.
pub(super) struct Workers<S> {
    /// None once no more work comes.
    tasks: Option<Sender<WorkerTask<S>>>,
    threads: Vec<JoinHandle<()>>,
    name: &'static str,
}

impl<S: 'static> Workers<S> {
    /// So many threads of this name, at least 1; `memory` makes the memory of each.
    ///
    /// # Errors
    /// `UnknownError` when no thread can be started.
    pub fn new(name: &'static str, count: usize, memory: fn() -> S) -> Result<Self> {
        let (tasks, queue) = channel::<WorkerTask<S>>();
        let queue = Arc::new(Mutex::new(queue));
        let begin = |_| {
            let queue = queue.clone();
            let work = move || {
                let mut memory = memory();
                loop {
                    // The lock is held while this thread waits, and released before it works.
                    let task = queue.lock().recv();
                    let Ok(task) = task else { return };
                    task(&mut memory);
                }
            };
            thread::Builder::new().name(name.into()).spawn(work).map_err(Error::no_thread)
        };
        let threads = (0..count.max(1)).map(begin).collect::<Result<_>>()?;
        Ok(Self { tasks: Some(tasks), threads, name })
    }

    /// Has one of the threads do this, after all that was asked for before has begun.
    pub fn submit<T: Send + 'static>(&self, work: impl FnOnce(&mut S) -> T + Send + 'static) -> PendingResult<T> {
        let (sender, result) = channel();
        let task = move |memory: &mut S| {
            // Nobody may wait for it any more.
            let _ = sender.send(work(memory));
        };
        if let Some(tasks) = &self.tasks {
            // Without threads, the result says so.
            let _ = tasks.send(Box::new(task));
        }
        PendingResult { result, name: self.name }
    }
}

impl<S> Drop for Workers<S> {
    fn drop(&mut self) {
        self.tasks = None;
        for thread in self.threads.drain(..) {
            // Work that panicked has no result; whoever waits for it gets an error.
            let _ = thread.join();
        }
    }
}

/// The result of a piece of work.
pub(super) struct PendingResult<T> {
    result: Receiver<T>,
    name: &'static str,
}

impl<T> PendingResult<T> {
    /// Takes the result, if it is there or `wait` says to wait for it.
    ///
    /// # Errors
    /// `UnknownError` when the work has panicked.
    pub fn take(&self, wait: bool) -> Result<Option<T>> {
        if wait {
            return self.result.recv().map(Some).map_err(|_| self.broke_off());
        }
        match self.result.try_recv() {
            Ok(result) => Ok(Some(result)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(self.broke_off()),
        }
    }

    fn broke_off(&self) -> Error {
        Error::unknown(format!("a thread of the {} broke off: this is a fault in framereel", self.name))
    }
}
