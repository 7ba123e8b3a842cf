//! Sound alone as Ogg Opus and as WAV: recorded from tracks that the test writes to, examined with ffmpeg and Chromium.

mod support {
    pub mod browser;
    pub mod program;
    pub mod studio;
    pub mod tools;
}

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use framereel::audio::{AudioBuffer, span_of};
use framereel::blob::Blob;
use framereel::clock::Clock;
use framereel::recorder::{Destination, FileSink, MediaRecorder, MediaRecorderOptions, Pieces, Replay};
use framereel::stream::{MediaStream, TrackGenerator};
use framereel::time::{Span, Timestamp};
use serde_json::json;
use support::browser::judge;
use support::studio::lived;

const OGG: &str = "audio/ogg;codecs=opus";
const WAV: &str = "audio/wav";
/// Opus's rate.
const RATE: u32 = 48_000;

/// An audio track that is written by hand, and a recorder of it. Time goes by stamps.
struct Booth {
    recorder: MediaRecorder,
    stream: MediaStream,
    track: TrackGenerator,
    rate: u32,
}

impl Booth {
    fn new(mime_type: &str, rate: u32, channels: usize) -> Self {
        Self::with(MediaRecorderOptions::default().with_mime_type(mime_type), rate, channels)
    }

    fn with(options: MediaRecorderOptions, rate: u32, channels: usize) -> Self {
        let track = TrackGenerator::audio(rate, channels, &Clock::stamped());
        let stream = MediaStream::new([track.track()]);
        Self { recorder: MediaRecorder::new(&stream, options).unwrap(), stream, track, rate }
    }

    /// Writes these samples of each channel from sample `from` on, 10 ms at a time.
    fn write(&self, from: usize, channels: &[Vec<f32>]) {
        let length = self.rate as usize / 100;
        for begin in (0..channels[0].len()).step_by(length) {
            let end = (begin + length).min(channels[0].len());
            let timestamp = Timestamp::ZERO + span_of((from + begin) as u64, self.rate);
            let part = channels.iter().map(|channel| channel[begin..end].to_vec()).collect();
            self.track.write_audio(AudioBuffer::new(self.rate, timestamp, part).unwrap()).unwrap();
        }
    }

    /// What it records until now, all blobs joined.
    fn end(&self) -> Blob {
        self.recorder.stop();
        let life = lived(&self.recorder);
        assert!(life.errors.is_empty(), "{:?}", life.errors);
        Blob::join(life.blobs.into_iter().map(|event| event.data))
    }

    /// Waits until so much is written.
    fn wait_for(&self, length: Span) {
        let began = std::time::Instant::now();
        while self.recorder.progress().recorded < length {
            assert!(began.elapsed() < Duration::from_secs(20), "only {}", self.recorder.progress().recorded);
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A tone that rises from 200 to 4000 Hz within a second, again and again: no two places of a second are alike.
fn chirp(rate: u32, samples: usize) -> Vec<f32> {
    let wave = |at: usize| {
        let time = at as f64 / f64::from(rate) % 1.0;
        (std::f64::consts::TAU * (200.0 * time + 1_900.0 * time * time)).sin() * 0.5
    };
    (0..samples).map(|at| wave(at) as f32).collect()
}

/// How many samples `found` is late, by cross-correlation over up to 600 samples either way.
fn lag(found: &[f32], expected: &[f32]) -> i64 {
    const MOST: usize = 600;
    let length = found.len().min(expected.len()) - 2 * MOST;
    let alike = |lag: usize| {
        let pairs = found[lag..lag + length].iter().zip(&expected[MOST..MOST + length]);
        pairs.map(|(a, b)| f64::from(a * b)).sum::<f64>()
    };
    let best = (0..=2 * MOST).max_by(|a, b| alike(*a).total_cmp(&alike(*b)));
    best.unwrap() as i64 - MOST as i64
}

/// The effective value of the difference.
fn difference(found: &[f32], expected: &[f32]) -> f64 {
    let squares: f64 = found.iter().zip(expected).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (squares / found.len().min(expected.len()) as f64).sqrt()
}

/// A blob as a file with this extension, in a folder that goes with it.
struct Saved(#[expect(dead_code, reason = "it holds the folder")] tempfile::TempDir, PathBuf);

fn saved(blob: &Blob, extension: &str) -> Saved {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound").with_extension(extension);
    std::fs::write(&path, blob.bytes().unwrap()).unwrap();
    Saved(folder, path)
}

/// What a program prints, without a complaint. `make test` installs ffmpeg.
fn asked(program: &str, args: &[&str], path: &Path, rest: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(args).arg(path).args(rest).stdin(Stdio::null()).output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{program} {}: {complaints}", path.display());
    output.stdout
}

/// The samples of each channel that ffmpeg decodes, from the file's beginning on.
fn heard(path: &Path, channels: usize) -> Vec<Vec<f32>> {
    heard_of(path, channels, "error")
}

/// The same of a file that may break off within a page or a sample, which ffmpeg reports and plays up to there.
fn heard_of_part(path: &Path) -> Vec<f32> {
    heard_of(path, 1, "fatal").remove(0)
}

fn heard_of(path: &Path, channels: usize, complaints: &str) -> Vec<Vec<f32>> {
    let raw = asked("ffmpeg", &["-v", complaints, "-i"], path, &["-f", "f32le", "-"]);
    let samples: Vec<f32> = raw.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    (0..channels).map(|channel| samples.iter().skip(channel).step_by(channels).copied().collect()).collect()
}

/// What ffprobe says: codec, rate, channels and duration.
fn probed(path: &Path) -> (String, f64) {
    let entries = "stream=codec_name,sample_rate,channels:format=duration";
    let text = asked("ffprobe", &["-v", "error", "-of", "csv=p=0", "-show_entries", entries], path, &[]);
    let text = String::from_utf8(text).unwrap();
    let (stream, duration) = text.trim().split_once('\n').unwrap();
    (stream.to_owned(), duration.parse().unwrap())
}

/// As 16 bits hold it.
fn rounded(samples: &[f32]) -> Vec<f32> {
    samples.iter().map(|sample| (sample * 32_768.0).round() / 32_768.0).collect()
}

#[test]
fn ogg_holds_every_sample_at_its_time_and_not_one_more() {
    for channels in [1, 2] {
        for samples in [1, 100, 647, 648, 649, 960, 961, 4_800, 48_000, 59_263] {
            let booth = Booth::new(OGG, RATE, channels);
            booth.recorder.start(None).unwrap();
            let sound = vec![chirp(RATE, samples); channels];
            booth.write(0, &sound);
            let blob = booth.end();
            assert_eq!(blob.mime_type(), OGG);
            let Saved(_, path) = &saved(&blob, "ogg");
            let heard = heard(path, channels);
            assert_eq!(heard[0].len(), samples, "{channels} channels");
            if samples > 4_800 {
                let (stream, duration) = probed(path);
                assert_eq!(stream, format!("opus,48000,{channels}"));
                // ffprobe counts the pre-skip too.
                let exact = samples as f64 / f64::from(RATE);
                assert!((exact..exact + 0.0066).contains(&(duration + 1e-6)), "{duration} for {exact}");
                // By the packets' times too, as an editor places it.
                let args = ["-af", "aresample=async=1:first_pts=0", "-ac", "1", "-f", "f32le", "-"];
                let raw = asked("ffmpeg", &["-v", "error", "-i"], path, &args);
                let placed: Vec<f32> = raw.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
                assert_eq!(lag(&placed, &sound[0]), 0);
                for channel in &heard {
                    assert_eq!(lag(channel, &sound[0]), 0, "{samples} samples");
                    // From the first sample on: nothing is left out.
                    assert!(difference(&channel[..2_000], &sound[0]) < 0.03, "{}", difference(channel, &sound[0]));
                }
            }
        }
    }
}

#[test]
fn wav_holds_the_samples_themselves_at_the_tracks_own_rate() {
    for (rate, channels, samples) in [(16_000, 1, 20_011), (44_100, 2, 44_100), (48_000, 2, 1), (11_025, 1, 11_026)] {
        let booth = Booth::new(WAV, rate, channels);
        booth.recorder.start(None).unwrap();
        let mut sound = vec![chirp(rate, samples); channels];
        sound.last_mut().unwrap().iter_mut().for_each(|sample| *sample /= 2.0);
        booth.write(0, &sound);
        let Saved(_, path) = &saved(&booth.end(), "wav");
        let (stream, duration) = probed(path);
        assert_eq!(stream, format!("pcm_s16le,{rate},{channels}"));
        assert!((duration - samples as f64 / f64::from(rate)).abs() < 1e-5, "{duration}");
        for (found, written) in heard(path, channels).iter().zip(&sound) {
            assert!(*found == rounded(written), "{rate} {channels}");
        }
    }
}

#[test]
fn gaps_are_silent_overlaps_are_cut_and_another_rate_is_brought_to_the_files() {
    let booth = Booth::new(WAV, 16_000, 1);
    booth.recorder.start(None).unwrap();
    let sound = chirp(16_000, 16_000);
    booth.write(4_000, &[sound[4_000..8_000].to_vec()]);
    booth.write(7_000, &[sound[7_000..9_000].to_vec()]);
    // A fifth of a second later, at another rate and on two channels.
    let at = Timestamp::ZERO + Span::from_millis(800);
    let other: Vec<f32> = chirp(48_000, 48_000)[38_400..].to_vec();
    booth.track.write_audio(AudioBuffer::new(48_000, at, vec![other.clone(), other]).unwrap()).unwrap();
    let Saved(_, path) = &saved(&booth.end(), "wav");
    let heard = &heard(path, 1)[0];
    assert_eq!(heard.len(), 16_000);
    assert!(heard[..4_000].iter().chain(&heard[9_000..12_700]).all(|&sample| sample == 0.0));
    assert!(heard[4_000..9_000] == rounded(&sound[4_000..9_000]));
    assert!(difference(&heard[12_900..15_900], &sound[12_900..]) < 0.01);
}

#[test]
fn a_pause_is_cut_out_to_the_sample() {
    for (mime_type, extension) in [(OGG, "ogg"), (WAV, "wav")] {
        let booth = Booth::new(mime_type, RATE, 1);
        let sound = chirp(RATE, 72_000);
        booth.recorder.start(None).unwrap();
        booth.write(0, &[sound[..24_000].to_vec()]);
        booth.recorder.pause().unwrap();
        booth.write(24_000, &[sound[24_000..48_000].to_vec()]);
        booth.recorder.resume().unwrap();
        booth.write(48_000, &[sound[48_000..].to_vec()]);
        let Saved(_, path) = &saved(&booth.end(), extension);
        let heard = &heard(path, 1)[0];
        let expected = [&sound[..24_000], &sound[48_000..]].concat();
        assert_eq!(heard.len(), 48_000, "{extension}");
        assert_eq!((lag(&heard[..24_000], &expected), lag(&heard[24_000..], &expected[24_000..])), (0, 0));
        if extension == "wav" {
            assert!(*heard == rounded(&expected));
        }
    }
}

#[test]
fn pieces_play_each_and_lose_no_sample_between_them() {
    for (mime_type, extension) in [(OGG, "ogg"), (WAV, "wav")] {
        let booth = Booth::new(mime_type, RATE, 1);
        let sound = chirp(RATE, 100_001);
        let folder = tempfile::tempdir().unwrap();
        let name = |number: u32| folder.path().join(format!("{number}.{extension}"));
        let names: Vec<_> = (0..9).map(name).collect();
        let opened = names.clone();
        let open = move |number: u32| FileSink::create_new(&opened[number as usize]);
        let pieces = Pieces::new(open).with_length(Span::from_millis(500));
        booth.recorder.start_to(Destination::Files(pieces)).unwrap();
        booth.write(0, std::slice::from_ref(&sound));
        booth.end();
        assert_eq!(booth.recorder.report().files, 5);
        let pieces: Vec<Vec<f32>> = names[1..6].iter().map(|path| heard(path, 1).remove(0)).collect();
        for piece in &pieces[..4] {
            assert!((24_000..=24_960).contains(&piece.len()), "{}", piece.len());
        }
        let mut from = 0;
        for piece in &pieces[..4] {
            assert_eq!(lag(piece, &sound[from..]), 0, "{extension} from {from}");
            from += piece.len();
        }
        for (index, piece) in pieces[1..4].iter().enumerate() {
            // As well as in the middle of a file.
            let from: usize = pieces[..=index].iter().map(Vec::len).sum();
            assert!(difference(&piece[..960], &sound[from..]) < 0.02, "{}", difference(&piece[..960], &sound[from..]));
        }
        let joined = pieces.concat();
        assert_eq!(joined.len(), sound.len(), "{extension}");
        if extension == "wav" {
            assert!(joined == rounded(&sound));
        }
    }
}

#[test]
fn pieces_by_size_are_nearly_as_large_as_asked_and_no_larger() {
    for (mime_type, extension, channels) in [(OGG, "ogg", 1), (WAV, "wav", 2)] {
        let booth = Booth::new(mime_type, RATE, channels);
        let folder = tempfile::tempdir().unwrap();
        let name = |number: u32| folder.path().join(format!("{number}.{extension}"));
        let names: Vec<_> = (0..40).map(name).collect();
        let opened = names.clone();
        let open = move |number: u32| FileSink::create_new(&opened[number as usize]);
        booth.recorder.start_to(Destination::Files(Pieces::new(open).with_bytes(40_000))).unwrap();
        booth.write(0, &vec![chirp(RATE, 6 * 48_000); channels]);
        booth.end();
        let files = booth.recorder.report().files as usize;
        assert!(files > 1);
        for path in &names[1..files] {
            let size = path.metadata().unwrap().len();
            assert!((34_000..=40_000).contains(&size), "{size} in {}", path.display());
        }
    }
}

#[test]
fn a_growing_file_plays_and_lacks_a_fifth_of_a_second_at_most_wherever_it_breaks_off() {
    for (mime_type, extension) in [(OGG, "ogg"), (WAV, "wav")] {
        let booth = Booth::new(mime_type, RATE, 1);
        let sound = chirp(RATE, 96_000);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("growing").with_extension(extension);
        booth.recorder.start_to(FileSink::create_new(&path).unwrap()).unwrap();
        let cut = folder.path().join("cut").with_extension(extension);
        for second in 0..2 {
            let begin = second * 48_000;
            booth.write(begin, &[sound[begin..begin + 48_000].to_vec()]);
            let written = span_of((begin + 48_000) as u64, RATE);
            booth.wait_for(written - Span::from_millis(40));
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&cut, &bytes).unwrap();
            let whole = heard(&cut, 1).remove(0);
            assert!(whole.len() + 9_600 >= begin + 48_000, "{extension}: {} of {}", whole.len(), begin + 48_000);
            assert_eq!(lag(&whole, &sound), 0);
            // Of a file of which only a part reached the disk, that part plays.
            for part in [3, 5, 7, 9] {
                let length = bytes.len() * part / 10 + part;
                std::fs::write(&cut, &bytes[..length]).unwrap();
                let found = heard_of_part(&cut);
                let due = whole.len() * part / 10;
                assert!(found.len() + 12_000 >= due, "{extension}: {} of {due}", found.len());
                assert_eq!(lag(&found, &sound), 0);
            }
        }
        booth.end();
        assert_eq!(heard(&path, 1)[0].len(), 96_000);
    }
}

#[test]
fn slices_joined_are_the_file_and_a_replay_is_a_whole_one() {
    for (mime_type, extension) in [(OGG, "ogg"), (WAV, "wav")] {
        let booth = Booth::new(mime_type, RATE, 1);
        let sound = chirp(RATE, 96_000);
        booth.recorder.start(Span::from_millis(300)).unwrap();
        booth.write(0, std::slice::from_ref(&sound));
        booth.recorder.stop();
        let life = lived(&booth.recorder);
        assert!(life.blobs.len() > 4, "{:?}", life.names);
        let joined = Blob::join(life.blobs.into_iter().map(|event| event.data));
        let Saved(_, path) = &saved(&joined, extension);
        let found = heard(path, 1).remove(0);
        assert_eq!((found.len(), lag(&found, &sound)), (96_000, 0), "{extension}");
        if extension == "wav" {
            assert_eq!(joined.bytes().unwrap()[40..44], [0xff; 4], "nobody knew how long it would be");
        }

        let options = MediaRecorderOptions::default().with_mime_type(mime_type);
        let booth = Booth::with(options.clone(), RATE, 1);
        let replay = Replay::new(Span::from_millis(500)).with_options(options).start(&booth.stream).unwrap();
        booth.write(0, std::slice::from_ref(&sound));
        let length = |blob: &Blob| heard(&saved(blob, extension).1, 1).remove(0);
        // What is kept arrives when it does: then it is the last half second but for what is in the encoder.
        let began = std::time::Instant::now();
        let kept = loop {
            let kept = length(&replay.save().unwrap());
            // A decoder hears the first packets of a stream that it joins with faults.
            let is_at = |at: usize| kept.len() > 20_000 && difference(&kept[3_840..], &sound[at + 3_840..]) < 0.03;
            if (71_000..73_000).any(is_at) {
                break kept;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{extension}: {} samples", kept.len());
        };
        assert!(kept.len() <= 24_960, "{extension}: {}", kept.len());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replay").with_extension(extension);
        let recorder = replay.record(FileSink::create_new(&path).unwrap()).unwrap();
        recorder.stop();
        assert!(lived(&recorder).errors.is_empty());
        assert!((23_900..=26_000).contains(&heard(&path, 1)[0].len()), "{extension}");
    }
}

#[test]
fn limits_of_time_and_of_size_hold() {
    for (mime_type, extension) in [(OGG, "ogg"), (WAV, "wav")] {
        let options = MediaRecorderOptions::default().with_mime_type(mime_type);
        let booth = Booth::with(options.clone().with_time_limit(Span::from_millis(1_234)), RATE, 1);
        booth.recorder.start(None).unwrap();
        booth.write(0, &[chirp(RATE, 72_000)]);
        let Saved(_, path) = &saved(&booth.end(), extension);
        assert_eq!(heard(path, 1)[0].len(), 59_232, "{extension}");

        let booth = Booth::with(options.clone().with_size_limit(20_000), RATE, 1);
        booth.recorder.start(None).unwrap();
        booth.write(0, &[chirp(RATE, 4 * 48_000)]);
        let blob = booth.end();
        assert!((17_000..=20_000).contains(&blob.size()), "{extension}: {}", blob.size());
        let Saved(_, path) = &saved(&blob, extension);
        assert!(!heard(path, 1)[0].is_empty());
    }
}

#[test]
fn chromium_plays_ogg_wav_and_webm_of_sound_alone_at_their_time() {
    let sound = chirp(RATE, 100_001);
    // A click that stands out of silence, at sample 60000.
    let mut click = vec![0.0; 100_001];
    click[60_000..60_024].copy_from_slice(&[0.9; 24]);
    let files: Vec<(&str, Saved)> = [("a.ogg", OGG), ("a.wav", WAV), ("a.webm", "audio/webm")]
        .into_iter()
        .map(|(name, mime_type)| {
            let booth = Booth::new(mime_type, RATE, 2);
            booth.recorder.start(None).unwrap();
            booth.write(0, &[sound.clone(), click.clone()]);
            (name, saved(&booth.end(), name.rsplit('.').next().unwrap()))
        })
        .collect();
    let files: Vec<(&str, &Path)> = files.iter().map(|(name, Saved(_, path))| (*name, path.as_path())).collect();
    let script = format!(
        "const seen = {{}};
         for (const name of {}) {{
           const context = new OfflineAudioContext(2, 1, {RATE});
           const decoded = await context.decodeAudioData(await (await fetch('/' + name)).arrayBuffer());
           const samples = decoded.getChannelData(1);
           const onset = samples.findIndex((sample) => Math.abs(sample) > 0.4);
           const element = new Audio();
           const loaded = event(element, 'loadeddata');
           element.src = '/' + name;
           await loaded;
           const seeked = event(element, 'seeked');
           element.currentTime = 1.5;
           await seeked;
           seen[name] = {{ length: decoded.length, onset, duration: element.duration, at: element.currentTime }};
         }}
         return seen;",
        json!(files.iter().map(|(name, _)| name).collect::<Vec<_>>())
    );
    let Some(seen) = judge(&files, &script) else { return };
    println!("{seen}");
    for (name, most) in [("a.ogg", 0), ("a.wav", 0), ("a.webm", 960)] {
        let number = |what: &str| seen[name][what].as_f64().unwrap_or_else(|| panic!("{what} of {name} in {seen}"));
        assert!((100_001.0..=100_001.0 + f64::from(most)).contains(&number("length")), "{name}: {seen}");
        assert!((number("onset") - 60_000.0).abs() <= if name == "a.wav" { 0.0 } else { 4.0 }, "{name}: {seen}");
        assert!((number("duration") - 2.08335).abs() < 0.021, "{name}: {seen}");
        assert!((number("at") - 1.5).abs() < 1e-6, "{name}: {seen}");
    }
}
