// Stores a recording's picture: luma, four pixels at a time, and chroma at full size, which `i420_chroma` downsamples.
// Transparent pixels are recorded over black, which premultiplied colours already are. Four pixels' chroma is stored at
// once, because llvmpipe charges for each access, not for its size.

@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(0) @binding(4) var<storage, read_write> chroma: array<vec4u>;

fn yuv(color: vec4f) -> vec3f {
    let rgb = vec4f(color.rgb, 1.0);
    return vec3f(dot(frame.rgb_to_yuv[0], rgb), dot(frame.rgb_to_yuv[1], rgb), dot(frame.rgb_to_yuv[2], rgb));
}

// Stores four pixels of a row from this one on, if they are in the picture. In a last block that is not whole, chroma
// repeats the picture's last pixel.
fn store_four(at: vec2u, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {
    if any(at >= frame.output_size) {
        return;
    }
    // Rows are padded to eight pixels, so that a chroma row is whole words too.
    let four = at.y * ((frame.output_size.x + 7u) / 8u * 2u) + at.x / 4u;
    let last = frame.output_size.x - 1u - at.x;
    let a = yuv(first);
    let b = yuv(second);
    let c = yuv(third);
    let d = yuv(fourth);
    let u = pack2x16unorm(a.yz);
    let v = select(u, pack2x16unorm(b.yz), last >= 1u);
    let w = select(v, pack2x16unorm(c.yz), last >= 2u);
    chroma[four] = vec4u(u, v, w, select(w, pack2x16unorm(d.yz), last >= 3u));
    store(four, vec4f(a.x, b.x, c.x, d.x));
}
