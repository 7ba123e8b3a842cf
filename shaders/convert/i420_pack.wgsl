// The end of a recording's last pass: luma, four pixels at a time, and chroma at full size, which `i420_chroma`
// downsamples. Transparent pixels are recorded over black, which premultiplied colours already are.
//
// The pixels are written out: in a loop llvmpipe keeps them in memory, which takes half as long again.

@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(0) @binding(4) var<storage, read_write> chroma: array<u32>;

// Stores the chroma of a pixel; returns its luma.
fn store_chroma(at: u32, color: vec4f) -> f32 {
    let rgb = vec4f(color.rgb, 1.0);
    chroma[at] = pack2x16unorm(vec2f(dot(frame.rgb_to_yuv[1], rgb), dot(frame.rgb_to_yuv[2], rgb)));
    return dot(frame.rgb_to_yuv[0], rgb);
}

// Stores four pixels from this place on.
fn store_row(at: u32, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {
    let luma = vec4f(
        store_chroma(at, first),
        store_chroma(at + 1u, second),
        store_chroma(at + 2u, third),
        store_chroma(at + 3u, fourth),
    );
    store(at / 4u, luma);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let block = id.xy;
    if any(block * vec2u(4u, 2u) >= frame.output_size) {
        return;
    }
    let colors = filtered(block);
    // Rows are padded to eight pixels, so that a chroma row is whole words too.
    let stride = (frame.output_size.x + 7u) / 8u * 8u;
    let row = block.y * 2u;
    let at = row * stride + block.x * 4u;
    store_row(at, colors[0], colors[1], colors[2], colors[3]);
    if row + 1u < frame.output_size.y {
        store_row(at + stride, colors[4], colors[5], colors[6], colors[7]);
    }
}
