//! Films that name other files, read through the `ffmpeg` program.

use std::fs;
use std::path::Path;
use std::process::Command;

use framereel::ErrorKind;
use framereel::source::audio::{AudioSpec, open_audio};
use framereel::source::{SourceOptions, SourceSpec, open};

use crate::program::Bench;
use crate::tools;

/// A folder with a film, and a secret one beside it; none without the program.
fn films() -> Option<tempfile::TempDir> {
    if !tools::has("ffmpeg") {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["secret.ts", "secret.mp4", "picture-1.tga", "picture-2.tga"] {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=0.2"]);
        if name.ends_with("tga") {
            command.args(["-frames:v", "1", "-pix_fmt", "rgb24"]);
        } else {
            command.args(["-f", "lavfi", "-i", "sine=d=0.2", "-frames:v", "5", "-pix_fmt", "yuv420p"]);
        }
        assert!(command.arg(folder.path().join(name)).status().unwrap().success());
    }
    Some(folder)
}

/// How many frames a file gives.
fn count(path: &Path) -> framereel::Result<usize> {
    let mut source = open(&SourceSpec::File(path.to_owned()), &SourceOptions::default())?;
    let mut frames = 0;
    while source.next_frame()?.is_some() {
        frames += 1;
    }
    Ok(frames)
}

/// How many samples of sound a file gives.
fn sound(path: &Path) -> framereel::Result<usize> {
    let mut source = open_audio(&AudioSpec::File(path.to_owned()), None)?;
    let mut samples = 0;
    while let Some(buffer) = source.next_buffer()? {
        samples += buffer.samples();
    }
    Ok(samples)
}

#[test]
fn a_film_that_is_a_playlist_reads_no_other_file() {
    let Some(folder) = films() else { return };
    let [ts, mp4] = ["secret.ts", "secret.mp4"].map(|name| folder.path().join(name).display().to_string());
    let film = folder.path().join("film");
    let hls = |name: &str| {
        format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{name}\n#EXT-X-ENDLIST\n")
    };
    let dash = format!(
        "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT1S\" \
         profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\"><Period><AdaptationSet mimeType=\"video/mp4\"><Representation \
         id=\"1\" bandwidth=\"1\"><BaseURL>{mp4}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    );
    let lists = [
        ("m3u8", hls(&ts)),
        ("m3u8", hls(&ts).replace('\n', "\r\n")),
        ("ts", hls("secret.ts")),
        ("m3u8", hls(&format!("file:{ts}"))),
        ("m3u8", hls(&format!("subfile,,start,0,end,9999,,:{ts}"))),
        ("m3u8", hls(&format!("concat:{ts}|{ts}"))),
        ("m3u8", hls("data:video/mp2t;base64,AAAA")),
        ("m3u8", hls("http://127.0.0.1:9/a.ts")),
        ("mpd", dash),
        ("ffconcat", "ffconcat version 1.0\nfile secret.mp4\n".to_owned()),
        ("txt", format!("ffconcat version 1.0\nfile '{mp4}'\n")),
        (
            "sdp",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
                .to_owned(),
        ),
        ("pls", format!("[playlist]\nFile1={mp4}\nNumberOfEntries=1\n")),
        (
            "ism",
            format!(
                "<SmoothStreamingMedia MajorVersion=\"2\" Duration=\"1\"><StreamIndex Type=\"video\" Url=\"{mp4}\"/>\
                 </SmoothStreamingMedia>"
            ),
        ),
        ("avs", format!("FFmpegSource2(\"{mp4}\")")),
        ("vpy", format!("import vapoursynth as vs\nvs.core.ffms2.Source('{mp4}').set_output()")),
        ("lavfi", format!("movie={mp4}")),
        (
            "xml",
            format!(
                "<?xml version=\"1.0\"?><CompositionPlaylist xmlns=\"http://www.smpte-ra.org/schemas/2067-3/2016\"><Id>{mp4}</Id>\
                 </CompositionPlaylist>"
            ),
        ),
    ];
    for (own, list) in lists {
        for ending in ["mp4", own] {
            let path = film.with_extension(ending);
            fs::write(&path, &list).unwrap();
            let error = count(&path).err().unwrap_or_else(|| panic!("{list} as .{ending} gives frames"));
            assert!([ErrorKind::NotReadable, ErrorKind::NotSupported].contains(error.kind()), "{error:?}");
            let error = sound(&path).err().unwrap_or_else(|| panic!("{list} as .{ending} gives sound"));
            assert!([ErrorKind::NotReadable, ErrorKind::NotSupported].contains(error.kind()), "{error:?}");
            fs::remove_file(&path).unwrap();
        }
    }
    fs::write(&film, hls(&ts)).unwrap();
    let error = count(&film).unwrap_err().to_string();
    assert!(
        error.contains("expected a film, a picture or sound in one file but found a format that may name other files"),
        "{error}"
    );
    assert_eq!(count(&folder.path().join("secret.ts")).unwrap(), 5);
    assert!(sound(&folder.path().join("secret.ts")).unwrap() > 1_000);
}

#[test]
fn a_name_that_is_a_pattern_an_option_or_a_protocol_is_one_file() {
    let Some(folder) = films() else { return };
    let path = |name: &str| folder.path().join(name);
    for name in [
        "picture-%d.tga",
        "picture-?.tga",
        "picture-*.tga",
        "picture-[12].tga",
        "picture-{1,2}.tga",
        "%03d.tga",
        "picture-%d%%.tga",
    ] {
        fs::copy(path("picture-1.tga"), path(name)).unwrap();
        assert_eq!(count(&path(name)).unwrap(), 1, "{name}");
        fs::remove_file(path(name)).unwrap();
        assert_eq!(*count(&path(name)).unwrap_err().kind(), ErrorKind::NotFound, "{name}");
    }
    for name in [
        "-i",
        "-version",
        "--help",
        "concat:secret.ts|secret.ts",
        "subfile,,start,0,end,9,,:secret.mp4",
        "http:x.mp4",
        "data:,x.mp4",
        "pipe:0",
        "file:secret.mp4",
        "a:b.mp4",
        "C:film.mp4",
        "%d.mp4",
        "film?.mp4",
        "film'\"\\ \n.mp4",
        "lavfi",
        "tee:x|y",
    ] {
        fs::copy(path("secret.mp4"), path(name)).unwrap();
        assert_eq!(count(&path(name)).unwrap(), 5, "{name}");
        fs::remove_file(path(name)).unwrap();
    }
}

#[test]
fn the_program_takes_odd_names_of_films_for_files() {
    let Some(folder) = films() else { return };
    let bench = Bench::new();
    for name in ["-i", "concat:secret.ts|secret.ts", "http:x.mp4", "%d.mp4"] {
        fs::copy(folder.path().join("secret.mp4"), bench.path(name)).unwrap();
        bench.run(["still", "-o", "a.png", "--force", "--", name]).succeeded();
    }
    bench.run(["still", "-o", "a.png", "--force", "--", "concat:b|c"]).failed(1, &["concat:b|c: expected a file"]);
}

#[test]
fn a_film_whose_header_points_at_another_file_does_not_read_it() {
    let Some(folder) = films() else { return };
    let path = folder.path().join("secret.mp4");
    let film = fs::read(&path).unwrap();
    // `url ` with flag 1 says that the data is in the file itself. An alias (QuickTime File Format, data reference atoms)
    // names another one: here a copy of the film itself, whose places fit.
    let place = film.windows(4).position(|name| name == b"url ").unwrap();
    let names: [&[u8]; 2] = [b"secret.mp4", b"/secret.mp4"];
    let mut alias = vec![0; 150];
    alias[4..6].copy_from_slice(&150_u16.to_be_bytes());
    alias[6..8].copy_from_slice(&2_u16.to_be_bytes());
    alias[50] = names[0].len() as u8;
    alias[51..51 + names[0].len()].copy_from_slice(names[0]);
    alias.extend([&2_u16.to_be_bytes()[..], &(names[1].len() as u16).to_be_bytes(), names[1], &[0]].concat());
    alias.extend([0xff, 0xff, 0, 0]);
    let alias_box = [&(alias.len() as u32 + 12).to_be_bytes()[..], b"alis", &[0, 0, 0, 0], &alias].concat();
    let grown = alias_box.len() - 12;
    let mut bytes = [&film[..place - 4], &alias_box, &film[place + 8..]].concat();
    for name in [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"] {
        let at = bytes.windows(4).position(|found| found == name).unwrap() - 4;
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) + grown as u32;
        bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    // Its own pictures are gone: frames could only come from the other file.
    let data = bytes.windows(4).position(|found| found == b"mdat").unwrap();
    let end = bytes.windows(4).position(|found| found == b"moov").unwrap() - 4;
    if data < end {
        bytes[data + 4..end].fill(0);
    }
    let other = folder.path().join("other.mp4");
    fs::write(&other, bytes).unwrap();
    let frames = count(&other);
    assert!(frames.is_err(), "{frames:?}");
}
