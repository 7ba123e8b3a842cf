//! The IDs of Matroska's elements (RFC 9559 §5.1) that are used here.

pub(crate) const EBML: u32 = 0x1a45_dfa3;
pub(crate) const DOC_TYPE: u32 = 0x4282;
pub(crate) const SEGMENT: u32 = 0x1853_8067;

pub(crate) const VOID: u32 = 0xec;
pub(crate) const CRC_32: u32 = 0xbf;

pub(crate) const SEEK_HEAD: u32 = 0x114d_9b74;
pub(crate) const SEEK: u32 = 0x4dbb;
pub(crate) const SEEK_ID: u32 = 0x53ab;
pub(crate) const SEEK_POSITION: u32 = 0x53ac;

pub(crate) const INFO: u32 = 0x1549_a966;
pub(crate) const TIMESTAMP_SCALE: u32 = 0x2a_d7b1;
pub(crate) const DURATION: u32 = 0x4489;
pub(crate) const MUXING_APP: u32 = 0x4d80;
pub(crate) const WRITING_APP: u32 = 0x5741;

pub(crate) const TRACKS: u32 = 0x1654_ae6b;
pub(crate) const TRACK_ENTRY: u32 = 0xae;
pub(crate) const TRACK_NUMBER: u32 = 0xd7;
pub(crate) const TRACK_TYPE: u32 = 0x83;
pub(crate) const DEFAULT_DURATION: u32 = 0x23_e383;
pub(crate) const CODEC_ID: u32 = 0x86;
pub(crate) const CODEC_PRIVATE: u32 = 0x63a2;
pub(crate) const CODEC_DELAY: u32 = 0x56aa;
pub(crate) const CONTENT_ENCODINGS: u32 = 0x6d80;
pub(crate) const VIDEO: u32 = 0xe0;
pub(crate) const PIXEL_WIDTH: u32 = 0xb0;
pub(crate) const PIXEL_HEIGHT: u32 = 0xba;
pub(crate) const PIXEL_CROPS: [u32; 4] = [0x54aa, 0x54bb, 0x54cc, 0x54dd];
pub(crate) const DISPLAY_WIDTH: u32 = 0x54b0;
pub(crate) const DISPLAY_HEIGHT: u32 = 0x54ba;
pub(crate) const COLOUR: u32 = 0x55b0;
pub(crate) const MATRIX_COEFFICIENTS: u32 = 0x55b1;
pub(crate) const COLOUR_RANGE: u32 = 0x55b9;
pub(crate) const AUDIO: u32 = 0xe1;
pub(crate) const SAMPLING_FREQUENCY: u32 = 0xb5;
pub(crate) const CHANNELS: u32 = 0x9f;

pub(crate) const CLUSTER: u32 = 0x1f43_b675;
pub(crate) const TIMESTAMP: u32 = 0xe7;
pub(crate) const SILENT_TRACKS: u32 = 0x5854;
pub(crate) const POSITION: u32 = 0xa7;
pub(crate) const PREV_SIZE: u32 = 0xab;
pub(crate) const SIMPLE_BLOCK: u32 = 0xa3;
pub(crate) const BLOCK_GROUP: u32 = 0xa0;
pub(crate) const BLOCK: u32 = 0xa1;
pub(crate) const BLOCK_DURATION: u32 = 0x9b;
pub(crate) const REFERENCE_BLOCK: u32 = 0xfb;
pub(crate) const BLOCK_ADDITIONS: u32 = 0x75a1;
pub(crate) const DISCARD_PADDING: u32 = 0x75a2;
pub(crate) const ENCRYPTED_BLOCK: u32 = 0xaf;

pub(crate) const CUES: u32 = 0x1c53_bb6b;
pub(crate) const CUE_POINT: u32 = 0xbb;
pub(crate) const CUE_TIME: u32 = 0xb3;
pub(crate) const CUE_TRACK_POSITIONS: u32 = 0xb7;
pub(crate) const CUE_TRACK: u32 = 0xf7;
pub(crate) const CUE_CLUSTER_POSITION: u32 = 0xf1;

pub(crate) const CHAPTERS: u32 = 0x1043_a770;
pub(crate) const TAGS: u32 = 0x1254_c367;
pub(crate) const ATTACHMENTS: u32 = 0x1941_a469;

/// Whether an element with this ID may stand in a segment.
pub(crate) fn in_segment(id: u32) -> bool {
    matches!(id, SEEK_HEAD | INFO | TRACKS | CLUSTER | CUES | CHAPTERS | TAGS | ATTACHMENTS | VOID | CRC_32)
}

/// Whether an element with this ID may stand in a cluster.
pub(crate) fn in_cluster(id: u32) -> bool {
    let blocks = matches!(id, SIMPLE_BLOCK | BLOCK_GROUP | ENCRYPTED_BLOCK);
    blocks || matches!(id, TIMESTAMP | SILENT_TRACKS | POSITION | PREV_SIZE | VOID | CRC_32)
}

/// Whether an element with this ID may begin a block group: mostly a block, else another field of the group.
pub(crate) fn in_group(id: u32) -> bool {
    matches!(id, BLOCK | BLOCK_DURATION | REFERENCE_BLOCK | DISCARD_PADDING | BLOCK_ADDITIONS)
}
