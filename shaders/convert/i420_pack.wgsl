// The end of a recording's last pass: luma, four pixels at a time, and chroma at full size, which `i420_chroma`
// downsamples. Transparent pixels are recorded over black, which premultiplied colours already are.
//
// The pixels are written out: in a loop llvmpipe keeps them in memory, which takes half as long again. Four pixels'
// chroma is stored at once, because llvmpipe charges for each access, not for its size.

@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(0) @binding(4) var<storage, read_write> chroma: array<vec4u>;

fn yuv(color: vec4f) -> vec3f {
    let rgb = vec4f(color.rgb, 1.0);
    return vec3f(dot(frame.rgb_to_yuv[0], rgb), dot(frame.rgb_to_yuv[1], rgb), dot(frame.rgb_to_yuv[2], rgb));
}

// Stores four pixels at this place, counted in fours; `last` is the last of them inside the picture, which is repeated
// after it.
fn store_row(at: u32, last: u32, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {
    let a = yuv(first);
    let b = yuv(second);
    let c = yuv(third);
    let d = yuv(fourth);
    let u = pack2x16unorm(a.yz);
    let v = select(u, pack2x16unorm(b.yz), last >= 1u);
    let w = select(v, pack2x16unorm(c.yz), last >= 2u);
    chroma[at] = vec4u(u, v, w, select(w, pack2x16unorm(d.yz), last >= 3u));
    store(at, vec4f(a.x, b.x, c.x, d.x));
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let block = id.xy;
    if any(block * vec2u(4u, 2u) >= frame.output_size) {
        return;
    }
    let colors = filtered(block);
    // Rows are padded to eight pixels, so that a chroma row is whole words too.
    let stride = (frame.output_size.x + 7u) / 8u * 2u;
    let row = block.y * 2u;
    let at = row * stride + block.x;
    let last = frame.output_size.x - 1u - block.x * 4u;
    store_row(at, last, colors[0], colors[1], colors[2], colors[3]);
    if row + 1u < frame.output_size.y {
        store_row(at + stride, last, colors[4], colors[5], colors[6], colors[7]);
    }
}
