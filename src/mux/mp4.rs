//! MP4: writes packets of a video and an audio track into a file that plays at every instant while it is written, and is
//! an ordinary seekable file at its end (ISO/IEC 14496-12).
//!
//! ```text
//! while it grows                              at its end
//! ftyp                                        ftyp
//! free          16 bytes                      mdat   its header takes the room of free; it swallows all that follows
//! moov          the tracks, no samples        ┆
//! moof mdat     a tenth of a second           ┆
//! moof mdat     …                             ┆
//!                                             moov   the tracks and all samples
//! ```
//!
//! At the end the new `moov` is appended; readers ignore it, because they have one already. Then the 16 bytes of `free`
//! are written over by the header of an `mdat`, in one write: from then on the file is an ordinary one. So the file plays
//! at every instant between, too, and no sample is copied. (OBS Studio's "Hybrid MP4" has the same idea.)
//!
//! A fragment is written in one call. It has the packets of a tenth of a second; but the newest frame of video waits for
//! the next one if it can, because only then is it known how long it is shown. Where a frame was written before that was
//! known, its duration in the file is corrected.
//!
//! **Sinks that cannot seek** get the same without the end: the header at once, then fragments. Joined, they are the
//! file, and each can be appended to a `SourceBuffer` of Media Source Extensions.
//!
//! **Time**: see [`header::TIMESCALE`]. Sound has its own unit, one sample. Decoded samples that are not to be heard (a
//! pre-skip, and in a file that continues another one the packets before it) are left out by an edit list, so that sound
//! is at its time to the sample; Opus's roll group says how far before a place decoding has to begin. Our own recordings
//! have no pre-skip, as in WebM (see `encode/opus.rs`). Where a click at sample 24000 is, with a pre-skip of 312:
//!
//! | pre-skip in `dOps`, in the edit list | ffmpeg 5.1 | Chromium 156, `decodeAudioData` |
//! |---|---|---|
//! | 312, 312 | 24000 | 23688 |
//! | 312, in fragments and 312 | 24000 | 24000 |
//! | 312, none | 24000 | 24000, but the file is 6.5 ms too long |
//! | **0, 312** | **24000** | **24000** |
//!
//! **Memory**: see `mp4/table.rs`; while the end is written, twice as much.
//!
//! The boxes are written here. Of the crates that were tried, `muxide` 0.5 has no edit lists, no positions of 64 bits and
//! no `colr`, and keeps an ordinary film in memory to its end; `shiguredo_mp4` 2026.5 wants a newer compiler than this
//! crate, its writers write no edit lists, it knows its header only after the first fragment, and cannot turn a file in
//! fragments into an ordinary one. Reading with limits on time and memory, which `repair` needs, is in neither.

use std::collections::VecDeque;
use std::io::{Seek, Write};

use super::container::{ContainerWriter, Finished, SYNC_INTERVAL};
use super::ogg::decoded_samples;
use super::sink::BlockSink;
use super::tracks::{AudioCodec, AudioTrack, Tracks};
use crate::audio::samples_in;
use crate::error::{Error, ErrorKind, Result};
use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::{Span, Timestamp};

mod boxes;
mod entry;
mod file;
mod fragment;
mod header;
mod inspection;
mod movie;
mod repair;
mod samples;
mod survey;
mod table;
mod track_writer;
mod whole;

pub(crate) use file::is_mp4;
pub(crate) use inspection::inspect;
pub(crate) use movie::hevc_string;
pub(crate) use repair::Mp4RepairPlan;

use self::fragment::{FragmentTrack, LEAST_FRAGMENT};
use self::header::{AUDIO_ID, HeaderPlan, TIMESCALE, VIDEO_ID};
use self::movie::Movie;
use self::track_writer::TrackWriter;

/// How much waits at least when a frame of video begins a fragment. Sound, which comes more often, begins one after
/// [`SYNC_INTERVAL`], if no frame has come before.
const FRAME_INTERVAL: Span = Span::from_millis(67);

/// The largest side of a picture: the file says it in 16 bits.
const MAX_SIDE: u32 = 65_535;

/// Writes one MP4 file.
///
/// A sink that cannot seek to its beginning (a pipe) gets the live form: fragments, and the header at once (where the
/// header needs the first key frame or AAC's first packet, with that).
pub struct Mp4Writer<W> {
    sink: BlockSink<W>,
    tracks: Tracks,
    /// The header's content; the video's configuration is empty while it is not known.
    plan: HeaderPlan,
    /// The `moov` in the file, once it is there.
    moov: Option<Vec<u8>>,
    video: Option<TrackWriter>,
    audio: Option<TrackWriter>,
    /// The packets of sound before the file's beginning, until the first packet of sound comes.
    before: Vec<EncodedPacket>,
    /// How many fragments were written.
    fragments: u32,
    /// The time of the first packet that waits.
    waiting_since: Option<Timestamp>,
    last: Option<Timestamp>,
    end: Timestamp,
    /// Where fragments end in the file, and the recording's time then, of those that the sink may still hold back.
    unstored: VecDeque<(u64, Timestamp)>,
    /// The recording's time at the end of what has arrived.
    stored_end: Timestamp,
}

debug_fields!(<W> Mp4Writer { tracks, fragments, end });

impl<W: Write + Seek> Mp4Writer<W> {
    /// Begins a file at the sink's beginning. `before` holds the packets of sound before it, if the file continues
    /// another one. A seekable sink is not written to before the first packet; one that cannot seek gets the header as
    /// soon as it is known.
    ///
    /// # Errors
    /// `NotSupportedError` for tracks that an MP4 file cannot hold; a write error.
    pub fn new(sink: W, tracks: &Tracks, before: Option<&[EncodedPacket]>) -> Result<Self> {
        if let Some(video) = &tracks.video
            && video.size.width.max(video.size.height) > MAX_SIDE
        {
            let size = video.size;
            return Err(Error::not_supported(format!(
                "expected a picture of at most {MAX_SIDE} pixels a side but found {size}"
            )));
        }
        let mut plan = HeaderPlan::default();
        if let Some(video) = &tracks.video {
            plan.video_config = entry::video_config(video)?.unwrap_or_default();
        }
        let mut kept = Vec::new();
        if let Some(audio) = &tracks.audio {
            plan.pre_skip = entry::pre_skip(audio)?;
            if let Some(before) = before {
                // The samples of the packets before are left out; they have the pre-skip in them.
                kept = before.to_vec();
                let samples: u64 = kept.iter().map(|packet| decoded(audio, packet)).sum();
                plan.pre_skip = u16::try_from(samples).unwrap_or(u16::MAX);
            }
            plan.skip = plan.pre_skip.into();
        }
        let sink = BlockSink::new(sink);
        let seekable = sink.is_seekable();
        let end = Timestamp::ZERO;
        let mut writer = Self {
            video: tracks.video.as_ref().map(|_| TrackWriter::new(VIDEO_ID, TIMESCALE, 0, seekable)),
            audio: tracks
                .audio
                .as_ref()
                .map(|audio| TrackWriter::new(AUDIO_ID, header::audio_timescale(audio), plan.skip, seekable)),
            sink,
            tracks: tracks.clone(),
            plan,
            moov: None,
            before: kept,
            fragments: 0,
            waiting_since: None,
            last: None,
            end,
            unstored: VecDeque::new(),
            stored_end: end,
        };
        writer.write_live_header()?;
        writer.sink.flush();
        Ok(writer)
    }

    /// Whether the video's configuration is known, which may need the first frame.
    fn is_video_known(&self) -> bool {
        self.tracks.video.is_none() || !self.plan.video_config.is_empty()
    }

    /// Whether all is known that the header says. How many of AAC's samples are left out, its first packet tells.
    fn is_header_known(&self) -> bool {
        let is_aac = self.tracks.audio.as_ref().is_some_and(|audio| audio.codec == AudioCodec::Aac);
        self.is_video_known() && !(is_aac && self.audio.as_ref().is_some_and(TrackWriter::is_empty))
    }

    /// A sink that cannot seek gets the header as soon as it is known.
    fn write_live_header(&mut self) -> Result<()> {
        let is_due = self.moov.is_none() && !self.sink.is_seekable() && self.is_header_known();
        if is_due { self.write_header() } else { Ok(()) }
    }

    fn write_header(&mut self) -> Result<()> {
        let moov = header::moov(&self.tracks, &self.plan);
        let head = [header::ftyp(&self.tracks), header::room(), moov.clone()].concat();
        self.sink.append(&head)?;
        self.moov = Some(moov);
        Ok(())
    }

    /// Whether enough waits for a fragment. It is better begun by a frame of video, which then waits for the next one.
    fn is_due(&self, kind: TrackKind) -> bool {
        let interval = if kind == TrackKind::Video { FRAME_INTERVAL } else { SYNC_INTERVAL };
        self.waiting_since.is_some_and(|since| self.end - since >= interval)
    }

    /// Writes a fragment of what waits: all, or all but the newest frame, whose duration is not known yet.
    fn write_fragment(&mut self, all: bool) -> Result<()> {
        if !self.is_video_known() {
            // What waits is sound, before the first frame of video.
            return Ok(());
        }
        let counts = [&self.video, &self.audio].map(|track| {
            let Some(track) = track else { return 0 };
            track.waiting.len().saturating_sub(usize::from(!all && track.id == VIDEO_ID))
        });
        if counts == [0, 0] {
            return Ok(());
        }
        if self.moov.is_none() {
            self.write_header()?;
        }
        let mut tracks = Vec::new();
        for (track, count) in [&self.video, &self.audio].into_iter().zip(counts) {
            if let Some(track) = track.as_ref().filter(|_| count > 0) {
                let samples = &track.waiting[..count];
                let bytes = samples.iter().map(|sample| sample.size as usize).sum();
                tracks.push(FragmentTrack { id: track.id, samples, data: &track.data[..bytes] });
            }
        }
        let written = fragment::write(self.fragments + 1, &tracks);
        let at = self.sink.written();
        self.sink.append(&written.bytes)?;
        self.fragments += 1;
        let mut places = written.places.into_iter();
        for (track, count) in [&mut self.video, &mut self.audio].into_iter().zip(counts) {
            let Some(track) = track.as_mut().filter(|_| count > 0) else { continue };
            let Some((data, duration_at)) = places.next() else { continue };
            track.wrote(count, at + data, at + duration_at);
        }
        let held = self.video.as_ref().is_some_and(|video| !video.waiting.is_empty());
        // The frame that waits is the last packet.
        self.waiting_since = self.last.filter(|_| held);
        self.unstored.push_back((self.sink.written(), self.waiting_since.unwrap_or(self.end)));
        self.flush_sink();
        self.sink.error.outcome()
    }

    fn flush_sink(&mut self) {
        self.sink.flush();
        if self.sink.error.is_none()
            && let Some((_, end)) = self.unstored.drain(..).next_back()
        {
            self.stored_end = end;
        }
    }

    /// Corrects the duration of the last frame in the file.
    fn correct_duration(&mut self, duration: Option<u32>) {
        let place = self.video.as_ref().and_then(|video| video.written).map(|written| written.duration_at);
        if let (Some(duration), Some(at), true) = (duration, place, self.sink.is_seekable()) {
            self.sink.rewrite(at, &duration.to_be_bytes());
        }
    }

    /// The packets before the first packet of sound, which begins at this time: their sound ends there.
    fn write_before(&mut self, begin: Timestamp) {
        let (Some(track), Some(writer)) = (&self.tracks.audio, &mut self.audio) else { return };
        let rate = header::audio_timescale(track);
        let counts: Vec<u64> = self.before.iter().map(|packet| decoded(track, packet)).collect();
        let mut at = (samples_in(begin - Timestamp::ZERO, rate) + self.plan.skip).saturating_sub(counts.iter().sum());
        for (packet, count) in self.before.drain(..).zip(counts) {
            writer.push_before(&packet, at, count);
            at += count;
        }
    }
}

/// How many samples a packet decodes to.
fn decoded(track: &AudioTrack, packet: &EncodedPacket) -> u64 {
    match track.codec {
        AudioCodec::Opus => decoded_samples(&packet.data),
        _ => entry::aac_samples(&track.codec_private),
    }
}

impl<W: Write + Seek + Send> ContainerWriter<W> for Mp4Writer<W> {
    fn write(&mut self, kind: TrackKind, packet: &EncodedPacket) -> Result<()> {
        self.sink.error.outcome()?;
        let earliest = self.last.unwrap_or(Timestamp::ZERO);
        if packet.timestamp < earliest || packet.data.is_empty() || u32::try_from(packet.data.len()).is_err() {
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
        let unknown = || {
            Error::new(
                ErrorKind::InvalidState,
                format!("expected a packet of a track in this file but found one of {kind}"),
            )
        };
        match kind {
            TrackKind::Video => {
                let track = self.tracks.video.as_ref().ok_or_else(unknown)?;
                if self.plan.video_config.is_empty() {
                    self.plan.video_config = entry::video_config_of_frame(track, &packet.data)?;
                    self.write_live_header()?;
                }
                let corrected = self.video.as_mut().and_then(|video| video.push_frame(packet));
                self.correct_duration(corrected);
            }
            TrackKind::Audio => {
                if !self.before.is_empty() {
                    self.write_before(packet.timestamp);
                }
                let track = self.tracks.audio.as_ref().ok_or_else(unknown)?;
                let samples = decoded(track, packet);
                if let Some(audio) = &mut self.audio {
                    let heard = samples_in(packet.timestamp + packet.duration - Timestamp::ZERO, track.rate);
                    if audio.is_empty() && self.moov.is_none() && track.codec == AudioCodec::Aac && heard < samples {
                        // AAC's header does not say what the encoder put before the sound; the first packet's length does.
                        self.plan.skip = samples - heard;
                        audio.set_skip(self.plan.skip);
                    }
                    audio.push_sound(packet, samples);
                }
                self.write_live_header()?;
            }
        }
        self.waiting_since.get_or_insert(packet.timestamp);
        self.last = Some(packet.timestamp);
        self.end = self.end.max(packet.timestamp + packet.duration);
        if self.is_due(kind) { self.write_fragment(kind == TrackKind::Audio) } else { self.sink.error.outcome() }
    }

    fn advance(&mut self, time: Timestamp) {
        if self.last.is_none() || time - self.end < SYNC_INTERVAL || self.sink.error.outcome().is_err() {
            return;
        }
        self.end = time;
        let corrected = self.video.as_mut().and_then(|video| {
            let time = video.ticks(time);
            video.extend_last(time)
        });
        self.correct_duration(corrected);
        // An error is kept, and returned by the next call.
        let _ = self.write_fragment(true);
        self.flush_sink();
    }

    fn bytes(&self) -> u64 {
        let waiting: usize = [&self.video, &self.audio].into_iter().flatten().map(|track| track.data.len()).sum();
        self.sink.written() + if waiting == 0 { 0 } else { LEAST_FRAGMENT + waiting as u64 }
    }

    fn end_bytes(&self) -> u64 {
        let tables: u64 = [&self.video, &self.audio].into_iter().flatten().map(|track| track.table.bytes()).sum();
        let header = self.moov.as_ref().map_or(1000, Vec::len) as u64;
        if self.sink.is_seekable() { header + tables } else { 0 }
    }

    fn flush(&mut self) {
        if self.sink.error.is_none() {
            // An error is kept, and returned by the next call.
            let _ = self.write_fragment(true);
        }
        self.flush_sink();
    }

    fn with_sink(&mut self, look: &mut dyn FnMut(&mut W)) {
        look(&mut self.sink.sink);
    }

    fn finish(mut self: Box<Self>, end: Option<Timestamp>) -> Finished<W> {
        if let (Some(end), Some(video)) = (end, &mut self.video) {
            let last = self.last.unwrap_or(end);
            self.end = end.max(last);
            let time = video.ticks(self.end);
            // In the file, the table will say it.
            video.extend_last(time);
        }
        if !self.is_video_known() {
            // No frame of video came.
            self.tracks.video = None;
        }
        let outcome = self.write_fragment(true).and_then(|()| self.write_end()).and(self.sink.error.outcome());
        if outcome.is_err() {
            // A seekable sink reports how much it accepted: the rest is lost.
            let stored = self.sink.stored();
            let arrived = self.unstored.iter().rev().find(|&&(position, _)| position <= stored);
            self.end = arrived.map_or(self.stored_end, |&(_, end)| end);
        }
        Finished { sink: self.sink.sink, outcome, end: self.end }
    }
}

impl<W: Write + Seek> Mp4Writer<W> {
    /// Makes an ordinary file of the fragments, if the sink can seek.
    fn write_end(&mut self) -> Result<()> {
        let Some(moov) = self.moov.as_ref().filter(|_| self.sink.is_seekable() && self.fragments > 0) else {
            self.flush_sink();
            return self.sink.error.outcome();
        };
        let movie = Movie::read(moov[8..].to_vec());
        let mut tables = Vec::new();
        for track in [&mut self.video, &mut self.audio].into_iter().flatten() {
            track.table.set_end(track.end());
            tables.push(std::mem::take(&mut track.table));
        }
        if self.tracks.video.is_none() && tables.len() > movie.tracks.len() {
            tables.remove(0);
        }
        let large = tables.iter().any(table::SampleTable::is_large);
        let whole = whole::write(&movie, &tables, large)?;
        drop(tables);
        let ftyp = header::ftyp(&self.tracks);
        let size = self.sink.written() - ftyp.len() as u64;
        self.sink.append(&whole)?;
        // The new index must be there before the old one is gone.
        self.flush_sink();
        self.sink.error.outcome()?;
        self.sink.rewrite(ftyp.len() as u64, &header::mdat_header(size));
        self.flush_sink();
        self.sink.error.outcome()
    }
}
