//! The track headers of a Matroska file (RFC 9559 §5.1.4).

use serde::Serialize;

use super::id;
use crate::mux::ebml::{child, children, float, text, unsigned};
use crate::time::Span;

/// The type of a track (RFC 9559 §5.1.4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackType {
    /// Video.
    Video,
    /// Sound.
    Audio,
    /// Subtitles.
    Subtitle,
    /// Anything else.
    #[default]
    Other,
}

/// The track header.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Track {
    pub(crate) number: u64,
    pub(crate) kind: TrackType,
    /// As `V_AV1`.
    pub(crate) codec: String,
    /// The decoder's configuration (`CodecPrivate`); empty where there is none.
    pub(crate) private: Vec<u8>,
    /// The duration of one frame, where the file gives it.
    pub(crate) default_duration: Option<Span>,
    /// The codec's delay: subtract it from the timestamps of blocks to get the time at which they are heard.
    pub(crate) codec_delay: Span,
    /// The width in pixels, unchecked.
    pub(crate) width: u64,
    /// The height in pixels, unchecked.
    pub(crate) height: u64,
    /// The display's width and height where they are given, in whatever unit.
    pub(crate) display: Option<(u64, u64)>,
    /// Whether blocks have the picture's transparency in addition (`AlphaMode`).
    pub(crate) alpha: bool,
    /// Whether the picture is cropped.
    pub(crate) cropped: bool,
    /// The matrix and the range of the colours, as H.273 and Matroska (RFC 9559 §5.1.4.1.28.24) number them; 2 and 0
    /// where the file does not give them.
    pub(crate) matrix: u64,
    pub(crate) range: u64,
    /// Samples a second, unchecked; 8000 where the file does not give it.
    pub(crate) rate: f64,
    /// How many channels, unchecked; 1 where the file does not give it.
    pub(crate) channels: u64,
    /// Whether blocks are compressed or encrypted in addition.
    pub(crate) encoded: bool,
}

impl Track {
    /// How many are read at most.
    pub(crate) const MOST: usize = 128;

    /// Reads the first tracks of a `Tracks` element's data.
    pub(crate) fn all(tracks: &[u8]) -> Vec<Self> {
        Self::entries(tracks).take(Self::MOST).map(Self::read).collect()
    }

    /// How many tracks there are beyond those that are read.
    pub(crate) fn unread(tracks: &[u8]) -> u64 {
        Self::entries(tracks).skip(Self::MOST).count() as u64
    }

    fn entries(tracks: &[u8]) -> impl Iterator<Item = &[u8]> {
        children(tracks).filter(|(id, _)| *id == id::TRACK_ENTRY).map(|(_, entry)| entry)
    }

    fn read(entry: &[u8]) -> Self {
        let mut track = Self::default();
        for (id, data) in children(entry) {
            match id {
                id::TRACK_NUMBER => track.number = unsigned(data),
                id::TRACK_TYPE => track.kind = kind(unsigned(data)),
                id::CODEC_ID => track.codec = text(data),
                id::CODEC_PRIVATE => track.private = data.to_vec(),
                id::DEFAULT_DURATION => {
                    track.default_duration = i64::try_from(unsigned(data)).ok().map(Span::from_nanos);
                }
                id::CODEC_DELAY => track.codec_delay = codec_delay(unsigned(data)),
                id::CONTENT_ENCODINGS => track.encoded = true,
                id::VIDEO => track.read_video(data),
                id::AUDIO => track.read_audio(data),
                _ => {}
            }
        }
        track
    }

    fn read_video(&mut self, video: &[u8]) {
        let value = |wanted| child(video, wanted).map(unsigned);
        self.width = value(id::PIXEL_WIDTH).unwrap_or(0);
        self.height = value(id::PIXEL_HEIGHT).unwrap_or(0);
        self.display = value(id::DISPLAY_WIDTH).zip(value(id::DISPLAY_HEIGHT));
        self.alpha = value(id::ALPHA_MODE) == Some(1);
        let color = |wanted| child(child(video, id::COLOUR)?, wanted).map(unsigned);
        self.matrix = color(id::MATRIX_COEFFICIENTS).unwrap_or(2);
        self.range = color(id::RANGE).unwrap_or(0);
        self.cropped = id::PIXEL_CROPS.into_iter().any(|id| value(id).is_some_and(|edge| edge > 0));
    }

    fn read_audio(&mut self, audio: &[u8]) {
        self.rate = child(audio, id::SAMPLING_FREQUENCY).and_then(float).unwrap_or(8000.0);
        self.channels = child(audio, id::CHANNELS).map_or(1, unsigned);
    }

    /// The codec as in a `codecs` parameter (RFC 6381, and the codecs' own documents), where the header is enough for
    /// it.
    pub(crate) fn codec_string(&self) -> Option<String> {
        let private = &self.private;
        match self.codec.as_str() {
            "V_VP8" => Some("vp8".to_owned()),
            "V_VP9" => Some(vp9_string(private).unwrap_or_else(|| "vp9".to_owned())),
            "V_AV1" => av1_string(private),
            "V_MPEG4/ISO/AVC" => {
                let [_, profile, constraints, level, ..] = private[..] else { return None };
                Some(format!("avc1.{profile:02x}{constraints:02x}{level:02x}"))
            }
            "A_OPUS" => Some("opus".to_owned()),
            "A_VORBIS" => Some("vorbis".to_owned()),
            "A_FLAC" => Some("flac".to_owned()),
            _ => None,
        }
    }
}

/// A delay of this many nanoseconds; a delay above a second is taken for damage.
fn codec_delay(nanos: u64) -> Span {
    const MOST: u64 = 1_000_000_000;
    if nanos <= MOST { Span::from_nanos(nanos as i64) } else { Span::ZERO }
}

fn kind(value: u64) -> TrackType {
    match value {
        1 => TrackType::Video,
        2 => TrackType::Audio,
        17 => TrackType::Subtitle,
        _ => TrackType::Other,
    }
}

/// `av01.P.LLT.DD` from an av1C ("AV1 Codec ISO Media File Format Binding" §2.3.3 and §5).
pub(crate) fn av1_string(av1c: &[u8]) -> Option<String> {
    let [_, profile_and_level, flags, ..] = *av1c else { return None };
    let (profile, level) = (profile_and_level >> 5, profile_and_level & 0x1f);
    let tier = if flags & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match (flags & 0x40 != 0, flags & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    Some(format!("av01.{profile}.{level:02}{tier}.{depth:02}"))
}

/// `vp09.PP.LL.DD` from the features in WebM's CodecPrivate of VP9.
fn vp9_string(features: &[u8]) -> Option<String> {
    const PROFILE: u8 = 1;
    const LEVEL: u8 = 2;
    const DEPTH: u8 = 3;
    let value = |wanted| features.chunks_exact(3).find(|feature| feature[..2] == [wanted, 1]).map(|feature| feature[2]);
    Some(format!("vp09.{:02}.{:02}.{:02}", value(PROFILE)?, value(LEVEL)?, value(DEPTH)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codec_strings_are_those_of_the_codecs_documents() {
        let string = |codec: &str, private: &[u8]| {
            Track { codec: codec.to_owned(), private: private.to_vec(), ..Track::default() }.codec_string()
        };
        assert_eq!(string("V_AV1", &[0x81, 0x05, 0x0c, 0]).as_deref(), Some("av01.0.05M.08"));
        assert_eq!(string("V_AV1", &[0x81, 0x28, 0xe0, 0]).as_deref(), Some("av01.1.08H.12"));
        assert_eq!(string("V_AV1", &[]), None);
        assert_eq!(string("V_VP9", &[1, 1, 0, 2, 1, 31, 3, 1, 8]).as_deref(), Some("vp09.00.31.08"));
        assert_eq!(string("V_VP9", &[]).as_deref(), Some("vp9"));
        assert_eq!(string("V_MPEG4/ISO/AVC", &[1, 0x42, 0xe0, 0x1f]).as_deref(), Some("avc1.42e01f"));
        assert_eq!(string("A_OPUS", b"OpusHead").as_deref(), Some("opus"));
    }
}
