//! Blends layers over a canvas with the GPU's blending (source-over, premultiplied), into a texture of 8 bits per
//! channel.

use super::{Gpu, RenderedLayer, quad_pipeline, shader};
use crate::frame::Size;

/// The pipeline that blends a layer over a texture.
#[derive(Debug)]
pub struct Blend {
    gpu: Gpu,
    pipeline: wgpu::RenderPipeline,
    /// The place of each layer; as many buffers as were needed at once so far.
    places: Vec<wgpu::Buffer>,
}

/// `LayerInfo` of shaders/blend.wgsl, byte for byte.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct LayerInfo {
    origin: [f32; 2],
    size: [f32; 2],
    canvas: [f32; 2],
}

impl Blend {
    /// Blends into textures of this format, which must be renderable and blendable.
    pub fn new(gpu: &Gpu, format: wgpu::TextureFormat) -> Self {
        let target = wgpu::ColorTargetState {
            format,
            blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
            write_mask: wgpu::ColorWrites::ALL,
        };
        let pipeline = quad_pipeline(gpu.device(), "blend", shader::blend(), &[], None, target);
        Self { gpu: gpu.clone(), pipeline, places: Vec::new() }
    }

    /// Records commands that clear `target` and blend the layers over it in order.
    pub fn lay<'a>(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        target: &wgpu::Texture,
        layers: impl Iterator<Item = RenderedLayer<'a>>,
    ) {
        let canvas = Size::new(target.width(), target.height());
        let groups: Vec<_> = layers.enumerate().map(|(index, layer)| self.bind(index, &layer, canvas)).collect();
        let view = target.create_view(&wgpu::TextureViewDescriptor::default());
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("layers"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &view,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT),
                    store: wgpu::StoreOp::Store,
                },
            })],
            ..wgpu::RenderPassDescriptor::default()
        });
        pass.set_pipeline(&self.pipeline);
        for group in &groups {
            pass.set_bind_group(0, group, &[]);
            pass.draw(0..4, 0..1);
        }
    }

    fn bind(&mut self, index: usize, layer: &RenderedLayer, canvas: Size) -> wgpu::BindGroup {
        let device = self.gpu.device();
        if index == self.places.len() {
            self.places.push(device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("layer info"),
                size: size_of::<LayerInfo>() as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }));
        }
        let place = &self.places[index];
        let pixels = |size: Size| [size.width as f32, size.height as f32];
        let origin = layer.origin.map(|pixel| pixel as f32);
        let info = LayerInfo { origin, size: pixels(layer.size), canvas: pixels(canvas) };
        self.gpu.queue().write_buffer(place, 0, bytemuck::bytes_of(&info));
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("layer"),
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: place.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(layer.picture) },
            ],
        })
    }
}
