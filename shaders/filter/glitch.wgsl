// A damaged video tape: bands shifted sideways and colours apart, anew twelve times a second. Pixels that leave on one
// side come back on the other.

fn glitch(position: vec2f, amount: f32, seed: f32) -> vec4f {
    // 0.001 more, so that a time that is a twelfth except for rounding counts as one.
    let key = glitch_hash(u32(12.0 * frame.time + 0.001) + glitch_hash(u32(seed)));
    let down = position.y / frame.resolution.y + f32(key >> 24u) / 256.0;
    let wide = glitch_band(key + u32(11.0 * down), amount);
    let narrow = glitch_band(key + 1000u + u32(47.0 * down), 0.5 * amount);
    let torn = (0.25 * wide + 0.12 * narrow) * amount;
    let shift = i32(torn * frame.resolution.x);
    let apart = i32((0.008 * amount + 0.12 * abs(torn)) * frame.resolution.x);
    let at = vec2i(floor(position));
    let red = glitch_at(at, shift + apart);
    let green = glitch_at(at, shift);
    let blue = glitch_at(at, shift - apart);
    return vec4f(red.r, green.g, blue.b, max(green.a, max(red.a, blue.a)));
}

// How far a band is shifted, -1 to 1: most are not.
fn glitch_band(key: u32, amount: f32) -> f32 {
    let random = glitch_hash(key);
    let torn = f32(random & 0xffffu) < 65536.0 * 0.7 * amount;
    return select(0.0, f32(random >> 16u) / 32767.5 - 1.0, torn);
}

fn glitch_at(at: vec2i, shift: i32) -> vec4f {
    let width = i32(frame.resolution.x);
    return load(vec2i((at.x + shift + width) % width, at.y));
}

// PCG-RXS-M-XS (Jarzynski and Olano 2020).
fn glitch_hash(value: u32) -> u32 {
    let state = value * 747796405u + 2891336453u;
    let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}
