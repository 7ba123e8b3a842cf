// How filters read the picture at positions of their own choice.

@group(0) @binding(5) var linear: sampler;

// The colour at a position in pixels, interpolated linearly between pixels, whose centres are at .5.
fn sample(position: vec2f) -> vec4f {
    let size = vec2f(frame.input_size);
    let texel = position + f32(frame.input_margin);
    let color = textureSampleLevel(input, linear, texel / size, 0.0);
    // How much of the pixel around the position lies inside.
    let inside = saturate(min(texel, size - texel) + 0.5);
    return select(color * inside.x * inside.y, color, EDGE_CLAMP);
}

// The same without a test of the borders: outside is the nearest pixel of the border, whatever the edge.
fn sample_inside(position: vec2f) -> vec4f {
    return textureSampleLevel(input, linear, (position + f32(frame.input_margin)) / vec2f(frame.input_size), 0.0);
}
