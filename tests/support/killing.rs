//! Kills a recorder that runs in a process of its own, and examines the file that it leaves.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, iter, thread};

use framereel::audio::AudioBuffer;
use framereel::canvas::Canvas;
use framereel::clock::Clock;
use framereel::color::ColorSpace;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::mux::{Detail, inspect, repair};
use framereel::recorder::{FileSink, MediaRecorder, MediaRecorderOptions};
use framereel::stream::{MediaStream, MediaStreamTrack, TrackGenerator};
use framereel::time::{Span, Timestamp};
use serde_json::{Value, json};

use super::browser::judge;

const SIZE: Size = Size::new(320, 180);
const SOUND: u32 = 48_000;
const BUFFER: Span = Span::from_millis(20);

/// One run: its recording, its file, and the time of the kill.
#[derive(Debug, Clone)]
pub struct Case {
    number: u64,
    /// The file's extension, the encoder, its codec, and `alpha` where transparency is recorded.
    format: String,
    sound: bool,
    /// Whether a new frame comes once a second, rather than 30 times.
    still: bool,
    path: PathBuf,
    /// The time from the first frame to the kill.
    wait: Duration,
}

impl Case {
    /// How many kinds of recordings there are of each format.
    pub const KINDS: usize = 4;

    /// Run number `number`: all kinds of recordings in turn, killed at times that the seed decides.
    pub fn of_run(number: u64, seed: u64, formats: &[String], folder: &Path) -> Self {
        let kind = number as usize % (formats.len() * Self::KINDS);
        let format = formats[kind % formats.len()].clone();
        let extension = format.split(' ').next().expect("an extension");
        let path = folder.join(format!("{number}.{extension}"));
        let wait = Duration::from_millis(50 + random(seed << 32 | number) % 2950);
        let (sound, still) = (kind / formats.len() % 2 == 1, kind / formats.len() / 2 == 1);
        Self { number, format, sound, still, path, wait }
    }

    /// The case that this process must record, if it is a recorder.
    pub fn from_environment() -> Option<Self> {
        let text: Value = serde_json::from_str(&env::var("FRAMEREEL_KILLED").ok()?).expect("a case");
        Some(Self {
            number: 0,
            format: text["format"].as_str().expect("a name").to_owned(),
            sound: text["sound"] == true,
            still: text["still"] == true,
            path: text["path"].as_str().expect("a path").into(),
            wait: Duration::ZERO,
        })
    }

    /// Its kind.
    pub fn name(&self) -> String {
        let content = if self.still { "still" } else { "film" };
        format!("{}, {content}{}", self.format, if self.sound { ", sound" } else { "" })
    }

    fn extension(&self) -> &str {
        self.path.extension().and_then(|extension| extension.to_str()).expect("an extension")
    }
}

/// SplitMix64.
fn random(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Records in real time for ten seconds, or until it is killed. After writing to a track it prints `v` and the frame's
/// time, `a` and the sound's end, `t` and the current time, in nanoseconds of the recording.
pub fn record_until_killed(case: &Case) -> ! {
    let words: Vec<&str> = case.format.split(' ').collect();
    let [extension, encoder, codec, rest @ ..] = &words[..] else { panic!("{words:?}") };
    let alpha = rest == ["alpha"];
    let clock = Clock::real();
    let (mut pictures, video) = Pictures::new(alpha, &clock);
    let audio = case.sound.then(|| TrackGenerator::audio(SOUND, 1, &clock));
    let stream = MediaStream::new(iter::once(&video).chain(audio.as_ref().map(TrackGenerator::track)));
    let options = MediaRecorderOptions::default()
        .with_alpha(alpha)
        .with_encoder(encoder.parse().unwrap())
        .with_mime_type(&format!("video/{extension};codecs={codec}"));
    let recorder = MediaRecorder::new(&stream, options).unwrap();
    recorder.start_to(FileSink::create_new(&case.path).unwrap()).unwrap();
    pictures.draw(0);
    // Both kinds of recordings begin here: those with sound, and those with the first frame.
    let origin = clock.now();
    let interval = if case.still { Span::from_secs(1) } else { Span::from_nanos(33_333_333) };
    let tell = |what: char, time: Timestamp| println!("{what} {}", (time - origin).as_nanos());
    println!();
    let (mut shown, mut buffers) = (0, 0);
    while clock.now() - origin < Span::from_secs(10) {
        if clock.now() >= origin + times(interval, shown) {
            let timestamp = if shown == 0 { origin } else { clock.now() };
            pictures.show(timestamp);
            tell('v', timestamp);
            shown += 1;
            pictures.draw(shown as usize);
        }
        while let Some(audio) = &audio
            && clock.now() >= origin + times(BUFFER, buffers + 1)
        {
            let hum = (0..960).map(|index| ((buffers * 960 + index) as f32 * 0.0576).sin() * 0.3).collect();
            let sound = AudioBuffer::new(SOUND, origin + times(BUFFER, buffers), vec![hum]).unwrap();
            let end = sound.end();
            audio.write_audio(sound).unwrap();
            tell('a', end);
            buffers += 1;
        }
        tell('t', clock.now());
        thread::sleep(Duration::from_millis(5));
    }
    panic!("nobody killed the recorder");
}

fn times(span: Span, count: i64) -> Span {
    Span::from_nanos(span.as_nanos() * count)
}

/// Where the pictures come from. Only a canvas has transparency.
enum Pictures {
    Generator(TrackGenerator, Option<Frame>),
    Canvas(Box<Canvas>),
}

impl Pictures {
    fn new(alpha: bool, clock: &Clock) -> (Self, MediaStreamTrack) {
        if !alpha {
            let generator = TrackGenerator::video(SIZE, clock);
            let track = generator.track().clone();
            return (Self::Generator(generator, None), track);
        }
        let mut canvas = Canvas::new(&Gpu::new().unwrap(), SIZE).unwrap().with_clock(clock.clone());
        let track = canvas.capture_stream(None).unwrap().video_tracks().remove(0);
        (Self::Canvas(Box::new(canvas)), track)
    }

    /// Draws a picture that moves: grey, or more and less transparent.
    fn draw(&mut self, index: usize) {
        let (width, height) = (SIZE.width as usize, SIZE.height as usize);
        let value = |x: usize, y: usize| (x * y / 64 + index * 5) as u8;
        let mut values: Vec<u8> = (0..height).flat_map(|y| (0..width).map(move |x| value(x, y))).collect();
        match self {
            Self::Generator(_, frame) => {
                values.resize(Frame::packed_len(PixelFormat::I420, SIZE), 128);
                *frame = Some(Frame::packed(PixelFormat::I420, SIZE, ColorSpace::RECORDED, values));
            }
            Self::Canvas(canvas) => {
                let pixels = values.into_iter().flat_map(|value| [200, 100, 50, value]).collect();
                canvas.clear();
                canvas.draw(Frame::packed(PixelFormat::Rgba8, SIZE, ColorSpace::RECORDED, pixels));
            }
        }
    }

    /// Shows what was drawn: at this time, which for a canvas is now.
    fn show(&mut self, timestamp: Timestamp) {
        match self {
            Self::Generator(generator, frame) => {
                generator.write(frame.take().expect("a picture").with_timestamp(timestamp)).unwrap();
            }
            Self::Canvas(canvas) => canvas.present().unwrap(),
        }
    }
}

/// A finished run, and what had been written to the recorder by then, in seconds of the recording.
#[derive(Debug)]
pub struct Killed {
    pub case: Case,
    pictures: Vec<f64>,
    sound: f64,
    time: f64,
}

impl Killed {
    /// Runs this executable's `test` as the recorder, and kills it.
    pub fn after(case: &Case, test: &str) -> Self {
        let told = json!({ "format": case.format, "sound": case.sound, "still": case.still, "path": case.path });
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env("FRAMEREEL_KILLED", told.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut killed = Self { case: case.clone(), pictures: Vec::new(), sound: 0.0, time: 0.0 };
        let mut killer = None;
        // Its output before the kill can be read after it.
        for line in lines {
            let line = line.unwrap();
            let Some((what, Ok(nanos))) = line.split_once(' ').map(|(what, nanos)| (what, nanos.parse::<i64>())) else {
                continue;
            };
            let seconds = nanos as f64 / 1e9;
            match what {
                "v" => killed.pictures.push(seconds),
                "a" => killed.sound = seconds,
                "t" => killed.time = seconds,
                _ => {}
            }
            if what == "v" && killer.is_none() {
                let (wait, id) = (case.wait, child.id());
                killer = Some(thread::spawn(move || {
                    // The time of the kill is part of the case.
                    thread::sleep(wait);
                    Command::new("kill").args(["-9", &id.to_string()]).status().unwrap()
                }));
            }
        }
        let status = child.wait().unwrap();
        assert!(killer.is_some_and(|killer| killer.join().unwrap().success()), "no kill in {}", case.name());
        assert_eq!(status.code(), None, "{}: it ended by itself: {status}", case.name());
        killed
    }

    /// How many seconds of the input before the kill are lost, if the file has these packets.
    fn loss(&self, found: &Found) -> f64 {
        let last = found.last("video").unwrap_or(-1.0);
        let missing = self.pictures.iter().find(|&&time| time > last + 0.002).copied();
        let end = found.end_of_sound();
        let unheard = (self.sound > end + 0.002).then_some(end);
        let first = missing.into_iter().chain(unheard).fold(self.time, f64::min);
        self.time - first
    }
}

/// The result of ffprobe for a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// Kind, time and, for sound in WebM, duration of every packet, in seconds. ffprobe does not tell those of a growing MP4.
    packets: Vec<(String, f64, f64)>,
    /// The duration that the file states.
    duration: f64,
    complaints: String,
}

impl Found {
    fn of(path: &Path) -> Self {
        let mut ffprobe = Command::new("ffprobe");
        ffprobe.args(["-v", "error", "-of", "json", "-show_entries", "packet=codec_type,pts_time,duration_time"]);
        let output = ffprobe.args(["-show_entries", "format=duration"]).arg(path).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let number = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
        let is_mp4 = path.extension().is_some_and(|extension| extension == "mp4");
        let packet = |packet: &Value| {
            let kind = packet["codec_type"].as_str()?.to_owned();
            let duration = number(&packet["duration_time"]).filter(|_| kind == "audio" && !is_mp4).unwrap_or(0.0);
            Some((kind, number(&packet["pts_time"])?, duration))
        };
        Self {
            packets: found["packets"].as_array().into_iter().flatten().filter_map(packet).collect(),
            duration: number(&found["format"]["duration"]).unwrap_or(0.0),
            complaints: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn times(&self, kind: &str) -> Vec<f64> {
        self.packets.iter().filter(|packet| packet.0 == kind).map(|packet| packet.1).collect()
    }

    fn last(&self, kind: &str) -> Option<f64> {
        self.times(kind).last().copied()
    }

    /// The end of the last packet: sound has its own duration, a frame that of the one before it.
    fn end(&self) -> f64 {
        let pictures = self.times("video");
        let shown = pictures.windows(2).last().map_or(0.0, |pair| pair[1] - pair[0]);
        let seen = pictures.last().map_or(0.0, |last| last + shown);
        seen.max(self.end_of_sound())
    }

    fn end_of_sound(&self) -> f64 {
        self.last("audio").map_or(0.0, |last| last + BUFFER.as_secs_f64())
    }
}

/// ffmpeg's messages for a file that ends within a block of WebM or a fragment of MP4. It decodes all frames before.
const CUT: [&str; 2] = ["File ended prematurely", "partial file"];

fn is_cut(text: &str) -> bool {
    CUT.iter().any(|cut| text.contains(cut))
}

/// ffmpeg's messages while it decodes a whole file.
fn complaints(path: &Path) -> String {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(path).args(["-map", "0", "-fps_mode", "passthrough"]);
    ffmpeg.args(["-enc_time_base:v", "-1", "-f", "null", "-"]);
    let output = ffmpeg.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { text } else { format!("{text}\n{}", output.status) }
}

/// The result of examining the file that a killed recorder left.
#[derive(Debug)]
pub struct Verdict<'a> {
    pub killed: &'a Killed,
    /// How many seconds before the kill the first lost frame or sound was written.
    pub loss: f64,
    /// None where there is no whole frame.
    pub file: Option<Judged>,
}

#[derive(Debug)]
pub struct Judged {
    found: Found,
    /// Whether the file ends within a block: Linux may end a write to a file at a page's border when the process is killed.
    pub cut: bool,
    complaints: String,
    /// The error of the Duration that the file states, in seconds.
    pub duration_off: f64,
    /// Chromium's verdict; none where there is no Chromium.
    pub chromium: Option<Result<(), String>>,
    pub repaired: Result<Repaired, String>,
    pub chromium_repaired: Option<Result<(), String>>,
}

#[derive(Debug)]
pub struct Repaired {
    path: PathBuf,
    found: Found,
    pub duration_off: f64,
    faults: Vec<String>,
}

impl<'a> Verdict<'a> {
    pub fn of(killed: &'a Killed) -> Self {
        let path = &killed.case.path;
        let found = if path.exists() { Found::of(path) } else { Found::default() };
        let loss = killed.loss(&found);
        let file = (!found.packets.is_empty()).then(|| Judged {
            duration_off: killed.off(&found),
            cut: is_cut(&found.complaints),
            complaints: complaints(path),
            chromium: None,
            repaired: Repaired::of(killed, &found),
            chromium_repaired: None,
            found,
        });
        Self { killed, loss, file }
    }

    /// All faults.
    pub fn faults(&self, last: f64, exact: f64) -> Vec<String> {
        let mut faults = Vec::new();
        if self.loss > last {
            faults.push(format!("{:.3} s are lost", self.loss));
        }
        if let Some(file) = &self.file {
            if file.duration_off > last {
                faults.push(format!("the Duration is {:.3} s off", file.duration_off));
            }
            match &file.repaired {
                Err(error) => faults.push(format!("not repaired: {error}")),
                Ok(repaired) => {
                    faults.extend(repaired.faults.clone());
                    if repaired.duration_off > exact {
                        faults.push(format!("repaired, the Duration is {:.3} s off", repaired.duration_off));
                    }
                }
            }
            for (said, what) in [(&file.chromium, "Chromium"), (&file.chromium_repaired, "Chromium, repaired")] {
                faults
                    .extend(said.iter().filter_map(|said| said.as_ref().err()).map(|error| format!("{what}: {error}")));
            }
            let of_cut = |text: &str| file.cut && is_cut(text);
            for complaint in file.complaints.lines().chain(file.found.complaints.lines()) {
                if of_cut(complaint) {
                    continue;
                }
                faults.extend((!complaint.is_empty()).then(|| format!("ffmpeg complains: {complaint}")));
            }
        }
        faults.into_iter().map(|fault| format!("{self}: {fault}")).collect()
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Killed { case, time, .. } = self.killed;
        write!(f, "{:>3} {:<20} killed at {time:.3} s, lost {:.3} s", case.number, case.name(), self.loss)?;
        let Some(file) = &self.file else { return write!(f, ", no frame yet") };
        let count = |kind| file.found.times(kind).len();
        write!(f, ", {} pictures, {} of sound", count("video"), count("audio"))?;
        write!(f, ", ends at {:.3} s, says {:.3} s", file.found.end(), file.found.duration)
    }
}

impl Killed {
    /// The error of the stated Duration. A still frame without sound may last until the kill; MP4 states how long the last
    /// frame was shown, which ffprobe does not tell.
    fn off(&self, found: &Found) -> f64 {
        let end = found.end();
        let (earliest, latest) = match self.case.extension() {
            "mp4" => (found.end_of_sound().max(found.last("video").unwrap_or(0.0)), end.max(self.time)),
            _ if self.case.still && !self.case.sound => (end, end.max(self.time)),
            _ => (end, end),
        };
        (earliest - found.duration).max(found.duration - latest).max(0.0)
    }
}

impl Repaired {
    fn of(killed: &Killed, before: &Found) -> Result<Self, String> {
        let path = killed.case.path.with_extension(format!("repaired.{}", killed.case.extension()));
        let files = File::open(&killed.case.path).and_then(|from| Ok((from, File::create(&path)?)));
        let (from, mut to) = files.map_err(|error| error.to_string())?;
        repair(from, &mut to).map_err(|error| error.to_string())?;
        to.flush().map_err(|error| error.to_string())?;
        let found = Found::of(&path);
        let inspected = inspect(File::open(&path).unwrap(), Detail::Numbers).map_err(|error| error.to_string())?;
        let mut faults = inspected.faults;
        if inspected.cues.count == 0 {
            faults.push("repaired, it has no cues".into());
        }
        if found.packets != before.packets {
            faults.push(format!("{} packets, {} once repaired", before.packets.len(), found.packets.len()));
        }
        let complaints = complaints(&path);
        faults.extend((!complaints.is_empty()).then(|| format!("repaired, ffmpeg complains: {complaints}")));
        Ok(Self { duration_off: killed.off(&found), path, found, faults })
    }
}

/// Opens the files in Chromium and, once they are repaired, seeks to a frame in their middle.
pub fn judged_by_chromium(verdicts: &mut [Verdict<'_>]) {
    /// The time limit of one session.
    const AT_ONCE: usize = 20;
    let judged: Vec<_> =
        verdicts.iter_mut().filter_map(|verdict| Some((verdict.killed, verdict.file.as_mut()?))).collect();
    let mut judged = judged.into_iter().peekable();
    while judged.peek().is_some() {
        let mut batch: Vec<_> = judged.by_ref().take(AT_ONCE).collect();
        let mut files = Vec::new();
        let mut tasks = Vec::new();
        for (index, (killed, file)) in batch.iter().enumerate() {
            let Ok(repaired) = &file.repaired else { continue };
            let times = file.found.times("video");
            // From the middle frame to the one after it.
            let middle = times.len().saturating_sub(1) / 2;
            let middle = times.get(middle).map(|&time| (time, times.get(middle + 1).map_or(0.01, |next| next - time)));
            for (name, path, seeks) in [("killed", &killed.case.path, false), ("repaired", &repaired.path, true)] {
                let extension = killed.case.extension();
                files.push((format!("{index}-{name}.{extension}"), path.clone()));
                tasks.push(json!({
                    "index": index,
                    "url": format!("/{index}-{name}.{extension}"),
                    "repaired": seeks,
                    "seeks": seeks && middle.is_some(),
                    "time": middle.unwrap_or_default().0,
                    "shown": middle.unwrap_or_default().1,
                }));
            }
        }
        let named: Vec<_> = files.iter().map(|(name, path)| (name.as_str(), path.as_path())).collect();
        let Some(seen) = judge(&named, &LOOK.replace("TASKS", &json!(tasks).to_string())) else { return };
        for (task, seen) in tasks.iter().zip(seen.as_array().expect("a list")) {
            let file = &mut batch[task["index"].as_u64().unwrap() as usize].1;
            let repaired = task["repaired"] == true;
            let stated = if repaired { file.repaired.as_ref().unwrap().found.duration } else { file.found.duration };
            // Chromium makes a killed file longer when it finds packets beyond the stated end.
            let slack = if repaired { 0.002 } else { 1.0 };
            let right = seen["duration"].as_f64().is_some_and(|duration| (duration - stated).abs() < slack);
            let verdict = match seen["error"].as_str() {
                Some(error) => Err(error.to_owned()),
                None if right => Ok(()),
                None => Err(format!("{seen} where the file says {stated} s")),
            };
            *(if repaired { &mut file.chromium_repaired } else { &mut file.chromium }) = Some(verdict);
        }
    }
}

const LOOK: &str = "
    const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
    const soon = (work) => Promise.race([work, pause(10_000).then(() => { throw new Error('nothing for 10 s'); })]);
    const look = async ({ url, seeks, time, shown: length }) => {
      const video = await soon(open(url));
      const { duration, seekable } = video;
      if (!Number.isFinite(duration) || seekable.length !== 1) throw new Error(`duration ${duration}, ${seekable.length} ranges`);
      if (seekable.start(0) !== 0 || Math.abs(seekable.end(0) - duration) > 0.001) throw new Error('it does not seek anywhere');
      if (seeks) {
        const seeked = event(video, 'seeked');
        video.currentTime = time + length / 2;
        await soon(seeked);
        let shown;
        for (const began = performance.now(); performance.now() - began < 2000; await pause(5)) {
          try {
            const frame = new VideoFrame(video);
            shown = frame.timestamp / 1e6;
            frame.close();
          } catch (error) {
            // There is no verdict yet.
          }
          if (Math.abs(shown - time) < 0.002) break;
        }
        if (!(Math.abs(shown - time) < 0.002)) throw new Error(`it shows the picture of ${shown} s at ${time} s`);
      }
      return { duration };
    };
    return each(TASKS, look);";
