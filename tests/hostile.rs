//! Input that a stranger made to do harm: each test is a fault that was there, or could be.
#![cfg(unix)]

mod support {
    pub mod elements;
    pub mod limited;
}

use std::fs;
use std::path::Path;
use std::process::Command;

use framereel::filter::{Custom, FileAccess, FilterChain, Lut};
use framereel::source::{SourceOptions, SourceSpec, ffmpeg, open};
use framereel::{Error, ErrorKind};
use support::elements::{
    CLUSTER, CUES, INFO, TRACKS, VOID, cue, element, file, header, heads, key_block, uint, unsized_header, video,
};
use support::limited::{self, Parser, outcome, refusal};

#[test]
#[ignore = "runs in child processes of the other tests"]
fn child() {
    limited::child(|task| panic!("{task:?}"));
}

// YUV4MPEG2.

#[test]
fn a_frame_rate_below_one_a_day_is_refused_with_both_rates() {
    let film = |rate: &str| [format!("YUV4MPEG2 W16 H16 F{rate} C420\n").into_bytes(), frame(), frame()].concat();
    let error = refusal(Parser::Y4m, &film("1:4294967295"));
    assert!(error.contains("1/86400") && error.contains("1:4294967295"), "{error}");
    assert!(refusal(Parser::Y4m, &film("1:86401")).contains("1:86401"));
    assert_eq!(outcome(Parser::Y4m, &film("1:86400")).said.unwrap(), "2 frames");
}

fn frame() -> Vec<u8> {
    [b"FRAME\n".to_vec(), vec![128; 16 * 16 * 3 / 2]].concat()
}

// Matroska.

/// Every way to read a Matroska file ends within the limits. What it said to `inspect`.
#[track_caller]
fn walked(bytes: &[u8]) -> String {
    for parser in [Parser::Matroska, Parser::Repair] {
        println!("{parser:?}: {:?}", outcome(parser, bytes));
    }
    let inspected = outcome(Parser::Inspect, bytes);
    println!("{inspected:?}");
    inspected.said.unwrap()
}

#[test]
fn millions_of_empty_tracks_are_counted_and_not_kept() {
    let entries = [0xae, 0x80].repeat(7 << 20);
    let faults = walked(&file(&[element(TRACKS, &entries), element(CLUSTER, &uint(0xe7, 0))]));
    assert!(faults.contains("7339904 tracks beyond the 128 that are read"), "{faults}");
}

#[test]
fn three_hundred_thousand_tracks_do_not_slow_the_blocks_down() {
    let entries: Vec<u8> = (1..=300_000).flat_map(|number| element(0xae, &uint(0xd7, number))).collect();
    let block = element(0xa3, &[&[0x10, 0x04, 0x93, 0xe0][..], &[0, 0, 0x80], b"x"].concat());
    let cluster = element(CLUSTER, &[uint(0xe7, 0), block.repeat(5000)].concat());
    let faults = walked(&file(&[element(TRACKS, &entries), cluster]));
    assert!(faults.contains("5000 blocks of tracks that the file does not have"), "{faults}");
}

#[test]
fn an_index_of_clusters_within_clusters_is_checked_in_one_walk() {
    // Each block's data begins a cluster of its own, whose blocks go on to the end of the file.
    let inner = [unsized_header(CLUSTER), uint(0xe7, 0)].concat();
    let block = key_block(0, &inner);
    let count = 22_000;
    let head = heads();
    let body = [unsized_header(CLUSTER), uint(0xe7, 0), block.repeat(count)].concat();
    let first = head.len() + unsized_header(CLUSTER).len() + uint(0xe7, 0).len() + block.len() - inner.len();
    let cues: Vec<u8> = (0..count).flat_map(|index| cue(7, (first + index * block.len()) as u64)).collect();
    let bytes = file(&[head, body, element(CUES, &cues)]);
    assert!(bytes.len() < 1_000_000, "{}", bytes.len());
    let faults = walked(&bytes);
    assert!(faults.contains("where there is no such key frame"), "{faults}");
}

#[test]
fn false_cluster_ids_do_not_slow_resynchronising_down() {
    for id in [CLUSTER.to_be_bytes().to_vec(), [unsized_header(CLUSTER), vec![0xe7, 0x88]].concat()] {
        let garbage = id.repeat((4 << 20) / id.len());
        let faults =
            walked(&file(&[heads(), element(CLUSTER, &[uint(0xe7, 0), key_block(0, b"x")].concat()), garbage]));
        assert!(faults.contains("garbage of"), "{faults}");
    }
}

#[test]
fn groups_that_overlap_are_not_walked_again_and_again() {
    // Each void holds a cluster with a group whose children go on behind that void.
    let one = |rest: u64| {
        let group = [unsized_header(CLUSTER), uint(0xe7, 0), header(0xa0, rest)].concat();
        element(VOID, &group)
    };
    let size = one(1 << 20).len() as u64;
    let count = 50_000;
    let body: Vec<u8> = (0..count).flat_map(|index| one((count - index - 1) * size)).collect();
    let bytes = file(&[heads(), unsized_header(CLUSTER), uint(0xe7, 0), header(0xa0, body.len() as u64), body]);
    walked(&bytes);
}

#[test]
fn blocks_and_durations_are_not_read_by_the_length_that_they_declare() {
    // A hole of 40 GiB, which takes no space on the disk.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hole.mkv");
    let size = 40 << 30;
    let head = [header(0xa3, size), vec![0x81, 0, 0, 0x80]].concat();
    fs::write(&path, file(&[heads(), unsized_header(CLUSTER), uint(0xe7, 0), head])).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(size + 1000).unwrap();
    let error = limited::refusal_of_file(Parser::Open, &path);
    assert!(error.contains("a frame of at most 67108864 bytes"), "{error}");

    let block = element(0xa1, &[0x81, 0, 0, 0, b'x']);
    let group = [header(0xa0, size + 100), block, header(0x9b, size)].concat();
    fs::write(&path, file(&[heads(), unsized_header(CLUSTER), uint(0xe7, 0), group])).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(size + 1000).unwrap();
    println!("{}", limited::refusal_of_file(Parser::Open, &path));
}

#[test]
fn garbage_in_a_million_places_is_counted_and_the_first_thousand_are_listed() {
    let cluster = [unsized_header(CLUSTER), uint(0xe7, 0), key_block(0, b"x")].concat();
    let bytes = file(&[heads(), [cluster, vec![0; 8]].concat().repeat(100_000)]);
    let found = framereel::mux::inspect(std::io::Cursor::new(&bytes), Default::default()).unwrap();
    assert_eq!(found.gaps.len(), 1000);
    assert!(walked(&bytes).contains("more places"), "{:?}", found.faults);
}

#[test]
fn what_a_file_says_of_itself_cannot_steer_a_terminal() {
    let info = [uint(0x2a_d7b1, 1_000_000), element(0x5741, b"\x1b]0;title\x07writer\x1b[2J")].concat();
    let track = video(1, "V_\x1b[31m");
    let cluster = element(CLUSTER, &[uint(0xe7, 0), key_block(0, b"x")].concat());
    let bytes = file(&[element(INFO, &info), element(TRACKS, &track), cluster]);
    let found = framereel::mux::inspect(std::io::Cursor::new(&bytes), Default::default()).unwrap();
    let shown = format!("{}{}", found.writing_app.unwrap(), found.tracks[0].codec_id);
    assert!(shown.contains("writer") && !shown.contains(char::is_control), "{shown:?}");
}

#[test]
fn frames_days_apart_are_refused_with_both_times() {
    let film = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz/film.webm")).unwrap();
    // The last cluster's time, in milliseconds: 0x47868c00 is two weeks.
    let cluster = film.windows(4).rposition(|bytes| bytes == CLUSTER.to_be_bytes()).unwrap();
    let time = cluster + film[cluster..].windows(2).position(|bytes| bytes == [0xe7, 0x82]).unwrap();
    let late = [&film[..time], &[0xe7, 0x84, 0x47, 0x86, 0x8c, 0], &film[time + 4..]].concat();
    let error = refusal(Parser::Matroska, &late);
    assert!(error.contains("within 86400s of the one at") && error.contains("1200000"), "{error}");
}

// Sound, tables and pictures.

fn wav(chunks: &[(&[u8; 4], u32, &[u8])]) -> Vec<u8> {
    let mut bytes = b"RIFF\xff\xff\xff\xffWAVE".to_vec();
    for (name, len, data) in chunks {
        bytes.extend([&name[..], &len.to_le_bytes(), data].concat());
    }
    bytes
}

#[test]
fn sound_behind_gigabytes_of_other_chunks_is_refused() {
    let error = refusal(Parser::Wav, &wav(&[(b"LIST", u32::MAX, b"")]));
    assert!(error.contains("within 268435456 bytes") && error.contains("4294967295"), "{error}");
    let format = [1, 0, 1, 0, 0x80, 0xbb, 0, 0, 0, 0x77, 1, 0, 2, 0, 16, 0];
    let said = outcome(Parser::Wav, &wav(&[(b"fmt ", 16, &format), (b"data", u32::MAX - 1, &[0; 100])])).said;
    assert!(said.unwrap_err().contains("expected 2147483647 samples but found 50"));
}

#[test]
fn tables_are_read_row_by_row_and_not_beyond_their_size() {
    let line = format!("LUT_1D_SIZE 2\n{}\n", "0 ".repeat(10 << 20));
    let error = refusal(Parser::Cube, line.as_bytes());
    assert!(error.contains("expected three numbers"), "{error}");
    let rows = format!("LUT_1D_SIZE 2\n{}", "0 0 0\n".repeat(3 << 20));
    assert!(refusal(Parser::Cube, rows.as_bytes()).contains("expected 2 rows for LUT_1D_SIZE 2 but found 3145728"));
    for text in ["LUT_3D_SIZE 256\n", "LUT_3D_SIZE 99999999999999999999\n", "LUT_1D_SIZE -1\n", "\u{feff}"] {
        refusal(Parser::Cube, text.as_bytes());
    }
}

/// A PNG whose header says that it is so large, of RGBA with so many bits; its data is that of another picture.
fn png(width: u32, height: u32, depth: u8) -> Vec<u8> {
    let mut head = b"IHDR".to_vec();
    head.extend([&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, 6, 0, 0, 0]].concat());
    let chunk = |data: &[u8]| [&(data.len() as u32 - 4).to_be_bytes(), data, &crc(data).to_be_bytes()].concat();
    let data = [b"IDAT".to_vec(), vec![0x78, 0x9c, 0x63, 0, 0, 0, 1, 0, 1]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(&head), chunk(&data), chunk(b"IEND")].concat()
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

fn bmp(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bytes.extend([&width.to_le_bytes()[..], &height.to_le_bytes(), &[1, 0, 32, 0], &[0; 24]].concat());
    bytes
}

fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xc0\0\x11\x08".to_vec();
    bytes.extend([&height.to_be_bytes()[..], &width.to_be_bytes(), b"\x03\x01\x11\0\x02\x11\0\x03\x11\0"].concat());
    bytes.extend(b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0\0\xff\xd9");
    bytes
}

fn webp(width: u32, height: u32) -> Vec<u8> {
    let bits = (width - 1) | (height - 1) << 14;
    let data = [&[0x2f][..], &bits.to_le_bytes(), &[0; 20]].concat();
    let chunk = [b"VP8L", &(data.len() as u32).to_le_bytes()[..], &data, &[0]].concat();
    [b"RIFF", &(chunk.len() as u32 + 4).to_le_bytes()[..], b"WEBP", &chunk].concat()
}

#[test]
fn pictures_that_declare_more_than_a_gibibyte_are_refused_before_their_pixels() {
    for (bytes, words) in [
        (png(16_384, 16_384, 16), "take at most 1024 MiB but found 16384x16384 pixels that take 3072 MiB"),
        (png(12_000, 12_000, 16), "12000x12000"),
        (png(16_385, 16, 8), "exceeds limit"),
        (png(u32::MAX >> 1, u32::MAX >> 1, 8), ""),
        (bmp(60_000, 60_000), ""),
        (bmp(1 << 30, 1), ""),
        (jpeg(65_500, 65_500), ""),
        (jpeg(16_384, 16_384), "16384x16384 pixels that take 1792 MiB"),
        (webp(16_384, 16_384), ""),
    ] {
        let outcome = outcome(Parser::Open, &bytes);
        println!("{outcome:?}");
        let error = outcome.said.expect_err("an error");
        assert!(error.contains(words), "{error}");
        assert!(outcome.peak < 100 << 20, "{} MiB: {error}", outcome.peak >> 20);
    }
}

// Chains and the files that they name.

#[test]
fn a_chain_from_a_stranger_opens_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "password\n").unwrap();
    for name in ["lut", "shader"] {
        for path in [secret.as_path(), Path::new("/etc/passwd"), Path::new("/nowhere")] {
            let error = format!("{name}({path:?})").parse::<FilterChain>().unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::NotAllowed, "{error}");
            let text = error.to_string();
            assert!(text.contains("FilterChain::parse_with") && !text.contains("password"), "{text}");
        }
    }
}

#[test]
fn a_chain_within_a_folder_reads_its_files_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("presets");
    fs::create_dir(&inside).unwrap();
    let table = "LUT_1D_SIZE 2\n0 0 0\n1 1 1\n";
    fs::write(inside.join("a.cube"), table).unwrap();
    fs::write(folder.path().join("b.cube"), table).unwrap();
    std::os::unix::fs::symlink(folder.path().join("b.cube"), inside.join("link.cube")).unwrap();
    let files = FileAccess::Folder(inside.clone());
    let parse = |name: &str| FilterChain::parse_with(&format!("lut(\"{name}\")"), &files);
    assert_eq!(parse("a.cube").unwrap().filters().len(), 1);
    assert_eq!(parse(inside.join("a.cube").to_str().unwrap()).unwrap().filters().len(), 1);
    for name in ["../b.cube", "link.cube", folder.path().join("b.cube").to_str().unwrap()] {
        let error = parse(name).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotAllowed, "{error}");
    }
    assert_eq!(*parse("c.cube").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_parameter_cannot_exchange_the_shaders_file() {
    let mut chain =
        FilterChain::shader(Custom::parse("a.wgsl", "fn image(p: vec2f) -> vec4f { return vec4f(); }").unwrap());
    let error = chain.set_param("file=\"/etc/passwd\"").unwrap_err();
    assert!(error.to_string().contains("found `file`"), "{error}");
}

#[test]
fn tables_and_shaders_are_regular_files_of_a_bounded_size() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe.as_path(), Path::new("/dev/zero"), Path::new("/dev/null")] {
        let read: [Error; 2] = [Lut::load(path).unwrap_err(), Custom::load(path).unwrap_err()];
        for error in read {
            assert!(error.to_string().contains("expected a regular file but found a pipe or a device"), "{error}");
        }
        let chain = FilterChain::parse_with(&format!("shader({path:?})"), &FileAccess::Any);
        assert!(chain.unwrap_err().to_string().contains("a pipe or a device"));
    }
    let hole = folder.path().join("hole");
    fs::File::create(&hole).unwrap().set_len(1 << 40).unwrap();
    assert!(Lut::load(&hole).unwrap_err().to_string().contains("at most 32768 KiB"));
    assert!(Custom::load(&hole).unwrap_err().to_string().contains("at most 256 KiB"));
}

#[test]
fn long_chains_and_absurd_numbers_are_refused_or_harmless() {
    for text in [
        "blur(".repeat(10_000),
        "(".repeat(60_000),
        "a".repeat(60_000),
        "sepia(1) ".repeat(7000),
        "x".repeat(100 << 20),
        format!("tint({}", "rgb(from ".repeat(6000)),
        format!("tint(rgb({}", "calc(".repeat(6000)),
        format!("tint({}red{})", "(".repeat(20_000), ")".repeat(20_000)),
        format!("sepia({})", "1".repeat(60_000)) + &"é".repeat(10),
        "blur(1px)\nblur.radius: ".to_owned() + &"0s 1,".repeat(12_000),
        "blur(1px)\n".to_owned() + &"a".repeat(1 << 20),
    ] {
        let error = refusal(Parser::Chain, text.as_bytes());
        assert!(error.len() < 4000, "{}", error.len());
    }
    for text in [
        "blur(3e38px) drop-shadow(3e38px -3e38px 3e38px red) zoom(3e38) pixelate(3e38px) rotate(3e38deg)",
        "blur(1e-45px) sepia(0.0000001) lens(-3e38) posterize(3e38) crop(3e38px)",
        "blur(1px)\nblur.radius: 0s 3e38, 1000h 0",
        "tint(hsl(3e38deg 3e38% 3e38%)) duotone(rgb(3e38 -3e38 0), color(srgb 1e30 -1e30 0))",
    ] {
        println!("{:?}", outcome(Parser::Chain, text.as_bytes()));
    }
    assert_eq!(outcome(Parser::Chain, "sepia(1) ".repeat(64).as_bytes()).said.unwrap().matches("sepia").count(), 64);
}

// Users' WGSL.

fn effect(body: &str) -> String {
    format!("fn effect(p: vec2f) -> vec4f {{ {body} return vec4f(); }}")
}

#[test]
fn huge_arrays_in_constant_expressions_are_refused() {
    for text in [
        "fn image(p: vec2f) -> vec4f { return vec4f(-array<f32, 4000000000>()); }".to_owned(),
        effect("let a = -array<f32, 4000000000>();"),
        effect("let a = -array<array<f32, 60000>, 60000>();"),
        format!("const N = 30000 * 30000; {}", effect("let a = -array<f32, N>();")),
        format!("const N = 60000 * 60000; {}", effect("let a = -array<f32, N>();")),
        format!("const N = 1 << 30; {}", effect("let a = -array<f32, N>();")),
        format!("const N = ((0u - 1u) / 2u) + 1u; {}", effect("let a = -array<f32, N>();")),
        effect("let a = -array<f32, 1 << 2 + 28>();"),
        effect("let a = -array<f32, 4 ^ 1000000000>();"),
        format!("alias A = array<f32, 0x7fffffff>; {}", effect("let a = !A();")),
        format!("struct S {{ a: array<f32, 2000000000> }} {}", effect("let a = S() == S();")),
        format!("const a = array<vec4f, 1000000000>(); {}", effect("let b = select(a, a, true);")),
        effect("let a = abs(array<f32, 4000000000>());"),
        effect("let a = f32(array<f32, 4000000000>());"),
        effect("let a = vec4f(array<f32, 4000000000>());"),
        effect("let a = array<f32, 4000000000>() + 1.0;"),
        effect("let a = array<f32, 4000000000>()[3];"),
        effect("let a = ~array<mat4x4f, 200000000>();"),
        effect("const N = 2000000000; let a = -array<f32, N>();"),
        effect("var a: array<f32, 4> = -array<f32, /* */ 2000000000 // \n>();"),
    ] {
        let error = refusal(Parser::Wgsl, text.as_bytes());
        assert!(error.contains("64 KiB") || error.contains("whole number"), "{text}: {error}");
    }
}

#[test]
fn constants_and_types_that_double_are_refused() {
    let chain = |first: &str, next: &dyn Fn(usize) -> String, body: &str| {
        format!("{first} {} {}", (1..40).map(next).collect::<String>(), effect(body))
    };
    let twice = |i: usize| format!("const a{i} = array(a{0}, a{0}); ", i - 1);
    for text in [
        chain("const a0 = array(1.0, 1.0);", &twice, "let b = -a39;"),
        chain("const a0 = array(1.0, 1.0);", &twice, "let b = a39[0];"),
        chain("const a0 = array(1, 1);", &twice, "var b = a39; var c: array<f32, 2> = a0;"),
        // In the reverse order, and within a function.
        format!(
            "{} const a0 = array(1.0, 1.0); {}",
            (1..40).rev().map(twice).collect::<String>(),
            effect("let b = -a39;")
        ),
        effect(&format!("const a0 = array(1.0, 1.0); {} let b = -a39;", (1..40).map(twice).collect::<String>())),
        chain(
            "struct S0 { a: f32, b: f32 }",
            &|i| format!("struct S{i} {{ a: S{0}, b: S{0} }} ", i - 1),
            "let b = -S39();",
        ),
        chain("alias A0 = array<f32, 2>;", &|i| format!("alias A{i} = array<A{0}, 2>; ", i - 1), "let b = -A39();"),
    ] {
        let error = refusal(Parser::Wgsl, text.as_bytes());
        assert!(error.contains("64 KiB"), "{error}");
    }
}

#[test]
fn a_large_constant_that_is_used_often_is_refused_and_used_as_tables_are_is_not() {
    let table = format!("const t = array({});", "vec4f(1.0, 2.0, 3.0, -4.0),".repeat(1000));
    let often = format!("{table} {}", effect(&format!("var a = 0.0; {}", "a += t[5].x;".repeat(3000))));
    assert!(refusal(Parser::Wgsl, often.as_bytes()).contains("evaluated in at most 4194304 steps"));
    let now_and_then = format!("{table} {}", effect(&format!("var a = 0.0; {}", "a += t[u32(p.x)].x;".repeat(100))));
    let outcome = outcome(Parser::Wgsl, now_and_then.as_bytes());
    println!("{outcome:?}");
    assert!(outcome.said.is_ok() && outcome.peak < 300 << 20, "{outcome:?}");
}

#[test]
fn arrays_and_constants_as_people_write_them_are_accepted() {
    for text in [
        "const N = 3; const M = N * N; const KERNEL = array<f32, M>(1, 2, 1, 2, 4, 2, 1, 2, 1);
         fn effect(p: vec2f) -> vec4f { var sum = vec4f(); for (var i = 0; i < M; i++) {
         sum += KERNEL[i] * sample(p + vec2f(vec2i(i % N, i / N) - 1)); } return sum / 16.0; }",
        "const OFFSETS = array(vec2f(-1, 0), vec2f(1, 0), vec2f(0, 1)); const SIDE = 32u;
         var<private> grid: array<array<f32, SIDE>, SIDE>; struct Ray { start: vec3f, end: vec3f, hits: array<u32, 4> }
         fn effect(p: vec2f) -> vec4f { var ray = Ray(vec3f(p, 0), vec3f(), array(1u, 2u, 3u, 4u)); grid[3][4] = 1.0;
         let m = mat3x3f(1, 0, 0, 0, 1, 0, 0, 0, 1) * mat3x3f(); return vec4f(OFFSETS[ray.hits[1] % 3], grid[3][4], m[0][0]); }",
        "fn image(p: vec2f) -> vec4f { const x = 1.0; const y = x * 2.0; let x2 = y; var a = array<vec4f, (2 + 2)>();
         a[1] = vec4<f32>(x2); return a[1]; }",
        "const x = 2.0; fn f(y: f32) -> f32 { const z = x; return y * z; } fn image(p: vec2f) -> vec4f { let x = f(p.x); return vec4f(x); }",
    ] {
        println!("{}", outcome(Parser::Wgsl, text.as_bytes()).said.unwrap());
    }
}

#[test]
fn calls_that_double_are_refused_with_their_number_and_the_limit() {
    let calls = |count: usize| -> String {
        let twice = |i| format!("fn f{i}(x: f32) -> f32 {{ return f{0}(x) + f{0}(x); }} ", i - 1);
        format!("fn f0(x: f32) -> f32 {{ return x; }} {}", (1..count).map(twice).collect::<String>())
    };
    let text = format!("{}{}", calls(30), effect("let y = f29(p.x);"));
    assert!(text.len() < 2048);
    let error = refusal(Parser::Wgsl, text.as_bytes());
    assert!(error.contains("expected at most 512 calls a pixel in `effect` but found 1073741823"), "{error}");
    assert!(outcome(Parser::Wgsl, format!("{}{}", calls(9), effect("let y = f8(p.x);")).as_bytes()).said.is_ok());
    let long = format!("fn long(x: f32) -> f32 {{ var a = x; {} return a; }}", "a = a * x + 1.0;".repeat(500));
    let text = format!("{long} {}", effect(&"let y = long(p.x);".replace('y', "_y").repeat(1)));
    assert!(outcome(Parser::Wgsl, text.as_bytes()).said.is_ok());
    let text = format!("{long} {}", effect(&format!("var y = 1.0; {}", "y = long(y);".repeat(100))));
    let error = refusal(Parser::Wgsl, text.as_bytes());
    assert!(error.contains("expected at most 32768 expressions and statements a pixel in `effect`"), "{error}");
}

#[test]
fn the_largest_file_of_any_pattern_is_judged_in_time() {
    let patterns = [
        "var<",
        "/*",
        "//",
        "a",
        "0",
        "0.",
        "(",
        "[",
        "a<",
        "a<a,",
        "{",
        "}",
        "<",
        ">",
        "@",
        "é",
        "-",
        ".x",
        "\n",
        "fn f(",
        "fn f",
        "workgroupBarrier(",
        "fn workgroupBarrier() {} workgroupBarrier(",
        "var a: f32;",
        "const a = 1;",
        "const a",
        "struct S {",
        "struct Params {a: f32,}",
        "alias A = array<f32, 4>;",
        "array<",
        "array(",
        "array<f32, ",
        "a=a+a;",
        "if x {} ",
        "else ",
        "switch x { default {} }",
        "case 1: {}",
        "loop {",
        "for (;;) {",
        "let a = 1;",
        "params.",
        "previous(",
        "sample(",
    ];
    for pattern in patterns {
        let repeated = pattern.repeat((256 << 10) / pattern.len());
        refusal(Parser::Wgsl, repeated.as_bytes());
        for around in ["fn effect(p: vec2f) -> vec4f { ", "struct Params { a: f32, "] {
            let mut text = format!("{around}{repeated}");
            text.truncate((0..=256 << 10).rev().find(|&at| text.is_char_boundary(at)).unwrap());
            refusal(Parser::Wgsl, text.as_bytes());
        }
    }
    assert!(
        refusal(Parser::Wgsl, "a".repeat(1 << 20).as_bytes())
            .contains("expected at most 256 KiB of WGSL but found 1024")
    );
}

#[test]
fn large_files_that_are_good_wgsl_are_judged_in_time() {
    let times = |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<String>();
    for text in [
        format!(
            "{}{}",
            times(990, &|i| format!(
                "fn g{i}(x: f32) -> f32 {{ {} return x; }} ",
                "let a = x * 2.0 + 1.0; ".repeat(8).replace("let a", "_")
            )),
            effect("")
        ),
        format!("{}{}", times(990, &|i| format!("const c{i} = array(1, 2, 3, 4, 5, 6, 7, 8, 9, {i}); ")), effect("")),
        format!("struct Params {{ {} }} {}", times(256, &|i| format!("a{i}: f32, // {i}\n")), effect("")),
        format!(
            "struct S {{ {} }} {}",
            times(4000, &|i| format!("a{i}: f32, ")),
            effect(&format!("var s: S; {}", times(4000, &|i| format!("s.a{i} = 1.0; "))))
        ),
        effect(&times(5000, &|i| format!("let a{i} = p.x * {i}.0; "))),
        effect(&format!("switch i32(p.x) {{ {} default: {{}} }}", times(5000, &|i| format!("case {i}: {{ }} ")))),
        format!("{}{}", times(400, &|i| format!("alias A{i} = vec4f; var<private> v{i}: A{i}; ")), effect("")),
    ] {
        let outcome = outcome(Parser::Wgsl, text.as_bytes());
        println!("{} KiB: {:?} {} MiB {:?}", text.len() >> 10, outcome.time, outcome.peak >> 20, outcome.said);
    }
}

// Films through ffmpeg.

/// A folder with a film, and a secret one beside it; none without the program.
fn films() -> Option<tempfile::TempDir> {
    if ffmpeg::version().is_none() {
        eprintln!("skipped: this test needs the ffmpeg program; {}", ffmpeg::INSTALL);
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["secret.ts", "secret.mp4", "picture-1.tga", "picture-2.tga"] {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=0.2"]);
        let frames = if name.ends_with("tga") { "1" } else { "5" };
        command.args(["-frames:v", frames, "-pix_fmt", if name.ends_with("tga") { "rgb24" } else { "yuv420p" }]);
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
    let mut lists = vec![
        hls(&ts),
        hls("secret.ts"),
        hls(&format!("file:{ts}")),
        hls(&format!("subfile,,start,0,end,9999,,:{ts}")),
        hls(&format!("concat:{ts}|{ts}")),
        hls("data:video/mp2t;base64,AAAA"),
        hls("http://127.0.0.1:9/a.ts"),
        dash,
        "ffconcat version 1.0\nfile secret.mp4\n".to_owned(),
        format!("ffconcat version 1.0\nfile '{mp4}'\n"),
        format!(
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
        ),
        format!("[playlist]\nFile1={mp4}\nNumberOfEntries=1\n"),
        format!(
            "<SmoothStreamingMedia MajorVersion=\"2\" Duration=\"1\"><StreamIndex Type=\"video\" Url=\"{mp4}\"/></SmoothStreamingMedia>"
        ),
        format!("FFmpegSource2(\"{mp4}\")"),
        format!("import vapoursynth as vs\nvs.core.ffms2.Source('{mp4}').set_output()"),
        format!("movie={mp4}"),
        format!(
            "<?xml version=\"1.0\"?><CompositionPlaylist xmlns=\"http://www.smpte-ra.org/schemas/2067-3/2016\"><Id>{mp4}</Id></CompositionPlaylist>"
        ),
    ];
    lists.push(lists[0].replace('\n', "\r\n"));
    for list in lists {
        for ending in ["mp4", "m3u8", "mpd", "ffconcat", "sdp", "ism", "avs", "vpy", "lavfi", "ts", "txt", "xml", "imf"]
        {
            let path = film.with_extension(ending);
            fs::write(&path, &list).unwrap();
            let error = count(&path).err().unwrap_or_else(|| panic!("{list} as .{ending} gives frames"));
            assert!([ErrorKind::NotReadable, ErrorKind::NotSupported].contains(error.kind()), "{error:?}");
            fs::remove_file(&path).unwrap();
        }
    }
    fs::write(&film, hls(&ts)).unwrap();
    let error = count(&film).unwrap_err().to_string();
    assert!(
        error.contains("expected a film or a picture in one file but found a format that may name other files"),
        "{error}"
    );
    assert_eq!(count(&folder.path().join("secret.ts")).unwrap(), 5);
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
    let here = std::env::current_dir().unwrap();
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
        // Also by its name alone, as from the command line.
        let relative = SourceSpec::File(name.into());
        std::env::set_current_dir(folder.path()).unwrap();
        let info = open(&relative, &SourceOptions::default()).map(|source| source.info().frames);
        std::env::set_current_dir(&here).unwrap();
        assert_eq!(info.unwrap(), Some(5), "{name}");
        fs::remove_file(path(name)).unwrap();
    }
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
