// Downsamples chroma from full size to 4:2:0 on the left: across by the LeGall 5/3 low-pass (-1 2 6 2 -1)/8, down by
// (-1 3 3 -1)/4. Linear interpolation (`chroma_420`) followed by these filters gives every sample back exactly, so film
// that passes unfiltered keeps its chroma; both filters also reduce aliasing of colours finer than a chroma sample.
// (Cohen, Daubechies & Feauveau 1992, biorthogonal spline wavelets 2.2 and 3.1.)

@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(0) @binding(4) var<storage, read_write> chroma: array<u32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let stride = (frame.output_size.x + 7u) / 8u * 8u;
    let rows = (frame.output_size.y + 1u) / 2u;
    if id.x * 8u >= stride || id.y >= rows {
        return;
    }
    // Eleven columns, from two before the first of eight pixels to the first after them, each downsampled.
    let last = vec2i(frame.output_size) - 1;
    var columns: array<vec2f, 11>;
    for (var i = 0; i < 11; i++) {
        let x = clamp(i32(id.x) * 8 - 2 + i, 0, last.x);
        var sum = vec2f(0.0);
        for (var r = 0; r < 4; r++) {
            let y = clamp(i32(id.y) * 2 - 1 + r, 0, last.y);
            let weight = select(-0.25, 0.75, r == 1 || r == 2);
            sum += weight * unpack2x16unorm(chroma[u32(y) * stride + u32(x)]);
        }
        columns[i] = sum;
    }
    var u: vec4f;
    var v: vec4f;
    for (var i = 0; i < 4; i++) {
        let c = 2 * i + 2;
        let uv = 0.75 * columns[c] + 0.25 * (columns[c - 1] + columns[c + 1]) - 0.125 * (columns[c - 2] + columns[c + 2]);
        u[i] = uv.x;
        v[i] = uv.y;
    }
    let plane = stride / 4u * frame.output_size.y;
    let at = id.y * stride / 8u + id.x;
    store(plane + at, u);
    store(plane + stride / 8u * rows + at, v);
}
