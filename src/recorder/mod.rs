//! Recording: the pipeline from a source to a file, what it is asked for, and the report of what became of each frame.

mod controls;
mod options;
mod pacer;
mod pipeline;
mod report;
mod sink;

pub use controls::Controls;
pub use options::RecordOptions;
pub use pipeline::{Failure, record};
pub use report::{Dropped, Progress, Report};
pub use sink::FileSink;
