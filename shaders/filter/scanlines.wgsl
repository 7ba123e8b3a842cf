// The soft dark gaps between the lines of a cathode ray tube, at this distance in pixels.

fn scanlines(color: vec4f, position: vec2f, size: f32, strength: f32) -> vec4f {
    let gap = abs(2.0 * fract(floor(position.y) / size) - 1.0);
    return vec4f(color.rgb * (1.0 - strength * gap * gap), color.a);
}
