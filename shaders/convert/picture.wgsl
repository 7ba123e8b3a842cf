// The picture of the pass before, premultiplied.

@group(0) @binding(2) var input: texture_2d<f32>;

// The colour of a pixel of the picture or of its margin; beyond, that of the nearest pixel if EDGE_CLAMP is set, else
// transparent black.
fn load(at: vec2i) -> vec4f {
    let texel = at + frame.input_margin;
    let last = vec2i(frame.input_size) - 1;
    if EDGE_CLAMP {
        return textureLoad(input, clamp(texel, vec2i(0), last), 0);
    }
    // Coordinates below 0 are great numbers here.
    let nearest = min(vec2u(texel), vec2u(last));
    return select(vec4f(0.0), textureLoad(input, nearest, 0), all(nearest == vec2u(texel)));
}
