//! What a file says of the video, by the header of ffmpeg's output and its first packet.

use crate::av1::SequenceHeader;
use crate::codec::VideoCodec;
use crate::encode::EncoderConfig;
use crate::error::{Error, Result};
use crate::frame::Size;
use crate::mux::matroska::Track;
use crate::time::FrameRate;

/// The track's `CodecPrivate` and its codec's full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CodecHeader {
    pub private: Vec<u8>,
    pub codec_string: String,
}

impl CodecHeader {
    /// Reads both from the header of ffmpeg's output, where that is Matroska, and from the first packet, a key frame.
    ///
    /// # Errors
    /// `UnknownError` where they do not have what the codec needs.
    pub fn read(track: Option<&Track>, first: &[u8], config: &EncoderConfig) -> Result<Self> {
        let missing =
            || Error::unknown(format!("expected a header of {} in ffmpeg's output but found none", config.codec));
        let of = |wanted: &str| track.filter(|track| track.codec == wanted).ok_or_else(missing);
        let (private, codec_string) = match config.codec {
            VideoCodec::Av1 => {
                let header = SequenceHeader::find(first)?.ok_or_else(missing)?;
                (header.av1c(), header.codec_string())
            }
            VideoCodec::H264 => {
                let track = of("V_MPEG4/ISO/AVC")?;
                (track.private.clone(), track.codec_string().ok_or_else(missing)?)
            }
            VideoCodec::Hevc => {
                let track = of("V_MPEGH/ISO/HEVC")?;
                (track.private.clone(), hevc_string(&track.private).ok_or_else(missing)?)
            }
            VideoCodec::Vp9 => {
                let level = vp9_level(config.size, config.rate);
                // Profile, level, bit depth, chroma between two rows on the left (WebM's "VP9 Codec Feature Metadata").
                let features = vec![1, 1, 0, 2, 1, level, 3, 1, 8, 4, 1, 0];
                (features, format!("vp09.00.{level:02}.08"))
            }
            VideoCodec::Vp8 => (Vec::new(), "vp8".to_owned()),
            _ => return Err(missing()),
        };
        Ok(Self { private, codec_string })
    }
}

/// `hvc1.P.C.TL.B…` from an hvcC (ISO/IEC 14496-15 §8.3.3.1 and Annex E.3).
fn hevc_string(hvcc: &[u8]) -> Option<String> {
    let [1, profile, c0, c1, c2, c3, constraints @ .., level] = hvcc.get(..13)? else { return None };
    let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    // The compatibility flags are written from the last to the first.
    let compatible = u32::from_be_bytes([*c0, *c1, *c2, *c3]).reverse_bits();
    let mut string = format!("hvc1.{space}{}.{compatible:X}.{tier}{level}", profile & 0x1f);
    let used = constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    constraints[..used].iter().for_each(|byte| string += &format!(".{byte:X}"));
    Some(string)
}

/// The lowest level whose limits allow pictures of this size at this rate ("VP9 Levels", WebM Project): 10 for 1.0.
fn vp9_level(size: Size, rate: FrameRate) -> u8 {
    // Level, most pixels a second, most pixels in a picture, longest side.
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
        (60, 1_176_502_272, 35_651_584, 16832),
        (61, 2_353_004_544, 35_651_584, 16832),
        (62, 4_706_009_088, 35_651_584, 16832),
    ];
    let a_second = size.pixels() as f64 * rate.as_f64();
    let side = size.width.max(size.height);
    let found = LEVELS
        .iter()
        .find(|&&(_, shown, pixels, longest)| a_second <= shown as f64 && size.pixels() <= pixels && side <= longest);
    found.map_or(62, |level| level.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hevc_are_those_of_its_standard() {
        // Main profile, level 3.1, as x265 and Apple's encoder write them.
        let hvcc = [1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93, 0xf0];
        assert_eq!(hevc_string(&hvcc).as_deref(), Some("hvc1.1.6.L93.B0"));
        let hvcc = [1, 0x22, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 123, 0xf0];
        assert_eq!(hevc_string(&hvcc).as_deref(), Some("hvc1.2.4.H123.90"));
        assert_eq!(hevc_string(&[1, 1]), None);
    }

    #[test]
    fn levels_of_vp9_follow_size_and_rate() {
        for (width, height, rate, level) in
            [(320, 180, 25, 11), (1280, 720, 25, 31), (1280, 720, 60, 40), (1920, 1080, 30, 40), (3840, 2160, 60, 51)]
        {
            assert_eq!(vp9_level(Size::new(width, height), FrameRate::whole(rate)), level, "{width}x{height}@{rate}");
        }
    }
}
