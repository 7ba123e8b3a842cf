//! What a recording is written to: packets in the order of time go in; files, blobs and the news of them come out.

use super::destination::{Destination, Outlet, Pieces};
use super::events::{BlobEvent, Event, Events};
use super::options::MediaRecorderOptions;
use super::report::Progress;
use crate::blob::Blob;
use crate::error::Result;
use crate::mux::{Finished, Tracks, WebmWriter};
use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::{Span, Timestamp};

/// One recording's files.
pub struct Tape {
    tracks: Tracks,
    mime_type: String,
    destination: Destination,
    /// How long a blob, or what a pipe gets at once, is at least.
    timeslice: Option<Span>,
    to_pipe: bool,
    frame_limit: Option<u64>,
    size_limit: Option<u64>,
    events: Events,
    writer: Option<WebmWriter<Outlet>>,
    /// The stream's time, as packets have it, at which the recording begins, and its present piece.
    origin: Timestamp,
    base: Timestamp,
    /// How many pieces there are.
    pieces: u32,
    /// Key frames in the present piece, each of which takes some bytes of the Cues, and all its frames.
    keys: u64,
    frames: u64,
    /// Bytes of the finished pieces, and of the present one that were handed out.
    stored: u64,
    handed_out: u64,
    /// The first packet's time in the blob that is being gathered.
    slice: Option<Timestamp>,
    blobs: u64,
    progress: Progress,
}

impl Tape {
    /// A tape for these tracks that begins with what has the time `origin`.
    pub fn new(
        tracks: Tracks,
        mime_type: String,
        destination: Destination,
        options: &MediaRecorderOptions,
        events: Events,
        origin: Timestamp,
    ) -> Self {
        Self {
            tracks,
            mime_type,
            timeslice: destination.timeslice(),
            to_pipe: matches!(destination, Destination::Stream { .. }),
            destination,
            frame_limit: options.frame_limit,
            size_limit: options.size_limit,
            events,
            writer: None,
            origin,
            base: origin,
            pieces: 0,
            keys: 0,
            frames: 0,
            stored: 0,
            handed_out: 0,
            slice: None,
            blobs: 0,
            progress: Progress::default(),
        }
    }

    /// How it stands.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// The time at which it begins, as packets have it.
    pub fn origin(&self) -> Timestamp {
        self.origin
    }

    /// How many files it has begun.
    pub fn pieces(&self) -> u32 {
        self.pieces
    }

    /// Appends a packet; false when a limit is reached: the packet is not in the recording, and none that follows.
    pub fn write(&mut self, kind: TrackKind, packet: EncodedPacket) -> Result<bool> {
        let time = packet.timestamp;
        let video = kind == TrackKind::Video;
        if self.frame_limit.is_some_and(|limit| video && self.progress.frames >= limit) || self.is_full(&packet) {
            return Ok(false);
        }
        // Sound alone can be cut anywhere.
        let cut = packet.key && (video || self.tracks.video.is_none());
        if cut && self.piece_is_full(time) {
            let (outcome, data) = self.end_piece(Some(time));
            self.events.push(Event::DataAvailable(data));
            outcome?;
        }
        if let (Some(timeslice), Some(begin)) = (self.timeslice, self.slice)
            && time - begin >= timeslice
        {
            match &mut self.writer {
                Some(writer) if self.to_pipe => {
                    self.slice = None;
                    writer.with_sink(Outlet::hand_on)?;
                }
                _ => self.hand_out(),
            }
        }
        self.slice.get_or_insert(time);
        if self.writer.is_none() {
            self.begin_piece(time)?;
        }
        let Some(writer) = &mut self.writer else { return Ok(false) };
        self.keys += u64::from(cut);
        let end = packet.timestamp + packet.duration;
        let packet = EncodedPacket { timestamp: Timestamp::ZERO + (time - self.base), ..packet };
        writer.write(kind, &packet).map_err(|error| writer.with_sink(|outlet| outlet.blame(error)))?;
        self.frames += u64::from(video);
        self.progress.frames += u64::from(video);
        self.progress.recorded = self.progress.recorded.max(end - self.origin);
        self.progress.bytes = self.stored + writer.bytes();
        Ok(true)
    }

    /// The recording has come to `time`, though no packet says so.
    pub fn reach(&mut self, time: Timestamp) {
        if let Some(writer) = &mut self.writer {
            writer.reach(Timestamp::ZERO + (time - self.base));
        }
    }

    /// Hands out what there is as a blob; an empty one when there is nothing.
    pub fn hand_out(&mut self) {
        let (handed_out, mime_type) = (self.handed_out, self.mime_type.clone());
        let data = match &mut self.writer {
            None => Blob::new(Vec::new(), mime_type),
            Some(writer) => writer.with_sink(|outlet| blob(outlet, handed_out, mime_type)),
        };
        self.handed_out += data.size();
        let event = self.event(data);
        self.events.push(Event::DataAvailable(event));
    }

    fn event(&mut self, data: Blob) -> BlobEvent {
        let begin = self.slice.take().unwrap_or(self.origin + self.progress.recorded);
        let timecode = if self.blobs == 0 { Timestamp::ZERO } else { Timestamp::ZERO + (begin - self.origin) };
        self.blobs += 1;
        BlobEvent { data, timecode }
    }

    /// Ends the recording at `end`, else with its last packet, and gives the rest of it. A file that could not play is
    /// not left behind.
    pub fn finish(mut self, end: Option<Timestamp>) -> (Result<()>, BlobEvent, Progress) {
        let (outcome, data) = self.end_piece(end);
        (outcome, data, self.progress)
    }

    fn begin_piece(&mut self, time: Timestamp) -> Result<()> {
        self.pieces += 1;
        let outlet = match &mut self.destination {
            Destination::Blobs { .. } => Outlet::Memory(Vec::new()),
            Destination::Files(pieces) => Outlet::File((pieces.open)(self.pieces)?),
            Destination::File(_) | Destination::Stream { .. } => {
                let nothing = Destination::Blobs { timeslice: None };
                match std::mem::replace(&mut self.destination, nothing) {
                    Destination::File(sink) => Outlet::File(sink),
                    Destination::Stream { sink, .. } => Outlet::Slices(Vec::new(), sink),
                    _ => return Ok(()),
                }
            }
        };
        if self.pieces > 1 {
            self.base = time;
        }
        self.writer = Some(WebmWriter::new(outlet, &self.tracks)?);
        Ok(())
    }

    /// Ends the present piece and gives what was not yet handed out of it.
    fn end_piece(&mut self, end: Option<Timestamp>) -> (Result<()>, BlobEvent) {
        let nothing = Blob::new(Vec::new(), self.mime_type.clone());
        let Some(writer) = self.writer.take() else { return (Ok(()), self.event(nothing)) };
        let least = writer.least_playable();
        let base = self.base;
        let finished = writer.finish(end.map(|end| Timestamp::ZERO + (end - base)));
        let Finished { mut sink, mut outcome, lost, end } = finished;
        let lost = lost.min(self.frames);
        self.progress.frames -= lost;
        let kept = std::mem::take(&mut self.frames) - lost;
        self.progress.recorded = (base + (end - Timestamp::ZERO)) - self.origin;
        outcome = outcome.and_then(|()| sink.hand_on());
        outcome = outcome.map_err(|error| sink.blame(error));
        let data = match sink {
            Outlet::File(file) if outcome.is_err() && least.is_none_or(|least| file.stored() < least) => {
                // Nothing of this piece can be seen.
                self.progress.frames -= kept;
                self.progress.recorded = base - self.origin;
                file.discard();
                nothing
            }
            Outlet::File(ref file) => {
                self.stored += file.stored();
                blob(&mut sink, self.handed_out, self.mime_type.clone())
            }
            Outlet::Slices(_, sink) => {
                self.stored += sink.stored();
                nothing
            }
            Outlet::Memory(ref bytes) => {
                self.stored += self.handed_out + bytes.len() as u64;
                let data = blob(&mut sink, 0, self.mime_type.clone());
                // A recording that is handed out in one part can be mended first: it gets its index and its length.
                if self.blobs == 0 && !data.is_empty() { data.clone().into_seekable().unwrap_or(data) } else { data }
            }
        };
        self.progress.bytes = self.stored;
        (self.keys, self.handed_out) = (0, 0);
        (outcome, self.event(data))
    }

    /// Whether a packet would make the file larger than it may be.
    fn is_full(&self, packet: &EncodedPacket) -> bool {
        /// What a file's end may take, and each cluster's header with its cue point.
        const REST: u64 = 512;
        const CLUSTER: u64 = 64;
        let needed = self.progress.bytes + packet.data.len() as u64 + REST + (self.keys + 1) * CLUSTER;
        self.size_limit.is_some_and(|limit| needed > limit)
    }

    /// Whether a key frame at this time begins another piece.
    fn piece_is_full(&self, time: Timestamp) -> bool {
        let Destination::Files(Pieces { length, bytes, .. }) = &self.destination else { return false };
        let written = self.progress.bytes - self.stored;
        // The next key frame may be seconds away.
        let most = bytes.map(|bytes| if self.tracks.video.is_some() { bytes / 10 * 8 } else { bytes });
        let full = length.is_some_and(|length| time - self.base >= length) || most.is_some_and(|most| written >= most);
        self.writer.is_some() && full
    }
}

/// What an outlet holds from byte `from` on; memory gives away what it has, a pipe keeps nothing.
fn blob(outlet: &mut Outlet, from: u64, mime_type: String) -> Blob {
    match outlet {
        Outlet::Slices(..) => Blob::new(Vec::new(), mime_type),
        Outlet::Memory(bytes) => Blob::new(std::mem::take(bytes), mime_type),
        Outlet::File(sink) => {
            let stored = sink.stored();
            let file = sink.is_regular().then(|| Blob::from_file(sink.path(), mime_type.clone()).ok()).flatten();
            file.map_or_else(|| Blob::new(Vec::new(), mime_type), |file| file.slice(from.min(stored)..stored))
        }
    }
}
