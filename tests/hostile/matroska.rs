//! Matroska files that no muxer would write, for every way to read one.

use std::fs;

use crate::elements::{
    CLUSTER, CUES, TRACKS, VOID, cue, element, file, header, heads, key_block, uint, unsized_header,
};
use crate::limited::{self, Parser, outcome};

/// Every way to read a Matroska file ends within the limits. What it said to `inspect`.
#[track_caller]
fn walked(bytes: &[u8]) -> String {
    for parser in [Parser::Matroska, Parser::Repair] {
        println!("{parser:?}: {:?}", outcome(parser, bytes));
    }
    let inspected = outcome(Parser::Inspect, bytes);
    println!("{inspected:?}");
    inspected.said.unwrap()
}

#[test]
fn millions_of_empty_tracks_are_counted_and_not_kept() {
    let entries = [0xae, 0x80].repeat(7 << 20);
    let faults = walked(&file(&[element(TRACKS, &entries), element(CLUSTER, &uint(0xe7, 0))]));
    assert!(faults.contains("7339904 tracks beyond the 128 that are read"), "{faults}");
}

#[test]
fn three_hundred_thousand_tracks_do_not_slow_the_blocks_down() {
    let entries: Vec<u8> = (1..=300_000).flat_map(|number| element(0xae, &uint(0xd7, number))).collect();
    let block = element(0xa3, &[&[0x10, 0x04, 0x93, 0xe0][..], &[0, 0, 0x80], b"x"].concat());
    let cluster = element(CLUSTER, &[uint(0xe7, 0), block.repeat(5000)].concat());
    let faults = walked(&file(&[element(TRACKS, &entries), cluster]));
    assert!(faults.contains("5000 blocks of tracks that the file does not have"), "{faults}");
}

#[test]
fn an_index_of_clusters_within_clusters_is_checked_in_one_walk() {
    // Each block's data begins a cluster of its own, whose blocks go on to the end of the file.
    let inner = [unsized_header(CLUSTER), uint(0xe7, 0)].concat();
    let block = key_block(0, &inner);
    let count = 22_000;
    let head = heads();
    let body = [unsized_header(CLUSTER), uint(0xe7, 0), block.repeat(count)].concat();
    let first = head.len() + unsized_header(CLUSTER).len() + uint(0xe7, 0).len() + block.len() - inner.len();
    let cues: Vec<u8> = (0..count).flat_map(|index| cue(7, (first + index * block.len()) as u64)).collect();
    let bytes = file(&[head, body, element(CUES, &cues)]);
    assert!(bytes.len() < 1_000_000, "{}", bytes.len());
    let faults = walked(&bytes);
    assert!(faults.contains("where there is no such key frame"), "{faults}");
}

#[test]
fn false_cluster_ids_do_not_slow_resynchronising_down() {
    for id in [CLUSTER.to_be_bytes().to_vec(), [unsized_header(CLUSTER), vec![0xe7, 0x88]].concat()] {
        let garbage = id.repeat((4 << 20) / id.len());
        let faults =
            walked(&file(&[heads(), element(CLUSTER, &[uint(0xe7, 0), key_block(0, b"x")].concat()), garbage]));
        assert!(faults.contains("garbage of"), "{faults}");
    }
}

#[test]
fn groups_that_overlap_are_not_walked_again_and_again() {
    // Each void holds a cluster with a group whose children go on behind that void.
    let one = |rest: u64| {
        let group = [unsized_header(CLUSTER), uint(0xe7, 0), header(0xa0, rest)].concat();
        element(VOID, &group)
    };
    let size = one(1 << 20).len() as u64;
    let count = 50_000;
    // They all end in something that is no element.
    let body: Vec<u8> = (0..count).flat_map(|index| one((count - index - 1) * size + 1)).chain([0]).collect();
    let bytes = file(&[heads(), unsized_header(CLUSTER), uint(0xe7, 0), header(0xa0, body.len() as u64), body]);
    walked(&bytes);
}

#[test]
fn blocks_and_durations_are_not_read_by_the_length_that_they_declare() {
    // A hole of 40 GiB, which takes no space on the disk.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hole.mkv");
    let size = 40 << 30;
    let head = [header(0xa3, size), vec![0x81, 0, 0, 0x80]].concat();
    fs::write(&path, file(&[heads(), unsized_header(CLUSTER), uint(0xe7, 0), head])).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(size + 1000).unwrap();
    let error = limited::refusal_of_file(Parser::Open, &path);
    assert!(error.contains("a frame of at most 67108864 bytes"), "{error}");

    let block = element(0xa1, &[0x81, 0, 0, 0, b'x']);
    let group = [header(0xa0, size + 100), block, header(0x9b, size)].concat();
    fs::write(&path, file(&[heads(), unsized_header(CLUSTER), uint(0xe7, 0), group])).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(size + 1000).unwrap();
    println!("{}", limited::refusal_of_file(Parser::Open, &path));
}

#[test]
fn garbage_in_a_million_places_is_counted_and_the_first_thousand_are_listed() {
    let cluster = [unsized_header(CLUSTER), uint(0xe7, 0), key_block(0, b"x")].concat();
    let bytes = file(&[heads(), [cluster, vec![0; 8]].concat().repeat(100_000)]);
    let found = framereel::mux::inspect(std::io::Cursor::new(&bytes), Default::default()).unwrap();
    assert_eq!(found.gaps.len(), 1000);
    assert!(walked(&bytes).contains("more places"), "{:?}", found.faults);
}
