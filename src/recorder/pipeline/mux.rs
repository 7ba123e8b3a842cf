//! The mux stage: packets of both tracks go in, are brought into one order and written; or held, for a replay.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{GLANCE, Listener, PATIENCE, Shared, Word, lock, tell_end};
use crate::blob::Blob;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::mux::{Interleaver, Tracks};
use crate::recorder::destination::Destination;
use crate::recorder::events::{BlobEvent, Event, Events, Lifetime};
use crate::recorder::options::MediaRecorderOptions;
use crate::recorder::report::Report;
use crate::recorder::ring::Ring;
use crate::recorder::tape::Tape;
use crate::stream::{DropReason, Ticket, TrackKind};
use crate::time::{Span, Timestamp};

/// The mux stage.
pub(super) struct Mux<'a> {
    interleaver: Interleaver,
    writing: Writing,
    tracks: Tracks,
    mime_type: String,
    events: Events,
    shared: &'a Shared,
    clock: &'a Clock,
    listener: &'a dyn Listener,
    /// How many stages are at work.
    open: usize,
    failure: Option<Error>,
    /// Who waits to hear of pictures that are not written yet, by their times.
    tickets: VecDeque<(Timestamp, Ticket)>,
    /// Sound that came too late for its pictures.
    lost: Span,
    /// There is no room for more.
    full: bool,
}

/// What packets go to.
enum Writing {
    Nothing,
    Held(Ring),
    Rolling(Box<Tape>),
}

impl<'a> Mux<'a> {
    /// A stage for these tracks, which become a file of this type. It writes nothing before it is told where to.
    pub fn new(
        tracks: Tracks,
        mime_type: String,
        events: Events,
        listener: &'a dyn Listener,
        shared: &'a Shared,
        clock: &'a Clock,
    ) -> Self {
        let (video, audio) = (tracks.video.is_some(), tracks.audio.is_some());
        Self {
            // In real time a track that lags has nothing to say; otherwise its thread has not had its turn.
            interleaver: Interleaver::new(video, audio, if clock.is_real() { PATIENCE } else { Span::MAX }),
            tickets: VecDeque::new(),
            lost: Span::ZERO,
            writing: Writing::Nothing,
            tracks,
            mime_type,
            events,
            shared,
            clock,
            listener,
            open: usize::from(video) + usize::from(audio),
            failure: None,
            full: false,
        }
    }

    /// How many stages are at work.
    pub fn open(&self) -> usize {
        self.open
    }

    /// Holds the last `length` in memory.
    pub fn hold(&mut self, length: Span) {
        self.writing = Writing::Held(Ring::new(length, self.tracks.video.is_some()));
    }

    /// Writes to a tape that begins with what has the time `origin`.
    pub fn begin(&mut self, destination: Destination, options: &MediaRecorderOptions, origin: Timestamp) {
        if let Destination::Files(pieces) = &destination {
            self.shared.piece.store(pieces.length.unwrap_or(Span::ZERO).as_nanos(), Ordering::Release);
            self.shared.piece_bytes.store(pieces.bytes.unwrap_or(0), Ordering::Release);
        }
        self.writing = Writing::Rolling(Box::new(self.tape(destination, options, self.events.clone(), origin)));
        self.events.push(Event::Start);
    }

    fn tape(
        &self,
        destination: Destination,
        options: &MediaRecorderOptions,
        events: Events,
        origin: Timestamp,
    ) -> Tape {
        Tape::new(self.tracks.clone(), self.mime_type.clone(), destination, options, events, origin)
    }

    /// Until no stage is at work, or there is no room for more.
    pub fn run(&mut self) {
        while self.open > 0 {
            let Some(word) = self.shared.mailbox.take(GLANCE) else {
                if self.shared.mailbox.is_open() {
                    continue;
                }
                return self.fail(Error::unknown("the recording was given up: its file took too long to be finished"));
            };
            match self.hear(word) {
                Ok(true) => {}
                Ok(false) => {
                    self.full = true;
                    return;
                }
                Err(error) => return self.fail(error),
            }
        }
        // Who asked for a replay at the last moment is answered.
        while let Some(word) = self.shared.mailbox.take(Duration::ZERO) {
            if let Err(error) = self.hear(word) {
                return self.fail(error);
            }
        }
    }

    /// Does what is asked; false when there is no room for more.
    fn hear(&mut self, word: Word) -> Result<bool> {
        match word {
            Word::Packet(kind, packet, ticket) => {
                if let Some(ticket) = ticket {
                    // Until it is written.
                    ticket.dropped(DropReason::Failed);
                    self.tickets.push_back((packet.timestamp, ticket));
                }
                let duration = packet.duration;
                if !self.interleaver.push(kind, packet) && kind == TrackKind::Audio {
                    self.lost += duration;
                }
                self.write()
            }
            Word::Reach(kind, time) => {
                self.interleaver.reach(kind, time);
                if let Writing::Rolling(tape) = &mut self.writing {
                    tape.reach(time);
                }
                self.write()
            }
            Word::Ended(kind, outcome) => {
                self.open -= 1;
                self.interleaver.end(kind);
                if let Err(error) = outcome {
                    self.fail(error);
                }
                self.write()
            }
            Word::Event(event) => {
                if let Writing::Rolling(_) = self.writing {
                    self.events.push(event);
                }
                Ok(true)
            }
            Word::Data => {
                if let Writing::Rolling(tape) = &mut self.writing {
                    tape.hand_out();
                }
                Ok(true)
            }
            Word::Fail(error) => {
                self.fail(error);
                Ok(true)
            }
            Word::Save(saved) => {
                // Whoever asked may have gone.
                let _ = saved.send(self.save());
                Ok(true)
            }
            Word::Roll(destination, options) => self.roll(*destination, &options),
        }
    }

    /// Writes the packets whose turn it is; false when there is no room for more.
    fn write(&mut self) -> Result<bool> {
        let mut room = true;
        while room && let Some((kind, packet)) = self.interleaver.pop() {
            match &mut self.writing {
                Writing::Nothing => {}
                Writing::Held(ring) => ring.push(kind, packet),
                Writing::Rolling(tape) => {
                    let time = packet.timestamp;
                    room = tape.write(kind, packet)?;
                    let written = |(ticket_time, _): &mut (Timestamp, Ticket)| *ticket_time <= time;
                    while kind == TrackKind::Video
                        && let Some((time, ticket)) = self.tickets.pop_front_if(written)
                    {
                        if room {
                            ticket.encoded(Timestamp::ZERO + (time - tape.origin()));
                        }
                    }
                }
            }
        }
        if let Writing::Rolling(tape) = &self.writing {
            self.listener.progressed(tape.progress());
        }
        Ok(room)
    }

    /// The recording ends because of this; the first reason is what is told.
    pub fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
        self.shared.stop_at(self.clock.now());
    }

    /// What is held, as a file that seeks.
    fn save(&self) -> Result<Blob> {
        let Writing::Held(ring) = &self.writing else {
            return Err(Error::new(ErrorKind::InvalidState, "expected a replay but found that it records already"));
        };
        let destination = Destination::Blobs { timeslice: None };
        let mut tape = self.tape(destination, &MediaRecorderOptions::default(), Events::new(), ring.begin());
        for (kind, packet) in ring.packets() {
            tape.write(*kind, packet.clone())?;
        }
        let (outcome, BlobEvent { data, .. }, _) = tape.finish(None);
        outcome.map(|()| data)
    }

    /// What is held begins a recording.
    fn roll(&mut self, destination: Destination, options: &MediaRecorderOptions) -> Result<bool> {
        let Writing::Held(ring) = &mut self.writing else { return Ok(true) };
        let (origin, packets) = (ring.begin(), ring.take());
        let limit = options.time_limit.map(|limit| (origin - Timestamp::ZERO) + limit);
        lock(&self.shared.gate).set_limit(limit);
        self.begin(destination, options, origin);
        if let Writing::Rolling(tape) = &mut self.writing {
            for (kind, packet) in packets {
                if !tape.write(kind, packet)? {
                    return Ok(false);
                }
            }
        }
        self.write()
    }

    /// Ends the file and tells the end.
    pub fn finish(self, report: &mut Report, lifetime: &mut Lifetime) {
        let Writing::Rolling(tape) = self.writing else { return self.listener.ending(report) };
        report.pieces = tape.pieces();
        report.sound_lost_s = self.lost.as_secs_f64();
        // By stamps, nobody knows how long the last picture is shown; and a recording that failed ends with what it has.
        let timed = self.clock.is_real() || self.clock.rate().is_some();
        let end = if timed && self.failure.is_none() && !self.full { lock(&self.shared.gate).end() } else { None };
        let (written, data, progress) = tape.finish(end);
        let failure = self.failure.or(written.err());
        self.shared.counts.describe(report, progress, failure.is_some());
        self.listener.ending(report);
        tell_end(lifetime, failure, data);
    }
}
