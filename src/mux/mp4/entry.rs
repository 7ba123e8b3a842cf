//! What a file says of its tracks' encodings: sample entries and their configuration boxes, made from what a track
//! brings ([`VideoTrack::codec_private`], [`AudioTrack::codec_private`]).
//!
//! | codec | sample entry | configuration | by |
//! |---|---|---|---|
//! | AV1 | `av01` | `av1C`, as it comes | "AV1 in ISOBMFF" |
//! | VP9 | `vp09` | `vpcC`, from WebM's list of features, else from the first key frame | "VP Codec ISO Media File Format Binding" |
//! | H.264 | `avc1` | `avcC`, as it comes | ISO/IEC 14496-15 |
//! | HEVC | `hvc1` | `hvcC`, as it comes | ISO/IEC 14496-15 |
//! | Opus | `Opus` | `dOps`, from the OpusHead | "Encapsulation of Opus in ISO Base Media File Format" |
//! | AAC | `mp4a` | `esds`, with the AudioSpecificConfig | ISO/IEC 14496-14 |

use super::boxes::{BoxWriter, FourCc, boxed};
use crate::av1::SequenceHeader;
use crate::codec::{AudioCodec, VideoCodec};
use crate::color::Range;
use crate::error::{Error, Result};
use crate::frame::Size;
use crate::mux::tracks::{AudioTrack, VideoTrack};

/// The length of an OpusHead without a channel mapping (RFC 7845 §5.1).
const OPUS_HEAD: usize = 19;

/// The track's whole configuration box, if the track says enough; none if the first key frame must be read for it.
///
/// # Errors
/// `NotSupportedError` for a codec that MP4 files do not hold here, and for H.264 and HEVC without a configuration.
pub(crate) fn video_config(track: &VideoTrack) -> Result<Option<Vec<u8>>> {
    let private = &track.codec_private;
    let kind = match track.codec {
        VideoCodec::Av1 => *b"av1C",
        VideoCodec::H264 => *b"avcC",
        VideoCodec::Hevc => *b"hvcC",
        VideoCodec::Vp9 => {
            let features = Vp9Features::of_webm(private);
            return Ok(features.map(|features| features.vpcc(track)));
        }
        codec => {
            return Err(Error::not_supported(format!(
                "expected AV1, H.264, VP9 or HEVC in an MP4 file but found {codec}"
            )));
        }
    };
    if !private.is_empty() {
        return Ok(Some(boxed(kind, private)));
    }
    if track.codec == VideoCodec::Av1 {
        return Ok(None);
    }
    let box_name = super::boxes::name(kind);
    Err(Error::not_supported(format!(
        "expected the payload of {box_name} for a track of {} but found none",
        track.codec
    )))
}

/// The configuration box that the first key frame gives.
///
/// # Errors
/// `UnknownError` for a frame without such a header.
pub(crate) fn video_config_of_frame(track: &VideoTrack, frame: &[u8]) -> Result<Vec<u8>> {
    let config = match track.codec {
        VideoCodec::Av1 => SequenceHeader::find(frame)?.map(|header| boxed(*b"av1C", &header.av1c())),
        VideoCodec::Vp9 => Vp9Features::of_frame(frame, track.size).map(|features| features.vpcc(track)),
        _ => None,
    };
    config.ok_or_else(|| {
        let codec = track.codec;
        Error::unknown(format!(
            "expected a key frame of {codec} at the beginning but found {} other bytes",
            frame.len()
        ))
    })
}

/// Writes the sample entry of a video track (§12.1.3).
pub(crate) fn write_video(boxes: &mut BoxWriter, track: &VideoTrack, config: &[u8]) {
    let kind: FourCc = match track.codec {
        VideoCodec::Vp9 => *b"vp09",
        VideoCodec::H264 => *b"avc1",
        VideoCodec::Hevc => *b"hvc1",
        _ => *b"av01",
    };
    boxes.boxed(kind, |entry| {
        entry.zeros(6);
        // The data reference.
        entry.u16(1);
        entry.zeros(16);
        entry.u16(side(track.size.width));
        entry.u16(side(track.size.height));
        // 72 dots an inch, twice.
        entry.u32(0x48_0000);
        entry.u32(0x48_0000);
        entry.u32(0);
        // Frames a sample, and the compressor's name, which is empty.
        entry.u16(1);
        entry.zeros(32);
        // 24 bits of colour, and no table of colours.
        entry.u16(24);
        entry.u16(0xffff);
        entry.bytes(config);
        entry.boxed(*b"colr", |colr| {
            colr.bytes(b"nclx");
            track.color.numbers().into_iter().for_each(|number| colr.u16(number.into()));
            colr.u8(if track.color.range == Range::Full { 0x80 } else { 0 });
        });
        entry.boxed(*b"pasp", |pasp| {
            pasp.u32(1);
            pasp.u32(1);
        });
    });
}

fn side(pixels: u32) -> u16 {
    u16::try_from(pixels).unwrap_or(u16::MAX)
}

/// What `vpcC` says of VP9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Vp9Features {
    profile: u8,
    level: u8,
    depth: u8,
    /// 1 is 4:2:0 with chroma where the luma of its block's corner is ("VP Codec ISO Media File Format Binding").
    subsampling: u8,
}

impl Vp9Features {
    /// By WebM's `CodecPrivate`: an identifier, a length of 1, and a value each. None for an empty or a wrong one.
    fn of_webm(private: &[u8]) -> Option<Self> {
        let value =
            |wanted| private.chunks_exact(3).find(|feature| feature[..2] == [wanted, 1]).map(|feature| feature[2]);
        let profile = value(1)?;
        Some(Self { profile, level: value(2)?, depth: value(3)?, subsampling: value(4).unwrap_or(1) })
    }

    /// By the uncompressed header of a key frame (VP9 bitstream specification §6.2). It has no level: that is the lowest
    /// which allows pictures of this size, at up to 30 a second (Annex A).
    fn of_frame(frame: &[u8], size: Size) -> Option<Self> {
        const LEVELS: [(u64, u8); 8] = [
            (36_864, 10),
            (122_880, 20),
            (245_760, 21),
            (552_960, 30),
            (983_040, 31),
            (2_228_224, 40),
            (8_912_896, 50),
            (35_651_584, 60),
        ];
        let bits = |from: usize, count: usize| {
            (from..from + count)
                .try_fold(0_u32, |value, bit| Some(value << 1 | u32::from(*frame.get(bit / 8)? >> (7 - bit % 8) & 1)))
        };
        let profile = bits(2, 1)? | bits(3, 1)? << 1;
        // After the marker and the profile, which has one bit more where it is 3: not a frame that exists already; a key
        // frame; shown, error resilient; then the sync code.
        let at = if profile == 3 { 5 } else { 4 };
        if bits(0, 2)? != 2 || bits(at, 2)? != 0 || bits(at + 4, 24)? != 0x49_8342 {
            return None;
        }
        let mut at = at + 28;
        let mut depth = 8;
        if profile >= 2 {
            depth = if bits(at, 1)? == 1 { 12 } else { 10 };
            at += 1;
        }
        const SRGB: u32 = 7;
        let subsampling = match (bits(at, 3)? == SRGB, profile % 2 == 1) {
            (true, _) => 3,
            (false, false) => 1,
            // After the range: whether chroma is halved across, and down.
            (false, true) => match bits(at + 4, 2)? {
                0b10 => 2,
                0b00 => 3,
                _ => 1,
            },
        };
        let level = LEVELS.into_iter().find(|(most, _)| size.pixels() <= *most).map_or(62, |(_, level)| level);
        Some(Self { profile: profile as u8, level, depth, subsampling })
    }

    fn vpcc(self, track: &VideoTrack) -> Vec<u8> {
        let mut boxes = BoxWriter::default();
        boxes.full(*b"vpcC", 1, 0, |vpcc| {
            vpcc.u8(self.profile);
            vpcc.u8(self.level);
            vpcc.u8(self.depth << 4 | self.subsampling << 1 | u8::from(track.color.range == Range::Full));
            track.color.numbers().into_iter().for_each(|number| vpcc.u8(number));
            vpcc.u16(0);
        });
        boxes.into_bytes()
    }
}

/// How many decoded samples a player leaves out at the beginning, by the track's own header.
///
/// # Errors
/// `NotSupportedError` for sound that MP4 files do not hold here, and for a header that is too short.
pub(crate) fn pre_skip(track: &AudioTrack) -> Result<u16> {
    let private = &track.codec_private;
    match track.codec {
        AudioCodec::Opus if private.len() >= OPUS_HEAD && private.starts_with(b"OpusHead") => {
            Ok(u16::from_le_bytes([private[10], private[11]]))
        }
        AudioCodec::Opus => Err(Error::not_supported(format!(
            "expected an OpusHead of at least {OPUS_HEAD} bytes but found {} bytes",
            private.len()
        ))),
        AudioCodec::Aac if (2..=64).contains(&private.len()) => Ok(0),
        AudioCodec::Aac => Err(Error::not_supported(format!(
            "expected an AudioSpecificConfig of 2 to 64 bytes but found {} bytes",
            private.len()
        ))),
        codec => Err(Error::not_supported(format!("expected Opus or AAC in an MP4 file but found {codec}"))),
    }
}

/// How many samples a packet of AAC decodes to, by its AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1): 1024 or 960, and
/// twice as many where spectral band replication is signalled.
pub(crate) fn aac_samples(config: &[u8]) -> u64 {
    let [first, second, ..] = *config else { return 1024 };
    let (object_type, rate) = (first >> 3, (first & 7) << 1 | second >> 7);
    match object_type {
        5 | 29 => 2048,
        // The flag stands behind 5 bits of the type, 4 of the rate and 4 of the channels.
        1..=4 if rate < 15 && second & 4 != 0 => 960,
        _ => 1024,
    }
}

/// Writes the sample entry of a track of sound (§12.2.3), whose first `pre_skip` decoded samples are not heard.
pub(crate) fn write_audio(boxes: &mut BoxWriter, track: &AudioTrack, pre_skip: u16) {
    let kind = if track.codec == AudioCodec::Opus { *b"Opus" } else { *b"mp4a" };
    boxes.boxed(kind, |entry| {
        entry.zeros(6);
        // The data reference.
        entry.u16(1);
        entry.zeros(8);
        entry.u16(track.channels.into());
        // Bits a sample, as decoded.
        entry.u16(16);
        entry.zeros(4);
        // 16 bits before the point; 0 for a higher rate, which the configuration says.
        entry.u32(u16::try_from(track.rate).map_or(0, |rate| u32::from(rate) << 16));
        match track.codec {
            AudioCodec::Opus => dops(entry, &track.codec_private, pre_skip),
            _ => esds(entry, &track.codec_private),
        }
    });
}

/// The OpusHead with its numbers in the order of MP4, big-endian.
fn dops(boxes: &mut BoxWriter, head: &[u8], pre_skip: u16) {
    boxes.boxed(*b"dOps", |dops| {
        dops.u8(0);
        dops.u8(head[9]);
        dops.u16(pre_skip);
        dops.u32(u32::from_le_bytes([head[12], head[13], head[14], head[15]]));
        dops.u16(u16::from_le_bytes([head[16], head[17]]));
        // The mapping family, and of all but family 0 what follows it.
        dops.bytes(&head[18..]);
    });
}

/// The descriptors of MPEG-4 (ISO/IEC 14496-1 §7.2.6), each with its length in one byte.
fn esds(boxes: &mut BoxWriter, config: &[u8]) {
    /// A descriptor's tag and length.
    const HEAD: u8 = 2;
    let config_length = config.len() as u8;
    // The object type, the stream's type, a buffer's size and two bitrates, which are not known.
    let decoder_length = 13 + HEAD + config_length;
    boxes.full(*b"esds", 0, 0, |esds| {
        esds.bytes(&[0x03, 3 + HEAD + decoder_length + HEAD + 1, 0, 0, 0]);
        // MPEG-4 audio; a stream of sound.
        esds.bytes(&[0x04, decoder_length, 0x40, 0x15]);
        esds.zeros(3 + 4 + 4);
        esds.bytes(&[0x05, config_length]);
        esds.bytes(config);
        esds.bytes(&[0x06, 1, 2]);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp9_is_described_by_its_list_or_by_its_first_frame() {
        let size = Size::new(1280, 720);
        let of_list = VideoTrack::new(VideoCodec::Vp9, size, vec![1, 1, 0, 2, 1, 31, 3, 1, 8, 4, 1, 1]);
        let expected = [&[0, 0, 0, 20][..], b"vpcC", &[1, 0, 0, 0, 0, 31, 0x82, 1, 1, 1, 0, 0]].concat();
        assert_eq!(video_config(&of_list).unwrap().unwrap(), expected);
        let of_frame = VideoTrack::new(VideoCodec::Vp9, size, Vec::new());
        assert_eq!(video_config(&of_frame).unwrap(), None);
        // A key frame of profile 0 as libvpx writes it.
        assert_eq!(video_config_of_frame(&of_frame, &[0x82, 0x49, 0x83, 0x42, 0x20, 0x4f]).unwrap(), expected);
        assert!(video_config_of_frame(&of_frame, &[0x86, 0, 0x40, 0x92]).is_err(), "no key frame");
        // Profile 2, ten bits.
        let frame = [0b1001_0010, 0x49, 0x83, 0x42, 0b0010_0000, 0];
        assert_eq!(
            Vp9Features::of_frame(&frame, size).map(|features| (features.profile, features.depth)),
            Some((2, 10))
        );
    }

    #[test]
    fn what_cannot_be_described_is_refused() {
        let size = Size::new(64, 64);
        let video = |codec, private: &[u8]| video_config(&VideoTrack::new(codec, size, private.to_vec()));
        let error = video(VideoCodec::H264, &[]).unwrap_err().to_string();
        assert_eq!(error, "expected the payload of avcC for a track of h264 but found none");
        assert!(video(VideoCodec::Vp8, &[]).unwrap_err().to_string().contains("found vp8"));
        let audio = |codec, codec_private| pre_skip(&AudioTrack { codec, rate: 48_000, channels: 2, codec_private });
        assert!(audio(AudioCodec::Opus, b"OpusHead".to_vec()).is_err());
        assert!(audio(AudioCodec::Pcm, vec![]).unwrap_err().to_string().contains("found pcm"));
        assert_eq!(audio(AudioCodec::Aac, vec![0x11, 0x90]).unwrap(), 0);
        assert_eq!([&[0x11, 0x90][..], &[0x11, 0x94], &[0x2b, 0x11, 0x88]].map(aac_samples), [1024, 960, 2048]);
    }
}
