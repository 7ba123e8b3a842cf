// One half of the picture, and its reflection where the other half was: 0 left, 1 right, 2 top, 3 bottom.

fn mirror(position: vec2f, half: f32) -> vec4f {
    let at = vec2i(floor(position));
    let across = vec2i(frame.resolution) - 1 - at;
    let low = min(at, across);
    let high = max(at, across);
    if half < 1.5 {
        return load(vec2i(select(low.x, high.x, half > 0.5), at.y));
    }
    return load(vec2i(at.x, select(low.y, high.y, half > 2.5)));
}
