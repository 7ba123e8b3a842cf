// Downsamples chroma from full size to 4:2:0 on the left: across by the LeGall 5/3 low-pass (-1 2 6 2 -1)/8, down by
// (-1 3 3 -1)/4. Linear interpolation (`chroma_420`) followed by these filters gives every sample back exactly, so film
// that passes unfiltered keeps its chroma; both filters also reduce aliasing of colours finer than a chroma sample.
// (Cohen, Daubechies & Feauveau 1992, biorthogonal spline wavelets 2.2 and 3.1.)
//
// An invocation makes four rows of four samples, of ten rows of eleven pixels: what llvmpipe charges for is reading
// them. All is written out, because in a loop llvmpipe keeps the values in memory.

@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(0) @binding(4) var<storage, read_write> chroma: array<u32>;

// Four samples of U and of V.
struct Samples {
    u: vec4f,
    v: vec4f,
}

fn chroma_at(row: i32, x: i32) -> vec2f {
    let last = vec2i(frame.output_size) - 1;
    let stride = (frame.output_size.x + 7u) / 8u * 8u;
    return unpack2x16unorm(chroma[u32(clamp(row, 0, last.y)) * stride + u32(clamp(x, 0, last.x))]);
}

fn low_pass(a: vec2f, b: vec2f, c: vec2f, d: vec2f, e: vec2f) -> vec2f {
    return 0.75 * c + 0.25 * (b + d) - 0.125 * (a + e);
}

// A row, downsampled across: eleven columns, from two before the first of eight pixels to the first after them.
fn row_across(row: i32, x: i32) -> Samples {
    let a = chroma_at(row, x - 2);
    let b = chroma_at(row, x - 1);
    let c = chroma_at(row, x);
    let d = chroma_at(row, x + 1);
    let e = chroma_at(row, x + 2);
    let f = chroma_at(row, x + 3);
    let g = chroma_at(row, x + 4);
    let h = chroma_at(row, x + 5);
    let i = chroma_at(row, x + 6);
    let j = chroma_at(row, x + 7);
    let k = chroma_at(row, x + 8);
    let first = low_pass(a, b, c, d, e);
    let second = low_pass(c, d, e, f, g);
    let third = low_pass(e, f, g, h, i);
    let fourth = low_pass(g, h, i, j, k);
    return Samples(vec4f(first.x, second.x, third.x, fourth.x), vec4f(first.y, second.y, third.y, fourth.y));
}

// Stores four rows, downsampled down, as this row of samples.
fn store_row(x: u32, row: u32, above: Samples, upper: Samples, lower: Samples, below: Samples) {
    let stride = (frame.output_size.x + 7u) / 8u * 2u;
    let rows = (frame.output_size.y + 1u) / 2u;
    if row < rows {
        let plane = stride * frame.output_size.y;
        let at = row * stride / 2u + x;
        store(plane + at, 0.75 * (upper.u + lower.u) - 0.25 * (above.u + below.u));
        store(plane + stride / 2u * rows + at, 0.75 * (upper.v + lower.v) - 0.25 * (above.v + below.v));
    }
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let place = id.xy * 8u;
    if any(place >= frame.output_size) {
        return;
    }
    let x = i32(place.x);
    let y = i32(place.y);
    let a = row_across(y - 1, x);
    let b = row_across(y, x);
    let c = row_across(y + 1, x);
    let d = row_across(y + 2, x);
    store_row(id.x, id.y * 4u, a, b, c, d);
    let e = row_across(y + 3, x);
    let f = row_across(y + 4, x);
    store_row(id.x, id.y * 4u + 1u, c, d, e, f);
    let g = row_across(y + 5, x);
    let h = row_across(y + 6, x);
    store_row(id.x, id.y * 4u + 2u, e, f, g, h);
    let i = row_across(y + 7, x);
    let j = row_across(y + 8, x);
    store_row(id.x, id.y * 4u + 3u, g, h, i, j);
}
