// Film grain: grey noise, different for every pixel, frame and seed; mostly weak, at most the amount.

fn grain(color: vec4f, position: vec2f, amount: f32, seed: f32) -> vec4f {
    let key = grain_hash(frame.index + grain_hash(u32(seed)));
    let random = grain_hash(u32(position.x) + grain_hash(u32(position.y) + key));
    // The sum of two uniform random numbers.
    let noise = f32((random & 0xffffu) + (random >> 16u)) / 65535.0 - 1.0;
    return vec4f(color.rgb + amount * noise, color.a);
}

// PCG-RXS-M-XS (Jarzynski and Olano 2020).
fn grain_hash(value: u32) -> u32 {
    let state = value * 747796405u + 2891336453u;
    let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}
