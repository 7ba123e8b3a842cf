//! ffmpeg's encoders through our pipes, judged by ffmpeg itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::color::ColorSpace;
use crate::encode::tests::{ask, ask_text, encode, luma_psnr, picture, pictures, probe_packets};
use crate::encode::{EncoderChoice, RateControl, VideoEncoder, header, open};
use crate::frame::PixelFormat;
use crate::mux::{VideoTrack, WebmWriter};
use crate::stream::TrackKind;
use crate::time::FrameRate;
use crate::tools;

const SIZE: Size = Size::new(320, 180);
const RATE: FrameRate = FrameRate::whole(25);
const ENCODERS: [&str; 6] = ["libx264", "libx265", "libsvtav1", "libaom-av1", "libvpx-vp9", "libvpx"];

/// Those of them that this ffmpeg has.
fn here() -> Vec<&'static str> {
    if !tools::has("ffmpeg") || !tools::has("ffprobe") {
        return Vec::new();
    }
    let listed = |name: &&str| {
        let codec = settings::codec_of(name).unwrap();
        machine::software_listed(codec).iter().any(|found| found == name) || tools::missing(name, "ffmpeg")
    };
    ENCODERS.into_iter().filter(listed).collect()
}

fn config(name: &str, size: Size) -> EncoderConfig {
    EncoderConfig {
        codec: settings::codec_of(name).unwrap(),
        rate_control: RateControl::Bitrate(500_000),
        threads: 2,
        ..EncoderConfig::new(size, RATE)
    }
}

fn encoder(name: &str, config: &EncoderConfig) -> Box<dyn VideoEncoder> {
    open(&EncoderChoice::Ffmpeg(name.to_owned()), config).unwrap()
}

/// A file of these packets: WebM, or the byte streams of H.264 and HEVC (their Annex B), which have no times.
fn written(folder: &Path, encoder: &dyn VideoEncoder, config: &EncoderConfig, packets: &[EncodedPacket]) -> PathBuf {
    let private = encoder.codec_private().unwrap();
    let parameters = match config.codec {
        VideoCodec::H264 => avcc_parameters(&private),
        VideoCodec::Hevc => hvcc_parameters(&private),
        codec => {
            let path = folder.join("film.webm");
            let size = encoder.coded_size().unwrap_or(config.size);
            let track = VideoTrack::new(codec, size, private);
            let mut writer = WebmWriter::new(fs::File::create(&path).unwrap(), &track.into()).unwrap();
            packets.iter().for_each(|packet| writer.write(TrackKind::Video, packet).unwrap());
            writer.finish(None).outcome.unwrap();
            return path;
        }
    };
    const START: [u8; 4] = [0, 0, 0, 1];
    let mut bytes: Vec<u8> = parameters.iter().flat_map(|unit| START.iter().chain(unit.iter()).copied()).collect();
    for packet in packets {
        let mut rest = &packet.data[..];
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (unit, after) = after.split_at(u32::from_be_bytes(*length) as usize);
            bytes.extend(START.iter().chain(unit));
            rest = after;
        }
        assert!(rest.is_empty(), "lengths of 4 bytes up to the packet's end");
    }
    let path = folder.join(format!("film.{}", config.codec));
    fs::write(&path, bytes).unwrap();
    path
}

/// The parameter sets of an avcC (ISO/IEC 14496-15 §5.3.3.1.2).
fn avcc_parameters(avcc: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(avcc[4] & 3, 3, "lengths of 4 bytes");
    let (mut units, mut at) = (Vec::new(), 5);
    for mask in [0x1f, 0xff] {
        let count = avcc[at] & mask;
        at += 1;
        (0..count).for_each(|_| units.push(unit(avcc, &mut at)));
    }
    units
}

/// The parameter sets of an hvcC (ISO/IEC 14496-15 §8.3.3.1.2).
fn hvcc_parameters(hvcc: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(hvcc[21] & 3, 3, "lengths of 4 bytes");
    let (mut units, mut at) = (Vec::new(), 23);
    for _ in 0..hvcc[22] {
        let count = u16::from_be_bytes([hvcc[at + 1], hvcc[at + 2]]);
        at += 3;
        (0..count).for_each(|_| units.push(unit(hvcc, &mut at)));
    }
    units
}

fn unit(bytes: &[u8], at: &mut usize) -> Vec<u8> {
    let length = usize::from(u16::from_be_bytes([bytes[*at], bytes[*at + 1]]));
    let unit = bytes[*at + 2..][..length].to_vec();
    *at += 2 + length;
    unit
}

fn decode(file: &Path) -> Vec<u8> {
    let arguments =
        ["-v", "error", "-i", "FILE", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-"];
    ask("ffmpeg", &arguments, file).unwrap()
}

/// Real film: the first frames of the clip, reduced.
fn film(count: usize) -> Vec<Frame> {
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/clips/bunny.webm");
    let (count, size) = (count.to_string(), SIZE.to_string());
    let arguments = ["-v", "error", "-i", "FILE", "-frames:v", &count, "-s", &size];
    let raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-"];
    let bytes = ask("ffmpeg", &[&arguments[..], &raw].concat(), &clip).unwrap();
    let length = Frame::packed_len(PixelFormat::I420, SIZE);
    let frame = |(index, data): (u64, &[u8])| {
        let frame = Frame::packed(PixelFormat::I420, SIZE, ColorSpace::RECORDED, data.to_vec());
        frame.with_timestamp(RATE.timestamp(index))
    };
    (0..).zip(bytes.chunks(length)).map(frame).collect()
}

/// The same frames by ffmpeg directly, with the same settings and key frames at these times.
fn directly(folder: &Path, name: &str, config: &EncoderConfig, frames: &[Frame], keys: &str) -> PathBuf {
    let raw = folder.join("raw.yuv");
    fs::write(&raw, frames.iter().flat_map(|frame| frame.data().to_vec()).collect::<Vec<_>>()).unwrap();
    let file = folder.join("direct.mkv");
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-framerate", "25"]);
    command.args(["-s", &config.size.to_string(), "-i"]).arg(&raw);
    // libvpx's rate control depends on the unit of time.
    command
        .args(["-force_key_frames", keys, "-enc_time_base", raw_input::TIME_BASE])
        .args(settings::arguments(name, config))
        .args(settings::colors(ColorSpace::RECORDED))
        .arg(&file);
    let output = command.env("SVT_LOG", "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    file
}

#[test]
fn ffmpegs_encoders_make_of_the_same_frames_what_ffmpeg_alone_makes_of_them() {
    let folder = tempfile::tempdir().unwrap();
    for name in here() {
        let frames = film(60);
        assert_eq!(frames.len(), 60);
        // With more threads, SVT-AV1's constant bitrate and libvpx's VP8 depend on how these were scheduled.
        let alone = Family::of(name) == Family::Svt || name == "libvpx";
        let config = config(name, SIZE).with_threads(if alone { 1usize } else { 2 });
        let takes_requests = Family::of(name).key_control(&config) == KeyControl::Asked;
        let mut ours = encoder(name, &config);
        let packets = encode(&mut *ours, &frames, if takes_requests { &[17] } else { &[] });
        assert_eq!(packets.len(), 60, "{name}");
        assert!(packets.iter().zip(&frames).all(|(packet, frame)| packet.timestamp == frame.timestamp), "{name}");
        let file = written(folder.path(), &*ours, &config, &packets);
        let decoded = decode(&file);
        assert_eq!(decoded.len(), 60 * frames[0].data().len(), "{name}");
        let direct = directly(folder.path(), name, &config, &frames, "0.68");
        let sizes = ["-v", "error", "-show_entries", "packet=size", "-of", "csv=p=0", "FILE"];
        let sizes = ask_text("ffprobe", &sizes, &direct).unwrap();
        let bytes: usize = sizes.lines().map(|size| size.trim_end_matches(',').parse::<usize>().unwrap()).sum();
        let own: usize = packets.iter().map(|packet| packet.data.len()).sum();
        let (psnr, direct_psnr) = (luma_psnr(&frames, &decoded), luma_psnr(&frames, &decode(&direct)));
        println!("{name}: {psnr:.2} dB and {own} bytes, directly {direct_psnr:.2} dB and {bytes} bytes");
        assert!((psnr - direct_psnr).abs() < 0.3, "{name}: {psnr:.2} dB and directly {direct_psnr:.2} dB");
        assert!(own.abs_diff(bytes) * 100 < 3 * bytes, "{name}: {own} bytes and directly {bytes}");
        fs::remove_file(direct).unwrap();
        // What players need to know stands in the stream itself or in its container.
        let entries = "stream=width,height,pix_fmt,color_range,color_space,color_transfer,color_primaries,has_b_frames";
        let text =
            ask_text("ffprobe", &["-v", "error", "-show_entries", entries, "-of", "default=nk=0", "FILE"], &file);
        let text = text.unwrap();
        for line in ["width=320", "height=180", "pix_fmt=yuv420p", "color_space=bt709", "has_b_frames=0"] {
            assert!(text.lines().any(|found| found == line), "{name}: no {line} in\n{text}");
        }
        if config.codec != VideoCodec::Vp8 {
            for line in ["color_range=tv", "color_transfer=bt709", "color_primaries=bt709"] {
                assert!(text.lines().any(|found| found == line), "{name}: no {line} in\n{text}");
            }
        }
    }
}

#[test]
fn key_frames_of_ffmpegs_encoders_come_where_they_are_asked_for_and_as_often_as_agreed() {
    let size = Size::new(64, 64);
    let folder = tempfile::tempdir().unwrap();
    for name in here() {
        let frames = pictures(size, 40);
        let config = EncoderConfig { key_interval: Span::from_millis(500), ..config(name, size) };
        let mut ours = encoder(name, &config);
        let packets = encode(&mut *ours, &frames, &[3, 20]);
        let keys: Vec<usize> = (0..packets.len()).filter(|&index| packets[index].key).collect();
        assert_eq!((packets.len(), &keys[..]), (40, &[0, 3, 15, 20, 32][..]), "{name}");
        let file = written(folder.path(), &*ours, &config, &packets);
        let decoded = decode(&file);
        assert_eq!(decoded.len(), 40 * frames[0].data().len(), "{name}");
        let psnr = luma_psnr(&frames, &decoded);
        assert!(psnr > 30.0, "{name}: {psnr:.1} dB");
        if file.extension().is_some_and(|end| end == "webm") {
            let packets = probe_packets(&file).unwrap();
            let keys: Vec<_> = packets.iter().filter(|packet| packet.1).map(|packet| packet.0 / 40).collect();
            assert_eq!(keys, [0, 3, 15, 20, 32], "{name}");
        }
    }
}

#[test]
fn frames_through_ffmpeg_keep_their_own_times() {
    let times = [0, 1_400_000, 16_683_333, 16_683_334, 51_999_999, 700_000_000, 1_234_567_890, 9_999_999_999_999];
    for name in here() {
        let time = |(&nanos, index)| picture(SIZE, index).with_timestamp(Timestamp::from_nanos(nanos + 77));
        let frames: Vec<Frame> = times.iter().zip(0..).map(time).collect();
        let packets = encode(&mut *encoder(name, &config(name, SIZE)), &frames, &[]);
        let kept: Vec<i64> = packets.iter().map(|packet| packet.timestamp.as_nanos() - 77).collect();
        assert_eq!(kept, times, "{name}");
    }
}

#[test]
fn odd_sizes_keep_every_pixel() {
    let folder = tempfile::tempdir().unwrap();
    for name in here() {
        let size = Size::new(177, 99);
        let frames = pictures(size, 3);
        let config = EncoderConfig { rate_control: RateControl::Quality(90), ..config(name, size) };
        let mut ours = encoder(name, &config);
        let packets = encode(&mut *ours, &frames, &[]);
        let coded = ours.coded_size().unwrap();
        let even = !matches!(Family::of(name), Family::Vpx | Family::LibAom);
        assert_eq!(coded, if even { Size::new(178, 100) } else { size }, "{name}");
        let decoded = decode(&written(folder.path(), &*ours, &config, &packets));
        let whole = Frame::packed_len(PixelFormat::I420, coded);
        assert_eq!(decoded.len(), 3 * whole, "{name}");
        // Without what was added.
        let cut = decoded.chunks(whole).flat_map(|picture| {
            let luma = picture.chunks(coded.width as usize).take(99).flat_map(|row| &row[..177]);
            luma.chain(&picture[coded.pixels() as usize..]).copied()
        });
        let psnr = luma_psnr(&frames, &cut.collect::<Vec<_>>());
        assert!(psnr > 33.0, "{name}: {psnr:.1} dB");
    }
}

#[test]
fn a_header_is_that_of_the_recording_that_follows() {
    for name in here() {
        let config = config(name, SIZE);
        let header = header(&EncoderChoice::Ffmpeg(name.to_owned()), &config).unwrap();
        let mut ours = encoder(name, &config);
        assert_eq!(ours.codec_private(), None, "{name}");
        encode(&mut *ours, &pictures(SIZE, 3), &[]);
        assert_eq!(Some(header.codec_private), ours.codec_private(), "{name}");
        let expected = match name {
            "libx264" => "avc1.640014",
            "libx265" => "hvc1.1.6.L60.90",
            "libsvtav1" | "libaom-av1" => "av01.0.00M.08",
            "libvpx-vp9" => "vp09.00.11.08",
            _ => "vp8",
        };
        assert_eq!(header.codec_string, expected, "{name}");
    }
}

#[test]
fn more_quality_costs_more_bytes_and_every_speed_is_taken() {
    let size = Size::new(64, 64);
    let frames = pictures(size, 3);
    for name in here() {
        let bytes = |config: &EncoderConfig| -> usize {
            encode(&mut *encoder(name, config), &frames, &[]).iter().map(|packet| packet.data.len()).sum()
        };
        let base = config(name, size);
        let qualities = [10, 55, 95]
            .map(|quality| bytes(&EncoderConfig { rate_control: RateControl::Quality(quality), ..base.clone() }));
        assert!(qualities.is_sorted() && qualities[0] * 2 < qualities[2], "{name}: {qualities:?}");
        for speed in [0, 4, 10] {
            assert!(bytes(&base.clone().with_speed(speed)) > 0, "{name} at speed {speed}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_process_that_is_killed_is_an_error_and_what_it_had_encoded_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    for name in here().into_iter().take(1) {
        let config = config(name, SIZE);
        let frames = pictures(SIZE, 400);
        let mut ours = FfmpegEncoder::new(name, &config).unwrap();
        let mut packets = Vec::new();
        let mut failed = None;
        for (index, frame) in frames.iter().enumerate() {
            if packets.len() >= 20 {
                let id = ours.runs[0].run.id().to_string();
                assert!(Command::new("kill").args(["-9", &id]).status().unwrap().success());
            }
            if let Err(error) = ours.encode(frame, Span::from_millis(40), false, &mut packets) {
                failed = Some((index, error));
                break;
            }
        }
        let (index, error) = failed.unwrap();
        let text = error.to_string();
        let expected = format!("expected ffmpeg to encode with {name} to the end but it stopped after ");
        assert!(text.starts_with(&expected) && text.contains("signal: 9"), "{text}");
        assert!(ours.encode(&frames[399], Span::from_millis(40), false, &mut packets).is_err());
        ours.finish(&mut packets).unwrap();
        assert!((20..=index).contains(&packets.len()), "{} packets of {index} frames", packets.len());
        let decoded = decode(&written(folder.path(), &ours, &config, &packets));
        assert_eq!(decoded.len(), packets.len() * frames[0].data().len());
    }
}

#[test]
fn an_encoder_that_ffmpeg_does_not_have_is_an_error_with_its_last_words() {
    if !tools::has("ffmpeg") {
        return;
    }
    let choice: EncoderChoice = "ffmpeg:libno264".parse().unwrap();
    let error = header(&choice, &config("libx264", SIZE)).unwrap_err().to_string();
    assert!(error.contains("with libno264") && error.contains("Unknown encoder 'libno264'"), "{error}");
    let error = open(&choice, &config("libvpx", SIZE)).err().unwrap().to_string();
    assert_eq!(error, "expected h264 for the encoder ffmpeg:libno264 but found vp8");
    let error = open(&"ffmpeg:mpeg4".parse().unwrap(), &config("libvpx", SIZE)).err().unwrap().to_string();
    assert!(error.contains("whose name says no codec of video that is known here"), "{error}");
    for name in ["ffmpeg:", "ffmpeg:-y", "ffmpeg:a b", "ffmpeg:x;y", "libx264"] {
        assert!(name.parse::<EncoderChoice>().is_err(), "{name}");
    }
}
