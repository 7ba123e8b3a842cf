//! Work on every core whose results come in the order in which it was given out.
//!
//! Each piece of work depends on nothing but its own input, so that the results are the same for any number of threads.
//! Memory is bounded: no more pieces of work are in flight than [`OrderedWorkers::new`] was told; whoever gives out more
//! waits for the oldest one.

use std::collections::VecDeque;

use super::workers::{PendingResult, Workers};
use crate::error::Result;

/// Threads that work, and the results that are awaited, oldest first.
pub(super) struct OrderedWorkers<T> {
    workers: Workers<()>,
    awaited: VecDeque<PendingResult<T>>,
    in_flight: usize,
}

impl<T: Send + 'static> OrderedWorkers<T> {
    /// `threads` threads of this name, and at most `in_flight` pieces of work whose results were not taken; at least 1
    /// of both.
    ///
    /// # Errors
    /// `UnknownError` when no thread can be started.
    pub fn new(name: &'static str, threads: usize, in_flight: usize) -> Result<Self> {
        let workers = Workers::new(name, threads, || ())?;
        Ok(Self { workers, awaited: VecDeque::new(), in_flight: in_flight.max(1) })
    }

    /// Gives out work. Appends the results that are ready to `results`; first waits for the oldest one if there is no
    /// room.
    ///
    /// # Errors
    /// `UnknownError` when earlier work has panicked.
    pub fn submit(&mut self, work: impl FnOnce() -> T + Send + 'static, results: &mut Vec<T>) -> Result<()> {
        self.take(self.in_flight - 1, results)?;
        self.awaited.push_back(self.workers.submit(move |()| work()));
        self.poll(results)
    }

    /// Appends the results that are ready, up to the first that is not.
    ///
    /// # Errors
    /// As [`OrderedWorkers::submit`].
    pub fn poll(&mut self, results: &mut Vec<T>) -> Result<()> {
        self.take(usize::MAX, results)
    }

    /// Waits for all results, and appends them.
    ///
    /// # Errors
    /// As [`OrderedWorkers::submit`].
    pub fn finish(&mut self, results: &mut Vec<T>) -> Result<()> {
        self.take(0, results)
    }

    /// Appends the results that are ready, and waits until no more than `most` are awaited.
    fn take(&mut self, most: usize, results: &mut Vec<T>) -> Result<()> {
        while let Some(oldest) = self.awaited.front() {
            let taken = oldest.take(self.awaited.len() > most).inspect_err(|_| drop(self.awaited.pop_front()))?;
            let Some(result) = taken else { break };
            self.awaited.pop_front();
            results.push(result);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_work_and_no_more_is_in_flight_than_allowed() {
        for threads in [1, 8] {
            let (began, mut results) = (Arc::new(AtomicUsize::new(0)), Vec::new());
            let mut workers = OrderedWorkers::new("test", threads, 5).unwrap();
            for index in 0..200_usize {
                let began = began.clone();
                let work = move || {
                    began.fetch_add(1, Ordering::SeqCst);
                    // Some take longer than those after them.
                    (0..(index % 7) * 10_000).fold(index, |sum, turn| std::hint::black_box(sum ^ turn ^ turn))
                };
                workers.submit(work, &mut results).unwrap();
                assert!(index + 1 - results.len() <= 5, "{index}: {} are there", results.len());
            }
            workers.finish(&mut results).unwrap();
            assert_eq!(results, (0..200).collect::<Vec<_>>());
            assert_eq!(began.load(Ordering::SeqCst), 200);
        }
    }

    #[test]
    fn work_that_panics_is_an_error_and_the_others_results_are_not_lost() {
        let mut workers = OrderedWorkers::new("test", 2, 9).unwrap();
        let (mut results, mut failed) = (Vec::new(), false);
        for index in 0..3 {
            let work = move || if index == 1 { panic!("on purpose") } else { index };
            failed |= workers.submit(work, &mut results).is_err();
        }
        failed |= workers.finish(&mut results).is_err();
        assert!(failed);
        assert_eq!(results.first(), Some(&0));
    }
}
