use std::io::{self, Cursor, Seek, SeekFrom, Write};

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, RgbaImage};

use super::*;
use crate::blob::Blob;
use crate::codec::VideoCodec;
use crate::color::ColorSpace;
use crate::encode::{EncoderChoice, RateControl, open};
use crate::frame::PixelFormat;
use crate::mux::{Container, VideoTrack};
use crate::still::StillFormat;
use crate::stream::TrackKind;
use crate::time::{FrameRate, Timestamp};

/// Odd, so that parts begin and end at odd places.
const SIZE: Size = Size::new(61, 43);

/// A square that wanders over transparent noise; nothing changes at 5 and 6, and all of it at 9.
fn film(count: u32) -> Vec<Frame> {
    let rate = FrameRate::whole(30);
    let frame = |index: u32| {
        let step = if (5..=6).contains(&index) { 4 } else { index };
        let pixel = |x: u32, y: u32| {
            let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503_077)) >> 27;
            let noise = (noise + x * 3 + y + u32::from(index >= 9) * 9) as u8;
            let inside = (step * 5..step * 5 + 9).contains(&x) && (step * 3..step * 3 + 7).contains(&y);
            if inside { [255, noise, 0, 200] } else { [noise, 10, 255 - noise, noise] }
        };
        let pixels = (0..SIZE.height).flat_map(|y| (0..SIZE.width).flat_map(move |x| pixel(x, y))).collect();
        let frame = Frame::packed(PixelFormat::Rgba8, SIZE, ColorSpace::RECORDED, pixels);
        frame.with_timestamp(rate.timestamp(index.into()))
    };
    (0..count).map(frame).collect()
}

fn config(codec: VideoCodec) -> EncoderConfig {
    let config = EncoderConfig::new(SIZE, FrameRate::whole(30)).with_codec(codec).with_alpha(codec.has_alpha());
    config.with_partial(true).with_threads(2)
}

fn encoded(config: &EncoderConfig, frames: &[Frame]) -> Vec<EncodedPacket> {
    let mut encoder = open(&EncoderChoice::Auto, config).unwrap();
    let mut packets = Vec::new();
    for frame in frames {
        encoder.encode(frame, config.rate.frame_span(), false, &mut packets).unwrap();
    }
    encoder.finish(&mut packets).unwrap();
    assert_eq!(packets.len(), frames.len());
    packets
}

/// A sink that cannot seek.
#[derive(Default)]
struct UnseekableSink(Vec<u8>);

impl Write for UnseekableSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for UnseekableSink {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::NotSeekable.into())
    }
}

fn written<W: Write + Seek + Send + 'static>(container: Container, packets: &[EncodedPacket], sink: W) -> W {
    let track = VideoTrack::new(container.video_codecs()[0], SIZE, Vec::new()).with_alpha(true);
    let mut writer = container.writer(sink, &track.into(), None, Some(3)).unwrap();
    for packet in packets {
        writer.write(TrackKind::Video, packet).unwrap();
    }
    let finished = writer.finish(None);
    finished.outcome.unwrap();
    finished.sink
}

/// The pictures of an animated file, and how long each is shown in milliseconds, by the crate `image`.
fn decoded(container: Container, file: &[u8]) -> Vec<(RgbaImage, f64)> {
    let file = Cursor::new(file);
    let frames = match container {
        Container::Apng => PngDecoder::new(file).unwrap().apng().unwrap().into_frames(),
        _ => WebPDecoder::new(file).unwrap().into_frames(),
    };
    let picture = |frame: image::Frame| {
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        (frame.into_buffer(), f64::from(numerator) / f64::from(denominator))
    };
    frames.map(|frame| picture(frame.unwrap())).collect()
}

#[test]
fn animated_pictures_are_exact_in_files_and_from_pipes() {
    let frames = film(14);
    for container in [Container::Apng, Container::WebP] {
        let config = config(container.video_codecs()[0]);
        // At the fastest and at a slower speed, which other encoders serve.
        for speed in [10, 3] {
            if speed == 3 && cfg!(not(feature = "webp")) && container == Container::WebP {
                continue;
            }
            let packets = encoded(&config.clone().with_speed(speed), &frames);
            let file = written(container, &packets, Cursor::new(Vec::new())).into_inner();
            let piped = written(container, &packets, UnseekableSink::default()).0;
            assert_eq!(piped.len(), file.len());
            assert_ne!(piped, file, "a pipe's header cannot count");
            let repaired = container.repaired(Blob::new(piped, "image/x")).bytes().unwrap();
            assert_eq!(repaired, file, "{container:?}");
            let pictures = decoded(container, &file);
            assert_eq!(pictures.len(), frames.len());
            let mut shown = 0.0;
            for (index, ((picture, length), frame)) in pictures.iter().zip(&frames).enumerate() {
                assert!(picture.as_raw() == frame.data(), "{container:?}, speed {speed}: picture {index}");
                shown += length;
                assert!(
                    (shown - (index + 1) as f64 * 1000.0 / 30.0).abs() <= 0.51,
                    "{container:?}: {index} ends at {shown}"
                );
            }
        }
    }
}

#[test]
fn only_what_changed_is_encoded_and_key_frames_are_whole() {
    let frames = film(14);
    for codec in [VideoCodec::Png, VideoCodec::WebP] {
        let config = config(codec).with_key_interval(Span::from_millis(400));
        let packets = encoded(&config, &frames);
        let keys: Vec<usize> = (0..packets.len()).filter(|&index| packets[index].key).collect();
        // The first; that in which everything changed; and the first later than the interval allows.
        assert_eq!(keys, [0, 9], "{codec}");
        let sizes: Vec<usize> = packets.iter().map(|packet| packet.data.len()).collect();
        assert!(sizes[5] < 200 && sizes[6] < 200, "{codec}: nothing changed, {sizes:?}");
        assert!((1..5).all(|index| sizes[index] * 2 < sizes[0]), "{codec}: little changed, {sizes:?}");
        let whole = encoded(&EncoderConfig { partial: false, ..config.clone() }, &frames);
        assert!(whole.iter().all(|packet| packet.key && packet.data.len() * 2 > sizes[0]), "{codec}");
        let often = encoded(&config.with_key_interval(Span::from_millis(100)), &frames);
        let keys = (0..often.len()).filter(|&index| often[index].key).collect::<Vec<_>>();
        assert_eq!(keys, [0, 3, 6, 9, 12], "{codec}");
    }
}

#[test]
fn the_same_frames_give_the_same_bytes_for_any_number_of_workers() {
    let frames = film(14);
    for codec in [VideoCodec::Png, VideoCodec::WebP, VideoCodec::Jpeg] {
        for quality in [None, Some(70)] {
            if quality.is_some() && cfg!(not(feature = "webp")) && codec == VideoCodec::WebP {
                continue;
            }
            let mut config = config(codec);
            config.rate_control = quality.map_or(config.rate_control, RateControl::Quality);
            let [one, eight] = [1, 8].map(|threads| encoded(&config.clone().with_threads(threads), &frames));
            assert!(one == eight, "{codec}, {quality:?}");
        }
    }
}

#[cfg(feature = "webp")]
#[test]
fn a_quality_makes_webp_lossy_and_small_and_keeps_its_transparency() {
    let frames = film(10);
    let lossless = encoded(&config(VideoCodec::WebP), &frames);
    let lossy = encoded(&config(VideoCodec::WebP).with_rate_control(RateControl::Quality(60)), &frames);
    assert!(lossy[0].data.len() < lossless[0].data.len());
    let file = written(Container::WebP, &lossy, Cursor::new(Vec::new())).into_inner();
    let pictures = decoded(Container::WebP, &file);
    for ((picture, _), frame) in pictures.iter().zip(&frames) {
        let pairs = || picture.as_raw().as_chunks::<4>().0.iter().zip(frame.data().as_chunks::<4>().0);
        assert!(pairs().all(|(found, own)| found[3] == own[3]), "transparency is exact");
        let off: u32 = pairs().map(|(found, own)| u32::from(found[2].abs_diff(own[2]))).sum();
        assert!(off > 0 && off / pairs().count() as u32 <= 24, "{off}");
    }
}

#[test]
fn without_alpha_pictures_lie_over_black() {
    let frame = &film(1)[0];
    for (codec, format) in [(VideoCodec::Png, StillFormat::Png), (VideoCodec::WebP, StillFormat::WebP)] {
        let packets = encoded(&config(codec).with_alpha(false), std::slice::from_ref(frame));
        let picture = image::load_from_memory(&packets[0].data).unwrap();
        assert_eq!(picture.color().channel_count(), 3, "{format:?}");
        for (found, own) in picture.to_rgb8().as_raw().as_chunks::<3>().0.iter().zip(frame.data().as_chunks::<4>().0) {
            let over = |c: u8| (f64::from(c) * f64::from(own[3]) / 255.0).round() as u8;
            assert_eq!(*found, [over(own[0]), over(own[1]), over(own[2])]);
        }
    }
    let jpeg = |quality| {
        let config = EncoderConfig { rate_control: quality, ..config(VideoCodec::Jpeg) };
        encoded(&config, std::slice::from_ref(frame)).remove(0).data
    };
    let (usual, low) = (jpeg(RateControl::Bitrate(9000)), jpeg(RateControl::Quality(0)));
    assert_eq!(image::guess_format(&usual).unwrap(), image::ImageFormat::Jpeg);
    assert!(low.len() * 2 < usual.len(), "{} and {}", low.len(), usual.len());
}

#[test]
fn what_changed_is_found_to_the_pixel() {
    let black = || vec![[0_u8; 4]; (SIZE.width * SIZE.height) as usize];
    let frame =
        |pixels: Vec<[u8; 4]>| Frame::packed(PixelFormat::Rgba8, SIZE, ColorSpace::RECORDED, pixels.into_flattened());
    let before = frame(black());
    for corners in [[(0, 0), (0, 0)], [(60, 42), (60, 42)], [(3, 40), (17, 2)], [(60, 0), (0, 42)]] {
        let mut pixels = black();
        corners.iter().for_each(|(x, y)| pixels[(y * SIZE.width + x) as usize][3] = 1);
        let [(x0, y0), (x1, y1)] = corners;
        let (x, y): (u32, u32) = (x0.min(x1), y0.min(y1));
        let size = Size::new(x0.max(x1) - x + 1, y0.max(y1) - y + 1);
        assert_eq!(changed(&before, &frame(pixels)), Some(PixelRect { x, y, size }));
    }
    let nothing = changed(&before, &frame(black()));
    assert_eq!(nothing, Some(PixelRect { x: 0, y: 0, size: Size::new(1, 1) }));
}

#[test]
fn packets_become_ready_without_a_further_frame() {
    let config = config(VideoCodec::Png);
    let mut encoder = open(&EncoderChoice::Auto, &config).unwrap();
    let (mut packets, began) = (Vec::new(), std::time::Instant::now());
    encoder.encode(&film(1)[0], Span::from_millis(40), false, &mut packets).unwrap();
    while packets.is_empty() {
        encoder.poll(&mut packets).unwrap();
        assert!(began.elapsed().as_secs() < 20, "no packet came");
        std::thread::yield_now();
    }
    assert_eq!((packets[0].timestamp, packets[0].key), (Timestamp::ZERO, true));
}
