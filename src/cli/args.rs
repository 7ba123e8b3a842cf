//! The command line: what each command takes, and what its values may be.

use std::path::{Path, PathBuf};

use clap::{Args as Arguments, Parser, Subcommand};
use framereel::encode::EncoderChoice;
use framereel::filter::{Custom, Edge, FilterChain};
use framereel::frame::Size;
use framereel::source::{SourceSpec, shader};
use framereel::still::StillFormat;
use framereel::time::{FrameRate, Span};
use framereel::{Error, ErrorKind, Result};

/// Records frames through GPU filters into a seekable .webm or a still.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Record(RecordArgs),
    Still(StillArgs),
    /// Shows what was found on this machine and how to get what was not
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor,
    /// Lists the filters with their arguments
    #[command(after_help = FILTERS_EXAMPLES)]
    Filters(FiltersArgs),
    /// Lists the codecs with what writes and reads them
    #[command(after_help = CODECS_EXAMPLES)]
    Codecs,
}

/// Records a source into a .webm that plays and seeks
#[derive(Debug, Arguments)]
#[command(after_help = RECORD_EXAMPLES)]
pub struct RecordArgs {
    #[command(flatten)]
    pub input: Input,
    /// The file to write [default: SOURCE's name with .webm, in the current folder]
    #[arg(short, long, value_name = "FILE.webm", value_parser = webm_path)]
    pub output: Option<PathBuf>,
    /// Frames a second, as 30, 29.97 or 30000/1001 [default: each frame keeps its own time]
    #[arg(long, value_name = "N")]
    pub fps: Option<FrameRate>,
    /// Stop when the recording is this long [default: to the end; 5s of what has none]
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub duration: Option<Span>,
    /// Skip this much of the source
    #[arg(long, value_name = "TIME")]
    pub start: Option<Span>,
    /// The codec; only av1 so far
    #[arg(long, value_name = "NAME", default_value = "av1", value_parser = codec)]
    pub codec: String,
    /// auto, rav1e or aom
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub encoder: EncoderChoice,
    /// Bits a second, as 2M, 800k or 2500000 [default: 2500k]
    #[arg(long, value_name = "BITS", value_parser = bitrate)]
    pub bitrate: Option<u32>,
    /// Constant quality, 0 (worst) to 100 (best), in place of a bitrate
    #[arg(long, value_name = "0..100", conflicts_with = "bitrate", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub quality: Option<u8>,
    /// 0 (slowest, best) to 10 (fastest) [default: what keeps up with a camera]
    #[arg(long, value_name = "0..10", value_parser = clap::value_parser!(u8).range(0..=10))]
    pub speed: Option<u8>,
    /// Read the shaders' files again whenever they change; a broken edit keeps the last good one
    #[arg(long)]
    pub watch: bool,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// Saves one frame as a picture
#[derive(Debug, Arguments)]
#[command(after_help = STILL_EXAMPLES)]
pub struct StillArgs {
    #[command(flatten)]
    pub input: Input,
    /// The file to write: .png, .jpg or .webp [default: SOURCE's name with .png, in the current folder]
    #[arg(short, long, value_name = "FILE", value_parser = still_path)]
    pub output: Option<PathBuf>,
    /// The time of the frame
    #[arg(long, value_name = "TIME")]
    pub at: Option<Span>,
    /// Print the picture as a data: URL; a file is then written only with -o
    #[arg(long)]
    pub data_url: bool,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// Lists the filters, or explains a chain
#[derive(Debug, Arguments)]
pub struct FiltersArgs {
    /// Show the passes that this chain takes on the GPU
    #[arg(long, value_name = "CHAIN")]
    pub explain: Option<FilterChain>,
    /// The size to explain it for
    #[arg(long, value_name = "WxH", value_parser = size, default_value = "1280x720", requires = "explain")]
    pub size: Size,
}

/// What to draw, and how.
#[derive(Debug, Clone, Arguments)]
pub struct Input {
    /// A file, - (YUV4MPEG2 on standard input), pattern (moving bars) or shader:FILE.wgsl
    pub source: SourceSpec,
    /// Filters in CSS syntax, as "sepia(60%) blur(2px)"; `framereel filters` lists them
    #[arg(long, value_name = "CHAIN", default_value = "none", hide_default_value = true)]
    pub filter: String,
    /// Your own WGSL, after the other filters; may be given more than once
    #[arg(long, value_name = "FILE.wgsl")]
    pub shader: Vec<PathBuf>,
    /// A parameter of the last --shader, or of the source when that is a shader; may be given more than once
    #[arg(long, value_name = "NAME=VALUE")]
    pub param: Vec<String>,
    /// A filter's number over time, as "blur.radius: 0s 0, 2s 8, 5s 0"; may end with ease, and be given more than once
    #[arg(long, value_name = "COURSE")]
    pub animate: Vec<String>,
    /// What a filter finds outside the picture: transparent (as a canvas) or clamp (the border goes on)
    #[arg(long, value_name = "EDGE", value_parser = edge)]
    pub edge: Option<Edge>,
    /// The picture's size [default: the source's]
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<Size>,
}

impl Input {
    /// The chain that these options ask for together; its files are read anew.
    pub fn chain(&self) -> Result<FilterChain> {
        let mut chain: FilterChain = self.filter.parse()?;
        for path in &self.shader {
            chain = chain.then(FilterChain::shader(Custom::load(path)?));
        }
        if !self.params_are_the_sources() {
            for param in &self.param {
                chain.set_param(param)?;
            }
        }
        if let Some(edge) = self.edge {
            chain = chain.with_edge(edge);
        }
        for course in &self.animate {
            chain.animate(course)?;
        }
        Ok(chain)
    }

    /// What draws the source, when that is a shader; its file is read anew.
    pub fn drawing(&self) -> Option<Result<FilterChain>> {
        match &self.source {
            SourceSpec::Shader(path) => Some(shader::drawing(path, &self.source_params())),
            _ => None,
        }
    }

    /// The parameters of a source that is a shader.
    pub fn source_params(&self) -> Vec<String> {
        if self.params_are_the_sources() { self.param.clone() } else { Vec::new() }
    }

    fn params_are_the_sources(&self) -> bool {
        self.shader.is_empty() && matches!(self.source, SourceSpec::Shader(_))
    }
}

const EXAMPLES: &str = "\
Examples:
  framereel record film.mp4 --filter \"sepia(60%) blur(2px)\"
  framereel still film.mp4 --at 2s -o frame.png
  framereel doctor";

const RECORD_EXAMPLES: &str = "\
Examples:
  framereel record film.mp4                                  film.webm, unfiltered
  framereel record film.mp4 --filter \"sepia(60%) vignette(0.4)\" -o old.webm
  framereel record film.mp4 --start 1:30 --duration 10s --size 640x360
  framereel record pattern --duration 2s --fps 30 --json     a test picture, the summary as JSON
  framereel record film.mp4 --shader wave.wgsl --param strength=0.8 --watch
  framereel record film.mp4 --filter \"blur(0px)\" --animate \"blur.radius: 0s 0, 2s 8, 5s 0\" --edge clamp
  framereel record shader:plasma.wgsl --duration 5s          a shader as a source
  ffmpeg -i film.mp4 -f yuv4mpegpipe - | framereel record - -o film.webm

Ctrl-C finishes the file: it plays and seeks up to that moment. A second Ctrl-C ends at once.";

const STILL_EXAMPLES: &str = "\
Examples:
  framereel still film.mp4 --at 2s                           film.png
  framereel still photo.jpg --filter \"grayscale(1) contrast(120%)\" -o grey.webp
  framereel still pattern --size 64x36 --data-url";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  framereel doctor && framereel record film.mp4              records only where recording works

The exit code is 1 when nothing can be recorded.";

const FILTERS_EXAMPLES: &str = "\
Examples:
  framereel record film.mp4 --filter \"brightness(120%) hue-rotate(90deg) blur(2px)\"
  framereel filters --explain \"sepia(1) blur(8px) vignette(0.4)\"

Filters apply from left to right. An argument left out takes its default.";

const CODECS_EXAMPLES: &str = "\
Examples:
  framereel record film.mp4 --codec av1 --encoder rav1e";

/// `640x360`: both even, because chroma is halved, and at least 16, the encoders' least.
fn size(text: &str) -> Result<Size> {
    const LEAST: u32 = 16;
    let parse = |part: &str| part.parse::<u32>().ok();
    let Some((Some(width), Some(height))) = text.split_once(['x', 'X']).map(|(w, h)| (parse(w), parse(h))) else {
        return Err(syntax(format!("expected a size such as 1280x720 but found `{text}`")));
    };
    let nearest = |side: u32| (side & !1).max(LEAST);
    let near = Size::new(nearest(width), nearest(height));
    let size = Size::new(width, height);
    if size != near {
        let expected = format!("expected even width and height of at least {LEAST}");
        return Err(Error::new(ErrorKind::Range, format!("{expected} but found {size}; try {near}")));
    }
    Ok(size)
}

/// `2M`, `800k`, `2500000`: bits a second.
fn bitrate(text: &str) -> Result<u32> {
    let (number, scale) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 1e3),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 1e6),
        _ => (text, 1.0),
    };
    let bits = match number.parse::<f64>() {
        Ok(value) if number.bytes().all(|b| b.is_ascii_digit() || b == b'.') => value * scale,
        _ => return Err(syntax(format!("expected a bitrate such as 2M, 800k or 2500000 but found `{text}`"))),
    };
    if !(1e4..=1e9).contains(&bits) {
        let expected = "expected a bitrate from 10k to 1000M (bits a second)";
        return Err(Error::new(ErrorKind::Range, format!("{expected} but found `{text}`")));
    }
    Ok(bits.round() as u32)
}

fn some_time(text: &str) -> Result<Span> {
    match text.parse()? {
        Span::ZERO => Err(Error::new(ErrorKind::Range, format!("expected a time above 0 but found `{text}`"))),
        span => Ok(span),
    }
}

fn edge(text: &str) -> Result<Edge> {
    match text {
        "transparent" => Ok(Edge::Transparent),
        "clamp" => Ok(Edge::Clamp),
        _ => Err(syntax(format!("expected transparent or clamp but found `{text}`"))),
    }
}

fn codec(text: &str) -> Result<String> {
    match text {
        "av1" => Ok(text.to_owned()),
        _ => Err(Error::new(ErrorKind::NotSupported, format!("expected av1 but found `{text}`"))),
    }
}

fn webm_path(text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(text);
    if is_device(&path) || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("webm")) {
        return Ok(path);
    }
    let expected = "expected a file name that ends in .webm, the one kind of recording there is so far,";
    Err(Error::new(ErrorKind::NotSupported, format!("{expected} but found `{text}`")))
}

fn still_path(text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(text);
    StillFormat::from_path(&path)?;
    Ok(path)
}

/// Whether this is a device or a pipe, which needs no extension.
pub fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

fn syntax(context: String) -> Error {
    Error::new(ErrorKind::Syntax, context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn sizes_are_even_and_at_least_16() {
        assert_eq!(size("1280x720").unwrap(), Size::new(1280, 720));
        let message = |text| size(text).unwrap_err().to_string();
        let expected = "expected even width and height of at least 16";
        assert_eq!(message("641x361"), format!("{expected} but found 641x361; try 640x360"));
        assert_eq!(message("0x0"), format!("{expected} but found 0x0; try 16x16"));
        assert_eq!(message("14x360"), format!("{expected} but found 14x360; try 16x360"));
        for text in ["", "x", "640", "640x", "-2x4", "640x360x2", "1e3x720", "99999999999x720"] {
            assert_eq!(message(text), format!("expected a size such as 1280x720 but found `{text}`"));
        }
    }

    #[test]
    fn bitrates_take_k_and_m_and_have_limits() {
        for (text, bits) in [("2M", 2_000_000), ("800k", 800_000), ("2500000", 2_500_000), ("2.5M", 2_500_000)] {
            assert_eq!(bitrate(text).unwrap(), bits);
        }
        for text in ["", "k", "2G", "-2M", "1e6", "nan", "inf", "9999", "9.9k", "1001M", "2é"] {
            let message = bitrate(text).unwrap_err().to_string();
            assert!(message.contains(&format!("but found `{text}`")), "{message}");
        }
    }

    #[test]
    fn a_recording_ends_in_webm() {
        assert!(webm_path("a.webm").is_ok() && webm_path("folder/A.WEBM").is_ok());
        for text in ["a.mp4", "webm", "a", "a.webm/b"] {
            assert!(
                webm_path(text)
                    .unwrap_err()
                    .to_string()
                    .contains(&format!("ends in .webm, the one kind of recording there is so far, but found `{text}`"))
            );
        }
    }
}
