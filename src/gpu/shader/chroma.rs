//! Where chroma is brought to 4:2:0: in the pass that makes the picture, or after it.

use super::{has_wide_blocks, samples_of};
use crate::filter::{Pass, PassOutput};
use crate::frame::{BitDepth, Size};

/// How far a pass that makes a recording's picture brings its chroma.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Chroma {
    /// To 4:2:0: of planes, and of a picture so smooth that two pixels make a sample.
    Subsampled,
    /// Across, but for what samples take of the pixels of other blocks.
    Across,
    /// At full size, as the pass has it.
    Full,
}

impl Chroma {
    /// Of a pass to a recording's picture of this depth.
    pub(super) fn of(pass: &Pass, depth: BitDepth) -> Self {
        if pass.planes.is_some() {
            Self::Subsampled
        } else if depth != BitDepth::Eight || !has_wide_blocks(pass) {
            Self::Full
        } else if pass.is_smooth() {
            Self::Subsampled
        } else {
            Self::Across
        }
    }
}

/// The WGSL that subsamples a recording's chroma to 4:2:0 after this pass, and its invocations along each axis; none where
/// the pass has done that.
pub fn chroma(pass: &Pass) -> Option<(String, [u32; 3])> {
    let PassOutput::I420 { depth } = pass.output else { return None };
    let (modules, columns) = match Chroma::of(pass, depth) {
        Chroma::Subsampled => return None,
        Chroma::Across => ([wgsl!("convert/i420_edges"), wgsl!("convert/i420_chroma_down")], 16),
        Chroma::Full => ([wgsl!("convert/low_pass"), wgsl!("convert/i420_chroma")], 8),
    };
    let text =
        [&[wgsl!("frame_info"), samples_of(depth), wgsl!("convert/i420_rows")], &modules[..]].concat().join("\n");
    let Size { width, height } = pass.to.size;
    Some((text, [width.div_ceil(columns), height.div_ceil(8), 1]))
}

/// Whether chroma is left to [`chroma`].
pub fn leaves_chroma(pass: &Pass) -> bool {
    matches!(pass.output, PassOutput::I420 { depth } if Chroma::of(pass, depth) != Chroma::Subsampled)
}

/// Whether a block is stored at once with its chroma, and not four pixels after four.
pub(super) fn stores_blocks(pass: &Pass) -> bool {
    match pass.output {
        PassOutput::I420 { depth } => Chroma::of(pass, depth) != Chroma::Full,
        PassOutput::Planes(_) => true,
        _ => false,
    }
}
