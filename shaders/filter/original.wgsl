// The picture before it was blurred.

@group(0) @binding(7) var original: texture_2d<f32>;

fn original_at(position: vec2f) -> vec4f {
    return textureLoad(original, min(vec2u(position), frame.output_size - 1u), 0);
}
