//! The encode stage: frames of the track that belong to the recording go in, at their times in it; packets come out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::{GLANCE, LATE, PUSH, SETTLED, STILL, Shared, Word, lock};
use crate::clock::Clock;
use crate::encode::{EncoderConfig, VideoEncoder};
use crate::error::Result;
use crate::frame::Frame;
use crate::packet::EncodedPacket;
use crate::recorder::fit::Fitter;
use crate::recorder::gate::Place;
use crate::recorder::options::MediaRecorderOptions;
use crate::stream::{DropReason, Sample, Subscription, Ticket, TrackKind};
use crate::time::{Span, Timestamp};

/// WebM's unit of time.
const TICK: Span = Span::from_millis(1);

/// The encode stage: frames of the track that belong to the recording, as packets.
pub(super) struct Encode<'a> {
    subscription: Subscription,
    shared: &'a Shared,
    clock: &'a Clock,
    encoder: Box<dyn VideoEncoder>,
    fitter: Fitter,
    config: EncoderConfig,
    limit: Option<Span>,
    key_count: Option<u32>,
    /// Bits a second of the sound beside it.
    sound: Option<u32>,
    frames: u64,
    last: Option<Frame>,
    /// The times of the last picture that came, and of the last one that left the encoder.
    came: Option<Timestamp>,
    sent: Option<Timestamp>,
    /// Whether black is shown in its place.
    silenced: bool,
    next_piece: Option<Timestamp>,
    /// How many bytes of the present piece were sent, and when it began.
    piece_bytes: u64,
    piece_began: Timestamp,
    /// Who waits to hear of the frames in the encoder, by their times.
    tickets: VecDeque<(Timestamp, Ticket)>,
    ready: Vec<EncodedPacket>,
}

impl<'a> Encode<'a> {
    /// A stage that encodes what `subscription` brings with `encoder`, opened as `config` says; `sound` says whether there
    /// is any beside it.
    pub fn new(
        subscription: Subscription,
        (encoder, config): (Box<dyn VideoEncoder>, EncoderConfig),
        options: &MediaRecorderOptions,
        sound: bool,
        shared: &'a Shared,
        clock: &'a Clock,
    ) -> Self {
        Self {
            subscription,
            shared,
            clock,
            encoder,
            fitter: Fitter::new(config.size, options.fit),
            config,
            limit: options.time_limit,
            key_count: options.video_key_frame_interval_count,
            sound: sound.then_some(options.bitrates().1),
            frames: 0,
            last: None,
            came: None,
            sent: None,
            silenced: false,
            next_piece: None,
            piece_bytes: 0,
            piece_began: Timestamp::ZERO,
            tickets: VecDeque::new(),
            ready: Vec::new(),
        }
    }

    pub fn run(mut self) -> Result<()> {
        let taken = self.take_all();
        self.shared.counts.busy.store(self.subscription.dropped(), Ordering::Relaxed);
        // Whatever happened, what is in the encoder belongs into the file.
        let finished = self.encoder.finish(&mut self.ready);
        self.send();
        let failure = self.subscription.failure();
        taken.and(failure.map_or(Ok(()), Err)).and(finished)
    }

    fn take_all(&mut self) -> Result<()> {
        let mut stopping_since = None;
        loop {
            // Looked at before the queue is: what had arrived by then is in it.
            let over = self.shared.is_stopping() && self.is_over(*stopping_since.get_or_insert_with(Instant::now));
            match self.subscription.receiver.recv_timeout(if over { Duration::ZERO } else { GLANCE }) {
                Ok(Sample::Video { frame, ticket }) => {
                    self.shared.counts.received.fetch_add(1, Ordering::Relaxed);
                    if !self.take(&frame, ticket)? {
                        break;
                    }
                }
                Ok(Sample::Audio(_)) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.shared.track_ended(self.clock.now());
                    break;
                }
                Err(RecvTimeoutError::Timeout) if over => break,
                Err(RecvTimeoutError::Timeout) => {
                    if self.clock.is_real() && !self.shared.is_stopping() && !self.stand_still()? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether nothing that was captured before the stop is still on its way; in real time, or has been for too long.
    fn is_over(&self, stopping_since: Instant) -> bool {
        self.subscription.is_settled() || self.clock.is_real() && stopping_since.elapsed() > LATE
    }

    /// Encodes a frame, if it belongs to the recording; false when no later one does.
    fn take(&mut self, frame: &Arc<Frame>, ticket: Option<Ticket>) -> Result<bool> {
        let drop_it = |reason, count: &AtomicU64| {
            count.fetch_add(1, Ordering::Relaxed);
            if let Some(ticket) = &ticket {
                ticket.dropped(reason);
            }
        };
        let counts = &self.shared.counts;
        let place = lock(&self.shared.gate).place(frame.timestamp);
        let time = match place {
            Place::At(time) => time,
            Place::Paused | Place::Before => {
                drop_it(DropReason::Paused, &counts.paused);
                return Ok(true);
            }
            Place::After => {
                counts.received.fetch_sub(1, Ordering::Relaxed);
                // The sound ends here too.
                self.shared.stop_at(frame.timestamp);
                return Ok(false);
            }
        };
        if self.came.is_some_and(|came| time <= came) {
            drop_it(DropReason::OutOfOrder, &counts.out_of_order);
            return Ok(true);
        }
        // The picture before it was shown again meanwhile: it comes right after that.
        let came = time;
        let time = self.last.as_ref().map_or(time, |last| time.max(last.timestamp + TICK));
        let frame = self.fitter.fit(frame)?.with_timestamp(time);
        if let Some(ticket) = ticket {
            // Until it is written.
            ticket.dropped(DropReason::Failed);
            self.tickets.push_back((time, ticket));
        }
        self.came = Some(came);
        self.encode(frame)
    }

    fn encode(&mut self, frame: Frame) -> Result<bool> {
        let time = frame.timestamp;
        let by_count = self.key_count.is_some_and(|count| self.frames.is_multiple_of(count.into()));
        let piece = Span::from_nanos(self.shared.piece.load(Ordering::Acquire));
        let bytes = self.shared.piece_bytes.load(Ordering::Acquire);
        // The sound's share, and what is still in the encoder.
        let by_split = piece > Span::ZERO && self.next_piece.is_none_or(|next| time >= next)
            || bytes > 0 && self.piece_bytes + self.sound_bytes(time) > bytes / 100 * 88;
        if by_split {
            self.next_piece = Some(time + piece);
            (self.piece_bytes, self.piece_began) = (0, time);
        }
        let key = self.shared.key.swap(false, Ordering::AcqRel) || by_count || by_split;
        let span = self.config.rate.frame_span();
        let duration = self.limit.map_or(span, |limit| span.min(Timestamp::ZERO + limit - time));
        self.encoder.encode(&frame, duration, key, &mut self.ready)?;
        self.frames += 1;
        self.last = Some(frame);
        Ok(self.send())
    }

    /// In real time, nothing has come for a while: tells that the last picture is still on screen, or, where sound would
    /// wait for the next one or it is still in the encoder, shows it again.
    fn stand_still(&mut self) -> Result<bool> {
        let now = self.clock.now();
        let gate = lock(&self.shared.gate);
        let full = gate.is_full(now - SETTLED);
        let Some(time) = gate.length_at(now - SETTLED) else { return Ok(true) };
        drop(gate);
        if full {
            // No picture will come to tell that the limit is reached.
            self.shared.stop_at(now - SETTLED);
            return Ok(false);
        }
        let silenced = self.subscription.is_silenced();
        let turned = std::mem::replace(&mut self.silenced, silenced) != silenced;
        let Some(last) = &self.last else {
            return Ok(self.shared.mailbox.say(Word::Reach(TrackKind::Video, time)));
        };
        let often = if self.sent < Some(last.timestamp) { PUSH } else { STILL };
        if time <= last.timestamp || !turned && (time - last.timestamp < often || !self.subscription.is_settled()) {
            return Ok(true);
        }
        if self.sound.is_none() && self.sent >= self.came && !turned {
            return Ok(self.shared.mailbox.say(Word::Reach(TrackKind::Video, time)));
        }
        self.shared.counts.repeated.fetch_add(1, Ordering::Relaxed);
        let picture = last.clone();
        let shown = if silenced { Frame::black(picture.size) } else { picture.clone() };
        let going_on = self.encode(shown.with_timestamp(time));
        // What is hidden comes back.
        self.last = Some(picture.with_timestamp(time));
        going_on
    }

    /// How many bytes of sound the present piece has by this time.
    fn sound_bytes(&self, time: Timestamp) -> u64 {
        let seconds = (time - self.piece_began).as_secs_f64();
        self.sound.map_or(0, |bits| (seconds * f64::from(bits) / 8.0) as u64)
    }

    /// Sends the packets that are ready; false when nobody takes them.
    fn send(&mut self) -> bool {
        self.piece_bytes += self.ready.iter().map(|packet| packet.data.len() as u64).sum::<u64>();
        self.sent = self.ready.last().map(|packet| packet.timestamp).or(self.sent);
        let (tickets, mailbox) = (&mut self.tickets, &self.shared.mailbox);
        self.ready.drain(..).all(|packet| {
            let ticket = tickets.pop_front_if(|(time, _)| *time == packet.timestamp).map(|(_, ticket)| ticket);
            mailbox.send(Word::Packet(TrackKind::Video, packet, ticket))
        })
    }
}
