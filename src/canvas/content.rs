//! What is on a canvas: a frame or a texture, and the chain that lies over it.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::{Frame, Size};
use crate::gpu::{Drawing, Gpu};

/// What was drawn, with the chain of that moment. Cheap to clone.
#[derive(Clone)]
pub struct Content {
    pub drawn: Drawn,
    pub filter: Arc<FilterChain>,
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
            Self::Frame(frame) => gpu.check_size(frame.size),
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
