//! Chunks of a recording are valid for Media Source Extensions: Chromium appends them to a `SourceBuffer` as they come,
//! plays and seeks. `make test` installs Chromium; see support/tools.rs.

mod support {
    pub mod browser;
    pub mod studio;
    pub mod tools;
}

use std::path::PathBuf;

use framereel::color::ColorSpace;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::recorder::{MediaRecorder, MediaRecorderOptions};
use framereel::stream::TrackGenerator;
use framereel::time::Span;
use serde_json::{Value, json};
use support::browser::judge;
use support::studio::{RATE, SOUND, Studio, lived};

const SIZE: Size = Size::new(320, 180);
/// Five seconds.
const FRAMES: u64 = 150;

/// A picture that tells its index: eight stripes, black or white, are its bits.
fn counting(index: u64) -> Frame {
    let (width, height) = (SIZE.width as usize, SIZE.height as usize);
    let row = (0..width).map(|x| if index >> (x * 8 / width) & 1 == 1 { 235 } else { 16 });
    let mut data: Vec<u8> = row.cycle().take(width * height).collect();
    data.resize(Frame::packed_len(PixelFormat::I420, SIZE), 128);
    Frame::packed(PixelFormat::I420, SIZE, ColorSpace::RECORDED, data).with_timestamp(RATE.timestamp(index))
}

/// What Chromium tells of the chunks of a recording of this studio, which it appends one by one.
fn appended(studio: &Studio, mime_type: &str, record: impl FnOnce(&Studio)) -> Option<Value> {
    let options = MediaRecorderOptions::default().with_mime_type(mime_type);
    let recorder = MediaRecorder::new(&studio.stream, options).unwrap();
    recorder.start(Span::from_secs(1)).unwrap();
    record(studio);
    recorder.stop();
    let life = lived(&recorder);
    assert_eq!(life.errors.len(), 0);
    let mime_type = recorder.mime_type();
    assert!(life.blobs.iter().all(|event| event.data.mime_type() == mime_type));

    let folder = tempfile::tempdir().unwrap();
    let chunks: Vec<(String, PathBuf)> = life
        .blobs
        .iter()
        .map(|event| &event.data)
        .filter(|data| !data.is_empty())
        .enumerate()
        .map(|(index, data)| {
            let path = folder.path().join(index.to_string());
            data.save(&path).unwrap();
            (index.to_string(), path)
        })
        .collect();
    assert_eq!(chunks.len(), 5, "{:?}", life.names);
    let files: Vec<_> = chunks.iter().map(|(name, path)| (name.as_str(), path.as_path())).collect();
    let points: Vec<_> = (0..8).map(|bit| [SIZE.width * (2 * bit + 1) / 16, SIZE.height / 2]).collect();
    let script = PLAY.replace("TYPE", &json!(mime_type).to_string()).replace("POINTS", &json!(points).to_string());
    let seen = judge(&files, &script)?;
    println!("{mime_type}: {seen}");
    Some(seen)
}

/// Chunk by chunk into a `SourceBuffer`; then plays, and seeks into the third chunk.
const PLAY: &str = "
    const type = TYPE;
    if (!MediaSource.isTypeSupported(type)) throw new Error(`${type} is not supported`);
    const media = new MediaSource();
    const video = document.createElement('video');
    video.muted = true;
    video.src = URL.createObjectURL(media);
    document.body.append(video);
    await event(media, 'sourceopen');
    const buffer = media.addSourceBuffer(type);
    const ends = [];
    for (const chunk of ['0', '1', '2', '3', '4']) {
      const bytes = await (await fetch('/' + chunk)).arrayBuffer();
      const ended = event(buffer, 'updateend');
      buffer.appendBuffer(bytes);
      await ended;
      if (buffer.buffered.length !== 1) throw new Error(`${buffer.buffered.length} ranges after chunk ${chunk}`);
      ends.push(buffer.buffered.end(0));
    }
    const from = buffer.buffered.start(0);
    const count = () => pixels(video, POINTS).reduce((sum, [red], bit) => sum + (red > 127) * 2 ** bit, 0);
    await video.play();
    for (const began = performance.now(); video.currentTime < 0.5 && performance.now() - began < 10_000;) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    video.pause();
    const played = video.currentTime;
    await seek(video, 2.51);
    const third = count();
    await seek(video, 0.71);
    const first = count();
    media.endOfStream();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await seek(video, 4.91);
    return { from, ends, played, third, first, last: count(), duration: video.duration };";

fn check(seen: &Value) {
    assert!(seen["from"].as_f64().unwrap() < 0.05, "{seen}");
    let ends: Vec<f64> = seen["ends"].as_array().unwrap().iter().map(|end| end.as_f64().unwrap()).collect();
    assert!(ends.windows(2).all(|pair| pair[1] > pair[0] + 0.5), "a chunk that brought nothing: {seen}");
    assert!(ends[0] > 0.5 && (ends[4] - 5.0).abs() < 0.05, "{seen}");
    assert!(seen["played"].as_f64().unwrap() >= 0.5, "it does not play: {seen}");
    // 2.51 s is in picture 75, 0.71 s in picture 21, 4.91 s in picture 147.
    assert_eq!([&seen["third"], &seen["first"], &seen["last"]].map(|index| index.as_u64().unwrap()), [75, 21, 147]);
    assert!((seen["duration"].as_f64().unwrap() - 5.0).abs() < 0.05, "{seen}");
}

#[test]
fn chunks_of_pictures_play_in_a_source_buffer() {
    for mime_type in ["", "video/mp4;codecs=\"av01.0.00M.08\""] {
        let studio = Studio::video_of(SIZE.width, SIZE.height);
        let seen = appended(&studio, mime_type, |studio| {
            let video = studio.video.as_ref().unwrap();
            (0..FRAMES).for_each(|index| video.write(counting(index)).unwrap());
        });
        if let Some(seen) = seen {
            check(&seen);
        }
    }
}

#[test]
fn chunks_of_pictures_with_sound_play_in_a_source_buffer() {
    for mime_type in ["", "video/mp4;codecs=\"av01.0.00M.08,opus\""] {
        let mut studio = Studio::video_of(SIZE.width, SIZE.height);
        let audio = TrackGenerator::audio(SOUND, 1, &studio.clock);
        studio.stream.add_track(audio.track());
        studio.audio = Some(audio);
        let seen = appended(&studio, mime_type, |studio| {
            let video = studio.video.as_ref().unwrap();
            for index in 0..FRAMES {
                video.write(counting(index)).unwrap();
                // A thirtieth of a second in whole milliseconds.
                studio.sound(index * 100 / 3..(index + 1) * 100 / 3);
            }
        });
        if let Some(seen) = seen {
            check(&seen);
        }
    }
}
