// What filters see that look around.

@group(0) @binding(5) var linear: sampler;

// The colour at a place in pixels, interpolated linearly between pixels, whose centres lie at .5.
fn sample(position: vec2f) -> vec4f {
    let size = vec2f(frame.input_size);
    let color = textureSampleLevel(input, linear, position / size, 0.0);
    // How much of the pixel around the place lies inside.
    let inside = saturate(min(position, size - position) + 0.5);
    return select(color * inside.x * inside.y, color, EDGE_CLAMP);
}
