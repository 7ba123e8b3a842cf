//! MIME types of recordings (RFC 6381, MediaStream Recording §2.1): which of them a recorder takes.

use crate::error::{Error, Result};
use crate::stream::TrackKind;

/// The codecs that are built in, by the first part of their names.
const CODECS: [(&str, TrackKind); 3] =
    [("av1", TrackKind::Video), ("av01", TrackKind::Video), ("opus", TrackKind::Audio)];

/// A type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MimeType {
    /// As it was written.
    text: String,
    /// Whether it is `audio/…`.
    audio_only: bool,
}

impl MimeType {
    /// Reads a type such as `video/webm;codecs="av01.0.05M.08,opus"`. Containers: `video/webm` and `audio/webm`. Codecs:
    /// `av1`, `av01.…` and `opus`, compared up to the first dot, ignoring case; at most one of each kind.
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
        let container = parts.next().unwrap_or_default().to_ascii_lowercase();
        let audio_only = match container.as_str() {
            "video/webm" => false,
            "audio/webm" => true,
            _ => return refuse("the type video/webm or audio/webm"),
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
                let Some(&(_, kind)) = CODECS.iter().find(|(known, _)| *known == name) else {
                    return refuse("the codecs av1 and opus");
                };
                if audio_only && kind == TrackKind::Video {
                    return refuse("no video codec in an audio type");
                }
                if kinds.contains(&kind) {
                    return refuse(&format!("one {kind} codec"));
                }
                kinds.push(kind);
            }
        }
        Ok(Self { text: text.to_owned(), audio_only })
    }

    /// As it was asked for.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether pictures have no place in it.
    pub fn is_audio_only(&self) -> bool {
        self.audio_only
    }

    /// The full type of a recording with these codecs, as `video/webm;codecs="av01.0.05M.08,opus"`.
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
