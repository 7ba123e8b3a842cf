//! The options of a GIF.

use std::fmt;
use std::str::FromStr;

use crate::codec::listed;
use crate::error::{Error, Result};
use crate::time::{Span, Timestamp};

/// How a recording becomes a GIF. The default looks best without flicker; a GIF has no bitrate, and a constant quality
/// ([`RateControl::Quality`](super::super::RateControl::Quality)) says how far a pixel may be from what it shows before it
/// is drawn anew: by nothing with 100, by 16 of 255 with 0, by 3 where none is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GifOptions {
    /// Where the colours come from.
    pub palette: GifPalette,
    /// How colours between those of the palette are shown.
    pub dither: GifDither,
    /// Whether a dither that diffuses errors runs through every other row from the right; [`GifDither::Ordered`] and
    /// [`GifDither::None`] know no direction.
    pub serpentine: bool,
    /// How many colours a palette has at most, 2 to 256. Of 256, one is kept for transparency.
    pub colors: u16,
    /// The least alpha of a pixel that is shown, opaque; others are transparent. With 0 everything is shown.
    pub alpha_threshold: u8,
    /// How much of the recording is looked at for the first palette: these frames wait in memory, 64 MiB at most. None
    /// stands for one second in real time, and for ten seconds otherwise.
    pub lookahead: Option<Span>,
}

setters! {
    GifOptions {
        with_palette: palette: GifPalette,
        with_dither: dither: GifDither,
        with_serpentine: serpentine: bool,
        with_colors: colors: u16,
        with_alpha_threshold: alpha_threshold: u8,
        with_lookahead: lookahead: Span,
    }
}

impl Default for GifOptions {
    fn default() -> Self {
        Self {
            palette: GifPalette::default(),
            dither: GifDither::default(),
            serpentine: true,
            colors: *Self::COLORS.end(),
            alpha_threshold: 128,
            lookahead: None,
        }
    }
}

impl GifOptions {
    /// How many colours a palette may have.
    pub const COLORS: std::ops::RangeInclusive<u16> = 2..=256;

    /// How much is looked at where the options do not say.
    const LOOKAHEAD: Span = Span::from_secs(10);
    const LOOKAHEAD_IN_REAL_TIME: Span = Span::from_secs(1);

    /// Sets how much is looked at for the first palette: in real time less, and nothing beyond the recording's end.
    pub(crate) fn limit_lookahead(&mut self, real_time: bool, end: Option<Timestamp>) {
        let usual = if real_time { Self::LOOKAHEAD_IN_REAL_TIME } else { Self::LOOKAHEAD };
        let lookahead = self.lookahead.unwrap_or(usual);
        self.lookahead = Some(end.map_or(lookahead, |end| lookahead.min(end - Timestamp::ZERO)));
    }

    /// How much is looked at for the first palette.
    pub(in crate::encode) fn lookahead_or_default(&self) -> Span {
        self.lookahead.unwrap_or(Self::LOOKAHEAD)
    }

    pub(in crate::encode) fn validate(&self) -> Result<()> {
        if Self::COLORS.contains(&self.colors) {
            return Ok(());
        }
        let (least, most) = Self::COLORS.into_inner();
        Err(Error::range(format!("expected {least} to {most} colours of a GIF but found {}", self.colors)))
    }
}

/// Where a GIF's colours come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum GifPalette {
    /// One palette for all pictures, made of the first ones ([`GifOptions::lookahead`]).
    Global,
    /// A palette for each picture: 768 bytes a picture, and the colours of what moves may flicker.
    PerFrame,
    /// One palette as long as it fits what is shown, then another, as after a cut.
    #[default]
    Rolling,
}

impl GifPalette {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Global, Self::PerFrame, Self::Rolling];

    /// Its name: `global`, `frame` or `rolling`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::PerFrame => "frame",
            Self::Rolling => "rolling",
        }
    }
}

/// As [`GifPalette::name`] writes it.
impl FromStr for GifPalette {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        named(&Self::ALL, Self::name, text)
    }
}

impl fmt::Display for GifPalette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a GIF shows colours that its palette does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum GifDither {
    /// By the nearest colour: the smallest file, with steps in gradients.
    None,
    /// The error of a pixel goes to four around it (Floyd and Steinberg, 1976).
    FloydSteinberg,
    /// As [`GifDither::FloydSteinberg`], to three.
    FalseFloydSteinberg,
    /// The error goes to twelve pixels (Stucki, 1981).
    Stucki,
    /// Three quarters of the error go to six pixels (Atkinson): more contrast.
    Atkinson,
    /// A fixed pattern of two colours: where the picture stands still, so does the pattern.
    #[default]
    Ordered,
}

impl GifDither {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::None, Self::FloydSteinberg, Self::FalseFloydSteinberg, Self::Stucki, Self::Atkinson, Self::Ordered];

    /// Its name, such as `floyd-steinberg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::FloydSteinberg => "floyd-steinberg",
            Self::FalseFloydSteinberg => "false-floyd-steinberg",
            Self::Stucki => "stucki",
            Self::Atkinson => "atkinson",
            Self::Ordered => "ordered",
        }
    }

    /// Whether it diffuses errors, so that it has a direction.
    pub const fn is_directed(self) -> bool {
        !matches!(self, Self::None | Self::Ordered)
    }
}

/// As [`GifDither::name`] writes it.
impl FromStr for GifDither {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        named(&Self::ALL, Self::name, text)
    }
}

impl fmt::Display for GifDither {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn named<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Result<T> {
    all.iter().copied().find(|one| name(*one) == text).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
        Error::syntax(format!("expected {} but found `{text}`", listed(&names)))
    })
}
