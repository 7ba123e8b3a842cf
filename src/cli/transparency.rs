//! What is transparent, in an output that holds no transparency: there it is recorded over black, which is said where
//! no background was asked for.

use framereel::filter::{FilterChain, Value};
use framereel::frame::Frame;
use framereel::{Canvas, Gpu, Result, Size, Source};

/// The line that says so.
pub const NOTE: &str = "note: what is transparent is recorded over black; --background COLOR puts another colour there";

/// Whether a recording of this source through this chain shows black where something is transparent, as far as is known
/// before it begins: by the source's picture, by filters that make parts of any picture transparent, and for a shader
/// by its first frame. Borders that filters fade do not count.
///
/// # Errors
/// When the GPU fails or refuses the chain.
pub fn shows_black(gpu: &Gpu, source: &dyn Source, chain: &FilterChain, size: Option<Size>) -> Result<bool> {
    if has_background(chain) {
        return Ok(false);
    }
    if source.info().kind != "shader" {
        return Ok(source.has_alpha() || makes_transparent(chain));
    }
    let size = size.unwrap_or(source.info().size);
    let mut canvas = Canvas::new(gpu, size)?;
    canvas.set_filter(&source.drawn_by());
    canvas.draw(Frame::black(size));
    Ok(is_transparent(&canvas.read()?) || makes_transparent(chain))
}

/// Whether a colour is laid behind the picture.
pub fn has_background(chain: &FilterChain) -> bool {
    chain.filters().iter().any(|filter| filter.info().name == "background")
}

/// Whether any pixel of an RGBA frame is not opaque.
pub fn is_transparent(frame: &Frame) -> bool {
    frame.data().chunks_exact(4).any(|pixel| pixel[3] < u8::MAX)
}

fn makes_transparent(chain: &FilterChain) -> bool {
    chain.filters().iter().any(|filter| match (filter.info().name, filter.values()) {
        ("chroma-key", _) => true,
        ("opacity", [Value::Number(opacity)]) => *opacity < 1.0 || chain.is_animated(),
        _ => false,
    })
}
