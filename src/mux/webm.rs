//! WebM: writes packets of a video and an audio track into a file that seeks, and that plays at every instant while it
//! is written: ten times a second its Duration is corrected and the sink flushed.
//!
//! libwebm makes the bytes. It hides why a write failed and asks for the position all the time, so it writes into a
//! `SharedSink`, which remembers the first error, knows its position and writes each block in one call.

use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use webm::mux::{
    AudioCodecId, ColorPrimaries, ColorRange, ColorSubsampling, Error as LibwebmError, MatrixCoefficients, Segment,
    SegmentBuilder, SegmentMode, TrackNum, TransferCharacteristics, VideoCodecId, Writer,
};

use super::container::{Container, Finished, SYNC_INTERVAL};
use super::ebml::Elements;
use super::matroska::id;
use super::sink::{FirstError, PacketEnds, same};
use super::tracks::{AudioCodec, Tracks, VideoTrack};
use crate::codec::VideoCodec;
use crate::color::Range;
use crate::error::{Error, ErrorKind, Result};
use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::Timestamp;

/// Writes one WebM file: clusters that begin at key frames, Cues that point at them, and the exact Duration.
///
/// A sink that cannot seek to its beginning (a pipe) gets WebM's live form: no Cues, no Duration, and its header at once.
pub struct WebmWriter<W: Write + Seek> {
    segment: Segment<SharedSink<W>>,
    numbers: TrackNumbers,
    sink: SharedSink<W>,
    last: Option<Timestamp>,
    end: Timestamp,
    /// The end of the file by the Duration in the sink.
    synced: Timestamp,
    ends: PacketEnds,
}

debug_fields!(<W: Write + Seek> WebmWriter { end });

const NANOS_PER_MILLI: i64 = 1_000_000;

impl<W: Write + Seek> WebmWriter<W> {
    /// Begins a file at the sink's beginning. A seekable sink is not written to before the first packet; one that
    /// cannot seek gets the header, so that a reader knows the tracks at once.
    ///
    /// # Errors
    /// `NotSupportedError` for a codec that WebM does not have, `UnknownError` when libwebm rejects the tracks.
    pub fn new(mut sink: W, tracks: &Tracks) -> Result<Self> {
        if let Some(audio) = tracks.audio.as_ref().filter(|audio| audio.codec != AudioCodec::Opus) {
            return Err(Error::not_supported(format!("expected Opus in a WebM file but found {:?}", audio.codec)));
        }
        if let Some(video) =
            tracks.video.as_ref().filter(|video| !Container::Webm.video_codecs().contains(&video.codec))
        {
            return Err(Error::not_supported(format!(
                "expected AV1, VP9 or VP8 in a WebM file but found {}",
                video.codec
            )));
        }
        let seekable = sink.seek(SeekFrom::Start(0)).is_ok();
        let sink = SharedSink::new(sink, seekable);
        let (writer, mode) = if seekable {
            (Writer::new(sink.clone()), SegmentMode::File)
        } else {
            (Writer::new_non_seek(sink.clone()), SegmentMode::Live)
        };
        let (segment, numbers) = build(writer, mode, tracks).map_err(|error| not_taken(tracks, error))?;
        if !seekable {
            sink.state().write_header_early(live_header(tracks)?);
        }
        let end = Timestamp::ZERO;
        Ok(Self { segment, numbers, sink, last: None, end, synced: end, ends: PacketEnds::default() })
    }

    /// Appends a packet; all tracks' packets come in the order of their times. Times are kept to a millisecond, WebM's
    /// customary unit.
    ///
    /// # Errors
    /// A write error when the sink fails: then nothing more can be written, but call [`WebmWriter::finish`] all the
    /// same. `InvalidStateError` when packets come out of order or before time 0, or are of a track that the file does
    /// not have.
    pub fn write(&mut self, kind: TrackKind, packet: &EncodedPacket) -> Result<()> {
        self.sink.state().error.outcome()?;
        let track = match kind {
            TrackKind::Video => self.numbers.video,
            TrackKind::Audio => self.numbers.audio,
        };
        let Some(track) = track else {
            let context = format!("expected a packet of a track in this file but found one of {kind}");
            return Err(Error::new(ErrorKind::InvalidState, context));
        };
        let earliest = self.last.unwrap_or(Timestamp::ZERO);
        if packet.timestamp < earliest || packet.data.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidState,
                format!(
                    "expected a packet with bytes, from {}s on, but found {} bytes at {}s",
                    earliest.as_secs_f64(),
                    packet.data.len(),
                    packet.timestamp.as_secs_f64()
                ),
            ));
        }
        // libwebm truncates to milliseconds; adding half of one rounds.
        let nanos = packet.timestamp.as_nanos() + NANOS_PER_MILLI / 2;
        let added = self.segment.add_frame(track, &packet.data, nanos as u64, packet.key);
        let mut state = self.sink.state();
        // An error is kept, and returned by the next call.
        let _ = state.pass_on();
        state.error.outcome()?;
        added.map_err(|error| Error::unknown("libwebm did not take a packet").with_cause(error))?;
        self.last = Some(packet.timestamp);
        self.end = self.end.max(packet.timestamp + packet.duration);
        if self.end - self.synced >= SYNC_INTERVAL || self.synced == Timestamp::ZERO {
            self.synced = self.end;
            state.set_duration(self.end);
            state.settle();
        }
        let position = state.written();
        self.ends.push(position, self.end);
        Ok(())
    }

    /// Extends the file to this time, though no packet reaches it yet: its last frame is still shown.
    pub fn advance(&mut self, time: Timestamp) {
        if self.last.is_some() && time - self.end >= SYNC_INTERVAL {
            (self.end, self.synced) = (time, time);
            let mut state = self.sink.state();
            state.set_duration(time);
            state.settle();
        }
    }

    /// How many bytes the file has so far.
    pub fn bytes(&self) -> u64 {
        self.sink.state().written()
    }

    /// Writes all buffered bytes to the sink and flushes it. An error is kept, and returned by the next call.
    pub fn flush(&mut self) {
        self.sink.state().settle();
    }

    /// Calls `look` with the sink.
    pub fn with_sink(&mut self, look: &mut dyn FnMut(&mut W)) {
        look(&mut self.sink.state().sink);
    }

    /// Writes the Cues and the Duration, and returns the sink, flushed. The file ends at `end`, else with its last
    /// packet. After an error the sink holds what could be written; this plays if it holds a packet, but may lack Cues.
    pub fn finish(self, end: Option<Timestamp>) -> Finished<W> {
        let Self { segment, sink, end: last_end, last, ends, .. } = self;
        let mut end = end.map_or(last_end, |end| end.max(last.unwrap_or(end)));
        // Buffered bytes must be in the file before libwebm reads it again: it finishes only once.
        let mut whole = sink.state().settle();
        // libwebm cannot finish a file without a frame, and there is nothing to finish.
        if whole && last.is_some() {
            whole = segment.finalize(Some(u64::from(millis(end)).max(1))).is_ok();
        } else {
            drop(segment);
        }
        let mut state = sink.into_state();
        if !whole {
            // A seekable sink reports how much it accepted: the rest is lost.
            if let Ok(stored) = state.sink.seek(SeekFrom::End(0)) {
                end = ends.end_of(stored);
            }
            state.set_duration(end);
        }
        state.settle();
        let outcome = state.error.outcome().and_then(|()| match whole {
            true => Ok(()),
            false => Err(Error::unknown("libwebm could not finish the file")),
        });
        Finished { sink: state.sink, outcome, end }
    }
}

/// The millisecond nearest to a time; of more than 49 days, the last that fits.
pub(super) fn millis(time: Timestamp) -> u32 {
    let millis = (time.as_nanos() + NANOS_PER_MILLI / 2) / NANOS_PER_MILLI;
    u32::try_from(millis).unwrap_or(u32::MAX)
}

fn not_taken(tracks: &Tracks, error: LibwebmError) -> Error {
    Error::unknown(format!("libwebm does not take {tracks:?}")).with_cause(error)
}

/// The header of a live file of these tracks. libwebm writes its header only with the first packet; so a packet is
/// written to another file, whose header is taken.
fn live_header(tracks: &Tracks) -> Result<Vec<u8>> {
    let sink = SharedSink::new(Cursor::new(Vec::new()), false);
    let failed = |error| not_taken(tracks, error);
    let (mut segment, numbers) =
        build(Writer::new_non_seek(sink.clone()), SegmentMode::Live, tracks).map_err(failed)?;
    let track = numbers.video.or(numbers.audio);
    let track =
        track.ok_or_else(|| Error::new(ErrorKind::InvalidState, "expected a track in the file but found none"))?;
    segment.add_frame(track, &[0], 0, true).map_err(failed)?;
    let mut bytes = std::mem::take(&mut sink.state().block);
    let length =
        header_length(&bytes).ok_or_else(|| Error::unknown("expected a header from libwebm but found none"))?;
    bytes.truncate(length);
    Ok(bytes)
}

/// How many bytes there are before the first cluster; none where there is no cluster.
fn header_length(bytes: &[u8]) -> Option<usize> {
    let mut elements = Elements::open(Cursor::new(bytes)).ok()?;
    let ebml = elements.element(0).ok()?;
    let segment = elements.element(ebml.end()?).ok()?;
    let mut at = segment.body;
    loop {
        let element = elements.element(at).ok()?;
        if element.id == id::CLUSTER {
            return usize::try_from(at).ok();
        }
        at = element.end()?;
    }
}

/// The tracks' numbers in the file.
#[derive(Debug, Clone, Copy, Default)]
struct TrackNumbers {
    video: Option<TrackNum>,
    audio: Option<TrackNum>,
}

fn build<W: Write>(
    writer: Writer<W>,
    mode: SegmentMode,
    tracks: &Tracks,
) -> Result<(Segment<W>, TrackNumbers), LibwebmError> {
    let mut builder = SegmentBuilder::new(writer)?
        .set_mode(mode)?
        .set_writing_app(concat!("framereel ", env!("CARGO_PKG_VERSION")))?;
    let mut numbers = TrackNumbers::default();
    if let Some(track) = &tracks.video {
        let number;
        (builder, number) = add_video(builder, track)?;
        numbers.video = Some(number);
    }
    if let Some(track) = &tracks.audio {
        let number;
        (builder, number) = builder.add_audio_track(track.rate, track.channels.into(), AudioCodecId::Opus, None)?;
        builder = builder.set_codec_private(number, &track.codec_private)?;
        numbers.audio = Some(number.into());
    }
    Ok((builder.build(), numbers))
}

fn add_video<W: Write>(
    builder: SegmentBuilder<W>,
    track: &VideoTrack,
) -> Result<(SegmentBuilder<W>, TrackNum), LibwebmError> {
    let codec = match track.codec {
        VideoCodec::Vp8 => VideoCodecId::VP8,
        VideoCodec::Vp9 => VideoCodecId::VP9,
        _ => VideoCodecId::AV1,
    };
    let (mut builder, number) = builder.add_video_track(track.size.width, track.size.height, codec, None)?;
    // VP8 has none.
    if !track.codec_private.is_empty() {
        builder = builder.set_codec_private(number, &track.codec_private)?;
    }
    let range = match track.color.range {
        Range::Limited => ColorRange::Broadcast,
        Range::Full => ColorRange::Full,
    };
    let [primaries, transfer, matrix] = track.color.numbers();
    let primaries = match primaries {
        6 => ColorPrimaries::Bt601,
        9 => ColorPrimaries::Bt2020,
        12 => ColorPrimaries::Smpte432,
        _ => ColorPrimaries::Bt709,
    };
    let transfer = match transfer {
        6 => TransferCharacteristics::Bt601,
        14 => TransferCharacteristics::Bt2020_10bit,
        16 => TransferCharacteristics::Smpte2084,
        18 => TransferCharacteristics::AribStdB67,
        _ => TransferCharacteristics::Bt709,
    };
    let matrix = match matrix {
        6 => MatrixCoefficients::Bt601,
        9 => MatrixCoefficients::Bt2020Ncl,
        _ => MatrixCoefficients::Bt709,
    };
    // `set_color` replaces the whole Colour, so it comes first.
    let subsampling = ColorSubsampling { chroma_horizontal: 1, chroma_vertical: 1 };
    let builder = builder
        .set_color(number, track.depth.bits(), subsampling, range)?
        .set_primaries(number, primaries)?
        .set_transfer_characteristics(number, transfer)?
        .set_matrix_coefficients(number, matrix)?;
    Ok((builder, number.into()))
}

/// The sink as libwebm and its writer both hold it. libwebm calls it only from within the writer's own calls, so that
/// the lock is never waited for.
struct SharedSink<W>(Arc<Mutex<SinkState<W>>>);

struct SinkState<W> {
    sink: W,
    /// Where libwebm writes next, as it counts.
    position: u64,
    /// How many bytes the sink was given.
    passed_on: u64,
    /// What libwebm wrote since the last block or seek; it goes to the sink in one write.
    block: Vec<u8>,
    /// Whether it can be written over, and so has a Duration.
    seekable: bool,
    /// Whether the sink has a live file's header already, before libwebm has written its own.
    header_is_out: bool,
    /// Where the Duration's four bytes are, once they are written.
    duration_at: Option<u64>,
    error: FirstError,
}

impl<W> Clone for SharedSink<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W> SharedSink<W> {
    fn new(sink: W, seekable: bool) -> Self {
        Self(Arc::new(Mutex::new(SinkState {
            sink,
            position: 0,
            passed_on: 0,
            block: Vec::new(),
            seekable,
            header_is_out: false,
            duration_at: None,
            error: FirstError::default(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, SinkState<W>> {
        self.0.lock()
    }

    /// The state itself. Only for the last holder.
    fn into_state(self) -> SinkState<W> {
        let state = Arc::into_inner(self.0).expect("libwebm's half is dropped before the writer's");
        state.into_inner()
    }
}

impl<W: Write + Seek> SinkState<W> {
    /// How many bytes the file has.
    fn written(&self) -> u64 {
        match (self.seekable, self.header_is_out) {
            (true, _) => self.position,
            (false, false) => self.passed_on + self.block.len() as u64,
            // What waits is libwebm's own header.
            (false, true) => self.passed_on,
        }
    }

    /// Writes a live file's header before libwebm does.
    fn write_header_early(&mut self, header: Vec<u8>) {
        self.block = header;
        // An error is kept, and returned by the next call.
        let _ = self.pass_on();
        self.header_is_out = true;
    }

    fn pass_on(&mut self) -> io::Result<()> {
        // It stands in the header, which is written in one piece with the first packet.
        if self.seekable && self.duration_at.is_none() {
            self.duration_at = self.find_duration();
        }
        if self.header_is_out {
            // libwebm's own header, which is there already, ends where its first cluster begins.
            let Some(length) = header_length(&self.block) else { return Ok(()) };
            self.block.drain(..length);
            self.header_is_out = false;
        }
        let outcome = self.sink.write_all(&self.block);
        self.passed_on += self.block.len() as u64;
        self.block.clear();
        self.error.keep(outcome)
    }

    /// The Duration's content in the block: the element's ID, 4489, and its size, four bytes (RFC 9559 §5.1.2.10).
    fn find_duration(&self) -> Option<u64> {
        let element = self.block.windows(3).position(|window| window == [0x44, 0x89, 0x84])?;
        Some(self.position - self.block.len() as u64 + element as u64 + 3)
    }

    /// Makes the file say that it is so long, so that what is there of it seeks. Does what it can.
    fn set_duration(&mut self, end: Timestamp) {
        let Some(at) = self.duration_at else { return };
        let bytes = (millis(end) as f32).to_be_bytes();
        let patched = self.sink.seek(SeekFrom::Start(at)).and_then(|_| self.sink.write_all(&bytes));
        let back = self.sink.seek(SeekFrom::Start(self.position)).map(drop);
        // Both are kept as errors, which is all there is to do about them.
        let _ = self.error.keep(patched.and(back));
    }

    /// Passes on all there is and flushes the sink; whether no error ever came.
    fn settle(&mut self) -> bool {
        let outcome = self.pass_on().and_then(|()| self.sink.flush());
        self.error.keep(outcome).is_ok() && self.error.is_none()
    }
}

impl<W: Write + Seek> Write for SharedSink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        state.block.extend_from_slice(bytes);
        state.position += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write + Seek> Seek for SharedSink<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut state = self.state();
        state.pass_on()?;
        let sought = state.sink.seek(to);
        match sought {
            Ok(position) => state.position = position,
            Err(ref error) => state.error.keep(Err(same(error)))?,
        }
        sought
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.state().position)
    }
}
