//! Runs a plan: one dispatch a pass, as the plan says, and no thought of its own.

use std::collections::HashMap;

use super::readback::PackedLayout;
use super::upload::SourceBuffer;
use super::{Gpu, shader};
use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::filter::{FilterChain, Input, Output, Pass, Picture, Plan, plan};
use crate::frame::{Frame, PixelFormat, Size};
use crate::time::Timestamp;

/// Everything on the GPU that one plan needs; frames of one format and size go in, packed pictures come out.
pub struct Renderer {
    gpu: Gpu,
    picture: Picture,
    source: SourceBuffer,
    steps: Vec<Step>,
    output: wgpu::Buffer,
    format: PixelFormat,
    size: Size,
}

/// One dispatch, ready to go.
struct Step {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    workgroups: [u32; 2],
    info: wgpu::Buffer,
    input_size: Size,
    size: Size,
}

/// `FrameInfo` of shaders/frame_info.wgsl, byte for byte.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct FrameInfo {
    resolution: [u32; 2],
    input_size: [u32; 2],
    plane_offset: [u32; 4],
    plane_stride: [u32; 4],
    yuv_to_rgb: [[f32; 4]; 3],
    rgb_to_yuv: [[f32; 4]; 3],
    siting: [f32; 2],
    time: f32,
    index: u32,
}

impl Renderer {
    /// Plans and compiles: frames like `picture` become pictures of `size`, filtered by `chain`, in `format`, which is
    /// [`PixelFormat::I420`] or [`PixelFormat::Rgba8`].
    ///
    /// # Errors
    /// A range error when a size is above the adapter's limit; `UnknownError` when a shader does not compile.
    pub fn new(gpu: &Gpu, chain: &FilterChain, picture: Picture, size: Size, format: PixelFormat) -> Result<Self> {
        gpu.check_size(picture.size)?;
        gpu.check_size(size)?;
        let target = match format {
            PixelFormat::I420 => Output::I420,
            PixelFormat::Rgba8 => Output::Rgba8,
            _ => return Err(Error::not_supported(format!("expected to render I420 or RGBA but found {format:?}"))),
        };
        let plan = plan(chain, picture, size, target);
        let scope = gpu.device().push_error_scope(wgpu::ErrorFilter::Validation);
        let renderer = Self::build(gpu, &plan, picture, size, format);
        match pollster::block_on(scope.pop()) {
            Some(error) => Err(Error::unknown("the GPU refused the filters").with_source(error)),
            None => Ok(renderer),
        }
    }

    fn build(gpu: &Gpu, plan: &Plan, picture: Picture, size: Size, format: PixelFormat) -> Self {
        let device = gpu.device();
        let source = SourceBuffer::new(gpu, picture.format, picture.size);
        let textures: Vec<_> = plan.textures.iter().map(|&size| texture(device, size)).collect();
        let output = storage(device, "output", PackedLayout::new(format, size).len as u64);
        let full_chroma = (format == PixelFormat::I420)
            .then(|| storage(device, "chroma", u64::from(size.width.next_multiple_of(8)) * u64::from(size.height) * 4));
        let mut pipelines = HashMap::new();
        let mut steps = Vec::with_capacity(plan.passes.len() + 1);
        for pass in &plan.passes {
            let tile = shader::tile(pass.stage);
            let mut bindings = vec![match pass.input {
                Input::Source(_) => (2, Binding::Read(source.buffer())),
                Input::Texture(index) => (2, Binding::Sampled(&textures[index])),
            }];
            match pass.output {
                Output::Texture(index) => bindings.push((3, Binding::Stored(&textures[index]))),
                Output::I420 | Output::Rgba8 => bindings.push((3, Binding::Written(&output))),
            }
            if let (Output::I420, Some(chroma)) = (pass.output, &full_chroma) {
                bindings.push((4, Binding::Written(chroma)));
            }
            steps.push(Step::new(device, &mut pipelines, shader::compose(pass), pass, tile, &bindings));
        }
        if let (Some(chroma), Some(last)) = (&full_chroma, plan.passes.last()) {
            let bindings = [(3, Binding::Written(&output)), (4, Binding::Written(chroma))];
            let pass = Pass { points: Vec::new(), input_size: size, ..last.clone() };
            steps.push(Step::new(device, &mut pipelines, shader::chroma(), &pass, ([8, 2], [8, 8]), &bindings));
        }
        Self { gpu: gpu.clone(), picture, source, steps, output, format, size }
    }

    /// What it takes.
    pub fn picture(&self) -> Picture {
        self.picture
    }

    /// The size of what comes out.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The layout of what comes out.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Where what comes out lies.
    pub fn output(&self) -> &wgpu::Buffer {
        &self.output
    }

    /// Sends the frame and records its passes; they run when `encoder` is submitted. `index` is its number.
    pub fn render(&self, encoder: &mut wgpu::CommandEncoder, frame: &Frame, time: Timestamp, index: u64) {
        self.source.write(&self.gpu, frame);
        let (plane_offset, plane_stride) = self.source.words();
        for step in &self.steps {
            let info = FrameInfo {
                resolution: [step.size.width, step.size.height],
                input_size: [step.input_size.width, step.input_size.height],
                plane_offset,
                plane_stride,
                yuv_to_rgb: frame.color.yuv_to_rgb(),
                rgb_to_yuv: ColorSpace::RECORDED.rgb_to_yuv(),
                siting: frame.color.siting.offset(),
                time: time.as_secs_f64() as f32,
                index: index as u32,
            };
            self.gpu.queue().write_buffer(&step.info, 0, bytemuck::bytes_of(&info));
        }
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for step in &self.steps {
            pass.set_pipeline(&step.pipeline);
            pass.set_bind_group(0, &step.bindings, &[]);
            pass.dispatch_workgroups(step.workgroups[0], step.workgroups[1], 1);
        }
    }
}

#[derive(Clone, Copy)]
enum Binding<'a> {
    Uniform(&'a wgpu::Buffer),
    Read(&'a wgpu::Buffer),
    Written(&'a wgpu::Buffer),
    Sampled(&'a wgpu::TextureView),
    Stored(&'a wgpu::TextureView),
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
            Self::Sampled(view) | Self::Stored(view) => wgpu::BindingResource::TextureView(view),
        }
    }
}

/// Half floats: what lies between two passes does not band.
const TEXTURE_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba16Float;

impl Step {
    fn new(
        device: &wgpu::Device,
        pipelines: &mut HashMap<String, wgpu::ComputePipeline>,
        wgsl: String,
        pass: &Pass,
        ([tile_x, tile_y], [group_x, group_y]): ([u32; 2], [u32; 2]),
        own_bindings: &[(u32, Binding)],
    ) -> Self {
        let info = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("frame info"),
            size: size_of::<FrameInfo>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let numbers = match pass.params() {
            params if params.is_empty() => vec![[0.0; 4]],
            params => params,
        };
        let params = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("params"),
            size: size_of_val(&numbers[..]) as u64,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: true,
        });
        if let Ok(mut view) = params.get_mapped_range_mut(..) {
            view.copy_from_slice(bytemuck::cast_slice(&numbers));
        }
        params.unmap();
        let bindings: Vec<_> = [(0, Binding::Uniform(&info)), (1, Binding::Read(&params))]
            .into_iter()
            .chain(own_bindings.iter().copied())
            .collect();
        let entries: Vec<_> = bindings
            .iter()
            .map(|&(binding, kind)| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: kind.layout(),
                count: None,
            })
            .collect();
        let layout =
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        let pipeline = pipelines.entry(wgsl).or_insert_with_key(|wgsl| {
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
        });
        let entries: Vec<_> = bindings
            .iter()
            .map(|(binding, kind)| wgpu::BindGroupEntry { binding: *binding, resource: kind.resource() })
            .collect();
        let bindings =
            device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries });
        let workgroups = [pass.size.width.div_ceil(tile_x * group_x), pass.size.height.div_ceil(tile_y * group_y)];
        let pipeline = pipeline.clone();
        Self { pipeline, bindings, workgroups, info, input_size: pass.input_size, size: pass.size }
    }
}

fn storage(device: &wgpu::Device, label: &str, size: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
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
