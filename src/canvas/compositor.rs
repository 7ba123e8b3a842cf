//! Composes several layers into one picture on the GPU: each layer has its own passes, which unpack it, scale it to its
//! place and filter it; then it is blended over the layers before it. Nothing is read back between layers.
//!
//! ```text
//! frame ─▶ [unpack] ─▶ [place ↔] ─▶ [place ↕│filters] ─▶ texture ─┐
//! frame ─▶ [unpack] ─▶ [place ↔] ─▶ [place ↕│filters] ─▶ texture ─┴▶ blend ─▶ the canvas's picture, RGBA
//! ```

use std::sync::Arc;

use super::Canvas;
use super::content::CanvasLayer;
use super::pool::Pool;
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::Size;
use crate::gpu::{Blend, Gpu, RenderTarget, Renderer};
use crate::time::Timestamp;

/// Composes layers. The renderer of each layer is reused for the layer with the same number in the next picture; while
/// sizes and chains do not change, a picture costs only its passes.
pub struct Compositor {
    gpu: Gpu,
    alarm: wgpu::Buffer,
    blend: Blend,
    targets: Pool,
    slots: Vec<LayerSlot>,
}

/// The renderer of the layers with one number.
struct LayerSlot {
    renderer: Renderer,
    canvas: Size,
    /// The chain that was requested last.
    requested: Arc<FilterChain>,
}

impl Compositor {
    /// A compositor. Loops of users' WGSL that do not end set `alarm`.
    pub fn new(gpu: &Gpu, alarm: &wgpu::Buffer) -> Self {
        let usage = wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING;
        Self {
            gpu: gpu.clone(),
            alarm: alarm.clone(),
            blend: Blend::new(gpu, Canvas::TEXTURE_FORMAT),
            targets: Pool::new(usage, &[]),
            slots: Vec::new(),
        }
    }

    /// Records the passes of these layers, in order, at this time; `index` is the picture's number. Returns the texture
    /// that will hold the picture, premultiplied, and the errors of chains that the GPU refused: such a layer keeps its
    /// previous chain, or has none.
    ///
    /// # Errors
    /// A range error when a frame is larger than the adapter takes; `UnknownError` when the GPU fails.
    pub fn compose(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        layers: &[CanvasLayer],
        size: Size,
        (time, index): (Timestamp, u64),
    ) -> Result<(Arc<wgpu::Texture>, Vec<Error>)> {
        let mut refused = Vec::new();
        self.slots.truncate(layers.len());
        for (number, layer) in layers.iter().enumerate() {
            self.prepare(number, layer, size, &mut refused)?;
            self.slots[number].renderer.render(encoder, layer.drawn.drawing(), time, index)?;
        }
        let target = self.targets.take(&self.gpu, size, Canvas::TEXTURE_FORMAT);
        self.blend.lay(encoder, &target, self.slots.iter().filter_map(|slot| slot.renderer.layer()));
        Ok((target, refused))
    }

    /// Prepares slot `number` for this layer; all slots before it exist.
    fn prepare(&mut self, number: usize, layer: &CanvasLayer, canvas: Size, refused: &mut Vec<Error>) -> Result<()> {
        let picture = layer.drawn.drawing().picture();
        if let Some(slot) = self.slots.get_mut(number)
            && (slot.renderer.picture(), slot.canvas) == (picture, canvas)
        {
            if !Arc::ptr_eq(&slot.requested, &layer.filter) {
                slot.requested = layer.filter.clone();
                refused.extend(slot.renderer.set_chain(&layer.filter).err());
            }
            slot.renderer.set_place(layer.place);
            return Ok(());
        }
        let target = RenderTarget::Layer { canvas, place: layer.place };
        let made = |chain: &FilterChain| Renderer::new(&self.gpu, chain, picture, target, &self.alarm);
        let renderer = match made(&layer.filter) {
            Ok(renderer) => renderer,
            Err(error) => {
                let unfiltered = made(&FilterChain::default())?;
                refused.push(error);
                unfiltered
            }
        };
        let slot = LayerSlot { renderer, canvas, requested: layer.filter.clone() };
        match self.slots.get_mut(number) {
            Some(old) => *old = slot,
            None => self.slots.push(slot),
        }
        Ok(())
    }
}
