//! A user's WGSL as a source: `fn image(position: vec2f) -> vec4f` is drawn for every frame.
//!
//! The GPU draws in the chain's first pass, which reads no frame: all frames here are the same black one, never
//! uploaded.

use std::path::Path;

use super::pattern::{DEFAULT_RATE, DEFAULT_SIZE};
use super::{Source, SourceInfo, SourceOptions};
use crate::error::{Error, Result};
use crate::filter::{Custom, FilterChain, Kind};
use crate::frame::Frame;
use crate::time::{FrameRate, Span, Timestamp};

/// Times at a constant rate for a shader to draw at, each with the same black frame. By default 1280×720 and 30 frames
/// a second.
#[derive(Debug)]
pub struct ShaderSource {
    info: SourceInfo,
    drawing: FilterChain,
    rate: FrameRate,
    black: Frame,
    next: u64,
}

impl ShaderSource {
    /// Reads the file.
    ///
    /// # Errors
    /// Those of [`drawing`]; also for a start time, because the shader's time begins with the recording.
    pub fn open(path: &Path, options: &SourceOptions) -> Result<Self> {
        if options.start.is_some_and(|start| start > Span::ZERO) {
            return Err(
                Error::range("expected no start for a source that is drawn as it is recorded").at(path.display())
            );
        }
        let drawing = drawing(path, &options.params)?;
        let (size, rate) = (options.size.unwrap_or(DEFAULT_SIZE), options.rate.unwrap_or(DEFAULT_RATE));
        let info = SourceInfo { kind: "shader", size, rate: Some(rate), frames: None, endless: true };
        Ok(Self { info, drawing, rate, black: Frame::black(size), next: 0 })
    }
}

/// The chain that draws by the file's `image` function, with these parameters (`NAME=VALUE`).
///
/// # Errors
/// When the file cannot be read, is not WGSL, or defines a filter instead of `image`; when it has no such parameter.
pub fn drawing(path: &Path, params: &[String]) -> Result<FilterChain> {
    let custom = Custom::load(path)?;
    if custom.kind() != Kind::Image {
        let expected = "expected `fn image(position: vec2f) -> vec4f` but found a filter";
        return Err(Error::syntax(expected).at(path.display()));
    }
    let mut drawing = FilterChain::shader(custom);
    params.iter().try_for_each(|param| drawing.set_param(param))?;
    Ok(drawing)
}

impl Source for ShaderSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn drawn_by(&self) -> FilterChain {
        self.drawing.clone()
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let timestamp: Timestamp = self.rate.timestamp(self.next);
        self.next += 1;
        Ok(Some(self.black.clone().with_timestamp(timestamp)))
    }
}
