//! Decides which part of a stream is recorded, and at which time of the recording it is shown. Pauses are left out
//! without a gap. Pure: decides by timestamps alone.

use crate::time::{Span, Timestamp};

/// Whether a frame or a sample is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Yes, at this time of the recording.
    At(Timestamp),
    /// No: it is before the recording's beginning.
    Before,
    /// No: the recording was paused.
    Paused,
    /// No: it is after the recording's end.
    After,
}

/// Maps times of the stream to times of the recording.
///
/// ```text
/// stream     ──────┬═════════┬─ ─ ─ ─┬══════════┬─────▶
///                origin    pause   resume      end
/// recording        ├═════════╪══════════┤
/// ```
#[derive(Debug, Default)]
pub struct Gate {
    /// The time of the stream at which the recording begins; none until the first frame sets it.
    origin: Option<Timestamp>,
    /// The beginning and the end of each pause, in the stream's time; the last one may have no end yet.
    pauses: Vec<(Timestamp, Option<Timestamp>)>,
    end: Option<Timestamp>,
    /// The greatest length of the recording.
    limit: Option<Span>,
}

impl Gate {
    /// A recording that begins at `origin`, or with the first frame where that is none, and is at most `limit` long.
    pub fn new(origin: Option<Timestamp>, limit: Option<Span>) -> Self {
        Self { origin, pauses: Vec::new(), end: None, limit }
    }

    /// The time of the stream at which the recording begins; none before its first frame.
    pub fn origin(&self) -> Option<Timestamp> {
        self.origin
    }

    /// Sets the greatest length of the recording.
    pub fn set_limit(&mut self, limit: Option<Span>) {
        self.limit = limit;
    }

    /// Pauses the recording from `now` on. Without effect while paused.
    pub fn pause(&mut self, now: Timestamp) {
        if !self.is_paused() {
            self.pauses.push((now, None));
        }
    }

    /// Resumes the recording from `now` on. Without effect while not paused.
    pub fn resume(&mut self, now: Timestamp) {
        if let Some((begin, end @ None)) = self.pauses.last_mut() {
            *end = Some(now.max(*begin));
        }
    }

    /// Ends the recording at `now`. Only the first call has an effect.
    pub fn stop(&mut self, now: Timestamp) {
        self.end.get_or_insert(now);
    }

    fn is_paused(&self) -> bool {
        matches!(self.pauses.last(), Some((_, None)))
    }

    /// Whether the recording was stopped at or before this time of the stream.
    pub fn is_past(&self, time: Timestamp) -> bool {
        self.end.is_some_and(|end| time >= end)
    }

    /// Whether a frame of this time of the stream is recorded, and at which time. The first recorded frame sets the
    /// origin if there is none yet.
    pub fn place(&mut self, time: Timestamp) -> Place {
        let place = self.place_of(time);
        if matches!(place, Place::At(_)) {
            self.origin.get_or_insert(time);
        }
        place
    }

    /// Whether a frame of this time of the stream is recorded.
    pub fn is_recorded(&self, time: Timestamp) -> bool {
        matches!(self.place_of(time), Place::At(_))
    }

    fn place_of(&self, time: Timestamp) -> Place {
        if self.is_past(time) {
            return Place::After;
        }
        if self.pauses.iter().any(|&(begin, end)| time >= begin && end.is_none_or(|end| time < end)) {
            return Place::Paused;
        }
        let origin = self.origin.unwrap_or(time);
        if time < origin {
            return Place::Before;
        }
        let placed = self.recorded(origin, time);
        if self.limit.is_some_and(|limit| placed - Timestamp::ZERO >= limit) {
            return Place::After;
        }
        Place::At(placed)
    }

    /// Whether the recording has reached its limit at this time of the stream.
    pub fn is_full(&self, time: Timestamp) -> bool {
        let length = self.length_at(time).map(|length| length - Timestamp::ZERO);
        self.limit.is_some_and(|limit| length.is_some_and(|length| length >= limit))
    }

    /// How long the recording is at this time of the stream; none while it has not begun.
    pub fn length_at(&self, time: Timestamp) -> Option<Timestamp> {
        let origin = self.origin?;
        let time = self.end.map_or(time, |end| time.min(end));
        let length = self.recorded(origin, time).max(Timestamp::ZERO);
        Some(self.limit.map_or(length, |limit| length.min(Timestamp::ZERO + limit)))
    }

    /// The time of the recording at which it ends, once it was stopped.
    pub fn end(&self) -> Option<Timestamp> {
        self.end.and_then(|end| self.length_at(end))
    }

    /// The parts of `[from, to)` that are recorded, in order: each one's begin and end in the stream's time, and the
    /// recording's time at its beginning.
    pub fn cut(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp, Timestamp)> {
        let Some(origin) = self.origin else { return Vec::new() };
        let mut parts = Vec::new();
        let mut begin = from.max(origin);
        let last = self.end.map_or(to, |end| to.min(end));
        let pauses = self.pauses.iter().map(|&(begin, end)| (begin, end.unwrap_or(Timestamp::MAX)));
        for (pause, resume) in pauses.chain([(Timestamp::MAX, Timestamp::MAX)]) {
            let mut end = last.min(pause);
            if begin < end {
                let placed = self.recorded(origin, begin);
                if let Some(limit) = self.limit {
                    end = end.min(begin + (Timestamp::ZERO + limit - placed));
                }
                if begin < end {
                    parts.push((begin, end, placed));
                }
            }
            begin = begin.max(resume);
        }
        parts
    }

    /// The time of the recording at `time` of the stream: counted from the origin, without pauses.
    fn recorded(&self, origin: Timestamp, time: Timestamp) -> Timestamp {
        let mut paused = Span::ZERO;
        for &(begin, end) in &self.pauses {
            let (begin, end) = (begin.max(origin), end.unwrap_or(time).min(time));
            if end > begin {
                paused += end - begin;
            }
        }
        Timestamp::ZERO + ((time - origin) - paused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::ZERO + Span::from_millis(millis)
    }

    fn paused(origin: Option<i64>, pauses: &[(i64, i64)]) -> Gate {
        let mut gate = Gate::new(origin.map(at), None);
        for &(begin, end) in pauses {
            gate.pause(at(begin));
            gate.resume(at(end));
        }
        gate
    }

    #[test]
    fn pauses_close_up() {
        let mut gate = paused(Some(100), &[(200, 300), (400, 1000)]);
        for (time, place) in [
            (99, Place::Before),
            (100, Place::At(at(0))),
            (199, Place::At(at(99))),
            (200, Place::Paused),
            (299, Place::Paused),
            (300, Place::At(at(100))),
            (999, Place::Paused),
            (1000, Place::At(at(200))),
        ] {
            assert_eq!(gate.place(at(time)), place, "{time}");
        }
        gate.stop(at(1100));
        assert_eq!(gate.place(at(1100)), Place::After);
        assert_eq!(gate.end(), Some(at(300)));
    }

    #[test]
    fn the_first_picture_begins_a_recording_and_a_pause_before_it_counts_for_nothing() {
        let mut gate = paused(None, &[(10, 20)]);
        assert_eq!(gate.place(at(15)), Place::Paused);
        assert_eq!(gate.place(at(30)), Place::At(at(0)));
        assert_eq!(gate.place(at(40)), Place::At(at(10)));
        assert_eq!(gate.place(at(25)), Place::Before);
    }

    #[test]
    fn sound_is_cut_where_pictures_are() {
        let mut gate = paused(Some(100), &[(200, 300), (400, 1000)]);
        let parts = |gate: &Gate, from, to| {
            let millis = |time: Timestamp| time.as_nanos() / 1_000_000;
            let parts = gate.cut(at(from), at(to)).into_iter();
            parts.map(|(from, to, placed)| (millis(from), millis(to), millis(placed))).collect::<Vec<_>>()
        };
        assert_eq!(parts(&gate, 0, 2000), [(100, 200, 0), (300, 400, 100), (1000, 2000, 200)]);
        assert_eq!(parts(&gate, 150, 160), [(150, 160, 50)]);
        assert_eq!(parts(&gate, 220, 290), []);
        gate.pause(at(1100));
        assert_eq!(parts(&gate, 350, 2000), [(350, 400, 150), (1000, 1100, 200)]);
        gate.stop(at(1050));
        assert_eq!(parts(&gate, 350, 2000), [(350, 400, 150), (1000, 1050, 200)]);
    }

    #[test]
    fn a_limit_is_of_the_recording_not_of_the_stream() {
        let mut gate = Gate::new(Some(at(0)), Some(Span::from_millis(150)));
        gate.pause(at(100));
        gate.resume(at(200));
        assert_eq!(gate.place(at(249)), Place::At(at(149)));
        assert_eq!(gate.place(at(250)), Place::After);
        assert_eq!(gate.cut(at(0), at(999)).last().map(|part| part.1), Some(at(250)));
    }
}
