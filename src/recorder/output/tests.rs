//! What reaches the disk, and what is said of it.

use std::io::{self, SeekFrom};
use std::sync::Arc;

use super::*;
use crate::codec::VideoCodec;
use crate::color::ColorSpace;
use crate::encode::{EncoderChoice, EncoderConfig, RateControl};
use crate::error::ErrorKind;
use crate::frame::{Frame, PixelFormat, Size};
use crate::mux::VideoTrack;
use crate::recorder::MediaRecorderOptions;
use crate::recorder::events::Events;
use crate::recorder::pipeline::Packet;
use crate::stream::{DropReason, FrameCounters, TrackKind};
use crate::time::{FrameRate, Timestamp};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_name_that_cannot_be_written_fails_before_any_work() {
    let folder = folder();
    let file = folder.path().join("taken.webm");
    std::fs::write(&file, "old").unwrap();
    for (path, force, kind, words) in [
        (folder.path().join("none/a.webm"), true, ErrorKind::Write, "found none; create it first"),
        (folder.path().to_path_buf(), true, ErrorKind::Write, "found a directory"),
        (folder.path().to_path_buf(), false, ErrorKind::Write, "found a directory"),
        (file.clone(), false, ErrorKind::NotAllowed, "expected no file here but found one"),
    ] {
        let error = if force { FileSink::create(&path) } else { FileSink::create_new(&path) }.unwrap_err();
        assert_eq!(*error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"old");
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_is_not_opened_and_the_file_behind_a_link_is_the_one_that_is_removed() {
    let folder = folder();
    let [path, moved] = ["file", "moved"].map(|name| folder.path().join(name));
    let mut files = files::Files::one(FileSink::create_new(&path).unwrap(), "video/webm");
    files.begin().unwrap();
    files.write_all(b"own bytes").unwrap();
    files.flush().unwrap();
    std::fs::rename(&path, &moved).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert_eq!(files.take_data().unwrap().bytes().unwrap(), b"own bytes");
    files.end(false).unwrap();
    assert!(path.exists() && moved.exists());

    let [target, link] = ["target", "link"].map(|name| folder.path().join(name));
    std::fs::write(&target, "old").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let mut sink = FileSink::create(&link).unwrap();
    sink.write_all(b"half").unwrap();
    sink.flush().unwrap();
    sink.discard();
    assert!(!target.exists() && link.is_symlink());
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed_unless_what_is_there_may_be_overwritten() {
    let folder = folder();
    let (there, elsewhere) = (folder.path().join("there"), folder.path().join("elsewhere"));
    std::fs::write(&there, "old").unwrap();
    for (name, target) in [("link", &there), ("dangling", &elsewhere)] {
        let link = folder.path().join(name);
        std::os::unix::fs::symlink(target, &link).unwrap();
        assert_eq!(*FileSink::create_new(&link).unwrap_err().kind(), ErrorKind::NotAllowed);
        assert_eq!(std::fs::read(&there).unwrap(), b"old");
        assert!(!elsewhere.exists());
    }
    let mut sink = FileSink::create(folder.path().join("link")).unwrap();
    sink.write_all(b"new").unwrap();
    drop(sink);
    assert_eq!(std::fs::read(&there).unwrap(), b"new");
}

#[test]
fn a_sink_that_nothing_was_written_to_leaves_no_trace() {
    let folder = folder();
    let (new, old) = (folder.path().join("new"), folder.path().join("old"));
    std::fs::write(&old, "old").unwrap();
    for path in [&new, &old] {
        let sink = FileSink::create(path).unwrap();
        assert!(path.exists() && sink.is_empty());
        drop(sink);
        FileSink::create(path).unwrap().discard();
    }
    assert!(!new.exists());
    assert_eq!(std::fs::read(&old).unwrap(), b"old");
}

#[test]
fn an_overwritten_file_holds_the_new_bytes_only() {
    let folder = folder();
    let path = folder.path().join("file");
    std::fs::write(&path, "something longer").unwrap();
    let mut sink = FileSink::create(&path).unwrap();
    sink.write_all(b"short").unwrap();
    drop(sink);
    assert_eq!(std::fs::read(&path).unwrap(), b"short");
}

#[test]
fn a_discarded_file_is_gone_once_its_content_was_ours() {
    let folder = folder();
    for (name, flushed) in [("written", true), ("gathered", false)] {
        let path = folder.path().join(name);
        let mut sink = FileSink::create_new(&path).unwrap();
        sink.write_all(b"half a recording").unwrap();
        if flushed {
            sink.flush().unwrap();
        }
        sink.discard();
        assert!(!path.exists(), "{name}");
    }
}

#[test]
fn bytes_land_where_they_were_sought_to() {
    let folder = folder();
    let path = folder.path().join("file");
    let mut sink = FileSink::create_new(&path).unwrap();
    let mut expected = std::io::Cursor::new(Vec::new());
    for (at, length) in [(0, 300_000), (10, 20), (299_990, 40), (5, 3), (300_030, 600_000)] {
        let bytes: Vec<u8> = (0..length).map(|i| (i * 7 + at) as u8).collect();
        for target in [&mut sink as &mut dyn WriteSeek, &mut expected] {
            target.seek(SeekFrom::Start(at as u64)).unwrap();
            bytes.chunks(999).for_each(|chunk| target.write_all(chunk).unwrap());
            assert_eq!(target.stream_position().unwrap(), (at + length) as u64);
        }
    }
    assert_eq!(sink.seek(SeekFrom::End(-1)).unwrap(), 900_029);
    sink.flush().unwrap();
    assert_eq!(sink.stored(), 900_030);
    drop(sink);
    assert!(std::fs::read(&path).unwrap() == expected.into_inner());
}

#[test]
fn a_file_has_one_writer() {
    let folder = folder();
    let path = folder.path().join("file");
    let mut first = FileSink::create_new(&path).unwrap();
    for _ in 0..2 {
        let error = FileSink::create(&path).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotAllowed);
        assert!(error.to_string().contains("found another recording writing it"), "{error}");
    }
    first.write_all(b"all of it").unwrap();
    drop(first);
    assert_eq!(std::fs::read(&path).unwrap(), b"all of it", "the second left it alone");
    FileSink::create(&path).unwrap().write_all(b"again").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"again");
}

#[test]
fn a_file_that_took_the_place_of_ours_is_not_removed() {
    let folder = folder();
    let (path, other) = (folder.path().join("file"), folder.path().join("other"));
    for written in [false, true] {
        for discarded in [false, true] {
            let mut sink = FileSink::create(&path).unwrap();
            if written {
                sink.write_all(b"half a recording").unwrap();
                sink.flush().unwrap();
            }
            std::fs::write(&other, "a finished film").unwrap();
            std::fs::rename(&other, &path).unwrap();
            if discarded {
                sink.discard()
            } else {
                drop(sink)
            }
            assert_eq!(std::fs::read(&path).unwrap(), b"a finished film", "written {written}, discarded {discarded}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}

/// Runs this very test once more under a shell that allows files of `blocks` × 512 bytes only.
#[cfg(unix)]
fn with_a_small_disk(test: &str, blocks: u64, file: &Path) -> std::process::Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --exact --nocapture {test}");
    let shell = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(SMALL_DISK, file)
        .output();
    shell.unwrap()
}

const SMALL_DISK: &str = "FRAMEREEL_TEST_SMALL_DISK";

#[cfg(unix)]
#[test]
fn a_write_that_does_not_fit_leaves_the_whole_ones_before_it() {
    let Some(path) = std::env::var_os(SMALL_DISK) else {
        let folder = folder();
        let path = folder.path().join("file");
        let name = "recorder::output::tests::a_write_that_does_not_fit_leaves_the_whole_ones_before_it";
        let output = with_a_small_disk(name, 2, &path);
        assert!(output.status.success(), "{output:?}");
        let mut expected = vec![7; 900];
        expected[5] = 1;
        assert_eq!(std::fs::read(&path).unwrap(), expected);
        return;
    };
    // 1024 bytes fit.
    let mut sink = FileSink::create_new(path).unwrap();
    for _ in 0..4 {
        sink.write_all(&[7; 300]).unwrap();
    }
    sink.flush().unwrap_err();
    assert_eq!((sink.stored(), sink.stream_position().unwrap()), (900, 900));
    sink.write_all(&[7; 100]).unwrap_err();
    assert_eq!(sink.error().unwrap().kind(), io::ErrorKind::FileTooLarge);
    sink.seek(SeekFrom::Start(5)).unwrap();
    sink.write_all(&[1]).unwrap();
    sink.flush().unwrap();
    assert!(!sink.is_empty());
}

/// A writer of pictures of this size, as `encoder` makes them, to this destination; and 60 packets of noise.
fn recording(size: Size, destination: Destination) -> (OutputWriter, Vec<crate::packet::EncodedPacket>) {
    let rate = FrameRate::whole(25);
    let config = EncoderConfig {
        rate_control: RateControl::Quality(90),
        key_interval: Span::from_millis(400),
        threads: 1,
        ..EncoderConfig::new(size, rate)
    };
    let mut encoder = crate::encode::open(&EncoderChoice::Auto, &config).unwrap();
    let mut packets = Vec::new();
    for index in 0..60_usize {
        let noise = |i: usize| (i.wrapping_mul(2_654_435_761) >> 13) as u8 / 4 + index as u8;
        let data = (0..Frame::packed_len(PixelFormat::I420, size)).map(noise).collect();
        let frame = Frame::packed(PixelFormat::I420, size, ColorSpace::RECORDED, data);
        let frame = frame.with_timestamp(rate.timestamp(index as u64));
        encoder.encode(&frame, rate.frame_span(), false, &mut packets).unwrap();
    }
    encoder.finish(&mut packets).unwrap();
    let track = VideoTrack::new(VideoCodec::Av1, size, encoder.codec_private().unwrap());
    let format = FileFormat {
        container: Container::Webm,
        mime_type: "video/webm".to_owned(),
        tracks: track.into(),
        loops: None,
    };
    let options = MediaRecorderOptions::default();
    let writer = OutputWriter::new(format, destination, &options, Events::new(), Timestamp::ZERO);
    (writer, packets)
}

/// Writes the packets, up to the first that fails, and ends the recording.
fn write_all(
    writer: &mut OutputWriter,
    packets: Vec<crate::packet::EncodedPacket>,
    counters: &Arc<FrameCounters>,
) -> Result<()> {
    let mut outcome = Ok(());
    for media in packets {
        let ticket = Some(counters.ticket(None));
        let written = writer.write(Packet { kind: TrackKind::Video, media, begins_piece: false, ticket });
        if let Err(error) = written {
            outcome = Err(error);
            break;
        }
    }
    outcome.and(writer.finish(None).0)
}

#[cfg(unix)]
#[test]
fn what_a_full_disk_holds_of_a_recording_plays_and_only_those_frames_count_as_encoded() {
    let Some(path) = std::env::var_os(SMALL_DISK) else {
        let folder = folder();
        let name = "recorder::output::tests::\
                    what_a_full_disk_holds_of_a_recording_plays_and_only_those_frames_count_as_encoded";
        for blocks in [1, 150, 300] {
            let path = folder.path().join(blocks.to_string());
            let output = with_a_small_disk(name, blocks, &path);
            assert!(output.status.success(), "{output:?}");
            assert_eq!(path.exists(), blocks > 1, "a header alone does not stay");
            let kept = std::fs::read_to_string(path.with_extension("kept")).unwrap();
            if blocks == 1 {
                assert_eq!(kept, "0");
                continue;
            }
            let complaints = std::process::Command::new("ffmpeg")
                .args(["-v", "error", "-i"])
                .arg(&path)
                .args(["-f", "framecrc", "-"])
                .output();
            let output = complaints.expect("`make test` installs ffmpeg");
            let frames = output.stdout.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"0,")).count();
            assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
            assert!(frames > 0 && frames < 60, "{frames} frames");
            assert_eq!(kept, frames.to_string(), "the writer knows what the file holds");
        }
        return;
    };
    let path = std::path::PathBuf::from(path);
    let sink = FileSink::create_new(&path).unwrap();
    let (mut writer, packets) = recording(Size::new(320, 180), sink.into());
    let counters = Arc::default();
    let error = write_all(&mut writer, packets, &counters).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Write);
    let counts = counters.counts();
    assert_eq!(counts.frames_in, counts.encoded + counts.dropped(DropReason::Failed));
    assert_eq!(writer.files(), u32::from(counts.encoded > 0));
    assert_eq!(writer.progress().frames, counts.encoded);
    // What the file is said to hold, in the temporary folder, where no limit hurts: a few bytes fit.
    std::fs::write(path.with_extension("kept"), counts.encoded.to_string()).unwrap();
}

trait WriteSeek: Write + Seek {}
impl<T: Write + Seek> WriteSeek for T {}

#[cfg(unix)]
#[test]
fn devices_take_what_they_can_and_stay() {
    let mut null = FileSink::create_new("/dev/null").unwrap();
    null.write_all(&[1; 1000]).unwrap();
    null.seek(SeekFrom::Start(3)).unwrap();
    null.write_all(&[1; 1000]).unwrap();
    null.flush().unwrap();
    null.discard();
    assert!(Path::new("/dev/null").exists());
}

// Of the systems that we build for, only Linux has this device.
#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error_and_stays() {
    let mut full = FileSink::create_new("/dev/full").unwrap();
    full.write_all(&[1; 1000]).unwrap();
    assert_eq!(full.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(full.error().unwrap().kind(), io::ErrorKind::StorageFull);
    assert_eq!(full.stored(), 0);
    let whole = full.write_all(&[1; FileSink::BUFFER_SIZE]).unwrap_err();
    assert_eq!(whole.kind(), io::ErrorKind::StorageFull);
    full.discard();
    assert!(Path::new("/dev/full").exists());
}

#[cfg(unix)]
#[test]
fn a_pipe_takes_bytes_in_order_and_refuses_to_seek() {
    let folder = folder();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let reader = std::thread::spawn({
        let path = path.clone();
        move || std::fs::read(path).unwrap()
    });
    let mut sink = FileSink::create_new(&path).unwrap();
    sink.write_all(b"in order").unwrap();
    assert_eq!(sink.seek(SeekFrom::Start(0)).unwrap_err().kind(), io::ErrorKind::NotSeekable);
    assert_eq!(sink.stream_position().unwrap(), 8);
    drop(sink);
    assert_eq!(reader.join().unwrap(), b"in order");
    assert!(path.exists());
}
