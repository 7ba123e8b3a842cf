//! What a container must know of an AV1 stream, read from the stream itself: both encoders share it, so that the file's
//! headers never say anything else than its frames do.
//!
//! Sources: AV1 bitstream specification (§ without more), "AV1 in ISOBMFF" and "AV1 in Matroska".

use crate::error::{Error, Result};
use crate::frame::Size;
use crate::time::FrameRate;

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;

/// A stream's sequence header, and what it says that a container repeats (§5.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SequenceHeader {
    /// The whole OBU, with its header and size.
    obu: Vec<u8>,
    profile: u8,
    level: u8,
    tier: bool,
    high_bitdepth: bool,
    twelve_bit: bool,
    monochrome: bool,
    subsampling: (bool, bool),
    chroma_sample_position: u8,
    /// Primaries, transfer, matrix (H.273); 2 is unspecified.
    color: [u8; 3],
    full_range: bool,
}

impl SequenceHeader {
    /// The first sequence header in a temporal unit of the low-overhead format; none where it has none.
    pub(super) fn find(unit: &[u8]) -> Result<Option<Self>> {
        for obu in Obus(unit) {
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

    fn parse(obu: &Obu) -> Option<Self> {
        let bits = &mut Bits { bytes: obu.payload, at: 0 };
        let profile = bits.take(3)? as u8;
        let _still_picture = bits.flag()?;
        let reduced = bits.flag()?;
        let (mut level, mut tier) = (0, false);
        if reduced {
            level = bits.take(5)? as u8;
        } else {
            let (mut decoder_model, mut delay_bits) = (false, 0);
            if bits.flag()? {
                bits.take(64)?;
                if bits.flag()? {
                    bits.uvlc()?;
                }
                decoder_model = bits.flag()?;
                if decoder_model {
                    delay_bits = bits.take(5)? as u32 + 1;
                    bits.take(32 + 5 + 5)?;
                }
            }
            let initial_display_delay = bits.flag()?;
            for point in 0..=bits.take(5)? {
                bits.take(12)?;
                let point_level = bits.take(5)? as u8;
                let point_tier = point_level > 7 && bits.flag()?;
                if point == 0 {
                    (level, tier) = (point_level, point_tier);
                }
                if decoder_model && bits.flag()? {
                    bits.take(2 * delay_bits + 1)?;
                }
                if initial_display_delay && bits.flag()? {
                    bits.take(4)?;
                }
            }
        }
        let (width_bits, height_bits) = (bits.take(4)? as u32 + 1, bits.take(4)? as u32 + 1);
        bits.take(width_bits + height_bits)?;
        if !reduced && bits.flag()? {
            bits.take(4 + 3)?;
        }
        // 128x128 superblocks, filter intra, intra edge filter.
        bits.take(3)?;
        if !reduced {
            // Inter-intra, masked compound, warped motion, dual filter.
            bits.take(4)?;
            let order_hint = bits.flag()?;
            if order_hint {
                bits.take(2)?;
            }
            let screen_content = bits.flag()? || bits.flag()?;
            if screen_content && !bits.flag()? {
                bits.take(1)?;
            }
            if order_hint {
                bits.take(3)?;
            }
        }
        // Super-resolution, CDEF, restoration.
        bits.take(3)?;

        let high_bitdepth = bits.flag()?;
        let twelve_bit = profile == 2 && high_bitdepth && bits.flag()?;
        let monochrome = profile != 1 && bits.flag()?;
        let color =
            if bits.flag()? { [bits.take(8)? as u8, bits.take(8)? as u8, bits.take(8)? as u8] } else { [2, 2, 2] };
        const SRGB: [u8; 3] = [1, 13, 0];
        let (full_range, subsampling) = if monochrome {
            (bits.flag()?, (true, true))
        } else if color == SRGB {
            (true, (false, false))
        } else {
            let full_range = bits.flag()?;
            let subsampling = match profile {
                0 => (true, true),
                1 => (false, false),
                _ if twelve_bit => {
                    let across = bits.flag()?;
                    (across, across && bits.flag()?)
                }
                _ => (true, false),
            };
            (full_range, subsampling)
        };
        let sited = !monochrome && subsampling == (true, true);
        let chroma_sample_position = if sited { bits.take(2)? as u8 } else { 0 };
        Some(Self {
            obu: obu.whole(),
            profile,
            level,
            tier,
            high_bitdepth,
            twelve_bit,
            monochrome,
            subsampling,
            chroma_sample_position,
            color,
            full_range,
        })
    }

    fn bit_depth(&self) -> u8 {
        match (self.high_bitdepth, self.twelve_bit) {
            (false, _) => 8,
            (true, false) => 10,
            (true, true) => 12,
        }
    }

    /// The payload of an av1C box: four bytes and the sequence header ("AV1 in ISOBMFF" §2.3.3), which is also
    /// Matroska's `CodecPrivate`.
    pub(super) fn av1c(&self) -> Vec<u8> {
        let flags =
            [self.tier, self.high_bitdepth, self.twelve_bit, self.monochrome, self.subsampling.0, self.subsampling.1];
        let flags = flags.into_iter().fold(0, |byte, flag| byte << 1 | u8::from(flag));
        let mut bytes = vec![0x81, self.profile << 5 | self.level, flags << 2 | self.chroma_sample_position, 0];
        bytes.extend_from_slice(&self.obu);
        bytes
    }

    /// The codec's name as `av01.0.05M.08` ("AV1 in ISOBMFF" §5): profile, level and tier, bit depth; the rest too
    /// where it is not the default of 4:2:0 BT.709 in limited range.
    pub(super) fn codec_string(&self) -> String {
        let tier = if self.tier { 'H' } else { 'M' };
        let short = format!("av01.{}.{:02}{tier}.{:02}", self.profile, self.level, self.bit_depth());
        let plain = !self.monochrome && self.subsampling == (true, true) && self.color == [1, 1, 1] && !self.full_range;
        if plain {
            return short;
        }
        let [primaries, transfer, matrix] = self.color;
        format!(
            "{short}.{}.{}{}{}.{primaries:02}.{transfer:02}.{matrix:02}.{}",
            u8::from(self.monochrome),
            u8::from(self.subsampling.0),
            u8::from(self.subsampling.1),
            self.chroma_sample_position,
            u8::from(self.full_range),
        )
    }
}

/// The lowest level whose bounds hold pictures of this size at this rate (Annex A.3), as `seq_level_idx`; none above 6.2.
pub(super) fn level(size: Size, rate: FrameRate) -> Option<u8> {
    // Level, most pixels in a picture, most columns, most rows, most pixels shown a second.
    const LEVELS: [(u8, u64, u32, u32, u64); 12] = [
        (0, 147_456, 2048, 1152, 4_423_680),
        (1, 278_784, 2816, 1584, 8_363_520),
        (4, 665_856, 4352, 2448, 19_975_680),
        (5, 1_065_024, 5504, 3096, 31_950_720),
        (8, 2_359_296, 6144, 3456, 70_778_880),
        (9, 2_359_296, 6144, 3456, 141_557_760),
        (12, 8_912_896, 8192, 4352, 267_386_880),
        (13, 8_912_896, 8192, 4352, 534_773_760),
        (14, 8_912_896, 8192, 4352, 1_069_547_520),
        (16, 35_651_584, 16384, 8704, 1_069_547_520),
        (17, 35_651_584, 16384, 8704, 2_139_095_040),
        (18, 35_651_584, 16384, 8704, 4_278_190_080),
    ];
    let a_second = size.pixels() as f64 * rate.as_f64();
    LEVELS
        .into_iter()
        .find(|&(_, pixels, columns, rows, shown)| {
            size.pixels() <= pixels && size.width <= columns && size.height <= rows && a_second <= shown as f64
        })
        .map(|level| level.0)
}

/// A temporal unit without its temporal delimiters, as a Matroska block holds it ("AV1 in Matroska", Block Data).
pub(super) fn without_delimiters(unit: &[u8]) -> Result<Vec<u8>> {
    let mut block = Vec::with_capacity(unit.len());
    for obu in Obus(unit) {
        let obu = obu?;
        if obu.kind != TEMPORAL_DELIMITER {
            block.extend_from_slice(obu.bytes);
        }
    }
    Ok(block)
}

/// One open bitstream unit (§5.3).
struct Obu<'a> {
    kind: u8,
    /// Header, size and payload.
    bytes: &'a [u8],
    payload: &'a [u8],
}

impl Obu<'_> {
    /// The OBU with a size field, which a configuration must have ("AV1 in ISOBMFF" §2.3.4).
    fn whole(&self) -> Vec<u8> {
        if self.bytes[0] & HAS_SIZE != 0 {
            return self.bytes.to_vec();
        }
        let header = self.bytes.len() - self.payload.len();
        let mut bytes = self.bytes[..header].to_vec();
        bytes[0] |= HAS_SIZE;
        let mut size = self.payload.len();
        while size > 0x7f {
            bytes.push(size as u8 | 0x80);
            size >>= 7;
        }
        bytes.push(size as u8);
        bytes.extend_from_slice(self.payload);
        bytes
    }
}

const HAS_EXTENSION: u8 = 0b100;
const HAS_SIZE: u8 = 0b10;

/// The OBUs of a temporal unit in turn. One without a size reaches to the end (§5.3.1).
struct Obus<'a>(&'a [u8]);

impl<'a> Obus<'a> {
    fn split(&mut self) -> Option<Obu<'a>> {
        let unit = self.0;
        let header = *unit.first()?;
        let mut start = if header & HAS_EXTENSION == 0 { 1 } else { 2 };
        let mut end = unit.len();
        if header & HAS_SIZE != 0 {
            let (size, length) = leb128(unit.get(start..)?)?;
            start += length;
            end = start.checked_add(size)?;
        }
        let obu = Obu { kind: header >> 3 & 0xf, bytes: unit.get(..end)?, payload: unit.get(start..end)? };
        self.0 = &unit[end..];
        Some(obu)
    }
}

impl<'a> Iterator for Obus<'a> {
    type Item = Result<Obu<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let obu = self.split().ok_or_else(|| {
            let left = std::mem::take(&mut self.0).len();
            Error::unknown(format!("expected whole AV1 OBUs but found one that reaches past the last {left} bytes"))
        });
        Some(obu)
    }
}

/// A size in 7-bit groups, least first (§4.10.5), and how many bytes it took.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, index + 1));
        }
    }
    None
}

/// Bits from the most significant on; none past the end.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// The next `count` bits; of more than 64, the last 64.
    fn take(&mut self, count: u32) -> Option<u64> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | u64::from(self.flag()?)))
    }

    /// §4.10.3.
    fn uvlc(&mut self) -> Option<()> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
        }
        if zeros < 32 {
            self.take(zeros)?;
        }
        Some(())
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

    #[test]
    fn a_level_holds_the_picture_and_its_rate() {
        for (width, height, rate, expected) in [
            (320, 180, 25, Some(0)),
            (1280, 720, 30, Some(5)),
            (1280, 720, 60, Some(8)),
            (1920, 1080, 30, Some(8)),
            (1920, 1080, 60, Some(9)),
            (3840, 2160, 60, Some(13)),
            (8000, 16, 30, Some(12)),
            (20000, 16, 30, None),
        ] {
            assert_eq!(level(Size::new(width, height), FrameRate::whole(rate)), expected, "{width}x{height} at {rate}");
        }
    }

    #[test]
    fn delimiters_go_and_all_else_stays() {
        let whole = unit(&header(), true);
        assert_eq!(without_delimiters(&whole).unwrap(), whole[2..]);
        assert!(without_delimiters(&[0x32, 0x80]).is_err());
    }
}
