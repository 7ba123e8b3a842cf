//! Which of ffmpeg's encoders this machine has, which of them work, and which one is used for a codec.
//!
//! ffmpeg lists encoders for hardware that is not there. So one is used only after a trial: it has to encode a few
//! frames, one of them as a key frame on request, within [`TIME_LIMIT`]. Trials run at the same time, each once in a
//! process, and only when hardware is asked for.

use std::process::Stdio;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::FfmpegEncoder;
use super::settings::Family;
use crate::codec::{VideoCodec, listed};
use crate::color::ColorSpace;
use crate::encode::{EncoderConfig, VideoEncoder, machine_encoders};
use crate::error::{Error, Result};
use crate::frame::{Frame, PixelFormat, Size};
use crate::source::ffmpeg::{INSTALL, program};
use crate::time::FrameRate;

/// How long a trial may take.
const TIME_LIMIT: Duration = Duration::from_secs(2);
/// How many frames are encoded in a trial, and which one is asked for as a key frame.
const FRAMES: u64 = 6;
const KEY: u64 = 3;
/// What a trial encodes.
const SIZE: Size = Size::new(1280, 720);
const RATE: FrameRate = FrameRate::whole(30);
/// The kinds of hardware, in the order in which they are used.
const HARDWARE: [&str; 5] = ["nvenc", "qsv", "vaapi", "amf", "videotoolbox"];

/// The names of ffmpeg's encoders of video.
///
/// # Errors
/// `NotFoundError` where the program is missing.
fn names() -> Result<&'static [String]> {
    static NAMES: OnceLock<Result<Vec<String>>> = OnceLock::new();
    NAMES.get_or_init(list).as_ref().map(Vec::as_slice).map_err(Error::clone)
}

fn list() -> Result<Vec<String>> {
    let mut command = program("ffmpeg");
    command.args(["-hide_banner", "-v", "error", "-encoders"]).stdin(Stdio::null());
    let output = command.output().map_err(|error| {
        Error::not_found(format!("expected the ffmpeg program but found none; {INSTALL}")).with_cause(error)
    })?;
    Ok(video_encoders(&String::from_utf8_lossy(&output.stdout)))
}

/// The names in ffmpeg's list: lines as ` V....D libx264    libx264 H.264 …`.
fn video_encoders(list: &str) -> Vec<String> {
    let name = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let flags = words.next()?;
        let name = words.next()?;
        (flags.len() == 6 && flags.starts_with('V') && name != "=").then(|| name.to_owned())
    };
    list.lines().filter_map(name).collect()
}

/// The software encoders of a codec, the one to use first.
fn software_of(codec: VideoCodec) -> &'static [&'static str] {
    match codec {
        VideoCodec::H264 => &["libx264", "libopenh264"],
        VideoCodec::Hevc => &["libx265"],
        VideoCodec::Av1 => &["libsvtav1", "libaom-av1", "librav1e"],
        VideoCodec::Vp9 => &["libvpx-vp9"],
        VideoCodec::Vp8 => &["libvpx"],
        _ => &[],
    }
}

/// Whether the ffmpeg program is here; every one has an encoder of AAC.
pub(crate) fn has_aac() -> bool {
    names().is_ok()
}

/// The first software encoder of a codec that ffmpeg has.
pub(crate) fn software(codec: VideoCodec) -> Result<String> {
    let names = names().map_err(|_| {
        Error::not_found(format!("expected the ffmpeg program, which encodes {codec}, but found none; {INSTALL}"))
    })?;
    let wanted = software_of(codec);
    let found = wanted.iter().find(|wanted| names.iter().any(|name| name == *wanted));
    found.map(|&name| name.to_owned()).ok_or_else(|| {
        let wanted = if wanted.is_empty() { "one".to_owned() } else { listed(wanted) };
        Error::not_supported(format!(
            "expected an encoder of {codec} but found none: this ffmpeg has no {wanted}; install a fuller build"
        ))
    })
}

/// The hardware encoders of a codec that ffmpeg has, working or not, in the order in which they are used.
pub(crate) fn hardware_listed(codec: VideoCodec) -> Vec<String> {
    let Ok(names) = names() else { return Vec::new() };
    let wanted = HARDWARE.map(|kind| format!("{codec}_{kind}"));
    let has_device = |name: &str| Family::of(name) != Family::Vaapi || device().is_some();
    wanted.into_iter().filter(|wanted| names.contains(wanted) && has_device(wanted)).collect()
}

/// All encoders of a codec that ffmpeg has, but for those of hardware: the one to use first, then the others by name.
pub(crate) fn software_listed(codec: VideoCodec) -> Vec<String> {
    let Ok(names) = names() else { return Vec::new() };
    let wanted = software_of(codec);
    let place = |name: &str| wanted.iter().position(|wanted| *wanted == name);
    let mut found: Vec<_> = names.iter().filter(|name| place(name).is_some()).cloned().collect();
    found.sort_by_key(|name| place(name));
    found
}

/// The first hardware encoder of this codec that passes its trial; none without one.
pub(crate) fn hardware(codec: VideoCodec) -> Option<String> {
    static CHOSEN: Mutex<Vec<(VideoCodec, Option<String>)>> = Mutex::new(Vec::new());
    // Whoever asks while trials run waits for their end.
    let mut chosen = CHOSEN.lock();
    if let Some((_, found)) = chosen.iter().find(|(tried, _)| *tried == codec) {
        return found.clone();
    }
    let found = trials(codec).into_iter().find(|(_, outcome)| outcome.is_ok()).map(|(name, _)| name);
    chosen.push((codec, found.clone()));
    found
}

/// The trials of all hardware encoders of this codec, at the same time.
fn trials(codec: VideoCodec) -> Vec<(String, Result<f64>)> {
    let names = hardware_listed(codec);
    std::thread::scope(|scope| {
        let threads: Vec<_> = names.iter().map(|name| scope.spawn(|| trial_of(name, codec))).collect();
        let outcomes = threads.into_iter().map(|thread| {
            thread.join().unwrap_or_else(|_| Err(Error::unknown("expected a trial to end but it broke off")))
        });
        names.iter().cloned().zip(outcomes).collect()
    })
}

fn trial_of(name: &str, codec: VideoCodec) -> Result<f64> {
    let config = EncoderConfig::new(SIZE, RATE).with_codec(codec);
    let encoder = FfmpegEncoder::new(name, &config)?.with_deadline(Instant::now() + TIME_LIMIT);
    try_encoder(Box::new(encoder), FRAMES, TIME_LIMIT)
}

/// A trial of this encoder at 1280×720: how many frames a second it encodes, on average over `frames` frames or over as
/// many as it encodes within `limit`.
///
/// # Errors
/// Those of the encoder; `UnknownError` where it gives no packet for a frame, or no key frame where it is asked for one.
pub(crate) fn try_encoder(mut encoder: Box<dyn VideoEncoder>, frames: u64, limit: Duration) -> Result<f64> {
    let pictures: Vec<_> = (0..4).map(picture).collect();
    let mut packets = Vec::new();
    let begun = Instant::now();
    // Starting a program is not encoding: the time is taken from the first packet on.
    let mut first = None;
    let mut given = 0;
    while given < frames && (given == 0 || begun.elapsed() < limit) {
        let frame = pictures[given as usize % pictures.len()].clone().with_timestamp(RATE.timestamp(given));
        encoder.encode(&frame, RATE.frame_span(), given == 0 || given == KEY, &mut packets)?;
        given += 1;
        if !packets.is_empty() {
            first.get_or_insert((Instant::now(), packets.len() as u64));
        }
    }
    encoder.finish(&mut packets)?;
    if packets.len() as u64 != given {
        return Err(Error::unknown(format!("expected {given} packets but found {}", packets.len())));
    }
    if let Some(packet) = packets.get(KEY as usize).filter(|packet| !packet.key) {
        let time = packet.timestamp.as_secs_f64();
        return Err(Error::unknown(format!("expected a key frame at {time}s but found none")));
    }
    let (since, before) = first.filter(|(_, before)| *before < given).unwrap_or((begun, 0));
    Ok((given - before) as f64 / since.elapsed().as_secs_f64().max(1e-6))
}

/// A picture of waves that move from one picture to the next.
fn picture(index: u64) -> Frame {
    let mut data = Vec::with_capacity(Frame::packed_len(PixelFormat::I420, SIZE));
    for plane in 0..3u64 {
        let (width, height) = PixelFormat::I420.plane_size(plane as usize, SIZE);
        for y in 0..height as u64 {
            let row = (0..width as u64).map(|x| (64 + ((x * 3 + index * 7) ^ (y * 5 + index * 3 + plane)) % 128) as u8);
            data.extend(row);
        }
    }
    Frame::packed(PixelFormat::I420, SIZE, ColorSpace::RECORDED, data)
}

/// The device that VAAPI's encoders use: the first of the kernel's render nodes.
pub(super) fn device() -> Option<String> {
    let nodes = std::fs::read_dir("/dev/dri").ok()?;
    let names = nodes.filter_map(|node| node.ok()?.file_name().into_string().ok());
    let first = names.filter(|name| name.starts_with("renderD")).min()?;
    Some(format!("/dev/dri/{first}"))
}

/// What an encoder that was chosen by a trial says when it fails later.
pub(crate) fn remedy(name: &str, codec: VideoCodec) -> String {
    let instead = machine_encoders(codec).into_iter().find(|encoder| !encoder.is_hardware);
    let instead = instead.map(|encoder| format!(": choose {} instead", encoder.choice));
    format!("{name} had passed its trial{}", instead.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::ffmpeg::settings::codec_of;

    #[test]
    fn names_are_read_from_ffmpegs_list() {
        let list = "Encoders:\n V..... = Video\n A..... = Audio\n ------\n V....D libx264              libx264 H.264\n \
                    VFS..D png                  PNG\n A..... aac                  AAC\n";
        assert_eq!(video_encoders(list), ["libx264", "png"]);
    }

    #[test]
    fn a_name_of_every_kind_says_its_codec() {
        for codec in [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1, VideoCodec::Vp9, VideoCodec::Vp8] {
            let hardware = HARDWARE.map(|kind| format!("{codec}_{kind}"));
            assert!(hardware.iter().all(|name| codec_of(name) == Some(codec) && Family::of(name) != Family::Other));
            assert!(software_of(codec).iter().all(|name| codec_of(name) == Some(codec)));
        }
    }
}
