//! Frames in the form in which ffmpeg gets them: Matroska of uncompressed I420 (RFC 9559 §5.1.4.1.21, `V_UNCOMPRESSED`),
//! a cluster for each frame.
//!
//! Raw video without a container has neither times nor marks. Here each frame has its time, so that the rate control of
//! a film of variable rate knows for how long each frame is shown; and the last bit of the time says whether the frame
//! is to be a key frame: [`KEY_FRAMES`] is the expression by which ffmpeg reads it. (Raw frames are all marked as key
//! frames by their decoder, so that `-force_key_frames source` cannot choose; times of key frames would have to be known
//! when ffmpeg starts.)

use std::io::{self, Write};

use crate::encode::EncoderConfig;
use crate::frame::{BitDepth, Frame, Size};
use crate::mux::ebml::{element, id_bytes, long_header, uint};
use crate::mux::matroska::id;
use crate::time::{Span, Timestamp};

/// The length of a tick, in nanoseconds: of Matroska's `TimestampScale` and of ffmpeg's `-enc_time_base`.
const TICK: i64 = 1_000;
/// The same for ffmpeg.
pub(super) const TIME_BASE: &str = "1:1000000";
/// ffmpeg's expression that is 1 for the frames that are to be key frames: those of odd times.
pub(super) const KEY_FRAMES: &str = "expr:mod(round(t*1000000),2)";

const EBML_VERSIONS: [(u32, u64); 6] = [(0x4286, 1), (0x42f7, 1), (0x42f2, 4), (0x42f3, 8), (0x4287, 4), (0x4285, 2)];
const TRACK_UID: u32 = 0x73c5;
const FLAG_LACING: u32 = 0x9c;
const FLAG_INTERLACED: u32 = 0x9a;
const UNCOMPRESSED_FOURCC: u32 = 0x2e_b524;
const COLOUR: u32 = 0x55b0;

/// The times of the frames as ffmpeg gets them: even numbers of ticks for ordinary frames, odd ones for key frames.
#[derive(Debug, Default)]
pub(super) struct MarkedTimes {
    last: Option<(Timestamp, u64)>,
}

impl MarkedTimes {
    /// The longest time between two frames that the rate control gets to see.
    const MAX_GAP: i64 = 60_000_000;

    /// The ticks of the next frame, which is shown from this time on. The first frame has 0, which is a key frame anyway.
    pub fn mark(&mut self, time: Timestamp, key: bool) -> u64 {
        let even = self.last.map_or(0, |(last, ticks)| {
            let gap = ((time - last).as_nanos() + TICK) / (2 * TICK) * 2;
            (ticks & !1) + gap.clamp(2, Self::MAX_GAP) as u64
        });
        let ticks = even + u64::from(key && self.last.is_some());
        self.last = Some((time, even));
        ticks
    }
}

/// The file's beginning: pictures of this size, of the configuration's depth, colours and nominal rate.
pub(super) fn header(size: Size, config: &EncoderConfig) -> Vec<u8> {
    // The code of planar 4:2:0 with 10 bits, least significant byte first, is ffmpeg's.
    let fourcc = if config.depth > BitDepth::Eight { b"Y3\x0b\x0a" } else { b"I420" };
    let [primaries, transfer, matrix] = config.color.numbers().map(u64::from);
    // Limited range, and chroma on the left between two rows: RFC 9559 §5.1.4.1.28.
    let colour = [(0x55b1, matrix), (0x55ba, transfer), (0x55bb, primaries), (0x55b9, 1), (0x55b7, 1), (0x55b8, 2)];
    let numbers = |fields: &[(u32, u64)]| fields.iter().flat_map(|&(id, value)| uint(id, value, 1)).collect::<Vec<_>>();
    let ebml = [numbers(&EBML_VERSIONS), element(id::DOC_TYPE, b"matroska")].concat();
    let application = concat!("framereel ", env!("CARGO_PKG_VERSION")).as_bytes();
    let info = [
        uint(id::TIMESTAMP_SCALE, TICK as u64, 1),
        element(id::MUXING_APP, application),
        element(id::WRITING_APP, application),
    ];
    let video = [
        numbers(&[(id::PIXEL_WIDTH, size.width.into()), (id::PIXEL_HEIGHT, size.height.into()), (FLAG_INTERLACED, 2)]),
        element(UNCOMPRESSED_FOURCC, fourcc),
        element(COLOUR, &numbers(&colour)),
    ];
    let track = [
        numbers(&[(id::TRACK_NUMBER, 1), (TRACK_UID, 1), (id::TRACK_TYPE, 1), (FLAG_LACING, 0)]),
        element(id::CODEC_ID, b"V_UNCOMPRESSED"),
        uint(id::DEFAULT_DURATION, config.rate.frame_span().max(Span::from_nanos(1)).as_nanos() as u64, 1),
        element(id::VIDEO, &video.concat()),
    ];
    // A segment of unknown length.
    let segment = [id_bytes(id::SEGMENT), vec![0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]];
    let tracks = element(id::TRACKS, &element(id::TRACK_ENTRY, &track.concat()));
    [element(id::EBML, &ebml), segment.concat(), element(id::INFO, &info.concat()), tracks].concat()
}

/// Writes a frame as a cluster. A frame smaller than `size` by a column or a row is continued by its last one.
pub(super) fn write_frame(pipe: &mut impl Write, frame: &Frame, size: Size, ticks: u64) -> io::Result<()> {
    let length = Frame::packed_len(frame.format(), size) as u64;
    let time = uint(id::TIMESTAMP, ticks, 8);
    // Track 1, at the cluster's own time, a key frame to Matroska.
    const BLOCK: [u8; 4] = [0x81, 0, 0, 0x80];
    let block = long_header(id::SIMPLE_BLOCK, BLOCK.len() as u64 + length);
    let cluster = time.len() as u64 + block.len() as u64 + BLOCK.len() as u64 + length;
    let mut bytes = Vec::with_capacity(64 + length as usize);
    for part in [&long_header(id::CLUSTER, cluster)[..], &time, &block, &BLOCK] {
        bytes.extend_from_slice(part);
    }
    for plane in 0..frame.format().planes() {
        let (width, height) = frame.format().plane_size(plane, size);
        let (mut rows, sample) = (0, frame.format().bits().div_ceil(8) as usize);
        let mut add = |row: &[u8]| {
            bytes.extend_from_slice(row);
            let last = row.get(row.len().saturating_sub(sample)..).unwrap_or_default();
            bytes.extend(last.iter().cycle().take(width - row.len()));
        };
        for row in frame.rows(plane) {
            add(row);
            rows += 1;
        }
        if let Some(last) = frame.rows(plane).last() {
            (rows..height).for_each(|_| add(last));
        }
    }
    pipe.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorSpace;
    use crate::frame::PixelFormat;

    #[test]
    fn times_keep_to_two_microseconds_and_their_last_bit_marks_key_frames() {
        let mut times = MarkedTimes::default();
        let mark = |times: &mut MarkedTimes, nanos, key| times.mark(Timestamp::from_nanos(nanos), key);
        let base = 5_000_000_000;
        assert_eq!(mark(&mut times, base, true), 0);
        assert_eq!(mark(&mut times, base + 40_000_000, false), 40_000);
        assert_eq!(mark(&mut times, base + 80_000_000, true), 80_001);
        assert_eq!(mark(&mut times, base + 113_333_333, false), 113_334);
        // Two frames never have the same, and a gap of an hour is a minute.
        assert_eq!(mark(&mut times, base + 113_333_334, true), 113_337);
        assert_eq!(mark(&mut times, base + 3_600_000_000_000, false), 60_113_336);
    }

    #[test]
    fn an_odd_frame_is_continued_by_its_last_column_and_row() {
        let size = Size::new(3, 3);
        let data = vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22, 23, 30, 31, 32, 33];
        let frame = Frame::packed(PixelFormat::I420, size, ColorSpace::RECORDED, data);
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &frame, Size::new(4, 4), 7).unwrap();
        let expected = [1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 7, 8, 9, 9, 20, 21, 22, 23, 30, 31, 32, 33];
        assert!(bytes.ends_with(&expected), "{bytes:?}");
        assert_eq!(bytes.len(), 12 + 10 + 9 + 4 + expected.len());
    }
}
