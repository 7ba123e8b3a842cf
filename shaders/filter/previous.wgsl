// The result of this pass for the frame before; transparent black for the first frame.

@group(0) @binding(6) var last: texture_2d<f32>;

fn previous(position: vec2f) -> vec4f {
    let size = vec2i(frame.output_size);
    return textureLoad(last, clamp(vec2i(floor(position)) + frame.output_margin, vec2i(0), size - 1), 0);
}
