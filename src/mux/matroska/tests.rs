use std::io::Cursor;

use super::super::ebml::{element, id_bytes, uint};
use super::id::*;
use super::*;

/// A block of track 1.
fn block(id: u32, time: i16, flags: u8, data: &[u8]) -> Vec<u8> {
    element(id, &[&[0x81], &time.to_be_bytes()[..], &[flags], data].concat())
}

/// An element whose size is not known.
pub(crate) fn unsized_element(id: u32, data: &[u8]) -> Vec<u8> {
    [id_bytes(id), (u64::MAX >> 7).to_be_bytes().to_vec(), data.to_vec()].concat()
}

pub(crate) fn headers() -> Vec<u8> {
    let picture = [uint(PIXEL_WIDTH, 64, 1), uint(PIXEL_HEIGHT, 48, 1)].concat();
    let video =
        [uint(TRACK_NUMBER, 1, 1), uint(TRACK_TYPE, 1, 1), element(CODEC_ID, b"V_AV1"), element(VIDEO, &picture)];
    let sampling = [element(SAMPLING_FREQUENCY, &48_000_f32.to_be_bytes()), uint(CHANNELS, 2, 1)].concat();
    let audio =
        [uint(TRACK_NUMBER, 2, 1), uint(TRACK_TYPE, 2, 1), element(CODEC_ID, b"A_OPUS"), element(AUDIO, &sampling)];
    let entries = [element(TRACK_ENTRY, &video.concat()), element(TRACK_ENTRY, &audio.concat())].concat();
    [element(INFO, &uint(TIMESTAMP_SCALE, 1_000_000, 3)), element(TRACKS, &entries)].concat()
}

/// Three blocks in two clusters: simple key at 0, a group with a reference at 40, a group without at 80 ms.
pub(crate) fn clusters() -> [Vec<u8>; 2] {
    let group = [block(BLOCK, 40, 0, b"two"), element(REFERENCE_BLOCK, &[0xd8]), uint(BLOCK_DURATION, 40, 1)].concat();
    let first = [uint(TIMESTAMP, 0, 1), block(SIMPLE_BLOCK, 0, 0x80, b"one"), element(BLOCK_GROUP, &group)].concat();
    [first, [uint(TIMESTAMP, 80, 1), element(BLOCK_GROUP, &block(BLOCK, 0, 0, b"three"))].concat()]
}

pub(crate) fn file(unknown_sizes: bool) -> Vec<u8> {
    let put = if unknown_sizes { unsized_element } else { element };
    let clusters = clusters().map(|cluster| put(CLUSTER, &cluster)).concat();
    let ebml = element(EBML, &element(DOC_TYPE, b"webm"));
    [ebml, put(SEGMENT, &[headers(), clusters].concat())].concat()
}

/// Milliseconds, whether it is a key frame, and the data.
type Found = (i64, bool, Vec<u8>);

/// All blocks and the first error, without going on behind it.
fn blocks(bytes: &[u8]) -> (Vec<Found>, Option<Error>) {
    let mut found = Vec::new();
    let mut file = match Matroska::open(Cursor::new(bytes)) {
        Ok(file) => file,
        Err(error) => return (found, Some(error)),
    };
    loop {
        match file.next() {
            Ok(Some(Item::Block(block))) => {
                let data = file.bytes(block.data.clone()).unwrap();
                found.push((block.time, block.key, data));
            }
            Ok(Some(_)) => {}
            Ok(None) => return (found, None),
            Err(fault) => return (found, Some(fault.into())),
        }
    }
}

/// The blocks' times, behind damaged places too.
fn all_times(bytes: &[u8]) -> Vec<i64> {
    let mut times = Vec::new();
    let Ok(mut file) = Matroska::open(Cursor::new(bytes)) else { return times };
    loop {
        match file.next() {
            Ok(Some(Item::Block(block))) => times.push(block.time),
            Ok(Some(_)) => {}
            Ok(None) => return times,
            Err(_) if file.resync(file.position()).unwrap() => {}
            Err(_) => return times,
        }
    }
}

#[test]
fn blocks_come_in_order_with_their_times_and_keys_whether_sizes_are_known_or_not() {
    for unknown_sizes in [false, true] {
        let (found, error) = blocks(&file(unknown_sizes));
        assert!(error.is_none(), "{error:?}");
        let expected = [(0, true, b"one".to_vec()), (40, false, b"two".to_vec()), (80, true, b"three".to_vec())];
        assert_eq!(found, expected);
    }
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_blocks_and_then_an_error() {
    let bytes = file(false);
    let mut counts = Vec::new();
    for len in 0..bytes.len() {
        let (found, error) = blocks(&bytes[..len]);
        assert!(error.is_some(), "cut at {len}");
        counts.push(found.len());
    }
    assert!(counts.is_sorted());
    assert_eq!(*counts.last().unwrap(), 2);
}

#[test]
fn a_block_is_given_when_only_the_rest_of_its_group_is_cut_off() {
    let bytes = file(false);
    let place = bytes.windows(3).position(|window| window == b"two").unwrap();
    for cut in place + 3..place + 8 {
        let mut file = Matroska::open(Cursor::new(&bytes[..cut])).unwrap();
        let items: Vec<_> = std::iter::from_fn(|| file.next().ok().flatten()).collect();
        let Some(Item::Block(block)) = items.last() else { panic!("{items:?}") };
        assert_eq!((block.time, block.whole, block.key), (40, false, false), "cut at {cut}");
        assert!(matches!(file.next(), Err(Fault::Cut { .. })));
    }
}

#[test]
fn tracks_are_read_with_what_a_decoder_must_know() {
    let headers = headers();
    let tracks = Track::all(child(&headers, TRACKS).unwrap());
    let [video, audio] = &tracks[..] else { panic!("{tracks:?}") };
    assert_eq!((video.number, video.kind, video.codec.as_str()), (1, TrackType::Video, "V_AV1"));
    assert_eq!((video.width, video.height), (64, 48));
    assert_eq!((audio.number, audio.kind, audio.codec.as_str()), (2, TrackType::Audio, "A_OPUS"));
    assert_eq!((audio.rate, audio.channels), (48_000.0, 2));
}

#[test]
fn behind_garbage_the_next_cluster_is_found() {
    for unknown_sizes in [false, true] {
        let bytes = file(unknown_sizes);
        let second = bytes.windows(4).rposition(|window| window == CLUSTER.to_be_bytes()).unwrap();
        // It holds a cluster's ID that is none, and one at which the file is cut.
        let garbage = [&[0x5a; 30][..], &CLUSTER.to_be_bytes(), &[0x5a; 30]].concat();
        let damaged = [&bytes[..second], &garbage, &bytes[second..], &CLUSTER.to_be_bytes()].concat();
        assert_eq!(all_times(&damaged), [0, 40, 80]);
        let mut damaged = bytes.clone();
        damaged[second - 20..second].fill(0);
        assert_eq!(all_times(&damaged).last(), Some(&80));
    }
}

#[test]
fn an_unknown_element_is_passed_over_and_a_second_file_is_another() {
    let [first, _] = clusters();
    let segment = [headers(), element(0x4bcd, b"new"), element(CLUSTER, &[first, element(0xa5, b"new")].concat())];
    let bytes = [element(EBML, &[]), unsized_element(SEGMENT, &segment.concat())].concat();
    let (found, error) = blocks(&bytes);
    assert!(error.is_none() && found.len() == 2, "{error:?}");
    assert_eq!(blocks(&[bytes, file(true)].concat()).0.len(), 2);
}

#[test]
fn a_file_with_any_byte_changed_never_panics() {
    for unknown_sizes in [false, true] {
        let bytes = file(unknown_sizes);
        for place in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, bytes[place] ^ 1] {
                let mut damaged = bytes.clone();
                damaged[place] = value;
                blocks(&damaged);
                all_times(&damaged);
            }
        }
    }
}

#[test]
fn the_data_that_a_group_adds_under_the_number_1_is_given_and_damaged_additions_harm_nothing() {
    let more = |number: &[u8], data: &[u8]| element(BLOCK_MORE, &[number, &element(BLOCK_ADDITIONAL, data)].concat());
    let number = |value| uint(BLOCK_ADD_ID, value, 1);
    for (additions, expected) in [
        (more(&number(1), b"alpha"), Some("alpha")),
        (more(&[], b"one is the default"), Some("one is the default")),
        ([more(&number(4), b"hdr"), more(&number(1), b"alpha"), more(&number(1), b"again")].concat(), Some("alpha")),
        (more(&number(4), b"hdr"), None),
        (vec![], None),
        // Too large for its parent, without a size, garbage, and too many to look at.
        ([&[0xa6, 0x90][..], &element(BLOCK_ADDITIONAL, b"alpha")].concat(), None),
        ([&[0xa6, 0x87, 0xa5, 0xff][..], b"alpha"].concat(), None),
        (vec![0; 9], None),
        ([more(&number(4), b"x").repeat(40), more(&number(1), b"alpha")].concat(), None),
    ] {
        let group = [block(BLOCK, 40, 0, b"two"), element(BLOCK_ADDITIONS, &additions), uint(BLOCK_DURATION, 7, 1)];
        let cluster = [uint(TIMESTAMP, 0, 1), element(BLOCK_GROUP, &group.concat())].concat();
        let segment = element(SEGMENT, &[headers(), element(CLUSTER, &cluster)].concat());
        let mut file = Matroska::open(Cursor::new([element(EBML, &[]), segment].concat())).unwrap();
        let found = std::iter::from_fn(|| file.next().unwrap()).find_map(|item| match item {
            Item::Block(block) => Some(block),
            _ => None,
        });
        let found = found.unwrap();
        assert_eq!((found.time, found.duration), (40, Some(7)), "{expected:?}");
        let data = found.additional.map(|range| file.bytes(range).unwrap());
        assert_eq!(data.as_deref(), expected.map(str::as_bytes));
    }
}
