//! What a file says of the video, by the header of ffmpeg's output and its first packet.

use crate::av1::SequenceHeader;
use crate::codec::VideoCodec;
use crate::encode::EncoderConfig;
use crate::error::{Error, Result};
use crate::mux::matroska::Track;
use crate::mux::mp4::hevc_string;
use crate::vp9;

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
                (track.private.clone(), hevc_name(&track.private).ok_or_else(missing)?)
            }
            VideoCodec::Vp9 => {
                let level = vp9::level(config.size, config.rate);
                (vp9::features(level, config.depth), vp9::codec_string(level, config.depth, config.color))
            }
            VideoCodec::Vp8 => (Vec::new(), "vp8".to_owned()),
            _ => return Err(missing()),
        };
        Ok(Self { private, codec_string })
    }
}

/// The name of a stream with this hvcC, whose version is 1.
fn hevc_name(hvcc: &[u8]) -> Option<String> {
    hevc_string(*b"hvc1", hvcc).filter(|_| hvcc[0] == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hevc_are_those_of_its_standard() {
        // Main profile, level 3.1, as x265 and Apple's encoder write them.
        let hvcc = [1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93, 0xf0];
        assert_eq!(hevc_name(&hvcc).as_deref(), Some("hvc1.1.6.L93.B0"));
        let hvcc = [1, 0x22, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 123, 0xf0];
        assert_eq!(hevc_name(&hvcc).as_deref(), Some("hvc1.2.4.H123.90"));
        assert_eq!(hevc_name(&[1, 1]), None);
    }
}
