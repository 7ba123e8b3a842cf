// Stores pixels in 8 bits, a word each: with straight alpha (STRAIGHT) a still, else a picture for the next pass, which
// reads it from a texture. Rows are padded to 64 pixels (`rgba_stride` in src/gpu/upload.rs).

@group(0) @binding(3) var<storage, read_write> output: array<vec4u>;

fn packed(at: vec2u, color: vec4f) -> u32 {
    if STRAIGHT {
        return pack_bytes(vec4f(color.rgb / max(color.a, 1e-6), color.a));
    }
    return pack_bytes(color + dither(at));
}

// Stores four pixels of a row at once: llvmpipe charges for each access, not for its size.
fn store_four(at: vec2u, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {
    if all(at < frame.output_size) {
        let stride = (frame.output_size.x + 63u) / 64u * 16u;
        output[at.y * stride + at.x / 4u] = vec4u(
            packed(at, first),
            packed(at + vec2u(1, 0), second),
            packed(at + vec2u(2, 0), third),
            packed(at + vec2u(3, 0), fourth),
        );
    }
}
