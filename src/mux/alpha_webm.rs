//! WebM with transparency: writes packets of VP8 or VP9 with their transparency, and of sound, as the "WebM VP8 Alpha"
//! document of the WebM project describes it. libwebm's wrapper, which writes all other WebM files, has no way to add
//! data to a block.
//!
//! ```text
//! EBML header │ Segment │ SeekHead │ Info with Duration │ Tracks │ clusters │ Cues
//! cluster: Timestamp │ BlockGroup: Block, BlockAdditions { BlockMore { 1, transparency } }, ReferenceBlock │ …
//! ```
//!
//! It promises what `mux/webm.rs` does: the file plays at every instant, ten times a second its Duration is corrected
//! and the sink flushed, clusters begin at key frames, and Cues point at them. A cluster has no size until it ends, and
//! the segment until the file ends. The two packets of a picture are in one group, which is written in one call.

use std::io::{Seek, Write};

use super::container::{ContainerWriter, Finished, SYNC_INTERVAL};
use super::ebml::{element, int, long_header, size_bytes, uint, uint_width, unsized_header};
use super::matroska::{Cue, cues_of, id, seek_head};
use super::sink::{BlockSink, PacketEnds};
use super::tracks::{AudioCodec, AudioTrack, Tracks, VideoTrack};
use super::webm::millis;
use crate::codec::VideoCodec;
use crate::color::Range;
use crate::error::{Error, ErrorKind, Result};
use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::Timestamp;

/// The numbers of the tracks in the file.
const VIDEO: u64 = 1;
const AUDIO: u64 = 2;
/// The longest cluster in milliseconds; the times of its blocks are 16 bits, relative to its own.
const LONGEST_CLUSTER: u32 = 30_000;
/// The length of a segment's and a cluster's ID, which their size follows.
const ID: u64 = 4;
/// Nanoseconds in a unit of time.
const SCALE: u64 = 1_000_000;

/// Writes one WebM file whose video has transparency: clusters that begin at key frames, Cues that point at them, and
/// the exact Duration.
///
/// A sink that cannot seek to its beginning (a pipe) gets WebM's live form: no Cues, no Duration, and its header at once.
pub struct AlphaWebmWriter<W: Write + Seek> {
    sink: BlockSink<W>,
    tracks: Tracks,
    cluster: Option<UnfinishedCluster>,
    /// The key frames; positions count from the segment's first byte of data.
    cues: Vec<Cue>,
    last: Option<Timestamp>,
    /// The time of the last packet of video in milliseconds.
    last_video: u32,
    end: Timestamp,
    /// The end of the file by the Duration in the sink.
    synced: Timestamp,
    ends: PacketEnds,
}

debug_fields!(<W: Write + Seek> AlphaWebmWriter { end });

/// The cluster that blocks are added to.
#[derive(Debug, Clone, Copy)]
struct UnfinishedCluster {
    /// Its position in the file.
    at: u64,
    /// Its time in milliseconds.
    time: u32,
}

/// What is known only while or after the packets are written. The header has the same length whatever it says.
#[derive(Debug, Clone, Copy, Default)]
struct FileLengths {
    /// The whole file's, in bytes.
    bytes: Option<u64>,
    /// The position of the Cues.
    cues_at: Option<u64>,
    duration: Timestamp,
}

impl<W: Write + Seek> AlphaWebmWriter<W> {
    /// Begins a file at the sink's beginning. A seekable sink is not written to before the first packet; one that
    /// cannot seek gets the header, so that a reader knows the tracks at once.
    ///
    /// # Errors
    /// `NotSupportedError` for tracks without video, for a codec that WebM has no transparency for, and for sound other
    /// than Opus.
    pub fn new(sink: W, tracks: &Tracks) -> Result<Self> {
        let video = tracks.video.as_ref().map(|video| video.codec);
        if !matches!(video, Some(VideoCodec::Vp8 | VideoCodec::Vp9)) {
            let found = video.map_or_else(|| "no video".to_owned(), |codec| codec.to_string());
            let expected = "expected VP9 or VP8 for transparency in a WebM file";
            return Err(Error::not_supported(format!("{expected} but found {found}")));
        }
        if let Some(audio) = tracks.audio.as_ref().filter(|audio| audio.codec != AudioCodec::Opus) {
            return Err(Error::not_supported(format!("expected Opus in a WebM file but found {:?}", audio.codec)));
        }
        let mut writer = Self {
            sink: BlockSink::new(sink),
            tracks: tracks.clone(),
            cluster: None,
            cues: Vec::new(),
            last: None,
            last_video: 0,
            end: Timestamp::ZERO,
            synced: Timestamp::ZERO,
            ends: PacketEnds::default(),
        };
        if !writer.sink.is_seekable() {
            let header = live_header(tracks);
            // An error is kept, and returned by the next call.
            let _ = writer.sink.append(&header);
        }
        Ok(writer)
    }

    /// The number of a packet's track, if the packet may come now.
    fn check(&self, kind: TrackKind, packet: &EncodedPacket) -> Result<u64> {
        let track = match kind {
            TrackKind::Video => self.tracks.video.as_ref().map(|_| VIDEO),
            TrackKind::Audio => self.tracks.audio.as_ref().map(|_| AUDIO),
        };
        let Some(track) = track else {
            let context = format!("expected a packet of a track in this file but found one of {kind}");
            return Err(Error::new(ErrorKind::InvalidState, context));
        };
        let earliest = self.last.unwrap_or(Timestamp::ZERO);
        if packet.timestamp >= earliest && !packet.data.is_empty() {
            return Ok(track);
        }
        Err(Error::new(
            ErrorKind::InvalidState,
            format!(
                "expected a packet with bytes, from {}s on, but found {} bytes at {}s",
                earliest.as_secs_f64(),
                packet.data.len(),
                packet.timestamp.as_secs_f64()
            ),
        ))
    }

    /// Whether a packet of this time in milliseconds begins a cluster.
    fn begins_cluster(&self, kind: TrackKind, packet: &EncodedPacket, time: u32) -> bool {
        let is_over = |cluster: UnfinishedCluster| time - cluster.time > LONGEST_CLUSTER;
        self.cluster.is_none_or(is_over) || kind == TrackKind::Video && packet.key
    }

    /// Ends the open cluster: its size is known now.
    fn close_cluster(&mut self) {
        let Some(cluster) = self.cluster.take() else { return };
        if self.sink.is_seekable() && self.sink.error.is_none() {
            let header = long_header(id::CLUSTER, self.sink.written() - cluster.at - HEADER);
            self.sink.rewrite(cluster.at, &header);
        }
    }

    /// Where the segment's data begins.
    fn segment_body(&self) -> u64 {
        ebml_header().len() as u64 + HEADER
    }

    /// Makes the file say that it is so long, so that what is there of it seeks. Does what it can.
    fn set_duration(&mut self, end: Timestamp) {
        if self.sink.is_seekable() && self.last.is_some() {
            let header = header(&self.tracks, FileLengths { duration: end, ..FileLengths::default() });
            self.sink.rewrite_beginning(&header);
        }
    }

    fn sync(&mut self, end: Timestamp) {
        self.synced = end;
        self.set_duration(end);
        self.sink.flush();
    }
}

/// The length of a segment's and a cluster's header.
const HEADER: u64 = ID + 8;

impl<W: Write + Seek + Send> ContainerWriter<W> for AlphaWebmWriter<W> {
    /// Times are kept to a millisecond, WebM's customary unit.
    fn write(&mut self, kind: TrackKind, packet: &EncodedPacket) -> Result<()> {
        self.sink.error.outcome()?;
        let track = self.check(kind, packet)?;
        let time = millis(packet.timestamp);
        let mut bytes = Vec::new();
        if self.last.is_none() && self.sink.is_seekable() {
            bytes = header(&self.tracks, FileLengths::default());
        }
        if self.begins_cluster(kind, packet, time) {
            self.close_cluster();
            let at = self.sink.written() + bytes.len() as u64;
            self.cluster = Some(UnfinishedCluster { at, time });
            bytes.extend([unsized_header(id::CLUSTER), uint(id::TIMESTAMP, time.into(), 1)].concat());
            if kind == TrackKind::Video && packet.key {
                self.cues.push(Cue { cluster: at - self.segment_body(), track, time: time.into() });
            }
        }
        let relative = (time - self.cluster.map_or(time, |cluster| cluster.time)) as i16;
        let reference = i64::from(self.last_video) - i64::from(time);
        bytes.extend(block(track, relative, packet, reference));
        if kind == TrackKind::Video {
            self.last_video = time;
        }
        self.last = Some(packet.timestamp);
        self.sink.append(&bytes)?;
        self.end = self.end.max(packet.timestamp + packet.duration);
        self.ends.push(self.sink.written(), self.end);
        if self.end - self.synced >= SYNC_INTERVAL || self.synced == Timestamp::ZERO {
            self.sync(self.end);
        }
        Ok(())
    }

    fn advance(&mut self, time: Timestamp) {
        if self.last.is_some() && time - self.end >= SYNC_INTERVAL {
            self.end = time;
            self.sync(time);
        }
    }

    fn bytes(&self) -> u64 {
        self.sink.written()
    }

    fn flush(&mut self) {
        self.sink.flush();
    }

    fn with_sink(&mut self, look: &mut dyn FnMut(&mut W)) {
        look(&mut self.sink.sink);
    }

    fn finish(mut self: Box<Self>, end: Option<Timestamp>) -> Finished<W> {
        let mut end = end.map_or(self.end, |end| end.max(self.last.unwrap_or(end)));
        if self.last.is_some() && self.sink.is_seekable() {
            self.close_cluster();
            let cues_at = self.sink.written();
            let width = uint_width(cues_at);
            // An error is kept. The header says where the Cues are once they have arrived.
            let _ = self.sink.append(&cues_of(&self.cues, 0, width));
            self.sink.flush();
            if self.sink.error.is_none() {
                let lengths = FileLengths { bytes: Some(self.sink.written()), cues_at: Some(cues_at), duration: end };
                let header = header(&self.tracks, lengths);
                self.sink.rewrite_beginning(&header);
            } else {
                let stored = self.sink.stored();
                end = self.ends.end_of(stored);
                self.set_duration(end);
            }
        }
        self.sink.flush();
        let outcome = self.sink.error.outcome();
        Finished { sink: self.sink.sink, outcome, end }
    }
}

/// A packet as a block. `reference` is the time of the picture before it, relative to its own.
fn block(track: u64, relative: i16, packet: &EncodedPacket, reference: i64) -> Vec<u8> {
    const KEY: u8 = 0x80;
    let head = |flags: u8| [size_bytes(track), relative.to_be_bytes().to_vec(), vec![flags]].concat();
    let Some(alpha) = &packet.alpha else {
        let flags = if packet.key { KEY } else { 0 };
        return element(id::SIMPLE_BLOCK, &[&head(flags)[..], &packet.data].concat());
    };
    let more = [uint(id::BLOCK_ADD_ID, 1, 1), element(id::BLOCK_ADDITIONAL, alpha)].concat();
    let mut group = element(id::BLOCK, &[&head(0)[..], &packet.data].concat());
    group.extend(element(id::BLOCK_ADDITIONS, &element(id::BLOCK_MORE, &more)));
    if !packet.key {
        group.extend(int(id::REFERENCE_BLOCK, reference));
    }
    element(id::BLOCK_GROUP, &group)
}

fn ebml_header() -> Vec<u8> {
    let data = [
        uint(id::EBML_VERSION, 1, 1),
        uint(id::EBML_READ_VERSION, 1, 1),
        uint(id::EBML_MAX_ID_LENGTH, 4, 1),
        uint(id::EBML_MAX_SIZE_LENGTH, 8, 1),
        element(id::DOC_TYPE, b"webm"),
        uint(id::DOC_TYPE_VERSION, 4, 1),
        uint(id::DOC_TYPE_READ_VERSION, 2, 1),
    ];
    element(id::EBML, &data.concat())
}

/// Everything before the clusters.
fn header(tracks: &Tracks, lengths: FileLengths) -> Vec<u8> {
    let ebml = ebml_header();
    let duration = f64::from(millis(lengths.duration).max(1));
    let (info, tracks) = (info(Some(duration)), track_entries(tracks));
    let body = ebml.len() as u64 + HEADER;
    let segment = match lengths.bytes {
        Some(bytes) => long_header(id::SEGMENT, bytes - body),
        None => unsized_header(id::SEGMENT),
    };
    // As long as a seek head with an entry for the Cues, in any case.
    let full = seek_head(&[(id::INFO, 0), (id::TRACKS, 0), (id::CUES, 0)]).len() as u64;
    let mut places = vec![(id::INFO, full), (id::TRACKS, full + info.len() as u64)];
    places.extend(lengths.cues_at.map(|at| (id::CUES, at - body)));
    let mut head = seek_head(&places);
    if let Some(room) = (full as usize - head.len()).checked_sub(2) {
        head.extend(element(id::VOID, &vec![0; room]));
    }
    [ebml, segment, head, info, tracks].concat()
}

/// The same for a file in its live form.
fn live_header(tracks: &Tracks) -> Vec<u8> {
    [ebml_header(), unsized_header(id::SEGMENT), info(None), track_entries(tracks)].concat()
}

fn info(duration: Option<f64>) -> Vec<u8> {
    const APP: &[u8] = concat!("framereel ", env!("CARGO_PKG_VERSION")).as_bytes();
    let duration = duration.map(|duration| element(id::DURATION, &duration.to_be_bytes()));
    let data = [
        uint(id::TIMESTAMP_SCALE, SCALE, 1),
        duration.unwrap_or_default(),
        element(id::MUXING_APP, APP),
        element(id::WRITING_APP, APP),
    ];
    element(id::INFO, &data.concat())
}

fn track_entries(tracks: &Tracks) -> Vec<u8> {
    let entries = tracks.video.as_ref().map(video_entry).into_iter().chain(tracks.audio.as_ref().map(audio_entry));
    element(id::TRACKS, &entries.collect::<Vec<_>>().concat())
}

/// The elements that every track has.
fn common(number: u64, kind: u64, codec: &[u8], codec_private: &[u8]) -> Vec<u8> {
    let private = if codec_private.is_empty() { Vec::new() } else { element(id::CODEC_PRIVATE, codec_private) };
    [
        uint(id::TRACK_NUMBER, number, 1),
        uint(id::TRACK_UID, number, 1),
        uint(id::TRACK_TYPE, kind, 1),
        uint(id::FLAG_LACING, 0, 1),
        element(id::CODEC_ID, codec),
        private,
    ]
    .concat()
}

fn video_entry(track: &VideoTrack) -> Vec<u8> {
    let codec: &[u8] = if track.codec == VideoCodec::Vp8 { b"V_VP8" } else { b"V_VP9" };
    let range = match track.color.range {
        Range::Limited => 1,
        Range::Full => 2,
    };
    let [primaries, transfer, matrix] = track.color.numbers().map(u64::from);
    let colour = [
        (id::MATRIX_COEFFICIENTS, matrix),
        (id::BITS_PER_CHANNEL, track.depth.bits().into()),
        (id::CHROMA_SUBSAMPLING_HORZ, 1),
        (id::CHROMA_SUBSAMPLING_VERT, 1),
        (id::RANGE, range),
        (id::TRANSFER_CHARACTERISTICS, transfer),
        (id::PRIMARIES, primaries),
    ];
    let video = [
        uint(id::PIXEL_WIDTH, track.size.width.into(), 1),
        uint(id::PIXEL_HEIGHT, track.size.height.into(), 1),
        uint(id::ALPHA_MODE, 1, 1),
        element(id::COLOUR, &colour.map(|(id, value)| uint(id, value, 1)).concat()),
    ];
    let entry = [
        common(VIDEO, 1, codec, &track.codec_private),
        uint(id::MAX_BLOCK_ADDITION_ID, 1, 1),
        element(id::VIDEO, &video.concat()),
    ];
    element(id::TRACK_ENTRY, &entry.concat())
}

fn audio_entry(track: &AudioTrack) -> Vec<u8> {
    let audio = [
        element(id::SAMPLING_FREQUENCY, &f64::from(track.rate).to_be_bytes()),
        uint(id::CHANNELS, track.channels.into(), 1),
    ];
    let entry = [common(AUDIO, 2, b"A_OPUS", &track.codec_private), element(id::AUDIO, &audio.concat())];
    element(id::TRACK_ENTRY, &entry.concat())
}

#[cfg(test)]
mod tests;
