//! Feeds the sound of a recording: up to the time of the video, in real time, or without video.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use super::record::{IsOver, POLL_INTERVAL, read_ahead};
use super::schedule::Schedule;
use crate::audio::{AudioBuffer, samples_in};
use crate::clock::Clock;
use crate::error::Result;
use crate::source::audio::AudioSource;
use crate::stream::{MediaStream, TrackGenerator};
use crate::time::{Span, Timestamp};

/// How many buffers of sound are read ahead; most often of 20 ms each.
const SOUND_AHEAD: usize = 50;
/// In real time, how often sound is fed.
const GIVE_INTERVAL: Duration = Duration::from_millis(10);
/// How long sound from before the end may still come from a live source.
const LATE_SOUND: Span = Span::from_millis(300);

/// Feeds the sound of a source to an audio track, which ends when the feed is dropped.
pub(super) struct SoundFeed {
    buffers: Receiver<Result<AudioBuffer>>,
    track: TrackGenerator,
    clock: Clock,
    schedule: Arc<Schedule>,
    /// The part of the last buffer that was not fed yet.
    rest: Option<AudioBuffer>,
}

/// How much of the requested sound was fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// All sound up to the requested time.
    UpToTime,
    /// All sound of the source, which has ended.
    AllThereIs,
    /// Not all: the recording ended before.
    NotAll,
}

impl Given {
    pub fn is_all_there_is(self) -> bool {
        self == Self::AllThereIs
    }
}

impl SoundFeed {
    /// Begins to read `source` and adds its track to `stream`; `schedule` is that of the video, if there is one.
    pub fn begin(
        mut source: Box<dyn AudioSource>,
        clock: &Clock,
        schedule: Option<Arc<Schedule>>,
        stream: &MediaStream,
    ) -> Result<Self> {
        let info = source.info();
        let track = TrackGenerator::audio(info.rate, info.channels, clock);
        stream.add_track(track.track());
        let schedule = schedule.unwrap_or_else(|| {
            let alone = Schedule::default();
            alone.begin(clock.now());
            Arc::new(alone)
        });
        let (to, buffers) = sync_channel(SOUND_AHEAD);
        let mut beginning = source.is_live().then(|| (schedule.clone(), clock.clone()));
        let next = move || {
            if let Some((schedule, clock)) = beginning.take() {
                let Some(began) = schedule.wait_for_beginning(Duration::MAX) else { return Ok(None) };
                source.begin_at(began, &clock);
            }
            source.next_buffer()
        };
        read_ahead("sound source", next, to)?;
        Ok(Self { buffers, track, clock: clock.clone(), schedule, rest: None })
    }

    /// Feeds all sound. In real time, feeds it at its time, until the video ends or the recording is over; otherwise as
    /// fast as possible.
    pub fn run(mut self, is_over: &IsOver) -> Result<()> {
        if !self.clock.is_real() {
            return self.give_until(Timestamp::MAX, is_over).map(drop);
        }
        let began = loop {
            match self.schedule.wait_for_beginning(POLL_INTERVAL) {
                Some(began) => break began,
                None if is_over() || self.schedule.ended().is_some() => return Ok(()),
                None => {}
            }
        };
        let mut given = Timestamp::ZERO;
        loop {
            let now = self.clock.now();
            if is_over() {
                self.schedule.end(now);
            }
            let end = self.schedule.ended();
            let until = end.map_or(now, |end| now.min(end));
            match self.give_real(until - (began - Timestamp::ZERO), began - Timestamp::ZERO)? {
                Some(reached) => given = given.max(reached),
                None => return Ok(()),
            }
            if end.is_some_and(|end| given >= end || now - end > LATE_SOUND) {
                return Ok(());
            }
            thread::sleep(GIVE_INTERVAL);
        }
    }

    /// Feeds the sound before `time`, unless the recording is over.
    pub fn give_until(&mut self, time: Timestamp, is_over: &IsOver) -> Result<Given> {
        while !is_over() {
            let sound = match self.rest.take() {
                Some(sound) => sound,
                None => match self.buffers.recv_timeout(POLL_INTERVAL) {
                    Ok(sound) => sound?,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => return Ok(Given::AllThereIs),
                },
            };
            if self.give(sound, time, Span::ZERO) {
                return Ok(Given::UpToTime);
            }
        }
        Ok(Given::NotAll)
    }

    /// In real time, feeds the available sound before `time`, with `shift` added to its timestamps. Returns the end of
    /// the sound fed; none when the source has ended.
    fn give_real(&mut self, time: Timestamp, shift: Span) -> Result<Option<Timestamp>> {
        let mut reached = Timestamp::ZERO;
        loop {
            let sound = match self.rest.take() {
                Some(sound) => sound,
                None => match self.buffers.recv_timeout(Duration::ZERO) {
                    Ok(sound) => sound?,
                    Err(RecvTimeoutError::Timeout) => return Ok(Some(reached)),
                    Err(RecvTimeoutError::Disconnected) => return Ok(None),
                },
            };
            reached = sound.end().min(time) + shift;
            if self.give(sound, time, shift) {
                return Ok(Some(reached));
            }
        }
    }

    /// Feeds the part of `sound` before `time`, with `shift` added to its timestamp; returns whether a rest remains.
    fn give(&mut self, sound: AudioBuffer, time: Timestamp, shift: Span) -> bool {
        let samples = (samples_in(time - sound.timestamp, sound.rate()) as usize).min(sound.samples());
        let mut now = sound.slice(0..samples);
        if samples > 0 {
            now.timestamp = now.timestamp + shift;
            // An error means that the track has ended.
            let _ = self.track.write_audio(now);
        }
        let rest = samples < sound.samples();
        if rest {
            self.rest = Some(sound.slice(samples..sound.samples()));
        }
        rest
    }
}
