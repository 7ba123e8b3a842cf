// The picture of the pass before, premultiplied.

@group(0) @binding(2) var input: texture_2d<f32>;

// The colour of a pixel of the picture or of its margin; beyond, that of the nearest pixel if EDGE_CLAMP is set, else
// transparent black.
fn load(at: vec2i) -> vec4f {
    let texel = at + frame.input_margin;
    let size = vec2i(frame.input_size);
    let inside = EDGE_CLAMP || (all(texel >= vec2i(0)) && all(texel < size));
    return select(vec4f(0.0), textureLoad(input, clamp(texel, vec2i(0), size - 1), 0), inside);
}
