//! Video and sound by whatever encoder the `ffmpeg` program has: frames go into a pipe, packets come out of another.
//!
//! The input is Matroska of raw frames with their times ([`raw_input`]), the output Matroska that our own reader walks
//! over as it comes ([`live_input`]), or [`ivf`] of the codecs that it can hold. ffmpeg is asked for packets in the order of the frames (no B-frames, no frames left out or
//! repeated), so the n-th packet is the n-th frame's and gets its time: a variable rate survives to the nanosecond,
//! whatever the containers between round to.
//!
//! Frames are to become key frames when somebody asks, which is not known when ffmpeg starts. Each frame's time says
//! whether it is to be one. Encoders that do not take such requests (SVT-AV1 before version 2) make key frames of
//! their own at the usual interval; where one is asked for elsewhere, another process begins with that frame, while the
//! one before it still gives its last packets. The same happens where the times end.
//!
//! # Delay
//! x264, x265, libvpx, libaom: none of their own; ffmpeg's Matroska writer, which H.264 and HEVC come through, keeps each
//! packet until the next one comes: one frame. SVT-AV1: two frames. (Measured, one frame given after the other had come.)
//!
//! # The same packets
//! x264, x265, libvpx and libaom give the same packets at every run. SVT-AV1 does with a constant quality or one thread; at
//! a bitrate with more threads it depends on how these were scheduled.
//!
//! # Failures
//! A process that ends, prints an error or does nothing for a minute is an error that quotes its last words. Packets
//! that it wrote before are returned all the same.

use std::collections::VecDeque;
use std::io::Write;
use std::process::Command;
use std::time::Instant;

use super::{EncoderConfig, KeyRhythm, VideoEncoder};
use crate::av1;
use crate::codec::VideoCodec;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, Size};
use crate::mux::matroska::Track;
use crate::packet::EncodedPacket;
use crate::source::ffmpeg::program;
use crate::time::{Span, Timestamp};

use codec_header::CodecHeader;
use process::{EncodingRun, OutputFormat, RunEvent};
use raw_input::MarkedTimes;
use settings::{Family, KeyControl};

pub(super) mod aac;
mod codec_header;
mod ivf;
mod live_input;
pub(super) mod machine;
mod process;
mod raw_input;
pub(super) mod settings;

/// How many frames may wait to be written to ffmpeg.
const MAX_WAITING: usize = 2;
/// How many processes may be at work at once, the older ones on their last frames.
const MAX_RUNS: usize = 2;
/// The options that keep ffmpeg from reading ahead.
const UNBUFFERED: [&str; 6] = ["-probesize", "32", "-analyzeduration", "0", "-fpsprobesize", "0"];

/// Video by one of ffmpeg's encoders.
pub(super) struct FfmpegEncoder {
    /// As `ffmpeg:libx264`.
    name: String,
    /// As `libx264`.
    encoder: String,
    config: EncoderConfig,
    size: Size,
    keys: KeyRhythm,
    key_control: KeyControl,
    device: Option<String>,
    /// The processes, the oldest first; frames go to the last one.
    runs: VecDeque<SegmentRun>,
    /// The frames whose packets have not come.
    in_flight: VecDeque<FrameInFlight>,
    header: Option<CodecHeader>,
    packets: u64,
    frames: u64,
    has_failed: bool,
    /// Advice in errors.
    remedy: Option<String>,
    deadline: Option<Instant>,
}

/// A process that encodes the frames from one key frame on.
struct SegmentRun {
    run: EncodingRun,
    times: MarkedTimes,
    /// How many frames it was given.
    frames: u64,
    /// The header of its output.
    track: Option<Track>,
}

/// A frame that was given to ffmpeg.
struct FrameInFlight {
    timestamp: Timestamp,
    duration: Span,
    /// Whether its packet must be a key frame.
    key: bool,
}

impl FfmpegEncoder {
    /// An encoder of this name. Nothing is started before the first frame.
    ///
    /// # Errors
    /// `NotSupportedError` for transparency.
    pub(super) fn new(encoder: &str, config: &EncoderConfig) -> Result<Self> {
        let name = format!("ffmpeg:{encoder}");
        if config.alpha {
            let expected = "expected an encoder with transparency, as vpx, but found";
            return Err(Error::not_supported(format!("{expected} {name}")));
        }
        Ok(Self {
            name,
            encoder: encoder.to_owned(),
            config: config.clone(),
            size: settings::coded_size(encoder, config),
            keys: KeyRhythm::new(config.key_interval),
            key_control: Family::of(encoder).key_control(config),
            device: machine::device(),
            runs: VecDeque::new(),
            in_flight: VecDeque::new(),
            header: None,
            packets: 0,
            frames: 0,
            has_failed: false,
            remedy: None,
            deadline: None,
        })
    }

    /// The same, with advice that is part of every later error.
    pub(super) fn with_remedy(mut self, remedy: Option<String>) -> Self {
        self.remedy = remedy;
        self
    }

    /// The same, which fails when it is not done at this time.
    pub(super) fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    fn command(&self) -> Command {
        let mut command = program("ffmpeg");
        command.args(["-hide_banner", "-nostdin", "-v", "error"]);
        // SVT-AV1 prints its settings otherwise.
        command.env("SVT_LOG", "1");
        command.args(settings::input_arguments(&self.encoder, self.device.as_deref()));
        command.args(UNBUFFERED).args(["-f", "matroska", "-i", "pipe:0", "-map", "0:v:0"]);
        command.args(["-fps_mode", "passthrough", "-enc_time_base", raw_input::TIME_BASE]);
        command.args(["-force_key_frames", raw_input::KEY_FRAMES]);
        command.args(settings::arguments(&self.encoder, &self.config)).args(settings::colors(self.config.color));
        command
    }

    /// Sees to the process for the next frame, which is to be a key frame or not: the last one, or a new one.
    fn run_for(&mut self, key: bool, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        let goes_on = self.runs.back().is_some_and(|last| match self.key_control {
            KeyControl::Asked => true,
            KeyControl::Every(distance) => !key || last.frames.is_multiple_of(distance),
        });
        if goes_on {
            return Ok(());
        }
        if let Some(last) = self.runs.back_mut() {
            last.run.close();
        }
        while self.runs.len() >= MAX_RUNS {
            self.advance(true, packets)?;
        }
        let format = match self.config.codec {
            VideoCodec::H264 | VideoCodec::Hevc => OutputFormat::Matroska,
            codec => OutputFormat::Ivf(codec),
        };
        let task = format!("encode with {}", self.encoder);
        let mut run = EncodingRun::start(self.command(), format, &task, self.deadline)?;
        let header = raw_input::header(self.size, &self.config);
        run.give(Box::new(move |stdin| stdin.write_all(&header)));
        self.runs.push_back(SegmentRun { run, times: MarkedTimes::default(), frames: 0, track: None });
        Ok(())
    }

    fn take(&mut self, frame: &Frame, duration: Span, key: bool, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        // Its own key frames come whether they are asked for or not.
        let comes = match (self.key_control, self.runs.back()) {
            (KeyControl::Every(distance), Some(last)) => last.frames.is_multiple_of(distance),
            _ => false,
        };
        let key = self.keys.falls_on(frame.timestamp, duration, key || comes);
        self.run_for(key, packets)?;
        while self.runs.back().is_some_and(|last| last.run.waiting() >= MAX_WAITING) {
            self.wait_for_room(packets)?;
        }
        let Some(last) = self.runs.back_mut() else { return Ok(()) };
        let (frame, size, ticks) = (frame.clone(), self.size, last.times.mark(frame.timestamp, key));
        self.in_flight.push_back(FrameInFlight { timestamp: frame.timestamp, duration, key });
        last.frames += 1;
        self.frames += 1;
        last.run.give(Box::new(move |stdin| raw_input::write_frame(stdin, &frame, size, ticks)));
        while self.advance(false, packets)? {}
        Ok(())
    }

    /// Waits until the last process takes a frame, or until the first one gives something.
    fn wait_for_room(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        // Packets of the last process must wait for those of the ones before it.
        while self.runs.len() > 1 {
            self.advance(true, packets)?;
        }
        self.advance(true, packets).map(drop)
    }

    /// Takes the next event of the oldest process; false where there is none. With `wait`, waits for it.
    fn advance(&mut self, wait: bool, packets: &mut Vec<EncodedPacket>) -> Result<bool> {
        let Some(oldest) = self.runs.front_mut() else { return Ok(false) };
        let event = match oldest.run.next_event(wait) {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(false),
            Err(error) => return Err(self.failure(&error.to_string())),
        };
        match event {
            RunEvent::Taken => {}
            RunEvent::Track(track) => oldest.track = Some(*track),
            RunEvent::Packet { data, key } => packets.push(self.packet(data, key)?),
            RunEvent::End(read) => self.end_oldest(read)?,
        }
        Ok(!self.runs.is_empty())
    }

    /// The packet of the oldest frame in flight.
    fn packet(&mut self, data: Vec<u8>, key: bool) -> Result<EncodedPacket> {
        let Some(frame) = self.in_flight.pop_front() else {
            return Err(self.failure(&format!("expected {} packets but found more", self.frames)));
        };
        if frame.key && !key {
            let time = frame.timestamp.as_secs_f64();
            return Err(self.failure(&format!("expected a key frame at {time}s but found none; use another encoder")));
        }
        if self.header.is_none() {
            let track = self.runs.front().and_then(|oldest| oldest.track.as_ref());
            self.header = Some(CodecHeader::read(track, &data, &self.config)?);
        }
        let data = if self.config.codec == VideoCodec::Av1 { av1::without_delimiters(&data)? } else { data };
        self.packets += 1;
        Ok(EncodedPacket::new(data, frame.timestamp, frame.duration, key))
    }

    /// The oldest process gives no more packets: it has done its work, or it has failed.
    fn end_oldest(&mut self, read: Result<()>) -> Result<()> {
        let Some(mut oldest) = self.runs.pop_front() else { return Ok(()) };
        let was_closed = oldest.run.is_closed();
        let later: u64 = self.runs.iter().map(|run| run.frames).sum();
        // One that gives too many packets has taken the next one's frames.
        let missing = (self.in_flight.len() as u64).checked_sub(later);
        let (status, words) = oldest.run.ended();
        let succeeded = status.is_some_and(|status| status.success());
        if was_closed && succeeded && missing == Some(0) && read.is_ok() {
            return Ok(());
        }
        let mut what = words;
        if what.is_empty() {
            what = match (status, read) {
                (Some(status), Err(error)) if status.success() => error.to_string(),
                (Some(status), _) => status.to_string(),
                (None, _) => "it did not exit".to_owned(),
            };
        }
        Err(self.failure(&what))
    }

    /// The error of a process that failed. Nothing comes after it: what had come before has been returned.
    fn failure(&mut self, what: &str) -> Error {
        self.has_failed = true;
        self.runs.clear();
        let (encoder, packets, frames) = (&self.encoder, self.packets, self.frames);
        let error = Error::unknown(format!(
            "expected ffmpeg to encode with {encoder} to the end but it stopped after {packets} of {frames} frames: {what}"
        ));
        match &self.remedy {
            Some(remedy) => error.with_remedy(remedy),
            None => error,
        }
    }
}

impl VideoEncoder for FfmpegEncoder {
    fn name(&self) -> &str {
        &self.name
    }

    fn codec_private(&self) -> Option<Vec<u8>> {
        self.header.as_ref().map(|header| header.private.clone())
    }

    fn codec_string(&self) -> Option<String> {
        self.header.as_ref().map(|header| header.codec_string.clone())
    }

    fn coded_size(&self) -> Option<Size> {
        Some(self.size)
    }

    fn encode(&mut self, frame: &Frame, duration: Span, key: bool, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.config.check(frame)?;
        if self.has_failed {
            return Err(Error::new(ErrorKind::InvalidState, "expected no frame after a failure of ffmpeg"));
        }
        let taken = self.take(frame, duration, key, packets);
        if taken.is_err() {
            self.has_failed = true;
            self.runs.clear();
        }
        taken
    }

    fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        if let Some(last) = self.runs.back_mut() {
            last.run.close();
        }
        while self.advance(true, packets)? {}
        Ok(())
    }
}

#[cfg(test)]
mod tests;
