//! The sound stage: what of the track belongs to the recording goes in, its pauses cut out; packets come out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::{GLANCE, SETTLED, STILL, Shared, Word, lock};
use crate::audio::{AudioBuffer, samples_in};
use crate::clock::Clock;
use crate::encode::opus::OpusEncoder;
use crate::error::Result;
use crate::packet::EncodedPacket;
use crate::stream::{Sample, Subscription, TrackKind, TrackSettings};
use crate::time::Timestamp;

/// How long sound from before the stop may still come in real time.
const LATE_SOUND: Duration = Duration::from_millis(200);

/// The sound stage: what of the track belongs to the recording, without its pauses, as packets.
pub(super) struct Sound<'a> {
    subscription: Subscription,
    shared: &'a Shared,
    clock: &'a Clock,
    encoder: OpusEncoder,
    alone: bool,
    /// The stream's time at the beginning.
    began: Timestamp,
    /// What lies in the future of the clock: a pause may still come before it.
    held: VecDeque<Arc<AudioBuffer>>,
    /// The stream's time up to which sound was taken, and the last buffer's rate and channels.
    heard: Option<(Timestamp, u32, usize)>,
    ready: Vec<EncodedPacket>,
}

impl<'a> Sound<'a> {
    /// A stage that encodes what `subscription` brings from now on; `alone` when there are no pictures.
    pub fn new(
        subscription: Subscription,
        encoder: OpusEncoder,
        alone: bool,
        shared: &'a Shared,
        clock: &'a Clock,
    ) -> Self {
        let began = clock.now();
        Self {
            subscription,
            shared,
            clock,
            encoder,
            alone,
            began,
            held: VecDeque::new(),
            heard: None,
            ready: Vec::new(),
        }
    }

    pub fn run(mut self) -> Result<()> {
        let mut stopping_since = None;
        loop {
            // Looked at before the queue is: what had arrived by then is in it.
            let over = self.shared.is_stopping() && self.is_over(*stopping_since.get_or_insert_with(Instant::now));
            match self.subscription.receiver.recv_timeout(if over { Duration::ZERO } else { GLANCE }) {
                Ok(Sample::Audio(sound)) if lock(&self.shared.gate).is_past(sound.timestamp) => break,
                Ok(Sample::Audio(sound)) => self.held.push_back(sound),
                Ok(Sample::Video { .. }) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.shared.track_ended(self.clock.now());
                    break;
                }
                Err(RecvTimeoutError::Timeout) if over => break,
                Err(RecvTimeoutError::Timeout) => {
                    if self.clock.is_real() && !self.shared.is_stopping() {
                        self.fill_silence()?;
                    }
                }
            }
            // Real sound is of the past already.
            let known = if self.clock.is_real() { Timestamp::MAX } else { self.clock.now() };
            if !self.take_until(known)? {
                return Ok(());
            }
            // With pictures, those tell that the limit is reached.
            if self.alone && self.heard.is_some_and(|(heard, ..)| lock(&self.shared.gate).is_full(heard)) {
                self.shared.stop_at(self.clock.now());
                break;
            }
        }
        self.take_until(Timestamp::MAX)?;
        self.encoder.finish(&mut self.ready)?;
        self.send();
        match self.subscription.failure() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Encodes what was held up to this time of the stream; false when nobody takes it.
    fn take_until(&mut self, time: Timestamp) -> Result<bool> {
        while let Some(sound) = self.held.front().cloned() {
            let begin = self.heard.map_or(sound.timestamp, |(heard, ..)| heard.max(sound.timestamp));
            let end = sound.end().min(time);
            if begin < end {
                self.encode(&sound, begin, end)?;
                self.heard = Some((end, sound.rate, sound.channels().len()));
            }
            if sound.end() > time {
                break;
            }
            self.held.pop_front();
        }
        Ok(self.send())
    }

    /// Encodes the parts of the sound between these times of the stream that belong to the recording.
    fn encode(&mut self, sound: &AudioBuffer, from: Timestamp, to: Timestamp) -> Result<()> {
        let parts = lock(&self.shared.gate).cut(from, to);
        for (begin, end, placed) in parts {
            let sample =
                |time: Timestamp| (samples_in(time - sound.timestamp, sound.rate) as usize).min(sound.samples());
            let mut part = sound.slice(sample(begin)..sample(end));
            if part.samples() > 0 {
                part.timestamp = placed;
                self.encoder.encode(&part, &mut self.ready)?;
            }
        }
        Ok(())
    }

    /// In real time, a source that brings nothing is silent.
    fn fill_silence(&mut self) -> Result<()> {
        let settled = self.clock.now() - SETTLED;
        let TrackSettings::Audio { rate, channels } = self.subscription.settings() else { return Ok(()) };
        let (heard, rate, channels) = self.heard.unwrap_or((self.began, rate, channels));
        if settled - heard < STILL || !self.held.is_empty() {
            return Ok(());
        }
        let samples = samples_in(settled - heard, rate) as usize;
        let silence = AudioBuffer::silence(rate, heard, channels, samples)?;
        self.encode(&silence, heard, silence.end())?;
        self.heard = Some((silence.end(), rate, channels));
        self.send();
        Ok(())
    }

    /// Whether there is sound up to the recording's end; in real time, or has not been any for too long.
    fn is_over(&self, stopping_since: Instant) -> bool {
        if !self.clock.is_real() || stopping_since.elapsed() > LATE_SOUND {
            return true;
        }
        let gate = lock(&self.shared.gate);
        let heard = self.heard.and_then(|(heard, ..)| gate.length_at(heard));
        heard.is_some_and(|heard| gate.end().is_some_and(|end| heard >= end))
    }

    fn send(&mut self) -> bool {
        let mailbox = &self.shared.mailbox;
        self.ready.drain(..).all(|packet| mailbox.send(Word::Packet(TrackKind::Audio, packet, None)))
    }
}
