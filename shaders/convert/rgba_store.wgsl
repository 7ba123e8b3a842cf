// Stores pixels in 8 bits, a word each: with straight alpha (STRAIGHT) a still, else a picture for the next pass, which
// reads it from a texture. Rows are padded to 64 pixels (`rgba_stride` in src/gpu/upload.rs).

@group(0) @binding(3) var<storage, read_write> output: array<vec4u>;

// As `pack4x8unorm`, but with two conversions to integers where that takes four: llvmpipe makes them lane by lane. A
// float holds three bytes exactly.
fn pack_bytes(color: vec4f) -> u32 {
    let codes = round(saturate(color) * 255.0);
    return u32(codes.r + 256.0 * codes.g + 65536.0 * codes.b) | (u32(codes.a) << 24u);
}

fn packed(at: vec2u, color: vec4f) -> u32 {
    if STRAIGHT {
        return pack_bytes(vec4f(color.rgb / max(color.a, 1e-6), color.a));
    }
    return pack_bytes(dithered(at, color));
}

// The colour moved by less than half of 1/255 before it is rounded, so that a mean of rounded neighbours is the mean of
// what they were. Codes that are whole stay as they are.
fn dithered(at: vec2u, color: vec4f) -> vec4f {
    let eighth = f32((5u * at.x + 3u * at.y) % 8u);
    return color + (eighth - 3.5) / (8.0 * 255.0);
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
