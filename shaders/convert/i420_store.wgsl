// A recording's picture: chroma at full size, which `i420_chroma` downsamples, four pixels a store; and luma, which
// `i420_four` or `i420_sixteen` stores. Transparent pixels are recorded over black, which premultiplied colours already are.

@group(0) @binding(4) var<storage, read_write> chroma: array<vec4u>;

// The place of four pixels, counted in fours.
fn place_of(at: vec2u) -> u32 {
    return at.y * fours_in_row(frame.output_size.x) + at.x / 4u;
}

// Stores the chroma of four pixels of a row from column x on, at this place; the result is their luma, to be stored. Of
// four that are partly in the picture, the last pixel's chroma is repeated; of four right of it, nothing is read.
fn chroma_stored(place: u32, x: u32, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) -> vec4f {
    let last = frame.output_size.x - 1u - x;
    let a = yuv(first);
    let b = yuv(second);
    let c = yuv(third);
    let d = yuv(fourth);
    let u = pack2x16unorm(a.yz);
    let v = select(u, pack2x16unorm(b.yz), last >= 1u);
    let w = select(v, pack2x16unorm(c.yz), last >= 2u);
    chroma[place] = vec4u(u, v, w, select(w, pack2x16unorm(d.yz), last >= 3u));
    return vec4f(a.x, b.x, c.x, d.x);
}
