// What every pass knows: the sizes, the time, where the source's planes lie, and the numbers of its filters.

struct FrameInfo {
    // The size of this pass's output and of its input, in pixels, their margins too.
    output_size: vec2u,
    input_size: vec2u,
    // Where the source's planes begin, and bytes a row, both in words of 4 bytes.
    plane_offset: vec4u,
    plane_stride: vec4u,
    // rgb = M · (y, u, v, 1), of 0–1 code values.
    yuv_to_rgb: array<vec4f, 3>,
    rgb_to_yuv: array<vec4f, 3>,
    // How far right and below the first luma sample of its block a chroma sample sits.
    siting: vec2f,
    // Seconds since the recording began, and the frame's number.
    time: f32,
    index: u32,
    // The picture's size, as filters want it.
    resolution: vec2f,
    // How many pixels stand around the picture in the input, the output and what was blurred.
    input_margin: i32,
    output_margin: i32,
    original_margin: i32,
}

@group(0) @binding(0) var<uniform> frame: FrameInfo;
// `params`, at binding 1, holds the numbers of the pass: its declaration says how many.

// The pixel of the picture that a pixel of the output is; in the margin it lies outside.
fn place(at: vec2u) -> vec2i {
    return vec2i(at) - frame.output_margin;
}

// A pass works on blocks of 4×2 pixels, one an invocation: pixel i of a block lies at (i % 4, i / 4). Colours in a
// block are premultiplied.
alias Block = array<vec4f, 8>;

fn pixel(block: vec2u, i: u32) -> vec2u {
    return vec2u(block.x * 4u + i % 4u, block.y * 2u + i / 4u);
}
