//! The sequence header (§5.5): the parameters that all frames of a stream share.
//!
//! The decoder reads this header too, but its safe interface does not distinguish an unknown chroma position from a
//! colocated one, and panics at reserved numbers. Headers of written files are made from the sequence header of the
//! stream itself, so that they always agree with its frames.

use super::{Obu, Obus, SEQUENCE_HEADER};
use crate::bits::Bits;
use crate::color::{ColorSpace, Matrix, Primaries, Range, Siting, Transfer};
use crate::error::{Error, Result};

/// A stream's sequence header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SequenceHeader {
    /// The whole OBU, with its header and size.
    obu: Vec<u8>,
    profile: u8,
    level: u8,
    tier: bool,
    /// The largest frame's width in pixels.
    pub(crate) max_width: u32,
    /// The largest frame's height in pixels.
    pub(crate) max_height: u32,
    color: ColorConfig,
}

/// How the frames' samples are laid out and what they mean (§5.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ColorConfig {
    /// Bits a sample: 8, 10 or 12.
    bit_depth: u8,
    monochrome: bool,
    /// Whether chroma is halved across, and down.
    subsampling: (bool, bool),
    /// `chroma_sample_position` (§6.4.2); 0 is unknown.
    chroma_position: u8,
    /// Primaries, transfer and matrix (H.273); 2 is unspecified.
    description: [u8; 3],
    full_range: bool,
}

impl SequenceHeader {
    /// The first sequence header among these OBUs, which are in the low-overhead format: a temporal unit, or an `av1C`
    /// from its fifth byte on. None where there is none.
    ///
    /// # Errors
    /// `UnknownError` when an OBU before the header, or the header itself, ends too soon.
    pub(crate) fn find(obus: &[u8]) -> Result<Option<Self>> {
        for obu in Obus(obus) {
            let obu = obu?;
            if obu.kind == SEQUENCE_HEADER {
                let header = Self::parse(&obu).ok_or_else(|| {
                    Error::unknown(format!(
                        "expected a whole AV1 sequence header but found {} bytes that end too soon",
                        obu.payload.len()
                    ))
                })?;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// `sequence_header_obu()` (§5.5.1).
    fn parse(obu: &Obu) -> Option<Self> {
        let bits = &mut Bits::new(obu.payload);
        let profile = bits.read(3)? as u8;
        let _still_picture = bits.flag()?;
        let reduced = bits.flag()?;
        let (level, tier) = if reduced { (bits.read(5)? as u8, false) } else { operating_points(bits)? };
        let (width_bits, height_bits) = (bits.read(4)? + 1, bits.read(4)? + 1);
        let (max_width, max_height) = (bits.read(width_bits)? + 1, bits.read(height_bits)? + 1);
        if !reduced && bits.flag()? {
            // The lengths of frame numbers.
            bits.read(4 + 3)?;
        }
        // 128x128 superblocks, filter intra, intra edge filter.
        bits.read(3)?;
        if !reduced {
            tools(bits)?;
        }
        // Super-resolution, CDEF, restoration.
        bits.read(3)?;
        let color = ColorConfig::parse(bits, profile)?;
        Some(Self { obu: obu.whole(), profile, level, tier, max_width, max_height, color })
    }

    /// Bits a sample: 8, 10 or 12.
    #[cfg(test)]
    pub(crate) fn bit_depth(&self) -> u8 {
        self.color.bit_depth
    }

    /// How the frames' values map to colours; none where the matrix is not one of [`Matrix`]. Where the header
    /// specifies no matrix, `height` decides.
    pub(crate) fn color_space(&self, height: u32) -> Option<ColorSpace> {
        let matrix = match self.color.description[2] {
            1 => Matrix::Bt709,
            4..=6 => Matrix::Bt601,
            9 => Matrix::Bt2020,
            2 => ColorSpace::untagged(height).matrix,
            _ => return None,
        };
        let range = if self.color.full_range { Range::Full } else { Range::Limited };
        let siting = if self.color.chroma_position == 2 { Siting::TopLeft } else { Siting::Left };
        let transfer = match self.color.description[1] {
            16 => Transfer::Pq,
            18 => Transfer::Hlg,
            _ => Transfer::Sdr,
        };
        let primaries = match self.color.description[0] {
            9 => Primaries::Bt2020,
            12 => Primaries::DisplayP3,
            // BT.2100 knows no others.
            2 if transfer != Transfer::Sdr => Primaries::Bt2020,
            _ => Primaries::Bt709,
        };
        Some(ColorSpace { matrix, range, siting, primaries, transfer, ..ColorSpace::RECORDED })
    }

    /// The payload of an av1C box: four bytes and the sequence header ("AV1 in ISOBMFF" §2.3.3), which is also
    /// Matroska's `CodecPrivate`.
    pub(crate) fn av1c(&self) -> Vec<u8> {
        let ColorConfig { bit_depth, monochrome, subsampling, chroma_position, .. } = self.color;
        let flags = [self.tier, bit_depth > 8, bit_depth > 10, monochrome, subsampling.0, subsampling.1];
        let flags = flags.into_iter().fold(0, |byte, flag| byte << 1 | u8::from(flag));
        let mut bytes = vec![0x81, self.profile << 5 | self.level, flags << 2 | chroma_position, 0];
        bytes.extend_from_slice(&self.obu);
        bytes
    }

    /// The codec's name as `av01.0.05M.08` ("AV1 in ISOBMFF" §5): profile, level and tier, bit depth; then the colour
    /// fields unless they all have the default values (4:2:0, BT.709, limited range).
    pub(crate) fn codec_string(&self) -> String {
        let ColorConfig { bit_depth, monochrome, subsampling, chroma_position, description, full_range } = self.color;
        let tier = if self.tier { 'H' } else { 'M' };
        let short = format!("av01.{}.{:02}{tier}.{bit_depth:02}", self.profile, self.level);
        let plain = !monochrome && subsampling == (true, true) && description == [1, 1, 1] && !full_range;
        if plain {
            return short;
        }
        let [primaries, transfer, matrix] = description;
        format!(
            "{short}.{}.{}{}{}.{primaries:02}.{transfer:02}.{matrix:02}.{}",
            u8::from(monochrome),
            u8::from(subsampling.0),
            u8::from(subsampling.1),
            chroma_position,
            u8::from(full_range),
        )
    }
}

/// Skips from `timing_info_present_flag` to the last operating point; gives the first one's level and tier.
fn operating_points(bits: &mut Bits) -> Option<(u8, bool)> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.skip(64)?;
        if bits.flag()? {
            bits.skip_uvlc()?;
        }
        if bits.flag()? {
            delay_bits = Some(bits.read(5)? + 1);
            bits.skip(32 + 5 + 5)?;
        }
    }
    let initial_display_delay = bits.flag()?;
    let mut first = None;
    for _ in 0..bits.read(5)? + 1 {
        bits.read(12)?;
        let level = bits.read(5)? as u8;
        let tier = level > 7 && bits.flag()?;
        first.get_or_insert((level, tier));
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.skip(2 * delay_bits + 1)?;
        }
        if initial_display_delay && bits.flag()? {
            bits.read(4)?;
        }
    }
    first
}

/// Skips from `enable_interintra_compound` to `order_hint_bits_minus_1`.
fn tools(bits: &mut Bits) -> Option<()> {
    // Inter-intra, masked compound, warped motion, dual filter.
    bits.read(4)?;
    let order_hint = bits.flag()?;
    if order_hint {
        bits.read(2)?;
    }
    let screen_content = bits.flag()? || bits.flag()?;
    if screen_content && !bits.flag()? {
        bits.read(1)?;
    }
    if order_hint {
        bits.read(3)?;
    }
    Some(())
}

impl ColorConfig {
    /// `color_config()` (§5.5.2).
    fn parse(bits: &mut Bits, profile: u8) -> Option<Self> {
        const SRGB: [u8; 3] = [1, 13, 0];
        let bit_depth = match (profile, bits.flag()?) {
            (2, true) if bits.flag()? => 12,
            (_, true) => 10,
            (_, false) => 8,
        };
        let monochrome = profile != 1 && bits.flag()?;
        let described = bits.flag()?;
        let description =
            if described { [bits.read(8)? as u8, bits.read(8)? as u8, bits.read(8)? as u8] } else { [2, 2, 2] };
        let (full_range, subsampling) = if monochrome {
            (bits.flag()?, (true, true))
        } else if description == SRGB {
            (true, (false, false))
        } else {
            let full_range = bits.flag()?;
            let subsampling = match (profile, bit_depth) {
                (0, _) => (true, true),
                (1, _) => (false, false),
                (_, 12) => {
                    let across = bits.flag()?;
                    (across, across && bits.flag()?)
                }
                _ => (true, false),
            };
            (full_range, subsampling)
        };
        let sited = !monochrome && subsampling == (true, true);
        let chroma_position = if sited { bits.read(2)? as u8 } else { 0 };
        Some(Self { bit_depth, monochrome, subsampling, chroma_position, description, full_range })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 64x48, 8 bit 4:2:0, level 5 (3.1), BT.709 limited, chroma "vertical": written bit by bit from §5.5.
    fn header() -> Vec<u8> {
        let fields: &[(u64, u32)] = &[
            (0, 3), // seq_profile
            (0, 1), // still_picture
            (0, 1), // reduced_still_picture_header
            (0, 1), // timing_info_present_flag
            (0, 1), // initial_display_delay_present_flag
            (0, 5), // operating_points_cnt_minus_1
            (0, 12),
            (5, 5), // seq_level_idx
            (5, 4),
            (5, 4),
            (63, 6),
            (47, 6),
            (0, 1), // frame_id_numbers_present_flag
            (0, 3),
            (0, 4),
            (1, 1), // enable_order_hint
            (0, 2),
            (1, 1), // seq_choose_screen_content_tools
            (1, 1), // seq_choose_integer_mv
            (6, 3), // order_hint_bits_minus_1
            (0, 3),
            (0, 1), // high_bitdepth
            (0, 1), // mono_chrome
            (1, 1), // color_description_present_flag
            (1, 8),
            (1, 8),
            (1, 8),
            (0, 1), // color_range
            (1, 2), // chroma_sample_position
            (0, 1), // separate_uv_delta_q
            (0, 1), // film_grain_params_present
            (1, 1), // trailing bit
        ];
        let mut bits = fields.iter().flat_map(|&(value, count)| (0..count).rev().map(move |bit| value >> bit & 1));
        let mut bytes = Vec::new();
        while let Some(first) = bits.next() {
            bytes.push((1..8).fold(first as u8, |byte, _| byte << 1 | bits.next().unwrap_or(0) as u8));
        }
        bytes
    }

    fn unit(payload: &[u8], with_size: bool) -> Vec<u8> {
        let mut unit = vec![0x12, 0];
        if with_size {
            unit.extend([0x0a, payload.len() as u8]);
        } else {
            unit.push(0x08);
        }
        unit.extend_from_slice(payload);
        unit
    }

    #[test]
    fn a_sequence_header_is_read_as_the_specification_writes_it() {
        let payload = header();
        for with_size in [true, false] {
            let found = SequenceHeader::find(&unit(&payload, with_size)).unwrap().unwrap();
            assert_eq!(found.codec_string(), "av01.0.05M.08");
            assert_eq!((found.max_width, found.max_height, found.bit_depth()), (64, 48, 8));
            assert_eq!(found.color_space(48), Some(ColorSpace { siting: Siting::Left, ..ColorSpace::RECORDED }));
            let av1c = found.av1c();
            assert_eq!(av1c[..4], [0x81, 0x05, 0b0000_1101, 0]);
            assert_eq!(av1c[4..6], [0x0a, payload.len() as u8], "a size is written where there was none");
            assert_eq!(av1c[6..], payload);
        }
    }

    #[test]
    fn a_cut_header_is_an_error_at_every_length() {
        let whole = unit(&header(), true);
        for length in 3..whole.len() {
            assert!(SequenceHeader::find(&whole[..length]).is_err(), "{length} bytes");
        }
        for length in 0..10 {
            let cut = &header()[..length];
            assert!(SequenceHeader::find(&unit(cut, true)).is_err(), "a payload of {length} bytes");
        }
        assert_eq!(SequenceHeader::find(&whole[..2]).unwrap(), None, "only a delimiter");
    }

    /// A temporal delimiter and libaom's sequence header for 64×64 pixels in 4:2:0 without colour tags.
    const UNTAGGED: [u8; 14] = [0x12, 0, 0x0a, 0x0a, 0, 0, 0, 0x02, 0xaf, 0xff, 0x9b, 0x5f, 0x20, 0x08];

    #[test]
    fn where_colours_are_not_tagged_the_height_decides() {
        let header = SequenceHeader::find(&UNTAGGED).unwrap().unwrap();
        assert_eq!((header.max_width, header.max_height, header.bit_depth()), (64, 64, 8));
        for height in [64, 720] {
            assert_eq!(header.color_space(height), Some(ColorSpace::untagged(height)));
        }
    }

    #[test]
    fn matrices_that_cannot_be_converted_are_told_apart_from_unspecified_ones() {
        let header = SequenceHeader::find(&UNTAGGED).unwrap().unwrap();
        let with = |matrix: u8| {
            let color = ColorConfig { description: [2, 2, matrix], ..header.color };
            SequenceHeader { color, ..header.clone() }.color_space(64)
        };
        for (matrix, expected) in [(1, Matrix::Bt709), (5, Matrix::Bt601), (6, Matrix::Bt601), (9, Matrix::Bt2020)] {
            assert_eq!(with(matrix).map(|color| color.matrix), Some(expected));
        }
        for matrix in [0, 3, 7, 8, 10, 14, 255] {
            assert_eq!(with(matrix), None, "{matrix}");
        }
        let color = ColorConfig { chroma_position: 2, ..header.color };
        let colocated = SequenceHeader { color, ..header }.color_space(64).unwrap();
        assert_eq!(colocated.siting, Siting::TopLeft);
    }

    #[test]
    fn a_header_with_any_bit_turned_never_panics() {
        for place in 0..UNTAGGED.len() * 8 {
            let mut damaged = UNTAGGED;
            damaged[place / 8] ^= 1 << (place % 8);
            // Whatever it says then.
            drop(SequenceHeader::find(&damaged));
        }
    }
}
