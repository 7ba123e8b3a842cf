//! Chunks of a live recording become one file that seeks: those of framereel and those of Chromium. Checked with
//! Chromium. `make test` installs it; see support/tools.rs.

mod support {
    pub mod browser;
    pub mod packets;
    pub mod program;
    pub mod tools;
}

use std::io::Cursor;
use std::path::Path;
use std::process::Stdio;

use framereel::blob::Blob;
use framereel::mux::{Detail, Inspection, inspect};
use serde_json::{Value, json};
use support::browser::judge;
use support::packets::{hashes, tool};
use support::program::{Bench, y4m};

fn inspected(bytes: &[u8]) -> Inspection {
    inspect(Cursor::new(bytes), Detail::Numbers).expect("a file to inspect")
}

/// A film that tells which frame it shows: eight stripes, black or white, are the bits of the frame's index.
fn counting_film(frames: usize) -> Vec<u8> {
    y4m(640, 360, 25, frames, |frame, x, _| if frame >> (x * 8 / 640) & 1 == 1 { 235 } else { 16 })
}

/// What the page needs to look into a film: how long it is, where it seeks, and the frames of a counting film.
const LOOK: &str = "
    const look = async (url, times) => {
      const video = await open(url);
      const points = Array.from({ length: 8 }, (_, bit) => [video.videoWidth * (2 * bit + 1) / 16, video.videoHeight / 2]);
      const seen = [];
      for (const time of times) {
        await seek(video, time);
        seen.push(pixels(video, points.map(([x, y]) => [Math.floor(x), y]))
          .reduce((sum, [red], bit) => sum + (red > 127) * 2 ** bit, 0));
      }
      const { duration, seekable } = video;
      return { duration: String(duration), end: seekable.length ? String(seekable.end(0)) : 'none', seen };
    };";

/// Checks that ffprobe finds no duration in this file. Chromium is no judge of that: it knows the duration of a short file as
/// soon as it has read all of it.
#[track_caller]
fn has_no_duration(path: &Path) {
    let args = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"];
    if let Some(duration) = tool("ffprobe", &args, path) {
        assert_eq!(duration.trim(), "N/A", "{} is not live: this test proves nothing", path.display());
    }
}

fn seconds(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no number of seconds"))
}

#[cfg(unix)]
#[test]
fn a_live_recording_seeks_in_chromium_once_it_was_made_seekable() {
    let bench = Bench::new();
    bench.write("film.y4m", counting_film(132));
    // A pipe: the writer cannot go back to put in sizes, Cues and the Duration.
    let piped = bench.command(["record", "film.y4m", "-o", "/dev/stdout"]).stderr(Stdio::null()).output();
    let bytes = piped.expect("the program").stdout;
    let inspection = inspected(&bytes);
    assert_eq!(inspection.faults, ["no duration", "no cues"]);
    assert_eq!(inspection.clusters.unknown_sizes, inspection.clusters.count);

    let live = bench.write("live.webm", &bytes);
    // As a browser hands it over: in chunks of any length.
    let chunks = Blob::join(bytes.chunks(10_007).map(|chunk| Blob::new(chunk, "video/webm")));
    let seekable = chunks.into_seekable().expect("a seekable film");
    assert_eq!(seekable.mime_type(), "video/webm");
    let path = bench.path("seekable.webm");
    seekable.save(&path).expect("a saved film");
    assert_eq!(hashes(&live), hashes(&path));
    // From a file it is the same, and what is seekable stays as it is.
    let from_file = Blob::from_file(&live, "video/webm").expect("the film").into_seekable().expect("a seekable film");
    assert_eq!(from_file.bytes().expect("bytes"), seekable.bytes().expect("bytes"));
    assert_eq!(from_file.clone().into_seekable().expect("the same film").size(), from_file.size());

    has_no_duration(&live);
    let script = format!("{LOOK} return await look('/seekable.webm', [4.02, 1.02, 3.34, 0.02, 5.26]);");
    let Some(seen) = judge(&[("seekable.webm", &path)], &script) else { return };
    assert!((seconds(&seen["duration"]) - 5.28).abs() < 0.002, "{seen}");
    assert!((seconds(&seen["end"]) - 5.28).abs() < 0.002, "{seen}");
    assert_eq!(seen["seen"], json!([100, 25, 83, 0, 131]));
}

#[test]
fn what_chromium_itself_recorded_gets_cues_and_a_duration() {
    let bench = Bench::new();
    // Stripes that count up, with a tone, for a second and a half.
    let script = "
        const canvas = document.createElement('canvas');
        Object.assign(canvas, { width: 320, height: 180 });
        const context = canvas.getContext('2d');
        let count = 0;
        const draw = () => {
          for (let bit = 0; bit < 8; bit++) {
            context.fillStyle = count >> bit & 1 ? 'white' : 'black';
            context.fillRect(bit * 40, 0, 40, 180);
          }
          count++;
        };
        draw();
        const drawing = setInterval(draw, 40);
        const stream = canvas.captureStream(25);
        const audio = new AudioContext();
        const tone = audio.createOscillator();
        const sound = audio.createMediaStreamDestination();
        tone.connect(sound);
        tone.start();
        stream.addTrack(sound.stream.getAudioTracks()[0]);
        const recorder = new MediaRecorder(stream, { mimeType: 'video/webm;codecs=vp8,opus', videoKeyFrameIntervalDuration: 500 });
        const chunks = [];
        recorder.ondataavailable = ({ data }) => chunks.push(data);
        const stopped = event(recorder, 'stop');
        recorder.start(200);
        await new Promise((resolve) => setTimeout(resolve, 1800));
        recorder.stop();
        await stopped;
        clearInterval(drawing);
        const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
        return { sizes: chunks.map(({ size }) => size), bytes: Array.from(bytes) };";
    let Some(recorded) = judge(&[], script) else { return };
    let bytes = recorded["bytes"].as_array().expect("bytes").iter().map(|byte| byte.as_u64().expect("a byte") as u8);
    let bytes: Vec<u8> = bytes.collect();
    let sizes = recorded["sizes"].as_array().expect("sizes").iter().map(|size| size.as_u64().expect("a size") as usize);
    let before = inspected(&bytes);
    println!("{} bytes, {} clusters: {:?}", bytes.len(), before.clusters.count, before.faults);
    assert_eq!(before.faults, ["no duration", "no cues"]);

    let mut rest = &bytes[..];
    let chunks: Vec<_> = sizes
        .map(|size| {
            let (chunk, more) = rest.split_at(size);
            rest = more;
            Blob::new(chunk, "video/webm")
        })
        .collect();
    let seekable = Blob::join(chunks).into_seekable().expect("a seekable film");
    let after = inspected(&seekable.bytes().expect("bytes"));
    assert_eq!(after.faults, [""; 0]);
    let video = |found: &Inspection| found.tracks.iter().find(|track| track.width.is_some()).expect("video").clone();
    assert_eq!(video(&before), video(&after));
    assert_eq!(after.cues.count, video(&after).key_frames);
    let (live, path) = (bench.write("live.webm", &bytes), bench.path("seekable.webm"));
    seekable.save(&path).expect("a saved film");
    assert_eq!(hashes(&live), hashes(&path));

    has_no_duration(&live);
    let script = format!("{LOOK} return await look('/seekable.webm', [1, 0.5, 1.2]);");
    let Some(seen) = judge(&[("seekable.webm", &path)], &script) else { return };
    println!("{seen}");
    let declared = after.declared_duration_s.expect("a duration");
    assert!((seconds(&seen["duration"]) - declared).abs() < 0.002, "{seen}, {declared} s");
    assert!((1.0..3.0).contains(&declared), "{declared} s");
    let order: Vec<_> = seen["seen"].as_array().expect("frames").iter().map(|index| index.as_u64()).collect();
    assert!(order[1] < order[0] && order[0] < order[2], "{seen}");
}
