// The uniforms of every pass: sizes, times, the places of the source's planes, and the numbers of its filters.

struct FrameInfo {
    // The size of this pass's output and of its input, in pixels, margins included.
    output_size: vec2u,
    input_size: vec2u,
    // The beginning of each of the source's planes, and its bytes a row, both in words of 4 bytes.
    plane_offset: vec4u,
    plane_stride: vec4u,
    // rgb = M · (y, u, v, 1), for code values scaled to 0–1.
    yuv_to_rgb: array<vec4f, 3>,
    rgb_to_yuv: array<vec4f, 3>,
    // The distance of a chroma sample from the first luma sample of its block, to the right and down.
    siting: vec2f,
    // Seconds since the recording began, and the frame's number.
    time: f32,
    index: u32,
    // The picture's size, for filters.
    resolution: vec2f,
    // The margin around the picture in pixels: in the input, in the output and in the texture that was blurred.
    input_margin: i32,
    output_margin: i32,
    original_margin: i32,
    // For motion blur: the weight of a sub-frame, and whether others were added up before it.
    weight: f32,
    exposed: u32,
    // For colours beyond those of recordings: linear BT.709 = M · linear colour; the weights of R, G and B in luminance, then
    // the exponent of HLG's OOTF less 1; and the numbers of BT.2390's curve, then the light of white (`src/color/light.rs`).
    to_bt709: array<vec4f, 3>,
    luminance: vec4f,
    curve: vec4f,
}

@group(0) @binding(0) var<uniform> frame: FrameInfo;
// `params`, at binding 1, holds the numbers of the pass; its declaration gives their count.

// The pixel of the picture for a pixel of the output; in the margin it lies outside the picture.
fn place(at: vec2u) -> vec2i {
    return vec2i(at) - frame.output_margin;
}
