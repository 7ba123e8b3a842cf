//! The sound of a file, as the `ffmpeg` program decodes it.
//!
//! ffmpeg's `aresample` puts every sample where its timestamp says: it begins with the sample that is asked for, fills gaps
//! with silence and leaves out what overlaps. So sample `n` of what comes through the pipe is heard `n / rate` seconds
//! after the first, and no times need to be sent.
//!
//! # Budget
//! What comes through the pipe is taken 20 ms at a time. Messages and ffprobe's answer are limited as those about pictures.

use std::io::Read;
use std::path::Path;

use super::probe::{SoundStream, probe_sound};
use super::run::Run;
use super::{Demuxer, add_input, program};
use crate::audio::{AudioBuffer, samples_in, span_of};
use crate::error::{Error, Result};
use crate::source::audio::{AudioInfo, AudioSource, SoundStart};
use crate::source::start_beyond_end;
use crate::time::{Span, Timestamp};

/// Differences from the timestamps up to this many seconds are left alone: in Matroska they are rounded to milliseconds.
const TOLERANCE: &str = "0.01";
/// From this time of a file on, ffmpeg seeks instead of decoding all that comes before, and so much earlier.
const SEEK_MARGIN: Span = Span::from_secs(5);
/// The rate that sound is resampled to where its own cannot be taken.
const FALLBACK_RATE: u32 = 48_000;
/// ffmpeg's names of the layouts of 1 to 8 channels that WAVE files have.
const LAYOUTS: [&str; 8] = ["mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1"];
/// How much sound may be missing at the end, as the file counts it, before that is an error.
const MISSING: Span = Span::from_secs(1);
/// How much of ffmpeg's messages is kept, from their beginning, in bytes.
const MAX_MESSAGES: u64 = 64 << 10;

/// Sound of a file's first sound track, as ffmpeg decodes it.
pub struct FfmpegSound {
    info: AudioInfo,
    name: String,
    run: Run,
    /// How many samples of each channel came.
    read: u64,
}

impl FfmpegSound {
    /// The sound from this start on; silence where it begins later. None where there is no sound.
    ///
    /// # Errors
    /// `NotFoundError` where the programs are missing, `NotReadableError` where they cannot read the file, `RangeError` where
    /// the sound ends before the start.
    pub fn open(path: &Path, start: SoundStart) -> Result<Option<Self>> {
        let name = path.display().to_string();
        Self::start(path, start, &name).map_err(|error| error.at(&name))
    }

    fn start(path: &Path, start: SoundStart, name: &str) -> Result<Option<Self>> {
        let Some(stream) = probe_sound(path)? else { return Ok(None) };
        let begin = match start {
            SoundStart::FileTime(time) => time,
            SoundStart::Skip(skipped) => match stream.duration {
                Some(end) if skipped > Span::ZERO && skipped >= end => return Err(start_beyond_end(skipped, end)),
                _ => stream.begin + skipped,
            },
        };
        let rate = if AudioBuffer::RATES.contains(&stream.rate) { stream.rate } else { FALLBACK_RATE };
        let layout = LAYOUTS.get(stream.channels - 1).copied().unwrap_or("stereo");
        let channels = if stream.channels <= LAYOUTS.len() { stream.channels } else { 2 };
        let SoundStream { begin: own, duration, .. } = stream;
        let length = duration.map(|duration| (duration - (begin - own)).max(Span::ZERO));
        let info = AudioInfo { kind: "ffmpeg", rate, channels, length, endless: false };
        let mut command = program("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-copyts"]);
        if begin - own > SEEK_MARGIN {
            let seconds = format!("{:.6}", (begin - SEEK_MARGIN).as_secs_f64());
            command.args(["-noaccurate_seek", "-seek_timestamp", "1", "-ss", &seconds]);
        }
        add_input(&mut command, path, Demuxer::Probed);
        let first = samples_in(begin, rate) as i64 - samples_in(Span::ZERO - begin, rate) as i64;
        let filter =
            format!("aresample={rate}:async=1:min_hard_comp={TOLERANCE}:first_pts={first},aformat=flt:{rate}:{layout}");
        command.args(["-map", "0:a:0", "-af", &filter, "-f", "f32le", "-"]);
        let run = Run::start(command, |stderr| {
            let mut kept = Vec::new();
            let mut stderr = stderr;
            // What cannot be read is as if it were not there; the rest is read so that ffmpeg can end.
            let _ = (&mut stderr).take(MAX_MESSAGES).read_to_end(&mut kept);
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
            String::from_utf8_lossy(&kept).into_owned()
        })?;
        Ok(Some(Self { info, name: name.to_owned(), run, read: 0 }))
    }

    /// What it means that ffmpeg gives no more.
    fn finish(&mut self) -> Result<()> {
        let (status, message) = self.run.end()?;
        let read = span_of(self.read, self.info.rate);
        if !status.success() {
            let message = if message.is_empty() { status.to_string() } else { message };
            return Err(Error::not_readable(format!(
                "expected ffmpeg to decode the sound to its end but it stopped after {read}: {message}"
            )));
        }
        // A file that ends early is no failure to ffmpeg. Its header's figures may be off by a little all the same.
        match self.info.length {
            Some(length) if !message.is_empty() && read + MISSING < length => {
                Err(Error::not_readable(format!("expected {length} of sound but found {read}: {message}")))
            }
            _ => Ok(()),
        }
    }
}

impl AudioSource for FfmpegSound {
    fn info(&self) -> &AudioInfo {
        &self.info
    }

    fn next_buffer(&mut self) -> Result<Option<AudioBuffer>> {
        const BYTES: usize = size_of::<f32>();
        let AudioInfo { rate, channels, .. } = self.info;
        let wanted = (rate / 50).max(1) as usize * channels * BYTES;
        let mut data = Vec::with_capacity(wanted);
        let read = (&mut self.run.output).take(wanted as u64).read_to_end(&mut data);
        read.map_err(|error| Error::not_readable("ffmpeg's sound could not be read").with_source(error))?;
        let samples = data.len() / (channels * BYTES);
        if samples == 0 {
            return self.finish().map(|()| None).map_err(|error| error.at(&self.name));
        }
        let mut planes = vec![Vec::with_capacity(samples); channels];
        for sample in data.chunks_exact(channels * BYTES) {
            for (plane, bytes) in planes.iter_mut().zip(sample.chunks_exact(BYTES)) {
                plane.push(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
            }
        }
        let timestamp = Timestamp::ZERO + span_of(self.read, rate);
        self.read += samples as u64;
        AudioBuffer::new(rate, timestamp, planes).map(Some)
    }
}
