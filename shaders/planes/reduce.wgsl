// The mean of FACTOR² pixels of planes, as a colour: a row of 32 / FACTOR an invocation. `reduced` is written out after this
// file. Sums are of whole bytes, two in a word.

alias Means = array<vec3f, PIXELS>;

// The sums of the first two bytes and of the last two.
fn pairs(words: vec4u) -> vec4u {
    return (words & vec4u(0x00ff00ffu)) + ((words >> vec4u(8u)) & vec4u(0x00ff00ffu));
}

// The first byte and the third one, to be added to others.
fn firsts(words: vec4u) -> vec4u {
    return words & vec4u(0x00ff00ffu);
}

fn both(sums: u32) -> f32 {
    return f32((sums & 0xffffu) + (sums >> 16u));
}

fn pair(sums: u32, i: u32) -> f32 {
    return f32((sums >> (16u * i)) & 0xffffu);
}

fn byte(word: u32, i: u32) -> f32 {
    return f32((word >> (8u * i)) & 0xffu);
}

// The pixel of this mean, premultiplied: planes are black where they are transparent.
fn color(at: vec2u, mean: vec3f) -> vec4f {
    let color = to_rgb(mean.x, mean.y, mean.z);
    if EDGE_CLAMP {
        return color;
    }
    let inside = clamp(vec2i(frame.input_size) - place(at) * FACTOR, vec2i(0), vec2i(FACTOR));
    let beyond = clamp(-place(at) * FACTOR, vec2i(0), vec2i(FACTOR));
    let share = vec2f(inside - beyond) / f32(FACTOR);
    return vec4f(color.rgb, max(share.x, 0.0) * max(share.y, 0.0));
}
