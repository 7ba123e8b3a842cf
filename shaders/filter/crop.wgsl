// Cuts this fraction of the picture off each side and stretches the rest.

fn crop(position: vec2f, left: f32, top: f32, right: f32, bottom: f32) -> vec4f {
    let first = vec2f(left, top) * frame.resolution;
    let rest = max(vec2f(1.0 - left - right, 1.0 - top - bottom), vec2f(0.0));
    return sample_inside(first + rest * position);
}
