//! MIME types of recordings (RFC 6381, MediaStream Recording §2.1): which of them a recorder supports.

use crate::codec::{VideoCodec, listed};
use crate::encode;
use crate::error::{Error, Result};
use crate::mux::{AudioCodec, Container};
use crate::still::StillFormat;

/// The types without parameters, and their containers. The MIME Sniffing standard (§4.2) and older programs use the
/// names `audio/wave` and `audio/x-wav` for WAV files.
const CONTAINERS: [(&str, Container); 14] = [
    ("video/webm", Container::Webm),
    ("audio/webm", Container::Webm),
    ("video/mp4", Container::Mp4),
    ("audio/mp4", Container::Mp4),
    ("audio/ogg", Container::Ogg),
    ("audio/wav", Container::Wav),
    ("audio/wave", Container::Wav),
    ("audio/x-wav", Container::Wav),
    ("image/gif", Container::Gif),
    ("image/webp", Container::WebP),
    ("image/apng", Container::Apng),
    ("image/png", Container::Still(StillFormat::Png)),
    ("image/jpeg", Container::Still(StillFormat::Jpeg)),
    ("application/x-tar", Container::Tar(StillFormat::Png)),
];

/// The codecs by the first part of their names. In a WAV file, codecs have numbers (RFC 2361 §4), and 1 is PCM.
const VIDEO_CODECS: [(&str, VideoCodec); 15] = [
    ("av1", VideoCodec::Av1),
    ("av01", VideoCodec::Av1),
    ("vp8", VideoCodec::Vp8),
    ("vp9", VideoCodec::Vp9),
    ("vp09", VideoCodec::Vp9),
    ("h264", VideoCodec::H264),
    ("avc1", VideoCodec::H264),
    ("avc3", VideoCodec::H264),
    ("hevc", VideoCodec::Hevc),
    ("hvc1", VideoCodec::Hevc),
    ("hev1", VideoCodec::Hevc),
    ("gif", VideoCodec::Gif),
    ("png", VideoCodec::Png),
    ("jpeg", VideoCodec::Jpeg),
    ("webp", VideoCodec::WebP),
];
const AUDIO_CODECS: [(&str, AudioCodec); 4] =
    [("opus", AudioCodec::Opus), ("mp4a", AudioCodec::Aac), ("1", AudioCodec::Pcm), ("pcm", AudioCodec::Pcm)];

/// A requested MIME type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MimeType {
    /// As it was written.
    text: String,
    container: Container,
    /// Whether it is `audio/…`.
    audio_only: bool,
    video: Option<VideoCodec>,
    audio: Option<AudioCodec>,
}

impl MimeType {
    /// Reads a type such as `video/webm;codecs="av01.0.05M.08,opus"`. Codecs are compared up to the first dot, ignoring
    /// case; at most one of each kind, and of those that the container holds.
    ///
    /// # Errors
    /// `NotSupportedError` that names what is not supported.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |expected: &str| {
            Err(Error::not_supported(format!(
                "expected {expected} but found `{text}`; try video/webm;codecs=\"av1,opus\""
            )))
        };
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let Some(&(_, container)) = CONTAINERS.iter().find(|(known, _)| *known == essence) else {
            let types: Vec<_> =
                CONTAINERS.map(|(known, _)| known).into_iter().filter(|name| !name.contains("wav")).collect();
            return refuse(&format!("the type {}", listed(&[&types[..], &["audio/wav"]].concat())));
        };
        let audio_only = essence.starts_with("audio/");
        let mut read = Self { text: text.to_owned(), container, audio_only, video: None, audio: None };
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else { return refuse("a parameter as codecs=av1") };
            if !name.trim_end().eq_ignore_ascii_case("codecs") {
                return refuse("no parameter but codecs");
            }
            let Some(value) = unquoted(value.trim()) else { return refuse("codecs in whole quotes") };
            for codec in value.split(',') {
                if let Err(expected) = read.add_codec(codec.trim()) {
                    return refuse(&expected);
                }
            }
        }
        Ok(read)
    }

    /// Adds a codec; an error that says what was expected.
    fn add_codec(&mut self, codec: &str) -> Result<(), String> {
        let name = codec.split('.').next().unwrap_or_default().to_ascii_lowercase();
        let video = VIDEO_CODECS.iter().find(|(known, _)| *known == name).map(|(_, codec)| *codec);
        let audio = AUDIO_CODECS.iter().find(|(known, _)| *known == name).map(|(_, codec)| *codec);
        // An archive says by its codec which pictures are in it.
        if let (Container::Tar(_), Some(codec)) = (self.container, video) {
            let formats = [StillFormat::Png, StillFormat::Jpeg, StillFormat::WebP];
            let format = formats.into_iter().find(|format| format.codec() == codec);
            self.container = Container::Tar(format.ok_or("the codec png, jpeg or webp")?);
        }
        let videos = if self.audio_only { &[] } else { self.container.video_codecs() };
        let audios = self.container.audio_codecs();
        match (video, audio) {
            (Some(video), _) if videos.contains(&video) => match self.video.replace(video) {
                None => Ok(()),
                Some(_) => Err("one video codec".to_owned()),
            },
            (Some(video), _) if self.audio_only && self.container.video_codecs().contains(&video) => {
                Err("no video codec in an audio type".to_owned())
            }
            (_, Some(audio)) if audios.contains(&audio) => match self.audio.replace(audio) {
                None => Ok(()),
                Some(_) => Err("one audio codec".to_owned()),
            },
            _ => {
                let names: Vec<_> =
                    videos.iter().map(|codec| codec.name()).chain(audios.iter().map(|codec| codec.name())).collect();
                Err(format!("the codec {}", listed(&names)))
            }
        }
    }

    /// Refuses codecs that no encoder here encodes.
    ///
    /// # Errors
    /// `NotSupportedError` that names the codec.
    pub fn check_encoders(self) -> Result<Self> {
        let video = self.video.filter(|codec| !encode::can_encode(*codec)).map(VideoCodec::name);
        let audio = self.audio.filter(|codec| !encode::can_encode_audio(*codec)).map(AudioCodec::name);
        match video.or(audio) {
            None => Ok(self),
            Some(codec) => Err(Error::not_supported(format!(
                "expected a codec that an encoder here encodes but found `{}`, and none encodes {codec}",
                self.text
            ))),
        }
    }

    /// The container of this type.
    pub fn container(&self) -> Container {
        self.container
    }

    /// The codec of video that it names.
    pub fn video_codec(&self) -> Option<VideoCodec> {
        self.video
    }

    /// The codec of sound that it names.
    pub fn audio_codec(&self) -> Option<AudioCodec> {
        self.audio
    }

    /// The type as it was requested.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the type allows no video.
    pub fn is_audio_only(&self) -> bool {
        self.audio_only
    }

    /// The full type of a recording with these codecs, such as `video/webm;codecs="av01.0.05M.08,opus"`.
    pub fn full(container: Container, video: Option<&str>, audio: Option<&str>) -> String {
        let essence = container.mime_type(video.is_some());
        if essence.starts_with("image/") || essence.contains(';') {
            return essence.to_owned();
        }
        let codecs: Vec<_> = video.into_iter().chain(audio).collect();
        format!("{essence};codecs=\"{}\"", codecs.join(","))
    }
}

/// A parameter's value: a token, or the text between quotes.
fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').filter(|text| !text.contains('"')),
        None => (!value.is_empty() && !value.contains(['"', ' '])).then_some(value),
    }
}
