//! The textures between the passes of a plan.

use super::storage;
use super::upload::{copy_rgba, packed_bytes};
use crate::filter::{PassOutput, Plan, PlannedTexture, Precision};
use crate::frame::PixelFormat;

/// The textures of a plan, each with a picture. A pass stores a picture of 8 bits in a buffer, which is then copied into
/// its texture: llvmpipe stores every pixel of a texture in a loop over its lanes, in a buffer four pixels at once.
#[derive(Default)]
pub(super) struct PlanTextures {
    textures: Vec<wgpu::TextureView>,
    /// None if no picture has 8 bits.
    stored: Option<wgpu::Buffer>,
    /// Pictures as planes of 4:2:0.
    planes: Vec<wgpu::Buffer>,
}

impl PlanTextures {
    /// The textures of `plan`. Textures that are kept from frame to frame are taken over from those of the plan before.
    pub fn new(device: &wgpu::Device, plan: &Plan, plan_before: &Plan, before: &Self) -> Self {
        let mut textures: Vec<_> = plan.textures.iter().map(|&planned| texture(device, planned)).collect();
        for (new, old) in plan.twins.iter().zip(&plan_before.twins) {
            for (&new, &old) in new.iter().zip(old) {
                if plan.textures[new] == plan_before.textures[old] {
                    textures[new] = before.textures[old].clone();
                }
            }
        }
        let bytes = |&PlannedTexture { size, precision }: &PlannedTexture| {
            (precision == Precision::Byte).then(|| packed_bytes(PixelFormat::Rgba8, size) as u64)
        };
        let most = plan.textures.iter().filter_map(bytes).max();
        let planes = (0..plan.planes()).map(|_| {
            let bytes = plan.passes.last().map_or(0, |last| packed_bytes(PixelFormat::I420, last.to.size));
            storage(device, "planes", bytes as u64)
        });
        Self { textures, stored: most.map(|bytes| storage(device, "stored", bytes)), planes: planes.collect() }
    }

    pub fn planes(&self, index: usize) -> &wgpu::Buffer {
        &self.planes[index]
    }

    pub fn texture(&self, index: usize) -> &wgpu::TextureView {
        &self.textures[index]
    }

    /// A texture, and the twin that replaces it in every other frame.
    pub fn twins(&self, plan: &Plan, index: usize) -> [&wgpu::TextureView; 2] {
        let twin = plan.twins.iter().find_map(|&[a, b]| match index {
            _ if index == a => Some(b),
            _ if index == b => Some(a),
            _ => None,
        });
        [&self.textures[index], &self.textures[twin.unwrap_or(index)]]
    }

    /// Where passes store pictures of 8 bits.
    pub fn stored(&self) -> Option<&wgpu::Buffer> {
        self.stored.as_ref()
    }

    /// Copies the picture that a pass with this output has stored into its texture.
    pub fn finish(&self, encoder: &mut wgpu::CommandEncoder, output: PassOutput) {
        if let (PassOutput::Texture { index, precision: Precision::Byte }, Some(stored)) = (output, &self.stored) {
            copy_rgba(encoder, stored, self.textures[index].texture());
        }
    }
}

fn texture(device: &wgpu::Device, PlannedTexture { size, precision }: PlannedTexture) -> wgpu::TextureView {
    let written = match precision {
        Precision::Byte => wgpu::TextureUsages::COPY_DST,
        Precision::Half => wgpu::TextureUsages::STORAGE_BINDING,
    };
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("picture"),
        size: wgpu::Extent3d { width: size.width, height: size.height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: texture_format(precision),
        usage: wgpu::TextureUsages::TEXTURE_BINDING | written,
        view_formats: &[],
    });
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

/// The format of a texture between two passes. Half floats show no banding.
pub(super) const fn texture_format(precision: Precision) -> wgpu::TextureFormat {
    match precision {
        Precision::Byte => wgpu::TextureFormat::Rgba8Unorm,
        Precision::Half => wgpu::TextureFormat::Rgba16Float,
    }
}
