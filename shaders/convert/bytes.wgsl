// Values of 0–1 as bytes, four a word.

// As `pack4x8unorm`, but with two conversions to integers where that takes four: llvmpipe makes them lane by lane. A
// float holds three bytes exactly.
fn pack_bytes(values: vec4f) -> u32 {
    let codes = round(saturate(values) * 255.0);
    return u32(codes.x + 256.0 * codes.y + 65536.0 * codes.z) | (u32(codes.w) << 24u);
}

// Less than half of 1/255, added to a value before it is rounded, so that a mean of rounded neighbours is the mean of what
// they were. Codes that are whole stay as they are.
fn dither(at: vec2u) -> f32 {
    return (f32((5u * at.x + 3u * at.y) % 8u) - 3.5) / (8.0 * 255.0);
}

// The same for four neighbours of a row.
fn dither_four(at: vec2u) -> vec4f {
    return vec4f(dither(at), dither(at + vec2u(1, 0)), dither(at + vec2u(2, 0)), dither(at + vec2u(3, 0)));
}
