//! What is on a canvas: layers, each a frame or a texture with the chain that lies over it and its place.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::filter::{FilterChain, LayerPlace, plan_layer};
use crate::frame::{Frame, Rect, Size};
use crate::gpu::{Drawing, Gpu};

/// What was drawn since the canvas was cleared, in its order. Cheap to clone.
#[derive(Clone, Default)]
pub struct Content {
    layers: Vec<CanvasLayer>,
}

/// What was drawn at once, with the chain of that moment. Cheap to clone.
#[derive(Clone)]
pub struct CanvasLayer {
    pub drawn: Drawn,
    pub filter: Arc<FilterChain>,
    pub place: LayerPlace,
}

impl Content {
    /// As many layers as this are kept; then they are to be made one.
    pub const MOST_LAYERS: usize = 32;

    /// This layer alone.
    pub fn only(layer: CanvasLayer) -> Self {
        Self { layers: vec![layer] }
    }

    /// All layers, the lowest first.
    pub fn layers(&self) -> &[CanvasLayer] {
        &self.layers
    }

    /// A range error when a layer is larger than the GPU takes.
    pub fn check(&self, gpu: &Gpu) -> Result<()> {
        self.layers.iter().try_for_each(|layer| layer.drawn.check(gpu))
    }

    /// The layer that is all there is, when it is drawn over the whole canvas: that needs no laying over.
    pub fn whole(&self) -> Option<&CanvasLayer> {
        match &self.layers[..] {
            [layer] if layer.place == LayerPlace::Fitted => Some(layer),
            _ => None,
        }
    }

    /// Draws over what is there; what cannot be seen any more is let go.
    pub fn push(&mut self, layer: CanvasLayer, canvas: Size) {
        if layer.covers(canvas) {
            self.layers.clear();
        }
        self.layers.push(layer);
    }

    /// Whether the layers are to be made one before another is drawn.
    pub fn is_full(&self) -> bool {
        self.layers.len() >= Self::MOST_LAYERS
    }
}

impl CanvasLayer {
    /// What is drawn at this place of a canvas. What has the canvas's size and is drawn all over it needs no scaling.
    pub fn new(drawn: Drawn, filter: Arc<FilterChain>, place: LayerPlace, canvas: Size) -> Self {
        let whole = LayerPlace::At { from: Rect::whole(canvas), to: Rect::whole(canvas) };
        let place = if drawn.drawing().picture().size == canvas && place == whole { LayerPlace::Fitted } else { place };
        Self { drawn, filter, place }
    }

    /// Whether it hides all of a canvas of this size, at any time.
    fn covers(&self, canvas: Size) -> bool {
        let plan = || plan_layer(&self.filter, self.drawn.drawing().picture(), canvas, self.place);
        !self.filter.is_animated() && plan().covers(canvas)
    }
}

/// What was drawn.
#[derive(Clone)]
pub enum Drawn {
    Frame(Arc<Frame>),
    /// One of the canvas's own textures, which goes back into its pool when nobody needs it.
    Texture(Arc<wgpu::Texture>),
}

impl Drawn {
    pub fn drawing(&self) -> Drawing<'_> {
        match self {
            Self::Frame(frame) => Drawing::Frame(frame),
            Self::Texture(texture) => Drawing::Texture(texture),
        }
    }

    /// A range error when it is larger than the GPU takes.
    pub fn check(&self, gpu: &Gpu) -> Result<()> {
        match self {
            Self::Frame(frame) => gpu.check_size(frame.size()),
            // It is on the GPU already.
            Self::Texture(_) => Ok(()),
        }
    }
}

/// Whether somebody's own texture can be copied and then read as a picture; a `NotSupportedError` that says why otherwise.
pub fn check_foreign(texture: &wgpu::Texture, features: wgpu::Features) -> Result<()> {
    let readable = wgpu::TextureSampleType::Float { filterable: true };
    let expected = |what: &str, found: String| {
        Err(Error::not_supported(format!("expected a texture {what} to draw on the canvas but found {found}")))
    };
    if !texture.usage().contains(wgpu::TextureUsages::COPY_SRC) {
        return expected(
            "with COPY_SRC among its usages",
            format!("{:?}; add it where the texture is made", texture.usage()),
        );
    }
    if texture.dimension() != wgpu::TextureDimension::D2 || texture.sample_count() != 1 {
        let (dimension, samples) = (texture.dimension(), texture.sample_count());
        return expected(
            "of two dimensions and one sample a pixel",
            format!("{dimension:?} and {samples}; resolve it first"),
        );
    }
    if texture.format().sample_type(None, Some(features)) != Some(readable) {
        return expected("of colours that a filtering sampler reads, as Rgba8Unorm", format!("{:?}", texture.format()));
    }
    Ok(())
}

/// The texture's width and height in pixels.
pub fn size_of(texture: &wgpu::Texture) -> Size {
    Size::new(texture.width(), texture.height())
}
