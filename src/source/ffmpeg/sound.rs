//! The sound of a file, decoded by the `ffmpeg` program: in chunks of 20 ms, each with its time.
//!
//! Chunks are put at their times ([`SampleQueue`]), which are counted as those of the frames are. Where the times fall
//! by a second or more, the clock was reset, as for frames: then the sound follows the sound before it.
//!
//! # Budget
//! A chunk is 20 ms of at most eight channels. Messages, times and ffprobe's answer are limited as for video.

use std::path::Path;

use super::decoding::{Decoded, Decoding, End, PRINT_SOUND_TIMES};
use super::probe::{SoundStream, probe_sound};
use super::{Demuxer, add_input, program};
use crate::audio::{AudioBuffer, span_of};
use crate::error::{Error, Result};
use crate::source::audio::{AudioInfo, AudioSource, SoundStart};
use crate::source::sample_queue::SampleQueue;
use crate::source::start_beyond_end;
use crate::time::{Span, Timestamp};

/// From this time of a file on, ffmpeg seeks instead of decoding everything before; it seeks this much earlier.
const SEEK_MARGIN: Span = Span::from_secs(5);
/// The rate and the channels where the stream's own are unsupported or not known yet.
const FALLBACK: (u32, usize) = (48_000, 2);
/// ffmpeg's names of the layouts of 1 to 8 channels that WAVE files have.
const LAYOUTS: [&str; 8] = ["mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1"];
/// Where times fall by at least this much, the clock was reset.
const RESET: Span = Span::from_secs(1);
/// In broadcasts, ffmpeg takes a rise of times by more than this for a reset (its `-dts_delta_threshold`).
const JUMP: Span = Span::from_secs(10);
/// How much sound may be missing at the end, by the length in the header, before that is an error: this long, and, if
/// ffmpeg printed no message, one `MISSING_PART`-th of the length more.
const MISSING: Span = Span::from_secs(1);
const MISSING_PART: i64 = 20;

/// How a run of ffmpeg counts the times of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeBase {
    /// As they are in the file.
    Original,
    /// From the file's beginning; in broadcasts, corrected where the clock was reset.
    Corrected,
}

/// Sound of a file's first sound track, as ffmpeg decodes it.
pub struct FfmpegSound {
    info: AudioInfo,
    name: String,
    decoding: Decoding,
    start: SoundStart,
    /// Empty until the first chunk came.
    queue: Option<SampleQueue>,
    /// Whether ffmpeg takes a jump forward in the pictures' times for a reset of the clock.
    corrects_jumps: bool,
    /// The offset that is added to times since their last reset.
    moved: Span,
    /// The end of the last chunk.
    end: Option<Timestamp>,
    chunks: u64,
    /// Where the sound begins in the file, and its length from there on, both by its own header.
    begin: Span,
    duration: Option<Span>,
    /// Where the run began to decode, counted from the sound's own beginning.
    sought: Span,
    finished: bool,
}

debug_fields!(FfmpegSound { info, name });

impl FfmpegSound {
    /// Opens the sound at this start, beside frames whose times are counted by `base`; preceded by silence where the
    /// sound begins later. None where the file has no sound.
    ///
    /// # Errors
    /// `NotFoundError` where the programs are missing, `NotReadableError` where they cannot read the file, `RangeError` where
    /// the sound ends before the start.
    pub fn open(path: &Path, start: SoundStart, base: TimeBase) -> Result<Option<Self>> {
        let stream = probe_sound(path).map_err(|error| error.at(path.display()))?;
        stream.map(|stream| Self::open_stream(path, stream, start, base)).transpose()
    }

    /// The same of sound that ffprobe has described.
    pub(super) fn open_stream(path: &Path, stream: SoundStream, start: SoundStart, base: TimeBase) -> Result<Self> {
        let name = path.display().to_string();
        Self::start(path, stream, start, base, &name).map_err(|error| error.at(&name))
    }

    fn start(path: &Path, stream: SoundStream, start: SoundStart, base: TimeBase, name: &str) -> Result<Self> {
        let SoundStream { begin: own, duration, has_resets, .. } = stream;
        let (rate, channels) = stream.output(FALLBACK, LAYOUTS.len());
        let skipped = match start {
            SoundStart::FileTime(time) => time - own,
            SoundStart::Skip(skipped) => skipped,
        };
        if let (SoundStart::Skip(_), Some(duration)) = (start, duration)
            && skipped > Span::ZERO
            && skipped >= duration
        {
            return Err(start_beyond_end(skipped, duration));
        }
        let length = left_of(duration, skipped);
        let info = AudioInfo { kind: "ffmpeg", rate, channels, length, endless: false };
        let mut command = program("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-copyts"]);
        let mut sought = Span::ZERO;
        if skipped > SEEK_MARGIN {
            sought = skipped - SEEK_MARGIN;
            let seconds = format!("{:.6}", (own + sought).as_secs_f64());
            command.args(["-noaccurate_seek", "-seek_timestamp", "1", "-ss", &seconds]);
        }
        add_input(&mut command, path, Demuxer::Probed);
        let (layout, samples) = (LAYOUTS[channels - 1], chunk(rate));
        // ffmpeg's output keeps its rate and channels when those of the sound change.
        let filter = format!(
            "aresample={rate},aformat=sample_fmts=flt:sample_rates={rate}:channel_layouts={layout},\
             asettb=1/1000000,asetnsamples=n={samples}:p=1,{PRINT_SOUND_TIMES}"
        );
        command.args(["-map", "0:a:0", "-af", &filter, "-f", "f32le", "-"]);
        let decoding = Decoding::start(command, samples * channels * size_of::<f32>())?;
        Ok(Self {
            info,
            name: name.to_owned(),
            decoding,
            start: match start {
                // A seek skips the sound's own beginning, which times would be counted from.
                SoundStart::Skip(skipped) if sought > Span::ZERO => SoundStart::FileTime(own + skipped),
                start => start,
            },
            queue: None,
            corrects_jumps: base == TimeBase::Corrected && has_resets,
            moved: Span::ZERO,
            end: None,
            chunks: 0,
            begin: own,
            duration,
            sought,
            finished: false,
        })
    }

    /// The same sound, of which nothing was read, from this time of the file on; none where a seek is better, because
    /// much comes before.
    pub(super) fn begun_at(mut self, begin: Span) -> Option<Self> {
        let skipped = begin - self.begin;
        if skipped > SEEK_MARGIN {
            return None;
        }
        self.start = SoundStart::FileTime(begin);
        self.info.length = left_of(self.duration, skipped);
        Some(self)
    }

    /// Takes the next chunk; false at the end.
    fn advance(&mut self) -> Result<bool> {
        let Some(Decoded { data, ticks }) = self.decoding.next()? else { return self.finish().map(|()| false) };
        let time = self.time_of(ticks);
        let samples: Vec<f32> = data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        let queue = self.queue.get_or_insert_with(|| {
            let begin = match self.start {
                SoundStart::FileTime(begin) => Timestamp::ZERO + begin,
                SoundStart::Skip(skipped) => time + skipped,
            };
            SampleQueue::new(self.info.rate, self.info.channels, begin)
        });
        self.chunks += 1;
        queue.place(&samples, time)?;
        Ok(true)
    }

    /// The time of the next chunk, whose time in the file is this many microseconds.
    fn time_of(&mut self, micros: Option<i64>) -> Timestamp {
        let own = micros.map(|micros| Timestamp::from_nanos(micros.saturating_mul(1000)));
        let time = match (own, self.end) {
            (None, end) => end.unwrap_or_default(),
            (Some(own), None) => own,
            (Some(own), Some(end))
                if own + self.moved < end - RESET || self.corrects_jumps && own + self.moved > end + JUMP =>
            {
                self.moved = end - own;
                end
            }
            (Some(own), Some(_)) => own + self.moved,
        };
        self.end = Some(time + span_of(chunk(self.info.rate) as u64, self.info.rate));
        time
    }

    /// Interprets the end of ffmpeg's output: the end of the sound, or an error.
    fn finish(&mut self) -> Result<()> {
        self.finished = true;
        let End { status, message, .. } = self.decoding.end()?;
        let decoded = self.sought + span_of(self.chunks * chunk(self.info.rate) as u64, self.info.rate);
        // Sound may have gaps.
        let read = self.end.map_or(decoded, |end| decoded.max(end - (Timestamp::ZERO + self.begin)));
        if !status.success() {
            let message = if message.is_empty() { status.to_string() } else { message };
            return Err(Error::not_readable(format!(
                "expected ffmpeg to decode the sound to its end but it stopped after {read}: {message}"
            )));
        }
        // A file that ends early is not an error to ffmpeg. The figures in a file's header may be slightly wrong.
        let Some(duration) = self.duration else { return Ok(()) };
        let part = Span::from_nanos(duration.as_nanos() / MISSING_PART);
        let allowed = if message.is_empty() { MISSING + part } else { MISSING };
        if read + allowed >= duration {
            return Ok(());
        }
        let why = if message.is_empty() { "the file breaks off" } else { &message };
        Err(Error::not_readable(format!("expected {duration} of sound but found {read}: {why}")))
    }
}

/// How much of a sound is left after `skipped` of it.
fn left_of(duration: Option<Span>, skipped: Span) -> Option<Span> {
    duration.map(|duration| (duration - skipped).max(Span::ZERO))
}

/// How many samples a chunk has: 20 ms.
fn chunk(rate: u32) -> usize {
    (rate / 50).max(1) as usize
}

impl AudioSource for FfmpegSound {
    fn info(&self) -> &AudioInfo {
        &self.info
    }

    fn next_buffer(&mut self) -> Result<Option<AudioBuffer>> {
        loop {
            if let Some(buffer) = self.queue.as_mut().map_or(Ok(None), SampleQueue::take)? {
                return Ok(Some(buffer));
            }
            if self.finished || !self.advance().map_err(|error| error.at(&self.name))? {
                return Ok(None);
            }
        }
    }
}
