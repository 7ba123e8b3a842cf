//! Sends frames through a filter chain on the GPU and reads them back.

use super::compositor::Compositor;
use super::content::CanvasLayer;
use super::exposure::{Exposure, SubFrame};
use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::filter::{FilterChain, SourcePicture, SourcePixels};
use crate::frame::{Frame, PixelFormat, Size};
use crate::gpu::{self, Drawing, Gpu, PackedPicture, Readback, RenderTarget, Renderer};
use crate::stream::{FrameFormats, Pictures};
use crate::time::Timestamp;

/// Sends frames through a filter chain and reads them back, several in flight at once. Submitted frames may differ in
/// size and format; the frames read back have one size and format.
pub struct Capture {
    gpu: Gpu,
    filter: FilterChain,
    renderer: Option<Renderer>,
    /// Composes layers, and packs the composed picture.
    layers: Option<(Compositor, Renderer)>,
    /// Set by loops of users' WGSL that do not end.
    alarm: Option<wgpu::Buffer>,
    /// Made with the first frame, where an error can be returned.
    readback: Option<Readback>,
    packed: PackedPicture,
    /// I420 made of the RGBA that is packed first, where both are read back.
    second: Option<SecondFormat>,
    /// Adds up sub-frames, while frames are blurred.
    exposure: Option<Exposure>,
    index: u64,
}

/// Makes I420 of pictures that are packed as RGBA: the filters run once for both.
struct SecondFormat {
    packed: PackedPicture,
    /// The buffer of the RGBA picture, and the renderer that reads it; none before the first picture.
    renderer: Option<(wgpu::Buffer, Renderer)>,
    readback: Readback,
}

debug_fields!(Capture { packed, filter });

impl Capture {
    /// Makes frames of `size` in `format`: I420 of 8 or 10 bits for encoders, RGBA for stills; in
    /// [`ColorSpace::RECORDED`].
    pub fn new(gpu: &Gpu, filter: &FilterChain, size: Size, format: PixelFormat) -> Self {
        Self {
            gpu: gpu.clone(),
            filter: filter.clone(),
            renderer: None,
            layers: None,
            alarm: None,
            readback: None,
            packed: PackedPicture { size, format, color: ColorSpace::RECORDED },
            second: None,
            exposure: None,
            index: 0,
        }
    }

    /// Makes frames in each of these formats, in this colour space; [`Capture::take_pictures`] takes them.
    pub(super) fn of_formats(
        gpu: &Gpu,
        filter: &FilterChain,
        size: Size,
        formats: FrameFormats,
        color: ColorSpace,
    ) -> Self {
        let mut capture = Self::new(gpu, filter, size, formats.first());
        capture.packed.color = color;
        capture.second = formats.second().map(|format| SecondFormat::new(gpu, PackedPicture { size, format, color }));
        capture
    }

    /// Replaces the filter chain for the frames that follow.
    ///
    /// # Errors
    /// `UnknownError` when the new chain does not compile; then the old one stays.
    pub fn set_filter(&mut self, filter: &FilterChain) -> Result<()> {
        if let Some(renderer) = &mut self.renderer {
            self.gpu.scoped(|| renderer.set_chain(filter))?;
        }
        self.filter = filter.clone();
        Ok(())
    }

    /// The size of its frames.
    pub(super) fn size(&self) -> Size {
        self.packed.size
    }

    /// How its frames' values map to colours.
    pub(super) fn color(&self) -> ColorSpace {
        self.packed.color
    }

    /// Whether [`Capture::take`] must come before the next [`Capture::submit`].
    pub fn is_full(&self) -> bool {
        self.readback.as_ref().is_some_and(Readback::is_full)
    }

    /// Whether no frame is in flight.
    pub fn is_empty(&self) -> bool {
        self.readback.as_ref().is_none_or(Readback::is_empty)
    }

    /// Submits a frame; the filtered frame has the timestamp `timestamp`.
    ///
    /// # Errors
    /// A range error when the frame is larger than the adapter takes; `UnknownError` when the GPU fails.
    pub fn submit(&mut self, frame: &Frame, timestamp: Timestamp) -> Result<()> {
        self.submit_drawing(Drawing::Frame(frame), timestamp, timestamp, None)
    }

    /// Submits the present content of an external texture, including all work submitted to the queue before. The
    /// texture belongs to the [`Gpu`]'s device, holds premultiplied colours (opaque colours are) and has
    /// `TEXTURE_BINDING` among its usages. Formats that end in `Srgb` are supported: their decoded values are encoded
    /// again.
    ///
    /// # Errors
    /// A range error when it is larger than the adapter takes; `UnknownError` when the GPU fails or cannot read it.
    pub fn submit_texture(&mut self, texture: &wgpu::Texture, timestamp: Timestamp) -> Result<()> {
        self.submit_drawing(Drawing::Texture(texture), timestamp, timestamp, None)
    }

    /// Submits a frame or a texture, whole or as a sub-frame: then the frame is submitted with the last of them.
    /// Filters that change over time are applied as they are at `filter_time`.
    pub(super) fn submit_drawing(
        &mut self,
        drawing: Drawing,
        filter_time: Timestamp,
        timestamp: Timestamp,
        sub_frame: Option<SubFrame>,
    ) -> Result<()> {
        let gpu = self.gpu.clone();
        gpu.scoped(|| self.submit_unscoped(drawing, filter_time, timestamp, sub_frame))
    }

    fn submit_unscoped(
        &mut self,
        drawing: Drawing,
        filter_time: Timestamp,
        timestamp: Timestamp,
        sub_frame: Option<SubFrame>,
    ) -> Result<()> {
        self.set_exposing(sub_frame.is_some())?;
        let picture = drawing.picture_for(self.packed.color);
        let mut renderer = match self.renderer.take_if(|renderer| renderer.picture() == picture) {
            Some(renderer) => renderer,
            None => self.renderer_of(picture, &self.filter.clone())?,
        };
        let mut encoder = self.gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.expose(&mut renderer, sub_frame);
        let rendered = renderer.render(&mut encoder, drawing, filter_time, self.index);
        let renderer = self.renderer.insert(renderer);
        rendered?;
        let output = renderer.output().cloned();
        self.finish(encoder, output, timestamp, sub_frame)
    }

    /// Prepares for sub-frames, or for whole frames.
    fn set_exposing(&mut self, exposing: bool) -> Result<()> {
        if exposing != self.exposure.is_some() {
            (self.renderer, self.layers, self.exposure) = (None, None, None);
            if exposing {
                self.exposure = Some(Exposure::new(&self.gpu, self.packed.size)?);
            }
        }
        Ok(())
    }

    fn expose(&mut self, renderer: &mut Renderer, sub_frame: Option<SubFrame>) {
        if let (Some(exposure), Some(sub_frame)) = (&mut self.exposure, sub_frame) {
            exposure.add(renderer, sub_frame);
        }
    }

    /// Submits the recorded commands: of a frame, of its last sub-frame, or of another one, which is not read back.
    fn finish(
        &mut self,
        mut encoder: wgpu::CommandEncoder,
        output: Option<wgpu::Buffer>,
        timestamp: Timestamp,
        sub_frame: Option<SubFrame>,
    ) -> Result<()> {
        let (Some(sub_frame), Some(mut exposure)) = (sub_frame, self.exposure.take()) else {
            return self.read_back(encoder, output, timestamp);
        };
        exposure.has_added(sub_frame);
        if !sub_frame.ends {
            self.exposure = Some(exposure);
            self.gpu.queue().submit([encoder.finish()]);
            return Ok(());
        }
        let alarm = self.alarm().clone();
        let mean = exposure.pack(&self.gpu, &mut encoder, self.packed, &alarm);
        self.exposure = Some(exposure);
        self.read_back(encoder, mean?, timestamp)
    }

    /// Submits layers, drawn over each other, whole or as a sub-frame; the chain of this `Capture` is not used. Filters
    /// that change over time are applied as they are at `time`. Returns the errors of chains that the GPU refused: such
    /// a layer keeps its previous chain, or has none.
    ///
    /// # Errors
    /// A range error when a frame is larger than the adapter takes; `UnknownError` when the GPU fails.
    pub(super) fn submit_layers(
        &mut self,
        layers: &[CanvasLayer],
        time: Timestamp,
        timestamp: Timestamp,
        sub_frame: Option<SubFrame>,
    ) -> Result<Vec<Error>> {
        let gpu = self.gpu.clone();
        gpu.scoped(|| {
            self.set_exposing(sub_frame.is_some())?;
            let (mut compositor, mut packer) = match self.layers.take() {
                Some(made) => made,
                None => {
                    let composed = SourcePicture { pixels: SourcePixels::Texture, size: self.packed.size };
                    let packer = self.renderer_of(composed, &FilterChain::default())?;
                    (Compositor::new(&gpu, self.alarm()), packer)
                }
            };
            let mut encoder = self.gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let at = (time, self.index);
            let (texture, refused) = compositor.compose(&mut encoder, layers, self.packed.size, at)?;
            self.expose(&mut packer, sub_frame);
            packer.render(&mut encoder, Drawing::Texture(&texture), time, self.index)?;
            let output = packer.output().cloned();
            self.layers = Some((compositor, packer));
            self.finish(encoder, output, timestamp, sub_frame)?;
            Ok(refused)
        })
    }

    fn renderer_of(&mut self, picture: SourcePicture, chain: &FilterChain) -> Result<Renderer> {
        let (gpu, packed) = (self.gpu.clone(), self.packed);
        let alarm = self.alarm().clone();
        if let Some(exposure) = &self.exposure {
            // Where RGBA is taken, it keeps its transparency.
            let target = RenderTarget::Light { size: packed.size, over_black: packed.format != PixelFormat::Rgba8 };
            return Renderer::exposing(&gpu, chain, picture, target, &exposure.light, &alarm);
        }
        Renderer::new(&gpu, chain, picture, RenderTarget::Packed(packed), &alarm)
    }

    fn alarm(&mut self) -> &wgpu::Buffer {
        self.alarm.get_or_insert_with(|| gpu::alarm(&self.gpu))
    }

    /// Counts a frame that is not submitted.
    pub(super) fn pass_by(&mut self) {
        self.index += 1;
    }

    /// Submits the recorded commands, and the readback of the picture that they make in `output`.
    fn read_back(
        &mut self,
        encoder: wgpu::CommandEncoder,
        output: Option<wgpu::Buffer>,
        timestamp: Timestamp,
    ) -> Result<()> {
        let alarm = self.alarm().clone();
        let output = output.ok_or_else(|| Error::unknown("expected a packed picture but found none"))?;
        let readback = self.readback.get_or_insert_with(|| Readback::new(&self.gpu, self.packed));
        readback.submit(encoder, &output, &alarm, timestamp)?;
        if let Some(second) = &mut self.second {
            second.submit(&self.gpu, &output, &alarm, timestamp)?;
        }
        self.index += 1;
        Ok(())
    }

    /// Waits for the frame that was submitted first; none when none is in flight.
    ///
    /// # Errors
    /// `UnknownError` when the GPU fails.
    pub fn take(&mut self) -> Result<Option<Frame>> {
        let Some(readback) = &mut self.readback else { return Ok(None) };
        self.gpu.scoped(|| readback.take())
    }

    /// The same, in each of its formats.
    pub(super) fn take_pictures(&mut self) -> Result<Option<Pictures>> {
        let Some(first) = self.take()? else { return Ok(None) };
        let second = match &mut self.second {
            Some(second) => self.gpu.scoped(|| second.readback.take())?,
            None => None,
        };
        Ok(Some(Pictures::new(first, second)))
    }
}

impl SecondFormat {
    fn new(gpu: &Gpu, packed: PackedPicture) -> Self {
        Self { packed, renderer: None, readback: Readback::new(gpu, packed) }
    }

    /// Submits the readback of the picture in `rgba`, behind the commands that pack it.
    fn submit(&mut self, gpu: &Gpu, rgba: &wgpu::Buffer, alarm: &wgpu::Buffer, timestamp: Timestamp) -> Result<()> {
        let (_, renderer) = match self.renderer.take_if(|(buffer, _)| buffer == rgba) {
            Some(made) => self.renderer.insert(made),
            None => {
                let renderer = Renderer::of_packed(gpu, rgba, self.packed, alarm)?;
                self.renderer.insert((rgba.clone(), renderer))
            }
        };
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        renderer.render(&mut encoder, Drawing::Packed(self.packed.size), timestamp, 0)?;
        let output = renderer.output().ok_or_else(|| Error::unknown("expected a packed picture but found none"))?;
        self.readback.submit(encoder, output, alarm, timestamp)
    }
}
