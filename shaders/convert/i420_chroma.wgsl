// Downsamples chroma from full size to 4:2:0 (`low_pass`), after the pass that stored it (`i420_store`).
//
// An invocation makes four rows of four samples, of ten rows of eleven pixels, four of which are one read: what llvmpipe
// charges for is each access. All is written out, because in a loop llvmpipe keeps the values in memory.

@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(0) @binding(4) var<storage, read_write> chroma: array<vec4u>;

// Four samples of U and of V.
struct Samples {
    u: vec4f,
    v: vec4f,
}

// Four pixels of a row, from column 4 * four on.
fn chroma_at(row: i32, four: u32) -> vec4u {
    let last = i32(frame.output_size.y) - 1;
    let stride = fours_in_row(frame.output_size.x);
    return chroma[u32(clamp(row, 0, last)) * stride + four];
}

// A row, downsampled across: eleven columns, from two before the first of eight pixels to the first after them. At the
// borders the outermost pixel is repeated.
fn row_across(row: i32, four: u32) -> Samples {
    let last = (frame.output_size.x - 1u) / 4u;
    let q = chroma_at(row, four);
    let p = select(chroma_at(row, max(four, 1u) - 1u), q.xxxx, four == 0u);
    let r = select(chroma_at(row, min(four + 1u, last)), q.wwww, four + 1u > last);
    let s = select(chroma_at(row, min(four + 2u, last)), r.wwww, four + 2u > last);
    let a = unpack2x16unorm(p.z);
    let b = unpack2x16unorm(p.w);
    let c = unpack2x16unorm(q.x);
    let d = unpack2x16unorm(q.y);
    let e = unpack2x16unorm(q.z);
    let f = unpack2x16unorm(q.w);
    let g = unpack2x16unorm(r.x);
    let h = unpack2x16unorm(r.y);
    let i = unpack2x16unorm(r.z);
    let j = unpack2x16unorm(r.w);
    let k = unpack2x16unorm(s.x);
    let first = low_pass(a, b, c, d, e);
    let second = low_pass(c, d, e, f, g);
    let third = low_pass(e, f, g, h, i);
    let fourth = low_pass(g, h, i, j, k);
    return Samples(vec4f(first.x, second.x, third.x, fourth.x), vec4f(first.y, second.y, third.y, fourth.y));
}

// Stores four rows, downsampled down, as this row of samples.
fn store_row(x: u32, row: u32, above: Samples, upper: Samples, lower: Samples, below: Samples) {
    let stride = fours_in_row(frame.output_size.x);
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
    let four = id.x * 2u;
    let y = i32(place.y);
    let a = row_across(y - 1, four);
    let b = row_across(y, four);
    let c = row_across(y + 1, four);
    let d = row_across(y + 2, four);
    store_row(id.x, id.y * 4u, a, b, c, d);
    let e = row_across(y + 3, four);
    let f = row_across(y + 4, four);
    store_row(id.x, id.y * 4u + 1u, c, d, e, f);
    let g = row_across(y + 5, four);
    let h = row_across(y + 6, four);
    store_row(id.x, id.y * 4u + 2u, e, f, g, h);
    let i = row_across(y + 7, four);
    let j = row_across(y + 8, four);
    store_row(id.x, id.y * 4u + 3u, g, h, i, j);
}
