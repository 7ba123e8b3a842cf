//! The encode stage: encodes the track's frames that belong to the recording, at their times in the recording.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::message::{Message, Packet};
use super::{
    ARRIVAL_DELAY, INPUT_QUEUE, MAX_WAIT, POLL_INTERVAL, PUSH_INTERVAL, REPEAT_INTERVAL, STOP_TIMEOUT, SessionState,
    TrackInput,
};
use crate::clock::Clock;
use crate::encode::{EncoderConfig, VideoEncoder};
use crate::error::Result;
use crate::frame::Frame;
use crate::packet::EncodedPacket;
use crate::recorder::fit::Fitter;
use crate::recorder::gate::Place;
use crate::recorder::options::MediaRecorderOptions;
use crate::recorder::speed_control::SpeedControl;
use crate::stream::{DropReason, Sample, Ticket, TrackKind};
use crate::time::{Span, Timestamp};

/// WebM's unit of time.
const TICK: Span = Span::from_millis(1);
/// With sound, the last frame is encoded again after this time without a new frame: libwebm holds sound back until the
/// next video packet, which must not be more than 32 s later.
const LONGEST_STILL: Span = Span::from_secs(10);
/// In real time, how long a frame may wait for an encoder that is fast enough.
const LATE: Span = Span::from_millis(100);
/// In real time, with sound, how long to wait for the first frame.
const LATEST_PICTURE: Span = Span::from_millis(500);

/// The encode stage.
pub(super) struct Encode<'a> {
    input: TrackInput,
    session: &'a SessionState,
    clock: &'a Clock,
    encoder: Box<dyn VideoEncoder>,
    /// In real time, of an encoder whose speed was not asked for and can change.
    speed: Option<SpeedControl>,
    /// How long the last frame had waited when it was taken, and how many frames had been dropped because the recorder
    /// was busy when it was encoded.
    waited: Span,
    missed: u64,
    fitter: Fitter,
    config: EncoderConfig,
    limit: Option<Span>,
    key_count: Option<u32>,
    /// Whether the recording has sound.
    with_sound: bool,
    /// How many frames were encoded.
    frames: u64,
    /// The last frame, with the time at which it was last encoded.
    last: Option<Frame>,
    /// The recording's time of the last frame from the track.
    arrived: Option<Timestamp>,
    /// The time of the last packet that left the encoder.
    sent: Option<Timestamp>,
    /// Whether the track shows black at present.
    silenced: bool,
    /// The frames in the encoder, in the order of their times.
    in_encoder: VecDeque<InEncoder>,
    /// Packets that are ready to be sent.
    ready: Vec<EncodedPacket>,
}

/// A frame in the encoder.
struct InEncoder {
    timestamp: Timestamp,
    begins_piece: bool,
    ticket: Ticket,
}

impl<'a> Encode<'a> {
    /// A stage that encodes the frames of `input` with `encoder`, which was opened with `config`; `with_sound` when the
    /// recording has sound.
    pub fn new(
        input: TrackInput,
        (encoder, config): (Box<dyn VideoEncoder>, EncoderConfig),
        options: &MediaRecorderOptions,
        with_sound: bool,
        session: &'a SessionState,
        clock: &'a Clock,
    ) -> Self {
        let speeds = encoder.speeds().filter(|_| clock.is_real() && config.speed.is_none());
        speeds.iter().for_each(|speeds| session.note_speed(Timestamp::ZERO, *speeds.start()));
        Self {
            input,
            session,
            clock,
            speed: speeds.map(SpeedControl::new),
            waited: Span::ZERO,
            missed: 0,
            encoder,
            fitter: Fitter::new(config.pixel_format(), config.size, options.fit),
            config,
            limit: options.time_limit,
            key_count: options.video_key_frame_interval_count,
            with_sound,
            frames: 0,
            last: None,
            arrived: None,
            sent: None,
            silenced: false,
            in_encoder: VecDeque::new(),
            ready: Vec::new(),
        }
    }

    pub fn run(mut self) -> Result<()> {
        let taken = self.take_all();
        // Even after an error, the frames in the encoder belong to the file.
        let finished = tracing::debug_span!("finish").in_scope(|| self.encoder.finish(&mut self.ready));
        self.send();
        let failure = self.input.subscription.failure();
        taken.and(failure.map_or(Ok(()), Err)).and(finished)
    }

    fn take_all(&mut self) -> Result<()> {
        let mut stopping_since = None;
        loop {
            // Checked before the queue is: what had arrived by then is in it.
            let over = self.session.is_stopping() && self.is_over(*stopping_since.get_or_insert_with(Instant::now));
            match self.input.subscription.receiver.recv_timeout(if over { Duration::ZERO } else { POLL_INTERVAL }) {
                Ok(Sample::Video { frame, ticket, arrived, queued }) => {
                    drop(queued);
                    if !self.take_newest(frame, ticket, arrived)? {
                        break;
                    }
                }
                Ok(Sample::Audio { .. }) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.session.track_ended(self.clock.now());
                    if self.input.subscription.failure().is_none() {
                        self.hold_last()?;
                    }
                    break;
                }
                Err(RecvTimeoutError::Timeout) if over => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.encoder.poll(&mut self.ready)?;
                    if !self.send() {
                        break;
                    }
                    if self.clock.is_real() && !self.session.is_stopping() && !self.repeat_while_idle()? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes a frame, or, in real time, a newer one where this one has waited for too long: with an encoder that is too
    /// slow, frames are dropped anyway, and waiting frames are lost when the program is killed. A frame is dropped only
    /// for a newer one that is recorded. False when no later frame is recorded.
    fn take_newest(&mut self, mut frame: Arc<Frame>, mut ticket: Ticket, mut arrived: Timestamp) -> Result<bool> {
        let mut next = None;
        for _ in 0..INPUT_QUEUE[0] {
            self.waited = self.clock.now() - (arrived + self.input.shift);
            if !self.clock.drops() || self.session.is_stopping() || self.waited <= MAX_WAIT {
                break;
            }
            let Ok(Sample::Video { frame: newer, ticket: its, arrived: at, queued }) =
                self.input.subscription.receiver.try_recv()
            else {
                break;
            };
            drop(queued);
            if !self.session.gate.lock().is_recorded(newer.timestamp + self.input.shift) {
                next = Some((newer, its));
                break;
            }
            ticket.take_in();
            std::mem::replace(&mut ticket, its).dropped(DropReason::Busy);
            (frame, arrived) = (newer, at);
        }
        let more = self.take(&frame, ticket)?;
        match next {
            Some((frame, ticket)) if more => self.take(&frame, ticket),
            _ => Ok(more),
        }
    }

    /// After the track's end, repeats its last frame while there is sound: libwebm holds sound back until the next
    /// video packet.
    fn hold_last(&mut self) -> Result<()> {
        while self.with_sound && self.last.is_some() {
            let stopping = self.session.is_stopping();
            let goes_on = if self.clock.is_real() {
                stopping || self.repeat_while_idle()?
            } else {
                let time = self.session.gate.lock().length_at(self.clock.now());
                time.map_or(Ok(true), |time| self.bridge_gap(time))?
            };
            if stopping || !goes_on {
                break;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    /// Whether all frames captured before the stop have arrived; in real time, also true after `STOP_TIMEOUT`.
    fn is_over(&self, stopping_since: Instant) -> bool {
        self.input.subscription.is_settled() || self.clock.is_real() && stopping_since.elapsed() > STOP_TIMEOUT
    }

    /// Encodes a frame if it belongs to the recording; false when no later frame does.
    fn take(&mut self, frame: &Arc<Frame>, mut ticket: Ticket) -> Result<bool> {
        ticket.take_in();
        let stream_time = frame.timestamp + self.input.shift;
        let place = self.session.gate.lock().place(stream_time);
        let time = match place {
            Place::At(time) => time,
            Place::Paused => {
                ticket.dropped(DropReason::Paused);
                return Ok(true);
            }
            Place::Before => {
                ticket.dropped(DropReason::OutOfOrder);
                return Ok(true);
            }
            Place::After => {
                ticket.dropped(DropReason::Ended);
                // The sound ends here too, and so do the frames that follow.
                self.session.counters.set_end_reason(DropReason::Ended);
                self.session.stop_at(stream_time);
                return Ok(false);
            }
        };
        if self.arrived.is_some_and(|arrived| time <= arrived) {
            ticket.dropped(DropReason::OutOfOrder);
            return Ok(true);
        }
        if self.is_too_soon(time) {
            ticket.dropped(DropReason::Rate);
            return Ok(true);
        }
        self.arrived = Some(time);
        // The previous frame may have been repeated at a later time; then this frame comes one tick after it.
        let last = self.last.as_ref().map(|last| last.timestamp);
        let time = last.filter(|last| time <= *last).map_or(time, |last| last + TICK);
        let frame = tracing::debug_span!("fit").in_scope(|| self.fitter.fit(frame))?.with_timestamp(time);
        if !self.bridge_gap(time)? {
            return Ok(false);
        }
        self.last = Some(frame.clone());
        self.encode(&frame, ticket)
    }

    /// Whether the format cannot show a frame of this time beside the last one. Of those that come faster, one is taken
    /// in each of the shortest times that it shows.
    fn is_too_soon(&self, time: Timestamp) -> bool {
        // Frame times are rounded to nanoseconds.
        let number = |time: Timestamp, shortest: Span| (time.as_nanos() + 1_000) / shortest.as_nanos();
        self.config
            .codec
            .shortest_picture()
            .zip(self.arrived)
            .is_some_and(|(shortest, arrived)| number(time, shortest) == number(arrived, shortest))
    }

    /// With sound, repeats the last frame as often as the gap up to `time` needs; false when the queue is closed.
    fn bridge_gap(&mut self, time: Timestamp) -> Result<bool> {
        if self.with_sound
            && self.last.is_none()
            && time - Timestamp::ZERO > LONGEST_STILL
            && !self.begin_black(Timestamp::ZERO)?
        {
            return Ok(false);
        }
        while self.with_sound
            && let Some(frame) = &self.last
            && time - frame.timestamp > LONGEST_STILL
        {
            let again = frame.timestamp + LONGEST_STILL;
            let frame = frame.clone().with_timestamp(again);
            self.last = Some(frame.clone());
            let ticket = self.session.counters.repeat();
            if !self.encode(&frame, ticket)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// With sound, encodes a black frame, shown until the first frame of the track.
    fn begin_black(&mut self, time: Timestamp) -> Result<bool> {
        let frame = Frame::black_in(self.config.pixel_format(), self.config.size).with_timestamp(time);
        self.last = Some(frame.clone());
        let ticket = self.session.counters.repeat();
        self.encode(&frame, ticket)
    }

    /// Encodes a frame, and sends the packets that are ready; false when the queue is closed.
    fn encode(&mut self, frame: &Frame, ticket: Ticket) -> Result<bool> {
        let time = frame.timestamp;
        let by_count = self.key_count.is_some_and(|count| self.frames.is_multiple_of(count.into()));
        let begins_piece = self.session.splitter.lock().begins_piece(time);
        let key = self.session.key.swap(false, Ordering::AcqRel) || by_count || begins_piece;
        let span = self.config.rate.frame_span();
        let duration = self.limit.map_or(span, |limit| span.min(Timestamp::ZERO + limit - time));
        self.in_encoder.push_back(InEncoder { timestamp: time, begins_piece, ticket });
        let began = Instant::now();
        tracing::debug_span!("encode").in_scope(|| self.encoder.encode(frame, duration, key, &mut self.ready))?;
        self.frames += 1;
        self.adapt_speed(time, began.elapsed().into())?;
        Ok(self.send())
    }

    /// Makes the encoder faster where it cannot keep up, and slower again where it can: after the frame of this time,
    /// which took `work`.
    fn adapt_speed(&mut self, time: Timestamp, work: Span) -> Result<()> {
        let Some(control) = &mut self.speed else { return Ok(()) };
        let missed = self.session.counters.counts().dropped(DropReason::Busy);
        let (before, waited) = (std::mem::replace(&mut self.missed, missed), std::mem::take(&mut self.waited));
        let is_late = before < missed || waited > LATE;
        if let Some(speed) = control.frame_encoded(self.clock.now(), work, is_late) {
            self.encoder.set_speed(speed)?;
            self.session.note_speed(time, speed);
        }
        Ok(())
    }

    /// In real time, after a while without a frame: reports to the mux stage that the last frame is still shown.
    /// Encodes it again where sound would wait for the next packet, where the encoder still holds it, or where muting
    /// changed.
    fn repeat_while_idle(&mut self) -> Result<bool> {
        let now = self.clock.now();
        let arrived = now - ARRIVAL_DELAY;
        let gate = self.session.gate.lock();
        let full = gate.is_full(arrived);
        let Some(time) = gate.length_at(arrived) else { return Ok(true) };
        drop(gate);
        if full {
            // There may be no further frame at which the limit would be noticed.
            self.session.counters.set_end_reason(DropReason::Ended);
            self.session.stop_at(arrived);
            return Ok(false);
        }
        let silenced = self.input.subscription.is_silenced();
        let turned = self.silenced != silenced;
        let Some(last) = &self.last else {
            return if self.with_sound && time - Timestamp::ZERO > LATEST_PICTURE {
                self.begin_black(time)
            } else {
                Ok(self.with_sound || self.advance(time))
            };
        };
        let settled = self.input.subscription.is_settled();
        if self.config.codec.is_picture() && !turned {
            // No sound waits for it, and its encoder needs no further frame to give it back.
            let idle = time - last.timestamp >= REPEAT_INTERVAL && settled;
            return Ok(!idle || self.sent < self.arrived || self.advance(time));
        }
        let interval = if self.sent < Some(last.timestamp) { PUSH_INTERVAL } else { REPEAT_INTERVAL };
        if time <= last.timestamp || !turned && (time - last.timestamp < interval || !settled) {
            return Ok(true);
        }
        if !self.with_sound && self.sent >= self.arrived && !turned {
            return Ok(self.advance(time));
        }
        self.silenced = silenced;
        let picture = last.clone().with_timestamp(time);
        let shown = if silenced {
            Frame::black_in(picture.format(), picture.size()).with_timestamp(time)
        } else {
            picture.clone()
        };
        // Keep the real picture; black is shown only while the track is muted or disabled.
        self.last = Some(picture);
        let ticket = self.session.counters.repeat();
        self.encode(&shown, ticket)
    }

    fn advance(&self, time: Timestamp) -> bool {
        self.session.messages.post(Message::Advance(TrackKind::Video, time))
    }

    /// Sends the packets that are ready; false when the queue is closed.
    fn send(&mut self) -> bool {
        let bytes = self.ready.iter().map(|packet| packet.size() as u64).sum();
        self.session.splitter.lock().add_bytes(bytes);
        self.sent = self.ready.last().map(|packet| packet.timestamp).or(self.sent);
        let (in_encoder, messages) = (&mut self.in_encoder, &self.session.messages);
        self.ready.drain(..).all(|media| {
            let is_first = in_encoder.front().is_some_and(|frame| frame.timestamp == media.timestamp);
            let (begins_piece, ticket) = match is_first.then(|| in_encoder.pop_front()).flatten() {
                Some(InEncoder { begins_piece, ticket, .. }) => (begins_piece, Some(ticket)),
                None => (false, None),
            };
            messages.send(Message::Packet(Packet { kind: TrackKind::Video, media, begins_piece, ticket }))
        })
    }
}
