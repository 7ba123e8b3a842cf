//! All encoders through the WebM writer into files that other people's programs read.

use std::fmt;
use std::io::{Cursor, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::color::ColorSpace;
use crate::mux::{Finished, VideoTrack, WebmWriter};
use crate::stream::TrackKind;
use crate::tools;

const SIZE: Size = Size::new(320, 180);
const RATE: FrameRate = FrameRate::whole(25);

/// An encoder, the codec that it is tried with, and whether frames come as fast as they are taken.
#[derive(Debug, Clone, PartialEq)]
struct Tried {
    choice: EncoderChoice,
    codec: VideoCodec,
    offline: bool,
}

impl Tried {
    fn open(&self, config: &EncoderConfig) -> Result<Box<dyn VideoEncoder>> {
        open(&self.choice, &config.clone().with_codec(self.codec).with_offline(self.offline))
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {}{}", self.codec, self.choice, if self.offline { ", offline" } else { "" })
    }
}

/// Every encoder that is built in, with each of its codecs; rav1e, which is another one then, also offline.
fn choices() -> Vec<Tried> {
    let named = |name: &str| ["aom", "rav1e", "vpx"].contains(&name);
    let built_in = list().into_iter().filter(|info| info.version.is_ok() && named(&info.name));
    let tried = built_in.flat_map(|info| info.codecs.into_iter().map(move |codec| (info.name.clone(), codec)));
    let tried = tried.map(|(name, codec)| Tried { choice: name.parse().unwrap(), codec, offline: false });
    let offline = Tried { choice: EncoderChoice::Rav1e, codec: VideoCodec::Av1, offline: true };
    tried.chain([offline]).collect()
}

fn config(size: Size) -> EncoderConfig {
    EncoderConfig { rate_control: RateControl::Bitrate(500_000), threads: 2, ..EncoderConfig::new(size, RATE) }
}

/// A soft gradient that slides behind a disc that moves.
pub(super) fn picture(size: Size, index: u64) -> Frame {
    let mut data = Vec::with_capacity(Frame::packed_len(PixelFormat::I420, size));
    for plane in 0..3 {
        let (width, height) = PixelFormat::I420.plane_size(plane, size);
        let step = if plane == 0 { 1 } else { 2 };
        for y in 0..height as i64 {
            for x in 0..width as i64 {
                let (x, y, time) = (x * step, y * step, index as i64);
                let (dx, dy) = (x - (20 + 3 * time) % i64::from(size.width), y - i64::from(size.height) / 2);
                let inside = dx * dx + dy * dy < 900;
                data.push(match (plane, inside) {
                    (0, true) => 200,
                    (0, false) => (40 + (x + 2 * time) % 256 / 2 + y / 4) as u8,
                    (1, true) => 90,
                    (2, true) => 180,
                    (_, _) => (128 + (x - y) / 8 % 32) as u8,
                });
            }
        }
    }
    Frame::packed(PixelFormat::I420, size, ColorSpace::RECORDED, data).with_timestamp(RATE.timestamp(index))
}

pub(super) fn pictures(size: Size, count: u64) -> Vec<Frame> {
    (0..count).map(|index| picture(size, index)).collect()
}

/// All packets of these frames, each shown until the next; the last for 40 ms.
pub(super) fn encode(encoder: &mut dyn VideoEncoder, frames: &[Frame], keys: &[usize]) -> Vec<EncodedPacket> {
    let mut packets = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        let next = frames.get(index + 1).map(|next| next.timestamp - frame.timestamp);
        let duration = next.unwrap_or(Span::from_millis(40));
        encoder.encode(frame, duration, keys.contains(&index), &mut packets).unwrap();
    }
    encoder.finish(&mut packets).unwrap();
    packets
}

fn write<W: Write + Seek>(sink: W, encoder: &dyn VideoEncoder, packets: &[EncodedPacket]) -> (W, Result<()>) {
    let codec_private = encoder.codec_private().unwrap();
    let mut writer = WebmWriter::new(sink, &VideoTrack::new(VideoCodec::Av1, SIZE, codec_private).into()).unwrap();
    let written = packets.iter().try_for_each(|packet| writer.write(TrackKind::Video, packet));
    let Finished { sink, outcome: finished, .. } = writer.finish(None);
    (sink, written.and(finished))
}

struct Encoded {
    _folder: tempfile::TempDir,
    path: PathBuf,
    codec: String,
}

fn record(choice: &Tried, config: &EncoderConfig, frames: &[Frame], keys: &[usize]) -> Encoded {
    let mut encoder = choice.open(config).unwrap();
    let before = (encoder.codec_private(), encoder.codec_string());
    let packets = encode(&mut *encoder, frames, keys);
    if before.0.is_some() {
        assert_eq!(before, (encoder.codec_private(), encoder.codec_string()), "{choice}");
    }
    save(choice.codec, config.size, &*encoder, &packets)
}

/// The packets as a file.
fn save(codec: VideoCodec, size: Size, encoder: &dyn VideoEncoder, packets: &[EncodedPacket]) -> Encoded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.webm");
    let file = std::fs::File::create(&path).unwrap();
    let track = VideoTrack::new(codec, size, encoder.codec_private().unwrap());
    let mut writer = WebmWriter::new(file, &track.into()).unwrap();
    packets.iter().for_each(|packet| writer.write(TrackKind::Video, packet).unwrap());
    writer.finish(None).outcome.unwrap();
    Encoded { _folder: folder, path, codec: encoder.codec_string().unwrap() }
}

/// The program's standard output, after it ran without a complaint; none where it is missing.
pub(super) fn ask(program: &str, arguments: &[&str], file: &Path) -> Option<Vec<u8>> {
    let arguments =
        arguments.iter().map(|&argument| if argument == "FILE" { file.as_os_str() } else { argument.as_ref() });
    if !tools::has(program) {
        return None;
    }
    let output = Command::new(program).args(arguments).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaint.is_empty(), "{program}: {complaint}");
    Some(output.stdout)
}

pub(super) fn ask_text(program: &str, arguments: &[&str], file: &Path) -> Option<String> {
    ask(program, arguments, file).map(|output| String::from_utf8(output).unwrap())
}

fn decode(file: &Path) -> Option<Vec<u8>> {
    ask(
        "ffmpeg",
        &["-v", "error", "-i", "FILE", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-"],
        file,
    )
}

/// Peak signal to noise ratio of luma, in decibels, over all frames.
pub(super) fn luma_psnr(frames: &[Frame], decoded: &[u8]) -> f64 {
    let (mut squares, mut samples) = (0.0, 0.0);
    for (frame, decoded) in frames.iter().zip(decoded.chunks(frames[0].data().len())) {
        for (row, decoded) in frame.rows(0).zip(decoded.chunks(frame.size().width as usize)) {
            for (&a, &b) in row.iter().zip(decoded) {
                squares += (f64::from(a) - f64::from(b)).powi(2);
                samples += 1.0;
            }
        }
    }
    10.0 * (255.0 * 255.0 * samples / squares).log10()
}

/// Each packet's time in milliseconds and whether it is a key frame, by ffprobe.
pub(super) fn probe_packets(file: &Path) -> Option<Vec<(i64, bool)>> {
    let entries = ["-v", "error", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", "FILE"];
    let text = ask_text("ffprobe", &entries, file)?;
    let line = |line: &str| {
        let (time, flags) = line.split_once(',').unwrap();
        ((time.parse::<f64>().unwrap() * 1000.0).round() as i64, flags.starts_with('K'))
    };
    Some(text.lines().map(line).collect())
}

#[test]
fn a_recording_is_a_whole_webm_to_other_programs() {
    let frames = pictures(SIZE, 60);
    for choice in choices() {
        let recording = record(&choice, &config(SIZE), &frames, &[]);
        let file = &recording.path;
        // AV1's level 2.0 holds 320x180 at 25, VP9's 1.1.
        let codec = match choice.codec {
            VideoCodec::Vp8 => "vp8",
            VideoCodec::Vp9 => "vp09.00.11.08",
            _ => "av01.0.00M.08",
        };
        assert_eq!(recording.codec, codec, "{choice}");

        if let Some(packets) = probe_packets(file) {
            assert_eq!(packets.len(), 60, "{choice}");
            assert!(packets.iter().zip(0..).all(|(packet, index)| packet.0 == index * 40), "{choice}: {packets:?}");
            let keys: Vec<i64> = packets.iter().filter(|packet| packet.1).map(|packet| packet.0).collect();
            assert_eq!(keys, [0, 2000], "{choice}");
        }
        let entries = "stream=codec_name,width,height,pix_fmt,color_range,color_space,color_transfer,color_primaries,\
                       chroma_location:format=duration:format_tags=encoder";
        if let Some(text) =
            ask_text("ffprobe", &["-v", "error", "-show_entries", entries, "-of", "default=nk=0", "FILE"], file)
        {
            // VP8 and VP9 do not say where chroma is.
            let siting = if choice.codec == VideoCodec::Av1 { "chroma_location=left" } else { "width=320" };
            for line in [
                &format!("codec_name={}", choice.codec),
                siting,
                "width=320",
                "height=180",
                "pix_fmt=yuv420p",
                "color_range=tv",
                "color_space=bt709",
                "color_transfer=bt709",
                "color_primaries=bt709",
                "duration=2.400000",
            ] {
                assert!(text.lines().any(|found| found == line), "{choice}: no {line} in\n{text}");
            }
        }
        if let Some(decoded) = decode(file) {
            assert_eq!(decoded.len(), 60 * frames[0].data().len(), "{choice}");
            let psnr = luma_psnr(&frames, &decoded);
            assert!(psnr > 36.0, "{choice}: {psnr:.1} dB");
        }
        if let Some(text) = ask_text("mkvinfo", &["--all", "FILE"], file) {
            let private =
                if choice.codec == VideoCodec::Vp8 { "Codec ID: V_VP8" } else { "Codec's private data: size" };
            for element in [
                private,
                concat!("Writing application: framereel ", env!("CARGO_PKG_VERSION")),
                "Cue point",
                "Duration: 00:00:02.400",
                "Color matrix coefficients: 1",
                "Color range: 1",
            ] {
                assert!(text.to_lowercase().contains(&element.to_lowercase()), "{choice}: no {element} in\n{text}");
            }
        }
    }
}

#[test]
fn the_same_frames_give_the_same_packets_twice() {
    let frames = pictures(SIZE, 12);
    for choice in choices() {
        let run = || encode(&mut *choice.open(&config(SIZE)).unwrap(), &frames, &[5]);
        assert!(run() == run(), "{choice}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_packets() {
    let size = Size::new(800, 450);
    let frames = pictures(size, 8);
    for choice in choices().into_iter().filter(|choice| choice.offline || choice.choice != EncoderChoice::Rav1e) {
        let run = |threads| {
            let config = EncoderConfig { threads, ..config(size) };
            encode(&mut *choice.open(&config).unwrap(), &frames, &[5])
        };
        let one = run(1);
        for threads in [2, 3, 8] {
            assert!(run(threads) == one, "{choice}, {threads} threads");
        }
    }
}

#[cfg(all(feature = "vpx", unix))]
#[test]
fn vp8_of_constant_quality_is_the_same_in_segments_as_in_one_stream() {
    let frames = pictures(Size::new(320, 180), 40);
    let config = EncoderConfig { key_interval: Span::from_millis(500), ..config(Size::new(320, 180)) };
    let run = |offline, threads| {
        let tried = Tried { choice: EncoderChoice::Vpx, codec: VideoCodec::Vp8, offline };
        let config = EncoderConfig { threads, ..config.clone().with_rate_control(RateControl::Quality(60)) };
        encode(&mut *tried.open(&config).unwrap(), &frames, &[5])
    };
    let whole = run(false, 1);
    for threads in [1, 2, 3] {
        assert!(run(true, threads) == whole, "{threads} threads");
    }
}

#[test]
fn key_frames_come_where_they_are_asked_for_and_at_least_as_often_as_agreed() {
    let frames = pictures(Size::new(64, 64), 40);
    let config = EncoderConfig { key_interval: Span::from_millis(500), ..config(Size::new(64, 64)) };
    for choice in choices() {
        let packets = encode(&mut *choice.open(&config).unwrap(), &frames, &[3, 20]);
        assert_eq!(packets.len(), 40);
        let keys: Vec<usize> = (0..40).filter(|&index| packets[index].key).collect();
        // 500 ms are 12 whole frames of 40 ms.
        assert_eq!(keys, [0, 3, 15, 20, 32], "{choice}");
    }
}

#[test]
fn frames_keep_their_own_times() {
    let times = [0, 1_400_000, 16_683_333, 50_000_000, 51_999_999, 700_000_000, 1_234_567_890];
    let frames: Vec<Frame> = times
        .iter()
        .zip(0..)
        .map(|(&nanos, index)| picture(SIZE, index).with_timestamp(Timestamp::from_nanos(nanos)))
        .collect();
    for choice in choices() {
        let mut encoder = choice.open(&config(SIZE)).unwrap();
        let packets = encode(&mut *encoder, &frames, &[]);
        let kept: Vec<i64> = packets.iter().map(|packet| packet.timestamp.as_nanos()).collect();
        assert_eq!(kept, times, "{choice}");
        let recording = record(&choice, &config(SIZE), &frames, &[]);
        if let Some(packets) = probe_packets(&recording.path) {
            let millis: Vec<i64> = packets.iter().map(|packet| packet.0).collect();
            assert_eq!(millis, [0, 1, 17, 50, 52, 700, 1235], "{choice}");
        }
        if let Some(text) = ask_text(
            "ffprobe",
            &["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", "FILE"],
            &recording.path,
        ) {
            assert_eq!(text.trim(), "1.275000", "{choice}");
        }
    }
}

#[test]
fn every_size_from_the_least_on_works_odd_ones_too() {
    for choice in choices() {
        for size in [Size::new(177, 99), Size::new(16, 16), Size::new(17, 300), Size::new(401, 33)] {
            let frames = pictures(size, 6);
            let recording = record(&choice, &config(size), &frames, &[]);
            if let Some(decoded) = decode(&recording.path) {
                assert_eq!(decoded.len(), 6 * frames[0].data().len(), "{choice} {size}");
                let psnr = luma_psnr(&frames, &decoded);
                assert!(psnr > 25.0, "{choice} {size}: {psnr:.1} dB");
            }
        }
    }
}

#[test]
fn planes_with_padding_between_their_rows_give_the_same_packets() {
    let size = Size::new(64, 48);
    let padded = |frame: &Frame| {
        let (mut data, mut layout) = (Vec::new(), Vec::new());
        for plane in 0..3 {
            let stride = PixelFormat::I420.plane_size(plane, size).0 + 32;
            layout.push(crate::frame::Plane { offset: data.len(), stride });
            for row in frame.rows(plane) {
                data.extend_from_slice(row);
                data.resize(data.len() + stride - row.len(), 77);
            }
        }
        Frame::strided(PixelFormat::I420, size, ColorSpace::RECORDED, &layout, data).with_timestamp(frame.timestamp)
    };
    let plain = pictures(size, 4);
    let strided: Vec<Frame> = plain.iter().map(padded).collect();
    for choice in choices() {
        let run = |frames: &[Frame]| encode(&mut *choice.open(&config(size)).unwrap(), frames, &[]);
        assert!(run(&plain) == run(&strided), "{choice}");
    }
}

#[test]
fn the_bitrate_is_met_and_quality_costs_bytes() {
    let frames = pictures(SIZE, 50);
    let bytes = |choice: &Tried, rate_control| {
        let config = EncoderConfig { rate_control, ..config(SIZE) };
        let packets = encode(&mut *choice.open(&config).unwrap(), &frames, &[]);
        packets.iter().map(|packet| packet.data.len()).sum::<usize>()
    };
    for choice in choices() {
        // Two seconds: 25 000 bytes at 100 kb/s.
        let low = bytes(&choice, RateControl::Bitrate(100_000));
        assert!(low < 25_000 * 3 / 2, "{choice}: {low} bytes");
        let qualities = [0, 50, 100].map(|quality| bytes(&choice, RateControl::Quality(quality)));
        assert!(qualities.is_sorted() && qualities[0] * 3 < qualities[2], "{choice}: {qualities:?}");
    }
}

#[test]
fn speed_and_bitrate_change_while_an_encoder_runs_or_it_says_that_they_cannot() {
    let frames = pictures(SIZE, 100);
    for choice in choices() {
        let mut encoder = choice.open(&config(SIZE)).unwrap();
        let Some(speeds) = encoder.speeds() else {
            for error in [encoder.set_speed(10), encoder.set_bitrate(100_000)].map(Result::unwrap_err) {
                assert!(error.to_string().contains("while it runs but found rav1e"), "{choice}: {error}");
            }
            continue;
        };
        let mut packets = Vec::new();
        for (index, frame) in frames.iter().enumerate() {
            match index {
                25 => encoder.set_speed(*speeds.end()).unwrap(),
                40 => encoder.set_speed(*speeds.start()).unwrap(),
                50 => encoder.set_bitrate(100_000).unwrap(),
                _ => {}
            }
            encoder.encode(frame, RATE.frame_span(), false, &mut packets).unwrap();
        }
        encoder.finish(&mut packets).unwrap();
        let bytes =
            |range: std::ops::Range<usize>| packets[range].iter().map(|packet| packet.data.len()).sum::<usize>();
        // A second at 500 kb/s, and the last one at 100 kb/s.
        let (before, after) = (bytes(25..50), bytes(75..100));
        assert!((30_000..90_000).contains(&before) && after < 12_500 * 3 / 2, "{choice}: {before} and {after} bytes");

        assert_eq!(encoder.set_speed(11).unwrap_err().kind(), &ErrorKind::Range, "{choice}");
        assert_eq!(encoder.set_bitrate(1).unwrap_err().kind(), &ErrorKind::Range, "{choice}");
        let constant = EncoderConfig { rate_control: RateControl::Quality(60), ..config(SIZE) };
        let refused = choice.open(&constant).unwrap().set_bitrate(100_000).unwrap_err();
        assert!(refused.to_string().contains("the quality 60"), "{choice}: {refused}");
    }
}

#[test]
fn packets_after_a_change_of_speed_and_bitrate_are_decoded_as_they_were_meant() {
    let frames = pictures(SIZE, 50);
    for choice in choices() {
        let mut encoder = choice.open(&config(SIZE)).unwrap();
        let Some(speeds) = encoder.speeds() else { continue };
        let mut packets = Vec::new();
        for (index, frame) in frames.iter().enumerate() {
            if index == 25 {
                encoder.set_speed(*speeds.end()).unwrap();
                encoder.set_bitrate(2_000_000).unwrap();
            }
            encoder.encode(frame, RATE.frame_span(), false, &mut packets).unwrap();
        }
        let Some(decoded) = decode(&save(choice.codec, SIZE, &*encoder, &packets).path) else { return };
        let half = decoded.len() / 2;
        let (before, after) = (luma_psnr(&frames[..25], &decoded[..half]), luma_psnr(&frames[25..], &decoded[half..]));
        assert!(before > 30.0 && after > before, "{choice}: {before:.1} and {after:.1} dB");
    }
}

#[test]
fn every_speed_encodes() {
    let frames = pictures(Size::new(64, 64), 3);
    for choice in choices() {
        for speed in 0..=10 {
            let config = EncoderConfig { speed: Some(speed), ..config(Size::new(64, 64)) };
            let packets = encode(&mut *choice.open(&config).unwrap(), &frames, &[]);
            assert_eq!(packets.len(), 3, "{choice} at speed {speed}");
        }
    }
}

/// A disc with a soft edge on nothing at all, and a hard-edged square that is half transparent.
fn transparent_picture(size: Size, index: u64) -> Frame {
    let data = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (f64::from(x), f64::from(y))));
    let data = data.flat_map(|(x, y)| {
        let time = index as f64;
        let distance = (x - 60.0 - 5.0 * time).hypot(y - 50.0);
        let square = (200.0..280.0).contains(&(x + 2.0 * time)) && (100.0..160.0).contains(&y);
        match ((40.0 - distance) / 4.0, square) {
            (_, true) => [0, 80, 250, 128],
            (inside, _) if inside <= 0.0 => [0; 4],
            (inside, _) => [250, 140, 20, (255.0 * inside.min(1.0)).round() as u8],
        }
    });
    Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, data.collect()).with_timestamp(RATE.timestamp(index))
}

#[test]
fn transparency_comes_back_from_packets_of_its_own() {
    let frames: Vec<_> = (0..12).map(|index| transparent_picture(SIZE, index)).collect();
    let luma = SIZE.pixels() as usize;
    for choice in choices().into_iter().filter(|choice| choice.codec.has_alpha()) {
        let config = config(SIZE).with_alpha(true);
        let mut encoder = choice.open(&config).unwrap();
        let packets = encode(&mut *encoder, &frames, &[5]);
        let keys: Vec<_> = (0..12).filter(|&index| packets[index].key).collect();
        assert_eq!(keys, [0, 5], "{choice}");
        let header = header(&choice.choice, &config.with_codec(choice.codec)).unwrap();
        assert_eq!(Some(header.codec_private), encoder.codec_private(), "{choice}");

        // The transparency as a film of its own, which has key frames where the colours have them.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alpha.webm");
        let track = VideoTrack::new(choice.codec, SIZE, encoder.codec_private().unwrap());
        let mut writer = WebmWriter::new(std::fs::File::create(&path).unwrap(), &track.into()).unwrap();
        for packet in packets.iter().skip(5) {
            let alpha = EncodedPacket { data: packet.alpha.clone().unwrap(), alpha: None, ..packet.clone() };
            writer.write(TrackKind::Video, &alpha).unwrap();
        }
        writer.finish(None).outcome.unwrap();
        let Some(decoded) = decode(&path) else { return };
        assert_eq!(decoded.len(), 7 * frames[0].alpha_i420().data().len(), "{choice}");
        let alpha = frames[5..].iter().flat_map(|frame| frame.data().chunks(4).map(|pixel| pixel[3]));
        let found = decoded.chunks(frames[0].alpha_i420().data().len()).flat_map(|frame| &frame[..luma]);
        let off = alpha.zip(found).map(|(alpha, &found)| alpha.abs_diff(found));
        let most = off.max().unwrap();
        let bytes: usize = packets.iter().map(|packet| packet.alpha.as_ref().map_or(0, Vec::len)).sum();
        println!("{choice}: off by {most} of 255 at most, {bytes} bytes of transparency");
        assert!(most <= 3, "{choice}: {most}");
    }
}

#[test]
fn a_constant_quality_does_not_depend_on_what_came_before() {
    let size = Size::new(160, 96);
    let noise = |index: u64| {
        let mut state = 0x2545_f491_4f6c_dd1d_u64 + index;
        let mut frame = picture(size, index).data().to_vec();
        frame[..size.pixels() as usize].iter_mut().for_each(|luma| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *luma = state as u8;
        });
        Frame::packed(PixelFormat::I420, size, ColorSpace::RECORDED, frame).with_timestamp(RATE.timestamp(index))
    };
    let calm = pictures(size, 40);
    let stormy: Vec<_> = (0..20).map(noise).chain(calm[20..].to_vec()).collect();
    let config = EncoderConfig { rate_control: RateControl::Quality(60), ..config(size) };
    for choice in choices().into_iter().filter(|choice| choice.choice == EncoderChoice::Vpx) {
        // From the key frame on, as good as ever.
        let [calm, stormy] = [&calm, &stormy].map(|frames| {
            let recording = record(&choice, &config, frames, &[20]);
            let decoded = decode(&recording.path)?;
            Some(luma_psnr(&frames[20..], &decoded[20 * frames[0].data().len()..]))
        });
        let (Some(calm), Some(stormy)) = (calm, stormy) else { return };
        println!("{choice}: {calm:.2} dB, after noise {stormy:.2} dB");
        assert!((calm - stormy).abs() < 0.5, "{choice}: {calm:.2} dB, after noise {stormy:.2} dB");
    }
}

/// Stripes and a patch of noise that stay, and a small square that moves: after its first frame it costs ever fewer
/// bits.
fn calm_picture(size: Size, index: u64) -> Frame {
    let (right, bottom) = (size.width as usize / 2, size.height as usize / 2);
    let square = 10 + 4 * index as usize..22 + 4 * index as usize;
    let mut data = Vec::with_capacity(Frame::packed_len(PixelFormat::I420, size));
    for plane in 0..3 {
        let (width, height) = PixelFormat::I420.plane_size(plane, size);
        let step = if plane == 0 { 1 } else { 2 };
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y * step, x * step))) {
            data.push(if square.contains(&x) && (20..32).contains(&y) {
                220
            } else if plane == 0 && x > right && y > bottom {
                (60 + (x * 7919 + y * 104_729) * 31 % 97) as u8
            } else {
                (50 + x / 24 * 20 % 140) as u8
            });
        }
    }
    Frame::packed(PixelFormat::I420, size, ColorSpace::RECORDED, data).with_timestamp(RATE.timestamp(index))
}

#[test]
fn every_speed_gives_frames_that_all_decode_when_the_rate_control_refines_them() {
    let size = Size::new(160, 96);
    let frames: Vec<Frame> = (0..20).map(|index| calm_picture(size, index)).collect();
    for choice in choices() {
        for speed in 0..=10 {
            let config =
                EncoderConfig { speed: Some(speed), rate_control: RateControl::Bitrate(1_000_000), ..config(size) };
            let recording = record(&choice, &config, &frames, &[12]);
            if let Some(decoded) = decode(&recording.path) {
                assert_eq!(decoded.len(), frames.len() * frames[0].data().len(), "{choice} at speed {speed}");
                let psnr = luma_psnr(&frames, &decoded);
                assert!(psnr > 36.0, "{choice} at speed {speed}: {psnr:.1} dB");
            }
        }
    }
}

#[test]
fn what_cannot_be_encoded_is_refused_with_both_values() {
    for (config, words) in [
        (config(Size::new(15, 16)), "found 15x16"),
        (config(Size::new(16, 65537)), "found 16x65537"),
        (config(Size::new(0, 0)), "found 0x0"),
        (EncoderConfig { rate_control: RateControl::Bitrate(0), ..config(SIZE) }, "found 0"),
        (EncoderConfig { rate_control: RateControl::Quality(101), ..config(SIZE) }, "found 101"),
        (EncoderConfig { speed: Some(11), ..config(SIZE) }, "found 11"),
    ] {
        let error = open(&EncoderChoice::Auto, &config).err().unwrap();
        assert_eq!(*error.kind(), ErrorKind::Range);
        assert!(error.to_string().contains(words), "{error}");
    }
    for choice in choices() {
        let mut encoder = choice.open(&config(SIZE)).unwrap();
        let other = picture(Size::new(64, 64), 0);
        let error = encoder.encode(&other, Span::from_millis(40), false, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("of I420, 320x180, but found I420 of 64x64"), "{error}");
    }
}

#[test]
fn encoders_are_named_as_the_command_line_names_them() {
    for (text, choice) in [
        ("auto", EncoderChoice::Auto),
        ("rav1e", EncoderChoice::Rav1e),
        ("aom", EncoderChoice::Aom),
        ("vpx", EncoderChoice::Vpx),
    ] {
        assert_eq!(text.parse::<EncoderChoice>().unwrap(), choice);
        assert_eq!(choice.to_string(), text);
    }
    let error = "x265".parse::<EncoderChoice>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected auto, hardware, rav1e, aom, vpx or one of ffmpeg's, as ffmpeg:libx264, but found `x265`"
    );
    for info in list() {
        let opened = open(&info.name.parse().unwrap(), &config(SIZE).with_codec(info.codecs[0]));
        match info.version {
            Ok(version) => {
                assert_eq!(opened.unwrap().name(), info.name);
                assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{version}");
            }
            Err(remedy) => {
                let error = opened.err().unwrap();
                assert_eq!(*error.kind(), ErrorKind::NotSupported);
                assert!(error.to_string().contains(&remedy), "{error}");
            }
        }
    }
}

#[test]
fn a_recording_of_weeks_and_a_gap_of_weeks_end_no_recording() {
    let days = |days: i64| Span::from_secs(days * 86_400);
    for choice in choices() {
        // Two gaps of ten days; then, for the encoder's clock, four days in frames a minute apart.
        let gaps = [days(0), days(10), days(20)].map(|gap| Timestamp::ZERO + gap);
        let minutes = (1..4 * 1440).map(|minute| gaps[2] + Span::from_secs(60 * minute));
        let count = if choice.choice == EncoderChoice::Rav1e { 10 } else { usize::MAX };
        let still = picture(Size::new(32, 32), 0);
        let frames: Vec<_> =
            gaps.into_iter().chain(minutes).take(count).map(|time| still.clone().with_timestamp(time)).collect();
        let recording = record(&choice, &config(Size::new(32, 32)), &frames, &[]);
        let Some(decoded) = decode(&recording.path) else { return };
        assert_eq!(decoded.len(), frames.len() * still.data().len(), "{choice}");
    }
}

/// A disk that is full after so many bytes, as a real one is: what is there can still be written over.
struct SmallDisk {
    file: Cursor<Vec<u8>>,
    room: u64,
}

impl Write for SmallDisk {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.room.saturating_sub(self.file.position()).min(bytes.len() as u64) {
            0 if !bytes.is_empty() => Err(std::io::ErrorKind::StorageFull.into()),
            fits => self.file.write(&bytes[..fits as usize]),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for SmallDisk {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn a_sink_that_fails_anywhere_gives_a_write_error_and_never_a_panic() {
    let frames = pictures(SIZE, 10);
    let mut encoder = open(&EncoderChoice::Auto, &config(SIZE)).unwrap();
    let packets = encode(&mut *encoder, &frames, &[5]);
    let disk = |room| SmallDisk { file: Cursor::new(Vec::new()), room };
    let (whole, outcome) = write(disk(u64::MAX), &*encoder, &packets);
    outcome.unwrap();
    let length = whole.file.into_inner().len() as u64;
    for room in (0..400).chain((400..length - 400).step_by(97)).chain(length - 400..length) {
        let (_, outcome) = write(disk(room), &*encoder, &packets);
        let error = outcome.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Write, "{room} of {length} bytes: {error}");
    }
    write(disk(length), &*encoder, &packets).1.unwrap();
}

#[test]
fn a_recording_that_is_never_finished_plays_and_says_how_long_it_is_to_a_tenth_of_a_second() {
    let frames = pictures(SIZE, 60);
    let mut encoder = open(&EncoderChoice::Auto, &config(SIZE)).unwrap();
    let packets = encode(&mut *encoder, &frames, &[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken off.webm");
    let codec_private = encoder.codec_private().unwrap();
    let track = VideoTrack::new(VideoCodec::Av1, SIZE, codec_private);
    let mut writer = WebmWriter::new(std::fs::File::create(&path).unwrap(), &track.into()).unwrap();
    packets.iter().for_each(|packet| writer.write(TrackKind::Video, packet).unwrap());
    drop(writer);
    if let Some(decoded) = decode(&path) {
        assert_eq!(decoded.len(), 60 * frames[0].data().len());
    }
    if let Some(text) = ask_text("mkvinfo", &["FILE"], &path) {
        // 60 frames at 25 a second, told of ten times a second.
        let duration = text.lines().find_map(|line| line.split_once("Duration: 00:00:")).expect("a duration").1;
        let seconds: f64 = duration[..6].parse().expect("seconds");
        assert!((2.3..=2.4).contains(&seconds), "{seconds}");
    }
}

#[test]
fn a_pipe_takes_packets_whatever_bytes_are_in_them() {
    let track = VideoTrack::new(VideoCodec::Av1, SIZE, vec![0x81, 0, 0, 0]);
    let mut writer = WebmWriter::new(Pipe(Vec::new()), &track.into()).unwrap();
    for index in 0..20 {
        // What a Duration begins with.
        let data = [0x44, 0x89, 0x84, 0, 0, 0, 0].repeat(10);
        let timestamp = Timestamp::ZERO + Span::from_millis(index * 100);
        let packet = EncodedPacket::new(data, timestamp, Span::from_millis(100), index == 0);
        writer.write(TrackKind::Video, &packet).unwrap();
    }
    writer.finish(None).outcome.unwrap();
}

/// A sink that cannot seek.
struct Pipe(Vec<u8>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Pipe {
    fn seek(&mut self, _: SeekFrom) -> std::io::Result<u64> {
        Err(std::io::ErrorKind::NotSeekable.into())
    }
}

#[test]
fn packets_out_of_order_and_empty_ones_are_refused() {
    let codec_private = vec![0x81, 0, 0, 0];
    let track = VideoTrack::new(VideoCodec::Av1, SIZE, codec_private);
    let mut writer = WebmWriter::new(Cursor::new(Vec::new()), &track.into()).unwrap();
    let packet = |millis, data: &[u8]| {
        let timestamp = Timestamp::ZERO + Span::from_millis(millis);
        EncodedPacket::new(data.to_vec(), timestamp, Span::from_millis(40), true)
    };
    assert_eq!(writer.bytes(), 0);
    for refused in [packet(-1, &[1]), packet(0, &[])] {
        assert_eq!(*writer.write(TrackKind::Video, &refused).unwrap_err().kind(), ErrorKind::InvalidState);
    }
    let Finished { sink, outcome, .. } = writer.finish(None);
    outcome.unwrap();
    assert!(sink.into_inner().is_empty(), "no packet, no byte");
}
