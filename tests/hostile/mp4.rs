//! MP4 files that no muxer would write, for repair and inspection.

use std::fs;

use crate::limited::{Parser, outcome, outcome_of_file};

/// A box of this type.
fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes()[..], kind, content].concat()
}

fn full(kind: &[u8; 4], flags: u32, fields: &[u32]) -> Vec<u8> {
    let fields: Vec<u8> = [flags].iter().chain(fields).flat_map(|field| field.to_be_bytes()).collect();
    boxed(kind, &fields)
}

/// A track of video whose table has these boxes.
fn track(id: u32, table: &[u8]) -> Vec<u8> {
    let tkhd = boxed(b"tkhd", &[&full(b"tkhd", 3, &[0, 0, id, 0, 0])[8..], &[0; 60]].concat());
    let hdlr = boxed(b"hdlr", &[&[0; 8][..], b"vide", &[0; 13]].concat());
    let entry = boxed(b"av01", &[0; 78]);
    let stsd = boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &entry].concat());
    let minf = boxed(b"minf", &boxed(b"stbl", &[stsd, table.to_vec()].concat()));
    let mdia = boxed(b"mdia", &[full(b"mdhd", 0, &[0, 0, 1000, 0, 0]), hdlr, minf].concat());
    boxed(b"trak", &[tkhd, mdia].concat())
}

/// The beginning of a file with these tracks.
fn head(tracks: &[u8]) -> Vec<u8> {
    let mvhd = boxed(b"mvhd", &[&full(b"mvhd", 0, &[0, 0, 1000, 0])[8..], &[0; 80]].concat());
    [boxed(b"ftyp", b"isom\0\0\0\0isom"), boxed(b"moov", &[mvhd, tracks.to_vec(), boxed(b"mvex", b"")].concat())]
        .concat()
}

fn fragment(trun: &[u8]) -> Vec<u8> {
    let traf = boxed(b"traf", &[full(b"tfhd", 0x2_0000, &[1]), trun.to_vec()].concat());
    boxed(b"moof", &[full(b"mfhd", 0, &[1]), traf].concat())
}

/// Both ways to read the file end within the limits. What it said to `inspect`.
#[track_caller]
fn walked(bytes: &[u8]) -> String {
    println!("{:?}", outcome(Parser::Repair, bytes));
    let inspected = outcome(Parser::Inspect, bytes);
    println!("{inspected:?}");
    inspected.said.unwrap()
}

#[test]
fn runs_of_four_billion_samples_without_a_byte_are_not_counted_to_the_end() {
    let moof = fragment(&full(b"trun", 0, &[u32::MAX]));
    let bytes = [head(&track(1, &[])), moof.repeat(100)].concat();
    let inspected = outcome(Parser::Inspect, &bytes);
    println!("{inspected:?}");
    assert!(inspected.said.unwrap().contains("no whole frame"));
    outcome(Parser::Repair, &bytes).said.unwrap_err();

    let table = [full(b"stsz", 0, &[1, u32::MAX]), full(b"stsc", 0, &[1, 1, u32::MAX, 1]), full(b"stco", 0, &[1, 0])];
    let faults = walked(&head(&track(1, &table.concat())));
    assert!(faults.contains("more than 10000000 samples, of which no more are read"), "{faults}");
    assert!(faults.contains("beyond the file's end"), "{faults}");
}

#[test]
fn samples_that_overlap_do_not_make_the_output_larger_than_the_input() {
    let size = 60_000;
    let table = [
        full(b"stsz", 0, &[size, 100_000]),
        full(b"stsc", 0, &[1, 1, 1, 1]),
        full(b"stco", 0, &[&[100_000][..], &vec![0; 100_000]].concat()),
    ];
    let said = outcome(Parser::Repair, &head(&track(1, &table.concat()))).said.unwrap_err();
    assert!(said.contains("as many as the file has, but found 6000000000"), "{said}");
}

#[test]
fn chunks_of_one_sample_by_the_million_stay_within_the_memory() {
    let count = 2_200_000;
    let offsets: Vec<u32> = [count].into_iter().chain((0..count).map(|index| index * 2)).collect();
    let table = [full(b"stsz", 0, &[1, count]), full(b"stsc", 0, &[1, 1, 1, 1]), full(b"stco", 0, &offsets)];
    let bytes = head(&track(1, &table.concat()));
    let said = outcome(Parser::Repair, &bytes).said.unwrap_err();
    assert!(said.contains("expected at most 2000000 stretches"), "{said}");
    println!("{:?}", outcome(Parser::Inspect, &bytes));
}

#[test]
fn boxes_are_not_read_by_the_length_that_they_declare() {
    // Holes of 40 GiB, which take no space on the disk.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hole.mp4");
    for kind in [b"moov", b"moof", b"mdat", b"ftyp"] {
        let size: u64 = 40 << 30;
        let hole = [&1_u32.to_be_bytes()[..], kind, &size.to_be_bytes()].concat();
        let bytes = [boxed(b"free", b""), hole].concat();
        fs::write(&path, &bytes).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_len(bytes.len() as u64 + (8 << 20)).unwrap();
        // As a file that is read whole: the hole ends after 8 MiB.
        let error = outcome_of_file(Parser::Inspect, &path).said.unwrap_err();
        assert!(error.contains("expected a moov"), "{error}");
    }
}

#[test]
fn false_fragments_do_not_slow_resynchronising_down() {
    let lure = [&64_u32.to_be_bytes()[..], b"moof", &16_u32.to_be_bytes(), b"mfhd"].concat();
    let garbage = [0xff; 8];
    let bytes = [head(&track(1, &[])), [&garbage[..], &lure].concat().repeat(200_000)].concat();
    let faults = walked(&bytes);
    assert!(faults.contains("garbage of"), "{faults}");
}

#[test]
fn times_at_the_end_of_all_numbers_are_no_panic() {
    let tfdt = boxed(b"tfdt", &[&[1, 0, 0, 0][..], &u64::MAX.to_be_bytes()].concat());
    let trun = full(b"trun", 0xb00, &[2, u32::MAX, 1, u32::MAX, u32::MAX, 1, 5]);
    let elst = boxed(b"edts", &full(b"elst", 0, &[2, u32::MAX, u32::MAX, u32::MAX, 0x7fff_ffff]));
    let plain = track(1, &[]);
    let with_edits = boxed(b"trak", &[&plain[8..], &elst].concat());
    for trak in [plain, with_edits] {
        let moof = fragment(&[tfdt.clone(), trun.clone()].concat());
        println!("{}", walked(&[head(&trak), moof.repeat(3), boxed(b"mdat", &[0; 99])].concat()));
    }
}
