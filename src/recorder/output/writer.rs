//! Writes the packets of one recording to its output: handles pieces, slices and limits, and counts what happens to
//! every frame.

use std::collections::VecDeque;
use std::path::Path;

use super::{Destination, FileFormat, Output, open};
use crate::blob::Blob;
use crate::error::{ErrorKind, Result};
use crate::mux::{Container, ContainerWriter, Finished, PictureTimes};
use crate::packet::EncodedPacket;
use crate::recorder::events::{BlobEvent, Event, Events};
use crate::recorder::options::MediaRecorderOptions;
use crate::recorder::pipeline::Packet;
use crate::recorder::report::Progress;
use crate::stream::{DropReason, Ticket, TrackKind};
use crate::time::{Span, Timestamp};

/// Whether the recording has room for more packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// There is room.
    Left,
    /// A limit is reached: neither this packet nor any later one is recorded.
    None,
}

/// The maximum size of a block's header, in bytes, and of what a block with transparency has in addition.
const BLOCK: u64 = 16;
const BLOCK_ADDITIONS: u64 = 32;

/// The maximum size of a packet in a file, in bytes.
fn size_in_file(media: &EncodedPacket) -> u64 {
    let additions = if media.alpha.is_some() { BLOCK_ADDITIONS } else { 0 };
    media.size() as u64 + BLOCK + additions
}

/// Writes one recording.
pub struct OutputWriter {
    format: FileFormat,
    sink: Sink,
    /// The minimum length of a blob or slice.
    timeslice: Option<Span>,
    frame_limit: Option<u64>,
    size_limit: Option<u64>,
    events: Events,
    /// The packet times at which the recording and its present piece begin.
    origin: Timestamp,
    piece_origin: Timestamp,
    /// How many pieces ended.
    pieces_ended: u32,
    /// Packets written to the present piece: all, and those of the leading track.
    packets: u64,
    leading_packets: u64,
    /// Key frames of video in the present piece, each of which takes some bytes of the Cues.
    keys: u64,
    /// Bytes of sound written since the last video packet: libwebm holds them back.
    held_sound: u64,
    /// The last packets, repeated as preroll at the beginning of the next piece.
    preroll: VecDeque<EncodedPacket>,
    /// Packets that were written but have not arrived in the file, and the number of packets of the present piece that
    /// have.
    unsaved: VecDeque<Unsaved>,
    saved: u64,
    /// The end time of the last packet that arrived in a file.
    saved_end: Timestamp,
    /// The total size in bytes of the pieces that ended.
    stored: u64,
    /// The time of the first packet in the present slice.
    slice: Option<Timestamp>,
    blobs: u64,
    progress: Progress,
    /// When the frames are shown that are files of their own.
    times: Option<PictureTimes>,
}

/// The owner of the output.
enum Sink {
    /// This writer: no piece has begun.
    Idle(Box<dyn Output>),
    /// The container's writer.
    Writing(OutputContainer),
    /// None: the output was lost with a piece that could not begin.
    Lost,
}

/// A container's writer, which owns the output while it writes a file.
type OutputContainer = Box<dyn ContainerWriter<Box<dyn Output>>>;

/// A packet that was written, until its bytes have arrived in the file.
struct Unsaved {
    /// The file position of its end.
    position: u64,
    ticket: Option<Ticket>,
    /// The times of the recording at which its presentation begins and ends.
    timestamp: Timestamp,
    end: Timestamp,
}

impl OutputWriter {
    /// A writer of files of this format to this destination. Time 0 of the recording is packet time `origin`.
    pub fn new(
        format: FileFormat,
        destination: Destination,
        options: &MediaRecorderOptions,
        events: Events,
        origin: Timestamp,
    ) -> Self {
        let pictures = matches!(destination, Destination::Pictures(_));
        // A picture is full once it has a frame.
        let one_frame = matches!(format.container, Container::Still(_)) && !pictures;
        Self {
            frame_limit: if one_frame { Some(1) } else { options.frame_limit },
            times: pictures.then(PictureTimes::default),
            timeslice: destination.timeslice(),
            sink: Sink::Idle(open(destination, &format.mime_type)),
            format,
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

    /// Writes the header of a live file before the first packet, so that it can be requested at once.
    ///
    /// # Errors
    /// When the output cannot begin.
    pub fn write_header(&mut self) -> Result<()> {
        match &self.sink {
            Sink::Idle(output) if output.is_live() => self.begin_piece(self.origin),
            _ => Ok(()),
        }
    }

    /// The progress of the recording.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// How many files the recording has.
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
            if self.times.is_none() {
                self.events.push(Event::DataAvailable(data));
            }
            outcome?;
        }
        if let (Some(timeslice), Some(begin)) = (self.timeslice, self.slice)
            && time - begin >= timeslice
        {
            if kind == self.leading_kind() {
                // The last frame is shown up to here; in some formats its length stands before its bytes.
                self.advance(time);
            }
            self.end_slice()?;
        }
        self.slice.get_or_insert(time);
        if let Sink::Idle(_) = self.sink {
            self.begin_piece(time)?;
        }
        let size = size_in_file(&media);
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
                // A caller may wait for this frame's receipt before it sends the next frame.
                container.flush();
            }
            self.unsaved.push_back(Unsaved { position: container.bytes(), ticket, timestamp, end });
        }
        let stored = stored(container);
        self.settle(stored);
        if kind == TrackKind::Audio {
            self.keep_for_preroll(media, time);
        }
        Ok(Room::Left)
    }

    /// Keeps a packet of this time as preroll for the next piece.
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

    /// The recording has reached `time` without a packet.
    pub fn advance(&mut self, time: Timestamp) {
        if let Sink::Writing(container) = &mut self.sink {
            container.advance(Timestamp::ZERO + (time - self.piece_origin));
            let stored = stored(container);
            self.settle(stored);
        }
    }

    /// Hands out the data available now as a blob, even an empty one.
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

    /// Ends the recording at `end`, or else with its last packet, and returns the remaining data. A file that would not
    /// be playable is removed.
    pub fn finish(&mut self, end: Option<Timestamp>) -> (Result<()>, BlobEvent) {
        let (outcome, mut event) = self.end_piece(end);
        if let Some(times) = &self.times {
            let json = times.to_json(Timestamp::ZERO + self.progress.recorded);
            event.data = Blob::new(json, PictureTimes::MIME_TYPE);
        }
        (outcome, event)
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
        let start = self.recording_time(time);
        if let Some(times) = &mut self.times {
            let name = output.path().and_then(Path::file_name).unwrap_or_default();
            times.push(name.to_string_lossy().into_owned(), start);
        }
        let before = (time > Timestamp::ZERO).then(|| &*self.preroll.make_contiguous());
        let FileFormat { container, tracks, loops, .. } = &self.format;
        self.sink = Sink::Writing(container.writer(output, tracks, before, *loops)?);
        (self.packets, self.leading_packets, self.keys, self.saved, self.held_sound) = (0, 0, 0, 0, 0);
        Ok(())
    }

    /// Ends the present piece and returns its data that was not handed out yet.
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
        if let (false, Some(times)) = (keep, &mut self.times) {
            times.pop();
        }
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
        let data = self.repaired(data);
        (outcome, self.event(data))
    }

    /// A recording in memory that is handed out as a single blob is repaired first: its index and its length are added.
    fn repaired(&self, data: Blob) -> Blob {
        let Sink::Idle(output) = &self.sink else { return data };
        if self.blobs > 0 || !output.is_live() || data.is_empty() {
            return data;
        }
        self.format.container.repaired(data)
    }

    /// Whether at least one packet of the queue has arrived when `stored` bytes are in the file.
    fn arrives(&self, stored: u64) -> bool {
        self.unsaved.front().is_some_and(|packet| packet.position <= stored)
    }

    /// Counts the packets whose bytes have arrived as recorded.
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

    /// The track whose packets are counted: video, or else audio.
    fn leading_kind(&self) -> TrackKind {
        if self.format.tracks.video.is_some() { TrackKind::Video } else { TrackKind::Audio }
    }

    /// Whether a packet would make the recording longer or larger than it may be.
    fn is_limit_reached(&self, packet: &Packet) -> bool {
        /// The maximum size of a file's end, and of a cluster's header with its cue point, in bytes.
        const REST: u64 = 512;
        const CLUSTER: u64 = 64;
        // Without video, clusters begin by time; one per second is counted.
        let clusters = self.keys + self.progress.recorded.as_secs_f64() as u64;
        let frames =
            packet.kind == TrackKind::Video && self.frame_limit.is_some_and(|limit| self.progress.frames >= limit);
        let packet_size = size_in_file(&packet.media);
        let index = if let Sink::Writing(container) = &self.sink { container.end_bytes() } else { 0 };
        let needed = self.progress.bytes + self.held_sound + packet_size + REST + (clusters + 1) * CLUSTER + index;
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
