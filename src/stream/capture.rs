//! Decides when a stream captures its canvas (Media Capture from DOM Elements §4): painted AND new AND requested. Pure:
//! decides from times alone.

use std::str::FromStr;

use super::receipt::{DropReason, Promise};
use crate::error::{Error, Result};
use crate::time::{Span, Timestamp};

/// Whether a canvas is captured: it was painted, its content is new since the last capture, and a frame was `requested`
/// or is `due` by the rate.
pub fn captures(painted: bool, new: bool, requested: bool, due: bool) -> bool {
    painted && new && (requested || due)
}

/// How often a stream captures its canvas (`captureStream(frameRequestRate)`).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum CaptureRate {
    /// At every paint that shows something new: the rate is absent.
    #[default]
    EveryPaint,
    /// When a frame is requested, and once when the stream is made: the rate is 0.
    OnRequest,
    /// At most this number of frames per second; above 0 and finite.
    Every(f64),
}

impl CaptureRate {
    /// Frames per second, where that is known, as in the Web's `getSettings().frameRate`.
    pub(super) fn frames_per_second(self) -> Option<f64> {
        match self {
            Self::EveryPaint => None,
            Self::OnRequest => Some(0.0),
            Self::Every(rate) => Some(rate),
        }
    }

    /// The rate for the Web's argument: none, 0, or frames per second.
    ///
    /// # Errors
    /// `NotSupportedError` for a negative, infinite or NaN rate.
    pub fn new(rate: Option<f64>) -> Result<Self> {
        match rate {
            None => Ok(Self::EveryPaint),
            Some(0.0) => Ok(Self::OnRequest),
            Some(rate) if rate > 0.0 && rate.is_finite() => Ok(Self::Every(rate)),
            Some(rate) => Err(Error::not_supported(format!(
                "expected a frame rate of 0 (only when requested) or more but found {rate}"
            ))),
        }
    }
}

/// `30`, `0`.
impl FromStr for CaptureRate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let rate = text.parse();
        Self::new(Some(rate.map_err(|_| Error::syntax(format!("expected a frame rate but found `{text}`")))?))
    }
}

/// A paint that is to be captured.
#[derive(Debug)]
pub(super) struct DuePaint {
    /// The timestamp of the captured frame.
    pub timestamp: Timestamp,
    /// The promise of its receipt, if one was requested.
    pub promise: Option<Promise>,
}

/// The capture rule of one stream.
#[derive(Debug)]
pub(super) struct CaptureRule {
    rate: CaptureRate,
    requested: bool,
    /// The time and the promise of `request_at`.
    stamp: Option<(Timestamp, Promise)>,
    /// The number of the content that was captured last.
    seen: u64,
    /// The time of the first captured frame, and the rate's interval of the last one.
    slots: Option<(Timestamp, u64)>,
}

impl CaptureRule {
    /// A frame may be early by this part of an interval: the times of paints jitter, and a paint that is slightly early
    /// must still be captured.
    const SLACK: f64 = 0.125;

    /// A rule before the first capture. The first frame counts as requested.
    pub fn new(rate: CaptureRate) -> Self {
        Self { rate, requested: true, stamp: None, seen: 0, slots: None }
    }

    /// Requests a frame from the next paint that shows something new.
    pub fn request(&mut self) {
        self.requested = true;
    }

    /// Requests a frame with this timestamp from the next paint that shows something new. Replaces an earlier request
    /// with a timestamp.
    pub fn request_at(&mut self, timestamp: Timestamp, promise: Promise) {
        self.requested = true;
        if let Some((_, earlier)) = self.stamp.replace((timestamp, promise)) {
            earlier.dropped(DropReason::Superseded);
        }
    }

    /// Cancels the request with a timestamp, for this reason.
    pub fn give_up(&mut self, reason: DropReason) {
        if let Some((_, promise)) = self.stamp.take() {
            promise.dropped(reason);
        }
    }

    /// The canvas was painted at `now`, showing content number `content` (from 1 on; 0 is an empty canvas).
    pub fn paint(&mut self, now: Timestamp, content: u64) -> Option<DuePaint> {
        let timestamp = self.stamp.as_ref().map_or(now, |&(timestamp, _)| timestamp);
        let slot = self.slot(timestamp);
        let due = match self.rate {
            CaptureRate::EveryPaint => true,
            CaptureRate::OnRequest => false,
            CaptureRate::Every(_) => self.slots.is_none_or(|(_, last)| slot > last),
        };
        if !captures(true, content > self.seen, self.requested, due) {
            return None;
        }
        self.requested = false;
        self.seen = content;
        let first = self.slots.map_or(timestamp, |(first, _)| first);
        self.slots = Some((first, slot));
        Some(DuePaint { timestamp, promise: self.stamp.take().map(|(_, promise)| promise) })
    }

    /// The number of the rate's interval that contains `time`, counted from the first capture.
    fn slot(&self, time: Timestamp) -> u64 {
        match (self.rate, self.slots) {
            (CaptureRate::Every(rate), Some((first, _))) => {
                let since: Span = time - first;
                (since.as_secs_f64() * rate + Self::SLACK).max(0.0) as u64
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_captured_only_when_painted_and_new_and_wanted() {
        for bits in 0..16 {
            let [painted, new, requested, due] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            let expected = matches!((painted, new, requested, due), (true, true, true, _) | (true, true, _, true));
            assert_eq!(captures(painted, new, requested, due), expected);
        }
    }

    /// Which of these paints, at so many a second, each with new content, are captured.
    fn captured(rate: CaptureRate, paints: u64, rate_of_paints: u64) -> Vec<u64> {
        let mut rule = CaptureRule::new(rate);
        let at = |paint: u64| Timestamp::from_nanos((paint * 1_000_000_000 / rate_of_paints) as i64);
        (0..paints).filter(|&paint| rule.paint(at(paint), paint + 1).is_some()).collect()
    }

    #[test]
    fn rates_are_kept_on_average() {
        assert_eq!(captured(CaptureRate::EveryPaint, 4, 60), [0, 1, 2, 3]);
        assert_eq!(captured(CaptureRate::OnRequest, 4, 60), [0]);
        assert_eq!(captured(CaptureRate::Every(30.0), 7, 60), [0, 2, 4, 6]);
        assert_eq!(captured(CaptureRate::Every(65438.0), 4, 60), [0, 1, 2, 3]);
        assert_eq!(captured(CaptureRate::Every(25.0), 600, 60).len(), 250);
        assert_eq!(captured(CaptureRate::Every(60.0), 600, 61).len(), 590);
    }

    #[test]
    fn jitter_costs_no_frame() {
        let mut rule = CaptureRule::new(CaptureRate::Every(30.0));
        let millis = [0, 33, 67, 99, 134, 166, 199, 234];
        let frames = millis
            .iter()
            .zip(1..)
            .filter_map(|(&at, content)| rule.paint(Timestamp::ZERO + Span::from_millis(at), content));
        assert_eq!(frames.count(), millis.len());
    }

    #[test]
    fn a_rate_that_is_no_rate_is_not_supported() {
        for rate in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = CaptureRate::new(Some(rate)).unwrap_err();
            assert_eq!(error.kind().name(), "NotSupportedError");
        }
        assert_eq!(CaptureRate::new(Some(65438.0)).unwrap(), CaptureRate::Every(65438.0));
        assert_eq!(CaptureRate::new(Some(0.0)).unwrap(), CaptureRate::OnRequest);
        assert_eq!(CaptureRate::new(None).unwrap(), CaptureRate::EveryPaint);
    }
}
