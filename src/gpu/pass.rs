//! Runs a plan: one dispatch a pass, as the plan says, and no thought of its own.

use std::collections::HashMap;

use super::readback::PackedLayout;
use super::upload::SourceBuffer;
use super::{Gpu, shader};
use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::filter::{Extent, FilterChain, Input, Output, Pass, Picture, Plan, plan};
use crate::frame::{Frame, PixelFormat, Size};
use crate::time::Timestamp;

/// Everything on the GPU that one chain needs; frames of one format and size go in, packed pictures come out.
pub struct Renderer {
    gpu: Gpu,
    chain: FilterChain,
    picture: Picture,
    size: Size,
    format: PixelFormat,
    source: SourceBuffer,
    /// Somebody's own texture that is the source.
    drawn: Option<wgpu::Texture>,
    output: wgpu::Buffer,
    /// The chroma of a recording's picture before it is taken down.
    chroma: Option<wgpu::Buffer>,
    /// What a user's loop raises that never ends.
    alarm: wgpu::Buffer,
    sampler: wgpu::Sampler,
    pipelines: HashMap<String, wgpu::ComputePipeline>,
    plan: Plan,
    /// The plan's textures.
    textures: Vec<wgpu::TextureView>,
    steps: Vec<Step>,
    /// How many frames were rendered: twin textures change places after each.
    rendered: u64,
}

/// One dispatch, ready to go.
struct Step {
    wgsl: String,
    pipeline: wgpu::ComputePipeline,
    /// With twin textures as they lie, and the other way round.
    bindings: [wgpu::BindGroup; 2],
    workgroups: [u32; 2],
    info: wgpu::Buffer,
    params: wgpu::Buffer,
    from: Extent,
    to: Extent,
    original_margin: u32,
}

/// `FrameInfo` of shaders/frame_info.wgsl, byte for byte.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct FrameInfo {
    output_size: [u32; 2],
    input_size: [u32; 2],
    plane_offset: [u32; 4],
    plane_stride: [u32; 4],
    yuv_to_rgb: [[f32; 4]; 3],
    rgb_to_yuv: [[f32; 4]; 3],
    siting: [f32; 2],
    time: f32,
    index: u32,
    resolution: [f32; 2],
    input_margin: i32,
    output_margin: i32,
    original_margin: i32,
    decoded: u32,
    padding: [u32; 2],
}

impl Renderer {
    /// Plans and compiles: frames like `picture` become pictures of `size`, filtered by `chain`, in `format`, which is
    /// [`PixelFormat::I420`] or [`PixelFormat::Rgba8`].
    ///
    /// # Errors
    /// A range error when a size is above the adapter's limit; `UnknownError` when a shader does not compile.
    pub fn new(gpu: &Gpu, chain: &FilterChain, picture: Picture, size: Size, format: PixelFormat) -> Result<Self> {
        gpu.check_size(size)?;
        if picture.format.planes() > 0 {
            gpu.check_size(picture.size)?;
        }
        let device = gpu.device();
        let wide = u64::from(size.width.next_multiple_of(8)) * u64::from(size.height);
        let mut renderer = Self {
            gpu: gpu.clone(),
            chain: chain.clone(),
            picture,
            size,
            format,
            source: SourceBuffer::new(gpu, picture.format, picture.size),
            drawn: None,
            output: storage(device, "output", PackedLayout::new(format, size).len as u64),
            chroma: (format == PixelFormat::I420).then(|| storage(device, "chroma", wide * 4)),
            alarm: storage(device, "alarm", ALARM_BYTES),
            sampler: device.create_sampler(&wgpu::SamplerDescriptor {
                label: Some("linear"),
                mag_filter: wgpu::FilterMode::Linear,
                min_filter: wgpu::FilterMode::Linear,
                ..Default::default()
            }),
            pipelines: HashMap::new(),
            plan: Plan::default(),
            textures: Vec::new(),
            steps: Vec::new(),
            rendered: 0,
        };
        // A texture is bound when it is there.
        if picture.format != PixelFormat::Texture {
            renderer.set_time(Timestamp::ZERO)?;
        }
        Ok(renderer)
    }

    /// Puts another chain in the place of this one; on an error the old one stays.
    ///
    /// # Errors
    /// `UnknownError` when a shader does not compile.
    pub fn set_chain(&mut self, chain: &FilterChain) -> Result<()> {
        self.gpu.queue().write_buffer(&self.alarm, 0, &[0; ALARM_BYTES as usize]);
        let before = std::mem::replace(&mut self.chain, chain.clone());
        self.set_time(Timestamp::ZERO).inspect_err(|_| self.chain = before)
    }

    /// Plans for this instant of an animated chain. Most often only numbers change.
    fn set_time(&mut self, time: Timestamp) -> Result<()> {
        let target = match self.format {
            PixelFormat::I420 => Output::I420,
            PixelFormat::Rgba8 => Output::Rgba8,
            format => {
                return Err(Error::not_supported(format!("expected to render I420 or RGBA but found {format:?}")));
            }
        };
        let plan = plan(&self.chain.at(time), self.picture, self.size, target);
        if plan == self.plan && !self.steps.is_empty() {
            return Ok(());
        }
        let texts: Vec<_> = plan.passes.iter().map(shader::compose).collect();
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
            let textures = self.textures_for(&plan);
            let steps = self.build(&plan, &textures, texts);
            if let Some(error) = pollster::block_on(scope.pop()) {
                // What did not compile is not to be found again as if it had.
                self.pipelines.retain(|wgsl, _| self.steps.iter().any(|step| step.wgsl == *wgsl));
                return Err(Error::unknown("the GPU refused the filters").with_source(error));
            }
            (self.steps, self.textures) = (steps, textures);
        }
        self.plan = plan;
        Ok(())
    }

    /// The plan's textures; what is kept from frame to frame is taken over from the plan before.
    fn textures_for(&self, plan: &Plan) -> Vec<wgpu::TextureView> {
        let mut textures: Vec<_> = plan.textures.iter().map(|&size| texture(self.gpu.device(), size)).collect();
        for (new, old) in plan.twins.iter().zip(&self.plan.twins) {
            for (&new, &old) in new.iter().zip(old) {
                if plan.textures[new] == self.plan.textures[old] {
                    textures[new] = self.textures[old].clone();
                }
            }
        }
        textures
    }

    fn build(&mut self, plan: &Plan, textures: &[wgpu::TextureView], texts: Vec<String>) -> Vec<Step> {
        // Each texture, and the one that stands in its place in every other frame.
        let both = |index: usize| {
            let twin = plan.twins.iter().find_map(|&[a, b]| match index {
                _ if index == a => Some(b),
                _ if index == b => Some(a),
                _ => None,
            });
            [&textures[index], &textures[twin.unwrap_or(index)]]
        };
        let drawn = self.drawn.as_ref().map(|texture| texture.create_view(&wgpu::TextureViewDescriptor::default()));
        let mut steps = Vec::with_capacity(plan.passes.len() + 1);
        for (pass, text) in plan.passes.iter().zip(texts) {
            let mut bindings = Vec::new();
            match pass.input {
                Input::Source(PixelFormat::Blank) => {}
                Input::Source(PixelFormat::Texture) => {
                    bindings.extend(drawn.as_ref().map(|view| (2, [Binding::Sampled(view); 2])));
                }
                Input::Source(_) => bindings.push((2, [Binding::Read(self.source.buffer()); 2])),
                Input::Texture(index) => bindings.push((2, both(index).map(Binding::Sampled))),
            }
            bindings.push((
                3,
                match pass.output {
                    Output::Texture(index) => both(index).map(Binding::Stored),
                    Output::I420 | Output::Rgba8 => [Binding::Written(&self.output); 2],
                },
            ));
            if let (Output::I420, Some(chroma)) = (pass.output, &self.chroma) {
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
            let tile = shader::tile(&pass.stage);
            steps.push(Step::new(&self.gpu, &mut self.pipelines, text, numbers(pass), pass, tile, &bindings));
        }
        if let (Some(chroma), Some(last)) = (&self.chroma, plan.passes.last()) {
            let bindings = [(3, [Binding::Written(&self.output); 2]), (4, [Binding::Written(chroma); 2])];
            let tile = ([8, 2], [8, 8]);
            let numbers = vec![[0.0; 4]];
            steps.push(Step::new(&self.gpu, &mut self.pipelines, shader::chroma(), numbers, last, tile, &bindings));
        }
        steps
    }

    /// What it takes.
    pub fn picture(&self) -> Picture {
        self.picture
    }

    /// Where what comes out lies.
    pub fn output(&self) -> &wgpu::Buffer {
        &self.output
    }

    /// Where a word lies that is not 0 when a user's loop never ended.
    pub fn alarm(&self) -> &wgpu::Buffer {
        &self.alarm
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
        match drawing {
            Drawing::Frame(frame) => self.source.write(&self.gpu, frame),
            Drawing::Texture(texture) if self.drawn.as_ref() != Some(texture) => {
                self.drawn = Some(texture.clone());
                // Everything is bound anew, with this texture.
                self.steps.clear();
                self.set_time(time)?;
            }
            Drawing::Texture(_) => {}
        }
        if self.chain.is_animated() {
            self.set_time(time)?;
        }
        let color = match drawing {
            Drawing::Frame(frame) => frame.color,
            Drawing::Texture(_) => ColorSpace::RECORDED,
        };
        let (plane_offset, plane_stride) = self.source.words();
        for step in &self.steps {
            let info = FrameInfo {
                output_size: [step.to.texels().width, step.to.texels().height],
                input_size: [step.from.texels().width, step.from.texels().height],
                plane_offset,
                plane_stride,
                yuv_to_rgb: color.yuv_to_rgb(),
                rgb_to_yuv: ColorSpace::RECORDED.rgb_to_yuv(),
                siting: color.siting.offset(),
                time: time.as_secs_f64() as f32,
                index: index as u32,
                resolution: [self.size.width as f32, self.size.height as f32],
                input_margin: step.from.margin as i32,
                output_margin: step.to.margin as i32,
                original_margin: step.original_margin as i32,
                decoded: u32::from(matches!(drawing, Drawing::Texture(texture) if texture.format().is_srgb())),
                padding: [0; 2],
            };
            self.gpu.queue().write_buffer(&step.info, 0, bytemuck::bytes_of(&info));
        }
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for step in &self.steps {
            pass.set_pipeline(&step.pipeline);
            pass.set_bind_group(0, &step.bindings[(self.rendered % 2) as usize], &[]);
            pass.dispatch_workgroups(step.workgroups[0], step.workgroups[1], 1);
        }
        self.rendered += 1;
        Ok(())
    }
}

/// What is drawn: bytes, or a texture that is on the GPU already.
#[derive(Debug, Clone, Copy)]
pub enum Drawing<'a> {
    /// A frame's bytes.
    Frame(&'a Frame),
    /// Somebody's own texture: two-dimensional, of a float format that can be read, premultiplied; with
    /// `TEXTURE_BINDING` among its usages.
    Texture(&'a wgpu::Texture),
}

impl Drawing<'_> {
    /// What the first pass of its plan reads.
    pub fn picture(self) -> Picture {
        match self {
            Self::Frame(frame) => Picture { format: frame.format, size: frame.size },
            Self::Texture(texture) => {
                Picture { format: PixelFormat::Texture, size: Size::new(texture.width(), texture.height()) }
            }
        }
    }
}

/// The pass's numbers; a binding is never empty.
fn numbers(pass: &Pass) -> Vec<[f32; 4]> {
    match pass.params() {
        params if params.is_empty() => vec![[0.0; 4]],
        params => params,
    }
}

#[derive(Clone, Copy)]
enum Binding<'a> {
    Uniform(&'a wgpu::Buffer),
    Read(&'a wgpu::Buffer),
    Written(&'a wgpu::Buffer),
    Sampled(&'a wgpu::TextureView),
    Stored(&'a wgpu::TextureView),
    Sampler(&'a wgpu::Sampler),
}

impl Binding<'_> {
    fn layout(self) -> wgpu::BindingType {
        use wgpu::{BindingType, BufferBindingType};
        let buffer = |ty| BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
        match self {
            Self::Uniform(_) => buffer(BufferBindingType::Uniform),
            Self::Read(_) => buffer(BufferBindingType::Storage { read_only: true }),
            Self::Written(_) => buffer(BufferBindingType::Storage { read_only: false }),
            Self::Sampled(_) => BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Float { filterable: true },
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            },
            Self::Sampler(_) => BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
            Self::Stored(_) => BindingType::StorageTexture {
                access: wgpu::StorageTextureAccess::WriteOnly,
                format: TEXTURE_FORMAT,
                view_dimension: wgpu::TextureViewDimension::D2,
            },
        }
    }

    fn resource(&self) -> wgpu::BindingResource<'_> {
        match *self {
            Self::Uniform(buffer) | Self::Read(buffer) | Self::Written(buffer) => buffer.as_entire_binding(),
            Self::Sampler(sampler) => wgpu::BindingResource::Sampler(sampler),
            Self::Sampled(view) | Self::Stored(view) => wgpu::BindingResource::TextureView(view),
        }
    }
}

/// The alarm is one word.
pub(super) const ALARM_BYTES: u64 = 4;

/// Half floats: what lies between two passes does not band.
const TEXTURE_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba16Float;

impl Step {
    fn new(
        gpu: &Gpu,
        pipelines: &mut HashMap<String, wgpu::ComputePipeline>,
        wgsl: String,
        numbers: Vec<[f32; 4]>,
        pass: &Pass,
        ([tile_x, tile_y], [group_x, group_y]): ([u32; 2], [u32; 2]),
        own_bindings: &[(u32, [Binding; 2])],
    ) -> Self {
        let device = gpu.device();
        let buffer = |label, size: usize, usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: size as u64,
                usage: usage | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        };
        let info = buffer("frame info", size_of::<FrameInfo>(), wgpu::BufferUsages::UNIFORM);
        let uniform = shader::fits_uniform(numbers.len());
        let usage = if uniform { wgpu::BufferUsages::UNIFORM } else { wgpu::BufferUsages::STORAGE };
        let params = buffer("params", size_of_val(&numbers[..]), usage);
        gpu.queue().write_buffer(&params, 0, bytemuck::cast_slice(&numbers));
        let bindings: Vec<_> = [
            (0, [Binding::Uniform(&info); 2]),
            (1, [if uniform { Binding::Uniform(&params) } else { Binding::Read(&params) }; 2]),
        ]
        .into_iter()
        .chain(own_bindings.iter().copied())
        .collect();
        let entries: Vec<_> = bindings
            .iter()
            .map(|&(binding, [kind, _])| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: kind.layout(),
                count: None,
            })
            .collect();
        let layout =
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        let compile = |wgsl: &String| {
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some("pass"),
                source: wgpu::ShaderSource::Wgsl(wgsl.as_str().into()),
            });
            let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: None,
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            });
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("pass"),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            })
        };
        let pipeline = pipelines.entry(wgsl.clone()).or_insert_with_key(compile).clone();
        let bindings = [0, 1].map(|turn| {
            let entries: Vec<_> = bindings
                .iter()
                .map(|(binding, kinds)| wgpu::BindGroupEntry { binding: *binding, resource: kinds[turn].resource() })
                .collect();
            device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries })
        });
        let Size { width, height } = pass.to.texels();
        let workgroups = [width.div_ceil(tile_x * group_x), height.div_ceil(tile_y * group_y)];
        let original_margin = pass.original.map_or(0, |(_, extent)| extent.margin);
        Self { wgsl, pipeline, bindings, workgroups, info, params, from: pass.from, to: pass.to, original_margin }
    }

    /// Whether this step runs `pass` when it is given its numbers.
    fn fits(&self, pass: &Pass, wgsl: &str) -> bool {
        self.wgsl == wgsl
            && (self.from, self.to) == (pass.from, pass.to)
            && self.params.size() == size_of_val(&numbers(pass)[..]) as u64
    }
}

fn storage(device: &wgpu::Device, label: &str, size: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

fn texture(device: &wgpu::Device, size: Size) -> wgpu::TextureView {
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("picture"),
        size: wgpu::Extent3d { width: size.width, height: size.height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: TEXTURE_FORMAT,
        usage: wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::TEXTURE_BINDING,
        view_formats: &[],
    });
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}
