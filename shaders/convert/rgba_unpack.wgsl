// RGBA with straight alpha, the format of stills and drawings: a word a pixel, four pixels a read, rows padded to 64
// pixels. A canvas keeps colours premultiplied in 8 bits, and with strong filters this rounding is visible where little
// is opaque; so colours are rounded here too.

@group(0) @binding(2) var<storage, read> source: array<vec4u>;

fn premultiplied(pixel: u32) -> vec4f {
    let color = unpack4x8unorm(pixel);
    return vec4f(round(to_sdr(color.rgb) * color.a * 255.0) / 255.0, color.a);
}

fn fetch(block: vec2u) -> Block {
    // What is read beyond a row's end is not seen: it is stored in padding, if at all.
    let row = block.y * 2u;
    let upper = source[row * frame.plane_stride.x / 4u + block.x];
    let lower = source[min(row + 1u, frame.input_size.y - 1u) * frame.plane_stride.x / 4u + block.x];
    return Block(
        premultiplied(upper.x),
        premultiplied(upper.y),
        premultiplied(upper.z),
        premultiplied(upper.w),
        premultiplied(lower.x),
        premultiplied(lower.y),
        premultiplied(lower.z),
        premultiplied(lower.w),
    );
}
