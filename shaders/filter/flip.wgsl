// Left to right (0), upside down (1) or both (2).

fn flip(position: vec2f, direction: f32) -> vec4f {
    let at = vec2i(floor(position));
    let across = vec2i(frame.resolution) - 1 - at;
    return load(select(at, across, vec2<bool>(direction != 1.0, direction > 0.5)));
}
