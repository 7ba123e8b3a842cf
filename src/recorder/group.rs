//! The recorders of one recording: one for each output, all of the same tracks.

use std::sync::Arc;

use super::record::POLL_INTERVAL;
use super::{
    BlobEvent, Controls, Destination, Event, MediaRecorder, MediaRecorderOptions, Progress, RecordEvent, Report,
};
use crate::error::{Error, Result};
use crate::source::SourceLosses;
use crate::stream::{FrameCounters, MediaStream};
use crate::time::Span;

/// The recorders of one recording. Each records the tracks that its container holds.
pub(super) struct RecorderGroup {
    recorders: Vec<MediaRecorder>,
    /// All tracks.
    stream: MediaStream,
    losses: Option<Arc<SourceLosses>>,
    /// The expected length, where that is known.
    expected: Option<Span>,
}

impl RecorderGroup {
    /// Without a recorder yet.
    pub fn new(stream: &MediaStream, losses: Option<Arc<SourceLosses>>, expected: Option<Span>) -> Self {
        Self { recorders: Vec::new(), stream: stream.handle(), losses, expected }
    }

    /// Adds a recorder with these options.
    ///
    /// # Errors
    /// Those of [`MediaRecorder::new`], and `NotSupportedError` when the container holds none of the tracks.
    pub fn add(&mut self, options: MediaRecorderOptions) -> Result<()> {
        let container = options.validate()?.map(|requested| requested.container()).unwrap_or_default();
        let audio_only = container.is_audio_only() || options.mime_type.starts_with("audio/");
        let video = self.stream.video_tracks().into_iter().filter(|_| !audio_only);
        let audio = self.stream.audio_tracks().into_iter().filter(|_| !container.audio_codecs().is_empty());
        let tracks: Vec<_> = video.chain(audio).collect();
        if tracks.is_empty() {
            let (needed, name) = (if audio_only { "sound" } else { "pictures" }, container.name());
            let expected = format!("expected a source with {needed} for a file of {name} but found none");
            return Err(Error::not_supported(expected));
        }
        self.recorders.push(MediaRecorder::new(&MediaStream::new(&tracks), options)?);
        Ok(())
    }

    /// Starts all, each to its destination.
    pub fn start(&self, destinations: Vec<Destination>) -> Result<()> {
        self.recorders.iter().zip(destinations).try_for_each(|(recorder, to)| recorder.start_to(to))
    }

    /// Stops all.
    pub fn stop(&self) {
        self.recorders.iter().for_each(MediaRecorder::stop);
    }

    /// All tracks of the recording.
    pub fn stream(&self) -> &MediaStream {
        &self.stream
    }

    /// What the source has lost.
    pub fn losses(&self) -> Option<&SourceLosses> {
        self.losses.as_deref()
    }

    /// The counters of each recorder.
    pub fn counters(&self) -> Vec<Arc<FrameCounters>> {
        self.recorders.iter().map(MediaRecorder::counters).collect()
    }

    /// The report of each recorder.
    pub fn reports(&self) -> Vec<Report> {
        self.recorders.iter().map(MediaRecorder::report).collect()
    }

    /// Passes requests on and reports progress until all recorders have ended; returns the first error.
    pub fn follow_to_end(&self, controls: &Controls, on_event: &mut dyn FnMut(RecordEvent)) -> Result<()> {
        let mut outcome = Ok(());
        let mut running: Vec<_> = self.recorders.iter().enumerate().collect();
        while !running.is_empty() {
            self.follow(controls);
            let mut timeout: Span = POLL_INTERVAL.into();
            running.retain(|(index, recorder)| {
                let events = recorder.events();
                // Only one of them is waited for.
                let event = events.next_within(std::mem::replace(&mut timeout, Span::ZERO));
                on_event(RecordEvent::Progress(self.progress(recorder)));
                match event {
                    Some(Event::Error(error)) if outcome.is_ok() => outcome = Err(error),
                    // That of a further output is told beside the first.
                    Some(Event::Error(error)) => controls.refuse(error),
                    Some(Event::DataAvailable(data)) => on_event(data_of(*index, data)),
                    _ => {}
                }
                !events.is_over()
            });
        }
        outcome
    }

    fn follow(&self, controls: &Controls) {
        for recorder in &self.recorders {
            // The error of an inactive recorder is ignored: an ended recording need not be paused.
            let _ = if controls.is_paused() { recorder.pause() } else { recorder.resume() };
        }
        self.stream.audio_tracks().iter().for_each(|track| track.set_enabled(!controls.is_muted()));
        if self.stream.video_tracks().is_empty() {
            for still in controls.take_stills() {
                let what = "expected a recording with pictures to save one of but found sound alone";
                controls.refuse(Error::not_supported(what).at(still.display()));
            }
        }
    }

    fn progress(&self, recorder: &MediaRecorder) -> Progress {
        let lost = self.losses.as_ref().map_or(0, |losses| losses.missed() + losses.damaged());
        let progress = recorder.progress();
        Progress { expected: self.expected, dropped: progress.dropped + lost, ..progress }
    }
}

/// The event of this data: the first recorder's is the recording's own.
fn data_of(index: usize, data: BlobEvent) -> RecordEvent {
    match index.checked_sub(1) {
        None => RecordEvent::Data(data),
        Some(further) => RecordEvent::FurtherData(further, data),
    }
}
