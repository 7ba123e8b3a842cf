//! The command line: the arguments of each command. [`values`](super::values) parses their values, and
//! [`encoder`](super::encoder) has those that say how a recording is encoded.

use std::path::PathBuf;

use clap::{Args as Arguments, Parser, Subcommand};
use clap_complete::Shell;
use framereel::color::ToneMap;
use framereel::filter::{Custom, Edge, Kind, Visualization};
use framereel::frame::BitDepth;
use framereel::recorder::{Layout, Overload};
use framereel::source::{self, Deinterlace, shader};
use framereel::{ErrorKind, FilterChain, FrameRate, Result, Size, Source, SourceOptions, SourceSpec, Span};

use super::bench::BenchArgs;
use super::encoder::EncoderArgs;
use super::gif::GifArgs;
use super::show::graphics::Graphics;
#[cfg(feature = "preview")]
use super::values::folder;
use super::values::{
    AudioChoice, DEINTERLACE, DEPTHS, EDGES, GRAPHICS, LAYOUTS, OVERLOADS, OverlayChoice, Split, TONE_MAPS,
    VISUALIZATIONS, background, bytes, camera_control, chain, edge, gain, grid, layout, overlay, recording_path,
    repaired_path, size, some_time, sound, split, still_path, visualization, words,
};

/// Records frames through GPU filters into a seekable .webm or a still.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Record(Box<RecordArgs>),
    #[cfg(feature = "preview")]
    Preview(Box<PreviewArgs>),
    Still(StillArgs),
    Sheet(SheetArgs),
    Repair(RepairArgs),
    Inspect(InspectArgs),
    /// Shows what was found on this machine and how to get what was not
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor,
    Devices(DevicesArgs),
    Filters(FiltersArgs),
    Codecs(CodecsArgs),
    Bench(BenchArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Records a source into a .webm that plays and seeks
#[derive(Debug, Clone, Arguments)]
#[command(after_help = RECORD_EXAMPLES)]
pub struct RecordArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// More pictures: each is a frame, at --fps
    #[arg(value_name = "PICTURE")]
    pub pictures: Vec<PathBuf>,
    /// The file to write; its name says the format. FOLDER/ for one in there, - for standard output; given more than
    /// once, all are written, filtered once [default: SOURCE's name with .webm, in the current folder]
    #[arg(short, long, value_name = "FILE", value_parser = recording_path)]
    pub output: Vec<PathBuf>,
    /// Sound beside the pictures, as long as they are: mic or mic:NAME; system (what the machine plays); a file, of
    /// sound or a film; tone (beeps with the pattern's seconds); or none [default: the film's own]
    #[arg(long, value_name = "mic|FILE|…", value_parser = sound)]
    pub audio: Option<AudioChoice>,
    /// Record the source's own sound too, mixed with that of --audio
    #[arg(long, requires = "audio")]
    pub mix: bool,
    /// Make the sound of --audio, or else the source's own, so much louder or quieter, in decibels from -60 to 20; a
    /// limiter keeps it from clipping
    #[arg(long, value_name = "DB", allow_hyphen_values = true, value_parser = gain)]
    pub audio_gain: Option<f32>,
    /// Pictures of a source that is sound alone: wave, bars or spectrogram; filters apply to them
    #[arg(long, value_name = "KIND", value_parser = words(VISUALIZATIONS, visualization), hide_possible_values = true)]
    pub visualize: Option<Visualization>,
    /// Frames a second, as 30, 29.97 or 30000/1001 [default: each frame keeps its own time]
    #[arg(long, value_name = "N")]
    pub fps: Option<FrameRate>,
    /// Blur what moves: each frame is the mean of so many sub-frames, 2 to 64, in linear light
    #[arg(long, value_name = "N", requires = "fps", value_parser = clap::value_parser!(u32).range(2..=64))]
    pub motion_blur: Option<u32>,
    /// The part of a frame's time that the sub-frames of --motion-blur cover, as a film camera's shutter has it, 1 to
    /// 360 [default: 360, all of it]
    #[arg(long, value_name = "DEGREES", requires = "motion_blur", value_parser = clap::value_parser!(u32).range(1..=360))]
    pub shutter: Option<u32>,
    /// Stop when the recording is this long [default: to the end; 5s of what has none]
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub duration: Option<Span>,
    /// Stop after this many frames
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub frames: Option<u64>,
    /// Stop before there are more bytes than this, as 100MB, 500kB or 64MiB
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub max_size: Option<u64>,
    /// Begin another file, NAME-001.webm, NAME-002.webm and so on, whenever one is so long (10m is ten minutes) or so
    /// large (100MB; a size has a B), at a key frame; no frame is lost
    #[arg(long, value_name = "TIME|SIZE", value_parser = split, conflicts_with = "timeslice")]
    pub split: Option<Split>,
    /// Give each so long part of the recording away as soon as it is whole: to standard output with -o -, into numbered
    /// files with -o FOLDER/; joined they are the recording
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub timeslice: Option<Span>,
    /// Another source over the picture, at a place: right-bottom,25% (of the width; the default), left-top, right-top,
    /// left-bottom, center, or X,Y,WxH in pixels; with its sound. May be given more than once
    #[arg(long, value_name = "SOURCE@PLACE", value_parser = overlay)]
    pub overlay: Vec<OverlayChoice>,
    /// How several sources share the picture: over (the others over the first) or grid (side by side, in equal cells)
    #[arg(long, value_name = "LAYOUT", value_parser = words(LAYOUTS, layout), hide_possible_values = true, default_value = "over", hide_default_value = true)]
    pub layout: Layout,
    /// A control of the camera, as exposure-time-absolute=300 or zoom=150; `framereel devices` lists them. May be given
    /// more than once
    #[arg(long, value_name = "NAME=VALUE", value_parser = camera_control)]
    pub camera_control: Vec<(String, i64)>,
    /// When a camera or a microphone goes away, wait until it is there again, black and silent meanwhile
    #[arg(long)]
    pub reconnect: bool,
    /// Count down so many seconds, 1 to 10, before recording begins
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u8).range(1..=10))]
    pub countdown: Option<u8>,
    /// Record transparency in a .webm too, as VP9 or with --codec vp8; .gif, .webp, .apng and .png have it anyway
    #[arg(long)]
    pub alpha: bool,
    /// Bits a sample of the video, 8 or 10: 10 in .webm and .mp4 with av1, vp9 or hevc; then film in PQ or HLG is kept
    /// as it is, unless --tone-map is given [default: 8]
    #[arg(long, value_name = "8|10", conflicts_with_all = ["alpha", "overlay"], value_parser = words(DEPTHS, str::parse::<BitDepth>), hide_possible_values = true)]
    pub depth: Option<BitDepth>,
    /// Take frames at their own pace, as a camera gives them
    #[arg(long)]
    pub realtime: bool,
    /// What happens in real time while frames come faster than they can be encoded: drop them and count them; slow,
    /// the source waits and every frame is recorded (not of what is live); or block, a camera or a screen is read late
    /// and misses frames [default: drop]
    #[arg(long, value_name = "drop|slow|block", default_value = "drop", hide_default_value = true, value_parser = words(OVERLOADS, str::parse::<Overload>), hide_possible_values = true)]
    pub overload: Overload,
    /// Skip this much of the source, and of the sound
    #[arg(long, value_name = "TIME")]
    pub start: Option<Span>,
    #[command(flatten)]
    pub encoder: EncoderArgs,
    #[command(flatten)]
    pub gif: GifArgs,
    /// Read the shaders' files again whenever they change; a broken edit keeps the last good one
    #[arg(long)]
    pub watch: bool,
    /// Draw the picture small on the terminal while it is recorded: blocks, sixel or kitty [default: the best that the
    /// terminal knows]
    #[arg(long, value_name = "GRAPHICS", require_equals = true, value_parser = words(GRAPHICS, str::parse::<Graphics>), hide_possible_values = true)]
    pub show: Option<Option<Graphics>>,
    /// Write what each stage did and when, the lengths of the queues and the dropped frames into this file, for
    /// ui.perfetto.dev or chrome://tracing
    #[arg(long, value_name = "FILE.json")]
    pub trace: Option<PathBuf>,
    /// Print the summary as one JSON object; on standard error with -o -
    #[arg(long)]
    pub json: bool,
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
}

/// Shows a source in a window, switches its filters by keys, and records it
#[cfg(feature = "preview")]
#[derive(Debug, Clone, Arguments)]
#[command(after_help = PREVIEW_EXAMPLES)]
pub struct PreviewArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// Sound that is recorded beside the pictures: mic or mic:NAME; system (what the machine plays); a file; tone; or
    /// none [default: the film's own]. It is not played
    #[arg(long, value_name = "mic|FILE|…", value_parser = sound)]
    pub audio: Option<AudioChoice>,
    /// Begin at this time of a film
    #[arg(long, value_name = "TIME")]
    pub start: Option<Span>,
    /// Begin with the picture stopped
    #[arg(long)]
    pub paused: bool,
    /// Frames a second of a source that draws its pictures, as pattern or a shader [default: 30]
    #[arg(long, value_name = "N")]
    pub fps: Option<FrameRate>,
    /// The folder for recordings (NAME-001.webm), pictures (NAME-still-001.png) and replays (NAME-replay-001.webm);
    /// made with the first of them [default: the current folder]
    #[arg(short, long, value_name = "FOLDER", value_parser = folder)]
    pub output: Option<PathBuf>,
    /// How much the instant replay keeps; 0s keeps none and spares the encoder
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub replay: Span,
    /// The window's size in pixels [default: the picture's, up to 1280x720]
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub window: Option<Size>,
    #[command(flatten)]
    pub encoder: EncoderArgs,
}

/// Saves one frame as a picture
#[derive(Debug, Arguments)]
#[command(after_help = STILL_EXAMPLES)]
pub struct StillArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// The file to write: .png, .jpg or .webp [default: SOURCE's name with .png, in the current folder]
    #[arg(short, long, value_name = "FILE", value_parser = still_path)]
    pub output: Option<PathBuf>,
    /// The time of the frame
    #[arg(long, value_name = "TIME")]
    pub at: Option<Span>,
    /// Put the picture without the filters to the left of it
    #[arg(long)]
    pub side_by_side: bool,
    /// Print the picture as a data: URL; a file is then written only with -o
    #[arg(long)]
    pub data_url: bool,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// Saves frames from all of a film in one picture, side by side
#[derive(Debug, Arguments)]
#[command(after_help = SHEET_EXAMPLES)]
pub struct SheetArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// How many frames are beside each other and below each other
    #[arg(long, value_name = "CxR", default_value = "4x4", value_parser = grid)]
    pub grid: Size,
    /// The width of a frame in pixels, 16 to 4096
    #[arg(long, value_name = "PIXELS", default_value_t = 320, value_parser = clap::value_parser!(u32).range(16..=4096))]
    pub width: u32,
    /// Begin at this time of the source
    #[arg(long, value_name = "TIME")]
    pub start: Option<Span>,
    /// Show this much of the source [default: to the end; 5s of what has none]
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub duration: Option<Span>,
    /// The file to write: .png, .jpg or .webp [default: SOURCE's name with -sheet.png, in the current folder]
    #[arg(short, long, value_name = "FILE", value_parser = still_path)]
    pub output: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// Makes a recording play and seek that was cut, damaged or written live
///
/// The result is a new file with an index and an exact duration; FILE itself is never changed. Nothing is encoded anew:
/// all frames that are whole are copied as they are.
#[derive(Debug, Arguments)]
#[command(after_help = REPAIR_EXAMPLES)]
pub struct RepairArgs {
    /// A .webm, .mkv or .mp4, whoever wrote it
    pub file: PathBuf,
    /// The file to write, of the same format [default: FILE's name with -repaired, in the current folder]
    #[arg(short, long, value_name = "FILE", value_parser = repaired_path)]
    pub output: Option<PathBuf>,
    /// Print what was done as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// Shows what is in a recording, and what is wrong with it
#[derive(Debug, Arguments)]
#[command(after_help = INSPECT_EXAMPLES)]
pub struct InspectArgs {
    /// A .webm, .mkv or .mp4, whoever wrote it
    pub file: PathBuf,
    /// List each cluster too, of an MP4 each fragment
    #[arg(long)]
    pub clusters: bool,
    /// Print it as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Lists the filters with their arguments, explains a chain, or draws a picture of each filter
#[derive(Debug, Arguments)]
#[command(after_help = FILTERS_EXAMPLES)]
pub struct FiltersArgs {
    /// Show the passes that this chain takes on the GPU
    #[arg(long, value_name = "CHAIN", value_parser = chain, group = "sized")]
    pub explain: Option<FilterChain>,
    /// Draw a picture of each filter into this folder, NAME.jpg
    #[arg(long, value_name = "FOLDER", group = "sized")]
    pub pictures: Option<PathBuf>,
    #[command(flatten)]
    pub drawn: PicturesArgs,
    /// The size to explain a chain for [default: 1280x720], or of the pictures [default: 320x180]
    #[arg(long, value_name = "WxH", value_parser = size, requires = "sized")]
    pub size: Option<Size>,
    /// Print the reference of all filters as Markdown
    #[arg(long, conflicts_with = "sized")]
    pub markdown: bool,
}

/// What the pictures of filters are drawn from.
#[derive(Debug, Arguments)]
pub struct PicturesArgs {
    /// What to draw the filters on, as `framereel record` takes it
    #[arg(long, value_name = "SOURCE", default_value = "pattern", requires = "pictures")]
    pub of: SourceSpec,
    /// The time of its frame
    #[arg(long, value_name = "TIME", default_value = "1s", requires = "pictures")]
    pub at: Span,
    /// Overwrite existing pictures
    #[arg(long, requires = "pictures")]
    pub force: bool,
}

/// Lists what comes out on this machine: formats, codecs, and the encoders of each
#[derive(Debug, Arguments)]
#[command(after_help = CODECS_EXAMPLES)]
pub struct CodecsArgs {
    /// Try every encoder: which ones work, and how many frames of 1280x720 they encode a second; takes some seconds
    /// each
    #[arg(long)]
    pub trial: bool,
}

/// Prints what a shell needs to complete these commands and options
#[derive(Debug, Arguments)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Prints the manual page, or writes the pages of all commands
#[derive(Debug, Arguments)]
#[command(after_help = MAN_EXAMPLES)]
pub struct ManArgs {
    /// Write framereel.1, framereel-record.1 and so on into this folder
    pub folder: Option<PathBuf>,
    /// Overwrite existing pages
    #[arg(long, requires = "folder")]
    pub force: bool,
}

/// Lists the cameras with their modes, and the microphones
#[derive(Debug, Arguments)]
#[command(after_help = DEVICES_EXAMPLES)]
pub struct DevicesArgs {
    /// Print them as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What to draw, and how.
#[derive(Debug, Clone, Arguments)]
pub struct InputArgs {
    /// A file, camera or camera:NAME, screen or screen:WxH+X,Y, mic or mic:NAME (sound alone), system (what the machine
    /// plays), - (YUV4MPEG2 on standard input), pattern (moving bars) or shader:FILE.wgsl
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
    #[arg(long, value_name = "EDGE", value_parser = words(EDGES, edge), hide_possible_values = true)]
    pub edge: Option<Edge>,
    /// A colour behind what is transparent, as red, #f80 or hsl(30deg 100% 50%) [default: black where the output holds
    /// no transparency]
    #[arg(long, value_name = "COLOR", value_parser = background)]
    pub background: Option<FilterChain>,
    /// The picture's size [default: the source's]
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<Size>,
    /// How film in PQ or HLG (HDR) is brought to standard dynamic range: bt2390 (bright light is compressed), clip (it
    /// is white) or none (code values stay as they are) [default: bt2390; none with --depth 10]
    #[arg(long, value_name = "CURVE", value_parser = words(TONE_MAPS, str::parse::<ToneMap>), hide_possible_values = true)]
    pub tone_map: Option<ToneMap>,
    /// Whether interlaced film is deinterlaced: auto (where it says it is interlaced) or off [default: auto]
    #[arg(long, value_name = "auto|off", value_parser = words(DEINTERLACE, str::parse::<Deinterlace>), hide_possible_values = true)]
    pub deinterlace: Option<Deinterlace>,
}

impl InputArgs {
    /// What these options ask of every source.
    pub fn source_options(&self) -> SourceOptions {
        let options = SourceOptions::default().with_tone_map(self.tone_map.unwrap_or_default());
        options.with_deinterlace(self.deinterlace.unwrap_or_default())
    }

    /// The filter chain of these options; its files are read again.
    pub fn chain(&self) -> Result<FilterChain> {
        let mut chain = chain(&self.filter)?;
        for path in &self.shader {
            chain = chain.then(FilterChain::shader(Custom::load(path)?));
        }
        if !self.params_are_the_sources() {
            for param in &self.param {
                let remedy = "give the shader with --shader";
                chain
                    .set_param(param)
                    .map_err(|error| if self.shader.is_empty() { error.with_remedy(remedy) } else { error })?;
            }
        }
        if let Some(background) = &self.background {
            chain = chain.then(background.clone());
        }
        if let Some(edge) = self.edge {
            chain = chain.with_edge(edge);
        }
        for course in &self.animate {
            chain.animate(course)?;
        }
        Ok(chain)
    }

    /// Opens the source.
    pub fn open(&self, options: &SourceOptions) -> Result<Box<dyn Source>> {
        source::open(&self.source, options).map_err(|error| match (&self.source, error.kind()) {
            (SourceSpec::Shader(path), ErrorKind::Syntax)
                if Custom::load(path).is_ok_and(|file| file.kind() != Kind::Image) =>
            {
                error.with_remedy("use it with --shader")
            }
            _ => error,
        })
    }

    /// The chain that draws the source, when the source is a shader; its file is read again.
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
  framereel repair crashed.webm
  framereel doctor";

const RECORD_EXAMPLES: &str = "\
Examples:
  framereel record camera --audio mic --filter \"sepia(60%)\" -o me.webm     until Ctrl-C
  framereel record film.mp4                                  film.webm, unfiltered
  framereel record film.mp4 --filter \"sepia(60%) vignette(0.4)\" -o old.webm
  framereel record film.mp4 --start 1:30 --duration 10s --size 640x360
  framereel record pattern --duration 2s --fps 30 --json     a test picture, the summary as JSON
  framereel record shader:plasma.wgsl --fps 30 --motion-blur 16 --shutter 180 -o blurred.webm
  framereel record logo.png --background white --duration 2s   behind what is transparent
  framereel record film.mp4 --shader wave.wgsl --param strength=0.8 --watch
  framereel record film.mp4 --filter \"blur(0px)\" --animate \"blur.radius: 0s 0, 2s 8, 5s 0\" --edge clamp
  framereel record shader:plasma.wgsl --duration 5s          a shader as a source
  framereel record film.mp4 --audio music.mp3                other sound than the film's own
  framereel record film.mp4 --audio voice.wav --mix --audio-gain 3   over the film's own
  framereel record film.mp4 --trace trace.json              what takes the time, for ui.perfetto.dev
  framereel record pattern --audio tone --duration 10s       flashes and beeps, to judge a player by
  framereel record screen --overlay camera@right-bottom,20% --audio mic -o talk.webm
  framereel record left.mp4 --overlay right.mp4 --layout grid -o both.webm
  framereel record mic -o voice.ogg                          sound alone; .wav and .webm too
  framereel record song.mp3 --visualize bars                 song.webm, with pictures of the sound
  framereel record mic --visualize wave --filter \"bloom()\"
  framereel record camera --audio mic --countdown 3          3… 2… 1…, then until Enter
  framereel record camera --show                             with the picture on the terminal, over ssh too
  framereel record film.mp4 --size 480x270 --fps 12.5 -o film.gif   without its sound; forever
  framereel record film.mp4 --split 10m                      film-001.webm, film-002.webm, ten minutes each
  framereel record film.mp4 --split 100MB -o parts/          parts/film-001.webm and so on, of some 100 MB each
  framereel record pattern --realtime --duration 1m --timeslice 1s -o live/   live/pattern-00001.webm, one a second
  cat live/* > all.webm                                      all of them, as one file
  framereel record pattern --realtime --duration 1m -o - | ffplay -           as it is recorded
  framereel record film.mp4 --realtime --overload slow -o - | ffplay -        and a film that is slow to encode waits
  ffmpeg -i film.mp4 -f yuv4mpegpipe - | framereel record - -o film.webm

Ctrl-C finishes the file: it plays and seeks up to that moment. A second Ctrl-C ends at once.
On a terminal: Enter stops, s saves a still (NAME-still-001.png), m mutes the sound; what is live, p pauses.";

#[cfg(feature = "preview")]
const PREVIEW_EXAMPLES: &str = "\
Examples:
  framereel preview camera --audio mic
  framereel preview film.mp4 --filter \"sepia(60%) vignette(0.4)\"
  framereel preview shader:plasma.wgsl --size 640x360        edit the file while it is shown
  framereel preview film.mp4 --shader wave.wgsl -o recordings/

Keys: r records, s saves a picture, i the instant replay, g a GIF of it; 1 to 9 and the arrows pick filters; h shows all keys.
A file that is dropped on the window is played; a .wgsl or .cube joins the filters.";

const STILL_EXAMPLES: &str = "\
Examples:
  framereel still film.mp4 --at 2s                           film.png
  framereel still photo.jpg --filter \"grayscale(1) contrast(120%)\" -o grey.webp
  framereel still film.mp4 --at 2s --filter \"sepia(1)\" --side-by-side -o both.png
  framereel still pattern --size 64x36 --data-url";

const SHEET_EXAMPLES: &str = "\
Examples:
  framereel sheet film.mp4                                   film-sheet.png, 16 frames
  framereel sheet film.mp4 --grid 5x4 --width 240 -o overview.jpg
  framereel sheet film.mp4 --start 1m --duration 10s --filter \"sepia(60%)\"";

const REPAIR_EXAMPLES: &str = "\
Examples:
  framereel repair crashed.webm                              crashed-repaired.webm
  framereel repair chunks.webm -o film.webm --json           what was kept, as JSON
  framereel repair killed.mp4 -o film.mp4                    an ordinary MP4, its index in front

The exit code is 0 when FILE was sound, too: the copy is as good.";

const INSPECT_EXAMPLES: &str = "\
Examples:
  framereel inspect film.webm
  framereel inspect film.webm --json | jq .tracks
  framereel inspect chunks.mp4 --clusters                    each fragment of an MP4
  framereel inspect film.webm || framereel repair film.webm

The exit code is 1 when something is wrong with FILE.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  framereel doctor && framereel record film.mp4              records only where recording works

The exit code is 1 when nothing can be recorded.";

const DEVICES_EXAMPLES: &str = "\
Examples:
  framereel devices
  framereel devices --json | jq -r '.cameras[].label'
  framereel record \"camera:C920\" --audio \"mic:C920\"        by a part of their names";

const FILTERS_EXAMPLES: &str = "\
Examples:
  framereel record film.mp4 --filter \"brightness(120%) hue-rotate(90deg) blur(2px)\"
  framereel filters --explain \"sepia(1) blur(8px) vignette(0.4)\"
  framereel filters --pictures filters/ --of film.mp4 --at 2s    blur.jpg, brightness.jpg and so on

Filters apply from left to right. An argument left out takes its default.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  framereel completions bash > ~/.local/share/bash-completion/completions/framereel
  framereel completions zsh > ~/.zfunc/_framereel            a folder of fpath
  framereel completions fish > ~/.config/fish/completions/framereel.fish

`make install` puts those of bash, zsh and fish where the shells look for them.";

const MAN_EXAMPLES: &str = "\
Examples:
  framereel man | man -l -
  framereel man ~/.local/share/man/man1/                     then `man framereel-record`";

const CODECS_EXAMPLES: &str = "\
Examples:
  framereel codecs --trial                                   which encoders work, and how fast
  framereel record film.mp4 --codec vp9                      the graphics card's, if it has one
  framereel record film.mp4 --encoder ffmpeg:libsvtav1       one of the ffmpeg program's";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
