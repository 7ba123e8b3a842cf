// Stores sixteen pixels of a row at once, luma with 8 bits, if the row is in the picture: those right of it are in the
// padding.

@group(0) @binding(3) var<storage, read_write> output: array<vec4u>;

fn store_sixteen(
    at: vec2u,
    a: vec4f, b: vec4f, c: vec4f, d: vec4f,
    e: vec4f, f: vec4f, g: vec4f, h: vec4f,
    i: vec4f, j: vec4f, k: vec4f, l: vec4f,
    m: vec4f, n: vec4f, o: vec4f, p: vec4f,
) {
    if at.y < frame.output_size.y {
        let place = place_of(at);
        let first = chroma_stored(place, at.x, a, b, c, d);
        let second = chroma_stored(place + 1u, at.x + 4u, e, f, g, h);
        let third = chroma_stored(place + 2u, at.x + 8u, i, j, k, l);
        let fourth = chroma_stored(place + 3u, at.x + 12u, m, n, o, p);
        output[place / 4u] =
            vec4u(pack4x8unorm(first), pack4x8unorm(second), pack4x8unorm(third), pack4x8unorm(fourth));
    }
}
