//! What was measured: as Markdown, and as JSON for later comparisons.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::chain::NONE;
use crate::job::Session;
use crate::live::LiveRow;
use crate::tool;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    pub machine: Machine,
    pub versions: Versions,
    pub film: FilmFacts,
    /// The day in UTC.
    pub date: String,
    /// How many runs the medians are of.
    pub runs: usize,
    pub rows: Vec<Row>,
    #[serde(default)]
    pub live: Vec<LiveRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub cores: usize,
    pub processor: String,
    pub system: String,
}

/// What programs say about their version; none where they are not here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    pub framereel: Option<String>,
    pub ffmpeg: Option<String>,
    pub gstreamer: Option<String>,
}

/// Zeros without ffprobe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FilmFacts {
    pub frames: usize,
    pub width: u32,
    pub height: u32,
}

/// framereel and one peer at the same job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    pub chain: String,
    pub peer: String,
    pub framereel: Option<Figures>,
    /// The peer's.
    pub other: Option<Figures>,
    /// framereel's seconds to the peer's: below 1 framereel is faster.
    pub ratio: Option<f64>,
    /// Why there is no ratio.
    pub note: Option<String>,
    #[serde(skip)]
    pub failed: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The median over the runs, start and end of the program included.
    pub seconds: f64,
    /// In dB against the pictures before they were encoded; none without ffmpeg.
    pub psnr: Option<f64>,
    pub bytes: u64,
}

impl Results {
    pub fn new(session: &Session, rows: Vec<Row>, live: Vec<LiveRow>) -> Self {
        let facts = session.film.facts.as_ref();
        let film = facts.map_or(FilmFacts::default(), |facts| FilmFacts {
            frames: facts.frames,
            width: facts.width,
            height: facts.height,
        });
        let versions = Versions {
            framereel: tool::version(&session.program, "--version"),
            ffmpeg: tool::version("ffmpeg", "-version"),
            gstreamer: tool::version("gst-launch-1.0", "--version"),
        };
        Self { machine: Machine::this(session.threads), versions, film, date: date(), runs: session.runs, rows, live }
    }

    pub fn read(file: &Path) -> Result<Self, String> {
        let remedy = format!("write them with: cargo bench --bench peers -- --json {}", file.display());
        let expected = format!("expected results in {} but found", file.display());
        let text = fs::read_to_string(file).map_err(|error| format!("{expected} none ({error}); {remedy}"))?;
        serde_json::from_str(&text).map_err(|error| format!("{expected} other text ({error}); {remedy}"))
    }

    pub fn write(&self, file: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).expect("numbers and text");
        fs::write(file, text + "\n").map_err(|error| format!("{} cannot be written: {error}", file.display()))
    }

    /// Tables of what was measured.
    pub fn markdown(&self) -> String {
        let Machine { cores, processor, system } = &self.machine;
        let film = self.film.name();
        let mut text = format!("{film}, medians of {} runs; {cores} cores of {processor}, {system}\n", self.runs);
        let (bare, filtered): (Vec<&Row>, Vec<&Row>) = self.rows.iter().partition(|row| row.chain == NONE.chain);
        table(&mut text, "encoder, no filter", &bare, |row| row.name.clone());
        table(&mut text, "filters, encoder", &filtered, |row| format!("`{}`, {}", row.chain, row.name));
        if !self.live.is_empty() {
            text += "\n| live: 6 s of 1280x720 through `sepia(1)` to VP8 | frames kept |\n|---|---:|\n";
            text.extend(self.live.iter().map(|row| format!("| {} |\n", row.markdown())));
        }
        text
    }
}

fn table(text: &mut String, head: &str, rows: &[&Row], name: fn(&Row) -> String) {
    if rows.is_empty() {
        return;
    }
    let figures = "ratio | PSNR, dB | peer's | MB | peer's";
    *text += &format!("\n| {head} | peer | framereel, s | peer, s | {figures} |\n|---|---|{}\n", "---:|".repeat(7));
    for row in rows {
        let cells = match &row.note {
            Some(note) if row.framereel.is_none() => [note.clone(), figure(&row.other, seconds), "-".into()],
            Some(note) => [figure(&row.framereel, seconds), note.clone(), "-".into()],
            None => {
                let ratio = row.ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
                [figure(&row.framereel, seconds), figure(&row.other, seconds), ratio]
            }
        };
        let pairs = [psnr, megabytes].map(|show| [&row.framereel, &row.other].map(|figures| figure(figures, show)));
        let cells = [&cells[..], &pairs.concat()].concat().join(" | ");
        *text += &format!("| {} | {} | {cells} |\n", name(row), row.peer);
    }
}

fn figure(figures: &Option<Figures>, show: fn(&Figures) -> Option<String>) -> String {
    figures.as_ref().and_then(show).unwrap_or_else(|| "-".into())
}

fn seconds(figures: &Figures) -> Option<String> {
    Some(format!("{:.2}", figures.seconds))
}

fn psnr(figures: &Figures) -> Option<String> {
    figures.psnr.map(|psnr| format!("{psnr:.2}"))
}

fn megabytes(figures: &Figures) -> Option<String> {
    Some(format!("{:.3}", figures.bytes as f64 / 1e6))
}

impl FilmFacts {
    pub fn name(&self) -> String {
        let Self { frames, width, height } = self;
        if *frames == 0 { "a film".into() } else { format!("{frames} frames of {width}x{height}") }
    }
}

impl Machine {
    fn this(cores: usize) -> Self {
        let value = |file: &str, key: &str, separator: char| {
            let text = fs::read_to_string(file).ok()?;
            let (_, value) = text.lines().find(|line| line.starts_with(key))?.split_once(separator)?;
            Some(value.trim().trim_matches('"').to_owned())
        };
        let processor = value("/proc/cpuinfo", "model name", ':').unwrap_or_else(|| std::env::consts::ARCH.into());
        let system = value("/etc/os-release", "PRETTY_NAME", '=').unwrap_or_else(|| std::env::consts::OS.into());
        Self { cores, processor, system }
    }
}

/// Today in UTC, as 2026-11-27; empty where there is no program `date`.
fn date() -> String {
    let said = tool::run(Command::new("date").args(["-u", "+%F"]));
    said.map(|said| said.stdout.trim().to_owned()).unwrap_or_default()
}
