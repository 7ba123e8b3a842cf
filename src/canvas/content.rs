//! The content of a canvas: layers, each a frame or a texture with its filter chain and its place.

use std::sync::Arc;

use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::filter::{FilterChain, LayerPlace, plan_layer};
use crate::frame::{Frame, PixelFormat, Rect, Size};
use crate::gpu::{Drawing, Gpu};

/// All that was drawn since the canvas was cleared, in order. Cheap to clone.
#[derive(Clone, Default)]
pub struct Content {
    layers: Vec<CanvasLayer>,
}

/// The result of one drawing call, with the filter chain set at that time. Cheap to clone.
#[derive(Clone)]
pub struct CanvasLayer {
    pub drawn: Drawn,
    pub filter: Arc<FilterChain>,
    pub place: LayerPlace,
}

impl Content {
    /// The maximum number of layers; then they must be flattened into one.
    pub const MOST_LAYERS: usize = 32;

    /// A single layer.
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

    /// The only layer, if there is one and it is fitted to the whole canvas: it needs no blending.
    pub fn whole(&self) -> Option<&CanvasLayer> {
        match &self.layers[..] {
            [layer] if layer.place == LayerPlace::Fitted => Some(layer),
            _ => None,
        }
    }

    /// Adds a layer on top; if it covers the whole canvas, the layers below are dropped.
    pub fn push(&mut self, layer: CanvasLayer, canvas: Size) {
        if layer.covers(canvas) {
            self.layers.clear();
        }
        self.layers.push(layer);
    }

    /// Whether it may look different at another time.
    pub fn follows_time(&self) -> bool {
        self.layers.iter().any(|layer| layer.filter.follows_time())
    }

    /// Whether the layers must be flattened before another one is added.
    pub fn is_full(&self) -> bool {
        self.layers.len() >= Self::MOST_LAYERS
    }
}

impl CanvasLayer {
    /// A layer at this place of a canvas. One of the canvas's size that fills the canvas needs no scaling.
    pub fn new(drawn: Drawn, filter: Arc<FilterChain>, place: LayerPlace, canvas: Size) -> Self {
        let whole = LayerPlace::At { from: Rect::whole(canvas), to: Rect::whole(canvas) };
        let place = if drawn.drawing().picture().size == canvas && place == whole { LayerPlace::Fitted } else { place };
        Self { drawn, filter, place }
    }

    /// The drawn frame, if it fills a canvas of this size and nothing changes it on its way to a recorder that takes
    /// this format and these colours. (Encoders know one distance between the rows of both chroma planes. Words of 16
    /// bits go through the GPU, which limits them to the codes that encoders take.)
    pub fn unchanged(&self, canvas: Size, format: PixelFormat, color: ColorSpace) -> Option<&Arc<Frame>> {
        let Drawn::Frame(frame) = &self.drawn else { return None };
        let is_as_taken = (frame.format(), frame.size(), frame.color) == (format, canvas, color);
        let is_whole = self.place == LayerPlace::Fitted && self.filter.is_empty();
        (format == PixelFormat::I420 && is_as_taken && is_whole && frame.planes()[1].stride == frame.planes()[2].stride)
            .then_some(frame)
    }

    /// Whether it hides the whole canvas of this size at all times.
    fn covers(&self, canvas: Size) -> bool {
        let plan = || plan_layer(&self.filter, self.drawn.drawing().picture(), canvas, self.place);
        !self.filter.is_animated() && plan().covers(canvas)
    }
}

/// A drawn frame or texture.
#[derive(Clone)]
pub enum Drawn {
    Frame(Arc<Frame>),
    /// One of the canvas's own textures, which its pool reuses once no other reference exists.
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

/// Checks that an external texture can be copied and then read as a picture; otherwise a `NotSupportedError` that says
/// why.
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
