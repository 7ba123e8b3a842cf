//! A frame of motion blur while its sub-frames are drawn: their light is added up on the GPU, and none of them is read
//! back.
//!
//! ```text
//! sub-frame ─▶ [passes│decode│add] ─▶ light ─▶ [mean│encode│pack] ─▶ readback
//! sub-frame ─▶ [passes│decode│add] ─▶   ▲
//! ```
//!
//! Adding up is the end of a sub-frame's last pass, so n sub-frames cost n times the passes of one frame, and one more.

use crate::error::Result;
use crate::frame::Size;
use crate::gpu::{self, Drawing, Gpu, PackedPicture, Renderer};
use crate::time::Timestamp;

/// The light of the sub-frames so far.
pub struct Exposure {
    pub light: wgpu::Buffer,
    /// Packs the mean; made with the first frame.
    packer: Option<Renderer>,
    /// The weights of the sub-frames that were added up.
    exposed: f32,
}

impl Exposure {
    /// For pictures of this size.
    ///
    /// # Errors
    /// A range error when the adapter's buffers are too small.
    pub fn new(gpu: &Gpu, size: Size) -> Result<Self> {
        Ok(Self { light: gpu::light(gpu, size)?, packer: None, exposed: 0.0 })
    }

    /// Tells `renderer` how to add up the next picture.
    pub fn add(&mut self, renderer: &mut Renderer, sub_frame: SubFrame) {
        if sub_frame.begins {
            self.exposed = 0.0;
        }
        renderer.set_exposure(sub_frame.weight, self.exposed > 0.0);
    }

    /// That picture was rendered.
    pub fn has_added(&mut self, sub_frame: SubFrame) {
        self.exposed += sub_frame.weight;
    }

    /// Records the commands that pack the mean of what was added up; returns the buffer that will hold it.
    ///
    /// # Errors
    /// `UnknownError` when the GPU fails.
    pub fn pack(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        packed: PackedPicture,
        alarm: &wgpu::Buffer,
    ) -> Result<Option<wgpu::Buffer>> {
        let mut packer = match self.packer.take() {
            Some(packer) => packer,
            None => Renderer::of_light(gpu, &self.light, packed, alarm)?,
        };
        packer.set_exposure(1.0 / self.exposed.max(1.0), true);
        self.exposed = 0.0;
        packer.render(encoder, Drawing::Light(packed.size), Timestamp::ZERO, 0)?;
        let output = packer.output().cloned();
        self.packer = Some(packer);
        Ok(output)
    }
}

/// The place of a sub-frame in its frame.
#[derive(Debug, Clone, Copy)]
pub struct SubFrame {
    /// Whether it is the first one.
    pub begins: bool,
    /// Whether it is the last one: then the frame is captured.
    pub ends: bool,
    /// How many sub-frames it stands for, which are all alike.
    pub weight: f32,
}
