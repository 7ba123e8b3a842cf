// As seen through water: deeper rows swing further.
struct Params {
    height: f32, // 6
    length: f32, // 40
}

fn effect(position: vec2f) -> vec4f {
    let depth = position.y / frame.resolution.y;
    let swing = params.height * depth * sin(position.y / params.length * 6.283 + frame.time * 4.0);
    return sample(position + vec2f(swing, 0.0));
}
