//! Visualizations of sound: a source of frames that are drawn from a sound, which itself is unchanged.
//!
//! ```text
//!             ┌─▶ sound, as it is
//! sound ─ tee ┤
//!             └─▶ values: levels, waves ─Frame─▶ GPU: shaders/visualize/ draws them ─▶ filters
//! ```
//!
//! A frame holds values in place of pixels, a few kilobytes; the chain of [`Source::drawn_by`] draws it. A frame shows
//! the sound up to the end of the time for which the frame is shown.

use std::collections::VecDeque;
use std::sync::Arc;

use super::audio::AudioSource;
use super::pattern::{DEFAULT_RATE, DEFAULT_SIZE};
use super::spectrum::{Analyser, FFT_SIZE, levels};
use super::tee::Tee;
use super::{Source, SourceInfo, SourceLosses, SourceOptions, checked_size};
use crate::audio::{samples_in, span_of};
use crate::clock::Clock;
use crate::color::ColorSpace;
use crate::encode::mixer::mixed_unclipped;
use crate::error::Result;
use crate::filter::{FilterChain, Visualization};
use crate::frame::{Frame, PixelFormat, Size};
use crate::time::{FrameRate, Span, Timestamp};

/// How often the spectrum is analysed: as often as a browser draws.
const ANALYSIS_RATE: FrameRate = FrameRate::whole(60);
/// The weight of the analysis before: the default of an AnalyserNode.
const SMOOTHING: f32 = 0.8;
/// How many bars there are.
const BARS: usize = 64;
/// How many bands a spectrogram has, and how many analyses it shows.
const BANDS: usize = 256;
const COLUMNS: usize = 512;
/// The length of the wave that is shown.
const WAVE: Span = Span::from_millis(50);
/// The most columns of a wave; a wider frame has wider columns, and a thicker line.
const MOST_COLUMNS: usize = 1280;
/// The largest value of 12 bits.
const MAX_12_BITS: f32 = 4095.0;
/// How far the frames of a live sound may be behind it before some are left out.
const LATEST: Span = Span::from_secs(1);

/// A sound and its frames, by default 1280×720 and 30 a second.
pub struct VisualizationSource {
    info: SourceInfo,
    rate: FrameRate,
    history: SampleHistory,
    /// The tee's other reader, until it is taken.
    sound: Option<Tee>,
    plot: Plot,
    next: u64,
    live: Option<Live>,
}

debug_fields!(VisualizationSource { info });

/// The state of a live sound.
struct Live {
    clock: Clock,
    began: Option<Timestamp>,
    losses: Arc<SourceLosses>,
}

impl VisualizationSource {
    /// Visualizes this sound. The frames have the size and the rate of `options`; its other fields are for the sound.
    ///
    /// # Errors
    /// For a size that cannot be recorded.
    pub fn new(sound: Box<dyn AudioSource>, kind: Visualization, options: &SourceOptions) -> Result<Self> {
        let size = options.size.unwrap_or(DEFAULT_SIZE);
        let size = checked_size(size.width.into(), size.height.into())?;
        let rate = options.rate.unwrap_or(DEFAULT_RATE);
        let heard = sound.info();
        // The last frame may be shown beyond the end of the sound.
        let frames = heard.length.map(|length| rate.frames_in(length));
        let info = SourceInfo { kind: "visualization", size, rate: Some(rate), frames, endless: heard.endless };
        let live = sound.is_live().then(|| Live { clock: Clock::real(), began: None, losses: Arc::default() });
        let plot = Plot::new(kind, heard.rate, size);
        let [sound, pictures] = Tee::split(sound);
        Ok(Self { info, rate, history: SampleHistory::new(pictures), sound: Some(sound), plot, next: 0, live })
    }

    /// Starts a live sound at the current time.
    fn begin(&mut self) {
        if let Some(live) = &mut self.live
            && live.began.is_none()
        {
            let now = live.clock.now();
            live.began = Some(now);
            self.history.sound.begin_at(now, &live.clock);
        }
    }

    /// Whether to leave out the next frame because the sound is too far ahead.
    fn is_late(&self) -> bool {
        self.live.is_some() && self.history.sound.backlog() > LATEST
    }
}

impl Source for VisualizationSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn drawn_by(&self) -> FilterChain {
        FilterChain::visualization(self.plot.kind)
    }

    fn sound(&mut self) -> Result<Option<Box<dyn AudioSource>>> {
        Ok(self.sound.take().map(|sound| Box::new(sound) as Box<dyn AudioSource>))
    }

    fn live_clock(&self) -> Option<&Clock> {
        self.live.as_ref().map(|live| &live.clock)
    }

    fn losses(&self) -> Option<Arc<SourceLosses>> {
        self.live.as_ref().map(|live| live.losses.clone())
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        // If the sound was not taken, nothing is queued for it.
        self.sound = None;
        self.begin();
        loop {
            let [begin, end] = [self.next, self.next + 1].map(|index| self.rate.timestamp(index));
            self.history.read_until(end)?;
            if self.history.has_ended_by(begin) {
                return Ok(None);
            }
            self.plot.follow(&self.history, end);
            self.next += 1;
            match &self.live {
                Some(live) if self.is_late() => live.losses.add_missed(1),
                _ => {
                    let began = self.live.as_ref().and_then(|live| live.began).unwrap_or(Timestamp::ZERO);
                    let frame = self.plot.frame(&self.history, end);
                    return Ok(Some(frame.with_timestamp(began + (begin - Timestamp::ZERO))));
                }
            }
        }
    }
}

/// The last part of a sound, as one channel.
struct SampleHistory {
    sound: Tee,
    rate: u32,
    samples: VecDeque<f32>,
    /// How many samples were read in all; the last of them are kept.
    heard: u64,
    ended: bool,
}

impl SampleHistory {
    fn new(sound: Tee) -> Self {
        let rate = sound.info().rate;
        Self { sound, rate, samples: VecDeque::new(), heard: 0, ended: false }
    }

    /// Reads all samples before `time`, up to the end.
    fn read_until(&mut self, time: Timestamp) -> Result<()> {
        let kept = FFT_SIZE.max(samples_in(WAVE, self.rate) as usize);
        // Analyses since the last frame reach further back than the frame does.
        let behind = samples_in(time - Timestamp::ZERO, self.rate).saturating_sub(self.heard) as usize;
        self.samples.drain(..self.samples.len().saturating_sub(kept + behind));
        while !self.ended && self.heard < samples_in(time - Timestamp::ZERO, self.rate) {
            match self.sound.next_buffer()? {
                Some(buffer) => {
                    self.heard += buffer.samples() as u64;
                    self.samples.extend(mixed_unclipped(&buffer, 0..buffer.samples(), 1).into_iter().flatten());
                }
                None => self.ended = true,
            }
        }
        Ok(())
    }

    fn has_ended_by(&self, time: Timestamp) -> bool {
        self.ended && Timestamp::ZERO + span_of(self.heard, self.rate) <= time
    }

    /// The `count` samples before sample `end` of the sound; silence where there are none.
    fn before(&self, end: u64, count: usize) -> Vec<f32> {
        let first = self.heard - self.samples.len() as u64;
        let sample = |at: u64| {
            let kept = at.checked_sub(first).and_then(|at| self.samples.get(at as usize));
            kept.copied().unwrap_or(0.0)
        };
        let count = count as u64;
        (0..count).map(|at| (end + at).checked_sub(count).map_or(0.0, sample)).collect()
    }
}

/// The values that a frame is drawn from.
struct Plot {
    kind: Visualization,
    rate: u32,
    /// The columns of a wave.
    columns: usize,
    analyser: Analyser,
    looks: u64,
    /// The levels of the last analyses, the latest one last.
    levels: VecDeque<Vec<f32>>,
}

impl Plot {
    fn new(kind: Visualization, rate: u32, size: Size) -> Self {
        let smoothing = if kind == Visualization::Bars { SMOOTHING } else { 0.0 };
        let columns = (size.width as usize).min(MOST_COLUMNS);
        Self { kind, rate, columns, analyser: Analyser::new(smoothing), looks: 0, levels: VecDeque::new() }
    }

    /// How many bands are analysed, and how many analyses are kept.
    fn bands(&self) -> (usize, usize) {
        match self.kind {
            Visualization::Wave => (0, 0),
            Visualization::Bars => (BARS, 1),
            Visualization::Spectrogram => (BANDS, COLUMNS),
        }
    }

    /// Analyses the sound before `time`.
    fn follow(&mut self, history: &SampleHistory, time: Timestamp) {
        let (bands, kept) = self.bands();
        while kept > 0 && ANALYSIS_RATE.timestamp(self.looks + 1) <= time {
            self.looks += 1;
            let end = samples_in(ANALYSIS_RATE.timestamp(self.looks) - Timestamp::ZERO, self.rate);
            let magnitudes = self.analyser.look(&history.before(end, FFT_SIZE));
            self.levels.push_back(levels(magnitudes, self.rate, bands));
            if self.levels.len() > kept {
                self.levels.pop_front();
            }
        }
    }

    /// The values at `time`.
    fn frame(&self, history: &SampleHistory, time: Timestamp) -> Frame {
        let (size, data) = match self.kind {
            Visualization::Wave => {
                let count = samples_in(WAVE, self.rate) as usize;
                // One more sample, where the line begins.
                let samples = history.before(samples_in(time - Timestamp::ZERO, self.rate), count + 1);
                (Size::new(self.columns as u32, 1), wave_texels(&samples, self.columns))
            }
            Visualization::Bars => (Size::new(BARS as u32, 1), bar_texels(self.levels.back())),
            Visualization::Spectrogram => (Size::new(COLUMNS as u32, BANDS as u32), spectrogram_texels(&self.levels)),
        };
        Frame::packed(PixelFormat::Rgb8, size, ColorSpace::RECORDED, data)
    }
}

/// For each column the lowest and the highest value of the line through the samples within it, 12 bits each from -1 to
/// 1: red and the upper half of green, the lower half of green and blue.
fn wave_texels(samples: &[f32], columns: usize) -> Vec<u8> {
    let intervals = samples.len() - 1;
    let bits = |value: f32| ((value.clamp(-1.0, 1.0) + 1.0) / 2.0 * MAX_12_BITS).round() as u16;
    let texel = |column: usize| {
        let [from, to] = [column, column + 1].map(|edge| edge as f64 * intervals as f64 / columns as f64);
        let within = samples.get(from.ceil() as usize..=to.floor() as usize).unwrap_or_default();
        let ends = [from, to].map(|at| on_line(samples, at));
        let values = within.iter().copied().chain(ends);
        let (low, high) = values.fold((1.0_f32, -1.0_f32), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = (bits(low), bits(high));
        [(low >> 4) as u8, ((low & 15) << 4 | high >> 8) as u8, (high & 255) as u8]
    };
    (0..columns).flat_map(texel).collect()
}

/// The line through the samples between two of them.
fn on_line(samples: &[f32], at: f64) -> f32 {
    let (before, part) = (at.floor() as usize, at.fract() as f32);
    let after = (before + 1).min(samples.len() - 1);
    samples[before] + (samples[after] - samples[before]) * part
}

/// 16 bits for each level, in red and green.
fn bar_texels(levels: Option<&Vec<f32>>) -> Vec<u8> {
    let level = |bar: usize| levels.map_or(0.0, |levels| levels[bar]);
    let texel = |bar: usize| {
        let [high, low] = ((level(bar) * f32::from(u16::MAX)).round() as u16).to_be_bytes();
        [high, low, 0]
    };
    (0..BARS).flat_map(texel).collect()
}

/// Each level's 8 bits in red: a row for each band, the highest first, a column for each analysis, the latest last.
fn spectrogram_texels(looks: &VecDeque<Vec<f32>>) -> Vec<u8> {
    let mut data = vec![0; COLUMNS * BANDS * 3];
    let empty = COLUMNS - looks.len();
    for (column, levels) in looks.iter().enumerate() {
        for (row, level) in levels.iter().rev().enumerate() {
            data[(row * COLUMNS + empty + column) * 3] = (level * 255.0).round() as u8;
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tone::ToneSource;

    /// What a texel of a wave holds, from -1 to 1.
    fn range(texel: &[u8]) -> [f32; 2] {
        let [r, g, b] = [texel[0], texel[1], texel[2]].map(u16::from);
        [r << 4 | g >> 4, (g & 15) << 8 | b].map(|bits| f32::from(bits) / MAX_12_BITS * 2.0 - 1.0)
    }

    #[test]
    fn a_wave_is_a_line_without_gaps_however_many_samples_a_column_has() {
        for (samples, columns) in [(2401, 1280), (401, 1280), (9601, 64), (2401, 2400), (2, 16)] {
            let sound: Vec<f32> = (0..samples).map(|at| (at as f32 * 0.05).sin() * 0.8).collect();
            let texels = wave_texels(&sound, columns);
            let ranges: Vec<_> = texels.chunks(3).map(range).collect();
            assert_eq!(ranges.len(), columns);
            for pair in ranges.windows(2) {
                let apart = pair[0][0].max(pair[1][0]) - pair[0][1].min(pair[1][1]);
                assert!(apart < 0.001, "{samples} samples on {columns} columns: {pair:?}");
            }
            let (least, most) =
                ranges.iter().fold((1.0_f32, -1.0_f32), |(low, high), r| (low.min(r[0]), high.max(r[1])));
            let heard = sound.iter().fold((1.0_f32, -1.0_f32), |(low, high), &s| (low.min(s), high.max(s)));
            assert!((least - heard.0).abs() < 0.001 && (most - heard.1).abs() < 0.001);
        }
    }

    #[test]
    fn pictures_and_sound_are_equally_long_and_the_sound_is_unchanged() {
        let options = SourceOptions { rate: Some(FrameRate::whole(25)), ..SourceOptions::default() };
        let tone = Box::new(ToneSource::new(None));
        let mut source = VisualizationSource::new(tone, Visualization::Bars, &options).unwrap();
        let mut sound = source.sound().unwrap().unwrap();
        let mut plain = ToneSource::new(None);
        for index in 0..50 {
            let frame = source.next_frame().unwrap().unwrap();
            assert_eq!(frame.timestamp - Timestamp::ZERO, Span::from_millis(40 * index));
            for _ in 0..2 {
                assert_eq!(sound.next_buffer().unwrap(), plain.next_buffer().unwrap());
            }
        }
    }

    #[test]
    fn a_beep_is_seen_while_it_is_heard() {
        let tone = Box::new(ToneSource::new(None));
        let mut source = VisualizationSource::new(tone, Visualization::Wave, &SourceOptions::default()).unwrap();
        let strongest = |frame: &Frame| frame.data().chunks(3).map(|texel| range(texel)[1]).fold(0.0, f32::max);
        // The beep is heard for three pictures of a second, and seen for 50 ms more.
        let seen: Vec<_> = (0..60).map(|_| strongest(&source.next_frame().unwrap().unwrap()) > 0.3).collect();
        let expected: Vec<_> = (0..60).map(|frame| frame % 30 < 4).collect();
        assert_eq!(seen, expected);
    }
}
