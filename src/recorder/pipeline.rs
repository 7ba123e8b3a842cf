//! The whole path, top down.
//!
//! ```text
//! source ──Frame──▶ filter ──I420──▶ encode ──EncodedPacket──▶ mux ──▶ sink
//! ```
//!
//! Each stage is a thread with the stage's name, joined to the next by a bounded channel. Policy for a full channel:
//! everything waits, so that nothing is lost; what is slowest sets the pace. A stage that fails or ends closes its
//! channel; the stages after it finish what they have, those before it find nobody to send to and end. So the file is
//! always ended properly, and holds what there was before a failure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::pacer::{Paced, Pacer};
use super::{Controls, FileSink, Progress, RecordOptions, Report};
use crate::canvas::Capture;
use crate::color::ColorSpace;
use crate::encode::{self, EncoderConfig, VideoEncoder};
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::{Frame, PixelFormat};
use crate::gpu::Gpu;
use crate::mux::{Finished, VideoTrack, WebmWriter};
use crate::packet::EncodedPacket;
use crate::source::Source;
use crate::time::{FrameRate, Span, Timestamp};

/// The rate that encoders plan with when the source has none of its own.
const NOMINAL_RATE: FrameRate = FrameRate::whole(30);
/// How long a stage waits for a frame before it looks whether it is to stop.
const STOP_INTERVAL: Duration = Duration::from_millis(50);

/// A recording that failed: why, and what became of it until then. What was recorded is in the file, which plays.
#[derive(Debug)]
pub struct Failure {
    /// Why.
    pub error: Error,
    /// What is in the file all the same; `frames_encoded` is 0 when there is none.
    pub report: Report,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failure {}

/// For whoever has no use for the report.
impl From<Box<Failure>> for Error {
    fn from(failure: Box<Failure>) -> Self {
        failure.error
    }
}

/// What the encoder gives: what a file's header needs, then packets.
enum Encoded {
    Header { codec: String, codec_private: Vec<u8> },
    Packet(EncodedPacket),
}

/// Records `source` into `sink` as WebM until the source ends, the length asked for is reached or `controls` ask
/// for its end.
/// `progress` is called after every packet, from the calling thread.
///
/// # Errors
/// A [`Failure`] when a stage fails; a range error in it when the size or the settings are out of bounds.
pub fn record(
    gpu: &Gpu,
    source: Box<dyn Source>,
    options: &RecordOptions,
    sink: FileSink,
    controls: &Controls,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, Box<Failure>> {
    let started = Instant::now();
    let info = source.info().clone();
    let size = options.size.unwrap_or(info.size);
    let rate = options.rate.or(info.rate).unwrap_or(NOMINAL_RATE);
    let mut report = Report { width: size.width, height: size.height, adapter: gpu.name(), ..Report::default() };
    let config = EncoderConfig {
        size,
        rate,
        target: options.target,
        speed: options.speed,
        key_interval: RecordOptions::KEY_INTERVAL,
        threads: thread::available_parallelism().map_or(1, usize::from),
    };
    let chain = LiveChain { drawing: source.drawn_by(), filter: options.filter.clone() };
    let source_span = info.rate.unwrap_or(rate).frame_span();
    let mut pacer = Pacer::new(options.rate, options.duration, source_span);
    let expected = expected_length(info.frames.map(|frames| (frames, source_span)), options.duration);
    let path = sink.path().to_owned();
    let mut mux = Mux { track: None, sink: Some(sink), path: &path, report: &mut report, size, expected };

    let opened = gpu.check_size(size).and_then(|()| encode::open(options.encoder, &config));
    let outcome = opened.and_then(|encoder| {
        mux.report.encoder = encoder.name().to_owned();
        thread::scope(|scope| {
            let (frames_out, frames) = sync_channel(2);
            let (packed_out, packed) = sync_channel(3);
            let (packets_out, packets) = sync_channel(16);
            // The source may wait for ever for its next frame, and a recording that is stopped does not wait for it.
            thread::Builder::new().name("source".into()).spawn(|| read(source, frames_out)).map_err(no_thread)?;
            let filter = thread::Builder::new().name("filter".into()).spawn_scoped(scope, || {
                let capture = Capture::new(gpu, &chain.whole(), size, PixelFormat::I420);
                filter(frames, capture, chain, &mut pacer, controls, packed_out)
            });
            let encode = thread::Builder::new()
                .name("encode".into())
                .spawn_scoped(scope, || encode(packed, encoder, rate.frame_span(), options.duration, packets_out));
            let muxed = mux.run(packets, progress);
            let filtered = filter.map_err(no_thread)?.join().unwrap_or_else(|_| Err(panicked("filter")));
            let encoded = encode.map_err(no_thread)?.join().unwrap_or_else(|_| Err(panicked("encode")));
            // A stage fails after the one before it; the first on the path knows why.
            filtered.and(encoded).and(muxed)
        })
    });
    let outcome = outcome.and(mux.finish());

    report.frames_in = pacer.taken;
    report.frames_repeated = pacer.repeated;
    report.frames_dropped = report.frames_in + report.frames_repeated - report.frames_encoded;
    report.dropped.rate = pacer.skipped;
    report.dropped.failure = report.frames_dropped - report.dropped.rate;
    report.stopped = controls.is_stopped();
    report.wall_s = started.elapsed().as_secs_f64();
    match outcome {
        Ok(()) if report.frames_encoded == 0 => {
            Err(Box::new(Failure { error: Error::not_readable("expected at least one frame but found none"), report }))
        }
        Ok(()) => Ok(report),
        Err(error) => Err(Box::new(Failure { error, report })),
    }
}

/// The source stage: frames as they come, then the error that ended them, if one did.
fn read(mut source: Box<dyn Source>, frames: SyncSender<Result<Frame>>) {
    let mut next = || {
        // Sources can be other people's code: one that panics is one that failed.
        catch_unwind(AssertUnwindSafe(|| source.next_frame())).unwrap_or_else(|_| Err(panicked("source"))).transpose()
    };
    while let Some(frame) = next() {
        let failed = frame.is_err();
        if frames.send(frame).is_err() || failed {
            return;
        }
    }
}

/// The filter stage: frames onto the canvas, through its filters, back as I420. While frames are waiting the GPU has
/// several under way; when none is, those that are come back at once.
fn filter(
    frames: Receiver<Result<Frame>>,
    mut capture: Capture,
    mut chain: LiveChain,
    pacer: &mut Pacer,
    controls: &Controls,
    packed: SyncSender<Frame>,
) -> Result<()> {
    let mut outcome = Ok(());
    let mut listening = true;
    while !pacer.is_done() && listening && !controls.is_stopped() {
        let frame = if capture.is_empty() {
            match frames.recv_timeout(STOP_INTERVAL) {
                Ok(frame) => frame,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            }
        } else {
            match frames.try_recv() {
                Ok(frame) => frame,
                Err(TryRecvError::Empty) => {
                    listening = pass_on(&mut capture, &packed)?;
                    continue;
                }
                Err(TryRecvError::Disconnected) => break,
            }
        };
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => {
                outcome = Err(error);
                break;
            }
        };
        chain.follow(controls, &mut capture);
        let mut due = Vec::new();
        pacer.push(frame, &mut |paced| due.push(paced));
        listening = render(due, &mut capture, &packed)?;
    }
    let mut due = Vec::new();
    if !pacer.is_done() {
        pacer.finish(&mut |paced| due.push(paced));
    }
    listening = listening && render(due, &mut capture, &packed)?;
    while listening && !capture.is_empty() {
        listening = pass_on(&mut capture, &packed)?;
    }
    outcome
}

/// The chain as it stands: a source that is drawn by a shader begins it.
struct LiveChain {
    drawing: FilterChain,
    filter: FilterChain,
}

impl LiveChain {
    fn whole(&self) -> FilterChain {
        self.drawing.clone().then(self.filter.clone())
    }

    /// Goes on with what was asked for meanwhile, if the GPU takes it.
    fn follow(&mut self, controls: &Controls, capture: &mut Capture) {
        let edits = controls.take_edits();
        if edits.drawing.is_none() && edits.filter.is_none() {
            return;
        }
        let next = Self {
            drawing: edits.drawing.unwrap_or_else(|| self.drawing.clone()),
            filter: edits.filter.unwrap_or_else(|| self.filter.clone()),
        };
        match capture.set_filter(&next.whole()) {
            Ok(()) => *self = next,
            Err(error) => controls.refuse(error),
        }
    }
}

/// Sends frames on their way through the GPU; false when nobody takes what comes back.
fn render(due: Vec<Paced>, capture: &mut Capture, packed: &SyncSender<Frame>) -> Result<bool> {
    for paced in due {
        if capture.is_full() && !pass_on(capture, packed)? {
            return Ok(false);
        }
        capture.submit(&paced.frame, paced.timestamp)?;
    }
    Ok(true)
}

/// Hands on the picture that comes back next; false when nobody takes it.
fn pass_on(capture: &mut Capture, packed: &SyncSender<Frame>) -> Result<bool> {
    Ok(match capture.take()? {
        Some(frame) => packed.send(frame).is_ok(),
        None => true,
    })
}

/// The encode stage: I420 in, the header once it is known, then packets.
fn encode(
    frames: Receiver<Frame>,
    mut encoder: Box<dyn VideoEncoder>,
    frame_span: Span,
    limit: Option<Span>,
    packets: SyncSender<Encoded>,
) -> Result<()> {
    let mut ready = Vec::new();
    let mut header_sent = false;
    let mut send = |encoder: &dyn VideoEncoder, ready: &mut Vec<EncodedPacket>| {
        if !header_sent && !ready.is_empty() {
            let (Some(codec), Some(codec_private)) = (encoder.codec_string(), encoder.codec_private()) else {
                let name = encoder.name();
                return Err(Error::unknown(format!(
                    "expected a sequence header in {name}'s first packet but found none"
                )));
            };
            header_sent = true;
            if packets.send(Encoded::Header { codec, codec_private }).is_err() {
                return Ok(false);
            }
        }
        Ok(ready.drain(..).all(|packet| packets.send(Encoded::Packet(packet)).is_ok()))
    };
    for frame in frames {
        let left = limit.map(|limit| Timestamp::ZERO + limit - frame.timestamp);
        let duration = left.map_or(frame_span, |left| left.min(frame_span));
        encoder.encode(&frame, duration, false, &mut ready)?;
        if !send(&*encoder, &mut ready)? {
            return Ok(());
        }
    }
    encoder.finish(&mut ready)?;
    send(&*encoder, &mut ready)?;
    Ok(())
}

/// The mux stage, on the thread that asked for the recording.
struct Mux<'a> {
    track: Option<WebmWriter<FileSink>>,
    /// The file, until the track begins.
    sink: Option<FileSink>,
    path: &'a Path,
    report: &'a mut Report,
    size: crate::frame::Size,
    expected: Option<Span>,
}

impl Mux<'_> {
    fn run(&mut self, packets: Receiver<Encoded>, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        for encoded in packets {
            match encoded {
                Encoded::Header { codec, codec_private } => {
                    self.report.codec = codec;
                    let track = VideoTrack { size: self.size, codec_private, color: ColorSpace::RECORDED };
                    if let Some(sink) = self.sink.take() {
                        self.track = Some(WebmWriter::new(sink, &track)?);
                    }
                }
                Encoded::Packet(packet) => {
                    let Some(track) = &mut self.track else { continue };
                    track.write(&packet).map_err(|error| error.at(self.path.display()))?;
                    let end = packet.timestamp + packet.duration - Timestamp::ZERO;
                    self.report.frames_encoded += 1;
                    self.report.duration_s = end.as_secs_f64();
                    self.report.bytes = track.bytes();
                    progress(Progress {
                        frames: self.report.frames_encoded,
                        recorded: end,
                        bytes: self.report.bytes,
                        expected: self.expected,
                    });
                }
            }
        }
        Ok(())
    }

    /// Ends the file; one that could not play is not left behind.
    fn finish(self) -> Result<()> {
        let Some(track) = self.track else { return Ok(()) };
        let least = track.least_playable();
        let Finished { sink, outcome, lost, end } = track.finish();
        self.report.bytes = sink.stored();
        self.report.frames_encoded -= lost.min(self.report.frames_encoded);
        self.report.duration_s = (end - Timestamp::ZERO).as_secs_f64();
        if outcome.is_err() && least.is_none_or(|least| sink.stored() < least) {
            self.report.frames_encoded = 0;
            self.report.duration_s = 0.0;
            self.report.bytes = 0;
            sink.discard();
        }
        outcome.map_err(|error| error.at(self.path.display()))
    }
}

fn expected_length(source: Option<(u64, Span)>, limit: Option<Span>) -> Option<Span> {
    let whole = source.map(|(frames, span)| Span::from_nanos(span.as_nanos().saturating_mul(frames as i64)));
    match (whole, limit) {
        (Some(whole), Some(limit)) => Some(whole.min(limit)),
        (whole, limit) => whole.or(limit),
    }
}

fn no_thread(error: std::io::Error) -> Error {
    Error::unknown("no thread could be started").with_source(error)
}

fn panicked(stage: &str) -> Error {
    Error::unknown(format!("the {stage} stage broke off: this is a fault in framereel"))
}
