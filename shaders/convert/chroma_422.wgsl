// 4:2:2 chroma: halved across only, on the left pixel of each pair, interpolated linearly.

fn plane_row(plane: u32, x: u32, row: u32) -> vec4f {
    let last = (frame.input_size.x + 1u) / 2u - 1u;
    let first = x * 2u;
    let here = chroma_word(plane, x / 2u, row);
    let next = chroma_word(plane, min(x / 2u + 1u, last / 4u), row).x;
    var samples = select(here.xyz, vec3f(here.zw, next), x % 2u == 1u);
    samples.y = select(samples.y, samples.x, first + 1u > last);
    samples.z = select(samples.z, samples.y, first + 2u > last);
    return vec4f(samples.x, mix(samples.x, samples.y, 0.5), samples.y, mix(samples.y, samples.z, 0.5));
}

fn plane_rows(plane: u32, block: vec2u) -> array<vec4f, 2> {
    let row = block.y * 2u;
    return array<vec4f, 2>(
        plane_row(plane, block.x, row),
        plane_row(plane, block.x, min(row + 1u, frame.input_size.y - 1u)),
    );
}

fn chroma_rows(block: vec2u) -> ChromaRows {
    return ChromaRows(plane_rows(1u, block), plane_rows(2u, block));
}
