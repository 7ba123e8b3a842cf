//! Recorders: [`MediaRecorder`], which records any stream as the Web's does; [`record()`], which records a source from its
//! beginning to its end; and [`Replay`], which records what has been.

mod controls;
mod destination;
mod events;
mod fit;
mod gate;
mod mailbox;
mod media_recorder;
mod mime;
mod options;
mod pacer;
mod pipeline;
mod record;
mod replay;
mod report;
mod ring;
mod sink;
mod tape;

pub use controls::Controls;
pub use destination::{Destination, Pieces};
pub use events::{BlobEvent, Event, Events};
pub use fit::Fit;
pub use media_recorder::{MediaRecorder, RecordingState};
pub use options::{MediaRecorderOptions, RecordOptions};
pub use record::{Failure, Media, Told, record};
pub use replay::{Replay, RunningReplay};
pub use report::{Dropped, Progress, Report};
pub use sink::FileSink;
