// 4:2:0 chroma, interpolated linearly from the positions of its samples. `low_pass` recovers exactly these samples.
// (Of planes of 8 bits, `i420_unpack` reads more at once where no user's WGSL follows.)

// The chroma samples left of, in and right of a block of four pixels: columns 2x - 1 to 2x + 2.
fn columns(plane: u32, x: u32, row: u32) -> vec4f {
    let last = (frame.input_size.x + 1u) / 2u - 1u;
    let at = x / 2u;
    let is_left = x % 2u == 0u;
    let here = chroma_word(plane, at, row);
    // One read for both cases: llvmpipe runs both branches of an `if`.
    let beside = chroma_word(plane, select(min(at + 1u, last / 4u), max(at, 1u) - 1u, is_left), row);
    let left = vec4f(select(beside.w, here.x, at == 0u), here.xyz);
    var samples = select(vec4f(here.yzw, beside.x), left, is_left);
    // Past the right edge the last sample repeats.
    let first = x * 2u;
    samples.z = select(samples.z, samples.y, first + 1u > last);
    samples.w = select(samples.w, samples.z, first + 2u > last);
    return samples;
}

fn plane_rows(plane: u32, block: vec2u) -> array<vec4f, 2> {
    let last = (frame.input_size.y + 1u) / 2u - 1u;
    let above = columns(plane, block.x, max(block.y, 1u) - 1u);
    let here = columns(plane, block.x, block.y);
    let below = columns(plane, block.x, min(block.y + 1u, last));
    let near = frame.siting.y * 0.5;
    return array<vec4f, 2>(across(mix(here, above, near)), across(mix(here, below, 0.5 - near)));
}

fn chroma_rows(block: vec2u) -> ChromaRows {
    return ChromaRows(plane_rows(1u, block), plane_rows(2u, block));
}
