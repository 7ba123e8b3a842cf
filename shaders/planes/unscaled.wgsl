// Samples stay as they are.

fn scaled(at: vec2u, four: vec4f) -> vec4f {
    return four;
}

fn scaled_words(at: vec2u, words: vec4u) -> vec4u {
    return words;
}
