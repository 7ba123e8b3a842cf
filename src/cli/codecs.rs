//! `framereel codecs`: what comes out on this machine, format by format, and which encoder makes it.

use std::time::Duration;

use framereel::encode::{self, EncoderChoice, EncoderConfig, MachineEncoder};
use framereel::mux::{AudioCodec, Container};
use framereel::{FrameRate, Result, Size, VideoCodec};

use super::args::CodecsArgs;
use super::list::table;
use super::print;

/// The extensions of recordings, those of one format one after the other, and whether they are listed: some are names
/// for the same.
const EXTENSIONS: [&str; 14] =
    ["webm", "mp4", "m4v", "gif", "webp", "apng", "png", "jpg", "jpeg", "tar", "ogg", "oga", "opus", "wav"];
/// The codecs of video, in the order of the trials.
pub const VIDEO: [VideoCodec; 5] =
    [VideoCodec::Av1, VideoCodec::Vp9, VideoCodec::Vp8, VideoCodec::H264, VideoCodec::Hevc];
/// How many frames a trial encodes to measure the speed, and for how long at most.
pub const TRIAL: (u64, Duration) = (60, Duration::from_secs(2));

/// Prints a line for each format and codec; with `--trial` also one for each encoder that was tried.
pub fn run(args: &CodecsArgs) -> Result<()> {
    let head = ["FORMAT", "FILE", "CODEC", "ENCODER", "HARDWARE"].map(str::to_owned);
    let found = VIDEO.map(|codec| (codec, encode::machine_encoders(codec)));
    let has_ffmpeg = found.iter().any(|(_, encoders)| encoders.iter().any(is_ffmpegs));
    let mut rows = vec![head];
    for (container, files) in containers() {
        let mut place = (container.name().to_owned(), files);
        for &codec in container.video_codecs() {
            let encoders = found.iter().find(|(known, _)| *known == codec).map(|(_, encoders)| &encoders[..]);
            let (software, hardware) = match encoders {
                Some(encoders) => (names(encoders, false), names(encoders, true)),
                None => (picture_encoder(codec), String::new()),
            };
            let (format, files) = std::mem::take(&mut place);
            rows.push([format, files, codec.to_string(), software, hardware]);
        }
        for &codec in container.audio_codecs() {
            let (format, files) = std::mem::take(&mut place);
            rows.push([format, files, codec.to_string(), sound_encoder(codec, has_ffmpeg), String::new()]);
        }
    }
    print(table(&rows))?;
    print("\nThe first encoder is used. With --codec, one of the hardware's before it, if it passes a trial.")?;
    if args.trial {
        print(format!("\n{}", table(&trials(&found))))?;
    }
    Ok(())
}

/// The containers with their files' extensions.
fn containers() -> Vec<(Container, String)> {
    let mut found: Vec<(Container, String)> = Vec::new();
    for extension in EXTENSIONS {
        let Some(container) = Container::for_extension(extension) else { continue };
        match found.iter_mut().find(|(known, _)| *known == container) {
            Some((_, files)) => *files += &format!(" .{extension}"),
            None => found.push((container, format!(".{extension}"))),
        }
    }
    found
}

fn names(encoders: &[MachineEncoder], hardware: bool) -> String {
    let of = encoders.iter().filter(|encoder| encoder.is_hardware == hardware);
    let names: Vec<_> = of.map(|encoder| encoder.choice.to_string()).collect();
    if names.is_empty() && !hardware { "none".to_owned() } else { names.join(", ") }
}

fn picture_encoder(codec: VideoCodec) -> String {
    let config =
        EncoderConfig::new(Size::new(16, 16), FrameRate::whole(25)).with_codec(codec).with_alpha(codec.has_alpha());
    let opened = encode::open(&EncoderChoice::Auto, &config);
    opened.map_or_else(|_| "none".to_owned(), |encoder| encoder.name().to_owned())
}

/// Whether it needs the `ffmpeg` program.
pub fn is_ffmpegs(encoder: &MachineEncoder) -> bool {
    matches!(encoder.choice, EncoderChoice::Ffmpeg(_))
}

fn sound_encoder(codec: AudioCodec, has_ffmpeg: bool) -> String {
    match codec {
        AudioCodec::Opus => encode::opus::version().to_owned(),
        AudioCodec::Aac if has_ffmpeg => "ffmpeg:aac".to_owned(),
        AudioCodec::Aac => "none".to_owned(),
        _ => "built in".to_owned(),
    }
}

/// Tries every encoder, one after the other, so that each has the whole machine.
fn trials(found: &[(VideoCodec, Vec<MachineEncoder>)]) -> Vec<[String; 3]> {
    let mut rows = vec![["CODEC", "ENCODER", "TRIAL AT 1280x720"].map(str::to_owned)];
    for (codec, encoders) in found {
        for MachineEncoder { choice, .. } in encoders {
            let outcome = match encode::trial(choice, *codec, TRIAL.0, TRIAL.1) {
                Ok(speed) => format!("passed: {speed:.0} frames a second"),
                Err(error) => format!("failed: {error}"),
            };
            rows.push([codec.to_string(), choice.to_string(), outcome]);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_extension_of_a_recording_is_listed_once() {
        let listed = containers();
        let files: Vec<_> = listed.iter().flat_map(|(_, files)| files.split(' ')).collect();
        assert_eq!(files.len(), EXTENSIONS.len());
        assert_eq!(listed[0], (Container::Webm, ".webm".to_owned()));
        assert_eq!(listed[1], (Container::Mp4, ".mp4 .m4v".to_owned()));
    }
}
