//! One job, done by framereel and by its peers in turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::chain::{CHAINS, Chain};
use crate::encoder::{BITS, ENCODERS, Encoder};
use crate::film::Film;
use crate::results::{Figures, Row};
use crate::tool;
use crate::unencoded;

/// What all jobs have in common.
#[derive(Debug)]
pub struct Session {
    /// framereel's program.
    pub program: PathBuf,
    pub film: Film,
    /// For what is recorded.
    pub folder: PathBuf,
    pub threads: usize,
    pub runs: usize,
}

#[derive(Debug)]
pub struct Job {
    pub encoder: &'static Encoder,
    pub chain: &'static Chain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Ffmpeg,
    /// ffmpeg encodes decoded frames: what the whole path costs beside the encoder alone.
    FfmpegEncoder,
    Gstreamer,
    GstreamerEncoder,
}

impl Peer {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ffmpeg => "ffmpeg",
            Self::FfmpegEncoder => "ffmpeg, the encoder alone",
            Self::Gstreamer => "GStreamer",
            Self::GstreamerEncoder => "GStreamer, the encoder alone",
        }
    }
}

/// Every chain with its encoders. The first encoder takes the least time.
pub fn jobs() -> Vec<Job> {
    let of_chain = |chain: &'static Chain| {
        let encoders = if chain.every_encoder { &ENCODERS[..] } else { &ENCODERS[..1] };
        encoders.iter().map(move |encoder| Job { encoder, chain })
    };
    CHAINS.iter().flat_map(of_chain).collect()
}

impl Job {
    pub fn peers(&self) -> Vec<Peer> {
        match (self.chain.is_none(), self.encoder.gstreamer) {
            (false, _) => vec![Peer::Ffmpeg],
            (true, None) => vec![Peer::Ffmpeg, Peer::FfmpegEncoder],
            (true, Some(_)) => vec![Peer::Ffmpeg, Peer::FfmpegEncoder, Peer::Gstreamer, Peer::GstreamerEncoder],
        }
    }
}

/// Why there are no figures.
#[derive(Debug, Clone)]
enum Problem {
    NotHere(String),
    Failed(String),
}

/// One program that does the job, and the seconds of its runs.
struct Candidate {
    command: Command,
    file: PathBuf,
    seconds: Vec<f64>,
}

impl Candidate {
    fn run(&mut self) -> Result<(), Problem> {
        let began = Instant::now();
        let ran = tool::run(&mut self.command);
        self.seconds.push(began.elapsed().as_secs_f64());
        // GStreamer finds out only when it has read the film's beginning.
        let missing =
            |error: &String| error.lines().find(|line| line.starts_with("Missing decoder:")).map(str::to_owned);
        ran.map(|_| ()).map_err(|error| match missing(&error) {
            Some(decoder) => Problem::NotHere(decoder.split(" (").next().unwrap_or_default().replacen('M', "m", 1)),
            None => Problem::Failed(error),
        })
    }
}

impl Session {
    /// Measures a job against these peers: a row for each.
    pub fn measure(&self, job: &Job, peers: &[Peer]) -> Vec<Row> {
        let mut ours = self.framereel(job);
        let mut others: Vec<_> = peers.iter().map(|&peer| self.peer(job, peer)).collect();
        for _ in 0..self.runs {
            // Nothing can be compared any more.
            if ours.is_err() || others.iter().all(Result::is_err) {
                break;
            }
            step(&mut ours);
            others.iter_mut().for_each(step);
        }
        let ours = self.figures(job, None, ours);
        let rows = peers.iter().zip(others).map(|(peer, other)| {
            let other = self.figures(job, Some(*peer), other);
            row(job, *peer, ours.clone(), other)
        });
        rows.collect()
    }

    /// What framereel or a peer did.
    fn figures(
        &self,
        job: &Job,
        peer: Option<Peer>,
        candidate: Result<Candidate, Problem>,
    ) -> Result<Option<Figures>, Problem> {
        let candidate = candidate?;
        let Some(seconds) = median(candidate.seconds) else { return Ok(None) };
        let failed = |error| Problem::Failed(format!("{}: {error}", candidate.file.display()));
        let bytes = fs::metadata(&candidate.file).map_err(failed)?.len();
        let psnr = self.unencoded(job, peer).and_then(|frames| tool::psnr(&candidate.file, &frames));
        Ok(Some(Figures { seconds, psnr, bytes }))
    }

    /// The pictures that an encoder gets from framereel or from a peer: each is compared with its own. None from a framereel
    /// that was built elsewhere, whose library this is not.
    fn unencoded(&self, job: &Job, peer: Option<Peer>) -> Option<PathBuf> {
        if job.chain.is_none() {
            return Some(self.film.path.clone());
        }
        let file = self.folder.join("unencoded.y4m");
        let made = match peer {
            None if self.program != Path::new(env!("CARGO_BIN_EXE_framereel")) => return None,
            None => unencoded::by_framereel(&self.film, job.chain, &file),
            Some(_) => unencoded::by_ffmpeg(&self.film, job.chain, &file),
        };
        made.map(|()| file).map_err(|error| eprintln!("no PSNR of {}: {error}", job.chain.chain)).ok()
    }

    fn framereel(&self, job: &Job) -> Result<Candidate, Problem> {
        let encoder = job.encoder.encoder;
        if !tool::lists(Command::new(&self.program).arg("codecs"), encoder) {
            return Err(Problem::NotHere(format!("this framereel has no encoder {encoder}")));
        }
        let mut command = framereel(&self.program);
        command.arg(&self.film.path).args(["--audio", "none", "--codec", job.encoder.codec, "--encoder", encoder]);
        command.args(["--bitrate", &BITS.to_string(), "--key-interval", "2s"]);
        if !job.chain.is_none() {
            command.args(["--filter", job.chain.chain]);
        }
        let file = self.folder.join("framereel.webm");
        command.arg("-o").arg(&file).arg("--force");
        Ok(Candidate { command, file, seconds: Vec::new() })
    }

    fn peer(&self, job: &Job, peer: Peer) -> Result<Candidate, Problem> {
        match peer {
            Peer::Ffmpeg => {
                need_ffmpeg(job.encoder)?;
                Ok(self.ffmpeg(job, &self.film.path, "ffmpeg.webm"))
            }
            Peer::FfmpegEncoder => {
                need_ffmpeg(job.encoder)?;
                let decoded = self.film.y4m().map_err(Problem::Failed)?;
                Ok(self.ffmpeg(job, decoded, "ffmpeg-encoder.webm"))
            }
            Peer::Gstreamer => self.gstreamer(job, &self.film.path, "decodebin ! videoconvert", "gstreamer.webm"),
            Peer::GstreamerEncoder => {
                let facts = self.film.facts.as_ref().ok_or_else(|| Problem::NotHere("no ffprobe".into()))?;
                let decoded = self.film.i420().map_err(Problem::Failed)?;
                let (frames, seconds) = facts.rate;
                let size = format!("width={} height={}", facts.width, facts.height);
                let frames = format!("rawvideoparse format=i420 {size} framerate={frames}/{seconds}");
                self.gstreamer(job, decoded, &frames, "gstreamer-encoder.webm")
            }
        }
    }

    fn ffmpeg(&self, job: &Job, input: &Path, name: &str) -> Candidate {
        let mut command = tool::ffmpeg(input);
        if let Some(filters) = job.chain.ffmpeg(self.film.is_tagged()) {
            command.args(["-vf", &filters]);
        }
        let file = self.folder.join(name);
        command.args(job.encoder.arguments(self.threads, self.film.key_distance())).arg(&file);
        Candidate { command, file, seconds: Vec::new() }
    }

    /// A pipeline that reads `input`, and gives it through `decoder` to the encoder.
    fn gstreamer(&self, job: &Job, input: &Path, decoder: &str, name: &str) -> Result<Candidate, Problem> {
        let absent = |what: &str| Problem::NotHere(format!("no {what}"));
        let (encoder, settings) = job.encoder.gstreamer.ok_or_else(|| absent("element for this encoder"))?;
        if !tool::is_here("gst-launch-1.0") {
            return Err(absent("gst-launch-1.0"));
        }
        let settings = format!("{encoder} {} keyframe-max-dist={}", settings(self.threads), self.film.key_distance());
        let elements = format!("{decoder} ! {settings} ! webmmux");
        let mut names = elements.split(" ! ").filter_map(|element| element.split(' ').next());
        if let Some(element) = names.find(|name| !tool::has_element(name)) {
            return Err(absent(element));
        }
        let file = self.folder.join(name);
        let [from, to] = [input, &file].map(|path| format!("location={}", path.display()));
        // Every word is an argument of its own; gst-launch-1.0 quotes blanks within them.
        let mut command = Command::new("gst-launch-1.0");
        command.args(["-q", "filesrc", &from, "!"]).args(elements.split(' ')).args(["!", "filesink", &to]);
        Ok(Candidate { command, file, seconds: Vec::new() })
    }
}

/// `framereel record`.
pub fn framereel(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("record");
    // Without a desktop Mesa complains on standard error.
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        command.env("NODEVICE_SELECT", "1");
    }
    command
}

fn need_ffmpeg(encoder: &Encoder) -> Result<(), Problem> {
    if tool::has_ffmpeg_encoder(encoder.ffmpeg) {
        return Ok(());
    }
    let what =
        if tool::is_here("ffmpeg") { format!("no {} in this ffmpeg", encoder.ffmpeg) } else { "no ffmpeg".into() };
    Err(Problem::NotHere(what))
}

/// Runs a candidate once more, unless there is a problem already.
fn step(candidate: &mut Result<Candidate, Problem>) {
    if let Ok(runnable) = candidate
        && let Err(problem) = runnable.run()
    {
        *candidate = Err(problem);
    }
}

fn row(job: &Job, peer: Peer, ours: Result<Option<Figures>, Problem>, other: Result<Option<Figures>, Problem>) -> Row {
    let problem = [("framereel", &ours), (peer.name(), &other)].into_iter().find_map(|(who, figures)| {
        let problem = figures.as_ref().err()?;
        Some(match problem {
            Problem::NotHere(what) => (format!("not here: {what}"), false),
            Problem::Failed(error) => {
                eprintln!("{}, {}, {who}: {error}", job.encoder.name, job.chain.chain);
                ("failed".to_owned(), true)
            }
        })
    });
    let (note, failed) = problem.map_or((None, false), |(note, failed)| (Some(note), failed));
    let (framereel, other) = (ours.ok().flatten(), other.ok().flatten());
    let ratio = framereel.as_ref().zip(other.as_ref()).map(|(ours, other)| ours.seconds / other.seconds);
    let (name, chain, peer) = (job.encoder.name.into(), job.chain.chain.into(), peer.name().into());
    Row { name, chain, peer, framereel, other, ratio, note, failed }
}

/// The middle value, or the mean of both middle ones; none of nothing.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (lower, upper) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some((values[lower] + values[upper]) / 2.0)
}
