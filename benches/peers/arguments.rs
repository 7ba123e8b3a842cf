//! What the command line asks for.

use std::path::PathBuf;

pub const USAGE: &str = "\
Usage: cargo bench --bench peers -- [OPTIONS]

  --film FILE   The film that all read [default: examples/clips/bunny.webm scaled to 1280x720]
  --frames N    Only the film's first N frames
  --runs N      How many runs the medians are of [default: 5; with --check 3]
  --only TEXT   Only rows whose \"NAME, CHAIN, PEER\" contains this, as \"VP8, none\" or GStreamer
  --json FILE   Write the results there
  --check FILE  Compare each ratio with that of FILE, which --json wrote; one that is more than 15 % worse is a failure

Relative paths begin at the repository's root. FRAMEREEL=PATH in the environment measures that program.";

#[derive(Debug, Default)]
pub struct Arguments {
    pub film: Option<PathBuf>,
    pub frames: Option<usize>,
    pub runs: Option<usize>,
    pub only: Option<String>,
    pub json: Option<PathBuf>,
    pub check: Option<PathBuf>,
    pub help: bool,
}

impl Arguments {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("expected a value after {word} but found none"));
            match word.as_str() {
                // Cargo adds it.
                "--bench" => {}
                "--help" | "-h" => arguments.help = true,
                "--film" => arguments.film = Some(value()?.into()),
                "--frames" => arguments.frames = Some(count(&word, &value()?)?),
                "--runs" => arguments.runs = Some(count(&word, &value()?)?),
                "--only" => arguments.only = Some(value()?),
                "--json" => arguments.json = Some(value()?.into()),
                "--check" => arguments.check = Some(value()?.into()),
                _ => return Err(format!("expected an option but found {word}; --help lists the options")),
            }
        }
        Ok(arguments)
    }

    pub fn runs(&self) -> usize {
        self.runs.unwrap_or(if self.check.is_some() { 3 } else { 5 })
    }

    /// Whether a row is asked for.
    pub fn wants(&self, name: &str, chain: &str, peer: &str) -> bool {
        let row = format!("{name}, {chain}, {peer}").to_lowercase();
        self.only.as_ref().is_none_or(|text| row.contains(&text.to_lowercase()))
    }
}

fn count(option: &str, text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("expected a whole number of at least 1 after {option} but found {text}")),
    }
}
