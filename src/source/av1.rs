//! What an AV1 sequence header says of the pictures to come: their depth, layout and colours.
//!
//! The decoder knows all this too, but its safe interface neither tells an unknown chroma position from a colocated one
//! nor survives reserved numbers. The section numbers are those of the AV1 Bitstream & Decoding Process Specification,
//! version 1.0.0 with errata 1.

use crate::color::{ColorSpace, Matrix, Range, Siting};

/// The part of `sequence_header_obu` (§5.5.1) that matters to what comes after decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SequenceHeader {
    /// The largest picture's width in pixels.
    pub(super) max_width: u32,
    /// The largest picture's height in pixels.
    pub(super) max_height: u32,
    /// Bits a sample: 8, 10 or 12.
    pub(super) bit_depth: u8,
    /// `matrix_coefficients` (H.273); 2 is unspecified.
    matrix: u8,
    full_range: bool,
    /// `chroma_sample_position` (§6.4.2); 0 is unknown.
    chroma_position: u8,
}

impl SequenceHeader {
    /// The first sequence header among these OBUs: a temporal unit, or what follows the first 4 bytes of an `av1C`.
    pub(super) fn find(obus: &[u8]) -> Option<Self> {
        Obus(obus)
            .find(|(kind, _)| *kind == OBU_SEQUENCE_HEADER)
            .and_then(|(_, payload)| parse(&mut Bits::new(payload)))
    }

    /// How the pictures' values map to colours; none where it is not by one of the matrices of [`Matrix`].
    pub(super) fn color(&self, height: u32) -> Option<ColorSpace> {
        let matrix = match self.matrix {
            1 => Matrix::Bt709,
            4..=6 => Matrix::Bt601,
            9 => Matrix::Bt2020,
            2 => ColorSpace::untagged(height).matrix,
            _ => return None,
        };
        let range = if self.full_range { Range::Full } else { Range::Limited };
        let siting = if self.chroma_position == 2 { Siting::TopLeft } else { Siting::Left };
        Some(ColorSpace { matrix, range, siting })
    }
}

/// Whether a temporal unit can start decoding: such a one carries a sequence header ("AV1 in Matroska", `SimpleBlock`).
pub(super) fn has_sequence_header(unit: &[u8]) -> bool {
    Obus(unit).any(|(kind, _)| kind == OBU_SEQUENCE_HEADER)
}

const OBU_SEQUENCE_HEADER: u8 = 1;

/// The OBUs of a temporal unit as their types and payloads (§5.3); ends at the first that is damaged.
struct Obus<'a>(&'a [u8]);

impl<'a> Iterator for Obus<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&header, mut rest) = self.0.split_first()?;
        if header & 0b100 != 0 {
            rest = rest.get(1..)?;
        }
        let size = if header & 0b10 != 0 {
            let (size, after) = leb128(rest)?;
            rest = after;
            size
        } else {
            rest.len()
        };
        let (payload, rest) = rest.split_at_checked(size)?;
        self.0 = rest;
        Some((header >> 3 & 0b1111, payload))
    }
}

/// §4.10.5.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().enumerate().take(8) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// `f(count)`, at most 32 bits; none past the end.
    fn read(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.position / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.position % 8) & 1);
            self.position += 1;
        }
        Some(value)
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.read(1)? == 1)
    }

    /// `uvlc()` (§4.10.3), of which only the length matters here.
    fn skip_uvlc(&mut self) -> Option<()> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
        }
        if zeros < 32 {
            self.read(zeros)?;
        }
        Some(())
    }
}

/// `sequence_header_obu()` (§5.5.1).
fn parse(bits: &mut Bits) -> Option<SequenceHeader> {
    let profile = bits.read(3)?;
    let _still_picture = bits.flag()?;
    let reduced = bits.flag()?;
    if reduced {
        bits.read(5)?;
    } else {
        operating_points(bits)?;
    }
    let width_bits = bits.read(4)? + 1;
    let height_bits = bits.read(4)? + 1;
    let max_width = bits.read(width_bits)? + 1;
    let max_height = bits.read(height_bits)? + 1;
    if !reduced && bits.flag()? {
        bits.read(4 + 3)?;
    }
    bits.read(3)?;
    if !reduced {
        tools(bits)?;
    }
    bits.read(3)?;
    let header =
        SequenceHeader { max_width, max_height, bit_depth: 8, matrix: 2, full_range: false, chroma_position: 0 };
    color_config(bits, profile, header)
}

/// From `timing_info_present_flag` to the last operating point.
fn operating_points(bits: &mut Bits) -> Option<()> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.read(32)?;
        bits.read(32)?;
        if bits.flag()? {
            bits.skip_uvlc()?;
        }
        if bits.flag()? {
            delay_bits = Some(bits.read(5)? + 1);
            bits.read(32)?;
            bits.read(5 + 5)?;
        }
    }
    let initial_display_delay = bits.flag()?;
    for _ in 0..bits.read(5)? + 1 {
        bits.read(12)?;
        if bits.read(5)? > 7 {
            bits.read(1)?;
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.read(delay_bits)?;
            bits.read(delay_bits)?;
            bits.read(1)?;
        }
        if initial_display_delay && bits.flag()? {
            bits.read(4)?;
        }
    }
    Some(())
}

/// From `enable_interintra_compound` to `order_hint_bits_minus_1`.
fn tools(bits: &mut Bits) -> Option<()> {
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

/// `color_config()` (§5.5.2).
fn color_config(bits: &mut Bits, profile: u32, mut header: SequenceHeader) -> Option<SequenceHeader> {
    let high = bits.flag()?;
    header.bit_depth = match (profile, high) {
        (2, true) if bits.flag()? => 12,
        (_, true) => 10,
        (_, false) => 8,
    };
    let mono = profile != 1 && bits.flag()?;
    let (mut primaries, mut transfer) = (2, 2);
    if bits.flag()? {
        primaries = bits.read(8)?;
        transfer = bits.read(8)?;
        header.matrix = bits.read(8)? as u8;
    }
    if mono {
        header.full_range = bits.flag()?;
        return Some(header);
    }
    if (primaries, transfer, header.matrix) == (1, 13, 0) {
        header.full_range = true;
        return Some(header);
    }
    header.full_range = bits.flag()?;
    let halved_both_ways = match (profile, header.bit_depth) {
        (0, _) => true,
        (2, 12) => bits.flag()? && bits.flag()?,
        _ => false,
    };
    if halved_both_ways {
        header.chroma_position = bits.read(2)? as u8;
    }
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A temporal delimiter and libaom's sequence header for 64×64 pixels in 4:2:0 without colour tags.
    const UNIT: [u8; 14] = [0x12, 0, 0x0a, 0x0a, 0, 0, 0, 0x02, 0xaf, 0xff, 0x9b, 0x5f, 0x20, 0x08];

    #[test]
    fn a_sequence_header_tells_size_depth_and_that_colours_are_not_tagged() {
        let header = SequenceHeader::find(&UNIT).unwrap();
        assert_eq!((header.max_width, header.max_height, header.bit_depth), (64, 64, 8));
        assert_eq!(header.color(64), Some(ColorSpace::untagged(64)));
        assert_eq!(header.color(720), Some(ColorSpace::untagged(720)));
        assert!(has_sequence_header(&UNIT));
        assert!(!has_sequence_header(&UNIT[..2]));
    }

    #[test]
    fn matrices_that_cannot_be_converted_are_told_apart_from_unspecified_ones() {
        let header = SequenceHeader::find(&UNIT).unwrap();
        for (matrix, expected) in [(1, Some(Matrix::Bt709)), (5, Some(Matrix::Bt601)), (6, Some(Matrix::Bt601))] {
            assert_eq!(SequenceHeader { matrix, ..header }.color(64).map(|color| color.matrix), expected);
        }
        for matrix in [0, 3, 7, 8, 10, 14, 255] {
            assert_eq!(SequenceHeader { matrix, ..header }.color(64), None, "{matrix}");
        }
        let colocated = SequenceHeader { chroma_position: 2, ..header }.color(64).unwrap();
        assert_eq!(colocated.siting, Siting::TopLeft);
    }

    #[test]
    fn a_sequence_header_cut_anywhere_is_none_and_a_damaged_one_never_panics() {
        for len in 0..UNIT.len() {
            assert_eq!(SequenceHeader::find(&UNIT[..len]), None, "cut at {len}");
        }
        for place in 0..UNIT.len() * 8 {
            let mut damaged = UNIT;
            damaged[place / 8] ^= 1 << (place % 8);
            SequenceHeader::find(&damaged);
        }
    }
}
