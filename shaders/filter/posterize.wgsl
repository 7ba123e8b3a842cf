// Reduces each channel to this many levels, evenly from 0 to 1.

fn posterize(color: vec4f, position: vec2f, levels: f32) -> vec4f {
    let steps = round(levels) - 1.0;
    return vec4f(floor(color.rgb * steps + 0.5) / steps, color.a);
}
