// Darkens towards the corners: not at all within half of the half-diagonal, by `strength` at the corners.

fn vignette(color: vec4f, position: vec2f, strength: f32) -> vec4f {
    let centre = frame.resolution * 0.5;
    let away = distance(position, centre) / length(centre);
    return vec4f(color.rgb * (1.0 - strength * smoothstep(0.4, 1.0, away)), color.a);
}
