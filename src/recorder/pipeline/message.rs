//! The messages from the recorder and the other stages to the mux stage.

use std::sync::mpsc::Sender;

use super::super::events::Event;
use super::super::options::MediaRecorderOptions;
use super::super::output::Destination;
use crate::blob::Blob;
use crate::error::{Error, Result};
use crate::packet::EncodedPacket;
use crate::stream::{DropReason, Ticket, TrackKind};
use crate::time::Timestamp;

/// One encoded packet on its way to the output.
#[derive(Debug)]
pub struct Packet {
    /// The kind of its track.
    pub kind: TrackKind,
    /// Its bytes and times, and whether it is a key frame.
    pub media: EncodedPacket,
    /// Whether a new piece of the recording begins with it.
    pub begins_piece: bool,
    /// For a video packet: records on it whether the frame was written or dropped.
    pub ticket: Option<Ticket>,
}

impl Packet {
    /// A copy for another file, in which the frame's outcome is not decided.
    pub fn without_ticket(&self) -> Self {
        Self { kind: self.kind, media: self.media.clone(), begins_piece: false, ticket: None }
    }

    /// Drops the packet, and records the reason on its ticket.
    pub fn dropped(self, reason: DropReason) {
        if let Some(ticket) = self.ticket {
            ticket.dropped(reason);
        }
    }
}

/// A message to the mux stage.
pub enum Message {
    /// A packet to be written.
    Packet(Packet),
    /// No packet before this time follows on the track.
    Advance(TrackKind, Timestamp),
    /// The track's stage has ended, with this result.
    StageEnded(TrackKind, Result<()>),
    /// Send this event after those of the packets before it.
    Event(Event),
    /// Hand out the data available now as a blob.
    RequestData,
    /// End the recording with this error.
    Fail(Error),
    /// Return the content of the replay as a file.
    SaveReplay(Sender<Result<Blob>>),
    /// Begin to record the replay; answered once the recording has begun.
    RecordReplay(Box<Destination>, Box<MediaRecorderOptions>, Sender<()>),
}
