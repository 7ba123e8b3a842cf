//! Runs a plan with one dispatch for each pass. All decisions are in the plan.

use std::collections::HashMap;

use super::readback::PackedPicture;
use super::step::{Binding, FrameInfo, Step, numbers};
use super::textures::PlanTextures;
use super::upload::{SourceBuffer, i420_stride, packed_bytes};
use super::{Gpu, shader, storage};
use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::filter::{
    FilterChain, LayerPlace, Pass, PassInput, PassOutput, Plan, Precision, SourcePicture, SourcePixels, plan,
    plan_layer,
};
use crate::frame::{BitDepth, Frame, PixelFormat, Size};
use crate::time::Timestamp;

/// The GPU resources of one filter chain. Renders sources of one format and size into packed pictures or layers.
pub struct Renderer {
    gpu: Gpu,
    chain: FilterChain,
    picture: SourcePicture,
    target: RenderTarget,
    /// Whether the target's place has changed since the plan was made.
    moved: bool,
    /// The buffer for the bytes of a frame, if frames are the source.
    source: Option<SourceBuffer>,
    /// The texture, if textures are the source.
    drawn: Option<wgpu::Texture>,
    /// The buffer of the packed picture.
    output: Option<wgpu::Buffer>,
    /// The chroma of an I420 picture before it is subsampled down, or at all.
    chroma: Option<wgpu::Buffer>,
    /// A word that users' WGSL sets when its loops have too many iterations.
    alarm: wgpu::Buffer,
    sampler: wgpu::Sampler,
    pipelines: HashMap<String, wgpu::ComputePipeline>,
    plan: Plan,
    textures: PlanTextures,
    steps: Vec<Step>,
    /// How many frames were rendered: twin textures are swapped after each.
    rendered: u64,
    /// For motion blur: the weight of the next picture, and whether others were added up before it.
    exposure: (f32, bool),
}

debug_fields!(Renderer { chain, picture, target });

impl Renderer {
    /// Plans and compiles the rendering of sources like `picture` into `target`, filtered by `chain`. Loops of users'
    /// WGSL that do not end set `alarm`, which several renderers may share.
    ///
    /// # Errors
    /// A range error when a size is above the adapter's limit; `UnknownError` when a shader does not compile.
    pub fn new(
        gpu: &Gpu,
        chain: &FilterChain,
        picture: SourcePicture,
        target: RenderTarget,
        alarm: &wgpu::Buffer,
    ) -> Result<Self> {
        let source = picture.pixels.format().map(|format| SourceBuffer::new(gpu, format, picture.size));
        let output = target.output(gpu);
        Self::with_buffers(gpu, chain, picture, target, alarm, source, output)
    }

    /// Adds pictures to the light in `light`, a buffer of [`light`], which several renderers may share. Each is as
    /// [`Renderer::set_exposure`] says.
    ///
    /// # Errors
    /// As [`Renderer::new`].
    pub fn exposing(
        gpu: &Gpu,
        chain: &FilterChain,
        picture: SourcePicture,
        target: RenderTarget,
        light: &wgpu::Buffer,
        alarm: &wgpu::Buffer,
    ) -> Result<Self> {
        let source = picture.pixels.format().map(|format| SourceBuffer::new(gpu, format, picture.size));
        Self::with_buffers(gpu, chain, picture, target, alarm, source, Some(light.clone()))
    }

    /// Renders the mean of the pictures that were added up in `light`, without filters: draw it as [`Drawing::Light`].
    ///
    /// # Errors
    /// As [`Renderer::new`].
    pub fn of_light(gpu: &Gpu, light: &wgpu::Buffer, packed: PackedPicture, alarm: &wgpu::Buffer) -> Result<Self> {
        let (picture, target) = (Drawing::Light(packed.size).picture(), RenderTarget::Packed(packed));
        let source = Some(SourceBuffer::of_light(light, packed.size));
        let output = target.output(gpu);
        Self::with_buffers(gpu, &FilterChain::default(), picture, target, alarm, source, output)
    }

    /// Renders a picture that another renderer has packed as RGBA into `rgba`, without filters: draw it as
    /// [`Drawing::Packed`].
    ///
    /// # Errors
    /// As [`Renderer::new`].
    pub fn of_packed(gpu: &Gpu, rgba: &wgpu::Buffer, packed: PackedPicture, alarm: &wgpu::Buffer) -> Result<Self> {
        let (picture, target) = (Drawing::Packed(packed.size).picture(), RenderTarget::Packed(packed));
        let source = Some(SourceBuffer::of_packed(rgba, packed.size));
        let output = target.output(gpu);
        Self::with_buffers(gpu, &FilterChain::default(), picture, target, alarm, source, output)
    }

    fn with_buffers(
        gpu: &Gpu,
        chain: &FilterChain,
        picture: SourcePicture,
        target: RenderTarget,
        alarm: &wgpu::Buffer,
        source: Option<SourceBuffer>,
        output: Option<wgpu::Buffer>,
    ) -> Result<Self> {
        let size = target.canvas();
        gpu.check_size(size)?;
        // Of more than 8 bits, 4:4:4 has six bytes a pixel.
        let is_deep = picture.pixels.format().is_some_and(|format| format.bits() > 8);
        gpu.check_size_of(picture.size, if is_deep { 6 } else { 4 })?;
        let device = gpu.device();
        let height = u64::from(size.height);
        // Four bytes a pixel; downsampled across, five for two, with the edges of blocks of two rows.
        let chroma = i420_stride(size.width) as u64 * (4 * height).max(5 * height.div_ceil(2));
        let has_chroma = target.packed().is_some_and(|packed| packed.format != PixelFormat::Rgba8);
        let mut renderer = Self {
            gpu: gpu.clone(),
            chain: chain.clone(),
            picture,
            target,
            moved: false,
            source,
            drawn: None,
            output,
            chroma: has_chroma.then(|| storage(device, "chroma", chroma)),
            alarm: alarm.clone(),
            sampler: device.create_sampler(&wgpu::SamplerDescriptor {
                label: Some("linear"),
                mag_filter: wgpu::FilterMode::Linear,
                min_filter: wgpu::FilterMode::Linear,
                ..Default::default()
            }),
            pipelines: HashMap::new(),
            plan: Plan::default(),
            textures: PlanTextures::default(),
            steps: Vec::new(),
            rendered: 0,
            exposure: (1.0, false),
        };
        // Without a texture to bind, the steps are built by the first `render`.
        if picture.pixels != SourcePixels::Texture {
            renderer.set_time(Timestamp::ZERO)?;
        }
        Ok(renderer)
    }

    /// Replaces the chain; on an error the old one stays in use.
    ///
    /// # Errors
    /// `UnknownError` when a shader does not compile.
    pub fn set_chain(&mut self, chain: &FilterChain) -> Result<()> {
        self.gpu.queue().write_buffer(&self.alarm, 0, &[0; ALARM_BYTES as usize]);
        let before = std::mem::replace(&mut self.chain, chain.clone());
        self.set_time(Timestamp::ZERO).inspect_err(|_| self.chain = before)
    }

    /// Plans for this time of an animated chain. Most often only parameters change.
    fn set_time(&mut self, time: Timestamp) -> Result<()> {
        let plan = self.target.plan(&self.chain.at(time), self.picture)?;
        if plan == self.plan && !self.steps.is_empty() {
            return Ok(());
        }
        let linear = self.drawn.as_ref().is_some_and(is_linear);
        let texts: Vec<_> =
            plan.passes.iter().map(|pass| shader::compose(pass, linear, self.chain.is_animated())).collect();
        let alike = plan.textures == self.plan.textures
            && plan.passes.len() == self.plan.passes.len()
            && !self.steps.is_empty()
            && plan.passes.iter().zip(&texts).zip(&self.steps).all(|((pass, text), step)| step.fits(pass, text));
        if alike {
            for (pass, step) in plan.passes.iter().zip(&self.steps) {
                self.gpu.queue().write_buffer(&step.params, 0, bytemuck::cast_slice(&numbers(pass)));
            }
        } else {
            let scope = self.gpu.device().push_error_scope(wgpu::ErrorFilter::Validation);
            let textures = PlanTextures::new(self.gpu.device(), &plan, &self.plan, &self.textures);
            let steps = self.build(&plan, &textures, texts);
            if let Some(error) = pollster::block_on(scope.pop()) {
                // A pipeline that did not compile must not be used again.
                self.pipelines.retain(|wgsl, _| self.steps.iter().any(|step| step.wgsl == *wgsl));
                return Err(Error::unknown("the GPU refused the filters").with_cause(error));
            }
            (self.steps, self.textures) = (steps, textures);
        }
        self.plan = plan;
        Ok(())
    }

    fn build(&mut self, plan: &Plan, textures: &PlanTextures, texts: Vec<String>) -> Vec<Step> {
        let mut pipelines = std::mem::take(&mut self.pipelines);
        let drawn = self.drawn_view();
        let mut steps = Vec::with_capacity(plan.passes.len() + 1);
        for (pass, text) in plan.passes.iter().zip(texts) {
            let bindings = self.bindings(plan, pass, textures, drawn.as_ref());
            let invocations = shader::invocations(pass);
            steps.push(Step::new(&self.gpu, &mut pipelines, text, numbers(pass), pass, invocations, &bindings));
        }
        if let (Some(output), Some(chroma), Some(last)) = (&self.output, &self.chroma, plan.passes.last())
            && let Some((text, invocations)) = shader::chroma(last)
        {
            let bindings = [(3, [Binding::Written(output); 2]), (4, [Binding::Written(chroma); 2])];
            steps.push(Step::new(&self.gpu, &mut pipelines, text, vec![[0.0; 4]], last, invocations, &bindings));
        }
        self.pipelines = pipelines;
        steps
    }

    /// The resources that a pass reads and writes.
    fn bindings<'a>(
        &'a self,
        plan: &Plan,
        pass: &Pass,
        textures: &'a PlanTextures,
        drawn: Option<&'a wgpu::TextureView>,
    ) -> Vec<(u32, [Binding<'a>; 2])> {
        let both = |index: usize| textures.twins(plan, index);
        let mut bindings = Vec::new();
        match pass.input {
            PassInput::Nothing => {}
            PassInput::Source(SourcePixels::Texture) => {
                bindings.extend(drawn.map(|view| (2, [Binding::Sampled(view); 2])))
            }
            PassInput::Source(_) => {
                bindings.extend(self.source.as_ref().map(|source| (2, [Binding::Read(source.buffer()); 2])));
            }
            PassInput::Texture(index) => bindings.push((2, both(index).map(Binding::Sampled))),
            PassInput::Planes(index) => bindings.push((2, [Binding::Read(textures.planes(index)); 2])),
        }
        match pass.output {
            PassOutput::Texture { precision: Precision::Byte, .. } => {
                bindings.extend(textures.stored().map(|stored| (3, [Binding::Written(stored); 2])));
            }
            PassOutput::Texture { index, precision: Precision::Half } => {
                bindings.push((3, both(index).map(Binding::Stored)));
            }
            PassOutput::Planes(index) => bindings.push((3, [Binding::Written(textures.planes(index)); 2])),
            PassOutput::I420 { .. } | PassOutput::Rgba8 | PassOutput::Light { .. } => {
                bindings.extend(self.output.as_ref().map(|output| (3, [Binding::Written(output); 2])));
            }
        }
        if let (Some(chroma), true) = (&self.chroma, shader::leaves_chroma(pass)) {
            bindings.push((4, [Binding::Written(chroma); 2]));
        }
        if shader::samples(pass) {
            bindings.push((5, [Binding::Sampler(&self.sampler); 2]));
        }
        if let Some(previous) = pass.previous {
            bindings.push((6, both(previous).map(Binding::Sampled)));
        }
        if let Some((original, _)) = pass.original {
            bindings.push((7, both(original).map(Binding::Sampled)));
        }
        if shader::has_custom(pass) {
            bindings.push((8, [Binding::Written(&self.alarm); 2]));
        }
        bindings
    }

    fn drawn_view(&self) -> Option<wgpu::TextureView> {
        self.drawn.as_ref().map(|texture| texture.create_view(&wgpu::TextureViewDescriptor::default()))
    }

    /// Replaces the texture that is the source.
    fn set_drawn(&mut self, texture: &wgpu::Texture, time: Timestamp) -> Result<()> {
        let before = self.drawn.replace(texture.clone());
        if before.is_none_or(|before| is_linear(&before) != is_linear(texture)) {
            self.steps.clear();
        }
        let mut steps = std::mem::take(&mut self.steps);
        // Only the first pass reads a texture that is the source.
        let (Some(pass), Some(step)) = (self.plan.passes.first(), steps.first_mut()) else {
            return self.set_time(time);
        };
        let scope = self.gpu.device().push_error_scope(wgpu::ErrorFilter::Validation);
        let drawn = self.drawn_view();
        step.rebind(self.gpu.device(), &self.bindings(&self.plan, pass, &self.textures, drawn.as_ref()));
        if let Some(error) = pollster::block_on(scope.pop()) {
            return Err(Error::unknown("the GPU refused the texture").with_cause(error));
        }
        self.steps = steps;
        Ok(())
    }

    /// The kind of source that it renders.
    pub fn picture(&self) -> SourcePicture {
        self.picture
    }

    /// The buffer of the packed picture; none when it renders layers.
    pub fn output(&self) -> Option<&wgpu::Buffer> {
        self.output.as_ref()
    }

    /// The layer that was rendered last; none when it is not visible.
    pub fn layer(&self) -> Option<RenderedLayer<'_>> {
        let last = self.plan.passes.last()?;
        let PassOutput::Texture { index, .. } = last.output else { return None };
        Some(RenderedLayer { picture: self.textures.texture(index), origin: self.plan.origin, size: last.to.texels() })
    }

    /// Sets the place of layers from the next frame on.
    pub fn set_place(&mut self, to: LayerPlace) {
        if let RenderTarget::Layer { place, .. } = &mut self.target
            && *place != to
        {
            *place = to;
            self.moved = true;
        }
    }

    /// Sets the weight of the pictures that are rendered from now on, in a mean of several, and whether others were
    /// added up before.
    pub fn set_exposure(&mut self, weight: f32, exposed: bool) {
        self.exposure = (weight, exposed);
    }

    /// Records the passes of a frame or a texture; they run when `encoder` is submitted. `index` is the frame's number.
    ///
    /// # Errors
    /// `UnknownError` when an animated chain needs a shader that does not compile.
    pub fn render(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        drawing: Drawing,
        time: Timestamp,
        index: u64,
    ) -> Result<()> {
        if let Drawing::Texture(texture) = drawing
            && (self.drawn.as_ref() != Some(texture) || self.steps.is_empty())
        {
            self.set_drawn(texture, time)?;
        }
        if self.chain.is_animated() || std::mem::take(&mut self.moved) {
            self.set_time(time)?;
        }
        let color = match drawing {
            Drawing::Frame(frame) => frame.color,
            Drawing::Texture(_) | Drawing::Packed(_) | Drawing::Light(_) => ColorSpace::RECORDED,
        };
        let reads_source = matches!(self.plan.passes.first(), Some(Pass { input: PassInput::Source(_), .. }));
        if let (Drawing::Frame(frame), Some(source), true) = (drawing, &self.source, reads_source) {
            source.write(&self.gpu, frame);
        }
        let shown = self.plan.passes.last().map_or(self.target.canvas(), |last| last.to.size);
        let yuv_to_rgb = match drawing {
            Drawing::Frame(frame) if frame.format().bits() > 8 => {
                color.yuv_to_rgb_of(frame.format().bits(), f64::from(u16::MAX))
            }
            _ => color.yuv_to_rgb(),
        };
        let light = color.light();
        let (to, depth) =
            self.target.packed().map_or((ColorSpace::RECORDED, 8), |packed| (packed.color, packed.format.bits()));
        let (plane_offset, plane_stride) = self.source.as_ref().map(SourceBuffer::words).unwrap_or_default();
        for (number, step) in self.steps.iter().enumerate() {
            // Planes between passes are in the recording's colours. They have the places of the source's, which is I420 of
            // their size then.
            let is_between = matches!(self.plan.passes.get(number), Some(Pass { input: PassInput::Planes(_), .. }));
            let (yuv_to_rgb, siting) =
                if is_between { (to.yuv_to_rgb(), to.siting) } else { (yuv_to_rgb, color.siting) };
            let info = FrameInfo {
                output_size: [step.to.texels().width, step.to.texels().height],
                input_size: [step.from.texels().width, step.from.texels().height],
                plane_offset,
                plane_stride,
                yuv_to_rgb,
                rgb_to_yuv: to.rgb_to_yuv_of(depth),
                siting: siting.offset(),
                time: time.as_secs_f64() as f32,
                index: index as u32,
                resolution: [shown.width as f32, shown.height as f32],
                input_margin: step.from.margin as i32,
                output_margin: step.to.margin as i32,
                original_margin: step.original_margin as i32,
                weight: self.exposure.0,
                exposed: self.exposure.1.into(),
                padding: 0,
                to_bt709: light.to_bt709,
                luminance: light.luminance,
                curve: light.curve,
            };
            self.gpu.queue().write_buffer(&step.info, 0, bytemuck::bytes_of(&info));
        }
        for (index, step) in self.steps.iter().enumerate() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&step.pipeline);
            pass.set_bind_group(0, &step.bindings[(self.rendered % 2) as usize], &[]);
            let [x, y, z] = step.workgroups;
            pass.dispatch_workgroups(x, y, z);
            drop(pass);
            // Behind the plan's passes comes the one that downsamples chroma.
            if let Some(pass) = self.plan.passes.get(index) {
                self.textures.finish(encoder, pass.output);
            }
        }
        self.rendered += 1;
        Ok(())
    }
}

/// The output of a renderer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RenderTarget {
    /// Pictures in a buffer, in [`PixelFormat::I420`], [`PixelFormat::I420P10`] or [`PixelFormat::Rgba8`].
    Packed(PackedPicture),
    /// Sub-frames of this size, whose light is added up.
    Light {
        /// In pixels.
        size: Size,
        /// Whether each is laid over black first.
        over_black: bool,
    },
    /// Pictures in a texture, to be blended over a canvas.
    Layer {
        /// The canvas's size in pixels.
        canvas: Size,
        /// Where the source is drawn on it.
        place: LayerPlace,
    },
}

impl RenderTarget {
    fn canvas(&self) -> Size {
        match self {
            Self::Packed(PackedPicture { size, .. }) | Self::Light { size, .. } => *size,
            Self::Layer { canvas, .. } => *canvas,
        }
    }

    fn packed(&self) -> Option<PackedPicture> {
        if let Self::Packed(packed) = *self { Some(packed) } else { None }
    }

    /// The buffer of a packed picture; none for other targets.
    fn output(&self, gpu: &Gpu) -> Option<wgpu::Buffer> {
        let packed = self.packed()?;
        Some(storage(gpu.device(), "output", packed_bytes(packed.format, packed.size) as u64))
    }

    fn plan(&self, chain: &FilterChain, picture: SourcePicture) -> Result<Plan> {
        match *self {
            Self::Packed(PackedPicture { size, format, .. }) => {
                let output = match format {
                    PixelFormat::I420 => PassOutput::I420 { depth: BitDepth::Eight },
                    PixelFormat::I420P10 => PassOutput::I420 { depth: BitDepth::Ten },
                    PixelFormat::Rgba8 => PassOutput::Rgba8,
                    _ => {
                        let expected = "expected to render I420 of 8 or 10 bits or RGBA but found";
                        return Err(Error::not_supported(format!("{expected} {format:?}")));
                    }
                };
                Ok(plan(chain, picture, size, output))
            }
            Self::Light { size, over_black } => Ok(plan(chain, picture, size, PassOutput::Light { over_black })),
            Self::Layer { canvas, place } => Ok(plan_layer(chain, picture, canvas, place)),
        }
    }
}

/// A rendered layer.
#[derive(Debug)]
pub struct RenderedLayer<'a> {
    /// Its pixels, premultiplied.
    pub picture: &'a wgpu::TextureView,
    /// The position of its first pixel on the canvas; may be outside.
    pub origin: [i32; 2],
    /// Its size in pixels.
    pub size: Size,
}

/// The source of a rendering: a frame's bytes, or a texture that is on the GPU already.
#[derive(Debug, Clone, Copy)]
pub enum Drawing<'a> {
    /// A frame's bytes.
    Frame(&'a Frame),
    /// A texture: two-dimensional, of a readable float format, premultiplied, with `TEXTURE_BINDING` among its usages.
    Texture(&'a wgpu::Texture),
    /// RGBA of this size, which another renderer has packed.
    Packed(Size),
    /// The light of pictures of this size, which other renderers have added up.
    Light(Size),
}

impl Drawing<'_> {
    /// The kind and the size of this source, for the plan.
    pub fn picture(self) -> SourcePicture {
        match self {
            Self::Frame(frame) => {
                SourcePicture { pixels: SourcePixels::of(frame.format(), frame.color), size: frame.size() }
            }
            Self::Texture(texture) => {
                let size = Size::new(texture.width(), texture.height());
                SourcePicture { pixels: SourcePixels::Texture, size }
            }
            Self::Light(size) => SourcePicture { pixels: SourcePixels::Light, size },
            Self::Packed(size) => SourcePicture { pixels: SourcePixels::Bytes(PixelFormat::Rgba8), size },
        }
    }

    /// The same for the plan of a recording in these colours, which a frame may have already.
    pub fn picture_for(self, recorded: ColorSpace) -> SourcePicture {
        // Of standard dynamic range, nothing is tone-mapped.
        let alike = |color| ColorSpace { peak: recorded.peak, tone_map: recorded.tone_map, ..color } == recorded;
        let is_recorded = |frame: &Frame| frame.format() == PixelFormat::I420 && alike(frame.color);
        let picture = self.picture();
        match self {
            Self::Frame(frame) if is_recorded(frame) => SourcePicture { pixels: SourcePixels::Recorded, ..picture },
            _ => picture,
        }
    }
}

/// Whether reading the texture gives linear values.
fn is_linear(texture: &wgpu::Texture) -> bool {
    texture.format().is_srgb()
}

/// The alarm is one word.
pub(super) const ALARM_BYTES: u64 = 4;

/// The buffer of a word that is not 0 after loops of users' WGSL had too many iterations.
pub fn alarm(gpu: &Gpu) -> wgpu::Buffer {
    storage(gpu.device(), "alarm", ALARM_BYTES)
}

/// A buffer for the light of pictures of this size: four floats a pixel, zero.
///
/// # Errors
/// A range error when the adapter's buffers are smaller.
pub fn light(gpu: &Gpu, size: Size) -> Result<wgpu::Buffer> {
    const PIXEL: u64 = 16;
    let limits = gpu.device().limits();
    let most = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    if size.pixels() * PIXEL > most {
        let most = most / PIXEL / 1_000_000;
        return Err(Error::range(format!(
            "expected pictures of at most {most} megapixels for motion blur, which is what {} takes, but found {size}",
            gpu.info().name
        )));
    }
    Ok(storage(gpu.device(), "light", size.pixels() * PIXEL))
}
