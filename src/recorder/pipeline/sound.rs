//! The sound stage: encodes the track's sound that belongs to the recording, with pauses cut out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::message::{Message, Packet};
use super::{ARRIVAL_DELAY, POLL_INTERVAL, REPEAT_INTERVAL, SessionState, TrackInput};
use crate::audio::{AudioBuffer, samples_in};
use crate::clock::Clock;
use crate::encode::AudioEncoder;
use crate::error::Result;
use crate::packet::EncodedPacket;
use crate::stream::{DropReason, Sample, TrackKind, TrackSettings};
use crate::time::{Span, Timestamp};

/// In real time, how long to wait after the stop for sound from before it.
const LATE_SOUND: Duration = Duration::from_millis(200);
/// Smaller overlaps of buffers are jitter of the device's timestamps, not lost sound.
const JITTER: Span = Span::from_millis(2);
/// Silence is made in parts of this length, so that a gap of hours needs little memory.
const SILENCE: Span = Span::from_secs(1);

/// The sound stage.
pub(super) struct Sound<'a> {
    input: TrackInput,
    session: &'a SessionState,
    clock: &'a Clock,
    encoder: Box<dyn AudioEncoder>,
    /// Whether there is no video.
    alone: bool,
    /// The session's time at the beginning.
    began: Timestamp,
    /// Sound later than the clock's time: a pause may still begin before it.
    held: VecDeque<Arc<AudioBuffer>>,
    /// The session's time up to which sound was taken, and the last buffer's rate and channels.
    taken: Option<(Timestamp, u32, usize)>,
    /// The recording's time up to which sound was encoded.
    encoded: Timestamp,
    ready: Vec<EncodedPacket>,
}

impl<'a> Sound<'a> {
    /// A stage that encodes the sound of `input` from now on; `alone` when there is no video.
    pub fn new(
        input: TrackInput,
        encoder: Box<dyn AudioEncoder>,
        alone: bool,
        session: &'a SessionState,
        clock: &'a Clock,
    ) -> Self {
        let began = clock.now();
        Self {
            input,
            session,
            clock,
            encoder,
            alone,
            began,
            held: VecDeque::new(),
            taken: None,
            encoded: Timestamp::ZERO,
            ready: Vec::new(),
        }
    }

    pub fn run(mut self) -> Result<()> {
        let mut stopping_since = None;
        loop {
            // Checked before the queue is: what had arrived by then is in it.
            let over = self.session.is_stopping() && self.is_over(*stopping_since.get_or_insert_with(Instant::now));
            match self.input.subscription.receiver.recv_timeout(if over { Duration::ZERO } else { POLL_INTERVAL }) {
                Ok(Sample::Audio { sound, queued }) => {
                    drop(queued);
                    let sound = self.shifted(sound);
                    if self.session.gate.lock().is_past(sound.timestamp) {
                        break;
                    }
                    self.count_late(&sound);
                    self.held.push_back(sound);
                }
                Ok(Sample::Video { .. }) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.session.track_ended(self.clock.now());
                    break;
                }
                Err(RecvTimeoutError::Timeout) if over => break,
                Err(RecvTimeoutError::Timeout) => {
                    if self.clock.is_real() && !self.session.is_stopping() && !self.fill_silence()? {
                        return Ok(());
                    }
                }
            }
            // In real time, sound that has arrived is in the past.
            let known = if self.clock.is_real() { Timestamp::MAX } else { self.clock.now() };
            if !self.take_until(known)? {
                return Ok(());
            }
            // While there is video, the encode stage checks the limit.
            let last = self.alone || self.session.tracks.load(Ordering::Acquire) == 1;
            if last && self.taken.is_some_and(|(taken, ..)| self.session.gate.lock().is_full(taken)) {
                self.session.counters.set_end_reason(DropReason::Ended);
                self.session.stop_at(self.clock.now());
                break;
            }
        }
        self.take_until(Timestamp::MAX)?;
        self.encoder.finish(&mut self.ready)?;
        self.send();
        match self.input.subscription.failure() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// In real time, counts sound as lost that comes so late that silence was encoded in its place.
    fn count_late(&self, sound: &AudioBuffer) {
        let taken = self.taken.map_or(sound.timestamp, |(taken, ..)| taken.min(sound.end()));
        let late = taken - sound.timestamp;
        if self.clock.is_real() && late > JITTER {
            self.session.counters.lose_sound(late);
        }
    }

    /// The sound with the session's timestamps.
    fn shifted(&self, sound: Arc<AudioBuffer>) -> Arc<AudioBuffer> {
        if self.input.shift == Span::ZERO {
            return sound;
        }
        let mut sound = Arc::unwrap_or_clone(sound);
        sound.timestamp = sound.timestamp + self.input.shift;
        Arc::new(sound)
    }

    /// Encodes the held sound up to this time of the session; false when the queue is closed.
    fn take_until(&mut self, time: Timestamp) -> Result<bool> {
        while let Some(sound) = self.held.front().cloned() {
            let begin = self.taken.map_or(sound.timestamp, |(taken, ..)| taken.max(sound.timestamp));
            let end = sound.end().min(time);
            if begin < end {
                if !self.encode(&sound, begin, end)? {
                    return Ok(false);
                }
                self.taken = Some((end, sound.rate(), sound.channels().len()));
            }
            if sound.end() > time {
                break;
            }
            self.held.pop_front();
        }
        Ok(true)
    }

    /// Encodes the parts of the sound between these times of the session that belong to the recording, and silence in
    /// long gaps before them. False when the queue is closed.
    fn encode(&mut self, sound: &AudioBuffer, from: Timestamp, to: Timestamp) -> Result<bool> {
        let parts = self.session.gate.lock().cut(from, to);
        for (begin, end, placed) in parts {
            let sample =
                |time: Timestamp| (samples_in(time - sound.timestamp, sound.rate()) as usize).min(sound.samples());
            let mut part = sound.slice(sample(begin)..sample(end));
            if part.samples() == 0 {
                continue;
            }
            self.session.level.hear(&part);
            while placed - self.encoded > SILENCE {
                let samples = samples_in(SILENCE, sound.rate()) as usize;
                let silence = AudioBuffer::silence(sound.rate(), self.encoded, part.channels().len(), samples)?;
                self.encoder.encode(&silence, &mut self.ready)?;
                self.encoded = silence.end();
                if !self.send() {
                    return Ok(false);
                }
            }
            part.timestamp = placed;
            tracing::debug_span!("encode").in_scope(|| self.encoder.encode(&part, &mut self.ready))?;
            self.encoded = part.end();
        }
        Ok(self.send())
    }

    /// In real time, encodes silence while the source delivers no sound. False when the queue is closed.
    fn fill_silence(&mut self) -> Result<bool> {
        let arrived = self.clock.now() - ARRIVAL_DELAY;
        let TrackSettings::Audio { rate, channels } = self.input.subscription.settings() else { return Ok(true) };
        let (mut taken, rate, channels) = self.taken.unwrap_or((self.began, rate, channels));
        if arrived - taken < REPEAT_INTERVAL || !self.held.is_empty() {
            return Ok(true);
        }
        while taken < arrived {
            let samples = samples_in((arrived - taken).min(SILENCE), rate) as usize;
            if samples == 0 {
                break;
            }
            let silence = AudioBuffer::silence(rate, taken, channels, samples)?;
            if !self.encode(&silence, taken, silence.end())? {
                return Ok(false);
            }
            taken = silence.end();
            self.taken = Some((taken, rate, channels));
        }
        Ok(true)
    }

    /// Whether the sound reaches the recording's end; also true after `LATE_SOUND`, and without real time.
    fn is_over(&self, stopping_since: Instant) -> bool {
        if !self.clock.is_real() || stopping_since.elapsed() > LATE_SOUND {
            return true;
        }
        let gate = self.session.gate.lock();
        let taken = self.taken.and_then(|(taken, ..)| gate.length_at(taken));
        taken.is_some_and(|taken| gate.end().is_some_and(|end| taken >= end))
    }

    /// Sends the packets that are ready; false when the queue is closed. Sound alone can be split at every packet.
    fn send(&mut self) -> bool {
        let (alone, session) = (self.alone, self.session);
        self.ready.drain(..).all(|media| {
            let begins_piece = alone && {
                let mut splitter = session.splitter.lock();
                let begins = splitter.begins_piece(media.timestamp);
                splitter.add_bytes(media.data.len() as u64);
                begins
            };
            session.messages.send(Message::Packet(Packet { kind: TrackKind::Audio, media, begins_piece, ticket: None }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::opus::{BitrateMode, OpusConfig, OpusEncoder};
    use crate::frame::PixelFormat;
    use crate::stream::TrackGenerator;

    #[test]
    fn the_silence_of_hours_is_made_a_second_at_a_time() {
        let clock = Clock::real();
        let began = clock.now() - Span::from_secs(2 * 3600);
        let session = SessionState::idle(began);
        let generator = TrackGenerator::audio(48_000, 2, &clock);
        let input = TrackInput {
            subscription: generator.track().subscribe(PixelFormat::I420, 4, &session.counters),
            shift: Span::ZERO,
        };
        let config = OpusConfig { channels: 2, bitrate: 64_000, mode: BitrateMode::Variable };
        let encoder = Box::new(OpusEncoder::new(&config).unwrap());
        let mut sound = Sound::new(input, encoder, true, &session, &clock);
        sound.began = began;
        // Nobody takes the packets, so that it ends after the first part.
        session.messages.close();
        assert!(!sound.fill_silence().unwrap());
        assert_eq!(sound.encoded, Timestamp::ZERO + Span::from_secs(1));
    }
}
