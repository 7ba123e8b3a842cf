//! The header of a growing file: `ftyp`, room for the header of the finished file's one `mdat`, and a `moov` without
//! samples, which says that fragments follow (ISO/IEC 14496-12 §8.8.1).

use super::boxes::{BoxWriter, boxed};
use super::entry;
use crate::codec::{AudioCodec, VideoCodec};
use crate::mux::tracks::{AudioTrack, Tracks, VideoTrack};

/// The unit of video and of whole files, in parts of a second. A multiple of 30 000, 24 000 and 90 000, so that frames
/// at all usual rates (24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 144, and those over 1.001), milliseconds and MPEG's
/// times are whole numbers, and times between are exact to 0.35 µs. A duration has 32 bits: a frame may last 49 minutes.
pub(crate) const TIMESCALE: u32 = 1_440_000;

/// The header of the finished file's `mdat`, with a size of 64 bits.
pub(crate) const MDAT_HEADER: u64 = 16;

/// The numbers of the tracks.
pub(crate) const VIDEO_ID: u32 = 1;
pub(crate) const AUDIO_ID: u32 = 2;

/// What the header says of the tracks beside themselves.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeaderPlan {
    /// The video's configuration box.
    pub(crate) video_config: Vec<u8>,
    /// How many samples of decoded sound are not heard, and how many of them the decoder's header says.
    pub(crate) skip: u64,
    pub(crate) pre_skip: u16,
}

/// `ftyp`: which readers can read the file (§4.3). `iso6` has fragments whose offsets count from their own beginning.
pub(crate) fn ftyp(tracks: &Tracks) -> Vec<u8> {
    let codec: &[u8] = match tracks.video.as_ref().map(|video| video.codec) {
        Some(VideoCodec::Av1) => b"av01",
        Some(VideoCodec::H264) => b"avc1",
        _ => b"",
    };
    boxed(*b"ftyp", &[b"isom", &0x200_u32.to_be_bytes()[..], b"isomiso6mp42", codec].concat())
}

/// The room for the header of the `mdat`.
pub(crate) fn room() -> Vec<u8> {
    boxed(*b"free", &[0; MDAT_HEADER as usize - 8])
}

/// The header of the finished file's `mdat`, which has this many bytes altogether.
pub(crate) fn mdat_header(size: u64) -> Vec<u8> {
    [&1_u32.to_be_bytes()[..], b"mdat", &size.to_be_bytes()].concat()
}

/// The whole `moov`.
pub(crate) fn moov(tracks: &Tracks, plan: &HeaderPlan) -> Vec<u8> {
    let mut boxes = BoxWriter::default();
    boxes.boxed(*b"moov", |moov| {
        moov.full(*b"mvhd", 0, 0, |mvhd| {
            // No dates, and no duration.
            mvhd.zeros(8);
            mvhd.u32(TIMESCALE);
            mvhd.u32(0);
            // Speed and loudness 1.
            mvhd.u32(0x1_0000);
            mvhd.u16(0x100);
            mvhd.zeros(10);
            matrix(mvhd);
            mvhd.zeros(24);
            mvhd.u32(AUDIO_ID + 1);
        });
        let ids: Vec<u32> = [tracks.video.as_ref().map(|_| VIDEO_ID), tracks.audio.as_ref().map(|_| AUDIO_ID)]
            .into_iter()
            .flatten()
            .collect();
        if let Some(video) = &tracks.video {
            moov.boxed(*b"trak", |trak| video_track(trak, video, &plan.video_config));
        }
        if let Some(audio) = &tracks.audio {
            moov.boxed(*b"trak", |trak| audio_track(trak, audio, plan));
        }
        moov.boxed(*b"mvex", |mvex| {
            for id in ids {
                mvex.full(*b"trex", 0, 0, |trex| {
                    // The first sample description; no default duration, size or flags.
                    [id, 1, 0, 0, 0].into_iter().for_each(|value| trex.u32(value));
                });
            }
        });
        moov.boxed(*b"udta", |udta| udta.bytes(&written_by()));
    });
    boxes.into_bytes()
}

/// The name of the program that wrote the file, where ffmpeg and Apple's programs look for it.
fn written_by() -> Vec<u8> {
    const NAME: &str = concat!("framereel ", env!("CARGO_PKG_VERSION"));
    let mut boxes = BoxWriter::default();
    boxes.full(*b"meta", 0, 0, |meta| {
        meta.full(*b"hdlr", 0, 0, |hdlr| {
            hdlr.zeros(4);
            hdlr.bytes(b"mdirappl");
            hdlr.zeros(9);
        });
        meta.boxed(*b"ilst", |ilst| {
            ilst.boxed(*b"\xa9too", |tool| {
                // UTF-8, of no country.
                tool.full(*b"data", 0, 1, |data| {
                    data.u32(0);
                    data.bytes(NAME.as_bytes());
                });
            });
        });
    });
    boxes.into_bytes()
}

fn video_track(trak: &mut BoxWriter, track: &VideoTrack, config: &[u8]) {
    track_header(trak, VIDEO_ID, 0, [track.size.width, track.size.height]);
    trak.boxed(*b"mdia", |mdia| {
        media_header(mdia, TIMESCALE);
        handler(mdia, b"vide", "framereel video");
        mdia.boxed(*b"minf", |minf| {
            minf.full(*b"vmhd", 0, 1, |vmhd| vmhd.zeros(8));
            data_information(minf);
            empty_table(minf, |stsd| entry::write_video(stsd, track, config));
        });
    });
}

fn audio_track(trak: &mut BoxWriter, track: &AudioTrack, plan: &HeaderPlan) {
    track_header(trak, AUDIO_ID, 0x100, [0, 0]);
    if plan.skip > 0 {
        trak.boxed(*b"edts", |edts| {
            // From there on to the end, whenever that is.
            edts.full(*b"elst", 0, 0, |elst| {
                [1, 0, plan.skip as u32, 0x1_0000].into_iter().for_each(|value| elst.u32(value))
            });
        });
    }
    trak.boxed(*b"mdia", |mdia| {
        media_header(mdia, audio_timescale(track));
        handler(mdia, b"soun", "framereel sound");
        mdia.boxed(*b"minf", |minf| {
            minf.full(*b"smhd", 0, 0, |smhd| smhd.zeros(4));
            data_information(minf);
            empty_table(minf, |stsd| entry::write_audio(stsd, track, plan.pre_skip));
        });
    });
}

/// The unit of a track of sound: one sample.
pub(crate) fn audio_timescale(track: &AudioTrack) -> u32 {
    if track.codec == AudioCodec::Opus { 48_000 } else { track.rate.max(1) }
}

/// `tkhd` (§8.3.2): a track that is shown.
fn track_header(trak: &mut BoxWriter, id: u32, volume: u16, size: [u32; 2]) {
    trak.full(*b"tkhd", 0, 0b11, |tkhd| {
        tkhd.zeros(8);
        tkhd.u32(id);
        // Reserved, the duration, reserved, the layer and the group.
        tkhd.zeros(4 + 4 + 8 + 4);
        tkhd.u16(volume);
        tkhd.zeros(2);
        matrix(tkhd);
        // 16 bits before the point.
        size.into_iter().for_each(|side| tkhd.u32(side.min(0xffff) << 16));
    });
}

/// The identity.
fn matrix(boxes: &mut BoxWriter) {
    [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000].into_iter().for_each(|value| boxes.u32(value));
}

fn media_header(mdia: &mut BoxWriter, timescale: u32) {
    mdia.full(*b"mdhd", 0, 0, |mdhd| {
        mdhd.zeros(8);
        mdhd.u32(timescale);
        mdhd.u32(0);
        // `und`: the language is not known.
        mdhd.u16(0x55c4);
        mdhd.u16(0);
    });
}

fn handler(mdia: &mut BoxWriter, kind: &[u8; 4], name: &str) {
    mdia.full(*b"hdlr", 0, 0, |hdlr| {
        hdlr.zeros(4);
        hdlr.bytes(kind);
        hdlr.zeros(12);
        hdlr.bytes(name.as_bytes());
        hdlr.u8(0);
    });
}

/// `dinf`: the data is in this file.
fn data_information(minf: &mut BoxWriter) {
    minf.boxed(*b"dinf", |dinf| {
        dinf.full(*b"dref", 0, 0, |dref| {
            dref.u32(1);
            dref.full(*b"url ", 0, 1, |_| {});
        });
    });
}

fn empty_table(minf: &mut BoxWriter, sample_entry: impl FnOnce(&mut BoxWriter)) {
    minf.boxed(*b"stbl", |stbl| {
        stbl.full(*b"stsd", 0, 0, |stsd| {
            stsd.u32(1);
            sample_entry(stsd);
        });
        for kind in [b"stts", b"stsc", b"stco"] {
            stbl.full(*kind, 0, 0, |empty| empty.u32(0));
        }
        stbl.full(*b"stsz", 0, 0, |stsz| stsz.zeros(8));
    });
}
