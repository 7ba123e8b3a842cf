//! The canvas (HTML §4.12.5): frames and textures are drawn onto it, each through a filter chain, and its picture is
//! read back as a still or captured as a stream (Media Capture from DOM Elements §4).

mod capture;
mod compositor;
mod content;
mod exposure;
pub mod layout;
mod pool;
mod shutter;
#[cfg(test)]
mod tests;
mod worker;

use std::sync::Arc;
use std::time::Duration;

pub use capture::Capture;
use compositor::Compositor;
use content::{CanvasLayer, Content, Drawn};
use exposure::SubFrame;
use pool::Pool;
use shutter::Shutter;
use worker::{CanvasStreams, CaptureTarget, Job, Worker};

use crate::blob::Blob;
use crate::clock::Clock;
use crate::color::{ColorSpace, Range, Siting};
use crate::error::{Error, ErrorKind, Result};
use crate::filter::{FilterChain, LayerPlace};
use crate::frame::{BitDepth, Frame, PixelFormat, Rect, Size};
use crate::gpu::{self, Gpu};
use crate::still::{self, StillFormat};
use crate::stream::{CaptureRate, FrameCounters, MediaStream, MediaStreamTrack, TrackGenerator};
use crate::time::Timestamp;

/// A picture of one size on the GPU. A drawn frame passes through the canvas's filter. It either replaces all that was
/// drawn before and is fitted to the canvas ([`draw`](Canvas::draw)), or is drawn over it at a place
/// ([`draw_image`](Canvas::draw_image)). The canvas can be read back as a still, and captured by any number of streams.
///
/// Streams see drawings when they are painted with [`present`](Canvas::present). A stream captures a paint when it
/// shows something new and the stream's rate or a request asks for it. The work is done on the canvas's own thread.
/// With a real clock, `present` never waits, and captures that the machine is too slow for are dropped and counted.
/// With any other clock, and with [`Clock::real_blocking`], `present` waits, and nothing is lost.
///
/// When a canvas is dropped, the frames that its streams have captured are still delivered; then their tracks end.
///
/// ```
/// # use framereel::{canvas::Canvas, clock::Clock, color::ColorSpace, gpu::Gpu, time::FrameRate};
/// # use framereel::frame::{Frame, PixelFormat, Size};
/// # fn main() -> framereel::Result<()> {
/// let size = Size::new(64, 48);
/// let mut canvas = Canvas::new(&Gpu::new()?, size)?.with_clock(Clock::stepped(FrameRate::whole(30)));
/// let stream = canvas.capture_stream(None)?;
/// canvas.set_filter(&"sepia(60%)".parse()?);
/// for shade in 0..3 {
///     let data = vec![shade; Frame::packed_len(PixelFormat::Rgba8, size)];
///     canvas.draw(Frame::packed(PixelFormat::Rgba8, size, ColorSpace::RECORDED, data));
///     canvas.present()?;
/// }
/// # assert!(stream.is_active());
/// # Ok(())
/// # }
/// ```
pub struct Canvas {
    gpu: Gpu,
    size: Size,
    clock: Clock,
    color: ColorSpace,
    filter: Arc<FilterChain>,
    /// The time of filters that change over time; none for that of each paint.
    filter_time: Option<Timestamp>,
    content: Option<Content>,
    /// The frame whose sub-frames are being painted; none without motion blur.
    shutter: Option<Shutter>,
    /// Increased by every drawing.
    version: u64,
    /// Whether the content is a texture that the program may still draw into.
    open: bool,
    /// Flattens layers into one.
    compositor: Option<Compositor>,
    targets: Pool,
    copies: Pool,
    streams: Arc<CanvasStreams>,
    worker: Option<Worker>,
}

debug_fields!(Canvas { size, clock, filter });

impl Canvas {
    /// The format of [`Canvas::texture`]. Its values are sRGB-encoded and premultiplied, as in a browser's canvas:
    /// filters work on encoded values, so nothing is converted. To draw in linear light, use a view of the format
    /// `Rgba8UnormSrgb`; the GPU then encodes.
    pub const TEXTURE_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

    /// A canvas of `size` pixels, empty and unfiltered, with a real clock. A size may be zero, as in HTML; then the
    /// canvas shows nothing and is not captured.
    ///
    /// # Errors
    /// A range error when the size is above the adapter's limit.
    pub fn new(gpu: &Gpu, size: Size) -> Result<Self> {
        check_size(gpu, size)?;
        let copied = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
        let drawn = copied | wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC;
        Ok(Self {
            gpu: gpu.clone(),
            size,
            clock: Clock::real(),
            color: ColorSpace::RECORDED,
            filter: Arc::default(),
            filter_time: None,
            shutter: None,
            content: None,
            version: 0,
            open: false,
            compositor: None,
            targets: Pool::new(drawn, &[wgpu::TextureFormat::Rgba8UnormSrgb]),
            copies: Pool::new(copied, &[]),
            streams: Arc::default(),
            worker: None,
        })
    }

    /// The same canvas with this clock. Its existing streams end.
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.streams.end();
        self.clock = clock;
        self
    }

    /// The same canvas, whose colours are those of this colour space's primaries, transfer and matrix: to record film
    /// in PQ or HLG as it is ([`MediaRecorderOptions::depth`](crate::recorder::MediaRecorderOptions::depth)). What is
    /// drawn must have the same colours, and frames [`ToneMap::None`](crate::color::ToneMap::None): nothing is brought
    /// to them, and filters work on the code values as they are. The range of its frames is limited, and their chroma
    /// on the left. Its existing streams end.
    pub fn with_color(mut self, color: ColorSpace) -> Self {
        self.streams.end();
        self.color = ColorSpace { range: Range::Limited, siting: Siting::Left, ..color };
        self
    }

    /// The clock that its streams' timestamps come from.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Its size in pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Sets the size and clears the canvas, even if the size is the same, as in HTML. Its tracks' settings and all
    /// further frames have the new size.
    ///
    /// # Errors
    /// A range error when the size is above the adapter's limit; then nothing changes.
    pub fn resize(&mut self, size: Size) -> Result<()> {
        check_size(&self.gpu, size)?;
        self.size = size;
        self.content = None;
        self.open = false;
        self.shutter.iter_mut().for_each(Shutter::forget);
        self.streams.set_size(size);
        Ok(())
    }

    /// Sets the filter chain for all that is drawn from now on (HTML: `context.filter`). Earlier drawings do not
    /// change.
    pub fn set_filter(&mut self, filter: &FilterChain) {
        self.filter = Arc::new(filter.clone());
    }

    /// Sets the time of filters that change over time, for the paints that follow: a film that is paused shows its
    /// filters as they are at its position. It applies to a single drawing that fills the canvas.
    pub(crate) fn set_filter_time(&mut self, time: Timestamp) {
        self.filter_time = Some(time);
    }

    /// The errors of filter chains that the GPU refused when a frame was captured, each reported once; the previous
    /// chain stays in use. (If the first chain is refused, there is no previous one, and the tracks end.)
    pub fn refused(&self) -> Vec<Error> {
        self.streams.take_refused()
    }

    /// Draws a frame in place of all that was drawn before, fitted completely into the canvas. Nothing is copied: an
    /// `Arc` can be drawn repeatedly.
    pub fn draw(&mut self, frame: impl Into<Arc<Frame>>) {
        self.show(Drawn::Frame(frame.into()));
    }

    /// Draws a frame over the present content (source-over), scaled to a rectangle in the canvas's pixels: HTML's
    /// `drawImage(image, dx, dy, dw, dh)` (HTML §4.12.5.1.14). The rectangle may reach beyond the canvas and need not
    /// lie on whole pixels. A negative size extends the rectangle to the left or up and does not mirror the frame. A
    /// size of zero, and coordinates that are NaN or infinite, draw nothing. Pixels are averaged when the frame is
    /// reduced, and interpolated linearly when it is enlarged.
    ///
    /// The filter applies to this drawing only: it works on the part of the rectangle that is on the canvas, and blurs
    /// and shadows reach beyond the rectangle. Nothing is done on the GPU before a stream captures the paint, except
    /// that every 32 drawings are flattened into one. A drawing that hides the whole canvas replaces what was drawn
    /// before.
    ///
    /// ```
    /// # use framereel::{canvas::Canvas, color::ColorSpace, gpu::Gpu};
    /// # use framereel::frame::{Frame, PixelFormat, Size};
    /// # fn main() -> framereel::Result<()> {
    /// # let size = Size::new(8, 8);
    /// # let picture = |shade| Frame::packed(PixelFormat::Gray8, size, ColorSpace::RECORDED, vec![shade; 64]);
    /// # let (film, camera) = (picture(16), picture(235));
    /// let mut canvas = Canvas::new(&Gpu::new()?, Size::new(64, 48))?;
    /// canvas.draw_image(film, 0.0, 0.0, 64.0, 48.0)?;
    /// canvas.draw_image(camera, 46.0, 34.0, 16.0, 12.0)?;
    /// assert_eq!(canvas.read()?.data()[(40 * 64 + 50) * 4..][..4], [255, 255, 255, 255]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `InvalidStateError` for a frame without pixels; a range error for one that is larger than the adapter takes;
    /// `UnknownError` when the GPU fails. Nothing is drawn then.
    pub fn draw_image(&mut self, frame: impl Into<Arc<Frame>>, x: f64, y: f64, width: f64, height: f64) -> Result<()> {
        let frame = frame.into();
        let from = Rect::whole(frame.size());
        self.draw_part(frame, from, Rect::new(x, y, width, height))
    }

    /// Draws the rectangle `from` of the frame, in the frame's pixels, into the rectangle `to`: `drawImage` with nine
    /// arguments. The part of `from` outside the frame is left out, and so is the matching part of `to`.
    ///
    /// # Errors
    /// As [`Canvas::draw_image`].
    pub fn draw_part(&mut self, frame: impl Into<Arc<Frame>>, from: Rect, to: Rect) -> Result<()> {
        let frame = frame.into();
        if frame.size().pixels() == 0 {
            let expected = format!("expected a frame with pixels to draw but found {}", frame.size());
            return Err(Error::new(ErrorKind::InvalidState, expected));
        }
        self.gpu.check_size(frame.size())?;
        let size = frame.size();
        self.lay(Drawn::Frame(frame), LayerPlace::at(size, from, to))
    }

    /// Clears the canvas to transparent black, which a recording shows as black (HTML: `clearRect` of the whole
    /// canvas).
    pub fn clear(&mut self) {
        self.content = Some(Content::default());
        self.version += 1;
        self.open = false;
    }

    /// A texture of the canvas's size and [`TEXTURE_FORMAT`](Canvas::TEXTURE_FORMAT) to draw into, in place of what was
    /// drawn before (WebGPU: `context.getCurrentTexture()`). It can be rendered to, copied to and from, and read by
    /// shaders. Returns the same texture until the next [`present`](Canvas::present). Submit all drawing commands
    /// before `present`, and do not use the texture afterwards. Its old content is undefined: clear it first.
    ///
    /// # Errors
    /// `InvalidStateError` for a canvas of zero size; `UnknownError` when the GPU has no memory for it.
    pub fn texture(&mut self) -> Result<wgpu::Texture> {
        let drawn = self.content.as_ref().and_then(Content::whole).map(|layer| &layer.drawn);
        if let (true, Some(Drawn::Texture(texture))) = (self.open, drawn) {
            return Ok(wgpu::Texture::clone(texture));
        }
        if self.size.pixels() == 0 {
            let expected = format!("expected a canvas with pixels to draw into but found {}; resize it", self.size);
            return Err(Error::new(ErrorKind::InvalidState, expected));
        }
        let texture = self.gpu.scoped(|| Ok(self.targets.take(&self.gpu, self.size, Self::TEXTURE_FORMAT)))?;
        self.show(Drawn::Texture(texture.clone()));
        self.open = true;
        Ok(wgpu::Texture::clone(&texture))
    }

    /// Draws a copy of an external texture in place of all that was drawn before. The copy includes all work submitted
    /// to the queue before, and the texture may be changed again at once. It belongs to the [`Gpu`]'s device, is
    /// two-dimensional, holds premultiplied colours (opaque colours are) and has `COPY_SRC` among its usages. Formats
    /// that end in `Srgb` show the same colours.
    ///
    /// # Errors
    /// `NotSupportedError` for a texture that cannot be copied or read as a picture; `UnknownError` when the GPU
    /// refuses the copy.
    pub fn draw_texture(&mut self, texture: &wgpu::Texture) -> Result<()> {
        let copied = self.copied(texture)?;
        self.show(Drawn::Texture(copied));
        Ok(())
    }

    /// Draws a copy of an external texture over the present content, scaled to a rectangle, as
    /// [`draw_image`](Canvas::draw_image) does with a frame.
    ///
    /// # Errors
    /// As [`Canvas::draw_texture`] and [`Canvas::draw_image`].
    pub fn draw_texture_at(&mut self, texture: &wgpu::Texture, x: f64, y: f64, width: f64, height: f64) -> Result<()> {
        let copied = self.copied(texture)?;
        let size = content::size_of(&copied);
        self.lay(Drawn::Texture(copied), LayerPlace::at(size, Rect::whole(size), Rect::new(x, y, width, height)))
    }

    /// Copies an external texture into one of the canvas's textures.
    fn copied(&mut self, texture: &wgpu::Texture) -> Result<Arc<wgpu::Texture>> {
        let device = self.gpu.device();
        content::check_foreign(texture, device.features())?;
        let copied = self.gpu.scoped(|| {
            let size = content::size_of(texture);
            // The bytes as they are: those of a format that ends in `Srgb` are encoded already.
            let copy = self.copies.take(&self.gpu, size, texture.format().remove_srgb_suffix());
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.copy_texture_to_texture(texture.as_image_copy(), copy.as_image_copy(), copy.size());
            self.gpu.queue().submit([encoder.finish()]);
            Ok(copy)
        });
        let refused = |error| Error::unknown("the GPU refused to copy the texture onto the canvas").with_cause(error);
        copied.map_err(refused)
    }

    /// Draws in place of all content.
    fn show(&mut self, drawn: Drawn) {
        self.content =
            Some(Content::only(CanvasLayer { drawn, filter: self.filter.clone(), place: LayerPlace::Fitted }));
        self.version += 1;
        self.open = false;
    }

    /// Draws over the present content; draws nothing without a place.
    fn lay(&mut self, drawn: Drawn, place: Option<LayerPlace>) -> Result<()> {
        let Some(place) = place.filter(|_| self.size.pixels() > 0) else { return Ok(()) };
        self.flatten_full()?;
        let layer = CanvasLayer::new(drawn, self.filter.clone(), place, self.size);
        self.content.get_or_insert_default().push(layer, self.size);
        self.version += 1;
        self.open = false;
        Ok(())
    }

    /// Flattens the layers into one when there are too many, so that memory stays bounded.
    fn flatten_full(&mut self) -> Result<()> {
        let Some(content) = self.content.as_ref().filter(|content| content.is_full()) else { return Ok(()) };
        let composed = self.gpu.scoped(|| {
            let made = || Compositor::new(&self.gpu, &gpu::alarm(&self.gpu));
            let compositor = self.compositor.get_or_insert_with(made);
            let mut encoder = self.gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let at = (self.clock.now(), self.version);
            let composed = compositor.compose(&mut encoder, content.layers(), self.size, at)?;
            self.gpu.queue().submit([encoder.finish()]);
            Ok(composed)
        });
        let (texture, refused) = composed?;
        self.streams.refuse(refused);
        let layer = CanvasLayer { drawn: Drawn::Texture(texture), filter: Arc::default(), place: LayerPlace::Fitted };
        self.content = Some(Content::only(layer));
        Ok(())
    }

    /// Paints the content: every stream decides whether to capture the paint, and a captured paint is sent to the
    /// filter thread. A stepped clock advances by a step, even when nothing is new. With a clock that is not real,
    /// waits while the streams' recorders are behind.
    ///
    /// # Errors
    /// When the GPU failed earlier; all tracks have ended then. A range error when the frame drawn is larger than the
    /// adapter takes; then nothing is captured.
    pub fn present(&mut self) -> Result<()> {
        self.paint(self.clock.now()).map(drop)
    }

    /// Paints the content at this time, to which a stamped clock advances. Times must increase.
    ///
    /// # Errors
    /// `InvalidStateError` with any other clock; otherwise as [`present`](Canvas::present).
    pub fn present_at(&mut self, timestamp: Timestamp) -> Result<()> {
        if self.clock.is_real() || self.clock.rate().is_some() {
            let found = if self.clock.is_real() { "a real" } else { "a stepped" };
            let expected =
                format!("expected a stamped clock to present at a time but found {found} one; use `present`");
            return Err(Error::new(ErrorKind::InvalidState, expected));
        }
        self.paint(timestamp).map(drop)
    }

    /// Paints at this time; returns the counters of all readers that the paint was captured for.
    pub(crate) fn paint(&mut self, now: Timestamp) -> Result<Vec<Arc<FrameCounters>>> {
        let captured = self.capture(now)?;
        match self.shutter.as_ref().and_then(|shutter| Some((shutter.blur, shutter.within()?))) {
            Some((blur, next)) => self.clock.step_within(blur, next),
            None => self.clock.step(),
        }
        self.clock.reach(now);
        Ok(captured)
    }

    /// Filters the content once into a frame that is not recorded: shaders are compiled now, and not during a
    /// recording of this depth, when a camera does not wait.
    ///
    /// # Errors
    /// When the GPU fails or refuses the chain.
    pub(crate) fn warm_up(&mut self, track: &MediaStreamTrack, depth: BitDepth) -> Result<()> {
        const TIMEOUT: Duration = Duration::from_secs(20);
        let subscription = track.subscribe(depth.i420(), 1, &Arc::default());
        let now = self.clock.now();
        // One sub-frame is enough, and several might find the thread busy with it.
        self.shutter.iter_mut().for_each(|shutter| shutter.begin_with_last(now));
        self.paint(now)?;
        // Where the chain is refused, the track ends, and the subscription has the error.
        let arrived = subscription.receiver.recv_timeout(TIMEOUT);
        arrived.map(drop).or_else(|_| subscription.failure().map_or(Ok(()), Err))
    }

    /// Sends this paint to the canvas's thread if any stream captures it; returns the counters of those who get it.
    /// With motion blur, a frame is captured with its last sub-frame.
    fn capture(&mut self, now: Timestamp) -> Result<Vec<Arc<FrameCounters>>> {
        self.streams.check()?;
        self.open = false;
        if let Some(mut shutter) = self.shutter.take() {
            let captured = self.capture_sub_frame(&mut shutter, now);
            self.shutter = Some(shutter);
            return captured;
        }
        let Some(content) = self.content.as_ref().filter(|_| self.size.pixels() > 0) else {
            self.streams.paint(now, 0);
            return Ok(Vec::new());
        };
        content.check(&self.gpu)?;
        let targets = self.streams.paint(now, self.version);
        if targets.is_empty() || self.worker.is_none() {
            return Ok(Vec::new());
        }
        let captured_for = targets.iter().flat_map(CaptureTarget::counters).collect();
        // A request may have given the paint another time.
        let time = targets.first().map_or(now, CaptureTarget::timestamp);
        self.send(content.clone(), time, None, targets);
        Ok(captured_for)
    }

    /// Sends a paint to the canvas's thread; false when it was dropped.
    fn send(
        &self,
        content: Content,
        time: Timestamp,
        sub_frame: Option<SubFrame>,
        targets: Vec<CaptureTarget>,
    ) -> bool {
        let (size, formats) = (self.size, self.streams.formats());
        let time = self.filter_time.unwrap_or(time);
        let job = Job { content, size, formats, color: self.color, time, sub_frame, targets };
        self.worker.as_ref().is_some_and(|worker| worker.send(job, &self.clock))
    }

    /// A stream of one video track that captures this canvas (Media Capture from DOM Elements §4.1). Without a rate, it
    /// captures every paint that shows something new; with a rate, at most that many per second; at a rate of 0, the
    /// first paint, and then only on [`request_frame`](crate::stream::MediaStreamTrack::request_frame). The present
    /// content counts as new.
    ///
    /// A stream whose track was stopped, or whose last handle was dropped, is removed at the next paint.
    ///
    /// # Errors
    /// `NotSupportedError` for a rate that is negative, infinite or NaN; the GPU's error when it failed earlier.
    pub fn capture_stream(&mut self, rate: impl Into<Option<f64>>) -> Result<MediaStream> {
        let rate = CaptureRate::new(rate.into())?;
        self.capture_into(TrackGenerator::capture(self.size, self.color, &self.clock, rate))
    }

    /// A stream of this generator's track, which captures the canvas by the generator's rule.
    pub(crate) fn capture_into(&mut self, generator: TrackGenerator) -> Result<MediaStream> {
        self.streams.check()?;
        if self.worker.is_none() {
            self.worker = Some(Worker::start(&self.gpu, &self.streams)?);
        }
        let stream = MediaStream::new([generator.track()]);
        self.streams.add(generator);
        Ok(stream)
    }

    /// Ends its tracks with this error, because the source drawn on it failed.
    pub(crate) fn fail(&self, error: &Error) {
        self.streams.fail(error);
    }

    /// Mutes its tracks while the source drawn on it delivers no data, or unmutes them.
    pub(crate) fn set_muted(&self, muted: bool) {
        self.streams.set_muted(muted);
    }

    /// Whether any live track of it still has a handle.
    pub(crate) fn is_captured(&self) -> bool {
        self.streams.are_wanted()
    }

    /// The canvas's picture: RGBA with straight alpha; transparent black while nothing is drawn.
    ///
    /// # Errors
    /// When the GPU fails or refuses the chain.
    pub fn read(&self) -> Result<Frame> {
        let Some(content) = self.content.as_ref().filter(|_| self.size.pixels() > 0) else {
            let data = vec![0; Frame::packed_len(PixelFormat::Rgba8, self.size)];
            return Ok(Frame::packed(PixelFormat::Rgba8, self.size, ColorSpace::RECORDED, data));
        };
        let now = self.clock.now();
        let chain = content.whole().map(|layer| FilterChain::clone(&layer.filter)).unwrap_or_default();
        let mut capture = Capture::new(&self.gpu, &chain, self.size, PixelFormat::Rgba8);
        match content.whole().map(|layer| &layer.drawn) {
            Some(drawn @ Drawn::Frame(frame)) => {
                capture.submit_drawing(drawn.drawing(), frame.timestamp, frame.timestamp, None)?;
            }
            Some(drawn @ Drawn::Texture(_)) => capture.submit_drawing(drawn.drawing(), now, now, None)?,
            None => {
                if let Some(error) = capture.submit_layers(content.layers(), now, now, None)?.into_iter().next() {
                    return Err(error);
                }
            }
        }
        let picture = capture.take()?;
        picture.ok_or_else(|| Error::unknown("expected a picture from the GPU but found none"))
    }

    /// The canvas's picture as a `data:` URL (HTML §4.12.5.6): `image/png`, `image/jpeg` or `image/webp`; PNG for an
    /// empty or any other type. `quality`, 0–1, applies to JPEG; a value outside means the default. WebP is always
    /// lossless. A canvas of zero size gives `data:,`.
    ///
    /// # Errors
    /// When the GPU fails; `NotSupportedError` for a canvas that is too large for the format.
    pub fn to_data_url(&self, mime_type: &str, quality: Option<f64>) -> Result<String> {
        let still = self.encode(mime_type, quality)?;
        let url = still.map(|(bytes, mime_type)| still::data_url(&bytes, StillFormat::from_mime_type(mime_type)));
        Ok(url.unwrap_or_else(|| "data:,".to_owned()))
    }

    /// The canvas's picture as a file in memory (HTML: `canvas.toBlob()`); none for a canvas of zero size. The
    /// arguments are those of [`Canvas::to_data_url`].
    ///
    /// # Errors
    /// As [`Canvas::to_data_url`].
    pub fn to_blob(&self, mime_type: &str, quality: Option<f64>) -> Result<Option<Blob>> {
        let still = self.encode(mime_type, quality)?;
        Ok(still.map(|(bytes, mime_type)| Blob::new(bytes, mime_type)))
    }

    /// The canvas's picture as a file's bytes and their type; none for a canvas of zero size.
    pub(crate) fn encode(&self, mime_type: &str, quality: Option<f64>) -> Result<Option<(Vec<u8>, &'static str)>> {
        if self.size.pixels() == 0 {
            return Ok(None);
        }
        let format = StillFormat::from_mime_type(mime_type);
        let quality = quality.filter(|quality| (0.0..=1.0).contains(quality)).map(|quality| quality as f32);
        let bytes = still::encode(&self.read()?, format, quality)?;
        Ok(Some((bytes, format.mime_type())))
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        self.streams.end();
    }
}

fn check_size(gpu: &Gpu, size: Size) -> Result<()> {
    if size.pixels() == 0 { Ok(()) } else { gpu.check_size(size) }
}
