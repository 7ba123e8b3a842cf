//! What the program says of GIFs: the arguments of their own, and warnings of those that come out large or slow.

use clap::Args as Arguments;
use framereel::encode::gif::{GifDither, GifOptions, GifPalette};
use framereel::mux::Container;
use framereel::recorder::Media;
use framereel::{Error, ErrorKind, FrameRate, Result, Size, Span};

use super::args::RecordArgs;
use super::encoder::EncoderArgs;
use super::progress::megabytes;
use super::values::{DITHERS, PALETTES, words};

/// The most frames a second that browsers show.
const FASTEST: f64 = 50.0;
/// A GIF longer than this is large enough for a warning.
const LONG: Span = Span::from_secs(60);
/// Bytes of a film's pixel in a GIF, about: real films take 0.2 to 0.5.
const BYTES_OF_A_PIXEL: f64 = 0.4;

/// How a GIF is made.
#[derive(Debug, Clone, Arguments)]
pub struct GifArgs {
    /// A GIF's colours: rolling (one palette as long as it fits, then another), global (one for all) or frame (one for
    /// each picture) [default: rolling]
    #[arg(long, value_name = "KIND", value_parser = words(PALETTES, str::parse::<GifPalette>), hide_possible_values = true)]
    pub palette: Option<GifPalette>,
    /// How a GIF shows colours between those of its palette: ordered (a pattern that stands still), none,
    /// floyd-steinberg, false-floyd-steinberg, stucki or atkinson [default: ordered]
    #[arg(long, value_name = "NAME", value_parser = words(DITHERS, str::parse::<GifDither>), hide_possible_values = true)]
    pub dither: Option<GifDither>,
    /// Diffuse a dither's errors through every other row from the right [default]
    #[arg(long, overrides_with = "no_serpentine")]
    pub serpentine: bool,
    /// Diffuse a dither's errors through all rows from the left
    #[arg(long)]
    pub no_serpentine: bool,
    /// How many colours a GIF has at most [default: 256, one of them for transparency]
    #[arg(long, value_name = "2..256", value_parser = clap::value_parser!(u16).range(2..=256))]
    pub colors: Option<u16>,
    /// How often an animated picture is shown, a GIF, a WebP or a PNG: forever (or 0), once, or a number [default:
    /// forever]
    #[arg(long = "loop", value_name = "forever|once|N", value_parser = loops)]
    pub loops: Option<u16>,
}

impl GifArgs {
    /// How often an animated picture is shown; none: for ever.
    pub fn loops(&self) -> Option<u16> {
        self.loops.filter(|times| *times > 0)
    }

    /// The options of the GIFs among these outputs.
    ///
    /// # Errors
    /// Usage errors for what the outputs' formats have not.
    pub fn options(&self, containers: &[Container], encoder: &EncoderArgs) -> Result<GifOptions> {
        let mut options = GifOptions::default();
        let names: Vec<_> = containers.iter().map(|container| container.name()).collect();
        let names = names.join(" and ");
        let is_animated =
            |container: &Container| matches!(container, Container::Gif | Container::WebP | Container::Apng);
        if !containers.iter().any(is_animated) {
            let expected = format!("an animated picture, as FILE.gif, beside {{}} but found {names}");
            refuse(&[(self.loops.is_some(), "--loop")], &expected, ())?;
        }
        if !containers.contains(&Container::Gif) {
            let given = [
                (self.palette.is_some(), "--palette"),
                (self.dither.is_some(), "--dither"),
                (self.serpentine, "--serpentine"),
                (self.no_serpentine, "--no-serpentine"),
                (self.colors.is_some(), "--colors"),
            ];
            return refuse(&given, &format!("a GIF, as FILE.gif, beside {{}} but found {names}"), options);
        }
        let of_video = [
            (encoder.bitrate.is_some(), "--bitrate"),
            (encoder.audio_bitrate.is_some(), "--audio-bitrate"),
            (encoder.speed.0.is_some(), "--speed"),
        ];
        let of_video =
            if containers.iter().all(|container| *container == Container::Gif) { &of_video[..] } else { &[] };
        refuse(of_video, "no {} beside a GIF, whose size --size, --fps, --colors and --quality decide,", ())?;
        let dither = self.dither.unwrap_or_default();
        if !dither.is_directed() {
            let given = [(self.serpentine, "--serpentine"), (self.no_serpentine, "--no-serpentine")];
            let expected =
                format!("a dither that diffuses errors, as floyd-steinberg, beside {{}} but found {}", dither);
            refuse(&given, &expected, ())?;
        }
        options.palette = self.palette.unwrap_or_default();
        options.dither = dither;
        options.serpentine = !self.no_serpentine;
        options.colors = self.colors.unwrap_or(options.colors);
        Ok(options)
    }
}

/// `outcome`, unless one of these is given: then a usage error, which names it in the place of `{}`.
fn refuse<T>(given: &[(bool, &str)], expected: &str, outcome: T) -> Result<T> {
    let Some((_, name)) = given.iter().find(|(given, _)| *given) else { return Ok(outcome) };
    let expected = expected.replace("{}", name);
    let found = if expected.ends_with(',') { " but found it" } else { "" };
    Err(Error::new(ErrorKind::Syntax, format!("expected {expected}{found}; leave it out")))
}

/// `forever` or `0`, `once`, or how often an animated picture is shown.
fn loops(text: &str) -> Result<u16> {
    match (text, text.parse()) {
        ("forever", _) => Ok(0),
        ("once", _) => Ok(1),
        (_, Ok(times)) if !text.starts_with('+') => Ok(times),
        _ => {
            let expected = "expected forever, once, or how often it is shown, 1 to 65535, but found";
            Err(Error::new(ErrorKind::Syntax, format!("{expected} `{text}`")))
        }
    }
}

impl RecordArgs {
    /// The options of the GIFs among the outputs.
    ///
    /// # Errors
    /// Usage errors for what the outputs' formats have not.
    pub fn gif_options(&self) -> Result<GifOptions> {
        self.gif.options(&self.containers(), &self.encoder)
    }

    /// What to say before a GIF of this is made.
    pub fn gif_warnings(&self, media: &Media) -> Vec<String> {
        let mut warnings = Vec::new();
        let Some(info) = media.video.as_ref().map(|video| video.info()) else { return warnings };
        let size = self.input.size.unwrap_or(info.size);
        let rate = self.fps.or(info.rate);
        if let Some(rate) = rate.map(FrameRate::as_f64).filter(|rate| *rate > FASTEST) {
            warnings.push(format!(
                "browsers show {FASTEST} frames a second of a GIF, not {}: some are left out",
                short(rate)
            ));
        }
        let length = info.frames.zip(info.rate).map(|(frames, rate)| rate.frame_span().as_secs_f64() * frames as f64);
        let limit = self.duration.map(Span::as_secs_f64);
        let length = match (length, limit) {
            (Some(length), Some(limit)) => Some(length.min(limit)),
            (length, limit) => length.or(limit),
        };
        if let Some(length) = length.filter(|length| *length > LONG.as_secs_f64()) {
            let rate = rate.map_or(25.0, FrameRate::as_f64).min(FASTEST);
            warnings.push(large(length, size, rate));
        }
        warnings
    }
}

/// A rate with three decimals at most.
fn short(rate: f64) -> String {
    ((rate * 1000.0).round() / 1000.0).to_string()
}

/// Says how large a long GIF will be, and what would make it smaller.
fn large(length: f64, size: Size, rate: f64) -> String {
    /// What most GIFs have at most: a width, and frames a second.
    const WIDTH: u32 = 480;
    const RATE: f64 = 12.5;
    let bytes = |size: Size, rate: f64| megabytes((size.pixels() as f64 * rate * length * BYTES_OF_A_PIXEL) as u64);
    let height = (size.height as f64 * f64::from(WIDTH) / f64::from(size.width) / 2.0).round() as u32 * 2;
    let small = if size.width > WIDTH { Size::new(WIDTH, height.max(16)) } else { size };
    let slow = rate.min(RATE);
    let mut text = format!(
        "a GIF of {length:.0} s, {size} at {} frames a second, may take some {}",
        short(rate),
        bytes(size, rate)
    );
    if (small, slow) != (size, rate) {
        text += &format!("; with --size {small} --fps {slow} some {}", bytes(small, slow));
    }
    text
}
