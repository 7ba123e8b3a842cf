//! Puts decoded samples at the times of their timestamps: gaps are filled with silence, overlapping samples are left
//! out.

use std::collections::VecDeque;

use super::LONGEST_GAP;
use crate::audio::{AudioBuffer, samples_in, span_of};
use crate::error::{Error, Result};
use crate::time::{Span, Timestamp};

/// The greatest distance of samples from the end of those before at which they are joined without a gap: in many files
/// timestamps are rounded to milliseconds.
const TOLERANCE: Span = Span::from_millis(10);

/// Samples that wait to be given out. Silence is made only when it is taken, so that a gap uses no memory.
pub(super) struct SampleQueue {
    rate: u32,
    /// The time of the file at which the first sample is given out.
    begin: Timestamp,
    ready: Vec<VecDeque<f32>>,
    /// How many samples of silence come before the waiting ones.
    silence: u64,
    /// How many samples were placed: given out, waiting or silent.
    placed: u64,
    given: u64,
}

impl SampleQueue {
    /// A queue of sound that begins at this time of the file.
    pub(super) fn new(rate: u32, channels: usize, begin: Timestamp) -> Self {
        Self { rate, begin, ready: vec![VecDeque::new(); channels], silence: 0, placed: 0, given: 0 }
    }

    /// Appends interleaved samples for `time` of the file; all before them must have been taken.
    ///
    /// # Errors
    /// When they are more than a day after the samples before.
    pub(super) fn place(&mut self, samples: &[f32], time: Timestamp) -> Result<()> {
        debug_assert!(self.ready[0].is_empty() && self.silence == 0, "silence stands before what is ready");
        let late = (time - self.begin) - span_of(self.placed, self.rate);
        if late > LONGEST_GAP {
            return Err(Error::not_readable(format!("expected sound within {LONGEST_GAP} but found it {late} later")));
        }
        let joined = self.placed > 0 && late <= TOLERANCE && late >= Span::ZERO - TOLERANCE;
        let mut left_out = 0;
        if !joined && late > Span::ZERO {
            self.silence = samples_in(late, self.rate);
            self.placed += self.silence;
        } else if !joined {
            left_out = samples_in(Span::ZERO - late, self.rate) as usize * self.ready.len();
        }
        for sample in samples.get(left_out..).unwrap_or_default().chunks_exact(self.ready.len()) {
            self.ready.iter_mut().zip(sample).for_each(|(ready, &value)| ready.push_back(value));
            self.placed += 1;
        }
        Ok(())
    }

    /// The next samples, up to 20 ms; none when more must be appended first.
    pub(super) fn take(&mut self) -> Result<Option<AudioBuffer>> {
        let most = (self.rate / 50).max(1) as usize;
        let silent = self.silence.min(most as u64) as usize;
        self.silence -= silent as u64;
        let planes: Vec<Vec<f32>> = if silent > 0 {
            vec![vec![0.0; silent]; self.ready.len()]
        } else {
            let samples = self.ready[0].len().min(most);
            self.ready.iter_mut().map(|ready| ready.drain(..samples).collect()).collect()
        };
        if planes[0].is_empty() {
            return Ok(None);
        }
        let timestamp = Timestamp::ZERO + span_of(self.given, self.rate);
        self.given += planes[0].len() as u64;
        AudioBuffer::new(self.rate, timestamp, planes).map(Some)
    }
}
