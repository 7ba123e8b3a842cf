//! VP9's headers, for decoders, encoders and containers.
//!
//! Sources: VP9 Bitstream & Decoding Process Specification, version 0.6 (§ and Annex without more), and "VP Codec ISO
//! Media File Format Binding".

use crate::bits::Bits;
use crate::color::{ColorSpace, Matrix, Range};
use crate::frame::{BitDepth, Size};
use crate::time::FrameRate;

/// The head of a frame: what a reader must know before it decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vp9Head {
    /// 0 to 3; 0 is 8 bits a sample in 4:2:0.
    pub(crate) profile: u8,
    /// Whether a picture is shown; other frames are only references.
    pub(crate) shown: bool,
    /// The picture's size, where the frame does not take it from another.
    pub(crate) size: Option<Size>,
    /// What its samples mean, which key frames alone say.
    pub(crate) color: Option<Vp9Color>,
}

/// `color_space` and `color_range` (§7.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vp9Color {
    space: u8,
    full_range: bool,
}

impl Vp9Color {
    /// How the samples map to colours; none where the matrix is not one of [`Matrix`]. Where the frame names no matrix,
    /// it is `untagged`.
    pub(crate) fn color_space(self, untagged: Option<Matrix>) -> Option<ColorSpace> {
        let matrix = match self.space {
            0 => untagged?,
            1 | 3 => Matrix::Bt601,
            2 => Matrix::Bt709,
            5 => Matrix::Bt2020,
            _ => return None,
        };
        let range = if self.full_range { Range::Full } else { Range::Limited };
        Some(ColorSpace { matrix, range, ..ColorSpace::RECORDED })
    }
}

const SYNC_CODE: u32 = 0x49_83_42;

impl Vp9Head {
    /// How many bytes the longest head has, up to the size.
    pub(crate) const LONGEST: usize = 16;

    /// Reads the head at the beginning of a frame, `uncompressed_header()` up to the size (§6.2); none where it is cut
    /// or damaged. Of other profiles than 0, reads the profile alone.
    pub(crate) fn read(frame: &[u8]) -> Option<Self> {
        let bits = &mut Bits::new(frame);
        if bits.read(2)? != 2 {
            return None;
        }
        let profile = u8::from(bits.flag()?) | u8::from(bits.flag()?) << 1;
        let mut head = Self { profile, shown: true, size: None, color: None };
        if profile != 0 || bits.flag()? {
            // Or an earlier frame is shown.
            return Some(head);
        }
        let key = !bits.flag()?;
        head.shown = bits.flag()?;
        let resilient = bits.flag()?;
        if key {
            sync(bits)?;
            head.color = Some(Vp9Color { space: bits.read(3)? as u8, full_range: bits.flag()? });
            head.size = Some(size(bits)?);
            return Some(head);
        }
        let intra_only = !head.shown && bits.flag()?;
        if !resilient {
            // reset_frame_context
            bits.skip(2)?;
        }
        if intra_only {
            sync(bits)?;
            bits.skip(8)?;
            head.size = Some(size(bits)?);
            return Some(head);
        }
        // refresh_frame_flags, and three references of 4 bits.
        bits.skip(8 + 3 * 4)?;
        let from_reference = bits.flag()? || bits.flag()? || bits.flag()?;
        if !from_reference {
            head.size = Some(size(bits)?);
        }
        Some(head)
    }
}

fn sync(bits: &mut Bits) -> Option<()> {
    (bits.read(24)? == SYNC_CODE).then_some(())
}

fn size(bits: &mut Bits) -> Option<Size> {
    Some(Size::new(bits.read(16)? + 1, bits.read(16)? + 1))
}

/// Whether a block that ends with this byte may hold several frames.
pub(crate) fn ends_superframe(last: u8) -> bool {
    last & 0xe0 == 0xc0
}

/// The frames of a block: those that a superframe's index names (Annex B), else the whole block. None where the index is
/// damaged. Frames without a byte are left out.
pub(crate) fn frames(block: &[u8]) -> Option<Vec<&[u8]>> {
    let Some(&marker) = block.last().filter(|last| ends_superframe(**last)) else { return Some(vec![block]) };
    let (count, bytes) = (usize::from(marker & 7) + 1, usize::from(marker >> 3 & 3) + 1);
    let index = block.len().checked_sub(2 + count * bytes)?;
    if block[index] != marker {
        return Some(vec![block]);
    }
    let mut rest = &block[..index];
    let mut frames = Vec::with_capacity(count);
    for size in block[index + 1..block.len() - 1].chunks_exact(bytes) {
        let size = size.iter().rev().fold(0, |size, byte| size << 8 | usize::from(*byte));
        let (frame, behind) = rest.split_at_checked(size)?;
        if !frame.is_empty() {
            frames.push(frame);
        }
        rest = behind;
    }
    Some(frames)
}

/// The lowest level whose limits allow pictures of this size at this rate (Annex A), ten times: 31 is level 3.1. Of
/// larger ones the highest, 62.
pub(crate) fn level(size: Size, rate: FrameRate) -> u8 {
    // Level, most pixels shown a second, most pixels in a picture, the longest side.
    const LEVELS: [(u8, u64, u64, u32); 14] = [
        (10, 829_440, 36_864, 512),
        (11, 2_764_800, 73_728, 768),
        (20, 4_608_000, 122_880, 960),
        (21, 9_216_000, 245_760, 1344),
        (30, 20_736_000, 552_960, 2048),
        (31, 36_864_000, 983_040, 2752),
        (40, 83_558_400, 2_228_224, 4160),
        (41, 160_432_128, 2_228_224, 4160),
        (50, 311_951_360, 8_912_896, 8384),
        (51, 588_251_136, 8_912_896, 8384),
        (52, 1_176_502_272, 8_912_896, 8384),
        (60, 1_176_502_272, 35_651_584, 16_832),
        (61, 2_353_004_544, 35_651_584, 16_832),
        (62, 4_706_009_088, 35_651_584, 16_832),
    ];
    let a_second = size.pixels() as f64 * rate.as_f64();
    let fits = |&&(_, shown, pixels, side): &&(u8, u64, u64, u32)| {
        size.pixels() <= pixels && size.width.max(size.height) <= side && a_second <= shown as f64
    };
    LEVELS.iter().find(fits).unwrap_or(&LEVELS[LEVELS.len() - 1]).0
}

/// The profile of 4:2:0 with samples of this many bits (§7.2): 0, or 2 of more than 8.
const fn profile(depth: BitDepth) -> u8 {
    match depth {
        BitDepth::Eight => 0,
        BitDepth::Ten => 2,
    }
}

/// WebM's `CodecPrivate` of VP9 (WebM Container Guidelines, "VP9 Codec Feature Metadata"): the profile, the level, the
/// depth, 4:2:0 with chroma on the left.
pub(crate) fn features(level: u8, depth: BitDepth) -> Vec<u8> {
    let subsampling = 0;
    vec![1, 1, profile(depth), 2, 1, level, 3, 1, depth.bits(), 4, 1, subsampling]
}

/// The name in a `codecs` parameter ("VP Codec ISO Media File Format Binding") of video of this depth in these colours, in
/// limited range with chroma on the left: `vp09.00.31.08` of BT.709, `vp09.02.31.10.00.09.16.09.00` of BT.2020 in PQ.
pub(crate) fn codec_string(level: u8, depth: BitDepth, color: ColorSpace) -> String {
    let short = format!("vp09.{:02}.{level:02}.{:02}", profile(depth), depth.bits());
    match color.numbers() {
        [1, 1, 1] => short,
        [primaries, transfer, matrix] => format!("{short}.00.{primaries:02}.{transfer:02}.{matrix:02}.00"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{Primaries, Transfer};

    /// Bits from (value, count) pairs, as the specification writes them, and a byte of zeros.
    fn bytes(fields: &[(u64, u32)]) -> Vec<u8> {
        let bits: Vec<u64> =
            fields.iter().flat_map(|&(value, count)| (0..count).rev().map(move |bit| value >> bit & 1)).collect();
        let byte = |bits: &[u64]| (0..8).fold(0, |byte, at| byte << 1 | *bits.get(at).unwrap_or(&0) as u8);
        bits.chunks(8).map(byte).chain([0]).collect()
    }

    #[test]
    fn heads_are_read_as_the_specification_writes_them() {
        let sync = (u64::from(SYNC_CODE), 24);
        let size = [(1279, 16), (719, 16)];
        // frame_marker, profile, show_existing_frame, frame_type, show_frame, error_resilient_mode.
        let key = bytes(&[&[(2, 2), (0, 2), (0, 1), (0, 1), (1, 1), (0, 1), sync, (2, 3), (0, 1)][..], &size].concat());
        let head = Vp9Head::read(&key).unwrap();
        assert_eq!((head.shown, head.size), (true, Some(Size::new(1280, 720))));
        assert_eq!(head.color.unwrap().color_space(Some(Matrix::Bt601)), Some(ColorSpace::RECORDED));
        for len in 0..8 {
            assert_eq!(Vp9Head::read(&key[..len]), None, "{len} bytes");
        }
        let head_of = |fields: &[(u64, u32)]| {
            let head = Vp9Head::read(&bytes(fields)).unwrap();
            (head.profile, head.shown, head.size.map(|size| (size.width, size.height)), head.color)
        };
        let inter = [(2, 2), (0, 2), (0, 1), (1, 1), (1, 1), (0, 1), (0, 2), (1, 8), (0, 12)];
        assert_eq!(head_of(&[&inter[..], &[(0, 2), (1, 1)]].concat()), (0, true, None, None));
        assert_eq!(head_of(&[&inter[..], &[(0, 3)], &size].concat()), (0, true, Some((1280, 720)), None));
        let intra = [(2, 2), (0, 2), (0, 1), (1, 1), (0, 1), (1, 1), (1, 1), sync, (0, 8)];
        assert_eq!(head_of(&[&intra[..], &size].concat()), (0, false, Some((1280, 720)), None));
        assert_eq!(head_of(&[(2, 2), (0, 2), (1, 1), (3, 3)]), (0, true, None, None), "an earlier frame is shown");
        assert_eq!(head_of(&[(2, 2), (0b10, 2)]).0, 1, "the low bit comes first");
        assert_eq!(head_of(&[(2, 2), (0b01, 2)]).0, 2);
        assert_eq!(Vp9Head::read(&[0x00]), None);
    }

    #[test]
    fn a_superframe_is_taken_apart_by_its_index() {
        let (first, second) = ([0x84; 300], [0x86; 5]);
        // Two sizes of two bytes.
        let index = [0xc9, 44, 1, 5, 0, 0xc9];
        let superframe = [&first[..], &second, &index].concat();
        assert_eq!(frames(&superframe), Some(vec![&first[..], &second]));
        assert_eq!(frames(&first), Some(vec![&first[..]]));
        assert_eq!(frames(&[]), Some(vec![&[][..]]));
        let empty = [0x84, 0xc1, 0, 1, 0xc1];
        assert_eq!(frames(&empty), Some(vec![&[0x84][..]]));
        // Sizes beyond the block, an index beyond it, and a last byte that only looks like one.
        assert_eq!(frames(&[0x84, 0xc0, 2, 0xc0]), None);
        assert_eq!(frames(&[0xdf]), None);
        assert_eq!(frames(&[0x84, 1, 2, 0xc0]).unwrap().len(), 1);
    }

    #[test]
    fn a_level_holds_the_picture_and_its_rate() {
        for (width, height, rate, expected) in [
            (320, 180, 25, 11),
            (640, 360, 30, 21),
            (1280, 720, 25, 31),
            (1280, 720, 30, 31),
            (1280, 720, 60, 40),
            (1920, 1080, 30, 40),
            (1920, 1080, 60, 41),
            (3840, 2160, 60, 51),
            (600, 16, 10, 11),
            (20_000, 16, 30, 62),
        ] {
            assert_eq!(level(Size::new(width, height), FrameRate::whole(rate)), expected, "{width}x{height} at {rate}");
        }
        assert_eq!(codec_string(31, BitDepth::Eight, ColorSpace::RECORDED), "vp09.00.31.08");
        assert_eq!(codec_string(31, BitDepth::Ten, ColorSpace::RECORDED), "vp09.02.31.10");
        let hdr = ColorSpace {
            matrix: Matrix::Bt2020,
            primaries: Primaries::Bt2020,
            transfer: Transfer::Pq,
            ..ColorSpace::RECORDED
        };
        assert_eq!(codec_string(31, BitDepth::Ten, hdr), "vp09.02.31.10.00.09.16.09.00");
        assert_eq!(features(31, BitDepth::Eight), [1, 1, 0, 2, 1, 31, 3, 1, 8, 4, 1, 0]);
        assert_eq!(features(31, BitDepth::Ten), [1, 1, 2, 2, 1, 31, 3, 1, 10, 4, 1, 0]);
    }

    #[test]
    fn matrices_that_cannot_be_converted_are_told_apart_from_unspecified_ones() {
        let matrix = |space| {
            let color = Vp9Color { space, full_range: true }.color_space(Some(Matrix::Bt601));
            assert!(color.is_none_or(|color| color.range == Range::Full));
            color.map(|color| color.matrix)
        };
        let all = [0, 1, 2, 3, 4, 5, 6, 7].map(matrix);
        let (sd, hd, wide) = (Some(Matrix::Bt601), Some(Matrix::Bt709), Some(Matrix::Bt2020));
        assert_eq!(all, [sd, sd, hd, sd, None, wide, None, None]);
    }
}
