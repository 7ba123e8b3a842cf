//! Encodes frames as pictures: PNG, JPEG or WebP, each by itself, on every core.
//!
//! A packet is a whole file of its format. With [`EncoderConfig::partial`], which animated files ask for, a packet that
//! is no key frame holds only the rectangle that changed since the frame before, and replaces it: a PNG file whose
//! place is in an `oFFs` chunk (PNG extensions 1.4, §4.2.2), or an `ANMF` chunk of WebP (RFC 9649 §2.7.1.1). A frame in
//! which nothing changed is a rectangle of one pixel, so that every frame has a packet.
//!
//! Without alpha ([`EncoderConfig::alpha`]), and in JPEG, transparent pixels are laid over black.
//!
//! # Budget
//! The frames in flight, and so their packets, hold at most [`IN_FLIGHT_BYTES`] beyond one frame, whatever their size
//! and the number of threads.

use super::ordered_workers::OrderedWorkers;
use super::picture_codec::{PictureCodec, PicturePixels};
use super::{EncoderConfig, KeyRhythm, VideoEncoder};
use crate::error::Result;
use crate::frame::{Frame, PixelRect, Size};
use crate::packet::EncodedPacket;
use crate::time::Span;

/// The most bytes of frames that wait for their encoding or are being encoded.
const IN_FLIGHT_BYTES: usize = 256 << 20;
/// More threads would only wait for memory.
const MOST_THREADS: usize = 64;

/// Encodes frames as pictures.
pub struct PictureEncoder {
    config: EncoderConfig,
    codec: PictureCodec,
    workers: OrderedWorkers<Result<EncodedPacket>>,
    rhythm: KeyRhythm,
    /// The last frame, for what changed since; only with `partial`.
    last: Option<Frame>,
    results: Vec<Result<EncodedPacket>>,
}

impl PictureEncoder {
    /// An encoder of the pictures that `config` names.
    ///
    /// # Errors
    /// `NotSupportedError` for settings that need a feature which is not built in; `UnknownError` when no thread can be
    /// started.
    pub fn new(config: &EncoderConfig) -> Result<Self> {
        let codec = PictureCodec::new(config)?;
        let threads = config.threads.clamp(1, MOST_THREADS);
        let frame = config.size.pixels() as usize * 4;
        // Two more than threads keep these busy while the oldest picture is waited for.
        let in_flight = (IN_FLIGHT_BYTES / frame).clamp(1, threads + 2);
        let workers = OrderedWorkers::new("picture encoder", threads.min(in_flight), in_flight)?;
        let rhythm = KeyRhythm::new(config.key_interval);
        Ok(Self { config: config.clone(), codec, workers, rhythm, last: None, results: Vec::new() })
    }

    fn take_results(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        for result in self.results.drain(..) {
            packets.push(result?);
        }
        Ok(())
    }

    /// The part of a frame that its packet holds; none for all of it.
    fn part(&mut self, frame: &Frame, duration: Span, key: bool) -> Option<PixelRect> {
        if !self.config.partial || !self.codec.has_parts() {
            return None;
        }
        let last = self.last.replace(frame.clone());
        if self.rhythm.falls_on(frame.timestamp, duration, key) {
            return None;
        }
        let whole = PixelRect::whole(frame.size());
        let changed = changed(&last?, frame)?;
        let part = self.codec.aligned(changed);
        if part == whole {
            // Decoding can begin here too.
            self.rhythm.last = Some(frame.timestamp);
            return None;
        }
        Some(part)
    }
}

impl VideoEncoder for PictureEncoder {
    fn name(&self) -> &str {
        self.config.codec.name()
    }

    fn codec_private(&self) -> Option<Vec<u8>> {
        Some(Vec::new())
    }

    fn codec_string(&self) -> Option<String> {
        Some(self.config.codec.name().to_owned())
    }

    fn encode(&mut self, frame: &Frame, duration: Span, key: bool, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.config.check(frame)?;
        let part = self.part(frame, duration, key);
        let (codec, frame) = (self.codec.clone(), frame.clone());
        let work = move || {
            let rect = part.unwrap_or(PixelRect::whole(frame.size()));
            let data = codec.encode(&PicturePixels::of(&frame, rect, codec.keeps_alpha()), part)?;
            Ok(EncodedPacket::new(data, frame.timestamp, duration, part.is_none()))
        };
        let given = self.workers.submit(work, &mut self.results);
        self.take_results(packets)?;
        given
    }

    fn poll(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        let polled = self.workers.poll(&mut self.results);
        self.take_results(packets)?;
        polled
    }

    fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        let finished = self.workers.finish(&mut self.results);
        self.take_results(packets)?;
        finished
    }
}

/// The smallest rectangle outside of which two frames of one size are the same; one pixel where they are the same
/// everywhere. None where the sizes differ.
fn changed(before: &Frame, frame: &Frame) -> Option<PixelRect> {
    const PIXEL: usize = 4;
    if before.size() != frame.size() {
        return None;
    }
    let Size { width, height } = frame.size();
    let rows: Vec<(&[u8], &[u8])> = before.rows(0).zip(frame.rows(0)).collect();
    let differs = |(before, now): &(&[u8], &[u8])| before != now;
    let Some(top) = rows.iter().position(differs) else {
        return Some(PixelRect { x: 0, y: 0, size: Size::new(1, 1) });
    };
    let bottom = rows.iter().rposition(differs).map_or(height as usize, |last| last + 1);
    let (mut left, mut right) = (width as usize, 0);
    for (before, now) in &rows[top..bottom] {
        let (before, now) = (before.as_chunks::<PIXEL>().0, now.as_chunks::<PIXEL>().0);
        let differs = |x: &usize| before[*x] != now[*x];
        left = (0..left).find(differs).unwrap_or(left);
        right = (right..width as usize).rev().find(differs).map_or(right, |last| last + 1);
    }
    let size = Size::new((right - left) as u32, (bottom - top) as u32);
    Some(PixelRect { x: left as u32, y: top as u32, size })
}

#[cfg(test)]
mod tests;
