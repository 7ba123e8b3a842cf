//! Pictures that cannot go into a film as they are: they are decoded, and encoded as key frames of VP8.

use std::io::Cursor;

use image::codecs::webp::WebPDecoder;
use image::error::ImageError;
use image::{AnimationDecoder, DynamicImage, Frames, ImageDecoder, Limits, Rgba};

use super::{COLORS, FilmPicture};
use crate::codec::VideoCodec;
use crate::color::ColorSpace;
use crate::encode::{self, EncoderChoice, EncoderConfig, RateControl, VideoEncoder};
use crate::error::{Error, Result};
use crate::frame::{Frame, PixelFormat, Size};
use crate::mux::riff::WebpFile;
use crate::time::{FrameRate, Span};

/// The most pixels of a picture that is encoded anew.
const MAX_PIXELS: u64 = 35_651_584;
/// The nominal rate, which a constant quality does not depend on.
const RATE: FrameRate = FrameRate::whole(25);
const OPAQUE: u8 = 255;

/// Encodes pictures of one size, each by itself: a film of them is cut and joined at any picture.
#[derive(Debug)]
pub(super) struct Vp8PictureEncoder {
    pub(super) choice: EncoderChoice,
    pub(super) quality: u8,
    /// Whether transparency is encoded too.
    pub(super) alpha: bool,
    pub(super) size: Size,
}

impl Vp8PictureEncoder {
    /// Encodes an RGBA picture, which is made once it is certain that there is an encoder.
    pub(super) fn encode(&self, picture: impl FnOnce() -> Result<Frame>) -> Result<FilmPicture> {
        let encoder = self.open()?;
        let picture = self.checked(picture()?)?;
        let is_transparent = picture.rows(0).any(|row| row.chunks_exact(4).any(|pixel| pixel[3] < OPAQUE));
        let (data, alpha) = if is_transparent && self.alpha {
            let data = one_packet(encoder, &picture.straight_i420_in(COLORS))?;
            (data, Some(one_packet(self.open()?, &picture.alpha_i420())?))
        } else {
            (one_packet(encoder, &picture.to_i420_in(COLORS))?, None)
        };
        Ok(FilmPicture { data, alpha, is_copy: false, is_made_opaque: is_transparent && !self.alpha })
    }

    /// Encodes the transparency of an RGBA picture alone.
    pub(super) fn transparency(&self, picture: impl FnOnce() -> Result<Frame>) -> Result<Vec<u8>> {
        let encoder = self.open()?;
        one_packet(encoder, &self.checked(picture()?)?.alpha_i420())
    }

    fn open(&self) -> Result<Box<dyn VideoEncoder>> {
        if self.size.pixels() > MAX_PIXELS {
            let found = format!("{}, which are {}", self.size, self.size.pixels());
            let expected =
                format!("expected a picture of at most {MAX_PIXELS} pixels to encode anew but found {found}");
            return Err(Error::not_supported(expected));
        }
        let quality = RateControl::Quality(self.quality);
        let config = EncoderConfig::new(self.size, RATE).with_codec(VideoCodec::Vp8).with_rate_control(quality);
        let remedy = "only what is not lossy WebP, and transparency, is encoded anew";
        encode::open(&self.choice, &config).map_err(|error| error.with_remedy(remedy))
    }

    fn checked(&self, picture: Frame) -> Result<Frame> {
        if picture.size() == self.size {
            return Ok(picture);
        }
        Err(Error::not_readable(format!("expected pixels of {} but found {}", self.size, picture.size())))
    }
}

/// The packet of one frame.
fn one_packet(mut encoder: Box<dyn VideoEncoder>, frame: &Frame) -> Result<Vec<u8>> {
    let mut packets = Vec::new();
    encoder.encode(frame, RATE.frame_span().max(Span::from_nanos(1)), true, &mut packets)?;
    encoder.finish(&mut packets)?;
    match <[_; 1]>::try_from(packets) {
        Ok([packet]) => Ok(packet.data),
        Err(packets) => {
            let (name, found) = (encoder.name(), packets.len());
            Err(Error::unknown(format!("expected one packet of a picture from {name} but found {found}")))
        }
    }
}

/// A frame as RGBA.
pub(super) fn rgba(frame: &Frame) -> Result<Frame> {
    match frame.format() {
        PixelFormat::Rgba8 => Ok(frame.clone()),
        PixelFormat::I420 => Ok(frame.converted(PixelFormat::Rgba8)),
        found => Err(Error::not_supported(format!("expected a frame of RGBA or I420 but found {found:?}"))),
    }
}

/// The pictures of a WebP file as they are shown. Nothing is decoded before the first is asked for.
pub(super) struct DecodedPictures<'a> {
    bytes: &'a [u8],
    size: Size,
    animated: bool,
    frames: Option<Frames<'a>>,
}

impl<'a> DecodedPictures<'a> {
    pub(super) fn new(bytes: &'a [u8], file: &WebpFile<'_>) -> Self {
        Self { bytes, size: file.size, animated: file.animated, frames: None }
    }

    /// The next picture, or the still, as RGBA.
    pub(super) fn next(&mut self) -> Result<Frame> {
        let picture = if self.animated { self.next_frame() } else { self.still() };
        let picture = picture.map_err(|error| {
            Error::not_readable("expected a whole picture but found a damaged one").with_cause(error)
        })?;
        let Some(picture) = picture else {
            return Err(Error::not_readable("expected as many pictures as the file's header says but found fewer"));
        };
        let size = Size::new(picture.width(), picture.height());
        Ok(Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, picture.into_rgba8().into_raw()))
    }

    fn decoder(&self) -> Result<WebPDecoder<Cursor<&'a [u8]>>, ImageError> {
        let mut decoder = WebPDecoder::new(Cursor::new(self.bytes))?;
        let mut limits = Limits::no_limits();
        (limits.max_image_width, limits.max_image_height) = (Some(self.size.width), Some(self.size.height));
        decoder.set_limits(limits)?;
        Ok(decoder)
    }

    fn still(&self) -> Result<Option<DynamicImage>, ImageError> {
        DynamicImage::from_decoder(self.decoder()?).map(Some)
    }

    fn next_frame(&mut self) -> Result<Option<DynamicImage>, ImageError> {
        let frames = match &mut self.frames {
            Some(frames) => frames,
            None => {
                let mut decoder = self.decoder()?;
                // The colour that the file names is a hint, which browsers ignore.
                decoder.set_background_color(Rgba([0; 4]))?;
                self.frames.insert(decoder.into_frames())
            }
        };
        frames.next().map(|frame| Ok(DynamicImage::from(frame?.into_buffer()))).transpose()
    }
}
