use super::*;
use crate::color::{Matrix, Primaries, Range, Transfer};
use crate::frame::{PixelFormat, Size};
use crate::time::FrameRate;

const SOURCE: &str = "testsrc=s=64x48:r=25:d=0.4";

fn opened(path: &Path) -> FfmpegSource {
    FfmpegSource::open(path, &SourceOptions::default()).unwrap()
}

fn drain(source: &mut FfmpegSource) -> (Vec<Frame>, Option<Error>) {
    let mut frames = Vec::new();
    loop {
        match source.next_frame() {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, None),
            Err(error) => return (frames, Some(error)),
        }
    }
}

#[test]
fn every_frame_of_an_mp4_comes_untouched_with_its_exact_time() {
    let Some((_folder, path)) = clips::made("a.mp4", SOURCE, "-c:v libx264 -pix_fmt yuv420p") else { return };
    let mut source = opened(&path);
    assert_eq!(source.info().frames, Some(10));
    assert_eq!(source.info().rate, Some(FrameRate::whole(25)));
    let (frames, error) = drain(&mut source);
    assert!(error.is_none(), "{error:?}");
    let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.data().to_vec()).collect();
    assert!(bytes == clips::decoded(&path, "-pix_fmt yuv420p"), "{} frames differ", frames.len());
    for (index, frame) in frames.iter().enumerate() {
        assert_eq!(frame.format(), PixelFormat::I420);
        assert_eq!(frame.color, ColorSpace::untagged(48));
        assert_eq!(frame.timestamp, FrameRate::whole(25).timestamp(index as u64));
    }
}

#[test]
fn colour_tags_and_layouts_are_respected_and_values_are_not_converted() {
    for (arguments, format, matrix, range, reference) in [
        (
            "-pix_fmt yuv420p -colorspace bt709 -color_range tv",
            PixelFormat::I420,
            Matrix::Bt709,
            Range::Limited,
            "yuv420p",
        ),
        ("-pix_fmt yuv420p -colorspace smpte170m", PixelFormat::I420, Matrix::Bt601, Range::Limited, "yuv420p"),
        ("-pix_fmt yuv420p -colorspace bt2020nc", PixelFormat::I420, Matrix::Bt2020, Range::Limited, "yuv420p"),
        ("-pix_fmt yuvj420p -colorspace bt709", PixelFormat::I420, Matrix::Bt709, Range::Full, "yuvj420p"),
        ("-pix_fmt yuv422p -colorspace bt709", PixelFormat::I422, Matrix::Bt709, Range::Limited, "yuv422p"),
        ("-pix_fmt yuv444p -colorspace bt470bg", PixelFormat::I444, Matrix::Bt601, Range::Limited, "yuv444p"),
    ] {
        let arguments = format!("-c:v libx264 {arguments}");
        let Some((_folder, path)) = clips::made("a.mp4", SOURCE, &arguments) else { return };
        let (frames, error) = drain(&mut opened(&path));
        assert!(error.is_none(), "{error:?}");
        assert_eq!(frames.len(), 10, "{arguments}");
        let found = (frames[0].format(), frames[0].color.matrix, frames[0].color.range);
        assert_eq!(found, (format, matrix, range), "{arguments}");
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.data().to_vec()).collect();
        assert!(bytes == clips::decoded(&path, &format!("-pix_fmt {reference}")), "{arguments}");
    }
}

#[test]
fn films_of_more_than_8_bits_come_at_their_depth() {
    for (pix_fmt, format, asked, scale) in [
        ("yuv420p10le", PixelFormat::I420P10, "yuv420p10le", 1.0),
        ("yuv422p10le", PixelFormat::I422P10, "yuv422p10le", 1.0),
        ("yuv444p12le", PixelFormat::I444P12, "yuv444p12le", 1.0),
        ("gray10le", PixelFormat::I420P10, "gray10le", 1.0),
        ("yuv420p9le", PixelFormat::I420P10, "yuv420p9le", 2.0),
        ("yuv420p16le", PixelFormat::I420P12, "yuv420p16le", 1.0 / 16.0),
    ] {
        let arguments = format!(
            "-vf scale=out_range=tv:out_color_matrix=bt709 -c:v ffv1 -pix_fmt {pix_fmt} -color_range tv -colorspace bt709"
        );
        let Some((_folder, path)) = clips::made("a.mkv", SOURCE, &arguments) else { return };
        let (frames, error) = drain(&mut opened(&path));
        assert!(error.is_none(), "{error:?}");
        assert_eq!((frames.len(), frames[0].format()), (10, format), "{pix_fmt}");
        let sample = |bytes: &[u8]| f32::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        let own = clips::decoded(&path, &format!("-pix_fmt {asked}"));
        let grey = pix_fmt.starts_with("gray");
        let found = frames.iter().flat_map(|frame| {
            let end = if grey { frame.planes()[1].offset } else { frame.data().len() };
            assert!(frame.data()[end..].chunks(2).all(|chroma| sample(chroma) == 512.0));
            frame.data()[..end].to_vec()
        });
        let found: Vec<u8> = found.collect();
        assert_eq!(found.len(), own.len(), "{pix_fmt}");
        // Where the depth is the film's own, the values are.
        let slack = if scale == 1.0 { 0.0 } else { 1.0 };
        for (found, own) in found.chunks(2).zip(own.chunks(2)) {
            assert!((sample(found) - sample(own) * scale).abs() <= slack, "{pix_fmt}: {found:?} for {own:?}");
        }
    }
}

#[test]
fn light_and_its_peak_are_those_of_the_films_tags() {
    let arguments = |more: &str| format!("-c:v libx265 -pix_fmt yuv420p10le -x265-params log-level=error{more}");
    let display = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(6000000,50)";
    for (params, tags, transfer, primaries, peak) in [
        ("", "-color_trc bt709 -color_primaries bt709", Transfer::Sdr, Primaries::Bt709, 1000),
        ("", "-color_trc bt709 -color_primaries smpte432", Transfer::Sdr, Primaries::DisplayP3, 1000),
        ("", "-color_trc arib-std-b67 -color_primaries bt2020", Transfer::Hlg, Primaries::Bt2020, 1000),
        ("", "-color_trc smpte2084", Transfer::Pq, Primaries::Bt2020, 1000),
        (":hdr10=1:max-cll=700,100", "-color_trc smpte2084", Transfer::Pq, Primaries::Bt2020, 700),
        (&format!(":hdr10=1:{display}"), "-color_trc smpte2084", Transfer::Pq, Primaries::Bt2020, 600),
        (&format!(":hdr10=1:{display}:max-cll=400,9"), "-color_trc smpte2084", Transfer::Pq, Primaries::Bt2020, 400),
    ] {
        let arguments = format!("{} {tags}", arguments(params));
        let Some((_folder, path)) = clips::made("a.mp4", "testsrc=s=64x48:r=25:d=0.08", &arguments) else { return };
        let color = opened(&path).color().unwrap();
        assert_eq!((color.transfer, color.primaries, color.peak), (transfer, primaries, peak), "{arguments}");
        let frame = opened(&path).next_frame().unwrap().unwrap();
        assert_eq!((frame.color, frame.format()), (color, PixelFormat::I420P10));
    }
}

/// Luma that lies above or below both its neighbours, as the lines of two fields do that show different times: the sum
/// over a frame.
fn combing(frame: &Frame) -> u64 {
    let rows: Vec<&[u8]> = frame.rows(0).collect();
    let lines = rows.windows(3).flat_map(|rows| rows[0].iter().zip(rows[1]).zip(rows[2]));
    lines
        .map(|((&above, &here), &below)| {
            let (up, down) = (i64::from(here) - i64::from(above), i64::from(here) - i64::from(below));
            if up.signum() == down.signum() { up.abs().min(down.abs()) as u64 } else { 0 }
        })
        .sum()
}

#[test]
fn interlaced_film_is_deinterlaced_frame_by_frame_unless_it_is_not_to_be() {
    let off = SourceOptions::default().with_deinterlace(Deinterlace::Off);
    // Smooth stripes that move sideways: without fields, no line stands out from both of its neighbours.
    let stripes = "color=black:s=128x96:r=50:d=1,geq=lum='128+100*sin((X+3*N)/4)':cb=128:cr=128";
    let fields = "interlace=lowpass=0,format=yuv420p";
    for (name, arguments) in [
        ("a.mp4", "-c:v libx264 -flags +ilme+ildct -x264-params tff=1 -crf 5"),
        ("a.mp4", "-c:v libx264 -flags +ilme+ildct -x264-params bff=1 -crf 5 -field_order bb"),
        ("a.ts", "-c:v mpeg2video -flags +ilme+ildct -q:v 2 -bf 2 -b:v 5M"),
    ] {
        let order = if arguments.contains("bff") { "interlace=scan=bff:lowpass=0,format=yuv420p" } else { fields };
        let source = format!("{stripes},{order}");
        let Some((_folder, path)) = clips::made(name, &source, arguments) else { return };
        let mut source = opened(&path);
        assert!(source.is_deinterlaced(), "{arguments}");
        let (frames, error) = drain(&mut source);
        assert!(error.is_none(), "{error:?}");
        let times: Vec<i64> = frames.iter().map(|frame| frame.timestamp.as_nanos()).collect();
        assert_eq!(times, steps(FrameRate::whole(25), 25), "{arguments}");
        let mut kept = FfmpegSource::open(&path, &off).unwrap();
        assert!(!kept.is_deinterlaced());
        let (kept, error) = drain(&mut kept);
        assert!(error.is_none(), "{error:?}");
        let bytes: Vec<u8> = kept.iter().flat_map(|frame| frame.data().to_vec()).collect();
        assert!(bytes == clips::decoded(&path, "-pix_fmt yuv420p"), "{arguments}");
        for (index, (frame, kept)) in frames.iter().zip(&kept).enumerate() {
            let (left, before) = (combing(frame), combing(kept));
            assert!(before > 50_000 && left * 20 < before, "{arguments}, frame {index}: {left} of {before}");
        }
        // From within the film on, too.
        let later = SourceOptions::default().with_start(Span::from_millis(600));
        let (rest, error) = drain(&mut FfmpegSource::open(&path, &later).unwrap());
        assert!(error.is_none(), "{error:?}");
        assert_eq!(rest.len(), 10, "{arguments}");
        assert!(rest.iter().all(|frame| combing(frame) * 20 < combing(&kept[0])), "{arguments}");
    }
}

#[test]
fn progressive_film_is_not_touched_by_the_deinterlacer() {
    let Some((_folder, path)) = clips::made("a.mp4", SOURCE, "-c:v libx264 -pix_fmt yuv420p") else { return };
    let mut source = opened(&path);
    assert!(!source.is_deinterlaced());
    let (frames, _) = drain(&mut source);
    let off = SourceOptions::default().with_deinterlace(Deinterlace::Off);
    let (kept, _) = drain(&mut FfmpegSource::open(&path, &off).unwrap());
    assert!(frames == kept);
    // Nor are single frames that are not of two fields, in film that is said to be.
    let arguments = "-c:v ffv1 -flags +ilme+ildct -vf interlace=lowpass=0,setfield=prog";
    let Some((_folder, path)) = clips::made("a.mkv", "testsrc2=s=64x48:r=50:d=0.2", arguments) else { return };
    let (frames, _) = drain(&mut opened(&path));
    let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.data().to_vec()).collect();
    assert!(bytes == clips::decoded(&path, "-fps_mode passthrough"));
}

#[test]
fn alpha_comes_as_rgba_by_the_matrix_of_its_tag() {
    // Bars in the source's own RGB, encoded as BT.709 with alpha: they must come back as they were drawn.
    let source = "color=0x00ff00:s=64x48:r=25:d=0.2,format=rgba,colorchannelmixer=aa=0.5";
    let arguments =
        "-vf scale=out_color_matrix=bt709:out_range=tv,format=yuva444p -c:v ffv1 -colorspace bt709 -color_range tv";
    let Some((_folder, path)) = clips::made("a.mkv", source, arguments) else { return };
    let (frames, error) = drain(&mut opened(&path));
    assert!(error.is_none(), "{error:?}");
    assert_eq!(frames[0].format(), PixelFormat::Rgba8);
    let pixel = &frames[0].data()[..4];
    for (found, drawn) in pixel.iter().zip([0, 255, 0, 128]) {
        assert!(found.abs_diff(drawn) <= 2, "{pixel:?}");
    }
}

/// Writes a quarter turn into the matrix of the track header (ISO/IEC 14496-12 §8.3.2).
fn turn(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let header = bytes.windows(4).position(|name| name == b"tkhd").unwrap();
    let quarter = [0, 0x1_0000, 0, -0x1_0000, 0, 0, 0, 0, 0x4000_0000_i32];
    let matrix: Vec<u8> = quarter.into_iter().flat_map(i32::to_be_bytes).collect();
    bytes[header + 44..][..matrix.len()].copy_from_slice(&matrix);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn turned_and_stretched_films_come_upright_with_square_pixels() {
    let Some((_folder, path)) = clips::made("a.mp4", SOURCE, "-c:v libx264 -pix_fmt yuv420p") else { return };
    turn(&path);
    let mut source = opened(&path);
    let (frames, error) = drain(&mut source);
    assert!(error.is_none(), "{error:?}");
    assert_eq!((source.info().size, frames.len()), (Size::new(48, 64), 10));

    let stretched = "-vf setsar=2/1 -c:v libx264 -pix_fmt yuv420p";
    let Some((_folder, path)) = clips::made("a.mp4", SOURCE, stretched) else { return };
    let mut source = opened(&path);
    let (frames, error) = drain(&mut source);
    assert!(error.is_none(), "{error:?}");
    assert_eq!((source.info().size, frames.len()), (Size::new(128, 48), 10));
}

#[test]
fn a_start_gives_the_frame_on_screen_then_and_past_the_end_is_an_error() {
    let Some((_folder, path)) = clips::made("a.mp4", SOURCE, "-c:v libx264 -pix_fmt yuv420p -g 4") else { return };
    let (all, _) = drain(&mut opened(&path));
    for first in 0..10 {
        for millis in [first * 40, first * 40 + 39] {
            let start = Some(Span::from_millis(millis));
            let options = SourceOptions { start, ..SourceOptions::default() };
            let (frames, error) = drain(&mut FfmpegSource::open(&path, &options).unwrap());
            assert!(error.is_none(), "{error:?}");
            assert_eq!(frames.len() as i64, 10 - first, "{millis} ms");
            assert!(frames[0].data() == all[first as usize].data(), "{millis} ms");
            assert_eq!(frames[0].timestamp.as_nanos(), 0);
        }
    }
    let start = Some(Span::from_millis(400));
    let error = FfmpegSource::open(&path, &SourceOptions { start, ..SourceOptions::default() }).err().unwrap();
    assert!(error.to_string().ends_with("expected a start before the end at 0.4s but found 0.4s"), "{error}");
}

#[test]
fn a_film_that_breaks_off_gives_its_whole_frames_and_then_what_ffmpeg_says() {
    let arguments = "-c:v libx264 -pix_fmt yuv420p -movflags faststart -g 2";
    let Some((_folder, path)) = clips::made("a.mp4", "testsrc=s=64x48:r=25:d=4", arguments) else { return };
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let (frames, error) = drain(&mut opened(&path));
    let error = error.unwrap().to_string();
    assert!(frames.len() > 10 && frames.len() < 100, "{} frames", frames.len());
    assert!(error.contains("expected 100 frames but found"), "{error}");
}

#[test]
fn names_that_look_like_options_or_protocols_are_files() {
    for name in ["-i.mp4", "concat:a|b.mp4", "a%03d.mp4", "http:x.mp4"] {
        let Some((_folder, path)) = clips::made("a.mp4", SOURCE, "-c:v libx264 -pix_fmt yuv420p") else { return };
        let renamed = path.with_file_name(name);
        std::fs::rename(&path, &renamed).unwrap();
        let (frames, error) = drain(&mut opened(&renamed));
        assert!(error.is_none(), "{name}: {error:?}");
        assert_eq!(frames.len(), 10, "{name}");
    }
}

#[test]
fn what_is_no_film_is_not_readable_and_the_program_is_not_left_running() {
    let Some((folder, path)) = clips::made("a.mp4", "testsrc=s=640x480:r=25:d=4", "-c:v libx264") else { return };
    let mut source = opened(&path);
    source.next_frame().unwrap().unwrap();
    let started = std::time::Instant::now();
    drop(source);
    assert!(started.elapsed().as_secs() < 5);
    let other = folder.path().join("b.mp4");
    std::fs::write(&other, "this is not a film\n".repeat(50)).unwrap();
    let error = FfmpegSource::open(&other, &SourceOptions::default()).err().unwrap();
    assert_eq!(error.kind().name(), "NotReadableError", "{error}");
}

// Times.

const UNEVEN: &str = "testsrc2=s=64x48:r=20:d=2,select='eq(n,0)+eq(n,2)+eq(n,3)+eq(n,10)+eq(n,34)+eq(n,35)'";
const UNEVEN_MILLIS: [i64; 6] = [0, 100, 150, 500, 1700, 1750];
/// Containers that count in 1/16000, 1/1000, 1/100 and 1/90000 of a second; the last has a first frame at 1.5 s.
const UNEVEN_FILMS: [(&str, &str); 4] = [
    ("a.mp4", "-c:v libx264 -bf 2 -pix_fmt yuv420p"),
    ("a.mkv", "-c:v libx264 -bf 2 -g 3 -pix_fmt yuv420p"),
    ("a.gif", "-loop 0"),
    ("a.ts", "-c:v libx264 -bf 0 -g 2 -pix_fmt yuv420p"),
];

fn uneven(name: &str, arguments: &str) -> Option<(tempfile::TempDir, std::path::PathBuf)> {
    clips::made(name, UNEVEN, &format!("-fps_mode passthrough -enc_time_base 1/1000 {arguments}"))
}

fn from(path: &Path, millis: i64) -> FfmpegSource {
    let start = Some(Span::from_millis(millis));
    FfmpegSource::open(path, &SourceOptions { start, ..SourceOptions::default() }).unwrap()
}

/// All its frames' times.
#[track_caller]
fn nanos(source: &mut FfmpegSource) -> Vec<i64> {
    let (frames, error) = drain(source);
    assert!(error.is_none(), "{error:?}");
    frames.iter().map(|frame| frame.timestamp.as_nanos()).collect()
}

fn steps(rate: FrameRate, count: u64) -> Vec<i64> {
    (0..count).map(|index| rate.timestamp(index).as_nanos()).collect()
}

#[test]
fn films_of_a_variable_rate_keep_every_frame_at_its_own_time() {
    for (name, arguments) in UNEVEN_FILMS {
        let Some((_folder, path)) = uneven(name, arguments) else { return };
        let (frames, error) = drain(&mut opened(&path));
        assert!(error.is_none(), "{name}: {error:?}");
        let times: Vec<i64> = frames.iter().map(|frame| frame.timestamp.as_nanos()).collect();
        assert_eq!(times, UNEVEN_MILLIS.map(|millis| millis * 1_000_000), "{name}");
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.data().to_vec()).collect();
        let pix_fmt = if name == "a.gif" { "rgba" } else { "yuv420p" };
        let decoded = clips::decoded(&path, &format!("-fps_mode passthrough -pix_fmt {pix_fmt}"));
        assert!(bytes == decoded, "{name}");
    }
}

#[test]
fn a_start_within_a_film_of_a_variable_rate_gives_the_frame_on_screen_then() {
    for (name, arguments) in UNEVEN_FILMS {
        let Some((_folder, path)) = uneven(name, arguments) else { return };
        let (all, _) = drain(&mut opened(&path));
        for (millis, first) in [(99, 0), (150, 2), (1699, 3), (1790, 5)] {
            let (frames, error) = drain(&mut from(&path, millis));
            assert!(error.is_none(), "{name} {millis} ms: {error:?}");
            let times: Vec<i64> = frames.iter().map(|frame| frame.timestamp.as_nanos() / 1_000_000).collect();
            let expected: Vec<i64> =
                UNEVEN_MILLIS[first..].iter().map(|millis| millis - UNEVEN_MILLIS[first]).collect();
            assert_eq!(times, expected, "{name} {millis} ms");
            assert!(frames.iter().zip(&all[first..]).all(|(a, b)| a.data() == b.data()), "{name} {millis} ms");
        }
        let start = Some(Span::from_millis(2500));
        let error = FfmpegSource::open(&path, &SourceOptions { start, ..SourceOptions::default() }).err().unwrap();
        assert_eq!(error.kind().name(), "RangeError", "{name}: {error}");
    }
}

#[test]
fn films_of_a_constant_rate_have_exact_times_with_frames_that_refer_ahead_too() {
    let ntsc = FrameRate::new(30000, 1001).unwrap();
    for (source, rate, count, left) in [("30000/1001:d=3", ntsc, 90, 31), ("25:d=5.28", FrameRate::whole(25), 132, 82)]
    {
        let source = format!("testsrc2=s=64x48:r={source}");
        let arguments = "-c:v libx264 -bf 3 -g 20 -pix_fmt yuv420p";
        let Some((_folder, path)) = clips::made("a.mp4", &source, arguments) else { return };
        let mut film = opened(&path);
        assert_eq!((film.info().rate, film.info().frames), (Some(rate), Some(count)));
        assert_eq!(nanos(&mut film), steps(rate, count));
        let mut film = from(&path, 2000);
        assert_eq!(film.info().frames, Some(left));
        let (found, expected) = (nanos(&mut film), steps(rate, left));
        assert_eq!(found.len(), expected.len());
        // Two rounded times are a nanosecond further apart than their distance, rounded.
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1), "{found:?}");
    }
}

#[test]
fn an_edit_list_that_cuts_off_the_front_leaves_a_film_that_begins_at_0() {
    let arguments = "-c:v libx264 -bf 2 -g 50 -pix_fmt yuv420p";
    let Some((_folder, path)) = clips::made("a.mp4", "testsrc2=s=64x48:r=25:d=3", arguments) else { return };
    let cut = path.with_file_name("b.mp4");
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-ss", "0.9", "-i"]).arg(&path).args(["-c", "copy"]).arg(&cut);
    assert!(command.status().unwrap().success());
    let shown = clips::decoded(&cut, "-fps_mode passthrough -pix_fmt yuv420p").len() / (64 * 48 * 3 / 2);
    assert!((50..60).contains(&shown), "{shown} frames");
    assert_eq!(nanos(&mut opened(&cut)), steps(FrameRate::whole(25), shown as u64));
    assert_eq!(nanos(&mut from(&cut, 400)), steps(FrameRate::whole(25), shown as u64 - 10));
}

#[test]
fn frames_at_the_same_time_come_one_after_the_other() {
    let source = "testsrc2=s=64x48:r=20:d=0.2,setpts='floor(N/2)*2/20/TB'";
    let Some((_folder, path)) = clips::made("a.mkv", source, "-fps_mode passthrough -c:v ffv1") else { return };
    assert_eq!(nanos(&mut opened(&path)), [0, 1_000_000, 100_000_000, 101_000_000]);
}

#[test]
fn pictures_that_change_their_size_and_a_clock_that_begins_again_are_one_film() {
    let arguments = "-c:v libx264 -bf 2 -g 10 -pix_fmt yuv420p";
    let Some((_folder, path)) = clips::made("a.ts", "testsrc2=s=64x48:r=25:d=3", arguments) else { return };
    let Some((_other, second)) = clips::made("b.ts", "testsrc2=s=128x96:r=25:d=0.4", arguments) else { return };
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend(std::fs::read(&second).unwrap());
    std::fs::write(&path, bytes).unwrap();
    let (frames, error) = drain(&mut opened(&path));
    assert!(error.is_none(), "{error:?}");
    assert!(frames.iter().all(|frame| frame.size() == Size::new(64, 48)));
    assert_eq!(nanos(&mut opened(&path)), steps(FrameRate::whole(25), 85));
    assert_eq!(nanos(&mut from(&path, 2000)), steps(FrameRate::whole(25), 35));
}

#[test]
fn a_film_of_a_variable_rate_that_breaks_off_is_an_error_after_a_start_too() {
    let source = "testsrc2=s=64x48:r=25:d=4,select='not(mod(n,7))+not(mod(n,3))'";
    let arguments = "-fps_mode passthrough -c:v libx264 -bf 0 -pix_fmt yuv420p -movflags faststart -g 2";
    let Some((_folder, path)) = clips::made("a.mp4", source, arguments) else { return };
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
    for (millis, words) in [(0, "expected 44 frames but found"), (1000, "expected frames up to")] {
        let (frames, error) = drain(&mut from(&path, millis));
        let error = error.unwrap().to_string();
        assert!(frames.len() > 5 && frames.len() < 44, "{} frames", frames.len());
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn an_early_run_gives_what_the_run_for_this_film_gives() {
    let x264 = "-c:v libx264 -bf 2 -g 10 -pix_fmt yuv420p";
    let Some((_folder, path)) = clips::made("a.mp4", "testsrc2=s=64x48:r=25:d=2", x264) else { return };
    let beside = |name: &str, arguments: &str| {
        let film = path.with_file_name(name);
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error"]).args(arguments.split(' ')).arg(&film);
        assert!(command.current_dir(path.parent().unwrap()).status().unwrap().success(), "{command:?}");
        film
    };
    let larger = beside("b.ts", &format!("-f lavfi -i testsrc2=s=128x96:r=25:d=0.4 {x264}"));
    let both = beside("both.ts", "-i a.mp4 -c copy");
    let bytes = [std::fs::read(&both).unwrap(), std::fs::read(&larger).unwrap()].concat();
    std::fs::write(&both, bytes).unwrap();
    let films = [
        path.clone(),
        beside("cut.mp4", "-ss 0.9 -i a.mp4 -c copy"),
        beside("late.mkv", "-itsoffset 1.5 -i a.mp4 -c copy"),
        beside("turned.mp4", "-i a.mp4 -c copy -metadata:s:v rotate=180"),
        beside("sizes.mkv", "-i both.ts -c copy"),
        beside("uneven.mkv", "-i a.mp4 -vf select='mod(n,3)' -fps_mode passthrough -c:v ffv1"),
    ];
    let all = |mut film: Film| -> Vec<_> {
        std::iter::from_fn(|| film.next_picture().unwrap().map(|(picture, time)| (picture.data, time))).collect()
    };
    for film in &films {
        let stream = probe::probe(film).unwrap();
        assert!(EarlyRun::start(film).unwrap().of(&stream).is_some(), "{stream:?}");
        let early = all(Film::whole(film, &stream, EarlyRun::start(film)).unwrap());
        let own = all(Film::whole(film, &stream, None).unwrap());
        assert!(early == own && early.len() > 20, "{}: {} and {} frames", film.display(), early.len(), own.len());
    }
    assert_eq!(all(Film::whole(&films[4], &probe::probe(&films[4]).unwrap(), None).unwrap()).len(), 60);
    for film in [
        beside("wide.mp4", "-i a.mp4 -c copy -aspect 2"),
        beside("full.mp4", &format!("-i a.mp4 {x264} -pix_fmt yuvj420p")),
        beside("deep.mkv", "-i a.mp4 -c:v ffv1 -pix_fmt yuv420p10le"),
    ] {
        let stream = probe::probe(&film).unwrap();
        assert!(EarlyRun::start(&film).unwrap().of(&stream).is_none(), "{stream:?}");
    }
    assert!(EarlyRun::start(&both).is_none());
}
