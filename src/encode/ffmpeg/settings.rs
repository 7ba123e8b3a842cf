//! How each family of ffmpeg's encoders is told what an [`EncoderConfig`] asks for: one table of speeds, one of rate
//! controls, and what makes it give packets in order and without delay.

use crate::codec::VideoCodec;
use crate::color::ColorSpace;
use crate::encode::{EncoderConfig, RateControl};
use crate::frame::{BitDepth, Size};

/// Encoders that take the same options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    X264,
    X265,
    Svt,
    LibAom,
    Vpx,
    LibRav1e,
    Nvenc,
    Qsv,
    Vaapi,
    Amf,
    VideoToolbox,
    /// Any other: only the options of all encoders.
    Other,
}

/// x264's and x265's presets by speed; Quick Sync's are some of them.
const PRESETS: [&str; 11] = [
    "veryslow",
    "slower",
    "slow",
    "medium",
    "medium",
    "fast",
    "faster",
    "veryfast",
    "superfast",
    "superfast",
    "ultrafast",
];

/// The greatest distance of key frames that encoders are told, in frames: the key frames that come are those that are
/// asked for. 30 s of 1000 frames a second are fewer, and Quick Sync keeps the number in 16 bits.
const NEVER: u64 = 60_000;

/// How an encoder comes to its key frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyControl {
    /// It takes requests.
    Asked,
    /// It takes none, but makes one at each so-manieth frame. Elsewhere it has to begin anew.
    Every(u64),
}

impl Family {
    /// The family of an encoder by its name.
    pub fn of(encoder: &str) -> Self {
        let ends = |end: &str| encoder.ends_with(end);
        match encoder {
            "libx264" | "libx264rgb" => Self::X264,
            "libx265" => Self::X265,
            "libsvtav1" => Self::Svt,
            "libaom-av1" => Self::LibAom,
            "libvpx" | "libvpx-vp9" => Self::Vpx,
            "librav1e" => Self::LibRav1e,
            _ if ends("_nvenc") => Self::Nvenc,
            _ if ends("_qsv") => Self::Qsv,
            _ if ends("_vaapi") => Self::Vaapi,
            _ if ends("_amf") => Self::Amf,
            _ if ends("_videotoolbox") => Self::VideoToolbox,
            _ => Self::Other,
        }
    }

    /// How it comes to its key frames. SVT-AV1 takes no requests before its version 2, and ffmpeg passes none to rav1e.
    pub fn key_control(self, config: &EncoderConfig) -> KeyControl {
        match self {
            Self::Svt | Self::LibRav1e => {
                // As `KeyRhythm` counts: so many whole frames, with its tolerance.
                let frames = (config.key_interval.as_nanos() + 1_000) / config.rate.frame_span().as_nanos().max(1);
                KeyControl::Every(frames.unsigned_abs().clamp(1, NEVER))
            }
            _ => KeyControl::Asked,
        }
    }
}

/// The codec of an encoder by its name; none where the name does not say it.
pub(crate) fn codec_of(encoder: &str) -> Option<VideoCodec> {
    let has = |part: &str| encoder.contains(part);
    match encoder {
        "libvpx" => Some(VideoCodec::Vp8),
        _ if has("264") => Some(VideoCodec::H264),
        _ if has("265") || has("hevc") || has("kvazaar") => Some(VideoCodec::Hevc),
        _ if has("av1") => Some(VideoCodec::Av1),
        _ if has("vp9") => Some(VideoCodec::Vp9),
        _ if has("vp8") => Some(VideoCodec::Vp8),
        _ if has("rav1e") => Some(VideoCodec::Av1),
        _ => None,
    }
}

/// The size of the encoded pictures. With chroma halved, the sides of H.264 and HEVC are even (ITU-T H.264 §7.4.2.1.1
/// counts what is cropped in units of two), and SVT-AV1 refuses others: the last column or row is repeated once.
pub(super) fn coded_size(encoder: &str, config: &EncoderConfig) -> Size {
    let even = matches!(config.codec, VideoCodec::H264 | VideoCodec::Hevc) || Family::of(encoder) == Family::Svt;
    let side = |side: u32| if even { side.next_multiple_of(2) } else { side };
    Size::new(side(config.size.width), side(config.size.height))
}

/// Options before the input: devices.
pub(super) fn input_arguments(encoder: &str, device: Option<&str>) -> Vec<String> {
    match (Family::of(encoder), device) {
        (Family::Vaapi, Some(device)) => words(&["-vaapi_device", device]),
        _ => Vec::new(),
    }
}

/// Options of the encoder, for the same packets at every run.
pub(super) fn arguments(encoder: &str, config: &EncoderConfig) -> Vec<String> {
    let family = Family::of(encoder);
    let distance = match family.key_control(config) {
        KeyControl::Asked => NEVER,
        KeyControl::Every(frames) => frames,
    };
    let mut arguments = words(&["-c:v", encoder, "-bf", "0", "-g", &distance.to_string()]);
    if family == Family::LibRav1e {
        // No others at cuts of the film.
        arguments.extend(words(&["-keyint_min", &distance.to_string()]));
    }
    let (planar, interleaved) =
        if config.depth > BitDepth::Eight { ("yuv420p10le", "p010le") } else { ("yuv420p", "nv12") };
    arguments.extend(words(&["-threads", &config.threads.clamp(1, 64).to_string()]));
    match family {
        Family::Vaapi => arguments.extend(words(&["-vf", &format!("format={interleaved},hwupload")])),
        Family::Qsv | Family::Amf => arguments.extend(words(&["-vf", &format!("format={interleaved}")])),
        _ => arguments.extend(words(&["-pix_fmt", planar])),
    }
    arguments.extend(without_delay(family, config));
    arguments.extend(speed(family, config));
    arguments.extend(rate(family, config));
    arguments
}

/// Options that say what the colours are: by their numbers of ITU-T H.273, in limited range, chroma on the left between two
/// rows.
pub(super) fn colors(color: ColorSpace) -> Vec<String> {
    let [primaries, transfer, matrix] = color.numbers().map(|number| number.to_string());
    let numbers = ["-color_primaries", &primaries, "-color_trc", &transfer, "-colorspace", &matrix];
    words(&[&numbers[..], &["-color_range", "tv", "-chroma_sample_location", "left"]].concat())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// What makes the family give each packet at once, in the order of the frames.
fn without_delay(family: Family, config: &EncoderConfig) -> Vec<String> {
    match family {
        Family::X264 => words(&["-tune", "zerolatency", "-sc_threshold", "0"]),
        Family::X265 => {
            let threads = config.threads.clamp(1, 64);
            let parameters = format!("log-level=error:scenecut=0:bframes=0:keyint={NEVER}:pools={threads}");
            words(&["-tune", "zerolatency", "-forced-idr", "1", "-x265-params", &parameters])
        }
        Family::Svt => {
            let threads = config.threads.clamp(1, 64);
            // Low delay has constant bitrate only.
            let rate = if matches!(config.rate_control, RateControl::Bitrate(_)) { ":rc=2" } else { "" };
            words(&["-svtav1-params", &format!("pred-struct=1:lookahead=0:scd=0:lp={threads}{rate}")])
        }
        Family::LibAom => {
            let mut all = words(&["-usage", "realtime", "-lag-in-frames", "0", "-row-mt", "1"]);
            // A tile has 256 columns at least, or ffmpeg refuses it.
            if config.size.width >= 512 {
                all.extend(words(&["-tile-columns", "1"]));
            }
            all
        }
        Family::Vpx if config.codec == VideoCodec::Vp9 => {
            words(&["-deadline", "realtime", "-lag-in-frames", "0", "-row-mt", "1", "-tile-columns", "1"])
        }
        Family::Vpx => words(&["-deadline", "realtime", "-lag-in-frames", "0"]),
        Family::LibRav1e => words(&["-rav1e-params", "low_latency=true:rdo_lookahead_frames=1"]),
        Family::Nvenc => {
            words(&["-tune", "ll", "-delay", "0", "-zerolatency", "1", "-rc-lookahead", "0", "-forced-idr", "1"])
        }
        Family::Qsv => words(&["-async_depth", "1", "-look_ahead", "0", "-forced_idr", "1"]),
        Family::Amf => words(&["-usage", "lowlatency"]),
        Family::VideoToolbox => words(&["-realtime", "1"]),
        Family::Vaapi | Family::Other => Vec::new(),
    }
}

/// The speed: by default, what keeps up with a camera.
fn speed(family: Family, config: &EncoderConfig) -> Vec<String> {
    let asked = config.speed.map(|speed| usize::from(speed.min(10)));
    // The eleven speeds over `steps` + 1 settings.
    let scaled = |speed: usize, steps: usize| (speed * steps + 5) / 10;
    match family {
        Family::X264 => words(&["-preset", PRESETS[asked.unwrap_or(8)]]),
        Family::X265 => words(&["-preset", PRESETS[asked.unwrap_or(10)]]),
        Family::Svt => words(&["-preset", &(asked.unwrap_or(10) + 2).to_string()]),
        Family::LibAom => words(&["-cpu-used", &scaled(asked.unwrap_or(10), 8).to_string()]),
        Family::Vpx if config.codec == VideoCodec::Vp9 => {
            words(&["-cpu-used", &scaled(asked.unwrap_or(10), 8).to_string()])
        }
        // VP8 takes positive numbers for a share of the processor, and then gives other packets at every run.
        Family::Vpx => words(&["-cpu-used", &format!("-{}", scaled(asked.unwrap_or(5), 16))]),
        Family::LibRav1e => words(&["-speed", &asked.unwrap_or(10).to_string()]),
        Family::Nvenc => words(&["-preset", &format!("p{}", 7 - scaled(asked.unwrap_or(5), 6))]),
        Family::Qsv => {
            const QSV: [&str; 7] = ["veryslow", "slower", "slow", "medium", "fast", "faster", "veryfast"];
            words(&["-preset", QSV[scaled(asked.unwrap_or(7), 6)]])
        }
        Family::Amf => words(&["-quality", ["quality", "balanced", "speed"][scaled(asked.unwrap_or(8), 2)]]),
        // The driver's own speed, unless one is asked for: drivers differ in how many there are.
        Family::Vaapi => {
            asked.map_or(Vec::new(), |asked| words(&["-compression_level", &(scaled(asked, 6) + 1).to_string()]))
        }
        Family::VideoToolbox | Family::Other => Vec::new(),
    }
}

/// The rate control. A bitrate is an average that is kept within a second or two, as those of the built-in encoders are.
fn rate(family: Family, config: &EncoderConfig) -> Vec<String> {
    let quality = match config.rate_control {
        RateControl::Bitrate(bits) => return bitrate(family, bits),
        RateControl::Quality(quality) => u32::from(quality.min(100)),
    };
    // From the worst to the best value of a scale; the best of the scale itself is often lossless, another mode.
    let on = |worst: u32, best: u32| (worst - quality * (worst - best) / 100).to_string();
    let vp8 = config.codec == VideoCodec::Vp8;
    match family {
        Family::X264 | Family::X265 => words(&["-crf", &on(51, 1)]),
        Family::Svt => words(&["-crf", &on(63, 1)]),
        // VP8 takes a constant quality as an upper limit of a bitrate's.
        Family::Vpx if vp8 => words(&["-qmin", &on(63, 4), "-qmax", &on(63, 4), "-b:v", "1000M"]),
        Family::Vpx | Family::LibAom => words(&["-crf", &on(63, 1), "-b:v", "0"]),
        Family::LibRav1e => words(&["-qp", &on(255, 1)]),
        Family::Nvenc => words(&["-rc", "vbr", "-cq", &on(51, 1), "-b:v", "0"]),
        Family::Qsv => words(&["-global_quality", &on(51, 1)]),
        Family::Vaapi if matches!(config.codec, VideoCodec::H264 | VideoCodec::Hevc) => {
            words(&["-rc_mode", "CQP", "-global_quality", &on(51, 1)])
        }
        Family::Vaapi => words(&["-rc_mode", "CQP", "-global_quality", &on(255, 1)]),
        Family::Amf => words(&["-rc", "cqp", "-qp_i", &on(51, 1), "-qp_p", &on(51, 1)]),
        Family::VideoToolbox => words(&["-q:v", &quality.max(1).to_string()]),
        Family::Other => words(&["-q:v", &on(31, 1)]),
    }
}

fn bitrate(family: Family, bits: u32) -> Vec<String> {
    let bits = bits.to_string();
    let twice = bits.parse::<u64>().map_or_else(|_| bits.clone(), |bits| (bits * 2).min(i32::MAX as u64).to_string());
    let average = ["-b:v", &bits];
    // Average, greatest and least alike are libvpx's and libaom's constant bitrate.
    let constant = ["-maxrate", &bits, "-minrate", &bits, "-bufsize", &bits];
    let limited = ["-maxrate", &twice, "-bufsize", &twice];
    match family {
        Family::Vpx | Family::LibAom => {
            const QUANTIZERS: [&str; 8] =
                ["-qmin", "2", "-qmax", "58", "-undershoot-pct", "50", "-overshoot-pct", "50"];
            words(&[&average[..], &constant, &QUANTIZERS].concat())
        }
        Family::Nvenc => words(&[&["-rc", "vbr"][..], &average, &limited].concat()),
        Family::Vaapi => words(&[&["-rc_mode", "VBR"][..], &average, &limited].concat()),
        Family::Amf => words(&[&["-rc", "vbr_latency"][..], &average, &limited].concat()),
        Family::X264 | Family::X265 | Family::Qsv => words(&[&average[..], &limited].concat()),
        Family::Svt | Family::LibRav1e | Family::VideoToolbox | Family::Other => words(&average),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FrameRate;

    fn config(codec: VideoCodec) -> EncoderConfig {
        EncoderConfig::new(Size::new(177, 99), FrameRate::whole(25)).with_codec(codec)
    }

    #[test]
    fn names_say_codec_and_family() {
        for (name, codec, family) in [
            ("libx264", VideoCodec::H264, Family::X264),
            ("libopenh264", VideoCodec::H264, Family::Other),
            ("libkvazaar", VideoCodec::Hevc, Family::Other),
            ("hevc_nvenc", VideoCodec::Hevc, Family::Nvenc),
            ("libsvtav1", VideoCodec::Av1, Family::Svt),
            ("librav1e", VideoCodec::Av1, Family::LibRav1e),
            ("libvpx", VideoCodec::Vp8, Family::Vpx),
            ("libvpx-vp9", VideoCodec::Vp9, Family::Vpx),
            ("vp9_vaapi", VideoCodec::Vp9, Family::Vaapi),
        ] {
            assert_eq!((codec_of(name), Family::of(name)), (Some(codec), family), "{name}");
        }
        assert_eq!(codec_of("mpeg4"), None);
    }

    #[test]
    fn every_quality_and_speed_is_within_the_encoders_scale() {
        let argument = |name: &str, config: &EncoderConfig, option: &str| {
            let arguments = arguments(name, config);
            let at = arguments.iter().position(|argument| argument == option).unwrap_or_else(|| panic!("{option}"));
            arguments[at + 1].clone()
        };
        let h264 = config(VideoCodec::H264);
        let quality = |quality| h264.clone().with_rate_control(RateControl::Quality(quality));
        let crf = |given| argument("libx264", &quality(given), "-crf");
        assert_eq!([0, 50, 100].map(crf), ["51", "26", "1"]);
        let preset = |speed| argument("libx264", &h264.clone().with_speed(speed), "-preset");
        assert_eq!([0, 3, 10].map(preset), ["veryslow", "medium", "ultrafast"]);
        let preset = |speed| argument("h264_nvenc", &h264.clone().with_speed(speed), "-preset");
        assert_eq!([0, 5, 10].map(preset), ["p7", "p4", "p1"]);
        let vp9 = config(VideoCodec::Vp9);
        let used = |speed| argument("libvpx-vp9", &vp9.clone().with_speed(speed), "-cpu-used");
        assert_eq!([0, 5, 10].map(used), ["0", "4", "8"]);
    }

    #[test]
    fn odd_sides_grow_by_one_where_the_codec_has_none() {
        assert_eq!(coded_size("libx264", &config(VideoCodec::H264)), Size::new(178, 100));
        assert_eq!(coded_size("libsvtav1", &config(VideoCodec::Av1)), Size::new(178, 100));
        assert_eq!(coded_size("libvpx-vp9", &config(VideoCodec::Vp9)), Size::new(177, 99));
    }
}
