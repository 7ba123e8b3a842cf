// Stores pixels in 8 bits, a word each, in rows that are padded to 64 pixels: with straight alpha (STRAIGHT) a still, else a
// picture for the next pass, which reads it from a texture.

@group(0) @binding(3) var<storage, read_write> output: array<vec4u>;

// The place of a pixel, counted in fours.
fn four_at(at: vec2u) -> u32 {
    return at.y * ((frame.output_size.x + 63u) / 64u * 16u) + at.x / 4u;
}

// As `pack4x8unorm`, with two conversions of numbers and not four, which llvmpipe makes lane by lane. 24 bits are exact.
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

fn store_pixel(at: vec2u, color: vec4f) {
    output[four_at(at)][at.x % 4u] = packed(at, color);
}

// Stores four pixels of a row at once: llvmpipe charges for each access, not for its size.
fn store_four(at: vec2u, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {
    if at.y < frame.output_size.y && at.x < frame.output_size.x {
        output[four_at(at)] = vec4u(
            packed(at, first),
            packed(at + vec2u(1, 0), second),
            packed(at + vec2u(2, 0), third),
            packed(at + vec2u(3, 0), fourth),
        );
    }
}
