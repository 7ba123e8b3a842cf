// The picture before it was blurred.

@group(0) @binding(7) var original: texture_2d<f32>;

fn original_at(position: vec2f) -> vec4f {
    let texel = vec2i(floor(position)) + frame.original_margin;
    let size = vec2i(textureDimensions(original));
    let inside = all(texel >= vec2i(0)) && all(texel < size);
    return select(vec4f(0.0), textureLoad(original, clamp(texel, vec2i(0), size - 1), 0), inside);
}
