//! Opus in WebM or Matroska, decoded by libopus: the sound of our own recordings is read without another program.
//!
//! One or two channels (channel mapping family 0), one packet a block. Anything else is a `NotSupported` error, after
//! which ffmpeg is tried. Samples are at the times of their blocks, less the track's CodecDelay (RFC 9559 §5.1.4.1.26).
//!
//! # Budget
//! The file is read as `mux/matroska.rs` says. A packet has at most 64 KiB and 120 ms. Gaps, of at most a day,
//! are filled with silence 20 ms at a time.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use opus::{Channels, Decoder};

use super::audio::{AudioInfo, AudioSource, SoundStart};
use super::blocks::Blocks;
use super::ffmpeg::{FfmpegSound, TimeBase};
use super::sample_queue::SampleQueue;
use super::start_beyond_end;
use crate::audio::{AudioBuffer, samples_in};
use crate::error::{Error, ErrorKind, Result};
use crate::mux::matroska::{Track, TrackType};
use crate::time::{Span, Timestamp};

/// libopus decodes to this rate, whatever the rate of the encoder's input.
const RATE: u32 = 48_000;
/// A decoder's output is exact only after this long (RFC 7845 §4.6).
const PREROLL: Span = Span::from_millis(80);
/// The longest packet (RFC 6716 §3.2).
const LONGEST_PACKET: Span = Span::from_millis(120);
/// The largest packet taken, in bytes.
const MAX_PACKET: usize = 64 << 10;

/// Decodes the first Opus track of a WebM file.
pub struct OpusSource<R: Read + Seek> {
    file: Blocks<R>,
    decoder: Decoder,
    info: AudioInfo,
    name: String,
    /// The time of the file at which the output begins.
    begin: Timestamp,
    queue: SampleQueue,
    /// The result after the last block: the end or an error.
    end: Option<Result<()>>,
}

debug_fields!(<R: Read + Seek> OpusSource { info, name });

/// Opens the sound of a Matroska file, with this decoder or with ffmpeg; none where the file has no sound.
pub(super) fn open_matroska(path: &Path, start: SoundStart) -> Result<Option<Box<dyn AudioSource>>> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| Error::reading(path, error))?;
    match OpusSource::new(file, &name, start) {
        Ok(source) => Ok(source.map(|source| Box::new(source) as Box<dyn AudioSource>)),
        Err(error) if *error.kind() == ErrorKind::NotSupported => {
            let sound = FfmpegSound::open(path, start, TimeBase::Original)?;
            Ok(sound.map(|sound| Box::new(sound) as Box<dyn AudioSource>))
        }
        Err(error) => Err(error),
    }
}

impl<R: Read + Seek + Send> OpusSource<R> {
    /// Reads the headers and walks over all blocks once, without reading their data. None where the file has no sound.
    /// `name` is the file's name in errors.
    ///
    /// # Errors
    /// `NotSupportedError` for another codec, more than two channels and laced blocks; `NotReadableError` for a damaged
    /// header; a range error when the sound ends before the start.
    pub fn new(reader: R, name: &str, start: SoundStart) -> Result<Option<Self>> {
        Self::open(reader, name, start).map_err(|error| error.at(name))
    }

    fn open(reader: R, name: &str, start: SoundStart) -> Result<Option<Self>> {
        let Some(mut file) = Blocks::find(reader, "sound", |track| track.kind == TrackType::Audio)? else {
            return Ok(None);
        };
        let channels = check_track(file.track())?;
        let delay = file.track().codec_delay;
        let Some((first, last)) = walk(&mut file)? else { return Ok(None) };
        // Samples before the time of the first block are the decoder's delay.
        let last = last - delay + LONGEST_PACKET;
        let begin = match start {
            SoundStart::FileTime(time) => Timestamp::ZERO + time,
            SoundStart::Skip(skipped) => {
                if skipped > Span::ZERO && first + skipped >= last {
                    return Err(start_beyond_end(skipped, last - first));
                }
                first + skipped
            }
        };
        let length = Some((last - begin).max(Span::ZERO));
        let mode = if channels == 1 { Channels::Mono } else { Channels::Stereo };
        let failed = |error| Error::unknown("libopus did not start").with_cause(error);
        let mut decoder = Decoder::new(RATE, mode).map_err(failed)?;
        decoder.set_gain(output_gain(file.track())).map_err(failed)?;
        Ok(Some(Self {
            file,
            decoder,
            info: AudioInfo { kind: "webm", rate: RATE, channels, length, endless: false },
            name: name.to_owned(),
            begin,
            queue: SampleQueue::new(RATE, channels, begin),
            end: None,
        }))
    }

    /// Decodes the next block and places its samples; false at the end.
    fn advance(&mut self) -> Result<bool> {
        let Some(block) = self.file.next_block()? else { return Ok(false) };
        let time = block.timestamp - self.file.track().codec_delay;
        if time + LONGEST_PACKET + PREROLL < self.begin {
            return Ok(true);
        }
        let damaged = |what: &str| {
            Error::not_readable(format!("expected an Opus packet at {} but found {what}", time - Timestamp::ZERO))
        };
        let data = self.file.read(&block)?;
        if data.is_empty() || data.len() > MAX_PACKET {
            return Err(damaged(&format!("one of {} bytes", data.len())));
        }
        let channels = self.info.channels;
        let mut samples = vec![0.0; samples_in(LONGEST_PACKET, RATE) as usize * channels];
        let decoded = self.decoder.decode_float(&data, &mut samples, false);
        let decoded = decoded.map_err(|error| damaged("a damaged one").with_cause(error))?;
        self.queue.place(&samples[..decoded * channels], time)?;
        Ok(true)
    }
}

impl<R: Read + Seek + Send> AudioSource for OpusSource<R> {
    fn info(&self) -> &AudioInfo {
        &self.info
    }

    fn next_buffer(&mut self) -> Result<Option<AudioBuffer>> {
        loop {
            if let Some(buffer) = self.queue.take()? {
                return Ok(Some(buffer));
            }
            if let Some(end) = self.end.take() {
                self.end = Some(Ok(()));
                return end.map(|()| None).map_err(|error| error.at(&self.name));
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => self.end = Some(Ok(())),
                Err(error) => self.end = Some(Err(error)),
            }
        }
    }
}

/// How many channels there are, if the decoder supports them.
fn check_track(track: &Track) -> Result<usize> {
    // The identification header (RFC 7845 §5.1).
    let (channels, family) = (track.private.get(9).copied(), track.private.get(18).copied());
    let found = match (track.codec.as_str(), channels, family) {
        _ if track.encoded => "a track that is compressed or encrypted once more".to_owned(),
        ("A_OPUS", Some(channels @ 1..=2), Some(0)) => return Ok(channels.into()),
        ("A_OPUS", channels, family) => {
            format!("{} channels of mapping family {}", channels.unwrap_or(0), family.unwrap_or(0))
        }
        (codec, ..) => format!("the codec {codec}"),
    };
    Err(Error::not_supported(format!("expected plain Opus of one or two channels but found {found}")))
}

/// The gain to apply to the samples, in 1/256 dB (RFC 7845 §5.1).
fn output_gain(track: &Track) -> i32 {
    match track.private.get(16..18) {
        Some(&[low, high]) => i16::from_le_bytes([low, high]).into(),
        _ => 0,
    }
}

/// The times of the first and of the last block, up to where the file breaks off; none where there are none.
fn walk<R: Read + Seek>(file: &mut Blocks<R>) -> Result<Option<(Timestamp, Timestamp)>> {
    let mut times: Option<(Timestamp, Timestamp)> = None;
    loop {
        match file.next_block() {
            Ok(Some(block)) => times = Some((times.map_or(block.timestamp, |(first, _)| first), block.timestamp)),
            Err(error) if *error.kind() == ErrorKind::NotSupported => return Err(error),
            Ok(None) | Err(_) => break,
        }
    }
    file.rewind();
    Ok(times)
}
