use std::io::Cursor;

use super::*;

fn element(id: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    bytes.extend((data.len() as u64 | 1 << 56).to_be_bytes());
    bytes.extend(data);
    bytes
}

fn block(id: u32, time: i16, flags: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x81];
    bytes.extend(time.to_be_bytes());
    bytes.push(flags);
    bytes.extend(data);
    element(id, &bytes)
}

/// Three blocks in two clusters: simple key at 0, a group with a reference at 40, a group without at 80 ms.
fn file(unknown_sizes: bool) -> Vec<u8> {
    let video = [element(PIXEL_WIDTH, &[64]), element(PIXEL_HEIGHT, &[48])].concat();
    let entry =
        [element(TRACK_NUMBER, &[1]), element(TRACK_TYPE, &[1]), element(CODEC_ID, b"V_AV1"), element(VIDEO, &video)]
            .concat();
    let first = [
        element(TIMESTAMP, &[0]),
        block(SIMPLE_BLOCK, 0, 0x80, b"one"),
        element(BLOCK_GROUP, &[block(BLOCK, 40, 0, b"two"), element(REFERENCE_BLOCK, &[0xd8])].concat()),
    ]
    .concat();
    let second = [element(TIMESTAMP, &[80]), element(BLOCK_GROUP, &block(BLOCK, 0, 0, b"three"))].concat();
    let mut clusters = [element(CLUSTER, &first), element(CLUSTER, &second)].concat();
    let mut bytes = element(EBML, &[]);
    let headers = [element(INFO, &[]), element(TRACKS, &element(TRACK_ENTRY, &entry))].concat();
    if unknown_sizes {
        for place in [0, element(CLUSTER, &first).len()] {
            clusters[place + 4..place + 12].copy_from_slice(&(u64::MAX >> 7).to_be_bytes());
        }
        bytes.extend(SEGMENT.to_be_bytes());
        bytes.extend((u64::MAX >> 7).to_be_bytes());
        bytes.extend([headers, clusters].concat());
    } else {
        bytes.extend(element(SEGMENT, &[headers, clusters].concat()));
    }
    bytes
}

/// Milliseconds, whether it is a key frame, and the data.
type Found = (i64, bool, Vec<u8>);

fn blocks(bytes: &[u8]) -> (Vec<Found>, Option<Error>) {
    let mut found = Vec::new();
    let mut file = match Matroska::open(Cursor::new(bytes)) {
        Ok(file) => file,
        Err(error) => return (found, Some(error)),
    };
    loop {
        let next = file.next_block().and_then(|block| {
            block.map(|block| Ok((block.timestamp.as_nanos() / 1_000_000, block.key, file.read(&block)?))).transpose()
        });
        match next {
            Ok(Some(block)) => found.push(block),
            Ok(None) => return (found, None),
            Err(error) => return (found, Some(error)),
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
fn a_file_with_any_byte_changed_never_panics() {
    for unknown_sizes in [false, true] {
        let bytes = file(unknown_sizes);
        for place in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, bytes[place] ^ 1] {
                let mut damaged = bytes.clone();
                damaged[place] = value;
                blocks(&damaged);
            }
        }
    }
}
