//! Builds Matroska files element by element, as no muxer would write them.
#![allow(dead_code, reason = "each test file uses its part")]

pub const EBML: u32 = 0x1a45_dfa3;
pub const SEGMENT: u32 = 0x1853_8067;
pub const INFO: u32 = 0x1549_a966;
pub const TRACKS: u32 = 0x1654_ae6b;
pub const CLUSTER: u32 = 0x1f43_b675;
pub const CUES: u32 = 0x1c53_bb6b;
pub const VOID: u32 = 0xec;

/// An element with this data.
pub fn element(id: u32, data: &[u8]) -> Vec<u8> {
    [header(id, data.len() as u64), data.to_vec()].concat()
}

/// The header of an element with this many bytes of data; the size has eight bytes if it is large.
pub fn header(id: u32, size: u64) -> Vec<u8> {
    let mut bytes = id.to_be_bytes()[id.leading_zeros() as usize / 8..].to_vec();
    if size < 127 {
        bytes.push(0x80 | size as u8)
    } else {
        bytes.extend((size | 1 << 56).to_be_bytes())
    }
    bytes
}

/// The header of an element without a size.
pub fn unsized_header(id: u32) -> Vec<u8> {
    let mut bytes = header(id, 0);
    *bytes.last_mut().expect("a size") = 0xff;
    bytes
}

/// An unsigned integer.
pub fn uint(id: u32, value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    element(id, &bytes[(value.leading_zeros() as usize / 8).min(7)..])
}

/// An entry of `Tracks` for a video track of this number and codec.
pub fn video(number: u64, codec: &str) -> Vec<u8> {
    let picture = [uint(0xb0, 64), uint(0xba, 48)].concat();
    element(
        0xae,
        &[uint(0xd7, number), uint(0x83, 1), element(0x86, codec.as_bytes()), element(0xe0, &picture)].concat(),
    )
}

/// A `SimpleBlock` with a key frame of track 1.
pub fn key_block(relative: i16, data: &[u8]) -> Vec<u8> {
    element(0xa3, &[&[0x81], &relative.to_be_bytes()[..], &[0x80], data].concat())
}

/// A file with these children of the segment, whose size is unknown.
pub fn file(children: &[Vec<u8>]) -> Vec<u8> {
    [element(EBML, &element(0x4282, b"webm")), unsized_header(SEGMENT), children.concat()].concat()
}

/// `Info`, and `Tracks` with one video track of AV1.
pub fn heads() -> Vec<u8> {
    [element(INFO, &uint(0x2a_d7b1, 1_000_000)), element(TRACKS, &video(1, "V_AV1"))].concat()
}

/// A cue: the time, and the position of the cluster in the segment.
pub fn cue(time: u64, cluster: u64) -> Vec<u8> {
    element(0xbb, &[uint(0xb3, time), element(0xb7, &[uint(0xf7, 1), uint(0xf1, cluster)].concat())].concat())
}
