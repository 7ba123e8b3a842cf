//! Draws bitmaps over the window's picture: one textured rectangle each.

use std::sync::Arc;

use framereel::frame::Rect;
use framereel::wgpu;
use framereel::{Gpu, Size};

use super::bitmap::Bitmap;

/// A bitmap and its place in the window, in pixels.
#[derive(Debug, Clone)]
pub struct Panel {
    pub place: Rect,
    pub bitmap: Arc<Bitmap>,
}

/// Draws panels, and keeps their textures as long as they stay the same.
pub struct Painter {
    gpu: Gpu,
    pipeline: wgpu::RenderPipeline,
    sampler: wgpu::Sampler,
    /// In the order of the panels of the last picture.
    textures: Vec<PanelTexture>,
}

struct PanelTexture {
    bitmap: Arc<Bitmap>,
    info: wgpu::Buffer,
    texture: wgpu::Texture,
    group: wgpu::BindGroup,
}

/// `PanelInfo` of shaders/window/panel.wgsl: origin, extent, size of the target.
type PanelInfo = [[f32; 2]; 3];

impl Painter {
    /// Draws on targets of this format.
    pub fn new(gpu: &Gpu, format: wgpu::TextureFormat) -> Self {
        let device = gpu.device();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("panel"),
            source: wgpu::ShaderSource::Wgsl(include_str!("../../../shaders/window/panel.wgsl").into()),
        });
        let constants = [("LINEAR", f64::from(u8::from(format.is_srgb())))];
        let options = wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() };
        let target = wgpu::ColorTargetState {
            format,
            blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
            write_mask: wgpu::ColorWrites::ALL,
        };
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("panel"),
            layout: None,
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("corner"),
                compilation_options: options.clone(),
                buffers: &[],
            },
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("color"),
                compilation_options: options,
                targets: &[Some(target)],
            }),
            primitive: wgpu::PrimitiveState {
                topology: wgpu::PrimitiveTopology::TriangleStrip,
                ..wgpu::PrimitiveState::default()
            },
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            multiview_mask: None,
            cache: None,
        });
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("panel"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..Default::default()
        });
        Self { gpu: gpu.clone(), pipeline, sampler, textures: Vec::new() }
    }

    /// Records the drawing of these panels, the lowest first, on a target of this size.
    pub fn draw(&mut self, pass: &mut wgpu::RenderPass, target: Size, panels: &[Panel]) {
        self.textures.truncate(panels.len());
        pass.set_pipeline(&self.pipeline);
        for (index, panel) in panels.iter().enumerate() {
            let same = self.textures.get(index).is_some_and(|known| Arc::ptr_eq(&known.bitmap, &panel.bitmap));
            if !same {
                let before = (index < self.textures.len()).then(|| self.textures.swap_remove(index));
                self.textures.push(self.upload(panel, before));
                let last = self.textures.len() - 1;
                self.textures.swap(index, last);
            }
            let known = &self.textures[index];
            let Rect { x, y, width, height } = panel.place;
            let info: PanelInfo =
                [[x as f32, y as f32], [width as f32, height as f32], [target.width as f32, target.height as f32]];
            self.gpu.queue().write_buffer(&known.info, 0, bytemuck::cast_slice(&info));
            pass.set_bind_group(0, &known.group, &[]);
            pass.draw(0..4, 0..1);
        }
    }

    /// The panel's bitmap on the GPU, in the texture that was there before if it has the same size.
    fn upload(&self, panel: &Panel, before: Option<PanelTexture>) -> PanelTexture {
        let bitmap = panel.bitmap.clone();
        let size = wgpu::Extent3d { width: bitmap.width, height: bitmap.height, depth_or_array_layers: 1 };
        let uploaded = match before.filter(|before| before.texture.size() == size) {
            Some(before) => PanelTexture { bitmap, ..before },
            None => self.make(bitmap, size),
        };
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(uploaded.bitmap.width * 4),
            rows_per_image: None,
        };
        let (to, pixels) = (uploaded.texture.as_image_copy(), &uploaded.bitmap.pixels);
        self.gpu.queue().write_texture(to, pixels, layout, size);
        uploaded
    }

    fn make(&self, bitmap: Arc<Bitmap>, size: wgpu::Extent3d) -> PanelTexture {
        let device = self.gpu.device();
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("panel"),
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let info = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("panel info"),
            // A uniform struct of three vec2f.
            size: size_of::<PanelInfo>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("panel"),
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: info.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(&view) },
                wgpu::BindGroupEntry { binding: 2, resource: wgpu::BindingResource::Sampler(&self.sampler) },
            ],
        });
        PanelTexture { bitmap, info, texture, group }
    }
}
