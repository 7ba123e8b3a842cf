//! Writes the packets of one recording to its output: pieces, slices and limits, and what became of every frame.

use std::collections::VecDeque;

use super::{Destination, FileFormat, Output, open};
use crate::blob::Blob;
use crate::error::{ErrorKind, Result};
use crate::mux::{ContainerWriter, Finished};
use crate::packet::EncodedPacket;
use crate::recorder::events::{BlobEvent, Event, Events};
use crate::recorder::options::MediaRecorderOptions;
use crate::recorder::pipeline::Packet;
use crate::recorder::report::Progress;
use crate::stream::{DropReason, Ticket, TrackKind};
use crate::time::{Span, Timestamp};

/// Whether there is room for more packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// There is.
    Left,
    /// A limit is reached: this packet is not in the recording, and none that follows.
    None,
}

/// What a block takes besides its packet, at most.
const BLOCK: u64 = 16;

/// Writes one recording.
pub struct OutputWriter {
    format: FileFormat,
    sink: Sink,
    /// How long what is handed on at once is at least.
    timeslice: Option<Span>,
    frame_limit: Option<u64>,
    size_limit: Option<u64>,
    events: Events,
    /// The time of packets at which the recording begins, and its present piece.
    origin: Timestamp,
    piece_origin: Timestamp,
    /// How many pieces ended.
    pieces_ended: u32,
    /// Packets written to the present piece: all, and those of the leading track.
    packets: u64,
    leading_packets: u64,
    /// Key frames of video in the present piece, each of which takes some bytes of the Cues.
    keys: u64,
    /// Bytes of the sound that was written since the last picture: libwebm holds it back.
    held_sound: u64,
    /// The last packets, as many as the next piece holds too.
    preroll: VecDeque<EncodedPacket>,
    /// Packets that were written and have not arrived in the file, and what arrived there of the present piece.
    unsaved: VecDeque<Unsaved>,
    saved: u64,
    /// When the last packet ends that arrived in a file.
    saved_end: Timestamp,
    /// Bytes of the pieces that ended.
    stored: u64,
    /// The first packet's time in the slice that is being gathered.
    slice: Option<Timestamp>,
    blobs: u64,
    progress: Progress,
}

/// Who has the output.
enum Sink {
    /// Nobody: no piece has begun.
    Idle(Box<dyn Output>),
    /// The container's writer.
    Writing(OutputContainer),
    /// It was lost with a piece that could not begin.
    Lost,
}

/// A container's writer, which has the output while it writes a file to it.
type OutputContainer = Box<dyn ContainerWriter<Box<dyn Output>>>;

/// A packet that was written, until its bytes have arrived in the file.
struct Unsaved {
    /// Where it ends in the file.
    position: u64,
    ticket: Option<Ticket>,
    /// The times of the recording at which it is shown, and is not any more.
    timestamp: Timestamp,
    end: Timestamp,
}

impl OutputWriter {
    /// A writer of files of this format to this destination. The recording begins with what has the time `origin`.
    pub fn new(
        format: FileFormat,
        destination: Destination,
        options: &MediaRecorderOptions,
        events: Events,
        origin: Timestamp,
    ) -> Self {
        Self {
            timeslice: destination.timeslice(),
            sink: Sink::Idle(open(destination, &format.mime_type)),
            format,
            frame_limit: options.frame_limit,
            size_limit: options.size_limit,
            events,
            origin,
            piece_origin: origin,
            pieces_ended: 0,
            packets: 0,
            leading_packets: 0,
            keys: 0,
            held_sound: 0,
            preroll: VecDeque::new(),
            unsaved: VecDeque::new(),
            saved: 0,
            saved_end: Timestamp::ZERO,
            stored: 0,
            slice: None,
            blobs: 0,
            progress: Progress::default(),
        }
    }

    /// Writes what can be written before the first packet: a live file's header, so that it can be asked for at once.
    ///
    /// # Errors
    /// When the output cannot begin.
    pub fn write_header(&mut self) -> Result<()> {
        match &self.sink {
            Sink::Idle(output) if output.is_live() => self.begin_piece(self.origin),
            _ => Ok(()),
        }
    }

    /// How it stands.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// How many files hold something of it.
    pub fn files(&self) -> u32 {
        match &self.sink {
            Sink::Idle(output) => output.files(),
            Sink::Writing(_) | Sink::Lost => 0,
        }
    }

    /// Appends a packet; packets come in the order of their times.
    ///
    /// # Errors
    /// When a piece cannot be begun, written or ended. The packet is lost then.
    pub fn write(&mut self, packet: Packet) -> Result<Room> {
        if self.is_limit_reached(&packet) {
            packet.dropped(DropReason::Ended);
            return Ok(Room::None);
        }
        let Packet { kind, media, begins_piece, ticket } = packet;
        let time = media.timestamp;
        if begins_piece && self.leading_packets > 0 {
            let (outcome, data) = self.end_piece(Some(time));
            self.events.push(Event::DataAvailable(data));
            outcome?;
        }
        if let (Some(timeslice), Some(begin)) = (self.timeslice, self.slice)
            && time - begin >= timeslice
        {
            self.end_slice()?;
        }
        self.slice.get_or_insert(time);
        if let Sink::Idle(_) = self.sink {
            self.begin_piece(time)?;
        }
        let size = media.data.len() as u64 + BLOCK;
        let (timestamp, end) = (self.recording_time(time), self.recording_time(time + media.duration));
        let media = EncodedPacket { timestamp: Timestamp::ZERO + (time - self.piece_origin), ..media };
        let leading = kind == self.leading_kind();
        let Sink::Writing(container) = &mut self.sink else { return Ok(Room::None) };
        if let Err(error) = container.write(kind, &media) {
            if let Some(ticket) = ticket {
                ticket.dropped(DropReason::Failed);
            }
            return Err(blame(container, error));
        }
        self.packets += 1;
        self.held_sound = if leading { 0 } else { self.held_sound + size };
        self.progress.recorded = self.progress.recorded.max(end - Timestamp::ZERO);
        self.progress.bytes = self.stored + container.bytes();
        if leading {
            self.leading_packets += 1;
            self.keys += u64::from(media.key && kind == TrackKind::Video);
            self.progress.frames += u64::from(kind == TrackKind::Video);
            if ticket.as_ref().is_some_and(Ticket::is_awaited) {
                // Somebody may wait for it before the next frame.
                container.flush();
            }
            self.unsaved.push_back(Unsaved { position: container.bytes(), ticket, timestamp, end });
        }
        let stored = stored(container);
        self.settle(stored);
        self.keep_for_preroll(media, time);
        Ok(Room::Left)
    }

    /// Keeps a packet of this time for the piece that may follow.
    fn keep_for_preroll(&mut self, media: EncodedPacket, time: Timestamp) {
        let preroll = self.format.container.preroll();
        if preroll > Span::ZERO {
            let oldest = time + media.duration - preroll;
            self.preroll.push_back(EncodedPacket { timestamp: time, ..media });
            while self.preroll.front().is_some_and(|packet| packet.timestamp < oldest) {
                self.preroll.pop_front();
            }
        }
    }

    /// The recording has come to `time`, though no packet says so.
    pub fn advance(&mut self, time: Timestamp) {
        if let Sink::Writing(container) = &mut self.sink {
            container.advance(Timestamp::ZERO + (time - self.piece_origin));
            let stored = stored(container);
            self.settle(stored);
        }
    }

    /// Hands out what there is as a blob; an empty one when there is nothing.
    ///
    /// # Errors
    /// When a slice cannot be written.
    pub fn request_data(&mut self) -> Result<()> {
        let data = self.take_data();
        let event = self.event(data.as_ref().map_or_else(|_| self.nothing(), Blob::clone));
        self.events.push(Event::DataAvailable(event));
        data.map(drop)
    }

    /// A time slice is over.
    fn end_slice(&mut self) -> Result<()> {
        let data = self.take_data()?;
        if data.is_empty() {
            self.slice = None;
        } else {
            let event = self.event(data);
            self.events.push(Event::DataAvailable(event));
        }
        Ok(())
    }

    fn take_data(&mut self) -> Result<Blob> {
        let nothing = self.nothing();
        let Sink::Writing(container) = &mut self.sink else { return Ok(nothing) };
        container.flush();
        let (mut data, mut stored) = (Ok(nothing), 0);
        container.with_sink(&mut |output| (data, stored) = (output.take_data(), output.stored()));
        self.settle(stored);
        data
    }

    fn nothing(&self) -> Blob {
        Blob::new(Vec::new(), self.format.mime_type.clone())
    }

    fn event(&mut self, data: Blob) -> BlobEvent {
        let begin =
            self.slice.take().map_or(Timestamp::ZERO + self.progress.recorded, |begin| self.recording_time(begin));
        let timecode = if self.blobs == 0 { Timestamp::ZERO } else { begin };
        self.blobs += 1;
        BlobEvent { data, timecode }
    }

    /// Ends the recording at `end`, else with its last packet, and gives the rest of it. A file that could not play is
    /// removed.
    pub fn finish(&mut self, end: Option<Timestamp>) -> (Result<()>, BlobEvent) {
        self.end_piece(end)
    }

    fn begin_piece(&mut self, time: Timestamp) -> Result<()> {
        let Sink::Idle(mut output) = std::mem::replace(&mut self.sink, Sink::Lost) else { return Ok(()) };
        if let Err(error) = output.begin() {
            self.sink = Sink::Idle(output);
            return Err(error);
        }
        if self.pieces_ended > 0 {
            self.piece_origin = time;
        }
        let before = (time > Timestamp::ZERO).then(|| &*self.preroll.make_contiguous());
        self.sink = Sink::Writing(self.format.container.writer(output, &self.format.tracks, before)?);
        (self.packets, self.leading_packets, self.keys, self.saved, self.held_sound) = (0, 0, 0, 0, 0);
        Ok(())
    }

    /// Ends the present piece and gives what was not yet handed out of it.
    fn end_piece(&mut self, end: Option<Timestamp>) -> (Result<()>, BlobEvent) {
        let container = match std::mem::replace(&mut self.sink, Sink::Lost) {
            Sink::Writing(container) => container,
            other => {
                self.sink = other;
                let nothing = self.nothing();
                return (Ok(()), self.event(nothing));
            }
        };
        let piece_origin = self.piece_origin;
        let Finished { sink: mut output, outcome, end } =
            container.finish(end.map(|end| Timestamp::ZERO + (end - piece_origin)));
        let mut outcome = outcome.map_err(|error| match output.path() {
            Some(path) if *error.kind() == ErrorKind::Write => error.at(path.display()),
            _ => error,
        });
        let keep = self.packets > 0 && (outcome.is_ok() || self.saved > 0 || self.arrives(output.stored()));
        let data = output.end(keep).unwrap_or_else(|error| {
            outcome = Err(error);
            self.nothing()
        });
        let stored = output.stored();
        self.settle(stored);
        let whole = self.unsaved.is_empty();
        for lost in self.unsaved.drain(..) {
            self.progress.frames -= u64::from(lost.ticket.is_some());
            if let Some(ticket) = lost.ticket {
                ticket.dropped(DropReason::Failed);
            }
        }
        if keep {
            self.stored += stored;
        }
        let end = if whole { self.recording_time(piece_origin + (end - Timestamp::ZERO)) } else { self.saved_end };
        self.progress.recorded = if self.packets > 0 { end - Timestamp::ZERO } else { self.progress.recorded };
        self.progress.bytes = self.stored;
        self.pieces_ended += u32::from(self.packets > 0);
        (self.packets, self.leading_packets) = (0, 0);
        self.sink = Sink::Idle(output);
        let data = self.mended(data);
        (outcome, self.event(data))
    }

    /// A recording in memory that is handed out in one part can be mended first: it gets its index and its length.
    fn mended(&self, data: Blob) -> Blob {
        let Sink::Idle(output) = &self.sink else { return data };
        if self.blobs > 0 || !output.is_live() || data.is_empty() {
            return data;
        }
        self.format.container.mended(data)
    }

    /// Whether any packet has arrived when so many bytes are stored.
    fn arrives(&self, stored: u64) -> bool {
        self.unsaved.front().is_some_and(|packet| packet.position <= stored)
    }

    /// Packets whose bytes have arrived are in the recording.
    fn settle(&mut self, stored: u64) {
        let arrived = self.unsaved.partition_point(|packet| packet.position <= stored);
        for packet in self.unsaved.drain(..arrived) {
            self.saved += 1;
            self.saved_end = self.saved_end.max(packet.end);
            if let Some(ticket) = packet.ticket {
                ticket.encoded(packet.timestamp);
            }
        }
    }

    fn recording_time(&self, time: Timestamp) -> Timestamp {
        Timestamp::ZERO + (time - self.origin)
    }

    /// The track whose packets are counted: sound alone, else the pictures.
    fn leading_kind(&self) -> TrackKind {
        if self.format.tracks.video.is_some() { TrackKind::Video } else { TrackKind::Audio }
    }

    /// Whether a packet would make the recording longer or larger than it may be.
    fn is_limit_reached(&self, packet: &Packet) -> bool {
        /// What a file's end may take, and each cluster's header with its cue point.
        const REST: u64 = 512;
        const CLUSTER: u64 = 64;
        // Without pictures, clusters begin by time.
        let clusters = self.keys + self.progress.recorded.as_secs_f64() as u64;
        let frames =
            packet.kind == TrackKind::Video && self.frame_limit.is_some_and(|limit| self.progress.frames >= limit);
        let packet_size = packet.media.data.len() as u64 + BLOCK;
        let needed = self.progress.bytes + self.held_sound + packet_size + REST + (clusters + 1) * CLUSTER;
        frames || self.size_limit.is_some_and(|limit| needed > limit)
    }
}

/// How many bytes have arrived in the present file.
fn stored(container: &mut OutputContainer) -> u64 {
    let mut stored = 0;
    container.with_sink(&mut |output| stored = output.stored());
    stored
}

/// The error of a write, with the file's name.
fn blame(container: &mut OutputContainer, error: crate::error::Error) -> crate::error::Error {
    let mut path = None;
    container.with_sink(&mut |output| path = output.path().map(|path| path.display().to_string()));
    match path {
        Some(path) if *error.kind() == ErrorKind::Write => error.at(path),
        _ => error,
    }
}
