// Enlarges by a factor, about a fixed point.

fn zoom(position: vec2f, factor: f32, x: f32, y: f32) -> vec4f {
    let fixed_point = vec2f(x, y) * frame.resolution;
    let at = fixed_point + (position - fixed_point) / factor;
    // An enlarged picture covers every border, and its pixels there are as opaque as any.
    return sample(select(at, clamp(at, vec2f(0.5), frame.resolution - 0.5), factor > 1.0));
}
