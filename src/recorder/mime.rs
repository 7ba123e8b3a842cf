//! MIME types of recordings (RFC 6381, MediaStream Recording §2.1): which of them a recorder supports.

use crate::error::{Error, Result};
use crate::mux::{AudioCodec, Container};
use crate::stream::TrackKind;

/// The types without parameters, and their containers. The MIME Sniffing standard (§4.2) and older programs use the
/// names `audio/wave` and `audio/x-wav` for WAV files.
const CONTAINERS: [(&str, Container); 6] = [
    ("video/webm", Container::Webm),
    ("audio/webm", Container::Webm),
    ("audio/ogg", Container::Ogg),
    ("audio/wav", Container::Wav),
    ("audio/wave", Container::Wav),
    ("audio/x-wav", Container::Wav),
];

/// The codecs that are built in, by the first part of their names.
const VIDEO_CODECS: [&str; 2] = ["av1", "av01"];
const OPUS: [&str; 1] = ["opus"];
/// In a WAV file, codecs have numbers (RFC 2361 §4), and 1 is PCM.
const PCM: [&str; 2] = ["1", "pcm"];

/// A requested MIME type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MimeType {
    /// As it was written.
    text: String,
    container: Container,
    /// Whether it is `audio/…`.
    audio_only: bool,
}

impl MimeType {
    /// Reads a type such as `video/webm;codecs="av01.0.05M.08,opus"`. Containers: `video/webm`, `audio/webm`,
    /// `audio/ogg`, and `audio/wav` under its three names. Codecs: `av1`, `av01.…` and `opus`, in WAV `1` and `pcm`,
    /// compared up to the first dot, ignoring case; at most one of each kind.
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
            return refuse("the type video/webm, audio/webm, audio/ogg or audio/wav");
        };
        let audio_only = essence.starts_with("audio/");
        let (audio_codecs, expected) = match container.audio_codec() {
            AudioCodec::Opus if container.is_audio_only() => (&OPUS[..], "the codec opus"),
            AudioCodec::Opus => (&OPUS[..], "the codecs av1 and opus"),
            AudioCodec::Pcm => (&PCM[..], "the codec 1 (pcm)"),
        };
        let mut kinds = Vec::new();
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else { return refuse("a parameter as codecs=av1") };
            if !name.trim_end().eq_ignore_ascii_case("codecs") {
                return refuse("no parameter but codecs");
            }
            let Some(value) = unquoted(value.trim()) else { return refuse("codecs in whole quotes") };
            for codec in value.split(',') {
                let name = codec.trim().split('.').next().unwrap_or_default().to_ascii_lowercase();
                let kind = match name.as_str() {
                    name if audio_codecs.contains(&name) => TrackKind::Audio,
                    name if VIDEO_CODECS.contains(&name) && audio_only => {
                        return refuse("no video codec in an audio type");
                    }
                    name if VIDEO_CODECS.contains(&name) => TrackKind::Video,
                    _ => return refuse(expected),
                };
                if kinds.contains(&kind) {
                    return refuse(&format!("one {kind} codec"));
                }
                kinds.push(kind);
            }
        }
        Ok(Self { text: text.to_owned(), container, audio_only })
    }

    /// The container of this type.
    pub fn container(&self) -> Container {
        self.container
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
    pub fn full(video: Option<&str>, audio: Option<&str>) -> String {
        let container = if video.is_some() { "video/webm" } else { "audio/webm" };
        let codecs: Vec<_> = video.into_iter().chain(audio).collect();
        format!("{container};codecs=\"{}\"", codecs.join(","))
    }
}

/// A parameter's value: a token, or the text between quotes.
fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').filter(|text| !text.contains('"')),
        None => (!value.is_empty() && !value.contains(['"', ' '])).then_some(value),
    }
}
