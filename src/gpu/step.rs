//! One dispatch: a pass with its pipeline and its bind groups.

use std::collections::HashMap;

use super::textures::texture_format;
use super::{Gpu, shader};
use crate::filter::{Extent, Pass, Precision};

/// A prepared dispatch.
pub(super) struct Step {
    pub wgsl: String,
    pub pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    /// With twin textures in their order, and swapped.
    pub bindings: [wgpu::BindGroup; 2],
    pub workgroups: [u32; 3],
    pub info: wgpu::Buffer,
    pub params: wgpu::Buffer,
    pub from: Extent,
    pub to: Extent,
    pub original_margin: u32,
}

/// `FrameInfo` of shaders/frame_info.wgsl, byte for byte.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct FrameInfo {
    pub output_size: [u32; 2],
    pub input_size: [u32; 2],
    pub plane_offset: [u32; 4],
    pub plane_stride: [u32; 4],
    pub yuv_to_rgb: [[f32; 4]; 3],
    pub rgb_to_yuv: [[f32; 4]; 3],
    pub siting: [f32; 2],
    pub time: f32,
    pub index: u32,
    pub resolution: [f32; 2],
    pub input_margin: i32,
    pub output_margin: i32,
    pub original_margin: i32,
    pub weight: f32,
    pub exposed: u32,
    pub padding: u32,
    pub to_bt709: [[f32; 4]; 3],
    pub luminance: [f32; 4],
    pub curve: [f32; 4],
}

impl Step {
    pub fn new(
        gpu: &Gpu,
        pipelines: &mut HashMap<String, wgpu::ComputePipeline>,
        wgsl: String,
        numbers: Vec<[f32; 4]>,
        pass: &Pass,
        invocations: [u32; 3],
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
        let entries: Vec<_> = all_bindings(&info, &params, own_bindings)
            .map(|(binding, [kind, _])| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: kind.layout(),
                count: None,
            })
            .collect();
        let layout =
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        let compile = |wgsl: &String| {
            let _span = tracing::debug_span!("compile").entered();
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
        let bindings = bind(device, &layout, &info, &params, own_bindings);
        let [columns, rows] = shader::WORKGROUP;
        let workgroups = [invocations[0].div_ceil(columns), invocations[1].div_ceil(rows), invocations[2]];
        let original_margin = pass.original.map_or(0, |(_, extent)| extent.margin);
        let (from, to) = (pass.from, pass.to);
        Self { wgsl, pipeline, layout, bindings, workgroups, info, params, from, to, original_margin }
    }

    /// Binds other resources of the same kinds.
    pub fn rebind(&mut self, device: &wgpu::Device, own_bindings: &[(u32, [Binding; 2])]) {
        self.bindings = bind(device, &self.layout, &self.info, &self.params, own_bindings);
    }

    /// Whether this step can run `pass` once its parameters are written.
    pub fn fits(&self, pass: &Pass, wgsl: &str) -> bool {
        self.wgsl == wgsl
            && (self.from, self.to) == (pass.from, pass.to)
            && self.params.size() == size_of_val(&numbers(pass)[..]) as u64
    }
}

/// The bindings that every pass has, then those of this pass.
fn all_bindings<'a>(
    info: &'a wgpu::Buffer,
    params: &'a wgpu::Buffer,
    own: &[(u32, [Binding<'a>; 2])],
) -> impl Iterator<Item = (u32, [Binding<'a>; 2])> {
    let uniform = params.usage().contains(wgpu::BufferUsages::UNIFORM);
    let params = if uniform { Binding::Uniform(params) } else { Binding::Read(params) };
    [(0, [Binding::Uniform(info); 2]), (1, [params; 2])].into_iter().chain(own.iter().copied())
}

fn bind<'a>(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    info: &'a wgpu::Buffer,
    params: &'a wgpu::Buffer,
    own: &[(u32, [Binding<'a>; 2])],
) -> [wgpu::BindGroup; 2] {
    [0, 1].map(|turn| {
        let entries: Vec<_> = all_bindings(info, params, own)
            .map(|(binding, kinds)| wgpu::BindGroupEntry { binding, resource: kinds[turn].resource() })
            .collect();
        device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
    })
}

/// The pass's parameters; a binding must not be empty.
pub(super) fn numbers(pass: &Pass) -> Vec<[f32; 4]> {
    match pass.params() {
        params if params.is_empty() => vec![[0.0; 4]],
        params => params,
    }
}

#[derive(Clone, Copy)]
pub(super) enum Binding<'a> {
    Uniform(&'a wgpu::Buffer),
    Read(&'a wgpu::Buffer),
    Written(&'a wgpu::Buffer),
    Sampled(&'a wgpu::TextureView),
    Stored(&'a wgpu::TextureView),
    Sampler(&'a wgpu::Sampler),
}

impl<'a> Binding<'a> {
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
                format: texture_format(Precision::Half),
                view_dimension: wgpu::TextureViewDimension::D2,
            },
        }
    }

    fn resource(self) -> wgpu::BindingResource<'a> {
        match self {
            Self::Uniform(buffer) | Self::Read(buffer) | Self::Written(buffer) => buffer.as_entire_binding(),
            Self::Sampler(sampler) => wgpu::BindingResource::Sampler(sampler),
            Self::Sampled(view) | Self::Stored(view) => wgpu::BindingResource::TextureView(view),
        }
    }
}
