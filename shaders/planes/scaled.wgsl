// Multiplies each sample's difference from black by a factor: what the pass's points make of white at that place.

fn factor(at: vec2u) -> f32 {
    // A chroma sample is on the left of 2×2 pixels, between their rows.
    let position = select(vec2f(2u * at) + vec2f(0.5, 1.0), vec2f(at) + 0.5, FIRST_PLANE == 0u);
    return point(vec4f(1.0), position).r;
}

// Four neighbours of a row, from here on.
fn scaled(at: vec2u, four: vec4f) -> vec4f {
    let black = vec4f(frame.rgb_to_yuv[FIRST_PLANE].w);
    let factors =
        vec4f(factor(at), factor(at + vec2u(1, 0)), factor(at + vec2u(2, 0)), factor(at + vec2u(3, 0)));
    return mix(black, four, factors);
}

fn scaled_word(at: vec2u, word: u32) -> u32 {
    return packed(at, scaled(at, values(word)));
}

// Sixteen.
fn scaled_words(at: vec2u, words: vec4u) -> vec4u {
    return vec4u(
        scaled_word(at, words.x),
        scaled_word(at + vec2u(4, 0), words.y),
        scaled_word(at + vec2u(8, 0), words.z),
        scaled_word(at + vec2u(12, 0), words.w),
    );
}
