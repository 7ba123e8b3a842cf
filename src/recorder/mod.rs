//! Recorders: [`MediaRecorder`], which records any stream as the Web's does; [`record()`], which records a source from
//! its beginning to its end; and [`Replay`], which keeps the last seconds of a stream so that they can still be
//! recorded.

mod controls;
mod events;
mod feed;
mod fit;
mod gate;
mod group;
mod level;
mod media;
mod media_recorder;
mod mime;
mod options;
mod output;
mod overlay;
mod pacer;
mod pipeline;
mod record;
mod replay;
mod replay_buffer;
mod report;
mod schedule;
mod sound_feed;
mod speed_control;
mod splitter;
mod stills;
mod whammy;

pub use crate::encode::opus::BitrateMode;
pub use controls::Controls;
pub use events::{BlobEvent, Event, Events};
pub use fit::Fit;
pub use media::Media;
pub use media_recorder::{MediaRecorder, RecordingState};
pub use options::{MediaRecorderOptions, Overload};
pub use output::{Destination, FileSink, OpenFile, Pieces};
pub use overlay::{Layout, Overlay};
pub use record::{Failure, RecordEvent, Recording, record};
pub use replay::{Replay, RunningReplay};
pub use report::{Dropped, DroppedSpan, Progress, Report, SpeedChange};
pub use whammy::{Whammy, WhammyPicture, WhammyReport};
