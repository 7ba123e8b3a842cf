//! AV1's headers, for reading and for writing: the open bitstream units (OBUs) of a temporal unit, the sequence header,
//! and the fields that containers copy from it.
//!
//! Sources: AV1 Bitstream & Decoding Process Specification, version 1.0.0 with errata 1 (§ without more), "AV1 in ISOBMFF"
//! and "AV1 in Matroska".

mod sequence_header;

pub(crate) use sequence_header::SequenceHeader;

use crate::error::{Error, Result};
use crate::frame::Size;
use crate::time::FrameRate;

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const METADATA: u8 = 5;
const FRAME: u8 = 6;

/// The lowest level whose limits allow pictures of this size at this rate (Annex A.3), as `seq_level_idx`; none above
/// 6.2.
pub(crate) fn level(size: Size, rate: FrameRate) -> Option<u8> {
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
pub(crate) fn without_delimiters(unit: &[u8]) -> Result<Vec<u8>> {
    let mut block = Vec::with_capacity(unit.len());
    for obu in Obus(unit) {
        let obu = obu?;
        if obu.kind != TEMPORAL_DELIMITER {
            block.extend_from_slice(obu.bytes);
        }
    }
    Ok(block)
}

/// Whether a temporal unit holds a key frame (§5.9.2).
pub(crate) fn is_key_frame(unit: &[u8]) -> Result<bool> {
    const SHOW_EXISTING_FRAME: u8 = 0x80;
    const FRAME_TYPE: u8 = 0x60;
    const KEY_FRAME: u8 = 0;
    for obu in Obus(unit) {
        let obu = obu?;
        if matches!(obu.kind, FRAME_HEADER | FRAME)
            && obu.payload.first().is_some_and(|first| first & (SHOW_EXISTING_FRAME | FRAME_TYPE) == KEY_FRAME)
        {
            return Ok(true);
        }
    }
    Ok(false)
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

/// Iterates over the OBUs of a temporal unit. An OBU without a size reaches to the end (§5.3.1).
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

/// Reads a size in 7-bit groups, least first (§4.10.5); gives it with the number of bytes it took.
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

/// Whether decoding can start at a temporal unit: if so, it has a sequence header ("AV1 in Matroska", `SimpleBlock`).
pub(crate) fn has_sequence_header(unit: &[u8]) -> bool {
    Obus(unit).map_while(Result::ok).any(|obu| obu.kind == SEQUENCE_HEADER)
}

/// The film's brightest light in cd/m², by the metadata of a temporal unit (§5.8): the greatest content light level, or
/// else the peak of the display on which it was graded. None where neither is said.
pub(crate) fn peak(unit: &[u8]) -> Option<u16> {
    const CONTENT_LIGHT_LEVEL: u8 = 1;
    const MASTERING_DISPLAY: u8 = 2;
    let (mut content, mut display) = (None, None);
    for obu in Obus(unit).map_while(Result::ok).filter(|obu| obu.kind == METADATA) {
        match obu.payload {
            [CONTENT_LIGHT_LEVEL, high, low, ..] => content = Some(u16::from_be_bytes([*high, *low])),
            // After six chromaticities and two of white, of two bytes each: cd/m² in 24.8 fixed point.
            [MASTERING_DISPLAY, rest @ ..] if rest.len() >= 20 => {
                let peak = u32::from_be_bytes([rest[16], rest[17], rest[18], rest[19]]) >> 8;
                display = u16::try_from(peak).ok();
            }
            _ => {}
        }
    }
    content.filter(|peak| *peak > 0).or(display.filter(|peak| *peak > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_the_contents_or_else_the_displays() {
        let content = |level: u16| [&[0x2a, 6, 1][..], &level.to_be_bytes(), &[0, 100, 0x80]].concat();
        let display = [&[0x2a, 26, 2][..], &[0; 16], &(1000_u32 << 8).to_be_bytes(), &[0, 0, 0, 1, 0x80]].concat();
        assert_eq!(peak(&content(700)), Some(700));
        assert_eq!(peak(&display), Some(1000));
        assert_eq!(peak(&[display.clone(), content(700)].concat()), Some(700));
        assert_eq!(peak(&[content(0), display].concat()), Some(1000));
        for len in 0..8 {
            assert!(peak(&content(700)[..len]).is_none(), "{len} bytes");
        }
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
        // A temporal delimiter and a sequence header of two bytes.
        let whole = [0x12, 0, 0x0a, 2, 7, 7];
        assert_eq!(without_delimiters(&whole).unwrap(), whole[2..]);
        assert!(has_sequence_header(&whole) && !has_sequence_header(&whole[..2]));
        assert!(without_delimiters(&[0x32, 0x80]).is_err());
    }
}
