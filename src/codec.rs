//! The encodings of video and sound.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::frame::BitDepth;
use crate::time::Span;

/// The encoding of video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum VideoCodec {
    /// AV1.
    #[default]
    Av1,
    /// VP8 (RFC 6386).
    Vp8,
    /// VP9.
    Vp9,
    /// H.264, also called AVC (ITU-T H.264).
    H264,
    /// H.265, also called HEVC (ITU-T H.265).
    Hevc,
    /// Pictures of at most 256 colours (GIF89a).
    Gif,
    /// PNG pictures, lossless.
    Png,
    /// JPEG pictures.
    Jpeg,
    /// WebP pictures (RFC 9649).
    WebP,
}

impl VideoCodec {
    /// All of them.
    pub const ALL: [Self; 9] =
        [Self::Av1, Self::Vp8, Self::Vp9, Self::H264, Self::Hevc, Self::Gif, Self::Png, Self::Jpeg, Self::WebP];

    /// Its name, such as `av1`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Av1 => "av1",
            Self::Vp8 => "vp8",
            Self::Vp9 => "vp9",
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Gif => "gif",
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::WebP => "webp",
        }
    }

    /// Whether it can encode transparency.
    pub const fn has_alpha(self) -> bool {
        matches!(self, Self::Vp8 | Self::Vp9 | Self::Gif | Self::Png | Self::WebP)
    }

    /// The greatest depth that it is encoded with here.
    pub const fn max_depth(self) -> BitDepth {
        match self {
            Self::Av1 | Self::Vp9 | Self::Hevc => BitDepth::Ten,
            _ => BitDepth::Eight,
        }
    }

    /// The shortest time that players show a picture, where that is not as short as one likes: browsers show pictures of
    /// a GIF that are to be shown for less than two hundredths of a second for ten.
    pub(crate) const fn shortest_picture(self) -> Option<Span> {
        match self {
            Self::Gif => Some(Span::from_millis(20)),
            _ => None,
        }
    }

    /// Whether it encodes each picture by itself, from RGBA; the others are codecs of video, which take I420.
    pub const fn is_picture(self) -> bool {
        matches!(self, Self::Gif | Self::Png | Self::Jpeg | Self::WebP)
    }
}

impl fmt::Display for VideoCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// As [`VideoCodec::name`] writes it.
impl FromStr for VideoCodec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == text).ok_or_else(|| {
            Error::not_supported(format!("expected {} but found `{text}`", listed(&Self::ALL.map(Self::name))))
        })
    }
}

/// The encoding of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AudioCodec {
    /// Opus (RFC 6716).
    Opus,
    /// AAC, low complexity (ISO/IEC 14496-3).
    Aac,
    /// Samples of 16 bits, little-endian, channels interleaved.
    Pcm,
}

impl AudioCodec {
    /// Its name, such as `opus`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Aac => "aac",
            Self::Pcm => "pcm",
        }
    }
}

impl fmt::Display for AudioCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Words as a person lists them: `a, b or c`.
pub(crate) fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for codec in VideoCodec::ALL {
            assert_eq!(codec.to_string().parse::<VideoCodec>().unwrap(), codec);
        }
        let error = "mpeg2".parse::<VideoCodec>().unwrap_err().to_string();
        assert_eq!(error, "expected av1, vp8, vp9, h264, hevc, gif, png, jpeg or webp but found `mpeg2`");
    }
}
