//! What the stages and the recorder send to the mux stage.

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
    /// Which track it is of.
    pub kind: TrackKind,
    /// Its bytes, its times in the recording and whether it is a key frame.
    pub media: EncodedPacket,
    /// Whether a new piece of the recording begins with it.
    pub begins_piece: bool,
    /// A picture's: whoever writes or loses the packet says so on it.
    pub ticket: Option<Ticket>,
}

impl Packet {
    /// It is lost here, for this reason.
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
    /// The track's stage has ended, and how.
    StageEnded(TrackKind, Result<()>),
    /// Tell this event after those of the packets before it.
    Event(Event),
    /// Hand out what there is.
    RequestData,
    /// End the recording with this error.
    Fail(Error),
    /// Give what the replay holds as a file.
    SaveReplay(Sender<Result<Blob>>),
    /// The replay begins to record; answered once it has begun.
    RecordReplay(Box<Destination>, Box<MediaRecorderOptions>, Sender<()>),
}
