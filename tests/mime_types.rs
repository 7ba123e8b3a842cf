//! Which types a recorder supports, beside the installed Chromium's own answers. `make test` installs Chromium; see
//! support/tools.rs.

mod support {
    pub mod browser;
    pub mod tools;
}

use framereel::codec::{AudioCodec, VideoCodec};
use framereel::encode;
use framereel::recorder::{MediaRecorder, MediaRecorderOptions};
use framereel::stream::MediaStream;
use serde_json::json;
use support::browser::judge;

const TYPES: [&str; 7] =
    ["video/webm", "video/mp4", "video/x-matroska", "audio/webm", "audio/mp4", "audio/ogg", "audio/wav"];
const VIDEO: [&str; 15] = [
    "vp8",
    "vp9",
    "vp09.00.10.08",
    "av1",
    "av01",
    "av01.0.04M.08",
    "avc1",
    "avc1.42E01E",
    "avc3",
    "avc3.42E01E",
    "h264",
    "hvc1",
    "hvc1.1.6.L93.B0",
    "hev1.1.6.L93.B0",
    "theora",
];
const AUDIO: [&str; 6] = ["opus", "mp4a.40.2", "mp4a", "pcm", "vorbis", "flac"];

/// Why our answer to this type is another than Chromium's; none where it should be the same.
fn reason(essence: &str, video: &str, audio: &str) -> Option<&'static str> {
    let codec = match video.split('.').next().unwrap_or_default() {
        "vp8" => Some(VideoCodec::Vp8),
        "vp9" | "vp09" => Some(VideoCodec::Vp9),
        "avc1" | "avc3" | "h264" => Some(VideoCodec::H264),
        "hvc1" | "hev1" => Some(VideoCodec::Hevc),
        _ => None,
    };
    Some(match (essence, video, audio) {
        ("video/x-matroska", ..) => "we write no Matroska beyond WebM",
        ("audio/ogg" | "audio/wav", ..) => "Ogg and WAV are formats of ours",
        ("video/webm" | "audio/webm", "avc1" | "avc1.42E01E" | "avc3" | "avc3.42E01E" | "h264", _) => {
            "WebM holds no H.264; Chromium writes Matroska under its name"
        }
        ("video/webm" | "audio/webm", _, "pcm") => "WebM holds no PCM; Chromium writes Matroska under its name",
        _ if codec.is_some_and(|codec| !encode::can_encode(codec)) => "no encoder of it is built in",
        (_, "vp09.00.10.08", _) => "Chromium knows VP9 by its short name alone, though files have the long one",
        ("video/mp4", "av1" | "h264", _) => "our own short names are known in all containers",
        (_, _, "mp4a" | "mp4a.40.2") => "Chromium is built without an encoder of AAC; Chrome has one",
        ("video/mp4", "hvc1" | "hvc1.1.6.L93.B0" | "hev1.1.6.L93.B0", _) => "Chromium asks the hardware for HEVC",
        _ => return None,
    })
}

#[test]
fn types_are_supported_as_chromium_supports_them_or_for_a_reason() {
    let mut asked = Vec::new();
    for essence in TYPES {
        asked.push((essence, "", "", essence.to_owned()));
        asked.extend(VIDEO.map(|video| (essence, video, "", format!("{essence};codecs={video}"))));
        asked.extend(AUDIO.map(|audio| (essence, "", audio, format!("{essence};codecs={audio}"))));
        for video in VIDEO {
            asked.extend(AUDIO.map(|audio| (essence, video, audio, format!("{essence};codecs=\"{video},{audio}\""))));
        }
    }
    let types: Vec<_> = asked.iter().map(|(.., text)| text).collect();
    let script = format!("return {}.map((type) => MediaRecorder.isTypeSupported(type));", json!(types));
    let Some(theirs) = judge(&[], &script) else { return };
    let stream = MediaStream::new([]);
    let mut used = std::collections::BTreeMap::new();
    let (mut faults, mut both) = (Vec::new(), 0);
    for ((essence, video, audio, text), theirs) in asked.iter().zip(theirs.as_array().expect("a list")) {
        let ours = MediaRecorder::is_type_supported(text);
        let made = MediaRecorder::new(&stream, MediaRecorderOptions::default().with_mime_type(text));
        assert_eq!(made.is_ok(), ours, "{text}");
        both += usize::from(ours && theirs == true);
        if theirs == ours {
            continue;
        }
        match reason(essence, video, audio) {
            Some(reason) => *used.entry(reason).or_insert(0) += 1,
            None => faults.push(format!("{text}: Chromium says {theirs}, we say {ours}")),
        }
    }
    println!("{} types, {both} supported by both; differences: {used:#?}", asked.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(both >= 10, "{both}");
}

#[test]
fn a_codec_that_no_encoder_encodes_is_not_supported() {
    assert!(encode::can_encode(VideoCodec::Av1));
    for codec in VideoCodec::ALL.into_iter().filter(|codec| !codec.is_picture()) {
        let text = match codec {
            VideoCodec::Vp8 => "video/webm;codecs=vp8",
            VideoCodec::Vp9 => "video/mp4;codecs=vp9",
            VideoCodec::H264 => "video/mp4;codecs=avc1.42E01E",
            VideoCodec::Hevc => "video/mp4;codecs=hvc1",
            _ => "video/mp4;codecs=av01.0.04M.08",
        };
        let here = encode::can_encode(codec);
        assert_eq!(MediaRecorder::is_type_supported(text), here, "{text}");
        let made = MediaRecorder::new(&MediaStream::new([]), MediaRecorderOptions::default().with_mime_type(text));
        match made {
            Ok(_) => assert!(here, "{text}"),
            Err(error) => assert!(!here && error.to_string().contains("none encodes"), "{error}"),
        }
    }
    let aac = encode::can_encode_audio(AudioCodec::Aac);
    assert_eq!(MediaRecorder::is_type_supported("audio/mp4;codecs=mp4a.40.2"), aac);
}
