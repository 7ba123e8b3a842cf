//! Reads WAV files: integers of 8, 16, 24 and 32 bits and floats of 32, in 1 to 8 channels.
//!
//! hound reads the format and the samples. The walk through the chunks is our own, because hound ignores the padding of
//! chunks of odd length, and does not accept the lengths of files that were written into a pipe. The end is our own
//! too: a file that breaks off gives all its whole samples first.
//!
//! A format chunk has at most 1024 bytes, and all data before the samples at most 256 MiB: it is skipped, not kept.
//! Memory is that of 20 ms of sound.
//! kept. Memory is that of 20 ms of sound.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use hound::{Sample, SampleFormat, WavReader, WavSpec};

use super::audio::{AudioInfo, AudioSource};
use super::{describe, start_beyond_end};
use crate::audio::{AudioBuffer, samples_in, span_of};
use crate::error::{Error, Result};
use crate::time::{Span, Timestamp};

const MAX_CHANNELS: u16 = 8;

/// The format tag of WAVEFORMATEXTENSIBLE, which has the real format further on in the chunk.
const EXTENSIBLE: [u8; 2] = [0xfe, 0xff];

/// The longest format chunk that is read, in bytes.
const MAX_FORMAT: u32 = 1024;

/// The furthest beginning of the samples in the file, in bytes.
const MAX_HEAD: u64 = 256 << 20;

/// The value of an unknown length, in files that were written into a pipe.
const UNKNOWN: u32 = u32::MAX;

const CONVERT: &str = "convert it with `ffmpeg -i FILE OUT.wav`";

/// Reads a WAV file from any reader.
#[derive(Debug)]
pub struct WavSource<R> {
    reader: BufReader<R>,
    info: AudioInfo,
    name: String,
    format: SampleFormat,
    /// Bytes in one sample of one channel.
    bytes: usize,
    /// How many samples of each channel there are, by the header.
    total: Option<u64>,
    /// How many were read or skipped.
    read: u64,
    first: u64,
    /// How many bytes of an incomplete sample there were at the end.
    rest: usize,
}

/// The header of a file.
struct WavHeader {
    spec: WavSpec,
    /// Bytes in one sample of one channel.
    bytes: usize,
    /// The data's length in bytes, where the header gives it.
    len: Option<u64>,
    /// The position of the data.
    at: u64,
}

impl<R: Read + Send> WavSource<R> {
    /// Reads the header and skips to `start`. `name` is the file's name in errors; `len` its length in bytes where that
    /// is known, from which the real length of the sound is computed.
    pub fn new(reader: R, name: &str, len: Option<u64>, start: Option<Span>) -> Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let WavHeader { spec, bytes, len: data, at } = read_header(&mut reader).map_err(|error| error.at(name))?;
        let rate = spec.sample_rate;
        let first = start.map_or(0, |start| samples_in(start, rate));
        let sample = (bytes * usize::from(spec.channels)) as u64;
        let total = data.map(|data| data / sample);
        let there = len.map(|len| len.saturating_sub(at) / sample);
        let length = match (total, there) {
            (Some(total), Some(there)) if total > there => None,
            (total, there) => total.or(there),
        };
        let info = AudioInfo {
            kind: "wav",
            rate,
            channels: spec.channels.into(),
            length: length.map(|length| span_of(length.saturating_sub(first), rate)),
            endless: false,
        };
        let name = name.to_owned();
        let mut source = Self { reader, info, name, format: spec.sample_format, bytes, total, read: 0, first, rest: 0 };
        if let Some(start) = start {
            source.skip(start)?;
        }
        Ok(source)
    }

    /// Skips the samples before the start, and checks that the first one is there.
    fn skip(&mut self, start: Span) -> Result<()> {
        let sample = self.sample();
        let skipped = self.first.min(self.total.unwrap_or(u64::MAX)) as u128 * sample as u128;
        let skipped = u64::try_from(skipped).unwrap_or(u64::MAX);
        let skipped = io::copy(&mut (&mut self.reader).take(skipped), &mut io::sink());
        self.read = skipped.map_err(|error| self.failed(error))? / sample as u64;
        let at_end = match self.reader.fill_buf() {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => return Err(self.failed(error)),
        };
        if self.total == Some(self.read) || (at_end && self.total.is_none()) {
            if self.first > 0 {
                return Err(start_beyond_end(start, span_of(self.read, self.info.rate)).at(&self.name));
            }
        } else if at_end {
            return self.end().map(drop);
        }
        Ok(())
    }

    /// Bytes in one sample of all channels.
    fn sample(&self) -> usize {
        self.bytes * self.info.channels
    }

    /// The result after the last whole sample: the end, or an error if samples are missing.
    fn end(&self) -> Result<Option<AudioBuffer>> {
        let text = match self.total {
            Some(total) if self.read < total => {
                format!("expected {total} samples but found {}: the file breaks off", self.read)
            }
            None if self.rest > 0 => {
                let (expected, sample, found) = (self.sample(), self.read, self.rest);
                format!("expected {expected} bytes of sample {sample} but found {found}: the file breaks off")
            }
            _ => return Ok(None),
        };
        Err(Error::not_readable(text).at(&self.name))
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::not_readable("could not be read").at(&self.name).with_cause(error)
    }
}

impl<R: Read + Send> AudioSource for WavSource<R> {
    fn info(&self) -> &AudioInfo {
        &self.info
    }

    fn next_buffer(&mut self) -> Result<Option<AudioBuffer>> {
        let AudioInfo { rate, channels, .. } = self.info;
        let sample = self.sample();
        let wanted = u64::from(rate / 50).min(self.total.map_or(u64::MAX, |total| total - self.read));
        let mut data = Vec::new();
        let read = (&mut self.reader).take(wanted * sample as u64).read_to_end(&mut data);
        read.map_err(|error| self.failed(error))?;
        let whole = data.len() / sample;
        self.rest += data.len() % sample;
        if whole == 0 {
            return self.end();
        }
        let mut planes = vec![Vec::with_capacity(whole); channels];
        for sample in data.chunks_exact(sample) {
            for (plane, bytes) in planes.iter_mut().zip(sample.chunks_exact(self.bytes)) {
                let value = decode(bytes, self.format)
                    .map_err(|error| Error::unknown("hound could not read a sample").with_cause(error))?;
                plane.push(value);
            }
        }
        let timestamp = Timestamp::ZERO + span_of(self.read - self.first, rate);
        self.read += whole as u64;
        AudioBuffer::new(rate, timestamp, planes).map(Some)
    }
}

/// Converts one sample to -1 to 1. Where fewer bits are valid than stored, they are the upper ones.
fn decode(mut bytes: &[u8], format: SampleFormat) -> hound::Result<f32> {
    let (len, bits) = (bytes.len() as u16, bytes.len() as u16 * 8);
    match format {
        SampleFormat::Float => f32::read(&mut bytes, format, len, bits),
        SampleFormat::Int => {
            let value = i32::read(&mut bytes, format, len, bits)?;
            Ok((f64::from(value) / f64::from(1_u32 << (bits - 1))) as f32)
        }
    }
}

/// Reads up to the first sample.
fn read_header(reader: &mut impl Read) -> Result<WavHeader> {
    let head = read_up_to(reader, 12)?;
    if head.is_empty() {
        return Err(Error::not_readable("expected a WAV file but found an empty one"));
    }
    if head.starts_with(b"RF64") || head.starts_with(b"BW64") {
        let found = head[..4].escape_ascii();
        return Err(Error::not_supported(format!("expected a WAV file below 4 GiB but found {found}; {CONVERT}")));
    }
    if !(head.len() == 12 && head.starts_with(b"RIFF") && head.ends_with(b"WAVE")) {
        return Err(Error::not_readable(format!("expected a WAV file but found {}; {CONVERT}", describe(&head))));
    }
    let riff = little(&head[4..8]);
    let mut format = None;
    let mut at = head.len() as u64;
    loop {
        let chunk = read_up_to(reader, 8)?;
        if chunk.len() < 8 {
            let missing = if format.is_some() { "a chunk of data" } else { "a chunk that says the format" };
            return Err(Error::not_readable(format!("expected {missing} but found none: the file breaks off")));
        }
        let len = little(&chunk[4..8]);
        at += 8;
        match &chunk[..4] {
            b"fmt " => {
                let found = read_up_to(reader, u64::from(len.min(MAX_FORMAT)))?;
                if len > MAX_FORMAT || found.len() < len as usize || found.len() < 16 {
                    return Err(Error::not_readable(format!(
                        "expected a format chunk of 16 to {MAX_FORMAT} bytes but found {} of {len}",
                        found.len()
                    )));
                }
                skip(reader, u64::from(len % 2))?;
                format = Some(read_format(&found)?);
            }
            b"data" => {
                let Some((spec, bytes)) = format else {
                    return Err(Error::not_readable("expected the format before the data but found none"));
                };
                let unknown = len == UNKNOWN || (len == 0 && riff == 0);
                return Ok(WavHeader { spec, bytes, len: (!unknown).then_some(len.into()), at });
            }
            _ if at + u64::from(len) > MAX_HEAD => {
                return Err(Error::not_readable(format!(
                    "expected the samples within {MAX_HEAD} bytes but found a chunk of {len} bytes at byte {at} before them"
                )));
            }
            _ => skip(reader, u64::from(len) + u64::from(len % 2))?,
        }
        at += u64::from(len) + u64::from(len % 2);
    }
}

/// Reads the format, and how many bytes a sample of one channel has.
fn read_format(chunk: &[u8]) -> Result<(WavSpec, usize)> {
    // Fields after the plain format are not needed, and hound fails on some of them.
    let known = if chunk.starts_with(&EXTENSIBLE) { 40 } else { 16 };
    let plain = &chunk[..known.min(chunk.len())];
    let mut file = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
    file.extend((plain.len() as u32).to_le_bytes());
    file.extend(plain);
    file.extend(b"data\0\0\0\0");
    let spec = WavReader::new(Cursor::new(file)).map(|reader| reader.spec()).map_err(|error| {
        let found = u16::from_le_bytes([chunk[0], chunk[1]]);
        let text =
            format!("expected whole-number samples or floats of 32 bits but found format {found:#06x}; {CONVERT}");
        Error::not_supported(text).with_cause(error)
    })?;
    if !(1..=MAX_CHANNELS).contains(&spec.channels) {
        let found = spec.channels;
        return Err(Error::not_supported(format!(
            "expected 1 to {MAX_CHANNELS} channels but found {found}; {CONVERT}"
        )));
    }
    if !AudioBuffer::RATES.contains(&spec.sample_rate) {
        let (least, most) = AudioBuffer::RATES.into_inner();
        return Err(Error::not_supported(format!(
            "expected from {least} to {most} samples a second but found {}; {CONVERT}",
            spec.sample_rate
        )));
    }
    let block = usize::from(u16::from_le_bytes([chunk[12], chunk[13]]));
    let bytes = block / usize::from(spec.channels);
    let taken = match spec.sample_format {
        SampleFormat::Int => (1..=4).contains(&bytes),
        SampleFormat::Float => bytes == 4,
    };
    if !taken || !block.is_multiple_of(spec.channels.into()) {
        return Err(Error::not_supported(format!(
            "expected integers of 8 to 32 bits or floats of 32 but found {block} bytes for {} channels; {CONVERT}",
            spec.channels
        )));
    }
    Ok((spec, bytes))
}

fn little(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte))
}

fn read_up_to(reader: &mut impl Read, len: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(len).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn skip(reader: &mut impl Read, len: u64) -> Result<()> {
    io::copy(&mut reader.take(len), &mut io::sink()).map(drop).map_err(unreadable)
}

fn unreadable(error: io::Error) -> Error {
    Error::not_readable("could not be read").with_cause(error)
}

#[cfg(test)]
mod tests;
