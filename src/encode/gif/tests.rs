//! Pictures through the encoder and the writer, decoded by the crate `image`.

use std::io::Cursor;

use image::AnimationDecoder;
use image::codecs::gif::GifDecoder;

use super::*;
use crate::color::ColorSpace;
use crate::frame::PixelFormat;
use crate::mux::{Container, VideoTrack};
use crate::stream::TrackKind;
use crate::time::FrameRate;

const SIZE: Size = Size::new(96, 54);
const RATE: FrameRate = FrameRate::whole(20);

type Pixel = [u8; 4];

fn frame(number: u64, pixel: impl Fn(i32, i32) -> Pixel) -> Frame {
    let places = (0..SIZE.height as i32).flat_map(|y| (0..SIZE.width as i32).map(move |x| (x, y)));
    let data = places.flat_map(|(x, y)| pixel(x, y)).collect();
    Frame::packed(PixelFormat::Rgba8, SIZE, ColorSpace::RECORDED, data).with_timestamp(RATE.timestamp(number))
}

/// A number that looks like chance.
fn noise(x: i32, y: i32, number: u64) -> u32 {
    let mut value = (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA6B);
    value = (value ^ number as u32).wrapping_mul(0xC2B2_AE35);
    (value ^ value >> 15).wrapping_mul(0x2C1B_3C6D) >> 16
}

/// A disc that moves over a soft gradient, with the noise of a camera in it.
fn film(number: u64) -> Frame {
    frame(number, |x, y| {
        let shake = |part: u64| (noise(x, y, number * 3 + part) % 3) as u8;
        match is_in_disc(x, y, number) {
            true => [230 + shake(0), 60 + shake(1), (40 + y) as u8, 255],
            false => [(60 + x) as u8 + shake(0), (80 + 2 * y) as u8 + shake(1), (160 - x / 2) as u8 + shake(2), 255],
        }
    })
}

fn is_in_disc(x: i32, y: i32, number: u64) -> bool {
    let (dx, dy) = (x - 10 - 3 * number as i32 % 70, y - 20);
    dx * dx + dy * dy < 64
}

fn config(gif: GifOptions) -> EncoderConfig {
    let codec = EncoderConfig::new(SIZE, RATE).with_codec(VideoCodec::Gif).with_alpha(true);
    codec.with_key_interval(Span::MAX).with_gif(gif).with_threads(2)
}

fn packets(config: &EncoderConfig, frames: &[Frame], keys: &[usize]) -> Vec<EncodedPacket> {
    let mut encoder = GifEncoder::new(config).unwrap();
    let mut packets = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        encoder.encode(frame, RATE.frame_span(), keys.contains(&index), &mut packets).unwrap();
    }
    encoder.finish(&mut packets).unwrap();
    packets
}

fn file(packets: &[EncodedPacket]) -> Vec<u8> {
    flushed_file(packets, false)
}

/// The same, flushed after each packet if so asked.
fn flushed_file(packets: &[EncodedPacket], flushes: bool) -> Vec<u8> {
    let track = VideoTrack::new(VideoCodec::Gif, SIZE, Vec::new());
    let mut writer = Container::Gif.writer(Cursor::new(Vec::new()), &track.into(), None, None).unwrap();
    for packet in packets {
        writer.write(TrackKind::Video, packet).unwrap();
        if flushes {
            writer.flush();
        }
    }
    let finished = writer.finish(None);
    finished.outcome.unwrap();
    finished.sink.into_inner()
}

/// What is shown after each picture.
fn decoded(file: &[u8]) -> Vec<Vec<Pixel>> {
    let frames = GifDecoder::new(Cursor::new(file)).unwrap().into_frames();
    let pixels = |frame: image::Frame| frame.into_buffer().as_chunks::<4>().0.to_vec();
    frames.map(|frame| pixels(frame.unwrap())).collect()
}

fn pixels(frame: &Frame) -> &[Pixel] {
    frame.data().as_chunks::<4>().0
}

/// The mean distance of two pictures' colours, in 255ths.
fn off(a: &[Pixel], b: &[Pixel]) -> f64 {
    let sum: u64 = a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / (3 * a.len()) as f64
}

#[test]
fn any_number_of_workers_makes_the_same_bytes() {
    let frames: Vec<Frame> = (0..30).map(film).collect();
    for palette in GifPalette::ALL {
        for dither in [GifDither::Ordered, GifDither::Stucki] {
            let options = GifOptions::default().with_palette(palette).with_dither(dither);
            // The palette is made while frames still come.
            let config = config(options.with_lookahead(Span::from_millis(300)));
            let [one, eight] = [1, 8].map(|threads| packets(&config.clone().with_threads(threads), &frames, &[17]));
            assert!(one == eight, "{palette} {dither}");
            assert_eq!(one.len(), frames.len());
        }
    }
}

#[test]
fn every_dither_shows_the_picture_in_so_many_colours() {
    let frames: Vec<Frame> = (0..4).map(film).collect();
    for dither in GifDither::ALL {
        for (colors, serpentine) in [(2, true), (16, false), (64, true), (256, true)] {
            let mut options = GifOptions::default().with_dither(dither).with_colors(colors);
            options.serpentine = serpentine;
            let shown = decoded(&file(&packets(&config(options), &frames, &[])));
            assert_eq!(shown.len(), frames.len());
            let mut found: Vec<_> = shown[0].clone();
            found.sort_unstable();
            found.dedup();
            assert!(found.len() <= usize::from(colors) && found.len() > usize::from(colors) / 3, "{}", found.len());
            // Diffused errors are large pixel by pixel, and small over an area.
            let mean = |pixels: &[Pixel]| {
                let rows = pixels.chunks_exact(SIZE.width as usize).skip(30).take(16);
                let area: Vec<_> = rows.flat_map(|row| &row[60..76]).collect();
                [0, 1, 2].map(|part| area.iter().map(|pixel| f64::from(pixel[part])).sum::<f64>() / area.len() as f64)
            };
            let allowed = match (dither, colors) {
                (_, 2) => 90.0,
                (GifDither::None, 16) => 16.0,
                (GifDither::Ordered | GifDither::Atkinson, 16) => 12.0,
                (_, 16) => 8.0,
                (GifDither::None | GifDither::Ordered, 64) => 6.0,
                _ => 3.0,
            };
            for (shown, frame) in shown.iter().zip(&frames) {
                let (shown, wanted) = (mean(shown), mean(pixels(frame)));
                let far = shown.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(far < allowed, "{dither} {colors}: {far}");
            }
        }
    }
}

#[test]
fn a_background_that_stands_still_does_not_flicker() {
    let frames: Vec<Frame> = (0..24).map(film).collect();
    for palette in [GifPalette::Global, GifPalette::Rolling] {
        let shown = decoded(&file(&packets(&config(GifOptions::default().with_palette(palette)), &frames, &[])));
        let mut compared = 0;
        for (at, place) in shown[0].iter().enumerate() {
            let (x, y) = (at as i32 % SIZE.width as i32, at as i32 / SIZE.width as i32);
            if (0..24).all(|number| !is_in_disc(x, y, number)) {
                compared += 1;
                assert!(shown.iter().all(|picture| picture[at] == *place), "{palette}: {x}, {y}");
            }
        }
        assert!(compared > 3000);
    }
}

#[test]
fn a_few_colours_are_shown_exactly_and_what_does_not_change_takes_no_bytes() {
    let flat = |number| {
        frame(number, move |x, y| {
            if x / 8 == number as i32 / 2 {
                [255, 0, 0, 255]
            } else {
                [(x / 12 * 20) as u8, (y / 9 * 30) as u8, 7, 255]
            }
        })
    };
    let frames: Vec<Frame> = (0..8).map(flat).collect();
    let packets = packets(&config(GifOptions::default()), &frames, &[]);
    let shown = decoded(&file(&packets));
    assert!(shown.iter().zip(&frames).all(|(shown, frame)| shown == pixels(frame)));
    let lengths: Vec<_> = packets.iter().map(|packet| packet.data.len()).collect();
    // Every other picture is the one before; in the others, two columns of eight pixels change.
    for (number, length) in lengths.iter().enumerate().skip(1) {
        assert!(*length < if number % 2 == 1 { 30 } else { 400 }, "{lengths:?}");
    }
    let place = |packet: &EncodedPacket| packet.data[9..17].to_vec();
    assert_eq!(place(&packets[2]), [0, 0, 0, 0, 16, 0, 54, 0]);
}

#[test]
fn transparent_pixels_come_and_go_as_they_do_in_the_source() {
    let disc =
        |number| frame(number, move |x, y| if is_in_disc(x, y, number) { [200, 30, 10, 255] } else { [9, 9, 9, 40] });
    let opaque =
        |number| frame(number, move |x, _| if x < 3 * number as i32 { [0, 90, 200, 255] } else { [5, 5, 5, 255] });
    for keys in [&[][..], &[5]] {
        for begins in [0, 3] {
            // The first ones may be opaque: then images cover only what changes, until pixels disappear.
            let frames: Vec<Frame> =
                (0..8).map(|number| if number < begins { opaque(number) } else { disc(number) }).collect();
            let packets = packets(&config(GifOptions::default()), &frames, keys);
            let mut shown = decoded(&file(&packets));
            // A picture that is in the file already is made to disappear by an image of its own, which shows it a while longer.
            let mut flushed = decoded(&flushed_file(&packets, true));
            assert!(flushed.len() > frames.len());
            flushed.dedup();
            let mut distinct = shown.clone();
            distinct.dedup();
            assert!(flushed == distinct, "{keys:?}, {begins}");
            if begins > 0 {
                // The image that makes the opaque picture disappear shows it for two hundredths of a second more.
                assert_eq!(shown.len(), frames.len() + 1);
                let twice = shown.remove(begins as usize);
                assert_eq!(twice, shown[begins as usize - 1]);
            }
            assert_eq!(shown.len(), frames.len());
            for (number, (shown, frame)) in shown.iter().zip(&frames).enumerate() {
                for (shown, wanted) in shown.iter().zip(pixels(frame)) {
                    let wanted = if wanted[3] < 128 { 0 } else { 255 };
                    assert_eq!(shown[3], wanted, "picture {number}, {keys:?}, {begins}");
                }
                assert!(number < begins as usize || shown.iter().filter(|pixel| pixel[3] > 0).count() > 100);
            }
        }
    }
}

#[test]
fn a_rolling_palette_follows_a_cut_and_a_global_one_does_not() {
    let after_cut = |number| frame(number, |x, y| [(y * 2) as u8, (x + 100) as u8, (200 - y - x) as u8, 255]);
    let before = |number| frame(number, |x, y| [(x + 150) as u8, (x / 4 + y) as u8, (y / 2) as u8, 255]);
    let frames: Vec<Frame> =
        (0..16).map(|number| if number < 8 { before(number) } else { after_cut(number) }).collect();
    let [global, rolling] = [GifPalette::Global, GifPalette::Rolling].map(|palette| {
        let mut options = GifOptions::default().with_palette(palette).with_lookahead(Span::from_millis(300));
        options.dither = GifDither::None;
        let shown = decoded(&file(&packets(&config(options), &frames, &[])));
        [off(&shown[4], pixels(&frames[4])), off(&shown[12], pixels(&frames[12]))]
    });
    assert!(
        global[0] < 5.0 && rolling[0] < 5.0 && rolling[1] < 5.0 && global[1] > 4.0 * rolling[1],
        "{global:?} {rolling:?}"
    );
}

#[test]
fn noise_of_all_colours_goes_through_the_dictionary_whole() {
    // Few strings repeat: the dictionary is full and begun anew many times.
    let frames: Vec<Frame> = (0..2)
        .map(|number| {
            frame(number, |x, y| {
                let value = noise(x, y, number) % 250;
                [value as u8, 0, 255 - value as u8, 255]
            })
        })
        .collect();
    let exact = config(GifOptions::default()).with_rate_control(RateControl::Quality(100));
    let shown = decoded(&file(&packets(&exact, &frames, &[])));
    assert!(shown.iter().zip(&frames).all(|(shown, frame)| shown == pixels(frame)));
}

#[test]
fn frames_wait_for_the_first_palette_no_longer_than_they_are_to() {
    let mut encoder = GifEncoder::new(&config(GifOptions::default().with_lookahead(Span::from_millis(200)))).unwrap();
    let mut packets = Vec::new();
    for number in 0..4 {
        assert!(packets.is_empty());
        encoder.encode(&film(number), RATE.frame_span(), false, &mut packets).unwrap();
    }
    while packets.len() < 4 {
        encoder.poll(&mut packets).unwrap();
        std::thread::yield_now();
    }
    encoder.finish(&mut packets).unwrap();
    assert_eq!(packets.len(), 4);
}

#[test]
fn a_picture_of_more_or_fewer_colours_than_there_can_be_is_refused() {
    for colors in [0, 1, 257] {
        let error = GifEncoder::new(&config(GifOptions::default().with_colors(colors))).err().unwrap();
        assert_eq!(error.to_string(), format!("expected 2 to 256 colours of a GIF but found {colors}"));
    }
}
