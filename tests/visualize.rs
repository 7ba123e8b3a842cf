//! Visualizations of sound, `record --visualize`: recordings of known sounds, examined with ffmpeg.

mod support {
    pub mod program;
    pub mod tools;
}

use std::f64::consts::TAU;
use std::path::Path;
use std::process::Command;

use framereel::audio::{AudioBuffer, span_of};
use framereel::clock::Clock;
use framereel::filter::Visualization;
use framereel::frame::Size;
use framereel::gpu::Gpu;
use framereel::recorder::{FileSink, Media, record};
use framereel::source::SourceOptions;
use framereel::source::audio::{AudioInfo, AudioSource};
use framereel::source::visualize::VisualizationSource;
use framereel::time::{Span, Timestamp};
use support::program::{Bench, run};

const RATE: u32 = 48_000;
const WIDTH: usize = 640;
const HEIGHT: usize = 360;

/// A decoded picture, RGB.
struct Picture(Vec<u8>);

impl Picture {
    /// The strongest channel of a pixel.
    fn light(&self, x: usize, y: usize) -> u8 {
        let at = (y * WIDTH + x) * 3;
        self.0[at..at + 3].iter().copied().max().expect("three channels")
    }

    /// The row of a column's strongest pixel.
    fn brightest_row(&self, x: usize) -> usize {
        // All channels: red alone is as strong over many levels.
        let sum = |y: usize| self.0[(y * WIDTH + x) * 3..][..3].iter().map(|&byte| u32::from(byte)).sum::<u32>();
        (0..HEIGHT).max_by_key(|&y| sum(y)).expect("rows")
    }
}

fn ffmpeg(args: &[&str], path: &Path, to: &[&str]) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    let output = command.args(["-v", "error"]).args(args).arg("-i").arg(path).args(to).arg("-").output();
    let output = output.expect("ffmpeg, which `make test` installs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn pictures(path: &Path) -> Vec<Picture> {
    let bytes = ffmpeg(&[], path, &["-f", "rawvideo", "-pix_fmt", "rgb24"]);
    bytes.chunks_exact(WIDTH * HEIGHT * 3).map(|picture| Picture(picture.to_vec())).collect()
}

fn sound(path: &Path) -> Vec<f32> {
    let bytes = ffmpeg(&[], path, &["-f", "f32le", "-ac", "1", "-ar", "48000"]);
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// 440 Hz from `begin` to `end`, within `end` of sound; in seconds.
fn tone(bench: &Bench, amplitude: f64, begin: f64, end: f64) {
    let sine = format!("aevalsrc=if(gte(t\\,{begin})\\,{amplitude}*sin({TAU}*440*t)\\,0):s={RATE}:d={end}");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-f", "lavfi", "-i", &sine, "-c:a", "pcm_s16le"]).arg(bench.path("tone.wav"));
    run(&mut command, &[]).succeeded();
}

/// What the program makes of `tone.wav`.
fn visualized(bench: &Bench, kind: &str, more: &[&str]) -> Vec<Picture> {
    let args = ["record", "tone.wav", "--visualize", kind, "--size", "640x360", "--quality", "90", "-o", "out.webm"];
    bench.run(args.iter().chain(["--force"].iter()).chain(more)).succeeded();
    pictures(&bench.path("out.webm"))
}

/// Where a frequency is between 40 Hz and 16 kHz, 0 to 1, in even steps to the ear.
fn pitch(hertz: f64) -> f64 {
    (hertz / 40.0).ln() / 400_f64.ln()
}

#[test]
fn the_bar_of_a_tone_is_the_highest() {
    let bench = Bench::new();
    tone(&bench, 0.02, 0.0, 1.0);
    let pictures = visualized(&bench, "bars", &[]);
    assert_eq!(pictures.len(), 30);
    let last = pictures.last().expect("pictures");
    // The bars stand at 0.82 of the height; full ones reach up to 0.08.
    let floor = HEIGHT * 82 / 100;
    let heights: Vec<_> =
        (0..64).map(|bar| (0..floor).filter(|&y| last.light(bar * 10 + 5, y) > 110).count()).collect();
    let highest = (0..64).max_by_key(|&bar| heights[bar]).expect("bars");
    assert_eq!(highest, (64.0 * pitch(440.0)) as usize, "{heights:?}");
    // 0.02 of full scale, half in the other half of the spectrum, the window's 0.42, a decibel lost between two bins.
    let decibels = 20.0 * (0.02_f64 * 0.5 * 0.42).log10();
    let reach = heights[highest] as f64 / (0.74 * HEIGHT as f64) * 70.0 - 100.0;
    assert!((decibels - 3.0..decibels + 1.0).contains(&reach), "{reach} dB in place of {decibels}");
    assert!(heights[50..].iter().all(|&height| height < HEIGHT / 4), "{heights:?}");
}

#[test]
fn the_line_of_a_tone_begins_when_it_begins_and_lies_at_its_pitch() {
    let bench = Bench::new();
    tone(&bench, 0.05, 0.5, 1.0);
    let last = visualized(&bench, "spectrogram", &[]).pop().expect("pictures");
    let expected = (1.0 - pitch(440.0)) * HEIGHT as f64;
    for x in [WIDTH - 25, WIDTH - 15, WIDTH - 5] {
        let row = last.brightest_row(x);
        assert!((row as f64 - expected).abs() <= 4.0, "at {x} the line is at {row}, not at {expected}");
        assert!(last.light(x, row) > 150);
    }
    // Sixty looks a second, 512 in all; half a second of silence was before the tone, and nothing before that.
    let begins = (0..WIDTH).find(|&x| last.light(x, expected as usize) > 80).expect("a line");
    let since = (WIDTH - begins) as f64 / WIDTH as f64 * 512.0 / 60.0;
    assert!((since - 0.5).abs() < 0.06, "it begins {since} s before the end");
}

#[test]
fn a_wave_crosses_its_middle_as_often_as_the_tone_does() {
    let bench = Bench::new();
    tone(&bench, 0.6, 0.0, 0.5);
    let last = visualized(&bench, "wave", &[]).pop().expect("pictures");
    let side = |x: usize| {
        let lit: Vec<_> = (0..HEIGHT).filter(|&y| last.light(x, y) > 150).collect();
        assert!(!lit.is_empty(), "no wave at {x}");
        lit.iter().sum::<usize>() as f64 / lit.len() as f64 > HEIGHT as f64 / 2.0
    };
    let sides: Vec<_> = (0..WIDTH).map(side).collect();
    let crossings = sides.windows(2).filter(|pair| pair[0] != pair[1]).count();
    // 22 cycles in 50 ms.
    assert!((43..=45).contains(&crossings), "{crossings}");
    let top = (0..HEIGHT).find(|&y| (0..WIDTH).any(|x| last.light(x, y) > 150)).expect("a wave");
    assert!((top as f64 / HEIGHT as f64 - 0.2).abs() < 0.02, "its top is at {top}");
}

#[test]
fn pictures_and_sound_of_a_beep_are_in_time_and_the_sound_is_kept() {
    let bench = Bench::new();
    let args = ["record", "tone", "--visualize", "wave", "--size", "640x360", "--duration", "2s", "-o", "out.webm"];
    let report = bench.json(args.iter().chain(&["--json"]));
    assert_eq!((&report["frames_encoded"], &report["frames_dropped"]), (&60.into(), &0.into()));
    let path = bench.path("out.webm");
    // The beep, half of full scale, from the first second on.
    let loud = |picture: &Picture| (0..WIDTH).any(|x| picture.light(x, HEIGHT / 4 + 3) > 120);
    let seen = pictures(&path).iter().enumerate().skip(10).position(|(_, picture)| loud(picture));
    assert_eq!(seen, Some(20), "the beep is seen from picture 30 on");
    let heard = sound(&path);
    let begins = heard.iter().skip(24_000).position(|sample| sample.abs() > 0.25).expect("a beep") + 24_000;
    assert!(begins.abs_diff(48_000) < 480, "the beep is heard from sample {begins} on");
    assert!(heard.len().abs_diff(96_000) < 1_000, "{} samples", heard.len());
}

#[test]
fn filters_apply_and_no_sound_is_recorded_where_none_is_asked_for() {
    let bench = Bench::new();
    tone(&bench, 0.1, 0.0, 0.2);
    let plain = visualized(&bench, "bars", &[]).pop().expect("pictures");
    let inverted = visualized(&bench, "bars", &["--filter", "invert(1)", "--audio", "none"]).pop().expect("pictures");
    for (x, y) in [(2, 2), (WIDTH - 3, 5), (WIDTH / 2, 20)] {
        assert!(plain.light(x, y) < 40 && inverted.light(x, y) > 215, "at {x}, {y}");
    }
    assert!(bench.json(["inspect", "out.webm", "--json"]).to_string().matches("\"codec\"").count() == 1);
}

#[test]
fn what_has_pictures_is_refused_and_a_song_with_a_cover_is_not() {
    let bench = Bench::new();
    tone(&bench, 0.1, 0.0, 0.2);
    let refused = |args: &[&str], words: &[&str]| bench.run(["record"].iter().chain(args)).failed(2, words);
    refused(&["pattern", "--visualize", "bars"], &["expected a source of sound alone to --visualize"]);
    refused(&["tone.wav", "--visualize", "bars", "-o", "tone.ogg"], &["expected an output that holds pictures"]);
    refused(&["tone.wav", "--visualize", "cubes"], &["expected one of wave, bars, spectrogram but found `cubes`"]);
    let made = |name: &str, arguments: &[&str]| {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-i"]).arg(bench.path("tone.wav"));
        command.args(["-f", "lavfi", "-i", "testsrc=s=64x64:r=25:d=0.2", "-map", "0", "-map", "1"]);
        run(command.args(arguments).arg(bench.path(name)), &[]).succeeded();
    };
    made("film.mp4", &["-pix_fmt", "yuv420p"]);
    refused(&["film.mp4", "--visualize", "bars"], &["found a film"]);
    made("song.mp3", &["-frames:v", "1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-disposition:v", "attached_pic"]);
    bench.run(["record", "song.mp3", "--visualize", "bars", "--size", "64x64"]).succeeded();
    assert!(bench.names().contains(&"song.webm".to_owned()));
}

/// A microphone that hears 440 Hz, 20 ms at a time, as time goes on.
struct LiveTone {
    info: AudioInfo,
    clock: Clock,
    began: Timestamp,
    next: u64,
}

impl LiveTone {
    fn new() -> Self {
        let info = AudioInfo::new("live", RATE, 1).with_endless(true);
        Self { info, clock: Clock::real(), began: Timestamp::ZERO, next: 0 }
    }
}

impl AudioSource for LiveTone {
    fn info(&self) -> &AudioInfo {
        &self.info
    }

    fn is_live(&self) -> bool {
        true
    }

    fn begin_at(&mut self, time: Timestamp, clock: &Clock) {
        (self.began, self.clock) = (time, clock.clone());
    }

    fn next_buffer(&mut self) -> framereel::Result<Option<AudioBuffer>> {
        let length = u64::from(RATE) / 50;
        let heard = self.began + span_of(self.next + length, RATE);
        while self.clock.now() < heard {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let sample = |at: u64| (0.3 * (TAU * 440.0 * at as f64 / f64::from(RATE)).sin()) as f32;
        let samples = (self.next..self.next + length).map(sample).collect();
        let timestamp = Timestamp::ZERO + span_of(self.next, RATE);
        self.next += length;
        AudioBuffer::new(RATE, timestamp, vec![samples]).map(Some)
    }
}

#[test]
fn a_live_sound_is_seen_and_heard_as_time_goes_on() {
    let bench = Bench::new();
    let path = bench.path("live.webm");
    let options = SourceOptions::default().with_size(Size::new(WIDTH as u32, HEIGHT as u32));
    let source = VisualizationSource::new(Box::new(LiveTone::new()), Visualization::Wave, &options).unwrap();
    let media = Media::with_sound(Box::new(source)).unwrap();
    assert!(media.is_live() && media.is_endless());
    let sink = FileSink::create_new(&path).unwrap();
    let report = record(media).duration(Span::from_secs(2)).run(&Gpu::new().unwrap(), sink).unwrap();
    assert!(report.frames_encoded >= 10, "{report:?}");
    assert!((1.8..2.2).contains(&report.duration_s), "{report:?}");
    let heard = sound(&path);
    // Each tenth of a second holds 44 cycles. On a machine that stands still for a moment, silence is recorded
    // meanwhile.
    let cycles = |part: &[f32]| part.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    let cycles: Vec<_> = heard.chunks(4_800).map(cycles).collect();
    let whole = cycles.iter().filter(|cycles| (43..=45).contains(*cycles)).count();
    assert!(whole >= 13, "{cycles:?} {report:?}");
    let last = pictures(&path).pop().expect("pictures");
    assert!((0..HEIGHT).any(|y| last.light(WIDTH / 2, y) > 120));
}
