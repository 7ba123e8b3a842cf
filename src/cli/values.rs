//! Parses the values on the command line; an error says what was expected.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command};
use framereel::canvas::layout::{Anchor, OverlayPlace};
use framereel::filter::{Edge, FileAccess, FilterChain, Visualization};
use framereel::frame::Size;
use framereel::mux::Container;
use framereel::recorder::Layout;
use framereel::source::SourceSpec;
use framereel::source::audio::AudioSpec;
use framereel::source::mix::MixSource;
use framereel::still::StillFormat;
use framereel::time::Span;
use framereel::{Error, ErrorKind, Result};

/// The words of some values.
pub const GRAPHICS: &[&str] = &["blocks", "sixel", "kitty"];
pub const LAYOUTS: &[&str] = &["over", "grid"];
pub const DEPTHS: &[&str] = &["8", "10"];
pub const TONE_MAPS: &[&str] = &["bt2390", "clip", "none"];
pub const DEINTERLACE: &[&str] = &["auto", "off"];
pub const EDGES: &[&str] = &["transparent", "clamp"];
pub const PALETTES: &[&str] = &["global", "frame", "rolling"];
pub const DITHERS: &[&str] = &["none", "floyd-steinberg", "false-floyd-steinberg", "stucki", "atkinson", "ordered"];
pub const OVERLOADS: &[&str] = &["drop", "slow", "block"];
pub const VISUALIZATIONS: &[&str] = &["wave", "bars", "spectrogram"];

/// A value that is one of these words, which shells complete.
#[derive(Clone)]
pub struct Words<T> {
    words: &'static [&'static str],
    parse: fn(&str) -> Result<T>,
}

/// Reads one of these words by `parse`, whose error says what was expected in place of another.
pub fn words<T>(words: &'static [&'static str], parse: fn(&str) -> Result<T>) -> Words<T> {
    Words { words, parse }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Words<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        self.parse.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words.iter().copied().map(PossibleValue::new)))
    }
}

/// `640x360`: both even, because chroma is halved, and at least 16, the encoders' minimum.
pub fn size(text: &str) -> Result<Size> {
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

/// Columns and rows: `5x4`.
pub fn grid(text: &str) -> Result<Size> {
    const MOST: u32 = 100;
    let sides = text.split_once('x').and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    match sides {
        Some((columns @ 1..=MOST, rows @ 1..=MOST)) => Ok(Size::new(columns, rows)),
        Some(_) => Err(range_error(format!("expected 1 to {MOST} columns and rows but found `{text}`"))),
        None => Err(syntax(format!("expected columns and rows such as 5x4 but found `{text}`"))),
    }
}

/// A colour behind what is transparent, as the filter that draws it.
pub fn background(color: &str) -> Result<FilterChain> {
    let chain: Option<FilterChain> = format!("background({color})").parse().ok();
    // No further filters, and no default.
    chain.filter(|chain| chain.filters().len() == 1 && !color.trim().is_empty()).ok_or_else(|| {
        let examples = "red, #f80, rgb(255 128 0) or hsl(30deg 100% 50%)";
        syntax(format!("expected a colour such as {examples} but found `{color}`"))
    })
}

/// A number without sign or exponent.
pub fn number_of(text: &str) -> Option<f64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// When a piece of a recording is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    Time(Span),
    Bytes(u64),
}

/// `10m` (ten minutes), `30s`, `100MB`.
pub fn split(text: &str) -> Result<Split> {
    if text.ends_with('B') {
        return bytes(text).map(Split::Bytes);
    }
    some_time(text).map(Split::Time).map_err(|error| match error.kind() {
        ErrorKind::Syntax => syntax(format!(
            "expected a time such as 10m (ten minutes) or a size such as 100MB, with its B, but found `{text}`"
        )),
        _ => error,
    })
}

/// `100MB`, `500kB`, `1.5GB`, `64MiB`: bytes.
pub fn bytes(text: &str) -> Result<u64> {
    const UNITS: [(&str, f64); 8] = [
        ("KiB", 1024.0),
        ("MiB", 1_048_576.0),
        ("GiB", 1_073_741_824.0),
        ("kB", 1e3),
        ("KB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("B", 1.0),
    ];
    let found = UNITS.iter().find_map(|(unit, scale)| Some((text.strip_suffix(unit)?, scale)));
    match found.and_then(|(number, scale)| Some(number_of(number)? * scale)) {
        Some(bytes) if bytes >= 1.0 => Ok(bytes.round() as u64),
        Some(_) => Err(range_error(format!("expected a size above 0 but found `{text}`"))),
        None => Err(syntax(format!("expected a size such as 100MB, 500kB or 64MiB, with its B, but found `{text}`"))),
    }
}

/// A folder, which need not be there yet.
#[cfg(feature = "preview")]
pub fn folder(text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(text);
    if path.is_dir() || !path.exists() {
        return Ok(path);
    }
    Err(syntax(format!("expected a folder but found a file at `{text}`")))
}

pub fn some_time(text: &str) -> Result<Span> {
    match text.parse()? {
        Span::ZERO => Err(Error::new(ErrorKind::Range, format!("expected a time above 0 but found `{text}`"))),
        span => Ok(span),
    }
}

/// A filter chain, which may name any file: the program's user can read these files anyway.
pub fn chain(text: &str) -> Result<FilterChain> {
    FilterChain::parse_with(text, &FileAccess::Any)
}

/// The sound that is recorded with the video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioChoice {
    /// Nothing.
    None,
    /// Another sound than the source's own.
    Other(AudioSpec),
}

/// `none`, `tone`, or else a path. A file of such a name is given as `./none`.
pub fn sound(text: &str) -> Result<AudioChoice, std::convert::Infallible> {
    match text {
        "none" => Ok(AudioChoice::None),
        other => other.parse().map(AudioChoice::Other),
    }
}

/// Another source on the canvas, and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlayChoice {
    pub source: SourceSpec,
    pub place: OverlayPlace,
}

/// `camera@right-bottom,25%`, or without a place. The text after the last `@` is the place if it can be parsed as one;
/// for a file with an `@` in its name, give a place too.
pub fn overlay(text: &str) -> Result<OverlayChoice> {
    const USUAL: OverlayPlace = OverlayPlace::Anchored { anchor: Anchor::RightBottom, part: 0.25 };
    let (source, place) = match text.rsplit_once('@') {
        Some((source, place)) => (source, place.parse()?),
        None => (text, USUAL),
    };
    let Ok(source) = source.parse::<SourceSpec>();
    if matches!(source, SourceSpec::Sound(_)) {
        return Err(syntax(format!(
            "expected a source of pictures to lay over but found `{text}`; mix sound with --audio"
        )));
    }
    Ok(OverlayChoice { source, place })
}

/// `zoom-absolute=150`: a control of the camera, and its value.
pub fn camera_control(text: &str) -> Result<(String, i64)> {
    let split =
        text.split_once('=').and_then(|(name, value)| Some((name.trim().to_lowercase(), value.trim().parse().ok()?)));
    split.filter(|(name, _): &(String, i64)| !name.is_empty()).ok_or_else(|| {
        syntax(format!("expected a control and a whole number, as zoom-absolute=150, but found `{text}`"))
    })
}

pub fn layout(text: &str) -> Result<Layout> {
    match text {
        "over" => Ok(Layout::Over),
        "grid" => Ok(Layout::Grid),
        _ => Err(syntax(format!("expected over or grid but found `{text}`"))),
    }
}

/// `-6`, `3.5dB`: decibels.
pub fn gain(text: &str) -> Result<f32> {
    let wrong = || syntax(format!("expected decibels such as -6 or 3.5dB but found `{text}`"));
    let gain: f32 = text.strip_suffix("dB").unwrap_or(text).trim_end().parse().map_err(|_| wrong())?;
    let (least, most) = MixSource::GAINS.into_inner();
    if gain.is_nan() || !(least..=most).contains(&gain) {
        return Err(range_error(format!("expected a gain from {least} to {most} dB but found `{text}`")));
    }
    Ok(gain)
}

pub fn edge(text: &str) -> Result<Edge> {
    match text {
        "transparent" => Ok(Edge::Transparent),
        "clamp" => Ok(Edge::Clamp),
        _ => Err(syntax(format!("expected transparent or clamp but found `{text}`"))),
    }
}

pub fn recording_path(text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(text);
    if text == "-" || is_folder(&path) || is_device(&path) || is_recording_name(&path) {
        return Ok(path);
    }
    let expected = "expected a file name that ends in .webm, .mp4, .gif, .webp, .apng, .png, .jpg or .tar, or for sound \
                    alone in .ogg, .opus or .wav,";
    let remedy = "a folder's name ends in /";
    Err(Error::new(ErrorKind::NotSupported, format!("{expected} but found `{text}`; {remedy}")))
}

/// The path of a repaired file, which needs the extension of its format: WebM, Matroska or MP4.
pub fn repaired_path(text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(text);
    if is_device(&path) || is_matroska_name(&path) || is_mp4_name(&path) {
        return Ok(path);
    }
    let expected = "expected a file name that ends in .webm, .mkv or .mp4";
    Err(Error::new(ErrorKind::NotSupported, format!("{expected} but found `{text}`")))
}

/// Whether a file has an extension of WebM or Matroska.
pub fn is_matroska_name(path: &Path) -> bool {
    let known = ["webm", "mkv", "mka", "weba"];
    path.extension().is_some_and(|extension| known.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// Whether a file has an extension of MP4 or of QuickTime's format.
pub fn is_mp4_name(path: &Path) -> bool {
    let known = ["mp4", "m4v", "m4a", "mov"];
    path.extension().is_some_and(|extension| known.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

pub fn visualization(text: &str) -> Result<Visualization> {
    text.parse()
}

pub fn still_path(text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(text);
    StillFormat::from_path(&path)?;
    Ok(path)
}

fn is_recording_name(path: &Path) -> bool {
    container_of(path).is_some()
}

/// The container of a recording with this name. `frames.jpg.tar` is an archive of JPEG pictures.
pub fn container_of(path: &Path) -> Option<Container> {
    let container = Container::for_extension(path.extension()?.to_str()?)?;
    let inner = path.file_stem().map(Path::new).and_then(|stem| StillFormat::from_path(stem).ok());
    match (container, inner) {
        (Container::Tar(_), Some(format)) => Some(Container::Tar(format)),
        _ => Some(container),
    }
}

/// Whether this names a folder: by a slash at its end, or because such a folder exists and its name has no extension
/// of a recording.
pub fn is_folder(path: &Path) -> bool {
    let slash = path.as_os_str().as_encoded_bytes().last().is_some_and(|&last| std::path::is_separator(last.into()));
    slash || path.is_dir() && !is_recording_name(path)
}

/// Whether this is a device or a pipe, which needs no extension.
pub fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

pub fn range_error(context: String) -> Error {
    Error::new(ErrorKind::Range, context)
}

pub fn syntax(context: String) -> Error {
    Error::new(ErrorKind::Syntax, context)
}

#[cfg(test)]
mod tests {
    use framereel::color::ToneMap;
    use framereel::encode::gif::{GifDither, GifPalette};
    use framereel::frame::BitDepth;
    use framereel::recorder::Overload;
    use framereel::source::Deinterlace;

    use super::*;
    use crate::cli::show::graphics::Graphics;

    #[test]
    fn words_that_shells_complete_are_those_that_are_read() {
        assert!(GRAPHICS.iter().all(|word| word.parse::<Graphics>().is_ok()));
        assert!(LAYOUTS.iter().all(|word| layout(word).is_ok()));
        assert!(EDGES.iter().all(|word| edge(word).is_ok()));
        assert_eq!(PALETTES, GifPalette::ALL.map(GifPalette::name));
        assert_eq!(DITHERS, GifDither::ALL.map(GifDither::name));
        assert!(DEPTHS.iter().all(|word| word.parse::<BitDepth>().is_ok()));
        assert!(TONE_MAPS.iter().all(|word| word.parse::<ToneMap>().is_ok()));
        assert_eq!(TONE_MAPS, ToneMap::ALL.map(ToneMap::name));
        assert!(DEINTERLACE.iter().all(|word| word.parse::<Deinterlace>().is_ok()));
        let kinds = Visualization::ALL.map(Visualization::name);
        assert_eq!(VISUALIZATIONS, kinds);
        assert_eq!(OVERLOADS, Overload::ALL.map(Overload::name));
    }

    #[test]
    fn sizes_of_files_are_written_with_a_b_and_times_without() {
        for (text, split_at) in [
            ("10m", Split::Time(Span::from_secs(600))),
            ("90", Split::Time(Span::from_secs(90))),
            ("100MB", Split::Bytes(100_000_000)),
            ("500kB", Split::Bytes(500_000)),
            ("1.5GB", Split::Bytes(1_500_000_000)),
            ("2MiB", Split::Bytes(2 << 20)),
            ("700B", Split::Bytes(700)),
        ] {
            assert_eq!(split(text).unwrap(), split_at, "{text}");
        }
        for text in ["10M", "100k", "", "B", "-1MB", "1e3B", "1TB", "mB"] {
            let error = split(text).unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Syntax, "{error}");
            assert!(error.to_string().contains("100MB") && error.to_string().contains("with its B"), "{error}");
        }
        for text in ["0MB", "0.1B", "0s"] {
            assert_eq!(*split(text).unwrap_err().kind(), ErrorKind::Range, "{text}");
        }
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
    fn a_recording_ends_in_the_extension_of_its_container() {
        for (text, container) in [
            ("a.webm", Container::Webm),
            ("folder/A.WEBM", Container::Webm),
            ("a.ogg", Container::Ogg),
            ("a.opus", Container::Ogg),
            ("a.Wav", Container::Wav),
        ] {
            assert_eq!(container_of(&recording_path(text).unwrap()), Some(container), "{text}");
        }
        for text in ["a.avi", "webm", "a", "a.webm/b"] {
            assert!(
                recording_path(text)
                    .unwrap_err()
                    .to_string()
                    .contains(&format!("or for sound alone in .ogg, .opus or .wav, but found `{text}`"))
            );
        }
    }
}
