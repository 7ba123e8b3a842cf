// A recording's picture, four pixels of a row at once: luma, and chroma at full size, which `i420_chroma` downsamples.
// Transparent pixels are recorded over black, which premultiplied colours already are.

@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(0) @binding(4) var<storage, read_write> chroma: array<vec4u>;

// Stores four pixels, if they are in the picture. Of four that are partly in it, the last pixel's chroma is repeated.
fn store_four(at: vec2u, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {
    if any(at >= frame.output_size) {
        return;
    }
    let place = at.y * fours_in_row(frame.output_size.x) + at.x / 4u;
    let last = frame.output_size.x - 1u - at.x;
    let a = yuv(first);
    let b = yuv(second);
    let c = yuv(third);
    let d = yuv(fourth);
    let u = pack2x16unorm(a.yz);
    let v = select(u, pack2x16unorm(b.yz), last >= 1u);
    let w = select(v, pack2x16unorm(c.yz), last >= 2u);
    chroma[place] = vec4u(u, v, w, select(w, pack2x16unorm(d.yz), last >= 3u));
    store(place, vec4f(a.x, b.x, c.x, d.x));
}
