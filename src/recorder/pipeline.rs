//! The whole path, top down.

use std::sync::atomic::AtomicBool;

use super::{FileSink, Progress, RecordOptions, Report};
use crate::error::Error;
use crate::gpu::Gpu;
use crate::source::Source;

/// A recording that failed: why, and what became of it until then. What was recorded is in the file, which plays.
#[derive(Debug)]
pub struct Failure {
    /// Why.
    pub error: Error,
    /// What is in the file all the same; `frames_encoded` is 0 when there is none.
    pub report: Report,
}

/// Records `source` into `sink` as WebM until the source ends, the length asked for is reached or `stop` becomes true.
/// `progress` is called now and then, from the calling thread.
pub fn record(
    gpu: &Gpu,
    source: Box<dyn Source>,
    options: &RecordOptions,
    sink: FileSink,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, Box<Failure>> {
    let _ = (gpu, source, options, sink, stop, progress);
    unreachable!("being written")
}
