//! Tracks that a test writes to, a recorder from start to end, and ffmpeg's view of the file.
#![allow(dead_code, reason = "each test file uses its part")]

use std::ops::Range;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use framereel::Error;
use framereel::audio::AudioBuffer;
use framereel::blob::Blob;
use framereel::clock::Clock;
use framereel::color::ColorSpace;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::recorder::{BlobEvent, Event, Events, MediaRecorder, MediaRecorderOptions};
use framereel::stream::{MediaStream, TrackGenerator};
use framereel::time::{FrameRate, Span, Timestamp};
use tempfile::NamedTempFile;

pub const RATE: FrameRate = FrameRate::whole(30);
pub const SOUND: u32 = 48_000;
/// The time after which a call counts as hanging.
pub const TIMEOUT: Duration = Duration::from_secs(60);
const SIDE: u32 = 64;

/// A stream whose tracks the test writes to, with a clock of stamps, 30 frames a second.
pub struct Studio {
    pub stream: MediaStream,
    pub clock: Clock,
    pub video: Option<TrackGenerator>,
    pub audio: Option<TrackGenerator>,
}

impl Studio {
    pub fn video() -> Self {
        Self::video_of(SIDE, SIDE)
    }

    pub fn video_of(width: u32, height: u32) -> Self {
        let clock = Clock::stamped();
        let video = TrackGenerator::video(Size::new(width, height), &clock);
        Self { stream: MediaStream::new([video.track()]), clock, video: Some(video), audio: None }
    }

    pub fn audio() -> Self {
        let clock = Clock::stamped();
        let audio = TrackGenerator::audio(SOUND, 1, &clock);
        Self { stream: MediaStream::new([audio.track()]), clock, video: None, audio: Some(audio) }
    }

    pub fn both() -> Self {
        let mut studio = Self::video();
        let audio = TrackGenerator::audio(SOUND, 1, &studio.clock);
        studio.stream.add_track(audio.track());
        studio.audio = Some(audio);
        studio
    }

    pub fn recorder(&self) -> MediaRecorder {
        MediaRecorder::new(&self.stream, MediaRecorderOptions::default()).unwrap()
    }

    /// Writes these frames, none of them dark.
    pub fn frames(&self, frames: Range<u64>) {
        let video = self.video.as_ref().expect("a video track");
        frames.for_each(|index| video.write(frame(index)).unwrap());
    }

    /// Writes a hum of this many milliseconds.
    pub fn sound(&self, millis: Range<u64>) {
        self.samples(millis.start * 48..millis.end * 48);
    }

    /// Writes these frames and a hum of the same length, the sound of each frame before it.
    pub fn frames_with_sound(&self, frames: Range<u64>) {
        for index in frames {
            self.frames(index..index + 1);
            self.samples(index * 1600..index * 1600 + 1600);
        }
    }

    /// Writes a hum of this many samples.
    pub fn samples(&self, samples: Range<u64>) {
        let start = Timestamp::ZERO + framereel::audio::span_of(samples.start, SOUND);
        let hum = samples.map(|index| (index as f32 * 0.0576).sin() * 0.3).collect();
        self.audio
            .as_ref()
            .expect("an audio track")
            .write_audio(AudioBuffer::new(SOUND, start, vec![hum]).unwrap())
            .unwrap();
    }

    pub fn set_muted(&self, muted: bool) {
        self.video.iter().chain(&self.audio).for_each(|track| track.set_muted(muted));
    }

    /// Waits until this many frames are written.
    pub fn wait_for(&self, recorder: &MediaRecorder, frames: u64) {
        let began = Instant::now();
        while recorder.progress().frames < frames {
            assert!(began.elapsed() < Duration::from_secs(20), "only {} frames", recorder.progress().frames);
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A grey frame that changes from one to the next, at its time.
pub fn frame(index: u64) -> Frame {
    frame_of(Size::new(SIDE, SIDE), 120 + (index % 4) as u8 * 10, RATE.timestamp(index))
}

/// A plain frame.
pub fn frame_of(size: Size, luma: u8, timestamp: Timestamp) -> Frame {
    let mut data = vec![128; Frame::packed_len(PixelFormat::I420, size)];
    data[..size.pixels() as usize].fill(luma);
    Frame::packed(PixelFormat::I420, size, ColorSpace::RECORDED, data).with_timestamp(timestamp)
}

/// The events of a recorder until its end.
pub struct Life {
    pub names: Vec<&'static str>,
    pub blobs: Vec<BlobEvent>,
    pub errors: Vec<Error>,
}

impl Life {
    /// All blobs joined, on disk.
    pub fn file(&self) -> Judged {
        Judged::new(&Blob::join(self.blobs.iter().map(|event| event.data.clone())))
    }
}

/// Takes all events to the end; the end must come.
pub fn lived(recorder: &MediaRecorder) -> Life {
    lived_by(&recorder.events())
}

pub fn lived_by(events: &Events) -> Life {
    let mut life = Life { names: Vec::new(), blobs: Vec::new(), errors: Vec::new() };
    while !events.is_over() {
        let event = events.next_within(Span::from_secs(30));
        let event = event.unwrap_or_else(|| panic!("no event for 30 s after {:?}", life.names));
        life.names.push(names(&event));
        match event {
            Event::DataAvailable(blob) => life.blobs.push(blob),
            Event::Error(error) => life.errors.push(error),
            _ => {}
        }
    }
    life
}

/// An event by its name on the Web.
pub fn names(event: &Event) -> &'static str {
    match event {
        Event::Start => "start",
        Event::Pause => "pause",
        Event::Resume => "resume",
        Event::DataAvailable(_) => "dataavailable",
        Event::Error(_) => "error",
        Event::Stop => "stop",
        _ => panic!("an event that the Web has not: {event:?}"),
    }
}

/// A file, examined with ffmpeg. `make test` installs ffmpeg.
pub struct Judged(NamedTempFile);

impl Judged {
    /// The file of this name, in its present state.
    pub fn at(path: &std::path::Path) -> Self {
        Self::new(&Blob::from_file(path, "video/webm").unwrap())
    }

    pub fn new(blob: &Blob) -> Self {
        let file = tempfile::Builder::new().suffix(".webm").tempfile().unwrap();
        std::fs::write(file.path(), blob.bytes().unwrap()).unwrap();
        let judged = Self(file);
        let complaints = judged.asked(
            "ffmpeg",
            &["-v", "error", "-i", "FILE", "-fps_mode", "passthrough", "-enc_time_base:v", "-1", "-f", "null", "-"],
        );
        assert_eq!(String::from_utf8_lossy(&complaints), "", "ffmpeg complains");
        judged
    }

    pub fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    /// A program's output for the file; nothing may be printed on standard error.
    fn asked(&self, program: &str, args: &[&str]) -> Vec<u8> {
        let path = self.0.path().to_str().unwrap();
        let args = args.iter().map(|arg| if *arg == "FILE" { path } else { arg });
        let mut command = Command::new(program);
        let output = command.args(args).stdin(Stdio::null()).output().expect("`make test` installs ffmpeg");
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{program}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    fn entries(&self, args: &[&str]) -> Vec<String> {
        let mut all = vec!["-v", "error", "-of", "csv=p=0"];
        all.extend(args);
        all.push("FILE");
        let text = String::from_utf8(self.asked("ffprobe", &all)).unwrap();
        text.lines().map(|line| line.trim_end_matches(',').to_owned()).filter(|line| !line.is_empty()).collect()
    }

    /// The tracks' codecs.
    pub fn tracks(&self) -> Vec<String> {
        self.entries(&["-show_entries", "stream=codec_name"])
    }

    /// How many frames can be decoded.
    pub fn frames(&self) -> usize {
        let found =
            self.entries(&["-count_frames", "-select_streams", "v:0", "-show_entries", "stream=nb_read_frames"]);
        found[0].parse().unwrap()
    }

    /// The times of a stream's packets, in seconds.
    pub fn times(&self, stream: &str) -> Vec<f64> {
        let found = self.entries(&["-select_streams", stream, "-show_entries", "packet=pts_time"]);
        found.iter().map(|time| time.parse().unwrap()).collect()
    }

    /// The times of the key frames, in seconds.
    pub fn keys(&self) -> Vec<f64> {
        let found = self.entries(&["-select_streams", "v:0", "-show_entries", "packet=pts_time,flags"]);
        let keys = found.iter().filter_map(|line| line.split_once(',')).filter(|(_, flags)| flags.starts_with('K'));
        keys.map(|(time, _)| time.parse().unwrap()).collect()
    }

    /// The duration that the file states, in seconds.
    pub fn duration(&self) -> f64 {
        self.entries(&["-show_entries", "format=duration"])[0].parse().unwrap()
    }

    /// The mean luma of every frame.
    pub fn luma(&self) -> Vec<f64> {
        let args = [
            "-v",
            "error",
            "-i",
            "FILE",
            "-fps_mode",
            "passthrough",
            "-enc_time_base",
            "-1",
            "-vf",
            "scale=1:1:flags=area,format=gray",
        ];
        let raw = self.asked("ffmpeg", &[&args[..], &["-f", "rawvideo", "-"]].concat());
        raw.iter().map(|&luma| f64::from(luma)).collect()
    }

    /// The sound's samples, in time from the file's beginning.
    pub fn samples(&self) -> Vec<f32> {
        let args = ["-v", "error", "-i", "FILE", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", "48000"];
        let raw = self.asked("ffmpeg", &[&args[..], &["-f", "f32le", "-"]].concat());
        raw.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    }

    /// The root mean square of the sound between these seconds.
    pub fn loudness(&self, from: f64, to: f64) -> f64 {
        let samples = self.samples();
        let part = &samples[(from * 48e3) as usize..(to * 48e3) as usize];
        (part.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / part.len() as f64).sqrt()
    }
}

/// The time this many milliseconds into a recording.
pub fn at(millis: i64) -> Timestamp {
    Timestamp::ZERO + Span::from_millis(millis)
}

/// Calls this on another thread, and returns its result; fails when it hangs.
pub fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, done) = mpsc::channel();
    let thread = std::thread::spawn(move || drop(sender.send(work())));
    match done.recv_timeout(TIMEOUT) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => std::panic::resume_unwind(thread.join().unwrap_err()),
    }
}
