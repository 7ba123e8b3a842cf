use std::io::Cursor;

use super::super::ffmpeg::clips;
use super::*;
use crate::color::{Matrix, Primaries, Range, Transfer};
use crate::frame::PixelFormat;

const SOURCE: &str = "testsrc=s=64x50:r=25:d=0.4";
const AV1: &str = "-c:v libaom-av1 -cpu-used 8 -g 4 -b:v 200k";

fn open(bytes: &[u8], start: Option<Span>) -> Result<WebmSource<Cursor<Vec<u8>>>> {
    WebmSource::new(Cursor::new(bytes.to_vec()), "clip.webm", &SourceOptions { start, ..SourceOptions::default() })
}

fn drain(bytes: &[u8], start: Option<Span>) -> (Vec<Frame>, Option<Error>) {
    let mut frames = Vec::new();
    let mut source = match open(bytes, start) {
        Ok(source) => source,
        Err(error) => return (frames, Some(error)),
    };
    loop {
        match source.next_frame() {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, None),
            Err(error) => return (frames, Some(error)),
        }
    }
}

fn made(arguments: &str) -> Option<Vec<u8>> {
    clips::made("a.webm", SOURCE, arguments).map(|(_folder, path)| std::fs::read(path).unwrap())
}

#[test]
fn every_layout_decodes_to_the_same_bytes_as_ffmpeg_decodes() {
    for (pix_fmt, format) in [
        ("yuv420p", PixelFormat::I420),
        ("yuv422p", PixelFormat::I422),
        ("yuv444p", PixelFormat::I444),
        ("gray", PixelFormat::Gray8),
        ("yuv420p10le", PixelFormat::I420P10),
        ("yuv422p10le", PixelFormat::I422P10),
        ("yuv444p10le", PixelFormat::I444P10),
        ("yuv420p12le", PixelFormat::I420P12),
        ("gray10le", PixelFormat::I420P10),
    ] {
        let arguments = format!("{AV1} -pix_fmt {pix_fmt}");
        let Some((_folder, path)) = clips::made("a.webm", SOURCE, &arguments) else { return };
        let bytes = std::fs::read(&path).unwrap();
        let info = open(&bytes, None).unwrap().info().clone();
        assert_eq!((info.frames, info.rate), (Some(10), Some(FrameRate::whole(25))));
        let (frames, error) = drain(&bytes, None);
        assert!(error.is_none(), "{error:?}");
        assert_eq!(frames.len(), 10, "{pix_fmt}");
        assert!(frames.iter().all(|frame| frame.format() == format), "{pix_fmt}");
        let grey = pix_fmt == "gray10le";
        let decoded = frames.iter().flat_map(|frame| {
            let end = if grey { frame.planes()[1].offset } else { frame.data().len() };
            assert!(frame.data()[end..].chunks(2).all(|chroma| chroma == [0, 2]), "neutral chroma");
            frame.data()[..end].to_vec()
        });
        let decoded: Vec<u8> = decoded.collect();
        assert!(decoded == clips::decoded(&path, &format!("-pix_fmt {pix_fmt}")), "{pix_fmt}");
        for (index, frame) in frames.iter().enumerate() {
            assert_eq!(frame.timestamp.as_nanos(), index as i64 * 40_000_000);
        }
    }
}

#[cfg(all(feature = "vpx", unix))]
const VPX: [&str; 3] = [
    // Hidden frames: in blocks of their own, and in superframes.
    "-c:v libvpx -auto-alt-ref 1 -lag-in-frames 5 -g 4 -b:v 200k",
    "-c:v libvpx-vp9 -auto-alt-ref 1 -lag-in-frames 5 -g 4 -b:v 200k",
    "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 4 -b:v 200k",
];

#[cfg(all(feature = "vpx", unix))]
#[test]
fn vp8_and_vp9_decode_to_the_same_bytes_as_ffmpeg_decodes() {
    for arguments in VPX {
        // Odd sides too.
        let arguments = format!("{arguments} -vf scale=63:49 -pix_fmt yuv420p");
        let Some((_folder, path)) = clips::made("a.webm", SOURCE, &arguments) else { return };
        let bytes = std::fs::read(&path).unwrap();
        let info = open(&bytes, None).unwrap().info().clone();
        assert_eq!((info.frames, info.rate), (Some(10), Some(FrameRate::whole(25))), "{arguments}");
        let (frames, error) = drain(&bytes, None);
        assert!(error.is_none(), "{error:?}");
        assert_eq!(frames.len(), 10, "{arguments}");
        let decoded: Vec<u8> = frames.iter().flat_map(|frame| frame.data().to_vec()).collect();
        assert!(decoded == clips::decoded(&path, "-pix_fmt yuv420p"), "{arguments}");
        for (index, frame) in frames.iter().enumerate() {
            assert_eq!(frame.timestamp.as_nanos(), index as i64 * 40_000_000);
        }
        starts_anywhere(&bytes);
        is_cut_anywhere(&bytes);
        is_damaged_anywhere(&bytes);
    }
}

#[cfg(all(feature = "vpx", unix))]
#[test]
fn colours_of_vp9_are_those_of_its_frames_and_of_vp8_those_of_the_file() {
    let untagged = (Matrix::Bt601, Range::Limited);
    for (tags, vp8, vp9) in [
        ("", untagged, untagged),
        (" -colorspace bt709 -color_range tv", (Matrix::Bt709, Range::Limited), (Matrix::Bt709, Range::Limited)),
        (" -colorspace bt2020nc -color_range pc", (Matrix::Bt2020, Range::Full), (Matrix::Bt2020, Range::Full)),
    ] {
        for (codec, expected) in [("libvpx", vp8), ("libvpx-vp9", vp9)] {
            let Some(bytes) = made(&format!("-c:v {codec} -b:v 200k -pix_fmt yuv420p{tags}")) else { return };
            let color = drain(&bytes, None).0[0].color;
            assert_eq!((color.matrix, color.range), expected, "{codec}{tags}");
        }
    }
}

#[cfg(all(feature = "vpx", unix))]
#[test]
fn a_film_whose_size_changes_is_not_supported_before_it_is_read() {
    // The second half of the film is larger: its blocks are those of another film.
    for codec in ["libvpx", "libvpx-vp9"] {
        let arguments = format!("-c:v {codec} -b:v 200k -pix_fmt yuv420p");
        let Some(small) = made(&arguments) else { return };
        let Some(large) = made(&format!("{arguments} -vf scale=128:100")) else { return };
        let cluster = |bytes: &[u8]| bytes.windows(4).position(|id| id == [0x1f, 0x43, 0xb6, 0x75]).unwrap();
        let cues = |bytes: &[u8]| bytes.windows(4).rposition(|id| id == [0x1c, 0x53, 0xbb, 0x6b]).unwrap();
        let mut film = small[..cues(&small)].to_vec();
        film.extend(&large[cluster(&large)..cues(&large)]);
        let error = open(&film, None).err().unwrap();
        assert_eq!(*error.kind(), ErrorKind::NotSupported, "{error}");
        assert!(error.to_string().contains("of 64x50 as the track says but found 128x100"), "{error}");
    }
}

#[test]
fn colours_are_those_of_the_sequence_header() {
    let (sdr, bt709) = (Transfer::Sdr, Primaries::Bt709);
    for (tags, matrix, range, transfer, primaries) in [
        ("", Matrix::Bt601, Range::Limited, sdr, bt709),
        (" -colorspace bt709 -color_range tv", Matrix::Bt709, Range::Limited, sdr, bt709),
        (" -colorspace smpte170m -color_range pc", Matrix::Bt601, Range::Full, sdr, bt709),
        (" -colorspace bt2020nc -color_range tv", Matrix::Bt2020, Range::Limited, sdr, bt709),
        (
            " -colorspace bt2020nc -color_trc smpte2084 -color_primaries bt2020",
            Matrix::Bt2020,
            Range::Limited,
            Transfer::Pq,
            Primaries::Bt2020,
        ),
        (
            " -colorspace bt2020nc -color_trc arib-std-b67",
            Matrix::Bt2020,
            Range::Limited,
            Transfer::Hlg,
            Primaries::Bt2020,
        ),
    ] {
        let Some(bytes) = made(&format!("{AV1} -pix_fmt yuv420p{tags}")) else { return };
        let color = drain(&bytes, None).0[0].color;
        assert_eq!((color.matrix, color.range), (matrix, range), "{tags}");
        assert_eq!((color.transfer, color.primaries, color.peak), (transfer, primaries, 1000), "{tags}");
    }
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_frames_bit_for_bit_and_then_an_error() {
    let Some(bytes) = made(&format!("{AV1} -pix_fmt yuv420p")) else { return };
    is_cut_anywhere(&bytes);
}

fn is_cut_anywhere(bytes: &[u8]) {
    let (all, _) = drain(bytes, None);
    let mut most = 0;
    for len in (0..bytes.len()).step_by(7) {
        let (frames, error) = drain(&bytes[..len], None);
        let error = error.unwrap_or_else(|| panic!("no error when cut at {len} of {}", bytes.len()));
        assert!(error.to_string().starts_with("clip.webm: "), "{error}");
        assert!(frames.len() >= most && frames == all[..frames.len()], "cut at {len}");
        most = frames.len();
    }
    assert_eq!(most, 10);
}

#[test]
fn a_file_with_damaged_bytes_never_panics() {
    let Some(bytes) = made(&format!("{AV1} -pix_fmt yuv420p")) else { return };
    is_damaged_anywhere(&bytes);
}

fn is_damaged_anywhere(bytes: &[u8]) {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for _ in 0..400 {
        let mut damaged = bytes.to_vec();
        for _ in 0..random() % 4 + 1 {
            let place = random() % damaged.len();
            damaged[place] = random() as u8;
        }
        drain(&damaged, None);
    }
}

#[test]
fn a_start_decodes_from_the_key_frame_before_and_gives_the_frame_on_screen() {
    let Some(bytes) = made(&format!("{AV1} -pix_fmt yuv420p")) else { return };
    starts_anywhere(&bytes);
}

fn starts_anywhere(bytes: &[u8]) {
    let (all, _) = drain(bytes, None);
    assert_eq!(all.len(), 10);
    for (first, shown) in all.iter().enumerate() {
        let start = Some(Span::from_millis(first as i64 * 40 + 20));
        assert_eq!(open(bytes, start).unwrap().info().frames, Some(10 - first as u64));
        let (frames, error) = drain(bytes, start);
        assert!(error.is_none(), "{error:?}");
        assert_eq!(frames.len(), 10 - first);
        assert!(frames[0].data() == shown.data() && frames[0].timestamp == Timestamp::ZERO, "frame {first}");
    }
    let error = open(bytes, Some(Span::from_millis(400))).err().unwrap();
    assert_eq!(error.to_string(), "clip.webm: expected a start before the end at 0.4s but found 0.4s");
}

#[test]
fn other_codecs_and_depths_are_not_supported_rather_than_damaged() {
    let whole_chroma = made("-c:v libvpx-vp9 -pix_fmt yuv444p");
    let deep_vp9 = made("-c:v libvpx-vp9 -pix_fmt yuv420p10le");
    for bytes in [whole_chroma, deep_vp9].into_iter().flatten() {
        let error = open(&bytes, None).err().unwrap();
        assert_eq!(*error.kind(), ErrorKind::NotSupported, "{error}");
    }
}

#[test]
fn rates_are_recognised_through_the_rounding_of_timestamps() {
    let millis = |millis: i64| Span::from_millis(millis);
    assert_eq!(rate_of(99, millis(3300), millis(1)), Some(FrameRate::whole(30)));
    assert_eq!(rate_of(999, millis(33_333), millis(1)), FrameRate::new(30000, 1001).ok());
    assert_eq!(rate_of(1, Span::from_nanos(33_366_666), Span::from_nanos(1)), FrameRate::new(30000, 1001).ok());
    assert_eq!(rate_of(1, Span::from_nanos(33_333_333), Span::from_nanos(1)), Some(FrameRate::whole(30)));
    assert_eq!(rate_of(25, millis(2000), millis(1)), FrameRate::new(12_500, 1000).ok());
    assert_eq!(rate_of(0, millis(2000), millis(1)), None);
    assert_eq!(rate_of(5, Span::ZERO, millis(1)), None);
}
