use std::io::{Cursor, Read};

use image::AnimationDecoder;
use image::codecs::gif::GifDecoder;

use super::*;
use crate::blob::Blob;
use crate::mux::Container;
use crate::time::{FrameRate, Span};

const SIZE: Size = Size::new(4, 2);
/// Red and green; blue and black.
const TABLE: [u8; 6] = [255, 0, 0, 0, 255, 0];
const OTHER_TABLE: [u8; 6] = [0, 0, 255, 0, 0, 0];

/// A picture of one index of the last key frame's table.
fn packet(timestamp: Timestamp, index: u8, table: Option<[u8; 6]>) -> EncodedPacket {
    let mut data = Vec::new();
    if let Some(table) = table {
        data.extend([4, 0, 2, 0, 0x80, 0, 0]);
        data.extend(table);
    }
    data.extend([0x21, 0xF9, 4, 4, 0, 0, 0, 0, 0x2C, 0, 0, 0, 0, 4, 0, 2, 0, 0]);
    // The codes clear, eight times the index with a clear code after every second, and end, of three bits.
    let codes = [4, index, index, 4, index, index, 4, index, index, 4, index, index, 5];
    let mut bits = 0_u64;
    codes.iter().enumerate().for_each(|(place, code)| bits |= u64::from(*code) << (3 * place));
    data.extend([2, 5]);
    data.extend(&bits.to_le_bytes()[..5]);
    data.push(0);
    EncodedPacket::new(data, timestamp, Span::from_millis(40), table.is_some())
}

fn writer() -> Box<GifWriter<Cursor<Vec<u8>>>> {
    let tracks = VideoTrack::new(VideoCodec::Gif, SIZE, Vec::new()).into();
    Box::new(GifWriter::new(Cursor::new(Vec::new()), &tracks, None).unwrap())
}

fn write(writer: &mut GifWriter<Cursor<Vec<u8>>>, packet: &EncodedPacket) {
    writer.write(TrackKind::Video, packet).unwrap();
}

fn written(times: impl IntoIterator<Item = Timestamp>, end: Timestamp) -> Vec<u8> {
    let mut writer = writer();
    for (number, time) in times.into_iter().enumerate() {
        write(&mut writer, &packet(time, number as u8 % 2, (number == 0).then_some(TABLE)));
    }
    let finished = writer.finish(Some(end));
    finished.outcome.unwrap();
    assert_eq!(finished.end, end);
    finished.sink.into_inner()
}

/// The delays in milliseconds and the first pixels of all pictures up to the first that cannot be read.
fn decoded(file: &[u8]) -> Vec<(u32, [u8; 3])> {
    let Ok(decoder) = GifDecoder::new(Cursor::new(file)) else { return Vec::new() };
    let frames = decoder.into_frames().map_while(Result::ok);
    let first = |frame: &image::Frame| {
        let [r, g, b, _] = frame.buffer().get_pixel(0, 0).0;
        [r, g, b]
    };
    frames.map(|frame| (frame.delay().numer_denom_ms().0 / frame.delay().numer_denom_ms().1, first(&frame))).collect()
}

#[test]
fn delays_add_up_to_the_films_length_and_none_is_shorter_than_browsers_show() {
    for (num, den) in [(25, 2), (15, 1), (24000, 1001), (25, 1), (30000, 1001), (30, 1), (50, 1), (60, 1)] {
        let rate = FrameRate::new(num, den).unwrap();
        let end = rate.timestamp(100);
        let shown = decoded(&written((0..100).map(|number| rate.timestamp(number)), end));
        assert_eq!(shown.len(), 100);
        let sum: u32 = shown.iter().map(|(delay, _)| delay).sum();
        let (least, most) = (shown.iter().map(|shown| shown.0).min(), shown.iter().map(|shown| shown.0).max());
        assert!(least >= Some(20), "{least:?}");
        if rate.as_f64() <= 50.0 {
            let off = f64::from(sum) - end.as_secs_f64() * 1000.0;
            assert!(
                off.abs() <= 10.0 && most.unwrap() - least.unwrap() <= 10,
                "{num}/{den}: {off} ms, {least:?} {most:?}"
            );
        }
    }
    // Frames of 10 ms now and then: what they are shown too long is taken from the next.
    let times = [0, 10, 100, 110, 200, 300].map(|millis| Timestamp::ZERO + Span::from_millis(millis));
    let shown = decoded(&written(times, Timestamp::ZERO + Span::from_millis(340)));
    assert_eq!(shown.iter().map(|shown| shown.0).collect::<Vec<_>>(), [20, 80, 20, 80, 100, 40]);
}

#[test]
fn a_file_that_breaks_off_anywhere_shows_all_its_whole_pictures() {
    let rate = FrameRate::whole(25);
    let whole = written((0..5).map(|number| rate.timestamp(number)), rate.timestamp(5));
    let length = packet(Timestamp::ZERO, 0, None).data.len();
    let begin = SIGNATURE.len() + 7 + TABLE.len() + repetition(None).len();
    assert_eq!(whole.len(), begin + 5 * length + 1);
    for cut in 0..whole.len() {
        let shown = decoded(&whole[..cut]).len();
        // The last bytes of a picture are those that end its data.
        let pictures = cut.saturating_sub(begin) / length;
        assert!(shown == pictures || shown == pictures + 1, "{shown} of {pictures} in {cut} bytes");
    }
}

#[test]
fn a_picture_is_written_when_the_next_comes_or_when_it_is_asked_for() {
    let at = |millis| Timestamp::ZERO + Span::from_millis(millis);
    let mut writer = writer();
    let stored = |writer: &mut GifWriter<Cursor<Vec<u8>>>| {
        let mut length = 0;
        writer.with_sink(&mut |sink| length = sink.get_ref().len() as u64);
        length
    };
    write(&mut writer, &packet(at(0), 0, Some(TABLE)));
    assert!(stored(&mut writer) == 0 && writer.bytes() > 40, "it counts where it is not yet");
    writer.flush();
    assert_eq!(stored(&mut writer), writer.bytes());
    // It was to be shown for 40 ms, and is shown for 300.
    write(&mut writer, &packet(at(300), 1, None));
    write(&mut writer, &packet(at(340), 0, None));
    writer.flush();
    writer.advance(at(800));
    let finished = writer.finish(None);
    finished.outcome.unwrap();
    let shown = decoded(finished.sink.get_ref());
    let (red, green) = ([255, 0, 0], [0, 255, 0]);
    assert_eq!(shown, [(40, red), (260, red), (40, green), (40, red), (420, red)]);
}

#[test]
fn a_picture_can_be_shown_longer_than_a_delay_can_say() {
    let at = |secs| Timestamp::ZERO + Span::from_secs(secs);
    let shown = decoded(&written([at(0), at(1), at(2001)], at(2002)));
    assert_eq!(shown.iter().map(|shown| u64::from(shown.0)).sum::<u64>(), 2_002_000);
    assert!(shown.len() > 5 && shown[1..shown.len() - 1].iter().all(|shown| shown.1 == [0, 255, 0]));
}

#[test]
fn a_later_key_frame_keeps_its_own_colours() {
    let at = |millis| Timestamp::ZERO + Span::from_millis(millis);
    let mut writer = writer();
    for (time, table) in
        [(0, Some(TABLE)), (40, None), (80, Some(OTHER_TABLE)), (120, None), (160, Some(TABLE)), (200, None)]
    {
        write(&mut writer, &packet(at(time), u8::from(table.is_none()), table));
    }
    let shown = decoded(writer.finish(None).sink.get_ref());
    let colors: Vec<_> = shown.iter().map(|shown| shown.1).collect();
    assert_eq!(colors, [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0]]);
}

#[test]
fn packets_that_are_no_pictures_in_order_are_refused() {
    let at = |millis| Timestamp::ZERO + Span::from_millis(millis);
    let refused = |writer: &mut GifWriter<Cursor<Vec<u8>>>, packet: &EncodedPacket| {
        *writer.write(TrackKind::Video, packet).unwrap_err().kind() == ErrorKind::InvalidState
    };
    let mut writer = writer();
    assert!(refused(&mut writer, &packet(at(0), 0, None)), "the first is no key frame");
    write(&mut writer, &packet(at(40), 0, Some(TABLE)));
    assert!(refused(&mut writer, &packet(at(40), 0, None)), "not later");
    let whole = packet(at(80), 0, None);
    for length in 0..whole.data.len() {
        let cut = EncodedPacket { data: whole.data[..length].to_vec(), ..whole.clone() };
        assert!(refused(&mut writer, &cut), "{length} bytes");
    }
    assert!(writer.write(TrackKind::Audio, &whole).is_err());
}

#[test]
fn the_file_in_one_blob_is_the_file() {
    let whole = written([Timestamp::ZERO], Timestamp::ZERO + Span::from_millis(40));
    let blob = Container::Gif.repaired(Blob::new(whole.clone(), "image/gif"));
    let mut read = Vec::new();
    blob.reader().read_to_end(&mut read).unwrap();
    assert_eq!(read, whole);
}
