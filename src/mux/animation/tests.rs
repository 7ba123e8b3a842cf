use std::io::{self, Cursor, SeekFrom};

use image::codecs::png::{PngDecoder, PngEncoder};
use image::codecs::webp::{WebPDecoder, WebPEncoder};
use image::{AnimationDecoder, ExtendedColorType, ImageEncoder};

use super::*;
use crate::codec::VideoCodec;
use crate::mux::{Container, VideoTrack};

const SIZE: Size = Size::new(16, 9);
const FORMATS: [(Container, VideoCodec); 2] = [(Container::Apng, VideoCodec::Png), (Container::WebP, VideoCodec::WebP)];

/// Whole pictures of one grey each, at these milliseconds.
fn packets(codec: VideoCodec, times: &[i64]) -> Vec<EncodedPacket> {
    let packet = |(index, &time): (usize, &i64)| {
        let pixels = [index as u8, 9, 9, 255].repeat(SIZE.pixels() as usize);
        let mut data = Vec::new();
        let (width, height, rgba) = (SIZE.width, SIZE.height, ExtendedColorType::Rgba8);
        match codec {
            VideoCodec::Png => PngEncoder::new(&mut data).write_image(&pixels, width, height, rgba).unwrap(),
            _ => WebPEncoder::new_lossless(&mut data).write_image(&pixels, width, height, rgba).unwrap(),
        }
        EncodedPacket::new(data, Timestamp::ZERO + Span::from_millis(time), Span::from_millis(40), true)
    };
    times.iter().enumerate().map(packet).collect()
}

/// The greys of the pictures, and milliseconds of each, up to the first that cannot be decoded.
fn decoded(container: Container, file: &[u8]) -> (Vec<u8>, Vec<f64>, bool) {
    // What is behind RIFF's length does not belong to the file (RFC 9649 §2.4), but `image` 0.25 reads ten bytes too
    // far.
    let length = |file: &[u8]| u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize + 8;
    let file = if container == Container::WebP { &file[..length(file).min(file.len())] } else { file };
    let frames = match container {
        Container::Apng => match PngDecoder::new(Cursor::new(file)).and_then(|decoder| decoder.apng()) {
            Ok(decoder) => decoder.into_frames(),
            Err(_) => return (Vec::new(), Vec::new(), false),
        },
        _ => match WebPDecoder::new(Cursor::new(file)) {
            Ok(decoder) => decoder.into_frames(),
            Err(_) => return (Vec::new(), Vec::new(), false),
        },
    };
    let (mut greys, mut lengths) = (Vec::new(), Vec::new());
    for frame in frames {
        let Ok(frame) = frame else { return (greys, lengths, false) };
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        greys.push(frame.buffer().as_raw()[0]);
        lengths.push(f64::from(numerator) / f64::from(denominator));
    }
    (greys, lengths, true)
}

/// A disk that remembers each write with its position, and takes so many bytes at most.
struct Journal {
    writes: Vec<(u64, Vec<u8>)>,
    position: u64,
    length: u64,
    room: u64,
}

impl Journal {
    fn new(room: u64) -> Self {
        Self { writes: Vec::new(), position: 0, length: 0, room }
    }

    /// The file after `whole` writes and `part` bytes of the next.
    fn file(&self, whole: usize, part: usize) -> Vec<u8> {
        let mut file = Vec::new();
        let next = self.writes.get(whole).map(|(at, bytes)| (*at, &bytes[..part.min(bytes.len())]));
        for (at, bytes) in self.writes[..whole].iter().map(|(at, bytes)| (*at, &bytes[..])).chain(next) {
            let end = at as usize + bytes.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            file[at as usize..end].copy_from_slice(bytes);
        }
        file
    }
}

impl Write for Journal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let end = self.position + bytes.len() as u64;
        if end > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.writes.push((self.position, bytes.to_vec()));
        self.position = end;
        self.length = self.length.max(end);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Journal {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(_) => self.length,
            SeekFrom::Current(_) => self.position,
        };
        Ok(self.position)
    }
}

fn writer(container: Container, codec: VideoCodec, sink: Journal) -> Box<dyn ContainerWriter<Journal>> {
    let track = VideoTrack::new(codec, SIZE, Vec::new()).with_alpha(true);
    container.writer(sink, &track.into(), None, None).unwrap()
}

#[test]
fn a_file_plays_at_every_instant_while_it_is_written() {
    // Also within a write: what stands in the file then is a part of the frame that follows.
    let times = [0, 40, 80, 95, 300, 340, 380, 900, 940, 980, 1020];
    for (container, codec) in FORMATS {
        let mut writer = writer(container, codec, Journal::new(u64::MAX));
        for packet in packets(codec, &times) {
            writer.write(TrackKind::Video, &packet).unwrap();
            writer.advance(packet.timestamp + Span::from_millis(20));
        }
        writer.advance(Timestamp::ZERO + Span::from_millis(1500));
        let journal = writer.finish(Some(Timestamp::ZERO + Span::from_millis(2000))).sink;
        let mut most = 0;
        for whole in 1..=journal.writes.len() {
            for part in [0, 7, 60] {
                let file = journal.file(whole, part);
                let (greys, _, complete) = decoded(container, &file);
                assert!(complete && !greys.is_empty(), "{container:?}: {whole} writes and {part} bytes: {greys:?}");
                assert!(greys.iter().enumerate().all(|(index, grey)| usize::from(*grey) == index));
                assert!(greys.len() >= most, "no frame is taken back");
                most = greys.len();
            }
        }
        assert_eq!(most, times.len());
        let (_, lengths, _) = decoded(container, &journal.file(journal.writes.len(), 0));
        assert_eq!(lengths, [40.0, 40.0, 15.0, 205.0, 40.0, 40.0, 520.0, 40.0, 40.0, 40.0, 980.0], "{container:?}");
    }
}

#[test]
fn a_full_disk_keeps_the_frames_that_fit() {
    let times: Vec<i64> = (0..80).map(|index| index * 30).collect();
    for (container, codec) in FORMATS {
        let packets = packets(codec, &times);
        let mut fitted = Vec::new();
        for room in (300..2400).step_by(173) {
            let mut writer = writer(container, codec, Journal::new(room));
            let written = packets.iter().take_while(|packet| writer.write(TrackKind::Video, packet).is_ok()).count();
            let finished = writer.finish(None);
            finished.outcome.unwrap_err();
            let journal = finished.sink;
            let (greys, _, complete) = decoded(container, &journal.file(journal.writes.len(), 0));
            assert_eq!((greys.len(), complete), (written, written > 0), "{container:?} in {room} bytes");
            fitted.push(written);
        }
        assert!(fitted.first() < fitted.last(), "{fitted:?}");
    }
}

#[test]
fn what_cannot_be_a_frame_is_refused_and_the_file_stays_whole() {
    for (container, codec) in FORMATS {
        let mut writer = writer(container, codec, Journal::new(u64::MAX));
        let packets = packets(codec, &[0, 40]);
        let refuse = |writer: &mut Box<dyn ContainerWriter<Journal>>, kind, packet: &EncodedPacket| {
            writer.write(kind, packet).unwrap_err().to_string()
        };
        let empty = EncodedPacket { data: Vec::new(), ..packets[0].clone() };
        assert!(refuse(&mut writer, TrackKind::Video, &empty).contains("but found 0 bytes"));
        assert!(refuse(&mut writer, TrackKind::Audio, &packets[0]).contains("bytes of audio"));
        let junk = EncodedPacket { data: b"junk".to_vec(), ..packets[0].clone() };
        refuse(&mut writer, TrackKind::Video, &junk);
        writer.write(TrackKind::Video, &packets[1]).unwrap();
        assert!(refuse(&mut writer, TrackKind::Video, &packets[0]).contains("later than 0.04s"));
        let finished = writer.finish(None);
        finished.outcome.unwrap();
        // The first is shown from the beginning.
        let file = finished.sink.file(finished.sink.writes.len(), 0);
        assert_eq!(decoded(container, &file), (vec![1], vec![80.0], true));
    }
}
