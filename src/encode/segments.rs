//! Encodes the frames from one key frame to the next apart from all others, several such segments at the same time: for
//! an encoder whose own threads do not use every core. The packets come in the order of the frames and are the same for
//! any number of threads.
//!
//! A segment is encoded once its last frame is there, so this is for frames that come as fast as they are taken
//! ([`EncoderConfig::offline`]).
//!
//! # Budget
//! At the nominal frame rate the frames of all segments together hold at most [`FIXED_BYTES`] and [`THREAD_BYTES`] for each
//! thread, or else three segments: where segments are long or frames are large, fewer are encoded at the same time. A
//! segment longer than [`SEGMENT_BYTES`] is cut by a key frame, whatever the number of threads. The encoders' own copies
//! come on top.

use super::ordered_workers::OrderedWorkers;
use super::{EncoderConfig, KeyRhythm, VideoEncoder};
use crate::error::Result;
use crate::frame::Frame;
use crate::packet::EncodedPacket;
use crate::time::Span;

/// The longest segment, in bytes of its frames.
const SEGMENT_BYTES: usize = 256 << 20;
const FIXED_BYTES: usize = 512 << 20;
const THREAD_BYTES: usize = 128 << 20;
/// More threads would only wait for memory.
const MOST_THREADS: usize = 64;

/// Opens the encoder of one segment. Its packets must not depend on its number of threads.
type OpenSegment = fn(&EncoderConfig) -> Result<Box<dyn VideoEncoder>>;

/// Encodes segments side by side.
pub(super) struct SegmentEncoder {
    name: &'static str,
    config: EncoderConfig,
    open: OpenSegment,
    /// The encoder of the first segment.
    first: Option<Box<dyn VideoEncoder>>,
    workers: OrderedWorkers<Result<EncodedSegment>>,
    keys: KeyRhythm,
    /// The frames since the last key frame, each with its duration.
    segment: Vec<(Frame, Span)>,
    /// How many frames a segment has at most.
    longest: usize,
    header: SegmentHeader,
    results: Vec<Result<EncodedSegment>>,
    /// Whether a segment failed: those after it are not wanted.
    has_failed: bool,
}

/// What an encoder says of its stream: the same for every segment. None while it does not know it.
#[derive(Debug, Clone)]
struct SegmentHeader {
    codec_private: Option<Vec<u8>>,
    codec_string: Option<String>,
}

impl SegmentHeader {
    fn of(encoder: &dyn VideoEncoder) -> Self {
        Self { codec_private: encoder.codec_private(), codec_string: encoder.codec_string() }
    }
}

/// The packets of a segment. After an error, those before it.
struct EncodedSegment {
    header: SegmentHeader,
    packets: Vec<EncodedPacket>,
    outcome: Result<()>,
}

impl SegmentEncoder {
    /// Segments by encoders that `open` opens, with this name.
    ///
    /// # Errors
    /// Those of `open`; `UnknownError` when no thread can be started.
    pub fn new(name: &'static str, config: &EncoderConfig, open: OpenSegment) -> Result<Self> {
        let frame = Frame::packed_len(config.pixel_format(), config.size);
        let longest = (SEGMENT_BYTES / frame).max(1);
        let usual = (config.rate.frames_in(config.key_interval) as usize).clamp(1, longest) * frame;
        let threads = config.threads.clamp(1, MOST_THREADS);
        // One more waits for a thread, and another one takes frames.
        let first = open(config)?;
        let room = (FIXED_BYTES + THREAD_BYTES * threads) / usual;
        let workers = room.saturating_sub(2).clamp(1, threads);
        Ok(Self {
            name,
            open,
            workers: OrderedWorkers::new("segment encoder", workers, workers + 1)?,
            keys: KeyRhythm::new(config.key_interval),
            segment: Vec::new(),
            longest,
            header: SegmentHeader::of(&*first),
            first: Some(first),
            results: Vec::new(),
            has_failed: false,
            config: config.clone(),
        })
    }

    /// Gives the frames since the last key frame to a thread.
    fn submit(&mut self) -> Result<()> {
        let (frames, config, open) = (std::mem::take(&mut self.segment), self.config.clone(), self.open);
        let first = self.first.take();
        let encode = move || encode_segment(frames, first.map_or_else(|| open(&config), Ok)?);
        self.workers.submit(encode, &mut self.results)
    }

    /// Appends the packets of the segments that are done, unless a thread failed (`worked`) or a segment did.
    fn take_results(&mut self, worked: Result<()>, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        for result in std::mem::take(&mut self.results) {
            if self.has_failed {
                break;
            }
            let taken = result.and_then(|EncodedSegment { header, packets: its, outcome }| {
                packets.extend(its);
                if header.codec_private.is_some() {
                    self.header = header;
                }
                outcome
            });
            self.has_failed = taken.is_err();
            taken?;
        }
        self.has_failed |= worked.is_err();
        worked
    }
}

/// Encodes the frames of a segment; each is freed once the encoder has taken it.
fn encode_segment(frames: Vec<(Frame, Span)>, mut encoder: Box<dyn VideoEncoder>) -> Result<EncodedSegment> {
    let _span = tracing::debug_span!("segment").entered();
    let mut packets = Vec::with_capacity(frames.len());
    let taken = frames
        .into_iter()
        .enumerate()
        .try_for_each(|(index, (frame, duration))| encoder.encode(&frame, duration, index == 0, &mut packets));
    let outcome = taken.and(encoder.finish(&mut packets));
    Ok(EncodedSegment { header: SegmentHeader::of(&*encoder), packets, outcome })
}

impl VideoEncoder for SegmentEncoder {
    fn name(&self) -> &str {
        self.name
    }

    fn codec_private(&self) -> Option<Vec<u8>> {
        self.header.codec_private.clone()
    }

    fn codec_string(&self) -> Option<String> {
        self.header.codec_string.clone()
    }

    fn encode(&mut self, frame: &Frame, duration: Span, key: bool, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.config.check(frame)?;
        let is_long = self.segment.len() >= self.longest;
        let key = self.keys.falls_on(frame.timestamp, duration, key || is_long);
        let submitted = if key && !self.segment.is_empty() { self.submit() } else { Ok(()) };
        self.segment.push((frame.clone(), duration));
        self.take_results(submitted, packets)
    }

    fn poll(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        let polled = self.workers.poll(&mut self.results);
        self.take_results(polled, packets)
    }

    fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        let submitted = if self.segment.is_empty() { Ok(()) } else { self.submit() };
        let finished = submitted.and(self.workers.finish(&mut self.results));
        self.take_results(finished, packets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;
    use crate::time::FrameRate;

    const RATE: FrameRate = FrameRate::whole(25);

    /// A packet for each frame, which holds the frame's number in its segment. It fails at frame 33 of the film.
    #[derive(Default)]
    struct Numbering(u8);

    impl VideoEncoder for Numbering {
        fn name(&self) -> &str {
            "numbering"
        }

        fn codec_private(&self) -> Option<Vec<u8>> {
            (self.0 > 0).then(|| vec![7])
        }

        fn codec_string(&self) -> Option<String> {
            (self.0 > 0).then(|| "numbers".to_owned())
        }

        fn encode(&mut self, frame: &Frame, duration: Span, key: bool, packets: &mut Vec<EncodedPacket>) -> Result<()> {
            if frame.timestamp == RATE.timestamp(33) {
                return Err(crate::Error::unknown("frame 33"));
            }
            packets.push(EncodedPacket::new(vec![self.0], frame.timestamp, duration, key));
            self.0 += 1;
            Ok(())
        }

        fn finish(&mut self, _packets: &mut Vec<EncodedPacket>) -> Result<()> {
            Ok(())
        }
    }

    /// The packets of so many frames, and the error if there was one.
    fn encoded(config: &EncoderConfig, frames: u64, asked: u64) -> (Vec<EncodedPacket>, Result<()>) {
        let mut encoder = SegmentEncoder::new("numbering", config, |_| Ok(Box::<Numbering>::default())).unwrap();
        let (black, mut packets) = (Frame::black(config.size), Vec::new());
        let taken = (0..frames).try_for_each(|index| {
            let frame = black.clone().with_timestamp(RATE.timestamp(index));
            encoder.encode(&frame, RATE.frame_span(), index == asked, &mut packets)
        });
        let outcome = taken.and(encoder.finish(&mut packets));
        assert_eq!((encoder.codec_private(), encoder.codec_string()), (Some(vec![7]), Some("numbers".to_owned())));
        (packets, outcome)
    }

    fn keys(packets: &[EncodedPacket]) -> Vec<usize> {
        packets.iter().enumerate().filter(|(_, packet)| packet.key).map(|(index, _)| index).collect()
    }

    #[test]
    fn segments_begin_at_key_frames_and_their_packets_come_in_order() {
        let config = EncoderConfig::new(Size::new(64, 48), RATE).with_key_interval(Span::from_millis(400));
        let (one, _) = encoded(&config.clone().with_threads(1), 30, 25);
        assert_eq!((one.len(), keys(&one)), (30, vec![0, 10, 20, 25]));
        assert!(one.iter().zip(0..).all(|(packet, index)| packet.timestamp == RATE.timestamp(index)));
        let numbers: Vec<u8> = one.iter().map(|packet| packet.data[0]).collect();
        assert_eq!(numbers[18..27], [8, 9, 0, 1, 2, 3, 4, 0, 1]);
        for threads in [2, 8] {
            assert!(encoded(&config.clone().with_threads(threads), 30, 25).0 == one, "{threads}");
        }
    }

    #[test]
    fn a_segment_of_large_frames_is_cut_at_the_same_places_for_any_number_of_threads() {
        // 96 MiB a frame.
        let config = EncoderConfig::new(Size::new(8192, 8192), RATE);
        for threads in [1, 8] {
            assert_eq!(keys(&encoded(&config.clone().with_threads(threads), 7, 0).0), [0, 2, 4, 6], "{threads}");
        }
    }

    #[test]
    fn an_error_comes_after_the_packets_before_it() {
        let config = EncoderConfig::new(Size::new(64, 48), RATE).with_key_interval(Span::from_millis(400));
        let (packets, outcome) = encoded(&config.with_threads(2), 100, 0);
        assert_eq!(packets.len(), 33);
        assert_eq!(outcome.unwrap_err().to_string(), "frame 33");
    }
}
