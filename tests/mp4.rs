//! MP4 files: each codec and sound that they hold, decoded whole by ffmpeg and played by Chromium; what is in the file at
//! every write while it grows; and what repair makes of files that were cut, ours and others'. `make test` installs
//! ffmpeg and Chromium; see support/tools.rs.

mod support {
    pub mod browser;
    pub mod tools;
}

use std::fs;
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use framereel::codec::{AudioCodec, VideoCodec};
use framereel::frame::Size;
use framereel::mux::{AudioTrack, Container, Detail, Inspection, Repaired, Tracks, VideoTrack, inspect, repair};
use framereel::packet::EncodedPacket;
use framereel::stream::TrackKind;
use framereel::time::{Span, Timestamp};
use serde_json::{Value, json};
use support::browser::judge;
use support::tools;

const SIZE: Size = Size::new(160, 90);
/// Two seconds at 25 a second.
const FRAMES: usize = 50;

/// ffmpeg's output for these arguments; it must report no error.
#[track_caller]
fn ffmpeg(args: &str, files: &[&Path]) -> Vec<u8> {
    let mut files = files.iter();
    let mut command = Command::new("ffmpeg");
    // SVT-AV1 prints its settings otherwise.
    command.args(["-v", "error", "-nostdin", "-y"]).env("SVT_LOG", "1");
    for arg in args.split_whitespace() {
        if arg == "FILE" {
            command.arg(files.next().expect("a file"))
        } else {
            command.arg(arg)
        };
    }
    let output = command.stdin(Stdio::null()).output().expect("ffmpeg");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "ffmpeg {args}: {complaints}");
    output.stdout
}

#[track_caller]
fn ffprobe(args: &str, path: &Path) -> Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json"]).args(args.split_whitespace()).arg(path);
    let output = command.output().expect("ffprobe");
    assert!(output.stderr.is_empty(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("a number: {value}"))
}

/// Tracks and packets that others encoded.
#[derive(Clone)]
struct Encoded {
    tracks: Tracks,
    packets: Vec<(TrackKind, EncodedPacket)>,
}

/// Reads the packets of an MP4 file that ffmpeg wrote, where ffprobe finds them.
fn encoded(path: &Path) -> Encoded {
    let bytes = fs::read(path).unwrap();
    let found = ffprobe("-show_streams -show_data -show_packets", path);
    let mut encoded = Encoded { tracks: Tracks::default(), packets: Vec::new() };
    let hex = |text: &str| -> Vec<u8> {
        let digits: Vec<u8> = text
            .lines()
            .filter_map(|line| Some(line.split_once(": ")?.1.split("  ").next()?.to_owned()))
            .flat_map(|line| line.bytes().filter(u8::is_ascii_hexdigit).collect::<Vec<_>>())
            .collect();
        digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    };
    for stream in found["streams"].as_array().unwrap() {
        let private = stream["extradata"].as_str().map(hex).unwrap_or_default();
        match stream["codec_name"].as_str().unwrap() {
            name @ ("aac" | "opus") => {
                let codec = if name == "aac" { AudioCodec::Aac } else { AudioCodec::Opus };
                let channels = stream["channels"].as_u64().unwrap() as u8;
                encoded.tracks.audio = Some(AudioTrack { codec, rate: 48_000, channels, codec_private: private });
            }
            name => {
                let codec: VideoCodec = name.parse().unwrap();
                // Of VP9, the first frame says it all.
                let private = if codec == VideoCodec::Vp9 { Vec::new() } else { private };
                encoded.tracks.video = Some(VideoTrack::new(codec, SIZE, private));
            }
        }
    }
    let nanos = |value: &Value| (number(value) * 1e9).round() as i64;
    for packet in found["packets"].as_array().unwrap() {
        let kind = if packet["codec_type"] == "video" { TrackKind::Video } else { TrackKind::Audio };
        let (at, size) = (number(&packet["pos"]) as usize, number(&packet["size"]) as usize);
        let (begin, end) = (nanos(&packet["pts_time"]), nanos(&packet["pts_time"]) + nanos(&packet["duration_time"]));
        // As our own encoder gives it: the first packet lasts as long as it is heard.
        let begin = begin.max(0);
        let timestamp = Timestamp::from_nanos(begin);
        let media = EncodedPacket::new(
            bytes[at..at + size].to_vec(),
            timestamp,
            Span::from_nanos((end - begin).max(0)),
            packet["flags"].as_str().unwrap().starts_with('K'),
        );
        encoded.packets.push((kind, media));
    }
    encoded.packets.sort_by_key(|(_, packet)| packet.timestamp);
    encoded
}

/// What was written to a file, and where: what is in it after each write.
#[derive(Clone, Default)]
struct WriteLog(Arc<Mutex<Log>>);

#[derive(Default)]
struct Log {
    writes: Vec<(usize, Vec<u8>)>,
    at: usize,
    len: usize,
    live: bool,
    /// How many bytes the disk has.
    room: Option<usize>,
}

impl WriteLog {
    fn live() -> Self {
        let log = Self::default();
        log.0.lock().unwrap().live = true;
        log
    }

    fn writes(&self) -> usize {
        self.0.lock().unwrap().writes.len()
    }

    /// The file after so many writes, and so many bytes of the next.
    fn file(&self, writes: usize, more: usize) -> Vec<u8> {
        let log = self.0.lock().unwrap();
        let mut file = Vec::new();
        for (index, (at, bytes)) in log.writes.iter().take(writes + 1).enumerate() {
            let bytes = if index == writes { &bytes[..more.min(bytes.len())] } else { bytes };
            file.resize(file.len().max(at + bytes.len()), 0);
            file[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        file
    }

    fn whole(&self) -> Vec<u8> {
        self.file(self.writes(), 0)
    }
}

impl Write for WriteLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap();
        let at = log.at;
        if log.room.is_some_and(|room| at + bytes.len() > room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        log.writes.push((at, bytes.to_vec()));
        log.at += bytes.len();
        log.len = log.len.max(log.at);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for WriteLog {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut log = self.0.lock().unwrap();
        if log.live {
            return Err(io::ErrorKind::NotSeekable.into());
        }
        log.at = match to {
            SeekFrom::Start(at) => at as usize,
            SeekFrom::End(from) => log.len.checked_add_signed(from as isize).unwrap(),
            SeekFrom::Current(from) => log.at.checked_add_signed(from as isize).unwrap(),
        };
        Ok(log.at as u64)
    }
}

/// Writes these packets to this sink, to the end of the last.
fn write_to(log: &WriteLog, encoded: &Encoded) {
    let mut writer = Container::Mp4.writer(log.clone(), &encoded.tracks, None, None).unwrap();
    for (kind, packet) in &encoded.packets {
        let before = writer.bytes();
        writer.write(*kind, packet).unwrap();
        assert!(writer.bytes() > before || *kind == TrackKind::Audio, "{before}");
    }
    let finished = writer.finish(None);
    finished.outcome.unwrap();
    let end = encoded.packets.iter().map(|(_, packet)| packet.timestamp + packet.duration).max();
    assert_eq!(Some(finished.end), end);
}

fn written(encoded: &Encoded) -> Vec<u8> {
    let log = WriteLog::default();
    write_to(&log, encoded);
    log.whole()
}

/// The types of the boxes at the top.
fn top(bytes: &[u8]) -> Vec<String> {
    let (mut at, mut kinds) = (0, Vec::new());
    while at < bytes.len() {
        let size = match u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) {
            1 => u64::from_be_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize,
            size => size as usize,
        };
        kinds.push(String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned());
        at += size;
    }
    assert_eq!(at, bytes.len());
    kinds
}

fn inspected(bytes: &[u8]) -> Inspection {
    inspect(Cursor::new(bytes), Detail::Numbers).unwrap()
}

fn repaired(bytes: &[u8]) -> framereel::Result<(Vec<u8>, Repaired)> {
    let mut output = Vec::new();
    let report = repair(Cursor::new(bytes), &mut output)?;
    Ok((output, report))
}

/// The time and the hash of each decoded frame of video.
#[track_caller]
fn decoded(path: &Path) -> Vec<String> {
    // Without -copyts, ffmpeg moves all times where a file's sound begins before 0.
    let text =
        ffmpeg("-copyts -i FILE -map 0:v -fps_mode passthrough -enc_time_base:v 1:1000000 -f framemd5 -", &[path]);
    let text = String::from_utf8(text).unwrap();
    let frame = |line: &str| {
        let fields: Vec<_> = line.split(',').map(str::trim).collect();
        format!("{} {}", fields[2], fields[5])
    };
    text.lines().filter(|line| !line.starts_with('#')).map(frame).collect()
}

/// The sound as ffmpeg decodes it, one channel.
#[track_caller]
fn sound(path: &Path) -> Vec<f32> {
    let bytes = ffmpeg("-i FILE -map 0:a -ac 1 -ar 48000 -f f32le -", &[path]);
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

fn loudest(samples: impl IntoIterator<Item = f32>) -> usize {
    samples.into_iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).expect("samples").0
}

fn has_tools() -> bool {
    tools::has("ffmpeg") && tools::has("ffprobe")
}

const PICTURES: &str = "-f lavfi -i testsrc2=s=160x90:r=25:d=2";
const SINE: &str = "-f lavfi -i sine=440:r=48000:d=2";
const AV1: &str = "-c:v libsvtav1 -preset 12 -g 25 -svtav1-params lp=2";
const VP9: &str = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 25";
const H264: &str = "-c:v libx264 -preset ultrafast -bf 0 -g 25 -pix_fmt yuv420p";
const HEVC: &str = "-c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=0:keyint=25 -tag:v hvc1";
const OPUS: &str = "-c:a libopus -b:a 64k -strict -2";
const AAC: &str = "-c:a aac -b:a 64k";

/// A file that ffmpeg made.
fn film(folder: &Path, name: &str, args: &str) -> PathBuf {
    let path = folder.join(name);
    ffmpeg(&format!("{args} FILE"), &[&path]);
    path
}

#[test]
fn every_codec_with_every_sound_is_decoded_whole_and_plays_in_chromium() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cases = [
        ("av1-opus", AV1, OPUS, Some("av01.0."), Some("opus")),
        ("av1-aac", AV1, AAC, Some("av01.0."), Some("mp4a.40.2")),
        ("vp9-opus", VP9, OPUS, Some("vp09.00.10.08"), Some("opus")),
        ("h264-aac", H264, AAC, Some("avc1."), Some("mp4a.40.2")),
        ("h264-opus", H264, OPUS, Some("avc1."), Some("opus")),
        ("hevc-aac", HEVC, AAC, Some("hvc1."), Some("mp4a.40.2")),
        ("vp9", VP9, "", Some("vp09.00.10.08"), None),
        ("opus", "", OPUS, None, Some("opus")),
        ("aac", "", AAC, None, Some("mp4a.40.2")),
    ];
    let mut files = Vec::new();
    for (name, video, audio, video_codec, audio_codec) in cases {
        let inputs = [(!video.is_empty()).then_some(PICTURES), (!audio.is_empty()).then_some(SINE)];
        let inputs: Vec<_> = inputs.into_iter().flatten().collect();
        let from = film(folder, &format!("{name}-from.mp4"), &format!("{} {video} {audio}", inputs.join(" ")));
        let encoded = encoded(&from);
        let live = WriteLog::live();
        write_to(&live, &encoded);
        let (bytes, fragments) = (written(&encoded), live.whole());
        assert_eq!(top(&bytes), ["ftyp", "mdat", "moov"], "{name}");
        assert_eq!(top(&fragments)[..5], ["ftyp", "free", "moov", "moof", "mdat"], "{name}");
        let (mended, report) = repaired(&fragments).unwrap();
        assert_eq!(top(&mended), ["ftyp", "moov", "mdat"], "{name}");
        assert_eq!((report.cut_bytes, report.bytes_out), (0, mended.len() as u64), "{name}");

        let source = (!video.is_empty()).then(|| decoded(&from));
        let heard = (!audio.is_empty()).then(|| sound(&from));
        for (kind, bytes) in [("", &bytes), ("-live", &fragments), ("-mended", &mended)] {
            let path = folder.join(format!("{name}{kind}.mp4"));
            fs::write(&path, bytes).unwrap();
            let found = inspected(bytes);
            let expected: &[&str] = if kind == "-live" { &["no duration", "no index"] } else { &[] };
            assert_eq!(found.faults.len(), expected.len(), "{name}{kind}: {:?}", found.faults);
            assert!(
                found.faults.iter().zip(expected).all(|(fault, begin)| fault.starts_with(begin)),
                "{:?}",
                found.faults
            );
            for (codec, track) in video_codec.iter().chain(&audio_codec).zip(&found.tracks) {
                assert!(track.codec.as_ref().is_some_and(|found| found.starts_with(codec)), "{name}: {track:?}");
            }
            let probed = ffprobe("-count_frames -show_streams -show_format", &path);
            let long = number(&probed["format"]["duration"]);
            println!("{name}{kind}: {} bytes, {long} s", bytes.len());
            if let Some(source) = &source {
                assert_eq!(probed["streams"][0]["nb_read_frames"], FRAMES.to_string(), "{name}{kind}");
                assert_eq!(number(&probed["streams"][0]["duration"]), 2.0, "{name}{kind}");
                // Of AV1 and HEVC, ffprobe says what the frames themselves say: here nothing.
                if ![AV1, HEVC].contains(&video) {
                    assert_eq!(probed["streams"][0]["color_primaries"], "bt709", "{name}{kind}");
                }
                let seen = decoded(&path);
                let other = seen.iter().zip(source).find(|(seen, source)| seen != source);
                assert!(other.is_none() && seen.len() == source.len(), "{name}{kind}: {other:?}");
                assert!((long - 2.0).abs() < 0.05, "{name}{kind}: {long} s");
            }
            if let Some(heard) = &heard {
                let sound = sound(&path);
                let apart = sound.len().abs_diff(heard.len());
                println!("  {} samples of {}", sound.len(), heard.len());
                // ffmpeg leaves the priming of its AAC out, of which a packet says nothing.
                assert!(
                    apart <= if audio == OPUS { 960 } else { 2048 },
                    "{name}{kind}: {} samples of {}",
                    sound.len(),
                    heard.len()
                );
            }
            files.push((format!("{name}{kind}.mp4"), path, source.is_some(), kind != "-live"));
        }
    }
    let named: Vec<_> = files.iter().map(|(name, path, ..)| (name.as_str(), path.as_path())).collect();
    let tasks: Vec<_> = files.iter().map(|(name, _, video, whole)| json!([name, video, whole])).collect();
    let Some(seen) = judge(&named, &PLAY.replace("TASKS", &json!(tasks).to_string())) else { return };
    for ((name, _, video, _), seen) in files.iter().zip(seen.as_array().unwrap()) {
        println!("{name}: {seen}");
        if name.starts_with("hevc") && seen["error"].is_string() {
            // Chromium is built without HEVC; Chrome decodes it where the hardware does.
            continue;
        }
        assert!((number(&seen["duration"]) - 2.0).abs() < 0.05, "{name}: {seen}");
        if *video {
            assert_eq!(seen["shown"], json!([1_000_000, 240_000, 1_960_000]), "{name}");
        }
    }
}

/// How long each file is, and the times of the frames that it shows when sought in their middle.
const PLAY: &str = "
    const look = async ([name, hasVideo, whole]) => {
      const video = await open('/' + name);
      const shown = [];
      for (const time of hasVideo ? [1.02, 0.26, 1.98] : []) {
        await seek(video, time);
        const frame = new VideoFrame(video);
        shown.push(frame.timestamp);
        frame.close();
      }
      return { duration: video.duration, shown };
    };
    return each(TASKS, look);";

#[test]
fn sound_is_at_its_time_to_the_sample() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // A click at half a second.
    let click = "-f lavfi -i aevalsrc=if(eq(n\\,24000)\\,0.9\\,0):s=48000:d=1";
    let from = film(folder, "from.mp4", &format!("{click} {OPUS}"));
    let encoded = encoded(&from);
    let live = WriteLog::live();
    write_to(&live, &encoded);
    let mut files = Vec::new();
    for (name, bytes) in [("whole.mp4", written(&encoded)), ("live.mp4", live.whole())] {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        let samples = sound(&path);
        let at = loudest(samples.iter().copied());
        println!("{name}: the click is at {at} of {}", samples.len());
        assert!(at.abs_diff(24_000) <= 2, "{name}: the click is at {at}");
        files.push((name, path));
    }
    let named: Vec<_> = files.iter().map(|(name, path)| (*name, path.as_path())).collect();
    let script = "
        const found = {};
        const audio = new OfflineAudioContext(1, 48000, 48000);
        for (const name of ['whole.mp4', 'live.mp4']) {
          const sound = await audio.decodeAudioData(await (await fetch('/' + name)).arrayBuffer());
          const samples = sound.getChannelData(0);
          let at = 0;
          for (let index = 0; index < samples.length; index++) if (Math.abs(samples[index]) > Math.abs(samples[at])) at = index;
          found[name] = [at, samples.length];
        }
        return found;";
    let Some(seen) = judge(&named, script) else { return };
    println!("{seen}");
    for (name, _) in &files {
        let at = seen[*name][0].as_u64().unwrap();
        assert!(at.abs_diff(24_000) <= 2, "{name}: {seen}");
    }
}

#[test]
fn a_file_plays_after_each_write_and_is_repaired_wherever_it_is_cut() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let from = film(folder, "from.mp4", &format!("{PICTURES} {SINE} {H264} {OPUS}"));
    let encoded = encoded(&from);
    let log = WriteLog::default();
    write_to(&log, &encoded);
    let writes = log.writes();
    assert!(writes > 20, "{writes} writes");
    let path = folder.join("cut.mp4");
    let mut frames = Vec::new();
    for write in 1..=writes {
        let bytes = log.file(write, 0);
        // The header comes first, then fragments; at the end the index, and last the header of the data.
        let found = inspected(&bytes);
        let video = found.tracks[0].blocks;
        frames.push(video);
        if write == 1 || write % 4 > 0 && write + 4 < writes {
            continue;
        }
        fs::write(&path, &bytes).unwrap();
        assert_eq!(decoded(&path).len() as u64, video, "after write {write} of {writes}");
        // The packets before the present time less a tenth of a second are there.
        assert_eq!(top(&bytes).contains(&"moof".to_owned()), write < writes, "write {write}");
    }
    assert!(frames.is_sorted(), "{frames:?}");
    assert_eq!(frames.last(), Some(&(FRAMES as u64)));

    // Within a write, too: of the header, of fragments, of the index.
    let mut mended = 0;
    for write in 1..writes - 1 {
        for more in [1, 7, 60, 300, 2000] {
            let bytes = log.file(write, more);
            let whole = frames[write - 1];
            match repaired(&bytes) {
                Ok((output, report)) => {
                    mended += 1;
                    assert!(report.tracks[0].blocks >= whole, "{report:?} at write {write}, {more}");
                    assert_eq!(inspected(&output).faults, [""; 0], "write {write}, {more}");
                    assert_eq!(report.bytes_out, output.len() as u64);
                    if mended % 40 == 1 {
                        fs::write(&path, &output).unwrap();
                        assert_eq!(decoded(&path).len() as u64, report.tracks[0].blocks);
                    }
                }
                Err(error) => assert!(whole == 0, "{error} at write {write}, {more}"),
            }
        }
    }
    assert!(mended > 50, "{mended}");
}

#[test]
fn a_full_disk_keeps_the_whole_fragments() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = film(folder.path(), "from.mp4", &format!("{PICTURES} {SINE} {H264} {OPUS}"));
    let encoded = encoded(&from);
    let whole = written(&encoded).len();
    // Within a fragment, within the index at the end, and too small for anything.
    for (room, frames) in [(whole / 2, 10..40), (whole - 100, 50..51), (10, 0..1)] {
        let log = WriteLog::default();
        log.0.lock().unwrap().room = Some(room);
        let mut writer = Container::Mp4.writer(log.clone(), &encoded.tracks, None, None).unwrap();
        let failed = encoded.packets.iter().find_map(|(kind, packet)| writer.write(*kind, packet).err());
        let finished = writer.finish(None);
        let error = finished.outcome.unwrap_err();
        assert_eq!(*error.kind(), framereel::ErrorKind::Write, "{error}");
        assert_eq!(failed.is_some(), room < whole - 100, "{room}");
        let bytes = log.whole();
        if frames.start == 0 {
            assert_eq!((bytes.len(), finished.end), (0, Timestamp::ZERO));
            continue;
        }
        let found = inspected(&bytes);
        assert!(frames.contains(&found.tracks[0].blocks), "{} frames in {room} bytes", found.tracks[0].blocks);
        assert!((found.measured_duration_s - finished.end.as_secs_f64()).abs() < 0.05, "{room}: {:?}", finished.end);
        assert_eq!(repaired(&bytes).unwrap().1.tracks[0].blocks, found.tracks[0].blocks);
    }
}

#[test]
fn frames_of_a_variable_rate_are_at_their_times_to_the_microsecond() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = film(folder.path(), "from.mp4", &format!("{PICTURES} {H264}"));
    let mut encoded = encoded(&from);
    // Irregular times, and a last frame that is shown for a second and a third.
    let time = |index: i64| Timestamp::from_nanos(index * 33_366_700 + (index * index * 7_919) % 9_000_001);
    for (index, (_, packet)) in encoded.packets.iter_mut().enumerate() {
        packet.timestamp = time(index as i64);
        packet.duration = Span::from_nanos(33_333_333);
    }
    let end = time(FRAMES as i64 - 1) + Span::from_nanos(1_333_333_333);
    for (kind, log) in [("whole", WriteLog::default()), ("live", WriteLog::live())] {
        let mut writer = Container::Mp4.writer(log.clone(), &encoded.tracks, None, None).unwrap();
        encoded.packets.iter().for_each(|(kind, packet)| writer.write(*kind, packet).unwrap());
        let finished = writer.finish(Some(end));
        assert_eq!((finished.outcome.is_ok(), finished.end), (true, end));
        let path = folder.path().join(format!("{kind}.mp4"));
        fs::write(&path, log.whole()).unwrap();
        let found = ffprobe("-show_entries packet=pts_time,duration_time:stream=duration", &path);
        let packets = found["packets"].as_array().unwrap();
        assert_eq!(packets.len(), FRAMES);
        let mut worst: f64 = 0.0;
        for (index, packet) in packets.iter().enumerate() {
            let next = if index + 1 < FRAMES { time(index as i64 + 1) } else { end };
            let expected = [time(index as i64).as_secs_f64(), next.as_secs_f64()];
            let begin = number(&packet["pts_time"]);
            // In fragments, ffprobe takes the frame rate of the frames' own header for durations.
            let length = if kind == "live" { expected[1] - begin } else { number(&packet["duration_time"]) };
            let seen = [begin, begin + length];
            let off =
                seen.iter().zip(expected).fold(0.0, |worst, (seen, expected)| f64::max(worst, (seen - expected).abs()));
            worst = worst.max(off);
        }
        println!("{kind}: off by {:.2} µs at the most", worst * 1e6);
        let measured = inspected(&log.whole()).measured_duration_s;
        assert!((measured - end.as_secs_f64()).abs() < 1e-6, "{kind}: {measured}");
        // ffprobe prints times in microseconds: half of one, and as much again for the sum of two.
        assert!(worst < 1.9e-6, "{kind}: {worst}");
    }
}

#[test]
fn an_ordinary_file_that_lost_its_index_is_repaired_from_its_data() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = film(folder.path(), "from.mp4", &format!("{PICTURES} {SINE} {H264} {OPUS}"));
    let encoded = encoded(&from);
    let bytes = written(&encoded);
    let index = bytes.windows(4).rposition(|kind| kind == b"moov").unwrap() - 4;
    for end in [bytes.len() - 1, index + 100, index + 4, index] {
        let found = inspected(&bytes[..end]);
        assert!(!found.faults.is_empty(), "{end}");
        let (mended, report) = repaired(&bytes[..end]).unwrap();
        assert_eq!(top(&mended), ["ftyp", "moov", "mdat"], "{end}");
        let samples: u64 = report.tracks.iter().map(|track| track.blocks).sum();
        assert_eq!((samples, inspected(&mended).faults.len()), (encoded.packets.len() as u64, 0), "{end}");
        let path = folder.path().join("mended.mp4");
        fs::write(&path, &mended).unwrap();
        assert!(decoded(&path) == decoded(&from), "{end}");
    }
}

#[test]
fn files_of_others_are_inspected_and_those_that_can_be_are_repaired() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // With frames that are decoded in another order than shown.
    let video = "-c:v libx264 -preset ultrafast -bf 2 -b_strategy 0 -g 25 -pix_fmt yuv420p";
    let make = |name: &str, flags: &str| film(folder, name, &format!("{PICTURES} {SINE} {video} {AAC} {flags}"));
    let plain = make("plain.mp4", "");
    let codecs = |found: &Inspection| found.tracks.iter().map(|track| track.codec.clone().unwrap()).collect::<Vec<_>>();
    for (name, flags, faults) in [
        ("plain.mp4", "", 0),
        ("front.mp4", "-movflags +faststart", 0),
        ("fragments.mp4", "-movflags frag_keyframe+empty_moov", 2),
        ("delayed.mp4", "-movflags frag_keyframe+delay_moov+default_base_moof", 2),
        ("old.mp4", "-movflags frag_keyframe", 1),
    ] {
        let path = make(name, flags);
        let bytes = fs::read(&path).unwrap();
        let found = inspected(&bytes);
        println!("{name}: {:?}", found.faults);
        assert_eq!(found.faults.len(), faults, "{name}: {:?}", found.faults);
        let codecs = codecs(&found);
        assert!(codecs[0].starts_with("avc1.") && codecs[1] == "mp4a.40.2", "{name}: {codecs:?}");
        assert_eq!((found.tracks[0].blocks, found.tracks[0].key_frames), (50, 2), "{name}");
        // Where the header came before the first frame, no edit list says that pictures begin two frames late.
        let late = if ["fragments.mp4", "old.mp4"].contains(&name) { 0.08 } else { 0.0 };
        let end = found.measured_duration_s;
        assert!((end - 2.0 - late).abs() < 0.025, "{name}: {end}");
        let (output, report) = repaired(&bytes).unwrap();
        assert_eq!(top(&output), ["ftyp", "moov", "mdat"], "{name}");
        let mended = folder.join(format!("mended-{name}"));
        fs::write(&mended, &output).unwrap();
        let frames = decoded(&path);
        let seen = decoded(&mended);
        let other = seen.iter().zip(&frames).find(|(seen, frame)| seen != frame);
        assert!(other.is_none() && [seen.len(), frames.len()] == [50, 50], "{name}: {other:?}");
        // ffmpeg 5.1 obeys no edit list of a file in fragments: it plays what its own encoder put before the sound.
        let before = if name == "delayed.mp4" { 1024 } else { 0 };
        assert!(sound(&mended) == sound(&path)[before..], "{name}: other sound");
        assert_eq!((inspected(&output).faults.len(), report.cues), (0, 2), "{name}");
    }
    // Cut behind its middle, one whose index is in front keeps what is there.
    let front = fs::read(folder.join("front.mp4")).unwrap();
    let cut = &front[..front.len() * 2 / 3];
    let found = inspected(cut);
    assert!(found.faults[0].starts_with("cut at byte"), "{:?}", found.faults);
    let (output, report) = repaired(cut).unwrap();
    let kept = report.tracks[0].blocks;
    assert!((20..45).contains(&kept), "{report:?}");
    let path = folder.join("cut.mp4");
    fs::write(&path, &output).unwrap();
    assert_eq!(
        ffprobe("-count_packets -show_entries stream=nb_read_packets -select_streams v", &path)["streams"][0]["nb_read_packets"],
        kept.to_string()
    );
    // Where the index was at the end, nothing says what the rest is.
    let plain = fs::read(&plain).unwrap();
    let error = repaired(&plain[..plain.len() / 2]).unwrap_err().to_string();
    assert!(error.starts_with("expected a moov, the index of an MP4 file, but found none"), "{error}");
}

#[test]
fn a_file_that_continues_another_one_begins_with_exact_sound() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let from = film(folder, "from.mp4", &format!("{SINE} {OPUS}"));
    let whole = encoded(&from);
    // The second begins within a packet, as where a key frame begins it.
    let begin = Timestamp::from_nanos(1_007_000_000);
    let first_packet = whole.packets.iter().position(|(_, packet)| packet.timestamp >= begin).unwrap();
    let before: Vec<_> =
        whole.packets[first_packet - 4..first_packet].iter().map(|(_, packet)| packet.clone()).collect();
    let log = WriteLog::default();
    let mut writer = Container::Mp4.writer(log.clone(), &whole.tracks, Some(&before), None).unwrap();
    for (kind, packet) in &whole.packets[first_packet..] {
        let timestamp = Timestamp::ZERO + (packet.timestamp - begin);
        writer.write(*kind, &EncodedPacket { timestamp, ..packet.clone() }).unwrap();
    }
    writer.finish(None).outcome.unwrap();
    let path = folder.join("second.mp4");
    fs::write(&path, log.whole()).unwrap();
    let (first, second) = (sound(&from), sound(&path));
    // ffmpeg drops whole packets before an edit, and the rest of one to the sample.
    let at = 48_336;
    println!("{} samples of {}", second.len(), first.len() - at);
    assert!(second.len().abs_diff(first.len() - at) <= 1, "{}", second.len());
    // The same packets, decoded without the ones before them, are the same sound: no more can be asked of Opus.
    let reference = folder.join("reference.mka");
    let skipped = first_packet - 4;
    ffmpeg(&format!("-i FILE -c copy -bsf:a noise=drop=lt(n\\,{skipped}) FILE"), &[&from, &reference]);
    let reference = sound(&reference);
    // Matroska's CodecDelay leaves out the encoder's 312 samples.
    let begins = (before[0].timestamp.as_nanos() * 48_000 / 1_000_000_000) as usize + 312;
    let apart = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let (exact, original) = (apart(&reference[at - begins..], &second), apart(&first[at..], &second));
    println!("off by {exact} from the same packets, by {original} from a sine of 0.125");
    assert!(exact < 1e-6 && original < 0.02, "{exact} {original}");
}
