//! A film of WebP pictures, as whammy.js makes it: the frame of VP8 in a lossy WebP picture is a key frame of VP8, and
//! goes into a WebM file as it is. No pixel of it is decoded or changed.
//!
//! | a picture | goes into the film |
//! |---|---|
//! | lossy WebP | its bytes of VP8, unchanged |
//! | lossy WebP with transparency | its bytes of VP8, unchanged; the transparency encoded anew, or left out and counted |
//! | lossless WebP, a [`Frame`] | encoded anew as a key frame of VP8 |
//! | an animation of whole, opaque, lossy pictures | each picture's bytes of VP8, unchanged, for its own duration |
//! | any other animation | its pictures as they are shown, encoded anew |
//!
//! Colour profiles and metadata (`ICCP`, `EXIF` with its orientation, `XMP `) are left out.
//!
//! # Budget
//! One picture is in memory at a time, and of a film in a file no more. A file has at most 512 MiB, a frame of VP8 64 MiB,
//! which is what readers of WebM here accept. A picture that is encoded anew has at most 35,651,584 pixels, those of
//! [`WebmSource`](crate::source::webm::WebmSource); each takes some 20 bytes while that is done. An animation with many
//! small frames on a large canvas takes long, as its film does.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::output::{self, Destination, FileSink, Output};
use crate::blob::Blob;
use crate::codec::VideoCodec;
use crate::color::{ColorSpace, Matrix};
use crate::encode::EncoderChoice;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, Size};
use crate::mux::riff::{WebpFile, WebpFrame};
use crate::mux::{Container, ContainerWriter, Tracks, VideoTrack};
use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::{FrameRate, Span, Timestamp};

mod encoding;
use encoding::{DecodedPictures, Vp8PictureEncoder, rgba};

/// The type of every film.
const MIME_TYPE: &str = "video/webm;codecs=\"vp8\"";
/// The colours of VP8 in WebP: BT.601, limited range (RFC 9649 §2.5).
const COLORS: ColorSpace = ColorSpace { matrix: Matrix::Bt601, ..ColorSpace::RECORDED };
/// The largest file of a picture, in bytes.
const MAX_FILE: u64 = 512 << 20;
/// The largest frame of VP8, in bytes.
const MAX_FRAME: usize = 64 << 20;
/// The longest film: WebM's writers count milliseconds in 32 bits.
const LONGEST: Timestamp = Timestamp::from_nanos(u32::MAX as i64 * 1_000_000);

/// Makes a WebM film of WebP pictures, without encoding them where they are lossy: whammy.js's `Whammy.Video`.
///
/// ```
/// use framereel::{FrameRate, Span, Whammy};
///
/// # fn main() -> framereel::Result<()> {
/// # let (first, second) = (lossy(), lossy());
/// let mut whammy = Whammy::new(FrameRate::whole(24));
/// whammy.add(&first, None)?;
/// whammy.add(&second, Span::from_secs(2))?;
/// let film = whammy.compile()?;
/// assert_eq!(film.mime_type(), "video/webm;codecs=\"vp8\"");
/// # Ok(())
/// # }
/// # fn lossy() -> Vec<u8> {
/// #     let vp8 = [0xd0, 0x01, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0].into_iter().chain([0; 30]);
/// #     let chunk: Vec<u8> = b"WEBPVP8 ".iter().copied().chain(40_u32.to_le_bytes()).chain(vp8).collect();
/// #     [&b"RIFF"[..], &(chunk.len() as u32).to_le_bytes(), &chunk].concat()
/// # }
/// ```
///
/// All pictures have one size. A picture that cannot be added is an error that names it and says what the film holds; the
/// next one may be added all the same, and [`Whammy::compile`] makes the film of those that were.
///
/// In a file, the film plays at every instant, also when the program is killed; dropped without
/// [`Whammy::compile`], it stays as it is then: without Cues, but with every picture.
pub struct Whammy {
    /// Whether transparency is encoded, the encoder of pictures that cannot go in as they are, and its quality.
    alpha: bool,
    encoder: EncoderChoice,
    quality: u8,
    times: FilmTimes,
    sink: WhammySink,
    /// The size of all pictures, and the name of the first.
    first: Option<(Size, String)>,
    report: WhammyReport,
}

debug_fields!(Whammy { alpha, encoder, quality, report });

/// What is in a film so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WhammyReport {
    /// How many pictures it has; those of an animation count each.
    pub pictures: u64,
    /// How many of them went in as they were.
    pub copied: u64,
    /// How many were encoded anew.
    pub encoded: u64,
    /// How many have transparency, encoded in the film.
    pub transparent: u64,
    /// How many have transparency that was left out.
    pub made_opaque: u64,
    /// How long the film is.
    pub duration: Span,
}

/// A picture for a film.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum WhammyPicture<'a> {
    /// The bytes of a WebP file: a still or an animation.
    WebP(Cow<'a, [u8]>),
    /// The same as a `data:image/webp;base64,` URL, as a browser's `canvas.toDataURL` gives it.
    DataUrl(Cow<'a, str>),
    /// Pixels, RGBA or I420.
    Frame(Frame),
}

impl<'a> From<&'a [u8]> for WhammyPicture<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::WebP(bytes.into())
    }
}

impl<'a> From<&'a Vec<u8>> for WhammyPicture<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::WebP(bytes.into())
    }
}

impl From<Vec<u8>> for WhammyPicture<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::WebP(bytes.into())
    }
}

impl<'a> From<&'a str> for WhammyPicture<'a> {
    fn from(url: &'a str) -> Self {
        Self::DataUrl(url.into())
    }
}

impl From<Frame> for WhammyPicture<'_> {
    fn from(frame: Frame) -> Self {
        Self::Frame(frame)
    }
}

/// A container's writer, which owns the output while it writes.
type FilmWriter = Box<dyn ContainerWriter<Box<dyn Output>>>;

/// The owner of the output.
enum WhammySink {
    /// No picture was added yet.
    Idle(Box<dyn Output>),
    Writing(FilmWriter),
    /// None: the film could not begin.
    Lost,
}

impl Whammy {
    /// A film in memory. A picture that is added without a duration is shown for one frame of this rate; without a rate,
    /// every picture needs a duration.
    pub fn new(rate: impl Into<Option<FrameRate>>) -> Self {
        Self {
            alpha: false,
            encoder: EncoderChoice::Auto,
            quality: 80,
            times: FilmTimes { rate: rate.into(), origin: Timestamp::ZERO, frames: 0 },
            sink: WhammySink::Idle(output::in_memory(MIME_TYPE)),
            first: None,
            report: WhammyReport::default(),
        }
    }

    /// The same film, written to this file while pictures are added. A pipe gets WebM's live form, which has no
    /// Duration: its last picture's duration is lost.
    ///
    /// # Panics
    /// When a picture was added already.
    #[must_use]
    pub fn with_file(mut self, sink: FileSink) -> Self {
        assert!(matches!(self.sink, WhammySink::Idle(_)), "the film has begun");
        self.sink = WhammySink::Idle(output::open(Destination::File(sink), MIME_TYPE));
        self
    }

    /// The same film with the transparency of its pictures, which is left out by default. It is encoded, so that an
    /// encoder of VP8 must be built in.
    ///
    /// # Panics
    /// When a picture was added already.
    #[must_use]
    pub fn with_alpha(mut self, alpha: bool) -> Self {
        assert!(matches!(self.sink, WhammySink::Idle(_)), "the film has begun");
        self.alpha = alpha;
        self
    }

    /// The same film with this encoder for what cannot go in as it is: transparency, and pictures that are not lossy WebP.
    #[must_use]
    pub fn with_encoder(mut self, encoder: EncoderChoice) -> Self {
        self.encoder = encoder;
        self
    }

    /// The same film with this quality, 0 to 100, for what is encoded; 80 by default, as whammy.js has it.
    #[must_use]
    pub fn with_quality(mut self, quality: u8) -> Self {
        self.quality = quality;
        self
    }

    /// Adds a picture, or the pictures of an animation, and how long it is shown: for one frame of the rate where nothing
    /// else is said. The pictures of an animation have their own durations, and those of up to 10 ms are shown for 100
    /// ms, as browsers do.
    ///
    /// Times add up exactly; the file has them to a millisecond.
    ///
    /// # Errors
    /// With the picture's number, counted from 1, and what the film holds: `NotReadableError` for one that is damaged;
    /// `NotSupportedError` for one that is of another size than the first, too large, or that must be encoded where no
    /// encoder of VP8 is built in; `RangeError` for a duration that is not above 0, and for a film of more than 49 days;
    /// `TypeError` for one without a duration where there is no rate. With the file's name, a write error.
    pub fn add<'a>(&mut self, picture: impl Into<WhammyPicture<'a>>, duration: impl Into<Option<Span>>) -> Result<()> {
        let name = format!("picture {}", self.report.pictures + 1);
        let added = self.add_picture(&name, &picture.into(), duration.into());
        added.map_err(|error| self.explain(&name, error))
    }

    /// Adds the WebP picture in a file, as [`Whammy::add`] does.
    ///
    /// # Errors
    /// As [`Whammy::add`], with the file's path in place of a number; for a file that cannot be read or has more than 512
    /// MiB.
    pub fn add_file(&mut self, path: impl AsRef<Path>, duration: impl Into<Option<Span>>) -> Result<()> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = read(path).map_err(|error| error.with_remedy(self.kept()))?;
        let added = self.add_picture(&name, &WhammyPicture::WebP(bytes.into()), duration.into());
        added.map_err(|error| self.explain(&name, error))
    }

    /// What is in the film so far.
    pub fn report(&self) -> WhammyReport {
        self.report
    }

    /// Ends the film: writes its index and its exact duration, and returns it.
    ///
    /// # Errors
    /// `InvalidStateError` for a film without a picture, whose file is removed; a write error.
    pub fn compile(mut self) -> Result<Blob> {
        match std::mem::replace(&mut self.sink, WhammySink::Lost) {
            WhammySink::Writing(writer) => {
                let finished = writer.finish(Some(self.times.begin()));
                let mut output = finished.sink;
                let path = output.path().map(|path| path.display().to_string());
                let keep = finished.outcome.is_ok() || finished.end > Timestamp::ZERO;
                let film = output.end(keep);
                finished.outcome.map_err(|error| path.map_or(error.clone(), |path| error.at(path)))?;
                film
            }
            sink => {
                if let WhammySink::Idle(mut output) = sink {
                    // The output removes a file only once it has begun to write it.
                    output.begin().and_then(|()| output.end(false))?;
                }
                Err(Error::new(ErrorKind::InvalidState, "expected a picture in the film but found none"))
            }
        }
    }

    /// What the film holds, for errors.
    fn kept(&self) -> String {
        let WhammyReport { pictures, duration, .. } = self.report;
        match pictures {
            0 => "the film holds no picture yet".to_owned(),
            1 => format!("the film keeps the picture before it, {:.3} s", duration.as_secs_f64()),
            _ => format!("the film keeps the {pictures} pictures before it, {:.3} s", duration.as_secs_f64()),
        }
    }

    fn explain(&mut self, name: &str, error: Error) -> Error {
        if *error.kind() != ErrorKind::Write {
            return error.at(name).with_remedy(self.kept());
        }
        let mut path = None;
        if let WhammySink::Writing(writer) = &mut self.sink {
            writer.with_sink(&mut |output| path = output.path().map(|path| path.display().to_string()));
        }
        path.map_or(error.clone(), |path| error.at(path))
    }

    fn add_picture(&mut self, name: &str, picture: &WhammyPicture<'_>, duration: Option<Span>) -> Result<()> {
        match picture {
            WhammyPicture::WebP(bytes) => self.add_webp(name, bytes, duration),
            WhammyPicture::DataUrl(url) => self.add_webp(name, &decoded_url(url)?, duration),
            WhammyPicture::Frame(frame) => {
                self.check_size(frame.size())?;
                let encoded = self.picture_encoder(frame.size()).encode(|| rgba(frame))?;
                self.write(name, frame.size(), encoded, duration)
            }
        }
    }

    fn add_webp(&mut self, name: &str, bytes: &[u8], duration: Option<Span>) -> Result<()> {
        let file = WebpFile::parse(bytes)?;
        self.check_size(file.size)?;
        let encoder = self.picture_encoder(file.size);
        let duration = |frame: &WebpFrame<'_>| frame.duration.map(shown).or(duration);
        let Some(copies) = file.frames.iter().map(|frame| frame.alone(file.animated)).collect::<Option<Vec<_>>>()
        else {
            let mut pictures = DecodedPictures::new(bytes, &file);
            for frame in &file.frames {
                let encoded = encoder.encode(|| pictures.next())?;
                self.write(name, file.size, encoded, duration(frame))?;
            }
            return Ok(());
        };
        for (frame, vp8) in file.frames.iter().zip(copies) {
            if vp8.len() > MAX_FRAME {
                let found = vp8.len();
                let expected = format!("expected VP8 of at most {MAX_FRAME} bytes but found {found}");
                return Err(Error::not_supported(expected));
            }
            let alpha = (frame.alpha && self.alpha)
                .then(|| encoder.transparency(|| DecodedPictures::new(bytes, &file).next()))
                .transpose()?;
            let opaque = frame.alpha && !self.alpha;
            let copy = FilmPicture { data: vp8.to_vec(), alpha, is_copy: true, is_made_opaque: opaque };
            self.write(name, file.size, copy, duration(frame))?;
        }
        Ok(())
    }

    fn picture_encoder(&self, size: Size) -> Vp8PictureEncoder {
        Vp8PictureEncoder { choice: self.encoder.clone(), quality: self.quality, alpha: self.alpha, size }
    }

    /// Refuses a picture of another size than the first.
    fn check_size(&self, found: Size) -> Result<()> {
        match &self.first {
            Some((size, first)) if *size != found => {
                Err(Error::not_supported(format!("expected {size}, as {first} has, but found {found}")))
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self, name: &str, size: Size, picture: FilmPicture, duration: Option<Span>) -> Result<()> {
        let (begin, times) = self.times.after(duration)?;
        let end = times.begin();
        let is_transparent = picture.alpha.is_some();
        let packet =
            EncodedPacket { alpha: picture.alpha, ..EncodedPacket::new(picture.data, begin, end - begin, true) };
        let alpha = self.alpha;
        self.writer(size, alpha)?.write(TrackKind::Video, &packet)?;
        self.first.get_or_insert_with(|| (size, name.to_owned()));
        self.times = times;
        self.report.pictures += 1;
        self.report.copied += u64::from(picture.is_copy);
        self.report.encoded += u64::from(!picture.is_copy);
        self.report.transparent += u64::from(is_transparent);
        self.report.made_opaque += u64::from(picture.is_made_opaque);
        self.report.duration = end - Timestamp::ZERO;
        Ok(())
    }

    /// The film's writer, which begins with the first picture.
    fn writer(&mut self, size: Size, alpha: bool) -> Result<&mut FilmWriter> {
        if let WhammySink::Idle(_) = self.sink
            && let WhammySink::Idle(mut output) = std::mem::replace(&mut self.sink, WhammySink::Lost)
        {
            output.begin()?;
            let mut track = VideoTrack::new(VideoCodec::Vp8, size, Vec::new()).with_alpha(alpha);
            track.color = COLORS;
            self.sink = WhammySink::Writing(Container::Webm.writer(output, &Tracks::from(track), None, None)?);
        }
        match &mut self.sink {
            WhammySink::Writing(writer) => Ok(writer),
            _ => {
                Err(Error::new(ErrorKind::InvalidState, "expected a film to add to but found that it could not begin"))
            }
        }
    }
}

/// How long a browser shows a picture of an animation.
fn shown(duration: Span) -> Span {
    if duration <= Span::from_millis(10) { Span::from_millis(100) } else { duration }
}

/// A picture as it goes into the film.
struct FilmPicture {
    /// A key frame of VP8.
    data: Vec<u8>,
    /// The same of its transparency.
    alpha: Option<Vec<u8>>,
    /// Whether the bytes are those of its file.
    is_copy: bool,
    /// Whether it has transparency that is left out.
    is_made_opaque: bool,
}

/// Where the next picture begins: some frames of the rate behind the last picture that had a duration of its own.
#[derive(Debug, Clone, Copy)]
struct FilmTimes {
    rate: Option<FrameRate>,
    origin: Timestamp,
    frames: u64,
}

impl FilmTimes {
    fn begin(self) -> Timestamp {
        let run = self.rate.map_or(Timestamp::ZERO, |rate| rate.timestamp(self.frames));
        self.origin + (run - Timestamp::ZERO)
    }

    /// The time of a picture that is shown so long, and the times of the pictures behind it.
    fn after(self, duration: Option<Span>) -> Result<(Timestamp, Self)> {
        let begin = self.begin();
        let next = match (duration, self.rate) {
            (Some(duration), _) if duration <= Span::ZERO => {
                return Err(Error::range(format!("expected a duration above 0 but found {duration}")));
            }
            (Some(duration), _) => Self { origin: begin + duration, frames: 0, ..self },
            (None, Some(_)) => Self { frames: self.frames + 1, ..self },
            (None, None) => {
                let expected = "expected a duration of the picture, or a rate of the film, but found neither";
                return Err(Error::new(ErrorKind::Type, expected));
            }
        };
        if next.begin() > LONGEST {
            let found = next.begin() - Timestamp::ZERO;
            return Err(Error::range(format!("expected a film of at most 49 days but found one of {found}")));
        }
        Ok((begin, next))
    }
}

/// The bytes of a file.
fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable = |error| Error::reading(path, error);
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        let expected = format!("expected a picture of at most {} MiB but found more", MAX_FILE >> 20);
        return Err(Error::not_supported(expected).at(path.display()));
    }
    Ok(bytes)
}

/// The bytes in a `data:` URL (RFC 2397).
fn decoded_url(url: &str) -> Result<Vec<u8>> {
    const HEAD: &str = "data:image/webp;base64,";
    let refused = |found: &str| {
        let found: String = found.chars().take(HEAD.len()).collect();
        Error::new(ErrorKind::Type, format!("expected `{HEAD}…` but found `{}…`", found.escape_debug()))
    };
    let body = url.get(..HEAD.len()).filter(|head| head.eq_ignore_ascii_case(HEAD)).map(|_| &url[HEAD.len()..]);
    let body = body.ok_or_else(|| refused(url))?;
    STANDARD.decode(body.trim_end()).map_err(|error| Error::syntax("expected base64 in the URL").with_cause(error))
}

#[cfg(test)]
mod tests;
