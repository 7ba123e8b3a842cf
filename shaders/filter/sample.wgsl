// What filters see that look around.

@group(0) @binding(5) var linear: sampler;

// The colour at a place in pixels, interpolated linearly between pixels, whose centres lie at .5.
fn sample(position: vec2f) -> vec4f {
    let size = vec2f(frame.input_size);
    let color = sample_inside(position);
    // How much of the pixel around the place lies inside.
    let inside = saturate(min(position, size - position) + 0.5);
    return select(color * inside.x * inside.y, color, EDGE_CLAMP);
}

// The same without a look at the borders: outside lies the nearest pixel of the border, whatever the edge.
fn sample_inside(position: vec2f) -> vec4f {
    return textureSampleLevel(input, linear, position / vec2f(frame.input_size), 0.0);
}
