//! `framereel inspect`: the content and the faults of a file, as text or as JSON.

use framereel::blob::Blob;
use framereel::mux::inspect::{ClusterInspection, TrackInspection};
use framereel::mux::{self, Detail, Inspection, TrackType};
use framereel::{Error, ErrorKind, Result};

use super::args::InspectArgs;
use super::list::table;
use super::print;
use super::progress::megabytes;

/// Prints the file's content; an error when the file has faults.
pub fn run(args: &InspectArgs) -> Result<()> {
    let file = Blob::from_file(&args.file, "")?;
    let detail = if args.clusters { Detail::Clusters } else { Detail::Numbers };
    let found = mux::inspect(file.reader(), detail).map_err(|error| error.at(args.file.display()))?;
    if args.json {
        print(serde_json::to_string(&found).expect("a struct of numbers and strings is always JSON"))?;
    } else {
        print(text(&found, &args.file.display().to_string()))?;
    }
    if found.faults.is_empty() {
        return Ok(());
    }
    let count = found.faults.len();
    let faults = if count == 1 { "fault" } else { "faults" };
    let remedy = "`framereel repair` makes a file of what is whole";
    Err(Error::new(ErrorKind::NotReadable, format!("{count} {faults} found; {remedy}")).at(args.file.display()))
}

fn text(found: &Inspection, name: &str) -> String {
    let mp4 = found.container == "mp4";
    let container = match found.container.as_str() {
        "webm" => "WebM",
        "mp4" => "MP4",
        _ => "Matroska",
    };
    let mut lines = vec![("file".to_owned(), format!("{name}, {container}, {}", megabytes(found.bytes)))];
    let mut line = |name: &str, value: String| lines.push((name.to_owned(), value));
    match (&found.writing_app, &found.muxing_app) {
        (Some(writing), Some(muxing)) if writing != muxing => line("by", format!("{writing}, with {muxing}")),
        (Some(app), _) | (None, Some(app)) => line("by", app.clone()),
        (None, None) => {}
    }
    let measured = found.measured_duration_s;
    let block = if mp4 { "frame" } else { "block" };
    match found.declared_duration_s {
        Some(declared) => line("duration", format!("{declared:.3} s; the last {block} ends at {measured:.3} s")),
        None => line("duration", format!("not given; the last {block} ends at {measured:.3} s")),
    }
    for track in &found.tracks {
        line(&format!("track {}", track.number), what(track));
        line("", content(track));
        if track.blocks > 1 {
            line("", rhythm(track));
        }
    }
    let clusters = &found.clusters;
    let unknown = match clusters.unknown_sizes {
        0 => String::new(),
        count => format!(", {count} of unknown size"),
    };
    match (mp4, clusters.count) {
        (true, 0) => line("index", format!("of the whole file, with {} key frames", found.cues.count)),
        (true, count) => {
            line("index", "none of the whole file".to_owned());
            line("parts", format!("{count} fragments, up to {:.3} s long", clusters.longest_s));
        }
        (false, count) => {
            line("clusters", format!("{count}, up to {:.3} s long{unknown}", clusters.longest_s));
            line("cues", cues(found));
        }
    }
    for track in &found.tracks {
        if let Some(keys) = timeline(track, found) {
            line("keys", keys);
        }
    }
    let mut head = "faults";
    if found.faults.is_empty() {
        line(head, "none".to_owned());
    }
    for fault in &found.faults {
        line(head, fault.clone());
        head = "";
    }
    let lines = lines.iter().map(|(name, value)| format!("{name:<8} {value}"));
    let what = if mp4 { "FRAGMENT AT" } else { "CLUSTER AT" };
    lines.chain(clusters.list.as_deref().map(|clusters| list(what, clusters))).collect::<Vec<_>>().join("\n")
}

fn what(track: &TrackInspection) -> String {
    let kind = match track.kind {
        TrackType::Video => "video",
        TrackType::Audio => "audio",
        TrackType::Subtitle => "subtitles",
        _ => "other",
    };
    let mut words = vec![format!("{kind}, {}", track.codec.as_ref().unwrap_or(&track.codec_id))];
    words.extend(track.width.zip(track.height).map(|(width, height)| format!("{width}x{height}")));
    words.extend(track.alpha.then(|| "with transparency".to_owned()));
    words.extend(track.rate.map(|rate| format!("{rate} Hz")));
    words.extend(track.channels.map(|channels| format!("{channels} channel{}", if channels == 1 { "" } else { "s" })));
    if track.kind == TrackType::Video {
        words.extend(track.frame_rate.map(|rate| format!("{rate:.2} fps")));
    }
    words.join(", ")
}

fn content(track: &TrackInspection) -> String {
    let bytes = megabytes(track.bytes);
    match track.kind {
        TrackType::Video => {
            let keys = if track.key_frames == 1 { "key frame" } else { "key frames" };
            format!("{} frames, {} {keys}, {bytes}", track.blocks, track.key_frames)
        }
        _ => format!("{} packets, {bytes}", track.blocks),
    }
}

fn rhythm(track: &TrackInspection) -> String {
    let (first, last) = (track.first_s.unwrap_or(0.0), track.last_s.unwrap_or(0.0));
    let mut text = format!("from {first:.3} s to {last:.3} s, at most {:.3} s apart", track.largest_gap_s);
    if let (TrackType::Video, Some(keys)) = (track.kind, track.longest_key_interval_s) {
        text += &format!(", key frames {keys:.3} s");
    }
    text
}

fn cues(found: &Inspection) -> String {
    let cues = &found.cues;
    match (cues.count, cues.without_cluster + cues.without_key_frame) {
        (0, _) => "none".to_owned(),
        (count, 0) => format!("{count}, each at a key frame"),
        (count, wrong) => format!("{count}, {wrong} of which lead to no key frame"),
    }
}

/// A line with a mark for each key frame of a video track, if there are few enough to be distinguished.
fn timeline(track: &TrackInspection, found: &Inspection) -> Option<String> {
    const WIDTH: usize = 64;
    let keys = track.key_frames_s.as_ref().filter(|keys| (1..=WIDTH / 2).contains(&keys.len()))?;
    let end = found.measured_duration_s;
    if track.kind != TrackType::Video || end <= 0.0 {
        return None;
    }
    let mut line = vec!['-'; WIDTH];
    for key in keys {
        line[((key / end * WIDTH as f64) as usize).min(WIDTH - 1)] = 'K';
    }
    Some(format!("{} {end:.1} s", line.into_iter().collect::<String>()))
}

fn list(what: &str, clusters: &[ClusterInspection]) -> String {
    let head = [what, "TIME", "BLOCKS", "KEY FRAMES"].map(str::to_owned);
    let rows = clusters.iter().map(|cluster| {
        let time = cluster.first_s.map_or_else(String::new, |first| format!("{first:.3} s"));
        [cluster.at.to_string(), time, cluster.blocks.to_string(), cluster.key_frames.to_string()]
    });
    table(&[head].into_iter().chain(rows).collect::<Vec<_>>())
}
