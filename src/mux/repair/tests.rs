use std::io::Cursor;

use super::*;
use crate::mux::ebml::{children, element, float, uint, unsigned};
use crate::mux::matroska::{Info, id, tests};
use crate::mux::{Detail, inspect};

fn repaired(bytes: &[u8]) -> Result<(Vec<u8>, Repaired)> {
    let mut output = Vec::new();
    let report = repair(Cursor::new(bytes), &mut output)?;
    assert_eq!(report.bytes_out, output.len() as u64);
    Ok((output, report))
}

/// The one element of this ID at the top of the segment.
fn part(bytes: &[u8], wanted: u32) -> &[u8] {
    let (_, segment) = children(bytes).nth(1).unwrap();
    children(segment).find(|(id, _)| *id == wanted).unwrap().1
}

#[test]
fn a_live_file_gets_sizes_cues_and_duration_and_keeps_every_byte_of_its_blocks() {
    let (output, report) = repaired(&tests::file(true)).unwrap();
    assert_eq!(report.faults, ["no duration", "no cues"]);
    assert_eq!((report.tracks[0].blocks, report.cues, report.duration_s), (3, 2, 0.12));
    let inspection = inspect(Cursor::new(&output), Detail::Clusters).unwrap();
    assert_eq!(inspection.faults, [""; 0]);
    assert_eq!((inspection.clusters.count, inspection.clusters.unknown_sizes), (2, 0));
    let segment = children(&output).nth(1).unwrap().1;
    let clusters = children(segment).filter(|(id, _)| *id == id::CLUSTER).map(|(_, data)| data);
    assert!(clusters.eq(tests::clusters()), "the clusters' data is another");
    assert_eq!(part(&output, id::TRACKS), part(&tests::file(false), id::TRACKS));
    assert_eq!(repaired(&output).unwrap().1.faults, [""; 0]);
    assert!(repaired(&output).unwrap().0 == output, "repaired twice is not the same");
}

#[test]
fn a_film_that_begins_late_keeps_its_times() {
    let cluster = [uint(id::TIMESTAMP, 5000, 2), tests::clusters()[0][3..].to_vec()].concat();
    let segment = [tests::headers(), tests::unsized_element(id::CLUSTER, &cluster)].concat();
    let bytes = [element(id::EBML, &[]), tests::unsized_element(id::SEGMENT, &segment)].concat();
    let (output, report) = repaired(&bytes).unwrap();
    assert_eq!(report.duration_s, 5.08);
    let found = inspect(Cursor::new(output), Detail::Numbers).unwrap();
    assert_eq!((found.tracks[0].first_s, found.tracks[0].last_s), (Some(5.0), Some(5.04)));
    assert_eq!(found.faults, [""; 0]);
}

#[test]
fn the_seek_head_leads_to_every_part() {
    let (output, _) = repaired(&tests::file(true)).unwrap();
    let (_, segment) = children(&output).nth(1).unwrap();
    let mut found = Vec::new();
    for (_, seek) in children(part(&output, id::SEEK_HEAD)) {
        let value = |wanted| children(seek).find(|(id, _)| *id == wanted).unwrap().1;
        let at = unsigned(value(id::SEEK_POSITION)) as usize;
        assert!(segment[at..].starts_with(value(id::SEEK_ID)));
        found.push(unsigned(value(id::SEEK_ID)) as u32);
    }
    assert_eq!(found, [id::INFO, id::TRACKS, id::CUES]);
}

#[test]
fn info_keeps_what_it_had_and_tags_come_before_the_clusters() {
    let info = [element(id::CRC_32, &[0; 4]), element(0x7ba9, b"A title"), element(id::MUXING_APP, b"some muxer")];
    let [first, second] = tests::clusters();
    let crc = element(id::CRC_32, &[1; 4]);
    let segment = [
        element(id::INFO, &info.concat()),
        element(id::TRACKS, &tests::headers()[tests::headers().len() - part(&tests::file(false), id::TRACKS).len()..]),
        tests::unsized_element(id::CLUSTER, &[crc, first].concat()),
        element(id::CLUSTER, &second),
        element(id::TAGS, b"tags"),
    ];
    let bytes = [element(id::EBML, &[]), tests::unsized_element(id::SEGMENT, &segment.concat())].concat();
    let (output, report) = repaired(&bytes).unwrap();
    assert_eq!(report.tracks[0].blocks, 3);
    let info = part(&output, id::INFO);
    let ids: Vec<_> = children(info).map(|(id, _)| id).collect();
    assert_eq!(ids, [0x7ba9, id::MUXING_APP, id::DURATION]);
    assert_eq!(Info::read(info).duration, Some(120.0));
    assert_eq!(children(info).last().and_then(|(_, data)| float(data)), Some(120.0));
    let order: Vec<_> = children(children(&output).nth(1).unwrap().1).map(|(id, _)| id).collect();
    assert_eq!(order, [id::SEEK_HEAD, id::INFO, id::TRACKS, id::TAGS, id::CUES, id::CLUSTER, id::CLUSTER]);
    assert_eq!(part(&output, id::CLUSTER), tests::clusters()[0], "a sum over what was left out stayed");
}

#[test]
fn a_file_cut_anywhere_keeps_its_whole_blocks_and_is_sound_again() {
    for unknown_sizes in [false, true] {
        let bytes = tests::file(unknown_sizes);
        let ends = [&b"one"[..], b"two", b"three"]
            .map(|data| bytes.windows(data.len()).position(|window| window == data).unwrap() + data.len());
        for cut in 0..=bytes.len() {
            let whole = ends.iter().filter(|&&end| end <= cut).count() as u64;
            match repaired(&bytes[..cut]) {
                Ok((output, report)) => {
                    assert_eq!(report.tracks[0].blocks, whole, "cut at {cut}");
                    let inspection = inspect(Cursor::new(output), Detail::Numbers).unwrap();
                    assert_eq!(inspection.faults, [""; 0], "cut at {cut}");
                }
                Err(error) => assert_eq!(whole, 0, "cut at {cut}: {error}"),
            }
        }
    }
}

#[test]
fn an_hour_long_cluster_of_garbage_is_one_gap() {
    let bytes = tests::file(true);
    let second = bytes.windows(4).rposition(|window| window == id::CLUSTER.to_be_bytes()).unwrap();
    let garbage = vec![0x5a; 300_000];
    let (_, report) = repaired(&[&bytes[..second], &garbage, &bytes[second..]].concat()).unwrap();
    // The block before the garbage, which nothing bounds, is left out with it.
    assert_eq!(report.tracks[0].blocks, 2);
    let [gap] = report.gaps[..] else { panic!("{report:?}") };
    assert!(gap.at < second as u64 && gap.at + gap.bytes == second as u64 + 300_000, "{gap:?}");
    assert!(report.faults[0].starts_with(&format!("garbage of {} bytes at byte {}", gap.bytes, gap.at)));

    let bytes = tests::file(false);
    let second = bytes.windows(4).rposition(|window| window == id::CLUSTER.to_be_bytes()).unwrap();
    let (_, report) = repaired(&[&bytes[..second], &garbage, &bytes[second..]].concat()).unwrap();
    assert_eq!((report.tracks[0].blocks, report.gaps[0]), (3, Gap { at: second as u64, bytes: 300_000 }));
}

#[test]
fn an_element_that_nobody_knows_is_kept_with_all_around_it() {
    let [first, second] = tests::clusters();
    let cluster = [first, element(0xa5, b"new"), second[3..].to_vec()].concat();
    let segment = [tests::headers(), element(0x4bcd, b"new"), tests::unsized_element(id::CLUSTER, &cluster)].concat();
    let (output, report) = repaired(&[element(id::EBML, &[]), element(id::SEGMENT, &segment)].concat()).unwrap();
    assert_eq!((report.tracks[0].blocks, report.faults.len()), (3, 3), "{report:?}");
    assert_eq!(part(&output, id::CLUSTER), cluster);
    assert_eq!(part(&output, 0x4bcd), b"new");
}

#[test]
fn a_file_with_any_byte_changed_is_repaired_to_a_sound_one_or_refused() {
    for unknown_sizes in [false, true] {
        let bytes = tests::file(unknown_sizes);
        for place in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, bytes[place] ^ 1] {
                let mut damaged = bytes.clone();
                damaged[place] = value;
                let Ok((output, _)) = repaired(&damaged) else { continue };
                let faults = inspect(Cursor::new(output), Detail::Numbers).unwrap().faults;
                // What lies in the blocks' heads is not for us to mend.
                let ours = |fault: &&String| !["block", "key frame"].iter().any(|word| fault.contains(word));
                assert!(!faults.iter().any(|fault| ours(&fault)), "byte {place} = {value:#x}: {faults:?}");
            }
        }
    }
}

#[test]
fn what_has_no_whole_frame_or_no_tracks_is_refused_before_anything_is_written() {
    let only_headers = [element(id::EBML, &[]), element(id::SEGMENT, &tests::headers())].concat();
    let no_tracks =
        [element(id::EBML, &[]), element(id::SEGMENT, &element(id::CLUSTER, &tests::clusters()[0]))].concat();
    for (bytes, words) in [
        (&b""[..], "expected a Matroska or WebM file but found an empty file"),
        (b"\x89PNG\r\n\x1a\n", "expected a Matroska or WebM file but found `\\x89PNG`"),
        (&only_headers, "expected at least one whole frame but found none: nothing can be repaired"),
        (&no_tracks, "expected tracks but found none: nothing can be repaired"),
    ] {
        let mut output = Vec::new();
        let error = repair(Cursor::new(bytes), &mut output).unwrap_err();
        assert_eq!((error.to_string().as_str(), output.len()), (words, 0));
    }
}
