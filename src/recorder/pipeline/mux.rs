//! The mux stage: interleaves the packets of both tracks, and writes them, or keeps them for a replay.

use std::sync::mpsc::Sender;
use std::time::Duration;

use super::interleaver::Interleaver;
use super::message::Message;
use super::{MAX_TRACK_LAG, POLL_INTERVAL, SessionListener, SessionState, catch_panic, tell_end};
use crate::blob::Blob;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::recorder::events::{BlobEvent, Events, UnreportedEnd};
use crate::recorder::options::MediaRecorderOptions;
use crate::recorder::output::{Destination, FileFormat, OutputWriter, Room};
use crate::recorder::pipeline::Packet;
use crate::recorder::replay_buffer::ReplayBuffer;
use crate::recorder::report::Report;
use crate::stream::{DropReason, TrackKind};
use crate::time::{Span, Timestamp};

/// The mux stage.
pub(super) struct Mux<'a> {
    interleaver: Interleaver,
    target: MuxTarget,
    /// The last seconds of a recording, if they are asked for.
    replay: Option<ReplayBuffer>,
    format: FileFormat,
    events: Events,
    session: &'a SessionState,
    clock: &'a Clock,
    listener: &'a dyn SessionListener,
    /// How many stages have not ended.
    stages: usize,
    failure: Option<Error>,
    /// A limit is reached: nothing more is recorded.
    full: bool,
}

/// Where packets go.
enum MuxTarget {
    /// A replay that does not record yet.
    Buffer(ReplayBuffer),
    /// A recording.
    Output(Box<OutputWriter>),
}

impl<'a> Mux<'a> {
    /// A mux stage for files of this format. It discards packets until it gets a target.
    pub fn new(
        format: FileFormat,
        events: Events,
        listener: &'a dyn SessionListener,
        session: &'a SessionState,
        clock: &'a Clock,
    ) -> Self {
        let (video, audio) = (format.tracks.video.is_some(), format.tracks.audio.is_some());
        Self {
            // In real time, a track that lags has no data; with a clock that drops nothing, its thread is only slow.
            interleaver: Interleaver::new(video, audio, if clock.drops() { MAX_TRACK_LAG } else { Span::MAX }),
            target: MuxTarget::Buffer(ReplayBuffer::new(Span::ZERO, video)),
            replay: None,
            format,
            events,
            session,
            clock,
            listener,
            stages: usize::from(video) + usize::from(audio),
            failure: None,
            full: false,
        }
    }

    /// How many stages have not ended.
    pub fn stages(&self) -> usize {
        self.stages
    }

    /// Keeps the last `length` in memory.
    pub fn buffer(&mut self, length: Span) {
        self.target = MuxTarget::Buffer(ReplayBuffer::new(length, self.format.tracks.video.is_some()));
    }

    /// Begins to write; time 0 of the recording is packet time `origin`.
    pub fn begin(&mut self, destination: Destination, options: &MediaRecorderOptions, origin: Timestamp) {
        let mut output = self.writer(destination, options, self.events.clone(), origin);
        if let Err(error) = output.write_header() {
            self.fail(error);
        }
        self.target = MuxTarget::Output(Box::new(output));
        self.replay = options.replay.map(|length| ReplayBuffer::new(length, self.format.tracks.video.is_some()));
        self.events.push_start(self.format.mime_type.clone());
    }

    fn writer(
        &self,
        destination: Destination,
        options: &MediaRecorderOptions,
        events: Events,
        origin: Timestamp,
    ) -> OutputWriter {
        OutputWriter::new(self.format.clone(), destination, options, events, origin)
    }

    /// Handles messages until all other stages have ended, a limit is reached, or an error occurs.
    pub fn run(&mut self) {
        while self.stages > 0 {
            let Some(message) = self.session.messages.receive(POLL_INTERVAL) else {
                if self.session.messages.is_open() {
                    continue;
                }
                return self.fail(Error::unknown("the recording was given up: its file took too long to be finished"));
            };
            match tracing::debug_span!("write").in_scope(|| self.handle(message)) {
                Ok(Room::Left) => {}
                Ok(Room::None) => {
                    self.full = true;
                    return;
                }
                Err(error) => return self.fail(error),
            }
        }
        // Requests that arrived last, such as to save a replay, are still answered.
        while let Some(message) = self.session.messages.receive(Duration::ZERO) {
            if let Err(error) = self.handle(message) {
                return self.fail(error);
            }
        }
    }

    fn handle(&mut self, message: Message) -> Result<Room> {
        match message {
            Message::Packet(packet) => {
                if let Err(late) = self.interleaver.push(packet) {
                    self.refuse(late);
                }
                self.write()
            }
            Message::Advance(kind, time) => {
                self.interleaver.advance(kind, time);
                if let MuxTarget::Output(output) = &mut self.target {
                    output.advance(time);
                }
                self.write()
            }
            Message::StageEnded(kind, outcome) => {
                self.stages -= 1;
                self.interleaver.end(kind);
                if let Err(error) = outcome {
                    self.fail(error);
                }
                self.write()
            }
            Message::Event(event) => {
                if let MuxTarget::Output(_) = self.target {
                    self.events.push(event);
                }
                Ok(Room::Left)
            }
            Message::RequestData => {
                if let MuxTarget::Output(output) = &mut self.target {
                    output.request_data()?;
                }
                Ok(Room::Left)
            }
            Message::Fail(error) => {
                self.fail(error);
                Ok(Room::Left)
            }
            Message::SaveReplay(saved) => {
                // The caller may have given up.
                let _ = saved.send(self.save_replay());
                Ok(Room::Left)
            }
            Message::RecordReplay(destination, options, begun) => self.record_replay(*destination, &options, &begun),
        }
    }

    /// Drops a packet that came too late for its place in the file.
    fn refuse(&mut self, late: Packet) {
        if late.kind == TrackKind::Audio {
            self.session.counters.lose_sound(late.media.duration);
        }
        if self.interleaver.needs_key() {
            self.session.request_key_frame();
        }
        late.dropped(DropReason::OutOfOrder);
    }

    /// Writes the packets that are next in order.
    fn write(&mut self) -> Result<Room> {
        while let Some(packet) = self.interleaver.pop() {
            if self.write_packet(packet)? == Room::None {
                return Ok(Room::None);
            }
        }
        if let MuxTarget::Output(output) = &self.target {
            self.listener.progressed(output.progress());
        }
        Ok(Room::Left)
    }

    fn write_packet(&mut self, packet: Packet) -> Result<Room> {
        let room = match &mut self.target {
            MuxTarget::Buffer(buffer) => {
                buffer.push(packet);
                Room::Left
            }
            MuxTarget::Output(output) => {
                if let Some(replay) = &mut self.replay {
                    replay.push(packet.without_ticket());
                }
                output.write(packet)?
            }
        };
        if room == Room::None {
            // Frames still in flight are later than the recording's end.
            self.session.counters.set_end_reason(DropReason::Ended);
        }
        Ok(room)
    }

    /// Ends the recording with this error; only the first error is reported.
    pub fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
        self.session.counters.set_end_reason(DropReason::Failed);
        self.session.stop_at(self.clock.now());
    }

    /// The content of the replay, as a seekable file.
    fn save_replay(&self) -> Result<Blob> {
        let buffer = match (&self.target, &self.replay) {
            (MuxTarget::Buffer(buffer), _) | (MuxTarget::Output(_), Some(buffer)) => buffer,
            (MuxTarget::Output(_), None) => {
                let expected = "expected a recorder that keeps a replay but found one that only records";
                return Err(Error::new(ErrorKind::InvalidState, expected));
            }
        };
        let destination = Destination::Blobs { timeslice: None };
        let origin = buffer.begin();
        let mut output = self.writer(destination, &MediaRecorderOptions::default(), Events::new(), origin);
        output.write_header()?;
        for packet in buffer.packets() {
            output.write(packet.without_ticket())?;
        }
        let (outcome, BlobEvent { data, .. }) = output.finish(None);
        outcome?;
        for packet in buffer.packets() {
            if let Some(ticket) = &packet.ticket {
                ticket.saved(Timestamp::ZERO + (packet.media.timestamp - origin));
            }
        }
        Ok(data)
    }

    /// Begins the recording with the content of the replay.
    fn record_replay(
        &mut self,
        destination: Destination,
        options: &MediaRecorderOptions,
        begun: &Sender<()>,
    ) -> Result<Room> {
        let MuxTarget::Buffer(buffer) = &mut self.target else { return Ok(Room::Left) };
        let (origin, mut packets) = (buffer.begin(), buffer.take());
        let limit = options.time_limit.map(|limit| (origin - Timestamp::ZERO) + limit);
        self.session.gate.lock().set_limit(limit);
        let leading = if self.format.tracks.video.is_some() { TrackKind::Video } else { TrackKind::Audio };
        let with_sound = self.format.tracks.video.is_some() && self.format.tracks.audio.is_some();
        let mut splitter = options.splitter(&destination, with_sound);
        for packet in packets.iter_mut().filter(|packet| packet.kind == leading) {
            // Only a key frame can begin a piece, and these frames are encoded already.
            packet.begins_piece = packet.media.key && splitter.begins_piece(packet.media.timestamp);
            splitter.add_bytes(packet.media.size() as u64);
        }
        *self.session.splitter.lock() = splitter;
        self.begin(destination, options, origin);
        // The caller may have given up.
        let _ = begun.send(());
        for packet in packets {
            if limit.is_some_and(|limit| packet.media.timestamp - Timestamp::ZERO >= limit) {
                self.session.counters.set_end_reason(DropReason::Ended);
                return Ok(Room::None);
            }
            if self.write_packet(packet)? == Room::None {
                return Ok(Room::None);
            }
        }
        self.write()
    }

    /// Finishes the file and reports the end.
    pub fn finish(self, report: &mut Report, recording: &mut UnreportedEnd) {
        let counters = &self.session.counters;
        let mut output = match self.target {
            MuxTarget::Output(output) => output,
            MuxTarget::Buffer(buffer) => {
                counters.set_end_reason(DropReason::NotRecorded);
                drop((buffer, self.interleaver));
                self.session.count(report, self.clock);
                return self.listener.ending(report);
            }
        };
        // With a stamped clock, the end of the last frame is unknown. A recording that failed or is full ends with its
        // last packet.
        let timed = self.clock.is_real() || self.clock.rate().is_some();
        let end = if timed && self.failure.is_none() && !self.full { self.session.gate.lock().end() } else { None };
        // The program's function that opens the last slice's file may panic.
        let finished = catch_panic("mux", || output.finish(end));
        let (written, data) = finished.unwrap_or_else(|error| {
            counters.set_end_reason(DropReason::Failed);
            let data = Blob::new(Vec::new(), self.format.mime_type.clone());
            (Err(error), BlobEvent { data, timecode: Timestamp::ZERO })
        });
        let failure = self.failure.or(written.err());
        let progress = output.progress();
        report.files = output.files();
        // Dropping these counts the packets that were not written.
        drop((output, self.interleaver));
        self.session.count(report, self.clock);
        report.duration_s = progress.recorded.as_secs_f64();
        report.bytes = progress.bytes;
        self.listener.ending(report);
        tell_end(recording, failure, data);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::codec::VideoCodec;
    use crate::encode::opus::{BitrateMode, OpusConfig, OpusEncoder};
    use crate::encode::{AudioEncoder, EncoderChoice, header};
    use crate::frame::Size;
    use crate::mux::{Container, Tracks, VideoTrack};
    use crate::packet::EncodedPacket;
    use crate::recorder::options::Bitrates;
    use crate::recorder::report::Progress;
    use crate::stream::{Outcome, Receipt};

    struct Nobody;

    impl SessionListener for Nobody {
        fn begun(&self, _: &Report) {}
        fn progressed(&self, _: Progress) {}
        fn ending(&self, _: &Report) {}
    }

    fn tracks(options: &MediaRecorderOptions) -> Tracks {
        let size = Size::new(64, 64);
        let config = options.encoder_config(VideoCodec::Av1, size, None, Bitrates { video: 100_000, audio: 64_000 });
        let codec_private = header(&EncoderChoice::Auto, &config).unwrap().codec_private;
        let video = Some(VideoTrack::new(VideoCodec::Av1, size, codec_private));
        let opus = OpusEncoder::new(&OpusConfig { channels: 1, bitrate: 64_000, mode: BitrateMode::Variable }).unwrap();
        Tracks { video, audio: Some(opus.track()) }
    }

    #[test]
    fn a_picture_that_comes_too_late_is_counted_and_no_other_is_written_before_the_key_frame_that_is_asked_for() {
        let (clock, session, options) =
            (Clock::real(), SessionState::idle(Timestamp::ZERO), MediaRecorderOptions::default());
        let format = FileFormat {
            container: Container::Webm,
            mime_type: "video/webm".to_owned(),
            tracks: tracks(&options),
            loops: None,
        };
        let mut mux = Mux::new(format, Events::new(), &Nobody, &session, &clock);
        mux.begin(Destination::Blobs { timeslice: None }, &options, Timestamp::ZERO);
        let packet = |kind, secs, key, ticket| {
            let timestamp = Timestamp::ZERO + Span::from_secs(secs);
            let media = EncodedPacket::new(vec![0; 8], timestamp, Span::from_millis(20), key);
            Message::Packet(Packet { kind, media, begins_piece: false, ticket })
        };
        let mut receipts = Vec::new();
        for (kind, secs, key) in [
            (TrackKind::Video, 0, true),
            (TrackKind::Audio, 20, true),
            // Further than a track may lag: what waits is written.
            (TrackKind::Audio, 40, true),
            (TrackKind::Video, 2, false),
            (TrackKind::Video, 41, false),
            (TrackKind::Video, 42, true),
            (TrackKind::Video, 43, false),
        ] {
            let ticket = (kind == TrackKind::Video).then(|| {
                let (receipt, promise) = Receipt::new();
                receipts.push(receipt);
                let mut ticket = session.counters.ticket(Some(promise));
                ticket.take_in();
                ticket
            });
            mux.handle(packet(kind, secs, key, ticket)).unwrap();
        }
        assert!(session.key.load(Ordering::Acquire), "a key frame is requested");
        for kind in [TrackKind::Video, TrackKind::Audio] {
            mux.handle(Message::StageEnded(kind, Ok(()))).unwrap();
        }
        let mut report = Report::default();
        mux.finish(&mut report, &mut Events::new().begin());
        let at = |secs| Outcome::Encoded(Timestamp::ZERO + Span::from_secs(secs));
        let late = Outcome::Dropped(DropReason::OutOfOrder);
        assert_eq!(receipts.iter().map(Receipt::wait).collect::<Vec<_>>(), [at(0), late, late, at(42), at(43)]);
        assert_eq!((report.frames_encoded, session.counters.counts().dropped(DropReason::OutOfOrder)), (3, 2));
    }
}
