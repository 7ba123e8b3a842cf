// A recording's picture: chroma at full size, which `i420_chroma` downsamples, four pixels a store; and luma, which
// `i420_four` or `i420_sixteen` stores. Transparent pixels are recorded over black, which premultiplied colours already are.

@group(0) @binding(4) var<storage, read_write> chroma: array<vec4u>;

fn yuv(color: vec4f) -> vec3f {
    let rgb = vec4f(color.rgb, 1.0);
    return vec3f(dot(frame.rgb_to_yuv[0], rgb), dot(frame.rgb_to_yuv[1], rgb), dot(frame.rgb_to_yuv[2], rgb));
}

// The place of four pixels, counted in fours. Rows are padded to sixteen pixels.
fn place_of(at: vec2u) -> u32 {
    return at.y * ((frame.output_size.x + 15u) / 16u * 4u) + at.x / 4u;
}

// Stores the chroma of four pixels of a row from this one on; the result is their luma. Right of the picture, chroma
// repeats its last pixel.
fn store_chroma(at: vec2u, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) -> vec4f {
    let last = max(frame.output_size.x, at.x + 1u) - 1u - at.x;
    let a = yuv(first);
    let b = yuv(second);
    let c = yuv(third);
    let d = yuv(fourth);
    let u = pack2x16unorm(a.yz);
    let v = select(u, pack2x16unorm(b.yz), last >= 1u);
    let w = select(v, pack2x16unorm(c.yz), last >= 2u);
    chroma[place_of(at)] = vec4u(u, v, w, select(w, pack2x16unorm(d.yz), last >= 3u));
    return vec4f(a.x, b.x, c.x, d.x);
}
