//! A tee: gives one sound to two readers. The first one to ask for a buffer reads the source, and queues it for the
//! other.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::audio::{AudioInfo, AudioSource};
use crate::audio::{AudioBuffer, samples_in};
use crate::clock::Clock;
use crate::error::Result;
use crate::time::{Span, Timestamp};

/// One of two readers of a sound. When the other one is dropped, nothing is queued for it any more.
pub struct Tee {
    info: AudioInfo,
    live: bool,
    side: usize,
    shared: Arc<Mutex<Shared>>,
    /// This reader's timestamp 0, on the sound's own time line.
    origin: Span,
}

struct Shared {
    source: Box<dyn AudioSource>,
    /// The buffers queued for each reader; none for one that was dropped.
    waiting: [Option<VecDeque<AudioBuffer>>; 2],
    ended: bool,
    /// The timestamp 0 of a live sound, and its clock.
    began: Option<(Timestamp, Clock)>,
}

impl Tee {
    /// Makes both readers of `source`.
    pub fn split(source: Box<dyn AudioSource>) -> [Self; 2] {
        let (info, live) = (source.info().clone(), source.is_live());
        let waiting = [Some(VecDeque::new()), Some(VecDeque::new())];
        let shared = Arc::new(Mutex::new(Shared { source, waiting, ended: false, began: None }));
        [0, 1].map(|side| Self { info: info.clone(), live, side, shared: shared.clone(), origin: Span::ZERO })
    }

    /// The length of the sound that is queued for this reader.
    pub fn backlog(&self) -> Span {
        let shared = self.lock();
        let waiting = shared.waiting[self.side].as_ref();
        waiting.and_then(|waiting| Some(waiting.back()?.end() - waiting.front()?.timestamp)).unwrap_or(Span::ZERO)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock()
    }
}

impl Shared {
    fn take(&mut self, side: usize) -> Result<Option<AudioBuffer>> {
        if let Some(buffer) = self.waiting[side].as_mut().and_then(VecDeque::pop_front) {
            return Ok(Some(buffer));
        }
        if self.ended {
            return Ok(None);
        }
        // The source is not called again after an error or the end; the other reader gets the end.
        let next = self.source.next_buffer();
        self.ended = !matches!(next, Ok(Some(_)));
        let next = next?;
        if let (Some(buffer), Some(waiting)) = (&next, &mut self.waiting[1 - side]) {
            waiting.push_back(buffer.clone());
        }
        Ok(next)
    }
}

impl AudioSource for Tee {
    fn info(&self) -> &AudioInfo {
        &self.info
    }

    fn is_live(&self) -> bool {
        self.live
    }

    /// The first reader to begin decides where a live sound begins; the other one leaves out sound before its own
    /// begin.
    fn begin_at(&mut self, time: Timestamp, clock: &Clock) {
        let mut shared = self.shared.lock();
        match &shared.began {
            None => {
                shared.source.begin_at(time, clock);
                shared.began = Some((time, clock.clone()));
            }
            Some((began, own)) => {
                let shift = clock.shift_to(own).unwrap_or(Span::ZERO);
                self.origin = time + shift - *began;
            }
        }
    }

    fn next_buffer(&mut self) -> Result<Option<AudioBuffer>> {
        loop {
            let Some(mut buffer) = self.lock().take(self.side)? else { return Ok(None) };
            buffer.timestamp = buffer.timestamp - self.origin;
            let before = samples_in(Timestamp::ZERO - buffer.timestamp, buffer.rate()) as usize;
            if before == 0 {
                return Ok(Some(buffer));
            }
            if before < buffer.samples() {
                return Ok(Some(buffer.slice(before..buffer.samples())));
            }
        }
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        self.lock().waiting[self.side] = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tone::ToneSource;

    fn times(tee: &mut Tee, buffers: usize) -> Vec<i64> {
        let next = |_| tee.next_buffer().unwrap().unwrap().timestamp.as_nanos() / 1_000_000;
        (0..buffers).map(next).collect()
    }

    #[test]
    fn both_hear_all_of_it_whoever_comes_first() {
        let [mut a, mut b] = Tee::split(Box::new(ToneSource::new(None)));
        assert_eq!(times(&mut a, 2), [0, 20]);
        assert_eq!(b.backlog(), Span::from_millis(40));
        assert_eq!(times(&mut b, 3), [0, 20, 40]);
        assert_eq!(times(&mut a, 2), [40, 60]);
    }

    #[test]
    fn nothing_is_kept_for_who_is_gone() {
        let [mut a, b] = Tee::split(Box::new(ToneSource::new(None)));
        times(&mut a, 2);
        drop(b);
        times(&mut a, 2);
        assert!(a.lock().waiting[1].is_none());
    }

    #[test]
    fn who_begins_later_hears_nothing_from_before() {
        let [mut a, mut b] = Tee::split(Box::new(ToneSource::new(None)));
        let clock = Clock::real();
        let at = |millis| Timestamp::ZERO + Span::from_millis(millis);
        a.begin_at(at(100), &clock);
        times(&mut a, 5);
        b.begin_at(at(150), &clock);
        // It begins in the middle of a buffer.
        assert_eq!(times(&mut b, 3), [0, 10, 30]);
    }
}
