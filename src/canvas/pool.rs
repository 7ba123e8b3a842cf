//! A pool of reusable textures, like those of a swapchain.

use std::sync::Arc;

use crate::frame::Size;
use crate::gpu::Gpu;

/// A pool of textures of one size and format. A texture is free when only the pool holds it; a new one is made only
/// when none is free.
pub struct Pool {
    usage: wgpu::TextureUsages,
    view_formats: &'static [wgpu::TextureFormat],
    textures: Vec<Arc<wgpu::Texture>>,
}

impl Pool {
    /// Textures for these uses; their views may also have one of `view_formats`.
    pub fn new(usage: wgpu::TextureUsages, view_formats: &'static [wgpu::TextureFormat]) -> Self {
        Self { usage, view_formats, textures: Vec::new() }
    }

    /// A free texture, whose old content is not cleared. Textures of another size or format are dropped.
    pub fn take(&mut self, gpu: &Gpu, size: Size, format: wgpu::TextureFormat) -> Arc<wgpu::Texture> {
        self.textures.retain(|texture| {
            (texture.width(), texture.height(), texture.format()) == (size.width, size.height, format)
        });
        if let Some(free) =
            self.textures.iter_mut().find_map(|texture| Arc::get_mut(texture).is_some().then_some(texture))
        {
            return free.clone();
        }
        let texture = Arc::new(gpu.device().create_texture(&wgpu::TextureDescriptor {
            label: Some("canvas"),
            size: wgpu::Extent3d { width: size.width, height: size.height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: self.usage,
            view_formats: self.view_formats,
        }));
        self.textures.push(texture.clone());
        texture
    }
}
