use std::io::{self, Cursor, SeekFrom};

use super::*;
use crate::blob::Blob;
use crate::frame::Size;
use crate::mux::matroska::{Item, Matroska};
use crate::mux::{Container, Detail, Inspection, inspect, repair};
use crate::time::Span;

/// A file on a disk with so much room, or a pipe.
struct Disk {
    file: Cursor<Vec<u8>>,
    room: usize,
    is_pipe: bool,
    /// How long the file was after each write that made it longer.
    lengths: Vec<usize>,
}

impl Disk {
    fn new() -> Self {
        Self { file: Cursor::default(), room: usize::MAX, is_pipe: false, lengths: Vec::new() }
    }

    fn pipe() -> Self {
        Self { is_pipe: true, ..Self::new() }
    }

    fn bytes(&self) -> &[u8] {
        self.file.get_ref()
    }
}

impl Write for Disk {
    /// All or nothing, as `FileSink` does.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.position() as usize + bytes.len() > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let before = self.bytes().len();
        let written = self.file.write(bytes)?;
        if self.bytes().len() > before {
            self.lengths.push(self.bytes().len());
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if self.is_pipe { Err(io::ErrorKind::NotSeekable.into()) } else { self.file.seek(to) }
    }
}

fn tracks(sound: bool) -> Tracks {
    let video = VideoTrack::new(VideoCodec::Vp9, Size::new(64, 48), vec![1, 1, 0]).with_alpha(true);
    let opus = AudioTrack { codec: AudioCodec::Opus, rate: 48_000, channels: 2, codec_private: b"OpusHead".to_vec() };
    Tracks { video: Some(video), audio: sound.then_some(opus) }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::ZERO + Span::from_millis(millis)
}

/// A picture every 40 ms, a key frame at every fifth; its transparency is another text of the same number.
fn picture(index: i64) -> EncodedPacket {
    let packet =
        EncodedPacket::new(format!("picture {index}").into(), at(40 * index), Span::from_millis(40), index % 5 == 0);
    EncodedPacket { alpha: Some(format!("transparency {index}").into()), ..packet }
}

fn sound(index: i64) -> EncodedPacket {
    EncodedPacket::new(b"\xfcsound".to_vec(), at(20 * index), Span::from_millis(20), true)
}

fn begin(disk: Disk, sound: bool) -> Box<dyn ContainerWriter<Disk>> {
    Container::Webm.writer(disk, &tracks(sound), None, None).unwrap()
}

/// Fourteen pictures, and sound, up to the first error; the file ends at 600 ms.
fn written(disk: Disk) -> Finished<Disk> {
    let mut writer = begin(disk, true);
    for index in 0..14 {
        let packets = [
            (TrackKind::Video, picture(index)),
            (TrackKind::Audio, sound(2 * index)),
            (TrackKind::Audio, sound(2 * index + 1)),
        ];
        for (kind, packet) in packets {
            if writer.write(kind, &packet).is_err() {
                return writer.finish(Some(at(600)));
            }
        }
    }
    writer.finish(Some(at(600)))
}

fn inspected(bytes: &[u8]) -> Inspection {
    inspect(Cursor::new(bytes), Detail::Clusters).unwrap()
}

/// The pictures' times in milliseconds, whether they are key frames, their data and their transparency.
fn pictures(bytes: &[u8]) -> Vec<(i64, bool, String, String)> {
    let mut file = Matroska::open(Cursor::new(bytes)).unwrap();
    let mut found = Vec::new();
    while let Ok(Some(item)) = file.next() {
        let Item::Block(block) = item else { continue };
        if block.track == VIDEO && block.whole {
            let mut text = |range| String::from_utf8(file.bytes(range).unwrap()).unwrap();
            let additional = block.additional.clone().map(&mut text).unwrap_or_default();
            found.push((block.time, block.key, text(block.data.clone()), additional));
        }
    }
    found
}

fn expected(count: i64) -> Vec<(i64, bool, String, String)> {
    let one = |index| (40 * index, index % 5 == 0, format!("picture {index}"), format!("transparency {index}"));
    (0..count).map(one).collect()
}

#[test]
fn a_file_has_the_two_packets_of_each_picture_its_cues_and_its_exact_duration() {
    let Finished { sink, outcome, end } = written(Disk::new());
    outcome.unwrap();
    assert_eq!(end, at(600));
    assert_eq!(pictures(sink.bytes()), expected(14));
    let found = inspected(sink.bytes());
    assert_eq!(found.faults, [""; 0]);
    assert_eq!((found.declared_duration_s, found.cues.count, found.clusters.count), (Some(0.6), 3, 3));
    assert_eq!((found.tracks[0].alpha, found.tracks[1].alpha), (true, false));
    assert_eq!((found.tracks[0].blocks, found.tracks[1].blocks, found.tracks[0].key_frames), (14, 28, 3));
    assert_eq!(found.tracks[0].codec_id, "V_VP9");
    // Nothing to repair: all sizes are known, and the seek head leads to the Cues.
    let mut output = Vec::new();
    let repaired = repair(Cursor::new(sink.bytes()), &mut output).unwrap();
    assert!(repaired.nothing_to_repair(), "{repaired:?}");
    assert_eq!(found.clusters.unknown_sizes, 0);
}

#[test]
fn the_file_plays_at_every_instant_and_each_packet_reaches_it_in_one_write() {
    let mut writer = begin(Disk::new(), true);
    for index in 0..14 {
        writer.write(TrackKind::Video, &picture(index)).unwrap();
        let mut bytes = Vec::new();
        writer.with_sink(&mut |disk| bytes = disk.bytes().to_vec());
        assert_eq!(pictures(&bytes), expected(index + 1));
        let declared = inspected(&bytes).declared_duration_s.unwrap();
        let end = 0.04 * (index + 1) as f64;
        assert!(declared <= end + 1e-9 && end - declared < 0.1, "{declared} s at {end} s");
    }
    writer.advance(at(5000));
    let mut bytes = Vec::new();
    writer.with_sink(&mut |disk| bytes = disk.bytes().to_vec());
    assert_eq!(inspected(&bytes).declared_duration_s, Some(5.0));
    let sink = writer.finish(None).sink;
    // The header comes with the first block; the Cues are the last write.
    assert_eq!(sink.lengths.len(), 14 + 1);
}

#[test]
fn a_file_cut_anywhere_has_whole_pictures_with_their_transparency_and_repaired_it_is_sound() {
    let whole = written(Disk::new()).sink.file.into_inner();
    let mut counts = Vec::new();
    for cut in 0..whole.len() {
        let bytes = &whole[..cut];
        let mut output = Vec::new();
        let Ok(report) = repair(Cursor::new(bytes), &mut output) else {
            counts.push(0);
            continue;
        };
        let found = pictures(&output);
        assert_eq!(found, expected(found.len() as i64), "cut at {cut}");
        assert_eq!(report.tracks[0].blocks, found.len() as u64);
        assert_eq!(inspected(&output).faults, [""; 0], "cut at {cut}");
        counts.push(found.len());
    }
    assert!(counts.is_sorted());
    assert_eq!(counts.last(), Some(&14));
}

#[test]
fn a_pipe_gets_the_header_at_once_and_its_blob_becomes_seekable_with_all_transparency() {
    let mut writer = begin(Disk::pipe(), true);
    let mut header = 0;
    writer.with_sink(&mut |pipe| header = pipe.bytes().len());
    assert!(header > 100 && writer.bytes() == header as u64, "{header}");
    for index in 0..14 {
        writer.write(TrackKind::Video, &picture(index)).unwrap();
    }
    let Finished { sink, outcome, .. } = writer.finish(None);
    outcome.unwrap();
    let live = inspected(sink.bytes());
    assert_eq!((live.declared_duration_s, live.clusters.unknown_sizes, live.cues.count), (None, 3, 0));
    assert_eq!(live.faults, ["no duration", "no cues"]);
    let blob = Blob::new(sink.file.into_inner(), "video/webm").into_seekable().unwrap().bytes().unwrap();
    assert_eq!(pictures(&blob), expected(14));
    let seekable = inspected(&blob);
    assert_eq!((seekable.faults.len(), seekable.cues.count, seekable.tracks[0].alpha), (0, 3, true));
}

#[test]
fn on_a_full_disk_the_file_keeps_its_whole_packets_and_says_how_long_they_are() {
    let whole = written(Disk::new()).sink.bytes().len();
    for room in (0..whole).step_by(7) {
        let Finished { sink, outcome, end } = written(Disk { room, ..Disk::new() });
        let error = outcome.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Write, "{error}");
        if sink.bytes().is_empty() {
            assert_eq!(end, Timestamp::ZERO);
            continue;
        }
        let found = inspected(sink.bytes());
        let measured = found.tracks.iter().map(|track| track.blocks).sum::<u64>();
        assert_eq!(found.cut_bytes, 0, "{room}: {found:?}");
        if measured == 0 {
            // A header alone is no film; whoever writes files removes it.
            assert_eq!(end, Timestamp::ZERO, "{room}");
            continue;
        }
        assert_eq!(found.declared_duration_s, Some(end.as_secs_f64()), "{room}");
        let count = found.tracks[0].blocks as i64;
        assert_eq!(pictures(sink.bytes()), expected(count));
        assert!(end >= at(40 * count) && end <= at(40 * (count + 1)), "{room}: {end:?} of {count}");
    }
}

#[test]
fn a_cluster_ends_before_the_times_of_its_blocks_overflow() {
    let mut writer = begin(Disk::new(), false);
    let packet = |seconds: i64| EncodedPacket { timestamp: at(1000 * seconds), key: seconds == 0, ..picture(1) };
    for seconds in [0, 10, 29, 31, 45, 90, 3600] {
        writer.write(TrackKind::Video, &packet(seconds)).unwrap();
    }
    let bytes = writer.finish(Some(at(3_700_000))).sink.file.into_inner();
    let times: Vec<_> = pictures(&bytes).iter().map(|picture| picture.0 / 1000).collect();
    assert_eq!(times, [0, 10, 29, 31, 45, 90, 3600]);
    let found = inspected(&bytes);
    assert_eq!((found.faults.len(), found.clusters.count, found.declared_duration_s), (0, 4, Some(3700.0)));
}

#[test]
fn what_the_file_cannot_hold_is_refused() {
    let refused = |tracks: Tracks| AlphaWebmWriter::new(Disk::new(), &tracks).map(drop).unwrap_err().to_string();
    let mut of = tracks(true);
    of.video.as_mut().unwrap().codec = VideoCodec::Av1;
    assert_eq!(refused(of), "expected VP9 or VP8 for transparency in a WebM file but found av1");
    let mut of = tracks(true);
    of.audio.as_mut().unwrap().codec = AudioCodec::Aac;
    assert_eq!(refused(of), "expected Opus in a WebM file but found Aac");
    let mut writer = begin(Disk::new(), false);
    let error = writer.write(TrackKind::Audio, &sound(0)).unwrap_err();
    assert!(error.to_string().contains("a track in this file"), "{error}");
    writer.write(TrackKind::Video, &picture(5)).unwrap();
    let error = writer.write(TrackKind::Video, &picture(4)).unwrap_err();
    assert_eq!(error.to_string(), "expected a packet with bytes, from 0.2s on, but found 9 bytes at 0.16s");
    // A film without a packet is no file.
    assert!(begin(Disk::new(), false).finish(None).sink.bytes().is_empty());
}
