// The picture that the pass before left, premultiplied.

@group(0) @binding(2) var input: texture_2d<f32>;

fn load_inside(at: vec2u) -> vec4f {
    return textureLoad(input, at, 0);
}

// The colour of a pixel; outside, the nearest one's where EDGE_CLAMP says so, else transparent black.
fn load(at: vec2i) -> vec4f {
    let size = vec2i(frame.input_size);
    let inside = EDGE_CLAMP || (all(at >= vec2i(0)) && all(at < size));
    return select(vec4f(0.0), load_inside(vec2u(clamp(at, vec2i(0), size - 1))), inside);
}
